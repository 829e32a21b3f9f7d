/* performance_support: random numbers from a printed seed, and doubles that are near. */
#ifndef PROPFLEET_TESTS_UNIT_PERFORMANCE_SUPPORT_H
#define PROPFLEET_TESTS_UNIT_PERFORMANCE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>
#include <time.h>

#include <cmocka.h>

#include "base/hash.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS INT64_C(1000000000)
#define MINUTE (60 * NS)
#define HOUR (3600 * NS)
#define DAY (24 * HOUR)

static uint64_t seed, draws;

/* PROPFLEET_TEST_SEED=n replays. */
static inline int seed_setup(void **state)
{
    (void)state;
    const char *given = getenv("PROPFLEET_TEST_SEED");
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20;
    printf("seed: PROPFLEET_TEST_SEED=%llu\n", (unsigned long long)seed);
    return 0;
}

static inline uint64_t draw(void)
{
    return hash_combine(seed, draws++);
}

static inline int64_t draw_below(int64_t n)
{
    return (int64_t)(draw() % (uint64_t)n);
}

static inline double draw_uniform(void)
{
    return ((double)(draw() >> 11) + 0.5) * 0x1p-53;
}

static inline double draw_normal(void)
{
    return sqrt(-2.0 * log(draw_uniform())) * cos(6.283185307179586 * draw_uniform());
}

static inline bool is_near(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= tolerance * fmax(1.0, fmax(fabs(a), fabs(b)));
}

#define assert_near(a, b, tolerance)                                                                                   \
    do {                                                                                                               \
        double left_ = (a), right_ = (b);                                                                              \
        if (!is_near(left_, right_, (tolerance)))                                                                      \
            fail_msg("%s = %.17g, %s = %.17g", #a, left_, #b, right_);                                                 \
    } while (0)
#define assert_nan(a) assert_true(isnan(a))

#endif
