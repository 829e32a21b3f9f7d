/* The smart-money flow against its definition, from the bars each time; the season against the feed's own baseline. */
#include <math.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/baseline.h"
#include "tests/unit/indicator_support.h"
#include "workers/strategy/indicators/flow.h"
#include "workers/strategy/indicators/seasonality.h"

#define BARS 900u
#define HOUR (INT64_C(3600) * 1000000000)

static struct indicator_bar bars[BARS];
static uint64_t seed_base;

/* --- flow
 * --------------------------------------------------------------------------------------------------------------- */

static double cmf[BARS], udv[BARS], evr[BARS], absorption[BARS];

static double range_of(uint32_t i, double point)
{
    int64_t high = bars[i].high, low = bars[i].low;
    if (i > 0) {
        high = bars[i - 1].close > high ? bars[i - 1].close : high;
        low = bars[i - 1].close < low ? bars[i - 1].close : low;
    }
    return fmax((double)(high - low) / point, 1.0);
}

static double z_of(const double *before, double x)
{
    double mean = 0, m2 = 0;
    bool constant = true;
    for (unsigned i = 0; i < 50; i++) {
        mean += before[i] / 50;
        constant = constant && before[i] == before[0];
    }
    for (unsigned i = 0; i < 50; i++)
        m2 += (before[i] - mean) * (before[i] - mean);
    return constant ? NAN : (x - mean) / sqrt(m2 / 49);
}

/* Bars with effort alone are counted. */
static void naive_effort(double point)
{
    static double effort[BARS], result[BARS];
    uint32_t count = 0;
    for (uint32_t t = 0; t < BARS; t++) {
        evr[t] = NAN;
        if (bars[t].volume == 0)
            continue;
        double e = log((double)bars[t].volume), r = log(range_of(t, point));
        if (count >= 50)
            evr[t] = z_of(&effort[count - 50], e) - z_of(&result[count - 50], r);
        effort[count] = e;
        result[count++] = r;
    }
}

static double naive_term(uint32_t i)
{
    double e = evr[i] > 0.0 ? evr[i] : 0.0, place = volume_clv01(&bars[i]);
    if (i == 0)
        return 0.0;
    if (bars[i].close < bars[i - 1].close && place >= 0.5)
        return e;
    return bars[i].close > bars[i - 1].close && place <= 0.5 ? -e : 0.0;
}

static void naive_witnesses(void)
{
    for (uint32_t t = 0; t < BARS; t++) {
        double flow = 0, volume = 0, up = 0, down = 0, absorbed = 0;
        for (uint32_t i = t < 19 ? t + 1 : t - 19; i <= t; i++) {
            flow += volume_clv(&bars[i]) * (double)bars[i].volume;
            volume += (double)bars[i].volume;
            if (i > 0)
                up += bars[i].close > bars[i - 1].close ? (double)bars[i].volume : 0;
            if (i > 0)
                down += bars[i].close < bars[i - 1].close ? (double)bars[i].volume : 0;
            absorbed += naive_term(i);
        }
        cmf[t] = t < 19 ? NAN : volume > 0 ? flow / volume : 0;
        udv[t] = t < 20 ? NAN : up + down > 0 ? up / (up + down) : 0.5;
        absorption[t] = t < 69 ? NAN : absorbed / 20;
    }
}

/* `same`: how far apart values are that are the same but for rounding. */
static double naive_rank(const double *x, uint32_t t, double same)
{
    uint32_t held = 0;
    double below = 0;
    for (uint32_t i = t < 250 ? 0 : t - 250; i < t; i++) {
        held += !isnan(x[i]);
        below += fabs(x[i] - x[t]) <= same ? 0.5 : x[i] < x[t] ? 1.0 : 0.0;
    }
    return held < 100 || isnan(x[t]) ? NAN : below / held;
}

