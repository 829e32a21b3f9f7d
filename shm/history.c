#include "shm/history.h"

#include <string.h>

#include "shm/layout.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)
#define EPOCH_WEEK_HOUR 72 /* 1970-01-01 was a Thursday */

static bool history_limits_valid(uint32_t instrument_count, uint32_t capacity)
{
    return instrument_count >= 1 && instrument_count <= HISTORY_INSTRUMENTS_MAX && capacity >= HISTORY_CAPACITY_MIN &&
           capacity <= HISTORY_CAPACITY_MAX && (capacity & (capacity - 1)) == 0;
}

static size_t history_slots_offset(uint32_t instrument_count)
{
    return sizeof(struct history) + (size_t)instrument_count * TIMEFRAME_COUNT * sizeof(struct history_series);
}

static size_t history_seasons_offset(uint32_t instrument_count, uint32_t capacity)
{
    return history_slots_offset(instrument_count) +
           (size_t)instrument_count * TIMEFRAME_COUNT * capacity * sizeof(struct history_slot);
}

size_t history_size_bytes(uint32_t instrument_count, uint32_t capacity)
{
    assert(history_limits_valid(instrument_count, capacity));
    return history_seasons_offset(instrument_count, capacity) +
           (size_t)instrument_count * sizeof(struct history_season);
}

/* Where one series, of bars or of one hour of the week, lies: a count, and slots of a stamp and word_count words, which
 * stand `stride` words apart. */
struct history_place {
    const _Atomic uint64_t *count, *slots;
    size_t word_count, stride;
    uint32_t capacity;
};

/* The limits are copied and checked on every call, since the header stays the feed's to write. */
static bool history_limits(const struct history *history, uint32_t instrument, uint32_t *instrument_count,
                           uint32_t *capacity)
{
    *instrument_count = *(const volatile uint32_t *)&history->instrument_count;
    *capacity = *(const volatile uint32_t *)&history->capacity;
    return history_limits_valid(*instrument_count, *capacity) && instrument < *instrument_count;
}

static bool history_locate(const struct history *history, uint32_t instrument, enum market_timeframe timeframe,
                           struct history_place *out)
{
    uint32_t instrument_count, capacity;
    if (!history_limits(history, instrument, &instrument_count, &capacity) || (unsigned)timeframe >= TIMEFRAME_COUNT)
        return false;
    size_t index = (size_t)instrument * TIMEFRAME_COUNT + (size_t)timeframe;
    const unsigned char *base = (const unsigned char *)history + history_slots_offset(instrument_count);
    const struct history_slot *slots = (const struct history_slot *)(const void *)base + index * capacity;
    *out = (struct history_place){&history->series[index].count, &slots->stamp, HISTORY_BAR_WORDS,
                                  sizeof(struct history_slot) / sizeof(shm_word), capacity};
    return true;
}

static bool history_locate_hour(const struct history *history, uint32_t instrument, uint32_t week_hour,
                                struct history_place *out)
{
    uint32_t instrument_count, capacity;
    if (!history_limits(history, instrument, &instrument_count, &capacity) || week_hour >= HISTORY_WEEK_HOURS)
        return false;
    const unsigned char *base = (const unsigned char *)history + history_seasons_offset(instrument_count, capacity);
    const struct history_season *season =
        (const struct history_season *)(const void *)base + instrument;
    *out = (struct history_place){&season->count[week_hour], &season->slots[0][week_hour].stamp, HISTORY_HOUR_WORDS,
                                  HISTORY_WEEK_HOURS * (sizeof(struct history_hour_slot) / sizeof(shm_word)),
                                  HISTORY_HOUR_SLOTS};
    return true;
}

static const _Atomic uint64_t *history_slot_at(const struct history_place *place, uint64_t ordinal)
{
    return place->slots + (ordinal & (place->capacity - 1)) * place->stride;
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
    history->hour_slots = HISTORY_HOUR_SLOTS;
    atomic_store_explicit(&history->ready, SHM_READY, memory_order_release); /* pairs with history_attach */
    return history;
}

/* --- the writer ----------------------------------------------------------------------- */

