/* The state of a plan: what a closed bar decides. */
#include "workers/strategy/exits/exits.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "workers/strategy/exits/parts.h"

static_assert(sizeof(struct exits_state) == 12 * 4 + 4 * 8, "no padding: states compare by bytes");

const char *exits_reason_name(unsigned reason)
{
    static const char *const names[EXITS_REASON_COUNT] = {
#define X(name, text) text,
        EXITS_REASON_LIST(X)
#undef X
    };
    return reason < EXITS_REASON_COUNT ? names[reason] : "?";
}

bool exits_reason_is_voluntary(unsigned reason)
{
    switch (reason) {
    case EXITS_STOP:
    case EXITS_STOP_GAP:
    case EXITS_TRAIL:
    case EXITS_TRAIL_GAP:
    case EXITS_TARGET:
    case EXITS_TARGET_GAP:
    case EXITS_END:
        return false;
    default:
        return true;
    }
}

bool exits_bar_is_sane(const struct exits_bar *bar)
{
    return bar->low > 0 && bar->high <= EXITS_PRICE_MAX && bar->open >= bar->low && bar->open <= bar->high && bar->close >= bar->low &&
           bar->close <= bar->high;
}

void exits_init(struct exits_state *state, const struct exits_plan *plan)
{
    assert(plan->version == EXITS_VERSION && plan->leg_count > 0);
    memset(state, 0, sizeof *state);
    state->version = EXITS_VERSION;
    state->stop = plan->stop;
    state->best = plan->entry;
    state->lots = plan->lots;
    state->leg_lots = plan->legs[0].lots;
}

enum exits_reason exits_stop_reason(const struct exits_state *state, bool gap)
{
    if (state->armed || state->tightened)
        return gap ? EXITS_TRAIL_GAP : EXITS_TRAIL;
    return gap ? EXITS_STOP_GAP : EXITS_STOP;
}

/* --- the stop ----------------------------------------------------------------------------------------------------------- */

/* A distance in price units, to the whole tick, up: never closer than asked. False: undefined, or none that fits. */
static bool distance_of(const struct exits_plan *plan, double times, double atr, int64_t *out)
{
    double ticks = ceil(times * atr / (double)plan->tick);
    return atr > 0.0 && ticks < 1e17 && !__builtin_mul_overflow((int64_t)ticks, plan->tick, out) && *out <= 2 * EXITS_PRICE_MAX;
}

/* Towards the loss, to a whole tick: an order's price. */
static int64_t on_tick(const struct exits_plan *plan, int64_t price)
{
    int64_t over = (price % plan->tick + plan->tick) % plan->tick;
    return plan->side == 1 || over == 0 ? price - over : price - over + plan->tick;
}

/* Moves it there, but never away from the price and never beyond the close. */
static void move_stop(struct exits_state *state, const struct exits_plan *plan, int64_t to, int64_t close)
{
    if (exits_beyond(plan, to, close) > 0)
        to = close;
    to = on_tick(plan, to);
    if (exits_beyond(plan, to, state->stop) > 0)
        state->stop = to;
}

static int64_t away(const struct exits_plan *plan, int64_t price, int64_t distance)
{
    return plan->side == 1 ? price - distance : price + distance;
}

static void trail(struct exits_state *state, const struct exits_plan *plan, const struct exits_bar *bar)
{
    int64_t best = exits_best_of(plan, bar), distance;
    if (exits_beyond(plan, best, state->best) > 0)
        state->best = best;
    if (!plan->parameters.trail)
        return;
    if (exits_gain(plan, state->best) >= plan->arm)
        state->armed = 1;
    if (!state->armed)
        return;
    if (distance_of(plan, plan->parameters.trail_atr, bar->atr, &distance))
        move_stop(state, plan, away(plan, state->best, distance), bar->close);
    if (plan->parameters.break_even)
        move_stop(state, plan, plan->entry, bar->close);
}

/* --- the market's condition ---------------------------------------------------------------------------------------------- */

/* NaN on either side: not above. */
static bool ratio_above(double value, double median, double limit)
{
    return median > 0.0 && value / median > limit;
}

static bool holds(const struct exits_plan *plan, const struct exits_bar *bar, enum exits_condition condition)
{
    const struct exits_parameters *p = &plan->parameters;
    double limit = p->rules[condition].limit;
    switch (condition) {
    case EXITS_ON_VOLATILITY:
        return ratio_above(bar->atr, bar->atr_median, limit);
    case EXITS_ON_SPREAD:
        return ratio_above(bar->spread, bar->spread_median, limit);
    case EXITS_ON_STRUCTURE:
        return bar->opposite >= (p->volume_confirmation ? EXITS_OPPOSITE_CONFIRMED : EXITS_OPPOSITE_SEEN);
    case EXITS_ON_SESSION:
        return bar->session_ends;
    case EXITS_ON_NEWS:
        return bar->news;
    case EXITS_CONDITION_COUNT:
        break;
    }
    return false;
}

static void conditions(struct exits_state *state, const struct exits_plan *plan, const struct exits_bar *bar)
{
    static const enum exits_reason reasons[EXITS_CONDITION_COUNT] = {EXITS_VOLATILITY, EXITS_SPREAD, EXITS_STRUCTURE, EXITS_SESSION,
                                                                     EXITS_NEWS};
    for (unsigned i = 0; i < EXITS_CONDITION_COUNT; i++) {
        const struct exits_rule *rule = &plan->parameters.rules[i];
        if (rule->action == EXITS_OFF || !holds(plan, bar, (enum exits_condition)i)) {
            state->held[i] = 0;
            continue;
        }
        state->held[i] += state->held[i] < UINT32_MAX;
        if (state->held[i] < rule->closes)
            continue;
        int64_t distance, before = state->stop;
        if (rule->action == EXITS_CLOSE) {
            exits_ask(state, reasons[i]);
        } else if (distance_of(plan, plan->parameters.tighten_atr, bar->atr, &distance)) {
            move_stop(state, plan, away(plan, bar->close, distance), bar->close);
            state->tightened |= state->stop != before;
        }
    }
}

