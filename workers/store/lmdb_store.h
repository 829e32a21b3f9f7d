/* lmdb_store: what the parts of the LMDB implementation share (lmdb.c opens and checks, lmdb_commit.c writes,
 * lmdb_read.c reads). For this folder only.
 *
 * Sub-databases, all with 64-bit integer keys:
 *   store.meta       1 -> struct lmdb_identity; 2 -> one byte, there once a STORE_POWER commit was made
 *   NAME             one for each table
 *   journal.months   month (year * 12 + month - 1) -> struct lmdb_month
 *   journal.YYYY-MM  sequence number -> record; opened on demand, at most one stays open
 *
 * How a commit is synced:
 *   STORE_POWER                      LMDB's own way: data synced, then the meta page written through
 *   STORE_CRASH, marked, small       not by LMDB at all: kept in the tail (lmdb_tail.c)
 *   STORE_CRASH, marked              MDB_NOMETASYNC: data synced, the meta page left to the kernel
 *   STORE_CRASH, never marked        MDB_NOSYNC: nothing synced
 * The mark is needed because LMDB keeps two meta pages and no checksums: after MDB_NOSYNC commits the kernel
 * may write a meta page before the pages it points to, and a power cut then loses not these commits but the
 * whole tree, with everything that STORE_POWER promised before. MDB_NOMETASYNC can lose the last commits only.
 */
#ifndef PROPFLEET_WORKERS_STORE_LMDB_STORE_H
#define PROPFLEET_WORKERS_STORE_LMDB_STORE_H

#include <string.h>
#include <sys/types.h>

#include <lmdb.h>

#include "workers/store/backend.h"

#define LMDB_MAGIC UINT32_C(0x54534650) /* "PFST" */
#define LMDB_META "store.meta"
#define LMDB_MONTHS "journal.months"
#define LMDB_KEY_IDENTITY UINT64_C(1)
#define LMDB_KEY_POWER UINT64_C(2)

struct lmdb_identity {
    uint32_t magic, version;
    char kind[STORE_NAME_MAX + 1];
};

struct lmdb_month {
    uint64_t first, last;
};

struct lmdb_store {
    struct store base;
    MDB_env *env;   /* NULL when it had to be closed and could not be opened again */
    MDB_txn *read;  /* reset between reads: it holds a reader's slot, no page */
    int fd;         /* of data.mdb; LMDB's own */
    uint32_t page_bytes;
    MDB_dbi meta, months, tables[STORE_TABLES_MAX];
    bool months_open, table_open[STORE_TABLES_MAX]; /* a reader may find them missing */
    MDB_dbi journal; /* of base.range.month */
    bool journal_open;
    uint64_t month_first; /* first sequence number of base.range.month */
    bool retention_due;
    bool power;     /* marked */
    bool unsynced;  /* a commit since the last sync */
    bool failed;    /* the device failed under us: nothing more is written until the store is opened again */
    bool full;      /* the last commit found the disk full */
    uint64_t txn_last;
    uint64_t map_bytes, used_bytes, file_bytes;
    bool map_stuck;        /* the address space does not let the map grow */
    bool preallocate_off;  /* the file system cannot */
    uint32_t preallocate_wait; /* commits until it is tried again */
    uint32_t commits;      /* since the last look at the disk and the readers */
    bool disk_asked, low;
    uint32_t low_calls;
    uint64_t disk_bytes;   /* that the disk had left when asked */
    struct lmdb_tail *tail; /* marked: where the batch lies; NULL: none */
    bool tail_off;         /* there can be none: the disk is full, or the file system cannot */
    uint64_t tail_sum;     /* of the batch's kept part */
    dev_t device;          /* of data.mdb: an environment is opened once in a process */
    ino_t inode;
    struct lmdb_store *next;
};

static inline struct lmdb_store *lmdb_of(struct store *store) { return (struct lmdb_store *)(void *)store; }

/* The errno value that stands for what LMDB returned (!= 0). */
int lmdb_code(int rc);
/* err = "store FOLDER: what: why; remedy"; returns -lmdb_code(rc). */
int lmdb_error(const struct lmdb_store *s, struct error *err, int rc, const char *what);

/* LMDB codes. The read transaction is s->read until lmdb_read_end. */
int lmdb_read_begin(struct lmdb_store *s);
void lmdb_read_end(struct lmdb_store *s);

/* MDB_val serves both ways and so knows no const; LMDB does not write through what it is given. */
static inline MDB_val lmdb_val(const void *data, size_t size)
{
    MDB_val value = {.mv_size = size};
    memcpy(&value.mv_data, &data, sizeof data);
    return value;
}

static inline MDB_val lmdb_key(const uint64_t *key) { return lmdb_val(key, sizeof *key); }
/* False: not a key of ours, the environment is damaged. */
bool lmdb_key_read(const MDB_val *value, uint64_t *key);
/* One month's entry, checked; MDB_CORRUPTED when it cannot be. */
int lmdb_month_read(const MDB_val *key, const MDB_val *value, uint32_t *month, struct lmdb_month *entry);

/* Close the environment, and open it again as it was: after LMDB refuses all work (MDB_PANIC). */
int lmdb_reopen(struct lmdb_store *s, struct error *err);
/* Sizes and last transaction after a commit or an opening; tops up the file. */
void lmdb_measure(struct lmdb_store *s);

/* The tail of a marked environment, once it is open or marked: finds what a process that died had kept. */
void lmdb_tail_open(struct lmdb_store *s, bool fresh); /* fresh: marked just now, what lies there is nobody's */
void lmdb_tail_close(struct lmdb_store *s);
/* Keep the batch beside the tables. False: it does not go there. */
bool lmdb_tail_keep(struct lmdb_store *s);

int lmdb_commit(struct store *store, enum store_sync sync, struct error *err);
int lmdb_settle(struct store *store, struct error *err);
bool lmdb_low(struct store *store);
int lmdb_get(struct store *store, uint32_t table, uint64_t key, void *out, size_t size, size_t *length);
int lmdb_read(struct store *store, uint32_t table, uint64_t from, struct store_chunk *chunk);
int lmdb_range(struct store *store, struct store_journal_range *range);
void lmdb_trim(struct store *store);

#endif
