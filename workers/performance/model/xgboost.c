#include "workers/performance/model/xgboost.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* XGBOOST=0 on make's command line compiles as if the library were not there. */
#if !defined(PROPFLEET_WITHOUT_XGBOOST) && __has_include(<xgboost/c_api.h>)
#define HAVE_XGBOOST 1
#include <xgboost/c_api.h>
#else
#define HAVE_XGBOOST 0
#endif

bool model_xgboost_available(void)
{
    return HAVE_XGBOOST;
}

bool model_xgboost_params_allowed(const struct model_xgboost_params *p)
{
    return p->depth >= 1 && p->depth <= 3 && p->rounds >= 1 && p->rounds <= 200 && p->eta >= 0.05 && p->eta <= 0.1 &&
           p->min_child_weight >= 20.0 && isfinite(p->min_child_weight) && p->lambda >= 0.0 && isfinite(p->lambda);
}

#if HAVE_XGBOOST

static int booster_set(BoosterHandle booster, const char *name, double value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.17g", value);
    return XGBoosterSetParam(booster, name, text);
}

static int booster_configure(BoosterHandle booster, const struct model_xgboost_params *p, uint32_t feature_count)
{
    char monotone[8 * MODEL_FEATURES_MAX] = "(";
    size_t at = 1;
    bool any = false;
    for (uint32_t j = 0; j < feature_count && j < MODEL_FEATURES_MAX; j++) {
        any = any || p->monotone[j] != 0;
        at += (size_t)snprintf(monotone + at, sizeof monotone - at, "%s%d", j ? "," : "", p->monotone[j]);
    }
    for (uint32_t j = MODEL_FEATURES_MAX; j < feature_count; j++)
        at += (size_t)snprintf(monotone + at, sizeof monotone - at, ",0"); /* the stage */
    (void)snprintf(monotone + at, sizeof monotone - at, ")");
    return XGBoosterSetParam(booster, "objective", "binary:logistic") ||
           XGBoosterSetParam(booster, "tree_method", p->hist ? "hist" : "exact") ||
           XGBoosterSetParam(booster, "nthread", "1") || XGBoosterSetParam(booster, "seed", "0") ||
           XGBoosterSetParam(booster, "verbosity", "0") || XGBoosterSetParam(booster, "base_score", "0.5") ||
           booster_set(booster, "max_depth", p->depth) || booster_set(booster, "eta", p->eta) ||
           booster_set(booster, "min_child_weight", p->min_child_weight) || booster_set(booster, "reg_lambda", p->lambda) ||
           (any && XGBoosterSetParam(booster, "monotone_constraints", monotone));
}

void model_xgboost_free(struct model_xgboost *model)
{
    if (model->booster)
        (void)XGBoosterFree(model->booster);
    *model = (struct model_xgboost){0};
}

int model_xgboost_load(struct model_xgboost *model, const void *bytes, size_t size)
{
    bst_ulong features = 0;
    model_xgboost_free(model);
    if (size == 0 || XGBoosterCreate(NULL, 0, &model->booster))
        return -EINVAL;
    if (XGBoosterSetParam(model->booster, "nthread", "1") || XGBoosterLoadModelFromBuffer(model->booster, bytes, size) ||
        XGBoosterGetNumFeature(model->booster, &features)) {
        model_xgboost_free(model);
        return -EINVAL;
    }
    model->feature_count = (uint32_t)features;
    return 0;
}

static bool train_valid(const struct model_xgboost_params *p, const float *y, uint32_t row_count, uint32_t feature_count)
{
    uint32_t wins = 0;
    for (uint32_t i = 0; i < row_count; i++)
        wins += y[i] > 0.0f;
    return row_count > 0 && feature_count > 0 && feature_count <= MODEL_FEATURES_MAX + 1 && wins > 0 && wins < row_count &&
           p->depth > 0 && p->rounds > 0 && p->eta > 0.0 && p->eta <= 1.0 && p->min_child_weight >= 0.0 && p->lambda >= 0.0;
}

int model_xgboost_train(struct model_xgboost *model, const struct model_xgboost_params *params, const float *x,
                        const float *y, uint32_t row_count, uint32_t feature_count)
{
    DMatrixHandle matrix = NULL;
    model_xgboost_free(model);
    if (!train_valid(params, y, row_count, feature_count) ||
        XGDMatrixCreateFromMat(x, row_count, feature_count, NAN, &matrix))
        return -EINVAL;
    int error = XGDMatrixSetFloatInfo(matrix, "label", y, row_count) || XGBoosterCreate(&matrix, 1, &model->booster) ||
                booster_configure(model->booster, params, feature_count);
    for (uint32_t round = 0; !error && round < params->rounds; round++)
        error = XGBoosterUpdateOneIter(model->booster, (int)round, matrix);
    (void)XGDMatrixFree(matrix);
    model->feature_count = feature_count;
    if (error)
        model_xgboost_free(model);
    return error ? -EINVAL : 0;
}

