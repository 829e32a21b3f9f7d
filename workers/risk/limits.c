#include "workers/risk/limits.h"

#include <assert.h>
#include <string.h>

#define CENT (DEC_ONE / 100)

static_assert(sizeof(struct limits_floor) == 32, "no padding: part of a row of the store");
static_assert(sizeof(struct limits_state) == 11 * 8 + 4 * 4 + CONFIG_FLOORS_MAX * 32, "no padding: a row of the store");
static_assert((int)EFFECT_TERMINATE == 0 && (int)EFFECT_PAUSE == 1, "limits_latch_of");

/* --- levels ------------------------------------------------------------------------------------------- */

/* What does not fit is above any equity: an account that cannot be reckoned does not trade. */
static dec_t limits_cent_up(dec_t value)
{
    dec_t rounded;
    return dec_round_step(value, CENT, DEC_ROUND_CEIL, &rounded) == 0 ? rounded : DEC_MAX;
}

static dec_t limits_anchor(const struct limits_state *s, const struct config_floor *floor,
                           const struct limits_floor *own)
{
    switch ((enum floor_anchor)floor->anchor) {
    case ANCHOR_INITIAL:
        return s->initial_balance;
    case ANCHOR_SNAP_BALANCE:
        return s->day_start_balance;
    case ANCHOR_SNAP_EQUITY:
        return s->day_start_equity;
    case ANCHOR_SNAP_MAX:
        return dec_max(s->day_start_balance, s->day_start_equity);
    case ANCHOR_RUN_CLOSED:
        return s->high_water_balance;
    case ANCHOR_RUN_EOD_BALANCE:
    case ANCHOR_RUN_EOD_MAX:
        return own->mark;
    case ANCHOR_RUN_EQUITY:
        return s->high_water_equity;
    case ANCHOR_DAY_PEAK:
        return s->day_peak_equity;
    }
    assert(!"unknown anchor");
    return DEC_MAX;
}

dec_t limits_floor_level(const struct limits_state *state, const struct config_programme *programme, uint32_t floor)
{
    assert(state && programme && floor < programme->floor_count && programme->floor_count <= CONFIG_FLOORS_MAX);
    const struct config_floor *rule = &programme->floors[floor];
    dec_t anchor = state->floors[floor].anchor, allowance = rule->allowance_abs, level, cap;
    dec_t base = rule->allowance_of_anchor ? anchor : state->initial_balance;
    if (allowance <= 0 && dec_mul(base, rule->allowance_fraction, DEC_ROUND_FLOOR, &allowance) != 0)
        return DEC_MAX;
    if (dec_sub(anchor, allowance, &level) != 0)
        return DEC_MAX;
    if (rule->has_cap) {
        if (dec_add(state->initial_balance, rule->cap_offset, &cap) != 0)
            return DEC_MAX;
        level = dec_min(level, cap);
    }
    return limits_cent_up(level);
}

static dec_t limits_buffer(const struct limits_state *s, const struct config_programme *programme)
{
    dec_t buffer;
    if (dec_mul(s->initial_balance, programme->buffer_fraction, DEC_ROUND_CEIL, &buffer) != 0)
        return DEC_MAX;
    return limits_cent_up(buffer);
}

/* equity - level; what does not fit counts as no room at all. */
static dec_t limits_distance(dec_t equity, dec_t level)
{
    dec_t distance;
    return level != DEC_MAX && dec_sub(equity, level, &distance) == 0 ? distance : -DEC_MAX;
}

/* The floor that equity is nearest to (the first of equals), floor_count when there is none. */
static uint32_t limits_nearest(const struct limits_state *s, const struct config_programme *programme, dec_t equity,
                               dec_t *distance)
{
    uint32_t nearest = programme->floor_count;
    *distance = DEC_MAX;
    for (uint32_t i = 0; i < programme->floor_count; i++) {
        dec_t d = limits_distance(equity, limits_floor_level(s, programme, i));
        if (nearest == programme->floor_count || d < *distance) {
            nearest = i;
            *distance = d;
        }
    }
    return nearest;
}

