#include "workers/performance/model/leak.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define CONFIDENCE 0.95
#define ONE_SIDED 0.90 /* two-sided: its ends are one-sided bounds at 95 % */
#define PERMUTATIONS_MIN 20u

const char *model_leak_name(unsigned test)
{
    static const char *const names[] = {
#define X(name, text) text,
        MODEL_LEAK_LIST(X)
#undef X
    };
    return test < MODEL_LEAK_COUNT ? names[test] : "?";
}

/* --- memory ----------------------------------------------------------------------------------------------------------- */

size_t model_leak_bytes(uint32_t row_count, uint32_t feature_count)
{
    size_t n = row_count;
    return n * ((6 + (size_t)feature_count) * sizeof(double) + sizeof(struct signals_ranked) + 3 * sizeof(uint32_t) +
                2 * sizeof(uint8_t));
}

static void *cut(char **at, size_t bytes)
{
    void *piece = *at;
    *at += bytes;
    return piece;
}

void model_leak_init(struct model_leak_run *run, void *memory, size_t bytes)
{
    size_t n = run->data->row_count;
    char *at = memory;
    assert(bytes >= model_leak_bytes(run->data->row_count, run->data->feature_count) && (uintptr_t)memory % sizeof(double) == 0);
    run->ranked = cut(&at, n * sizeof *run->ranked);
    run->p = cut(&at, n * sizeof(double));
    run->expected = cut(&at, n * sizeof(double));
    run->other_p = cut(&at, n * sizeof(double));
    run->r = cut(&at, n * sizeof(double));
    run->placement = cut(&at, n * sizeof(double));
    run->placement_other = cut(&at, n * sizeof(double));
    run->x = cut(&at, n * run->data->feature_count * sizeof(double));
    run->rows = cut(&at, n * sizeof(uint32_t));
    run->train = cut(&at, n * sizeof(uint32_t));
    run->index = cut(&at, n * sizeof(uint32_t));
    run->y = cut(&at, n);
    run->seen = cut(&at, n);
    assert((size_t)(at - (char *)memory) <= bytes);
    for (uint32_t i = 0; i < n; i++)
        run->rows[i] = i;
}

static struct model_leak leak_begin(uint32_t test, uint32_t n)
{
    return (struct model_leak){.test = test, .verdict = n < MODEL_LEAK_ROWS_MIN ? MODEL_LEAK_INSUFFICIENT : MODEL_LEAK_PASS,
                               .n = n, .detail = UINT32_MAX, .value = NAN, .lo = NAN, .hi = NAN, .j = NAN};
}

static void leak_fail_if(struct model_leak *leak, bool failed)
{
    if (failed && leak->verdict == MODEL_LEAK_PASS)
        leak->verdict = MODEL_LEAK_FAIL;
}

/* --- what several need -------------------------------------------------------------------------------------------------- */

static int leak_cv(struct model_leak_run *run, const struct model_data *data, const struct model_cv *cv, double *p,
                   double *expected)
{
    struct model_cv_result result;
    return model_cv_run(data, run->rows, data->row_count, cv, &run->learner, run->train, p, expected, &result);
}

/* The mean of the folds' AUCs with its standard error. Pooled over folds an AUC of models that know nothing lies
 * below 1/2: a fold's base rate is the higher the lower that of its test rows is. NaN when no fold has one. */
static void leak_auc(struct model_leak_run *run, const struct model_data *data, const double *p, struct model_leak *out)
{
    struct signals_auc_scratch scratch = {.ranked = run->ranked, .placement = run->placement, .other = run->placement_other};
    double sum = 0.0, variance = 0.0, *score = run->r; /* free while p is judged */
    uint32_t folds = 0;
    for (uint32_t k = 0; k < run->cv.folds; k++) {
        uint32_t first, end, n = 0;
        struct signals_auc auc;
        model_fold(data->row_count, run->cv.folds, k, &first, &end);
        for (uint32_t i = first; i < end; i++) {
            if (isnan(p[i]))
                continue;
            score[n] = p[i];
            run->seen[n++] = data->y[i];
        }
        if (signals_auc_measure(score, run->seen, n, CONFIDENCE, &scratch, &auc) || isnan(auc.se))
            continue;
        sum += auc.auc;
        variance += auc.se * auc.se;
        folds++;
    }
    double half = folds ? signals_normal_quantile(0.5 + 0.5 * CONFIDENCE) * sqrt(variance) / folds : NAN;
    out->value = folds ? sum / folds : NAN;
    out->lo = out->value - half;
    out->hi = out->value + half;
    if (folds == 0)
        out->verdict = MODEL_LEAK_INSUFFICIENT;
}

