/* pipeline: everything that is learned from rows, in one fit: columns, C, weights, calibrator. What is learned is
 * plain bytes (struct model_trained) that a worker can be given; learning needs memory that is cut once.
 *
 * A fit on rows, which never looks at another row:
 *   1. C by purged inner folds, the smallest within one standard error of the best (one value given: that one)
 *   2. out-of-fold log-odds of the same rows at that C, by the same inner folds
 *   3. the calibrator on those: isotonic from 300 rows, Platt from 50, none below (p is then the raw model's)
 *   4. the pooled model on all rows, and one of its own for each stage with MODEL_STAGE_EVENTS rows
 * As a model_learner it is what outer folds and the leak tests run: scaler, imputer, C and calibrator inside the fold.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MODEL_PIPELINE_H
#define PROPFLEET_WORKERS_PERFORMANCE_MODEL_PIPELINE_H

#include <stddef.h>

#include "workers/performance/model/cv.h"
#include "workers/performance/model/fit.h"
#include "workers/strategy/signals/calibrator.h"

#define MODEL_C_MAX 16u

struct model_trained {
    uint32_t version, own_stages;  /* bit s: own[s] is a model */
    struct model_fitted pooled;
    struct model_fitted own[MODEL_STAGES_MAX];
    struct signals_calibrator calibrator; /* on log-odds; kind NONE: p is raw */
};
/* Calibrated P(net R > 0); the raw one without a calibrator, a base rate as it is. x: the data's features, NaN missing. */
double model_trained_predict(const struct model_trained *trained, const double *x, uint32_t stage);
/* PROVISIONAL: a base rate stands for this stage, or it is not calibrated: nothing may be sized by it as if it were. */
enum model_status model_trained_status(const struct model_trained *trained, uint32_t stage);
bool model_trained_sane(const struct model_trained *trained); /* bytes of a store */

struct model_options {
    double c[MODEL_C_MAX];  /* ascending, > 0 */
    uint32_t c_count;       /* 1..MODEL_C_MAX */
    uint32_t bias;          /* enum model_bias */
    bool uniqueness;        /* weigh events by average uniqueness (mean 1); then Newton fits, not liblinear */
    bool calibrate;
    struct model_cv inner;
};
struct model_pipeline {
    struct model_options options;
    struct model_trained trained;
    uint32_t capacity;
    double c; /* in use */
    bool raw; /* inside inner folds: steps 1 to 3 are left out */
    double *x, *weight, *p, *knots_x, *knots_y, *sum, *block_weight, *last, *values;
    void *fit;
    int64_t *edges;
    struct signals_ranked *ranked;
    uint32_t *rows, *stage_rows, *alive;
    uint8_t *y;
};
size_t model_pipeline_bytes(uint32_t capacity);
/* memory aligned to 8, at least model_pipeline_bytes(capacity), outlives the pipeline. 0, or -EINVAL: options out of
 * range. */
int model_pipeline_init(struct model_pipeline *pipeline, const struct model_options *options, void *memory, size_t bytes,
                        uint32_t capacity);
/* rows ascending, at most the capacity, of checked data. 0; -ENOSPC; -EINVAL; -EDOM: not even a base rate (no row). One
 * class, or too few rows for a column, is no error: the base rate. */
int model_pipeline_fit(struct model_pipeline *pipeline, const struct model_data *data, const uint32_t *rows, uint32_t count);
struct model_learner model_pipeline_learner(struct model_pipeline *pipeline);

#endif
