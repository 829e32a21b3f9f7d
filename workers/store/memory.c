#include "workers/store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "workers/store/backend.h"

/* A value, shared by what is committed and what is durable. */
struct value {
    uint32_t references, size;
    unsigned char bytes[];
};

/* NULL: no such key. Entries whose values differ are on the folder's list of unsynced ones. */
struct entry {
    uint64_t key;
    struct value *committed, *durable;
    bool listed;
};

struct table {
    char name[STORE_NAME_MAX + 1];
    struct entry *entries; /* ascending keys */
    size_t count, capacity;
};

struct unsynced {
    struct table *table;
    uint64_t key;
};

struct record {
    uint32_t month;
    struct value *value;
};

/* Records [base, base + count) of the journal; some before `committed.first` or after `committed.last` may
 * still be there for the sake of `durable`. */
struct journal {
    struct record *records;
    size_t start, count, capacity; /* records[start] is number `base` */
    uint64_t base;
    struct store_journal_range committed, durable;
};

/* What lives in a folder's name. */
struct folder {
    char *name;
    char kind[STORE_NAME_MAX + 1];
    struct table tables[STORE_TABLES_MAX];
    uint32_t table_count;
    struct journal journal;
    struct unsynced *unsynced;
    size_t unsynced_count, unsynced_capacity;
    bool open;
    struct folder *next;
};

struct memory_store {
    struct store base;
    struct folder *folder;
    struct table *tables[STORE_TABLES_MAX];
    bool retention_due;
    int fail_code;
};

static struct folder *folders;

static struct memory_store *memory_of(struct store *store) { return (struct memory_store *)(void *)store; }

/* The twin is for tests and simulation: without memory there is nothing to go on with. */
static void *memory_or_end(void *p)
{
    assert(p && "no memory for the store's twin");
    return p;
}

static void *grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 64;
    return memory_or_end(realloc(array, *capacity * size));
}

/* --- values ---------------------------------------------------------------------------------- */

static struct value *value_new(const void *data, size_t size)
{
    struct value *v = memory_or_end(malloc(sizeof *v + size));
    v->references = 1;
    v->size = (uint32_t)size;
    if (size > 0)
        memcpy(v->bytes, data, size);
    return v;
}

static void value_set(struct value **slot, struct value *v)
{
    if (v)
        v->references++;
    if (*slot && --(*slot)->references == 0)
        free(*slot);
    *slot = v;
}

/* --- tables ------------------------------------------------------------------------------------ */

static size_t table_find(const struct table *t, uint64_t key)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct entry *table_entry(const struct table *t, uint64_t key)
{
    size_t i = table_find(t, key);
    return i < t->count && t->entries[i].key == key ? &t->entries[i] : NULL;
}

static void table_remove_if_empty(struct table *t, struct entry *e)
{
    size_t i = (size_t)(e - t->entries);
    if (e->committed || e->durable)
        return;
    memmove(e, e + 1, (t->count - i - 1) * sizeof *e);
    t->count--;
}

static void table_apply(struct folder *f, struct table *t, uint64_t key, struct value *v)
{
    size_t i = table_find(t, key);
    if (i == t->count || t->entries[i].key != key) {
        if (!v)
            return;
        t->entries = grow(t->entries, &t->capacity, t->count, sizeof *t->entries);
        memmove(&t->entries[i + 1], &t->entries[i], (t->count - i) * sizeof *t->entries);
        t->entries[i] = (struct entry){.key = key};
        t->count++;
    }
    struct entry *e = &t->entries[i];
    value_set(&e->committed, v);
    if (!e->listed && e->committed != e->durable) {
        f->unsynced = grow(f->unsynced, &f->unsynced_capacity, f->unsynced_count, sizeof *f->unsynced);
        f->unsynced[f->unsynced_count++] = (struct unsynced){t, key};
        e->listed = true;
    }
    if (!e->listed)
        table_remove_if_empty(t, e);
}

/* What is committed becomes durable, or (lose) what is durable is all that is left. */
static void tables_settle(struct folder *f, bool lose)
{
    for (size_t i = 0; i < f->unsynced_count; i++) {
        struct table *t = f->unsynced[i].table;
        struct entry *e = table_entry(t, f->unsynced[i].key);
        assert(e && e->listed);
        if (lose)
            value_set(&e->committed, e->durable);
        else
            value_set(&e->durable, e->committed);
        e->listed = false;
        table_remove_if_empty(t, e);
    }
    f->unsynced_count = 0;
}

