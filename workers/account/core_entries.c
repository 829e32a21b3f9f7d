/* From a signal to a proposal, from a granted proposal to an entry with its protective orders. */
#include "workers/account/core_parts.h"

#include <assert.h>
#include <string.h>

static void core_count_refusal(struct core *core, uint32_t refusal)
{
    assert(refusal < CORE_REFUSALS_MAX);
    core->account.refused++;
    core->account.refusals[refusal]++;
    core->account.refusals_today[refusal]++;
    core->account.last_refusal = refusal;
}

static void core_signal_row(struct core *core, uint64_t key, const struct signal *signal, uint64_t proposal,
                            uint32_t refusal, bool taken)
{
    assert(core->signal_row_count < sizeof core->signal_rows / sizeof core->signal_rows[0]);
    core->signal_rows[core->signal_row_count].key = key;
    core->signal_rows[core->signal_row_count].row =
        (struct core_signal){.signal = *signal, .proposal = proposal, .refusal = refusal, .taken = taken};
    core->signal_row_count++;
}

/* Open positions' risk at their stops, entries on their way and proposals without an answer. */
static dec_t core_risk_committed(const struct core *core)
{
    dec_t sum = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0)
            sum += core->positions[i].opened_ns == 0 ? core->positions[i].risk : core_position_risk(core, &core->positions[i]);
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++)
        if (core->proposals[i].jseq != 0)
            sum += core->proposals[i].wire.risk;
    return sum;
}

static uint32_t core_positions_taken(const struct core *core, uint32_t instrument, bool *on_instrument)
{
    uint32_t count = 0;
    *on_instrument = false;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        count += core->positions[i].id != 0;
        *on_instrument |= core->positions[i].id != 0 && core->positions[i].instrument == instrument;
    }
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++) {
        count += core->proposals[i].jseq != 0;
        *on_instrument |= core->proposals[i].jseq != 0 && core->proposals[i].wire.instrument == instrument;
    }
    return count;
}

/* How far equity has come down towards the overall floor that is relatively nearest: DD and DDmax of quant.md 5.1. */
static void core_drawdown(const struct core *core, dec_t *drawdown, dec_t *most)
{
    const struct rules_set *set = &core->programme->rules;
    double nearest = 2;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        dec_t level = rules_floor_level(&core->account.rules, set, i), allowance = rules_allowance(&core->account.rules, &set->floors[i], 0);
        if (set->floors[i].kind != RULES_TOTAL || level == DEC_MAX || allowance <= 0)
            continue;
        dec_t left_money = core->account.equity - level;
        double left = dec_to_double(left_money) / dec_to_double(allowance);
        if (left >= nearest)
            continue;
        nearest = left;
        *drawdown = allowance - left_money;
        *most = allowance;
    }
}

/* Money between equity and the nearest floor, less the guard's buffer; DEC_MAX: no floor. */
static dec_t core_floor_room(const struct core *core)
{
    const struct core_account *a = &core->account;
    const struct rules_set *set = &core->programme->rules;
    dec_t room = DEC_MAX, buffer = dec_max(a->flat_buffer, rules_fixed_buffer(set, &a->rules)), left;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        dec_t level = rules_floor_level(&a->rules, set, i);
        if (dec_sub(a->equity, level, &left) != 0 || dec_sub(left, buffer, &left) != 0)
            return 0;
        room = dec_min(room, left);
    }
    return dec_max(0, room);
}

static dec_t core_share(dec_t base, dec_t share)
{
    dec_t money;
    return dec_mul(dec_max(0, base), share, DEC_ROUND_FLOOR, &money) == 0 ? money : 0;
}

/* What the personality's own caps leave of the firm's room: all positions at their stops, and a share of the day's. */
static dec_t core_risk_room(const struct core *core, dec_t room, dec_t committed)
{
    const struct core_account *a = &core->account;
    dec_t open_max = core_share(dec_min(a->balance, a->equity), core->personality->open_risk_max);
    return dec_min(core_share(room, core->personality->day_risk_share), dec_max(0, open_max - committed));
}

static dec_t core_margin_free(const struct core *core)
{
    const struct core_account *a = &core->account;
    dec_t used = core_margin_used(core), most = core_share(dec_min(a->balance, a->equity), core->personality->margin_total);
    return dec_max(0, dec_min(a->equity, most) - used);
}

