/* The order's state machine: every cell of orders.md section 2 by hand, then storms of reports with invariants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/account/order.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LOTS(n) ((n)*DEC_ONE)
#define OWN 100u
#define PENDING 101u
#define QTY LOTS(10)
#define PRICE LOTS(50)
#define PRICE_NEW LOTS(51)

static struct order order_in(uint32_t state, uint32_t pend, dec_t cum)
{
    struct order order = {.intent = OWN,
                          .role = ROLE_ENTRY,
                          .state = state,
                          .pend = pend,
                          .side = SIDE_BUY,
                          .type = ORDER_LIMIT,
                          .qty = QTY,
                          .cum_qty = cum,
                          .price = PRICE};
    if (cum > 0) {
        order.avg_price = PRICE;
        order.fills[order.fill_count++] = (struct order_fill){.exec_id = 1, .qty = cum, .price = PRICE};
    }
    if (pend != PEND_NONE)
        order.pending_intent = PENDING;
    if (pend == PEND_REPLACE)
        order.pending_price = PRICE_NEW;
    return order;
}

static struct broker_report report_of(const struct order *order, uint32_t exec_type, dec_t cum)
{
    return (struct broker_report){.exec_type = exec_type,
                                  .intent = OWN,
                                  .venue_order = 7,
                                  .qty = QTY,
                                  .cum_qty = cum,
                                  .avg_price = cum > 0 ? PRICE : 0,
                                  .price = order->price,
                                  .time_ns = 5};
}

static struct order_outcome give(struct order *order, const struct broker_report *report)
{
    struct order_outcome out;
    memset(&out, 0xee, sizeof out);
    order_on_report(order, report, &out);
    return out;
}

static struct order_outcome happen(struct order *order, enum order_event event)
{
    struct order_outcome out;
    memset(&out, 0xee, sizeof out);
    order_on_event(order, event, 9, &out);
    return out;
}

/* --- the table ---------------------------------------------------------------------------------------------- */

/* clang-format off */
enum stimulus {
    NEW, FILL_PART, FILL_ALL, CANCELED, EXPIRED, REJECTED, REPLACED, CANCEL_REJECT, REJECT_OWN, REJECT_OTHER, TIMEOUT,
    DISCONNECT, STATUS_OPEN, STATUS_ENDED, STIMULUS_COUNT
};

/* Written by hand from orders.md section 2: the state after, ":C" or ":R" what is pending after, then ! anomaly,
 * ? the venue is asked, > send now; "=" state and pend as before. FILL_PART is one lot more, FILL_ALL the whole
 * quantity. REJECT_OWN is 35=j that names the order's own request, REJECT_OTHER one that names the pending one
 * (nothing pending: any other). */
static const struct {
    uint32_t state, pend;
    int cum;
    const char *after[STIMULUS_COUNT];
} cells[] = {
    {ORDER_CREATED, PEND_NONE, 0,
     {"WORKING", "PARTIAL", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "=!", "=!", "=!", "=!", "=>", "UNKNOWN?",
      "WORKING", "CANCELED"}},
    {ORDER_PENDING_NEW, PEND_NONE, 0,
     {"WORKING", "PARTIAL", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "=!", "=!", "REJECTED", "=!", "UNKNOWN?",
      "UNKNOWN?", "WORKING", "CANCELED"}},
    {ORDER_PENDING_NEW, PEND_CANCEL, 0, /* the cancel overtakes the acknowledgement */
     {"WORKING:C", "PARTIAL:C", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "=!", "PENDING_NEW?", "REJECTED",
      "PENDING_NEW?", "UNKNOWN:C?", "UNKNOWN:C?", "WORKING:C", "CANCELED"}},
    {ORDER_WORKING, PEND_NONE, 0,
     {"=", "PARTIAL", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "=", "=", "=!", "=!", "=", "=?", "=", "CANCELED"}},
    {ORDER_PARTIAL, PEND_NONE, 4,
     {"=", "=", "FILLED", "CANCELED", "EXPIRED", "=!?", "=", "=", "=!", "=!", "=", "=?", "=", "CANCELED"}},
    {ORDER_WORKING, PEND_CANCEL, 0,
     {"=", "PARTIAL:C", "FILLED", "CANCELED", "EXPIRED", "=!?", "=!", "WORKING?", "=!", "WORKING?", "UNKNOWN:C?",
      "UNKNOWN:C?", "=", "CANCELED"}},
    {ORDER_PARTIAL, PEND_CANCEL, 4,
     {"=", "=", "FILLED", "CANCELED", "EXPIRED", "=!?", "=!", "PARTIAL?", "=!", "PARTIAL?", "UNKNOWN:C?", "UNKNOWN:C?",
      "=", "CANCELED"}},
    {ORDER_WORKING, PEND_REPLACE, 0,
     {"=", "PARTIAL:R", "FILLED", "CANCELED", "EXPIRED", "=!?", "WORKING", "WORKING?", "=!", "WORKING?", "UNKNOWN:R?",
      "UNKNOWN:R?", "=", "CANCELED"}},
    {ORDER_PARTIAL, PEND_REPLACE, 4,
     {"=", "=", "FILLED", "CANCELED", "EXPIRED", "=!?", "PARTIAL", "PARTIAL?", "=!", "PARTIAL?", "UNKNOWN:R?",
      "UNKNOWN:R?", "=", "CANCELED"}},
    {ORDER_UNKNOWN, PEND_NONE, 0,
     {"WORKING", "PARTIAL", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "WORKING", "=?", "=?", "=?", "=?", "=?",
      "WORKING", "CANCELED"}},
    {ORDER_UNKNOWN, PEND_CANCEL, 4,
     {"PARTIAL", "PARTIAL", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "PARTIAL", "UNKNOWN?", "=?", "=?", "=?", "=?",
      "PARTIAL", "CANCELED"}},
    {ORDER_DISPUTED, PEND_NONE, 0,
     {"=", "=!", "FILLED!", "CANCELED!", "EXPIRED!", "REJECTED!", "=!", "=", "=", "=", "=", "=", "WORKING!",
      "CANCELED!"}},
    {ORDER_CANCELED, PEND_NONE, 0,
     {"=", "=", "FILLED", "=", "=", "=", "=!", "=", "=", "=", "=", "=", "=", "="}},
    {ORDER_CANCELED, PEND_NONE, 4,
     {"=", "=", "FILLED", "=", "=", "=", "=!", "=", "=", "=", "=", "=", "=", "="}},
    {ORDER_EXPIRED, PEND_NONE, 4,
     {"=", "=", "FILLED", "=", "=", "=", "=!", "=", "=", "=", "=", "=", "=", "="}},
    {ORDER_REJECTED, PEND_NONE, 0,
     {"=", "=!", "FILLED!", "=", "=", "=", "=!", "=", "=", "=", "=", "=", "=", "="}},
    {ORDER_LOST, PEND_NONE, 0,
     {"=", "=!", "FILLED!", "=", "=", "=", "=!", "=", "=", "=", "=", "=", "=", "="}},
    {ORDER_DENIED, PEND_NONE, 0,
     {"=", "=!", "FILLED!", "=", "=", "=", "=!", "=", "=", "=", "=", "=", "=", "="}},
    {ORDER_FILLED, PEND_NONE, 10,
     {"=", "DISPUTED!", "=", "=", "=", "=", "=!", "=", "=", "=", "=", "=", "=", "="}},
};
/* clang-format on */

