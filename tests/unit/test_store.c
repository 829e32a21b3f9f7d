/* The store's contract, against both implementations; and what only the twin in memory can do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/store_support.h"
#include "workers/store/backend.h"

enum { ORDERS, POSITIONS, RISK };

static int (*open_store)(const struct store_options *, struct store **, struct error *);
static char folder[64];
static struct store *store;
static struct error err;

static struct store *opened(const struct store_options *options)
{
    struct store *s = NULL;
    if (open_store(options, &s, &err) != 0)
        fail_msg("%s", err.text);
    return s;
}

static void reopen(void)
{
    struct store_options options = support_options(folder);
    store_close(&store);
    assert_null(store);
    store = opened(&options);
}

static int setup(void **state)
{
    (void)state;
    support_folder(folder);
    struct store_options options = support_options(folder);
    store = opened(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(&store);
    store_memory_forget_all();
    support_remove(folder);
    return 0;
}

static void commit(enum store_sync sync)
{
    if (store_commit(store, sync, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(store_batch_empty(store));
}

static void put_u64(uint32_t table, uint64_t key, uint64_t value) { store_put(store, table, key, &value, sizeof value); }

/* The value, or UINT64_MAX when there is none. */
static uint64_t get_u64(uint32_t table, uint64_t key)
{
    uint64_t value = 0;
    size_t length = 0;
    int rc = store_get(store, table, key, &value, sizeof value, &length);
    if (rc == -ENOENT)
        return UINT64_MAX;
    assert_int_equal(rc, 0);
    assert_int_equal(length, sizeof value);
    return value;
}

struct seen {
    uint32_t count;
    uint64_t keys[4096];
    size_t sizes[4096];
    uint32_t stop_after;
};
static struct seen seen;

static int see(void *context, uint64_t key, const void *data, size_t size)
{
    struct seen *s = context;
    assert_true(s->count < 4096);
    if (size >= sizeof key) /* data begin with their key */
        assert_memory_equal(data, &key, sizeof key);
    s->keys[s->count] = key;
    s->sizes[s->count++] = size;
    return s->stop_after && s->count == s->stop_after ? 7 : 0;
}

static int scan(uint32_t table, uint64_t from, uint32_t max)
{
    seen.count = 0;
    return table == STORE_JOURNAL ? store_journal_scan(store, from, max, see, &seen)
                                  : store_scan(store, table, from, max, see, &seen);
}

static void test_empty(void **state)
{
    (void)state;
    assert_int_equal(get_u64(ORDERS, 1), UINT64_MAX);
    assert_int_equal(scan(RISK, 0, 10), 0);
    assert_int_equal(seen.count, 0);
    assert_int_equal(scan(STORE_JOURNAL, 0, 10), 0);
    assert_int_equal(seen.count, 0);
    assert_int_equal(store_journal_first(store), 0);
    assert_int_equal(store_journal_last(store), 0);
    assert_true(store_batch_empty(store));
    commit(STORE_CRASH);
    commit(STORE_POWER);
    store_trim(store);
    assert_false(store_low(store));
}

static void test_reads_see_committed_data_only(void **state)
{
    (void)state;
    put_u64(ORDERS, 1, 10);
    put_u64(POSITIONS, 1, 11);
    uint64_t first = 1;
    store_journal(store, 1, MAY_2024_NS, &first, sizeof first);
    assert_false(store_batch_empty(store));
    assert_int_equal(get_u64(ORDERS, 1), UINT64_MAX);
    assert_int_equal(store_journal_last(store), 0);
    assert_int_equal(scan(STORE_JOURNAL, 0, 10), 0);
    assert_int_equal(seen.count, 0);
    commit(STORE_CRASH);
    assert_int_equal(get_u64(ORDERS, 1), 10);
    assert_int_equal(get_u64(POSITIONS, 1), 11);
    assert_int_equal(get_u64(RISK, 1), UINT64_MAX);
    assert_int_equal(store_journal_last(store), 1);
    put_u64(ORDERS, 1, 20);
    store_delete(store, POSITIONS, 1);
    assert_int_equal(get_u64(ORDERS, 1), 10);
    assert_int_equal(get_u64(POSITIONS, 1), 11);
    store_discard(store);
    assert_true(store_batch_empty(store));
    commit(STORE_POWER);
    assert_int_equal(get_u64(ORDERS, 1), 10);
    assert_int_equal(get_u64(POSITIONS, 1), 11);
}

