/* Levels of a floor, breach, the next day's floor. */
#include "tests/unit/rules_rig.h"

#define LEVEL(r, text) assert_int_equal(rules_floor_level(&(r)->state, &(r)->set, 0), usd(text))
#define NEXT(r, b, e, u, text)                                                                                         \
    assert_int_equal(rules_floor_next(&(r)->state, &(r)->set, 0, usd(b), usd(e), u), usd(text))

static struct rig rig;

static void marks(void)
{
    struct rules_day_marks *day = &rig.state.days[0];
    day->balance = usd("101000");
    day->equity = usd("102000");
    day->run_balance = usd("103000");
    day->run_max = usd("104000");
    day->peak_equity = usd("105000");
    rig.state.high_balance = usd("106000");
    rig.state.high_equity = usd("107000");
}

static void test_every_anchor_and_its_next_day(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t anchor;
        const char *now, *next; /* the day ends with balance 100500, equity 99000, and 3000 of excursion before it */
    } cases[] = {
        {RULES_INITIAL, "90000", "90000"},     {RULES_SNAP_BALANCE, "91000", "90500"},
        {RULES_SNAP_EQUITY, "92000", "92000"}, {RULES_SNAP_MAX, "92000", "92000"},
        {RULES_RUN_CLOSED, "96000", "96000"},  {RULES_RUN_EOD_BALANCE, "93000", "93000"},
        {RULES_RUN_EOD_MAX, "94000", "94000"}, {RULES_RUN_EQUITY, "97000", "97000"},
        {RULES_DAY_PEAK, "95000", "92000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_init(&rig);
        rig_floor(&rig, cases[i].anchor, "10000");
        rig_start(&rig, "100000");
        marks();
        LEVEL(&rig, cases[i].now);
        NEXT(&rig, "100500", "99000", usd("3000"), cases[i].next);
    }
}

static void test_what_runs_never_falls_with_the_day(void **unused)
{
    (void)unused;
    static const uint32_t anchors[] = {RULES_RUN_CLOSED, RULES_RUN_EOD_BALANCE, RULES_RUN_EOD_MAX, RULES_RUN_EQUITY};
    for (size_t i = 0; i < 4; i++) {
        rig_init(&rig);
        struct rules_floor *floor = rig_floor(&rig, anchors[i], "0");
        /* a tier that a better day would give: more allowance, a lower floor, were it not for this */
        floor->allowance = (struct rules_amount){
            .kind = RULES_TIERED, .tier_count = 2, .tiers = {{0, usd("1000")}, {usd("500"), usd("9000")}}};
        rig_start(&rig, "100000");
        LEVEL(&rig, "99000");
        NEXT(&rig, "100600", "100600", 0, "99000");
    }
}

static void test_reached_and_below_by_a_cent(void **unused)
{
    (void)unused;
    struct rules_floor floor = {.breach = RULES_LT};
    dec_t level = usd("95000");
    assert_false(rules_floor_breached(&floor, level, 0, usd("95000")));
    assert_true(rules_floor_breached(&floor, level, 0, usd("94999.99")));
    floor.breach = RULES_LE;
    assert_true(rules_floor_breached(&floor, level, 0, usd("95000")));
    assert_false(rules_floor_breached(&floor, level, 0, usd("95000.01")));
}

static void test_what_is_measured(void **unused)
{
    (void)unused;
    struct rules_floor floor = {.breach = RULES_LT, .measure = RULES_BALANCE};
    dec_t level = usd("95000"), low = usd("94000"), high = usd("96000");
    assert_true(rules_floor_breached(&floor, level, low, high));
    assert_false(rules_floor_breached(&floor, level, high, low));
    floor.measure = RULES_MIN_BALANCE_EQUITY;
    assert_true(rules_floor_breached(&floor, level, low, high));
    assert_true(rules_floor_breached(&floor, level, high, low));
    floor.measure = RULES_EQUITY;
    assert_false(rules_floor_breached(&floor, level, low, high));
}

