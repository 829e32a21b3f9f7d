/* Marks, boundaries, latches, payouts, counters. */
#include "tests/unit/rules_rig.h"

#include <errno.h>

#define LEVEL(r, text) assert_int_equal(rules_floor_level(&(r)->state, &(r)->set, 0), usd(text))

static struct rig rig;

static void begin(uint32_t anchor, const char *allowance, const char *initial)
{
    rig_init(&rig);
    rig_floor(&rig, anchor, allowance);
    rig_start(&rig, initial);
}

static void test_check_of_a_row(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    assert_int_equal(rules_state_check(&rig.state, &rig.set), 0);
    rig.state.version++;
    assert_int_equal(rules_state_check(&rig.state, &rig.set), -EPROTO);
    rig.state.version--;
    rig.state.bytes -= 8;
    assert_int_equal(rules_state_check(&rig.state, &rig.set), -EPROTO);
    rig.state.bytes += 8;
    rig.state.guard = 17;
    assert_int_equal(rules_state_check(&rig.state, &rig.set), -EPROTO);
    rig.state.guard = RULES_GUARD_NORMAL;
    rig.state.latches[5].latch = 9;
    assert_int_equal(rules_state_check(&rig.state, &rig.set), -EPROTO);
}

static void test_the_snapshot_is_the_last_mark_before_the_boundary(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_MAX, "1000", "50000");
    rig_mark(&rig, at(0, 100), "50000", "50000");
    assert_true(rig.marked.durable);
    assert_false(rig.marked.new_day); /* the first mark begins the first day */
    assert_int_equal(rig.state.days[0].start_ns, at(0, 0));
    assert_int_equal(rig.state.days[0].end_ns, at(1, 0));
    rig_mark(&rig, at(0, 80000), "50200", "53000");
    rig_mark(&rig, at(0, 86399), "50300", "51000");
    assert_false(rig.marked.durable);
    LEVEL(&rig, "49000");
    rig_mark(&rig, at(1, 0), "50100", "50000"); /* with the very time of the boundary: the new day's (a swap) */
    assert_true(rig.marked.durable && rig.marked.new_day);
    assert_int_equal(rig.state.days[0].balance, usd("50300"));
    assert_int_equal(rig.state.days[0].equity, usd("51000"));
    LEVEL(&rig, "50000");
}

static void test_several_boundaries_at_once(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EOD_BALANCE, "1000", "50000");
    rig_mark(&rig, at(0, 100), "50000", "50000");
    rig_mark(&rig, at(0, 200), "51000", "50500");
    rig_mark(&rig, at(3, 50), "50700", "50700"); /* a weekend lies between */
    assert_true(rig.marked.new_day);
    assert_int_equal(rig.state.days[0].start_ns, at(3, 0));
    LEVEL(&rig, "50000");
    assert_int_equal(rig.state.days[0].balance, usd("51000"));
}

static void test_a_time_that_goes_back(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EQUITY, "1000", "50000");
    rig_mark(&rig, at(1, 100), "50000", "50000");
    rig_mark(&rig, at(0, 100), "50000", "50400");
    assert_int_equal(rig.state.time_ns, at(1, 100));
    assert_int_equal(rig.state.days[0].start_ns, at(1, 0));
    LEVEL(&rig, "49400");
}

static void test_marks_follow_the_best_between_two(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EQUITY, "1000", "50000");
    rig_floor(&rig, RULES_DAY_PEAK, "500");
    rig_mark_high(&rig, at(0, 100), "50000", "50100", "50900");
    LEVEL(&rig, "49900");
    rig_mark_high(&rig, at(0, 200), "50000", "50950", "50000"); /* a high below equity counts as equity */
    LEVEL(&rig, "49950");
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 1), usd("50450"));
    rig_mark(&rig, at(1, 0), "50000", "50300");
    LEVEL(&rig, "49950");
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 1), usd("50450")); /* from the last mark, 50950 */
    rig_mark(&rig, at(2, 0), "50000", "50200");
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 1), usd("49800"));
}

