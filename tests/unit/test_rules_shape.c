/* P7: best day, cap, target, days; each on both sides of a cent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)
#define MONEY(n) ((dec_t)((n)*DEC_ONE))
#define CENT (DEC_ONE / 100)
#define T0 (INT64_C(1700000000) * NS)

static uint64_t draw(uint64_t *seed)
{
    return hash_mix64((*seed)++);
}

static struct rules_set set;
static struct rules_state state;

static void begin(void)
{
    memset(&set, 0, sizeof set);
    set.day_count = 1;
    rules_init(&state, &set, MONEY(100000));
}

static struct rules_shape best_day_rule(dec_t max, bool strict, uint32_t denominator)
{
    return (struct rules_shape){
        .has_best_day = true, .best_day_max = max, .best_day_strict = strict, .best_day_denominator = denominator};
}

static struct rules_best_day best_of(const struct rules_shape *shape, dec_t net, dec_t positive, dec_t best)
{
    struct rules_profit profit = {.net = net, .positive = positive, .best = best};
    struct rules_best_day out;
    memset(&out, 0xee, sizeof out);
    rules_best_day(shape, &profit, &out);
    return out;
}

static void test_best_day_at_the_limit(void **unused)
{
    (void)unused;
    struct rules_shape shape = best_day_rule(DEC_ONE / 2, false, RULES_NET);
    struct rules_best_day best = best_of(&shape, MONEY(1000), 0, MONEY(500));
    assert_true(best.kept && best.share == DEC_ONE / 2 && best.extra == 0);
    best = best_of(&shape, MONEY(1000), 0, MONEY(500) + 1);
    assert_false(best.kept);
    assert_int_equal(best.extra, CENT); /* 0.00000002 up to the cent */
    shape.best_day_strict = true;
    assert_false(best_of(&shape, MONEY(1000), 0, MONEY(500)).kept);
    assert_true(best_of(&shape, MONEY(1000) + 2, 0, MONEY(500)).kept);
}

static void test_best_day_denominators(void **unused)
{
    (void)unused;
    struct rules_shape net = best_day_rule(DEC_ONE / 2, true, RULES_NET),
                       positive = best_day_rule(DEC_ONE / 2, true, RULES_POSITIVE_DAYS);
    assert_false(best_of(&net, MONEY(2900), MONEY(3300), MONEY(1500)).kept);
    assert_int_equal(best_of(&net, MONEY(2900), MONEY(3300), MONEY(1500)).extra, MONEY(100));
    assert_true(best_of(&positive, MONEY(2900), MONEY(3300), MONEY(1500)).kept);
}

static void test_best_day_without_a_denominator(void **unused)
{
    (void)unused;
    struct rules_shape shape = best_day_rule(DEC_ONE / 2, false, RULES_NET);
    struct rules_best_day best = best_of(&shape, -MONEY(300), 0, MONEY(500));
    assert_false(best.kept);
    assert_int_equal(best.share, DEC_MAX);
    assert_int_equal(best.extra, MONEY(1300));
    best = best_of(&shape, -MONEY(300), 0, 0); /* no good day yet */
    assert_true(best.kept && best.share == 0 && best.extra == 0);
    shape.has_best_day = false;
    best = best_of(&shape, MONEY(500), 0, MONEY(500));
    assert_true(best.kept && best.share == DEC_ONE && best.extra == 0);
}

static void test_best_day_that_does_not_fit(void **unused)
{
    (void)unused;
    struct rules_shape shape = best_day_rule(1, false, RULES_NET); /* 10^-8 */
    struct rules_best_day best = best_of(&shape, MONEY(1000), 0, MONEY(1000));
    assert_false(best.kept);
    assert_int_equal(best.extra, DEC_MAX);
    shape.best_day_max = 0;
    assert_int_equal(best_of(&shape, MONEY(1000), 0, MONEY(1000)).extra, DEC_MAX);
}

