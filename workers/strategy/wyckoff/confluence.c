#include "workers/strategy/wyckoff/confluence.h"

#include <errno.h>
#include <math.h>

#define TREND_WEIGHT 0.3

static const double timeframe_weights[CONFLUENCE_COUNT] = {
#define X(name, weight) weight,
    CONFLUENCE_TIMEFRAMES(X)
#undef X
};
static const double stage_weights[WYCKOFF_KINDS] = {
    [WYCKOFF_ST] = 0.2,  [WYCKOFF_SPRING] = 0.5, [WYCKOFF_TEST] = 0.6,
    [WYCKOFF_SOS] = 0.8, [WYCKOFF_LPS] = 0.9,    [WYCKOFF_E] = 0.5,
};

/* --- the view of one timeframe --------------------------------------------------------------------------------- */

/* Whether the direction has a pattern that counts. */
static bool counts(const struct wyckoff_pattern *x, uint32_t last_bar)
{
    return x->last_kind != WYCKOFF_NONE &&
           (x->last_kind != WYCKOFF_E || last_bar - x->last_bar <= CONFLUENCE_FADE_BARS);
}

/* A completed pattern gives way to one of the other side that has come to its ST since. */
static const struct wyckoff_pattern *prevailing(const struct wyckoff_pattern *up, const struct wyckoff_pattern *down)
{
    if (up->last_bar != down->last_bar)
        return up->last_bar > down->last_bar ? up : down;
    return up->last_kind == down->last_kind ? NULL : up->last_kind > down->last_kind ? up : down;
}

struct confluence_view confluence_view(const struct wyckoff *w, double ema_slope)
{
    assert(w);
    struct confluence_view view = {.close_ns = INT64_MIN, .ema_slope = ema_slope};
    if (w->series.bar_count == 0)
        return view;
    uint32_t last = w->series.bar_count - 1;
    view.close_ns = w->series.bars[last % WYCKOFF_RING].time_ns;
    const struct wyckoff_pattern *up = &w->patterns[WYCKOFF_ACCUMULATION], *down = &w->patterns[WYCKOFF_DISTRIBUTION];
    const struct wyckoff_pattern *best = NULL;
    if (counts(up, last) && counts(down, last))
        best = prevailing(up, down);
    else if (counts(up, last))
        best = up;
    else if (counts(down, last))
        best = down;
    if (!best)
        return view;
    view.side = best == up ? 1 : -1;
    view.kind = best->last_kind;
    view.age_bars = last - best->last_bar;
    return view;
}

/* --- all of them ----------------------------------------------------------------------------------------------- */

static bool view_is_sane(const struct confluence_view *view, int64_t now_ns)
{
    if (view->close_ns == INT64_MIN)
        return true;
    return view->close_ns <= now_ns && view->side >= -1 && view->side <= 1 &&
           (view->side == 0 || (view->kind >= WYCKOFF_ST && view->kind < WYCKOFF_KINDS));
}

static double direction(const struct confluence_view *view)
{
    if (view->close_ns == INT64_MIN)
        return 0.0;
    if (view->side != 0)
        return view->side * stage_weights[view->kind] * exp2(-(double)view->age_bars / CONFLUENCE_HALF_LIFE);
    return TREND_WEIGHT * ((view->ema_slope > 0.0) - (view->ema_slope < 0.0)); /* NaN: neither */
}

int confluence_reckon(const struct confluence_view views[CONFLUENCE_COUNT], int64_t now_ns, struct confluence *out)
{
    assert(views && out);
    *out = (struct confluence){0};
    for (uint32_t j = 0; j < CONFLUENCE_COUNT; j++)
        if (!view_is_sane(&views[j], now_ns))
            return -EINVAL;
    for (uint32_t j = 0; j < CONFLUENCE_COUNT; j++) {
        double d = direction(&views[j]);
        out->score[j] = d;
        out->m += timeframe_weights[j] * d;
        out->up += d > 0.0 ? timeframe_weights[j] : 0.0;
        out->down += d < 0.0 ? timeframe_weights[j] : 0.0;
    }
    return 0;
}

bool confluence_admits(const struct confluence *confluence, int side)
{
    assert(confluence && (side == 1 || side == -1));
    return (side > 0 ? confluence->up : confluence->down) >= CONFLUENCE_LEAST && confluence->m * side > 0.0;
}
