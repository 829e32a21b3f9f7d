/* Give-up, excursion and risk of a leg; sums of a book. */
#include "tests/unit/rules_rig.h"

static struct rules_leg leg;

static struct rules_terms order(const char *lots, const char *value, const char *distance)
{
    return (struct rules_terms){.leaves = usd(lots),
                                .value = usd(value),
                                .rate = DEC_ONE,
                                .stop_distance = usd(distance),
                                .target_distance = RULES_UNBOUNDED};
}

static void price(const struct rules_terms *terms)
{
    memset(&leg, 0, sizeof leg);
    rules_price(terms, &leg);
}

static void test_an_order(void **unused)
{
    (void)unused;
    struct rules_terms t = order("5", "100000", "0.0040");
    t.slip_entry = usd("0.00002");
    t.slip_exit = usd("0.0003");
    t.cost = usd("25");
    t.target_distance = usd("0.0060");
    price(&t);
    assert_int_equal(leg.give_up, usd("2185"));
    assert_int_equal(leg.risk, usd("2185"));
    assert_int_equal(leg.excursion, usd("3000"));
    assert_int_equal(leg.floating, 0);
    assert_int_equal(leg.lots, usd("5"));
}

static void test_a_position_with_profit(void **unused)
{
    (void)unused;
    struct rules_terms t = {.filled = usd("2"),
                            .covered = usd("2"),
                            .value = usd("100"),
                            .rate = DEC_ONE,
                            .stop_distance = usd("10"),
                            .target_distance = usd("4"),
                            .slip_exit = usd("0.5"),
                            .slip_entry = usd("9"),
                            .cost = usd("3"),
                            .floating = usd("1500")};
    price(&t);
    assert_int_equal(leg.give_up, usd("2103")); /* no entry slippage any more */
    assert_int_equal(leg.risk, usd("603"));
    assert_int_equal(leg.excursion, usd("800"));
    t.floating = usd("5000"); /* the stop is behind the entry */
    price(&t);
    assert_int_equal(leg.risk, 0);
    t.floating = -usd("700");
    price(&t);
    assert_int_equal(leg.risk, usd("2803"));
}

/* What is filled may be closed with its profit while the rest fills and loses: it does not pay for it. */
static void test_partly_filled(void **unused)
{
    (void)unused;
    struct rules_terms t = {.filled = usd("4"),
                            .covered = usd("3"),
                            .leaves = usd("6"),
                            .value = usd("100000"),
                            .rate = DEC_ONE,
                            .stop_distance = usd("0.0040"),
                            .no_stop_distance = usd("0.0150"),
                            .slip_exit = usd("0.0003"),
                            .slip_entry = usd("0.00005"),
                            .target_distance = RULES_UNBOUNDED};
    price(&t);
    assert_int_equal(leg.give_up, usd("5400"));
    assert_int_equal(leg.risk, usd("5400"));
    assert_int_equal(leg.lots, usd("10"));
    t.floating = usd("4000");
    price(&t);
    assert_int_equal(leg.risk, usd("2610")); /* 2790 of the filled ones are covered by 4000, 2610 are not */
    t.covered = usd("9");                    /* more than is open: all of it */
    price(&t);
    assert_int_equal(leg.give_up, usd("4330"));
    t.no_stop_distance = usd("0.001"); /* a catastrophe is never better than the stop */
    t.covered = 0;
    price(&t);
    assert_int_equal(leg.give_up, usd("4330"));
}

static void test_up_to_the_cent(void **unused)
{
    (void)unused;
    struct rules_terms t = order("0.01", "1", "0.00000001");
    price(&t);
    assert_int_equal(leg.give_up, usd("0.01"));
    t = order("1", "1", "7.01");
    price(&t);
    assert_int_equal(leg.give_up, usd("7.01"));
    t.cost = 1;
    price(&t);
    assert_int_equal(leg.give_up, usd("7.02"));
    t = order("4", "100000", "0.66");
    t.rate = usd("0.0064");
    t.haircut = usd("0.02");
    t.cost = usd("20");
    price(&t);
    assert_int_equal(leg.give_up, usd("1743.40")); /* 1743.392 */
    t = order("1", "1", "3");
    t.target_distance = usd("2.001");
    price(&t);
    assert_int_equal(leg.excursion, usd("2.01"));
}

static void test_gap(void **unused)
{
    (void)unused;
    struct rules_terms t = order("5", "100000", "0.0050");
    t.slip_exit = usd("0.0003");
    t.gap_distance = usd("0.0150");
    price(&t);
    assert_int_equal(leg.give_up, usd("7650"));
    t.gap_distance = usd("0.0040");
    price(&t);
    assert_int_equal(leg.give_up, usd("2650"));
    t.leaves = 0;
    t.filled = usd("5");
    t.no_stop_distance = usd("0.0100");
    t.gap_distance = usd("0.0200");
    price(&t);
    assert_int_equal(leg.give_up, usd("10150")); /* an uncovered lot gaps too, and slips */
}

