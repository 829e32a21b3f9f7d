/* A signal's record: how it is born, what may happen to it and in which order, and bytes that are none. */
#include <errno.h>
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
#include "workers/strategy/signals/record.h"

#define PRICE (110 * DEC_ONE / 100)
#define PIP (DEC_ONE / 10000)

static uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

static struct signal a_signal(uint32_t side)
{
    return (struct signal){.pattern = PATTERN_RANGE_BREAKOUT, .instrument = 2, .timeframe = TIMEFRAME_H1, .side = side,
                           .bar_seq = 77, .time_ns = 1000, .price = PRICE, .stop_distance = 20 * PIP,
                           .target_distance = 50 * PIP, .strength = 0.4, .atr = 0.001};
}

static struct signals_record offered(void)
{
    struct signals_record r;
    struct signal s = a_signal(SIDE_BUY);
    assert_true(signals_record_open(&s, 3, SIGNALS_KIND_BREAKOUT, &r));
    return r;
}

static void test_stop_and_target_lie_on_their_sides(void **state)
{
    (void)state;
    struct signals_record r;
    struct signal s = a_signal(SIDE_BUY);
    assert_true(signals_record_open(&s, 3, SIGNALS_KIND_BREAKOUT, &r));
    assert_int_equal(r.stop, PRICE - 20 * PIP);
    assert_int_equal(r.target, PRICE + 50 * PIP);
    assert_true(signals_record_sane(&r));
    assert_true(isnan(r.p) && isnan(r.net_r));
    assert_int_equal(r.stage, 3);
    assert_false(signals_record_settled(&r));
    s = a_signal(SIDE_SELL);
    assert_true(signals_record_open(&s, 0, SIGNALS_KIND_REVERSAL, &r));
    assert_int_equal(r.stop, PRICE + 20 * PIP);
    assert_int_equal(r.target, PRICE - 50 * PIP);
    assert_true(signals_record_sane(&r));
    s.target_distance = 0;
    assert_true(signals_record_open(&s, 0, SIGNALS_KIND_REVERSAL, &r));
    assert_int_equal(r.target, 0);
    assert_true(signals_record_sane(&r));
}

static void test_what_is_no_signal_is_no_record(void **state)
{
    (void)state;
    struct signals_record r, zero;
    memset(&zero, 0, sizeof zero);
    for (int i = 0; i < 8; i++) {
        struct signal s = a_signal(i == 7 ? SIDE_SELL : SIDE_BUY);
        switch (i) {
        case 0: s.side = 0; break;
        case 1: s.side = 3; break;
        case 2: s.stop_distance = 0; break;
        case 3: s.price = 0; break;
        case 4: s.stop_distance = PRICE; break;      /* a stop at zero */
        case 5: s.target_distance = DEC_MAX; break;  /* beyond the range */
        case 6: s.pattern = PATTERN_COUNT; break;
        default: s.target_distance = PRICE + PIP; break; /* a target below zero */
        }
        memset(&r, 0xa5, sizeof r);
        assert_false(signals_record_open(&s, 0, SIGNALS_KIND_OTHER, &r));
        assert_memory_equal(&r, &zero, sizeof r);
    }
}

static void test_the_id_is_the_event_and_no_account(void **state)
{
    (void)state;
    struct signal s = a_signal(SIDE_BUY);
    uint64_t id = signals_record_id(&s);
    s.price += PIP;
    s.stop_distance += PIP;
    s.strength = 0.9;
    assert_true(signals_record_id(&s) == id);
    uint64_t others[6];
    for (int i = 0; i < 6; i++) {
        struct signal t = a_signal(SIDE_BUY);
        if (i == 0) t.instrument++;
        if (i == 1) t.timeframe++;
        if (i == 2) t.side = SIDE_SELL;
        if (i == 3) t.bar_seq++;
        if (i == 4) t.time_ns++;
        if (i == 5) { /* exchanged numbers are another event */
            t.instrument = TIMEFRAME_H1;
            t.timeframe = 2;
        }
        others[i] = signals_record_id(&t);
        assert_true(others[i] != id);
        for (int j = 0; j < i; j++)
            assert_true(others[i] != others[j]);
    }
}

/* op on a record; 0 when it happened. */
static int apply(struct signals_record *r, unsigned op, int64_t now)
{
    switch (op) {
    case 0: return signals_record_calibrate(r, 0.6);
    case 1: return signals_record_eligible(r);
    case 2: return signals_record_execute(r, now);
    case 3: return signals_record_skip(r, SIGNALS_SKIP_SPREAD, REFUSAL_NONE, now);
    case 4: return signals_record_skip(r, SIGNALS_SKIP_REFUSED, REFUSAL_JOINT_RISK, now);
    case 5: return signals_record_expire(r, now);
    default: return signals_record_settle(r, -1.05, now);
    }
}

static void test_a_life_in_every_order_stays_sane(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int life = 0; life < 2000; life++) {
        struct signals_record r = offered();
        bool p = false, decided = false, settled = false;
        int64_t now = r.time_ns;
        for (int step = 0; step < 8; step++) {
            unsigned op = (unsigned)draw(&seed, 7);
            struct signals_record before = r;
            now += (int64_t)draw(&seed, 3);
            int error = apply(&r, op, now);
            bool expected = op == 0 ? !p && !decided : op == 6 ? decided && !settled : !decided;
            assert_int_equal(error == 0, expected);
            if (error) {
                assert_int_equal(error, -EINVAL);
                assert_memory_equal(&before, &r, sizeof r);
            }
            p |= op == 0 && !error;
            decided |= op >= 2 && op <= 5 && !error;
            settled |= op == 6 && !error;
            assert_true(signals_record_sane(&r));
        }
        assert_int_equal(signals_record_settled(&r), settled);
        if (settled)
            assert_int_equal(r.shadow, r.status != SIGNALS_EXECUTED);
    }
}

