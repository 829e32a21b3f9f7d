#include "workers/performance/warning/quadrature.h"

#include <assert.h>
#include <math.h>

#define NEWTON_STEPS_MAX 20

/* P_n(x) by its recurrence, and P_n'(x). */
static double legendre(uint32_t n, double x, double *slope)
{
    double before = 1.0, value = x;
    for (uint32_t k = 2; k <= n; k++) {
        double next = ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k;
        before = value;
        value = next;
    }
    *slope = n * (x * value - before) / (x * x - 1.0);
    return value;
}

void quadrature_legendre(uint32_t count, double low, double high, double *nodes, double *weights)
{
    assert(count >= 1);
    double middle = (low + high) / 2.0, half = (high - low) / 2.0;
    for (uint32_t i = 0; i < (count + 1) / 2; i++) {
        double x = cos(M_PI * (i + 0.75) / (count + 0.5)), slope = 1.0;
        for (int step = 0; step < NEWTON_STEPS_MAX; step++) {
            double move = legendre(count, x, &slope) / slope;
            x -= move;
            if (fabs(move) < 1e-16)
                break;
        }
        (void)legendre(count, x, &slope);
        double weight = 2.0 / ((1.0 - x * x) * slope * slope);
        nodes[i] = middle - half * x;
        nodes[count - 1 - i] = middle + half * x;
        weights[i] = weights[count - 1 - i] = half * weight;
    }
}
