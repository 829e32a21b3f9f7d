/* Exits: refusals and tranches of a plan, each rule by itself, the run over bars against a recomputation in exact fractions,
 * properties from a seed, plan and state as bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/broker/broker.h"
#include "workers/strategy/exits/ohlc.h"

#define NS INT64_C(1000000000)
#define HOUR_NS (3600 * NS)

static uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}
static int64_t between(uint64_t *seed, int64_t low, int64_t high)
{
    return low + (int64_t)draw(seed, (uint64_t)(high - low + 1));
}

static struct exits_parameters defaults(void)
{
    struct exits_parameters p;
    exits_parameters_default(&p);
    return p;
}
/* Buy at 10000 with a stop 100 below, 9 lots of 1: legs at 10100, 10175, 10250. */
static struct exits_entry buy(void)
{
    return (struct exits_entry){.side = SIDE_BUY, .price = 10000, .stop = 9900, .tick = 1, .lots = 9, .lot_step = 1, .lot_min = 1};
}
static struct exits_plan planned(const struct exits_parameters *p, const struct exits_entry *e)
{
    struct exits_plan plan;
    assert_int_equal(exits_plan_make(p, e, &plan), EXITS_GRANTED);
    return plan;
}
static struct exits_bar bar(int64_t open, int64_t high, int64_t low, int64_t close)
{
    return (struct exits_bar){.open = open, .high = high, .low = low, .close = close, .atr = 50, .atr_median = 50, .spread = 2, .spread_median = 2};
}

/* --- plans --------------------------------------------------------------------------------------------------------------- */

static void makes_the_default_ladder(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    const struct exits_leg legs[] = {{10100, 3}, {10175, 3}, {10250, 3}};
    assert_int_equal(plan.leg_count, 3);
    assert_memory_equal(plan.legs, legs, sizeof legs);
    assert_int_equal(plan.risk, 100);
    assert_int_equal(plan.arm, 125);
    assert_float_equal(plan.reward_risk, 2.5, 0);
    assert_float_equal(plan.planned_r, 1.75, 0); /* quant.md 6: not 2.5 */
    e.side = SIDE_SELL;
    e.stop = 10100;
    plan = planned(&p, &e);
    const struct exits_leg mirrored[] = {{9900, 3}, {9825, 3}, {9750, 3}};
    assert_memory_equal(plan.legs, mirrored, sizeof mirrored);
}

static void splits_lots(void **unused)
{
    (void)unused;
    static const struct { int64_t lots, step, min; uint32_t count; int64_t legs[3]; int64_t first; } cases[] = {
        {9, 1, 1, 3, {3, 3, 3}, 10100},   {10, 1, 1, 3, {3, 3, 4}, 10100}, {11, 1, 1, 3, {3, 3, 5}, 10100},
        {2, 1, 1, 1, {2}, 10250},         /* a third is nothing: both rungs wait, and the rest takes it all */
        {5, 1, 2, 2, {2, 3}, 10175},      /* 1 is too small, merged into the next: 2 */
        {3, 1, 2, 1, {3}, 10250},         /* 2 would leave 1: taken back */
        {100, 10, 10, 3, {30, 30, 40}, 10100}, {1, 1, 1, 1, {1}, 10250}, {4, 1, 4, 1, {4}, 10250},
    };
    struct exits_parameters p = defaults();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct exits_entry e = buy();
        e.lots = cases[i].lots;
        e.lot_step = cases[i].step;
        e.lot_min = cases[i].min;
        struct exits_plan plan = planned(&p, &e);
        assert_int_equal(plan.leg_count, cases[i].count);
        for (uint32_t n = 0; n < plan.leg_count; n++)
            assert_int_equal(plan.legs[n].lots, cases[i].legs[n]);
        assert_int_equal(plan.legs[0].price, cases[i].first);
    }
    struct exits_entry e = buy(); /* 4 waits, 8 at the second rung leaves 4 < 5: one leg */
    e.lots = 12;
    e.lot_min = 5;
    assert_int_equal(planned(&p, &e).leg_count, 1);
}

static void drops_rungs_beyond_the_target(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    p.min_reward_risk = 0;
    struct exits_entry e = buy();
    e.target = 10175;
    struct exits_plan plan = planned(&p, &e);
    assert_int_equal(plan.leg_count, 2);
    assert_int_equal(plan.legs[1].price, 10175);
    assert_int_equal(plan.legs[1].lots, 6);
}

static void refuses_a_small_reward(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan;
    e.target = 10200;
    assert_int_equal(exits_plan_make(&p, &e, &plan), EXITS_GRANTED); /* 2 R; the ladder's 1.5 R is not what is asked */
    e.target = 10199;
    assert_int_equal(exits_plan_make(&p, &e, &plan), EXITS_REFUSED_REWARD);
    assert_int_equal(plan.target, 10199); /* whole, for what slipped at its fill */
    p.min_reward_risk = 1.5;
    assert_int_equal(exits_plan_make(&p, &e, &plan), EXITS_GRANTED);
    p.min_reward_risk = 2.6;
    e.target = 0;
    assert_int_equal(exits_plan_make(&p, &e, &plan), EXITS_REFUSED_REWARD);
}

