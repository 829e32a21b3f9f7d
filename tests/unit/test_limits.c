/* Loss floors: every anchor by hand, both sides of a cent, latches, boundaries over weekends and clock changes, the
 * published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "workers/risk/limits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS INT64_C(1000000000)
#define HOUR (3600 * NS)
#define MONEY(n) ((n)*DEC_ONE)
#define CENT (DEC_ONE / 100)
#define I100 MONEY(100000)

static struct tz_table prague;

static int setup(void **unused)
{
    (void)unused;
    struct error err = {0};
    return tz_load("Europe/Prague", &prague, &err);
}

/* Of 2024 and later, Prague wall time. */
static int64_t at(int month, int day, int hour, int minute)
{
    return tz_local_to_utc(&prague, tz_days_from_civil(2024, month, day), hour * 3600 + minute * 60);
}

static struct config_programme one_floor(uint32_t anchor, dec_t allowance, uint32_t breach, uint32_t effect)
{
    struct config_programme p = {.floor_count = 1};
    p.floors[0] = (struct config_floor){
        .kind = FLOOR_TOTAL, .anchor = anchor, .breach = breach, .effect = effect, .allowance_abs = allowance};
    return p;
}

/* A state in a row of the store that was never zero. */
static struct limits_state begin(const struct config_programme *p, dec_t initial)
{
    struct limits_state s;
    memset(&s, 0xa5, sizeof s);
    limits_init(&s, p, initial);
    return s;
}

static struct limits_verdict verdict; /* of the last mark */

static bool mark(struct limits_state *s, const struct config_programme *p, int64_t now_ns, dec_t balance, dec_t equity,
                 dec_t equity_high)
{
    memset(&verdict, 0xee, sizeof verdict);
    return limits_mark(s, p, &prague, now_ns, balance, equity, equity_high, &verdict);
}

static void expect_level(const struct limits_state *s, const struct config_programme *p, dec_t level)
{
    assert_int_equal(limits_floor_level(s, p, 0), level);
}

/* --- anchors ------------------------------------------------------------------------------------------------- */

/* Monday 10:00 balance 104000, equity 103000, peak 106000; Monday 20:00 both 102000; Tuesday 10:00 101000, 101500. */
static void test_each_anchor(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t anchor;
        int begin, monday, evening, tuesday; /* anchor in thousands after each mark */
    } cases[] = {
        {ANCHOR_INITIAL, 100, 100, 100, 100},     {ANCHOR_SNAP_BALANCE, 100, 100, 100, 102},
        {ANCHOR_SNAP_EQUITY, 100, 100, 100, 102}, {ANCHOR_SNAP_MAX, 100, 100, 100, 102},
        {ANCHOR_RUN_CLOSED, 100, 104, 104, 104},  {ANCHOR_RUN_EOD_BALANCE, 100, 100, 100, 102},
        {ANCHOR_RUN_EOD_MAX, 100, 100, 100, 102}, {ANCHOR_RUN_EQUITY, 100, 106, 106, 106},
        {ANCHOR_DAY_PEAK, 100, 106, 106, 102},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config_programme p = one_floor(cases[i].anchor, MONEY(50000), BREACH_LT, EFFECT_TERMINATE);
        struct limits_state s = begin(&p, I100);
        expect_level(&s, &p, MONEY(cases[i].begin * 1000 - 50000));
        assert_true(mark(&s, &p, at(5, 13, 10, 0), MONEY(104000), MONEY(103000), MONEY(106000)));
        assert_false(verdict.new_day);
        expect_level(&s, &p, MONEY(cases[i].monday * 1000 - 50000));
        assert_false(mark(&s, &p, at(5, 13, 20, 0), MONEY(102000), MONEY(102000), MONEY(102000)));
        expect_level(&s, &p, MONEY(cases[i].evening * 1000 - 50000));
        assert_true(mark(&s, &p, at(5, 14, 10, 0), MONEY(101000), MONEY(101500), MONEY(101500)));
        assert_true(verdict.new_day);
        expect_level(&s, &p, MONEY(cases[i].tuesday * 1000 - 50000));
        assert_int_equal(s.floors[0].anchor, MONEY(cases[i].tuesday * 1000));
    }
}

