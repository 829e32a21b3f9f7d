/* Commission, conversion, margin, stop-out and swap. Numbers worked out by hand. */
#include <stdio.h>
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

#define DAY_S (24 * 3600)

static void flat(struct paper_test *f, uint32_t instrument, int64_t at_s, const char *price, uint32_t spread)
{
    char ohlc[100];
    snprintf(ohlc, sizeof ohlc, "%s %s %s %s", price, price, price, price);
    paper_test_bar(f, instrument, at_s, ohlc, spread);
}

/* --- commission ----------------------------------------------------------------------------------------- */

/* 3 a lot and side; 0.07 lots: 0.21; booked in hundredths for each fill. */
static void commission_for_each_side_and_fill(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].level_size_lots = paper_dec("0.03");
    paper_test_open(f);
    flat(f, EURUSD, 60, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "0.07", NULL, NULL);
    flat(f, EURUSD, 120, "1.10000", 10);
    dec_t sum = 0;
    for (uint32_t i = 0; i < f->count; i++)
        sum += f->reports[i].commission;
    assert_dec(sum, "-0.21"); /* 0.03 and 0.04 (1.5 * 0.03 = 0.045, in steps) */
    assert_dec(paper_test_balance(f), "99999.79");
}

/* --- conversion ------------------------------------------------------------------------------------------- */

/* USDJPY, account in USD: a gain of 1,000,000 JPY is converted at the ask, a loss at the bid. */
static void yen_are_converted_at_the_adverse_side(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, USDJPY, 60, "150.000", 10);
    paper_test_enter(f, 1, USDJPY, SIDE_BUY, "10", NULL, NULL); /* at 150.010 */
    flat(f, USDJPY, 120, "150.000", 10);
    paper_test_close(f, 2, USDJPY, 1, SIDE_SELL, "5");
    flat(f, USDJPY, 180, "152.010", 10); /* + 2.000 * 500,000 = 1,000,000 JPY / 152.020 = 6578.0818 */
    assert_dec(paper_test_find(f, EXEC_TRADE, 2)->realized, "6578.08");
    paper_test_close(f, 3, USDJPY, 1, SIDE_SELL, "5");
    flat(f, USDJPY, 240, "148.010", 10); /* - 1,000,000 JPY / 148.010 = 6756.3003 */
    assert_dec(paper_test_find(f, EXEC_TRADE, 3)->realized, "-6756.3");
    assert_dec(paper_test_balance(f), "99761.78"); /* 100000 - 30 + 6578.08 - 15 - 6756.30 - 15 */
}

/* EURGBP pays in pounds; GBPUSD 1.25000 / 1.25010: a gain of 100 GBP is 125.00, a loss 125.01. */
static void pounds_are_converted_by_another_instrument(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, EURGBP, 60, "0.86000", 10);
    paper_test_enter(f, 1, EURGBP, SIDE_BUY, "1", NULL, NULL); /* no rate yet */
    flat(f, EURGBP, 120, "0.86000", 10);
    assert_int_equal(paper_test_find(f, EXEC_REJECTED, 1)->reason, BROKER_OFF_QUOTES);
    flat(f, GBPUSD, 120, "1.25000", 10);
    paper_test_enter(f, 5, EURGBP, SIDE_BUY, "2", NULL, NULL); /* at 0.86010 */
    flat(f, EURGBP, 180, "0.86000", 10);
    paper_test_close(f, 6, EURGBP, 5, SIDE_SELL, "1");
    flat(f, EURGBP, 240, "0.86110", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 6)->realized, "125");
    paper_test_close(f, 7, EURGBP, 5, SIDE_SELL, "1");
    flat(f, EURGBP, 300, "0.85910", 10);
    assert_dec(paper_test_find(f, EXEC_TRADE, 7)->realized, "-125.01");
}

/* --- margin -------------------------------------------------------------------------------------------------- */

/* 1 % of 100,000 * 1.10010 is 1100.10 a lot. With 2,300: two lots (2200.20) fit, the third does not. */
static void margin_at_the_effective_price(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].initial_balance = paper_dec("2300");
    paper_test_open(f);
    flat(f, EURUSD, 60, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "2.10", NULL, NULL); /* 2310.21 */
    paper_test_enter(f, 2, EURUSD, SIDE_BUY, "2", NULL, NULL);
    flat(f, EURUSD, 120, "1.10000", 10);
    assert_int_equal(paper_test_find(f, EXEC_REJECTED, 1)->reason, BROKER_NO_MARGIN);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 2), 1);
    /* equity 2300 - 6 - 20 = 2274, used 2200.20, free 73.80: 0.07 lots need 77.01 */
    paper_test_enter(f, 3, EURUSD, SIDE_SELL, "0.07", NULL, NULL);
    paper_test_enter(f, 4, EURUSD, SIDE_SELL, "0.06", NULL, NULL); /* 66.00 */
    flat(f, EURUSD, 180, "1.10000", 10);
    assert_int_equal(paper_test_find(f, EXEC_REJECTED, 3)->reason, BROKER_NO_MARGIN);
    assert_int_equal(paper_test_count(f, EXEC_TRADE, 4), 1);
}

