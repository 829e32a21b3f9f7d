/* folder: what the names of the CSV files in a folder of market data say. */
#ifndef PROPFLEET_CONFIG_FOLDER_H
#define PROPFLEET_CONFIG_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct folder_file {
    char symbol[CONFIG_NAME_MAX];
    char stem[CONFIG_NAME_MAX * 2]; /* SYMBOL-feed_TF: what a file and its spread companion share */
    char name[CONFIG_PATH_MAX];
    uint32_t rows; /* enum draft_rows */
    bool is_spread;
};

/* Only what can be a source: ticks and bars from M1 to H1, and companions; sorted by name. H4, D1 and
 * trades are none, and other files are nobody's business. */
struct folder {
    struct folder_file *files;
    size_t count;
};

/* 0 or -errno. */
int folder_read(const char *path, struct folder *out);
void folder_free(struct folder *folder);
const struct folder_file *folder_spread_of(const struct folder *folder, const struct folder_file *file);
/* One name; false when it is no source. */
bool folder_parse(const char *name, struct folder_file *out);

#endif
