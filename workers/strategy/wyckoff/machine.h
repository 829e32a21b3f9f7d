/* machine: one bar seen by one direction's pattern. Private to workers/strategy/wyckoff.
 *
 * machine.c decides the stages, range.c phases B and C, evidence.c what an event says beside its bar, series.c the
 * features. Everything here is in the direction's own prices: mirrored for distribution.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_WYCKOFF_MACHINE_H
#define PROPFLEET_WORKERS_STRATEGY_WYCKOFF_MACHINE_H

#include "workers/strategy/wyckoff/wyckoff.h"

struct machine {
    const struct wyckoff_params *p;
    const struct wyckoff_series *series; /* bar t is in it */
    const struct wyckoff_context *context;
    struct wyckoff_pattern *x;
    struct wyckoff_output *out;
    uint32_t direction, t;
    double high, low, close, atr, rv, sr, clv; /* of bar t */
};
/* Bar i, t - WYCKOFF_RING < i <= t. */
const struct wyckoff_kept *series_bar(const struct wyckoff_series *series, uint32_t i);
/* Take a sane bar: it is bar `bar_count` from now on, with its features from the bars before it. */
void series_push(struct wyckoff_series *series, const struct wyckoff_params *p, const struct wyckoff_bar *bar);
/* What the machine has seen goes into the baselines of the next bar. */
void series_settle(struct wyckoff_series *series, const struct wyckoff_params *p);
bool series_restorable(const struct wyckoff_series *series, const struct wyckoff_params *p);

static inline double machine_low(const struct machine *m, uint32_t i)
{
    const struct wyckoff_kept *bar = series_bar(m->series, i);
    return m->direction == WYCKOFF_ACCUMULATION ? bar->low : -bar->high;
}
static inline double machine_high(const struct machine *m, uint32_t i)
{
    const struct wyckoff_kept *bar = series_bar(m->series, i);
    return m->direction == WYCKOFF_ACCUMULATION ? bar->high : -bar->low;
}
static inline double machine_close(const struct machine *m, uint32_t i)
{
    const struct wyckoff_kept *bar = series_bar(m->series, i);
    return m->direction == WYCKOFF_ACCUMULATION ? bar->close : -bar->close;
}
static inline double machine_rv(const struct machine *m, uint32_t i)
{
    return series_bar(m->series, i)->relative_volume;
}
/* i - n, at least 0 */
static inline uint32_t machine_back(uint32_t i, uint32_t n)
{
    return i > n ? i - n : 0;
}
static inline uint32_t machine_later(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The reference folds with Python's max and min: a NaN in front stays, a later one is passed over. Not fmax. */
static inline double fold_max(double so_far, double next)
{
    return next > so_far ? next : so_far;
}
static inline double fold_min(double so_far, double next)
{
    return next < so_far ? next : so_far;
}

/* An event: where it happened. */
struct where {
    uint32_t bar;
    int64_t time_ns;
    double price;
};
void machine_mark(struct machine *m, enum wyckoff_kind kind, struct where where);
void machine_end(struct machine *m, enum wyckoff_result result);
/* Bar t, if it is lower than the lowest so far. */
void machine_lower(struct machine *m);
struct where machine_lowest(const struct machine *m);
/* Bar t with its own `price`. */
struct where machine_here(const struct machine *m, double price);

/* The handlers (WYCKOFF_STAGE_LIST). */
void machine_idle(struct machine *m);
void machine_climax(struct machine *m);
void machine_rally(struct machine *m);
void machine_range(struct machine *m); /* range.c */
void machine_markup(struct machine *m);
/* True: bar t is a climax that began a pattern. */
bool machine_begin(struct machine *m);

/* evidence.c */
void evidence_begin_b(struct machine *m); /* the ST is known at bar t */
void evidence_bar(struct machine *m);     /* every bar of B, C and D, before its rules */
void evidence_fill(struct machine *m, struct wyckoff_event *event);
uint32_t evidence_grade(double rv, double penetration_atr);

#endif
