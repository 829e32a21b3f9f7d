/* The nine leak tests: an honest pipeline passes each, and a planted leak is found by the one that is meant for it. */
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
#include "workers/performance/model/leak.h"
#include "workers/performance/model/pipeline.h"
#include "workers/performance/model/xgboost.h"

#define N 600u
#define K 3u
#define PERMUTATIONS 20u

static uint64_t seed;
static double x[N * K], lagged[N * K], r[N];
static uint8_t y[N];
static int64_t t0[N], t1[N];
static int32_t day[N];
static struct model_data data;
static struct model_pipeline pipeline;
static struct model_leak_run run;
static void *pipeline_memory, *run_memory;

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

/* Each event has a state of the world that its features show with noise; `edge`: what it says of the outcome. Features a
 * bar earlier show less of it. win: the size of a win. */
static void world(double edge, double win)
{
    for (uint32_t i = 0; i < N; i++) {
        double truth = normal();
        for (uint32_t j = 0; j < K; j++) {
            x[i * K + j] = truth + normal() * (1.0 + j);
            lagged[i * K + j] = 0.5 * truth + normal() * (1.0 + j);
        }
        y[i] = uniform() < 1.0 / (1.0 + exp(-edge * truth));
        r[i] = y[i] ? win : -1.05;
        t0[i] = i * 6;
        t1[i] = t0[i] + 1 + (int64_t)(uniform() * 20.0);
        day[i] = (int32_t)(t0[i] / 24);
    }
    data = (struct model_data){.row_count = N, .feature_count = K, .x = x, .y = y, .r = r, .t0 = t0, .t1 = t1, .day = day};
    assert_int_equal(model_data_check(&data), 0);
}

static int begin(void **state)
{
    (void)state;
    struct model_options options = {.c = {0.1}, .c_count = 1, .bias = MODEL_BIAS_PENALISED, .inner = {.folds = 3, .embargo = 24}};
    size_t bytes = model_pipeline_bytes(N), leak_bytes = model_leak_bytes(N, K);
    seed = 271828;
    world(1.5, 1.0);
    pipeline_memory = malloc(bytes);
    run_memory = malloc(leak_bytes);
    assert_true(pipeline_memory && run_memory);
    assert_int_equal(model_pipeline_init(&pipeline, &options, pipeline_memory, bytes, N), 0);
    run = (struct model_leak_run){.data = &data, .cv = {.folds = 5, .embargo = 24}, .learner = model_pipeline_learner(&pipeline)};
    model_leak_init(&run, run_memory, leak_bytes);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(pipeline_memory);
    free(run_memory);
    return 0;
}

/* Fisher and Yates from the replicate's own seed. */
static void shuffle(void *context, uint32_t replicate, uint32_t units, uint32_t *index)
{
    uint64_t s = hash_combine(99, replicate);
    for (uint32_t i = 0; i < units; i++)
        index[i] = i;
    for (uint32_t i = units - 1; i > 0; i--) {
        s = hash_mix64(s);
        uint32_t j = (uint32_t)(s % (i + 1)), old = index[i];
        index[i] = index[j];
        index[j] = old;
    }
    if (context) /* a draw that is no permutation */
        index[0] = index[1];
}

/* --- 1 ------------------------------------------------------------------------------------------------------------------ */

/* Target encoding over all rows: a feature that holds a little of its own label. */
static int encode(void *context, const struct model_data *shuffled, double *out)
{
    (void)context;
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t j = 0; j < K; j++)
            out[i * K + j] = shuffled->x[i * K + j] + (j == 0 ? 0.8 * shuffled->y[i] : 0.0);
    return 0;
}

static int refuse(void *context, const struct model_data *shuffled, double *out)
{
    (void)context;
    (void)shuffled;
    (void)out;
    return -ENODATA;
}