/* Balance and equity apart at the boundary, either way round. */
static void test_snapshots_tell_balance_from_equity(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t anchor;
        int higher_equity, higher_balance; /* snapshot of 101/105 and of 103/98, both above each other's mark */
    } cases[] = {
        {ANCHOR_SNAP_BALANCE, 101, 103},    {ANCHOR_SNAP_EQUITY, 105, 98},  {ANCHOR_SNAP_MAX, 105, 103},
        {ANCHOR_RUN_EOD_BALANCE, 101, 103}, {ANCHOR_RUN_EOD_MAX, 105, 105}, {ANCHOR_DAY_PEAK, 105, 98},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config_programme p = one_floor(cases[i].anchor, MONEY(50000), BREACH_LT, EFFECT_TERMINATE);
        struct limits_state s = begin(&p, I100);
        mark(&s, &p, at(5, 13, 10, 0), MONEY(101000), MONEY(105000), MONEY(105000));
        mark(&s, &p, at(5, 14, 0, 0), MONEY(101000), MONEY(90000), MONEY(90000)); /* midnight itself is the new day */
        assert_true(verdict.new_day);
        assert_int_equal(s.floors[0].anchor, MONEY(cases[i].higher_equity * 1000));
        mark(&s, &p, at(5, 14, 12, 0), MONEY(103000), MONEY(98000), MONEY(98000));
        mark(&s, &p, at(5, 15, 0, 0), MONEY(90000), MONEY(90000), MONEY(90000));
        assert_int_equal(s.floors[0].anchor, MONEY(cases[i].higher_balance * 1000));
    }
}

static void test_allowances_and_cap(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_RUN_EQUITY, 0, BREACH_LT, EFFECT_TERMINATE);
    p.floors[0].allowance_fraction = DEC_ONE / 20;
    struct limits_state s = begin(&p, I100);
    mark(&s, &p, at(5, 13, 10, 0), I100, I100, MONEY(104000));
    expect_level(&s, &p, MONEY(99000)); /* 5 % of the initial balance */
    p.floors[0].allowance_of_anchor = true;
    expect_level(&s, &p, MONEY(98800));      /* 5 % of the peak */
    p.floors[0].allowance_abs = MONEY(1000); /* an amount goes before a fraction */
    expect_level(&s, &p, MONEY(103000));
    p.floors[0].has_cap = true;
    p.floors[0].cap_offset = MONEY(100);
    expect_level(&s, &p, MONEY(100100));
    p.floors[0].cap_offset = MONEY(5000);
    expect_level(&s, &p, MONEY(103000));
    p.floors[0].cap_offset = -MONEY(2000);
    expect_level(&s, &p, MONEY(98000));
}

static void test_floors_round_up_to_the_cent(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_RUN_EQUITY, 0, BREACH_LT, EFFECT_TERMINATE);
    p.floors[0].allowance_fraction = DEC_ONE / 3; /* 0.33333333 */
    struct limits_state s = begin(&p, I100);
    mark(&s, &p, at(5, 13, 10, 0), I100, I100, I100 + 1);
    expect_level(&s, &p, MONEY(66666) + 67 * CENT); /* 100000.00000001 - 33333.333 = 66666.66700001 */
}

static void test_marks_never_fall(void **unused)
{
    (void)unused;
    struct config_programme p = {.floor_count = 4};
    static const uint32_t running[] = {ANCHOR_RUN_CLOSED, ANCHOR_RUN_EOD_BALANCE, ANCHOR_RUN_EOD_MAX,
                                       ANCHOR_RUN_EQUITY};
    for (uint32_t i = 0; i < 4; i++)
        p.floors[i] = (struct config_floor){.anchor = running[i], .allowance_abs = MONEY(1000)};
    struct limits_state s = begin(&p, I100);
    uint64_t seed = 1;
    dec_t before[4] = {0};
    for (int64_t step = 0; step < 20000; step++) {
        seed = hash_mix64(seed);
        dec_t balance = I100 + (dec_t)(seed % 20001) * DEC_ONE - MONEY(10000);
        dec_t equity = balance + (dec_t)(seed >> 32 & 0xfff) * DEC_ONE - MONEY(2048);
        mark(&s, &p, at(1, 2, 0, 0) + step * 7 * HOUR, balance, equity, equity + MONEY(seed >> 60));
        for (uint32_t i = 0; i < 4; i++) {
            dec_t level = limits_floor_level(&s, &p, i);
            assert_true(level >= before[i] && level >= MONEY(99000));
            before[i] = level;
        }
        assert_true(s.high_water_equity >= s.day_peak_equity && s.day_start_ns <= s.last_ns &&
                    s.last_ns < s.day_end_ns);
    }
}

/* --- the line and the guard ------------------------------------------------------------------------------------- */

static void test_lt_and_le_are_a_cent_apart(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t breach;
        dec_t equity;
        bool breached;
    } cases[] = {
        {BREACH_LT, MONEY(95000) + CENT, false}, {BREACH_LT, MONEY(95000), false},
        {BREACH_LT, MONEY(95000) - CENT, true},  {BREACH_LE, MONEY(95000) + CENT, false},
        {BREACH_LE, MONEY(95000), true},         {BREACH_LE, MONEY(95000) - CENT, true},
        {BREACH_LT, MONEY(95000) - 1, true},     {BREACH_LE, MONEY(95000) + 1, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config_programme p = one_floor(ANCHOR_SNAP_BALANCE, MONEY(5000), cases[i].breach, EFFECT_TERMINATE);
        p.floors[0].kind = FLOOR_DAILY;
        struct limits_state s = begin(&p, I100);
        mark(&s, &p, at(5, 13, 10, 0), I100, cases[i].equity, cases[i].equity);
        assert_int_equal(verdict.breached, cases[i].breached);
        assert_int_equal(verdict.terminated, cases[i].breached);
        /* Without a buffer of ours the guard is the line: at it, all is flat. */
        assert_int_equal(verdict.flatten, cases[i].equity <= MONEY(95000));
        assert_int_equal(verdict.refusal, cases[i].equity <= MONEY(95000) ? REFUSAL_DAILY_LOSS : REFUSAL_NONE);
        assert_int_equal(verdict.floor_level, MONEY(95000));
        assert_int_equal(verdict.equity, cases[i].equity);
    }
}

