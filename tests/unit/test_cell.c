/* The status cell: states built by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "shm/layout.h"

static void *memory_new(void)
{
    void *memory = aligned_alloc(SHM_PAGE_BYTES, CELL_SIZE_BYTES);
    assert_non_null(memory);
    return memset(memory, 0, CELL_SIZE_BYTES);
}

static int setup(void **state)
{
    void *memory = aligned_alloc(SHM_PAGE_BYTES, CELL_SIZE_BYTES);
    if (!memory)
        return -1;
    *state = cell_init(memset(memory, 0, CELL_SIZE_BYTES), 42);
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* Every word follows from n, so that a mixture of two payloads shows. */
static struct cell_payload payload_of(uint64_t n)
{
    struct cell_payload p;
    uint64_t words[CELL_PAYLOAD_WORDS];
    for (size_t i = 0; i < CELL_PAYLOAD_WORDS; i++)
        words[i] = hash_mix64(n * 1000 + i);
    memcpy(&p, words, sizeof p);
    p.account_state = (uint32_t)(n % 3);
    p.text[CELL_TEXT_MAX - 1] = '\0';
    return p;
}

static void expect_payload(const struct cell *cell, uint64_t n)
{
    struct cell_payload got, want = payload_of(n);
    memset(&got, 0xee, sizeof got);
    assert_int_equal(cell_read(cell, &got), SHM_OK);
    assert_memory_equal(&got, &want, sizeof got);
}

static void write_payload(struct cell *cell, uint64_t n)
{
    struct cell_payload p = payload_of(n);
    cell_write(cell, &p);
}

static void test_nothing_written_is_stale(void **state)
{
    struct cell_payload got;
    assert_int_equal(cell_read(*state, &got), SHM_STALE);
    write_payload(*state, 1);
    expect_payload(*state, 1);
}

static void test_reads_the_last_write(void **state)
{
    for (uint64_t n = 1; n <= 1000; n++) {
        write_payload(*state, n);
        expect_payload(*state, n);
        expect_payload(*state, n);
    }
}

/* A writer that dies after any number of its stores leaves the previous payload whole; only the
 * last store shows the new one. */
static void test_writer_stopped_between_every_two_stores(void **state)
{
    (void)state;
    for (uint64_t written = 0; written <= 3; written++) {
        for (size_t steps = 0; steps <= CELL_WRITE_STEPS; steps++) {
            struct cell *cell = cell_init(memory_new(), 1);
            for (uint64_t n = 1; n <= written; n++)
                write_payload(cell, n);
            struct cell_payload next = payload_of(written + 1), got;
            for (size_t i = 0; i < steps; i++)
                cell_write_step(cell, written + 1, (const shm_word *)&next, i);
            if (steps == CELL_WRITE_STEPS)
                expect_payload(cell, written + 1);
            else if (written > 0)
                expect_payload(cell, written);
            else
                assert_int_equal(cell_read(cell, &got), SHM_STALE);
            free(cell);
        }
    }
}

/* No whole copy: the index names a copy that never becomes whole. Bounded, then STALE. */
static void test_torn_is_stale(void **state)
{
    struct cell *cell = *state;
    struct cell_payload got;
    for (uint64_t n = 1; n <= 4; n++)
        write_payload(cell, n);
    static const uint64_t stamps[] = {0, 2, 3, 6, UINT64_MAX};
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        atomic_store(&cell->copies[0].stamp, stamps[i]);
        assert_int_equal(cell_read(cell, &got), SHM_STALE);
    }
    atomic_store(&cell->copies[0].stamp, 4);
    expect_payload(cell, 4);
}

/* Whatever the index says, only the two copies are looked at. */
static void test_wild_index_is_stale(void **state)
{
    struct cell *cell = *state;
    struct cell_payload got;
    write_payload(cell, 1);
    static const uint64_t wild[] = {2, 3, 1000, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        atomic_store(&cell->current, wild[i]);
        assert_int_equal(cell_read(cell, &got), SHM_STALE);
    }
}

static void test_payload_is_checked(void **state)
{
    struct cell *cell = *state;
    struct cell_payload got;
    write_payload(cell, 1);
    size_t text = offsetof(struct cell_payload, text) + CELL_TEXT_MAX;
    assert_int_equal(text % 8, 0);
    atomic_store(&cell->copies[1].words[text / 8 - 1], UINT64_MAX); /* a text without an end */
    assert_int_equal(cell_read(cell, &got), SHM_OK);
    assert_int_equal(got.text[CELL_TEXT_MAX - 1], 0);
    atomic_store(&cell->copies[1].words[offsetof(struct cell_payload, account_state) / 8], 3); /* no such state */
    assert_int_equal(cell_read(cell, &got), SHM_CORRUPT);
}

