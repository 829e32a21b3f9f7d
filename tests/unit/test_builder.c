/* builder: intervals across clock changes, bars known at their nominal close, nothing half, nothing doubled. */
#include "workers/feed/builder.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/feed_support.h"

#define ALL ((1u << TIMEFRAME_COUNT) - 1)
#define T0 (SUPPORT_MONDAY_S * SUPPORT_S)

static struct builder make(uint32_t zone, int32_t day_start_s, bool quotes, enum market_timeframe base)
{
    struct builder builder;
    const struct builder_setup setup = {.zone = &support_config(1)->zones[zone], .day_start_s = day_start_s,
                                        .timeframes = ALL, .quotes = quotes, .base = base, .instrument = 3,
                                        .flags = MARKET_SIMULATED};
    builder_init(&builder, &setup);
    return builder;
}

static struct feed_item bar(int64_t open_ns, int64_t length_ns, dec_t price)
{
    struct feed_item item = {.record = {.time_ns = open_ns + length_ns, .kind = MARKET_BAR, .spread_ticks = 7},
                             .open_ns = open_ns};
    item.record.u.bar.open = price;
    item.record.u.bar.high = price + 5;
    item.record.u.bar.low = price - 5;
    item.record.u.bar.close = price + 1;
    item.record.u.bar.volume = DEC_ONE;
    return item;
}

static int64_t utc(int year, int month, int day, int hour)
{
    return (tz_days_from_civil(year, month, day) * 24 + hour) * SUPPORT_HOUR_NS;
}

static void check_interval(struct builder *b, enum market_timeframe tf, int64_t at, int64_t open, int64_t close)
{
    int64_t open_ns, close_ns;
    builder_interval(b, tf, at, &open_ns, &close_ns);
    assert_int_equal(open_ns, open);
    assert_int_equal(close_ns, close);
}

static void days_follow_the_clock_changes(void **state)
{
    (void)state;
    struct builder b = make(SUPPORT_NEW_YORK, 17 * 3600, false, TIMEFRAME_H1);
    /* 2024-03-10 02:00 New York: 23 hours from Saturday 17:00 EST (22:00 UTC) to Sunday 17:00 EDT (21:00 UTC). */
    check_interval(&b, TIMEFRAME_D1, utc(2024, 3, 10, 12), utc(2024, 3, 9, 22), utc(2024, 3, 10, 21));
    check_interval(&b, TIMEFRAME_D1, utc(2024, 3, 10, 21), utc(2024, 3, 10, 21), utc(2024, 3, 11, 21));
    check_interval(&b, TIMEFRAME_H4, utc(2024, 3, 10, 20), utc(2024, 3, 10, 18), utc(2024, 3, 10, 21)); /* three hours */
    check_interval(&b, TIMEFRAME_H4, utc(2024, 3, 11, 0), utc(2024, 3, 10, 21), utc(2024, 3, 11, 1));
    /* 2024-11-03: 25 hours, of which the last is a bar of its own. */
    check_interval(&b, TIMEFRAME_D1, utc(2024, 11, 3, 12), utc(2024, 11, 2, 21), utc(2024, 11, 3, 22));
    check_interval(&b, TIMEFRAME_H4, utc(2024, 11, 3, 20), utc(2024, 11, 3, 17), utc(2024, 11, 3, 21));
    check_interval(&b, TIMEFRAME_H4, utc(2024, 11, 3, 21), utc(2024, 11, 3, 21), utc(2024, 11, 3, 22));
    struct builder p = make(SUPPORT_PRAGUE, 0, false, TIMEFRAME_H1);
    check_interval(&p, TIMEFRAME_D1, utc(2024, 7, 1, 12), utc(2024, 6, 30, 22), utc(2024, 7, 1, 22));
    check_interval(&p, TIMEFRAME_H1, utc(2024, 7, 1, 12) + 1, utc(2024, 7, 1, 12), utc(2024, 7, 1, 13));
}

