#include "workers/coordinator/driver.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "workers/child/child.h"
#include "workers/coordinator/core.h"
#include "workers/coordinator/ledger.h"
#include "workers/coordinator/link.h"
#include "workers/coordinator/peers.h"

#define CONTROL_PER_TURN 64u   /* control messages */
#define MESSAGES_PER_TURN 256u
#define ROUNDS_PER_TURN 64u
/* While somebody stands and waits for an answer: give the processor away a few times, then sleep briefly. */
#define YIELDS_BEFORE_SLEEP 4u
#define WAIT_PROPOSAL_NS INT64_C(30000)         /* at first; longer the longer it lasts (an account restarts) */
#define WAIT_PROPOSAL_MAX_NS CLOCK_NS_PER_MS
#define WAIT_SHARE 16
#define WAIT_REPORTS_NS (2 * CLOCK_NS_PER_MS)   /* reports alone: nobody waits for them */
#define WAIT_OWED_NS (5 * CLOCK_NS_PER_MS)
#define WAIT_IDLE_NS (200 * CLOCK_NS_PER_MS)    /* the heartbeat goes on */
#define COMMIT_AGAIN_NS (100 * CLOCK_NS_PER_MS) /* after one that failed */
#define ASK_AGAIN_NS (500 * CLOCK_NS_PER_MS)    /* an account is there, a message of it is not */
#define CREDIBLE_STEP_NS (4 * 86400 * CLOCK_NS_PER_S) /* of market time, on one account's word: a long weekend */
#define TIMER_SLACK_NS 1000UL

struct driver {
    struct child child;
    struct clock clock;
    struct link link;
    struct ledger ledger;
    struct coordinator core;
    struct peer peers[CONFIG_ACCOUNTS_MAX];
    struct coordinator_watermark watermarks[CONFIG_ACCOUNTS_MAX];
    bool commit_pending;      /* the last round is not durable, so not answered */
    int64_t commit_again_ns;
    bool hold_timed;          /* live, permits of an earlier life may still be out */
    int64_t hold_until_ns;
    bool changed;             /* the cell must be written */
    bool leaving;
    uint64_t rounds;
    uint32_t waits_for;       /* account; CONFIG_NONE */
    int64_t waits_since_ns;
    int64_t open_since_ns;    /* the instant that waits began to wait; 0: none does */
    unsigned yields;
    uint64_t strangers, stale, garbage, overflows, undelivered, mismatched; /* counts, logged at powers of two */
};

static bool worth_a_line(uint64_t count)
{
    return (count & (count - 1)) == 0;
}

static int64_t mono_ns(struct driver *driver)
{
    return driver->clock.mono_ns(&driver->clock);
}

static bool live(const struct driver *driver)
{
    return driver->child.config->feed.live;
}

/* --- sending ---------------------------------------------------------------------------------------------- */

static struct wire_address address_of(const struct driver *driver, uint32_t account)
{
    const struct peer *peer = &driver->peers[account];
    return (struct wire_address){.account = account, .generation = peer->generation, .socket = peer->socket};
}

static void send_answer(struct driver *driver, uint32_t account, const struct wire_answer *answer)
{
    struct peer *peer = &driver->peers[account];
    struct wire_address to = address_of(driver, account);
    struct wire_message message = {.type = WIRE_ANSWER, .generation = driver->child.generation, .u.answer = *answer};
    if (peer->socket != 0 && link_send(&driver->link, &to, &message) == 0)
        return;
    peer->owed = true; /* told to ask again, it gets the stored answer */
    if (worth_a_line(++driver->undelivered))
        log_info("account %" PRIu32 " does not take its answer now (%" PRIu64 " so far)", account, driver->undelivered);
}

/* To the socket that said HELLO last, or to one that has not yet. */
static int send_welcome(struct driver *driver, const struct wire_address *to, uint64_t nonce)
{
    struct wire_message message = {
        .type = WIRE_WELCOME, .generation = driver->child.generation,
        .u.welcome = {.through_jseq = coordinator_through(&driver->core, to->account),
                      .coordinator_generation = driver->child.generation, .nonce = nonce}};
    return link_send(&driver->link, to, &message);
}

