/* history: the last bars of each instrument and timeframe, built once by the feed, read by all.
 *
 * Each bar carries the sequence number of the record that closed it; a reader ignores those
 * beyond its own position, since for it they lie in the future. Per series a ring of
 * `capacity` bars (power of two), a count of bars ever appended, each slot guarded by a stamp as
 * the market ring's are.
 */
#ifndef PROPFLEET_SHM_HISTORY_H
#define PROPFLEET_SHM_HISTORY_H

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

#endif
