/* account: one account of a replay: its core, venue and stores, driven as workers/account/driver.c does in a replay. */
#ifndef PROPFLEET_WORKERS_REPLAY_ACCOUNT_H
#define PROPFLEET_WORKERS_REPLAY_ACCOUNT_H

#include <sodium.h>

#include "workers/account/core.h"
#include "workers/account/persist.h"
#include "workers/broker/broker.h"
#include "workers/coordinator/core.h"
#include "workers/replay/replay.h"
#include "workers/store/store.h"

struct replay_account {
    struct core core;
    struct persist persist;
    struct store *store, *paper_store;
    struct broker *broker;
    const struct replay_watcher *watcher;
    enum store_sync sync;
    crypto_hash_sha256_state hash;
    uint64_t records;            /* of the journal */
    uint32_t snapshot_every;     /* market records */
    /* messages for the coordinator, in the order of their jseq; taken by replay_account_send */
    uint32_t message_count;
    struct coordinator_queued messages[COORDINATOR_QUEUE_MAX];
    struct core_action actions[CORE_ACTIONS_MAX];
    int error;                   /* the first failure; nothing is done after it */
    char text[256];
};

/* The account at the first record. 0 or a negative code with err; *account must be zero, and is good for _close either
 * way. `state_dir` NULL: stores in memory. */
int replay_account_open(struct replay_account *account, const struct replay_options *options, uint32_t index, struct error *err);
void replay_account_close(struct replay_account *account);

/* One market record: venue, core, reports. */
void replay_account_record(struct replay_account *account, const struct market_record *record);
/* The answers to all proposals of the END that it stands at, in the order of their jseq. */
void replay_account_answers(struct replay_account *account, const struct wire_answer *answers, uint32_t count);
/* The END is done with. */
void replay_account_instant_over(struct replay_account *account);
/* The last state becomes durable. */
void replay_account_end(struct replay_account *account);
bool replay_account_waits(const struct replay_account *account); /* a proposal has no answer */

#endif
