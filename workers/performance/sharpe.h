/* sharpe: how sure a Sharpe ratio is, and what it is worth when returns hang together in time. Pure.
 *
 * A ratio here is mean / sd (n - 1) per period; times sqrt(D), D periods in a year, it is annual: errors and limits scale
 * alike. Whether it exceeds a benchmark after many trials (PSR, DSR) is decided elsewhere, from the same errors.
 * Undefined (n < 2, no ratio, a negative variance) is NaN.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_SHARPE_H
#define PROPFLEET_WORKERS_PERFORMANCE_SHARPE_H

#include <stdint.h>

#define SHARPE_T_MAX 200.0 /* |ratio| * sqrt(n) up to which exact limits are worked out: a true account has less than 20 */

/* Standard error under independent normal returns: sqrt((1 + t^2 / (2 (n - 1))) / n), t = ratio * sqrt(n) (Johnson and
 * Welch 1940; Lo 2002 to the order of 1/n^2). */
double sharpe_se(double ratio, uint64_t n);
/* With the returns' own skewness and raw kurtosis: sqrt((1 - skew S + (kurtosis - 1) / 4 S^2) / (n - 1)) (Mertens 2002,
 * Bailey and Lopez de Prado 2012). */
double sharpe_se_moments(double ratio, uint64_t n, double skew, double kurtosis);
/* The same when returns follow AR(1) with coefficient rho: sqrt((a - b skew S + c (kurtosis - 1) / 4 S^2) / n) with
 * a = 1 + 2 rho / (1 - rho), b = 1 + rho / (1 - rho) + rho^2 / (1 - rho^2), c = 1 + 2 rho^2 / (1 - rho^2) (Lopez de Prado,
 * Lipton and Zoonekynd 2025). |rho| < 1, otherwise NaN. */
double sharpe_se_ar1(double ratio, uint64_t n, double skew, double kurtosis, double rho);

/* The true ratio at which one as high as this, or higher, comes up with the given probability (0..1 exclusive, asserted):
 * .025 and .975 give the exact 95 % interval under independent normal returns. ratio * sqrt(n) is noncentral t with n - 1
 * degrees of freedom; solved to 1e-12. NaN beyond SHARPE_T_MAX. */
double sharpe_limit_exact(double ratio, uint64_t n, double probability);

/* P(T <= t) of the noncentral t distribution, df >= 1, |t| <= SHARPE_T_MAX; and its slope against delta (never > 0). */
double sharpe_noncentral_t(double t, double df, double delta, double *slope);

/* What sqrt(q) becomes when a ratio per period is carried to q periods and returns hang together: q / sqrt(q + 2 sum over
 * k of (q - k) rho_k), Lo 2002. rho[k - 1] is the autocorrelation at lag k; lags at or beyond q are left out. NaN when
 * the root is not positive. q >= 1 need not be whole. */
double sharpe_lo_factor(double q, const double *rho, uint32_t lags);
/* The same with rho_k = rho^k at every lag below q. |rho| < 1, otherwise NaN. */
double sharpe_ar1_factor(double q, double rho);

#endif
