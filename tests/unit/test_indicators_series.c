/* Averages, volatility, momentum and volume against a naive recomputation from the bars, on series with flat stretches,
 * gaps, bars without volume, prices of a few points and prices at the limit; and their edges by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/indicator_support.h"
#include "workers/strategy/indicators/averages.h"
#include "workers/strategy/indicators/momentum.h"
#include "workers/strategy/indicators/volatility.h"
#include "workers/strategy/indicators/volume.h"

#define BARS 700u
typedef long double wide;

static struct indicator_bar bars[BARS];
static uint64_t seed_base;

/* --- naive: everything from the bars, each time ---------------------------------------------------------------------
 */

typedef wide (*term)(uint32_t i); /* of bar i */

static wide of_close(uint32_t i)
{
    return (wide)bars[i].close;
}
static wide of_range(uint32_t i)
{
    wide before = (wide)bars[i - 1].close;
    return fmaxl((wide)bars[i].high, before) - fminl((wide)bars[i].low, before);
}
static wide of_gain(uint32_t i)
{
    return fmaxl(0, (wide)bars[i].close - (wide)bars[i - 1].close);
}
static wide of_loss(uint32_t i)
{
    return fmaxl(0, (wide)bars[i - 1].close - (wide)bars[i].close);
}
static wide of_plus(uint32_t i)
{
    wide up = (wide)(bars[i].high - bars[i - 1].high), down = (wide)(bars[i - 1].low - bars[i].low);
    return up > down && up > 0 ? up : 0;
}
static wide of_minus(uint32_t i)
{
    wide up = (wide)(bars[i].high - bars[i - 1].high), down = (wide)(bars[i - 1].low - bars[i].low);
    return down > up && down > 0 ? down : 0;
}
static wide ratio(int64_t a, int64_t b)
{
    return logl((wide)a / (wide)b);
}
static wide of_return(uint32_t i)
{
    return ratio(bars[i].close, bars[i - 1].close);
}
static wide of_overnight(uint32_t i)
{
    return ratio(bars[i].open, bars[i - 1].close);
}
static wide of_within(uint32_t i)
{
    return ratio(bars[i].close, bars[i].open);
}
static wide of_parkinson(uint32_t i)
{
    wide x = ratio(bars[i].high, bars[i].low);
    return x * x / (4 * logl(2));
}
static wide of_garman_klass(uint32_t i)
{
    wide x = ratio(bars[i].high, bars[i].low), y = ratio(bars[i].close, bars[i].open);
    return x * x / 2 - (2 * logl(2) - 1) * y * y;
}
static wide of_rogers_satchell(uint32_t i)
{
    const struct indicator_bar *b = &bars[i];
    return ratio(b->high, b->close) * ratio(b->high, b->open) + ratio(b->low, b->close) * ratio(b->low, b->open);
}
static wide of_garman_klass_yang_zhang(uint32_t i)
{
    wide x = of_overnight(i);
    return x * x + of_garman_klass(i);
}
static wide of_flow(uint32_t i)
{
    wide range = (wide)(bars[i].high - bars[i].low);
    return range > 0 ? (wide)(2 * bars[i].close - bars[i].high - bars[i].low) / range * (wide)bars[i].volume : 0;
}
static wide of_volume(uint32_t i)
{
    return (wide)bars[i].volume;
}
static wide of_money(uint32_t i)
{
    return (wide)(bars[i].high + bars[i].low + bars[i].close);
}

/* Over the n bars up to t; NaN where the first of them comes before `first`. */
static wide mean(term f, uint32_t t, uint32_t n, uint32_t first)
{
    wide sum = 0;
    if (t + 1 < n + first)
        return NAN;
    for (uint32_t i = t + 1 - n; i <= t; i++)
        sum += f(i);
    return sum / n;
}
static wide variance(term f, uint32_t t, uint32_t n, uint32_t first)
{
    wide m = mean(f, t, n, first), sum = 0;
    if (isnan(m) || n < 2)
        return NAN;
    for (uint32_t i = t + 1 - n; i <= t; i++)
        sum += (f(i) - m) * (f(i) - m);
    return sum / (n - 1);
}
/* Wilder's average from bar 1 on, seeded with the mean of the first n. */
static wide wilder(term f, uint32_t t, uint32_t n)
{
    if (t < n)
        return NAN;
    wide average = mean(f, n, n, 1);
    for (uint32_t i = n + 1; i <= t; i++)
        average = (average * (n - 1) + f(i)) / n;
    return average;
}
/* S = S - S/n + x, the first n - 1 summed. */
static wide wilder_sum(term f, uint32_t t, uint32_t n)
{
    wide sum = 0;
    for (uint32_t i = 1; i < n; i++)
        sum += f(i);
    for (uint32_t i = n; i <= t; i++)
        sum = sum - sum / n + f(i);
    return sum;
}