static void test_guard_is_before_the_line(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_SNAP_BALANCE, MONEY(5000), BREACH_LT, EFFECT_TERMINATE);
    p.floors[0].kind = FLOOR_DAILY;
    p.buffer_fraction = DEC_ONE / 200; /* 500 */
    struct limits_state s = begin(&p, I100);
    uint32_t kind = 99;
    mark(&s, &p, at(5, 13, 10, 0), I100, MONEY(95500) + CENT, MONEY(96000));
    assert_false(verdict.flatten);
    assert_int_equal(verdict.refusal, REFUSAL_NONE);
    assert_int_equal(limits_room(&s, &p, MONEY(95500) + CENT, &kind), CENT);
    assert_int_equal(kind, FLOOR_DAILY);
    assert_true(mark(&s, &p, at(5, 13, 11, 0), I100, MONEY(95500), MONEY(95500)));
    assert_true(verdict.flatten && !verdict.breached && !verdict.terminated);
    assert_int_equal(verdict.refusal, REFUSAL_DAILY_LOSS);
    assert_int_equal(limits_room(&s, &p, MONEY(95500), &kind), 0);
    assert_int_equal(limits_room(&s, &p, MONEY(90000), &kind), 0);
    /* It holds for the day, whatever equity does; nothing new has to be durable. */
    assert_false(mark(&s, &p, at(5, 13, 23, 59), I100, MONEY(99000), MONEY(99000)));
    assert_true(verdict.flatten);
    assert_int_equal(limits_refusal(&s), REFUSAL_DAILY_LOSS);
    assert_true(mark(&s, &p, at(5, 14, 0, 0), MONEY(99000), MONEY(99000), MONEY(99000)));
    assert_true(verdict.new_day && !verdict.flatten);
    assert_int_equal(limits_refusal(&s), REFUSAL_NONE);
}

static void test_guard_of_the_total_loss_comes_back(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_INITIAL, MONEY(10000), BREACH_LT, EFFECT_TERMINATE);
    p.floor_count = 2;
    p.floors[1] =
        (struct config_floor){.kind = FLOOR_DAILY, .anchor = ANCHOR_SNAP_BALANCE, .allowance_abs = MONEY(5000)};
    p.buffer_fraction = DEC_ONE / 200;
    struct limits_state s = begin(&p, I100);
    mark(&s, &p, at(5, 13, 10, 0), MONEY(94000), MONEY(95500), MONEY(95500)); /* the daily one is near */
    assert_int_equal(verdict.refusal, REFUSAL_DAILY_LOSS);
    assert_int_equal(verdict.floor, 1);
    struct limits_state other = s;
    assert_true(
        mark(&s, &p, at(5, 13, 11, 0), MONEY(94000), MONEY(90500), MONEY(90500))); /* now the total one is, too */
    assert_true(verdict.breached); /* and the daily line itself lies behind */
    assert_int_equal(verdict.refusal, REFUSAL_DAILY_LOSS);
    s = other;
    p.floors[1].allowance_abs = MONEY(9500); /* both guards, no line */
    assert_true(mark(&s, &p, at(5, 13, 11, 0), MONEY(94000), MONEY(90500), MONEY(90500)));
    assert_false(verdict.breached);
    assert_int_equal(verdict.refusal, REFUSAL_TOTAL_LOSS);
    assert_int_equal(verdict.floor, 0);
    /* The next day begins with the total floor as near as before: latched again by its first mark. */
    assert_true(mark(&s, &p, at(5, 14, 1, 0), MONEY(90500), MONEY(90500), MONEY(90500)));
    assert_true(verdict.new_day && verdict.flatten);
    assert_int_equal(verdict.refusal, REFUSAL_TOTAL_LOSS);
}

