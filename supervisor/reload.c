#include "supervisor/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "supervisor/channels.h"
#include "supervisor/process.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"

#define OUT_FD 3
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

void reload_init(struct reload *reload)
{
    memset(reload, 0, sizeof *reload);
    reload->pidfd = reload->out_fd = reload->errors_fd = -1;
}

/* --- the parser ------------------------------------------------------------------------ */

static int parser_start(struct supervisor *supervisor, int errors, struct error *err)
{
    struct reload *reload = &supervisor->reload;
    char path[PATH_MAX], out[] = "3", *argv[OPTIONS_CONFIG_ARGS];
    if (options_program(&supervisor->options, "propfleet-config", path, sizeof path) != 0)
        return error_set(err, ENAMETOOLONG, "%s: path is too long", supervisor->options.libexec);
    reload->out_fd = memfd_create("propfleet-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (reload->out_fd < 0)
        return error_errno(err, errno, "memfd_create");
    options_config_argv(&supervisor->options, path, out, argv);
    struct spawn spawn;
    spawn_init(&spawn, path, argv, supervisor->child_environment);
    spawn.fds[0] = supervisor->null_fd;
    spawn.fds[1] = spawn.fds[2] = errors;
    spawn.fds[OUT_FD] = reload->out_fd;
    int rc = spawn_start(&spawn, &reload->pid, &reload->pidfd, err);
    if (rc < 0) {
        reload->pid = 0;
        supervisor_close(&reload->out_fd);
    }
    return rc;
}

/* What the parser wrote, sealed, checked and mapped. */
static const struct fleet_config *parser_result(struct reload *reload, struct error *err)
{
    int seals = fcntl(reload->out_fd, F_GET_SEALS);
    if ((seals & SEALS) != SEALS && fcntl(reload->out_fd, F_ADD_SEALS, SEALS) != 0) {
        error_errno(err, errno, "seal the compiled configuration");
        return NULL;
    }
    return config_map(reload->out_fd, err);
}

static void parser_close(struct reload *reload)
{
    reload->pid = 0;
    supervisor_close(&reload->pidfd);
    supervisor_close(&reload->out_fd);
    supervisor_close(&reload->errors_fd);
}

int reload_first(struct supervisor *supervisor, struct error *err)
{
    struct reload *reload = &supervisor->reload;
    if (parser_start(supervisor, STDERR_FILENO, err) < 0)
        return EXIT_NO;
    struct pollfd wait = {.fd = reload->pidfd, .events = POLLIN};
    int ready = poll(&wait, 1, (int)(RELOAD_NS / 1000000));
    if (ready <= 0)
        kill(reload->pid, SIGKILL);
    int status = 0, exit_status = EXIT_NO;
    while (waitpid(reload->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (ready <= 0) {
        error_set(err, ETIMEDOUT, "propfleet-config: no end within %d s", (int)(RELOAD_NS / 1000000000));
    } else if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_CONFIG)) {
        error_set(err, ECHILD, "propfleet-config: ended with %s %d", WIFEXITED(status) ? "status" : "signal",
                  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    } else if (WEXITSTATUS(status) == EXIT_CONFIG) {
        exit_status = EXIT_CONFIG;
    } else if ((supervisor->config = parser_result(reload, err)) != NULL) {
        supervisor->config_fd = reload->out_fd;
        reload->out_fd = -1;
        exit_status = EXIT_DONE;
    }
    parser_close(reload);
    return exit_status;
}

/* --- what may change -------------------------------------------------------------------- */

/* Compiled configurations are laid out in zeroed memory, padding included. */
static bool same_bytes(const void *a, const void *b, size_t size) { return memcmp(a, b, size) == 0; }

static bool same_zone(const struct fleet_config *a, uint32_t i, const struct fleet_config *b, uint32_t k)
{
    return same_bytes(&a->zones[i], &b->zones[k], sizeof a->zones[i]);
}

/* Zones are compared by what they are: their places may move with an account of another firm. */
static bool same_instruments(const struct fleet_config *a, const struct fleet_config *b)
{
    if (a->instrument_count != b->instrument_count)
        return false;
    for (uint32_t i = 0; i < a->instrument_count; i++) {
        struct config_instrument copy;
        memcpy(&copy, &b->instruments[i], sizeof copy);
        copy.session_zone = a->instruments[i].session_zone;
        if (!same_bytes(&copy, &a->instruments[i], sizeof copy) ||
            !same_zone(a, a->instruments[i].session_zone, b, b->instruments[i].session_zone))
            return false;
    }
    return true;
}

static bool same_feed(const struct fleet_config *a, const struct fleet_config *b)
{
    struct config_feed copy;
    memcpy(&copy, &b->feed, sizeof copy);
    copy.day_zone = a->feed.day_zone;
    return same_bytes(&copy, &a->feed, sizeof copy) && same_zone(a, a->feed.day_zone, b, b->feed.day_zone);
}

int reload_allowed(const struct fleet_config *current, const struct fleet_config *next, struct error *err)
{
    const char *group = NULL;
    if (!same_feed(current, next))
        group = "feed";
    else if (!same_instruments(current, next))
        group = "instruments";
    else if (strcmp(current->state_dir, next->state_dir) != 0)
        group = "state folder";
    else if (strcmp(current->runtime_dir, next->runtime_dir) != 0)
        group = "runtime folder";
    else if (strcmp(current->owner, next->owner) != 0)
        group = "owner";
    if (group)
        return error_set(err, EPERM, "%s: cannot change while the fleet runs; stop it and run it again", group);
    return 0;
}

/* A position without its account's process would be an orphan. */
static int removal_allowed(struct supervisor *supervisor, const struct fleet_config *next, struct error *err)
{
    for (uint32_t i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        struct process *process = &supervisor->processes[PROCESS_SLOT_ACCOUNTS + i];
        bool stays = i < next->account_count && next->accounts[i].name[0];
        if (process->used && process->removing && stays)
            return error_set(err, EBUSY, "account %s takes the place of %s, which is still leaving: reload again",
                             next->accounts[i].name, process->name);
        if (process->used && !process->removing && !stays && strcmp(process_flat(process), "not flat") == 0)
            return error_set(err, EPERM, "%s: not flat (%u positions, %u orders); flatten it before it is removed",
                             process->name, process->status.positions, process->status.orders_working);
    }
    return 0;
}

/* --- making it so ------------------------------------------------------------------------ */

struct change {
    unsigned added, restarted, removed, kept;
    char text[2048];
};

static void note(struct change *change, const char *what, const char *name)
{
    size_t n = strlen(change->text);
    snprintf(change->text + n, sizeof change->text - n, "%s %s\n", what, name);
}

static void take_out(struct supervisor *supervisor, struct process *process, struct change *change)
{
    process->removing = true;
    change->removed++;
    bool known = strcmp(process_flat(process), "unknown") != 0;
    note(change, known ? "removed" : "removed (whether it is flat is not known, look at its broker)", process->name);
    process_event(supervisor, process, MACHINE_STOP);
}

static void apply_account(struct supervisor *supervisor, uint32_t index, uint64_t digest_before, struct change *change)
{
    struct process *process = &supervisor->processes[PROCESS_SLOT_ACCOUNTS + index];
    const struct config_account *account = index < supervisor->config->account_count ? &supervisor->config->accounts[index] : NULL;
    bool wanted = account && account->name[0];
    if (!wanted) {
        if (process->used && !process->removing)
            take_out(supervisor, process, change);
    } else if (!process->used) {
        process_configure(process, PROCESS_ACCOUNT, index, account->name);
        change->added++;
        note(change, "added", process->name);
        process_event(supervisor, process, MACHINE_START);
    } else if (account->digest != digest_before) {
        change->restarted++;
        note(change, "restarted", process->name);
        process_event(supervisor, process, MACHINE_RESTART);
    } else {
        change->kept++;
    }
}

/* Takes fd. */
static void apply(struct supervisor *supervisor, const struct fleet_config *next, int fd, struct change *change)
{
    uint64_t digests[CONFIG_ACCOUNTS_MAX] = {0};
    for (uint32_t i = 0; i < supervisor->config->account_count; i++)
        digests[i] = supervisor->config->accounts[i].digest;
    config_unmap(supervisor->config);
    close(supervisor->config_fd);
    supervisor->config = next;
    supervisor->config_fd = fd;
    supervisor_limits_set(supervisor);
    /* Coordinator and feed know an account's section before they hear of the account. */
    channels_send_config(supervisor);
    for (uint32_t i = 0; i < CONFIG_ACCOUNTS_MAX; i++)
        apply_account(supervisor, i, digests[i], change);
}

/* From the parser's result to the running fleet. */
static int take_result(struct supervisor *supervisor, struct change *change, struct error *err)
{
    struct reload *reload = &supervisor->reload;
    const struct fleet_config *parsed = parser_result(reload, err);
    struct fleet_config *merged = parsed ? malloc(config_size(parsed)) : NULL;
    const struct fleet_config *next = NULL;
    int fd = -1, rc = -EINVAL;
    if (!parsed)
        goto out;
    if (!merged) {
        rc = error_set(err, ENOMEM, "no memory");
        goto out;
    }
    memcpy(merged, parsed, config_size(parsed)); /* the calendar too */
    rc = config_merge(supervisor->config, merged, err);
    rc = rc < 0 ? rc : reload_allowed(supervisor->config, merged, err);
    rc = rc < 0 ? rc : removal_allowed(supervisor, merged, err);
    if (rc < 0)
        goto out;
    fd = config_seal(merged, err);
    next = fd < 0 ? NULL : config_map(fd, err);
    if (!next) {
        rc = -EINVAL;
        supervisor_close(&fd);
        goto out;
    }
    apply(supervisor, next, fd, change);
out:
    config_unmap(parsed);
    free(merged);
    return rc;
}

static void finish(struct supervisor *supervisor, int status)
{
    struct reload *reload = &supervisor->reload;
    struct change change = {0};
    struct error err = {0};
    reload->errors[reload->errors_length] = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG) {
        log_error("reload: the configuration has errors, nothing was changed");
        socket_reload_done(supervisor, EXIT_CONFIG, "the configuration has errors, nothing was changed", reload->errors);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        log_error("reload: propfleet-config ended with wait status %#x, nothing was changed", (unsigned)status);
        socket_reload_done(supervisor, EXIT_NO, "propfleet-config failed, nothing was changed", reload->errors);
    } else if (supervisor->stop != STOP_NONE) {
        socket_reload_done(supervisor, EXIT_NO, "the fleet is stopping", NULL);
    } else if (take_result(supervisor, &change, &err) < 0) {
        log_error("reload: %s; nothing was changed", err.text);
        socket_reload_done(supervisor, EXIT_NO, err.text, NULL);
    } else {
        log_info("reload: %u added, %u restarted, %u removed, %u unchanged", change.added, change.restarted,
                 change.removed, change.kept);
        char *body = NULL;
        if (asprintf(&body, "%s%u added, %u restarted, %u removed, %u unchanged\n%s", change.text, change.added,
                     change.restarted, change.removed, change.kept, reload->errors) < 0)
            body = NULL;
        socket_reload_done(supervisor, EXIT_DONE, NULL, body);
        free(body);
    }
}

int reload_start(struct supervisor *supervisor, uint64_t *round, struct error *err)
{
    struct reload *reload = &supervisor->reload;
    int ends[2];
    if (reload->pid) {
        reload->again = true;
        *round = reload->round + 1;
        return 0;
    }
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(err, errno, "pipe");
    int rc = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? parser_start(supervisor, ends[1], err)
                                                      : error_errno(err, errno, "pipe");
    close(ends[1]);
    reload->errors_fd = ends[0];
    reload->errors_length = 0;
    reload->deadline_ns = supervisor->served.now_ns + RELOAD_NS;
    if (rc < 0) {
        parser_close(reload);
        return rc;
    }
    *round = ++reload->round;
    /* Unwatched it is still looked at on SIGCHLD. */
    supervisor_watch(supervisor, reload->pidfd, EPOLLIN, SOURCE_RELOAD_PID, 0);
    supervisor_watch(supervisor, reload->errors_fd, EPOLLIN, SOURCE_RELOAD_ERRORS, 0);
    return 0;
}

void reload_errors(struct supervisor *supervisor)
{
    struct reload *reload = &supervisor->reload;
    char rest[4096] = "";
    for (int i = 0; i < 32 && reload->errors_fd >= 0; i++) {
        size_t room = RELOAD_ERRORS_MAX - reload->errors_length;
        ssize_t n = read(reload->errors_fd, room ? reload->errors + reload->errors_length : rest,
                         room ? room : sizeof rest);
        if (n < 0)
            return;
        if (n == 0) {
            supervisor_close(&reload->errors_fd);
            return;
        }
        if (room)
            reload->errors_length += (size_t)n;
    }
}

void reload_reap(struct supervisor *supervisor)
{
    struct reload *reload = &supervisor->reload;
    int status = 0;
    if (reload->pid == 0 || waitpid(reload->pid, &status, WNOHANG) != reload->pid)
        return;
    reload_errors(supervisor);
    finish(supervisor, status);
    bool again = reload->again;
    parser_close(reload);
    reload->again = false;
    struct error err = {0};
    uint64_t round = reload->round + 1;
    if (again && reload_start(supervisor, &round, &err) < 0) {
        log_error("reload: %s", err.text);
        reload->round = round;
        socket_reload_done(supervisor, EXIT_NO, err.text, NULL);
    }
}

void reload_due(struct supervisor *supervisor)
{
    struct reload *reload = &supervisor->reload;
    if (reload->pid && supervisor->served.now_ns >= reload->deadline_ns) {
        log_error("reload: propfleet-config takes too long, it is ended");
        kill(reload->pid, SIGKILL); /* not yet reaped: the pid is its */
        reload->deadline_ns = supervisor->served.now_ns + RELOAD_NS;
    }
}

int64_t reload_next_ns(const struct supervisor *supervisor)
{
    return supervisor->reload.pid ? supervisor->reload.deadline_ns : INT64_MAX;
}

void reload_abandon(struct supervisor *supervisor)
{
    struct reload *reload = &supervisor->reload;
    if (reload->pid == 0)
        return;
    kill(reload->pid, SIGKILL);
    waitpid(reload->pid, NULL, 0);
    parser_close(reload);
}
