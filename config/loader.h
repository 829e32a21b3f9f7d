/* loader: YAML to a compiled configuration, every error at once.
 *
 * Reads fleet.yaml, instruments.yaml and every *.yaml in firms, personalities, accounts and datasets
 * of a folder, through libyaml's document API, driven by tables of fields (config/tables.c) that are also
 * the reference documentation. Nothing is started and nothing is written here. Not thread-safe: a process
 * loads one configuration at a time. Link: loader config base -lyaml.
 */
#ifndef PROPFLEET_CONFIG_LOADER_H
#define PROPFLEET_CONFIG_LOADER_H

#include <stdio.h>

#include "config/config.h"

#define LOADER_FILE_BYTES_MAX (1u << 20)
#define LOADER_DEPTH_MAX 16
#define LOADER_NODES_MAX 20000
#define LOADER_ERRORS_MAX 200
#define LOADER_FILES_MAX 256

struct loader_options {
    const char *config_dir;
    /* NULL or 0: as the YAML says */
    const char *state_dir, *runtime_dir;
    const char *data;     /* a folder of CSV files, or a data-set YAML file (whose folder has the CSV files) */
    const char *dataset;  /* with data: NAME (of datasets/NAME.yaml, or of DATA/NAME.yaml) or a path to a YAML file */
    const char *speed;    /* "1", "60", "max" */
    int exit_at_end;
    int64_t today_ns;     /* the day against which `verified` is checked; 0: PROPFLEET_TODAY (a date), or the real clock */
    int all_optional;     /* every optional rule is switched on: to show them, not to run */
};

struct loader_message {
    char text[512]; /* file:line:column: key: what is wrong; what would be right */
};

struct loader_report {
    unsigned error_count, warning_count;
    struct loader_message errors[LOADER_ERRORS_MAX]; /* the first LOADER_ERRORS_MAX of them */
    struct loader_message warnings[32];
};

/* 0, or -EINVAL with report->error_count > 0 (then *out is undefined). The report is complete in
 * both cases. *out and *report are the caller's (they are large: allocate or make them static). */
int loader_load(const struct loader_options *options, struct fleet_config *out, struct loader_report *report);

/* The reference of every key, from the same tables: propfleet check --explain. */
void loader_explain(FILE *out);

#endif
