/* P4 to P6: windows by the second, over midnight and clock changes, with and without a calendar; hold times and shares
 * at equality; rolling counts, that may count too many but never too few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)
#define HOUR (3600 * NS)
#define MONEY(n) ((dec_t)((n)*DEC_ONE))
#define PERCENT (DEC_ONE / 100)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define EVENT (INT64_C(1780662600) * NS) /* 2026-06-05T12:30:00Z */

static struct tz_table zones[3]; /* 0 Prague, 1 Chicago, 2 New York */

static int setup(void **unused)
{
    (void)unused;
    struct error err = {0};
    return tz_load("Europe/Prague", &zones[0], &err) || tz_load("America/Chicago", &zones[1], &err) ||
           tz_load("America/New_York", &zones[2], &err);
}

/* Wall time in 2026. */
static int64_t at(uint32_t zone, int month, int day, int hour, int minute)
{
    return tz_local_to_utc(&zones[zone], tz_days_from_civil(2026, month, day), hour * 3600 + minute * 60);
}

static int64_t utc(int month, int day, int hour, int minute)
{
    return (tz_days_from_civil(2026, month, day) * 86400 + hour * 3600 + minute * 60) * NS;
}

/* --- news ---------------------------------------------------------------------------------------------------- */

static struct rules_event events[8];
static struct rules_calendar calendar;
static struct rules_context context;
static struct rules_span span;

static struct rules_window news(int32_t before_s, int32_t after_s)
{
    return (struct rules_window){.kind = RULES_NEWS,
                                 .forbids = RULES_OPEN | RULES_CLOSE | RULES_FILL,
                                 .instruments = 0xffff,
                                 .before_s = before_s,
                                 .after_s = after_s};
}

/* Events at these seconds from EVENT, of instrument 0 and importance 3; known a week on both sides. */
static void events_at(const int *offsets_s, uint32_t count)
{
    memset(events, 0, sizeof events);
    for (uint32_t i = 0; i < count; i++)
        events[i] = (struct rules_event){.time_ns = EVENT + offsets_s[i] * NS, .instruments = 1, .importance = 3};
    calendar = (struct rules_calendar){
        .events = events, .count = count, .valid_from_ns = EVENT - 168 * HOUR, .valid_to_ns = EVENT + 168 * HOUR};
    context = (struct rules_context){.zones = zones, .calendar = &calendar};
}

static bool forbids(const struct rules_window *rule, uint32_t actions, int64_t t_ns)
{
    return rules_window_forbids(rule, &context, 0, actions, t_ns, &span);
}

static void test_news_by_the_second(void **unused)
{
    (void)unused;
    events_at((const int[]){0}, 1);
    struct rules_window rule = news(120, 300);
    static const struct {
        int64_t from_event_ns;
        bool forbidden;
    } cases[] = {{-121 * NS, false}, {-120 * NS - 1, false}, {-120 * NS, true},     {-NS, true},
                 {0, true},          {300 * NS, true},       {300 * NS + 1, false}, {301 * NS, false}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint32_t action = RULES_OPEN; action <= RULES_CANCEL; action <<= 1) {
            bool expected = cases[i].forbidden && (rule.forbids & action);
            assert_int_equal(forbids(&rule, action, EVENT + cases[i].from_event_ns), expected);
            if (expected)
                assert_true(span.from_ns == EVENT - 120 * NS && span.to_ns == EVENT + 300 * NS);
        }
}

static void test_news_of_the_instrument_and_importance(void **unused)
{
    (void)unused;
    events_at((const int[]){0}, 1);
    struct rules_window rule = news(120, 120);
    assert_false(rules_window_forbids(&rule, &context, 1, RULES_OPEN, EVENT, &span)); /* the event is not about it */
    rule.instruments = 2;
    assert_false(forbids(&rule, RULES_OPEN, EVENT)); /* the rule is not about it */
    rule = news(120, 120);
    events[0].importance = 2;
    rule.importance = 2;
    assert_true(forbids(&rule, RULES_OPEN, EVENT));
    rule.importance = 3;
    assert_false(forbids(&rule, RULES_OPEN, EVENT));
}

