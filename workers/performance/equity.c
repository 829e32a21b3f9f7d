#include "workers/performance/equity.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "workers/performance/drawdown.h"
#include "workers/performance/quantile.h"
#include "workers/performance/sharpe.h"

#define INTERVAL_LOW 0.025
#define INTERVAL_HIGH 0.975

static_assert(sizeof(struct equity_sums) == sizeof(struct moments) + 56, "no padding: it is kept as bytes");

void equity_sums_init(struct equity_sums *s, double mar)
{
    memset(s, 0, sizeof *s);
    moments_init(&s->returns, 0.0);
    s->mar = mar;
    s->growth = 1.0;
}

void equity_sums_add(struct equity_sums *s, double r)
{
    assert(isfinite(r));
    double below = fmin(r - s->mar, 0.0);
    moments_add(&s->returns, r);
    s->growth *= 1.0 + r;
    s->downside += below * below;
    s->gains += fmax(r, 0.0);
    s->losses += fmax(-r, 0.0);
    s->up_count += r > 0.0;
    s->down_count += r < 0.0;
}

void equity_sums_merge(struct equity_sums *into, const struct equity_sums *from)
{
    assert(into->mar == from->mar);
    moments_merge(&into->returns, &from->returns);
    into->growth *= from->growth;
    into->downside += from->downside;
    into->gains += from->gains;
    into->losses += from->losses;
    into->up_count += from->up_count;
    into->down_count += from->down_count;
}

bool equity_sums_restorable(const struct equity_sums *s)
{
    const struct moments *m = &s->returns;
    const double finite[] = {m->origin, m->mean, m->m2, m->m3, m->m4, m->min, m->max, s->mar, s->growth, s->downside};
    for (uint32_t i = 0; i < sizeof finite / sizeof finite[0]; i++)
        if (!isfinite(finite[i]))
            return false;
    return m->m2 >= 0.0 && m->m4 >= 0.0 && m->min <= m->max && s->downside >= 0.0 && isfinite(s->gains) && s->gains >= 0.0 &&
           isfinite(s->losses) && s->losses >= 0.0 && s->up_count <= m->n && s->down_count <= m->n - s->up_count;
}

/* --- metrics ----------------------------------------------------------------------------------------------------------- */

/* NaN for nothing over nothing, +inf for something over nothing. */
static double ratio(double gain, double loss)
{
    if (loss > 0.0)
        return gain / loss;
    return gain > 0.0 ? (double)INFINITY : NAN;
}

static void sharpe_figures(const struct equity_sums *s, struct equity_metrics *out)
{
    double year = sqrt(out->periods_per_year);
    out->sharpe_period = moments_flat(&s->returns) ? NAN : out->mean / out->sd;
    out->sharpe = out->sharpe_period * year;
    out->sharpe_se = sharpe_se(out->sharpe_period, out->n) * year;
    out->sharpe_se_moments = sharpe_se_moments(out->sharpe_period, out->n, out->skew, out->kurtosis) * year;
    out->sharpe_low = sharpe_limit_exact(out->sharpe_period, out->n, INTERVAL_LOW) * year;
    out->sharpe_high = sharpe_limit_exact(out->sharpe_period, out->n, INTERVAL_HIGH) * year;
}

static void sortino_figures(const struct equity_sums *s, struct equity_metrics *out)
{
    double above = out->mean - s->mar;
    out->downside_deviation = out->n > 0 ? sqrt(s->downside / (double)out->n) : NAN;
    if (out->n < 2)
        out->sortino_period = NAN;
    else if (above >= 0.0)
        out->sortino_period = ratio(above, out->downside_deviation);
    else
        out->sortino_period = above / out->downside_deviation; /* below the mark on average: some are below it */
    out->sortino = out->sortino_period * sqrt(out->periods_per_year);
}

double equity_cagr(double total_return, double years)
{
    return years > 0.0 ? pow(1.0 + total_return, 1.0 / years) - 1.0 : NAN;
}

