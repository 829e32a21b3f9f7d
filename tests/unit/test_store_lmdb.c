/* The store on LMDB where the world is not kind: damage, foreign and newer environments, a device that fails,
 * growth. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "tests/unit/store_lmdb_fixture.h"

/* --- the two calls by which LMDB reaches the disk: counted, and made to fail ----------------------- */

static uint32_t syncs, metas_synced;
static int fail_sync, fail_meta; /* errno, 0: not */

int fdatasync(int fd)
{
    syncs++;
    if (fail_sync) {
        errno = fail_sync;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_DSYNC)) { /* LMDB's descriptor for the meta page of a synced commit */
        metas_synced++;
        if (fail_meta) {
            errno = fail_meta;
            return -1;
        }
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

/* That opening is refused with `code`, naming the folder and what to do. */
static void expect_refused(int code, const char *word)
{
    struct store_options options = support_options(folder);
    struct store *refused = NULL;
    err.text[0] = '\0';
    assert_int_equal(store_open(&options, &refused, &err), -code);
    assert_null(refused);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, folder));
    if (!strstr(err.text, word))
        fail_msg("no \"%s\" in: %s", word, err.text);
}

/* Change an environment behind the store's back. */
static void with_lmdb(const char *path, void (*change)(MDB_txn *txn))
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    change(txn);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void put_raw(MDB_txn *txn, const char *table, uint64_t number, const void *data, size_t size)
{
    MDB_dbi dbi;
    MDB_val key = lmdb_key(&number), value = lmdb_val(data, size);
    assert_int_equal(mdb_dbi_open(txn, table, MDB_INTEGERKEY | MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
}

/* --- refused ----------------------------------------------------------------------------------------------- */

static void make_newer(MDB_txn *txn)
{
    struct {
        struct lmdb_identity identity;
        char more[8];
    } newer = {.identity = {LMDB_MAGIC, STORE_VERSION + 1, "account"}};
    put_raw(txn, LMDB_META, LMDB_KEY_IDENTITY, &newer, sizeof newer);
}

static void make_nameless(MDB_txn *txn) { put_raw(txn, LMDB_META, LMDB_KEY_IDENTITY, "PFST", 4); }

static void make_foreign(MDB_txn *txn) { put_raw(txn, "their", 1, "data", 4); }

static void break_month(MDB_txn *txn)
{
    struct lmdb_month entry = {1, 11}; /* ten records are there */
    put_raw(txn, LMDB_MONTHS, store_month(MAY_2024_NS), &entry, sizeof entry);
}

static void break_key(MDB_txn *txn)
{
    MDB_dbi dbi;
    MDB_val key = {.mv_size = 4, .mv_data = "four"}, value = key;
    assert_int_equal(mdb_dbi_open(txn, "orders", 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
    assert_int_equal(mdb_dbi_open(txn, "orders", MDB_INTEGERKEY | MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
}

static void test_newer_version_is_refused(void **state)
{
    (void)state;
    store_close(&store);
    with_lmdb(folder, make_newer);
    expect_refused(EPROTO, "newer version");
}

static void test_foreign_environment_is_refused(void **state)
{
    (void)state;
    store_close(&store);
    support_remove(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    with_lmdb(folder, make_foreign);
    expect_refused(EINVAL, "not propfleet's");
}

static void test_broken_contents_are_refused(void **state)
{
    (void)state;
    for (uint64_t seq = 1; seq <= 10; seq++)
        journal(store, seq, MAY_2024_NS, 50);
    commit(STORE_CRASH);
    store_close(&store);
    with_lmdb(folder, break_month);
    expect_refused(EBADMSG, "damaged");
    support_remove(folder);
    reopen();
    store_close(&store);
    with_lmdb(folder, break_key);
    expect_refused(EBADMSG, "damaged");
    support_remove(folder);
    reopen();
    store_close(&store);
    with_lmdb(folder, make_nameless);
    expect_refused(EBADMSG, "damaged");
}

static void test_truncated_file_is_refused(void **state)
{
    (void)state;
    static const off_t lengths[] = {0, 1, 100, 4096, 4097, 8192, 12288, 1 << 20, 3 << 20};
    fill(4);
    store_close(&store);
    for (int i = 8; i >= 0; i--) {
        assert_int_equal(truncate(path_of("data.mdb"), lengths[i]), 0);
        expect_refused(EBADMSG, "damaged");
        assert_int_equal(data_bytes(), lengths[i]); /* left as it was found */
        struct store_options options = support_options(folder);
        assert_int_equal(store_open_reader(&options, &store, &err), -EBADMSG);
    }
}

static void test_file_without_its_free_last_pages_is_whole(void **state)
{
    (void)state;
    put_u64(store, ORDERS, 1, 10);
    commit(STORE_CRASH);
    fill(2);
    store_delete(store, RISK, 1);
    commit(STORE_CRASH);
    for (uint64_t i = 1; i <= 40; i++) { /* what is alive moves to free pages nearer the beginning */
        put_u64(store, ORDERS, 2, i);
        put_u64(store, RISK, 9, i);
        commit(STORE_CRASH);
    }
    off_t used = (off_t)lmdb_of(store)->used_bytes;
    store_close(&store);
    assert_int_equal(truncate(path_of("data.mdb"), used - 20 * 4096), 0);
    reopen();
    assert_int_equal(get_u64(store, ORDERS, 2), 40);
    fill(3);
    assert_int_equal(get_u64(store, RISK, 9), 40);
}

static void test_garbage_is_refused(void **state)
{
    (void)state;
    fill(1);
    store_close(&store);
    int fd = open(path_of("data.mdb"), O_WRONLY | O_CLOEXEC);
    char garbage[8192];
    memset(garbage, 0xa5, sizeof garbage);
    assert_int_equal(pwrite(fd, garbage, sizeof garbage, 0), sizeof garbage);
    close(fd);
    expect_refused(EBADMSG, "damaged");
}

static void test_half_made_environment_is_made_again(void **state)
{
    (void)state;
    store_close(&store);
    support_remove(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(path_of(".new"), 0700), 0);
    int fd = open(path_of(".new/data.mdb"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 4096), 0);
    close(fd);
    reopen();
    put_u64(store, ORDERS, 1, 1);
    commit(STORE_POWER);
    assert_int_not_equal(access(path_of(".new"), F_OK), 0);
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_folder_that_cannot_be_made(void **state)
{
    (void)state;
    char under_file[128], missing[128];
    struct store *refused = NULL;
    int fd = open(path_of("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    snprintf(under_file, sizeof under_file, "%s/file/store", folder);
    struct store_options options = support_options(under_file);
    assert_int_equal(store_open(&options, &refused, &err), -ENOTDIR);
    assert_non_null(strstr(err.text, "/file"));
    snprintf(missing, sizeof missing, "%s/a/b/c", folder);
    options.folder = missing;
    assert_int_equal(store_open_reader(&options, &refused, &err), -ENOENT);
    assert_non_null(strstr(err.text, missing));
    assert_int_not_equal(access(missing, F_OK), 0);
    assert_int_equal(store_open(&options, &refused, &err), 0); /* a writer makes them all */
    store_close(&refused);
}

/* --- durability --------------------------------------------------------------------------------------------- */

static void expect_syncs(enum store_sync sync, uint32_t data, uint32_t meta)
{
    static uint64_t number;
    syncs = metas_synced = 0;
    put_u64(store, ORDERS, 1, ++number);
    commit(sync);
    assert_int_equal(syncs, data);
    assert_int_equal(metas_synced, meta);
}

static void test_what_is_synced(void **state)
{
    (void)state;
    expect_syncs(STORE_CRASH, 0, 0);
    expect_syncs(STORE_POWER, 1, 1);
    expect_syncs(STORE_CRASH, 0, 0); /* beside the tables */
    expect_syncs(STORE_CRASH, 0, 0);
    expect_syncs(STORE_POWER, 1, 1); /* all three */
    expect_syncs(STORE_CRASH, 0, 0);
    assert_int_equal(store_settle(store, &err), 0);
    assert_int_equal(syncs, 1); /* what STORE_POWER promised stays whole */
    assert_int_equal(metas_synced, 0);
    reopen();
    expect_syncs(STORE_CRASH, 0, 0);
    syncs = 0;
    commit(STORE_POWER); /* an empty one makes durable what was not */
    assert_int_equal(syncs, 1);
    commit(STORE_POWER);
    assert_int_equal(syncs, 1);
    put_u64(store, ORDERS, 2, 1);
    commit(STORE_CRASH);
    syncs = 0;
    store_close(&store); /* likewise an orderly end */
    assert_int_equal(syncs, 1);
    support_remove(folder);
    reopen();
    expect_syncs(STORE_CRASH, 0, 0);
    syncs = metas_synced = 0;
    commit(STORE_POWER); /* the first one marks, though it is empty */
    assert_int_equal(syncs, 1);
    assert_int_equal(metas_synced, 1);
    expect_syncs(STORE_CRASH, 0, 0);
}

/* --- the tail: crash commits of a marked environment ---------------------------------------------------------- */

/* A process that commits `value` (and a journal record) as STORE_CRASH, leaves more in its batch, and dies. */
static void keep_and_die(uint64_t value)
{
    store_close(&store);
    pid_t pid = support_fork();
    if (pid == 0) {
        struct store_options options = support_options(folder);
        CHILD_CHECK(store_open(&options, &store, &err) == 0, &err);
        uint64_t next = store_journal_last(store) + 1;
        put_u64(store, ORDERS, 1, value);
        CHILD_CHECK(store_commit(store, STORE_CRASH, &err) == 0, &err);
        journal(store, next, MAY_2024_NS, 40);
        store_delete(store, ORDERS, 2);
        CHILD_CHECK(store_commit(store, STORE_CRASH, &err) == 0, &err);
        CHILD_CHECK(store_unsettled(store) && store_batch_empty(store), NULL);
        put_u64(store, ORDERS, 3, value);
        _exit(0);
    }
    assert_int_equal(support_wait(pid), 0);
}

static void mark(void)
{
    put_u64(store, ORDERS, 1, 1);
    put_u64(store, ORDERS, 2, 2);
    commit(STORE_POWER);
}

static void expect_power_alone(void)
{
    assert_false(store_unsettled(store));
    assert_int_equal(get_u64(store, ORDERS, 1), 1);
    assert_int_equal(get_u64(store, ORDERS, 2), 2);
    assert_int_equal(store_journal_last(store), 0);
}

static void test_tail_outlives_the_process(void **state)
{
    (void)state;
    mark();
    for (uint64_t life = 1; life <= 3; life++) {
        keep_and_die(100 + life);
        reopen();
        assert_true(store_unsettled(store));
        assert_int_equal(store_journal_last(store), life);
        if (life == 2) { /* goes on where the dead one stopped */
            put_u64(store, POSITIONS, 1, 7);
            commit(STORE_CRASH);
        }
        assert_int_equal(get_u64(store, ORDERS, 1), 100 + life);
        assert_int_equal(get_u64(store, ORDERS, 2), UINT64_MAX);
        assert_int_equal(get_u64(store, ORDERS, 3), UINT64_MAX);
        assert_false(store_unsettled(store)); /* the read has put it into the tables */
    }
    assert_int_equal(get_u64(store, POSITIONS, 1), 7);
    assert_int_equal(store_journal_first(store), 1);
}

static void change_tail(off_t at)
{
    unsigned char byte;
    int fd = open(path_of("tail"), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* What a power cut may leave of it; the tables know nothing of that. */
static void test_tail_torn_is_dropped(void **state)
{
    (void)state;
    static const off_t places[] = {0, 8, 16, 24, 32, 48, 56, 4096, 4096 + 16, 4096 + 24, 4096 + 33}; /* head, slots, batch */
    mark();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        keep_and_die(50);
        change_tail(places[i]);
        reopen();
        if (store_unsettled(store))
            assert_int_equal(get_u64(store, ORDERS, 1), 50); /* the damage hit the slot before */
        else
            expect_power_alone();
        store_close(&store);
        support_remove(folder);
        reopen();
        mark();
    }
    keep_and_die(51);
    int fd = open(path_of("tail"), O_RDWR | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
    reopen();
    expect_power_alone();
}

/* Once the tables have moved on, an old tail is nobody's. */
static void test_tail_of_another_transaction(void **state)
{
    (void)state;
    char aside[160];
    mark();
    keep_and_die(60);
    snprintf(aside, sizeof aside, "%s/aside", folder);
    assert_int_equal(rename(path_of("tail"), aside), 0);
    reopen();
    expect_power_alone();
    put_u64(store, ORDERS, 1, 61);
    commit(STORE_POWER);
    store_close(&store);
    assert_int_equal(rename(aside, path_of("tail")), 0);
    reopen();
    assert_false(store_unsettled(store));
    assert_int_equal(get_u64(store, ORDERS, 1), 61);
}

static void test_tail_and_the_open_batch(void **state)
{
    (void)state;
    mark();
    put_u64(store, ORDERS, 5, 5);
    journal(store, 1, MAY_2024_NS, 40);
    commit(STORE_CRASH);
    put_u64(store, ORDERS, 6, 6);
    store_discard(store); /* the open part alone */
    assert_true(store_batch_empty(store) && store_unsettled(store));
    put_u64(store, ORDERS, 7, 7);
    journal(store, 2, MAY_2024_NS, 40);
    assert_int_equal(get_u64(store, ORDERS, 5), 5); /* settles what was committed, keeps what was not */
    assert_int_equal(get_u64(store, ORDERS, 7), UINT64_MAX);
    assert_int_equal(store_journal_last(store), 1);
    assert_false(store_batch_empty(store));
    journal(store, 3, MAY_2024_NS, 40);
    commit(STORE_CRASH);
    assert_int_equal(store_journal_last(store), 3);
    assert_int_equal(get_u64(store, ORDERS, 7), 7);
    assert_int_equal(get_u64(store, ORDERS, 6), UINT64_MAX);
}

static void test_tail_is_bounded(void **state)
{
    (void)state;
    static unsigned char big[100 << 10];
    mark();
    for (uint64_t i = 0; i < 100; i++) {
        memcpy(big, &i, sizeof i);
        store_put(store, RISK, i % 7, big, sizeof big);
        commit(STORE_CRASH);
        assert_true(store_batch_room(store) > STORE_BATCH_BYTES_MAX / 2);
    }
    assert_int_equal(get_u64(store, RISK, 99 % 7), 99);
}

static void test_device_failure(void **state)
{
    (void)state;
    put_u64(store, ORDERS, 1, 10);
    commit(STORE_POWER);
    put_u64(store, ORDERS, 1, 11);
    journal(store, 1, MAY_2024_NS, 20);
    fail_sync = EIO;
    assert_int_equal(store_commit(store, STORE_POWER, &err), -EIO);
    assert_non_null(strstr(err.text, "device"));
    assert_non_null(strstr(err.text, folder));
    assert_true(store_low(store));
    assert_int_equal(get_u64(store, ORDERS, 1), 10);
    fail_sync = 0;
    assert_int_equal(store_commit(store, STORE_POWER, &err), -EIO); /* a device that failed is not believed again */
    assert_false(store_batch_empty(store));
    reopen();
    assert_int_equal(get_u64(store, ORDERS, 1), 10);
    assert_int_equal(store_journal_last(store), 0);
}

static void test_meta_page_that_cannot_be_written(void **state)
{
    (void)state;
    put_u64(store, ORDERS, 1, 10);
    commit(STORE_POWER);
    for (uint64_t seq = 1; seq < 30; seq++) {
        put_u64(store, ORDERS, 1, 10 + seq);
        journal(store, seq, MAY_2024_NS + (int64_t)(seq / 10) * MONTH_NS, 20);
        if (seq % 5 == 0) {
            fail_meta = ENOSPC;
            assert_int_equal(store_commit(store, STORE_POWER, &err), -ENOSPC);
            assert_true(store_low(store));
            fail_meta = 0;
            assert_false(store_batch_empty(store));
        }
        commit(STORE_POWER); /* LMDB had to be opened again */
        assert_false(store_low(store));
        assert_int_equal(get_u64(store, ORDERS, 1), 10 + seq);
        assert_int_equal(store_journal_last(store), seq);
    }
    reopen();
    assert_int_equal(store_journal_first(store), 1);
    assert_int_equal(store_journal_last(store), 29);
}

/* --- growth ---------------------------------------------------------------------------------------------------- */

static void test_map_grows(void **state)
{
    (void)state;
    struct store_options options = support_options(folder);
    uint64_t map = lmdb_of(store)->map_bytes;
    assert_int_equal(map, 1 << 20);
    fill(support_turns(200));
    assert_true(lmdb_of(store)->map_bytes >= map * support_turns(200));
    unsigned char first = 0;
    for (uint64_t key = 0; key < support_turns(200); key++) {
        size_t length = 0;
        assert_int_equal(store_get(store, RISK, key, &first, 1, &length), 0);
        assert_int_equal(first, (key + 1) & 0xff);
        assert_int_equal(length, 1 << 20);
    }
    map = lmdb_of(store)->map_bytes;
    reopen();
    assert_int_equal(lmdb_of(store)->map_bytes, map); /* it is remembered */
    store_close(&store);
    options.map_bytes = map * 2 + 1;
    open_with(&options);
    assert_int_equal(lmdb_of(store)->map_bytes, map * 2 + (1 << 20));
}

static void test_retention_bounds_the_file(void **state)
{
    (void)state;
    struct store_options options = support_options(folder);
    options.journal_months = 2;
    store_close(&store);
    open_with(&options);
    uint64_t seq = 0;
    off_t after_six = 0;
    for (int month = 0; month < 60; month++) {
        for (int i = 0; i < 400; i++) {
            seq++;
            journal(store, seq, MAY_2024_NS + DAY_NS + month * 30 * DAY_NS, 200 + (seq * 37) % 800);
            if (i % 8 == 0) {
                put_u64(store, ORDERS, seq % 20, seq);
                commit(STORE_CRASH);
            }
        }
        commit(STORE_CRASH);
        if (month == 6)
            after_six = (off_t)lmdb_of(store)->used_bytes;
    }
    printf("retention: %lld KiB after 6 months, %lld KiB after 60\n", (long long)after_six / 1024,
           (long long)lmdb_of(store)->used_bytes / 1024);
    assert_true((off_t)lmdb_of(store)->used_bytes <= after_six * 3 / 2);
    assert_in_range(seq - store_journal_first(store), 399, 3 * 400);
}

static void test_file_is_allocated_ahead(void **state)
{
    (void)state;
    struct store_options options = support_options(folder);
    struct stat st;
    options.reserve_bytes = 3 << 20;
    store_close(&store);
    open_with(&options);
    for (uint64_t i = 0; i < 40; i++) {
        assert_int_equal(stat(path_of("data.mdb"), &st), 0);
        assert_true((uint64_t)st.st_size >= lmdb_of(store)->used_bytes + options.reserve_bytes);
        assert_true((uint64_t)st.st_blocks * 512 >= options.reserve_bytes);
        journal(store, i + 1, MAY_2024_NS, 60000);
        commit(STORE_CRASH);
    }
    assert_false(store_low(store));
    lmdb_of(store)->base.reserve_bytes = UINT64_C(1) << 60; /* more than any disk has */
    assert_true(store_low(store));
}

/* Resident bytes of the mapping of data.mdb. */
static long mapped_kib(void)
{
    char line[512];
    long kib = 0, value;
    bool ours = false;
    FILE *f = fopen("/proc/self/smaps", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strchr("0123456789abcdef", line[0])) /* the first line of a mapping; the others have names */
            ours = strstr(line, "data.mdb") != NULL;
        if (ours && sscanf(line, "Rss: %ld kB", &value) == 1)
            kib += value;
    }
    if (f)
        fclose(f);
    return kib;
}

static int touch(void *context, uint64_t key, const void *data, size_t size)
{
    (void)context, (void)key, (void)data, (void)size;
    return 0;
}

static void test_trim(void **state)
{
    (void)state;
    fill(16);
    assert_int_equal(store_scan(store, RISK, 0, 100, touch, NULL), 0);
    long before = mapped_kib();
    store_trim(store);
    long after = mapped_kib();
    printf("trim: %ld KiB, then %ld KiB\n", before, after);
    assert_true(before > 15000);
    assert_true(after < 1000);
    assert_int_equal(get_u64(store, RISK, 15) & 0xff, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_newer_version_is_refused),
        TEST(test_foreign_environment_is_refused),
        TEST(test_broken_contents_are_refused),
        TEST(test_truncated_file_is_refused),
        TEST(test_file_without_its_free_last_pages_is_whole),
        TEST(test_garbage_is_refused),
        TEST(test_half_made_environment_is_made_again),
        TEST(test_folder_that_cannot_be_made),
        TEST(test_what_is_synced),
        TEST(test_tail_outlives_the_process),
        TEST(test_tail_torn_is_dropped),
        TEST(test_tail_of_another_transaction),
        TEST(test_tail_and_the_open_batch),
        TEST(test_tail_is_bounded),
        TEST(test_device_failure),
        TEST(test_meta_page_that_cannot_be_written),
        TEST(test_map_grows),
        TEST(test_retention_bounds_the_file),
        TEST(test_file_is_allocated_ahead),
        TEST(test_trim),
    };
    return cmocka_run_group_tests_name("the store on LMDB in an unkind world", tests, NULL, NULL);
}
