/* ledger: what the coordinator keeps durably: STORE_CRASH, kind "coordinator", in STATE/coordinator.
 *
 *   accounts  slot                -> row: the account's name and struct coordinator_account
 *   answers   slot << 48 | jseq   -> the answer, and a hash of the proposal that it answers
 *   meta      0                   -> decision_seq, applied_instant_ns
 *   journal   decision_seq        -> one record (workers/account/journal.h) for each decision, refusals too
 *
 * A slot belongs to a name for as long as the configuration has it: the index of an account may
 * change between two runs, its rows do not move. An account that has left the configuration is
 * forgotten. Of each account the last LEDGER_ANSWERS_KEPT answers are kept.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_LEDGER_H
#define PROPFLEET_WORKERS_COORDINATOR_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/coordinator/core.h"

struct error;
struct store;

#define LEDGER_ANSWERS_KEPT 1024u
#define LEDGER_FOLDER_NAME "coordinator" /* in the state folder */

enum { LEDGER_ACCOUNTS, LEDGER_ANSWERS, LEDGER_META, LEDGER_TABLE_COUNT };

struct ledger_slot {
    char name[CONFIG_NAME_MAX];              /* empty: free */
    uint32_t count, next;                    /* of the ring below */
    uint64_t answered[LEDGER_ANSWERS_KEPT];  /* jseqs whose answers are stored: the last `count` before next */
};
struct ledger {
    struct store *store;
    int lock_fd;
    uint32_t slot_of[CONFIG_ACCOUNTS_MAX];   /* CONFIG_NONE for a hole */
    struct ledger_slot slots[CONFIG_ACCOUNTS_MAX];
};

/* Take the lock, open, and fill the coordinator's rows. 0; -EWOULDBLOCK when another process has it. */
int ledger_open(struct ledger *ledger, struct coordinator *coordinator, struct error *err);
void ledger_close(struct ledger *ledger);
/* After coordinator_configure: slots for new names, the others' forgotten. Committed. */
int ledger_configure(struct ledger *ledger, struct coordinator *coordinator, struct error *err);

/* Put the last coordinator_apply into the batch, once, then commit; when the commit fails the batch stays and
 * ledger_commit may be called again. */
void ledger_put(struct ledger *ledger, const struct coordinator *coordinator);
/* Likewise one row, without a round. anew: its answers are forgotten (coordinator_reset_account). */
void ledger_put_account(struct ledger *ledger, const struct coordinator *coordinator, uint32_t account, bool anew);
int ledger_commit(struct ledger *ledger, struct error *err);

enum ledger_found {
    LEDGER_FOUND,
    LEDGER_NONE,  /* never decided, or so long ago that it is forgotten */
    LEDGER_OTHER, /* another proposal was decided under this jseq */
};
enum ledger_found ledger_answer(struct ledger *ledger, uint32_t account, const struct wire_proposal *proposal,
                                struct wire_answer *out);

#endif
