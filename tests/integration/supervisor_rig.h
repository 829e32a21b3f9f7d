/* supervisor_rig: a supervisor with fake children in a folder of its own, for test_supervisor.c.
 *
 * Every wait has a deadline and looks for the event itself. Whatever a test leaves running is ended by
 * pid in rig_close; the supervisor dies with the test (parent-death signal), its children with it.
 */
#ifndef PROPFLEET_TESTS_SUPERVISOR_RIG_H
#define PROPFLEET_TESTS_SUPERVISOR_RIG_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#define RIG_WAIT_MS 20000

struct rig {
    char folder[128];
    pid_t pid; /* 0: not running */
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
/* Write a file of the rig's folder; config/accounts, config/settings, config/behaviour.NAME, config/errors, config/end.
 * NULL removes it. */
void rig_write(const struct rig *rig, const char *name, const char *text);
void rig_path(const struct rig *rig, const char *name, char *buf, size_t size);
/* Start it; its stderr is appended to the file log. */
void rig_start(struct rig *rig);
/* As rig_start, and wait until its log says that the fleet is ready. */
void rig_start_ready(struct rig *rig);
pid_t rig_spawn_supervisor(const struct rig *rig, const char *log_name);
/* Wait for its exit; its exit status, or -signal; fails after RIG_WAIT_MS. */
int rig_wait_exit(struct rig *rig);
int rig_wait_pid_exit(pid_t pid);

/* One request; the whole answer, malloc'ed; "" when the connection was closed without one. */
char *rig_ask(const struct rig *rig, const char *line);
int rig_connect(const struct rig *rig);
json_t *rig_status(const struct rig *rig);
/* Borrowed from status; NULL: none. */
json_t *rig_process(json_t *status, const char *name);
pid_t rig_pid(const struct rig *rig, const char *name);
void rig_wait_state(const struct rig *rig, const char *name, const char *state);
/* READY, and another pid than `before`. Returns the new one. */
pid_t rig_wait_restarted(const struct rig *rig, const char *name, pid_t before);
/* The file (trace: state/trace, log) has `count` lines that contain all of these texts. */
int rig_count(const struct rig *rig, const char *file, const char *a, const char *b);
void rig_wait_count(const struct rig *rig, const char *file, const char *a, const char *b, int count);
/* Byte offset of the first such line, -1: none. */
long rig_find(const struct rig *rig, const char *file, const char *a, const char *b);
long rig_size(const struct rig *rig, const char *file);
double rig_now_s(void);
/* One step of a wait; fails the test beyond the deadline. */
void rig_step(double started_s, const char *what, const char *detail);

#endif
