/* What holds for every indicator: its state is bytes that compare equal for equal histories, survives being copied, and
 * is refused or harmless when it is not its own; values stay defined and the array versions are the steps. */
#include <math.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/indicator_support.h"
#include "workers/strategy/indicators/averages.h"
#include "workers/strategy/indicators/momentum.h"
#include "workers/strategy/indicators/volatility.h"
#include "workers/strategy/indicators/volume.h"

#define BARS 1500u

struct slot {
    alignas(16) unsigned char bytes[SUBJECT_BYTES_MAX];
};
static struct slot one, two, kept;
static struct indicator_bar bars[BARS];
static uint64_t seed_base;

static void step(const struct subject *subject, struct slot *slot, const struct indicator_bar *bar,
                 double out[SUBJECT_VALUES_MAX])
{
    for (unsigned i = 0; i < SUBJECT_VALUES_MAX; i++)
        out[i] = NAN;
    subject->next(slot->bytes, bar, out);
}

/* In memory that was never zero; the other dies and is restored elsewhere, now and then. */
static void test_equal_histories_equal_bytes(void **unused)
{
    (void)unused;
    for (size_t n = 0; n < subject_count; n++)
        for (unsigned kind = 0; kind < 3; kind++) {
            const struct subject *subject = &subjects[n];
            uint64_t seed = seed_base + 100 * n + kind;
            assert_true(subject->bytes <= SUBJECT_BYTES_MAX && subject->bytes % 8 == 0);
            walk(bars, BARS, seed, kind);
            memset(&one, 0xa5, sizeof one);
            memset(&two, 0x3c, sizeof two);
            subject->init(one.bytes);
            subject->init(two.bytes);
            for (uint32_t i = 0; i < BARS; i++) {
                double a[SUBJECT_VALUES_MAX], b[SUBJECT_VALUES_MAX];
                if (draw(&seed, 40) == 0) {
                    kept = two;
                    memset(&two, 0x5a, sizeof two);
                    if (!subject->restorable(kept.bytes))
                        fail_msg("%s, kind %u, bar %u: its own state is refused", subject->name, kind, i);
                    memcpy(two.bytes, kept.bytes, subject->bytes);
                }
                step(subject, &one, &bars[i], a);
                step(subject, &two, &bars[i], b);
                assert_memory_equal(a, b, sizeof a);
            }
            if (memcmp(one.bytes, two.bytes, subject->bytes) != 0)
                fail_msg("%s, kind %u: bytes differ after equal histories", subject->name, kind);
            assert_true(one.bytes[SUBJECT_BYTES_MAX - 1] == 0xa5); /* nothing behind the state */
        }
}

static void test_zeros_and_noise_are_no_state(void **unused)
{
    (void)unused;
    for (size_t n = 0; n < subject_count; n++) {
        memset(&one, 0, sizeof one);
        assert_int_equal(subjects[n].restorable(one.bytes), subjects[n].zeros_are_a_state);
        memset(&one, 0xff, sizeof one);
        assert_false(subjects[n].restorable(one.bytes));
    }
}

/* Any flipped bit is refused, or the indicator goes on without harm (which the sanitizers watch). */
static void test_hostile_snapshots(void **unused)
{
    (void)unused;
    unsigned refused = 0, tried = 0;
    for (size_t n = 0; n < subject_count; n++) {
        const struct subject *subject = &subjects[n];
        unsigned refused_here = 0;
        walk(bars, BARS, seed_base + n, 0);
        subject->init(kept.bytes);
        double out[SUBJECT_VALUES_MAX];
        for (uint32_t i = 0; i < 600; i++)
            step(subject, &kept, &bars[i], out);
        uint64_t seed = hash_mix64(seed_base + 7 * n);
        for (unsigned run = 0; run < 1500; run++) {
            memcpy(one.bytes, kept.bytes, subject->bytes);
            /* heads, counts and positions stand first */
            size_t at = draw(&seed, 2) && subject->bytes > 64 ? draw(&seed, 64) : draw(&seed, subject->bytes);
            one.bytes[at] ^= (unsigned char)(1u << draw(&seed, 8));
            tried++;
            if (!subject->restorable(one.bytes)) {
                refused_here++;
                continue;
            }
            for (uint32_t i = 600; i < 700; i++)
                step(subject, &one, &bars[i], out);
        }
        if (refused_here < 50 && subject->bytes > 8) /* any number is a total */
            fail_msg("%s: %u of 1500 flipped bits refused", subject->name, refused_here);
        refused += refused_here;
    }
    print_message("%u of %u flipped bits refused\n", refused, tried);
}

