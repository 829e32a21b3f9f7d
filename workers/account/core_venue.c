/* What the venue holds and the book does not: comparing, taking in, ending, by the operator's word.
 *
 * The venue's view is another's bytes: indices, sides and amounts are looked at before they are used (core_usable). A
 * position is named by the intent of its entry; one that the account did not open has the venue's number for it. What is taken
 * in is a position like any other from then on; its proposal is 0: no permit was asked for it, and its protective orders
 * stand alone (core_reports.c).
 */
#include "workers/account/core_parts.h"

#include <assert.h>
#include <string.h>

/* Numbers of a life that is gone lie below: an order that is over has left a report, one that is not is in the view. */
#define CORE_INTENTS_PER_REPORT 4u
#define CORE_INTENTS_BEYOND 1000u
#define CORE_INTENT_MOST (UINT64_C(1) << 60) /* of a venue's number: what is derived from it still fits an order id */

/* --- the venue's word ---------------------------------------------------------------------------------- */

static const struct broker_position_view *core_view_of(const struct core_venue *venue, uint64_t position)
{
    for (uint32_t i = 0; i < venue->position_count; i++)
        if (venue->positions[i].position == position)
            return &venue->positions[i];
    return NULL;
}

static const struct broker_order_view *core_entry_view_of(const struct core_venue *venue, uint64_t position)
{
    for (uint32_t i = 0; i < venue->order_count; i++)
        if (venue->orders[i].intent == position && venue->orders[i].position == position)
            return &venue->orders[i];
    return NULL;
}

static const struct core_position *core_ours(const struct core *core, uint64_t id)
{
    for (uint32_t i = 0; id != 0 && i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id == id)
            return &core->positions[i];
    return NULL;
}

static bool core_side_known(uint32_t side) { return side == SIDE_BUY || side == SIDE_SELL; }

static enum order_role core_role_of(const struct broker_order_view *view)
{
    if (view->intent == view->position)
        return ROLE_ENTRY;
    return view->type == ORDER_STOP ? ROLE_STOP : view->type == ORDER_LIMIT ? ROLE_TAKE : ROLE_CLOSE;
}

/* Nothing of a position's description is used before this has said yes. At most one order of each role: the book has no
 * place for more. */
static bool core_usable(const struct core *core, const struct core_venue *venue, uint64_t position)
{
    const struct broker_position_view *view = core_view_of(venue, position);
    const struct broker_order_view *entry = core_entry_view_of(venue, position);
    uint32_t roles = 0, instrument = view ? view->instrument : entry ? entry->instrument : UINT32_MAX;
    if (position == 0 || instrument >= core->config->instrument_count)
        return false;
    if (view && (!core_side_known(view->side) || view->qty <= 0 || view->avg_price <= 0))
        return false;
    for (uint32_t i = 0; i < venue->order_count; i++) {
        const struct broker_order_view *order = &venue->orders[i];
        if (order->position != position)
            continue;
        uint32_t role = UINT32_C(1) << core_role_of(order);
        if (order->intent == 0 || order->instrument != instrument || !core_side_known(order->side) || order->qty <= 0 ||
            order->cum_qty < 0 || order->price < 0 || (roles & role) != 0)
            return false;
        roles |= role;
    }
    return true;
}

/* --- comparing --------------------------------------------------------------------------------------------- */

static bool core_same(const struct core_position *ours, const struct broker_position_view *theirs)
{
    return ours->qty == theirs->qty && ours->side == theirs->side && ours->instrument == theirs->instrument;
}

/* What the account's balance is when the venue's counts: the firm's transfers are not the venue's. False: no account has it. */
static bool core_balance_there(const struct core *core, const struct core_venue *venue, dec_t *out)
{
    return dec_add(venue->account.balance, core->account.transfers_total, out) == 0;
}

