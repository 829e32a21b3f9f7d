/* The family overfit: walk-forward index sets, E[max], PSR and DSR, PBO, reality check and SPA. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/quant/quant.h"
#include "workers/performance/overfit/pbo.h"
#include "workers/performance/overfit/psr.h"
#include "workers/performance/overfit/spa.h"
#include "workers/performance/overfit/trials.h"
#include "workers/performance/overfit/walkforward.h"

#define EXACT 1e-12
/* rubenbriones and quantstrat write Euler's constant with fewer digits: they differ from the exact value by that much
 */
#define SHORT_EULER 1e-11

static double cell(const struct table *t, uint32_t row, const char *name)
{
    uint32_t column = table_column(t, name);
    return column == TABLE_NONE ? (double)NAN : table_number(t, row, column);
}

static int64_t whole(const struct table *t, uint32_t row, const char *name)
{
    double value = cell(t, row, name);
    return isnan(value) ? 0 : (int64_t)llround(value);
}

static const char *word(const struct table *t, uint32_t row, const char *name)
{
    uint32_t column = table_column(t, name);
    return column == TABLE_NONE ? "" : table_text(t, row, column);
}

/* All cells of a file without a header, row by row; NULL and a failure when one is no number. The caller frees it. */
static double *matrix(struct quant_folder *folder, const char *file, const struct table *t)
{
    size_t count = (size_t)t->row_count * t->column_count;
    double *out = malloc(count * sizeof *out);
    for (size_t i = 0; out && i < count; i++) {
        out[i] = table_number(t, (uint32_t)(i / t->column_count), (uint32_t)(i % t->column_count));
        if (!isnan(out[i]))
            continue;
        quant_fail(folder, file, "cell %zu is no number", i);
        free(out);
        return NULL;
    }
    return out;
}

/* --- walk-forward ----------------------------------------------------------------------------------------------- */

static void check_walkforward(struct quant_folder *folder)
{
    const char *file = "walkforward_expected.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        struct walkforward_plan plan = {
            .observation_count = (uint32_t)whole(&t, row, "n"),
            .fold_count = (uint32_t)whole(&t, row, "n_splits"),
            .test_size = (uint32_t)whole(&t, row, "test_size"),
            .gap = (uint32_t)whole(&t, row, "gap"),
            .train_max = (uint32_t)whole(&t, row, "max_train_size"), /* empty: anchored */
        };
        struct walkforward_fold f;
        if (walkforward_fold(&plan, (uint32_t)whole(&t, row, "fold"), &f) != 0) {
            quant_fail(folder, file, "row %u: refused", row);
            continue;
        }
        quant_check_integer(folder, file, row, "train_first", whole(&t, row, "train_first"), f.train_first);
        quant_check_integer(folder, file, row, "train_last", whole(&t, row, "train_last"),
                            (int64_t)f.train_first + f.train_count - 1);
        quant_check_integer(folder, file, row, "test_first", whole(&t, row, "test_first"), f.test_first);
        quant_check_integer(folder, file, row, "test_last", whole(&t, row, "test_last"),
                            (int64_t)f.test_first + f.test_count - 1);
    }
    table_fini(&t);
}

/* --- E[max], PSR, DSR
 * ------------------------------------------------------------------------------------------------- */

static void check_emax(struct quant_folder *folder)
{
    const char *file = "emax_expected.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        double n = cell(&t, row, "N"), sd = cell(&t, row, "sd_sr");
        const struct {
            const char *column;
            double actual, tolerance;
        } columns[] = {
            {"emax_approx_mpmath", sd * trials_emax(n), EXACT},
            {"emax_rubenbriones", sd * trials_emax(n), SHORT_EULER},
            {"emax_zoonek", sd * trials_emax(n), EXACT},
            {"emax_std_exact_quadrature", sd * trials_emax_exact(n), EXACT},
            /* of standard normals in every row; 200 Gauss-Hermite nodes hold to N = 20, then their error grows to .22 %
             * at 5,000 (ours is checked against the trapezoidal rule in test_trials) */
            {"var_max_std_zoonek_gh200", trials_max_variance(n), n <= 20.0 ? EXACT : 3e-3},
        };
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
            quant_check(folder, file, row, columns[i].column, cell(&t, row, columns[i].column), columns[i].actual,
                        QUANT_RELATIVE, columns[i].tolerance);
    }
    table_fini(&t);
}

static struct psr_moments candidate_of(const struct table *t, uint32_t row)
{
    return (struct psr_moments){
        .count = (uint32_t)whole(t, row, "T"),
        .mean = (double)NAN,
        .sd = (double)NAN,
        .sharpe = cell(t, row, "sr_per_period"),
        .skew = cell(t, row, "skew"),
        .kurtosis = cell(t, row, "kurt_raw"),
        .autocorrelation = (double)NAN,
    };
}

