#include "workers/store/lmdb_store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define BEGIN_ATTEMPTS_MAX 4
#define READ_MONTHS_MAX 16u /* in one transaction, whose end closes their handles */

static int begin_once(struct lmdb_store *s)
{
    if (!s->read)
        return mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->read);
    int rc = mdb_txn_renew(s->read);
    if (rc != 0) {
        mdb_txn_abort(s->read);
        s->read = NULL;
    }
    return rc;
}

int lmdb_read_begin(struct lmdb_store *s)
{
    int rc = MDB_PANIC;
    for (int i = 0; s->env && i < BEGIN_ATTEMPTS_MAX; i++) {
        rc = begin_once(s);
        if (rc == MDB_MAP_RESIZED) { /* the writer's map has grown */
            int code = mdb_env_set_mapsize(s->env, 0);
            if (code != 0)
                return code;
        } else if (rc == MDB_READERS_FULL) {
            mdb_reader_check(s->env, NULL);
        } else {
            break;
        }
    }
    return rc;
}

void lmdb_read_end(struct lmdb_store *s) { mdb_txn_reset(s->read); }

int lmdb_get(struct store *store, uint32_t table, uint64_t key, void *out, size_t size, size_t *length)
{
    struct lmdb_store *s = lmdb_of(store);
    MDB_val name = lmdb_key(&key), value;
    if (!s->table_open[table])
        return s->env ? -ENOENT : -EIO;
    int rc = lmdb_read_begin(s);
    if (rc != 0)
        return -lmdb_code(rc);
    rc = mdb_get(s->read, s->tables[table], &name, &value);
    if (rc == 0 && value.mv_size > STORE_BATCH_BYTES_MAX)
        rc = MDB_CORRUPTED;
    if (rc == 0) {
        *length = value.mv_size;
        if (size > 0)
            memcpy(out, value.mv_data, value.mv_size < size ? value.mv_size : size);
    }
    lmdb_read_end(s);
    return rc == 0 ? 0 : -lmdb_code(rc);
}

/* 1: the chunk is full, 0: no more up to `to`, or a negative errno. */
static int read_table(MDB_txn *txn, MDB_dbi dbi, uint64_t from, uint64_t to, struct store_chunk *chunk)
{
    MDB_cursor *cursor = NULL;
    MDB_val key = lmdb_key(&from), value;
    uint64_t number = 0;
    int added = 1, rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0)
        return -lmdb_code(rc);
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; rc == 0 && added == 1; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (!lmdb_key_read(&key, &number) || number < from || number > to || value.mv_size > STORE_BATCH_BYTES_MAX)
            added = -EBADMSG;
        else
            added = store_chunk_add(chunk, number, value.mv_data, value.mv_size);
    }
    mdb_cursor_close(cursor);
    if (added != 1)
        return added == 0 ? 1 : added;
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : -lmdb_code(rc);
}

static int read_month(struct lmdb_store *s, uint32_t month, const struct lmdb_month *entry, uint64_t from,
                      struct store_chunk *chunk)
{
    char name[STORE_NAME_MAX + 1];
    MDB_dbi dbi;
    unsigned flags = 0;
    store_month_name(month, name);
    int rc = mdb_dbi_open(s->read, name, MDB_INTEGERKEY, &dbi); /* closed by the end of the transaction, unless kept */
    if (rc == 0)
        rc = mdb_dbi_flags(s->read, dbi, &flags);
    if (rc != 0 || (flags & (MDB_INTEGERKEY | MDB_DUPSORT)) != MDB_INTEGERKEY)
        return rc == 0 || rc == MDB_NOTFOUND ? -EBADMSG : -lmdb_code(rc);
    return read_table(s->read, dbi, from > entry->first ? from : entry->first, entry->last, chunk);
}

