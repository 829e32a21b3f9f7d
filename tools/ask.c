#include "tools/ask.h"

#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/text.h"
#include "tools/view.h"

#define LINE_MAX_BYTES 2048
#define LOOK_MS 50

void ask_print_text(const char *text, bool to_stderr)
{
    FILE *out = to_stderr ? stderr : stdout;
    char clean[LINE_MAX_BYTES];
    while (*text) {
        size_t length = strcspn(text, "\n");
        text_clean(text, length, clean, sizeof clean);
        text += length + (text[length] == '\n');
        if (clean[0] || *text)
            fprintf(out, "%s\n", clean);
    }
}

int ask_and_print(const char *runtime_dir, const char *request, int64_t timeout_ns)
{
    struct client_answer answer;
    struct error err = {0};
    if (client_ask(runtime_dir, request, timeout_ns, &answer, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    int status = answer.code == 0 ? EXIT_DONE : command_fail(answer.code, "%s", answer.text);
    ask_print_text(answer.body, answer.code != 0);
    client_answer_free(&answer);
    return status;
}

void ask_user_name(char *out, unsigned long size)
{
    const struct passwd *entry = getpwuid(getuid());
    const char *name = entry ? entry->pw_name : "";
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (n == 0 || name[n])
        snprintf(out, size, "uid-%u", (unsigned)getuid());
    else
        snprintf(out, size, "%s", name);
}

void ask_account_request(const char *account, const char *verb, char *out, unsigned long size)
{
    char user[48];
    ask_user_name(user, sizeof user);
    snprintf(out, size, "account-command %s %s %s", account, verb, user);
}

int ask_account(const char *runtime_dir, const char *account, const char *verb)
{
    char request[256];
    ask_account_request(account, verb, request, sizeof request);
    return ask_and_print(runtime_dir, request, CLIENT_LONG_NS);
}

int ask_until_ready(const char *runtime_dir, const char *account, uint64_t after, uint64_t seconds)
{
    struct clock clock;
    clock_init_real(&clock);
    struct view *view = calloc(1, sizeof *view);
    if (!view)
        return command_fail(EXIT_NO, "no memory");
    int64_t deadline = clock.mono_ns(&clock) + (int64_t)seconds * CLOCK_NS_PER_S;
    int status = -1;
    while (status < 0) {
        struct error err = {0};
        const struct view_process *process = NULL;
        if (view_ask(runtime_dir, view, &err) != 0)
            status = command_fail(EXIT_UNREACHABLE, "%s", err.text);
        else if (!(process = view_process_find(view, account)))
            status = command_fail(EXIT_NO, "the fleet has no account %s any more", account);
        else if (process->generation > after && (strcmp(process->state, "READY") == 0 || process->done))
            status = EXIT_DONE;
        else if (strcmp(process->state, "FAILED") == 0)
            status = command_fail(EXIT_NO, "account %s has FAILED: %s", account, process->why);
        else if (strcmp(view->stopping, "no") != 0)
            status = command_fail(EXIT_NO, "the fleet is stopping; account %s is %s", account, process->state);
        else if (clock.mono_ns(&clock) >= deadline)
            status = command_fail(EXIT_NO, "account %s is not READY after %llu s: %s%s%s", account, (unsigned long long)seconds,
                                  process->state, process->why[0] ? ": " : "", process->why);
        else
            (void)poll(NULL, 0, LOOK_MS);
    }
    free(view);
    return status;
}
