/* Fills: the ladder, positions, protective orders and the stop-out. */
#include "workers/broker/paper_internal.h"

#include <assert.h>

/* --- one execution ------------------------------------------------------------------------------ */

static struct paper_position *open_position(struct paper *v, const struct paper_order *entry, uint64_t exec, int64_t time_ns)
{
    assert(v->position_count < PAPER_POSITION_SLOTS);
    struct paper_position *position = &v->positions[v->position_count++];
    *position = (struct paper_position){
        .position = entry->intent, .first_exec = exec, .instrument = entry->instrument, .side = entry->side,
        .opened_ns = time_ns, .next_swap_ns = paper_session_next_swap(v->config, time_ns),
    };
    return position;
}

static void enter(struct paper *v, struct paper_position *position, dec_t qty, dec_t price)
{
    position->qty += qty;
    position->cost = paper_money_sum(position->cost, paper_money_product(qty, price));
    position->margin = paper_money_sum(position->margin, paper_money_margin(v, position->instrument, qty, price));
    position->dirty = 1;
}

/* The last part takes what is left of cost and margin, so that nothing is lost by rounding. */
static dec_t leave(struct paper *v, struct paper_position *position, dec_t qty, dec_t price)
{
    assert(qty > 0 && qty <= position->qty);
    dec_t cost = position->cost, margin = position->margin;
    if (qty < position->qty) {
        (void)dec_muldiv(position->cost, qty, position->qty, DEC_ROUND_NEAREST, &cost);
        (void)dec_muldiv(position->margin, qty, position->qty, DEC_ROUND_NEAREST, &margin);
    }
    position->qty -= qty;
    position->cost -= cost;
    position->margin -= margin;
    position->dirty = 1;
    dec_t gain = paper_money_sum(paper_money_product(qty, price), -cost), realized;
    gain = paper_money_product(position->side == SIDE_BUY ? gain : -gain, paper_instrument(v, position->instrument)->contract_size);
    /* Without a rate, unconverted: an entry needs one, so only a changed configuration can take it away. */
    (void)paper_money_convert(v, position->instrument, gain, &realized);
    return paper_money_cents(realized);
}

static void execute(struct paper *v, struct paper_order *order, dec_t qty, dec_t price, int64_t time_ns)
{
    assert(qty > 0 && order->cum_qty + qty <= order->qty);
    const struct config_instrument *in = paper_instrument(v, order->instrument);
    uint64_t exec = ++v->meta.last_exec;
    struct paper_position *position = paper_book_position(v, order->position);
    dec_t realized = 0, commission = -paper_money_cents(paper_money_product(qty, in->commission_per_lot));
    if (order->role == PAPER_ENTRY) {
        position = position ? position : open_position(v, order, exec, time_ns);
        enter(v, position, qty, price);
    } else {
        assert(position);
        realized = leave(v, position, qty, price);
    }
    v->meta.balance = paper_money_sum(v->meta.balance, paper_money_sum(realized, commission));
    order->cum_qty += qty;
    order->value = paper_money_sum(order->value, paper_money_product(qty, price));
    order->state = order->cum_qty == order->qty ? PAPER_FINAL : order->state;
    order->exec_type = EXEC_TRADE;
    order->dirty = 1;
    struct broker_report report = {
        .time_ns = time_ns, .exec_type = EXEC_TRADE, .exec_id = exec, .last_qty = qty, .last_price = price,
        .realized = realized, .commission = commission, .quote_bid = v->now.bid, .quote_ask = v->now.ask,
        .latency_ns = order->latency_ns, .reason = order->reason == BROKER_STOP_OUT ? BROKER_STOP_OUT : BROKER_OK,
    };
    paper_report_describe(order, &report);
    uint64_t draw_intent = order->intent != 0 ? order->intent : order->position;
    paper_report_emit(v, &report, draw_intent, order->reported++);
}

/* --- what a changed position means to its orders ---------------------------------------------------- */

static void follow(struct paper *v, struct paper_order *child, dec_t position_qty, int64_t time_ns)
{
    if (!child)
        return;
    if (position_qty == 0) {
        paper_fill_finish(v, child, EXEC_CANCELED, BROKER_OCO, time_ns, 0);
        return;
    }
    dec_t qty = child->cum_qty + position_qty;
    if (child->state == PAPER_HELD) {
        child->state = PAPER_WORKING;
        child->qty = qty;
        paper_report_order(v, child, EXEC_NEW, time_ns, 0);
    } else if (child->qty != qty) {
        child->qty = qty;
        paper_report_order(v, child, EXEC_RESTATED, time_ns, 0);
    }
}

/* After all executions of one moment. A flat position takes the rest of its entry along: it would fill
 * without protection. */
static void settle(struct paper *v, uint64_t intent, int64_t time_ns)
{
    const struct paper_position *position = paper_book_position(v, intent);
    dec_t qty = position ? position->qty : 0;
    struct paper_order *entry = paper_book_child(v, intent, PAPER_ENTRY);
    if (qty == 0 && entry)
        paper_fill_finish(v, entry, EXEC_CANCELED, BROKER_OCO, time_ns, 0);
    follow(v, paper_book_child(v, intent, PAPER_STOP), qty, time_ns);
    follow(v, paper_book_child(v, intent, PAPER_TAKE), qty, time_ns);
    v->changed = true;
}

void paper_fill_finish(struct paper *v, struct paper_order *order, uint32_t exec_type, uint32_t reason, int64_t time_ns,
                       uint64_t request_intent)
{
    assert(order->state != PAPER_FINAL);
    order->state = PAPER_FINAL;
    order->reason = reason;
    v->changed = true;
    paper_report_order(v, order, exec_type, time_ns, request_intent);
    if (order->role != PAPER_ENTRY || order->cum_qty > 0)
        return;
    for (enum paper_role role = PAPER_STOP; role <= PAPER_TAKE; role++) {
        struct paper_order *child = paper_book_child(v, order->intent, role);
        if (child)
            paper_fill_finish(v, child, EXEC_CANCELED, BROKER_OCO, time_ns, 0);
    }
}

