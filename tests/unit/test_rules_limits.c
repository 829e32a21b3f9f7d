/* P2 and P3: limits of every kind, both sides of a cent, ideas by the second, what an order adds to a count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)
#define MONEY(n) ((dec_t)((n)*DEC_ONE))
#define CENT (DEC_ONE / 100)
#define LOTS(hundredths) ((hundredths)*CENT)
#define T0 (INT64_C(1700000000) * NS)

static struct rules_set set;
static struct rules_state state;

static void begin(dec_t initial)
{
    memset(&set, 0, sizeof set);
    set.day_count = 1;
    memset(&state, 0xa5, sizeof state);
    rules_init(&state, &set, initial);
}

/* As rules_mark leaves it: day `i` began with this balance. */
static void day_began(uint32_t i, dec_t balance)
{
    state.days[i].start_ns = T0;
    state.days[i].end_ns = T0 + 86400 * NS;
    state.days[i].balance = balance;
    state.time_ns = T0;
}

static struct rules_loss loss_of(uint32_t kind, dec_t value)
{
    return (struct rules_loss){.group = RULES_GROUP_ACCOUNT, .limit = {.kind = kind, .value = value}};
}

static dec_t limit_of(const struct rules_loss *rule)
{
    return rules_loss_limit(&set, &state, rule);
}

/* --- P2: limits -------------------------------------------------------------------------------------------------- */

static void test_limit_of_every_kind(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    struct rules_loss rule = loss_of(RULES_ABS, MONEY(1500));
    assert_int_equal(limit_of(&rule), MONEY(1500));
    rule = loss_of(RULES_FRAC_INITIAL, 3 * CENT);
    assert_int_equal(limit_of(&rule), MONEY(3000));
    rule = loss_of(RULES_FRAC_ANCHOR, 2 * CENT);
    assert_int_equal(limit_of(&rule), MONEY(2000)); /* before the first mark: of I */
    day_began(0, MONEY(102000));
    assert_int_equal(limit_of(&rule), MONEY(2040));
    rule = loss_of(RULES_TIERED, 0);
    rule.limit.tier_count = 2;
    rule.limit.tiers[0] = (struct rules_tier){0, MONEY(500)};
    rule.limit.tiers[1] = (struct rules_tier){MONEY(2000), MONEY(900)};
    assert_int_equal(limit_of(&rule), MONEY(900));
    day_began(0, MONEY(102000) - 1);
    assert_int_equal(limit_of(&rule), MONEY(500));
    rule.limit.basis = RULES_LIVE_EQUITY;
    rule.limit.tiers[1].from = MONEY(101000);
    state.equity = MONEY(101000);
    assert_int_equal(limit_of(&rule), MONEY(900));
    rule.limit.kind = 99;
    assert_int_equal(limit_of(&rule), 0);
}

static void test_limit_is_whole_cents_down(void **unused)
{
    (void)unused;
    begin(MONEY(100000) + 33 * CENT);
    struct rules_loss rule = loss_of(RULES_FRAC_INITIAL, DEC_ONE / 3);
    assert_int_equal(limit_of(&rule), 3333344 * CENT); /* 33333.4433... */
    rule = loss_of(RULES_ABS, CENT - 1);
    assert_int_equal(limit_of(&rule), 0);
    rule = loss_of(RULES_ABS, -MONEY(5));
    assert_int_equal(limit_of(&rule), 0);
}

/* Firms that leave the zone open: the candidate with the smaller limit. */
static void test_limit_is_the_smallest_over_the_candidates(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    set.day_count = 2;
    struct rules_loss rule = loss_of(RULES_FRAC_ANCHOR, 2 * CENT);
    day_began(0, MONEY(102000));
    assert_int_equal(limit_of(&rule), MONEY(2040)); /* the other has not begun */
    day_began(1, MONEY(101000));
    assert_int_equal(limit_of(&rule), MONEY(2020));
}

