#include "workers/performance/model/model.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define JEFFREYS_CONFIDENCE 0.95

static uint32_t stage_of(const struct model_data *data, uint32_t row)
{
    return data->stage ? data->stage[row] : 0;
}

static bool row_sane(const struct model_data *data, uint32_t i)
{
    if (data->y[i] > 1 || !isfinite(data->r[i]) || data->y[i] != (data->r[i] > 0.0) || data->t1[i] < data->t0[i] ||
        stage_of(data, i) >= MODEL_STAGES_MAX)
        return false;
    if (i > 0 && (data->t0[i] < data->t0[i - 1] || (data->day && data->day[i] < data->day[i - 1])))
        return false;
    for (uint32_t j = 0; j < data->feature_count; j++)
        if (isinf(data->x[(size_t)i * data->feature_count + j]))
            return false;
    return true;
}

int model_data_check(const struct model_data *data)
{
    if (data->row_count == 0 || data->feature_count == 0 || data->feature_count > MODEL_FEATURES_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < data->row_count; i++)
        if (!row_sane(data, i))
            return -EINVAL;
    return 0;
}

uint32_t model_stage_rows(const struct model_data *data, uint32_t stage, uint32_t *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < data->row_count; i++)
        if (stage_of(data, i) == stage)
            out[count++] = i;
    return count;
}

/* --- columns ------------------------------------------------------------------------------------------------------- */

/* Mean and sd of what is there of feature j. Returns how many training rows miss it. */
static uint32_t design_moments(const struct model_data *data, const uint32_t *rows, uint32_t count, uint32_t j, double *mean,
                               double *sd)
{
    double sum = 0.0, square = 0.0, largest = 0.0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        double v = data->x[(size_t)rows[i] * data->feature_count + j];
        if (isnan(v))
            continue;
        sum += v;
        largest = fmax(largest, fabs(v));
        n++;
    }
    *mean = n ? sum / n : 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double v = data->x[(size_t)rows[i] * data->feature_count + j];
        square += isnan(v) ? 0.0 : (v - *mean) * (v - *mean);
    }
    *sd = n > 1 ? sqrt(square / (n - 1.0)) : 0.0;
    if (!(*sd > 1e-12 * largest) || !isfinite(*sd))
        *sd = 0.0;
    return count - n;
}

/* A column for every stage of the rows but the lowest, when there is room for all of them. */
static void design_stages(const struct model_data *data, const uint32_t *rows, uint32_t count, uint32_t room,
                          struct model_design *out)
{
    bool present[MODEL_STAGES_MAX] = {false};
    uint32_t stages = 0, lowest = MODEL_STAGES_MAX;
    for (uint32_t i = 0; i < count; i++)
        present[stage_of(data, rows[i])] = true;
    for (uint32_t s = 0; s < MODEL_STAGES_MAX; s++) {
        out->stage_column[s] = MODEL_NO_COLUMN;
        stages += present[s];
        if (present[s] && lowest == MODEL_STAGES_MAX)
            lowest = s;
    }
    for (uint32_t s = lowest + 1; stages <= room + 1 && s < MODEL_STAGES_MAX; s++)
        if (present[s])
            out->stage_column[s] = out->column_count++;
}

void model_design_fit(const struct model_data *data, const uint32_t *rows, uint32_t count, struct model_design *out)
{
    memset(out, 0, sizeof *out);
    uint32_t room = count / MODEL_ROWS_PER_COLUMN;
    design_stages(data, rows, count, room, out);
    for (uint32_t j = 0; j < MODEL_FEATURES_MAX; j++)
        out->missing_column[j] = MODEL_NO_COLUMN;
    uint32_t columns = out->column_count; /* features follow the stages, each with its missing column behind it */
    for (uint32_t j = 0; j < data->feature_count; j++) {
        uint32_t missing = design_moments(data, rows, count, j, &out->mean[j], &out->sd[j]);
        if (columns + 1 + (missing > 0) > room) {
            out->mean[j] = out->sd[j] = 0.0;
            break;
        }
        columns++;
        if (missing > 0)
            out->missing_column[j] = columns++;
        out->feature_count++;
    }
    out->column_count = columns;
}

