/* The bar history: states built by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "shm/layout.h"

#define INSTRUMENTS 3u
#define CAPACITY 16u
#define NO_LIMIT UINT64_MAX

static struct history *history_new(void)
{
    size_t size = history_size_bytes(INSTRUMENTS, CAPACITY);
    void *memory = aligned_alloc(SHM_LINE_BYTES, (size + SHM_LINE_BYTES - 1) / SHM_LINE_BYTES * SHM_LINE_BYTES);
    return memory ? history_init(memset(memory, 0, size), INSTRUMENTS, CAPACITY, 9) : NULL;
}

static int setup(void **state)
{
    *state = history_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* Bar number n of a series was closed by record 10 * n; every word follows from n. */
static struct history_bar bar_of(uint64_t n)
{
    struct history_bar bar = {.seq = 10 * n, .open_ns = (int64_t)hash_mix64(n), .close_ns = (int64_t)hash_mix64(n + 1),
                              .open = (dec_t)hash_mix64(n + 2), .high = (dec_t)hash_mix64(n + 3),
                              .low = (dec_t)hash_mix64(n + 4), .close = (dec_t)hash_mix64(n + 5),
                              .volume = (dec_t)hash_mix64(n + 6), .spread_ticks = (uint32_t)n, .flags = (uint32_t)~n};
    return bar;
}

static void append(struct history *history, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n <= to; n++) {
        struct history_bar bar = bar_of(n);
        history_append(history, 1, TIMEFRAME_M15, &bar);
    }
}

/* Reading gives exactly the bars first..last, oldest first, and touches nothing behind them. */
static void expect_bars(const struct history *history, uint64_t up_to_seq, uint32_t max, uint64_t first, uint64_t last)
{
    struct history_bar out[CAPACITY + 1];
    uint32_t count = 999;
    memset(out, 0xee, sizeof out);
    assert_int_equal(history_read(history, 1, TIMEFRAME_M15, up_to_seq, max, out, &count), SHM_OK);
    assert_int_equal(count, last - first + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct history_bar want = bar_of(first + i);
        assert_memory_equal(&out[i], &want, sizeof want);
    }
    struct history_bar untouched;
    memset(&untouched, 0xee, sizeof untouched);
    if (max <= CAPACITY)
        assert_memory_equal(&out[max], &untouched, sizeof untouched);
}

static void expect_none(const struct history *history, uint64_t up_to_seq, enum shm_result expected)
{
    struct history_bar out[CAPACITY];
    uint32_t count = 999;
    assert_int_equal(history_read(history, 1, TIMEFRAME_M15, up_to_seq, CAPACITY, out, &count), expected);
    assert_int_equal(count, 0);
}

static void test_empty(void **state)
{
    expect_none(*state, NO_LIMIT, SHM_EMPTY);
    expect_none(*state, 0, SHM_EMPTY);
}

static void test_newest_bars_oldest_first(void **state)
{
    append(*state, 1, 5);
    expect_bars(*state, NO_LIMIT, CAPACITY, 1, 5);
    expect_bars(*state, NO_LIMIT, 5, 1, 5);
    expect_bars(*state, NO_LIMIT, 3, 3, 5);
    expect_bars(*state, NO_LIMIT, 1, 5, 5);
    expect_bars(*state, NO_LIMIT, UINT32_MAX, 1, 5);
}

/* What lies beyond the reader's position is its future, at every position and before and after laps. */
static void test_never_beyond_the_readers_position(void **state)
{
    for (uint64_t n = 1; n <= 5 * CAPACITY; n++) {
        append(*state, n, n);
        uint64_t oldest = n > CAPACITY ? n - CAPACITY + 1 : 1;
        for (uint64_t at = oldest; at <= n; at++) {
            expect_bars(*state, 10 * at, CAPACITY, oldest, at);
            expect_bars(*state, 10 * at + 9, 1, at, at);
        }
        expect_none(*state, 10 * oldest - 1, SHM_EMPTY);
        expect_none(*state, 0, SHM_EMPTY);
    }
}

static void test_bars_of_one_record(void **state)
{
    struct history *history = *state;
    struct history_bar bar = bar_of(1), out[CAPACITY];
    uint32_t count = 0;
    for (int i = 0; i < 4; i++) /* closed by the same record, after a gap for example */
        history_append(history, 1, TIMEFRAME_M15, &bar);
    append(history, 2, 2);
    assert_int_equal(history_read(history, 1, TIMEFRAME_M15, 10, CAPACITY, out, &count), SHM_OK);
    assert_int_equal(count, 4);
}