/* New York 17:00 and Helsinki 00:00 in the weeks when the clocks differ; each keeps its own snapshot. */
static void test_candidates_across_a_clock_change(void **unused)
{
    (void)unused;
    int64_t day = tz_days_from_civil(2026, 3, 16) * DAY;
    begin(RULES_SNAP_BALANCE, "1000", "50000");
    rig.set.floors[0].days = 3;
    rig.set.day_count = 2;
    rig.set.days[0] = (struct rules_day){.zone = 0, .at_s = 17 * 3600};
    rig.set.days[1] = (struct rules_day){.zone = 1, .at_s = 0};
    assert_int_equal(tz_load("America/New_York", &rig.zones[0], NULL), 0);
    assert_int_equal(tz_load("Europe/Helsinki", &rig.zones[1], NULL), 0);
    rig_mark(&rig, day + 12 * HOUR, "50000", "50000");
    assert_int_equal(rig.state.days[0].end_ns, day + 21 * HOUR); /* EDT */
    assert_int_equal(rig.state.days[1].end_ns, day + 22 * HOUR); /* EET, not yet summer */
    rig_mark(&rig, day + 20 * HOUR, "50800", "50800");
    rig_mark(&rig, day + 21 * HOUR + 60 * S, "50300", "50300");
    assert_true(rig.marked.new_day);
    LEVEL(&rig, "49800"); /* the new day of candidate 0 */
    rig_mark(&rig, day + 22 * HOUR, "50200", "50200");
    assert_false(rig.marked.new_day);
    assert_true(rig.marked.durable);
    assert_int_equal(rig.state.days[1].balance, usd("50300"));
    LEVEL(&rig, "49800"); /* candidate 0 has the higher one */
    /* the day of 23 hours */
    int64_t sunday = tz_days_from_civil(2026, 3, 29) * DAY, start, end;
    rules_day_bounds(&rig.set, rig.zones, 1, sunday + 10 * HOUR, &start, &end);
    assert_int_equal(end - start, 23 * HOUR);
    rules_day_bounds(&rig.set, rig.zones, 0, sunday + 10 * HOUR, &start, &end);
    assert_int_equal(end - start, 24 * HOUR);
}

static void test_a_breach_is_an_edge_and_a_latch(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "1000", "50000");
    rig_mark(&rig, at(0, 10), "50000", "49000");
    assert_int_equal(rig.marked.breached, 0);
    rig_mark(&rig, at(0, 20), "50000", "48999.99");
    assert_int_equal(rig.marked.breached, 1);
    assert_true(rig.marked.durable);
    assert_int_equal(rig.state.latches[0].latch, RULES_LATCH_TERMINATE);
    assert_int_equal(rig.state.latches[0].since_ns, at(0, 20));
    rig_mark(&rig, at(0, 30), "50000", "48000");
    assert_int_equal(rig.marked.breached, 0);
    rig_mark(&rig, at(5, 0), "50000", "50000");
    assert_int_equal(rig.state.latches[0].latch, RULES_LATCH_TERMINATE);
}

/* FTMO's own example: no order, only midnight. */
static void test_a_boundary_breaches_without_an_order(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "10000", "200000");
    rig_mark(&rig, at(0, 10), "200000", "200000");
    rig_mark(&rig, at(0, 86000), "204000", "191000");
    assert_int_equal(rig.marked.breached, 0);
    rig_mark(&rig, at(1, 0), "204000", "191000");
    assert_int_equal(rig.marked.breached, 1);
}

static void test_a_pause_ends_with_the_latest_candidate(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "1000", "50000");
    rig.set.floors[0].days = 3;
    rig.set.floors[0].effect = RULES_EFFECT_PAUSE;
    rig.set.floors[0].breach = RULES_LE;
    rig.set.day_count = 2;
    rig.zones[1] = rig.zones[0];
    rig.set.days[1] = (struct rules_day){.zone = 1, .at_s = 7200};
    rig_mark(&rig, at(0, 40000), "50000", "50000");
    rig_mark(&rig, at(0, 50000), "49000", "49000");
    assert_int_equal(rig.marked.breached, 1);
    assert_int_equal(rig.state.latches[0].latch, RULES_LATCH_PAUSE);
    assert_int_equal(rig.state.latches[0].until_ns, at(1, 7200));
    rig_mark(&rig, at(1, 7199), "49000", "49000");
    assert_int_equal(rig.state.latches[0].latch, RULES_LATCH_PAUSE);
    rig_mark(&rig, at(1, 7200), "49000", "49000");
    assert_int_equal(rig.state.latches[0].latch, RULES_LATCH_NONE);
    assert_true(rig.marked.durable);
}

