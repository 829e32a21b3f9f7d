/* Columns, solver, folds and the pipeline against naive recomputation; labels bar by bar; bytes that are no model. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/broker/broker.h"
#include "workers/performance/model/label.h"
#include "workers/performance/model/pipeline.h"

#define N_MAX 1500u
#define K 4u

static uint64_t seed;
static double x[N_MAX * K], r[N_MAX], expected[N_MAX];
static uint8_t y[N_MAX];
static int64_t t0[N_MAX], t1[N_MAX], edges[2 * N_MAX];
static uint32_t stage[N_MAX], rows[N_MAX], train[N_MAX], alive[2 * N_MAX];
static int32_t day[N_MAX];

static double uniform(void)
{
    seed = hash_mix64(seed);
    return (double)(seed >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(uniform() * n);
}

static int begin(void **state)
{
    (void)state;
    seed = 8086;
    return 0;
}

static void close_to(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance * fmax(1.0, fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

/* n events; the first two features tell something, the third has holes, the fourth is noise. */
static struct model_data events(uint32_t n, uint32_t stages, double edge)
{
    int64_t t = 1000;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < K; j++)
            x[i * K + j] = 10.0 * j + normal() * (j + 1);
        double z = edge * ((x[i * K] - 0.0) + (x[i * K + 1] - 10.0) / 2.0);
        if (below(5) == 0)
            x[i * K + 2] = NAN;
        y[i] = uniform() < 1.0 / (1.0 + exp(-z));
        r[i] = y[i] ? 1.5 + 0.2 * uniform() : -1.0 - 0.1 * uniform();
        t += below(8);
        t0[i] = t;
        t1[i] = t + 1 + below(40);
        day[i] = (int32_t)(t / 24);
        stage[i] = stages > 1 ? below(stages) : 0;
        rows[i] = i;
    }
    struct model_data data = {.row_count = n, .feature_count = K, .x = x, .y = y, .r = r, .t0 = t0, .t1 = t1,
                              .stage = stages > 1 ? stage : NULL, .day = day};
    assert_int_equal(model_data_check(&data), 0);
    return data;
}

static void test_data_that_is_none(void **state)
{
    (void)state;
    struct model_data data = events(50, 3, 1.0), bad;
#define BAD(change, undo)                                                                                              \
    do {                                                                                                               \
        bad = data;                                                                                                    \
        change;                                                                                                        \
        assert_int_equal(model_data_check(&bad), -EINVAL);                                                             \
        undo;                                                                                                          \
        assert_int_equal(model_data_check(&data), 0);                                                                  \
    } while (0)
    double old_r = r[7], old_x = x[9];
    uint8_t old_y = y[7];
    int64_t old_t = t1[5], old_t0 = t0[20];
    BAD(bad.row_count = 0, );
    BAD(bad.feature_count = 0, );
    BAD(bad.feature_count = MODEL_FEATURES_MAX + 1, );
    BAD(y[7] = 2, y[7] = old_y);
    BAD(y[7] = !old_y, y[7] = old_y);
    BAD(r[7] = NAN, r[7] = old_r);
    BAD(x[9] = INFINITY, x[9] = old_x);
    BAD(t1[5] = t0[5] - 1, t1[5] = old_t);
    BAD(t0[20] = t0[19] - 1, t0[20] = old_t0);
    BAD(stage[3] = MODEL_STAGES_MAX, stage[3] = 0);
    BAD(day[49] = -1, day[49] = day[48]);
#undef BAD
}

/* --- columns ---------------------------------------------------------------------------------------------------------- */

static void test_columns_from_training_rows_alone(void **state)
{
    (void)state;
    struct model_data data = events(400, 1, 1.0);
    struct model_design d, again;
    double columns[MODEL_COLUMNS_MAX], mean = 0.0, square = 0.0;
    model_design_fit(&data, rows, 200, &d);
    assert_int_equal(d.feature_count, 4);
    assert_int_equal(d.column_count, 5); /* one for what the third misses */
    assert_int_equal(d.missing_column[2], 3);
    for (uint32_t i = 0; i < 200; i++)
        mean += x[i * K + 1] / 200.0;
    for (uint32_t i = 0; i < 200; i++)
        square += (x[i * K + 1] - mean) * (x[i * K + 1] - mean);
    close_to(d.mean[1], mean, 1e-12);
    close_to(d.sd[1], sqrt(square / 199.0), 1e-12);
    double one[K] = {d.mean[0] + 2.0 * d.sd[0], d.mean[1] - 99.0 * d.sd[1], NAN, d.mean[3] + 6.0 * d.sd[3]};
    model_design_apply(&d, one, 0, columns);
    close_to(columns[0], 2.0, 1e-12);
    assert_true(columns[1] == -MODEL_WINSOR && columns[2] == 0.0 && columns[3] == 1.0 && columns[4] == MODEL_WINSOR);
    one[0] = NAN; /* missing where training missed nothing: the mean */
    one[2] = d.mean[2];
    model_design_apply(&d, one, 0, columns);
    assert_true(columns[0] == 0.0 && columns[2] == 0.0 && columns[3] == 0.0);
    for (uint32_t i = 200; i < 400; i++)
        x[i * K + 1] *= 1000.0;
    model_design_fit(&data, rows, 200, &again);
    assert_memory_equal(&d, &again, sizeof d);
}

