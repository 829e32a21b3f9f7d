/* A small configuration in a temporary folder, to be broken in one way at a time. */
#ifndef PROPFLEET_TESTS_UNIT_TEST_CONFIG_SUPPORT_H
#define PROPFLEET_TESTS_UNIT_TEST_CONFIG_SUPPORT_H

#include "config/loader.h"

/* Of the last support_load. */
extern struct fleet_config support_config;
extern struct loader_report support_report;

/* Absolute path of the configuration that ships. Call support_begin first. */
extern char support_shipped[CONFIG_PATH_MAX];

/* Once a program, in the folder of the sources. */
void support_begin(void);

/* A new temporary folder becomes the working directory, with a good configuration in "c" and an empty
 * folder "data". Teardown removes all of it. */
int support_setup(void **state);
int support_teardown(void **state);

void support_write(const char *path, const char *text);
void support_write_bytes(const char *path, const void *bytes, size_t size);
/* Replace the first occurrence (there must be one) in a file. */
void support_replace(const char *path, const char *old, const char *new);
/* Load "c" with these options (NULL: none); today is 2026-12-01 unless the options say otherwise. */
int support_load(const struct loader_options *options);
/* The load must fail with exactly these messages, in this order; NULL ends. */
void support_expect_errors(const struct loader_options *options, ...);
/* The load must succeed with exactly these warnings. */
void support_expect_warnings(const struct loader_options *options, ...);

#endif