static void test_terminate_is_for_ever(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_INITIAL, MONEY(10000), BREACH_LT, EFFECT_TERMINATE);
    struct limits_state s = begin(&p, I100);
    assert_true(mark(&s, &p, at(5, 13, 10, 0), MONEY(95000), MONEY(89999), MONEY(90100)));
    assert_true(verdict.breached && verdict.terminated && verdict.flatten);
    assert_int_equal(verdict.refusal, REFUSAL_TOTAL_LOSS);
    assert_int_equal(s.floors[0].latched_ns, at(5, 13, 10, 0));
    for (int day = 14; day < 31; day++) {
        mark(&s, &p, at(5, day, 10, 0), MONEY(200000), MONEY(200000), MONEY(200000));
        assert_true(verdict.terminated && verdict.flatten && !verdict.breached);
        assert_int_equal(limits_refusal(&s), REFUSAL_TOTAL_LOSS);
    }
    assert_int_equal(s.floors[0].latched_ns, at(5, 13, 10, 0));
    p.floor_count = 0; /* no file forgives it */
    mark(&s, &p, at(6, 1, 10, 0), MONEY(200000), MONEY(200000), MONEY(200000));
    assert_true(verdict.terminated);
}

static void test_pause_holds_until_the_boundary(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_SNAP_BALANCE, MONEY(2000), BREACH_LE, EFFECT_PAUSE);
    p.floors[0].kind = FLOOR_DAILY;
    p.day_start_s = 17 * 3600;
    struct limits_state s = begin(&p, I100);
    assert_true(mark(&s, &p, at(5, 13, 18, 0), MONEY(98000), MONEY(98000), MONEY(99000)));
    assert_true(verdict.breached && !verdict.terminated && verdict.flatten);
    assert_int_equal(verdict.refusal, REFUSAL_DAILY_LOSS);
    assert_false(mark(&s, &p, at(5, 14, 16, 59), MONEY(98000), MONEY(98000), MONEY(98000)));
    assert_true(verdict.flatten && !verdict.breached);
    assert_true(mark(&s, &p, at(5, 14, 17, 0), MONEY(98000), MONEY(98000), MONEY(98000)));
    assert_true(verdict.new_day && !verdict.flatten);
    assert_int_equal(limits_refusal(&s), REFUSAL_NONE);
    expect_level(&s, &p, MONEY(96000));
    assert_true(mark(&s, &p, at(5, 14, 18, 0), MONEY(98000), MONEY(95999), MONEY(98000))); /* breached anew */
    assert_true(verdict.breached);
}

static void test_terminate_goes_before_pause_before_guard(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_SNAP_BALANCE, MONEY(2000), BREACH_LE, EFFECT_PAUSE);
    p.floors[0].kind = FLOOR_DAILY;
    p.floor_count = 2;
    p.floors[1] = (struct config_floor){.kind = FLOOR_TOTAL, .anchor = ANCHOR_INITIAL, .allowance_abs = MONEY(4000)};
    struct limits_state s = begin(&p, I100);
    mark(&s, &p, at(5, 13, 18, 0), I100, MONEY(97000), MONEY(97000));
    assert_int_equal(verdict.refusal, REFUSAL_DAILY_LOSS);
    assert_int_equal(verdict.floor, 0);
    assert_true(mark(&s, &p, at(5, 13, 19, 0), I100, MONEY(95000), MONEY(95000)));
    assert_true(verdict.breached && verdict.terminated);
    assert_int_equal(verdict.refusal, REFUSAL_TOTAL_LOSS);
    assert_int_equal(verdict.floor, 1);
    assert_int_equal(verdict.floor_level, MONEY(96000));
}

static void test_room_is_of_the_nearest_floor(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_INITIAL, MONEY(10000), BREACH_LT, EFFECT_TERMINATE);
    p.floor_count = 2;
    p.floors[1] =
        (struct config_floor){.kind = FLOOR_DAILY, .anchor = ANCHOR_SNAP_BALANCE, .allowance_abs = MONEY(5000)};
    p.buffer_fraction = DEC_ONE / 1000;
    struct limits_state s = begin(&p, I100);
    uint32_t kind = 99;
    assert_int_equal(limits_room(&s, &p, MONEY(99000), &kind), MONEY(3900));
    assert_int_equal(kind, FLOOR_DAILY);
    mark(&s, &p, at(5, 13, 10, 0), MONEY(94000), MONEY(96000), MONEY(96000));
    mark(&s, &p, at(5, 14, 10, 0), MONEY(94000), MONEY(96000), MONEY(96000)); /* daily floor 89000 now */
    assert_int_equal(limits_room(&s, &p, MONEY(96000), &kind), MONEY(5900));
    assert_int_equal(kind, FLOOR_TOTAL);
    assert_int_equal(verdict.floor, 0); /* nothing is refused: the nearest */
    p.floor_count = 0;
    assert_int_equal(limits_room(&s, &p, MONEY(96000), &kind), DEC_MAX);
    mark(&s, &p, at(5, 14, 11, 0), MONEY(94000), MONEY(1), MONEY(1));
    assert_int_equal(verdict.refusal, REFUSAL_NONE);
    assert_int_equal(verdict.floor, p.floor_count);
}

