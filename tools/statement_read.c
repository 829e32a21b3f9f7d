#include "tools/statement.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "tools/statement_text.h"

#define LINE_BYTES_MAX 2048u
#define FIELDS_MAX 48u
#define NO_COLUMN UINT32_MAX

enum column { OPENED, CLOSED, SIDE, LOTS, SYMBOL, OPEN_PRICE, CLOSE_PRICE, PROFIT, FEES, COMMISSION, SWAP, STOP, TARGET, TRADE_DAY,
              COLUMN_COUNT };

/* Names of a column in each form, the first is what messages say. */
struct column_names {
    bool needed;
    const char *names[4];
};
static const struct column_names forms[][COLUMN_COUNT] = {
    [STATEMENT_TOPSTEPX] = {
        [OPENED] = {true, {"entry_epoch_s", "EnteredAt"}}, [CLOSED] = {true, {"exit_epoch_s", "ExitedAt"}},
        [SIDE] = {true, {"side", "Type"}}, [LOTS] = {true, {"contracts", "Size"}}, [SYMBOL] = {true, {"contract", "ContractName"}},
        [OPEN_PRICE] = {true, {"entry_price", "EntryPrice"}}, [CLOSE_PRICE] = {true, {"exit_price", "ExitPrice"}},
        [PROFIT] = {true, {"pnl"}}, [FEES] = {true, {"fees"}}, [COMMISSION] = {false, {"commissions"}},
        [TRADE_DAY] = {false, {"trade_day", "TradeDay"}},
    },
    [STATEMENT_MT4] = {
        [OPENED] = {true, {"open_epoch_s", "open_time", "Open Time"}}, [CLOSED] = {true, {"close_epoch_s", "close_time", "Close Time"}},
        [SIDE] = {true, {"side", "type"}}, [LOTS] = {true, {"lots", "size"}}, [SYMBOL] = {true, {"symbol", "item"}},
        [OPEN_PRICE] = {true, {"open_price", "Open Price"}}, [CLOSE_PRICE] = {true, {"close_price", "Close Price"}},
        [PROFIT] = {true, {"profit"}}, [COMMISSION] = {true, {"commission"}}, [SWAP] = {true, {"swap"}},
        [STOP] = {false, {"sl", "S / L"}}, [TARGET] = {false, {"tp", "T / P"}},
    },
};

struct reader {
    const char *name;
    const struct statement_options *options;
    struct statement *out;
    uint32_t line, columns[COLUMN_COUNT], capacity;
    char *fields[FIELDS_MAX];
    uint32_t field_count, header_count;
    bool row_is_bad;
};

__attribute__((format(printf, 2, 3))) static void problem(struct reader *r, const char *format, ...)
{
    struct statement *out = r->out;
    r->row_is_bad = true;
    if (out->problem_count++ >= STATEMENT_PROBLEMS_MAX)
        return;
    char *text = out->problems[out->problem_count - 1];
    int used = snprintf(text, STATEMENT_PROBLEM_MAX, "%.120s:%u: ", r->name, r->line);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + used, STATEMENT_PROBLEM_MAX - (size_t)used, format, args);
    va_end(args);
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* Splits in place; blanks around a field and quotes around it go. */
static void split(struct reader *r, char *line)
{
    r->field_count = 0;
    for (char *next = line; next; ) {
        char *field = next, *end;
        while (*field == ' ' || *field == '\t')
            field++;
        if (*field == '"') {
            end = strchr(++field, '"');
            next = end ? strchr(end, ',') : NULL;
            if (end)
                *end = '\0';
        } else {
            next = strchr(field, ',');
            end = next ? next : field + strlen(field);
            while (end > field && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        }
        if (next)
            *next++ = '\0';
        if (end)
            *end = '\0';
        if (r->field_count < FIELDS_MAX)
            r->fields[r->field_count] = field;
        r->field_count++;
    }
}

static uint32_t column_of(const struct reader *r, const struct column_names *column)
{
    for (uint32_t i = 0; i < r->field_count && i < FIELDS_MAX; i++)
        for (uint32_t n = 0; n < sizeof column->names / sizeof column->names[0] && column->names[n]; n++)
            if (strcasecmp(r->fields[i], column->names[n]) == 0)
                return i;
    return NO_COLUMN;
}

/* How many columns of the form are missing, and the first of them. */
static uint32_t missing(const struct reader *r, uint32_t form, const char **first)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < COLUMN_COUNT; c++)
        if (forms[form][c].needed && column_of(r, &forms[form][c]) == NO_COLUMN && count++ == 0)
            *first = forms[form][c].names[0];
    return count;
}

