/* The firm's rules in the account: its book as the rules see it, marks, guard, gate.
 *
 * Marks and guard run on every record that can move equity and at every END; the gate before whatever may add risk. What a
 * rule needs from the account (openings, closings, messages) is told where it happens, so that the state is a row like any
 * other: durable with the records that caused it, before the actions are released.
 */
#include "workers/account/core_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "workers/risk/rules/sessions.h"

#define NS_S INT64_C(1000000000)
/* A close that lasts this long is one over which a price may gap: weekends and holidays, not a daily break. */
#define CORE_GAP_CLOSE_S (2 * 3600)
/* Around the venue's rollover spreads are wide. */
#define CORE_ROLLOVER_NS (15 * 60 * NS_S)

/* --- what the market gives ----------------------------------------------------------------------------- */

static const struct rules_guard *core_guard_settings(const struct core *core) { return &core->programme->rules.guard; }

/* The next close of an instrument over which a gap may come, looked up again when the one known has passed. */
static void core_look_at_closes(struct core *core)
{
    int64_t now = core->account.cursor_ns;
    for (uint32_t i = 0; i < core->config->instrument_count; i++) {
        struct core_close *known = &core->closes[i];
        if (now < known->until_ns || !core->config->instruments[i].active)
            continue;
        int64_t t = now;
        *known = (struct core_close){.until_ns = INT64_MAX};
        for (int tries = 0; tries < 8; tries++) {
            int64_t close_ns, closed_for_s;
            sessions_next_close(core->config, i, t, &close_ns, &closed_for_s);
            if (closed_for_s == 0)
                break; /* it never closes */
            int64_t end = closed_for_s >= (INT64_MAX - close_ns) / NS_S ? INT64_MAX : close_ns + closed_for_s * NS_S;
            if (closed_for_s >= CORE_GAP_CLOSE_S) {
                *known = (struct core_close){close_ns, closed_for_s, end};
                break;
            }
            known->until_ns = t = end; /* a daily break: the one after it */
        }
    }
}

static bool core_next_close(const struct core *core, uint32_t instrument, int64_t *close_ns, int64_t *closed_for_s)
{
    const struct core_close *known = &core->closes[instrument];
    *close_ns = known->close_ns;
    *closed_for_s = known->closed_for_s;
    return known->closed_for_s > 0;
}

static bool core_near_rollover(const struct core *core)
{
    const struct tz_table *zone = &core->config->zones[core->config->swap_zone];
    int64_t now = core->account.cursor_ns;
    return now - tz_boundary_at_or_before(zone, core->config->swap_second, now) <= CORE_ROLLOVER_NS ||
           tz_boundary_after(zone, core->config->swap_second, now) - now <= CORE_ROLLOVER_NS;
}

static dec_t core_slip_ticks(const struct core *core)
{
    const struct rules_guard *guard = core_guard_settings(core);
    uint32_t ticks = guard->slip_ticks;
    if (core_near_rollover(core) && guard->slip_ticks_rollover > ticks)
        ticks = guard->slip_ticks_rollover;
    return (dec_t)ticks * DEC_ONE;
}

static dec_t core_times(dec_t a, dec_t b)
{
    dec_t out;
    return dec_mul(a, b, DEC_ROUND_CEIL, &out) == 0 ? out : DEC_MAX;
}

/* What one lot of an instrument costs and moves now; distances are the caller's. False: no quote or no rate. */
static bool core_unit_terms(const struct core *core, uint32_t instrument, struct rules_terms *out)
{
    const struct config_instrument *settings = &core->config->instruments[instrument];
    const struct core_quote *quote = &core->market.quotes[instrument];
    memset(out, 0, sizeof *out);
    if (quote->bid <= 0 || !core_rate(core, instrument, &out->rate))
        return false;
    out->value = settings->contract_size;
    out->haircut = settings->conversion_instrument == CONFIG_NONE ? 0 : core_guard_settings(core)->haircut;
    out->no_stop_distance = core_times(quote->ask, settings->catastrophic_move);
    out->target_distance = RULES_UNBOUNDED;
    dec_t slip = core_times(core_slip_ticks(core), settings->tick);
    out->slip_entry = out->slip_exit = slip;
    return true;
}

/* --- the book ---------------------------------------------------------------------------------------------- */