uint32_t core_compare(const struct core *core, const struct core_venue *venue, struct core_difference out[CORE_DIFFERENCES_MAX])
{
    uint32_t count = 0;
    assert(venue->position_count <= BROKER_POSITIONS_MAX && venue->order_count <= BROKER_ORDERS_MAX);
    for (uint32_t i = 0; i < venue->position_count; i++) {
        const struct broker_position_view *theirs = &venue->positions[i];
        const struct core_position *ours = core_ours(core, theirs->position);
        if (!ours || !core_same(ours, theirs))
            out[count++] = (struct core_difference){ours ? CORE_OTHER_POSITION : CORE_FOREIGN_POSITION, theirs->position,
                                                    ours ? (uint32_t)(ours - core->positions) : 0, i};
    }
    for (uint32_t i = 0; i < venue->order_count; i++) {
        const struct broker_order_view *order = &venue->orders[i];
        if (core_role_of(order) == ROLE_ENTRY && !core_view_of(venue, order->position) && !core_ours(core, order->position))
            out[count++] = (struct core_difference){CORE_FOREIGN_ORDER, order->position, 0, i};
    }
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0 && core->positions[i].qty > 0 && !core_view_of(venue, core->positions[i].id))
            out[count++] = (struct core_difference){CORE_MISSING_POSITION, core->positions[i].id, i, 0};
    dec_t balance;
    if (!core_balance_there(core, venue, &balance) || balance != core->account.balance)
        out[count++] = (struct core_difference){.kind = CORE_OTHER_BALANCE};
    return count;
}

/* --- orders of the venue's ----------------------------------------------------------------------------------- */

static void core_forget_orders(struct core *core, struct core_position *position)
{
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent != 0 && core->orders[i].position == position->id)
            memset(&core->orders[i], 0, sizeof core->orders[i]);
    position->stop_intent = position->take_intent = position->close_intent = 0;
}

static struct order *core_order_slot(struct core *core)
{
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent == 0)
            return &core->orders[i];
    return NULL;
}

/* What the venue says of the order is how it stands. What protects an open position works, also on its way in. */
static void core_take_order(struct core *core, struct core_position *position, const struct broker_order_view *view)
{
    struct order *order = core_order_slot(core);
    assert(order); /* four of each position, and those that it had are gone */
    enum order_role role = core_role_of(view);
    bool rests = !view->pending || (position->qty > 0 && (role == ROLE_STOP || role == ROLE_TAKE));
    *order = (struct order){
        .intent = view->intent, .position = position->id, .venue_order = view->venue_order, .role = role,
        .state = !rests ? ORDER_PENDING_NEW : view->cum_qty > 0 ? ORDER_PARTIAL : ORDER_WORKING, .instrument = position->instrument,
        .side = view->side, .type = view->type, .qty = view->qty, .cum_qty = view->cum_qty, .avg_price = view->avg_price,
        .price = view->price, .created_ns = core->account.cursor_ns, .sent_ns = core->account.cursor_ns,
    };
    if (role == ROLE_STOP) {
        position->stop_intent = view->intent;
        position->stop_price = view->price;
    } else if (role == ROLE_TAKE) {
        position->take_intent = view->intent;
        position->take_price = view->price;
    } else if (role == ROLE_CLOSE) {
        position->close_intent = view->intent;
    }
}

static void core_take_orders(struct core *core, struct core_position *position, const struct core_venue *venue)
{
    core_forget_orders(core, position);
    for (uint32_t i = 0; i < venue->order_count; i++)
        if (venue->orders[i].position == position->id)
            core_take_order(core, position, &venue->orders[i]);
}

/* --- an older copy of the store ------------------------------------------------------------------------------ */

uint64_t core_intent_beyond(const struct core_venue *venue)
{
    uint64_t most = venue->account.last_report < CORE_INTENT_MOST / CORE_INTENTS_PER_REPORT
                        ? CORE_INTENTS_PER_REPORT * venue->account.last_report : CORE_INTENT_MOST;
    for (uint32_t i = 0; i < venue->order_count; i++)
        if (venue->orders[i].intent > most && venue->orders[i].intent < CORE_INTENT_MOST)
            most = venue->orders[i].intent;
    return most + CORE_INTENTS_BEYOND;
}

/* The newest instant that the market part knows of. */
static int64_t core_newest_ns(const struct core *core)
{
    int64_t newest = core->account.cursor_ns;
    for (uint32_t i = 0; i < core->config->instrument_count; i++)
        if (core->market.quotes[i].time_ns > newest)
            newest = core->market.quotes[i].time_ns;
    return newest;
}

static uint32_t core_orders_of(const struct core *core, uint64_t position)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        count += core->orders[i].intent != 0 && core->orders[i].position == position;
    return count;
}

/* Each order is as the venue says; an entry of which it knows neither order nor position is over. Returns how many orders the
 * venue no longer works on. */
static uint32_t core_settle_orders(struct core *core, const struct core_venue *venue)
{
    uint32_t over = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        struct core_position *position = &core->positions[i];
        if (position->id == 0)
            continue;
        uint32_t before = core_orders_of(core, position->id);
        if (core_usable(core, venue, position->id))
            core_take_orders(core, position, venue);
        else
            core_forget_orders(core, position);
        uint32_t after = core_orders_of(core, position->id);
        over += before > after ? before - after : 0;
        if (position->qty == 0 && after == 0 && !core_view_of(venue, position->id)) {
            core_report_due(core, position->instrument, position->proposal, 0);
            memset(position, 0, sizeof *position);
        }
    }
    return over;
}