static void test_last_change_of_a_batch_wins(void **state)
{
    (void)state;
    put_u64(ORDERS, 1, 10);
    put_u64(ORDERS, 1, 11);
    put_u64(ORDERS, 2, 12);
    store_delete(store, ORDERS, 2);
    store_delete(store, ORDERS, 3); /* not there: no error */
    put_u64(ORDERS, 3, 13);
    commit(STORE_CRASH);
    assert_int_equal(get_u64(ORDERS, 1), 11);
    assert_int_equal(get_u64(ORDERS, 2), UINT64_MAX);
    assert_int_equal(get_u64(ORDERS, 3), 13);
}

static void test_what_is_not_committed_is_lost_by_close(void **state)
{
    (void)state;
    put_u64(ORDERS, 1, 10);
    commit(STORE_CRASH);
    put_u64(ORDERS, 1, 11);
    put_u64(ORDERS, 2, 12);
    reopen();
    assert_true(store_batch_empty(store));
    assert_int_equal(get_u64(ORDERS, 1), 10);
    assert_int_equal(get_u64(ORDERS, 2), UINT64_MAX);
}

static void test_get_copies_what_fits(void **state)
{
    (void)state;
    char out[8];
    size_t length = 0;
    memset(out, '-', sizeof out);
    store_put(store, RISK, 5, "abcdef", 6);
    store_put(store, RISK, 6, NULL, 0);
    commit(STORE_CRASH);
    assert_int_equal(store_get(store, RISK, 5, out, 3, &length), 0);
    assert_int_equal(length, 6);
    assert_memory_equal(out, "abc-----", 8);
    assert_int_equal(store_get(store, RISK, 5, out, sizeof out, NULL), 0);
    assert_memory_equal(out, "abcdef--", 8);
    assert_int_equal(store_get(store, RISK, 6, NULL, 0, &length), 0);
    assert_int_equal(length, 0);
    assert_int_equal(store_get(store, RISK, 7, out, sizeof out, &length), -ENOENT);
}

static void test_scan_order_and_bounds(void **state)
{
    (void)state;
    static const uint64_t keys[] = {UINT64_MAX, 7, 256, 0, 65536, 1, UINT64_C(1) << 32, 255, UINT64_MAX - 1};
    static const uint64_t sorted[] = {0, 1, 7, 255, 256, 65536, UINT64_C(1) << 32, UINT64_MAX - 1, UINT64_MAX};
    for (int i = 0; i < 9; i++)
        put_u64(ORDERS, keys[i], keys[i]);
    commit(STORE_CRASH);
    assert_int_equal(scan(ORDERS, 0, UINT32_MAX), 0);
    assert_int_equal(seen.count, 9);
    assert_memory_equal(seen.keys, sorted, sizeof sorted);
    assert_int_equal(scan(ORDERS, 7, 3), 0);
    assert_int_equal(seen.count, 3);
    assert_memory_equal(seen.keys, sorted + 2, 3 * sizeof *sorted);
    assert_int_equal(scan(ORDERS, 8, 1), 0);
    assert_int_equal(seen.keys[0], 255);
    assert_int_equal(scan(ORDERS, UINT64_MAX, 5), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(scan(ORDERS, 0, 0), 0);
    assert_int_equal(seen.count, 0);
    seen.stop_after = 4;
    assert_int_equal(scan(ORDERS, 0, 100), 7);
    assert_int_equal(seen.count, 4);
    seen.stop_after = 0;
}

static void test_scan_goes_on_after_a_chunk(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2500; i++)
        put_u64(POSITIONS, i * 3, i * 3);
    commit(STORE_CRASH);
    assert_int_equal(scan(POSITIONS, 1, UINT32_MAX), 0);
    assert_int_equal(seen.count, 2499);
    for (uint32_t i = 0; i < seen.count; i++)
        assert_int_equal(seen.keys[i], (i + 1) * 3);
    assert_int_equal(scan(POSITIONS, 0, 1001), 0);
    assert_int_equal(seen.count, 1001);
}