static int read_journal(struct lmdb_store *s, MDB_cursor *months, uint64_t from, struct store_chunk *chunk)
{
    struct lmdb_month entry;
    MDB_val key, value;
    uint32_t month = 0, count = 0, read = 0;
    int full = 0, rc = mdb_cursor_get(months, &key, &value, MDB_FIRST);
    for (; rc == 0 && full == 0 && read < READ_MONTHS_MAX; rc = mdb_cursor_get(months, &key, &value, MDB_NEXT)) {
        rc = ++count > STORE_MONTHS_KEPT_MAX ? MDB_CORRUPTED : lmdb_month_read(&key, &value, &month, &entry);
        if (rc != 0)
            break;
        if (entry.last < from)
            continue;
        full = read_month(s, month, &entry, from, chunk);
        read++;
    }
    if (full != 0)
        return full < 0 ? full : 0;
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : -lmdb_code(rc);
}

int lmdb_read(struct store *store, uint32_t table, uint64_t from, struct store_chunk *chunk)
{
    struct lmdb_store *s = lmdb_of(store);
    MDB_cursor *months = NULL;
    if (table == STORE_JOURNAL ? !s->months_open : !s->table_open[table])
        return s->env ? 0 : -EIO;
    int rc = lmdb_read_begin(s);
    if (rc != 0)
        return -lmdb_code(rc);
    if (table != STORE_JOURNAL) {
        rc = read_table(s->read, s->tables[table], from, UINT64_MAX, chunk);
    } else if ((rc = mdb_cursor_open(s->read, s->months, &months)) == 0) {
        rc = read_journal(s, months, from, chunk);
        mdb_cursor_close(months);
    } else {
        rc = -lmdb_code(rc);
    }
    lmdb_read_end(s);
    return rc < 0 ? rc : 0;
}

int lmdb_range(struct store *store, struct store_journal_range *range)
{
    struct lmdb_store *s = lmdb_of(store);
    MDB_cursor *months = NULL;
    MDB_val key, value;
    struct lmdb_month first = {0}, last = {0};
    uint32_t month = 0;
    *range = (struct store_journal_range){0};
    if (!s->months_open)
        return s->env ? 0 : -EIO;
    int rc = lmdb_read_begin(s);
    if (rc != 0)
        return -lmdb_code(rc);
    rc = mdb_cursor_open(s->read, s->months, &months);
    if (rc == 0) {
        if ((rc = mdb_cursor_get(months, &key, &value, MDB_FIRST)) == 0)
            rc = lmdb_month_read(&key, &value, &month, &first);
        if (rc == 0 && (rc = mdb_cursor_get(months, &key, &value, MDB_LAST)) == 0)
            rc = lmdb_month_read(&key, &value, &month, &last);
        mdb_cursor_close(months);
    }
    lmdb_read_end(s);
    if (rc == 0)
        *range = (struct store_journal_range){first.first, last.last, month};
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : -lmdb_code(rc);
}

/* Where LMDB mapped its file, or NULL. It does not say (mdb_env_info gives the address only for fixed maps), but
 * each page begins with its own number (format version 1 of 0.9), and a small value lies in a leaf page. The
 * guess is looked up before it is used: page 0 must be mapped and say that it is page 0. */
static void *map_address(struct lmdb_store *s)
{
    const uint64_t number = LMDB_KEY_IDENTITY;
    MDB_val key = lmdb_key(&number), value;
    unsigned char resident;
    uint64_t page;
    if (lmdb_read_begin(s) != 0)
        return NULL;
    char *base = NULL;
    if (mdb_get(s->read, s->meta, &key, &value) == 0) {
        char *at = value.mv_data;
        at -= (uintptr_t)at & ((uintptr_t)s->page_bytes - 1);
        memcpy(&page, at, sizeof page);
        if (page < s->map_bytes / s->page_bytes)
            base = at - page * s->page_bytes;
    }
    lmdb_read_end(s);
    if (!base || mincore(base, s->page_bytes, &resident) != 0)
        return NULL;
    memcpy(&page, base, sizeof page);
    return page == 0 ? base : NULL;
}

void lmdb_trim(struct store *store)
{
    struct lmdb_store *s = lmdb_of(store);
    MDB_envinfo info;
    if (!s->env || mdb_env_info(s->env, &info) != 0)
        return;
    s->map_bytes = info.me_mapsize;
    void *base = map_address(s);
    if (base) /* a shared mapping of a file: what is dropped is read again from the page cache */
        madvise(base, s->map_bytes, MADV_DONTNEED);
}
