/* stats: moments against exact fractions and against GSL's running statistics, P2 against GSL (quant.md section 7).
 *
 * NAME.txt holds the numbers; exact_moments.csv a line for each NAME; gsl_NAME.csv what GSL said after n of them.
 * GSL is plain Welford, so it is compared with an origin of 0 (its error on numbers around 1e7 is part of its answer);
 * the exact values with the first number as origin. Tolerances as in the README of the golden files.
 * Not a number of ours: naive_sumsq_var, which shows what a sum of squares loses. It must differ where it is wrong. */
#include "tests/golden/quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/performance/moments.h"
#include "workers/performance/quantile.h"

#define MARKERS 5

struct cell {
    struct quant_folder *folder;
    const char *file;
    const struct table *table;
    uint32_t row;
};

static void check(const struct cell *at, const char *name, double actual, enum quant_tolerance kind, double tolerance)
{
    uint32_t column = table_column(at->table, name);
    if (column == TABLE_NONE) {
        quant_fail(at->folder, at->file, "no column %s", name);
        return;
    }
    quant_check(at->folder, at->file, at->row, name, table_number(at->table, at->row, column), actual, kind, tolerance);
}

/* numacc4 is seven digits of offset before the spread: no double arithmetic has more left. */
static double tolerance_of(const char *stem)
{
    return strcmp(stem, "numacc4") == 0 ? 1e-9 : 1e-13;
}

static double *numbers(struct quant_folder *folder, const char *stem, uint32_t *n)
{
    char name[140];
    struct table table;
    (void)snprintf(name, sizeof name, "%s.txt", stem);
    if (!quant_open_bare(folder, name, false, &table))
        return NULL;
    double *x = table_numbers(&table, "0");
    *n = table.row_count;
    table_fini(&table);
    return x;
}

static void exact_row(const struct cell *at, const char *stem)
{
    uint32_t n;
    double *x = numbers(at->folder, stem, &n);
    if (!x)
        return;
    struct moments m;
    moments_of(&m, x[0], x, n);
    double tolerance = tolerance_of(stem);
    check(at, "n", (double)m.n, QUANT_ABSOLUTE, 0.0);
    check(at, "mean", moments_mean(&m), QUANT_RELATIVE, tolerance);
    check(at, "var_ddof1", moments_variance(&m), QUANT_RELATIVE, tolerance);
    check(at, "sd_ddof1", moments_sd(&m), QUANT_RELATIVE, tolerance);
    check(at, "m3_over_m2_1.5_pop", moments_skew(&m), QUANT_MIXED, tolerance);
    check(at, "m4_over_m2sq_pop", moments_kurtosis(&m), QUANT_RELATIVE, tolerance);
    double naive = table_number(at->table, at->row, table_column(at->table, "naive_sumsq_var"));
    if (strncmp(stem, "numacc", 6) == 0 && !(fabs(naive / moments_variance(&m) - 1.0) > 1e-13))
        quant_fail(at->folder, at->file, "row %u: the naive variance is right after all", at->row);
    free(x);
}

static void check_exact(struct quant_folder *folder)
{
    struct table table;
    if (!quant_open(folder, "exact_moments.csv", false, &table))
        return;
    uint32_t name = table_column(&table, "case");
    for (uint32_t row = 0; name != TABLE_NONE && row < table.row_count; row++)
        exact_row(&(struct cell){folder, "exact_moments.csv", &table, row}, table_text(&table, row, name));
    table_fini(&table);
}

/* GSL divides skewness and kurtosis by sd(n - 1) and says 0 where there is none: ours carried over, or undefined there.
 * (Its kurtosis of two numbers is 0 as well, which no formula gives.) */
static void gsl_row(const struct cell *at, const struct moments *m, const char *stem)
{
    double tolerance = tolerance_of(stem), shrink = 1.0 - 1.0 / (double)m->n;
    check(at, "mean", moments_mean(m), QUANT_RELATIVE, tolerance);
    if (m->n < 2) {
        if (!isnan(moments_variance(m)) || !isnan(moments_skew(m)) || !isnan(moments_kurtosis(m)))
            quant_fail(at->folder, at->file, "row %u: a spread of one number", at->row);
        return;
    }
    check(at, "variance", moments_variance(m), QUANT_RELATIVE, tolerance);
    check(at, "sd", moments_sd(m), QUANT_RELATIVE, tolerance);
    check(at, "skew_gsl", moments_skew(m) * shrink * sqrt(shrink), QUANT_MIXED, tolerance);
    if (m->n > 2)
        check(at, "kurt_excess_gsl", moments_kurtosis(m) * shrink * shrink - 3.0, QUANT_MIXED, tolerance);
}

static const struct marker {
    const char *name;
    double p;
} markers[MARKERS] = {{"p2_05", 0.05}, {"p2_25", 0.25}, {"p2_50", 0.5}, {"p2_75", 0.75}, {"p2_95", 0.95}};

static void gsl_file(struct quant_folder *folder, const char *file, const char *stem, const struct table *table)
{
    uint32_t n, row = 0;
    double *x = numbers(folder, stem, &n);
    struct moments m;
    struct quantile_p2 p2[MARKERS];
    moments_init(&m, 0.0);
    for (int k = 0; k < MARKERS; k++)
        quantile_p2_init(&p2[k], markers[k].p);
    for (uint32_t i = 0; x && i < n && row < table->row_count; i++) {
        moments_add(&m, x[i]);
        for (int k = 0; k < MARKERS; k++)
            quantile_p2_add(&p2[k], x[i]);
        if (table_integer(table, row, table_column(table, "n")) != (int64_t)m.n)
            continue;
        struct cell at = {folder, file, table, row++};
        gsl_row(&at, &m, stem);
        for (int k = 0; k < MARKERS; k++)
            check(&at, markers[k].name, quantile_p2_read(&p2[k]), QUANT_RELATIVE, 1e-12);
    }
    if (row != table->row_count)
        quant_fail(folder, file, "row %u is of an n that never comes", row);
    free(x);
}

void quant_stats(struct quant_folder *folder)
{
    char name[140], stem[128];
    check_exact(folder);
    for (uint32_t i = 0; quant_each(folder, ".csv", &i, stem);) {
        struct table table;
        if (strncmp(stem, "gsl_", 4) != 0)
            continue;
        (void)snprintf(name, sizeof name, "%s.csv", stem);
        if (!quant_open(folder, name, false, &table))
            continue;
        gsl_file(folder, name, stem + 4, &table);
        table_fini(&table);
    }
}
