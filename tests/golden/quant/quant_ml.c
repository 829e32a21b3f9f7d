/* ml: L2 logistic regression (liblinear-train 2.3.0 and an independent Newton), purged folds and uniqueness (brute
 * force), XGBoost 1.7.4.
 *
 * Every row of l2_logistic_expected.csv is fitted twice, by liblinear with its last digits from Newton (where liblinear
 * can) and by Newton alone. xgb_model.json is loaded and predicts; the same parameters trained again on train.csv must
 * give the same margins. Without XGBoost's library its files are opened and skipped, which is said. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/golden/quant/quant.h"
#include "workers/performance/model/cv.h"
#include "workers/performance/model/fit.h"
#include "workers/performance/model/xgboost.h"

#define FIT 1e-9
#define MARGIN 1e-6
#define COLUMNS_MAX 32u

static void *get(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        abort();
    return memory;
}

/* --- logistic --------------------------------------------------------------------------------------------------------- */

struct train_set {
    uint32_t n, columns;
    double *x;
    uint8_t *y;
};

/* x0, x1, ..., y. */
static bool train_read(struct quant_folder *folder, struct train_set *set)
{
    struct table t;
    if (!quant_open(folder, "train.csv", false, &t))
        return false;
    set->n = t.row_count;
    set->columns = t.column_count - 1;
    set->x = get((size_t)set->n * set->columns, sizeof *set->x);
    set->y = get(set->n, 1);
    uint32_t label = table_column(&t, "y");
    bool ok = label == set->columns;
    for (uint32_t i = 0; ok && i < set->n; i++) {
        for (uint32_t j = 0; j < set->columns; j++)
            set->x[(size_t)i * set->columns + j] = table_number(&t, i, j);
        set->y[i] = table_number(&t, i, label) > 0.0;
    }
    if (!ok)
        quant_fail(folder, "train.csv", "the label is not the last column");
    table_fini(&t);
    return ok;
}

static void logistic_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row,
                         const struct train_set *set, uint32_t solver)
{
    bool bias = table_integer(t, row, table_column(t, "bias")) != 0;
    bool penalised = table_integer(t, row, table_column(t, "bias_penalised")) != 0;
    struct model_fit_problem problem = {.row_count = set->n, .column_count = set->columns, .x = set->x, .y = set->y,
                                        .c = table_number(t, row, table_column(t, "C")), .solver = solver,
                                        .bias = !bias ? MODEL_BIAS_NONE : penalised ? MODEL_BIAS_PENALISED : MODEL_BIAS_FREE};
    size_t bytes = model_fit_bytes(set->n, set->columns);
    void *memory = get(1, bytes);
    double w[COLUMNS_MAX] = {0};
    struct model_fit_info info;
    char column[32];
    if (set->columns + 1 > COLUMNS_MAX || model_fit_logistic(&problem, memory, bytes, w, &info)) {
        quant_fail(folder, file, "row %u: no fit", row);
        free(memory);
        return;
    }
    uint32_t expected_solver = problem.bias == MODEL_BIAS_FREE ? MODEL_SOLVER_NEWTON : solver;
    quant_check_integer(folder, file, row, "solver", expected_solver, info.solver);
    quant_check(folder, file, row, "objective", table_number(t, row, table_column(t, "objective")), info.objective,
                QUANT_RELATIVE, FIT);
    for (uint32_t j = 0; j < set->columns; j++) {
        (void)snprintf(column, sizeof column, "w%u", j);
        quant_check(folder, file, row, column, table_number(t, row, table_column(t, column)), w[j], QUANT_MIXED, FIT);
    }
    quant_check(folder, file, row, "wb", table_number(t, row, table_column(t, "wb")), bias ? w[set->columns] : NAN,
                QUANT_MIXED, FIT);
    free(memory);
}

static void logistic(struct quant_folder *folder, const struct train_set *set)
{
    static const char file[] = "l2_logistic_expected.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        logistic_row(folder, file, &t, row, set, MODEL_SOLVER_AUTO);
        logistic_row(folder, file, &t, row, set, MODEL_SOLVER_NEWTON);
    }
    table_fini(&t);
}

/* --- purge and uniqueness ----------------------------------------------------------------------------------------------- */

struct events {
    uint32_t n, *rows, *train;
    int64_t *t0, *t1;
    struct model_data data;
};

