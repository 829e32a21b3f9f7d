/* The guard: buffers, margins, look-ahead, what stays until it is flat, the order of closing. */
#include "tests/unit/rules_rig.h"

static struct rig rig;

static enum rules_guard_state guard_at(int64_t now_ns, const char *balance, const char *equity, const char *b_flat,
                                       int64_t age_ns)
{
    memset(&rig.guarded, 0xee, sizeof rig.guarded);
    rules_guard(&rig.state, &rig.set, now_ns, usd(balance), usd(equity), usd(b_flat), age_ns, &rig.guarded);
    return rig.guarded.state;
}

static enum rules_guard_state guard(const char *equity)
{
    return guard_at(at(0, 100), "50000", equity, "100", 0);
}

static void begin(uint32_t anchor, uint32_t kind, const char *allowance)
{
    rig_init(&rig);
    rig_floor(&rig, anchor, allowance)->kind = kind;
    rig.set.guard.warn_fraction = usd("0.3");
    rig.set.guard.lookahead_s = 600;
    rig_start(&rig, "50000");
    rig_mark(&rig, at(0, 10), "50000", "50000");
}

static void test_flat_buffer(void **unused)
{
    (void)unused;
    const struct rules_guard_leg legs[] = {
        {.lots = usd("3"),
         .tick_value = usd("10"),
         .slip_ticks = usd("3"),
         .velocity_ticks_s = usd("2"),
         .latency_s = usd("0.4"),
         .commission = usd("7.5")},
        {.lots = usd("2"),
         .tick_value = usd("1"),
         .slip_ticks = usd("50"),
         .velocity_ticks_s = usd("20"),
         .latency_s = usd("0.4"),
         .commission = usd("5")},
    };
    assert_int_equal(rules_flat_buffer(legs, 2, usd("150")), usd("392.50"));
    assert_int_equal(rules_flat_buffer(NULL, 0, usd("150.001")), usd("150.01"));
    struct rules_guard_leg huge = {.lots = DEC_MAX,
                                   .tick_value = DEC_MAX,
                                   .slip_ticks = DEC_MAX,
                                   .velocity_ticks_s = DEC_MAX,
                                   .latency_s = DEC_MAX};
    assert_int_equal(rules_flat_buffer(&huge, 1, DEC_MAX), DEC_MAX);
    begin(RULES_INITIAL, RULES_TOTAL, "2000");
    rig.set.guard.fixed_abs = usd("20");
    rig.set.guard.fixed_fraction = usd("0.001");
    assert_int_equal(rules_fixed_buffer(&rig.set, &rig.state), usd("70"));
}

static void test_margin_and_age_by_the_smallest_unit(void **unused)
{
    (void)unused;
    dec_t floor = usd("48000"), flat = usd("485"), warn = usd("1000");
    assert_int_equal(rules_guard_margin(usd("49000.01"), floor, flat, warn), RULES_GUARD_NORMAL);
    assert_int_equal(rules_guard_margin(usd("49000"), floor, flat, warn), RULES_GUARD_NO_NEW_RISK);
    assert_int_equal(rules_guard_margin(usd("48485.01"), floor, flat, warn), RULES_GUARD_NO_NEW_RISK);
    assert_int_equal(rules_guard_margin(usd("48485"), floor, flat, warn), RULES_GUARD_FLATTEN);
    assert_int_equal(rules_guard_margin(DEC_MAX, DEC_MAX, 0, 0), RULES_GUARD_FLATTEN);
    assert_int_equal(rules_guard_margin(-DEC_MAX, DEC_MAX - 1, 0, 0), RULES_GUARD_FLATTEN);
    assert_int_equal(rules_guard_age(2 * S, 2 * S, 15 * S), RULES_GUARD_NORMAL);
    assert_int_equal(rules_guard_age(2 * S + 1, 2 * S, 15 * S), RULES_GUARD_NO_NEW_RISK);
    assert_int_equal(rules_guard_age(15 * S, 2 * S, 15 * S), RULES_GUARD_NO_NEW_RISK);
    assert_int_equal(rules_guard_age(15 * S + 1, 2 * S, 15 * S), RULES_GUARD_BLIND);
}

static void test_states_by_the_margin(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, RULES_TOTAL, "2000"); /* floor 48000, warning at 600 */
    assert_int_equal(guard("48600.01"), RULES_GUARD_NORMAL);
    assert_false(rig.guarded.changed);
    assert_int_equal(rig.guarded.margin, usd("600.01"));
    assert_int_equal(rig.guarded.b_warn, usd("600"));
    assert_int_equal(guard("48600"), RULES_GUARD_NO_NEW_RISK);
    assert_true(rig.guarded.changed);
    assert_int_equal(rig.state.guard, RULES_GUARD_NO_NEW_RISK);
    assert_int_equal(guard("48599"), RULES_GUARD_NO_NEW_RISK);
    assert_false(rig.guarded.changed);
    assert_int_equal(guard("49000"), RULES_GUARD_NORMAL); /* it may come back */
    assert_int_equal(guard("48100"), RULES_GUARD_FLATTEN);
    assert_true(rig.guarded.changed);
}

