#include "workers/strategy/indicators/window.h"

#include <assert.h>
#include <string.h>

/* --- sum -----------------------------------------------------------------------------------------------------------
 */

void window_sum_init(struct window_sum *window, uint32_t period)
{
    static_assert(sizeof(struct window_sum) == 24 + 8 * WINDOW_BLOCK_MAX, "no padding: states compare by bytes");
    assert(window && period >= 1 && period <= WINDOW_BLOCK_MAX);
    memset(window, 0, sizeof *window);
    window->period = period;
}

void window_sum_turn(struct window_sum *window)
{
    assert(window->position == window->period && window->period <= WINDOW_BLOCK_MAX);
    double suffix = 0.0;
    for (uint32_t i = window->period; i-- > 0;) {
        suffix += window->slots[i];
        window->slots[i] = suffix;
    }
    window->back = 0.0;
    window->position = 0;
    window->full = 1;
}

bool window_sum_restorable(const struct window_sum *window, uint32_t period)
{
    if (window->period != period || period < 1 || period > WINDOW_BLOCK_MAX || window->position >= period ||
        window->full > 1 || window->reserved != 0 || !isfinite(window->back))
        return false;
    double back = 0.0;
    for (uint32_t i = 0; i < WINDOW_BLOCK_MAX; i++) {
        bool used = i < window->position || (window->full && i < period);
        if (!isfinite(window->slots[i]) || (!used && window->slots[i] != 0.0))
            return false;
        if (i < window->position)
            back += window->slots[i];
    }
    return back == window->back;
}

/* --- mean and variance ---------------------------------------------------------------------------------------------
 */

void window_moments_init(struct window_moments *window, uint32_t period)
{
    static_assert(sizeof(struct window_moments) == 32 + 16 * WINDOW_BLOCK_MAX, "no padding");
    assert(window && period >= 1 && period <= WINDOW_BLOCK_MAX);
    memset(window, 0, sizeof *window);
    window->period = period;
}

void window_moments_turn(struct window_moments *window)
{
    assert(window->position == window->period && window->period <= WINDOW_BLOCK_MAX);
    struct window_moment suffix = {0.0, 0.0};
    for (uint32_t i = window->period; i-- > 0;) {
        window_moment_add(&suffix, window->slots[i].mean, window->period - i);
        window->slots[i] = suffix;
    }
    window->back = (struct window_moment){0.0, 0.0};
    window->position = 0;
    window->full = 1;
}

bool window_moments_restorable(const struct window_moments *window, uint32_t period)
{
    if (window->period != period || period < 1 || period > WINDOW_BLOCK_MAX || window->position >= period ||
        window->full > 1 || window->reserved != 0)
        return false;
    struct window_moment back = {0.0, 0.0};
    for (uint32_t i = 0; i < WINDOW_BLOCK_MAX; i++) {
        const struct window_moment *slot = &window->slots[i];
        bool open = i < window->position, used = open || (window->full && i < period);
        if (!isfinite(slot->mean) || !isfinite(slot->m2) || slot->m2 < 0.0 || (open && slot->m2 != 0.0) ||
            (!used && (slot->mean != 0.0 || slot->m2 != 0.0)))
            return false;
        if (open)
            window_moment_add(&back, slot->mean, i + 1);
    }
    return isfinite(back.mean) && isfinite(back.m2) && back.mean == window->back.mean && back.m2 == window->back.m2;
}

/* --- order ---------------------------------------------------------------------------------------------------------
 */

void window_order_init(struct window_order *window, uint32_t period)
{
    static_assert(sizeof(struct window_order) == 16 + 16 * WINDOW_ORDER_MAX, "no padding");
    assert(window && period >= 1 && period <= WINDOW_ORDER_MAX);
    memset(window, 0, sizeof *window);
    window->period = period;
}

/* How many of the sorted values are below x. */
static uint32_t order_below(const struct window_order *window, double x)
{
    const double *from = window->sorted;
    uint32_t length = window->count;
    while (length > 1) { /* a step without a branch that could be mispredicted */
        uint32_t half = length / 2;
        from += half & -(uint32_t)(from[half - 1] < x);
        length -= half;
    }
    return (uint32_t)(from - window->sorted) + (length == 1 && *from < x);
}

