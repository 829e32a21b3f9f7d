/* propfleet alerts: what a person must know, and that somebody does. */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/ask.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/terminal.h"
#include "tools/text.h"

#define FOLLOW_MS 500
#define TEXTS 8

static const char *const keys[TEXTS] = {"time", "severity", "kind", "account", "process", "why", "flat", "do"};
enum { TIME, SEVERITY, KIND, ACCOUNT, PROCESS, WHY, FLAT, TODO };

/* One alert for a person. Returns its id, 0: it is none. */
static uint64_t print_alert(const char *line, size_t length, bool json, uint64_t above)
{
    char texts[TEXTS][640];
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    json_int_t id = json_integer_value(json_object_get(object, "id")), count = json_integer_value(json_object_get(object, "count"));
    bool good = id > 0;
    for (unsigned i = 0; i < TEXTS; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        good = good && json_is_string(value);
        text_clean(json_is_string(value) ? json_string_value(value) : "", json_string_length(value), texts[i], sizeof texts[i]);
    }
    json_decref(object);
    if (!good)
        return 0;
    if ((uint64_t)id <= above)
        return (uint64_t)id;
    if (json) {
        printf("%.*s\n", (int)length, line);
        return (uint64_t)id;
    }
    printf("%" PRIu64 "  %s  %s  %s: %s", (uint64_t)id, texts[TIME], texts[SEVERITY], texts[PROCESS], texts[WHY]);
    if (count > 1)
        printf(" (%" PRId64 " times)", (int64_t)count);
    printf("\n");
    if (texts[FLAT][0])
        printf("     account %s: %s\n", texts[ACCOUNT], texts[FLAT]);
    if (texts[TODO][0])
        printf("     do: %s\n", texts[TODO]);
    return (uint64_t)id;
}

/* Prints what is newer than *last. */
static int print_all(const char *body, bool json, uint64_t *last)
{
    uint64_t newest = *last;
    while (*body) {
        size_t length = strcspn(body, "\n");
        uint64_t id = length ? print_alert(body, length, json, *last) : newest;
        if (id == 0)
            return command_fail(EXIT_UNREACHABLE, "the supervisor's alerts are not understood");
        newest = id > newest ? id : newest;
        body += length + (body[length] == '\n');
    }
    *last = newest;
    return EXIT_DONE;
}

static int show(const char *runtime, bool follow, bool json)
{
    uint64_t last = 0;
    for (bool first = true;; first = false) {
        struct client_answer answer;
        struct error err = {0};
        if (client_ask(runtime, "alerts", CLIENT_SHORT_NS, &answer, &err) != 0)
            return first ? command_fail(EXIT_UNREACHABLE, "%s", err.text)
                         : command_fail(EXIT_UNREACHABLE, "the fleet has gone: %s", err.text);
        int status = answer.code ? command_fail(answer.code, "%s", answer.text) : print_all(answer.body, json, &last);
        client_answer_free(&answer);
        if (status == EXIT_DONE && first && last == 0 && !json)
            fputs(follow ? "no alerts; waiting for the first\n" : "no alerts\n", stderr);
        if (status != EXIT_DONE || !follow || fflush(stdout) != 0 || terminal_reader_gone(FOLLOW_MS))
            return status;
    }
}

int command_alerts(int argc, char **argv)
{
    struct find find = {0};
    bool follow = false, json = false;
    uint64_t ack = UINT64_MAX;
    struct args_option known[] = {
        FIND_RUNTIME_OPTION(find),
        {"--follow", ARGS_FLAG, &follow},
        {"--json", ARGS_FLAG, &json},
        {"--ack", ARGS_U64, &ack},
    };
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX], request[64];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("alerts", "%s", err.text);
    if (ack == 0)
        return command_usage("alerts", "--ack 0: alerts count from 1; propfleet alerts shows their numbers");
    if (find_runtime_dir(&find, runtime, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    if (ack == UINT64_MAX)
        return show(runtime, follow, json);
    snprintf(request, sizeof request, "ack %" PRIu64, ack);
    int status = ask_and_print(runtime, request, CLIENT_SHORT_NS);
    if (status == EXIT_DONE)
        fprintf(json ? stderr : stdout, "alert %" PRIu64 " is acknowledged\n", ack);
    if (status == EXIT_DONE && follow)
        status = show(runtime, follow, json);
    return status;
}