void equity_metrics_read(const struct equity_sums *s, double periods_per_year, double max_drawdown,
                         struct equity_metrics *out)
{
    assert(periods_per_year > 0.0);
    memset(out, 0, sizeof *out);
    out->n = s->returns.n;
    out->up_count = s->up_count;
    out->down_count = s->down_count;
    out->periods_per_year = periods_per_year;
    out->years = (double)out->n / periods_per_year;
    out->mean = moments_mean(&s->returns);
    out->sd = moments_sd(&s->returns);
    out->skew = moments_skew(&s->returns);
    out->kurtosis = moments_kurtosis(&s->returns);
    out->best = out->n > 0 ? s->returns.max : NAN;
    out->worst = out->n > 0 ? s->returns.min : NAN;
    out->total_return = out->n > 0 ? s->growth - 1.0 : NAN;
    out->volatility = out->sd * sqrt(periods_per_year);
    sharpe_figures(s, out);
    sortino_figures(s, out);
    out->cagr = out->years >= 1.0 ? equity_cagr(out->total_return, out->years) : NAN;
    out->max_drawdown = out->n > 0 ? max_drawdown : NAN;
    out->calmar = out->max_drawdown > 0.0 ? out->cagr / out->max_drawdown : NAN;
    out->return_over_drawdown = out->max_drawdown > 0.0 ? out->total_return / out->max_drawdown : NAN;
    out->omega = ratio(s->gains, s->losses);
    uint64_t decided = s->up_count + s->down_count;
    out->up_share = decided > 0 ? (double)s->up_count / (double)decided : NAN;
}

void equity_metrics_of(const double *returns, uint32_t n, double periods_per_year, double mar, struct equity_metrics *out)
{
    struct equity_sums sums;
    struct drawdown_series closes;
    equity_sums_init(&sums, mar);
    for (uint32_t i = 0; i < n; i++)
        equity_sums_add(&sums, returns[i]);
    drawdown_of_returns(returns, n, &closes);
    equity_metrics_read(&sums, periods_per_year, closes.share, out);
}

/* --- order and tails ------------------------------------------------------------------------------------------------- */

double equity_autocorrelation(const double *x, uint32_t n, uint32_t lag)
{
    if (n <= lag)
        return NAN;
    struct moments m;
    moments_of(&m, x[0], x, n);
    if (moments_flat(&m))
        return NAN;
    double mean = moments_mean(&m), products = 0.0, squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        double d = x[i] - mean;
        squares += d * d;
        if (i >= lag)
            products += d * (x[i - lag] - mean);
    }
    return products / squares;
}

static void tail_figures(const double *returns, uint32_t n, double *scratch, struct equity_order *out)
{
    if (n > 0)
        memcpy(scratch, returns, n * sizeof *scratch);
    quantile_sort(scratch, n);
    out->var_5 = quantile_sorted(scratch, n, 0.05);
    out->es_5 = quantile_tail_mean(scratch, n, 0.05);
    double low = fabs(out->var_5), high = fabs(quantile_sorted(scratch, n, 0.95));
    out->tail_ratio = n > 0 ? ratio(high, low) : NAN;
}

void equity_order_of(const double *returns, uint32_t n, const struct equity_metrics *metrics, double *scratch,
                     struct equity_order *out)
{
    memset(out, 0, sizeof *out);
    out->n = n;
    uint32_t lags = 0;
    for (uint32_t k = 0; k < EQUITY_LAGS; k++) {
        out->rho[k] = equity_autocorrelation(returns, n, k + 1);
        lags += !isnan(out->rho[k]);
    }
    double per_year = metrics->periods_per_year, ratio_period = metrics->sharpe_period;
    out->sharpe_ar1 = ratio_period * sharpe_ar1_factor(per_year, out->rho[0]);
    out->sharpe_lo = lags > 0 ? ratio_period * sharpe_lo_factor(per_year, out->rho, lags) : NAN;
    out->sharpe_se_ar1 =
        sharpe_se_ar1(ratio_period, metrics->n, metrics->skew, metrics->kurtosis, out->rho[0]) * sqrt(per_year);
    tail_figures(returns, n, scratch, out);
    struct drawdown_series closes;
    drawdown_of_returns(returns, n, &closes);
    out->ulcer = closes.ulcer;
    out->average_drawdown = closes.average;
}
