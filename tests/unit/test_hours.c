/* Market hours: known weeks by hand, and every answer against a scan minute by minute with a second definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/hours.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS INT64_C(1000000000)
#define MINUTE (60 * NS)
#define HOUR (3600 * NS)
#define DAY (24 * HOUR)

static struct tz_table new_york, utc, london;

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    if (tz_load("America/New_York", &new_york, &err) || tz_load("UTC", &utc, &err) || tz_load("Europe/London", &london, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return 0;
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return tz_days_from_civil(year, month, day) * DAY + hour * HOUR + minute * MINUTE;
}

static struct hours fx(void)
{
    return (struct hours){.zone = &new_york, .open_s = 17 * 3600, .close_s = 17 * 3600, .closed_weekend = true};
}

static struct hours index_hours(void)
{
    return (struct hours){.zone = &new_york, .open_s = 18 * 3600, .close_s = 17 * 3600, .closed_weekend = true};
}

static void expect_close(const struct hours *hours, const struct hours_closures *closures, int64_t t_ns, int64_t from_ns, int64_t to_ns)
{
    struct hours_close close;
    assert_true(hours_next_close(hours, closures, t_ns, &close));
    assert_int_equal(close.from_ns, from_ns);
    assert_int_equal(close.to_ns, to_ns);
}

static void test_fx_week(void **state)
{
    (void)state;
    struct hours hours = fx();
    /* Friday 2026-06-05 17:00 in New York is 21:00 UTC in summer, and Sunday's opening too: 48 hours. */
    int64_t close = at(2026, 6, 5, 21, 0), open = at(2026, 6, 7, 21, 0);
    assert_true(hours_open_at(&hours, NULL, close - 1));
    assert_false(hours_open_at(&hours, NULL, close));
    assert_false(hours_open_at(&hours, NULL, open - 1));
    assert_true(hours_open_at(&hours, NULL, open));
    expect_close(&hours, NULL, at(2026, 6, 3, 12, 0), close, open);
    expect_close(&hours, NULL, close - 1, close, open);
    expect_close(&hours, NULL, close, close, open); /* going on */
    expect_close(&hours, NULL, open - 1, close, open);
    expect_close(&hours, NULL, open, at(2026, 6, 12, 21, 0), at(2026, 6, 14, 21, 0));
}

/* Against a sum minute by minute. */
static void test_open_time(void **state)
{
    (void)state;
    struct hours weeks[] = {fx(), index_hours(), {.zone = &utc}};
    struct hours_closure holidays[] = {{at(2026, 6, 4, 3, 0), at(2026, 6, 4, 9, 0), 1, 0}, {at(2026, 6, 5, 20, 0), at(2026, 6, 8, 2, 0), 1, 0}};
    struct hours_closures closures = {holidays, COUNT(holidays), 0};
    uint64_t seed = 5;
    for (unsigned i = 0; i < 300; i++) {
        const struct hours *hours = &weeks[i % COUNT(weeks)];
        const struct hours_closures *with = i % 2 ? &closures : NULL;
        seed = hash_mix64(seed);
        int64_t from = at(2026, 6, 1, 0, 0) + (int64_t)(seed % 10000) * MINUTE, to = from + (int64_t)(seed >> 32) % 10000 * MINUTE, open = 0;
        for (int64_t t = from; t < to; t += MINUTE)
            open += hours_open_at(hours, with, t) ? MINUTE : 0;
        assert_int_equal(hours_open_ns(hours, with, from, to), open);
        assert_int_equal(hours_open_ns(hours, with, to, from), to == from ? open : 0);
    }
}

static void test_weekend_over_a_clock_change(void **state)
{
    (void)state;
    struct hours hours = fx();
    /* Sunday 2026-03-08 02:00 becomes 03:00: 47 hours closed; Sunday 2026-11-01: 49. */
    expect_close(&hours, NULL, at(2026, 3, 5, 0, 0), at(2026, 3, 6, 22, 0), at(2026, 3, 8, 21, 0));
    expect_close(&hours, NULL, at(2026, 10, 29, 0, 0), at(2026, 10, 30, 21, 0), at(2026, 11, 1, 22, 0));
}

static void test_daily_break(void **state)
{
    (void)state;
    struct hours hours = index_hours();
    expect_close(&hours, NULL, at(2026, 6, 3, 12, 0), at(2026, 6, 3, 21, 0), at(2026, 6, 3, 22, 0));
    expect_close(&hours, NULL, at(2026, 6, 3, 22, 0), at(2026, 6, 4, 21, 0), at(2026, 6, 4, 22, 0));
    expect_close(&hours, NULL, at(2026, 6, 5, 20, 0), at(2026, 6, 5, 21, 0), at(2026, 6, 7, 22, 0)); /* Friday: to Sunday 18:00 */
}

