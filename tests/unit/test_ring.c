/* The market ring: states built by hand. What processes and threads do to it is in
 * tests/integration/shm_stress.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "shm/layout.h"
#include "shm/ring.h"

#define SLOTS RING_SLOTS_MIN
#define MARGIN (SLOTS / 8)

struct fixture {
    struct ring *ring;
    size_t size;
    struct ring_writer writer;
};

static void fixture_open(struct fixture *f, uint64_t first_seq)
{
    f->size = ring_size_bytes(SLOTS);
    f->ring = aligned_alloc(SHM_PAGE_BYTES, f->size);
    assert_non_null(f->ring);
    memset(f->ring, 0, f->size);
    ring_writer_init(&f->writer, f->ring, SLOTS, 7, first_seq);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    fixture_open(f, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->ring);
    free(f);
    return 0;
}

/* Every word of the payload follows from the sequence number, so that a mixture of two records shows. */
static struct market_record record_of(uint64_t seq)
{
    struct market_record r = {.seq = seq, .time_ns = (int64_t)hash_mix64(seq), .kind = MARKET_BAR,
                              .timeframe = TIMEFRAME_M5, .instrument = (uint8_t)seq,
                              .spread_ticks = (uint32_t)hash_mix64(seq + 1)};
    for (unsigned i = 0; i < 5; i++)
        r.u.words[i] = (int64_t)hash_mix64(seq * 8 + i);
    return r;
}

static void publish(struct fixture *f, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t seq = f->writer.next_seq;
        struct market_record r = record_of(seq);
        r.seq = 0; /* the ring's to set */
        assert_int_equal(ring_publish(&f->writer, &r), seq);
    }
}

static void attach(struct fixture *f, struct ring_reader *reader, uint64_t from_seq)
{
    assert_int_equal(ring_attach(reader, f->ring, f->size, from_seq), SHM_OK);
}

static void expect_record(struct ring_reader *reader, uint64_t seq)
{
    struct market_record got, want = record_of(seq);
    uint64_t lost = 0;
    memset(&got, 0xee, sizeof got);
    assert_int_equal(ring_read(reader, &got, &lost), SHM_OK);
    assert_memory_equal(&got, &want, sizeof got);
}

static void expect_result(struct ring_reader *reader, enum shm_result expected)
{
    struct market_record got;
    uint64_t lost = 12345;
    assert_int_equal(ring_read(reader, &got, &lost), expected);
    assert_int_equal(lost, 12345);
}

static void expect_lapped(struct ring_reader *reader, uint64_t expected)
{
    struct market_record got;
    uint64_t lost = 0, from = reader->next_seq, before = reader->lapped_total;
    assert_int_equal(ring_read(reader, &got, &lost), SHM_LAPPED);
    assert_int_equal(lost, expected);
    assert_int_equal(reader->next_seq, from + expected);
    assert_int_equal(reader->lapped_total, before + expected);
}

/* --- reading in order ------------------------------------------------------------------ */

static void test_reads_in_order_then_empty(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    attach(f, &reader, 0);
    expect_result(&reader, SHM_EMPTY);
    publish(f, 300);
    for (uint64_t seq = 1; seq <= 300; seq++)
        expect_record(&reader, seq);
    expect_result(&reader, SHM_EMPTY);
    assert_int_equal(reader.lapped_total, 0);
    assert_int_equal(ring_head(f->ring), 300);
    assert_int_equal(ring_first_seq(f->ring), 1);
    assert_int_equal(ring_generation(f->ring), 7);
}

static void test_many_laps_keep_step(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    attach(f, &reader, 1);
    for (uint64_t seq = 1; seq <= 5 * SLOTS; seq++) {
        publish(f, 1);
        expect_record(&reader, seq);
        expect_result(&reader, SHM_EMPTY);
    }
}

