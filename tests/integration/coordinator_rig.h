/* coordinator_rig: plays the supervisor and the accounts of a propfleet-coordinator, in a folder of its own.
 *
 * The program is the real one, of the build that the test is in; configuration, control channel and cells
 * are made by hand. Accounts live in the caller's process (their pid is the caller's) and keep a journal of
 * what they sent, as the real ones do: after WELCOME they send again what is missing.
 * Every wait looks for its event and has a deadline; what goes wrong ends the process with a word. No cmocka
 * here: the bench uses it too.
 */
#ifndef PROPFLEET_TESTS_COORDINATOR_RIG_H
#define PROPFLEET_TESTS_COORDINATOR_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/control.h"
#include "config/config.h"
#include "shm/cell.h"
#include "workers/coordinator/client.h"

#define RIG_ACCOUNTS_MAX 10
#define RIG_LOG_MAX 16384
#define RIG_WAIT_NS INT64_C(20000000000)
#define RIG_INSTANT_0 INT64_C(1715600000000000000)
#define RIG_STEP_NS INT64_C(60000000000)

struct rig_entry {
    struct wire_message message;
    bool answered;
    uint32_t answers;            /* how often it was answered */
    struct wire_answer answer;
};
struct rig_account {
    uint32_t index;
    uint64_t generation;
    struct client *client;
    struct cell *cell;
    const void *cell_memory;
    int cell_fd;
    bool alive, wanted;
    pid_t pid;
    uint32_t welcomes;
    uint64_t last_jseq;          /* of its journal */
    struct wire_position positions[CONFIG_INSTRUMENTS_MAX]; /* said in HELLO */
    uint32_t count;
    struct rig_entry *log;       /* RIG_LOG_MAX */
};
struct rig {
    char folder[64], runtime_dir[80];
    struct fleet_config config;
    int config_fd;
    pid_t pid;                   /* of the coordinator; 0: none */
    int pidfd, control_fd, cell_fd;
    uint64_t generation;
    const void *cell_memory;
    const struct cell *cell;
    uint64_t pongs;
    uint32_t account_count;
    struct rig_account accounts[RIG_ACCOUNTS_MAX];
};

void rig_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
int64_t rig_now_ns(void);

/* Folder and configuration; accounts 0 and 1 are of one firm that forbids opposite positions, the others
 * each of their own. Change rig->config before rig_start. */
void rig_init(struct rig *rig, uint32_t account_count, bool live);
void rig_fini(struct rig *rig);

/* Start the coordinator's next generation, tell it of all accounts, wait for READY. crash: PROPFLEET_CRASH, or NULL. */
void rig_start(struct rig *rig, const char *crash);
bool rig_dead(struct rig *rig);
void rig_kill(struct rig *rig);                 /* SIGKILL, and reap */
void rig_reap(struct rig *rig);                 /* one that died by itself (SIGKILL expected) */
void rig_stop(struct rig *rig);                 /* STOP: exit status 0 expected */
/* PING, and wait for the PONG, twice: what came before has been handled, and is in the cell. */
void rig_ping(struct rig *rig);
struct cell_payload rig_status(struct rig *rig);

/* A new generation of the account: fresh cell, fresh client; told to the coordinator under `pid` (0: ours). */
void rig_account_begin(struct rig *rig, uint32_t index, pid_t pid);
/* The same without a client (somebody else speaks for it). */
void rig_account_begin_cell(struct rig *rig, uint32_t index);
void rig_account_end(struct rig *rig, uint32_t index, bool wanted);
void rig_tell(struct rig *rig, uint32_t index);
void rig_account_hello(struct rig *rig, uint32_t index); /* client_reset */

/* Journal, send, and put the watermark at the instant: the last of its messages there. Returns the jseq. */
uint64_t rig_propose(struct rig *rig, uint32_t index, int64_t instant_ns, const struct wire_proposal *proposal);
/* Journal and send; rig_done or rig_propose follows. */
uint64_t rig_report(struct rig *rig, uint32_t index, int64_t instant_ns, const struct wire_report *report);
void rig_done(struct rig *rig, uint32_t index, int64_t instant_ns);
struct wire_proposal rig_buy(uint32_t instrument, dec_t risk);

/* Receive what is there; waits up to timeout_ms when nothing is. */
void rig_pump(struct rig *rig, int timeout_ms);
/* Pump until it is answered; NULL when the coordinator is dead instead. */
const struct wire_answer *rig_answer(struct rig *rig, uint32_t index, uint64_t jseq);
void rig_wait_ready(struct rig *rig);           /* every account with a client has its WELCOME */
struct rig_entry *rig_entry(struct rig *rig, uint32_t index, uint64_t jseq);

#endif
