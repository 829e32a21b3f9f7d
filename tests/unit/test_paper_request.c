/* Refusals, cancels and replaces, sessions, and who wins a race. Numbers worked out by hand. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/paper_support.h"
#include "workers/broker/paper_internal.h"

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

static void flat(struct paper_test *f, int64_t at_s)
{
    paper_test_bar(f, EURUSD, at_s, "1.10000 1.10000 1.10000 1.10000", 10);
}

static void expect_rejected(const struct paper_test *f, uint64_t intent, uint32_t reason)
{
    const struct broker_report *r = paper_test_find(f, EXEC_REJECTED, intent);
    if (r->reason != reason)
        fail_msg("intent %llu: %s, expected %s", (unsigned long long)intent, broker_reason_name(r->reason),
                 broker_reason_name(reason));
    assert_int_equal(r->final, 1);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, intent), 0);
}

/* --- at the door ---------------------------------------------------------------------------------------- */

static void quantity_and_price_are_checked(void **state)
{
    struct paper_test *f = *state;
    static const struct {
        const char *qty, *stop, *take;
        uint32_t reason;
    } cases[] = {
        {"0", NULL, NULL, BROKER_BAD_QTY},         {"0.005", NULL, NULL, BROKER_BAD_QTY},
        {"0.015", NULL, NULL, BROKER_BAD_QTY},     {"100.01", NULL, NULL, BROKER_BAD_QTY},
        {"-1", NULL, NULL, BROKER_BAD_QTY},        {"1", "1.090001", NULL, BROKER_BAD_PRICE},
        {"1", "0", NULL, BROKER_BAD_PRICE},        {"1", NULL, "1.100005", BROKER_BAD_PRICE},
        {"1", "1.10000", NULL, BROKER_STOP_LEVEL}, /* not below the bid */
        {"1", "1.20000", NULL, BROKER_STOP_LEVEL}, {"1", NULL, "1.09000", BROKER_STOP_LEVEL},
        {"1", NULL, "1.10000", BROKER_STOP_LEVEL},
    };
    paper_test_open(f);
    flat(f, 60);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        paper_test_enter(f, 10 * (i + 1), EURUSD, SIDE_BUY, cases[i].qty, cases[i].stop, cases[i].take);
    flat(f, 120);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_rejected(f, 10 * (i + 1), cases[i].reason);
        if (cases[i].stop) /* a final word for the protective order too */
            assert_int_equal(paper_test_find(f, EXEC_CANCELED, 10 * (i + 1) + 1)->final, 1);
        if (cases[i].take)
            assert_int_equal(paper_test_find(f, EXEC_CANCELED, 10 * (i + 1) + 2)->reason, BROKER_OCO);
    }
    assert_int_equal(paper_test_orders(f), 0);
}

/* 50 ticks: a stop at 49 below the bid is refused, one at 50 taken; a target of a short counts from the ask. */
static void stop_level_is_a_distance_from_the_market(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].stop_level_ticks = paper_dec("50");
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 10, EURUSD, SIDE_BUY, "0.1", "1.09951", NULL);
    paper_test_enter(f, 20, EURUSD, SIDE_BUY, "0.1", "1.09950", NULL);
    paper_test_enter(f, 30, EURUSD, SIDE_SELL, "0.1", "1.10059", NULL);
    paper_test_enter(f, 40, EURUSD, SIDE_SELL, "0.1", "1.10060", NULL);
    paper_test_enter(f, 50, EURUSD, SIDE_SELL, "0.1", NULL, "1.09961");
    paper_test_enter(f, 60, EURUSD, SIDE_SELL, "0.1", NULL, "1.09960");
    flat(f, 120);
    expect_rejected(f, 10, BROKER_STOP_LEVEL);
    expect_rejected(f, 30, BROKER_STOP_LEVEL);
    expect_rejected(f, 50, BROKER_STOP_LEVEL);
    for (uint64_t intent = 20; intent <= 60; intent += 20)
        assert_int_equal(paper_test_count(f, EXEC_TRADE, intent), 1);
    /* a replace that comes too near leaves the order as it was */
    paper_test_replace(f, 100, 21, "1.09951");
    paper_test_replace(f, 101, 41, "1.10061");
    flat(f, 180);
    const struct broker_report *r = paper_test_find(f, EXEC_CANCEL_REJECT, 21);
    assert_int_equal(r->reason, BROKER_STOP_LEVEL);
    assert_int_equal(r->request_intent, 100);
    assert_int_equal(r->final, 0);
    assert_dec(r->price, "1.0995");
    assert_int_equal(paper_test_find(f, EXEC_REPLACED, 41)->request_intent, 101);
    assert_dec(paper_test_find(f, EXEC_REPLACED, 41)->price, "1.10061");
}

