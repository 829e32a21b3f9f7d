/* hours: when a market trades: its week, and the closures that are not of every week.
 *
 * The week in local time of a zone: closed from close_s to open_s each day (equal: no daily break), and with
 * closed_weekend from Friday's close_s (00:00: Friday's end) to Sunday's open_s. An instant is closed when its local
 * time is, so a break that a clock change skips is not there and one that comes twice is closed both times. Closures
 * (holidays) are instants, sorted by `from`; they may overlap each other and the week's own closes. Pure; nothing is kept.
 */
#ifndef PROPFLEET_BASE_HOURS_H
#define PROPFLEET_BASE_HOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tz.h"

#define HOURS_STEPS_MAX 8192u   /* changes looked at before a close is taken to have no end */

struct hours {
    const struct tz_table *zone;
    int32_t open_s, close_s; /* 0..86399 */
    bool closed_weekend;
};
struct hours_closure {       /* closed in [from, to) */
    int64_t from_ns, to_ns;
    uint32_t instruments;    /* bit i */
    uint32_t reserved;
};
struct hours_closures {      /* those that concern `instrument` are looked at */
    const struct hours_closure *list;
    uint32_t count, instrument;
};

/* The week alone. weekday 0 Sunday .. 6; second of the local day. */
bool hours_open_local(const struct hours *hours, int weekday, int32_t second);
/* The week and the closures (NULL: none). */
bool hours_open_at(const struct hours *hours, const struct hours_closures *closures, int64_t t_ns);

struct hours_close {
    int64_t from_ns, to_ns;  /* closed in [from, to) */
};
/* The first close that has not ended at t: the one going on (from <= t) or the next. False: it never closes. What it
 * returns holds for every instant up to out->to_ns - 1: ask again only then. A close without an end within
 * HOURS_STEPS_MAX changes gets INT64_MAX as its end. */
bool hours_next_close(const struct hours *hours, const struct hours_closures *closures, int64_t t_ns, struct hours_close *out);
/* How much of [from, to) it is open; 0 when to <= from. Beyond HOURS_STEPS_MAX closes (decades) the rest counts as open. */
int64_t hours_open_ns(const struct hours *hours, const struct hours_closures *closures, int64_t from_ns, int64_t to_ns);

#endif
