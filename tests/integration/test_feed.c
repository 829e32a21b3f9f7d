/* The real propfleet-feed, driven by a test that plays supervisor and readers. */
#include "workers/feed/feed.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/control.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/vocabulary.h"
#include "config/config.h"
#include "shm/baseline.h"
#include "shm/cell.h"
#include "shm/history.h"
#include "shm/layout.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "tests/unit/feed_support.h"
#include "workers/feed/merge.h"

#define DEADLINE_NS (20 * SUPPORT_S)
#define READERS 3
#define RECORDS_MAX 200000u

/* What the sequence must be: computed here, in this process. */
static struct feed_item expected[RECORDS_MAX];
static uint64_t expected_count;
static bool expected_live;

struct reader {
    struct cell *cell;
    void *memory;
    int cell_fd, wake_fd;
    uint64_t generation;
    struct ring_reader ring;
};

struct stage {
    struct fleet_config *config;
    pid_t pid;
    int control, ring_fd, history_fd, cell_fd;
    uint64_t generation;
    const void *ring, *history_memory;
    size_t ring_size, history_size;
    const struct history *history;
    const struct cell *feed_cell;
    const void *feed_cell_memory;
    struct reader readers[READERS];
};

static void compute_expected(const struct fleet_config *config)
{
    struct error err = {0};
    struct merge *merge = merge_open(config, NULL, &err);
    if (!merge)
        fail_msg("%s", err.text);
    expected_count = 0;
    expected_live = config->feed.live;
    while (merge_next(merge, &expected[expected_count], &err) == 1) {
        expected[expected_count].record.seq = expected_count + 1;
        assert_true(++expected_count < RECORDS_MAX);
    }
    merge_close(&merge);
}

/* --- the supervisor's part ------------------------------------------------------------------------------- */

static const char *program(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    assert_true(n > 0);
    path[n] = 0;
    for (int i = 0; i < 2; i++)
        *strrchr(path, '/') = 0;
    strcat(path, "/libexec/propfleet/propfleet-feed");
    return path;
}

static int segment(const char *name, size_t size)
{
    struct error err = {0};
    int fd = segment_create(name, size, &err);
    if (fd < 0)
        fail_msg("%s", err.text);
    return fd;
}

static void exec_feed(const int fds[5], uint64_t generation)
{
    char text[24];
    int high[5];
    snprintf(text, sizeof text, "%" PRIu64, generation);
    for (int i = 0; i < 5; i++) /* out of the way of the fixed numbers */
        high[i] = fcntl(fds[i], F_DUPFD, 64);
    for (int i = 0; i < 5; i++)
        dup2(high[i], CONTROL_FD + i);
    close_range(CHILD_FD_LIMIT - 1, ~0U, 0);
    execl(program(), "feed", "--generation", text, (char *)NULL);
    _exit(127);
}

static void spawn(struct stage *s, uint64_t generation)
{
    struct error err = {0};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    config_stamp(s->config);
    int config_fd = config_seal(s->config, &err);
    if (config_fd < 0)
        fail_msg("%s", err.text);
    s->generation = generation;
    s->control = pair[0];
    s->ring_fd = segment("ring", ring_size_bytes(s->config->feed.ring_slots));
    s->history_fd = segment("history", history_size_bytes(s->config->instrument_count, s->config->feed.history_bars));
    s->cell_fd = segment("feed-cell", CELL_SIZE_BYTES);
    const int fds[5] = {pair[1], config_fd, s->cell_fd, s->ring_fd, s->history_fd};
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0)
        exec_feed(fds, generation);
    close(pair[1]);
    close(config_fd);
}

/* The next message other than what is passed over; fails after the deadline. False: the feed closed. */
static bool receive(struct stage *s, struct control_message *message)
{
    int64_t end_ns = support_now_ns() + DEADLINE_NS;
    for (;;) {
        int result = control_receive(s->control, message);
        if (result == 1)
            return true;
        if (result == 0)
            return false;
        struct pollfd fd = {.fd = s->control, .events = POLLIN};
        if (support_now_ns() > end_ns || poll(&fd, 1, 1000) < 0)
            fail_msg("the feed says nothing");
    }
}

static void expect(struct stage *s, uint32_t type, uint64_t argument)
{
    struct control_message message;
    if (!receive(s, &message))
        fail_msg("the feed left, message %u was expected", type);
    if (message.type == CONTROL_FATAL)
        fail_msg("FATAL: %.*s", (int)message.payload_size, (const char *)message.payload);
    assert_int_equal(message.type, type);
    assert_int_equal(message.argument, argument);
    assert_int_equal(message.generation, s->generation);
}

static void say(struct stage *s, uint32_t type, uint64_t argument)
{
    assert_int_equal(control_send_plain(s->control, type, s->generation, argument, 0), 0);
}

static void new_cell(struct reader *r, uint64_t generation, uint64_t claim)
{
    size_t size;
    r->generation = generation;
    r->cell_fd = segment("cell", CELL_SIZE_BYTES);
    assert_int_equal(segment_map_owner(r->cell_fd, CELL_SIZE_BYTES, &r->memory, &size, NULL), 0);
    r->cell = cell_init(r->memory, generation);
    cell_set_durable(r->cell, claim);
    assert_int_equal(segment_seal(r->cell_fd, NULL), 0);
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(r->wake_fd >= 0);
}

