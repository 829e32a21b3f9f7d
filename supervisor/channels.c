#include "supervisor/channels.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "shm/segment.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"

#define DRAIN_MAX 1024u
#define ALERTS_PER_MINUTE 20u /* of one child; more are dropped and logged */
#define MINUTE_NS INT64_C(60000000000)

static bool reachable(const struct process *process)
{
    return process->used && process->channel >= 0 && process->closed_ns == 0 && machine_alive(&process->machine) &&
           process->machine.state != MACHINE_KILLING;
}

/* Returns false when the message did not go out; the child is ended for it, since what it was told
 * is then no longer what is. */
static bool send_to(struct supervisor *supervisor, struct process *process, struct control_message *message)
{
    if (!reachable(process))
        return false;
    int rc = control_send(process->channel, message);
    if (rc == 0)
        return true;
    if (rc == -EPIPE)
        process_channel_closed(supervisor, process);
    else
        process_broken(supervisor, process, rc == -EAGAIN ? "its channel is full: it does not read" : "its channel failed");
    return false;
}

static bool send_plain(struct supervisor *supervisor, struct process *process, uint32_t type, uint64_t argument)
{
    struct control_message message = {.type = type, .generation = process->generation, .argument = argument};
    return send_to(supervisor, process, &message);
}

/* --- who is told what -------------------------------------------------------------------- */

/*
 * Wanted: others wait for it. While the fleet stops, accounts that leave are waited for as before: a round that was closed
 * without them would decide otherwise than a run that was never stopped.
 */
static bool peer_wanted(const struct supervisor *supervisor, const struct process *process)
{
    bool leaves_with_all = supervisor->stop != STOP_NONE && process->kind == PROCESS_ACCOUNT &&
                           process->machine.state != MACHINE_FAILED;
    return !process->removing && (machine_awaited(&process->machine) || leaves_with_all);
}

static struct control_peer peer_of(const struct supervisor *supervisor, const struct process *process)
{
    return (struct control_peer){
        .kind = process->kind,
        .account = process->account,
        .generation = process->generation,
        .pid = process->pid,
        .wanted = peer_wanted(supervisor, process),
        .alive = process_announced_alive(process),
    };
}

static void tell(struct supervisor *supervisor, struct process *reader, const struct process *about)
{
    struct control_message message = {.type = CONTROL_PEER, .generation = reader->generation};
    const struct control_peer peer = peer_of(supervisor, about);
    message.payload_size = sizeof peer;
    memcpy(message.payload, &peer, sizeof peer);
    if (peer.alive && about->kind == PROCESS_ACCOUNT) {
        message.fds[message.fd_count++] = about->cell_fd;
        if (reader->kind == PROCESS_FEED)
            message.fds[message.fd_count++] = about->wake_fd;
    }
    send_to(supervisor, reader, &message);
}

/* Only who has said MAPPED is told: before it a child may not read its channel yet. */
static bool listens(const struct process *process) { return process_announced_alive(process) && reachable(process); }

void channels_announce(struct supervisor *supervisor, struct process *process)
{
    if (process->kind == PROCESS_FEED)
        return;
    const struct control_peer peer = peer_of(supervisor, process);
    if (process->told.generation == peer.generation && process->told.wanted == (peer.wanted != 0) &&
        process->told.alive == (peer.alive != 0))
        return;
    process->told = (struct told){peer.generation, peer.wanted != 0, peer.alive != 0};
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++) {
        struct process *reader = &supervisor->processes[i];
        bool reads = process->kind == PROCESS_ACCOUNT ? reader->kind != PROCESS_ACCOUNT : reader->kind == PROCESS_ACCOUNT;
        if (reads && listens(reader))
            tell(supervisor, reader, process);
    }
}