static struct broker_report stimulus_report(const struct order *order, enum stimulus stimulus)
{
    static const uint32_t exec_types[] = {
        [NEW] = EXEC_NEW,
        [FILL_PART] = EXEC_TRADE,
        [FILL_ALL] = EXEC_TRADE,
        [CANCELED] = EXEC_CANCELED,
        [EXPIRED] = EXEC_EXPIRED,
        [REJECTED] = EXEC_REJECTED,
        [REPLACED] = EXEC_REPLACED,
        [CANCEL_REJECT] = EXEC_CANCEL_REJECT,
        [REJECT_OWN] = EXEC_REJECTED,
        [REJECT_OTHER] = EXEC_REJECTED,
        [TIMEOUT] = 0,
        [DISCONNECT] = 0,
        [STATUS_OPEN] = EXEC_STATUS,
        [STATUS_ENDED] = EXEC_STATUS,
    };
    struct broker_report report = report_of(order, exec_types[stimulus], order->cum_qty);
    if (stimulus == FILL_PART || stimulus == FILL_ALL) {
        report.cum_qty = stimulus == FILL_ALL ? QTY : order->cum_qty + LOTS(1);
        report.exec_id = 2;
        report.last_qty = report.cum_qty - order->cum_qty;
        report.last_price = report.avg_price = PRICE;
    }
    if (stimulus == REPLACED)
        report.price = PRICE_NEW;
    if (stimulus == REPLACED || stimulus == CANCEL_REJECT || stimulus == REJECT_OTHER)
        report.request_intent = PENDING;
    if (stimulus == REJECT_OWN)
        report.request_intent = OWN;
    report.final = stimulus == STATUS_ENDED;
    return report;
}

static struct order_outcome stimulate(struct order *order, enum stimulus stimulus)
{
    if (stimulus == TIMEOUT || stimulus == DISCONNECT)
        return happen(order, stimulus == TIMEOUT ? ORDER_EVENT_ACK_TIMEOUT : ORDER_EVENT_DISCONNECT);
    struct broker_report report = stimulus_report(order, stimulus);
    return give(order, &report);
}

static const char *const state_names[] = {
#define X(name, text) #name,
    ORDER_STATE_LIST(X)
#undef X
};

static void describe(const struct order *before, const struct order *after, const struct order_outcome *out, char *text)
{
    static const char *const pends[] = {"", ":C", ":R"};
    bool same = before->state == after->state && before->pend == after->pend;
    sprintf(text, "%s%s%s%s%s", same ? "=" : state_names[after->state], same ? "" : pends[after->pend],
            out->anomaly ? "!" : "", out->query ? "?" : "", out->send ? ">" : "");
}

