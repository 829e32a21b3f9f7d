/* Parameters, and the plan that is made of them and an entry. */
#include "workers/strategy/exits/exits.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "workers/broker/broker.h"

#define RATIO_MAX 1e6 /* of a parameter: distances stay inside 64 bits */
#define HOUR_NS (INT64_C(3600) * 1000000000)
#define SHARE_MAX 1000000u

static_assert(sizeof(struct exits_parameters) == 8 * 8 + 6 * 4 + 16 * (EXITS_RUNGS_MAX + EXITS_CONDITION_COUNT), "no padding");
static_assert(sizeof(struct exits_plan) == 8 + 7 * 8 + 8 + 16 * EXITS_LEGS_MAX + 16 + sizeof(struct exits_parameters), "no padding");
static_assert(SIDE_BUY == 1 && SIDE_SELL == 2, "exits_gain");

/* --- parameters ------------------------------------------------------------------------------------------------------ */

void exits_parameters_default(struct exits_parameters *out)
{
    memset(out, 0, sizeof *out);
    *out = (struct exits_parameters){
        .target_r = 2.5, .min_reward_risk = 2.0, .strength_multiplier = 1.2, .strength_from = 0.7, .trail_arm = 0.5, .trail_atr = 2.0,
        .tighten_atr = 0.5, .time_limit_ns = 24 * HOUR_NS, .time_clock = EXITS_CLOCK_OPEN, .trail = 1, .break_even = 1,
        .volume_confirmation = 1, .rung_count = 2, .rungs = {{1.0, 1, 3}, {1.75, 1, 3}},
    };
    for (unsigned i = 0; i < EXITS_CONDITION_COUNT; i++)
        out->rules[i] = (struct exits_rule){EXITS_CLOSE, 2, i == EXITS_ON_VOLATILITY ? 2.5 : 3.0};
}

static bool in_range(double value, double low, double high)
{
    return value >= low && value <= high; /* false for NaN */
}

/* Shares add up to less than one: the last tranche is not empty. */
static bool rungs_right(const struct exits_parameters *p)
{
    if (p->rung_count > EXITS_RUNGS_MAX)
        return false;
    long double sum = 0.0L;
    for (uint32_t i = 0; i < p->rung_count; i++) {
        const struct exits_rung *rung = &p->rungs[i];
        if (!in_range(rung->r, 1e-6, RATIO_MAX) || (i > 0 && !(rung->r > p->rungs[i - 1].r)))
            return false;
        if (rung->numerator == 0 || rung->numerator >= rung->denominator || rung->denominator > SHARE_MAX)
            return false;
        sum += (long double)rung->numerator / rung->denominator;
    }
    return sum < 1.0L - 1e-12L;
}

static bool rules_right(const struct exits_parameters *p)
{
    for (unsigned i = 0; i < EXITS_CONDITION_COUNT; i++) {
        const struct exits_rule *rule = &p->rules[i];
        if (rule->action > EXITS_TIGHTEN)
            return false;
        bool limited = i == EXITS_ON_VOLATILITY || i == EXITS_ON_SPREAD;
        if (rule->action != EXITS_OFF && (rule->closes == 0 || (limited && !in_range(rule->limit, 1e-6, RATIO_MAX))))
            return false;
    }
    return true;
}

const char *exits_parameters_wrong(const struct exits_parameters *p)
{
    if (!in_range(p->target_r, 1e-6, RATIO_MAX))
        return "the target is above 0 R";
    if (!in_range(p->min_reward_risk, 0.0, RATIO_MAX))
        return "the smallest reward for the risk is 0 or more";
    if (!in_range(p->strength_multiplier, 1.0, RATIO_MAX) || !in_range(p->strength_from, 0.0, 1.0))
        return "the strength multiplier is 1 or more, from a strength of 0 to 1";
    if (!in_range(p->trail_arm, 0.0, RATIO_MAX) || !in_range(p->trail_atr, 1e-6, RATIO_MAX) || !in_range(p->tighten_atr, 1e-6, RATIO_MAX))
        return "the trail is armed from 0 on, its distances are above 0 ATR";
    if (p->time_limit_ns < 0 || p->time_clock > EXITS_CLOCK_WALL)
        return "the time limit is 0 (none) or more, of open market or wall time";
    if (!rungs_right(p))
        return "rungs ascend, each with a share above 0, all shares together below 1";
    if (!rules_right(p))
        return "a condition has an action, one close or more in a row, and a limit above 0";
    return NULL;
}

/* --- geometry --------------------------------------------------------------------------------------------------------- */

