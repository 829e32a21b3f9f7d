/* P1 before an order: R1 to R5 (docs/rules.md, worst-case equity). */
#include "workers/risk/rules/gate.h"

#include <assert.h>

/* One floor. ceiling: as high as cap and lock let it get, where there is a cap. */
struct floor_case {
    const struct rules_floor *rule;
    uint32_t floor;
    dec_t level, b, ceiling, high;
    dec_t b_next;                     /* R2, R4, R5: at least a cent, for a floor of then that is rounded up to one */
    dec_t allowance, allowance_swing; /* the smallest that R2, and that R3 and R4 may meet */
    bool capped;
};

/* The lowest that what the rule measures can get: equity with every stop hit; balance when the losers alone are closed.
 */
static dec_t lowest_with(const struct rules_gate *g, const struct floor_case *c, dec_t lots)
{
    dec_t worst = rules_gate_worst(g, lots);
    return c->rule->measure == RULES_EQUITY ? worst
                                            : dec_min(worst, rules_minus(g->book->balance, rules_gate_risk(g, lots)));
}

/* Nothing that the anchor may do lifts the floor over the cap. */
static bool above_ceiling(const struct rules_gate *g, const struct floor_case *c, dec_t lots)
{
    return c->capped && lowest_with(g, c, lots) >= rules_plus(c->ceiling, c->b);
}

static dec_t guess_worst(const struct rules_gate *g, dec_t bound)
{
    return rules_gate_quotient(rules_minus(rules_minus(g->book->equity, g->others.give_up), bound), g->unit.give_up);
}

static bool holds_r1(const struct rules_gate *g, const void *of, dec_t lots)
{
    const struct floor_case *c = of;
    return c->level != DEC_MAX && lowest_with(g, c, lots) >= rules_plus(c->level, c->b);
}

static bool holds_r2(const struct rules_gate *g, const void *of, dec_t lots)
{
    const struct floor_case *c = of;
    return rules_gate_risk(g, lots) <= rules_minus(c->allowance, c->b_next) || above_ceiling(g, c, lots);
}

/* The level when equity has been at the best that the targets give. */
static dec_t level_at_peak(const struct rules_gate *g, const struct floor_case *c, dec_t lots)
{
    dec_t peak = dec_max(c->high, rules_plus(g->book->equity, rules_gate_excursion(g, lots)));
    dec_t allowance = c->rule->allowance.kind == RULES_FRAC_ANCHOR ? rules_times_floor(peak, c->rule->allowance.value)
                                                                   : c->allowance_swing;
    return rules_level_at(g->state, g->set, c->floor, peak, allowance);
}

static bool holds_r3(const struct rules_gate *g, const void *of, dec_t lots)
{
    const struct floor_case *c = of;
    dec_t level = level_at_peak(g, c, lots);
    return level != DEC_MAX && lowest_with(g, c, lots) >= rules_plus(level, c->b);
}

/* From the best to the worst. */
static dec_t swing_with(const struct rules_gate *g, const struct floor_case *c, dec_t lots)
{
    return rules_plus(rules_gate_excursion(g, lots), rules_minus(g->book->equity, lowest_with(g, c, lots)));
}

static bool holds_r4(const struct rules_gate *g, const void *of, dec_t lots)
{
    const struct floor_case *c = of;
    return swing_with(g, c, lots) <= rules_minus(c->allowance_swing, c->b_next) || above_ceiling(g, c, lots);
}

static bool runs(uint32_t anchor)
{
    return anchor >= RULES_RUN_CLOSED && anchor <= RULES_RUN_EQUITY;
}

/* What R2 and R4 bound, for the lock: by balance, by equity, or by both. */
static bool follows_balance(uint32_t anchor)
{
    return anchor == RULES_SNAP_BALANCE || anchor == RULES_SNAP_MAX || anchor == RULES_RUN_CLOSED ||
           anchor == RULES_RUN_EOD_BALANCE || anchor == RULES_RUN_EOD_MAX;
}
static bool follows_equity(uint32_t anchor)
{
    return anchor == RULES_SNAP_EQUITY || anchor == RULES_SNAP_MAX || anchor == RULES_RUN_EOD_MAX;
}

static dec_t lock_loss_with(const struct rules_gate *g, const struct floor_case *c, dec_t lots)
{
    return follows_equity(c->rule->anchor) ? swing_with(g, c, lots) : rules_gate_risk(g, lots);
}

