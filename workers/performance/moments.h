/* moments: mean to kurtosis of a stream of numbers, one at a time or put together from parts; and the exponentially
 * weighted mean and variance. Pure, plain bytes, O(1) a number.
 *
 * Updates: Welford 1962 for mean and M2, Pebay 2008 for M3 and M4; merging: Chan, Golub and LeVeque 1979, Pebay 2008
 * (quant.md section 7). M_k is the sum of (x - mean)^k.
 * Caveat: where |mean| is far greater than the spread (equity, prices) the digits of x - mean are lost in the mean; give
 * an `origin` near the data, all sums are then of x - origin. 0 is plain Welford: right for returns and R.
 * Caveat: NaN or an infinity spoils everything after it: look before you add.
 * Undefined is NaN. A spread counts as zero at sd <= MOMENTS_FLAT * max|x|: what is left then is rounding.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MOMENTS_H
#define PROPFLEET_WORKERS_PERFORMANCE_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

#define MOMENTS_FLAT 1e-12

struct moments {
    uint64_t n;
    double origin;
    double mean;        /* of x - origin */
    double m2, m3, m4;
    double min, max;    /* of x; 0 while n is 0 */
};

void moments_init(struct moments *m, double origin);
void moments_add(struct moments *m, double x);
/* *into becomes what adding all of both would have given, up to rounding; its origin stays (an empty one takes all). */
void moments_merge(struct moments *into, const struct moments *from);
void moments_of(struct moments *m, double origin, const double *x, uint32_t n);

/* n >= 1 */
double moments_mean(const struct moments *m);
/* Sample variance and standard deviation, divided by n - 1; n >= 2. */
double moments_variance(const struct moments *m);
double moments_sd(const struct moments *m);
/* Whether the spread is no more than rounding; also with n < 2. */
bool moments_flat(const struct moments *m);
/* Population skewness m3 / m2^1.5 and raw kurtosis m4 / m2^2 (normal: 3), m_k = M_k / n; NaN when flat. */
double moments_skew(const struct moments *m);
double moments_kurtosis(const struct moments *m);
/* Corrected for bias (Fisher's G1, n >= 3, and G2, the excess, n >= 4): what pandas and spreadsheets print. */
double moments_skew_corrected(const struct moments *m);
double moments_excess_corrected(const struct moments *m);

/* Exponential weights lambda^(age), divided by their sum, which is the same as the usual recursion
 * m <- lambda m + (1 - lambda) x divided by its bias 1 - lambda^t, without its cancellation (West 1979). */
struct ewma {
    uint64_t n;
    double lambda;      /* 0 < lambda < 1 */
    double weight;      /* sum of the weights: (1 - lambda^n) / (1 - lambda) */
    double mean;
    double square;      /* weighted sum of squares about the mean */
};
void ewma_init(struct ewma *e, double lambda);
void ewma_add(struct ewma *e, double x);
double ewma_mean(const struct ewma *e);     /* n >= 1 */
double ewma_variance(const struct ewma *e); /* about the weighted mean, divided by the weight; n >= 2 */

#endif