/* --- what comes in ------------------------------------------------------------------------------------------ */

static void try_commit(struct driver *driver);

static void store_account(struct driver *driver, uint32_t account, bool anew)
{
    ledger_put_account(&driver->ledger, &driver->core, account, anew);
    driver->commit_pending = true;
    driver->changed = true;
    try_commit(driver);
}

static void compare_positions(struct driver *driver, uint32_t account, const struct wire_hello *hello)
{
    const struct coordinator_account *row = &driver->core.accounts[account];
    bool never_applied = row->applied_jseq == 0;
    if (!never_applied && hello->last_jseq < coordinator_through(&driver->core, account))
        return; /* older than what we have */
    bool take = never_applied || live(driver);
    uint32_t differ = coordinator_adopt(&driver->core, account, hello, take);
    if (differ == 0)
        return;
    bool may_follow = hello->last_jseq > coordinator_through(&driver->core, account);
    log_write(may_follow ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              "account %" PRIu32 " holds other positions in %" PRIu32 " instruments than are known here: %s%s", account,
              differ, take ? "its word is taken" : "its reports decide", may_follow ? " (reports may follow)" : "");
    if (take)
        store_account(driver, account, false);
}

/* What it has sent since it started counts too: a HELLO that is said again is older than its messages. */
static bool was_set_back(const struct driver *driver, uint32_t account, const struct wire_hello *hello)
{
    uint64_t through = coordinator_through(&driver->core, account);
    return hello->last_jseq < through && hello->sent_jseq < through;
}

static void on_hello(struct driver *driver, const struct link_message *message)
{
    uint32_t account = message->from.account;
    const struct wire_hello *hello = &message->wire.u.hello;
    struct peer *peer = &driver->peers[account];
    if (hello->account != account) {
        if (worth_a_line(++driver->strangers))
            log_warning("account %" PRIu32 " says that it is account %" PRIu32, account, hello->account);
        return;
    }
    if (hello->last_jseq == 0 && hello->sent_jseq == 0 && driver->core.accounts[account].applied_jseq > 0) {
        log_warning("account %" PRIu32 " has begun a new journal: what was known of it is forgotten", account);
        coordinator_reset_account(&driver->core, account);
        store_account(driver, account, true);
    } else if (was_set_back(driver, account, hello)) {
        log_warning("account %" PRIu32 " has a journal up to %" PRIu64 ", %" PRIu64 " is known here: it was set back; its word is taken",
                    account, hello->last_jseq, coordinator_through(&driver->core, account));
        coordinator_set_back(&driver->core, account, hello);
        store_account(driver, account, true);
    }
    compare_positions(driver, account, hello);
    peer->socket = message->from.socket;
    peer->said_hello = true;
    peer->owed = send_welcome(driver, &message->from, hello->nonce) != 0;
}

static void answer_repeat(struct driver *driver, uint32_t account, const struct wire_proposal *proposal)
{
    struct wire_answer answer = {.jseq = proposal->jseq, .instant_ns = proposal->instant_ns, .refusal = REFUSAL_NO_PERMIT};
    enum ledger_found found = ledger_answer(&driver->ledger, account, proposal, &answer);
    if (found != LEDGER_FOUND && worth_a_line(++driver->mismatched))
        log_error("account %" PRIu32 " repeats proposal %" PRIu64 ", %s: refused", account, proposal->jseq,
                  found == LEDGER_OTHER ? "but it was another one that was decided" : "whose answer is not kept");
    send_answer(driver, account, &answer);
}

