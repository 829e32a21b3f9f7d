/* order: sorting of numbers that is the same every time, and quantiles of what is sorted. Pure. */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNALS_ORDER_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNALS_ORDER_H

#include <stdint.h>

struct signals_ranked {
    double value;
    uint32_t index; /* where it stood; equal values keep that order */
    uint32_t reserved;
};

/* Fills `out` (n of them) with the values and sorts ascending. No value is NaN (asserted). */
void signals_order(const double *values, uint32_t n, struct signals_ranked *out);
/* The same for pairs that the caller filled; equal values by index. */
void signals_order_ranked(struct signals_ranked *ranked, uint32_t n);
/* Sorts in place, ascending, no NaN. */
void signals_order_values(double *values, uint32_t n);
/* Quantile of ascending values. Type 7 of Hyndman and Fan: linear between the two neighbours of (n - 1) p. n = 0: NaN.
 * p in [0, 1] is asserted. */
double signals_quantile(const double *sorted, uint32_t n, double p);
/* The same as the R package boot prints intervals (Davison and Hinkley 1997, 5.2): rank (n + 1) p, between neighbours
 * linear on the scale of normal quantiles; the extreme values beyond the ends. p in (0, 1). */
double signals_quantile_normal(const double *sorted, uint32_t n, double p);

#endif