static void drop_cell(struct reader *r)
{
    if (!r->cell)
        return;
    segment_unmap(r->memory, CELL_SIZE_BYTES);
    close(r->cell_fd);
    close(r->wake_fd);
    r->cell = NULL;
}

static void announce(struct stage *s, uint32_t account, bool wanted, bool alive)
{
    struct reader *r = &s->readers[account];
    struct control_peer peer = {.kind = PROCESS_ACCOUNT, .account = account, .generation = r->generation,
                                .wanted = wanted, .alive = alive};
    struct control_message message = {.type = CONTROL_PEER, .generation = s->generation, .payload_size = sizeof peer};
    memcpy(message.payload, &peer, sizeof peer);
    if (alive) {
        message.fd_count = 2;
        message.fds[0] = r->cell_fd;
        message.fds[1] = r->wake_fd;
    }
    assert_int_equal(control_send(s->control, &message), 0);
}

static void seal_segments(struct stage *s)
{
    assert_int_equal(segment_seal(s->ring_fd, NULL), 0);
    assert_int_equal(segment_seal(s->history_fd, NULL), 0);
    assert_int_equal(segment_map_reader(s->ring_fd, 1, &s->ring, &s->ring_size, NULL), 0);
    assert_int_equal(segment_map_reader(s->history_fd, 1, &s->history_memory, &s->history_size, NULL), 0);
    assert_int_equal(history_attach(s->history_memory, s->history_size, &s->history), SHM_OK);
    for (unsigned i = 0; i < READERS; i++)
        if (s->readers[i].cell) {
            uint64_t claim = cell_durable(s->readers[i].cell);
            uint64_t from = claim >= CELL_DURABLE_JOIN ? 0 : claim + 1;
            assert_int_equal(ring_attach(&s->readers[i].ring, s->ring, s->ring_size, from), SHM_OK);
        }
}

/* From nothing to the moment at which the ring may be read, `claims` of the readers given. */
static void start(struct stage *s, uint64_t generation, const uint64_t *claims, unsigned count)
{
    size_t size;
    spawn(s, generation);
    expect(s, CONTROL_MAPPED, 0);
    assert_int_equal(segment_map_reader(s->cell_fd, 1, &s->feed_cell_memory, &size, NULL), 0);
    assert_int_equal(cell_attach(s->feed_cell_memory, size, &s->feed_cell), SHM_OK);
    for (unsigned i = 0; i < count; i++) {
        drop_cell(&s->readers[i]);
        new_cell(&s->readers[i], 100 * generation + i, claims[i]);
        announce(s, i, true, true);
    }
    say(s, CONTROL_GO, 0);
    expect(s, CONTROL_MAPPED, 1);
    seal_segments(s);
}

static int end_process(struct stage *s)
{
    int status = 0;
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    s->pid = 0;
    if (s->ring) {
        segment_unmap(s->ring, s->ring_size);
        segment_unmap(s->history_memory, s->history_size);
        s->ring = NULL;
    }
    if (s->feed_cell) {
        segment_unmap(s->feed_cell_memory, CELL_SIZE_BYTES);
        s->feed_cell = NULL;
    }
    close(s->control);
    close(s->ring_fd);
    close(s->history_fd);
    close(s->cell_fd);
    return status;
}

