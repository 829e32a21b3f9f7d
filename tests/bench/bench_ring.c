/* bench_ring: the market ring against the machine's own limit (a cache line bounced between two
 * cores) and against ZeroMQ PUB/SUB. Prints one JSON object a line; takes about 20 s. */
#include "tests/bench/bench_ring.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "shm/cell.h"
#include "shm/ring.h"
#include "shm/segment.h"

#define ROUNDS 5
#define PINGPONG_TRIPS 400000u
#define HOP_PER_S UINT64_C(100000)
#define HOP_NS INT64_C(300000000)
#define HOP_ZMQ_NS INT64_C(200000000)
#define FAN_ROUNDS 2
#define FAN_NS INT64_C(1000000000)
#define FAN_SLOTS 65536u
#define SLEEP_PER_S UINT64_C(1000)
#define SLEEP_NS INT64_C(1500000000)
#define SLEEP_COALESCED 2u            /* records to a wake: at most one wake every 2 ms */
#define LIVE_PER_S UINT64_C(100000)
#define LIVE_NS INT64_C(2400000000)
#define LIVE_SLOTS 32768u
#define LIVE_TURN_NS INT64_C(200000)  /* the live writer sleeps this long, then publishes what is due */
#define WAKE_EVERY_NS INT64_C(500000) /* ... and wakes who sleeps at most so often */

/* The segments of one phase: a ring, and of each reader a cell and an eventfd. */
struct stage {
    struct bench_shared *shared;
    struct ring_writer writer;
    void *ring;
    size_t ring_size;
    int ring_fd;
    struct cell *cells[BENCH_READERS];
    int events[BENCH_READERS];
    pid_t pids[BENCH_READERS];
    unsigned readers;
};

static void stage_open(struct stage *s, struct bench_shared *shared, uint32_t slots, unsigned readers)
{
    struct error err = {0};
    size_t size = ring_size_bytes(slots);
    *s = (struct stage){.shared = shared, .readers = readers};
    s->ring_fd = segment_create("bench-ring", size, &err);
    if (s->ring_fd < 0 || segment_map_owner(s->ring_fd, size, &s->ring, &s->ring_size, &err) != 0 ||
        segment_seal(s->ring_fd, &err) != 0)
        bench_die(err.text);
    ring_writer_init(&s->writer, s->ring, slots, 1, 1);
    bench_shared_reset(shared);
    for (unsigned i = 0; i < readers; i++) {
        s->cells[i] = cell_init(bench_shared_memory(CELL_SIZE_BYTES), 1);
        s->events[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->events[i] < 0)
            bench_die("eventfd");
    }
}

static void stage_close(struct stage *s)
{
    for (unsigned i = 0; i < s->readers; i++) {
        segment_unmap(s->cells[i], CELL_SIZE_BYTES);
        close(s->events[i]);
    }
    segment_unmap(s->ring, s->ring_size);
    close(s->ring_fd);
}

/* In a reader process: attach through a read-only mapping of its own. */
static void reader_open(const struct stage *s, struct ring_reader *reader)
{
    const void *memory = NULL;
    size_t size = 0;
    if (segment_check_sealed(s->ring_fd, NULL) != 0 || segment_map_reader(s->ring_fd, 1, &memory, &size, NULL) != 0 ||
        ring_attach(reader, memory, size, 1) != SHM_OK)
        _exit(1);
    volatile const unsigned char *bytes = memory; /* map the pages now, not while it is measured */
    for (size_t at = 0; at < size; at += 4096)
        (void)bytes[at];
}

static void record_fill(struct market_record *r, uint64_t seq)
{
    r->kind = MARKET_QUOTE;
    r->u.words[0] = (int64_t)bench_check(seq);
}

static void reader_take(struct bench_reader *r, const struct market_record *record)
{
    r->read++;
    r->wrong += (uint64_t)record->u.words[0] != bench_check(record->seq);
}

/* --- one reader that polls ---------------------------------------------------------------- */

struct line {
    alignas(128) _Atomic uint64_t word;
};

