/* report: where something stands in the YAML, and what is wrong with it.
 *
 * A place is a file (an index into the names that this load has seen), a line and a column, both
 * from 1. Every complaint goes through here and gets the one form
 * `file:line:column: key: what is wrong; what would be right`. Files are named as the user would
 * type them: the folder as it was given, then the path inside it.
 */
#ifndef PROPFLEET_CONFIG_REPORT_H
#define PROPFLEET_CONFIG_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/loader.h"

#define REPORT_NAME_MAX 512
#define REPORT_KEY_MAX 128
#define REPORT_VALUE_MAX 64

struct place {
    uint32_t file, line, column;
};

/* One load under way. */
struct loading {
    const struct loader_options *options;
    struct fleet_config *out;
    struct loader_report *report;
    uint32_t file_count;
    char files[LOADER_FILES_MAX][REPORT_NAME_MAX];
};

/* The index of a file's name; one place is kept for "too many files". */
uint32_t report_file(struct loading *l, const char *shown);

void report_error(struct loading *l, struct place at, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void report_warning(struct loading *l, struct place at, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The candidate nearest to `word` by edit distance, NULL when none is near. */
const char *report_nearest(const char *word, const char *const *candidates, size_t count);
/* A value as it is shown in a message: printable, at most REPORT_VALUE_MAX - 1 bytes. */
const char *report_value(const char *text, size_t length, char buf[REPORT_VALUE_MAX]);

#endif
