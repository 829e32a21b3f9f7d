/* The fill model: path, ladder, slippage, latency, stops, limits, brackets. Numbers worked out by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static void send_limit(struct paper_test *f, uint64_t intent, uint32_t side, const char *qty, const char *price)
{
    struct broker_request request = paper_test_entry(f, intent, EURUSD, side, qty, NULL, NULL);
    request.type = ORDER_LIMIT;
    request.price = paper_dec(price);
    paper_test_send(f, &request);
}

/* --- path ------------------------------------------------------------------------------------------------ */

static void check_path(const char *ohlc, const char *tick, uint32_t count, const char *const *prices)
{
    struct market_record bar = paper_test_bar_record(EURUSD, 60, ohlc, 0);
    struct paper_path path;
    paper_path_build(&path, &bar, paper_dec(tick), PAPER_T0);
    assert_int_equal(path.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_dec(path.bid[i], prices[i]);
    assert_at(paper_path_time(&path, 0), 0);
    assert_at(paper_path_time(&path, count - 1), 60 * SECOND * (count - 1) / count);
}

static void path_goes_to_the_nearer_extreme_first(void **state)
{
    (void)state;
    /* open 3 above the low, 4 below the high: low first, one tick a step */
    const char *const low_first[] = {"103", "102", "101", "100", "101", "102", "103", "104", "105", "106", "107", "106"};
    check_path("103 107 100 106", "1", 12, low_first);
    const char *const high_first[] = {"105", "106", "107", "106", "105", "104", "103", "102", "101", "100", "101"};
    check_path("105 107 100 101", "1", 11, high_first);
    const char *const tie[] = {"102", "101", "100", "101", "102", "103", "104", "103", "102"};
    check_path("102 104 100 102", "1", 9, tie);
    const char *const one[] = {"102"};
    check_path("102 102 102 102", "1", 1, one);
    /* range 70: steps of ceil(70/32) = 3; the last step of a leg is what is left */
    struct market_record bar = paper_test_bar_record(EURUSD, 60, "110 170 100 120", 0);
    struct paper_path path;
    paper_path_build(&path, &bar, DEC_ONE, PAPER_T0);
    assert_dec(path.bid[3], "101");
    assert_dec(path.bid[4], "100");
    assert_dec(path.bid[5], "103");
    assert_int_equal(path.count, 1 + 4 + 24 + 17);
    assert_dec(path.bid[path.count - 1], "120");
    assert_dec(path.low_ahead[0], "100");
    assert_dec(path.low_ahead[5], "103");
    assert_dec(path.high_ahead[5], "170");
    assert_dec(path.high_ahead[path.count - 1], "120");
    /* the longest: half the range, the range, the range */
    bar = paper_test_bar_record(EURUSD, 60, "1640.5 3281 0.001 0.002", 0);
    paper_path_build(&path, &bar, paper_dec("0.001"), PAPER_T0);
    assert_true(path.count <= PAPER_PATH_MAX);
}

/* --- draws ---------------------------------------------------------------------------------------------- */

static void draws_have_their_distributions(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.latency_p99_ns = 300 * MS;
    f->config->accounts[0].paper.slippage_spread_k = 0.15;
    paper_test_open(f);
    const struct paper *v = (const struct paper *)f->broker;
    const uint32_t n = 100000;
    uint32_t below_median = 0, above_p99 = 0, slipped = 0;
    double sum = 0, squares = 0, uniform = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t draw = paper_draw(v, i, DRAW_TOUCH, 7);
        double z = paper_draw_normal(draw), u = paper_draw_uniform(draw);
        assert_true(u > 0 && u < 1);
        /* the quantile function against the distribution function of the C library */
        assert_true(fabs(0.5 * erfc(-z / sqrt(2)) - u) < 1e-13);
        sum += z;
        squares += z * z;
        uniform += u;
        int64_t latency = paper_draw_latency(v, i, DRAW_LATENCY_IN, 0);
        assert_true(latency > 0);
        below_median += latency < 60 * MS;
        above_p99 += latency > 300 * MS;
        slipped += paper_draw_slippage(v, i, 0, 10) > 0;
    }
    assert_true(fabs(sum / n) < 0.02 && fabs(squares / n - 1) < 0.02 && fabs(uniform / n - 0.5) < 0.005);
    assert_true(below_median > 49000 && below_median < 51000);
    assert_true(above_p99 > 850 && above_p99 < 1150);
    assert_true(slipped > 49000 && slipped < 51000); /* half of the draws are favourable: no slippage */
}

