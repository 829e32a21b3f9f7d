/* sequence: intervals for a mean that hold at every moment at once, one observation after another (quant.md section 9). Pure.
 *
 * With probability 1 - alpha the true mean is inside at ALL times, so that one may look whenever one likes and stop for
 * what one sees. That costs 1.5 to 2 times the width of a fixed-n interval. Four of them, all two-sided at alpha:
 *   mSPRT        known variance s2, normal mixture of variance t2 (Robbins; Johari et al. 2017)
 *                  Lambda = sqrt(s2/(s2+n t2)) exp(n^2 t2 mean^2/(2 s2 (s2+n t2))),  p = min over time of 1/Lambda
 *                  half width sqrt(s2 (s2+n t2)/(n^2 t2) (2 ln(1/alpha) + ln((s2+n t2)/s2)))
 *   asymptotic   unknown variance (Waudby-Smith et al. 2021): sd sqrt(2 (n r^2+1)/(n^2 r^2) ln(sqrt(n r^2+1)/alpha)),
 *                  r = sqrt((-2 ln alpha + ln(-2 ln alpha) + 1)/n_opt), sd over n. From n >= 50
 *   Bernstein    bounded observations, predictable-mixture empirical Bernstein (Waudby-Smith and Ramdas 2024, Thm 2)
 *   betting      bounded observations, hedged capital on a grid of 1,001 means (the same, Thm 3): the tightest
 * and Hoeffding's, the widest, for comparison. Bounded observations are in [-bound, bound] (asserted: clip before), and the
 * mean is that of what was clipped. Bernstein, Hoeffding and betting equal confseq's predmix_empbern_cs,
 * predmix_hoeffding_cs and betting_cs with bets made at alpha / 2; no running intersection.
 *
 * States are plain: equal observations in equal order give equal bytes; rebuild one by feeding it again.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_EXPERIMENT_SEQUENCE_H
#define PROPFLEET_WORKERS_PERFORMANCE_EXPERIMENT_SEQUENCE_H

#include <stdint.h>

struct sequence_interval {
    double lower, upper;
};

/* --- mean and deviation, Welford ------------------------------------------------------------------------------- */

struct sequence_mean {
    uint64_t count;
    double mean, squares; /* sum of squared deviations */
};
void sequence_mean_add(struct sequence_mean *state, double x); /* a zeroed state is empty */
/* ddof 0 or 1; NaN when count <= ddof. */
double sequence_mean_sd(const struct sequence_mean *state, uint32_t ddof);

/* --- mSPRT -------------------------------------------------------------------------------------------------------- */

struct sequence_msprt {
    double variance, prior_variance; /* s2, t2; > 0 */
    uint64_t count;
    double sum;
    double p; /* always valid p-value against a mean of 0, never rising */
};
void sequence_msprt_init(struct sequence_msprt *state, double variance, double prior_variance);
void sequence_msprt_add(struct sequence_msprt *state, double x);
double sequence_msprt_log_ratio(const struct sequence_msprt *state); /* ln Lambda; 0 when empty */
double sequence_msprt_half_width(const struct sequence_msprt *state, double alpha); /* INFINITY when empty */

/* --- asymptotic --------------------------------------------------------------------------------------------------- */

#define SEQUENCE_ASYMPTOTIC_MIN 50u /* observations before which it is not to be believed */
/* sd: over n (ddof 0). n_opt: where it is to be tightest, > 0. NaN for n = 0. */
double sequence_asymptotic_half_width(uint64_t n, double sd, double n_opt, double alpha);

/* --- bounded ------------------------------------------------------------------------------------------------------ */

/* What the bets are made from: the mean and variance of x in [0, 1] with one observation of 1/2 +- 1/2 before the first. */
struct sequence_prior {
    uint64_t count;
    double sum, squares, variance;
};
/* One side of a predictable mixture: lower bound (weighted - ln(1/alpha) - penalty) / weights. */
struct sequence_side {
    struct sequence_prior prior;
    double sum;      /* of x */
    double weights;  /* of the bets lambda */
    double weighted; /* sum lambda x */
    double penalty;  /* sum v psi(lambda) */
};
struct sequence_bernstein {
    double bound, alpha;
    struct sequence_side below, above; /* of x and of 1 - x */
};
void sequence_bernstein_init(struct sequence_bernstein *state, double bound, double alpha);
void sequence_bernstein_add(struct sequence_bernstein *state, double x);
struct sequence_interval sequence_bernstein_interval(const struct sequence_bernstein *state);

/* The same state with Hoeffding's bets: sequence_bernstein_init begins it, never mix the two kinds of add. */
void sequence_hoeffding_add(struct sequence_bernstein *state, double x);

#define SEQUENCE_GRID 1000u
struct sequence_betting {
    double bound, alpha;
    struct sequence_prior prior;
    double log_up[SEQUENCE_GRID + 1];   /* capital of the bets that the mean is above grid point i, logarithm */
    double log_down[SEQUENCE_GRID + 1]; /* below it */
};
void sequence_betting_init(struct sequence_betting *state, double bound, double alpha);
void sequence_betting_add(struct sequence_betting *state, double x);
/* The grid points that are not refuted, and one step more on either side. [-bound, bound] when all are. */
struct sequence_interval sequence_betting_interval(const struct sequence_betting *state);

#endif
