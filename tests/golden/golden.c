/* golden: runs the vectors of every rules_vectors.csv under the folders that it is given. Prints the counts by
 * primitive and each failure with both sides; exits 1 when one fails, is not known, or none was found.
 *
 *   golden [-q] folder ...      -q: failures and the total only
 */
#include "tests/golden/golden.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "rules_vectors.csv"
#define FILES_MAX 32u
#define VECTORS_MAX 4096u
#define COLUMNS 8u
#define PRIMITIVES_MAX 32u

static char *files[FILES_MAX];
static uint32_t file_count;
static struct golden_vector vectors[VECTORS_MAX];
static uint32_t vector_count;

static struct tally {
    char primitive[16];
    uint32_t passed, failed;
} tallies[PRIMITIVES_MAX];
static uint32_t tally_count;

/* --- files ---------------------------------------------------------------------------------------------------- */

static int found(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    if (type == FTW_F && strcmp(path + where->base, FILE_NAME) == 0 && file_count < FILES_MAX)
        files[file_count++] = strdup(path);
    return 0;
}

static char *read_all(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    size_t size = 0, capacity = 1u << 16;
    char *data = malloc(capacity);
    while (data) {
        size_t n = fread(data + size, 1, capacity - size - 1, in);
        if (n == 0)
            break;
        size += n;
        if (capacity - size < 2 && !(data = realloc(data, capacity *= 2)))
            break;
    }
    if (data)
        data[size] = '\0';
    (void)fclose(in);
    return data;
}

/* One field, unquoted in place; *cursor to what follows. Returns the character that ended it. */
static char field(char **cursor, char **out)
{
    char *read = *cursor, *write = read, end;
    bool quoted = *read == '"';
    read += quoted;
    *out = write;
    while (*read != '\0') {
        if (quoted && read[0] == '"' && read[1] == '"')
            read++;
        else if (quoted && *read == '"') {
            quoted = false;
            read++;
            continue;
        } else if (!quoted && (*read == ',' || *read == '\n' || *read == '\r'))
            break;
        *write++ = *read++;
    }
    end = *read;
    if (end == '\r' && read[1] == '\n')
        end = *++read;
    *cursor = end == '\0' ? read : read + 1;
    *write = '\0';
    return end;
}

static void split_pairs(struct golden_vector *v, char *text, struct golden_side *side)
{
    for (char *next = text; next && *next != '\0';) {
        char *pair = next, *equals;
        next = strchr(pair, '|');
        if (next)
            *next++ = '\0';
        equals = strchr(pair, '=');
        if (!equals || side->count == GOLDEN_PAIRS_MAX) {
            golden_fail(v, "not key=value, or too many: %s", pair);
            return;
        }
        *equals = '\0';
        side->pairs[side->count++] = (struct golden_pair){.key = pair, .value = equals + 1};
    }
}

static void read_vector(const char *path, char *columns[COLUMNS], uint32_t count)
{
    struct golden_vector *v = &vectors[vector_count++];
    v->file = path;
    v->id = columns[0];
    v->primitive = count > 1 ? columns[1] : "";
    v->rule = count > 2 ? columns[2] : "";
    v->before = vector_count > 1 && strcmp(v[-1].file, path) == 0 ? v - 1 : NULL;
    if (count != COLUMNS) {
        golden_fail(v, "%u columns, not %u", count, COLUMNS);
        return;
    }
    split_pairs(v, columns[5], &v->inputs);
    split_pairs(v, columns[6], &v->expected);
}

/* False: cannot be read, or is something else. */
static bool read_file(const char *path)
{
    char *cursor = read_all(path), *columns[COLUMNS] = {0}, *extra;
    bool header = true;
    if (!cursor)
        return false;
    while (*cursor != '\0') {
        uint32_t count = 0;
        char end;
        do {
            end = field(&cursor, count < COLUMNS ? &columns[count] : &extra);
            count++;
        } while (end == ',');
        if (header && (count != COLUMNS || strcmp(columns[0], "id") != 0 || strcmp(columns[5], "inputs") != 0))
            return false;
        if (!header && !(count == 1 && columns[0][0] == '\0')) {
            if (vector_count == VECTORS_MAX)
                return false;
            read_vector(path, columns, count);
        }
        header = false;
    }
    return !header;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static void run(struct golden_vector *v)
{
    if (v->failures > 0)
        return;
    if (!golden_floor(v) && !golden_primitive(v)) {
        golden_fail(v, "nobody knows such a vector");
        return;
    }
    if (v->expected.count == 0)
        golden_fail(v, "expects nothing");
    for (uint32_t i = 0; i < v->expected.count; i++)
        if (!v->expected.pairs[i].told)
            golden_fail(v, "nothing was computed for %s", v->expected.pairs[i].key);
}

static struct tally *tally_of(const char *primitive)
{
    for (uint32_t i = 0; i < tally_count; i++)
        if (strcmp(tallies[i].primitive, primitive) == 0)
            return &tallies[i];
    if (tally_count == PRIMITIVES_MAX)
        return &tallies[PRIMITIVES_MAX - 1];
    (void)snprintf(tallies[tally_count].primitive, sizeof tallies[0].primitive, "%s", primitive);
    return &tallies[tally_count++];
}

int main(int argc, char **argv)
{
    bool quiet = argc > 1 && strcmp(argv[1], "-q") == 0;
    uint32_t failed = 0;
    for (int i = 1 + quiet; i < argc; i++)
        if (nftw(argv[i], found, 16, FTW_PHYS) != 0)
            fprintf(stderr, "golden: %s: %s\n", argv[i], strerror(errno));
    for (uint32_t i = 0; i < file_count; i++)
        if (!read_file(files[i])) {
            printf("not ok - %s: not a file of vectors\n", files[i]);
            failed++;
        }
    for (uint32_t i = 0; i < vector_count; i++) {
        struct golden_vector *v = &vectors[i];
        struct tally *tally = tally_of(v->primitive);
        run(v);
        if (v->failures == 0) {
            tally->passed++;
            continue;
        }
        tally->failed++;
        failed++;
        printf("not ok - %s (%s, %s): %s\n", v->id, v->primitive, v->rule, v->text);
    }
    for (uint32_t i = 0; i < tally_count && !quiet; i++) /* "ok" lines are what tests/run.sh counts */
        printf("# %-4s %3u passed, %u failed\n", tallies[i].primitive, tallies[i].passed, tallies[i].failed);
    if (failed == 0 && vector_count > 0)
        printf("ok - %u vectors of %u files\n", vector_count, file_count);
    else if (vector_count == 0)
        printf("not ok - no vector found\n");
    else
        printf("# %u of %u vectors failed\n", failed, vector_count);
    return failed == 0 && vector_count > 0 ? 0 : 1;
}
