/* The feed's store: whatever happens to the process, bar history and hours come out as those of an undisturbed run. */
#include "workers/feed/archive.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "shm/layout.h"
#include "tests/unit/feed_support.h"
#include "workers/feed/merge.h"
#include "workers/store/store.h"

#define RECORDS_MAX 400000u

static struct feed_item sequence[RECORDS_MAX];
static uint64_t sequence_count;
static struct fleet_config *config;
static struct history *reference, *history;
static size_t size;
static struct archive archive;

static struct history *history_new(void)
{
    size = history_size_bytes(config->instrument_count, config->feed.history_bars);
    void *memory = aligned_alloc(SHM_LINE_BYTES, (size + SHM_LINE_BYTES - 1) / SHM_LINE_BYTES * SHM_LINE_BYTES);
    assert_non_null(memory);
    return history_init(memset(memory, 0, size), config->instrument_count, config->feed.history_bars, 1);
}

static void compute(void)
{
    struct error err = {0};
    struct merge *merge = merge_open(config, NULL, &err);
    if (!merge)
        fail_msg("%s", err.text);
    for (sequence_count = 0; merge_next(merge, &sequence[sequence_count], &err) == 1;)
        assert_true(++sequence_count < RECORDS_MAX);
    merge_close(&merge);
}

/* A state folder of its own; the history of an undisturbed run without a store. */
static void begin(struct fleet_config *with)
{
    static unsigned count;
    char name[24];
    config = with;
    snprintf(name, sizeof name, "archive-%u", ++count);
    snprintf(config->state_dir, sizeof config->state_dir, "%s", support_path(name));
    compute();
    free(reference);
    free(history);
    reference = history_new();
    history = history_new();
    static struct archive plain;
    plain = (struct archive){.config = config, .lock_fd = -1};
    archive_begin(&plain, reference, 0);
    for (uint64_t n = 0; n < sequence_count; n++)
        archive_take(&plain, &sequence[n]);
}

