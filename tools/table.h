/* table: rows and columns of text that fit a terminal.
 *
 * Cells are added one after the other; a row ends by itself. Columns are as wide as their widest cell. Where
 * the whole is wider than the terminal, columns leave in the order of their `drop` (the highest first; 0
 * never leaves), then the last column is cut. Outside text is cleaned (text_clean). Pure apart from printing.
 */
#ifndef PROPFLEET_TOOLS_TABLE_H
#define PROPFLEET_TOOLS_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 24u
#define TABLE_ROWS_MAX 200000u
#define TABLE_CELL_MAX 256u /* bytes of one cell; more is cut */

struct table_column {
    const char *title;
    bool right;    /* figures */
    unsigned drop; /* 0: always shown */
};

struct table;

/* NULL: no memory. `columns` is borrowed for the table's life. */
struct table *table_new(const struct table_column *columns, unsigned count);
void table_free(struct table **table);
/* Add one cell. What finds no memory, or is beyond TABLE_ROWS_MAX rows, is left out and shows in table_broken. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool table_broken(const struct table *table);
unsigned table_rows(const struct table *table);
/* At most `width` columns, 0: no limit. Titles are underlined by nothing and never left out. */
void table_print(const struct table *table, unsigned width, FILE *out);
/* The same as CSV (RFC 4180), every column. */
void table_print_csv(const struct table *table, FILE *out);

#endif
