#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/gate.h"

/* --- names -----------------------------------------------------------------------------------------------------------
 */

const char *rules_primitive_name(unsigned primitive)
{
    static const char *const names[] = {"P1 LOSS_FLOOR", "P2 OPEN_LOSS_CAP",  "P3 EXPOSURE_CAP", "P4 TIME_WINDOW",
                                        "P5 HOLD_TIME",  "P6 RATE_CAP",       "P7 PROFIT_SHAPE", "P8 STOP_POLICY",
                                        "P9 DIRECTION",  "P10 CROSS_ACCOUNT", "P11 CONDUCT",     "P12 LIFECYCLE"};
    return primitive >= 1 && primitive <= sizeof names / sizeof *names ? names[primitive - 1] : "P?";
}

const char *rules_op_text(unsigned op)
{
    static const char *const texts[] = {">=", ">", "<=", "<", "=", ""};
    return op < sizeof texts / sizeof *texts ? texts[op] : "?";
}

const struct rules_head *rules_head_of(const struct rules_set *set, const struct rules_verdict *verdict)
{
    assert(set && verdict);
    uint32_t i = verdict->rule;
    switch (verdict->primitive) {
    case RULES_P1_LOSS_FLOOR:
        return i < set->floor_count ? &set->floors[i].head : NULL;
    case RULES_P2_OPEN_LOSS:
        return i < set->loss_count ? &set->losses[i].head : NULL;
    case RULES_P3_EXPOSURE:
        return i < set->exposure_count ? &set->exposures[i].head : NULL;
    case RULES_P4_WINDOW:
        return i < set->window_count ? &set->windows[i].head : NULL;
    case RULES_P5_HOLD:
        return i < set->hold_count ? &set->holds[i].head : NULL;
    case RULES_P6_RATE:
        return i < set->rate_count ? &set->rates[i].head : NULL;
    case RULES_P7_SHAPE:
        return &set->shape.head;
    case RULES_P8_STOP:
        return &set->stop.head;
    case RULES_P9_DIRECTION:
        return &set->direction.head;
    case RULES_P10_CROSS:
        return &set->cross.head;
    case RULES_P11_CONDUCT:
        return &set->conduct.head;
    case RULES_P12_LIFECYCLE:
        return &set->life.head;
    default:
        return NULL;
    }
}

/* --- verdicts --------------------------------------------------------------------------------------------------------
 */

void rules_gate_say(struct rules_gate *g, struct rules_verdict verdict)
{
    struct rules_answer *out = g->out;
    assert(out->count < RULES_VERDICTS_MAX);
    if (!verdict.admitted && out->admitted) {
        out->admitted = false;
        out->refused = out->count;
    }
    out->q_max = dec_min(out->q_max, verdict.q_max);
    out->verdicts[out->count++] = verdict;
}

void rules_gate_say_flat(struct rules_gate *g, enum rules_primitive primitive, unsigned condition, uint32_t rule,
                         enum rules_op op, dec_t left, dec_t right, bool admitted)
{
    rules_gate_say(g, (struct rules_verdict){.primitive = (uint16_t)primitive,
                                             .condition = (uint16_t)condition,
                                             .rule = (uint16_t)rule,
                                             .op = (uint8_t)op,
                                             .admitted = admitted,
                                             .left = left,
                                             .right = right,
                                             .q_max = admitted ? DEC_MAX : 0});
}

/* --- the largest size
 * ------------------------------------------------------------------------------------------------------ */

dec_t rules_gate_quotient(dec_t room, dec_t unit)
{
    dec_t cents = rules_cent_down(room);
    if (cents < 0)
        return 0;
    if (unit <= 0)
        return DEC_MAX;
    return unit == RULES_UNBOUNDED ? 0 : rules_clamp_unsigned(rules_product(cents, DEC_ONE) / (rules_uwide)unit);
}

static bool holds_at(const struct rules_gate *g, rules_gate_holds holds, const void *of, int64_t steps)
{
    return holds(g, of, steps * g->request->lot_step);
}