static void test_at_most_a_twentieth_of_the_rows(void **state)
{
    (void)state;
    struct model_data data = events(400, 4, 1.0);
    struct model_design d;
    for (uint32_t n = 1; n <= 400; n++) {
        model_design_fit(&data, rows, n, &d);
        assert_true(d.column_count <= n / 20);
        if (n < 20)
            assert_int_equal(d.column_count, 0);
        if (n >= 160)
            assert_int_equal(d.column_count, 8); /* three stages, four features, one that misses */
        if (n >= 60 && n < 80)
            assert_true(d.column_count == 3 && d.feature_count == 0 && d.stage_column[0] == MODEL_NO_COLUMN);
    }
    double columns[MODEL_COLUMNS_MAX];
    model_design_apply(&d, x, 2, columns);
    assert_true(columns[0] == 0.0 && columns[1] == 1.0 && columns[2] == 0.0);
    model_design_apply(&d, x, 99, columns); /* a stage that nobody knows is the first */
    assert_true(columns[0] == 0.0 && columns[1] == 0.0 && columns[2] == 0.0);
    for (uint32_t i = 0; i < 400; i++)
        x[i * K] = 0.1; /* constant, and not in binary */
    model_design_fit(&data, rows, 400, &d);
    assert_true(d.sd[0] == 0.0);
    double off[K] = {77.0, 0.0, 0.0, 0.0};
    model_design_apply(&d, off, 0, columns);
    assert_true(columns[d.column_count - 5] == 0.0);
}

/* --- solver ----------------------------------------------------------------------------------------------------------- */

static double fit_memory[400000];

static int fit(struct model_fit_problem problem, double *w, struct model_fit_info *info)
{
    assert_true(model_fit_bytes(problem.row_count, problem.column_count) <= sizeof fit_memory);
    return model_fit_logistic(&problem, fit_memory, sizeof fit_memory, w, info);
}

static void test_liblinear_and_newton_find_one_minimum(void **state)
{
    (void)state;
    struct model_fit_info info;
    for (int round = 0; round < 20; round++) {
        uint32_t n = 30 + below(500);
        (void)events(n, 1, 1.0);
        for (uint32_t i = 0; i < n * K; i++)
            x[i] = isnan(x[i]) ? 0.0 : x[i];
        struct model_fit_problem problem = {.row_count = n, .column_count = K, .x = x, .y = y, .c = pow(10.0, (int)below(5) - 3),
                                            .bias = below(2)};
        double a[K + 1], b[K + 1];
        y[0] = (uint8_t)(round % 2); /* liblinear's first class is now one, now the other */
        y[1] = !y[0];
        assert_int_equal(fit(problem, a, &info), 0);
        assert_int_equal(info.solver, MODEL_SOLVER_AUTO);
        assert_true(info.steps <= 4); /* liblinear has done the work */
        problem.solver = MODEL_SOLVER_NEWTON;
        assert_int_equal(fit(problem, b, &info), 0);
        assert_int_equal(info.solver, MODEL_SOLVER_NEWTON);
        for (uint32_t j = 0; j < K + (problem.bias != MODEL_BIAS_NONE); j++)
            close_to(a[j], b[j], 1e-9);
        for (uint32_t i = 0; i < n; i++)
            y[i] = !y[i];
        problem.solver = MODEL_SOLVER_AUTO;
        assert_int_equal(fit(problem, b, &info), 0);
        for (uint32_t j = 0; j < K + (problem.bias != MODEL_BIAS_NONE); j++)
            close_to(a[j], -b[j], 1e-9);
    }
}

