/* calibration: quality of signals against scikit-learn, statsmodels, R and pROC.
 *
 * Every row of metric files is looked up by name in what the project computed; a name that nobody knows is a failure.
 * Tolerances: 1e-10, fits 1e-8, proportions and bootstrap 1e-12. Where the file's own source stopped
 * short of the exact value, its error is what is allowed:
 *   platt_a, platt_b              scikit-learn's BFGS stops at a gradient of 1e-5: 1e-7 (it is off by 3e-8)
 *   liblinear_l2_C1_*             scikit-learn's liblinear stops at tol 1e-4: 5e-6 (it is off by 2.8e-6)
 *   lbfgs_l2_C1_*                 scikit-learn's lbfgs stops at tol 1e-4: 2e-4 (it is off by 1.2e-4)
 *   t_lo, t_hi                    SciPy 1.10's t quantile is off by 3e-9 at 48 and 54 degrees of freedom (checked against the
 *                                 finite series for whole even degrees in 50 digits): 1e-9 (the ends are off by 5e-10)
 * Features of the logistic ones: logit(conf) and conf; intercept penalised and not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/quant/quant.h"
#include "workers/performance/model/fit.h"
#include "workers/strategy/signals/quality.h"

#define NAMES_MAX 256u
#define TOLERANCE 1e-10
#define FIT 1e-8
#define CLOSE 1e-12
#define SCIPY_T 1e-9

/* What the project computed, by the names of the files. */
struct values {
    char name[NAMES_MAX][64];
    double value[NAMES_MAX], tolerance[NAMES_MAX];
    uint32_t count;
};

static void *get(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        abort();
    return memory;
}

static void put(struct values *values, const char *name, double value, double tolerance)
{
    if (values->count == NAMES_MAX)
        abort();
    (void)snprintf(values->name[values->count], sizeof values->name[0], "%s", name);
    values->value[values->count] = value;
    values->tolerance[values->count++] = tolerance;
}

/* Rows metric,source,value. */
static void compare(struct quant_folder *folder, const char *file, const struct values *values)
{
    struct table table;
    if (!quant_open(folder, file, false, &table))
        return;
    uint32_t metric = table_column(&table, "metric"), value = table_column(&table, "value");
    for (uint32_t row = 0; row < table.row_count; row++) {
        const char *name = table_text(&table, row, metric);
        uint32_t i = 0;
        while (i < values->count && strcmp(values->name[i], name) != 0)
            i++;
        if (i == values->count)
            quant_fail(folder, file, "no function computes %s", name);
        else
            quant_check(folder, file, row, name, table_number(&table, row, value), values->value[i], QUANT_MIXED,
                        values->tolerance[i]);
    }
    table_fini(&table);
}

/* --- signals ----------------------------------------------------------------------------------------------------- */

struct sample {
    uint32_t n;
    double *p, *r, *scratch;
    uint8_t *y;
};

static bool sample_read(struct quant_folder *folder, struct sample *s)
{
    struct table table;
    if (!quant_open(folder, "signals_input.csv", false, &table))
        return false;
    double *y = table_numbers(&table, "win");
    s->n = table.row_count;
    s->p = table_numbers(&table, "conf");
    s->r = table_numbers(&table, "R");
    s->y = get(s->n, sizeof *s->y);
    s->scratch = get(2 * (size_t)s->n, sizeof *s->scratch);
    for (uint32_t i = 0; y && i < s->n; i++)
        s->y[i] = y[i] > 0.0;
    free(y);
    table_fini(&table);
    if (!s->p || !s->r || !y)
        quant_fail(folder, "signals_input.csv", "a column is missing");
    return s->p && s->r && y;
}

static void sample_fini(struct sample *s)
{
    free(s->p);
    free(s->r);
    free(s->y);
    free(s->scratch);
}

/* The non-empty bins of a curve, numbered as scikit-learn returns them. */
static void put_curve(struct values *values, const struct sample *s, const char *kind, const double *edges)
{
    struct signals_reliability_bin bins[SIGNALS_BINS];
    char name[64];
    uint32_t shown = 0;
    if (signals_reliability_curve(s->p, s->y, s->n, edges, SIGNALS_BINS, bins))
        abort();
    for (uint32_t k = 0; k < SIGNALS_BINS; k++) {
        if (bins[k].n == 0)
            continue;
        (void)snprintf(name, sizeof name, "calcurve_%s_nonempty%u_true", kind, shown);
        put(values, name, bins[k].rate, TOLERANCE);
        (void)snprintf(name, sizeof name, "calcurve_%s_nonempty%u_pred", kind, shown++);
        put(values, name, bins[k].mean_p, TOLERANCE);
    }
}

