#include "workers/child/child.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "shm/segment.h"

#define SAY_WAIT_MS 1000

/* The supervisor is gone: nobody restarts us, nobody watches us. What is durable is durable. */
static _Noreturn void leave_orphaned(void) { _exit(CHILD_EXIT_OK); }

/* Before there is a channel that is known to work, or a cell: a line on stderr is all. */
static _Noreturn __attribute__((format(printf, 1, 2))) void never(const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s", text);
    _exit(CHILD_EXIT_NEVER);
}

/* --- start -------------------------------------------------------------------------- */

static uint64_t parse_number(const char *name, const char *text, uint64_t max)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value > max)
        never("%s %s: not a number up to %llu", name, text, (unsigned long long)max);
    return value;
}

static void parse_arguments(struct child *child, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            never("%s: its value is missing", argv[i]);
        if (strcmp(argv[i], "--account") == 0)
            child->account = (uint32_t)parse_number(argv[i], argv[i + 1], CONFIG_ACCOUNTS_MAX - 1);
        else if (strcmp(argv[i], "--generation") == 0)
            child->generation = parse_number(argv[i], argv[i + 1], UINT64_MAX);
        else
            never("%s: unknown argument", argv[i]);
    }
    if (child->generation == 0)
        never("--generation is missing: this program is started by propfleet-supervisor");
    if ((child->kind == PROCESS_ACCOUNT) != (child->account != CONFIG_NONE))
        never("--account is for accounts, and needed there");
}

static bool supervisor_gone(void)
{
    struct pollfd lifeline = {.fd = CONTROL_FD, .events = 0};
    return poll(&lifeline, 1, 0) != 0 && (lifeline.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* What the kernel is to do for us from now on. */
static void confine(void)
{
    const struct rlimit none = {0, 0};
    signal(SIGPIPE, SIG_IGN);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        never("prctl: %s", strerror(errno));
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        never("setrlimit: %s", strerror(errno));
    /* A supervisor that died before PR_SET_PDEATHSIG sends no signal any more: its end of the lifeline says it. */
    if (supervisor_gone())
        leave_orphaned();
}

static void set_name(struct child *child)
{
    static const char *const names[] = {[PROCESS_COORDINATOR] = "coordinator", [PROCESS_FEED] = "feed"};
    if (child->kind == PROCESS_ACCOUNT)
        snprintf(child->name, sizeof child->name, "account:%s", child->config->accounts[child->account].name);
    else
        snprintf(child->name, sizeof child->name, "%s", names[child->kind]);
    prctl(PR_SET_NAME, child->name); /* the kernel keeps 15 bytes of it */
}

static void map_config(struct child *child)
{
    struct error err = {0};
    child->config = config_map(CONFIG_FD, &err);
    if (!child->config)
        never("configuration: %s", err.text);
    if (child->kind == PROCESS_ACCOUNT &&
        (child->account >= child->config->account_count || !child->config->accounts[child->account].name[0]))
        never("--account %u: the configuration has no such account", child->account);
}

static void map_cell(struct child *child)
{
    struct error err = {0};
    void *memory = NULL;
    size_t size = 0;
    if (segment_map_owner(CELL_FD, CELL_SIZE_BYTES, &memory, &size, &err) < 0)
        never("status cell: %s", err.text);
    child->cell = cell_init(memory, child->generation);
}

void child_init(struct child *child, enum process_kind kind, int argc, char **argv)
{
    assert(kind < PROCESS_KIND_COUNT && argc >= 1);
    memset(child, 0, sizeof *child);
    child->kind = kind;
    child->account = CONFIG_NONE;
    snprintf(child->name, sizeof child->name, "%s", argv[0]);
    log_init(child->name, LOG_TEXT, LOG_LEVEL_INFO);
    parse_arguments(child, argc, argv);
    confine();
    map_config(child);
    set_name(child);
    uint32_t level = child->config->log_level;
    log_init(child->name, child->config->log_json ? LOG_JSON : LOG_TEXT,
             level <= LOG_LEVEL_DEBUG ? (enum log_level)level : LOG_LEVEL_INFO);
    map_cell(child);
    child_turn(child);
    child_say(child, CONTROL_MAPPED, 0, 0);
}

/* --- running ---------------------------------------------------------------------------- */

int64_t child_turn(struct child *child)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    int64_t since = child->heartbeat_ns ? ns - child->heartbeat_ns : 0;
    child->heartbeat_ns = ns;
    cell_set_heartbeat(child->cell, ns);
    return since;
}

int child_handle(struct child *child, struct control_message *out)
{
    int rc = control_receive(CONTROL_FD, out);
    if (rc == -EAGAIN)
        return 0;
    if (rc == 0)
        leave_orphaned();
    if (rc < 0) /* nothing that follows on this channel can be believed */
        child_fatal(child, CHILD_EXIT_TRY_LATER, "control channel: %s", strerror(-rc));
    if (out->type == CONTROL_PING) {
        child_say(child, CONTROL_PONG, out->argument, 0);
        return 0;
    }
    return 1;
}

void child_publish(struct child *child) { cell_write(child->cell, &child->status); }

static void say(struct child *child, struct control_message *message)
{
    message->generation = child->generation;
    int rc = control_send(CONTROL_FD, message);
    if (rc == -EAGAIN) {
        struct pollfd room = {.fd = CONTROL_FD, .events = POLLOUT};
        poll(&room, 1, SAY_WAIT_MS);
        rc = control_send(CONTROL_FD, message);
    }
    if (rc == -EPIPE)
        leave_orphaned();
    if (rc < 0)
        log_error("control channel: message %u was not sent: %s", (unsigned)message->type, strerror(-rc));
}

void child_say(struct child *child, uint32_t type, uint64_t argument, int64_t value)
{
    struct control_message message = {.type = type, .argument = argument, .value = value};
    say(child, &message);
}

void child_say_text(struct child *child, uint32_t type, uint64_t argument, int64_t value, const char *text)
{
    struct control_message message = {.type = type, .argument = argument, .value = value};
    message.payload_size = (uint32_t)strnlen(text, CONTROL_PAYLOAD_MAX);
    memcpy(message.payload, text, message.payload_size);
    say(child, &message);
}

void child_fatal(struct child *child, int exit_status, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s", text);
    snprintf(child->status.text, sizeof child->status.text, "%.*s", CELL_TEXT_MAX - 1, text);
    child_publish(child);
    child_say_text(child, CONTROL_FATAL, 0, exit_status, text);
    _exit(exit_status);
}