/* --- 1 -------------------------------------------------------------------------------------------------------------------- */

/* index as a permutation; false: it is none. */
static bool permutation_draw(struct model_leak_run *run, const struct signals_resample *draws, uint32_t draw)
{
    uint32_t n = run->data->row_count;
    memset(run->index, 0xff, n * sizeof *run->index);
    draws->draw(draws->context, draw, n, run->index);
    memset(run->seen, 0, n);
    for (uint32_t i = 0; i < n; i++) {
        if (run->index[i] >= n || run->seen[run->index[i]])
            return false;
        run->seen[run->index[i]] = 1;
    }
    return true;
}

/* One permutation: AUC into *auc, J into *j (NaN: it would trade nothing). */
static int permuted_once(struct model_leak_run *run, const struct model_leak_build *build, double mean, double *shuffled_r,
                         struct model_leak *auc, double *j)
{
    struct model_data data = *run->data;
    struct model_objective objective;
    for (uint32_t i = 0; i < data.row_count; i++) {
        run->y[i] = run->data->y[run->index[i]];
        shuffled_r[i] = run->data->r[run->index[i]];
    }
    data.y = run->y;
    data.r = shuffled_r;
    if (build) {
        int error = build->build(build->context, &data, run->x);
        if (error)
            return error;
        data.x = run->x;
    }
    int error = leak_cv(run, &data, &run->cv, run->p, run->expected);
    if (error)
        return error;
    leak_auc(run, &data, run->p, auc);
    for (uint32_t i = 0; i < data.row_count; i++)
        shuffled_r[i] -= mean;
    model_objective_measure(&data, shuffled_r, run->expected, run->tau, &objective);
    *j = objective.j;
    return 0;
}

int model_leak_permuted(struct model_leak_run *run, const struct signals_resample *draws, const struct model_leak_build *build,
                        struct model_leak *out)
{
    *out = leak_begin(MODEL_LEAK_PERMUTED, run->data->row_count);
    if (draws->replicates < PERMUTATIONS_MIN || !run->data->day)
        return -EINVAL;
    double mean = signals_moments_of(run->data->r, run->data->row_count).mean, auc = 0.0, half = 0.0, j_sum = 0.0;
    uint32_t aucs = 0, js = 0;
    for (uint32_t draw = 0; draw < draws->replicates; draw++) {
        struct model_leak one = leak_begin(MODEL_LEAK_PERMUTED, run->data->row_count);
        double j;
        if (!permutation_draw(run, draws, draw))
            return -EINVAL;
        int error = permuted_once(run, build, mean, run->other_p, &one, &j);
        if (error)
            return error;
        auc += isnan(one.value) ? 0.0 : one.value;
        half += isnan(one.value) ? 0.0 : one.hi - one.value;
        aucs += !isnan(one.value);
        j_sum += isnan(j) ? 0.0 : j;
        js += !isnan(j);
    }
    out->detail = draws->replicates;
    out->value = aucs ? auc / aucs : NAN;
    out->lo = out->value - half / aucs;
    out->hi = out->value + half / aucs;
    out->j = js ? j_sum / js : NAN;
    if (aucs == 0)
        out->verdict = MODEL_LEAK_INSUFFICIENT;
    leak_fail_if(out, !(out->lo <= 0.5 && out->hi >= 0.5) || out->j > 0.0);
    return 0;
}

/* --- 2, 3, 4 ---------------------------------------------------------------------------------------------------------------- */

static bool same_bits(double a, double b)
{
    uint64_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y || (isnan(a) && isnan(b));
}

int model_leak_future(struct model_leak_run *run, const struct model_leak_features *features, struct model_leak *out)
{
    double whole[MODEL_FEATURES_MAX], cut[MODEL_FEATURES_MAX];
    uint32_t k = run->data->feature_count, different = 0;
    *out = leak_begin(MODEL_LEAK_FUTURE, run->data->row_count);
    out->verdict = MODEL_LEAK_PASS; /* a single difference is one, whatever the sample */
    for (uint32_t i = 0; i < run->data->row_count; i++) {
        int error = features->compute(features->context, i, false, whole);
        if (!error)
            error = features->compute(features->context, i, true, cut);
        if (error)
            return error;
        for (uint32_t j = 0; j < k; j++)
            different += !same_bits(whole[j], cut[j]) || !same_bits(whole[j], run->data->x[(size_t)i * k + j]);
    }
    out->detail = different;
    leak_fail_if(out, different > 0);
    return 0;
}