static void test_every_cell(void **unused)
{
    (void)unused;
    unsigned wrong = 0;
    for (size_t row = 0; row < COUNT(cells); row++)
        for (int s = 0; s < STIMULUS_COUNT; s++) {
            struct order before = order_in(cells[row].state, cells[row].pend, LOTS(cells[row].cum)), after = before;
            struct order_outcome out = stimulate(&after, (enum stimulus)s);
            char text[64];
            describe(&before, &after, &out, text);
            if (strcmp(text, cells[row].after[s]) != 0) {
                print_error("%s/%u cum %d, stimulus %d: %s, not %s\n", state_names[cells[row].state], cells[row].pend,
                            cells[row].cum, s, text, cells[row].after[s]);
                wrong++;
            }
            assert_int_equal(out.state_changed, before.state != after.state);
            assert_int_equal(out.became_final, order_state_final(after.state) && !order_state_final(before.state));
            assert_int_equal(out.filled_qty, after.cum_qty - before.cum_qty);
            assert_int_equal(out.overfilled, after.cum_qty > after.qty);
            assert_int_equal(after.anomalies, out.anomaly);
        }
    assert_int_equal(wrong, 0);
}

static void test_every_state_has_cells(void **unused)
{
    (void)unused;
    for (uint32_t state = 0; state < ORDER_STATE_COUNT; state++) {
        bool found = false;
        for (size_t row = 0; row < COUNT(cells); row++)
            found |= cells[row].state == state;
        assert_true(found);
        assert_string_not_equal(order_state_text(state), "?");
    }
    assert_string_equal(order_state_text(ORDER_STATE_COUNT), "?");
    assert_string_equal(order_state_text(ORDER_PARTIAL), "PARTIALLY_FILLED");
}

/* --- what the cells do besides the state -------------------------------------------------------------------- */

static void test_replace_adopts_terms(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_REPLACE, 0);
    struct broker_report report = report_of(&order, EXEC_REPLACED, 0);
    report.price = PRICE_NEW;
    report.qty = LOTS(8);
    report.request_intent = PENDING;
    assert_true(give(&order, &report).replaced);
    assert_int_equal(order.price, PRICE_NEW);
    assert_int_equal(order.qty, LOTS(8));
    assert_int_equal(order.pending_intent, 0);

    order = order_in(ORDER_PARTIAL, PEND_REPLACE, LOTS(4)); /* the new quantity is what is filled already */
    report.qty = report.cum_qty = LOTS(4);
    report.avg_price = PRICE;
    assert_true(give(&order, &report).became_final);
    assert_int_equal(order.state, ORDER_FILLED);

    order = order_in(ORDER_WORKING, PEND_REPLACE, 0); /* the answer to an older replace: this one is still pending */
    report = report_of(&order, EXEC_REPLACED, 0);
    report.request_intent = PENDING - 50;
    (void)give(&order, &report);
    assert_int_equal(order.pend, PEND_REPLACE);
}

static void test_replace_refused_keeps_terms(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_REPLACE, 0);
    struct broker_report report = report_of(&order, EXEC_CANCEL_REJECT, 0);
    report.request_intent = PENDING;
    report.qty = 0; /* a venue that does not know the order says nothing of it */
    report.price = 0;
    report.reason = BROKER_UNKNOWN_ORDER;
    struct order_outcome out = give(&order, &report);
    assert_true(out.cancel_refused && out.query && !out.replaced);
    assert_int_equal(order.price, PRICE);
    assert_int_equal(order.qty, QTY);
    assert_int_equal(order.reason, BROKER_UNKNOWN_ORDER);
}

static void test_refusal_of_an_older_request_is_ignored(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_CANCEL, 0);
    struct broker_report report = report_of(&order, EXEC_CANCEL_REJECT, 0);
    report.request_intent = PENDING - 50;
    struct order_outcome out = give(&order, &report);
    assert_false(out.cancel_refused || out.query || out.anomaly);
    assert_int_equal(order.pend, PEND_CANCEL);
}

static void test_status_is_compared_with_old_and_new_terms(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_REPLACE, 0);
    struct broker_report report = report_of(&order, EXEC_STATUS, 0);
    report.price = PRICE_NEW; /* new: the replace got through */
    struct order_outcome out = give(&order, &report);
    assert_true(out.replaced && !out.anomaly);
    assert_int_equal(order.price, PRICE_NEW);
    assert_int_equal(order.pend, PEND_NONE);

    order = order_in(ORDER_UNKNOWN, PEND_REPLACE, 0);
    out = give(&order, &report);
    assert_true(out.replaced && !out.anomaly);
    assert_int_equal(order.state, ORDER_WORKING);
    assert_int_equal(order.price, PRICE_NEW);

    order = order_in(ORDER_WORKING, PEND_REPLACE, 0);
    report.price = LOTS(99); /* neither: the venue's word, and a person looks */
    out = give(&order, &report);
    assert_true(out.replaced && out.anomaly);
    assert_int_equal(order.price, LOTS(99));

    order = order_in(ORDER_UNKNOWN, PEND_NONE, 0); /* final by its reason */
    report = report_of(&order, EXEC_STATUS, 0);
    report.final = 1;
    report.reason = BROKER_NO_MARGIN;
    (void)give(&order, &report);
    assert_int_equal(order.state, ORDER_REJECTED);
}

static void test_status_that_names_a_request_only(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_UNKNOWN, PEND_NONE, 0);
    struct broker_report report = {.exec_type = EXEC_STATUS, .intent = OWN};
    for (unsigned i = 0; i < ORDER_TRIES_MAX; i++) {
        assert_true(give(&order, &report).query);
        assert_int_equal(order.state, ORDER_UNKNOWN);
    }
    assert_true(give(&order, &report).anomaly); /* such answers do not go on for ever */
    assert_int_equal(order.state, ORDER_DISPUTED);
}