static void a_bar_is_known_at_its_nominal_close(void **state)
{
    (void)state;
    struct builder b = make(SUPPORT_UTC, 0, false, TIMEFRAME_M1);
    struct feed_item items[TIMEFRAME_COUNT];
    for (int i = 0; i < 3; i++) { /* minutes 0, 1, 2; then silence */
        struct feed_item item = bar(T0 + i * SUPPORT_MINUTE_NS, SUPPORT_MINUTE_NS, 1000 + i);
        builder_add_bar(&b, &item);
        assert_int_equal(builder_close(&b, item.record.time_ns, items), 0);
    }
    assert_int_equal(b.due_ns, T0 + 5 * SUPPORT_MINUTE_NS);
    assert_int_equal(builder_close(&b, b.due_ns, items), 1u << TIMEFRAME_M5);
    const struct market_record *r = &items[TIMEFRAME_M5].record;
    assert_int_equal(r->time_ns, T0 + 5 * SUPPORT_MINUTE_NS);
    assert_int_equal(items[TIMEFRAME_M5].open_ns, T0);
    assert_int_equal(r->u.bar.open, 1000);
    assert_int_equal(r->u.bar.high, 1007);
    assert_int_equal(r->u.bar.low, 995);
    assert_int_equal(r->u.bar.close, 1003);
    assert_int_equal(r->u.bar.volume, 3 * DEC_ONE);
    assert_int_equal(r->spread_ticks, 7);
    assert_int_equal(r->instrument, 3);
    assert_int_equal(r->flags, MARKET_SIMULATED);
    assert_int_equal(r->kind, MARKET_BAR);
    /* The next five minutes are empty: no bar, and M15 is what is due. */
    assert_int_equal(b.due_ns, T0 + 15 * SUPPORT_MINUTE_NS);
    assert_int_equal(builder_close(&b, b.due_ns, items), 1u << TIMEFRAME_M15);
    assert_int_equal(b.due_ns, T0 + SUPPORT_HOUR_NS);
    assert_int_equal(builder_close(&b, b.due_ns, items), 1u << TIMEFRAME_H1);
    assert_int_equal(builder_close(&b, b.due_ns, items), 1u << TIMEFRAME_H4);
    assert_int_equal(b.due_ns, T0 + 24 * SUPPORT_HOUR_NS);
    assert_int_equal(builder_close(&b, b.due_ns, items), 1u << TIMEFRAME_D1);
    assert_int_equal(b.due_ns, BUILDER_NEVER);
}

static void first_interval_that_was_not_seen_whole_is_left_out(void **state)
{
    (void)state;
    struct builder b = make(SUPPORT_UTC, 0, false, TIMEFRAME_M1);
    struct feed_item items[TIMEFRAME_COUNT];
    uint32_t seen[TIMEFRAME_COUNT] = {0};
    for (int i = 2; i < 180; i++) { /* from 00:02 on */
        struct feed_item item = bar(T0 + i * SUPPORT_MINUTE_NS, SUPPORT_MINUTE_NS, 1000);
        builder_add_bar(&b, &item);
        for (uint32_t closed = builder_close(&b, item.record.time_ns, items); closed; closed &= closed - 1)
            seen[__builtin_ctz(closed)]++;
    }
    assert_int_equal(seen[TIMEFRAME_M5], 35);
    assert_int_equal(seen[TIMEFRAME_M15], 11);
    assert_int_equal(seen[TIMEFRAME_H1], 2);
    assert_int_equal(seen[TIMEFRAME_H4], 0);
}