dec_t rules_gate_largest(const struct rules_gate *g, rules_gate_holds holds, const void *of, dec_t guess)
{
    int64_t low = guess / g->request->lot_step, high, stride = 1;
    if (low > g->steps_max)
        low = g->steps_max;
    if (low > 0 && !holds_at(g, holds, of, low)) {
        high = low;
        do { /* at most 63 times */
            low = high > stride ? high - stride : 0;
            if (low == 0 || holds_at(g, holds, of, low))
                break;
            high = low;
            stride *= 2;
        } while (true);
    } else {
        do {
            high = g->steps_max - low > stride ? low + stride : g->steps_max;
            if (high == low)
                return DEC_MAX;
            if (!holds_at(g, holds, of, high))
                break;
            low = high;
            stride *= 2;
        } while (true);
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (holds_at(g, holds, of, middle))
            low = middle;
        else
            high = middle;
    }
    return (low + (RULES_PLANT(22) && low > 0)) * g->request->lot_step;
}

static bool is_close(const struct rules_gate *g)
{
    return g->request->purpose == RULES_CLOSE_VOLUNTARY || g->request->purpose == RULES_CLOSE_PROTECTIVE;
}

/* --- P12, P11, P9
 * ------------------------------------------------------------------------------------------------------------ */

static void ask_life(struct rules_gate *g)
{
    const struct rules_context *c = g->context;
    int32_t age_days = 0;
    bool expired = rules_file_expired(g->set, c->today, &age_days);
    if (c->live)
        rules_gate_say_flat(g, RULES_P12_LIFECYCLE, 1, 0, RULES_OP_LE, rules_whole(age_days),
                            rules_whole(g->set->max_age_days), !expired);
    bool pending = g->state->payout_pending || c->payout_pending;
    if (g->set->life.payout_freeze)
        rules_gate_say_flat(g, RULES_P12_LIFECYCLE, 2, 0, RULES_OP_EQ, rules_whole(pending), 0,
                            rules_payout_allows(&g->set->life, pending));
    rules_gate_say_flat(g, RULES_P12_LIFECYCLE, 3, 0, RULES_OP_EQ, rules_whole(g->state->guard),
                        rules_whole(RULES_GUARD_NORMAL), g->state->guard == RULES_GUARD_NORMAL);
}

static void ask_conduct(struct rules_gate *g)
{
    rules_gate_say_flat(g, RULES_P11_CONDUCT, 0, 0, RULES_OP_NONE, rules_whole(g->context->mode),
                        rules_whole(g->set->conduct.automation),
                        rules_conduct_allows(&g->set->conduct, g->context->mode, g->context->host));
}

static dec_t in_steps(const struct rules_gate *g, dec_t lots)
{
    return lots - lots % g->request->lot_step;
}

static void ask_opposite(struct rules_gate *g)
{
    const struct rules_request *r = g->request;
    const struct rules_direction *rule = &g->set->direction;
    enum rules_direction_verdict verdict = rules_direction_of(rule, g->book, r->instrument, r->side, r->lots);
    dec_t most = rules_direction_max(rule, g->book, r->instrument, r->side);
    rules_gate_say(g, (struct rules_verdict){.primitive = RULES_P9_DIRECTION,
                                             .condition = 1,
                                             .op = RULES_OP_NONE,
                                             .left = r->lots,
                                             .right = most,
                                             .admitted = verdict == RULES_ADMIT,
                                             .q_max = most == DEC_MAX ? DEC_MAX : in_steps(g, most)});
}

/* Orders count as filled. */
static void ask_adds(struct rules_gate *g)
{
    const struct rules_request *r = g->request;
    uint32_t same = 0;
    dec_t floating = 0;
    for (uint32_t i = 0; i < g->book->count; i++) {
        const struct rules_leg *leg = &g->book->legs[i];
        if (leg->instrument != r->instrument || leg->side != r->side)
            continue;
        same++;
        floating = rules_plus(floating, leg->floating);
    }
    rules_gate_say_flat(g, RULES_P9_DIRECTION, 2, 0, RULES_OP_LT, rules_whole(same),
                        rules_whole(g->set->direction.adds_to_loser_max),
                        rules_add_allowed(&g->set->direction, same, floating < 0));
}