static void test_series_are_apart(void **state)
{
    struct history *history = *state;
    struct history_bar out[CAPACITY];
    uint32_t count = 0;
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        for (unsigned t = 0; t < TIMEFRAME_COUNT; t++) {
            for (uint64_t n = 0; n < 2 * CAPACITY; n++) {
                struct history_bar bar = bar_of(1000 * (i * TIMEFRAME_COUNT + t) + n);
                history_append(history, i, (enum market_timeframe)t, &bar);
            }
        }
    }
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        for (unsigned t = 0; t < TIMEFRAME_COUNT; t++) {
            assert_int_equal(history_read(history, i, (enum market_timeframe)t, NO_LIMIT, CAPACITY, out, &count), SHM_OK);
            assert_int_equal(count, CAPACITY);
            for (uint32_t k = 0; k < count; k++) {
                struct history_bar want = bar_of(1000 * (i * TIMEFRAME_COUNT + t) + CAPACITY + k);
                assert_memory_equal(&out[k], &want, sizeof want);
            }
        }
    }
}

static void test_no_such_series(void **state)
{
    struct history_bar out;
    uint32_t count = 1;
    assert_int_equal(history_read(*state, INSTRUMENTS, TIMEFRAME_M1, NO_LIMIT, 1, &out, &count), SHM_CORRUPT);
    assert_int_equal(count, 0);
    assert_int_equal(history_read(*state, UINT32_MAX, TIMEFRAME_M1, NO_LIMIT, 1, &out, &count), SHM_CORRUPT);
    assert_int_equal(history_read(*state, 0, TIMEFRAME_COUNT, NO_LIMIT, 1, &out, &count), SHM_CORRUPT);
    assert_int_equal(history_read(*state, 0, TIMEFRAME_M1, NO_LIMIT, 0, NULL, &count), SHM_EMPTY);
    assert_int_equal(history_capacity(*state), CAPACITY);
}

static struct history_series *series_of(struct history *history)
{
    return &history->series[1 * TIMEFRAME_COUNT + TIMEFRAME_M15];
}

static struct history_slot *slot_of(struct history *history, uint64_t ordinal)
{
    struct history_slot *slots = (void *)&history->series[INSTRUMENTS * TIMEFRAME_COUNT];
    return &slots[(1 * TIMEFRAME_COUNT + TIMEFRAME_M15) * CAPACITY + (ordinal & (CAPACITY - 1))];
}

/* After any number of the stores of one append a reader gets whole bars: all old ones that are not
 * being overwritten, and the new one with the last store. */
static void test_writer_stopped_between_every_two_stores(void **state)
{
    (void)state;
    static const uint64_t held[] = {0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1, 3 * CAPACITY};
    for (size_t h = 0; h < sizeof held / sizeof held[0]; h++) {
        for (size_t steps = 0; steps <= HISTORY_APPEND_STEPS; steps++) {
            struct history *history = history_new();
            uint64_t n = held[h] + 1;
            assert_non_null(history);
            append(history, 1, held[h]);
            struct history_bar bar = bar_of(n);
            const struct history_append writer = {&series_of(history)->count, &slot_of(history, n)->stamp, n,
                                                  (const shm_word *)&bar, HISTORY_BAR_WORDS};
            for (size_t i = 0; i < steps; i++)
                history_append_step(&writer, i);
            uint64_t last = steps == HISTORY_APPEND_STEPS ? n : held[h];
            uint64_t first = held[h] < CAPACITY ? 1 : held[h] - CAPACITY + (steps == 0 ? 1 : 2);
            if (last == 0)
                expect_none(history, NO_LIMIT, SHM_EMPTY);
            else
                expect_bars(history, NO_LIMIT, CAPACITY, first, last);
            if (last > 0 && first > 1)
                expect_none(history, 10 * first - 1, SHM_EMPTY);
            free(history);
        }
    }
}

static void test_torn_in_the_middle_keeps_the_newer(void **state)
{
    append(*state, 1, 10);
    atomic_store(&slot_of(*state, 6)->stamp, 0);
    expect_bars(*state, NO_LIMIT, CAPACITY, 7, 10);
}