static void check_dsr_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row)
{
    struct psr_moments m = candidate_of(t, row);
    double benchmark = cell(t, row, "sr_bench");
    struct trials_deflated d;
    trials_deflate(&m, cell(t, row, "sd_trials"), cell(t, row, "N"), &d);
    const struct {
        const char *column;
        double actual, tolerance;
    } columns[] = {
        {"psr_bench_classic", psr_probability(&m, benchmark), EXACT},
        {"psr_bench_rubenbriones", psr_probability(&m, benchmark), EXACT},
        {"psr_bench_H0var_zoonek", psr_probability_null(&m, benchmark, 0.0), EXACT},
        {"sr0_emax", d.benchmark, EXACT},
        {"dsr_classic", d.probability, EXACT},
        {"dsr_rubenbriones", d.probability, SHORT_EULER},
        {"dsr_H0var_T", d.probability_null, EXACT},
        {"mintrl95_classic", psr_track_min(&m, benchmark, 0.95), EXACT},
        {"mintrl95_H0var_zoonek", psr_track_min_null(&m, benchmark, 0.0, 0.95), EXACT},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        quant_check(folder, file, row, columns[i].column, cell(t, row, columns[i].column), columns[i].actual,
                    QUANT_RELATIVE, columns[i].tolerance);
}

/* The same rows by a fourth implementation; `diff` is its distance from the column dsr_classic, not a number of ours.
 */
static void check_dsr_quantstrat(struct quant_folder *folder, const struct table *dsr)
{
    const char *file = "dsr_expected_quantstrat.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        uint32_t of = (uint32_t)whole(&t, row, "row");
        if (of >= dsr->row_count) {
            quant_fail(folder, file, "row %u: no such row of dsr_expected.csv", row);
            continue;
        }
        struct psr_moments m = candidate_of(dsr, of);
        struct trials_deflated d;
        trials_deflate(&m, cell(dsr, of, "sd_trials"), cell(dsr, of, "N"), &d);
        quant_check(folder, file, row, "quantstrat_prob", cell(&t, row, "quantstrat_prob"), d.probability,
                    QUANT_RELATIVE, SHORT_EULER);
        quant_check(folder, file, row, "dsr_classic", cell(&t, row, "dsr_classic"), d.probability, QUANT_RELATIVE,
                    EXACT);
    }
    table_fini(&t);
}

