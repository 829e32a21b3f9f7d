/* propfleet status: the fleet at a glance. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/screen.h"
#include "tools/terminal.h"

int command_status(int argc, char **argv)
{
    struct find find = {0};
    bool json = false, one_line = false;
    struct args_option known[] = {
        FIND_RUNTIME_OPTION(find),
        {"--json", ARGS_FLAG, &json},
        {"--line", ARGS_FLAG, &one_line},
    };
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX];
    struct client_answer answer = {0};
    static struct view view;
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("status", "%s", err.text);
    if (json && one_line)
        return command_usage("status", "either --json or --line");
    if (find_runtime_dir(&find, runtime, &err) != 0 || client_ask(runtime, "status", CLIENT_SHORT_NS, &answer, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    int status = EXIT_DONE;
    if (answer.code != 0)
        status = command_fail(answer.code, "%s", answer.text);
    else if (view_parse(answer.body, answer.body_size, &view, &err) != 0)
        status = command_fail(EXIT_UNREACHABLE, "%s", err.text);
    else if (json)
        fwrite(answer.body, 1, answer.body_size, stdout);
    else if (one_line)
        screen_line(&view, stdout);
    else
        screen_status(&view, terminal_width(STDOUT_FILENO), stdout);
    client_answer_free(&answer);
    return status;
}