static void refuses_what_is_no_plan(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry good = buy(), e;
    struct exits_plan plan, zero;
    memset(&zero, 0, sizeof zero);
#define INVALID(change) \
    do { \
        e = good; \
        memset(&plan, 0xa5, sizeof plan); \
        change; \
        assert_int_equal(exits_plan_make(&p, &e, &plan), EXITS_REFUSED_INVALID); \
        assert_memory_equal(&plan, &zero, sizeof zero); \
    } while (0)
    INVALID(e.stop = 10000);
    INVALID(e.stop = 10001);
    INVALID(e.stop = 0);
    INVALID(e.price = EXITS_PRICE_MAX + 1);
    INVALID(e.side = 0);
    INVALID(e.side = 3);
    INVALID(e.target = 9999);
    INVALID(e.target = INT64_MIN);
    INVALID(e.tick = 0);
    INVALID(e.lots = 0);
    INVALID(e.lots = INT64_MAX);
    INVALID(e.lot_step = 0);
    INVALID(e.lot_min = -1);
    INVALID(e.side = SIDE_SELL; e.stop = 15000); /* a target below zero */
    INVALID(e.price = EXITS_PRICE_MAX; e.stop = 1);
}

static void strong_patterns_go_further(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    e.strength = 0.7;
    assert_int_equal(planned(&p, &e).target, 10250); /* volume does not confirm */
    e.volume_confirmed = true;
    assert_int_equal(planned(&p, &e).target, 10300);
    assert_int_equal(planned(&p, &e).legs[0].price, 10100);
    e.strength = 0.699;
    assert_int_equal(planned(&p, &e).target, 10250);
    e.strength = (double)NAN;
    assert_int_equal(planned(&p, &e).target, 10250);
    e.strength = 1.0;
    e.volume_confirmed = false;
    p.volume_confirmation = 0;
    assert_int_equal(planned(&p, &e).target, 10300);
    e.target = 10260; /* its own stays */
    assert_int_equal(planned(&p, &e).target, 10260);
    assert_int_equal(planned(&p, &e).strong, 0);
}

static void rounds_to_ticks(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = {.side = SIDE_BUY, .price = 10003, .stop = 9900, .tick = 5, .lots = 9, .lot_step = 1, .lot_min = 1};
    struct exits_plan plan = planned(&p, &e); /* R 103: 10106, 10183.25, 10260.5 */
    assert_int_equal(plan.legs[0].price, 10105);
    assert_int_equal(plan.legs[1].price, 10185);
    assert_int_equal(plan.legs[2].price, 10260);
    e = (struct exits_entry){.side = SIDE_SELL, .price = 9997, .stop = 10100, .tick = 5, .lots = 9, .lot_step = 1, .lot_min = 1};
    plan = planned(&p, &e); /* mirrored about 10000 */
    assert_int_equal(plan.legs[0].price, 9895);
    assert_int_equal(plan.legs[1].price, 9815);
    assert_int_equal(plan.legs[2].price, 9740);
    e = (struct exits_entry){.side = SIDE_BUY, .price = 10000, .stop = 9990, .tick = 10, .lots = 9, .lot_step = 1, .lot_min = 1};
    assert_int_equal(planned(&p, &e).target, 10030); /* 10025: a tie goes away from the entry */
    e.side = SIDE_SELL;
    e.stop = 10010;
    assert_int_equal(planned(&p, &e).target, 9970);
}

static void checks_parameters(void **unused)
{
    (void)unused;
    struct exits_parameters good = defaults(), p;
    assert_null(exits_parameters_wrong(&good));
#define WRONG(change) \
    do { \
        p = good; \
        change; \
        assert_non_null(exits_parameters_wrong(&p)); \
    } while (0)
    WRONG(p.target_r = 0);
    WRONG(p.target_r = (double)NAN);
    WRONG(p.min_reward_risk = -1);
    WRONG(p.strength_multiplier = 0.9);
    WRONG(p.strength_from = 1.1);
    WRONG(p.trail_arm = -0.1);
    WRONG(p.trail_atr = 0);
    WRONG(p.tighten_atr = (double)INFINITY);
    WRONG(p.time_limit_ns = -1);
    WRONG(p.time_clock = 2);
    WRONG(p.rung_count = EXITS_RUNGS_MAX + 1);
    WRONG(p.rungs[1].r = 1.0);
    WRONG(p.rungs[0].r = 0);
    WRONG(p.rungs[0].numerator = 0);
    WRONG(p.rungs[0].denominator = 1);
    WRONG(p.rungs[0].numerator = 2); /* 2/3 + 1/3 leaves nothing */
    WRONG(p.rules[EXITS_ON_NEWS].closes = 0);
    WRONG(p.rules[EXITS_ON_SPREAD].limit = 0);
    WRONG(p.rules[EXITS_ON_SPREAD].action = 3);
}

