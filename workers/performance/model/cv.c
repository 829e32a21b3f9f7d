#include "workers/performance/model/cv.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_heapsort.h>

#include "workers/strategy/signals/expectancy.h"

void model_fold(uint32_t n, uint32_t folds, uint32_t k, uint32_t *first, uint32_t *end)
{
    assert(folds > 0 && k < folds && folds <= n);
    uint32_t size = n / folds, longer = n % folds;
    *first = k * size + (k < longer ? k : longer);
    *end = *first + size + (k < longer);
}

static int64_t add_or_most(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* The span of some rows. */
static void span_of(const struct model_data *data, const uint32_t *rows, uint32_t count, int64_t *lo, int64_t *hi)
{
    *lo = INT64_MAX;
    *hi = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        *lo = data->t0[rows[i]] < *lo ? data->t0[rows[i]] : *lo;
        *hi = data->t1[rows[i]] > *hi ? data->t1[rows[i]] : *hi;
    }
}

uint32_t model_purge(const struct model_data *data, const uint32_t *rows, uint32_t count, uint32_t first, uint32_t end,
                     int64_t embargo, uint32_t *train, int64_t *lo, int64_t *hi)
{
    assert(first < end && end <= count && embargo >= 0);
    int64_t from, to;
    uint32_t kept = 0;
    span_of(data, rows + first, end - first, &from, &to);
    if (lo)
        *lo = from;
    if (hi)
        *hi = to;
    to = add_or_most(to, embargo);
    for (uint32_t i = 0; i < count; i++)
        if ((i < first || i >= end) && (data->t1[rows[i]] < from || data->t0[rows[i]] > to))
            train[kept++] = rows[i];
    return kept;
}

uint32_t model_overlaps(const struct model_data *data, const uint32_t *train, uint32_t train_count, const uint32_t *test,
                        uint32_t test_count, int64_t embargo)
{
    int64_t from, to;
    uint32_t overlaps = 0;
    if (test_count == 0)
        return 0;
    span_of(data, test, test_count, &from, &to);
    to = add_or_most(to, embargo);
    for (uint32_t i = 0; i < train_count; i++)
        overlaps += data->t1[train[i]] >= from && data->t0[train[i]] <= to;
    return overlaps;
}

/* --- uniqueness ------------------------------------------------------------------------------------------------------ */

static int edge_compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The first edge that is not below t. */
static uint32_t edge_at(const int64_t *edges, uint32_t count, int64_t t)
{
    uint32_t lo = 0, hi = count;
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (edges[middle] < t)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

void model_uniqueness(const struct model_data *data, const uint32_t *rows, uint32_t count, int64_t *edges, uint32_t *alive,
                      double *weight)
{
    uint32_t edge_count = 0, kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert(data->t1[rows[i]] < INT64_MAX);
        edges[edge_count++] = data->t0[rows[i]];
        edges[edge_count++] = data->t1[rows[i]] + 1;
    }
    if (edge_count > 1)
        gsl_heapsort(edges, edge_count, sizeof *edges, edge_compare);
    for (uint32_t i = 0; i < edge_count; i++)
        if (kept == 0 || edges[i] != edges[kept - 1])
            edges[kept++] = edges[i];
    memset(alive, 0, kept * sizeof *alive);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t e = edge_at(edges, kept, data->t0[rows[i]]); edges[e] <= data->t1[rows[i]]; e++)
            alive[e]++; /* labels alive between edge e and the next */
    for (uint32_t i = 0; i < count; i++) {
        double sum = 0.0;
        for (uint32_t e = edge_at(edges, kept, data->t0[rows[i]]); edges[e] <= data->t1[rows[i]]; e++)
            sum += (double)(edges[e + 1] - edges[e]) / alive[e];
        weight[i] = sum / (double)(data->t1[rows[i]] + 1 - data->t0[rows[i]]);
    }
}

/* --- cross-validation ------------------------------------------------------------------------------------------------- */

static double log_loss_of(double p, uint8_t y)
{
    double clipped = fmin(fmax(p, SIGNALS_P_CLIP), 1.0 - SIGNALS_P_CLIP);
    return y ? -log(clipped) : -log1p(-clipped);
}

/* Mean win and mean loss of rows, R, >= 0. */
static void payoff_of(const struct model_data *data, const uint32_t *rows, uint32_t count, double *win, double *loss)
{
    uint32_t wins = 0;
    *win = *loss = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double r = data->r[rows[i]];
        wins += r > 0.0;
        *(r > 0.0 ? win : loss) += fabs(r);
    }
    *win = wins ? *win / wins : 0.0;
    *loss = count > wins ? *loss / (count - wins) : 0.0;
}

static void cv_predict(const struct model_data *data, const uint32_t *rows, uint32_t first, uint32_t end,
                       const struct model_learner *learner, double *p, double *log_loss, uint32_t *predicted)
{
    double sum = 0.0;
    uint32_t n = 0;
    for (uint32_t i = first; i < end; i++) {
        p[i] = learner->predict(learner->self, data, rows[i]);
        if (!(p[i] >= 0.0 && p[i] <= 1.0)) {
            p[i] = NAN;
            continue;
        }
        sum += log_loss_of(p[i], data->y[rows[i]]);
        n++;
    }
    *log_loss = n ? sum / n : NAN;
    *predicted += n;
}