static void test_shuffled_labels(void **state)
{
    (void)state;
    struct signals_resample draws = {PERMUTATIONS, shuffle, NULL}, repeats = {PERMUTATIONS, shuffle, &seed}, few = {5, shuffle, NULL};
    struct model_leak_build leaky = {encode, NULL}, failing = {refuse, NULL};
    struct model_leak leak;
    assert_int_equal(model_leak_permuted(&run, &draws, NULL, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    assert_true(leak.lo < 0.5 && leak.hi > 0.5 && !(leak.j > 0.0));
    assert_int_equal(model_leak_permuted(&run, &draws, &leaky, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
    assert_true(leak.lo > 0.5 && leak.j > 0.0);
    world(1.5, 2.5); /* a base rate that earns whatever is taken is no leak */
    assert_int_equal(model_leak_permuted(&run, &draws, NULL, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    assert_int_equal(model_leak_permuted(&run, &draws, &failing, &leak), -ENODATA);
    assert_int_equal(model_leak_permuted(&run, &repeats, NULL, &leak), -EINVAL);
    assert_int_equal(model_leak_permuted(&run, &few, NULL, &leak), -EINVAL);
}

/* A learner that knows how large an outcome will be and not which: no AUC shows it, J does. */
static int sizes_fit(void *self, const struct model_data *d, const uint32_t *rows, uint32_t count)
{
    (void)self;
    (void)d;
    (void)rows;
    (void)count;
    return 0;
}

static double sizes_predict(void *self, const struct model_data *d, uint32_t row)
{
    (void)self;
    return (d->y[row] ? d->r[row] > 1.0 : d->r[row] > -1.05) ? 0.7 : 0.3;
}

static void test_shuffled_labels_that_still_earn(void **state)
{
    (void)state;
    struct signals_resample draws = {PERMUTATIONS, shuffle, NULL};
    struct model_leak leak;
    for (uint32_t i = 0; i < N; i++)
        r[i] *= 0.2 + 1.6 * uniform();
    run.learner.fit = sizes_fit;
    run.learner.predict = sizes_predict;
    assert_int_equal(model_leak_permuted(&run, &draws, NULL, &leak), 0);
    assert_true(leak.lo < 0.5 && leak.hi > 0.5 && leak.j > 0.0);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
}

/* --- 2, 3, 4 --------------------------------------------------------------------------------------------------------------- */

/* Features as stored; one of them looks ahead where `context` says so. */
static int features(void *context, uint32_t event, bool cut_off, double *out)
{
    const uint32_t *ahead = context;
    memcpy(out, &x[event * K], K * sizeof *out);
    if (event == *ahead && cut_off)
        out[2] = nextafter(out[2], 1e9);
    return 0;
}

static void test_features_from_the_future(void **state)
{
    (void)state;
    uint32_t ahead = UINT32_MAX;
    struct model_leak_features source = {features, &ahead};
    struct model_leak leak;
    x[5] = NAN; /* missing either way is the same */
    assert_int_equal(model_leak_future(&run, &source, &leak), 0);
    assert_true(leak.verdict == MODEL_LEAK_PASS && leak.detail == 0);
    ahead = 400; /* by one last digit, once */
    assert_int_equal(model_leak_future(&run, &source, &leak), 0);
    assert_true(leak.verdict == MODEL_LEAK_FAIL && leak.detail == 1);
}

static void test_older_features_that_know_more(void **state)
{
    (void)state;
    struct model_leak leak;
    assert_int_equal(model_leak_lagged(&run, lagged, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    assert_true(leak.value < 0.0);
    assert_int_equal(model_leak_lagged(&run, x, &leak), 0); /* the same: not better */
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    data.x = lagged; /* stamped a bar late: the older ones are better */
    assert_int_equal(model_leak_lagged(&run, x, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
}

static void test_prices_without_an_edge(void **state)
{
    (void)state;
    struct model_leak leak;
    unsigned failed = 0;
    for (int i = 0; i < 20; i++) {
        world(0.0, 1.0);
        assert_int_equal(model_leak_null_prices(&run, &leak), 0);
        failed += leak.verdict == MODEL_LEAK_FAIL;
    }
    assert_true(failed <= 3); /* 2.5 % and 5 % a draw */
    world(1.5, 1.0); /* an edge where there can be none */
    assert_int_equal(model_leak_null_prices(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
    world(0.0, 3.0); /* costs that are no costs: everything earns */
    assert_int_equal(model_leak_null_prices(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
}

/* --- 5, 6, 7, 8 -------------------------------------------------------------------------------------------------------------- */

static void test_no_overlap_after_the_purge(void **state)
{
    (void)state;
    struct model_leak leak;
    assert_int_equal(model_leak_overlap(&run, &leak), 0);
    assert_true(leak.verdict == MODEL_LEAK_PASS && leak.detail == 0 && leak.n == N);
    run.cv.folds = 1;
    assert_int_equal(model_leak_overlap(&run, &leak), -EINVAL);
    run.cv.folds = N + 1;
    assert_int_equal(model_leak_overlap(&run, &leak), -EINVAL);
}

static void test_random_entries_that_earn(void **state)
{
    (void)state;
    double real[200], random[400];
    struct model_leak leak;
    for (int i = 0; i < 400; i++) {
        random[i] = normal() - 0.05;
        real[i / 2] = normal() + 0.4;
    }
    model_leak_random_entry(real, 200, random, 400, &leak);
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    assert_true(leak.lo > 0.0 && leak.lo < leak.value && leak.value < leak.hi);
    for (int i = 0; i < 400; i++)
        random[i] += 0.4;
    model_leak_random_entry(real, 200, random, 400, &leak);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
    model_leak_random_entry(real, 200, random, 49, &leak);
    assert_int_equal(leak.verdict, MODEL_LEAK_INSUFFICIENT);
}

static void test_a_feature_that_knows_the_outcome(void **state)
{
    (void)state;
    struct model_leak leak;
    assert_int_equal(model_leak_guard(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    assert_true(leak.detail == 0 && leak.value > 0.6 && leak.value < 0.95); /* the clearest feature */
    for (int sign = -1; sign <= 1; sign += 2) {
        for (uint32_t i = 0; i < N; i++)
            x[i * K + 1] = i % 7 ? sign * (r[i] + 0.3 * normal()) : NAN; /* the future return, noisy, with holes */
        assert_int_equal(model_leak_guard(&run, &leak), 0);
        assert_true(leak.verdict == MODEL_LEAK_FAIL && leak.detail == 1);
    }
    for (uint32_t i = 0; i < N; i++)
        y[i] = r[i] > -9.0; /* one class: nothing can be said */
    assert_int_equal(model_leak_guard(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_INSUFFICIENT);
}

/* A learner that says what the next training row's outcome was: it lives on too small an embargo. */
struct nearest {
    uint32_t rows[N], count;
};

static int nearest_fit(void *self, const struct model_data *d, const uint32_t *rows, uint32_t count)
{
    struct nearest *n = self;
    (void)d;
    memcpy(n->rows, rows, count * sizeof *rows);
    n->count = count;
    return 0;
}

static double nearest_predict(void *self, const struct model_data *d, uint32_t row)
{
    const struct nearest *n = self;
    uint32_t best = 0;
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < n->count; i++) {
        int64_t distance = d->t0[n->rows[i]] - d->t0[row];
        if (distance > 0 && distance < least) {
            least = distance;
            best = n->rows[i];
        }
    }
    return least < INT64_MAX && d->y[best] ? 0.95 : 0.05;
}

static uint64_t nearest_digest(void *self)
{
    const struct nearest *n = self;
    return hash_bytes(n->rows, n->count * sizeof n->rows[0], 0);
}

static void test_twice_the_embargo(void **state)
{
    (void)state;
    static struct nearest nearest;
    struct model_leak leak;
    assert_int_equal(model_leak_embargo(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    assert_true(leak.value < leak.hi && isfinite(leak.j));
    for (uint32_t i = 0; i < N; i++) { /* runs of two folds: they outlast a fold and the embargo, but not twice that */
        y[i] = (i / 120) % 2;
        r[i] = y[i] ? 1.0 : -1.05;
        t1[i] = t0[i] + 1;
    }
    run.learner = (struct model_learner){nearest_fit, nearest_predict, nearest_digest, &nearest};
    run.cv = (struct model_cv){.folds = 10, .embargo = 180};
    assert_int_equal(model_leak_embargo(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
    run.cv.embargo = 0;
    assert_int_equal(model_leak_embargo(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_INSUFFICIENT);
}

/* --- 9 ------------------------------------------------------------------------------------------------------------------------ */

/* The honest pipeline behind a scaler that was fitted on all rows; or behind nothing at all. */
static uint64_t of_all_rows;
static struct model_learner honest;

static int scaled_fit(void *self, const struct model_data *d, const uint32_t *rows, uint32_t count)
{
    double mean = 0.0;
    for (uint32_t i = 0; i < d->row_count; i++)
        mean += d->x[i * K];
    memcpy(&of_all_rows, &mean, sizeof of_all_rows);
    return honest.fit(self, d, rows, count);
}

static uint64_t scaled_digest(void *self)
{
    return hash_combine(honest.digest(self), of_all_rows);
}

static uint64_t blind_digest(void *self)
{
    (void)self;
    return 4;
}

static void test_a_fit_that_looks_outside_its_fold(void **state)
{
    (void)state;
    struct model_leak leak;
    struct model_options options = pipeline.options;
    options.calibrate = true;
    options.c[1] = 1.0;
    options.c_count = 2;
    options.uniqueness = true;
    assert_int_equal(model_pipeline_init(&pipeline, &options, pipeline_memory, model_pipeline_bytes(N), N), 0);
    x[7] = NAN;
    assert_int_equal(model_leak_inside_fold(&run, &leak), 0); /* with choice of C, calibrator, weights, imputation */
    assert_true(leak.verdict == MODEL_LEAK_PASS && leak.detail == UINT32_MAX);
    honest = run.learner;
    run.learner.fit = scaled_fit;
    run.learner.digest = scaled_digest;
    assert_int_equal(model_leak_inside_fold(&run, &leak), 0);
    assert_true(leak.verdict == MODEL_LEAK_FAIL && leak.detail == 0);
    run.learner = honest;
    run.learner.digest = blind_digest; /* a digest that sees nothing is no proof */
    assert_int_equal(model_leak_inside_fold(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_FAIL);
}

static void test_little_data_is_insufficient(void **state)
{
    (void)state;
    struct model_leak leak;
    data.row_count = 40;
    assert_int_equal(model_leak_null_prices(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_INSUFFICIENT);
    assert_int_equal(model_leak_lagged(&run, lagged, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_INSUFFICIENT);
    for (unsigned test = 0; test < MODEL_LEAK_COUNT; test++)
        assert_true(strlen(model_leak_name(test)) > 4);
    assert_string_equal(model_leak_name(MODEL_LEAK_COUNT), "?");
    assert_string_equal(model_leak_name(MODEL_LEAK_EMBARGO), "embargo");
}

/* --- the second model ------------------------------------------------------------------------------------------------------------ */

static void test_boosted_trees(void **state)
{
    (void)state;
    static float matrix[N * (K + 1)], labels[N];
    static double p[N], q[N];
    uint32_t rows[N], train[N];
    struct model_xgboost_learner learner = {.params = {.depth = 2, .rounds = 40, .eta = 0.1, .min_child_weight = 20.0, .lambda = 1.0,
                                                       .monotone = {1, 1, 1}},
                                            .x = matrix, .y = labels, .capacity = N};
    struct model_cv_result result;
    struct model_leak leak;
    for (uint32_t i = 0; i < N; i++)
        rows[i] = i;
    struct model_learner second = model_xgboost_as_learner(&learner);
    if (!model_xgboost_available()) {
        assert_int_equal(second.fit(second.self, &data, rows, N), -ENOSYS);
        assert_int_equal(model_xgboost_predict(&learner.model, matrix, 1, NULL, NULL), -ENOSYS);
        skip();
    }
    assert_int_equal(model_cv_run(&data, rows, N, &run.cv, &second, train, p, NULL, &result), 0);
    assert_int_equal(result.predicted, N);
    assert_true(result.log_loss_mean < 0.66);
    assert_int_equal(model_cv_run(&data, rows, N, &run.cv, &second, train, q, NULL, &result), 0);
    assert_memory_equal(p, q, sizeof p); /* again: the same */
    struct model_learner first = run.learner;
    run.learner = second;
    assert_int_equal(model_leak_inside_fold(&run, &leak), 0);
    assert_int_equal(leak.verdict, MODEL_LEAK_PASS);
    run.learner = first;
    double difference, se; /* a straight world needs no trees */
    assert_int_equal(model_cv_run(&data, rows, N, &run.cv, &first, train, q, NULL, &result), 0);
    assert_false(model_adopt_second(q, p, y, N, &difference, &se));
    double one[K] = {0.0, NAN, 0.0}; /* monotone as it was asked, also against the data; missing values go somewhere */
    struct model_data single = {.row_count = 1, .feature_count = K, .x = one};
    for (int sign = -1; sign <= 1; sign += 2) {
        learner.params.monotone[0] = (int8_t)sign;
        assert_int_equal(second.fit(second.self, &data, rows, N), 0);
        one[0] = -4.0;
        double before = second.predict(second.self, &single, 0);
        for (; one[0] <= 4.0; one[0] += 0.05) {
            double now = second.predict(second.self, &single, 0);
            assert_true(sign * (now - before) >= 0.0 && now >= 0.0 && now <= 1.0);
            before = now;
        }
    }
    const char *bytes;
    size_t size;
    struct model_xgboost copy = {0};
    float same[2];
    assert_int_equal(model_xgboost_save(&learner.model, &bytes, &size), 0);
    assert_int_equal(model_xgboost_load(&copy, bytes, size), 0);
    assert_int_equal(model_xgboost_predict(&learner.model, matrix, 1, &same[0], NULL), 0);
    assert_int_equal(model_xgboost_predict(&copy, matrix, 1, &same[1], NULL), 0);
    assert_true(same[0] == same[1]);
    assert_int_equal(model_xgboost_load(&copy, "{\"learner\": 3}", 14), -EINVAL);
    assert_null(copy.booster);
    assert_int_equal(model_xgboost_load(&copy, "", 0), -EINVAL);
    assert_int_equal(model_xgboost_predict(&copy, matrix, 1, &same[1], NULL), -EINVAL);
    learner.params.depth = 4;
    assert_int_equal(second.fit(second.self, &data, rows, N), -EINVAL);
    learner.params.depth = 3;
    learner.capacity = 10;
    assert_int_equal(second.fit(second.self, &data, rows, N), -ENOSPC);
    learner.capacity = N;
    memset(y, 0, sizeof y);
    assert_int_equal(second.fit(second.self, &data, rows, N), -EDOM);
    model_xgboost_free(&learner.model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shuffled_labels, begin, end),
        cmocka_unit_test_setup_teardown(test_shuffled_labels_that_still_earn, begin, end),
        cmocka_unit_test_setup_teardown(test_features_from_the_future, begin, end),
        cmocka_unit_test_setup_teardown(test_older_features_that_know_more, begin, end),
        cmocka_unit_test_setup_teardown(test_prices_without_an_edge, begin, end),
        cmocka_unit_test_setup_teardown(test_no_overlap_after_the_purge, begin, end),
        cmocka_unit_test_setup_teardown(test_random_entries_that_earn, begin, end),
        cmocka_unit_test_setup_teardown(test_a_feature_that_knows_the_outcome, begin, end),
        cmocka_unit_test_setup_teardown(test_twice_the_embargo, begin, end),
        cmocka_unit_test_setup_teardown(test_a_fit_that_looks_outside_its_fold, begin, end),
        cmocka_unit_test_setup_teardown(test_little_data_is_insufficient, begin, end),
        cmocka_unit_test_setup_teardown(test_boosted_trees, begin, end),
    };
    print_message("seed 271828\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
