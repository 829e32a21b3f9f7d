#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/reckon.h"

/* --- amounts ------------------------------------------------------------------------------------------ */

dec_t rules_tier_value(const struct rules_amount *amount, dec_t basis)
{
    assert(amount && amount->tier_count <= RULES_TIERS_MAX);
    if (amount->tier_count == 0)
        return 0;
    dec_t value = amount->tiers[0].value;
    for (uint32_t i = 1;
         i < amount->tier_count && (RULES_PLANT(55) ? amount->tiers[i].from < basis : amount->tiers[i].from <= basis);
         i++)
        value = amount->tiers[i].value;
    return value;
}

/* The profit that the day began with. */
static dec_t limits_sod_profit(const struct rules_state *s, uint32_t day)
{
    return rules_minus(s->days[day].balance, s->initial);
}

/* Candidates of the day that have begun; before the first mark the first alone, as rules_init left it. */
static bool limits_day_counts(const struct rules_state *s, uint32_t day)
{
    return s->days[day].start_ns != 0 || (day == 0 && s->time_ns == 0);
}

/* The amount by one candidate of the day. */
static dec_t limits_of_day(const struct rules_amount *amount, const struct rules_state *s, uint32_t day)
{
    dec_t value = 0;
    switch ((enum rules_amount_kind)amount->kind) {
    case RULES_FRAC_ANCHOR:
        return dec_mul(RULES_PLANT(52) ? s->initial : s->days[day].balance, amount->value, DEC_ROUND_FLOOR, &value) == 0
                   ? value
                   : 0;
    case RULES_FRAC_SOD_PROFIT:
        return dec_mul(dec_max(limits_sod_profit(s, day), amount->floor_of), amount->value, DEC_ROUND_FLOOR, &value) ==
                       0
                   ? value
                   : 0;
    case RULES_TIERED:
        return rules_tier_value(amount, limits_sod_profit(s, day));
    case RULES_ABS:
    case RULES_FRAC_INITIAL:
    case RULES_FRAC_DAILY:
        break;
    }
    assert(!"an amount that no day changes");
    return 0;
}

/* The smallest over the candidates of the day. */
static dec_t limits_of_days(const struct rules_amount *amount, const struct rules_state *s)
{
    dec_t least = DEC_MAX;
    for (uint32_t day = 0; day < RULES_DAYS_MAX; day++)
        if (limits_day_counts(s, day))
            least = dec_min(least, limits_of_day(amount, s, day));
    return least == DEC_MAX ? 0 : least;
}

/* A share of the smallest allowance that a daily floor gives; without a daily floor nothing may be lost. */
static dec_t limits_of_daily(const struct rules_amount *amount, const struct rules_set *set,
                             const struct rules_state *s)
{
    dec_t least = DEC_MAX, value;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        const struct rules_floor *floor = &set->floors[i];
        for (uint32_t day = 0; floor->kind == RULES_DAILY && day < RULES_DAYS_MAX; day++)
            if ((floor->days >> day & 1) || (floor->days == 0 && day == 0))
                least = dec_min(least, rules_allowance(s, floor, day));
    }
    if (least == DEC_MAX || dec_mul(least, amount->value, DEC_ROUND_FLOOR, &value) != 0)
        return 0;
    return value;
}

/* --- P2 ------------------------------------------------------------------------------------------------ */

dec_t rules_loss_limit(const struct rules_set *set, const struct rules_state *state, const struct rules_loss *rule)
{
    assert(set && state && rule && set->floor_count <= RULES_FLOORS_MAX);
    const struct rules_amount *amount = &rule->limit;
    dec_t value;
    switch ((enum rules_amount_kind)amount->kind) {
    case RULES_ABS:
        return rules_limit_cents(amount->value);
    case RULES_FRAC_INITIAL:
        return dec_mul(state->initial, amount->value, DEC_ROUND_FLOOR, &value) == 0 ? rules_limit_cents(value) : 0;
    case RULES_TIERED:
        if (amount->basis == RULES_LIVE_EQUITY)
            return rules_limit_cents(rules_tier_value(amount, state->equity));
        return rules_limit_cents(limits_of_days(amount, state));
    case RULES_FRAC_ANCHOR:
    case RULES_FRAC_SOD_PROFIT:
        return rules_limit_cents(limits_of_days(amount, state));
    case RULES_FRAC_DAILY:
        return rules_limit_cents(limits_of_daily(amount, set, state));
    }
    return 0;
}