/* 21 brackets are 63 orders, one more is the last; the venue's own limit, not an assertion. */
static void too_many_orders(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    for (uint64_t i = 0; i < 21; i++)
        paper_test_enter(f, 10 + 10 * i, EURUSD, SIDE_BUY, "0.01", "1.09000", "1.11000");
    paper_test_enter(f, 500, EURUSD, SIDE_BUY, "0.01", "1.09000", NULL); /* two do not fit */
    paper_test_enter(f, 510, EURUSD, SIDE_BUY, "0.01", NULL, NULL);      /* one does */
    paper_test_enter(f, 520, EURUSD, SIDE_BUY, "0.01", NULL, NULL);
    assert_int_equal(paper_test_orders(f), 64);
    flat(f, 120);
    expect_rejected(f, 500, BROKER_TOO_MANY);
    expect_rejected(f, 520, BROKER_TOO_MANY);
    /* and sixteen positions */
    assert_int_equal(paper_test_positions(f), 16);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 160), 1);
    expect_rejected(f, 170, BROKER_TOO_MANY);
    paper_test_crash(f);
    assert_int_equal(paper_test_positions(f), 16);
}

static void random_rejections_follow_their_draw(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.reject_probability = 0.4;
    paper_test_open(f);
    flat(f, 60);
    uint32_t rejected = 0;
    for (uint64_t intent = 1; intent <= 15; intent++) {
        bool unlucky = paper_draw_uniform(paper_draw((struct paper *)f->broker, intent, DRAW_REJECT, 0)) < 0.4;
        paper_test_enter(f, intent, EURUSD, SIDE_BUY, "0.01", NULL, NULL);
        flat(f, 60 + (int64_t)intent * 60);
        if (unlucky)
            expect_rejected(f, intent, BROKER_RANDOM);
        else
            assert_int_equal(paper_test_count(f, EXEC_TRADE, intent), 1);
        rejected += unlucky;
    }
    assert_true(rejected > 0 && rejected < 15);
}

/* --- quotes that do not come ------------------------------------------------------------------------------- */

/* The next bar begins 120 s after the order: further than 5 s. */
static void stale_order_is_refused_by_the_next_bar(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09000", NULL);
    flat(f, 240);
    expect_rejected(f, 1, BROKER_OFF_QUOTES);
    assert_at(paper_test_find(f, EXEC_REJECTED, 1)->time_ns, 60 * SECOND + 60 * MS + 5 * SECOND);
}

/* A quote exactly at the end of the wait is in time, one a nanosecond later is not. */
static void stale_to_the_nanosecond(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_quote(f, EURUSD, 5060 * MS, "1.10000", "1.10010");
    paper_test_enter(f, 2, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_quote(f, EURUSD, 10120 * MS + 1, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 11 * SECOND, "1.10000", "1.10010");
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 1), 1);
    expect_rejected(f, 2, BROKER_OFF_QUOTES);
}

