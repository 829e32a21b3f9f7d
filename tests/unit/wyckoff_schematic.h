/* wyckoff_schematic: drawn series for tests of the Wyckoff machine: accumulation and distribution schematics with what was
 * meant, ranges that break the wrong way, and walks. From a seed alone; an own generator, not that of the golden files. */
#ifndef PROPFLEET_TESTS_UNIT_WYCKOFF_SCHEMATIC_H
#define PROPFLEET_TESTS_UNIT_WYCKOFF_SCHEMATIC_H

#include "workers/strategy/wyckoff/wyckoff.h"

#define SCHEMATIC_TICK (DEC_ONE / 100000)
#define SCHEMATIC_BAR_NS (INT64_C(900) * 1000000000)

enum schematic_kind {
    SCHEMATIC_ACCUMULATION,
    SCHEMATIC_DISTRIBUTION,
    SCHEMATIC_BREAKDOWN,
    SCHEMATIC_BREAKUP,
    SCHEMATIC_WALK,
    SCHEMATIC_KINDS
};

struct schematic {
    struct wyckoff_bar *bars; /* the caller's, bar_max of them */
    uint32_t bar_count, bar_max;
    uint64_t seed;
    double price;                   /* where it stands, in ticks */
    bool long_ranges;               /* some phases B of 150 to 250 bars: set it after begin */
    double noise;                   /* 1: a bar's own deviation is about 0.6 of the unit */
    uint32_t labels[WYCKOFF_KINDS]; /* bars of the last schematic; WYCKOFF_NONE: none */
};

void schematic_begin(struct schematic *s, struct wyckoff_bar *bars, uint32_t bar_max, uint64_t seed, double noise);
/* Append one pattern; false when there is no room for a whole one. */
bool schematic_append(struct schematic *s, enum schematic_kind kind);
/* Append patterns of all kinds by turns until the room is used up. */
void schematic_fill(struct schematic *s);
uint64_t schematic_draw(uint64_t *seed, uint64_t n);
double schematic_uniform(uint64_t *seed, double from, double to);

#endif