static void put_reliability(struct values *values, const struct sample *s)
{
    struct signals_reliability q;
    double uniform[SIGNALS_BINS + 1], quantile[SIGNALS_BINS + 1];
    if (signals_reliability_measure(s->p, s->y, s->n, &q))
        abort();
    put(values, "brier", q.brier, TOLERANCE);
    put(values, "logloss", q.log_loss, TOLERANCE);
    put(values, "brier_climatology", q.climatology, TOLERANCE);
    put(values, "brier_skill", q.skill, TOLERANCE);
    put(values, "ece_10_uniform", q.ece, TOLERANCE);
    put(values, "mce_10_uniform", q.mce, TOLERANCE);
    put(values, "murphy_reliability", q.reliability, TOLERANCE);
    put(values, "murphy_resolution", q.resolution, TOLERANCE);
    put(values, "murphy_uncertainty", q.uncertainty, TOLERANCE);
    put(values, "within_bin_term", q.within_bin, TOLERANCE);
    put(values, "spiegelhalter_z", q.spiegelhalter_z, TOLERANCE);
    put(values, "spiegelhalter_p_two_sided", q.spiegelhalter_p, TOLERANCE);
    for (uint32_t k = 0; k <= SIGNALS_BINS; k++)
        uniform[k] = k == SIGNALS_BINS ? 1.0 : k * (1.0 / SIGNALS_BINS); /* as numpy.linspace makes them */
    put_curve(values, s, "uniform", uniform);
    signals_reliability_edges(s->p, s->n, SIGNALS_BINS, s->scratch, quantile);
    put_curve(values, s, "quantile", quantile);
}

static void put_fits(struct values *values, const struct sample *s)
{
    struct signals_logit cox;
    struct signals_auc auc;
    struct signals_auc_scratch scratch = {.ranked = get(s->n, sizeof *scratch.ranked), .placement = s->scratch};
    double a, b;
    if (signals_cox_fit(s->p, s->y, s->n, s->scratch, &cox) || signals_platt_fit(s->p, s->y, s->n, s->scratch, &a, &b) ||
        signals_auc_measure(s->p, s->y, s->n, 0.95, &scratch, &auc))
        abort();
    put(values, "cox_intercept", cox.intercept, FIT);
    put(values, "cox_slope", cox.slope, FIT);
    put(values, "cox_intercept_se", cox.intercept_se, FIT);
    put(values, "cox_slope_se", cox.slope_se, FIT);
    put(values, "platt_a", a, 1e-7);
    put(values, "platt_b", b, 1e-7);
    put(values, "auc", auc.auc, TOLERANCE);
    put(values, "auc_delong_lo", auc.lo, TOLERANCE);
    put(values, "auc_delong_hi", auc.hi, TOLERANCE);
    free(scratch.ranked);
}

/* Two features, C = 1, intercept penalised (liblinear) and not (lbfgs). */
static void put_logistic(struct values *values, const struct sample *s)
{
    double *x = get(2 * (size_t)s->n, sizeof *x), w[3];
    struct model_fit_problem problem = {.row_count = s->n, .column_count = 2, .x = x, .y = s->y, .c = 1.0};
    size_t bytes = model_fit_bytes(s->n, 2);
    void *memory = get(1, bytes);
    for (uint32_t i = 0; i < s->n; i++) {
        x[2 * i] = log(s->p[i] / (1.0 - s->p[i]));
        x[2 * i + 1] = s->p[i];
    }
    problem.bias = MODEL_BIAS_PENALISED;
    if (model_fit_logistic(&problem, memory, bytes, w, NULL))
        abort();
    put(values, "liblinear_l2_C1_w0", w[0], 5e-6);
    put(values, "liblinear_l2_C1_w1", w[1], 5e-6);
    put(values, "liblinear_l2_C1_intercept_penalised", w[2], 5e-6);
    problem.bias = MODEL_BIAS_FREE;
    if (model_fit_logistic(&problem, memory, bytes, w, NULL))
        abort();
    put(values, "lbfgs_l2_C1_w0", w[0], 2e-4);
    put(values, "lbfgs_l2_C1_w1", w[1], 2e-4);
    put(values, "lbfgs_l2_C1_intercept_unpenalised", w[2], 2e-4);
    free(x);
    free(memory);
}