static void test_large_values(void **state)
{
    (void)state;
    size_t size = store_batch_room(store);
    unsigned char *big = malloc(size), *copy = malloc(size);
    assert_true(size > STORE_BATCH_BYTES_MAX - 64);
    for (uint64_t key = 1; key <= 3; key++) {
        for (size_t i = 0; i < size; i++)
            big[i] = (unsigned char)(i * 7 + key);
        memcpy(big, &key, sizeof key);
        store_put(store, RISK, key, big, size);
        assert_true(store_batch_room(store) < 8);
        commit(STORE_CRASH);
    }
    size_t length = 0;
    assert_int_equal(store_get(store, RISK, 3, copy, size, &length), 0);
    assert_int_equal(length, size);
    assert_memory_equal(copy, big, size);
    assert_int_equal(scan(RISK, 0, 10), 0);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.sizes[1], size);
    free(big);
    free(copy);
}

static int move_on(void *context, uint64_t key, const void *data, size_t size)
{
    uint64_t value = 0;
    uint32_t *visited = context;
    memcpy(&value, data, size);
    assert_int_equal(get_u64(ORDERS, key), value); /* a visitor may read, write and commit */
    put_u64(ORDERS, key, value + 1);
    store_delete(store, ORDERS, key + 1);
    commit(STORE_CRASH);
    (*visited)++;
    return 0;
}

static void test_visitor_may_change_the_store(void **state)
{
    (void)state;
    uint32_t visited = 0;
    for (uint64_t i = 0; i < 20; i += 2)
        put_u64(ORDERS, i, 100 + i);
    commit(STORE_CRASH);
    assert_int_equal(store_scan(store, ORDERS, 0, 100, move_on, &visited), 0);
    assert_int_equal(visited, 10);
    assert_int_equal(get_u64(ORDERS, 18), 119);
}

/* --- journal ------------------------------------------------------------------------------------ */

static void journal(uint64_t seq, int64_t time_ns)
{
    unsigned char record[24] = {0};
    memcpy(record, &seq, sizeof seq);
    store_journal(store, seq, time_ns, record, 8 + seq % 16);
}

static void expect_journal(uint64_t first, uint64_t last)
{
    assert_int_equal(store_journal_first(store), first);
    assert_int_equal(store_journal_last(store), last);
    assert_int_equal(scan(STORE_JOURNAL, 0, UINT32_MAX), 0);
    assert_int_equal(seen.count, last ? last - first + 1 : 0);
    for (uint32_t i = 0; i < seen.count; i++) {
        assert_int_equal(seen.keys[i], first + i);
        assert_int_equal(seen.sizes[i], 8 + (first + i) % 16);
    }
}

static void test_month_of_a_time(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 100000; day++) { /* to 2243 */
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        assert_int_equal(store_month(day * DAY_NS), (tm.tm_year + 1900) * 12 + tm.tm_mon);
    }
    char name[STORE_NAME_MAX + 1];
    store_month_name(store_month(MAY_2024_NS), name);
    assert_string_equal(name, "journal.2024-05");
    store_month_name(store_month(MAY_2024_NS - 1), name);
    assert_string_equal(name, "journal.2024-04");
    assert_int_equal(store_month(-1), store_month(0));
}

