/* bench_store: commits of the store beside bare LMDB transactions that write the same rows, by turns in one run.
 *
 * A commit is what an order costs: three rows of 256 bytes and a journal record of 256. Bare LMDB writes them with
 * mdb_put into four integer-keyed tables, synced (its default), MDB_NOMETASYNC or MDB_NOSYNC. The store's crash
 * commits are measured twice: before an environment's first power commit (nothing is synced) and after it (the
 * data are, so that a power cut cannot take what a power commit promised).
 * PROPFLEET_BENCH_DIR: where (default: under the working directory's build/, a disk, not a tmpfs).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "base/error.h"
#include "tests/bench/bench_ring.h"
#include "workers/store/store.h"

#define ROW_BYTES 256
#define ROUNDS 15
#define ROUND_NS INT64_C(120000000)
#define TABLES 3
#define KEYS 200 /* a table's rows are written again and again, as orders and positions are */
#define MAP_BYTES (UINT64_C(1) << 30)
#define TIME_NS INT64_C(1714521600000000000) /* 2024-05-01 */

static const char *const tables[TABLES] = {"orders", "positions", "risk"};
static unsigned char row[ROW_BYTES];

/* One side of a comparison: commits number `n`. */
struct side {
    const char *name;
    bool power_first;
    unsigned flags;        /* of bare LMDB */
    enum store_sync sync;
    struct store *store;   /* or */
    MDB_env *env;
    MDB_dbi dbi[TABLES + 1];
    uint64_t n;
    double per_s[ROUNDS];
};

static void check(int rc, const char *what, const char *why)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_store: %s: %s\n", what, why);
    exit(1);
}

static void bare_open(struct side *s, const char *folder)
{
    static const char *const names[TABLES + 1] = {"orders", "positions", "risk", "journal"};
    MDB_txn *txn = NULL;
    check(mkdir(folder, 0700), folder, "cannot be made");
    check(mdb_env_create(&s->env), folder, "mdb_env_create");
    check(mdb_env_set_maxdbs(s->env, 8), folder, "mdb_env_set_maxdbs");
    check(mdb_env_set_mapsize(s->env, MAP_BYTES), folder, "mdb_env_set_mapsize");
    check(mdb_env_open(s->env, folder, MDB_NOTLS | s->flags, 0600), folder, "mdb_env_open");
    check(mdb_txn_begin(s->env, NULL, 0, &txn), folder, "mdb_txn_begin");
    for (int i = 0; i <= TABLES; i++)
        check(mdb_dbi_open(txn, names[i], MDB_CREATE | MDB_INTEGERKEY, &s->dbi[i]), folder, "mdb_dbi_open");
    check(mdb_txn_commit(txn), folder, "mdb_txn_commit");
}

static void bare_commit(struct side *s)
{
    MDB_txn *txn = NULL;
    uint64_t number = ++s->n;
    check(mdb_txn_begin(s->env, NULL, 0, &txn), s->name, "mdb_txn_begin");
    for (int i = 0; i <= TABLES; i++) {
        uint64_t at = i < TABLES ? number % KEYS : number;
        MDB_val key = {.mv_size = sizeof at, .mv_data = &at}, value = {.mv_size = ROW_BYTES, .mv_data = row};
        check(mdb_put(txn, s->dbi[i], &key, &value, i < TABLES ? 0 : MDB_APPEND), s->name, "mdb_put");
    }
    check(mdb_txn_commit(txn), s->name, "mdb_txn_commit");
}

static void store_side_open(struct side *s, const char *folder)
{
    struct error err = {0};
    struct store_options options = {
        .folder = folder,
        .kind = "account",
        .tables = tables,
        .table_count = TABLES,
        .journal = true,
        .journal_months = 12,
        .map_bytes = MAP_BYTES,
        .reserve_bytes = 4 << 20,
    };
    check(store_open(&options, &s->store, &err), folder, err.text);
    if (s->power_first)
        check(store_commit(s->store, STORE_POWER, &err), folder, err.text);
}

static void store_side_commit(struct side *s)
{
    struct error err = {0};
    uint64_t number = ++s->n;
    for (uint32_t i = 0; i < TABLES; i++)
        store_put(s->store, i, number % KEYS, row, ROW_BYTES);
    store_journal(s->store, number, TIME_NS, row, ROW_BYTES);
    check(store_commit(s->store, s->sync, &err), s->name, err.text);
}

static double measure(struct side *s)
{
    uint64_t before = s->n;
    int64_t start = bench_now_ns(), now;
    do {
        for (int i = 0; i < 16; i++) {
            if (s->store)
                store_side_commit(s);
            else
                bare_commit(s);
        }
        now = bench_now_ns();
    } while (now - start < ROUND_NS);
    return (double)(s->n - before) * 1e9 / (double)(now - start);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    char path[512];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* The median of the ratios of neighbouring rounds: what the machine does to one it does to the other. */
static void print_ratio(const char *metric, const struct side *ours, const struct side *bare)
{
    double ratios[ROUNDS];
    for (int r = 0; r < ROUNDS; r++)
        ratios[r] = ours->per_s[r] / bare->per_s[r];
    bench_print(metric, bench_median(ratios, ROUNDS), "ratio");
}

enum { STORE_POWER_SIDE, BARE_SYNC, STORE_MARKED, BARE_NOMETASYNC, STORE_UNMARKED, BARE_NOSYNC, SIDES };

int main(void)
{
    static struct side sides[SIDES] = {
        [STORE_POWER_SIDE] = {.name = "store_power_commits", .sync = STORE_POWER, .power_first = true},
        [BARE_SYNC] = {.name = "lmdb_sync_commits"},
        [STORE_MARKED] = {.name = "store_crash_after_power_commits", .sync = STORE_CRASH, .power_first = true},
        [BARE_NOMETASYNC] = {.name = "lmdb_nometasync_commits", .flags = MDB_NOMETASYNC},
        [STORE_UNMARKED] = {.name = "store_crash_commits", .sync = STORE_CRASH},
        [BARE_NOSYNC] = {.name = "lmdb_nosync_commits", .flags = MDB_NOSYNC},
    };
    char base[256], folder[320];
    const char *where = getenv("PROPFLEET_BENCH_DIR");
    snprintf(base, sizeof base, "%s/bench-store-XXXXXX", where ? where : access("build", W_OK) == 0 ? "build" : ".");
    check(mkdtemp(base) ? 0 : -1, base, "cannot be made");
    memset(row, 0x5a, sizeof row);
    for (int i = 0; i < SIDES; i++) {
        snprintf(folder, sizeof folder, "%s/%d", base, i);
        if (i % 2 == 0)
            store_side_open(&sides[i], folder);
        else
            bare_open(&sides[i], folder);
    }
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < SIDES; i++)
            sides[i].per_s[r] = measure(&sides[i]);
    }
    print_ratio("store_power_to_lmdb_sync", &sides[STORE_POWER_SIDE], &sides[BARE_SYNC]);
    print_ratio("store_crash_after_power_to_lmdb_nometasync", &sides[STORE_MARKED], &sides[BARE_NOMETASYNC]);
    print_ratio("store_crash_to_lmdb_nosync", &sides[STORE_UNMARKED], &sides[BARE_NOSYNC]);
    for (int i = 0; i < SIDES; i++) {
        bench_print(sides[i].name, bench_median(sides[i].per_s, ROUNDS), "commits/s");
        store_close(&sides[i].store);
        if (sides[i].env)
            mdb_env_close(sides[i].env);
        snprintf(folder, sizeof folder, "%s/%d", base, i);
        remove_folder(folder);
    }
    rmdir(base);
    return 0;
}
