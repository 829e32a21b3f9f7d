#include "workers/strategy/signals/interval.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include <gsl/gsl_cdf.h>

/* Halvings of a bracket. GSL's own inverses stop at about 1e-7 or give up through the error handler; its distribution
 * functions are good to the last digits, and 200 halvings always end at neighbouring numbers. */
#define HALVINGS_MAX 200u

static const struct signals_interval undefined = {NAN, NAN};

double signals_normal_quantile(double p)
{
    return gsl_cdf_ugaussian_Pinv(p);
}

double signals_normal_two_sided(double z)
{
    return 2.0 * gsl_cdf_ugaussian_Q(fabs(z));
}

/* x with I_x(a, b) = p; the tail that is smaller is the one that is compared. */
static double beta_quantile(double p, double a, double b)
{
    double lo = 0.0, hi = 1.0;
    for (unsigned i = 0; i < HALVINGS_MAX; i++) {
        double x = lo + 0.5 * (hi - lo);
        if (x <= lo || x >= hi)
            break;
        bool below = p <= 0.5 ? gsl_cdf_beta_P(x, a, b) < p : gsl_cdf_beta_Q(x, a, b) > 1.0 - p;
        if (below)
            lo = x;
        else
            hi = x;
    }
    return lo + 0.5 * (hi - lo);
}

double signals_t_cdf(double t, double df)
{
    return gsl_cdf_tdist_P(t, df);
}

double signals_t_quantile(double p, double df)
{
    assert(p > 0.0 && p < 1.0 && df > 0.0);
    double tail = p < 0.5 ? p : 1.0 - p, lo = 0.0, hi = 1.0;
    if (p == 0.5)
        return 0.0;
    for (unsigned i = 0; i < HALVINGS_MAX && gsl_cdf_tdist_Q(hi, df) > tail; i++)
        hi *= 2.0;
    for (unsigned i = 0; i < HALVINGS_MAX; i++) {
        double t = lo + 0.5 * (hi - lo);
        if (t <= lo || t >= hi)
            break;
        if (gsl_cdf_tdist_Q(t, df) > tail)
            lo = t;
        else
            hi = t;
    }
    double t = lo + 0.5 * (hi - lo);
    return p < 0.5 ? -t : t;
}

static double two_sided_z(double confidence)
{
    assert(confidence > 0.0 && confidence < 1.0);
    return gsl_cdf_ugaussian_Qinv(0.5 * (1.0 - confidence));
}

struct signals_interval signals_interval_wilson(uint32_t wins, uint32_t n, double confidence)
{
    assert(wins <= n);
    double z = two_sided_z(confidence);
    if (n == 0)
        return undefined;
    double k = wins, m = n, zz = z * z;
    double centre = (k + 0.5 * zz) / (m + zz), half = z / (m + zz) * sqrt(k * (m - k) / m + 0.25 * zz);
    return (struct signals_interval){wins == 0 ? 0.0 : fmax(0.0, centre - half),
                                     wins == n ? 1.0 : fmin(1.0, centre + half)};
}

struct signals_interval signals_interval_jeffreys(uint32_t wins, uint32_t n, double confidence)
{
    assert(wins <= n && confidence > 0.0 && confidence < 1.0);
    if (n == 0)
        return undefined;
    double a = wins + 0.5, b = n - wins + 0.5, tail = 0.5 * (1.0 - confidence);
    return (struct signals_interval){beta_quantile(tail, a, b), beta_quantile(1.0 - tail, a, b)};
}

struct signals_interval signals_interval_exact(uint32_t wins, uint32_t n, double confidence)
{
    assert(wins <= n && confidence > 0.0 && confidence < 1.0);
    if (n == 0)
        return undefined;
    double k = wins, m = n, tail = 0.5 * (1.0 - confidence);
    return (struct signals_interval){wins == 0 ? 0.0 : beta_quantile(tail, k, m - k + 1.0),
                                     wins == n ? 1.0 : beta_quantile(1.0 - tail, k + 1.0, m - k)};
}

struct signals_interval signals_interval_agresti(uint32_t wins, uint32_t n, double confidence)
{
    assert(wins <= n);
    double z = two_sided_z(confidence);
    if (n == 0)
        return undefined;
    double m = n + z * z, p = (wins + 0.5 * z * z) / m, half = z * sqrt(p * (1.0 - p) / m);
    return (struct signals_interval){fmax(0.0, p - half), fmin(1.0, p + half)};
}

struct signals_interval signals_interval_newcombe(uint32_t wins1, uint32_t n1, uint32_t wins2, uint32_t n2, double confidence)
{
    struct signals_interval a = signals_interval_wilson(wins1, n1, confidence);
    struct signals_interval b = signals_interval_wilson(wins2, n2, confidence);
    if (n1 == 0 || n2 == 0)
        return undefined;
    double p = (double)wins1 / n1, q = (double)wins2 / n2;
    return (struct signals_interval){p - q - hypot(p - a.lo, b.hi - q), p - q + hypot(a.hi - p, q - b.lo)};
}

struct signals_interval signals_interval_mean(double mean, double sd, uint32_t n, double confidence)
{
    assert(confidence > 0.0 && confidence < 1.0);
    if (n < 2)
        return undefined;
    double half = signals_t_quantile(0.5 + 0.5 * confidence, n - 1.0) * sd / sqrt((double)n);
    return (struct signals_interval){mean - half, mean + half};
}
