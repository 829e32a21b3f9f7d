/* The paper venue: entry with its bracket, exits, delivery, restart. Numbers worked out by hand. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/paper_support.h"
#include "tests/unit/store_support.h"

#include "base/error.h"

static int setup(void **state)
{
    static struct paper_test f;
    paper_test_init(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    paper_test_fini(*state);
    return 0;
}

/* Record 1 is known at 60 s. The entry decided there arrives at 60.06 s, inside the bar from 60 to 120 s. Its
 * path begins 1.10010, 1.10009 (60 s / 51 later): the quote in force is 1.10010 / 1.10020. */
static void open_long(struct paper_test *f)
{
    paper_test_open(f);
    paper_test_bar(f, EURUSD, 60, "1.10000 1.10000 1.10000 1.10000", 10);
    paper_test_enter(f, 101, EURUSD, SIDE_BUY, "1", "1.09900", "1.10200");
    paper_test_bar(f, EURUSD, 120, "1.10010 1.10030 1.10000 1.10020", 10);
}

static void expect_open(struct paper_test *f, uint32_t *at)
{
    const struct broker_report *r = paper_test_expect(f, at, EXEC_NEW, 101);
    assert_at(r->time_ns, 60 * SECOND + 60 * MS);
    assert_at(r->due_ns, 60 * SECOND + 100 * MS);
    assert_int_equal(r->created_seq, 2);
    assert_int_equal(r->latency_ns, 60 * MS);
    r = paper_test_expect(f, at, EXEC_TRADE, 101);
    assert_dec(r->last_price, "1.1002");
    assert_dec(r->last_qty, "1");
    assert_dec(r->cum_qty, "1");
    assert_dec(r->avg_price, "1.1002");
    assert_dec(r->commission, "-3");
    assert_dec(r->realized, "0");
    assert_dec(r->quote_bid, "1.1001");
    assert_dec(r->quote_ask, "1.1002");
    assert_int_equal(r->position, 101);
    assert_int_equal(r->exec_id, 1);
    assert_int_equal(r->latency_ns, 60 * MS);
    assert_int_equal(r->model_version, PAPER_MODEL_VERSION);
    assert_int_equal(r->final, 1);
    r = paper_test_expect(f, at, EXEC_NEW, 102);
    assert_int_equal(r->side, SIDE_SELL);
    assert_int_equal(r->position, 101);
    assert_dec(r->price, "1.099");
    assert_dec(r->qty, "1");
    r = paper_test_expect(f, at, EXEC_NEW, 103);
    assert_dec(r->price, "1.102");
}

static void entry_with_bracket_fills_at_the_quote_in_force(void **state)
{
    struct paper_test *f = *state;
    uint32_t at = 0;
    open_long(f);
    expect_open(f, &at);
    paper_test_expect_none(f, at);
    assert_dec(paper_test_balance(f), "99997");
    assert_int_equal(paper_test_positions(f), 1);
    assert_int_equal(paper_test_orders(f), 2);
    assert_int_equal(f->delivered_seq[0], 2);
}

/* Path 1.10020, 1.10015, then up in steps of ceil(205/32) = 7 ticks: ..., 1.10204, ... The limit is crossed. */
static void take_fills_at_its_price_and_cancels_the_stop(void **state)
{
    struct paper_test *f = *state;
    uint32_t at = 4;
    open_long(f);
    paper_test_bar(f, EURUSD, 180, "1.10020 1.10220 1.10015 1.10210", 10);
    const struct broker_report *r = paper_test_expect(f, &at, EXEC_TRADE, 103);
    assert_dec(r->last_price, "1.102");
    assert_dec(r->realized, "180"); /* (1.10200 - 1.10020) * 100000 */
    assert_dec(r->commission, "-3");
    assert_int_equal(r->position, 101);
    assert_int_equal(r->final, 1);
    r = paper_test_expect(f, &at, EXEC_CANCELED, 102);
    assert_int_equal(r->reason, BROKER_OCO);
    assert_int_equal(r->final, 1);
    paper_test_expect_none(f, at);
    assert_dec(paper_test_balance(f), "100174");
    assert_int_equal(paper_test_positions(f), 0);
    assert_int_equal(paper_test_orders(f), 0);
}

/* Low 1.09890: path 1.10020 -> 1.10030 (nearer), then down in steps of ceil(140/32) = 5 ticks; 1.09900 is met
 * exactly, and 60 ms later the quote is still that one (a step lasts about a second). */