static void test_flow(void **unused)
{
    (void)unused;
    static struct flow flow;
    unsigned defined = 0, refused = 0;
    for (unsigned run = 0; run < 8; run++) {
        const int64_t point = run % 2 ? 10 : 1;
        walk(bars, BARS, seed_base + run, run == 7 ? 2 : 0);
        naive_effort((double)point);
        naive_witnesses();
        flow_init(&flow, point);
        for (uint32_t t = 0; t < BARS; t++) {
            struct flow_values v = flow_next(&flow, &bars[t], (double)bars[t].volume);
            check_near("cmf", t, cmf[t], v.cmf, 1e-13);
            check_near("udv", t, udv[t], v.udv, 0);
            check_near("evr", t, evr[t], v.evr, 1e-11);
            check_near("absorption", t, absorption[t], v.absorption, 1e-12);
            check_near("rank of cmf", t, naive_rank(cmf, t, 1e-12), v.rank_cmf, 0.0041); /* a tie more or less */
            check_near("rank of udv", t, naive_rank(udv, t, 0), v.rank_udv, 0);
            check_near("rank of absorption", t, naive_rank(absorption, t, 1e-12), v.rank_absorption, 1e-15);
            check_near("smf", t, (v.rank_cmf + v.rank_udv + v.rank_absorption) / 3, v.smf, 1e-15);
            defined += !isnan(v.smf);
            refused += t > 100 && isnan(v.evr);
        }
        assert_true(flow_restorable(&flow, point));
        assert_false(flow_restorable(&flow, point + 1));
    }
    assert_true(defined > 5000 && refused > 100); /* bars without volume were among them */
}

static void test_effort_that_is_none(void **unused)
{
    (void)unused;
    static struct flow_effort state, before;
    flow_effort_init(&state);
    for (unsigned i = 0; i < 50; i++)
        assert_true(isnan(flow_effort_next(&state, 100.0 + i % 7, 10.0 + i % 5)));
    before = state;
    const double none[] = {0.0, -1.0, NAN, INFINITY};
    for (unsigned i = 0; i < 4; i++)
        assert_true(isnan(flow_effort_next(&state, none[i], 10.0)));
    assert_memory_equal(&state, &before, sizeof state);
    assert_false(isnan(flow_effort_next(&state, 100.0, 0.0))); /* no range is a point */
    flow_effort_init(&state);
    for (unsigned i = 0; i < 60; i++) /* a baseline that does not vary */
        assert_true(isnan(flow_effort_next(&state, 100.0, 10.0 + i % 5)));
}

/* --- season
 * -------------------------------------------------------------------------------------------------------------- */

static struct seasonality season;

/* Hours go into both; hours are missing, markets close, and every hour of some weeks is asked about. */
static void test_season_is_the_feeds(void **unused)
{
    (void)unused;
    static alignas(64) unsigned char memory[1u << 20];
    uint64_t seed = seed_base;
    assert_true(history_size_bytes(1, 2) <= sizeof memory);
    struct history *history = history_init(memory, 1, 2, 1);
    const struct history *reader;
    assert_int_equal(history_attach(memory, sizeof memory, &reader), SHM_OK);
    seasonality_init(&season);
    unsigned of_day = 0, of_week = 0, none = 0;
    const int64_t first = INT64_C(1700000000) * 1000000000 / HOUR;
    for (int64_t hour = first; hour < first + 24 * 7 * 30; hour++) {
        uint32_t week_hour = seasonality_week_hour(hour * HOUR);
        assert_int_equal(week_hour, history_week_hour(hour * HOUR));
        uint64_t seq = (uint64_t)(hour - first + 1);
        int64_t now_ns = hour * HOUR + (int64_t)draw(&seed, HOUR);
        struct baseline want;
        enum shm_result result = baseline_read(reader, 0, now_ns, seq, &want);
        struct seasonality_baseline got = seasonality_read(&season, now_ns);
        assert_int_equal(got.occurrences, result == SHM_OK ? want.occurrences : 0);
        if (result == SHM_OK) {
            assert_true(got.volume == want.volume * (double)DEC_ONE && got.of_day == want.of_day);
            of_day += want.of_day;
            of_week += !want.of_day;
        } else {
            assert_true(result == SHM_EMPTY && isnan(got.volume));
            none++;
        }
        if (week_hour >= 120 || draw(&seed, 10) == 0)
            continue; /* closed, or nothing happened */
        struct history_hour over = {
            .seq = seq + 1, .open_ns = hour * HOUR, .volume = (dec_t)draw(&seed, 5000) * DEC_ONE};
        history_hour_append(history, 0, &over);
        seasonality_push_hour(&season, over.open_ns, over.volume);
        /* the hour itself, once it is over, is not in its own baseline */
        assert_int_equal(baseline_read(reader, 0, now_ns, seq + 1, &want) == SHM_OK ? want.occurrences : 0,
                         seasonality_read(&season, now_ns).occurrences);
    }
    assert_true(of_day > 500 && of_week > 1000 && none > 5);
    assert_true(seasonality_restorable(&season));
}

