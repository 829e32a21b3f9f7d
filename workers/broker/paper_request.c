/* Requests: what is refused at the door, what travels, and what happens when it arrives.
 *
 * A request arrives at decision + latency, never before one that was sent earlier (one session). What
 * needs no market to be refused (quantity, price, session, room, the fault draw) is refused when it is
 * sent, with the time of its arrival; the rest when it arrives. */
#include "workers/broker/paper_internal.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"

/* --- checks ------------------------------------------------------------------------------------ */

static bool on_grid(dec_t value, dec_t step)
{
    return value > 0 && value % step == 0;
}

static bool qty_allowed(const struct config_instrument *in, const struct broker_request *request)
{
    if (!on_grid(request->qty, in->lot_step))
        return false;
    return request->kind == BROKER_CLOSE || (request->qty >= in->lot_min && request->qty <= in->lot_max);
}

static bool prices_allowed(const struct config_instrument *in, const struct broker_request *request)
{
    return (request->type == ORDER_MARKET || on_grid(request->price, in->tick)) &&
           (request->stop_intent == 0 || on_grid(request->stop_price, in->tick)) &&
           (request->take_intent == 0 || on_grid(request->take_price, in->tick));
}

/* A stop or target for a position that is open: it may rest while the market is closed. */
static bool is_protective(const struct broker_request *request)
{
    return request->kind == BROKER_CLOSE && request->type != ORDER_MARKET;
}

static uint32_t refused_at_door(const struct paper *v, const struct broker_request *request, int64_t effective_ns,
                                uint32_t orders)
{
    const struct config_instrument *in = paper_instrument(v, request->instrument);
    if (!qty_allowed(in, request))
        return BROKER_BAD_QTY;
    if (!prices_allowed(in, request))
        return BROKER_BAD_PRICE;
    if (paper_book_live_orders(v) + orders > BROKER_ORDERS_MAX)
        return BROKER_TOO_MANY;
    if (!is_protective(request) && paper_session_closed(v->config, request->instrument, effective_ns))
        return BROKER_MARKET_CLOSED;
    if (v->model->reject_probability > 0 &&
        paper_draw_uniform(paper_draw(v, request->intent, DRAW_REJECT, 0)) < v->model->reject_probability)
        return BROKER_RANDOM;
    return BROKER_OK;
}

/* A price that waits for the market must be this far on its side of it. */
static bool far_enough(const struct config_instrument *in, uint32_t side, uint32_t type, dec_t price, dec_t bid, dec_t ask)
{
    dec_t distance = dec_max(paper_money_product(in->stop_level_ticks, in->tick), in->tick);
    bool above = (side == SIDE_BUY) == (type == ORDER_STOP);
    dec_t market = side == SIDE_BUY ? ask : bid; /* where it trades */
    return above ? price - market >= distance : market - price >= distance;
}

static bool levels_allowed(struct paper *v, const struct paper_order *entry)
{
    const struct config_instrument *in = paper_instrument(v, entry->instrument);
    bool pending = entry->type != ORDER_MARKET;
    if (entry->type == ORDER_STOP && !far_enough(in, entry->side, ORDER_STOP, entry->price, v->now.bid, v->now.ask))
        return false;
    dec_t bid = pending ? entry->price : v->now.bid, ask = pending ? entry->price : v->now.ask;
    for (enum paper_role role = PAPER_STOP; role <= PAPER_TAKE; role++) {
        const struct paper_order *child = paper_book_child(v, entry->intent, role);
        if (child && !far_enough(in, child->side, child->type, child->price, bid, ask))
            return false;
    }
    return true;
}

