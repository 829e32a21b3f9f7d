/* layout: how ring, cell and history lie in memory, and their writers as lists of stores.
 *
 * Internal to shm/ and its tests; nobody else includes it. Tests use it to build states by hand
 * (torn, lapped, wrong version) and to stop a writer between any two of its stores: each write
 * is a fixed number of steps, one atomic store each, and the public functions only run all of
 * them in order. After any prefix of the steps a reader must still get a whole record or none.
 *
 * One idea serves all three: a stamp in front of the payload is 0 while the payload changes and
 * names the content otherwise.
 *   writer: stamp = 0, payload, stamp = n, index = n        (every store release)
 *   reader: stamp == n, payload, stamp == n                 (every load acquire)
 * A payload word of a later write carries its stamp = 0 with it (release to acquire), so the
 * second look at the stamp cannot miss that write.
 */
#ifndef PROPFLEET_SHM_LAYOUT_H
#define PROPFLEET_SHM_LAYOUT_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/cell.h"
#include "shm/history.h"
#include "shm/market.h"

#define SHM_PAGE_BYTES 4096u
#define SHM_LINE_BYTES 64u
/* Hot words stand two lines apart: some processors fetch lines in pairs. */
#define SHM_HOT_BYTES 128u
#define SHM_READ_TRIES 16
#define SHM_READY 1u

static_assert(sizeof(_Atomic uint64_t) == 8, "atomic words have no lock beside them");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "an atomic word in shared memory must be lock-free");

/* A caller's struct seen as words. may_alias: the compiler must not assume otherwise. */
typedef uint64_t __attribute__((may_alias)) shm_word;

/* --- ring ----------------------------------------------------------------------------- */

#define RING_MAGIC UINT64_C(0x676e697274656c66) /* "fletring" */
#define RING_VERSION 1u
#define RING_WORDS 8u

struct ring_slot {
    alignas(SHM_LINE_BYTES) _Atomic uint64_t words[RING_WORDS]; /* word 0 is the stamp */
};
static_assert(sizeof(struct ring_slot) == sizeof(struct market_record), "a slot is a record");

struct ring {
    uint64_t magic;
    uint32_t version, record_size;
    uint32_t slot_count, reserved;
    uint64_t generation, first_seq;
    _Atomic uint32_t ready;
    alignas(SHM_HOT_BYTES) _Atomic uint64_t head;
    alignas(SHM_HOT_BYTES) _Atomic uint32_t closed;
    unsigned char fill[SHM_PAGE_BYTES - 2 * SHM_HOT_BYTES - sizeof(uint32_t)];
    struct ring_slot slots[];
};
static_assert(offsetof(struct ring, head) == SHM_HOT_BYTES, "head on its own line");
static_assert(offsetof(struct ring, closed) == 2 * SHM_HOT_BYTES, "closed on its own line");
static_assert(offsetof(struct ring, slots) == SHM_PAGE_BYTES, "a page of header");

/* Steps of one publish: stamp = 0, seven payload words, stamp = seq, head = seq. */
#define RING_PUBLISH_STEPS (RING_WORDS + 2u)

static inline __attribute__((always_inline)) void ring_publish_step(struct ring *ring, struct ring_slot *slot,
                                                                    uint64_t seq, const shm_word *words, unsigned step)
{
    if (step == 0)
        atomic_store_explicit(&slot->words[0], 0, memory_order_release);
    else if (step < RING_WORDS)
        atomic_store_explicit(&slot->words[step], words[step], memory_order_release);
    else if (step == RING_WORDS)
        atomic_store_explicit(&slot->words[0], seq, memory_order_release); /* pairs with ring_read */
    else
        atomic_store_explicit(&ring->head, seq, memory_order_release);
}

/* --- cell ----------------------------------------------------------------------------- */

#define CELL_MAGIC UINT64_C(0x6c6c656374656c66) /* "fletcell" */
#define CELL_VERSION 1u
#define CELL_PAYLOAD_WORDS (sizeof(struct cell_payload) / 8)
static_assert(sizeof(struct cell_payload) % 8 == 0, "the payload is copied word by word");

struct cell_copy {
    alignas(SHM_HOT_BYTES) _Atomic uint64_t stamp; /* the version that lies here, 0 while it changes */
    _Atomic uint64_t words[CELL_PAYLOAD_WORDS];
};

