#include "workers/performance/warning/drawdown.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include <gsl/gsl_cdf.h>

#include "workers/performance/warning/quadrature.h"

double warning_drawdown(const double *returns, uint32_t days, double scale)
{
    double equity = 1.0, peak = 1.0, worst = 0.0;
    for (uint32_t i = 0; i < days; i++) {
        equity *= 1.0 + scale * returns[i];
        if (!isfinite(equity))
            return NAN;
        if (equity <= 0.0)
            return 1.0;
        peak = fmax(peak, equity);
        worst = fmax(worst, 1.0 - equity / peak);
    }
    return worst;
}

/* One path; NaN as above. */
static double drawdown_path(const struct warning_drawdown_question *q, const uint32_t *indices)
{
    double equity = 1.0, peak = 1.0, worst = 0.0;
    for (uint32_t i = 0; i < q->days; i++) {
        if (indices[i] >= q->return_count)
            return NAN;
        equity *= 1.0 + q->scale * q->returns[indices[i]];
        if (!isfinite(equity))
            return NAN;
        if (equity <= 0.0)
            equity = 0.0; /* stays there; the rest is still read, so that what is no number is found */
        peak = fmax(peak, equity);
        worst = fmax(worst, 1.0 - equity / peak);
    }
    return worst;
}

double warning_drawdown_p(const struct warning_drawdown_question *question)
{
    const struct warning_drawdown_question *q = question;
    uint32_t reached = 0;
    if (q->paths == 0 || q->days == 0 || !isfinite(q->live))
        return NAN;
    for (uint32_t p = 0; p < q->paths; p++) {
        double drawdown = drawdown_path(q, q->indices + (size_t)p * q->days);
        if (isnan(drawdown))
            return NAN;
        reached += drawdown >= q->live;
    }
    return (double)reached / q->paths;
}

/* --- Brownian motion
 * ------------------------------------------------------------------------------------------------------ */

#define TERM_MIN 1e-17
#define TERMS_MAX 100000u

/* Both series are exact; each is short where the other is long. a = depth / (s sqrt T). */
double warning_brownian_tail(double depth, double deviation, double days)
{
    if (!(deviation > 0.0 && days > 0.0 && isfinite(depth) && isfinite(deviation) && isfinite(days)))
        return NAN;
    double a = depth / (deviation * sqrt(days)), sum = 0.0, sign = 1.0;
    if (a <= 0.0)
        return 1.0;
    for (uint32_t n = 0; n < TERMS_MAX; n++, sign = -sign) {
        double odd = 2.0 * n + 1.0;
        double term = a > 1.0 ? 4.0 * gsl_cdf_ugaussian_Q(odd * a)
                              : 4.0 / M_PI / odd * exp(-odd * odd * M_PI * M_PI / (8.0 * a * a));
        sum += sign * term;
        if (term < TERM_MIN * fmax(sum, 1e-300))
            break;
    }
    return fmax(0.0, fmin(1.0, a > 1.0 ? sum : 1.0 - sum));
}

/* With s = T = 1 and drift m: the drawdown is a motion of drift -m, reflected at 0 and killed at h. Its survival is
 *   sum over the roots theta of tan(theta) = theta / (m h) of
 *     theta sin(theta) exp(-m h) / ((m^2 h^2 + theta^2) (1/2 - sin(2 theta) / (4 theta))) * exp(-(m^2 + theta^2 / h^2)
 * / 2) and for m h > 1 one root more, theta = i eta with tanh(eta) = eta / (m h). */
static double survival_root(double a, uint32_t n)
{
    /* theta cos(theta) - a sin(theta) changes its sign once in these. */
    double low = a < 0.0 ? (n - 0.5) * M_PI : a < 1.0 ? (n - 1.0) * M_PI : n * M_PI;
    double high = low + M_PI / 2.0;
    if (low == 0.0)
        low = 1e-9; /* 0 itself is a root that does not count */
    double sign = low * cos(low) - a * sin(low);
    for (int step = 0; step < 60; step++) {
        double middle = (low + high) / 2.0;
        if ((middle * cos(middle) - a * sin(middle) > 0.0) == (sign > 0.0))
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2.0;
}

/* The root of tanh for a > 1; scaled so that nothing overflows: e = exp(-2 eta). */
static double survival_hyperbolic(double m, double a)
{
    double low = 0.0, high = a;
    for (int step = 0; step < 100; step++) {
        double middle = (low + high) / 2.0;
        if (tanh(middle) > middle / a)
            low = middle;
        else
            high = middle;
    }
    double eta = (low + high) / 2.0, e = exp(-2.0 * eta), square = 4.0 * e / ((1.0 + e) * (1.0 + e)); /* sech^2 */
    double numerator = eta * exp(eta - a) * (1.0 - e) * (1.0 + e) * (1.0 + e) / 8.0;
    return numerator / (a * a * ((1.0 - e * e) / (8.0 * eta) - e / 2.0)) * exp(-0.5 * m * m * square);
}

static double survival(double m, double h)
{
    double a = m * h, sum = a > 1.0 ? survival_hyperbolic(m, a) : 0.0;
    for (uint32_t n = 1; n < TERMS_MAX; n++) {
        double theta = survival_root(a, n), decay = 0.5 * (m * m + theta * theta / (h * h));
        if (decay + a > 700.0 || theta * theta / (h * h) > 90.0)
            break;
        sum +=
            theta * sin(theta) * exp(-a - decay) / ((a * a + theta * theta) * (0.5 - sin(2.0 * theta) / (4.0 * theta)));
    }
    return fmax(0.0, fmin(1.0, sum));
}

#define PANELS 48u
#define PANEL_NODES 16u
#define STEEP 3.6 /* downwards drift beyond which the series cancels and the limit is good to 1e-4 */

double warning_brownian_expected(double mean, double deviation, double days)
{
    if (!(deviation > 0.0 && days > 0.0 && isfinite(mean) && isfinite(deviation) && isfinite(days)))
        return NAN;
    double scale = deviation * sqrt(days), m = mean * sqrt(days) / deviation;
    if (m < -STEEP) /* the fall itself, and one excursion at each end */
        return scale * (1.0 / -m - m);
    double top = m < 0.0 ? 6.0 - m : m > 2.0 ? fmin(8.0, (2.0 * log1p(m * m) + 40.0) / (2.0 * m)) : 8.0, sum = 0.0;
    for (uint32_t panel = 0; panel < PANELS; panel++) {
        double nodes[PANEL_NODES], weights[PANEL_NODES];
        quadrature_legendre(PANEL_NODES, top * panel / PANELS, top * (panel + 1) / PANELS, nodes, weights);
        for (uint32_t i = 0; i < PANEL_NODES; i++)
            sum += weights[i] * (1.0 - survival(m, nodes[i]));
    }
    return scale * sum;
}