/* The gate's word on a size: smaller when only that is admitted. What it said of the last size asked is in the journal. */
static uint32_t core_gate_size(struct core *core, const struct signal *signal, uint64_t signal_jseq, struct sizing_input *in,
                               struct sizing_result *size)
{
    struct rules_answer answer;
    dec_t wanted = size->lots;
    if (!core_gate_entry(core, signal, 0, NULL, wanted, &answer))
        return REFUSAL_NO_CONVERSION_RATE;
    if (!answer.admitted && answer.q_max > 0) {
        in->gate_max = answer.q_max;
        if (sizing_decide(in, size) != 0)
            return REFUSAL_BELOW_MINIMUM;
        core->account.last_size = *size;
    }
    (void)core_gate_entry(core, signal, signal_jseq, NULL, size->lots > 0 ? size->lots : wanted, &answer);
    if (!answer.admitted)
        size->lots = core->account.last_size.lots = 0;
    return answer.admitted ? (uint32_t)REFUSAL_NONE : core_rule_refusal(core, &answer);
}

/* Why this signal is not proposed, NONE when *size is what to propose. */
static uint32_t core_size_signal(struct core *core, const struct signal *signal, uint64_t signal_jseq, struct sizing_result *size)
{
    memset(size, 0, sizeof *size);
    uint32_t refusal = core_refusal(core);
    if (refusal != REFUSAL_NONE)
        return refusal;
    bool on_instrument;
    uint32_t taken = core_positions_taken(core, signal->instrument, &on_instrument);
    if (on_instrument || taken >= core->personality->positions_max || taken >= CORE_PROPOSALS_MAX)
        return REFUSAL_MAX_POSITIONS;
    const struct config_personality *personality = core->personality;
    const struct core_account *a = &core->account;
    const struct core_quote *quote = &core->market.quotes[signal->instrument];
    struct sizing_input in = {
        .instrument = &core->config->instruments[signal->instrument],
        .balance = a->balance, .equity = a->equity,
        .risk_fraction = personality->risk_fraction, .risk_cap = personality->risk_cap,
        .confidence_mode = personality->confidence_mode, .confidence = signal->strength,
        .losses = personality->scale_by_losses ? a->losing_streak : 0, .correlation = 1,
        .stop_distance = signal->stop_distance, .spread = quote->ask - quote->bid,
        .lots_max = core->programme->lots_per_order_max, .gate_max = DEC_MAX, .price = quote->ask,
        .margin_cap = personality->margin_per_position,
    };
    if (quote->bid <= 0 || !core_rate(core, signal->instrument, &in.rate))
        return REFUSAL_NO_CONVERSION_RATE;
    if (personality->scale_by_drawdown)
        core_drawdown(core, &in.drawdown, &in.drawdown_max);
    dec_t committed = core_risk_committed(core);
    in.room = core_risk_room(core, dec_max(0, core_floor_room(core) - committed), committed);
    in.margin_free = core_margin_free(core);
    if (sizing_decide(&in, size) != 0)
        return REFUSAL_BELOW_MINIMUM;
    core->account.last_size = *size;
    return size->refusal != REFUSAL_NONE ? size->refusal : core_gate_size(core, signal, signal_jseq, &in, size);
}

static void core_propose(struct core *core, const struct signal *signal, uint64_t signal_jseq,
                         const struct sizing_result *size)
{
    uint32_t slot = 0;
    while (slot < CORE_PROPOSALS_MAX && core->proposals[slot].jseq != 0)
        slot++;
    assert(slot < CORE_PROPOSALS_MAX);
    const struct core_quote *quote = &core->market.quotes[signal->instrument];
    bool buy = signal->side == SIDE_BUY;
    dec_t entry = buy ? quote->ask : quote->bid;
    struct wire_proposal wire = {
        .instant_ns = core->account.cursor_ns, .instrument = signal->instrument, .side = signal->side, .qty = size->lots,
        .risk = size->risk, .entry_price = entry,
        .stop_price = buy ? entry - signal->stop_distance : entry + signal->stop_distance, .confidence = signal->strength,
    };
    struct journal_writer writer;
    wire.jseq = core->account.sent_jseq = core_record_begin(core, &writer, "propose");
    core_record_instrument(core, &writer, signal->instrument);
    journal_u64(&writer, "signal", signal_jseq);
    journal_u64(&writer, "side", wire.side);
    journal_dec(&writer, "qty", wire.qty);
    journal_dec(&writer, "risk", wire.risk);
    journal_dec(&writer, "entry", wire.entry_price);
    journal_dec(&writer, "stop", wire.stop_price);
    journal_f64(&writer, "confidence", wire.confidence);
    journal_f64(&writer, "m_conf", size->m_conf);
    journal_f64(&writer, "m_vol", size->m_vol);
    journal_f64(&writer, "m_perf", size->m_perf);
    journal_f64(&writer, "m_dd", size->m_dd);
    journal_f64(&writer, "m_corr", size->m_corr);
    journal_dec(&writer, "risk_share", size->risk_fraction);
    journal_dec(&writer, "budget", size->risk_budget);
    journal_dec(&writer, "loss_per_lot", size->loss_per_lot);
    journal_dec(&writer, "lots_by_risk", size->lots_by_risk);
    journal_dec(&writer, "lots_by_margin", size->lots_by_margin);
    journal_dec(&writer, "lots_by_limit", size->lots_by_limit);
    journal_dec(&writer, "lots_by_gate", size->lots_by_gate);
    core_record_end(core, &writer);
    core->proposals[slot] = (struct core_proposal){
        .jseq = wire.jseq, .signal_jseq = signal_jseq, .signal = *signal, .wire = wire};
    core->account.proposals++;
    struct core_action *action = core_action_add(core, ACTION_PROPOSE);
    action->adds_risk = true;
    action->u.proposal = wire;
}