static bool core_stop_working(const struct core *core, const struct core_position *position)
{
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent != 0 && core->orders[i].intent == position->stop_intent)
            return core->orders[i].state == ORDER_WORKING || core->orders[i].state == ORDER_PARTIAL;
    return false;
}

static const struct order *core_entry_order(const struct core *core, const struct core_position *position)
{
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent != 0 && core->orders[i].intent == position->id)
            return &core->orders[i];
    return NULL;
}

/* Until when a position of this age may be held: its time stop. */
static int64_t core_held_until(const struct core *core, int64_t opened_ns)
{
    int64_t limit = core->personality->time_stop_ns;
    return limit > 0 ? (opened_ns > 0 ? opened_ns : core->account.cursor_ns) + limit : INT64_MAX;
}

static bool core_held_over_close(const struct core *core, uint32_t instrument, int64_t until_ns)
{
    int64_t close_ns = 0, closed_for_s;
    return core_next_close(core, instrument, &close_ns, &closed_for_s) && until_ns > close_ns;
}

static dec_t core_margin_of(const struct core *core, uint32_t instrument, dec_t lots)
{
    const struct config_instrument *settings = &core->config->instruments[instrument];
    dec_t rate, notional, margin;
    if (!core_rate(core, instrument, &rate) ||
        sizing_money(settings, core->market.quotes[instrument].ask, lots, rate, DEC_ROUND_CEIL, &notional) != 0 ||
        dec_mul(notional, settings->margin_rate, DEC_ROUND_CEIL, &margin) != 0)
        return DEC_MAX;
    return margin;
}

/* A position, or an entry on its way, as the rules price it. Without a quote or a rate: as bad as can be. */
static void core_leg_of(const struct core *core, const struct core_position *position, struct rules_leg *leg)
{
    const struct config_instrument *settings = &core->config->instruments[position->instrument];
    const struct core_quote *quote = &core->market.quotes[position->instrument];
    const struct order *entry = core_entry_order(core, position);
    bool buy = position->side == SIDE_BUY;
    struct rules_terms terms;
    memset(leg, 0, sizeof *leg);
    leg->kind = position->qty > 0 ? RULES_LEG_POSITION : RULES_LEG_ORDER;
    leg->instrument = position->instrument;
    leg->side = position->side;
    leg->opened_ns = position->opened_ns;
    leg->lots = position->qty > 0 ? position->qty : position->entry_qty;
    if (!core_unit_terms(core, position->instrument, &terms)) {
        leg->give_up = leg->risk = leg->excursion = leg->margin = DEC_MAX;
        return;
    }
    terms.filled = position->qty;
    terms.covered = core_stop_working(core, position) ? position->qty : 0;
    terms.leaves = entry && !order_state_final(entry->state) ? entry->qty - entry->cum_qty : 0;
    dec_t mark = buy ? quote->bid : quote->ask;
    terms.stop_distance = dec_max(0, buy ? mark - position->stop_price : position->stop_price - mark);
    if (position->qty == 0) /* it will be opened on the other side of the spread */
        terms.stop_distance += quote->ask - quote->bid;
    if (position->take_price > 0)
        terms.target_distance = dec_max(0, buy ? position->take_price - mark : mark - position->take_price);
    if (core_held_over_close(core, position->instrument, core_held_until(core, position->opened_ns)))
        terms.gap_distance = core_times(mark, core_guard_settings(core)->gap_fraction);
    terms.cost = core_times(settings->commission_per_lot, terms.filled + 2 * terms.leaves);
    terms.floating = position->qty > 0 ? core_floating(core, position, mark) : 0;
    rules_price(&terms, leg);
    leg->margin = core_margin_of(core, position->instrument, leg->lots);
}

static void core_proposal_leg(const struct core *core, const struct core_proposal *proposal, struct rules_leg *leg)
{
    memset(leg, 0, sizeof *leg);
    leg->kind = RULES_LEG_ORDER;
    leg->instrument = proposal->wire.instrument;
    leg->side = proposal->wire.side;
    struct rules_request request;
    leg->lots = proposal->wire.qty;
    if (!core_entry_terms(core, &proposal->signal, proposal->wire.qty, &request)) {
        leg->give_up = leg->risk = leg->excursion = leg->margin = DEC_MAX;
        return;
    }
    struct rules_terms terms = request.unit;
    terms.leaves = proposal->wire.qty;
    terms.cost = core_times(terms.cost, proposal->wire.qty);
    if (!request.may_cross_close)
        terms.gap_distance = 0;
    rules_price(&terms, leg);
    leg->margin = core_margin_of(core, leg->instrument, leg->lots);
}

