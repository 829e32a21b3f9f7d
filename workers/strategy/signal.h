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
    /* A closed bar of the state's own instrument and timeframe, in order. 1: *out is a signal; 0: none, *out is
     * unspecified. Bars flagged MARKET_WARMUP feed the state and never give a signal. tick > 0. A bar that
     * cannot be one (price <= 0, open or close outside low..high) is passed over. */
    int (*on_bar)(void *state, const struct config_personality *personality, const struct market_record *bar,
                  dec_t tick, struct signal *out);
    /* Bars that must be seen before the first signal can come: the next one can give it. */
    uint32_t (*warmup_bars)(const struct config_personality *personality);
    /* Whether bytes (of a snapshot) are a state that on_bar can go on from with these parameters: its version,
     * and every index and count in range. False: init, and rebuild from bars. */
    bool (*restorable)(const void *state, const struct config_personality *personality);
};

/* breakout.c: the close of a bar beyond the range of the bars before it. With ATR the Wilder average true range
 * over atr_period bars up to and including this one (quant.md section 1), high and low the extremes of the
 * `lookback` bars before this one, and d how far the close lies beyond high (buy) or below low (sell):
 *   signal             d > 0 and d > buffer_atr * ATR
 *                      and (range_max_atr == 0 or high - low <= range_max_atr * ATR)
 *                      and more than cooldown_bars bars since the last signal, and direction and session allow it
 *   session            second of the UTC day of the time at which the bar is known, in [session_from_s,
 *                      session_to_s); from > to goes over midnight; equal: always
 *   stop_distance      stop_atr * ATR, up to whole ticks, at least one
 *   target_distance    target_r * stop_distance, to the nearest whole tick, at least one; target_r 0: none
 *   strength           x / (1 + x), x = d / ATR: 0 at the edge, 1/2 one ATR beyond it
 * Only signals that are given start a cooldown. A bar costs O(1) amortised. */
extern const struct detector breakout_detector;
#define DETECTOR_STATE_BYTES_MAX 8192u

#endif
