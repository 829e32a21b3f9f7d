#include "workers/performance/overfit/trials.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

/* The mass of the maximum of 1 .. 1e12 normals lies inside; beyond it less than 1e-20. Pieces of half a unit are
 * smooth. */
#define QUADRATURE_FROM (-11)
#define QUADRATURE_TO 13
#define QUADRATURE_NUMBER_MAX 1e12

/* --- the table ------------------------------------------------------------------------------------------------------
 */

void trials_init(struct trials *table, struct trial *rows, uint32_t capacity)
{
    assert(table && (rows || capacity == 0));
    *table = (struct trials){.rows = rows, .capacity = capacity, .count = 0};
}

const struct trial *trials_find(const struct trials *table, uint64_t id)
{
    assert(table && table->count <= table->capacity);
    for (uint32_t i = 0; i < table->count; i++)
        if (table->rows[i].id == id)
            return &table->rows[i];
    return NULL;
}

int trials_add(struct trials *table, const struct trial *trial)
{
    assert(table && trial && table->count <= table->capacity);
    if (trial->period_s == 0 || (table->count > 0 && trial->period_s != table->rows[0].period_s))
        return -EINVAL;
    if (!memchr(trial->label, '\0', sizeof trial->label))
        return -EINVAL;
    if (trials_find(table, trial->id))
        return -EEXIST;
    if (table->count == table->capacity)
        return -ENOSPC;
    table->rows[table->count++] = *trial;
    return 0;
}

double trials_sharpe_sd(const struct trials *table)
{
    assert(table && table->count <= table->capacity);
    double mean = 0.0, sum = 0.0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        double sharpe = table->rows[i].moments.sharpe;
        if (!isfinite(sharpe))
            continue;
        n++;
        double before = sharpe - mean;
        mean += before / n;
        sum += before * (sharpe - mean);
    }
    return n < 2 ? (double)NAN : sqrt(sum / (n - 1.0));
}

/* --- how many independent trials ------------------------------------------------------------------------------------
 */

static double series_mean(const double *returns, uint32_t period_count, uint32_t count, uint32_t i)
{
    double sum = 0.0;
    for (uint32_t t = 0; t < period_count; t++)
        sum += returns[(size_t)t * count + i];
    return sum / period_count;
}

static double series_product(const double *returns, uint32_t period_count, uint32_t count, uint32_t i, uint32_t j)
{
    double mean_i = series_mean(returns, period_count, count, i), mean_j = series_mean(returns, period_count, count, j);
    double sum = 0.0;
    for (uint32_t t = 0; t < period_count; t++)
        sum += (returns[(size_t)t * count + i] - mean_i) * (returns[(size_t)t * count + j] - mean_j);
    return sum;
}

int trials_correlation(const double *returns, uint32_t period_count, uint32_t count, double *out)
{
    assert(returns && out && count > 0);
    if (period_count < 2)
        return -EINVAL;
    for (size_t k = 0; k < (size_t)period_count * count; k++)
        if (!isfinite(returns[k]))
            return -EINVAL;
    for (uint32_t i = 0; i < count; i++)
        out[(size_t)i * count + i] = series_product(returns, period_count, count, i, i); /* for now the variance */
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++) {
            double scale = sqrt(out[(size_t)i * count + i]) * sqrt(out[(size_t)j * count + j]);
            double r = scale > 0.0 ? series_product(returns, period_count, count, i, j) / scale : 0.0;
            out[(size_t)i * count + j] = out[(size_t)j * count + i] = fmax(-1.0, fmin(1.0, r));
        }
    for (uint32_t i = 0; i < count; i++)
        out[(size_t)i * count + i] = 1.0;
    return 0;
}

