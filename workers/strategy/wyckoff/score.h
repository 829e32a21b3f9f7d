/* score: the probability that a pattern completes, from the evidence at one of its events (quant.md 2.4, 11). Pure.
 *
 * One model for each stage, trained elsewhere on events of all instruments (y = 1 when E came before a fail or timeout) and
 * given read-only; nothing is learned here. Below SCORE_EVENTS_MIN events of a stage there is no model worth the name: the
 * base rate k / n of the stage with its Jeffreys interval is what is said, PROVISIONAL. A probability of completion is
 * no probability of profit. Never train it on synthetic series: the generator's base rates are arbitrary.
 *
 *   z_i    = clip((x_i - mean_i) / scale_i, -5, 5); a NaN is z_i = 0 and adds missing_i
 *   f      = intercept + sum w_i z_i + sum over the NaN missing_i             (oldest index first)
 *   p      = 1 / (1 + e^-f)
 *   Platt  p = 1 / (1 + e^(A f + B)); isotonic: linear between the knots (x = p before it), clipped outside
 *
 * score.c needs GSL (quantiles of Beta): link -lgsl -lgslcblas -lm.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_WYCKOFF_SCORE_H
#define PROPFLEET_WORKERS_STRATEGY_WYCKOFF_SCORE_H

#include "workers/strategy/wyckoff/wyckoff.h"

#define SCORE_EVENTS_MIN 200u
#define SCORE_KNOTS_MAX 64u

enum score_calibration { SCORE_RAW, SCORE_PLATT, SCORE_ISOTONIC };
enum score_status { SCORE_UNKNOWN /* no event of the stage was ever counted */, SCORE_PROVISIONAL, SCORE_MODEL };

/* Of one stage: ST, SPRING, TEST, SOS or LPS. */
struct score_stage {
    uint32_t event_count, complete_count; /* of the training set, or counted so far */
    uint32_t calibration;                 /* enum score_calibration */
    uint32_t knot_count;                  /* isotonic: 2..SCORE_KNOTS_MAX */
    double intercept;
    double mean[WYCKOFF_EVIDENCE_COUNT], scale[WYCKOFF_EVIDENCE_COUNT]; /* of the training set; scale > 0 */
    double weight[WYCKOFF_EVIDENCE_COUNT], missing[WYCKOFF_EVIDENCE_COUNT];
    double platt_a, platt_b;
    double knot_x[SCORE_KNOTS_MAX], knot_y[SCORE_KNOTS_MAX]; /* 0..1; x rises, y does not fall */
};
struct score_model {
    struct score_stage stages[WYCKOFF_KINDS]; /* by kind; those without evidence are not looked at */
};
struct score_answer {
    uint32_t status; /* enum score_status */
    uint32_t event_count;
    double p;         /* NaN: unknown */
    double low, high; /* 95 % Jeffreys interval of the stage's base rate, whatever the status: where p comes from the model
                         it is the rate that the model has to beat, not an interval of p */
};

/* 0, or -EINVAL with what is wrong: counts, numbers that are not finite, a scale <= 0, knots out of order. What comes from
 * a file is to be asked this once before it is used. */
int score_model_check(const struct score_model *model, struct error *err);
/* For an event with evidence (asserted); the caller may have filled in its profile. The model must have passed. */
struct score_answer score_complete(const struct score_model *model, const struct wyckoff_event *event);

/* Jeffreys interval of k of n at `level` (0.95): quantiles of Beta(k + 1/2, n - k + 1/2), also
 * for k = 0, k = n and n = 0. k <= n and 0 < level < 1 are asserted. */
void score_jeffreys(uint32_t k, uint32_t n, double level, double *low, double *high);

#endif