/* Asked again before the record of the decision is fed again: that record is still not seen. */
static void decisions_see_later_records_only(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.profile = FILL_IDEAL; /* effective at once */
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09000", "1.11000");
    paper_test_quote(f, EURUSD, SECOND, "1.10000", "1.10010");
    struct broker_request cancel = {.kind = BROKER_CANCEL, .intent = 5, .target_intent = 3, .seq = f->seq + 1,
                                    .time_ns = f->time_ns + SECOND};
    struct broker_request close = {.kind = BROKER_CLOSE, .instrument = EURUSD, .side = SIDE_SELL, .type = ORDER_MARKET,
                                   .intent = 6, .position = 1, .qty = paper_dec("1"), .seq = f->seq + 1,
                                   .time_ns = f->time_ns + SECOND};
    paper_test_send(f, &cancel);
    paper_test_send(f, &close);
    paper_test_quote(f, EURUSD, 2 * SECOND, "1.10000", "1.10010");
    assert_int_equal(paper_test_count(f, EXEC_CANCELED, 3), 0);
    assert_int_equal(paper_test_positions(f), 1);
    paper_test_quote(f, EURUSD, 3 * SECOND, "1.10000", "1.10010");
    assert_int_equal(paper_test_count(f, EXEC_CANCELED, 3), 1);
    assert_int_equal(paper_test_positions(f), 0);
}

/* With a longer patience the open of the bar two minutes on fills. */
static void short_gap_is_waited_for(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.stale_ns = 60 * SECOND;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_bar(f, EURUSD, 180, "1.10100 1.10100 1.10100 1.10100", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 1)->last_price, "1.1011");
    assert_at(paper_test_find(f, EXEC_TRADE, 1)->time_ns, 120 * SECOND);
}

/* Nothing comes for this instrument, but time goes on: a bar that covers 65.06 s is known by 125.06 s. */
static void silence_is_noticed_by_others_records(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_cancel(f, 2, 999);
    paper_test_end(f, 125);
    assert_int_equal(paper_test_count(f, EXEC_REJECTED, 1), 0);
    paper_test_end(f, 126);
    expect_rejected(f, 1, BROKER_OFF_QUOTES);
    assert_int_equal(paper_test_find(f, EXEC_CANCEL_REJECT, 999)->reason, BROKER_UNKNOWN_ORDER);
}

/* --- cancel and replace ------------------------------------------------------------------------------------- */

static void open_long(struct paper_test *f)
{
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09900", "1.10100");
    paper_test_quote(f, EURUSD, 100 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 200 * MS, "1.10000", "1.10010");
}

/* Decided at 200 ms, effective at 260: the quote of 259 ms still meets the old stop. */
static void a_fill_can_win_the_race(void **state)
{
    struct paper_test *f = *state;
    open_long(f);
    paper_test_cancel(f, 10, 2);
    paper_test_replace(f, 11, 3, "1.10200");
    paper_test_quote(f, EURUSD, 250 * MS, "1.09890", "1.09900"); /* triggers */
    paper_test_quote(f, EURUSD, 320 * MS, "1.09880", "1.09890"); /* fills */
    paper_test_quote(f, EURUSD, 500 * MS, "1.10000", "1.10010");
    assert_int_equal(paper_test_find(f, EXEC_CANCEL_REJECT, 2)->reason, BROKER_TOO_LATE);
    assert_int_equal(paper_test_find(f, EXEC_CANCEL_REJECT, 2)->request_intent, 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->last_price, "1.0988");
    /* the target was replaced while the stop was on its way, then went with the position */
    assert_int_equal(paper_test_count(f, EXEC_REPLACED, 3), 1);
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 3)->reason, BROKER_OCO);
    paper_test_cancel(f, 12, 3);
    paper_test_quote(f, EURUSD, 700 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 900 * MS, "1.10000", "1.10010");
    const struct broker_report *r = &f->reports[f->count - 1];
    assert_int_equal(r->exec_type, EXEC_CANCEL_REJECT);
    assert_int_equal(r->request_intent, 12);
    assert_int_equal(r->reason, BROKER_TOO_LATE);
}

