#include "tools/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/text.h"

#define GAP 2u

struct table {
    const struct table_column *columns;
    unsigned count;
    size_t cells, room;
    bool broken;
    char **list;
};

struct table *table_new(const struct table_column *columns, unsigned count)
{
    assert(count > 0 && count <= TABLE_COLUMNS_MAX);
    struct table *table = calloc(1, sizeof *table);
    if (table) {
        table->columns = columns;
        table->count = count;
    }
    return table;
}

void table_free(struct table **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->cells; i++)
        free((*table)->list[i]);
    free((*table)->list);
    free(*table);
    *table = NULL;
}

static bool table_grow(struct table *table)
{
    if (table->cells < table->room)
        return true;
    size_t room = table->room ? table->room * 2 : 64;
    char **list = realloc(table->list, room * sizeof *list);
    if (!list)
        return false;
    table->list = list;
    table->room = room;
    return true;
}

void table_cell(struct table *table, const char *format, ...)
{
    char raw[TABLE_CELL_MAX], clean[TABLE_CELL_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    text_clean(raw, strlen(raw), clean, sizeof clean);
    char *copy = table->broken || table->cells >= (size_t)TABLE_ROWS_MAX * table->count || !table_grow(table) ? NULL : strdup(clean);
    if (copy)
        table->list[table->cells++] = copy;
    else
        table->broken = true;
}

bool table_broken(const struct table *table) { return table->broken; }

unsigned table_rows(const struct table *table)
{
    assert(table->count > 0);
    return (unsigned)(table->cells / table->count);
}

static const char *cell(const struct table *table, unsigned row, unsigned column)
{
    return table->list[(size_t)row * table->count + column];
}

/* Widths of the columns that are shown; 0: left out. */
static void layout(const struct table *table, unsigned width, unsigned widths[TABLE_COLUMNS_MAX])
{
    unsigned total = 0, rows = table_rows(table);
    for (unsigned c = 0; c < table->count; c++) {
        widths[c] = (unsigned)text_columns(table->columns[c].title);
        for (unsigned r = 0; r < rows; r++) {
            unsigned columns = (unsigned)text_columns(cell(table, r, c));
            widths[c] = columns > widths[c] ? columns : widths[c];
        }
        total += widths[c] + (c ? GAP : 0);
    }
    while (width > 0 && total > width) {
        unsigned leaving = 0;
        bool found = false;
        for (unsigned c = 0; c < table->count; c++)
            if (widths[c] && table->columns[c].drop && (!found || table->columns[c].drop >= table->columns[leaving].drop)) {
                leaving = c;
                found = true;
            }
        if (!found)
            break;
        total -= widths[leaving] + GAP;
        widths[leaving] = 0;
    }
}

/* One line, at most `width` columns (0: any), without blanks at its end. */
static void line(const struct table *table, const char *const *cells, const unsigned *widths, unsigned width, FILE *out)
{
    unsigned at = 0, blanks = 0;
    bool first = true;
    for (unsigned c = 0; c < table->count; c++) {
        if (!widths[c])
            continue;
        unsigned columns = (unsigned)text_columns(cells[c]), fill = widths[c] - columns;
        blanks += (first ? 0 : GAP) + (table->columns[c].right ? fill : 0);
        first = false;
        unsigned room = width == 0 ? columns : at + blanks < width ? width - at - blanks : 0;
        if (columns > 0 && room > 0) {
            fprintf(out, "%*s%.*s", (int)blanks, "", (int)text_cut(cells[c], room), cells[c]);
            at += blanks + (columns < room ? columns : room);
            blanks = 0;
        }
        blanks += table->columns[c].right ? 0 : fill;
    }
    fputc('\n', out);
}

void table_print(const struct table *table, unsigned width, FILE *out)
{
    unsigned widths[TABLE_COLUMNS_MAX];
    const char *titles[TABLE_COLUMNS_MAX];
    layout(table, width, widths);
    for (unsigned c = 0; c < table->count; c++)
        titles[c] = table->columns[c].title;
    line(table, titles, widths, width, out);
    for (unsigned r = 0; r < table_rows(table); r++)
        line(table, (const char *const *)&table->list[(size_t)r * table->count], widths, width, out);
}

static void csv_cell(const char *text, FILE *out)
{
    if (!strpbrk(text, ",\"")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void table_print_csv(const struct table *table, FILE *out)
{
    for (unsigned c = 0; c < table->count; c++) {
        fputs(c ? "," : "", out);
        csv_cell(table->columns[c].title, out);
    }
    fputc('\n', out);
    for (unsigned r = 0; r < table_rows(table); r++)
        for (unsigned c = 0; c < table->count; c++) {
            fputs(c ? "," : "", out);
            csv_cell(cell(table, r, c), out);
            fputs(c + 1 == table->count ? "\n" : "", out);
        }
}
