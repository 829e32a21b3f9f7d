/* metrics: returns, trades and an intraday equity against empyrical, quantstats, scipy, pandas, PerformanceAnalytics,
 * SharpeR and backtesting.py (quant.md section 7). Found by *_input.csv: NAME_returns, NAMEtrades, NAME_equity.
 *
 * Where a library's answer is not ours by rule, `differs` says what ours is, and that is what is compared:
 *   a Sharpe ratio of constant returns is undefined (not 7e16 or Inf), as are its skewness and kurtosis (not 0);
 *   gains without losses are +inf (not NaN), nothing over nothing is undefined (not 0).
 * Carried over before comparing: quantstats divides its ulcer index by n - 1, and its PSR takes the excess kurtosis for the
 * raw one (found in quant.md, reproduced here); the geometric "Sharpe" is cagr over volatility, no figure of ours.
 * SharpeR solves for its exact limits by uniroot and leaves the tolerance as it is, 1.2e-4 on the scale of t: no digit after
 * that is an answer, so that is what is allowed (that ours are the roots to 1e-12: test_sharpe, by quadrature).
 * PSR and MinTRL are functions of the standard error: they check sharpe_se_moments.
 * Not compared: SharpeR's sharpe_se_mertens (NA throughout: it raised an error); PerformanceAnalytics' VaR and ES where
 * it says NA because the quantile is no loss (ours must be one: positive). */
#include "tests/golden/quant/quant_metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "workers/performance/drawdown.h"
#include "workers/performance/equity.h"
#include "workers/performance/sharpe.h"

#define PERIODS 252.0
#define TOLERANCE 1e-12
#define TOLERANCE_R 1e-11
#define TOLERANCE_UNIROOT 1.220703125e-4 /* of R's uniroot: the fourth root of 2^-52 */

struct returns_case {
    double *r;
    uint32_t n;
    struct equity_metrics m;
    struct equity_order order;
    struct drawdown_series fall;
    struct moments moments;
    double cagr; /* below one year too */
};

static const struct {
    const char *name, *metric, *source;
    double ours;
} differs[] = {
    {"const_up20", "sharpe_252_rf0", "empyrical", NAN},
    {"const_up20", "sharpe", "quantstats", NAN},
    {"const_up20", "sharpe_per_period", "PerformanceAnalytics", NAN},
    {"const_up20", "sharpe_annualized_GEOMETRIC_252", "PerformanceAnalytics", INFINITY}, /* over a volatility of 0 */
    {"const_up20", "sharpe_annualized_arith_252", "PerformanceAnalytics", NAN},
    {"const_up20", "annual_vol", "empyrical", 0.0},
    {"const_up20", "sd_ddof1", "numpy", 0.0},
    {"const_up20", "skew_bias_corrected", "pandas", NAN},
    {"const_up20", "kurt_excess_bias_corrected", "pandas", NAN},
    {"const_zero20", "skew_bias_corrected", "pandas", NAN},
    {"const_zero20", "kurt_excess_bias_corrected", "pandas", NAN},
    {"const_zero20", "win_rate_nonzero", "quantstats", NAN},
    {"const_zero20", "profit_factor", "quantstats", NAN},
    {"const_up20", "omega_0", "empyrical", INFINITY},
    {"const_up20", "sortino", "quantstats", INFINITY},
    {"allwins30", "omega_0", "empyrical", INFINITY},
    {"allwins30", "sortino", "quantstats", INFINITY},
    {"one_day", "omega_0", "empyrical", INFINITY},
};

static bool case_load(const struct table *input, const char *name, struct returns_case *c)
{
    uint32_t who = table_column(input, "case"), what = table_column(input, "ret");
    memset(c, 0, sizeof *c);
    c->r = malloc((input->row_count + 1u) * 2 * sizeof *c->r);
    if (!c->r || who == TABLE_NONE || what == TABLE_NONE)
        return false;
    for (uint32_t row = 0; row < input->row_count; row++)
        if (strcmp(table_text(input, row, who), name) == 0)
            c->r[c->n++] = table_number(input, row, what);
    equity_metrics_of(c->r, c->n, PERIODS, 0.0, &c->m);
    equity_order_of(c->r, c->n, &c->m, c->r + c->n, &c->order);
    drawdown_of_returns(c->r, c->n, &c->fall);
    moments_of(&c->moments, 0.0, c->r, c->n);
    c->cagr = equity_cagr(c->m.total_return, c->m.years);
    return true;
}