/* --- the stop --------------------------------------------------------------------------------------------------------------- */

static struct exits_decision closed(struct exits_state *s, const struct exits_plan *plan, struct exits_bar b)
{
    struct exits_decision d;
    exits_on_bar(s, plan, &b, &d);
    return d;
}

static void trails_from_half_the_way(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    p.rung_count = 0;
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s;
    exits_init(&s, &plan);
    struct exits_decision d = closed(&s, &plan, bar(10000, 10124, 9950, 10100));
    assert_int_equal(d.stop, 0); /* one short of 1.25 R */
    assert_false(s.armed);
    d = closed(&s, &plan, bar(10100, 10125, 10050, 10110));
    assert_true(s.armed);
    assert_int_equal(d.stop, 10025); /* 10125 - 2 * 50 */
    d = closed(&s, &plan, bar(10110, 10120, 10060, 10100));
    assert_int_equal(d.stop, 0);
    struct exits_bar wide = bar(10100, 10130, 10060, 10100);
    wide.atr = 80; /* 10130 - 160 is further away: the stop stays */
    assert_int_equal(closed(&s, &plan, wide).stop, 0);
    assert_int_equal(s.stop, 10025);
    struct exits_bar narrow = bar(10100, 10200, 10060, 10090);
    narrow.atr = 10; /* 10180 is beyond the close */
    d = closed(&s, &plan, narrow);
    assert_int_equal(d.stop, 10090);
    assert_true(d.stop_at_close);
    assert_int_equal(d.close, EXITS_NONE);
}

static void breaks_even(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    p.rung_count = 0;
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s;
    exits_init(&s, &plan);
    struct exits_bar b = bar(10000, 10125, 9950, 10100);
    b.atr = 200;
    assert_int_equal(closed(&s, &plan, b).stop, 10000);
    exits_init(&s, &plan);
    b.atr = (double)NAN; /* no ATR: break-even alone */
    assert_int_equal(closed(&s, &plan, b).stop, 10000);
    plan.parameters.break_even = 0;
    exits_init(&s, &plan);
    assert_int_equal(closed(&s, &plan, b).stop, 0);
    assert_true(s.armed);
    b.atr = 0.0;
    assert_int_equal(closed(&s, &plan, b).stop, 0);
    plan.parameters.trail = 0;
    exits_init(&s, &plan);
    b.atr = 50;
    assert_int_equal(closed(&s, &plan, b).stop, 0);
    assert_false(s.armed);
}

static void trails_on_ticks(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    p.rung_count = 0;
    struct exits_entry e = {.side = SIDE_BUY, .price = 10000, .stop = 9900, .tick = 5, .lots = 9, .lot_step = 1, .lot_min = 1};
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s;
    exits_init(&s, &plan);
    struct exits_bar b = bar(10000, 10150, 9950, 10100);
    b.atr = 25.6; /* 51.2: 55 */
    assert_int_equal(closed(&s, &plan, b).stop, 10095);
    e = (struct exits_entry){.side = SIDE_SELL, .price = 10002, .stop = 10100, .tick = 5, .lots = 9, .lot_step = 1, .lot_min = 1};
    plan = planned(&p, &e);
    exits_init(&s, &plan);
    b = bar(10000, 10010, 9850, 9900);
    b.atr = 1000; /* break-even at 10002: up to 10005 for a buy-back */
    assert_int_equal(closed(&s, &plan, b).stop, 10005);
}

/* --- decisions of a closed bar ------------------------------------------------------------------------------------------------- */

static void asks_for_what_did_not_fill(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s;
    exits_init(&s, &plan);
    struct exits_decision d = closed(&s, &plan, bar(10000, 10110, 9950, 10050));
    assert_int_equal(d.legs, 1);
    assert_int_equal(d.lots, 3);
    d = closed(&s, &plan, bar(10050, 10060, 10000, 10050)); /* not filled: asked again */
    assert_int_equal(d.lots, 3);
    assert_true(exits_on_fill(&s, &plan, 2));
    d = closed(&s, &plan, bar(10050, 10180, 10040, 10170)); /* what is left of it, and the second */
    assert_int_equal(d.legs, 2);
    assert_int_equal(d.lots, 4);
    assert_true(exits_on_fill(&s, &plan, 4));
    assert_int_equal(s.leg, 2);
    assert_int_equal(s.lots, 3);
    d = closed(&s, &plan, bar(10160, 10250, 10150, 10200));
    assert_int_equal(d.close, EXITS_TARGET);
    assert_int_equal(d.legs, 0);
    assert_true(exits_on_fill(&s, &plan, 3));
    d = closed(&s, &plan, bar(10050, 10250, 9000, 10200)); /* flat */
    assert_int_equal(d.close, EXITS_NONE);
    assert_int_equal(exits_due(&s, &plan, INT64_MAX), EXITS_NONE);
    exits_init(&s, &plan);
    d = closed(&s, &plan, bar(10000, 10300, 9900, 10200)); /* both: the stop */
    assert_int_equal(d.close, EXITS_STOP);
    exits_init(&s, &plan);
    assert_int_equal(closed(&s, &plan, bar(9890, 9950, 9880, 9900)).close, EXITS_STOP_GAP);
    assert_false(exits_on_fill(&s, &plan, 10)); /* more than was open */
    assert_int_equal(s.lots, 0);
}