static void test_what_is_checked_at_the_boundary_only(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EOD_BALANCE, "1500", "25000");
    rig.set.floors[0].check = RULES_AT_BOUNDARY;
    rig_mark(&rig, at(0, 10), "25000", "25000");
    rig_mark(&rig, at(0, 20), "25000", "23000");
    assert_int_equal(rig.marked.breached, 0);
    rig_mark(&rig, at(0, 30), "25000", "23600");
    rig_mark(&rig, at(1, 10), "25000", "23000"); /* the boundary saw 23600 */
    assert_int_equal(rig.marked.breached, 0);
    rig_mark(&rig, at(2, 10), "25000", "25000"); /* and this one 23000 */
    assert_int_equal(rig.marked.breached, 1);
}

static void test_a_pause_of_the_boundary_lasts_a_day(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "1500", "25000");
    rig.set.floors[0].check = RULES_AT_BOUNDARY;
    rig.set.floors[0].effect = RULES_EFFECT_PAUSE;
    rig_mark(&rig, at(0, 10), "25000", "25000");
    rig_mark(&rig, at(0, 20), "23400", "23400");
    rig_mark(&rig, at(1, 10), "23400", "23400");
    assert_int_equal(rig.marked.breached, 1);
    assert_int_equal(rig.state.latches[0].latch, RULES_LATCH_PAUSE);
    assert_int_equal(rig.state.latches[0].until_ns, at(2, 0));
}

static void test_payouts(void **unused)
{
    (void)unused;
    begin(RULES_RUN_CLOSED, "6000", "100000");
    rig_mark(&rig, at(0, 10), "103000", "103000");
    rules_payout(&rig.state, &rig.set, at(0, 20), usd("100000"), usd("100000"));
    LEVEL(&rig, "97000"); /* marks stay: 3000 of room, not 6000 */
    rig.set.floors[0].payout = RULES_PAYOUT_FLOOR_TO_INITIAL;
    rig.state.payout_pending = 1;
    rules_payout(&rig.state, &rig.set, at(0, 30), usd("100000"), usd("100000"));
    LEVEL(&rig, "100000");
    assert_int_equal(rig.state.payout_pending, 0);
    rig_mark(&rig, at(3, 30), "100000", "100000");
    LEVEL(&rig, "100000"); /* for good */

    begin(RULES_RUN_EOD_BALANCE, "2000", "0");
    rig.set.floors[0].payout = RULES_PAYOUT_FLOOR_TO_ZERO;
    rig_mark(&rig, at(0, 10), "1000", "1000");
    rules_payout(&rig.state, &rig.set, at(0, 20), usd("500"), usd("500"));
    LEVEL(&rig, "0");
}

static void test_a_payout_resets_marks_that_nobody_else_needs(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EQUITY, "1000", "20000");
    rig_floor(&rig, RULES_SNAP_BALANCE, "500")->payout = RULES_PAYOUT_ANCHOR_RESET;
    rig.set.floors[0].payout = RULES_PAYOUT_ANCHOR_RESET;
    rig_mark(&rig, at(0, 10), "21500", "22000");
    rig_mark(&rig, at(1, 10), "21500", "21500");
    rules_payout(&rig.state, &rig.set, at(1, 20), usd("20400"), usd("20400"));
    LEVEL(&rig, "19400");
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 1), usd("19900"));
    rig_mark(&rig, at(1, 30), "20400", "20400");
    assert_int_equal(rig.marked.breached, 0);
    /* another floor on the same mark says nothing of payouts: the mark stays */
    rig_floor(&rig, RULES_RUN_EQUITY, "3000");
    rig_mark(&rig, at(1, 40), "22000", "22000");
    rules_payout(&rig.state, &rig.set, at(1, 50), usd("21100"), usd("21100"));
    LEVEL(&rig, "21000");
    rules_payout(&rig.state, &rig.set, at(1, 60), usd("100"), usd("100"));
    assert_true(rig.state.high_equity >= rig.state.initial); /* never below I */
}

static void test_a_deposit_is_no_breach_and_no_profit(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "1000", "50000");
    rig_mark(&rig, at(0, 10), "50000", "50000");
    rules_deposit(&rig.state, &rig.set, at(0, 20), usd("51000"), usd("51000"));
    assert_int_equal(rig.state.balance, usd("51000"));
    assert_int_equal(rig.state.profit.today, 0);
    LEVEL(&rig, "49000");
}