static void stop(struct stage *s)
{
    say(s, CONTROL_STOP, 0);
    struct control_message message;
    while (receive(s, &message))
        ; /* until it closes */
    int status = end_process(s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int kill_feed(struct stage *s)
{
    kill(s->pid, SIGKILL);
    return end_process(s);
}

/* --- the readers' part ---------------------------------------------------------------------------------------- */

static void check_record(const struct market_record *r)
{
    assert_true(r->seq >= 1 && r->seq <= expected_count);
    struct market_record want = expected[r->seq - 1].record;
    if (r->kind == MARKET_END && expected_live) { /* a live END says when it was published; a replay's nothing */
        int64_t since_ns = support_now_ns() - r->u.end.published_ns;
        assert_true(since_ns >= 0 && since_ns < DEADLINE_NS);
        want.u.end.published_ns = r->u.end.published_ns;
    }
    assert_memory_equal(r, &want, sizeof *r);
}

/* Read what is there, claim it when `claim`. Returns true when the ring is closed and all of it was read. */
static bool drain(struct reader *r, bool claim)
{
    struct market_record record;
    uint64_t lost = 0;
    enum shm_result result;
    while ((result = ring_read(&r->ring, &record, &lost)) == SHM_OK) {
        check_record(&record);
        cell_set_consumed(r->cell, record.seq);
        if (claim)
            cell_set_durable(r->cell, record.seq);
    }
    if (result == SHM_LAPPED)
        fail_msg("lapped by %" PRIu64, lost);
    assert_true(result == SHM_EMPTY || result == SHM_CLOSED);
    return result == SHM_CLOSED;
}

/* Read with the first `count` readers until record `seq` (or, 0, the end) was read by each. */
static void read_until(struct stage *s, unsigned count, uint64_t seq)
{
    int64_t end_ns = support_now_ns() + DEADLINE_NS;
    for (bool done = false; !done;) {
        done = true;
        for (unsigned i = 0; i < count; i++) {
            bool closed = drain(&s->readers[i], true);
            done &= seq ? s->readers[i].ring.next_seq > seq : closed;
        }
        if (support_now_ns() > end_ns)
            fail_msg("record %" PRIu64 " never came, reader 0 stands at %" PRIu64, seq, s->readers[0].ring.next_seq);
        usleep(200);
    }
}

/* The head when it has not moved for a while. */
static uint64_t settled_head(struct stage *s)
{
    uint64_t head = ring_head(s->ring);
    for (int still = 0; still < 20; still++) { /* 20 looks without a change, each a heartbeat apart */
        int64_t beat = cell_heartbeat(s->feed_cell), end_ns = support_now_ns() + DEADLINE_NS;
        while (cell_heartbeat(s->feed_cell) == beat && support_now_ns() < end_ns)
            usleep(100);
        if (ring_head(s->ring) != head)
            still = 0;
        head = ring_head(s->ring);
    }
    return head;
}

/* The history up to `seq` is exactly the expected sequence's newest bars. */
static void check_history(const struct stage *s, uint64_t seq)
{
    static struct history_bar bars[512];
    static const struct feed_item *want[RECORDS_MAX];
    for (uint32_t i = 0; i < s->config->instrument_count; i++)
        for (unsigned tf = 0; tf < TIMEFRAME_COUNT; tf++) {
            uint32_t count = 0, total = 0;
            for (uint64_t n = 0; n < seq; n++)
                if (expected[n].record.kind == MARKET_BAR && expected[n].record.instrument == i &&
                    expected[n].record.timeframe == tf)
                    want[total++] = &expected[n];
            enum shm_result result = history_read(s->history, i, (enum market_timeframe)tf, seq, 100, bars, &count);
            assert_int_equal(result, total ? SHM_OK : SHM_EMPTY);
            assert_int_equal(count, total < 100 ? total : 100);
            for (uint32_t k = 0; k < count; k++) {
                const struct feed_item *item = want[total - count + k];
                assert_int_equal(bars[k].seq, item->record.seq);
                assert_int_equal(bars[k].open_ns, item->open_ns);
                assert_int_equal(bars[k].close_ns, item->record.time_ns);
                assert_int_equal(bars[k].close, item->record.u.bar.close);
                assert_int_equal(bars[k].volume, item->record.u.bar.volume);
                assert_int_equal(bars[k].spread_ticks, item->record.spread_ticks);
                assert_int_equal(bars[k].flags, item->record.flags);
            }
        }
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static struct stage stage;

static void use_state(unsigned number)
{
    char name[24];
    snprintf(name, sizeof name, "state-%u", number);
    snprintf(stage.config->state_dir, sizeof stage.config->state_dir, "%s", support_path(name));
}

static int setup(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof stage);
    static unsigned count;
    stage.config = support_config(2);
    use_state(++count); /* a fresh one */
    support_bars(stage.config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 4000, 1);
    support_bars(stage.config, 1, "b.csv", SUPPORT_MONDAY_S + 600, 60, 3900, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (stage.pid > 0)
        (void)kill_feed(&stage);
    for (unsigned i = 0; i < READERS; i++)
        drop_cell(&stage.readers[i]);
    return 0;
}

static const uint64_t join_all[READERS] = {CELL_DURABLE_JOIN, CELL_DURABLE_JOIN, CELL_DURABLE_JOIN};

/* Two new accounts: both join at the beginning. */
static void start_fresh(void)
{
    start(&stage, 1, join_all, 2);
    assert_int_equal(ring_first_seq(stage.ring), 1);
    assert_int_equal(ring_head(stage.ring), 0);
    for (unsigned i = 0; i < 2; i++)
        cell_set_durable(stage.readers[i].cell, 0);
    expect(&stage, CONTROL_READY, 0);
}

static void replay_plays_everything_in_order(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    read_until(&stage, 2, 0);
    assert_int_equal(stage.readers[0].ring.next_seq, expected_count + 1);
    assert_true(expected[expected_count - 1].record.flags & MARKET_LAST_OF_SOURCE);
    expect(&stage, CONTROL_DONE, 0);
    check_history(&stage, expected_count);
    struct cell_payload status;
    assert_int_equal(cell_read(stage.feed_cell, &status), SHM_OK);
    assert_int_equal(status.head_seq, expected_count);
    assert_int_equal(status.rows_read, 7900);
    assert_int_equal(status.rows_bad, 0);
    stop(&stage);
}

static void nothing_is_published_before_each_claim_is_a_number(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start(&stage, 1, join_all, 2);
    cell_set_durable(stage.readers[0].cell, 0);
    assert_int_equal(settled_head(&stage), 0);
    cell_set_durable(stage.readers[1].cell, 0);
    expect(&stage, CONTROL_READY, 0);
    read_until(&stage, 2, 100);
    stop(&stage);
}

static void slowest_claim_paces_a_replay(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    const uint64_t room = stage.config->feed.ring_slots - FEED_RING_MARGIN;
    read_until(&stage, 1, room);
    assert_int_equal(settled_head(&stage), room);
    (void)drain(&stage.readers[1], false); /* read is not durable */
    assert_int_equal(settled_head(&stage), room);
    cell_set_durable(stage.readers[1].cell, 300);
    read_until(&stage, 1, room + 300);
    assert_int_equal(settled_head(&stage), room + 300);
    read_until(&stage, 2, 0);
    stop(&stage);
}

static void restarting_reader_holds_and_failed_one_does_not(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    const uint64_t room = stage.config->feed.ring_slots - FEED_RING_MARGIN;
    struct reader *other = &stage.readers[1];
    cell_set_durable(other->cell, 50);
    read_until(&stage, 1, room + 50);
    announce(&stage, 1, true, false); /* died, will be restarted */
    assert_int_equal(settled_head(&stage), room + 50);

    drop_cell(other);
    new_cell(other, 900, CELL_DURABLE_NONE);
    announce(&stage, 1, true, true);
    assert_int_equal(settled_head(&stage), room + 50);
    cell_set_durable(other->cell, CELL_DURABLE_JOIN); /* no number: the pin stays */
    assert_int_equal(settled_head(&stage), room + 50);
    cell_set_durable(other->cell, 80);
    read_until(&stage, 1, room + 80);
    assert_int_equal(settled_head(&stage), room + 80);

    announce(&stage, 1, false, false); /* FAILED */
    read_until(&stage, 1, 0);
    expect(&stage, CONTROL_DONE, 0);
    stop(&stage);
}

static void what_a_replaced_process_says_is_ignored(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    const uint64_t room = stage.config->feed.ring_slots - FEED_RING_MARGIN;
    stage.readers[1].generation--; /* an older one */
    announce(&stage, 1, false, false);
    stage.readers[1].generation++;
    read_until(&stage, 1, room);
    assert_int_equal(settled_head(&stage), room);
    stop(&stage);
}

static void late_joiner_holds_nothing_until_it_claims(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    read_until(&stage, 2, 1500);
    new_cell(&stage.readers[2], 500, CELL_DURABLE_JOIN);
    announce(&stage, 2, true, true);
    read_until(&stage, 2, 4000);
    uint64_t claim = ring_head(stage.ring);
    assert_int_equal(ring_attach(&stage.readers[2].ring, stage.ring, stage.ring_size, claim + 1), SHM_OK);
    cell_set_durable(stage.readers[2].cell, claim);
    const uint64_t room = stage.config->feed.ring_slots - FEED_RING_MARGIN;
    read_until(&stage, 2, claim + room - 300);
    uint64_t head = settled_head(&stage);
    assert_true(head <= claim + room);
    read_until(&stage, 3, 0);
    stop(&stage);
}

/* The feed dies in the middle; the next one goes on behind the slowest claim, without a hole or a duplicate. */
static void killed_feed_goes_on_exactly(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    uint64_t claims[2] = {0, 0};
    for (uint64_t generation = 2; generation < 8; generation++) {
        read_until(&stage, 2, claims[0] + 700 + 13 * generation);
        uint64_t heads[2] = {stage.readers[0].ring.next_seq - 1, stage.readers[1].ring.next_seq - 1};
        assert_true(WIFSIGNALED(kill_feed(&stage)));
        claims[0] = heads[0] - 70 * (generation % 3);
        claims[1] = heads[1] - 31 * (generation % 4);
        start(&stage, generation, claims, 2);
        uint64_t least = claims[0] < claims[1] ? claims[0] : claims[1];
        assert_int_equal(ring_first_seq(stage.ring), least + 1);
        check_history(&stage, least);
        expect(&stage, CONTROL_READY, 0);
    }
    read_until(&stage, 2, 0);
    assert_int_equal(stage.readers[0].ring.next_seq, expected_count + 1);
    check_history(&stage, expected_count);
    expect(&stage, CONTROL_DONE, 0);

    /* Dead after its end: everything was read, nothing is left. */
    assert_true(WIFSIGNALED(kill_feed(&stage)));
    claims[0] = claims[1] = expected_count;
    start(&stage, 9, claims, 2);
    expect(&stage, CONTROL_READY, 0);
    expect(&stage, CONTROL_DONE, 0);
    read_until(&stage, 2, 0);
    check_history(&stage, expected_count);
    stop(&stage);
}

static void one_joins_while_another_resumes(void **state)
{
    (void)state;
    compute_expected(stage.config);
    const uint64_t claims[2] = {777, CELL_DURABLE_JOIN};
    start(&stage, 3, claims, 2);
    assert_int_equal(ring_first_seq(stage.ring), 778);
    cell_set_durable(stage.readers[1].cell, 777);
    expect(&stage, CONTROL_READY, 0);
    read_until(&stage, 2, 0);
    stop(&stage);
}

static void sleeping_reader_is_woken(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    struct reader *r = &stage.readers[0];
    int64_t end_ns = support_now_ns() + DEADLINE_NS;
    for (bool closed = false; !closed;) {
        (void)drain(&stage.readers[1], true);
        closed = drain(r, true);
        cell_set_sleeping(r->cell, 1);
        if (ring_head(stage.ring) < r->ring.next_seq && !closed) {
            struct pollfd fd = {.fd = r->wake_fd, .events = POLLIN};
            int ready = poll(&fd, 1, 2); /* reader 1 must be served too: it may hold the feed */
            uint64_t count;
            if (ready == 1)
                assert_int_equal(read(r->wake_fd, &count, sizeof count), 8);
        }
        cell_set_sleeping(r->cell, 0);
        assert_true(support_now_ns() < end_ns);
    }
    stop(&stage);
}

/* A reader that sleeps alone with nobody else to move the feed is woken at the next instant, and at the end. */
static void sleeper_needs_no_help(void **state)
{
    (void)state;
    stage.config->feed.speed = 2400; /* an instant every 25 ms */
    support_bars(stage.config, 0, "few.csv", SUPPORT_MONDAY_S, 60, 20, 1);
    support_bars(stage.config, 1, "few2.csv", SUPPORT_MONDAY_S, 60, 20, 1);
    compute_expected(stage.config);
    start(&stage, 1, join_all, 1);
    struct reader *r = &stage.readers[0];
    cell_set_durable(r->cell, 0);
    for (int turns = 0; !drain(r, true); turns++) {
        assert_true(turns < 1000);
        cell_set_sleeping(r->cell, 1);
        struct pollfd fd = {.fd = r->wake_fd, .events = POLLIN};
        if (ring_head(stage.ring) < r->ring.next_seq && r->ring.next_seq <= expected_count) {
            uint64_t count;
            assert_int_equal(poll(&fd, 1, 10000), 1);
            assert_int_equal(read(r->wake_fd, &count, sizeof count), 8);
        }
        cell_set_sleeping(r->cell, 0);
    }
    assert_int_equal(r->ring.next_seq, expected_count + 1);
    stop(&stage);
}

static void speed_sets_the_wall_time(void **state)
{
    (void)state;
    stage.config->feed.speed = 1200; /* a minute in 50 ms */
    support_bars(stage.config, 0, "few.csv", SUPPORT_MONDAY_S, 60, 11, 1);
    support_bars(stage.config, 1, "far.csv", SUPPORT_MONDAY_S + 86400, 60, 2, 1); /* a day later: 250 ms, no more */
    compute_expected(stage.config);
    start(&stage, 1, join_all, 1);
    cell_set_durable(stage.readers[0].cell, 0);
    expect(&stage, CONTROL_READY, 0);
    int64_t from_ns = support_now_ns();
    read_until(&stage, 1, 0);
    int64_t took_ns = support_now_ns() - from_ns;
    /* 10 distances of 50 ms, 250 ms capped at each higher bar that closes alone and at the day, one of 50 ms. */
    assert_true(took_ns > 800 * (SUPPORT_S / 1000));
    assert_true(took_ns < 6 * SUPPORT_S);
    stop(&stage);
}

static void live_waits_for_nobody(void **state)
{
    (void)state;
    stage.config->feed.live = true;
    compute_expected(stage.config);
    start(&stage, 1, join_all, 2);
    expect(&stage, CONTROL_READY, 0);
    expect(&stage, CONTROL_DONE, 0); /* nobody has read anything */
    struct market_record record;
    uint64_t lost = 0;
    struct reader *r = &stage.readers[0];
    assert_int_equal(ring_attach(&r->ring, stage.ring, stage.ring_size, 1), SHM_OK);
    assert_int_equal(ring_read(&r->ring, &record, &lost), SHM_LAPPED);
    assert_true(lost >= expected_count - stage.config->feed.ring_slots);
    assert_int_equal(ring_read(&r->ring, &record, &lost), SHM_OK);
    check_record(&record);
    assert_true(drain(r, false));
    stop(&stage);
}

static void live_restart_goes_on_behind_the_fastest(void **state)
{
    (void)state;
    stage.config->feed.live = true;
    stage.config->feed.speed = 60; /* a record or two a second: the history stays what it is while it is looked at */
    compute_expected(stage.config);
    spawn(&stage, 2);
    expect(&stage, CONTROL_MAPPED, 0);
    for (unsigned i = 0; i < 2; i++) {
        new_cell(&stage.readers[i], 10 + i, 1000);
        cell_set_consumed(stage.readers[i].cell, 2000 + 100 * i);
        announce(&stage, i, true, true);
    }
    say(&stage, CONTROL_GO, 0);
    expect(&stage, CONTROL_MAPPED, 1);
    seal_segments(&stage);
    assert_int_equal(ring_first_seq(stage.ring), 2101);
    check_history(&stage, 2100);
    stop(&stage);
}

static void answers_while_it_waits_and_leaves_with_its_supervisor(void **state)
{
    (void)state;
    spawn(&stage, 1);
    expect(&stage, CONTROL_MAPPED, 0);
    say(&stage, CONTROL_PING, 7); /* before GO */
    expect(&stage, CONTROL_PONG, 7);
    say(&stage, CONTROL_GO, 0); /* no account at all: nobody to wait for */
    expect(&stage, CONTROL_MAPPED, 1);
    expect(&stage, CONTROL_READY, 0);
    expect(&stage, CONTROL_DONE, 0);
    say(&stage, CONTROL_PING, 8);
    expect(&stage, CONTROL_PONG, 8);
    shutdown(stage.control, SHUT_RDWR);
    assert_true(WIFEXITED(end_process(&stage)));
}

static void answers_while_it_runs_forward(void **state)
{
    (void)state;
    struct fleet_config *c = support_simulator(3, 3000); /* seconds of work */
    c->feed.ring_slots = 1024;
    stage.config = c;
    spawn(&stage, 1);
    expect(&stage, CONTROL_MAPPED, 0);
    new_cell(&stage.readers[0], 1, 20000000);
    announce(&stage, 0, true, true);
    say(&stage, CONTROL_GO, 0);
    say(&stage, CONTROL_PING, 1);
    expect(&stage, CONTROL_PONG, 1);
    stop(&stage);
}

/* Who sleeps with nothing to read is left alone: the feed that waits at its limit does not write again and again. */
static void idle_sleeper_is_not_woken_again(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    struct reader *r = &stage.readers[0];
    const uint64_t room = stage.config->feed.ring_slots - FEED_RING_MARGIN;
    read_until(&stage, 1, room); /* reader 1 holds the feed */
    cell_set_sleeping(r->cell, 1);
    assert_int_equal(settled_head(&stage), room);
    uint64_t count = 0;
    if (read(r->wake_fd, &count, sizeof count) != 8)
        count = 0;
    assert_true(count <= 2);
    cell_set_durable(stage.readers[1].cell, 10);
    struct pollfd fd = {.fd = r->wake_fd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 10000), 1); /* but for news it is */
    cell_set_sleeping(r->cell, 0);
    stop(&stage);
}

static void stop_before_go(void **state)
{
    (void)state;
    spawn(&stage, 1);
    expect(&stage, CONTROL_MAPPED, 0);
    stop(&stage);
}

static void expect_fatal(const char *part)
{
    struct control_message message;
    do {
        if (!receive(&stage, &message))
            fail_msg("left without a reason");
    } while (message.type != CONTROL_FATAL);
    char text[CONTROL_PAYLOAD_MAX + 1] = {0};
    memcpy(text, message.payload, message.payload_size);
    if (!strstr(text, part))
        fail_msg("FATAL says \"%s\", expected \"%s\"", text, part);
    int status = end_process(&stage);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), CHILD_EXIT_NEVER);
}