static void a_moved_stop_acts_from_the_next_bar(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    p.rung_count = 0;
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_run run;
    exits_run_init(&run, &plan, false);
    struct exits_bar b = bar(10000, 10200, 9950, 10150); /* the new stop, 10100, lies inside this bar */
    assert_true(exits_run_bar(&run, &b));
    assert_int_equal(run.state.stop, 10100);
    b = bar(10150, 10160, 10090, 10150);
    assert_false(exits_run_bar(&run, &b));
    assert_int_equal(run.fills[0].reason, EXITS_TRAIL);
    assert_int_equal(run.fills[0].price, 10100);
    assert_int_equal(run.fills[0].bar, 1);
    assert_float_equal(exits_run_r(&run), 1.0, 0);
}

static void tells_where_the_order_decides(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    static const struct { int64_t open, high, low; uint32_t ambiguous; } cases[] = {
        {10000, 10099, 9900, 0}, {10000, 10100, 9901, 0}, {10000, 10100, 9900, 1}, {9900, 10100, 9900, 0}, {10100, 10174, 9900, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct exits_run first, last;
        struct exits_bar b = bar(cases[i].open, cases[i].high, cases[i].low, 9950);
        exits_run_init(&first, &plan, false);
        exits_run_init(&last, &plan, true);
        (void)exits_run_bar(&first, &b);
        (void)exits_run_bar(&last, &b);
        assert_int_equal(first.ambiguous, cases[i].ambiguous);
        assert_int_equal(last.ambiguous, cases[i].ambiguous);
        assert_int_equal(exits_run_r(&first) != exits_run_r(&last), cases[i].ambiguous);
    }
}

static void passes_over_what_is_no_bar(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s, before;
    exits_init(&s, &plan);
    before = s;
    const struct exits_bar bars[] = {bar(0, 10300, 0, 10000), bar(10000, 9000, 10000, 10000), bar(10000, 10300, 9000, 10301),
                                     bar(10000, INT64_MAX, 9000, 10000), bar(8999, 10300, 9000, 10000)};
    for (size_t i = 0; i < sizeof bars / sizeof bars[0]; i++) {
        struct exits_decision d = closed(&s, &plan, bars[i]);
        assert_int_equal(d.close, EXITS_NONE);
        assert_memory_equal(&s, &before, sizeof s);
    }
}

/* --- time ------------------------------------------------------------------------------------------------------------------------ */

static void stops_after_a_day_of_open_market(void **unused)
{
    (void)unused;
    static struct tz_table utc = {.name = "UTC"};
    struct hours hours = {.zone = &utc, .open_s = 22 * 3600, .close_s = 22 * 3600, .closed_weekend = true};
    struct exits_parameters p = defaults();
    int64_t friday = INT64_C(1704992400) * NS + 4 * HOUR_NS; /* 2024-01-11 17:00 UTC, a Thursday, and four hours */
    friday += 24 * HOUR_NS - HOUR_NS;                        /* Friday 20:00 */
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday, friday + HOUR_NS), HOUR_NS);
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday, friday + 2 * HOUR_NS), 2 * HOUR_NS);
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday, friday + 30 * HOUR_NS), 2 * HOUR_NS); /* Saturday */
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday, friday + 50 * HOUR_NS), 2 * HOUR_NS); /* Sunday 22:00 */
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday, friday + 53 * HOUR_NS), 5 * HOUR_NS);
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday + 10 * HOUR_NS, friday + 53 * HOUR_NS), 3 * HOUR_NS);
    assert_int_equal(exits_elapsed_ns(&p, NULL, NULL, friday, friday + 53 * HOUR_NS), 53 * HOUR_NS);
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday, friday - 1), 0);
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, INT64_MIN, INT64_MAX), INT64_MAX);
    struct hours_closure holiday = {friday + 51 * HOUR_NS, friday + 52 * HOUR_NS, 1, 0};
    struct hours_closures closures = {&holiday, 1, 0};
    assert_int_equal(exits_elapsed_ns(&p, &hours, &closures, friday, friday + 53 * HOUR_NS), 4 * HOUR_NS);
    p.time_clock = EXITS_CLOCK_WALL;
    assert_int_equal(exits_elapsed_ns(&p, &hours, NULL, friday, friday + 53 * HOUR_NS), 53 * HOUR_NS);
}