static void quotes_make_minutes_and_the_boundary_is_the_next_ones(void **state)
{
    (void)state;
    struct builder b = make(SUPPORT_UTC, 0, true, TIMEFRAME_M1);
    struct feed_item items[TIMEFRAME_COUNT];
    builder_add_quote(&b, T0, 1000, 4);
    builder_add_quote(&b, T0 + 30 * SUPPORT_S, 1010, 5);
    builder_add_quote(&b, T0 + 60 * SUPPORT_S - 1, 990, 6);
    assert_int_equal(b.due_ns, T0 + SUPPORT_MINUTE_NS);
    assert_int_equal(builder_close(&b, b.due_ns, items), 1u << TIMEFRAME_M1);
    builder_add_quote(&b, T0 + 60 * SUPPORT_S, 2000, 9); /* on the boundary: the next minute's */
    const struct market_record *r = &items[TIMEFRAME_M1].record;
    assert_int_equal(r->u.bar.open, 1000);
    assert_int_equal(r->u.bar.high, 1010);
    assert_int_equal(r->u.bar.low, 990);
    assert_int_equal(r->u.bar.close, 990);
    assert_int_equal(r->u.bar.volume, 3 * DEC_ONE);
    assert_int_equal(r->spread_ticks, 6);
    assert_int_equal(builder_close(&b, T0 + 2 * SUPPORT_MINUTE_NS, items), 1u << TIMEFRAME_M1);
    assert_int_equal(builder_close(&b, T0 + 5 * SUPPORT_MINUTE_NS, items), 1u << TIMEFRAME_M5);
    assert_int_equal(items[TIMEFRAME_M5].record.u.bar.high, 2000);
    assert_int_equal(items[TIMEFRAME_M5].record.u.bar.volume, 4 * DEC_ONE);
}

/* A minute whose beginning was not seen makes no higher bar that begins with it. */
static void half_a_minute_is_half_an_hour_too(void **state)
{
    (void)state;
    struct builder b = make(SUPPORT_UTC, 0, true, TIMEFRAME_M1);
    struct feed_item items[TIMEFRAME_COUNT];
    builder_add_quote(&b, T0 + 1, 1000, 4);
    assert_int_equal(builder_close(&b, T0 + SUPPORT_MINUTE_NS, items), 0);
    assert_int_equal(builder_close(&b, T0 + 5 * SUPPORT_MINUTE_NS, items), 0);
    builder_add_quote(&b, T0 + 5 * SUPPORT_MINUTE_NS, 1000, 4);
    assert_int_equal(builder_close(&b, T0 + 6 * SUPPORT_MINUTE_NS, items), 1u << TIMEFRAME_M1);
    assert_int_equal(builder_close(&b, T0 + 10 * SUPPORT_MINUTE_NS, items), 1u << TIMEFRAME_M5);
    assert_int_equal(builder_close(&b, T0 + 15 * SUPPORT_MINUTE_NS, items), 0);
}

static void gaps_are_marked_in_each_series(void **state)
{
    (void)state;
    struct builder b = make(SUPPORT_UTC, 0, false, TIMEFRAME_M15);
    struct feed_item items[TIMEFRAME_COUNT];
    const int64_t quarter = 15 * SUPPORT_MINUTE_NS;
    const int opens[] = {0, 1, 2, 3, 4, 12, 13, 14, 15, 16}; /* nothing from 01:15 to 03:00 */
    unsigned h1 = 0;
    for (unsigned i = 0; i < 10; i++) {
        struct feed_item item = bar(T0 + opens[i] * quarter, quarter, 1000);
        while (b.due_ns < item.record.time_ns)
            if (builder_close(&b, b.due_ns, items) >> TIMEFRAME_H1 & 1)
                assert_int_equal(items[TIMEFRAME_H1].record.flags & MARKET_AFTER_GAP, 0), h1++;
        builder_add_bar(&b, &item);
        if (b.due_ns == item.record.time_ns && (builder_close(&b, b.due_ns, items) >> TIMEFRAME_H1 & 1)) {
            bool gap = items[TIMEFRAME_H1].record.flags & MARKET_AFTER_GAP;
            assert_int_equal(gap, false); /* 02:00 to 03:00 is an hour: not more */
            h1++;
        }
    }
    assert_int_equal(h1, 3);
    struct feed_item item = bar(T0 + 28 * quarter, quarter, 1000); /* 07:00, two hours after the bar of 04:00 closed */
    while (b.due_ns < item.record.time_ns)
        (void)builder_close(&b, b.due_ns, items);
    builder_add_bar(&b, &item);
    uint32_t closed = builder_close(&b, T0 + 32 * quarter, items);
    assert_int_equal(closed, 1u << TIMEFRAME_H1 | 1u << TIMEFRAME_H4);
    assert_true(items[TIMEFRAME_H1].record.flags & MARKET_AFTER_GAP);
}

