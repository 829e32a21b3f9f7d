/* The range breakout against a naive recomputation, its parameters one by one, its state as bytes, its ATR against
 * golden numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/broker/broker.h"
#include "workers/strategy/signal.h"

#define TICK (DEC_ONE / 100000)
#define NS INT64_C(1000000000)
#define BARS_MAX 3000u
#define WORDS (DETECTOR_STATE_BYTES_MAX / sizeof(uint64_t))

static const struct detector *const detector = &breakout_detector;

/* A state lies in memory that was never zero. */
struct slot {
    uint64_t words[WORDS];
};
static void slot_init(struct slot *slot, const struct config_personality *p)
{
    memset(slot, 0xa5, sizeof *slot);
    detector->init(slot, p);
}

static struct config_personality personality(void)
{
    return (struct config_personality){.lookback = 20, .atr_period = 14, .stop_atr = 2.0, .target_r = 1.5};
}

static uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

static struct market_record bar_of(uint32_t i, dec_t open, dec_t high, dec_t low, dec_t close)
{
    return (struct market_record){.seq = 10 * (i + 1),
                                  .time_ns = (int64_t)(i + 1) * 900 * NS,
                                  .kind = MARKET_BAR,
                                  .timeframe = TIMEFRAME_M15,
                                  .instrument = 3,
                                  .u.bar = {.open = open, .high = high, .low = low, .close = close}};
}

/* A walk in ticks, gaps and flat stretches (ties) included. */
static void walk(struct market_record *bars, uint32_t count, uint64_t seed)
{
    int64_t price = 110000;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t width = draw(&seed, 5) == 0 ? 1 : 40;
        int64_t open = price + (draw(&seed, 20) == 0 ? (int64_t)draw(&seed, 61) - 30 : 0);
        int64_t close = open + (int64_t)draw(&seed, 2 * width + 1) - (int64_t)width;
        int64_t high = (open > close ? open : close) + (int64_t)draw(&seed, width);
        int64_t low = (open < close ? open : close) - (int64_t)draw(&seed, width);
        bars[i] = bar_of(i, open * TICK, high * TICK, low * TICK, close * TICK);
        if (i < 60 || draw(&seed, 100) == 0)
            bars[i].flags |= MARKET_WARMUP;
        price = close;
    }
}

/* --- naive: everything from the bars, each time --------------------------------------------------------------------
 */

static double naive_tr(const struct market_record *bars, uint32_t i)
{
    double before = dec_to_double(bars[i - 1].u.bar.close);
    return fmax(dec_to_double(bars[i].u.bar.high), before) - fmin(dec_to_double(bars[i].u.bar.low), before);
}

static void naive_atr(const struct market_record *bars, uint32_t count, uint32_t n, double *atr)
{
    double sum = 0.0;
    for (uint32_t i = 1; i < count; i++) {
        if (i <= n)
            sum += naive_tr(bars, i);
        atr[i] = i < n ? NAN : i == n ? sum / n : (atr[i - 1] * (n - 1) + naive_tr(bars, i)) / n;
    }
}

static bool naive_session(const struct config_personality *p, int64_t time_ns)
{
    if (p->session_from_s == p->session_to_s)
        return true;
    for (int64_t s = p->session_from_s; s % 86400 != p->session_to_s; s++) /* every second of the session */
        if (time_ns / NS % 86400 == s % 86400)
            return true;
    return false;
}