static void cancel_takes_effect_after_its_latency(void **state)
{
    struct paper_test *f = *state;
    open_long(f);
    paper_test_cancel(f, 10, 3);
    paper_test_quote(f, EURUSD, 300 * MS, "1.10150", "1.10160"); /* would cross the target */
    paper_test_quote(f, EURUSD, 400 * MS, "1.10000", "1.10010");
    const struct broker_report *r = paper_test_find(f, EXEC_CANCELED, 3);
    assert_int_equal(r->request_intent, 10);
    assert_int_equal(r->reason, BROKER_OK);
    assert_at(r->time_ns, 260 * MS);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 3), 0);
    assert_int_equal(paper_test_orders(f), 1);
}

static void replaced_stop_is_the_one_that_triggers(void **state)
{
    struct paper_test *f = *state;
    open_long(f);
    paper_test_replace(f, 10, 2, "1.09950");
    paper_test_replace(f, 11, 3, "1.100005"); /* off the grid */
    paper_test_quote(f, EURUSD, 400 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 500 * MS, "1.09950", "1.09960");
    paper_test_quote(f, EURUSD, 600 * MS, "1.09940", "1.09950");
    paper_test_quote(f, EURUSD, 700 * MS, "1.09940", "1.09950");
    assert_dec(paper_test_find(f, EXEC_REPLACED, 2)->price, "1.0995");
    assert_at(paper_test_find(f, EXEC_REPLACED, 2)->time_ns, 400 * MS); /* against the first quote after 260 ms */
    assert_int_equal(paper_test_find(f, EXEC_CANCEL_REJECT, 3)->reason, BROKER_BAD_PRICE);
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->last_price, "1.0994");
}

static void cancelled_entry_takes_its_bracket_along(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    struct broker_request request = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "1", "1.08000", "1.11000");
    request.type = ORDER_LIMIT;
    request.price = paper_dec("1.09000");
    paper_test_send(f, &request);
    paper_test_cancel(f, 5, 1);
    paper_test_quote(f, EURUSD, 100 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 200 * MS, "1.10000", "1.10010");
    uint32_t at = 0;
    /* both arrive at 60 ms, and the next quote finds the order cancelled before it was taken */
    assert_int_equal(paper_test_expect(f, &at, EXEC_CANCELED, 1)->request_intent, 5);
    assert_int_equal(paper_test_expect(f, &at, EXEC_CANCELED, 2)->final, 1);
    assert_int_equal(paper_test_expect(f, &at, EXEC_CANCELED, 3)->final, 1);
    paper_test_expect_none(f, at);
    assert_int_equal(paper_test_orders(f), 0);
}

/* With drawn latencies a later request never arrives earlier: it is one session. */
static void requests_arrive_in_the_order_of_sending(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.latency_p99_ns = 2 * SECOND;
    paper_test_open(f);
    struct paper *v = (struct paper *)f->broker;
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    int64_t last_ns = 0;
    for (uint64_t intent = 1; intent <= 40; intent++) {
        paper_test_enter(f, intent, EURUSD, SIDE_BUY, "0.01", NULL, NULL);
        assert_true(v->orders[v->order_count - 1].effective_ns >= last_ns);
        last_ns = v->orders[v->order_count - 1].effective_ns;
    }
    assert_true(last_ns > PAPER_T0 + 60 * MS);
}

static void cancels_on_their_way_are_bounded(void **state)
{
    struct paper_test *f = *state;
    open_long(f);
    for (uint64_t i = 0; i < 70; i++)
        paper_test_replace(f, 100 + i, 2, "1.09910");
    paper_test_crash(f);
    paper_test_quote(f, EURUSD, 400 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 500 * MS, "1.10000", "1.10010");
    assert_int_equal(paper_test_count(f, EXEC_REPLACED, 2), 63);
    assert_int_equal(paper_test_count(f, EXEC_CANCEL_REJECT, 2), 7);
    assert_int_equal(paper_test_find(f, EXEC_CANCEL_REJECT, 2)->reason, BROKER_TOO_MANY);
}

