/* boundary: how far a sum may wander, at all times at once. Uniform boundaries of Howard, Ramdas, McAuliffe and Sekhon (2021),
 * as the library confseq computes them (quant.md section 9). Pure.
 *
 * S is a martingale with intrinsic time v (for observations of known variance s2: v = n s2). A boundary u(v) at level
 * alpha is crossed at ANY time with probability at most alpha, so that looking after every observation is allowed. Divide
 * by n for a mean. A boundary is tightest near the v for which it was made (v_opt).
 *   two-sided normal mixture   sqrt((v + rho)(ln(1 + v/rho) + 2 ln(1/alpha)))          |S| stays below it
 *   one-sided normal mixture   the s with  ln(4 rho/(v+rho))/2 + s^2/(2(v+rho)) + ln Phi(s/sqrt(v+rho)) = ln(1/alpha)
 *   gamma-exponential mixture  for increments with exponential tails of scale c (sub-exponential S); rho one-sided
 *   polynomial stitching       sqrt(k1^2 w l + (k2 c l)^2) + k2 c l, w = max(v, v_min), k1 = (eta^1/4 + eta^-1/4)/sqrt 2,
 *                              k2 = (sqrt eta + 1)/2, l = s ln ln(eta w/v_min) + ln(zeta(s)/ln(eta)^s) + ln(1/alpha)
 *   rho(v_opt)                 v_opt / (2 ln(1/a) + ln(1 + 2 ln(1/a))), a = alpha two-sided, 2 alpha one-sided
 * Arguments that have no meaning (alpha outside (0, 1), v < 0, rho, c or v_min <= 0) give NaN. Roots by bisection to the last
 * bit: nothing is allocated.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_EXPERIMENT_BOUNDARY_H
#define PROPFLEET_WORKERS_PERFORMANCE_EXPERIMENT_BOUNDARY_H

#include <stdint.h>

double boundary_rho_two_sided(double v_opt, double alpha);
double boundary_rho_one_sided(double v_opt, double alpha); /* alpha < 1/2 */

/* Logarithm of the mixture martingale at S = s: it exceeds ln(1/alpha) with probability at most alpha. */
double boundary_normal_two_sided_log(double s, double v, double rho);
double boundary_normal_one_sided_log(double s, double v, double rho);
double boundary_gamma_exponential_log(double s, double v, double rho, double c); /* s >= 0 */

double boundary_normal_two_sided(double v, double rho, double alpha);
double boundary_normal_one_sided(double v, double rho, double alpha);
double boundary_gamma_exponential(double v, double rho, double c, double alpha);

#define BOUNDARY_STITCH_S 1.4   /* how the error is spread over epochs */
#define BOUNDARY_STITCH_ETA 2.0 /* an epoch ends at eta times its beginning */
double boundary_stitched(double v, double v_min, double c, double s, double eta, double alpha); /* c >= 0, s, eta > 1 */

struct boundary_interval {
    double lower, upper;
};
/* Confidence sequence for the mean of outcomes in [0, 1] (a win rate) by the two-sided beta-binomial mixture: `sum` of n
 * outcomes, made for n_opt of them. [0, 1] for n = 0; NaN when sum is not in [0, n]. */
struct boundary_interval boundary_bernoulli(double sum, uint64_t n, double n_opt, double alpha);

#endif
