#include "tests/integration/coordinator_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/vocabulary.h"
#include "shm/segment.h"
#include "workers/broker/broker.h"

#define PROGRAM "libexec/propfleet/propfleet-coordinator"
#define RETRY_MS 5 /* a client that is not ready is looked after so often */

void rig_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "coordinator_rig: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (getenv("RIG_HANG"))
        pause();
    abort(); /* the coordinator dies with us */
}

int64_t rig_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- configuration ---------------------------------------------------------------------------------------- */

static void fill_market(struct fleet_config *config)
{
    snprintf(config->zones[0].name, sizeof config->zones[0].name, "UTC");
    config->zone_count = 1;
    config->instrument_count = 2;
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        struct config_instrument *instrument = &config->instruments[i];
        snprintf(instrument->symbol, sizeof instrument->symbol, "SYM%u", (unsigned)i);
        snprintf(instrument->profit_currency, sizeof instrument->profit_currency, "USD");
        instrument->tick = instrument->contract_size = instrument->lot_min = instrument->lot_step = DEC_ONE;
        instrument->lot_max = 100 * DEC_ONE;
        instrument->margin_rate = instrument->level_size_lots = instrument->catastrophic_move = DEC_ONE;
        instrument->active = true;
        instrument->timeframes = 1;
        instrument->conversion_instrument = CONFIG_NONE;
        instrument->sim_start_price = DEC_ONE;
    }
    config->feed.source = SOURCE_SIMULATOR;
    snprintf(config->feed.source_name, sizeof config->feed.source_name, "simulator");
    config->feed.ring_slots = 1024;
    config->feed.history_bars = 4;
    config->store.map_bytes = 1 << 20;
    const int64_t long_ns = RIG_WAIT_NS; /* nothing here reads these, but they must be in range */
    config->supervisor = (struct config_supervisor){
        .start_deadline_ns = long_ns, .ready_deadline_ns = long_ns, .stop_deadline_ns = long_ns, .abort_grace_ns = long_ns,
        .heartbeat_timeout_ns = long_ns, .sync_timeout_ns = long_ns, .ping_interval_ns = long_ns, .ping_timeout_ns = long_ns,
        .backoff_first_ns = long_ns, .backoff_max_ns = long_ns, .deaths_max = 5, .death_window_ns = long_ns,
        .storm_deaths_max = 30, .storm_window_ns = long_ns, .storm_hold_ns = long_ns, .log_bytes_per_turn = 16384,
        .log_queue_bytes = 65536, .alerts_per_minute = 60, .alert_repeat_ns = long_ns};
}

static void fill_accounts(struct fleet_config *config, uint32_t count)
{
    config->account_count = count;
    config->programme_count = count;
    config->personality_count = 1;
    config->personalities[0] = (struct config_personality){.name = "calm", .lookback = 20, .atr_period = 14, .stop_atr = 1,
                                                           .target_r = 2, .time_stop_ns = 1, .risk_fraction = DEC_ONE / 100, .risk_cap = DEC_ONE / 100, .margin_per_position = DEC_ONE, .margin_total = DEC_ONE,
                                                           .open_risk_max = DEC_ONE / 10, .day_risk_share = DEC_ONE,
                                                           .positions_max = 1, .instruments = 1};
    for (uint32_t a = 0; a < count; a++) {
        struct config_programme *programme = &config->programmes[a];
        snprintf(programme->firm, sizeof programme->firm, "firm%u", a < 2 ? 0u : (unsigned)a);
        snprintf(programme->name, sizeof programme->name, "programme%u", (unsigned)a);
        snprintf(programme->phase, sizeof programme->phase, "evaluation");
        programme->opposite_refused = true;
        programme->rules.day_count = 1;
        struct config_account *account = &config->accounts[a];
        snprintf(account->name, sizeof account->name, "acc%u", (unsigned)a);
        snprintf(account->currency, sizeof account->currency, "USD");
        account->programme = a;
        account->initial_balance = 10000 * DEC_ONE;
        account->paper.stale_ns = 1;
        account->digest = a + 1;
    }
}