uint32_t core_legs(const struct core *core, const struct core_proposal *without, struct rules_leg *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0)
            core_leg_of(core, &core->positions[i], &out[count++]);
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++)
        if (core->proposals[i].jseq != 0 && &core->proposals[i] != without)
            core_proposal_leg(core, &core->proposals[i], &out[count++]);
    return count;
}

/* --- the guard ------------------------------------------------------------------------------------------------ */

static dec_t core_flat_buffer(const struct core *core)
{
    const struct rules_guard *guard = core_guard_settings(core);
    struct rules_guard_leg legs[CORE_POSITIONS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        const struct core_position *position = &core->positions[i];
        const struct config_instrument *settings = &core->config->instruments[position->instrument];
        dec_t rate;
        if (position->id == 0 || position->qty == 0 || !core_rate(core, position->instrument, &rate))
            continue;
        legs[count++] = (struct rules_guard_leg){
            .lots = position->qty,
            .tick_value = core_times(core_times(settings->tick, settings->contract_size), rate),
            .slip_ticks = core_slip_ticks(core),
            .velocity_ticks_s = guard->velocity_ticks_s,
            .latency_s = (dec_t)guard->latency_ms * (DEC_ONE / 1000),
            .commission = core_times(settings->commission_per_lot, position->qty),
        };
    }
    return rules_flat_buffer(legs, count, rules_fixed_buffer(&core->programme->rules, &core->account.rules));
}

/* Age of the oldest quote that an open position depends on, against when its next record was due. Ages run while the
 * instrument's session is open; a replay has no clock but its records. */
static int64_t core_quote_age(const struct core *core)
{
    if (!core->config->feed.live || core->live_now_ns == 0)
        return 0;
    int64_t worst = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        const struct core_position *position = &core->positions[i];
        if (position->id == 0)
            continue;
        int64_t due = core->market.quotes[position->instrument].time_ns + core->cadence_ns;
        if (sessions_open(core->config, position->instrument, core->live_now_ns) && core->live_now_ns - due > worst)
            worst = core->live_now_ns - due;
    }
    return worst;
}

static void core_record_guard(struct core *core, const char *kind, const struct rules_guarded *guarded)
{
    const struct rules_set *set = &core->programme->rules;
    struct journal_writer writer;
    core_record_begin(core, &writer, kind);
    journal_text(&writer, "state", rules_guard_name(core->account.rules.guard));
    if (guarded->floor < set->floor_count)
        journal_text(&writer, "floor", set->floors[guarded->floor].head.id);
    journal_dec(&writer, "level", guarded->level);
    journal_dec(&writer, "equity", core->account.equity);
    journal_dec(&writer, "balance", core->account.balance);
    journal_dec(&writer, "margin", guarded->margin);
    journal_dec(&writer, "b_flat", guarded->b_flat);
    journal_dec(&writer, "b_warn", guarded->b_warn);
    journal_u64(&writer, "lookahead", guarded->lookahead);
    core_record_end(core, &writer);
}

static void core_new_day(struct core *core)
{
    struct core_account *a = &core->account;
    const struct rules_set *set = &core->programme->rules;
    memset(a->refusals_today, 0, sizeof a->refusals_today);
    struct journal_writer writer;
    core_record_begin(core, &writer, "day");
    journal_time(&writer, "start", a->rules.days[0].start_ns);
    journal_time(&writer, "end", a->rules.days[0].end_ns);
    journal_dec(&writer, "balance", a->rules.days[0].balance);
    journal_dec(&writer, "equity", a->rules.days[0].equity);
    journal_dec(&writer, "high_balance", a->rules.high_balance);
    journal_dec(&writer, "high_equity", a->rules.high_equity);
    for (uint32_t i = 0; i < set->floor_count; i++)
        journal_dec(&writer, set->floors[i].head.id, rules_floor_level(&a->rules, set, i));
    core_record_end(core, &writer);
}

