/* golden_quant: the golden files under the folders that it is given.
 *
 *   golden_quant folder ...      a folder holds the families' folders (indicators/, stats/, ...)
 *
 * One line a file: how many cells were compared and the largest deviation as a share of what is allowed. Exits 1 when a
 * cell differs or a file was opened by nobody, 2 when no folder holds a family. */
#include "tests/golden/quant/quant.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 5u

static const struct family {
    const char *name;
    void (*run)(struct quant_folder *folder);
} families[] = {
#define X(name) {#name, quant_##name},
    QUANT_FAMILIES(X)
#undef X
    {NULL, NULL},
};

/* --- files ------------------------------------------------------------------------------------------------------ */

static struct quant_file *file_of(struct quant_folder *folder, const char *name)
{
    for (uint32_t i = 0; i < folder->file_count; i++)
        if (strcmp(folder->files[i].name, name) == 0)
            return &folder->files[i];
    if (folder->file_count == QUANT_FILES_MAX)
        return &folder->files[QUANT_FILES_MAX - 1];
    struct quant_file *file = &folder->files[folder->file_count++];
    memset(file, 0, sizeof *file);
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    return file;
}

bool quant_has(const struct quant_folder *folder, const char *name)
{
    for (uint32_t i = 0; i < folder->file_count; i++)
        if (strcmp(folder->files[i].name, name) == 0)
            return true;
    return false;
}

const char *quant_path(struct quant_folder *folder, const char *name, char path[QUANT_PATH_MAX])
{
    if (!quant_has(folder, name))
        return NULL;
    file_of(folder, name)->opened = true;
    (void)snprintf(path, QUANT_PATH_MAX, "%.800s/%.120s", folder->path, name);
    return path;
}

static bool open_with(struct quant_folder *folder, const char *name, bool optional, struct table *out,
                      int (*read)(const char *, struct table *))
{
    char path[QUANT_PATH_MAX];
    *out = (struct table){0};
    if (!quant_path(folder, name, path)) {
        if (!optional)
            quant_fail(folder, name, "is missing");
        return false;
    }
    int error = read(path, out);
    if (error)
        quant_fail(folder, name, "cannot be read: %s", strerror(-error));
    return error == 0;
}

bool quant_open(struct quant_folder *folder, const char *name, bool optional, struct table *out)
{
    return open_with(folder, name, optional, out, table_read);
}

bool quant_open_bare(struct quant_folder *folder, const char *name, bool optional, struct table *out)
{
    return open_with(folder, name, optional, out, table_read_bare);
}

bool quant_each(const struct quant_folder *folder, const char *ending, uint32_t *i, char stem[128])
{
    size_t tail = strlen(ending);
    for (; *i < folder->file_count; (*i)++) {
        const char *name = folder->files[*i].name;
        size_t length = strlen(name);
        if (length <= tail || strcmp(name + length - tail, ending) != 0)
            continue;
        (void)snprintf(stem, 128, "%.*s", (int)(length - tail), name);
        (*i)++;
        return true;
    }
    return false;
}

/* --- telling ------------------------------------------------------------------------------------------------------- */

static void say(struct quant_folder *folder, struct quant_file *file, const char *text)
{
    if (file->failed++ < FAILURES_SHOWN)
        printf("not ok - %s/%s: %s\n", folder->family, file->name, text);
}

void quant_fail(struct quant_folder *folder, const char *file, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say(folder, file_of(folder, file), text);
}

static double allowed(double expected, double actual, enum quant_tolerance kind, double tolerance)
{
    switch (kind) {
    case QUANT_RELATIVE: return fmax(1e-300, tolerance * fmax(fabs(expected), fabs(actual)));
    case QUANT_ABSOLUTE: return tolerance;
    case QUANT_MIXED: return tolerance * fmax(1.0, fabs(expected));
    }
    return 0.0;
}

void quant_check(struct quant_folder *folder, const char *file, uint32_t row, const char *column, double expected,
                 double actual, enum quant_tolerance kind, double tolerance)
{
    struct quant_file *f = file_of(folder, file);
    f->checked++;
    double share;
    if (isnan(expected) || isnan(actual))
        share = isnan(expected) && isnan(actual) ? 0.0 : INFINITY;
    else if (isinf(expected) || isinf(actual) || expected == actual)
        share = expected == actual ? 0.0 : INFINITY;
    else
        share = fabs(expected - actual) / fmax(allowed(expected, actual, kind, tolerance), 5e-324);
    if (share > f->worst) {
        f->worst = share;
        (void)snprintf(f->worst_at, sizeof f->worst_at, "row %u, %.80s", row, column);
    }
    if (share <= 1.0)
        return;
    char text[256];
    (void)snprintf(text, sizeof text, "row %u, %.80s: %.17g, not %.17g (allowed %.3g)", row, column, actual, expected, tolerance);
    say(folder, f, text);
}

void quant_check_integer(struct quant_folder *folder, const char *file, uint32_t row, const char *column, int64_t expected,
                         int64_t actual)
{
    struct quant_file *f = file_of(folder, file);
    f->checked++;
    if (expected == actual)
        return;
    char text[256];
    (void)snprintf(text, sizeof text, "row %u, %.80s: %lld, not %lld", row, column, (long long)actual, (long long)expected);
    say(folder, f, text);
}

void quant_check_text(struct quant_folder *folder, const char *file, uint32_t row, const char *column, const char *expected,
                      const char *actual)
{
    struct quant_file *f = file_of(folder, file);
    f->checked++;
    if (strcmp(expected, actual) == 0)
        return;
    char text[512];
    (void)snprintf(text, sizeof text, "row %u, %.80s: %.180s, not %.180s", row, column, actual, expected);
    say(folder, f, text);
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    const struct quant_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool list(struct quant_folder *folder)
{
    DIR *directory = opendir(folder->path);
    if (!directory)
        return false;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            (void)file_of(folder, entry->d_name);
    (void)closedir(directory);
    qsort(folder->files, folder->file_count, sizeof folder->files[0], by_name);
    return folder->file_count > 0;
}

/* How many failures. */
static uint64_t report(struct quant_folder *folder)
{
    uint64_t failed = 0;
    for (uint32_t i = 0; i < folder->file_count; i++) {
        struct quant_file *file = &folder->files[i];
        if (!file->opened && file->failed == 0)
            say(folder, file, "no test knows such a file");
        failed += file->failed;
        if (file->failed > FAILURES_SHOWN)
            printf("# %s/%s: %llu of %llu differ\n", folder->family, file->name, (unsigned long long)file->failed,
                   (unsigned long long)file->checked);
        else if (file->failed == 0 && file->checked > 0)
            printf("ok - %s/%s: %llu compared, largest deviation %.2g of what is allowed%s%s\n", folder->family, file->name,
                   (unsigned long long)file->checked, file->worst, file->worst > 0.0 ? " at " : "", file->worst_at);
    }
    return failed;
}

int main(int argc, char **argv)
{
    static struct quant_folder folder;
    uint64_t failed = 0;
    uint32_t found = 0;
    for (int i = 1; i < argc; i++) {
        for (const struct family *family = families; family->name; family++) {
            memset(&folder, 0, sizeof folder);
            folder.family = family->name;
            (void)snprintf(folder.path, sizeof folder.path, "%.800s/%s", argv[i], family->name);
            if (!list(&folder))
                continue;
            found++;
            family->run(&folder);
            failed += report(&folder);
        }
    }
    return failed > 0 ? 1 : found > 0 ? 0 : 2;
}