void rig_init(struct rig *rig, uint32_t account_count, bool live)
{
    memset(rig, 0, sizeof *rig);
    snprintf(rig->folder, sizeof rig->folder, "%s/pfcoord.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(rig->folder))
        rig_die("mkdtemp %s: %s", rig->folder, strerror(errno));
    snprintf(rig->runtime_dir, sizeof rig->runtime_dir, "%s/run", rig->folder);
    struct fleet_config *config = &rig->config;
    snprintf(config->owner, sizeof config->owner, "nobody");
    snprintf(config->config_dir, sizeof config->config_dir, "%s", rig->folder);
    snprintf(config->state_dir, sizeof config->state_dir, "%s/state", rig->folder);
    snprintf(config->runtime_dir, sizeof config->runtime_dir, "%s", rig->runtime_dir);
    if (mkdir(config->state_dir, 0700) != 0)
        rig_die("mkdir %s: %s", config->state_dir, strerror(errno));
    config->log_level = getenv("RIG_VERBOSE") ? 3 : 0;
    config->feed.live = live;
    config->coordination = (struct config_coordination){
        .joint_risk_fraction = DEC_ONE / 10, .permit_validity_ns = 10 * RIG_STEP_NS,
        .round_timeout_ns = 50000000, .request_timeout_ns = 500000000};
    fill_market(config);
    fill_accounts(config, account_count);
    rig->account_count = account_count;
    rig->config_fd = rig->control_fd = rig->cell_fd = rig->pidfd = -1;
    for (uint32_t a = 0; a < account_count; a++) {
        rig->accounts[a] = (struct rig_account){.index = a, .cell_fd = -1, .wanted = true, .pid = getpid()};
        rig->accounts[a].log = calloc(RIG_LOG_MAX, sizeof rig->accounts[a].log[0]);
        if (!rig->accounts[a].log)
            rig_die("no memory");
    }
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void rig_fini(struct rig *rig)
{
    if (rig->pid)
        rig_kill(rig);
    for (uint32_t a = 0; a < rig->account_count; a++) {
        struct rig_account *account = &rig->accounts[a];
        client_close(&account->client);
        if (account->cell_memory)
            segment_unmap(account->cell_memory, CELL_SIZE_BYTES);
        if (account->cell_fd >= 0)
            close(account->cell_fd);
        free(account->log);
    }
    if (rig->config_fd >= 0)
        close(rig->config_fd);
    nftw(rig->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the coordinator ------------------------------------------------------------------------------------------ */

static void program_path(char *out, size_t size)
{
    char self[256];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        rig_die("readlink: %s", strerror(errno));
    self[length] = '\0';
    for (int i = 0; i < 2; i++) { /* BUILD/tests/NAME -> BUILD */
        char *slash = strrchr(self, '/');
        if (!slash)
            rig_die("%s: no folder", self);
        *slash = '\0';
    }
    snprintf(out, size, "%s/" PROGRAM, self);
}

static int make_cell(const char *name, void **memory)
{
    struct error err = {0};
    size_t size;
    int fd = segment_create(name, CELL_SIZE_BYTES, &err);
    if (fd < 0 || segment_map_owner(fd, CELL_SIZE_BYTES, memory, &size, &err) != 0)
        rig_die("%s", err.text);
    return fd;
}

/* Only what is allowed between fork and exec of a process with threads. */
static void become(const char *path, const char *generation, const int fds[3])
{
    int high[3];
    for (int i = 0; i < 3; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 64);
    for (int i = 0; i < 3; i++)
        if (dup2(high[i], CONTROL_FD + i) < 0)
            _exit(90);
    if (syscall(SYS_close_range, CELL_FD + 1, ~0U, 0) != 0)
        _exit(91);
    execl(path, "propfleet-coordinator", "--generation", generation, (char *)NULL);
    _exit(92);
}

static void spawn(struct rig *rig, const char *crash)
{
    struct error err = {0};
    char path[320], generation[24];
    int pair[2];
    program_path(path, sizeof path);
    snprintf(generation, sizeof generation, "%" PRIu64, rig->generation);
    config_stamp(&rig->config);
    if (rig->config_fd >= 0)
        close(rig->config_fd);
    rig->config_fd = config_seal(&rig->config, &err);
    rig->cell_fd = segment_create("coordinator-cell", CELL_SIZE_BYTES, &err);
    if (rig->config_fd < 0 || rig->cell_fd < 0)
        rig_die("%s", err.text);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        rig_die("socketpair: %s", strerror(errno));
    if (crash)
        setenv("PROPFLEET_CRASH", crash, 1);
    else
        unsetenv("PROPFLEET_CRASH");
    rig->pid = fork();
    if (rig->pid < 0)
        rig_die("fork: %s", strerror(errno));
    if (rig->pid == 0)
        become(path, generation, (const int[3]){pair[1], rig->config_fd, rig->cell_fd});
    close(pair[1]);
    rig->control_fd = pair[0];
    rig->pidfd = (int)syscall(SYS_pidfd_open, rig->pid, 0);
    if (rig->pidfd < 0)
        rig_die("pidfd_open: %s", strerror(errno));
}

/* One message of the coordinator, or its death. */
static void expect_control(struct rig *rig, uint32_t type)
{
    int64_t deadline = rig_now_ns() + RIG_WAIT_NS;
    while (rig_now_ns() < deadline) {
        struct control_message message;
        struct pollfd poller = {.fd = rig->control_fd, .events = POLLIN};
        (void)poll(&poller, 1, 100);
        int rc = control_receive(rig->control_fd, &message);
        if (rc == -EAGAIN)
            continue;
        if (rc != 1)
            rig_die("the coordinator is gone (%d) where message %u was expected", rc, type);
        if (message.type == type)
            return;
        if (message.type == CONTROL_FATAL)
            rig_die("FATAL: %.*s", (int)message.payload_size, (const char *)message.payload);
    }
    rig_die("no control message %u", type);
}

void rig_start(struct rig *rig, const char *crash)
{
    struct error err = {0};
    size_t size;
    rig->generation++;
    spawn(rig, crash);
    expect_control(rig, CONTROL_MAPPED);
    if (segment_seal(rig->cell_fd, &err) != 0 ||
        segment_map_reader(rig->cell_fd, CELL_SIZE_BYTES, &rig->cell_memory, &size, &err) != 0 ||
        cell_attach(rig->cell_memory, size, &rig->cell) != SHM_OK)
        rig_die("the coordinator's cell: %s", err.text);
    for (uint32_t a = 0; a < rig->account_count; a++)
        if (rig->accounts[a].generation != 0)
            rig_tell(rig, a);
    expect_control(rig, CONTROL_READY);
}

bool rig_dead(struct rig *rig)
{
    struct pollfd poller = {.fd = rig->pidfd, .events = POLLIN};
    return poll(&poller, 1, 0) == 1;
}

static int reap(struct rig *rig)
{
    int status = 0;
    struct pollfd poller = {.fd = rig->pidfd, .events = POLLIN};
    if (poll(&poller, 1, (int)(RIG_WAIT_NS / 1000000)) != 1)
        rig_die("the coordinator does not end");
    if (waitpid(rig->pid, &status, 0) != rig->pid)
        rig_die("waitpid: %s", strerror(errno));
    close(rig->control_fd);
    close(rig->pidfd);
    close(rig->cell_fd);
    if (rig->cell_memory)
        segment_unmap(rig->cell_memory, CELL_SIZE_BYTES);
    rig->cell_memory = NULL;
    rig->pid = 0;
    rig->control_fd = rig->pidfd = rig->cell_fd = -1;
    return status;
}

void rig_reap(struct rig *rig)
{
    int status = reap(rig);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        rig_die("the coordinator ended with status %#x", (unsigned)status);
}

void rig_kill(struct rig *rig)
{
    kill(rig->pid, SIGKILL); /* not reaped yet: the pid is still its own */
    rig_reap(rig);
}

void rig_stop(struct rig *rig)
{
    if (control_send_plain(rig->control_fd, CONTROL_STOP, rig->generation, 0, 0) != 0)
        rig_die("STOP could not be sent");
    int status = reap(rig);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        rig_die("the coordinator ended with status %#x", (unsigned)status);
}

void rig_ping(struct rig *rig)
{
    static uint64_t number;
    for (int i = 0; i < 2; i++) { /* the second is answered in a later turn: the cell is written in between */
        if (control_send_plain(rig->control_fd, CONTROL_PING, rig->generation, ++number, 0) != 0)
            rig_die("PING could not be sent");
        expect_control(rig, CONTROL_PONG);
    }
}

struct cell_payload rig_status(struct rig *rig)
{
    struct cell_payload payload;
    int64_t deadline = rig_now_ns() + RIG_WAIT_NS;
    while (cell_read(rig->cell, &payload) != SHM_OK)
        if (rig_now_ns() > deadline)
            rig_die("the coordinator's cell can not be read");
    return payload;
}

/* --- accounts ----------------------------------------------------------------------------------------------------- */

void rig_tell(struct rig *rig, uint32_t index)
{
    const struct rig_account *account = &rig->accounts[index];
    struct control_message message = {.type = CONTROL_PEER, .generation = rig->generation};
    const struct control_peer peer = {.kind = PROCESS_ACCOUNT, .account = index, .generation = account->generation,
                                      .pid = account->pid, .wanted = account->wanted, .alive = account->alive};
    message.payload_size = sizeof peer;
    memcpy(message.payload, &peer, sizeof peer);
    if (account->alive)
        message.fds[message.fd_count++] = account->cell_fd;
    if (rig->pid == 0)
        return;
    int rc = control_send(rig->control_fd, &message);
    if (rc != 0 && !(rc == -EPIPE && rig_dead(rig)))
        rig_die("PEER could not be sent: %s", strerror(-rc));
}

void rig_account_begin_cell(struct rig *rig, uint32_t index)
{
    struct rig_account *account = &rig->accounts[index];
    struct error err = {0};
    void *memory;
    if (account->cell_fd >= 0)
        close(account->cell_fd);
    if (account->cell_memory)
        segment_unmap(account->cell_memory, CELL_SIZE_BYTES);
    account->generation++;
    account->alive = account->wanted = true;
    account->cell_fd = make_cell("account-cell", &memory);
    account->cell_memory = memory;
    account->cell = cell_init(memory, account->generation);
    if (segment_seal(account->cell_fd, &err) != 0)
        rig_die("%s", err.text);
}

void rig_account_hello(struct rig *rig, uint32_t index)
{
    struct rig_account *account = &rig->accounts[index];
    struct wire_hello hello = {.account = index, .last_jseq = account->last_jseq};
    struct error err = {0};
    for (uint32_t i = 0; i < CONFIG_INSTRUMENTS_MAX; i++)
        if (account->positions[i].side != 0)
            hello.positions[hello.position_count++] = account->positions[i];
    if (client_reset(account->client, &hello, &err) != 0)
        rig_die("%s", err.text);
}

void rig_account_begin(struct rig *rig, uint32_t index, pid_t pid)
{
    struct rig_account *account = &rig->accounts[index];
    struct error err = {0};
    client_close(&account->client);
    rig_account_begin_cell(rig, index);
    account->pid = pid ? pid : getpid();
    if (client_open(rig->runtime_dir, index, account->generation, &account->client, &err) != 0)
        rig_die("%s", err.text);
    rig_account_hello(rig, index);
    rig_tell(rig, index);
}

void rig_account_end(struct rig *rig, uint32_t index, bool wanted)
{
    struct rig_account *account = &rig->accounts[index];
    client_close(&account->client);
    account->alive = false;
    account->wanted = wanted;
    rig_tell(rig, index);
}

struct rig_entry *rig_entry(struct rig *rig, uint32_t index, uint64_t jseq)
{
    struct rig_account *account = &rig->accounts[index];
    for (uint32_t i = account->count; i-- > 0;) {
        const struct wire_message *message = &account->log[i].message;
        if ((message->type == WIRE_PROPOSE ? message->u.proposal.jseq : message->u.report.jseq) == jseq)
            return &account->log[i];
    }
    return NULL;
}

static void transmit(struct rig *rig, struct rig_account *account, const struct wire_message *message)
{
    if (account->client && client_ready(account->client) && client_send(account->client, message) != 0)
        rig_account_hello(rig, account->index); /* WELCOME says what is missing */
}

static uint64_t journal(struct rig *rig, uint32_t index, struct wire_message *message)
{
    struct rig_account *account = &rig->accounts[index];
    if (account->count == RIG_LOG_MAX)
        rig_die("journal of account %u is full", (unsigned)index);
    account->last_jseq += 3; /* other records lie between */
    if (message->type == WIRE_PROPOSE)
        message->u.proposal.jseq = account->last_jseq;
    else
        message->u.report.jseq = account->last_jseq;
    account->log[account->count++] = (struct rig_entry){.message = *message};
    transmit(rig, account, message);
    return account->last_jseq;
}

void rig_done(struct rig *rig, uint32_t index, int64_t instant_ns)
{
    struct rig_account *account = &rig->accounts[index];
    const struct wire_message *last = account->count ? &account->log[account->count - 1].message : NULL;
    uint64_t sent = !last ? 0 : last->type == WIRE_PROPOSE ? last->u.proposal.jseq : last->u.report.jseq;
    if (account->alive)
        cell_set_watermark(account->cell, instant_ns, sent);
}

uint64_t rig_propose(struct rig *rig, uint32_t index, int64_t instant_ns, const struct wire_proposal *proposal)
{
    struct wire_message message = {.type = WIRE_PROPOSE, .u.proposal = *proposal};
    message.u.proposal.instant_ns = instant_ns;
    uint64_t jseq = journal(rig, index, &message);
    rig_done(rig, index, instant_ns);
    return jseq;
}

uint64_t rig_report(struct rig *rig, uint32_t index, int64_t instant_ns, const struct wire_report *report)
{
    struct wire_message message = {.type = WIRE_REPORT, .u.report = *report};
    message.u.report.instant_ns = instant_ns;
    rig->accounts[index].positions[report->position.instrument] = report->position;
    return journal(rig, index, &message);
}

struct wire_proposal rig_buy(uint32_t instrument, dec_t risk)
{
    return (struct wire_proposal){.instrument = instrument, .side = SIDE_BUY, .qty = DEC_ONE, .risk = risk,
                                  .entry_price = 2 * DEC_ONE, .stop_price = DEC_ONE, .confidence = 0.5};
}

/* --- receiving -------------------------------------------------------------------------------------------------------- */

static void on_welcome(struct rig *rig, struct rig_account *account, const struct wire_welcome *welcome)
{
    account->welcomes++;
    for (uint32_t i = 0; i < account->count; i++) {
        const struct wire_message *message = &account->log[i].message;
        uint64_t jseq = message->type == WIRE_PROPOSE ? message->u.proposal.jseq : message->u.report.jseq;
        if (jseq > welcome->through_jseq || (message->type == WIRE_PROPOSE && !account->log[i].answered))
            transmit(rig, account, message);
    }
}

static void on_answer(struct rig *rig, struct rig_account *account, const struct wire_answer *answer)
{
    struct rig_entry *entry = rig_entry(rig, account->index, answer->jseq);
    if (!entry || entry->message.type != WIRE_PROPOSE)
        rig_die("an answer to nothing: account %u, %" PRIu64, (unsigned)account->index, answer->jseq);
    if (entry->answered && memcmp(&entry->answer, answer, sizeof *answer) != 0)
        rig_die("another answer than before: account %u, %" PRIu64 ": decision %" PRIu64 " %s, now %" PRIu64 " %s",
                (unsigned)account->index, answer->jseq, entry->answer.decision, refusal_name(entry->answer.refusal),
                answer->decision, refusal_name(answer->refusal));
    entry->answered = true;
    entry->answers++;
    entry->answer = *answer;
}

static bool drain(struct rig *rig)
{
    bool any = false;
    for (uint32_t a = 0; a < rig->account_count; a++) {
        struct rig_account *account = &rig->accounts[a];
        struct wire_message message;
        while (account->client && client_receive(account->client, &message) == 1) {
            any = true;
            if (message.type == WIRE_WELCOME)
                on_welcome(rig, account, &message.u.welcome);
            else
                on_answer(rig, account, &message.u.answer);
        }
    }
    return any;
}

void rig_pump(struct rig *rig, int timeout_ms)
{
    struct pollfd pollers[RIG_ACCOUNTS_MAX + 1];
    nfds_t count = 0;
    if (drain(rig) || timeout_ms == 0)
        return;
    for (uint32_t a = 0; a < rig->account_count; a++)
        if (rig->accounts[a].client)
            pollers[count++] = (struct pollfd){.fd = client_fd(rig->accounts[a].client), .events = POLLIN};
    if (rig->pid)
        pollers[count++] = (struct pollfd){.fd = rig->pidfd, .events = POLLIN};
    (void)poll(pollers, count, timeout_ms < RETRY_MS ? timeout_ms : RETRY_MS);
    (void)drain(rig);
}

/* For whoever has to find out why something did not come. */
static void describe(struct rig *rig)
{
    for (uint32_t a = 0; a < rig->account_count; a++) {
        const struct rig_account *account = &rig->accounts[a];
        int64_t done = 0;
        uint64_t sent = 0;
        if (account->cell)
            cell_watermark(account->cell, &done, &sent);
        fprintf(stderr, "account %u: generation %" PRIu64 " alive %d ready %d welcomes %u last %" PRIu64 " done %" PRId64 " sent %" PRIu64 "\n",
                (unsigned)a, account->generation, account->alive, account->client ? client_ready(account->client) : -1,
                (unsigned)account->welcomes, account->last_jseq, done, sent);
    }
    struct cell_payload status = rig_status(rig);
    fprintf(stderr, "coordinator: generation %" PRIu64 " rounds %" PRIu64 " instant %" PRId64 " grants %" PRIu64 " refusals %" PRIu64 "\n",
            rig->generation, status.rounds, status.market_time_ns, status.grants, status.refusals);
}

const struct wire_answer *rig_answer(struct rig *rig, uint32_t index, uint64_t jseq)
{
    int64_t deadline = rig_now_ns() + RIG_WAIT_NS;
    struct rig_entry *entry = rig_entry(rig, index, jseq);
    if (!entry)
        rig_die("no such proposal");
    while (!entry->answered) {
        rig_pump(rig, RETRY_MS);
        if (!entry->answered && rig_dead(rig)) {
            (void)drain(rig); /* what it sent before */
            return entry->answered ? &entry->answer : NULL;
        }
        if (rig_now_ns() > deadline) {
            describe(rig);
            rig_die("no answer: account %u, %" PRIu64, (unsigned)index, jseq);
        }
    }
    return &entry->answer;
}

void rig_wait_ready(struct rig *rig)
{
    int64_t deadline = rig_now_ns() + RIG_WAIT_NS;
    for (uint32_t a = 0; a < rig->account_count; a++)
        while (rig->accounts[a].client && !client_ready(rig->accounts[a].client)) {
            rig_pump(rig, RETRY_MS);
            if (rig_now_ns() > deadline)
                rig_die("account %u gets no WELCOME", (unsigned)a);
        }
}