static void status_of_a_request_is_that_of_its_order(void **state)
{
    struct paper_test *f = *state;
    struct broker_report r;
    open_long(f);
    paper_test_replace(f, 10, 2, "1.09950");
    assert_int_equal(f->broker->ops->status(f->broker, 10, &r), 1);
    assert_int_equal(r.intent, 2);
    assert_int_equal(r.request_intent, 10);
    assert_dec(r.price, "1.099"); /* not there yet */
    paper_test_quote(f, EURUSD, 400 * MS, "1.10000", "1.10010");
    assert_int_equal(f->broker->ops->status(f->broker, 10, &r), 1);
    assert_dec(r.price, "1.0995");
}

/* --- sessions -------------------------------------------------------------------------------------------------- */

#define DAY_S (24 * 3600)

/* The week in UTC here closes on Friday 21:00 and opens on Sunday 21:00; PAPER_T0 is Monday 10:00. */
static void weekend_and_daily_break(void **state)
{
    struct paper_test *f = *state;
    int64_t friday_21 = PAPER_T0 + (4 * DAY_S + 11 * 3600) * SECOND;
    assert_false(paper_session_closed(f->config, EURUSD, PAPER_T0));
    assert_false(paper_session_closed(f->config, EURUSD, friday_21 - 1));
    assert_true(paper_session_closed(f->config, EURUSD, friday_21));
    assert_true(paper_session_closed(f->config, EURUSD, friday_21 + DAY_S * SECOND));
    assert_true(paper_session_closed(f->config, EURUSD, friday_21 + 2 * DAY_S * SECOND - 1));
    assert_false(paper_session_closed(f->config, EURUSD, friday_21 + 2 * DAY_S * SECOND));
    assert_false(paper_session_closed(f->config, BTCUSD, friday_21 + DAY_S * SECOND));
    /* a break from 21:00 to 22:00 */
    f->config->instruments[EURUSD].session_open_s = 22 * 3600;
    int64_t monday_21 = PAPER_T0 + 11 * 3600 * SECOND;
    assert_false(paper_session_closed(f->config, EURUSD, monday_21 - 1));
    assert_true(paper_session_closed(f->config, EURUSD, monday_21));
    assert_true(paper_session_closed(f->config, EURUSD, monday_21 + 3600 * SECOND - 1));
    assert_false(paper_session_closed(f->config, EURUSD, monday_21 + 3600 * SECOND));
    /* open from 09:30 to 16:00 */
    f->config->instruments[EURUSD].session_open_s = 9 * 3600 + 1800;
    f->config->instruments[EURUSD].session_close_s = 16 * 3600;
    assert_false(paper_session_closed(f->config, EURUSD, PAPER_T0));
    assert_true(paper_session_closed(f->config, EURUSD, PAPER_T0 - 3600 * SECOND));
    assert_true(paper_session_closed(f->config, EURUSD, PAPER_T0 + 6 * 3600 * SECOND));
}

/* The zone's clock counts: New York at 17:00 is 21:00 UTC in May, 22:00 in December. */
static void session_follows_its_zone(void **state)
{
    struct paper_test *f = *state;
    struct error err = {0};
    if (tz_load("America/New_York", &f->config->zones[1], &err) != 0)
        fail_msg("%s", err.text);
    f->config->zone_count = 2;
    f->config->instruments[EURUSD].session_zone = 1;
    f->config->instruments[EURUSD].session_open_s = f->config->instruments[EURUSD].session_close_s = 17 * 3600;
    int64_t may = PAPER_T0 + (4 * DAY_S + 11 * 3600) * SECOND;          /* Friday 2024-05-17 21:00 */
    int64_t december = may + (int64_t)30 * 7 * DAY_S * SECOND;          /* Friday 2024-12-13 21:00 */
    assert_true(paper_session_closed(f->config, EURUSD, may));
    assert_false(paper_session_closed(f->config, EURUSD, may - 1));
    assert_false(paper_session_closed(f->config, EURUSD, december));
    assert_true(paper_session_closed(f->config, EURUSD, december + 3600 * SECOND));
}

