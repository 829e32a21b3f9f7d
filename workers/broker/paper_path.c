/* The quotes inside a bar: open, nearer extreme, other extreme, close (orders.md 5.5). A guess. */
#include "workers/broker/paper_internal.h"

#include <assert.h>

static void leg(struct paper_path *path, dec_t from, dec_t to, dec_t step)
{
    while (from != to) {
        dec_t rest = to - from;
        from = rest > step ? from + step : rest < -step ? from - step : to;
        assert(path->count < PAPER_PATH_MAX);
        path->bid[path->count++] = from;
    }
}

void paper_path_build(struct paper_path *path, const struct market_record *bar, dec_t tick, int64_t open_ns)
{
    dec_t open = bar->u.bar.open, close = bar->u.bar.close;
    dec_t low = dec_min(bar->u.bar.low, dec_min(open, close)), high = dec_max(bar->u.bar.high, dec_max(open, close));
    /* Rounded up to ticks, so that a step is never less than 1/32 of the range: the count is bounded. */
    dec_t step = dec_max(1, (high - low + PAPER_PATH_STEPS * tick - 1) / (PAPER_PATH_STEPS * tick)) * tick;
    bool high_first = high - open < open - low;

    path->open_ns = open_ns;
    path->span_ns = bar->time_ns - open_ns;
    path->count = 0;
    path->bid[path->count++] = open;
    leg(path, open, high_first ? high : low, step);
    leg(path, high_first ? high : low, high_first ? low : high, step);
    leg(path, high_first ? low : high, close, step);

    dec_t low_ahead = close, high_ahead = close;
    for (uint32_t i = path->count; i-- > 0;) {
        low_ahead = dec_min(low_ahead, path->bid[i]);
        high_ahead = dec_max(high_ahead, path->bid[i]);
        path->low_ahead[i] = low_ahead;
        path->high_ahead[i] = high_ahead;
    }
}
