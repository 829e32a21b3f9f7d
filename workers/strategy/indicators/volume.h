/* volume: where a bar closed in its range, and what volume says with it: CLV, ADL, CMF, OBV, MFI, up-volume. Pure.
 * quant.md section 1.
 *
 * FX volume is a count of ticks; whether a series' volume is evidence at all is its volume_kind, which the caller asks
 * (season out of it: seasonality.h). Sums of volumes and of money flow are whole numbers, hence exact. See bar.h for
 * init, next, run and restorable.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_VOLUME_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_VOLUME_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/strategy/indicators/averages.h"
#include "workers/strategy/indicators/bar.h"
#include "workers/strategy/indicators/window.h"

#define VOLUME_PERIOD_MAX WINDOW_BLOCK_MAX

/* Close location: (2C - H - L) / (H - L), -1 at the low to 1 at the high; 0 where H = L. */
static inline double volume_clv(const struct indicator_bar *bar)
{
    int64_t range = bar->high - bar->low;
    return (double)((bar->close - bar->low) - (bar->high - bar->close)) / (double)(range > 0 ? range : 1);
}
/* The same as (C - L) / (H - L), 0 to 1; 0.5 where H = L. */
static inline double volume_clv01(const struct indicator_bar *bar)
{
    int64_t range = bar->high - bar->low;
    return range > 0 ? (double)(bar->close - bar->low) / (double)range : 0.5;
}

/* --- running totals: their level depends on where the series began, use differences -------------------------------- */

/* Accumulation/distribution: the sum of CLV * V from bar 0. */
struct volume_adl {
    double total;
};
void volume_adl_init(struct volume_adl *adl);
bool volume_adl_restorable(const struct volume_adl *adl);
void volume_adl_run(struct volume_adl *adl, const struct indicator_bar *bars, size_t count, double *out);

static inline double volume_adl_next(struct volume_adl *adl, const struct indicator_bar *bar)
{
    adl->total += volume_clv(bar) * (double)bar->volume;
    return adl->total;
}

/* On balance: V_0, then + V where the close rose, - V where it fell. Wraps at 2^63, which differences do not see. */
struct volume_obv {
    uint32_t seen, reserved;
    int64_t close, total;
};
void volume_obv_init(struct volume_obv *obv);
bool volume_obv_restorable(const struct volume_obv *obv);
void volume_obv_run(struct volume_obv *obv, const struct indicator_bar *bars, size_t count, int64_t *out);

static inline int64_t volume_obv_next(struct volume_obv *obv, const struct indicator_bar *bar)
{
    int64_t side = obv->seen ? (bar->close > obv->close) - (bar->close < obv->close) : 1;
    obv->seen = 1;
    obv->close = bar->close;
    obv->total = (int64_t)((uint64_t)obv->total + (uint64_t)(side * bar->volume));
    return obv->total;
}

/* --- over a window ------------------------------------------------------------------------------------------------- */

/* Chaikin: the sum of CLV * V over the sum of V, -1..1; 0 where that is 0. From bar n - 1 on. */
struct volume_cmf {
    struct window_sum flow;
    struct average_sma volume;
};
/* 1 <= period <= VOLUME_PERIOD_MAX */
void volume_cmf_init(struct volume_cmf *cmf, uint32_t period);
bool volume_cmf_restorable(const struct volume_cmf *cmf, uint32_t period);

static inline double volume_cmf_next(struct volume_cmf *cmf, const struct indicator_bar *bar)
{
    window_sum_push(&cmf->flow, volume_clv(bar) * (double)bar->volume);
    (void)average_sma_next(&cmf->volume, bar->volume);
    double flow = window_sum_value(&cmf->flow);
    return cmf->volume.sum > 0 ? flow / (double)cmf->volume.sum : flow; /* exactly 0 then, or NaN until there are n bars */
}

/* Up-volume: the volume of the bars that closed up, over that and of those that closed down, 0..1; 0.5 where there is
 * neither. (The slope of OBV over all volume is twice this less one: not a further witness.) From bar n on. */
struct volume_up {
    uint32_t period, position, full, seen;
    int64_t close;
    int64_t up, down;
    int64_t ring[VOLUME_PERIOD_MAX]; /* up positive, down negative */
};
/* 1 <= period <= VOLUME_PERIOD_MAX */
void volume_up_init(struct volume_up *state, uint32_t period);
bool volume_up_restorable(const struct volume_up *state, uint32_t period);
double volume_up_next(struct volume_up *state, const struct indicator_bar *bar);

/* Money flow: S = H + L + C; PMF the sum over n bars of S * V where S rose, NMF where it fell; 100 PMF / (PMF + NMF), 50
 * where both are 0. In whole numbers: TA-Lib's doubles mistake a tie of S for a move. From bar n on. */
struct volume_flow {
    uint64_t low;
    int64_t high; /* S * V as 128 bits in two's complement, negative where S fell */
};
struct volume_mfi {
    uint32_t period, position, full, seen;
    int64_t typical;           /* S of the bar before */
    int64_t reserved;
    struct volume_flow net, gross; /* PMF - NMF and PMF + NMF */
    struct volume_flow ring[VOLUME_PERIOD_MAX];
};
/* 1 <= period <= VOLUME_PERIOD_MAX */
void volume_mfi_init(struct volume_mfi *mfi, uint32_t period);
bool volume_mfi_restorable(const struct volume_mfi *mfi, uint32_t period);
void volume_mfi_run(struct volume_mfi *mfi, const struct indicator_bar *bars, size_t count, double *out);
double volume_mfi_next(struct volume_mfi *mfi, const struct indicator_bar *bar);

#endif
