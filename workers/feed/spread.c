#include "workers/feed/spread.h"

#include <assert.h>

#include "base/clock.h"

#define MINUTE_NS (60 * CLOCK_NS_PER_S)
#define DAY_FROM_MINUTE (7u * 60u)
#define DAY_TO_MINUTE (21u * 60u)
#define ROLLOVER_MINUTE (21u * 60u + 55u)
#define WEEKEND_TENTHS 50u

static const uint8_t rollover_tenths[20] = {30, 40, 50, 60, 70, 80, 80, 80, 80, 80,
                                            75, 70, 65, 60, 55, 50, 45, 40, 35, 30};

unsigned spread_factor_tenths(unsigned minute_of_day)
{
    assert(minute_of_day < SPREAD_MINUTES);
    if (minute_of_day - ROLLOVER_MINUTE < sizeof rollover_tenths)
        return rollover_tenths[minute_of_day - ROLLOVER_MINUTE];
    return minute_of_day >= DAY_FROM_MINUTE && minute_of_day < DAY_TO_MINUTE ? 10 : 13;
}

static uint32_t times_tenths(dec_t base_ticks, unsigned tenths)
{
    __int128 product = (__int128)base_ticks * tenths, unit = (__int128)DEC_ONE * 10;
    __int128 ticks = (product + unit - 1) / unit;
    return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

void spread_model_init(struct spread_model *model, dec_t base_ticks)
{
    assert(base_ticks >= 0);
    for (unsigned i = 0; i < SPREAD_MINUTES; i++)
        model->ticks[i] = times_tenths(base_ticks, spread_factor_tenths(i));
    model->weekend_ticks = times_tenths(base_ticks, WEEKEND_TENTHS);
}

uint32_t spread_model_at(const struct spread_model *model, int64_t utc_ns, bool after_weekend)
{
    assert(utc_ns >= 0);
    uint32_t ticks = model->ticks[(uint64_t)utc_ns / (uint64_t)MINUTE_NS % SPREAD_MINUTES];
    return after_weekend && ticks < model->weekend_ticks ? model->weekend_ticks : ticks;
}

uint32_t spread_in_ticks(dec_t spread, dec_t tick)
{
    assert(spread >= 0 && tick > 0);
    uint64_t ticks = (uint64_t)spread / (uint64_t)tick + ((uint64_t)spread % (uint64_t)tick != 0);
    return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}
