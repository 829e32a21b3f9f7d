#include "workers/performance/sharpe.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

double sharpe_se(double ratio, uint64_t n)
{
    if (n < 2)
        return NAN;
    double periods = (double)n;
    return sqrt((1.0 + ratio * ratio * periods / (2.0 * (periods - 1.0))) / periods);
}

static double root(double variance)
{
    return variance > 0.0 ? sqrt(variance) : NAN;
}

double sharpe_se_moments(double ratio, uint64_t n, double skew, double kurtosis)
{
    if (n < 2)
        return NAN;
    return root((1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio) / (double)(n - 1));
}

double sharpe_se_ar1(double ratio, uint64_t n, double skew, double kurtosis, double rho)
{
    if (n < 2 || !(fabs(rho) < 1.0))
        return NAN;
    double one = rho / (1.0 - rho), two = rho * rho / (1.0 - rho * rho);
    double a = 1.0 + 2.0 * one, b = 1.0 + one + two, c = 1.0 + 2.0 * two;
    return root((a - b * skew * ratio + c * (kurtosis - 1.0) / 4.0 * ratio * ratio) / (double)n);
}

/* --- noncentral t -------------------------------------------------------------------------------------------------- */

#define STEPS_MAX 40000u     /* of the sum, each way */
#define LOG_DENSITY_MIN (-46.0) /* e^-46 is 1e-20 */

/* The normal distribution's share below x. */
static double normal_below(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

/* T = (Z + delta) / S with S^2 = chi^2 / df, so P(T <= t) = E[Phi(t S - delta)]. With S = e^w the density of w is
 * proportional to exp(df (w - (e^2w - 1) / 2)): analytic, greatest at 0, and falling off so fast on both sides that the
 * plain sum over equal steps converges exponentially (trapezoidal rule), normalised by the sum of the density. */
struct t_sum {
    double weight, below, slope;
};

static bool t_add(struct t_sum *sum, double w, double t, double df, double delta)
{
    double s = exp(w), log_density = df * (w - (s * s - 1.0) / 2.0);
    if (log_density < LOG_DENSITY_MIN)
        return false;
    double density = exp(log_density), x = t * s - delta;
    sum->weight += density;
    sum->below += density * normal_below(x);
    sum->slope -= density * exp(-x * x / 2.0);
    return true;
}

double sharpe_noncentral_t(double t, double df, double delta, double *slope)
{
    assert(df >= 1.0 && fabs(t) <= SHARPE_T_MAX);
    /* a quarter of the narrower of the two widths, the density's and that of Phi */
    double step = fmin(0.05, 0.25 / sqrt(2.0 * df + t * t));
    struct t_sum sum = {0};
    (void)t_add(&sum, 0.0, t, df, delta);
    for (uint32_t i = 1; i <= STEPS_MAX && t_add(&sum, step * i, t, df, delta); i++)
        ;
    for (uint32_t i = 1; i <= STEPS_MAX && t_add(&sum, -step * i, t, df, delta); i++)
        ;
    if (slope)
        *slope = sum.slope / sum.weight * M_2_SQRTPI * M_SQRT1_2 / 2.0;
    return sum.below / sum.weight;
}

#define LIMIT_STEPS_MAX 200u
#define LIMIT_TOLERANCE 1e-12

/* The delta at which the chance of a t this high or higher is `probability`: Newton, halving where that leaves the
 * bracket. P(T > t) grows with delta. */
static double t_delta(double t, double df, double probability)
{
    double reach = 45.0 + fabs(t) * 10.0; /* S is below 10 and Z within 45 but for less than 1e-20 */
    double low = -reach, high = reach, delta = t;
    for (uint32_t i = 0; i < LIMIT_STEPS_MAX && high - low > LIMIT_TOLERANCE * fmax(1.0, fabs(delta)); i++) {
        double slope;
        double miss = (1.0 - probability) - sharpe_noncentral_t(t, df, delta, &slope);
        if (miss > 0.0)
            high = delta; /* too little lies below t: delta is too high */
        else
            low = delta;
        double next = delta + miss / slope;
        if (!(next > low && next < high))
            next = low + (high - low) / 2.0;
        if (fabs(next - delta) <= LIMIT_TOLERANCE * fmax(1.0, fabs(next)))
            return next;
        delta = next;
    }
    return delta;
}

double sharpe_limit_exact(double ratio, uint64_t n, double probability)
{
    assert(probability > 0.0 && probability < 1.0);
    double t = ratio * sqrt((double)n);
    if (n < 2 || !(fabs(t) <= SHARPE_T_MAX))
        return NAN;
    return t_delta(t, (double)(n - 1), probability) / sqrt((double)n);
}

/* --- autocorrelation -------------------------------------------------------------------------------------------------- */

double sharpe_lo_factor(double q, const double *rho, uint32_t lags)
{
    double sum = 0.0;
    for (uint32_t k = 1; k <= lags && k < q; k++)
        sum += (q - k) * rho[k - 1];
    return q / root(q + 2.0 * sum);
}

double sharpe_ar1_factor(double q, double rho)
{
    if (!(fabs(rho) < 1.0))
        return NAN;
    /* sum of (q - k) rho^k over the whole k below q, K of them */
    double k = ceil(q) - 1.0, power = pow(rho, k), rest = 1.0 - rho;
    double sum = q * rho * (1.0 - power) / rest - rho * (1.0 - (k + 1.0) * power + k * power * rho) / (rest * rest);
    return q / root(q + 2.0 * sum);
}