static double pingpong_ns(struct line *line)
{
    atomic_store(&line->word, 0);
    pid_t pid = bench_fork();
    if (pid == 0) {
        bench_pin(1);
        for (uint64_t i = 1; i <= PINGPONG_TRIPS; i++) {
            while (atomic_load_explicit(&line->word, memory_order_acquire) != 2 * i - 1)
                ;
            atomic_store_explicit(&line->word, 2 * i, memory_order_release);
        }
        _exit(0);
    }
    bench_pin(0);
    int64_t start = 0;
    for (uint64_t i = 1; i <= PINGPONG_TRIPS; i++) {
        atomic_store_explicit(&line->word, 2 * i - 1, memory_order_release);
        while (atomic_load_explicit(&line->word, memory_order_acquire) != 2 * i)
            ;
        if (i == PINGPONG_TRIPS / 10) /* warm */
            start = bench_now_ns();
    }
    int64_t took = bench_now_ns() - start;
    bench_join(&pid, 1);
    return (double)took / (0.9 * PINGPONG_TRIPS) / 2;
}

static void hop_reader(const struct stage *s)
{
    struct bench_shared *shared = s->shared;
    struct bench_reader *r = &shared->readers[0];
    struct ring_reader reader;
    struct market_record record;
    uint64_t lost = 0;
    enum shm_result result;
    bench_pin(1);
    reader_open(s, &reader);
    atomic_store(&r->ready, 1);
    while ((result = ring_read(&reader, &record, &lost)) != SHM_CLOSED) {
        if (result == SHM_EMPTY)
            continue;
        uint64_t ticks = bench_ticks();
        if (result != SHM_OK)
            _exit(1);
        reader_take(r, &record);
        if (shared->sample_count < BENCH_SAMPLES_MAX)
            shared->samples_ns[shared->sample_count++] = (uint32_t)bench_ticks_to_ns(ticks - (uint64_t)record.time_ns);
    }
    _exit(0);
}

/* Leaves the samples in shared. time_ns carries the ticks at which the record was handed over. */
static void hop_round(struct bench_shared *shared)
{
    struct stage s;
    struct market_record record = {0};
    const uint64_t count = (uint64_t)HOP_NS * HOP_PER_S / UINT64_C(1000000000);
    stage_open(&s, shared, FAN_SLOTS, 1);
    s.pids[0] = bench_fork();
    if (s.pids[0] == 0)
        hop_reader(&s);
    bench_pin(0);
    bench_wait_ready(shared, 1);
    int64_t start = bench_now_ns();
    for (uint64_t seq = 1; seq <= count; seq++) {
        int64_t due = start + (int64_t)(seq * UINT64_C(1000000000) / HOP_PER_S);
        record_fill(&record, seq);
        while (bench_now_ns() < due)
            ;
        record.time_ns = (int64_t)bench_ticks();
        ring_publish(&s.writer, &record);
    }
    ring_close(&s.writer);
    bench_join(s.pids, 1);
    if (shared->readers[0].wrong || shared->readers[0].read != count)
        bench_die("the ring lost or garbled a record");
    stage_close(&s);
}

/* What reading the counter twice costs: part of every hop measured. */
static double clock_cost_ns(void)
{
    double costs[1001];
    for (unsigned i = 0; i < 1001; i++) {
        uint64_t ticks = bench_ticks();
        costs[i] = bench_ticks_to_ns(bench_ticks() - ticks);
    }
    return bench_median(costs, 1001);
}

struct hop_result {
    double pingpong, clock, p50, p99, ratio, raw_ratio, zmq, zmq_ratio; /* medians of the rounds */
};

/* Ping-pong, ring and ZeroMQ by turns: a virtual machine's cores move, and a line then takes four times
 * as long. The clock's cost is taken off the ratio to ping-pong, which reads no clock on its way. */
static struct hop_result hop_rounds(struct bench_shared *shared)
{
    struct line *line = bench_shared_memory(sizeof *line);
    double pingpong[ROUNDS], p50[ROUNDS], p99[ROUNDS], ratio[ROUNDS], raw[ROUNDS], zmq[ROUNDS], zmq_ratio[ROUNDS];
    struct hop_result result = {.clock = clock_cost_ns()};
    for (unsigned i = 0; i < ROUNDS; i++) {
        pingpong[i] = pingpong_ns(line);
        hop_round(shared);
        p50[i] = bench_quantile_ns(shared, 0.5);
        p99[i] = bench_quantile_ns(shared, 0.99);
        ratio[i] = (p50[i] - result.clock) / pingpong[i];
        raw[i] = p50[i] / pingpong[i];
        bench_unpin();
        zmq[i] = bench_zmq_hop_p50_ns(shared, HOP_ZMQ_NS, HOP_PER_S);
        zmq_ratio[i] = zmq[i] / p50[i];
    }
    result.pingpong = bench_median(pingpong, ROUNDS);
    result.p50 = bench_median(p50, ROUNDS);
    result.p99 = bench_median(p99, ROUNDS);
    result.ratio = bench_median(ratio, ROUNDS);
    result.raw_ratio = bench_median(raw, ROUNDS);
    result.zmq = bench_median(zmq, ROUNDS);
    result.zmq_ratio = bench_median(zmq_ratio, ROUNDS);
    return result;
}

