/* quantile: exact quantiles of data that is kept, and an estimate for what is too much to keep. Pure.
 *
 * Exact is type 7 of Hyndman and Fan 1996 (the default of R and numpy): linear between order statistics at (n - 1) p.
 * P2 (Jain and Chlamtac 1985) keeps five markers and is GSL's own definition: for latencies and spreads that come by the
 * million. Caveat: the error of P2 has no bound (quant.md section 7): never judge an account by it.
 * NaN among the data gives an order that means nothing: leave them out first.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_QUANTILE_H
#define PROPFLEET_WORKERS_PERFORMANCE_QUANTILE_H

#include <stdint.h>

#include <gsl/gsl_rstat.h>

/* Ascending, in place. */
void quantile_sort(double *x, uint32_t n);
/* Of ascending data; 0 <= p <= 1 asserted. NaN when n is 0. */
double quantile_sorted(const double *x, uint32_t n, double p);
/* Mean of the floor((n - 1) p) + 1 smallest of ascending data: expected shortfall, a return as VaR is (< 0: a loss).
 * NaN when n is 0. */
double quantile_tail_mean(const double *x, uint32_t n, double p);

/* Plain bytes: may be kept and read back. */
struct quantile_p2 {
    gsl_rstat_quantile_workspace markers;
};
void quantile_p2_init(struct quantile_p2 *q, double p);
void quantile_p2_add(struct quantile_p2 *q, double x);
/* Exact up to five numbers; NaN before the first. */
double quantile_p2_read(const struct quantile_p2 *q);

#endif