static void draws_depend_on_all_that_names_them(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    struct paper *v = (struct paper *)f->broker;
    uint64_t draw = paper_draw(v, 1, DRAW_SLIPPAGE, 0);
    assert_true(draw == paper_draw(v, 1, DRAW_SLIPPAGE, 0));
    assert_true(draw != paper_draw(v, 2, DRAW_SLIPPAGE, 0));
    assert_true(draw != paper_draw(v, 1, DRAW_TOUCH, 0));
    assert_true(draw != paper_draw(v, 1, DRAW_SLIPPAGE, 1));
    f->config->accounts[0].paper.seed++;
    assert_true(draw != paper_draw(v, 1, DRAW_SLIPPAGE, 0));
    f->config->accounts[0].paper.seed--;
    v->meta.account++;
    assert_true(draw != paper_draw(v, 1, DRAW_SLIPPAGE, 0));
}

/* --- ladder ---------------------------------------------------------------------------------------------- */

/* Levels of 20, 30, 45 lots at 1.10010, 11, 12: 60 lots take all of the first two and 10 of the third. */
static void ladder_fills_level_by_level(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].initial_balance = paper_dec("10000000");
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "60", "1.09000", NULL);
    flat(f, 120);
    static const char *const expected[][3] = {{"1.1001", "20", "20"}, {"1.10011", "30", "50"}, {"1.10012", "10", "60"}};
    uint32_t at = 0;
    paper_test_expect(f, &at, EXEC_NEW, 1);
    for (int i = 0; i < 3; i++) {
        const struct broker_report *r = paper_test_expect(f, &at, EXEC_TRADE, 1);
        assert_dec(r->last_price, expected[i][0]);
        assert_dec(r->last_qty, expected[i][1]);
        assert_dec(r->cum_qty, expected[i][2]);
        assert_int_equal(r->exec_id, i + 1);
        assert_int_equal(r->final, i == 2);
        assert_dec(r->quote_ask, "1.1001");
    }
    /* (20 * 1.10010 + 30 * 1.10011 + 10 * 1.10012) / 60 = 1.1001083333... */
    assert_dec(f->reports[at - 1].avg_price, "1.10010833");
    assert_dec(paper_test_expect(f, &at, EXEC_NEW, 2)->qty, "60");
    paper_test_expect_none(f, at);
}

/* Eight levels of 0.01 lots: 0.01, 0.01, ... (1.5 * 0.01 rounds down to a step), 0.08 in all. */
static void ioc_remainder_is_cancelled(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("0.01");
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_SELL, "0.10", "1.11000", NULL);
    flat(f, 120);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 1), 8);
    const struct broker_report *r = paper_test_find(f, EXEC_CANCELED, 1);
    assert_int_equal(r->reason, BROKER_IOC_REMAINDER);
    assert_dec(r->cum_qty, "0.08");
    assert_int_equal(r->final, 1);
    assert_dec(paper_test_find(f, EXEC_NEW, 2)->qty, "0.08"); /* protected is what was filled */
}

/* A protective stop is not IOC: 0.08 at the trigger, the rest at the next quote. */
static void protective_stop_is_tried_until_filled(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "0.10", "1.09990", "1.20000");
    flat(f, 120);
    f->config->instruments[EURUSD].level_size_lots = paper_dec("0.01");
    paper_test_bar(f, EURUSD, 180, "1.09980 1.09980 1.09980 1.09980", 10);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 8);
    assert_int_equal(paper_test_positions(f), 1);
    assert_dec(paper_test_find(f, EXEC_RESTATED, 3)->qty, "0.02"); /* the target shrinks with the position */
    paper_test_bar(f, EURUSD, 240, "1.09970 1.09970 1.09970 1.09970", 10);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 10);
    const struct broker_report *last = &f->reports[f->count - 2];
    assert_dec(last->last_price, "1.09969"); /* second level */
    assert_int_equal(last->final, 1);
    assert_int_equal(paper_test_positions(f), 0);
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 3)->reason, BROKER_OCO);
}

