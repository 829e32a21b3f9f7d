/* One writer that waits for nobody, four readers, as processes over sealed memfds and as threads
 * over one mapping (ThreadSanitizer sees no race across two mappings). Every word of what is read
 * follows from its number, so that a torn or mixed read shows; and what was read and what was lost
 * must add up to what was published. Bounded to about three seconds. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "shm/layout.h"
#include "shm/ring.h"
#include "shm/segment.h"

#define READERS 4
#define SLOTS RING_SLOTS_MIN
#define BARS 256u
#define SIDE_EVERY 16u        /* records between two cell writes and bars */
#define WRITE_NS INT64_C(800000000)
#define DEADLINE_NS INT64_C(20000000000) /* a sanitizer on a busy machine; never reached otherwise */
#define PACED_RECORDS 200000u
#define KILLS 10

/* What one reader found. Shared with the parent. */
struct tally {
    uint64_t read, lost, wrong, laps;
    uint64_t cells, bars; /* whole payloads and bars read */
    uint32_t last_result; /* enum shm_result */
    _Atomic uint64_t progress;
};

/* One set of segments, as seen by one side. */
struct arena {
    void *ring, *cell, *history;
    size_t ring_size, cell_size, history_size;
    int fds[3];
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *shared_new(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    return p;
}

static void arena_open(struct arena *a)
{
    struct error err = {0};
    const size_t sizes[] = {ring_size_bytes(SLOTS), CELL_SIZE_BYTES, history_size_bytes(1, BARS)};
    void **maps[] = {&a->ring, &a->cell, &a->history};
    size_t *got[] = {&a->ring_size, &a->cell_size, &a->history_size};
    for (int i = 0; i < 3; i++) {
        a->fds[i] = segment_create("stress", sizes[i], &err);
        assert_true(a->fds[i] >= 0);
        assert_int_equal(segment_map_owner(a->fds[i], sizes[i], maps[i], got[i], &err), 0);
        assert_int_equal(segment_seal(a->fds[i], &err), 0);
    }
}

static void arena_close(struct arena *a)
{
    segment_unmap(a->ring, a->ring_size);
    segment_unmap(a->cell, a->cell_size);
    segment_unmap(a->history, a->history_size);
    for (int i = 0; i < 3; i++)
        close(a->fds[i]);
}

/* In a reader process: its own read-only mappings instead of the inherited ones. */
static int arena_reopen(struct arena *a)
{
    const void *maps[3];
    size_t size;
    segment_unmap(a->ring, a->ring_size);
    segment_unmap(a->cell, a->cell_size);
    segment_unmap(a->history, a->history_size);
    for (int i = 0; i < 3; i++)
        if (segment_check_sealed(a->fds[i], NULL) != 0 || segment_map_reader(a->fds[i], 1, &maps[i], &size, NULL) != 0)
            return -1;
    a->ring = (void *)(uintptr_t)maps[0];
    a->cell = (void *)(uintptr_t)maps[1];
    a->history = (void *)(uintptr_t)maps[2];
    return 0;
}

/* --- content that proves itself -------------------------------------------------------- */

static void record_fill(struct market_record *r, uint64_t seq)
{
    *r = (struct market_record){.seq = seq, .time_ns = (int64_t)hash_mix64(seq), .kind = MARKET_BAR,
                                .spread_ticks = (uint32_t)seq};
    for (unsigned i = 0; i < 5; i++)
        r->u.words[i] = (int64_t)hash_mix64(seq * 8 + i);
}

static void payload_fill(struct cell_payload *p, uint64_t n)
{
    uint64_t words[CELL_PAYLOAD_WORDS];
    for (size_t i = 0; i < CELL_PAYLOAD_WORDS; i++)
        words[i] = n * UINT64_C(0x9e3779b97f4a7c15) + i;
    memcpy(p, words, sizeof *p);
    p->market_time_ns = (int64_t)n;
    p->account_state = (uint32_t)(n % 3);
    memset(p->text, (int)('a' + n % 26), CELL_TEXT_MAX - 1);
    p->text[CELL_TEXT_MAX - 1] = '\0';
}

static void bar_fill(struct history_bar *b, uint64_t seq)
{
    uint64_t words[HISTORY_BAR_WORDS];
    for (size_t i = 0; i < HISTORY_BAR_WORDS; i++)
        words[i] = hash_mix64(seq + i);
    memcpy(b, words, sizeof *b);
    b->seq = seq;
}

static bool payload_right(const struct cell_payload *got)
{
    struct cell_payload want;
    payload_fill(&want, (uint64_t)got->market_time_ns);
    return memcmp(got, &want, sizeof want) == 0;
}

static bool bar_right(const struct history_bar *got)
{
    struct history_bar want;
    bar_fill(&want, got->seq);
    return memcmp(got, &want, sizeof want) == 0;
}

/* --- both sides -------------------------------------------------------------------------- */

struct writer {
    struct ring_writer ring;
    struct cell *cell;
    struct history *history;
};

static void writer_init(struct writer *w, const struct arena *a)
{
    ring_writer_init(&w->ring, a->ring, SLOTS, 1, 1);
    w->cell = cell_init(a->cell, 1);
    w->history = history_init(a->history, 1, BARS, 1);
}

static void writer_step(struct writer *w)
{
    struct market_record r;
    uint64_t seq = w->ring.next_seq;
    record_fill(&r, seq);
    if (seq % SIDE_EVERY == 0) {
        struct cell_payload payload;
        struct history_bar bar;
        bar_fill(&bar, seq);
        history_append(w->history, 0, TIMEFRAME_M1, &bar);
        payload_fill(&payload, seq);
        cell_write(w->cell, &payload);
    }
    ring_publish(&w->ring, &r);
}

static void writer_run(struct writer *w)
{
    int64_t end = now_ns() + WRITE_NS;
    while (w->ring.next_seq % 1024 != 0 || now_ns() < end)
        writer_step(w);
    ring_close(&w->ring);
}

static void read_cell(const struct cell *cell, struct tally *t)
{
    struct cell_payload payload;
    enum shm_result result = cell_read(cell, &payload);
    if (result == SHM_OK) {
        t->cells++;
        t->wrong += !payload_right(&payload);
    } else {
        t->wrong += result != SHM_STALE; /* the writer outran sixteen tries: allowed, garbage is not */
    }
}

static void read_history(const struct history *history, uint64_t up_to_seq, struct tally *t)
{
    struct history_bar bars[32];
    uint32_t count = 0;
    enum shm_result result = history_read(history, 0, TIMEFRAME_M1, up_to_seq, 32, bars, &count);
    t->wrong += result == SHM_CORRUPT || (result == SHM_OK) != (count > 0) || count > 32;
    for (uint32_t i = 0; i < count && count <= 32; i++) {
        t->bars++;
        t->wrong += !bar_right(&bars[i]) || bars[i].seq > up_to_seq;
        t->wrong += i > 0 && bars[i].seq != bars[i - 1].seq + SIDE_EVERY;
    }
}

static bool read_one(struct ring_reader *reader, struct tally *t)
{
    struct market_record got, want;
    uint64_t lost = 0, next = reader->next_seq;
    enum shm_result result = ring_read(reader, &got, &lost);
    t->last_result = result;
    if (result == SHM_OK) {
        record_fill(&want, next);
        t->wrong += memcmp(&got, &want, sizeof got) != 0 || reader->next_seq != next + 1;
        t->read++;
    } else if (result == SHM_LAPPED) {
        t->wrong += lost == 0 || reader->next_seq != next + lost;
        t->lost += lost;
        t->laps++;
    } else if (result != SHM_EMPTY) {
        t->wrong += result != SHM_CLOSED;
        return false;
    }
    return true;
}

static void reader_run(const struct arena *a, struct tally *t)
{
    struct ring_reader reader;
    const struct cell *cell = NULL;
    const struct history *history = NULL;
    int64_t deadline = now_ns() + DEADLINE_NS;
    if (ring_attach(&reader, a->ring, a->ring_size, 1) != SHM_OK ||
        cell_attach(a->cell, a->cell_size, &cell) != SHM_OK ||
        history_attach(a->history, a->history_size, &history) != SHM_OK) {
        t->wrong++;
        return;
    }
    for (uint64_t i = 1; read_one(&reader, t); i++) {
        if (i % 64 == 0) {
            read_cell(cell, t);
            read_history(history, reader.next_seq - 1, t);
            atomic_store_explicit(&t->progress, reader.next_seq - 1, memory_order_release);
        }
        if (i % 4096 == 0 && now_ns() > deadline)
            break; /* last_result is not CLOSED: the check fails */
    }
    t->wrong += reader.lapped_total != t->lost;
}

static void check(const struct tally *tallies, uint64_t published)
{
    uint64_t lost = 0;
    for (int i = 0; i < READERS; i++) {
        const struct tally *t = &tallies[i];
        print_message("  reader %d: read %llu, lost %llu in %llu laps, cells %llu, bars %llu\n", i,
                      (unsigned long long)t->read, (unsigned long long)t->lost, (unsigned long long)t->laps,
                      (unsigned long long)t->cells, (unsigned long long)t->bars);
        assert_int_equal(t->wrong, 0);
        assert_int_equal(t->last_result, SHM_CLOSED);
        assert_int_equal(t->read + t->lost, published);
        assert_true(t->read > 0 && t->cells > 0 && t->bars > 0);
        lost += t->lost;
    }
    assert_true(lost > 0); /* otherwise nothing was overwritten under a reader and nothing was tested */
}

static void wait_for(const pid_t *pids, int count)
{
    for (int i = 0; i < count; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void test_processes(void **state)
{
    (void)state;
    struct arena a;
    struct writer w;
    struct tally *tallies = shared_new(sizeof *tallies * READERS);
    pid_t pids[READERS];
    arena_open(&a);
    writer_init(&w, &a);
    for (int i = 0; i < READERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            if (arena_reopen(&a) != 0)
                _exit(1);
            reader_run(&a, &tallies[i]);
            _exit(0);
        }
    }
    writer_run(&w);
    wait_for(pids, READERS);
    check(tallies, w.ring.next_seq - 1);
    arena_close(&a);
    munmap(tallies, sizeof *tallies * READERS);
}

struct thread_arguments {
    const struct arena *arena;
    struct tally *tally;
};

static void *thread_main(void *argument)
{
    const struct thread_arguments *t = argument;
    reader_run(t->arena, t->tally);
    return NULL;
}

static void test_threads_on_one_mapping(void **state)
{
    (void)state;
    struct arena a;
    struct writer w;
    struct tally tallies[READERS] = {0};
    struct thread_arguments arguments[READERS];
    pthread_t threads[READERS];
    arena_open(&a);
    writer_init(&w, &a);
    for (int i = 0; i < READERS; i++) {
        arguments[i] = (struct thread_arguments){&a, &tallies[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &arguments[i]), 0);
    }
    writer_run(&w);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    check(tallies, w.ring.next_seq - 1);
    arena_close(&a);
}

/* Lossless, as a replay is: the writer waits for the slowest reader's progress. */
static uint64_t slowest(const struct tally *tallies)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < READERS; i++) {
        uint64_t at = atomic_load_explicit(&tallies[i].progress, memory_order_acquire);
        least = at < least ? at : least;
    }
    return least;
}

