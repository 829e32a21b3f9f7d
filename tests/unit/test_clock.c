/* Clocks: the real one against the kernel's, the virtual one by hand, and steps of the wall clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/peak.h"

#define WALL INT64_C(1767225600) * CLOCK_NS_PER_S /* 2026-01-01 */

static int64_t kernel_ns(clockid_t id)
{
    struct timespec ts;
    assert_int_equal(clock_gettime(id, &ts), 0);
    return ts.tv_sec * CLOCK_NS_PER_S + ts.tv_nsec;
}

static void test_real_clock_is_the_kernels(void **state)
{
    (void)state;
    struct clock clock;
    clock_init_real(&clock);
    for (int i = 0; i < 100; i++) {
        int64_t before = kernel_ns(CLOCK_MONOTONIC), mono = clock.mono_ns(&clock), after = kernel_ns(CLOCK_MONOTONIC);
        assert_true(before <= mono && mono <= after);
    }
    /* The wall clock may step in between: one good try of many is proof. */
    bool seen = false;
    for (int i = 0; i < 100 && !seen; i++) {
        int64_t before = kernel_ns(CLOCK_REALTIME), wall = clock.wall_ns(&clock), after = kernel_ns(CLOCK_REALTIME);
        seen = before <= wall && wall <= after;
    }
    assert_true(seen);
}

static void test_virtual_clock_moves_only_when_turned(void **state)
{
    (void)state;
    struct clock clock;
    clock_init_virtual(&clock, WALL);
    assert_true(clock.wall_ns(&clock) == WALL);
    assert_true(clock.mono_ns(&clock) == CLOCK_VIRTUAL_MONO_START_NS);
    assert_true(clock.wall_ns(&clock) == WALL);
    clock_advance(&clock, 0);
    clock_advance(&clock, 5);
    assert_true(clock.wall_ns(&clock) == WALL + 5);
    assert_true(clock.mono_ns(&clock) == CLOCK_VIRTUAL_MONO_START_NS + 5);
    clock_step_wall(&clock, -7);
    assert_true(clock.wall_ns(&clock) == WALL - 2);
    assert_true(clock.mono_ns(&clock) == CLOCK_VIRTUAL_MONO_START_NS + 5);
}

static void test_first_look_confirms(void **state)
{
    (void)state;
    struct clock clock;
    struct clock_watch watch = {0};
    clock_init_virtual(&clock, WALL);
    assert_int_equal(clock_watch_check(&watch, &clock), 0);
    assert_true(watch.started);
    clock_advance(&clock, 1000 * CLOCK_NS_PER_S);
    assert_int_equal(clock_watch_check(&watch, &clock), 0);
}

/* Both sides of the limit, both directions. */
static void test_step_limit(void **state)
{
    (void)state;
    static const struct {
        int64_t step_ns, want_ns;
    } cases[] = {
        {CLOCK_STEP_LIMIT_NS, 0},
        {-CLOCK_STEP_LIMIT_NS, 0},
        {CLOCK_STEP_LIMIT_NS + 1, CLOCK_STEP_LIMIT_NS + 1},
        {-CLOCK_STEP_LIMIT_NS - 1, -CLOCK_STEP_LIMIT_NS - 1},
        {3600 * CLOCK_NS_PER_S, 3600 * CLOCK_NS_PER_S},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct clock clock;
        struct clock_watch watch = {0};
        clock_init_virtual(&clock, WALL);
        clock_watch_check(&watch, &clock);
        clock_step_wall(&clock, cases[i].step_ns);
        assert_true(clock_watch_check(&watch, &clock) == cases[i].want_ns);
    }
}

static void test_step_is_reported_until_confirmed(void **state)
{
    (void)state;
    struct clock clock;
    struct clock_watch watch = {0};
    clock_init_virtual(&clock, WALL);
    clock_watch_check(&watch, &clock);
    clock_step_wall(&clock, -2 * CLOCK_NS_PER_S);
    for (int i = 0; i < 5; i++) {
        clock_advance(&clock, CLOCK_NS_PER_S);
        assert_true(clock_watch_check(&watch, &clock) == -2 * CLOCK_NS_PER_S);
    }
    clock_watch_confirm(&watch, &clock);
    assert_int_equal(clock_watch_check(&watch, &clock), 0);
}

static void test_the_clock_itself_may_confirm(void **state)
{
    (void)state;
    struct clock clock;
    struct clock_watch watch = {0};
    clock_init_virtual(&clock, WALL);
    clock_watch_check(&watch, &clock);
    clock_step_wall(&clock, 5 * CLOCK_NS_PER_S);
    assert_true(clock_watch_check(&watch, &clock) != 0);
    clock_step_wall(&clock, -5 * CLOCK_NS_PER_S);
    assert_int_equal(clock_watch_check(&watch, &clock), 0);
}