/* The draw is known, so is the price: ceil(k * z * spread in ticks), never in favour. */
static void slippage_is_adverse_and_whole_ticks(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.slippage_spread_k = 0.5;
    paper_test_open(f);
    struct paper *v = (struct paper *)f->broker;
    flat(f, 60);
    uint32_t slipped = 0;
    for (uint64_t intent = 1; intent <= 16; intent++) {
        double z = paper_draw_normal(paper_draw(v, intent, DRAW_SLIPPAGE, 0));
        dec_t ticks = z > 0 ? (dec_t)ceil(z * 0.5 * 10) : 0;
        bool buy = intent % 2 == 0;
        paper_test_enter(f, intent, EURUSD, buy ? SIDE_BUY : SIDE_SELL, "0.01", NULL, NULL);
        flat(f, 60 + 60 * (int64_t)intent);
        dec_t expected = buy ? paper_dec("1.10010") + ticks * 1000 : paper_dec("1.10000") - ticks * 1000;
        assert_true(paper_test_find(f, EXEC_TRADE, intent)->last_price == expected);
        slipped += ticks > 0;
    }
    assert_true(slipped > 3 && slipped < 13);
}

static void ideal_has_no_spread_latency_slippage_or_ladder(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.profile = FILL_IDEAL;
    f->config->accounts[0].paper.slippage_spread_k = 5;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("0.01");
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    flat(f, 120);
    const struct broker_report *r = paper_test_find(f, EXEC_TRADE, 1);
    assert_dec(r->last_price, "1.1");
    assert_dec(r->last_qty, "1");
    assert_dec(r->quote_ask, "1.1");
    assert_at(r->due_ns, 60 * SECOND);
}

/* --- timing -------------------------------------------------------------------------------------------------- */

/* Path of 1.10000 up to 1.10040, back to 1.10030 in a minute: 51 quotes of 1.176 s. A latency of 10 s meets
 * number 8, 1.10008. */
static void order_meets_the_path_where_it_arrives(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.latency_in_ns = f->config->accounts[0].paper.latency_p99_ns = 10 * SECOND;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_SELL, "1", NULL, NULL);
    paper_test_bar(f, EURUSD, 120, "1.10000 1.10040 1.10000 1.10030", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 1)->last_price, "1.10008");
    assert_at(paper_test_find(f, EXEC_TRADE, 1)->time_ns, 70 * SECOND);
}

/* Quotes: the first at or after trigger + latency, here beyond the stop, then back above it. */
static void stop_on_quotes_fills_at_the_first_after_its_latency(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09950", "1.10100");
    paper_test_quote(f, EURUSD, 100 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 1000 * MS, "1.09950", "1.09960"); /* triggers; arrives at 1060 */
    paper_test_quote(f, EURUSD, 1059 * MS, "1.09800", "1.09810");
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 0);
    paper_test_quote(f, EURUSD, 1070 * MS, "1.09900", "1.09910");
    paper_test_quote(f, EURUSD, 2000 * MS, "1.10000", "1.10010");
    const struct broker_report *r = paper_test_find(f, EXEC_TRADE, 2);
    assert_dec(r->last_price, "1.099");
    assert_at(r->time_ns, 1070 * MS);
    assert_int_equal(r->latency_ns, 60 * MS);
}

/* Between trigger and fill of the stop the quote jumps beyond the target: too late for it. */
static void triggered_stop_keeps_the_target_out(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09950", "1.10100");
    paper_test_quote(f, EURUSD, 100 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 1000 * MS, "1.09950", "1.09960");
    paper_test_quote(f, EURUSD, 1030 * MS, "1.10200", "1.10210");
    paper_test_quote(f, EURUSD, 1070 * MS, "1.10200", "1.10210");
    paper_test_quote(f, EURUSD, 2000 * MS, "1.10000", "1.10010");
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 3), 0);
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->last_price, "1.102");
}