static void test_journal_over_months(void **state)
{
    (void)state;
    uint64_t seq = 0;
    for (int month = 0; month < 14; month++) { /* one commit each, then several months in one */
        for (int i = 0; i < 50; i++, seq++)
            journal(seq + 1, MAY_2024_NS + month * MONTH_NS + i);
        if (month < 7)
            commit(month % 2 ? STORE_POWER : STORE_CRASH);
    }
    commit(STORE_CRASH);
    expect_journal(1, 700);
    assert_int_equal(scan(STORE_JOURNAL, 345, 10), 0);
    assert_int_equal(seen.count, 10);
    assert_int_equal(seen.keys[0], 345);
    assert_int_equal(seen.keys[9], 354);
    assert_int_equal(scan(STORE_JOURNAL, 701, 10), 0);
    assert_int_equal(seen.count, 0);
    reopen();
    expect_journal(1, 700);
    journal(701, MAY_2024_NS); /* a late record goes on in the last month */
    commit(STORE_CRASH);
    reopen();
    expect_journal(1, 701);
}

static void test_journal_batch_discarded(void **state)
{
    (void)state;
    journal(1, MAY_2024_NS);
    journal(2, MAY_2024_NS + 40 * DAY_NS);
    store_discard(store);
    journal(1, MAY_2024_NS - 40 * DAY_NS);
    commit(STORE_CRASH);
    expect_journal(1, 1);
}

static void test_retention_drops_months(void **state)
{
    (void)state;
    struct store_options options = support_options(folder);
    options.journal_months = 3;
    store_close(&store);
    store = opened(&options);
    for (uint64_t month = 0; month < 24; month++) {
        for (uint64_t i = 1; i <= 10; i++)
            journal(month * 10 + i, MAY_2024_NS + DAY_NS + (int64_t)month * 30 * DAY_NS);
        commit(STORE_CRASH);
    }
    uint64_t first = store_journal_first(store);
    assert_in_range(first, 201, 211); /* 3 months, two of them may begin within one step of 30 days */
    expect_journal(first, 240);
    store_close(&store);
    store = opened(&options);
    expect_journal(first, 240);
    journal(241, MAY_2024_NS + 3000 * DAY_NS); /* a long pause: only the new month is kept */
    commit(STORE_CRASH);
    expect_journal(241, 241);
    for (uint64_t seq = 242; seq <= 250; seq++) /* months that come and go within one batch */
        journal(seq, MAY_2024_NS + (3000 + (int64_t)(seq - 241) * 31) * DAY_NS);
    commit(STORE_CRASH);
    expect_journal(248, 250);
    store_close(&store);
    options.journal_months = 1;
    store = opened(&options); /* a shorter retention takes effect with the next commit */
    journal(251, MAY_2024_NS + 3280 * DAY_NS);
    commit(STORE_CRASH);
    expect_journal(250, 251);
}

/* --- options --------------------------------------------------------------------------------------- */

static void test_another_kind_is_refused(void **state)
{
    (void)state;
    struct store_options options = support_options(folder);
    struct store *other = NULL;
    store_close(&store);
    options.kind = "paper";
    assert_int_equal(open_store(&options, &other, &err), -EINVAL);
    assert_null(other);
    assert_non_null(strstr(err.text, folder));
    assert_non_null(strstr(err.text, "\"account\""));
    assert_non_null(strstr(err.text, "\"paper\""));
}

static void test_second_open_is_refused(void **state)
{
    (void)state;
    struct store_options options = support_options(folder);
    struct store *other = NULL;
    assert_int_equal(open_store(&options, &other, &err), -EBUSY);
    assert_non_null(strstr(err.text, folder));
    put_u64(ORDERS, 1, 1);
    commit(STORE_CRASH);
    assert_int_equal(get_u64(ORDERS, 1), 1);
}

