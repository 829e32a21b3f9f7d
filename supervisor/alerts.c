#include "supervisor/alerts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "supervisor/spawn.h"

#define MINUTE_NS INT64_C(60000000000)
#define RETRY_NS INT64_C(1000000000)

static const char *const severities[] = {"info", "warning", "error"};

static const struct {
    const char *name, *todo;
} kinds[ALERT_KIND_COUNT] = {
    [ALERT_DEATH] = {"death", "nothing if it stays up: it was restarted; see its log for the reason"},
    [ALERT_HUNG] = {"hung", "nothing if it stays up: it was ended and restarted; look for a stopped or overloaded host"},
    [ALERT_FAILED] = {"failed", "it will not be started again: check the account at its broker, mend the cause, then "
                                "propfleet account restart NAME"},
    [ALERT_SPAWN] = {"spawn", "the program could not be started and is tried again: check the installation"},
    [ALERT_STORM] = {"storm", "many processes died at once and restarts are held: check the host (memory, disk), then the logs"},
    [ALERT_STUCK] = {"stuck", "the process does not die although it was killed: check the host's disks"},
    [ALERT_LATER] = {"later", "it cannot work now and is tried again: see why; another process may hold its state"},
    [ALERT_CHILD] = {"account", "propfleet why NAME; propfleet status"},
};

/* --- JSON ----------------------------------------------------------------------- */

static void time_format(int64_t wall_ns, char *buf, size_t size)
{
    time_t s = (time_t)(wall_ns / 1000000000);
    struct tm utc;
    gmtime_r(&s, &utc);
    size_t n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(buf + n, size - n, ".%03dZ", (int)(wall_ns / 1000000 % 1000));
}

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

char *alerts_json(const struct alert *alert)
{
    char when[40];
    time_format(alert->wall_ns, when, sizeof when);
    json_t *object = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i}", "id", (json_int_t)alert->id, "time", when,
                               "severity", severities[alert->severity], "kind", kinds[alert->kind].name, "account",
                               alert->account, "process", alert->process, "why", alert->why, "flat", alert->flat, "do",
                               kinds[alert->kind].todo, "count", (int)alert->count);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

static unsigned name_find(const char *name, const char *(*at)(unsigned), unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(at(i), name) == 0)
            return i;
    return 0;
}
static const char *severity_at(unsigned i) { return severities[i]; }
static const char *kind_at(unsigned i) { return kinds[i].name; }

/* Text in a fixed field; not UTF-8 would make no JSON, so it becomes '?'. */
static void text_copy(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (; n + 1 < size && from[n]; n++)
        to[n] = (unsigned char)from[n] >= 0x80 || (unsigned char)from[n] < 0x20 ? '?' : from[n];
    to[n] = 0;
}

/* --- the list ------------------------------------------------------------------------ */

static void forget(struct alerts *alerts, uint32_t index)
{
    assert(index < alerts->count);
    alerts->count--;
    memmove(&alerts->open[index], &alerts->open[index + 1], (alerts->count - index) * sizeof alerts->open[0]);
}

static struct alert *append(struct alerts *alerts)
{
    if (alerts->count == ALERTS_OPEN_MAX) {
        alerts->lost++;
        log_warning("alert %" PRIu64 " is no longer repeated: more than %d are not acknowledged", alerts->open[0].id,
                    ALERTS_OPEN_MAX);
        forget(alerts, 0);
    }
    struct alert *alert = &alerts->open[alerts->count++];
    memset(alert, 0, sizeof *alert);
    return alert;
}

static struct alert *find_same(struct alerts *alerts, const struct alert_facts *facts, int64_t now_ns)
{
    char why[ALERT_TEXT_MAX];
    text_copy(why, sizeof why, facts->why);
    for (uint32_t i = 0; i < alerts->count; i++) {
        struct alert *alert = &alerts->open[i];
        if (!alert->loaded && now_ns - alert->raised_ns < ALERTS_FOLD_NS && alert->kind == facts->kind &&
            strcmp(alert->process, facts->process) == 0 &&
            (facts->kind != ALERT_CHILD || strcmp(alert->why, why) == 0))
            return alert;
    }
    return NULL;
}

