/* tamper FOLDER change|swap|drop|cut|unchain N: does to an account's journal what nobody may, with LMDB's own functions.
 *   change  turns a bit of record N      swap  exchanges the records N and N + 1
 *   drop    removes record N            cut   removes record N and all after it, and fits the table of months
 *   unchain removes record N's row of the audit chain
 * For tests of `propfleet audit --verify` only. Exit status 0 when it was done. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lmdb.h>

#define RECORD_MAX 4096u
#define MONTHS "journal.months"

static MDB_txn *txn;

static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "tamper: %s: %s\n", what, mdb_strerror(rc));
    exit(1);
}

static MDB_val key_of(uint64_t *n) { return (MDB_val){.mv_size = sizeof *n, .mv_data = n}; }

static MDB_dbi table(const char *name)
{
    MDB_dbi dbi;
    must(mdb_dbi_open(txn, name, MDB_INTEGERKEY, &dbi), name);
    return dbi;
}

/* The month whose records [first, last] hold n; its entry is value. */
static MDB_dbi month_of(uint64_t n, uint64_t *month, uint64_t entry[2])
{
    MDB_dbi months = table(MONTHS);
    MDB_cursor *cursor;
    MDB_val key, value;
    must(mdb_cursor_open(txn, months, &cursor), MONTHS);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        memcpy(month, key.mv_data, sizeof *month);
        memcpy(entry, value.mv_data, 2 * sizeof entry[0]);
        if (entry[0] <= n && n <= entry[1])
            break;
    }
    mdb_cursor_close(cursor);
    char name[32];
    snprintf(name, sizeof name, "journal.%04u-%02u", (unsigned)*month / 12, (unsigned)*month % 12 + 1);
    return table(name);
}

static size_t take(MDB_dbi dbi, uint64_t n, unsigned char *out)
{
    MDB_val key = key_of(&n), value;
    must(mdb_get(txn, dbi, &key, &value), "no such record");
    if (value.mv_size > RECORD_MAX)
        must(MDB_BAD_VALSIZE, "record");
    memcpy(out, value.mv_data, value.mv_size);
    return value.mv_size;
}

static void give(MDB_dbi dbi, uint64_t n, unsigned char *data, size_t size)
{
    MDB_val key = key_of(&n), value = {.mv_size = size, .mv_data = data};
    must(mdb_put(txn, dbi, &key, &value, 0), "put");
}

static void drop(MDB_dbi dbi, uint64_t n)
{
    MDB_val key = key_of(&n);
    must(mdb_del(txn, dbi, &key, NULL), "delete");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    uint64_t n = strtoull(argv[3], NULL, 10), month = 0, entry[2] = {0};
    MDB_env *env;
    must(mdb_env_create(&env), "create");
    must(mdb_env_set_maxdbs(env, 32), "maxdbs");
    must(mdb_env_open(env, argv[1], 0, 0600), argv[1]);
    must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    static unsigned char a[RECORD_MAX], b[RECORD_MAX];
    if (strcmp(argv[2], "unchain") == 0) {
        drop(table("chain"), n);
    } else {
        MDB_dbi dbi = month_of(n, &month, entry);
        size_t size = take(dbi, n, a);
        if (strcmp(argv[2], "change") == 0) {
            a[size - 1] ^= 1;
            give(dbi, n, a, size);
        } else if (strcmp(argv[2], "swap") == 0) {
            size_t other = take(dbi, n + 1, b);
            give(dbi, n, b, other);
            give(dbi, n + 1, a, size);
        } else if (strcmp(argv[2], "drop") == 0) {
            drop(dbi, n);
        } else if (strcmp(argv[2], "cut") == 0) {
            for (uint64_t i = n; i <= entry[1]; i++)
                drop(dbi, i);
            entry[1] = n - 1;
            MDB_val key = key_of(&month), value = {.mv_size = sizeof entry, .mv_data = entry};
            must(mdb_put(txn, table(MONTHS), &key, &value, 0), "put");
        } else {
            return 2;
        }
    }
    must(mdb_txn_commit(txn), "commit");
    mdb_env_close(env);
    return 0;
}
