/* changepoint/: run lengths and limits of control charts, the charts themselves, Bayesian change points, drawdowns. */
#include "tests/golden/quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/performance/warning/bocpd.h"
#include "workers/performance/warning/drawdown.h"
#include "workers/performance/warning/monitor.h"

#define ARL_TOLERANCE 1e-4

static struct warning_workspace workspace;

static double cell(const struct table *t, uint32_t row, const char *column)
{
    return table_number(t, row, table_column(t, column));
}

static void check_cell(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row,
                       const char *column, double actual, enum quant_tolerance kind, double tolerance)
{
    quant_check(folder, file, row, column, cell(t, row, column), actual, kind, tolerance);
}

static void check_cusum_arl(struct quant_folder *folder)
{
    const char *file = "cusum_arl.csv";
    struct table t;
    if (!quant_open(folder, file, true, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        double k = cell(&t, row, "k"), h = cell(&t, row, "h"), mu = cell(&t, row, "mu");
        check_cell(folder, file, &t, row, "arl0_start", warning_cusum_arl(&workspace, k, h, mu, 0.0), QUANT_RELATIVE,
                   ARL_TOLERANCE);
        check_cell(folder, file, &t, row, "arl_halfstart", warning_cusum_arl(&workspace, k, h, mu, h / 2.0),
                   QUANT_RELATIVE, ARL_TOLERANCE);
        check_cell(folder, file, &t, row, "arl_two", warning_cusum_arl_two_sided(&workspace, k, h, mu), QUANT_RELATIVE,
                   ARL_TOLERANCE);
    }
    table_fini(&t);
}

static void check_cusum_critical(struct quant_folder *folder)
{
    const char *file = "cusum_crit.csv";
    struct table t;
    if (!quant_open(folder, file, true, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        double k = cell(&t, row, "k"), arl0 = cell(&t, row, "target_arl0");
        check_cell(folder, file, &t, row, "h_one", warning_cusum_critical(&workspace, k, arl0, false), QUANT_RELATIVE,
                   ARL_TOLERANCE);
        check_cell(folder, file, &t, row, "h_two", warning_cusum_critical(&workspace, k, arl0, true), QUANT_RELATIVE,
                   ARL_TOLERANCE);
    }
    table_fini(&t);
}

static void check_ewma_arl(struct quant_folder *folder)
{
    const char *file = "ewma_arl.csv";
    struct table t;
    if (!quant_open(folder, file, true, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++)
        check_cell(folder, file, &t, row, "arl_two",
                   warning_ewma_arl(&workspace, cell(&t, row, "lambda"), cell(&t, row, "c"), cell(&t, row, "mu")),
                   QUANT_RELATIVE, ARL_TOLERANCE);
    table_fini(&t);
}

/* The file does not name its parameters: y about .15 (the tested mean), k .25, the limit of ARL0 1000; Page-Hinkley of
 * -y with delta .05, no forgetting, 30 observations, threshold 12 (any between 10.85 and 12.49 gives its alarms). */
static void check_charts(struct quant_folder *folder)
{
    const char *file = "cusum_ph_expected.csv";
    struct table t;
    if (!quant_open(folder, file, true, &t))
        return;
    struct warning_cusum_design design = {.mean = 0.15, .deviation = 1.0, .k = 0.25, .side = 1};
    struct warning_cusum up, down;
    struct warning_page_hinkley ph;
    design.h = warning_cusum_critical(&workspace, 0.25, 1000.0, false);
    int error = warning_cusum_init(&up, &design);
    design.side = -1;
    if (error || warning_cusum_init(&down, &design) || warning_page_hinkley_init(&ph, 0.05, 12.0, 1.0, 30))
        quant_fail(folder, file, "a design was refused");
    for (uint32_t row = 0; row < t.row_count; row++) {
        double y = cell(&t, row, "y");
        bool alarm_up = warning_cusum_observe(&up, y), alarm_down = warning_cusum_observe(&down, y);
        bool alarm_ph = warning_page_hinkley_observe(&ph, -y);
        quant_check_integer(folder, file, row, "t", table_integer(&t, row, table_column(&t, "t")), (int64_t)up.count);
        check_cell(folder, file, &t, row, "cusum_up", up.sum, QUANT_MIXED, 1e-12);
        check_cell(folder, file, &t, row, "cusum_down", down.sum, QUANT_MIXED, 1e-12);
        check_cell(folder, file, &t, row, "alarm_up", alarm_up, QUANT_ABSOLUTE, 0.0);
        check_cell(folder, file, &t, row, "alarm_down", alarm_down, QUANT_ABSOLUTE, 0.0);
        check_cell(folder, file, &t, row, "ph_sum_river_on_minus_y", ph.sum, QUANT_MIXED, 1e-12);
        check_cell(folder, file, &t, row, "ph_mean", ph.mean, QUANT_MIXED, 1e-12);
        check_cell(folder, file, &t, row, "ph_alarm", alarm_ph, QUANT_ABSOLUTE, 0.0);
    }
    table_fini(&t);
}

/* One row: the state after t observations. */
static void check_bocpd_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row,
                            const struct warning_bocpd *state)
{
    double probability;
    uint64_t likeliest = warning_bocpd_likeliest(state, &probability);
    check_cell(folder, file, t, row, "t", (double)state->count, QUANT_ABSOLUTE, 0.0);
    check_cell(folder, file, t, row, "map_r", (double)likeliest, QUANT_ABSOLUTE, 0.0);
    check_cell(folder, file, t, row, "p_map", probability, QUANT_MIXED, 1e-12);
    check_cell(folder, file, t, row, "p_r0", warning_bocpd_within(state, 0), QUANT_MIXED, 1e-12);
    check_cell(folder, file, t, row, "p_r_lt_10", warning_bocpd_within(state, 9), QUANT_MIXED, 1e-12);
    check_cell(folder, file, t, row, "mean_r", warning_bocpd_mean(state), QUANT_MIXED, 1e-12);
    if (table_column(t, "colsum") != TABLE_NONE)
        check_cell(folder, file, t, row, "colsum", warning_bocpd_within(state, UINT64_MAX), QUANT_MIXED, 1e-12);
}

/* The file's parameters, which it does not name: Normal-Gamma (0, .01, .01, 1e-4), hazard 1/100, nothing pruned. */
static void check_bocpd(struct quant_folder *folder, const struct table *input, const char *file)
{
    static struct warning_bocpd state;
    const struct warning_bocpd_design design = {
        .k0 = 0.01, .a0 = 0.01, .b0 = 1e-4, .hazard = 0.01, .probability = 0.8, .window = 20};
    struct table t;
    if (!quant_open(folder, file, true, &t))
        return;
    if (warning_bocpd_init(&state, &design))
        quant_fail(folder, file, "the design was refused");
    for (uint32_t row = 0; row < t.row_count; row++) {
        if (strcmp(table_text(&t, row, 0), "#log_evidence") == 0) {
            quant_check(folder, file, row, "log_evidence", table_number(&t, row, 1), state.log_evidence, QUANT_RELATIVE,
                        1e-12);
            continue;
        }
        if (row > 0 && row <= input->row_count)
            (void)warning_bocpd_observe(&state, cell(input, row - 1, "x"));
        check_bocpd_row(folder, file, &t, row, &state);
    }
    table_fini(&t);
}

static void check_drawdowns(struct quant_folder *folder)
{
    struct table t;
    /* The source interpolates a printed table: up to .26 % of its own numbers, 3.3e-4 here, so absolutely. (A random
     * walk in ever smaller steps goes to our number: test_warning_drawdown.) */
    if (quant_open(folder, "mdd_expected.csv", true, &t)) {
        for (uint32_t row = 0; row < t.row_count; row++)
            check_cell(folder, "mdd_expected.csv", &t, row, "E_mdd",
                       warning_brownian_expected(cell(&t, row, "mean"), cell(&t, row, "sd"), cell(&t, row, "horizon")),
                       QUANT_ABSOLUTE, 1e-3);
        table_fini(&t);
    }
    if (!quant_open(folder, "mdd_driftless_tail.csv", true, &t))
        return;
    /* The file's source sums 1,000 terms of 4 / pi (1 - 1/3 + 1/5 - ...) where the sum is 1: all of its numbers are
     * lower by the remainder (one is even below 0), which is put back here. */
    double remainder = 1.0;
    for (int n = 0; n < 1000; n++)
        remainder -= 4.0 / M_PI * (n % 2 ? -1.0 : 1.0) / (2.0 * n + 1.0);
    for (uint32_t row = 0; row < t.row_count; row++)
        quant_check(folder, "mdd_driftless_tail.csv", row, "fBasics_pmaxdd",
                    cell(&t, row, "fBasics_pmaxdd") + remainder,
                    warning_brownian_tail(cell(&t, row, "q"), cell(&t, row, "sd"), cell(&t, row, "horizon")),
                    QUANT_ABSOLUTE, 1e-6);
    table_fini(&t);
}

void quant_changepoint(struct quant_folder *folder)
{
    check_cusum_arl(folder);
    check_cusum_critical(folder);
    check_ewma_arl(folder);
    check_charts(folder);
    struct table input;
    if (quant_open(folder, "bocpd_input.csv", true, &input)) {
        check_bocpd(folder, &input, "bocpd_expected_ocp.csv");
        check_bocpd(folder, &input, "bocpd_expected_own.csv");
        table_fini(&input);
    }
    check_drawdowns(folder);
}