/* Decided on the last bar of the week: it arrives 60 ms after the close, and is told so at once. */
static void closed_market_refuses_entries_and_closes(void **state)
{
    struct paper_test *f = *state;
    int64_t close_s = 4 * DAY_S + 11 * 3600;
    paper_test_open(f);
    flat(f, close_s - 120);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09000", NULL);
    flat(f, close_s - 60);
    flat(f, close_s);
    paper_test_enter(f, 11, EURUSD, SIDE_BUY, "1", "1.09000", NULL);
    paper_test_close(f, 15, EURUSD, 1, SIDE_SELL, "1");
    paper_test_replace(f, 16, 2, "1.09500"); /* the venue's book can be changed */
    paper_test_end(f, close_s + 1);
    expect_rejected(f, 11, BROKER_MARKET_CLOSED);
    expect_rejected(f, 15, BROKER_MARKET_CLOSED);
    paper_test_end(f, close_s + 62);
    assert_dec(paper_test_find(f, EXEC_REPLACED, 2)->price, "1.095");
    assert_int_equal(paper_test_positions(f), 1);
    /* Sunday opens beyond the stop */
    paper_test_bar(f, EURUSD, close_s + 2 * DAY_S + 60, "1.09400 1.09400 1.09400 1.09400", 30);
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->last_price, "1.094");
}

static void close_only_reduces_its_own_position(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_enter(f, 5, EURUSD, SIDE_SELL, "1", NULL, NULL);
    flat(f, 120);
    paper_test_close(f, 10, EURUSD, 1, SIDE_BUY, "1");  /* would add */
    paper_test_close(f, 11, GBPUSD, 1, SIDE_SELL, "1"); /* another instrument */
    paper_test_close(f, 12, EURUSD, 77, SIDE_SELL, "1");
    paper_test_close(f, 13, EURUSD, 5, SIDE_BUY, "1");
    paper_test_close(f, 14, EURUSD, 5, SIDE_BUY, "1"); /* twice */
    flat(f, 180);
    paper_test_end(f, 400);
    expect_rejected(f, 10, BROKER_NO_POSITION);
    assert_int_equal(paper_test_find(f, EXEC_REJECTED, 11)->final, 1);
    expect_rejected(f, 12, BROKER_NO_POSITION);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 13), 1);
    expect_rejected(f, 14, BROKER_NO_POSITION);
    assert_int_equal(paper_test_positions(f), 1);
}

/* --- protective orders of a position that is open -------------------------------------------------------------- */

static void protect(struct paper_test *f, uint64_t intent, uint64_t position, uint32_t side, uint32_t type, const char *price)
{
    struct broker_request request = {
        .kind = BROKER_CLOSE, .instrument = EURUSD, .side = side, .type = type, .intent = intent, .position = position,
        .qty = paper_dec("0.5"), .price = paper_dec(price), .time_ns = f->time_ns, .seq = f->seq,
    };
    paper_test_send(f, &request);
}

/* The quantity is the position's, not the one asked for; a crash on the way changes nothing. */
static void a_stop_is_placed_for_a_position_without_one(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_quote(f, EURUSD, 100 * MS, "1.10000", "1.10010");
    protect(f, 10, 1, SIDE_SELL, ORDER_STOP, "1.09900");
    protect(f, 10, 1, SIDE_SELL, ORDER_STOP, "1.09900"); /* a repeat */
    paper_test_crash(f);
    protect(f, 10, 1, SIDE_SELL, ORDER_STOP, "1.09900");
    paper_test_quote(f, EURUSD, 150 * MS, "1.09890", "1.09900"); /* before it arrives: nothing triggers */
    paper_test_quote(f, EURUSD, 250 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 350 * MS, "1.10000", "1.10010");
    assert_int_equal(paper_test_count(f, EXEC_NEW, 10), 1);
    const struct broker_report *r = paper_test_find(f, EXEC_NEW, 10);
    assert_dec(r->qty, "1");
    assert_int_equal(r->position, 1);
    assert_int_equal(paper_test_orders(f), 1);
    paper_test_quote(f, EURUSD, 500 * MS, "1.09890", "1.09900");
    paper_test_quote(f, EURUSD, 600 * MS, "1.09880", "1.09890");
    paper_test_quote(f, EURUSD, 700 * MS, "1.09880", "1.09890");
    assert_dec(paper_test_find(f, EXEC_TRADE, 10)->last_price, "1.0988");
    assert_int_equal(paper_test_positions(f), 0);
    assert_int_equal(paper_test_orders(f), 0);
}