static void test_cap(void **unused)
{
    (void)unused;
    rig_init(&rig);
    struct rules_floor *floor = rig_floor(&rig, RULES_RUN_EQUITY, "2500");
    floor->has_cap = true;
    floor->cap = usd("100");
    rig_start(&rig, "50000");
    rig.state.high_equity = usd("52599.99");
    LEVEL(&rig, "50099.99");
    rig.state.high_equity = usd("52600");
    LEVEL(&rig, "50100");
    rig.state.high_equity = usd("99999");
    LEVEL(&rig, "50100");
    NEXT(&rig, "99999", "99999", RULES_UNBOUNDED, "50100");
}

static void test_jump_lock_by_a_cent(void **unused)
{
    (void)unused;
    rig_init(&rig);
    struct rules_floor *floor = rig_floor(&rig, RULES_RUN_CLOSED, "3000");
    floor->has_lock = true;
    floor->lock_when = usd("1500");
    floor->lock_at = 0;
    rig_start(&rig, "50000");
    rig.state.high_balance = usd("51499.99");
    LEVEL(&rig, "48499.99");
    rig.state.high_balance = usd("51500");
    LEVEL(&rig, "50000");
    rig.state.high_balance = usd("54000");
    LEVEL(&rig, "51000");
    floor->has_cap = true; /* a lock may lie over the cap */
    floor->cap = -usd("500");
    LEVEL(&rig, "50000");
}

static void test_up_to_the_cent(void **unused)
{
    (void)unused;
    rig_init(&rig);
    struct rules_floor *floor = rig_floor(&rig, RULES_SNAP_BALANCE, "0");
    floor->allowance = (struct rules_amount){.kind = RULES_FRAC_ANCHOR, .value = usd("0.033")};
    rig_start(&rig, "100000");
    rig.state.days[0].balance = usd("100198.99"); /* 96892.42333 */
    LEVEL(&rig, "96892.43");
    floor->allowance = (struct rules_amount){.kind = RULES_ABS, .value = usd("198.98000001")};
    LEVEL(&rig, "100000.01");
    rig.state.days[0].balance = usd("100198.98000001");
    LEVEL(&rig, "100000");
    rig.state.days[0].balance = usd("100.991"); /* a floor below zero: up is toward zero */
    LEVEL(&rig, "-97.98");
}

static void test_tiers_by_the_profit_of_the_last_boundary(void **unused)
{
    (void)unused;
    rig_init(&rig);
    struct rules_floor *floor = rig_floor(&rig, RULES_SNAP_BALANCE, "0");
    floor->allowance =
        (struct rules_amount){.kind = RULES_TIERED,
                              .tier_count = 3,
                              .tiers = {{0, usd("1000")}, {usd("3000"), usd("2000")}, {usd("6000"), usd("3000")}}};
    rig_start(&rig, "50000");
    rig.state.balance = rig.state.equity = usd("57000"); /* the live profit is none of it */
    LEVEL(&rig, "49000");
    rig.state.days[0].balance = usd("52999.99");
    LEVEL(&rig, "51999.99");
    rig.state.days[0].balance = usd("53000");
    LEVEL(&rig, "51000");
    rig.state.days[0].balance = usd("49000"); /* the first rules below its start */
    LEVEL(&rig, "48000");
    NEXT(&rig, "56000", "56000", 0, "53000");
    floor->allowance.basis = RULES_LIVE_EQUITY;
    floor->allowance.tiers[2].from = usd("57000");
    assert_int_equal(rules_allowance(&rig.state, floor, 0), usd("3000"));
}

static void test_candidates_of_the_day_the_highest(void **unused)
{
    (void)unused;
    rig_init(&rig);
    rig_floor(&rig, RULES_SNAP_BALANCE, "1000")->days = 5;
    rig_start(&rig, "50000");
    rig.state.days[0].balance = usd("50500");
    rig.state.days[1].balance = usd("59000"); /* not one of them */
    rig.state.days[2].balance = usd("51000");
    LEVEL(&rig, "50000");
    rig.state.days[0].balance = usd("51500");
    LEVEL(&rig, "50500");
}

