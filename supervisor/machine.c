#include "supervisor/machine.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

/* Steps:
 *   IGN    nothing                              BUG    our own code cannot do this
 *   WANT   run again after this process         UNW    do not run again after this process
 *   SPW    start it                             FRS    as SPW, with a clean record
 *   BEG    it runs: STARTING                    NOS    no death: BACKOFF
 *   MAP    cell mapped: the ready deadline      RDY    READY
 *   ASK    tell it to stop                      AGN    tell it to stop, then start again
 *   ABR    ABRT: KILLING                        KIL    KILL
 *   BRK    the child broke the protocol: as ABR
 *   FIN    it has finished: DOWN                OUT    it was stopped: DOWN, or start again
 *   DTH    a death: BACKOFF or FAILED           LAT    try later: BACKOFF
 *   NEV    FAILED
 */
/* clang-format off */
#define MACHINE_TABLE(X) \
    /*           START STOP RSTRT SPWND SPFAIL MAPPD UP   LATE UNANS BROKE DEADL DONE CLEAN LATER NEVER CRASH SIGNL */ \
    X(DOWN,      SPW,  IGN, FRS,  BUG,  BUG,   BUG,  BUG, BUG, BUG,  BUG,  BUG,  BUG, BUG,  BUG,  BUG,  BUG,  BUG) \
    X(SPAWNING,  BUG,  BUG, BUG,  BEG,  NOS,   BUG,  BUG, BUG, BUG,  BUG,  BUG,  BUG, BUG,  BUG,  BUG,  BUG,  BUG) \
    X(STARTING,  IGN,  ASK, AGN,  BUG,  BUG,   MAP,  RDY, ABR, ABR,  ABR,  ABR,  FIN, DTH,  LAT,  NEV,  DTH,  DTH) \
    X(READY,     IGN,  ASK, AGN,  BUG,  BUG,   BRK,  IGN, ABR, ABR,  ABR,  BUG,  FIN, DTH,  LAT,  NEV,  DTH,  DTH) \
    X(STOPPING,  WANT, UNW, WANT, BUG,  BUG,   MAP,  IGN, IGN, IGN,  ABR,  ABR,  OUT, OUT,  OUT,  OUT,  OUT,  OUT) \
    X(KILLING,   WANT, UNW, WANT, BUG,  BUG,   IGN,  IGN, IGN, IGN,  IGN,  KIL,  DTH, DTH,  DTH,  DTH,  DTH,  DTH) \
    X(BACKOFF,   IGN,  UNW, FRS,  BUG,  BUG,   BUG,  BUG, BUG, BUG,  BUG,  SPW,  BUG, BUG,  BUG,  BUG,  BUG,  BUG) \
    X(FAILED,    FRS,  UNW, FRS,  BUG,  BUG,   BUG,  BUG, BUG, BUG,  BUG,  BUG,  BUG, BUG,  BUG,  BUG,  BUG,  BUG)
/* clang-format on */

enum step { IGN, BUG, WANT, UNW, SPW, FRS, BEG, NOS, MAP, RDY, ASK, AGN, ABR, BRK, KIL, FIN, OUT, DTH, LAT, NEV };

static const unsigned char table[][MACHINE_EVENT_COUNT] = {
#define X(state, ...) [MACHINE_##state] = {__VA_ARGS__},
    MACHINE_TABLE(X)
#undef X
};
static_assert(sizeof table / sizeof table[0] == MACHINE_STATE_COUNT, "a row for each state");