/* --- against it ------------------------------------------------------------------------------------------------------
 */

static void each_series(void (*check)(uint32_t n))
{
    static const uint32_t periods[] = {1, 2, 3, 5, 14, 20, 61, 128};
    for (unsigned kind = 0; kind < 3; kind++)
        for (size_t p = 0; p < sizeof periods / sizeof *periods; p++) {
            walk(bars, BARS, seed_base + 10 * kind + p, kind);
            check(periods[p]);
        }
}

static void averages_of(uint32_t n)
{
    static struct average_sma sma;
    static struct average_deviation deviation;
    struct average_ema ema, smooth;
    average_sma_init(&sma, n);
    average_deviation_init(&deviation, n);
    average_ema_init(&ema, n);
    average_wilder_init(&smooth, n);
    wide want_ema = NAN, want_smooth = NAN;
    for (uint32_t t = 0; t < BARS; t++) {
        double close = (double)bars[t].close;
        wide m = mean(of_close, t, n, 0), v = variance(of_close, t, n, 0);
        check_near("sma", t, (double)m, average_sma_next(&sma, bars[t].close), 1e-15);
        want_ema = t + 1 == n ? m : want_ema + 2.0L / (n + 1) * (of_close(t) - want_ema);
        want_smooth = t + 1 == n ? m : want_smooth + 1.0L / n * (of_close(t) - want_smooth);
        check_near("ema", t, (double)want_ema, average_ema_next(&ema, close), 1e-13);
        check_near("wilder", t, (double)want_smooth, average_ema_next(&smooth, close), 1e-13);
        struct average_bands bands = average_bands_next(&deviation, bars[t].close, 2.5);
        double population = n < 2 ? (t + 1 >= n ? 0.0 : NAN) : (double)sqrtl(v * (n - 1) / n);
        /* the naive mean of prices at 2^53 has no digits left for a deviation of one point */
        double tolerance = bars[t].close > INDICATOR_PRICE_MAX / 2 ? 1e-6 : 1e-13;
        check_near("deviation", t, (double)sqrtl(v), average_deviation_sample(&deviation), tolerance);
        check_near("upper", t, (double)m + 2.5 * population, bands.upper, 1e-13);
        check_near("lower", t, (double)m - 2.5 * population, bands.lower, 1e-13);
    }
}

static void volatility_of(uint32_t n)
{
    static const term terms[VOLATILITY_KIND_COUNT] = {of_parkinson, of_garman_klass, of_rogers_satchell,
                                                      of_garman_klass_yang_zhang};
    static struct volatility_range range[VOLATILITY_KIND_COUNT];
    static struct volatility_close close;
    static struct volatility_yang_zhang yang_zhang;
    struct volatility_atr atr;
    volatility_atr_init(&atr, n);
    for (unsigned k = 0; k < VOLATILITY_KIND_COUNT; k++)
        volatility_range_init(&range[k], (enum volatility_kind)k, n);
    if (n >= 3)
        volatility_close_init(&close, n);
    if (n >= 2)
        volatility_yang_zhang_init(&yang_zhang, n);
    wide k = 0.34L / (1.34L + (n + 1.0L) / (n - 1.0L));
    for (uint32_t t = 0; t < BARS; t++) {
        check_near("atr", t, (double)wilder(of_range, t, n), volatility_atr_next(&atr, &bars[t]), 1e-13);
        for (unsigned r = 0; r < VOLATILITY_KIND_COUNT; r++) {
            wide m = mean(terms[r], t, n, r == VOLATILITY_GARMAN_KLASS_YANG_ZHANG);
            check_near("range", t, 1e6 * (double)sqrtl(m < 0 ? 0 : m), 1e6 * volatility_range_next(&range[r], &bars[t]),
                       1e-9);
        }
        if (n >= 3)
            check_near("close", t, 1e6 * (double)sqrtl(variance(of_return, t, n - 1, 1)),
                       1e6 * volatility_close_next(&close, bars[t].close), 1e-9);
        if (n < 2)
            continue;
        wide s2 = variance(of_overnight, t, n, 1) + k * variance(of_within, t, n, 1) +
                  (1 - k) * mean(of_rogers_satchell, t, n, 1);
        check_near("yang-zhang", t, 1e6 * (double)sqrtl(s2 < 0 ? 0 : s2),
                   1e6 * volatility_yang_zhang_next(&yang_zhang, &bars[t]), 1e-9);
    }
}