static void ask_after_loss(struct rules_gate *g)
{
    dec_t most = rules_size_after_loss_max(&g->set->direction, g->state, g->request->instrument);
    rules_gate_say(g, (struct rules_verdict){.primitive = RULES_P9_DIRECTION,
                                             .condition = 3,
                                             .op = RULES_OP_LE,
                                             .left = g->request->lots,
                                             .right = most,
                                             .admitted = g->request->lots <= most,
                                             .q_max = most == DEC_MAX ? DEC_MAX : in_steps(g, most)});
}

static void ask_direction(struct rules_gate *g)
{
    if (g->set->direction.opposite_refused)
        ask_opposite(g);
    if (g->set->direction.adds_to_loser_max > 0 && g->request->purpose != RULES_WIDEN)
        ask_adds(g);
    if (g->set->direction.no_larger_after_loss && g->request->purpose != RULES_WIDEN)
        ask_after_loss(g);
}

/* --- P4, P5, P6
 * ---------------------------------------------------------------------------------------------------------------- */

/* Seconds from t to the next window that forbids it; below 0 inside. A resting order may fill until it ends. */
static void ask_window(struct rules_gate *g, uint32_t index, uint32_t actions)
{
    const struct rules_window *rule = &g->set->windows[index];
    const struct rules_request *r = g->request;
    int64_t now = g->context->now_ns, last = r->latest_fill_ns > now ? r->latest_fill_ns : now;
    struct rules_span span = {0};
    if (rule->kind == RULES_PAYOUT_PENDING) {
        bool pending = g->state->payout_pending || g->context->payout_pending;
        rules_gate_say_flat(g, RULES_P4_WINDOW, 1, index, RULES_OP_EQ, rules_whole(pending), 0, !pending);
        return;
    }
    bool forbidden = rules_window_forbids(rule, g->context, r->instrument, actions, now, &span);
    if (forbidden && is_close(g) && rules_window_exempts(rule, &span, r->opened_ns))
        return;
    if (forbidden)
        rules_gate_say_flat(g, RULES_P4_WINDOW, 1, index, RULES_OP_GT, -rules_seconds(now - span.from_ns), 0, false);
    else if (!rules_window_next(rule, g->context, r->instrument, actions, now, &span))
        rules_gate_say_flat(g, RULES_P4_WINDOW, 1, index, RULES_OP_GT, RULES_UNBOUNDED, 0,
                            last == now ||
                                !rules_window_forbids(rule, g->context, r->instrument, actions, last, &span));
    else
        rules_gate_say_flat(g, RULES_P4_WINDOW, 1, index, RULES_OP_GT, rules_seconds(span.from_ns - last), 0,
                            span.from_ns > last);
}

/* What cannot be closed before a window that forbids holding is not opened. */
static void ask_way_out(struct rules_gate *g, uint32_t index)
{
    const struct rules_window *rule = &g->set->windows[index];
    const struct rules_request *r = g->request;
    int64_t now = g->context->now_ns, last = r->latest_fill_ns > now ? r->latest_fill_ns : now;
    struct rules_span span = {0};
    dec_t lead = rules_whole(rule->lead_s), left = RULES_UNBOUNDED;
    if (rules_window_forbids(rule, g->context, r->instrument, RULES_HOLD, now, &span))
        left = -rules_seconds(now - span.from_ns);
    else if (rules_window_next(rule, g->context, r->instrument, RULES_HOLD, now, &span))
        left = rules_seconds(span.from_ns - last);
    rules_gate_say_flat(g, RULES_P4_WINDOW, 2, index, RULES_OP_GT, left, lead, left > lead);
}

static uint32_t actions_of(uint32_t purpose)
{
    switch ((enum rules_purpose)purpose) {
    case RULES_ENTRY:
        return RULES_OPEN;
    case RULES_ADD:
        return RULES_OPEN | RULES_INCREASE;
    case RULES_WIDEN:
        return 0;
    case RULES_CLOSE_VOLUNTARY:
    case RULES_CLOSE_PROTECTIVE:
        break;
    }
    return RULES_CLOSE;
}

static void ask_windows(struct rules_gate *g)
{
    uint32_t actions = actions_of(g->request->purpose);
    for (uint32_t i = 0; i < g->set->window_count; i++) {
        const struct rules_window *rule = &g->set->windows[i];
        if (!(rule->instruments >> g->request->instrument & 1u) && rule->kind != RULES_PAYOUT_PENDING)
            continue;
        if (rule->forbids & actions)
            ask_window(g, i, rule->forbids & actions);
        if (rule->forbids & RULES_HOLD && !is_close(g))
            ask_way_out(g, i);
    }
}

