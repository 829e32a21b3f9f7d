#include "workers/store/lmdb_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Twelve tables, meta, months, a journal that is open, one being dropped, and a batch's months. */
#define DBS_MAX 64u
#define MAP_STEP (UINT64_C(1) << 20)
#define LOCK_FILE_BYTES 8192 /* the default of 126 readers */
#define NEW_FOLDER ".new"

static_assert(STORE_TABLES_MAX + STORE_BATCH_MONTHS_MAX + 4 <= DBS_MAX, "LMDB needs a handle for each");
static_assert(sizeof(struct lmdb_identity) == 40 && sizeof(struct lmdb_month) == 16, "stored layouts");

static struct lmdb_store *opened; /* of this process */

/* --- errors ---------------------------------------------------------------------------------- */

int lmdb_code(int rc)
{
    assert(rc != 0);
    switch (rc) {
    case EDQUOT:
    case EFBIG:
        return ENOSPC;
    case MDB_NOTFOUND:
        return ENOENT;
    case MDB_VERSION_MISMATCH:
        return EPROTO;
    case MDB_PANIC:
        return EIO;
    case MDB_MAP_FULL:
    case MDB_MAP_RESIZED:
        return ENOMEM;
    case MDB_READERS_FULL:
        return EAGAIN;
    case MDB_TXN_FULL:
        return E2BIG;
    default:
        return rc > 0 ? rc : EBADMSG;
    }
}

static const char *remedy(int code)
{
    switch (code) {
    case EBADMSG:
        return "the environment is damaged: stop its owner, move this folder away, then restore it from a copy, or "
               "start without it and reconcile with the broker";
    case EPROTO:
        return "it was written by a newer version: run that version, or move this folder away";
    case ENOSPC:
        return "the disk is full: free some space on it";
    case EROFS:
        return "the disk is read-only: look into the kernel's log, remount it writable";
    case EACCES:
    case EPERM:
        return "the folder and its files must belong to the user that runs propfleet";
    case EIO:
        return "the device failed: look into the kernel's log; the store must be opened again";
    case ENOMEM:
        return "no room to map the file: raise the limit on address space (RLIMIT_AS)";
    case EAGAIN:
        return "all reader slots are taken: end some readers";
    default:
        return NULL;
    }
}

int lmdb_error(const struct lmdb_store *s, struct error *err, int rc, const char *what)
{
    int code = lmdb_code(rc);
    const char *advice = remedy(code);
    return error_set(err, code, "store %s: %s: %s%s%s", s->base.folder, what, mdb_strerror(rc), advice ? "; " : "",
                     advice ? advice : "");
}

/* LMDB checks itself by assertions on what it reads, and aborts: the last words say what a person can do. */
static void environment_assertion(MDB_env *env, const char *message)
{
    const struct lmdb_store *s = mdb_env_get_userctx(env);
    fprintf(stderr, "store %s: %s: %s\n", s ? s->base.folder : "?", message, remedy(EBADMSG));
}

/* --- small things that others need ------------------------------------------------------------- */

bool lmdb_key_read(const MDB_val *value, uint64_t *key)
{
    if (value->mv_size != sizeof *key)
        return false;
    memcpy(key, value->mv_data, sizeof *key);
    return true;
}

int lmdb_month_read(const MDB_val *key, const MDB_val *value, uint32_t *month, struct lmdb_month *entry)
{
    uint64_t number = 0;
    if (!lmdb_key_read(key, &number) || number == 0 || number > UINT32_MAX || value->mv_size != sizeof *entry)
        return MDB_CORRUPTED;
    memcpy(entry, value->mv_data, sizeof *entry);
    *month = (uint32_t)number;
    return entry->first > 0 && entry->first <= entry->last ? 0 : MDB_CORRUPTED;
}

/* --- what is in an environment ------------------------------------------------------------------- */

static int open_integer_table(MDB_txn *txn, const char *name, bool create, MDB_dbi *dbi)
{
    unsigned flags = 0;
    int rc = mdb_dbi_open(txn, name, MDB_INTEGERKEY | (create ? MDB_CREATE : 0u), dbi);
    if (rc == 0)
        rc = mdb_dbi_flags(txn, *dbi, &flags);
    if (rc == 0 && (flags & (MDB_INTEGERKEY | MDB_DUPSORT)) != MDB_INTEGERKEY)
        rc = MDB_INCOMPATIBLE;
    return rc;
}