/* 1 % of 1,000 * 1.10010 = 11.001: up to the next hundredth. */
static void margin_is_rounded_up(void **state)
{
    struct paper_test *f = *state;
    paper_test_open(f);
    flat(f, EURUSD, 60, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "0.01", NULL, NULL);
    flat(f, EURUSD, 120, "1.10000", 10);
    assert_dec(paper_money_margin_used((struct paper *)f->broker), "11.01");
}

/* Margin 2200.20, level 50 %: at an equity below 1100.10. 2 lots from 1.10010, balance 2294: the loss that does
 * it is more than 1193.90, 597 ticks: bid 1.09413 leaves 1100.00 (< 1100.10), 1.09414 leaves 1102. */
static void stop_out_closes_through_the_stop(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].initial_balance = paper_dec("2300");
    paper_test_open(f);
    flat(f, EURUSD, 60, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "2", "1.05000", "1.20000");
    flat(f, EURUSD, 120, "1.10000", 10);
    flat(f, EURUSD, 180, "1.09414", 10);
    assert_int_equal(paper_test_positions(f), 1);
    flat(f, EURUSD, 240, "1.09413", 10);
    const struct broker_report *r = paper_test_find(f, EXEC_TRADE, 2);
    assert_int_equal(r->reason, BROKER_STOP_OUT);
    assert_dec(r->last_price, "1.09413");
    assert_dec(r->realized, "-1194");
    assert_int_equal(paper_test_find(f, EXEC_CANCELED, 3)->reason, BROKER_OCO);
    assert_int_equal(paper_test_positions(f), 0);
    assert_dec(paper_test_balance(f), "1094"); /* 2300 - 6 - 1194 - 6 */
}

/* Two positions without stops; the worse one goes, the other stays. An order of the venue's own: intent 0. */
static void stop_out_takes_the_worst_first(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].initial_balance = paper_dec("2300");
    paper_test_open(f);
    flat(f, EURUSD, 60, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1.5", NULL, NULL); /* margin 1650.15 */
    flat(f, EURUSD, 120, "1.10000", 10);
    flat(f, EURUSD, 180, "1.09900", 10);
    paper_test_enter(f, 2, EURUSD, SIDE_BUY, "0.1", NULL, NULL); /* at 1.09910: margin 109.91 */
    flat(f, EURUSD, 240, "1.09900", 10);
    assert_int_equal(paper_test_positions(f), 2);
    /* balance 2295.20; level at 880.03: 1.5 * (1.10010 - b) + 0.1 * (1.09910 - b) > 1415.17 -> b about 1.09119 */
    flat(f, EURUSD, 300, "1.09120", 10);
    assert_int_equal(paper_test_positions(f), 2);
    flat(f, EURUSD, 360, "1.09110", 10);
    assert_int_equal(paper_test_positions(f), 1);
    const struct broker_report *r = paper_test_find(f, EXEC_TRADE, 0);
    assert_int_equal(r->position, 1);
    assert_int_equal(r->reason, BROKER_STOP_OUT);
    assert_dec(r->last_qty, "1.5");
    assert_dec(r->realized, "-1350"); /* 900 ticks */
}

/* A bar that dips below the level and comes back: found although nothing else in it matters. */
static void stop_out_inside_a_bar(void **state)
{
    struct paper_test *f = *state;
    f->config->accounts[0].initial_balance = paper_dec("2300");
    paper_test_open(f);
    flat(f, EURUSD, 60, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "2", NULL, NULL);
    flat(f, EURUSD, 120, "1.10000", 10);
    paper_test_bar(f, EURUSD, 180, "1.10000 1.10010 1.09300 1.10000", 10);
    paper_test_end(f, 181);
    assert_int_equal(paper_test_positions(f), 0);
    dec_t price = paper_test_find(f, EXEC_TRADE, 0)->last_price;
    assert_true(price <= paper_dec("1.09413") && price > paper_dec("1.09390")); /* a step is 23 ticks */
}

/* --- swap ------------------------------------------------------------------------------------------------------ */