static uint32_t entry_refused(struct paper *v, const struct paper_order *entry)
{
    dec_t nothing, price = entry->type != ORDER_MARKET ? entry->price : entry->side == SIDE_BUY ? v->now.ask : v->now.bid;
    if (paper_money_convert(v, entry->instrument, DEC_ONE, &nothing) != 0)
        return BROKER_OFF_QUOTES;
    if (paper_book_places_taken(v) >= BROKER_POSITIONS_MAX)
        return BROKER_TOO_MANY;
    if (!levels_allowed(v, entry))
        return BROKER_STOP_LEVEL;
    dec_t free = paper_money_equity(v) - paper_money_margin_used(v);
    return paper_money_margin(v, entry->instrument, entry->qty, price) > free ? BROKER_NO_MARGIN : BROKER_OK;
}

/* --- arrival -------------------------------------------------------------------------------------- */

static void arrive_entry(struct paper *v, struct paper_order *order, int64_t time_ns)
{
    uint32_t reason = entry_refused(v, order);
    if (reason != BROKER_OK) {
        paper_fill_finish(v, order, EXEC_REJECTED, reason, time_ns, 0);
        return;
    }
    order->state = PAPER_WORKING;
    paper_report_order(v, order, EXEC_NEW, time_ns, 0);
    if (order->type == ORDER_MARKET)
        paper_fill_market(v, order, time_ns);
}

static void arrive_close(struct paper *v, struct paper_order *order, int64_t time_ns)
{
    const struct paper_position *position = paper_book_position(v, order->position);
    if (!position || position->instrument != order->instrument || position->side == order->side) {
        paper_fill_finish(v, order, EXEC_REJECTED, BROKER_NO_POSITION, time_ns, 0);
        return;
    }
    order->qty = dec_min(order->qty, position->qty);
    order->state = PAPER_WORKING;
    paper_report_order(v, order, EXEC_NEW, time_ns, 0);
    paper_fill_market(v, order, time_ns);
}

/* quoted: `now` holds the quote of the moment; without one the distance cannot be looked at, and the order rests. */
static void arrive_protective(struct paper *v, struct paper_order *order, int64_t time_ns, bool quoted)
{
    const struct paper_position *position = paper_book_position(v, order->position);
    struct paper_order *before = paper_book_child(v, order->position, (enum paper_role)order->role);
    uint32_t reason = BROKER_OK;
    if (!position || position->instrument != order->instrument || position->side == order->side)
        reason = BROKER_NO_POSITION;
    else if (before && before->state == PAPER_TRIGGERED)
        reason = BROKER_TOO_LATE;
    else if (quoted && !far_enough(paper_instrument(v, order->instrument), order->side, order->type, order->price,
                                   v->now.bid, v->now.ask))
        reason = BROKER_STOP_LEVEL;
    if (reason != BROKER_OK) {
        paper_fill_finish(v, order, EXEC_REJECTED, reason, time_ns, 0);
        return;
    }
    if (before)
        paper_fill_finish(v, before, EXEC_CANCELED, BROKER_OCO, time_ns, 0);
    order->qty = position->qty;
    order->state = PAPER_WORKING;
    paper_report_order(v, order, EXEC_NEW, time_ns, 0);
}

void paper_request_arrive(struct paper *v, struct paper_order *order, int64_t time_ns)
{
    assert(order->state == PAPER_PENDING);
    v->changed = true;
    if (order->role == PAPER_ENTRY)
        arrive_entry(v, order, time_ns);
    else if (order->role == PAPER_CLOSE)
        arrive_close(v, order, time_ns);
    else
        arrive_protective(v, order, time_ns, true);
}

void paper_request_expire(struct paper *v, struct paper_order *order, int64_t time_ns)
{
    assert(order->state == PAPER_PENDING);
    v->changed = true;
    if (order->role == PAPER_STOP || order->role == PAPER_TAKE)
        arrive_protective(v, order, time_ns, false);
    else
        paper_fill_finish(v, order, EXEC_REJECTED, BROKER_OFF_QUOTES, time_ns, 0);
}