/* Protection is acknowledged with what its entry has filled, and restated as that grows. */
static void test_protection_follows_its_entry(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_PENDING_NEW, PEND_NONE, 0);
    struct broker_report report = report_of(&order, EXEC_NEW, 0);
    report.qty = LOTS(3);
    assert_false(give(&order, &report).anomaly);
    assert_int_equal(order.qty, LOTS(3));
    report = report_of(&order, EXEC_RESTATED, 0);
    assert_true(give(&order, &report).replaced);
    assert_int_equal(order.qty, QTY);
    assert_int_equal(order.state, ORDER_WORKING);

    order = order_in(ORDER_PENDING_NEW, PEND_NONE, 0); /* its fill overtakes the acknowledgement */
    report = report_of(&order, EXEC_TRADE, LOTS(3));
    report.qty = LOTS(3);
    report.final = 1;
    assert_true(give(&order, &report).became_final);
    assert_int_equal(order.state, ORDER_FILLED);
}

static void test_restated(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_PARTIAL, PEND_NONE, LOTS(4));
    struct broker_report report = report_of(&order, EXEC_RESTATED, LOTS(2)); /* less than known: not believed */
    report.qty = LOTS(4);
    struct order_outcome out = give(&order, &report);
    assert_true(out.anomaly);
    assert_int_equal(order.cum_qty, LOTS(4));
    assert_int_equal(order.state, ORDER_FILLED);
    report.qty = QTY;
    report.cum_qty = LOTS(4);
    assert_true(give(&order, &report).anomaly); /* a complete order that goes on */
    assert_int_equal(order.state, ORDER_PARTIAL);
    report.final = 1;
    (void)give(&order, &report);
    assert_int_equal(order.state, ORDER_CANCELED);
}

/* --- fills, bust, correction ------------------------------------------------------------------------------------ */

static struct broker_report trade(uint64_t exec_id, dec_t cum, dec_t qty, dec_t price)
{
    return (struct broker_report){.exec_type = EXEC_TRADE,
                                  .intent = OWN,
                                  .exec_id = exec_id,
                                  .qty = QTY,
                                  .cum_qty = cum,
                                  .last_qty = qty,
                                  .last_price = price};
}

static void test_average_price(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_NONE, 0);
    struct broker_report report = trade(1, LOTS(4), LOTS(4), LOTS(50));
    (void)give(&order, &report);
    report = trade(2, LOTS(6), LOTS(2), LOTS(53));
    (void)give(&order, &report);
    assert_int_equal(order.avg_price, LOTS(51)); /* (4 * 50 + 2 * 53) / 6 */
    /* A report was lost: 4 more, of which the last 1 at 60; the average of 10 is 54. AvgPx algebra: 58.5 for the 4. */
    report = trade(4, LOTS(10), LOTS(1), LOTS(60));
    report.avg_price = LOTS(54);
    assert_int_equal(give(&order, &report).filled_qty, LOTS(4));
    assert_int_equal(order.avg_price, LOTS(54));
    assert_int_equal(order.fills[2].price, LOTS(117) / 2);
    assert_int_equal(order.state, ORDER_FILLED);
}

static void test_duplicates_count_once(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_NONE, 0);
    struct broker_report first = trade(1, LOTS(4), LOTS(4), LOTS(50)), second = trade(2, LOTS(6), LOTS(2), LOTS(53));
    (void)give(&order, &first);
    (void)give(&order, &second);
    struct order kept = order;
    assert_int_equal(give(&order, &second).filled_qty, 0);
    assert_int_equal(give(&order, &first).filled_qty, 0);
    assert_memory_equal(&order, &kept, sizeof order);
    /* One exec id with more behind it: the quantity is believed, the id is not, and a person looks. */
    struct broker_report odd = trade(2, LOTS(7), LOTS(1), LOTS(53));
    struct order_outcome out = give(&order, &odd);
    assert_true(out.anomaly);
    assert_int_equal(out.filled_qty, LOTS(1));
    assert_int_equal(order.fills[2].exec_id, 0);
}

static void test_bust(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_NONE, 0);
    struct broker_report first = trade(1, LOTS(4), LOTS(4), LOTS(50)), second = trade(2, LOTS(10), LOTS(6), LOTS(60));
    (void)give(&order, &first);
    (void)give(&order, &second);
    assert_int_equal(order.state, ORDER_FILLED);
    struct broker_report bust = {.exec_type = EXEC_BUST, .intent = OWN, .exec_id = 2, .qty = QTY};
    struct order_outcome out = give(&order, &bust);
    assert_true(out.anomaly && out.state_changed);
    assert_int_equal(out.filled_qty, -LOTS(6));
    assert_int_equal(order.state, ORDER_PARTIAL);
    assert_int_equal(order.avg_price, LOTS(50));
    struct order kept = order;
    out = give(&order, &bust); /* told again */
    assert_int_equal(out.filled_qty, 0);
    assert_true(out.anomaly);
    (void)give(&order, &second); /* the busted trade told again: it stays busted */
    kept.anomalies = order.anomalies;
    assert_memory_equal(&order, &kept, sizeof order);

    order = order_in(ORDER_FILLED, PEND_NONE, QTY); /* nothing goes on at the venue */
    bust = (struct broker_report){.exec_type = EXEC_BUST, .intent = OWN, .exec_id = 1, .qty = QTY, .final = 1};
    (void)give(&order, &bust);
    assert_int_equal(order.state, ORDER_CANCELED);
    assert_int_equal(order.cum_qty, 0);
    assert_int_equal(order.avg_price, 0);

    order = order_in(ORDER_FILLED, PEND_NONE, QTY); /* no exec id: 14 and 6 are trusted */
    bust = (struct broker_report){
        .exec_type = EXEC_BUST, .intent = OWN, .qty = QTY, .cum_qty = LOTS(7), .avg_price = LOTS(49)};
    assert_int_equal(give(&order, &bust).filled_qty, -LOTS(3));
    assert_int_equal(order.avg_price, LOTS(49));
    assert_int_equal(order.state, ORDER_PARTIAL);
}

