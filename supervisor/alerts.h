/* alerts: what a person must know. Durable first, then the configured command, until acknowledged.
 *
 * STATE/alerts.jsonl, one JSON object a line, appended and synced: {"id", "time", "severity", "kind",
 * "account", "process", "why", "flat", "do"}; an acknowledgement is a line {"ack", "time"}. The command
 * (a program) runs at once with the object on its stdin, at most per_minute times a minute, and
 * again each repeat_ns until somebody acknowledges. A further alert of the same kind about the same process
 * (from a child: with the same text) within ALERTS_FOLD_NS of an open one is counted there, not written again.
 *
 * alerts_raise only queues; alerts_flush, at the end of a turn, writes and runs: a restart does not
 * wait for the disk. A file that cannot be written is said in the log and tried again; the command runs anyway.
 */
#ifndef PROPFLEET_SUPERVISOR_ALERTS_H
#define PROPFLEET_SUPERVISOR_ALERTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"

struct error;

#define ALERTS_OPEN_MAX 128 /* not acknowledged and held here; the oldest leaves, and stays in the file */
#define ALERTS_RUNS_MAX 4   /* commands at a time */
#define ALERTS_RUN_NS INT64_C(30000000000)
#define ALERTS_FILE_MAX (16 << 20) /* bytes read at start, the newest */
#define ALERTS_FOLD_NS INT64_C(60000000000)
#define ALERT_TEXT_MAX 512

enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_ERROR };
/* What it is about; each has a text of what to do. */
enum alert_kind { ALERT_DEATH, ALERT_HUNG, ALERT_FAILED, ALERT_SPAWN, ALERT_STORM, ALERT_STUCK, ALERT_LATER, ALERT_CHILD,
                  ALERT_KIND_COUNT };

struct alert_facts {
    enum alert_kind kind;
    enum alert_severity severity;
    const char *account, *process; /* account "": none */
    const char *flat;              /* "flat", "not flat", "unknown", "" where it does not apply */
    const char *why;
};

struct alert {
    uint64_t id;
    enum alert_kind kind;
    enum alert_severity severity;
    int64_t wall_ns;
    uint32_t count;          /* times it happened */
    bool written;            /* durable */
    bool loaded;             /* of an earlier supervisor: nothing is folded into it */
    int64_t raised_ns, repeat_at_ns;
    char account[CONFIG_NAME_MAX], process[CONFIG_NAME_MAX + 16], flat[16], why[ALERT_TEXT_MAX];
};

struct alert_run {
    pid_t pid; /* 0: free */
    int pidfd;
    int64_t deadline_ns;
};

struct alerts {
    int fd;
    char path[CONFIG_PATH_MAX + 32];
    uint64_t next_id, lost; /* lost: left ALERTS_OPEN_MAX unacknowledged */
    uint32_t count;
    struct alert open[ALERTS_OPEN_MAX]; /* oldest first */
    struct alert_run runs[ALERTS_RUNS_MAX];
    int64_t minute_ns;       /* begin of the minute of the rate limit */
    uint32_t minute_runs, suppressed;
    bool write_failed;
};

struct alert_limits {
    const char *command; /* empty: none */
    uint32_t per_minute;
    int64_t repeat_ns;
    char *const *environment;
};

/* Opens (0600) and reads what is not acknowledged. */
int alerts_open(struct alerts *alerts, const char *state_dir, struct error *err);
void alerts_raise(struct alerts *alerts, const struct alert_facts *facts, int64_t now_ns);
/* Write what is queued, run what is due. Fills new_runs with the slots (indices into runs) of new commands and
 * returns their number: the caller watches their pidfds. */
int alerts_flush(struct alerts *alerts, const struct alert_limits *limits, int64_t now_ns, int new_runs[ALERTS_RUNS_MAX]);
/* The command of a slot has ended, or might have. */
void alerts_reap(struct alerts *alerts, int slot);
/* When alerts_flush next has something to do; INT64_MAX: nothing. */
int64_t alerts_next_ns(const struct alerts *alerts, const struct alert_limits *limits);
/* 0, -ENOENT: no open alert has this id. */
int alerts_acknowledge(struct alerts *alerts, uint64_t id, struct error *err);
/* One open alert as a JSON object without a newline, malloc'ed; NULL: no memory. */
char *alerts_json(const struct alert *alert);

#endif
