/* matrix: small symmetric matrices of this folder, row-major doubles in the caller's memory. Pure; GSL's eigensystem
 * with a workspace on the stack. */
#ifndef PROPFLEET_WORKERS_RISK_COVARIANCE_MATRIX_H
#define PROPFLEET_WORKERS_RISK_COVARIANCE_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/risk/covariance/covariance.h"

#define MATRIX_CELLS ((size_t)COVARIANCE_SERIES_MAX * COVARIANCE_SERIES_MAX)

/* Eigenvalues, largest first, and eigenvectors as the columns of `vectors` (may be NULL). False: a cell is not finite. */
bool matrix_eigen(const double *a, uint32_t count, double *values, double *vectors);
/* V diag(f(values)) V' for the power `exponent` of a positive definite matrix. False: it is not. */
bool matrix_power(const double *a, uint32_t count, double exponent, double *out);
double matrix_form(const double *x, const double *a, const double *y, uint32_t count); /* x' A y */
void matrix_apply(const double *a, const double *x, uint32_t count, double *out);      /* A x */
void matrix_multiply(const double *a, const double *b, uint32_t count, double *out);   /* A B; out apart */
void matrix_fill(double *a, uint32_t count, double value);

#endif