static void test_nothing_whole_is_stale(void **state)
{
    append(*state, 1, CAPACITY);
    for (uint64_t n = 1; n <= CAPACITY; n++)
        atomic_store(&slot_of(*state, n)->stamp, n % 2 ? 0 : n + CAPACITY);
    expect_none(*state, NO_LIMIT, SHM_STALE);
    expect_none(*state, 50, SHM_STALE);
    atomic_store(&slot_of(*state, CAPACITY)->stamp, CAPACITY);
    expect_bars(*state, NO_LIMIT, CAPACITY, CAPACITY, CAPACITY);
}

static void test_wild_count(void **state)
{
    append(*state, 1, 4);
    static const uint64_t wild[] = {5, 100, UINT64_C(1) << 63, UINT64_MAX - 1};
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        atomic_store(&series_of(*state)->count, wild[i]);
        if (wild[i] == 5)
            expect_none(*state, NO_LIMIT, SHM_STALE);
        else
            expect_none(*state, 1000, SHM_STALE);
    }
    atomic_store(&series_of(*state)->count, UINT64_MAX);
    expect_none(*state, NO_LIMIT, SHM_CORRUPT);
}

static void test_attach(void **state)
{
    struct history *history = *state;
    const struct history *view = NULL;
    size_t size = history_size_bytes(INSTRUMENTS, CAPACITY);
    assert_int_equal(history_attach(history, size, &view), SHM_OK);
    assert_ptr_equal(view, history);
    assert_int_equal(history_attach(history, size - 1, &view), SHM_CORRUPT);
    assert_int_equal(history_attach(history, 8, &view), SHM_CORRUPT);
    static const struct {
        size_t offset;
        uint32_t value;
        enum shm_result expected;
    } damages[] = {
        {offsetof(struct history, ready), 0, SHM_STALE},
        {offsetof(struct history, ready), 7, SHM_CORRUPT},
        {offsetof(struct history, magic), 0, SHM_CORRUPT},
        {offsetof(struct history, version), HISTORY_VERSION + 1, SHM_CORRUPT},
        {offsetof(struct history, bar_size), 80, SHM_CORRUPT},
        {offsetof(struct history, hour_slots), HISTORY_HOUR_SLOTS / 2, SHM_CORRUPT},
        {offsetof(struct history, instrument_count), 0, SHM_CORRUPT},
        {offsetof(struct history, instrument_count), INSTRUMENTS + 1, SHM_CORRUPT},
        {offsetof(struct history, instrument_count), UINT32_MAX, SHM_CORRUPT},
        {offsetof(struct history, capacity), 0, SHM_CORRUPT},
        {offsetof(struct history, capacity), CAPACITY - 1, SHM_CORRUPT},
        {offsetof(struct history, capacity), CAPACITY * 2, SHM_CORRUPT},
        {offsetof(struct history, capacity), HISTORY_CAPACITY_MAX * 2, SHM_CORRUPT},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct history whole;
        memcpy(&whole, history, sizeof whole);
        memcpy((unsigned char *)history + damages[i].offset, &damages[i].value, sizeof damages[i].value);
        assert_int_equal(history_attach(history, size, &view), damages[i].expected);
        memcpy(history, &whole, sizeof whole);
        assert_int_equal(history_attach(history, size, &view), SHM_OK);
    }
}

static void test_limits_are_checked_on_every_read(void **state)
{
    struct history *history = *state;
    append(history, 1, 4);
    history->capacity = CAPACITY + 1;
    expect_none(history, NO_LIMIT, SHM_CORRUPT);
    history->capacity = HISTORY_CAPACITY_MAX * 2;
    expect_none(history, NO_LIMIT, SHM_CORRUPT);
    history->capacity = CAPACITY;
    history->instrument_count = HISTORY_INSTRUMENTS_MAX + 1;
    expect_none(history, NO_LIMIT, SHM_CORRUPT);
    history->instrument_count = INSTRUMENTS;
    expect_bars(history, NO_LIMIT, CAPACITY, 1, 4);
}

/* --- hours of the week, and a writer that goes on --------------------------------------------------------- */

#define WEEK_NS (INT64_C(168) * 3600 * 1000000000)
#define MONDAY_NS (INT64_C(1704672000) * 1000000000)

static struct history_hour hour_of(uint64_t n)
{
    return (struct history_hour){.seq = 1000 * n, .open_ns = MONDAY_NS + (int64_t)n * WEEK_NS, .volume = (dec_t)hash_mix64(n)};
}

static void append_hours(struct history *history, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n <= to; n++) {
        struct history_hour hour = hour_of(n);
        history_hour_append(history, 2, &hour);
    }
}