bool rules_loss_breached(const struct rules_loss *rule, dec_t limit, dec_t loss)
{
    assert(rule);
    if (loss == DEC_NONE || limit == DEC_NONE)
        return true;
    return rule->over == RULES_GT || RULES_PLANT(51) ? loss > limit : loss >= limit;
}

dec_t rules_loss_room(const struct rules_loss *rule, dec_t limit, dec_t loss)
{
    assert(rule);
    if (loss == DEC_NONE)
        return 0;
    dec_t room = rules_minus(limit, loss);
    return dec_max(0, rule->over == RULES_GT ? room : rules_minus(room, RULES_CENT));
}

dec_t rules_idea_carried(const struct rules_state *state, const struct rules_loss *rule, uint32_t instrument,
                         uint32_t side, int64_t now_ns)
{
    assert(state && rule && instrument < RULES_INSTRUMENTS_MAX && (side == 1 || side == 2));
    const struct rules_idea *idea = &state->ideas[instrument * 2 + (side == 2)];
    if (rule->group != RULES_GROUP_IDEA || rule->floating_only || idea->closed_ns == 0)
        return 0;
    bool goes_on = idea->lots > 0 || now_ns <= rules_later(idea->closed_ns, rule->window_s) - RULES_PLANT(50);
    return goes_on ? dec_max(0, idea->loss) : 0;
}

static bool limits_in_group(const struct rules_loss *rule, const struct rules_leg *leg, uint32_t instrument,
                            uint32_t side)
{
    switch ((enum rules_group)rule->group) {
    case RULES_GROUP_POSITION:
    case RULES_GROUP_IDEA:
        return leg->instrument == instrument && leg->side == side;
    case RULES_GROUP_SYMBOL:
        return leg->instrument == instrument;
    case RULES_GROUP_ACCOUNT:
        return true;
    }
    return true;
}

dec_t rules_loss_now(const struct rules_state *state, const struct rules_loss *rule, const struct rules_book *book,
                     uint32_t instrument, uint32_t side, int64_t now_ns)
{
    assert(state && rule && book && (book->legs || book->count == 0));
    dec_t loss = rules_idea_carried(state, rule, instrument, side, now_ns);
    for (uint32_t i = 0; i < book->count; i++) {
        const struct rules_leg *leg = &book->legs[i];
        if (leg->kind == RULES_LEG_POSITION && limits_in_group(rule, leg, instrument, side))
            loss = rules_minus(loss, leg->floating);
    }
    return loss;
}

/* --- P3 ------------------------------------------------------------------------------------------------- */

dec_t rules_exposure_limit(const struct rules_state *state, const struct rules_exposure *rule, dec_t live_equity)
{
    assert(state && rule);
    const struct rules_amount *amount = &rule->limit;
    if (amount->kind == RULES_ABS)
        return dec_max(0, amount->value);
    if (amount->kind != RULES_TIERED)
        return 0;
    if (RULES_PLANT(56))
        return rules_tier_value(amount, amount->basis == RULES_LIVE_EQUITY ? live_equity
                                                                           : rules_minus(live_equity, state->initial));
    return dec_max(0, amount->basis == RULES_LIVE_EQUITY ? rules_tier_value(amount, live_equity)
                                                         : limits_of_days(amount, state));
}

/* What a leg adds to a sum. */
typedef dec_t limits_value(const void *of, const struct rules_leg *leg);

/* Of an OCO set of orders the largest counts (the first of equals): whether another one does instead of leg i. */
static bool limits_other_counts(const struct rules_book *book, uint32_t i, limits_value *value, const void *of)
{
    const struct rules_leg *leg = &book->legs[i];
    if (leg->oco == 0 || leg->kind != RULES_LEG_ORDER)
        return false;
    dec_t own = value(of, leg);
    for (uint32_t j = 0; j < book->count; j++) {
        const struct rules_leg *brother = &book->legs[j];
        if (j == i || brother->oco != leg->oco || brother->kind != RULES_LEG_ORDER)
            continue;
        dec_t other = value(of, brother);
        if (other > own || (other == own && j < i))
            return true;
    }
    return false;
}