static void test_a_stop_that_was_passed_already(void **unused)
{
    (void)unused;
    struct rules_terms t = order("1", "10", "0");
    t.stop_distance = -usd("3");
    t.slip_exit = usd("1");
    price(&t);
    assert_int_equal(leg.give_up, usd("10"));
}

static void test_no_target_and_nothing_open(void **unused)
{
    (void)unused;
    struct rules_terms t = order("1", "10", "2");
    price(&t);
    assert_int_equal(leg.excursion, RULES_UNBOUNDED);
    t.leaves = 0;
    price(&t);
    assert_int_equal(leg.excursion, 0);
    assert_int_equal(leg.give_up, 0);
}

static void test_overflow_is_all_there_is(void **unused)
{
    (void)unused;
    struct rules_terms t = order("90000000", "90000000", "90000000");
    t.target_distance = usd("90000000");
    price(&t);
    assert_int_equal(leg.give_up, DEC_MAX);
    assert_int_equal(leg.risk, DEC_MAX);
    assert_int_equal(leg.excursion, DEC_MAX);
    t = order("1", "1", "1");
    t.filled = DEC_MAX;
    t.leaves = DEC_MAX;
    t.value = t.stop_distance = t.no_stop_distance = t.slip_entry = t.slip_exit = t.cost = DEC_MAX;
    t.floating = -DEC_MAX;
    price(&t);
    assert_int_equal(leg.give_up, DEC_MAX);
    assert_int_equal(leg.risk, DEC_MAX);
}

static struct rules_leg of(uint32_t kind, uint32_t oco, const char *give_up, const char *excursion, const char *risk,
                           const char *floating)
{
    return (struct rules_leg){.kind = kind,
                              .oco = oco,
                              .side = 1,
                              .give_up = usd(give_up),
                              .excursion = usd(excursion),
                              .risk = usd(risk),
                              .floating = usd(floating)};
}

static void test_sums_take_the_worst_of_a_set(void **unused)
{
    (void)unused;
    const struct rules_leg legs[] = {
        of(RULES_LEG_ORDER, 7, "100", "50", "100", "0"), of(RULES_LEG_POSITION, 0, "10", "5", "3", "7"),
        of(RULES_LEG_ORDER, 7, "80", "90", "80", "0"),   of(RULES_LEG_ORDER, 8, "20", "1", "20", "0"),
        of(RULES_LEG_ORDER, 0, "40", "2", "40", "0"),    of(RULES_LEG_POSITION, 7, "1000", "600", "0", "1500"),
        of(RULES_LEG_ORDER, 8, "20", "3", "20", "0"),    of(RULES_LEG_POSITION, 0, "5", "2", "25", "-20"),
    };
    struct rules_book book = {.legs = legs, .count = 8};
    struct rules_sums sums;
    rules_sum(&book, &sums);
    assert_int_equal(sums.give_up,
                     usd("1175")); /* 100 + 10 + 20 + 40 + 1000 + 5: a position of the set counts beside it */
    assert_int_equal(sums.excursion, usd("702"));
    assert_int_equal(sums.risk, usd("188"));
    assert_int_equal(sums.locked, usd("2207")); /* 90 + 12 + 3 + 2 + 2100 + 0 */
    book.count = 0;
    rules_sum(&book, &sums);
    assert_int_equal(sums.give_up, 0);
}

static void test_sums_do_not_wrap(void **unused)
{
    (void)unused;
    struct rules_leg legs[3] = {of(RULES_LEG_POSITION, 0, "1", "1", "1", "0"),
                                of(RULES_LEG_POSITION, 0, "1", "1", "1", "0"),
                                of(RULES_LEG_POSITION, 0, "1", "1", "1", "0")};
    struct rules_book book = {.legs = legs, .count = 3};
    struct rules_sums sums;
    legs[0].give_up = legs[1].give_up = legs[0].excursion = legs[2].excursion = DEC_MAX;
    rules_sum(&book, &sums);
    assert_int_equal(sums.give_up, DEC_MAX);
    assert_int_equal(sums.excursion, DEC_MAX);
    assert_int_equal(sums.locked, DEC_MAX);
    assert_int_equal(sums.risk, usd("3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order),
        cmocka_unit_test(test_a_position_with_profit),
        cmocka_unit_test(test_partly_filled),
        cmocka_unit_test(test_up_to_the_cent),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_a_stop_that_was_passed_already),
        cmocka_unit_test(test_no_target_and_nothing_open),
        cmocka_unit_test(test_overflow_is_all_there_is),
        cmocka_unit_test(test_sums_take_the_worst_of_a_set),
        cmocka_unit_test(test_sums_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