static void test_bust_of_an_overfill_settles_it(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_FILLED, PEND_NONE, QTY);
    struct broker_report more = trade(2, LOTS(12), LOTS(2), LOTS(50));
    struct order_outcome out = give(&order, &more);
    assert_true(out.overfilled);
    assert_int_equal(order.state, ORDER_DISPUTED);
    struct broker_report canceled = report_of(&order, EXEC_CANCELED, LOTS(12));
    (void)give(&order, &canceled); /* no report but a bust or a correction explains an overfill */
    assert_int_equal(order.state, ORDER_DISPUTED);
    struct broker_report bust = {.exec_type = EXEC_BUST, .intent = OWN, .exec_id = 2, .qty = QTY};
    (void)give(&order, &bust);
    assert_int_equal(order.state, ORDER_FILLED);
    assert_int_equal(order.cum_qty, QTY);
}

static void test_correction(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_FILLED, PEND_NONE, QTY);
    struct broker_report correct = {
        .exec_type = EXEC_CORRECT, .intent = OWN, .exec_id = 1, .qty = QTY, .last_qty = QTY, .last_price = LOTS(52)};
    struct order_outcome out = give(&order, &correct);
    assert_true(out.anomaly && !out.state_changed);
    assert_int_equal(order.avg_price, LOTS(52));
    correct.last_qty = LOTS(9);
    out = give(&order, &correct);
    assert_int_equal(out.filled_qty, -LOTS(1));
    assert_int_equal(order.state, ORDER_PARTIAL);
    assert_int_equal(order.avg_price, LOTS(52));
    correct.last_qty = LOTS(11);
    out = give(&order, &correct);
    assert_true(out.overfilled);
    assert_int_equal(order.state, ORDER_DISPUTED);
}

static void test_many_fills_are_merged(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_NONE, 0);
    for (uint64_t i = 1; i <= 20; i++) {
        struct broker_report report = trade(i, (dec_t)i * DEC_ONE / 2, DEC_ONE / 2, LOTS(50));
        (void)give(&order, &report);
    }
    assert_int_equal(order.fill_count, ORDER_FILLS_MAX);
    assert_int_equal(order.state, ORDER_FILLED);
    /* The bust of a fill that was merged: 14 is trusted. */
    struct broker_report bust = {.exec_type = EXEC_BUST,
                                 .intent = OWN,
                                 .exec_id = 20,
                                 .qty = QTY,
                                 .cum_qty = QTY - DEC_ONE / 2,
                                 .avg_price = LOTS(50)};
    assert_int_equal(give(&order, &bust).filled_qty, -DEC_ONE / 2);
}

static void test_fill_and_end_in_one_report(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_CANCEL, 0);
    struct broker_report report = report_of(&order, EXEC_CANCELED, LOTS(3));
    struct order_outcome out = give(&order, &report);
    assert_int_equal(out.filled_qty, LOTS(3));
    assert_int_equal(order.state, ORDER_CANCELED);
    order = order_in(ORDER_WORKING, PEND_CANCEL, 0);
    report.cum_qty = QTY;
    (void)give(&order, &report); /* cancelled and complete: CumQty is believed */
    assert_int_equal(order.state, ORDER_FILLED);
}

static void test_unusable_reports(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_WORKING, PEND_NONE, 0), kept;
    struct broker_report report = report_of(&order, 'z', 0);
    assert_true(give(&order, &report).anomaly);
    kept = order;
    report = report_of(&order, EXEC_NEW, -LOTS(1)); /* less than nothing is less than known */
    (void)give(&order, &report);
    assert_memory_equal(&order, &kept, sizeof order);
    report = report_of(&order, EXEC_POSTING, LOTS(5)); /* money without a trade */
    assert_int_equal(give(&order, &report).filled_qty, 0);
    assert_memory_equal(&order, &kept, sizeof order);
}

/* --- our own events ---------------------------------------------------------------------------------------------- */