static void cancel(struct paper *v, struct paper_request *request, struct paper_order *order, int64_t time_ns)
{
    if (order->state == PAPER_TRIGGERED)
        paper_report_cancel_reject(v, request, BROKER_TOO_LATE, time_ns);
    else
        paper_fill_finish(v, order, EXEC_CANCELED, BROKER_OK, time_ns, request->intent);
}

static void replace(struct paper *v, struct paper_request *request, struct paper_order *order, int64_t time_ns, bool quoted)
{
    const struct config_instrument *in = paper_instrument(v, order->instrument);
    const struct paper_order *entry = order->state == PAPER_HELD ? paper_book_order(v, order->position) : NULL;
    bool pending = entry && entry->type != ORDER_MARKET; /* then its price is what the distance counts from */
    dec_t bid = pending ? entry->price : v->now.bid, ask = pending ? entry->price : v->now.ask;
    uint32_t reason = BROKER_OK;
    if (order->state == PAPER_TRIGGERED || order->type == ORDER_MARKET)
        reason = BROKER_TOO_LATE;
    else if (!on_grid(request->price, in->tick))
        reason = BROKER_BAD_PRICE;
    else if (quoted && !far_enough(in, order->side, order->type, request->price, bid, ask))
        reason = BROKER_STOP_LEVEL;
    if (reason != BROKER_OK) {
        paper_report_cancel_reject(v, request, reason, time_ns);
        return;
    }
    order->price = request->price;
    order->replaced++;
    paper_report_order(v, order, EXEC_REPLACED, time_ns, request->intent);
}

void paper_request_execute(struct paper *v, struct paper_request *request, int64_t time_ns, bool quoted)
{
    struct paper_order *order = paper_book_order(v, request->target);
    request->answered = request->dirty = 1;
    v->changed = true;
    if (!order)
        paper_report_cancel_reject(v, request, BROKER_TOO_LATE, time_ns);
    else if (request->kind == BROKER_CANCEL)
        cancel(v, request, order, time_ns);
    else
        replace(v, request, order, time_ns, quoted);
}

/* --- sending --------------------------------------------------------------------------------------- */

static int64_t arrival_ns(struct paper *v, const struct broker_request *request, int64_t *latency_ns)
{
    int64_t at = request->time_ns + paper_draw_latency(v, request->intent, DRAW_LATENCY_IN, 0);
    if (at < v->meta.last_effective_ns)
        at = v->meta.last_effective_ns;
    v->meta.last_effective_ns = at;
    *latency_ns = at - request->time_ns;
    return at;
}

static struct paper_order *add_order(struct paper *v, const struct paper_order *row)
{
    assert(v->order_count < PAPER_ORDER_SLOTS && row->intent != 0);
    struct paper_order *order = &v->orders[v->order_count++];
    *order = *row;
    order->venue_order = ++v->meta.last_venue_order;
    order->dirty = 1;
    if (order->intent > v->meta.last_intent)
        v->meta.last_intent = order->intent;
    return order;
}

static void add_children(struct paper *v, const struct broker_request *request)
{
    struct paper_order child = {
        .position = request->intent, .seq = request->seq, .qty = request->qty, .instrument = request->instrument,
        .side = paper_opposite(request->side), .state = PAPER_HELD,
    };
    if (request->stop_intent != 0) {
        child.intent = request->stop_intent;
        child.price = request->stop_price;
        child.role = PAPER_STOP;
        child.type = ORDER_STOP;
        add_order(v, &child);
    }
    if (request->take_intent != 0) {
        child.intent = request->take_intent;
        child.price = request->take_price;
        child.role = PAPER_TAKE;
        child.type = ORDER_LIMIT;
        add_order(v, &child);
    }
}

static enum paper_role role_of(const struct broker_request *request)
{
    if (request->kind == BROKER_PLACE)
        return PAPER_ENTRY;
    return request->type == ORDER_STOP ? PAPER_STOP : request->type == ORDER_LIMIT ? PAPER_TAKE : PAPER_CLOSE;
}