static uint64_t core_record_signal(struct core *core, const struct signal *signal)
{
    struct journal_writer writer;
    uint64_t jseq = core_record_begin(core, &writer, "signal");
    core_record_instrument(core, &writer, signal->instrument);
    journal_text(&writer, "pattern", signal_pattern_name(signal->pattern));
    journal_text(&writer, "timeframe", timeframe_name((enum market_timeframe)signal->timeframe));
    journal_u64(&writer, "side", signal->side);
    journal_u64(&writer, "seq", signal->bar_seq);
    journal_dec(&writer, "price", signal->price);
    journal_dec(&writer, "stop_distance", signal->stop_distance);
    journal_dec(&writer, "target_distance", signal->target_distance);
    journal_f64(&writer, "strength", signal->strength);
    journal_f64(&writer, "atr", signal->atr);
    core_record_end(core, &writer);
    return jseq;
}

static void core_record_refused(struct core *core, const struct signal *signal, uint64_t signal_jseq, uint32_t refusal)
{
    struct journal_writer writer;
    core_record_begin(core, &writer, "refused");
    core_record_instrument(core, &writer, signal->instrument);
    journal_u64(&writer, "signal", signal_jseq);
    journal_text(&writer, "refusal", refusal_name(refusal));
    dec_t today, cap;
    if (refusal == REFUSAL_PROFIT_SHAPE && core_day_capped(core, &today, &cap)) {
        journal_dec(&writer, "today_at_targets", today);
        journal_dec(&writer, "day_closes_at", cap);
    }
    core_record_end(core, &writer);
}

void core_signals(struct core *core)
{
    for (uint32_t i = 0; i < core->market.signal_count; i++) {
        const struct signal *signal = &core->market.signals[i];
        struct sizing_result size;
        uint64_t jseq = core_record_signal(core, signal);
        core->account.signals++;
        (void)dec_from_double(signal->atr, &core->account.expected_move[signal->instrument]);
        uint32_t refusal = core_size_signal(core, signal, jseq, &size);
        if (refusal != REFUSAL_NONE) {
            core_count_refusal(core, refusal);
            core_record_refused(core, signal, jseq, refusal);
        } else {
            core_propose(core, signal, jseq, &size);
        }
        core_signal_row(core, jseq, signal, refusal == REFUSAL_NONE ? core->account.jseq : 0, refusal, false);
    }
}

/* --- the answer ------------------------------------------------------------------------------- */

struct broker_request core_entry_request(const struct core *core, const struct core_position *position,
                                         const struct order *entry)
{
    (void)core;
    return (struct broker_request){
        .kind = BROKER_PLACE, .instrument = entry->instrument, .side = entry->side, .type = entry->type,
        .intent = entry->intent, .position = position->id, .qty = entry->qty,
        .stop_intent = position->stop_intent, .take_intent = position->take_intent,
        .stop_price = position->stop_price, .take_price = position->take_price,
        .time_ns = position->decided_ns, .seq = position->decided_seq,
    };
}

static dec_t core_target_price(const struct core_proposal *proposal)
{
    const struct signal *signal = &proposal->signal;
    if (signal->target_distance == 0)
        return 0;
    dec_t price = signal->side == SIDE_BUY ? proposal->wire.entry_price + signal->target_distance
                                           : proposal->wire.entry_price - signal->target_distance;
    return price > 0 ? price : 0;
}

