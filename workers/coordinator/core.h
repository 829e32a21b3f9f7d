/* coordinator core: decides about proposals, in rounds by market instant. Pure.
 *
 * No clock, no socket, no file: messages and watermarks come in, answers and records go out. The
 * driver (driver.c) owns ZeroMQ, the cells and the store.
 *
 * An instant T is applied when, for every wanted account, the watermark of its cell is at T or later
 * and all messages up to the watermark's sent_jseq (at least those up to T) are held. Then, in this order:
 * reservations that expired before T are released; reports of T, by account and jseq; proposals of T, in
 * the canonical order (confidence, then least risk held, then longest without a grant, then account
 * index, then jseq; looked at again after each grant), each decided against all that was granted
 * before it. So the outcome depends on the data alone. What comes late (live) is applied with the next
 * instant that is. More than COORDINATOR_RESERVATIONS_MAX proposals of one account at one instant make
 * further rounds of that instant.
 *
 * A report that ends the reservation of a proposal which is still in the queue withdraws the proposal: it
 * is refused as PERMIT_EXPIRED.
 *
 * Rules in this order, the first that refuses names itself:
 *   UNKNOWN_ACCOUNT    the account is not in the configuration, or nobody waits for it any more
 *   SESSION_CLOSED     the fleet's source does not carry the instrument
 *   NO_PERMIT          grants are held (hold_grants)
 *   PERMIT_EXPIRED     withdrawn, or (live) so late that the permit would be over
 *   OPPOSITE_POSITION  another account of the same firm holds, or has reserved, the opposite side of the
 *                      instrument, and the programme of one of the two forbids it. Accounts that
 *                      are not wanted count too: what they hold is at the broker all the same
 *   JOINT_RISK         risk at stops of all accounts, reservations included, would be over
 *                      joint_risk_fraction of the sum of initial balances
 *   MAX_POSITIONS      COORDINATOR_RESERVATIONS_MAX permits of the account are out
 * A proposal is granted whole or refused.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_CORE_H
#define PROPFLEET_WORKERS_COORDINATOR_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vocabulary.h"
#include "config/config.h"
#include "workers/coordinator/wire.h"

#define COORDINATOR_QUEUE_MAX 256u        /* messages of one account that wait for their instant */
#define COORDINATOR_RESERVATIONS_MAX 16u  /* of one account */
#define COORDINATOR_DECISIONS_MAX (CONFIG_ACCOUNTS_MAX * COORDINATOR_RESERVATIONS_MAX) /* of one round */

struct coordinator_reservation {
    uint64_t proposal;     /* jseq; 0: free */
    uint32_t instrument, side;
    dec_t qty, risk;       /* what is still reserved */
    int64_t valid_until_ns;
};
/* Durable, one row for each account, as it is after the last applied round. */
struct coordinator_account {
    uint64_t applied_jseq;   /* last message applied */
    int64_t last_grant_ns;   /* market time; 0: never */
    uint64_t grants, refusals;
    struct wire_position positions[CONFIG_INSTRUMENTS_MAX];
    struct coordinator_reservation reservations[COORDINATOR_RESERVATIONS_MAX];
};
struct coordinator_queued {
    uint32_t type;           /* WIRE_PROPOSE or WIRE_REPORT */
    uint64_t previous;       /* jseq of the account's message before this one (wire_message.previous) */
    int64_t arrived_ns;      /* the driver's, on its own clock; nothing here looks at it */
    union {
        struct wire_proposal proposal;
        struct wire_report report;
    } u;
};
struct coordinator_queue {
    uint32_t count;
    struct coordinator_queued items[COORDINATOR_QUEUE_MAX]; /* ascending jseq */
};
struct coordinator_decision {
    uint32_t account;
    struct wire_proposal proposal;
    struct wire_answer answer;
};
struct coordinator_watermark {
    bool wanted;             /* the supervisor's word */
    int64_t done_instant_ns;
    uint64_t sent_jseq;
};

