#include "workers/strategy/wyckoff/wyckoff.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "workers/strategy/wyckoff/machine.h"

#define BAR_COUNT_MAX (UINT32_MAX - 4096u) /* bar numbers and what is added to them do not wrap */

/* --- names ----------------------------------------------------------------------------------------------------- */

const char *wyckoff_event_name(uint32_t kind, uint32_t direction)
{
    static const char *const names[WYCKOFF_KINDS][WYCKOFF_DIRECTIONS] = {
#define X(name, up, down) {up, down},
        WYCKOFF_EVENT_LIST(X)
#undef X
    };
    return kind < WYCKOFF_KINDS && direction < WYCKOFF_DIRECTIONS ? names[kind][direction] : "?";
}

const char *wyckoff_stage_name(uint32_t stage)
{
    static const char *const names[WYCKOFF_STAGES] = {
#define X(name, handler) #name,
        WYCKOFF_STAGE_LIST(X)
#undef X
    };
    return stage < WYCKOFF_STAGES ? names[stage] : "?";
}

const char *wyckoff_result_name(uint32_t result)
{
    static const char *const names[WYCKOFF_RESULTS] = {"fail", "complete", "timeout"};
    return result < WYCKOFF_RESULTS ? names[result] : "?";
}

const char *wyckoff_evidence_name(uint32_t index)
{
    static const char *const names[WYCKOFF_EVIDENCE_COUNT] = {
#define X(name) #name,
        WYCKOFF_EVIDENCE(X)
#undef X
    };
    return index < WYCKOFF_EVIDENCE_COUNT ? names[index] : "?";
}

/* --- a bar ----------------------------------------------------------------------------------------------------- */

int wyckoff_init(struct wyckoff *w, const struct wyckoff_params *params, enum config_volume_kind volume_kind,
                 struct error *err)
{
    assert(w && params);
    memset(w, 0, sizeof *w);
    if (volume_kind != VOLUME_EXCHANGE && volume_kind != VOLUME_TICK)
        return error_set(err, ENOTSUP, "wyckoff: the series has no volume (volume_kind none), which its rules weigh");
    int rc = wyckoff_params_check(params, err);
    if (rc != 0)
        return rc;
    w->version = WYCKOFF_VERSION;
    w->params_digest = wyckoff_params_digest(params);
    for (uint32_t d = 0; d < WYCKOFF_DIRECTIONS; d++) {
        struct wyckoff_pattern *x = &w->patterns[d];
        x->below_bar = x->last_kind = WYCKOFF_NONE;
        for (uint32_t kind = 0; kind < WYCKOFF_KINDS; kind++)
            x->marks[kind] = (struct wyckoff_mark){WYCKOFF_NONE, WYCKOFF_NONE};
    }
    return 0;
}

static bool bar_is_sane(const struct wyckoff_bar *bar)
{
    return bar->low > 0 && bar->open >= bar->low && bar->open <= bar->high && bar->close >= bar->low &&
           bar->close <= bar->high && bar->volume >= 0;
}

/* In the prices of a direction. The place of the close in the bar is taken from mirrored prices as they are: (C - L) / (H -
 * L) of them is (H - C) / (H - L). */
static struct machine machine_of(struct wyckoff *w, const struct wyckoff_params *params, uint32_t direction)
{
    struct machine m = {.p = params,
                        .series = &w->series,
                        .x = &w->patterns[direction],
                        .direction = direction,
                        .t = w->series.bar_count - 1};
    const struct wyckoff_kept *bar = series_bar(m.series, m.t);
    m.high = machine_high(&m, m.t);
    m.low = machine_low(&m, m.t);
    m.close = machine_close(&m, m.t);
    m.atr = bar->atr;
    m.rv = bar->relative_volume;
    m.sr = bar->spread_ratio;
    double range = m.high - m.low;
    m.clv = range > 0.0 ? (m.close - m.low) / range : 0.5;
    return m;
}

static void (*const handlers[WYCKOFF_STAGES])(struct machine *m) = {
#define X(name, handler) machine_##handler,
    WYCKOFF_STAGE_LIST(X)
#undef X
};

uint32_t wyckoff_on_bar(struct wyckoff *w, const struct wyckoff_params *params, const struct wyckoff_bar *bar,
                        const struct wyckoff_context *context, struct wyckoff_output *out)
{
    static const struct wyckoff_context unknown = WYCKOFF_CONTEXT_UNKNOWN;
    assert(w && params && bar && out && w->version == WYCKOFF_VERSION);
    out->event_count = out->end_count = 0;
    if (!bar_is_sane(bar) || w->series.bar_count == BAR_COUNT_MAX)
        return 0;
    series_push(&w->series, params, bar);
    for (uint32_t direction = 0; direction < WYCKOFF_DIRECTIONS; direction++) {
        struct machine m = machine_of(w, params, direction);
        m.context = context ? context : &unknown;
        m.out = out;
        if (!isfinite(m.atr) || !isfinite(m.rv))
            continue;
        if (m.x->stage >= WYCKOFF_IN_B)
            evidence_bar(&m);
        handlers[m.x->stage](&m);
    }
    series_settle(&w->series, params);
    return out->event_count;
}