/* --- the ladder -------------------------------------------------------------------------------------- */

/* Whole steps of the lot, at least one. 0: no end to it. */
static dec_t level_size(const struct paper *v, uint32_t instrument)
{
    const struct config_instrument *in = paper_instrument(v, instrument);
    if (v->ideal || in->level_size_lots <= 0)
        return 0;
    return dec_max(1, dec_steps(in->level_size_lots, in->lot_step)) * in->lot_step;
}

static void walk(struct paper *v, struct paper_order *order, uint64_t draw_intent, uint32_t draw_number, int64_t time_ns)
{
    const struct config_instrument *in = paper_instrument(v, order->instrument);
    dec_t size = level_size(v, order->instrument), spread = v->now.ask - v->now.bid;
    dec_t adverse = order->side == SIDE_BUY ? in->tick : -in->tick;
    int64_t slip = paper_draw_slippage(v, draw_intent, draw_number, (double)spread / (double)in->tick);
    dec_t price = (order->side == SIDE_BUY ? v->now.ask : v->now.bid) + slip * adverse;
    uint32_t levels = size > 0 ? PAPER_LEVELS_MAX : 1;
    for (uint32_t level = 0; level < levels && order->state != PAPER_FINAL; level++, price += adverse) {
        dec_t rest = order->qty - order->cum_qty;
        execute(v, order, size > 0 ? dec_min(rest, size) : rest, dec_max(price, in->tick), time_ns);
        size = dec_max(1, dec_steps(size / 2 * 3, in->lot_step)) * in->lot_step;
    }
}

void paper_fill_market(struct paper *v, struct paper_order *order, int64_t time_ns)
{
    walk(v, order, order->intent, order->walked++, time_ns);
    if (order->state != PAPER_FINAL && order->role != PAPER_STOP)
        paper_fill_finish(v, order, EXEC_CANCELED, BROKER_IOC_REMAINDER, time_ns, 0);
    settle(v, order->position, time_ns);
}

void paper_fill_limit(struct paper *v, struct paper_order *order, dec_t price, int64_t time_ns)
{
    dec_t size = level_size(v, order->instrument), rest = order->qty - order->cum_qty;
    order->quote_number = v->now.quote_number; /* one level for each quote */
    execute(v, order, size > 0 ? dec_min(rest, size) : rest, price, time_ns);
    settle(v, order->position, time_ns);
}

/* A protective stop is tried again with each quote until it is filled; a stop that opens is not. */
void paper_fill_triggered(struct paper *v, struct paper_order *order, int64_t time_ns)
{
    order->quote_number = v->now.quote_number;
    v->changed = true;
    if (order->role == PAPER_ENTRY && time_ns - order->effective_ns > v->model->stale_ns) {
        paper_fill_finish(v, order, EXEC_CANCELED, BROKER_OFF_QUOTES, time_ns, 0);
        return;
    }
    order->dirty = 1;
    paper_fill_market(v, order, time_ns);
}

/* --- stop-out ------------------------------------------------------------------------------------------ */

void paper_fill_stop_out(struct paper *v, struct paper_position *position, int64_t time_ns)
{
    struct paper_order order = {
        .venue_order = ++v->meta.last_venue_order, .position = position->position, .qty = position->qty,
        .role = PAPER_STOP_OUT, .instrument = position->instrument, .side = paper_opposite(position->side),
        .type = ORDER_MARKET, .state = PAPER_WORKING, .reason = BROKER_STOP_OUT,
        .reported = PAPER_POSITION_DRAWS + position->reported, .walked = PAPER_POSITION_DRAWS + position->walked++,
    };
    position->quote_number = v->now.quote_number;
    walk(v, &order, position->position, order.walked, time_ns);
    position->reported = order.reported - PAPER_POSITION_DRAWS;
    settle(v, position->position, time_ns);
}

static struct paper_position *worst_position(struct paper *v)
{
    struct paper_position *worst = NULL;
    dec_t worst_gain = 0;
    for (uint32_t i = 0; i < v->position_count; i++) {
        struct paper_position *position = &v->positions[i];
        if (position->qty == 0 || position->stop_out_ns != 0)
            continue;
        dec_t gain = paper_money_unrealized(v, position);
        if (!worst || gain < worst_gain) {
            worst = position;
            worst_gain = gain;
        }
    }
    return worst;
}

/* The protective stop, where there is one, is what closes the position: its owner knows it. */
static void mark_stop_out(struct paper *v, struct paper_position *position, int64_t time_ns)
{
    struct paper_order *stop = paper_book_child(v, position->position, PAPER_STOP);
    position->stop_out_ns = time_ns;
    position->dirty = 1;
    v->changed = true;
    if (!stop)
        return;
    if (stop->state != PAPER_TRIGGERED) {
        stop->effective_ns = time_ns;
        stop->latency_ns = 0;
    }
    stop->state = PAPER_TRIGGERED;
    stop->reason = BROKER_STOP_OUT;
    stop->dirty = 1;
}

void paper_fill_check_margin(struct paper *v, int64_t time_ns)
{
    dec_t equity = paper_money_equity(v);
    for (uint32_t n = 0; n < BROKER_POSITIONS_MAX; n++) {
        dec_t used = paper_money_margin_used(v);
        struct paper_position *worst = worst_position(v);
        if (!worst || equity >= paper_money_product(used, PAPER_STOP_OUT_LEVEL))
            return;
        mark_stop_out(v, worst, time_ns);
    }
}