/* Random base bars against a plain recomputation over all of them. */
static void random_bars_agree_with_a_plain_computation(void **state)
{
    (void)state;
    enum { COUNT = 6000 };
    static struct feed_item all[COUNT], built[TIMEFRAME_COUNT][COUNT];
    unsigned counts[TIMEFRAME_COUNT] = {0};
    struct builder b = make(SUPPORT_NEW_YORK, 17 * 3600, false, TIMEFRAME_M1);
    int64_t open_ns = utc(2024, 3, 8, 22);
    for (int i = 0; i < COUNT; i++) {
        uint64_t h = hash_mix64((uint64_t)i);
        all[i] = bar(open_ns, SUPPORT_MINUTE_NS, 100000 + (dec_t)(h % 1000));
        open_ns += (int64_t)(h % 50 == 0 ? 1 + h % 400 : 1) * SUPPORT_MINUTE_NS;
        struct feed_item items[TIMEFRAME_COUNT];
        while (b.due_ns < all[i].record.time_ns) {
            for (uint32_t c = builder_close(&b, b.due_ns, items); c; c &= c - 1)
                built[__builtin_ctz(c)][counts[__builtin_ctz(c)]++] = items[__builtin_ctz(c)];
        }
        builder_add_bar(&b, &all[i]);
        for (uint32_t c = builder_close(&b, all[i].record.time_ns, items); c; c &= c - 1)
            built[__builtin_ctz(c)][counts[__builtin_ctz(c)]++] = items[__builtin_ctz(c)];
    }
    for (unsigned tf = TIMEFRAME_M5; tf < TIMEFRAME_COUNT; tf++) {
        unsigned at = 0;
        for (int i = 0; i < COUNT;) {
            int64_t from, to;
            builder_interval(&b, (enum market_timeframe)tf, all[i].open_ns, &from, &to);
            struct feed_item want = all[i];
            int k = i;
            for (; k < COUNT && all[k].open_ns < to; k++) {
                if (k > i)
                    want.record.u.bar.volume += all[k].record.u.bar.volume;
                want.record.u.bar.high = dec_max(want.record.u.bar.high, all[k].record.u.bar.high);
                want.record.u.bar.low = dec_min(want.record.u.bar.low, all[k].record.u.bar.low);
                want.record.u.bar.close = all[k].record.u.bar.close;
            }
            if (k == COUNT && all[k - 1].record.time_ns < to)
                break; /* the last one is still open */
            assert_true(at < counts[tf]);
            assert_int_equal(built[tf][at].open_ns, from);
            assert_int_equal(built[tf][at].record.time_ns, to);
            assert_memory_equal(&built[tf][at].record.u, &want.record.u, sizeof want.record.u);
            at++;
            i = k;
        }
        assert_int_equal(at, counts[tf]);
    }
}

static void volumes_stop_at_the_largest_number(void **state)
{
    (void)state;
    struct builder b = make(SUPPORT_UTC, 0, false, TIMEFRAME_M1);
    struct feed_item items[TIMEFRAME_COUNT];
    for (int i = 0; i < 5; i++) {
        struct feed_item item = bar(T0 + i * SUPPORT_MINUTE_NS, SUPPORT_MINUTE_NS, 1000);
        item.record.u.bar.volume = DEC_MAX / 2;
        builder_add_bar(&b, &item);
        if (i == 4)
            assert_int_equal(builder_close(&b, item.record.time_ns, items), 1u << TIMEFRAME_M5);
    }
    assert_int_equal(items[TIMEFRAME_M5].record.u.bar.volume, DEC_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_follow_the_clock_changes),
        cmocka_unit_test(a_bar_is_known_at_its_nominal_close),
        cmocka_unit_test(first_interval_that_was_not_seen_whole_is_left_out),
        cmocka_unit_test(quotes_make_minutes_and_the_boundary_is_the_next_ones),
        cmocka_unit_test(half_a_minute_is_half_an_hour_too),
        cmocka_unit_test(gaps_are_marked_in_each_series),
        cmocka_unit_test(random_bars_agree_with_a_plain_computation),
        cmocka_unit_test(volumes_stop_at_the_largest_number),
    };
    return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
