/* bocpd: Bayesian online change point detection (Adams, MacKay 2007) for observations that are normal with unknown mean and
 * variance between changes. Pure; one observation costs as many steps as run lengths are kept.
 *
 * The state is the posterior of the run length r, the number of observations since the last change. Between changes the
 * prior is Normal-Gamma (m0, k0, a0, b0): the next x is Student t of 2a degrees around m with scale^2 b (k + 1) / (a k). A
 * change comes with probability `hazard` before each observation, and so P(r = 0) is always the hazard: it says nothing.
 * Alarm on P(r <= window) > probability, once there have been more than `window` observations.
 *
 * Probabilities are logarithms. Run lengths below `prune` are dropped and the rest normalised (0: none is); a full table
 * drops the least probable. The struct is plain bytes without padding, 24 KiB: copy it as a snapshot, and believe its
 * bytes only after warning_bocpd_restorable.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_BOCPD_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_BOCPD_H

#include <stdbool.h>
#include <stdint.h>

#define WARNING_BOCPD_VERSION 1u
#define WARNING_BOCPD_RUNS_MAX 768u

struct warning_bocpd_design {
    double m0, k0, a0, b0;   /* finite; k0, a0, b0 > 0 */
    double hazard;           /* 0 < hazard < 1: 1 / expected observations between changes */
    double prune;            /* 1e-10; 0 <= prune < 1e-3 */
    double probability;      /* of the alarm: .8 */
    uint32_t window;         /* of the alarm: 20 */
    uint32_t reserved;       /* 0 */
};
struct warning_bocpd_run {
    double log_probability;
    double mean, b; /* of the posterior Normal-Gamma; its k and a follow from the length */
    uint64_t length;
};
struct warning_bocpd {
    uint32_t version;
    uint32_t run_count;
    struct warning_bocpd_design design;
    uint64_t count;      /* observations */
    double log_evidence; /* of all of them */
    struct warning_bocpd_run runs[WARNING_BOCPD_RUNS_MAX]; /* ascending lengths; the rest zero */
};

int warning_bocpd_init(struct warning_bocpd *out, const struct warning_bocpd_design *design); /* 0, -EINVAL: all zero */
/* Whether it stands in alarm. Not finite, or beyond 1e100: passed over. */
bool warning_bocpd_observe(struct warning_bocpd *state, double x);
bool warning_bocpd_alarmed(const struct warning_bocpd *state);
double warning_bocpd_within(const struct warning_bocpd *state, uint64_t length); /* P(r <= length) */
double warning_bocpd_mean(const struct warning_bocpd *state);                    /* E[r] */
/* The most probable r, the smallest of equals, and its probability. */
uint64_t warning_bocpd_likeliest(const struct warning_bocpd *state, double *probability);
bool warning_bocpd_restorable(const struct warning_bocpd *state, const struct warning_bocpd_design *design);

#endif