static void test_sequence_goes_on_over_segments(void **state)
{
    (void)state;
    struct fixture f = {0};
    const uint64_t first = UINT64_C(5000000000123);
    fixture_open(&f, first);
    struct ring_reader reader, ahead;
    attach(&f, &reader, 0);
    assert_int_equal(reader.next_seq, first);
    assert_int_equal(ring_head(f.ring), first - 1);
    expect_result(&reader, SHM_EMPTY);
    attach(&f, &ahead, first + 2); /* it was further than this writer starts: it waits */
    publish(&f, 2);
    expect_result(&ahead, SHM_EMPTY);
    publish(&f, 2);
    expect_record(&ahead, first + 2);
    for (uint64_t i = 0; i < 4; i++)
        expect_record(&reader, first + i);
    free(f.ring);
}

static void test_before_the_first_is_corrupt(void **state)
{
    (void)state;
    struct fixture f = {0};
    fixture_open(&f, 500);
    publish(&f, 10);
    struct ring_reader reader;
    attach(&f, &reader, 499);
    expect_result(&reader, SHM_CORRUPT);
    attach(&f, &reader, 500);
    expect_record(&reader, 500);
    free(f.ring);
}

/* --- closing and dying ------------------------------------------------------------------- */

static void test_closed_only_after_the_last(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader, ahead;
    attach(f, &reader, 0);
    attach(f, &ahead, 50);
    publish(f, 3);
    ring_close(&f->writer);
    for (uint64_t seq = 1; seq <= 3; seq++)
        expect_record(&reader, seq);
    expect_result(&reader, SHM_CLOSED);
    expect_result(&reader, SHM_CLOSED);
    expect_result(&ahead, SHM_CLOSED);
    attach(f, &reader, 0);
    expect_record(&reader, 1);
}

static void test_closed_while_empty(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    ring_close(&f->writer);
    attach(f, &reader, 0);
    expect_result(&reader, SHM_CLOSED);
}

static void test_dead_writer_is_empty_for_ever(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    publish(f, SLOTS + 5);
    attach(f, &reader, SLOTS);
    for (uint64_t seq = SLOTS; seq <= SLOTS + 5; seq++)
        expect_record(&reader, seq);
    for (int i = 0; i < 1000; i++)
        expect_result(&reader, SHM_EMPTY);
}

/* Run the first `steps` stores of the next publish, as a writer that stops there has. */
static void publish_prefix(struct fixture *f, unsigned steps)
{
    uint64_t seq = f->writer.next_seq;
    struct market_record r = record_of(seq);
    for (unsigned i = 0; i < steps; i++)
        ring_publish_step(f->ring, &f->ring->slots[seq & (SLOTS - 1)], seq, (const shm_word *)&r, i);
}

static void check_stopped_on_first_lap(struct fixture *f, unsigned steps)
{
    struct ring_reader waiting, late;
    publish(f, 10);
    attach(f, &waiting, 11);
    publish_prefix(f, steps);
    if (steps <= RING_WORDS) { /* the stamp is the ninth store */
        expect_result(&waiting, SHM_EMPTY);
    } else {
        expect_record(&waiting, 11);
        expect_result(&waiting, SHM_EMPTY); /* also when the head was not stored any more */
    }
    attach(f, &late, 0);
    for (uint64_t seq = 1; seq <= 10; seq++)
        expect_record(&late, seq);
}

static void test_writer_stopped_between_every_two_stores(void **state)
{
    (void)state;
    for (unsigned steps = 0; steps <= RING_PUBLISH_STEPS; steps++) {
        struct fixture f = {0};
        fixture_open(&f, 1);
        check_stopped_on_first_lap(&f, steps);
        free(f.ring);
    }
}

