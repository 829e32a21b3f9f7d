/* machine: what the supervisor decides about one child. Pure: no clock, no system call.
 *
 * One table, state by event (MACHINE_TABLE in machine.c, printed in docs/states.md), says which step is
 * taken; a step changes the state, sets the deadline of the new one and returns what is to be done.
 * Time is an argument: served time (below), in ns, never wall time. The jitter of a backoff is a hash of
 * the child's seed and its count: two children do not come back at the same instant, and a test
 * knows when each does. It is a jitter of restarts only; nothing of trading has one.
 *
 * Policy: the first restart is immediate, also again once the child was READY for backoff_first_ns;
 * then the backoff doubles. deaths_max deaths within death_window_ns: FAILED, for this child alone. A
 * spawn that failed and exit status 75 (try later) are no deaths: they back off and are tried again,
 * in a replay (where others wait) at most for later_limit_ns. Exit status 78: FAILED at once.
 */
#ifndef PROPFLEET_SUPERVISOR_MACHINE_H
#define PROPFLEET_SUPERVISOR_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_STATES(X) \
    X(DOWN)     /* no process, nobody wants one */ \
    X(SPAWNING) /* inside the spawn call */ \
    X(STARTING) /* it runs: until MAPPED by the start deadline, then until READY by the ready deadline */ \
    X(READY)    /* watched by heartbeat and ping */ \
    X(STOPPING) /* it was told to stop, until the stop deadline */ \
    X(KILLING)  /* ABRT was sent, KILL follows at the deadline, and again until it is gone */ \
    X(BACKOFF)  /* no process; the deadline is the next start */ \
    X(FAILED)   /* no process; only a person starts it again */

enum machine_state {
#define X(name) MACHINE_##name,
    MACHINE_STATES(X)
#undef X
    MACHINE_STATE_COUNT
};

enum machine_event {
    MACHINE_START,        /* somebody wants it to run */
    MACHINE_STOP,         /* nobody wants it to run any more */
    MACHINE_RESTART,      /* a person wants it stopped in order, then started; also out of FAILED */
    MACHINE_SPAWNED,
    MACHINE_SPAWN_FAILED,
    MACHINE_MAPPED,       /* its cell is mapped */
    MACHINE_UP,           /* it said READY */
    MACHINE_LATE,         /* its heartbeat stands still */
    MACHINE_UNANSWERED,   /* a ping was not answered: the channel is ambiguous for ever */
    MACHINE_BROKEN,       /* its channel closed, overflowed or broke the protocol */
    MACHINE_DEADLINE,     /* the deadline of the state has passed */
    MACHINE_DIED_DONE,    /* exit 0 after it said DONE */
    MACHINE_DIED_CLEAN,   /* exit 0 without */
    MACHINE_DIED_LATER,   /* exit 75 */
    MACHINE_DIED_NEVER,   /* exit 78 */
    MACHINE_DIED_CRASH,   /* any other exit status */
    MACHINE_DIED_SIGNAL,
    MACHINE_EVENT_COUNT
};

/* What the caller does, in this order. */
enum machine_action {
    MACHINE_DO_GONE = 1 << 0,   /* the process is no more: release what it had, tell who reads it */
    MACHINE_DO_DEATH = 1 << 1,  /* it counted as a death: tell the storm guard */
    MACHINE_DO_FAILED = 1 << 2, /* given up: tell a person, tell who waits for it */
    MACHINE_DO_SPAWN = 1 << 3,  /* start it; then report SPAWNED or SPAWN_FAILED */
    MACHINE_DO_MAP = 1 << 4,    /* seal the cell, announce it */
    MACHINE_DO_UP = 1 << 5,     /* it is ready */
    MACHINE_DO_STOP = 1 << 6,   /* send CONTROL_STOP */
    MACHINE_DO_ABORT = 1 << 7,  /* send SIGABRT */
    MACHINE_DO_KILL = 1 << 8,   /* send SIGKILL */
};

#define MACHINE_DEATHS_MAX 1024u /* config's deaths_max is cut to this */

struct machine_limits {
    int64_t start_deadline_ns, ready_deadline_ns, stop_deadline_ns, abort_grace_ns;
    int64_t backoff_first_ns, backoff_max_ns;
    uint32_t deaths_max; /* 1 .. MACHINE_DEATHS_MAX */
    int64_t death_window_ns;
    int64_t later_limit_ns; /* 0: none */
};

struct machine {
    enum machine_state state;
    bool wanted;            /* it is to run again after this process */
    bool mapped;
    bool killed;            /* KILLING: KILL was sent */
    int64_t deadline_ns;    /* 0: none */
    int64_t ready_since_ns; /* of this process; 0: it was not ready */
    int64_t later_since_ns; /* first of a row of spawn failures and exits 75; 0: none */
    uint64_t seed;          /* hash of the name */
    uint32_t backoff_count; /* restarts in this row */
    uint32_t restarts;      /* starts after the first one */
    uint32_t starts;
    uint32_t death_next;    /* place of the next death in deaths_ns */
    uint64_t death_count;
    int64_t deaths_ns[MACHINE_DEATHS_MAX];
};

void machine_init(struct machine *machine, uint64_t seed);
/* One event. Returns a set of enum machine_action. An event that our own code cannot produce in
 * this state is an assertion; what a child says never is. now_ns >= 1 and never goes back. */
unsigned machine_step(struct machine *machine, enum machine_event event, const struct machine_limits *limits,
                      int64_t now_ns);
/* The deadline counts only time in which the child could have met it: push it by ns. */
void machine_extend(struct machine *machine, int64_t ns);
/* A process runs. */
bool machine_alive(const struct machine *machine);
/* Others wait for it: it runs or will. */
bool machine_awaited(const struct machine *machine);
const char *machine_state_name(enum machine_state state);
const char *machine_event_name(enum machine_event event);

/* Delay before restart `count` of a row (0: the first): 0, first, 2 first, ... at most max, each within
 * a quarter of that value around it, never over max. */
int64_t machine_backoff_ns(const struct machine_limits *limits, uint64_t seed, uint32_t count);

/* --- the guard over all children ---------------------------------------------------------- */

struct storm_limits {
    uint32_t deaths_max; /* 1 .. MACHINE_DEATHS_MAX - 1 */
    int64_t window_ns, hold_ns;
};

struct storm {
    int64_t held_until_ns; /* no restart before it; 0: none */
    uint32_t next;
    uint64_t count;
    int64_t deaths_ns[MACHINE_DEATHS_MAX];
};

/* A child died. True: more than deaths_max died within the window, the hold begins (not again while held). */
bool storm_death(struct storm *storm, const struct storm_limits *limits, int64_t now_ns);
bool storm_holds(const struct storm *storm, int64_t now_ns);

/* --- served time ----------------------------------------------------------------------------- */

/* Monotonic time in which the supervisor itself was served. Its loop turns at least each
 * SERVED_TICK_NS; what a turn is longer than SERVED_TURN_MAX_NS (a pause, a suspend, an upgrade of the
 * host) is not counted, so that no child is ended for a time in which nobody listened to it. */
#define SERVED_TICK_NS INT64_C(250000000)
#define SERVED_TURN_MAX_NS INT64_C(500000000)

struct served {
    int64_t mono_ns, now_ns; /* now_ns starts at 1 */
    int64_t lost_ns;         /* in all */
};
void served_init(struct served *served, int64_t mono_ns);
/* A turn begins. Returns the ns that were not counted. */
int64_t served_turn(struct served *served, int64_t mono_ns);

#endif
