/* momentum: RSI, and Wilder's directional movement (+DI, -DI, DX, ADX). Pure. quant.md section 1.
 *
 * Wilder's averages are kept as n times the average: their quotients are the same, and a bar costs a multiplication and an
 * addition in a row. See bar.h for init, next, run and restorable.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_MOMENTUM_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_MOMENTUM_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/strategy/indicators/averages.h"
#include "workers/strategy/indicators/bar.h"
#include "workers/strategy/indicators/volatility.h"

#define MOMENTUM_PERIOD_MAX 4096u

/* --- RSI ----------------------------------------------------------------------------------------------------------- */

/* d_t = C_t - C_{t-1}; G = mean of max(d, 0) over bars 1..n, then Wilder's recursion, L of the losses likewise;
 * RSI = 100 G / (G + L), 50 where G + L = 0 (TA-Lib has 0 there, TTR none). From bar n on. */
struct momentum_rsi {
    uint32_t period, count; /* count: closes seen, up to period + 1 */
    int64_t close;
    double gain, loss;      /* n G and n L */
    double keep;            /* (n - 1) / n */
};
/* 1 <= period <= MOMENTUM_PERIOD_MAX */
void momentum_rsi_init(struct momentum_rsi *rsi, uint32_t period);
bool momentum_rsi_restorable(const struct momentum_rsi *rsi, uint32_t period);
void momentum_rsi_run(struct momentum_rsi *rsi, const int64_t *closes, size_t count, double *out);
double momentum_rsi_seed(struct momentum_rsi *rsi, int64_t close); /* bars 0 .. n */

static inline double momentum_rsi_value(double gain, double loss)
{
    double both = gain + loss;
    return both > 0.0 ? 100.0 * (gain / both) : 50.0; /* gains alone: exactly 100 */
}
static inline double momentum_rsi_step(struct momentum_rsi *rsi, int64_t close) /* from bar n + 1 on */
{
    int64_t move = close - rsi->close, up = move > 0 ? move : 0;
    rsi->close = close;
    rsi->gain = rsi->gain * rsi->keep + (double)up;
    rsi->loss = rsi->loss * rsi->keep + (double)(up - move);
    return momentum_rsi_value(rsi->gain, rsi->loss);
}
static inline double momentum_rsi_next(struct momentum_rsi *rsi, int64_t close)
{
    return rsi->count > rsi->period ? momentum_rsi_step(rsi, close) : momentum_rsi_seed(rsi, close);
}

/* --- directional movement ------------------------------------------------------------------------------------------ */

struct momentum_direction {
    double plus, minus; /* +DI and -DI, 0..100; from bar n on. NaN while no bar had a range */
    double dx;          /* 100 |+DI - -DI| / (+DI + -DI); NaN while there was no directional movement */
    double adx;         /* Wilder's average of dx, seeded with the mean of the first n; from bar 2n - 1 on */
};
/* up = H - H_prev, down = L_prev - L: +DM = up where up > down and up > 0, -DM = down where down > up and down > 0. TR, +DM
 * and -DM are summed over bars 1 .. n - 1, and from bar n on S = S - S/n + x; +DI = 100 S(+DM) / S(TR). TA-Lib and TTR
 * alike. Where DX is undefined the bar does not enter the ADX. */
struct momentum_adx {
    uint32_t period, count;         /* count: bars seen, up to period */
    int64_t high, low, close;       /* of the bar before */
    double range, plus, minus;      /* the sums */
    double keep;                    /* (n - 1) / n */
    struct average_ema adx;
};
/* 2 <= period <= MOMENTUM_PERIOD_MAX */
void momentum_adx_init(struct momentum_adx *adx, uint32_t period);
bool momentum_adx_restorable(const struct momentum_adx *adx, uint32_t period);
struct momentum_direction momentum_adx_next(struct momentum_adx *adx, const struct indicator_bar *bar);
/* The ADX alone. */
void momentum_adx_run(struct momentum_adx *adx, const struct indicator_bar *bars, size_t count, double *out);

#endif