static void stop_fills_at_the_quote_after_its_latency(void **state)
{
    struct paper_test *f = *state;
    uint32_t at = 4;
    open_long(f);
    paper_test_bar(f, EURUSD, 180, "1.10020 1.10030 1.09890 1.09950", 10);
    const struct broker_report *r = paper_test_expect(f, &at, EXEC_TRADE, 102);
    assert_dec(r->last_price, "1.099");
    assert_dec(r->realized, "-120");
    r = paper_test_expect(f, &at, EXEC_CANCELED, 103);
    assert_int_equal(r->reason, BROKER_OCO);
    paper_test_expect_none(f, at);
    assert_dec(paper_test_balance(f), "99874");
}

static void gap_beyond_the_stop_fills_at_the_open(void **state)
{
    struct paper_test *f = *state;
    uint32_t at = 4;
    open_long(f);
    paper_test_bar(f, EURUSD, 180, "1.09500 1.09550 1.09400 1.09450", 10);
    const struct broker_report *r = paper_test_expect(f, &at, EXEC_TRADE, 102);
    assert_dec(r->last_price, "1.095");
    assert_dec(r->realized, "-520");
    assert_at(r->time_ns, 120 * SECOND + 60 * MS);
}

static void close_fills_and_cancels_both(void **state)
{
    struct paper_test *f = *state;
    uint32_t at = 4;
    open_long(f);
    paper_test_close(f, 110, EURUSD, 101, SIDE_SELL, "5"); /* cut to 1 */
    paper_test_bar(f, EURUSD, 180, "1.10050 1.10060 1.10040 1.10050", 10);
    const struct broker_report *r = paper_test_expect(f, &at, EXEC_NEW, 110);
    assert_dec(r->qty, "1");
    assert_int_equal(r->position, 101);
    r = paper_test_expect(f, &at, EXEC_TRADE, 110);
    assert_dec(r->last_price, "1.1005");
    assert_dec(r->realized, "30");
    paper_test_expect(f, &at, EXEC_CANCELED, 102);
    paper_test_expect(f, &at, EXEC_CANCELED, 103);
    paper_test_expect_none(f, at);
    paper_test_close(f, 111, EURUSD, 101, SIDE_SELL, "1");
    paper_test_bar(f, EURUSD, 240, "1.10050 1.10060 1.10040 1.10050", 10);
    r = paper_test_expect(f, &at, EXEC_REJECTED, 111);
    assert_int_equal(r->reason, BROKER_NO_POSITION);
    assert_int_equal(r->final, 1);
}

