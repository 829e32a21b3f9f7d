#include "workers/coordinator/ledger.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/vocabulary.h"
#include "workers/account/journal.h"
#include "workers/broker/broker.h"
#include "workers/store/store.h"

#define ROW_VERSION 1u
#define SLOT_SHIFT 48
#define META_KEY 0

struct account_row {
    uint32_t version, reserved;
    char name[CONFIG_NAME_MAX];
    struct coordinator_account account;
};
struct answer_row {
    uint32_t version, reserved;
    uint64_t proposal_hash;
    struct wire_answer answer;
};
struct meta_row {
    uint32_t version, reserved;
    uint64_t decision_seq;
    int64_t applied_instant_ns;
};
/* Rows are stored as they lie in memory: a change of layout is a change of ROW_VERSION. */
static_assert(sizeof(struct wire_position) == 24 && sizeof(struct coordinator_reservation) == 40, "stored layout");
static_assert(sizeof(struct account_row) == 40 + 32 + 16 * 24 + 16 * 40, "stored layout");
static_assert(sizeof(struct answer_row) == 16 + 48, "stored layout");

static const char *const tables[LEDGER_TABLE_COUNT] = {
    [LEDGER_ACCOUNTS] = "accounts", [LEDGER_ANSWERS] = "answers", [LEDGER_META] = "meta"};

static uint64_t answer_key(uint32_t slot, uint64_t jseq)
{
    assert(slot < CONFIG_ACCOUNTS_MAX && jseq >= 1 && jseq <= WIRE_JSEQ_MAX);
    return (uint64_t)slot << SLOT_SHIFT | jseq;
}

static uint64_t proposal_hash(const struct wire_proposal *proposal)
{
    uint64_t hash = hash_combine(proposal->jseq, (uint64_t)proposal->instant_ns);
    hash = hash_combine(hash, (uint64_t)proposal->instrument << 32 | proposal->side);
    hash = hash_combine(hash, (uint64_t)proposal->qty);
    hash = hash_combine(hash, (uint64_t)proposal->risk);
    hash = hash_combine(hash, (uint64_t)proposal->entry_price);
    return hash_combine(hash, (uint64_t)proposal->stop_price);
}

/* --- slots ------------------------------------------------------------------------------------------------- */

static void slot_remember(struct ledger *ledger, uint32_t slot_index, uint64_t jseq)
{
    struct ledger_slot *slot = &ledger->slots[slot_index];
    slot->answered[slot->next] = jseq;
    slot->next = (slot->next + 1) % LEDGER_ANSWERS_KEPT;
    if (slot->count < LEDGER_ANSWERS_KEPT)
        slot->count++;
}

static void slot_forget_answers(struct ledger *ledger, uint32_t slot_index)
{
    struct ledger_slot *slot = &ledger->slots[slot_index];
    for (uint32_t i = 1; i <= slot->count; i++)
        store_delete(ledger->store, LEDGER_ANSWERS,
                     answer_key(slot_index, slot->answered[(slot->next + LEDGER_ANSWERS_KEPT - i) % LEDGER_ANSWERS_KEPT]));
    slot->count = slot->next = 0;
}

static void slot_free(struct ledger *ledger, uint32_t slot_index)
{
    struct ledger_slot *slot = &ledger->slots[slot_index];
    log_info("%s is not in the configuration: what was kept of it is forgotten", slot->name);
    store_delete(ledger->store, LEDGER_ACCOUNTS, slot_index);
    slot_forget_answers(ledger, slot_index);
    memset(slot, 0, sizeof *slot);
}

static uint32_t slot_find(const struct ledger *ledger, const char *name)
{
    for (uint32_t i = 0; i < CONFIG_ACCOUNTS_MAX; i++)
        if (strcmp(ledger->slots[i].name, name) == 0)
            return i;
    return CONFIG_NONE;
}

/* A slot for each account, its own index where that is free; free those of accounts that are gone. */
static void assign_slots(struct ledger *ledger, const struct fleet_config *config)
{
    for (uint32_t i = 0; i < CONFIG_ACCOUNTS_MAX; i++)
        if (ledger->slots[i].name[0] != '\0' && config_account_index(config, ledger->slots[i].name) == CONFIG_NONE)
            slot_free(ledger, i);
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        const char *name = a < config->account_count ? config->accounts[a].name : "";
        ledger->slot_of[a] = name[0] != '\0' ? slot_find(ledger, name) : CONFIG_NONE;
    }
    for (uint32_t a = 0; a < config->account_count; a++) {
        if (config->accounts[a].name[0] == '\0' || ledger->slot_of[a] != CONFIG_NONE)
            continue;
        uint32_t slot = ledger->slots[a].name[0] == '\0' ? a : slot_find(ledger, "");
        assert(slot != CONFIG_NONE); /* as many slots as accounts there can be */
        memcpy(ledger->slots[slot].name, config->accounts[a].name, CONFIG_NAME_MAX);
        ledger->slot_of[a] = slot;
    }
}