static void test_a_weight_of_two_is_two_rows(void **state)
{
    (void)state;
    double weight[300], twice_x[600 * K], a[K + 1], b[K + 1];
    uint8_t twice_y[600];
    uint32_t m = 0;
    (void)events(300, 1, 1.0);
    for (uint32_t i = 0; i < 300; i++) {
        weight[i] = below(3);
        for (uint32_t copy = 0; copy < (uint32_t)weight[i]; copy++) {
            for (uint32_t j = 0; j < K; j++)
                twice_x[m * K + j] = x[i * K + j] = isnan(x[i * K + j]) ? 0.0 : x[i * K + j];
            twice_y[m++] = y[i];
        }
        for (uint32_t j = 0; j < K; j++)
            x[i * K + j] = isnan(x[i * K + j]) ? 0.0 : x[i * K + j];
    }
    struct model_fit_problem problem = {.row_count = 300, .column_count = K, .x = x, .y = y, .weight = weight, .c = 0.7,
                                        .bias = MODEL_BIAS_FREE};
    assert_int_equal(fit(problem, a, NULL), 0);
    problem.row_count = m;
    problem.x = twice_x;
    problem.y = twice_y;
    problem.weight = NULL;
    assert_int_equal(fit(problem, b, NULL), 0);
    for (uint32_t j = 0; j <= K; j++)
        close_to(a[j], b[j], 1e-9);
}

static void test_problems_that_have_no_fit(void **state)
{
    (void)state;
    double w[K + 1];
    (void)events(100, 1, 1.0);
    for (uint32_t i = 0; i < 100 * K; i++)
        x[i] = isnan(x[i]) ? 0.0 : x[i];
    struct model_fit_problem good = {.row_count = 100, .column_count = K, .x = x, .y = y, .c = 1.0, .bias = MODEL_BIAS_FREE}, bad;
    double nan_x[K] = {NAN, 0, 0, 0}, weight[100] = {1.0};
    uint8_t same[100] = {0};
    assert_int_equal(fit(good, w, NULL), 0);
    assert_int_equal(model_fit_logistic(&good, fit_memory, model_fit_bytes(100, K) - 1, w, NULL), -EINVAL);
    bad = good, bad.c = 0.0;
    assert_int_equal(fit(bad, w, NULL), -EINVAL);
    assert_true(isnan(w[0]) && isnan(w[K]));
    bad = good, bad.row_count = 1, bad.x = nan_x;
    assert_int_equal(fit(bad, w, NULL), -EINVAL);
    bad = good, bad.y = same;
    assert_int_equal(fit(bad, w, NULL), -EDOM);
    bad = good, bad.weight = weight; /* one row left: one class */
    assert_int_equal(fit(bad, w, NULL), -EDOM);
    weight[5] = -1.0;
    assert_int_equal(fit(bad, w, NULL), -EINVAL);
    bad = good, bad.bias = 3;
    assert_int_equal(fit(bad, w, NULL), -EINVAL);
    bad = good; /* separated: the penalty keeps it finite, whatever the scale */
    for (uint32_t i = 0; i < 100; i++)
        x[i * K] = y[i] ? 1e6 : -1e6;
    bad.c = 1e6;
    assert_int_equal(fit(bad, w, NULL), 0);
    assert_true(isfinite(w[0]) && w[0] > 0.0);
}

/* --- folds --------------------------------------------------------------------------------------------------------------- */

static void test_a_purged_label_never_meets_its_test(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        uint32_t n = 20 + below(200), folds = 2 + below(9), covered = 0;
        struct model_data data = events(n, 1, 0.0);
        for (uint32_t k = 0; k < folds; k++) {
            uint32_t first, end, naive = 0, at = 0;
            int64_t embargo = below(30);
            model_fold(n, folds, k, &first, &end);
            assert_int_equal(first, covered);
            covered = end;
            uint32_t kept = model_purge(&data, rows, n, first, end, embargo, train, NULL, NULL);
            assert_int_equal(model_overlaps(&data, train, kept, rows + first, end - first, embargo), 0);
            int64_t lo = INT64_MAX, hi = INT64_MIN;
            for (uint32_t i = first; i < end; i++) {
                lo = t0[i] < lo ? t0[i] : lo;
                hi = t1[i] + embargo > hi ? t1[i] + embargo : hi;
            }
            for (uint32_t i = 0; i < n; i++) { /* the three cases of the book */
                bool inside = t0[i] >= lo && t0[i] <= hi, ends = t1[i] >= lo && t1[i] <= hi, around = t0[i] <= lo && t1[i] >= hi;
                bool dropped = (i >= first && i < end) || inside || ends || around;
                naive += !dropped;
                if (!dropped)
                    assert_int_equal(train[at++], i);
            }
            assert_int_equal(kept, naive);
            uint32_t all = 0; /* without a purge it would */
            for (uint32_t i = 0; i < n; i++)
                if (i < first || i >= end)
                    train[all++] = i;
            assert_int_equal(model_overlaps(&data, train, all, rows + first, end - first, embargo), all - kept);
        }
        assert_int_equal(covered, n);
    }
}