/* The same when the slot holds an older record, of which a reader stands in front. */
static void test_writer_stopped_while_overwriting(void **state)
{
    (void)state;
    for (unsigned steps = 0; steps <= RING_PUBLISH_STEPS; steps++) {
        struct fixture f = {0};
        fixture_open(&f, 1);
        publish(&f, SLOTS);
        struct ring_reader behind, waiting, late;
        attach(&f, &behind, 1);
        attach(&f, &waiting, SLOTS + 1);
        publish_prefix(&f, steps);
        uint64_t head = ring_head(f.ring);
        assert_int_equal(head, steps == RING_PUBLISH_STEPS ? SLOTS + 1 : SLOTS);
        if (steps == 0)
            expect_record(&behind, 1);
        else
            expect_lapped(&behind, head - SLOTS + MARGIN - 1);
        if (steps <= RING_WORDS)
            expect_result(&waiting, SHM_EMPTY);
        else
            expect_record(&waiting, SLOTS + 1);
        attach(&f, &late, 0); /* starts at the oldest whole record */
        expect_record(&late, steps == 0 ? 1 : 2);
        assert_int_equal(late.lapped_total, 0);
        free(f.ring);
    }
}

static void test_torn_payload_is_never_returned(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    publish(f, SLOTS + 3);
    attach(f, &reader, SLOTS);
    struct ring_slot *slot = &f->ring->slots[SLOTS & (SLOTS - 1)];
    atomic_store(&slot->words[0], 0); /* a writer a lap further, stopped in the middle */
    for (unsigned i = 1; i < 4; i++)
        atomic_store(&slot->words[i], UINT64_C(0xdeaddeaddeaddead));
    atomic_store(&f->ring->head, 2 * SLOTS - 1);
    expect_lapped(&reader, SLOTS - 1 + MARGIN - SLOTS);
}

/* --- lapping ------------------------------------------------------------------------------- */

static void test_lapped_loss_is_exact(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    attach(f, &reader, 1);
    publish(f, 10);
    for (uint64_t seq = 1; seq <= 10; seq++)
        expect_record(&reader, seq);
    publish(f, 3 * SLOTS);
    uint64_t head = 10 + 3 * SLOTS, safe = head - SLOTS + MARGIN;
    expect_lapped(&reader, safe - 11);
    for (uint64_t seq = safe; seq <= head; seq++)
        expect_record(&reader, seq);
    expect_result(&reader, SHM_EMPTY);
    assert_int_equal(10 + (head - safe + 1) + reader.lapped_total, head);
}

static void test_lapped_boundary(void **state)
{
    struct fixture *f = *state;
    struct ring_reader whole, gone;
    attach(f, &whole, 2);
    attach(f, &gone, 1);
    publish(f, SLOTS + 1);
    expect_record(&whole, 2); /* the oldest that is still there */
    expect_lapped(&gone, 1 + MARGIN - 1);
    expect_record(&gone, 1 + MARGIN);
}

static void test_lapped_again_and_again(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    attach(f, &reader, 1);
    uint64_t read = 0;
    for (int lap = 0; lap < 20; lap++) {
        publish(f, 2 * SLOTS + (uint64_t)lap);
        struct market_record r;
        uint64_t lost = 0;
        assert_int_equal(ring_read(&reader, &r, &lost), SHM_LAPPED);
        expect_record(&reader, reader.next_seq);
        read++;
        assert_int_equal(read + reader.lapped_total, reader.next_seq - 1);
    }
}