static void core_place_entry(struct core *core, const struct core_proposal *proposal, dec_t qty, dec_t risk)
{
    struct core_position *position = core_position_slot(core);
    assert(position);
    memset(position, 0, sizeof *position);
    position->instrument = proposal->wire.instrument;
    position->side = proposal->wire.side;
    uint32_t against = position->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
    struct order *entry = core_order_new(core, ROLE_ENTRY, position, position->side, ORDER_MARKET, qty, 0);
    position->id = entry->position;
    position->proposal = proposal->jseq;
    position->signal = proposal->signal_jseq;
    position->pattern = proposal->signal.pattern;
    position->entry_qty = qty;
    position->risk = risk;
    position->stop_price = proposal->wire.stop_price;
    position->take_price = core_target_price(proposal);
    position->decided_ns = core->account.cursor_ns;
    position->decided_seq = core->account.cursor_seq;
    position->stop_intent = core_order_new(core, ROLE_STOP, position, against, ORDER_STOP, qty, position->stop_price)->intent;
    if (position->take_price > 0)
        position->take_intent = core_order_new(core, ROLE_TAKE, position, against, ORDER_LIMIT, qty, position->take_price)->intent;
    core->account.entries++;

    struct journal_writer writer;
    core_record_begin(core, &writer, "entry");
    core_record_instrument(core, &writer, position->instrument);
    char cl_ord_id[BROKER_CL_ORD_ID_MAX];
    broker_cl_ord_id(core->index, position->id, cl_ord_id);
    journal_text(&writer, "cl_ord_id", cl_ord_id);
    journal_u64(&writer, "intent", position->id);
    journal_u64(&writer, "proposal", position->proposal);
    journal_u64(&writer, "side", position->side);
    journal_dec(&writer, "qty", qty);
    journal_u64(&writer, "stop_intent", position->stop_intent);
    journal_dec(&writer, "stop", position->stop_price);
    journal_u64(&writer, "take_intent", position->take_intent);
    journal_dec(&writer, "take", position->take_price);
    core_record_end(core, &writer);
    struct core_action *action = core_action_add(core, ACTION_BROKER);
    action->adds_risk = true;
    action->u.request = core_entry_request(core, position, entry);
}

/* Why a granted permit is not used after all. */
static uint32_t core_permit_refusal(const struct core *core, const struct core_proposal *proposal,
                                    const struct wire_answer *answer)
{
    if (answer->qty <= 0)
        return answer->refusal != REFUSAL_NONE && answer->refusal < REFUSAL_COUNT ? answer->refusal : REFUSAL_NO_PERMIT;
    if (answer->valid_until_ns < core->account.cursor_ns)
        return REFUSAL_PERMIT_EXPIRED;
    if (answer->qty > proposal->wire.qty)
        return REFUSAL_NO_PERMIT; /* more than was asked for: not an answer to this */
    return core_refusal(core);
}

/* What was admitted when it was proposed may not be any more: live, the market has gone on. */
static uint32_t core_placing_refusal(struct core *core, const struct core_proposal *proposal, dec_t qty)
{
    struct rules_answer answer;
    if (!core_gate_entry(core, &proposal->signal, 0, NULL, qty, &answer))
        return REFUSAL_NO_CONVERSION_RATE;
    if (answer.admitted)
        return REFUSAL_NONE;
    (void)core_gate_entry(core, &proposal->signal, proposal->signal_jseq, NULL, qty, &answer);
    return core_rule_refusal(core, &answer);
}

void core_on_answer(struct core *core, const struct wire_answer *answer)
{
    uint32_t slot = 0;
    while (slot < CORE_PROPOSALS_MAX && (core->proposals[slot].jseq == 0 || core->proposals[slot].jseq != answer->jseq))
        slot++;
    if (slot == CORE_PROPOSALS_MAX)
        return; /* answered before */
    struct core_proposal proposal = core->proposals[slot];
    memset(&core->proposals[slot], 0, sizeof core->proposals[slot]);

    uint32_t refusal = core_permit_refusal(core, &proposal, answer);
    if (refusal == REFUSAL_NONE)
        refusal = core_placing_refusal(core, &proposal, answer->qty);
    struct journal_writer writer;
    core_record_begin(core, &writer, "answer");
    journal_u64(&writer, "proposal", proposal.jseq);
    journal_u64(&writer, "decision", answer->decision);
    journal_dec(&writer, "granted", answer->qty);
    journal_time(&writer, "valid_until", answer->valid_until_ns);
    journal_text(&writer, "refusal", refusal_name(refusal));
    core_record_end(core, &writer);

    core_signal_row(core, proposal.signal_jseq, &proposal.signal, proposal.jseq, refusal, refusal == REFUSAL_NONE);
    if (refusal != REFUSAL_NONE) {
        core_count_refusal(core, refusal);
        if (answer->qty > 0) /* granted, not used: give the reservation back */
            core_report_due(core, proposal.wire.instrument, proposal.jseq, 0);
        return;
    }
    core->account.granted++;
    dec_t risk = proposal.wire.risk;
    if (answer->qty < proposal.wire.qty && dec_muldiv(risk, answer->qty, proposal.wire.qty, DEC_ROUND_CEIL, &risk) != 0)
        risk = proposal.wire.risk;
    core_place_entry(core, &proposal, answer->qty, risk);
}
