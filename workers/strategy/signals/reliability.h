/* reliability: whether probabilities mean what they say. Pure; probabilities p[i] in [0, 1] against outcomes y[i] 0 or 1.
 *
 * Everything is a mean over n pairs, oldest to newest (quant.md section 3). -EINVAL: n = 0, a p outside [0, 1] (or NaN), a
 * y above 1; *out is untouched. What cannot be computed from valid pairs (a slope with one class only) is NaN in *out.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNALS_RELIABILITY_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNALS_RELIABILITY_H

#include <stdint.h>

#include "workers/strategy/signals/order.h"

#define SIGNALS_BINS 10u
#define SIGNALS_P_CLIP 1e-15 /* log loss and logits: p is moved this far inside */

/* Bin k holds p in [k/10, (k + 1)/10), the last one 1 as well. The comparison is on p rounded to whole basis points: the
 * double 0.3 is not below 3000. p in [0, 1]. */
uint32_t signals_bin(double p);

struct signals_reliability_bin {
    uint32_t n, wins;
    double mean_p, rate; /* NaN when n = 0 */
};
struct signals_reliability {
    uint32_t n, wins;
    double base_rate;
    double brier;       /* mean (p - y)^2 */
    double climatology; /* Brier of the base rate: base_rate (1 - base_rate) */
    double skill;       /* 1 - brier / climatology; NaN with one class */
    double log_loss;
    /* Murphy 1973 with the terms of Stephenson et al. 2008 for what lies within a bin:
     * brier = reliability - resolution + uncertainty + within_bin */
    double reliability, resolution, uncertainty, within_bin;
    double ece, mce; /* mean and largest |rate - mean_p| over bins that hold something */
    double spiegelhalter_z, spiegelhalter_p; /* two-sided; |z| > 1.96: miscalibrated. NaN when every p is 0, 1/2 or 1 */
    struct signals_reliability_bin bins[SIGNALS_BINS];
};
int signals_reliability_measure(const double *p, const uint8_t *y, uint32_t n, struct signals_reliability *out);

/* Reliability curve over bins of the caller: edges ascending, bin_count + 1 of them, right-closed as scikit-learn has them
 * (a p on an inner edge belongs below it). The first and last edge do not exclude anything. 0 or -EINVAL. */
int signals_reliability_curve(const double *p, const uint8_t *y, uint32_t n, const double *edges, uint32_t bin_count,
                              struct signals_reliability_bin *out);
/* Edges of bins with about equal counts: type-7 quantiles of p. `scratch`: n values. bin_count >= 1, n >= 1. */
void signals_reliability_edges(const double *p, uint32_t n, uint32_t bin_count, double *scratch, double *edges);

/* logit P(y = 1) = intercept + slope * x, by maximum likelihood (Newton with halved steps), targets in [0, 1]. */
struct signals_logit {
    double intercept, slope;
    double intercept_se, slope_se; /* from the inverse of the information matrix */
};
/* 0; -EINVAL: n = 0, a value that is not finite, a target outside [0, 1]; -EDOM: no finite maximum (one class, separated
 * classes, x constant). *out is then all NaN. */
int signals_logit_fit(const double *x, const double *target, uint32_t n, struct signals_logit *out);
/* Cox's calibration line: logit P(y) = intercept + slope logit p. slope < 1: overconfident. `scratch`: 2 n values. */
int signals_cox_fit(const double *p, const uint8_t *y, uint32_t n, double *scratch, struct signals_logit *out);

/* Area under the ROC curve of any score (ties half), with DeLong's standard error and normal interval cut to [0, 1]. */
struct signals_auc {
    double auc, se, lo, hi; /* auc: NaN with one class; se, lo, hi: NaN with fewer than two of a class */
};
struct signals_auc_scratch {
    struct signals_ranked *ranked; /* n */
    double *placement, *other;     /* n each; `other` for the difference alone */
};
/* 0 or -EINVAL (n = 0, NaN score, y above 1, *out untouched). confidence: two-sided. */
int signals_auc_measure(const double *score, const uint8_t *y, uint32_t n, double confidence,
                        const struct signals_auc_scratch *scratch, struct signals_auc *out);
/* AUC of score_a minus AUC of score_b on the same outcomes, with the standard error of the paired difference. */
int signals_auc_difference(const double *score_a, const double *score_b, const uint8_t *y, uint32_t n, double confidence,
                           const struct signals_auc_scratch *scratch, struct signals_auc *out);

#endif