struct cell {
    uint64_t magic;
    uint32_t version, size_bytes, payload_bytes, reserved;
    uint64_t generation;
    _Atomic uint32_t ready;
    alignas(SHM_HOT_BYTES) _Atomic int64_t heartbeat_ns;
    alignas(SHM_HOT_BYTES) _Atomic uint64_t consumed;
    alignas(SHM_HOT_BYTES) _Atomic uint64_t durable;
    alignas(SHM_HOT_BYTES) _Atomic int64_t done_instant_ns; /* the watermark's two words share a line */
    _Atomic uint64_t sent_jseq;
    alignas(SHM_HOT_BYTES) _Atomic uint32_t sleeping;
    alignas(SHM_HOT_BYTES) _Atomic uint32_t syncing;
    alignas(SHM_HOT_BYTES) _Atomic uint64_t current; /* version n lies whole in copies[n % 2]; 0: none yet */
    struct cell_copy copies[2];
};
static_assert(sizeof(struct cell) <= CELL_SIZE_BYTES, "two pages");

/* Steps of one write: stamp = 0, the payload words, stamp = version, current = version. */
#define CELL_WRITE_STEPS (CELL_PAYLOAD_WORDS + 3u)

static inline void cell_write_step(struct cell *cell, uint64_t version, const shm_word *words, size_t step)
{
    struct cell_copy *copy = &cell->copies[version & 1];
    if (step == 0)
        atomic_store_explicit(&copy->stamp, 0, memory_order_release);
    else if (step <= CELL_PAYLOAD_WORDS)
        atomic_store_explicit(&copy->words[step - 1], words[step - 1], memory_order_release);
    else if (step == CELL_PAYLOAD_WORDS + 1)
        atomic_store_explicit(&copy->stamp, version, memory_order_release); /* pairs with cell_read */
    else
        atomic_store_explicit(&cell->current, version, memory_order_release);
}

/* --- history -------------------------------------------------------------------------- */

#define HISTORY_MAGIC UINT64_C(0x7473696874656c66) /* "flethist" */
#define HISTORY_VERSION 2u
#define HISTORY_BAR_WORDS (sizeof(struct history_bar) / 8)
#define HISTORY_HOUR_WORDS (sizeof(struct history_hour) / 8)

struct history_slot {
    _Atomic uint64_t stamp; /* the ordinal (1, 2, 3, ...) of the bar in its series, 0 while it changes */
    _Atomic uint64_t words[HISTORY_BAR_WORDS];
};
static_assert(sizeof(struct history_slot) == 80, "a stamp and nine words");

struct history_series {
    alignas(SHM_LINE_BYTES) _Atomic uint64_t count; /* bars ever appended */
};

struct history_hour_slot {
    _Atomic uint64_t stamp;
    _Atomic uint64_t words[HISTORY_HOUR_WORDS];
};
static_assert(sizeof(struct history_hour_slot) == 32, "a stamp and three words");

/* One instrument's hours of the week. Slot by slot, so that weeks fill pages one after the other. */
struct history_season {
    _Atomic uint64_t count[HISTORY_WEEK_HOURS]; /* hours ever appended */
    struct history_hour_slot slots[HISTORY_HOUR_SLOTS][HISTORY_WEEK_HOURS];
};
static_assert((HISTORY_HOUR_SLOTS & (HISTORY_HOUR_SLOTS - 1)) == 0, "a slot is found by a mask");
static_assert(offsetof(struct history_bar, seq) == 0 && offsetof(struct history_hour, seq) == 0,
              "the first word of both is what a reader compares with its own position");

/* After the header: instrument_count * TIMEFRAME_COUNT series heads, then capacity slots of each series, then
 * instrument_count seasons. */
struct history {
    uint64_t magic;
    uint32_t version, bar_size;
    uint32_t instrument_count, capacity;
    uint64_t generation;
    _Atomic uint32_t ready;
    uint32_t hour_slots;
    alignas(SHM_LINE_BYTES) struct history_series series[];
};

/* Steps of one append of n words: stamp = 0, the words, stamp = ordinal, count = ordinal. `slot` is its stamp, the
 * words follow it. */
#define HISTORY_STEPS(n) ((n) + 3u)
#define HISTORY_APPEND_STEPS HISTORY_STEPS(HISTORY_BAR_WORDS)
#define HISTORY_HOUR_STEPS HISTORY_STEPS(HISTORY_HOUR_WORDS)

struct history_append {
    _Atomic uint64_t *count, *slot;
    uint64_t ordinal;
    const shm_word *words;
    size_t word_count;
};

static inline void history_append_step(const struct history_append *a, size_t step)
{
    if (step == 0)
        atomic_store_explicit(a->slot, 0, memory_order_release);
    else if (step <= a->word_count)
        atomic_store_explicit(&a->slot[step], a->words[step - 1], memory_order_release);
    else if (step == a->word_count + 1)
        atomic_store_explicit(a->slot, a->ordinal, memory_order_release); /* pairs with history_read */
    else
        atomic_store_explicit(a->count, a->ordinal, memory_order_release);
}

#endif