/* --- journal ------------------------------------------------------------------------------------- */

static struct record *journal_record(const struct journal *j, uint64_t seq)
{
    assert(seq >= j->base && seq - j->base < j->count);
    return &j->records[j->start + (seq - j->base)];
}

static void journal_append(struct journal *j, uint64_t seq, uint32_t month, struct value *v)
{
    if (j->count == 0)
        j->base = seq;
    assert(seq == j->base + j->count);
    if (j->start > 0 && j->start + j->count == j->capacity) {
        memmove(j->records, j->records + j->start, j->count * sizeof *j->records);
        j->start = 0;
    }
    j->records = grow(j->records, &j->capacity, j->start + j->count, sizeof *j->records);
    struct record *r = &j->records[j->start + j->count++];
    *r = (struct record){.month = month};
    value_set(&r->value, v);
    j->committed.last = seq;
    j->committed.month = month;
    j->committed.first = j->committed.first ? j->committed.first : seq;
}

static void journal_pop_first(struct journal *j)
{
    value_set(&j->records[j->start].value, NULL);
    j->start++;
    j->base++;
    j->count--;
}

/* Forget records that neither what is committed nor what is durable has. */
static void journal_prune(struct journal *j)
{
    uint64_t first = j->committed.first;
    if (j->durable.first && j->durable.first < first)
        first = j->durable.first;
    while (j->count > 0 && j->base < first)
        journal_pop_first(j);
}

static void journal_retain(struct journal *j, uint32_t months)
{
    while (journal_record(j, j->committed.first)->month + months <= j->committed.month)
        j->committed.first++;
    journal_prune(j);
}

static void journal_settle(struct journal *j, bool lose)
{
    if (!lose) {
        j->durable = j->committed;
        journal_prune(j);
        return;
    }
    j->committed = j->durable;
    while (j->count > 0 && j->base + j->count - 1 > j->committed.last)
        value_set(&j->records[j->start + --j->count].value, NULL);
}

/* --- the backend ------------------------------------------------------------------------------------ */

static void apply_batch(struct memory_store *m)
{
    const struct store_change *change;
    const void *data;
    size_t offset = 0;
    while ((change = store_batch_next(&m->base.batch, &offset, &data))) {
        struct value *v = change->size == STORE_DELETED ? NULL : value_new(data, change->size);
        if (change->table == STORE_JOURNAL)
            journal_append(&m->folder->journal, change->key, change->month, v);
        else
            table_apply(m->folder, m->tables[change->table], change->key, v);
        value_set(&v, NULL);
    }
}

static int memory_commit(struct store *store, enum store_sync sync, struct error *err)
{
    struct memory_store *m = memory_of(store);
    struct journal *j = &m->folder->journal;
    if (m->fail_code)
        return error_errno(err, m->fail_code, "store %s: commit", store->folder);
    apply_batch(m);
    if (store->journal && store->journal_months && j->committed.month &&
        (m->retention_due || j->committed.month != store->range.month))
        journal_retain(j, store->journal_months);
    m->retention_due = false;
    if (sync == STORE_POWER) {
        tables_settle(m->folder, false);
        journal_settle(j, false);
    }
    store->range = j->committed;
    return 0;
}

static int memory_get(struct store *store, uint32_t table, uint64_t key, void *out, size_t size, size_t *length)
{
    const struct entry *e = table_entry(memory_of(store)->tables[table], key);
    if (!e || !e->committed)
        return -ENOENT;
    *length = e->committed->size;
    if (size > 0)
        memcpy(out, e->committed->bytes, *length < size ? *length : size);
    return 0;
}

static int read_journal(const struct journal *j, uint64_t from, struct store_chunk *chunk)
{
    uint64_t seq = from > j->committed.first ? from : j->committed.first;
    int added = 1;
    for (; added == 1 && seq > 0 && seq <= j->committed.last; seq++) {
        const struct value *v = journal_record(j, seq)->value;
        added = store_chunk_add(chunk, seq, v->bytes, v->size);
    }
    return added < 0 ? added : 0;
}

static int memory_read(struct store *store, uint32_t table, uint64_t from, struct store_chunk *chunk)
{
    struct memory_store *m = memory_of(store);
    if (table == STORE_JOURNAL)
        return read_journal(&m->folder->journal, from, chunk);
    const struct table *t = m->tables[table];
    int added = 1;
    for (size_t i = table_find(t, from); added == 1 && i < t->count; i++) {
        const struct value *v = t->entries[i].committed;
        if (v)
            added = store_chunk_add(chunk, t->entries[i].key, v->bytes, v->size);
    }
    return added < 0 ? added : 0;
}

