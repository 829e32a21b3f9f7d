/* season: adds up each instrument's volume by the hour, for the seasonal baselines (shm/baseline.h).
 *
 * What counts: base bars up to H1 with their volume, quotes as one each (as the builder's M1 does). An hour that had no
 * record does not exist, nor does an instrument's first one when its beginning was not seen. An hour is over with the
 * first record that belongs to a later time: a bar that closes after its end, a quote or an END at its end or later.
 * Instruments of volume kind `none` and those that are not active are left out. Pure: the same records give the same
 * hours.
 */
#ifndef PROPFLEET_WORKERS_FEED_SEASON_H
#define PROPFLEET_WORKERS_FEED_SEASON_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "shm/history.h"
#include "workers/feed/builder.h"

struct season_hour {
    int64_t open_ns;
    dec_t volume;
    bool active; /* had a record */
    bool whole;  /* its beginning was seen */
};

struct season {
    uint32_t count;
    int64_t due_ns; /* the earliest end of an active hour, INT64_MAX: none */
    uint32_t counted; /* bit i: instrument i has volume evidence */
    uint32_t seen;    /* bit i: it had a record */
    struct season_hour hours[CONFIG_INSTRUMENTS_MAX];
};

void season_init(struct season *season, const struct fleet_config *config);
/* Hours that are over by the record `item`, in order of instruments: the index of the next one in *instrument and the
 * hour in *out (seq is the caller's). Call until it returns false, then season_add. */
bool season_over(struct season *season, const struct feed_item *item, uint32_t *instrument, struct history_hour *out);
void season_add(struct season *season, const struct feed_item *item);

#endif
