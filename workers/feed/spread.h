/* spread: the modelled spread of an instrument over the day (spec orders.md 5.1).
 *
 *   spread(t) = base x factor(t), in ticks, rounded up
 *   07:00 to 21:00 UTC (London, New York)   1.0
 *   the rest (Asia)                         1.3
 *   21:55 to 22:15 UTC (rollover)           3 4 5 6 7 8 8 8 8 8  7.5 7 6.5 6 5.5 5 4.5 4 3.5 3, a minute each
 *   first minute after a weekend            5, or the factor above where that is more
 *
 * "After a weekend" is told by the data: a record that opens more than SPREAD_WEEKEND_NS after the one before it
 * closed. Pure; whole ticks from a table that is made once.
 */
#ifndef PROPFLEET_WORKERS_FEED_SPREAD_H
#define PROPFLEET_WORKERS_FEED_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"

#define SPREAD_MINUTES 1440u
#define SPREAD_WEEKEND_NS (INT64_C(24) * 3600 * 1000000000)

struct spread_model {
    uint32_t ticks[SPREAD_MINUTES]; /* by minute of the UTC day */
    uint32_t weekend_ticks;         /* at least, in the first minute after a weekend */
};

/* Tenths of the factor at a minute of the UTC day (0..1439). */
unsigned spread_factor_tenths(unsigned minute_of_day);
/* base_ticks >= 0: config_instrument.spread_ticks. What is beyond 32 bits is cut there. */
void spread_model_init(struct spread_model *model, dec_t base_ticks);
uint32_t spread_model_at(const struct spread_model *model, int64_t utc_ns, bool after_weekend);
/* A price difference (>= 0) in whole ticks (tick > 0), rounded up. */
uint32_t spread_in_ticks(dec_t spread, dec_t tick);

#endif
