/* spa: does the best of many beat the benchmark at all? White's reality check (2000) and Hansen's test of superior predictive
 * ability (2005), quant.md section 4. Pure; memory and bootstrap indices are the caller's.
 *
 * d[t][k] is what strategy k made more than the benchmark in period t, m_k its mean over T periods, and
 *   omega_k^2 = g0 + 2 sum_i kappa_i g_i,  kappa_i = (T-i)/T (1-q)^i + i/T (1-q)^(T-i),  q = 1 / block
 * the long-run variance under the stationary bootstrap (g_i: autocovariances, divided by T). With a scale s_k of 1
 * (unstudentised) or omega_k (studentised):
 *   V    = max(0, max_k sqrt(T) m_k / s_k)
 *   p    = share of resamples with max(0, max_k sqrt(T) (m*_k - mu_k) / s_k) > V
 *   mu_k = m_k                                                    upper: the reality check when unstudentised
 *        = m_k where sqrt(T) m_k / omega_k >= -sqrt(2 ln ln T), otherwise 0    consistent
 *        = max(m_k, 0)                                            lower
 * lower <= consistent <= upper. Report the consistent one, studentised; Python's `arch` never studentises,
 * whatever its flag says. A strategy that does not vary against the benchmark is left out and counted.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_SPA_H
#define PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_SPA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPA_PERIODS_MIN 8u

struct spa_input {
    const double *excess; /* d[t * strategy_count + k], oldest first */
    uint32_t period_count, strategy_count;
    const uint32_t *indices; /* of the stationary bootstrap: indices[b * period_count + t] < period_count */
    uint32_t resample_count;
    double block;         /* mean block length of that bootstrap, periods, >= 1 */
    bool studentised;
};
enum spa_centring { SPA_LOWER, SPA_CONSISTENT, SPA_UPPER, SPA_CENTRINGS };
struct spa_strategy {
    double mean, omega; /* m, and the root of its long-run variance */
    double scale;       /* s; 0: left out */
    double centre[SPA_CENTRINGS]; /* mu */
};
struct spa_result {
    double lower, consistent, upper; /* p-values */
    double statistic;   /* V */
    uint32_t best;      /* the strategy with the largest sqrt(T) m / s; strategy_count: none */
    uint32_t left_out;  /* strategies that do not vary */
};
/* Mean block length: T^(1/3), at least 5, at most T. */
double spa_block(uint32_t period_count);
/* omega^2 of one series d[t * stride]; block >= 1. */
double spa_longrun_variance(const double *series, size_t stride, uint32_t period_count, double block);

/* `strategies` takes strategy_count of them. 0; -EINVAL: fewer than 8 periods, no strategy, no resample, block < 1, an index out of range, a number that is not
 * finite; *out is then untouched. All left out: p-values of 1. */
int spa_test(const struct spa_input *in, struct spa_strategy *strategies, struct spa_result *out);

#endif
