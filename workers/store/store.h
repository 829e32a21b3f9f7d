/* store: durable tables with 64-bit keys and a journal; LMDB, or a twin in memory.
 *
 * Caveats first. Changes are collected in a batch in memory (store_put, store_delete,
 * store_journal) and become visible, all or none, with store_commit; reads see committed data only.
 * The batch is bounded (STORE_BATCH_BYTES_MAX, store_batch_room): one that does not fit is a mistake of
 * ours (asserted). One thread, one writer: the process that holds the flock of the folder (store_lock)
 * opens its environment, once; a commit that finds that another process wrote is refused (-ESTALE). Other
 * processes open it read-only (store_open_reader). A scan copies at most STORE_READ_MAX records (1 MiB) in
 * one transaction, ends it, then calls its visitor, so that nobody pins pages; a scan of more than that may
 * see commits in between. A visitor may read, change and commit. Not across fork: open after it.
 *
 * Durability: STORE_CRASH survives the death of the process, STORE_POWER also a power cut. The first
 * STORE_POWER commit of an environment marks it for ever: from then on STORE_CRASH commits up to 256 KiB stay beside
 * the tables, in a file that survives this process and syncs nothing, until the next STORE_POWER commit takes them along:
 * one sync for each decision. A larger one, and store_settle, syncs its data, though not the meta page (about
 * half the cost of STORE_POWER, and a power cut loses the last of them only). Without the mark they sync nothing, and a
 * power cut may damage the whole environment. So: a replay uses STORE_CRASH alone; what must outlive a power cut makes
 * one STORE_POWER commit, which may be empty, when it starts.
 *
 * Errors of store_commit; nothing of the batch is stored, and it is still there, to be committed again or
 * discarded:
 *   -ENOSPC  the disk is full (also a quota, or EIO as LMDB shows it first); try again when there is room
 *   -ENOMEM  the map is full and cannot grow; a full map as such grows and the commit is repeated
 *   -EIO     the device failed; nothing more is written until the store is opened anew: end this worker
 *   -ESTALE  another process wrote; likewise
 *   -EBADMSG damage
 * (-ENOSPC and -EIO of a meta page leave it to the device whether the commit will be seen after a power cut.
 * Committing the same batch again is right in either case.)
 *
 * The journal: sequence number -> record, kept in one sub-database for each market month (UTC, of the
 * record's time), so that whole months are dropped by retention (journal_months, calendar months counted
 * from the last record's). Months never go back: a late record joins the last month. Records are bytes
 * to the store (msgpack: workers/account/journal.h).
 *
 * Versioned: an environment of a newer version is refused with -EPROTO, one of another kind or of another
 * program with -EINVAL, a damaged one with -EBADMSG (LMDB has no checksums: a file cut off, bad meta pages,
 * keys or counts are found, a flipped bit in a record is not). Every text names the folder and the remedy.
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
#define STORE_BATCH_MONTHS_MAX 32u /* different journal months in one batch (asserted) */
#define STORE_READ_MAX 1000u

enum store_sync { STORE_CRASH, STORE_POWER };

struct store_options {
    const char *folder;          /* created 0700 when missing; data.mdb and lock.mdb lie in it */
    const char *kind;            /* "account", "paper", "coordinator": checked on open */
    const char *const *tables;   /* names, table_count of them; a table's number is its index */
    uint32_t table_count;
    bool journal;                /* keep a journal too */
    uint32_t journal_months;     /* retention, 0: all */
    uint64_t map_bytes;          /* least size of the map, rounded up to 1 MiB; it doubles as needed */
    uint64_t reserve_bytes;      /* store_low when less room than this is left; so much, and at least 0.5 MiB, is
                                    preallocated ahead, where the disk has it: a full disk still takes it */
};

/* The folder's lock: "lock" in it, flock'ed, held for life. The descriptor, or -EWOULDBLOCK when another
 * process holds it (err names its pid as written in the file). */
