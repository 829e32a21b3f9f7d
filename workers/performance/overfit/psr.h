/* psr: how sure a Sharpe ratio is: moments, standard error, probabilistic Sharpe ratio, minimum track record. Pure.
 *
 * Every Sharpe ratio here is PER PERIOD (mean over standard deviation of the period's returns): an annualised one gives
 * nonsense without an error. Skewness g3 and kurtosis g4 are population moments, g4 raw (3 for a normal).
 *   v(S)          = 1 - g3 S + (g4 - 1)/4 S^2         Mertens (2002), Bailey and Lopez de Prado (2012)
 *   SE            = sqrt(v(SR) / (T - 1))
 *   PSR(S*)       = Phi((SR - S*) / SE)
 *   minimum T     = 1 + v(SR) (z / (SR - S*))^2
 * Under the null, with autocorrelation rho of order one (Lopez de Prado, Lipton, Zoonekynd, 2025):
 *   w(S)          = a - b g3 S + c (g4 - 1)/4 S^2,  a = 1 + 2 rho/(1-rho), b = 1 + rho/(1-rho) + rho^2/(1-rho^2),
 *                   c = 1 + 2 rho^2/(1-rho^2)
 *   SE0           = sqrt(w(S*) / T),   PSR0(S*) = Phi((SR - S*) / SE0),   minimum T = w(S*) (z / (SR - S*))^2
 * Where v or w is not positive (a large positive skew), or an input is NaN, the result is NaN.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_PSR_H
#define PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_PSR_H

#include <stdint.h>

struct psr_moments {
    uint32_t count;         /* T, periods */
    double mean, sd;        /* sd with n - 1 */
    double sharpe;          /* per period */
    double skew, kurtosis;  /* population; kurtosis raw */
    double autocorrelation; /* rho of order one: sum d(t) d(t-1) / sum d(t)^2 */
};
/* Moments of returns (oldest first). What is not defined is NaN: all but the count of an empty series, sd and the rest for
 * one period, and everything that divides by sd where sd <= 1e-12 * max |r| (a constant series has no Sharpe
 * ratio). A return that is not finite makes all of them NaN. */
void psr_moments(const double *returns, uint32_t count, struct psr_moments *out);

/* v(S) and w(S) above. rho in (-1, 1), otherwise NaN. */
double psr_variance(double sharpe, double skew, double kurtosis);
double psr_variance_null(double sharpe, double skew, double kurtosis, double rho);

/* SE(SR) and SE0(S*) of a series of moments->count periods, at least two. */
double psr_se(const struct psr_moments *moments);
double psr_se_null(const struct psr_moments *moments, double sharpe_null, double rho);

/* P(true Sharpe ratio > benchmark). Only count, sharpe, skew and kurtosis are read (rho is the caller's). */
double psr_probability(const struct psr_moments *moments, double benchmark);
double psr_probability_null(const struct psr_moments *moments, double benchmark, double rho);

/* Periods needed until PSR reaches `confidence` (0.5 .. 1 exclusive, otherwise NaN); NaN where sharpe <= benchmark: no
 * record is long enough. moments->count is not read. */
double psr_track_min(const struct psr_moments *moments, double benchmark, double confidence);
double psr_track_min_null(const struct psr_moments *moments, double benchmark, double rho, double confidence);

#endif