static void on_request(struct driver *driver, const struct link_message *message)
{
    uint32_t account = message->from.account;
    struct peer *peer = &driver->peers[account];
    struct coordinator_queued queued = {.type = message->wire.type, .previous = message->wire.previous};
    if (message->from.socket != peer->socket) { /* it has not said HELLO to us */
        (void)send_welcome(driver, &message->from, 0);
        return;
    }
    queued.arrived_ns = live(driver) ? mono_ns(driver) : 0;
    if (queued.type == WIRE_PROPOSE)
        queued.u.proposal = message->wire.u.proposal;
    else
        queued.u.report = message->wire.u.report;
    switch (coordinator_accept(&driver->core, account, &queued)) {
    case COORDINATOR_QUEUED:
    case COORDINATOR_KNOWN:
        break;
    case COORDINATOR_REPEAT:
        if (queued.type == WIRE_PROPOSE)
            answer_repeat(driver, account, &queued.u.proposal);
        break;
    case COORDINATOR_FULL: /* told to send again when there is room (pay_owed) */
        peer->owed = true;
        if (worth_a_line(++driver->overflows))
            log_warning("account %" PRIu32 " has %u messages waiting: no more now", account, COORDINATOR_QUEUE_MAX);
        break;
    case COORDINATOR_GAP:
        peer->owed = send_welcome(driver, &message->from, 0) != 0;
        break;
    }
}

static void on_message(struct driver *driver, const struct link_message *message)
{
    switch (peers_judge(driver->peers, message)) {
    case PEERS_EARLY:
        return;
    case PEERS_STALE:
        if (worth_a_line(++driver->stale))
            log_info("account %" PRIu32 ": a message of generation %" PRIu64 " socket %" PRIu32 ", which is over",
                     message->from.account, message->from.generation, message->from.socket);
        return;
    case PEERS_STRANGER:
        if (worth_a_line(++driver->strangers))
            log_warning("pid %d speaks as account %" PRIu32 " generation %" PRIu64 ", which is pid %d: refused", message->pid,
                        message->from.account, message->from.generation, driver->peers[message->from.account].pid);
        return;
    case PEERS_SPEAKS:
        break;
    }
    switch (message->wire.type) {
    case WIRE_HELLO:
        on_hello(driver, message);
        break;
    case WIRE_PROPOSE:
    case WIRE_REPORT:
        on_request(driver, message);
        break;
    default: /* what a coordinator says is not said to one */
        driver->garbage++;
        break;
    }
}

/* True when there may be more. */
static bool receive_messages(struct driver *driver)
{
    for (unsigned i = 0; i < MESSAGES_PER_TURN; i++) {
        struct link_message message;
        struct error err = {0};
        if (driver->commit_pending)
            return false;
        int rc = link_receive(&driver->link, &message, &err);
        if (rc == 0)
            return false;
        if (rc == 1)
            on_message(driver, &message);
        else if (worth_a_line(++driver->garbage))
            log_warning("refused: %s (%" PRIu64 " so far)", err.text, driver->garbage);
    }
    return true;
}

/* --- control channel ------------------------------------------------------------------------------------------ */

static void take_config(struct driver *driver, struct control_message *message)
{
    struct error err = {0};
    const struct fleet_config *before = driver->child.config;
    const struct fleet_config *next = message->fd_count > 0 ? config_map(message->fds[0], &err) : NULL;
    if (!next) {
        log_error("a new configuration can not be read: %s", err.text);
        return;
    }
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        const char *name = a < before->account_count ? before->accounts[a].name : "";
        const char *name_next = a < next->account_count ? next->accounts[a].name : "";
        if (name[0] != '\0' && strcmp(name, name_next) != 0)
            peers_forget(&driver->peers[a]);
    }
    coordinator_configure(&driver->core, next);
    driver->child.config = next;
    config_unmap(before);
    if (ledger_configure(&driver->ledger, &driver->core, &err) != 0) {
        log_error("a new configuration is not stored yet: %s", err.text);
        driver->commit_pending = true;
        driver->commit_again_ns = mono_ns(driver) + COMMIT_AGAIN_NS;
    }
    driver->changed = true;
}

static void on_control(struct driver *driver, struct control_message *message)
{
    struct link_message held;
    switch (message->type) {
    case CONTROL_PEER:
        if (peers_tell(driver->peers, message, &held))
            on_message(driver, &held);
        break;
    case CONTROL_CONFIG:
        take_config(driver, message);
        break;
    case CONTROL_STOP:
        driver->leaving = true;
        break;
    default:
        break;
    }
    control_close_fds(message);
}