static void test_lots_of_the_day(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_mark(&rig, at(0, 10), "50000", "50000");
    rules_on_opened(&rig.state, &rig.set, 3, 1, usd("2.5"), at(0, 20));
    rules_on_opened(&rig.state, &rig.set, 3, 2, usd("1"), at(0, 30));
    rules_on_closed(&rig.state, &rig.set, 3, 2, usd("0.5"), 0, at(0, 30), at(0, 40));
    assert_int_equal(rig.state.lots_today, usd("3.5"));
    rig_mark(&rig, at(1, 10), "50000", "50000");
    assert_int_equal(rig.state.lots_today, 0);
    assert_int_equal(rig.state.lots_carried, usd("3"));
    rules_on_closed(&rig.state, &rig.set, 3, 1, usd("2.5"), 0, at(0, 20), at(1, 40));
    assert_int_equal(rig.state.lots_carried, usd("3")); /* counted until the next boundary */
    assert_int_equal(rig.state.lots_open, usd("0.5"));
}

/* A loss is carried while a leg is open or within the window after a losing close. */
static void test_ideas(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig.set.loss_count = 1;
    rig.set.losses[0] = (struct rules_loss){.group = RULES_GROUP_IDEA, .window_s = 300};
    const struct rules_loss *rule = &rig.set.losses[0];
    rules_on_opened(&rig.state, &rig.set, 2, 1, usd("1"), at(0, 0));
    rules_on_closed(&rig.state, &rig.set, 2, 1, usd("1"), -usd("400"), at(0, 0), at(0, 100));
    assert_int_equal(rules_idea_carried(&rig.state, rule, 2, 1, at(0, 400)), usd("400"));
    assert_int_equal(rules_idea_carried(&rig.state, rule, 2, 1, at(0, 401)), 0);
    assert_int_equal(rules_idea_carried(&rig.state, rule, 2, 2, at(0, 400)), 0);
    rules_on_opened(&rig.state, &rig.set, 2, 1, usd("1"), at(0, 400)); /* the same idea: it goes on */
    assert_int_equal(rules_idea_carried(&rig.state, rule, 2, 1, at(0, 9000)), usd("400"));
    rules_on_closed(&rig.state, &rig.set, 2, 1, usd("1"), -usd("100"), at(0, 400), at(0, 9000));
    assert_int_equal(rules_idea_carried(&rig.state, rule, 2, 1, at(0, 9300)), usd("500"));
    rules_on_opened(&rig.state, &rig.set, 2, 1, usd("1"), at(0, 9301)); /* a new one */
    assert_int_equal(rules_idea_carried(&rig.state, rule, 2, 1, at(0, 9301)), 0);
    rules_on_closed(&rig.state, &rig.set, 2, 1, usd("1"), usd("70"), at(0, 9301), at(0, 9400));
    assert_int_equal(rules_idea_carried(&rig.state, rule, 2, 1, at(0, 9400)), 0); /* a gain carries nothing */
    assert_int_equal(rig.state.last_loss_size[2], 0);
    rules_on_closed(&rig.state, &rig.set, 2, 1, usd("0.7"), -usd("1"), at(0, 9400), at(0, 9401));
    assert_int_equal(rig.state.last_loss_size[2], usd("0.7"));
}

