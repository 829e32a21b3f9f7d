#include "workers/strategy/signals/reliability.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "workers/strategy/signals/interval.h"

/* How many of each class. False: not a sample. */
static bool auc_count(const double *score, const uint8_t *y, uint32_t n, uint32_t count[2])
{
    count[0] = count[1] = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(score[i]) || y[i] > 1)
            return false;
        count[y[i]]++;
    }
    return n > 0;
}

/* The placement of each observation: the share of the other class that its score beats (a loser: that beats it), ties
 * half. The mean of either class's placements is the AUC. */
static void auc_place(const double *score, const uint8_t *y, uint32_t n, const uint32_t count[2],
                      struct signals_ranked *ranked, double *placement)
{
    uint32_t losers_below = 0;
    signals_order(score, n, ranked);
    for (uint32_t i = 0, end; i < n; i = end) {
        uint32_t losers = 0;
        for (end = i; end < n && ranked[end].value == ranked[i].value; end++)
            losers += y[ranked[end].index] == 0;
        uint32_t winners = end - i - losers, winners_below = i - losers_below;
        for (uint32_t j = i; j < end; j++) {
            uint32_t k = ranked[j].index;
            placement[k] = y[k] ? (losers_below + 0.5 * losers) / count[0]
                                : (count[1] - winners_below - 0.5 * winners) / count[1];
        }
        losers_below += losers;
    }
}

/* Mean of the winners' placements; the variance of the AUC is the sum over the classes of variance / count. */
static void auc_finish(const double *placement, const uint8_t *y, uint32_t n, const uint32_t count[2], double confidence,
                       struct signals_auc *out)
{
    *out = (struct signals_auc){NAN, NAN, NAN, NAN};
    if (count[0] == 0 || count[1] == 0)
        return;
    double sum[2] = {0.0, 0.0}, square[2] = {0.0, 0.0};
    for (uint32_t i = 0; i < n; i++)
        sum[y[i]] += placement[i];
    double mean[2] = {sum[0] / count[0], sum[1] / count[1]};
    for (uint32_t i = 0; i < n; i++)
        square[y[i]] += (placement[i] - mean[y[i]]) * (placement[i] - mean[y[i]]);
    out->auc = mean[1];
    if (count[0] < 2 || count[1] < 2)
        return;
    out->se = sqrt(square[0] / (count[0] - 1.0) / count[0] + square[1] / (count[1] - 1.0) / count[1]);
    double half = signals_normal_quantile(0.5 + 0.5 * confidence) * out->se;
    out->lo = out->auc - half;
    out->hi = out->auc + half;
}

int signals_auc_measure(const double *score, const uint8_t *y, uint32_t n, double confidence,
                        const struct signals_auc_scratch *scratch, struct signals_auc *out)
{
    uint32_t count[2];
    if (!auc_count(score, y, n, count))
        return -EINVAL;
    if (count[0] > 0 && count[1] > 0)
        auc_place(score, y, n, count, scratch->ranked, scratch->placement);
    auc_finish(scratch->placement, y, n, count, confidence, out);
    if (!isnan(out->lo)) {
        out->lo = fmax(0.0, out->lo);
        out->hi = fmin(1.0, out->hi);
    }
    return 0;
}

int signals_auc_difference(const double *score_a, const double *score_b, const uint8_t *y, uint32_t n, double confidence,
                           const struct signals_auc_scratch *scratch, struct signals_auc *out)
{
    uint32_t count[2];
    if (!auc_count(score_a, y, n, count) || !auc_count(score_b, y, n, count))
        return -EINVAL;
    if (count[0] > 0 && count[1] > 0) {
        auc_place(score_a, y, n, count, scratch->ranked, scratch->placement);
        auc_place(score_b, y, n, count, scratch->ranked, scratch->other);
        for (uint32_t i = 0; i < n; i++)
            scratch->placement[i] -= scratch->other[i];
    }
    auc_finish(scratch->placement, y, n, count, confidence, out);
    return 0;
}
