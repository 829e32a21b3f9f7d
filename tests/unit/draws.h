/* draws: random numbers from a seed that is printed, for the tests of statistics. PROPFLEET_TEST_SEED replays another one. */
#ifndef PROPFLEET_TESTS_DRAWS_H
#define PROPFLEET_TESTS_DRAWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"

static inline uint64_t draws_seed(const char *test, uint64_t otherwise)
{
    const char *text = getenv("PROPFLEET_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : otherwise;
    print_message("%s: seed %llu\n", test, (unsigned long long)seed);
    return seed;
}

static inline uint64_t draws_integer(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

/* In (0, 1). */
static inline double draws_uniform(uint64_t *seed)
{
    *seed = hash_mix64(*seed);
    return ((double)(*seed >> 11) + 0.5) * 0x1p-53;
}

/* Standard normal, by Box and Muller. */
static inline double draws_normal(uint64_t *seed)
{
    double radius = sqrt(-2.0 * log(draws_uniform(seed)));
    return radius * cos(6.283185307179586 * draws_uniform(seed));
}

/* |a - b| <= tolerance * max(1, |a|, |b|), NaN equal to NaN alone. */
static inline bool draws_near(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= tolerance * fmax(1.0, fmax(fabs(a), fabs(b)));
}

#define assert_near(a, b, tolerance)                                                                              \
    do {                                                                                                             \
        double near_a = (a), near_b = (b);                                                                           \
        if (!draws_near(near_a, near_b, tolerance))                                                                  \
            fail_msg("%s is %.17g, not %.17g", #a, near_a, near_b);                                               \
    } while (0)

#endif