/* A protective close is never delayed. */
static void ask_holds(struct rules_gate *g)
{
    if (g->request->purpose != RULES_CLOSE_VOLUNTARY)
        return;
    int64_t held_ns = g->context->now_ns - g->request->opened_ns;
    for (uint32_t i = 0; i < g->set->hold_count; i++) {
        const struct rules_hold *rule = &g->set->holds[i];
        dec_t share = 0;
        bool allowed = rules_hold_allows(rule, &g->state->profit, i, held_ns / RULES_SECOND, &share);
        bool timed = rule->kind == RULES_MIN_HOLD || rule->kind == RULES_MEAN_DURATION;
        rules_gate_say_flat(g, RULES_P5_HOLD, 0, i, timed ? RULES_OP_GE : RULES_OP_NONE,
                            timed ? rules_seconds(held_ns) : share, timed ? rules_whole(rule->tau_s) : rule->max_share,
                            allowed);
    }
}

/* A new position will need its order, a change of its stop and its end. */
static uint32_t cost_of(const struct rules_gate *g, uint32_t counted)
{
    bool opens = g->request->purpose == RULES_ENTRY || g->request->purpose == RULES_ADD;
    switch ((enum rules_message)counted) {
    case RULES_MESSAGES:
        return opens ? 3 : 1;
    case RULES_ORDERS:
        return g->request->purpose != RULES_WIDEN;
    case RULES_CHANGES:
        return opens || g->request->purpose == RULES_WIDEN;
    case RULES_EXECUTIONS:
        return opens ? 2 : is_close(g);
    case RULES_WORKING_ORDERS:
        return opens;
    case RULES_MESSAGE_KINDS:
        break;
    }
    return 1;
}

static uint32_t reserve_of(const struct rules_gate *g, const struct rules_rate *rule)
{
    uint32_t reserve = 0;
    if (is_close(g) || rule->counted == RULES_WORKING_ORDERS)
        return 0; /* for this it was kept */
    if (rule->counted == RULES_EXECUTIONS)
        reserve = g->context->positions;
    else
        reserve = rules_rate_reserve(g->context->positions, g->context->working);
    return reserve < rule->max / 2 ? reserve : rule->max / 2;
}

static void ask_rates(struct rules_gate *g)
{
    for (uint32_t i = 0; i < g->set->rate_count; i++) {
        const struct rules_rate *rule = &g->set->rates[i];
        uint32_t used = rule->counted == RULES_WORKING_ORDERS ? g->context->working
                                                              : rules_rate_used(g->state, rule, i, g->context->now_ns);
        uint32_t cost = cost_of(g, rule->counted), reserve = reserve_of(g, rule);
        if (cost > 0)
            rules_gate_say_flat(g, RULES_P6_RATE, 0, i, RULES_OP_LE, rules_whole((int64_t)used + cost),
                                rules_whole((int64_t)rule->max - reserve),
                                rules_rate_allows(rule, used, cost, reserve));
    }
}

/* --- P8, P3, P2
 * ----------------------------------------------------------------------------------------------------------------------
 */

static void ask_stop(struct rules_gate *g)
{
    const struct rules_stop *rule = &g->set->stop;
    const struct rules_terms *unit = &g->request->unit;
    if (rule->required || g->set->guard.require_stop)
        rules_gate_say_flat(g, RULES_P8_STOP, 1, 0, RULES_OP_EQ, rules_whole(g->request->has_stop), rules_whole(1),
                            g->request->has_stop);
    if (rule->max_stop_to_target <= 0)
        return;
    rules_gate_say_flat(g, RULES_P8_STOP, 2, 0, RULES_OP_LE,
                        rules_stop_ratio(unit->stop_distance, unit->target_distance), rule->max_stop_to_target,
                        rules_stop_ratio_allows(rule, unit->stop_distance, unit->target_distance));
}