/* A row with too few cells would be filled with IGN: count them. */
#define X(state, ...) \
    static_assert(sizeof((unsigned char[]){__VA_ARGS__}) == MACHINE_EVENT_COUNT, "a cell for each event: " #state);
MACHINE_TABLE(X)
#undef X

static const char *const state_names[] = {
#define X(name) #name,
    MACHINE_STATES(X)
#undef X
};

static const char *const event_names[] = {
    "start asked", "stop asked", "restart asked", "spawned", "spawn failed", "mapped", "ready",
    "heartbeat late", "ping unanswered", "channel broken", "deadline passed", "done, and left", "left",
    "left to try later", "left for ever", "crashed", "ended by a signal",
};
static_assert(sizeof event_names / sizeof event_names[0] == MACHINE_EVENT_COUNT, "a name for each event");

const char *machine_state_name(enum machine_state state)
{
    return (unsigned)state < MACHINE_STATE_COUNT ? state_names[state] : "?";
}

const char *machine_event_name(enum machine_event event)
{
    return (unsigned)event < MACHINE_EVENT_COUNT ? event_names[event] : "?";
}

void machine_init(struct machine *machine, uint64_t seed)
{
    memset(machine, 0, sizeof *machine);
    machine->seed = seed;
}

bool machine_alive(const struct machine *machine)
{
    return machine->state == MACHINE_STARTING || machine->state == MACHINE_READY ||
           machine->state == MACHINE_STOPPING || machine->state == MACHINE_KILLING;
}

bool machine_awaited(const struct machine *machine)
{
    return machine->wanted && machine->state != MACHINE_FAILED;
}

void machine_extend(struct machine *machine, int64_t ns)
{
    assert(ns >= 0);
    if (machine->deadline_ns)
        machine->deadline_ns += ns;
}

int64_t machine_backoff_ns(const struct machine_limits *limits, uint64_t seed, uint32_t count)
{
    if (count == 0 || limits->backoff_first_ns <= 0)
        return 0;
    int64_t delay = limits->backoff_first_ns;
    for (uint32_t i = 1; i < count && delay < limits->backoff_max_ns; i++)
        delay *= 2;
    if (delay > limits->backoff_max_ns)
        delay = limits->backoff_max_ns;
    int64_t half = delay / 2;
    if (half > 0)
        delay += (int64_t)(hash_combine(seed, count) % (uint64_t)half) - half / 2;
    return delay < limits->backoff_max_ns ? delay : limits->backoff_max_ns;
}

/* --- steps ------------------------------------------------------------------------------ */

static void enter(struct machine *m, enum machine_state state, int64_t deadline_ns)
{
    assert(deadline_ns >= 0);
    m->state = state;
    m->deadline_ns = deadline_ns;
    m->killed = false;
}

static unsigned spawn(struct machine *m)
{
    m->wanted = true;
    m->mapped = false;
    m->ready_since_ns = 0;
    enter(m, MACHINE_SPAWNING, 0);
    return MACHINE_DO_SPAWN;
}

/* A person asked: what happened before is not held against it. */
static unsigned fresh(struct machine *m)
{
    m->backoff_count = 0;
    m->death_next = 0;
    m->death_count = 0;
    m->later_since_ns = 0;
    return spawn(m);
}

static unsigned begin(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    if (m->starts++ > 0)
        m->restarts++;
    enter(m, MACHINE_STARTING, now + limits->start_deadline_ns);
    return 0;
}

static unsigned abort_it(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    enter(m, MACHINE_KILLING, now + limits->abort_grace_ns);
    return MACHINE_DO_ABORT;
}

static unsigned map(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    if (m->mapped) /* twice breaks the protocol; while it stops it does not matter */
        return m->state == MACHINE_STARTING ? abort_it(m, limits, now) : 0;
    m->mapped = true;
    if (m->state == MACHINE_STARTING)
        m->deadline_ns = now + limits->ready_deadline_ns;
    return MACHINE_DO_MAP;
}

static unsigned ready(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    if (!m->mapped)
        return abort_it(m, limits, now); /* READY before MAPPED breaks the protocol */
    m->ready_since_ns = now;
    m->later_since_ns = 0;
    enter(m, MACHINE_READY, 0);
    return MACHINE_DO_UP;
}

static unsigned kill_it(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    m->killed = true;
    m->deadline_ns = now + (limits->abort_grace_ns > 0 ? limits->abort_grace_ns : SERVED_TICK_NS);
    return MACHINE_DO_KILL;
}

static unsigned ask(struct machine *m, const struct machine_limits *limits, int64_t now, bool again)
{
    m->wanted = again;
    enter(m, MACHINE_STOPPING, now + limits->stop_deadline_ns);
    return MACHINE_DO_STOP;
}

static unsigned fail(struct machine *m)
{
    enter(m, MACHINE_FAILED, 0);
    return MACHINE_DO_FAILED;
}

/* No death: tried again after a backoff that is never 0. */
static unsigned later(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    if (!m->wanted) {
        enter(m, MACHINE_DOWN, 0);
        return 0;
    }
    if (m->later_since_ns == 0)
        m->later_since_ns = now;
    if (limits->later_limit_ns > 0 && now - m->later_since_ns >= limits->later_limit_ns)
        return fail(m);
    if (m->backoff_count < UINT32_MAX)
        m->backoff_count++;
    enter(m, MACHINE_BACKOFF, now + machine_backoff_ns(limits, m->seed, m->backoff_count));
    return 0;
}

static bool too_many_deaths(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    assert(limits->deaths_max >= 1 && limits->deaths_max <= MACHINE_DEATHS_MAX);
    m->deaths_ns[m->death_next] = now;
    m->death_next = (m->death_next + 1) % MACHINE_DEATHS_MAX;
    m->death_count++;
    if (m->death_count < limits->deaths_max)
        return false;
    uint32_t first = (m->death_next + MACHINE_DEATHS_MAX - limits->deaths_max) % MACHINE_DEATHS_MAX;
    return now - m->deaths_ns[first] <= limits->death_window_ns;
}

static unsigned death(struct machine *m, const struct machine_limits *limits, int64_t now)
{
    bool too_many = too_many_deaths(m, limits, now);
    if (!m->wanted) {
        enter(m, MACHINE_DOWN, 0);
        return MACHINE_DO_DEATH;
    }
    if (too_many)
        return MACHINE_DO_DEATH | fail(m);
    if (m->ready_since_ns && now - m->ready_since_ns >= limits->backoff_first_ns)
        m->backoff_count = 0; /* it was sound: the row begins again */
    int64_t delay = machine_backoff_ns(limits, m->seed, m->backoff_count);
    if (m->backoff_count < UINT32_MAX)
        m->backoff_count++;
    enter(m, MACHINE_BACKOFF, now + delay);
    return MACHINE_DO_DEATH;
}

static unsigned out(struct machine *m)
{
    if (m->wanted)
        return fresh(m); /* a restart that a person asked for */
    enter(m, MACHINE_DOWN, 0);
    return 0;
}

static unsigned unwant(struct machine *m)
{
    m->wanted = false;
    if (m->state == MACHINE_BACKOFF)
        enter(m, MACHINE_DOWN, 0);
    return 0;
}

static unsigned finish(struct machine *m)
{
    m->wanted = false;
    enter(m, MACHINE_DOWN, 0);
    return 0;
}

unsigned machine_step(struct machine *m, enum machine_event event, const struct machine_limits *limits, int64_t now)
{
    assert((unsigned)m->state < MACHINE_STATE_COUNT && (unsigned)event < MACHINE_EVENT_COUNT && now >= 1);
    enum step step = (enum step)table[m->state][event];
    unsigned gone = event >= MACHINE_DIED_DONE ? (unsigned)MACHINE_DO_GONE : 0u;
    switch (step) {
    case IGN:
        return gone;
    case BUG:
        break;
    case WANT:
        m->wanted = true;
        return 0;
    case UNW:
        return unwant(m);
    case SPW:
        return spawn(m);
    case FRS:
        return fresh(m);
    case BEG:
        return begin(m, limits, now);
    case NOS:
        return later(m, limits, now);
    case MAP:
        return map(m, limits, now);
    case RDY:
        return ready(m, limits, now);
    case ASK:
        return ask(m, limits, now, false);
    case AGN:
        return ask(m, limits, now, true);
    case ABR:
    case BRK:
        return abort_it(m, limits, now);
    case KIL:
        return kill_it(m, limits, now);
    case FIN:
        return gone | finish(m);
    case OUT:
        return gone | out(m);
    case DTH:
        return gone | death(m, limits, now);
    case LAT:
        return gone | later(m, limits, now);
    case NEV:
        return gone | fail(m);
    }
    assert(!"an event that cannot occur in this state");
    return 0;
}

/* --- storm -------------------------------------------------------------------------------- */

bool storm_death(struct storm *storm, const struct storm_limits *limits, int64_t now)
{
    assert(limits->deaths_max >= 1 && limits->deaths_max < MACHINE_DEATHS_MAX);
    storm->deaths_ns[storm->next] = now;
    storm->next = (storm->next + 1) % MACHINE_DEATHS_MAX;
    storm->count++;
    if (storm_holds(storm, now) || storm->count <= limits->deaths_max)
        return false;
    uint32_t first = (storm->next + MACHINE_DEATHS_MAX - limits->deaths_max - 1) % MACHINE_DEATHS_MAX;
    if (now - storm->deaths_ns[first] > limits->window_ns)
        return false;
    storm->held_until_ns = now + limits->hold_ns;
    storm->count = 0; /* what led to this hold does not lead to the next */
    return true;
}

bool storm_holds(const struct storm *storm, int64_t now) { return now < storm->held_until_ns; }

/* --- served time ---------------------------------------------------------------------------- */

void served_init(struct served *served, int64_t mono_ns) { *served = (struct served){.mono_ns = mono_ns, .now_ns = 1}; }

int64_t served_turn(struct served *served, int64_t mono_ns)
{
    int64_t gap = mono_ns - served->mono_ns;
    assert(gap >= 0);
    int64_t counted = gap < SERVED_TURN_MAX_NS ? gap : SERVED_TURN_MAX_NS;
    served->mono_ns = mono_ns;
    served->now_ns += counted;
    served->lost_ns += gap - counted;
    return gap - counted;
}