static void bench_hop(struct bench_shared *shared)
{
    struct hop_result r = hop_rounds(shared);
    bench_print("pingpong_ns", r.pingpong, "ns");
    bench_print("ring_clock_cost_ns", r.clock, "ns");
    bench_print("ring_hop_p50_ns", r.p50, "ns");
    bench_print("ring_hop_p99_ns", r.p99, "ns");
    bench_print("ring_hop_to_pingpong", r.ratio, "ratio");
    bench_print("ring_hop_with_clock_to_pingpong", r.raw_ratio, "ratio");
    bench_print("zmq_hop_p50_ns", r.zmq, "ns");
    bench_print("zmq_to_ring_hop", r.zmq_ratio, "ratio");
}

/* --- ten readers, lossless, as fast as possible -------------------------------------------- */

static void fan_reader(const struct stage *s, unsigned index)
{
    struct bench_reader *r = &s->shared->readers[index];
    struct cell *cell = s->cells[index];
    struct ring_reader reader;
    struct market_record record;
    uint64_t lost = 0;
    reader_open(s, &reader);
    int64_t cpu = bench_cpu_ns();
    atomic_store(&r->ready, 1);
    for (;;) {
        enum shm_result result = ring_read(&reader, &record, &lost);
        if (result == SHM_OK) {
            reader_take(r, &record);
            if (record.seq % 256 == 0)
                cell_set_consumed(cell, record.seq);
            continue;
        }
        if (result != SHM_EMPTY)
            break;
        cell_set_consumed(cell, reader.next_seq - 1);
        sched_yield(); /* at once: one that polls the writer's next slot takes each line away from it */
    }
    r->lost = reader.lapped_total;
    r->cpu_ns = (uint64_t)(bench_cpu_ns() - cpu);
    r->end_ns = bench_now_ns();
    _exit(0);
}

static uint64_t slowest(const struct stage *s)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < s->readers; i++) {
        uint64_t at = cell_consumed(s->cells[i]);
        least = at < least ? at : least;
    }
    return least;
}

static struct bench_fan fan_result(const struct stage *s, int64_t start, int64_t cpu)
{
    uint64_t sent = s->writer.next_seq - 1, cpu_all = (uint64_t)cpu;
    struct bench_fan fan = {0};
    int64_t end = start;
    for (unsigned i = 0; i < s->readers; i++) {
        const struct bench_reader *r = &s->shared->readers[i];
        if (r->wrong || r->read + r->lost != sent)
            bench_die("the ring lost or garbled a record");
        cpu_all += r->cpu_ns;
        fan.lost += r->lost;
        end = r->end_ns > end ? r->end_ns : end;
    }
    fan.per_reader_per_s = (double)sent / ((double)(end - start) / 1e9);
    fan.cpu_ns_per_delivery = (double)cpu_all / ((double)sent * s->readers);
    return fan;
}

static struct bench_fan ring_fanout(struct bench_shared *shared)
{
    struct stage s;
    struct market_record record = {0};
    stage_open(&s, shared, FAN_SLOTS, BENCH_READERS);
    for (unsigned i = 0; i < BENCH_READERS; i++)
        if ((s.pids[i] = bench_fork()) == 0)
            fan_reader(&s, i);
    bench_wait_ready(shared, BENCH_READERS);
    int64_t cpu = bench_cpu_ns(), start = bench_now_ns();
    uint64_t limit = FAN_SLOTS; /* the last record that overwrites nothing unread */
    for (uint64_t seq = 1;; seq++) {
        if (seq % 4096 == 0 && bench_now_ns() - start > FAN_NS)
            break;
        while (seq > limit) {
            limit = slowest(&s) + FAN_SLOTS;
            if (seq > limit)
                sched_yield();
        }
        record_fill(&record, seq);
        ring_publish(&s.writer, &record);
    }
    ring_close(&s.writer);
    cpu = bench_cpu_ns() - cpu;
    bench_join(s.pids, BENCH_READERS);
    struct bench_fan fan = fan_result(&s, start, cpu);
    if (fan.lost)
        bench_die("a paced ring lost a record");
    stage_close(&s);
    return fan;
}

