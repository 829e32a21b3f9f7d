#include "shm/history.h"

#include <string.h>

#include "shm/layout.h"

static bool history_limits_valid(uint32_t instrument_count, uint32_t capacity)
{
    return instrument_count >= 1 && instrument_count <= HISTORY_INSTRUMENTS_MAX && capacity >= HISTORY_CAPACITY_MIN &&
           capacity <= HISTORY_CAPACITY_MAX && (capacity & (capacity - 1)) == 0;
}

static size_t history_slots_offset(uint32_t instrument_count)
{
    return sizeof(struct history) + (size_t)instrument_count * TIMEFRAME_COUNT * sizeof(struct history_series);
}

size_t history_size_bytes(uint32_t instrument_count, uint32_t capacity)
{
    assert(history_limits_valid(instrument_count, capacity));
    return history_slots_offset(instrument_count) +
           (size_t)instrument_count * TIMEFRAME_COUNT * capacity * sizeof(struct history_slot);
}

/* Where one series lies. */
struct history_place {
    const struct history_series *series;
    const struct history_slot *slots;
    uint32_t capacity;
};

/* The limits are copied and checked on every call, since the header stays the feed's to write. */
static bool history_locate(const struct history *history, uint32_t instrument, enum market_timeframe timeframe,
                           struct history_place *out)
{
    uint32_t instrument_count = *(const volatile uint32_t *)&history->instrument_count;
    uint32_t capacity = *(const volatile uint32_t *)&history->capacity;
    if (!history_limits_valid(instrument_count, capacity) || instrument >= instrument_count ||
        (unsigned)timeframe >= TIMEFRAME_COUNT)
        return false;
    size_t index = (size_t)instrument * TIMEFRAME_COUNT + (size_t)timeframe;
    const unsigned char *base = (const unsigned char *)history + history_slots_offset(instrument_count);
    out->series = &history->series[index];
    out->slots = (const struct history_slot *)(const void *)base + index * capacity;
    out->capacity = capacity;
    return true;
}

struct history *history_init(void *memory, uint32_t instrument_count, uint32_t capacity, uint64_t generation)
{
    assert(memory && (uintptr_t)memory % SHM_LINE_BYTES == 0);
    assert(history_limits_valid(instrument_count, capacity));
    struct history *history = memory;
    assert(history->magic == 0 && atomic_load_explicit(&history->ready, memory_order_relaxed) == 0);
    history->magic = HISTORY_MAGIC;
    history->version = HISTORY_VERSION;
    history->bar_size = sizeof(struct history_bar);
    history->instrument_count = instrument_count;
    history->capacity = capacity;
    history->generation = generation;
    atomic_store_explicit(&history->ready, SHM_READY, memory_order_release); /* pairs with history_attach */
    return history;
}

void history_append(struct history *history, uint32_t instrument, enum market_timeframe timeframe,
                    const struct history_bar *bar)
{
    struct history_place place;
    bool found = history_locate(history, instrument, timeframe, &place);
    assert(found && bar);
    (void)found;
    /* history_locate serves readers too; here the memory is the caller's own and writable. */
    struct history_series *series = (struct history_series *)(uintptr_t)place.series;
    struct history_slot *slots = (struct history_slot *)(uintptr_t)place.slots;
    uint64_t ordinal = atomic_load_explicit(&series->count, memory_order_relaxed) + 1;
    struct history_slot *slot = &slots[ordinal & (place.capacity - 1)];
    for (size_t step = 0; step < HISTORY_APPEND_STEPS; step++)
        history_append_step(series, slot, ordinal, (const shm_word *)bar, step);
}

