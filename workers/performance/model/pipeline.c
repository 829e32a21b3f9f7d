#include "workers/performance/model/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"

static_assert(sizeof(struct model_design) == 8 + 16 * MODEL_FEATURES_MAX + 4 * (MODEL_FEATURES_MAX + MODEL_STAGES_MAX) &&
                  sizeof(struct model_fitted) == 16 + 32 + 8 * MODEL_COLUMNS_MAX + sizeof(struct model_design) &&
                  sizeof(struct model_trained) ==
                      8 + (1 + MODEL_STAGES_MAX) * sizeof(struct model_fitted) + sizeof(struct signals_calibrator),
              "no padding: what is trained is stored, compared and hashed as bytes");

/* --- memory --------------------------------------------------------------------------------------------------------- */

#define DOUBLES_PER_ROW (MODEL_COLUMNS_MAX + 1u + 1u + 2u + 2u + 4u)

size_t model_pipeline_bytes(uint32_t capacity)
{
    size_t n = capacity, row = DOUBLES_PER_ROW * sizeof(double) + sizeof(struct signals_ranked) + 2 * sizeof(int64_t) +
                               4 * sizeof(uint32_t) + sizeof(uint8_t);
    return n * row + model_fit_bytes(capacity, MODEL_COLUMNS_MAX);
}

static void *cut(char **at, size_t bytes)
{
    void *piece = *at;
    *at += bytes;
    return piece;
}

static bool options_valid(const struct model_options *o)
{
    if (o->c_count == 0 || o->c_count > MODEL_C_MAX || o->bias > MODEL_BIAS_FREE || o->inner.folds < 2 ||
        o->inner.folds > MODEL_FOLDS_MAX || o->inner.embargo < 0)
        return false;
    for (uint32_t i = 0; i < o->c_count; i++)
        if (!(o->c[i] > 0.0) || !isfinite(o->c[i]) || (i > 0 && o->c[i] <= o->c[i - 1]))
            return false;
    return true;
}

int model_pipeline_init(struct model_pipeline *pipeline, const struct model_options *options, void *memory, size_t bytes,
                        uint32_t capacity)
{
    memset(pipeline, 0, sizeof *pipeline);
    if (!options_valid(options) || bytes < model_pipeline_bytes(capacity) || (uintptr_t)memory % sizeof(double) != 0)
        return -EINVAL;
    size_t n = capacity;
    char *at = memory;
    pipeline->options = *options;
    pipeline->capacity = capacity;
    pipeline->fit = cut(&at, model_fit_bytes(capacity, MODEL_COLUMNS_MAX));
    pipeline->x = cut(&at, n * MODEL_COLUMNS_MAX * sizeof(double));
    pipeline->weight = cut(&at, n * sizeof(double));
    pipeline->p = cut(&at, n * sizeof(double));
    pipeline->knots_x = cut(&at, 2 * n * sizeof(double));
    pipeline->knots_y = cut(&at, 2 * n * sizeof(double));
    pipeline->sum = cut(&at, n * sizeof(double));
    pipeline->block_weight = cut(&at, n * sizeof(double));
    pipeline->last = cut(&at, n * sizeof(double));
    pipeline->values = cut(&at, n * sizeof(double));
    pipeline->ranked = cut(&at, n * sizeof(struct signals_ranked));
    pipeline->edges = cut(&at, 2 * n * sizeof(int64_t));
    pipeline->rows = cut(&at, n * sizeof(uint32_t));
    pipeline->stage_rows = cut(&at, n * sizeof(uint32_t));
    pipeline->alive = cut(&at, 2 * n * sizeof(uint32_t));
    pipeline->y = cut(&at, n * sizeof(uint8_t));
    assert((size_t)(at - (char *)memory) <= bytes);
    return 0;
}

/* --- one model -------------------------------------------------------------------------------------------------------- */

static uint32_t stage_at(const struct model_data *data, uint32_t row)
{
    return data->stage ? data->stage[row] : 0;
}

/* What needs no columns: counts and payoffs. */
static void fitted_begin(const struct model_data *data, const uint32_t *rows, uint32_t count, struct model_fitted *out)
{
    memset(out, 0, sizeof *out);
    out->version = MODEL_VERSION;
    out->status = MODEL_PROVISIONAL;
    out->n = count;
    for (uint32_t i = 0; i < count; i++) {
        double r = data->r[rows[i]];
        out->wins += data->y[rows[i]];
        *(data->y[rows[i]] ? &out->mean_win : &out->mean_loss) += fabs(r);
    }
    out->mean_win = out->wins ? out->mean_win / out->wins : 0.0;
    out->mean_loss = count > out->wins ? out->mean_loss / (count - out->wins) : 0.0;
    model_design_fit(data, rows, count, &out->design);
}