static void test_sent_and_cancel_sent(void **unused)
{
    (void)unused;
    struct order order = order_in(ORDER_CREATED, PEND_NONE, 0);
    assert_true(happen(&order, ORDER_EVENT_SENT).state_changed);
    assert_int_equal(order.state, ORDER_PENDING_NEW);
    assert_int_equal(order.sent_ns, 9);
    order = order_in(ORDER_UNKNOWN, PEND_NONE, 0); /* again, to a venue that is idempotent */
    (void)happen(&order, ORDER_EVENT_SENT);
    assert_int_equal(order.state, ORDER_PENDING_NEW);
    static const uint32_t sent[] = {ORDER_PENDING_NEW, ORDER_WORKING, ORDER_PARTIAL, ORDER_UNKNOWN, ORDER_DISPUTED};
    for (size_t i = 0; i < COUNT(sent); i++) {
        order = order_in(sent[i], PEND_NONE, 0);
        order.pending_intent = PENDING;
        (void)happen(&order, ORDER_EVENT_CANCEL_SENT);
        assert_int_equal(order.pend, PEND_CANCEL);
        assert_int_equal(order.state, sent[i]);
    }
    order = order_in(ORDER_WORKING, PEND_NONE, 0);
    order.pending_intent = PENDING;
    order.pending_price = PRICE_NEW;
    (void)happen(&order, ORDER_EVENT_REPLACE_SENT);
    assert_int_equal(order.pend, PEND_REPLACE);
}

static void test_timeouts_end_in_dispute(void **unused)
{
    (void)unused;
    static const int64_t waits_s[ORDER_TRIES_MAX] = {1, 2, 4, 8, 15};
    struct order order = order_in(ORDER_PENDING_NEW, PEND_NONE, 0);
    assert_true(happen(&order, ORDER_EVENT_ACK_TIMEOUT).query);
    for (unsigned i = 0; i < ORDER_TRIES_MAX; i++) {
        assert_int_equal(order.state, ORDER_UNKNOWN);
        assert_int_equal(order_retry_ns(&order), waits_s[i] * INT64_C(1000000000));
        assert_true(happen(&order, ORDER_EVENT_ACK_TIMEOUT).query);
    }
    struct order_outcome out = happen(&order, ORDER_EVENT_ACK_TIMEOUT);
    assert_true(out.anomaly && !out.query && !out.became_final);
    assert_int_equal(order.state, ORDER_DISPUTED);
}

static void test_not_found_twice_is_lost(void **unused)
{
    (void)unused;
    static const uint32_t states[] = {ORDER_CREATED, ORDER_PENDING_NEW, ORDER_WORKING, ORDER_PARTIAL, ORDER_UNKNOWN};
    for (size_t i = 0; i < COUNT(states); i++) {
        struct order order = order_in(states[i], PEND_NONE, states[i] == ORDER_PARTIAL ? LOTS(4) : 0);
        struct order_outcome out = happen(&order, ORDER_EVENT_NOT_FOUND);
        assert_true(out.query && !out.became_final);
        assert_int_equal(order.state, ORDER_UNKNOWN);
        assert_true(happen(&order, ORDER_EVENT_NOT_FOUND).became_final);
        assert_int_equal(order.state, ORDER_LOST);
    }
    struct order order = order_in(ORDER_UNKNOWN, PEND_NONE, 0); /* twice, but not in a row */
    (void)happen(&order, ORDER_EVENT_NOT_FOUND);
    (void)happen(&order, ORDER_EVENT_SILENT);
    (void)happen(&order, ORDER_EVENT_NOT_FOUND);
    assert_int_equal(order.state, ORDER_UNKNOWN);
    struct broker_report report = report_of(&order, EXEC_NEW, 0); /* and then it is there after all */
    (void)give(&order, &report);
    assert_int_equal(order.state, ORDER_WORKING);
    (void)happen(&order, ORDER_EVENT_NOT_FOUND);
    assert_int_equal(order.state, ORDER_UNKNOWN);
}

static void test_silence_three_times_is_disputed(void **unused)
{
    (void)unused;
    static const uint32_t states[] = {ORDER_UNKNOWN, ORDER_WORKING};
    for (size_t i = 0; i < COUNT(states); i++) {
        struct order order = order_in(states[i], PEND_NONE, 0);
        for (unsigned n = 1; n < ORDER_SILENT_MAX; n++) {
            assert_true(happen(&order, ORDER_EVENT_SILENT).query);
            assert_int_equal(order.state, states[i]); /* no answer is not "not there" */
        }
        assert_true(happen(&order, ORDER_EVENT_SILENT).anomaly);
        assert_int_equal(order.state, ORDER_DISPUTED);
    }
    /* Questions end also when the two kinds of no-answer alternate. */
    struct order order = order_in(ORDER_UNKNOWN, PEND_NONE, 0);
    unsigned questions = 0;
    while (order.state == ORDER_UNKNOWN && questions < 100)
        (void)happen(&order, questions++ % 2 ? ORDER_EVENT_NOT_FOUND : ORDER_EVENT_SILENT);
    assert_int_equal(order.state, ORDER_DISPUTED);
    assert_int_equal(questions, ORDER_TRIES_MAX + 1);
}

static void test_questions_do_not_move_the_final(void **unused)
{
    (void)unused;
    for (uint32_t state = 0; state < ORDER_STATE_COUNT; state++) {
        if (!order_state_final(state) && state != ORDER_DISPUTED)
            continue;
        struct order order = order_in(state, PEND_NONE, state == ORDER_FILLED ? QTY : 0), kept = order;
        (void)happen(&order, ORDER_EVENT_NOT_FOUND);
        (void)happen(&order, ORDER_EVENT_NOT_FOUND);
        for (unsigned i = 0; i < ORDER_SILENT_MAX; i++)
            (void)happen(&order, ORDER_EVENT_SILENT);
        assert_memory_equal(&order, &kept, sizeof order);
    }
}