static void read_header(struct reader *r)
{
    uint32_t best = STATEMENT_TOPSTEPX, least = COLUMN_COUNT + 1;
    const char *first = NULL, *lacks = NULL;
    for (uint32_t form = STATEMENT_TOPSTEPX; form <= STATEMENT_MT4; form++) {
        uint32_t count = missing(r, form, &first);
        if (count < least) {
            least = count;
            best = form;
            lacks = first;
        }
    }
    if (least > 0) {
        problem(r, "no column '%s' in this header; it needs the columns of a TopstepX export or of an MT4 statement (docs/statements.md)",
                lacks);
        return;
    }
    r->out->format = (enum statement_format)best;
    r->header_count = r->field_count;
    for (uint32_t c = 0; c < COLUMN_COUNT; c++)
        r->columns[c] = forms[best][c].names[0] ? column_of(r, &forms[best][c]) : NO_COLUMN;
}

/* --- fields ----------------------------------------------------------------------------------------------------- */

static const char *name_of(const struct reader *r, enum column column) { return forms[r->out->format][column].names[0]; }

/* NULL: the file has no such column. */
static const char *field_of(const struct reader *r, enum column column)
{
    return r->columns[column] == NO_COLUMN ? NULL : r->fields[r->columns[column]];
}

/* A column that is not there, or is empty where it may be, is 0. */
static dec_t number(struct reader *r, enum column column)
{
    const char *text = field_of(r, column);
    dec_t value = 0;
    bool may_be_empty = column == STOP || column == TARGET || column == COMMISSION || column == SWAP;
    if (!text || (*text == '\0' && may_be_empty))
        return 0;
    if (dec_parse(text, strlen(text), &value) != 0)
        problem(r, "%s '%.24s' is no number; write it like -12.34, without blanks, groups or a currency", name_of(r, column), text);
    return value;
}

static dec_t money(struct reader *r, enum column column)
{
    dec_t value = number(r, column);
    if (dec_abs(value) > STATEMENT_MONEY_MAX)
        problem(r, "%s '%.24s' is more than a million; no amount of a trade may be", name_of(r, column), field_of(r, column));
    else if (value % (DEC_ONE / 100) != 0)
        problem(r, "%s '%.24s' has parts of a cent; export the amounts as they are booked", name_of(r, column), field_of(r, column));
    return value;
}

static dec_t positive(struct reader *r, enum column column)
{
    dec_t value = number(r, column);
    if (value <= 0 && !r->row_is_bad)
        problem(r, "%s '%.24s' must be above 0; a row that is no closed trade is to be taken out", name_of(r, column), field_of(r, column));
    return value;
}

static int64_t instant(struct reader *r, enum column column)
{
    const char *text = field_of(r, column);
    int64_t ns = 0;
    if (!statement_time(text, r->options->new_york, &ns))
        problem(r, "%s '%.32s' is no time; write epoch seconds, 04/03/2025 11:00:47 -05:00, or 2023.09.08 09:03:09 (MT4 server clock)",
                name_of(r, column), text);
    return ns;
}

static uint32_t side(struct reader *r)
{
    const char *text = field_of(r, SIDE);
    if (strcasecmp(text, "buy") == 0 || strcasecmp(text, "long") == 0)
        return 1;
    if (strcasecmp(text, "sell") == 0 || strcasecmp(text, "short") == 0)
        return 2;
    problem(r, "%s '%.24s' is neither buy nor sell; take out rows that are no closed trade (balance, credit, cancelled orders)",
            name_of(r, SIDE), text);
    return 0;
}