static void send_segment(struct supervisor *supervisor, struct process *account)
{
    const struct process *feed = &supervisor->processes[PROCESS_SLOT_FEED];
    if (!feed->laid_out || !machine_alive(&feed->machine))
        return;
    struct control_message message = {.type = CONTROL_SEGMENT, .generation = feed->generation, .fd_count = 2};
    message.fds[0] = feed->ring_fd;
    message.fds[1] = feed->history_fd;
    send_to(supervisor, account, &message);
}

/* A child that has just been mapped learns of those who were there before it. */
static void welcome(struct supervisor *supervisor, struct process *process)
{
    if (process->kind == PROCESS_ACCOUNT) {
        const struct process *coordinator = &supervisor->processes[PROCESS_SLOT_COORDINATOR];
        if (machine_awaited(&coordinator->machine))
            tell(supervisor, process, coordinator);
        send_segment(supervisor, process);
        return;
    }
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++) {
        const struct process *account = &supervisor->processes[i];
        if (account->used && !account->removing && machine_awaited(&account->machine))
            tell(supervisor, process, account);
    }
}

static int attach(struct process *process, struct error *err)
{
    const struct cell *cell = NULL;
    int rc = segment_seal(process->cell_fd, err);
    if (rc == 0)
        rc = segment_map_reader(process->cell_fd, CELL_SIZE_BYTES, &process->cell_memory, &process->cell_bytes, err);
    if (rc < 0)
        return rc;
    enum shm_result result = cell_attach(process->cell_memory, process->cell_bytes, &cell);
    if (result != SHM_OK)
        return error_set(err, EINVAL, "its cell is %s", shm_result_name(result));
    if (cell_generation(cell) != process->generation)
        return error_set(err, EINVAL, "its cell is of generation %" PRIu64 ", it is %" PRIu64, cell_generation(cell),
                         process->generation);
    process->cell = cell;
    return 0;
}

void channels_mapped(struct supervisor *supervisor, struct process *process)
{
    struct error err = {0};
    if (attach(process, &err) < 0) {
        process_broken(supervisor, process, err.text);
        return;
    }
    process->heartbeat_changed_ns = supervisor->served.now_ns;
    process->ping_next_ns = supervisor->served.now_ns + supervisor->settings.ping_interval_ns;
    welcome(supervisor, process);
    channels_announce(supervisor, process);
}

static void laid_out(struct supervisor *supervisor, struct process *feed)
{
    struct error err = {0};
    if (feed->laid_out || !feed->go) {
        process_broken(supervisor, feed, "MAPPED 1 out of order");
        return;
    }
    if (segment_seal(feed->ring_fd, &err) < 0 || segment_seal(feed->history_fd, &err) < 0) {
        process_broken(supervisor, feed, err.text);
        return;
    }
    feed->laid_out = true;
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++)
        if (listens(&supervisor->processes[i]))
            send_segment(supervisor, &supervisor->processes[i]);
}

void channels_go(struct supervisor *supervisor)
{
    struct process *feed = &supervisor->processes[PROCESS_SLOT_FEED];
    if (!listens(feed) || feed->go || supervisor->stop != STOP_NONE)
        return;
    bool live = supervisor->config->feed.live;
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++) {
        const struct process *account = &supervisor->processes[i];
        bool awaited = account->used && !account->removing && machine_awaited(&account->machine);
        bool between = live && account->machine.state == MACHINE_BACKOFF && account->machine.starts > 0;
        if (awaited && !process_announced_alive(account) && !between)
            return;
    }
    if (send_plain(supervisor, feed, CONTROL_GO, 0))
        feed->go = true;
}