int model_xgboost_predict(const struct model_xgboost *model, const float *x, uint32_t row_count, float *margin, float *p)
{
    static const char config[] = "{\"type\": 1, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, "
                                 "\"strict_shape\": false}";
    DMatrixHandle matrix = NULL;
    const bst_ulong *shape;
    const float *result = NULL;
    bst_ulong dimensions;
    if (!model->booster || row_count == 0 || XGDMatrixCreateFromMat(x, row_count, model->feature_count, NAN, &matrix))
        return -EINVAL;
    int error = XGBoosterPredictFromDMatrix(model->booster, matrix, config, &shape, &dimensions, &result);
    if (!error && (dimensions < 1 || shape[0] != row_count))
        error = -1;
    for (uint32_t i = 0; !error && i < row_count; i++) {
        if (margin)
            margin[i] = result[i];
        if (p)
            p[i] = 1.0f / (1.0f + expf(-result[i]));
    }
    (void)XGDMatrixFree(matrix);
    return error ? -EINVAL : 0;
}

int model_xgboost_save(const struct model_xgboost *model, const char **bytes, size_t *size)
{
    bst_ulong length;
    if (!model->booster || XGBoosterSaveModelToBuffer(model->booster, "{\"format\": \"json\"}", &length, bytes))
        return -EINVAL;
    *size = length;
    return 0;
}

#else

void model_xgboost_free(struct model_xgboost *model)
{
    *model = (struct model_xgboost){0};
}

int model_xgboost_load(struct model_xgboost *model, const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    model_xgboost_free(model);
    return -ENOSYS;
}

int model_xgboost_train(struct model_xgboost *model, const struct model_xgboost_params *params, const float *x,
                        const float *y, uint32_t row_count, uint32_t feature_count)
{
    (void)params;
    (void)x;
    (void)y;
    (void)row_count;
    (void)feature_count;
    model_xgboost_free(model);
    return -ENOSYS;
}

int model_xgboost_predict(const struct model_xgboost *model, const float *x, uint32_t row_count, float *margin, float *p)
{
    (void)model;
    (void)x;
    (void)row_count;
    (void)margin;
    (void)p;
    return -ENOSYS;
}

int model_xgboost_save(const struct model_xgboost *model, const char **bytes, size_t *size)
{
    (void)model;
    (void)bytes;
    (void)size;
    return -ENOSYS;
}

#endif

/* --- as a learner ------------------------------------------------------------------------------------------------------- */

static void learner_row(const struct model_data *data, uint32_t row, float *x)
{
    for (uint32_t j = 0; j < data->feature_count; j++)
        x[j] = (float)data->x[(size_t)row * data->feature_count + j];
    x[data->feature_count] = data->stage ? (float)data->stage[row] : 0.0f;
}

static int learner_fit(void *self, const struct model_data *data, const uint32_t *rows, uint32_t count)
{
    struct model_xgboost_learner *l = self;
    uint32_t columns = data->feature_count + 1, wins = 0;
    if (count > l->capacity)
        return -ENOSPC;
    if (!model_xgboost_params_allowed(&l->params))
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        learner_row(data, rows[i], l->x + (size_t)i * columns);
        l->y[i] = data->y[rows[i]];
        wins += data->y[rows[i]];
    }
    if (wins == 0 || wins == count)
        return -EDOM;
    return model_xgboost_train(&l->model, &l->params, l->x, l->y, count, columns);
}

static double learner_predict(void *self, const struct model_data *data, uint32_t row)
{
    const struct model_xgboost_learner *l = self;
    float x[MODEL_FEATURES_MAX + 1], p;
    learner_row(data, row, x);
    return model_xgboost_predict(&l->model, x, 1, NULL, &p) ? NAN : (double)p;
}

static uint64_t learner_digest(void *self)
{
    const struct model_xgboost_learner *l = self;
    const char *bytes;
    size_t size;
    return model_xgboost_save(&l->model, &bytes, &size) ? 0 : hash_bytes(bytes, size, 0);
}

struct model_learner model_xgboost_as_learner(struct model_xgboost_learner *learner)
{
    return (struct model_learner){.fit = learner_fit, .predict = learner_predict, .digest = learner_digest, .self = learner};
}