static void expect_hours(const struct history *history, uint64_t up_to_seq, uint32_t max, uint64_t first, uint64_t last)
{
    struct history_hour out[HISTORY_HOUR_SLOTS];
    uint32_t count = 0;
    assert_int_equal(history_hour_read(history, 2, 0, up_to_seq, max, out, &count), SHM_OK);
    assert_int_equal(count, last - first + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct history_hour want = hour_of(first + i);
        assert_memory_equal(&out[i], &want, sizeof want);
    }
}

static void test_hours_of_the_week(void **state)
{
    struct history *history = *state;
    struct history_hour out[HISTORY_HOUR_SLOTS];
    uint32_t count = 9;
    assert_int_equal(history_week_hour(MONDAY_NS), 0);
    assert_int_equal(history_week_hour(MONDAY_NS - 1), 167);
    assert_int_equal(history_week_hour(0), 72);
    assert_int_equal(history_hour_read(history, 2, 0, NO_LIMIT, 20, out, &count), SHM_EMPTY);
    append_hours(history, 1, 5);
    expect_hours(history, NO_LIMIT, 20, 1, 5);
    expect_hours(history, 3999, 20, 1, 3);
    expect_hours(history, 3999, 2, 2, 3);
    assert_int_equal(history_hour_read(history, 2, 0, 999, 20, out, &count), SHM_EMPTY);
    assert_int_equal(history_hour_read(history, 2, 1, NO_LIMIT, 20, out, &count), SHM_EMPTY);
    assert_int_equal(history_hour_read(history, 1, 0, NO_LIMIT, 20, out, &count), SHM_EMPTY);
    assert_int_equal(history_hour_read(history, INSTRUMENTS, 0, NO_LIMIT, 20, out, &count), SHM_CORRUPT);
    assert_int_equal(history_hour_read(history, 2, HISTORY_WEEK_HOURS, NO_LIMIT, 20, out, &count), SHM_CORRUPT);
    append_hours(history, 6, 200);
    expect_hours(history, NO_LIMIT, 20, 181, 200);
    expect_hours(history, 156000, 20, 137, 156);
    /* So far behind that one of the twenty is gone: never a baseline of fewer than there were. */
    assert_int_equal(history_hour_read(history, 2, 0, 155000, 20, out, &count), SHM_STALE);
    assert_int_equal(history_hour_read(history, 2, 0, 1000, 20, out, &count), SHM_STALE);
}

static void test_a_writer_goes_on(void **state)
{
    struct history *history = *state;
    history_resume(history, 1, TIMEFRAME_M15, 40);
    history_hour_resume(history, 2, 0, 70);
    assert_int_equal(history_count(history, 1, TIMEFRAME_M15), 40);
    expect_none(history, NO_LIMIT, SHM_STALE); /* said to be there, and is not: whoever resumes appends at once */
    append(history, 41, 43);
    append_hours(history, 71, 75);
    expect_bars(history, NO_LIMIT, CAPACITY, 41, 43);
    struct history_bar bar, want = bar_of(42);
    assert_true(history_get(history, 1, TIMEFRAME_M15, 42, &bar));
    assert_memory_equal(&bar, &want, sizeof want);
    assert_false(history_get(history, 1, TIMEFRAME_M15, 40, &bar));
    assert_false(history_get(history, 1, TIMEFRAME_M15, 44, &bar));
    struct history_hour hour;
    assert_int_equal(history_hour_count(history, 2, 0), 75);
    assert_true(history_hour_get(history, 2, 0, 75, &hour) && hour.seq == 75000);
    assert_false(history_hour_get(history, 2, 0, 70, &hour));
    append(history, 44, 90);
    expect_bars(history, NO_LIMIT, CAPACITY, 75, 90);
}

#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_TEST(test_empty),
        HISTORY_TEST(test_newest_bars_oldest_first),
        HISTORY_TEST(test_never_beyond_the_readers_position),
        HISTORY_TEST(test_bars_of_one_record),
        HISTORY_TEST(test_series_are_apart),
        HISTORY_TEST(test_no_such_series),
        cmocka_unit_test(test_writer_stopped_between_every_two_stores),
        HISTORY_TEST(test_torn_in_the_middle_keeps_the_newer),
        HISTORY_TEST(test_nothing_whole_is_stale),
        HISTORY_TEST(test_wild_count),
        HISTORY_TEST(test_hours_of_the_week),
        HISTORY_TEST(test_a_writer_goes_on),
        HISTORY_TEST(test_attach),
        HISTORY_TEST(test_limits_are_checked_on_every_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