static void test_what_does_not_fit_stops_everything(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_RUN_EQUITY, MONEY(1), BREACH_LT, EFFECT_PAUSE);
    struct limits_state s = begin(&p, I100);
    uint32_t kind;
    mark(&s, &p, at(5, 13, 10, 0), DEC_MAX, DEC_MAX, DEC_MAX);
    assert_int_equal(verdict.floor_level, DEC_MAX - MONEY(1) + (CENT - (DEC_MAX - MONEY(1)) % CENT));
    mark(&s, &p, at(5, 13, 11, 0), -DEC_MAX, -DEC_MAX, -DEC_MAX); /* the distance does not fit */
    assert_true(verdict.breached && verdict.flatten);
    assert_int_equal(limits_room(&s, &p, -DEC_MAX, &kind), 0);
    p = one_floor(ANCHOR_RUN_EQUITY, 1, BREACH_LT, EFFECT_PAUSE);
    s = begin(&p, DEC_MAX); /* the level rounds up beyond the range */
    mark(&s, &p, at(5, 13, 10, 0), DEC_MAX, DEC_MAX, DEC_MAX);
    expect_level(&s, &p, DEC_MAX);
    assert_true(verdict.breached);
}

/* --- the day ---------------------------------------------------------------------------------------------------- */

static void test_a_loss_carried_over_midnight(void **unused)
{
    (void)unused;
    /* FTMO's own example (P1-03, P1-04): +4000 closed, -13000 floating. */
    struct config_programme p = one_floor(ANCHOR_SNAP_BALANCE, MONEY(10000), BREACH_LT, EFFECT_TERMINATE);
    p.floors[0].kind = FLOOR_DAILY;
    struct limits_state s = begin(&p, MONEY(200000));
    mark(&s, &p, at(5, 13, 23, 59), MONEY(204000), MONEY(191000), MONEY(191000));
    assert_false(verdict.breached);
    mark(&s, &p, at(5, 14, 0, 0), MONEY(204000), MONEY(191000), MONEY(191000));
    assert_true(verdict.new_day && verdict.breached && verdict.terminated);
    assert_int_equal(verdict.floor_level, MONEY(194000));
}

/* One mark after a weekend is as good as a mark at each boundary of it. */
static void test_days_skipped_at_once(void **unused)
{
    (void)unused;
    for (uint32_t anchor = ANCHOR_INITIAL; anchor <= ANCHOR_DAY_PEAK; anchor++) {
        struct config_programme p = one_floor(anchor, MONEY(5000), BREACH_LT, EFFECT_TERMINATE);
        struct limits_state once = begin(&p, I100), each;
        mark(&once, &p, at(5, 17, 22, 0), MONEY(101000), MONEY(103000), MONEY(104000)); /* Friday */
        each = once;
        mark(&once, &p, at(5, 20, 8, 0), MONEY(101000), MONEY(100500), MONEY(100500)); /* Monday */
        assert_true(verdict.new_day);
        for (int day = 18; day <= 20; day++)
            mark(&each, &p, at(5, day, 0, 0), MONEY(101000), MONEY(103000), MONEY(103000));
        mark(&each, &p, at(5, 20, 8, 0), MONEY(101000), MONEY(100500), MONEY(100500));
        assert_int_equal(once.day_start_ns, at(5, 20, 0, 0));
        assert_int_equal(once.day_end_ns, at(5, 21, 0, 0));
        assert_memory_equal(&once, &each, sizeof once);
    }
}

static void test_days_of_23_and_25_hours(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_SNAP_BALANCE, MONEY(5000), BREACH_LT, EFFECT_TERMINATE);
    static const struct {
        int month, day, hours;
    } days[] = {{3, 30, 24}, {3, 31, 23}, {4, 1, 24}, {10, 26, 24}, {10, 27, 25}, {10, 28, 24}};
    for (size_t i = 0; i < COUNT(days); i++) {
        struct limits_state s = begin(&p, I100);
        int64_t start = at(days[i].month, days[i].day, 0, 0), end = start + days[i].hours * HOUR;
        mark(&s, &p, start, I100, I100, I100);
        assert_int_equal(s.day_start_ns, start);
        assert_int_equal(s.day_end_ns, end);
        assert_false(mark(&s, &p, end - 1, I100, I100, I100));
        assert_true(mark(&s, &p, end, I100, I100, I100));
        assert_true(verdict.new_day);
    }
}

static void test_a_peak_across_the_boundary_counts_for_both_days(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_DAY_PEAK, MONEY(5000), BREACH_LT, EFFECT_TERMINATE);
    struct limits_state s = begin(&p, I100);
    mark(&s, &p, at(5, 13, 23, 0), I100, MONEY(101000), MONEY(108000));
    expect_level(&s, &p, MONEY(103000)); /* and 101000 is below it */
    s = begin(&p, I100);
    mark(&s, &p, at(5, 13, 23, 0), I100, MONEY(104000), MONEY(108000));
    mark(&s, &p, at(5, 14, 0, 0), I100, MONEY(104000), MONEY(106000));
    expect_level(&s, &p, MONEY(101000));
    mark(&s, &p, at(5, 14, 1, 0), I100, MONEY(104000), MONEY(1)); /* a high below equity is equity */
    expect_level(&s, &p, MONEY(101000));
}

