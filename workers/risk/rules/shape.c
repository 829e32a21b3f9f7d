#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/reckon.h"

#define FLAG_PROFIT 4u /* state.c */

/* ABS or a share of I, up to the cent: what has to be earned. */
static dec_t shape_amount(const struct rules_amount *amount, dec_t initial)
{
    switch ((enum rules_amount_kind)amount->kind) {
    case RULES_ABS:
        return rules_cent_up(amount->value);
    case RULES_FRAC_INITIAL:
        return rules_cent_up(rules_times_up(initial, amount->value));
    case RULES_FRAC_ANCHOR:
    case RULES_TIERED:
    case RULES_FRAC_SOD_PROFIT:
    case RULES_FRAC_DAILY:
        break;
    }
    return DEC_MAX;
}

/* --- best day --------------------------------------------------------------------------------------------- */

static dec_t shape_denominator(const struct rules_shape *shape, const struct rules_profit *profit)
{
    return shape->best_day_denominator == RULES_NET && !RULES_PLANT(72) ? profit->net : profit->positive;
}

static bool shape_best_kept(const struct rules_shape *shape, dec_t best, dec_t whole)
{
    if (!shape->has_best_day || best <= 0)
        return true;
    int against = whole > 0 ? rules_against(best, whole, shape->best_day_max) : 1;
    return shape->best_day_strict ? against < 0 : against <= 0;
}

/* best / x - whole, up to the cent. */
static dec_t shape_best_extra(const struct rules_shape *shape, dec_t best, dec_t whole)
{
    if (shape->best_day_max <= 0)
        return DEC_MAX;
    dec_t needed = rules_cent_up(rules_share(best, shape->best_day_max, true));
    return needed == DEC_MAX ? DEC_MAX : dec_max(0, rules_cent_up(rules_minus(needed, whole)));
}

void rules_best_day(const struct rules_shape *shape, const struct rules_profit *profit, struct rules_best_day *out)
{
    assert(shape && profit && out);
    dec_t best = profit->best, whole = shape_denominator(shape, profit);
    *out = (struct rules_best_day){.kept = shape_best_kept(shape, best, whole)};
    if (best > 0)
        out->share = whole > 0 ? rules_share(best, whole, false) : DEC_MAX;
    if (!out->kept)
        out->extra = shape_best_extra(shape, best, whole);
}

dec_t rules_profit_cap_today(const struct rules_shape *shape, dec_t other_days)
{
    assert(shape);
    dec_t cap = shape->daily_profit_cap > 0 ? shape->daily_profit_cap : DEC_MAX;
    if (!shape->has_best_day || shape->best_day_max >= DEC_ONE)
        return cap;
    if (other_days <= 0 || shape->best_day_max <= 0)
        return 0;
    rules_wide whole = (rules_wide)other_days * shape->best_day_max,
               part = RULES_PLANT(74) ? DEC_ONE : DEC_ONE - shape->best_day_max;
    if (shape->best_day_strict)
        whole -= whole > 0; /* the largest cent below the quotient */
    return dec_min(cap, rules_cent_down(rules_clamp(whole / part)));
}

/* limit * whole, down to the cent; strict: the largest cent below. */
static dec_t shape_best_of(const struct rules_shape *shape, dec_t whole)
{
    rules_wide part = (rules_wide)whole * shape->best_day_max;
    if (shape->best_day_strict)
        part -= part > 0;
    return rules_cent_down(rules_clamp(part / DEC_ONE));
}

dec_t rules_day_closes_at(const struct rules_shape *shape, const struct rules_profit *profit, dec_t initial)
{
    assert(shape && profit);
    dec_t cap = shape->daily_profit_cap > 0 ? shape->daily_profit_cap : DEC_MAX;
    if (!shape->has_best_day || shape->best_day_max >= DEC_ONE)
        return cap;
    bool has_target = shape->target.value > 0;
    if (!has_target && profit->best <= 0)
        return cap;
    dec_t keeps = dec_max(profit->best, rules_profit_cap_today(shape, shape_denominator(shape, profit)));
    if (has_target)
        keeps = dec_max(keeps, shape_best_of(shape, shape_amount(&shape->target, initial)));
    return dec_min(cap, keeps);
}

/* --- target, days ------------------------------------------------------------------------------------------- */

dec_t rules_target_balance(const struct rules_shape *shape, dec_t initial)
{
    assert(shape);
    if (shape->target.value <= 0)
        return DEC_MAX;
    return rules_plus(initial, shape_amount(&shape->target, initial));
}

bool rules_target_reached(const struct rules_shape *shape, dec_t initial, dec_t balance, uint32_t open_positions)
{
    dec_t target = rules_target_balance(shape, initial);
    return target != DEC_MAX && balance >= target && (!shape->target_flat || open_positions == 0);
}

dec_t rules_day_profit(const struct rules_shape *shape, dec_t initial)
{
    assert(shape);
    return shape_amount(&shape->day_profit, initial);
}

bool rules_days_reached(const struct rules_shape *shape, const struct rules_profit *profit, uint32_t *days)
{
    assert(shape && profit && days);
    switch ((enum rules_days_counted)shape->days_counted) {
    case RULES_DAYS_OPENED:
        *days = profit->days_opened;
        break;
    case RULES_DAYS_TRADED:
        *days = profit->days_traded;
        break;
    case RULES_DAYS_PROFIT:
        *days = profit->days_profit;
        break;
    default:
        *days = 0;
        break;
    }
    return *days >= shape->min_days;
}

void rules_profit_day(const struct rules_set *set, const struct rules_state *state, struct rules_profit *profit)
{
    assert(set && state && profit);
    dec_t today = profit->today;
    bool counted = profit->today_flags & FLAG_PROFIT,
         counts = today > 0 && today >= rules_day_profit(&set->shape, state->initial) + RULES_PLANT(73);
    if (counts && !counted)
        profit->days_profit++;
    else if (counted && !counts)
        profit->days_profit--;
    profit->net = rules_plus(profit->net, today);
    profit->positive = rules_plus(profit->positive, dec_max(0, today));
    profit->best = dec_max(profit->best, today);
    profit->today = 0;
    profit->today_flags = 0;
}
