#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/money.h"

/* --- anchors and allowances -------------------------------------------------------------------------------- */

dec_t rules_anchor(const struct rules_state *state, const struct rules_floor *floor, uint32_t day)
{
    assert(state && floor && day < RULES_DAYS_MAX);
    const struct rules_day_marks *marks = &state->days[day];
    switch ((enum rules_anchor)floor->anchor) {
    case RULES_INITIAL:
        return state->initial;
    case RULES_SNAP_BALANCE:
        return marks->balance;
    case RULES_SNAP_EQUITY:
        return marks->equity;
    case RULES_SNAP_MAX:
        return RULES_PLANT(2) ? dec_min(marks->balance, marks->equity) : dec_max(marks->balance, marks->equity);
    case RULES_RUN_CLOSED:
        return RULES_PLANT(3) ? state->initial : state->high_balance;
    case RULES_RUN_EOD_BALANCE:
        return marks->run_balance;
    case RULES_RUN_EOD_MAX:
        return marks->run_max;
    case RULES_RUN_EQUITY:
        return state->high_equity;
    case RULES_DAY_PEAK:
        return marks->peak_equity;
    case RULES_ANCHOR_COUNT:
        break;
    }
    return DEC_MAX; /* an anchor that nobody knows: nothing is allowed */
}

/* What the anchor will be if the day ends now; `high` the highest equity until then. */
static dec_t anchor_next(const struct rules_state *s, const struct rules_floor *floor, uint32_t day, dec_t balance,
                         dec_t high)
{
    const struct rules_day_marks *marks = &s->days[day];
    switch ((enum rules_anchor)floor->anchor) {
    case RULES_INITIAL:
        return s->initial;
    case RULES_SNAP_BALANCE:
        return balance;
    case RULES_SNAP_EQUITY:
    case RULES_DAY_PEAK:
        return high;
    case RULES_SNAP_MAX:
        return RULES_PLANT(2) ? dec_min(balance, high) : dec_max(balance, high);
    case RULES_RUN_CLOSED:
        return dec_max(s->high_balance, balance);
    case RULES_RUN_EOD_BALANCE:
        return dec_max(marks->run_balance, balance);
    case RULES_RUN_EOD_MAX:
        return dec_max(marks->run_max, dec_max(balance, high));
    case RULES_RUN_EQUITY:
        return dec_max(s->high_equity, high);
    case RULES_ANCHOR_COUNT:
        break;
    }
    return DEC_MAX;
}

static bool anchor_runs(uint32_t anchor)
{
    return anchor == RULES_RUN_CLOSED || anchor == RULES_RUN_EOD_BALANCE || anchor == RULES_RUN_EOD_MAX ||
           anchor == RULES_RUN_EQUITY;
}

/* profit: at the boundary that the tiers look at. A kind that has no meaning for a floor allows nothing. */
static dec_t allowance_of(const struct rules_state *s, const struct rules_floor *floor, dec_t anchor, dec_t profit,
                          dec_t equity)
{
    const struct rules_amount *amount = &floor->allowance;
    switch ((enum rules_amount_kind)amount->kind) {
    case RULES_ABS:
        return amount->value;
    case RULES_FRAC_INITIAL:
        return rules_times_floor(s->initial, amount->value);
    case RULES_FRAC_ANCHOR:
        return rules_times_floor(anchor, amount->value);
    case RULES_TIERED:
        return rules_tier_value(amount, amount->basis == RULES_LIVE_EQUITY ? equity : profit);
    case RULES_FRAC_SOD_PROFIT:
    case RULES_FRAC_DAILY:
        break;
    }
    return 0;
}

dec_t rules_allowance(const struct rules_state *state, const struct rules_floor *floor, uint32_t day)
{
    assert(state && floor && day < RULES_DAYS_MAX);
    return allowance_of(state, floor, rules_anchor(state, floor, day),
                        rules_minus(state->days[day].balance, state->initial), state->equity);
}

dec_t rules_allowance_least(const struct rules_state *state, const struct rules_floor *floor, dec_t anchor,
                            dec_t lowest)
{
    const struct rules_amount *amount = &floor->allowance;
    if (amount->kind != RULES_TIERED)
        return allowance_of(state, floor, anchor, 0, 0);
    dec_t basis = amount->basis == RULES_LIVE_EQUITY ? lowest : rules_minus(lowest, state->initial);
    dec_t least = rules_tier_value(amount, basis);
    for (uint32_t i = 0; i < amount->tier_count && i < RULES_TIERS_MAX; i++)
        if (amount->tiers[i].from > basis)
            least = dec_min(least, amount->tiers[i].value);
    return least;
}

