/* propfleet-config: YAML to a compiled configuration, in a process of its own, so that the supervisor
 * needs no YAML. Writes the struct into a memfd that the supervisor created; the supervisor seals
 * and checks it (config_seal_fd, config_map) and believes nothing before that.
 *
 * Exit status: 0 written, 1 could not be written, 2 usage, 3 the configuration has errors (on stderr,
 * one a line; warnings too, with "warning: " in front).
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vocabulary.h"
#include "config/loader.h"

struct arguments {
    struct loader_options options;
    int out_fd;
};

static bool parse_fd(const char *text, int *out)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *end != 0 || end == text || value < 0 || value > 1 << 20)
        return false;
    *out = (int)value;
    return true;
}

static bool parse_arguments(int argc, char **argv, struct arguments *out)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"state", required_argument, NULL, 's'},
        {"runtime", required_argument, NULL, 'r'},
        {"data", required_argument, NULL, 'd'},
        {"dataset", required_argument, NULL, 'n'},
        {"speed", required_argument, NULL, 'v'},
        {"exit-at-end", no_argument, NULL, 'e'},
        {"out-fd", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    *out = (struct arguments){.out_fd = -1};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'c':
            out->options.config_dir = optarg;
            break;
        case 's':
            out->options.state_dir = optarg;
            break;
        case 'r':
            out->options.runtime_dir = optarg;
            break;
        case 'd':
            out->options.data = optarg;
            break;
        case 'n':
            out->options.dataset = optarg;
            break;
        case 'v':
            out->options.speed = optarg;
            break;
        case 'e':
            out->options.exit_at_end = 1;
            break;
        case 'o':
            if (!parse_fd(optarg, &out->out_fd))
                return false;
            break;
        default:
            return false;
        }
    }
    return optind == argc && out->options.config_dir != NULL && out->out_fd >= 0;
}

static int write_config(int fd, const struct fleet_config *config)
{
    const unsigned char *at = (const unsigned char *)config;
    for (size_t done = 0, size = config_size(config); done < size;) {
        ssize_t n = pwrite(fd, at + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fprintf(stderr, "propfleet-config: write to descriptor %d: %s\n", fd, strerror(n < 0 ? errno : EIO));
            return EXIT_NO;
        }
        done += (size_t)n;
    }
    return EXIT_DONE;
}

static void print_report(const struct loader_report *report)
{
    const unsigned warnings_max = sizeof report->warnings / sizeof report->warnings[0];
    for (unsigned i = 0; i < report->warning_count && i < warnings_max; i++)
        fprintf(stderr, "warning: %s\n", report->warnings[i].text);
    for (unsigned i = 0; i < report->error_count && i < LOADER_ERRORS_MAX; i++)
        fprintf(stderr, "%s\n", report->errors[i].text);
    if (report->error_count > LOADER_ERRORS_MAX)
        fprintf(stderr, "and %u more errors\n", report->error_count - LOADER_ERRORS_MAX);
}

int main(int argc, char **argv)
{
    static struct loader_report report; /* too large for a stack */
    struct arguments arguments;
    if (!parse_arguments(argc, argv, &arguments)) {
        fprintf(stderr,
                "usage: propfleet-config --config DIR --out-fd N [--state DIR] [--runtime DIR] [--data DIR|FILE]\n"
                "       [--dataset NAME|FILE] [--speed N|max] [--exit-at-end]\n");
        return EXIT_USAGE;
    }
    struct fleet_config *config = calloc(1, CONFIG_BYTES_MAX); /* the calendar goes behind it */
    if (config == NULL) {
        fprintf(stderr, "propfleet-config: out of memory\n");
        return EXIT_NO;
    }
    arguments.options.tail = 1;
    int rc = loader_load(&arguments.options, config, &report);
    print_report(&report);
    rc = rc == 0 ? write_config(arguments.out_fd, config) : EXIT_CONFIG;
    free(config);
    return rc;
}
