#include "supervisor/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "shm/segment.h"
#include "supervisor/channels.h"
#include "supervisor/launch.h"
#include "supervisor/supervisor.h"

#define CLOSED_GRACE_NS INT64_C(200000000) /* between a channel's end and the exit that it foretells */
#define REAP_LOG_TURNS 4                   /* a pipe holds 64 KiB: what a dead child wrote is read whole */

static const char *const programs[PROCESS_KIND_COUNT] = {
    [PROCESS_COORDINATOR] = "propfleet-coordinator",
    [PROCESS_FEED] = "propfleet-feed",
    [PROCESS_ACCOUNT] = "propfleet-account",
};

const char *process_program(unsigned kind)
{
    assert(kind < PROCESS_KIND_COUNT);
    return programs[kind];
}

void process_init(struct process *process)
{
    memset(process, 0, sizeof *process);
    process->account = CONFIG_NONE;
    process->pidfd = process->channel = process->cell_fd = process->wake_fd = -1;
    process->ring_fd = process->history_fd = -1;
    logpipe_init(&process->log);
}

void process_configure(struct process *process, unsigned kind, unsigned account, const char *account_name)
{
    static const char *const names[] = {[PROCESS_COORDINATOR] = "coordinator", [PROCESS_FEED] = "feed"};
    process_init(process);
    process->used = true;
    process->kind = (enum process_kind)kind;
    process->account = account;
    if (kind == PROCESS_ACCOUNT)
        snprintf(process->name, sizeof process->name, "account:%s", account_name);
    else
        snprintf(process->name, sizeof process->name, "%s", names[kind]);
    machine_init(&process->machine, hash_bytes(process->name, strlen(process->name), 0));
}

bool process_announced_alive(const struct process *process)
{
    return process->used && process->cell && machine_alive(&process->machine);
}

void process_status_read(struct process *process)
{
    struct cell_payload payload;
    if (process->cell && cell_read(process->cell, &payload) == SHM_OK) {
        process->status = payload;
        process->has_status = true;
        if (process->machine.ready_since_ns == 0)
            return; /* not reconciled with its broker yet: what it says of positions is not known to be so */
        process->flat = payload.positions == 0 && payload.orders_working == 0 ? FLAT_YES : FLAT_NO;
    }
}

const char *process_flat(struct process *process)
{
    static const char *const names[] = {"unknown", "flat", "not flat"};
    if (process->kind != PROCESS_ACCOUNT)
        return "";
    process_status_read(process);
    return names[process->flat];
}

void process_remember(struct process *process, const char *why)
{
    snprintf(process->why, sizeof process->why, "%.*s", PROCESS_WHY_MAX - 1, why);
    process->why_fresh = true;
}

static void raise_alert(struct supervisor *supervisor, struct process *process, enum alert_kind kind,
                        enum alert_severity severity, const char *why)
{
    const char *account = process->kind == PROCESS_ACCOUNT ? process->name + strlen("account:") : "";
    const struct alert_facts facts = {kind, severity, account, process->name, process_flat(process), why};
    alerts_raise(&supervisor->alerts, &facts, supervisor->served.now_ns);
}

/* --- what the machine asks for ---------------------------------------------------------- */

static void send_signal(struct process *process, int number)
{
    /* ESRCH: it has just died; its pidfd says so next. */
    if (syscall(SYS_pidfd_send_signal, process->pidfd, number, NULL, 0) != 0 && errno != ESRCH)
        log_error("%s: signal %d: %s", process->name, number, strerror(errno));
}

static void release(struct supervisor *supervisor, struct process *process)
{
    process_status_read(process);
    for (int i = 0; i < REAP_LOG_TURNS && process->log.fd >= 0; i++) {
        const struct logpipe_limits limits = {65536, supervisor->settings.log_queue_bytes};
        if (logpipe_read(&process->log, process->name, &limits, supervisor->served.now_ns) != LOGPIPE_MORE)
            break;
    }
    logpipe_close(&process->log, process->name);
    supervisor_close(&process->pidfd);
    supervisor_close(&process->channel);
    process->cell = NULL;
    if (process->cell_memory)
        segment_unmap(process->cell_memory, process->cell_bytes);
    process->cell_memory = NULL;
    supervisor_close(&process->cell_fd);
    supervisor_close(&process->wake_fd);
    supervisor_close(&process->ring_fd);
    supervisor_close(&process->history_fd);
    process->pid = 0;
    process->laid_out = process->go = process->done = false;
    process->closed_ns = process->ping_sent_ns = process->ping_next_ns = 0;
    process->started_mono_ns = 0;
}