static void test_an_embargo_beyond_time(void **state)
{
    (void)state;
    struct model_data data = events(30, 1, 0.0);
    int64_t lo, hi;
    uint32_t kept = model_purge(&data, rows, 30, 0, 10, INT64_MAX, train, &lo, &hi);
    assert_int_equal(kept, 0); /* everything after the test set is embargoed, nothing wraps */
    assert_int_equal(lo, t0[0]);
}

static void test_uniqueness_is_counted(void **state)
{
    (void)state;
    double weight[N_MAX];
    for (int round = 0; round < 20; round++) {
        uint32_t n = 1 + below(80), picked = 0;
        struct model_data data = events(n, 1, 0.0);
        for (uint32_t i = 0; i < n; i++)
            if (below(4))
                rows[picked++] = i;
        model_uniqueness(&data, rows, picked, edges, alive, weight);
        for (uint32_t i = 0; i < picked; i++) {
            double sum = 0.0;
            for (int64_t t = t0[rows[i]]; t <= t1[rows[i]]; t++) {
                uint32_t living = 0;
                for (uint32_t j = 0; j < picked; j++)
                    living += t0[rows[j]] <= t && t1[rows[j]] >= t;
                sum += 1.0 / living;
            }
            close_to(weight[i], sum / (double)(t1[rows[i]] - t0[rows[i]] + 1), 1e-13);
        }
    }
}

static void test_one_standard_error_and_adoption(void **state)
{
    (void)state;
    double mean[4] = {0.70, 0.66, 0.65, 0.68}, se[4] = {0.01, 0.02, 0.02, 0.01}, none[2] = {NAN, NAN};
    assert_int_equal(model_one_se(mean, se, 4), 1);
    se[2] = 0.1;
    assert_int_equal(model_one_se(mean, se, 4), 0);
    se[2] = NAN;
    assert_int_equal(model_one_se(mean, se, 4), 2);
    assert_int_equal(model_one_se(none, none, 2), UINT32_MAX);
    double first[200], second[200], difference, error;
    uint8_t label[200];
    for (uint32_t i = 0; i < 200; i++) {
        label[i] = (uint8_t)below(2);
        first[i] = 0.5;
        second[i] = label[i] ? 0.6 : 0.4;
    }
    first[3] = second[9] = NAN;
    assert_true(model_adopt_second(first, second, label, 200, &difference, &error));
    close_to(difference, log(0.6) - log(0.5), 1e-12);
    assert_false(model_adopt_second(second, first, label, 200, &difference, &error));
    for (uint32_t i = 0; i < 200; i++)
        second[i] = 0.5 + 0.2 * (uniform() - 0.5);
    assert_false(model_adopt_second(first, second, label, 200, &difference, &error));
    assert_false(model_adopt_second(first, second, label, 1, &difference, &error));
    assert_true(isnan(difference));
}

static void test_the_objective_counts_idle_days(void **state)
{
    (void)state;
    struct model_data data = events(300, 1, 0.0);
    struct model_objective o;
    uint32_t days = (uint32_t)(day[299] - day[0] + 1);
    double *sums = calloc(days, sizeof *sums);
    assert_non_null(sums);
    for (uint32_t i = 0; i < 300; i++) {
        expected[i] = uniform() - 0.5;
        sums[day[i] - day[0]] += expected[i] >= 0.1 ? r[i] : 0.0;
    }
    double mean = 0.0, m2 = 0.0, m3 = 0.0, m4 = 0.0;
    for (uint32_t d = 0; d < days; d++)
        mean += sums[d] / days;
    for (uint32_t d = 0; d < days; d++) {
        double v = sums[d] - mean;
        m2 += v * v / days;
        m3 += v * v * v / days;
        m4 += v * v * v * v / days;
    }
    double sharpe = mean / sqrt(m2 * days / (days - 1.0)), skew = m3 / pow(m2, 1.5), kurtosis = m4 / (m2 * m2);
    double error = sqrt((1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe) / (days - 1.0));
    model_objective_measure(&data, NULL, expected, 0.1, &o);
    assert_int_equal(o.days, days);
    close_to(o.sharpe, sharpe, 1e-12);
    close_to(o.se, error, 1e-12);
    close_to(o.j, sharpe - error, 1e-12);
    free(sums);
    model_objective_measure(&data, NULL, expected, 9.0, &o);
    assert_true(isnan(o.j) && o.trades == 0);
}

/* --- the pipeline ----------------------------------------------------------------------------------------------------------- */