static uint32_t symbol(struct reader *r)
{
    struct statement *out = r->out;
    struct statement_symbol found;
    const char *text = field_of(r, SYMBOL);
    if (!statement_symbol_of(text, out->format == STATEMENT_TOPSTEPX, r->options, &found)) {
        problem(r, "what a lot of '%.23s' is is not known; say it with --contracts %.23s=UNITS (or =UNITS:CUR, not in USD)", text, text);
        return 0;
    }
    for (uint32_t i = 0; i < out->symbol_count; i++)
        if (strcmp(out->symbols[i].name, found.name) == 0)
            return i;
    if (out->symbol_count == STATEMENT_SYMBOLS_MAX) {
        problem(r, "'%.23s' is one symbol more than the %u that a statement may have; split the file", text, STATEMENT_SYMBOLS_MAX);
        return 0;
    }
    out->symbols[out->symbol_count] = found;
    return out->symbol_count++;
}

static int32_t trade_day(struct reader *r)
{
    const char *text = field_of(r, TRADE_DAY);
    int32_t day = INT32_MIN;
    if (text && *text != '\0' && !statement_date(text, &day))
        problem(r, "%s '%.24s' is no day; write 2025-04-03 or 04/03/2025", name_of(r, TRADE_DAY), text);
    return day;
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static struct statement_trade *add_trade(struct reader *r)
{
    struct statement *out = r->out;
    if (out->trade_count == r->capacity) {
        uint32_t capacity = r->capacity ? r->capacity * 2 : 256;
        struct statement_trade *grown = realloc(out->trades, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        out->trades = grown;
        r->capacity = capacity;
    }
    return &out->trades[out->trade_count++];
}

static void read_trade(struct reader *r, struct statement_trade *t)
{
    *t = (struct statement_trade){.line = r->line};
    if (r->field_count != r->header_count) {
        problem(r, "%u fields, the header has %u; no field may hold a comma or be cut off", r->field_count, r->header_count);
        return;
    }
    t->opened_ns = instant(r, OPENED);
    t->closed_ns = instant(r, CLOSED);
    t->side = side(r);
    t->symbol = symbol(r);
    t->lots = positive(r, LOTS);
    t->open_price = positive(r, OPEN_PRICE);
    t->close_price = positive(r, CLOSE_PRICE);
    t->stop = number(r, STOP);
    t->target = number(r, TARGET);
    t->stated = money(r, PROFIT);
    t->swap = money(r, SWAP);
    t->trade_day = trade_day(r);
    dec_t fees = money(r, FEES), commission = money(r, COMMISSION);
    if (r->row_is_bad)
        return;
    if (t->closed_ns < t->opened_ns)
        problem(r, "closed before it was opened; are %s and %s changed over?", name_of(r, OPENED), name_of(r, CLOSED));
    /* TopstepX gives what it charges as a positive amount, MT4 books it with its sign. */
    bool charged = r->out->format == STATEMENT_TOPSTEPX;
    if (charged && (fees < 0 || commission < 0))
        problem(r, "fees below 0; this form gives what is charged as a positive amount");
    else if (t->stop < 0 || t->target < 0)
        problem(r, "a stop or target below 0; 0 or nothing when there is none");
    t->charges = charged ? -(fees + commission) : commission;
}

static int read_line(struct reader *r, char *line, size_t length, struct error *err)
{
    r->line++;
    r->row_is_bad = false;
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        line[--length] = '\0';
    if (strlen(line) != length || length >= LINE_BYTES_MAX) {
        problem(r, "no line of text, or longer than %u bytes; is this the CSV file?", LINE_BYTES_MAX);
        return 0;
    }
    if (r->out->format == STATEMENT_UNKNOWN && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3;
    if (line[strspn(line, " \t,")] == '\0')
        return 0;
    split(r, line);
    if (r->field_count > FIELDS_MAX)
        problem(r, "more than %u fields", FIELDS_MAX);
    else if (r->out->format == STATEMENT_UNKNOWN)
        read_header(r);
    else if (r->out->trade_count == STATEMENT_TRADES_MAX)
        return error_set(err, E2BIG, "%s:%u: more than %u trades; split the file", r->name, r->line, STATEMENT_TRADES_MAX);
    else {
        struct statement_trade *t = add_trade(r);
        if (!t)
            return error_set(err, ENOMEM, "%s: no memory", r->name);
        read_trade(r, t);
    }
    return 0;
}

static int by_close(const void *a, const void *b)
{
    const struct statement_trade *x = a, *y = b;
    if (x->closed_ns != y->closed_ns)
        return x->closed_ns < y->closed_ns ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

int statement_read(FILE *in, const char *name, const struct statement_options *options, struct statement *out, struct error *err)
{
    assert(in && name && options && options->new_york && out);
    memset(out, 0, sizeof *out);
    struct reader r = {.name = name, .options = options, .out = out};
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int rc = 0;
    while (rc == 0 && (length = getline(&line, &size, in)) >= 0) {
        rc = read_line(&r, line, (size_t)length, err);
        if (out->format == STATEMENT_UNKNOWN && out->problem_count > 0)
            break;
    }
    free(line);
    if (rc == 0 && ferror(in))
        rc = error_set(err, EIO, "%s: cannot be read", name);
    if (rc == 0 && out->problem_count > 0)
        rc = error_set(err, EINVAL, "%s: %u rows cannot be taken; nothing was reckoned", name, out->problem_count);
    if (rc == 0 && out->trade_count == 0)
        rc = error_set(err, EINVAL, "%s: no trade in it; a header line and one line for each closed trade are needed", name);
    if (rc == 0)
        qsort(out->trades, out->trade_count, sizeof *out->trades, by_close);
    return rc;
}

void statement_free(struct statement *statement)
{
    free(statement->trades);
    statement->trades = NULL;
    statement->trade_count = 0;
}

/* --- rates ------------------------------------------------------------------------------------------------------- */

/* Epoch seconds fit a dec_t. */
static bool read_bar(char *line, struct statement_bar *bar)
{
    char *rest = line;
    dec_t values[5];
    for (unsigned i = 0; i < 5; i++) {
        const char *field = strsep(&rest, ",\r\n");
        if (!field || dec_parse(field, strlen(field), &values[i]) != 0)
            return false;
    }
    *bar = (struct statement_bar){.time_s = values[0] / DEC_ONE, .low = values[3], .high = values[2]};
    return bar->low > 0 && bar->low <= bar->high;
}

int statement_rates_read(FILE *in, const char *name, const char *pair, struct statement_rates *out, struct error *err)
{
    memset(out, 0, sizeof *out);
    (void)snprintf(out->pair, sizeof out->pair, "%s", pair);
    char *line = NULL;
    size_t size = 0;
    uint32_t number = 0, capacity = 0;
    int64_t last_s = INT64_MIN;
    int rc = 0;
    while (rc == 0 && getline(&line, &size, in) >= 0) {
        struct statement_bar bar = {0};
        if (++number == 1 && !isdigit((unsigned char)line[0]))
            continue;
        if (!read_bar(line, &bar) || bar.time_s <= last_s) {
            rc = error_set(err, EINVAL, "%s:%u: no bar, or not after the one before; epoch_s,open,high,low,close is needed", name, number);
        } else if (out->count == STATEMENT_BARS_MAX) {
            rc = error_set(err, E2BIG, "%s: more than %u bars; cut it to the span of the statement", name, STATEMENT_BARS_MAX);
        } else if (out->count == capacity) {
            capacity = capacity ? capacity * 2 : 4096;
            struct statement_bar *grown = realloc(out->bars, capacity * sizeof *grown);
            if (grown)
                out->bars = grown;
            else
                rc = error_set(err, ENOMEM, "%s: no memory", name);
        }
        if (rc != 0)
            break;
        if (out->count > 0 && (out->step_s == 0 || bar.time_s - last_s < out->step_s))
            out->step_s = bar.time_s - last_s;
        last_s = bar.time_s;
        out->bars[out->count++] = bar;
    }
    free(line);
    if (rc == 0 && out->count < 2)
        rc = error_set(err, EINVAL, "%s: fewer than two bars", name);
    if (rc != 0)
        statement_rates_free(out);
    return rc;
}

void statement_rates_free(struct statement_rates *rates)
{
    free(rates->bars);
    rates->bars = NULL;
    rates->count = 0;
}
