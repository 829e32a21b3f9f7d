/* The windows that the indicators are built of, against the values themselves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/indicator_support.h"
#include "workers/strategy/indicators/window.h"

#define COUNT 900u

static double values[COUNT];
static uint64_t seed_base;

/* Few different values (ties), stretches of one, orders of magnitude apart. */
static void fill(uint64_t seed)
{
    double level = 1.0;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (draw(&seed, 30) == 0)
            level = pow(10.0, (double)draw(&seed, 12) - 6.0);
        bool again = i > 0 && draw(&seed, 6) == 0;
        values[i] = again ? values[i - 1] : level * ((double)draw(&seed, 40) - 20.0);
    }
}

/* What left the window has no trace in it: one value of 1e20 among small ones. */
static void test_sum(void **unused)
{
    (void)unused;
    static struct window_sum window;
    for (uint32_t n = 1; n <= WINDOW_BLOCK_MAX; n += n < 6 ? 1 : 61) {
        fill(seed_base + n);
        values[300] = 1e20;
        window_sum_init(&window, n);
        for (uint32_t t = 0; t < COUNT; t++) {
            long double want = t + 1 < n ? NAN : 0, gross = 0;
            window_sum_push(&window, values[t]);
            for (uint32_t i = t + 1 - n; t + 1 >= n && i <= t; i++) {
                want += values[i];
                gross += fabs(values[i]);
            }
            double got = window_sum_value(&window);
            assert_true(isnan((double)want) ? isnan(got) : fabsl(want - got) <= 1e-15L * n * gross);
        }
    }
}

static void test_sum_and_nan(void **unused)
{
    (void)unused;
    static struct window_sum window;
    window_sum_init(&window, 5);
    for (uint32_t t = 0; t < 40; t++) {
        window_sum_push(&window, t == 13 ? NAN : 1.0);
        double got = window_sum_value(&window);
        assert_true(t < 4 || (t >= 13 && t < 18) ? isnan(got) : got == 5.0);
    }
}