static void receive_control(struct driver *driver)
{
    struct control_message message;
    for (unsigned i = 0; i < CONTROL_PER_TURN && child_handle(&driver->child, &message) == 1; i++)
        on_control(driver, &message);
}

/* --- rounds ----------------------------------------------------------------------------------------------------- */

static void send_answers(struct driver *driver)
{
    if (driver->core.decision_count == 0)
        return;
    for (uint32_t i = 0; i < driver->core.decision_count; i++)
        send_answer(driver, driver->core.decisions[i].account, &driver->core.decisions[i].answer);
    CRASHPOINT("coordinator.after_send");
    driver->core.decision_count = 0;
}

/* What is in the batch, and the answers that waited for it. */
static void try_commit(struct driver *driver)
{
    struct error err = {0};
    CRASHPOINT("coordinator.before_commit");
    int rc = ledger_commit(&driver->ledger, &err);
    CRASHPOINT("coordinator.after_commit");
    if (rc == 0) {
        if (driver->commit_again_ns != 0)
            log_info("decisions are stored again");
        driver->commit_pending = false;
        driver->commit_again_ns = 0;
        send_answers(driver);
        return;
    }
    if (driver->commit_again_ns == 0) {
        log_error("decisions can not be stored, so nothing is granted: %s", err.text);
        child_say_text(&driver->child, CONTROL_ALERT, 0, 2, "coordinator: decisions can not be stored, no permits are granted");
    }
    driver->commit_again_ns = mono_ns(driver) + COMMIT_AGAIN_NS;
}

static void apply_round(struct driver *driver, int64_t instant_ns)
{
    coordinator_apply(&driver->core, instant_ns, driver->watermarks);
    ledger_put(&driver->ledger, &driver->core);
    driver->commit_pending = true;
    driver->rounds++;
    driver->changed = true;
    try_commit(driver);
}

/* Live, after a restart: not before everybody has said what it holds, nor before the last permit of the life
 * before is over. */
static bool must_hold(struct driver *driver, int64_t now_ns)
{
    if (!live(driver))
        return false;
    driver->hold_timed = driver->hold_timed && now_ns < driver->hold_until_ns;
    bool hold = driver->hold_timed;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        hold |= driver->watermarks[a].wanted && !driver->peers[a].said_hello;
    return hold;
}

/* The instant of the first message that an account has waiting; 0: none. */
static int64_t head_instant(const struct driver *driver, uint32_t account)
{
    const struct coordinator_queue *queue = &driver->core.queues[account];
    const struct coordinator_queued *first = &queue->items[0];
    if (queue->count == 0)
        return 0;
    return first->type == WIRE_PROPOSE ? first->u.proposal.instant_ns : first->u.report.instant_ns;
}

/* Live: when the first message of the round came. */
static int64_t round_opened(const struct driver *driver, int64_t instant_ns)
{
    int64_t opened = INT64_MAX;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        int64_t head_ns = head_instant(driver, a);
        if (head_ns != 0 && head_ns <= instant_ns && driver->core.queues[a].items[0].arrived_ns < opened)
            opened = driver->core.queues[a].items[0].arrived_ns;
    }
    return opened;
}

/* Live: whether the clock may close an instant. One that lies far ahead of the last must have been seen by a second
 * account (if one lives): what a single one believes of the time must not expire the others' permits. */
static bool instant_is_credible(const struct driver *driver, int64_t instant_ns)
{
    uint32_t living = 0, seen = 0;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        if (!driver->watermarks[a].wanted || !driver->peers[a].alive)
            continue;
        living++;
        seen += driver->watermarks[a].done_instant_ns >= instant_ns || head_instant(driver, a) >= instant_ns;
    }
    int64_t last_ns = driver->core.applied_instant_ns;
    return seen >= 2 || living <= 1 || (last_ns != 0 && instant_ns - last_ns <= CREDIBLE_STEP_NS);
}

