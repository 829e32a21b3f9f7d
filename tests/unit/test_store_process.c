/* The store on LMDB among processes: the lock, readers, kill -9; and on a disk that is full. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <time.h>

#include "tests/unit/store_lmdb_fixture.h"

enum { SKIPPED = 77 };

static const char *program;

/* --- other processes --------------------------------------------------------------------------------------------- */

static void test_lock(void **state)
{
    (void)state;
    char expected[32];
    store_close(&store);
    int fd = store_lock(folder, &err);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    pid_t pid = support_fork();
    if (pid == 0) {
        snprintf(expected, sizeof expected, "process %ld", (long)getppid());
        CHILD_CHECK(store_lock(folder, &err) == -EWOULDBLOCK, &err);
        CHILD_CHECK(strstr(err.text, expected) && strstr(err.text, folder), &err);
        _exit(0);
    }
    assert_int_equal(support_wait(pid), 0);
    close(fd);
    fd = store_lock(folder, &err);
    assert_true(fd >= 0);
    close(fd);
}

static void test_lock_of_a_killed_process_is_free(void **state)
{
    (void)state;
    int held[2];
    char byte;
    assert_int_equal(pipe2(held, O_CLOEXEC), 0);
    pid_t pid = support_fork();
    if (pid == 0) {
        CHILD_CHECK(store_lock(folder, &err) >= 0, &err);
        CHILD_CHECK(write(held[1], "", 1) == 1, NULL);
        for (;;)
            pause();
    }
    assert_int_equal(read(held[0], &byte, 1), 1);
    assert_int_equal(store_lock(folder, &err), -EWOULDBLOCK);
    kill(pid, SIGKILL);
    assert_int_equal(support_wait(pid), 128 + SIGKILL);
    int fd = store_lock(folder, &err);
    assert_true(fd >= 0);
    close(fd);
    close(held[0]);
    close(held[1]);
}

static void test_another_writer_is_noticed(void **state)
{
    (void)state;
    pid_t pid = support_fork();
    if (pid == 0) {
        /* after a fork alone it would hold its parent's environment */
        execl(program, program, "--intrude", folder, (char *)NULL);
        CHILD_CHECK(!"exec", NULL);
    }
    assert_int_equal(support_wait(pid), 0);
    put_u64(store, ORDERS, 1, 10);
    assert_int_equal(store_commit(store, STORE_CRASH, &err), -ESTALE);
    assert_non_null(strstr(err.text, "another process"));
    assert_int_equal(get_u64(store, ORDERS, 1), UINT64_MAX);
    assert_int_equal(get_u64(store, ORDERS, 2), 20);
}

static int intrude(const char *path)
{
    struct store_options options = support_options(path);
    CHILD_CHECK(store_open(&options, &store, &err) == 0, &err);
    put_u64(store, ORDERS, 2, 20);
    CHILD_CHECK(store_commit(store, STORE_CRASH, &err) == 0, &err);
    store_close(&store);
    return 0;
}

static void test_reader_follows_a_growing_map(void **state)
{
    (void)state;
    int go[2], done[2];
    char byte = 0;
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    assert_int_equal(pipe2(done, O_CLOEXEC), 0);
    store_close(&store);
    pid_t pid = support_fork();
    if (pid == 0) {
        struct store_options options = support_options(folder);
        struct store *reader = NULL;
        CHILD_CHECK(store_open_reader(&options, &reader, &err) == 0, &err);
        CHILD_CHECK(store_journal_last(reader) == 0 && get_u64(reader, ORDERS, 1) == UINT64_MAX, &err);
        CHILD_CHECK(write(done[1], "", 1) == 1 && read(go[0], &byte, 1) == 1, NULL);
        CHILD_CHECK(get_u64(reader, ORDERS, 1) == 10, NULL);
        CHILD_CHECK(store_journal_last(reader) == 1 && store_journal_first(reader) == 1, NULL);
        size_t length = 0;
        CHILD_CHECK(store_get(reader, RISK, 19, &byte, 1, &length) == 0 && length == 1 << 20 && byte == 20, NULL);
        store_close(&reader);
        _exit(0);
    }
    assert_int_equal(read(done[0], &byte, 1), 1);
    reopen();
    fill(20);
    put_u64(store, ORDERS, 1, 10);
    journal(store, 1, MAY_2024_NS, 20);
    commit(STORE_CRASH);
    assert_int_equal(write(go[1], "", 1), 1);
    assert_int_equal(support_wait(pid), 0);
    for (int i = 0; i < 2; i++) {
        close(go[i]);
        close(done[i]);
    }
}

