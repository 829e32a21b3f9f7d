/* history: the last bars of each instrument and timeframe, built once by the feed, read by all.
 *
 * Each bar carries the sequence number of the record that closed it; a reader ignores those
 * beyond its own position, since for it they lie in the future. Per series a ring of
 * `capacity` bars (power of two), a count of bars ever appended, each slot guarded by a stamp as
 * the market ring's are.
 *
 * Beside the bars, for the seasonal volume baselines (baseline.h): of each hour of the week the volumes of its last
 * HISTORY_HOUR_SLOTS occurrences, kept in the same way. An instrument whose volume is no evidence has none.
 */
#ifndef PROPFLEET_SHM_HISTORY_H
#define PROPFLEET_SHM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/market.h"
#include "shm/result.h"

struct history_bar {
    uint64_t seq;       /* of the record that closed it */
    int64_t open_ns, close_ns;
    dec_t open, high, low, close, volume;
    uint32_t spread_ticks;
    uint32_t flags;     /* enum market_flag */
};
static_assert(sizeof(struct history_bar) == 72, "nine words");

/* One hour of one instrument that is over. */
struct history_hour {
    uint64_t seq;       /* of the record by which it was known to be over */
    int64_t open_ns;    /* a whole hour, UTC */
    dec_t volume;       /* of its base bars, or its count of quotes */
};
static_assert(sizeof(struct history_hour) == 24, "three words");

/* 0 is Monday 00:00 to 01:00 UTC. */
#define HISTORY_WEEK_HOURS 168u
/* Occurrences that are held: the 20 that a baseline is made of, and more than ten months by which a reader may be
 * behind the writer and still find the 20 that were there at its own position. */
#define HISTORY_HOUR_SLOTS 64u

struct history;

#define HISTORY_INSTRUMENTS_MAX 256u   /* a market record's instrument is one byte */
#define HISTORY_CAPACITY_MIN 2u
#define HISTORY_CAPACITY_MAX (1u << 16)

/* Both must be within the limits, capacity a power of two (asserted). */
size_t history_size_bytes(uint32_t instrument_count, uint32_t capacity);
struct history *history_init(void *memory, uint32_t instrument_count, uint32_t capacity, uint64_t generation);
/* Bars of one series come in order of seq. The writer's alone. */
void history_append(struct history *history, uint32_t instrument, enum market_timeframe timeframe, const struct history_bar *bar);

enum shm_result history_attach(const void *memory, size_t size, const struct history **out);
/* Copy at most `max` of the newest bars with seq <= up_to_seq into out, oldest first. *count is what
 * was copied: fewer when fewer are still held. SHM_OK, SHM_EMPTY (none held), SHM_STALE (overwritten while reading, 16 tries), SHM_CORRUPT (no
 * such series). */
enum shm_result history_read(const struct history *history, uint32_t instrument, enum market_timeframe timeframe,
                             uint64_t up_to_seq, uint32_t max, struct history_bar *out, uint32_t *count);
uint32_t history_capacity(const struct history *history);

/* The hour of the week that holds an instant. */
uint32_t history_week_hour(int64_t time_ns);
/* Hours of one instrument and hour of the week come in order of seq. The writer's alone. */
void history_hour_append(struct history *history, uint32_t instrument, const struct history_hour *hour);
/* As history_read. SHM_STALE too when fewer than `max` are held at up_to_seq because the reader is so far behind that
 * older ones were overwritten: what it would have read in time cannot be read any more. */
enum shm_result history_hour_read(const struct history *history, uint32_t instrument, uint32_t week_hour,
                                  uint64_t up_to_seq, uint32_t max, struct history_hour *out, uint32_t *count);

/* For a writer that goes on with what an earlier one had: the series (the hour of the week) is empty, its next append
 * has number count + 1. */
void history_resume(struct history *history, uint32_t instrument, enum market_timeframe timeframe, uint64_t count);
void history_hour_resume(struct history *history, uint32_t instrument, uint32_t week_hour, uint64_t count);
/* What was ever appended, and one of it by its number (from 1); false when it is not held. The series must exist
 * (asserted). */
uint64_t history_count(const struct history *history, uint32_t instrument, enum market_timeframe timeframe);
bool history_get(const struct history *history, uint32_t instrument, enum market_timeframe timeframe, uint64_t ordinal,
                 struct history_bar *out);
uint64_t history_hour_count(const struct history *history, uint32_t instrument, uint32_t week_hour);
bool history_hour_get(const struct history *history, uint32_t instrument, uint32_t week_hour, uint64_t ordinal,
                      struct history_hour *out);

#endif