static void bench_fanout(struct bench_shared *shared)
{
    double ring[FAN_ROUNDS], zmq[FAN_ROUNDS];
    for (unsigned i = 0; i < FAN_ROUNDS; i++) {
        ring[i] = ring_fanout(shared).per_reader_per_s;
        zmq[i] = bench_zmq_fanout(shared, FAN_NS).per_reader_per_s;
    }
    double ring_rate = bench_median(ring, FAN_ROUNDS), zmq_rate = bench_median(zmq, FAN_ROUNDS);
    bench_print("ring_fanout_per_reader", ring_rate, "records/s");
    bench_print("zmq_fanout_per_reader", zmq_rate, "records/s");
    bench_print("ring_to_zmq_fanout", ring_rate / zmq_rate, "ratio");
}

/* --- readers that sleep ----------------------------------------------------------------------- */

/* Mark, look once more, wait. Edge-triggered: the eventfd need not be read. */
static enum shm_result sleeper_wait(struct cell *cell, struct ring_reader *reader, int epoll, struct market_record *out,
                                    uint64_t *lost)
{
    struct epoll_event event;
    cell_set_consumed(cell, reader->next_seq - 1);
    cell_set_sleeping(cell, 1);
    enum shm_result result = ring_read(reader, out, lost);
    if (result == SHM_EMPTY && epoll_wait(epoll, &event, 1, (int)(BENCH_PHASE_LIMIT_NS / 1000000)) != 1 &&
        errno != EINTR) /* EINTR: stopped and continued */
        _exit(1);
    cell_set_sleeping(cell, 0);
    return result;
}

static void sleeper(const struct stage *s, unsigned index)
{
    struct bench_reader *r = &s->shared->readers[index];
    struct ring_reader reader;
    struct market_record record;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    uint64_t lost = 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, s->events[index], &event) != 0)
        _exit(1);
    reader_open(s, &reader);
    int64_t cpu = bench_cpu_ns();
    atomic_store(&r->ready, 1);
    enum shm_result result;
    do {
        result = ring_read(&reader, &record, &lost);
        if (result == SHM_EMPTY)
            result = sleeper_wait(s->cells[index], &reader, epoll, &record, &lost);
        if (result == SHM_OK)
            reader_take(r, &record);
    } while (result != SHM_CLOSED && result != SHM_CORRUPT);
    r->lost = reader.lapped_total;
    r->wrong += result != SHM_CLOSED;
    r->cpu_ns = (uint64_t)(bench_cpu_ns() - cpu);
    r->end_ns = bench_now_ns();
    _exit(0);
}

static void sleepers_open(struct stage *s, struct bench_shared *shared, uint32_t slots)
{
    stage_open(s, shared, slots, BENCH_READERS);
    for (unsigned i = 0; i < BENCH_READERS; i++)
        if ((s->pids[i] = bench_fork()) == 0)
            sleeper(s, i);
    bench_wait_ready(shared, BENCH_READERS);
}

static void wake_sleepers(const struct stage *s)
{
    static const uint64_t one = 1;
    for (unsigned i = 0; i < s->readers; i++)
        if (cell_sleeping(s->cells[i]) && write(s->events[i], &one, sizeof one) != sizeof one)
            bench_die("eventfd write");
}

static struct bench_fan ring_sleepers(struct bench_shared *shared, unsigned records_per_wake)
{
    struct stage s;
    struct market_record record = {0};
    const uint64_t count = (uint64_t)SLEEP_NS * SLEEP_PER_S / UINT64_C(1000000000);
    sleepers_open(&s, shared, RING_SLOTS_MIN);
    int64_t cpu = bench_cpu_ns(), start = bench_now_ns();
    for (uint64_t seq = 1; seq <= count; seq++) {
        bench_sleep_until(start + (int64_t)(seq * UINT64_C(1000000000) / SLEEP_PER_S));
        record_fill(&record, seq);
        ring_publish(&s.writer, &record);
        if (seq % records_per_wake == 0)
            wake_sleepers(&s);
    }
    cpu = bench_cpu_ns() - cpu;
    ring_close(&s.writer);
    wake_sleepers(&s);
    bench_join(s.pids, BENCH_READERS);
    struct bench_fan fan = fan_result(&s, start, cpu);
    stage_close(&s);
    return fan;
}

