/* What the venue reports: orders, fills, money, positions, trades. */
#include "workers/account/core_parts.h"

#include <assert.h>
#include <string.h>

static void core_record_report(struct core *core, const struct broker_report *report, const struct order *order)
{
    struct journal_writer writer;
    bool trade = report->exec_type == EXEC_TRADE;
    core_record_begin(core, &writer, trade ? "fill" : report->exec_type == EXEC_POSTING ? "posting" : "order");
    core_record_instrument(core, &writer, report->instrument);
    journal_u64(&writer, "report", report->id);
    journal_time(&writer, "at", report->time_ns);
    journal_u64(&writer, "position", report->position);
    if (order) {
        journal_u64(&writer, "intent", order->intent);
        journal_text(&writer, "state", order_state_text(order->state));
        journal_dec(&writer, "cum", order->cum_qty);
    }
    if (report->reason != BROKER_OK)
        journal_text(&writer, "reason", broker_reason_name(report->reason));
    if (trade) {
        journal_u64(&writer, "exec_id", report->exec_id);
        journal_u64(&writer, "side", report->side);
        journal_dec(&writer, "qty", report->last_qty);
        journal_dec(&writer, "price", report->last_price);
        journal_dec(&writer, "bid", report->quote_bid);
        journal_dec(&writer, "ask", report->quote_ask);
        journal_u64(&writer, "latency_ns", (uint64_t)report->latency_ns);
        journal_u64(&writer, "model", report->model_version);
    }
    if (report->exec_type == EXEC_REPLACED)
        journal_dec(&writer, "price", report->price);
    if (report->realized != 0)
        journal_dec(&writer, "realized", report->realized);
    if (report->commission != 0)
        journal_dec(&writer, "commission", report->commission);
    if (report->swap != 0)
        journal_dec(&writer, "swap", report->swap);
    if (report->realized != 0 || report->commission != 0 || report->swap != 0)
        journal_dec(&writer, "balance", core->account.balance);
    core_record_end(core, &writer);
}

/* The venue's own amounts are booked: balance is the sum of fills, commission and swap, exactly. */
static void core_book_money(struct core *core, const struct broker_report *report, struct core_position *position)
{
    struct core_account *a = &core->account;
    dec_t balance = a->balance;
    bool fits = dec_add(balance, report->realized, &balance) == 0 && dec_add(balance, report->commission, &balance) == 0 &&
                dec_add(balance, report->swap, &balance) == 0;
    if (!fits) {
        core_alert(core, "report %llu: an amount that no account has", (unsigned long long)report->id);
        return;
    }
    a->balance = balance;
    a->realized_total += report->realized;
    a->commission_total += report->commission;
    a->swap_total += report->swap;
    if (position) {
        position->realized += report->realized;
        position->commission += report->commission;
        position->swap += report->swap;
    }
}

/* --- positions ------------------------------------------------------------------------------------ */

static void core_position_grow(struct core *core, struct core_position *position, const struct order *order, dec_t qty)
{
    if (position->qty == 0 && position->opened_ns == 0) {
        position->opened_ns = core->account.cursor_ns;
        core->account.entries_filled++;
    }
    position->qty += qty;
    position->avg_price = order->avg_price;
    rules_on_opened(&core->account.rules, &core->programme->rules, position->instrument, position->side, qty, core->account.cursor_ns);
}

static void core_record_trade(struct core *core, const struct core_position *position, const struct core_trade *trade)
{
    struct journal_writer writer;
    core_record_begin(core, &writer, "trade");
    core_record_instrument(core, &writer, trade->instrument);
    journal_u64(&writer, "number", trade->number);
    journal_u64(&writer, "position", trade->position);
    journal_u64(&writer, "signal", position->signal);
    journal_u64(&writer, "side", trade->side);
    journal_dec(&writer, "qty", trade->qty);
    journal_dec(&writer, "entry", trade->entry_price);
    journal_dec(&writer, "exit", trade->exit_price);
    journal_text(&writer, "why", core_exit_name(trade->exit));
    journal_time(&writer, "opened", trade->opened_ns);
    journal_dec(&writer, "realized", trade->realized);
    journal_dec(&writer, "commission", trade->commission);
    journal_dec(&writer, "swap", trade->swap);
    journal_dec(&writer, "risk", trade->risk);
    journal_dec(&writer, "balance", trade->balance_after);
    core_record_end(core, &writer);
}