void core_behind(struct core *core, const struct core_venue *venue)
{
    struct core_account *a = &core->account;
    uint64_t records = core->market.seq > a->cursor_seq ? core->market.seq - a->cursor_seq : 0;
    uint64_t beyond = core_intent_beyond(venue), report = a->venue_report;
    a->cursor_seq += records;
    a->cursor_ns = core_newest_ns(core);
    a->venue_report = venue->account.last_report;
    a->next_intent = beyond > a->next_intent ? beyond : a->next_intent;
    uint32_t over = core_settle_orders(core, venue);
    struct journal_writer writer;
    core_record_begin(core, &writer, "behind");
    journal_u64(&writer, "report", report);
    journal_u64(&writer, "venue_report", a->venue_report);
    journal_u64(&writer, "records", records);
    journal_u64(&writer, "seq", a->cursor_seq);
    journal_u64(&writer, "orders_over", over);
    journal_u64(&writer, "next_intent", a->next_intent);
    core_record_end(core, &writer);
    core_alert(core, "its store was %llu reports behind its venue: its marks are the older copy's (propfleet account marks)",
               (unsigned long long)(a->venue_report - report));
}

/* --- the operator's word: what is refused ---------------------------------------------------------------------- */

/* A price on the grid, `below` or above where the position would be closed now. NULL, or why not. */
static const char *core_price_refused(const struct core *core, const struct broker_position_view *view, dec_t price, bool is_stop)
{
    const struct core_quote *quote = &core->market.quotes[view->instrument];
    dec_t now = view->side == SIDE_BUY ? quote->bid : quote->ask, tick = core->config->instruments[view->instrument].tick;
    bool below = (view->side == SIDE_BUY) == is_stop;
    if (now <= 0)
        now = view->avg_price;
    if (price <= 0 || (tick > 0 && price % tick != 0))
        return is_stop ? "the stop is no price of the instrument (whole ticks)" : "the target is no price of the instrument (whole ticks)";
    if (below ? price < now : price > now)
        return NULL;
    return is_stop ? "the stop is on the wrong side of the market" : "the target is on the wrong side of the market";
}

/* One that is being closed takes no place. */
static bool core_instrument_taken(const struct core *core, const struct broker_position_view *view)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0 && core->positions[i].id != view->position && core->positions[i].exit == EXIT_NONE &&
            core->positions[i].instrument == view->instrument)
            return true;
    return false;
}

static bool core_has_room(const struct core *core, uint64_t position)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id == 0 || core->positions[i].id == position)
            return true;
    return false;
}

static const char *core_adopt_refused(const struct core *core, const struct core_event *event)
{
    const struct core_venue *venue = event->u.command.venue;
    const struct broker_position_view *view = core_view_of(venue, event->u.command.number);
    const struct core_position *ours = core_ours(core, event->u.command.number);
    if (!view)
        return core_entry_view_of(venue, event->u.command.number) ? "it is an order that is not filled: close it, or start again later"
                                                                  : "the venue holds no such position";
    if (!core_usable(core, venue, view->position))
        return "the venue describes it as no position is: close it at the venue";
    if (ours && core_same(ours, view))
        return "it is in the book already, as the venue has it";
    if (ours && (ours->side != view->side || ours->instrument != view->instrument))
        return "the book has that number in another instrument or on the other side: close it";
    if (core_instrument_taken(core, view))
        return "the book holds another position in that instrument: close one of the two";
    if (!core_has_room(core, view->position))
        return "the book is full: close it";
    const char *refused = core_price_refused(core, view, event->u.command.stop, true);
    return refused || event->u.command.target == 0 ? refused : core_price_refused(core, view, event->u.command.target, false);
}

static const char *core_close_foreign_refused(const struct core *core, const struct core_event *event)
{
    const struct core_venue *venue = event->u.command.venue;
    uint64_t position = event->u.command.number;
    bool there = core_view_of(venue, position) || core_entry_view_of(venue, position);
    if (!there)
        return core_ours(core, position) ? NULL : "neither the venue nor the book has such a position";
    if (!core_usable(core, venue, position))
        return "the venue describes it as no position is: close it at the venue";
    return core_has_room(core, position) ? NULL : "the book is full: close it at the venue";
}