static bool events_read(struct quant_folder *folder, struct events *e)
{
    struct table t;
    if (!quant_open(folder, "purge_events.csv", false, &t))
        return false;
    e->n = t.row_count;
    e->rows = get(e->n, sizeof *e->rows);
    e->train = get(e->n, sizeof *e->train);
    e->t0 = get(e->n, sizeof *e->t0);
    e->t1 = get(e->n, sizeof *e->t1);
    for (uint32_t i = 0; i < e->n; i++) {
        e->rows[i] = i;
        e->t0[i] = table_integer(&t, i, table_column(&t, "t0"));
        e->t1[i] = table_integer(&t, i, table_column(&t, "t1"));
        quant_check_integer(folder, "purge_events.csv", i, "event", table_integer(&t, i, table_column(&t, "event")), i);
    }
    e->data = (struct model_data){.row_count = e->n, .t0 = e->t0, .t1 = e->t1};
    table_fini(&t);
    return true;
}

static void purge_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row, const struct events *e)
{
    uint32_t folds = (uint32_t)table_integer(t, row, table_column(t, "K")), first, end;
    uint32_t fold = (uint32_t)table_integer(t, row, table_column(t, "fold"));
    int64_t lo, hi, embargo = table_integer(t, row, table_column(t, "embargo_bars"));
    model_fold(e->n, folds, fold, &first, &end);
    uint32_t kept = model_purge(&e->data, e->rows, e->n, first, end, embargo, e->train, &lo, &hi);
    quant_check_integer(folder, file, row, "test_first", table_integer(t, row, table_column(t, "test_first")), first);
    quant_check_integer(folder, file, row, "test_last", table_integer(t, row, table_column(t, "test_last")), end - 1);
    quant_check_integer(folder, file, row, "test_t0_min", table_integer(t, row, table_column(t, "test_t0_min")), lo);
    quant_check_integer(folder, file, row, "test_t1_max", table_integer(t, row, table_column(t, "test_t1_max")), hi);
    quant_check_integer(folder, file, row, "overlaps", 0,
                        model_overlaps(&e->data, e->train, kept, e->rows + first, end - first, embargo));
    const char *list = table_text(t, row, table_column(t, "train_events"));
    for (uint32_t i = 0; i <= kept; i++) {
        char *after;
        long event = strtol(list, &after, 10);
        bool none = after == list;
        quant_check_integer(folder, file, row, "train_events", none ? -1 : event, i < kept ? (int64_t)e->train[i] : -1);
        if (none)
            break;
        list = after;
    }
}

static void purge(struct quant_folder *folder, const struct events *e)
{
    static const char file[] = "purge_expected.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++)
        purge_row(folder, file, &t, row, e);
    table_fini(&t);
}

static void uniqueness(struct quant_folder *folder, const struct events *e)
{
    static const char file[] = "uniqueness_expected.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    int64_t *edges = get(2 * (size_t)e->n, sizeof *edges);
    uint32_t *alive = get(2 * (size_t)e->n, sizeof *alive);
    double *weight = get(e->n, sizeof *weight);
    model_uniqueness(&e->data, e->rows, e->n, edges, alive, weight);
    for (uint32_t row = 0; row < t.row_count && row < e->n; row++) {
        quant_check_integer(folder, file, row, "event", table_integer(&t, row, table_column(&t, "event")), row);
        quant_check(folder, file, row, "avg_uniqueness", table_number(&t, row, table_column(&t, "avg_uniqueness")), weight[row],
                    QUANT_MIXED, 1e-15);
    }
    quant_check_integer(folder, file, 0, "rows", t.row_count, e->n);
    free(edges);
    free(alive);
    free(weight);
    table_fini(&t);
}

/* --- XGBoost --------------------------------------------------------------------------------------------------------------- */

static char *file_read(const char *path, size_t *size)
{
    FILE *file = path ? fopen(path, "rb") : NULL;
    if (!file)
        return NULL;
    size_t capacity = 1u << 22;
    char *bytes = get(capacity, 1);
    *size = fread(bytes, 1, capacity, file);
    (void)fclose(file);
    return bytes;
}

