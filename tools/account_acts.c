/* propfleet account unlock | payout | deposit | floor | marks: acts of a person that change what the rules see. Each is
 * journalled by the account, with the user and the reason. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/error.h"
#include "tools/args.h"
#include "tools/ask.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/text.h"

#define OPERANDS_MAX 3

struct act {
    struct find find;
    const char *operands[OPERANDS_MAX];
    char runtime[CONFIG_PATH_MAX];
};

static int act_parse(struct act *act, const char *what, const char *operands, unsigned count, struct args_option *more,
                     size_t more_count, int argc, char **argv)
{
    struct args_option known[ARGS_OPTIONS_MAX] = {FIND_RUNTIME_OPTION(act->find)};
    size_t known_count = 0;
    while (known[known_count].name)
        known_count++;
    memcpy(known + known_count, more, more_count * sizeof *more);
    struct args_operands list = {.list = act->operands, .min = count, .max = count, .what = operands};
    struct error err = {0};
    if (args_parse(known, known_count + more_count, &list, argc, argv, &err) != 0)
        return command_usage(what, "%s", err.text);
    if (!text_is_name(act->operands[0]))
        return command_usage(what, "'%.40s' is no account's name", act->operands[0]);
    if (find_runtime_dir(&act->find, act->runtime, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    return EXIT_DONE;
}

static bool is_amount(const char *text)
{
    dec_t value;
    return dec_parse(text, strlen(text), &value) == 0 && value > 0;
}

static int act_send(const struct act *act, const char *verb, const char *rest)
{
    char request[768];
    ask_account_request(act->operands[0], verb, request, sizeof request);
    size_t used = strlen(request);
    if ((size_t)snprintf(request + used, sizeof request - used, " %s", rest) >= sizeof request - used)
        return command_fail(EXIT_USAGE, "that is too long");
    return ask_and_print(act->runtime, request, CLIENT_LONG_NS);
}

int account_unlock(int argc, char **argv)
{
    struct act act = {.operands = {NULL}};
    const char *reason = NULL;
    struct args_option more[] = {{"--reason", ARGS_TEXT, &reason}};
    int status = act_parse(&act, "account unlock", "NAME", 1, more, 1, argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (!reason)
        return command_usage("account unlock", "--reason TEXT is missing: it is journalled");
    return act_send(&act, "unlock", reason);
}

static int transfer(const char *what, const char *verb, int argc, char **argv)
{
    struct act act = {.operands = {NULL}};
    bool preview = false;
    struct args_option more[] = {{"--preview", ARGS_FLAG, &preview}};
    int status = act_parse(&act, what, "NAME AMOUNT", 2, more, 1, argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (!is_amount(act.operands[1]))
        return command_usage(what, "'%.40s' is no amount above zero such as 1500.00", act.operands[1]);
    char rest[96];
    snprintf(rest, sizeof rest, "%.40s%s", act.operands[1], preview ? " preview" : "");
    return act_send(&act, verb, rest);
}

int account_payout(int argc, char **argv) { return transfer("account payout", "payout", argc, argv); }
int account_deposit(int argc, char **argv) { return transfer("account deposit", "deposit", argc, argv); }

int account_floor(int argc, char **argv)
{
    struct act act = {.operands = {NULL}};
    struct args_option none[1] = {{NULL, ARGS_FLAG, NULL}};
    int status = act_parse(&act, "account floor", "NAME FLOOR AMOUNT", 3, none, 0, argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (strcmp(act.operands[2], "none") != 0 && !is_amount(act.operands[2]))
        return command_usage("account floor", "'%.40s' is no amount; what the firm's dashboard shows, or none", act.operands[2]);
    char rest[128];
    snprintf(rest, sizeof rest, "%.40s %.40s", act.operands[1], act.operands[2]);
    return act_send(&act, "floor", rest);
}

/* --- marks ------------------------------------------------------------------------------------------ */

static bool marks_good(const char *text)
{
    static const char *const names[] = {"high_balance", "high_equity", "day_balance", "day_equity", "eod_balance"};
    while (*text) {
        size_t length = strcspn(text, ","), name = strcspn(text, "="), i = 0;
        dec_t value;
        while (i < sizeof names / sizeof names[0] && (strlen(names[i]) != name || strncmp(names[i], text, name) != 0))
            i++;
        if (i == sizeof names / sizeof names[0] || name >= length || dec_parse(text + name + 1, length - name - 1, &value) != 0)
            return false;
        text += length + (text[length] == ',');
    }
    return true;
}

/* For an account that does not run because its marks are lost: it takes them from a file when it starts. */
static int marks_file(const struct act *act, const char *state, const char *marks)
{
    char path[CONFIG_PATH_MAX + 64], state_dir[CONFIG_PATH_MAX];
    struct find find = act->find;
    struct error err = {0};
    find.state = state;
    if (find_state_dir(&find, state_dir, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    snprintf(path, sizeof path, "%s/%s/marks", state_dir, act->operands[0]);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t size = strlen(marks);
    bool done = fd >= 0 && write(fd, marks, size) == (ssize_t)size && fsync(fd) == 0;
    int code = errno;
    if (fd >= 0)
        close(fd);
    if (!done)
        return command_fail(EXIT_NO, "%s: %s", path, strerror(code));
    printf("%s written; the account takes it at its next start: propfleet account start %s\n", path, act->operands[0]);
    return EXIT_DONE;
}

int account_marks(int argc, char **argv)
{
    struct act act = {.operands = {NULL}};
    const char *set = NULL, *again = NULL, *state = NULL;
    bool initialise = false;
    char typed[512] = "";
    struct args_option more[] = {{"--set", ARGS_TEXT, &set}, {"--again", ARGS_TEXT, &again}, {"--initialise", ARGS_FLAG, &initialise},
                                 {"--state", ARGS_TEXT, &state}};
    int status = act_parse(&act, "account marks", "NAME", 1, more, sizeof more / sizeof more[0], argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (!set || !marks_good(set))
        return command_usage("account marks", "--set high_balance=...,high_equity=...,day_balance=...,day_equity=...,eod_balance=..., those "
                                              "that are known, as the firm's dashboard shows them");
    if (!again && isatty(STDIN_FILENO)) {
        fputs("the same once more: ", stderr);
        if (fgets(typed, sizeof typed, stdin))
            typed[strcspn(typed, "\n")] = '\0';
        again = typed;
    }
    if (!again || strcmp(again, set) != 0)
        return command_fail(EXIT_NO, "the second time is not the first; nothing is changed (--again TEXT without a terminal)");
    return initialise ? marks_file(&act, state, set) : act_send(&act, "marks", set);
}
