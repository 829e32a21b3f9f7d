#include "workers/performance/experiment/boundary.h"

#include <math.h>
#include <stdbool.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_zeta.h>

#define BISECTIONS_MAX 200 /* the interval is one bit wide long before */
#define DOUBLINGS_MAX 200
#define BETA_SHARE_MIN 1e-3 /* confseq's least r, as a share of g h */

static bool level_is_sane(double alpha)
{
    return alpha > 0.0 && alpha < 1.0;
}

/* --- roots ----------------------------------------------------------------------------------------------------------
 */

/* What a mixture's logarithm depends on besides s. */
struct mixture {
    double v, rho, c, threshold;
};

/* The s >= 0 at which an increasing log(s) reaches the threshold; NaN when it never does. */
static double root_of(double (*log_of)(double s, const struct mixture *m), const struct mixture *m)
{
    double low = 0.0, high = fmax(1.0, m->v);
    for (int i = 0; !(log_of(high, m) > m->threshold); i++) {
        if (i == DOUBLINGS_MAX)
            return (double)NAN;
        low = high;
        high *= 2.0;
    }
    for (int i = 0; i < BISECTIONS_MAX; i++) {
        double middle = low + (high - low) / 2.0;
        if (middle <= low || middle >= high)
            break;
        if (log_of(middle, m) > m->threshold)
            high = middle;
        else
            low = middle;
    }
    return low + (high - low) / 2.0;
}

/* --- normal mixtures
 * -------------------------------------------------------------------------------------------------- */

double boundary_rho_two_sided(double v_opt, double alpha)
{
    if (!(v_opt > 0.0) || !level_is_sane(alpha))
        return (double)NAN;
    double twice = 2.0 * log(1.0 / alpha);
    return v_opt / (twice + log(1.0 + twice));
}

double boundary_rho_one_sided(double v_opt, double alpha)
{
    return boundary_rho_two_sided(v_opt, 2.0 * alpha);
}

double boundary_normal_two_sided_log(double s, double v, double rho)
{
    if (!(v >= 0.0 && rho > 0.0))
        return (double)NAN;
    return 0.5 * log(rho / (v + rho)) + s * s / (2.0 * (v + rho));
}

double boundary_normal_one_sided_log(double s, double v, double rho)
{
    if (!(v >= 0.0 && rho > 0.0))
        return (double)NAN;
    return 0.5 * log(4.0 * rho / (v + rho)) + s * s / (2.0 * (v + rho)) + log(gsl_cdf_ugaussian_P(s / sqrt(v + rho)));
}

double boundary_normal_two_sided(double v, double rho, double alpha)
{
    if (!(v >= 0.0 && rho > 0.0) || !level_is_sane(alpha))
        return (double)NAN;
    return sqrt((v + rho) * (log1p(v / rho) + 2.0 * log(1.0 / alpha)));
}

static double one_sided_log(double s, const struct mixture *m)
{
    return boundary_normal_one_sided_log(s, m->v, m->rho);
}

double boundary_normal_one_sided(double v, double rho, double alpha)
{
    if (!(v >= 0.0 && rho > 0.0) || !level_is_sane(alpha))
        return (double)NAN;
    return root_of(one_sided_log, &(struct mixture){.v = v, .rho = rho, .threshold = log(1.0 / alpha)});
}

/* --- gamma-exponential mixture
 * ---------------------------------------------------------------------------------------- */

double boundary_gamma_exponential_log(double s, double v, double rho, double c)
{
    if (!(v >= 0.0 && rho > 0.0 && c > 0.0 && s >= 0.0))
        return (double)NAN;
    double prior = rho / (c * c), shape = (v + rho) / (c * c), time = (c * s + v) / (c * c);
    double constant = prior * log(prior) - gsl_sf_lngamma(prior) - log(gsl_sf_gamma_inc_P(prior, prior));
    return constant + gsl_sf_lngamma(shape) + log(gsl_sf_gamma_inc_P(shape, time + prior)) - shape * log(time + prior) +
           time;
}

static double gamma_exponential_log(double s, const struct mixture *m)
{
    return boundary_gamma_exponential_log(s, m->v, m->rho, m->c);
}

double boundary_gamma_exponential(double v, double rho, double c, double alpha)
{
    if (!(v >= 0.0 && rho > 0.0 && c > 0.0) || !level_is_sane(alpha))
        return (double)NAN;
    return root_of(gamma_exponential_log, &(struct mixture){.v = v, .rho = rho, .c = c, .threshold = log(1.0 / alpha)});
}

/* --- stitching
 * -------------------------------------------------------------------------------------------------------- */

double boundary_stitched(double v, double v_min, double c, double s, double eta, double alpha)
{
    if (!(v >= 0.0 && v_min > 0.0 && c >= 0.0 && s > 1.0 && eta > 1.0) || !level_is_sane(alpha))
        return (double)NAN;
    double k1 = (pow(eta, 0.25) + pow(eta, -0.25)) / sqrt(2.0), k2 = (sqrt(eta) + 1.0) / 2.0;
    double time = fmax(v, v_min);
    double level = s * log(log(eta * time / v_min)) + log(gsl_sf_zeta(s) / pow(log(eta), s)) + log(1.0 / alpha);
    double linear = k2 * c * level;
    return sqrt(k1 * k1 * time * level + linear * linear) + linear;
}

/* --- outcomes in [0, 1]
 * ------------------------------------------------------------------------------------------------ */

/* The beta-binomial mixture against a mean p in (0, 1): g = p, h = 1 - p, S = sum - n p, v = n p (1 - p). */
static double bernoulli_log(double p, double sum, double n, double n_opt, double alpha)
{
    double g = p, h = 1.0 - p, s = sum - n * p, v = n * g * h;
    double r = fmax(boundary_rho_two_sided(g * h * n_opt, alpha) - g * h, BETA_SHARE_MIN * g * h);
    return -((v + h * s) / h) * log(g) - ((v - g * s) / g) * log(h) +
           gsl_sf_lnbeta((r + v - g * s) / g, (r + v + h * s) / h) - gsl_sf_lnbeta(r / g, r / h);
}

/* Where the mixture reaches ln(1/alpha) between the observed mean, where it is low, and the end of [0, 1] beyond which
 * it is high: the logarithm rises with the distance from the mean. */
static double bernoulli_root(double mean, double end, double sum, double n, double n_opt, double alpha)
{
    double inside = mean, outside = end, threshold = log(1.0 / alpha);
    for (int i = 0; i < BISECTIONS_MAX; i++) {
        double middle = inside + (outside - inside) / 2.0;
        if (middle == inside || middle == outside)
            break;
        /* p = 0 and p = 1 themselves have no mixture and are beyond it by definition */
        if (middle <= 0.0 || middle >= 1.0 || bernoulli_log(middle, sum, n, n_opt, alpha) > threshold)
            outside = middle;
        else
            inside = middle;
    }
    return inside + (outside - inside) / 2.0;
}

struct boundary_interval boundary_bernoulli(double sum, uint64_t n, double n_opt, double alpha)
{
    if (!level_is_sane(alpha) || !(n_opt > 0.0) || !(sum >= 0.0 && sum <= (double)n))
        return (struct boundary_interval){(double)NAN, (double)NAN};
    struct boundary_interval whole = {0.0, 1.0};
    if (n == 0)
        return whole;
    double mean = sum / (double)n;
    if (mean > 0.0)
        whole.lower = bernoulli_root(mean, 0.0, sum, (double)n, n_opt, alpha);
    if (mean < 1.0)
        whole.upper = bernoulli_root(mean, 1.0, sum, (double)n, n_opt, alpha);
    return whole;
}