/* The chance that the true ratio exceeds the benchmark, and the periods to be 95 % sure of it. */
static double chance_above(double sharpe, double benchmark, double se)
{
    return gsl_cdf_ugaussian_P((sharpe - benchmark) / se);
}

static double periods_needed(double sharpe, double benchmark, double se, uint64_t n)
{
    double z = gsl_cdf_ugaussian_Pinv(0.95) / (sharpe - benchmark);
    return 1.0 + se * se * (double)(n - 1) * z * z;
}

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t length = strlen(with);
    *rest = text + length;
    return strncmp(text, with, length) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t length = strlen(text), tail = strlen(with);
    return length >= tail && strcmp(text + length - tail, with) == 0;
}

static double benchmark_of(const struct returns_case *c, const char *text)
{
    return strcmp(text, "sr-0.05") == 0 ? c->m.sharpe_period - 0.05 : strtod(text, NULL);
}

struct figure {
    const char *name;
    double value;
};

static bool figure_find(const struct figure *figures, uint32_t count, const char *name, double *out)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(figures[i].name, name) == 0) {
            *out = figures[i].value;
            return true;
        }
    return false;
}

static bool figure_python(const struct returns_case *c, const char *name, double *out)
{
    double psr_skew = moments_skew_corrected(&c->moments), psr_kurtosis = moments_excess_corrected(&c->moments);
    double psr_se = sharpe_se_moments(c->m.sharpe_period, c->m.n, psr_skew, psr_kurtosis);
    double short_calmar = c->m.max_drawdown > 0.0 ? c->cagr / c->m.max_drawdown : (double)NAN;
    const struct figure figures[] = {
        {"n", (double)c->m.n},
        {"total_return", c->m.total_return},
        {"sharpe_252_rf0", c->m.sharpe},
        {"sharpe", c->m.sharpe},
        {"sortino_252_mar0", c->m.sortino},
        {"sortino", c->m.sortino},
        {"max_drawdown", -c->m.max_drawdown},
        {"annual_vol", c->m.volatility},
        {"annual_return", c->m.years >= 1.0 ? c->m.cagr : c->cagr},
        {"calmar", c->m.years >= 1.0 ? c->m.calmar : short_calmar},
        {"omega_0", c->m.omega},
        {"profit_factor", c->m.omega},
        {"tail_ratio", c->order.tail_ratio},
        {"var_5pct", c->order.var_5},
        {"cvar_5pct", c->order.es_5},
        {"mean", c->m.mean},
        {"sd_ddof1", c->m.sd},
        {"skew_pop", c->m.skew},
        {"kurt_raw_pop", c->m.kurtosis},
        {"skew_bias_corrected", psr_skew},
        {"kurt_excess_bias_corrected", psr_kurtosis},
        {"ulcer_index", c->order.ulcer * sqrt((double)c->n / ((double)c->n - 1.0))},
        {"win_rate_nonzero", c->m.up_share},
        {"psr", chance_above(c->m.sharpe_period, 0.0, psr_se)},
    };
    return figure_find(figures, sizeof figures / sizeof figures[0], name, out);
}

static bool figure_r(const struct returns_case *c, const char *name, double *out)
{
    const char *benchmark;
    double se = sharpe_se_moments(c->m.sharpe_period, c->m.n, c->m.skew, c->m.kurtosis);
    if (starts(name, "PSR_ref_", &benchmark)) {
        *out = chance_above(c->m.sharpe_period, benchmark_of(c, benchmark), se);
        return true;
    }
    if (starts(name, "MinTRL95_ref_", &benchmark)) {
        *out = periods_needed(c->m.sharpe_period, benchmark_of(c, benchmark), se, c->m.n);
        return true;
    }
    double z = gsl_cdf_ugaussian_Pinv(0.975);
    const struct figure figures[] = {
        {"max_drawdown_pos", c->m.max_drawdown},
        {"sharpe_per_period", c->m.sharpe_period},
        {"sharpe_annualized_GEOMETRIC_252", c->cagr / c->m.volatility},
        {"sharpe_annualized_arith_252", c->m.sharpe},
        {"sharpe_ann252", c->m.sharpe},
        {"sortino_per_period", c->m.sortino_period},
        {"downside_dev", c->m.downside_deviation},
        {"ulcer_index", c->order.ulcer},
        {"skew_moment", c->m.skew},
        {"kurt_moment_raw", c->m.kurtosis},
        {"omega_L0", c->m.omega},
        {"VaR_hist_95", c->order.var_5},
        {"ES_hist_95", c->order.es_5},
        {"avg_drawdown", c->order.average_drawdown},
        {"sharpe_ci95_lo_exact_t", c->m.sharpe_low},
        {"sharpe_ci95_hi_exact_t", c->m.sharpe_high},
        {"sharpe_ci95_lo_t", c->m.sharpe - z * c->m.sharpe_se},
        {"sharpe_ci95_hi_t", c->m.sharpe + z * c->m.sharpe_se},
        {"sharpe_se_t", c->m.sharpe_se},
        {"sharpe_se_lo", c->m.sharpe_se},
    };
    return figure_find(figures, sizeof figures / sizeof figures[0], name, out);
}