bool channels_waits_for_others(const struct supervisor *supervisor, const struct process *process)
{
    const struct process *feed = &supervisor->processes[PROCESS_SLOT_FEED];
    if (!process->cell)
        return false;
    if (process->kind == PROCESS_ACCOUNT)
        return !feed->laid_out && cell_durable(process->cell) != CELL_DURABLE_NONE;
    if (process->kind != PROCESS_FEED)
        return false;
    if (!process->go)
        return true;
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++) {
        const struct process *account = &supervisor->processes[i];
        if (!account->used || !machine_awaited(&account->machine))
            continue;
        uint64_t claim = account->cell ? cell_durable(account->cell) : CELL_DURABLE_NONE;
        if (claim == CELL_DURABLE_NONE || (claim == CELL_DURABLE_JOIN && process->laid_out))
            return true;
    }
    return false;
}

void channels_ping(struct supervisor *supervisor, struct process *process)
{
    int64_t now = supervisor->served.now_ns;
    process->ping_next_ns = now + supervisor->settings.ping_interval_ns;
    if (send_plain(supervisor, process, CONTROL_PING, ++process->ping_number))
        process->ping_sent_ns = now;
}

void channels_send_stop(struct supervisor *supervisor, struct process *process)
{
    send_plain(supervisor, process, CONTROL_STOP, process->kind == PROCESS_ACCOUNT ? 1 : 0);
}

int channels_send_command(struct supervisor *supervisor, struct process *process, uint64_t id, const char *text)
{
    struct control_message message = {.type = CONTROL_COMMAND, .generation = process->generation, .argument = id};
    size_t size = strlen(text);
    if (size > CONTROL_PAYLOAD_MAX)
        return -E2BIG;
    message.payload_size = (uint32_t)size;
    memcpy(message.payload, text, size);
    return process->cell && send_to(supervisor, process, &message) ? 0 : -EAGAIN;
}

void channels_entries_off(struct supervisor *supervisor)
{
    if (!supervisor->config->feed.live)
        return;
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++)
        if (listens(&supervisor->processes[i]))
            channels_send_command(supervisor, &supervisor->processes[i], 0, "pause");
}

void channels_send_config(struct supervisor *supervisor)
{
    for (uint32_t i = 0; i < PROCESS_SLOT_ACCOUNTS; i++) {
        struct process *process = &supervisor->processes[i];
        struct control_message message = {.type = CONTROL_CONFIG, .generation = process->generation, .fd_count = 1};
        message.fds[0] = supervisor->config_fd;
        if (listens(process))
            send_to(supervisor, process, &message);
    }
}

/* --- what children say -------------------------------------------------------------------- */

static void payload_text(const struct control_message *message, char *buf, size_t size)
{
    assert(size > 0);
    size_t n = message->payload_size < size - 1 ? message->payload_size : size - 1;
    for (size_t i = 0; i < n; i++)
        buf[i] = message->payload[i] ? (char)message->payload[i] : ' ';
    buf[n] = 0;
}

static void on_mapped(struct supervisor *supervisor, struct process *process, const struct control_message *message)
{
    if (message->argument == 0)
        process_event(supervisor, process, MACHINE_MAPPED);
    else if (message->argument == 1 && process->kind == PROCESS_FEED)
        laid_out(supervisor, process);
    else
        process_broken(supervisor, process, "MAPPED with an unknown argument");
}

static void on_ready(struct supervisor *supervisor, struct process *process, const struct control_message *message)
{
    (void)message;
    process_event(supervisor, process, MACHINE_UP);
}

static void on_pong(struct supervisor *supervisor, struct process *process, const struct control_message *message)
{
    if (process->ping_sent_ns == 0 || message->argument != process->ping_number)
        process_broken(supervisor, process, "a PONG that nobody asked for");
    else
        process->ping_sent_ns = 0;
}

static void on_result(struct supervisor *supervisor, struct process *process, const struct control_message *message)
{
    char text[CONTROL_PAYLOAD_MAX + 1];
    payload_text(message, text, sizeof text);
    if (message->argument != 0) /* 0: a command of our own */
        socket_result(supervisor, process, message->argument, message->value, text);
}

