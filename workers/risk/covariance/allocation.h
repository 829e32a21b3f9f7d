/* allocation: how a budget of risk is spread, and how many independent bets a book is. Pure.
 *
 * Shapes: covariance row-major [count][count], positive definite, count <= COVARIANCE_SERIES_MAX; weights and budgets [count].
 * Undefined is NaN; functions that return int give 0 or -EDOM with *out all NaN.
 */
#ifndef PROPFLEET_WORKERS_RISK_COVARIANCE_ALLOCATION_H
#define PROPFLEET_WORKERS_RISK_COVARIANCE_ALLOCATION_H

#include <stdint.h>

#include "workers/risk/covariance/covariance.h"

#define ALLOCATION_SWEEPS_MAX 10000u

/* Weights, > 0 and of sum 1, whose shares of the risk are the budgets (NULL: equal; else > 0, any scale): the minimum of
 * x'S x / 2 - sum b ln x by cyclical coordinates (Griveau-Billion, Richard, Roncalli 2013), strictly convex, until every
 * share is its budget to 1e-12. -EDOM: a variance or budget not > 0, a cell not finite, or no convergence in
 * ALLOCATION_SWEEPS_MAX sweeps (a singular matrix). */
int allocation_equal_risk(const double *covariance, uint32_t count, const double *budgets, double *weights);
/* RC_i = x_i (S x)_i / x'S x. NaN without variance. */
void allocation_risk_shares(const double *covariance, uint32_t count, const double *weights, double *shares);

/* sum |w| s / sqrt(w'S w); its square is the number of independent bets of equal size that diversify as well. */
double allocation_diversification_ratio(const double *covariance, uint32_t count, const double *weights);
/* 1 / sum w^2: only sizes, no correlation. */
double allocation_effective_weights(const double *weights, uint32_t count);

/* Effective number of bets exp(-sum p ln p) (Meucci 2009; with Santangelo and Deguest 2014), p the shares of variance of
 * uncorrelated factors, which are squares and so never negative.
 *   minimum torsion   the uncorrelated factors nearest to the instruments: p = (t'^-1 w) o (t S w) / w'S w. `exact` by the
 *                     fixed point of the paper, else its first step, the inverse root of the correlations. Prefer this.
 *   principal         the eigenvectors of S. Unstable: where eigenvalues coincide the shares inside their space are
 *                     arbitrary, so the answer is an interval, *low == *high when the eigenvalues differ. */
enum allocation_torsion { ALLOCATION_TORSION_APPROXIMATE, ALLOCATION_TORSION_EXACT };
double allocation_bets(const double *covariance, uint32_t count, const double *weights, enum allocation_torsion torsion);
void allocation_bets_principal(const double *covariance, uint32_t count, const double *weights, double *low, double *high);

#endif
