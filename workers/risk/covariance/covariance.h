/* covariance: how daily returns of instruments (or accounts) move together: sample, exponentially weighted and shrunk
 * covariance matrices, the matrix that permits are judged by, and a prior for the first days. Pure.
 *
 * Shapes: `returns` is row-major [days][count], oldest day first, synchronous (the same UTC day in every column), every
 * cell finite: covariance_complete_days makes it so. Matrices are row-major [count][count], the caller's memory, and
 * symmetric to the bit. count <= COVARIANCE_SERIES_MAX. Units: returns as fractions, covariances per day. Every sum runs
 * from the oldest day to the newest.
 *
 * Errors: 0, or -EDOM where the estimate is undefined (too few days; a cell that is not finite; for what needs
 * correlations, a series that never moves): *out is then all NaN. Memory is the caller's and the stack's (~ 30 KiB).
 */
#ifndef PROPFLEET_WORKERS_RISK_COVARIANCE_COVARIANCE_H
#define PROPFLEET_WORKERS_RISK_COVARIANCE_COVARIANCE_H

#include <stdint.h>

#define COVARIANCE_SERIES_MAX 32u
#define COVARIANCE_DAYS_MIN 20u     /* below: the prior (quant.md 8) */
#define COVARIANCE_PERMIT_DAYS 250u /* of the matrix of the permits */
#define COVARIANCE_PERMIT_LAMBDA 0.97

/* Copy the days on which every series has a finite return, in order; out may be `returns`. How many there are. */
uint32_t covariance_complete_days(const double *returns, uint32_t days, uint32_t count, double *out);

/* Sum of products about the means over days - 1. days >= 2. */
int covariance_sample(const double *returns, uint32_t days, uint32_t count, double *out);

/* S = lambda S + (1 - lambda) r r' from S0 = the mean of r r' over the first seed_days (1 <= seed_days <= days): about
 * zero, as daily means are noise. 0 < lambda < 1; the effective number of days is (1 + lambda) / (1 - lambda). */
int covariance_ewma(const double *returns, uint32_t days, uint32_t count, double lambda, uint32_t seed_days, double *out);
/* The same weights lambda^age, normalised, about the weighted mean (pandas ewm, adjust, bias). */
int covariance_ewma_centred(const double *returns, uint32_t days, uint32_t count, double lambda, double *out);

/* (1 - intensity) S + intensity * target, S over `days` as in the sources. *intensity (may be NULL) in 0..1.
 *   identity     Ledoit, Wolf 2004: target mean variance * I
 *   oas          Chen, Wiesel, Eldar, Hero 2010: the same target, oracle approximating
 *   constant     Ledoit, Wolf 2003: target the sample variances with the mean correlation everywhere, over days - 1.
 *                The default for currencies and indices: it keeps the variances. */
int covariance_shrink_identity(const double *returns, uint32_t days, uint32_t count, double *out, double *intensity);
int covariance_shrink_oas(const double *returns, uint32_t days, uint32_t count, double *out, double *intensity);
int covariance_shrink_constant(const double *returns, uint32_t days, uint32_t count, double *out, double *intensity);
/* Mean of the sample's correlations off the diagonal. NaN for one series or where a correlation is undefined. */
double covariance_mean_correlation(const double *returns, uint32_t days, uint32_t count);

/* Standard deviations (may be NULL) and correlations (may be NULL) of a covariance. -EDOM unless variances are > 0. */
int covariance_split(const double *covariance, uint32_t count, double *deviations, double *correlation);
/* The way back. */
void covariance_join(const double *deviations, const double *correlation, uint32_t count, double *out);

/* What a prior knows of an instrument. */
struct covariance_instrument {
    char base[8], quote[8]; /* currencies, "EUR", "USD"; empty: none that counts */
    uint32_t group;         /* 0: none; instruments of one group (share indices) move together */
};
#define COVARIANCE_PRIOR_SHARED 0.6
#define COVARIANCE_PRIOR_GROUP 0.8
/* A correlation matrix from names: +shared where two instruments have a currency on the same side, -shared on opposite
 * sides, 1 or -1 for the same pair, `group` within a group, else 0. Overlaps alone need not be a possible matrix
 * (EURUSD, USDJPY, EURJPY at .6): the off-diagonals are then shrunk together as little as makes it one. */
void covariance_prior(const struct covariance_instrument *instruments, uint32_t count, double shared, double group,
                      double *correlation);

/* The matrix of the permits: volatilities of the EWMA with COVARIANCE_PERMIT_LAMBDA, correlations of the
 * constant-correlation shrinkage, both over the last COVARIANCE_PERMIT_DAYS days. Below COVARIANCE_DAYS_MIN days the
 * correlations are `prior` and the volatilities those of the days there are. Returns 1 when the prior was used,
 * 0 when not, -EDOM without a day or where a series never moved. */
int covariance_permit(const double *returns, uint32_t days, uint32_t count, const double *prior, double *out);

#endif
