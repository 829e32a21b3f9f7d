#include "workers/risk/covariance/matrix.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include <gsl/gsl_eigen.h>

/* Below this share of the largest eigenvalue a matrix counts as singular. */
#define SINGULAR 1e-13

static bool matrix_is_finite(const double *a, uint32_t count)
{
    for (size_t i = 0; i < (size_t)count * count; i++)
        if (!isfinite(a[i]))
            return false;
    return true;
}

bool matrix_eigen(const double *a, uint32_t count, double *values, double *vectors)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX);
    if (!matrix_is_finite(a, count))
        return false;
    double copy[MATRIX_CELLS], own[MATRIX_CELLS];
    double d[COVARIANCE_SERIES_MAX], sd[COVARIANCE_SERIES_MAX], gc[COVARIANCE_SERIES_MAX], gs[COVARIANCE_SERIES_MAX];
    memcpy(copy, a, (size_t)count * count * sizeof copy[0]);
    gsl_eigen_symmv_workspace workspace = {.size = count, .d = d, .sd = sd, .gc = gc, .gs = gs};
    gsl_matrix_view matrix = gsl_matrix_view_array(copy, count, count);
    gsl_matrix_view columns = gsl_matrix_view_array(own, count, count);
    gsl_vector_view value = gsl_vector_view_array(values, count);
    gsl_eigen_symmv(&matrix.matrix, &value.vector, &columns.matrix, &workspace);
    gsl_eigen_symmv_sort(&value.vector, &columns.matrix, GSL_EIGEN_SORT_VAL_DESC);
    if (vectors)
        memcpy(vectors, own, (size_t)count * count * sizeof own[0]);
    return true;
}

bool matrix_power(const double *a, uint32_t count, double exponent, double *out)
{
    double values[COVARIANCE_SERIES_MAX], v[MATRIX_CELLS] = {0};
    if (!matrix_eigen(a, count, values, v) || !(values[0] > 0.0) || values[count - 1] <= SINGULAR * values[0])
        return false;
    for (uint32_t k = 0; k < count; k++)
        values[k] = pow(values[k], exponent);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (uint32_t k = 0; k < count; k++)
                sum += v[i * count + k] * values[k] * v[j * count + k];
            out[i * count + j] = out[j * count + i] = sum;
        }
    return true;
}

double matrix_form(const double *x, const double *a, const double *y, uint32_t count)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            sum += x[i] * a[i * count + j] * y[j];
    return sum;
}

void matrix_apply(const double *a, const double *x, uint32_t count, double *out)
{
    for (uint32_t i = 0; i < count; i++) {
        double sum = 0.0;
        for (uint32_t j = 0; j < count; j++)
            sum += a[i * count + j] * x[j];
        out[i] = sum;
    }
}

void matrix_multiply(const double *a, const double *b, uint32_t count, double *out)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            double sum = 0.0;
            for (uint32_t k = 0; k < count; k++)
                sum += a[i * count + k] * b[k * count + j];
            out[i * count + j] = sum;
        }
}

void matrix_fill(double *a, uint32_t count, double value)
{
    for (size_t i = 0; i < (size_t)count * count; i++)
        a[i] = value;
}
