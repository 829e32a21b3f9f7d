/* interval: confidence intervals of a rate, of a difference of rates, of a mean. Pure.
 *
 * `confidence` is two-sided, in (0, 1): 0.95. A one-sided bound at 1 - a is the end of the interval at 1 - 2a. With n = 0
 * (for a mean: n < 2) an interval is undefined: both ends NaN. wins <= n is asserted. Sources: quant.md section 3;
 * Brown, Cai, DasGupta 2001 (rates), Newcombe 1998 method 10 (difference).
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNALS_INTERVAL_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNALS_INTERVAL_H

#include <stdint.h>

struct signals_interval {
    double lo, hi;
};

/* Score interval: the default for win rates. The ends of 0 and n wins are exactly 0 and 1. */
struct signals_interval signals_interval_wilson(uint32_t wins, uint32_t n, double confidence);
/* Beta(wins + 1/2, n - wins + 1/2): for the display of tiny n. Not widened to 0 or 1 at the ends. */
struct signals_interval signals_interval_jeffreys(uint32_t wins, uint32_t n, double confidence);
/* Clopper-Pearson: at least the confidence that is asked, whatever the rate. */
struct signals_interval signals_interval_exact(uint32_t wins, uint32_t n, double confidence);
/* Agresti-Coull, cut to 0..1: what other tools often print. */
struct signals_interval signals_interval_agresti(uint32_t wins, uint32_t n, double confidence);
/* wins1 / n1 - wins2 / n2 from the two Wilson intervals. */
struct signals_interval signals_interval_newcombe(uint32_t wins1, uint32_t n1, uint32_t wins2, uint32_t n2, double confidence);
/* mean -+ t(n - 1) sd / sqrt(n), sd with n - 1. */
struct signals_interval signals_interval_mean(double mean, double sd, uint32_t n, double confidence);

/* Standard normal: quantile of p in (0, 1), and the two-sided tail of z. */
double signals_normal_quantile(double p);
double signals_normal_two_sided(double z);
/* Student's t: quantile of p in (0, 1), lower tail at t. df > 0, not necessarily whole. */
double signals_t_quantile(double p, double df);
double signals_t_cdf(double t, double df);

#endif