static void test_limit_of_sod_profit_is_at_least_that_of_the_threshold(void **unused)
{
    (void)unused;
    begin(MONEY(50000));
    struct rules_loss rule = loss_of(RULES_FRAC_SOD_PROFIT, 30 * CENT);
    rule.limit.floor_of = MONEY(2500);
    static const struct {
        int profit, limit;
    } cases[] = {{-900, 750}, {0, 750}, {500, 750}, {2500, 750}, {2600, 780}, {4000, 1200}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        day_began(0, MONEY(50000 + cases[i].profit));
        assert_int_equal(limit_of(&rule), MONEY(cases[i].limit));
    }
}

static void test_limit_of_daily_allowance(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    struct rules_loss rule = loss_of(RULES_FRAC_DAILY, DEC_ONE / 2);
    assert_int_equal(limit_of(&rule), 0); /* no daily floor: nothing may be lost */
    set.floor_count = 3;
    for (uint32_t i = 0; i < 3; i++)
        set.floors[i] = (struct rules_floor){.kind = RULES_DAILY,
                                             .anchor = RULES_SNAP_BALANCE,
                                             .days = 1,
                                             .allowance = {.kind = RULES_ABS, .value = MONEY(5000 + 1000 * i)}};
    assert_int_equal(limit_of(&rule), MONEY(2500));
    set.floors[0].kind = RULES_TOTAL;
    assert_int_equal(limit_of(&rule), MONEY(3000));
    set.floors[1].days = 0; /* of candidate 0, as a file without days means it */
    assert_int_equal(limit_of(&rule), MONEY(3000));
}

static void test_limit_that_does_not_fit_is_none(void **unused)
{
    (void)unused;
    begin(MONEY(90000000000));
    struct rules_loss rule = loss_of(RULES_FRAC_INITIAL, MONEY(5));
    assert_int_equal(limit_of(&rule), 0);
    rule = loss_of(RULES_FRAC_ANCHOR, MONEY(5));
    assert_int_equal(limit_of(&rule), 0);
}

/* --- P2: breach, room --------------------------------------------------------------------------------------------- */

