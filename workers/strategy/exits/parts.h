/* parts: what exits.c and ohlc.c share. Internal to this folder. */
#ifndef PROPFLEET_WORKERS_STRATEGY_EXITS_PARTS_H
#define PROPFLEET_WORKERS_STRATEGY_EXITS_PARTS_H

#include "workers/strategy/exits/exits.h"

/* How far a price lies beyond another in favour of the position. */
static inline int64_t exits_beyond(const struct exits_plan *plan, int64_t price, int64_t other)
{
    return plan->side == 1 ? price - other : other - price;
}
/* The extreme in favour, and against. */
static inline int64_t exits_best_of(const struct exits_plan *plan, const struct exits_bar *bar)
{
    return plan->side == 1 ? bar->high : bar->low;
}
static inline int64_t exits_worst_of(const struct exits_plan *plan, const struct exits_bar *bar)
{
    return plan->side == 1 ? bar->low : bar->high;
}
static inline bool exits_stop_touched(const struct exits_state *state, const struct exits_plan *plan, int64_t price)
{
    return exits_beyond(plan, price, state->stop) <= 0;
}
static inline bool exits_reached(const struct exits_plan *plan, int64_t price, int64_t level)
{
    return exits_beyond(plan, price, level) >= 0;
}

#endif