static void on_gone(struct supervisor *supervisor, struct process *process)
{
    process->down_mono_ns = supervisor_mono_ns();
    release(supervisor, process);
    channels_announce(supervisor, process);
    socket_process_gone(supervisor, process);
}

static void on_death(struct supervisor *supervisor, struct process *process)
{
    char why[PROCESS_WHY_MAX + 128];
    snprintf(why, sizeof why, "%s%s%s", process->last_exit, process->why[0] ? ": " : "", process->why);
    raise_alert(supervisor, process, ALERT_DEATH, ALERT_WARNING, why);
    if (!storm_death(&supervisor->storm, &supervisor->storm_limits, supervisor->served.now_ns))
        return;
    snprintf(why, sizeof why, "more than %u processes died within %lld s: restarts are held for %lld s",
             supervisor->storm_limits.deaths_max, (long long)(supervisor->storm_limits.window_ns / 1000000000),
             (long long)(supervisor->storm_limits.hold_ns / 1000000000));
    const struct alert_facts facts = {ALERT_STORM, ALERT_ERROR, "", "fleet", "", why};
    alerts_raise(&supervisor->alerts, &facts, supervisor->served.now_ns);
    channels_entries_off(supervisor);
}

static void on_failed(struct supervisor *supervisor, struct process *process)
{
    char why[PROCESS_WHY_MAX + 128];
    snprintf(why, sizeof why, "given up after %u restarts: %s%s%s", process->machine.restarts, process->last_exit,
             process->why[0] ? ": " : "", process->why);
    raise_alert(supervisor, process, ALERT_FAILED, ALERT_ERROR, why);
    channels_announce(supervisor, process);
}

static void on_spawn(struct supervisor *supervisor, struct process *process)
{
    struct error err = {0};
    if (process->down_mono_ns == 0)
        process->down_mono_ns = supervisor_mono_ns();
    channels_announce(supervisor, process);
    if (launch(supervisor, process, &err) == 0) {
        log_info("%s: pid %d, generation %llu", process->name, (int)process->pid,
                 (unsigned long long)process->generation);
        process_event(supervisor, process, MACHINE_SPAWNED);
        return;
    }
    process_remember(process, err.text);
    snprintf(process->last_exit, sizeof process->last_exit, "not started");
    release(supervisor, process);
    raise_alert(supervisor, process, ALERT_SPAWN, ALERT_ERROR, process->why);
    process_event(supervisor, process, MACHINE_SPAWN_FAILED);
}

void process_event(struct supervisor *supervisor, struct process *process, enum machine_event event)
{
    enum machine_state before = process->machine.state;
    unsigned actions = machine_step(&process->machine, event, &supervisor->limits, supervisor->served.now_ns);
    enum machine_state after = process->machine.state;
    bool plain = after == MACHINE_SPAWNING || before == MACHINE_SPAWNING; /* the line with the pid says it */
    if (before != after)
        log_write(plain                                                        ? LOG_LEVEL_DEBUG
                  : after == MACHINE_KILLING || after == MACHINE_FAILED ? LOG_LEVEL_WARNING
                                                                        : LOG_LEVEL_INFO,
                  "%s: %s -> %s: %s%s%s", process->name, machine_state_name(before), machine_state_name(after),
                  machine_event_name(event), event >= MACHINE_DIED_DONE && process->last_exit[0] ? ": " : "",
                  event >= MACHINE_DIED_DONE ? process->last_exit : "");
    if (actions & MACHINE_DO_GONE)
        on_gone(supervisor, process);
    if (actions & MACHINE_DO_DEATH)
        on_death(supervisor, process);
    if (event == MACHINE_DIED_LATER && after == MACHINE_BACKOFF)
        raise_alert(supervisor, process, ALERT_LATER, ALERT_WARNING, process->why[0] ? process->why : process->last_exit);
    if (actions & MACHINE_DO_FAILED)
        on_failed(supervisor, process);
    if (supervisor->stop != STOP_NONE && process->machine.state == MACHINE_BACKOFF)
        machine_step(&process->machine, MACHINE_STOP, &supervisor->limits, supervisor->served.now_ns);
    if (actions & MACHINE_DO_SPAWN)
        on_spawn(supervisor, process);
    if (actions & MACHINE_DO_MAP)
        channels_mapped(supervisor, process);
    if (actions & MACHINE_DO_UP) {
        process->heartbeat_changed_ns = supervisor->served.now_ns;
        process->ready_after_ns = supervisor_mono_ns() - process->down_mono_ns;
    }
    if (actions & MACHINE_DO_STOP)
        channels_send_stop(supervisor, process);
    if (actions & MACHINE_DO_ABORT)
        send_signal(process, SIGABRT);
    if (actions & MACHINE_DO_KILL)
        send_signal(process, SIGKILL);
}

