/* The book: rows in memory and in the store, and the commit that makes them one.
 *
 * Live orders, open positions and cancels under way are in memory; what is final lies in tables of its
 * own, so that a restart reads only what lives. Rows are staged at the commit (reports as they are
 * made); flags in the rows say which. Slots are freed after a commit only: until then a final order is
 * found in memory, and pointers stay good during a record. */
#include "workers/broker/paper_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

const char *const paper_tables[] = {
    [PAPER_META] = "meta",       [PAPER_ORDERS] = "orders",   [PAPER_REQUESTS] = "requests", [PAPER_POSITIONS] = "positions",
    [PAPER_REPORTS] = "reports", [PAPER_HISTORY] = "history", [PAPER_ANSWERED] = "answered",
};
const uint32_t paper_table_count = PAPER_TABLE_COUNT;
static_assert(sizeof paper_tables / sizeof paper_tables[0] == PAPER_TABLE_COUNT, "a name for each table");

#define META_KEY 1u

/* --- looking up ---------------------------------------------------------------------------- */

struct paper_order *paper_book_order(struct paper *v, uint64_t intent)
{
    for (uint32_t i = 0; i < v->order_count; i++)
        if (v->orders[i].intent == intent && v->orders[i].state != PAPER_FINAL)
            return &v->orders[i];
    return NULL;
}

struct paper_position *paper_book_position(struct paper *v, uint64_t position)
{
    for (uint32_t i = 0; i < v->position_count; i++)
        if (v->positions[i].position == position && v->positions[i].qty > 0)
            return &v->positions[i];
    return NULL;
}

/* A protective order that is still on its way (PENDING) is none yet: the one that it will replace is. */
struct paper_order *paper_book_child(struct paper *v, uint64_t position, enum paper_role role)
{
    for (uint32_t i = 0; i < v->order_count; i++) {
        struct paper_order *o = &v->orders[i];
        bool coming = o->state == PAPER_PENDING && (role == PAPER_STOP || role == PAPER_TAKE);
        if (o->position == position && o->role == role && o->state != PAPER_FINAL && !coming)
            return o;
    }
    return NULL;
}

uint32_t paper_book_live_orders(const struct paper *v)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < v->order_count; i++)
        count += v->orders[i].state != PAPER_FINAL;
    return count;
}

uint32_t paper_book_places_taken(const struct paper *v)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < v->position_count; i++)
        count += v->positions[i].qty > 0;
    for (uint32_t i = 0; i < v->order_count; i++) {
        const struct paper_order *o = &v->orders[i];
        count += o->role == PAPER_ENTRY && o->cum_qty == 0 && (o->state == PAPER_WORKING || o->state == PAPER_TRIGGERED);
    }
    return count;
}

/* Intents only grow: nearly every request is new, and is known to be new without a look at the store. */
bool paper_book_knows(struct paper *v, uint64_t intent)
{
    if (intent > v->meta.last_intent)
        return false;
    for (uint32_t i = 0; i < v->order_count; i++)
        if (v->orders[i].intent == intent)
            return true;
    for (uint32_t i = 0; i < v->request_count; i++)
        if (v->requests[i].intent == intent)
            return true;
    size_t length;
    char nothing;
    return store_get(v->store, PAPER_HISTORY, intent, &nothing, 0, &length) == 0 ||
           store_get(v->store, PAPER_ANSWERED, intent, &nothing, 0, &length) == 0;
}

/* --- commit ----------------------------------------------------------------------------------- */

static void stage_order(struct paper *v, const struct paper_order *order)
{
    struct paper_order row = *order;
    row.dirty = row.quote_number = 0;
    bool final = order->state == PAPER_FINAL;
    store_put(v->store, final ? PAPER_HISTORY : PAPER_ORDERS, order->intent, &row, sizeof row);
    if (final)
        store_delete(v->store, PAPER_ORDERS, order->intent);
}

static void stage_request(struct paper *v, const struct paper_request *request)
{
    struct paper_request row = *request;
    row.dirty = 0;
    store_put(v->store, request->answered ? PAPER_ANSWERED : PAPER_REQUESTS, request->intent, &row, sizeof row);
    if (request->answered)
        store_delete(v->store, PAPER_REQUESTS, request->intent);
}

static void stage_position(struct paper *v, const struct paper_position *position)
{
    struct paper_position row = *position;
    row.dirty = row.quote_number = 0;
    if (position->qty > 0)
        store_put(v->store, PAPER_POSITIONS, position->position, &row, sizeof row);
    else
        store_delete(v->store, PAPER_POSITIONS, position->position);
}

static void stage(struct paper *v)
{
    for (uint32_t i = 0; i < v->order_count; i++)
        if (v->orders[i].dirty)
            stage_order(v, &v->orders[i]);
    for (uint32_t i = 0; i < v->request_count; i++)
        if (v->requests[i].dirty)
            stage_request(v, &v->requests[i]);
    for (uint32_t i = 0; i < v->position_count; i++)
        if (v->positions[i].dirty)
            stage_position(v, &v->positions[i]);
    uint64_t until = v->acknowledged < v->meta.last_report ? v->acknowledged : v->meta.last_report;
    for (uint32_t n = 0; n < PAPER_PRUNE_MAX && v->meta.pruned < until; n++)
        store_delete(v->store, PAPER_REPORTS, ++v->meta.pruned);
    store_put(v->store, PAPER_META, META_KEY, &v->meta, sizeof v->meta);
}

