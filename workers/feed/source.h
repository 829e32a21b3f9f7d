/* source: one instrument's records, in order of the time at which each is known, whatever they come from.
 *
 *   CSV bars      a bar at open + timeframe; spread_ticks = the greater of modelled (at the bar's last nanosecond) and
 *                 recorded (the companion's row of the same time, when there is one), rounded up
 *   CSV quotes    at their stamp; ask = the greater of recorded and bid + modelled
 *   CSV trades    the price as bid, ask = bid + modelled
 *   simulator     bars, or the quotes inside them; recorded = modelled x the stress of the moment (1 to 4)
 *
 * Prices of kind `mid` and `last` are taken as the bid, the whole spread on top: a buyer pays more than he would,
 * never less. Spread model: spread.h.
 * The span is [from_ns, to_ns): bars that open there, quotes stamped there. Of what comes before it the last warmup_bars
 * bars (quotes: minutes) are given out, earlier ones are read and left out. Outside a file's own span nothing is there.
 */
#ifndef PROPFLEET_WORKERS_FEED_SOURCE_H
#define PROPFLEET_WORKERS_FEED_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "workers/feed/builder.h"
#include "workers/feed/csv.h"
#include "workers/feed/simulator.h"
#include "workers/feed/spread.h"

struct error;

/* Called while a long file is read up to its span, so that the process goes on to answer. */
struct source_progress {
    void (*turn)(void *context);
    void *context;
};
#define SOURCE_PROGRESS_RECORDS 65536u

#define SOURCE_WARMUP_MAX (1u << 20) /* bars that are held to find the last ones before from_ns */

struct source {
    bool quotes;                     /* records are quotes; else bars of `timeframe` */
    enum market_timeframe timeframe;
    uint64_t rows_read, rows_bad;    /* of the CSV files, companions too; bars of the simulator */
    /* private: */
    int (*raw)(struct source *source, struct feed_item *item, struct error *err);
    const struct config_instrument *config;
    uint8_t instrument, flags;
    int64_t from_ns, to_ns, warm_ns;
    int64_t last_known_ns;           /* of the record before; INT64_MIN at first */
    int64_t weekend_until_ns;        /* the first minute after a weekend ends here */
    struct spread_model spread;
    struct csv csv, companion;
    bool has_companion;
    struct csv_row companion_row;    /* time_ns INT64_MAX at its end */
    struct sim_instrument *sim;
    struct sim_bar sim_bar;
    int64_t path_ns[SIM_QUOTES_PER_BAR];
    dec_t path[SIM_QUOTES_PER_BAR];
    unsigned path_at;                /* SIM_QUOTES_PER_BAR: the next bar is due */
    struct feed_item *lead;          /* the last warmup_bars before from_ns, a ring */
    uint32_t lead_size, lead_count, lead_at;
    struct feed_item held;           /* the first record at or after from_ns */
    bool has_held, ended;
};

struct source_setup {
    const struct fleet_config *config; /* borrowed */
    uint32_t index;                    /* of the instrument */
    struct sim_market *market;         /* the simulator's, NULL for files; borrowed */
    const struct source_progress *progress; /* NULL: none */
};
/* 0 or -errno with err set; then nothing is open. */
int source_open(struct source *source, const struct source_setup *setup, struct error *err);
/* 1: the next record in *item (seq 0). 0: the end, for good. Negative with err set: as csv_next. */
int source_next(struct source *source, struct feed_item *item, struct error *err);
void source_close(struct source *source);

#endif
