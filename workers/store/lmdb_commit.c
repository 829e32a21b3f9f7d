#include "workers/store/lmdb_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"

#define COMMIT_ATTEMPTS_MAX 32u
#define MAP_BYTES_MAX (UINT64_C(1) << 40)
#define STEP_BYTES_MIN (UINT64_C(1) << 20) /* the file grows by a sixteenth, within these */
#define STEP_BYTES_MAX (UINT64_C(16) << 20)
#define PIECE_BYTES_MIN (UINT64_C(64) << 10) /* a nearly full disk gives what it has in pieces down to this */
#define LOOK_EVERY 256u                       /* commits between looks at the disk and for dead readers */
#define STALE (-1)                            /* not an LMDB code: another process wrote */

/* --- a batch becomes a transaction -------------------------------------------------------------- */

/* What a commit will make true once LMDB has committed it. */
struct staged {
    struct store_journal_range range;
    uint64_t month_first;
    MDB_dbi journal;
    bool journal_open, mark;
    uint32_t opened_count;
    struct {
        MDB_dbi dbi;
        uint32_t month;
    } opened[STORE_BATCH_MONTHS_MAX + 1];
};

static int month_write(struct lmdb_store *s, MDB_txn *txn, const struct staged *st)
{
    const uint64_t number = st->range.month;
    struct lmdb_month entry = {st->month_first, st->range.last};
    MDB_val key = lmdb_key(&number), value = {.mv_size = sizeof entry, .mv_data = &entry};
    return mdb_put(txn, s->months, &key, &value, 0);
}

/* The handle stays in `opened` until the commit: LMDB forbids to close one whose table was changed before. */
static int month_enter(struct lmdb_store *s, MDB_txn *txn, uint32_t month, uint64_t seq, struct staged *st)
{
    char name[STORE_NAME_MAX + 1];
    int rc = 0;
    if (month != st->range.month) {
        if (st->range.month)
            rc = month_write(s, txn, st);
        if (rc != 0)
            return rc;
        st->range.month = month;
        st->month_first = seq;
    }
    store_month_name(month, name);
    rc = mdb_dbi_open(txn, name, MDB_INTEGERKEY | MDB_CREATE, &st->journal);
    if (rc != 0)
        return rc;
    st->journal_open = true;
    assert(st->opened_count <= STORE_BATCH_MONTHS_MAX);
    st->opened[st->opened_count].dbi = st->journal;
    st->opened[st->opened_count++].month = month;
    return 0;
}

static int apply_journal(struct lmdb_store *s, MDB_txn *txn, const struct store_change *change, MDB_val *value,
                         struct staged *st)
{
    if (change->key <= st->range.last) /* it was stored by a commit that failed after its last write */
        return 0;
    assert(change->month >= st->range.month);
    int rc = 0;
    if (!st->journal_open || change->month != st->range.month)
        rc = month_enter(s, txn, change->month, change->key, st);
    if (rc != 0)
        return rc;
    MDB_val key = lmdb_key(&change->key);
    rc = mdb_put(txn, st->journal, &key, value, MDB_APPEND); /* without it LMDB leaves pages half empty */
    if (rc != 0)
        return rc == MDB_KEYEXIST ? MDB_CORRUPTED : rc;
    st->range.last = change->key;
    st->range.first = st->range.first ? st->range.first : change->key;
    return 0;
}

