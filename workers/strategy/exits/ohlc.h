/* ohlc: a plan played over bars, as a backtest does it. Pure; on the functions of exits.h.
 *
 * A bar does not say in which order its prices came. Pessimistic: the stop first, then the ladder in order, then the target;
 * optimistic: the reverse. Run both: the truth lies between, and `ambiguous` counts the bars where they may part. Where
 * finer bars or ticks exist, play those instead.
 *
 * Order in a bar (quant.md 6):
 *   1. open at or beyond the stop            all at the open (STOP_GAP, TRAIL_GAP)
 *   2. due: asked for, decided, time         all at the open
 *   3. open at or beyond legs, target        those at the open (SCALE), all at the open (TARGET_GAP)
 *   4. inside the bar                        stop, legs, target at their own prices
 *   5. the close                             exits_on_bar: the stop moves, from the next bar on; conditions decide
 * Prices have no costs in them: slippage and commission are the caller's, the spread too (exits.h).
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_EXITS_OHLC_H
#define PROPFLEET_WORKERS_STRATEGY_EXITS_OHLC_H

#include "workers/strategy/exits/exits.h"

struct exits_fill {
    uint32_t bar;               /* since the entry, from 0 */
    uint32_t reason;            /* enum exits_reason */
    int64_t price, lots;
};
struct exits_run {
    const struct exits_plan *plan;
    struct exits_state state;
    bool optimistic;
    uint32_t bar;               /* next one */
    uint32_t ambiguous;         /* bars with the stop and a leg or the target inside, both still open */
    uint32_t fill_count;
    struct exits_fill fills[EXITS_LEGS_MAX]; /* in order */
};

/* The plan is borrowed. The first bar is the one that the entry's fill opens, or the first after it. */
void exits_run_init(struct exits_run *run, const struct exits_plan *plan, bool optimistic);
/* False: it is flat. A bar that cannot be one fills nothing; it counts. */
bool exits_run_bar(struct exits_run *run, const struct exits_bar *bar);
/* The data end: what is open is closed at this price (END), in the last bar that was played. */
void exits_run_end(struct exits_run *run, int64_t price);
/* Result of what was closed, in R of the whole position. */
double exits_run_r(const struct exits_run *run);

#endif