static void release_orders(struct paper *v)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v->order_count; i++)
        if (v->orders[i].state != PAPER_FINAL) {
            v->orders[kept] = v->orders[i];
            v->orders[kept++].dirty = 0;
        }
    v->order_count = kept;
}

static void release_requests(struct paper *v)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v->request_count; i++)
        if (!v->requests[i].answered) {
            v->requests[kept] = v->requests[i];
            v->requests[kept++].dirty = 0;
        }
    v->request_count = kept;
}

static void release_positions(struct paper *v)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v->position_count; i++)
        if (v->positions[i].qty > 0) {
            v->positions[kept] = v->positions[i];
            v->positions[kept++].dirty = 0;
        }
    v->position_count = kept;
}

int paper_book_commit(struct paper *v, struct error *err)
{
    if (!v->commit_pending)
        stage(v);
    v->commit_pending = true;
    int rc = store_commit(v->store, v->sync, err);
    if (rc != 0) {
        error_context(err, "paper book");
        return rc;
    }
    v->commit_pending = v->effects = false;
    v->committed_report = v->meta.last_report;
    release_orders(v);
    release_requests(v);
    release_positions(v);
    return 0;
}

/* --- loading ---------------------------------------------------------------------------------- */

static int load_order(void *context, uint64_t key, const void *data, size_t size)
{
    struct paper *v = context;
    if (size != sizeof v->orders[0] || v->order_count == BROKER_ORDERS_MAX)
        return -EPROTO;
    struct paper_order row;
    memcpy(&row, data, sizeof row);
    if (row.intent != key || row.instrument >= v->config->instrument_count)
        return -EPROTO;
    uint32_t at = v->order_count++;
    for (; at > 0 && v->orders[at - 1].venue_order > row.venue_order; at--)
        v->orders[at] = v->orders[at - 1];
    v->orders[at] = row;
    return 0;
}

static int load_request(void *context, uint64_t key, const void *data, size_t size)
{
    struct paper *v = context;
    if (size != sizeof v->requests[0] || v->request_count == PAPER_REQUESTS_MAX)
        return -EPROTO;
    struct paper_request row;
    memcpy(&row, data, sizeof row);
    if (row.intent != key || row.instrument >= v->config->instrument_count)
        return -EPROTO;
    uint32_t at = v->request_count++;
    for (; at > 0 && v->requests[at - 1].arrival > row.arrival; at--)
        v->requests[at] = v->requests[at - 1];
    v->requests[at] = row;
    return 0;
}

static int load_position(void *context, uint64_t key, const void *data, size_t size)
{
    struct paper *v = context;
    if (size != sizeof v->positions[0] || v->position_count == BROKER_POSITIONS_MAX)
        return -EPROTO;
    struct paper_position row;
    memcpy(&row, data, sizeof row);
    if (row.position != key || row.instrument >= v->config->instrument_count)
        return -EPROTO;
    uint32_t at = v->position_count++;
    for (; at > 0 && v->positions[at - 1].first_exec > row.first_exec; at--)
        v->positions[at] = v->positions[at - 1];
    v->positions[at] = row;
    return 0;
}

static int load_rows(struct paper *v, struct error *err)
{
    static const struct {
        enum paper_table table;
        uint32_t max;
        store_visit visit;
    } loads[] = {
        {PAPER_ORDERS, BROKER_ORDERS_MAX + 1, load_order},
        {PAPER_REQUESTS, PAPER_REQUESTS_MAX + 1, load_request},
        {PAPER_POSITIONS, BROKER_POSITIONS_MAX + 1, load_position},
    };
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        int rc = store_scan(v->store, loads[i].table, 0, loads[i].max, loads[i].visit, v);
        if (rc != 0)
            return error_set(err, -rc, "paper book: table %s does not fit this build or configuration",
                             paper_tables[loads[i].table]);
    }
    return 0;
}

static int start(struct paper *v, uint32_t account, uint64_t account_hash, struct error *err)
{
    v->meta = (struct paper_meta){
        .model = PAPER_MODEL_VERSION, .account = account_hash, .balance = v->config->accounts[account].initial_balance};
    return paper_book_commit(v, err);
}

int paper_book_load(struct paper *v, uint32_t account, struct error *err)
{
    const char *name = v->config->accounts[account].name;
    uint64_t account_hash = hash_bytes(name, strlen(name), 0);
    size_t length = 0;
    int rc = store_get(v->store, PAPER_META, META_KEY, &v->meta, sizeof v->meta, &length);
    if (rc == -ENOENT)
        return start(v, account, account_hash, err);
    if (rc != 0)
        return error_set(err, -rc, "paper book: cannot be read");
    if (length != sizeof v->meta || v->meta.model != PAPER_MODEL_VERSION)
        return error_set(err, EPROTO, "paper book: written by another version of the fill model (this is %u)",
                         PAPER_MODEL_VERSION);
    if (v->meta.account != account_hash)
        return error_set(err, EPROTO, "paper book: belongs to another account than %s", name);
    v->committed_report = v->meta.last_report;
    return load_rows(v, err);
}
