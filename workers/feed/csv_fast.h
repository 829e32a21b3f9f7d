/* csv_fast: the fast path of csv.c, and what both of its paths judge by. Nobody else includes this.
 *
 * csv_fast_row asks only "is all of this line right?". It finds all places where digits end in one mask
 * of 64 bytes, then reads eight digits at a time. A line that looks like the last one of its length (same
 * characters other than digits, at the same places) skips even the search: its places, shifts and scales are kept
 * as a shape. Whatever is longer, odd or wrong gets NULL, and csv.c's slow path says why.
 */
#ifndef PROPFLEET_WORKERS_FEED_CSV_FAST_H
#define PROPFLEET_WORKERS_FEED_CSV_FAST_H

#include "workers/feed/csv.h"

/* A line longer than this takes the slow path. The buffer must go on for so many bytes behind its data. */
#define CSV_FAST_BYTES 64u
#define CSV_PAD_BYTES 80u

struct csv_format {
    const char *header;
    unsigned fields;
    bool seconds; /* of the time column; else nanoseconds */
    bool equal_times;
};
/* Here, so that the fast path's loops unroll. */
static const struct csv_format csv_formats[CSV_KIND_COUNT] = {
    [CSV_BARS] = {"epoch_s,open,high,low,close,volume", 6, true, false},
    [CSV_TICKS] = {"epoch_ns,bid,ask,bid_size,ask_size", 5, false, true},
    [CSV_TRADES] = {"epoch_ns,price,size", 3, false, true},
    [CSV_SPREAD] = {"epoch_s,spread", 2, true, false},
};

/* Where the numbers of a line stand, for each line length. */
struct csv_shapes;
struct csv_shapes *csv_shapes_new(void); /* NULL: no memory. Released with free(). */

/* The whole line at p, if all of it is right. Returns what follows it, NULL: ask the slow path. */
const char *csv_fast_row(const struct csv *csv, const char *p, struct csv_row *row);

static inline bool csv_bars_right(const dec_t *v)
{
    dec_t open = v[0], high = v[1], low = v[2], close = v[3];
    return (low > 0) & (open >= low) & (open <= high) & (close >= low) & (close <= high) & (high <= CSV_PRICE_MAX);
}

/* True when `time_ns` may follow: later than the last one (or equal where that is allowed), on the grid. */
static inline bool csv_time_right(const struct csv *csv, bool equal_times, int64_t time_ns)
{
    int64_t since = time_ns - csv->last_time_ns;
    if (since < 0 || (since == 0 && !equal_times))
        return false;
    /* Mostly one step after the last, which was on the grid: no division then. */
    return csv->step_ns == 0 || since == csv->step_ns || time_ns % csv->step_ns == 0;
}

#endif
