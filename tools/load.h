/* load: the configuration as it is on disk, for the commands that need it. */
#ifndef PROPFLEET_TOOLS_LOAD_H
#define PROPFLEET_TOOLS_LOAD_H

#include <stdio.h>

#include "config/loader.h"

#define LOAD_WARNINGS_MAX (sizeof((struct loader_report *)0)->warnings / sizeof(struct loader_message))

/* Large: always on the heap. config is good when report.error_count is 0. */
struct load {
    struct fleet_config config;
    struct loader_report report;
};

/* NULL: no memory. */
struct load *load_new(const struct loader_options *options);
void load_free(struct load **load);
/* Warnings ("warning: " in front) and errors, one a line, and how many more there are. */
void load_print_report(const struct load *load, FILE *out);
/* The index of "firm/name" in this phase (NULL: its first), of a personality; CONFIG_NONE. */
uint32_t load_programme(const struct fleet_config *config, const char *firm, const char *name, const char *phase);
uint32_t load_personality(const struct fleet_config *config, const char *name);

#endif