/* Windows that touch are one: the first instant when the action is free again is after all of them. */
static void test_news_windows_that_touch_are_one(void **unused)
{
    (void)unused;
    events_at((const int[]){0, 240, 500, 10000}, 4);
    events[2].instruments = 2;
    struct rules_window rule = news(120, 120);
    assert_true(forbids(&rule, RULES_OPEN, EVENT + 100 * NS));
    assert_true(span.from_ns == EVENT - 120 * NS && span.to_ns == EVENT + 360 * NS);
    events[1].time_ns++; /* a nanosecond apart */
    assert_true(forbids(&rule, RULES_OPEN, EVENT + 100 * NS));
    assert_int_equal(span.to_ns, EVENT + 120 * NS);
    assert_false(forbids(&rule, RULES_OPEN, EVENT + 500 * NS));
}

static void test_no_calendar_is_closed_for_openings(void **unused)
{
    (void)unused;
    struct rules_window rule = news(120, 120);
    rule.forbids |= RULES_INCREASE | RULES_HOLD;
    events_at((const int[]){0}, 0);
    context.calendar = NULL;
    assert_true(forbids(&rule, RULES_OPEN, EVENT));
    assert_true(span.from_ns == EVENT && span.to_ns == INT64_MAX);
    assert_true(forbids(&rule, RULES_INCREASE, EVENT));
    assert_true(forbids(&rule, RULES_OPEN | RULES_CLOSE, EVENT));
    assert_false(forbids(&rule, RULES_CLOSE, EVENT)); /* what is unknown keeps nobody in */
    assert_false(forbids(&rule, RULES_FILL, EVENT));
    assert_false(forbids(&rule, RULES_HOLD, EVENT));
    assert_false(rules_window_forbids(&rule, &context, 0, RULES_CANCEL, EVENT, &span));
    rule.forbids = RULES_CLOSE; /* a rule that does not speak about openings needs no calendar */
    assert_false(forbids(&rule, RULES_OPEN, EVENT));
}

/* Known is t when every event that could hold it is. */
static void test_calendar_validity(void **unused)
{
    (void)unused;
    events_at((const int[]){0}, 0);
    struct rules_window rule = news(120, 300);
    assert_false(forbids(&rule, RULES_OPEN, calendar.valid_from_ns + 300 * NS));
    assert_true(forbids(&rule, RULES_OPEN, calendar.valid_from_ns + 300 * NS - 1));
    assert_false(forbids(&rule, RULES_OPEN, calendar.valid_to_ns - 120 * NS - 1));
    assert_true(forbids(&rule, RULES_OPEN, calendar.valid_to_ns - 120 * NS));
    assert_false(forbids(&rule, RULES_CLOSE, calendar.valid_to_ns));
}

static bool next(const struct rules_window *rule, uint32_t actions, int64_t now_ns)
{
    return rules_window_next(rule, &context, 0, actions, now_ns, &span);
}

static void test_next_news(void **unused)
{
    (void)unused;
    events_at((const int[]){0, 200, 7200}, 3);
    struct rules_window rule = news(120, 120);
    assert_true(next(&rule, RULES_OPEN, EVENT - 1000 * NS));
    assert_true(span.from_ns == EVENT - 120 * NS && span.to_ns == EVENT + 320 * NS);
    assert_true(next(&rule, RULES_OPEN, EVENT - 120 * NS)); /* it has begun: the one that begins later */
    assert_int_equal(span.from_ns, EVENT + 80 * NS);
    assert_true(next(&rule, RULES_CLOSE, EVENT + 200 * NS));
    assert_int_equal(span.from_ns, EVENT + 7080 * NS);
    assert_false(next(&rule, RULES_CLOSE, EVENT + 7080 * NS));
    assert_true(next(&rule, RULES_OPEN, EVENT + 7080 * NS)); /* the end of what is known */
    assert_true(span.from_ns == calendar.valid_to_ns - 120 * NS && span.to_ns == INT64_MAX);
    assert_false(next(&rule, RULES_OPEN, calendar.valid_to_ns));
    assert_false(next(&rule, RULES_HOLD, EVENT - 1000 * NS)); /* not forbidden */
    context.calendar = NULL;
    assert_false(next(&rule, RULES_CLOSE, EVENT - 1000 * NS));
}

/* Whatever the events: a time is forbidden just when one of the windows, each by itself, holds it; and the next window
 * is the first instant after that is forbidden and was not. */