/* `extra` is the least: with it the share is kept, with a cent less it is not. */
static void test_best_day_extra_is_the_least(void **unused)
{
    (void)unused;
    uint64_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        dec_t best = (dec_t)(draw(&seed) % 1000000 + 1) * CENT, net = best + (dec_t)(draw(&seed) % 1000000) * CENT;
        struct rules_shape shape = best_day_rule((dec_t)(draw(&seed) % 90 + 5) * CENT, false, RULES_NET);
        struct rules_best_day out = best_of(&shape, net, 0, best);
        assert_true(best_of(&shape, net + out.extra, 0, best).kept);
        if (!out.kept)
            assert_false(best_of(&shape, net + out.extra - CENT, 0, best).kept);
    }
}

static void test_cap_today(void **unused)
{
    (void)unused;
    struct rules_shape shape = best_day_rule(40 * CENT, false, RULES_NET);
    assert_int_equal(rules_profit_cap_today(&shape, MONEY(4000)), 266666 * CENT);
    assert_int_equal(rules_profit_cap_today(&shape, 0), 0);
    assert_int_equal(rules_profit_cap_today(&shape, -MONEY(1)), 0);
    shape.daily_profit_cap = MONEY(1000);
    assert_int_equal(rules_profit_cap_today(&shape, MONEY(4000)), MONEY(1000));
    shape.has_best_day = false;
    assert_int_equal(rules_profit_cap_today(&shape, MONEY(1)), MONEY(1000));
    shape.daily_profit_cap = 0;
    assert_int_equal(rules_profit_cap_today(&shape, MONEY(1)), DEC_MAX);
    shape = best_day_rule(DEC_ONE, false, RULES_NET);
    assert_int_equal(rules_profit_cap_today(&shape, MONEY(1)), DEC_MAX);
    shape = best_day_rule(99999999, false, RULES_NET);
    assert_int_equal(rules_profit_cap_today(&shape, DEC_MAX), DEC_MAX - DEC_MAX % CENT);
}

/* The cap as today's profit keeps the share; a cent more does not. Strict and not. */
static void test_cap_today_is_the_most(void **unused)
{
    (void)unused;
    uint64_t seed = 11;
    for (int i = 0; i < 4000; i++) {
        dec_t others = (dec_t)(draw(&seed) % 1000000 + 100) * CENT;
        struct rules_shape shape = best_day_rule((dec_t)(draw(&seed) % 49 + 51) * CENT, i % 2 == 1, RULES_NET);
        dec_t cap = rules_profit_cap_today(&shape, others);
        /* from a half on today is the best day whenever it is above the limit */
        assert_true(cap == 0 || best_of(&shape, others + cap, 0, cap).kept);
        assert_false(best_of(&shape, others + cap + CENT, 0, cap + CENT).kept);
    }
}

static dec_t closes_at(const struct rules_shape *shape, dec_t net, dec_t positive, dec_t best)
{
    struct rules_profit profit = {.net = net, .positive = positive, .best = best};
    return rules_day_closes_at(shape, &profit, MONEY(100000));
}

static void test_day_closes_without_something_to_compare(void **unused)
{
    (void)unused;
    struct rules_shape shape = best_day_rule(DEC_ONE / 2, false, RULES_NET);
    assert_int_equal(closes_at(&shape, 0, 0, 0), DEC_MAX); /* an account has to begin */
    assert_int_equal(closes_at(&shape, -MONEY(500), 0, 0), DEC_MAX);
    shape.daily_profit_cap = MONEY(3000);
    assert_int_equal(closes_at(&shape, 0, 0, 0), MONEY(3000));
    assert_int_equal(closes_at(&shape, MONEY(9000), 0, MONEY(4000)), MONEY(3000)); /* the daily cap is the firm's word */
    shape.has_best_day = false;
    assert_int_equal(closes_at(&shape, MONEY(9000), 0, MONEY(4000)), MONEY(3000));
    shape.daily_profit_cap = 0;
    assert_int_equal(closes_at(&shape, MONEY(9000), 0, MONEY(4000)), DEC_MAX);
    shape = best_day_rule(DEC_ONE, false, RULES_NET);
    assert_int_equal(closes_at(&shape, MONEY(9000), 0, MONEY(4000)), DEC_MAX);
}

