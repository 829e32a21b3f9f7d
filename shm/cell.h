/* cell: a child's status cell: two pages that the child alone writes and others read.
 *
 * Hot words are single atomics, each with one meaning, on cache lines of their own. The
 * rest (state, equity, counters) is a payload of which the cell holds two copies and an
 * index: a writer that dies or stops in the middle of a write leaves the previous copy whole.
 * A read tries at most 16 times, then returns SHM_STALE. Whatever is read from another
 * process's cell is copied and range-checked, and is never an index, length or pointer.
 */
#ifndef PROPFLEET_SHM_CELL_H
#define PROPFLEET_SHM_CELL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/decimal.h"
#include "shm/result.h"

#define CELL_SIZE_BYTES 8192u
#define CELL_TEXT_MAX 96

/* What the account is allowed to do (style.md): entries and exits, exits only, nothing. */
enum account_state { ACCOUNT_ACTIVE, ACCOUNT_REDUCING, ACCOUNT_HALTED };

struct cell_payload {          /* one copy; fields that a kind does not use are 0 */
    int64_t market_time_ns;
    /* account */
    uint32_t account_state;    /* enum account_state */
    uint32_t phase;            /* index into the programme's phases */
    dec_t balance, equity, day_pnl, open_risk; /* account currency */
    uint32_t positions, orders_working;
    uint64_t signals, entries_filled, trades, proposals, granted, refused;
    uint64_t journal_seq, snapshots, rebuilt;
    uint64_t lapped;           /* records missed, live */
    int64_t record_late_ns, permit_wait_ns; /* live: the worst of the last 10 to 20 seconds (base/peak.h) */
    uint64_t last_refusal_code;/* enum refusal */
    /* feed */
    uint64_t head_seq, rows_read, rows_bad;
    uint64_t records_per_s;
    /* coordinator */
    uint64_t rounds, grants, refusals, reservations;
    dec_t joint_risk;
    char text[CELL_TEXT_MAX];  /* why, when something is wrong; NUL-terminated */
    uint64_t refusals_by_code[32]; /* account: by enum refusal (base/vocabulary.h) */
};

struct cell;         /* as mapped */

/* Writer: lay out a fresh, zeroed segment of CELL_SIZE_BYTES. `generation` is the child's. */
struct cell *cell_init(void *memory, uint64_t generation);
void cell_write(struct cell *cell, const struct cell_payload *payload);

/* Reader: SHM_OK, SHM_CORRUPT (magic, version, size), SHM_STALE (not ready). */
enum shm_result cell_attach(const void *memory, uint64_t size_bytes, const struct cell **out);
/* SHM_OK; SHM_STALE: no whole copy in 16 tries, or none written yet; SHM_CORRUPT: account_state out of
 * range. The text is always terminated. */
enum shm_result cell_read(const struct cell *cell, struct cell_payload *out);
uint64_t cell_generation(const struct cell *cell);

/* Hot words. Stores are release unless said otherwise, loads acquire. */
void cell_set_heartbeat(struct cell *cell, int64_t mono_ns);     /* each turn of the main loop */
int64_t cell_heartbeat(const struct cell *cell);
void cell_set_consumed(struct cell *cell, uint64_t seq);         /* last record the core has seen */
uint64_t cell_consumed(const struct cell *cell);
/* The claim: records up to seq may be overwritten, a committed snapshot holds them. Stored after the
 * commit. CELL_DURABLE_NONE until the state is open; CELL_DURABLE_JOIN: there is no state yet. */
#define CELL_DURABLE_NONE UINT64_MAX
#define CELL_DURABLE_JOIN (UINT64_MAX - 1)
void cell_set_durable(struct cell *cell, uint64_t seq);
uint64_t cell_durable(const struct cell *cell);
/* The permit watermark: END of done_instant processed, and the last message for the coordinator
 * up to it has journal sequence sent_jseq (0: none yet). sent_jseq is stored first; a reader loads
 * done_instant first, so that it never sees an instant without its messages. */
void cell_set_watermark(struct cell *cell, int64_t done_instant_ns, uint64_t sent_jseq);
void cell_watermark(const struct cell *cell, int64_t *done_instant_ns, uint64_t *sent_jseq);
/* Sequentially consistent: pairs with the writer's look after publishing. The reader sets it, looks
 * at the ring's head once more, then waits on its eventfd. The look itself is a full barrier, so the
 * writer needs no other between ring_publish (or ring_close) and cell_sleeping. */
void cell_set_sleeping(struct cell *cell, uint32_t sleeping);
uint32_t cell_sleeping(const struct cell *cell);
void cell_set_syncing(struct cell *cell, uint32_t syncing);      /* inside an fsync: the longer deadline */
uint32_t cell_syncing(const struct cell *cell);

#endif
