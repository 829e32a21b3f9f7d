#include "supervisor/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "supervisor/channels.h"
#include "supervisor/fleet.h"
#include "supervisor/folders.h"
#include "supervisor/launch.h"
#include "supervisor/process.h"

#define EVENTS_PER_TURN 64
#define NS_PER_S INT64_C(1000000000)
#define YEAR_NS (365 * 86400 * NS_PER_S)

static struct supervisor self; /* large, and one */

int64_t supervisor_mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void supervisor_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int control(struct supervisor *supervisor, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    if (epoll_ctl(supervisor->epoll_fd, operation, fd, &event) == 0)
        return 0;
    int code = errno;
    log_error("epoll: descriptor %d: %s", fd, strerror(code));
    return -code;
}

int supervisor_watch(struct supervisor *supervisor, int fd, uint32_t events, enum source source, uint32_t index)
{
    return control(supervisor, EPOLL_CTL_ADD, fd, events, (uint64_t)source << 32 | index);
}

int supervisor_rewatch(struct supervisor *supervisor, int fd, uint32_t events, enum source source, uint32_t index)
{
    return control(supervisor, EPOLL_CTL_MOD, fd, events, (uint64_t)source << 32 | index);
}

bool supervisor_is_replay(const struct supervisor *supervisor) { return !supervisor->config->feed.live; }

static uint32_t cut(uint32_t value, uint32_t low, uint32_t high) { return value < low ? low : value > high ? high : value; }

void supervisor_limits_set(struct supervisor *supervisor)
{
    struct config_supervisor *config = &supervisor->settings;
    *config = supervisor->config->supervisor;
    int64_t *const durations[] = {
        &config->start_deadline_ns, &config->ready_deadline_ns,    &config->stop_deadline_ns, &config->abort_grace_ns,
        &config->backoff_first_ns,  &config->backoff_max_ns,       &config->death_window_ns,  &config->storm_window_ns,
        &config->storm_hold_ns,     &config->heartbeat_timeout_ns, &config->sync_timeout_ns,  &config->ping_interval_ns,
        &config->ping_timeout_ns,   &config->alert_repeat_ns};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
        if (*durations[i] > YEAR_NS)
            *durations[i] = YEAR_NS;
    supervisor->limits = (struct machine_limits){
        .start_deadline_ns = config->start_deadline_ns,
        .ready_deadline_ns = config->ready_deadline_ns,
        .stop_deadline_ns = config->stop_deadline_ns,
        .abort_grace_ns = config->abort_grace_ns,
        .backoff_first_ns = config->backoff_first_ns,
        .backoff_max_ns = config->backoff_max_ns,
        .deaths_max = cut(config->deaths_max, 1, MACHINE_DEATHS_MAX),
        .death_window_ns = config->death_window_ns,
        /* In a replay the others wait for it: not for ever. */
        .later_limit_ns = supervisor_is_replay(supervisor) ? config->ready_deadline_ns : 0,
    };
    supervisor->storm_limits = (struct storm_limits){
        .deaths_max = cut(config->storm_deaths_max, 1, MACHINE_DEATHS_MAX - 1),
        .window_ns = config->storm_window_ns,
        .hold_ns = config->storm_hold_ns,
    };
}

/* --- set up ---------------------------------------------------------------------------- */

static void init(struct supervisor *supervisor)
{
    memset(supervisor, 0, sizeof *supervisor);
    supervisor->config_fd = supervisor->lock_fd = supervisor->epoll_fd = -1;
    supervisor->timer_fd = supervisor->signal_fd = supervisor->null_fd = -1;
    supervisor->alerts.fd = -1;
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++)
        process_init(&supervisor->processes[i]);
    reload_init(&supervisor->reload);
    socket_init(&supervisor->socket);
    supervisor->started_mono_ns = supervisor_mono_ns();
    served_init(&supervisor->served, supervisor->started_mono_ns);
}

static int open_signals(struct supervisor *supervisor, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN); /* a stderr that nobody reads any more is no reason to end */
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return error_errno(err, errno, "block signals");
    supervisor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return supervisor->signal_fd < 0 ? error_errno(err, errno, "signalfd") : 0;
}