void alerts_raise(struct alerts *alerts, const struct alert_facts *facts, int64_t now_ns)
{
    assert((unsigned)facts->kind < ALERT_KIND_COUNT && (unsigned)facts->severity <= ALERT_ERROR);
    struct alert *alert = find_same(alerts, facts, now_ns);
    if (alert) {
        if (alert->count < INT32_MAX)
            alert->count++;
        text_copy(alert->why, sizeof alert->why, facts->why);
        text_copy(alert->flat, sizeof alert->flat, facts->flat);
        return;
    }
    alert = append(alerts);
    alert->id = alerts->next_id++;
    alert->kind = facts->kind;
    alert->severity = facts->severity;
    alert->wall_ns = wall_ns();
    alert->count = 1;
    alert->raised_ns = alert->repeat_at_ns = now_ns;
    text_copy(alert->account, sizeof alert->account, facts->account);
    text_copy(alert->process, sizeof alert->process, facts->process);
    text_copy(alert->flat, sizeof alert->flat, facts->flat);
    text_copy(alert->why, sizeof alert->why, facts->why);
    log_write(facts->severity == ALERT_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "alert %" PRIu64 ": %s: %s", alert->id,
              alert->process, alert->why);
}

/* --- the file -------------------------------------------------------------------------- */

static void line_take_alert(struct alerts *alerts, json_t *object)
{
    json_int_t id = 0;
    const char *when = "", *severity = "", *kind = "", *account = "", *process = "", *flat = "", *why = "";
    if (json_unpack(object, "{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", &id, "time", &when, "severity", &severity, "kind",
                    &kind, "account", &account, "process", &process, "flat", &flat, "why", &why) != 0 ||
        id <= 0)
        return;
    if ((uint64_t)id >= alerts->next_id)
        alerts->next_id = (uint64_t)id + 1;
    struct alert *alert = append(alerts);
    alert->id = (uint64_t)id;
    alert->severity = (enum alert_severity)name_find(severity, severity_at, ALERT_ERROR + 1);
    alert->kind = (enum alert_kind)name_find(kind, kind_at, ALERT_KIND_COUNT);
    alert->count = 1;
    alert->written = alert->loaded = true;
    struct tm utc = {0};
    const char *rest = strptime(when, "%Y-%m-%dT%H:%M:%S", &utc);
    int ms = 0;
    if (rest && sscanf(rest, ".%3dZ", &ms) == 1)
        alert->wall_ns = (int64_t)timegm(&utc) * 1000000000 + (int64_t)ms * 1000000;
    text_copy(alert->account, sizeof alert->account, account);
    text_copy(alert->process, sizeof alert->process, process);
    text_copy(alert->flat, sizeof alert->flat, flat);
    text_copy(alert->why, sizeof alert->why, why);
}

static void acknowledged(struct alerts *alerts, uint64_t id)
{
    for (uint32_t i = 0; i < alerts->count; i++)
        if (alerts->open[i].id == id) {
            forget(alerts, i);
            return;
        }
}

/* A line that is not ours (torn by a power cut) is skipped. */
static void line_take(struct alerts *alerts, const char *line)
{
    json_t *object = json_loads(line, 0, NULL);
    json_t *ack = object ? json_object_get(object, "ack") : NULL;
    if (json_is_integer(ack))
        acknowledged(alerts, (uint64_t)json_integer_value(ack));
    else if (object)
        line_take_alert(alerts, object);
    json_decref(object);
}

