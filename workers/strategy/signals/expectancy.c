#include "workers/strategy/signals/expectancy.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

struct signals_moments signals_moments_of(const double *x, uint32_t n)
{
    struct signals_moments m = {.n = n, .mean = NAN, .sd = NAN};
    double sum = 0.0, square = 0.0;
    bool equal = true;
    for (uint32_t i = 0; i < n; i++) {
        sum += x[i];
        equal = equal && x[i] == x[0];
    }
    if (n > 0)
        m.mean = equal ? x[0] : sum / n;
    for (uint32_t i = 0; i < n; i++)
        square += (x[i] - m.mean) * (x[i] - m.mean);
    if (n > 1)
        m.sd = sqrt(square / (n - 1.0));
    return m;
}

double signals_t_statistic(const struct signals_moments *m)
{
    return m->n < 2 ? NAN : m->mean / (m->sd / sqrt((double)m->n));
}

double signals_t_two_sided(const struct signals_moments *m)
{
    double t = signals_t_statistic(m);
    if (isnan(t))
        return NAN;
    return isinf(t) ? 0.0 : 2.0 * signals_t_cdf(-fabs(t), m->n - 1.0);
}

struct signals_interval signals_welch(const struct signals_moments *a, const struct signals_moments *b, double confidence,
                                      double *difference)
{
    *difference = a->mean - b->mean;
    if (a->n < 2 || b->n < 2)
        return (struct signals_interval){NAN, NAN};
    double va = a->sd * a->sd / a->n, vb = b->sd * b->sd / b->n, v = va + vb;
    if (!(v > 0.0))
        return (struct signals_interval){*difference, *difference};
    double df = v * v / (va * va / (a->n - 1.0) + vb * vb / (b->n - 1.0));
    double half = signals_t_quantile(0.5 + 0.5 * confidence, df) * sqrt(v);
    return (struct signals_interval){*difference - half, *difference + half};
}

/* --- bootstrap -------------------------------------------------------------------------------------------------- */

void signals_resample_row(void *context, uint32_t replicate, uint32_t units, uint32_t *index)
{
    const struct signals_resample_rows *rows = context;
    memcpy(index, rows->index + (size_t)replicate * units, units * sizeof *index);
}

/* Sums and sizes of the units. Returns how many; 0: x is not to be reckoned with. */
static uint32_t bootstrap_units(const double *x, uint32_t n, const uint32_t *cluster,
                                const struct signals_bootstrap_scratch *scratch)
{
    uint32_t units = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return 0;
        if (i == 0 || !cluster || cluster[i] != cluster[i - 1]) {
            scratch->sum[units] = 0.0;
            scratch->count[units++] = 0;
        }
        scratch->sum[units - 1] += x[i];
        scratch->count[units - 1]++;
    }
    return units;
}

static int bootstrap_replicates(uint32_t units, const struct signals_resample *resample,
                                const struct signals_bootstrap_scratch *scratch)
{
    for (uint32_t b = 0; b < resample->replicates; b++) {
        double sum = 0.0, count = 0.0;
        memset(scratch->index, 0xff, units * sizeof *scratch->index); /* what is not drawn is out of range */
        resample->draw(resample->context, b, units, scratch->index);
        for (uint32_t i = 0; i < units; i++) {
            if (scratch->index[i] >= units)
                return -EINVAL;
            sum += scratch->sum[scratch->index[i]];
            count += scratch->count[scratch->index[i]];
        }
        scratch->replicate[b] = sum / count;
    }
    return 0;
}

/* Efron's acceleration from the means that leave one unit out. */
static double bootstrap_acceleration(uint32_t units, double sum, uint32_t n, const struct signals_bootstrap_scratch *scratch)
{
    double mean = 0.0, square = 0.0, cube = 0.0;
    for (uint32_t i = 0; i < units; i++)
        mean += (sum - scratch->sum[i]) / (n - scratch->count[i]);
    mean /= units;
    for (uint32_t i = 0; i < units; i++) {
        double d = mean - (sum - scratch->sum[i]) / (n - scratch->count[i]);
        square += d * d;
        cube += d * d * d;
    }
    return cube / (6.0 * pow(square, 1.5));
}

/* The share of the replicates that stands for the nominal one. */
static double bootstrap_bca_share(double bias_z, double acceleration, double p)
{
    double z = bias_z + signals_normal_quantile(p);
    return gsl_cdf_ugaussian_P(bias_z + z / (1.0 - acceleration * z));
}

