/* profile: the strength of a volume profile of a trading range (quant.md 1, "Strength from volume profile"). Pure.
 *
 * The profile itself (rows, point of control, value area) is reckoned by whoever has the bars; here is what it says about a
 * range S..R. With q = (POC - S) / (R - S), the mean of the three, each clipped to 0..1:
 *   place        1 - q for accumulation, q for distribution: volume was done at the side that is being defended
 *   share        of the volume in the lower (distribution: upper) half of the range, rows cut at its middle in proportion
 *                and rows outside the range counted on their side
 *   compactness  1 - (VAH - VAL) / (R - S)
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_WYCKOFF_PROFILE_H
#define PROPFLEET_WORKERS_STRATEGY_WYCKOFF_PROFILE_H

#include <stdint.h>

/* Prices in any one unit, the same as S and R. Row k is [first + k * height, first + (k + 1) * height). */
struct wyckoff_profile {
    double first, height;    /* lower edge of row 0; height > 0 */
    const double *volumes;   /* row_count, >= 0; borrowed */
    uint32_t row_count;
    double poc;              /* middle of the row of most volume */
    double value_low, value_high; /* edges of the value area */
};

/* 0..1, or NaN: no volume at all, a height or R - S that is not positive, or anything that is not finite. direction: enum
 * wyckoff_direction; support < resistance whatever the direction, as events give them. */
double wyckoff_profile_strength(const struct wyckoff_profile *profile, uint32_t direction, double support,
                                double resistance);

#endif
