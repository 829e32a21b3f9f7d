#include "workers/strategy/wyckoff/score.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

#define WINSOR 5.0
#define LEVEL 0.95

static bool has_evidence(uint32_t kind)
{
    return kind >= WYCKOFF_ST && kind <= WYCKOFF_LPS;
}

/* --- a model from outside -------------------------------------------------------------------------------------- */

static int knots_check(const struct score_stage *stage, const char *name, struct error *err)
{
    if (stage->knot_count < 2 || stage->knot_count > SCORE_KNOTS_MAX)
        return error_set(err, EINVAL, "wyckoff model %s: %u isotonic knots, not 2..%u", name, stage->knot_count,
                         SCORE_KNOTS_MAX);
    for (uint32_t i = 0; i < stage->knot_count; i++) {
        double x = stage->knot_x[i], y = stage->knot_y[i];
        if (!(x >= 0.0 && x <= 1.0 && y >= 0.0 && y <= 1.0))
            return error_set(err, EINVAL, "wyckoff model %s: knot %u is outside 0..1", name, i);
        if (i > 0 && !(x > stage->knot_x[i - 1] && y >= stage->knot_y[i - 1]))
            return error_set(err, EINVAL, "wyckoff model %s: knot %u is out of order", name, i);
    }
    return 0;
}

static int stage_check(const struct score_stage *stage, const char *name, struct error *err)
{
    if (stage->complete_count > stage->event_count)
        return error_set(err, EINVAL, "wyckoff model %s: %u of %u events complete", name, stage->complete_count,
                         stage->event_count);
    if (stage->calibration > SCORE_ISOTONIC)
        return error_set(err, EINVAL, "wyckoff model %s: no such calibration: %u", name, stage->calibration);
    if (stage->event_count < SCORE_EVENTS_MIN)
        return 0; /* its numbers are not looked at */
    if (!isfinite(stage->intercept) || !isfinite(stage->platt_a) || !isfinite(stage->platt_b))
        return error_set(err, EINVAL, "wyckoff model %s: a number that is not finite", name);
    for (uint32_t i = 0; i < WYCKOFF_EVIDENCE_COUNT; i++)
        if (!isfinite(stage->mean[i]) || !isfinite(stage->weight[i]) || !isfinite(stage->missing[i]) ||
            !isfinite(stage->scale[i]) || !(stage->scale[i] > 0.0))
            return error_set(err, EINVAL, "wyckoff model %s: bad numbers for %s", name, wyckoff_evidence_name(i));
    return stage->calibration == SCORE_ISOTONIC ? knots_check(stage, name, err) : 0;
}

int score_model_check(const struct score_model *model, struct error *err)
{
    assert(model);
    for (uint32_t kind = 0; kind < WYCKOFF_KINDS; kind++) {
        int rc = has_evidence(kind)
                     ? stage_check(&model->stages[kind], wyckoff_event_name(kind, WYCKOFF_ACCUMULATION), err)
                     : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* --- a probability --------------------------------------------------------------------------------------------- */

void score_jeffreys(uint32_t k, uint32_t n, double level, double *low, double *high)
{
    assert(k <= n && level > 0.0 && level < 1.0 && low && high);
    double a = (double)k + 0.5, b = (double)(n - k) + 0.5, tail = (1.0 - level) / 2.0;
    *low = gsl_cdf_beta_Pinv(tail, a, b);
    *high = gsl_cdf_beta_Qinv(tail, a, b);
}

static double margin(const struct score_stage *stage, const double *x)
{
    double f = stage->intercept;
    for (uint32_t i = 0; i < WYCKOFF_EVIDENCE_COUNT; i++) {
        if (isnan(x[i])) {
            f += stage->missing[i];
            continue;
        }
        f += stage->weight[i] * fmax(-WINSOR, fmin(WINSOR, (x[i] - stage->mean[i]) / stage->scale[i]));
    }
    return f;
}

static double isotonic(const struct score_stage *stage, double p)
{
    const double *x = stage->knot_x, *y = stage->knot_y;
    if (p <= x[0])
        return y[0];
    for (uint32_t i = 1; i < stage->knot_count; i++)
        if (p <= x[i])
            return y[i - 1] + (y[i] - y[i - 1]) * ((p - x[i - 1]) / (x[i] - x[i - 1]));
    return y[stage->knot_count - 1];
}

static double probability(const struct score_stage *stage, const double *x)
{
    double f = margin(stage, x), p = 1.0 / (1.0 + exp(-f));
    switch (stage->calibration) {
    case SCORE_PLATT:
        return 1.0 / (1.0 + exp(stage->platt_a * f + stage->platt_b));
    case SCORE_ISOTONIC:
        return isotonic(stage, p);
    default:
        return p;
    }
}

struct score_answer score_complete(const struct score_model *model, const struct wyckoff_event *event)
{
    assert(model && event && event->has_evidence && has_evidence(event->kind));
    const struct score_stage *stage = &model->stages[event->kind];
    struct score_answer answer = {.event_count = stage->event_count, .p = NAN};
    score_jeffreys(stage->complete_count, stage->event_count, LEVEL, &answer.low, &answer.high);
    if (stage->event_count == 0)
        return answer;
    if (stage->event_count < SCORE_EVENTS_MIN) {
        answer.status = SCORE_PROVISIONAL;
        answer.p = (double)stage->complete_count / (double)stage->event_count;
        return answer;
    }
    answer.status = SCORE_MODEL;
    answer.p = probability(stage, event->evidence);
    return answer;
}