/* Uniqueness of rows among themselves, scaled to a mean of 1. */
static const double *fitted_weights(struct model_pipeline *p, const struct model_data *data, const uint32_t *rows,
                                    uint32_t count)
{
    if (!p->options.uniqueness)
        return NULL;
    double sum = 0.0;
    model_uniqueness(data, rows, count, p->edges, p->alive, p->weight);
    for (uint32_t i = 0; i < count; i++)
        sum += p->weight[i];
    for (uint32_t i = 0; i < count; i++)
        p->weight[i] *= count / sum;
    return p->weight;
}

static int fitted_fit(struct model_pipeline *p, const struct model_data *data, const uint32_t *rows, uint32_t count,
                      struct model_fitted *out)
{
    fitted_begin(data, rows, count, out);
    uint32_t columns = out->design.column_count;
    if (columns == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        model_design_apply(&out->design, data->x + (size_t)rows[i] * data->feature_count, stage_at(data, rows[i]),
                           p->x + (size_t)i * columns);
        p->y[i] = data->y[rows[i]];
    }
    struct model_fit_problem problem = {.row_count = count, .column_count = columns, .x = p->x, .y = p->y,
                                        .weight = fitted_weights(p, data, rows, count), .c = p->c, .bias = p->options.bias};
    double w[MODEL_COLUMNS_MAX + 1];
    int error = model_fit_logistic(&problem, p->fit, model_fit_bytes(p->capacity, MODEL_COLUMNS_MAX), w, NULL);
    if (error)
        return error == -EDOM ? 0 : error; /* one class: its base rate stands */
    memcpy(out->weight, w, columns * sizeof *w);
    out->bias = p->options.bias == MODEL_BIAS_NONE ? 0.0 : w[columns];
    out->c = p->c;
    out->status = MODEL_FITTED;
    return 0;
}

static int pipeline_models(struct model_pipeline *p, const struct model_data *data, const uint32_t *rows, uint32_t count)
{
    int error = fitted_fit(p, data, rows, count, &p->trained.pooled);
    memset(p->trained.own, 0, sizeof p->trained.own);
    p->trained.own_stages = 0;
    for (uint32_t s = 0; !error && data->stage && s < MODEL_STAGES_MAX; s++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < count; i++)
            if (data->stage[rows[i]] == s)
                p->stage_rows[n++] = rows[i];
        if (n < MODEL_STAGE_EVENTS || n == count)
            continue;
        error = fitted_fit(p, data, p->stage_rows, n, &p->trained.own[s]);
        if (!error && p->trained.own[s].status == MODEL_FITTED)
            p->trained.own_stages |= 1u << s;
        else
            memset(&p->trained.own[s], 0, sizeof p->trained.own[s]);
    }
    return error;
}

static const struct model_fitted *trained_model(const struct model_trained *t, uint32_t stage)
{
    return stage < MODEL_STAGES_MAX && (t->own_stages >> stage & 1u) ? &t->own[stage] : &t->pooled;
}

/* --- the whole ---------------------------------------------------------------------------------------------------------- */

static int pipeline_learn(void *self, const struct model_data *data, const uint32_t *rows, uint32_t count)
{
    struct model_pipeline *p = self;
    return p->raw ? pipeline_models(p, data, rows, count) : model_pipeline_fit(p, data, rows, count);
}

static double pipeline_predict(void *self, const struct model_data *data, uint32_t row)
{
    const struct model_pipeline *p = self;
    const double *x = data->x + (size_t)row * data->feature_count;
    return p->raw ? model_predict(trained_model(&p->trained, stage_at(data, row)), x, stage_at(data, row))
                  : model_trained_predict(&p->trained, x, stage_at(data, row));
}

static uint64_t pipeline_digest(void *self)
{
    const struct model_pipeline *p = self;
    return hash_bytes(&p->trained, sizeof p->trained, 0);
}

struct model_learner model_pipeline_learner(struct model_pipeline *pipeline)
{
    return (struct model_learner){.fit = pipeline_learn, .predict = pipeline_predict, .digest = pipeline_digest, .self = pipeline};
}