/* A break that lies in the hour that is skipped is not there; in the hour that comes twice it lasts two. */
static void test_break_inside_a_clock_change(void **state)
{
    (void)state;
    struct hours hours = {.zone = &new_york, .close_s = 2 * 3600, .open_s = 3 * 3600};
    expect_close(&hours, NULL, at(2026, 3, 7, 12, 0), at(2026, 3, 9, 6, 0), at(2026, 3, 9, 7, 0));
    hours.close_s = 3600;
    hours.open_s = 2 * 3600;
    expect_close(&hours, NULL, at(2026, 10, 31, 12, 0), at(2026, 11, 1, 5, 0), at(2026, 11, 1, 7, 0));
    hours.close_s = 1800 + 3600; /* 01:30 to 01:45, twice, each a close of its own */
    hours.open_s = 2700 + 3600;
    expect_close(&hours, NULL, at(2026, 11, 1, 5, 0), at(2026, 11, 1, 5, 30), at(2026, 11, 1, 5, 45));
    expect_close(&hours, NULL, at(2026, 11, 1, 5, 45), at(2026, 11, 1, 6, 30), at(2026, 11, 1, 6, 45));
}

static void test_around_the_clock(void **state)
{
    (void)state;
    struct hours hours = {.zone = &utc};
    struct hours_close close;
    struct hours_closure list[] = {{at(2026, 5, 1, 0, 0), at(2026, 5, 2, 0, 0), 2, 0}, {at(2026, 7, 1, 0, 0), at(2026, 7, 2, 0, 0), 1, 0}};
    struct hours_closures closures = {list, 2, 0};
    assert_false(hours_next_close(&hours, NULL, at(2026, 1, 1, 0, 0), &close));
    assert_int_equal(close.from_ns, 0);
    expect_close(&hours, &closures, at(2026, 1, 1, 0, 0), list[1].from_ns, list[1].to_ns); /* the first is another instrument's */
    assert_false(hours_next_close(&hours, &closures, list[1].to_ns, &close));
    assert_true(hours_open_at(&hours, &closures, list[0].from_ns));
    closures.instrument = 1;
    assert_false(hours_open_at(&hours, &closures, list[0].from_ns));
}

static void test_holidays(void **state)
{
    (void)state;
    struct hours hours = fx();
    /* Christmas 2026 is a Friday: closed from Thursday 17:00 New York to Sunday 17:00, one close. */
    struct hours_closure list[] = {{at(2026, 12, 24, 22, 0), at(2026, 12, 25, 22, 0), 1, 0}};
    struct hours_closures closures = {list, 1, 0};
    expect_close(&hours, &closures, at(2026, 12, 23, 0, 0), at(2026, 12, 24, 22, 0), at(2026, 12, 27, 22, 0));
    expect_close(&hours, &closures, at(2026, 12, 26, 0, 0), at(2026, 12, 24, 22, 0), at(2026, 12, 27, 22, 0));
    /* Overlapping closures are one close. */
    struct hours_closure more[] = {{at(2026, 6, 2, 0, 0), at(2026, 6, 3, 0, 0), 1, 0}, {at(2026, 6, 2, 12, 0), at(2026, 6, 2, 13, 0), 1, 0},
                                   {at(2026, 6, 2, 23, 0), at(2026, 6, 3, 5, 0), 1, 0}};
    closures = (struct hours_closures){more, 3, 0};
    expect_close(&hours, &closures, at(2026, 6, 1, 0, 0), at(2026, 6, 2, 0, 0), at(2026, 6, 3, 5, 0));
    expect_close(&hours, &closures, at(2026, 6, 3, 0, 0), at(2026, 6, 2, 0, 0), at(2026, 6, 3, 5, 0));
}

/* Written a second time, from the text: a table of the week's seconds would be too large, so by cases. */
static bool naive_open(const struct hours *h, const struct hours_closures *c, int64_t t_ns)
{
    int64_t local = t_ns / NS + tz_offset_at(h->zone, t_ns);
    int second = (int)(local % 86400), weekday = tz_weekday(h->zone, t_ns), close = h->close_s ? h->close_s : 86400;
    bool closed = false;
    if (h->closed_weekend)
        closed = weekday == 6 || (weekday == 5 && second >= close) || (weekday == 0 && second < h->open_s);
    if (h->close_s < h->open_s)
        closed |= second >= h->close_s && second < h->open_s;
    else if (h->close_s > h->open_s)
        closed |= !(second >= h->open_s && second < h->close_s);
    for (uint32_t i = 0; i < c->count; i++)
        closed |= (c->list[i].instruments >> c->instrument & 1) && t_ns >= c->list[i].from_ns && t_ns < c->list[i].to_ns;
    return !closed;
}

