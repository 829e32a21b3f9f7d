#include "supervisor/launch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "shm/history.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "supervisor/process.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"

extern char **environ;

char **launch_environment(void)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0, n = 0; copy && i < count; i++)
        if (strncmp(environ[i], "JOURNAL_STREAM=", 15) != 0 && strncmp(environ[i], "NOTIFY_SOCKET=", 14) != 0)
            copy[n++] = environ[i];
    return copy;
}

int launch_check_programs(const struct options *options, struct error *err)
{
    for (unsigned kind = 0; kind < PROCESS_KIND_COUNT; kind++) {
        char path[PATH_MAX];
        if (options_program(options, process_program(kind), path, sizeof path) != 0)
            return error_set(err, ENAMETOOLONG, "%s: path is too long", options->libexec);
        if (access(path, X_OK) != 0)
            return error_errno(err, errno, "%s", path);
    }
    return 0;
}

static int make_segment(int *fd, const char *name, size_t size, struct error *err)
{
    int rc = segment_create(name, size, err);
    if (rc < 0)
        return rc;
    *fd = rc;
    return 0;
}

static int make_resources(struct supervisor *supervisor, struct process *process, struct error *err)
{
    int rc = make_segment(&process->cell_fd, "cell", CELL_SIZE_BYTES, err);
    if (rc < 0)
        return rc;
    if (process->kind == PROCESS_FEED) {
        const struct fleet_config *config = supervisor->config;
        rc = make_segment(&process->ring_fd, "ring", ring_size_bytes(config->feed.ring_slots), err);
        if (rc == 0)
            rc = make_segment(&process->history_fd, "history",
                              history_size_bytes(config->instrument_count, config->feed.history_bars), err);
        return rc;
    }
    if (process->kind == PROCESS_ACCOUNT) {
        process->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (process->wake_fd < 0)
            return error_errno(err, errno, "%s: eventfd", process->name);
    }
    return 0;
}

/* Channel and log pipe: our ends stand in the process, the child's ends in *channel and *output. */
static int make_ends(struct supervisor *supervisor, struct process *process, int *channel, int *output, struct error *err)
{
    int pair[2], ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_errno(err, errno, "%s: socketpair", process->name);
    process->channel = pair[0];
    *channel = pair[1];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(err, errno, "%s: pipe", process->name);
    *output = ends[1];
    const struct logpipe_limits limits = {supervisor->settings.log_bytes_per_turn,
                                          supervisor->settings.log_queue_bytes};
    logpipe_open(&process->log, ends[0], &limits, supervisor->served.now_ns);
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        return error_errno(err, errno, "%s: pipe", process->name);
    return 0;
}

static int start(struct supervisor *supervisor, struct process *process, int channel, int output, struct error *err)
{
    char path[PATH_MAX], index[16], generation[24];
    char account_word[] = "--account", generation_word[] = "--generation";
    if (options_program(&supervisor->options, process_program(process->kind), path, sizeof path) != 0)
        return error_set(err, ENAMETOOLONG, "%s: path is too long", supervisor->options.libexec);
    snprintf(index, sizeof index, "%" PRIu32, process->account);
    snprintf(generation, sizeof generation, "%" PRIu64, process->generation);
    char *argv[8];
    int n = 0;
    argv[n++] = process->name;
    if (process->kind == PROCESS_ACCOUNT) {
        argv[n++] = account_word;
        argv[n++] = index;
    }
    argv[n++] = generation_word;
    argv[n++] = generation;
    argv[n] = NULL;

    struct spawn spawn;
    spawn_init(&spawn, path, argv, supervisor->child_environment);
    spawn.fds[0] = supervisor->null_fd;
    spawn.fds[1] = spawn.fds[2] = output;
    spawn.fds[CONTROL_FD] = channel;
    spawn.fds[CONFIG_FD] = supervisor->config_fd;
    spawn.fds[CELL_FD] = process->cell_fd;
    spawn.fds[RING_FD] = process->ring_fd;
    spawn.fds[HISTORY_FD] = process->history_fd;
    spawn.fds[WAKE_FD] = process->wake_fd;
    return spawn_start(&spawn, &process->pid, &process->pidfd, err);
}

static int watch(struct supervisor *supervisor, struct process *process, struct error *err)
{
    uint32_t slot = (uint32_t)(process - supervisor->processes);
    if (supervisor_watch(supervisor, process->pidfd, EPOLLIN, SOURCE_PIDFD, slot) < 0 ||
        supervisor_watch(supervisor, process->channel, EPOLLIN, SOURCE_CHANNEL, slot) < 0 ||
        supervisor_watch(supervisor, process->log.fd, EPOLLIN, SOURCE_LOG, slot) < 0)
        return error_set(err, ENOMEM, "%s: epoll", process->name);
    return 0;
}

int launch(struct supervisor *supervisor, struct process *process, struct error *err)
{
    int channel = -1, output = -1;
    assert(process->pid == 0 && process->pidfd < 0);
    uint64_t *latest = &supervisor->slot_generations[process - supervisor->processes];
    int rc = generations_next(&supervisor->generations, process->name, *latest, &process->generation, err);
    if (rc == 0)
        *latest = process->generation;
    if (rc == 0)
        rc = make_resources(supervisor, process, err);
    if (rc == 0)
        rc = make_ends(supervisor, process, &channel, &output, err);
    if (rc == 0)
        rc = start(supervisor, process, channel, output, err);
    if (rc == 0) {
        process->started_mono_ns = supervisor_mono_ns();
        /* A process that could not be watched is one that died at once: its pidfd is looked at on each SIGCHLD. */
        if (watch(supervisor, process, err) < 0)
            process_remember(process, err->text);
    }
    supervisor_close(&channel);
    supervisor_close(&output);
    return rc;
}
