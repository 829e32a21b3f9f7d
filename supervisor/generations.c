#include "supervisor/generations.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define HEADER "propfleet generations 1\n"

static struct generation *entry_find(struct generations *generations, const char *name)
{
    for (uint32_t i = 0; i < generations->count; i++)
        if (strcmp(generations->entries[i].name, name) == 0)
            return &generations->entries[i];
    return NULL;
}

static struct generation *entry_get(struct generations *generations, const char *name, struct error *err)
{
    struct generation *entry = entry_find(generations, name);
    if (entry)
        return entry;
    if (generations->count == GENERATIONS_MAX || strlen(name) >= GENERATION_NAME_MAX) {
        error_set(err, E2BIG, "%s: no room for %s, at most %u children", generations->path, name, GENERATIONS_MAX);
        return NULL;
    }
    entry = &generations->entries[generations->count++];
    *entry = (struct generation){.last = 0};
    snprintf(entry->name, sizeof entry->name, "%s", name);
    return entry;
}

static int folder_sync(const char *folder, struct error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "open %s", folder);
    int rc = fsync(fd) == 0 ? 0 : error_errno(err, errno, "sync %s", folder);
    close(fd);
    return rc;
}

static int file_write(const struct generations *generations, FILE *file)
{
    if (fputs(HEADER, file) == EOF)
        return errno ? errno : EIO;
    for (uint32_t i = 0; i < generations->count; i++) {
        const struct generation *entry = &generations->entries[i];
        if (entry->reserved > 0 && fprintf(file, "%s %" PRIu64 "\n", entry->name, entry->reserved) < 0)
            return errno ? errno : EIO;
    }
    if (fflush(file) != 0 || fsync(fileno(file)) != 0)
        return errno;
    return 0;
}

static int save(const struct generations *generations, struct error *err)
{
    char temporary[sizeof generations->path + 8];
    snprintf(temporary, sizeof temporary, "%s.new", generations->path);
    FILE *file = fopen(temporary, "we");
    if (!file)
        return error_errno(err, errno, "write %s", temporary);
    int code = file_write(generations, file);
    if (fclose(file) != 0 && code == 0)
        code = errno;
    if (code == 0 && rename(temporary, generations->path) != 0)
        code = errno;
    if (code)
        return error_errno(err, code, "write %s", temporary);
    return folder_sync(generations->folder, err);
}

/* Reserve ahead for the entries that have nothing left. Undone when it could not be made durable. */
static int reserve_empty(struct generations *generations, struct error *err)
{
    static uint64_t before[GENERATIONS_MAX];
    for (uint32_t i = 0; i < generations->count; i++) {
        struct generation *entry = &generations->entries[i];
        before[i] = entry->reserved;
        if (entry->reserved <= entry->last)
            entry->reserved = entry->last + GENERATION_BLOCK;
    }
    int rc = save(generations, err);
    if (rc < 0)
        for (uint32_t i = 0; i < generations->count; i++)
            generations->entries[i].reserved = before[i];
    return rc;
}

static int line_parse(struct generations *generations, const char *line, struct error *err)
{
    char name[GENERATION_NAME_MAX];
    uint64_t reserved = 0;
    char end = 0;
    static_assert(GENERATION_NAME_MAX == 48, "the width in the format below");
    if (sscanf(line, "%47s %" SCNu64 "%c", name, &reserved, &end) != 3 || end != '\n' ||
        reserved > UINT64_MAX / 2 || entry_find(generations, name))
        return error_set(err, EINVAL, "%s: a line that is not NAME NUMBER; restore the file, or remove the state folder",
                         generations->path);
    struct generation *entry = entry_get(generations, name, err);
    if (!entry)
        return -E2BIG;
    entry->last = entry->reserved = reserved;
    return 0;
}

int generations_open(struct generations *generations, const char *state_dir, struct error *err)
{
    memset(generations, 0, sizeof *generations);
    snprintf(generations->folder, sizeof generations->folder, "%s", state_dir);
    snprintf(generations->path, sizeof generations->path, "%s/generations", state_dir);
    FILE *file = fopen(generations->path, "re");
    if (!file)
        return errno == ENOENT ? 0 : error_errno(err, errno, "open %s", generations->path);
    char line[128];
    int rc = 0;
    if (!fgets(line, sizeof line, file) || strcmp(line, HEADER) != 0)
        rc = error_set(err, EINVAL, "%s: not a file of generations of this version", generations->path);
    while (rc == 0 && fgets(line, sizeof line, file))
        rc = line_parse(generations, line, err);
    fclose(file);
    return rc;
}

int generations_reserve(struct generations *generations, const char *const *names, uint32_t count, struct error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (!entry_get(generations, names[i], err))
            return -E2BIG;
    return reserve_empty(generations, err);
}

int generations_next(struct generations *generations, const char *name, uint64_t above, uint64_t *out, struct error *err)
{
    struct generation *entry = entry_get(generations, name, err);
    if (!entry)
        return -E2BIG;
    if (entry->last < above)
        entry->last = above;
    if (entry->last >= entry->reserved) {
        int rc = reserve_empty(generations, err);
        if (rc < 0)
            return rc;
    }
    assert(entry->last < entry->reserved);
    *out = ++entry->last;
    return 0;
}