/* Inner folds at p->c; out-of-fold probabilities in p->p. */
static int pipeline_inner(struct model_pipeline *p, const struct model_data *data, const uint32_t *rows, uint32_t count,
                          struct model_cv_result *out)
{
    struct model_learner learner = model_pipeline_learner(p);
    p->raw = true;
    int error = model_cv_run(data, rows, count, &p->options.inner, &learner, p->rows, p->p, NULL, out);
    p->raw = false;
    return error;
}

static int pipeline_choose_c(struct model_pipeline *p, const struct model_data *data, const uint32_t *rows, uint32_t count)
{
    double mean[MODEL_C_MAX], se[MODEL_C_MAX];
    struct model_cv_result result;
    p->c = p->options.c[0];
    if (p->options.c_count == 1 || count < p->options.inner.folds)
        return 0;
    for (uint32_t i = 0; i < p->options.c_count; i++) {
        p->c = p->options.c[i];
        int error = pipeline_inner(p, data, rows, count, &result);
        if (error)
            return error;
        mean[i] = result.log_loss_mean;
        se[i] = result.log_loss_se;
    }
    uint32_t chosen = model_one_se(mean, se, p->options.c_count);
    p->c = p->options.c[chosen == UINT32_MAX ? 0 : chosen];
    return 0;
}

static int pipeline_calibrate(struct model_pipeline *p, const struct model_data *data, const uint32_t *rows, uint32_t count)
{
    struct signals_calibrator_scratch scratch = {
        .isotonic = {.ranked = p->ranked, .sum = p->sum, .weight = p->block_weight, .last = p->last},
        .values = p->values, .knot_x = p->knots_x, .knot_y = p->knots_y};
    struct model_cv_result result;
    uint32_t n = 0;
    memset(&p->trained.calibrator, 0, sizeof p->trained.calibrator);
    p->trained.calibrator.version = SIGNALS_CALIBRATOR_VERSION;
    if (!p->options.calibrate || count < p->options.inner.folds)
        return 0;
    int error = pipeline_inner(p, data, rows, count, &result);
    if (error)
        return error;
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(p->p[i]))
            continue;
        double clipped = fmin(fmax(p->p[i], SIGNALS_P_CLIP), 1.0 - SIGNALS_P_CLIP);
        p->p[n] = log(clipped) - log1p(-clipped); /* n <= i: in place */
        p->y[n++] = data->y[rows[i]];
    }
    error = signals_calibrator_fit(p->p, p->y, n, &scratch, &p->trained.calibrator);
    return error == -EINVAL ? error : 0; /* without one p stays raw and PROVISIONAL */
}

int model_pipeline_fit(struct model_pipeline *pipeline, const struct model_data *data, const uint32_t *rows, uint32_t count)
{
    if (count > pipeline->capacity)
        return -ENOSPC;
    if (count == 0)
        return -EDOM;
    if (data->feature_count > MODEL_FEATURES_MAX)
        return -EINVAL;
    pipeline->trained.version = MODEL_VERSION;
    int error = pipeline_choose_c(pipeline, data, rows, count);
    if (!error)
        error = pipeline_calibrate(pipeline, data, rows, count);
    return error ? error : pipeline_models(pipeline, data, rows, count);
}

double model_trained_predict(const struct model_trained *trained, const double *x, uint32_t stage)
{
    const struct model_fitted *model = trained_model(trained, stage);
    return trained->calibrator.kind == SIGNALS_CALIBRATOR_NONE || model->status == MODEL_PROVISIONAL
               ? model_predict(model, x, stage)
               : signals_calibrator_apply(&trained->calibrator, model_log_odds(model, x, stage));
}

enum model_status model_trained_status(const struct model_trained *trained, uint32_t stage)
{
    return trained->calibrator.kind == SIGNALS_CALIBRATOR_NONE ? MODEL_PROVISIONAL
                                                               : (enum model_status)trained_model(trained, stage)->status;
}

bool model_trained_sane(const struct model_trained *trained)
{
    if (trained->version != MODEL_VERSION || trained->own_stages >> MODEL_STAGES_MAX != 0 || !model_sane(&trained->pooled) ||
        !signals_calibrator_sane(&trained->calibrator))
        return false;
    for (uint32_t s = 0; s < MODEL_STAGES_MAX; s++)
        if ((trained->own_stages >> s & 1u) && !model_sane(&trained->own[s]))
            return false;
    return true;
}
