#include "workers/risk/covariance/book.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "workers/risk/covariance/matrix.h"

/* A variance below this share of the sum of its own terms is the rounding of a perfect hedge. */
#define NO_VARIANCE 1e-14

static double book_term_size(const double *x, const double *covariance, uint32_t count)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            sum += fabs(x[i] * covariance[i * count + j] * x[j]);
    return sum;
}

double book_variance(const double *position, const double *covariance, uint32_t count)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX);
    double variance = matrix_form(position, covariance, position, count);
    return variance <= NO_VARIANCE * book_term_size(position, covariance, count) ? 0.0 : variance;
}

double book_correlation(const double *a, const double *b, const double *covariance, uint32_t count)
{
    double va = book_variance(a, covariance, count), vb = book_variance(b, covariance, count);
    if (!(va > 0.0 && vb > 0.0))
        return NAN;
    return fmax(-1.0, fmin(1.0, matrix_form(a, covariance, b, count) / (sqrt(va) * sqrt(vb))));
}

double book_correlation_after(const struct book_question *question, double q)
{
    double after[COVARIANCE_SERIES_MAX], largest = NAN;
    assert(question->count <= COVARIANCE_SERIES_MAX && question->instrument < question->count);
    for (uint32_t i = 0; i < question->count; i++)
        after[i] = question->position[i] + (i == question->instrument ? q : 0.0);
    for (uint32_t b = 0; b < question->account_count; b++) {
        const double *other = question->others + (size_t)b * question->count;
        largest = fmax(largest, book_correlation(after, other, question->covariance, question->count));
    }
    return largest; /* fmax passes over NaN */
}

/* --- how much ------------------------------------------------------------------------------------------------------
 */

/* x'C y with correlations below 0 taken as 0 where the two risks have one sign. */
static double book_form_floored(const double *x, const double *correlation, const double *y, uint32_t count)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            double product = x[i] * y[j], c = correlation[i * count + j];
            sum += product * (i != j && product > 0.0 ? fmax(c, 0.0) : c);
        }
    return sum;
}

double book_capacity(const double *w, const double *u, const double *correlation, uint32_t count, double volatility)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX);
    double a = book_form_floored(u, correlation, u, count);
    double b = book_form_floored(u, correlation, w, count);
    double own = book_form_floored(w, correlation, w, count);
    double c = (own < 0.0 ? 0.0 : own) - volatility * volatility; /* NaN stays NaN */
    if (!(a > 0.0 && volatility >= 0.0 && isfinite(a) && isfinite(b) && isfinite(c)))
        return NAN;
    if (c > 0.0)
        return b < 0.0 ? -b / a : 0.0;
    double root = sqrt(b * b - a * c);
    return b > 0.0 ? -c / (b + root) : (root - b) / a; /* without cancellation */
}

static bool book_currency_shared(const struct covariance_instrument *x, const struct covariance_instrument *y)
{
    const char *mine[] = {x->base, x->quote}, *theirs[] = {y->base, y->quote};
    for (int i = 0; i < 4; i++)
        if (mine[i / 2][0] != '\0' && strncmp(mine[i / 2], theirs[i % 2], sizeof x->base) == 0)
            return true;
    return false;
}

void book_stress(const double *correlation, const struct covariance_instrument *instruments, uint32_t count,
                 double level, double *out)
{
    assert(level >= 0.0 && level <= 1.0);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            double c = correlation[i * count + j];
            bool stressed = i != j && book_currency_shared(&instruments[i], &instruments[j]) && !isnan(c);
            out[i * count + j] = stressed ? copysign(level, c < 0.0 ? -1.0 : 1.0) : c;
        }
}

double book_scale(const double *w, const double *u, const double *correlation,
                  const struct covariance_instrument *instruments, uint32_t count, double volatility, double wanted)
{
    assert(wanted > 0.0);
    double stressed[MATRIX_CELLS];
    book_stress(correlation, instruments, count, BOOK_STRESS_LEVEL, stressed);
    double plain = book_capacity(w, u, correlation, count, volatility);
    double worse = book_capacity(w, u, stressed, count, volatility);
    if (isnan(plain) || isnan(worse))
        return NAN;
    return fmin(1.0, fmin(plain, worse) / wanted);
}

/* --- how many accounts -----------------------------------------------------------------------------------------------
 */

/* Largest least angle, in degrees, between N = 4, 5, ... 14 points on a sphere (Tammes' problem, all proven), rounded
 * down. */
static const double tammes_degrees[] = {109.4712, 90.0,    90.0,    77.8695, 74.8584, 70.5287,
                                        66.1468,  63.4349, 63.4349, 57.1367, 55.6705};
#define TAMMES_FIRST 4u
#define TAMMES_COUNT (sizeof tammes_degrees / sizeof tammes_degrees[0])
#define DEGREE (3.14159265358979323846 / 180.0)
#define ANGLE_ROUNDING 1e-9 /* acos(0) is a right angle, of which four go round */

uint32_t book_accounts_feasible(uint32_t factors, double limit, bool long_only, bool *exact)
{
    assert(limit >= 0.0 && limit < 1.0);
    double angle = acos(limit) - ANGLE_ROUNDING;
    *exact = true;
    if (factors == 0 || long_only)
        return factors;
    if (factors == 1)
        return 2;
    if (factors == 2)
        return (uint32_t)(360.0 * DEGREE / angle);
    if (factors > 3) {
        *exact = false;
        return 2 * factors;
    }
    uint32_t points = TAMMES_FIRST;
    while (points - TAMMES_FIRST + 1 < TAMMES_COUNT && tammes_degrees[points - TAMMES_FIRST + 1] * DEGREE >= angle)
        points++;
    *exact = points - TAMMES_FIRST + 1 < TAMMES_COUNT;
    return points;
}

double book_accounts_effective(uint32_t accounts, double mean_correlation)
{
    double denominator = 1.0 + (accounts - 1.0) * mean_correlation;
    return accounts > 0 && denominator > 0.0 ? accounts / denominator : NAN;
}
