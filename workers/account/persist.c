#include "workers/account/persist.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

const char *const account_tables[TABLE_COUNT] = {
    [TABLE_ACCOUNT] = "account", [TABLE_POSITIONS] = "positions", [TABLE_ORDERS] = "orders",
    [TABLE_PROPOSALS] = "proposals", [TABLE_TRADES] = "trades", [TABLE_SIGNALS] = "signals",
    [TABLE_SNAPSHOT] = "snapshot", [TABLE_RUNS] = "runs",
    [TABLE_CHAIN] = "chain",
};

#define PERSIST_KEY UINT64_C(1) /* of tables with one row */
#define PERSIST_TRIM_MAX 4096u /* rows deleted with one snapshot */
#define SNAPSHOT_PREFIX offsetof(struct core_market, detectors)
#define SNAPSHOT_BYTES_MAX (SNAPSHOT_PREFIX + CONFIG_INSTRUMENTS_MAX * DETECTOR_STATE_BYTES_MAX)

/* --- loading ------------------------------------------------------------------------------------ */

/* Rows of one size into an array of slots. */
struct persist_rows {
    void *slots;
    size_t row_bytes;
    uint32_t slot_count;
    bool bad;
};

static int persist_visit_row(void *context, uint64_t key, const void *data, size_t size)
{
    struct persist_rows *rows = context;
    if (key == 0 || key > rows->slot_count || size != rows->row_bytes) {
        rows->bad = true;
        return 1;
    }
    memcpy((char *)rows->slots + (key - 1) * rows->row_bytes, data, size);
    return 0;
}

static int persist_load_rows(struct store *store, uint32_t table, void *slots, size_t row_bytes, uint32_t slot_count,
                             struct error *err)
{
    struct persist_rows rows = {.slots = slots, .row_bytes = row_bytes, .slot_count = slot_count};
    int rc = store_scan(store, table, 1, slot_count + 1, persist_visit_row, &rows);
    if (rc < 0)
        return error_set(err, -rc, "table %s cannot be read", account_tables[table]);
    if (rows.bad)
        return error_set(err, EPROTO, "table %s holds a row of another version", account_tables[table]);
    return 0;
}

static size_t persist_pack_market(const struct core *core, unsigned char *out)
{
    size_t used = SNAPSHOT_PREFIX;
    memcpy(out, &core->market, SNAPSHOT_PREFIX);
    for (uint32_t i = 0; i < core->config->instrument_count; i++) {
        memcpy(out + used, core->market.detectors[i], core->detector->state_bytes);
        used += core->detector->state_bytes;
    }
    return used;
}

static bool persist_unpack_market(struct core *core, const unsigned char *data, size_t size)
{
    size_t expected = SNAPSHOT_PREFIX + (size_t)core->config->instrument_count * core->detector->state_bytes;
    if (size != expected)
        return false;
    memcpy(&core->market, data, SNAPSHOT_PREFIX);
    for (uint32_t i = 0; i < core->config->instrument_count; i++)
        memcpy(core->market.detectors[i], data + SNAPSHOT_PREFIX + i * core->detector->state_bytes,
               core->detector->state_bytes);
    const struct core_market *market = &core->market;
    return market->version == core->detector->version && market->bytes == sizeof *market &&
           market->config_digest == core->settings->digest && market->signal_count <= CORE_SIGNALS_MAX &&
           market->seq <= core->account.cursor_seq;
}

static bool persist_load_market(struct persist *persist, struct core *core)
{
    static unsigned char buffer[SNAPSHOT_BYTES_MAX];
    size_t length = 0;
    bool good = store_get(persist->store, TABLE_SNAPSHOT, PERSIST_KEY, buffer, sizeof buffer, &length) == 0 &&
                length <= sizeof buffer && persist_unpack_market(core, buffer, length);
    if (good)
        persist->snapshot_seq = core->market.seq;
    else
        core_market_reset(core);
    return good;
}

static int persist_visit_first(void *context, uint64_t key, const void *data, size_t size)
{
    (void)data;
    (void)size;
    *(uint64_t *)context = key;
    return 1;
}