/* How many are not above x, `below` of them being below it. */
static uint32_t order_upto(const struct window_order *window, double x, uint32_t below)
{
    uint32_t low = below, high = window->count;
    if (low == high || window->sorted[low] != x)
        return low;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (window->sorted[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Both at once: the processor walks the two ways side by side. */
static void order_below_both(const struct window_order *window, double x, double y, uint32_t *below_x,
                             uint32_t *below_y)
{
    const double *from_x = window->sorted, *from_y = window->sorted;
    uint32_t length = window->count;
    while (length > 1) {
        uint32_t half = length / 2;
        from_x += half & -(uint32_t)(from_x[half - 1] < x);
        from_y += half & -(uint32_t)(from_y[half - 1] < y);
        length -= half;
    }
    *below_x = (uint32_t)(from_x - window->sorted) + (length == 1 && *from_x < x);
    *below_y = (uint32_t)(from_y - window->sorted) + (length == 1 && *from_y < y);
}

/* x comes in at place `at` of the sorted values, where the oldest, if it leaves, still stands at `old`: one move closes
 * the gap and opens the other. */
static void order_place(struct window_order *window, double x, uint32_t at, uint32_t old)
{
    double *sorted = window->sorted;
    if (window->count < window->period) {
        memmove(&sorted[at + 1], &sorted[at], (window->count - at) * sizeof *sorted);
        window->count++;
    } else if (at > old) {
        at--;
        memmove(&sorted[old], &sorted[old + 1], (at - old) * sizeof *sorted);
    } else {
        memmove(&sorted[at + 1], &sorted[at], (old - at) * sizeof *sorted);
    }
    sorted[at] = x;
    window->values[window->position] = x;
    window->position = window->position + 1 == window->period ? 0 : window->position + 1;
}

void window_order_push(struct window_order *window, double x)
{
    uint32_t below, old;
    if (isnan(x))
        return;
    order_below_both(window, x, window->values[window->position], &below, &old);
    order_place(window, x, below, old);
}

static double order_share(uint32_t below, uint32_t upto, uint32_t count)
{
    return ((double)below + 0.5 * (double)(upto - below)) / (double)count;
}

double window_order_rank(const struct window_order *window, double x, uint32_t least)
{
    assert(least >= 1);
    if (isnan(x) || window->count < least)
        return NAN;
    uint32_t below = order_below(window, x);
    return order_share(below, order_upto(window, x, below), window->count);
}

double window_order_next(struct window_order *window, double x, uint32_t least)
{
    assert(least >= 1);
    if (isnan(x))
        return NAN;
    uint32_t below, old;
    double share = NAN;
    order_below_both(window, x, window->values[window->position], &below, &old);
    if (window->count >= least)
        share = order_share(below, order_upto(window, x, below), window->count);
    order_place(window, x, below, old);
    return share;
}

double window_order_median(const struct window_order *window, uint32_t least)
{
    assert(least >= 1);
    if (window->count < least)
        return NAN;
    uint32_t middle = window->count / 2;
    double upper = window->sorted[middle];
    return window->count % 2 ? upper : (window->sorted[middle - 1] + upper) / 2.0;
}

bool window_order_restorable(const struct window_order *window, uint32_t period)
{
    if (window->period != period || period < 1 || period > WINDOW_ORDER_MAX || window->count > period ||
        window->position >= period || window->reserved != 0 ||
        (window->count < period && window->position != window->count))
        return false;
    for (uint32_t i = 0; i < WINDOW_ORDER_MAX; i++) {
        double value = window->values[i], sorted = window->sorted[i];
        if (i >= window->count ? value != 0.0 || sorted != 0.0 : !isfinite(value) || !isfinite(sorted))
            return false;
        if (i > 0 && i < window->count && window->sorted[i - 1] > sorted)
            return false;
    }
    for (uint32_t i = 0; i < window->count; i++) { /* as often among the sorted as among those that came */
        double x = window->values[i];
        uint32_t below = order_below(window, x), among = order_upto(window, x, below) - below, came = 0;
        for (uint32_t j = 0; j < window->count; j++)
            came += window->values[j] == x;
        if (came != among)
            return false;
    }
    return true;
}

/* --- extremes ------------------------------------------------------------------------------------------------------
 */

static uint32_t extreme_slot(const struct window_extreme *window, uint32_t i)
{
    return (window->head + i) % WINDOW_EXTREME_MAX;
}

void window_extreme_init(struct window_extreme *window, uint32_t period, enum window_side side)
{
    static_assert(sizeof(struct window_extreme) == 24 + 12 * WINDOW_EXTREME_MAX, "no padding");
    assert(window && period >= 1 && period <= WINDOW_EXTREME_MAX && (side == WINDOW_HIGHEST || side == WINDOW_LOWEST));
    memset(window, 0, sizeof *window);
    window->period = period;
    window->side = side;
}

void window_extreme_push(struct window_extreme *window, int64_t value)
{
    uint32_t number = window->seen++;
    if (window->seen == window->period)
        window->full = 1;
    if (window->count > 0 && number - window->numbers[window->head] >= window->period) { /* left the window */
        window->head = (window->head + 1) % WINDOW_EXTREME_MAX;
        window->count--;
    }
    while (window->count > 0) {
        int64_t last = window->values[extreme_slot(window, window->count - 1)];
        if (window->side == WINDOW_HIGHEST ? last >= value : last <= value)
            break;
        window->count--;
    }
    assert(window->count < window->period);
    uint32_t slot = extreme_slot(window, window->count++);
    window->values[slot] = value;
    window->numbers[slot] = number;
}

bool window_extreme_value(const struct window_extreme *window, int64_t *out, uint32_t *age)
{
    if (!window->full)
        return false;
    *out = window->values[window->head];
    if (age)
        *age = window->seen - 1 - window->numbers[window->head];
    return true;
}

bool window_extreme_restorable(const struct window_extreme *window, uint32_t period, enum window_side side)
{
    if (window->period != period || period < 1 || period > WINDOW_EXTREME_MAX || window->side != (uint32_t)side ||
        window->head >= WINDOW_EXTREME_MAX || window->count > period || window->full > 1 ||
        (!window->full && (window->seen >= period || window->count > window->seen)) ||
        (window->count == 0) != (window->seen == 0 && !window->full))
        return false;
    for (uint32_t i = 0; i < window->count; i++) {
        uint32_t slot = extreme_slot(window, i), age = window->seen - window->numbers[slot];
        if (age < 1 || age > period || (!window->full && age > window->seen) || (i + 1 == window->count && age != 1))
            return false;
        if (i == 0)
            continue;
        uint32_t before = extreme_slot(window, i - 1);
        if (age >= window->seen - window->numbers[before] ||
            (side == WINDOW_HIGHEST ? window->values[slot] > window->values[before]
                                    : window->values[slot] < window->values[before]))
            return false;
    }
    return true;
}