static int identity_check(struct lmdb_store *s, MDB_txn *txn, struct error *err)
{
    const uint64_t number = LMDB_KEY_IDENTITY;
    MDB_val key = lmdb_key(&number), value;
    struct lmdb_identity identity = {0};
    int rc = open_integer_table(txn, LMDB_META, false, &s->meta);
    if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE)
        return error_set(err, EINVAL, "store %s: it holds an LMDB environment that is not propfleet's; name another "
                         "folder", s->base.folder);
    if (rc == 0)
        rc = mdb_get(txn, s->meta, &key, &value);
    if (rc == 0 && value.mv_size < 8) /* a newer version may have a longer one */
        rc = MDB_CORRUPTED;
    if (rc != 0)
        return lmdb_error(s, err, rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc, "read its identity");
    memcpy(&identity, value.mv_data, value.mv_size < sizeof identity ? value.mv_size : sizeof identity);
    if (identity.magic != LMDB_MAGIC)
        return lmdb_error(s, err, MDB_CORRUPTED, "read its identity");
    if (identity.version > STORE_VERSION)
        return error_set(err, EPROTO, "store %s: version %u, this program knows up to %u; %s", s->base.folder,
                         identity.version, STORE_VERSION, remedy(EPROTO));
    if (identity.version == 0 || value.mv_size != sizeof identity || identity.kind[STORE_NAME_MAX] != '\0')
        return lmdb_error(s, err, MDB_CORRUPTED, "read its identity");
    if (strcmp(identity.kind, s->base.kind) != 0)
        return error_set(err, EINVAL, "store %s: it is of kind \"%s\", not \"%s\"; name another folder",
                         s->base.folder, identity.kind, s->base.kind);
    return 0;
}

static int identity_write(struct lmdb_store *s, MDB_txn *txn)
{
    const uint64_t number = LMDB_KEY_IDENTITY;
    struct lmdb_identity identity = {.magic = LMDB_MAGIC, .version = STORE_VERSION};
    memcpy(identity.kind, s->base.kind, sizeof identity.kind);
    MDB_val key = lmdb_key(&number), value = {.mv_size = sizeof identity, .mv_data = &identity};
    int rc = open_integer_table(txn, LMDB_META, true, &s->meta);
    return rc != 0 ? rc : mdb_put(txn, s->meta, &key, &value, 0);
}

