/* options: the command line of propfleet-supervisor, and where its siblings are. */
#ifndef PROPFLEET_SUPERVISOR_OPTIONS_H
#define PROPFLEET_SUPERVISOR_OPTIONS_H

#include <limits.h>
#include <stdbool.h>

struct error;

struct options {
    const char *config_dir;                        /* required */
    const char *state, *runtime, *data, *dataset, *speed; /* NULL: as the YAML says */
    bool exit_at_end;
    char libexec[PATH_MAX];                        /* the folder of propfleet-account and the others */
};

/* 0; -EINVAL with err: usage. The strings are argv's. */
int options_parse(struct options *options, int argc, char **argv, struct error *err);
/* The path of a sibling program, "LIBEXEC/propfleet-feed". Returns -ENAMETOOLONG when it does not fit. */
int options_program(const struct options *options, const char *program, char *buf, int size);
/* Fill argv (at least OPTIONS_CONFIG_ARGS places, NULL-terminated) for propfleet-config, which writes
 * to descriptor `out_fd`. */
#define OPTIONS_CONFIG_ARGS 20
void options_config_argv(const struct options *options, char *path, char *out_fd, char **argv);

#endif