/* Tiers of live equity must hold when every stop was hit. */
static dec_t exposure_limit_with(const struct rules_gate *g, const struct rules_exposure *rule, dec_t lots)
{
    return rules_exposure_limit(g->state, rule, rules_gate_worst(g, lots));
}

static dec_t exposure_with(const struct rules_gate *g, const struct rules_exposure *rule, dec_t lots)
{
    const struct rules_request *r = g->request;
    return rules_exposure_total(g->state, rule, g->book, r->instrument, r->side, lots, r->margin_per_lot);
}

static bool holds_exposure(const struct rules_gate *g, const void *of, dec_t lots)
{
    const struct rules_exposure *rule = of;
    return exposure_with(g, rule, lots) <= exposure_limit_with(g, rule, lots);
}

static dec_t guess_exposure(const struct rules_gate *g, const struct rules_exposure *rule, dec_t total, dec_t limit)
{
    dec_t weight = rule->weight[g->request->instrument] > 0 ? rule->weight[g->request->instrument] : DEC_ONE, guess = 0;
    if (rule->counted == RULES_MARGIN_SHARE) {
        dec_t used = 0;
        for (uint32_t i = 0; i < g->book->count; i++)
            used = rules_plus(used, g->book->legs[i].margin);
        return rules_gate_quotient(rules_minus(rules_times_floor(g->book->equity, limit), used),
                                   g->request->margin_per_lot);
    }
    if (rule->counted == RULES_POSITIONS_SYMBOL || rule->counted == RULES_POSITIONS_TOTAL)
        return total <= limit ? DEC_MAX : 0;
    if (dec_div(rules_minus(limit, total), weight, DEC_ROUND_FLOOR, &guess) != 0)
        return 0;
    return dec_max(0, rules_plus(g->request->lots, guess));
}

static void ask_exposure(struct rules_gate *g, uint32_t index)
{
    const struct rules_exposure *rule = &g->set->exposures[index];
    dec_t lots = g->request->lots, total = exposure_with(g, rule, lots), limit = exposure_limit_with(g, rule, lots);
    rules_gate_say(g, (struct rules_verdict){
                          .primitive = RULES_P3_EXPOSURE,
                          .rule = (uint16_t)index,
                          .op = RULES_OP_LE,
                          .left = total,
                          .right = limit,
                          .admitted = total <= limit,
                          .q_max = rules_gate_largest(g, holds_exposure, rule, guess_exposure(g, rule, total, limit))});
}

static void ask_exposures(struct rules_gate *g)
{
    bool widens = g->request->purpose == RULES_WIDEN; /* opens nothing */
    for (uint32_t i = 0; i < g->set->exposure_count; i++) {
        const struct rules_exposure *rule = &g->set->exposures[i];
        if (rule->instruments >> g->request->instrument & 1u &&
            !(widens && (rule->counted == RULES_LOTS_PER_ORDER || rule->counted == RULES_LOTS_PER_DAY)))
            ask_exposure(g, i);
    }
}

struct loss_case {
    const struct rules_loss *rule;
    dec_t carried, others, joined, limit;
};

static dec_t loss_with(const struct rules_gate *g, const struct loss_case *c, dec_t lots)
{
    return rules_plus(c->carried, rules_gate_sum(c->others, c->joined, g->unit.risk, lots));
}

static bool holds_loss(const struct rules_gate *g, const void *of, dec_t lots)
{
    const struct loss_case *c = of;
    dec_t loss = loss_with(g, c, lots);
    return c->rule->over == RULES_GE && !RULES_PLANT(23) ? loss < c->limit : loss <= c->limit;
}