/* The ends of a table: enough to find a root or an edge that is gone. */
static int ends_check(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    uint64_t number;
    int rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0)
        return rc;
    for (int i = 0; i < 2 && rc == 0; i++) {
        rc = mdb_cursor_get(cursor, &key, &value, i == 0 ? MDB_FIRST : MDB_LAST);
        if (rc == 0 && !lmdb_key_read(&key, &number))
            rc = MDB_CORRUPTED;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int tables_open(struct lmdb_store *s, MDB_txn *txn, struct error *err)
{
    for (uint32_t i = 0; i < s->base.table_count; i++) {
        int rc = open_integer_table(txn, s->base.tables[i], !s->base.reader, &s->tables[i]);
        s->table_open[i] = rc == 0;
        if (rc == 0)
            rc = ends_check(txn, s->tables[i]);
        if (rc != 0 && !(rc == MDB_NOTFOUND && s->base.reader))
            return lmdb_error(s, err, rc, s->base.tables[i]);
    }
    const uint64_t number = LMDB_KEY_POWER;
    MDB_val key = lmdb_key(&number), value;
    int rc = mdb_get(txn, s->meta, &key, &value);
    s->power = rc == 0;
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : lmdb_error(s, err, rc, "read its mark");
}

/* A month's database holds exactly the records that the table of months says. In s->read, whose end closes the
 * handle. */
static int month_check(struct lmdb_store *s, uint32_t month, const struct lmdb_month *entry)
{
    char name[STORE_NAME_MAX + 1];
    MDB_dbi dbi;
    MDB_stat stat;
    store_month_name(month, name);
    int rc = open_integer_table(s->read, name, false, &dbi);
    if (rc == 0)
        rc = mdb_stat(s->read, dbi, &stat);
    if (rc == 0 && stat.ms_entries != entry->last - entry->first + 1)
        rc = MDB_CORRUPTED;
    if (rc == 0)
        rc = ends_check(s->read, dbi);
    return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

/* The first month at or after *month. One transaction for each month, so that no handles pile up. */
static int month_next(struct lmdb_store *s, uint32_t *month, struct lmdb_month *entry)
{
    MDB_cursor *cursor = NULL;
    uint64_t number = *month;
    MDB_val key = lmdb_key(&number), value;
    int rc = lmdb_read_begin(s);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(s->read, s->months, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        if (rc == 0)
            rc = lmdb_month_read(&key, &value, month, entry);
        mdb_cursor_close(cursor);
    }
    if (rc == 0)
        rc = month_check(s, *month, entry);
    lmdb_read_end(s);
    return rc;
}

static int journal_check(struct lmdb_store *s)
{
    struct store_journal_range range = {0};
    struct lmdb_month entry = {0};
    uint32_t month = 0, count = 0;
    int rc;
    while ((rc = month_next(s, &month, &entry)) == 0) {
        if (++count > STORE_MONTHS_KEPT_MAX || (range.last && entry.first != range.last + 1))
            return MDB_CORRUPTED;
        range = (struct store_journal_range){range.first ? range.first : entry.first, entry.last, month};
        s->month_first = entry.first;
        month++;
    }
    s->base.range = range;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int journal_open(struct lmdb_store *s, MDB_txn *txn)
{
    int rc = open_integer_table(txn, LMDB_MONTHS, !s->base.reader, &s->months);
    s->months_open = rc == 0;
    if (rc == 0)
        rc = ends_check(txn, s->months);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int contents_open(struct lmdb_store *s, struct error *err)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(s->env, NULL, s->base.reader ? MDB_RDONLY : 0, &txn);
    if (rc != 0)
        return lmdb_error(s, err, rc, "read it");
    int code = identity_check(s, txn, err);
    if (code == 0)
        code = tables_open(s, txn, err);
    if (code == 0 && s->base.journal) {
        rc = journal_open(s, txn);
        code = rc == 0 ? 0 : lmdb_error(s, err, rc, "read its journal");
    }
    if (code < 0) {
        mdb_txn_abort(txn);
        return code;
    }
    rc = mdb_txn_commit(txn);
    if (rc != 0)
        return lmdb_error(s, err, rc, "make its tables");
    if (s->base.journal && !s->base.reader) /* a reader looks when it reads: the writer is at work */
        rc = journal_check(s);
    return rc == 0 ? 0 : lmdb_error(s, err, rc, "read its journal");
}

/* --- a file that ends before its last page ----------------------------------------------------------- */

/* LMDB may leave out the last pages when they are free: such a file is whole. Any other is cut off, and
 * touching the missing pages would end the process. Made long enough again (without blocks, which reads as
 * zeros, which LMDB refuses) it is looked into: are all missing pages in LMDB's list of free pages? */
static int free_pages_from(MDB_txn *txn, size_t first, size_t *count)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int rc = mdb_cursor_open(txn, 0, &cursor); /* 0: the free list, transaction -> {count, page numbers} */
    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        for (size_t i = 1; i < value.mv_size / sizeof(size_t); i++) {
            size_t page;
            memcpy(&page, (const char *)value.mv_data + i * sizeof page, sizeof page);
            *count += page >= first;
        }
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int short_file_check(struct lmdb_store *s, uint64_t file_bytes, struct error *err)
{
    static const char what[] = "its file is shorter than its contents";
    size_t first = (size_t)((file_bytes + s->page_bytes - 1) / s->page_bytes), count = 0;
    MDB_txn *txn = NULL;
    if (s->base.reader)
        return lmdb_error(s, err, MDB_CORRUPTED, what);
    if (ftruncate(s->fd, (off_t)s->used_bytes) != 0)
        return lmdb_error(s, err, errno, "lengthen its file");
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0) {
        rc = free_pages_from(txn, first, &count);
        mdb_txn_abort(txn);
    }
    if (rc == 0 && count != s->used_bytes / s->page_bytes - first)
        rc = MDB_CORRUPTED;
    if (rc != 0 && ftruncate(s->fd, (off_t)file_bytes) != 0) /* as it was found */
        return lmdb_error(s, err, errno, "shorten its file");
    return rc == 0 ? 0 : lmdb_error(s, err, rc, what);
}

/* --- open and close -------------------------------------------------------------------------------- */

static int path_of(const struct lmdb_store *s, const char *name, char path[PATH_MAX], struct error *err)
{
    if (snprintf(path, PATH_MAX, "%s/%s", s->base.folder, name) >= PATH_MAX)
        return error_set(err, ENAMETOOLONG, "store %.80s...: its path is too long", s->base.folder);
    return 0;
}

/* LMDB maps lock.mdb and writes to it: without blocks on a full disk that is a SIGBUS. Done before LMDB opens
 * the file: closing a descriptor of it afterwards would drop LMDB's locks. */
static int lock_file_allocate(const struct lmdb_store *s, const char *name, struct error *err)
{
    char path[PATH_MAX];
    int rc = path_of(s, name, path, err);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return lmdb_error(s, err, errno, "open lock.mdb");
    rc = posix_fallocate(fd, 0, LOCK_FILE_BYTES);
    close(fd);
    return rc == 0 ? 0 : lmdb_error(s, err, rc, "make lock.mdb");
}

static int env_new(struct lmdb_store *s, const char *path, uint64_t map_bytes, MDB_env **env)
{
    int rc = mdb_env_create(env);
    if (rc != 0)
        return rc;
    rc = mdb_env_set_maxdbs(*env, DBS_MAX);
    if (rc == 0 && map_bytes > 0)
        rc = mdb_env_set_mapsize(*env, map_bytes);
    if (rc == 0)
        rc = mdb_env_set_assert(*env, environment_assertion);
    if (rc == 0)
        rc = mdb_env_set_userctx(*env, s);
    if (rc == 0)
        rc = mdb_env_open(*env, path, MDB_NOTLS | (s->base.reader ? MDB_RDONLY : 0u), 0600);
    if (rc != 0) {
        mdb_env_close(*env);
        *env = NULL;
    }
    return rc;
}

static uint64_t map_bytes_wanted(const struct lmdb_store *s)
{
    uint64_t bytes = s->base.map_bytes > MAP_STEP ? s->base.map_bytes : MAP_STEP;
    return (bytes + MAP_STEP - 1) / MAP_STEP * MAP_STEP;
}

static void remove_new(const struct lmdb_store *s)
{
    static const char *const names[] = {NEW_FOLDER "/data.mdb", NEW_FOLDER "/lock.mdb"};
    char path[PATH_MAX];
    for (unsigned i = 0; i < 2; i++) {
        if (path_of(s, names[i], path, NULL) == 0)
            unlink(path);
    }
    if (path_of(s, NEW_FOLDER, path, NULL) == 0)
        rmdir(path);
}

static int environment_build(struct lmdb_store *s, const char *path, struct error *err)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    int rc = lock_file_allocate(s, NEW_FOLDER "/lock.mdb", err);
    if (rc < 0)
        return rc;
    rc = env_new(s, path, map_bytes_wanted(s), &env);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc == 0) {
        rc = identity_write(s, txn);
        if (rc == 0)
            rc = mdb_txn_commit(txn); /* synced */
        else
            mdb_txn_abort(txn);
    }
    if (env)
        mdb_env_close(env);
    return rc == 0 ? 0 : lmdb_error(s, err, rc, "create it");
}