dec_t limits_room(const struct limits_state *state, const struct config_programme *programme, dec_t equity,
                  uint32_t *kind)
{
    assert(state && programme && kind);
    dec_t distance, room;
    uint32_t nearest = limits_nearest(state, programme, equity, &distance);
    *kind = nearest < programme->floor_count ? programme->floors[nearest].kind : (uint32_t)FLOOR_TOTAL;
    if (nearest == programme->floor_count)
        return DEC_MAX;
    return dec_sub(distance, limits_buffer(state, programme), &room) == 0 ? dec_max(0, room) : 0;
}

/* --- marks and boundaries -------------------------------------------------------------------------------- */

static void limits_anchors(struct limits_state *s, const struct config_programme *programme)
{
    for (uint32_t i = 0; i < programme->floor_count; i++)
        s->floors[i].anchor = limits_anchor(s, &programme->floors[i], &s->floors[i]);
}

void limits_init(struct limits_state *state, const struct config_programme *programme, dec_t initial_balance)
{
    assert(state && programme && programme->floor_count <= CONFIG_FLOORS_MAX && initial_balance > 0);
    memset(state, 0, sizeof *state);
    state->initial_balance = initial_balance;
    state->high_water_equity = state->high_water_balance = initial_balance;
    state->day_start_balance = state->day_start_equity = state->day_peak_equity = initial_balance;
    state->last_balance = state->last_equity = initial_balance;
    for (uint32_t i = 0; i < CONFIG_FLOORS_MAX; i++)
        state->floors[i].mark = initial_balance;
    limits_anchors(state, programme);
}

/* The snapshot of a boundary: nothing was marked since, so that of several boundaries in a row (a weekend) each
 * takes the same, and one step stands for all. */
static void limits_snapshot(struct limits_state *s, const struct config_programme *programme)
{
    s->day_start_balance = s->last_balance;
    s->day_start_equity = s->last_equity;
    s->day_peak_equity = s->last_equity;
    s->guard_latched = 0;
    s->guard_reason = REFUSAL_NONE;
    s->guard_floor = 0;
    for (uint32_t i = 0; i < CONFIG_FLOORS_MAX; i++) {
        struct limits_floor *floor = &s->floors[i];
        if (floor->latched == LATCH_PAUSE) {
            floor->latched = LATCH_NONE;
            floor->refusal = REFUSAL_NONE;
            floor->latched_ns = 0;
        }
        if (i >= programme->floor_count)
            continue;
        if (programme->floors[i].anchor == ANCHOR_RUN_EOD_BALANCE)
            floor->mark = dec_max(floor->mark, s->last_balance);
        else if (programme->floors[i].anchor == ANCHOR_RUN_EOD_MAX)
            floor->mark = dec_max(floor->mark, dec_max(s->last_balance, s->last_equity));
    }
}

/* True when a day begins with this mark; *crossed: another had begun before. */
static bool limits_boundaries(struct limits_state *s, const struct config_programme *programme,
                              const struct tz_table *zone, int64_t now_ns, bool *crossed)
{
    bool begun = s->day_end_ns != 0;
    *crossed = begun && now_ns >= s->day_end_ns;
    if (begun && !*crossed)
        return false;
    limits_snapshot(s, programme);
    s->day_start_ns = tz_boundary_at_or_before(zone, programme->day_start_s, now_ns);
    s->day_end_ns = tz_boundary_after(zone, programme->day_start_s, now_ns);
    assert(s->day_start_ns <= now_ns && now_ns < s->day_end_ns);
    return true;
}

static void limits_marks(struct limits_state *s, int64_t now_ns, dec_t balance, dec_t equity, dec_t equity_high)
{
    s->high_water_balance = dec_max(s->high_water_balance, balance);
    s->high_water_equity = dec_max(s->high_water_equity, equity_high);
    s->day_peak_equity = dec_max(s->day_peak_equity, equity_high);
    s->last_balance = balance;
    s->last_equity = equity;
    s->last_ns = now_ns;
}

/* --- latches --------------------------------------------------------------------------------------------- */

static uint32_t limits_reason(const struct config_floor *floor)
{
    return floor->kind == FLOOR_DAILY ? REFUSAL_DAILY_LOSS : REFUSAL_TOTAL_LOSS;
}

static uint32_t limits_latch_of(const struct config_floor *floor)
{
    return floor->effect == EFFECT_PAUSE ? LATCH_PAUSE : LATCH_TERMINATE;
}

