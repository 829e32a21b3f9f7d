#include "shm/market.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t minutes;
} timeframes[TIMEFRAME_COUNT] = {
    [TIMEFRAME_M1] = {"M1", 1},   [TIMEFRAME_M5] = {"M5", 5},    [TIMEFRAME_M15] = {"M15", 15},
    [TIMEFRAME_H1] = {"H1", 60},  [TIMEFRAME_H4] = {"H4", 240},  [TIMEFRAME_D1] = {"D1", 1440},
};

int64_t timeframe_ns(enum market_timeframe timeframe)
{
    assert((unsigned)timeframe < TIMEFRAME_COUNT);
    return timeframes[timeframe].minutes * 60 * INT64_C(1000000000);
}

const char *timeframe_name(enum market_timeframe timeframe)
{
    assert((unsigned)timeframe < TIMEFRAME_COUNT);
    return timeframes[timeframe].name;
}

int timeframe_parse(const char *name, enum market_timeframe *out)
{
    assert(name && out);
    for (unsigned i = 0; i < TIMEFRAME_COUNT; i++) {
        if (strcmp(name, timeframes[i].name) == 0) {
            *out = (enum market_timeframe)i;
            return 0;
        }
    }
    return -EINVAL;
}