/* --- levels ---------------------------------------------------------------------------------------------------- */

dec_t rules_level_at(const struct rules_state *state, const struct rules_set *set, uint32_t floor, dec_t anchor,
                     dec_t allowance)
{
    const struct rules_floor *rule = &set->floors[floor];
    dec_t level = anchor == DEC_MAX ? DEC_MAX : rules_minus(anchor, allowance);
    if (rule->has_cap && !RULES_PLANT(4))
        level = dec_min(level, rules_plus(state->initial, rule->cap));
    if (rule->has_lock && !RULES_PLANT(16) && anchor >= rules_plus(state->initial, rule->lock_when))
        level = dec_max(level, rules_plus(state->initial, rule->lock_at));
    if (!RULES_PLANT(17))
        level = dec_max(level, state->raised[floor]); /* DEC_NONE is below everything */
    if (!RULES_PLANT(13))
        level = dec_max(level, state->firm_floor[floor]);
    return RULES_PLANT(5) ? rules_cent_down(level) : rules_cent_up(level);
}

static bool has_day(const struct rules_floor *floor, uint32_t day)
{
    return floor->days >> day & 1u || (floor->days == 0 && day == 0);
}

dec_t rules_level_today(const struct rules_state *state, const struct rules_set *set, uint32_t floor, dec_t *allowance)
{
    const struct rules_floor *rule = &set->floors[floor];
    dec_t highest = -DEC_MAX, least = DEC_MAX, amount = 0;
    bool once = rule->allowance.kind == RULES_ABS || rule->allowance.kind == RULES_FRAC_INITIAL; /* the same each day */
    if (once)
        amount = allowance_of(state, rule, 0, 0, 0);
    for (uint32_t day = 0; day < RULES_DAYS_MAX; day++) {
        if (!has_day(rule, day))
            continue;
        if (!once)
            amount = rules_allowance(state, rule, day);
        dec_t level = rules_level_at(state, set, floor, rules_anchor(state, rule, day), amount);
        if (RULES_PLANT(12) && highest != -DEC_MAX)
            highest = dec_min(highest, level);
        else
            highest = dec_max(highest, level);
        least = dec_min(least, amount);
    }
    *allowance = least;
    return highest;
}

dec_t rules_floor_level(const struct rules_state *state, const struct rules_set *set, uint32_t floor)
{
    assert(state && set && floor < set->floor_count && set->floor_count <= RULES_FLOORS_MAX);
    dec_t allowance;
    return rules_level_today(state, set, floor, &allowance);
}

dec_t rules_floor_next(const struct rules_state *state, const struct rules_set *set, uint32_t floor, dec_t balance,
                       dec_t equity, dec_t excursion)
{
    assert(state && set && floor < set->floor_count && set->floor_count <= RULES_FLOORS_MAX && excursion >= 0);
    const struct rules_floor *rule = &set->floors[floor];
    dec_t high = excursion == RULES_UNBOUNDED ? DEC_MAX : rules_plus(equity, excursion), highest = -DEC_MAX;
    for (uint32_t day = 0; day < RULES_DAYS_MAX; day++) {
        if (!has_day(rule, day))
            continue;
        dec_t anchor = anchor_next(state, rule, day, balance, high);
        dec_t amount = allowance_of(state, rule, anchor, rules_minus(balance, state->initial), equity);
        highest = dec_max(highest, rules_level_at(state, set, floor, anchor, amount));
    }
    return anchor_runs(rule->anchor) ? dec_max(highest, rules_floor_level(state, set, floor)) : highest;
}

/* --- breach ------------------------------------------------------------------------------------------------------ */

dec_t rules_measured(const struct rules_floor *floor, dec_t balance, dec_t equity)
{
    switch ((enum rules_measure)floor->measure) {
    case RULES_EQUITY:
        return equity;
    case RULES_BALANCE:
        return balance;
    case RULES_MIN_BALANCE_EQUITY:
        break;
    }
    return dec_min(balance, equity);
}

bool rules_floor_breached(const struct rules_floor *floor, dec_t level, dec_t balance, dec_t equity)
{
    assert(floor);
    dec_t measured = rules_measured(floor, balance, equity);
    if (level == DEC_MAX)
        return true;
    return floor->breach == RULES_LE && !RULES_PLANT(1) ? measured <= level : measured < level;
}

bool rules_reconcile_floor(dec_t ours, dec_t firms, dec_t tolerance, dec_t *effective)
{
    assert(effective);
    *effective = RULES_PLANT(13) ? ours : dec_max(ours, firms);
    return firms != DEC_NONE && dec_abs(rules_minus(ours, firms)) > tolerance;
}