static bool limits_line_crossed(const struct config_floor *floor, dec_t equity, dec_t level)
{
    return level == DEC_MAX || (floor->breach == BREACH_LE ? equity <= level : equity < level);
}

/* The firms' own lines. True when one is newly crossed. */
static bool limits_lines(struct limits_state *s, const struct config_programme *programme, dec_t equity)
{
    bool breached = false;
    for (uint32_t i = 0; i < programme->floor_count; i++) {
        const struct config_floor *rule = &programme->floors[i];
        struct limits_floor *floor = &s->floors[i];
        uint32_t latch = limits_latch_of(rule);
        if (floor->latched >= latch || !limits_line_crossed(rule, equity, limits_floor_level(s, programme, i)))
            continue;
        floor->latched = latch;
        floor->refusal = limits_reason(rule);
        floor->latched_ns = s->last_ns;
        breached = true;
    }
    return breached;
}

/* Ours, before the line. True when it is new, or turns from a daily to a total one. */
static bool limits_guard(struct limits_state *s, const struct config_programme *programme, dec_t equity)
{
    dec_t buffer = limits_buffer(s, programme);
    bool changed = false;
    for (uint32_t i = 0; i < programme->floor_count; i++) {
        uint32_t reason = limits_reason(&programme->floors[i]);
        if (limits_distance(equity, limits_floor_level(s, programme, i)) > buffer)
            continue;
        if (s->guard_latched && !(s->guard_reason == REFUSAL_DAILY_LOSS && reason == REFUSAL_TOTAL_LOSS))
            continue;
        s->guard_latched = 1;
        s->guard_reason = reason;
        s->guard_floor = i;
        changed = true;
    }
    return changed;
}

/* The latched floor that weighs most (the first of equals), CONFIG_FLOORS_MAX when none is. Also floors that a changed
 * programme no longer has: a latch is forgiven by no file. */
static uint32_t limits_latched_floor(const struct limits_state *s)
{
    uint32_t worst = CONFIG_FLOORS_MAX;
    for (uint32_t i = 0; i < CONFIG_FLOORS_MAX; i++)
        if (s->floors[i].latched != LATCH_NONE &&
            (worst == CONFIG_FLOORS_MAX || s->floors[i].latched > s->floors[worst].latched))
            worst = i;
    return worst;
}

uint32_t limits_refusal(const struct limits_state *state)
{
    assert(state);
    uint32_t latched = limits_latched_floor(state);
    if (latched < CONFIG_FLOORS_MAX)
        return state->floors[latched].refusal;
    return state->guard_latched ? state->guard_reason : (uint32_t)REFUSAL_NONE;
}

static void limits_judge(const struct limits_state *s, const struct config_programme *programme, dec_t equity,
                         struct limits_verdict *out)
{
    dec_t distance;
    uint32_t latched = limits_latched_floor(s);
    out->terminated = latched < CONFIG_FLOORS_MAX && s->floors[latched].latched == LATCH_TERMINATE;
    out->refusal = limits_refusal(s);
    out->flatten = out->refusal != REFUSAL_NONE;
    out->floor = latched < CONFIG_FLOORS_MAX ? latched
                 : s->guard_latched          ? s->guard_floor
                                             : limits_nearest(s, programme, equity, &distance);
    out->floor_level = out->floor < programme->floor_count ? limits_floor_level(s, programme, out->floor) : 0;
    out->equity = equity;
}

bool limits_mark(struct limits_state *state, const struct config_programme *programme, const struct tz_table *zone,
                 int64_t now_ns, dec_t balance, dec_t equity, dec_t equity_high, struct limits_verdict *out)
{
    assert(state && programme && zone && out && programme->floor_count <= CONFIG_FLOORS_MAX);
    assert(state->initial_balance > 0);
    memset(out, 0, sizeof *out);
    if (state->day_end_ns != 0 && now_ns < state->last_ns)
        now_ns = state->last_ns;
    bool changed = limits_boundaries(state, programme, zone, now_ns, &out->new_day);
    limits_marks(state, now_ns, balance, equity, dec_max(equity, equity_high));
    limits_anchors(state, programme);
    out->breached = limits_lines(state, programme, equity);
    changed |= limits_guard(state, programme, equity);
    changed |= out->breached;
    limits_judge(state, programme, equity, out);
    assert(!out->breached || out->flatten);
    return changed;
}