static void test_profit_days(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "100000");
    rig.set.shape.day_profit = (struct rules_amount){.kind = RULES_FRAC_INITIAL, .value = usd("0.005")};
    struct rules_profit *profit = &rig.state.profit;
    rig_mark(&rig, at(0, 0), "100000", "100000");
    rules_on_opened(&rig.state, &rig.set, 0, 1, usd("2"), at(0, 10));
    rules_on_opened(&rig.state, &rig.set, 0, 1, usd("1"), at(0, 10));
    rules_on_closed(&rig.state, &rig.set, 0, 1, usd("1"), usd("499.99"), at(0, 10), at(0, 20));
    assert_int_equal(profit->days_profit, 0);
    rules_on_closed(&rig.state, &rig.set, 0, 1, usd("1"), usd("0.01"), at(0, 10), at(0, 30));
    assert_int_equal(profit->days_profit, 1);
    rules_on_closed(&rig.state, &rig.set, 0, 1, usd("0.5"), -usd("1"), at(0, 10), at(0, 40));
    assert_int_equal(profit->days_profit, 0); /* it is none any more */
    rules_on_closed(&rig.state, &rig.set, 0, 1, usd("0.4"), usd("300"), at(0, 10), at(0, 50));
    assert_int_equal(profit->days_opened, 1);
    rig_mark(&rig, at(1, 0), "100799", "100799");
    assert_int_equal(profit->days_profit, 1);
    assert_int_equal(profit->net, usd("799"));
    assert_int_equal(profit->best, usd("799"));
    assert_int_equal(profit->today, 0);
    rules_on_closed(&rig.state, &rig.set, 0, 1, usd("0.1"), -usd("100"), at(0, 10), at(1, 50));
    rig_mark(&rig, at(2, 0), "100699", "100699");
    assert_int_equal(profit->net, usd("699"));
    assert_int_equal(profit->positive, usd("799"));
    assert_int_equal(profit->days_traded, 2);
    assert_int_equal(profit->days_opened, 1);
}

static void test_durations(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "100000");
    rig.set.hold_count = 2;
    rig.set.holds[0] = (struct rules_hold){.kind = RULES_SHARE_OF_TRADES, .tau_s = 60};
    rig.set.holds[1] = (struct rules_hold){.kind = RULES_SHARE_OF_TRADES, .tau_s = 60, .at_least = true};
    rules_on_closed(&rig.state, &rig.set, 0, 1, DEC_ONE, usd("10"), at(0, 0), at(0, 60));
    rules_on_closed(&rig.state, &rig.set, 0, 1, DEC_ONE, usd("20"), at(0, 0), at(0, 60) + 1);
    rules_on_closed(&rig.state, &rig.set, 0, 1, DEC_ONE, -usd("5"), at(0, 0), at(0, 60) - 1);
    const struct rules_profit *profit = &rig.state.profit;
    assert_int_equal(profit->trades, 3);
    assert_int_equal(profit->short_trades[0], 1); /* exactly tau is long enough here */
    assert_int_equal(profit->short_trades[1], 2); /* and not here */
    assert_int_equal(profit->trade_profit, usd("30"));
    assert_int_equal(profit->long_profit[0], usd("20"));
    assert_int_equal(profit->duration_sum_s, 60 + 60 + 59);
}

/* Never fewer than there were: against a count of every message, over an hour of random gaps. */
static void test_rolling_rates_never_count_too_few(void **unused)
{
    (void)unused;
    static int64_t sent[4000];
    uint32_t count = 0, random = 12345, over = 0;
    begin(RULES_INITIAL, "1000", "50000");
    rig.set.rate_count = 1;
    rig.set.rates[0] = (struct rules_rate){.counted = RULES_MESSAGES, .window_s = 60, .max = 100};
    int64_t now = at(0, 0);
    for (; count < 4000; count++) {
        random = random * 1664525u + 1013904223u;
        now += (int64_t)(random >> 12) % (count % 500 == 0 ? 200 * S : 3 * S);
        rules_on_message(&rig.state, &rig.set, count % 2 ? RULES_ORDERS : RULES_MESSAGES, now);
        sent[count] = now;
        uint32_t exact = 0, used = rules_rate_used(&rig.state, &rig.set.rates[0], 0, now);
        for (uint32_t i = 0; i <= count; i++)
            exact += sent[i] > now - 60 * S;
        assert_true(used >= exact);
        over += used - exact;
    }
    assert_true(over < 4000u * 2); /* and hardly more */
    assert_true(rules_rate_used(&rig.state, &rig.set.rates[0], 0, now + 61 * S + 60 * S / 59) == 0);
}

