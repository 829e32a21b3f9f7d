/* model: P(net R > 0) of a signal from its features. Pure: what is here only prepares and predicts; fits are in
 * fit.h, folds in cv.h, a whole trained pipeline in pipeline.h. quant.md section 11.
 *
 * Features are known at the moment at which the signal was confirmed, from closed bars. Each is standardised with the
 * training rows' mean and sd (n - 1) and winsorised to +-5; a missing one (NaN) is 0 after that, and has a column of its
 * own, 1 where it was missing, when training rows had it missing. A feature that did not vary in training is 0.
 * One pooled model with a column for every stage but the first, until a stage has MODEL_STAGE_EVENTS events; at
 * most n / 20 columns: stage columns first, then features in the order in which they are given, so give the most
 * telling ones first. With no room for a single one the answer is the base rate.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MODEL_MODEL_H
#define PROPFLEET_WORKERS_PERFORMANCE_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/strategy/signals/interval.h"

#define MODEL_VERSION 1u
#define MODEL_FEATURES_MAX 24u
#define MODEL_STAGES_MAX 8u
#define MODEL_COLUMNS_MAX (2u * MODEL_FEATURES_MAX + MODEL_STAGES_MAX - 1u)
#define MODEL_ROWS_PER_COLUMN 20u
#define MODEL_STAGE_EVENTS 200u
#define MODEL_WINSOR 5.0
#define MODEL_NO_COLUMN UINT32_MAX

/* Events in the order of t0 (ascending). Every array is the caller's, row_count long. */
struct model_data {
    uint32_t row_count, feature_count;
    const double *x;       /* row_count * feature_count, row by row; NaN: missing */
    const uint8_t *y;      /* 1: net R > 0 */
    const double *r;       /* net R, finite */
    const int64_t *t0, *t1; /* the label's life, both ends included, any unit; t1 >= t0 */
    const uint32_t *stage; /* < MODEL_STAGES_MAX; NULL: all 0 */
    const int32_t *day;    /* trading day of t0, counted without holes, ascending; NULL where no objective is asked */
};
/* 0, or -EINVAL: empty, too many features, y above 1, y that is not r > 0, r not finite, an infinite feature, times or
 * days out of order, a stage out of range. */
int model_data_check(const struct model_data *data);

/* How features become columns, learned from training rows. Plain bytes. */
struct model_design {
    uint32_t feature_count, column_count; /* features used: the first ones */
    double mean[MODEL_FEATURES_MAX], sd[MODEL_FEATURES_MAX]; /* sd 0: did not vary */
    uint32_t missing_column[MODEL_FEATURES_MAX];             /* MODEL_NO_COLUMN: none was missing */
    uint32_t stage_column[MODEL_STAGES_MAX];
};
/* From rows[0..count) of checked data; column_count 0: too few rows for any. */
void model_design_fit(const struct model_data *data, const uint32_t *rows, uint32_t count, struct model_design *out);
/* column_count values. */
void model_design_apply(const struct model_design *design, const double *x, uint32_t stage, double *columns);

enum model_status { MODEL_PROVISIONAL, MODEL_FITTED }; /* base rate of the training rows; a fit */
struct model_fitted {
    uint32_t version, status;
    uint32_t n, wins;
    double mean_win, mean_loss; /* of training rows, R, both >= 0; 0 where there was none */
    double c, bias;
    double weight[MODEL_COLUMNS_MAX];
    struct model_design design;
};
/* P from the log-odds; PROVISIONAL: (wins + 1/2) / (n + 1). */
double model_predict(const struct model_fitted *model, const double *x, uint32_t stage);
double model_log_odds(const struct model_fitted *model, const double *x, uint32_t stage);
/* The base rate with its 95 % Jeffreys interval: what is said while a model is PROVISIONAL. */
struct signals_interval model_base_rate(const struct model_fitted *model, double *rate);
/* p * mean_win - (1 - p) * mean_loss: expected net R. */
double model_expected_r(const struct model_fitted *model, double p);
/* Whether bytes from a store are a model that predict can be given. */
bool model_sane(const struct model_fitted *model);

/* Rows of one stage, into `out`; their number. */
uint32_t model_stage_rows(const struct model_data *data, uint32_t stage, uint32_t *out);

/* A model as cross-validation and the leak tests see it. */
struct model_learner {
    /* Forget everything, learn rows[0..count) (ascending). 0 or an error. */
    int (*fit)(void *self, const struct model_data *data, const uint32_t *rows, uint32_t count);
    double (*predict)(void *self, const struct model_data *data, uint32_t row); /* P, or NaN */
    /* Of everything that was learned, scaler, imputer and calibrator included: equal fits give equal digests. */
    uint64_t (*digest)(void *self);
    void *self;
};

#endif
