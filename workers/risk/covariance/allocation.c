#include "workers/risk/covariance/allocation.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "workers/risk/covariance/matrix.h"

#define SHARE_ERROR 1e-12
#define TORSION_STEPS_MAX 1000u
#define TORSION_ERROR 1e-12   /* of the distance, which is flat at its minimum: the shares are then good to 1e-7 */
#define SAME_EIGENVALUE 1e-10 /* of the largest */

/* --- equal risk ----------------------------------------------------------------------------------------------------
 */

static bool risk_can(const double *covariance, uint32_t count, const double *budgets)
{
    for (size_t i = 0; i < (size_t)count * count; i++)
        if (!isfinite(covariance[i]))
            return false;
    for (uint32_t i = 0; i < count; i++)
        if (!(covariance[i * count + i] > 0.0) || (budgets && !(budgets[i] > 0.0 && isfinite(budgets[i]))))
            return false;
    return true;
}

/* One sweep: each x to the minimum along its coordinate, the positive root of S_ii x^2 + s x - b = 0. */
static void risk_sweep(const double *covariance, uint32_t count, const double *budgets, double *x)
{
    for (uint32_t i = 0; i < count; i++) {
        double s = 0.0, d = covariance[i * count + i];
        for (uint32_t j = 0; j < count; j++)
            s += j == i ? 0.0 : covariance[i * count + j] * x[j];
        double root = sqrt(s * s + 4.0 * d * budgets[i]);
        x[i] = s > 0.0 ? 2.0 * budgets[i] / (s + root) : (root - s) / (2.0 * d); /* without cancellation */
    }
}

void allocation_risk_shares(const double *covariance, uint32_t count, const double *weights, double *shares)
{
    double total = 0.0;
    matrix_apply(covariance, weights, count, shares);
    for (uint32_t i = 0; i < count; i++) {
        shares[i] *= weights[i];
        total += shares[i];
    }
    for (uint32_t i = 0; i < count; i++)
        shares[i] = total > 0.0 ? shares[i] / total : NAN;
}

static double risk_error(const double *covariance, uint32_t count, const double *budgets, const double *x)
{
    double shares[COVARIANCE_SERIES_MAX], error = 0.0;
    allocation_risk_shares(covariance, count, x, shares);
    for (uint32_t i = 0; i < count; i++)
        error = isnan(shares[i]) ? INFINITY : fmax(error, fabs(shares[i] - budgets[i]));
    return error;
}

int allocation_equal_risk(const double *covariance, uint32_t count, const double *budgets, double *weights)
{
    assert(count > 0 && count <= COVARIANCE_SERIES_MAX);
    double b[COVARIANCE_SERIES_MAX], sum = 0.0, error = INFINITY;
    bool valid = risk_can(covariance, count, budgets);
    for (uint32_t i = 0; i < count && valid; i++)
        sum += b[i] = budgets ? budgets[i] : 1.0;
    for (uint32_t i = 0; i < count && valid; i++) {
        b[i] /= sum;
        weights[i] = sqrt(b[i] / covariance[i * count + i]);
    }
    for (uint32_t sweep = 0; valid && sweep < ALLOCATION_SWEEPS_MAX && !(error <= SHARE_ERROR); sweep++) {
        risk_sweep(covariance, count, b, weights);
        error = risk_error(covariance, count, b, weights);
    }
    double total = 0.0;
    for (uint32_t i = 0; i < count; i++)
        total += weights[i] = error <= SHARE_ERROR ? weights[i] : NAN;
    for (uint32_t i = 0; i < count; i++)
        weights[i] /= total;
    return error <= SHARE_ERROR ? 0 : -EDOM;
}

/* --- diversification -----------------------------------------------------------------------------------------------
 */

double allocation_diversification_ratio(const double *covariance, uint32_t count, const double *weights)
{
    double alone = 0.0, variance = matrix_form(weights, covariance, weights, count);
    for (uint32_t i = 0; i < count; i++)
        alone += fabs(weights[i]) * sqrt(covariance[i * count + i]);
    return variance > 0.0 ? alone / sqrt(variance) : NAN;
}

double allocation_effective_weights(const double *weights, uint32_t count)
{
    double square = 0.0;
    for (uint32_t i = 0; i < count; i++)
        square += weights[i] * weights[i];
    return square > 0.0 ? 1.0 / square : NAN;
}

static double bets_entropy(double share)
{
    return share > 0.0 ? -share * log(share) : 0.0;
}

static double bets_exp_entropy(const double *shares, uint32_t count)
{
    double entropy = 0.0;
    for (uint32_t i = 0; i < count; i++)
        entropy += isnan(shares[i]) ? NAN : bets_entropy(shares[i]);
    return exp(entropy);
}