static void momentum_of(uint32_t n)
{
    struct momentum_rsi rsi;
    static struct momentum_adx adx;
    momentum_rsi_init(&rsi, n);
    if (n >= 2)
        momentum_adx_init(&adx, n);
    wide want_adx = 0;
    uint32_t defined = 0;
    for (uint32_t t = 0; t < BARS; t++) {
        wide g = wilder(of_gain, t, n), l = wilder(of_loss, t, n);
        double want = isnan((double)g) ? NAN : g + l > 0 ? (double)(100 * g / (g + l)) : 50.0;
        check_near("rsi", t, want, momentum_rsi_next(&rsi, bars[t].close), 1e-11);
        if (n < 2)
            continue;
        struct momentum_direction d = momentum_adx_next(&adx, &bars[t]);
        wide tr = wilder_sum(of_range, t, n), plus = wilder_sum(of_plus, t, n), minus = wilder_sum(of_minus, t, n);
        wide dx = t >= n && plus + minus > 0 ? 100 * fabsl(plus - minus) / (plus + minus) : NAN;
        check_near("+di", t, t >= n && tr > 0 ? (double)(100 * plus / tr) : NAN, d.plus, 1e-11);
        check_near("-di", t, t >= n && tr > 0 ? (double)(100 * minus / tr) : NAN, d.minus, 1e-11);
        check_near("dx", t, (double)dx, d.dx, 1e-11);
        if (isnan((double)dx)) {
            check_near("adx", t, NAN, d.adx, 0);
            continue;
        }
        defined++;
        want_adx = defined <= n ? want_adx + dx / n : want_adx + (dx - want_adx) / n;
        check_near("adx", t, defined < n ? NAN : (double)want_adx, d.adx, 1e-11);
    }
}

/* +1, 0, -1: how f moved from the bar before. */
static int moved(term f, uint32_t i)
{
    return (f(i) > f(i - 1)) - (f(i) < f(i - 1));
}

static void volume_of(uint32_t n)
{
    static struct volume_cmf cmf;
    static struct volume_up up;
    static struct volume_mfi mfi;
    struct volume_adl adl;
    struct volume_obv obv;
    volume_cmf_init(&cmf, n);
    volume_up_init(&up, n);
    volume_mfi_init(&mfi, n);
    volume_adl_init(&adl);
    volume_obv_init(&obv);
    wide want_adl = 0, want_obv = 0, gross = 0;
    for (uint32_t t = 0; t < BARS; t++) {
        want_adl += of_flow(t);
        want_obv += t == 0 ? of_volume(0) : moved(of_close, t) * of_volume(t);
        gross += of_volume(t);
        double total = volume_adl_next(&adl, &bars[t]);
        assert_true(fabsl(want_adl - (wide)total) <= 1e-13L * (gross + 1));
        uint64_t wrapped = (uint64_t)volume_obv_next(&obv, &bars[t]);
        if (fabsl(want_obv) < 0x1p62L)
            assert_true(wrapped == (uint64_t)(int64_t)want_obv);
        wide v = mean(of_volume, t, n, 0);
        check_near("cmf", t, v == 0 ? 0 : (double)(mean(of_flow, t, n, 0) / v), volume_cmf_next(&cmf, &bars[t]), 1e-13);
        double mfi_value = volume_mfi_next(&mfi, &bars[t]), up_value = volume_up_next(&up, &bars[t]);
        wide positive = 0, negative = 0, rose = 0, fell = 0;
        for (uint32_t i = t + 1 - n; t >= n && i <= t; i++) {
            positive += moved(of_money, i) > 0 ? of_money(i) * of_volume(i) : 0;
            negative += moved(of_money, i) < 0 ? of_money(i) * of_volume(i) : 0;
            rose += moved(of_close, i) > 0 ? of_volume(i) : 0;
            fell += moved(of_close, i) < 0 ? of_volume(i) : 0;
        }
        wide flow = positive + negative, sided = rose + fell;
        check_near("mfi", t, t < n ? NAN : flow > 0 ? (double)(100 * positive / flow) : 50, mfi_value, 1e-14);
        check_near("up", t, t < n ? NAN : sided > 0 ? (double)(rose / sided) : 0.5, up_value, 1e-14);
    }
}