static void open_archive(void)
{
    struct error err = {0};
    if (archive_open(&archive, config, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(archive_problem(&archive), "");
}

/* As a process that is gone: what was not committed is lost. */
static void die(void)
{
    if (archive.store)
        store_close(&archive.store);
    close(archive.lock_fd);
}

static void resume(void)
{
    free(history);
    history = history_new();
    open_archive();
    assert_int_equal(archive.match, ARCHIVE_SAME);
    archive_resume(&archive, history);
}

static void take_until(uint64_t seq)
{
    while (archive.position.seq - archive.position.base < seq) {
        archive_take(&archive, &sequence[archive.position.seq - archive.position.base]);
        assert_true(archive_check(&archive));
    }
}

static void expect_same(void)
{
    assert_memory_equal(history, reference, size);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void goes_on_without_duplicate_or_hole(void **state)
{
    (void)state;
    begin(support_simulator(3, 12));
    open_archive();
    assert_int_equal(archive.match, ARCHIVE_NEW);
    archive_begin(&archive, history, 0);
    uint64_t h = 11, deaths = 0;
    while (archive.position.seq < sequence_count) {
        h = hash_mix64(h);
        uint64_t next = archive.position.seq + h % 4000 + 1;
        take_until(next < sequence_count ? next : sequence_count);
        if (h >> 16 & 1)
            archive_commit(&archive);
        if ((h >> 20) % 4 != 0 || archive.stored.seq == 0)
            continue;
        deaths++;
        uint64_t least = archive.position.seq - (h >> 32) % 900; /* where the slowest reader stands */
        die();
        resume();
        take_until(least);
    }
    assert_true(deaths > 10);
    expect_same();
    archive_close(&archive);
    resume();
    assert_int_equal(archive.stored.seq, sequence_count);
    expect_same(); /* from the store alone */
    archive_close(&archive);
}

/* Killed at any moment, also between the parts of a commit that is larger than a batch. */
static void killed_at_random(void **state)
{
    (void)state;
    struct fleet_config *c = support_simulator(4, 12);
    c->feed.history_bars = 4096;
    begin(c);
    uint64_t stored = 0;
    for (unsigned round = 0; round < 30 && stored < sequence_count; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct error err;
            if (archive_open(&archive, config, &err) != 0 || archive_problem(&archive)[0])
                _exit(1);
            if (archive.match == ARCHIVE_NEW)
                archive_begin(&archive, history, 0);
            else
                archive_resume(&archive, history);
            for (uint64_t n = 0; n < sequence_count; n++) {
                archive_take(&archive, &sequence[n]);
                if (!archive_check(&archive))
                    _exit(2);
                if (archive.position.seq > archive.stored.seq && n % 40000 == 0)
                    archive_commit(&archive);
            }
            archive_commit(&archive);
            _exit(archive.stored.seq == sequence_count ? 0 : 3);
        }
        struct timespec wait = {.tv_nsec = (long)(hash_mix64(round) % 150) * 1000000};
        nanosleep(&wait, NULL);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        free(history);
        history = history_new();
        open_archive();
        assert_true(archive.stored.seq >= stored); /* it never goes back */
        stored = archive.stored.seq;
        if (archive.match == ARCHIVE_SAME) {
            archive_resume(&archive, history);
            take_until(sequence_count);
            expect_same();
        }
        die();
        free(history);
        history = history_new();
    }
    printf("stored up to %" PRIu64 " of %" PRIu64 " records\n", stored, sequence_count);
    assert_true(stored > 0);
}

static void other_settings_are_seen(void **state)
{
    (void)state;
    begin(support_simulator(5, 3));
    uint64_t own = archive_fingerprint(config);
    struct fleet_config other;
#define DIFFERS(change)                                                                                                \
    memcpy(&other, config, sizeof other);                                                                              \
    other.change;                                                                                                      \
    assert_true(archive_fingerprint(&other) != own)
#define SAME(change)                                                                                                   \
    memcpy(&other, config, sizeof other);                                                                              \
    other.change;                                                                                                      \
    assert_true(archive_fingerprint(&other) == own)
    DIFFERS(feed.sim_seed++);
    DIFFERS(feed.sim_days++);
    DIFFERS(feed.from_ns++);
    DIFFERS(feed.to_ns++);
    DIFFERS(feed.warmup_bars++);
    DIFFERS(feed.source_name[0] = 'x');
    DIFFERS(instruments[5].active = false);
    DIFFERS(instruments[2].timeframes = 1);
    DIFFERS(instruments[2].spread_ticks++);
    SAME(feed.speed = 7);
    SAME(feed.ring_slots *= 2);
    SAME(feed.history_bars *= 2);
    SAME(feed.exit_at_end = true);
    SAME(instruments[1].commission_per_lot++);

    open_archive();
    archive_begin(&archive, history, 0);
    take_until(5000);
    archive_close(&archive);
    config->feed.sim_seed = 6;
    compute();
    open_archive();
    assert_int_equal(archive.match, ARCHIVE_OTHER);
    assert_string_equal(archive.source_name, "test");
    free(history);
    history = history_new();
    archive_begin(&archive, history, 1000000); /* live: the numbers go on */
    assert_int_equal(archive.stored.seq, 0);
    take_until(700);
    archive_close(&archive);
    resume();
    assert_int_equal(archive.stored.seq, 1000700);
    take_until(701);
    struct history_bar bar;
    uint32_t count;
    assert_int_equal(history_read(history, 0, TIMEFRAME_M1, UINT64_MAX, 1, &bar, &count), SHM_OK);
    assert_true(bar.seq > 1000600 && bar.seq <= 1000701);
    archive_close(&archive);
}

static void files_may_be_moved(void **state)
{
    (void)state;
    struct fleet_config *c = support_config(1);
    support_bars(c, 0, "a.csv", SUPPORT_MONDAY_S, 60, 10, 1);
    uint64_t own = archive_fingerprint(c);
    snprintf(c->instruments[0].file_path, CONFIG_PATH_MAX, "/elsewhere/a.csv");
    assert_true(archive_fingerprint(c) == own);
    snprintf(c->instruments[0].file_path, CONFIG_PATH_MAX, "/elsewhere/b.csv");
    assert_true(archive_fingerprint(c) != own);
}

/* The same settings, other data: the sequence does not pass the stored position. */
static void changed_data_are_seen(void **state)
{
    (void)state;
    begin(support_simulator(5, 3));
    open_archive();
    archive_begin(&archive, history, 0);
    take_until(5000);
    archive_close(&archive);
    resume();
    sequence[1234].record.u.bar.volume++;
    for (uint64_t n = 0; n < 4999; n++) {
        archive_take(&archive, &sequence[n]);
        assert_true(archive_check(&archive));
    }
    archive_take(&archive, &sequence[4999]);
    assert_false(archive_check(&archive));
    die();
}

static void another_size_is_filled_anew(void **state)
{
    (void)state;
    begin(support_simulator(5, 3));
    open_archive();
    archive_begin(&archive, history, 0);
    archive_anchor(&archive, 5, 6);
    take_until(9000);
    archive_close(&archive);
    char *state_dir = strdup(config->state_dir);
    struct fleet_config *c = support_simulator(5, 3);
    c->feed.history_bars = 1024;
    begin(c);
    snprintf(config->state_dir, sizeof config->state_dir, "%s", state_dir);
    free(state_dir);
    resume();
    assert_int_equal(archive.stored.seq, 9000);
    assert_int_equal(archive.position.anchor_wall_ns, 6);
    take_until(sequence_count);
    expect_same();
    archive_close(&archive);
    resume();
    expect_same();
    archive_close(&archive);
}

static const char *in_folder(const char *name)
{
    static char path[CONFIG_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/" ARCHIVE_FOLDER_NAME "/%s", config->state_dir, name);
    return path;
}

static void damage_is_set_aside(void **state)
{
    (void)state;
    begin(support_simulator(5, 3));
    open_archive();
    archive_begin(&archive, history, 0);
    take_until(5000);
    archive_close(&archive);
    assert_int_equal(truncate(in_folder("data.mdb"), 5000), 0);
    open_archive();
    assert_int_equal(archive.match, ARCHIVE_NEW);
    assert_int_equal(access(in_folder("data.mdb.damaged"), F_OK), 0);
    free(history);
    history = history_new();
    archive_begin(&archive, history, 0);
    take_until(sequence_count);
    archive_close(&archive);
    resume();
    expect_same();
    archive_close(&archive);
}

/* A row that is none of ours: its series is filled anew, the others are taken. */
static void damaged_row_is_filled_anew(void **state)
{
    (void)state;
    static const char *const names[] = {"meta", "series", "bars", "hours"};
    begin(support_simulator(5, 3));
    open_archive();
    archive_begin(&archive, history, 0);
    take_until(9000);
    archive_close(&archive);
    struct store *store;
    char folder[CONFIG_PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/" ARCHIVE_FOLDER_NAME, config->state_dir);
    const struct store_options options = {.folder = folder, .kind = "feed", .tables = names, .table_count = 4};
    assert_int_equal(store_open(&options, &store, NULL), 0);
    uint64_t wild = UINT64_MAX;
    store_put(store, 1, 0, &wild, sizeof wild);
    store_put(store, 2, UINT64_C(6) << 32 | 3, "rubbish", 7);
    unsigned char row[8 + 24 * HISTORY_HOUR_SLOTS];
    memset(row, 0x11, sizeof row);
    store_put(store, 3, 100, row, sizeof row);
    assert_int_equal(store_commit(store, STORE_CRASH, NULL), 0);
    store_close(&store);
    resume();
    take_until(sequence_count);
    expect_same();
    archive_close(&archive);
}

static void newer_version_and_second_owner_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"meta", "series", "bars", "hours"};
    struct error err = {0};
    struct archive second;
    begin(support_simulator(5, 3));
    open_archive();
    assert_int_equal(archive_open(&second, config, &err), -EWOULDBLOCK);
    archive_close(&archive);
    struct store *store;
    char folder[CONFIG_PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/" ARCHIVE_FOLDER_NAME, config->state_dir);
    const struct store_options options = {.folder = folder, .kind = "feed", .tables = names, .table_count = 4};
    assert_int_equal(store_open(&options, &store, NULL), 0);
    uint32_t row[20] = {ARCHIVE_VERSION + 1};
    store_put(store, 0, 1, row, sizeof row);
    assert_int_equal(store_commit(store, STORE_CRASH, NULL), 0);
    store_close(&store);
    assert_int_equal(archive_open(&archive, config, &err), -EPROTO);
    assert_non_null(strstr(err.text, folder));
    archive_close(&archive);
}

/* The disk has no room: the history goes on in memory, and is stored when there is room again. */
static void full_disk_is_waited_out(void **state)
{
    (void)state;
    begin(support_simulator(5, 3));
    open_archive();
    archive_begin(&archive, history, 0);
    take_until(300);
    archive_commit(&archive);
    assert_int_equal(archive.stored.seq, 300);
    struct stat st;
    assert_int_equal(stat(in_folder("data.mdb"), &st), 0);
    struct rlimit before, small = {.rlim_cur = 65536, .rlim_max = RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    uint64_t seq = 300;
    while (!archive_problem(&archive)[0] && seq + 1000 < sequence_count) {
        take_until(seq += 1000);
        archive_commit(&archive);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(archive_problem(&archive), "full"));
    assert_int_equal(archive.problems, 1);
    assert_true(archive.stored.seq < archive.position.seq);
    take_until(seq + 10);
    archive_commit(&archive);
    assert_string_equal(archive_problem(&archive), "");
    assert_int_equal(archive.stored.seq, seq + 10);
    take_until(sequence_count);
    archive_close(&archive);
    resume();
    expect_same();
    archive_close(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_without_duplicate_or_hole),
        cmocka_unit_test(killed_at_random),
        cmocka_unit_test(other_settings_are_seen),
        cmocka_unit_test(files_may_be_moved),
        cmocka_unit_test(changed_data_are_seen),
        cmocka_unit_test(another_size_is_filled_anew),
        cmocka_unit_test(damage_is_set_aside),
        cmocka_unit_test(damaged_row_is_filled_anew),
        cmocka_unit_test(newer_version_and_second_owner_are_refused),
        cmocka_unit_test(full_disk_is_waited_out),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
