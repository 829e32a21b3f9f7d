/* csv: the reader of bars, ticks, trades and spread companions, plain or gzip.
 *
 * Caveats first: a row is either whole and checked or it is not returned at all. Every field of every
 * row is validated; prices are exact decimals (no strtod, no rounding). A bad row is counted by reason,
 * the first CSV_LOGGED_MAX of a file are logged as file:line: reason, and it is skipped, or ends
 * the reading when the file was opened as fatal. It never moves the clock by which order is judged.
 * The last line must end with a newline: without it nobody knows whether a digit is missing.
 *
 * Formats (first line is the header, and decides; LF or CRLF):
 *   CSV_BARS    epoch_s,open,high,low,close,volume     epoch_s is the open; strictly ascending
 *   CSV_TICKS   epoch_ns,bid,ask,bid_size,ask_size     equal times are allowed (a quote each), ask == bid too
 *   CSV_TRADES  epoch_ns,price,size                    equal times are allowed
 *   CSV_SPREAD  epoch_s,spread                         strictly ascending, price units
 *
 * Streaming: one buffer of CSV_BUFFER_BYTES for each open file, taken at open. The fast path reads eight
 * digits at once and asks only "is everything right?"; whatever it does not like goes through the slow path,
 * which knows why. One thread for each struct csv.
 */
#ifndef PROPFLEET_WORKERS_FEED_CSV_H
#define PROPFLEET_WORKERS_FEED_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "config/config.h"

struct error;
struct csv_shapes;

#define CSV_LINE_MAX 256u               /* bytes, newline included */
#define CSV_BUFFER_BYTES (128u * 1024u)
#define CSV_LOGGED_MAX 20u
#define CSV_FIELDS_MAX 6u
#define CSV_PRICE_MAX (100000000 * DEC_ONE) /* leaves room for every sum that is made of it */
#define CSV_TIME_MAX_S INT64_C(2398377600)                 /* 2046-01-01, after the last year of tz tables */

enum csv_kind { CSV_BARS, CSV_TICKS, CSV_TRADES, CSV_SPREAD, CSV_KIND_COUNT };

#define CSV_REASON_LIST(X) \
    X(FIELDS, "wrong number of fields") \
    X(NUMBER, "not a number") \
    X(RANGE, "number out of range") \
    X(TIME, "time out of range") \
    X(GRID, "time not on the grid of the timeframe") \
    X(ORDER, "out of order") \
    X(DUPLICATE, "duplicate time") \
    X(NEGATIVE, "negative") \
    X(ZERO, "zero price") \
    X(CROSSED, "crossed quote: ask below bid") \
    X(HIGH_LOW, "high below low") \
    X(OUTSIDE, "open or close outside high and low") \
    X(LONG, "line too long") \
    X(TRUNCATED, "truncated last line")

enum csv_reason {
#define X(name, text) CSV_BAD_##name,
    CSV_REASON_LIST(X)
#undef X
    CSV_REASON_COUNT
};
const char *csv_reason_text(enum csv_reason reason);

struct csv_row {
    int64_t time_ns;
    dec_t v[5]; /* bars: open high low close volume; ticks: bid ask bid_size ask_size; trades: price size; spread */
};

struct csv {
    char path[CONFIG_PATH_MAX];
    enum csv_kind kind; /* as the header says */
    uint64_t line;      /* of the row returned last; 1 is the header */
    uint64_t rows, bad; /* data lines read, and those of them that were bad */
    uint64_t bad_by_reason[CSV_REASON_COUNT];
    /* Set after csv_open: is told of every bad row in place of the log. */
    void (*on_bad)(void *context, uint64_t line, enum csv_reason reason);
    void *on_bad_context;
    /* private: */
    int64_t step_ns, last_time_ns;
    bool fatal, end;
    int fd;
    void *gz;           /* gzFile, NULL for a plain file */
    char *buffer;
    struct csv_shapes *shapes;
    size_t at, filled;
};

/* Open and check the header. `allowed` has a bit for each csv_kind that the caller can use. step_s: bars
 * (not companions) must open on whole multiples of it, 0 for any time. 0, or -errno with err set; then
 * nothing is open. */
int csv_open(struct csv *csv, const char *path, unsigned allowed, int64_t step_s, bool fatal, struct error *err);
/* 1: *row is filled. 0: the end. Negative with err set: -EBADMSG a bad row of a fatal file, -EIO cannot read
 * (also a gzip stream that ends early). After 0 or an error every call returns the same kind of end. */
int csv_next(struct csv *csv, struct csv_row *row, struct error *err);
/* Closing twice, or what never opened but is zeroed, does nothing. The counters are gone too. */
void csv_close(struct csv *csv);

#endif
