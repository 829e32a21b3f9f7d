/* table: a CSV file of numbers and words as the golden files are: a header line, then rows, '.' decimal. Owns its memory.
 *
 * An empty cell, `nan` and `NA` are no number: table_number gives NaN. `inf` and `-inf` are. A cell beyond the end of a
 * short row is empty. Quotes are taken off, a comma between them is text.
 */
#ifndef PROPFLEET_TESTS_GOLDEN_QUANT_TABLE_H
#define PROPFLEET_TESTS_GOLDEN_QUANT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE UINT32_MAX /* no such column */

struct table {
    char *text;           /* the file, cut into strings */
    const char **cells;   /* row_count * column_count */
    const char **columns; /* column_count names */
    uint32_t column_count, row_count;
};

/* 0; -ENOENT and the like when the file cannot be read; -EINVAL when it has no header or a row is wider than it. On an
 * error *out is empty. Free with table_fini. */
int table_read(const char *path, struct table *out);
/* The same without a header line: columns are named "0", "1", ... after the first row. */
int table_read_bare(const char *path, struct table *out);
void table_fini(struct table *table);

uint32_t table_column(const struct table *table, const char *name); /* TABLE_NONE */
const char *table_text(const struct table *table, uint32_t row, uint32_t column);
double table_number(const struct table *table, uint32_t row, uint32_t column);
/* Whether the cell is a number that was computed: not empty, nan or NA. inf is. */
bool table_defined(const struct table *table, uint32_t row, uint32_t column);
int64_t table_integer(const struct table *table, uint32_t row, uint32_t column);
/* A whole column as doubles, row_count of them; NULL when there is no such column. The caller frees it. */
double *table_numbers(const struct table *table, const char *name);
/* A price column as whole points: round(value / point); NULL when there is none. The caller frees it. */
int64_t *table_points(const struct table *table, const char *name, double point);

#endif