/* An entry's stop is no protection: without a quote in time it is cancelled. */
static void triggered_entry_stop_goes_stale(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    struct broker_request request = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "1", "1.09900", NULL);
    request.type = ORDER_STOP;
    request.price = paper_dec("1.10030");
    paper_test_send(f, &request);
    paper_test_quote(f, EURUSD, SECOND, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 2 * SECOND, "1.10040", "1.10050");
    paper_test_quote(f, EURUSD, 8 * SECOND, "1.10040", "1.10050");
    paper_test_quote(f, EURUSD, 9 * SECOND, "1.10040", "1.10050");
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 1)->reason, BROKER_OFF_QUOTES);
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 2)->reason, BROKER_OCO);
    assert_int_equal(paper_test_positions(f), 0);
}

/* A bar whose minutes were covered by quotes tells nothing new. */
static void bar_over_quotes_is_not_used(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09950", NULL);
    paper_test_quote(f, EURUSD, 100 * MS, "1.10000", "1.10010");
    paper_test_bar(f, EURUSD, 60, "1.10000 1.10000 1.09000 1.10000", 10);
    paper_test_end(f, 61);
    assert_int_equal(paper_test_positions(f), 1);
    paper_test_bar(f, EURUSD, 120, "1.10000 1.10000 1.09000 1.10000", 10); /* nothing quoted here */
    assert_int_equal(paper_test_positions(f), 0);
}

/* A bar that is shorter than its name (a day in which the clock changes) begins where the last one ended. */
static void overlapping_bar_begins_where_the_last_ended(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_SELL, "1", NULL, NULL);
    paper_test_bar(f, EURUSD, 90, "1.10500 1.10900 1.10500 1.10900", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 1)->last_price, "1.105");
    assert_at(paper_test_find(f, EXEC_TRADE, 1)->time_ns, 60 * SECOND + 60 * MS);
}

/* One quote is in force for the whole bar; what arrives during it is no new quote. */
static void limit_takes_one_level_of_each_quote(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("0.1");
    paper_test_open(f);
    flat(f, 60);
    send_limit(f, 1, SIDE_SELL, "0.5", "1.09990");
    paper_test_enter(f, 2, EURUSD, SIDE_BUY, "0.1", NULL, NULL);
    paper_test_enter(f, 3, EURUSD, SIDE_BUY, "0.1", NULL, NULL);
    flat(f, 120);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 1);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 1), 1);
    flat(f, 180);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 1), 2);
}

/* No quote for two days: an order is refused, a stop waits. */
static void stop_outlives_a_gap(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09950", NULL);
    paper_test_quote(f, EURUSD, 100 * MS, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 1000 * MS, "1.09950", "1.09960");
    paper_test_close(f, 5, EURUSD, 1, SIDE_SELL, "1");
    paper_test_quote(f, EURUSD, 30 * 3600 * SECOND, "1.05000", "1.05010");
    paper_test_quote(f, EURUSD, 30 * 3600 * SECOND + SECOND, "1.05000", "1.05010");
    assert_int_equal(paper_test_find(f, EXEC_REJECTED, 5)->reason, BROKER_OFF_QUOTES);
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->last_price, "1.05");
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->realized, "-5010");
}

/* --- limits ---------------------------------------------------------------------------------------------- */

static void limit_needs_a_cross(void **state)
{
    struct paper_test *f = *state; /* touch probability 0 */
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    send_limit(f, 1, SIDE_BUY, "1", "1.09990");
    paper_test_quote(f, EURUSD, SECOND, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 2 * SECOND, "1.09980", "1.09990"); /* touched */
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 1), 0);
    paper_test_quote(f, EURUSD, 3 * SECOND, "1.09970", "1.09980"); /* crossed by a tick and more */
    paper_test_quote(f, EURUSD, 4 * SECOND, "1.10000", "1.10010");
    assert_dec(paper_test_find(f, EXEC_TRADE, 1)->last_price, "1.0999");
    assert_at(paper_test_find(f, EXEC_TRADE, 1)->time_ns, 3 * SECOND);
}