static void test_rates_of_a_day(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig.set.rate_count = 3;
    rig.set.rates[0] = (struct rules_rate){.counted = RULES_MESSAGES, .max = 100};
    rig.set.rates[1] = (struct rules_rate){.counted = RULES_CHANGES, .max = 100};
    rig.set.rates[2] = (struct rules_rate){.counted = RULES_EXECUTIONS, .max = 100};
    rig_mark(&rig, at(0, 0), "50000", "50000");
    rules_on_message(&rig.state, &rig.set, RULES_ORDERS, at(0, 1));
    rules_on_message(&rig.state, &rig.set, RULES_CHANGES, at(0, 2));
    rules_on_message(&rig.state, &rig.set, RULES_MESSAGES, at(0, 3));
    rules_on_message(&rig.state, &rig.set, RULES_EXECUTIONS, at(0, 4));
    assert_int_equal(rules_rate_used(&rig.state, &rig.set.rates[0], 0, at(0, 5)), 3);
    assert_int_equal(rules_rate_used(&rig.state, &rig.set.rates[1], 1, at(0, 5)), 1);
    assert_int_equal(rules_rate_used(&rig.state, &rig.set.rates[2], 2, at(0, 5)), 1);
    assert_int_equal(rig.state.last_order_ns, at(0, 1));
    rig_mark(&rig, at(1, 0), "50000", "50000");
    assert_int_equal(rules_rate_used(&rig.state, &rig.set.rates[0], 0, at(1, 0)), 0);
}

/* Money of which no report told: marks take the higher balance, over the boundary too; it is profit or loss of today. */
static void test_a_correction_counts_against_the_account(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "1000", "50000");
    rig_mark(&rig, at(0, 10), "50000", "50100");
    rules_corrected(&rig.state, &rig.set, -usd("700"), usd("49300"), usd("49400"));
    assert_int_equal(rig.state.profit.today, -usd("700"));
    rig_mark(&rig, at(1, 10), "49300", "49400");
    assert_int_equal(rig.state.days[0].balance, usd("50000")); /* the loss may be today's */
    assert_int_equal(rig.state.high_equity, usd("50100"));
    rules_corrected(&rig.state, &rig.set, usd("900"), usd("50200"), usd("50300"));
    assert_int_equal(rig.state.high_balance, usd("50200"));
    assert_int_equal(rig.state.high_equity, usd("50300"));
    assert_int_equal(rig.state.days[0].peak_equity, usd("50300"));
    assert_int_equal(rig.state.days[0].balance, usd("50000"));
    assert_int_equal(rig.state.profit.today, usd("900"));
    rig_mark(&rig, at(2, 10), "50200", "50300");
    assert_int_equal(rig.state.days[0].balance, usd("50200")); /* and the gain yesterday's */
}

/* Restored from its bytes it goes on as if it had never been away. */
static void test_a_copy_goes_on_alike(void **unused)
{
    (void)unused;
    static struct rig copy;
    begin(RULES_RUN_EOD_MAX, "1000", "50000");
    rig_mark(&rig, at(0, 10), "50500", "51000");
    copy = rig;
    for (int i = 1; i < 40; i++) {
        rig_mark(&rig, at(i / 8, i * 3000), i % 3 ? "50700" : "50100", i % 5 ? "50900" : "50000");
        rig_mark(&copy, at(i / 8, i * 3000), i % 3 ? "50700" : "50100", i % 5 ? "50900" : "50000");
    }
    assert_memory_equal(&rig.state, &copy.state, sizeof rig.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_of_a_row),
        cmocka_unit_test(test_a_correction_counts_against_the_account),
        cmocka_unit_test(test_the_snapshot_is_the_last_mark_before_the_boundary),
        cmocka_unit_test(test_several_boundaries_at_once),
        cmocka_unit_test(test_a_time_that_goes_back),
        cmocka_unit_test(test_marks_follow_the_best_between_two),
        cmocka_unit_test(test_candidates_across_a_clock_change),
        cmocka_unit_test(test_a_breach_is_an_edge_and_a_latch),
        cmocka_unit_test(test_a_boundary_breaches_without_an_order),
        cmocka_unit_test(test_a_pause_ends_with_the_latest_candidate),
        cmocka_unit_test(test_what_is_checked_at_the_boundary_only),
        cmocka_unit_test(test_a_pause_of_the_boundary_lasts_a_day),
        cmocka_unit_test(test_payouts),
        cmocka_unit_test(test_a_payout_resets_marks_that_nobody_else_needs),
        cmocka_unit_test(test_a_deposit_is_no_breach_and_no_profit),
        cmocka_unit_test(test_lots_of_the_day),
        cmocka_unit_test(test_ideas),
        cmocka_unit_test(test_profit_days),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_rolling_rates_never_count_too_few),
        cmocka_unit_test(test_rates_of_a_day),
        cmocka_unit_test(test_a_copy_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