/* --- buckets: the records' way ----------------------------------------------------------------------------------- */

static struct signals_record *sample_records(const struct sample *s)
{
    struct signals_record *records = get(s->n, sizeof *records);
    for (uint32_t i = 0; i < s->n; i++) {
        struct signal signal = {.side = 1, .instrument = i % 3, .bar_seq = i, .time_ns = i + 1, .price = 110 * DEC_ONE,
                                .stop_distance = DEC_ONE};
        if (!signals_record_open(&signal, 0, SIGNALS_KIND_BREAKOUT, &records[i]) ||
            signals_record_calibrate(&records[i], s->p[i]) || signals_record_execute(&records[i], i + 1) ||
            signals_record_settle(&records[i], s->r[i], i + 2) || !signals_record_sane(&records[i]))
            abort();
    }
    return records;
}

static void bucket_check(struct quant_folder *folder, const char *file, const struct table *table, uint32_t row,
                         const struct signals_group *g)
{
    const struct {
        const char *column;
        double value;
    } cells[] = {
        {"bucket", g->key}, {"lo", g->key / 10.0}, {"hi", (g->key + 1) / 10.0}, {"n", g->n}, {"wins", g->wins},
        {"mean_conf", g->mean_p}, {"win_rate", (double)g->wins / g->n}, {"wilson_lo", g->win_rate.lo},
        {"wilson_hi", g->win_rate.hi}, {"jeffreys_lo", g->jeffreys.lo}, {"jeffreys_hi", g->jeffreys.hi},
        {"cp_lo", g->exact.lo}, {"cp_hi", g->exact.hi}, {"mean_R", g->r.mean}, {"sd_R", g->r.sd},
        {"t_lo", g->mean_r.lo}, {"t_hi", g->mean_r.hi},
    };
    if (table->column_count != sizeof cells / sizeof cells[0])
        quant_fail(folder, file, "has %u columns, %zu are compared", table->column_count, sizeof cells / sizeof cells[0]);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        quant_check(folder, file, row, cells[i].column, table_number(table, row, table_column(table, cells[i].column)),
                    cells[i].value, QUANT_MIXED, strncmp(cells[i].column, "t_", 2) == 0 ? SCIPY_T : TOLERANCE);
}

static void buckets(struct quant_folder *folder, const struct sample *s)
{
    static const char file[] = "buckets_expected.csv";
    struct table table;
    if (!quant_open(folder, file, false, &table))
        return;
    struct signals_record *records = sample_records(s);
    struct signals_window window = {.now_ns = s->n + 10, .length_ns = s->n + 20, .instrument = UINT32_MAX};
    struct signals_group groups[SIGNALS_GROUPS_MAX];
    struct signals_scratch scratch;
    size_t bytes = signals_scratch_bytes(s->n);
    void *memory = get(1, bytes);
    signals_scratch_init(&scratch, memory, bytes, s->n);
    int64_t count = signals_quality_select(records, s->n, &window, &scratch);
    int found = count == s->n ? signals_quality_groups(records, s->n, SIGNALS_BY_BUCKET, &scratch, groups) : -1;
    if (found != (int)table.row_count)
        quant_fail(folder, file, "%d buckets, not %u", found, table.row_count);
    for (uint32_t row = 0; found == (int)table.row_count && row < table.row_count; row++)
        bucket_check(folder, file, &table, row, &groups[row]);
    free(records);
    free(memory);
    table_fini(&table);
}

/* --- isotonic ------------------------------------------------------------------------------------------------------ */

