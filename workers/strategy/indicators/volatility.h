/* volatility: true range, ATR, and the range-based estimators of volatility. Pure. quant.md section 1.
 *
 * True range and ATR are in price units. The estimators are standard deviations of a bar's log return, not annualised:
 * do that at the edge, sigma_year = sigma_bar * sqrt(bars a year), with the bars a year counted from the data. They are biased
 * low where a bar has few ticks. See bar.h for init, next, run and restorable.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_VOLATILITY_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_VOLATILITY_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/strategy/indicators/bar.h"
#include "workers/strategy/indicators/window.h"

#define VOLATILITY_ATR_PERIOD_MAX 4096u
#define VOLATILITY_PERIOD_MAX WINDOW_BLOCK_MAX

/* ln(a / b) of positive prices, to about an ulp also where they are close: the logarithm of a rounded quotient loses
 * five digits at one point of 1.1. */
double volatility_log_ratio(int64_t a, int64_t b);

/* --- true range and ATR -------------------------------------------------------------------------------------------- */

/* max(H, C_prev) - min(L, C_prev). Undefined at bar 0, which has no close before it. */
static inline int64_t volatility_true_range(const struct indicator_bar *bar, int64_t close_before)
{
    int64_t high = bar->high > close_before ? bar->high : close_before;
    int64_t low = bar->low < close_before ? bar->low : close_before;
    return high - low;
}

/* Wilder: the mean of TR_1..TR_n at bar n, then (ATR (n - 1) + TR) / n. Kept as n ATR: a multiplication and an addition
 * from bar to bar. */
struct volatility_atr {
    uint32_t period, count; /* count: bars seen, up to period + 1 */
    int64_t close;
    double sum;             /* n ATR, or the true ranges so far */
    double keep, share;     /* (n - 1) / n and 1 / n */
};
/* 1 <= period <= VOLATILITY_ATR_PERIOD_MAX */
void volatility_atr_init(struct volatility_atr *atr, uint32_t period);
bool volatility_atr_restorable(const struct volatility_atr *atr, uint32_t period);
void volatility_atr_run(struct volatility_atr *atr, const struct indicator_bar *bars, size_t count, double *out);
double volatility_atr_seed(struct volatility_atr *atr, const struct indicator_bar *bar); /* bars 0 .. n */

static inline double volatility_atr_step(struct volatility_atr *atr, const struct indicator_bar *bar) /* from bar n + 1 */
{
    atr->sum = atr->sum * atr->keep + (double)volatility_true_range(bar, atr->close);
    atr->close = bar->close;
    return atr->sum * atr->share;
}
/* From bar n on. */
static inline double volatility_atr_next(struct volatility_atr *atr, const struct indicator_bar *bar)
{
    return atr->count > atr->period ? volatility_atr_step(atr, bar) : volatility_atr_seed(atr, bar);
}

/* --- close to close ------------------------------------------------------------------------------------------------ */

/* Sample deviation of the n - 1 log returns of n closes (TTR's volatility); from bar n - 1 on. */
struct volatility_close {
    uint32_t period, seen;
    int64_t close;
    struct window_moments returns;
};
/* 3 <= period <= VOLATILITY_PERIOD_MAX: two returns at least */
void volatility_close_init(struct volatility_close *state, uint32_t period);
bool volatility_close_restorable(const struct volatility_close *state, uint32_t period);
double volatility_close_next(struct volatility_close *state, int64_t close);

/* --- from the range ------------------------------------------------------------------------------------------------ */

#define VOLATILITY_KINDS(X) X(PARKINSON) X(GARMAN_KLASS) X(ROGERS_SATCHELL) X(GARMAN_KLASS_YANG_ZHANG)
enum volatility_kind {
#define X(name) VOLATILITY_##name,
    VOLATILITY_KINDS(X)
#undef X
    VOLATILITY_KIND_COUNT
};

/* The root of the mean over n bars of
 *   PARKINSON                ln(H/L)^2 / (4 ln 2)
 *   GARMAN_KLASS             ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2
 *   ROGERS_SATCHELL          ln(H/C) ln(H/O) + ln(L/C) ln(L/O)
 *   GARMAN_KLASS_YANG_ZHANG  ln(O/C_prev)^2 and Garman-Klass
 * Below zero under the root: 0. From bar n - 1 on, the last one, which needs a close before, from bar n on. */
struct volatility_range {
    uint32_t kind, seen;
    int64_t close;
    struct window_sum terms;
};
/* 1 <= period <= VOLATILITY_PERIOD_MAX */
void volatility_range_init(struct volatility_range *state, enum volatility_kind kind, uint32_t period);
bool volatility_range_restorable(const struct volatility_range *state, enum volatility_kind kind, uint32_t period);
double volatility_range_next(struct volatility_range *state, const struct indicator_bar *bar);

/* --- Yang-Zhang ---------------------------------------------------------------------------------------------------- */

/* s^2 = var(ln O/C_prev) + k var(ln C/O) + (1 - k) RS^2, k = .34 / (1.34 + (n + 1) / (n - 1)), variances with n - 1; from bar n
 * on. In a market that trades around the clock the first term is gaps over weekends alone. */
struct volatility_yang_zhang {
    uint32_t period, seen;
    int64_t close;
    struct window_moments overnight, within;
    struct window_sum satchell;
};
/* 2 <= period <= VOLATILITY_PERIOD_MAX */
void volatility_yang_zhang_init(struct volatility_yang_zhang *state, uint32_t period);
bool volatility_yang_zhang_restorable(const struct volatility_yang_zhang *state, uint32_t period);
double volatility_yang_zhang_next(struct volatility_yang_zhang *state, const struct indicator_bar *bar);

#endif