static int open_loop(struct supervisor *supervisor, struct error *err)
{
    supervisor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (supervisor->epoll_fd < 0)
        return error_errno(err, errno, "epoll");
    supervisor->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (supervisor->timer_fd < 0)
        return error_errno(err, errno, "timerfd");
    if (supervisor_watch(supervisor, supervisor->signal_fd, EPOLLIN, SOURCE_SIGNAL, 0) < 0 ||
        supervisor_watch(supervisor, supervisor->timer_fd, EPOLLIN, SOURCE_TIMER, 0) < 0)
        return error_set(err, ENOMEM, "epoll");
    return 0;
}

/* Which folder cannot be used, and what names another; that a supervisor runs there already says its own remedy. */
static int folder_fault(const char *what, struct error *err)
{
    return err->code == EWOULDBLOCK ? -err->code : error_context(err, "%s", what);
}

static int open_state(struct supervisor *supervisor, struct error *err)
{
    const struct fleet_config *config = supervisor->config;
    static const char state[] = "the state folder (state_dir in fleet.yaml, or --state DIR)";
    static const char runtime[] = "the runtime folder (runtime_dir in fleet.yaml, or --runtime DIR)";
    if (folders_make(config->state_dir, err) < 0 ||
        (supervisor->lock_fd = folders_lock(config->state_dir, "supervisor.lock", err)) < 0)
        return folder_fault(state, err);
    /* Held for life too, so that another state folder's supervisor does not take our socket. */
    if (folders_make_private(config->runtime_dir, err) < 0 || folders_lock(config->runtime_dir, "supervisor.pid", err) < 0)
        return folder_fault(runtime, err);
    int rc = generations_open(&supervisor->generations, config->state_dir, err);
    if (rc == 0)
        rc = alerts_open(&supervisor->alerts, config->state_dir, err);
    return rc;
}

/* Returns an exit status; 0: go on. */
static int set_up(struct supervisor *supervisor, struct error *err)
{
    supervisor->child_environment = launch_environment();
    supervisor->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (!supervisor->child_environment || supervisor->null_fd < 0) {
        error_errno(err, errno, "open /dev/null");
        return EXIT_NO;
    }
    if (open_signals(supervisor, err) < 0)
        return EXIT_NO;
    int status = reload_first(supervisor, err);
    if (status != 0)
        return status;
    const struct fleet_config *config = supervisor->config;
    log_init("supervisor", config->log_json ? LOG_JSON : LOG_TEXT,
             (enum log_level)cut(config->log_level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG));
    supervisor_limits_set(supervisor);
    if (launch_check_programs(&supervisor->options, err) < 0 || open_state(supervisor, err) < 0 ||
        open_loop(supervisor, err) < 0 || socket_open(supervisor, config->runtime_dir, err) < 0)
        return EXIT_NO;
    return 0;
}

/* --- the loop ------------------------------------------------------------------------------ */

static void on_signal(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    struct error err = {0};
    uint64_t round = 0;
    while (read(supervisor->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD: /* a hint: several exits may have given one signal */
            for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++)
                process_reap(supervisor, &supervisor->processes[i]);
            for (int i = 0; i < ALERTS_RUNS_MAX; i++)
                alerts_reap(&supervisor->alerts, i);
            reload_reap(supervisor);
            break;
        case SIGHUP:
            if (supervisor->stop == STOP_NONE && reload_start(supervisor, &round, &err) < 0)
                log_error("reload: %s", err.text);
            break;
        default:
            fleet_stop(supervisor, EXIT_DONE, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
            break;
        }
    }
}

static void on_event(struct supervisor *supervisor, const struct epoll_event *event)
{
    uint32_t index = (uint32_t)event->data.u64;
    struct process *process = &supervisor->processes[index < PROCESS_COUNT_MAX ? index : 0];
    uint64_t ticks;
    switch ((enum source)(event->data.u64 >> 32)) {
    case SOURCE_SIGNAL:
        on_signal(supervisor);
        break;
    case SOURCE_TIMER:
        if (read(supervisor->timer_fd, &ticks, sizeof ticks) < 0)
            break; /* it was set anew in the same turn */
        break;
    case SOURCE_PIDFD:
        process_reap(supervisor, process);
        break;
    case SOURCE_CHANNEL:
        channels_read(supervisor, process);
        break;
    case SOURCE_LOG:
        process_log(supervisor, process);
        break;
    case SOURCE_LISTEN:
        socket_accept(supervisor);
        break;
    case SOURCE_CLIENT:
        socket_client(supervisor, index, event->events);
        break;
    case SOURCE_RELOAD_PID:
        reload_reap(supervisor);
        break;
    case SOURCE_RELOAD_ERRORS:
        reload_errors(supervisor);
        break;
    case SOURCE_ALERT:
        alerts_reap(&supervisor->alerts, (int)index);
        break;
    }
}

