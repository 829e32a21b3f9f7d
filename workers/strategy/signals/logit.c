#include "workers/strategy/signals/reliability.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#define NEWTON_STEPS_MAX 60u /* of a maximum that exists 5 to 10 are needed; a separated sample never settles */
#define HALVINGS_MAX 40u
#define STEP_SMALL 1e-11

/* Sums of one pass: the negative log likelihood, its gradient and its information matrix. */
struct logit_sums {
    double loss, g0, g1, h00, h01, h11;
};

static struct logit_sums logit_pass(const double *x, const double *target, uint32_t n, double intercept, double slope)
{
    struct logit_sums s = {0};
    for (uint32_t i = 0; i < n; i++) {
        double z = intercept + slope * x[i], e = exp(-fabs(z)), p = z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
        double miss = p - target[i], weight = e / ((1.0 + e) * (1.0 + e));
        s.loss += log1p(e) + (z > 0.0 ? z * (1.0 - target[i]) : -z * target[i]);
        s.g0 += miss;
        s.g1 += miss * x[i];
        s.h00 += weight;
        s.h01 += weight * x[i];
        s.h11 += weight * x[i] * x[i];
    }
    return s;
}

static bool logit_valid(const double *x, const double *target, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isfinite(x[i]) || !(target[i] >= 0.0 && target[i] <= 1.0))
            return false;
    return n > 0;
}

/* The determinant is compared with the product that it would be without the covariance: a constant x gives rounding. */
static bool logit_singular(const struct logit_sums *s, double *determinant)
{
    *determinant = s->h00 * s->h11 - s->h01 * s->h01;
    return !(*determinant > 1e-13 * s->h00 * s->h11) || !(s->h00 > 1e-280);
}

int signals_logit_fit(const double *x, const double *target, uint32_t n, struct signals_logit *out)
{
    double intercept = 0.0, slope = 0.0, determinant;
    *out = (struct signals_logit){NAN, NAN, NAN, NAN};
    if (!logit_valid(x, target, n))
        return -EINVAL;
    struct logit_sums s = logit_pass(x, target, n, intercept, slope);
    for (unsigned step = 0; step < NEWTON_STEPS_MAX; step++) {
        if (logit_singular(&s, &determinant))
            return -EDOM;
        double d0 = (s.h11 * s.g0 - s.h01 * s.g1) / determinant, d1 = (s.h00 * s.g1 - s.h01 * s.g0) / determinant;
        struct logit_sums next = logit_pass(x, target, n, intercept - d0, slope - d1);
        for (unsigned i = 0; i < HALVINGS_MAX && !(next.loss <= s.loss * (1.0 + 1e-14)); i++) {
            d0 *= 0.5;
            d1 *= 0.5;
            next = logit_pass(x, target, n, intercept - d0, slope - d1);
        }
        intercept -= d0;
        slope -= d1;
        s = next;
        if (fabs(d0) > STEP_SMALL * (1.0 + fabs(intercept)) || fabs(d1) > STEP_SMALL * (1.0 + fabs(slope)))
            continue;
        if (logit_singular(&s, &determinant))
            return -EDOM;
        *out = (struct signals_logit){intercept, slope, sqrt(s.h11 / determinant), sqrt(s.h00 / determinant)};
        return 0;
    }
    return -EDOM;
}

int signals_cox_fit(const double *p, const uint8_t *y, uint32_t n, double *scratch, struct signals_logit *out)
{
    double *x = scratch, *target = scratch + n;
    for (uint32_t i = 0; i < n; i++) {
        double clipped = fmin(fmax(p[i], SIGNALS_P_CLIP), 1.0 - SIGNALS_P_CLIP);
        x[i] = p[i] >= 0.0 && p[i] <= 1.0 ? log(clipped) - log1p(-clipped) : NAN; /* NaN: fmax would hide it */
        target[i] = y[i];
    }
    return signals_logit_fit(x, target, n, out);
}
