#include "supervisor/options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* PATH up to the last slash of our own executable. */
static int libexec_find(struct options *options, struct error *err)
{
    ssize_t n = readlink("/proc/self/exe", options->libexec, sizeof options->libexec - 1);
    if (n < 0)
        return error_errno(err, errno, "readlink /proc/self/exe");
    options->libexec[n] = 0;
    char *slash = strrchr(options->libexec, '/');
    if (!slash)
        return error_set(err, EINVAL, "/proc/self/exe: no path");
    *slash = 0;
    return 0;
}

int options_parse(struct options *options, int argc, char **argv, struct error *err)
{
    memset(options, 0, sizeof *options);
    int rc = libexec_find(options, err);
    if (rc < 0)
        return rc;
    const char *libexec = NULL;
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        {"--config", &options->config_dir}, {"--state", &options->state},     {"--runtime", &options->runtime},
        {"--data", &options->data},         {"--dataset", &options->dataset}, {"--speed", &options->speed},
        {"--libexec", &libexec},
    };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--exit-at-end") == 0) {
            options->exit_at_end = true;
            continue;
        }
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(argv[i], known[k].name) != 0)
            k++;
        if (k == sizeof known / sizeof known[0])
            return error_set(err, EINVAL, "%s: unknown argument", argv[i]);
        if (++i == argc)
            return error_set(err, EINVAL, "%s: a value is missing", argv[i - 1]);
        *known[k].value = argv[i];
    }
    if (!options->config_dir)
        return error_set(err, EINVAL, "--config DIR is missing");
    if (libexec && snprintf(options->libexec, sizeof options->libexec, "%s", libexec) >= (int)sizeof options->libexec)
        return error_set(err, ENAMETOOLONG, "--libexec: path is too long");
    return 0;
}

int options_program(const struct options *options, const char *program, char *buf, int size)
{
    return snprintf(buf, (size_t)size, "%s/%s", options->libexec, program) < size ? 0 : -ENAMETOOLONG;
}

/* execve takes char *const *, and changes nothing. */
static char *argument(const char *text)
{
    char *writable;
    memcpy(&writable, &text, sizeof writable);
    return writable;
}

void options_config_argv(const struct options *options, char *path, char *out_fd, char **argv)
{
    const struct {
        const char *name, *value;
    } pairs[] = {
        {"--config", options->config_dir}, {"--state", options->state},     {"--runtime", options->runtime},
        {"--data", options->data},         {"--dataset", options->dataset}, {"--speed", options->speed},
        {"--out-fd", out_fd},
    };
    static_assert(2 * sizeof pairs / sizeof pairs[0] + 3 <= OPTIONS_CONFIG_ARGS, "room for all and the end");
    int n = 0;
    argv[n++] = path;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!pairs[i].value)
            continue;
        argv[n++] = argument(pairs[i].name);
        argv[n++] = argument(pairs[i].value);
    }
    if (options->exit_at_end)
        argv[n++] = argument("--exit-at-end");
    argv[n] = NULL;
}