static void test_averages(void **unused)
{
    if (getenv("PROPFLEET_VALGRIND"))
        skip(); /* there a long double, which this is held against, has 64 bits */
    (void)unused;
    each_series(averages_of);
}
static void test_volatility(void **unused)
{
    (void)unused;
    each_series(volatility_of);
}
static void test_momentum(void **unused)
{
    (void)unused;
    each_series(momentum_of);
}
static void test_volume(void **unused)
{
    if (getenv("PROPFLEET_VALGRIND"))
        skip(); /* there a long double, which this is held against, has 64 bits */
    (void)unused;
    each_series(volume_of);
}

/* --- edges -----------------------------------------------------------------------------------------------------------
 */

/* After much movement, n flat bars: what is over a window is exactly flat, whatever went through it. */
static void test_flat_window_is_exactly_zero(void **unused)
{
    (void)unused;
    static struct average_deviation deviation;
    static struct volatility_close close;
    static struct volatility_range parkinson;
    static struct volatility_yang_zhang yang_zhang;
    static struct volume_cmf cmf;
    for (uint32_t moving = 100; moving < 140; moving++) { /* at every place of the blocks */
        walk(bars, BARS, seed_base + moving, 0);
        average_deviation_init(&deviation, 20);
        volatility_close_init(&close, 20);
        volatility_range_init(&parkinson, VOLATILITY_PARKINSON, 20);
        volatility_yang_zhang_init(&yang_zhang, 20);
        volume_cmf_init(&cmf, 20);
        double last[5] = {1, 1, 1, 1, 1};
        for (uint32_t t = 0; t < moving + 21; t++) {
            int64_t price = bars[moving - 1].close;
            struct indicator_bar flat = {price, price, price, price, 0};
            const struct indicator_bar *bar = t < moving ? &bars[t] : &flat;
            last[0] = average_deviation_next(&deviation, bar->close);
            last[1] = volatility_close_next(&close, bar->close);
            last[2] = volatility_range_next(&parkinson, bar);
            last[3] = volatility_yang_zhang_next(&yang_zhang, bar);
            last[4] = volume_cmf_next(&cmf, bar);
        }
        for (unsigned i = 0; i < 5; i++)
            if (last[i] != 0.0)
                fail_msg("%u after %u bars: %g", i, moving, last[i]);
    }
}

static void test_one_sided_markets(void **unused)
{
    (void)unused;
    struct momentum_rsi up, down, flat;
    static struct momentum_adx adx;
    static struct volume_mfi mfi;
    momentum_rsi_init(&up, 14);
    momentum_rsi_init(&down, 14);
    momentum_rsi_init(&flat, 14);
    momentum_adx_init(&adx, 14);
    volume_mfi_init(&mfi, 14);
    for (int64_t i = 0; i < 200; i++) {
        struct indicator_bar still = {500, 500, 500, 500, 9};
        double rise = momentum_rsi_next(&up, 1000 + i * i), fall = momentum_rsi_next(&down, 100000 - i * i);
        double nothing = momentum_rsi_next(&flat, 500), none = volume_mfi_next(&mfi, &still);
        struct momentum_direction d = momentum_adx_next(&adx, &still);
        assert_true(i < 14 ? isnan(rise) : rise == 100.0);
        assert_true(i < 14 ? isnan(fall) : fall == 0.0);
        assert_true(i < 14 ? isnan(nothing) : nothing == 50.0);
        assert_true(i < 14 ? isnan(none) : none == 50.0);
        assert_true(isnan(d.plus) && isnan(d.dx) && isnan(d.adx)); /* no range, no direction */
    }
}

