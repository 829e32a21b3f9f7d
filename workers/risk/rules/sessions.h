/* sessions: what the rules ask of the clock and the compiled calendar: the events, the next close, open or not.
 *
 * Pure. Instruments are indices of the configuration (in range); the configuration is one of config_map, or has its
 * calendar behind it. What is returned points into the configuration.
 */
#ifndef PROPFLEET_WORKERS_RISK_RULES_SESSIONS_H
#define PROPFLEET_WORKERS_RISK_RULES_SESSIONS_H

#include "config/config.h"
#include "workers/risk/rules/rules.h"

/* False: there is none (rules_context.calendar becomes NULL). */
bool sessions_calendar(const struct fleet_config *config, struct rules_calendar *out);
/* The week of instruments.yaml and the calendar's closes. */
bool sessions_open(const struct fleet_config *config, uint32_t instrument, int64_t t_ns);
/* For rules_context.close_ns and closed_for_s: the close that has not ended at t, the one going on (close_ns <= t) or the
 * next. 0, 0: it never closes. The answer is the same until the close has ended: keep it so long. */
void sessions_next_close(const struct fleet_config *config, uint32_t instrument, int64_t t_ns, int64_t *close_ns, int64_t *closed_for_s);

#endif
