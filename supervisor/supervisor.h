/* supervisor: the context that the parts of this program share. One thread, one epoll loop.
 *
 * Ownership: every descriptor here is close-on-exec and has one owner, the struct that it stands in.
 * Time: `served.now_ns` (machine.h), taken once for each turn, is what all deadlines are made of.
 * A child's slot in `processes` is fixed: coordinator 0, feed 1, the account with index i 2 + i.
 */
#ifndef PROPFLEET_SUPERVISOR_SUPERVISOR_H
#define PROPFLEET_SUPERVISOR_SUPERVISOR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/control.h"
#include "base/vocabulary.h"
#include "config/config.h"
#include "shm/cell.h"
#include "supervisor/alerts.h"
#include "supervisor/generations.h"
#include "supervisor/logpipe.h"
#include "supervisor/machine.h"
#include "supervisor/options.h"
#include "supervisor/reload.h"
#include "supervisor/socket.h"

#define PROCESS_SLOT_COORDINATOR 0u
#define PROCESS_SLOT_FEED 1u
#define PROCESS_SLOT_ACCOUNTS 2u
#define PROCESS_COUNT_MAX (PROCESS_SLOT_ACCOUNTS + CONFIG_ACCOUNTS_MAX)
#define PROCESS_NAME_MAX GENERATION_NAME_MAX
#define PROCESS_WHY_MAX 256

/* What of a child was last told to those who read it. */
struct told {
    uint64_t generation;
    bool wanted, alive;
};

/* Of an account, as far as a process that was READY said. */
enum flat { FLAT_UNKNOWN, FLAT_YES, FLAT_NO };

struct process {
    bool used;      /* the configuration has it */
    bool removing;  /* a reload took it out: the slot is freed when it is down */
    enum process_kind kind;
    uint32_t account;              /* CONFIG_NONE for others */
    char name[PROCESS_NAME_MAX];   /* "account:alba" */
    struct machine machine;
    struct told told;

    /* Of the process that runs now; -1, NULL and 0 without one. */
    uint64_t generation;
    pid_t pid;
    int pidfd, channel, cell_fd, wake_fd, ring_fd, history_fd;
    const void *cell_memory;
    size_t cell_bytes;
    const struct cell *cell;       /* sealed and attached: others may have it */
    bool laid_out;                 /* feed: ring and history are sealed */
    bool go;                       /* feed: GO was sent */
    bool done;                     /* it said DONE */
    int64_t started_mono_ns;
    int64_t closed_ns;             /* its channel closed at; 0: open */
    int64_t heartbeat_seen;        /* its last value, and when it changed */
    int64_t heartbeat_changed_ns;
    uint64_t ping_number;
    int64_t ping_sent_ns, ping_next_ns; /* sent 0: none is open */
    struct logpipe log;

    /* Outlive the process. */
    bool has_status;
    struct cell_payload status;    /* the last that was read from its cell */
    enum flat flat;
    char why[PROCESS_WHY_MAX];     /* what it said or what was found, of the last end */
    bool why_fresh;                /* why is of the process that runs */
    char last_exit[64];            /* "signal 9 (Killed)" */
    int64_t down_mono_ns;          /* its last end was noticed, or its first start asked for, at */
    int64_t ready_after_ns;        /* from there to its last READY; 0: never READY */
    uint32_t alert_tokens;         /* alerts that it may still raise before the next refill */
    int64_t alert_refill_ns;
};

enum stop_phase { STOP_NONE, STOP_ACCOUNTS, STOP_COORDINATOR, STOP_FEED, STOP_FINISHED };

struct supervisor {
    struct options options;
    char **child_environment;
    int config_fd;
    const struct fleet_config *config;
    struct config_supervisor settings; /* the configuration's, durations cut to a year: sums stay in range */
    struct machine_limits limits;
    struct storm_limits storm_limits;
    struct storm storm;
    struct served served;
    struct generations generations;
    struct process processes[PROCESS_COUNT_MAX];
    uint64_t slot_generations[PROCESS_COUNT_MAX]; /* the latest that a slot had, whatever its name was */
    struct alerts alerts;
    struct reload reload;
    struct socket_server socket;
    int lock_fd, epoll_fd, timer_fd, signal_fd, null_fd;
    enum stop_phase stop;
    int exit_status;
    int64_t started_mono_ns;
    bool ready_said; /* every child was READY once */
};

/* epoll's data: what kind of descriptor, and which one. */
enum source { SOURCE_SIGNAL, SOURCE_TIMER, SOURCE_PIDFD, SOURCE_CHANNEL, SOURCE_LOG, SOURCE_LISTEN, SOURCE_CLIENT,
              SOURCE_RELOAD_PID, SOURCE_RELOAD_ERRORS, SOURCE_ALERT };
/* 0 or -errno (logged). */
int supervisor_watch(struct supervisor *supervisor, int fd, uint32_t events, enum source source, uint32_t index);
int supervisor_rewatch(struct supervisor *supervisor, int fd, uint32_t events, enum source source, uint32_t index);
/* Close *fd when it is open; afterwards -1. */
void supervisor_close(int *fd);
int64_t supervisor_mono_ns(void);

/* Limits out of the current configuration. */
void supervisor_limits_set(struct supervisor *supervisor);
bool supervisor_is_replay(const struct supervisor *supervisor);

#endif