struct naive {
    bool signaled;
    uint32_t signal_bar;
};
static int naive_on_bar(struct naive *naive, const struct config_personality *p, const struct market_record *bars,
                        const double *atr, uint32_t i, struct signal *out)
{
    if (i < p->lookback || i < p->atr_period)
        return 0;
    dec_t high = 0, low = DEC_MAX, close = bars[i].u.bar.close;
    for (uint32_t k = i - p->lookback; k < i; k++) {
        high = dec_max(high, bars[k].u.bar.high);
        low = dec_min(low, bars[k].u.bar.low);
    }
    bool buy = dec_to_double(close - high) > p->buffer_atr * atr[i] && close > high;
    bool sell = dec_to_double(low - close) > p->buffer_atr * atr[i] && close < low;
    if ((!buy && !sell) || bars[i].flags & MARKET_WARMUP || !naive_session(p, bars[i].time_ns))
        return 0;
    if (p->range_max_atr > 0 && dec_to_double(high - low) > p->range_max_atr * atr[i])
        return 0;
    if ((p->direction == DIRECTION_LONG && sell) || (p->direction == DIRECTION_SHORT && buy))
        return 0;
    if (naive->signaled && i <= naive->signal_bar + p->cooldown_bars)
        return 0;
    *naive = (struct naive){true, i};
    int64_t stop_ticks = (int64_t)fmax(1.0, ceil(p->stop_atr * atr[i] / dec_to_double(TICK)));
    double beyond = dec_to_double(buy ? close - high : low - close) / atr[i];
    *out = (struct signal){.side = buy ? SIDE_BUY : SIDE_SELL,
                           .price = close,
                           .range_high = high,
                           .range_low = low,
                           .atr = atr[i],
                           .stop_distance = stop_ticks * TICK,
                           .target_distance = llround(p->target_r * (double)stop_ticks) * TICK,
                           .strength = beyond / (1.0 + beyond)};
    return 1;
}

static void expect_near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b)))
        fail_msg("%.17g is not %.17g", a, b);
}

static void expect_signal(const struct signal *got, const struct signal *want, const struct market_record *bar)
{
    assert_int_equal(got->pattern, PATTERN_RANGE_BREAKOUT);
    assert_int_equal(got->instrument, 3);
    assert_int_equal(got->timeframe, TIMEFRAME_M15);
    assert_int_equal(got->bar_seq, bar->seq);
    assert_int_equal(got->time_ns, bar->time_ns);
    assert_int_equal(got->side, want->side);
    assert_int_equal(got->price, want->price);
    assert_int_equal(got->range_high, want->range_high);
    assert_int_equal(got->range_low, want->range_low);
    assert_int_equal(got->stop_distance, want->stop_distance);
    assert_int_equal(got->target_distance, want->target_distance);
    expect_near(got->atr, want->atr);
    expect_near(got->strength, want->strength);
    assert_true(got->strength > 0.0 && got->strength < 1.0);
}

static struct config_personality random_personality(uint64_t *seed)
{
    static const uint32_t lookbacks[] = {5, 6, 20, 55, 199, 200}, periods[] = {2, 3, 14, 60, 100};
    struct config_personality p = {.lookback = lookbacks[draw(seed, 6)], .atr_period = periods[draw(seed, 5)]};
    p.buffer_atr = (double)draw(seed, 3) * 0.1;
    p.range_max_atr = draw(seed, 2) ? 0.0 : 3.0 + (double)draw(seed, 8);
    p.stop_atr = 0.01 + (double)draw(seed, 30) / 10.0;
    p.target_r = (double)draw(seed, 5) * 0.7;
    p.cooldown_bars = (uint32_t)draw(seed, 3) * 5;
    p.direction = (uint32_t)draw(seed, 3);
    if (draw(seed, 2)) {
        p.session_from_s = (int32_t)draw(seed, 24) * 3600;
        p.session_to_s = (int32_t)draw(seed, 24) * 3600;
    }
    return p;
}

static void test_against_naive(void **unused)
{
    (void)unused;
    static struct market_record bars[BARS_MAX];
    static double atr[BARS_MAX];
    unsigned signals = 0, with_session = 0;
    for (uint64_t run = 0; run < 120; run++) {
        uint64_t seed = hash_mix64(run + 1);
        struct config_personality p = random_personality(&seed);
        walk(bars, BARS_MAX, seed);
        naive_atr(bars, BARS_MAX, p.atr_period, atr);
        struct slot slot;
        slot_init(&slot, &p);
        struct naive naive = {0};
        for (uint32_t i = 0; i < BARS_MAX; i++) {
            struct signal got, want = {0};
            memset(&got, 0xee, sizeof got);
            int found = detector->on_bar(&slot, &p, &bars[i], TICK, &got);
            if (found != naive_on_bar(&naive, &p, bars, atr, i, &want))
                fail_msg("run %u bar %u: %d", (unsigned)run, i, found);
            if (found)
                expect_signal(&got, &want, &bars[i]);
            signals += (unsigned)found;
            with_session += found && p.session_from_s != p.session_to_s;
            if (i % 97 == 0)
                assert_true(detector->restorable(&slot, &p));
        }
    }
    print_message("%u signals, %u of them under a session\n", signals, with_session);
    assert_true(signals > 1000 && with_session > 100);
}