/* A state of other parameters is not this one's. */
static void test_parameters_must_agree(void **unused)
{
    (void)unused;
    static struct average_sma sma;
    static struct volatility_range range;
    struct average_ema ema;
    struct momentum_rsi rsi;
    average_sma_init(&sma, 20);
    assert_true(average_sma_restorable(&sma, 20));
    assert_false(average_sma_restorable(&sma, 21));
    average_ema_init(&ema, 20);
    assert_true(average_ema_restorable(&ema, 20, false));
    assert_false(average_ema_restorable(&ema, 20, true));
    momentum_rsi_init(&rsi, 14);
    assert_false(momentum_rsi_restorable(&rsi, 13));
    volatility_range_init(&range, VOLATILITY_PARKINSON, 20);
    assert_true(volatility_range_restorable(&range, VOLATILITY_PARKINSON, 20));
    assert_false(volatility_range_restorable(&range, VOLATILITY_GARMAN_KLASS, 20));
}

/* --- arrays ---------------------------------------------------------------------------------------------------------
 */

static int64_t closes[BARS], totals[BARS];
static double values[BARS], out_run[BARS];

/* In pieces that begin and end anywhere, also before there are values. */
#define CHECK_RUN(type, init_call, run_call, next_call)                                                                \
    do {                                                                                                               \
        static struct type stepped, ran;                                                                               \
        memset(&stepped, 0x11, sizeof stepped);                                                                        \
        memset(&ran, 0x77, sizeof ran);                                                                                \
        struct type *s = &stepped;                                                                                     \
        init_call;                                                                                                     \
        s = &ran;                                                                                                      \
        init_call;                                                                                                     \
        for (uint32_t from = 0, n; from < BARS; from += n) {                                                           \
            n = (uint32_t)draw(&seed, 50);                                                                             \
            n = from + n > BARS ? BARS - from : n;                                                                     \
            s = &ran;                                                                                                  \
            run_call;                                                                                                  \
            s = &stepped;                                                                                              \
            for (uint32_t i = from; i < from + n; i++) {                                                               \
                double value = (double)(next_call);                                                                    \
                assert_memory_equal(&value, &out_run[i], sizeof value);                                                \
            }                                                                                                          \
            assert_memory_equal(&stepped, &ran, sizeof ran);                                                           \
        }                                                                                                              \
    } while (0)

static void test_arrays_are_the_steps(void **unused)
{
    (void)unused;
    for (unsigned kind = 0; kind < 3; kind++)
        for (uint32_t period = 1; period <= 40; period += period < 4 ? 1 : 12) {
            uint64_t seed = seed_base + 31 * kind + period;
            walk(bars, BARS, seed, kind);
            for (uint32_t i = 0; i < BARS; i++) {
                closes[i] = bars[i].close;
                values[i] = i < 7 || draw(&seed, 60) == 0 ? NAN : (double)bars[i].close;
            }
            CHECK_RUN(average_sma, average_sma_init(s, period), average_sma_run(s, closes + from, n, out_run + from),
                      average_sma_next(s, closes[i]));
            CHECK_RUN(average_ema, average_ema_init(s, period), average_ema_run(s, values + from, n, out_run + from),
                      average_ema_next(s, values[i]));
            CHECK_RUN(average_deviation, average_deviation_init(s, period),
                      average_deviation_run(s, closes + from, n, out_run + from), average_deviation_next(s, closes[i]));
            CHECK_RUN(volatility_atr, volatility_atr_init(s, period),
                      volatility_atr_run(s, bars + from, n, out_run + from), volatility_atr_next(s, &bars[i]));
            CHECK_RUN(momentum_rsi, momentum_rsi_init(s, period), momentum_rsi_run(s, closes + from, n, out_run + from),
                      momentum_rsi_next(s, closes[i]));
            CHECK_RUN(volume_mfi, volume_mfi_init(s, period), volume_mfi_run(s, bars + from, n, out_run + from),
                      volume_mfi_next(s, &bars[i]));
            CHECK_RUN(volume_adl, volume_adl_init(s), volume_adl_run(s, bars + from, n, out_run + from),
                      volume_adl_next(s, &bars[i]));
            if (period >= 2)
                CHECK_RUN(momentum_adx, momentum_adx_init(s, period),
                          momentum_adx_run(s, bars + from, n, out_run + from), momentum_adx_next(s, &bars[i]).adx);
        }
}

static void test_obv_array(void **unused)
{
    (void)unused;
    struct volume_obv stepped, ran;
    walk(bars, BARS, seed_base, 0);
    volume_obv_init(&stepped);
    volume_obv_init(&ran);
    volume_obv_run(&ran, bars, 1, totals);
    volume_obv_run(&ran, bars + 1, BARS - 1, totals + 1);
    for (uint32_t i = 0; i < BARS; i++)
        assert_true(volume_obv_next(&stepped, &bars[i]) == totals[i]);
    assert_memory_equal(&stepped, &ran, sizeof ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_histories_equal_bytes), cmocka_unit_test(test_zeros_and_noise_are_no_state),
        cmocka_unit_test(test_hostile_snapshots),           cmocka_unit_test(test_parameters_must_agree),
        cmocka_unit_test(test_arrays_are_the_steps),        cmocka_unit_test(test_obv_array),
    };
    const char *text = getenv("PROPFLEET_TEST_SEED");
    seed_base = text ? strtoull(text, NULL, 10) : 20261122;
    print_message("PROPFLEET_TEST_SEED=%llu\n", (unsigned long long)seed_base);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
