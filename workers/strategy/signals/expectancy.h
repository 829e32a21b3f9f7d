/* expectancy: the mean of net R with what is known of its error; many means at once. Pure.
 *
 * The bootstrap draws nothing itself: resampled indices come from the caller, so that the same indices give the same
 * interval everywhere and no random generator is linked here. quant.md section 3; Efron 1987 (BCa).
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNALS_EXPECTANCY_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNALS_EXPECTANCY_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/strategy/signals/interval.h"
#include "workers/strategy/signals/order.h"

#define SIGNALS_REPLICATES_MIN 2000u /* what a report asks for */

/* Sample mean, and sample sd (n - 1) in two passes: exactly 0 for equal values, NaN for n < 2. n = 0: both NaN. */
struct signals_moments {
    uint32_t n;
    double mean, sd;
};
struct signals_moments signals_moments_of(const double *x, uint32_t n);
/* mean / (sd / sqrt(n)) and its two-sided p; NaN for n < 2; sd 0: an infinite t (p 0), NaN when the mean is 0 as well. */
double signals_t_statistic(const struct signals_moments *m);
double signals_t_two_sided(const struct signals_moments *m);
/* Welch: a.mean - b.mean with its interval. NaN when one has n < 2. */
struct signals_interval signals_welch(const struct signals_moments *a, const struct signals_moments *b, double confidence,
                                      double *difference);

/* Fills index[0..units) with the units of a replicate, each < units (what is not is -EINVAL, never followed). */
struct signals_resample {
    uint32_t replicates;
    void (*draw)(void *context, uint32_t replicate, uint32_t units, uint32_t *index);
    void *context;
};
/* A draw from rows of an array: context is a struct signals_resample_rows. */
struct signals_resample_rows {
    const uint32_t *index; /* replicates * units, row by row */
};
void signals_resample_row(void *context, uint32_t replicate, uint32_t units, uint32_t *index);

struct signals_bootstrap_scratch {
    double *replicate; /* resample.replicates: the statistics, sorted on return */
    double *sum;       /* n: sums of units */
    uint32_t *count;   /* n: sizes of units */
    uint32_t *index;   /* n */
};
struct signals_bootstrap {
    uint32_t n, units, replicates;
    double mean;
    double bias_z;        /* normal quantile of the share of replicates below the mean; infinite when none or all are */
    double acceleration;  /* from the jackknife over units; NaN when all units are alike */
    double bca_p_lo, bca_p_hi;  /* shares at which BCa reads the replicates */
    struct signals_interval percentile, bca; /* type-7 quantiles; bca NaN where bias_z or acceleration is none */
};
/* Bootstrap of the mean of x. cluster NULL: the units are single values; else x[i] belongs to unit cluster[i] (a day),
 * the same numbers side by side, and units are resampled whole, the mean being that of all values drawn.
 * 0; -EINVAL: n = 0, fewer than 2 units, x not finite, no replicates, an index out of range. */
int signals_bootstrap_mean(const double *x, uint32_t n, const uint32_t *cluster, double confidence,
                           const struct signals_resample *resample, const struct signals_bootstrap_scratch *scratch,
                           struct signals_bootstrap *out);

/* Beta-Binomial shrinkage of G rates to the pooled rate m: (k + m a) / (n + a), with a by moments,
 * a = (m (1 - m) - s2) / (s2 - m (1 - m) mean(1 / n)), s2 the variance (G - 1) of the rates; a denominator <= 0 or
 * G < 2: infinite, all rates are m; a < 0: 0. Groups with n = 0 take no part and get m. Returns a; NaN when every n is 0. */
double signals_shrink(const uint32_t *wins, const uint32_t *n, uint32_t groups, double *rate);

/* Benjamini-Hochberg 1995: rejected[i] when p[i] is among the discoveries at false discovery rate q; adjusted[i] (may be
 * NULL) the smallest q at which it is. p in [0, 1]; a NaN takes no part: not rejected, NaN. Returns the discoveries.
 * `ranked`: n. */
uint32_t signals_fdr(const double *p, uint32_t n, double q, struct signals_ranked *ranked, bool *rejected, double *adjusted);

#endif