static void cv_finish(struct model_cv_result *out)
{
    double defined[MODEL_FOLDS_MAX];
    uint32_t n = 0;
    for (uint32_t k = 0; k < out->folds; k++)
        if (!isnan(out->log_loss[k]))
            defined[n++] = out->log_loss[k];
    struct signals_moments m = signals_moments_of(defined, n);
    out->log_loss_mean = m.mean;
    out->log_loss_se = n > 1 ? m.sd / sqrt((double)n) : NAN;
}

int model_cv_run(const struct model_data *data, const uint32_t *rows, uint32_t count, const struct model_cv *cv,
                 const struct model_learner *learner, uint32_t *train, double *p, double *expected,
                 struct model_cv_result *out)
{
    memset(out, 0, sizeof *out);
    if (cv->folds < 2 || cv->folds > MODEL_FOLDS_MAX || cv->folds > count || cv->embargo < 0)
        return -EINVAL;
    out->folds = cv->folds;
    for (uint32_t k = 0; k < cv->folds; k++) {
        uint32_t first, end;
        double win, loss;
        model_fold(count, cv->folds, k, &first, &end);
        uint32_t trained = model_purge(data, rows, count, first, end, cv->embargo, train, NULL, NULL);
        int error = trained ? learner->fit(learner->self, data, train, trained) : -EDOM;
        if (error && error != -EDOM)
            return error;
        out->trained[k] = trained;
        out->tested[k] = end - first;
        out->log_loss[k] = NAN;
        for (uint32_t i = first; i < end; i++)
            p[i] = NAN;
        if (!error)
            cv_predict(data, rows, first, end, learner, p, &out->log_loss[k], &out->predicted);
        payoff_of(data, train, trained, &win, &loss);
        for (uint32_t i = first; expected && i < end; i++)
            expected[i] = p[i] * win - (1.0 - p[i]) * loss;
    }
    cv_finish(out);
    return 0;
}

uint32_t model_one_se(const double *mean, const double *se, uint32_t count)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (!isnan(mean[i]) && (best == UINT32_MAX || mean[i] < mean[best]))
            best = i;
    if (best == UINT32_MAX)
        return best;
    double limit = mean[best] + (isnan(se[best]) ? 0.0 : se[best]);
    for (uint32_t i = 0; i < count; i++)
        if (mean[i] <= limit)
            return i;
    return best;
}

bool model_adopt_second(const double *p_first, const double *p_second, const uint8_t *y, uint32_t n, double *difference,
                        double *se)
{
    double sum = 0.0, square = 0.0;
    uint32_t both = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(p_first[i]) || isnan(p_second[i]))
            continue;
        sum += log_loss_of(p_first[i], y[i]) - log_loss_of(p_second[i], y[i]);
        both++;
    }
    *difference = *se = NAN;
    if (both < 2)
        return false;
    *difference = sum / both;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(p_first[i]) || isnan(p_second[i]))
            continue;
        double d = log_loss_of(p_first[i], y[i]) - log_loss_of(p_second[i], y[i]) - *difference;
        square += d * d;
    }
    *se = sqrt(square / (both - 1.0) / both);
    return *difference > 2.0 * *se && *difference > 0.0;
}

/* --- the objective ----------------------------------------------------------------------------------------------------- */

/* Sum of the k-th powers of (day's sum - centre) over active days. */
struct day_sums {
    double first, second, third, fourth;
    uint32_t active, trades;
};

static struct day_sums days_add(const struct model_data *data, const double *r, const double *expected, double tau, double centre)
{
    struct day_sums sums = {0};
    for (uint32_t i = 0, end; i < data->row_count; i = end) {
        double day = 0.0;
        uint32_t trades = 0;
        for (end = i; end < data->row_count && data->day[end] == data->day[i]; end++) {
            if (!(expected[end] >= tau))
                continue;
            day += r[end];
            trades++;
        }
        if (trades == 0)
            continue;
        double d = day - centre;
        sums.first += d;
        sums.second += d * d;
        sums.third += d * d * d;
        sums.fourth += d * d * d * d;
        sums.active++;
        sums.trades += trades;
    }
    return sums;
}

void model_objective_measure(const struct model_data *data, const double *r, const double *expected, double tau,
                             struct model_objective *out)
{
    assert(data->day && data->row_count > 0);
    r = r ? r : data->r;
    *out = (struct model_objective){.sharpe = NAN, .se = NAN, .j = NAN};
    out->days = (uint32_t)(data->day[data->row_count - 1] - data->day[0]) + 1;
    double n = out->days;
    struct day_sums sums = days_add(data, r, expected, tau, 0.0);
    out->trades = sums.trades;
    out->active_days = sums.active;
    if (sums.trades == 0 || out->days < 2)
        return;
    double mean = sums.first / n, idle = n - sums.active;
    sums = days_add(data, r, expected, tau, mean);
    double second = sums.second + idle * mean * mean, third = sums.third - idle * mean * mean * mean,
           fourth = sums.fourth + idle * mean * mean * mean * mean, variance = second / n;
    if (!(variance > 1e-24 * (1.0 + mean * mean)))
        return;
    double skew = third / n / pow(variance, 1.5), kurtosis = fourth / n / (variance * variance);
    out->sharpe = mean / sqrt(second / (n - 1.0));
    double inside = 1.0 - skew * out->sharpe + (kurtosis - 1.0) / 4.0 * out->sharpe * out->sharpe;
    out->se = inside > 0.0 ? sqrt(inside / (n - 1.0)) : NAN;
    out->j = out->sharpe - out->se;
}