/* --- opening ------------------------------------------------------------------------------------------------- */

struct loading {
    struct ledger *ledger;
    struct coordinator_account *rows; /* by slot */
};

static int load_account(void *context, uint64_t key, const void *data, size_t size)
{
    struct loading *loading = context;
    struct account_row row;
    if (key >= CONFIG_ACCOUNTS_MAX || size != sizeof row)
        return -EPROTO;
    memcpy(&row, data, sizeof row);
    row.name[CONFIG_NAME_MAX - 1] = '\0';
    if (row.version != ROW_VERSION || row.name[0] == '\0' || !coordinator_account_valid(&row.account))
        return -EPROTO;
    memcpy(loading->ledger->slots[key].name, row.name, sizeof row.name);
    loading->rows[key] = row.account;
    return 0;
}

static int load_answer(void *context, uint64_t key, const void *data, size_t size)
{
    struct loading *loading = context;
    (void)data;
    uint64_t slot = key >> SLOT_SHIFT;
    if (slot >= CONFIG_ACCOUNTS_MAX || size != sizeof(struct answer_row))
        return -EPROTO;
    slot_remember(loading->ledger, (uint32_t)slot, key & WIRE_JSEQ_MAX);
    return 0;
}

static int load_meta(struct ledger *ledger, struct coordinator *coordinator, struct error *err)
{
    struct meta_row row;
    size_t length;
    int rc = store_get(ledger->store, LEDGER_META, META_KEY, &row, sizeof row, &length);
    if (rc == -ENOENT)
        return 0; /* new */
    if (rc != 0)
        return error_set(err, -rc, "read meta");
    if (length != sizeof row || row.version != ROW_VERSION || row.applied_instant_ns < 0 ||
        row.decision_seq != store_journal_last(ledger->store))
        return error_set(err, EPROTO, "meta and journal do not agree (%zu bytes, journal up to %" PRIu64 ")", length,
                         store_journal_last(ledger->store));
    coordinator->decision_seq = row.decision_seq;
    coordinator->applied_instant_ns = row.applied_instant_ns;
    return 0;
}

static int load(struct ledger *ledger, struct coordinator *coordinator, struct error *err)
{
    static struct coordinator_account rows[CONFIG_ACCOUNTS_MAX];
    struct loading loading = {.ledger = ledger, .rows = rows};
    memset(rows, 0, sizeof rows);
    int rc = load_meta(ledger, coordinator, err);
    if (rc != 0)
        return rc;
    rc = store_scan(ledger->store, LEDGER_ACCOUNTS, 0, CONFIG_ACCOUNTS_MAX + 1, load_account, &loading);
    if (rc == 0)
        rc = store_scan(ledger->store, LEDGER_ANSWERS, 0, UINT32_MAX, load_answer, &loading);
    if (rc != 0)
        return error_set(err, rc < 0 ? -rc : EPROTO, "rows of accounts or answers can not be read or are none of ours");
    assign_slots(ledger, coordinator->config);
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        if (ledger->slot_of[a] != CONFIG_NONE)
            coordinator->accounts[a] = rows[ledger->slot_of[a]];
    return store_batch_empty(ledger->store) ? 0 : store_commit(ledger->store, STORE_CRASH, err);
}

int ledger_open(struct ledger *ledger, struct coordinator *coordinator, struct error *err)
{
    const struct fleet_config *config = coordinator->config;
    char folder[CONFIG_PATH_MAX + sizeof "/" LEDGER_FOLDER_NAME];
    snprintf(folder, sizeof folder, "%s/" LEDGER_FOLDER_NAME, config->state_dir);
    memset(ledger, 0, sizeof *ledger);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_errno(err, errno, "make %s", folder);
    ledger->lock_fd = store_lock(folder, err);
    if (ledger->lock_fd < 0)
        return ledger->lock_fd;
    const struct store_options options = {.folder = folder, .kind = "coordinator", .tables = tables,
                                          .table_count = LEDGER_TABLE_COUNT, .journal = true,
                                          .journal_months = config->store.journal_months,
                                          .map_bytes = config->store.map_bytes,
                                          .reserve_bytes = config->store.reserve_bytes};
    int rc = store_open(&options, &ledger->store, err);
    if (rc == 0)
        rc = load(ledger, coordinator, err);
    if (rc != 0)
        return error_context(err, "%s", folder);
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger->store)
        store_close(&ledger->store);
    if (ledger->lock_fd > 0)
        close(ledger->lock_fd);
    ledger->lock_fd = -1;
}

int ledger_configure(struct ledger *ledger, struct coordinator *coordinator, struct error *err)
{
    assign_slots(ledger, coordinator->config);
    return store_batch_empty(ledger->store) ? 0 : store_commit(ledger->store, STORE_CRASH, err);
}

/* --- a round ---------------------------------------------------------------------------------------------------- */

