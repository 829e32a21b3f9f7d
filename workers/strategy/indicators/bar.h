/* bar: what every indicator is fed with. Pure, header only.
 *
 * Prices are whole numbers of a unit that the caller chooses and keeps: points (one point, the tick) or dec_t as it comes.
 * Differences, comparisons and sums of them are then exact, where doubles make ties and their opposites out of noise
 * (quant.md 0.9: one such tie moved an MFI by nine points for 14 bars). Results in price units (ATR, averages,
 * deviations) are doubles in that same unit. Volume is a whole number of the caller's unit too.
 *
 * Caveat: nothing in this folder looks at a bar again. Whoever takes bars from outside asks indicator_bar_valid first
 * and passes over what is none; with valid bars no integer here overflows.
 *
 * Every indicator is a plain struct of fixed size without padding, rings inside, and has
 *   X_init(state, parameters)         zeroes it whole, then sets the parameters, which must be within the named limits
 *                                     (asserted). Equal histories since then give equal bytes
 *   X_next(state, input)              takes one closed bar and gives the value at it; NaN where it is undefined
 *   X_restorable(state, parameters)   whether bytes from outside are a state that X_next can go on from: parameters the
 *                                     same, indices and counts in range, sums those of their ring, numbers finite
 * and those that have a peer in TA-Lib an X_run, the same over an array: the bytes and values of X_next, in less time.
 * States are the caller's, snapshotted by copying, used by one thread at a time. Nothing allocates or fails.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_BAR_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/market.h"

/* Exact as doubles, and small enough for every sum and product of them below. */
#define INDICATOR_PRICE_MAX (INT64_C(1) << 53)
#define INDICATOR_VOLUME_MAX (INT64_C(1) << 53)

struct indicator_bar {
    int64_t open, high, low, close, volume;
};

static inline bool indicator_bar_valid(const struct indicator_bar *bar)
{
    return bar->low > 0 && bar->high <= INDICATOR_PRICE_MAX && bar->open >= bar->low && bar->open <= bar->high &&
           bar->close >= bar->low && bar->close <= bar->high && bar->volume >= 0 &&
           bar->volume <= INDICATOR_VOLUME_MAX;
}

/* To the nearest whole number of units, half up: value >= 0, unit > 0. */
static inline int64_t indicator_units(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value / unit + (rest >= unit - rest);
}

/* A market bar in whole points and whole volume units, both to the nearest (point and volume_unit > 0 are dec_t; 1 leaves
 * what comes as it is). False when that is no valid bar, *out is then unspecified. */
static inline bool indicator_bar_of(const struct market_record *record, dec_t point, dec_t volume_unit,
                                    struct indicator_bar *out)
{
    if (record->u.bar.open < 0 || record->u.bar.high < 0 || record->u.bar.low < 0 || record->u.bar.close < 0 ||
        record->u.bar.volume < 0)
        return false;
    *out = (struct indicator_bar){.open = indicator_units(record->u.bar.open, point),
                                  .high = indicator_units(record->u.bar.high, point),
                                  .low = indicator_units(record->u.bar.low, point),
                                  .close = indicator_units(record->u.bar.close, point),
                                  .volume = indicator_units(record->u.bar.volume, volume_unit)};
    return indicator_bar_valid(out);
}

#endif
