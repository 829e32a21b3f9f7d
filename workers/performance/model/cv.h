/* cv: which rows may train and which test, and what a model says of rows that it did not see. Pure.
 *
 * Purging: a training event [t0, t1] is dropped iff it meets [min t0, max t1 + embargo] of the test set (Lopez de
 * Prado 2018, 7.4: his three cases are this one). Folds are neighbours in time, the first n mod K of them one longer.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MODEL_CV_H
#define PROPFLEET_WORKERS_PERFORMANCE_MODEL_CV_H

#include "workers/performance/model/model.h"
#include "workers/strategy/signals/reliability.h"

#define MODEL_FOLDS_MAX 20u

/* Test rows of fold k of K: [*first, *end) of n. k < K <= n is asserted. */
void model_fold(uint32_t n, uint32_t folds, uint32_t k, uint32_t *first, uint32_t *end);

/* Of rows[0..count) of data, those at [first, end) test: the rows that may train go to train[] in order; their number.
 * lo and hi (may be NULL): the test set's span without embargo. embargo >= 0; a sum that does not fit is the largest. */
uint32_t model_purge(const struct model_data *data, const uint32_t *rows, uint32_t count, uint32_t first, uint32_t end,
                     int64_t embargo, uint32_t *train, int64_t *lo, int64_t *hi);
/* How many pairs of a train row and the span of the test rows, embargo included, meet: 0 after a purge. */
uint32_t model_overlaps(const struct model_data *data, const uint32_t *train, uint32_t train_count, const uint32_t *test,
                        uint32_t test_count, int64_t embargo);

/* Average uniqueness: the mean over the whole units of a label's life of 1 / labels alive then, among these rows.
 * `edges` and `alive`: 2 count each. t1 < INT64_MAX. */
void model_uniqueness(const struct model_data *data, const uint32_t *rows, uint32_t count, int64_t *edges, uint32_t *alive,
                      double *weight);

struct model_cv {
    uint32_t folds;  /* 2..MODEL_FOLDS_MAX */
    int64_t embargo; /* the longest label horizon, or 1 % of the sample, in the unit of t0 */
};
struct model_cv_result {
    uint32_t folds, predicted; /* rows that got a prediction */
    uint32_t trained[MODEL_FOLDS_MAX], tested[MODEL_FOLDS_MAX];
    double log_loss[MODEL_FOLDS_MAX]; /* of a fold; NaN: it predicted nothing */
    double log_loss_mean, log_loss_se; /* over folds: sd / sqrt(folds) */
};
/* p[i]: what the learner said of rows[i] when it had not seen it; NaN where it could not learn or predict. expected (may
 * be NULL): expected net R with the training rows' mean win and loss. `train`: count. 0; -EINVAL: folds out of range or
 * more than rows; an error of the learner's fit other than -EDOM (no fit exists: that fold stays NaN). */
int model_cv_run(const struct model_data *data, const uint32_t *rows, uint32_t count, const struct model_cv *cv,
                 const struct model_learner *learner, uint32_t *train, double *p, double *expected,
                 struct model_cv_result *out);

/* The simplest of several models, given from simple to complex, whose mean log loss is within one standard error of the
 * least; UINT32_MAX: none has one. */
uint32_t model_one_se(const double *mean, const double *se, uint32_t count);
/* Whether the second model's log loss is better by more than two standard errors of the paired differences (rows that
 * both predict). difference: first - second, mean; NaN below two rows. */
bool model_adopt_second(const double *p_first, const double *p_second, const uint8_t *y, uint32_t n, double *difference,
                        double *se);

/* J = SR - SE(SR) of the daily sums of net R of the rows with expected >= tau, per day, over all days from the first to
 * the last row's; SE of Mertens with the sample's skew and kurtosis. NaN: no row, fewer than two days, no variance. */
struct model_objective {
    uint32_t trades, days, active_days;
    double sharpe, se, j;
};
/* data->day must be there (asserted). r NULL: data->r. */
void model_objective_measure(const struct model_data *data, const double *r, const double *expected, double tau,
                             struct model_objective *out);

#endif
