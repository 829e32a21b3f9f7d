/* xgboost: boosted trees, the second model (quant.md section 11). There only where XGBoost's C library was when this
 * was compiled: model_xgboost_available() says so, and everything else is -ENOSYS without it.
 *
 * Single-precision inside (margins agree with other builds to about 1e-6), one thread, a fixed seed: equal rows give an
 * equal model. Memory is the library's while a booster lives. Files are read and written by the caller: models come and
 * go as bytes (JSON or UBJSON in, JSON out). Bytes of a model are parsed by the library, which trusts them: take
 * them from our own store only.
 *
 * Adopt it only where its purged out-of-fold log loss beats the first model's by more than two standard errors
 * (model_adopt_second) and the deflated Sharpe ratio holds.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MODEL_XGBOOST_H
#define PROPFLEET_WORKERS_PERFORMANCE_MODEL_XGBOOST_H

#include <stddef.h>

#include "workers/performance/model/model.h"

struct model_xgboost_params {
    uint32_t depth, rounds; /* 1..3, 1..200 */
    double eta;             /* 0.05..0.1 */
    double min_child_weight;/* >= 20 */
    double lambda;          /* L2, >= 0; 1 */
    bool hist;              /* tree method: histogram; else exact */
    int8_t monotone[MODEL_FEATURES_MAX]; /* +1, -1 where theory gives a sign, 0 */
};
/* Whether they are within what the specification allows. model_xgboost_train itself takes any that make sense. */
bool model_xgboost_params_allowed(const struct model_xgboost_params *params);

struct model_xgboost {
    void *booster; /* NULL: none */
    uint32_t feature_count;
};
bool model_xgboost_available(void);
/* From bytes of a model. 0; -ENOSYS; -EINVAL: not one. */
int model_xgboost_load(struct model_xgboost *model, const void *bytes, size_t size);
/* x: row_count * feature_count, row by row, NaN missing. 0; -ENOSYS; -EINVAL: parameters, one class, an error of the
 * library. An old booster is freed first. */
int model_xgboost_train(struct model_xgboost *model, const struct model_xgboost_params *params, const float *x,
                        const float *y, uint32_t row_count, uint32_t feature_count);
/* margin and p (either may be NULL): row_count. 0; -ENOSYS; -EINVAL: no booster, an error of the library. */
int model_xgboost_predict(const struct model_xgboost *model, const float *x, uint32_t row_count, float *margin, float *p);
/* The model as JSON; *bytes stays the library's until the booster is used again or freed. */
int model_xgboost_save(const struct model_xgboost *model, const char **bytes, size_t *size);
void model_xgboost_free(struct model_xgboost *model);

/* As a learner: features of struct model_data and the stage as one more. `x`: capacity * (features + 1), `y`: capacity. */
struct model_xgboost_learner {
    struct model_xgboost model;
    struct model_xgboost_params params;
    float *x, *y;
    uint32_t capacity;
};
struct model_learner model_xgboost_as_learner(struct model_xgboost_learner *learner);

#endif