void model_design_apply(const struct model_design *design, const double *x, uint32_t stage, double *columns)
{
    assert(design->column_count <= MODEL_COLUMNS_MAX);
    uint32_t at = 0;
    memset(columns, 0, design->column_count * sizeof *columns);
    for (uint32_t s = 0; s < MODEL_STAGES_MAX; s++)
        at += design->stage_column[s] != MODEL_NO_COLUMN;
    if (stage < MODEL_STAGES_MAX && design->stage_column[stage] != MODEL_NO_COLUMN)
        columns[design->stage_column[stage]] = 1.0;
    for (uint32_t j = 0; j < design->feature_count; j++) {
        bool indicated = design->missing_column[j] != MODEL_NO_COLUMN;
        if (isnan(x[j]) && indicated)
            columns[design->missing_column[j]] = 1.0;
        if (!isnan(x[j]) && design->sd[j] > 0.0)
            columns[at] = fmin(fmax((x[j] - design->mean[j]) / design->sd[j], -MODEL_WINSOR), MODEL_WINSOR);
        at += 1 + indicated;
    }
}

/* --- predictions --------------------------------------------------------------------------------------------------- */

double model_log_odds(const struct model_fitted *model, const double *x, uint32_t stage)
{
    double columns[MODEL_COLUMNS_MAX], z = model->bias;
    if (model->status == MODEL_PROVISIONAL)
        return log(model->wins + 0.5) - log(model->n - model->wins + 0.5);
    model_design_apply(&model->design, x, stage, columns);
    for (uint32_t j = 0; j < model->design.column_count; j++)
        z += model->weight[j] * columns[j];
    return z;
}

double model_predict(const struct model_fitted *model, const double *x, uint32_t stage)
{
    double z = model_log_odds(model, x, stage), e = exp(-fabs(z));
    return z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

struct signals_interval model_base_rate(const struct model_fitted *model, double *rate)
{
    *rate = (model->wins + 0.5) / (model->n + 1.0);
    return signals_interval_jeffreys(model->wins, model->n, JEFFREYS_CONFIDENCE);
}

double model_expected_r(const struct model_fitted *model, double p)
{
    return p * model->mean_win - (1.0 - p) * model->mean_loss;
}

/* Columns are stages, then features with what they miss, without a hole. */
static bool design_sane(const struct model_design *d)
{
    uint32_t columns = 0;
    if (d->feature_count > MODEL_FEATURES_MAX)
        return false;
    for (uint32_t s = 0; s < MODEL_STAGES_MAX; s++)
        if (d->stage_column[s] != MODEL_NO_COLUMN && d->stage_column[s] != columns++)
            return false;
    for (uint32_t j = 0; j < d->feature_count; j++) {
        columns++;
        if (!isfinite(d->mean[j]) || !isfinite(d->sd[j]) || d->sd[j] < 0.0 ||
            (d->missing_column[j] != MODEL_NO_COLUMN && d->missing_column[j] != columns++))
            return false;
    }
    return columns == d->column_count;
}

bool model_sane(const struct model_fitted *model)
{
    if (model->version != MODEL_VERSION || model->status > MODEL_FITTED || model->wins > model->n ||
        !(model->mean_win >= 0.0) || !(model->mean_loss >= 0.0) || isinf(model->mean_win) || isinf(model->mean_loss) ||
        !isfinite(model->bias) || !isfinite(model->c) || !design_sane(&model->design))
        return false;
    for (uint32_t j = 0; j < model->design.column_count; j++)
        if (!isfinite(model->weight[j]))
            return false;
    return true;
}
