/* propfleet account adopt | close: a person's word on a position. An account that does not run, or that does not have the position,
 * takes it from a file beside its store when it starts (workers/account/request.h). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "tools/args.h"
#include "tools/ask.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/text.h"
#include "tools/view.h"
#include "workers/account/request.h"

struct word {
    struct find find;
    const char *what;                 /* "account adopt" */
    const char *operands[2];          /* NAME POSITION */
    const char *stop, *target, *reason;
    struct request request;
};

/* EXIT_DONE, or what was said. */
static int word_parse(struct word *word, struct args_option *known, size_t count, int argc, char **argv)
{
    struct args_operands operands = {.list = word->operands, .min = 2, .max = 2, .what = "NAME POSITION"};
    struct error err = {0};
    if (args_parse(known, count, &operands, argc, argv, &err) != 0)
        return command_usage(word->what, "%s", err.text);
    if (!text_is_name(word->operands[0]))
        return command_usage(word->what, "'%.40s' is no account's name", word->operands[0]);
    if (!request_position(word->operands[1], &word->request.position))
        return command_usage(word->what, "'%.40s' is no position's number (propfleet account show NAME)", word->operands[1]);
    if (word->reason && !request_reason_good(word->reason))
        return command_usage(word->what, "--reason is one line of at most %u printable ASCII characters", REQUEST_REASON_MAX - 1);
    if (word->reason)
        snprintf(word->request.reason, sizeof word->request.reason, "%s", word->reason);
    struct clock clock;
    clock_init_real(&clock);
    snprintf(word->request.id, sizeof word->request.id, "%" PRId64 "-%ld", clock.wall_ns(&clock), (long)getpid());
    ask_user_name(word->request.user, sizeof word->request.user);
    return EXIT_DONE;
}

/* --- the request ------------------------------------------------------------------------------------- */

/* Whole or not at all, and durable: a file of its own, then renamed, then the folder. 0 or a negative code. */
static int request_write(const char *folder, const struct request *request, struct error *err)
{
    char text[REQUEST_BYTES_MAX], name[REQUEST_WORD_MAX], hidden[REQUEST_WORD_MAX + 32];
    size_t size = request_format(request, text);
    request_file_name(request, name);
    snprintf(hidden, sizeof hidden, ".%s.%ld.new", name, (long)getpid());
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return error_errno(err, errno, "%s", folder);
    int fd = openat(folder_fd, hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool done = fd >= 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    int code = errno;
    if (fd >= 0)
        close(fd);
    if (done && (renameat(folder_fd, hidden, folder_fd, name) != 0 || fsync(folder_fd) != 0)) {
        code = errno;
        done = false;
    }
    if (!done && fd >= 0)
        (void)unlinkat(folder_fd, hidden, 0);
    close(folder_fd);
    return done ? 0 : error_errno(err, code, "%s/%s", folder, name);
}

/* Which of the two commands has it done: the account may run, and runs on without it. */
static const char *next_start(const struct find *find, const char *account)
{
    char runtime[CONFIG_PATH_MAX];
    const char *verb = "start";
    struct view *view = calloc(1, sizeof *view);
    if (view && find_runtime_dir(find, runtime, NULL) == 0 && view_ask(runtime, view, NULL) == 0) {
        const struct view_process *process = view_process_find(view, account);
        if (process && strcmp(process->state, "READY") == 0)
            verb = "restart";
    }
    free(view);
    return verb;
}

static int request_leave(const struct word *word)
{
    char state[CONFIG_PATH_MAX], folder[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 2], name[REQUEST_WORD_MAX];
    const char *account = word->operands[0];
    struct error err = {0};
    struct stat status;
    if (find_state_dir(&word->find, state, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    snprintf(folder, sizeof folder, "%s/%s", state, account);
    if (stat(folder, &status) != 0)
        return command_fail(EXIT_NO, "%s: %s; propfleet account list names the accounts", folder, strerror(errno));
    if (request_write(folder, &word->request, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    request_file_name(&word->request, name);
    printf("%s/%s is left; the account does it at its next start: propfleet account %s %s\n", folder, name,
           next_start(&word->find, account), account);
    return EXIT_DONE;
}

/* --- adopt ------------------------------------------------------------------------------------------ */

static bool is_price(const char *text, dec_t *out) { return dec_parse(text, strlen(text), out) == 0 && *out > 0; }

int account_adopt(int argc, char **argv)
{
    struct word word = {.what = "account adopt"};
    struct args_option known[] = {FIND_OPTIONS(word.find), {"--stop", ARGS_TEXT, &word.stop}, {"--target", ARGS_TEXT, &word.target},
                                  {"--reason", ARGS_TEXT, &word.reason}};
    int status = word_parse(&word, known, sizeof known / sizeof known[0], argc, argv);
    if (status != EXIT_DONE)
        return status;
    bool balance = word.request.position == 0;
    word.request.verb = balance ? REQUEST_BALANCE : REQUEST_ADOPT;
    if (!word.reason)
        return command_usage(word.what, "--reason TEXT is missing: it is journalled");
    if (balance && (word.stop || word.target))
        return command_usage(word.what, "a balance has no --stop and no --target");
    if (!balance && !word.stop)
        return command_usage(word.what, "--stop PRICE is missing: every position has a protective stop");
    if (word.stop && !is_price(word.stop, &word.request.stop))
        return command_usage(word.what, "--stop '%.40s' is no price above zero", word.stop);
    if (word.target && !is_price(word.target, &word.request.target))
        return command_usage(word.what, "--target '%.40s' is no price above zero", word.target);
    return request_leave(&word);
}

/* --- close ------------------------------------------------------------------------------------------ */

/* The account that runs, and has it: EXIT_DONE and said; else the status, and *why says. */
static int close_now(const struct word *word, char *why, size_t size)
{
    char runtime[CONFIG_PATH_MAX], request[768];
    struct client_answer answer;
    struct error err = {0};
    int rc = find_runtime_dir(&word->find, runtime, &err);
    if (rc == 0) {
        ask_account_request(word->operands[0], "close", request, sizeof request);
        size_t used = strlen(request);
        snprintf(request + used, sizeof request - used, " %s%s%s", word->operands[1], word->reason ? " " : "", word->reason ? word->reason : "");
        rc = client_ask(runtime, request, CLIENT_LONG_NS, &answer, &err);
    }
    if (rc != 0) {
        text_clean(err.text, strlen(err.text), why, size);
        return EXIT_UNREACHABLE;
    }
    int status = answer.code;
    if (status == EXIT_DONE)
        ask_print_text(answer.body, false);
    else
        text_clean(answer.text[0] ? answer.text : answer.body, strcspn(answer.text[0] ? answer.text : answer.body, "\n"), why, size);
    client_answer_free(&answer);
    return status;
}

int account_close(int argc, char **argv)
{
    struct word word = {.what = "account close"};
    char why[256] = "";
    struct args_option known[] = {FIND_OPTIONS(word.find), {"--reason", ARGS_TEXT, &word.reason}};
    int status = word_parse(&word, known, sizeof known / sizeof known[0], argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (word.request.position == 0)
        return command_usage(word.what, "'balance' is for account adopt");
    word.request.verb = REQUEST_CLOSE;
    status = close_now(&word, why, sizeof why);
    if (status == EXIT_DONE)
        return EXIT_DONE;
    if (!word.reason)
        return command_fail(status, "%s; for one that the account does not have, or that the venue does not: --reason TEXT", why);
    fprintf(stderr, "%s\n", why);
    return request_leave(&word);
}
