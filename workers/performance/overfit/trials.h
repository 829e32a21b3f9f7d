/* trials: every trial ever run, and what the best of so many is worth (quant.md section 4). Pure; memory is the caller's.
 *
 * The best of N worthless trials has a high Sharpe ratio by luck alone. The deflated Sharpe ratio (Bailey and Lopez de
 * Prado, 2014) is the probabilistic one against that luck:
 *   S0  = sd(SR over trials) * E[max of N standard normals],   DSR = PSR(S0)
 * It holds only when EVERY trial is in the table, the abandoned ones too, and all of one period length: a table
 * refuses a trial of another one, because annualised and per-period ratios mixed is the classic mistake. A full table
 * refuses as well, it forgets nothing: the caller must then stop trying or bring more memory.
 *
 * N is the effective number of independent trials: many are alike.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_TRIALS_H
#define PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_TRIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/performance/overfit/psr.h"

#define TRIALS_LABEL_BYTES 32u
#define TRIALS_EFFECTIVE_MIN 2.0 /* when anything was selected at all */

struct trial {
    uint64_t id;              /* of the run: unique in the table */
    uint64_t parameters_hash; /* of everything that was set */
    int64_t time_ns;          /* when it was run, the caller's clock */
    uint32_t period_s;        /* length of a period of the returns: 86,400 for daily ones */
    uint32_t trade_count;
    struct psr_moments moments; /* of its returns, per period; a Sharpe ratio of NaN (it never traded) is a trial too */
    bool selected;            /* the best of its search was taken from it */
    char label[TRIALS_LABEL_BYTES]; /* what was tried, ended by 0 */
};
struct trials {
    struct trial *rows; /* borrowed, capacity of them */
    uint32_t capacity, count;
};
/* An empty table over the caller's rows, which must outlive it. */
void trials_init(struct trials *table, struct trial *rows, uint32_t capacity);
/* 0; -ENOSPC: full; -EEXIST: that id is there; -EINVAL: period_s is 0 or not the table's, no end in label. */
int trials_add(struct trials *table, const struct trial *trial);
const struct trial *trials_find(const struct trials *table, uint64_t id); /* NULL */
/* Standard deviation (n - 1) of the per-period Sharpe ratios that are numbers; NaN for fewer than two. */
double trials_sharpe_sd(const struct trials *table);

/* --- how many independent trials ------------------------------------------------------------------------------ */

/* Correlations of `count` return series, returns[t * count + i] with t < period_count, into out[i * count + j]. A series
 * without variance is given correlation 0 with all others: it counts as a trial of its own. 0; -EINVAL: fewer than
 * two periods, or a return that is not finite. */
int trials_correlation(const double *returns, uint32_t period_count, uint32_t count, double *out);
/* exp of the entropy of the eigenvalues' shares: 1 for copies, `count` for independent series. Overwrites the
 * correlation matrix; scratch: 3 * count doubles. NaN when an element is not finite. (Eigenvalues: GSL, symmetric QR.) */
double trials_effective_entropy(double *correlation, uint32_t count, double *scratch);
/* r + (1 - r) count, r the mean correlation off the diagonal held to [0, 1]. */
double trials_effective_rho(const double *correlation, uint32_t count);
/* Of all trials of the table: `effective` of the `series_count` whose returns are known, and each of the others counts as
 * one. At least 2 when any trial was selected; at least 1 otherwise; 0 for an empty table. */
double trials_effective(const struct trials *table, uint32_t series_count, double effective);

/* --- what luck alone gives -------------------------------------------------------------------------------------- */

/* E[max] of n standard normals by extreme value theory: (1 - g) Phi^-1(1 - 1/n) + g Phi^-1(1 - 1/(n e)), g = Euler's
 * constant. 0 for n <= 1, never below 0; n need not be whole. Too small at n = 2 (.520 for .564), 2 % too large at 10. */
double trials_emax(double n);
/* The same and the variance of the maximum by quadrature of n phi(x) Phi(x)^(n-1) (GSL, Gauss-Kronrod), n in
 * [1, 1e12], otherwise NaN. */
double trials_emax_exact(double n);
double trials_max_variance(double n);

struct trials_deflated {
    double number;           /* N, as given */
    double sharpe_sd;        /* across trials */
    double benchmark;        /* S0 */
    double probability;      /* DSR: PSR(S0) */
    double probability_null; /* the same with the error of S0 under the null, rho = 0 */
};
/* NaN where a part is not known; with n <= 1 the benchmark is 0 whatever the deviation. */
void trials_deflate(const struct psr_moments *candidate, double sharpe_sd, double n, struct trials_deflated *out);

#endif