static void missing_file_is_named(void **state)
{
    (void)state;
    snprintf(stage.config->instruments[1].file_path, CONFIG_PATH_MAX, "%s", support_path("nothing.csv"));
    spawn(&stage, 1);
    expect(&stage, CONTROL_MAPPED, 0);
    expect_fatal("nothing.csv: No such file");
}

static void bad_row_is_fatal_when_it_shall_be(void **state)
{
    (void)state;
    const char *path = support_write("bad.csv", "epoch_s,open,high,low,close,volume\n"
                                                "1704672000,1.1,1.2,1.0,1.1,5\n"
                                                "1704672060,1.1,1.2,1.3,1.1,5\n");
    snprintf(stage.config->instruments[1].file_path, CONFIG_PATH_MAX, "%s", path);
    stage.config->feed.bad_rows_fatal = true;
    spawn(&stage, 1);
    expect(&stage, CONTROL_MAPPED, 0);
    say(&stage, CONTROL_GO, 0);
    expect_fatal("bad.csv:3: high below low");
}

static void claim_beyond_the_source_is_said(void **state)
{
    (void)state;
    spawn(&stage, 1);
    expect(&stage, CONTROL_MAPPED, 0);
    new_cell(&stage.readers[0], 1, 1000000);
    announce(&stage, 0, true, true);
    say(&stage, CONTROL_GO, 0);
    expect_fatal("of another source");
}