/* A touch is decided once for each order and price, with the given probability. */
static void limit_may_fill_on_a_touch(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.touch_fill_probability = 0.35;
    f->config->accounts[0].initial_balance = paper_dec("10000000");
    paper_test_open(f);
    struct paper *v = (struct paper *)f->broker;
    uint32_t filled = 0;
    for (uint64_t intent = 1; intent <= 40; intent++) {
        int64_t t = (int64_t)intent * 100 * SECOND;
        paper_test_quote(f, EURUSD, t, "1.10000", "1.10010");
        send_limit(f, intent, SIDE_SELL, "0.01", "1.10020");
        paper_test_quote(f, EURUSD, t + SECOND, "1.10000", "1.10010");
        paper_test_quote(f, EURUSD, t + 2 * SECOND, "1.10020", "1.10030");
        paper_test_quote(f, EURUSD, t + 3 * SECOND, "1.10020", "1.10030"); /* no second draw */
        bool lucky = paper_draw_uniform(paper_draw(v, intent, DRAW_TOUCH, 0)) < 0.35;
        paper_test_quote(f, EURUSD, t + 4 * SECOND, "1.10000", "1.10010");
        assert_int_equal(paper_test_count(f, EXEC_TRADE, intent), lucky);
        filled += lucky;
        if (lucky)
            paper_test_close(f, 1000 + intent, EURUSD, intent, SIDE_BUY, "0.01");
        else
            paper_test_cancel(f, 1000 + intent, intent);
        paper_test_quote(f, EURUSD, t + 5 * SECOND, "1.10000", "1.10010");
        paper_test_quote(f, EURUSD, t + 6 * SECOND, "1.10000", "1.10010");
    }
    assert_true(filled > 5 && filled < 25);
    assert_int_equal(paper_test_orders(f), 0);
}

static void marketable_limit_fills_better_on_arrival_only(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("1");
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    send_limit(f, 1, SIDE_BUY, "2.5", "1.10050");
    paper_test_quote(f, EURUSD, SECOND, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 2 * SECOND, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 3 * SECOND, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 4 * SECOND, "1.10000", "1.10010");
    /* a level for each quote: 1 at the quote that it met, then 1 and 0.5 at its price */
    uint32_t at = 0;
    paper_test_expect(f, &at, EXEC_NEW, 1);
    static const char *const expected[][3] = {{"1.1001", "1", "1"}, {"1.1005", "1", "2"}, {"1.1005", "0.5", "2.5"}};
    for (int i = 0; i < 3; i++) {
        const struct broker_report *r = paper_test_expect(f, &at, EXEC_TRADE, 1);
        assert_dec(r->last_price, expected[i][0]);
        assert_dec(r->last_qty, expected[i][1]);
        assert_dec(r->cum_qty, expected[i][2]);
        assert_at(r->time_ns, (i + 1) * SECOND);
    }
    paper_test_expect_none(f, at);
}

/* --- brackets ---------------------------------------------------------------------------------------------- */

/* A limit entry of 2 lots, one for each quote: the stop is new with 1, restated to 2. */
static void children_grow_with_the_entry(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("1");
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    struct broker_request request = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "2", "1.09900", "1.10100");
    request.type = ORDER_LIMIT;
    request.price = paper_dec("1.10000");
    paper_test_send(f, &request);
    paper_test_quote(f, EURUSD, SECOND, "1.10000", "1.10010");
    uint32_t at = 0;
    paper_test_quote(f, EURUSD, 2 * SECOND, "1.09980", "1.09990");
    paper_test_expect(f, &at, EXEC_NEW, 1);
    paper_test_expect_none(f, at);
    paper_test_quote(f, EURUSD, 3 * SECOND, "1.09980", "1.09990");
    paper_test_expect(f, &at, EXEC_TRADE, 1);
    assert_dec(paper_test_expect(f, &at, EXEC_NEW, 2)->qty, "1");
    assert_dec(paper_test_expect(f, &at, EXEC_NEW, 3)->qty, "1");
    paper_test_quote(f, EURUSD, 4 * SECOND, "1.10000", "1.10010");
    paper_test_expect(f, &at, EXEC_TRADE, 1);
    assert_dec(paper_test_expect(f, &at, EXEC_RESTATED, 2)->qty, "2");
    assert_dec(paper_test_expect(f, &at, EXEC_RESTATED, 3)->qty, "2");
    paper_test_expect_none(f, at);
}

