/* builder: the higher bars of one instrument, built from its base bars or quotes.
 *
 * A bar of an interval [open, close) is KNOWN at its nominal close: builder_close(T) gives it out at T, whether or
 * not its last base bars came; no interval without a record has a bar. The caller closes T before it adds
 * anything that is known later, and adds quotes stamped T (which belong to the next interval) after it.
 *
 *   M1 to H1   whole multiples in UTC
 *   D1         from day_start_s of the local day in `zone` to the next: 23, 24 or 25 hours
 *   H4         counted from the start of that day; the day's end cuts the last one
 *   a base bar belongs to the interval that holds its last nanosecond
 *
 * The first interval of each timeframe is left out when its beginning was not seen: half a bar would be wrong.
 * MARKET_AFTER_GAP: the bar opens more than an hour after the one before it in its series closed.
 */
#ifndef PROPFLEET_WORKERS_FEED_BUILDER_H
#define PROPFLEET_WORKERS_FEED_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tz.h"
#include "shm/market.h"

#define BUILDER_GAP_NS (INT64_C(3600) * 1000000000)
#define BUILDER_NEVER INT64_MAX

/* One record of the sequence, with what the bar history wants beside it. */
struct feed_item {
    struct market_record record; /* seq is set by whoever publishes */
    int64_t open_ns;             /* BAR: its nominal open; record.time_ns is its close */
};

struct builder_bar {
    int64_t open_ns, close_ns;
    dec_t open, high, low, close, volume;
    uint32_t spread_ticks;
    bool active, partial;
};

struct builder {
    int64_t due_ns; /* the earliest close of a bar in the making, BUILDER_NEVER when there is none */
    /* private: */
    const struct tz_table *zone;
    int32_t day_start_s;
    uint32_t wanted;  /* bit i: enum market_timeframe i is given out */
    unsigned lowest;  /* the first timeframe that is built */
    uint8_t flags, instrument;
    int64_t day_open_ns, day_close_ns; /* of the day looked at last */
    int64_t last_close_ns[TIMEFRAME_COUNT];
    struct builder_bar bars[TIMEFRAME_COUNT];
};

struct builder_setup {
    const struct tz_table *zone; /* borrowed */
    int32_t day_start_s;
    uint32_t timeframes;         /* config_instrument.timeframes */
    bool quotes;                 /* built from quotes: M1 too */
    enum market_timeframe base;  /* of bars otherwise */
    uint8_t instrument, flags;   /* flags: of every bar, MARKET_SIMULATED */
};

void builder_init(struct builder *builder, const struct builder_setup *setup);
/* A base bar. Its close is not after due_ns (asserted: whoever adds it closed what was due). */
void builder_add_bar(struct builder *builder, const struct feed_item *bar);
/* A quote. spread_ticks: what its ask is above its bid. */
void builder_add_quote(struct builder *builder, int64_t time_ns, dec_t bid, uint32_t spread_ticks);
/* Everything known at time_ns (not after it, nothing due before it is left): items[i] for each bit i of the result. */
uint32_t builder_close(struct builder *builder, int64_t time_ns, struct feed_item items[TIMEFRAME_COUNT]);

/* The interval that holds an instant. */
void builder_interval(struct builder *builder, enum market_timeframe timeframe, int64_t time_ns, int64_t *open_ns,
                      int64_t *close_ns);

#endif