int store_lock(const char *folder, struct error *err);

/* Create the folder, 0700, and those above it that are missing, durably. 0 or a negative code. */
int store_make_folder(const char *folder, struct error *err);

/* 0 or a negative code with err set; *out is the caller's until store_close(&p), which drops the open batch.
 * A reader creates nothing (-ENOENT), and finds tables that are not there empty. -EBUSY: this process has it
 * open already. Only the folder, the kind, the tables' names and `journal` matter to a reader. */
int store_open(const struct store_options *options, struct store **out, struct error *err);
int store_open_reader(const struct store_options *options, struct store **out, struct error *err);
/* A store that lives in memory, for tests and simulation: the contents belong to the folder's name and survive
 * store_close until store_memory_forget_all. No lock, no readers. */
int store_open_memory(const struct store_options *options, struct store **out, struct error *err);
void store_close(struct store **store);

/* --- batch ------------------------------------------------------------------------------ */
/* The data are copied. The last change of a key in a batch wins; deleting what is not there is no error. */
void store_put(struct store *store, uint32_t table, uint64_t key, const void *data, size_t size);
void store_delete(struct store *store, uint32_t table, uint64_t key);
/* seq must be the last one plus one (asserted against what is committed and in the batch). */
void store_journal(struct store *store, uint64_t seq, int64_t time_ns, const void *data, size_t size);
bool store_batch_empty(const struct store *store);
/* Bytes of data that one more store_put or store_journal may have. */
size_t store_batch_room(const struct store *store);
/* An empty batch with STORE_POWER makes earlier STORE_CRASH commits outlive a power cut. */
int store_commit(struct store *store, enum store_sync sync, struct error *err);
void store_discard(struct store *store);
/* True while STORE_CRASH commits stand beside the tables (see Durability): other processes do not see them yet, and a
 * power cut loses them. The next STORE_POWER commit takes them along; store_settle puts them into the tables now, as does
 * a read by this process, and store_close. */
bool store_unsettled(const struct store *store);
int store_settle(struct store *store, struct error *err);

/* --- reads (committed data) --------------------------------------------------------------- */
/* Copies at most `size` bytes; *length is the stored size. -ENOENT when there is none. */
int store_get(struct store *store, uint32_t table, uint64_t key, void *out, size_t size, size_t *length);
/* Calls visit for each key >= from, ascending, until it returns non-zero (returned) or max are visited.
 * The data (8-byte aligned) are valid during the call only. Returns 0 at the end, or a negative code. */
typedef int (*store_visit)(void *context, uint64_t key, const void *data, size_t size);
int store_scan(struct store *store, uint32_t table, uint64_t from, uint32_t max, store_visit visit, void *context);
int store_journal_scan(struct store *store, uint64_t from_seq, uint32_t max, store_visit visit, void *context);
uint64_t store_journal_last(struct store *store);  /* 0: none */
uint64_t store_journal_first(struct store *store); /* 0: none */

/* Less than reserve_bytes are left, or a commit failed: entries stop, exits go on. Cheap: the disk is asked at
 * most once in 256 commits (in 256 calls while it is low). */
bool store_low(struct store *store);
/* Unmap what was read of the file (MADV_DONTNEED on all of it: months lie scattered), which bounds Pss_File; the
 * page cache keeps it, so that a page needed again costs a minor fault. */
void store_trim(struct store *store);

/* --- the twin in memory: what a test or simulation may do to it ------------------------------ */
/* Lose everything after the last STORE_POWER commit (or, with keep_crash, only the open batch), as a
 * power cut or a killed process would. */
void store_memory_lose(struct store *store, bool keep_crash);
/* The next commits fail with this code (ENOSPC, EIO) until called with 0. */
void store_memory_fail(struct store *store, int code);
/* Drop the contents of all folders; no store may be open (asserted). */
void store_memory_forget_all(void);

#endif