static double bootstrap_quantile(const struct signals_bootstrap_scratch *scratch, uint32_t n, double p)
{
    return isnan(p) ? NAN : signals_quantile(scratch->replicate, n, p);
}

int signals_bootstrap_mean(const double *x, uint32_t n, const uint32_t *cluster, double confidence,
                           const struct signals_resample *resample, const struct signals_bootstrap_scratch *scratch,
                           struct signals_bootstrap *out)
{
    assert(confidence > 0.0 && confidence < 1.0);
    uint32_t units = bootstrap_units(x, n, cluster, scratch), b = resample->replicates, below = 0;
    if (units < 2 || b == 0)
        return -EINVAL;
    int error = bootstrap_replicates(units, resample, scratch);
    if (error)
        return error;
    double sum = 0.0, tail = 0.5 * (1.0 - confidence);
    for (uint32_t i = 0; i < units; i++)
        sum += scratch->sum[i];
    *out = (struct signals_bootstrap){.n = n, .units = units, .replicates = b, .mean = sum / n};
    for (uint32_t i = 0; i < b; i++)
        below += scratch->replicate[i] < out->mean;
    signals_order_values(scratch->replicate, b);
    out->bias_z = below == 0 ? -INFINITY : below == b ? INFINITY : signals_normal_quantile((double)below / b);
    out->acceleration = bootstrap_acceleration(units, sum, n, scratch);
    bool defined = isfinite(out->bias_z) && isfinite(out->acceleration);
    out->bca_p_lo = defined ? bootstrap_bca_share(out->bias_z, out->acceleration, tail) : NAN;
    out->bca_p_hi = defined ? bootstrap_bca_share(out->bias_z, out->acceleration, 1.0 - tail) : NAN;
    out->percentile.lo = bootstrap_quantile(scratch, b, tail);
    out->percentile.hi = bootstrap_quantile(scratch, b, 1.0 - tail);
    out->bca.lo = bootstrap_quantile(scratch, b, out->bca_p_lo);
    out->bca.hi = bootstrap_quantile(scratch, b, out->bca_p_hi);
    return 0;
}

/* --- many groups ------------------------------------------------------------------------------------------------- */

double signals_shrink(const uint32_t *wins, const uint32_t *n, uint32_t groups, double *rate)
{
    double k = 0.0, m = 0.0, inverse = 0.0, mean = 0.0, square = 0.0;
    uint32_t used = 0;
    for (uint32_t g = 0; g < groups; g++) {
        assert(wins[g] <= n[g]);
        if (n[g] == 0)
            continue;
        k += wins[g];
        m += n[g];
        inverse += 1.0 / n[g];
        mean += (double)wins[g] / n[g];
        used++;
    }
    double pooled = used ? k / m : NAN, spread = pooled * (1.0 - pooled), a = used ? INFINITY : NAN;
    for (uint32_t g = 0; g < groups; g++) {
        double off = n[g] ? (double)wins[g] / n[g] - mean / used : 0.0;
        square += off * off;
    }
    if (used > 1) {
        double variance = square / (used - 1.0), bottom = variance - spread * inverse / used;
        if (bottom > 0.0)
            a = fmax(0.0, (spread - variance) / bottom);
    }
    for (uint32_t g = 0; g < groups; g++)
        rate[g] = n[g] == 0 || isinf(a) ? pooled : (wins[g] + pooled * a) / (n[g] + a);
    return a;
}

uint32_t signals_fdr(const double *p, uint32_t n, double q, struct signals_ranked *ranked, bool *rejected, double *adjusted)
{
    uint32_t tests = 0, discoveries = 0;
    for (uint32_t i = 0; i < n; i++) {
        rejected[i] = false;
        if (adjusted)
            adjusted[i] = NAN;
        if (!isnan(p[i]))
            ranked[tests++] = (struct signals_ranked){.value = p[i], .index = i};
    }
    signals_order_ranked(ranked, tests);
    double least = 1.0;
    for (uint32_t rank = tests; rank > 0; rank--) {
        double scaled = ranked[rank - 1].value * ((double)tests / rank);
        least = fmin(least, scaled);
        if (adjusted)
            adjusted[ranked[rank - 1].index] = least;
        if (discoveries == 0 && scaled <= q)
            discoveries = rank;
    }
    for (uint32_t i = 0; i < discoveries; i++)
        rejected[ranked[i].index] = true;
    return discoveries;
}
