/* pivots: swing highs and lows, and the bar at which each was known. Pure. quant.md section 1.
 *
 *   high pivot at i   H_i > H_{i-k} for k = 1..L and H_i >= H_{i+k} for k = 1..R; a low one mirrored. Of a plateau the leftmost
 * It is known at i + R and not before: whoever uses a pivot asks confirmed_at. Bars are counted from init, and a pivot
 * needs L bars before it. A bar costs O(1) amortised.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_PIVOTS_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_PIVOTS_H

#include <stdbool.h>
#include <stdint.h>

#define PIVOT_SPAN_MAX 63u /* of L and of R */
#define PIVOT_RING 64u

/* One side. A monotonic deque of the bars that no later one is beyond, the youngest behind; and for the last bars whether each
 * can still become a pivot. */
struct pivots_side {
    uint32_t head, count;            /* of the deque, ring positions */
    uint64_t alive;                  /* bit of bar number mod 64 */
    int64_t prices[PIVOT_RING];      /* of the deque */
    uint64_t bars[PIVOT_RING];
};
struct pivots {
    uint32_t left, right;
    uint64_t bar_count;
    struct pivots_side high, low;    /* low: of negated prices */
};
enum pivot_kind { PIVOT_HIGH = 1, PIVOT_LOW = 2 };
struct pivot {
    uint32_t kind, reserved;
    uint64_t bar, confirmed_at;      /* bar numbers, from 0 */
    int64_t price;
};
/* 1 <= left, right <= PIVOT_SPAN_MAX */
void pivots_init(struct pivots *pivots, uint32_t left, uint32_t right);
bool pivots_restorable(const struct pivots *pivots, uint32_t left, uint32_t right);
/* The next bar. How many pivots it confirms, 0..2, a high one before a low one. */
uint32_t pivots_next(struct pivots *pivots, int64_t high, int64_t low, struct pivot out[2]);

#endif