/* history_locate serves readers too; here the memory is the caller's own and writable. */
static _Atomic uint64_t *history_writable(const _Atomic uint64_t *word)
{
    return (_Atomic uint64_t *)(uintptr_t)word;
}

static void history_append_to(const struct history_place *place, const shm_word *words)
{
    uint64_t ordinal = atomic_load_explicit(place->count, memory_order_relaxed) + 1;
    const struct history_append append = {history_writable(place->count),
                                          history_writable(history_slot_at(place, ordinal)), ordinal, words,
                                          place->word_count};
    for (size_t step = 0; step < HISTORY_STEPS(place->word_count); step++)
        history_append_step(&append, step);
}

void history_append(struct history *history, uint32_t instrument, enum market_timeframe timeframe,
                    const struct history_bar *bar)
{
    struct history_place place;
    bool found = history_locate(history, instrument, timeframe, &place);
    assert(found && bar);
    if (found)
        history_append_to(&place, (const shm_word *)bar);
}

void history_hour_append(struct history *history, uint32_t instrument, const struct history_hour *hour)
{
    struct history_place place;
    assert(hour && hour->open_ns % HOUR_NS == 0);
    bool found = history_locate_hour(history, instrument, history_week_hour(hour->open_ns), &place);
    assert(found);
    if (found)
        history_append_to(&place, (const shm_word *)hour);
}

static void history_resume_at(const struct history_place *place, uint64_t count)
{
    assert(atomic_load_explicit(place->count, memory_order_relaxed) == 0 && count < UINT64_MAX);
    atomic_store_explicit(history_writable(place->count), count, memory_order_release);
}

void history_resume(struct history *history, uint32_t instrument, enum market_timeframe timeframe, uint64_t count)
{
    struct history_place place;
    bool found = history_locate(history, instrument, timeframe, &place);
    assert(found);
    if (found)
        history_resume_at(&place, count);
}

void history_hour_resume(struct history *history, uint32_t instrument, uint32_t week_hour, uint64_t count)
{
    struct history_place place;
    bool found = history_locate_hour(history, instrument, week_hour, &place);
    assert(found);
    if (found)
        history_resume_at(&place, count);
}

/* --- readers ------------------------------------------------------------------------------- */

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
        history->bar_size != sizeof(struct history_bar) || history->hour_slots != HISTORY_HOUR_SLOTS)
        return SHM_CORRUPT;
    if (!history_limits_valid(history->instrument_count, history->capacity) ||
        size < history_size_bytes(history->instrument_count, history->capacity))
        return SHM_CORRUPT;
    *out = history;
    return SHM_OK;
}

/* Copy number `ordinal` if it still lies whole in its slot. */
static bool history_copy(const struct history_place *place, uint64_t ordinal, shm_word *to)
{
    const _Atomic uint64_t *slot = history_slot_at(place, ordinal);
    if (atomic_load_explicit(slot, memory_order_acquire) != ordinal) /* pairs with history_append_step */
        return false;
    for (size_t i = 0; i < place->word_count; i++)
        to[i] = atomic_load_explicit(&slot[1 + i], memory_order_acquire);
    return atomic_load_explicit(slot, memory_order_acquire) == ordinal;
}

/* The newest of first..last with seq <= up_to_seq; 0 when there is none. They lie in order of seq, and
 * the oldest are overwritten first: where one is gone, all before it are. *bounded is set when one
 * beyond up_to_seq was met: then "none" is final, as what was before it cannot come back. */
