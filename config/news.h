/* news: which news windows a run over some market time could exercise with the calendar that it had. For reports;
 * reads a compiled configuration, links nothing but base. */
#ifndef PROPFLEET_CONFIG_NEWS_H
#define PROPFLEET_CONFIG_NEWS_H

#include "config/config.h"

enum news_verdict {
    NEWS_EXERCISED,    /* published events that concern the window's instruments, over all of the span */
    NEWS_DERIVED,      /* dates made by rule: unscheduled or irregular releases (CPI, FOMC) were not there */
    NEWS_PARTLY,       /* the calendar does not cover all of the span: outside, the window was closed for entries */
    NEWS_NO_EVENT,     /* covered, but no event concerned the instruments */
    NEWS_NO_CALENDAR,  /* none that is valid in the span: closed for entries all the time */
};
/* Over [from, to), for `instruments` (bits: what was traded) of a RULES_NEWS window; *events: how many concerned them and are of the
 * window's importance. */
enum news_verdict news_exercised(const struct fleet_config *config, const struct rules_window *window, uint32_t instruments,
                                 int64_t from_ns, int64_t to_ns, uint32_t *events);
const char *news_verdict_text(enum news_verdict verdict);

#endif