/* --- one by one ------------------------------------------------------------------------------------------------------
 */

/* Bars of two ticks' width around 1.1, then one more that closes `ticks` above the range. */
static int quiet_then_close(const struct config_personality *p, uint32_t quiet, int64_t ticks, uint8_t flags,
                            struct slot *slot, struct signal *out)
{
    const dec_t middle = 110000 * TICK;
    struct market_record bar;
    slot_init(slot, p);
    for (uint32_t i = 0; i < quiet; i++) {
        bar = bar_of(i, middle, middle + TICK, middle - TICK, middle);
        assert_int_equal(detector->on_bar(slot, p, &bar, TICK, out), 0);
    }
    dec_t close = ticks > 0 ? middle + TICK + ticks * TICK : middle - TICK + ticks * TICK;
    bar = bar_of(quiet, middle, dec_max(middle, close), dec_min(middle, close), close);
    bar.flags = flags;
    return detector->on_bar(slot, p, &bar, TICK, out);
}

static void test_warmup(void **unused)
{
    (void)unused;
    struct config_personality p = personality();
    struct slot slot;
    struct signal out;
    assert_int_equal(detector->warmup_bars(&p), 20);
    assert_int_equal(quiet_then_close(&p, 19, 50, 0, &slot, &out), 0);
    assert_int_equal(quiet_then_close(&p, 20, 50, 0, &slot, &out), 1);
    p.atr_period = 40;
    assert_int_equal(detector->warmup_bars(&p), 40);
    assert_int_equal(quiet_then_close(&p, 39, 50, 0, &slot, &out), 0);
    assert_int_equal(quiet_then_close(&p, 40, 50, 0, &slot, &out), 1);
}

static void test_hand_numbers(void **unused)
{
    (void)unused;
    struct config_personality p = personality();
    struct slot slot;
    struct signal out;
    /* ATR: twenty bars of 2 ticks, then one of 15 (open 1.1, close 14 + 1 above it): (2 * 13 + 15) / 14 ticks. Stop: 2
     * ATR = 5.857 -> 6 ticks. Target 1.5 * 6 = 9. Beyond the range: 14 ticks. */
    assert_int_equal(quiet_then_close(&p, 20, 14, 0, &slot, &out), 1);
    double atr_ticks = 41.0 / 14.0;
    assert_int_equal(out.side, SIDE_BUY);
    assert_int_equal(out.range_high, 110001 * TICK);
    assert_int_equal(out.range_low, 109999 * TICK);
    assert_int_equal(out.price, 110015 * TICK);
    expect_near(out.atr, atr_ticks * 1e-5);
    assert_int_equal(out.stop_distance, 6 * TICK);
    assert_int_equal(out.target_distance, 9 * TICK);
    expect_near(out.strength, 14.0 / (14.0 + atr_ticks));
    assert_int_equal(quiet_then_close(&p, 20, -14, 0, &slot, &out), 1);
    assert_int_equal(out.side, SIDE_SELL);
    assert_int_equal(out.price, 109985 * TICK);
    p.stop_atr = 1e-9; /* at least one tick each */
    p.target_r = 0.01;
    assert_int_equal(quiet_then_close(&p, 20, 14, 0, &slot, &out), 1);
    assert_int_equal(out.stop_distance, TICK);
    assert_int_equal(out.target_distance, TICK);
    p.target_r = 0.0;
    assert_int_equal(quiet_then_close(&p, 20, 14, 0, &slot, &out), 1);
    assert_int_equal(out.target_distance, 0);
    p.stop_atr = 1e300; /* does not fit */
    assert_int_equal(quiet_then_close(&p, 20, 14, 0, &slot, &out), 0);
}

