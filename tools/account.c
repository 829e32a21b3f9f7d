/* propfleet account: the commands about one account, and their dispatch. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/report.h"
#include "tools/args.h"
#include "tools/ask.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/flatten.h"
#include "tools/text.h"
#include "tools/view.h"

#define WAIT_SECONDS 60u
#define WAIT_SECONDS_MAX 86400u

/* What these have in common: NAME, where the fleet is, how long. */
struct request {
    struct find find;
    const char *name;
    uint64_t seconds;
    char runtime[CONFIG_PATH_MAX];
};

/* EXIT_DONE, or what was said. `what` is "account pause". */
static int request_parse(struct request *request, const char *what, int argc, char **argv, bool timed)
{
    *request = (struct request){.seconds = WAIT_SECONDS};
    struct args_operands operands = {.list = &request->name, .min = 1, .max = 1, .what = "NAME"};
    struct args_option known[] = {FIND_RUNTIME_OPTION(request->find), {"--timeout", ARGS_U64, &request->seconds}};
    struct error err = {0};
    if (args_parse(known, sizeof known / sizeof known[0] - !timed, &operands, argc, argv, &err) != 0)
        return command_usage(what, "%s", err.text);
    if (!text_is_name(request->name))
        return command_usage(what, "'%.40s' is no account's name", request->name);
    if (request->seconds == 0 || request->seconds > WAIT_SECONDS_MAX)
        return command_usage(what, "--timeout is 1 to %u seconds", WAIT_SECONDS_MAX);
    if (find_runtime_dir(&request->find, request->runtime, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    return EXIT_DONE;
}

static int pass_on(const char *what, const char *verb, int argc, char **argv)
{
    struct request request;
    int status = request_parse(&request, what, argc, argv, false);
    return status == EXIT_DONE ? ask_account(request.runtime, request.name, verb) : status;
}

static int account_pause(int argc, char **argv) { return pass_on("account pause", "pause", argc, argv); }
static int account_resume(int argc, char **argv) { return pass_on("account resume", "resume", argc, argv); }

static int account_flatten(int argc, char **argv)
{
    struct request request;
    struct flatten_result result = {.flat = false};
    struct error err = {0};
    static struct view view;
    int status = request_parse(&request, "account flatten", argc, argv, true);
    if (status != EXIT_DONE)
        return status;
    if (view_ask(request.runtime, &view, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    if (!view_account_find(&view, request.name))
        return command_fail(EXIT_NO, "the fleet has no account %s; propfleet account list names them", request.name);
    snprintf(result.account, sizeof result.account, "%s", request.name);
    flatten_accounts(request.runtime, &result, 1, request.seconds);
    if (!result.flat)
        return command_fail(EXIT_NO, "%s is not confirmed flat: %s", request.name, result.text);
    printf("%s: %s\n", request.name, result.text);
    return EXIT_DONE;
}

/* restart waits for a new process, start for any. */
static int again(const char *what, const char *verb, bool newer, int argc, char **argv)
{
    struct request request;
    struct error err = {0};
    static struct view view;
    char line[128];
    int status = request_parse(&request, what, argc, argv, true);
    if (status != EXIT_DONE)
        return status;
    if (view_ask(request.runtime, &view, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    const struct view_process *process = view_process_find(&view, request.name);
    if (!process)
        return command_fail(EXIT_NO, "the fleet has no account %s; propfleet account list names them", request.name);
    bool ready = strcmp(process->state, "READY") == 0;
    uint64_t after = newer || !ready ? process->generation : 0;
    snprintf(line, sizeof line, "%s %s", verb, request.name);
    status = ask_and_print(request.runtime, line, CLIENT_SHORT_NS);
    /* One that was on its way already becomes READY with the generation that it has. */
    bool moving = !newer && strcmp(process->state, "FAILED") != 0 && strcmp(process->state, "DOWN") != 0 &&
                  strcmp(process->state, "BACKOFF") != 0;
    if (status == EXIT_DONE)
        status = ask_until_ready(request.runtime, request.name, moving ? 0 : after, request.seconds);
    if (status == EXIT_DONE)
        printf("account %s is READY\n", request.name);
    return status;
}

static int account_restart(int argc, char **argv) { return again("account restart", "account-restart", true, argc, argv); }
static int account_start(int argc, char **argv) { return again("account start", "account-start", false, argc, argv); }

const struct command account_commands[] = {
    {"add", account_add,
     "[NAME] --programme FIRM/PROGRAMME [--phase X] --personality P [--balance \"AMOUNT CURRENCY\"]\n"
     "         [--after-crash resume|flatten] [--observe-only] [--confirm] [--seed N] [--timeout S]",
     "write accounts/NAME.yaml, check, reload, wait until the account is READY\n"
     "  --programme F/P    whose rules bind it (config/firms); also --firm F --programme P\n"
     "  --phase X          of the programme; else its first\n"
      "  --phase X          of the programme; else its first\n"
     "  --personality P    how it trades (config/personalities)\n"
     "  --balance \"100000 USD\"  else as the first account; also --size 100000 --currency USD\n"
     "  --after-crash resume|flatten  what it does after a crash (resume)\n"
     "  --observe-only     signals and journal, no orders\n"
     "  --confirm          lines of the programme that are not the firm's own word were confirmed by you; asked on a terminal\n"
     "  --seed N           of its paper venue\n"
     "  --timeout S        how long until READY, at most (60)\n"
     "On a terminal it asks for what is missing. A file that is there is never replaced; after an error the new one\n"
     "is gone again.\n"
     "  --config DIR       the configuration; else the running fleet's" STORE_HELP},
    {"list", account_list, "[--json] [--runtime DIR] [--config DIR]", "what is configured, and how it stands" FLEET_HELP},
    {"show", account_show, "NAME [--state DIR] [--runtime DIR] [--config DIR]",
     "settings, state, what differs from its venue, positions, orders, the last size line by line, trades, refusals" STORE_HELP},
    {"pause", account_pause, "NAME [--runtime DIR] [--config DIR]",
     "no new entries; exits and stops go on; `account resume` ends it" FLEET_HELP},
    {"resume", account_resume, "NAME [--runtime DIR] [--config DIR]", "entries again, after pause or flatten" FLEET_HELP},
    {"flatten", account_flatten, "NAME [--timeout S] [--runtime DIR] [--config DIR]",
     "close everything; done only when the venue confirms flat (60 s); no entries until resume" FLEET_HELP},
    {"restart", account_restart, "NAME [--timeout S] [--runtime DIR] [--config DIR]",
     "stop it in order and start it again, wait until READY (60 s)" FLEET_HELP},
    {"start", account_start, "NAME [--timeout S] [--runtime DIR] [--config DIR]",
     "start one that has failed or is down, wait until READY (60 s)" FLEET_HELP},
    {"remove", account_remove, "NAME [--state DIR] [--runtime DIR] [--config DIR]",
     "only when flat; its file moves to removed-accounts/, its state stays" STORE_HELP},
    {"unlock", account_unlock, "NAME --reason TEXT [--runtime DIR] [--config DIR]",
     "after the guard flattened and locked it; the reason is journalled" FLEET_HELP},
    {"payout", account_payout, "NAME AMOUNT [--preview] [--runtime DIR] [--config DIR]",
     "the firm has booked a payout; shows the floors that it leaves\n"
     "  --preview          show them, book nothing" FLEET_HELP},
    {"deposit", account_deposit, "NAME AMOUNT [--preview] [--runtime DIR] [--config DIR]",
     "the firm has booked money in; as payout" FLEET_HELP},
    {"floor", account_floor, "NAME FLOOR AMOUNT|none [--runtime DIR] [--config DIR]",
     "what the firm's dashboard shows for a floor: the higher one rules" FLEET_HELP},
    {"marks", account_marks, "NAME --set KEY=AMOUNT,... [--again KEY=AMOUNT,...] [--initialise] [--state DIR] [--runtime DIR] [--config DIR]",
     "the marks that floors are reckoned from, as the firm's dashboard shows them; typed twice\n"
     "  --set              high_balance, high_equity, day_balance, day_equity, eod_balance: those that are known\n"
     "  --again            the same once more, without a terminal\n"
     "  --initialise       for an account that cannot start because its marks are lost" FLEET_HELP},
    {"phase", account_phase, "NAME PHASE [--timeout S] [--runtime DIR] [--config DIR]",
     "the firm has given the account its next phase: writes it into the account's file, reloads, waits until READY;\n"
     "only when flat; marks and balance begin anew" FLEET_HELP},
    {"adopt", account_adopt,
     "NAME POSITION|balance [--stop PRICE] [--target PRICE] --reason TEXT [--state DIR] [--runtime DIR] [--config DIR]",
     "what the venue holds and the account does not know (account show lists it) is the account's from its next start on\n"
     "  POSITION           the venue's number; balance: only the venue's balance, which every adopt and close takes along\n"
     "  --stop PRICE       its protective stop, at the venue at once; without one that holds the position is closed\n"
     "  --target PRICE     its target; else the one that the venue has, if any\n"
     "  --reason TEXT      journalled, with the user\n"
     "It leaves a request beside the account's store, STATE/NAME/request-POSITION; account start (or restart) does it." STORE_HELP},
    {"close", account_close, "NAME POSITION [--reason TEXT] [--state DIR] [--runtime DIR] [--config DIR]",
     "close one position at the market\n"
     "  --reason TEXT      journalled, with the user; needed for a position that the account does not know, or that the venue does\n"
     "                     not have (it is ended): this leaves a request beside the account's store, as adopt does" STORE_HELP},
};
#define ACCOUNT_COMMAND_COUNT (sizeof account_commands / sizeof account_commands[0])
const unsigned account_command_count = ACCOUNT_COMMAND_COUNT;

int command_account(int argc, char **argv)
{
    const char *names[ACCOUNT_COMMAND_COUNT];
    if (argc < 2)
        return command_usage("account", "what is to be done?");
    for (size_t i = 0; i < ACCOUNT_COMMAND_COUNT; i++) {
        names[i] = account_commands[i].name;
        if (strcmp(argv[1], names[i]) == 0)
            return account_commands[i].run(argc - 1, argv + 1);
    }
    const char *nearest = report_nearest(argv[1], names, ACCOUNT_COMMAND_COUNT);
    if (nearest)
        return command_usage("account", "unknown '%.40s'; did you mean %s?", argv[1], nearest);
    return command_usage("account", "unknown '%.40s'", argv[1]);
}
