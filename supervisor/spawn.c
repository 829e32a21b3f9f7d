#include "supervisor/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

void spawn_init(struct spawn *spawn, const char *path, char *const *argv, char *const *envp)
{
    *spawn = (struct spawn){.path = path, .argv = argv, .envp = envp};
    for (int i = 0; i < CHILD_FD_LIMIT; i++)
        spawn->fds[i] = -1;
}

/* A source that is itself one of the fixed numbers would be overwritten before it is copied: it is
 * moved out of the way first. temporary[i] is to be closed. */
static int sources_take(const struct spawn *spawn, int sources[], int temporary[])
{
    for (int i = 0; i < CHILD_FD_LIMIT; i++)
        sources[i] = spawn->fds[i];
    for (int i = 0; i < CHILD_FD_LIMIT; i++) {
        if (sources[i] < 0 || sources[i] >= CHILD_FD_LIMIT)
            continue;
        temporary[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, CHILD_FD_LIMIT);
        if (temporary[i] < 0)
            return errno;
        sources[i] = temporary[i];
    }
    return 0;
}

static int actions_fill(posix_spawn_file_actions_t *actions, const int sources[])
{
    int rc = 0;
    for (int i = 0; i < CHILD_FD_LIMIT && rc == 0; i++)
        rc = sources[i] >= 0 ? posix_spawn_file_actions_adddup2(actions, sources[i], i)
                             : posix_spawn_file_actions_addclose(actions, i);
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, CHILD_FD_LIMIT);
}

static int attributes_fill(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attributes, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(attributes, &all);
    rc = rc ? rc : posix_spawnattr_setpgroup(attributes, 0);
    return rc ? rc
              : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETPGROUP);
}

static int start(const struct spawn *spawn, const int sources[], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = actions_fill(&actions, sources);
        rc = rc ? rc : attributes_fill(&attributes);
        rc = rc ? rc : posix_spawn(pid, spawn->path, &actions, &attributes, spawn->argv, spawn->envp);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

int spawn_start(const struct spawn *spawn, pid_t *pid, int *pidfd, struct error *err)
{
    assert(spawn->path && spawn->argv && spawn->argv[0] && pid && pidfd);
    int sources[CHILD_FD_LIMIT], temporary[CHILD_FD_LIMIT];
    for (int i = 0; i < CHILD_FD_LIMIT; i++)
        temporary[i] = -1;

    int rc = sources_take(spawn, sources, temporary);
    if (rc == 0)
        rc = start(spawn, sources, pid);
    for (int i = 0; i < CHILD_FD_LIMIT; i++)
        if (temporary[i] >= 0)
            close(temporary[i]);
    if (rc)
        return error_errno(err, rc, "%s", spawn->path);

    /* Nobody else reaps our children, so the pid cannot have passed to another process. */
    *pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
    if (*pidfd < 0) {
        rc = errno;
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
        return error_errno(err, rc, "%s: pidfd_open", spawn->path);
    }
    return 0;
}