static void core_breaches(struct core *core, uint32_t breached)
{
    const struct rules_set *set = &core->programme->rules;
    struct core_account *a = &core->account;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        if (!(breached >> i & 1))
            continue;
        struct journal_writer writer;
        core_record_begin(core, &writer, "breach");
        journal_text(&writer, "floor", set->floors[i].head.id);
        journal_dec(&writer, "level", rules_floor_level(&a->rules, set, i));
        journal_text(&writer, "op", set->floors[i].breach == RULES_LE ? "<=" : "<");
        journal_dec(&writer, "equity", a->equity);
        journal_dec(&writer, "balance", a->balance);
        core_record_end(core, &writer);
        core_alert(core, "floor %s of %s breached: closing everything", set->floors[i].head.id, core->programme->firm);
        if (set->floors[i].effect == RULES_EFFECT_TERMINATE)
            a->halted = 1;
    }
}

static bool core_is_flat(const struct core *core)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0)
            return false;
    return core_working_orders(core) == 0;
}

/* P7: the phase is passed when its target, its days and its best day are; what is open is closed at the target, then nothing is
 * opened any more until a person gives the account its next phase. */
static void core_shape(struct core *core)
{
    struct core_account *a = &core->account;
    const struct rules_shape *shape = &core->programme->rules.shape;
    struct rules_best_day best = {.kept = true};
    uint32_t days;
    if (a->passed || shape->target.value <= 0 || !rules_target_reached(shape, a->rules.initial, a->balance, 0) ||
        !rules_days_reached(shape, &a->rules.profit, &days))
        return;
    if (shape->has_best_day)
        rules_best_day(shape, &a->rules.profit, &best);
    if (!best.kept)
        return;
    a->passed = 1;
    struct journal_writer writer;
    core_record_begin(core, &writer, "passed");
    journal_text(&writer, "phase", a->phase);
    journal_dec(&writer, "balance", a->balance);
    journal_u64(&writer, "days", days);
    journal_dec(&writer, "best_day_share", best.share);
    core_record_end(core, &writer);
    core_alert(core, "the target of %s is reached: nothing is opened any more; propfleet account phase when the firm has confirmed it", a->phase);
}

/* What a position, or an entry on its way, adds to the day when its target is hit; without a target what it has now. */
static dec_t core_at_target(const struct core *core, const struct core_position *position)
{
    struct rules_leg leg;
    dec_t sum;
    core_leg_of(core, position, &leg);
    if (leg.excursion == DEC_MAX)
        return dec_max(0, leg.floating);
    return dec_add(leg.floating, leg.excursion, &sum) == 0 ? dec_max(0, sum) : DEC_MAX;
}

bool core_day_capped(const struct core *core, dec_t *today, dec_t *cap)
{
    const struct rules_state *rules = &core->account.rules;
    *cap = rules_day_closes_at(&core->programme->rules.shape, &rules->profit, rules->initial);
    *today = 0;
    if (*cap == DEC_MAX)
        return false;
    *today = rules->profit.today;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0 && dec_add(*today, core_at_target(core, &core->positions[i]), today) != 0)
            *today = DEC_MAX;
    return *today >= *cap;
}

void core_guard(struct core *core)
{
    struct core_account *a = &core->account;
    const struct rules_set *set = &core->programme->rules;
    dec_t high;
    core_look_at_closes(core);
    core_equity(core, &a->equity, &high);
    struct rules_marked marked;
    rules_mark(&a->rules, set, core->config->zones, a->cursor_ns, a->balance, a->equity, high, &marked);
    if (marked.new_day)
        core_new_day(core);
    core_breaches(core, marked.breached);
    core_shape(core);
    struct rules_guarded guarded;
    uint32_t before = a->rules.guard;
    a->flat_buffer = core_flat_buffer(core);
    rules_guard(&a->rules, set, a->cursor_ns, a->balance, a->equity, a->flat_buffer, core_quote_age(core), &guarded);
    if (guarded.changed) {
        core_record_guard(core, "guard", &guarded);
        if (guarded.state > RULES_GUARD_NO_NEW_RISK)
            core_alert(core, "guard %s: %s", rules_guard_name(guarded.state), "entries off, closing everything");
    } else if (before == RULES_GUARD_LOCKED && guarded.state != RULES_GUARD_LOCKED) {
        core_record_guard(core, "guard", &guarded);
    }
    if (guarded.state == RULES_GUARD_FLATTEN || guarded.state == RULES_GUARD_BLIND || guarded.state == RULES_GUARD_LOCKED)
        core_close_all(core, EXIT_LIMITS);
    /* Flat is what the venue's reports say: no position, no order that could still fill. */
    if (guarded.state == RULES_GUARD_FLATTEN && core_is_flat(core)) {
        rules_locked(&a->rules, set, a->cursor_ns);
        core_record_guard(core, "guard", &guarded);
    }
}