static void check_dsr(struct quant_folder *folder)
{
    struct table t;
    if (!quant_open(folder, "dsr_expected.csv", false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++)
        check_dsr_row(folder, "dsr_expected.csv", &t, row);
    check_dsr_quantstrat(folder, &t);
    table_fini(&t);
}

/* --- PBO
 * ---------------------------------------------------------------------------------------------------------------- */

struct pbo_files {
    struct table expected, r, logits;
};

/* Rows of `own` and of pypbo alike. */
static void check_pbo_expected(struct quant_folder *folder, const struct table *t, const char *name, uint32_t blocks,
                               const struct pbo_result *result)
{
    const struct {
        const char *metric;
        double actual;
    } metrics[] = {
        {"n_comb", result->combination_count},
        {"pbo", result->pbo},
        {"prob_loss", result->loss},
        {"slope", result->degradation.slope},
        {"intercept", result->degradation.intercept},
        {"r2", result->degradation.r2},
        {"mean_logit", result->logit_mean},
        {"sd_logit", result->logit_sd},
    };
    const size_t count = sizeof metrics / sizeof metrics[0];
    for (uint32_t row = 0; row < t->row_count; row++) {
        if (strcmp(word(t, row, "case"), name) != 0 || whole(t, row, "S") != blocks)
            continue;
        size_t i = 0;
        while (i < count && strcmp(word(t, row, "metric"), metrics[i].metric) != 0)
            i++;
        if (i == count)
            quant_fail(folder, "pbo_expected.csv", "row %u: unknown metric", row);
        else
            quant_check(folder, "pbo_expected.csv", row, metrics[i].metric, cell(t, row, "value"), metrics[i].actual,
                        QUANT_MIXED, EXACT);
    }
}

/* R's pbo divides the rank by N, prints 3 or 5 digits, and its line is that of in sample on out of sample, with the
 * coefficients' names swapped: coef1 is the intercept, coef2 the slope. phi does not depend on the divisor here. */
static void check_pbo_r(struct quant_folder *folder, const struct table *t, const char *name, uint32_t blocks,
                        const struct pbo_result *result, const struct pbo_combination *combinations)
{
    const char *file = "pbo_expected_Rpbo.csv";
    for (uint32_t row = 0; row < t->row_count; row++) {
        if (strcmp(word(t, row, "case"), name) != 0 || whole(t, row, "S") != blocks)
            continue;
        struct pbo_line reverse = pbo_fit(&combinations[0].out_of_sample, &combinations[0].in_sample,
                                          sizeof *combinations / sizeof(double), result->combination_count);
        quant_check(folder, file, row, "phi_N_denominator", cell(t, row, "phi_N_denominator"), result->pbo,
                    QUANT_RELATIVE, 1e-14);
        quant_check(folder, file, row, "below_threshold", cell(t, row, "below_threshold"), result->loss, QUANT_ABSOLUTE,
                    5e-4);
        quant_check(folder, file, row, "coef1", cell(t, row, "coef1_labelled_slope"), reverse.intercept, QUANT_RELATIVE,
                    5e-5);
        quant_check(folder, file, row, "coef2", cell(t, row, "coef2_labelled_intercept"), reverse.slope, QUANT_RELATIVE,
                    5e-5);
    }
}

static void check_pbo_logits(struct quant_folder *folder, const struct table *t, const char *name, uint32_t blocks,
                             const struct pbo_combination *combinations, uint32_t count)
{
    for (uint32_t row = 0; row < t->row_count; row++) {
        if (strcmp(word(t, row, "case"), name) != 0 || whole(t, row, "S") != blocks)
            continue;
        uint64_t i = (uint64_t)whole(t, row, "comb");
        quant_check(folder, "pbo_logits.csv", row, "logit", cell(t, row, "logit"),
                    i < count ? combinations[i].logit : NAN, QUANT_RELATIVE, EXACT);
    }
}

/* Whether the case is expected with so many blocks. */
static bool pbo_expects(const struct table *t, const char *name, uint32_t blocks)
{
    for (uint32_t row = 0; row < t->row_count; row++)
        if (strcmp(word(t, row, "case"), name) == 0 && whole(t, row, "S") == blocks)
            return true;
    return false;
}

static void check_pbo_case(struct quant_folder *folder, const struct pbo_files *files, const char *file,
                           const char *name)
{
    struct table t;
    if (!quant_open_bare(folder, file, false, &t))
        return;
    double *returns = matrix(folder, file, &t);
    uint32_t tried = 0;
    for (uint32_t blocks = PBO_BLOCKS_MIN; returns && blocks <= PBO_BLOCKS_MAX; blocks += 2) {
        if (!pbo_expects(&files->expected, name, blocks) && !pbo_expects(&files->logits, name, blocks))
            continue;
        struct pbo_input in = {returns, t.row_count, t.column_count, blocks};
        uint32_t count = pbo_combination_count(blocks);
        double *scratch = malloc(pbo_scratch_count(&in) * sizeof *scratch);
        struct pbo_combination *combinations = malloc(count * sizeof *combinations);
        struct pbo_result result;
        tried++;
        if (!scratch || !combinations || pbo_run(&in, scratch, combinations, &result) != 0)
            quant_fail(folder, file, "%u blocks: refused", blocks);
        else {
            check_pbo_expected(folder, &files->expected, name, blocks, &result);
            check_pbo_r(folder, &files->r, name, blocks, &result, combinations);
            check_pbo_logits(folder, &files->logits, name, blocks, combinations, count);
        }
        free(scratch);
        free(combinations);
    }
    if (tried == 0)
        quant_fail(folder, file, "nothing is expected of it");
    free(returns);
    table_fini(&t);
}

/* Every case that is expected has its matrix. */
static void check_pbo_cases(struct quant_folder *folder, const char *file, const struct table *t)
{
    for (uint32_t row = 0; row < t->row_count; row++) {
        char name[128];
        (void)snprintf(name, sizeof name, "pbo_M_%.100s.csv", word(t, row, "case"));
        if (!quant_has(folder, name))
            quant_fail(folder, file, "row %u: no %s", row, name);
    }
}

static void check_pbo(struct quant_folder *folder)
{
    struct pbo_files files = {0};
    bool opened = quant_open(folder, "pbo_expected.csv", false, &files.expected);
    opened = quant_open(folder, "pbo_expected_Rpbo.csv", false, &files.r) && opened;
    opened = quant_open(folder, "pbo_logits.csv", false, &files.logits) && opened;
    static const char prefix[] = "pbo_M_";
    char stem[128], file[160];
    for (uint32_t i = 0; opened && quant_each(folder, ".csv", &i, stem);) {
        if (strncmp(stem, prefix, sizeof prefix - 1) != 0)
            continue;
        (void)snprintf(file, sizeof file, "%s.csv", stem);
        check_pbo_case(folder, &files, file, stem + sizeof prefix - 1);
    }
    if (opened) {
        check_pbo_cases(folder, "pbo_expected.csv", &files.expected);
        check_pbo_cases(folder, "pbo_expected_Rpbo.csv", &files.r);
        check_pbo_cases(folder, "pbo_logits.csv", &files.logits);
    }
    table_fini(&files.expected);
    table_fini(&files.r);
    table_fini(&files.logits);
}

/* --- reality check and SPA
 * ------------------------------------------------------------------------------------------------ */

#define SPA_BLOCK 10.0 /* the mean block length of the golden files: their long-run variances are those of q = 1/10 */

/* Names as the file has them: arch's never studentise, whatever they say. */
static void check_spa_expected(struct quant_folder *folder, const struct spa_result *plain,
                               const struct spa_result *studentised)
{
    const struct {
        const char *metric;
        double actual;
    } metrics[] = {
        {"lower", plain->lower},
        {"consistent", plain->consistent},
        {"upper", plain->upper},
        {"rc_upper_unstud", plain->upper},
        {"consistent_unstud", plain->consistent},
        {"lower_unstud", plain->lower},
        {"spa_upper_stud", studentised->upper},
        {"spa_consistent_stud", studentised->consistent},
        {"spa_lower_stud", studentised->lower},
    };
    const size_t count = sizeof metrics / sizeof metrics[0];
    struct table t;
    if (!quant_open(folder, "spa_expected.csv", false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        size_t i = 0;
        while (i < count && strcmp(word(&t, row, "metric"), metrics[i].metric) != 0)
            i++;
        if (i == count)
            quant_fail(folder, "spa_expected.csv", "row %u: unknown metric", row);
        else
            quant_check(folder, "spa_expected.csv", row, metrics[i].metric, cell(&t, row, "value"), metrics[i].actual,
                        QUANT_RELATIVE, 1e-15);
    }
    table_fini(&t);
}

static void check_spa_variance(struct quant_folder *folder, const struct spa_input *in,
                               const struct spa_strategy *strategies)
{
    const char *file = "spa_longrun_var.csv";
    struct table t;
    if (!quant_open_bare(folder, file, false, &t))
        return;
    if (t.column_count != in->strategy_count)
        quant_fail(folder, file, "%u columns for %u strategies", t.column_count, in->strategy_count);
    for (uint32_t k = 0; k < t.column_count && k < in->strategy_count; k++) {
        double expected = table_number(&t, 0, k);
        quant_check(folder, file, k, "variance", expected,
                    spa_longrun_variance(in->excess + k, in->strategy_count, in->period_count, SPA_BLOCK),
                    QUANT_RELATIVE, EXACT);
        quant_check(folder, file, k, "omega", sqrt(expected), strategies[k].omega, QUANT_RELATIVE, EXACT);
    }
    table_fini(&t);
}

static void check_spa_with(struct quant_folder *folder, const double *excess, const uint32_t *indices,
                           const struct table *returns, const struct table *resamples)
{
    struct spa_input in = {
        .excess = excess,
        .period_count = returns->row_count,
        .strategy_count = returns->column_count,
        .indices = indices,
        .resample_count = resamples->row_count,
        .block = SPA_BLOCK,
    };
    struct spa_strategy *strategies = malloc(in.strategy_count * sizeof *strategies);
    struct spa_result plain, studentised;
    int error = strategies ? spa_test(&in, strategies, &plain) : -ENOMEM;
    in.studentised = true;
    if (error == 0)
        error = spa_test(&in, strategies, &studentised);
    if (error)
        quant_fail(folder, "spa_returns.csv", "refused: %d", error);
    else {
        check_spa_expected(folder, &plain, &studentised);
        check_spa_variance(folder, &in, strategies);
    }
    free(strategies);
}

static void check_spa(struct quant_folder *folder)
{
    struct table returns = {0}, resamples = {0};
    bool opened = quant_open_bare(folder, "spa_returns.csv", false, &returns);
    opened = quant_open_bare(folder, "spa_boot_idx.csv", false, &resamples) && opened;
    double *excess = opened ? matrix(folder, "spa_returns.csv", &returns) : NULL; /* the benchmark is 0 */
    double *numbers = opened ? matrix(folder, "spa_boot_idx.csv", &resamples) : NULL;
    size_t count = (size_t)resamples.row_count * resamples.column_count;
    uint32_t *indices = numbers ? malloc(count * sizeof *indices) : NULL;
    for (size_t i = 0; indices && i < count; i++)
        indices[i] = (uint32_t)numbers[i];
    if (opened && resamples.column_count != returns.row_count)
        quant_fail(folder, "spa_boot_idx.csv", "%u columns for %u periods", resamples.column_count, returns.row_count);
    else if (excess && indices)
        check_spa_with(folder, excess, indices, &returns, &resamples);
    free(excess);
    free(numbers);
    free(indices);
    table_fini(&returns);
    table_fini(&resamples);
}

void quant_overfit(struct quant_folder *folder)
{
    check_walkforward(folder);
    check_emax(folder);
    check_dsr(folder);
    check_pbo(folder);
    check_spa(folder);
}
