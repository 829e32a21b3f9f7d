#include "workers/risk/covariance/covariance.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "workers/risk/covariance/matrix.h"

static int covariance_undefined(double *out, uint32_t count)
{
    matrix_fill(out, count, NAN);
    return -EDOM;
}

static bool returns_are_finite(const double *returns, uint32_t days, uint32_t count)
{
    for (size_t i = 0; i < (size_t)days * count; i++)
        if (!isfinite(returns[i]))
            return false;
    return true;
}

static bool covariance_can(const double *returns, uint32_t days, uint32_t count, uint32_t days_min)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX);
    return days >= days_min && returns_are_finite(returns, days, count);
}

uint32_t covariance_complete_days(const double *returns, uint32_t days, uint32_t count, double *out)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX);
    uint32_t kept = 0;
    for (uint32_t t = 0; t < days; t++) {
        const double *row = returns + (size_t)t * count;
        if (returns_are_finite(row, 1, count))
            memmove(out + (size_t)kept++ * count, row, count * sizeof *out);
    }
    return kept;
}

/* Sum of d d', d from `centre` (NULL: zero); the lower triangle alone. */
static void covariance_products(const double *returns, uint32_t days, uint32_t count, const double *centre, double *out)
{
    matrix_fill(out, count, 0.0);
    for (uint32_t t = 0; t < days; t++) {
        const double *row = returns + (size_t)t * count;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j <= i; j++)
                out[i * count + j] += (row[i] - (centre ? centre[i] : 0.0)) * (row[j] - (centre ? centre[j] : 0.0));
    }
}

static void covariance_scale_mirror(double *out, uint32_t count, double factor)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j <= i; j++)
            out[i * count + j] = out[j * count + i] = out[i * count + j] * factor;
}

static void covariance_means(const double *returns, uint32_t days, uint32_t count, double *means)
{
    for (uint32_t i = 0; i < count; i++) {
        means[i] = 0.0;
        for (uint32_t t = 0; t < days; t++)
            means[i] += returns[(size_t)t * count + i];
        means[i] /= days;
    }
}

int covariance_sample(const double *returns, uint32_t days, uint32_t count, double *out)
{
    if (!covariance_can(returns, days, count, 2))
        return covariance_undefined(out, count);
    double means[COVARIANCE_SERIES_MAX] = {0};
    covariance_means(returns, days, count, means);
    covariance_products(returns, days, count, means, out);
    covariance_scale_mirror(out, count, 1.0 / (days - 1));
    return 0;
}

int covariance_ewma(const double *returns, uint32_t days, uint32_t count, double lambda, uint32_t seed_days,
                    double *out)
{
    assert(lambda > 0.0 && lambda < 1.0);
    if (seed_days == 0 || !covariance_can(returns, days, count, seed_days))
        return covariance_undefined(out, count);
    covariance_products(returns, seed_days, count, NULL, out);
    covariance_scale_mirror(out, count, 1.0 / seed_days);
    for (uint32_t t = seed_days; t < days; t++) {
        const double *row = returns + (size_t)t * count;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j <= i; j++)
                out[i * count + j] = lambda * out[i * count + j] + (1.0 - lambda) * row[i] * row[j];
    }
    covariance_scale_mirror(out, count, 1.0);
    return 0;
}

/* Weights by Horner's rule, oldest first: a = lambda a + x. */
int covariance_ewma_centred(const double *returns, uint32_t days, uint32_t count, double lambda, double *out)
{
    assert(lambda > 0.0 && lambda < 1.0);
    if (!covariance_can(returns, days, count, 1))
        return covariance_undefined(out, count);
    double means[COVARIANCE_SERIES_MAX] = {0}, total = 0.0;
    for (uint32_t t = 0; t < days; t++) {
        total = lambda * total + 1.0;
        for (uint32_t i = 0; i < count; i++)
            means[i] = lambda * means[i] + returns[(size_t)t * count + i];
    }
    for (uint32_t i = 0; i < count; i++)
        means[i] /= total;
    matrix_fill(out, count, 0.0);
    for (uint32_t t = 0; t < days; t++) {
        const double *row = returns + (size_t)t * count;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j <= i; j++)
                out[i * count + j] = lambda * out[i * count + j] + (row[i] - means[i]) * (row[j] - means[j]);
    }
    covariance_scale_mirror(out, count, 1.0 / total);
    return 0;
}