void core_trade_close(struct core *core, struct core_position *position)
{
    assert(core->trade_count < CORE_POSITIONS_MAX);
    struct core_trade *trade = &core->trades[core->trade_count++];
    *trade = (struct core_trade){
        .position = position->id, .number = ++core->account.trades, .instrument = position->instrument, .side = position->side,
        .pattern = position->pattern, .exit = position->exit, .qty = position->exit_qty, .entry_price = position->avg_price,
        .realized = position->realized, .commission = position->commission, .swap = position->swap, .risk = position->risk,
        .balance_after = core->account.balance, .opened_ns = position->opened_ns, .closed_ns = core->account.cursor_ns,
    };
    if (position->exit_qty > 0)
        (void)dec_div(position->exit_value, position->exit_qty, DEC_ROUND_NEAREST, &trade->exit_price);
    dec_t net = position->realized + position->commission + position->swap;
    core->account.wins += net > 0;
    core->account.losing_streak = net > 0 ? 0 : core->account.losing_streak + (net < 0);
    rules_on_closed(&core->account.rules, &core->programme->rules, position->instrument, position->side, position->exit_qty, net,
                    position->opened_ns, core->account.cursor_ns);
    core_record_trade(core, position, trade);
}

static void core_position_shrink(struct core *core, struct core_position *position, const struct broker_report *report,
                                 uint32_t role, dec_t qty)
{
    dec_t value;
    position->qty -= qty;
    position->exit_qty += qty;
    if (dec_mul(qty, report->last_price, DEC_ROUND_NEAREST, &value) == 0)
        position->exit_value += value;
    if (position->exit == EXIT_NONE)
        position->exit = role == ROLE_STOP ? EXIT_STOP : role == ROLE_TAKE ? EXIT_TARGET : EXIT_VENUE;
    if (position->qty < 0)
        core_alert(core, "position %llu: more was closed than was open", (unsigned long long)position->id);
    if (position->qty == 0)
        core_trade_close(core, position);
}

/* A position goes when it is flat and none of its orders can fill any more. */
static void core_position_settle(struct core *core, struct core_position *position)
{
    if (position->qty != 0)
        return;
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent != 0 && core->orders[i].position == position->id)
            return;
    if (position->opened_ns == 0)
        core_report_due(core, position->instrument, position->proposal, 0);
    memset(position, 0, sizeof *position);
}

static void core_filled(struct core *core, const struct broker_report *report, const struct order *order,
                        struct core_position *position, dec_t qty)
{
    if (!position) {
        core_alert(core, "fill of order %llu without a position: look at the venue", (unsigned long long)order->intent);
        return;
    }
    if (order->role == ROLE_ENTRY)
        core_position_grow(core, position, order, qty);
    else
        core_position_shrink(core, position, report, order->role, qty);
    rules_on_message(&core->account.rules, &core->programme->rules, RULES_EXECUTIONS, core->account.cursor_ns);
    core_report_due(core, position->instrument, order->role == ROLE_ENTRY ? position->proposal : 0,
                    order->role == ROLE_ENTRY && !order_state_final(order->state) ? order->qty - order->cum_qty : 0);
}

/* --- reports --------------------------------------------------------------------------------------- */

static void core_order_over(struct core *core, struct order *order, struct core_position *position)
{
    if (position && order->role == ROLE_CLOSE && position->close_intent == order->intent)
        position->close_intent = 0; /* not flat yet: asked again at the next END */
    if (position && order->role == ROLE_ENTRY && order->cum_qty < order->qty)
        core_report_due(core, order->instrument, position->proposal, 0);
    if (position && order->role == ROLE_STOP && order->state != ORDER_FILLED && position->qty > 0)
        core_alert(core, "stop of position %llu is gone: %s", (unsigned long long)position->id,
                   broker_reason_name(order->reason));
    memset(order, 0, sizeof *order);
}

/* The venue's word on a changed stop or target: new prices are in force, or the old ones stay. */
static void core_terms_changed(struct core *core, struct core_position *position, const struct order *order,
                               const struct order_outcome *outcome)
{
    if (outcome->replaced && order->role == ROLE_STOP)
        position->stop_price = order->price;
    if (outcome->replaced && order->role == ROLE_TAKE)
        position->take_price = order->price;
    if (outcome->cancel_refused && (order->role == ROLE_STOP || order->role == ROLE_TAKE)) {
        char price[DEC_STR_MAX];
        dec_format(order->price, 0, price);
        core_alert(core, "position %llu: the venue keeps its %s at %s: %s", (unsigned long long)position->id,
                   order->role == ROLE_STOP ? "stop" : "target", price, broker_reason_name(order->reason));
    }
}