static void test_tables_are_found_by_name(void **state)
{
    (void)state;
    static const char *const tables[] = {"risk", "new", "orders"};
    struct store_options options = support_options(folder);
    put_u64(ORDERS, 1, 10);
    put_u64(RISK, 1, 12);
    commit(STORE_CRASH);
    store_close(&store);
    options.tables = tables;
    store = opened(&options);
    assert_int_equal(get_u64(0, 1), 12);
    assert_int_equal(get_u64(1, 1), UINT64_MAX);
    assert_int_equal(get_u64(2, 1), 10);
}

/* --- random operations against a model ------------------------------------------------------------------ */

#define MODEL_KEYS 48u

struct model {
    uint64_t tables[3][MODEL_KEYS]; /* 0: none */
    uint64_t journal_last;
};

static void model_step(struct model *pending, uint64_t *random, uint64_t number)
{
    uint64_t r = support_random(random);
    uint32_t table = (uint32_t)(r >> 8) % 3, key = (uint32_t)(r >> 16) % MODEL_KEYS;
    static unsigned char bytes[3000];
    switch (r % 8) {
    case 0:
        store_delete(store, table, key);
        pending->tables[table][key] = 0;
        break;
    case 1:
    case 2:
        pending->journal_last++;
        journal(pending->journal_last, MAY_2024_NS + (int64_t)(number * 40) * (DAY_NS / 24));
        break;
    default:
        memcpy(bytes, &number, sizeof number);
        store_put(store, table, key, bytes, 8 + (r >> 32) % (sizeof bytes - 8));
        pending->tables[table][key] = number;
    }
}

static void model_compare(const struct model *m)
{
    for (uint32_t t = 0; t < 3; t++) {
        for (uint32_t k = 0; k < MODEL_KEYS; k++) {
            uint64_t value = 0;
            int rc = store_get(store, t, k, &value, sizeof value, NULL);
            assert_int_equal(rc, m->tables[t][k] ? 0 : -ENOENT);
            assert_int_equal(value, m->tables[t][k]);
        }
    }
    expect_journal(m->journal_last ? 1 : 0, m->journal_last);
}

static void test_random_operations(void **state)
{
    (void)state;
    uint64_t random = support_seed(), number = 0;
    struct model committed = {0}, pending = {0};
    for (uint32_t turn = 0; turn < support_turns(1500); turn++) {
        for (uint64_t n = support_random(&random) % 6; n > 0; n--)
            model_step(&pending, &random, ++number);
        uint64_t what = support_random(&random) % 16;
        if (what == 0) {
            store_discard(store);
            pending = committed;
        } else if (what == 1) {
            reopen();
            pending = committed;
        } else if (what < 14) {
            commit(what < 4 ? STORE_POWER : STORE_CRASH);
            committed = pending;
        }
        if (turn % 16 == 0 || what < 2)
            model_compare(&committed);
    }
    model_compare(&committed);
}

/* --- the twin alone ------------------------------------------------------------------------------------- */

static void test_memory_lose(void **state)
{
    (void)state;
    put_u64(ORDERS, 1, 10);
    put_u64(ORDERS, 2, 20);
    journal(1, MAY_2024_NS);
    commit(STORE_POWER);
    put_u64(ORDERS, 1, 11);
    store_delete(store, ORDERS, 2);
    put_u64(ORDERS, 3, 30);
    journal(2, MAY_2024_NS + MONTH_NS);
    commit(STORE_CRASH);
    put_u64(ORDERS, 1, 12);
    journal(3, MAY_2024_NS + MONTH_NS);
    store_memory_lose(store, true);
    assert_true(store_batch_empty(store));
    assert_int_equal(get_u64(ORDERS, 1), 11);
    assert_int_equal(get_u64(ORDERS, 2), UINT64_MAX);
    assert_int_equal(get_u64(ORDERS, 3), 30);
    expect_journal(1, 2);
    store_memory_lose(store, false);
    assert_int_equal(get_u64(ORDERS, 1), 10);
    assert_int_equal(get_u64(ORDERS, 2), 20);
    assert_int_equal(get_u64(ORDERS, 3), UINT64_MAX);
    expect_journal(1, 1);
    journal(2, MAY_2024_NS); /* its month is free again */
    commit(STORE_POWER);
    store_memory_lose(store, false);
    expect_journal(1, 2);
    assert_int_equal(get_u64(ORDERS, 1), 10);
    assert_int_equal(get_u64(ORDERS, 3), UINT64_MAX);
}