static int memory_range(struct store *store, struct store_journal_range *range)
{
    *range = memory_of(store)->folder->journal.committed;
    return 0;
}

static bool memory_low(struct store *store) { return memory_of(store)->fail_code != 0; }

static void memory_trim(struct store *store) { (void)store; }

static void memory_close(struct store *store)
{
    struct memory_store *m = memory_of(store);
    if (m->folder)
        m->folder->open = false;
    store_teardown(store);
    free(m);
}

static const struct store_backend memory_backend = {
    .close = memory_close,
    .commit = memory_commit,
    .get = memory_get,
    .read = memory_read,
    .range = memory_range,
    .low = memory_low,
    .trim = memory_trim,
};

/* --- folders -------------------------------------------------------------------------------------------- */

static struct folder *folder_find(const struct store *store)
{
    for (struct folder *f = folders; f; f = f->next) {
        if (strcmp(f->name, store->folder) == 0)
            return f;
    }
    struct folder *f = memory_or_end(calloc(1, sizeof *f));
    f->name = memory_or_end(strdup(store->folder));
    memcpy(f->kind, store->kind, sizeof f->kind);
    f->next = folders;
    folders = f;
    return f;
}

static struct table *folder_table(struct folder *f, const char name[STORE_NAME_MAX + 1])
{
    for (uint32_t i = 0; i < f->table_count; i++) {
        if (strcmp(f->tables[i].name, name) == 0)
            return &f->tables[i];
    }
    assert(f->table_count < STORE_TABLES_MAX);
    memcpy(f->tables[f->table_count].name, name, STORE_NAME_MAX + 1);
    return &f->tables[f->table_count++];
}

int store_open_memory(const struct store_options *options, struct store **out, struct error *err)
{
    assert(out);
    *out = NULL;
    struct memory_store *m = memory_or_end(calloc(1, sizeof *m));
    m->base.backend = &memory_backend;
    m->retention_due = true;
    int rc = store_setup(&m->base, options, false, err);
    struct folder *f = rc == 0 ? folder_find(&m->base) : NULL;
    if (f && f->open)
        rc = error_set(err, EBUSY, "store %s: it is open in this process already", options->folder);
    else if (f && strcmp(f->kind, m->base.kind) != 0)
        rc = error_set(err, EINVAL, "store %s: it is of kind \"%s\", not \"%s\"; name another folder",
                       options->folder, f->kind, m->base.kind);
    if (rc < 0) {
        memory_close(&m->base);
        return rc;
    }
    assert(f);
    f->open = true;
    m->folder = f;
    for (uint32_t i = 0; i < m->base.table_count; i++)
        m->tables[i] = folder_table(f, m->base.tables[i]);
    if (m->base.journal)
        m->base.range = f->journal.committed;
    *out = &m->base;
    return 0;
}

/* --- what a test may do ------------------------------------------------------------------------------------ */

void store_memory_lose(struct store *store, bool keep_crash)
{
    struct memory_store *m = memory_of(store);
    assert(store->backend == &memory_backend);
    store_discard(store);
    if (keep_crash)
        return;
    tables_settle(m->folder, true);
    journal_settle(&m->folder->journal, true);
    if (store->journal)
        store->range = m->folder->journal.committed;
}

void store_memory_fail(struct store *store, int code)
{
    assert(store->backend == &memory_backend && code >= 0);
    memory_of(store)->fail_code = code;
}

static void folder_free(struct folder *f)
{
    for (uint32_t i = 0; i < f->table_count; i++) {
        struct table *t = &f->tables[i];
        for (size_t k = 0; k < t->count; k++) {
            value_set(&t->entries[k].committed, NULL);
            value_set(&t->entries[k].durable, NULL);
        }
        free(t->entries);
    }
    while (f->journal.count > 0)
        journal_pop_first(&f->journal);
    free(f->journal.records);
    free(f->unsynced);
    free(f->name);
    free(f);
}

void store_memory_forget_all(void)
{
    while (folders) {
        struct folder *f = folders;
        assert(!f->open); /* a store that is open would be left without its contents */
        folders = f->next;
        folder_free(f);
    }
}
