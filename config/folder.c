#include "config/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/paths.h"
#include "config/tables.h"

static bool parse_rows(const char *text, size_t length, uint32_t *rows)
{
    static const struct {
        const char *name;
        uint32_t rows;
    } known[] = {
        {"ticks", DRAFT_TICKS}, {"M1", DRAFT_M1}, {"M5", DRAFT_M5}, {"M15", DRAFT_M15}, {"H1", DRAFT_H1},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == length && memcmp(known[i].name, text, length) == 0) {
            *rows = known[i].rows;
            return true;
        }
    }
    return false;
}

/* SYMBOL[-feed]_ROWS[_spread].csv[.gz] */
bool folder_parse(const char *name, struct folder_file *out)
{
    memset(out, 0, sizeof *out);
    size_t length = strlen(name);
    if (length >= sizeof out->name)
        return false;
    if (path_ends(name, ".csv.gz"))
        length -= strlen(".csv.gz");
    else if (path_ends(name, ".csv"))
        length -= strlen(".csv");
    else
        return false;
    static const char spread[] = "_spread";
    size_t tail = sizeof spread - 1;
    if (length > tail && memcmp(name + length - tail, spread, tail) == 0) {
        out->is_spread = true;
        length -= tail;
    }
    size_t rows_at = length;
    while (rows_at > 0 && name[rows_at - 1] != '_')
        rows_at--;
    size_t symbol = strcspn(name, "-_");
    if (rows_at == 0 || symbol == 0 || symbol >= sizeof out->symbol || length >= sizeof out->stem ||
        !parse_rows(name + rows_at, length - rows_at, &out->rows))
        return false;
    memcpy(out->symbol, name, symbol);
    memcpy(out->stem, name, length);
    snprintf(out->name, sizeof out->name, "%s", name);
    return true;
}

int folder_read(const char *path, struct folder *out)
{
    struct path_names names;
    *out = (struct folder){0};
    int rc = path_names_read(path, "", &names);
    if (rc != 0)
        return rc;
    out->files = calloc(names.count + 1, sizeof out->files[0]);
    if (out->files == NULL)
        rc = -ENOMEM;
    for (size_t i = 0; rc == 0 && i < names.count; i++)
        out->count += folder_parse(names.list[i], &out->files[out->count]);
    path_names_free(&names);
    return rc;
}

void folder_free(struct folder *folder)
{
    free(folder->files);
    *folder = (struct folder){0};
}

const struct folder_file *folder_spread_of(const struct folder *folder, const struct folder_file *file)
{
    for (size_t i = 0; i < folder->count; i++)
        if (folder->files[i].is_spread && strcmp(folder->files[i].stem, file->stem) == 0)
            return &folder->files[i];
    return NULL;
}