static void unsealed_or_foreign_cell_is_refused(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    struct reader *r = &stage.readers[2];
    size_t size;
    r->generation = 77;
    r->cell_fd = segment("cell", CELL_SIZE_BYTES); /* neither sealed nor a cell */
    r->wake_fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(segment_map_owner(r->cell_fd, CELL_SIZE_BYTES, &r->memory, &size, NULL), 0);
    announce(&stage, 2, true, true);
    read_until(&stage, 2, 0); /* and the others go on */
    segment_unmap(r->memory, CELL_SIZE_BYTES);
    close(r->cell_fd);
    close(r->wake_fd);
    stop(&stage);
}

/* --- what outlives a feed ------------------------------------------------------------------------------------------- */

/* All that readers can see of a history; the generation in front of it differs from start to start. */
static unsigned char *copy_history(void)
{
    size_t from = offsetof(struct history, series);
    unsigned char *copy = malloc(stage.history_size - from);
    assert_non_null(copy);
    return memcpy(copy, (const unsigned char *)stage.history_memory + from, stage.history_size - from);
}

/* Killed at random moments, readers anywhere behind: at the end the history is that of an undisturbed run, byte for
 * byte, the hours of the week too; and so it is when it comes out of the store alone. */
static void killed_at_random_the_history_is_the_same(void **state)
{
    (void)state;
    const size_t from = offsetof(struct history, series);
    support_bars(stage.config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 16000, 1);
    support_bars(stage.config, 1, "b.csv", SUPPORT_MONDAY_S + 600, 300, 3200, 2);
    compute_expected(stage.config);
    start_fresh();
    read_until(&stage, 2, 0);
    unsigned char *undisturbed = copy_history();
    stop(&stage);

    use_state(9001);
    start_fresh();
    uint64_t claims[2] = {0, 0}, h = (uint64_t)support_now_ns(), kills = 0, generation = 1;
    print_message("seed %" PRIu64 "\n", h);
    while (claims[0] + 6000 < expected_count) {
        h = hash_mix64(h);
        read_until(&stage, 2, claims[0] + h % 3000 + 1);
        usleep((unsigned)(h >> 40) % 4000);
        for (unsigned i = 0; i < 2; i++) {
            uint64_t head = stage.readers[i].ring.next_seq - 1, back = hash_mix64(h + i) % 500;
            claims[i] = back < head - claims[i] ? head - back : claims[i];
        }
        assert_true(WIFSIGNALED(kill_feed(&stage)));
        kills++;
        start(&stage, ++generation, claims, 2);
        expect(&stage, CONTROL_READY, 0);
    }
    read_until(&stage, 2, 0);
    assert_true(kills >= 8);
    assert_memory_equal((const unsigned char *)stage.history_memory + from, undisturbed, stage.history_size - from);
    expect(&stage, CONTROL_DONE, 0);
    stop(&stage);
    claims[0] = claims[1] = expected_count;
    start(&stage, ++generation, claims, 2);
    assert_memory_equal((const unsigned char *)stage.history_memory + from, undisturbed, stage.history_size - from);
    struct baseline baseline;
    int64_t end_ns = expected[expected_count - 1].record.time_ns;
    assert_int_equal(baseline_read(stage.history, 0, end_ns, UINT64_MAX, &baseline), SHM_OK);
    assert_true(baseline.of_day && baseline.occurrences >= 10 && baseline.volume > 0);
    free(undisturbed);
    stop(&stage);
}