static int by_from(const void *a, const void *b)
{
    const struct hours_closure *x = a, *y = b;
    return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

/* Six weeks around each clock change of 2026, hours and holidays drawn, all on whole quarters of an hour. */
static void test_against_a_scan(void **state)
{
    (void)state;
    enum { QUARTERS = 42 * 96, ROUNDS = 60 };
    static bool open[QUARTERS];
    const struct tz_table *const zones[] = {&new_york, &london, &utc};
    uint64_t seed = 20261125;
    for (int round = 0; round < ROUNDS; round++) {
#define DRAW(n) ((int64_t)((seed = hash_mix64(seed)) % (uint64_t)(n)))
        struct hours h = {.zone = zones[DRAW(3)], .open_s = (int32_t)DRAW(96) * 900, .closed_weekend = DRAW(2) != 0};
        h.close_s = DRAW(3) == 0 ? h.open_s : (int32_t)DRAW(96) * 900;
        int64_t start = round % 2 ? at(2026, 2, 20, 0, 0) : at(2026, 10, 10, 0, 0);
        struct hours_closure list[6];
        for (size_t i = 0; i < COUNT(list); i++) {
            list[i].from_ns = start + DRAW(QUARTERS) * 15 * MINUTE;
            list[i] = (struct hours_closure){list[i].from_ns, list[i].from_ns + (1 + DRAW(300)) * 15 * MINUTE, 1u << DRAW(2), 0};
        }
        qsort(list, COUNT(list), sizeof list[0], by_from);
        struct hours_closures c = {list, COUNT(list), 0};
        for (int i = 0; i < QUARTERS; i++) {
            int64_t t = start + i * 15 * MINUTE;
            open[i] = naive_open(&h, &c, t);
            assert_int_equal(hours_open_at(&h, &c, t), open[i]);
            assert_int_equal(hours_open_at(&h, &c, t + 15 * MINUTE - 1), open[i]);
        }
        for (int i = 800; i < QUARTERS - 1500; i += 1 + (int)DRAW(9)) {
            int from = i, to;
            while (open[from] && from < QUARTERS - 800)
                from++;
            while (!open[from] && from > 0 && !open[from - 1])
                from--;
            for (to = from > i ? from : i; to < QUARTERS && !open[to]; to++)
                continue;
            struct hours_close close;
            bool any = hours_next_close(&h, &c, start + i * 15 * MINUTE + DRAW(15 * MINUTE), &close);
            if (open[from]) { /* none found in what was scanned */
                assert_true(!any || close.from_ns >= start + from * 15 * MINUTE);
                continue;
            }
            if (!any || close.from_ns != start + from * 15 * MINUTE || close.to_ns != start + to * 15 * MINUTE)
                fail_msg("round %d quarter %d: %lld..%lld, not %d..%d", round, i, (long long)((close.from_ns - start) / 15 / MINUTE),
                         (long long)((close.to_ns - start) / 15 / MINUTE), from, to);
        }
    }
}

static void test_extremes(void **state)
{
    (void)state;
    struct hours hours = index_hours();
    struct hours_close close;
    struct hours_closure forever = {at(2026, 1, 1, 0, 0), INT64_MAX, 1, 0};
    struct hours_closures closures = {&forever, 1, 0};
    struct hours never = {.zone = &utc};
    assert_true(hours_next_close(&never, &closures, at(2025, 1, 1, 0, 0), &close));
    assert_int_equal(close.to_ns, INT64_MAX);
    assert_true(hours_next_close(&hours, &closures, at(2027, 1, 1, 0, 0), &close)); /* by the limit of steps */
    assert_int_equal(close.to_ns, INT64_MAX);
    for (int i = 0; i < 50; i++) {
        (void)hours_next_close(&hours, NULL, INT64_MAX - i * HOUR, &close);
        (void)hours_next_close(&hours, NULL, INT64_MIN + i * HOUR, &close);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fx_week),
        cmocka_unit_test(test_open_time),
        cmocka_unit_test(test_weekend_over_a_clock_change),
        cmocka_unit_test(test_daily_break),
        cmocka_unit_test(test_break_inside_a_clock_change),
        cmocka_unit_test(test_around_the_clock),
        cmocka_unit_test(test_holidays),
        cmocka_unit_test(test_against_a_scan),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests_name("hours", tests, setup, NULL);
}