static void put_record(struct ledger *ledger, const struct coordinator *coordinator, const struct coordinator_decision *decision)
{
    unsigned char bytes[JOURNAL_RECORD_BYTES_MAX];
    const struct fleet_config *config = coordinator->config;
    const struct wire_proposal *proposal = &decision->proposal;
    const struct wire_answer *answer = &decision->answer;
    int64_t time_ns = coordinator->applied_instant_ns; /* never goes back, also when a message came late */
    struct journal_writer writer;
    journal_begin(&writer, bytes, sizeof bytes, "permit", answer->decision, time_ns);
    journal_u64(&writer, "account_index", decision->account);
    journal_text(&writer, "account", decision->account < config->account_count ? config->accounts[decision->account].name : "");
    journal_u64(&writer, "proposal", proposal->jseq);
    journal_time(&writer, "proposed", proposal->instant_ns);
    journal_u64(&writer, "i", proposal->instrument);
    journal_text(&writer, "symbol", config->instruments[proposal->instrument].symbol);
    journal_text(&writer, "side", proposal->side == SIDE_BUY ? "BUY" : "SELL");
    journal_dec(&writer, "qty", proposal->qty);
    journal_dec(&writer, "risk", proposal->risk);
    journal_dec(&writer, "entry", proposal->entry_price);
    journal_dec(&writer, "stop", proposal->stop_price);
    journal_f64(&writer, "confidence", proposal->confidence);
    journal_dec(&writer, "granted", answer->qty);
    journal_time(&writer, "valid_until", answer->valid_until_ns);
    journal_text(&writer, "refusal", refusal_name(answer->refusal));
    store_journal(ledger->store, answer->decision, time_ns, bytes, journal_end(&writer));
}

static void put_answer(struct ledger *ledger, const struct coordinator_decision *decision)
{
    uint32_t slot_index = ledger->slot_of[decision->account];
    if (slot_index == CONFIG_NONE)
        return; /* not configured: refused, and nobody asks again */
    const struct ledger_slot *slot = &ledger->slots[slot_index];
    const struct answer_row row = {.version = ROW_VERSION, .proposal_hash = proposal_hash(&decision->proposal),
                                   .answer = decision->answer};
    if (slot->count == LEDGER_ANSWERS_KEPT)
        store_delete(ledger->store, LEDGER_ANSWERS, answer_key(slot_index, slot->answered[slot->next]));
    store_put(ledger->store, LEDGER_ANSWERS, answer_key(slot_index, decision->answer.jseq), &row, sizeof row);
    slot_remember(ledger, slot_index, decision->answer.jseq);
}

static void put_account(struct ledger *ledger, const struct coordinator *coordinator, uint32_t account)
{
    uint32_t slot = ledger->slot_of[account];
    if (slot == CONFIG_NONE)
        return;
    struct account_row row = {.version = ROW_VERSION, .account = coordinator->accounts[account]};
    memcpy(row.name, ledger->slots[slot].name, sizeof row.name);
    store_put(ledger->store, LEDGER_ACCOUNTS, slot, &row, sizeof row);
}

void ledger_put(struct ledger *ledger, const struct coordinator *coordinator)
{
    const struct meta_row meta = {.version = ROW_VERSION, .decision_seq = coordinator->decision_seq,
                                  .applied_instant_ns = coordinator->applied_instant_ns};
    assert(store_batch_empty(ledger->store));
    for (uint32_t i = 0; i < coordinator->decision_count; i++) {
        put_record(ledger, coordinator, &coordinator->decisions[i]);
        put_answer(ledger, &coordinator->decisions[i]);
    }
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        if (coordinator->changed[a])
            put_account(ledger, coordinator, a);
    store_put(ledger->store, LEDGER_META, META_KEY, &meta, sizeof meta);
}

void ledger_put_account(struct ledger *ledger, const struct coordinator *coordinator, uint32_t account, bool anew)
{
    if (anew && ledger->slot_of[account] != CONFIG_NONE)
        slot_forget_answers(ledger, ledger->slot_of[account]);
    put_account(ledger, coordinator, account);
}

int ledger_commit(struct ledger *ledger, struct error *err)
{
    return store_commit(ledger->store, STORE_CRASH, err);
}

enum ledger_found ledger_answer(struct ledger *ledger, uint32_t account, const struct wire_proposal *proposal,
                                struct wire_answer *out)
{
    struct answer_row row;
    size_t length;
    uint32_t slot = ledger->slot_of[account];
    if (slot == CONFIG_NONE ||
        store_get(ledger->store, LEDGER_ANSWERS, answer_key(slot, proposal->jseq), &row, sizeof row, &length) != 0 ||
        length != sizeof row || row.version != ROW_VERSION)
        return LEDGER_NONE;
    if (row.proposal_hash != proposal_hash(proposal) || row.answer.refusal >= REFUSAL_COUNT)
        return LEDGER_OTHER;
    *out = row.answer;
    return LEDGER_FOUND;
}