static void test_time_does_not_run_backwards(void **unused)
{
    (void)unused;
    struct config_programme p = one_floor(ANCHOR_SNAP_BALANCE, MONEY(5000), BREACH_LT, EFFECT_TERMINATE);
    struct limits_state s = begin(&p, I100);
    mark(&s, &p, at(5, 14, 10, 0), I100, I100, I100);
    assert_false(mark(&s, &p, at(5, 13, 10, 0), MONEY(99000), MONEY(99000), MONEY(99000)));
    assert_false(verdict.new_day);
    assert_int_equal(s.last_ns, at(5, 14, 10, 0));
    assert_int_equal(s.last_balance, MONEY(99000));
}

/* --- restart ------------------------------------------------------------------------------------------------------ */

static void test_restored_from_bytes_it_goes_on_alike(void **unused)
{
    (void)unused;
    for (uint64_t run = 0; run < 200; run++) {
        uint64_t seed = hash_mix64(run + 1);
        struct config_programme p = {.floor_count = CONFIG_FLOORS_MAX, .buffer_fraction = DEC_ONE / 500};
        for (uint32_t i = 0; i < CONFIG_FLOORS_MAX; i++) {
            seed = hash_mix64(seed);
            p.floors[i] = (struct config_floor){.kind = (uint32_t)(seed & 1),
                                                .breach = (uint32_t)(seed >> 1 & 1),
                                                .effect = (uint32_t)(seed >> 2 & 1),
                                                .anchor = (uint32_t)(seed >> 8) % (ANCHOR_DAY_PEAK + 1),
                                                .allowance_fraction = DEC_ONE / 10,
                                                .allowance_of_anchor = seed >> 3 & 1,
                                                .has_cap = seed >> 4 & 1};
        }
        struct limits_state twin = begin(&p, I100), other = begin(&p, I100);
        assert_memory_equal(&twin, &other, sizeof twin);
        dec_t balance = I100;
        int64_t now = at(3, 28, 0, 0);
        for (unsigned step = 0; step < 300; step++) {
            seed = hash_mix64(seed);
            balance += ((dec_t)(seed % 2001) - 1010) * DEC_ONE;
            dec_t equity = balance + ((dec_t)(seed >> 20 & 0xfff) - 2048) * DEC_ONE;
            now += (int64_t)(seed >> 40 & 0x7ff) * 60 * NS;
            if (seed >> 56 < 40) { /* dies, and is restored elsewhere */
                unsigned char bytes[sizeof other];
                memcpy(bytes, &other, sizeof other);
                memset(&other, 0x5a, sizeof other);
                memcpy(&other, bytes, sizeof other);
            }
            struct limits_verdict a, b;
            memset(&a, 0, sizeof a);
            memset(&b, 0xff, sizeof b);
            bool changed = limits_mark(&twin, &p, &prague, now, balance, equity, equity, &a);
            assert_int_equal(changed, limits_mark(&other, &p, &prague, now, balance, equity, equity, &b));
            assert_memory_equal(&a, &b, sizeof a);
            assert_memory_equal(&twin, &other, sizeof twin);
            assert_int_equal(a.flatten, limits_refusal(&twin) != REFUSAL_NONE);
            assert_true(changed || (!a.new_day && !a.breached));
        }
    }
}

/* --- the published vectors ------------------------------------------------------------------------------------------
 */

#define FIELD_MAX 512
struct vector {
    char id[16], primitive[8], inputs[FIELD_MAX], expected[FIELD_MAX];
};

/* The next field of a CSV line, with or without quotes. Returns what follows it. */
static const char *csv_field(const char *from, char *out, size_t size)
{
    bool quoted = *from == '"';
    size_t used = 0;
    from += quoted;
    while (*from && *from != '\n' && (quoted ? *from != '"' || from[1] == '"' : *from != ',')) {
        from += quoted && *from == '"';
        if (used + 1 < size)
            out[used++] = *from;
        from++;
    }
    out[used] = 0;
    from += quoted && *from == '"';
    return from + (*from == ',');
}

static struct vector vector_parse(const char *line)
{
    struct vector v;
    char unused[FIELD_MAX];
    line = csv_field(line, v.id, sizeof v.id);
    line = csv_field(line, v.primitive, sizeof v.primitive);
    for (int i = 0; i < 3; i++)
        line = csv_field(line, unused, sizeof unused);
    line = csv_field(line, v.inputs, sizeof v.inputs);
    csv_field(line, v.expected, sizeof v.expected);
    return v;
}