static void is_due(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s;
    exits_init(&s, &plan);
    assert_int_equal(exits_due(&s, &plan, 24 * HOUR_NS - 1), EXITS_NONE);
    assert_int_equal(exits_due(&s, &plan, 24 * HOUR_NS), EXITS_TIME);
    s.armed = 1;
    assert_int_equal(exits_due(&s, &plan, 24 * HOUR_NS), EXITS_TIME);
    plan.parameters.time_spares_trail = 1;
    assert_int_equal(exits_due(&s, &plan, 24 * HOUR_NS), EXITS_NONE);
    s.armed = 0;
    assert_int_equal(exits_due(&s, &plan, 24 * HOUR_NS), EXITS_TIME);
    exits_ask(&s, EXITS_CORRELATION);
    exits_ask(&s, EXITS_NEWS);
    assert_int_equal(exits_due(&s, &plan, 0), EXITS_CORRELATION);
    plan.parameters.time_limit_ns = 0;
    exits_init(&s, &plan);
    assert_int_equal(exits_due(&s, &plan, INT64_MAX), EXITS_NONE);
    assert_true(exits_reason_is_voluntary(EXITS_TIME) && exits_reason_is_voluntary(EXITS_CORRELATION));
    assert_false(exits_reason_is_voluntary(EXITS_TRAIL) || exits_reason_is_voluntary(EXITS_TARGET));
    assert_string_equal(exits_reason_name(EXITS_STOP_GAP), "stop_gap");
    assert_string_equal(exits_reason_name(EXITS_REASON_COUNT), "?");
}

/* --- conditions -------------------------------------------------------------------------------------------------------------------- */

static struct exits_bar with(enum exits_condition condition, bool just_not)
{
    struct exits_bar b = bar(10000, 10010, 9990, 10000);
    switch (condition) {
    case EXITS_ON_VOLATILITY: b.atr = just_not ? 125 : 125.5; break; /* 2.5 times 50 */
    case EXITS_ON_SPREAD: b.spread = just_not ? 6 : 6.1; break;
    case EXITS_ON_STRUCTURE: b.opposite = just_not ? EXITS_OPPOSITE_SEEN : EXITS_OPPOSITE_CONFIRMED; break;
    case EXITS_ON_SESSION: b.session_ends = !just_not; break;
    case EXITS_ON_NEWS: b.news = !just_not; break;
    case EXITS_CONDITION_COUNT: break;
    }
    return b;
}

static void two_closes_in_a_row(void **unused)
{
    (void)unused;
    static const enum exits_reason reasons[] = {EXITS_VOLATILITY, EXITS_SPREAD, EXITS_STRUCTURE, EXITS_SESSION, EXITS_NEWS};
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    for (unsigned c = 0; c < EXITS_CONDITION_COUNT; c++) {
        enum exits_condition condition = (enum exits_condition)c;
        struct exits_state s;
        exits_init(&s, &plan);
        assert_int_equal(closed(&s, &plan, with(condition, false)).close, EXITS_NONE);
        assert_int_equal(closed(&s, &plan, with(condition, true)).close, EXITS_NONE); /* broken off */
        assert_int_equal(closed(&s, &plan, with(condition, false)).close, EXITS_NONE);
        assert_int_equal(closed(&s, &plan, with(condition, false)).close, reasons[c]);
        assert_int_equal(closed(&s, &plan, with(condition, true)).close, reasons[c]); /* until it is flat */
        exits_init(&s, &plan);
        plan.parameters.rules[c].action = EXITS_OFF;
        for (int i = 0; i < 5; i++)
            assert_int_equal(closed(&s, &plan, with(condition, false)).close, EXITS_NONE);
        plan.parameters.rules[c].action = EXITS_CLOSE;
        plan.parameters.rules[c].closes = 1;
        assert_int_equal(closed(&s, &plan, with(condition, false)).close, reasons[c]);
        plan = planned(&p, &e);
    }
}

static void undefined_is_no_condition(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    p.volume_confirmation = 0;
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s;
    exits_init(&s, &plan);
    struct exits_bar b = bar(10000, 10010, 9990, 10000);
    b.atr = 1000;
    b.atr_median = (double)NAN;
    b.spread = (double)NAN;
    for (int i = 0; i < 3; i++)
        assert_int_equal(closed(&s, &plan, b).close, EXITS_NONE);
    b.spread = 100;
    b.spread_median = 0.0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(closed(&s, &plan, b).close, EXITS_NONE);
    b.opposite = EXITS_OPPOSITE_SEEN; /* counts without volume here */
    (void)closed(&s, &plan, b);
    assert_int_equal(closed(&s, &plan, b).close, EXITS_STRUCTURE);
}

static void tightens(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    p.rules[EXITS_ON_NEWS].action = EXITS_TIGHTEN;
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e);
    struct exits_state s;
    exits_init(&s, &plan);
    assert_int_equal(closed(&s, &plan, with(EXITS_ON_NEWS, false)).stop, 0);
    struct exits_decision d = closed(&s, &plan, with(EXITS_ON_NEWS, false));
    assert_int_equal(d.stop, 9975); /* half of 50 below 10000 */
    assert_int_equal(d.close, EXITS_NONE);
    struct exits_bar lower = with(EXITS_ON_NEWS, false);
    lower.low = lower.close = 9980;
    assert_int_equal(closed(&s, &plan, lower).stop, 0); /* 9955: not away from the price */
    assert_int_equal(s.stop, 9975);
    assert_int_equal(exits_stop_reason(&s, false), EXITS_TRAIL);
}

