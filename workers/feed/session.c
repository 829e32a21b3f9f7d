#include "workers/feed/session.h"

#include <assert.h>

#include "base/clock.h"

#define HOUR_NS (3600 * CLOCK_NS_PER_S)
#define DAY_S 86400
#define HOURS_A_WEEK 168

bool session_open_local(const struct config_instrument *instrument, int weekday, int32_t second)
{
    struct hours hours = {.open_s = instrument->session_open_s, .close_s = instrument->session_close_s,
                          .closed_weekend = instrument->closed_weekend};
    return hours_open_local(&hours, weekday, second);
}

uint64_t session_hour_mask(const struct config_instrument *instrument, const struct tz_table *zone, int64_t hour_ns)
{
    assert(hour_ns % HOUR_NS == 0);
    int64_t local_s = hour_ns / CLOCK_NS_PER_S + tz_offset_at(zone, hour_ns);
    uint64_t mask = 0;
    for (int minute = 0; minute < 60; minute++, local_s += 60) {
        int64_t day = local_s / DAY_S;                  /* after 1970 */
        int weekday = (int)((day + 4) % 7);             /* 1970-01-01 was a Thursday */
        mask |= (uint64_t)session_open_local(instrument, weekday, (int32_t)(local_s - day * DAY_S)) << minute;
    }
    return mask;
}

uint32_t session_week_minutes(const struct config_instrument *instrument, const struct tz_table *zone, int64_t from_ns)
{
    uint32_t minutes = 0;
    for (int i = 0; i < HOURS_A_WEEK; i++)
        minutes += (uint32_t)__builtin_popcountll(session_hour_mask(instrument, zone, from_ns + i * HOUR_NS));
    return minutes;
}