uint32_t core_rules_refusal(const struct core *core)
{
    const struct rules_state *rules = &core->account.rules;
    const struct rules_set *set = &core->programme->rules;
    for (uint32_t i = 0; i < set->floor_count; i++)
        if (rules->latches[i].latch != RULES_LATCH_NONE)
            return set->floors[i].kind == RULES_DAILY ? REFUSAL_DAILY_LOSS : REFUSAL_TOTAL_LOSS;
    int32_t age_days;
    if (core->config->feed.live && core->today > 0 && rules_file_expired(set, core->today, &age_days))
        return REFUSAL_LIFECYCLE; /* by the wall clock: a replay records the date alone */
    if (rules->guard == RULES_GUARD_NORMAL)
        return REFUSAL_NONE;
    if (rules->guard == RULES_GUARD_BLIND || rules->guard_floor >= set->floor_count)
        return REFUSAL_STALE;
    return set->floors[rules->guard_floor].kind == RULES_DAILY ? REFUSAL_DAILY_LOSS : REFUSAL_TOTAL_LOSS;
}

/* --- the gate ------------------------------------------------------------------------------------------------------ */

uint32_t core_rule_refusal(const struct core *core, const struct rules_answer *answer)
{
    static const uint32_t by_primitive[] = {
        [RULES_P2_OPEN_LOSS] = REFUSAL_OPEN_LOSS, [RULES_P3_EXPOSURE] = REFUSAL_EXPOSURE, [RULES_P4_WINDOW] = REFUSAL_TIME_WINDOW,
        [RULES_P5_HOLD] = REFUSAL_HOLD_TIME,      [RULES_P6_RATE] = REFUSAL_MESSAGES,     [RULES_P7_SHAPE] = REFUSAL_PROFIT_SHAPE,
        [RULES_P8_STOP] = REFUSAL_STOP_POLICY,    [RULES_P9_DIRECTION] = REFUSAL_DIRECTION, [RULES_P10_CROSS] = REFUSAL_CROSS_ACCOUNT,
        [RULES_P11_CONDUCT] = REFUSAL_CONDUCT,    [RULES_P12_LIFECYCLE] = REFUSAL_LIFECYCLE,
    };
    if (answer->refused >= answer->count)
        return REFUSAL_NONE;
    const struct rules_verdict *verdict = &answer->verdicts[answer->refused];
    const struct rules_set *set = &core->programme->rules;
    if (verdict->primitive == RULES_P1_LOSS_FLOOR)
        return verdict->rule < set->floor_count && set->floors[verdict->rule].kind == RULES_DAILY ? REFUSAL_DAILY_LOSS
                                                                                               : REFUSAL_TOTAL_LOSS;
    return by_primitive[verdict->primitive];
}

bool core_entry_terms(const struct core *core, const struct signal *signal, dec_t lots, struct rules_request *out)
{
    const struct config_instrument *settings = &core->config->instruments[signal->instrument];
    const struct core_quote *quote = &core->market.quotes[signal->instrument];
    memset(out, 0, sizeof *out);
    *out = (struct rules_request){
        .purpose = RULES_ENTRY, .instrument = signal->instrument, .side = signal->side, .lots = lots,
        .lot_step = settings->lot_step, .lot_min = settings->lot_min, .has_stop = signal->stop_distance > 0,
        .latest_fill_ns = core->account.cursor_ns,
    };
    if (!core_unit_terms(core, signal->instrument, &out->unit))
        return false;
    int64_t until = core_held_until(core, 0);
    out->unit.leaves = DEC_ONE;
    out->unit.stop_distance = signal->stop_distance + (quote->ask - quote->bid);
    if (signal->target_distance > 0)
        out->unit.target_distance = signal->target_distance;
    out->unit.cost = 2 * settings->commission_per_lot;
    out->unit.gap_distance = core_times(quote->ask, core_guard_settings(core)->gap_fraction);
    out->may_cross_close = core_held_over_close(core, signal->instrument, until);
    for (uint32_t i = 0; i < core->programme->rules.day_count; i++)
        out->may_cross_boundary |= until > core->account.rules.days[i].end_ns;
    out->margin_per_lot = core_margin_of(core, signal->instrument, DEC_ONE);
    return true;
}

