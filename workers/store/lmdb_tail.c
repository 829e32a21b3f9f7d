/* The tail: STORE_CRASH commits of a marked environment, beside the tables.
 *
 * In a marked environment every LMDB commit has to sync its data (lmdb_store.h), also one that need only survive this
 * process. So such a commit does not go to LMDB: the batch itself lies in a file that is mapped shared, and what is
 * stored there survives the process as it is, without a system call. The next LMDB commit takes the whole batch.
 *
 *   page 0     head: magic, version, current, slots[2]
 *   from 4096  the batch: struct store_change and data, as in memory
 *
 * A commit writes slots[n % 2], then current = n: the death of the process between any two stores leaves the slot before,
 * whole. A slot names the LMDB transaction that it stands behind. An LMDB commit ends that, with nothing more to write:
 * whoever opens the file next sees another transaction and starts afresh. A power cut may leave anything in the file: then the
 * sum is wrong or the transaction another, and the commits are lost, as STORE_CRASH allows; the tables know nothing of it.
 */
#include "workers/store/lmdb_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define TAIL_MAGIC UINT64_C(0x6c69617474666c70) /* "plfttail" */
#define TAIL_VERSION 1u
#define TAIL_HEAD_BYTES 4096u
#define TAIL_BYTES (TAIL_HEAD_BYTES + (size_t)STORE_BATCH_BYTES_MAX)
#define TAIL_KEPT_MAX ((size_t)256 << 10) /* the batch must still take what is put next */
#define TAIL_MONTHS_MAX 2u                /* likewise its months */

struct tail_slot {
    uint64_t txn, used, sum;
};

struct lmdb_tail {
    uint64_t magic;
    uint32_t version, reserved;
    _Atomic uint64_t current; /* 0: nothing is kept */
    struct tail_slot slots[2];
};
static_assert(sizeof(struct lmdb_tail) <= TAIL_HEAD_BYTES, "a page");

/* Of eight bytes at a time; a batch is padded to that. */
static uint64_t sum_on(uint64_t sum, const unsigned char *bytes, size_t size)
{
    assert(size % 8 == 0);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        sum = hash_mix64(sum ^ word);
    }
    return sum;
}

bool lmdb_tail_keep(struct lmdb_store *s)
{
    struct lmdb_tail *tail = s->tail;
    const struct store_batch *batch = &s->base.batch, *kept = &s->base.kept;
    if (!tail || s->failed || s->full || !s->env || batch->used > TAIL_KEPT_MAX || batch->months > TAIL_MONTHS_MAX ||
        batch->used == kept->used)
        return false;
    uint64_t number = atomic_load_explicit(&tail->current, memory_order_relaxed) + 1;
    s->tail_sum = sum_on(kept->used > 0 ? s->tail_sum : s->txn_last, batch->bytes + kept->used, batch->used - kept->used);
    tail->slots[number % 2] = (struct tail_slot){.txn = s->txn_last, .used = batch->used, .sum = s->tail_sum};
    atomic_store_explicit(&tail->current, number, memory_order_release); /* after what it names */
    return true;
}

/* --- opening ------------------------------------------------------------------------------------------ */

/* With blocks: on a full disk a store into the mapping would be a SIGBUS. */
static struct lmdb_tail *map_file(const struct lmdb_store *s)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/tail", s->base.folder) >= (int)sizeof path)
        return NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return NULL;
    void *memory = MAP_FAILED;
    if (fallocate(fd, 0, 0, (off_t)TAIL_BYTES) == 0)
        memory = mmap(NULL, TAIL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return memory == MAP_FAILED ? NULL : memory;
}

/* What the slot names is whole and follows the tables as they are: it is the batch. */
static bool find_kept(struct lmdb_store *s, const struct tail_slot *slot)
{
    struct store_batch batch = s->base.batch;
    if (slot->txn != s->txn_last || slot->used == 0 || slot->used > TAIL_KEPT_MAX || slot->used % 8 != 0 ||
        sum_on(slot->txn, batch.bytes, slot->used) != slot->sum || !store_batch_count(&s->base, &batch, slot->used))
        return false;
    if (batch.journal_last != 0 && batch.journal_first != s->base.range.last + 1)
        return false; /* of another environment, put here by hand */
    s->base.batch = s->base.kept = batch;
    s->tail_sum = slot->sum;
    return true;
}

void lmdb_tail_open(struct lmdb_store *s, bool fresh)
{
    assert(!s->tail && s->power && !s->base.reader);
    struct lmdb_tail *tail = map_file(s);
    s->tail_off = tail == NULL;
    if (!tail)
        return;
    munmap(s->base.batch.bytes, STORE_BATCH_BYTES_MAX);
    s->base.batch = s->base.kept = (struct store_batch){.bytes = (unsigned char *)tail + TAIL_HEAD_BYTES};
    s->tail = tail;
    bool ours = tail->magic == TAIL_MAGIC && tail->version == TAIL_VERSION;
    uint64_t number = ours ? atomic_load_explicit(&tail->current, memory_order_acquire) : 0;
    const struct tail_slot slot = number > 0 ? tail->slots[number % 2] : (struct tail_slot){0};
    if (number > 0 && !fresh && find_kept(s, &slot))
        return;
    *tail = (struct lmdb_tail){.magic = TAIL_MAGIC, .version = TAIL_VERSION};
    /* A power cut took back transactions that it stands behind: their numbers come again, it must not. */
    if (slot.txn > s->txn_last && msync(tail, TAIL_HEAD_BYTES, MS_SYNC) != 0) {
        lmdb_tail_close(s);
        s->tail_off = true;
    }
}

/* The batch goes with it. */
void lmdb_tail_close(struct lmdb_store *s)
{
    if (!s->tail)
        return;
    munmap(s->tail, TAIL_BYTES);
    s->tail = NULL;
    s->base.batch.bytes = s->base.kept.bytes = NULL;
}