/* A short: sells at the bid, is closed at the ask, its stop triggers on the ask. */
static void short_side(void **state)
{
    struct paper_test *f = *state;
    uint32_t at = 0;
    paper_test_open(f);
    paper_test_bar(f, EURUSD, 60, "1.10000 1.10000 1.10000 1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_SELL, "0.5", "1.10100", "1.09900");
    paper_test_bar(f, EURUSD, 120, "1.10000 1.10000 1.10000 1.10000", 10);
    paper_test_expect(f, &at, EXEC_NEW, 1);
    assert_dec(paper_test_expect(f, &at, EXEC_TRADE, 1)->last_price, "1.1");
    paper_test_expect(f, &at, EXEC_NEW, 2);
    paper_test_expect(f, &at, EXEC_NEW, 3);
    /* bid 1.10089, ask 1.10099: one tick short of the stop */
    paper_test_bar(f, EURUSD, 180, "1.10000 1.10089 1.10000 1.10000", 10);
    paper_test_expect_none(f, at);
    /* The same bids with a wider spread: ask 1.10101 at the top. */
    paper_test_bar(f, EURUSD, 240, "1.10000 1.10089 1.10000 1.10000", 12);
    const struct broker_report *r = paper_test_expect(f, &at, EXEC_TRADE, 2);
    assert_dec(r->last_price, "1.10101");
    assert_dec(r->realized, "-50.5"); /* 101 ticks * 0.5 */
    assert_dec(r->commission, "-1.5");
}

/* --- delivery --------------------------------------------------------------------------------------- */

static void reports_wait_for_their_due_time(void **state)
{
    struct paper_test *f = *state;
    struct broker_report r;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_quote(f, EURUSD, 59 * MS, "1.10001", "1.10011"); /* before it arrives */
    assert_int_equal(f->count, 0);
    paper_test_quote(f, EURUSD, 70 * MS, "1.10002", "1.10012"); /* fills here, due 40 ms later */
    assert_int_equal(f->count, 0);
    assert_int_equal(f->broker->ops->next_report(f->broker, 0, f->seq, f->time_ns + 39 * MS, &r), 0);
    assert_int_equal(f->broker->ops->next_report(f->broker, 0, f->seq, f->time_ns + 40 * MS, &r), 1);
    assert_int_equal(f->broker->ops->next_report(f->broker, 0, f->seq - 1, f->time_ns + 40 * MS, &r), 0);
    paper_test_quote(f, EURUSD, 110 * MS, "1.10003", "1.10013");
    assert_int_equal(f->count, 2);
    assert_dec(f->reports[1].last_price, "1.10012");
    assert_at(f->reports[1].time_ns, 70 * MS);
}

static void own_bar_and_earlier_ones_fill_nothing(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_bar(f, EURUSD, 60, "1.10000 1.10000 1.10000 1.10000", 10);
    struct market_record r = paper_test_bar_record(EURUSD, 120, "1.10000 1.10000 1.10000 1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    r.flags = 0; /* a bar built from others */
    paper_test_record(f, &r);
    r.flags = MARKET_BASE | MARKET_WARMUP;
    paper_test_record(f, &r);
    assert_int_equal(f->count, 0);
    r.flags = MARKET_BASE;
    paper_test_record(f, &r);
    assert_int_equal(f->count, 2);
}

static void repeated_request_acts_once(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_bar(f, EURUSD, 60, "1.10000 1.10000 1.10000 1.10000", 10);
    struct broker_request entry = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "1", "1.09000", NULL);
    paper_test_send(f, &entry);
    paper_test_send(f, &entry);
    paper_test_crash(f);
    paper_test_send(f, &entry);
    assert_int_equal(paper_test_orders(f), 2);
    paper_test_bar(f, EURUSD, 120, "1.10000 1.10000 1.10000 1.10000", 10);
    paper_test_close(f, 5, EURUSD, 1, SIDE_SELL, "1");
    paper_test_bar(f, EURUSD, 180, "1.10000 1.10000 1.10000 1.10000", 10);
    uint32_t count = f->count;
    paper_test_send(f, &entry); /* final by now */
    paper_test_close(f, 5, EURUSD, 1, SIDE_SELL, "1");
    paper_test_bar(f, EURUSD, 240, "1.10000 1.10000 1.10000 1.10000", 10);
    assert_int_equal(f->count, count);
    assert_int_equal(paper_test_orders(f), 0);
}

static void status_tells_how_an_order_stands(void **state)
{
    struct paper_test *f = *state;
    struct broker_report r;
    open_long(f);
    assert_int_equal(f->broker->ops->status(f->broker, 77, &r), 0);
    assert_int_equal(f->broker->ops->status(f->broker, 999, &r), 0);
    assert_int_equal(f->broker->ops->status(f->broker, 101, &r), 1); /* final, from the book */
    assert_int_equal(r.exec_type, EXEC_STATUS);
    assert_int_equal(r.final, 1);
    assert_dec(r.cum_qty, "1");
    assert_int_equal(f->broker->ops->status(f->broker, 102, &r), 1);
    assert_int_equal(r.final, 0);
    assert_dec(r.price, "1.099");
}

static void undelivered_reports_come_again_until_acknowledged(void **state)
{
    struct paper_test *f = *state;
    uint32_t at = 0;
    open_long(f);
    paper_test_crash(f);
    f->passed = 1; /* the account had durably passed the first */
    f->count = 1;
    struct market_record end = {.time_ns = f->time_ns, .kind = MARKET_END};
    paper_test_record(f, &end);
    expect_open(f, &at);
    f->broker->ops->acknowledge(f->broker, 4);
    assert_int_equal(f->broker->ops->checkpoint(f->broker, NULL), 0);
    size_t length;
    char byte;
    assert_true(store_get(f->store, 4 /* reports */, 4, &byte, 0, &length) != 0);
    paper_test_crash(f);
    f->passed = 4;
    paper_test_bar(f, EURUSD, 180, "1.09500 1.09550 1.09400 1.09450", 10);
    paper_test_expect(f, &at, EXEC_TRADE, 102);
    assert_int_equal(f->reports[at - 1].id, 5);
}

/* The book is ahead of its account: records that it has seen do nothing, those after it do. */
static void records_that_the_book_has_seen_are_ignored(void **state)
{
    struct paper_test *f = *state;
    open_long(f);
    dec_t balance = paper_test_balance(f);
    paper_test_crash(f);
    f->seq = 0;
    paper_test_bar(f, EURUSD, 60, "1.10000 1.10000 1.10000 1.10000", 10);
    paper_test_bar(f, EURUSD, 120, "1.09000 1.09000 1.09000 1.09000", 10); /* would hit the stop */
    assert_int_equal(paper_test_positions(f), 1);
    assert_true(paper_test_balance(f) == balance);
    struct broker_account_view view;
    f->broker->ops->account(f->broker, &view);
    assert_int_equal(view.last_seq, 2);
    assert_int_equal(view.last_report, 4);
}

static void full_disk_holds_reports_back_until_it_commits(void **state)
{
    struct paper_test *f = *state;
    struct error err = {0};
    paper_test_open(f);
    paper_test_bar(f, EURUSD, 60, "1.10000 1.10000 1.10000 1.10000", 10);
    struct broker_request entry = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "1", "1.09000", NULL);
    store_memory_fail(f->store, 28 /* ENOSPC */);
    assert_true(f->broker->ops->send(f->broker, &entry, &err) < 0);
    struct broker_report status;
    assert_int_equal(paper_test_orders(f), 0); /* certainly not handed over */
    assert_int_equal(f->broker->ops->status(f->broker, 1, &status), 0);
    store_memory_fail(f->store, 0);
    paper_test_send(f, &entry);
    assert_int_equal(f->broker->ops->status(f->broker, 1, &status), 1);
    assert_int_equal(status.venue_order, 1); /* the failed attempt has used up no number */
    assert_int_equal(paper_test_orders(f), 2);

    store_memory_fail(f->store, 28);
    struct market_record bar = paper_test_bar_record(EURUSD, 120, "1.10000 1.10000 1.10000 1.10000", 10);
    struct broker_report report;
    bar.seq = 2;
    assert_true(f->broker->ops->on_record(f->broker, &bar, &err) < 0);
    assert_int_equal(f->broker->ops->next_report(f->broker, 0, 2, bar.time_ns, &report), 0);
    assert_true(f->broker->ops->on_record(f->broker, &bar, &err) < 0);
    store_memory_fail(f->store, 0);
    assert_int_equal(f->broker->ops->on_record(f->broker, &bar, &err), 0);
    assert_int_equal(f->broker->ops->next_report(f->broker, 0, 2, bar.time_ns, &report), 1);
    assert_int_equal(report.exec_type, EXEC_NEW);
}

