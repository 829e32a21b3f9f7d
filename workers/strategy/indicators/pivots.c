#include "workers/strategy/indicators/pivots.h"

#include <assert.h>
#include <string.h>

#include "workers/strategy/indicators/bar.h"

static_assert(PIVOT_RING == 64 && PIVOT_SPAN_MAX < PIVOT_RING, "a bit each; the bar itself and its span");

void pivots_init(struct pivots *pivots, uint32_t left, uint32_t right)
{
    static_assert(sizeof(struct pivots) == 16 + 2 * (16 + 16 * PIVOT_RING), "no padding: states compare by bytes");
    assert(pivots && left >= 1 && left <= PIVOT_SPAN_MAX && right >= 1 && right <= PIVOT_SPAN_MAX);
    memset(pivots, 0, sizeof *pivots);
    pivots->left = left;
    pivots->right = right;
}

static uint32_t side_slot(const struct pivots_side *side, uint32_t i)
{
    return (side->head + i) % PIVOT_RING;
}

/* `span`: how long a bar matters, as the neighbour of a later one (left) or as a candidate (right). */
static uint32_t pivots_span(const struct pivots *pivots)
{
    return pivots->left > pivots->right ? pivots->left : pivots->right;
}

/* Whether the bar `right` before this one is a pivot now; its price. */
static bool side_next(struct pivots_side *side, const struct pivots *pivots, int64_t price, int64_t *out)
{
    const uint64_t bar = pivots->bar_count, candidate = bar - pivots->right;
    while (side->count > 0 && bar - side->bars[side->head] > pivots_span(pivots)) {
        side->head = (side->head + 1) % PIVOT_RING;
        side->count--;
    }
    uint32_t last = 0;
    while (side->count > 0) {
        last = side_slot(side, side->count - 1);
        if (side->prices[last] >= price)
            break;
        side->alive &= ~(UINT64_C(1) << side->bars[last] % PIVOT_RING); /* exceeded */
        side->count--;
    }
    /* No bar since that one reached this price: it alone could stand within `left`. */
    bool alive = bar >= pivots->left && (side->count == 0 || bar - side->bars[last] > pivots->left);
    bool confirmed = bar >= pivots->right && (side->alive >> candidate % PIVOT_RING & 1);
    for (uint32_t i = 0; confirmed && i < side->count; i++) /* a candidate stands near the front */
        if (side->bars[side_slot(side, i)] == candidate) {
            *out = side->prices[side_slot(side, i)];
            break;
        }
    uint64_t bit = UINT64_C(1) << bar % PIVOT_RING;
    side->alive = alive ? side->alive | bit : side->alive & ~bit;
    assert(side->count < PIVOT_RING);
    uint32_t slot = side_slot(side, side->count++);
    side->prices[slot] = price;
    side->bars[slot] = bar;
    return confirmed;
}

uint32_t pivots_next(struct pivots *pivots, int64_t high, int64_t low, struct pivot out[2])
{
    uint32_t count = 0;
    int64_t price = 0;
    struct pivot found = {.bar = pivots->bar_count - pivots->right, .confirmed_at = pivots->bar_count};
    if (side_next(&pivots->high, pivots, high, &price)) {
        found.kind = PIVOT_HIGH;
        found.price = price;
        out[count++] = found;
    }
    if (side_next(&pivots->low, pivots, -low, &price)) {
        found.kind = PIVOT_LOW;
        found.price = -price;
        out[count++] = found;
    }
    pivots->bar_count++;
    return count;
}

static bool side_restorable(const struct pivots_side *side, const struct pivots *pivots)
{
    if (side->head >= PIVOT_RING || side->count > pivots_span(pivots) + 1 || side->count > pivots->bar_count ||
        (side->count == 0) != (pivots->bar_count == 0))
        return false;
    uint64_t bits = 0;
    for (uint32_t i = 0; i < side->count; i++) {
        uint32_t slot = side_slot(side, i), before = side_slot(side, i + PIVOT_RING - 1);
        uint64_t age = pivots->bar_count - side->bars[slot];
        if (side->bars[slot] >= pivots->bar_count || age > pivots_span(pivots) + 1 ||
            (i + 1 == side->count && age != 1) || side->prices[slot] > INDICATOR_PRICE_MAX ||
            side->prices[slot] < -INDICATOR_PRICE_MAX)
            return false;
        if (i > 0 && (side->bars[slot] <= side->bars[before] || side->prices[slot] > side->prices[before]))
            return false;
        bits |= UINT64_C(1) << side->bars[slot] % PIVOT_RING;
    }
    /* A bar that can become one, or became one within the last 64, stands in the deque or was confirmed. */
    for (uint32_t age = 1; age <= pivots->right && age <= pivots->bar_count; age++) {
        uint64_t bit = UINT64_C(1) << (pivots->bar_count - age) % PIVOT_RING;
        if ((side->alive & bit) && !(bits & bit))
            return false;
    }
    return true;
}

bool pivots_restorable(const struct pivots *pivots, uint32_t left, uint32_t right)
{
    return pivots->left == left && left >= 1 && left <= PIVOT_SPAN_MAX && pivots->right == right && right >= 1 &&
           right <= PIVOT_SPAN_MAX && pivots->bar_count < UINT64_MAX && side_restorable(&pivots->high, pivots) &&
           side_restorable(&pivots->low, pivots);
}