static void paced_reader(const struct arena *a, struct tally *t)
{
    struct ring_reader reader;
    int64_t deadline = now_ns() + DEADLINE_NS;
    t->wrong += ring_attach(&reader, a->ring, a->ring_size, 1) != SHM_OK;
    while (t->wrong == 0 && read_one(&reader, t)) {
        if (t->last_result == SHM_EMPTY || reader.next_seq % 64 == 0)
            atomic_store_explicit(&t->progress, reader.next_seq - 1, memory_order_release);
        if (t->last_result == SHM_EMPTY) {
            sched_yield();
            t->wrong += now_ns() > deadline;
        }
    }
}

static void test_paced_processes_lose_nothing(void **state)
{
    (void)state;
    struct arena a;
    struct writer w;
    struct tally *tallies = shared_new(sizeof *tallies * READERS);
    pid_t pids[READERS];
    int64_t deadline = now_ns() + DEADLINE_NS;
    arena_open(&a);
    writer_init(&w, &a);
    for (int i = 0; i < READERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            if (arena_reopen(&a) != 0)
                _exit(1);
            paced_reader(&a, &tallies[i]);
            _exit(0);
        }
    }
    for (uint64_t seq = 1; seq <= PACED_RECORDS; seq++) {
        while (seq > slowest(tallies) + SLOTS && now_ns() < deadline)
            sched_yield();
        writer_step(&w);
    }
    ring_close(&w.ring);
    wait_for(pids, READERS);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(tallies[i].wrong, 0);
        assert_int_equal(tallies[i].lost, 0);
        assert_int_equal(tallies[i].read, PACED_RECORDS);
        assert_int_equal(tallies[i].last_result, SHM_CLOSED);
    }
    arena_close(&a);
    munmap(tallies, sizeof *tallies * READERS);
}