static int apply_table(struct lmdb_store *s, MDB_txn *txn, const struct store_change *change, MDB_val *value)
{
    MDB_val key = lmdb_key(&change->key);
    if (change->size != STORE_DELETED)
        return mdb_put(txn, s->tables[change->table], &key, value, 0);
    int rc = mdb_del(txn, s->tables[change->table], &key, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int apply_batch(struct lmdb_store *s, MDB_txn *txn, struct staged *st)
{
    const struct store_change *change;
    const void *data;
    size_t offset = 0;
    uint64_t last = st->range.last;
    int rc = 0;
    while (rc == 0 && (change = store_batch_next(&s->base.batch, &offset, &data))) {
        MDB_val value = lmdb_val(data, change->size);
        rc = change->table == STORE_JOURNAL ? apply_journal(s, txn, change, &value, st)
                                            : apply_table(s, txn, change, &value);
    }
    return rc == 0 && st->range.last != last ? month_write(s, txn, st) : rc;
}

/* --- retention ------------------------------------------------------------------------------------ */

static int month_drop(struct lmdb_store *s, MDB_txn *txn, uint32_t month, struct staged *st)
{
    char name[STORE_NAME_MAX + 1];
    MDB_dbi dbi;
    store_month_name(month, name);
    int rc = mdb_dbi_open(txn, name, MDB_INTEGERKEY, &dbi);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    /* mdb_drop closes the handle, whatever becomes of the transaction: forget it here too. */
    if (s->journal_open && s->journal == dbi)
        s->journal_open = false;
    for (uint32_t i = 0; i < st->opened_count; i++) {
        if (st->opened[i].dbi == dbi)
            st->opened[i] = st->opened[--st->opened_count];
    }
    return mdb_drop(txn, dbi, 1);
}

/* Months that begin journal_months or more before the last one go, and the first sequence number moves. */
static int retain(struct lmdb_store *s, MDB_txn *txn, struct staged *st)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    struct lmdb_month entry;
    uint32_t month = 0;
    int rc = mdb_cursor_open(txn, s->months, &cursor);
    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)) == 0) {
        rc = lmdb_month_read(&key, &value, &month, &entry);
        if (rc == 0 && month + s->base.journal_months > st->range.month) {
            st->range.first = entry.first;
            break;
        }
        if (rc == 0)
            rc = mdb_cursor_del(cursor, 0);
        if (rc == 0)
            rc = month_drop(s, txn, month, st);
        if (rc != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* --- one attempt ------------------------------------------------------------------------------------ */

static int apply(struct lmdb_store *s, MDB_txn *txn, struct staged *st)
{
    const uint64_t number = LMDB_KEY_POWER;
    unsigned char one = 1;
    MDB_val key = lmdb_key(&number), value = {.mv_size = 1, .mv_data = &one};
    if ((uint64_t)mdb_txn_id(txn) != s->txn_last + 1)
        return STALE;
    int rc = apply_batch(s, txn, st);
    if (rc == 0 && s->base.journal_months && st->range.month &&
        (s->retention_due || st->range.month != s->base.range.month))
        rc = retain(s, txn, st);
    if (rc == 0 && st->mark)
        rc = mdb_put(txn, s->meta, &key, &value, 0);
    return rc;
}

static void adopt(struct lmdb_store *s, const struct staged *st)
{
    for (uint32_t i = 0; i < st->opened_count; i++) {
        if (st->opened[i].month != st->range.month)
            mdb_dbi_close(s->env, st->opened[i].dbi);
    }
    if (s->journal_open && s->base.range.month != st->range.month)
        mdb_dbi_close(s->env, s->journal);
    s->journal = st->journal;
    s->journal_open = st->journal_open;
    s->base.range = st->range;
    s->month_first = st->month_first;
    s->retention_due = false;
    s->power |= st->mark;
}

static void sync_flags(struct lmdb_store *s, enum store_sync sync)
{
    unsigned want = sync == STORE_POWER ? 0u : s->power ? MDB_NOMETASYNC : MDB_NOSYNC, have = 0;
    mdb_env_get_flags(s->env, &have);
    have &= MDB_NOSYNC | MDB_NOMETASYNC;
    if (have & ~want)
        mdb_env_set_flags(s->env, have & ~want, 0);
    if (want & ~have)
        mdb_env_set_flags(s->env, want & ~have, 1);
}

static int commit_once(struct lmdb_store *s, enum store_sync sync)
{
    MDB_txn *txn = NULL;
    struct staged st = {
        .range = s->base.range,
        .month_first = s->month_first,
        .journal = s->journal,
        .journal_open = s->journal_open,
        .mark = sync == STORE_POWER && !s->power,
    };
    if (s->failed || !s->env)
        return MDB_PANIC;
    if (s->base.batch.used == 0 && !st.mark) /* LMDB would sync nothing */
        return sync == STORE_POWER && s->unsynced ? mdb_env_sync(s->env, 1) : 0;
    sync_flags(s, sync);
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    rc = apply(s, txn, &st);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    rc = mdb_txn_commit(txn);
    if (rc == 0)
        adopt(s, &st);
    return rc;
}

/* --- what a failed attempt needs ---------------------------------------------------------------------- */

/* LMDB unmaps first and maps then: a map that the address space has no room for would leave it without one.
 * So it is tried beside. */
static bool map_possible(struct lmdb_store *s, uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, s->fd, 0);
    if (p == MAP_FAILED)
        return false;
    munmap(p, bytes);
    return true;
}

static int map_grow(struct lmdb_store *s)
{
    MDB_envinfo info;
    int dead = 0;
    mdb_reader_check(s->env, &dead);
    if (dead > 0) /* they held pages that can be used again */
        return 0;
    mdb_env_info(s->env, &info);
    uint64_t bytes = (uint64_t)info.me_mapsize * 2;
    if (bytes > MAP_BYTES_MAX || !map_possible(s, bytes)) {
        s->map_stuck = true;
        return ENOMEM;
    }
    return mdb_env_set_mapsize(s->env, bytes);
}

static void disk_look(struct lmdb_store *s)
{
    struct statvfs disk;
    if (fstatvfs(s->fd, &disk) != 0)
        return;
    s->disk_bytes = (uint64_t)(geteuid() == 0 ? disk.f_bfree : disk.f_bavail) * disk.f_frsize;
    s->disk_asked = true;
}

/* A short write is EIO to LMDB; repeated, it is ENOSPC. But where a sync may have failed a repetition can only
 * be trusted if everything that it syncs is written again: not in the first commit that syncs what others left. */
static bool may_be_full(struct lmdb_store *s, enum store_sync sync)
{
    disk_look(s);
    return s->power || sync == STORE_CRASH || s->disk_bytes < STEP_BYTES_MIN;
}

/* A commit of many pages comes up short twice on a full disk: the first attempt took the last blocks for some of them. */
static bool disk_is_full(struct lmdb_store *s)
{
    disk_look(s);
    return s->disk_asked && s->disk_bytes < PIECE_BYTES_MIN;
}

/* After a meta page that could not be written LMDB refuses all work until it is opened again. */
static void revive(struct lmdb_store *s)
{
    if (!s->env)
        return;
    int rc = lmdb_read_begin(s);
    if (rc == 0)
        lmdb_read_end(s);
    else if (rc == MDB_PANIC)
        lmdb_reopen(s, NULL);
}

static int commit_attempts(struct lmdb_store *s, enum store_sync sync)
{
    bool repeated = false;
    int rc = MDB_PANIC;
    for (unsigned i = 0; i < COMMIT_ATTEMPTS_MAX; i++) {
        rc = commit_once(s, sync);
        int code = 0;
        if (rc == MDB_MAP_FULL) {
            code = map_grow(s);
        } else if (rc == MDB_MAP_RESIZED) {
            code = mdb_env_set_mapsize(s->env, 0);
        } else if (rc == EIO && !repeated && may_be_full(s, sync)) {
            repeated = true;
        } else {
            return rc == EIO && repeated && disk_is_full(s) ? ENOSPC : rc;
        }
        if (code != 0)
            return code;
    }
    return rc;
}

static int commit_failed(struct lmdb_store *s, int rc, struct error *err)
{
    s->disk_asked = false;
    s->full = rc != STALE && lmdb_code(rc) == ENOSPC;
    s->failed |= rc == EIO;
    revive(s);
    if (rc == STALE)
        return error_set(err, ESTALE, "store %s: commit: another process wrote to it; only the holder of its lock may",
                         s->base.folder);
    return lmdb_error(s, err, rc, "commit");
}

static int commit_tables(struct lmdb_store *s, enum store_sync sync, struct error *err)
{
    struct store *store = &s->base;
    int rc = commit_attempts(s, sync);
    if (rc != 0)
        return commit_failed(s, rc, err);
    s->full = false;
    s->unsynced = sync != STORE_POWER && (s->unsynced || store->batch.used > 0);
    if (++s->commits >= LOOK_EVERY) {
        s->commits = 0;
        s->disk_asked = false;
        mdb_reader_check(s->env, NULL);
    }
    lmdb_measure(s);
    if (s->power && !s->tail && !s->tail_off)
        lmdb_tail_open(s, true);
    return 0;
}

int lmdb_commit(struct store *store, enum store_sync sync, struct error *err)
{
    struct lmdb_store *s = lmdb_of(store);
    if (sync == STORE_CRASH && lmdb_tail_keep(s))
        return 1;
    return commit_tables(s, sync, err);
}

int lmdb_settle(struct store *store, struct error *err) { return commit_tables(lmdb_of(store), STORE_CRASH, err); }

/* --- room ---------------------------------------------------------------------------------------------- */

static uint64_t ahead_bytes(const struct lmdb_store *s)
{
    return s->file_bytes > s->used_bytes ? s->file_bytes - s->used_bytes : 0;
}

/* Blocks behind the last page of LMDB, which writes into them as it grows (it knows its last page from its meta
 * page, not from the file's size): a full disk then still takes reserve_bytes of exits, and a synced commit does
 * not have to sync a new size. */
static void preallocate(struct lmdb_store *s)
{
    uint64_t step = s->used_bytes / 16;
    step = step < STEP_BYTES_MIN ? STEP_BYTES_MIN : step > STEP_BYTES_MAX ? STEP_BYTES_MAX : step;
    if (s->preallocate_off || ahead_bytes(s) >= s->base.reserve_bytes + step / 2)
        return;
    if (s->preallocate_wait > 0) {
        s->preallocate_wait--;
        return;
    }
    uint64_t piece = s->base.reserve_bytes + step - ahead_bytes(s);
    int code = ENOSPC;
    for (; piece >= PIECE_BYTES_MIN && code != 0; piece /= 2) {
        code = fallocate(s->fd, 0, (off_t)s->file_bytes, (off_t)piece) == 0 ? 0 : errno;
        if (code == 0) {
            s->file_bytes += piece;
            s->disk_asked = false;
        }
        else if (code == EOPNOTSUPP || code == ENOSYS)
            s->preallocate_off = true;
        if (s->preallocate_off)
            return;
    }
    if (code != 0)
        s->preallocate_wait = LOOK_EVERY;
}

void lmdb_measure(struct lmdb_store *s)
{
    MDB_envinfo info;
    mdb_env_info(s->env, &info);
    s->txn_last = info.me_last_txnid;
    s->map_bytes = info.me_mapsize;
    s->used_bytes = ((uint64_t)info.me_last_pgno + 1) * s->page_bytes;
    if (s->base.reader)
        return;
    if (s->file_bytes < s->used_bytes) {
        struct stat st;
        s->file_bytes = fstat(s->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
        /* LMDB may leave out free pages at the end: short_file_check need not wonder. */
        if (s->file_bytes < s->used_bytes && ftruncate(s->fd, (off_t)s->used_bytes) == 0)
            s->file_bytes = s->used_bytes;
    }
    preallocate(s);
}

bool lmdb_low(struct store *store)
{
    struct lmdb_store *s = lmdb_of(store);
    if (s->failed || s->full || !s->env)
        return true;
    if (s->low && ++s->low_calls >= LOOK_EVERY) /* nobody commits while it is low */
        s->disk_asked = false;
    if (!s->disk_asked) {
        s->low_calls = 0;
        disk_look(s);
    }
    uint64_t room = (s->preallocate_off ? 0 : ahead_bytes(s)) + s->disk_bytes;
    if (s->map_stuck && s->map_bytes - s->used_bytes < room)
        room = s->map_bytes - s->used_bytes;
    uint64_t kept = 2 * s->base.kept.used; /* it will take that, pages being half empty at worst */
    room = room > kept ? room - kept : 0;
    s->low = room < s->base.reserve_bytes;
    return s->low;
}
