/* data_gaps: what is missing between the times of a file: pauses while the market was open. Pure, memory of the caller's.
 *
 * Bars (step > 0): the time between a bar's nominal end and the next bar's open counts while the market is open, in whole
 * bars to the nearest: a bar's share of an hour that a clock change shifts is none. Everything else (step 0): an open time of
 * at least `least` between two rows. Without hours the market never closes.
 */
#ifndef PROPFLEET_TOOLS_DATA_GAPS_H
#define PROPFLEET_TOOLS_DATA_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hours.h"

struct data_gap {
    int64_t from_ns, to_ns; /* without a row: the first instant that lacks one, the next row */
    int64_t open_ns;        /* of it */
    uint64_t missing;       /* bars; 0 where step is 0 */
};
struct data_gaps {
    const struct hours *hours;              /* NULL: not known */
    const struct hours_closures *closures;  /* NULL: none */
    int64_t step_ns, least_ns;
    uint64_t rows, count, missing;          /* gaps, bars in them */
    int64_t open_ns;                        /* in them */
    uint64_t outside;                       /* rows while it is closed */
    int64_t first_outside_ns;
    struct data_gap *longest;               /* the longest first, of equal ones the earlier */
    uint32_t longest_count, longest_max;
    int64_t last_ns;
};

/* `longest` has room for longest_max. */
void data_gaps_init(struct data_gaps *gaps, const struct hours *hours, const struct hours_closures *closures, int64_t step_ns,
                    int64_t least_ns, struct data_gap *longest, uint32_t longest_max);
/* The next row's time; not before the last one's. */
void data_gaps_add(struct data_gaps *gaps, int64_t time_ns);

#endif