int persist_load(struct persist *persist, struct store *store, struct core *core, bool *fresh, bool *market_good,
                 struct error *err)
{
    memset(persist, 0, sizeof *persist);
    persist->store = store;
    (void)store_scan(store, TABLE_CHAIN, 0, 1, persist_visit_first, &persist->chain_first);
    *fresh = *market_good = false;
    size_t length = 0;
    struct core_account account;
    int rc = store_get(store, TABLE_ACCOUNT, PERSIST_KEY, &account, sizeof account, &length);
    if (rc == -ENOENT) {
        *fresh = true;
        return 0;
    }
    if (rc != 0)
        return error_set(err, -rc, "the account's row cannot be read");
    if (length != sizeof account)
        return error_set(err, EPROTO, "the account's row has %zu bytes, this version writes %zu", length, sizeof account);
    core->account = account;
    if ((rc = persist_load_rows(store, TABLE_POSITIONS, core->positions, sizeof core->positions[0], CORE_POSITIONS_MAX, err)) != 0 ||
        (rc = persist_load_rows(store, TABLE_ORDERS, core->orders, sizeof core->orders[0], CORE_ORDERS_MAX, err)) != 0 ||
        (rc = persist_load_rows(store, TABLE_PROPOSALS, core->proposals, sizeof core->proposals[0], CORE_PROPOSALS_MAX, err)) != 0)
        return rc;
    if (core_check(core) != 0)
        return error_set(err, EPROTO, "rows of another version, or an instrument that the configuration does not have");
    if (core->account.jseq > 0 &&
        (store_get(store, TABLE_CHAIN, core->account.jseq, persist->chain, sizeof persist->chain, &length) != 0 ||
         length != sizeof persist->chain))
        return error_set(err, EBADMSG, "the audit chain has no row for record %llu, the last one; run propfleet audit --verify",
                         (unsigned long long)core->account.jseq);
    persist->account = core->account;
    memcpy(persist->positions, core->positions, sizeof persist->positions);
    memcpy(persist->orders, core->orders, sizeof persist->orders);
    memcpy(persist->proposals, core->proposals, sizeof persist->proposals);
    *market_good = persist_load_market(persist, core);
    return 0;
}

/* --- saving -------------------------------------------------------------------------------------- */

static void persist_save_rows(struct store *store, uint32_t table, void *stored, const void *now, size_t row_bytes,
                              uint32_t slot_count)
{
    static const unsigned char none[sizeof(struct core_account) + sizeof(struct order)]; /* the longest row fits */
    assert(row_bytes <= sizeof none);
    for (uint32_t i = 0; i < slot_count; i++) {
        char *old = (char *)stored + i * row_bytes;
        const char *new = (const char *)now + i * row_bytes;
        if (memcmp(old, new, row_bytes) == 0)
            continue;
        if (memcmp(new, none, row_bytes) == 0)
            store_delete(store, table, i + 1);
        else
            store_put(store, table, i + 1, new, row_bytes);
        memcpy(old, new, row_bytes);
    }
}

void persist_collect(struct persist *persist, const struct core *core)
{
    struct store *store = persist->store;
    for (uint32_t i = 0; i < core->record_count; i++) {
        const struct core_record *record = &core->records[i];
        store_journal(store, record->jseq, record->time_ns, core->bytes + record->offset, record->size);
        persist_chain(persist->chain, record->jseq, core->bytes + record->offset, record->size);
        store_put(store, TABLE_CHAIN, record->jseq, persist->chain, sizeof persist->chain);
    }
    for (uint32_t i = 0; i < core->trade_count; i++)
        store_put(store, TABLE_TRADES, core->trades[i].number, &core->trades[i], sizeof core->trades[i]);
    for (uint32_t i = 0; i < core->signal_row_count; i++)
        store_put(store, TABLE_SIGNALS, core->signal_rows[i].key, &core->signal_rows[i].row, sizeof core->signal_rows[i].row);
    persist_save_rows(store, TABLE_POSITIONS, persist->positions, core->positions, sizeof core->positions[0], CORE_POSITIONS_MAX);
    persist_save_rows(store, TABLE_ORDERS, persist->orders, core->orders, sizeof core->orders[0], CORE_ORDERS_MAX);
    persist_save_rows(store, TABLE_PROPOSALS, persist->proposals, core->proposals, sizeof core->proposals[0], CORE_PROPOSALS_MAX);
    persist_save_rows(store, TABLE_ACCOUNT, &persist->account, &core->account, sizeof core->account, 1);
}

/* The journal drops whole months; the rows of the chain follow, all but the one that the first record kept starts from. */
static void persist_trim_chain(struct persist *persist)
{
    uint64_t first = store_journal_first(persist->store);
    for (unsigned i = 0; i < PERSIST_TRIM_MAX && persist->chain_first + 1 < first; i++)
        store_delete(persist->store, TABLE_CHAIN, persist->chain_first++);
}

void persist_snapshot(struct persist *persist, const struct core *core)
{
    persist_trim_chain(persist);
    static unsigned char buffer[SNAPSHOT_BYTES_MAX];
    assert(core->market.seq == core->account.cursor_seq);
    size_t size = persist_pack_market(core, buffer);
    store_put(persist->store, TABLE_SNAPSHOT, PERSIST_KEY, buffer, size);
    persist->snapshot_seq = core->market.seq;
}

bool persist_dirty(const struct persist *persist, const struct core *core)
{
    /* Bytes are compared: padding that differs costs a write, and cannot hide a change. */
    struct core_account stored = persist->account;
    stored.cursor_seq = core->account.cursor_seq;
    stored.cursor_ns = core->account.cursor_ns;
    /* NOLINTBEGIN(bugprone-suspicious-memory-comparison) */
    return memcmp(&stored, &core->account, sizeof stored) != 0 ||
           memcmp(persist->positions, core->positions, sizeof persist->positions) != 0 ||
           memcmp(persist->orders, core->orders, sizeof persist->orders) != 0 ||
           memcmp(persist->proposals, core->proposals, sizeof persist->proposals) != 0;
    /* NOLINTEND(bugprone-suspicious-memory-comparison) */
}