static void test_ema_and_leading_nans(void **unused)
{
    (void)unused;
    struct average_ema ema;
    average_ema_init(&ema, 3);
    const double in[] = {NAN, NAN, 1, 2, NAN, 6, 5, NAN, 5}, want[] = {NAN, NAN, NAN, NAN, NAN, 3, 4, NAN, 4.5};
    for (unsigned i = 0; i < 9; i++)
        check_near("ema", i, want[i], average_ema_next(&ema, in[i]), 0);
}

static void test_location(void **unused)
{
    (void)unused;
    struct indicator_bar bar = {5, 9, 1, 3, 7}, flat = {4, 4, 4, 4, 7};
    assert_true(volume_clv(&bar) == -0.5 && volume_clv01(&bar) == 0.25);
    assert_true(volume_clv(&flat) == 0.0 && volume_clv01(&flat) == 0.5);
    bar.close = 9;
    assert_true(volume_clv(&bar) == 1.0 && volume_clv01(&bar) == 1.0);
}

static void test_log_ratio(void **unused)
{
    (void)unused;
    uint64_t seed = seed_base;
    for (unsigned i = 0; i < 200000; i++) {
        int64_t a = 1 + (int64_t)draw(&seed, UINT64_C(1) << (1 + draw(&seed, 53)));
        int64_t b = draw(&seed, 4) == 0 ? 1 + (int64_t)draw(&seed, UINT64_C(1) << 53)
                                        : a + (int64_t)draw(&seed, (uint64_t)a / 8 + 2) - a / 16;
        b = b < 1 ? 1 : b;
        wide want = fabsl((wide)(a - b) / (wide)b) < 0.5L ? log1pl((wide)(a - b) / (wide)b) : logl((wide)a / (wide)b);
        double got = volatility_log_ratio(a, b);
        if (!(fabsl(want - (wide)got) <= 6e-16L * fabsl(want)))
            fail_msg("ln(%lld/%lld) is %.20Lg, not %.17g", (long long)a, (long long)b, want, got);
    }
    assert_true(volatility_log_ratio(77, 77) == 0.0);
}

static void test_bar_of_a_record(void **unused)
{
    (void)unused;
    struct market_record r = {.u.bar = {.open = 110000000,
                                        .high = 110001500,
                                        .low = 109999499,
                                        .close = 110000000,
                                        .volume = 7 * DEC_ONE + DEC_ONE / 2}};
    struct indicator_bar bar;
    assert_true(indicator_bar_of(&r, 1000, DEC_ONE, &bar));
    assert_true(bar.open == 110000 && bar.high == 110002 && bar.low == 109999 && bar.volume == 8);
    assert_true(indicator_bar_of(&r, 1, 1, &bar) && bar.volume == r.u.bar.volume && bar.low == 109999499);
    const dec_t bad[] = {-1, DEC_NONE, DEC_MAX, 0};
    for (unsigned field = 0; field < 4; field++)
        for (unsigned i = 0; i < 4; i++) {
            struct market_record broken = r;
            broken.u.words[field] = bad[i];
            assert_false(indicator_bar_of(&broken, 1, 1, &bar));
        }
    r.u.bar.volume = DEC_MAX;
    assert_false(indicator_bar_of(&r, 1, 1, &bar));
    assert_true(indicator_bar_of(&r, 1, DEC_ONE, &bar));
    r.u.bar.volume = -1;
    assert_false(indicator_bar_of(&r, 1, 1, &bar));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_volatility),
        cmocka_unit_test(test_momentum),
        cmocka_unit_test(test_volume),
        cmocka_unit_test(test_flat_window_is_exactly_zero),
        cmocka_unit_test(test_one_sided_markets),
        cmocka_unit_test(test_ema_and_leading_nans),
        cmocka_unit_test(test_location),
        cmocka_unit_test(test_log_ratio),
        cmocka_unit_test(test_bar_of_a_record),
    };
    const char *text = getenv("PROPFLEET_TEST_SEED");
    seed_base = text ? strtoull(text, NULL, 10) : 20261123;
    print_message("PROPFLEET_TEST_SEED=%llu\n", (unsigned long long)seed_base);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