static double *pipeline_memory;
static struct model_pipeline pipeline;

static void pipeline_begin(const struct model_options *options)
{
    size_t bytes = model_pipeline_bytes(N_MAX);
    free(pipeline_memory);
    pipeline_memory = malloc(bytes);
    assert_non_null(pipeline_memory);
    memset(pipeline_memory, 0xa5, bytes);
    assert_int_equal(model_pipeline_init(&pipeline, options, pipeline_memory, bytes, N_MAX), 0);
}

static struct model_options options_of(void)
{
    return (struct model_options){.c = {0.01, 0.1, 1.0}, .c_count = 3, .bias = MODEL_BIAS_PENALISED, .calibrate = true,
                                  .inner = {.folds = 5, .embargo = 24}};
}

static void test_the_pipeline_learns_what_is_there(void **state)
{
    (void)state;
    struct model_options options = options_of();
    for (int weighted = 0; weighted < 2; weighted++) {
        struct model_data data = events(1200, 1, 1.0);
        options.uniqueness = weighted;
        pipeline_begin(&options);
        assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 800), 0);
        const struct model_trained *t = &pipeline.trained;
        assert_true(model_trained_sane(t));
        assert_int_equal(t->calibrator.kind, SIGNALS_CALIBRATOR_ISOTONIC);
        assert_int_equal(model_trained_status(t, 0), MODEL_FITTED);
        assert_true(t->pooled.weight[0] > 0.3 && t->pooled.weight[1] > 0.3 && fabs(t->pooled.weight[4]) < 0.3);
        double brier = 0.0, base = 0.0;
        for (uint32_t i = 800; i < 1200; i++) { /* rows that it never saw */
            double q = model_trained_predict(t, &x[i * K], 0);
            assert_true(q >= 0.0 && q <= 1.0);
            brier += (q - y[i]) * (q - y[i]);
            base += 0.25;
        }
        assert_true(brier < 0.85 * base);
        struct model_trained first = *t; /* the same rows give the same bytes, whatever was there before */
        assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 300), 0);
        assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 800), 0);
        assert_memory_equal(&first, &pipeline.trained, sizeof first);
        for (uint32_t i = 800 * K; i < 1200 * K; i++)
            x[i] = 1e9;
        assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 800), 0);
        assert_memory_equal(&first, &pipeline.trained, sizeof first);
    }
}

/* Labels that all live at once are alike: their weights are 1 each, however small their uniqueness. */
static void test_weights_have_a_mean_of_one(void **state)
{
    (void)state;
    struct model_options options = {.c = {0.05}, .c_count = 1, .bias = MODEL_BIAS_FREE, .inner = {.folds = 2}};
    struct model_data data = events(300, 1, 1.0);
    struct model_fitted plain;
    for (uint32_t i = 0; i < 300; i++) {
        t0[i] = 5;
        t1[i] = 90;
    }
    pipeline_begin(&options);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 300), 0);
    plain = pipeline.trained.pooled;
    options.uniqueness = true;
    pipeline_begin(&options);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 300), 0);
    for (uint32_t j = 0; j < plain.design.column_count; j++)
        close_to(pipeline.trained.pooled.weight[j], plain.weight[j], 1e-9);
    close_to(pipeline.trained.pooled.bias, plain.bias, 1e-9);
}

static void test_c_is_the_simplest_within_one_error(void **state)
{
    (void)state;
    struct model_options options = options_of(), single = options;
    uint32_t chosen_small = 0, chosen_other = 0;
    static double out_of_fold[N_MAX];
    single.c_count = 1;
    single.calibrate = false;
    for (int round = 0; round < 6; round++) {
        struct model_data data = events(700, 1, round % 2 ? 3.0 : 0.0);
        double mean[3], se[3];
        options.c[0] = 0.0003; /* so strong a penalty that it costs where there is something to learn */
        options.c[1] = 1.0;
        options.c[2] = 100.0;
        for (uint32_t i = 0; i < 3; i++) {
            struct model_cv_result result;
            single.c[0] = options.c[i];
            pipeline_begin(&single);
            struct model_learner learner = model_pipeline_learner(&pipeline);
            assert_int_equal(model_cv_run(&data, rows, 700, &options.inner, &learner, train, out_of_fold, NULL, &result), 0);
            mean[i] = result.log_loss_mean;
            se[i] = result.log_loss_se;
        }
        pipeline_begin(&options);
        assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 700), 0);
        assert_true(pipeline.trained.pooled.c == options.c[model_one_se(mean, se, 3)]);
        chosen_small += pipeline.trained.pooled.c == options.c[0];
        chosen_other += pipeline.trained.pooled.c > options.c[0] && pipeline.trained.pooled.c < options.c[2];
    }
    assert_true(chosen_small == 3 && chosen_other == 3); /* noise: the smallest; else not the largest for its own sake */
}