static uint64_t history_find_newest(const struct history_place *place, uint64_t first, uint64_t last,
                                    uint64_t up_to_seq, bool *bounded)
{
    uint64_t found = 0;
    while (first <= last) { /* halves each time: at most 17 rounds */
        uint64_t middle = first + (last - first) / 2;
        shm_word words[HISTORY_BAR_WORDS];
        if (!history_copy(place, middle, words)) {
            found = 0;
            first = middle + 1;
        } else if (words[0] <= up_to_seq) {
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
                                  shm_word *out)
{
    uint32_t count = 0;
    while (count < max && newest - count >= first &&
           history_copy(place, newest - count, out + (size_t)(max - 1 - count) * place->word_count))
        count++;
    memmove(out, out + (size_t)(max - count) * place->word_count, count * place->word_count * sizeof *out);
    return count;
}

/* `first` is set to the oldest number that a whole ring would hold. */
static enum shm_result history_read_place(const struct history_place *place, uint64_t up_to_seq, uint32_t max,
                                          shm_word *out, uint32_t *count, uint64_t *first)
{
    for (int i = 0; i < SHM_READ_TRIES; i++) {
        uint64_t last = atomic_load_explicit(place->count, memory_order_acquire);
        if (last == UINT64_MAX)
            return SHM_CORRUPT;
        *first = last > place->capacity ? last - place->capacity + 1 : 1;
        bool bounded = last == 0;
        uint64_t newest = history_find_newest(place, *first, last, up_to_seq, &bounded);
        if (newest != 0)
            *count = history_copy_back(place, *first, newest, max, out);
        if (*count > 0)
            return SHM_OK;
        if (newest == 0 && bounded)
            return SHM_EMPTY;
    }
    return SHM_STALE;
}

enum shm_result history_read(const struct history *history, uint32_t instrument, enum market_timeframe timeframe,
                             uint64_t up_to_seq, uint32_t max, struct history_bar *out, uint32_t *count)
{
    assert(history && count && (out || max == 0));
    *count = 0;
    struct history_place place;
    uint64_t first;
    if (!history_locate(history, instrument, timeframe, &place))
        return SHM_CORRUPT;
    if (max == 0)
        return SHM_EMPTY;
    if (max > place.capacity)
        max = place.capacity;
    return history_read_place(&place, up_to_seq, max, (shm_word *)out, count, &first);
}

enum shm_result history_hour_read(const struct history *history, uint32_t instrument, uint32_t week_hour,
                                  uint64_t up_to_seq, uint32_t max, struct history_hour *out, uint32_t *count)
{
    assert(history && count && out && max > 0 && max <= HISTORY_HOUR_SLOTS);
    *count = 0;
    struct history_place place;
    uint64_t first = 1;
    if (!history_locate_hour(history, instrument, week_hour, &place))
        return SHM_CORRUPT;
    enum shm_result result = history_read_place(&place, up_to_seq, max, (shm_word *)out, count, &first);
    if ((result == SHM_OK || result == SHM_EMPTY) && *count < max && first > 1) {
        *count = 0;
        return SHM_STALE;
    }
    return result;
}

uint32_t history_capacity(const struct history *history)
{
    assert(history);
    return history->capacity;
}

uint32_t history_week_hour(int64_t time_ns)
{
    assert(time_ns >= 0);
    return (uint32_t)((time_ns / HOUR_NS + EPOCH_WEEK_HOUR) % HISTORY_WEEK_HOURS);
}

uint64_t history_count(const struct history *history, uint32_t instrument, enum market_timeframe timeframe)
{
    struct history_place place;
    bool found = history_locate(history, instrument, timeframe, &place);
    assert(found);
    return found ? atomic_load_explicit(place.count, memory_order_acquire) : 0;
}

bool history_get(const struct history *history, uint32_t instrument, enum market_timeframe timeframe, uint64_t ordinal,
                 struct history_bar *out)
{
    struct history_place place;
    bool found = history_locate(history, instrument, timeframe, &place);
    assert(found && ordinal > 0);
    return found && history_copy(&place, ordinal, (shm_word *)out);
}

uint64_t history_hour_count(const struct history *history, uint32_t instrument, uint32_t week_hour)
{
    struct history_place place;
    bool found = history_locate_hour(history, instrument, week_hour, &place);
    assert(found);
    return found ? atomic_load_explicit(place.count, memory_order_acquire) : 0;
}

bool history_hour_get(const struct history *history, uint32_t instrument, uint32_t week_hour, uint64_t ordinal,
                      struct history_hour *out)
{
    struct history_place place;
    bool found = history_locate_hour(history, instrument, week_hour, &place);
    assert(found && ordinal > 0);
    return found && history_copy(&place, ordinal, (shm_word *)out);
}
