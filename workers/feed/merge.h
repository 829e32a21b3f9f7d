/* merge: all instruments as one sequence of market records, the same for the same configuration.
 *
 * Record number n is always the same record: nothing here reads a clock or knows who listens. That is what makes the
 * feed's recovery exact: a new feed runs the sequence up to where the last one was, and goes on.
 *
 * The records of an instant T: quotes by instrument; then bars by timeframe (shortest first), then by instrument;
 * then one END. A bar is known at its close. Nothing comes after the last record of the sources: a higher bar
 * that would close later is not given out.
 *   MARKET_BASE            bars of a source's own timeframe; none where it has quotes
 *   MARKET_WARMUP          quotes stamped before from_ns, bars that opened before it; END when all of its instant are
 *   MARKET_SIMULATED       everything, END too
 *   MARKET_AFTER_GAP       records that open more than an hour after the one before them in their series
 *   MARKET_LAST_OF_SOURCE  the last END
 */
#ifndef PROPFLEET_WORKERS_FEED_MERGE_H
#define PROPFLEET_WORKERS_FEED_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "workers/feed/builder.h"
#include "workers/feed/source.h"

struct error;

struct merge;

/* Opens the source of every active instrument. NULL with err set (err->code). `config` is borrowed, `progress` may be
 * NULL (source.h). */
struct merge *merge_open(const struct fleet_config *config, const struct source_progress *progress, struct error *err);
void merge_close(struct merge **merge);
/* 1: the next record. 0: the end. Negative with err set: a source failed (merge is good for closing only). */
int merge_next(struct merge *merge, struct feed_item *out, struct error *err);
void merge_rows(const struct merge *merge, uint64_t *read, uint64_t *bad);

#endif