static void test_late_joiner(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    publish(f, 4 * SLOTS);
    uint64_t head = 4 * SLOTS, oldest = head - SLOTS + 1;
    attach(f, &reader, 0);
    expect_record(&reader, oldest);
    attach(f, &reader, oldest);
    expect_record(&reader, oldest);
    attach(f, &reader, 17); /* long gone: the exact loss, on the first read */
    assert_int_equal(reader.lapped_total, 0);
    expect_lapped(&reader, head - SLOTS + MARGIN - 17);
    expect_record(&reader, head - SLOTS + MARGIN);
    attach(f, &reader, head + 1);
    expect_result(&reader, SHM_EMPTY);
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static void test_head_going_back_is_corrupt(void **state)
{
    struct fixture *f = *state;
    struct ring_reader seen, read, joined;
    publish(f, 20);
    attach(f, &joined, 21);
    attach(f, &seen, 21);
    expect_result(&seen, SHM_EMPTY);
    attach(f, &read, 0);
    publish(f, 5);
    for (uint64_t seq = 1; seq <= 25; seq++)
        expect_record(&read, seq);
    atomic_store(&f->ring->head, 24); /* the writer between its last two stores */
    expect_result(&read, SHM_EMPTY);
    atomic_store(&f->ring->head, 23);
    expect_result(&read, SHM_CORRUPT);
    atomic_store(&f->ring->head, 19);
    memset(&f->ring->slots[21], 0, 4 * sizeof f->ring->slots[0]);
    expect_result(&seen, SHM_CORRUPT);
    expect_result(&joined, SHM_CORRUPT); /* seen at attach */
}

static void test_stamp_that_nothing_explains_is_corrupt(void **state)
{
    struct fixture *f = *state;
    static const uint64_t stamps[] = {0, 4, 6, 5 + SLOTS, UINT64_MAX};
    publish(f, 10);
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        struct ring_reader reader;
        attach(f, &reader, 5);
        atomic_store(&f->ring->slots[5].words[0], stamps[i]);
        expect_result(&reader, SHM_CORRUPT);
        assert_int_equal(reader.next_seq, 5);
        atomic_store(&f->ring->slots[5].words[0], 5);
        expect_record(&reader, 5);
    }
}

static void test_header_changed_after_attach_is_harmless(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    publish(f, 10);
    attach(f, &reader, 1);
    f->ring->slot_count = RING_SLOTS_MAX;
    f->ring->first_seq = 900;
    for (uint64_t seq = 1; seq <= 10; seq++)
        expect_record(&reader, seq);
    expect_result(&reader, SHM_EMPTY);
}

struct damage {
    size_t offset;
    uint32_t size;
    uint64_t value;
    enum shm_result expected;
};

static void test_attach_checks_everything(void **state)
{
    struct fixture *f = *state;
    const struct damage damages[] = {
        {offsetof(struct ring, ready), 4, 0, SHM_STALE},
        {offsetof(struct ring, ready), 4, 2, SHM_CORRUPT},
        {offsetof(struct ring, magic), 8, RING_MAGIC + 1, SHM_CORRUPT},
        {offsetof(struct ring, version), 4, RING_VERSION + 1, SHM_CORRUPT},
        {offsetof(struct ring, record_size), 4, 128, SHM_CORRUPT},
        {offsetof(struct ring, slot_count), 4, SLOTS - 1, SHM_CORRUPT},
        {offsetof(struct ring, slot_count), 4, SLOTS * 2, SHM_CORRUPT}, /* beyond the mapping */
        {offsetof(struct ring, slot_count), 4, SLOTS / 2, SHM_CORRUPT},
        {offsetof(struct ring, slot_count), 4, RING_SLOTS_MAX * 2, SHM_CORRUPT},
        {offsetof(struct ring, slot_count), 4, 0, SHM_CORRUPT},
        {offsetof(struct ring, first_seq), 8, 0, SHM_CORRUPT},
        {offsetof(struct ring, first_seq), 8, 1000, SHM_CORRUPT}, /* the head lies before it */
        {offsetof(struct ring, head), 8, UINT64_MAX, SHM_CORRUPT},
    };
    publish(f, 5);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        unsigned char whole[SHM_PAGE_BYTES], *at = (unsigned char *)f->ring + damages[i].offset;
        struct ring_reader reader;
        memcpy(whole, f->ring, sizeof whole);
        memcpy(at, &damages[i].value, damages[i].size); /* little-endian */
        assert_int_equal(ring_attach(&reader, f->ring, f->size, 0), damages[i].expected);
        memcpy(f->ring, whole, sizeof whole);
        attach(f, &reader, 0);
    }
}

