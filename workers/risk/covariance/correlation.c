#include "workers/risk/covariance/correlation.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include <gsl/gsl_cdf.h>

#define UNDEFINED ((struct correlation_interval){NAN, NAN})

uint32_t correlation_pair_days(const double *a, const double *b, const bool *a_traded, const bool *b_traded,
                               uint32_t days, double *out_a, double *out_b)
{
    uint32_t kept = 0;
    for (uint32_t t = 0; t < days; t++) {
        if (!(a_traded[t] || b_traded[t]) || !isfinite(a[t]) || !isfinite(b[t]))
            continue;
        double x = a[t], y = b[t];
        out_a[kept] = x;
        out_b[kept++] = y;
    }
    return kept;
}

/* --- estimates -----------------------------------------------------------------------------------------------------
 */

double correlation_pearson(const double *x, const double *y, uint32_t count)
{
    double mean_x = 0.0, mean_y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        mean_x += x[i] / count;
        mean_y += y[i] / count;
    }
    double largest_x = 0.0, largest_y = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double dx = x[i] - mean_x, dy = y[i] - mean_y;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
        largest_x = fmax(largest_x, fabs(x[i]));
        largest_y = fmax(largest_y, fabs(y[i]));
    }
    /* A constant series leaves the rounding of its mean: no variation. */
    if (!(count >= 2 && sqrt(xx / count) > 1e-12 * largest_x && sqrt(yy / count) > 1e-12 * largest_y))
        return NAN;
    return fmax(-1.0, fmin(1.0, xy / (sqrt(xx) * sqrt(yy))));
}

static bool correlation_finite(const double *x, const double *y, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return false;
    return true;
}

static void correlation_ranks(const double *x, uint32_t count, double *ranks)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t below = 0, equal = 0;
        for (uint32_t j = 0; j < count; j++) {
            below += x[j] < x[i];
            equal += x[j] == x[i];
        }
        ranks[i] = below + (equal + 1.0) / 2.0;
    }
}

double correlation_spearman(const double *x, const double *y, uint32_t count, double *scratch)
{
    if (!correlation_finite(x, y, count))
        return NAN;
    correlation_ranks(x, count, scratch);
    correlation_ranks(y, count, scratch + count);
    return correlation_pearson(scratch, scratch + count, count);
}

double correlation_kendall(const double *x, const double *y, uint32_t count)
{
    if (!correlation_finite(x, y, count))
        return NAN;
    int64_t balance = 0, untied_x = 0, untied_y = 0;
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = 0; j < i; j++) {
            int sx = (x[i] > x[j]) - (x[i] < x[j]), sy = (y[i] > y[j]) - (y[i] < y[j]);
            balance += sx * sy;
            untied_x += sx != 0;
            untied_y += sy != 0;
        }
    if (untied_x == 0 || untied_y == 0)
        return NAN;
    return (double)balance / (sqrt((double)untied_x) * sqrt((double)untied_y));
}

double correlation_cosine(const double *a, const double *b, uint32_t count)
{
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        ab += a[i] * b[i];
    }
    return aa > 0.0 && bb > 0.0 ? ab / (sqrt(aa) * sqrt(bb)) : NAN;
}

/* --- how well it is known ---------------------------------------------------------------------------------------- */

static bool correlation_known(double r, uint32_t count)
{
    return count >= 4 && r >= -1.0 && r <= 1.0;
}

static struct correlation_interval correlation_around(double r, double deviation, double alpha)
{
    assert(alpha > 0.0 && alpha < 1.0);
    double z = gsl_cdf_ugaussian_Qinv(alpha / 2.0) * deviation, centre = atanh(r);
    return (struct correlation_interval){tanh(centre - z), tanh(centre + z)};
}

struct correlation_interval correlation_fisher(double r, uint32_t count, double alpha)
{
    return correlation_known(r, count) ? correlation_around(r, 1.0 / sqrt(count - 3.0), alpha) : UNDEFINED;
}

struct correlation_interval correlation_bonett_wright(double spearman, uint32_t count, double alpha)
{
    if (!correlation_known(spearman, count))
        return UNDEFINED;
    return correlation_around(spearman, sqrt((1.0 + spearman * spearman / 2.0) / (count - 3.0)), alpha);
}

double correlation_p_zero(double r, uint32_t count)
{
    if (count < 3 || !(r >= -1.0 && r <= 1.0))
        return NAN;
    double degrees = count - 2.0, t = fabs(r) * sqrt(degrees / ((1.0 - r) * (1.0 + r)));
    return isinf(t) ? 0.0 : 2.0 * gsl_cdf_tdist_Q(t, degrees);
}

double correlation_above(double r, uint32_t count, double bound)
{
    assert(bound > -1.0 && bound < 1.0);
    return correlation_known(r, count) ? gsl_cdf_ugaussian_P((atanh(r) - atanh(bound)) * sqrt(count - 3.0)) : NAN;
}

enum correlation_verdict correlation_decide(double r, uint32_t count, double bound, double alpha)
{
    assert(bound > -1.0 && bound < 1.0 && alpha > 0.0 && alpha < 0.5);
    struct correlation_interval i = correlation_fisher(r, count, 2.0 * alpha);
    return i.high < bound ? CORRELATION_PASS : i.low > bound ? CORRELATION_FAIL : CORRELATION_INSUFFICIENT;
}

uint32_t correlation_pairs_needed(double r, double bound, double alpha)
{
    assert(bound > -1.0 && bound < 1.0 && alpha > 0.0 && alpha < 0.5);
    double z = gsl_cdf_ugaussian_Qinv(alpha) / (atanh(r) - atanh(bound));
    double needed = floor(z * z + 3.0) + 1.0;
    return needed < (double)UINT32_MAX ? (uint32_t)fmax(4.0, needed) : UINT32_MAX; /* also for NaN */
}

/* --- decisions ------------------------------------------------------------------------------------------------------
 */

struct correlation_interval correlation_wilson(uint32_t hits, uint32_t count, double alpha)
{
    assert(hits <= count && alpha > 0.0 && alpha < 1.0);
    if (count == 0)
        return UNDEFINED;
    double z = gsl_cdf_ugaussian_Qinv(alpha / 2.0), n = count, k = hits;
    double centre = (k + z * z / 2.0) / (n + z * z);
    double half = z / (n + z * z) * sqrt(k * (n - k) / n + z * z / 4.0);
    return (struct correlation_interval){hits == 0 ? 0.0 : centre - half, hits == count ? 1.0 : centre + half};
}

struct correlation_disagreement correlation_disagree(const int8_t *a, const int8_t *b, uint32_t count, double alpha)
{
    struct correlation_disagreement d = {.offered = count};
    for (uint32_t i = 0; i < count; i++) {
        d.different += a[i] != b[i];
        d.opposite += a[i] * b[i] < 0;
        d.only_one += (a[i] == 0) != (b[i] == 0);
    }
    d.rate = count > 0 ? (double)d.different / count : NAN;
    d.wilson = correlation_wilson(d.different, count, alpha);
    return d;
}