static void what_comes_takes_the_place_of_what_is_there(void **state)
{
    struct paper_test *f = *state;
    open_long(f); /* stop 2 at 1.09900, target 3 at 1.10100 */
    protect(f, 10, 1, SIDE_SELL, ORDER_STOP, "1.09800");
    protect(f, 11, 1, SIDE_SELL, ORDER_LIMIT, "1.10300");
    paper_test_quote(f, EURUSD, 300 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 400 * MS, "1.10000", "1.10010");
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 2)->reason, BROKER_OCO);
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 3)->reason, BROKER_OCO);
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 2)->time_ns, paper_test_find(f, EXEC_NEW, 10)->time_ns);
    assert_int_equal(paper_test_orders(f), 2);
    paper_test_quote(f, EURUSD, 500 * MS, "1.10150", "1.10160"); /* the old target */
    paper_test_quote(f, EURUSD, 600 * MS, "1.09850", "1.09860"); /* the old stop */
    assert_int_equal(paper_test_positions(f), 1);
    paper_test_quote(f, EURUSD, 700 * MS, "1.10310", "1.10320");
    paper_test_quote(f, EURUSD, 800 * MS, "1.10310", "1.10320");
    assert_dec(paper_test_find(f, EXEC_TRADE, 11)->last_price, "1.103");
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 10)->reason, BROKER_OCO);
    assert_int_equal(paper_test_orders(f), 0);
}

static void what_is_refused_leaves_what_is_there(void **state)
{
    struct paper_test *f = *state;
    open_long(f);
    protect(f, 10, 1, SIDE_SELL, ORDER_STOP, "1.10050");   /* above the bid */
    protect(f, 11, 1, SIDE_BUY, ORDER_STOP, "1.10500");    /* would add */
    protect(f, 12, 77, SIDE_SELL, ORDER_STOP, "1.09800");
    protect(f, 13, 1, SIDE_SELL, ORDER_STOP, "1.098005");  /* off the grid */
    protect(f, 14, 1, SIDE_SELL, ORDER_LIMIT, "1.09000");  /* below the bid */
    paper_test_quote(f, EURUSD, 300 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 400 * MS, "1.10000", "1.10010");
    expect_rejected(f, 10, BROKER_STOP_LEVEL);
    expect_rejected(f, 11, BROKER_NO_POSITION);
    expect_rejected(f, 12, BROKER_NO_POSITION);
    expect_rejected(f, 13, BROKER_BAD_PRICE);
    expect_rejected(f, 14, BROKER_STOP_LEVEL);
    assert_int_equal(paper_test_count(f, EXEC_CANCELED, 2) + paper_test_count(f, EXEC_CANCELED, 3), 0);
    protect(f, 20, 1, SIDE_SELL, ORDER_STOP, "1.09000"); /* effective at 460: the old one has triggered */
    protect(f, 21, 1, SIDE_SELL, ORDER_LIMIT, "1.10200");
    paper_test_quote(f, EURUSD, 455 * MS, "1.09890", "1.09900");
    paper_test_quote(f, EURUSD, 470 * MS, "1.09890", "1.09900");
    paper_test_quote(f, EURUSD, 600 * MS, "1.09880", "1.09890");
    paper_test_quote(f, EURUSD, 700 * MS, "1.09880", "1.09890");
    expect_rejected(f, 20, BROKER_TOO_LATE);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 1);
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 21)->reason, BROKER_OCO); /* it had taken 3's place */
    assert_int_equal(paper_test_orders(f), 0);
}

