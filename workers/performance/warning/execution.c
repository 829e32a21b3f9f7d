#include "workers/performance/warning/execution.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int execution_cusum(struct warning_cusum *out, struct warning_workspace *work, double mean, double deviation,
                           const double arl0_shift[2])
{
    double k = warning_cusum_reference(arl0_shift[1]), h = warning_cusum_critical(work, k, arl0_shift[0], false);
    if (isnan(h))
        return arl0_shift[0] > 1.0 && k > 0.0 ? -ERANGE : -EINVAL;
    const struct warning_cusum_design design = {
        .mean = mean, .deviation = deviation, .k = k, .h = h, .clip = WARNING_EXECUTION_CLIP, .side = 1};
    return warning_cusum_init(out, &design);
}

static int execution_count(struct warning_count *out, struct warning_workspace *work, enum warning_count_kind kind,
                           const double usual_changed[2], double arl0)
{
    struct warning_count_design design;
    int error = warning_count_find(work, kind, usual_changed[0], usual_changed[1], arl0, &design);
    return error ? error : warning_count_init(out, &design);
}

int warning_execution_init(struct warning_execution *out, const struct warning_execution_model *model,
                           struct warning_workspace *work)
{
    const struct warning_execution_model *m = model;
    memset(out, 0, sizeof *out);
    const double fills[2] = {m->arl0_fills, m->shift}, hours[2] = {m->arl0_hours, m->shift};
    const double unfilled[2] = {m->unfilled, fmin(2.0 * m->unfilled, (1.0 + m->unfilled) / 2.0)};
    const double few[2] = {m->signals_a_day, m->signals_a_day / 2.0},
                 many[2] = {m->signals_a_day, m->signals_a_day * 2.0};
    int error = execution_cusum(&out->slippage, work, m->slippage_mean, m->slippage_deviation, fills);
    if (!error)
        error = execution_cusum(&out->spread, work, m->spread_mean, m->spread_deviation, hours);
    if (!error)
        error = execution_count(&out->unfilled, work, WARNING_BERNOULLI, unfilled, m->arl0_orders);
    if (!error)
        error = execution_count(&out->signals_few, work, WARNING_POISSON, few, 2.0 * m->arl0_days);
    if (!error)
        error = execution_count(&out->signals_many, work, WARNING_POISSON, many, 2.0 * m->arl0_days);
    if (error)
        memset(out, 0, sizeof *out);
    return error;
}

bool warning_execution_fill(struct warning_execution *state, double slippage_ticks)
{
    return warning_cusum_observe(&state->slippage, slippage_ticks);
}

bool warning_execution_quote(struct warning_execution *state, double spread, double usual_spread)
{
    double ratio = spread > 0.0 && usual_spread > 0.0 ? log(spread / usual_spread) : NAN;
    return warning_cusum_observe(&state->spread, ratio);
}

bool warning_execution_order(struct warning_execution *state, bool filled)
{
    return warning_count_observe(&state->unfilled, filled ? 0 : 1);
}

bool warning_execution_day(struct warning_execution *state, uint32_t signal_count)
{
    bool few = warning_count_observe(&state->signals_few, signal_count);
    return warning_count_observe(&state->signals_many, signal_count) || few;
}

bool warning_execution_restorable(const struct warning_execution *state, const struct warning_execution *fresh)
{
    return warning_cusum_restorable(&state->slippage, &fresh->slippage.design) &&
           warning_cusum_restorable(&state->spread, &fresh->spread.design) &&
           warning_count_restorable(&state->unfilled, &fresh->unfilled.design) &&
           warning_count_restorable(&state->signals_few, &fresh->signals_few.design) &&
           warning_count_restorable(&state->signals_many, &fresh->signals_many.design);
}
