/* kelly: the largest share of equity that may be risked on one trade so that a floor is hardly ever reached. Pure.
 *
 * The risk-constrained bound of Busseti, Ryu and Boyd (2016) (quant.md 5.4). A trade returns f X on equity, f the share at
 * risk and X the outcome in R. With lambda = ln(beta) / ln(alpha), every f with
 *     E[(1 + f X)^-lambda] <= 1
 * keeps P(the smallest wealth ever < alpha * wealth at the start) <= beta. The expectation is convex in f and 1 at
 * f = 0: it falls from there exactly when E[X] > 0, and comes back to 1 at one f, which is the bound. Without an edge
 * the bound is 0. It is sufficient, not sharp, and stands on trades that are independent and drawn from the X
 * given: take p at the lower 80 % Wilson bound, not at the estimate.
 *
 * Units: shares and probabilities as fractions (0.0034 is 0.34 %), outcomes and payoffs in R. What is no number or out
 * of its range gives NaN, never an f to trade with. Nothing here allocates or keeps a state.
 */
#ifndef PROPFLEET_WORKERS_RISK_KELLY_H
#define PROPFLEET_WORKERS_RISK_KELLY_H

#include <stdint.h>

/* lambda of "no loss to `floor` of the starting wealth (0 < floor < 1, 0.95: a loss of 5 %) with a probability above
 * `probability` (0 < probability < 1)". NaN out of range. */
double kelly_aversion(double floor, double probability);

/* f of largest growth for a win of payoff R (> 0) with probability p and a loss of 1 R else: max(0, p - (1 - p) / payoff).
 * NaN out of range. */
double kelly_full(double p, double payoff);

/* The bound for the same two outcomes, in [0, 1): relative error below 1e-12. p 1 has no risk to bound: 1. */
double kelly_constrained(double p, double payoff, double floor, double probability);

/* The bound for `count` outcomes in R that are equally likely (net of costs, out of sample: an exit ladder has more than
 * two). Every outcome must be finite. 0 without an edge; 1 / the largest loss bounds it from above; infinity when nothing
 * ever lost. NaN for count 0. Sums from the first to the last. */
double kelly_constrained_sample(const double *outcomes, uint32_t count, double floor, double probability);

/* The base risk for the next month: never above `bound`; goes down to it at once and up by at most a tenth of `current`.
 * From 0 it stays 0: a person starts it. NaN when either is NaN or negative. */
double kelly_base_next(double current, double bound);

#endif