static void test_little_data_says_so(void **state)
{
    (void)state;
    struct model_options options = options_of();
    struct model_data data = events(400, 1, 1.0);
    double rate;
    pipeline_begin(&options);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 0), -EDOM);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, N_MAX + 1), -ENOSPC);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 12), 0);
    assert_int_equal(pipeline.trained.pooled.status, MODEL_PROVISIONAL);
    struct signals_interval ci = model_base_rate(&pipeline.trained.pooled, &rate);
    close_to(model_trained_predict(&pipeline.trained, x, 0), rate, 1e-12);
    assert_true(ci.lo < rate && rate < ci.hi && ci.hi - ci.lo > 0.3);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 40), 0); /* a fit, uncalibrated */
    assert_int_equal(pipeline.trained.pooled.status, MODEL_FITTED);
    assert_int_equal(model_trained_status(&pipeline.trained, 0), MODEL_PROVISIONAL);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 250), 0);
    assert_int_equal(pipeline.trained.calibrator.kind, SIGNALS_CALIBRATOR_PLATT);
    for (uint32_t i = 0; i < 400; i++) {
        y[i] = 1;
        r[i] = 1.0;
    }
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 100), 0); /* one class: its rate */
    assert_int_equal(pipeline.trained.pooled.status, MODEL_PROVISIONAL);
    close_to(model_trained_predict(&pipeline.trained, x, 0), 100.5 / 101.0, 1e-12);
    close_to(model_expected_r(&pipeline.trained.pooled, 0.75), 0.75, 1e-12);
}

static void test_a_stage_with_enough_events_has_its_own(void **state)
{
    (void)state;
    struct model_options options = options_of();
    struct model_data data = events(900, 2, 1.0);
    for (uint32_t i = 0, seen = 0; i < 900; i++) { /* stage 1: 199 times */
        stage[i] = i % 4 == 1 && seen < 199;
        seen += stage[i];
    }
    pipeline_begin(&options);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 900), 0);
    assert_int_equal(pipeline.trained.own_stages, 1u);
    assert_true(pipeline.trained.pooled.design.stage_column[1] == 0);
    stage[0] = 1; /* the 200th */
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 900), 0);
    assert_int_equal(pipeline.trained.own_stages, 3u);
    assert_int_equal(pipeline.trained.own[1].n, 200);
    assert_int_equal(model_stage_rows(&data, 1, train), 200);
    assert_true(model_trained_sane(&pipeline.trained));
}

static void test_options_and_bytes_that_are_none(void **state)
{
    (void)state;
    struct model_options good = options_of(), o;
    struct model_pipeline none;
    static double small[8];
    assert_int_equal(model_pipeline_init(&none, &good, small, sizeof small, 100), -EINVAL);
    size_t bytes = model_pipeline_bytes(10);
    void *memory = malloc(bytes);
    assert_non_null(memory);
#define BAD(change)                                                                                                    \
    do {                                                                                                               \
        o = good;                                                                                                      \
        change;                                                                                                        \
        assert_int_equal(model_pipeline_init(&none, &o, memory, bytes, 10), -EINVAL);                                  \
    } while (0)
    BAD(o.c_count = 0);
    BAD(o.c_count = MODEL_C_MAX + 1);
    BAD(o.c[1] = o.c[0]);
    BAD(o.c[0] = NAN);
    BAD(o.inner.folds = 1);
    BAD(o.inner.embargo = -1);
    BAD(o.bias = 9);
#undef BAD
    free(memory);
    struct model_data data = events(500, 1, 1.0);
    static struct model_trained bytes_of, t;
    pipeline_begin(&good);
    assert_int_equal(model_pipeline_fit(&pipeline, &data, rows, 500), 0);
    bytes_of = pipeline.trained;
#define BAD(change)                                                                                                    \
    do {                                                                                                               \
        t = bytes_of;                                                                                                  \
        change;                                                                                                        \
        assert_false(model_trained_sane(&t));                                                                          \
    } while (0)
    BAD(t.version = 2);
    BAD(t.own_stages = 1u << MODEL_STAGES_MAX);
    BAD(t.own_stages = 1);  /* of zeros */
    BAD(t.pooled.status = 2);
    BAD(t.pooled.wins = t.pooled.n + 1);
    BAD(t.pooled.bias = NAN);
    BAD(t.pooled.mean_loss = -1.0);
    BAD(t.pooled.weight[2] = INFINITY);
    BAD(t.pooled.design.feature_count = MODEL_FEATURES_MAX + 1);
    BAD(t.pooled.design.column_count++);
    BAD(t.pooled.design.missing_column[2] = 54);
    BAD(t.pooled.design.stage_column[3] = 7);
    BAD(t.pooled.design.sd[0] = -1.0);
    BAD(t.calibrator.knot_count = 0);
#undef BAD
    free(pipeline_memory);
    pipeline_memory = NULL;
}