/* --- decisions ------------------------------------------------------------------------------------------------------------ */

enum exits_reason exits_due(const struct exits_state *state, const struct exits_plan *plan, int64_t elapsed_ns)
{
    const struct exits_parameters *p = &plan->parameters;
    if (state->lots == 0)
        return EXITS_NONE;
    if (state->closing != EXITS_NONE)
        return (enum exits_reason)state->closing;
    if (p->time_limit_ns == 0 || elapsed_ns < p->time_limit_ns || (p->time_spares_trail && state->armed))
        return EXITS_NONE;
    return EXITS_TIME;
}

void exits_ask(struct exits_state *state, enum exits_reason reason)
{
    assert(reason > EXITS_NONE && reason < EXITS_REASON_COUNT);
    if (state->closing == EXITS_NONE)
        state->closing = reason;
}

/* Lots of the legs that a price has reached, the last one (the target) apart. */
static void reached_legs(const struct exits_state *state, const struct exits_plan *plan, int64_t price, struct exits_decision *out)
{
    for (uint32_t i = state->leg; i + 1 < plan->leg_count && exits_reached(plan, price, plan->legs[i].price); i++) {
        out->lots += i == state->leg ? state->leg_lots : plan->legs[i].lots;
        out->legs++;
    }
}

void exits_on_bar(struct exits_state *state, const struct exits_plan *plan, const struct exits_bar *bar, struct exits_decision *out)
{
    assert(state->version == EXITS_VERSION && plan->version == EXITS_VERSION);
    memset(out, 0, sizeof *out);
    if (state->lots == 0 || !exits_bar_is_sane(bar))
        return;
    state->bars += state->bars < UINT32_MAX;
    if (exits_stop_touched(state, plan, exits_worst_of(plan, bar))) /* by the stop that stood during the bar */
        exits_ask(state, exits_stop_reason(state, exits_stop_touched(state, plan, bar->open)));
    else if (exits_reached(plan, exits_best_of(plan, bar), plan->target))
        exits_ask(state, exits_reached(plan, bar->open, plan->target) ? EXITS_TARGET_GAP : EXITS_TARGET);
    int64_t before = state->stop;
    trail(state, plan, bar);
    conditions(state, plan, bar);
    if (state->stop != before) {
        out->stop = state->stop;
        out->stop_at_close = exits_stop_touched(state, plan, bar->close);
    }
    out->close = state->closing;
    if (out->close == EXITS_NONE)
        reached_legs(state, plan, state->best, out);
}

bool exits_on_fill(struct exits_state *state, const struct exits_plan *plan, int64_t lots)
{
    assert(lots > 0);
    if (lots >= state->lots) {
        bool right = lots == state->lots;
        state->lots = state->leg_lots = 0;
        state->leg = plan->leg_count - 1;
        return right;
    }
    state->lots -= lots;
    while (lots >= state->leg_lots && state->leg + 1 < plan->leg_count) {
        lots -= state->leg_lots;
        state->leg_lots = plan->legs[++state->leg].lots;
    }
    state->leg_lots -= lots;
    return true;
}

/* --- out of a store ------------------------------------------------------------------------------------------------------- */

static bool price_right(int64_t price)
{
    return price > 0 && price <= EXITS_PRICE_MAX;
}

static bool plan_restorable(const struct exits_plan *plan)
{
    if (plan->version != EXITS_VERSION || (plan->side != 1 && plan->side != 2) || plan->leg_count == 0 || plan->leg_count > EXITS_LEGS_MAX)
        return false;
    if (!price_right(plan->entry) || !price_right(plan->stop) || !price_right(plan->target) || !price_right(plan->tick) ||
        plan->lots <= 0 || plan->lots > EXITS_LOTS_MAX || plan->arm < 0 || plan->strong > 1)
        return false;
    if (plan->risk <= 0 || plan->risk != -exits_gain(plan, plan->stop) || exits_gain(plan, plan->target) <= 0)
        return false;
    int64_t gain = 0, lots = 0;
    for (uint32_t i = 0; i < plan->leg_count; i++) {
        const struct exits_leg *leg = &plan->legs[i];
        if (!price_right(leg->price) || leg->lots <= 0 || leg->lots > plan->lots - lots || exits_gain(plan, leg->price) <= gain)
            return false;
        gain = exits_gain(plan, leg->price);
        lots += leg->lots;
    }
    return lots == plan->lots && plan->legs[plan->leg_count - 1].price == plan->target &&
           exits_parameters_wrong(&plan->parameters) == NULL;
}

bool exits_restorable(const struct exits_plan *plan, const struct exits_state *state)
{
    if (!plan_restorable(plan) || state->version != EXITS_VERSION || state->armed > 1 || state->tightened > 1 ||
        state->closing >= EXITS_REASON_COUNT || state->leg >= plan->leg_count || state->reserved != 0)
        return false;
    if (!price_right(state->stop) || !price_right(state->best) || exits_beyond(plan, state->stop, plan->stop) < 0 ||
        exits_gain(plan, state->best) < 0)
        return false;
    if (state->lots == 0)
        return state->leg_lots == 0;
    int64_t behind = 0; /* of the legs after this one */
    for (uint32_t i = state->leg + 1; i < plan->leg_count; i++)
        behind += plan->legs[i].lots;
    return state->leg_lots > 0 && state->leg_lots <= plan->legs[state->leg].lots && state->lots == state->leg_lots + behind;
}