static void test_the_firms_own_and_what_a_payout_fixed(void **unused)
{
    (void)unused;
    dec_t effective;
    rig_init(&rig);
    struct rules_floor *floor = rig_floor(&rig, RULES_INITIAL, "2000");
    floor->has_cap = true;
    floor->cap = -usd("1500");
    rig_start(&rig, "50000");
    rig.state.firm_floor[0] = usd("48000.01");
    LEVEL(&rig, "48000.01");
    rig.state.firm_floor[0] = usd("47000");
    LEVEL(&rig, "48000");
    rig.state.raised[0] = usd("50000"); /* no cap stops it */
    LEVEL(&rig, "50000");
    assert_false(rules_reconcile_floor(usd("48000"), usd("47995"), usd("5"), &effective));
    assert_int_equal(effective, usd("48000"));
    assert_true(rules_reconcile_floor(usd("48000"), usd("48005.01"), usd("5"), &effective));
    assert_int_equal(effective, usd("48005.01"));
    assert_false(rules_reconcile_floor(usd("48000"), DEC_NONE, usd("5"), &effective));
    assert_int_equal(effective, usd("48000"));
}

static void test_an_account_that_begins_at_zero(void **unused)
{
    (void)unused;
    rig_init(&rig);
    struct rules_floor *floor = rig_floor(&rig, RULES_RUN_EOD_BALANCE, "2000");
    floor->has_cap = true;
    rig_start(&rig, "0");
    LEVEL(&rig, "-2000");
    rig.state.days[0].run_balance = usd("1500");
    LEVEL(&rig, "-500");
    rig.state.days[0].run_balance = usd("9000");
    LEVEL(&rig, "0");
}

/* What does not fit is a floor above any equity. */
static void test_overflow_is_the_strictest(void **unused)
{
    (void)unused;
    struct rules_floor lt = {.breach = RULES_LT};
    rig_init(&rig);
    struct rules_floor *floor = rig_floor(&rig, RULES_RUN_EQUITY, "2000");
    rig_start(&rig, "50000");
    rig.state.high_equity = DEC_MAX;
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 0), DEC_MAX);
    assert_true(rules_floor_breached(&lt, DEC_MAX, DEC_MAX, DEC_MAX));
    assert_int_equal(rules_floor_next(&rig.state, &rig.set, 0, 0, 0, RULES_UNBOUNDED), DEC_MAX);
    floor->anchor = RULES_ANCHOR_COUNT; /* an anchor that nobody knows */
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 0), DEC_MAX);
    floor->anchor = RULES_RUN_EQUITY;
    rig.state.high_equity = usd("50000");
    floor->allowance = (struct rules_amount){.kind = RULES_ABS, .value = -DEC_MAX};
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 0), DEC_MAX);
    floor->allowance.kind = RULES_FRAC_DAILY; /* a kind that is none of a floor's allows nothing */
    assert_int_equal(rules_floor_level(&rig.state, &rig.set, 0), usd("50000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_anchor_and_its_next_day),
        cmocka_unit_test(test_what_runs_never_falls_with_the_day),
        cmocka_unit_test(test_reached_and_below_by_a_cent),
        cmocka_unit_test(test_what_is_measured),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_jump_lock_by_a_cent),
        cmocka_unit_test(test_up_to_the_cent),
        cmocka_unit_test(test_tiers_by_the_profit_of_the_last_boundary),
        cmocka_unit_test(test_candidates_of_the_day_the_highest),
        cmocka_unit_test(test_the_firms_own_and_what_a_payout_fixed),
        cmocka_unit_test(test_an_account_that_begins_at_zero),
        cmocka_unit_test(test_overflow_is_the_strictest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