static void test_attach_checks_the_size(void **state)
{
    struct fixture *f = *state;
    struct ring_reader reader;
    assert_int_equal(ring_attach(&reader, f->ring, f->size - 1, 0), SHM_CORRUPT);
    assert_int_equal(ring_attach(&reader, f->ring, SHM_PAGE_BYTES - 1, 0), SHM_CORRUPT);
    assert_int_equal(ring_attach(&reader, f->ring, 0, 0), SHM_CORRUPT);
    assert_int_equal(ring_attach(&reader, f->ring, f->size, 0), SHM_OK);
    memset(f->ring, 0, f->size); /* fresh, nobody has said ready */
    assert_int_equal(ring_attach(&reader, f->ring, f->size, 0), SHM_STALE);
}

static void test_sizes_and_layout(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ring_size_bytes(RING_SLOTS_MIN), 4096 + 64 * 1024);
    assert_int_equal(ring_size_bytes(RING_SLOTS_MAX), 4096 + (UINT64_C(64) << 22));
    assert_int_equal((uintptr_t)&f->ring->slots[1] - (uintptr_t)f->ring, 4096 + 64);
    publish(f, 1);
    struct market_record want = record_of(1);
    assert_memory_equal((void *)&f->ring->slots[1], &want, sizeof want); /* a slot is a record, stamp first */
}

/* --- names that go with the records ------------------------------------------------------------- */

static void test_timeframes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t seconds;
    } expected[TIMEFRAME_COUNT] = {{"M1", 60}, {"M5", 300}, {"M15", 900}, {"H1", 3600}, {"H4", 14400}, {"D1", 86400}};
    for (unsigned i = 0; i < TIMEFRAME_COUNT; i++) {
        enum market_timeframe parsed = TIMEFRAME_COUNT;
        assert_string_equal(timeframe_name((enum market_timeframe)i), expected[i].name);
        assert_int_equal(timeframe_ns((enum market_timeframe)i), expected[i].seconds * 1000000000);
        assert_int_equal(timeframe_parse(expected[i].name, &parsed), 0);
        assert_int_equal(parsed, i);
    }
    static const char *const wrong[] = {"", "M", "m1", "M1 ", "M10", "W1", "D"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        enum market_timeframe parsed = TIMEFRAME_H4;
        assert_int_equal(timeframe_parse(wrong[i], &parsed), -EINVAL);
        assert_int_equal(parsed, TIMEFRAME_H4);
    }
}

static void test_result_names(void **state)
{
    (void)state;
    assert_string_equal(shm_result_name(SHM_OK), "OK");
    assert_string_equal(shm_result_name(SHM_EMPTY), "EMPTY");
    assert_string_equal(shm_result_name(SHM_LAPPED), "LAPPED");
    assert_string_equal(shm_result_name(SHM_CLOSED), "CLOSED");
    assert_string_equal(shm_result_name(SHM_STALE), "STALE");
    assert_string_equal(shm_result_name(SHM_CORRUPT), "CORRUPT");
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_reads_in_order_then_empty),
        RING_TEST(test_many_laps_keep_step),
        cmocka_unit_test(test_sequence_goes_on_over_segments),
        cmocka_unit_test(test_before_the_first_is_corrupt),
        RING_TEST(test_closed_only_after_the_last),
        RING_TEST(test_closed_while_empty),
        RING_TEST(test_dead_writer_is_empty_for_ever),
        cmocka_unit_test(test_writer_stopped_between_every_two_stores),
        cmocka_unit_test(test_writer_stopped_while_overwriting),
        RING_TEST(test_torn_payload_is_never_returned),
        RING_TEST(test_lapped_loss_is_exact),
        RING_TEST(test_lapped_boundary),
        RING_TEST(test_lapped_again_and_again),
        RING_TEST(test_late_joiner),
        RING_TEST(test_head_going_back_is_corrupt),
        RING_TEST(test_stamp_that_nothing_explains_is_corrupt),
        RING_TEST(test_header_changed_after_attach_is_harmless),
        RING_TEST(test_attach_checks_everything),
        RING_TEST(test_attach_checks_the_size),
        RING_TEST(test_sizes_and_layout),
        cmocka_unit_test(test_timeframes),
        cmocka_unit_test(test_result_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
