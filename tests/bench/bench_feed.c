/* bench_feed: the real propfleet-feed at full speed into ten reader processes, lossless, that sleep when there is
 * nothing to read and claim every 4,096 records, as accounts do; then the sequence alone. Takes about 10 s. */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/control.h"
#include "base/error.h"
#include "base/vocabulary.h"
#include "config/config.h"
#include "shm/cell.h"
#include "shm/history.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "tests/unit/feed_support.h"
#include "workers/feed/merge.h"

#define READERS 10u
#define CLAIM_RECORDS 4096u
#define DAYS 730u

struct reader {
    struct cell *cell;
    int cell_fd, wake_fd;
    pid_t pid;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_feed: %s\n", what);
    exit(1);
}

static void print(const char *metric, double value, const char *unit)
{
    printf("{\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", metric, value, unit);
    fflush(stdout);
}

static int segment(const char *name, size_t size)
{
    struct error err = {0};
    int fd = segment_create(name, size, &err);
    if (fd < 0)
        die(err.text);
    return fd;
}

static void exec_feed(const int fds[5])
{
    char path[PATH_MAX];
    int high[5];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    path[n > 0 ? n : 0] = 0;
    for (int i = 0; i < 2 && n > 0; i++)
        *strrchr(path, '/') = 0;
    strcat(path, "/libexec/propfleet/propfleet-feed");
    for (int i = 0; i < 5; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 64);
    for (int i = 0; i < 5; i++)
        dup2(high[i], CONTROL_FD + i);
    close_range(CHILD_FD_LIMIT - 1, ~0U, 0);
    execl(path, "feed", "--generation", "1", (char *)NULL);
    _exit(127);
}

static void wait_for(int control, uint32_t type)
{
    struct control_message message;
    for (;;) {
        int result = control_receive(control, &message);
        if (result == 1 && message.type == type)
            return;
        if (result == 1 && message.type == CONTROL_FATAL)
            die((const char *)message.payload);
        if (result == 0)
            die("the feed left");
        struct pollfd fd = {.fd = control, .events = POLLIN};
        (void)poll(&fd, 1, 1000);
    }
}

/* Exits with 0 when every record was read. */
static void read_all(const struct reader *r, int ring_fd)
{
    const void *memory = NULL;
    size_t size = 0;
    struct ring_reader ring;
    struct market_record record;
    uint64_t lost, want = 1;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (segment_map_reader(ring_fd, 1, &memory, &size, NULL) != 0 || ring_attach(&ring, memory, size, 1) != SHM_OK)
        _exit(1);
    cell_set_durable(r->cell, 0);
    for (;;) {
        enum shm_result result = ring_read(&ring, &record, &lost);
        if (result == SHM_OK) {
            if (record.seq != want++)
                _exit(2);
            if (record.seq % CLAIM_RECORDS == 0)
                cell_set_durable(r->cell, record.seq);
            continue;
        }
        if (result == SHM_CLOSED)
            _exit(0);
        if (result != SHM_EMPTY)
            _exit(3);
        cell_set_durable(r->cell, want - 1);
        cell_set_sleeping(r->cell, 1);
        if (ring_read(&ring, &record, &lost) == SHM_EMPTY) {
            struct pollfd fd = {.fd = r->wake_fd, .events = POLLIN};
            uint64_t count;
            (void)poll(&fd, 1, 1000);
            (void)!read(r->wake_fd, &count, sizeof count);
        } else {
            ring.next_seq = want; /* read once more */
        }
        cell_set_sleeping(r->cell, 0);
    }
}