/* --- labels --------------------------------------------------------------------------------------------------------------------- */

#define PIP (DEC_ONE / 10000)

/* A bar of prices in pips over 1.0000. */
static struct model_bar a_bar(int64_t open_ns, int open, int high, int low, int close)
{
    return (struct model_bar){open_ns, DEC_ONE + open * PIP, DEC_ONE + high * PIP, DEC_ONE + low * PIP, DEC_ONE + close * PIP};
}

static void test_barriers_bar_by_bar(void **state)
{
    (void)state;
    static const struct {
        int bar[4]; /* the second bar */
        uint32_t exit;
        int price;
        bool ambiguous;
    } cases[] = {
        {{5, 30, 4, 10}, MODEL_EXIT_NONE, 0, false},     /* just short of the target */
        {{5, 50, 4, 10}, MODEL_EXIT_TARGET, 50, false},  /* touched */
        {{5, 30, -20, 10}, MODEL_EXIT_STOP, -20, false}, /* touched */
        {{5, 60, -30, 10}, MODEL_EXIT_STOP, -20, true},  /* both: the stop */
        {{-35, -20, -40, -30}, MODEL_EXIT_STOP, -35, false}, /* a gap beyond the stop */
        {{70, 80, 60, 75}, MODEL_EXIT_TARGET, 70, false},    /* a gap beyond the target */
    };
    struct model_barriers b = {.side = SIDE_BUY, .entry = DEC_ONE, .stop = DEC_ONE - 20 * PIP, .target = DEC_ONE + 50 * PIP,
                               .entry_ns = 100, .limit_ns = 1000, .cost_r = 0.05};
    struct model_label label, mirror;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int *c = cases[i].bar;
        struct model_bar bars[2] = {a_bar(100, 0, 10, -10, 5), a_bar(200, c[0], c[1], c[2], c[3])};
        assert_int_equal(model_label_barriers(&b, bars, 2, &label), 0);
        assert_int_equal(label.exit, cases[i].exit);
        assert_int_equal(label.ambiguous, cases[i].ambiguous);
        assert_int_equal(isnan(label.net_r), label.exit == MODEL_EXIT_NONE);
        assert_int_equal(label.t1_ns, 200);
        if (label.exit != MODEL_EXIT_NONE) {
            assert_int_equal(label.price, DEC_ONE + cases[i].price * PIP);
            close_to(label.net_r, cases[i].price / 20.0 - 0.05, 1e-12);
            assert_int_equal(label.y, cases[i].price > 0);
        }
        struct model_barriers s = b; /* the same upside down, with a spread that lies below it */
        s.side = SIDE_SELL;
        s.stop = DEC_ONE + 20 * PIP;
        s.target = DEC_ONE - 50 * PIP;
        s.spread = 3 * PIP;
        struct model_bar down[2] = {a_bar(100, -3, 7, -13, -8), a_bar(200, -c[0] - 3, -c[2] - 3, -c[1] - 3, -c[3] - 3)};
        assert_int_equal(model_label_barriers(&s, down, 2, &mirror), 0);
        assert_int_equal(mirror.exit, label.exit);
        assert_int_equal(mirror.ambiguous, label.ambiguous);
        if (label.exit != MODEL_EXIT_NONE)
            close_to(mirror.net_r, label.net_r, 1e-12);
    }
}