struct rules_context core_context(const struct core *core, uint32_t instrument)
{
    struct rules_context context = {
        .now_ns = core->account.cursor_ns, .zones = core->config->zones, .calendar = core->has_news ? &core->news : NULL, .mode = core->config->mode,
        .host = core->config->host, .live = core->config->feed.live && core->live_now_ns != 0,
        .today = core->today, .positions = core_open_positions(core),
        .working = core_working_orders(core), .b_flat = core->account.flat_buffer,
    };
    (void)core_next_close(core, instrument, &context.close_ns, &context.closed_for_s);
    /* How far an instrument goes in a bar of what is traded, of every detector the last it told of. */
    context.expected_move = core->account.expected_move[instrument];
    return context;
}

/* Everything that was asked, with both sides, in the order of the decision. */
static void core_record_gate(struct core *core, const struct rules_request *request, const struct rules_answer *answer,
                             uint64_t signal, uint64_t position)
{
    static const char *const purposes[] = {[RULES_ENTRY] = "entry", [RULES_ADD] = "add", [RULES_WIDEN] = "widen",
                                           [RULES_CLOSE_VOLUNTARY] = "close", [RULES_CLOSE_PROTECTIVE] = "protective close"};
    const struct rules_set *set = &core->programme->rules;
    const struct rules_state *state = &core->account.rules;
    struct journal_writer writer;
    core_record_begin(core, &writer, "gate");
    core_record_instrument(core, &writer, request->instrument);
    journal_text(&writer, "purpose", purposes[request->purpose]);
    journal_u64(&writer, signal != 0 ? "signal" : "position", signal != 0 ? signal : position);
    journal_u64(&writer, "side", request->side);
    journal_dec(&writer, "lots", request->lots);
    journal_u64(&writer, "admitted", answer->admitted);
    if (answer->q_max != DEC_MAX)
        journal_dec(&writer, "q_max", answer->q_max);
    journal_dec(&writer, "balance", core->account.balance);
    journal_dec(&writer, "equity", core->account.equity);
    journal_u64(&writer, "rules", set->digest);
    journal_u64(&writer, "state", hash_bytes(state, sizeof *state, 0));
    for (uint32_t i = 0; i < answer->count; i++) {
        const struct rules_verdict *verdict = &answer->verdicts[i];
        const struct rules_head *head = rules_head_of(set, verdict);
        char key[64], text[96], left[DEC_STR_MAX], right[DEC_STR_MAX], q[DEC_STR_MAX] = "any";
        snprintf(key, sizeof key, "P%u.%u %s", verdict->primitive, verdict->condition, head && head->id[0] ? head->id : "-");
        dec_format(verdict->left, 0, left);
        dec_format(verdict->right, 0, right);
        if (verdict->q_max != DEC_MAX)
            dec_format(verdict->q_max, 0, q);
        snprintf(text, sizeof text, "%s%s %s %s, at most %s", verdict->admitted ? "" : "NO: ", verdict->left == DEC_MAX ? "unbounded" : left,
                 rules_op_text(verdict->op), verdict->right == DEC_MAX ? "unbounded" : right, q);
        journal_text(&writer, key, text);
    }
    core_record_end(core, &writer);
}

bool core_gate_entry(struct core *core, const struct signal *signal, uint64_t signal_jseq, const struct core_proposal *without,
                     dec_t lots, struct rules_answer *answer)
{
    struct rules_leg legs[CORE_POSITIONS_MAX + CORE_PROPOSALS_MAX];
    struct rules_request request;
    memset(answer, 0, sizeof *answer);
    if (!core_entry_terms(core, signal, lots, &request))
        return false;
    struct rules_book book = {.legs = legs, .count = core_legs(core, without, legs), .balance = core->account.balance,
                              .equity = core->account.equity};
    struct rules_context context = core_context(core, signal->instrument);
    rules_gate(&core->programme->rules, &core->account.rules, &book, &context, &request, answer);
    if (signal_jseq != 0)
        core_record_gate(core, &request, answer, signal_jseq, 0);
    return true;
}