/* One step of the fixed point: with c the root of the correlations, q = (D c c D)^-1/2 D c is the rotation that brings
 * D^-1 q nearest, and D = diag(q c) the scales that fit it. False where something is singular. */
static bool torsion_step(const double *c, uint32_t count, double *d, double *q)
{
    double scaled[MATRIX_CELLS] = {0}, u[MATRIX_CELLS], inverse[MATRIX_CELLS];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            scaled[i * count + j] = d[i] * c[i * count + j];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (uint32_t k = 0; k < count; k++)
                sum += scaled[i * count + k] * scaled[j * count + k];
            u[i * count + j] = u[j * count + i] = sum;
        }
    if (!matrix_power(u, count, -0.5, inverse))
        return false;
    matrix_multiply(inverse, scaled, count, q);
    for (uint32_t i = 0; i < count; i++) {
        d[i] = 0.0;
        for (uint32_t k = 0; k < count; k++)
            d[i] += q[i * count + k] * c[k * count + i];
    }
    return true;
}

/* How far the torsion D q is from the instruments, whose root is c. */
static double torsion_distance(const double *c, uint32_t count, const double *d, const double *q)
{
    double square = 0.0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            double error = c[i * count + j] - d[i] * q[i * count + j];
            square += error * error;
        }
    return sqrt(square);
}

/* t = sd x sd^-1 with x = D q c^-1, so x^-1 = c q' D^-1. The approximate torsion is q = I, D = I. */
static bool torsion_find(const double *c, uint32_t count, enum allocation_torsion torsion, double *d, double *q)
{
    matrix_fill(q, count, 0.0);
    for (uint32_t i = 0; i < count; i++)
        d[i] = q[i * count + i] = 1.0;
    double distance = INFINITY, moved = torsion == ALLOCATION_TORSION_EXACT ? INFINITY : 0.0;
    for (uint32_t step = 0; step < TORSION_STEPS_MAX && moved >= TORSION_ERROR; step++) {
        double before = distance;
        if (!torsion_step(c, count, d, q))
            return false;
        distance = torsion_distance(c, count, d, q);
        moved = fabs(before - distance);
    }
    return true;
}

double allocation_bets(const double *covariance, uint32_t count, const double *weights, enum allocation_torsion torsion)
{
    double sd[COVARIANCE_SERIES_MAX], d[COVARIANCE_SERIES_MAX], shares[COVARIANCE_SERIES_MAX];
    double correlation[MATRIX_CELLS], root[MATRIX_CELLS], q[MATRIX_CELLS];
    if (covariance_split(covariance, count, sd, correlation) || !matrix_power(correlation, count, 0.5, root) ||
        !torsion_find(root, count, torsion, d, q))
        return NAN;
    double scaled[COVARIANCE_SERIES_MAX], work[COVARIANCE_SERIES_MAX];
    double variance = matrix_form(weights, covariance, weights, count);
    if (!(variance > 0.0))
        return NAN;
    /* t'^-1 w = sd^-1 D^-1 q c (sd w), and t S w = sd D q c^-1 sd^-1 S w = sd D q c (sd w), as S = sd c c sd: the sd
     * and the D cancel, and the shares are squares. */
    for (uint32_t i = 0; i < count; i++)
        scaled[i] = sd[i] * weights[i];
    matrix_apply(root, scaled, count, work);
    matrix_apply(q, work, count, shares);
    for (uint32_t i = 0; i < count; i++)
        shares[i] *= shares[i] / variance;
    return bets_exp_entropy(shares, count);
}

void allocation_bets_principal(const double *covariance, uint32_t count, const double *weights, double *low,
                               double *high)
{
    double values[COVARIANCE_SERIES_MAX], vectors[MATRIX_CELLS], shares[COVARIANCE_SERIES_MAX];
    *low = *high = NAN;
    double variance = matrix_form(weights, covariance, weights, count);
    if (!(variance > 0.0) || !matrix_eigen(covariance, count, values, vectors))
        return;
    for (uint32_t k = 0; k < count; k++) {
        double exposure = 0.0;
        for (uint32_t i = 0; i < count; i++)
            exposure += vectors[i * count + k] * weights[i];
        shares[k] = exposure * exposure * values[k] / variance;
    }
    double least = 0.0, most = 0.0;
    for (uint32_t k = 0, end; k < count; k = end) {
        double share = 0.0;
        for (end = k; end < count && values[k] - values[end] <= SAME_EIGENVALUE * values[0]; end++)
            share += shares[end];
        least += bets_entropy(share);
        most += end == k + 1 ? bets_entropy(share) : share > 0.0 ? -share * log(share / (end - k)) : 0.0;
    }
    *low = exp(least);
    *high = exp(most);
}
