#include "workers/strategy/exits/ohlc.h"

#include <assert.h>
#include <string.h>

#include "workers/strategy/exits/parts.h"

void exits_run_init(struct exits_run *run, const struct exits_plan *plan, bool optimistic)
{
    memset(run, 0, sizeof *run);
    run->plan = plan;
    run->optimistic = optimistic;
    exits_init(&run->state, plan);
}

static void fill(struct exits_run *run, int64_t price, int64_t lots, enum exits_reason reason)
{
    assert(run->fill_count < EXITS_LEGS_MAX && lots > 0 && lots <= run->state.lots);
    run->fills[run->fill_count++] = (struct exits_fill){run->bar, reason, price, lots};
    (void)exits_on_fill(&run->state, run->plan, lots);
}

static bool all(struct exits_run *run, int64_t price, enum exits_reason reason)
{
    fill(run, price, run->state.lots, reason);
    return true;
}

/* The legs that `best` reaches, at their own prices or all at `open` (0: their own). True: flat. */
static bool legs(struct exits_run *run, int64_t best, int64_t open)
{
    const struct exits_plan *plan = run->plan;
    while (run->state.leg + 1 < plan->leg_count && exits_reached(plan, best, plan->legs[run->state.leg].price))
        fill(run, open ? open : plan->legs[run->state.leg].price, run->state.leg_lots, EXITS_SCALE);
    if (!exits_reached(plan, best, plan->target))
        return false;
    return all(run, open ? open : plan->target, open ? EXITS_TARGET_GAP : EXITS_TARGET);
}

/* True: flat. */
static bool at_open(struct exits_run *run, const struct exits_bar *bar)
{
    if (exits_stop_touched(&run->state, run->plan, bar->open))
        return all(run, bar->open, exits_stop_reason(&run->state, true));
    enum exits_reason due = exits_due(&run->state, run->plan, bar->elapsed_ns);
    if (due != EXITS_NONE)
        return all(run, bar->open, due);
    return legs(run, bar->open, bar->open);
}

static bool inside(struct exits_run *run, const struct exits_bar *bar)
{
    const struct exits_plan *plan = run->plan;
    int64_t best = exits_best_of(plan, bar);
    bool stopped = exits_stop_touched(&run->state, plan, exits_worst_of(plan, bar));
    run->ambiguous += stopped && exits_reached(plan, best, plan->legs[run->state.leg].price);
    if (stopped && run->optimistic)
        return legs(run, best, 0) || all(run, run->state.stop, exits_stop_reason(&run->state, false));
    return stopped ? all(run, run->state.stop, exits_stop_reason(&run->state, false)) : legs(run, best, 0);
}

bool exits_run_bar(struct exits_run *run, const struct exits_bar *bar)
{
    struct exits_decision decision;
    if (run->state.lots == 0)
        return false;
    if (exits_bar_is_sane(bar) && !at_open(run, bar) && !inside(run, bar))
        exits_on_bar(&run->state, run->plan, bar, &decision);
    run->bar++;
    return run->state.lots > 0;
}

void exits_run_end(struct exits_run *run, int64_t price)
{
    if (run->state.lots == 0)
        return;
    run->bar -= run->bar > 0;
    (void)all(run, price, EXITS_END);
    run->bar++;
}

double exits_run_r(const struct exits_run *run)
{
    __int128 sum = 0;
    for (uint32_t i = 0; i < run->fill_count; i++)
        sum += (__int128)run->fills[i].lots * exits_gain(run->plan, run->fills[i].price);
    return (double)sum / (double)((__int128)run->plan->lots * run->plan->risk);
}