/* Small steps, each under the limit, add up: they are measured against what was confirmed. */
static void test_small_steps_add_up(void **state)
{
    (void)state;
    struct clock clock;
    struct clock_watch watch = {0};
    clock_init_virtual(&clock, WALL);
    clock_watch_check(&watch, &clock);
    for (int i = 1; i <= 4; i++) {
        clock_step_wall(&clock, CLOCK_STEP_LIMIT_NS / 3);
        assert_true((clock_watch_check(&watch, &clock) != 0) == (i == 4));
    }
}

/* A clock whose process is stopped for a while after some of its readings of the monotonic clock. */
struct stopped_clock {
    struct clock clock; /* first: the functions get its address */
    int64_t now_ns;
    int reads;
    unsigned stops; /* bit n: stopped after reading n */
};

static int64_t stopped_mono_ns(struct clock *self)
{
    struct stopped_clock *stopped = (struct stopped_clock *)self;
    int64_t now_ns = stopped->now_ns;
    if (stopped->reads < 32 && stopped->stops >> stopped->reads & 1)
        stopped->now_ns += 30 * CLOCK_NS_PER_S;
    stopped->reads++;
    return now_ns;
}

static int64_t stopped_wall_ns(struct clock *self)
{
    return WALL + ((struct stopped_clock *)self)->now_ns;
}

static void test_stop_between_two_readings_is_no_step(void **state)
{
    (void)state;
    for (unsigned stops = 0; stops < 64; stops++) { /* every pattern of up to three disturbed tries of four */
        struct stopped_clock stopped = {.clock = {.wall_ns = stopped_wall_ns, .mono_ns = stopped_mono_ns}};
        struct clock_watch watch = {0};
        clock_watch_confirm(&watch, &stopped.clock);
        assert_true(watch.offset_ns == WALL);
        stopped.reads = 0;
        stopped.stops = stops;
        assert_int_equal(clock_watch_check(&watch, &stopped.clock), 0);
    }
}

static void test_real_clock_watched(void **state)
{
    (void)state;
    struct clock clock;
    struct clock_watch watch = {0};
    clock_init_real(&clock);
    clock_watch_confirm(&watch, &clock);
    watch.offset_ns += 10 * CLOCK_NS_PER_S;
    int64_t step_ns = clock_watch_check(&watch, &clock);
    assert_true(step_ns < -9 * CLOCK_NS_PER_S && step_ns > -11 * CLOCK_NS_PER_S);
}

/* --- peak --------------------------------------------------------------------------------------------- */

static void test_peak_forgets_after_ten_to_twenty_seconds(void **state)
{
    (void)state;
    struct peak peak = {0};
    int64_t t = 7 * PEAK_HALF_NS;
    assert_int_equal(peak_read(&peak, t), 0);
    peak_add(&peak, t, 5);
    peak_add(&peak, t + 1, 3);
    assert_int_equal(peak_read(&peak, t + 1), 5);
    assert_int_equal(peak_read(&peak, t + 1), 5); /* reading takes nothing away */
    assert_int_equal(peak_read(&peak, t + 2 * PEAK_HALF_NS - 1), 5);
    assert_int_equal(peak_read(&peak, t + 2 * PEAK_HALF_NS), 0);
    peak_add(&peak, t + PEAK_HALF_NS, 2);
    assert_int_equal(peak_read(&peak, t + 2 * PEAK_HALF_NS - 1), 5);
    assert_int_equal(peak_read(&peak, t + 2 * PEAK_HALF_NS), 2);
    peak_add(&peak, t + 9 * PEAK_HALF_NS, 1); /* nothing for a long while: the old halves are over */
    assert_int_equal(peak_read(&peak, t + 9 * PEAK_HALF_NS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_clock_is_the_kernels),
        cmocka_unit_test(test_virtual_clock_moves_only_when_turned),
        cmocka_unit_test(test_first_look_confirms),
        cmocka_unit_test(test_step_limit),
        cmocka_unit_test(test_step_is_reported_until_confirmed),
        cmocka_unit_test(test_the_clock_itself_may_confirm),
        cmocka_unit_test(test_small_steps_add_up),
        cmocka_unit_test(test_stop_between_two_readings_is_no_step),
        cmocka_unit_test(test_real_clock_watched),
        cmocka_unit_test(test_peak_forgets_after_ten_to_twenty_seconds),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
