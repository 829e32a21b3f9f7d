#include "config/news.h"

enum news_verdict news_exercised(const struct fleet_config *config, const struct rules_window *window, uint32_t instruments,
                                 int64_t from_ns, int64_t to_ns, uint32_t *events)
{
    const struct config_calendar *c = &config->calendar;
    const struct rules_event *list = config_events(config);
    *events = 0;
    if (c->kind == CALENDAR_NONE || c->valid_to_ns <= from_ns || c->valid_from_ns >= to_ns || c->valid_to_ns <= c->valid_from_ns)
        return NEWS_NO_CALENDAR;
    instruments &= window->instruments;
    for (uint32_t i = 0; i < c->event_count; i++)
        *events += (list[i].instruments & instruments) != 0 && list[i].importance >= window->importance &&
                   list[i].time_ns >= from_ns && list[i].time_ns < to_ns;
    if (c->valid_from_ns > from_ns || c->valid_to_ns < to_ns)
        return NEWS_PARTLY;
    if (*events == 0)
        return NEWS_NO_EVENT;
    return c->kind == CALENDAR_DERIVED ? NEWS_DERIVED : NEWS_EXERCISED;
}

const char *news_verdict_text(enum news_verdict verdict)
{
    switch (verdict) {
    case NEWS_EXERCISED:
        return "exercised";
    case NEWS_DERIVED:
        return "exercised with DERIVED dates alone: no CPI, no FOMC";
    case NEWS_PARTLY:
        return "not exercised in all of the span: the calendar does not cover it, entries were refused there";
    case NEWS_NO_EVENT:
        return "not exercised: no event concerned what was traded";
    case NEWS_NO_CALENDAR:
        break;
    }
    return "not exercised: no valid calendar, entries were refused all the time";
}