/* A reader whose visitor blocks, as one that prints to a full pipe does. */
static int block(void *context, uint64_t key, const void *data, size_t size)
{
    static uint32_t count;
    uint64_t first = 0;
    int *end = context;
    memcpy(&first, data, size < 8 ? size : 8);
    CHILD_CHECK(first == key, NULL);
    if (++count == 10)
        CHILD_CHECK(write(end[1], "", 1) == 1, NULL);
    if (count >= 10)
        poll(NULL, 0, 5);
    return 0;
}

static void commit_many(uint32_t count)
{
    uint64_t seq = store_journal_last(store);
    unsigned char row[120] = {0};
    for (uint32_t i = 0; i < count; i++) {
        memcpy(row, &seq, sizeof seq);
        store_put(store, ORDERS, i % 10, row, sizeof row);
        store_put(store, POSITIONS, i % 4, row, sizeof row);
        if (i % 100 == 0)
            journal(store, ++seq, MAY_2024_NS, 40);
        commit(STORE_CRASH);
    }
}

/* In a map that need not grow: growing looks for dead readers too. */
static void open_roomy(void)
{
    struct store_options options = support_options(folder);
    options.map_bytes = UINT64_C(1) << 30;
    open_with(&options);
}

static void test_slow_reader_pins_no_pages(void **state)
{
    (void)state;
    int blocked[2];
    char byte;
    assert_int_equal(pipe2(blocked, O_CLOEXEC), 0);
    for (uint64_t seq = 1; seq <= 3000; seq++)
        journal(store, seq, MAY_2024_NS, 100);
    commit(STORE_CRASH);
    store_close(&store);
    pid_t pid = support_fork();
    if (pid == 0) {
        struct store_options options = support_options(folder);
        struct store *reader = NULL;
        CHILD_CHECK(store_open_reader(&options, &reader, &err) == 0, &err);
        for (;;)
            CHILD_CHECK(store_journal_scan(reader, 1, UINT32_MAX, block, blocked) == 0, NULL);
    }
    assert_int_equal(read(blocked[0], &byte, 1), 1);
    open_roomy();
    uint64_t before = lmdb_of(store)->used_bytes;
    commit_many(support_turns(20000));
    uint64_t after = lmdb_of(store)->used_bytes;
    printf("20,000 commits beside a slow reader: %llu KiB, then %llu KiB\n", (unsigned long long)before / 1024,
           (unsigned long long)after / 1024);
    assert_int_equal(kill(pid, 0), 0);
    assert_true(after < before + (512 << 10));
    kill(pid, SIGKILL);
    assert_int_equal(support_wait(pid), 128 + SIGKILL);
    close(blocked[0]);
    close(blocked[1]);
}