static void on_alert(struct supervisor *supervisor, struct process *process, const struct control_message *message)
{
    char text[CONTROL_PAYLOAD_MAX + 1];
    payload_text(message, text, sizeof text);
    int64_t now = supervisor->served.now_ns;
    if (now - process->alert_refill_ns >= MINUTE_NS || process->alert_refill_ns == 0) {
        process->alert_refill_ns = now;
        process->alert_tokens = ALERTS_PER_MINUTE;
    }
    if (process->alert_tokens == 0) {
        log_warning("%s: alert over its limit: %s", process->name, text);
        return;
    }
    process->alert_tokens--;
    enum alert_severity severity = message->value >= 0 && message->value <= ALERT_ERROR ? (enum alert_severity)message->value
                                                                                       : ALERT_ERROR;
    const char *account = process->kind == PROCESS_ACCOUNT ? process->name + strlen("account:") : "";
    const struct alert_facts facts = {ALERT_CHILD, severity, account, process->name, process_flat(process), text};
    alerts_raise(&supervisor->alerts, &facts, now);
}

static void on_done(struct supervisor *supervisor, struct process *process, const struct control_message *message)
{
    (void)supervisor;
    (void)message;
    if (!process->done)
        log_info("%s: done", process->name);
    process->done = true;
}

static void on_fatal(struct supervisor *supervisor, struct process *process, const struct control_message *message)
{
    (void)supervisor;
    char text[PROCESS_WHY_MAX];
    payload_text(message, text, sizeof text);
    process_remember(process, text);
}

#define FROM(kind) (1u << PROCESS_##kind)
#define FROM_ALL (FROM(COORDINATOR) | FROM(FEED) | FROM(ACCOUNT))
static const struct {
    uint32_t type;
    unsigned from;
    void (*handle)(struct supervisor *supervisor, struct process *process, const struct control_message *message);
} handlers[] = {
    {CONTROL_MAPPED, FROM_ALL, on_mapped}, {CONTROL_READY, FROM_ALL, on_ready},
    {CONTROL_PONG, FROM_ALL, on_pong},     {CONTROL_RESULT, FROM(ACCOUNT), on_result},
    {CONTROL_ALERT, FROM_ALL, on_alert},   {CONTROL_DONE, FROM(FEED) | FROM(ACCOUNT), on_done},
    {CONTROL_FATAL, FROM_ALL, on_fatal},
};

static void dispatch(struct supervisor *supervisor, struct process *process, struct control_message *message)
{
    char why[96];
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].type != message->type || !(handlers[i].from & (1u << process->kind)))
            continue;
        if (message->generation != process->generation) {
            snprintf(why, sizeof why, "it speaks for generation %" PRIu64, message->generation);
            process_broken(supervisor, process, why);
            return;
        }
        handlers[i].handle(supervisor, process, message);
        return;
    }
    snprintf(why, sizeof why, "a message of type %" PRIu32 ", which is not its to send", message->type);
    process_broken(supervisor, process, why);
}

static void read_some(struct supervisor *supervisor, struct process *process, uint32_t limit)
{
    static struct control_message message;
    for (uint32_t i = 0; i < limit && process->channel >= 0; i++) {
        int rc = control_receive(process->channel, &message);
        if (rc == -EAGAIN)
            return;
        if (rc == 1) {
            dispatch(supervisor, process, &message);
            control_close_fds(&message);
            continue;
        }
        if (rc == 0)
            process_channel_closed(supervisor, process);
        else
            process_broken(supervisor, process, "a malformed message");
        return;
    }
}

void channels_read(struct supervisor *supervisor, struct process *process)
{
    if (process->channel >= 0 && process->closed_ns == 0)
        read_some(supervisor, process, CHANNELS_PER_TURN);
}

void channels_drain(struct supervisor *supervisor, struct process *process)
{
    if (process->channel >= 0) /* also when a send has found it closed: its last words lie before the end */
        read_some(supervisor, process, DRAIN_MAX);
}