/* entry + distance in favour, to the nearest tick, ties away from the entry. */
static int64_t level(const struct exits_plan *plan, long double distance)
{
    int64_t direction = plan->side == SIDE_BUY ? 1 : -1;
    int64_t price = plan->entry + direction * (int64_t)llroundl(fminl(distance, 100.0L * (long double)EXITS_PRICE_MAX));
    int64_t down = price - ((price % plan->tick) + plan->tick) % plan->tick, rest = price - down;
    bool up = 2 * rest > plan->tick || (2 * rest == plan->tick && direction > 0);
    return up ? down + plan->tick : down;
}

static bool price_right(int64_t price)
{
    return price > 0 && price <= EXITS_PRICE_MAX;
}

static bool entry_right(const struct exits_entry *e)
{
    if (e->side != SIDE_BUY && e->side != SIDE_SELL)
        return false;
    if (!price_right(e->price) || !price_right(e->stop) || (e->target != 0 && !price_right(e->target)) || !price_right(e->tick))
        return false;
    if (e->lots <= 0 || e->lots > EXITS_LOTS_MAX || e->lot_step <= 0 || e->lot_step > EXITS_LOTS_MAX || e->lot_min < 0 ||
        e->lot_min > EXITS_LOTS_MAX)
        return false;
    int64_t direction = e->side == SIDE_BUY ? 1 : -1;
    return direction * (e->price - e->stop) > 0 && (e->target == 0 || direction * (e->target - e->price) > 0);
}

/* --- tranches ---------------------------------------------------------------------------------------------------------- */

static int64_t floored_share(const struct exits_rung *rung, int64_t lots, int64_t step)
{
    __int128 steps = (__int128)lots * rung->numerator / ((__int128)rung->denominator * step);
    return (int64_t)steps * step;
}

/* Floored, what is too small waits for the next rung; what is left after the last rung is the last leg, which takes legs back
 * until it is large enough itself. */
static void split(struct exits_plan *plan, int64_t step, int64_t lot_min)
{
    const struct exits_parameters *p = &plan->parameters;
    int64_t left = plan->lots, waiting = 0;
    for (uint32_t i = 0; i < p->rung_count; i++) {
        int64_t price = level(plan, (long double)p->rungs[i].r * (long double)plan->risk);
        if (exits_gain(plan, price) <= 0 || exits_gain(plan, price) >= exits_gain(plan, plan->target))
            break;
        waiting += floored_share(&p->rungs[i], plan->lots, step);
        if (waiting == 0 || waiting < lot_min || waiting >= left)
            continue;
        plan->legs[plan->leg_count++] = (struct exits_leg){price, waiting};
        left -= waiting;
        waiting = 0;
    }
    while (plan->leg_count > 0 && left < lot_min)
        left += plan->legs[--plan->leg_count].lots;
    for (uint32_t i = plan->leg_count; i < EXITS_LEGS_MAX; i++)
        plan->legs[i] = (struct exits_leg){0, 0};
    plan->legs[plan->leg_count++] = (struct exits_leg){plan->target, left};
}

static double planned_r(const struct exits_plan *plan)
{
    __int128 sum = 0;
    for (uint32_t i = 0; i < plan->leg_count; i++)
        sum += (__int128)plan->legs[i].lots * exits_gain(plan, plan->legs[i].price);
    return (double)sum / (double)((__int128)plan->lots * plan->risk);
}

enum exits_refusal exits_plan_make(const struct exits_parameters *parameters, const struct exits_entry *entry, struct exits_plan *out)
{
    assert(exits_parameters_wrong(parameters) == NULL);
    memset(out, 0, sizeof *out);
    if (!entry_right(entry))
        return EXITS_REFUSED_INVALID;
    const struct exits_parameters *p = parameters;
    out->version = EXITS_VERSION;
    out->side = entry->side;
    out->entry = entry->price;
    out->stop = entry->stop;
    out->tick = entry->tick;
    out->risk = -exits_gain(out, entry->stop);
    out->lots = entry->lots;
    out->parameters = *p;
    bool confirmed = entry->volume_confirmed || !p->volume_confirmation;
    out->strong = entry->target == 0 && p->strength_multiplier > 1.0 && entry->strength >= p->strength_from && confirmed;
    long double r = out->strong ? (long double)p->target_r * (long double)p->strength_multiplier : (long double)p->target_r;
    out->target = entry->target != 0 ? entry->target : level(out, r * (long double)out->risk);
    int64_t reward = exits_gain(out, out->target);
    if (reward <= 0 || !price_right(out->target)) {
        memset(out, 0, sizeof *out);
        return EXITS_REFUSED_INVALID;
    }
    out->arm = (int64_t)ceill(fminl((long double)p->trail_arm * (long double)reward, 100.0L * (long double)EXITS_PRICE_MAX));
    out->reward_risk = (double)reward / (double)out->risk;
    split(out, entry->lot_step, entry->lot_min);
    out->planned_r = planned_r(out);
    return out->reward_risk < p->min_reward_risk ? EXITS_REFUSED_REWARD : EXITS_GRANTED;
}
