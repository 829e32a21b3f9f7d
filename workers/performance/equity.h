/* equity: what a series of returns per period (daily, as a rule) says of an account. Pure.
 *
 * Return of a day: P&L net of deposits over the equity at the previous close; days without a position are 0 and count,
 * weekends and holidays are no days (trading_day.h). `equity_sums` takes returns one at a time and merges; what needs the
 * order or the data kept is in the other functions. quant.md section 7:
 *   sharpe        mean / sd(n-1) * sqrt(D), arithmetic; undefined when n < 2 or sd <= 1e-12 max|r|
 *   sortino       (mean - MAR) / sqrt(mean of min(r - MAR, 0)^2 over all n) * sqrt(D); without a downside +inf if above MAR
 *   cagr          (prod(1 + r))^(D / n) - 1; undefined below one year (n < D): never annualised from less
 *   calmar        cagr / maximum drawdown; undefined below one year and without a drawdown
 *   omega         sum of gains / sum of losses (the profit factor of days): +inf without losses, undefined without both
 * D, the periods in a year, is counted from the calendar (trading_days_per_year), not 252 by habit. Undefined is NaN.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_EQUITY_H
#define PROPFLEET_WORKERS_PERFORMANCE_EQUITY_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/performance/moments.h"

struct equity_sums {
    struct moments returns;
    double mar;             /* minimum acceptable return per period */
    double growth;          /* prod(1 + r) */
    double downside;        /* sum of min(r - mar, 0)^2 */
    double gains, losses;   /* sums of r > 0 and of -r > 0 */
    uint64_t up_count, down_count;
};
void equity_sums_init(struct equity_sums *s, double mar);
/* r is finite (asserted). */
void equity_sums_add(struct equity_sums *s, double r);
/* The same minimum return in both is asserted. */
void equity_sums_merge(struct equity_sums *into, const struct equity_sums *from);
/* Whether bytes can be gone on with. */
bool equity_sums_restorable(const struct equity_sums *s);

struct equity_metrics {
    uint64_t n;             /* returns behind every figure here */
    uint64_t up_count, down_count; /* the rest are 0 */
    double periods_per_year;/* D */
    double years;           /* n / D */
    double mean, sd;        /* per period */
    double skew, kurtosis;  /* population, raw */
    double best, worst;     /* periods */
    double total_return;
    double volatility;      /* sd * sqrt(D) */
    double sharpe_period;   /* not annual */
    double sharpe;
    double sharpe_se;       /* of the annual one, independent normal returns */
    double sharpe_se_moments; /* with the returns' skewness and kurtosis */
    double sharpe_low, sharpe_high; /* exact 95 % interval (noncentral t), annual */
    double downside_deviation; /* per period */
    double sortino_period, sortino;
    double cagr;
    double max_drawdown;    /* >= 0, as the caller measured it */
    double calmar;
    double return_over_drawdown; /* total_return / max_drawdown: not annual, of any n */
    double omega;
    double up_share;        /* up / (up + down) */
};
/* max_drawdown is the caller's: of equity with what floats, not of daily closes; NaN: not known. */
void equity_metrics_read(const struct equity_sums *s, double periods_per_year, double max_drawdown,
                         struct equity_metrics *out);
/* Of returns that are all kept, with the drawdown of their closes. */
void equity_metrics_of(const double *returns, uint32_t n, double periods_per_year, double mar, struct equity_metrics *out);

double equity_cagr(double total_return, double years); /* without the rule of one year; NaN when years is not positive */

/* Autocorrelation at a lag, sum of (x_t - m)(x_t+lag - m) over sum of (x_t - m)^2; NaN when flat or n <= lag. */
double equity_autocorrelation(const double *x, uint32_t n, uint32_t lag);

/* What the order in time and the tails of kept returns say. */
#define EQUITY_LAGS 10u
struct equity_order {
    uint32_t n;
    double rho[EQUITY_LAGS];/* autocorrelation at lag 1, 2, ...; NaN where n <= lag */
    double sharpe_ar1;      /* annual, sqrt(D) replaced by that of AR(1) with rho[0] */
    double sharpe_lo;       /* annual, by Lo's factor over EQUITY_LAGS lags (those that are defined) */
    double sharpe_se_ar1;   /* annual standard error under AR(1) */
    double var_5, es_5;     /* 5 % quantile (type 7) and the mean of what is below: as returns */
    double tail_ratio;      /* |95 % quantile| / |5 % quantile| */
    double ulcer, average_drawdown; /* of closes: see drawdown.h */
};
/* scratch holds n doubles and is overwritten. metrics are those of the same or of a longer series. */
void equity_order_of(const double *returns, uint32_t n, const struct equity_metrics *metrics, double *scratch,
                     struct equity_order *out);

#endif