/* Live: who is waited for. The dead are not, nor is one that let a round run out, until it has caught up. */
static void live_watermarks(struct driver *driver, struct coordinator_watermark *waited)
{
    memcpy(waited, driver->watermarks, sizeof driver->watermarks);
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        struct peer *peer = &driver->peers[a];
        if (peer->late && driver->watermarks[a].done_instant_ns >= driver->core.applied_instant_ns)
            peer->late = false;
        waited[a].wanted = waited[a].wanted && peer->alive && !peer->late;
    }
}

static bool live_ready(struct driver *driver, int64_t instant_ns, int64_t now_ns)
{
    struct coordinator_watermark waited[CONFIG_ACCOUNTS_MAX];
    live_watermarks(driver, waited);
    if (coordinator_ready(&driver->core, instant_ns, waited, &driver->waits_for))
        return true;
    if (now_ns - round_opened(driver, instant_ns) < driver->child.config->coordination.round_timeout_ns ||
        !instant_is_credible(driver, instant_ns))
        return false;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        driver->peers[a].late |= waited[a].wanted && waited[a].done_instant_ns < instant_ns;
    return true;
}

static bool ready(struct driver *driver, int64_t instant_ns)
{
    peers_watermarks(driver->peers, driver->child.config, driver->watermarks);
    if (!live(driver))
        return coordinator_ready(&driver->core, instant_ns, driver->watermarks, &driver->waits_for);
    int64_t now_ns = mono_ns(driver);
    driver->core.hold_grants = must_hold(driver, now_ns);
    return live_ready(driver, instant_ns, now_ns);
}

static void keep_waiting(struct driver *driver, uint32_t waited_for)
{
    int64_t now_ns = mono_ns(driver);
    if (driver->open_since_ns == 0) {
        driver->open_since_ns = now_ns;
        driver->yields = 0;
    }
    if (driver->waits_for != waited_for)
        driver->waits_since_ns = now_ns;
}

/* Apply what can be applied. Returns the instant that waits, 0 when none does. */
static int64_t run_rounds(struct driver *driver)
{
    int64_t instant_ns = 0;
    for (unsigned i = 0; i < ROUNDS_PER_TURN; i++) {
        instant_ns = driver->commit_pending ? 0 : coordinator_next_instant(&driver->core);
        uint32_t waited_for = driver->waits_for;
        driver->waits_for = CONFIG_NONE;
        if (instant_ns == 0)
            break;
        if (!ready(driver, instant_ns)) {
            keep_waiting(driver, waited_for);
            return instant_ns;
        }
        apply_round(driver, instant_ns);
        driver->open_since_ns = 0;
    }
    driver->open_since_ns = 0;
    return instant_ns;
}

/* Accounts that must be told to send again. Only what is repeated depends on the clock here. */
static bool pay_owed(struct driver *driver)
{
    bool owed = false;
    if (driver->waits_for != CONFIG_NONE && driver->peers[driver->waits_for].socket != 0 &&
        driver->watermarks[driver->waits_for].done_instant_ns >= coordinator_next_instant(&driver->core) &&
        mono_ns(driver) - driver->waits_since_ns > ASK_AGAIN_NS) {
        driver->peers[driver->waits_for].owed = true;
        driver->waits_since_ns = mono_ns(driver);
    }
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        struct peer *peer = &driver->peers[a];
        bool can_pay = peer->owed && peer->alive && peer->socket != 0;
        struct wire_address to = address_of(driver, a);
        if (can_pay && driver->core.queues[a].count < COORDINATOR_QUEUE_MAX / 2)
            peer->owed = send_welcome(driver, &to, 0) != 0;
        owed |= can_pay && peer->owed;
    }
    return owed;
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

static void publish(struct driver *driver)
{
    struct cell_payload *status = &driver->child.status;
    if (!driver->changed)
        return;
    driver->changed = false;
    status->market_time_ns = driver->core.applied_instant_ns;
    status->rounds = driver->rounds;
    status->grants = status->refusals = status->reservations = 0;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        const struct coordinator_account *account = &driver->core.accounts[a];
        status->grants += account->grants;
        status->refusals += account->refusals;
        for (uint32_t i = 0; i < COORDINATOR_RESERVATIONS_MAX; i++)
            status->reservations += account->reservations[i].proposal != 0;
    }
    status->joint_risk = coordinator_joint_risk(&driver->core);
    child_publish(&driver->child);
}

