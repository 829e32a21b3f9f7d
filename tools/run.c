/* propfleet run: becomes the supervisor. Nothing else happens here. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"

#define SUPERVISOR "/../libexec/propfleet/propfleet-supervisor"

/* ../libexec/propfleet beside our own executable. */
static int supervisor_path(char *out, size_t size, struct error *err)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return error_errno(err, errno, "readlink /proc/self/exe");
    self[n] = 0;
    char *slash = strrchr(self, '/');
    if (!slash)
        return error_set(err, EINVAL, "/proc/self/exe: no path");
    *slash = 0;
    if (snprintf(out, size, "%s" SUPERVISOR, self) >= (int)size)
        return error_set(err, ENAMETOOLONG, "%s: path is too long", self);
    return 0;
}

/* execv takes char *const *, and changes nothing. */
static char *argument(const char *text) { return (char *)(uintptr_t)text; }

int command_run(int argc, char **argv)
{
    struct find find = {0};
    const char *data = NULL, *dataset = NULL, *speed = NULL;
    bool exit_at_end = false;
    struct args_option known[] = {
        FIND_OPTIONS(find),
        {"--data", ARGS_TEXT, &data},
        {"--dataset", ARGS_TEXT, &dataset},
        {"--speed", ARGS_TEXT, &speed},
        {"--exit-at-end", ARGS_FLAG, &exit_at_end},
    };
    struct error err = {0};
    char path[PATH_MAX + sizeof SUPERVISOR], config[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("run", "%s", err.text);
    if (find_config_dir(&find, config, &err) != 0 || supervisor_path(path, sizeof path, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    const struct {
        const char *name, *value;
    } pairs[] = {
        {"--config", config}, {"--state", find.state},    {"--runtime", find.runtime},
        {"--data", data},     {"--dataset", dataset},     {"--speed", speed},
    };
    char *child[2 * sizeof pairs / sizeof pairs[0] + 3];
    int n = 0;
    child[n++] = path;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!pairs[i].value)
            continue;
        child[n++] = argument(pairs[i].name);
        child[n++] = argument(pairs[i].value);
    }
    if (exit_at_end)
        child[n++] = argument("--exit-at-end");
    child[n] = NULL;
    execv(path, child);
    return command_fail(EXIT_NO, "%s: %s", path, strerror(errno));
}
