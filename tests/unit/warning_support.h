/* warning_support: what the tests of early warning share: random numbers from a seed, hostile bytes. */
#ifndef PROPFLEET_TESTS_UNIT_WARNING_SUPPORT_H
#define PROPFLEET_TESTS_UNIT_WARNING_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static inline double support_uniform(uint64_t *seed)
{
    *seed = hash_mix64(*seed);
    return ((double)(*seed >> 11) + 0.5) * 0x1p-53;
}

static inline double support_normal(uint64_t *seed)
{
    double u = support_uniform(seed);
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * support_uniform(seed));
}

static inline uint32_t support_poisson(uint64_t *seed, double mean)
{
    uint32_t x = 0;
    for (double p = support_uniform(seed), floor = exp(-mean); p > floor; x++)
        p *= support_uniform(seed);
    return x;
}

#define support_near(got, want, tolerance) support_near_at(got, want, tolerance, __LINE__)
static inline void support_near_at(double got, double want, double tolerance, int line)
{
    if (!(fabs(got - want) <= tolerance * fmax(1e-300, fabs(want))))
        fail_msg("line %d: %.17g is not %.17g", line, got, want);
}

/* Turn a few bits of bytes around. */
static inline void support_spoil(void *bytes, size_t size, uint64_t *seed)
{
    unsigned char *p = bytes;
    for (int i = 0; i < 4; i++) {
        *seed = hash_mix64(*seed);
        p[*seed % size] ^= (unsigned char)(1u << (*seed >> 40) % 8);
    }
}

#endif