static void state_of_another_source_is_refused(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    read_until(&stage, 2, 2000);
    stop(&stage);
    stage.config->instruments[0].timeframes = 1u << TIMEFRAME_M1 | 1u << TIMEFRAME_M5; /* other records */
    spawn(&stage, 2);
    expect(&stage, CONTROL_MAPPED, 0);
    drop_cell(&stage.readers[0]);
    new_cell(&stage.readers[0], 300, 1990);
    announce(&stage, 0, true, true);
    say(&stage, CONTROL_GO, 0);
    expect_fatal("fresh state folder");

    compute_expected(stage.config); /* accounts without state: nothing of the old is needed */
    start(&stage, 3, join_all, 2);
    for (unsigned i = 0; i < 2; i++)
        cell_set_durable(stage.readers[i].cell, 0);
    expect(&stage, CONTROL_READY, 0);
    read_until(&stage, 2, 0);
    check_history(&stage, expected_count);
    stop(&stage);
}

static void changed_data_are_refused(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    read_until(&stage, 2, 2000);
    stop(&stage);
    support_bars(stage.config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 4000, 77); /* the same file, other prices */
    spawn(&stage, 2);
    expect(&stage, CONTROL_MAPPED, 0);
    for (unsigned i = 0; i < 2; i++) {
        drop_cell(&stage.readers[i]);
        new_cell(&stage.readers[i], 300 + i, 4000);
        announce(&stage, i, true, true);
    }
    say(&stage, CONTROL_GO, 0);
    expect_fatal("is not what it was");
}

