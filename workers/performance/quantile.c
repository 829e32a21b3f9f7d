#include "workers/performance/quantile.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

void quantile_sort(double *x, uint32_t n)
{
    if (n > 1)
        gsl_sort(x, 1, n);
}

double quantile_sorted(const double *x, uint32_t n, double p)
{
    assert(p >= 0.0 && p <= 1.0);
    return n > 0 ? gsl_stats_quantile_from_sorted_data(x, 1, n, p) : NAN;
}

double quantile_tail_mean(const double *x, uint32_t n, double p)
{
    assert(p >= 0.0 && p <= 1.0);
    if (n == 0)
        return NAN;
    uint32_t count = (uint32_t)floor((double)(n - 1) * p) + 1;
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        sum += x[i];
    return sum / (double)count;
}

void quantile_p2_init(struct quantile_p2 *q, double p)
{
    assert(p > 0.0 && p < 1.0);
    memset(q, 0, sizeof *q); /* the padding too: it is kept as bytes */
    q->markers.p = p;
    (void)gsl_rstat_quantile_reset(&q->markers);
}

void quantile_p2_add(struct quantile_p2 *q, double x)
{
    (void)gsl_rstat_quantile_add(x, &q->markers);
}

double quantile_p2_read(const struct quantile_p2 *q)
{
    if (q->markers.n == 0)
        return NAN;
    gsl_rstat_quantile_workspace copy = q->markers; /* reading sorts the first five in place */
    return gsl_rstat_quantile_get(&copy);
}
