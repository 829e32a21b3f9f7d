/* profile: volume by price: point of control, value area, and the strength read from them. Pure. quant.md section 1.
 *
 * Row k holds the points [kS, (k+1)S). A bar's volume is spread evenly over the H - L + 1 points from its low to its high. Each
 * point's share is kept as a whole number of 2^-40 of a volume unit, rounded down: so adding and removing bars in any
 * order leaves the same bytes, a sliding profile never drifts, and equal rows are equal. What rounding can hide
 * (a bar's rows each less than S units) is taken for equal where rows are compared.
 *
 * 16 KiB; bars are valid ones (bar.h). Adding costs the bar's rows, the value area those of the profile.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_PROFILE_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/strategy/indicators/bar.h"

#define PROFILE_ROWS_MAX 1024u     /* from the lowest to the highest row with volume */
#define PROFILE_BARS_MAX 4096u     /* with volume */
#define PROFILE_ROW_POINTS_MAX (INT64_C(1) << 31)

struct profile {
    int64_t row_points;            /* S */
    int64_t first, last;           /* rows with volume, while bar_count > 0 (else 0 and 0) */
    uint32_t bar_count, reserved;
    unsigned __int128 rows[PROFILE_ROWS_MAX]; /* row k in place k mod PROFILE_ROWS_MAX; others 0 */
};
/* 1 <= row_points <= PROFILE_ROW_POINTS_MAX */
void profile_init(struct profile *profile, int64_t row_points);
bool profile_restorable(const struct profile *profile, int64_t row_points);

/* A bar without volume changes nothing. False, and nothing changed, when there would be too many rows or bars: take wider
 * rows. */
bool profile_add(struct profile *profile, const struct indicator_bar *bar);
/* A bar that was added and not removed since. False, and nothing changed, when its rows show that it cannot be one. */
bool profile_remove(struct profile *profile, const struct indicator_bar *bar);
/* Volume in a row, in volume units; 0 outside. */
double profile_row_volume(const struct profile *profile, int64_t row);
double profile_total_volume(const struct profile *profile);

/* SINGLE: from the point of control, the larger of the next row above and below, a tie above, until the share is reached.
 * PAIR: two rows at a time (the convention of the CBOT), what there is of them at an end. */
enum profile_walk { PROFILE_SINGLE, PROFILE_PAIR };

struct profile_area {
    int64_t poc_row, low_row, high_row;
    int64_t low, high;     /* VAL: lower edge of low_row, VAH: upper edge of high_row; points */
    double poc;            /* middle of poc_row, points */
    double volume, total;
};
/* POC: the row of most volume; of equals the one nearest the middle of the rows with volume, then the lower. share_pct of the
 * volume, 1..100, usually 70. False where there is no volume. */
bool profile_value_area(const struct profile *profile, enum profile_walk walk, uint32_t share_pct,
                        struct profile_area *out);

/* Strength of a range from `support` to `resistance` (points) read from its volume, 0..1, the mean of
 *   a  where the POC lies, q = (POC - S) / (R - S): 1 - q for accumulation, q for distribution
 *   b  share of volume in the half where it should be: the lower for accumulation, the upper for distribution
 *   c  how compact the value area is, 1 - (VAH - VAL) / (R - S)
 * each clipped to [0, 1] (equal weights are a decision of the specification, to be calibrated). NaN without volume or for
 * resistance <= support. */
struct profile_strength {
    double location, half, compactness, strength;
};
struct profile_strength profile_range_strength(const struct profile *profile, const struct profile_area *area,
                                               int64_t support, int64_t resistance, bool accumulation);

#endif