static void make_reader(struct reader *r)
{
    void *memory;
    size_t size;
    r->cell_fd = segment("cell", CELL_SIZE_BYTES);
    if (segment_map_owner(r->cell_fd, CELL_SIZE_BYTES, &memory, &size, NULL) != 0)
        die("map a cell");
    r->cell = cell_init(memory, 1);
    cell_set_durable(r->cell, CELL_DURABLE_JOIN);
    (void)segment_seal(r->cell_fd, NULL);
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void announce(int control, const struct reader *r, uint32_t account)
{
    struct control_peer peer = {.kind = PROCESS_ACCOUNT, .account = account, .generation = 1, .wanted = 1, .alive = 1};
    struct control_message message = {.type = CONTROL_PEER, .payload_size = sizeof peer, .fd_count = 2,
                                      .fds = {r->cell_fd, r->wake_fd}};
    memcpy(message.payload, &peer, sizeof peer);
    if (control_send(control, &message) != 0)
        die("announce a reader");
}

static double cpu_s(int who)
{
    struct rusage usage;
    (void)getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void bench_program(struct fleet_config *config)
{
    struct error err = {0};
    struct reader readers[READERS];
    int pair[2], ring_fd = segment("ring", ring_size_bytes(config->feed.ring_slots));
    int history_fd = segment("history", history_size_bytes(config->instrument_count, config->feed.history_bars));
    config_stamp(config);
    int config_fd = config_seal(config, &err);
    if (config_fd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        die(err.text);
    const int fds[5] = {pair[1], config_fd, segment("feed-cell", CELL_SIZE_BYTES), ring_fd, history_fd};
    pid_t feed = fork();
    if (feed == 0)
        exec_feed(fds);
    close(pair[1]);
    wait_for(pair[0], CONTROL_MAPPED);
    for (unsigned i = 0; i < READERS; i++) {
        make_reader(&readers[i]);
        announce(pair[0], &readers[i], i);
    }
    (void)control_send_plain(pair[0], CONTROL_GO, 1, 0, 0);
    wait_for(pair[0], CONTROL_MAPPED);
    int64_t start_ns = support_now_ns();
    for (unsigned i = 0; i < READERS; i++)
        if ((readers[i].pid = fork()) == 0)
            read_all(&readers[i], ring_fd);
    for (unsigned i = 0; i < READERS; i++) {
        int status = 0;
        if (waitpid(readers[i].pid, &status, 0) < 0 || status != 0)
            die("a reader lost a record");
    }
    double took_s = (double)(support_now_ns() - start_ns) / 1e9, readers_cpu_s = cpu_s(RUSAGE_CHILDREN);
    wait_for(pair[0], CONTROL_DONE);
    const void *memory = NULL;
    size_t size = 0;
    struct ring_reader ring;
    if (segment_map_reader(ring_fd, 1, &memory, &size, NULL) != 0 || ring_attach(&ring, memory, size, 0) != SHM_OK)
        die("ring");
    double records = (double)ring_head(ring.ring);
    (void)control_send_plain(pair[0], CONTROL_STOP, 1, 0, 0);
    (void)waitpid(feed, NULL, 0);
    print("feed_records_per_s_each_of_10", records / took_s, "1/s");
    print("feed_deliveries_per_s", records * READERS / took_s, "1/s");
    print("feed_cpu", (cpu_s(RUSAGE_CHILDREN) - readers_cpu_s) / records * 1e9, "ns/record");
    print("feed_readers_cpu", readers_cpu_s / records / READERS * 1e9, "ns/delivery");
}

static void bench_sequence(const struct fleet_config *config)
{
    struct error err = {0};
    struct merge *merge = merge_open(config, NULL, &err);
    struct feed_item item;
    double records = 0, bars = 0;
    int64_t start_ns = support_now_ns();
    if (!merge)
        die(err.text);
    for (; merge_next(merge, &item, &err) == 1; records++)
        bars += !!(item.record.flags & MARKET_BASE);
    double took_s = (double)(support_now_ns() - start_ns) / 1e9;
    merge_close(&merge);
    print("feed_sequence_alone", records / took_s, "records/s");
    print("feed_simulated_bars", bars / took_s, "M1 bars/s");
}

int main(void)
{
    struct fleet_config *config = support_simulator(1, DAYS);
    config->feed.ring_slots = 65536;
    bench_sequence(config);
    bench_program(config);
    return 0;
}