bool core_gate_close(struct core *core, struct core_position *position, enum rules_purpose purpose)
{
    const struct config_instrument *settings = &core->config->instruments[position->instrument];
    struct rules_request request = {
        .purpose = purpose, .instrument = position->instrument, .side = position->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY,
        .lots = position->qty, .lot_step = settings->lot_step, .lot_min = settings->lot_min,
        .latest_fill_ns = core->account.cursor_ns, .opened_ns = position->opened_ns,
    };
    struct rules_book book = {.balance = core->account.balance, .equity = core->account.equity};
    struct rules_context context = core_context(core, position->instrument);
    struct rules_answer answer;
    rules_gate(&core->programme->rules, &core->account.rules, &book, &context, &request, &answer);
    if (!answer.admitted && !position->close_refused)
        core_record_gate(core, &request, &answer, 0, position->id);
    position->close_refused = !answer.admitted;
    return answer.admitted;
}

/* --- windows that forbid holding or fills --------------------------------------------------------------------------- */

static dec_t core_nearest_order(const struct core *core, const struct core_position *position)
{
    const struct core_quote *quote = &core->market.quotes[position->instrument];
    dec_t mark = position->side == SIDE_BUY ? quote->bid : quote->ask;
    dec_t stop = position->stop_price > 0 ? dec_abs(mark - position->stop_price) : DEC_MAX;
    dec_t take = position->take_price > 0 ? dec_abs(mark - position->take_price) : DEC_MAX;
    return dec_min(stop, take);
}

bool core_window_closes(const struct core *core, const struct core_position *position)
{
    const struct rules_set *set = &core->programme->rules;
    struct rules_context context = core_context(core, position->instrument);
    for (uint32_t i = 0; i < set->window_count; i++) {
        const struct rules_window *rule = &set->windows[i];
        struct rules_span span;
        int64_t lead = (int64_t)rule->lead_s * NS_S;
        if (!(rule->instruments >> position->instrument & 1) || !(rule->forbids & (RULES_HOLD | RULES_FILL)))
            continue;
        if (!rules_window_forbids(rule, &context, position->instrument, RULES_HOLD | RULES_FILL, context.now_ns, &span) &&
            (!rules_window_next(rule, &context, position->instrument, RULES_HOLD | RULES_FILL, context.now_ns, &span) ||
             context.now_ns < span.from_ns - lead))
            continue;
        if (rule->forbids & RULES_HOLD || (context.now_ns < span.from_ns &&
                                           rules_close_before_window(core_nearest_order(core, position), context.expected_move)))
            return true;
    }
    return false;
}

bool core_loss_closes(const struct core *core, const struct core_position *position)
{
    const struct rules_set *set = &core->programme->rules;
    for (uint32_t i = 0; i < set->loss_count; i++) {
        const struct rules_loss *rule = &set->losses[i];
        dec_t loss = rule->floating_only ? 0
                     : rule->group == RULES_GROUP_IDEA
                         ? rules_idea_carried(&core->account.rules, rule, position->instrument, position->side, core->account.cursor_ns)
                         : 0;
        for (uint32_t p = 0; p < CORE_POSITIONS_MAX; p++) {
            const struct core_position *other = &core->positions[p];
            bool counts = rule->group == RULES_GROUP_ACCOUNT || (rule->group == RULES_GROUP_POSITION && other == position) ||
                          (rule->group == RULES_GROUP_SYMBOL && other->instrument == position->instrument) ||
                          (rule->group == RULES_GROUP_IDEA && other->instrument == position->instrument && other->side == position->side);
            if (other->id == 0 || other->qty == 0 || !counts)
                continue;
            const struct core_quote *quote = &core->market.quotes[other->instrument];
            loss -= core_floating(core, other, other->side == SIDE_BUY ? quote->bid : quote->ask);
        }
        dec_t limit = rules_loss_limit(set, &core->account.rules, rule), guarded;
        if (dec_sub(limit, core->account.flat_buffer, &guarded) != 0 || rules_loss_breached(rule, dec_max(0, guarded), loss))
            return true;
    }
    return false;
}