static void margins_check(struct quant_folder *folder, const struct table *t, const struct model_xgboost *model, const float *x,
                          const char *what)
{
    static const char file[] = "xgb_expected.csv";
    float *margin = get(t->row_count, sizeof *margin), *p = get(t->row_count, sizeof *p);
    char column[48];
    if (model_xgboost_predict(model, x, t->row_count, margin, p))
        quant_fail(folder, file, "%s: no prediction", what);
    for (uint32_t row = 0; row < t->row_count; row++) {
        quant_check_integer(folder, file, row, "i", table_integer(t, row, table_column(t, "i")), row);
        (void)snprintf(column, sizeof column, "margin_f32 (%s)", what);
        quant_check(folder, file, row, column, table_number(t, row, table_column(t, "margin_f32")), (double)margin[row],
                    QUANT_MIXED, MARGIN);
        (void)snprintf(column, sizeof column, "prob_f32 (%s)", what);
        quant_check(folder, file, row, column, table_number(t, row, table_column(t, "prob_f32")), (double)p[row], QUANT_MIXED,
                    MARGIN);
    }
    free(margin);
    free(p);
}

/* rounds: the trees of the model that was loaded. */
static bool params_read(const char *path, uint32_t rounds, struct model_xgboost_params *params)
{
    json_t *root = path ? json_load_file(path, 0, NULL) : NULL;
    const char *method = json_string_value(json_object_get(root, "tree_method"));
    bool ok = method && json_number_value(json_object_get(root, "base_score")) == 0.5;
    *params = (struct model_xgboost_params){
        .depth = (uint32_t)json_integer_value(json_object_get(root, "max_depth")),
        .rounds = rounds,
        .eta = json_number_value(json_object_get(root, "eta")),
        .min_child_weight = json_number_value(json_object_get(root, "min_child_weight")),
        .lambda = json_number_value(json_object_get(root, "reg_lambda")),
        .hist = ok && strcmp(method, "hist") == 0,
    };
    json_decref(root);
    return ok;
}

static uint32_t model_trees(const char *bytes, size_t size)
{
    json_t *root = json_loadb(bytes, size, 0, NULL), *at = root;
    static const char *const path[] = {"learner", "gradient_booster", "model", "trees"};
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++)
        at = json_object_get(at, path[i]);
    uint32_t trees = (uint32_t)json_array_size(at);
    json_decref(root);
    return trees;
}

static void xgboost_compare(struct quant_folder *folder, const struct train_set *set, const struct table *t)
{
    char model_path[QUANT_PATH_MAX], params_path[QUANT_PATH_MAX];
    size_t size = 0;
    char *bytes = file_read(quant_path(folder, "xgb_model.json", model_path), &size);
    const char *params_file = quant_path(folder, "xgb_params.json", params_path);
    struct model_xgboost model = {0};
    struct model_xgboost_params params;
    float *x = get((size_t)set->n * set->columns, sizeof *x), *y = get(set->n, sizeof *y);
    for (size_t i = 0; i < (size_t)set->n * set->columns; i++)
        x[i] = (float)set->x[i];
    for (uint32_t i = 0; i < set->n; i++)
        y[i] = set->y[i];
    if (!bytes || model_xgboost_load(&model, bytes, size) || model.feature_count != set->columns)
        quant_fail(folder, "xgb_model.json", "is not a model of %u features", set->columns);
    else
        margins_check(folder, t, &model, x, "loaded");
    if (!params_read(params_file, bytes ? model_trees(bytes, size) : 0, &params) ||
        model_xgboost_train(&model, &params, x, y, set->n, set->columns))
        quant_fail(folder, "xgb_params.json", "gives no model");
    else
        margins_check(folder, t, &model, x, "trained again");
    model_xgboost_free(&model);
    free(bytes);
    free(x);
    free(y);
}

static void xgboost(struct quant_folder *folder, const struct train_set *set)
{
    char path[QUANT_PATH_MAX];
    struct table t;
    if (!quant_open(folder, "xgb_expected.csv", false, &t))
        return;
    if (t.row_count != set->n)
        quant_fail(folder, "xgb_expected.csv", "%u rows for %u of train.csv", t.row_count, set->n);
    else if (model_xgboost_available())
        xgboost_compare(folder, set, &t);
    else {
        (void)quant_path(folder, "xgb_model.json", path);
        (void)quant_path(folder, "xgb_params.json", path);
        printf("ok - ml/xgb_expected.csv # skip built without XGBoost's library\n");
    }
    table_fini(&t);
}

void quant_ml(struct quant_folder *folder)
{
    struct train_set set = {0};
    struct events events = {0};
    if (train_read(folder, &set)) {
        logistic(folder, &set);
        xgboost(folder, &set);
    }
    if (events_read(folder, &events)) {
        purge(folder, &events);
        uniqueness(folder, &events);
    }
    free(set.x);
    free(set.y);
    free(events.rows);
    free(events.train);
    free(events.t0);
    free(events.t1);
}
