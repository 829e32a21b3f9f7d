/* covariance/: matrices, intervals of a correlation, equal risk, bets, positions of accounts, disagreement. */
#include "tests/golden/quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/risk/covariance/allocation.h"
#include "workers/risk/covariance/book.h"
#include "workers/risk/covariance/correlation.h"

#define CELLS ((size_t)COVARIANCE_SERIES_MAX * COVARIANCE_SERIES_MAX)
#define DAYS_MAX 4096u

struct panel {
    double *returns; /* [days][count] */
    uint32_t days, count;
};

static bool panel_open(struct quant_folder *folder, const char *name, struct panel *out)
{
    struct table table;
    *out = (struct panel){0};
    if (!quant_open_bare(folder, name, false, &table))
        return false;
    out->days = table.row_count;
    out->count = table.column_count;
    out->returns = calloc((size_t)out->days * out->count + 1, sizeof *out->returns);
    for (uint32_t t = 0; t < out->days && out->returns; t++)
        for (uint32_t i = 0; i < out->count; i++)
            out->returns[(size_t)t * out->count + i] = table_number(&table, t, i);
    table_fini(&table);
    if (out->returns && out->count <= COVARIANCE_SERIES_MAX && out->days <= DAYS_MAX)
        return true;
    quant_fail(folder, name, "too large");
    free(out->returns);
    return false;
}

static const double *panel_column(const struct panel *panel, uint32_t i, double *out)
{
    for (uint32_t t = 0; t < panel->days; t++)
        out[t] = panel->returns[(size_t)t * panel->count + i];
    return out;
}

/* --- cov_expected.csv ------------------------------------------------------------------------------------------------
 */

static double pair_of(const struct panel *p, const char *name, uint32_t i, uint32_t j)
{
    static double x[DAYS_MAX], y[DAYS_MAX], scratch[2 * DAYS_MAX];
    panel_column(p, i, x);
    panel_column(p, j, y);
    if (strcmp(name, "spearman") == 0)
        return correlation_spearman(x, y, p->days, scratch);
    return strcmp(name, "kendall_b") == 0 ? correlation_kendall(x, y, p->days) : correlation_pearson(x, y, p->days);
}

/* 1: a matrix; 2: a number in value[0]; 0: nobody knows the name. */
static int estimate(const struct panel *p, const char *name, double *value)
{
    double lambda, intensity = NAN, s[CELLS];
    uint32_t seed;
    if (strcmp(name, "sample_cov_ddof1") == 0)
        return covariance_sample(p->returns, p->days, p->count, value), 1;
    if (strcmp(name, "lw_identity_cov") == 0)
        return covariance_shrink_identity(p->returns, p->days, p->count, value, NULL), 1;
    if (strcmp(name, "oas_cov") == 0)
        return covariance_shrink_oas(p->returns, p->days, p->count, value, NULL), 1;
    if (strcmp(name, "lw_constcorr_cov_k1") == 0)
        return covariance_shrink_constant(p->returns, p->days, p->count, value, NULL), 1;
    if (sscanf(name, "ewma_%lf_seed%u", &lambda, &seed) == 2)
        return covariance_ewma(p->returns, p->days, p->count, lambda, seed, value), 1;
    if (sscanf(name, "ewma_%lf_pandas", &lambda) == 1)
        return covariance_ewma_centred(p->returns, p->days, p->count, lambda, value), 1;
    if (strcmp(name, "pearson") == 0 || strcmp(name, "spearman") == 0 || strcmp(name, "kendall_b") == 0) {
        for (uint32_t i = 0; i < p->count; i++)
            for (uint32_t j = 0; j < p->count; j++)
                value[i * p->count + j] = pair_of(p, name, i, j);
        return 1;
    }
    if (strcmp(name, "lw_identity_shrinkage") == 0)
        (void)covariance_shrink_identity(p->returns, p->days, p->count, s, &intensity);
    else if (strcmp(name, "oas_shrinkage") == 0)
        (void)covariance_shrink_oas(p->returns, p->days, p->count, s, &intensity);
    else if (strcmp(name, "lw_constcorr_shrinkage") == 0)
        (void)covariance_shrink_constant(p->returns, p->days, p->count, s, &intensity);
    else if (strcmp(name, "rbar") == 0)
        intensity = covariance_mean_correlation(p->returns, p->days, p->count);
    else
        return 0;
    value[0] = intensity;
    return 2;
}