static void test_the_time_limit_counts_bars_or_the_clock(void **state)
{
    (void)state;
    struct model_bar bars[4] = {a_bar(0, 0, 5, -5, 1), a_bar(10, 1, 5, -5, 2), a_bar(1000, 2, 5, -5, 3), a_bar(1010, 3, 5, -5, 4)};
    struct model_barriers b = {.side = SIDE_BUY, .entry = DEC_ONE, .stop = DEC_ONE - 20 * PIP, .limit_ns = 30};
    struct model_label label;
    assert_int_equal(model_label_barriers(&b, bars, 4, &label), 0); /* the weekend counts */
    assert_true(label.exit == MODEL_EXIT_TIME && label.bar == 2 && label.price == DEC_ONE + 2 * PIP);
    b.bar_ns = 10; /* and here it does not */
    assert_int_equal(model_label_barriers(&b, bars, 4, &label), 0);
    assert_true(label.exit == MODEL_EXIT_TIME && label.bar == 3);
    assert_int_equal(model_label_barriers(&b, bars, 3, &label), 0);
    assert_true(label.exit == MODEL_EXIT_NONE && label.price == 0 && label.y == 0);
    assert_int_equal(model_label_barriers(&b, bars, 0, &label), 0);
    struct model_barriers bad = b;
    bad.stop = b.entry;
    assert_int_equal(model_label_barriers(&bad, bars, 4, &label), -EINVAL);
    bad = b, bad.target = b.entry - 1;
    assert_int_equal(model_label_barriers(&bad, bars, 4, &label), -EINVAL);
    bad = b, bad.limit_ns = 0;
    assert_int_equal(model_label_barriers(&bad, bars, 4, &label), -EINVAL);
    bad = b, bad.entry_ns = 1;
    assert_int_equal(model_label_barriers(&bad, bars, 4, &label), -EINVAL);
    bars[1].open_ns = 0;
    assert_int_equal(model_label_barriers(&b, bars, 4, &label), -EINVAL);
    bars[1] = a_bar(10, 9, 5, -5, 2); /* opens above its high */
    assert_int_equal(model_label_barriers(&b, bars, 4, &label), -EINVAL);
}

static void test_prices_in_which_there_is_nothing(void **state)
{
    (void)state;
    struct model_bar bars[5], before[5];
    static double shocks[20000], returns[20000];
    for (int i = 0; i < 5; i++)
        before[i] = bars[i] = a_bar(10 * i, i, i + 3, i - 2, i + 1);
    model_null_reverse(bars, 5);
    assert_true(bars[0].open == before[4].close && bars[0].close == before[4].open && bars[0].high == before[4].high);
    assert_true(bars[0].open_ns == 0 && bars[4].open_ns == 40);
    model_null_reverse(bars, 5);
    assert_memory_equal(bars, before, sizeof bars);
    for (int i = 0; i < 20000; i++)
        shocks[i] = normal();
    assert_int_equal(model_null_garch(1e-6, 0.1, 0.85, shocks, 20000, returns), 0);
    double variance = 0.0, clustered = 0.0;
    for (int i = 0; i < 20000; i++)
        variance += returns[i] * returns[i] / 20000.0;
    for (int i = 1; i < 20000; i++)
        clustered += (returns[i] * returns[i] - variance) * (returns[i - 1] * returns[i - 1] - variance);
    assert_true(variance > 1.5e-5 && variance < 2.5e-5 && clustered > 0.0); /* omega / (1 - alpha - beta) */
    assert_int_equal(model_null_garch(1e-6, 0.2, 0.8, shocks, 10, returns), -EINVAL);
    assert_int_equal(model_null_garch(0.0, 0.2, 0.7, shocks, 10, returns), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_data_that_is_none, begin),
        cmocka_unit_test_setup(test_columns_from_training_rows_alone, begin),
        cmocka_unit_test_setup(test_at_most_a_twentieth_of_the_rows, begin),
        cmocka_unit_test_setup(test_liblinear_and_newton_find_one_minimum, begin),
        cmocka_unit_test_setup(test_a_weight_of_two_is_two_rows, begin),
        cmocka_unit_test_setup(test_problems_that_have_no_fit, begin),
        cmocka_unit_test_setup(test_a_purged_label_never_meets_its_test, begin),
        cmocka_unit_test_setup(test_an_embargo_beyond_time, begin),
        cmocka_unit_test_setup(test_uniqueness_is_counted, begin),
        cmocka_unit_test_setup(test_one_standard_error_and_adoption, begin),
        cmocka_unit_test_setup(test_the_objective_counts_idle_days, begin),
        cmocka_unit_test_setup(test_the_pipeline_learns_what_is_there, begin),
        cmocka_unit_test_setup(test_weights_have_a_mean_of_one, begin),
        cmocka_unit_test_setup(test_c_is_the_simplest_within_one_error, begin),
        cmocka_unit_test_setup(test_little_data_says_so, begin),
        cmocka_unit_test_setup(test_a_stage_with_enough_events_has_its_own, begin),
        cmocka_unit_test_setup(test_options_and_bytes_that_are_none, begin),
        cmocka_unit_test_setup(test_barriers_bar_by_bar, begin),
        cmocka_unit_test_setup(test_the_time_limit_counts_bars_or_the_clock, begin),
        cmocka_unit_test_setup(test_prices_in_which_there_is_nothing, begin),
    };
    print_message("seed 8086\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
