#include "workers/strategy/signals/quality.h"

#include <math.h>

#define Z_TWO_SIDED 1.96

const char *signals_advice_name(unsigned kind)
{
    static const char *const names[] = {
        [SIGNALS_ADVICE_INSUFFICIENT] = "insufficient",
        [SIGNALS_ADVICE_ENABLE] = "enable",
        [SIGNALS_ADVICE_DISABLE] = "disable",
        [SIGNALS_ADVICE_RECALIBRATE] = "recalibrate",
        [SIGNALS_ADVICE_NO_DISCRIMINATION] = "no_discrimination",
        [SIGNALS_ADVICE_CONVERSION_LOW] = "conversion_low",
        [SIGNALS_ADVICE_CONVERSION_HIGH] = "conversion_high",
    };
    return kind < SIGNALS_ADVICE_KIND_COUNT ? names[kind] : "?";
}

struct advice_list {
    struct signals_advice *out;
    uint32_t count, max;
};

static void advice_add(struct advice_list *list, struct signals_advice advice)
{
    if (list->count < list->max)
        list->out[list->count] = advice;
    list->count++;
}

static void advise_calibration(struct advice_list *list, const struct signals_quality *q)
{
    if (q->with_p < SIGNALS_SAMPLE_MIN)
        return;
    double half = Z_TWO_SIDED * q->cox.slope_se;
    if (fabs(q->reliability.spiegelhalter_z) > Z_TWO_SIDED || fabs(q->cox.slope - 1.0) > half)
        advice_add(list, (struct signals_advice){.kind = SIGNALS_ADVICE_RECALIBRATE, .key = UINT32_MAX, .n = q->with_p,
                                                 .value = q->cox.slope, .ci = {q->cox.slope - half, q->cox.slope + half}});
    if (q->auc.lo <= 0.5)
        advice_add(list, (struct signals_advice){.kind = SIGNALS_ADVICE_NO_DISCRIMINATION, .key = UINT32_MAX,
                                                 .n = q->with_p, .value = q->auc.auc, .ci = {q->auc.lo, q->auc.hi}});
}

static void advise_group(struct advice_list *list, const struct signals_group *g)
{
    if (!g->sufficient)
        advice_add(list, (struct signals_advice){.kind = SIGNALS_ADVICE_INSUFFICIENT, .key = g->key, .n = g->n,
                                                 .value = g->n, .ci = g->win_rate});
    else if (g->discovered)
        advice_add(list, (struct signals_advice){.kind = g->r.mean > 0.0 ? SIGNALS_ADVICE_ENABLE : SIGNALS_ADVICE_DISABLE,
                                                 .key = g->key, .n = g->n, .value = g->r.mean, .ci = g->mean_r});
}

static void advise_conversion(struct advice_list *list, const struct signals_conversion *c)
{
    uint32_t asked = c->emitted - c->expired_early;
    if (asked < SIGNALS_SAMPLE_MIN || (c->ci.hi >= SIGNALS_CONVERSION_LO && c->ci.lo <= SIGNALS_CONVERSION_HI))
        return;
    advice_add(list, (struct signals_advice){.kind = c->ci.hi < SIGNALS_CONVERSION_LO ? SIGNALS_ADVICE_CONVERSION_LOW
                                                                                      : SIGNALS_ADVICE_CONVERSION_HIGH,
                                             .key = UINT32_MAX, .n = asked, .value = c->rate, .ci = c->ci});
}

uint32_t signals_quality_advise(const struct signals_quality *quality, const struct signals_group *groups, uint32_t group_count,
                                const struct signals_conversion *conversion, struct signals_advice *out, uint32_t max)
{
    struct advice_list list = {.out = out, .max = max};
    if (!quality->sufficient)
        advice_add(&list, (struct signals_advice){.kind = SIGNALS_ADVICE_INSUFFICIENT, .key = UINT32_MAX, .n = quality->n,
                                                  .value = quality->n, .ci = quality->win_rate});
    advise_calibration(&list, quality);
    for (uint32_t g = 0; g < group_count; g++)
        advise_group(&list, &groups[g]);
    if (conversion)
        advise_conversion(&list, conversion);
    return list.count;
}
