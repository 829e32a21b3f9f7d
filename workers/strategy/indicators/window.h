/* window: the last n values and what is asked of them: sum, mean and variance, order, extremes. Pure.
 *
 * What the indicators are built of. A value in costs O(1) amortised (order: a binary search and one move of memory),
 * and nothing ever drifts: no window subtracts in floating point what it once added.
 *
 * window_sum and window_moments keep the values in blocks of n, counted from init. Of the block before, what remains in
 * the window is a suffix, aggregated once when the block was full; of the block that is being filled, everything. The
 * window is the two joined. So values that left have no trace in the result, a window of zeros sums to exactly 0, and
 * a constant one has variance exactly 0. The order of summation is fixed by the number of the value since init: newest to
 * oldest within the suffix, oldest to newest within the open block. Values must be finite for a state to be restorable.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_WINDOW_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_WINDOW_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define WINDOW_BLOCK_MAX 128u   /* of sums and moments */
#define WINDOW_ORDER_MAX 256u
#define WINDOW_EXTREME_MAX 256u

/* --- sum ----------------------------------------------------------------------------------------------------------- */

struct window_sum {
    uint32_t period, position; /* position: values in the open block, 0 .. period - 1 */
    uint32_t full, reserved;   /* full: a block was filled, so the window has its n values */
    double back;               /* sum of the open block */
    double slots[WINDOW_BLOCK_MAX]; /* below position: values; from it: suffix sums of the block before */
};
/* 1 <= period <= WINDOW_BLOCK_MAX */
void window_sum_init(struct window_sum *window, uint32_t period);
bool window_sum_restorable(const struct window_sum *window, uint32_t period);
void window_sum_turn(struct window_sum *window); /* for window_sum_push: the block is full */

static inline void window_sum_push(struct window_sum *window, double x)
{
    window->slots[window->position] = x;
    window->back += x;
    if (++window->position == window->period)
        window_sum_turn(window);
}
/* Of the last n values; NaN while there are fewer. A NaN makes it NaN until it has left. */
static inline double window_sum_value(const struct window_sum *window)
{
    return window->full ? window->back + window->slots[window->position] : NAN;
}

/* --- mean and variance --------------------------------------------------------------------------------------------- */

/* Welford's recurrence within a block, joined as Chan, Golub and LeVeque (1979) do. */
struct window_moment {
    double mean, m2; /* m2: sum of squared deviations from the mean */
};
struct window_moments {
    uint32_t period, position, full, reserved; /* as in window_sum */
    struct window_moment back;
    struct window_moment slots[WINDOW_BLOCK_MAX]; /* below position: {value, 0} */
};
void window_moments_init(struct window_moments *window, uint32_t period);
bool window_moments_restorable(const struct window_moments *window, uint32_t period);
void window_moments_turn(struct window_moments *window);

/* `count` values with x the newest of them: count >= 1. The first leaves {x, 0} exactly. */
static inline void window_moment_add(struct window_moment *moment, double x, uint32_t count)
{
    double from = x - moment->mean;
    moment->mean += from * (1.0 / (double)count);
    moment->m2 += from * (x - moment->mean);
}
static inline void window_moments_push(struct window_moments *window, double x)
{
    window->slots[window->position] = (struct window_moment){x, 0.0};
    window_moment_add(&window->back, x, ++window->position);
    if (window->position == window->period)
        window_moments_turn(window);
}
/* Mean and m2 of the last n values; NaN while there are fewer. */
static inline struct window_moment window_moments_value(const struct window_moments *window)
{
    if (!window->full)
        return (struct window_moment){NAN, NAN};
    struct window_moment front = window->slots[window->position];
    if (window->position == 0)
        return front;
    double n = window->period, b = window->position, f = n - b, apart = window->back.mean - front.mean;
    return (struct window_moment){front.mean + apart * (b / n),
                                  front.m2 + window->back.m2 + apart * apart * (f * b / n)};
}
/* Sample variance, n - 1: NaN for n < 2. */
static inline double window_moments_variance(const struct window_moments *window)
{
    return window->period < 2 ? NAN : window_moments_value(window).m2 / (double)(window->period - 1);
}

/* --- order --------------------------------------------------------------------------------------------------------- */

struct window_order {
    uint32_t period, count, position, reserved; /* position: the oldest value when full, else the next free place */
    double values[WINDOW_ORDER_MAX]; /* as they came */
    double sorted[WINDOW_ORDER_MAX]; /* the same, ascending */
};
/* 1 <= period <= WINDOW_ORDER_MAX */
void window_order_init(struct window_order *window, uint32_t period);
bool window_order_restorable(const struct window_order *window, uint32_t period);
/* A NaN is passed over: it does not count as a value. */
void window_order_push(struct window_order *window, double x);
/* Share of the values held that are below x, ties half: 0..1. NaN while fewer than `least` (>= 1) are held, or x is NaN.
 * x itself is not pushed: the rank among those before it. */
double window_order_rank(const struct window_order *window, double x, uint32_t least);
/* Rank and push in one: the same, in less time. */
double window_order_next(struct window_order *window, double x, uint32_t least);
/* Of the values held; the mean of the middle two of an even number. NaN while fewer than `least` (>= 1) are held. */
double window_order_median(const struct window_order *window, uint32_t least);

/* --- extremes ------------------------------------------------------------------------------------------------------ */

enum window_side { WINDOW_HIGHEST = 1, WINDOW_LOWEST = 2 };

/* A monotonic deque: the values that can still be the extreme, the extreme in front. */
struct window_extreme {
    uint32_t period, side, head, count; /* ring positions */
    uint32_t seen;    /* values pushed, modulo 2^32: ages are differences */
    uint32_t full;    /* the window has its n values */
    int64_t values[WINDOW_EXTREME_MAX];
    uint32_t numbers[WINDOW_EXTREME_MAX]; /* `seen` at the push */
};
/* 1 <= period <= WINDOW_EXTREME_MAX */
void window_extreme_init(struct window_extreme *window, uint32_t period, enum window_side side);
bool window_extreme_restorable(const struct window_extreme *window, uint32_t period, enum window_side side);
void window_extreme_push(struct window_extreme *window, int64_t value);
/* Whether there are n values: then *out is the extreme of them and *age how many values ago it was (0: the last one;
 * of equals the oldest). age may be NULL. */
bool window_extreme_value(const struct window_extreme *window, int64_t *out, uint32_t *age);

#endif