/* At 21:00 UTC here; -7 ticks a night for a long lot of EURUSD: -7.00. Wednesday counts three times. */
static void swap_each_night_and_three_on_wednesday(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].swap_long_points = paper_dec("-7");
    f->config->instruments[EURUSD].swap_short_points = paper_dec("2.5");
    paper_test_open(f);
    flat(f, EURUSD, 60, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", NULL, NULL);
    paper_test_enter(f, 2, EURUSD, SIDE_SELL, "0.5", NULL, NULL);
    flat(f, EURUSD, 120, "1.10000", 10);
    uint32_t at = f->count;
    flat(f, EURUSD, 11 * 3600, "1.10000", 10); /* the bar before 21:00 on Monday */
    paper_test_end(f, 11 * 3600);
    paper_test_expect_none(f, at);
    flat(f, EURUSD, 11 * 3600 + 60, "1.10000", 10);
    const struct broker_report *r = paper_test_expect(f, &at, EXEC_POSTING, 1);
    assert_at(r->time_ns, 11 * 3600 * SECOND);
    assert_dec(r->swap, "-7");
    assert_dec(r->realized, "0");
    assert_int_equal(r->position, 1);
    assert_int_equal(r->final, 0);
    assert_dec(paper_test_expect(f, &at, EXEC_POSTING, 2)->swap, "1.25");
    paper_test_end(f, DAY_S + 12 * 3600); /* nobody quotes: known by the clock */
    assert_dec(paper_test_expect(f, &at, EXEC_POSTING, 1)->swap, "-7");
    assert_dec(paper_test_expect(f, &at, EXEC_POSTING, 2)->swap, "1.25");
    flat(f, EURUSD, 2 * DAY_S + 12 * 3600, "1.10000", 10);
    assert_dec(paper_test_expect(f, &at, EXEC_POSTING, 1)->swap, "-21");
    assert_dec(paper_test_expect(f, &at, EXEC_POSTING, 2)->swap, "3.75");
    /* Thursday, Friday, not Saturday and Sunday, Monday: three nights at once when data come back */
    flat(f, EURUSD, 7 * DAY_S + 12 * 3600, "1.10000", 10);
    dec_t sum = 0;
    uint32_t postings = 0;
    for (; at < f->count; at++) {
        assert_int_equal(f->reports[at].exec_type, EXEC_POSTING);
        sum += f->reports[at].swap;
        postings++;
    }
    assert_int_equal(postings, 6);
    assert_dec(sum, "-17.25"); /* 3 * (-7 + 1.25) */
}

static void no_swap_for_a_position_that_is_gone(void **state)
{
    struct paper_test *f = *state;
    f->config->instruments[EURUSD].swap_long_points = paper_dec("-7");
    paper_test_open(f);
    flat(f, EURUSD, 11 * 3600 - 120, "1.10000", 10);
    paper_test_enter(f, 1, EURUSD, SIDE_BUY, "1", "1.09000", NULL);
    flat(f, EURUSD, 11 * 3600 - 60, "1.10000", 10);
    paper_test_close(f, 5, EURUSD, 1, SIDE_SELL, "1");
    flat(f, EURUSD, 11 * 3600, "1.10000", 10); /* closed 59.94 s before */
    flat(f, EURUSD, 11 * 3600 + 60, "1.10000", 10);
    for (uint32_t i = 0; i < f->count; i++)
        assert_true(f->reports[i].exec_type != EXEC_POSTING);
}

/* 17:00 in New York: 21:00 UTC in May. USDJPY, 10 ticks of 0.001 for a lot: 1000 JPY / 150.000 (a cost, at the
 * bid) = 6.67. */
static void swap_in_new_york_and_in_yen(void **state)
{
    struct paper_test *f = *state;
    struct error err = {0};
    assert_int_equal(tz_load("America/New_York", &f->config->zones[1], &err), 0);
    f->config->zone_count = 2;
    f->config->swap_zone = 1;
    f->config->swap_second = 17 * 3600;
    f->config->instruments[USDJPY].swap_short_points = paper_dec("-10");
    paper_test_open(f);
    flat(f, USDJPY, 60, "150.000", 10);
    paper_test_enter(f, 1, USDJPY, SIDE_SELL, "1", NULL, NULL);
    flat(f, USDJPY, 120, "150.000", 10);
    flat(f, USDJPY, 11 * 3600 + 60, "150.000", 10);
    const struct broker_report *r = paper_test_find(f, EXEC_POSTING, 1);
    assert_at(r->time_ns, 11 * 3600 * SECOND);
    assert_dec(r->swap, "-6.67");
    assert_dec(paper_test_balance(f), "99990.33");
}

/* Where no weekend is closed each night counts once, also the seventh. */
static void swap_on_every_night_without_weekends(void **state)
{
    struct paper_test *f = *state;
    int64_t rollover_ns = paper_session_next_swap(f->config, PAPER_T0);
    uint32_t weekly[2] = {0, 0};
    for (int day = 0; day < 7; day++, rollover_ns += DAY_S * SECOND) {
        weekly[0] += paper_session_swap_nights(f->config, EURUSD, rollover_ns);
        weekly[1] += paper_session_swap_nights(f->config, BTCUSD, rollover_ns);
    }
    assert_int_equal(weekly[0], 7);
    assert_int_equal(weekly[1], 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commission_for_each_side_and_fill),
        TEST(yen_are_converted_at_the_adverse_side),
        TEST(pounds_are_converted_by_another_instrument),
        TEST(margin_at_the_effective_price),
        TEST(margin_is_rounded_up),
        TEST(stop_out_closes_through_the_stop),
        TEST(stop_out_takes_the_worst_first),
        TEST(stop_out_inside_a_bar),
        TEST(swap_each_night_and_three_on_wednesday),
        TEST(no_swap_for_a_position_that_is_gone),
        TEST(swap_in_new_york_and_in_yen),
        TEST(swap_on_every_night_without_weekends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