static void test_open_quantities(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t state, pend;
        int cum, worst, sure;
    } wants[] = {
        {ORDER_CREATED, PEND_NONE, 0, 10, 0},     {ORDER_PENDING_NEW, PEND_NONE, 0, 10, 0},
        {ORDER_WORKING, PEND_NONE, 0, 10, 10},    {ORDER_PARTIAL, PEND_NONE, 4, 6, 6},
        {ORDER_PARTIAL, PEND_CANCEL, 4, 6, 0},    {ORDER_PARTIAL, PEND_REPLACE, 4, 6, 6},
        {ORDER_UNKNOWN, PEND_NONE, 4, 6, 0},      {ORDER_DISPUTED, PEND_NONE, 4, 6, 0},
        {ORDER_DISPUTED, PEND_NONE, 12, 0, 0},    {ORDER_FILLED, PEND_NONE, 10, 0, 0},
        {ORDER_CANCELED, PEND_NONE, 4, 0, 0},     {ORDER_LOST, PEND_NONE, 0, 0, 0},
        {ORDER_REJECTED, PEND_NONE, 0, 0, 0},     {ORDER_DENIED, PEND_NONE, 0, 0, 0},
        {ORDER_EXPIRED, PEND_NONE, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(wants); i++) {
        struct order order = order_in(wants[i].state, wants[i].pend, LOTS(wants[i].cum));
        assert_int_equal(order_open_qty_worst(&order), LOTS(wants[i].worst));
        assert_int_equal(order_open_qty_sure(&order), LOTS(wants[i].sure));
    }
}

/* --- storms ------------------------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

static const uint32_t storm_types[] = {EXEC_NEW,      EXEC_TRADE,    EXEC_TRADE,    EXEC_TRADE,         EXEC_CANCELED,
                                       EXEC_EXPIRED,  EXEC_REJECTED, EXEC_REPLACED, EXEC_CANCEL_REJECT, EXEC_STATUS,
                                       EXEC_RESTATED, EXEC_BUST,     EXEC_CORRECT,  EXEC_POSTING,       'z'};

static struct broker_report storm_report(const struct order *order, uint64_t *seed)
{
    struct broker_report report = {
        .exec_type = storm_types[draw(seed, COUNT(storm_types))],
        .intent = OWN,
        .exec_id = draw(seed, 20),
        .qty = draw(seed, 8) == 0 ? LOTS((dec_t)draw(seed, 14)) : order->qty,
        .cum_qty = order->cum_qty + LOTS((dec_t)draw(seed, 5) - 2),
        .avg_price = LOTS((dec_t)draw(seed, 3) * 50),
        .last_qty = LOTS((dec_t)draw(seed, 4) - 1),
        .last_price = LOTS((dec_t)draw(seed, 100)),
        .price = LOTS((dec_t)draw(seed, 3) + 49),
        .final = draw(seed, 4) == 0,
        .reason = (uint32_t)draw(seed, BROKER_REASON_COUNT),
    };
    static const uint64_t requests[] = {0, OWN, PENDING, PENDING + 1};
    report.request_intent = requests[draw(seed, COUNT(requests))];
    return report;
}

static bool storm_event(struct order *order, uint64_t *seed, struct order_outcome *out)
{
    static const enum order_event events[] = {
        ORDER_EVENT_SENT,       ORDER_EVENT_CANCEL_SENT, ORDER_EVENT_REPLACE_SENT, ORDER_EVENT_ACK_TIMEOUT,
        ORDER_EVENT_DISCONNECT, ORDER_EVENT_NOT_FOUND,   ORDER_EVENT_SILENT};
    enum order_event event = events[draw(seed, COUNT(events))];
    bool works = order->state == ORDER_WORKING || order->state == ORDER_PARTIAL;
    bool unsent = order->state == ORDER_CREATED;
    if (event == ORDER_EVENT_SENT && !unsent && order->state != ORDER_PENDING_NEW && order->state != ORDER_UNKNOWN)
        return false;
    if (event == ORDER_EVENT_CANCEL_SENT && (unsent || order_state_final(order->state)))
        return false;
    if (event == ORDER_EVENT_REPLACE_SENT && !works)
        return false;
    if (event == ORDER_EVENT_CANCEL_SENT || event == ORDER_EVENT_REPLACE_SENT) {
        order->pending_intent = PENDING + draw(seed, 2);
        order->pending_price = event == ORDER_EVENT_REPLACE_SENT ? PRICE_NEW : 0;
    }
    order_on_event(order, event, 1, out);
    assert_int_equal(out->filled_qty, 0);
    return true;
}

static void storm_check(const struct order *before, const struct order *after, const struct order_outcome *out,
                        uint32_t exec_type)
{
    bool reversal = exec_type == EXEC_BUST || exec_type == EXEC_CORRECT;
    assert_int_equal(out->filled_qty, after->cum_qty - before->cum_qty);
    assert_true(after->cum_qty >= 0 && (reversal || after->cum_qty >= before->cum_qty));
    assert_true(after->cum_qty <= after->qty || after->state == ORDER_DISPUTED || order_state_final(before->state) ||
                reversal);
    assert_true(after->state != ORDER_FILLED || after->cum_qty == after->qty);
    assert_int_equal(out->overfilled ? after->state : ORDER_DISPUTED, ORDER_DISPUTED);
    assert_int_equal(after->anomalies, before->anomalies + out->anomaly);
    assert_true(!order_state_final(after->state) || after->pend == PEND_NONE);
    assert_true(order_open_qty_worst(after) >= order_open_qty_sure(after));
    if (!order_state_final(before->state) || after->state == before->state)
        return;
    /* What is final moves by a fill or its reversal alone, or, FILLED, by a restatement. */
    assert_true(out->filled_qty != 0 || reversal || (before->state == ORDER_FILLED && exec_type == EXEC_RESTATED));
    assert_true(before->state == ORDER_FILLED || after->state == ORDER_FILLED || after->state == ORDER_DISPUTED);
}

