#include "workers/strategy/signals/calibrator.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "workers/strategy/signals/reliability.h"

static bool isotonic_valid(const double *x, const double *y, const double *weights, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]) || (weights && !(weights[i] > 0.0 && isfinite(weights[i]))))
            return false;
    return n > 0;
}

/* Pools from the end while a block's mean is not above the one before it. Returns the number of blocks. */
static uint32_t isotonic_pool(double *sum, double *weight, double *last, uint32_t blocks)
{
    while (blocks > 1 && sum[blocks - 2] * weight[blocks - 1] >= sum[blocks - 1] * weight[blocks - 2]) {
        sum[blocks - 2] += sum[blocks - 1];
        weight[blocks - 2] += weight[blocks - 1];
        last[blocks - 2] = last[blocks - 1];
        blocks--;
    }
    return blocks;
}

int signals_isotonic_fit(const double *x, const double *y, const double *weights, uint32_t n,
                         const struct signals_isotonic_scratch *scratch, double *x_out, double *y_out, uint32_t *knot_count)
{
    if (!isotonic_valid(x, y, weights, n))
        return -EINVAL;
    struct signals_ranked *ranked = scratch->ranked;
    uint32_t blocks = 0;
    signals_order(x, n, ranked);
    for (uint32_t i = 0, end; i < n; i = end) {
        double sum = 0.0, weight = 0.0;
        for (end = i; end < n && ranked[end].value == ranked[i].value; end++) {
            double w = weights ? weights[ranked[end].index] : 1.0;
            sum += w * y[ranked[end].index];
            weight += w;
        }
        scratch->sum[blocks] = sum;
        scratch->weight[blocks] = weight;
        scratch->last[blocks] = ranked[i].value;
        blocks = isotonic_pool(scratch->sum, scratch->weight, scratch->last, blocks + 1);
    }
    uint32_t knots = 0, row = 0;
    for (uint32_t k = 0; k < blocks; k++) {
        double first = ranked[row].value, mean = scratch->sum[k] / scratch->weight[k];
        while (row < n && ranked[row].value <= scratch->last[k])
            row++;
        x_out[knots] = first;
        y_out[knots++] = mean;
        if (scratch->last[k] > first) {
            x_out[knots] = scratch->last[k];
            y_out[knots++] = mean;
        }
    }
    *knot_count = knots;
    return 0;
}

double signals_isotonic_apply(const double *knot_x, const double *knot_y, uint32_t knot_count, double x)
{
    assert(knot_count > 0);
    if (isnan(x))
        return NAN;
    if (x <= knot_x[0])
        return knot_y[0];
    if (x >= knot_x[knot_count - 1])
        return knot_y[knot_count - 1];
    uint32_t lo = 0, hi = knot_count - 1; /* knot_x[lo] <= x < knot_x[hi] */
    while (hi - lo > 1) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (knot_x[middle] <= x)
            lo = middle;
        else
            hi = middle;
    }
    return knot_y[lo] + (knot_y[hi] - knot_y[lo]) * ((x - knot_x[lo]) / (knot_x[hi] - knot_x[lo]));
}

int signals_platt_fit(const double *f, const uint8_t *y, uint32_t n, double *scratch, double *a, double *b)
{
    uint32_t wins = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (y[i] > 1)
            return -EINVAL;
        wins += y[i];
    }
    for (uint32_t i = 0; i < n; i++)
        scratch[i] = y[i] ? (wins + 1.0) / (wins + 2.0) : 1.0 / (n - wins + 2.0);
    struct signals_logit fit;
    int error = signals_logit_fit(f, scratch, n, &fit);
    *a = -fit.slope;
    *b = -fit.intercept;
    return error;
}

double signals_platt_apply(double a, double b, double f)
{
    double z = a * f + b, e = exp(-fabs(z));
    return z > 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

static int calibrator_isotonic(const double *f, const uint8_t *y, uint32_t n,
                               const struct signals_calibrator_scratch *scratch, struct signals_calibrator *out)
{
    uint32_t knots;
    for (uint32_t i = 0; i < n; i++) {
        if (y[i] > 1)
            return -EINVAL;
        scratch->values[i] = y[i];
    }
    int error = signals_isotonic_fit(f, scratch->values, NULL, n, &scratch->isotonic, scratch->knot_x, scratch->knot_y, &knots);
    if (error)
        return error;
    if (knots > SIGNALS_KNOTS_MAX)
        return -ENOSPC;
    memcpy(out->x, scratch->knot_x, knots * sizeof out->x[0]);
    memcpy(out->y, scratch->knot_y, knots * sizeof out->y[0]);
    out->knot_count = knots;
    out->kind = SIGNALS_CALIBRATOR_ISOTONIC;
    return 0;
}

int signals_calibrator_fit(const double *f, const uint8_t *y, uint32_t n, const struct signals_calibrator_scratch *scratch,
                           struct signals_calibrator *out)
{
    memset(out, 0, sizeof *out);
    out->version = SIGNALS_CALIBRATOR_VERSION;
    out->n = n;
    if (n < SIGNALS_SAMPLE_MIN)
        return -EAGAIN;
    if (n >= SIGNALS_ISOTONIC_MIN)
        return calibrator_isotonic(f, y, n, scratch, out);
    double a, b;
    int error = signals_platt_fit(f, y, n, scratch->values, &a, &b);
    if (error)
        return error;
    out->a = a;
    out->b = b;
    out->kind = SIGNALS_CALIBRATOR_PLATT;
    return 0;
}

double signals_calibrator_apply(const struct signals_calibrator *calibrator, double f)
{
    switch (calibrator->kind) {
    case SIGNALS_CALIBRATOR_PLATT: return signals_platt_apply(calibrator->a, calibrator->b, f);
    case SIGNALS_CALIBRATOR_ISOTONIC:
        return signals_isotonic_apply(calibrator->x, calibrator->y, calibrator->knot_count, f);
    default: return NAN;
    }
}

bool signals_calibrator_sane(const struct signals_calibrator *calibrator)
{
    const struct signals_calibrator *c = calibrator;
    if (c->version != SIGNALS_CALIBRATOR_VERSION || c->kind > SIGNALS_CALIBRATOR_ISOTONIC || !isfinite(c->a) || !isfinite(c->b))
        return false;
    if (c->kind != SIGNALS_CALIBRATOR_ISOTONIC)
        return c->knot_count == 0;
    if (c->knot_count == 0 || c->knot_count > SIGNALS_KNOTS_MAX)
        return false;
    for (uint32_t i = 0; i < c->knot_count; i++) {
        if (!isfinite(c->x[i]) || !(c->y[i] >= 0.0 && c->y[i] <= 1.0))
            return false;
        if (i > 0 && (!(c->x[i] > c->x[i - 1]) || !(c->y[i] >= c->y[i - 1])))
            return false;
    }
    return true;
}