static void a_flat_position_needs_no_stop(void **state)
{
    struct paper_test *f = *state;
    open_long(f);
    paper_test_close(f, 9, EURUSD, 1, SIDE_SELL, "1");
    protect(f, 10, 1, SIDE_SELL, ORDER_STOP, "1.09800");
    paper_test_quote(f, EURUSD, 300 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 400 * MS, "1.10000", "1.10010");
    assert_int_equal(paper_test_positions(f), 0);
    expect_rejected(f, 10, BROKER_NO_POSITION);
    assert_int_equal(paper_test_orders(f), 0);
}

/* Decided on the last bar of the week; it rests without a quote, and is there when the market opens beyond it. */
static void a_stop_rests_while_the_market_is_closed(void **state)
{
    struct paper_test *f = *state;
    int64_t close_s = 4 * DAY_S + 11 * 3600;
    paper_test_open(f);
    flat(f, close_s - 120);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    flat(f, close_s - 60);
    flat(f, close_s);
    protect(f, 10, 1, SIDE_SELL, ORDER_STOP, "1.09500");
    paper_test_end(f, close_s + 1);
    assert_int_equal(paper_test_count(f, EXEC_NEW, 10), 0);
    paper_test_end(f, close_s + 120);
    assert_int_equal(paper_test_count(f, EXEC_NEW, 10), 1);
    paper_test_bar(f, EURUSD, close_s + 2 * DAY_S + 60, "1.09400 1.09400 1.09400 1.09400", 30);
    assert_dec(paper_test_find(f, EXEC_TRADE, 10)->last_price, "1.094");
    assert_int_equal(paper_test_positions(f), 0);
}

static void the_oldest_report_kept_is_told(void **state)
{
    struct paper_test *f = *state;
    struct broker_account_view view;
    struct error err = {0};
    open_long(f);
    paper_test_quote(f, EURUSD, 300 * MS, "1.10000", "1.10010");
    assert_int_equal(f->broker->ops->account(f->broker, &view), 0);
    assert_int_equal(view.first_report, 1);
    assert_true(view.last_report >= 4);
    f->broker->ops->acknowledge(f->broker, 3);
    assert_int_equal(f->broker->ops->checkpoint(f->broker, &err), 0);
    f->broker->ops->account(f->broker, &view);
    assert_int_equal(view.first_report, 4);
    f->broker->ops->acknowledge(f->broker, view.last_report);
    assert_int_equal(f->broker->ops->checkpoint(f->broker, &err), 0);
    f->broker->ops->account(f->broker, &view);
    assert_int_equal(view.first_report, view.last_report + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quantity_and_price_are_checked),
        TEST(stop_level_is_a_distance_from_the_market),
        TEST(too_many_orders),
        TEST(random_rejections_follow_their_draw),
        TEST(stale_order_is_refused_by_the_next_bar),
        TEST(stale_to_the_nanosecond),
        TEST(decisions_see_later_records_only),
        TEST(short_gap_is_waited_for),
        TEST(silence_is_noticed_by_others_records),
        TEST(a_fill_can_win_the_race),
        TEST(cancel_takes_effect_after_its_latency),
        TEST(replaced_stop_is_the_one_that_triggers),
        TEST(cancelled_entry_takes_its_bracket_along),
        TEST(requests_arrive_in_the_order_of_sending),
        TEST(cancels_on_their_way_are_bounded),
        TEST(status_of_a_request_is_that_of_its_order),
        TEST(weekend_and_daily_break),
        TEST(session_follows_its_zone),
        TEST(closed_market_refuses_entries_and_closes),
        TEST(close_only_reduces_its_own_position),
        TEST(a_stop_is_placed_for_a_position_without_one),
        TEST(what_comes_takes_the_place_of_what_is_there),
        TEST(what_is_refused_leaves_what_is_there),
        TEST(a_flat_position_needs_no_stop),
        TEST(a_stop_rests_while_the_market_is_closed),
        TEST(the_oldest_report_kept_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
