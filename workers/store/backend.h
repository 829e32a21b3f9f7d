/* backend: what store.c asks of an implementation (lmdb.c, memory.c). For this folder only.
 *
 * store.c owns the batch, the arguments' checks and the chunking of scans; a backend applies a batch
 * all or none, and copies committed records out. An implementation embeds struct store first.
 */
#ifndef PROPFLEET_WORKERS_STORE_BACKEND_H
#define PROPFLEET_WORKERS_STORE_BACKEND_H

#include "workers/store/store.h"

#define STORE_NAME_MAX 31u                 /* of a table, of a kind; without the final zero */
#define STORE_CHUNK_BYTES_MAX (1u << 20)   /* of records copied in one read transaction; one may be larger */
#define STORE_JOURNAL UINT32_MAX           /* "table" of the journal, in reads and in the batch */
#define STORE_MONTHS_KEPT_MAX 1200u        /* a hundred years: more in an environment is damage */

/* One change in the batch; `size` bytes of data follow, padded to 8. */
struct store_change {
    uint64_t key;   /* or the sequence number */
    uint32_t table; /* or STORE_JOURNAL */
    uint32_t size;  /* STORE_DELETED: no data follow */
    uint32_t month; /* of the journal */
    uint32_t reserved;
};
#define STORE_DELETED UINT32_MAX

struct store_batch {
    unsigned char *bytes; /* STORE_BATCH_BYTES_MAX of mapped memory; pages that were never used cost nothing */
    size_t used;
    uint32_t changes;
    uint32_t months;        /* different months in the batch */
    uint32_t month;         /* of the last journal record in the batch; 0: none */
    uint64_t journal_first; /* sequence number of the first; 0: none */
    uint64_t journal_last;  /* likewise of the last */
};

/* Records copied out of one read transaction: {key, size, bytes padded to 8} after each other. */
struct store_chunk {
    unsigned char *bytes;
    size_t used, capacity;
    uint32_t count, count_max;
    uint64_t last_key;
};

/* First and last of what is committed; 0: none. `month` is that of the last record. */
struct store_journal_range {
    uint64_t first, last;
    uint32_t month;
};

struct store_backend {
    void (*close)(struct store *store); /* frees the implementation, not what store.c owns */
    /* 0; 1: stored, but the batch must stay, the next commit takes it again (lmdb_tail.c); or a negative code with err
     * set and nothing stored of what came since the last. */
    int (*commit)(struct store *store, enum store_sync sync, struct error *err);
    /* What commits that returned 1 left is the batch now: as commit, STORE_CRASH, but into the tables. Never called
     * when none did. */
    int (*settle)(struct store *store, struct error *err);
    int (*get)(struct store *store, uint32_t table, uint64_t key, void *out, size_t size, size_t *length);
    /* Appends records with key >= from to the chunk until it is full (chunk_add says so) or the table ends. */
    int (*read)(struct store *store, uint32_t table, uint64_t from, struct store_chunk *chunk);
    int (*range)(struct store *store, struct store_journal_range *range);
    bool (*low)(struct store *store);
    void (*trim)(struct store *store);
};

struct store {
    const struct store_backend *backend;
    char *folder;
    char kind[STORE_NAME_MAX + 1];
    char tables[STORE_TABLES_MAX][STORE_NAME_MAX + 1];
    uint32_t table_count;
    bool journal;
    bool reader;
    uint32_t journal_months;
    uint64_t map_bytes, reserve_bytes;
    struct store_batch batch;
    struct store_batch kept; /* the batch as it was when a commit returned 1: the part of it that is stored */
    struct store_journal_range range; /* committed; a writer's only, kept by its commits */
};

/* Copies and checks the options (asserted: they are ours) into *store; 0 or -ENOMEM. */
int store_setup(struct store *store, const struct store_options *options, bool reader, struct error *err);
void store_teardown(struct store *store);

/* The change at *offset of the batch and its data, *offset moved on; NULL at the end. */
const struct store_change *store_batch_next(const struct store_batch *batch, size_t *offset, const void **data);

/* Count the changes of the first `used` bytes anew. False: they are no changes of this store. */
bool store_batch_count(const struct store *store, struct store_batch *batch, size_t used);

/* 1 when the record was added, 0 when the chunk is full, -ENOMEM. */
int store_chunk_add(struct store_chunk *chunk, uint64_t key, const void *data, size_t size);

/* Months count from year 0, so that 0 is never a month of a record: year * 12 + month - 1. */
uint32_t store_month(int64_t time_ns);
/* "journal.2024-05" into name (STORE_NAME_MAX + 1 bytes). */
void store_month_name(uint32_t month, char *name);

#endif