/* x, n, wins: the sample's own, counted here; iso_sklearn: the fit at x. */
static void isotonic_rows(struct quant_folder *folder, const struct sample *s, const double *x, const double *y, uint32_t knots)
{
    static const char file[] = "isotonic_expected.csv";
    struct table table;
    if (!quant_open(folder, file, false, &table))
        return;
    for (uint32_t row = 0; row < table.row_count; row++) {
        double at = table_number(&table, row, table_column(&table, "x"));
        int64_t n = 0, wins = 0;
        for (uint32_t i = 0; i < s->n; i++) {
            n += s->p[i] == at;
            wins += s->p[i] == at && s->y[i];
        }
        quant_check_integer(folder, file, row, "n", table_integer(&table, row, table_column(&table, "n")), n);
        quant_check_integer(folder, file, row, "wins", table_integer(&table, row, table_column(&table, "wins")), wins);
        quant_check(folder, file, row, "iso_sklearn", table_number(&table, row, table_column(&table, "iso_sklearn")),
                    signals_isotonic_apply(x, y, knots, at), QUANT_MIXED, CLOSE);
    }
    table_fini(&table);
}

static void isotonic(struct quant_folder *folder, const struct sample *s)
{
    static const char file[] = "isotonic_interp_sklearn.csv";
    struct signals_isotonic_scratch scratch = {get(s->n, sizeof *scratch.ranked), get(s->n, sizeof(double)),
                                               get(s->n, sizeof(double)), get(s->n, sizeof(double))};
    double *x = get(2 * (size_t)s->n, sizeof *x), *y = get(2 * (size_t)s->n, sizeof *y);
    uint32_t knots;
    struct table table;
    for (uint32_t i = 0; i < s->n; i++)
        s->scratch[i] = s->y[i];
    if (signals_isotonic_fit(s->p, s->scratch, NULL, s->n, &scratch, x, y, &knots))
        abort();
    isotonic_rows(folder, s, x, y, knots);
    if (quant_open(folder, file, false, &table)) {
        for (uint32_t row = 0; row < table.row_count; row++)
            quant_check(folder, file, row, "iso_interp", table_number(&table, row, table_column(&table, "iso_interp")),
                        signals_isotonic_apply(x, y, knots, table_number(&table, row, table_column(&table, "x"))),
                        QUANT_MIXED, CLOSE);
        table_fini(&table);
    }
    free(scratch.ranked);
    free(scratch.sum);
    free(scratch.weight);
    free(scratch.last);
    free(x);
    free(y);
}

/* --- proportions --------------------------------------------------------------------------------------------------- */

static void proportion_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row)
{
    uint32_t k = (uint32_t)table_integer(t, row, table_column(t, "k")), n = (uint32_t)table_integer(t, row, table_column(t, "n"));
    double confidence = table_number(t, row, table_column(t, "conf"));
    const struct {
        const char *name;
        struct signals_interval ci;
    } cells[] = {
        {"wilson", signals_interval_wilson(k, n, confidence)},
        {"cp", signals_interval_exact(k, n, confidence)},
        {"jeffreys", signals_interval_jeffreys(k, n, confidence)},
        {"agresti", signals_interval_agresti(k, n, confidence)},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        char column[32];
        (void)snprintf(column, sizeof column, "%s_lo", cells[i].name);
        quant_check(folder, file, row, column, table_number(t, row, table_column(t, column)), cells[i].ci.lo, QUANT_MIXED, CLOSE);
        (void)snprintf(column, sizeof column, "%s_hi", cells[i].name);
        quant_check(folder, file, row, column, table_number(t, row, table_column(t, column)), cells[i].ci.hi, QUANT_MIXED, CLOSE);
    }
}