/* New accounts on an old state folder: the market begins again, and no bar of its future hides its past. */
static void a_replay_from_the_beginning_has_no_future(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    read_until(&stage, 2, 0);
    expect(&stage, CONTROL_DONE, 0);
    stop(&stage);
    start(&stage, 2, join_all, 2);
    assert_int_equal(ring_first_seq(stage.ring), 1);
    for (unsigned i = 0; i < 2; i++)
        cell_set_durable(stage.readers[i].cell, 0);
    expect(&stage, CONTROL_READY, 0);
    read_until(&stage, 2, 3000);
    uint64_t a = stage.readers[0].ring.next_seq - 1, b = stage.readers[1].ring.next_seq - 1;
    check_history(&stage, a < b ? a : b); /* the head is at most a ring ahead of it */
    stop(&stage);
}

static void second_feed_finds_the_folder_taken(void **state)
{
    (void)state;
    compute_expected(stage.config);
    start_fresh();
    static struct stage other;
    memset(&other, 0, sizeof other);
    other.config = stage.config;
    spawn(&other, 2);
    expect(&other, CONTROL_MAPPED, 0);
    struct control_message message;
    while (receive(&other, &message))
        ;
    int status = end_process(&other);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_EXIT_TRY_LATER);
    stop(&stage);
}

/* --- live: by the clock ------------------------------------------------------------------------------------------------ */

#define TICK_NS (SUPPORT_S / 10)

static int64_t wall_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * SUPPORT_S + t.tv_nsec;
}

/* Quotes, ten a second, of instrument 0; the other one is off. */
static void ticks_from(int64_t first_ns, uint32_t count)
{
    struct config_instrument *c = &stage.config->instruments[0];
    const char *path = support_path("ticks.csv");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("epoch_ns,bid,ask,bid_size,ask_size\n", out);
    for (uint32_t i = 0; i < count; i++)
        fprintf(out, "%" PRId64 ",1.1%04u,1.2%04u,1,1\n", first_ns + i * TICK_NS, i % 10000, i % 10000);
    assert_int_equal(fclose(out), 0);
    c->file_kind = FILE_TICKS;
    snprintf(c->file_path, sizeof c->file_path, "%s", path);
    stage.config->instruments[1].active = false;
    stage.config->feed.live = true;
    stage.config->feed.speed = 1;
}

/* The next record that reader 0 gets; how long after `wall_ns = market time + offset` it came. */
static int64_t next_is_late_by(int64_t offset_ns, struct market_record *record)
{
    uint64_t lost = 0;
    int64_t end_ns = support_now_ns() + DEADLINE_NS;
    while (ring_read(&stage.readers[0].ring, record, &lost) != SHM_OK) {
        assert_true(support_now_ns() < end_ns);
        usleep(500);
    }
    int64_t late_ns = wall_ns() - offset_ns - record->time_ns;
    check_record(record);
    cell_set_consumed(stage.readers[0].cell, record->seq);
    cell_set_durable(stage.readers[0].cell, record->seq);
    return late_ns;
}

static void expect_on_time(int64_t offset_ns, unsigned records)
{
    struct market_record record;
    for (unsigned i = 0; i < records; i++) {
        int64_t late_ns = next_is_late_by(offset_ns, &record);
        assert_true(late_ns > -TICK_NS / 10); /* never early */
        assert_true(late_ns < SUPPORT_S);
    }
}

/* A source that holds the present moment: played from there, before it is history; after a death from the moment that
 * it is by then, and what fell due meanwhile is a gap. */