/* Value of a key in a=b|c=d; false: not there. */
static bool vector_get(const char *pairs, const char *key, char *out, size_t size)
{
    size_t length = strlen(key);
    for (const char *p = pairs; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strncmp(p, key, length) == 0 && p[length] == '=') {
            size_t value = strcspn(p + length + 1, "|");
            assert_true(value < size);
            memcpy(out, p + length + 1, value);
            out[value] = 0;
            return true;
        }
    return false;
}

/* Every key of the inputs is one that this interface has. */
static bool vector_fits(const char *inputs, const char *const *keys, size_t count)
{
    for (const char *p = inputs; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known |= strncmp(p, keys[i], strlen(keys[i])) == 0 && p[strlen(keys[i])] == '=';
        if (!known)
            return false;
    }
    return true;
}

static dec_t dec(const char *text)
{
    dec_t value;
    if (dec_parse(text, strlen(text), &value) != 0)
        fail_msg("not a decimal: %s", text);
    return value;
}

static dec_t vector_dec(const char *pairs, const char *key, dec_t otherwise)
{
    char text[64];
    return vector_get(pairs, key, text, sizeof text) ? dec(text) : otherwise;
}

static const char *const anchor_names[] = {
    [ANCHOR_INITIAL] = "initial",         [ANCHOR_SNAP_BALANCE] = "snap_balance",
    [ANCHOR_SNAP_EQUITY] = "snap_equity", [ANCHOR_SNAP_MAX] = "snap_max",
    [ANCHOR_RUN_CLOSED] = "run_closed",   [ANCHOR_RUN_EOD_BALANCE] = "run_eod_balance",
    [ANCHOR_RUN_EOD_MAX] = "run_eod_max", [ANCHOR_RUN_EQUITY] = "run_equity",
    [ANCHOR_DAY_PEAK] = "day_peak",
};

static struct config_programme vector_programme(const struct vector *v, dec_t initial)
{
    char text[64] = "";
    struct config_programme p = {.floor_count = 1};
    struct config_floor *floor = &p.floors[0];
    assert_true(vector_get(v->inputs, "anchor", text, sizeof text));
    while (floor->anchor < COUNT(anchor_names) && strcmp(anchor_names[floor->anchor], text) != 0)
        floor->anchor++;
    assert_true(floor->anchor < COUNT(anchor_names));
    assert_true(vector_get(v->inputs, "allowance_kind", text, sizeof text));
    dec_t allowance = vector_dec(v->inputs, "allowance", 0);
    if (strcmp(text, "abs") == 0)
        floor->allowance_abs = allowance;
    else
        floor->allowance_fraction = allowance;
    floor->allowance_of_anchor = strcmp(text, "frac_anchor") == 0;
    if (vector_get(v->inputs, "cap", text, sizeof text) && strcmp(text, "none") != 0) {
        floor->has_cap = true;
        floor->cap_offset = dec(text) - initial;
    }
    if (vector_get(v->inputs, "breach_op", text, sizeof text))
        floor->breach = strcmp(text, "le") == 0 ? BREACH_LE : BREACH_LT;
    return p;
}

/* Bring the anchor's inputs about by marks: snapshots and marks at a boundary are made the day before; a running
 * maximum is reached at its top, where nothing is breached. */
static void vector_anchor(struct limits_state *s, const struct config_programme *p, const struct vector *v,
                          int64_t *now)
{
    dec_t initial = s->initial_balance, top = vector_dec(v->inputs, "hwm", initial);
    dec_t balance = vector_dec(v->inputs, "snap_balance", top), equity = vector_dec(v->inputs, "snap_equity", balance);
    mark(s, p, *now, balance, equity, dec_max(top, equity));
    if (p->floors[0].anchor != ANCHOR_DAY_PEAK)
        *now += 24 * HOUR;
}

static void vector_check(const struct vector *v)
{
    char text[64] = "";
    dec_t initial = vector_dec(v->inputs, "initial", 0), equity = vector_dec(v->inputs, "equity", 0);
    struct config_programme p = vector_programme(v, initial);
    struct limits_state s = begin(&p, initial);
    int64_t now = at(5, 13, 10, 0);
    vector_anchor(&s, &p, v, &now);
    mark(&s, &p, now, s.last_balance, equity, equity);
    uint32_t kind;
    dec_t room = vector_dec(v->expected, "room", 0);
    assert_true(vector_get(v->expected, "breach", text, sizeof text));
    if (verdict.floor_level != vector_dec(v->expected, "floor", 0) || verdict.equity - verdict.floor_level != room ||
        verdict.breached != (strcmp(text, "true") == 0) || limits_room(&s, &p, equity, &kind) != dec_max(0, room))
        fail_msg("%s: floor %lld, room %lld, breached %d", v->id, (long long)verdict.floor_level,
                 (long long)(verdict.equity - verdict.floor_level), verdict.breached);
}