int model_leak_lagged(struct model_leak_run *run, const double *x_lagged, struct model_leak *out)
{
    struct model_data lagged = *run->data;
    double se;
    lagged.x = x_lagged;
    *out = leak_begin(MODEL_LEAK_LAGGED, run->data->row_count);
    int error = leak_cv(run, run->data, &run->cv, run->p, NULL);
    if (!error)
        error = leak_cv(run, &lagged, &run->cv, run->other_p, NULL);
    if (error)
        return error;
    bool better = model_adopt_second(run->p, run->other_p, run->data->y, run->data->row_count, &out->value, &se);
    double half = signals_normal_quantile(0.5 + 0.5 * CONFIDENCE) * se;
    out->lo = out->value - half;
    out->hi = out->value + half;
    leak_fail_if(out, better);
    return 0;
}

int model_leak_null_prices(struct model_leak_run *run, struct model_leak *out)
{
    *out = leak_begin(MODEL_LEAK_NULL_PRICES, run->data->row_count);
    int error = leak_cv(run, run->data, &run->cv, run->p, run->expected);
    if (error)
        return error;
    leak_auc(run, run->data, run->p, out);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < run->data->row_count; i++)
        if (run->expected[i] >= run->tau)
            run->r[taken++] = run->data->r[i];
    struct signals_moments m = signals_moments_of(run->r, taken);
    double bound = signals_interval_mean(m.mean, m.sd, taken, ONE_SIDED).lo;
    out->detail = taken;
    leak_fail_if(out, out->lo > 0.5 || bound > 0.0);
    return 0;
}

/* --- 5, 6, 7, 8 --------------------------------------------------------------------------------------------------------------- */

int model_leak_overlap(struct model_leak_run *run, struct model_leak *out)
{
    *out = leak_begin(MODEL_LEAK_OVERLAP, run->data->row_count);
    out->verdict = MODEL_LEAK_PASS;
    out->detail = 0;
    if (run->cv.folds < 2 || run->cv.folds > run->data->row_count || run->cv.embargo < 0)
        return -EINVAL;
    for (uint32_t k = 0; k < run->cv.folds; k++) {
        uint32_t first, end;
        model_fold(run->data->row_count, run->cv.folds, k, &first, &end);
        uint32_t kept = model_purge(run->data, run->rows, run->data->row_count, first, end, run->cv.embargo, run->train,
                                    NULL, NULL);
        out->detail += model_overlaps(run->data, run->train, kept, run->rows + first, end - first, run->cv.embargo);
    }
    leak_fail_if(out, out->detail > 0);
    return 0;
}

void model_leak_random_entry(const double *real, uint32_t real_count, const double *random, uint32_t random_count,
                             struct model_leak *out)
{
    struct signals_moments a = signals_moments_of(real, real_count), b = signals_moments_of(random, random_count);
    *out = leak_begin(MODEL_LEAK_RANDOM_ENTRY, random_count);
    struct signals_interval lift = signals_welch(&a, &b, CONFIDENCE, &out->value);
    out->lo = lift.lo;
    out->hi = lift.hi;
    leak_fail_if(out, signals_interval_mean(b.mean, b.sd, random_count, ONE_SIDED).lo > 0.0);
}

/* The AUC of one feature over the rows that have it, turned to be at least 1/2; NaN: too few rows or one class. */
static double guard_auc(struct model_leak_run *run, const double *x, uint32_t stride)
{
    struct signals_auc_scratch scratch = {.ranked = run->ranked, .placement = run->placement, .other = run->placement_other};
    struct signals_auc auc;
    uint32_t n = 0;
    for (uint32_t i = 0; i < run->data->row_count; i++) {
        if (isnan(x[(size_t)i * stride]))
            continue;
        run->p[n] = x[(size_t)i * stride];
        run->seen[n++] = run->data->y[i];
    }
    if (n < MODEL_LEAK_ROWS_MIN || signals_auc_measure(run->p, run->seen, n, CONFIDENCE, &scratch, &auc))
        return NAN;
    return fmax(auc.auc, 1.0 - auc.auc);
}

int model_leak_guard(struct model_leak_run *run, struct model_leak *out)
{
    *out = leak_begin(MODEL_LEAK_GUARD, run->data->row_count);
    double planted = guard_auc(run, run->data->r, 1);
    for (uint32_t j = 0; j < run->data->feature_count; j++) {
        double auc = guard_auc(run, run->data->x + j, run->data->feature_count);
        if (isnan(auc) || auc <= out->value)
            continue;
        out->value = auc;
        out->detail = j;
    }
    if (isnan(planted)) /* one class: nothing can be told */
        out->verdict = MODEL_LEAK_INSUFFICIENT;
    leak_fail_if(out, out->value > MODEL_LEAK_GUARD_AUC || !(planted > MODEL_LEAK_GUARD_AUC));
    return 0;
}

