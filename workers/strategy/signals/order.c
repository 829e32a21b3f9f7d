#include "workers/strategy/signals/order.h"

#include <assert.h>
#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_heapsort.h>
#include <gsl/gsl_sort.h>

/* The index breaks ties: heapsort alone would leave equal values in an order of its own. */
static int ranked_compare(const void *a, const void *b)
{
    const struct signals_ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void signals_order(const double *values, uint32_t n, struct signals_ranked *out)
{
    for (uint32_t i = 0; i < n; i++) {
        assert(!isnan(values[i]));
        out[i] = (struct signals_ranked){.value = values[i], .index = i};
    }
    signals_order_ranked(out, n);
}

void signals_order_ranked(struct signals_ranked *ranked, uint32_t n)
{
    if (n > 1)
        gsl_heapsort(ranked, n, sizeof *ranked, ranked_compare);
}

void signals_order_values(double *values, uint32_t n)
{
    if (n > 1)
        gsl_sort(values, 1, n);
}

double signals_quantile(const double *sorted, uint32_t n, double p)
{
    assert(p >= 0.0 && p <= 1.0);
    if (n == 0)
        return NAN;
    double position = (n - 1.0) * p, floor_position = floor(position);
    uint32_t i = (uint32_t)floor_position;
    if (i + 1 >= n)
        return sorted[n - 1];
    return sorted[i] + (position - floor_position) * (sorted[i + 1] - sorted[i]);
}

double signals_quantile_normal(const double *sorted, uint32_t n, double p)
{
    assert(p > 0.0 && p < 1.0);
    if (n == 0)
        return NAN;
    double rank = (n + 1.0) * p, below = floor(rank + 1e-10); /* (n + 1) p that is meant to be whole is */
    if (below < 1.0)
        return sorted[0];
    if (below >= n)
        return sorted[n - 1];
    uint32_t k = (uint32_t)below; /* the k-th smallest, from 1 */
    if (fabs(rank - below) < 1e-10)
        return sorted[k - 1];
    double z = gsl_cdf_ugaussian_Pinv(p), z0 = gsl_cdf_ugaussian_Pinv(k / (n + 1.0)),
           z1 = gsl_cdf_ugaussian_Pinv((k + 1.0) / (n + 1.0));
    return sorted[k - 1] + (z - z0) / (z1 - z0) * (sorted[k] - sorted[k - 1]);
}