static void test_storm(void **unused)
{
    (void)unused;
    for (uint64_t run = 0; run < 3000; run++) {
        uint64_t seed = hash_mix64(run + 1);
        struct order order = order_in(ORDER_CREATED, PEND_NONE, 0);
        for (unsigned step = 0; step < 60; step++) {
            struct order before = order;
            struct order_outcome out = {0};
            if (draw(&seed, 3) == 0) {
                if (storm_event(&order, &seed, &out))
                    storm_check(&before, &order, &out, 0);
                continue;
            }
            struct broker_report report = storm_report(&order, &seed);
            order_on_report(&order, &report, &out);
            storm_check(&before, &order, &out, report.exec_type);
            if (report.exec_type == EXEC_TRADE) { /* told twice */
                struct order once = order;
                order_on_report(&order, &report, &out);
                assert_int_equal(out.filled_qty, 0);
                order.anomalies = once.anomalies;
                assert_memory_equal(&order, &once, sizeof order);
            }
        }
    }
}

#define LIFE_MAX 16

/* What a venue says of one order from its acknowledgement to its end, in order. */
static unsigned venue_life(struct broker_report *life, uint64_t *seed, bool *canceled)
{
    unsigned count = 0;
    dec_t cum = 0, value = 0;
    struct order order = order_in(ORDER_WORKING, PEND_NONE, 0);
    life[count++] = report_of(&order, EXEC_NEW, 0);
    while (cum < QTY && count < LIFE_MAX - 2 && draw(seed, 6) != 0) {
        dec_t qty = dec_min(QTY - cum, LOTS((dec_t)draw(seed, 4) + 1)), price = LOTS((dec_t)draw(seed, 9) + 45);
        cum += qty;
        value += qty / DEC_ONE * price;
        life[count] = trade(count, cum, qty, price);
        life[count].avg_price = value / (cum / DEC_ONE);
        life[count++].final = cum == QTY;
    }
    *canceled = cum < QTY;
    if (*canceled) {
        life[count] = report_of(&order, EXEC_CANCELED, cum);
        life[count].avg_price = cum > 0 ? value / (cum / DEC_ONE) : 0;
        life[count++].final = 1;
    }
    return count;
}

/* However its reports are reordered and repeated, an order ends as its venue says, with every fill counted once. */
static void test_any_order_of_reports_ends_alike(void **unused)
{
    (void)unused;
    for (uint64_t run = 0; run < 5000; run++) {
        uint64_t seed = hash_mix64(run + 77);
        struct broker_report life[LIFE_MAX];
        bool canceled;
        unsigned count = venue_life(life, &seed, &canceled);
        dec_t cum = life[count - 1].cum_qty, average = life[count - 1].avg_price;
        for (unsigned i = count - 1; i > 0; i--) {
            unsigned other = (unsigned)draw(&seed, i + 1);
            struct broker_report swap = life[i];
            life[i] = life[other];
            life[other] = swap;
        }
        struct order order = order_in(ORDER_PENDING_NEW, PEND_NONE, 0);
        dec_t filled = 0;
        for (unsigned i = 0; i < count; i++)
            for (uint64_t times = draw(&seed, 3) + 1; times > 0; times--)
                filled += give(&order, &life[i]).filled_qty;
        assert_int_equal(filled, cum);
        assert_int_equal(order.cum_qty, cum);
        assert_int_equal(order.avg_price, average);
        assert_int_equal(order.state, canceled ? ORDER_CANCELED : ORDER_FILLED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_every_state_has_cells),
        cmocka_unit_test(test_replace_adopts_terms),
        cmocka_unit_test(test_replace_refused_keeps_terms),
        cmocka_unit_test(test_refusal_of_an_older_request_is_ignored),
        cmocka_unit_test(test_status_is_compared_with_old_and_new_terms),
        cmocka_unit_test(test_status_that_names_a_request_only),
        cmocka_unit_test(test_protection_follows_its_entry),
        cmocka_unit_test(test_restated),
        cmocka_unit_test(test_average_price),
        cmocka_unit_test(test_duplicates_count_once),
        cmocka_unit_test(test_bust),
        cmocka_unit_test(test_bust_of_an_overfill_settles_it),
        cmocka_unit_test(test_correction),
        cmocka_unit_test(test_many_fills_are_merged),
        cmocka_unit_test(test_fill_and_end_in_one_report),
        cmocka_unit_test(test_unusable_reports),
        cmocka_unit_test(test_sent_and_cancel_sent),
        cmocka_unit_test(test_timeouts_end_in_dispute),
        cmocka_unit_test(test_not_found_twice_is_lost),
        cmocka_unit_test(test_silence_three_times_is_disputed),
        cmocka_unit_test(test_questions_do_not_move_the_final),
        cmocka_unit_test(test_open_quantities),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_any_order_of_reports_ends_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