static void another_accounts_book_is_refused(void **state)
{
    struct paper_test *f = *state;
    struct error err = {0};
    struct broker *other = NULL;
    paper_test_open(f);
    assert_true(paper_open(f->config, 1, f->store, STORE_POWER, &other, &err) < 0);
    assert_null(other);
    assert_non_null(strstr(err.text, "another account"));
}

/* The same with LMDB instead of its twin: closed without a checkpoint, opened again. */
static void book_survives_in_lmdb(void **state)
{
    struct paper_test *f = *state;
    char folder[64];
    struct error err = {0};
    support_folder(folder);
    struct store_options options = {.folder = folder, .kind = "paper", .tables = paper_tables,
                                    .table_count = paper_table_count, .map_bytes = 1 << 20};
    store_close(&f->store);
    assert_int_equal(store_open(&options, &f->store, &err), 0);
    open_long(f);
    f->broker->ops->close(f->broker);
    store_close(&f->store);
    assert_int_equal(store_open(&options, &f->store, &err), 0);
    paper_test_open(f);
    assert_dec(paper_test_balance(f), "99997");
    assert_int_equal(paper_test_orders(f), 2);
    paper_test_bar(f, EURUSD, 180, "1.09500 1.09550 1.09400 1.09450", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 102)->last_price, "1.095");
    f->broker->ops->close(f->broker);
    f->broker = NULL;
    store_close(&f->store);
    support_remove(folder);
}

static void names_and_ids(void **state)
{
    (void)state;
    char id[BROKER_CL_ORD_ID_MAX];
    assert_string_equal(broker_reason_name(BROKER_OFF_QUOTES), "OFF_QUOTES");
    assert_string_equal(broker_reason_name(BROKER_REASON_COUNT), "?");
    for (unsigned i = 0; i < BROKER_REASON_COUNT; i++)
        assert_non_null(broker_reason_name(i));
    broker_cl_ord_id(1, 20, id);
    assert_string_equal(id, "0100000000000K");
    broker_cl_ord_id(31, 36 * 36 - 1, id);
    assert_string_equal(id, "0V0000000000ZZ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entry_with_bracket_fills_at_the_quote_in_force),
        TEST(take_fills_at_its_price_and_cancels_the_stop),
        TEST(stop_fills_at_the_quote_after_its_latency),
        TEST(gap_beyond_the_stop_fills_at_the_open),
        TEST(close_fills_and_cancels_both),
        TEST(short_side),
        TEST(reports_wait_for_their_due_time),
        TEST(own_bar_and_earlier_ones_fill_nothing),
        TEST(repeated_request_acts_once),
        TEST(status_tells_how_an_order_stands),
        TEST(undelivered_reports_come_again_until_acknowledged),
        TEST(records_that_the_book_has_seen_are_ignored),
        TEST(full_disk_holds_reports_back_until_it_commits),
        TEST(another_accounts_book_is_refused),
        TEST(book_survives_in_lmdb),
        cmocka_unit_test(names_and_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