static void bench_sleepers(struct bench_shared *shared)
{
    struct bench_fan each = ring_sleepers(shared, 1);
    struct bench_fan coalesced = ring_sleepers(shared, SLEEP_COALESCED);
    struct bench_fan zmq = bench_zmq_sleepers(shared, SLEEP_NS, SLEEP_PER_S);
    bench_print("ring_sleepers_cpu_per_delivery_ns", each.cpu_ns_per_delivery, "ns");
    bench_print("ring_sleepers_coalesced_cpu_per_delivery_ns", coalesced.cpu_ns_per_delivery, "ns");
    bench_print("zmq_sleepers_cpu_per_delivery_ns", zmq.cpu_ns_per_delivery, "ns");
    bench_print("ring_to_zmq_sleepers_cpu", each.cpu_ns_per_delivery / zmq.cpu_ns_per_delivery, "ratio");
    bench_print("ring_to_zmq_sleepers_coalesced_cpu", coalesced.cpu_ns_per_delivery / zmq.cpu_ns_per_delivery,
                "ratio");
    bench_print("ring_sleepers_lost", (double)(each.lost + coalesced.lost), "records");
}

/* --- live: the market waits for nobody --------------------------------------------------------- */

enum { KILLED, STOPPED, SURVIVORS }; /* readers by index */

struct live_times {
    uint64_t publish_ticks, wake_ticks; /* the longest */
};

static void live_turn(struct stage *s, uint64_t due, struct live_times *longest)
{
    struct market_record record = {0};
    while (s->writer.next_seq <= due) {
        record_fill(&record, s->writer.next_seq);
        uint64_t ticks = bench_ticks();
        ring_publish(&s->writer, &record);
        ticks = bench_ticks() - ticks;
        longest->publish_ticks = ticks > longest->publish_ticks ? ticks : longest->publish_ticks;
    }
}

static void live_wake(const struct stage *s, struct live_times *longest)
{
    uint64_t ticks = bench_ticks();
    wake_sleepers(s);
    ticks = bench_ticks() - ticks;
    longest->wake_ticks = ticks > longest->wake_ticks ? ticks : longest->wake_ticks;
}

static void live_run(struct stage *s, struct live_times *longest)
{
    int64_t start = bench_now_ns(), woken = start;
    bool killed = false, stopped = false;
    for (int64_t now = start; now - start < LIVE_NS; now = bench_now_ns()) {
        if (!killed && now - start > LIVE_NS / 3)
            killed = kill(s->pids[KILLED], SIGKILL) == 0;
        if (!stopped && now - start > LIVE_NS / 2)
            stopped = kill(s->pids[STOPPED], SIGSTOP) == 0;
        live_turn(s, (uint64_t)(now - start) / (UINT64_C(1000000000) / LIVE_PER_S), longest);
        if (now - woken >= WAKE_EVERY_NS) {
            live_wake(s, longest);
            woken = now;
        }
        bench_sleep_until(now + LIVE_TURN_NS);
    }
    ring_close(&s->writer);
    live_wake(s, longest);
    kill(s->pids[STOPPED], SIGCONT);
    if (!killed || !stopped)
        bench_die("could not disturb the readers");
}

static void bench_live(struct bench_shared *shared)
{
    struct stage s;
    struct live_times longest = {0};
    sleepers_open(&s, shared, LIVE_SLOTS);
    live_run(&s, &longest);
    int status = 0;
    if (waitpid(s.pids[KILLED], &status, 0) != s.pids[KILLED] || !WIFSIGNALED(status))
        bench_die("the killed reader lives");
    bench_join(&s.pids[STOPPED], BENCH_READERS - STOPPED);
    uint64_t sent = s.writer.next_seq - 1, lost = 0;
    for (unsigned i = STOPPED; i < BENCH_READERS; i++) {
        const struct bench_reader *r = &shared->readers[i];
        if (r->wrong || r->read + r->lost != sent)
            bench_die("the ring garbled or miscounted a record");
        lost += i >= SURVIVORS ? r->lost : 0;
    }
    bench_print("live_rate", (double)sent / ((double)LIVE_NS / 1e9), "records/s");
    bench_print("live_longest_publish_ns", bench_ticks_to_ns(longest.publish_ticks), "ns");
    bench_print("live_longest_wake_ns", bench_ticks_to_ns(longest.wake_ticks), "ns");
    bench_print("live_survivors_lost", (double)lost, "records");
    bench_print("live_stopped_lost", (double)shared->readers[STOPPED].lost, "records");
    stage_close(&s);
}

int main(void)
{
    struct bench_shared *shared = bench_shared_memory(sizeof *shared);
    prctl(PR_SET_TIMERSLACK, 1);
    bench_calibrate();
    bench_hop(shared);
    bench_fanout(shared);
    bench_sleepers(shared);
    bench_live(shared);
    return 0;
}