static void core_order_report(struct core *core, const struct broker_report *report, struct order *order)
{
    struct core_position *position = core_position_find(core, order->position);
    struct order_outcome outcome;
    order_on_report(order, report, &outcome);
    core_book_money(core, report, position);
    core_record_report(core, report, order);
    if (outcome.anomaly)
        core_alert(core, "order %llu: the venue reports what does not fit its state", (unsigned long long)order->intent);
    if (position)
        core_terms_changed(core, position, order, &outcome);
    if (outcome.filled_qty != 0)
        core_filled(core, report, order, position, outcome.filled_qty);
    if (order_state_final(order->state))
        core_order_over(core, order, position);
    if (position)
        core_position_settle(core, position);
}

void core_on_report(struct core *core, const struct broker_report *report)
{
    assert(report->id > core->account.venue_report);
    core->account.venue_report = report->id;
    struct order *order = core_order_find(core, report->intent);
    if (order) {
        core_order_report(core, report, order);
        return;
    }
    struct core_position *position = core_position_find(core, report->position);
    core_book_money(core, report, position);
    core_record_report(core, report, NULL);
    if (report->exec_type != EXEC_POSTING)
        core_alert(core, "report %llu names order %llu, which is not ours", (unsigned long long)report->id,
                   (unsigned long long)report->intent);
}

/* --- what may not have reached the venue -------------------------------------------------------------- */

struct broker_request core_close_request(const struct order *order, uint64_t seq)
{
    return (struct broker_request){
        .kind = BROKER_CLOSE, .instrument = order->instrument, .side = order->side, .type = order->type,
        .intent = order->intent, .position = order->position, .qty = order->qty, .price = order->price,
        .time_ns = order->created_ns, .seq = seq,
    };
}

/* A stop or target that was placed by itself, for a position that was taken in; those of a bracket go with their entry. */
static bool core_stands_alone(const struct order *order, const struct core_position *position)
{
    return (order->role == ROLE_STOP || order->role == ROLE_TAKE) && position && position->proposal == 0 && position->qty > 0;
}

/* The cancel or the new price that may not have got through. */
static struct broker_request core_change_request(const struct order *order, uint64_t seq)
{
    return (struct broker_request){
        .kind = order->pend == PEND_CANCEL ? BROKER_CANCEL : BROKER_REPLACE, .instrument = order->instrument, .side = order->side,
        .type = order->type, .intent = order->pending_intent, .target_intent = order->intent, .position = order->position,
        .qty = order->qty, .price = order->pending_price, .time_ns = order->sent_ns, .seq = seq,
    };
}

uint32_t core_unconfirmed(const struct core *core, struct broker_request *out, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_ORDERS_MAX && count + 1 < max; i++) {
        const struct order *order = &core->orders[i];
        if (order->intent == 0)
            continue;
        bool unsure = order->state == ORDER_CREATED || order->state == ORDER_PENDING_NEW || order->state == ORDER_UNKNOWN;
        const struct core_position *position = NULL;
        for (uint32_t p = 0; p < CORE_POSITIONS_MAX; p++)
            if (core->positions[p].id == order->position)
                position = &core->positions[p];
        if (unsure && order->role == ROLE_ENTRY && position)
            out[count++] = core_entry_request(core, position, order);
        if (unsure && (order->role == ROLE_CLOSE || core_stands_alone(order, position)))
            out[count++] = core_close_request(order, core->account.cursor_seq);
        if (order->pend != PEND_NONE)
            out[count++] = core_change_request(order, core->account.cursor_seq);
    }
    return count;
}

void core_deny(struct core *core, const struct broker_request *request)
{
    assert(request->kind == BROKER_PLACE);
    struct core_position *position = core_position_find(core, request->position);
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent != 0 && core->orders[i].position == request->position)
            memset(&core->orders[i], 0, sizeof core->orders[i]);
    struct journal_writer writer;
    core_record_begin(core, &writer, "denied");
    core_record_instrument(core, &writer, request->instrument);
    journal_u64(&writer, "intent", request->intent);
    journal_text(&writer, "refusal", refusal_name(REFUSAL_STORE_FAILED));
    core_record_end(core, &writer);
    if (position) {
        core_report_due(core, position->instrument, position->proposal, 0);
        memset(position, 0, sizeof *position);
    }
}