/* --- against a recomputation ----------------------------------------------------------------------------------------------------------- */

/* quant.md's own steps, in twelfths of a unit and without the module: longs only, shorts by negated prices. */
struct naive_fill { int bar; int64_t price12; int sixths; enum exits_reason reason; };
struct naive { struct naive_fill fills[4]; int count, left; };

static void naive_fill(struct naive *n, int bar_number, int64_t price12, int sixths, enum exits_reason reason)
{
    n->fills[n->count++] = (struct naive_fill){bar_number, price12, sixths, reason};
    n->left -= sixths;
}

static void naive_run(struct naive *n, int sign, int64_t entry, int64_t stop0, const struct exits_bar *bars, int count, int limit, bool optimistic)
{
    int64_t e = 12 * sign * entry, stop = 12 * sign * stop0, r = e - stop, target = e + r * 5 / 2, hi = e;
    int64_t level[2] = {e + r, e + r * 7 / 4};
    int next = 0;
    bool armed = false;
    *n = (struct naive){.left = 6};
    for (int i = 0; i < count; i++) {
        const struct exits_bar *b = &bars[i];
        int64_t o = 12 * sign * b->open, h = 12 * (sign > 0 ? b->high : -b->low), l = 12 * (sign > 0 ? b->low : -b->high), c = 12 * sign * b->close;
        if (o <= stop) { naive_fill(n, i, o, n->left, armed ? EXITS_TRAIL_GAP : EXITS_STOP_GAP); return; }
        if (i >= limit) { naive_fill(n, i, o, n->left, EXITS_TIME); return; }
        for (; next < 2 && o >= level[next]; next++) naive_fill(n, i, o, 2, EXITS_SCALE);
        if (o >= target) { naive_fill(n, i, o, n->left, EXITS_TARGET_GAP); return; }
        for (int turn = 0; turn < 2; turn++) {
            if ((turn == 0) != optimistic) {
                if (l <= stop) { naive_fill(n, i, stop, n->left, armed ? EXITS_TRAIL : EXITS_STOP); return; }
            } else {
                for (; next < 2 && h >= level[next]; next++) naive_fill(n, i, level[next], 2, EXITS_SCALE);
                if (h >= target) { naive_fill(n, i, target, n->left, EXITS_TARGET); return; }
            }
        }
        hi = h > hi ? h : hi;
        armed |= hi >= e + r * 5 / 4;
        if (armed) {
            int64_t wanted = hi - 24 * (int64_t)b->atr;
            wanted = wanted > stop ? wanted : stop;
            wanted = wanted > e ? wanted : e;
            stop = wanted > c ? c : wanted;
        }
    }
    naive_fill(n, count - 1, 12 * sign * bars[count - 1].close, n->left, EXITS_END);
}

#define WALK_BARS 40
/* In units of 12, so that both see whole numbers. */
static void walk(struct exits_bar *bars, uint64_t *seed, int64_t start, int drift)
{
    int64_t price = start;
    for (int i = 0; i < WALK_BARS; i++) {
        int64_t open = i == 0 ? start : price + (draw(seed, 7) ? between(seed, -8, 8) : between(seed, -90, 90));
        int64_t high = open, low = open, close = open;
        for (int k = 0; k < 12; k++) {
            close += between(seed, -22, 22) + drift;
            high = close > high ? close : high;
            low = close < low ? close : low;
        }
        bars[i] = (struct exits_bar){.open = open, .high = high, .low = low, .close = close, .elapsed_ns = i * HOUR_NS,
                                     .atr = (double)between(seed, 5, 70), .atr_median = NAN, .spread = NAN, .spread_median = NAN};
        price = close;
    }
}

static void scale(struct exits_bar *bars, int64_t by)
{
    for (int i = 0; i < WALK_BARS; i++) {
        bars[i].open *= by;
        bars[i].high *= by;
        bars[i].low *= by;
        bars[i].close *= by;
        bars[i].atr *= (double)by;
    }
}