static dec_t limits_sum(const struct rules_book *book, limits_value *value, const void *of)
{
    dec_t sum = 0;
    for (uint32_t i = 0; i < book->count; i++)
        if (!limits_other_counts(book, i, value, of))
            sum = rules_plus(sum, value(of, &book->legs[i]));
    return sum;
}

struct limits_counted {
    const struct rules_exposure *rule;
    uint32_t instrument, side;
};

static dec_t limits_weighted(const struct rules_exposure *rule, uint32_t instrument, dec_t lots)
{
    assert(instrument < RULES_INSTRUMENTS_MAX);
    if (!(rule->instruments >> instrument & 1))
        return 0;
    dec_t weight = rule->weight[instrument] > 0 && !RULES_PLANT(53) ? rule->weight[instrument] : DEC_ONE;
    return rules_times_up(dec_max(0, lots), weight);
}

/* What a leg of the book adds to what the rule counts. Working orders count as filled. */
static dec_t limits_exposure(const void *of, const struct rules_leg *leg)
{
    const struct limits_counted *counted = of;
    const struct rules_exposure *rule = counted->rule;
    assert(leg->instrument < RULES_INSTRUMENTS_MAX);
    bool counts = rule->instruments >> leg->instrument & 1;
    switch ((enum rules_counted)rule->counted) {
    case RULES_LOTS_PER_ORDER:
        return 0;
    case RULES_LOTS_OPEN:
        return limits_weighted(rule, leg->instrument, leg->lots);
    case RULES_LOTS_PER_SIDE:
        return leg->side == counted->side && !(RULES_PLANT(54) && leg->kind == RULES_LEG_ORDER)
                   ? limits_weighted(rule, leg->instrument, leg->lots)
                   : 0;
    case RULES_LOTS_PER_DAY: /* what is open was counted when it was opened */
        return leg->kind == RULES_LEG_ORDER ? limits_weighted(rule, leg->instrument, leg->lots) : 0;
    case RULES_POSITIONS_SYMBOL:
        return counts && leg->instrument == counted->instrument ? DEC_ONE : 0;
    case RULES_POSITIONS_TOTAL:
        return counts ? DEC_ONE : 0;
    case RULES_MARGIN_SHARE:
        return counts ? dec_max(0, leg->margin) : 0;
    }
    return DEC_MAX;
}

/* What the new order adds. */
static dec_t limits_added(const struct rules_exposure *rule, uint32_t instrument, dec_t lots, dec_t margin_per_lot)
{
    bool counts = rule->instruments >> instrument & 1;
    switch ((enum rules_counted)rule->counted) {
    case RULES_LOTS_PER_ORDER:
    case RULES_LOTS_OPEN:
    case RULES_LOTS_PER_SIDE:
    case RULES_LOTS_PER_DAY:
        return limits_weighted(rule, instrument, lots);
    case RULES_POSITIONS_SYMBOL:
    case RULES_POSITIONS_TOTAL:
        return counts && lots > 0 ? DEC_ONE : 0;
    case RULES_MARGIN_SHARE:
        return counts ? rules_times_up(dec_max(0, lots), dec_max(0, margin_per_lot)) : 0;
    }
    return DEC_MAX;
}

dec_t rules_exposure_total(const struct rules_state *state, const struct rules_exposure *rule,
                           const struct rules_book *book, uint32_t instrument, uint32_t side, dec_t lots,
                           dec_t margin_per_lot)
{
    assert(state && rule && book && (book->legs || book->count == 0) && instrument < RULES_INSTRUMENTS_MAX);
    struct limits_counted counted = {rule, instrument, side};
    dec_t total = limits_sum(book, limits_exposure, &counted);
    if (rule->counted == RULES_LOTS_PER_DAY)
        total = rules_plus(total, rules_plus(state->lots_today, RULES_PLANT(57) ? 0 : state->lots_carried));
    total = rules_plus(total, limits_added(rule, instrument, lots, margin_per_lot));
    if (rule->counted != RULES_MARGIN_SHARE || total == 0)
        return total;
    if (book->equity <= 0 || total == DEC_MAX || dec_div(total, book->equity, DEC_ROUND_CEIL, &total) != 0)
        return DEC_MAX;
    return total;
}