static void test_values_that_are_none(void **state)
{
    (void)state;
    struct signals_record r = offered();
    assert_int_equal(signals_record_calibrate(&r, NAN), -EINVAL);
    assert_int_equal(signals_record_calibrate(&r, 1.0001), -EINVAL);
    assert_int_equal(signals_record_calibrate(&r, -0.0001), -EINVAL);
    assert_int_equal(signals_record_execute(&r, r.time_ns - 1), -EINVAL);
    assert_int_equal(signals_record_skip(&r, SIGNALS_SKIP_NONE, REFUSAL_NONE, 2000), -EINVAL);
    assert_int_equal(signals_record_skip(&r, SIGNALS_SKIP_COUNT, REFUSAL_NONE, 2000), -EINVAL);
    assert_int_equal(signals_record_skip(&r, SIGNALS_SKIP_REFUSED, REFUSAL_NONE, 2000), -EINVAL);
    assert_int_equal(signals_record_skip(&r, SIGNALS_SKIP_NEWS, REFUSAL_JOINT_RISK, 2000), -EINVAL);
    assert_int_equal(signals_record_skip(&r, SIGNALS_SKIP_REFUSED, REFUSAL_COUNT, 2000), -EINVAL);
    assert_int_equal(signals_record_execute(&r, 2000), 0);
    assert_int_equal(signals_record_settle(&r, NAN, 3000), -EINVAL);
    assert_int_equal(signals_record_settle(&r, INFINITY, 3000), -EINVAL);
    assert_int_equal(signals_record_settle(&r, 1.0, 1999), -EINVAL);
    assert_int_equal(signals_record_settle(&r, 1.0, 2000), 0);
    assert_int_equal(r.shadow, 0);
}

static void test_hostile_bytes(void **state)
{
    (void)state;
    struct signals_record good = offered();
    assert_int_equal(signals_record_calibrate(&good, 0.5), 0);
    assert_int_equal(signals_record_skip(&good, SIGNALS_SKIP_REFUSED, REFUSAL_TOTAL_LOSS, 2000), 0);
    assert_int_equal(signals_record_settle(&good, 0.7, 3000), 0);
    assert_true(signals_record_sane(&good));
#define BAD(change)                                                                                                    \
    do {                                                                                                               \
        struct signals_record r = good;                                                                                \
        change;                                                                                                        \
        assert_false(signals_record_sane(&r));                                                                         \
    } while (0)
    BAD(r.version++);
    BAD(r.pattern = PATTERN_COUNT);
    BAD(r.timeframe = TIMEFRAME_COUNT);
    BAD(r.side = 0);
    BAD(r.kind = SIGNALS_KIND_COUNT);
    BAD(r.status = SIGNALS_STATUS_COUNT);
    BAD(r.status = SIGNALS_EXECUTED); /* with a reason for being skipped */
    BAD(r.skip = SIGNALS_SKIP_COUNT);
    BAD(r.skip = SIGNALS_SKIP_NEWS); /* with a refusal */
    BAD(r.refusal = REFUSAL_COUNT);
    BAD(r.eligible = 2);
    BAD(r.eligible = 0);
    BAD(r.shadow = 0);
    BAD(r.score = NAN);
    BAD(r.p = 1.5);
    BAD(r.price = 0);
    BAD(r.stop = r.price);
    BAD(r.target = r.price - 1);
    BAD(r.time_ns = SIGNALS_TIME_NONE);
    BAD(r.decided_ns = r.time_ns - 1);
    BAD(r.outcome_ns = r.decided_ns - 1);
    BAD(r.outcome_ns = SIGNALS_TIME_NONE); /* with an outcome */
    BAD(r.net_r = NAN);
#undef BAD
    uint64_t seed = 99;
    unsigned sane = 0;
    for (int i = 0; i < 20000; i++) { /* no bytes make it read beyond its tables */
        struct signals_record r = good;
        unsigned char *bytes = (unsigned char *)&r;
        for (uint64_t n = 1 + draw(&seed, 6); n > 0; n--)
            bytes[draw(&seed, sizeof r)] ^= (unsigned char)(1 + draw(&seed, 255));
        sane += signals_record_sane(&r);
        assert_non_null(signals_skip_text(r.skip));
        assert_non_null(signals_status_name(r.status));
    }
    assert_true(sane < 20000);
}

static void test_words_are_never_renumbered(void **state)
{
    (void)state;
    assert_int_equal(SIGNALS_SKIP_REFUSED, 1);
    assert_int_equal(SIGNALS_SKIP_STOP_DISTANCE, 13);
    assert_string_equal(signals_skip_text(SIGNALS_SKIP_PARTITION), "allotted to another account");
    assert_string_equal(signals_skip_text(SIGNALS_SKIP_COUNT), "?");
    assert_string_equal(signals_status_name(SIGNALS_EXPIRED), "expired");
    assert_string_equal(signals_status_name(SIGNALS_STATUS_COUNT), "?");
    assert_int_equal(sizeof(struct signals_record), 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_and_target_lie_on_their_sides),
        cmocka_unit_test(test_what_is_no_signal_is_no_record),
        cmocka_unit_test(test_the_id_is_the_event_and_no_account),
        cmocka_unit_test(test_a_life_in_every_order_stays_sane),
        cmocka_unit_test(test_values_that_are_none),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_words_are_never_renumbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