static void check_estimates(struct quant_folder *folder, const struct panel *panel)
{
    const char *file = "cov_expected.csv";
    struct table table;
    if (!quant_open(folder, file, false, &table))
        return;
    double value[CELLS];
    const char *computed = "";
    int kind = 0;
    uint32_t name_at = table_column(&table, "name"), r_at = table_column(&table, "r"), c_at = table_column(&table, "c");
    for (uint32_t row = 0; row < table.row_count; row++) {
        const char *name = table_text(&table, row, name_at);
        if (strcmp(name, computed) != 0)
            kind = estimate(panel, name, value);
        computed = name;
        uint32_t r = (uint32_t)table_integer(&table, row, r_at), c = (uint32_t)table_integer(&table, row, c_at);
        if (kind == 0 || r >= panel->count || c >= panel->count)
            quant_fail(folder, file, "row %u: nobody computes %s", row, name);
        else
            quant_check(folder, file, row, name, table_number(&table, row, table_column(&table, "value")),
                        value[kind == 2 ? 0 : r * panel->count + c], QUANT_RELATIVE, 1e-12);
    }
    table_fini(&table);
}

/* --- corr_ci.csv -----------------------------------------------------------------------------------------------------
 */

static void check_intervals(struct quant_folder *folder, const struct panel *panel)
{
    const char *file = "corr_ci.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        uint32_t i = (uint32_t)table_integer(&t, row, table_column(&t, "i"));
        uint32_t j = (uint32_t)table_integer(&t, row, table_column(&t, "j"));
        uint32_t n = (uint32_t)table_integer(&t, row, table_column(&t, "n"));
        if (i >= panel->count || j >= panel->count) {
            quant_fail(folder, file, "row %u: no such series", row);
            continue;
        }
        double r = pair_of(panel, "pearson", i, j), rs = pair_of(panel, "spearman", i, j);
        struct correlation_interval fisher = correlation_fisher(r, panel->days, 0.05);
        struct correlation_interval rank = correlation_bonett_wright(rs, panel->days, 0.05);
        const struct {
            const char *column;
            double value;
        } cells[] = {{"r", r},
                     {"fisher_lo95", fisher.low},
                     {"fisher_hi95", fisher.high},
                     {"p_two_sided_t", correlation_p_zero(r, panel->days)},
                     {"spearman", rs},
                     {"bw_fisher_lo95", rank.low},
                     {"bw_fisher_hi95", rank.high},
                     {"p_r_gt_0.3_fisher", correlation_above(r, panel->days, 0.3)}};
        quant_check_integer(folder, file, row, "n", n, panel->days);
        for (size_t k = 0; k < sizeof cells / sizeof cells[0]; k++)
            quant_check(folder, file, row, cells[k].column, table_number(&t, row, table_column(&t, cells[k].column)),
                        cells[k].value, QUANT_RELATIVE, 1e-9);
    }
    table_fini(&t);
}

/* --- erc_sigma.csv with erc_expected*.csv and diversification_expected.csv
 * -------------------------------------------- */

static uint32_t sigma_of(const struct table *t, const char *name, double *out)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < t->row_count; row++)
        if (strcmp(table_text(t, row, table_column(t, "case")), name) == 0)
            count = (uint32_t)fmax(count, table_number(t, row, table_column(t, "r")) + 1.0);
    if (count == 0 || count > COVARIANCE_SERIES_MAX)
        return 0;
    for (uint32_t row = 0; row < t->row_count; row++) {
        if (strcmp(table_text(t, row, table_column(t, "case")), name) != 0)
            continue;
        uint32_t r = (uint32_t)table_integer(t, row, table_column(t, "r"));
        uint32_t c = (uint32_t)table_integer(t, row, table_column(t, "c"));
        if (r < count && c < count)
            out[r * count + c] = table_number(t, row, table_column(t, "value"));
    }
    return count;
}

