#include "workers/strategy/signals/reliability.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#define NEWTON_STEPS_MAX 60u /* of a maximum that exists 5 to 10 are needed; a separated sample never settles */
#define HALVINGS_MAX 40u
#define STEP_SMALL 1e-11

/* What is fitted is standardised, u = (x - centre) / scale: prices have means that swallow their differences. */
struct logit_sample {
    const double *x, *target;
    uint32_t n;
    double centre, scale;
};
/* Sums of one pass: the negative log likelihood, its gradient and its information matrix. */
struct logit_sums {
    double loss, g0, g1, h00, h01, h11;
};

static struct logit_sums logit_pass(const struct logit_sample *sample, double intercept, double slope)
{
    struct logit_sums s = {0};
    for (uint32_t i = 0; i < sample->n; i++) {
        double u = (sample->x[i] - sample->centre) / sample->scale, target = sample->target[i];
        double z = intercept + slope * u, e = exp(-fabs(z)), q = e / (1.0 + e);
        /* p - target; as 1 - q - target it would be exactly 0 for far winners, and separated classes a maximum */
        double miss = z >= 0.0 ? 1.0 - target - q : q - target, weight = e / ((1.0 + e) * (1.0 + e));
        s.loss += log1p(e) + (z > 0.0 ? z * (1.0 - target) : -z * target);
        s.g0 += miss;
        s.g1 += miss * u;
        s.h00 += weight;
        s.h01 += weight * u;
        s.h11 += weight * u * u;
    }
    return s;
}

/* False: x does not vary. */
static bool logit_standardise(struct logit_sample *sample)
{
    double sum = 0.0, square = 0.0, largest = 0.0;
    for (uint32_t i = 0; i < sample->n; i++) {
        sum += sample->x[i];
        largest = fmax(largest, fabs(sample->x[i]));
    }
    sample->centre = sum / sample->n;
    for (uint32_t i = 0; i < sample->n; i++)
        square += (sample->x[i] - sample->centre) * (sample->x[i] - sample->centre);
    sample->scale = sqrt(square / sample->n);
    return sample->scale > 1e-13 * largest && isfinite(sample->scale);
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

/* Back from u to x; standard errors from the inverse of the information matrix. */
static struct signals_logit logit_result(const struct logit_sample *sample, const struct logit_sums *s, double determinant,
                                         double intercept, double slope)
{
    double k = sample->centre / sample->scale;
    double variance = (s->h11 + 2.0 * k * s->h01 + k * k * s->h00) / determinant;
    return (struct signals_logit){intercept - slope * k, slope / sample->scale, sqrt(variance),
                                  sqrt(s->h00 / determinant) / sample->scale};
}

int signals_logit_fit(const double *x, const double *target, uint32_t n, struct signals_logit *out)
{
    struct logit_sample sample = {.x = x, .target = target, .n = n};
    double intercept = 0.0, slope = 0.0, determinant;
    *out = (struct signals_logit){NAN, NAN, NAN, NAN};
    if (!logit_valid(x, target, n))
        return -EINVAL;
    if (!logit_standardise(&sample))
        return -EDOM;
    struct logit_sums s = logit_pass(&sample, intercept, slope);
    for (unsigned step = 0; step < NEWTON_STEPS_MAX; step++) {
        if (logit_singular(&s, &determinant))
            return -EDOM;
        double d0 = (s.h11 * s.g0 - s.h01 * s.g1) / determinant, d1 = (s.h00 * s.g1 - s.h01 * s.g0) / determinant;
        struct logit_sums next = logit_pass(&sample, intercept - d0, slope - d1);
        for (unsigned i = 0; i < HALVINGS_MAX && !(next.loss <= s.loss * (1.0 + 1e-14)); i++) {
            d0 *= 0.5;
            d1 *= 0.5;
            next = logit_pass(&sample, intercept - d0, slope - d1);
        }
        intercept -= d0;
        slope -= d1;
        s = next;
        if (fabs(d0) > STEP_SMALL * (1.0 + fabs(intercept)) || fabs(d1) > STEP_SMALL * (1.0 + fabs(slope)))
            continue;
        if (logit_singular(&s, &determinant))
            return -EDOM;
        *out = logit_result(&sample, &s, determinant, intercept, slope);
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
