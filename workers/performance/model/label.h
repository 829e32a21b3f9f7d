/* label: what came of a signal: the triple barrier (stop, target, time), and prices in which there is nothing to
 * find. Pure. quant.md sections 6 and 11.
 *
 * Bars are of the bid: a long position leaves at the bar's prices, a short one `spread` above them. The order within a
 * bar: a gap beyond the stop fills at the open; the time limit leaves at the open; a gap beyond the target fills at the
 * open; inside the bar the stop comes first (pessimistic).
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MODEL_LABEL_H
#define PROPFLEET_WORKERS_PERFORMANCE_MODEL_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"

struct model_bar {
    int64_t open_ns;
    dec_t open, high, low, close;
};
struct model_barriers {
    uint32_t side;       /* enum broker_side */
    dec_t entry;         /* fill price */
    dec_t stop, target;  /* on their sides of the entry; target 0: none */
    dec_t spread;        /* >= 0 */
    int64_t entry_ns, limit_ns;
    int64_t bar_ns;      /* > 0: the limit counts bars (market-open time); 0: wall clock */
    double cost_r;       /* commission, swap and slippage in R, taken off */
};
enum model_exit { MODEL_EXIT_NONE, MODEL_EXIT_STOP, MODEL_EXIT_TARGET, MODEL_EXIT_TIME };
struct model_label {
    uint32_t exit;       /* enum model_exit; NONE: the bars ended before it was known */
    uint32_t bar;        /* index of the bar that ended it */
    bool ambiguous;      /* that bar reached both stop and target */
    uint8_t y;           /* net_r > 0 */
    dec_t price;
    double net_r;        /* NaN while not known */
    int64_t t0_ns, t1_ns; /* the label's life: entry to the opening of the bar that ended it, or of the last bar */
};
/* bars[0] is the first that opens at or after entry_ns, ascending. 0, or -EINVAL: stop or target on the wrong side, no
 * limit, a price <= 0, a bar before the entry, out of order or no bar (open or close outside low..high). */
int model_label_barriers(const struct model_barriers *barriers, const struct model_bar *bars, uint32_t bar_count,
                         struct model_label *out);

/* Time runs backwards: bars in opposite order with open and close exchanged, opening times as they were. In place. */
void model_null_reverse(struct model_bar *bars, uint32_t count);
/* Log returns of GARCH(1,1) without drift: v = omega + alpha r^2 + beta v, r = sqrt(v) shock. Starts at the long-run
 * variance. Shocks (mean 0, variance 1) are the caller's. -EINVAL unless omega > 0, alpha, beta >= 0, alpha + beta < 1. */
int model_null_garch(double omega, double alpha, double beta, const double *shocks, uint32_t count, double *returns);

#endif