static void test_news_against_each_event(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        int offsets[8], at_s = 0;
        uint32_t count = (uint32_t)(hash_mix64(seed) % 9);
        for (uint32_t i = 0; i < count; i++)
            offsets[i] = at_s += (int)(hash_combine(seed, i) % 40);
        events_at(offsets, count);
        struct rules_window rule =
            news((int32_t)(hash_combine(seed, 100) % 20), (int32_t)(hash_combine(seed, 101) % 20));
        for (int t = -45; t <= at_s + 45; t++) {
            bool inside = false;
            int64_t first = INT64_MAX;
            for (uint32_t i = 0; i < count; i++) {
                inside |= t >= offsets[i] - rule.before_s && t <= offsets[i] + rule.after_s;
                if (offsets[i] - rule.before_s > t && offsets[i] - rule.before_s < first)
                    first = offsets[i] - rule.before_s;
            }
            assert_int_equal(forbids(&rule, RULES_CLOSE, EVENT + t * NS), inside);
            if (inside)
                assert_true(span.from_ns <= EVENT + t * NS && span.to_ns >= EVENT + t * NS);
            assert_int_equal(next(&rule, RULES_CLOSE, EVENT + t * NS), first != INT64_MAX);
            if (first != INT64_MAX)
                assert_int_equal(span.from_ns, EVENT + first * NS);
        }
    }
}

static void test_positions_so_old_that_they_may_be_closed(void **unused)
{
    (void)unused;
    events_at((const int[]){0}, 1);
    struct rules_window rule = news(300, 300);
    assert_true(forbids(&rule, RULES_CLOSE, EVENT + 60 * NS));
    assert_false(rules_window_exempts(&rule, &span, EVENT - 100000 * NS)); /* none */
    rule.hold_if_opened_before_s = 5 * 3600;
    assert_true(rules_window_exempts(&rule, &span, EVENT - 5 * HOUR - 1));
    assert_false(rules_window_exempts(&rule, &span, EVENT - 5 * HOUR));
    assert_false(rules_window_exempts(&rule, &span, 0)); /* not told */
    rule.head.severity = RULES_TERMINATE;                /* FTMO: they may be held through, not closed inside */
    assert_false(rules_window_exempts(&rule, &span, EVENT - 10 * HOUR));
    rule.head.severity = RULES_VOID;
    rule.kind = RULES_MARKET_CLOSE;
    assert_false(rules_window_exempts(&rule, &span, EVENT - 10 * HOUR));
}

static void test_profit_that_does_not_count(void **unused)
{
    (void)unused;
    struct rules_window rule = news(300, 300);
    rule.hold_if_opened_before_s = 18000;
    static const struct {
        int opened_s, closed_s;
        bool counts;
    } cases[] = {{-18000, 0, false}, {-18001, 0, true}, {-60, -300, false}, {-400, -301, true},
                 {-60, 300, false},  {-60, 301, true},  {10, 20, false}};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(rules_news_profit_counts(&rule, cases[i].opened_s, cases[i].closed_s), cases[i].counts);
}

static void test_close_before_a_window(void **unused)
{
    (void)unused;
    assert_true(rules_close_before_window(MONEY(59), MONEY(60)));
    assert_false(rules_close_before_window(MONEY(60), MONEY(60)));
    assert_false(rules_close_before_window(RULES_UNBOUNDED, MONEY(60)));
    assert_true(rules_close_before_window(DEC_NONE, 0));
}

/* --- spans of the day -------------------------------------------------------------------------------------------- */

static struct rules_window daily(uint32_t zone, int from_minute, int to_minute)
{
    context = (struct rules_context){.zones = zones};
    return (struct rules_window){.kind = RULES_DAILY_SPAN,
                                 .forbids = RULES_OPEN | RULES_HOLD,
                                 .instruments = 0xffff,
                                 .zone = zone,
                                 .from_s = from_minute * 60,
                                 .to_s = to_minute * 60,
                                 .lead_s = 120};
}

static void test_daily_span_by_the_second(void **unused)
{
    (void)unused;
    struct rules_window rule = daily(1, 15 * 60 + 10, 17 * 60);
    int64_t from = at(1, 7, 15, 15, 10), to = at(1, 7, 15, 17, 0);
    assert_int_equal(from, utc(7, 15, 20, 10));
    assert_false(forbids(&rule, RULES_HOLD, from - 1));
    assert_true(forbids(&rule, RULES_HOLD, from));
    assert_true(span.from_ns == from && span.to_ns == to);
    assert_true(forbids(&rule, RULES_HOLD, to - 1));
    assert_false(forbids(&rule, RULES_HOLD, to)); /* [from, to) */
    assert_true(next(&rule, RULES_HOLD, from - 1) && span.from_ns == from);
    assert_int_equal(rules_window_flatten_ns(&rule, &span), from - 120 * NS);
    assert_true(next(&rule, RULES_HOLD, from) && span.from_ns == from + 24 * HOUR);
}

