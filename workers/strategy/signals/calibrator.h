/* calibrator: a score or a raw probability -> P(net R > 0). Pure; the fitted calibrator is plain, versioned bytes.
 *
 * Isotonic regression (pool adjacent violators, ties pooled with their counts as weights) from 300 outcomes on, Platt's
 * sigmoid from 50, nothing below. Between knots isotonic is linear, outside it is flat. Fit on out-of-fold predictions
 * only: on the predictions of a model's own training rows a calibrator learns the model's overconfidence as truth.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNALS_CALIBRATOR_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNALS_CALIBRATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/strategy/signals/order.h"

#define SIGNALS_CALIBRATOR_VERSION 1u
#define SIGNALS_SAMPLE_MIN 50u    /* below: INSUFFICIENT, nothing is tuned on it */
#define SIGNALS_ISOTONIC_MIN 300u /* below: Platt */
#define SIGNALS_KNOTS_MAX 512u

/* Isotonic fit of y on x. Knots are the first and last x of each pooled block, ascending x, ascending y. */
struct signals_isotonic_scratch {
    struct signals_ranked *ranked; /* n */
    double *sum, *weight, *last;   /* n each: blocks */
};
/* weights NULL: all 1; else > 0. Knots into x_out, y_out (room for 2 n), their number into *knot_count. 0, or -EINVAL:
 * n = 0, an x or y that is not finite, a weight that is not > 0. */
int signals_isotonic_fit(const double *x, const double *y, const double *weights, uint32_t n,
                         const struct signals_isotonic_scratch *scratch, double *x_out, double *y_out, uint32_t *knot_count);
/* knot_count >= 1 is asserted; NaN gives NaN. */
double signals_isotonic_apply(const double *knot_x, const double *knot_y, uint32_t knot_count, double x);

/* Platt 1999: p = 1 / (1 + exp(a f + b)), targets (wins + 1)/(wins + 2) and 1/(losses + 2). `scratch`: n values.
 * 0, -EINVAL (n = 0, an f that is not finite, y above 1) or -EDOM (no finite maximum: f constant). */
int signals_platt_fit(const double *f, const uint8_t *y, uint32_t n, double *scratch, double *a, double *b);
double signals_platt_apply(double a, double b, double f);

enum signals_calibrator_kind { SIGNALS_CALIBRATOR_NONE, SIGNALS_CALIBRATOR_PLATT, SIGNALS_CALIBRATOR_ISOTONIC };
struct signals_calibrator {
    uint32_t version, kind;
    uint32_t n, knot_count;
    double a, b; /* PLATT */
    double x[SIGNALS_KNOTS_MAX], y[SIGNALS_KNOTS_MAX];
};
struct signals_calibrator_scratch {
    struct signals_isotonic_scratch isotonic;
    double *values, *knot_x, *knot_y; /* n, 2 n, 2 n */
};
/* By n as above. 0; -EAGAIN: too few (kind NONE); -EINVAL; -EDOM: no fit exists; -ENOSPC: more blocks than knots (a score
 * that separates classes almost perfectly in thousands of steps: look for a leak). On any error kind is NONE. */
int signals_calibrator_fit(const double *f, const uint8_t *y, uint32_t n, const struct signals_calibrator_scratch *scratch,
                           struct signals_calibrator *out);
/* NaN for kind NONE or a NaN. */
double signals_calibrator_apply(const struct signals_calibrator *calibrator, double f);
/* Whether bytes from a store are one: version, kind, counts, finite ascending knots, probabilities in [0, 1]. */
bool signals_calibrator_sane(const struct signals_calibrator *calibrator);

#endif
