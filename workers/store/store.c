#include "workers/store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "workers/store/backend.h"

#define NS_PER_DAY INT64_C(86400000000000)
#define BATCH_KEEP_BYTES ((size_t)256 << 10) /* what a large batch touched beyond this goes back to the kernel */

/* --- the folder's lock --------------------------------------------------------------------- */

static int lock_busy(int fd, const char *path, struct error *err)
{
    char pid[24] = {0};
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return error_set(err, EWOULDBLOCK, "%s: held by process %s: only one process may act on this folder", path,
                     pid[0] ? pid : "(unknown)");
}

/* A full disk must not keep a worker that has to exit its positions from its lock: the pid is a courtesy. */
static void lock_write_pid(int fd)
{
    char pid[24];
    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)length, 0) != length)
        (void)!ftruncate(fd, 0);
}

int store_lock(const char *folder, struct error *err)
{
    assert(folder);
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/lock", folder) >= (int)sizeof path)
        return error_set(err, ENAMETOOLONG, "lock of folder %.80s...: its path is too long", folder);
    int rc = store_make_folder(folder, err);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(err, errno, "open %s", path);
    do
        rc = flock(fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        int code = errno;
        rc = code == EWOULDBLOCK ? lock_busy(fd, path, err) : error_errno(err, code, "lock %s", path);
        close(fd);
        return rc;
    }
    lock_write_pid(fd);
    return fd;
}

/* The entry of a new folder is made durable by syncing its parent. */
static int sync_parent(const char *folder)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(folder, '/');
    int length = slash == NULL ? 1 : slash == folder ? 1 : (int)(slash - folder);
    if (snprintf(parent, sizeof parent, "%.*s", length, slash ? folder : ".") >= (int)sizeof parent)
        return -ENAMETOOLONG;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return rc == -EINVAL ? 0 : rc; /* a file system that cannot sync a folder */
}

int store_make_folder(const char *folder, struct error *err)
{
    char path[PATH_MAX];
    size_t length = strlen(folder);
    if (length == 0 || length >= sizeof path)
        return error_set(err, ENAMETOOLONG, "folder \"%.80s\": its path is empty or too long", folder);
    memcpy(path, folder, length + 1);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        char kept = path[i];
        path[i] = '\0';
        if (mkdir(path, 0700) == 0) {
            int rc = sync_parent(path);
            if (rc < 0)
                return error_errno(err, -rc, "sync the folder that holds %s", path);
        } else if (errno != EEXIST) {
            struct stat st;
            int code = errno; /* a folder on a read-only disk that is there already is no error */
            if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
                return error_errno(err, code, "create folder %s", path);
        }
        path[i] = kept;
    }
    return 0;
}

/* --- months -------------------------------------------------------------------------------- */

/* Days since the epoch to year and month, proleptic Gregorian (Hinnant, "chrono-compatible low-level date
 * algorithms": civil_from_days). */
uint32_t store_month(int64_t time_ns)
{
    int64_t days = time_ns < 0 ? 0 : time_ns / NS_PER_DAY;
    int64_t z = days + 719468, era = z / 146097, day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; /* March is 0 */
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    return (uint32_t)(year * 12 + month - 1);
}

void store_month_name(uint32_t month, char *name)
{
    snprintf(name, STORE_NAME_MAX + 1, "journal.%04u-%02u", month / 12, month % 12 + 1);
}

/* --- life ------------------------------------------------------------------------------------ */

static void copy_name(char *to, const char *from)
{
    assert(from);
    size_t length = strlen(from);
    assert(length > 0 && length <= STORE_NAME_MAX);
    memcpy(to, from, length + 1);
}

