/* In three layers, read together and therefore in one file: the table, its actions, the entry points. */
#include "workers/account/order.h"

#include <assert.h>
#include <string.h>

/* Wide enough for the sum of two products of dec_t. */
typedef __int128 wide;

static const char *const state_texts[] = {
#define X(name, text) [ORDER_##name] = text,
    ORDER_STATE_LIST(X)
#undef X
};
static_assert(sizeof state_texts / sizeof state_texts[0] == ORDER_STATE_COUNT, "one text for each state");
static_assert(sizeof(struct order) == 136 + ORDER_FILLS_MAX * 24, "no padding: a row of the store");

const char *order_state_text(unsigned state)
{
    return state < ORDER_STATE_COUNT ? state_texts[state] : "?";
}

bool order_state_final(unsigned state)
{
    return state == ORDER_FILLED || state == ORDER_CANCELED || state == ORDER_EXPIRED || state == ORDER_REJECTED ||
           state == ORDER_LOST || state == ORDER_DENIED;
}

/* --- the table (orders.md section 2) ------------------------------------------------------------------ */

/* clang-format off */
enum action {
    A_IGNORE,
    A_ODD,         /* cannot be: anomaly, nothing moves */
    A_ODD_ASK,     /* anomaly, and the venue is asked */
    A_ASK,
    A_SEND,        /* never sent: send now */
    A_ACK,         /* WORKING, or PARTIAL when something is filled */
    A_FILL,        /* PARTIAL or FILLED */
    A_FILL_APART,  /* the quantity counts, the state stays; FILLED when complete */
    A_OVERFILL,    /* DISPUTED */
    A_CANCEL, A_EXPIRE, A_REJECT,
    A_TERMS,       /* the new terms are in force */
    A_TERMS_ODD,   /* they are, though a cancel was the last that we asked for */
    A_REFUSED,     /* pend = -, old terms stay, ask: the reason may be "already filled" */
    A_UNSURE,      /* UNKNOWN, ask */
    A_RETRY,       /* ask again, ORDER_TRIES_MAX times; then DISPUTED */
    A_REPORTED,    /* as the status report says */
};

/* Row pend=C and pend=R: WORKING or PARTIAL with a cancel or replace on its way. DONE: final, but not FILLED. PARTIAL's
 * 35=j that names nothing pending is as odd as WORKING's. DISPUTED has no row in orders.md: fills count, an end or
 * a status report of the venue settles it, no timer moves it. */
#define ORDER_TABLE(X) \
    /*             New     fill        150=4   150=C   150=8    150=5      35=9     35=j     timeout  lost    150=I */ \
    X(CREATED,     ACK,    FILL,       CANCEL, EXPIRE, REJECT,  ODD,       ODD,     ODD,     SEND,    UNSURE, REPORTED) \
    X(PENDING_NEW, ACK,    FILL,       CANCEL, EXPIRE, REJECT,  ODD,       ODD,     REJECT,  UNSURE,  UNSURE, REPORTED) \
    X(WORKING,     IGNORE, FILL,       CANCEL, EXPIRE, REJECT,  TERMS,     IGNORE,  ODD,     IGNORE,  ASK,    REPORTED) \
    X(PARTIAL,     IGNORE, FILL,       CANCEL, EXPIRE, ODD_ASK, TERMS,     IGNORE,  ODD,     IGNORE,  ASK,    REPORTED) \
    X(PEND_C,      IGNORE, FILL,       CANCEL, EXPIRE, ODD_ASK, TERMS_ODD, REFUSED, REFUSED, UNSURE,  UNSURE, REPORTED) \
    X(PEND_R,      IGNORE, FILL,       CANCEL, EXPIRE, ODD_ASK, TERMS,     REFUSED, REFUSED, UNSURE,  UNSURE, REPORTED) \
    X(UNKNOWN,     ACK,    FILL,       CANCEL, EXPIRE, REJECT,  TERMS,     REFUSED, RETRY,   RETRY,   ASK,    REPORTED) \
    X(DISPUTED,    IGNORE, FILL_APART, CANCEL, EXPIRE, REJECT,  TERMS,     IGNORE,  IGNORE,  IGNORE,  IGNORE, REPORTED) \
    X(DONE,        IGNORE, FILL_APART, IGNORE, IGNORE, IGNORE,  ODD,       IGNORE,  IGNORE,  IGNORE,  IGNORE, IGNORE) \
    X(FILLED,      IGNORE, OVERFILL,   IGNORE, IGNORE, IGNORE,  ODD,       IGNORE,  IGNORE,  IGNORE,  IGNORE, IGNORE)