struct wyckoff_features wyckoff_features_last(const struct wyckoff *w)
{
    assert(w);
    if (w->series.bar_count == 0)
        return (struct wyckoff_features){NAN, NAN, NAN, NAN};
    const struct wyckoff_kept *bar = series_bar(&w->series, w->series.bar_count - 1);
    double range = bar->high - bar->low;
    return (struct wyckoff_features){.atr = bar->atr,
                                     .relative_volume = bar->relative_volume,
                                     .spread_ratio = bar->spread_ratio,
                                     .clv01 = range > 0.0 ? (bar->close - bar->low) / range : 0.5};
}

uint32_t wyckoff_bar_count(const struct wyckoff *w)
{
    assert(w);
    return w->series.bar_count;
}

/* --- bytes of a snapshot --------------------------------------------------------------------------------------- */

static bool bar_in(uint32_t bar, uint32_t bar_count)
{
    return bar < bar_count;
}

static bool low_restorable(const struct wyckoff_low *low, uint32_t bar_count)
{
    return low->known == 0 || (low->known == 1 && bar_in(low->bar, bar_count) && isfinite(low->price) &&
                               isfinite(low->high) && low->high >= low->price);
}

static bool sums_restorable(const struct wyckoff_sums *sums)
{
    const double numbers[] = {sums->n,        sums->x,    sums->xx,         sums->y,   sums->xy,       sums->up,
                              sums->up_count, sums->down, sums->down_count, sums->evr, sums->evr_count};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!isfinite(numbers[i]))
            return false;
    return true;
}

static bool marks_restorable(const struct wyckoff_mark *marks, uint32_t bar_count)
{
    for (uint32_t kind = 0; kind < WYCKOFF_KINDS; kind++) {
        const struct wyckoff_mark *mark = &marks[kind];
        bool none = mark->bar == WYCKOFF_NONE && mark->known_bar == WYCKOFF_NONE;
        if (!none && (!bar_in(mark->known_bar, bar_count) || mark->bar > mark->known_bar))
            return false;
    }
    return true;
}

/* What a stage reads must have been written by the stages before it. */
static bool stage_restorable(const struct wyckoff_pattern *x, uint32_t bar_count, const struct wyckoff_params *params)
{
    if (x->stage >= WYCKOFF_STAGES || !bar_in(x->stage_bar, bar_count) || !bar_in(x->high_bar, bar_count) ||
        !bar_in(x->fall_bar, bar_count) || !bar_in(x->ar_bar, bar_count))
        return bar_count == 0 && x->stage == WYCKOFF_IN_IDLE;
    if (x->stage == WYCKOFF_IN_IDLE)
        return true;
    if (!isfinite(x->s) || !isfinite(x->a) || !(x->a >= 0.0) || !isfinite(x->rv_sc) || !isfinite(x->high) ||
        x->serial == 0)
        return false;
    if (x->stage >= WYCKOFF_IN_AR && (!isfinite(x->r) || !(x->r >= x->s)))
        return false;
    bool below = x->below_bar != WYCKOFF_NONE;
    if (x->stage < WYCKOFF_IN_B)
        return !below;
    if (below && (x->stage > WYCKOFF_IN_C || (x->stage == WYCKOFF_IN_C && params->respring == 0) ||
                  !bar_in(x->below_bar, bar_count) || x->below_bar < x->b_bar || x->low.known != 1))
        return false;
    return bar_in(x->b_bar, bar_count) && x->b_bar <= x->stage_bar && isfinite(x->low_min) && isfinite(x->high_max);
}

static bool pattern_restorable(const struct wyckoff_pattern *x, uint32_t bar_count, const struct wyckoff_params *params)
{
    bool last = x->last_kind == WYCKOFF_NONE ||
                (x->last_kind >= WYCKOFF_ST && x->last_kind < WYCKOFF_KINDS && bar_in(x->last_bar, bar_count));
    return stage_restorable(x, bar_count, params) && last && x->tested <= 1 && x->side <= 2 &&
           x->grade <= WYCKOFF_GRADE_QUIET && (uint64_t)x->free_from <= (uint64_t)bar_count + params->cool &&
           low_restorable(&x->low, bar_count) && sums_restorable(&x->sums) && marks_restorable(x->marks, bar_count);
}

bool wyckoff_restorable(const void *bytes, const struct wyckoff_params *params)
{
    assert(bytes && params);
    struct wyckoff w;
    memcpy(&w, bytes, sizeof w); /* wherever it lies */
    if (w.version != WYCKOFF_VERSION || w.reserved != 0 || w.params_digest != wyckoff_params_digest(params) ||
        wyckoff_params_check(params, NULL) != 0 || w.series.bar_count > BAR_COUNT_MAX)
        return false;
    if (!series_restorable(&w.series, params))
        return false;
    for (uint32_t d = 0; d < WYCKOFF_DIRECTIONS; d++)
        if (!pattern_restorable(&w.patterns[d], w.series.bar_count, params))
            return false;
    return true;
}