double trials_effective_entropy(double *correlation, uint32_t count, double *scratch)
{
    assert(correlation && scratch && count > 0);
    for (size_t k = 0; k < (size_t)count * count; k++)
        if (!isfinite(correlation[k]))
            return (double)NAN; /* the QR iteration would not end */
    gsl_matrix_view matrix = gsl_matrix_view_array(correlation, count, count);
    gsl_vector_view values = gsl_vector_view_array(scratch, count);
    gsl_eigen_symm_workspace workspace = {.size = count, .d = scratch + count, .sd = scratch + 2u * (size_t)count};
    (void)gsl_eigen_symm(&matrix.matrix, &values.vector, &workspace);
    double total = 0.0, entropy = 0.0;
    for (uint32_t i = 0; i < count; i++)
        total += fmax(0.0, scratch[i]); /* rounding can leave a zero eigenvalue below zero */
    for (uint32_t i = 0; i < count; i++) {
        double share = fmax(0.0, scratch[i]) / total;
        if (share > 0.0)
            entropy -= share * log(share);
    }
    return exp(entropy);
}

double trials_effective_rho(const double *correlation, uint32_t count)
{
    assert(correlation && count > 0);
    if (count == 1)
        return 1.0;
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            sum += correlation[(size_t)i * count + j];
    double mean = sum / (0.5 * count * (count - 1.0));
    if (isnan(mean))
        return mean;
    double r = fmax(0.0, fmin(1.0, mean));
    return r + (1.0 - r) * count;
}

double trials_effective(const struct trials *table, uint32_t series_count, double effective)
{
    assert(table && series_count <= table->count);
    if (table->count == 0)
        return 0.0;
    bool selected = false;
    for (uint32_t i = 0; i < table->count; i++)
        selected |= table->rows[i].selected;
    double number = (series_count > 0 ? effective : 0.0) + (table->count - series_count);
    if (isnan(number))
        return number;
    return fmax(selected ? TRIALS_EFFECTIVE_MIN : 1.0, number);
}

/* --- what luck alone gives
 * -------------------------------------------------------------------------------------------- */

double trials_emax(double n)
{
    if (isnan(n))
        return n;
    if (n <= 1.0)
        return 0.0;
    double approximation =
        (1.0 - M_EULER) * gsl_cdf_ugaussian_Qinv(1.0 / n) + M_EULER * gsl_cdf_ugaussian_Qinv(1.0 / (n * M_E));
    return fmax(0.0, approximation);
}

struct maximum {
    double number, centre;
    int power; /* 1: mean of (x - centre); 2: of its square */
};

static double maximum_density(double x, void *context)
{
    const struct maximum *m = context;
    double moment = m->power == 1 ? x - m->centre : (x - m->centre) * (x - m->centre);
    /* Phi^(n-1) by way of log1p of the upper tail: exact where Phi is nearly 1 and n is large */
    double log_below = x > 0.0 ? log1p(-gsl_cdf_ugaussian_Q(x)) : log(gsl_cdf_ugaussian_P(x));
    return moment * m->number * gsl_ran_ugaussian_pdf(x) * exp((m->number - 1.0) * log_below);
}

static double maximum_moment(double n, double centre, int power)
{
    struct maximum m = {n, centre, power};
    gsl_function f = {maximum_density, &m};
    double sum = 0.0;
    for (int i = 2 * QUADRATURE_FROM; i < 2 * QUADRATURE_TO; i++) {
        double part, error, absolute, spread;
        gsl_integration_qk61(&f, 0.5 * i, 0.5 * (i + 1), &part, &error, &absolute, &spread);
        sum += part;
    }
    return sum;
}

double trials_emax_exact(double n)
{
    return n >= 1.0 && n <= QUADRATURE_NUMBER_MAX ? maximum_moment(n, 0.0, 1) : (double)NAN;
}

double trials_max_variance(double n)
{
    double mean = trials_emax_exact(n);
    return isnan(mean) ? mean : maximum_moment(n, mean, 2);
}

void trials_deflate(const struct psr_moments *candidate, double sharpe_sd, double n, struct trials_deflated *out)
{
    assert(candidate && out);
    double expected = trials_emax(n);
    out->number = n;
    out->sharpe_sd = sharpe_sd;
    out->benchmark = n <= 1.0 ? 0.0 : sharpe_sd * expected;
    out->probability = psr_probability(candidate, out->benchmark);
    out->probability_null = psr_probability_null(candidate, out->benchmark, 0.0);
}