/* The flat-by of Chicago and of New York on both sides of their changes. */
static void test_daily_span_follows_the_clock(void **unused)
{
    (void)unused;
    struct rules_window rule = daily(2, 16 * 60 + 59, 18 * 60);
    static const struct {
        int month, day, utc_hour;
    } cases[] = {{3, 6, 21}, {3, 7, 21}, {3, 8, 20}, {3, 9, 20}, {10, 31, 20}, {11, 1, 21}, {11, 2, 21}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(next(&rule, RULES_HOLD, at(2, cases[i].month, cases[i].day, 0, 0)));
        assert_int_equal(span.from_ns, utc(cases[i].month, cases[i].day, cases[i].utc_hour, 59));
    }
}

static void test_daily_span_over_midnight(void **unused)
{
    (void)unused;
    struct rules_window rule = daily(0, 22 * 60, 6 * 60);
    assert_false(forbids(&rule, RULES_OPEN, at(0, 5, 12, 22, 0) - 1));
    assert_true(forbids(&rule, RULES_OPEN, at(0, 5, 12, 22, 0)));
    assert_true(forbids(&rule, RULES_OPEN, at(0, 5, 13, 0, 0)));
    assert_true(forbids(&rule, RULES_OPEN, at(0, 5, 13, 6, 0) - 1));
    assert_true(span.from_ns == at(0, 5, 12, 22, 0) && span.to_ns == at(0, 5, 13, 6, 0));
    assert_false(forbids(&rule, RULES_OPEN, at(0, 5, 13, 6, 0)));
    rule.to_s = 86400; /* to midnight */
    assert_true(forbids(&rule, RULES_OPEN, at(0, 5, 13, 0, 0) - 1));
    assert_false(forbids(&rule, RULES_OPEN, at(0, 5, 13, 0, 0)));
    rule.to_s = rule.from_s; /* always */
    for (int hour = 0; hour < 48; hour++)
        assert_true(forbids(&rule, RULES_OPEN, at(0, 5, 12, 0, 0) + hour * HOUR));
}

/* 02:30 is skipped on 29 March in Prague, and is there twice on 25 October: the window is never shorter for it. */
static void test_daily_span_at_clock_changes(void **unused)
{
    (void)unused;
    struct rules_window rule = daily(0, 2 * 60 + 30, 4 * 60);
    assert_false(forbids(&rule, RULES_OPEN, utc(3, 29, 1, 0) - 1));
    assert_true(forbids(&rule, RULES_OPEN, utc(3, 29, 1, 0))); /* 03:00: the first that there is */
    assert_true(forbids(&rule, RULES_OPEN, utc(3, 29, 2, 0) - 1));
    assert_false(forbids(&rule, RULES_OPEN, utc(3, 29, 2, 0)));
    assert_false(forbids(&rule, RULES_OPEN, utc(10, 25, 0, 30) - 1));
    assert_true(forbids(&rule, RULES_OPEN, utc(10, 25, 0, 30))); /* the first 02:30 */
    assert_true(forbids(&rule, RULES_OPEN, utc(10, 25, 1, 15))); /* 02:15 again */
    assert_true(forbids(&rule, RULES_OPEN, utc(10, 25, 3, 0) - 1));
    assert_false(forbids(&rule, RULES_OPEN, utc(10, 25, 3, 0)));
    rule = daily(0, 60, 2 * 60 + 30); /* ends with the second 02:30 */
    assert_true(forbids(&rule, RULES_OPEN, utc(10, 25, 1, 30) - 1));
    assert_false(forbids(&rule, RULES_OPEN, utc(10, 25, 1, 30)));
    rule = daily(0, 60, 4 * 60); /* 04:00 is there once */
    assert_false(forbids(&rule, RULES_OPEN, utc(10, 25, 3, 0)));
    rule = daily(0, 2 * 60 + 10, 2 * 60 + 50); /* skipped altogether: the next is a day later */
    assert_false(forbids(&rule, RULES_OPEN, utc(3, 29, 1, 0)));
    assert_true(next(&rule, RULES_OPEN, utc(3, 28, 12, 0)) && span.from_ns == utc(3, 30, 0, 10));
}

