#include "workers/performance/warning/monitor.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

static_assert(sizeof(struct warning_cusum) == 96, "no padding: states compare by bytes");
static_assert(sizeof(struct warning_ewma) == 56, "no padding");
static_assert(sizeof(struct warning_page_hinkley) == 64, "no padding");
static_assert(sizeof(struct warning_count) == 48, "no padding");

#define SUM_MAX 1e12 /* of a chart in alarm that nobody resets */
#define PATH_STEP 1e-3

/* --- CUSUM
 * ------------------------------------------------------------------------------------------------------------- */

static bool cusum_design_valid(const struct warning_cusum_design *d)
{
    return isfinite(d->mean) && d->deviation > 0.0 && isfinite(d->deviation) && d->k >= 0.0 && isfinite(d->k) &&
           d->h >= 0.0 && isfinite(d->h) && d->start >= 0.0 && d->start <= d->h && d->clip >= 0.0 &&
           isfinite(d->clip) && fabs(d->autocorrelation) < 1.0 && (d->side == 1 || d->side == -1) && d->reserved == 0;
}

static bool cusum_design_same(const struct warning_cusum_design *a, const struct warning_cusum_design *b)
{
    return a->mean == b->mean && a->deviation == b->deviation && a->k == b->k && a->h == b->h && a->start == b->start &&
           a->clip == b->clip && a->autocorrelation == b->autocorrelation && a->side == b->side &&
           a->reserved == b->reserved;
}

int warning_cusum_init(struct warning_cusum *out, const struct warning_cusum_design *design)
{
    memset(out, 0, sizeof *out);
    if (!cusum_design_valid(design))
        return -EINVAL;
    out->version = WARNING_MONITOR_VERSION;
    out->design = *design;
    out->sum = design->start;
    return 0;
}

bool warning_cusum_observe(struct warning_cusum *cusum, double x)
{
    const struct warning_cusum_design *d = &cusum->design;
    if (!isfinite(x))
        return cusum->alarmed != 0;
    double z = (x - d->mean) / d->deviation, a = d->autocorrelation;
    double fresh = cusum->count > 0 && a != 0.0 ? (z - a * cusum->z_before) / sqrt(1.0 - a * a) : z;
    if (d->clip > 0.0)
        fresh = fmax(-d->clip, fmin(d->clip, fresh));
    double sum = d->side > 0 ? cusum->sum + fresh - d->k : cusum->sum - fresh - d->k;
    cusum->sum = fmin(SUM_MAX, fmax(0.0, sum));
    cusum->z_before = a != 0.0 ? z : 0.0;
    cusum->count++;
    cusum->alarmed = cusum->sum > d->h;
    return cusum->alarmed != 0;
}

void warning_cusum_reset(struct warning_cusum *cusum)
{
    cusum->sum = cusum->design.start;
    cusum->alarmed = 0;
}

bool warning_cusum_restorable(const struct warning_cusum *cusum, const struct warning_cusum_design *design)
{
    return cusum->version == WARNING_MONITOR_VERSION && cusum_design_valid(design) &&
           cusum_design_same(&cusum->design, design) && cusum->sum >= 0.0 && cusum->sum <= fmax(SUM_MAX, design->h) &&
           isfinite(cusum->z_before) && cusum->alarmed <= 1 && (cusum->alarmed != 0) == (cusum->sum > design->h);
}

/* --- over resampled paths
 * ------------------------------------------------------------------------------------------------ */

double warning_cusum_arl_paths(const struct warning_cusum_design *design, const double *values, uint32_t count,
                               const uint32_t *indices, uint32_t paths, uint32_t length)
{
    struct warning_cusum fresh;
    double total = 0.0;
    if (paths == 0 || length == 0 || warning_cusum_init(&fresh, design))
        return NAN;
    for (uint32_t p = 0; p < paths; p++) {
        struct warning_cusum cusum = fresh;
        const uint32_t *path = indices + (size_t)p * length;
        uint32_t run = 0;
        for (bool alarmed = false; run < length && !alarmed; run++) {
            if (path[run] >= count)
                return NAN;
            alarmed = warning_cusum_observe(&cusum, values[path[run]]);
        }
        total += run;
    }
    return total / paths;
}

double warning_cusum_critical_paths(const struct warning_cusum_design *design, const double *values, uint32_t count,
                                    const uint32_t *indices, uint32_t paths, uint32_t length, double arl0)
{
    struct warning_cusum_design tried = *design;
    double low = 0.0, high = WARNING_LIMIT_MAX;
    tried.start = 0.0;
    tried.h = high;
    if (!(warning_cusum_arl_paths(&tried, values, count, indices, paths, length) >= arl0))
        return NAN;
    while (high - low > PATH_STEP) {
        tried.h = (low + high) / 2.0;
        if (warning_cusum_arl_paths(&tried, values, count, indices, paths, length) >= arl0)
            high = tried.h;
        else
            low = tried.h;
    }
    return high;
}

/* --- EWMA
 * ---------------------------------------------------------------------------------------------------------------- */

static bool ewma_design_valid(const struct warning_ewma *e)
{
    return isfinite(e->mean) && e->deviation > 0.0 && isfinite(e->deviation) && e->lambda > 0.0 && e->lambda <= 1.0 &&
           e->c > 0.0 && isfinite(e->c);
}

static bool ewma_beyond(const struct warning_ewma *e)
{
    return fabs(e->level) > e->c * sqrt(e->lambda / (2.0 - e->lambda));
}

