#include "shm/ring.h"

#include "shm/layout.h"

/* After a lap the reader is put this part of the ring ahead of the writer's tail, so that it can copy
 * before the writer is there again. */
#define RING_MARGIN_PART 8u

/* A second round is needed only when the last record came just before the close; then nothing moves. */
#define RING_READ_ROUNDS 2

static bool ring_slot_count_valid(uint32_t slot_count)
{
    return slot_count >= RING_SLOTS_MIN && slot_count <= RING_SLOTS_MAX && (slot_count & (slot_count - 1)) == 0;
}

size_t ring_size_bytes(uint32_t slot_count)
{
    assert(ring_slot_count_valid(slot_count));
    return sizeof(struct ring) + (size_t)slot_count * sizeof(struct ring_slot);
}

void ring_writer_init(struct ring_writer *writer, void *memory, uint32_t slot_count, uint64_t generation,
                      uint64_t first_seq)
{
    assert(writer && memory && (uintptr_t)memory % SHM_HOT_BYTES == 0);
    assert(ring_slot_count_valid(slot_count) && first_seq >= 1);
    struct ring *ring = memory;
    assert(ring->magic == 0 && atomic_load_explicit(&ring->ready, memory_order_relaxed) == 0);
    ring->magic = RING_MAGIC;
    ring->version = RING_VERSION;
    ring->record_size = sizeof(struct market_record);
    ring->slot_count = slot_count;
    ring->generation = generation;
    ring->first_seq = first_seq;
    atomic_store_explicit(&ring->head, first_seq - 1, memory_order_relaxed);
    atomic_store_explicit(&ring->ready, SHM_READY, memory_order_release); /* pairs with ring_attach */
    *writer = (struct ring_writer){.ring = ring, .next_seq = first_seq, .mask = slot_count - 1};
}

uint64_t ring_publish(struct ring_writer *writer, const struct market_record *record)
{
    assert(record->kind >= MARKET_QUOTE && record->kind <= MARKET_END);
    uint64_t seq = writer->next_seq;
    struct ring *ring = writer->ring;
    struct ring_slot *slot = &ring->slots[seq & writer->mask];
    const shm_word *words = (const shm_word *)record;
#pragma GCC unroll 10
    for (unsigned step = 0; step < RING_PUBLISH_STEPS; step++)
        ring_publish_step(ring, slot, seq, words, step);
    writer->next_seq = seq + 1;
    return seq;
}

void ring_close(struct ring_writer *writer)
{
    assert(writer->ring);
    /* Sequentially consistent, as a reader that is about to sleep looks here once more. */
    atomic_store(&writer->ring->closed, 1);
}

enum shm_result ring_attach(struct ring_reader *reader, const void *memory, size_t size, uint64_t from_seq)
{
    assert(reader && memory && (uintptr_t)memory % SHM_HOT_BYTES == 0);
    const struct ring *ring = memory;
    if (size < sizeof(struct ring))
        return SHM_CORRUPT;
    uint32_t ready = atomic_load_explicit(&ring->ready, memory_order_acquire); /* pairs with ring_writer_init */
    if (ready == 0)
        return SHM_STALE;
    uint32_t slot_count = *(const volatile uint32_t *)&ring->slot_count; /* read once: what is checked is used */
    uint64_t first_seq = *(const volatile uint64_t *)&ring->first_seq;
    if (ready != SHM_READY || ring->magic != RING_MAGIC || ring->version != RING_VERSION ||
        ring->record_size != sizeof(struct market_record))
        return SHM_CORRUPT;
    if (!ring_slot_count_valid(slot_count) || size < ring_size_bytes(slot_count) || first_seq == 0)
        return SHM_CORRUPT;
    uint64_t head = ring_head(ring);
    if (head < first_seq - 1 || head == UINT64_MAX)
        return SHM_CORRUPT;
    if (from_seq == 0) {
        from_seq = first_seq;
        if (head - first_seq >= slot_count && head >= first_seq) /* the first has been overwritten */
            from_seq = head - slot_count + 1;
        /* The writer may be in the middle of overwriting that one. */
        if (from_seq <= head &&
            atomic_load_explicit(&ring->slots[from_seq & (slot_count - 1)].words[0], memory_order_acquire) != from_seq)
            from_seq++;
    }
    *reader = (struct ring_reader){.ring = ring, .next_seq = from_seq, .mask = slot_count - 1,
                                   .first_seq = first_seq, .start_seq = from_seq, .head_seen = head};
    return SHM_OK;
}