const char *core_venue_refused(const struct core *core, const struct core_event *event)
{
    const struct core_venue *venue = event->u.command.venue;
    dec_t balance;
    if (!venue)
        return "the venue has not been asked";
    if (!event->u.command.text || !event->u.command.text[0])
        return "a reason is needed";
    if (!core_balance_there(core, venue, &balance))
        return "the venue's balance is one that no account has";
    if (event->u.command.command == COMMAND_ADOPT)
        return core_adopt_refused(core, event);
    if (event->u.command.command == COMMAND_CLOSE_FOREIGN)
        return core_close_foreign_refused(core, event);
    return balance == core->account.balance ? "the balance is the venue's already" : NULL;
}

/* --- the operator's word: what is done --------------------------------------------------------------------------- */

/* Booked as realized: the venue has it, no report of it reached us. */
static void core_take_balance(struct core *core, const struct core_venue *venue)
{
    struct core_account *a = &core->account;
    dec_t balance = 0;
    if (!core_balance_there(core, venue, &balance) || balance == a->balance)
        return;
    dec_t difference = balance - a->balance;
    a->balance = balance;
    a->equity += difference;
    a->realized_total += difference;
    rules_corrected(&a->rules, &core->programme->rules, difference, balance, a->equity);
}

/* Lots as the venue has them. What is gone without a report is counted at the entry's price: its money is in the balance. */
static void core_take_lots(struct core *core, struct core_position *position, const struct broker_position_view *view)
{
    dec_t more = view->qty - position->qty, value;
    if (more > 0) {
        position->entry_qty = dec_max(position->entry_qty, view->qty);
        rules_on_opened(&core->account.rules, &core->programme->rules, position->instrument, position->side, more, core->account.cursor_ns);
    } else if (more < 0) {
        position->exit_qty -= more;
        if (dec_mul(-more, view->avg_price, DEC_ROUND_NEAREST, &value) == 0)
            position->exit_value += value;
    }
    position->qty = view->qty;
    position->avg_price = view->avg_price;
    if (position->opened_ns == 0)
        position->opened_ns = view->opened_ns > 0 && view->opened_ns < core->account.cursor_ns ? view->opened_ns : core->account.cursor_ns;
}

/* Into the book, with the orders that the venue has for it: a position, or an entry that is not filled. */
static struct core_position *core_take_in(struct core *core, uint64_t id, const struct core_venue *venue)
{
    const struct broker_position_view *view = core_view_of(venue, id);
    const struct broker_order_view *entry = core_entry_view_of(venue, id);
    struct core_position *position = core_position_find(core, id);
    if (!position) {
        position = core_position_slot(core);
        assert(position && (view || entry));
        memset(position, 0, sizeof *position);
        position->id = id;
        position->instrument = view ? view->instrument : entry->instrument;
        position->side = view ? view->side : entry->side;
        position->pattern = CORE_PATTERN_NONE;
        position->entry_qty = entry ? entry->qty : 0;
        position->decided_ns = core->account.cursor_ns;
        position->decided_seq = core->account.cursor_seq;
    }
    if (view)
        core_take_lots(core, position, view);
    core_take_orders(core, position, venue);
    core_report_due(core, position->instrument, 0, 0);
    return position;
}

static void core_send_replace(struct core *core, struct order *order, dec_t price)
{
    struct order_outcome outcome;
    order->pending_intent = core->account.next_intent++;
    order->pending_price = price;
    order_on_event(order, ORDER_EVENT_REPLACE_SENT, core->account.cursor_ns, &outcome);
    struct journal_writer writer;
    core_record_begin(core, &writer, "replace");
    core_record_instrument(core, &writer, order->instrument);
    journal_u64(&writer, "intent", order->pending_intent);
    journal_u64(&writer, "order", order->intent);
    journal_dec(&writer, "price", price);
    core_record_end(core, &writer);
    core_action_add(core, ACTION_BROKER)->u.request = (struct broker_request){
        .kind = BROKER_REPLACE, .instrument = order->instrument, .side = order->side, .type = order->type,
        .intent = order->pending_intent, .target_intent = order->intent, .position = order->position, .qty = order->qty,
        .price = price, .time_ns = order->sent_ns, .seq = core->account.cursor_seq,
    };
}

