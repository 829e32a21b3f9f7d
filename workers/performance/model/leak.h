/* leak: the nine tests that a trained model must pass before its probabilities are used (quant.md section 11). Each
 * is one function that a tool runs and prints; pure apart from what the learner does. A leak is knowledge of the outcome
 * in the features, the folds or the fit; a pipeline that has one looks good here and loses money there.
 *
 *   1 PERMUTED      labels shuffled: the AUC interval holds 1/2 and J <= 0
 *   2 FUTURE        features computed again on data cut off at the event are the same bytes
 *   3 LAGGED        features of one bar earlier are not better
 *   4 NULL_PRICES   on reversed or GARCH prices (label.h makes them) there is no edge
 *   5 OVERLAP       no training label meets its test set after the purge
 *   6 RANDOM_ENTRY  the same exits from random entries earn nothing
 *   7 GUARD         no feature knows the outcome (AUC > 0.95 either way); the outcome itself, planted, is caught
 *   8 EMBARGO       twice the embargo moves J by less than one standard error
 *   9 INSIDE_FOLD   what is learned for a fold does not depend on any row outside its training set
 *
 * Where one draw would raise false alarms (a permutation passes J > 0 one time in six) the average over draws is
 * judged, and in (1) J is that of R less its mean: with a profitable base rate taking every shuffled signal earns too.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MODEL_LEAK_H
#define PROPFLEET_WORKERS_PERFORMANCE_MODEL_LEAK_H

#include <stddef.h>

#include "workers/performance/model/cv.h"
#include "workers/strategy/signals/expectancy.h"

#define MODEL_LEAK_ROWS_MIN 50u /* below: INSUFFICIENT */
#define MODEL_LEAK_GUARD_AUC 0.95

#define MODEL_LEAK_LIST(X) \
    X(PERMUTED, "permuted") X(FUTURE, "future") X(LAGGED, "lagged") X(NULL_PRICES, "null_prices") X(OVERLAP, "overlap") \
    X(RANDOM_ENTRY, "random_entry") X(GUARD, "guard") X(EMBARGO, "embargo") X(INSIDE_FOLD, "inside_fold")
enum model_leak_test {
#define X(name, text) MODEL_LEAK_##name,
    MODEL_LEAK_LIST(X)
#undef X
    MODEL_LEAK_COUNT
};
const char *model_leak_name(unsigned test);

enum model_leak_verdict { MODEL_LEAK_PASS, MODEL_LEAK_FAIL, MODEL_LEAK_INSUFFICIENT };
struct model_leak {
    uint32_t test, verdict;
    uint32_t n;       /* rows, or values compared */
    uint32_t detail;  /* what it counts or names: draws, differences, overlaps, the feature, the fold; else UINT32_MAX */
    double value, lo, hi; /* the statistic with its 95 % interval; NaN where it has none */
    double j;         /* where J is judged; else NaN */
};

struct model_leak_run {
    const struct model_data *data; /* checked; with days where J is judged */
    struct model_cv cv;
    struct model_learner learner;
    double tau;                    /* of expected net R, for J */
    /* memory: model_leak_init */
    uint32_t *rows, *train, *index;
    double *p, *expected, *other_p, *r, *x, *placement, *placement_other;
    uint8_t *y, *seen;
    struct signals_ranked *ranked;
};
size_t model_leak_bytes(uint32_t row_count, uint32_t feature_count);
/* Cuts memory (aligned to 8) for run->data. */
void model_leak_init(struct model_leak_run *run, void *memory, size_t bytes);

/* 0, or the error of a fit or of the arguments (-EINVAL); *out is complete in either case that returns 0. */

/* 1. draw gives permutations of the rows (what is none is -EINVAL); at least 20 of them. build (may be NULL): features of
 * the shuffled labels, for what computes features from labels; else features stay. */
struct model_leak_build {
    int (*build)(void *context, const struct model_data *shuffled, double *x);
    void *context;
};
int model_leak_permuted(struct model_leak_run *run, const struct signals_resample *draws, const struct model_leak_build *build,
                        struct model_leak *out);

/* 2. compute: the features of an event, from all data, or from data that ends at its t0. */
struct model_leak_features {
    int (*compute)(void *context, uint32_t event, bool cut_off, double *x);
    void *context;
};
/* The stored features are compared as well. Compared bit by bit, NaN with NaN. */
int model_leak_future(struct model_leak_run *run, const struct model_leak_features *features, struct model_leak *out);

/* 3. x_lagged: the same events with the features of one bar before. Fails when their log loss is better by more than two
 * standard errors of the paired difference. */
int model_leak_lagged(struct model_leak_run *run, const double *x_lagged, struct model_leak *out);

/* 4. run->data comes from null prices. Fails when the whole AUC interval lies above 1/2, or the one-sided 95 % bound of
 * the mean R of what it would trade lies above 0. */
int model_leak_null_prices(struct model_leak_run *run, struct model_leak *out);

int model_leak_overlap(struct model_leak_run *run, struct model_leak *out); /* 5 */

/* 6. net R of the real entries, and of random entries (matched by hour of the week, side, volatility) with the same
 * exits and costs. Fails when the random ones' one-sided 95 % bound is above 0. value: real - random, with Welch's
 * interval. */
void model_leak_random_entry(const double *real, uint32_t real_count, const double *random, uint32_t random_count,
                             struct model_leak *out);

/* 7. detail: the worst feature. value: its AUC or 1 - AUC. */
int model_leak_guard(struct model_leak_run *run, struct model_leak *out);

int model_leak_embargo(struct model_leak_run *run, struct model_leak *out); /* 8: cv.embargo > 0, else INSUFFICIENT */

/* 9. Every row outside a fold's training set is changed beyond recognition, and the digest of the fit must stay; then
 * a training row is changed, and it must not. */
int model_leak_inside_fold(struct model_leak_run *run, struct model_leak *out);

#endif