static void agrees_with_a_recomputation(void **unused)
{
    (void)unused;
    unsigned seen[EXITS_REASON_COUNT] = {0}, ambiguous = 0;
    for (uint64_t number = 0; number < 20000; number++) {
        uint64_t seed = hash_mix64(number + 77);
        struct exits_bar bars[WALK_BARS];
        int sign = number % 2 ? 1 : -1, limit = (int)between(&seed, 1, 45), count = (int)between(&seed, 5, WALK_BARS);
        int64_t entry = 100000, risk = 4 * between(&seed, 15, 40);
        walk(bars, &seed, entry, (int)between(&seed, -4, 4));
        for (int optimistic = 0; optimistic < 2; optimistic++) {
            struct naive naive;
            naive_run(&naive, sign, entry, entry - sign * risk, bars, count, limit, optimistic != 0);
            struct exits_bar scaled[WALK_BARS];
            memcpy(scaled, bars, sizeof bars);
            scale(scaled, 12);
            struct exits_parameters p = defaults();
            p.time_limit_ns = limit * HOUR_NS;
            struct exits_entry e = {.side = sign > 0 ? SIDE_BUY : SIDE_SELL, .price = 12 * entry, .stop = 12 * (entry - sign * risk), .tick = 1,
                                    .lots = 6, .lot_step = 1, .lot_min = 1};
            struct exits_plan plan = planned(&p, &e);
            struct exits_run run;
            exits_run_init(&run, &plan, optimistic != 0);
            for (int i = 0; i < count && exits_run_bar(&run, &scaled[i]); i++)
                assert_true(exits_restorable(&plan, &run.state));
            exits_run_end(&run, scaled[count - 1].close);
            assert_int_equal(run.fill_count, naive.count);
            assert_int_equal(run.state.lots, 0);
            for (int i = 0; i < naive.count; i++) {
                assert_int_equal(run.fills[i].bar, naive.fills[i].bar);
                assert_int_equal(run.fills[i].reason, naive.fills[i].reason);
                assert_int_equal(run.fills[i].price, sign * naive.fills[i].price12);
                assert_int_equal(run.fills[i].lots, naive.fills[i].sixths);
                seen[run.fills[i].reason]++;
            }
            ambiguous += run.ambiguous;
        }
    }
    print_message("%u ends of data, %u ambiguous bars\n", seen[EXITS_END], ambiguous);
    for (unsigned reason = EXITS_STOP; reason <= EXITS_TIME; reason++)
        assert_true(seen[reason] > 20);
    assert_true(seen[EXITS_END] > 20 && ambiguous > 100);
}

/* Whatever bars, parameters and orders of fills: the stop only goes one way and never beyond a close, lots add up, optimistic is
 * not worse where nothing trails, and the state stays one that can be restored. */
static void keeps_its_promises(void **unused)
{
    (void)unused;
    for (uint64_t number = 0; number < 20000; number++) {
        uint64_t seed = hash_mix64(number + 4711);
        struct exits_bar bars[WALK_BARS];
        walk(bars, &seed, 100000, (int)between(&seed, -4, 4));
        struct exits_parameters p = defaults();
        p.min_reward_risk = 0;
        p.trail = (uint32_t)draw(&seed, 2);
        p.break_even = (uint32_t)draw(&seed, 2);
        p.rung_count = (uint32_t)draw(&seed, 3);
        for (int i = 0; i < EXITS_CONDITION_COUNT; i++)
            p.rules[i].action = (uint32_t)draw(&seed, 3);
        int sign = draw(&seed, 2) ? 1 : -1;
        struct exits_entry e = {.side = sign > 0 ? SIDE_BUY : SIDE_SELL, .price = 100000, .stop = 100000 - sign * between(&seed, 30, 200),
                                .tick = between(&seed, 1, 5), .lots = between(&seed, 1, 50), .lot_step = between(&seed, 1, 3), .lot_min = between(&seed, 1, 6)};
        struct exits_plan plan;
        if (exits_plan_make(&p, &e, &plan) != EXITS_GRANTED)
            continue;
        int64_t lots = 0;
        for (uint32_t i = 0; i < plan.leg_count; i++) {
            lots += plan.legs[i].lots;
            assert_true(plan.leg_count == 1 || plan.legs[i].lots >= e.lot_min);
            assert_true(i + 1 == plan.leg_count || plan.legs[i].lots % e.lot_step == 0);
        }
        assert_int_equal(lots, e.lots);
        struct exits_run runs[2];
        exits_run_init(&runs[0], &plan, false);
        exits_run_init(&runs[1], &plan, true);
        for (int i = 0; i < WALK_BARS; i++) {
            bars[i].news = draw(&seed, 8) == 0;
            for (int k = 0; k < 2; k++) {
                int64_t before = runs[k].state.stop;
                bool open = exits_run_bar(&runs[k], &bars[i]);
                assert_true(sign * (runs[k].state.stop - before) >= 0);
                if (open && runs[k].state.stop != before)
                    assert_true(sign * (bars[i].close - runs[k].state.stop) >= 0);
                assert_true(exits_restorable(&plan, &runs[k].state));
            }
        }
        for (int k = 0; k < 2; k++) {
            exits_run_end(&runs[k], bars[WALK_BARS - 1].close);
            lots = 0;
            for (uint32_t i = 0; i < runs[k].fill_count; i++)
                lots += runs[k].fills[i].lots;
            assert_int_equal(lots, e.lots);
        }
        if (!p.trail && p.rules[EXITS_ON_NEWS].action != EXITS_TIGHTEN)
            assert_true(exits_run_r(&runs[1]) >= exits_run_r(&runs[0]));
    }
}

/* --- bytes ------------------------------------------------------------------------------------------------------------------------------ */