static void ask_loss(struct rules_gate *g, uint32_t index)
{
    const struct rules_loss *rule = &g->set->losses[index];
    const struct rules_request *r = g->request;
    struct loss_case c = {.rule = rule, .limit = rules_loss_limit(g->set, g->state, rule)};
    struct rules_sums others = {0}, joined = {0};
    if (rule->group == RULES_GROUP_ACCOUNT) {
        others = g->others;
        joined = g->joined;
    } else if (rule->group != RULES_GROUP_POSITION || r->purpose == RULES_ADD) {
        rules_sum_of(g->book, r->instrument, rule->group == RULES_GROUP_SYMBOL ? 0 : r->side, r->oco, &others, &joined);
    }
    c.others = others.risk;
    c.joined = joined.risk;
    if (!rule->floating_only && rule->group == RULES_GROUP_IDEA)
        c.carried = rules_idea_carried(g->state, rule, r->instrument, r->side, g->context->now_ns);
    dec_t room = rules_minus(c.limit, rules_plus(c.carried, c.others));
    dec_t guess =
        rules_gate_quotient(rule->over == RULES_GE ? rules_minus(rules_cent_up(room), RULES_CENT) : room, g->unit.risk);
    rules_gate_say(g, (struct rules_verdict){.primitive = RULES_P2_OPEN_LOSS,
                                             .rule = (uint16_t)index,
                                             .op = rule->over == RULES_GE ? RULES_OP_LT : RULES_OP_LE,
                                             .left = loss_with(g, &c, r->lots),
                                             .right = c.limit,
                                             .admitted = holds_loss(g, &c, r->lots),
                                             .q_max = rules_gate_largest(g, holds_loss, &c, guess)});
}

/* --- the decision
 * -------------------------------------------------------------------------------------------------------------------------
 */

static void prepare(struct rules_gate *g)
{
    const struct rules_request *r = g->request;
    struct rules_terms unit = r->unit;
    if (!r->has_stop)
        unit.stop_distance = dec_max(unit.stop_distance, unit.no_stop_distance);
    if (!r->may_cross_close)
        unit.gap_distance = 0;
    rules_unit_of(&unit, &g->unit);
    rules_sum_of(g->book, RULES_ANY, 0, r->oco, &g->others, &g->joined);
    g->buffer = dec_max(rules_fixed_buffer(g->set, g->state), g->context->b_flat);
    g->steps_max = DEC_MAX / r->lot_step;
}

/* A floor that ends the account and is within the buffer: getting out comes before every rule that would void a profit.
 */
static bool flattening_outranks(struct rules_gate *g)
{
    for (uint32_t i = 0; i < g->set->floor_count; i++) {
        const struct rules_floor *rule = &g->set->floors[i];
        dec_t level = rules_floor_level(g->state, g->set, i);
        dec_t margin =
            level == DEC_MAX ? -DEC_MAX : rules_minus(rules_measured(rule, g->book->balance, g->book->equity), level);
        if (rule->effect != RULES_EFFECT_TERMINATE || margin > g->buffer)
            continue;
        rules_gate_say_flat(g, RULES_P1_LOSS_FLOOR, 0, i, RULES_OP_LE, margin, g->buffer, true);
        return true;
    }
    return false;
}

static void decide_close(struct rules_gate *g)
{
    g->buffer = dec_max(rules_fixed_buffer(g->set, g->state), g->context->b_flat);
    if (flattening_outranks(g))
        return;
    ask_windows(g);
    ask_holds(g);
    ask_rates(g);
}

void rules_gate(const struct rules_set *set, const struct rules_state *state, const struct rules_book *book,
                const struct rules_context *context, const struct rules_request *request, struct rules_answer *out)
{
    assert(set && state && book && context && request && out);
    assert(request->lots > 0 && request->lot_step > 0 && request->instrument < RULES_INSTRUMENTS_MAX);
    assert(set->floor_count <= RULES_FLOORS_MAX && set->loss_count <= RULES_LOSSES_MAX &&
           set->exposure_count <= RULES_EXPOSURES_MAX);
    struct rules_gate g = {
        .set = set, .state = state, .book = book, .context = context, .request = request, .out = out};
    out->admitted = true;
    out->q_max = DEC_MAX;
    out->refused = out->count = 0;
    if (is_close(&g)) {
        decide_close(&g);
    } else {
        prepare(&g);
        ask_life(&g);
        ask_conduct(&g);
        ask_direction(&g);
        ask_windows(&g);
        ask_rates(&g);
        ask_stop(&g);
        ask_exposures(&g);
        for (uint32_t i = 0; i < set->loss_count; i++)
            ask_loss(&g, i);
        for (uint32_t i = 0; i < set->floor_count; i++)
            rules_gate_ask_floor(&g, i);
        if (out->q_max < request->lot_min)
            out->q_max = 0;
    }
    if (out->admitted)
        out->refused = out->count;
}