/* --- its end ------------------------------------------------------------------------------- */

void process_channel_closed(struct supervisor *supervisor, struct process *process)
{
    if (process->closed_ns)
        return;
    process->closed_ns = supervisor->served.now_ns;
    epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_DEL, process->channel, NULL);
}

void process_broken(struct supervisor *supervisor, struct process *process, const char *why)
{
    if (!machine_alive(&process->machine))
        return;
    process_remember(process, why);
    log_warning("%s: %s", process->name, why);
    process_event(supervisor, process, MACHINE_BROKEN);
}

static enum machine_event classify(struct process *process, const siginfo_t *info)
{
    if (info->si_code != CLD_EXITED) {
        const char *name = sigdescr_np(info->si_status);
        snprintf(process->last_exit, sizeof process->last_exit, "signal %d (%s)", info->si_status, name ? name : "?");
        return MACHINE_DIED_SIGNAL;
    }
    snprintf(process->last_exit, sizeof process->last_exit, "exit status %d", info->si_status);
    switch (info->si_status) {
    case CHILD_EXIT_OK:
        return process->done ? MACHINE_DIED_DONE : MACHINE_DIED_CLEAN;
    case CHILD_EXIT_TRY_LATER:
        return MACHINE_DIED_LATER;
    case CHILD_EXIT_NEVER:
        return MACHINE_DIED_NEVER;
    default:
        return MACHINE_DIED_CRASH;
    }
}

void process_reap(struct supervisor *supervisor, struct process *process)
{
    siginfo_t info = {0};
    if (process->pidfd < 0 || waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
        return;
    /* Its last words (FATAL, DONE) may still lie in the channel. */
    channels_drain(supervisor, process);
    if (!process->why_fresh)
        process->why[0] = 0;
    process->why_fresh = false;
    process_event(supervisor, process, classify(process, &info));
}

void process_log(struct supervisor *supervisor, struct process *process)
{
    struct logpipe *pipe = &process->log;
    if (pipe->fd < 0)
        return;
    const struct logpipe_limits limits = {supervisor->settings.log_bytes_per_turn,
                                          supervisor->settings.log_queue_bytes};
    switch (logpipe_read(pipe, process->name, &limits, supervisor->served.now_ns)) {
    case LOGPIPE_EMPTY:
        return;
    case LOGPIPE_CLOSED:
        epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_DEL, pipe->fd, NULL);
        logpipe_close(pipe, process->name);
        return;
    case LOGPIPE_MORE:
        epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_DEL, pipe->fd, NULL);
        pipe->resting = true;
        pipe->rest_until_ns = supervisor->served.now_ns + LOGPIPE_REST_NS;
        return;
    }
}

/* --- time -------------------------------------------------------------------------------------- */

static unsigned slot_of(const struct supervisor *supervisor, const struct process *process)
{
    return (unsigned)(process - supervisor->processes);
}

static void log_due(struct supervisor *supervisor, struct process *process)
{
    if (!process->log.resting || process->log.fd < 0 || supervisor->served.now_ns < process->log.rest_until_ns)
        return;
    process->log.resting = false;
    supervisor_watch(supervisor, process->log.fd, EPOLLIN, SOURCE_LOG, slot_of(supervisor, process));
}

static int64_t answer_limit_ns(const struct supervisor *supervisor, const struct process *process)
{
    const struct config_supervisor *config = &supervisor->settings;
    bool patient = process->machine.state == MACHINE_STARTING || (process->cell && cell_syncing(process->cell));
    return patient && config->sync_timeout_ns > config->ping_timeout_ns ? config->sync_timeout_ns : config->ping_timeout_ns;
}

