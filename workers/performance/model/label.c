#include "workers/performance/model/label.h"

#include <errno.h>
#include <math.h>

#include "workers/broker/broker.h"

static bool barriers_valid(const struct model_barriers *b)
{
    if ((b->side != SIDE_BUY && b->side != SIDE_SELL) || b->entry <= 0 || b->stop <= 0 || b->target < 0 || b->spread < 0 ||
        b->limit_ns <= 0 || b->bar_ns < 0 || !isfinite(b->cost_r))
        return false;
    bool buy = b->side == SIDE_BUY;
    return (buy ? b->stop < b->entry : b->stop > b->entry) &&
           (b->target == 0 || (buy ? b->target > b->entry : b->target < b->entry));
}

static bool bar_valid(const struct model_barriers *b, const struct model_bar *bars, uint32_t i)
{
    const struct model_bar *bar = &bars[i];
    return bar->low > 0 && bar->open >= bar->low && bar->open <= bar->high && bar->close >= bar->low &&
           bar->close <= bar->high && bar->high <= DEC_MAX - b->spread && bar->open_ns >= b->entry_ns &&
           (i == 0 || bar->open_ns > bars[i - 1].open_ns);
}

/* Whether price is at the level or beyond it, seen from the entry: direction 1 upwards, -1 downwards. */
static bool reached(dec_t price, dec_t level, int direction)
{
    return direction > 0 ? price >= level : price <= level;
}

static bool time_is_up(const struct model_barriers *b, const struct model_bar *bar, uint32_t i)
{
    int64_t elapsed;
    bool overflow = b->bar_ns > 0 ? __builtin_mul_overflow((int64_t)i, b->bar_ns, &elapsed)
                                  : __builtin_sub_overflow(bar->open_ns, b->entry_ns, &elapsed);
    return overflow || elapsed >= b->limit_ns;
}

/* The exit in this bar; NONE: it goes on. */
static uint32_t bar_exit(const struct model_barriers *b, const struct model_bar *bar, uint32_t i, struct model_label *out)
{
    int forward = b->side == SIDE_BUY ? 1 : -1;
    dec_t extra = forward > 0 ? 0 : b->spread, open = bar->open + extra;
    dec_t good = (forward > 0 ? bar->high : bar->low) + extra, bad = (forward > 0 ? bar->low : bar->high) + extra;
    bool has_target = b->target > 0;
    out->price = open;
    if (reached(open, b->stop, -forward))
        return MODEL_EXIT_STOP;
    if (time_is_up(b, bar, i))
        return MODEL_EXIT_TIME;
    if (has_target && reached(open, b->target, forward))
        return MODEL_EXIT_TARGET;
    bool target = has_target && reached(good, b->target, forward);
    if (reached(bad, b->stop, -forward)) {
        out->ambiguous = target;
        out->price = b->stop;
        return MODEL_EXIT_STOP;
    }
    out->price = b->target;
    return target ? MODEL_EXIT_TARGET : MODEL_EXIT_NONE;
}

int model_label_barriers(const struct model_barriers *barriers, const struct model_bar *bars, uint32_t bar_count,
                         struct model_label *out)
{
    if (!barriers_valid(barriers))
        return -EINVAL;
    *out = (struct model_label){.net_r = NAN, .t0_ns = barriers->entry_ns, .t1_ns = barriers->entry_ns};
    for (uint32_t i = 0; i < bar_count && out->exit == MODEL_EXIT_NONE; i++) {
        if (!bar_valid(barriers, bars, i))
            return -EINVAL;
        out->exit = bar_exit(barriers, &bars[i], i, out);
        out->bar = i;
        out->t1_ns = bars[i].open_ns;
    }
    if (out->exit == MODEL_EXIT_NONE) {
        out->price = 0;
        return 0;
    }
    double move = dec_to_double(barriers->side == SIDE_BUY ? out->price - barriers->entry : barriers->entry - out->price);
    out->net_r = move / dec_to_double(dec_abs(barriers->entry - barriers->stop)) - barriers->cost_r;
    out->y = out->net_r > 0.0;
    return 0;
}

void model_null_reverse(struct model_bar *bars, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        struct model_bar first = bars[i], last = bars[count - 1 - i];
        int64_t early = first.open_ns, late = last.open_ns;
        bars[i] = last;
        bars[i].open_ns = early;
        bars[count - 1 - i] = first;
        bars[count - 1 - i].open_ns = late;
    }
    for (uint32_t i = 0; i < count; i++) {
        dec_t open = bars[i].open;
        bars[i].open = bars[i].close;
        bars[i].close = open;
    }
}

int model_null_garch(double omega, double alpha, double beta, const double *shocks, uint32_t count, double *returns)
{
    if (!(omega > 0.0) || !(alpha >= 0.0) || !(beta >= 0.0) || !(alpha + beta < 1.0) || !isfinite(omega))
        return -EINVAL;
    double variance = omega / (1.0 - alpha - beta);
    for (uint32_t i = 0; i < count; i++) {
        returns[i] = sqrt(variance) * shocks[i];
        variance = omega + alpha * returns[i] * returns[i] + beta * variance;
    }
    return 0;
}
