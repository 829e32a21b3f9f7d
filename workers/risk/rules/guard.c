#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/money.h"

const char *rules_guard_name(unsigned state)
{
    static const char *const names[] = {"NORMAL", "NO_NEW_RISK", "FLATTEN", "BLIND", "LOCKED"};
    return state < sizeof names / sizeof *names ? names[state] : "UNKNOWN";
}

/* --- buffers ----------------------------------------------------------------------------------------------------- */

dec_t rules_fixed_buffer(const struct rules_set *set, const struct rules_state *state)
{
    assert(set && state);
    return rules_cent_up(rules_plus(set->guard.fixed_abs, rules_times_up(state->initial, set->guard.fixed_fraction)));
}

dec_t rules_flat_buffer(const struct rules_guard_leg *legs, uint32_t count, dec_t fixed)
{
    assert(count == 0 || legs);
    rules_uwide sum = rules_product(fixed, DEC_ONE);
    for (uint32_t i = 0; i < count; i++) {
        const struct rules_guard_leg *leg = &legs[i];
        dec_t runs = RULES_PLANT(20) ? 0 : rules_times_up(leg->velocity_ticks_s, leg->latency_s);
        dec_t ticks = rules_plus(leg->slip_ticks, runs);
        sum = rules_add_products(sum, rules_product(rules_times_up(leg->lots, leg->tick_value), ticks));
        sum = rules_add_products(sum, rules_product(leg->commission, DEC_ONE));
    }
    return rules_cents_of(sum);
}

/* --- verdicts ------------------------------------------------------------------------------------------------------
 */

enum rules_guard_state rules_guard_margin(dec_t equity, dec_t floor, dec_t b_flat, dec_t b_warn)
{
    dec_t margin = rules_minus(equity, floor);
    if (floor == DEC_MAX || (RULES_PLANT(21) ? margin < b_flat : margin <= b_flat))
        return RULES_GUARD_FLATTEN;
    return margin <= b_warn ? RULES_GUARD_NO_NEW_RISK : RULES_GUARD_NORMAL;
}

enum rules_guard_state rules_guard_age(int64_t age_ns, int64_t block_ns, int64_t blind_ns)
{
    if (age_ns > blind_ns)
        return RULES_GUARD_BLIND;
    if (RULES_PLANT(15) ? age_ns >= block_ns : age_ns > block_ns)
        return RULES_GUARD_NO_NEW_RISK;
    return RULES_GUARD_NORMAL;
}

static bool boundary_is_near(const struct rules_state *s, const struct rules_set *set, const struct rules_floor *floor,
                             int64_t now_ns)
{
    for (uint32_t day = 0; day < set->day_count && day < RULES_DAYS_MAX; day++)
        if ((floor->days >> day & 1u || (floor->days == 0 && day == 0)) && s->days[day].end_ns != 0 &&
            s->days[day].end_ns - now_ns <= (int64_t)set->guard.lookahead_s * RULES_SECOND)
            return true;
    return false;
}

struct reading { /* of one floor */
    enum rules_guard_state state;
    dec_t level, margin, b_warn;
    bool lookahead;
};

static struct reading read_floor(const struct rules_state *s, const struct rules_set *set, uint32_t floor,
                                 int64_t now_ns, dec_t balance, dec_t equity, dec_t b_flat)
{
    const struct rules_floor *rule = &set->floors[floor];
    struct reading r = {.lookahead = false};
    dec_t allowance;
    r.level = rules_level_today(s, set, floor, &allowance);
    if (!RULES_PLANT(11) && boundary_is_near(s, set, rule, now_ns)) {
        dec_t next = rules_floor_next(s, set, floor, balance, equity, 0);
        r.lookahead = next > r.level;
        r.level = dec_max(r.level, next);
    }
    dec_t measured = rules_measured(rule, balance, equity);
    r.margin = r.level == DEC_MAX ? -DEC_MAX : rules_minus(measured, r.level);
    r.b_warn = dec_max(b_flat, rules_cent_up(rules_times_up(allowance, set->guard.warn_fraction)));
    r.state = s->latches[floor].latch != RULES_LATCH_NONE ? RULES_GUARD_FLATTEN
                                                          : rules_guard_margin(measured, r.level, b_flat, r.b_warn);
    return r;
}

/* NORMAL < NO_NEW_RISK < BLIND < FLATTEN: both of the last close everything, and the one that is known to be near a
 * floor stays until it is flat. */
static unsigned rank_of(unsigned state)
{
    static const unsigned char ranks[] = {0, 1, 3, 2, 4};
    return state < sizeof ranks ? ranks[state] : 4;
}