static void test_edges(void **unused)
{
    (void)unused;
    struct config_personality p = personality();
    struct slot slot;
    struct signal out;
    assert_int_equal(quiet_then_close(&p, 20, 1, 0, &slot, &out), 1);
    const dec_t middle = 110000 * TICK; /* at the edge is not beyond it */
    struct market_record bar = bar_of(20, middle, middle + 30 * TICK, middle, middle + TICK);
    slot_init(&slot, &p);
    for (uint32_t i = 0; i < 20; i++) {
        struct market_record quiet = bar_of(i, middle, middle + TICK, middle - TICK, middle);
        (void)detector->on_bar(&slot, &p, &quiet, TICK, &out);
    }
    assert_int_equal(detector->on_bar(&slot, &p, &bar, TICK, &out), 0);
    /* 1 tick beyond, the last bar 2 ticks wide: ATR 2 ticks, so that the buffer's edge is at 0.5. */
    p.buffer_atr = 0.51;
    assert_int_equal(quiet_then_close(&p, 20, 1, 0, &slot, &out), 0);
    p.buffer_atr = 0.49;
    assert_int_equal(quiet_then_close(&p, 20, 1, 0, &slot, &out), 1);
    p.range_max_atr = 0.99; /* range 2 ticks */
    assert_int_equal(quiet_then_close(&p, 20, 1, 0, &slot, &out), 0);
    p.range_max_atr = 1.01;
    assert_int_equal(quiet_then_close(&p, 20, 1, 0, &slot, &out), 1);
}

static void test_direction_and_warmup_flag(void **unused)
{
    (void)unused;
    struct config_personality p = personality();
    struct slot slot;
    struct signal out;
    p.direction = DIRECTION_LONG;
    assert_int_equal(quiet_then_close(&p, 20, 5, 0, &slot, &out), 1);
    assert_int_equal(quiet_then_close(&p, 20, -5, 0, &slot, &out), 0);
    p.direction = DIRECTION_SHORT;
    assert_int_equal(quiet_then_close(&p, 20, 5, 0, &slot, &out), 0);
    assert_int_equal(quiet_then_close(&p, 20, -5, 0, &slot, &out), 1);
    p.direction = DIRECTION_BOTH;
    p.cooldown_bars = 10;
    assert_int_equal(quiet_then_close(&p, 20, 5, MARKET_WARMUP, &slot, &out), 0);
    /* It gave no signal, so it started no cooldown. */
    struct market_record bar = bar_of(21, 110006 * TICK, 110020 * TICK, 110006 * TICK, 110020 * TICK);
    assert_int_equal(detector->on_bar(&slot, &p, &bar, TICK, &out), 1);
}

static void test_cooldown(void **unused)
{
    (void)unused;
    struct config_personality p = personality();
    struct slot slot;
    struct signal out;
    p.cooldown_bars = 3;
    assert_int_equal(quiet_then_close(&p, 20, 5, 0, &slot, &out), 1);
    static const int wanted[] = {0, 0, 0, 1, 0}; /* each of these bars closes at a new high */
    for (uint32_t i = 0; i < 5; i++) {
        dec_t open = 110006 * TICK + (dec_t)i * 20 * TICK, close = open + 20 * TICK;
        struct market_record bar = bar_of(21 + i, open, close, open, close);
        assert_int_equal(detector->on_bar(&slot, &p, &bar, TICK, &out), wanted[i]);
    }
}