/* Flat while the entry still works: the rest of it would be unprotected, so it goes. */
static void flat_position_ends_its_entry(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("1");
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    struct broker_request request = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "2", "1.09900", NULL);
    request.type = ORDER_LIMIT;
    request.price = paper_dec("1.10000");
    paper_test_send(f, &request);
    paper_test_quote(f, EURUSD, SECOND, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 2 * SECOND, "1.09980", "1.09990");
    paper_test_close(f, 7, EURUSD, 1, SIDE_SELL, "1");
    paper_test_quote(f, EURUSD, 3 * SECOND, "1.10000", "1.10010");
    paper_test_quote(f, EURUSD, 4 * SECOND, "1.10000", "1.10010");
    const struct broker_report *r = paper_test_find(f, EXEC_CANCELED, 1);
    assert_int_equal(r->reason, BROKER_OCO);
    assert_dec(r->cum_qty, "1");
    assert_int_equal(paper_test_orders(f), 0);
    assert_int_equal(paper_test_positions(f), 0);
}

static void partial_close_shrinks_both(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09000", "1.11000");
    flat(f, 120);
    paper_test_close(f, 7, EURUSD, 1, SIDE_SELL, "0.4");
    flat(f, 180);
    assert_dec(paper_test_find(f, EXEC_RESTATED, 2)->qty, "0.6");
    assert_dec(paper_test_find(f, EXEC_RESTATED, 3)->qty, "0.6");
    assert_dec(paper_test_find(f, EXEC_TRADE, 7)->realized, "-4"); /* 10 ticks of 0.4 lots */
    paper_test_bar(f, EURUSD, 240, "1.08900 1.08900 1.08900 1.08900", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->last_qty, "0.6");
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->realized, "-666"); /* 1110 ticks of 0.6 lots: 1.08900 - 1.10010 */
}

/* The path goes to 1.10110 first (the nearer), then to 1.09890. The target lies on the way, the stop after it:
 * pessimistic, the stop fills. */
static void both_in_one_bar_is_the_stop(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09900", "1.10100");
    flat(f, 120);
    paper_test_bar(f, EURUSD, 180, "1.10001 1.10110 1.09890 1.10000", 10);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 3), 0);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 1);
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 3)->reason, BROKER_OCO);
    /* without the low the target fills */
    paper_test_enter(f, 11, EURUSD, SIDE_BUY, "1", "1.09900", "1.10100");
    flat(f, 240);
    paper_test_bar(f, EURUSD, 300, "1.10001 1.10110 1.09910 1.10000", 10);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 13), 1);
}

/* What the bar did before the entry filled does not count: the low is passed before it arrives. */
static void only_the_rest_of_the_bar_counts(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].paper.latency_in_ns = f->config->accounts[0].paper.latency_p99_ns = 40 * SECOND;
    paper_test_open(f);
    flat(f, 60);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09985", "1.10080");
    /* low 1.09980 at once, then up to 1.10100: at 40 s far above it */
    paper_test_bar(f, EURUSD, 120, "1.09990 1.10100 1.09980 1.10100", 2);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 1), 1);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 0);
    flat(f, 180);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 3), 1);
}

static void buy_stop_entry_triggers_on_the_ask(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    struct broker_request request = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "1", "1.09900", NULL);
    request.type = ORDER_STOP;
    request.price = paper_dec("1.10030");
    paper_test_send(f, &request);
    paper_test_bar(f, EURUSD, 120, "1.10000 1.10019 1.10000 1.10000", 10); /* ask to 1.10029 */
    assert_int_equal(paper_test_count(f, EXEC_NEW, 1), 1);
    assert_int_equal(paper_test_count(f, EXEC_NEW, 2), 0); /* held until there is something to protect */
    paper_test_bar(f, EURUSD, 180, "1.10040 1.10040 1.10040 1.10040", 10); /* opens beyond */
    assert_dec(paper_test_find(f, EXEC_TRADE, 1)->last_price, "1.1005");
    assert_int_equal(paper_test_count(f, EXEC_NEW, 2), 1);
}

/* A buy limit at 1.10000 is met by a quote that is beyond its stop already: it fills, and the stop triggers at that
 * same quote. */
