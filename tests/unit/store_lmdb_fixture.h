/* store_lmdb_fixture: a store on LMDB in a folder of its own, for the tests of that implementation. */
#ifndef PROPFLEET_TESTS_STORE_LMDB_FIXTURE_H
#define PROPFLEET_TESTS_STORE_LMDB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <lmdb.h>

#include "tests/unit/store_support.h"
#include "workers/store/backend.h"
#include "workers/store/lmdb_store.h"

enum { ORDERS, POSITIONS, RISK };

static char folder[64];
static struct store *store;
static struct error err;

static inline void open_with(const struct store_options *options)
{
    if (store_open(options, &store, &err) != 0)
        fail_msg("%s", err.text);
}

static inline void reopen(void)
{
    struct store_options options = support_options(folder);
    store_close(&store);
    open_with(&options);
}

static inline int setup(void **state)
{
    (void)state;
    support_folder(folder);
    struct store_options options = support_options(folder);
    open_with(&options);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    store_close(&store);
    support_remove(folder);
    return 0;
}

static inline void commit(enum store_sync sync)
{
    if (store_commit(store, sync, &err) != 0)
        fail_msg("%s", err.text);
}

static inline void put_u64(struct store *s, uint32_t table, uint64_t key, uint64_t value)
{
    store_put(s, table, key, &value, sizeof value);
}

static inline uint64_t get_u64(struct store *s, uint32_t table, uint64_t key)
{
    uint64_t value = 0;
    return store_get(s, table, key, &value, sizeof value, NULL) == 0 ? value : UINT64_MAX;
}

static inline void journal(struct store *s, uint64_t seq, int64_t time_ns, size_t size)
{
    static unsigned char record[1 << 16];
    memcpy(record, &seq, sizeof seq);
    store_journal(s, seq, time_ns, record, size);
}

static inline const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline off_t data_bytes(void)
{
    struct stat st;
    return stat(path_of("data.mdb"), &st) == 0 ? st.st_size : -1;
}

static inline void fill(uint32_t megabytes)
{
    static unsigned char big[1 << 20];
    for (uint64_t key = 0; key < megabytes; key++) {
        memset(big, (int)key + 1, sizeof big);
        store_put(store, RISK, key, big, sizeof big);
        commit(STORE_CRASH);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