static void test_moments(void **unused)
{
    (void)unused;
    static struct window_moments window;
    for (uint32_t n = 1; n <= WINDOW_BLOCK_MAX; n += n < 6 ? 1 : 61) {
        fill(seed_base + n);
        window_moments_init(&window, n);
        for (uint32_t t = 0; t < COUNT; t++) {
            window_moments_push(&window, 1e6 + values[t]);
            struct window_moment got = window_moments_value(&window);
            double spread = window_moments_variance(&window);
            if (t + 1 < n) {
                assert_true(isnan(got.mean) && isnan(got.m2) && isnan(spread));
                continue;
            }
            long double mean = 0, m2 = 0;
            bool constant = true;
            for (uint32_t i = t + 1 - n; i <= t; i++) {
                mean += (1e6L + values[i]) / n;
                constant = constant && values[i] == values[t];
            }
            for (uint32_t i = t + 1 - n; i <= t; i++)
                m2 += ((long double)(1e6 + values[i]) - mean) * ((long double)(1e6 + values[i]) - mean);
            assert_true(fabsl(mean - got.mean) <= 2e-16L * n * 3e6L);
            /* a deviation from 1e6 is good to 1e-10 */
            assert_true(fabsl(m2 - got.m2) <= 1e-9L * sqrtl(n * m2) + 1e-12L * m2 + 1e-18L * n);
            assert_true(!constant || (got.m2 == 0.0 && got.mean == 1e6 + values[t]));
            assert_true(n < 2 ? isnan(spread) : spread == got.m2 / (n - 1));
        }
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_order(void **unused)
{
    (void)unused;
    static struct window_order window, twin;
    double sorted[WINDOW_ORDER_MAX];
    for (uint32_t n = 1; n <= WINDOW_ORDER_MAX; n += n < 6 ? 1 : 50) {
        const uint32_t least = n / 2 + 1;
        fill(seed_base + n);
        window_order_init(&window, n);
        window_order_init(&twin, n);
        for (uint32_t t = 0; t < COUNT; t++) {
            uint32_t held = t < n ? t : n;
            double below = 0;
            for (uint32_t i = t - held; i < t; i++)
                below += values[i] < values[t] ? 1.0 : values[i] == values[t] ? 0.5 : 0.0;
            double want = held < least ? NAN : below / held, rank = window_order_rank(&twin, values[t], least);
            check_near("rank", t, want, rank, 0);
            check_near("next", t, want, window_order_next(&window, values[t], least), 0);
            window_order_push(&twin, values[t]);
            window_order_push(&twin, NAN);
            assert_true(isnan(window_order_next(&window, NAN, least)) && isnan(window_order_rank(&window, NAN, 1)));
            assert_memory_equal(&window, &twin, sizeof twin);
            held = t + 1 < n ? t + 1 : n;
            memcpy(sorted, &values[t + 1 - held], held * sizeof *sorted);
            qsort(sorted, held, sizeof *sorted, compare);
            double median = held % 2 ? sorted[held / 2] : (sorted[held / 2 - 1] + sorted[held / 2]) / 2.0;
            check_near("median", t, held < least ? NAN : median, window_order_median(&window, least), 0);
        }
    }
}

static void test_extremes(void **unused)
{
    (void)unused;
    static struct window_extreme high, low;
    for (uint32_t n = 1; n <= WINDOW_EXTREME_MAX; n += n < 6 ? 1 : 50)
        for (uint32_t wrap = 0; wrap < 2; wrap++) {
            uint64_t seed = seed_base + n;
            int64_t in[COUNT];
            window_extreme_init(&high, n, WINDOW_HIGHEST);
            window_extreme_init(&low, n, WINDOW_LOWEST);
            for (uint32_t t = 0; t < COUNT; t++) {
                in[t] = (int64_t)draw(&seed, 30) - 15 + (draw(&seed, 50) == 0 ? (int64_t)draw(&seed, 100) : 0);
                if (wrap && t == 400) { /* as after 2^32 values: numbers are differences */
                    uint32_t jump = UINT32_MAX - 100 - high.seen;
                    high.seen += jump;
                    low.seen += jump;
                    for (uint32_t i = 0; i < WINDOW_EXTREME_MAX; i++) {
                        high.numbers[i] += jump;
                        low.numbers[i] += jump;
                    }
                }
                window_extreme_push(&high, in[t]);
                window_extreme_push(&low, in[t]);
                assert_true(window_extreme_restorable(&high, n, WINDOW_HIGHEST));
                assert_true(window_extreme_restorable(&low, n, WINDOW_LOWEST));
                int64_t top = 99, bottom = 99;
                uint32_t top_age = 99, bottom_age = 99, at_high = t, at_low = t;
                bool known = window_extreme_value(&high, &top, &top_age);
                assert_true(known == (t + 1 >= n) && window_extreme_value(&low, &bottom, &bottom_age) == known);
                for (uint32_t back = 0; known && back < n; back++) {
                    at_high = in[t - back] >= in[at_high] ? t - back : at_high;
                    at_low = in[t - back] <= in[at_low] ? t - back : at_low;
                }
                assert_true(!known || (top == in[at_high] && top_age == t - at_high));
                assert_true(!known || (bottom == in[at_low] && bottom_age == t - at_low));
            }
        }
}

/* Of zeros, whose sums fit any position: the position itself is looked at. */
static void test_positions_out_of_range(void **unused)
{
    (void)unused;
    static struct window_sum sum;
    static struct window_moments moments;
    static struct window_order order;
    static struct window_extreme extreme;
    window_sum_init(&sum, 20);
    window_moments_init(&moments, 20);
    window_order_init(&order, 20);
    window_extreme_init(&extreme, 20, WINDOW_HIGHEST);
    for (unsigned i = 0; i < 40; i++) {
        window_sum_push(&sum, 0.0);
        window_moments_push(&moments, 0.0);
        window_order_push(&order, 0.0);
        window_extreme_push(&extreme, 0);
    }
    for (uint32_t at = 0; at < 400; at++) {
        sum.position = moments.position = order.position = at;
        assert_int_equal(window_sum_restorable(&sum, 20), at < 20);
        assert_int_equal(window_moments_restorable(&moments, 20), at < 20);
        assert_int_equal(window_order_restorable(&order, 20), at < 20);
        uint32_t head = extreme.head;
        extreme.head = WINDOW_EXTREME_MAX + at;
        assert_false(window_extreme_restorable(&extreme, 20, WINDOW_HIGHEST));
        extreme.head = head;
    }
    assert_true(window_extreme_restorable(&extreme, 20, WINDOW_HIGHEST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum),   cmocka_unit_test(test_sum_and_nan), cmocka_unit_test(test_moments),
        cmocka_unit_test(test_order), cmocka_unit_test(test_extremes),    cmocka_unit_test(test_positions_out_of_range),
    };
    const char *text = getenv("PROPFLEET_TEST_SEED");
    seed_base = text ? strtoull(text, NULL, 10) : 20261124;
    print_message("PROPFLEET_TEST_SEED=%llu\n", (unsigned long long)seed_base);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