static void equal_histories_give_equal_bytes(void **unused)
{
    (void)unused;
    struct exits_parameters p;
    memset(&p, 0xff, sizeof p);
    exits_parameters_default(&p);
    struct exits_entry e = buy();
    struct exits_plan a, b;
    memset(&a, 0xa5, sizeof a);
    memset(&b, 0x5a, sizeof b);
    (void)exits_plan_make(&p, &e, &a);
    (void)exits_plan_make(&p, &e, &b);
    assert_memory_equal(&a, &b, sizeof a);
    struct exits_state s, t;
    memset(&s, 0xa5, sizeof s);
    memset(&t, 0x5a, sizeof t);
    exits_init(&s, &a);
    exits_init(&t, &b);
    assert_memory_equal(&s, &t, sizeof s);
}

static void refuses_hostile_bytes(void **unused)
{
    (void)unused;
    struct exits_parameters p = defaults();
    struct exits_entry e = buy();
    struct exits_plan plan = planned(&p, &e), bad_plan;
    struct exits_state good, bad;
    exits_init(&good, &plan);
    assert_true(exits_restorable(&plan, &good));
#define HOSTILE(change) \
    do { \
        bad = good; \
        bad_plan = plan; \
        change; \
        assert_false(exits_restorable(&bad_plan, &bad)); \
    } while (0)
    HOSTILE(bad.version++);
    HOSTILE(bad.armed = 2);
    HOSTILE(bad.closing = EXITS_REASON_COUNT);
    HOSTILE(bad.leg = 3);
    HOSTILE(bad.leg = 1);
    HOSTILE(bad.leg_lots = 4);
    HOSTILE(bad.lots = 8);
    HOSTILE(bad.lots = -1);
    HOSTILE(bad.stop = 9899); /* wider than it began */
    HOSTILE(bad.stop = 0);
    HOSTILE(bad.best = 9999);
    HOSTILE(bad_plan.version = 0);
    HOSTILE(bad_plan.leg_count = EXITS_LEGS_MAX + 1);
    HOSTILE(bad_plan.leg_count = 0);
    HOSTILE(bad_plan.side = 3);
    HOSTILE(bad_plan.tick = 0);
    HOSTILE(bad_plan.risk = 99);
    HOSTILE(bad_plan.legs[1].price = 10100);
    HOSTILE(bad_plan.legs[1].lots = INT64_MAX);
    HOSTILE(bad_plan.legs[2].price = 10251);
    HOSTILE(bad_plan.parameters.trail_atr = (double)NAN);
    /* Random damage: whatever is taken can be gone on from without a fault. */
    for (uint64_t number = 0; number < 200000; number++) {
        uint64_t seed = hash_mix64(number);
        bad = good;
        bad_plan = plan;
        for (uint64_t changes = draw(&seed, 3) + 1; changes > 0; changes--) {
            if (draw(&seed, 2))
                ((unsigned char *)&bad)[draw(&seed, sizeof bad)] ^= (unsigned char)(1u << draw(&seed, 8));
            else
                ((unsigned char *)&bad_plan)[draw(&seed, sizeof bad_plan)] ^= (unsigned char)(1u << draw(&seed, 8));
        }
        if (!exits_restorable(&bad_plan, &bad))
            continue;
        struct exits_decision d = closed(&bad, &bad_plan, bar(10000, 10180, 9950, 10100));
        assert_true(d.lots <= bad.lots);
        (void)exits_due(&bad, &bad_plan, (int64_t)draw(&seed, UINT64_MAX));
        if (bad.lots > 0)
            (void)exits_on_fill(&bad, &bad_plan, 1);
        assert_true(exits_restorable(&bad_plan, &bad));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_default_ladder),
        cmocka_unit_test(splits_lots),
        cmocka_unit_test(drops_rungs_beyond_the_target),
        cmocka_unit_test(refuses_a_small_reward),
        cmocka_unit_test(refuses_what_is_no_plan),
        cmocka_unit_test(strong_patterns_go_further),
        cmocka_unit_test(rounds_to_ticks),
        cmocka_unit_test(checks_parameters),
        cmocka_unit_test(trails_from_half_the_way),
        cmocka_unit_test(breaks_even),
        cmocka_unit_test(trails_on_ticks),
        cmocka_unit_test(asks_for_what_did_not_fill),
        cmocka_unit_test(a_moved_stop_acts_from_the_next_bar),
        cmocka_unit_test(tells_where_the_order_decides),
        cmocka_unit_test(passes_over_what_is_no_bar),
        cmocka_unit_test(stops_after_a_day_of_open_market),
        cmocka_unit_test(is_due),
        cmocka_unit_test(two_closes_in_a_row),
        cmocka_unit_test(undefined_is_no_condition),
        cmocka_unit_test(tightens),
        cmocka_unit_test(agrees_with_a_recomputation),
        cmocka_unit_test(keeps_its_promises),
        cmocka_unit_test(equal_histories_give_equal_bytes),
        cmocka_unit_test(refuses_hostile_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