static void test_killed_reader_is_cleared(void **state)
{
    (void)state;
    int inside[2];
    char byte;
    assert_int_equal(pipe2(inside, O_CLOEXEC), 0);
    commit_many(100);
    store_close(&store);
    pid_t pid = support_fork();
    if (pid == 0) { /* dies in the middle of a read */
        struct store_options options = support_options(folder);
        struct store *reader = NULL;
        CHILD_CHECK(store_open_reader(&options, &reader, &err) == 0, &err);
        CHILD_CHECK(lmdb_read_begin(lmdb_of(reader)) == 0, NULL);
        CHILD_CHECK(write(inside[1], "", 1) == 1, NULL);
        for (;;)
            pause();
    }
    assert_int_equal(read(inside[0], &byte, 1), 1);
    open_roomy();
    commit_many(200);
    uint64_t before = lmdb_of(store)->used_bytes;
    kill(pid, SIGKILL);
    assert_int_equal(support_wait(pid), 128 + SIGKILL);
    commit_many(support_turns(20000));
    assert_true(lmdb_of(store)->used_bytes < before + (2 << 20));
    close(inside[0]);
    close(inside[1]);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------- */

static void kill_writer(int acknowledge)
{
    struct store_options options = support_options(folder);
    options.journal_months = 6;
    CHILD_CHECK(store_open(&options, &store, &err) == 0, &err);
    for (uint64_t n = store_journal_last(store) + 1;; n++) {
        for (uint64_t k = 0; k < 5; k++)
            put_u64(store, ORDERS, k, n);
        put_u64(store, POSITIONS, n % 7, n);
        store_delete(store, RISK, n - 1);
        put_u64(store, RISK, n, n);
        journal(store, n, MAY_2024_NS + (int64_t)n * DAY_NS / 4, 30 + n % 3000);
        CHILD_CHECK(store_commit(store, n % 16 ? STORE_CRASH : STORE_POWER, &err) == 0, &err);
        CHILD_CHECK(write(acknowledge, &n, sizeof n) == sizeof n, NULL);
    }
}

static int expect_next(void *context, uint64_t key, const void *data, size_t size)
{
    uint64_t *next = context, value = 0;
    assert_int_equal(key, (*next)++);
    assert_int_equal(size, 30 + key % 3000);
    memcpy(&value, data, sizeof value);
    assert_int_equal(value, key);
    return 0;
}

/* Everything of the last commit and nothing of a later one. */
static void expect_whole(uint64_t acknowledged)
{
    uint64_t last = store_journal_last(store), next = store_journal_first(store);
    assert_in_range(last, acknowledged, acknowledged + 1);
    for (uint64_t k = 0; k < 5; k++)
        assert_int_equal(get_u64(store, ORDERS, k), last);
    assert_int_equal(get_u64(store, POSITIONS, last % 7), last);
    assert_int_equal(get_u64(store, RISK, last), last);
    assert_int_equal(get_u64(store, RISK, last - 1), UINT64_MAX);
    assert_int_equal(get_u64(store, RISK, last + 1), UINT64_MAX);
    assert_int_equal(store_journal_scan(store, 0, UINT32_MAX, expect_next, &next), 0);
    assert_int_equal(next, last + 1);
}

static void test_writer_killed_in_the_middle(void **state)
{
    (void)state;
    uint64_t random = support_seed(), acknowledged = 0, n;
    for (uint32_t turn = 0; turn < support_turns(200); turn++) {
        int pipes[2];
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        store_close(&store);
        pid_t pid = support_fork();
        if (pid == 0)
            kill_writer(pipes[1]);
        close(pipes[1]);
        uint64_t wanted = 1 + support_random(&random) % 40;
        while (wanted-- > 0 && read(pipes[0], &n, sizeof n) == sizeof n)
            acknowledged = n;
        struct timespec pause = {.tv_nsec = (long)(support_random(&random) % 300000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(support_wait(pid), 128 + SIGKILL);
        while (read(pipes[0], &n, sizeof n) == sizeof n)
            acknowledged = n;
        close(pipes[0]);
        reopen();
        expect_whole(acknowledged);
        acknowledged = store_journal_last(store);
    }
    printf("%u kills, %llu commits\n", support_turns(200), (unsigned long long)acknowledged);
    assert_true(acknowledged > support_turns(200));
}

/* --- a full disk ------------------------------------------------------------------------------------------------------ */

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, text, strlen(text));
        close(fd);
    }
}

/* A small disk of our own at `path`; false when it is not permitted. */
static bool small_disk(const char *path, const char *size)
{
    char map[64];
    uid_t uid = getuid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0)
            return false;
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", uid);
        write_file("/proc/self/uid_map", map);
    }
    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return mount("none", path, "tmpfs", 0, size) == 0;
}

static void fill_disk(const char *path)
{
    static char zeros[65536];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHILD_CHECK(fd >= 0, NULL);
    size_t size = sizeof zeros;
    while (size > 0) {
        if (write(fd, zeros, size) <= 0)
            size /= 2;
    }
    close(fd);
}

/* Commits of 4 KiB until one fails; how many did not. */
static uint32_t commit_until_full(uint64_t *key)
{
    unsigned char row[4000] = {0};
    uint32_t count = 0;
    int rc = 0;
    while (rc == 0 && count < 100000) {
        memcpy(row, key, sizeof *key);
        store_put(store, ORDERS, *key, row, sizeof row);
        journal(store, *key, MAY_2024_NS, 40);
        rc = store_commit(store, count % 2 ? STORE_CRASH : STORE_POWER, &err);
        if (rc == 0) {
            ++*key;
            count++;
        }
    }
    CHILD_CHECK(rc == -ENOSPC, &err);
    return count;
}