static int64_t heartbeat_limit_ns(const struct supervisor *supervisor, const struct process *process)
{
    const struct config_supervisor *config = &supervisor->settings;
    return process->cell && cell_syncing(process->cell) ? config->sync_timeout_ns : config->heartbeat_timeout_ns;
}

static void hung(struct supervisor *supervisor, struct process *process, enum machine_event event, int64_t ns)
{
    char why[80];
    snprintf(why, sizeof why, "%s for %lld ms", machine_event_name(event), (long long)(ns / 1000000));
    process_remember(process, why);
    raise_alert(supervisor, process, ALERT_HUNG, ALERT_ERROR, process->why);
    process_event(supervisor, process, event);
}

static void watch(struct supervisor *supervisor, struct process *process)
{
    int64_t now = supervisor->served.now_ns;
    int64_t heartbeat = cell_heartbeat(process->cell);
    if (heartbeat != process->heartbeat_seen) {
        process->heartbeat_seen = heartbeat;
        process->heartbeat_changed_ns = now;
    }
    int64_t still = now - process->heartbeat_changed_ns;
    if (process->machine.state == MACHINE_READY && still > heartbeat_limit_ns(supervisor, process)) {
        hung(supervisor, process, MACHINE_LATE, still);
    } else if (process->ping_sent_ns) {
        if (now - process->ping_sent_ns > answer_limit_ns(supervisor, process))
            hung(supervisor, process, MACHINE_UNANSWERED, now - process->ping_sent_ns);
    } else if (now >= process->ping_next_ns) {
        channels_ping(supervisor, process);
    }
}

static void deadline_due(struct supervisor *supervisor, struct process *process)
{
    struct machine *machine = &process->machine;
    if (machine->state == MACHINE_BACKOFF && storm_holds(&supervisor->storm, supervisor->served.now_ns))
        return;
    if (machine->state == MACHINE_STARTING || machine->state == MACHINE_STOPPING) {
        char why[80];
        snprintf(why, sizeof why, "%s while %s", machine_event_name(MACHINE_DEADLINE),
                 machine_state_name(machine->state));
        process_remember(process, why);
        raise_alert(supervisor, process, ALERT_HUNG, ALERT_ERROR, process->why);
    } else if (machine->state == MACHINE_KILLING && machine->killed) {
        raise_alert(supervisor, process, ALERT_STUCK, ALERT_ERROR, "it does not die although it was killed");
    }
    process_event(supervisor, process, MACHINE_DEADLINE);
}

void process_due(struct supervisor *supervisor, struct process *process, int64_t elapsed_ns)
{
    int64_t now = supervisor->served.now_ns;
    log_due(supervisor, process);
    if (process->machine.state == MACHINE_STARTING && channels_waits_for_others(supervisor, process))
        machine_extend(&process->machine, elapsed_ns);
    if (process->closed_ns && now - process->closed_ns >= CLOSED_GRACE_NS && process->machine.state != MACHINE_KILLING)
        process_broken(supervisor, process, "its channel closed and it lives on");
    if (process->cell && (process->machine.state == MACHINE_STARTING || process->machine.state == MACHINE_READY))
        watch(supervisor, process);
    if (process->machine.deadline_ns && now >= process->machine.deadline_ns)
        deadline_due(supervisor, process);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t process_next_ns(const struct supervisor *supervisor, const struct process *process)
{
    int64_t next = INT64_MAX;
    const struct machine *machine = &process->machine;
    if (process->log.resting && process->log.fd >= 0)
        next = process->log.rest_until_ns;
    if (machine->deadline_ns)
        next = earlier(next, machine->state == MACHINE_BACKOFF && supervisor->storm.held_until_ns > machine->deadline_ns
                                 ? supervisor->storm.held_until_ns
                                 : machine->deadline_ns);
    if (process->closed_ns && machine->state != MACHINE_KILLING)
        next = earlier(next, process->closed_ns + CLOSED_GRACE_NS);
    if (!process->cell || (machine->state != MACHINE_STARTING && machine->state != MACHINE_READY))
        return next;
    if (machine->state == MACHINE_READY)
        next = earlier(next, process->heartbeat_changed_ns + heartbeat_limit_ns(supervisor, process) + 1);
    return earlier(next, process->ping_sent_ns ? process->ping_sent_ns + answer_limit_ns(supervisor, process) + 1
                                               : process->ping_next_ns);
}
