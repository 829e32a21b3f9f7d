/* averages: SMA, EMA, Wilder, the rolling standard deviation, Bollinger bands. Pure. quant.md section 1.
 *
 * What is averaged over a window of prices is summed in integers: exact, so that nothing drifts, a constant window deviates
 * by exactly 0, and the value depends on the window's prices alone, not on where the series began. Values in the unit of the
 * input. See bar.h for init, next, run and restorable.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_AVERAGES_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_AVERAGES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/strategy/indicators/bar.h"

#define AVERAGE_PERIOD_MAX 256u        /* of windows */
#define AVERAGE_DECAY_PERIOD_MAX 4096u /* of what keeps no window */

/* --- SMA: the mean of the last n; from bar n - 1 on ---------------------------------------------------------------- */

struct average_sma {
    uint32_t period, position; /* position: the oldest, once full */
    uint32_t full, reserved;
    int64_t sum;
    int64_t ring[AVERAGE_PERIOD_MAX];
};
/* 1 <= period <= AVERAGE_PERIOD_MAX; values within +-INDICATOR_PRICE_MAX */
void average_sma_init(struct average_sma *sma, uint32_t period);
bool average_sma_restorable(const struct average_sma *sma, uint32_t period);
void average_sma_run(struct average_sma *sma, const int64_t *values, size_t count, double *out);

static inline double average_sma_next(struct average_sma *sma, int64_t value)
{
    uint32_t at = sma->position;
    sma->sum += value - sma->ring[at];
    sma->ring[at] = value;
    if (++at == sma->period) {
        at = 0;
        sma->full = 1;
    }
    sma->position = at;
    return sma->full ? (double)sma->sum / (double)sma->period : NAN;
}

/* --- EMA and Wilder: seeded with the mean of the first n; from bar n - 1 on ---------------------------------------- */

/* EMA_t = EMA_{t-1} + a (x_t - EMA_{t-1}), a = 2 / (n + 1) or, Wilder's, 1 / n. Leading NaNs are skipped before seeding; a
 * NaN later on leaves the average as it is and gives NaN. (TA-Lib and TTR seed so; Tulip and pandas with x_0.) */
struct average_ema {
    uint32_t period, count; /* count: values of the seed, up to period */
    double alpha;
    double value;           /* the average, or the sum of the seed */
};
/* 1 <= period <= AVERAGE_DECAY_PERIOD_MAX */
void average_ema_init(struct average_ema *ema, uint32_t period);
void average_wilder_init(struct average_ema *ema, uint32_t period);
/* wilder: initialised by average_wilder_init. */
bool average_ema_restorable(const struct average_ema *ema, uint32_t period, bool wilder);
void average_ema_run(struct average_ema *ema, const double *values, size_t count, double *out);
double average_ema_seed(struct average_ema *ema, double x); /* for average_ema_next: before there is an average */

static inline double average_ema_next(struct average_ema *ema, double x)
{
    if (ema->count < ema->period)
        return average_ema_seed(ema, x);
    if (isnan(x))
        return NAN;
    ema->value += ema->alpha * (x - ema->value);
    return ema->value;
}

/* --- standard deviation and Bollinger bands; from bar n - 1 on ----------------------------------------------------- */

/* n S2 - S1^2 over the window, in integers of 128 bits: no cancellation, whatever the level of the prices. */
struct average_deviation {
    uint32_t period, position;
    uint32_t full, reserved;
    int64_t sum;
    uint64_t squares_low, squares_high; /* sum of squares */
    int64_t ring[AVERAGE_PERIOD_MAX];
};
/* 1 <= period <= AVERAGE_PERIOD_MAX; values within +-INDICATOR_PRICE_MAX */
void average_deviation_init(struct average_deviation *deviation, uint32_t period);
bool average_deviation_restorable(const struct average_deviation *deviation, uint32_t period);
/* out: sample deviations. */
void average_deviation_run(struct average_deviation *deviation, const int64_t *values, size_t count, double *out);

/* Of a count that fits, as nearly always, without the library's conversion; rounded once either way. */
static inline double average_wide_to_double(unsigned __int128 value)
{
    return value >> 63 == 0 ? (double)(int64_t)value : (double)value;
}

static inline void average_deviation_push(struct average_deviation *d, int64_t value)
{
    uint32_t at = d->position;
    int64_t old = d->ring[at];
    unsigned __int128 squares = (unsigned __int128)d->squares_high << 64 | d->squares_low;
    squares += (unsigned __int128)((__int128)value * value) - (unsigned __int128)((__int128)old * old);
    d->squares_low = (uint64_t)squares;
    d->squares_high = (uint64_t)(squares >> 64);
    d->sum += value - old;
    d->ring[at] = value;
    if (++at == d->period) {
        at = 0;
        d->full = 1;
    }
    d->position = at;
}
/* n S2 - S1^2 = n^2 times the population variance. */
static inline double average_spread(uint32_t n, int64_t sum, unsigned __int128 squares)
{
    return average_wide_to_double(squares * n - (unsigned __int128)((__int128)sum * sum));
}
/* Meaningful once full. */
static inline double average_deviation_spread(const struct average_deviation *d)
{
    return average_spread(d->period, d->sum, (unsigned __int128)d->squares_high << 64 | d->squares_low);
}
static inline double average_deviation_mean(const struct average_deviation *d)
{
    return d->full ? (double)d->sum / (double)d->period : NAN;
}
/* Divisor n - 1: NaN for n < 2. */
static inline double average_deviation_sample(const struct average_deviation *d)
{
    double n = d->period;
    return d->full && d->period >= 2 ? sqrt(average_deviation_spread(d) / (n * (n - 1.0))) : NAN;
}
/* Divisor n. */
static inline double average_deviation_population(const struct average_deviation *d)
{
    return d->full ? sqrt(average_deviation_spread(d)) / (double)d->period : NAN;
}
static inline double average_deviation_next(struct average_deviation *d, int64_t value)
{
    average_deviation_push(d, value);
    return average_deviation_sample(d);
}

struct average_bands {
    double upper, middle, lower; /* NaN before bar n - 1 */
};
/* The mean and `width` population deviations about it (Bollinger's usual 2; width finite, >= 0). */
static inline struct average_bands average_bands_next(struct average_deviation *d, int64_t value, double width)
{
    average_deviation_push(d, value);
    double middle = average_deviation_mean(d), apart = width * average_deviation_population(d);
    return (struct average_bands){middle + apart, middle, middle - apart};
}

#endif