static void test_session(void **unused)
{
    (void)unused;
    static const struct {
        int32_t from_s, to_s;
        int64_t second;
        int wanted;
    } cases[] = {
        {0, 0, 0, 1},
        {36000, 36000, 50, 1},
        {36000, 61200, 35999, 0},
        {36000, 61200, 36000, 1},
        {36000, 61200, 61199, 1},
        {36000, 61200, 61200, 0},
        {79200, 21600, 79199, 0},
        {79200, 21600, 79200, 1},
        {79200, 21600, 0, 1},
        {79200, 21600, 21599, 1},
        {79200, 21600, 21600, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int64_t day = -1; day <= 20000; day += 20001) {
            struct config_personality p = personality();
            p.session_from_s = cases[i].from_s;
            p.session_to_s = cases[i].to_s;
            struct slot slot;
            struct signal out;
            slot_init(&slot, &p);
            for (uint32_t n = 0; n < 20; n++) {
                struct market_record quiet = bar_of(n, DEC_ONE, DEC_ONE + TICK, DEC_ONE - TICK, DEC_ONE);
                (void)detector->on_bar(&slot, &p, &quiet, TICK, &out);
            }
            struct market_record bar = bar_of(20, DEC_ONE, DEC_ONE + 9 * TICK, DEC_ONE, DEC_ONE + 9 * TICK);
            bar.time_ns = (day * 86400 + cases[i].second) * NS + 999999999;
            assert_int_equal(detector->on_bar(&slot, &p, &bar, TICK, &out), cases[i].wanted);
        }
}

static void test_impossible_bars_are_passed_over(void **unused)
{
    (void)unused;
    struct config_personality p = personality();
    struct slot slot, kept;
    struct signal out;
    assert_int_equal(quiet_then_close(&p, 25, 5, 0, &slot, &out), 1);
    kept = slot;
    struct market_record bad[] = {
        bar_of(30, 0, 0, 0, 0),
        bar_of(30, -DEC_ONE, DEC_ONE, -DEC_ONE, DEC_ONE),
        bar_of(30, 2 * DEC_ONE, DEC_ONE, 3 * DEC_ONE, 2 * DEC_ONE),
        bar_of(30, DEC_ONE, DEC_ONE, DEC_ONE, 2 * DEC_ONE),
        bar_of(30, DEC_ONE / 2, DEC_ONE, DEC_ONE, DEC_ONE),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(detector->on_bar(&slot, &p, &bad[i], TICK, &out), 0);
    assert_memory_equal(&slot, &kept, sizeof slot);
}

static void test_extreme_prices(void **unused)
{
    (void)unused;
    struct config_personality p = personality();
    struct slot slot;
    struct signal out;
    slot_init(&slot, &p);
    for (uint32_t i = 0; i < 300; i++) { /* as wide as dec_t allows, up and down */
        dec_t close = i % 2 ? DEC_MAX : 1;
        struct market_record bar = bar_of(i, DEC_ONE, DEC_MAX, 1, close);
        (void)detector->on_bar(&slot, &p, &bar, 1, &out);
    }
    assert_true(detector->restorable(&slot, &p));
}

/* --- the state as bytes ---------------------------------------------------------------------------------------------
 */

static void test_snapshot_and_restore(void **unused)
{
    (void)unused;
    static struct market_record bars[BARS_MAX];
    for (uint64_t run = 0; run < 30; run++) {
        uint64_t seed = hash_mix64(run + 500);
        struct config_personality p = random_personality(&seed);
        walk(bars, BARS_MAX, seed);
        struct slot twin, other;
        slot_init(&twin, &p);
        slot_init(&other, &p);
        assert_memory_equal(&twin, &other, detector->state_bytes);
        unsigned char snapshot[DETECTOR_STATE_BYTES_MAX];
        for (uint32_t i = 0; i < BARS_MAX; i++) {
            if (draw(&seed, 50) == 0) { /* dies, and is restored elsewhere */
                memcpy(snapshot, &other, detector->state_bytes);
                memset(&other, 0x5a, sizeof other);
                memcpy(&other, snapshot, detector->state_bytes);
                assert_true(detector->restorable(&other, &p));
            }
            struct signal a, b;
            int found = detector->on_bar(&twin, &p, &bars[i], TICK, &a);
            assert_int_equal(found, detector->on_bar(&other, &p, &bars[i], TICK, &b));
            if (found)
                assert_memory_equal(&a, &b, sizeof a);
        }
        assert_memory_equal(&twin, &other, detector->state_bytes);
    }
}

/* Any bytes at all are either refused or safe to go on from. */
static void test_hostile_snapshots(void **unused)
{
    (void)unused;
    static struct market_record bars[300];
    struct config_personality p = personality(), other = p;
    struct slot good, slot;
    struct signal out;
    walk(bars, 300, 9);
    slot_init(&good, &p);
    for (uint32_t i = 0; i < 200; i++)
        (void)detector->on_bar(&good, &p, &bars[i], TICK, &out);
    assert_true(detector->restorable(&good, &p));
    other.lookback++;
    assert_false(detector->restorable(&good, &other));
    other = p;
    other.atr_period++;
    assert_false(detector->restorable(&good, &other));
    memset(&slot, 0, sizeof slot);
    assert_false(detector->restorable(&slot, &p)); /* no version */
    unsigned refused = 0;
    for (uint64_t run = 0; run < 20000; run++) {
        uint64_t seed = hash_mix64(run);
        slot = good;
        /* head, count and the first places of the deques are where a flipped bit does most harm */
        size_t at = draw(&seed, 2) ? draw(&seed, 64) : draw(&seed, detector->state_bytes);
        ((unsigned char *)&slot)[at] ^= (unsigned char)(1u << draw(&seed, 8));
        if (!detector->restorable(&slot, &p)) {
            refused++;
            continue;
        }
        for (uint32_t i = 200; i < 300; i++)
            (void)detector->on_bar(&slot, &p, &bars[i], TICK, &out);
    }
    print_message("%u of 20000 flipped bits refused\n", refused);
    assert_true(refused > 1000);
}

static void test_interface(void **unused)
{
    (void)unused;
    assert_true(detector->state_bytes % 8 == 0 && detector->state_bytes <= DETECTOR_STATE_BYTES_MAX);
    assert_true(detector->version > 0);
    assert_string_equal(signal_pattern_name(PATTERN_RANGE_BREAKOUT), "range_breakout");
    assert_string_equal(signal_pattern_name(PATTERN_COUNT), "?");
}

/* --- golden ATR
 * ------------------------------------------------------------------------------------------------------- */

static FILE *golden_open(const char *shared, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/indicators/%s", shared, name);
    return fopen(path, "r");
}

static dec_t golden_dec(const char *field)
{
    dec_t value;
    if (dec_parse(field, strlen(field), &value) != 0)
        fail_msg("not a decimal: %s", field);
    return value;
}

/* The state's ATR is seen where a signal is given: with a lookback of 5 that is often enough. */
static void test_atr_against_golden(void **unused)
{
    (void)unused;
    const char *shared = getenv("PROPFLEET_SHARED");
    FILE *input = shared ? golden_open(shared, "eurusd_h1_input.csv") : NULL;
    FILE *expected = shared ? golden_open(shared, "eurusd_h1_talib.csv") : NULL;
    if (!input || !expected) {
        print_message("PROPFLEET_SHARED names no folder with golden/indicators: skipped\n");
        if (input)
            fclose(input);
        if (expected)
            fclose(expected);
        skip();
    }
    struct config_personality p = {.lookback = 5, .atr_period = 14, .stop_atr = 1.0};
    struct slot slot;
    slot_init(&slot, &p);
    char line[1024], want[1024];
    unsigned compared = 0, bars = 0;
    assert_non_null(fgets(line, sizeof line, input));
    assert_non_null(fgets(want, sizeof want, expected));
    for (; fgets(line, sizeof line, input) && fgets(want, sizeof want, expected); bars++) {
        char open[32], high[32], low[32], close[32], atr[64] = "";
        assert_int_equal(sscanf(line, "%*[^,],%*[^,],%31[^,],%31[^,],%31[^,],%31[^,]", open, high, low, close), 4);
        struct market_record bar = bar_of(bars, golden_dec(open), golden_dec(high), golden_dec(low), golden_dec(close));
        struct signal out;
        if (!detector->on_bar(&slot, &p, &bar, TICK, &out))
            continue;
        assert_int_equal(sscanf(want, "%*[^,],%*[^,],%63[^,]", atr), 1);
        double golden = strtod(atr, NULL);
        if (!(fabs(out.atr - golden) <= 1e-11 * golden))
            fail_msg("bar %u: %.17g is not %.17g", bars, out.atr, golden);
        compared++;
    }
    print_message("%u values in %u bars equal TA-Lib's to 1e-11\n", compared, bars);
    assert_true(compared > 100);
    fclose(input);
    fclose(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_naive),
        cmocka_unit_test(test_warmup),
        cmocka_unit_test(test_hand_numbers),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_direction_and_warmup_flag),
        cmocka_unit_test(test_cooldown),
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_impossible_bars_are_passed_over),
        cmocka_unit_test(test_extreme_prices),
        cmocka_unit_test(test_snapshot_and_restore),
        cmocka_unit_test(test_hostile_snapshots),
        cmocka_unit_test(test_interface),
        cmocka_unit_test(test_atr_against_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