static void gap_through_limit_and_stop(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10050", "1.10060");
    struct broker_request request = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "1", "1.09950", "1.11000");
    request.type = ORDER_LIMIT;
    request.price = paper_dec("1.10000");
    paper_test_send(f, &request);
    paper_test_quote(f, EURUSD, SECOND, "1.10050", "1.10060");
    paper_test_replace(f, 5, 2, "1.09940"); /* counts from the entry's price: 60 ticks */
    paper_test_quote(f, EURUSD, 2 * SECOND, "1.10050", "1.10060");
    paper_test_quote(f, EURUSD, 3 * SECOND, "1.09900", "1.09910");
    paper_test_quote(f, EURUSD, 3 * SECOND + 70 * MS, "1.09890", "1.09900");
    paper_test_quote(f, EURUSD, 4 * SECOND, "1.09890", "1.09900");
    assert_int_equal(paper_test_count(f, EXEC_REPLACED, 2), 1);
    assert_dec(paper_test_find(f, EXEC_TRADE, 1)->last_price, "1.1");
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->last_price, "1.0989");
    assert_at(paper_test_find(f, EXEC_TRADE, 2)->time_ns, 3 * SECOND + 70 * MS);
}

/* A stop entry whose gap goes beyond its target: the target is marketable as it comes to life. */
static void target_that_is_passed_at_birth(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, 60);
    struct broker_request request = paper_test_entry(f, 1, EURUSD, SIDE_BUY, "1", "1.10050", "1.10200");
    request.type = ORDER_STOP;
    request.price = paper_dec("1.10100");
    paper_test_send(f, &request);
    paper_test_replace(f, 5, 2, "1.10040"); /* above the bid of now, below the entry's price */
    flat(f, 120);
    assert_int_equal(paper_test_count(f, EXEC_REPLACED, 2), 1);
    paper_test_bar(f, EURUSD, 180, "1.10500 1.10500 1.10500 1.10500", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 1)->last_price, "1.1051");
    assert_dec(paper_test_find(f, EXEC_TRADE, 3)->last_price, "1.105"); /* at the bid, not at 1.10200 */
}

/* A regression: a limit that was partly filled at one quote was passed over at all later ones. */
static void limit_goes_on_filling_at_later_quotes(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("0.1");
    paper_test_open(f);
    paper_test_quote(f, EURUSD, 0, "1.10000", "1.10010");
    send_limit(f, 1, SIDE_SELL, "0.5", "1.10005");
    for (int i = 1; i <= 8; i++)
        paper_test_quote(f, EURUSD, i * SECOND, "1.10006", "1.10016");
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 1), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(path_goes_to_the_nearer_extreme_first),
        TEST(draws_have_their_distributions),
        TEST(draws_depend_on_all_that_names_them),
        TEST(ladder_fills_level_by_level),
        TEST(ioc_remainder_is_cancelled),
        TEST(protective_stop_is_tried_until_filled),
        TEST(slippage_is_adverse_and_whole_ticks),
        TEST(ideal_has_no_spread_latency_slippage_or_ladder),
        TEST(order_meets_the_path_where_it_arrives),
        TEST(stop_on_quotes_fills_at_the_first_after_its_latency),
        TEST(triggered_stop_keeps_the_target_out),
        TEST(triggered_entry_stop_goes_stale),
        TEST(bar_over_quotes_is_not_used),
        TEST(overlapping_bar_begins_where_the_last_ended),
        TEST(limit_takes_one_level_of_each_quote),
        TEST(stop_outlives_a_gap),
        TEST(limit_needs_a_cross),
        TEST(limit_may_fill_on_a_touch),
        TEST(marketable_limit_fills_better_on_arrival_only),
        TEST(children_grow_with_the_entry),
        TEST(flat_position_ends_its_entry),
        TEST(partial_close_shrinks_both),
        TEST(both_in_one_bar_is_the_stop),
        TEST(only_the_rest_of_the_bar_counts),
        TEST(buy_stop_entry_triggers_on_the_ask),
        TEST(gap_through_limit_and_stop),
        TEST(target_that_is_passed_at_birth),
        TEST(limit_goes_on_filling_at_later_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