/* "equal", or "linear": 1, 2, 3, ... */
static void check_equal_risk(struct quant_folder *folder, const struct table *sigma, const char *file, double tolerance)
{
    struct table t;
    if (!quant_open(folder, file, true, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        double s[CELLS], budgets[COVARIANCE_SERIES_MAX], w[COVARIANCE_SERIES_MAX], shares[COVARIANCE_SERIES_MAX];
        uint32_t count = sigma_of(sigma, table_text(&t, row, table_column(&t, "case")), s);
        uint32_t i = (uint32_t)table_integer(&t, row, table_column(&t, "i"));
        if (count == 0 || i >= count) {
            quant_fail(folder, file, "row %u: no such matrix", row);
            continue;
        }
        bool linear = strcmp(table_text(&t, row, table_column(&t, "budget")), "linear") == 0;
        for (uint32_t k = 0; k < count; k++)
            budgets[k] = linear ? k + 1.0 : 1.0;
        (void)allocation_equal_risk(s, count, budgets, w);
        allocation_risk_shares(s, count, w, shares);
        /* Another solver's weights are as good as its stopping rule: absolutely. */
        bool own = table_column(&t, "rc_share") != TABLE_NONE;
        quant_check(folder, file, row, "w", table_number(&t, row, table_column(&t, "w")), w[i],
                    own ? QUANT_RELATIVE : QUANT_ABSOLUTE, tolerance);
        if (own)
            quant_check(folder, file, row, "rc_share", table_number(&t, row, table_column(&t, "rc_share")), shares[i],
                        QUANT_RELATIVE, tolerance);
    }
    table_fini(&t);
}

/* "eq": 1 / n each; "erc": equal risk; "ls": +-1 / n in turn. */
static void weights_of(const char *name, const double *s, uint32_t count, double *w)
{
    if (strcmp(name, "erc") == 0)
        (void)allocation_equal_risk(s, count, NULL, w);
    else
        for (uint32_t i = 0; i < count; i++)
            w[i] = (strcmp(name, "ls") == 0 && i % 2 ? -1.0 : 1.0) / count;
}

static double metric_of(const char *metric, const double *s, uint32_t count, const double *w)
{
    double ratio = allocation_diversification_ratio(s, count, w);
    if (strcmp(metric, "vol") == 0)
        return sqrt(book_variance(w, s, count));
    if (strcmp(metric, "diversification_ratio_abs") == 0)
        return ratio;
    if (strcmp(metric, "dr_squared") == 0)
        return ratio * ratio;
    if (strcmp(metric, "enb_hhi_weights") == 0)
        return allocation_effective_weights(w, count);
    if (strcmp(metric, "enb_approx") == 0)
        return allocation_bets(s, count, w, ALLOCATION_TORSION_APPROXIMATE);
    return strcmp(metric, "enb_exact") == 0 ? allocation_bets(s, count, w, ALLOCATION_TORSION_EXACT) : NAN;
}

/* Where eigenvalues coincide (the case "equal") the source's number rests on the eigenvectors that its library happened
 * to pick: ours is the interval of all such numbers, and the file's must lie in it. */
static void check_principal(struct quant_folder *folder, const char *file, uint32_t row, double expected,
                            const double *s, uint32_t count, const double *w)
{
    double low, high;
    allocation_bets_principal(s, count, w, &low, &high);
    quant_check(folder, file, row, "enb_pca", expected, high - low <= 1e-9 ? low : fmin(fmax(expected, low), high),
                QUANT_RELATIVE, 1e-9);
}

static void check_diversification(struct quant_folder *folder, const struct table *sigma)
{
    const char *file = "diversification_expected.csv";
    struct table t;
    if (!quant_open(folder, file, true, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        double s[CELLS], w[COVARIANCE_SERIES_MAX], expected = table_number(&t, row, table_column(&t, "value"));
        const char *metric = table_text(&t, row, table_column(&t, "metric"));
        uint32_t count = sigma_of(sigma, table_text(&t, row, table_column(&t, "case")), s);
        if (count == 0) {
            quant_fail(folder, file, "row %u: no such matrix", row);
            continue;
        }
        weights_of(table_text(&t, row, table_column(&t, "weights")), s, count, w);
        if (strcmp(metric, "enb_pca") == 0)
            check_principal(folder, file, row, expected, s, count, w);
        else
            quant_check(folder, file, row, metric, expected, metric_of(metric, s, count, w), QUANT_RELATIVE, 1e-9);
    }
    table_fini(&t);
}

/* --- account_corr_expected.csv
 * ---------------------------------------------------------------------------------------- */

#define GRID_FROM (-300000)
#define GRID_TO 300000
#define GRID_STEP 1e-4

struct accounts {
    double positions[BOOK_ACCOUNTS_MAX * COVARIANCE_SERIES_MAX]; /* [account][count] */
    uint32_t account_count;
};

static void accounts_read(const struct table *t, uint32_t count, struct accounts *out)
{
    *out = (struct accounts){0};
    for (uint32_t row = 0; row < t->row_count; row++) {
        uint32_t a = (uint32_t)table_integer(t, row, table_column(t, "a"));
        uint32_t b = (uint32_t)table_integer(t, row, table_column(t, "b"));
        if (strcmp(table_text(t, row, 0), "position") != 0 || a >= BOOK_ACCOUNTS_MAX || b >= count)
            continue;
        out->positions[a * count + b] = table_number(t, row, table_column(t, "value"));
        out->account_count = a + 1 > out->account_count ? a + 1 : out->account_count;
    }
}

/* The share of the quantities -30.0000, -29.9999, ... 30.0000 that the exact set admits: what the source counted one by
 * one. */
static double grid_share(const struct book_question *question)
{
    struct book_intervals set;
    uint64_t admitted = 0;
    book_admissible(question, false, &set);
    for (int64_t q = GRID_FROM; q <= GRID_TO; q++)
        admitted += book_admits(&set, (double)q * GRID_STEP);
    return (double)admitted / (GRID_TO - GRID_FROM + 1);
}

static double account_value(const char *kind, const struct accounts *accounts, const double *s, uint32_t count,
                            uint32_t a, uint32_t b)
{
    double others[BOOK_ACCOUNTS_MAX * COVARIANCE_SERIES_MAX], q;
    if (strcmp(kind, "position") == 0)
        return accounts->positions[a * count + b];
    if (strcmp(kind, "corr") == 0)
        return book_correlation(&accounts->positions[a * count], &accounts->positions[b * count], s, count);
    struct book_question question = {.covariance = s,
                                     .count = count,
                                     .position = &accounts->positions[a * count],
                                     .others = others,
                                     .instrument = b,
                                     .limit = 0.3};
    for (uint32_t k = 0; k < accounts->account_count; k++)
        if (k != a)
            memcpy(&others[question.account_count++ * count], &accounts->positions[k * count],
                   count * sizeof others[0]);
    if (sscanf(kind, "max_corr_after_add_%lf", &q) == 1)
        return book_correlation_after(&question, q);
    return strcmp(kind, "feasible_frac_grid_-30_30") == 0 ? grid_share(&question) : NAN;
}

static void check_accounts(struct quant_folder *folder, const struct panel *panel)
{
    const char *file = "account_corr_expected.csv";
    static struct accounts accounts;
    struct table t;
    double s[CELLS];
    if (!quant_open(folder, file, true, &t))
        return;
    (void)covariance_shrink_constant(panel->returns, panel->days, panel->count, s, NULL);
    accounts_read(&t, panel->count, &accounts);
    for (uint32_t row = 0; row < t.row_count; row++) {
        const char *kind = table_text(&t, row, 0);
        uint32_t a = (uint32_t)table_integer(&t, row, table_column(&t, "a"));
        uint32_t b = (uint32_t)table_integer(&t, row, table_column(&t, "b"));
        bool pair = strcmp(kind, "corr") == 0;
        if (a >= accounts.account_count || b >= (pair ? accounts.account_count : panel->count))
            quant_fail(folder, file, "row %u: no such account", row);
        else
            quant_check(folder, file, row, kind, table_number(&t, row, table_column(&t, "value")),
                        account_value(kind, &accounts, s, panel->count, a, b), QUANT_RELATIVE, 1e-9);
    }
    table_fini(&t);
}

/* --- decisions.csv, decision_returns.csv, disagreement_expected.csv
 * ----------------------------------------------------- */

static void check_disagreement_row(struct quant_folder *folder, const struct table *t, uint32_t row,
                                   const struct table *decisions, const double *returns)
{
    const char *file = "disagreement_expected.csv";
    static int8_t choice[2][DAYS_MAX];
    static double profit[2][DAYS_MAX];
    uint32_t n = decisions->column_count;
    const char *who[] = {"a", "b"};
    for (int k = 0; k < 2; k++) {
        uint32_t account = (uint32_t)table_integer(t, row, table_column(t, who[k]));
        for (uint32_t i = 0; i < n; i++) {
            choice[k][i] = (int8_t)(account < decisions->row_count ? table_integer(decisions, account, i) : 0);
            profit[k][i] = choice[k][i] * returns[i];
        }
    }
    struct correlation_disagreement d = correlation_disagree(choice[0], choice[1], n, 0.05);
    const struct {
        const char *column;
        double value;
    } cells[] = {{"n", d.offered},
                 {"disagree", d.different},
                 {"rate", d.rate},
                 {"wilson_lo", d.wilson.low},
                 {"wilson_hi", d.wilson.high},
                 {"opposite", d.opposite},
                 {"only_one", d.only_one},
                 {"cosine_uncentred_pnl", correlation_cosine(profit[0], profit[1], n)},
                 {"pearson_pnl", correlation_pearson(profit[0], profit[1], n)}};
    for (size_t k = 0; k < sizeof cells / sizeof cells[0]; k++)
        quant_check(folder, file, row, cells[k].column, table_number(t, row, table_column(t, cells[k].column)),
                    cells[k].value, QUANT_RELATIVE, 1e-9);
}

static void check_disagreement(struct quant_folder *folder)
{
    struct table t, decisions, returns;
    if (!quant_open(folder, "disagreement_expected.csv", true, &t))
        return;
    bool one = quant_open_bare(folder, "decisions.csv", false, &decisions);
    bool two = quant_open_bare(folder, "decision_returns.csv", false, &returns);
    double *r = two ? table_numbers(&returns, "0") : NULL;
    if (one && r && decisions.column_count == returns.row_count && returns.row_count <= DAYS_MAX)
        for (uint32_t row = 0; row < t.row_count; row++)
            check_disagreement_row(folder, &t, row, &decisions, r);
    else
        quant_fail(folder, "decisions.csv", "does not fit decision_returns.csv");
    free(r);
    table_fini(&returns);
    table_fini(&decisions);
    table_fini(&t);
}

void quant_covariance(struct quant_folder *folder)
{
    struct panel panel;
    if (panel_open(folder, "returns_60x6.csv", &panel)) {
        check_estimates(folder, &panel);
        check_intervals(folder, &panel);
        check_accounts(folder, &panel);
        free(panel.returns);
    }
    struct table sigma;
    if (quant_open(folder, "erc_sigma.csv", false, &sigma)) {
        check_equal_risk(folder, &sigma, "erc_expected.csv", 1e-10);
        check_equal_risk(folder, &sigma, "erc_expected_R.csv", 1e-8);
        check_diversification(folder, &sigma);
        table_fini(&sigma);
    }
    check_disagreement(folder);
}
