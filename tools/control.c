/* propfleet reload, stop, why: one question to the supervisor each. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "tools/ask.h"
#include "tools/args.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/text.h"

#define STOP_SECONDS 60
#define TIMEOUT_SECONDS_MAX 86400u

int command_reload(int argc, char **argv)
{
    struct find find = {0};
    struct args_option known[] = {FIND_RUNTIME_OPTION(find)};
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("reload", "%s", err.text);
    if (find_runtime_dir(&find, runtime, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    return ask_and_print(runtime, "reload", CLIENT_LONG_NS);
}

int command_why(int argc, char **argv)
{
    struct find find = {0};
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .min = 1, .max = 1, .what = "NAME"};
    struct args_option known[] = {FIND_RUNTIME_OPTION(find)};
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("why", "%s", err.text);
    if (!text_is_name(names[0]))
        return command_usage("why", "'%.40s' is no account's name", names[0]);
    if (find_runtime_dir(&find, runtime, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    return ask_account(runtime, names[0], "why");
}

/* --- stop ----------------------------------------------------------------------------------- */

static int wait_gone(int pidfd, uint64_t seconds)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    int n;
    do
        n = poll(&wait, 1, (int)(seconds * 1000));
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        puts("the fleet has stopped");
        return EXIT_DONE;
    }
    return command_fail(EXIT_NO, "the supervisor is still there after %llu s; it goes on stopping (propfleet status)", (unsigned long long)seconds);
}

int command_stop(int argc, char **argv)
{
    struct find find = {0};
    uint64_t seconds = STOP_SECONDS;
    struct args_option known[] = {FIND_RUNTIME_OPTION(find), {"--timeout", ARGS_U64, &seconds}};
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("stop", "%s", err.text);
    if (seconds > TIMEOUT_SECONDS_MAX)
        return command_usage("stop", "--timeout is at most %u seconds", TIMEOUT_SECONDS_MAX);
    if (find_runtime_dir(&find, runtime, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    /* Before it is asked: afterwards its number may belong to somebody else. */
    int pidfd = client_supervisor_pidfd(runtime, &err);
    if (pidfd < 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    int status = ask_and_print(runtime, "stop", CLIENT_SHORT_NS);
    if (status == EXIT_DONE)
        status = wait_gone(pidfd, seconds);
    close(pidfd);
    return status;
}