int store_setup(struct store *store, const struct store_options *options, bool reader, struct error *err)
{
    assert(options && options->folder && options->kind && options->table_count <= STORE_TABLES_MAX);
    copy_name(store->kind, options->kind);
    for (uint32_t i = 0; i < options->table_count; i++) {
        copy_name(store->tables[i], options->tables[i]);
        assert(strchr(options->tables[i], '.') == NULL); /* names with a dot are the store's own */
        for (uint32_t j = 0; j < i; j++)
            assert(strcmp(store->tables[i], store->tables[j]) != 0);
    }
    store->table_count = options->table_count;
    store->journal = options->journal;
    store->journal_months = options->journal_months;
    store->map_bytes = options->map_bytes;
    store->reserve_bytes = options->reserve_bytes;
    store->reader = reader;
    store->folder = strdup(options->folder);
    if (!store->folder)
        return error_set(err, ENOMEM, "store %s: no memory", options->folder);
    if (reader)
        return 0;
    void *bytes = mmap(NULL, STORE_BATCH_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return error_errno(err, errno, "store %s: %u bytes for its batch", options->folder, STORE_BATCH_BYTES_MAX);
    store->batch.bytes = bytes;
    return 0;
}

void store_teardown(struct store *store)
{
    if (store->batch.bytes)
        munmap(store->batch.bytes, STORE_BATCH_BYTES_MAX);
    free(store->folder);
    store->batch.bytes = NULL;
    store->folder = NULL;
}

void store_close(struct store **store)
{
    assert(store);
    if (!*store)
        return;
    if ((*store)->kept.used > 0) { /* else the next opening finds it */
        store_discard(*store);
        (void)store_commit(*store, STORE_POWER, NULL);
    }
    (*store)->backend->close(*store);
    *store = NULL;
}

/* --- batch ------------------------------------------------------------------------------------ */

static size_t padded(size_t size) { return (size + 7) & ~(size_t)7; }

static void batch_reset(struct store *store)
{
    struct store_batch *batch = &store->batch;
    if (batch->used > BATCH_KEEP_BYTES)
        madvise(batch->bytes + BATCH_KEEP_BYTES, STORE_BATCH_BYTES_MAX - BATCH_KEEP_BYTES, MADV_DONTNEED);
    *batch = (struct store_batch){.bytes = batch->bytes};
    store->kept = *batch;
}

static struct store_change *batch_add(struct store *store, size_t size)
{
    assert(!store->reader && size <= store_batch_room(store));
    struct store_batch *batch = &store->batch;
    struct store_change *change = (struct store_change *)(void *)(batch->bytes + batch->used);
    *change = (struct store_change){.size = (uint32_t)size};
    batch->used += sizeof *change + padded(size);
    batch->changes++;
    return change;
}

size_t store_batch_room(const struct store *store)
{
    size_t left = STORE_BATCH_BYTES_MAX - store->batch.used;
    return left < sizeof(struct store_change) ? 0 : left - sizeof(struct store_change);
}

void store_put(struct store *store, uint32_t table, uint64_t key, const void *data, size_t size)
{
    assert(store && table < store->table_count && (data || size == 0));
    struct store_change *change = batch_add(store, size);
    change->table = table;
    change->key = key;
    if (size > 0)
        memcpy(change + 1, data, size);
}

void store_delete(struct store *store, uint32_t table, uint64_t key)
{
    assert(store && table < store->table_count);
    struct store_change *change = batch_add(store, 0);
    change->table = table;
    change->key = key;
    change->size = STORE_DELETED;
}

void store_journal(struct store *store, uint64_t seq, int64_t time_ns, const void *data, size_t size)
{
    assert(store && store->journal && (data || size == 0));
    struct store_batch *batch = &store->batch;
    assert(seq == (batch->journal_last ? batch->journal_last : store->range.last) + 1);
    /* Months never go back: a record that is late goes to the month that the journal is in. */
    uint32_t month = store_month(time_ns), before = batch->month ? batch->month : store->range.month;
    month = month < before ? before : month;
    batch->months += month != batch->month;
    assert(batch->months <= STORE_BATCH_MONTHS_MAX);
    struct store_change *change = batch_add(store, size);
    change->table = STORE_JOURNAL;
    change->key = seq;
    change->month = month;
    if (size > 0)
        memcpy(change + 1, data, size);
    batch->month = month;
    batch->journal_first = batch->journal_first ? batch->journal_first : seq;
    batch->journal_last = seq;
}

const struct store_change *store_batch_next(const struct store_batch *batch, size_t *offset, const void **data)
{
    if (*offset == batch->used)
        return NULL;
    const struct store_change *change = (const struct store_change *)(const void *)(batch->bytes + *offset);
    *data = change + 1;
    *offset += sizeof *change + (change->size == STORE_DELETED ? 0 : padded(change->size));
    assert(*offset <= batch->used);
    return change;
}

/* What a file says is looked at before it is used. */
static bool change_valid(const struct store *store, const struct store_change *change, size_t left)
{
    bool deleted = change->size == STORE_DELETED;
    if (!deleted && padded(change->size) > left - sizeof *change)
        return false;
    return change->table == STORE_JOURNAL ? store->journal && !deleted && change->month != 0 : change->table < store->table_count;
}

bool store_batch_count(const struct store *store, struct store_batch *batch, size_t used)
{
    *batch = (struct store_batch){.bytes = batch->bytes};
    while (batch->used < used) {
        const struct store_change *change = (const struct store_change *)(const void *)(batch->bytes + batch->used);
        size_t left = used - batch->used;
        if (left < sizeof *change || !change_valid(store, change, left))
            return false;
        batch->used += sizeof *change + (change->size == STORE_DELETED ? 0 : padded(change->size));
        batch->changes++;
        if (change->table != STORE_JOURNAL)
            continue;
        if (batch->journal_last != 0 && (change->key != batch->journal_last + 1 || change->month < batch->month))
            return false;
        batch->months += change->month != batch->month;
        batch->month = change->month;
        batch->journal_first = batch->journal_first ? batch->journal_first : change->key;
        batch->journal_last = change->key;
    }
    return batch->months <= STORE_BATCH_MONTHS_MAX;
}

bool store_batch_empty(const struct store *store) { return store->batch.used == store->kept.used; }

int store_commit(struct store *store, enum store_sync sync, struct error *err)
{
    assert(store && !store->reader && (sync == STORE_CRASH || sync == STORE_POWER));
    int rc = store->backend->commit(store, sync, err);
    if (rc == 0)
        batch_reset(store);
    if (rc == 1)
        store->kept = store->batch;
    return rc < 0 ? rc : 0;
}

void store_discard(struct store *store)
{
    assert(store && !store->reader);
    if (store->kept.used > 0)
        store->batch = store->kept;
    else
        batch_reset(store);
}

bool store_unsettled(const struct store *store) { return store->kept.used > 0; }

/* The part that is kept alone goes into the tables; the open part moves to the front. */
int store_settle(struct store *store, struct error *err)
{
    assert(store && !store->reader);
    struct store_batch whole = store->batch, kept = store->kept;
    if (kept.used == 0)
        return 0;
    store->batch = kept;
    store->kept = (struct store_batch){.bytes = kept.bytes};
    int rc = store->backend->settle(store, err);
    if (rc < 0) {
        store->batch = whole;
        store->kept = kept;
        return rc;
    }
    size_t open = whole.used - kept.used;
    memmove(whole.bytes, whole.bytes + kept.used, open);
    batch_reset(store);
    bool good = store_batch_count(store, &store->batch, open);
    assert(good);
    return 0;
}

/* Reads see committed data. */
static int settle_for_read(struct store *store)
{
    return store->reader || store->kept.used == 0 ? 0 : store_settle(store, NULL);
}

/* --- reads ------------------------------------------------------------------------------------- */

struct chunk_record {
    uint64_t key, size;
};

int store_chunk_add(struct store_chunk *chunk, uint64_t key, const void *data, size_t size)
{
    size_t need = sizeof(struct chunk_record) + padded(size);
    if (chunk->count == chunk->count_max || (chunk->count > 0 && chunk->used + need > STORE_CHUNK_BYTES_MAX))
        return 0;
    if (chunk->used + need > chunk->capacity) {
        size_t capacity = chunk->capacity ? chunk->capacity * 2 : (size_t)16 << 10;
        capacity = capacity < chunk->used + need ? chunk->used + need : capacity;
        unsigned char *bytes = realloc(chunk->bytes, capacity);
        if (!bytes)
            return -ENOMEM;
        chunk->bytes = bytes;
        chunk->capacity = capacity;
    }
    struct chunk_record *record = (struct chunk_record *)(void *)(chunk->bytes + chunk->used);
    *record = (struct chunk_record){.key = key, .size = size};
    if (size > 0)
        memcpy(record + 1, data, size);
    chunk->used += need;
    chunk->count++;
    chunk->last_key = key;
    return 1;
}

static int chunk_visit(const struct store_chunk *chunk, store_visit visit, void *context)
{
    size_t offset = 0;
    int rc = 0;
    for (uint32_t i = 0; i < chunk->count && rc == 0; i++) {
        const struct chunk_record *record = (const struct chunk_record *)(const void *)(chunk->bytes + offset);
        rc = visit(context, record->key, record + 1, record->size);
        offset += sizeof *record + padded(record->size);
    }
    return rc;
}

/* Copy, end the transaction, then visit: a visitor that blocks on a pipe pins no page. */
static int scan(struct store *store, uint32_t table, uint64_t from, uint32_t max, store_visit visit, void *context)
{
    struct store_chunk chunk = {0};
    int rc = settle_for_read(store);
    while (rc == 0 && max > 0) {
        chunk.used = chunk.count = 0;
        chunk.count_max = max < STORE_READ_MAX ? max : STORE_READ_MAX;
        rc = store->backend->read(store, table, from, &chunk);
        if (rc == 0)
            rc = chunk_visit(&chunk, visit, context);
        if (rc != 0 || chunk.count == 0 || chunk.last_key == UINT64_MAX)
            break;
        max -= chunk.count;
        from = chunk.last_key + 1;
    }
    free(chunk.bytes);
    return rc;
}

int store_get(struct store *store, uint32_t table, uint64_t key, void *out, size_t size, size_t *length)
{
    assert(store && table < store->table_count && (out || size == 0));
    size_t unused;
    int rc = settle_for_read(store);
    return rc < 0 ? rc : store->backend->get(store, table, key, out, size, length ? length : &unused);
}

int store_scan(struct store *store, uint32_t table, uint64_t from, uint32_t max, store_visit visit, void *context)
{
    assert(store && table < store->table_count && visit);
    return scan(store, table, from, max, visit, context);
}

int store_journal_scan(struct store *store, uint64_t from_seq, uint32_t max, store_visit visit, void *context)
{
    assert(store && store->journal && visit);
    return scan(store, STORE_JOURNAL, from_seq, max, visit, context);
}

static struct store_journal_range journal_range(struct store *store)
{
    struct store_journal_range range = store->range;
    assert(store->journal);
    if (store->reader && store->backend->range(store, &range) != 0)
        range = (struct store_journal_range){0};
    return range;
}

uint64_t store_journal_last(struct store *store)
{
    return !store->reader && store->kept.journal_last != 0 ? store->kept.journal_last : journal_range(store).last;
}

uint64_t store_journal_first(struct store *store)
{
    (void)settle_for_read(store);
    return journal_range(store).first;
}

bool store_low(struct store *store)
{
    assert(store && !store->reader);
    return store->backend->low(store);
}

void store_trim(struct store *store) { store->backend->trim(store); }