static int file_read(struct alerts *alerts, struct error *err)
{
    FILE *file = fopen(alerts->path, "re");
    if (!file)
        return error_errno(err, errno, "open %s", alerts->path);
    struct stat st;
    if (fstat(fileno(file), &st) == 0 && st.st_size > ALERTS_FILE_MAX)
        fseek(file, -(long)ALERTS_FILE_MAX, SEEK_END);
    char *line = NULL;
    size_t room = 0;
    ssize_t n = 0;
    bool torn = false;
    while ((n = getline(&line, &room, file)) > 0) {
        torn = line[n - 1] != '\n';
        line_take(alerts, line);
    }
    free(line);
    fclose(file);
    if (torn && write(alerts->fd, "\n", 1) != 1)
        return error_errno(err, errno, "write %s", alerts->path);
    return 0;
}

int alerts_open(struct alerts *alerts, const char *state_dir, struct error *err)
{
    memset(alerts, 0, sizeof *alerts);
    alerts->next_id = 1;
    snprintf(alerts->path, sizeof alerts->path, "%s/alerts.jsonl", state_dir);
    alerts->fd = open(alerts->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (alerts->fd < 0)
        return error_errno(err, errno, "open %s", alerts->path);
    return file_read(alerts, err);
}

/* Append one line whole. A short write (disk full) is made a line of its own, which a reader skips. */
static int line_write(struct alerts *alerts, const char *json)
{
    size_t n = strlen(json);
    char *line = malloc(n + 2);
    if (!line)
        return -ENOMEM;
    memcpy(line, json, n);
    line[n] = '\n';
    line[n + 1] = 0;
    ssize_t wrote = write(alerts->fd, line, n + 1);
    int rc = wrote < 0 ? -errno : (size_t)wrote != n + 1 ? -ENOSPC : 0;
    free(line);
    if (rc == -ENOSPC && wrote > 0 && write(alerts->fd, "\n", 1) != 1)
        log_debug("%s: torn line stays", alerts->path);
    return rc;
}

static void write_queued(struct alerts *alerts)
{
    bool any = false, failed = false;
    for (uint32_t i = 0; i < alerts->count && !failed; i++) {
        if (alerts->open[i].written)
            continue;
        char *json = alerts_json(&alerts->open[i]);
        failed = !json || line_write(alerts, json) != 0;
        free(json);
        alerts->open[i].written = !failed;
        any = true;
    }
    if (any && !failed && fdatasync(alerts->fd) != 0)
        failed = true;
    if (failed && !alerts->write_failed)
        log_error("%s: cannot be written: alerts are not durable", alerts->path);
    if (any)
        alerts->write_failed = failed;
}

int alerts_acknowledge(struct alerts *alerts, uint64_t id, struct error *err)
{
    uint32_t i = 0;
    while (i < alerts->count && alerts->open[i].id != id)
        i++;
    if (i == alerts->count)
        return error_set(err, ENOENT, "alert %" PRIu64 ": there is none, or it is acknowledged", id);
    char line[96], when[40];
    time_format(wall_ns(), when, sizeof when);
    snprintf(line, sizeof line, "{\"ack\":%" PRIu64 ",\"time\":\"%s\"}", id, when);
    int rc = line_write(alerts, line);
    if (rc == 0 && fdatasync(alerts->fd) != 0)
        rc = -errno;
    if (rc < 0)
        return error_errno(err, -rc, "write %s", alerts->path);
    forget(alerts, i);
    return 0;
}

/* --- the command ------------------------------------------------------------------------- */

/* The alert in a memfd that stands at its beginning. */
static int stdin_make(const char *json)
{
    int fd = memfd_create("alert", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t n = strlen(json);
    if (write(fd, json, n) != (ssize_t)n || write(fd, "\n", 1) != 1 || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int run(struct alerts *alerts, int slot, const struct alert *alert, const struct alert_limits *limits, int64_t now_ns)
{
    char *json = alerts_json(alert);
    int in = json ? stdin_make(json) : -1;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    free(json);
    char command[CONFIG_PATH_MAX];
    snprintf(command, sizeof command, "%s", limits->command);
    char *argv[] = {command, NULL};
    struct spawn spawn;
    spawn_init(&spawn, command, argv, limits->environment);
    spawn.fds[0] = in;
    spawn.fds[1] = spawn.fds[2] = null;
    struct error err = {0};
    struct alert_run *entry = &alerts->runs[slot];
    int rc = in < 0 || null < 0 ? error_set(&err, EMFILE, "no descriptor")
                                : spawn_start(&spawn, &entry->pid, &entry->pidfd, &err);
    if (in >= 0)
        close(in);
    if (null >= 0)
        close(null);
    if (rc < 0) {
        entry->pid = 0;
        log_error("alert command: %s", err.text);
        return rc;
    }
    entry->deadline_ns = now_ns + ALERTS_RUN_NS;
    return 0;
}

void alerts_reap(struct alerts *alerts, int slot)
{
    assert(slot >= 0 && slot < ALERTS_RUNS_MAX);
    struct alert_run *entry = &alerts->runs[slot];
    int status = 0;
    if (entry->pid == 0 || waitpid(entry->pid, &status, WNOHANG) != entry->pid)
        return;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        log_error("alert command: ended with %s %d", WIFEXITED(status) ? "status" : "signal",
                  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    close(entry->pidfd);
    *entry = (struct alert_run){.pidfd = -1};
}

static int free_run(const struct alerts *alerts)
{
    for (int i = 0; i < ALERTS_RUNS_MAX; i++)
        if (alerts->runs[i].pid == 0)
            return i;
    return -1;
}

static bool rate_allows(struct alerts *alerts, const struct alert_limits *limits, int64_t now_ns)
{
    if (now_ns - alerts->minute_ns >= MINUTE_NS || alerts->minute_ns == 0) {
        if (alerts->suppressed)
            log_warning("alert command: %u runs were put off by the rate limit", alerts->suppressed);
        alerts->minute_ns = now_ns;
        alerts->minute_runs = alerts->suppressed = 0;
    }
    return alerts->minute_runs < limits->per_minute;
}

int alerts_flush(struct alerts *alerts, const struct alert_limits *limits, int64_t now_ns, int new_runs[ALERTS_RUNS_MAX])
{
    int count = 0;
    write_queued(alerts);
    for (int i = 0; i < ALERTS_RUNS_MAX; i++)
        if (alerts->runs[i].pid && now_ns >= alerts->runs[i].deadline_ns)
            kill(-alerts->runs[i].pid, SIGKILL); /* its process group, not yet reaped */
    if (!limits->command[0])
        return 0;
    for (uint32_t i = 0; i < alerts->count && count < ALERTS_RUNS_MAX; i++) {
        struct alert *alert = &alerts->open[i];
        if (now_ns < alert->repeat_at_ns)
            continue;
        int slot = free_run(alerts);
        if (slot < 0 || !rate_allows(alerts, limits, now_ns)) {
            alerts->suppressed += slot >= 0;
            alert->repeat_at_ns = now_ns + RETRY_NS;
            continue;
        }
        alerts->minute_runs++;
        bool ran = run(alerts, slot, alert, limits, now_ns) == 0;
        alert->repeat_at_ns = now_ns + (ran ? limits->repeat_ns : RETRY_NS);
        if (ran)
            new_runs[count++] = slot;
    }
    return count;
}

int64_t alerts_next_ns(const struct alerts *alerts, const struct alert_limits *limits)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; limits->command[0] && i < alerts->count; i++)
        next = alerts->open[i].repeat_at_ns < next ? alerts->open[i].repeat_at_ns : next;
    for (int i = 0; i < ALERTS_RUNS_MAX; i++)
        if (alerts->runs[i].pid && alerts->runs[i].deadline_ns < next)
            next = alerts->runs[i].deadline_ns;
    return next;
}
