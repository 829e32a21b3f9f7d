#include "workers/performance/moments.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static_assert(sizeof(struct moments) == 64, "no padding: it is kept as bytes");
static_assert(sizeof(struct ewma) == 40, "no padding: it is kept as bytes");

void moments_init(struct moments *m, double origin)
{
    memset(m, 0, sizeof *m);
    m->origin = origin;
}

/* With delta = y - mean of those before and s = delta / n, y being the n-th number:
 *   M4 += delta s^3 (n-1)(n^2 - 3n + 3) + 6 s^2 M2 - 4 s M3,   M3 += delta s^2 (n-1)(n-2) - 3 s M2,   M2 += delta s (n-1) */
void moments_add(struct moments *m, double x)
{
    m->min = m->n == 0 || x < m->min ? x : m->min;
    m->max = m->n == 0 || x > m->max ? x : m->max;
    double n = (double)++m->n;
    double delta = x - m->origin - m->mean;
    double step = delta / n, step2 = step * step;
    double square = delta * step * (n - 1.0);
    m->mean += step;
    m->m4 += square * step2 * (n * n - 3.0 * n + 3.0) + 6.0 * step2 * m->m2 - 4.0 * step * m->m3;
    m->m3 += square * step * (n - 2.0) - 3.0 * step * m->m2;
    m->m2 += square;
}

void moments_of(struct moments *m, double origin, const double *x, uint32_t n)
{
    moments_init(m, origin);
    for (uint32_t i = 0; i < n; i++)
        moments_add(m, x[i]);
}

void moments_merge(struct moments *into, const struct moments *from)
{
    if (from->n == 0)
        return;
    if (into->n == 0) {
        *into = *from;
        return;
    }
    double a = (double)into->n, b = (double)from->n, n = a + b;
    double d = from->mean + (from->origin - into->origin) - into->mean;
    double d2 = d * d, ab = a * b;
    double m4 = into->m4 + from->m4 + d2 * d2 * ab * (a * a - ab + b * b) / (n * n * n) +
                6.0 * d2 * (a * a * from->m2 + b * b * into->m2) / (n * n) + 4.0 * d * (a * from->m3 - b * into->m3) / n;
    double m3 = into->m3 + from->m3 + d2 * d * ab * (a - b) / (n * n) + 3.0 * d * (a * from->m2 - b * into->m2) / n;
    into->m2 += from->m2 + d2 * ab / n;
    into->m3 = m3;
    into->m4 = m4;
    into->mean += d * b / n;
    into->n += from->n;
    into->min = fmin(into->min, from->min);
    into->max = fmax(into->max, from->max);
}

double moments_mean(const struct moments *m)
{
    return m->n > 0 ? m->origin + m->mean : NAN;
}

double moments_variance(const struct moments *m)
{
    return m->n > 1 ? m->m2 / (double)(m->n - 1) : NAN;
}

double moments_sd(const struct moments *m)
{
    return sqrt(moments_variance(m));
}

bool moments_flat(const struct moments *m)
{
    return !(moments_sd(m) > MOMENTS_FLAT * fmax(fabs(m->min), fabs(m->max)));
}

double moments_skew(const struct moments *m)
{
    if (moments_flat(m))
        return NAN;
    double n = (double)m->n, variance = m->m2 / n;
    return m->m3 / n / (variance * sqrt(variance));
}

double moments_kurtosis(const struct moments *m)
{
    if (moments_flat(m))
        return NAN;
    double n = (double)m->n, variance = m->m2 / n;
    return m->m4 / n / (variance * variance);
}

double moments_skew_corrected(const struct moments *m)
{
    double n = (double)m->n;
    return m->n > 2 ? moments_skew(m) * sqrt(n * (n - 1.0)) / (n - 2.0) : NAN;
}

double moments_excess_corrected(const struct moments *m)
{
    double n = (double)m->n;
    return m->n > 3 ? (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (moments_kurtosis(m) - 3.0) + 6.0) : NAN;
}

/* --- exponential weights ---------------------------------------------------------------------------------------- */

void ewma_init(struct ewma *e, double lambda)
{
    assert(lambda > 0.0 && lambda < 1.0);
    memset(e, 0, sizeof *e);
    e->lambda = lambda;
}

void ewma_add(struct ewma *e, double x)
{
    double delta = x - e->mean;
    e->n++;
    e->weight = e->lambda * e->weight + 1.0;
    e->mean += delta / e->weight;
    e->square = e->lambda * e->square + delta * (x - e->mean);
}

double ewma_mean(const struct ewma *e)
{
    return e->n > 0 ? e->mean : NAN;
}

double ewma_variance(const struct ewma *e)
{
    return e->n > 1 ? e->square / e->weight : NAN;
}
