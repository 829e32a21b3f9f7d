/* baseline: what volume is usual in an hour of the week, from the bar history.
 *
 * quant.md 1: before any rule that compares volumes, the season is taken out,
 *     V* = V / median(volume at the same hour of the week, last 20 occurrences, without the hour itself)
 * and until 10 of them exist, the same hour of the day stands in for it (its last 20 occurrences on any day). Hours are
 * UTC. The median of an even number is the mean of the middle two. A bar shorter than an hour is compared with its
 * share of it: V x (hour / its length) / median. Bars longer than an hour have no season of an hour.
 *
 * An hour counts when its beginning was seen and it had a record; a closed market has none. What was not over at the
 * reader's own record is not looked at, so that a restarted reader gets what its twin got.
 */
#ifndef PROPFLEET_SHM_BASELINE_H
#define PROPFLEET_SHM_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/history.h"

#define BASELINE_HOURS 20u  /* occurrences that it is made of */
#define BASELINE_LEAST 10u  /* fewer of the hour of the week: the hour of the day */

struct baseline {
    double volume;      /* of an hour, in the units of dec_t's whole numbers (ticks, contracts); may be 0 */
    uint32_t occurrences;
    bool of_day;        /* of the hour of the day */
};

/* For the hour that holds time_ns (the open of the bar that record up_to_seq closed, or later), as known at that record. SHM_OK; SHM_EMPTY: no such hour yet,
 * or an instrument without volume evidence; SHM_STALE, SHM_CORRUPT: as history_hour_read. */
enum shm_result baseline_read(const struct history *history, uint32_t instrument, int64_t time_ns, uint64_t up_to_seq,
                              struct baseline *out);

#endif
