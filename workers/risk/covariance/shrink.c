/* The shrunk covariances of covariance.h. */
#include "workers/risk/covariance/covariance.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "workers/risk/covariance/matrix.h"

/* Centre of the days and the covariance over `divisor`; false as covariance_sample. */
static bool shrink_start(const double *returns, uint32_t days, uint32_t count, double divisor, double *means,
                         double *out)
{
    if (covariance_sample(returns, days, count, out))
        return false;
    for (size_t i = 0; i < (size_t)count * count; i++)
        out[i] *= (days - 1) / divisor;
    for (uint32_t i = 0; i < count; i++) {
        double sum = 0.0;
        for (uint32_t t = 0; t < days; t++)
            sum += returns[(size_t)t * count + i];
        means[i] = sum / days;
    }
    return true;
}

static double shrink_trace(const double *s, uint32_t count)
{
    double trace = 0.0;
    for (uint32_t i = 0; i < count; i++)
        trace += s[i * count + i];
    return trace;
}

static double shrink_square(const double *s, uint32_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < (size_t)count * count; i++)
        sum += s[i] * s[i];
    return sum;
}

static void shrink_to_identity(double *s, uint32_t count, double intensity, double mean_variance)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            s[i * count + j] = (1.0 - intensity) * s[i * count + j] + (i == j ? intensity * mean_variance : 0.0);
}

/* Intensity = min(b2, d2) / d2: b2 the variance of the sample's cells, d2 the distance of the sample from the target,
 * both as means of squares over the cells of a row. */
int covariance_shrink_identity(const double *returns, uint32_t days, uint32_t count, double *out, double *intensity)
{
    double means[COVARIANCE_SERIES_MAX], fourth = 0.0;
    bool defined = shrink_start(returns, days, count, days, means, out);
    if (intensity)
        *intensity = NAN;
    if (!defined)
        return -EDOM;
    for (uint32_t t = 0; t < days; t++) {
        double norm = 0.0;
        for (uint32_t i = 0; i < count; i++) {
            double d = returns[(size_t)t * count + i] - means[i];
            norm += d * d;
        }
        fourth += norm * norm;
    }
    double mean = shrink_trace(out, count) / count, square = shrink_square(out, count);
    double b2 = (fourth / days - square) / count / days, d2 = square / count - mean * mean;
    double share = d2 > 0.0 ? fmin(fmax(b2, 0.0), d2) / d2 : 0.0;
    shrink_to_identity(out, count, share, mean);
    if (intensity)
        *intensity = share;
    return 0;
}

int covariance_shrink_oas(const double *returns, uint32_t days, uint32_t count, double *out, double *intensity)
{
    double means[COVARIANCE_SERIES_MAX];
    bool defined = shrink_start(returns, days, count, days, means, out);
    if (intensity)
        *intensity = NAN;
    if (!defined)
        return -EDOM;
    double mean = shrink_trace(out, count) / count;
    double alpha = shrink_square(out, count) / ((double)count * count);
    double rest = (days + 1.0) * (alpha - mean * mean / count);
    double share = rest > 0.0 ? fmin(1.0, (alpha + mean * mean) / rest) : 1.0;
    shrink_to_identity(out, count, share, mean);
    if (intensity)
        *intensity = share;
    return 0;
}

/* --- constant correlation ---------------------------------------------------------------------------------------- */

struct constant {
    const double *returns, *means, *s, *sd;
    uint32_t days, count;
    double mean_correlation;
};

static double constant_mean_correlation(const double *s, const double *sd, uint32_t count)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            sum += i == j ? 0.0 : s[i * count + j] / (sd[i] * sd[j]);
    return sum / ((double)count * (count - 1));
}

/* For the pair i, j: pi, the asymptotic variance of s_ij, and theta, the covariance of s_ii with s_ij. */
static void constant_moments(const struct constant *c, uint32_t i, uint32_t j, double *pi, double *theta)
{
    double square = 0.0, cubed = 0.0, n = c->days - 1, s_ij = c->s[i * c->count + j], s_ii = c->s[i * c->count + i];
    for (uint32_t t = 0; t < c->days; t++) {
        double x = c->returns[(size_t)t * c->count + i] - c->means[i];
        double y = c->returns[(size_t)t * c->count + j] - c->means[j];
        square += x * x * y * y;
        cubed += x * x * x * y;
    }
    *pi = square / n - s_ij * s_ij;
    *theta = cubed / n - s_ii * s_ij;
}

/* kappa / n = (pi - rho) / gamma / n, clipped to 0..1. */
static double constant_intensity(const struct constant *c)
{
    double pi_sum = 0.0, rho = 0.0, off = 0.0, gamma = 0.0;
    for (uint32_t i = 0; i < c->count; i++)
        for (uint32_t j = 0; j < c->count; j++) {
            double pi, theta;
            constant_moments(c, i, j, &pi, &theta);
            pi_sum += pi;
            if (i == j) {
                rho += pi;
                continue;
            }
            off += c->sd[j] / c->sd[i] * theta;
            double d = c->s[i * c->count + j] - c->mean_correlation * c->sd[i] * c->sd[j];
            gamma += d * d;
        }
    double kappa = (pi_sum - rho - c->mean_correlation * off) / gamma;
    return gamma > 0.0 ? fmax(0.0, fmin(1.0, kappa / (c->days - 1))) : 0.0;
}

int covariance_shrink_constant(const double *returns, uint32_t days, uint32_t count, double *out, double *intensity)
{
    double means[COVARIANCE_SERIES_MAX], sd[COVARIANCE_SERIES_MAX];
    if (intensity)
        *intensity = NAN;
    if (!shrink_start(returns, days, count, days - 1.0, means, out))
        return -EDOM;
    if (covariance_split(out, count, sd, NULL)) {
        matrix_fill(out, count, NAN);
        return -EDOM;
    }
    double share = 0.0;
    if (count > 1) {
        struct constant c = {.returns = returns, .means = means, .s = out, .sd = sd, .days = days, .count = count};
        c.mean_correlation = constant_mean_correlation(out, sd, count);
        share = constant_intensity(&c);
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j < count; j++)
                if (i != j)
                    out[i * count + j] =
                        share * c.mean_correlation * (sd[i] * sd[j]) + (1.0 - share) * out[i * count + j];
    }
    if (intensity)
        *intensity = share;
    return 0;
}

double covariance_mean_correlation(const double *returns, uint32_t days, uint32_t count)
{
    double s[MATRIX_CELLS], sd[COVARIANCE_SERIES_MAX];
    if (count < 2 || covariance_sample(returns, days, count, s) || covariance_split(s, count, sd, NULL))
        return NAN;
    return constant_mean_correlation(s, sd, count);
}