/* Every wall time in [from, to) is inside, every other is not, also in the weeks of the changes. */
static void test_daily_span_by_the_wall(void **unused)
{
    (void)unused;
    static const int spans[][2] = {{910, 1020}, {1320, 360}, {0, 90}, {1019, 1080}, {150, 170}};
    for (uint32_t zone = 0; zone < 3; zone++)
        for (size_t i = 0; i < COUNT(spans); i++) {
            struct rules_window rule = daily(zone, spans[i][0], spans[i][1]);
            for (int64_t t = utc(3, 1, 0, 0); t < utc(11, 15, 0, 0); t += 7 * 60 * NS) {
                int64_t local_s = t / NS + tz_offset_at(&zones[zone], t);
                int minute = (int)(local_s % 86400 / 60);
                bool inside = spans[i][0] < spans[i][1] ? minute >= spans[i][0] && minute < spans[i][1]
                                                        : minute >= spans[i][0] || minute < spans[i][1];
                bool forbidden = forbids(&rule, RULES_OPEN, t);
                if (inside)
                    assert_true(forbidden);
                bool changing = tz_offset_at(&zones[zone], t - 4 * HOUR) != tz_offset_at(&zones[zone], t + 4 * HOUR);
                if (forbidden && !changing)
                    assert_true(inside);
            }
        }
}

/* --- market close, payout
 * ---------------------------------------------------------------------------------------------- */

static void test_market_close(void **unused)
{
    (void)unused;
    int64_t close = utc(6, 5, 21, 0);
    context = (struct rules_context){.zones = zones, .close_ns = close, .closed_for_s = 48 * 3600};
    struct rules_window rule = {.kind = RULES_MARKET_CLOSE,
                                .forbids = RULES_OPEN | RULES_HOLD,
                                .instruments = 0xffff,
                                .before_s = 7200,
                                .closed_s = 7200};
    assert_false(forbids(&rule, RULES_OPEN, close - 7200 * NS - 1));
    assert_true(forbids(&rule, RULES_OPEN, close - 7200 * NS));
    assert_false(forbids(&rule, RULES_HOLD, close - 1));
    assert_true(forbids(&rule, RULES_HOLD, close));
    assert_true(forbids(&rule, RULES_HOLD, close + 48 * HOUR));
    assert_false(forbids(&rule, RULES_HOLD, close + 48 * HOUR + 1));
    assert_true(next(&rule, RULES_HOLD, close - 1) && span.from_ns == close);
    assert_true(next(&rule, RULES_OPEN, close - 7201 * NS) && span.from_ns == close - 7200 * NS);
    assert_false(next(&rule, RULES_HOLD, close));
    context.closed_for_s = 7200;
    assert_true(forbids(&rule, RULES_HOLD, close)); /* at least two hours */
    context.closed_for_s = 7199;
    assert_false(forbids(&rule, RULES_HOLD, close) || next(&rule, RULES_HOLD, close - 1));
    context.closed_for_s = 0; /* never closes */
    rule.closed_s = 0;
    assert_false(forbids(&rule, RULES_HOLD, close));
}

static void test_payout_window(void **unused)
{
    (void)unused;
    context = (struct rules_context){.zones = zones, .payout_pending = true};
    struct rules_window rule = {.kind = RULES_PAYOUT_PENDING, .forbids = RULES_OPEN, .instruments = 0xffff};
    assert_true(forbids(&rule, RULES_OPEN, EVENT));
    assert_false(forbids(&rule, RULES_CLOSE, EVENT));
    assert_false(next(&rule, RULES_OPEN, EVENT));
    context.payout_pending = false;
    assert_false(forbids(&rule, RULES_OPEN, EVENT));
    rule.kind = 99; /* no such kind: forbidden */
    assert_true(forbids(&rule, RULES_OPEN, EVENT));
}

static void test_times_at_the_end_of_the_range(void **unused)
{
    (void)unused;
    events_at((const int[]){0}, 1);
    struct rules_window rule = news(INT32_MAX, INT32_MAX);
    calendar.valid_from_ns = INT64_MIN;
    calendar.valid_to_ns = INT64_MAX;
    events[0].time_ns = INT64_MAX - 5;
    assert_true(forbids(&rule, RULES_CLOSE, INT64_MAX));
    assert_int_equal(span.to_ns, INT64_MAX);
    assert_false(forbids(&rule, RULES_CLOSE, INT64_MIN));
    assert_true(next(&rule, RULES_CLOSE, INT64_MIN));
}

