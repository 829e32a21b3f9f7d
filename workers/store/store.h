/* store: durable tables with 64-bit keys and a journal; LMDB, or a twin in memory.
 *
 * Caveats first. Changes are collected in a batch in memory (store_put, store_delete,
 * store_journal) and become visible, all or none, with store_commit; reads see committed data only.
 * The batch is bounded (STORE_BATCH_BYTES_MAX): one that does not fit is a mistake of ours (asserted).
 * One thread, one writer: the process that holds the flock of the folder (store_lock) opens its
 * environment; other processes open it read-only (store_open_reader) and copy at most
 * STORE_READ_MAX records in one transaction, so that they never pin pages.
 *
 * Durability: STORE_CRASH survives the death of the process, STORE_POWER also a power cut.
 * A full map grows and the commit is repeated. A full disk (ENOSPC, or EIO as LMDB shows it first) is
 * -ENOSPC: nothing of the batch is stored, the batch is still there and may be committed again or
 * discarded.
 *
 * The journal: sequence number -> record, kept in one sub-database for each market month (UTC, of the
 * record's time), so that whole months are dropped by retention (journal_months). Records are bytes
 * to the store (msgpack: workers/account/journal.h).
 *
 * Versioned: an environment of a newer version is refused with -EPROTO, one of another kind with -EINVAL.
 */
#ifndef PROPFLEET_WORKERS_STORE_STORE_H
#define PROPFLEET_WORKERS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct store;

#define STORE_VERSION 1u
#define STORE_TABLES_MAX 12u
#define STORE_BATCH_BYTES_MAX (2u << 20)
#define STORE_READ_MAX 1000u

enum store_sync { STORE_CRASH, STORE_POWER };

struct store_options {
    const char *folder;          /* created 0700 when missing; data.mdb and lock.mdb lie in it */
    const char *kind;            /* "account", "paper", "coordinator": checked on open */
    const char *const *tables;   /* names, table_count of them; a table's number is its index */
    uint32_t table_count;
    bool journal;                /* keep a journal too */
    uint32_t journal_months;     /* retention, 0: all */
    uint64_t map_bytes;          /* initial size of the map, rounded up to 1 MiB */
    uint64_t reserve_bytes;      /* store_low when less room than this is left; the file is preallocated ahead */
};

/* The folder's lock: "lock" in it, flock'ed, held for life. The descriptor, or -EWOULDBLOCK when another
 * process holds it (err names its pid as written in the file). */
int store_lock(const char *folder, struct error *err);

/* 0 or a negative code with err set; *out is the caller's until store_close(&p). */
int store_open(const struct store_options *options, struct store **out, struct error *err);
int store_open_reader(const struct store_options *options, struct store **out, struct error *err);
/* A store that lives in memory, for tests and simulation. Survives store_close only through store_memory_*. */
int store_open_memory(const struct store_options *options, struct store **out, struct error *err);
void store_close(struct store **store);

/* --- batch ------------------------------------------------------------------------------ */
void store_put(struct store *store, uint32_t table, uint64_t key, const void *data, size_t size);
void store_delete(struct store *store, uint32_t table, uint64_t key);
/* seq must be the last one plus one (asserted against what is committed and in the batch). */
void store_journal(struct store *store, uint64_t seq, int64_t time_ns, const void *data, size_t size);
bool store_batch_empty(const struct store *store);
int store_commit(struct store *store, enum store_sync sync, struct error *err);
void store_discard(struct store *store);

/* --- reads (committed data) --------------------------------------------------------------- */
/* Copies at most `size` bytes; *length is the stored size. -ENOENT when there is none. */
int store_get(struct store *store, uint32_t table, uint64_t key, void *out, size_t size, size_t *length);
/* Calls visit for each key >= from, ascending, until it returns non-zero (returned) or max are visited.
 * The data are valid during the call only. Returns 0 at the end, or a negative code. */
typedef int (*store_visit)(void *context, uint64_t key, const void *data, size_t size);
int store_scan(struct store *store, uint32_t table, uint64_t from, uint32_t max, store_visit visit, void *context);
int store_journal_scan(struct store *store, uint64_t from_seq, uint32_t max, store_visit visit, void *context);
uint64_t store_journal_last(struct store *store);  /* 0: none */
uint64_t store_journal_first(struct store *store); /* 0: none */

/* Less than reserve_bytes are left (map and disk taken together): entries stop, exits go on. Cheap: the disk is
 * asked at most once in 256 commits. */
bool store_low(struct store *store);
/* Tell the kernel that file pages of old journal months are not needed (MADV_DONTNEED); bounded Pss_File. */
void store_trim(struct store *store);

/* --- the twin in memory: what a test or simulation may do to it ------------------------------ */
/* Lose everything after the last STORE_POWER commit (or, with keep_crash, only the open batch), as a
 * power cut or a killed process would. */
void store_memory_lose(struct store *store, bool keep_crash);
/* The next commits fail with this code (ENOSPC, EIO) until called with 0. */
void store_memory_fail(struct store *store, int code);
/* Detach the contents so that a later store_open_memory of the same options.folder name finds them. */
void store_memory_forget_all(void);

#endif