struct coordinator {
    const struct fleet_config *config;
    bool hold_grants;          /* the driver's: refuse every proposal (live, after a restart) */
    uint64_t decision_seq;     /* last decision's number; durable with the accounts */
    int64_t applied_instant_ns;/* last instant applied; durable */
    struct coordinator_account accounts[CONFIG_ACCOUNTS_MAX];
    struct coordinator_queue queues[CONFIG_ACCOUNTS_MAX];
    /* output of the last coordinator_apply */
    uint32_t decision_count;
    struct coordinator_decision decisions[COORDINATOR_DECISIONS_MAX];
    bool changed[CONFIG_ACCOUNTS_MAX]; /* rows to store */
};

/* `config` is borrowed until the next coordinator_configure. Rows that were stored are put into accounts[],
 * decision_seq and applied_instant_ns by the driver afterwards. */
void coordinator_init(struct coordinator *coordinator, const struct fleet_config *config);
/* A new configuration; the one before must still be mapped. An account that is gone, or whose index now
 * belongs to another, is forgotten (row and queue; changed is not touched). */
void coordinator_configure(struct coordinator *coordinator, const struct fleet_config *config);
/* Forget what is known of an account: its journal was begun anew. */
void coordinator_reset_account(struct coordinator *coordinator, uint32_t account);
/* Its journal ends at last_jseq, before what is known here: an older copy of its store was put back, or its last records are
 * lost. Its messages go on from there; what it had reserved is forgotten, what it holds is what `hello` says. */
void coordinator_set_back(struct coordinator *coordinator, uint32_t account, const struct wire_hello *hello);
/* Compare what an account says that it holds (HELLO) with its row: the number of instruments that differ.
 * With `take` the row is set to the account's word. */
uint32_t coordinator_adopt(struct coordinator *coordinator, uint32_t account, const struct wire_hello *hello, bool take);
/* Whether a row that was stored may be used: sides, counts and amounts are in range. */
bool coordinator_account_valid(const struct coordinator_account *row);

enum coordinator_accept {
    COORDINATOR_QUEUED,
    COORDINATOR_REPEAT,      /* applied before: a proposal is answered from the store */
    COORDINATOR_KNOWN,       /* in the queue already */
    COORDINATOR_FULL,        /* the queue is full: a fault of the account */
    COORDINATOR_GAP,         /* its `previous` is not the last one held, so one is missing: WELCOME again */
};
/* `account` is in range (asserted); it need not be in the configuration. */
enum coordinator_accept coordinator_accept(struct coordinator *coordinator, uint32_t account,
                                           const struct coordinator_queued *message);
/* Last jseq that is applied or queued. */
uint64_t coordinator_through(const struct coordinator *coordinator, uint32_t account);
/* The next instant that waits with messages, 0 when none does. */
int64_t coordinator_next_instant(const struct coordinator *coordinator);
/* Whether that instant, or one before it, holds a proposal: somebody stands and waits. */
bool coordinator_proposal_waits(const struct coordinator *coordinator, int64_t instant_ns);
/* Whether the instant may be applied under these watermarks (array of CONFIG_ACCOUNTS_MAX). *waits_for: the
 * first account that it waits for, CONFIG_NONE if none. */
bool coordinator_ready(const struct coordinator *coordinator, int64_t instant_ns,
                       const struct coordinator_watermark *watermarks, uint32_t *waits_for);
/* Apply everything up to the instant: fills decisions (canonical order) and changed. `wanted` as in watermarks.
 * Afterwards coordinator_next_instant may be the same instant again (see above). */
void coordinator_apply(struct coordinator *coordinator, int64_t instant_ns, const struct coordinator_watermark *watermarks);
/* Sum over accounts of risk at stops and of reservations. */
dec_t coordinator_joint_risk(const struct coordinator *coordinator);

#endif