static void proportions(struct quant_folder *folder)
{
    static const char single[] = "proportion_ci.csv", difference[] = "proportion_diff_ci.csv";
    struct table t;
    if (quant_open(folder, single, false, &t)) {
        if (t.column_count != 11)
            quant_fail(folder, single, "has %u columns, not 11", t.column_count);
        for (uint32_t row = 0; row < t.row_count; row++)
            proportion_row(folder, single, &t, row);
        table_fini(&t);
    }
    if (!quant_open(folder, difference, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        uint32_t v[4];
        static const char *const names[4] = {"k1", "n1", "k2", "n2"};
        for (int i = 0; i < 4; i++)
            v[i] = (uint32_t)table_integer(&t, row, table_column(&t, names[i]));
        struct signals_interval ci = signals_interval_newcombe(v[0], v[1], v[2], v[3], 0.95);
        quant_check(folder, difference, row, "newcombe_lo", table_number(&t, row, table_column(&t, "newcombe_lo")), ci.lo,
                    QUANT_MIXED, CLOSE);
        quant_check(folder, difference, row, "newcombe_hi", table_number(&t, row, table_column(&t, "newcombe_hi")), ci.hi,
                    QUANT_MIXED, CLOSE);
    }
    table_fini(&t);
}

/* --- bootstrap ----------------------------------------------------------------------------------------------------- */

/* Indices as the file has them; the replicates stand sorted in replicate. */
static void put_bootstrap(struct values *values, const double *x, uint32_t n, uint32_t *index, uint32_t replicates)
{
    struct signals_resample_rows rows = {index};
    struct signals_resample resample = {replicates, signals_resample_row, &rows};
    struct signals_bootstrap_scratch s = {get(replicates, sizeof(double)), get(n, sizeof(double)), get(n, sizeof(uint32_t)),
                                          get(n, sizeof(uint32_t))};
    struct signals_bootstrap b;
    static const double shares[] = {0.025, 0.05, 0.5, 0.95, 0.975};
    static const char *const names[] = {"percentile_type7_0.025", "percentile_type7_0.05", "percentile_type7_0.5",
                                        "percentile_type7_0.95", "percentile_type7_0.975"};
    if (signals_bootstrap_mean(x, n, NULL, 0.95, &resample, &s, &b))
        abort();
    for (int i = 1; i < 4; i++)
        put(values, names[i], signals_quantile(s.replicate, replicates, shares[i]), CLOSE);
    put(values, names[0], b.percentile.lo, CLOSE);
    put(values, names[4], b.percentile.hi, CLOSE);
    put(values, "t0", b.mean, CLOSE);
    put(values, "z0", b.bias_z, CLOSE);
    put(values, "accel_jackknife", b.acceleration, CLOSE);
    put(values, "bca_alpha_0.025", b.bca_p_lo, CLOSE);
    put(values, "bca_alpha_0.975", b.bca_p_hi, CLOSE);
    put(values, "bca_type7_0.025", b.bca.lo, CLOSE);
    put(values, "bca_type7_0.975", b.bca.hi, CLOSE);
    put(values, "boot_perc_lo", signals_quantile_normal(s.replicate, replicates, 0.025), CLOSE);
    put(values, "boot_perc_hi", signals_quantile_normal(s.replicate, replicates, 0.975), CLOSE);
    put(values, "boot_bca_lo", signals_quantile_normal(s.replicate, replicates, b.bca_p_lo), TOLERANCE);
    put(values, "boot_bca_hi", signals_quantile_normal(s.replicate, replicates, b.bca_p_hi), TOLERANCE);
    free(s.replicate);
    free(s.sum);
    free(s.count);
    free(s.index);
}

static void bootstrap(struct quant_folder *folder, struct values *values)
{
    struct table x, rows;
    if (!quant_open_bare(folder, "boot_x.csv", false, &x))
        return;
    if (quant_open_bare(folder, "boot_idx.csv", false, &rows)) {
        double *values_x = table_numbers(&x, "0");
        uint32_t *index = get((size_t)rows.row_count * rows.column_count, sizeof *index);
        for (uint32_t b = 0; b < rows.row_count; b++)
            for (uint32_t i = 0; i < rows.column_count; i++)
                index[(size_t)b * rows.column_count + i] = (uint32_t)table_integer(&rows, b, i);
        if (rows.column_count == x.row_count)
            put_bootstrap(values, values_x, x.row_count, index, rows.row_count);
        else
            quant_fail(folder, "boot_idx.csv", "%u columns for %u values", rows.column_count, x.row_count);
        free(values_x);
        free(index);
        table_fini(&rows);
    }
    table_fini(&x);
}

void quant_calibration(struct quant_folder *folder)
{
    struct values *values = get(1, sizeof *values);
    struct sample sample = {0};
    if (sample_read(folder, &sample)) {
        put_reliability(values, &sample);
        put_fits(values, &sample);
        put_logistic(values, &sample);
        buckets(folder, &sample);
        isotonic(folder, &sample);
    }
    proportions(folder);
    bootstrap(folder, values);
    struct signals_interval wilson = signals_interval_wilson(28, 50, 0.95);
    put(values, "wilson_28_50_lo", wilson.lo, TOLERANCE);
    put(values, "wilson_28_50_hi", wilson.hi, TOLERANCE);
    compare(folder, "calibration_expected.csv", values);
    compare(folder, "calibration_expected_R.csv", values);
    compare(folder, "boot_expected.csv", values);
    sample_fini(&sample);
    free(values);
}
