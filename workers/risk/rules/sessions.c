#include "workers/risk/rules/sessions.h"

#include <assert.h>

#define NS_PER_S INT64_C(1000000000)

bool sessions_calendar(const struct fleet_config *config, struct rules_calendar *out)
{
    const struct config_calendar *c = &config->calendar;
    *out = (struct rules_calendar){.events = config_events(config), .count = c->event_count, .valid_from_ns = c->valid_from_ns,
                                   .valid_to_ns = c->valid_to_ns, .derived = c->kind == CALENDAR_DERIVED};
    return c->kind != CALENDAR_NONE && c->valid_to_ns > c->valid_from_ns;
}

static struct hours_closures closures_of(const struct fleet_config *config, uint32_t instrument)
{
    assert(instrument < config->instrument_count);
    return (struct hours_closures){config_closures(config), config->calendar.closure_count, instrument};
}

bool sessions_open(const struct fleet_config *config, uint32_t instrument, int64_t t_ns)
{
    struct hours_closures closures = closures_of(config, instrument);
    struct hours hours = config_hours(config, instrument);
    return hours_open_at(&hours, &closures, t_ns);
}

void sessions_next_close(const struct fleet_config *config, uint32_t instrument, int64_t t_ns, int64_t *close_ns, int64_t *closed_for_s)
{
    struct hours_closures closures = closures_of(config, instrument);
    struct hours hours = config_hours(config, instrument);
    struct hours_close close;
    bool any = hours_next_close(&hours, &closures, t_ns, &close);
    *close_ns = any ? close.from_ns : 0;
    *closed_for_s = any ? (close.to_ns - close.from_ns) / NS_PER_S : 0;
}