int warning_ewma_init(struct warning_ewma *out, double mean, double deviation, double lambda, double c)
{
    memset(out, 0, sizeof *out);
    struct warning_ewma e = {
        .version = WARNING_MONITOR_VERSION, .mean = mean, .deviation = deviation, .lambda = lambda, .c = c};
    if (!ewma_design_valid(&e))
        return -EINVAL;
    *out = e;
    return 0;
}

bool warning_ewma_observe(struct warning_ewma *ewma, double x)
{
    double z = (x - ewma->mean) / ewma->deviation;
    if (!isfinite(z))
        return ewma->alarmed != 0;
    ewma->level = (1.0 - ewma->lambda) * ewma->level + ewma->lambda * z;
    ewma->count++;
    ewma->alarmed = ewma_beyond(ewma);
    return ewma->alarmed != 0;
}

void warning_ewma_reset(struct warning_ewma *ewma)
{
    ewma->level = 0.0;
    ewma->alarmed = 0;
}

bool warning_ewma_restorable(const struct warning_ewma *ewma)
{
    return ewma->version == WARNING_MONITOR_VERSION && ewma_design_valid(ewma) && isfinite(ewma->level) &&
           ewma->alarmed <= 1 && (ewma->alarmed != 0) == ewma_beyond(ewma);
}

/* --- Page-Hinkley
 * -------------------------------------------------------------------------------------------------------- */

static bool page_hinkley_design_valid(const struct warning_page_hinkley *s)
{
    return s->delta >= 0.0 && isfinite(s->delta) && s->threshold > 0.0 && isfinite(s->threshold) && s->alpha > 0.0 &&
           s->alpha <= 1.0;
}

int warning_page_hinkley_init(struct warning_page_hinkley *out, double delta, double threshold, double alpha,
                              uint64_t min_count)
{
    memset(out, 0, sizeof *out);
    struct warning_page_hinkley s = {.version = WARNING_MONITOR_VERSION,
                                     .delta = delta,
                                     .threshold = threshold,
                                     .alpha = alpha,
                                     .min_count = min_count};
    if (!page_hinkley_design_valid(&s))
        return -EINVAL;
    *out = s;
    return 0;
}

bool warning_page_hinkley_observe(struct warning_page_hinkley *state, double x)
{
    if (!isfinite(x))
        return state->alarmed != 0;
    if (state->alarmed) {
        state->mean = state->sum = 0.0;
        state->count = 0;
    }
    state->count++;
    state->mean += (x - state->mean) / (double)state->count;
    state->sum = fmax(0.0, state->alpha * state->sum + (x - state->mean - state->delta));
    state->alarmed = state->count >= state->min_count && state->sum > state->threshold;
    return state->alarmed != 0;
}

bool warning_page_hinkley_restorable(const struct warning_page_hinkley *state)
{
    return state->version == WARNING_MONITOR_VERSION && page_hinkley_design_valid(state) && isfinite(state->mean) &&
           state->sum >= 0.0 && isfinite(state->sum) &&
           (state->count > 0 || (state->mean == 0.0 && state->sum == 0.0)) && state->alarmed <= 1 &&
           (state->alarmed != 0) ==
               (state->count > 0 && state->count >= state->min_count && state->sum > state->threshold);
}

/* --- counts
 * ---------------------------------------------------------------------------------------------------------------- */

static bool count_design_valid(const struct warning_count_design *d)
{
    return (d->kind == WARNING_POISSON || d->kind == WARNING_BERNOULLI) && (d->side == 1 || d->side == -1) &&
           d->per_unit >= 1 && d->per_unit < WARNING_STATES_MAX && d->h >= 1 && d->h < WARNING_STATES_MAX;
}

int warning_count_init(struct warning_count *out, const struct warning_count_design *design)
{
    memset(out, 0, sizeof *out);
    if (!count_design_valid(design))
        return -EINVAL;
    out->version = WARNING_MONITOR_VERSION;
    out->design = *design;
    return 0;
}

bool warning_count_observe(struct warning_count *state, uint32_t x)
{
    const struct warning_count_design *d = &state->design;
    int64_t sum = state->sum + d->side * ((int64_t)d->per_unit * x - d->k);
    state->sum = sum < 0 ? 0 : sum > (int64_t)SUM_MAX ? (int64_t)SUM_MAX : sum;
    state->count++;
    state->alarmed = state->sum >= d->h;
    return state->alarmed != 0;
}

void warning_count_reset(struct warning_count *state)
{
    state->sum = 0;
    state->alarmed = 0;
}

bool warning_count_restorable(const struct warning_count *state, const struct warning_count_design *design)
{
    return state->version == WARNING_MONITOR_VERSION && count_design_valid(design) &&
           memcmp(&state->design, design, sizeof *design) == 0 && state->reserved == 0 && state->sum >= 0 &&
           state->sum <= (int64_t)SUM_MAX && state->alarmed <= 1 && (state->alarmed != 0) == (state->sum >= design->h);
}

/* --- calibration
 * ------------------------------------------------------------------------------------------------------------ */

bool warning_brier_observe(const struct warning_sequential *test, double live, double reference, bool outcome)
{
    double low = NAN, high = NAN, y = outcome ? 1.0 : 0.0;
    if (live >= 0.0 && live <= 1.0 && reference >= 0.0 && reference <= 1.0)
        test->observe(test->self, (live - y) * (live - y) - (reference - y) * (reference - y));
    test->bounds(test->self, &low, &high);
    return low > 0.0;
}
