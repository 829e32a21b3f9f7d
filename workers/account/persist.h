/* persist: the account's state in its store. What differs from what is stored is written; nothing can be
 * forgotten, because rows are compared, not marked.
 *
 * Rows of positions, orders and proposals are keyed by their slot (plus one): a restarted account walks them in the
 * same order as one that never died. The market part is a snapshot in one row.
 */
#ifndef PROPFLEET_WORKERS_ACCOUNT_PERSIST_H
#define PROPFLEET_WORKERS_ACCOUNT_PERSIST_H

#include <stdbool.h>

#include "workers/account/core.h"
#include "workers/store/store.h"

struct error;

enum account_table {
    TABLE_ACCOUNT, TABLE_POSITIONS, TABLE_ORDERS, TABLE_PROPOSALS, TABLE_TRADES, TABLE_SIGNALS, TABLE_SNAPSHOT, TABLE_RUNS,
    TABLE_CHAIN, TABLE_COUNT
};
extern const char *const account_tables[TABLE_COUNT];

/* Options of an account's store below its state folder ("STATE/NAME/store"); of its paper venue ("STATE/NAME/paper"). */
#define ACCOUNT_STORE_FOLDER "store"
#define ACCOUNT_PAPER_FOLDER "paper"
#define ACCOUNT_STORE_KIND "account"
#define ACCOUNT_PAPER_KIND "paper"

/* TABLE_CHAIN: one row for each journal record, keyed by its number n: SHA-256 of the row before it (zeros before the
 * first), n (8 bytes, little-endian) and the record's bytes. `propfleet audit NAME --verify` follows it. */
#define PERSIST_CHAIN_BYTES 32u
void persist_chain(unsigned char chain[PERSIST_CHAIN_BYTES], uint64_t n, const void *data, size_t size);

/* A row of TABLE_RUNS, keyed by generation: what a restart is, apart from the decisions. */
struct account_run {
    int64_t started_wall_ns, ready_wall_ns, ended_wall_ns;
    uint64_t cursor_seq, replayed, resent;
    uint32_t clean;          /* ended by an ordered stop */
    uint32_t rebuilt;        /* the market part came from the bar history */
    uint32_t after_crash;    /* the run before did not end clean */
    uint32_t reserved;
    char tzdata[16];
};

struct persist {
    struct store *store;
    uint64_t snapshot_seq;   /* of the stored snapshot; 0: none */
    unsigned char chain[PERSIST_CHAIN_BYTES]; /* of the last record, also one in the open batch */
    uint64_t chain_first;    /* rows below are gone with their months */
    /* what is stored now (and what the open batch would make of it) */
    struct core_account account;
    struct core_position positions[CORE_POSITIONS_MAX];
    struct order orders[CORE_ORDERS_MAX];
    struct core_proposal proposals[CORE_PROPOSALS_MAX];
};

/* Load into a core that core_init has prepared. *fresh: there was nothing. *market_good: the snapshot fits and was
 * loaded (otherwise the market part is as new and account.cursor_seq says up to where it must be rebuilt).
 * -EPROTO with err set when the rows are not ours to read. */
int persist_load(struct persist *persist, struct store *store, struct core *core, bool *fresh, bool *market_good,
                 struct error *err);
/* Put into the batch: the core's records, trades, signal rows, and every row that differs. */
void persist_collect(struct persist *persist, const struct core *core);
/* Put the market part into the batch too; persist->snapshot_seq is set (true once committed). */
void persist_snapshot(struct persist *persist, const struct core *core);
/* Rows that changed since they were stored, apart from the cursor. */
bool persist_dirty(const struct persist *persist, const struct core *core);

#endif