static int64_t how_long(struct driver *driver, int64_t open_instant_ns, bool owed)
{
    if (driver->commit_pending)
        return COMMIT_AGAIN_NS;
    if (open_instant_ns == 0)
        return owed ? WAIT_OWED_NS : WAIT_IDLE_NS;
    if (driver->open_since_ns == 0)
        return 0; /* there are more rounds to apply */
    if (!coordinator_proposal_waits(&driver->core, open_instant_ns))
        return WAIT_REPORTS_NS;
    if (driver->yields < YIELDS_BEFORE_SLEEP) {
        driver->yields++;
        sched_yield();
        return 0;
    }
    int64_t longer_ns = WAIT_PROPOSAL_NS + (mono_ns(driver) - driver->open_since_ns) / WAIT_SHARE;
    return longer_ns < WAIT_PROPOSAL_MAX_NS ? longer_ns : WAIT_PROPOSAL_MAX_NS;
}

static void wait_for_work(struct driver *driver, int64_t wait_ns)
{
    struct pollfd fds[2] = {{.fd = CONTROL_FD, .events = POLLIN}, {.fd = driver->link.fd, .events = POLLIN}};
    if (driver->commit_pending)
        fds[1].fd = -1; /* nothing is taken in from there */
    else if (link_pending(&driver->link))
        return;
    if (wait_ns == 0)
        return;
    const struct timespec timeout = {.tv_sec = wait_ns / CLOCK_NS_PER_S, .tv_nsec = wait_ns % CLOCK_NS_PER_S};
    (void)ppoll(fds, 2, &timeout, NULL);
}

static void turn(struct driver *driver)
{
    child_turn(&driver->child);
    if (driver->commit_pending && mono_ns(driver) >= driver->commit_again_ns)
        try_commit(driver);
    receive_control(driver);
    bool more = receive_messages(driver);
    int64_t open_instant_ns = run_rounds(driver);
    bool owed = pay_owed(driver);
    publish(driver);
    if (!more && !driver->leaving)
        wait_for_work(driver, how_long(driver, open_instant_ns, owed));
}

static void begin(struct driver *driver, int argc, char **argv)
{
    struct error err = {0};
    child_init(&driver->child, PROCESS_COORDINATOR, argc, argv);
    clock_init_real(&driver->clock);
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS); /* short sleeps would else last 50 us longer */
    coordinator_init(&driver->core, driver->child.config);
    int rc = ledger_open(&driver->ledger, &driver->core, &err);
    if (rc != 0)
        child_fatal(&driver->child, rc == -EPROTO || rc == -EINVAL ? CHILD_EXIT_NEVER : CHILD_EXIT_TRY_LATER, "%s", err.text);
    rc = link_open(&driver->link, driver->child.config->runtime_dir, &err);
    if (rc != 0)
        child_fatal(&driver->child, rc == -ENAMETOOLONG || rc == -EPERM ? CHILD_EXIT_NEVER : CHILD_EXIT_TRY_LATER, "%s",
                    err.text);
    driver->hold_timed = driver->core.decision_seq > 0;
    driver->hold_until_ns = mono_ns(driver) + driver->child.config->coordination.permit_validity_ns;
    driver->waits_for = CONFIG_NONE;
    driver->changed = true;
    publish(driver);
    log_info("bound; %" PRIu64 " decisions so far, instant %" PRId64, driver->core.decision_seq, driver->core.applied_instant_ns);
    child_say(&driver->child, CONTROL_READY, 0, 0);
}

int coordinator_run(int argc, char **argv)
{
    static struct driver driver;
    begin(&driver, argc, argv);
    while (!driver.leaving)
        turn(&driver);
    publish(&driver);
    ledger_close(&driver.ledger);
    return CHILD_EXIT_OK; /* libzmq's threads end with the process: LINGER is 0, nothing is waited for */
}