enum row {
#define X(name, ...) ROW_##name,
    ORDER_TABLE(X)
#undef X
    ROW_COUNT
};
enum column {
    COLUMN_NEW, COLUMN_FILL, COLUMN_CANCELED, COLUMN_EXPIRED, COLUMN_REJECTED, COLUMN_REPLACED, COLUMN_CANCEL_REJECT,
    COLUMN_REQUEST_REJECT, COLUMN_TIMEOUT, COLUMN_DISCONNECT, COLUMN_STATUS, COLUMN_COUNT
};
static const uint8_t table[][COLUMN_COUNT] = {
#define X(name, a, b, c, d, e, f, g, h, i, j, k) \
    [ROW_##name] = {A_##a, A_##b, A_##c, A_##d, A_##e, A_##f, A_##g, A_##h, A_##i, A_##j, A_##k},
    ORDER_TABLE(X)
#undef X
};
static_assert(sizeof table / sizeof table[0] == ROW_COUNT, "one line for each row");

static const uint8_t state_rows[] = {
    [ORDER_CREATED] = ROW_CREATED,   [ORDER_PENDING_NEW] = ROW_PENDING_NEW, [ORDER_WORKING] = ROW_WORKING,
    [ORDER_PARTIAL] = ROW_PARTIAL,   [ORDER_UNKNOWN] = ROW_UNKNOWN,         [ORDER_DISPUTED] = ROW_DISPUTED,
    [ORDER_FILLED] = ROW_FILLED,     [ORDER_CANCELED] = ROW_DONE,           [ORDER_EXPIRED] = ROW_DONE,
    [ORDER_REJECTED] = ROW_DONE,     [ORDER_LOST] = ROW_DONE,               [ORDER_DENIED] = ROW_DONE,
};
/* clang-format on */
static_assert(sizeof state_rows == ORDER_STATE_COUNT, "one row for each state");

static_assert(ORDER_EXPIRED - ORDER_CANCELED == A_EXPIRE - A_CANCEL &&
                  ORDER_REJECTED - ORDER_CANCELED == A_REJECT - A_CANCEL,
              "order_act counts on it");

/* An order whose acknowledgement is still due can have a cancel on its way; the answer to that is the pend row's. */
static enum row order_row(const struct order *order, enum column column, uint64_t request_intent)
{
    bool working = order->state == ORDER_WORKING || order->state == ORDER_PARTIAL;
    bool answers_pending = order->state == ORDER_PENDING_NEW &&
                           (column == COLUMN_CANCEL_REJECT ||
                            (column == COLUMN_REQUEST_REJECT && request_intent == order->pending_intent));
    if (order->pend != PEND_NONE && (working || answers_pending))
        return order->pend == PEND_CANCEL ? ROW_PEND_C : ROW_PEND_R;
    return (enum row)state_rows[order->state];
}

/* --- quantities -------------------------------------------------------------------------------------- */

static wide order_divide_nearest(wide a, wide b)
{
    assert(b > 0);
    return a >= 0 ? (a + b / 2) / b : -((-a + b / 2) / b);
}

/* Average price after the notional has changed by qty * price; cum_qty is the quantity before, `cum` after. */
static void order_average(struct order *order, const struct broker_report *report, dec_t qty, dec_t price, dec_t cum)
{
    if (cum == 0) {
        order->avg_price = 0;
    } else if (report->cum_qty == cum && report->avg_price > 0) {
        order->avg_price = report->avg_price; /* the venue's word covers fills that were never told apart */
    } else {
        wide average = order_divide_nearest((wide)order->avg_price * order->cum_qty + (wide)qty * price, cum);
        if (average >= 0 && average <= DEC_MAX)
            order->avg_price = (dec_t)average;
    }
}

static struct order_fill *order_fill_find(struct order *order, uint64_t exec_id)
{
    assert(order->fill_count <= ORDER_FILLS_MAX);
    for (uint32_t i = 0; exec_id != 0 && i < order->fill_count; i++)
        if (order->fills[i].exec_id == exec_id)
            return &order->fills[i];
    return NULL;
}

/* LastPx when the report tells exactly this increase, else AvgPx algebra. */
static dec_t order_fill_price(const struct order *order, const struct broker_report *report, dec_t increase)
{
    if (report->avg_price <= 0 || (report->last_qty == increase && report->last_price > 0))
        return report->last_price;
    wide before = (wide)order->avg_price * order->cum_qty, after = (wide)report->avg_price * report->cum_qty;
    wide price = order_divide_nearest(after - before, increase);
    return price > 0 && price <= DEC_MAX ? (dec_t)price : report->last_price;
}

/* Rule 0. True when cum_qty grew. */
static bool order_fill_apply(struct order *order, const struct broker_report *report, struct order_outcome *out)
{
    if (report->cum_qty <= order->cum_qty)
        return false;
    uint64_t exec_id = report->exec_type == EXEC_TRADE ? report->exec_id : 0;
    const struct order_fill *known = order_fill_find(order, exec_id);
    if (known) {
        out->anomaly = true;
        if (known->qty == 0)
            return false; /* a busted trade, told again */
        exec_id = 0;
    }
    dec_t increase = report->cum_qty - order->cum_qty;
    dec_t price = order_fill_price(order, report, increase);
    order_average(order, report, increase, price, report->cum_qty);
    order->cum_qty = report->cum_qty;
    out->filled_qty = increase;
    if (order->fill_count < ORDER_FILLS_MAX)
        order->fills[order->fill_count++] = (struct order_fill){.exec_id = exec_id, .qty = increase, .price = price};
    return true;
}

/* Above its quantity an order is disputed, however its reports were cut or ordered. True: decided here. */
static bool order_complete(struct order *order, struct order_outcome *out)
{
    if (order->cum_qty < order->qty)
        return false;
    bool over = order->cum_qty > order->qty;
    out->anomaly |= over;
    order->state = over ? ORDER_DISPUTED : ORDER_FILLED;
    return true;
}

static uint32_t order_working_state(const struct order *order)
{
    return order->cum_qty > 0 ? ORDER_PARTIAL : ORDER_WORKING;
}

/* --- actions ------------------------------------------------------------------------------------------ */

static void order_pend_clear(struct order *order)
{
    order->pend = PEND_NONE;
    order->pending_intent = 0;
    order->pending_price = 0;
}

static void order_terms(struct order *order, const struct broker_report *report, struct order_outcome *out)
{
    assert(report);
    out->replaced = true;
    if (report->qty > 0)
        order->qty = report->qty;
    if (report->price > 0)
        order->price = report->price;
    else if (order->pend == PEND_REPLACE)
        order->price = order->pending_price;
    if (order->pend == PEND_REPLACE && (report->request_intent == 0 || report->request_intent == order->pending_intent))
        order_pend_clear(order);
    if (!order_complete(order, out) && order->state != ORDER_DISPUTED)
        order->state = order_working_state(order);
}

static void order_end(struct order *order, uint32_t state, struct order_outcome *out)
{
    assert(order_state_final(state) && state != ORDER_FILLED);
    bool disputed = order->state == ORDER_DISPUTED;
    out->anomaly |= disputed;
    if (!disputed || order->cum_qty <= order->qty)
        order->state = state;
}

/* A final order that is not filled: how it ended is not told, so it is told by the reason. */
static uint32_t order_reported_end(const struct order *order, uint32_t reason)
{
    bool rejects = reason != BROKER_OK && reason != BROKER_OCO && reason != BROKER_STOP_OUT;
    return !rejects || reason == BROKER_IOC_REMAINDER || order->cum_qty > 0 ? ORDER_CANCELED : ORDER_REJECTED;
}

/* Prices are compared with the old and the new terms (38, 44, 99); with neither the venue's are taken. */
static void order_compare_terms(struct order *order, const struct broker_report *report, struct order_outcome *out)
{
    bool known = report->price <= 0 || report->price == order->price;
    if (known && report->qty == order->qty)
        return;
    bool asked_for = order->pend == PEND_REPLACE && report->price == order->pending_price;
    out->anomaly |= !known && !asked_for;
    out->replaced = true;
    order->qty = report->qty;
    if (!known)
        order->price = report->price;
    if (asked_for)
        order_pend_clear(order);
}

/* One more question without a report; `limit_reached`: the caller's own limit. */
static void order_retry(struct order *order, bool limit_reached, struct order_outcome *out)
{
    assert(order->tries <= ORDER_TRIES_MAX);
    if (limit_reached || order->tries == ORDER_TRIES_MAX) {
        order->state = ORDER_DISPUTED;
        out->anomaly = true;
        return;
    }
    order->tries++;
    out->query = true;
}

static void order_reported(struct order *order, const struct broker_report *report, struct order_outcome *out)
{
    assert(report);
    if (report->qty <= 0) { /* it names a request, not how the order stands */
        out->anomaly = true;
        order_retry(order, false, out);
        return;
    }
    if (report->final && report->cum_qty < report->qty) {
        order_end(order, order_reported_end(order, report->reason), out);
        return;
    }
    order_compare_terms(order, report, out);
    out->anomaly |= order->state == ORDER_DISPUTED;
    if (!order_complete(order, out))
        order->state = order_working_state(order);
}

static void order_unsure(struct order *order, struct order_outcome *out)
{
    order->state = ORDER_UNKNOWN;
    order->tries = 0;
    order->not_found_count = order->silent_count = 0;
    out->query = true;
}

static void order_fill_state(struct order *order, enum action action, struct order_outcome *out)
{
    assert(action == A_FILL || action == A_FILL_APART || action == A_OVERFILL);
    /* A fill of what never was accepted, or is disputed, or is complete, is for a person to see. */
    out->anomaly |= order->state == ORDER_REJECTED || order->state == ORDER_LOST || order->state == ORDER_DENIED ||
                    order->state == ORDER_DISPUTED;
    if (!order_complete(order, out) && action == A_FILL)
        order->state = ORDER_PARTIAL;
    assert(action != A_OVERFILL || order->state == ORDER_DISPUTED);
}

static void order_act(struct order *order, enum action action, const struct broker_report *report,
                      struct order_outcome *out)
{
    switch (action) {
    case A_IGNORE:
        return;
    case A_ODD:
    case A_ODD_ASK:
    case A_ASK:
        out->anomaly = action != A_ASK || out->anomaly;
        out->query = action != A_ODD || out->query;
        return;
    case A_SEND:
        out->send = true;
        return;
    case A_ACK:
        assert(report);
        out->anomaly |= report->qty > order->qty; /* less is how protection follows its entry */
        if (report->qty > 0)
            order->qty = report->qty;
        if (!order_complete(order, out))
            order->state = order_working_state(order);
        return;
    case A_FILL:
    case A_FILL_APART:
    case A_OVERFILL:
        order_fill_state(order, action, out);
        return;
    case A_CANCEL:
    case A_EXPIRE:
    case A_REJECT:
        order_end(order, ORDER_CANCELED + (action - A_CANCEL), out);
        return;
    case A_TERMS:
    case A_TERMS_ODD:
        out->anomaly |= action == A_TERMS_ODD || order->state == ORDER_DISPUTED;
        order_terms(order, report, out);
        return;
    case A_REFUSED:
        out->cancel_refused = order->pend != PEND_NONE;
        order_pend_clear(order);
        out->query = true;
        return;
    case A_UNSURE:
        order_unsure(order, out);
        return;
    case A_RETRY:
        order_retry(order, false, out);
        return;
    case A_REPORTED:
        order_reported(order, report, out);
        return;
    }
    assert(!"unknown action");
}

/* --- the rows "any": bust, correction, restated --------------------------------------------------------- */

/* Whether each fill is kept: then an exec id that is not among them was never counted. */
static bool order_fills_whole(const struct order *order)
{
    wide sum = 0;
    for (uint32_t i = 0; i < order->fill_count; i++)
        sum += order->fills[i].qty;
    return sum == order->cum_qty;
}

static void order_correction_state(struct order *order, const struct broker_report *report, bool was_over,
                                   struct order_outcome *out)
{
    if (order_complete(order, out))
        return;
    if (order->state == ORDER_FILLED || was_over)
        order->state = report->final ? ORDER_CANCELED : order_working_state(order);
    else if (order->state == ORDER_PARTIAL || order->state == ORDER_WORKING)
        order->state = order_working_state(order);
}

static void order_correct(struct order *order, const struct broker_report *report, struct order_outcome *out)
{
    bool was_over = order->cum_qty > order->qty, bust = report->exec_type == EXEC_BUST;
    struct order_fill *fill = order_fill_find(order, report->exec_id);
    out->anomaly = true; /* always alarmed */
    if (fill ? fill->qty == 0 : report->exec_id != 0 && order_fills_whole(order))
        return; /* told again, or of a trade that was never counted */
    dec_t cum = report->cum_qty;
    if (fill) {
        dec_t qty = bust ? 0 : report->last_qty, price = bust ? fill->price : report->last_price;
        if (qty < 0 || price <= 0 || qty > DEC_MAX - (order->cum_qty - fill->qty))
            return;
        cum = order->cum_qty - fill->qty + qty;
        wide change = (wide)qty * price - (wide)fill->qty * fill->price;
        wide average = cum > 0 ? order_divide_nearest((wide)order->avg_price * order->cum_qty + change, cum) : 0;
        order->avg_price = average >= 0 && average <= DEC_MAX ? (dec_t)average : report->avg_price;
        *fill = (struct order_fill){.exec_id = fill->exec_id, .qty = qty, .price = price};
    } else if (cum < 0 || (bust && cum > order->cum_qty)) {
        return;
    } else {
        order->avg_price = cum > 0 ? report->avg_price : 0; /* no ExecID dialect: 14 and 6 are trusted */
    }
    out->filled_qty = cum - order->cum_qty;
    order->cum_qty = cum;
    order_correction_state(order, report, was_over, out);
}

/* 38 is the new truth; 14 has gone through rule 0 (`before`: the state before that), and a lower one is only said. */
static void order_restated(struct order *order, const struct broker_report *report, uint32_t before,
                           struct order_outcome *out)
{
    bool done = order_state_final(before) && before != ORDER_FILLED;
    out->anomaly |= report->cum_qty < order->cum_qty || report->qty <= 0;
    if (done || report->qty <= 0)
        return;
    out->replaced = report->qty != order->qty;
    order->qty = report->qty;
    if (order_complete(order, out) || order->state == ORDER_DISPUTED)
        return;
    out->anomaly |= order->state == ORDER_FILLED;
    order->state = report->final ? ORDER_CANCELED : order_working_state(order);
}

/* --- entry points ---------------------------------------------------------------------------------------- */

static void order_check(const struct order *order)
{
    assert(order->intent != 0 && order->qty > 0 && order->cum_qty >= 0);
    assert(order->state < ORDER_STATE_COUNT && order->pend <= PEND_REPLACE && order->fill_count <= ORDER_FILLS_MAX);
    assert(order->pend == PEND_NONE || order->pending_intent != 0);
}

/* What holds after every step, whatever it was. */
static void order_finish(struct order *order, uint32_t before, struct order_outcome *out)
{
    if (order_state_final(order->state))
        order_pend_clear(order);
    out->overfilled = order->cum_qty > order->qty;
    out->state_changed = order->state != before;
    out->became_final = order_state_final(order->state) && !order_state_final(before);
    order->anomalies += out->anomaly;
    order_check(order);
}

/* clang-format off */
static enum column order_column(const struct broker_report *report)
{
    switch (report->exec_type) {
    case EXEC_NEW: return COLUMN_NEW;
    case EXEC_TRADE: return COLUMN_FILL;
    case EXEC_CANCELED: return COLUMN_CANCELED;
    case EXEC_EXPIRED: return COLUMN_EXPIRED;
    case EXEC_REJECTED: return report->request_intent == 0 ? COLUMN_REJECTED : COLUMN_REQUEST_REJECT;
    case EXEC_REPLACED: return COLUMN_REPLACED;
    case EXEC_CANCEL_REJECT: return COLUMN_CANCEL_REJECT;
    case EXEC_STATUS: return COLUMN_STATUS;
    default: return COLUMN_COUNT;
    }
}
/* clang-format on */

static void order_questions_clear(struct order *order)
{
    order->tries = 0;
    order->not_found_count = order->silent_count = 0;
}

/* What a 35=9 or 35=j answers. One of a request that another has replaced since moves nothing; one that names the
 * order itself is odd once the order works, and is definitive only if it names it. */
static enum action order_answer(const struct order *order, enum column column, uint64_t request_intent)
{
    bool works = order->state == ORDER_WORKING || order->state == ORDER_PARTIAL;
    bool own = request_intent == order->intent;
    if (order->pend != PEND_NONE && request_intent != 0 && request_intent != order->pending_intent && !(own && !works))
        return own ? A_ODD : A_IGNORE;
    enum row row = order_row(order, column, request_intent);
    return row == ROW_PENDING_NEW && column == COLUMN_REQUEST_REJECT && !own ? A_ODD : (enum action)table[row][column];
}

static void order_by_table(struct order *order, const struct broker_report *report, struct order_outcome *out)
{
    uint32_t before = order->state;
    if (order_fill_apply(order, report, out)) {
        if (report->exec_type == EXEC_TRADE && report->final && report->qty == report->cum_qty)
            order->qty = report->qty; /* the venue has cut the order to what is filled: it is complete */
        order_act(order, (enum action)table[order_row(order, COLUMN_FILL, 0)][COLUMN_FILL], report, out);
    }
    enum column column = order_column(report);
    if (report->exec_type == EXEC_RESTATED)
        order_restated(order, report, before, out);
    else if (column == COLUMN_COUNT)
        out->anomaly = true;
    else if (column == COLUMN_CANCEL_REJECT || column == COLUMN_REQUEST_REJECT)
        order_act(order, order_answer(order, column, report->request_intent), report, out);
    else if (column != COLUMN_FILL)
        order_act(order, (enum action)table[order_row(order, column, report->request_intent)][column], report, out);
}

void order_on_report(struct order *order, const struct broker_report *report, struct order_outcome *out)
{
    assert(order && report && out && report->intent == order->intent);
    order_check(order);
    memset(out, 0, sizeof *out);
    if (report->exec_type == EXEC_POSTING)
        return;
    uint32_t before = order->state;
    if (report->venue_order != 0)
        order->venue_order = report->venue_order;
    if (order->position == 0)
        order->position = report->position;
    if (report->time_ns > order->last_report_ns)
        order->last_report_ns = report->time_ns;
    if (report->reason != BROKER_OK)
        order->reason = report->reason;
    if (report->exec_type == EXEC_BUST || report->exec_type == EXEC_CORRECT)
        order_correct(order, report, out);
    else
        order_by_table(order, report, out);
    /* Known again: whether a request on its way got through is not, so that it may be made again. A report that
     * leaves the question open does not start the count of questions over. */
    if (before == ORDER_UNKNOWN && order->state != ORDER_UNKNOWN)
        order_pend_clear(order);
    if (order->state != ORDER_UNKNOWN && !(report->exec_type == EXEC_STATUS && report->qty <= 0))
        order_questions_clear(order);
    order_finish(order, before, out);
}

static void order_sent(struct order *order, enum order_event event, int64_t now_ns)
{
    order->sent_ns = now_ns;
    order_questions_clear(order);
    if (event == ORDER_EVENT_SENT) {
        assert(order->state == ORDER_CREATED || order->state == ORDER_PENDING_NEW || order->state == ORDER_UNKNOWN);
        order->state = ORDER_PENDING_NEW;
        return;
    }
    assert(order->pending_intent != 0);
    if (event == ORDER_EVENT_CANCEL_SENT) {
        assert(!order_state_final(order->state) && order->state != ORDER_CREATED);
        order->pend = PEND_CANCEL;
        order->pending_price = 0;
    } else {
        assert((order->state == ORDER_WORKING || order->state == ORDER_PARTIAL) && order->pending_price > 0);
        order->pend = PEND_REPLACE;
    }
}

static void order_not_found(struct order *order, struct order_outcome *out)
{
    uint8_t count = (uint8_t)(order->not_found_count + 1);
    if (count >= ORDER_NOT_FOUND_MAX) {
        order->state = ORDER_LOST;
        return;
    }
    if (order->state != ORDER_UNKNOWN)
        order_unsure(order, out);
    order_retry(order, false, out);
    order->not_found_count = count;
    order->silent_count = 0;
}

static void order_silent(struct order *order, struct order_outcome *out)
{
    order->silent_count++;
    order->not_found_count = 0;
    order_retry(order, order->silent_count >= ORDER_SILENT_MAX, out);
}

void order_on_event(struct order *order, enum order_event event, int64_t now_ns, struct order_outcome *out)
{
    assert(order && out);
    order_check(order);
    memset(out, 0, sizeof *out);
    uint32_t before = order->state;
    bool settled = order_state_final(before) || before == ORDER_DISPUTED; /* no question of ours moves it */
    switch (event) {
    case ORDER_EVENT_SENT:
    case ORDER_EVENT_CANCEL_SENT:
    case ORDER_EVENT_REPLACE_SENT:
        order_sent(order, event, now_ns);
        break;
    case ORDER_EVENT_ACK_TIMEOUT:
        order_act(order, (enum action)table[order_row(order, COLUMN_TIMEOUT, 0)][COLUMN_TIMEOUT], NULL, out);
        break;
    case ORDER_EVENT_DISCONNECT:
        order_act(order, (enum action)table[order_row(order, COLUMN_DISCONNECT, 0)][COLUMN_DISCONNECT], NULL, out);
        break;
    case ORDER_EVENT_NOT_FOUND:
        if (!settled)
            order_not_found(order, out);
        break;
    case ORDER_EVENT_SILENT:
        if (!settled)
            order_silent(order, out);
        break;
    }
    order_finish(order, before, out);
}

int64_t order_retry_ns(const struct order *order)
{
    static const uint8_t seconds[] = {1, 2, 4, 8, 15};
    static_assert(sizeof seconds == ORDER_TRIES_MAX, "one wait for each try");
    uint32_t last = ORDER_TRIES_MAX - 1;
    return (int64_t)seconds[order->tries < last ? order->tries : last] * INT64_C(1000000000);
}

dec_t order_open_qty_worst(const struct order *order)
{
    order_check(order);
    return order_state_final(order->state) ? 0 : dec_max(0, order->qty - order->cum_qty);
}

dec_t order_open_qty_sure(const struct order *order)
{
    order_check(order);
    bool works = order->state == ORDER_WORKING || order->state == ORDER_PARTIAL;
    return works && order->pend != PEND_CANCEL ? dec_max(0, order->qty - order->cum_qty) : 0;
}