static void test_flatten_stays_until_it_is_flat(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, RULES_DAILY, "2000");
    assert_int_equal(guard("48100"), RULES_GUARD_FLATTEN);
    assert_int_equal(guard("50000"), RULES_GUARD_FLATTEN);
    assert_false(rig.guarded.changed);
    rules_locked(&rig.state, &rig.set, at(0, 200));
    assert_int_equal(rig.state.guard_until_ns, at(1, 0));
    assert_int_equal(guard_at(at(1, 0) - 1, "48200", "48200", "0", 0), RULES_GUARD_LOCKED);
    rig_mark(&rig, at(0, 80000), "48200", "48200");
    rig_mark(&rig, at(1, 0), "48200", "48200");
    assert_int_equal(guard_at(at(1, 0), "48200", "48200", "100", 0), RULES_GUARD_NORMAL);
    assert_true(rig.guarded.changed);
}

static void test_a_total_floor_locks_until_a_person_unlocks(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, RULES_TOTAL, "2000");
    assert_int_equal(guard("48050"), RULES_GUARD_FLATTEN);
    rules_locked(&rig.state, &rig.set, at(0, 200));
    assert_int_equal(rig.state.guard_until_ns, 0);
    assert_int_equal(guard_at(at(40, 0), "50000", "50000", "100", 0), RULES_GUARD_LOCKED);
    rules_unlock(&rig.state, at(40, 1));
    assert_int_equal(guard_at(at(40, 2), "50000", "50000", "100", 0), RULES_GUARD_NORMAL);
}

/* Locked by the daily floor's guard, breached for good after: no boundary opens it. */
static void test_a_breach_outlives_the_lock_of_a_day(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, RULES_DAILY, "2000");
    guard("48050");
    rules_locked(&rig.state, &rig.set, at(0, 200));
    rig_mark(&rig, at(0, 300), "47999", "47999");
    assert_int_equal(rig.marked.breached, 1);
    rig_mark(&rig, at(1, 0), "47999", "47999");
    assert_int_equal(guard_at(at(1, 0), "47999", "47999", "100", 0), RULES_GUARD_FLATTEN);
    rules_locked(&rig.state, &rig.set, at(1, 1));
    assert_int_equal(rig.state.guard_until_ns, 0);
    rules_unlock(&rig.state, at(1, 2)); /* nor does a person: the account is over */
    assert_int_equal(guard_at(at(1, 3), "47999", "47999", "100", 0), RULES_GUARD_FLATTEN);
}

static void test_locked_to_the_boundary_of_every_candidate(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, RULES_DAILY, "2000");
    rig.set.day_count = 2;
    rig.zones[1] = rig.zones[0];
    rig.set.days[1] = (struct rules_day){.zone = 1, .at_s = 7200};
    rig_mark(&rig, at(0, 40000), "50000", "50000");
    guard_at(at(0, 50000), "50000", "48000", "100", 0);
    rules_locked(&rig.state, &rig.set, at(0, 50001));
    assert_int_equal(rig.state.guard_until_ns, at(1, 7200));
}

static void test_the_worse_of_two_floors_and_the_longer_lock(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, RULES_DAILY, "1000");
    rig_floor(&rig, RULES_INITIAL, "1050")->kind = RULES_TOTAL;
    rig_start(&rig, "50000");
    rig_mark(&rig, at(0, 10), "50000", "50000");
    assert_int_equal(guard("49100"), RULES_GUARD_FLATTEN);
    assert_int_equal(rig.guarded.floor, 0);
    assert_int_equal(rig.guarded.level, usd("49000"));
    rig.state.days[0].balance = usd("49000"); /* the daily one is far away now; the other is reached while flattening */
    assert_int_equal(guard("49000"), RULES_GUARD_FLATTEN);
    assert_true(rig.guarded.changed);
    assert_int_equal(rig.state.guard_floor, 1);
    rules_locked(&rig.state, &rig.set, at(0, 200));
    assert_int_equal(rig.state.guard_until_ns, 0);
}

static void test_lookahead_by_a_nanosecond(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, RULES_DAILY, "2500");
    rig_mark(&rig, at(0, 80000), "52000", "51000");
    int64_t lead = at(1, 0) - 600 * S;
    assert_int_equal(guard_at(lead - 1, "52000", "49700", "200", 0), RULES_GUARD_NORMAL);
    assert_false(rig.guarded.lookahead);
    assert_int_equal(guard_at(lead, "52000", "49700", "200", 0), RULES_GUARD_FLATTEN); /* 49500 tomorrow */
    assert_true(rig.guarded.lookahead);
    assert_int_equal(rig.guarded.level, usd("49500"));
    begin(RULES_SNAP_BALANCE, RULES_DAILY, "2500");
    assert_int_equal(guard_at(at(1, 0) - S, "49000", "48500", "200", 0), RULES_GUARD_NORMAL); /* tomorrow's is lower */
    assert_false(rig.guarded.lookahead);
    assert_int_equal(rig.guarded.level, usd("47500"));
}

