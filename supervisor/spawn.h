/* spawn: start a program with fixed descriptors and nothing else.
 *
 * posix_spawn of glibc is clone(CLONE_VM | CLONE_VFORK): no page table is copied, so a start costs
 * about a millisecond whatever the size of the parent, and an exec that fails is returned here, by
 * name. The child has exactly the descriptors that are listed, no signal blocked, default
 * dispositions, and a process group of its own (a Ctrl-C in a terminal is the supervisor's to act on).
 * The parent-death signal is not set here but by the child after exec (workers/child).
 */
#ifndef PROPFLEET_SUPERVISOR_SPAWN_H
#define PROPFLEET_SUPERVISOR_SPAWN_H

#include <sys/types.h>

#include "base/control.h"

struct error;

struct spawn {
    const char *path;       /* absolute, or as exec takes it; no search */
    char *const *argv;
    char *const *envp;
    int fds[CHILD_FD_LIMIT]; /* source of descriptor i in the child, borrowed; -1: closed there */
};

/* All descriptors -1. */
void spawn_init(struct spawn *spawn, const char *path, char *const *argv, char *const *envp);
/* 0: *pid runs and *pidfd (close-on-exec) is its descriptor, both the caller's, who reaps it. Otherwise
 * -errno with err "PATH: No such file or directory", and nothing was started. */
int spawn_start(const struct spawn *spawn, pid_t *pid, int *pidfd, struct error *err);

#endif
