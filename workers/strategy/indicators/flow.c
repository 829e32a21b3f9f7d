#include "workers/strategy/indicators/flow.h"

#include <assert.h>
#include <string.h>

#include "workers/strategy/indicators/volatility.h"

/* --- effort against result -----------------------------------------------------------------------------------------
 */

void flow_effort_init(struct flow_effort *state)
{
    assert(state);
    window_moments_init(&state->effort, FLOW_EFFORT_BARS);
    window_moments_init(&state->result, FLOW_EFFORT_BARS);
}

/* Standardised by the values before it; then it is one of them. */
static double effort_z(struct window_moments *window, double x)
{
    struct window_moment before = window_moments_value(window);
    double deviation = sqrt(before.m2 / (double)(window->period - 1));
    window_moments_push(window, x);
    return deviation > 0.0 ? (x - before.mean) / deviation : NAN;
}

double flow_effort_next(struct flow_effort *state, double effort, double range)
{
    if (!(effort > 0.0) || !isfinite(effort))
        return NAN;
    return effort_z(&state->effort, log(effort)) - effort_z(&state->result, log(fmax(range, 1.0)));
}

bool flow_effort_restorable(const struct flow_effort *state)
{
    return window_moments_restorable(&state->effort, FLOW_EFFORT_BARS) &&
           window_moments_restorable(&state->result, FLOW_EFFORT_BARS) &&
           state->effort.position == state->result.position && state->effort.full == state->result.full;
}

/* --- smart money ---------------------------------------------------------------------------------------------------
 */

void flow_init(struct flow *flow, int64_t point)
{
    static_assert(sizeof(struct flow) == 32 + 8 * FLOW_BARS + sizeof(struct volume_cmf) + sizeof(struct volume_up) +
                                             sizeof(struct flow_effort) + 3 * sizeof(struct window_order),
                  "no padding: states compare by bytes");
    assert(flow && point > 0 && point <= INDICATOR_PRICE_MAX);
    memset(flow, 0, sizeof *flow);
    flow->point = point;
    volume_cmf_init(&flow->cmf, FLOW_BARS);
    volume_up_init(&flow->up, FLOW_BARS);
    flow_effort_init(&flow->effort);
    for (unsigned i = 0; i < 3; i++)
        window_order_init(&flow->ranks[i], FLOW_RANK_BARS);
}

/* Terms that are 0 do not change the sum, and most are: so it is taken anew where one that is not comes or goes. Equal
 * windows then have equal sums, to the bit, which the ranks of ties depend on. */
static void absorption_push(struct flow *flow, double term)
{
    double old = flow->ring[flow->position];
    flow->ring[flow->position] = term;
    flow->position = flow->position + 1 == FLOW_BARS ? 0 : flow->position + 1;
    if (old == 0.0 && term == 0.0)
        return;
    double sum = 0.0;
    for (uint32_t i = flow->position; i < FLOW_BARS; i++)
        sum += flow->ring[i];
    for (uint32_t i = 0; i < flow->position; i++)
        sum += flow->ring[i];
    flow->absorbed = sum;
}

static double absorption_term(const struct indicator_bar *bar, int64_t close_before, double evr)
{
    if (!(evr > 0.0))
        return 0.0;
    int64_t beyond_middle = (bar->close - bar->low) - (bar->high - bar->close); /* >= 0: CLV01 >= .5 */
    if (bar->close < close_before && beyond_middle >= 0)
        return evr;
    return bar->close > close_before && beyond_middle <= 0 ? -evr : 0.0;
}

struct flow_values flow_next(struct flow *flow, const struct indicator_bar *bar, double effort)
{
    int64_t range = flow->seen > 0 ? volatility_true_range(bar, flow->close) : bar->high - bar->low;
    struct flow_values out = {.cmf = volume_cmf_next(&flow->cmf, bar),
                              .udv = volume_up_next(&flow->up, bar),
                              .evr = flow_effort_next(&flow->effort, effort, (double)range / (double)flow->point),
                              .absorption = NAN};
    absorption_push(flow, flow->seen > 0 ? absorption_term(bar, flow->close, out.evr) : 0.0);
    flow->close = bar->close;
    flow->seen += flow->seen < FLOW_EFFORT_BARS + FLOW_BARS;
    if (flow->seen == FLOW_EFFORT_BARS + FLOW_BARS)
        out.absorption = flow->absorbed / (double)FLOW_BARS;
    out.rank_cmf = window_order_next(&flow->ranks[0], out.cmf, FLOW_RANK_LEAST);
    out.rank_udv = window_order_next(&flow->ranks[1], out.udv, FLOW_RANK_LEAST);
    out.rank_absorption = window_order_next(&flow->ranks[2], out.absorption, FLOW_RANK_LEAST);
    out.smf = (out.rank_cmf + out.rank_udv + out.rank_absorption) / 3.0;
    return out;
}

bool flow_restorable(const struct flow *flow, int64_t point)
{
    if (flow->point != point || point < 1 || point > INDICATOR_PRICE_MAX || flow->position >= FLOW_BARS ||
        flow->seen > FLOW_EFFORT_BARS + FLOW_BARS || (flow->seen == 0) != (flow->close == 0) || flow->close < 0 ||
        flow->close > INDICATOR_PRICE_MAX)
        return false;
    double sum = 0.0;
    for (uint32_t i = 0; i < FLOW_BARS; i++) {
        double term = flow->ring[(flow->position + i) % FLOW_BARS];
        if (!isfinite(term))
            return false;
        sum += term;
    }
    if (sum != flow->absorbed || !volume_cmf_restorable(&flow->cmf, FLOW_BARS) ||
        !volume_up_restorable(&flow->up, FLOW_BARS) || !flow_effort_restorable(&flow->effort))
        return false;
    for (unsigned i = 0; i < 3; i++)
        if (!window_order_restorable(&flow->ranks[i], FLOW_RANK_BARS))
            return false;
    return true;
}