int model_leak_embargo(struct model_leak_run *run, struct model_leak *out)
{
    struct model_objective once, twice;
    struct model_cv cv = run->cv;
    *out = leak_begin(MODEL_LEAK_EMBARGO, run->data->row_count);
    if (!run->data->day || cv.embargo > INT64_MAX / 2)
        return -EINVAL;
    int error = leak_cv(run, run->data, &cv, run->p, run->expected);
    if (error)
        return error;
    model_objective_measure(run->data, NULL, run->expected, run->tau, &once);
    cv.embargo *= 2;
    error = leak_cv(run, run->data, &cv, run->p, run->expected);
    if (error)
        return error;
    model_objective_measure(run->data, NULL, run->expected, run->tau, &twice);
    out->j = once.j;
    out->value = fabs(twice.j - once.j);
    out->hi = once.se;
    if (run->cv.embargo == 0 || isnan(out->value))
        out->verdict = MODEL_LEAK_INSUFFICIENT;
    leak_fail_if(out, !(out->value < once.se));
    return 0;
}

/* --- 9 ------------------------------------------------------------------------------------------------------------------------- */

/* A row that nothing learned from the old one can survive. */
static void row_change(const struct model_leak_run *run, uint32_t row, double *r)
{
    uint32_t k = run->data->feature_count;
    for (uint32_t j = 0; j < k; j++) {
        double x = run->data->x[(size_t)row * k + j];
        run->x[(size_t)row * k + j] = isnan(x) ? 1e3 : (x < 0.0 ? 1e3 : -1e3) + 3.0 * x;
    }
    r[row] = r[row] > 0.0 ? -3.0 * r[row] : 1.0 - r[row];
    run->y[row] = r[row] > 0.0;
}

static void rows_copy(const struct model_leak_run *run, double *r)
{
    uint32_t n = run->data->row_count;
    memcpy(run->x, run->data->x, (size_t)n * run->data->feature_count * sizeof *run->x);
    memcpy(run->y, run->data->y, n);
    memcpy(r, run->data->r, n * sizeof *r);
}

/* Bit 0: the fit of these training rows knew of others. Bit 1: it did not know of its own. */
static int fold_depends(struct model_leak_run *run, uint32_t trained, uint32_t *out)
{
    struct model_data changed = *run->data;
    changed.x = run->x;
    changed.y = run->y;
    changed.r = run->r;
    *out = 0;
    int error = run->learner.fit(run->learner.self, run->data, run->train, trained);
    if (error)
        return error;
    uint64_t digest = run->learner.digest(run->learner.self);
    rows_copy(run, run->r);
    for (uint32_t i = 0, t = 0; i < run->data->row_count; i++) {
        if (t < trained && run->train[t] == i)
            t++;
        else
            row_change(run, i, run->r);
    }
    error = run->learner.fit(run->learner.self, &changed, run->train, trained);
    if (error)
        return error;
    *out |= run->learner.digest(run->learner.self) != digest;
    rows_copy(run, run->r);
    row_change(run, run->train[trained / 2], run->r);
    error = run->learner.fit(run->learner.self, &changed, run->train, trained);
    if (error)
        return error;
    *out |= (run->learner.digest(run->learner.self) == digest) << 1;
    return 0;
}

int model_leak_inside_fold(struct model_leak_run *run, struct model_leak *out)
{
    *out = leak_begin(MODEL_LEAK_INSIDE_FOLD, run->data->row_count);
    if (run->cv.folds < 2 || run->cv.folds > run->data->row_count || run->cv.embargo < 0)
        return -EINVAL;
    for (uint32_t k = 0; k < run->cv.folds; k++) {
        uint32_t first, end, depends;
        model_fold(run->data->row_count, run->cv.folds, k, &first, &end);
        uint32_t trained = model_purge(run->data, run->rows, run->data->row_count, first, end, run->cv.embargo, run->train,
                                       NULL, NULL);
        if (trained == 0)
            continue;
        int error = fold_depends(run, trained, &depends);
        if (error)
            return error;
        if (depends && out->detail == UINT32_MAX)
            out->detail = k;
        leak_fail_if(out, depends != 0);
    }
    return 0;
}