/* Copy the record `seq` if it lies whole in the slot. */
static inline __attribute__((always_inline)) bool ring_slot_copy(const struct ring_slot *slot, uint64_t seq,
                                                                 struct market_record *out)
{
    shm_word *to = (shm_word *)out;
    if (atomic_load_explicit(&slot->words[0], memory_order_acquire) != seq) /* pairs with ring_publish_step */
        return false;
#pragma GCC unroll 8
    for (unsigned i = 1; i < RING_WORDS; i++)
        to[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    to[0] = seq;
    return atomic_load_explicit(&slot->words[0], memory_order_acquire) == seq;
}

/* The least that the head can be, from what this reader has seen. A record is whole one store before the
 * head says so, hence 2. Nothing follows from a start beyond the head: such a reader waits. */
static uint64_t ring_head_floor(const struct ring_reader *reader)
{
    if (reader->next_seq > reader->start_seq && reader->next_seq - 2 > reader->head_seen)
        return reader->next_seq - 2;
    return reader->head_seen;
}

static enum shm_result ring_skip_lap(struct ring_reader *reader, uint64_t head, uint64_t *lost)
{
    uint64_t slots = (uint64_t)reader->mask + 1;
    uint64_t safe = head - slots + slots / RING_MARGIN_PART;
    assert(safe > reader->next_seq && safe <= head);
    *lost = safe - reader->next_seq;
    reader->lapped_total += *lost;
    reader->next_seq = safe;
    return SHM_LAPPED;
}

/* The slot does not hold the record wanted: find out why. The order of the loads matters: what the head
 * says is newer than what the stamp said. */
static __attribute__((noinline)) enum shm_result ring_read_slow(struct ring_reader *reader, struct market_record *out,
                                                                uint64_t *lost)
{
    const struct ring *ring = reader->ring;
    uint64_t want = reader->next_seq;
    uint64_t slots = (uint64_t)reader->mask + 1;
    if (want < reader->first_seq)
        return SHM_CORRUPT;
    for (int round = 0; round < RING_READ_ROUNDS; round++) {
        uint64_t head = ring_head(ring);
        if (head < ring_head_floor(reader))
            return SHM_CORRUPT;
        reader->head_seen = head;
        if (head < want) {
            if (!atomic_load(&ring->closed))
                return SHM_EMPTY;
            if (ring_head(ring) < want) /* looked at again: the last record may have come before the close */
                return SHM_CLOSED;
            continue;
        }
        if (ring_slot_copy(&ring->slots[want & reader->mask], want, out)) {
            reader->next_seq = want + 1;
            return SHM_OK;
        }
        /* It was published and is not there: only a writer that is at want + slots explains it. */
        head = ring_head(ring);
        if (head - want >= slots - 1 && head >= want)
            return ring_skip_lap(reader, head, lost);
        return SHM_CORRUPT;
    }
    return SHM_CORRUPT; /* closed, yet the head moves to and fro */
}

enum shm_result ring_read(struct ring_reader *reader, struct market_record *out, uint64_t *lost)
{
    assert(reader->ring);
    uint64_t want = reader->next_seq;
    if (__builtin_expect(ring_slot_copy(&reader->ring->slots[want & reader->mask], want, out), 1)) {
        reader->next_seq = want + 1;
        return SHM_OK;
    }
    return ring_read_slow(reader, out, lost);
}

uint64_t ring_head(const struct ring *ring)
{
    assert(ring);
    /* Sequentially consistent (no dearer than acquire here): pairs with the fence in cell_sleeping. */
    return atomic_load(&ring->head);
}

bool ring_closed(const struct ring *ring)
{
    assert(ring);
    return atomic_load(&ring->closed) != 0;
}

uint64_t ring_first_seq(const struct ring *ring)
{
    assert(ring);
    return ring->first_seq;
}

uint64_t ring_generation(const struct ring *ring)
{
    assert(ring);
    return ring->generation;
}