static void test_breach_on_both_sides_of_a_cent(void **unused)
{
    (void)unused;
    struct rules_loss rule = loss_of(RULES_ABS, 0);
    dec_t limit = MONEY(1500);
    static const struct {
        dec_t more;
        bool gt, ge;
    } cases[] = {{-CENT, false, false}, {-1, false, false}, {0, false, true}, {1, true, true}, {CENT, true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rule.over = RULES_GT;
        assert_int_equal(rules_loss_breached(&rule, limit, limit + cases[i].more), cases[i].gt);
        rule.over = RULES_GE;
        assert_int_equal(rules_loss_breached(&rule, limit, limit + cases[i].more), cases[i].ge);
    }
    assert_false(rules_loss_breached(&rule, limit, -MONEY(99)));
    assert_true(rules_loss_breached(&rule, limit, DEC_MAX));
    assert_true(rules_loss_breached(&rule, limit, DEC_NONE));
}

/* What rules_loss_room allows is just what is no breach. */
static void test_room_is_the_most_that_is_no_breach(void **unused)
{
    (void)unused;
    struct rules_loss rule = loss_of(RULES_ABS, 0);
    for (uint32_t over = RULES_GT; over <= RULES_GE; over++)
        for (int loss = -3; loss <= 8; loss++) {
            rule.over = over;
            dec_t limit = 5 * CENT, room = rules_loss_room(&rule, limit, loss * CENT);
            bool any = loss * CENT + room <= limit && !rules_loss_breached(&rule, limit, loss * CENT + room);
            assert_true(room == 0 || any);
            assert_true(rules_loss_breached(&rule, limit, loss * CENT + room + CENT));
        }
    assert_int_equal(rules_loss_room(&rule, MONEY(5), DEC_MAX), 0);
    assert_int_equal(rules_loss_room(&rule, MONEY(5), DEC_NONE), 0);
}

/* --- P2: ideas -----------------------------------------------------------------------------------------------------
 */

static struct rules_loss idea_rule(int32_t window_s)
{
    struct rules_loss rule = loss_of(RULES_ABS, MONEY(1500));
    rule.group = RULES_GROUP_IDEA;
    rule.window_s = window_s;
    return rule;
}

static void lose(uint32_t instrument, uint32_t side, dec_t loss, int64_t opened_ns, int64_t closed_ns)
{
    rules_on_opened(&state, &set, instrument, side, DEC_ONE, opened_ns);
    rules_on_closed(&state, &set, instrument, side, DEC_ONE, -loss, opened_ns, closed_ns);
}

static void test_reentry_is_the_same_idea_up_to_the_second(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    set.loss_count = 1;
    set.losses[0] = idea_rule(600);
    const struct rules_loss *rule = &set.losses[0];
    assert_int_equal(rules_idea_carried(&state, rule, 3, 1, T0), 0);
    lose(3, 1, MONEY(900), T0 - 60 * NS, T0);
    assert_int_equal(rules_idea_carried(&state, rule, 3, 1, T0), MONEY(900));
    assert_int_equal(rules_idea_carried(&state, rule, 3, 1, T0 + 600 * NS), MONEY(900));
    assert_int_equal(rules_idea_carried(&state, rule, 3, 1, T0 + 600 * NS + 1), 0);
    assert_int_equal(rules_idea_carried(&state, rule, 3, 2, T0), 0); /* the other side */
    assert_int_equal(rules_idea_carried(&state, rule, 2, 1, T0), 0); /* another instrument */
    lose(3, 1, MONEY(100), T0 + 500 * NS, T0 + 900 * NS);
    assert_int_equal(rules_idea_carried(&state, rule, 3, 1, T0 + 1500 * NS), MONEY(1000)); /* a chain adds up */
    assert_int_equal(rules_idea_carried(&state, rule, 3, 1, T0 + 1501 * NS), 0);
}

static void test_idea_goes_on_while_a_leg_is_open(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    set.loss_count = 1;
    set.losses[0] = idea_rule(300);
    rules_on_opened(&state, &set, 0, 2, 2 * DEC_ONE, T0);
    rules_on_closed(&state, &set, 0, 2, DEC_ONE, -MONEY(700), T0, T0 + NS);
    assert_int_equal(rules_idea_carried(&state, &set.losses[0], 0, 2, T0 + 100000 * NS), MONEY(700));
    rules_on_closed(&state, &set, 0, 2, DEC_ONE, MONEY(50), T0, T0 + 100000 * NS);
    assert_int_equal(rules_idea_carried(&state, &set.losses[0], 0, 2, T0 + 100001 * NS), 0); /* the loss is long ago */
}

static void test_only_ideas_carry(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    set.loss_count = 1;
    set.losses[0] = idea_rule(600);
    lose(0, 1, MONEY(900), T0, T0);
    struct rules_loss rule = idea_rule(600);
    rule.floating_only = true;
    assert_int_equal(rules_idea_carried(&state, &rule, 0, 1, T0), 0);
    rule = idea_rule(600);
    for (rule.group = 0; rule.group <= RULES_GROUP_ACCOUNT; rule.group++)
        assert_int_equal(rules_idea_carried(&state, &rule, 0, 1, T0), rule.group == RULES_GROUP_IDEA ? MONEY(900) : 0);
}

/* --- P2: what a group has lost ---------------------------------------------------------------------------------------
 */

static struct rules_leg leg(uint32_t kind, uint32_t instrument, uint32_t side, dec_t lots)
{
    return (struct rules_leg){.kind = kind, .instrument = instrument, .side = side, .lots = lots};
}

static void test_loss_now_by_group(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    set.loss_count = 1;
    set.losses[0] = idea_rule(600);
    lose(0, 1, MONEY(100), T0, T0);
    struct rules_leg legs[] = {leg(RULES_LEG_POSITION, 0, 1, DEC_ONE), leg(RULES_LEG_POSITION, 0, 2, DEC_ONE),
                               leg(RULES_LEG_POSITION, 1, 1, DEC_ONE), leg(RULES_LEG_ORDER, 0, 1, DEC_ONE)};
    struct rules_book book = {.legs = legs, .count = 4};
    legs[0].floating = -MONEY(10);
    legs[1].floating = MONEY(3);
    legs[2].floating = -MONEY(500);
    legs[3].floating = -MONEY(9999); /* an order has lost nothing */
    static const dec_t expected[] = {[RULES_GROUP_POSITION] = MONEY(10),
                                     [RULES_GROUP_IDEA] = MONEY(110),
                                     [RULES_GROUP_SYMBOL] = MONEY(7),
                                     [RULES_GROUP_ACCOUNT] = MONEY(507)};
    struct rules_loss rule = idea_rule(600);
    for (rule.group = 0; rule.group <= RULES_GROUP_ACCOUNT; rule.group++)
        assert_int_equal(rules_loss_now(&state, &rule, &book, 0, 1, T0), expected[rule.group]);
    legs[0].floating = -DEC_MAX;
    rule.group = RULES_GROUP_ACCOUNT;
    assert_int_equal(rules_loss_now(&state, &rule, &book, 0, 1, T0), DEC_MAX);
}

/* --- P3: limits
 * -------------------------------------------------------------------------------------------------------- */

static struct rules_exposure exposure_of(uint32_t counted, dec_t limit)
{
    struct rules_exposure rule = {
        .counted = counted, .instruments = 0xffff, .limit = {.kind = RULES_ABS, .value = limit}};
    for (uint32_t i = 0; i < RULES_INSTRUMENTS_MAX; i++)
        rule.weight[i] = DEC_ONE;
    return rule;
}

static const struct rules_amount ladder = {
    .kind = RULES_TIERED,
    .tier_count = 3,
    .tiers = {{MONEY(100), MONEY(2)}, {MONEY(1500), MONEY(3)}, {MONEY(2000), MONEY(5)}}};

static void test_tier_is_the_highest_that_is_reached(void **unused)
{
    (void)unused;
    static const struct {
        dec_t basis, value;
    } cases[] = {
        {-DEC_MAX, MONEY(2)},        {0, MONEY(2)},           {MONEY(1500) - 1, MONEY(2)}, {MONEY(1500), MONEY(3)},
        {MONEY(2000) - 1, MONEY(3)}, {MONEY(2000), MONEY(5)}, {DEC_MAX, MONEY(5)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(rules_tier_value(&ladder, cases[i].basis), cases[i].value);
    struct rules_amount none = {.kind = RULES_TIERED};
    assert_int_equal(rules_tier_value(&none, MONEY(5000)), 0);
}

static void test_exposure_limit(void **unused)
{
    (void)unused;
    begin(MONEY(50000));
    struct rules_exposure rule = exposure_of(RULES_LOTS_OPEN, MONEY(5));
    assert_int_equal(rules_exposure_limit(&state, &rule, 0), MONEY(5));
    rule.limit = ladder;
    day_began(0, MONEY(51999));
    assert_int_equal(rules_exposure_limit(&state, &rule, MONEY(60000)), MONEY(3)); /* the live profit does not count */
    rule.limit.basis = RULES_LIVE_EQUITY;
    assert_int_equal(rules_exposure_limit(&state, &rule, MONEY(1999)), MONEY(3));
    assert_int_equal(rules_exposure_limit(&state, &rule, MONEY(2000)), MONEY(5));
    rule.limit.kind = RULES_FRAC_INITIAL;
    assert_int_equal(rules_exposure_limit(&state, &rule, MONEY(2000)), 0);
}

/* --- P3: totals
 * ---------------------------------------------------------------------------------------------------------- */

static dec_t total(const struct rules_exposure *rule, const struct rules_book *book, uint32_t instrument, uint32_t side,
                   dec_t lots)
{
    return rules_exposure_total(&state, rule, book, instrument, side, lots, MONEY(1000));
}

/* 2 long and 1 short of instrument 0, 3 long of 1, and orders: 4 long of 0, 5 short of 2. */
static void test_total_of_every_count(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    state.lots_today = MONEY(7);
    state.lots_carried = MONEY(2);
    struct rules_leg legs[] = {leg(RULES_LEG_POSITION, 0, 1, MONEY(2)), leg(RULES_LEG_POSITION, 0, 2, MONEY(1)),
                               leg(RULES_LEG_POSITION, 1, 1, MONEY(3)), leg(RULES_LEG_ORDER, 0, 1, MONEY(4)),
                               leg(RULES_LEG_ORDER, 2, 2, MONEY(5))};
    for (size_t i = 0; i < 5; i++)
        legs[i].margin = MONEY(1000);
    struct rules_book book = {.legs = legs, .count = 5, .equity = MONEY(10000)};
    static const struct {
        uint32_t counted;
        dec_t expected;
    } cases[] = {
        {RULES_LOTS_PER_ORDER, MONEY(2)},                                    /* the order alone */
        {RULES_LOTS_OPEN, MONEY(17)},                                        /* everything, orders as if filled */
        {RULES_LOTS_PER_SIDE, MONEY(11)},                                    /* 2 + 3 + 4 */
        {RULES_LOTS_PER_DAY, MONEY(20)},                                     /* 7 + 2 + orders of 9 */
        {RULES_POSITIONS_SYMBOL, MONEY(4)},                                  /* 3 of instrument 0 */
        {RULES_POSITIONS_TOTAL, MONEY(6)},  {RULES_MARGIN_SHARE, 70 * CENT}, /* (5000 + 2 * 1000) / 10000 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rules_exposure rule = exposure_of(cases[i].counted, 0);
        assert_int_equal(total(&rule, &book, 0, 1, MONEY(2)), cases[i].expected);
    }
}

static void test_total_counts_only_its_instruments(void **unused)
{
    (void)unused;
    begin(MONEY(100000));
    struct rules_leg legs[] = {leg(RULES_LEG_POSITION, 0, 1, MONEY(2)), leg(RULES_LEG_POSITION, 1, 1, MONEY(3))};
    struct rules_book book = {.legs = legs, .count = 2, .equity = MONEY(10000)};
    for (uint32_t counted = RULES_LOTS_OPEN; counted <= RULES_LOTS_PER_SIDE; counted++) {
        struct rules_exposure rule = exposure_of(counted, 0);
        rule.instruments = 1u << 1;
        assert_int_equal(total(&rule, &book, 0, 1, MONEY(9)), MONEY(3));
        assert_int_equal(total(&rule, &book, 1, 1, MONEY(9)), MONEY(12));
    }
    struct rules_exposure rule = exposure_of(RULES_POSITIONS_TOTAL, 0);
    rule.instruments = 1u << 1;
    assert_int_equal(total(&rule, &book, 0, 1, MONEY(9)), MONEY(1));
}

/* 3 minis and 15 micros are 4.5; a weight that a file forgot is a full lot. */
static void test_total_weighs_micros(void **unused)
{
    (void)unused;
    begin(MONEY(50000));
    struct rules_exposure rule = exposure_of(RULES_LOTS_OPEN, MONEY(5));
    rule.weight[1] = DEC_ONE / 10;
    struct rules_leg legs[] = {leg(RULES_LEG_POSITION, 0, 1, MONEY(3)), leg(RULES_LEG_POSITION, 1, 1, MONEY(15))};
    struct rules_book book = {.legs = legs, .count = 2};
    assert_int_equal(total(&rule, &book, 1, 1, MONEY(5)), MONEY(5));
    assert_int_equal(total(&rule, &book, 1, 1, MONEY(6)), MONEY(5) + DEC_ONE / 10);
    rule.weight[1] = 0;
    assert_int_equal(total(&rule, &book, 1, 1, MONEY(5)), MONEY(23));
    rule.weight[1] = DEC_ONE / 10;
    assert_int_equal(total(&rule, &book, 1, 1, 1), MONEY(45) / 10 + 1); /* up */
}

/* Of an OCO set of orders the largest counts, whatever the order in the book; a position of it counts beside. */
static void test_total_of_an_oco_set(void **unused)
{
    (void)unused;
    begin(MONEY(50000));
    struct rules_leg legs[] = {leg(RULES_LEG_ORDER, 0, 1, MONEY(2)), leg(RULES_LEG_ORDER, 0, 2, MONEY(3)),
                               leg(RULES_LEG_ORDER, 0, 1, MONEY(3)), leg(RULES_LEG_POSITION, 0, 1, MONEY(1))};
    for (size_t i = 0; i < 4; i++)
        legs[i].oco = 7;
    struct rules_book book = {.legs = legs, .count = 4};
    struct rules_exposure rule = exposure_of(RULES_LOTS_OPEN, 0);
    assert_int_equal(total(&rule, &book, 0, 1, MONEY(1)), MONEY(5));
    rule = exposure_of(RULES_LOTS_PER_SIDE, 0);
    assert_int_equal(total(&rule, &book, 0, 2, MONEY(1)), MONEY(4));
    rule = exposure_of(RULES_POSITIONS_TOTAL, 0);
    assert_int_equal(total(&rule, &book, 0, 1, MONEY(1)), MONEY(3));
    legs[1].oco = 8;
    rule = exposure_of(RULES_LOTS_OPEN, 0);
    assert_int_equal(total(&rule, &book, 0, 1, MONEY(1)), MONEY(8));
}

static void test_total_that_does_not_fit_is_the_most(void **unused)
{
    (void)unused;
    begin(MONEY(50000));
    struct rules_leg legs[] = {leg(RULES_LEG_POSITION, 0, 1, DEC_MAX)};
    struct rules_book book = {.legs = legs, .count = 1, .equity = MONEY(10000)};
    struct rules_exposure rule = exposure_of(RULES_LOTS_OPEN, 0);
    assert_int_equal(total(&rule, &book, 0, 1, DEC_ONE), DEC_MAX);
    rule.weight[0] = MONEY(100);
    assert_int_equal(total(&rule, &book, 0, 1, DEC_ONE), DEC_MAX);
    rule = exposure_of(RULES_MARGIN_SHARE, 0);
    assert_int_equal(rules_exposure_total(&state, &rule, &book, 0, 1, DEC_MAX, DEC_MAX), DEC_MAX);
    book.equity = 0;
    assert_int_equal(total(&rule, &book, 0, 1, DEC_ONE), DEC_MAX);
    assert_int_equal(total(&rule, &book, 0, 1, 0), 0); /* nothing is used: whatever the equity */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_of_every_kind),
        cmocka_unit_test(test_limit_is_whole_cents_down),
        cmocka_unit_test(test_limit_is_the_smallest_over_the_candidates),
        cmocka_unit_test(test_limit_of_sod_profit_is_at_least_that_of_the_threshold),
        cmocka_unit_test(test_limit_of_daily_allowance),
        cmocka_unit_test(test_limit_that_does_not_fit_is_none),
        cmocka_unit_test(test_breach_on_both_sides_of_a_cent),
        cmocka_unit_test(test_room_is_the_most_that_is_no_breach),
        cmocka_unit_test(test_reentry_is_the_same_idea_up_to_the_second),
        cmocka_unit_test(test_idea_goes_on_while_a_leg_is_open),
        cmocka_unit_test(test_only_ideas_carry),
        cmocka_unit_test(test_loss_now_by_group),
        cmocka_unit_test(test_tier_is_the_highest_that_is_reached),
        cmocka_unit_test(test_exposure_limit),
        cmocka_unit_test(test_total_of_every_count),
        cmocka_unit_test(test_total_counts_only_its_instruments),
        cmocka_unit_test(test_total_weighs_micros),
        cmocka_unit_test(test_total_of_an_oco_set),
        cmocka_unit_test(test_total_that_does_not_fit_is_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