static void test_day_closes_at_the_highest_that_does_no_harm(void **unused)
{
    (void)unused;
    struct rules_shape shape = best_day_rule(40 * CENT, false, RULES_NET);
    assert_int_equal(closes_at(&shape, MONEY(4000), 0, MONEY(1000)), 266666 * CENT); /* the cap of the other days */
    assert_int_equal(closes_at(&shape, MONEY(1000), 0, MONEY(1000)), MONEY(1000));   /* up to the best day */
    assert_int_equal(closes_at(&shape, -MONEY(700), 0, MONEY(300)), MONEY(300));
    shape.best_day_denominator = RULES_POSITIVE_DAYS;
    assert_int_equal(closes_at(&shape, 0, MONEY(4000), MONEY(1000)), 266666 * CENT);
    shape.target = (struct rules_amount){.kind = RULES_FRAC_INITIAL, .value = 10 * CENT};
    assert_int_equal(closes_at(&shape, 0, 0, 0), MONEY(4000)); /* of the target, from the first day */
    assert_int_equal(closes_at(&shape, 0, MONEY(4000), MONEY(1000)), MONEY(4000));
    assert_int_equal(closes_at(&shape, 0, MONEY(9000), MONEY(1000)), MONEY(6000));
    shape.best_day_strict = true;
    assert_int_equal(closes_at(&shape, 0, 0, 0), MONEY(4000) - CENT);
    shape.best_day_strict = false;
    shape.target = (struct rules_amount){.kind = RULES_ABS, .value = DEC_MAX};
    assert_int_equal(closes_at(&shape, 0, 0, 0), 3689348814741 * CENT); /* 40 % of all there is, down to the cent */
}

/* A day of the cap leaves no more to earn elsewhere than there was, and passes at the target; a cent more does not. */
static void test_day_closes_where_more_would_harm(void **unused)
{
    (void)unused;
    uint64_t seed = 23;
    for (int i = 0; i < 4000; i++) {
        dec_t best = (dec_t)(draw(&seed) % 100000 + 1) * CENT, positive = best + (dec_t)(draw(&seed) % 1000000) * CENT;
        struct rules_shape shape = best_day_rule((dec_t)(draw(&seed) % 90 + 5) * CENT, i % 2 == 1, RULES_POSITIVE_DAYS);
        dec_t cap = closes_at(&shape, 0, positive, best);
        struct rules_best_day before = best_of(&shape, 0, positive, best), at, over;
        at = best_of(&shape, 0, positive + cap, dec_max(best, cap));
        over = best_of(&shape, 0, positive + cap + CENT, dec_max(best, cap + CENT));
        assert_true(at.kept || (!before.kept && at.extra < before.extra));
        assert_true(cap >= best);
        if (cap > best)
            assert_true(at.kept && !over.kept);
        else if (!at.kept)
            assert_true(over.extra >= at.extra);
    }
}

static void test_target(void **unused)
{
    (void)unused;
    struct rules_shape shape = {.target = {.kind = RULES_FRAC_INITIAL, .value = 10 * CENT}, .target_flat = true};
    assert_int_equal(rules_target_balance(&shape, MONEY(100000)), MONEY(110000));
    assert_true(rules_target_reached(&shape, MONEY(100000), MONEY(110000), 0));
    assert_false(rules_target_reached(&shape, MONEY(100000), MONEY(110000) - 1, 0));
    assert_false(rules_target_reached(&shape, MONEY(100000), MONEY(120000), 1));
    shape.target_flat = false;
    assert_true(rules_target_reached(&shape, MONEY(100000), MONEY(110000), 1));
    shape.target = (struct rules_amount){.kind = RULES_ABS, .value = MONEY(3000)};
    assert_true(rules_target_reached(&shape, MONEY(50000), MONEY(53000), 1));
    shape.target.kind = RULES_TIERED; /* no such target: never */
    assert_false(rules_target_reached(&shape, MONEY(50000), DEC_MAX, 0));
    shape.target = (struct rules_amount){0};
    assert_false(rules_target_reached(&shape, 0, MONEY(53000), 0)); /* funded: none */
    assert_int_equal(rules_target_balance(&shape, 0), DEC_MAX);
    shape.target = (struct rules_amount){.kind = RULES_FRAC_INITIAL, .value = 1};
    assert_int_equal(rules_target_balance(&shape, MONEY(100000)), MONEY(100000) + CENT); /* up to the cent */
}

