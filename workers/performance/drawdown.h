/* drawdown: how far an account fell below its highest point, online in exact money; and the same of a series of returns.
 *
 * Feed equity with what is floating, at every record, and the worst of a bar before its close: balance alone gives another,
 * smaller number. The value at the start is in the peak, so that a loss on the first day is one (quant.md section 7).
 * Money and share are kept apart: the deepest fall in money and the deepest as a share of its peak may be two falls.
 *
 * Deposits and withdrawals are no gain and no loss: drawdown_flow raises the money's peak by the amount, and the share's
 * peak in proportion, so that both stand where they stood. Without flows the two peaks are the same number.
 *
 * Amounts are int64 in whatever unit the caller counts (dec_t); comparisons go through 128 bits and are exact.
 * The maximum over n grows with n: compare equal horizons only. Pure, plain bytes, O(1) a value.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_DRAWDOWN_H
#define PROPFLEET_WORKERS_PERFORMANCE_DRAWDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"

/* Falls below one peak. Times are those of the values that were fed. */
struct drawdown_track {
    dec_t peak;                     /* highest so far, flows taken into account */
    int64_t peak_ns;                /* last time at it */
    dec_t worst_peak, worst_trough; /* of the deepest fall; alike: none yet */
    int64_t worst_peak_ns, worst_trough_ns;
    int64_t worst_end_ns;           /* back at its peak; DRAWDOWN_OPEN: not yet */
    int64_t longest_ns;             /* peak to recovery, of those that ended */
};
#define DRAWDOWN_OPEN INT64_MIN

struct drawdown {
    struct drawdown_track money, share;
    dec_t value;        /* last fed */
    int64_t time_ns;
    uint64_t n;         /* values fed, the first included */
};

/* start > 0 is asserted for a share to be of something. */
void drawdown_init(struct drawdown *d, int64_t time_ns, dec_t start);
/* Times never go back (asserted). */
void drawdown_add(struct drawdown *d, int64_t time_ns, dec_t value);
/* Money paid in (> 0) or out: `value` becomes value + amount without being a fall or a rise. 0, or -ERANGE when it does
 * not fit (nothing is changed). A share's peak is left alone when value or value + amount is not positive. */
int drawdown_flow(struct drawdown *d, dec_t amount);

struct drawdown_report {
    uint64_t n;
    dec_t money, money_now;         /* >= 0 */
    double share, share_now;        /* >= 0, of the peak */
    int64_t peak_ns, trough_ns;     /* of the deepest as a share; both the start: none */
    int64_t recovered_ns;           /* DRAWDOWN_OPEN: open */
    int64_t duration_ns;            /* its peak to its recovery, or to the last value while open */
    int64_t longest_ns;             /* the longest time below a peak, the one going on included */
    bool open;                      /* the deepest has not recovered */
};
void drawdown_read(const struct drawdown *d, struct drawdown_report *out);
/* Whether bytes can be gone on with. */
bool drawdown_restorable(const struct drawdown *d);

/* Of a series of returns r_1..r_n compounded from 1. Index 0 is the start, i the end of period i. */
struct drawdown_series {
    uint32_t n;
    double share;       /* >= 0; NaN when n is 0 */
    uint32_t peak, trough, recovery; /* of the deepest; recovery 0: open, or there was none (share 0) */
    double ulcer;       /* sqrt(mean of squared shares below the peak over n): Martin's ulcer index */
    double average;     /* mean depth of the falls, from leaving a peak to being back; 0 when there was none */
    uint32_t falls;
};
void drawdown_of_returns(const double *returns, uint32_t n, struct drawdown_series *out);

#endif