static bool holds_r5(const struct rules_gate *g, const void *of, dec_t lots)
{
    const struct floor_case *c = of;
    dec_t when = rules_plus(g->state->initial, c->rule->lock_when),
          at = rules_plus(g->state->initial, c->rule->lock_at);
    dec_t balance = rules_plus(g->book->balance, rules_gate_locked(g, lots));
    dec_t equity = rules_plus(g->book->equity, rules_gate_excursion(g, lots));
    bool reachable =
        (follows_balance(c->rule->anchor) && balance >= when) || (follows_equity(c->rule->anchor) && equity >= when);
    return !reachable || lock_loss_with(g, c, lots) <= rules_minus(rules_minus(when, at), c->b_next) ||
           lowest_with(g, c, lots) >= rules_plus(rules_cent_up(at), c->b);
}

/* left OP right of a condition that a cap may keep in another way: that way is told where it is the one that holds. */
static void say_p1(struct rules_gate *g, const struct floor_case *c, unsigned condition, enum rules_op op, dec_t left,
                   dec_t right, rules_gate_holds holds, dec_t guess)
{
    dec_t lots = g->request->lots;
    bool admitted = holds(g, c, lots);
    bool by_ceiling = admitted && condition != 1 && op == RULES_OP_LE && left > right && c->capped;
    rules_gate_say(g, (struct rules_verdict){.primitive = RULES_P1_LOSS_FLOOR,
                                             .condition = (uint16_t)condition,
                                             .rule = (uint16_t)c->floor,
                                             .op = (uint8_t)(by_ceiling ? RULES_OP_GE : op),
                                             .admitted = admitted,
                                             .left = by_ceiling ? lowest_with(g, c, lots) : left,
                                             .right = by_ceiling ? rules_plus(c->ceiling, c->b) : right,
                                             .q_max = rules_gate_largest(g, holds, c, guess)});
}

static dec_t guess_capped(const struct rules_gate *g, const struct floor_case *c, dec_t guess)
{
    return c->capped ? dec_max(guess, guess_worst(g, rules_plus(c->ceiling, c->b))) : guess;
}

static void ask_r2(struct rules_gate *g, const struct floor_case *c)
{
    dec_t room = rules_minus(c->allowance, c->b_next);
    say_p1(g, c, 2, RULES_OP_LE, rules_gate_risk(g, g->request->lots), room, holds_r2,
           guess_capped(g, c, rules_gate_quotient(rules_minus(room, g->others.risk), g->unit.risk)));
}

static dec_t guess_swing(const struct rules_gate *g, const struct floor_case *c)
{
    dec_t others = rules_plus(g->others.give_up, g->others.excursion);
    return rules_gate_quotient(rules_minus(rules_minus(c->allowance_swing, c->b), others),
                               rules_plus(g->unit.give_up, g->unit.excursion));
}

static void ask_r3(struct rules_gate *g, const struct floor_case *c)
{
    dec_t lots = g->request->lots;
    dec_t level = rules_level_at(g->state, g->set, c->floor, c->high, c->allowance_swing);
    /* max(H, E + U) - A <= W - b is both: H - A <= W - b, and U + Delta <= A - b */
    dec_t guess = dec_min(guess_swing(g, c), guess_worst(g, rules_plus(level, c->b)));
    say_p1(g, c, 3, RULES_OP_GE, lowest_with(g, c, lots), rules_plus(level_at_peak(g, c, lots), c->b), holds_r3,
           guess_capped(g, c, guess));
}

static void ask_r4(struct rules_gate *g, const struct floor_case *c)
{
    say_p1(g, c, 4, RULES_OP_LE, swing_with(g, c, g->request->lots), rules_minus(c->allowance_swing, c->b_next),
           holds_r4, guess_capped(g, c, guess_swing(g, c)));
}

static void ask_r5(struct rules_gate *g, const struct floor_case *c)
{
    dec_t room = rules_minus(rules_minus(c->rule->lock_when, c->rule->lock_at), c->b_next);
    dec_t guess = rules_gate_quotient(rules_minus(room, g->others.risk), g->unit.risk);
    say_p1(g, c, 5, RULES_OP_LE, lock_loss_with(g, c, g->request->lots), room, holds_r5, guess);
}