/* P1S: a list of events; the floor and whether it is breached after each. */
static void sequence_check(const struct vector *v)
{
    char events[FIELD_MAX], floors[FIELD_MAX], breaches[FIELD_MAX];
    assert_true(vector_get(v->inputs, "events", events, sizeof events));
    assert_true(vector_get(v->expected, "floors", floors, sizeof floors));
    assert_true(vector_get(v->expected, "breach", breaches, sizeof breaches));
    dec_t initial = vector_dec(v->inputs, "initial", 0);
    struct config_programme p = vector_programme(v, initial);
    struct limits_state s = begin(&p, initial);
    int64_t now = at(5, 13, 10, 0);
    const char *event = events, *floor = floors, *breach = breaches;
    for (; event; event = strchr(event, ',') ? strchr(event, ',') + 1 : NULL) {
        char kind[16], balance[32], equity[32], level[32], breached[8];
        assert_int_equal(sscanf(event, "%15[^:]:%31[^:]:%31[^:,]", kind, balance, equity), 3);
        assert_int_equal(sscanf(floor, "%31[^,]", level), 1);
        assert_int_equal(sscanf(breach, "%7[^,]", breached), 1);
        mark(&s, &p, now += HOUR, dec(balance), dec(equity), dec(equity));
        bool crossed = verdict.breached;
        if (strcmp(kind, "boundary") == 0) {
            mark(&s, &p, now += 24 * HOUR, dec(balance), dec(equity), dec(equity));
            crossed |= verdict.breached;
        }
        if (verdict.floor_level != dec(level) || crossed != (strcmp(breached, "true") == 0))
            fail_msg("%s %s: floor %lld, not %s; breached %d", v->id, event, (long long)verdict.floor_level, level,
                     crossed);
        floor += strcspn(floor, ",") + (strchr(floor, ',') != NULL);
        breach += strcspn(breach, ",") + (strchr(breach, ',') != NULL);
    }
}

static void test_vectors(void **unused)
{
    (void)unused;
    static const char *const keys[] = {"anchor",       "allowance_kind", "allowance", "initial", "breach_op",
                                       "snap_balance", "snap_equity",    "hwm",       "cap",     "equity"};
    static const char *const sequence_keys[] = {"anchor", "allowance_kind", "allowance", "initial", "cap", "events"};
    const char *shared = getenv("PROPFLEET_SHARED");
    char path[512], line[4096];
    snprintf(path, sizeof path, "%s/golden/rules_vectors.csv", shared ? shared : "");
    FILE *file = shared ? fopen(path, "r") : NULL;
    if (!file) {
        print_message("PROPFLEET_SHARED names no folder with golden/rules_vectors.csv: skipped\n");
        skip();
    }
    unsigned floors = 0, sequences = 0, others = 0;
    while (fgets(line, sizeof line, file)) {
        struct vector v = vector_parse(line);
        if (strcmp(v.primitive, "P1") != 0 && strcmp(v.primitive, "P1S") != 0)
            continue;
        if (strcmp(v.primitive, "P1") == 0 && vector_fits(v.inputs, keys, COUNT(keys))) {
            vector_check(&v);
            floors++;
        } else if (strcmp(v.primitive, "P1S") == 0 && vector_fits(v.inputs, sequence_keys, COUNT(sequence_keys)) &&
                   !strstr(v.inputs, "payout:")) {
            sequence_check(&v);
            sequences++;
        } else {
            others++;
        }
    }
    fclose(file);
    print_message("P1: %u floors and %u sequences agree; %u need a jump lock or a payout\n", floors, sequences, others);
    assert_true(floors > 0 && sequences > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_anchor),
        cmocka_unit_test(test_snapshots_tell_balance_from_equity),
        cmocka_unit_test(test_allowances_and_cap),
        cmocka_unit_test(test_floors_round_up_to_the_cent),
        cmocka_unit_test(test_marks_never_fall),
        cmocka_unit_test(test_lt_and_le_are_a_cent_apart),
        cmocka_unit_test(test_guard_is_before_the_line),
        cmocka_unit_test(test_guard_of_the_total_loss_comes_back),
        cmocka_unit_test(test_terminate_is_for_ever),
        cmocka_unit_test(test_pause_holds_until_the_boundary),
        cmocka_unit_test(test_terminate_goes_before_pause_before_guard),
        cmocka_unit_test(test_room_is_of_the_nearest_floor),
        cmocka_unit_test(test_what_does_not_fit_stops_everything),
        cmocka_unit_test(test_a_loss_carried_over_midnight),
        cmocka_unit_test(test_days_skipped_at_once),
        cmocka_unit_test(test_days_of_23_and_25_hours),
        cmocka_unit_test(test_a_peak_across_the_boundary_counts_for_both_days),
        cmocka_unit_test(test_time_does_not_run_backwards),
        cmocka_unit_test(test_restored_from_bytes_it_goes_on_alike),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