static void day(dec_t profit)
{
    state.profit.today = profit;
    rules_profit_day(&set, &state, &state.profit);
}

static void test_days_join_the_sums(void **unused)
{
    (void)unused;
    begin();
    state.profit.today_flags = 3;
    day(MONEY(1500));
    assert_int_equal(state.profit.today, 0);
    assert_int_equal(state.profit.today_flags, 0);
    day(-MONEY(400));
    day(MONEY(1000));
    day(0);
    assert_int_equal(state.profit.net, MONEY(2100));
    assert_int_equal(state.profit.positive, MONEY(2500));
    assert_int_equal(state.profit.best, MONEY(1500));
    day(DEC_MAX);
    assert_int_equal(state.profit.net, DEC_MAX);
}

static void test_profit_days(void **unused)
{
    (void)unused;
    begin();
    uint32_t days;
    set.shape.days_counted = RULES_DAYS_PROFIT;
    set.shape.min_days = 2;
    set.shape.day_profit = (struct rules_amount){.kind = RULES_FRAC_INITIAL, .value = DEC_ONE / 200};
    assert_int_equal(rules_day_profit(&set.shape, state.initial), MONEY(500));
    day(MONEY(500) - 1);
    assert_false(rules_days_reached(&set.shape, &state.profit, &days));
    assert_int_equal(days, 0);
    day(MONEY(500));
    state.profit.today_flags = 4; /* counted already while it went on */
    state.profit.days_profit++;
    day(MONEY(900));
    assert_true(rules_days_reached(&set.shape, &state.profit, &days));
    assert_int_equal(days, 2);
    state.profit.today_flags = 4; /* counted, and lost again */
    state.profit.days_profit++;
    day(MONEY(499));
    (void)rules_days_reached(&set.shape, &state.profit, &days);
    assert_int_equal(days, 2);
    set.shape.day_profit = (struct rules_amount){0};
    day(0); /* any profit: nothing is none */
    (void)rules_days_reached(&set.shape, &state.profit, &days);
    assert_int_equal(days, 2);
}

static void test_other_days(void **unused)
{
    (void)unused;
    struct rules_profit profit = {.days_opened = 3, .days_traded = 4, .days_profit = 1};
    struct rules_shape shape = {.min_days = 4, .days_counted = RULES_DAYS_OPENED};
    uint32_t days;
    assert_false(rules_days_reached(&shape, &profit, &days));
    assert_int_equal(days, 3);
    shape.days_counted = RULES_DAYS_TRADED;
    assert_true(rules_days_reached(&shape, &profit, &days));
    shape.days_counted = 99;
    assert_false(rules_days_reached(&shape, &profit, &days));
    shape.min_days = 0;
    assert_true(rules_days_reached(&shape, &profit, &days));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best_day_at_the_limit),
        cmocka_unit_test(test_best_day_denominators),
        cmocka_unit_test(test_best_day_without_a_denominator),
        cmocka_unit_test(test_best_day_that_does_not_fit),
        cmocka_unit_test(test_best_day_extra_is_the_least),
        cmocka_unit_test(test_cap_today),
        cmocka_unit_test(test_cap_today_is_the_most),
        cmocka_unit_test(test_day_closes_without_something_to_compare),
        cmocka_unit_test(test_day_closes_at_the_highest_that_does_no_harm),
        cmocka_unit_test(test_day_closes_where_more_would_harm),
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_days_join_the_sums),
        cmocka_unit_test(test_profit_days),
        cmocka_unit_test(test_other_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
