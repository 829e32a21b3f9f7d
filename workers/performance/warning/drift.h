/* drift: whether the values that a model is fed still come as they did where it was trained. Pure.
 *
 * PSI = sum over bins of (q - p) ln(q / p), p the shares of the training values, q those of now. Above .25 is called a change;
 * but without any change PSI of n and m values in B bins is about (1/n + 1/m) chi-squared(B - 1), so that few values pass
 * .25 by chance: the alarm asks for both. A share of no value counts as half a one.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_DRIFT_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

#define WARNING_DRIFT_VERSION 1u
#define WARNING_DRIFT_BINS_MAX 20u
#define WARNING_PSI_ALARM 0.25

/* PSI of counts; NaN without a value on either side or with fewer than two bins. */
double warning_psi(const uint64_t *reference, const uint64_t *live, uint32_t bin_count);
/* What PSI passes with probability alpha without any change. */
double warning_psi_chance(uint32_t bin_count, uint64_t reference, uint64_t live, double alpha);

/* One feature: the bins of its training, and the counts since the last restart. Plain bytes without padding. */
struct warning_drift {
    uint32_t version;
    uint32_t bin_count;
    double edges[WARNING_DRIFT_BINS_MAX];       /* bin_count - 1, strictly ascending: value < edges[0] is bin 0 */
    uint64_t reference[WARNING_DRIFT_BINS_MAX]; /* training values in each bin */
    uint64_t live[WARNING_DRIFT_BINS_MAX];
    uint64_t missing; /* live values that were not finite: watch their share too */
};
/* Bins of (nearly) equal counts from `sorted` training values, ascending and finite: edges at their quantiles k / bin_count,
 * those that coincide taken once. -EINVAL: bin_count outside 2..MAX, fewer than bin_count values, not ascending, or only
 * one bin left. */
int warning_drift_init(struct warning_drift *out, const double *sorted, uint32_t count, uint32_t bin_count);
void warning_drift_observe(struct warning_drift *drift, double value);
void warning_drift_restart(struct warning_drift *drift); /* a new period */
/* *psi may be NULL. */
bool warning_drift_alarmed(const struct warning_drift *drift, double alpha, double *psi);
bool warning_drift_restorable(const struct warning_drift *drift);

#endif