static bool differs_by_rule(const char *name, const char *metric, const char *source, double *ours)
{
    for (uint32_t i = 0; i < sizeof differs / sizeof differs[0]; i++)
        if (strcmp(differs[i].name, name) == 0 && strcmp(differs[i].metric, metric) == 0 &&
            strcmp(differs[i].source, source) == 0) {
            *ours = differs[i].ours;
            return true;
        }
    return false;
}

/* What the file says is not to be compared with; ours is looked at by itself. */
static bool no_answer(const char *metric, double expected, double actual)
{
    if (strcmp(metric, "sharpe_se_mertens") == 0)
        return true;
    return isnan(expected) && (strcmp(metric, "VaR_hist_95") == 0 || strcmp(metric, "ES_hist_95") == 0) && actual > 0.0;
}

static void returns_row(struct quant_folder *folder, const char *file, const struct table *table, uint32_t row,
                        const struct returns_case *c, bool r)
{
    const char *name = table_text(table, row, table_column(table, "case"));
    const char *metric = table_text(table, row, table_column(table, "metric"));
    const char *source = table_text(table, row, table_column(table, "source"));
    double expected = table_number(table, row, table_column(table, "value")), actual = NAN;
    bool known = r ? figure_r(c, metric, &actual) : figure_python(c, metric, &actual);
    if (no_answer(metric, expected, actual))
        return;
    if (!known) {
        quant_fail(folder, file, "row %u: no figure %s", row, metric);
        return;
    }
    (void)differs_by_rule(name, metric, source, &expected);
    char what[160];
    (void)snprintf(what, sizeof what, "%s %s", name, metric);
    if (ends(metric, "_exact_t"))
        quant_check(folder, file, row, what, expected, actual, QUANT_ABSOLUTE, TOLERANCE_UNIROOT * sqrt(PERIODS / c->n));
    else
        quant_check(folder, file, row, what, expected, actual, QUANT_RELATIVE, r ? TOLERANCE_R : TOLERANCE);
}

static void returns_file(struct quant_folder *folder, const struct table *input, const char *file, bool r)
{
    struct table table;
    struct returns_case c = {0};
    const char *name = "";
    if (!quant_open(folder, file, false, &table))
        return;
    if (table_column(&table, "case") == TABLE_NONE || table_column(&table, "metric") == TABLE_NONE ||
        table_column(&table, "source") == TABLE_NONE || table_column(&table, "value") == TABLE_NONE)
        quant_fail(folder, file, "is not a list of case, metric, source, value");
    else
        for (uint32_t row = 0; row < table.row_count; row++) {
            const char *next = table_text(&table, row, table_column(&table, "case"));
            if (strcmp(next, name) != 0) {
                free(c.r);
                name = next;
                if (!case_load(input, name, &c)) {
                    quant_fail(folder, file, "row %u: no returns of %s", row, name);
                    break;
                }
            }
            returns_row(folder, file, &table, row, &c, r);
        }
    free(c.r);
    table_fini(&table);
}

void quant_metrics(struct quant_folder *folder)
{
    char stem[128], input[140], expected[160];
    for (uint32_t i = 0; quant_each(folder, "_input.csv", &i, stem);) {
        struct table table;
        (void)snprintf(input, sizeof input, "%s_input.csv", stem);
        if (!quant_open(folder, input, false, &table))
            continue;
        (void)snprintf(expected, sizeof expected, "%s_expected.csv", stem);
        if (ends(stem, "trades"))
            quant_metrics_trades(folder, &table, expected);
        else if (ends(stem, "_equity"))
            quant_metrics_intraday(folder, &table, expected);
        else if (ends(stem, "_returns")) {
            int length = (int)(strlen(stem) - strlen("_returns"));
            (void)snprintf(expected, sizeof expected, "%.*s_expected.csv", length, stem);
            returns_file(folder, &table, expected, false);
            (void)snprintf(expected, sizeof expected, "%.*s_expected_R.csv", length, stem);
            returns_file(folder, &table, expected, true);
        } else
            quant_fail(folder, input, "is of no known kind");
        table_fini(&table);
    }
}
