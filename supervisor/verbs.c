#include "supervisor/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "supervisor/channels.h"
#include "supervisor/fleet.h"
#include "supervisor/process.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"

/* The next word of *rest, which moves behind it; "" at the end. */
static char *word(char **rest)
{
    char *start = *rest + strspn(*rest, " ");
    char *end = start + strcspn(start, " ");
    if (*end)
        *end++ = 0;
    *rest = end;
    return start;
}

static void no(struct supervisor *supervisor, struct client *client, int code, const char *format, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, format, what);
    socket_answer(supervisor, client, code, text, NULL);
}

/* The slot of an account's name; answers NO itself and returns NULL when there is none. */
static struct process *account(struct supervisor *supervisor, struct client *client, const char *name)
{
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++) {
        struct process *process = &supervisor->processes[i];
        if (process->used && !process->removing && strcmp(process->name + strlen("account:"), name) == 0)
            return process;
    }
    if (name[0])
        no(supervisor, client, 1, "no account %s; propfleet account list names them", name);
    else
        socket_answer(supervisor, client, 2, "the account's name is missing", NULL);
    return NULL;
}

static bool stopping(struct supervisor *supervisor, struct client *client)
{
    if (supervisor->stop != STOP_NONE)
        socket_answer(supervisor, client, 1, "the fleet is stopping", NULL);
    return supervisor->stop != STOP_NONE;
}

static void verb_status(struct supervisor *supervisor, struct client *client, char *rest)
{
    (void)rest;
    char *json = status_json(supervisor);
    socket_answer(supervisor, client, json ? 0 : 1, "no memory", json);
}

static void verb_reload(struct supervisor *supervisor, struct client *client, char *rest)
{
    (void)rest;
    if (stopping(supervisor, client))
        return;
    struct error err = {0};
    if (reload_start(supervisor, &client->reload_round, &err) < 0)
        socket_answer(supervisor, client, 1, err.text, NULL);
    else
        client->state = CLIENT_RELOAD;
}

static void verb_stop(struct supervisor *supervisor, struct client *client, char *rest)
{
    (void)rest;
    fleet_stop(supervisor, EXIT_DONE, "asked to stop");
    socket_answer(supervisor, client, 0, NULL, NULL);
}

static void verb_restart(struct supervisor *supervisor, struct client *client, char *rest)
{
    struct process *process = account(supervisor, client, word(&rest));
    if (!process || stopping(supervisor, client))
        return;
    process_event(supervisor, process, MACHINE_RESTART);
    socket_answer(supervisor, client, 0, NULL, NULL);
}

static void verb_start(struct supervisor *supervisor, struct client *client, char *rest)
{
    struct process *process = account(supervisor, client, word(&rest));
    if (!process || stopping(supervisor, client))
        return;
    process_event(supervisor, process, MACHINE_START);
    socket_answer(supervisor, client, 0, NULL, NULL);
}

static void verb_command(struct supervisor *supervisor, struct client *client, char *rest)
{
    struct process *process = account(supervisor, client, word(&rest));
    if (!process)
        return;
    rest += strspn(rest, " ");
    if (!rest[0] || strlen(rest) > CONTROL_PAYLOAD_MAX) {
        socket_answer(supervisor, client, 2, "account-command NAME VERB ARGUMENTS, at most 1024 bytes", NULL);
        return;
    }
    uint64_t id = ++supervisor->socket.next_command;
    client->state = CLIENT_COMMAND;
    client->command_id = id;
    client->command_slot = (uint32_t)(process - supervisor->processes);
    client->deadline_ns = supervisor->served.now_ns + SOCKET_COMMAND_NS;
    if (channels_send_command(supervisor, process, id, rest) == 0)
        return;
    char text[128];
    snprintf(text, sizeof text, "%s does not run now: %s", process->name, machine_state_name(process->machine.state));
    socket_answer(supervisor, client, 1, text, NULL);
}

static void verb_alerts(struct supervisor *supervisor, struct client *client, char *rest)
{
    (void)rest;
    char *body = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&body, &size);
    for (uint32_t i = 0; stream && i < supervisor->alerts.count; i++) {
        char *json = alerts_json(&supervisor->alerts.open[i]);
        if (json)
            fprintf(stream, "%s\n", json);
        free(json);
    }
    if (stream)
        fclose(stream);
    socket_answer(supervisor, client, body ? 0 : 1, "no memory", body);
}

static void verb_ack(struct supervisor *supervisor, struct client *client, char *rest)
{
    const char *text = word(&rest);
    char *end = NULL;
    errno = 0;
    uint64_t id = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno) {
        no(supervisor, client, 2, "ack ID: '%s' is no number", text);
        return;
    }
    struct error err = {0};
    int rc = alerts_acknowledge(&supervisor->alerts, id, &err);
    socket_answer(supervisor, client, rc < 0 ? 1 : 0, err.text, NULL);
}

static const struct {
    const char *name;
    void (*run)(struct supervisor *supervisor, struct client *client, char *rest);
} verbs[] = {
    {"status", verb_status},
    {"reload", verb_reload},
    {"stop", verb_stop},
    {"account-restart", verb_restart},
    {"account-start", verb_start},
    {"account-command", verb_command},
    {"alerts", verb_alerts},
    {"ack", verb_ack},
};

void verbs_run(struct supervisor *supervisor, struct client *client, char *line)
{
    char *rest = line;
    const char *verb = word(&rest);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, verb) == 0) {
            verbs[i].run(supervisor, client, rest);
            return;
        }
    no(supervisor, client, 2, "unknown request '%.60s'", verb);
}