static struct alert_limits alert_limits(const struct supervisor *supervisor)
{
    const struct config_supervisor *config = &supervisor->settings;
    return (struct alert_limits){config->alert_command, config->alerts_per_minute, config->alert_repeat_ns,
                                 supervisor->child_environment};
}

static void arm(struct supervisor *supervisor)
{
    const struct alert_limits limits = alert_limits(supervisor);
    int64_t next = fleet_next_ns(supervisor), alert = alerts_next_ns(&supervisor->alerts, &limits);
    next = alert < next ? alert : next;
    int64_t wait = next == INT64_MAX ? SERVED_TICK_NS : next - supervisor->served.now_ns;
    /* At least one turn each tick, so that a longer gap is known to be a pause. */
    wait = wait > SERVED_TICK_NS ? SERVED_TICK_NS : wait < 0 ? 0 : wait;
    int64_t at = supervisor->served.mono_ns + wait;
    struct itimerspec spec = {.it_value = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S}};
    if (timerfd_settime(supervisor->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
        log_error("timerfd: %s", strerror(errno));
}

static void flush_alerts(struct supervisor *supervisor)
{
    int runs[ALERTS_RUNS_MAX];
    const struct alert_limits limits = alert_limits(supervisor);
    int count = alerts_flush(&supervisor->alerts, &limits, supervisor->served.now_ns, runs);
    for (int i = 0; i < count; i++)
        supervisor_watch(supervisor, supervisor->alerts.runs[runs[i]].pidfd, EPOLLIN, SOURCE_ALERT, (uint32_t)runs[i]);
}

static void turn(struct supervisor *supervisor)
{
    struct epoll_event events[EVENTS_PER_TURN];
    arm(supervisor);
    int count = epoll_wait(supervisor->epoll_fd, events, EVENTS_PER_TURN, -1);
    if (count < 0 && errno != EINTR)
        log_error("epoll_wait: %s", strerror(errno));
    int64_t before = supervisor->served.now_ns;
    int64_t lost = served_turn(&supervisor->served, supervisor_mono_ns());
    if (lost > 0)
        log_warning("this process was not served for %lld ms: deadlines wait", (long long)(lost / 1000000));
    for (int i = 0; i < count; i++)
        on_event(supervisor, &events[i]);
    fleet_due(supervisor, supervisor->served.now_ns - before);
    fleet_progress(supervisor);
    flush_alerts(supervisor);
}

static void tear_down(struct supervisor *supervisor)
{
    reload_abandon(supervisor);
    socket_close(&supervisor->socket);
    supervisor_close(&supervisor->epoll_fd);
    supervisor_close(&supervisor->timer_fd);
    supervisor_close(&supervisor->signal_fd);
    supervisor_close(&supervisor->null_fd);
    supervisor_close(&supervisor->alerts.fd);
    supervisor_close(&supervisor->config_fd);
    config_unmap(supervisor->config);
    supervisor->config = NULL;
    free(supervisor->child_environment);
    supervisor_close(&supervisor->lock_fd);
}

int main(int argc, char **argv)
{
    struct error err = {0};
    log_init("supervisor", LOG_TEXT, LOG_LEVEL_INFO);
    init(&self);
    int rc = options_parse(&self.options, argc, argv, &err);
    if (rc < 0) {
        log_error("%s", err.text);
        return EXIT_USAGE;
    }
    int status = set_up(&self, &err);
    if (status == 0 && fleet_start(&self, &err) < 0)
        status = EXIT_NO;
    if (status != 0) {
        if (err.text[0])
            log_error("%s", err.text);
        tear_down(&self);
        return status;
    }
    while (self.stop != STOP_FINISHED)
        turn(&self);
    log_info("stopped, exit status %d", self.exit_status);
    status = self.exit_status;
    tear_down(&self);
    return status;
}