int covariance_split(const double *covariance, uint32_t count, double *deviations, double *correlation)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX);
    double sd[COVARIANCE_SERIES_MAX];
    bool valid = true;
    for (uint32_t i = 0; i < count; i++) {
        sd[i] = sqrt(covariance[i * count + i]);
        valid = valid && isfinite(sd[i]) && sd[i] > 0.0;
    }
    for (uint32_t i = 0; i < count && deviations; i++)
        deviations[i] = valid ? sd[i] : NAN;
    for (uint32_t i = 0; i < count && correlation; i++)
        for (uint32_t j = 0; j < count; j++)
            correlation[i * count + j] = !valid ? NAN : i == j ? 1.0 : covariance[i * count + j] / (sd[i] * sd[j]);
    return valid ? 0 : -EDOM;
}

void covariance_join(const double *deviations, const double *correlation, uint32_t count, double *out)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            out[i * count + j] = deviations[i] * deviations[j] * correlation[i * count + j];
}

/* --- the prior, and the matrix of the permits ------------------------------------------------------------------- */

static bool currency_same(const char a[8], const char b[8])
{
    return a[0] != '\0' && strncmp(a, b, 8) == 0;
}

static double prior_pair(const struct covariance_instrument *a, const struct covariance_instrument *b, double shared,
                         double group)
{
    bool base = currency_same(a->base, b->base), quote = currency_same(a->quote, b->quote);
    bool crossed = currency_same(a->base, b->quote), mirrored = currency_same(a->quote, b->base);
    if (base && quote)
        return 1.0;
    if (crossed && mirrored)
        return -1.0;
    if (a->group != 0 && a->group == b->group)
        return group;
    return base || quote ? shared : crossed || mirrored ? -shared : 0.0;
}

void covariance_prior(const struct covariance_instrument *instruments, uint32_t count, double shared, double group,
                      double *correlation)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX && fabs(shared) < 1.0 && fabs(group) < 1.0);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            correlation[i * count + j] = i == j ? 1.0 : prior_pair(&instruments[i], &instruments[j], shared, group);
    double values[COVARIANCE_SERIES_MAX];
    bool finite = matrix_eigen(correlation, count, values, NULL);
    assert(finite);
    (void)finite;
    double least = values[count - 1];
    if (least >= -1e-12) /* rounding */
        return;
    double keep = 1.0 / (1.0 - least); /* of the off-diagonals: the least eigenvalue is then zero */
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            correlation[i * count + j] *= i == j ? 1.0 : keep;
}

int covariance_permit(const double *returns, uint32_t days, uint32_t count, const double *prior, double *out)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX && prior);
    if (days > COVARIANCE_PERMIT_DAYS) {
        returns += (size_t)(days - COVARIANCE_PERMIT_DAYS) * count;
        days = COVARIANCE_PERMIT_DAYS;
    }
    double work[MATRIX_CELLS], correlation[MATRIX_CELLS], sd[COVARIANCE_SERIES_MAX];
    uint32_t seed = days < COVARIANCE_DAYS_MIN ? days : COVARIANCE_DAYS_MIN;
    if (covariance_ewma(returns, days, count, COVARIANCE_PERMIT_LAMBDA, seed, work) ||
        covariance_split(work, count, sd, NULL))
        return covariance_undefined(out, count);
    if (days < COVARIANCE_DAYS_MIN) {
        covariance_join(sd, prior, count, out);
        return 1;
    }
    if (covariance_shrink_constant(returns, days, count, work, NULL) ||
        covariance_split(work, count, NULL, correlation))
        return covariance_undefined(out, count);
    covariance_join(sd, correlation, count, out);
    return 0;
}