/* The highest mark that the anchor stands on now, over the candidates. */
static dec_t high_of(const struct rules_gate *g, const struct rules_floor *rule)
{
    dec_t high = -DEC_MAX;
    for (uint32_t day = 0; day < RULES_DAYS_MAX; day++)
        if (rule->days >> day & 1u || (rule->days == 0 && day == 0))
            high = dec_max(high, rules_anchor(g->state, rule, day));
    return high;
}

/* The smallest allowance that may count. A share of the anchor: the anchor is the balance (R2) or equity (R3, R4) of
 * now or more, else R1 has it. Tiers: today's, and whatever tier the account may have come to by then. */
static void set_allowances(const struct rules_gate *g, struct floor_case *c, dec_t today)
{
    const struct rules_amount *amount = &c->rule->allowance;
    dec_t mark = runs(c->rule->anchor) ? c->high : -DEC_MAX;
    c->allowance = c->allowance_swing = today;
    if (amount->kind == RULES_FRAC_ANCHOR) {
        c->allowance = rules_times_floor(dec_max(mark, g->book->balance), amount->value);
        c->allowance_swing = rules_times_floor(dec_max(mark, g->book->equity), amount->value);
    } else if (amount->kind == RULES_TIERED) {
        c->allowance = dec_min(today, rules_allowance_least(g->state, c->rule, 0, c->level));
        c->allowance_swing = c->allowance;
    }
}

/* A tier that falls lifts a floor whose anchor stays: over a boundary the tiers of profit, at once those of live
 * equity. */
static bool may_lift(const struct rules_floor *rule, bool crosses)
{
    if (rule->allowance.kind != RULES_TIERED || RULES_PLANT(25))
        return false;
    return rule->allowance.basis == RULES_LIVE_EQUITY ||
           (crosses && (rule->anchor == RULES_INITIAL || runs(rule->anchor)));
}

static struct floor_case case_of(const struct rules_gate *g, uint32_t index)
{
    const struct rules_floor *rule = &g->set->floors[index];
    struct floor_case c = {.rule = rule, .floor = index, .capped = rule->has_cap};
    dec_t today, ceiling = rule->has_lock ? dec_max(rule->cap, rule->lock_at) : rule->cap;
    c.level = rules_level_today(g->state, g->set, index, &today);
    c.b = RULES_PLANT(10) ? 0 : g->buffer;
    if (rule->breach == RULES_LE && !RULES_PLANT(1))
        c.b = rules_plus(c.b, RULES_CENT);
    c.b_next = dec_max(c.b, RULES_CENT);
    c.ceiling = rules_cent_up(rules_plus(g->state->initial, ceiling));
    c.high = high_of(g, rule);
    set_allowances(g, &c, today);
    if (may_lift(rule, g->request->may_cross_boundary))
        c.level = dec_max(c.level, rules_level_at(g->state, g->set, index, c.high, c.allowance));
    return c;
}

void rules_gate_ask_floor(struct rules_gate *g, uint32_t index)
{
    const struct floor_case c = case_of(g, index);
    const struct rules_floor *rule = c.rule;
    bool crosses = g->request->may_cross_boundary;
    bool by_balance = follows_balance(rule->anchor) && (crosses || rule->anchor == RULES_RUN_CLOSED);
    bool by_equity = follows_equity(rule->anchor) && crosses;
    bool locked =
        runs(rule->anchor) && c.high >= rules_plus(g->state->initial, rule->lock_when); /* then the level has it */
    if (g->state->latches[index].latch != RULES_LATCH_NONE)
        rules_gate_say_flat(g, RULES_P1_LOSS_FLOOR, 0, index, RULES_OP_EQ, rules_whole(g->state->latches[index].latch),
                            0, false);
    say_p1(g, &c, 1, RULES_OP_GE, lowest_with(g, &c, g->request->lots), rules_plus(c.level, c.b), holds_r1,
           guess_worst(g, rules_plus(c.level, c.b)));
    if (by_balance && !RULES_PLANT(7))
        ask_r2(g, &c);
    if ((rule->anchor == RULES_RUN_EQUITY || rule->anchor == RULES_DAY_PEAK) && !RULES_PLANT(8))
        ask_r3(g, &c);
    if (by_equity && !RULES_PLANT(9))
        ask_r4(g, &c);
    if (rule->has_lock && !locked && (by_balance || by_equity) && !RULES_PLANT(24))
        ask_r5(g, &c);
}