/* Its stop or target at this price: the one that the venue has is changed, so that it is never without; else a new one. */
static void core_protect(struct core *core, struct core_position *position, enum order_role role, dec_t price)
{
    struct order *order = core_order_find(core, role == ROLE_STOP ? position->stop_intent : position->take_intent);
    if (order && order->price == price)
        return;
    if (order) {
        core_send_replace(core, order, price);
        return;
    }
    uint32_t against = position->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
    order = core_order_new(core, role, position, against, role == ROLE_STOP ? ORDER_STOP : ORDER_LIMIT, position->qty, price);
    *(role == ROLE_STOP ? &position->stop_intent : &position->take_intent) = order->intent;
    *(role == ROLE_STOP ? &position->stop_price : &position->take_price) = price;
    struct journal_writer writer;
    core_record_begin(core, &writer, "protect");
    core_record_instrument(core, &writer, position->instrument);
    journal_u64(&writer, "position", position->id);
    journal_u64(&writer, "intent", order->intent);
    journal_text(&writer, "role", role == ROLE_STOP ? "stop" : "target");
    journal_dec(&writer, "qty", order->qty);
    journal_dec(&writer, "price", price);
    core_record_end(core, &writer);
    core_action_add(core, ACTION_BROKER)->u.request = core_close_request(order, core->account.cursor_seq);
}

/* Risk is what a stop at the operator's price loses of the entry's: what R is reckoned from. */
static void core_adopt(struct core *core, const struct core_event *event)
{
    struct core_position *position = core_take_in(core, event->u.command.number, event->u.command.venue);
    dec_t rate, spread = dec_max(0, core->market.quotes[position->instrument].ask - core->market.quotes[position->instrument].bid);
    if (core_rate(core, position->instrument, &rate))
        (void)sizing_risk_at_stop(&core->config->instruments[position->instrument], position->side, position->qty,
                                  position->avg_price, event->u.command.stop, spread, rate, &position->risk);
    core_protect(core, position, ROLE_STOP, event->u.command.stop);
    if (event->u.command.target > 0)
        core_protect(core, position, ROLE_TAKE, event->u.command.target);
}

/* The venue does not have it: at what price it was closed nobody told, its money is in the balance. */
static void core_end(struct core *core, struct core_position *position)
{
    core_forget_orders(core, position);
    position->exit = EXIT_VENUE;
    position->exit_qty += position->qty;
    position->exit_value = 0;
    core_report_due(core, position->instrument, position->proposal, 0);
    if (position->exit_qty > 0) {
        position->qty = 0;
        core_trade_close(core, position);
    }
    memset(position, 0, sizeof *position);
}

static void core_close_foreign(struct core *core, const struct core_event *event)
{
    const struct core_venue *venue = event->u.command.venue;
    uint64_t id = event->u.command.number;
    const struct broker_position_view *view = core_view_of(venue, id);
    struct core_position *position = core_position_find(core, id);
    if (!view && !core_entry_view_of(venue, id)) {
        core_end(core, position);
        return;
    }
    if (!position || (view && !core_same(position, view))) {
        if (position && view && (position->side != view->side || position->instrument != view->instrument))
            core_end(core, position); /* another one under the same number */
        position = core_take_in(core, id, venue);
    }
    core_cancel_entry(core, position);
    core_close(core, position, EXIT_OPERATOR);
}

void core_venue_apply(struct core *core, const struct core_event *event)
{
    core_take_balance(core, event->u.command.venue);
    if (event->u.command.command == COMMAND_ADOPT)
        core_adopt(core, event);
    else if (event->u.command.command == COMMAND_CLOSE_FOREIGN)
        core_close_foreign(core, event);
}

void core_venue_record(const struct core *core, const struct core_event *event, struct journal_writer *writer)
{
    const struct core_venue *venue = event->u.command.venue;
    uint64_t id = event->u.command.number;
    const struct broker_position_view *view = venue && id != 0 ? core_view_of(venue, id) : NULL;
    const struct core_position *ours = core_ours(core, id);
    dec_t balance = DEC_NONE;
    if (event->u.command.request)
        journal_text(writer, "request", event->u.command.request);
    if (id != 0)
        journal_u64(writer, "position", id);
    if (view && core_usable(core, venue, id)) {
        core_record_instrument(core, writer, view->instrument);
        journal_u64(writer, "side", view->side);
        journal_dec(writer, "qty", view->qty);
        journal_dec(writer, "price", view->avg_price);
    }
    if (ours)
        journal_dec(writer, "qty_ours", ours->qty);
    if (event->u.command.command == COMMAND_ADOPT) {
        journal_dec(writer, "stop", event->u.command.stop);
        journal_dec(writer, "target", event->u.command.target);
    }
    journal_dec(writer, "balance_ours", core->account.balance);
    if (venue && core_balance_there(core, venue, &balance))
        journal_dec(writer, "balance_venue", balance);
}
