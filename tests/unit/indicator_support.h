/* indicator_support: what the tests of the indicators share: seeded series with flat bars, bars without volume and gaps,
 * and every indicator behind one interface, so that what holds for all of them is tested for all. */
#ifndef PROPFLEET_TESTS_UNIT_INDICATOR_SUPPORT_H
#define PROPFLEET_TESTS_UNIT_INDICATOR_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/strategy/indicators/bar.h"

#define SUBJECT_BYTES_MAX 65536u
#define SUBJECT_VALUES_MAX 8u

struct subject {
    const char *name;
    size_t bytes;
    bool zeros_are_a_state; /* a state of zeros only is one (no parameters) */
    void (*init)(void *state);
    void (*next)(void *state, const struct indicator_bar *bar, double out[SUBJECT_VALUES_MAX]); /* out is all NaN before */
    bool (*restorable)(const void *state);
};
extern const struct subject subjects[];
extern const size_t subject_count;

uint64_t draw(uint64_t *seed, uint64_t n);
/* A walk in points; kind 0: usual; 1: prices near INDICATOR_PRICE_MAX and great volumes; 2: prices of a few points. */
void walk(struct indicator_bar *bars, uint32_t count, uint64_t seed, unsigned kind);
/* Both NaN, or within tolerance * max(1, |expected|); fails the test otherwise, with `what` and the bar. */
void check_near(const char *what, uint32_t bar, double expected, double actual, double tolerance);

#endif