static void test_memory_lose_brings_dropped_months_back(void **state)
{
    (void)state;
    struct store_options options = support_options(folder);
    options.journal_months = 1;
    store_close(&store);
    store = opened(&options);
    for (uint64_t seq = 1; seq <= 5; seq++)
        journal(seq, MAY_2024_NS);
    commit(STORE_POWER);
    for (uint64_t seq = 6; seq <= 9; seq++)
        journal(seq, MAY_2024_NS + 2 * MONTH_NS);
    commit(STORE_CRASH);
    expect_journal(6, 9);
    store_memory_lose(store, false);
    expect_journal(1, 5);
    journal(6, MAY_2024_NS + 2 * MONTH_NS);
    commit(STORE_POWER);
    expect_journal(6, 6);
    store_memory_lose(store, false);
    expect_journal(6, 6);
}

static void test_memory_fail_keeps_the_batch(void **state)
{
    (void)state;
    put_u64(ORDERS, 1, 10);
    commit(STORE_CRASH);
    put_u64(ORDERS, 1, 11);
    journal(1, MAY_2024_NS);
    store_memory_fail(store, ENOSPC);
    assert_int_equal(store_commit(store, STORE_POWER, &err), -ENOSPC);
    assert_non_null(strstr(err.text, folder));
    assert_true(store_low(store));
    assert_false(store_batch_empty(store));
    assert_int_equal(get_u64(ORDERS, 1), 10);
    journal(2, MAY_2024_NS); /* goes on after what is in the batch */
    store_memory_fail(store, 0);
    commit(STORE_POWER);
    assert_int_equal(get_u64(ORDERS, 1), 11);
    expect_journal(1, 2);
}

static void test_memory_forget_all(void **state)
{
    (void)state;
    put_u64(ORDERS, 1, 10);
    commit(STORE_POWER);
    reopen();
    assert_int_equal(get_u64(ORDERS, 1), 10);
    store_close(&store);
    store_memory_forget_all();
    reopen();
    assert_int_equal(get_u64(ORDERS, 1), UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest contract[] = {
    TEST(test_empty),
    TEST(test_reads_see_committed_data_only),
    TEST(test_last_change_of_a_batch_wins),
    TEST(test_what_is_not_committed_is_lost_by_close),
    TEST(test_get_copies_what_fits),
    TEST(test_scan_order_and_bounds),
    TEST(test_scan_goes_on_after_a_chunk),
    TEST(test_large_values),
    TEST(test_visitor_may_change_the_store),
    TEST(test_month_of_a_time),
    TEST(test_journal_over_months),
    TEST(test_journal_batch_discarded),
    TEST(test_retention_drops_months),
    TEST(test_another_kind_is_refused),
    TEST(test_second_open_is_refused),
    TEST(test_tables_are_found_by_name),
    TEST(test_random_operations),
};

static const struct CMUnitTest memory_only[] = {
    TEST(test_memory_lose),
    TEST(test_memory_lose_brings_dropped_months_back),
    TEST(test_memory_fail_keeps_the_batch),
    TEST(test_memory_forget_all),
};

int main(void)
{
    open_store = store_open;
    int failed = cmocka_run_group_tests_name("store on LMDB", contract, NULL, NULL);
    open_store = store_open_memory;
    failed += cmocka_run_group_tests_name("store in memory", contract, NULL, NULL);
    return failed + cmocka_run_group_tests_name("the twin alone", memory_only, NULL, NULL);
}