static void full_disk(const struct store_options *options, const char *filler)
{
    uint64_t key = 1;
    CHILD_CHECK(store_open(options, &store, &err) == 0, &err);
    CHILD_CHECK(!store_low(store), NULL);
    fill_disk(filler);
    uint32_t count = commit_until_full(&key);
    printf("full disk: %u commits of 4 KiB in the %llu KiB kept for them\n", count,
           (unsigned long long)options->reserve_bytes / 1024);
    CHILD_CHECK(count * 4096 > options->reserve_bytes / 2, NULL); /* exits went on */
    CHILD_CHECK(store_low(store), NULL);
    CHILD_CHECK(strstr(err.text, "full") && strstr(err.text, options->folder), &err);
    CHILD_CHECK(!store_batch_empty(store), NULL);
    CHILD_CHECK(get_u64(store, ORDERS, key) == UINT64_MAX && get_u64(store, ORDERS, key - 1) == key - 1, NULL);
    CHILD_CHECK(store_journal_last(store) == key - 1, NULL);
    CHILD_CHECK(store_commit(store, STORE_POWER, &err) == -ENOSPC, &err);
    store_discard(store);
    store_close(&store);
    CHILD_CHECK(store_open(options, &store, &err) == 0, &err); /* a worker that restarts on the full disk */
    CHILD_CHECK(store_low(store) && get_u64(store, ORDERS, key - 1) == key - 1, NULL);
    commit_until_full(&key);
    CHILD_CHECK(unlink(filler) == 0, NULL);
    CHILD_CHECK(store_commit(store, STORE_POWER, &err) == 0, &err); /* the batch that was kept */
    CHILD_CHECK(get_u64(store, ORDERS, key) == key && store_journal_last(store) == key, NULL);
    for (int i = 0; i < 300; i++) {
        put_u64(store, RISK, 1, 1);
        CHILD_CHECK(store_commit(store, STORE_CRASH, &err) == 0, &err);
    }
    CHILD_CHECK(!store_low(store), NULL);
    store_close(&store);
}

static void low_before_full(struct store_options *options)
{
    uint32_t after_low = 0;
    options->reserve_bytes = 1 << 20;
    CHILD_CHECK(store_open(options, &store, &err) == 0, &err);
    uint64_t key = store_journal_last(store) + 1;
    unsigned char row[4000] = {0};
    int rc = 0;
    for (; rc == 0; key++) { /* it fills the disk itself */
        after_low += store_low(store);
        store_put(store, ORDERS, key, row, sizeof row);
        journal(store, key, MAY_2024_NS, 40);
        rc = store_commit(store, STORE_CRASH, &err);
    }
    printf("low %u commits of 4 KiB before full, %u KiB kept\n", after_low, 1024u);
    CHILD_CHECK(rc == -ENOSPC && after_low > 100, &err);
    store_close(&store);
}

static void refused_on_disk(const char *mount_point, struct store_options *options)
{
    char fresh[128];
    struct store *refused = NULL;
    const char *old = options->folder;
    snprintf(fresh, sizeof fresh, "%s/fresh", mount_point);
    options->folder = fresh;
    int rc = store_open(options, &refused, &err);
    CHILD_CHECK(rc == -ENOSPC && strstr(err.text, "full") && strstr(err.text, fresh), &err);
    CHILD_CHECK(mount("none", mount_point, "none", MS_REMOUNT | MS_RDONLY, NULL) == 0, NULL);
    options->folder = old;
    rc = store_open(options, &refused, &err);
    CHILD_CHECK(rc == -EROFS && strstr(err.text, "read-only") && strstr(err.text, old), &err);
    CHILD_CHECK(store_open_reader(options, &refused, &err) == 0, &err);
    CHILD_CHECK(get_u64(refused, RISK, 1) == 1, NULL);
    store_close(&refused);
    CHILD_CHECK(store_lock(mount_point, &err) == -EROFS && strstr(err.text, mount_point), &err);
}

static void test_full_disk(void **state)
{
    (void)state;
    char inner[128], filler[128];
    store_close(&store);
    pid_t pid = support_fork();
    if (pid == 0) {
        if (!small_disk(folder, "size=6m"))
            _exit(SKIPPED);
        snprintf(inner, sizeof inner, "%s/a1", folder);
        snprintf(filler, sizeof filler, "%s/filler", folder);
        struct store_options options = support_options(inner);
        options.reserve_bytes = 512 << 10;
        full_disk(&options, filler);
        low_before_full(&options);
        fill_disk(filler);
        refused_on_disk(folder, &options);
        fflush(stdout);
        _exit(0);
    }
    int status = support_wait(pid);
    if (status == SKIPPED) {
        printf("skipped: no right to mount a small disk in a namespace of our own\n");
        skip();
    }
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 3 && strcmp(argv[1], "--intrude") == 0)
        return intrude(argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(test_lock),
        TEST(test_lock_of_a_killed_process_is_free),
        TEST(test_another_writer_is_noticed),
        TEST(test_reader_follows_a_growing_map),
        TEST(test_slow_reader_pins_no_pages),
        TEST(test_killed_reader_is_cleared),
        TEST(test_writer_killed_in_the_middle),
        TEST(test_full_disk),
    };
    return cmocka_run_group_tests_name("the store on LMDB among processes", tests, NULL, NULL);
}