/* --- P5
 * --------------------------------------------------------------------------------------------------------------------
 */

static dec_t share;

static void test_minimum_hold(void **unused)
{
    (void)unused;
    struct rules_hold rule = {.kind = RULES_MIN_HOLD, .tau_s = 120};
    struct rules_profit profit = {.trades = 4, .short_trades = {0, 1}};
    assert_false(rules_hold_allows(&rule, &profit, 0, 119, &share));
    assert_true(rules_hold_allows(&rule, &profit, 0, 120, &share));
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    assert_false(rules_hold_kept(&rule, &profit, 1, &share));
    assert_int_equal(share, DEC_ONE / 4);
}

/* 20 of 41 may become 21 of 42 where more than half breaches, not where half does. */
static void test_share_of_short_trades(void **unused)
{
    (void)unused;
    static const struct {
        uint64_t trades, shorts;
        bool kept_gt, kept_ge, allows_gt, allows_ge;
    } cases[] = {{40, 20, true, false, false, false}, {41, 20, true, true, true, false},
                 {42, 20, true, true, true, true},    {0, 0, true, true, false, false},
                 {1, 1, false, false, false, false},  {3, 1, true, true, true, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rules_profit profit = {.trades = cases[i].trades, .short_trades = {0, 0, cases[i].shorts}};
        struct rules_hold rule = {
            .kind = RULES_SHARE_OF_TRADES, .over = RULES_GT, .tau_s = 60, .max_share = DEC_ONE / 2};
        assert_int_equal(rules_hold_kept(&rule, &profit, 2, &share), cases[i].kept_gt);
        assert_int_equal(rules_hold_allows(&rule, &profit, 2, 59, &share), cases[i].allows_gt);
        assert_true(rules_hold_allows(&rule, &profit, 2, 60, &share)); /* long enough: always */
        rule.over = RULES_GE;
        assert_int_equal(rules_hold_kept(&rule, &profit, 2, &share), cases[i].kept_ge);
        assert_int_equal(rules_hold_allows(&rule, &profit, 2, 59, &share), cases[i].allows_ge);
        assert_true(rules_hold_allows(&rule, &profit, 2, 60, &share));
    }
}

static void test_share_that_is_told(void **unused)
{
    (void)unused;
    struct rules_hold rule = {.kind = RULES_SHARE_OF_TRADES, .tau_s = 60, .max_share = DEC_ONE / 2};
    struct rules_profit profit = {.trades = 3, .short_trades = {1}};
    (void)rules_hold_kept(&rule, &profit, 0, &share);
    assert_int_equal(share, 33333334); /* up: of what must stay small */
    (void)rules_hold_allows(&rule, &profit, 0, 0, &share);
    assert_int_equal(share, DEC_ONE / 2);
    (void)rules_hold_allows(&rule, &profit, 0, 60, &share);
    assert_int_equal(share, DEC_ONE / 4);
    rule.at_least = true;
    (void)rules_hold_kept(&rule, &profit, 0, &share);
    assert_int_equal(share, 66666666); /* down: of what must be large */
}

/* "More than half held over 10 s": exactly half is not, exactly 10 s is not. */
static void test_share_of_long_trades(void **unused)
{
    (void)unused;
    struct rules_hold rule = {
        .kind = RULES_SHARE_OF_TRADES, .over = RULES_GT, .tau_s = 10, .max_share = DEC_ONE / 2, .at_least = true};
    struct rules_profit profit = {.trades = 20, .short_trades = {10}};
    assert_false(rules_hold_kept(&rule, &profit, 0, &share));
    rule.over = RULES_GE;
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    rule.over = RULES_GT;
    profit.short_trades[0] = 9;
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    assert_true(rules_hold_allows(&rule, &profit, 0, 10, &share)); /* 11 of 21 */
    assert_int_equal(share, 52380952);
    profit.trades = 21;
    profit.short_trades[0] = 10;
    assert_false(rules_hold_allows(&rule, &profit, 0, 10, &share)); /* 11 of 22 */
    assert_true(rules_hold_allows(&rule, &profit, 0, 11, &share));
}

static void test_share_of_profit(void **unused)
{
    (void)unused;
    struct rules_hold rule = {
        .kind = RULES_SHARE_OF_PROFIT, .over = RULES_GT, .tau_s = 10, .max_share = DEC_ONE / 2, .at_least = true};
    struct rules_profit profit = {.trade_profit = MONEY(2000), .long_profit = {MONEY(1000)}};
    assert_false(rules_hold_kept(&rule, &profit, 0, &share));
    assert_int_equal(share, DEC_ONE / 2);
    profit.long_profit[0]++;
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    assert_false(rules_hold_allows(&rule, &profit, 0, 10, &share)); /* whatever it brings */
    assert_true(rules_hold_allows(&rule, &profit, 0, 11, &share));
    rule.at_least = false; /* the short ones: 2000 - 1000.00000001 */
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    profit.long_profit[0] -= 2;
    assert_false(rules_hold_kept(&rule, &profit, 0, &share));
    profit = (struct rules_profit){.trade_profit = 0};
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
}

static void test_mean_duration(void **unused)
{
    (void)unused;
    struct rules_hold rule = {.kind = RULES_MEAN_DURATION, .over = RULES_GT, .tau_s = 120};
    struct rules_profit profit = {.trades = 4, .duration_sum_s = 480};
    assert_false(rules_hold_kept(&rule, &profit, 0, &share));
    assert_int_equal(share, MONEY(120));
    rule.over = RULES_GE;
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    rule.over = RULES_GT;
    profit.duration_sum_s = 481;
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    assert_int_equal(share, MONEY(120) + DEC_ONE / 4);
    assert_false(rules_hold_allows(&rule, &profit, 0, 119, &share)); /* 600 of 5 */
    assert_true(rules_hold_allows(&rule, &profit, 0, 120, &share));
    profit.duration_sum_s = 100; /* it is short already: what is long enough only helps */
    assert_true(rules_hold_allows(&rule, &profit, 0, 121, &share));
    profit = (struct rules_profit){0};
    assert_true(rules_hold_kept(&rule, &profit, 0, &share));
    rule.kind = 99;
    assert_false(rules_hold_kept(&rule, &profit, 0, &share) || rules_hold_allows(&rule, &profit, 0, 999, &share));
}

/* --- P6
 * --------------------------------------------------------------------------------------------------------------------
 */

static struct rules_set set;
static struct rules_state state;

static void one_rate(uint32_t counted, int32_t window_s, uint32_t max)
{
    memset(&set, 0, sizeof set);
    set.day_count = 1;
    set.days[0].zone = 0;
    set.rate_count = 1;
    set.rates[0] = (struct rules_rate){.counted = counted, .window_s = window_s, .max = max};
    rules_init(&state, &set, MONEY(100000));
}

static void mark(int64_t t_ns)
{
    struct rules_marked marked;
    rules_mark(&state, &set, zones, t_ns, MONEY(100000), MONEY(100000), MONEY(100000), &marked);
}

static uint32_t used(int64_t t_ns)
{
    return rules_rate_used(&state, &set.rates[0], 0, t_ns);
}

static void test_messages_of_the_day(void **unused)
{
    (void)unused;
    one_rate(RULES_MESSAGES, 0, 2000);
    int64_t midnight = at(0, 3, 29, 0, 0);
    assert_int_equal(used(midnight - HOUR), 0);
    mark(midnight - HOUR);
    for (int i = 0; i < 3; i++)
        rules_on_message(&state, &set, RULES_ORDERS, midnight - HOUR);
    assert_int_equal(used(midnight - 1), 3);
    mark(midnight);
    rules_on_message(&state, &set, RULES_MESSAGES, midnight);
    assert_int_equal(used(midnight), 1);
    mark(midnight + 23 * HOUR - 1); /* the day has 23 hours */
    rules_on_message(&state, &set, RULES_CHANGES, midnight + 23 * HOUR - 1);
    assert_int_equal(used(midnight + 23 * HOUR - 1), 2);
    mark(midnight + 23 * HOUR);
    rules_on_message(&state, &set, RULES_CHANGES, midnight + 23 * HOUR);
    assert_int_equal(used(midnight + 23 * HOUR), 1);
}

/* Against every message by itself: never fewer than there were in (t - window, t], never more than in a window a bucket
 * longer. */
static void test_rolling_window(void **unused)
{
    (void)unused;
    enum { MESSAGES = 400 };
    static int64_t sent[MESSAGES];
    for (uint64_t seed = 1; seed <= 60; seed++) {
        int32_t window_s = (int32_t[]){1, 7, 60, 61, 3600}[seed % 5];
        one_rate(RULES_CHANGES, window_s, 100);
        int64_t t = EVENT, window = window_s * NS, bucket = rules_rate_width_ns(&set.rates[0]);
        for (uint32_t n = 0; n < MESSAGES; n++) {
            uint64_t draw = hash_combine(seed, n);
            t += (int64_t)(draw % (uint64_t)(draw >> 60 == 0 ? 3 * window : window / 20));
            rules_on_message(&state, &set, RULES_CHANGES, t);
            rules_on_message(&state, &set, RULES_EXECUTIONS, t); /* another kind */
            sent[n] = t;
            int64_t now = t + (int64_t)(hash_mix64(draw) % (uint64_t)window) * (int64_t)(draw >> 32 & 1);
            uint32_t least = 0, most = 0;
            for (uint32_t i = 0; i <= n; i++) {
                least += sent[i] > now - window;
                most += sent[i] > now - window - bucket - 1;
            }
            assert_in_range(used(now), least, most);
        }
        assert_int_equal(used(t + window + bucket + 1), 0);
    }
}

static void test_a_clock_that_goes_back_loses_nothing(void **unused)
{
    (void)unused;
    one_rate(RULES_CHANGES, 60, 100);
    rules_on_message(&state, &set, RULES_CHANGES, EVENT);
    rules_on_message(&state, &set, RULES_CHANGES, EVENT - 10 * NS);
    assert_int_equal(used(EVENT - 10 * NS), 2);
    assert_int_equal(used(EVENT), 2);
}

static void test_working_orders_are_not_counted_here(void **unused)
{
    (void)unused;
    one_rate(RULES_WORKING_ORDERS, 0, 100);
    mark(EVENT);
    rules_on_message(&state, &set, RULES_ORDERS, EVENT);
    assert_int_equal(used(EVENT), 0);
}

static void test_what_is_left(void **unused)
{
    (void)unused;
    struct rules_rate rule = {.max = 2000};
    assert_int_equal(rules_rate_reserve(12, 8), 60);
    assert_int_equal(rules_rate_reserve(0, 0), 20);
    assert_int_equal(rules_rate_reserve(UINT32_MAX, UINT32_MAX), UINT32_MAX);
    assert_int_equal(rules_rate_left(&rule, 1800, 60), 140);
    assert_int_equal(rules_rate_left(&rule, 1950, 60), -10);
    assert_true(rules_rate_allows(&rule, 1937, 3, 60));
    assert_false(rules_rate_allows(&rule, 1938, 3, 60));
    assert_false(rules_rate_allows(&rule, UINT32_MAX, 0, UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_news_by_the_second),
        cmocka_unit_test(test_news_of_the_instrument_and_importance),
        cmocka_unit_test(test_news_windows_that_touch_are_one),
        cmocka_unit_test(test_no_calendar_is_closed_for_openings),
        cmocka_unit_test(test_calendar_validity),
        cmocka_unit_test(test_next_news),
        cmocka_unit_test(test_news_against_each_event),
        cmocka_unit_test(test_positions_so_old_that_they_may_be_closed),
        cmocka_unit_test(test_profit_that_does_not_count),
        cmocka_unit_test(test_close_before_a_window),
        cmocka_unit_test(test_daily_span_by_the_second),
        cmocka_unit_test(test_daily_span_follows_the_clock),
        cmocka_unit_test(test_daily_span_over_midnight),
        cmocka_unit_test(test_daily_span_at_clock_changes),
        cmocka_unit_test(test_daily_span_by_the_wall),
        cmocka_unit_test(test_market_close),
        cmocka_unit_test(test_payout_window),
        cmocka_unit_test(test_times_at_the_end_of_the_range),
        cmocka_unit_test(test_minimum_hold),
        cmocka_unit_test(test_share_of_short_trades),
        cmocka_unit_test(test_share_that_is_told),
        cmocka_unit_test(test_share_of_long_trades),
        cmocka_unit_test(test_share_of_profit),
        cmocka_unit_test(test_mean_duration),
        cmocka_unit_test(test_messages_of_the_day),
        cmocka_unit_test(test_rolling_window),
        cmocka_unit_test(test_a_clock_that_goes_back_loses_nothing),
        cmocka_unit_test(test_working_orders_are_not_counted_here),
        cmocka_unit_test(test_what_is_left),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