enum shm_result history_attach(const void *memory, size_t size, const struct history **out)
{
    assert(memory && out && (uintptr_t)memory % SHM_LINE_BYTES == 0);
    const struct history *history = memory;
    if (size < sizeof(struct history))
        return SHM_CORRUPT;
    uint32_t ready = atomic_load_explicit(&history->ready, memory_order_acquire); /* pairs with history_init */
    if (ready == 0)
        return SHM_STALE;
    if (ready != SHM_READY || history->magic != HISTORY_MAGIC || history->version != HISTORY_VERSION ||
        history->bar_size != sizeof(struct history_bar))
        return SHM_CORRUPT;
    if (!history_limits_valid(history->instrument_count, history->capacity) ||
        size < history_size_bytes(history->instrument_count, history->capacity))
        return SHM_CORRUPT;
    *out = history;
    return SHM_OK;
}

/* Copy bar number `ordinal` if it still lies whole in its slot. */
static bool history_copy_bar(const struct history_place *place, uint64_t ordinal, struct history_bar *out)
{
    const struct history_slot *slot = &place->slots[ordinal & (place->capacity - 1)];
    shm_word *to = (shm_word *)out;
    if (atomic_load_explicit(&slot->stamp, memory_order_acquire) != ordinal) /* pairs with history_append_step */
        return false;
    for (size_t i = 0; i < HISTORY_BAR_WORDS; i++)
        to[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    return atomic_load_explicit(&slot->stamp, memory_order_acquire) == ordinal;
}

/* The newest bar of first..last with seq <= up_to_seq; 0 when there is none. Bars lie in order of seq, and
 * the oldest are overwritten first: where one is gone, all before it are. *bounded is set when a bar
 * beyond up_to_seq was met: then "none" is final, as what was before it cannot come back. */
static uint64_t history_find_newest(const struct history_place *place, uint64_t first, uint64_t last,
                                    uint64_t up_to_seq, bool *bounded)
{
    uint64_t found = 0;
    while (first <= last) { /* halves each time: at most 17 rounds */
        uint64_t middle = first + (last - first) / 2;
        struct history_bar bar;
        if (!history_copy_bar(place, middle, &bar)) {
            found = 0;
            first = middle + 1;
        } else if (bar.seq <= up_to_seq) {
            found = middle;
            first = middle + 1;
        } else {
            *bounded = true;
            last = middle - 1;
        }
    }
    return found;
}

/* Copy backwards from `newest`, as the oldest go first; then put them oldest first. */
static uint32_t history_copy_back(const struct history_place *place, uint64_t first, uint64_t newest, uint32_t max,
                                  struct history_bar *out)
{
    uint32_t count = 0;
    while (count < max && newest - count >= first && history_copy_bar(place, newest - count, &out[max - 1 - count]))
        count++;
    memmove(out, out + (max - count), count * sizeof *out);
    return count;
}

enum shm_result history_read(const struct history *history, uint32_t instrument, enum market_timeframe timeframe,
                             uint64_t up_to_seq, uint32_t max, struct history_bar *out, uint32_t *count)
{
    assert(history && count && (out || max == 0));
    *count = 0;
    struct history_place place;
    if (!history_locate(history, instrument, timeframe, &place))
        return SHM_CORRUPT;
    if (max == 0)
        return SHM_EMPTY;
    if (max > place.capacity)
        max = place.capacity;
    for (int i = 0; i < SHM_READ_TRIES; i++) {
        uint64_t last = atomic_load_explicit(&place.series->count, memory_order_acquire);
        if (last == UINT64_MAX)
            return SHM_CORRUPT;
        uint64_t first = last > place.capacity ? last - place.capacity + 1 : 1;
        bool bounded = last == 0;
        uint64_t newest = history_find_newest(&place, first, last, up_to_seq, &bounded);
        if (newest != 0)
            *count = history_copy_back(&place, first, newest, max, out);
        if (*count > 0)
            return SHM_OK;
        if (newest == 0 && bounded)
            return SHM_EMPTY;
    }
    return SHM_STALE;
}

uint32_t history_capacity(const struct history *history)
{
    assert(history);
    return history->capacity;
}