static void read_floors(const struct rules_state *s, const struct rules_set *set, int64_t now_ns, dec_t balance,
                        dec_t equity, struct rules_guarded *out)
{
    out->state = RULES_GUARD_NORMAL;
    out->floor = set->floor_count;
    out->level = -DEC_MAX;
    out->margin = RULES_UNBOUNDED;
    out->b_warn = out->b_flat;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        struct reading r = read_floor(s, set, i, now_ns, balance, equity, out->b_flat);
        unsigned ours = rank_of(out->state), its = rank_of(r.state);
        if (out->floor != set->floor_count && (its < ours || (its == ours && r.margin >= out->margin)))
            continue;
        out->state = r.state;
        out->floor = i;
        out->level = r.level;
        out->margin = r.margin;
        out->b_warn = r.b_warn;
        out->lookahead = r.lookahead;
    }
}

/* --- what stays ------------------------------------------------------------------------------------------------------
 */

static bool set_guard(struct rules_state *s, uint32_t state, uint32_t floor, int64_t now_ns)
{
    bool changed = s->guard != state;
    if (changed)
        s->guard_since_ns = now_ns;
    s->guard = state;
    s->guard_floor = floor;
    return changed;
}

static bool still_locked(const struct rules_state *s, int64_t now_ns)
{
    return s->guard == RULES_GUARD_LOCKED && (s->guard_until_ns == 0 || now_ns < s->guard_until_ns);
}

void rules_guard(struct rules_state *state, const struct rules_set *set, int64_t now_ns, dec_t balance, dec_t equity,
                 dec_t b_flat, int64_t age_ns, struct rules_guarded *out)
{
    assert(state && set && out && set->floor_count <= RULES_FLOORS_MAX && b_flat >= 0);
    *out = (struct rules_guarded){.b_flat = b_flat};
    read_floors(state, set, now_ns, balance, equity, out);
    enum rules_guard_state aged =
        rules_guard_age(age_ns, set->guard.block_s * RULES_SECOND, set->guard.blind_s * RULES_SECOND);
    if (still_locked(state, now_ns)) {
        out->state = RULES_GUARD_LOCKED;
        return;
    }
    if (state->guard == RULES_GUARD_FLATTEN) { /* until the caller says that it is flat */
        bool worse = out->state == RULES_GUARD_FLATTEN && out->floor != state->guard_floor &&
                     state->guard_floor < set->floor_count && set->floors[out->floor].kind == RULES_TOTAL &&
                     set->floors[state->guard_floor].kind == RULES_DAILY;
        if (worse) /* the longer lock */
            state->guard_floor = out->floor;
        out->state = RULES_GUARD_FLATTEN;
        out->changed = worse;
        return;
    }
    if (rank_of(aged) > rank_of(out->state))
        out->state = aged;
    out->changed = set_guard(state, out->state, out->floor, now_ns);
    if (out->changed)
        state->guard_until_ns = 0;
}

void rules_locked(struct rules_state *state, const struct rules_set *set, int64_t now_ns)
{
    assert(state && set);
    const struct rules_floor *floor = state->guard_floor < set->floor_count ? &set->floors[state->guard_floor] : NULL;
    int64_t until_ns = 0;
    if (floor && floor->kind == RULES_DAILY && state->latches[state->guard_floor].latch != RULES_LATCH_TERMINATE)
        for (uint32_t day = 0; day < set->day_count && day < RULES_DAYS_MAX; day++)
            if (state->days[day].end_ns > until_ns)
                until_ns = state->days[day].end_ns;
    (void)set_guard(state, RULES_GUARD_LOCKED, state->guard_floor, now_ns);
    state->guard_until_ns = until_ns;
}

void rules_unlock(struct rules_state *state, int64_t now_ns)
{
    assert(state);
    (void)set_guard(state, RULES_GUARD_NORMAL, state->guard_floor, now_ns);
    state->guard_until_ns = 0;
}

/* --- the order of closing
 * ----------------------------------------------------------------------------------------------- */

static int64_t age_of(const struct rules_leg *leg, int64_t now_ns)
{
    int64_t age = leg->opened_ns > 0 && leg->opened_ns < now_ns ? now_ns - leg->opened_ns : 0;
    return age < RULES_SECOND ? RULES_SECOND : age; /* what was opened just now has lost no more than it has */
}

/* -floating / age, compared without a division. */
static bool loses_faster(const struct rules_leg *a, const struct rules_leg *b, int64_t now_ns)
{
    return -(rules_wide)a->floating * age_of(b, now_ns) > -(rules_wide)b->floating * age_of(a, now_ns);
}

uint32_t rules_flatten_order(const struct rules_book *book, int64_t now_ns, uint32_t *order, uint32_t max)
{
    assert(book && (max == 0 || order));
    uint32_t count = 0;
    for (uint32_t i = 0; i < book->count; i++) {
        if (book->legs[i].kind != RULES_LEG_POSITION)
            continue;
        uint32_t at = count < max ? count : max;
        while (at > 0 && loses_faster(&book->legs[i], &book->legs[order[at - 1]], now_ns)) {
            if (at < max)
                order[at] = order[at - 1];
            at--;
        }
        if (at < max)
            order[at] = i;
        if (count < max)
            count++;
    }
    return count;
}