static void test_attach(void **state)
{
    struct cell *cell = *state;
    const struct cell *view = NULL;
    assert_int_equal(cell_attach(cell, CELL_SIZE_BYTES, &view), SHM_OK);
    assert_ptr_equal(view, cell);
    assert_int_equal(cell_generation(view), 42);
    assert_int_equal(cell_attach(cell, CELL_SIZE_BYTES - 1, &view), SHM_CORRUPT);
    assert_int_equal(cell_attach(cell, 0, &view), SHM_CORRUPT);
    static const struct {
        size_t offset;
        uint32_t value;
        enum shm_result expected;
    } damages[] = {
        {offsetof(struct cell, ready), 0, SHM_STALE},
        {offsetof(struct cell, ready), 2, SHM_CORRUPT},
        {offsetof(struct cell, magic), 1, SHM_CORRUPT},
        {offsetof(struct cell, magic) + 4, 1, SHM_CORRUPT},
        {offsetof(struct cell, version), CELL_VERSION + 1, SHM_CORRUPT},
        {offsetof(struct cell, size_bytes), 4096, SHM_CORRUPT},
        {offsetof(struct cell, payload_bytes), sizeof(struct cell_payload) + 8, SHM_CORRUPT},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        unsigned char whole[SHM_HOT_BYTES];
        memcpy(whole, cell, sizeof whole);
        memcpy((unsigned char *)cell + damages[i].offset, &damages[i].value, sizeof damages[i].value);
        view = NULL;
        assert_int_equal(cell_attach(cell, CELL_SIZE_BYTES, &view), damages[i].expected);
        assert_null(view);
        memcpy(cell, whole, sizeof whole);
    }
    assert_int_equal(cell_attach(cell, CELL_SIZE_BYTES, &view), SHM_OK);
}

static void test_fresh_memory_is_not_ready(void **state)
{
    (void)state;
    const struct cell *view = NULL;
    void *memory = memory_new();
    assert_int_equal(cell_attach(memory, CELL_SIZE_BYTES, &view), SHM_STALE);
    assert_null(view);
    free(memory);
}

/* Each word has one meaning: writing one leaves all others alone. */
static void test_hot_words(void **state)
{
    struct cell *cell = *state;
    int64_t instant = -1;
    uint64_t jseq = 99;
    cell_watermark(cell, &instant, &jseq);
    assert_int_equal(instant, 0);
    assert_int_equal(jseq, 0);
    cell_set_heartbeat(cell, -5);
    cell_set_consumed(cell, 11);
    cell_set_durable(cell, UINT64_MAX);
    cell_set_watermark(cell, INT64_C(1700000000000000000), 13);
    cell_set_sleeping(cell, 1);
    cell_set_syncing(cell, 2);
    write_payload(cell, 1);
    assert_int_equal(cell_heartbeat(cell), -5);
    assert_int_equal(cell_consumed(cell), 11);
    assert_true(cell_durable(cell) == UINT64_MAX);
    cell_watermark(cell, &instant, &jseq);
    assert_int_equal(instant, INT64_C(1700000000000000000));
    assert_int_equal(jseq, 13);
    assert_int_equal(cell_sleeping(cell), 1);
    assert_int_equal(cell_syncing(cell), 2);
    cell_set_sleeping(cell, 0);
    assert_int_equal(cell_sleeping(cell), 0);
    assert_int_equal(cell_syncing(cell), 2);
    expect_payload(cell, 1);
}

static void test_hot_words_have_lines_of_their_own(void **state)
{
    (void)state;
    static const size_t offsets[] = {
        offsetof(struct cell, ready),           offsetof(struct cell, heartbeat_ns), offsetof(struct cell, consumed),
        offsetof(struct cell, durable),         offsetof(struct cell, done_instant_ns),
        offsetof(struct cell, sleeping),        offsetof(struct cell, syncing),      offsetof(struct cell, current),
        offsetof(struct cell, copies),          offsetof(struct cell, copies) + sizeof(struct cell_copy),
    };
    for (size_t i = 1; i < sizeof offsets / sizeof offsets[0]; i++)
        assert_true(offsets[i] / SHM_LINE_BYTES > offsets[i - 1] / SHM_LINE_BYTES);
}

#define CELL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CELL_TEST(test_nothing_written_is_stale),
        CELL_TEST(test_reads_the_last_write),
        cmocka_unit_test(test_writer_stopped_between_every_two_stores),
        CELL_TEST(test_torn_is_stale),
        CELL_TEST(test_wild_index_is_stale),
        CELL_TEST(test_payload_is_checked),
        CELL_TEST(test_attach),
        cmocka_unit_test(test_fresh_memory_is_not_ready),
        CELL_TEST(test_hot_words),
        cmocka_unit_test(test_hot_words_have_lines_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
