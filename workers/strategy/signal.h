/* signal: what a detector says, and the interface that every detector is written behind. Pure.
 *
 * A detector sees closed bars of one instrument and one timeframe, one at a time, and keeps a plain,
 * versioned state of fixed size that is snapshotted as bytes and restored. Its state depends on bars
 * and parameters alone, never on what an account holds or was granted: so it can be rebuilt from bars.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNAL_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "shm/market.h"

#define SIGNAL_PATTERN_LIST(X) X(RANGE_BREAKOUT, "range_breakout")
enum signal_pattern {
#define X(name, text) PATTERN_##name,
    SIGNAL_PATTERN_LIST(X)
#undef X
    PATTERN_COUNT
};
const char *signal_pattern_name(unsigned pattern);

struct signal {
    uint32_t pattern;       /* enum signal_pattern */
    uint32_t instrument, timeframe;
    uint32_t side;          /* enum broker_side: 1 buy, 2 sell */
    uint64_t bar_seq;       /* record at which it was known */
    int64_t time_ns;        /* its market time */
    dec_t price;            /* bid at that time: the bar's close */
    dec_t stop_distance;    /* > 0, whole ticks, rounded up */
    dec_t target_distance;  /* > 0, whole ticks; 0: none */
    double strength;        /* 0..1, a detector's own scale: not a probability */
    double atr;             /* for the journal, price units */
    dec_t range_high, range_low;
};

struct detector {
    uint32_t version;       /* of the state's layout; a snapshot of another version is rebuilt from bars */
    uint32_t state_bytes;   /* multiple of 8 */
    void (*init)(void *state, const struct config_personality *personality);
    /* A closed bar (warm-up bars too). 1: *out is a signal; 0: none. tick > 0. */
    int (*on_bar)(void *state, const struct config_personality *personality, const struct market_record *bar,
                  dec_t tick, struct signal *out);
    /* Bars that must be seen before the first signal can come. */
    uint32_t (*warmup_bars)(const struct config_personality *personality);
};

extern const struct detector breakout_detector;
#define DETECTOR_STATE_BYTES_MAX 8192u

#endif
