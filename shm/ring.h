/* ring: the market ring. One writer, many readers, 64-byte records, in one memfd.
 *
 * Caveats first: the writer never knows its readers through the ring; pacing and waking are
 * the caller's (the feed), through the readers' cells (shm/cell.h). A reader is never an
 * obstacle: a reader that is overtaken learns exactly how many records it missed.
 *
 * Layout of the segment: a page of header, then slot_count (a power of two) records.
 *   header: magic, version, record_size, slot_count, generation, first_seq (plain words,
 *           written before `ready` is stored last with release), then on lines of their own:
 *           head (last published seq; first_seq - 1 when empty), closed.
 *   slot:   word 0 is the stamp. The writer stores 0 there, then the payload words (each with
 *           release), then the stamp = seq (release), then head = seq (release). A reader loads
 *           the stamp (acquire), the payload (acquire), the stamp again: both must be the seq
 *           that it wants. No bare fences: ThreadSanitizer of gcc 12 does not model them.
 *
 * Readers map read-only and copy; nothing that is read is an index or a length before it has
 * been checked by ring_attach.
 */
#ifndef PROPFLEET_SHM_RING_H
#define PROPFLEET_SHM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/market.h"
#include "shm/result.h"

struct error;
struct ring; /* the segment as mapped */

#define RING_SLOTS_MIN 1024u
#define RING_SLOTS_MAX (1u << 22)

/* Bytes of a segment with slot_count slots (asserted: a power of two within the limits). */
size_t ring_size_bytes(uint32_t slot_count);

struct ring_writer {
    struct ring *ring;
    uint64_t next_seq;
    uint32_t mask;
};
/* Lay out a fresh, zeroed, mapped segment. The first record will have seq first_seq (>= 1). */
void ring_writer_init(struct ring_writer *writer, void *memory, uint32_t slot_count, uint64_t generation, uint64_t first_seq);
/* Publish a copy of *record; sets its seq, which is returned. No system call, never waits. */
uint64_t ring_publish(struct ring_writer *writer, const struct market_record *record);
/* Nothing follows: readers get SHM_CLOSED once they have read everything. */
void ring_close(struct ring_writer *writer);

struct ring_reader {
    const struct ring *ring;
    uint64_t next_seq; /* the record that ring_read returns next */
    uint32_t mask;
    uint64_t lapped_total; /* records missed since attach */
    /* private: */
    uint64_t first_seq;    /* checked at attach; the mapped one is not read again */
    uint64_t start_seq;    /* where it attached */
    uint64_t head_seen;    /* the head never goes back behind it */
};
/* Check magic, version, sizes, ready. `size` is the mapped size (fstat of the descriptor). The reader
 * starts at from_seq; 0 means the oldest record that is still whole. SHM_OK, SHM_CORRUPT (wrong
 * magic, version, size), SHM_STALE (not ready). */
enum shm_result ring_attach(struct ring_reader *reader, const void *memory, size_t size, uint64_t from_seq);
/* Copy the next record. SHM_OK; SHM_EMPTY: nothing new; SHM_LAPPED: *lost records were
 * overwritten, the reader now stands at the oldest safe record (call again); SHM_CLOSED: everything
 * read and the writer has closed; SHM_CORRUPT: the seq wanted lies before first_seq, or the head
 * went back. *out is whole with SHM_OK and undefined otherwise; *lost is written with SHM_LAPPED only.
 * A reader that starts beyond the head (another generation was further) gets SHM_EMPTY until then. */
enum shm_result ring_read(struct ring_reader *reader, struct market_record *out, uint64_t *lost);
/* The last published sequence number (first_seq - 1 when none). Sequentially consistent: after
 * cell_set_sleeping(1) a reader looks here (or calls ring_read) once more before it waits. */
uint64_t ring_head(const struct ring *ring);
/* The writer has closed; what was published before may still be unread. Sequentially consistent, as ring_head. */
bool ring_closed(const struct ring *ring);
uint64_t ring_first_seq(const struct ring *ring);
uint64_t ring_generation(const struct ring *ring);

#endif