/* Built aside and renamed: a death in the middle leaves no half-made environment, which nobody could tell
 * from a damaged one. */
static int environment_create(struct lmdb_store *s, struct error *err)
{
    char aside[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
    int rc = path_of(s, NEW_FOLDER, aside, err);
    if (rc == 0)
        rc = path_of(s, NEW_FOLDER "/data.mdb", from, err);
    if (rc == 0)
        rc = path_of(s, "data.mdb", to, err);
    if (rc < 0)
        return rc;
    remove_new(s);
    if (mkdir(aside, 0700) != 0)
        return lmdb_error(s, err, errno, "create it");
    rc = environment_build(s, aside, err);
    if (rc == 0 && rename(from, to) != 0)
        rc = lmdb_error(s, err, errno, "create it");
    remove_new(s);
    int fd = rc == 0 ? open(s->base.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (rc == 0 && (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)))
        rc = lmdb_error(s, err, errno, "sync the folder");
    if (fd >= 0)
        close(fd);
    return rc;
}

static int environment_find(struct lmdb_store *s, struct error *err)
{
    char path[PATH_MAX];
    struct stat st;
    int rc = path_of(s, "data.mdb", path, err);
    if (rc < 0)
        return rc;
    if (stat(path, &st) != 0) {
        if (errno != ENOENT || s->base.reader)
            return lmdb_error(s, err, errno, "find data.mdb");
        rc = environment_create(s, err);
        if (rc < 0)
            return rc;
        if (stat(path, &st) != 0)
            return lmdb_error(s, err, errno, "find data.mdb");
    }
    if (st.st_size == 0) /* LMDB would take it for a new one */
        return lmdb_error(s, err, MDB_INVALID, "its file is empty");
    for (const struct lmdb_store *o = opened; o; o = o->next) {
        if (o->device == st.st_dev && o->inode == st.st_ino)
            return error_set(err, EBUSY, "store %s: it is open in this process already", s->base.folder);
    }
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

static void environment_close(struct lmdb_store *s)
{
    if (s->read)
        mdb_txn_abort(s->read);
    if (s->env)
        mdb_env_close(s->env);
    s->read = NULL;
    s->env = NULL;
    s->journal_open = s->months_open = false;
    memset(s->table_open, 0, sizeof s->table_open);
}

static int environment_open(struct lmdb_store *s, uint64_t map_bytes, struct error *err)
{
    int rc = s->base.reader ? 0 : lock_file_allocate(s, "lock.mdb", err);
    if (rc < 0)
        return rc;
    rc = env_new(s, s->base.folder, map_bytes, &s->env); /* 0: as large as it was */
    if (rc != 0)
        return lmdb_error(s, err, rc, "open it");
    MDB_stat stat;
    MDB_envinfo info;
    struct stat st;
    mdb_reader_check(s->env, NULL);
    mdb_env_stat(s->env, &stat);
    mdb_env_info(s->env, &info);
    mdb_env_get_fd(s->env, &s->fd);
    s->page_bytes = stat.ms_psize;
    s->used_bytes = ((uint64_t)info.me_last_pgno + 1) * s->page_bytes;
    if (fstat(s->fd, &st) != 0)
        return lmdb_error(s, err, errno, "look at data.mdb");
    if ((uint64_t)st.st_size < s->used_bytes) {
        rc = short_file_check(s, (uint64_t)st.st_size, err);
        if (rc < 0)
            return rc;
    }
    if (!s->base.reader && info.me_mapsize < map_bytes_wanted(s)) {
        rc = mdb_env_set_mapsize(s->env, map_bytes_wanted(s));
        if (rc != 0)
            return lmdb_error(s, err, rc, "map it");
    }
    rc = contents_open(s, err);
    if (rc == 0)
        lmdb_measure(s);
    return rc;
}

int lmdb_reopen(struct lmdb_store *s, struct error *err)
{
    environment_close(s);
    s->map_stuck = false;
    s->file_bytes = 0;
    s->retention_due = s->base.journal;
    int rc = environment_open(s, 0, err);
    if (rc < 0)
        environment_close(s);
    return rc;
}

static void lmdb_store_close(struct store *store)
{
    struct lmdb_store *s = lmdb_of(store);
    for (struct lmdb_store **p = &opened; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            break;
        }
    }
    if (s->env && s->unsynced)
        mdb_env_sync(s->env, 1); /* an orderly end leaves nothing to the kernel; it is no promise, so not checked */
    environment_close(s);
    lmdb_tail_close(s);
    store_teardown(store);
    free(s);
}

static const struct store_backend lmdb_backend = {
    .close = lmdb_store_close,
    .commit = lmdb_commit,
    .settle = lmdb_settle,
    .get = lmdb_get,
    .read = lmdb_read,
    .range = lmdb_range,
    .low = lmdb_low,
    .trim = lmdb_trim,
};

static int open_any(const struct store_options *options, bool reader, struct store **out, struct error *err)
{
    assert(out);
    *out = NULL;
    struct lmdb_store *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(err, ENOMEM, "store %s: no memory", options->folder);
    s->base.backend = &lmdb_backend;
    s->retention_due = options->journal;
    int rc = store_setup(&s->base, options, reader, err);
    if (rc == 0 && !reader)
        rc = store_make_folder(s->base.folder, err);
    if (rc == 0)
        rc = environment_find(s, err);
    if (rc == 0)
        rc = environment_open(s, 0, err);
    if (rc == 0 && s->power && !reader)
        lmdb_tail_open(s, false);
    if (rc < 0) {
        lmdb_store_close(&s->base);
        return rc;
    }
    s->next = opened;
    opened = s;
    *out = &s->base;
    return 0;
}

int store_open(const struct store_options *options, struct store **out, struct error *err)
{
    return open_any(options, false, out, err);
}

int store_open_reader(const struct store_options *options, struct store **out, struct error *err)
{
    return open_any(options, true, out, err);
}
