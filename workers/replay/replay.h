/* replay: a whole fleet in one process, as fast as the processor goes: the backtest's driver (design.md 4).
 *
 * The accounts' cores, their paper venues and the coordinator's core over the feed's merged sequence (merge.h): no ring,
 * no socket, no other process. Each record goes the way that driver.c of the account gives it, each round the way of the
 * coordinator's driver in a replay, so the journals are those of `propfleet run` over the same configuration and data,
 * byte for byte. No clock decides anything here.
 *
 * The state goes into stores of the same form: in memory, where months of the journal that are over are dropped (the
 * hash goes over all of it all the same), or below a folder, where every tool reads it.
 *
 * One thread. All failures leave the fleet good for replay_close only.
 */
#ifndef PROPFLEET_WORKERS_REPLAY_REPLAY_H
#define PROPFLEET_WORKERS_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "workers/account/core.h"

struct error;
struct replay;

#define REPLAY_HASH_BYTES 32u

/* What somebody who watches is told; each may be NULL. The core is the account's own: to be read, in the call only. */
struct replay_watcher {
    void *context;
    /* After a step of an account that recorded something: core->records, trades and signal_rows are those of the step. */
    void (*stepped)(void *context, uint32_t account, const struct core *core);
    /* An END has been decided by all accounts; warm-up ENDs too. */
    void (*instant)(void *context, const struct replay *replay, const struct market_record *end);
    /* Every REPLAY_TURN_RECORDS records. False: stop here. */
    bool (*turn)(void *context, const struct replay *replay);
};
#define REPLAY_TURN_RECORDS 4096u

struct replay_options {
    const struct fleet_config *config; /* borrowed; not live */
    uint64_t accounts;                 /* bit i: account i takes part; 0: all */
    const char *state_dir;             /* stores below it: it must hold none; NULL: in memory */
    const struct replay_watcher *watcher; /* borrowed; NULL: none */
};

/* 0 or a negative code with err: -EEXIST (the folder has a state already), what merge and the stores say. */
int replay_open(const struct replay_options *options, struct replay **out, struct error *err);
/* Runs to the end of the data. 0; -ECANCELED when the watcher stopped it; a negative code with err. */
int replay_run(struct replay *replay, struct error *err);
void replay_close(struct replay **replay);

uint64_t replay_records(const struct replay *replay);  /* handled so far */
int64_t replay_time_ns(const struct replay *replay);   /* of the last */
void replay_rows(const struct replay *replay, uint64_t *read, uint64_t *bad);
/* NULL: the account takes no part. */
const struct core *replay_core(const struct replay *replay, uint32_t account);
/* SHA-256 over each record's number (8 bytes, little-endian) and bytes: what `propfleet journal NAME --hash` prints.
 * Returns the count of records. */
uint64_t replay_hash(const struct replay *replay, uint32_t account, unsigned char out[REPLAY_HASH_BYTES]);

#endif
