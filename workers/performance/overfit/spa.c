#include "workers/performance/overfit/spa.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

#define FLAT_SHARE 1e-12 /* of the largest difference: a smaller omega is rounding */
#define BLOCK_MIN 5.0

double spa_block(uint32_t period_count)
{
    return fmin(fmax(BLOCK_MIN, cbrt((double)period_count)), fmax(1.0, period_count));
}

static double series_mean(const double *series, size_t stride, uint32_t count)
{
    double sum = 0.0;
    for (uint32_t t = 0; t < count; t++)
        sum += series[t * stride];
    return sum / count;
}

static double autocovariance(const double *series, size_t stride, uint32_t count, double mean, uint32_t lag)
{
    double sum = 0.0;
    for (uint32_t t = lag; t < count; t++)
        sum += (series[t * stride] - mean) * (series[(t - lag) * stride] - mean);
    return sum / count;
}

double spa_longrun_variance(const double *series, size_t stride, uint32_t period_count, double block)
{
    assert(series && period_count > 0 && block >= 1.0);
    double mean = series_mean(series, stride, period_count), n = period_count, stay = 1.0 - 1.0 / block;
    double variance = autocovariance(series, stride, period_count, mean, 0);
    for (uint32_t i = 1; i < period_count; i++) {
        double kappa = (n - i) / n * pow(stay, i) + i / n * pow(stay, n - i);
        variance += 2.0 * kappa * autocovariance(series, stride, period_count, mean, i);
    }
    return variance;
}

static bool input_is_sane(const struct spa_input *in)
{
    if (in->period_count < SPA_PERIODS_MIN || in->strategy_count == 0 || in->resample_count == 0)
        return false;
    if (!(in->block >= 1.0) || !isfinite(in->block))
        return false;
    for (size_t i = 0; i < (size_t)in->period_count * in->strategy_count; i++)
        if (!isfinite(in->excess[i]))
            return false;
    for (size_t i = 0; i < (size_t)in->period_count * in->resample_count; i++)
        if (in->indices[i] >= in->period_count)
            return false;
    return true;
}

static void strategy_measure(const struct spa_input *in, uint32_t k, struct spa_strategy *s)
{
    const double *series = in->excess + k;
    double largest = 0.0, root = sqrt((double)in->period_count);
    for (uint32_t t = 0; t < in->period_count; t++)
        largest = fmax(largest, fabs(series[(size_t)t * in->strategy_count]));
    s->mean = series_mean(series, in->strategy_count, in->period_count);
    double variance = spa_longrun_variance(series, in->strategy_count, in->period_count, in->block);
    double omega = s->omega = sqrt(fmax(0.0, variance));
    bool flat = omega <= FLAT_SHARE * largest;
    s->scale = flat ? 0.0 : in->studentised ? omega : 1.0;
    bool near = flat || root * s->mean / omega >= -sqrt(2.0 * log(log((double)in->period_count)));
    s->centre[SPA_LOWER] = fmax(s->mean, 0.0);
    s->centre[SPA_CONSISTENT] = near ? s->mean : 0.0;
    s->centre[SPA_UPPER] = s->mean;
}

/* The largest of each centring in one resample, not yet times sqrt(T). */
static void resample_maxima(const struct spa_input *in, const struct spa_strategy *s, const uint32_t *indices,
                            double maxima[SPA_CENTRINGS])
{
    for (int c = 0; c < SPA_CENTRINGS; c++)
        maxima[c] = 0.0;
    for (uint32_t k = 0; k < in->strategy_count; k++) {
        if (s[k].scale <= 0.0)
            continue;
        double sum = 0.0;
        for (uint32_t t = 0; t < in->period_count; t++)
            sum += in->excess[(size_t)indices[t] * in->strategy_count + k];
        double mean = sum / in->period_count;
        for (int c = 0; c < SPA_CENTRINGS; c++)
            maxima[c] = fmax(maxima[c], (mean - s[k].centre[c]) / s[k].scale);
    }
}

int spa_test(const struct spa_input *in, struct spa_strategy *s, struct spa_result *out)
{
    assert(in && in->excess && in->indices && s && out);
    if (!input_is_sane(in))
        return -EINVAL;
    struct spa_result result = {.best = in->strategy_count};
    double best = 0.0;
    for (uint32_t k = 0; k < in->strategy_count; k++) {
        strategy_measure(in, k, &s[k]);
        if (s[k].scale <= 0.0) {
            result.left_out++;
            continue;
        }
        if (result.best == in->strategy_count || s[k].mean / s[k].scale > best) {
            best = s[k].mean / s[k].scale;
            result.best = k;
        }
    }
    double statistic = fmax(0.0, best);
    uint32_t beyond[SPA_CENTRINGS] = {0};
    for (uint32_t b = 0; b < in->resample_count; b++) {
        double maxima[SPA_CENTRINGS];
        resample_maxima(in, s, in->indices + (size_t)b * in->period_count, maxima);
        for (int c = 0; c < SPA_CENTRINGS; c++)
            beyond[c] += maxima[c] > statistic;
    }
    bool none = result.best == in->strategy_count;
    result.statistic = statistic * sqrt((double)in->period_count);
    result.lower = none ? 1.0 : (double)beyond[SPA_LOWER] / in->resample_count;
    result.consistent = none ? 1.0 : (double)beyond[SPA_CONSISTENT] / in->resample_count;
    result.upper = none ? 1.0 : (double)beyond[SPA_UPPER] / in->resample_count;
    *out = result;
    return 0;
}