/* Bars of five minutes make the hours; the first hour counts only when its beginning was seen. */
static void test_season_from_bars(void **unused)
{
    (void)unused;
    const int64_t minutes = HOUR / 60, start = 1000 * HOUR;
    for (unsigned late = 0; late < 2; late++) {
        seasonality_init(&season);
        for (int64_t at = start + (late ? 15 * minutes : 0); at < start + 50 * HOUR; at += 5 * minutes)
            assert_true(seasonality_push_bar(&season, at, at + 5 * minutes, at / HOUR));
        struct seasonality_baseline b = seasonality_read(&season, start + 72 * HOUR);
        assert_true(b.of_day == 1 && b.occurrences == (late ? 2 : 3));
        /* hours 1000, 1024 and 1048, twelve bars each of that volume */
        assert_true(b.volume == (late ? 12.0 * (1024 + 1048) / 2 : 12.0 * 1024));
    }
    struct seasonality before = season;
    const int64_t now_ns = start + 50 * HOUR;
    assert_false(seasonality_push_bar(&season, now_ns, now_ns + HOUR + 1, 5));     /* longer than an hour */
    assert_false(seasonality_push_bar(&season, now_ns + 1, now_ns + HOUR + 1, 5)); /* over the hour */
    assert_false(seasonality_push_bar(&season, now_ns, now_ns, 5));
    assert_false(seasonality_push_bar(&season, now_ns, now_ns + HOUR, -1));
    assert_false(seasonality_push_bar(&season, now_ns - 2 * HOUR, now_ns - HOUR, 5)); /* the past */
    assert_false(seasonality_push_bar(&season, -HOUR, 0, 5));
    assert_memory_equal(&season, &before, sizeof season);
    assert_true(seasonality_push_bar(&season, now_ns, now_ns + HOUR, INT64_MAX));
    assert_true(seasonality_push_bar(&season, now_ns, now_ns + HOUR, 1)); /* saturates */
    assert_true(season.volume == INT64_MAX && seasonality_restorable(&season));
}

static void test_relative_volume(void **unused)
{
    (void)unused;
    assert_true(seasonality_relative(30.0, HOUR, 60.0) == 0.5);
    assert_true(seasonality_relative(30.0, HOUR / 60, 60.0) == 30.0);
    assert_true(isnan(seasonality_relative(30.0, 2 * HOUR, 60.0)) && isnan(seasonality_relative(30.0, 0, 60.0)));
    assert_true(isnan(seasonality_relative(30.0, HOUR, 0.0)) && isnan(seasonality_relative(30.0, HOUR, NAN)));
    assert_int_equal(seasonality_week_hour(0), 72); /* a Thursday */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flow),
        cmocka_unit_test(test_effort_that_is_none),
        cmocka_unit_test(test_season_is_the_feeds),
        cmocka_unit_test(test_season_from_bars),
        cmocka_unit_test(test_relative_volume),
    };
    const char *text = getenv("PROPFLEET_TEST_SEED");
    seed_base = text ? strtoull(text, NULL, 10) : 20261126;
    print_message("PROPFLEET_TEST_SEED=%llu\n", (unsigned long long)seed_base);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
