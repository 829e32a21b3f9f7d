#include "tests/golden/quant/table.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        if (capacity - size < 2) {
            char *more = realloc(data, capacity *= 2);
            if (!more)
                free(data);
            data = more;
        }
    }
    if (data)
        data[size] = '\0';
    (void)fclose(in);
    return data;
}

/* One field, unquoted in place; *cursor to what follows. Returns the character that ended it: , \n or 0. */
static char cut(char **cursor, const char **out)
{
    char *read = *cursor, *write = read;
    bool quoted = *read == '"';
    read += quoted;
    *out = write;
    for (; *read != '\0'; read++) {
        if (quoted && *read == '"') {
            if (read[1] != '"') {
                quoted = false;
                continue;
            }
            read++;
        } else if (!quoted && (*read == ',' || *read == '\n' || *read == '\r'))
            break;
        *write++ = *read;
    }
    char end = *read;
    if (end == '\r' && read[1] == '\n')
        end = *++read;
    *cursor = end == '\0' ? read : read + 1;
    *write = '\0';
    return end;
}

static uint32_t count_lines(const char *text)
{
    uint32_t lines = 1;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static uint32_t count_columns(const char *text)
{
    uint32_t columns = 1;
    bool quoted = false;
    for (; *text != '\0' && *text != '\n'; text++) {
        quoted ^= *text == '"';
        columns += *text == ',' && !quoted;
    }
    return columns;
}

static int read_rows(char *cursor, struct table *out)
{
    while (*cursor != '\0') {
        const char **row = out->cells + (size_t)out->row_count * out->column_count;
        uint32_t count = 0;
        char end;
        do {
            const char *cell;
            end = cut(&cursor, &cell);
            if (count == out->column_count)
                return -EINVAL;
            row[count++] = cell;
        } while (end == ',');
        if (count == 1 && row[0][0] == '\0' && out->column_count > 1)
            continue; /* an empty line */
        while (count < out->column_count)
            row[count++] = "";
        out->row_count++;
    }
    return 0;
}

static int table_load(const char *path, bool header, struct table *out)
{
    *out = (struct table){0};
    errno = 0;
    out->text = read_all(path);
    if (!out->text)
        return errno ? -errno : -ENOMEM;
    if (out->text[0] == '\0') {
        table_fini(out);
        return -EINVAL;
    }
    out->column_count = count_columns(out->text);
    out->columns = calloc(out->column_count, sizeof *out->columns);
    out->cells = calloc((size_t)count_lines(out->text) * out->column_count, sizeof *out->cells);
    char *cursor = out->text;
    int error = out->columns && out->cells ? 0 : -ENOMEM;
    static const char *const numbers[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"};
    for (uint32_t i = 0; error == 0 && i < out->column_count; i++) {
        if (header)
            (void)cut(&cursor, &out->columns[i]);
        else
            out->columns[i] = i < sizeof numbers / sizeof numbers[0] ? numbers[i] : "";
    }
    if (error == 0)
        error = read_rows(cursor, out);
    if (error)
        table_fini(out);
    return error;
}

int table_read(const char *path, struct table *out)
{
    return table_load(path, true, out);
}

int table_read_bare(const char *path, struct table *out)
{
    return table_load(path, false, out);
}

void table_fini(struct table *table)
{
    free(table->text);
    free(table->columns);
    free(table->cells);
    *table = (struct table){0};
}

uint32_t table_column(const struct table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i], name) == 0)
            return i;
    return TABLE_NONE;
}

const char *table_text(const struct table *table, uint32_t row, uint32_t column)
{
    assert(row < table->row_count && column < table->column_count);
    return table->cells[(size_t)row * table->column_count + column];
}

double table_number(const struct table *table, uint32_t row, uint32_t column)
{
    const char *text = table_text(table, row, column);
    char *end;
    double value = strtod(text, &end);
    return end == text || *end != '\0' ? NAN : value;
}

bool table_defined(const struct table *table, uint32_t row, uint32_t column)
{
    return !isnan(table_number(table, row, column));
}

int64_t table_integer(const struct table *table, uint32_t row, uint32_t column)
{
    return (int64_t)llround(table_number(table, row, column));
}

double *table_numbers(const struct table *table, const char *name)
{
    uint32_t column = table_column(table, name);
    if (column == TABLE_NONE)
        return NULL;
    double *out = malloc((table->row_count + 1u) * sizeof *out);
    for (uint32_t i = 0; out && i < table->row_count; i++)
        out[i] = table_number(table, i, column);
    return out;
}

int64_t *table_points(const struct table *table, const char *name, double point)
{
    uint32_t column = table_column(table, name);
    if (column == TABLE_NONE)
        return NULL;
    int64_t *out = malloc((table->row_count + 1u) * sizeof *out);
    for (uint32_t i = 0; out && i < table->row_count; i++)
        out[i] = (int64_t)llround(table_number(table, i, column) / point);
    return out;
}