static void send_order(struct paper *v, const struct broker_request *request)
{
    bool place = request->kind == BROKER_PLACE;
    uint32_t orders = place ? 1u + (request->stop_intent != 0) + (request->take_intent != 0) : 1u;
    struct paper_order row = {
        .intent = request->intent, .position = place ? request->intent : request->position, .seq = request->seq,
        .qty = request->qty, .price = request->type == ORDER_MARKET ? 0 : request->price,
        .role = role_of(request), .instrument = request->instrument, .side = request->side,
        .type = request->type, .state = PAPER_PENDING,
    };
    row.effective_ns = arrival_ns(v, request, &row.latency_ns);
    uint32_t reason = refused_at_door(v, request, row.effective_ns, orders);
    struct paper_order *order = add_order(v, &row);
    if (place)
        add_children(v, request);
    if (reason != BROKER_OK)
        paper_fill_finish(v, order, EXEC_REJECTED, reason, row.effective_ns, 0);
}

static void send_change(struct paper *v, const struct broker_request *request)
{
    const struct paper_order *target = paper_book_order(v, request->target_intent);
    struct paper_request row = {
        .intent = request->intent, .target = request->target_intent, .seq = request->seq, .price = request->price,
        .kind = request->kind, .instrument = target ? target->instrument : request->instrument, .dirty = 1,
    };
    int64_t latency_ns;
    row.arrival = ++v->meta.last_arrival;
    row.effective_ns = arrival_ns(v, request, &latency_ns);
    if (row.intent > v->meta.last_intent)
        v->meta.last_intent = row.intent;
    uint32_t reason = target ? BROKER_OK : paper_book_knows(v, row.target) ? BROKER_TOO_LATE : BROKER_UNKNOWN_ORDER;
    if (target && v->request_count == PAPER_REQUESTS_MAX - 1)
        reason = BROKER_TOO_MANY; /* the last slot is for refusals */
    if (reason != BROKER_OK) {
        row.answered = 1;
        paper_report_cancel_reject(v, &row, reason, row.effective_ns);
    }
    v->requests[v->request_count++] = row;
}

static void check_request(const struct paper *v, const struct broker_request *request)
{
    assert(request->intent != 0 && request->instrument < v->config->instrument_count);
    if (request->kind == BROKER_CANCEL || request->kind == BROKER_REPLACE) {
        assert(request->target_intent != 0);
        return;
    }
    assert(request->kind == BROKER_PLACE || request->kind == BROKER_CLOSE);
    assert(request->side == SIDE_BUY || request->side == SIDE_SELL);
    assert(request->type == ORDER_MARKET || request->type == ORDER_LIMIT || request->type == ORDER_STOP);
    assert(request->kind == BROKER_PLACE || request->position != 0);
}

int paper_request_send(struct broker *broker, const struct broker_request *request, struct error *err)
{
    struct paper *v = (struct paper *)broker;
    check_request(v, request);
    if (v->commit_pending) {
        int rc = paper_book_commit(v, err);
        if (rc != 0)
            return rc;
    }
    if (paper_book_knows(v, request->intent))
        return 0;
    struct paper_meta before = v->meta;
    uint32_t orders = v->order_count, requests = v->request_count;
    /* What is refused at the door is made with the next record: the decision's own has been passed. */
    v->seq = (request->seq > v->meta.last_seq ? request->seq : v->meta.last_seq) + 1;
    if (request->kind == BROKER_PLACE || request->kind == BROKER_CLOSE)
        send_order(v, request);
    else
        send_change(v, request);

    int rc = paper_book_commit(v, err);
    if (rc != 0) { /* as if it had never been handed over */
        store_discard(v->store);
        v->commit_pending = v->effects = false;
        v->meta = before;
        v->order_count = orders;
        v->request_count = requests;
    }
    paper_engine_schedule(v);
    return rc;
}