/* Blind: equity is too old to know; it opens again by itself when it is known again. */
static void test_age(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, RULES_TOTAL, "2000");
    assert_int_equal(guard_at(at(0, 100), "50000", "50000", "100", 3 * S), RULES_GUARD_NO_NEW_RISK);
    assert_int_equal(guard_at(at(0, 101), "50000", "50000", "100", 16 * S), RULES_GUARD_BLIND);
    assert_true(rig.guarded.changed);
    assert_int_equal(guard_at(at(0, 102), "50000", "50000", "100", 0), RULES_GUARD_NORMAL);
    assert_int_equal(guard_at(at(0, 103), "50000", "48050", "100", 16 * S),
                     RULES_GUARD_FLATTEN); /* the one that stays */
}

static void test_what_is_measured(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, RULES_TOTAL, "2000");
    rig.set.floors[0].measure = RULES_MIN_BALANCE_EQUITY;
    assert_int_equal(guard_at(at(0, 100), "48050", "50000", "100", 0), RULES_GUARD_FLATTEN);
}

static void test_no_floor_and_no_number(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, RULES_TOTAL, "2000");
    rig.set.floor_count = 0;
    assert_int_equal(guard("1"), RULES_GUARD_NORMAL);
    assert_int_equal(rig.guarded.floor, 0);
    assert_int_equal(rig.guarded.margin, RULES_UNBOUNDED);
    begin(RULES_RUN_EQUITY, RULES_TOTAL, "2000");
    rig.state.high_equity = DEC_MAX; /* a level that does not fit */
    assert_int_equal(guard("50000"), RULES_GUARD_FLATTEN);
    assert_int_equal(rig.guarded.margin, -DEC_MAX);
}

static void test_the_fastest_loser_first(void **unused)
{
    (void)unused;
    const struct rules_leg legs[] = {
        {.kind = RULES_LEG_POSITION, .floating = -usd("500"), .opened_ns = at(0, 0)}, /* 0.50 a second */
        {.kind = RULES_LEG_ORDER, .floating = 0},
        {.kind = RULES_LEG_POSITION, .floating = usd("900"), .opened_ns = at(0, 900)},
        {.kind = RULES_LEG_POSITION, .floating = -usd("80"), .opened_ns = at(0, 900)}, /* 0.80 */
        {.kind = RULES_LEG_POSITION,
         .floating = -usd("501"),
         .opened_ns = at(0, 0)}, /* a little faster than the first */
        {.kind = RULES_LEG_POSITION, .floating = -usd("3"), .opened_ns = at(0, 1000)}, /* just opened */
    };
    const struct rules_book book = {.legs = legs, .count = 6};
    uint32_t order[6];
    assert_int_equal(rules_flatten_order(&book, at(0, 1000), order, 6), 5);
    const uint32_t expected[] = {5, 3, 4, 0, 2};
    assert_memory_equal(order, expected, sizeof expected);
    assert_int_equal(rules_flatten_order(&book, at(0, 1000), order, 2), 2); /* no room for all: the first of them */
    assert_memory_equal(order, expected, 2 * sizeof *order);
    assert_int_equal(rules_flatten_order(&book, at(0, 1000), NULL, 0), 0);
}

static void test_names(void **unused)
{
    (void)unused;
    assert_string_equal(rules_guard_name(RULES_GUARD_NO_NEW_RISK), "NO_NEW_RISK");
    assert_string_equal(rules_guard_name(RULES_GUARD_LOCKED), "LOCKED");
    assert_string_equal(rules_guard_name(77), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat_buffer),
        cmocka_unit_test(test_margin_and_age_by_the_smallest_unit),
        cmocka_unit_test(test_states_by_the_margin),
        cmocka_unit_test(test_flatten_stays_until_it_is_flat),
        cmocka_unit_test(test_a_total_floor_locks_until_a_person_unlocks),
        cmocka_unit_test(test_a_breach_outlives_the_lock_of_a_day),
        cmocka_unit_test(test_locked_to_the_boundary_of_every_candidate),
        cmocka_unit_test(test_the_worse_of_two_floors_and_the_longer_lock),
        cmocka_unit_test(test_lookahead_by_a_nanosecond),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_what_is_measured),
        cmocka_unit_test(test_no_floor_and_no_number),
        cmocka_unit_test(test_the_fastest_loser_first),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
