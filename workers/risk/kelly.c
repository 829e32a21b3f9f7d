#include "workers/risk/kelly.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define STEPS_MAX 200u /* bisections: the interval is down to neighbouring doubles long before */
#define RAISE_MAX 1.1  /* a month (quant.md 5.4) */

double kelly_aversion(double floor, double probability)
{
    bool valid = floor > 0.0 && floor < 1.0 && probability > 0.0 && probability < 1.0;
    return valid ? log(probability) / log(floor) : NAN;
}

double kelly_full(double p, double payoff)
{
    if (!(p >= 0.0 && p <= 1.0 && payoff > 0.0 && isfinite(payoff)))
        return NAN;
    return fmax(0.0, p - (1.0 - p) / payoff);
}

/* Outcomes with weights; weights NULL: all alike. */
struct outcomes {
    const double *x, *weight;
    uint32_t count;
    double lambda;
};

/* E[(1 + f X)^-lambda] - 1, by expm1 and log1p: near f = 0, where the bound lies, the powers are 1 and a little. */
static double kelly_excess(const struct outcomes *o, double f)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < o->count; i++) {
        double term = expm1(-o->lambda * log1p(f * o->x[i]));
        sum += o->weight ? o->weight[i] * term : term / o->count;
    }
    return sum;
}

/* The f > 0 at which the excess is back at 0, by bisection between `low` (excess < 0) and `high` (excess > 0). */
static double kelly_root(const struct outcomes *o, double low, double high)
{
    for (uint32_t step = 0; step < STEPS_MAX; step++) {
        double middle = low + (high - low) / 2.0;
        if (middle <= low || middle >= high)
            break;
        if (kelly_excess(o, middle) > 0.0)
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* 0 < ruin: the f at which the worst outcome takes everything. The excess goes to infinity there. */
static double kelly_bound(const struct outcomes *o, double ruin)
{
    double low = ruin / 2.0;
    while (low > 1e-300 && kelly_excess(o, low) >= 0.0)
        low /= 2.0;
    return low > 1e-300 ? kelly_root(o, low, ruin) : 0.0;
}

double kelly_constrained(double p, double payoff, double floor, double probability)
{
    double lambda = kelly_aversion(floor, probability), full = kelly_full(p, payoff);
    if (isnan(lambda) || isnan(full) || full <= 0.0)
        return isnan(lambda) ? NAN : full;
    if (p >= 1.0)
        return 1.0;
    const double x[] = {payoff, -1.0}, weight[] = {p, 1.0 - p};
    const struct outcomes o = {.x = x, .weight = weight, .count = 2, .lambda = lambda};
    return kelly_bound(&o, 1.0);
}

double kelly_constrained_sample(const double *outcomes, uint32_t count, double floor, double probability)
{
    assert(outcomes || count == 0);
    double lambda = kelly_aversion(floor, probability), sum = 0.0, worst = 0.0;
    if (count == 0 || isnan(lambda))
        return NAN;
    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite(outcomes[i]))
            return NAN;
        sum += outcomes[i];
        worst = fmin(worst, outcomes[i]);
    }
    if (sum <= 0.0)
        return 0.0;
    if (worst >= 0.0)
        return INFINITY;
    const struct outcomes o = {.x = outcomes, .weight = NULL, .count = count, .lambda = lambda};
    return kelly_bound(&o, -1.0 / worst);
}

double kelly_base_next(double current, double bound)
{
    if (!(current >= 0.0 && bound >= 0.0))
        return NAN;
    return fmin(bound, current * RAISE_MAX);
}
