/* correlation: two series of paired daily returns: how strongly they move together, how well that is known, and what may be
 * said about a limit; and how often two accounts decide differently. Pure.
 *
 * Undefined is NaN: fewer than two pairs, a series without variation, a cell that is not finite; intervals need four
 * pairs. Pairs must be days on which either account traded (correlation_pair_days); days are taken as independent.
 */
#ifndef PROPFLEET_WORKERS_RISK_COVARIANCE_CORRELATION_H
#define PROPFLEET_WORKERS_RISK_COVARIANCE_CORRELATION_H

#include <stdbool.h>
#include <stdint.h>

struct correlation_interval {
    double low, high;
};

/* Keep the days on which either account traded and both returns are finite, oldest first; out_a, out_b may be a, b. */
uint32_t correlation_pair_days(const double *a, const double *b, const bool *a_traded, const bool *b_traded, uint32_t days,
                               double *out_a, double *out_b);

double correlation_pearson(const double *x, const double *y, uint32_t count);
/* Pearson of the ranks, ties their mean rank. scratch: 2 * count doubles. O(count^2). */
double correlation_spearman(const double *x, const double *y, uint32_t count, double *scratch);
/* tau-b: (concordant - discordant) / sqrt(pairs untied in x * pairs untied in y). O(count^2). */
double correlation_kendall(const double *x, const double *y, uint32_t count);

/* Two-sided interval of confidence 1 - alpha: tanh(atanh r -+ z / sqrt(n - 3)) (Fisher); for Spearman's r with the variance
 * (1 + r^2 / 2) / (n - 3) of Bonett and Wright 2000. r of +-1 is an interval of no width. */
struct correlation_interval correlation_fisher(double r, uint32_t count, double alpha);
struct correlation_interval correlation_bonett_wright(double spearman, uint32_t count, double alpha);
/* Two-sided p of r = 0, Student's t of n - 2 degrees. */
double correlation_p_zero(double r, uint32_t count);
/* Confidence that the true correlation is above `bound`: Phi((atanh r - atanh bound) sqrt(n - 3)). */
double correlation_above(double r, uint32_t count, double bound);

/* PASS: the one-sided upper bound of confidence 1 - alpha is below `bound`; FAIL: the lower one is above it; else, and
 * where undefined, INSUFFICIENT. A good point estimate is never a PASS. */
enum correlation_verdict { CORRELATION_INSUFFICIENT, CORRELATION_PASS, CORRELATION_FAIL };
enum correlation_verdict correlation_decide(double r, uint32_t count, double bound, double alpha);
/* Pairs at which an estimate that stayed at r would decide (either way). UINT32_MAX: never (r at the bound, undefined). */
uint32_t correlation_pairs_needed(double r, double bound, double alpha);

/* Decisions on signals that were offered to both accounts: +1 bought, -1 sold, 0 left. */
struct correlation_disagreement {
    uint32_t offered, different; /* signals; different decisions */
    uint32_t opposite, only_one; /* of the different: bought against sold; one of them left it */
    double rate;                 /* different / offered; NaN for none */
    struct correlation_interval wilson; /* of the rate, over distinct signals */
};
/* The rate is a report: what is controlled is correlation (30 % of independent skips is a correlation of .82). */
struct correlation_disagreement correlation_disagree(const int8_t *a, const int8_t *b, uint32_t count, double alpha);
/* a'b / sqrt(a'a b'b) of two profit vectors: correlation about zero. NaN when one is all zero. */
double correlation_cosine(const double *a, const double *b, uint32_t count);
/* Wilson's score interval of `hits` of `count`, two-sided. NaN for count 0; 0 and 1 at the ends where nothing, all hit. */
struct correlation_interval correlation_wilson(uint32_t hits, uint32_t count, double alpha);

#endif