/* kill -9 in the middle of whatever it did: all that is left is whole, and then nothing comes. */
static void check_left_by_dead_writer(const struct arena *a, struct tally *t)
{
    struct ring_reader reader;
    const struct cell *cell = NULL;
    const struct history *history = NULL;
    assert_int_equal(ring_attach(&reader, a->ring, a->ring_size, 0), SHM_OK);
    assert_int_equal(cell_attach(a->cell, a->cell_size, &cell), SHM_OK);
    assert_int_equal(history_attach(a->history, a->history_size, &history), SHM_OK);
    uint64_t head = ring_head(a->ring), first = reader.next_seq;
    assert_true(head - first + 1 >= SLOTS - 1); /* at most the one being overwritten is gone */
    for (int i = 0; i < 2 * (int)SLOTS; i++)
        assert_true(read_one(&reader, t));
    assert_int_equal(t->last_result, SHM_EMPTY);
    assert_int_equal(t->lost, 0);
    assert_true(reader.next_seq - 1 == head || reader.next_seq - 1 == head + 1);
    read_cell(cell, t);
    read_history(history, UINT64_MAX, t);
    assert_int_equal(t->wrong, 0);
    assert_true(t->cells == 1 && t->bars == 32);
}

static void test_killed_writer_leaves_whole_records(void **state)
{
    (void)state;
    for (int i = 0; i < KILLS; i++) {
        struct arena a;
        struct tally t = {0};
        struct writer w;
        arena_open(&a);
        writer_init(&w, &a);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (int64_t end = now_ns() + DEADLINE_NS; w.ring.next_seq % 1024 != 0 || now_ns() < end;)
                writer_step(&w);
            _exit(0);
        }
        int64_t deadline = now_ns() + DEADLINE_NS;
        while (ring_head(a.ring) < 2 * SLOTS + (uint64_t)i * 37 && now_ns() < deadline)
            sched_yield();
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        check_left_by_dead_writer(&a, &t);
        arena_close(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_paced_processes_lose_nothing),
        cmocka_unit_test(test_killed_writer_leaves_whole_records),
        cmocka_unit_test(test_threads_on_one_mapping), /* last: no fork after threads */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
