/* market: the 64-byte market record, the unit of the ring, of the feed and of every core.
 *
 * Layout (all little-endian 64-bit words, so that the ring can copy it word by word):
 *   word 0  seq            sequence number, 1, 2, 3, ... over all segments
 *   word 1  time_ns        market time at which the record is KNOWN: a bar's close, a quote's stamp
 *   word 2  kind, timeframe, instrument, flags/spread
 *   word 3-6 BAR: open, high, low, close · QUOTE: bid, ask, bid_size, ask_size · END: zero, but for word 3 of a live
 *            feed's: when it was published, CLOCK_MONOTONIC ns (a replay knows no wall clock)
 *   word 7  BAR: volume (dec_t) · QUOTE: 0 · END: 0
 * Prices are dec_t, of the side that the data set names (bid for FX). A bar's spread is in
 * ticks of its instrument: ask = bid + spread_ticks * tick. All records of one instant T are
 * followed by one END record with time_ns == T; the next instant is later than T.
 */
#ifndef PROPFLEET_SHM_MARKET_H
#define PROPFLEET_SHM_MARKET_H

#include <assert.h>
#include <stdint.h>

#include "base/decimal.h"

enum market_kind { MARKET_QUOTE = 1, MARKET_BAR = 2, MARKET_END = 3 };

/* The order is the order of length; loops over timeframes use it. */
enum market_timeframe {
    TIMEFRAME_M1, TIMEFRAME_M5, TIMEFRAME_M15, TIMEFRAME_H1, TIMEFRAME_H4, TIMEFRAME_D1,
    TIMEFRAME_COUNT
};

enum market_flag {
    MARKET_SIMULATED = 1 << 0,   /* from the embedded simulator */
    MARKET_BASE = 1 << 1,        /* a bar of the source's own (finest) timeframe: fills are made from it */
    MARKET_WARMUP = 1 << 2,      /* before the span: indicators only, nothing trades */
    MARKET_AFTER_GAP = 1 << 3,   /* first record after a closure of more than an hour */
    MARKET_LAST_OF_SOURCE = 1 << 4, /* END only: the source has ended, nothing follows */
};

struct market_record {
    uint64_t seq;
    int64_t time_ns;
    uint8_t kind;      /* enum market_kind */
    uint8_t timeframe; /* BAR: enum market_timeframe */
    uint8_t instrument; /* index into the fleet's instruments; 0 for END */
    uint8_t flags;
    uint32_t spread_ticks; /* BAR: the greater of recorded and modelled spread at the close */
    union {
        struct { dec_t open, high, low, close, volume; } bar;
        struct { dec_t bid, ask, bid_size, ask_size; int64_t unused; } quote;
        struct { int64_t published_ns, unused[4]; } end;
        int64_t words[5];
    } u;
};
static_assert(sizeof(struct market_record) == 64, "one cache line");

/* Nominal length in ns. A D1 bar that crosses a clock change is an hour shorter or longer. */
int64_t timeframe_ns(enum market_timeframe timeframe);
const char *timeframe_name(enum market_timeframe timeframe); /* "M15" */
/* -EINVAL for an unknown name. */
int timeframe_parse(const char *name, enum market_timeframe *out);

#endif
