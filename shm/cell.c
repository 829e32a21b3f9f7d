#include "shm/cell.h"

#include "shm/layout.h"

struct cell *cell_init(void *memory, uint64_t generation)
{
    assert(memory && (uintptr_t)memory % SHM_HOT_BYTES == 0);
    struct cell *cell = memory;
    assert(cell->magic == 0 && atomic_load_explicit(&cell->ready, memory_order_relaxed) == 0);
    cell->magic = CELL_MAGIC;
    cell->version = CELL_VERSION;
    cell->size_bytes = CELL_SIZE_BYTES;
    cell->payload_bytes = sizeof(struct cell_payload);
    cell->generation = generation;
    atomic_store_explicit(&cell->durable, CELL_DURABLE_NONE, memory_order_relaxed);
    atomic_store_explicit(&cell->ready, SHM_READY, memory_order_release); /* pairs with cell_attach */
    return cell;
}

void cell_write(struct cell *cell, const struct cell_payload *payload)
{
    assert(cell && payload && payload->account_state <= ACCOUNT_HALTED);
    assert(payload->text[CELL_TEXT_MAX - 1] == '\0');
    uint64_t version = atomic_load_explicit(&cell->current, memory_order_relaxed) + 1; /* ours alone to write */
    for (size_t step = 0; step < CELL_WRITE_STEPS; step++)
        cell_write_step(cell, version, (const shm_word *)payload, step);
}

enum shm_result cell_attach(const void *memory, uint64_t size_bytes, const struct cell **out)
{
    assert(memory && out && (uintptr_t)memory % SHM_HOT_BYTES == 0);
    const struct cell *cell = memory;
    if (size_bytes < CELL_SIZE_BYTES)
        return SHM_CORRUPT;
    uint32_t ready = atomic_load_explicit(&cell->ready, memory_order_acquire); /* pairs with cell_init */
    if (ready == 0)
        return SHM_STALE;
    if (ready != SHM_READY || cell->magic != CELL_MAGIC || cell->version != CELL_VERSION ||
        cell->size_bytes != CELL_SIZE_BYTES || cell->payload_bytes != sizeof(struct cell_payload))
        return SHM_CORRUPT;
    *out = cell;
    return SHM_OK;
}

static bool cell_copy_version(const struct cell_copy *copy, uint64_t version, struct cell_payload *out)
{
    shm_word *to = (shm_word *)out;
    if (atomic_load_explicit(&copy->stamp, memory_order_acquire) != version) /* pairs with cell_write_step */
        return false;
    for (size_t i = 0; i < CELL_PAYLOAD_WORDS; i++)
        to[i] = atomic_load_explicit(&copy->words[i], memory_order_acquire);
    return atomic_load_explicit(&copy->stamp, memory_order_acquire) == version;
}

enum shm_result cell_read(const struct cell *cell, struct cell_payload *out)
{
    assert(cell && out);
    for (int i = 0; i < SHM_READ_TRIES; i++) {
        uint64_t version = atomic_load_explicit(&cell->current, memory_order_acquire);
        if (version == 0)
            return SHM_STALE; /* nothing written yet */
        if (!cell_copy_version(&cell->copies[version & 1], version, out))
            continue; /* the writer came round to this copy meanwhile */
        out->text[CELL_TEXT_MAX - 1] = '\0';
        return out->account_state <= ACCOUNT_HALTED ? SHM_OK : SHM_CORRUPT;
    }
    return SHM_STALE;
}

uint64_t cell_generation(const struct cell *cell)
{
    assert(cell);
    return cell->generation;
}

void cell_set_heartbeat(struct cell *cell, int64_t mono_ns)
{
    assert(cell);
    atomic_store_explicit(&cell->heartbeat_ns, mono_ns, memory_order_release);
}

int64_t cell_heartbeat(const struct cell *cell)
{
    assert(cell);
    return atomic_load_explicit(&cell->heartbeat_ns, memory_order_acquire);
}

void cell_set_consumed(struct cell *cell, uint64_t seq)
{
    assert(cell);
    atomic_store_explicit(&cell->consumed, seq, memory_order_release);
}

uint64_t cell_consumed(const struct cell *cell)
{
    assert(cell);
    return atomic_load_explicit(&cell->consumed, memory_order_acquire);
}

void cell_set_durable(struct cell *cell, uint64_t seq)
{
    assert(cell);
    atomic_store_explicit(&cell->durable, seq, memory_order_release);
}

uint64_t cell_durable(const struct cell *cell)
{
    assert(cell);
    return atomic_load_explicit(&cell->durable, memory_order_acquire);
}

void cell_set_watermark(struct cell *cell, int64_t done_instant_ns, uint64_t sent_jseq)
{
    assert(cell);
    atomic_store_explicit(&cell->sent_jseq, sent_jseq, memory_order_release);
    atomic_store_explicit(&cell->done_instant_ns, done_instant_ns, memory_order_release); /* carries sent_jseq */
}

void cell_watermark(const struct cell *cell, int64_t *done_instant_ns, uint64_t *sent_jseq)
{
    assert(cell && done_instant_ns && sent_jseq);
    *done_instant_ns = atomic_load_explicit(&cell->done_instant_ns, memory_order_acquire);
    *sent_jseq = atomic_load_explicit(&cell->sent_jseq, memory_order_acquire);
}

void cell_set_sleeping(struct cell *cell, uint32_t sleeping)
{
    assert(cell);
    atomic_store(&cell->sleeping, sleeping); /* a full barrier before the reader's look at the head */
}

uint32_t cell_sleeping(const struct cell *cell)
{
    assert(cell);
    /* The writer's head was stored with release only, and a load may overtake it: without this a reader
     * that has just fallen asleep is missed. No data hangs on it, so the race checker need not know it. */
    __sync_synchronize();
    return atomic_load(&cell->sleeping);
}

void cell_set_syncing(struct cell *cell, uint32_t syncing)
{
    assert(cell);
    atomic_store_explicit(&cell->syncing, syncing, memory_order_release);
}

uint32_t cell_syncing(const struct cell *cell)
{
    assert(cell);
    return atomic_load_explicit(&cell->syncing, memory_order_acquire);
}
