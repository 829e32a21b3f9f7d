/* pbo: the probability of backtest overfitting by combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de
 * Prado, Zhu, 2015; quant.md section 4). Pure; memory is the caller's.
 *
 * Returns of `strategies` series over T periods, the first T mod S rows dropped, cut into S equal blocks. For each of the
 * C(S, S/2) choices of half of the blocks, in lexicographic order:
 *   n*       the series with the highest Sharpe ratio (n - 1) in those blocks, the first one on ties
 *   rank r   of n* by Sharpe ratio in the other blocks, 1 the worst, ties averaged
 *   logit    ln(w / (1 - w)), w = r / (N + 1)
 *   PBO      share of logits <= 0
 * A series that does not vary in a half has no Sharpe ratio there: it is not chosen, does not take part in the ranking
 * (N is those that do), and when it is n* itself out of sample the combination is left out and counted.
 *
 * Weak evidence alone: on 20 series of noise (S = 8, T = 480) the mean is .50 and its deviation .21, and 7 % of pure
 * noise has PBO < .2. Report it with the deflated Sharpe ratio and the SPA test.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_PBO_H
#define PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_PBO_H

#include <stddef.h>
#include <stdint.h>

#define PBO_BLOCKS_MIN 4u
#define PBO_BLOCKS_MAX 16u /* 12,870 combinations */

struct pbo_input {
    const double *returns; /* returns[t * strategy_count + n], oldest first */
    uint32_t period_count;
    uint32_t strategy_count; /* >= 2 */
    uint32_t block_count;    /* S, even, 4 .. 16 */
};
struct pbo_combination {
    uint32_t chosen; /* n* */
    double in_sample, out_of_sample; /* its Sharpe ratios, per period */
    double logit;    /* NaN: left out */
};
struct pbo_line { /* least squares, y on x */
    double slope, intercept, r2; /* NaN for fewer than two points or an x that does not vary */
};
struct pbo_result {
    uint32_t combination_count, undefined_count; /* of them left out */
    double pbo;             /* NaN when all were left out, as all below */
    double loss;            /* share of out-of-sample Sharpe ratios < 0 */
    double logit_mean, logit_sd; /* sd with n - 1 */
    struct pbo_line degradation; /* out of sample on in sample */
};
uint32_t pbo_combination_count(uint32_t block_count); /* C(S, S/2); 0 when S is not allowed */
size_t pbo_scratch_count(const struct pbo_input *in); /* doubles of scratch that pbo_run needs */

/* `combinations` takes pbo_combination_count(block_count) of them, those left out at the end. 0; -EINVAL: S not allowed, fewer than two series, fewer
 * than two periods a block, or a return that is not finite; *out is then untouched. */
int pbo_run(const struct pbo_input *in, double *scratch, struct pbo_combination *combinations, struct pbo_result *out);

/* The line of y on x through count points. */
struct pbo_line pbo_fit(const double *x, const double *y, size_t stride, uint32_t count);

#endif