static void live_begins_at_the_present_moment(void **state)
{
    (void)state;
    int64_t now_ns = wall_ns();
    ticks_from(now_ns - 200 * SUPPORT_S, 2000 + 100);
    compute_expected(stage.config);
    int64_t before_ns = wall_ns();
    start(&stage, 1, join_all, 1);
    uint64_t first = ring_first_seq(stage.ring);
    assert_true(first > 1);
    assert_true(expected[first - 1].record.time_ns > before_ns && expected[first - 2].record.time_ns <= wall_ns());
    check_history(&stage, first - 1);
    cell_set_durable(stage.readers[0].cell, first - 1);
    expect_on_time(0, 10);

    uint64_t last = stage.readers[0].ring.next_seq - 1;
    assert_true(WIFSIGNALED(kill_feed(&stage)));
    usleep(700000);
    before_ns = wall_ns();
    start(&stage, 2, &last, 1);
    first = ring_first_seq(stage.ring);
    assert_true(first > last + 10); /* six quotes and their ENDs at least */
    assert_true(expected[first - 1].record.time_ns > before_ns);
    assert_int_equal(expected[first - 2].record.kind, MARKET_END);
    check_history(&stage, first - 1);
    stop(&stage);
}

/* A recorded market begins when it is played first, and goes on without a feed. */
static void live_recorded_market_keeps_its_clock(void **state)
{
    (void)state;
    ticks_from(SUPPORT_MONDAY_S * SUPPORT_S, 1000);
    compute_expected(stage.config);
    start(&stage, 1, join_all, 1);
    assert_int_equal(ring_first_seq(stage.ring), 1);
    cell_set_durable(stage.readers[0].cell, 0);
    struct market_record record;
    int64_t offset_ns = wall_ns() - SUPPORT_MONDAY_S * SUPPORT_S; /* the first comes at once */
    assert_true(next_is_late_by(offset_ns, &record) < SUPPORT_S);
    expect_on_time(offset_ns - SUPPORT_S / 2, 25); /* longer than a second: the store has the clock */
    uint64_t last = stage.readers[0].ring.next_seq - 1;
    assert_true(WIFSIGNALED(kill_feed(&stage)));
    usleep(700000);
    start(&stage, 2, &last, 1);
    uint64_t first = ring_first_seq(stage.ring);
    assert_true(first > last + 10 && first < last + 200);
    int64_t due_ns = wall_ns() - offset_ns;
    assert_true(expected[first - 1].record.time_ns > due_ns - SUPPORT_S && expected[first - 1].record.time_ns < due_ns + SUPPORT_S);
    check_history(&stage, first - 1);
    assert_int_equal(ring_attach(&stage.readers[0].ring, stage.ring, stage.ring_size, first), SHM_OK); /* as accounts do */
    expect_on_time(offset_ns - SUPPORT_S / 2, 5);
    stop(&stage);
}

/* Live, other settings: the history begins anew behind every number that was given out. */
static void live_other_settings_number_on(void **state)
{
    (void)state;
    stage.config->feed.live = true;
    compute_expected(stage.config);
    start(&stage, 1, join_all, 1);
    expect(&stage, CONTROL_READY, 0);
    expect(&stage, CONTROL_DONE, 0);
    uint64_t last = expected_count;
    stop(&stage);
    stage.config->instruments[0].timeframes = 1u << TIMEFRAME_M1;
    compute_expected(stage.config);
    start(&stage, 2, &last, 1);
    assert_int_equal(ring_first_seq(stage.ring), last + 1);
    expect(&stage, CONTROL_READY, 0);
    expect(&stage, CONTROL_DONE, 0);
    struct history_bar bar;
    uint32_t count;
    assert_int_equal(history_read(stage.history, 0, TIMEFRAME_M5, UINT64_MAX, 1, &bar, &count), SHM_EMPTY);
    assert_int_equal(history_read(stage.history, 0, TIMEFRAME_M1, UINT64_MAX, 1, &bar, &count), SHM_OK);
    assert_true(bar.seq > last && bar.seq <= last + expected_count);
    assert_int_equal(ring_head(stage.ring), last + expected_count);
    stop(&stage);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(replay_plays_everything_in_order),
        T(nothing_is_published_before_each_claim_is_a_number),
        T(slowest_claim_paces_a_replay),
        T(restarting_reader_holds_and_failed_one_does_not),
        T(what_a_replaced_process_says_is_ignored),
        T(late_joiner_holds_nothing_until_it_claims),
        T(killed_feed_goes_on_exactly),
        T(one_joins_while_another_resumes),
        T(sleeping_reader_is_woken),
        T(sleeper_needs_no_help),
        T(idle_sleeper_is_not_woken_again),
        T(speed_sets_the_wall_time),
        T(live_waits_for_nobody),
        T(live_restart_goes_on_behind_the_fastest),
        T(answers_while_it_waits_and_leaves_with_its_supervisor),
        T(answers_while_it_runs_forward),
        T(stop_before_go),
        T(missing_file_is_named),
        T(bad_row_is_fatal_when_it_shall_be),
        T(claim_beyond_the_source_is_said),
        T(unsealed_or_foreign_cell_is_refused),
        T(killed_at_random_the_history_is_the_same),
        T(state_of_another_source_is_refused),
        T(changed_data_are_refused),
        T(a_replay_from_the_beginning_has_no_future),
        T(second_feed_finds_the_folder_taken),
        T(live_begins_at_the_present_moment),
        T(live_recorded_market_keeps_its_clock),
        T(live_other_settings_number_on),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
