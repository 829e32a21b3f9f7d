#include "workers/replay/account.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "workers/account/journal.h"
#include "workers/broker/paper.h"

#define SNAPSHOT_RECORDS_MAX 4096u
#define MEMORY_MONTHS 1u

static void account_fail(struct replay_account *account, const char *what, const struct error *err)
{
    if (account->error)
        return;
    account->error = err->code ? -err->code : -EIO;
    snprintf(account->text, sizeof account->text, "%s: %s: %.180s", account->core.settings->name, what, err->text);
}

/* --- stores ------------------------------------------------------------------------------------------------------ */

static int account_open_store(const struct replay_options *options, const char *account, bool paper, struct store **out,
                              struct error *err)
{
    const struct config_store *settings = &options->config->store;
    bool memory = options->state_dir == NULL;
    char path[CONFIG_PATH_MAX * 2];
    snprintf(path, sizeof path, "%s/%s/%s", memory ? "replay" : options->state_dir, account,
             paper ? ACCOUNT_PAPER_FOLDER : ACCOUNT_STORE_FOLDER);
    struct store_options store = {
        .folder = path, .kind = paper ? ACCOUNT_PAPER_KIND : ACCOUNT_STORE_KIND,
        .tables = paper ? paper_tables : account_tables, .table_count = paper ? paper_table_count : TABLE_COUNT,
        .journal = !paper, .journal_months = memory ? MEMORY_MONTHS : settings->journal_months,
        .map_bytes = settings->map_bytes, .reserve_bytes = settings->reserve_bytes,
    };
    return memory ? store_open_memory(&store, out, err) : store_open(&store, out, err);
}

int replay_account_open(struct replay_account *account, const struct replay_options *options, uint32_t index, struct error *err)
{
    const struct fleet_config *config = options->config;
    const char *name = config->accounts[index].name;
    bool fresh, market_good;
    core_init(&account->core, config, index);
    account->watcher = options->watcher;
    /* What a memory store is told to keep over a power cut it need not keep twice. */
    account->sync = options->state_dir ? STORE_CRASH : STORE_POWER;
    account->snapshot_every = SNAPSHOT_RECORDS_MAX < config->feed.ring_slots / 4 ? SNAPSHOT_RECORDS_MAX : config->feed.ring_slots / 4;
    crypto_hash_sha256_init(&account->hash);
    if (options->state_dir) {
        char folder[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 2];
        snprintf(folder, sizeof folder, "%s/%s", options->state_dir, name);
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return error_errno(err, errno, folder);
    }
    int rc = account_open_store(options, name, false, &account->store, err);
    if (rc == 0)
        rc = account_open_store(options, name, true, &account->paper_store, err);
    if (rc == 0)
        rc = persist_load(&account->persist, account->store, &account->core, &fresh, &market_good, err);
    if (rc == 0 && !fresh)
        rc = error_set(err, EEXIST, "%s/%s has a state already: a backtest begins in an empty folder", options->state_dir, name);
    if (rc == 0)
        rc = paper_open(config, index, account->paper_store, account->sync, &account->broker, err);
    return rc;
}

void replay_account_close(struct replay_account *account)
{
    if (account->broker)
        account->broker->ops->close(account->broker);
    if (account->paper_store)
        store_close(&account->paper_store);
    if (account->store)
        store_close(&account->store);
}

/* --- write, then act ------------------------------------------------------------------------------------------------ */

static void account_hash(struct replay_account *account)
{
    const struct core *core = &account->core;
    for (uint32_t i = 0; i < core->record_count; i++) {
        unsigned char number[8];
        for (unsigned b = 0; b < 8; b++)
            number[b] = (unsigned char)(core->records[i].jseq >> 8 * b);
        crypto_hash_sha256_update(&account->hash, number, sizeof number);
        crypto_hash_sha256_update(&account->hash, core->bytes + core->records[i].offset, core->records[i].size);
    }
    account->records += core->record_count;
}

static void account_commit(struct replay_account *account)
{
    struct error err = {0};
    if (store_commit(account->store, account->sync, &err) != 0)
        account_fail(account, "its store", &err);
    else
        account->broker->ops->acknowledge(account->broker, account->core.account.venue_report);
}

static struct coordinator_queued *account_message(struct replay_account *account, uint32_t type)
{
    assert(account->message_count < COORDINATOR_QUEUE_MAX);
    struct coordinator_queued *message = &account->messages[account->message_count++];
    memset(message, 0, sizeof *message);
    message->type = type;
    return message;
}

static void account_release(struct replay_account *account, const struct core_action *action)
{
    struct error err = {0};
    switch (action->kind) {
    case ACTION_PROPOSE:
        account_message(account, WIRE_PROPOSE)->u.proposal = action->u.proposal;
        break;
    case ACTION_REPORT:
        account_message(account, WIRE_REPORT)->u.report = action->u.report;
        break;
    case ACTION_BROKER:
        if (account->broker->ops->send(account->broker, &action->u.request, &err) != 0)
            account_fail(account, "an order could not be handed over", &err);
        break;
    case ACTION_ALERT: /* its record is in the journal */
        break;
    }
}

static void account_flush(struct replay_account *account)
{
    struct core *core = &account->core;
    if (core->record_count == 0 && core->action_count == 0)
        return;
    uint32_t count = core->action_count;
    memcpy(account->actions, core->actions, count * sizeof account->actions[0]);
    account_hash(account);
    if (account->watcher && account->watcher->stepped)
        account->watcher->stepped(account->watcher->context, core->index, core);
    persist_collect(&account->persist, core);
    core_clear(core);
    account_commit(account);
    for (uint32_t i = 0; i < count && !account->error; i++)
        account_release(account, &account->actions[i]);
}

static void account_snapshot(struct replay_account *account)
{
    struct error err = {0};
    if (account->broker->ops->checkpoint(account->broker, &err) != 0) {
        account_fail(account, "its venue", &err);
        return;
    }
    persist_collect(&account->persist, &account->core);
    core_clear(&account->core);
    persist_snapshot(&account->persist, &account->core);
    account_commit(account);
    store_trim(account->store);
}

/* --- a record -------------------------------------------------------------------------------------------------------- */

static void account_reports(struct replay_account *account)
{
    const struct core_account *a = &account->core.account;
    struct broker_report report;
    while (!account->error &&
           account->broker->ops->next_report(account->broker, a->venue_report, a->cursor_seq, a->cursor_ns, &report) == 1) {
        struct core_event event = {.kind = CORE_REPORT, .u.report = &report};
        core_step(&account->core, &event);
        account_flush(account);
    }
}

void replay_account_record(struct replay_account *account, const struct market_record *record)
{
    struct error err = {0};
    if (account->error)
        return;
    if (account->broker->ops->on_record(account->broker, record, &err) != 0) {
        account_fail(account, "its venue", &err);
        return;
    }
    struct core_event event = {.kind = CORE_MARKET, .u.market = record};
    core_step(&account->core, &event);
    account_flush(account);
    account_reports(account);
}

bool replay_account_waits(const struct replay_account *account)
{
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++)
        if (account->core.proposals[i].jseq != 0)
            return true;
    return false;
}

void replay_account_answers(struct replay_account *account, const struct wire_answer *answers, uint32_t count)
{
    for (uint32_t i = 0; i < count && !account->error; i++) {
        assert(i == 0 || answers[i].jseq > answers[i - 1].jseq);
        struct core_event event = {.kind = CORE_ANSWER, .u.answer = &answers[i]};
        core_step(&account->core, &event);
        account_flush(account);
    }
}

void replay_account_instant_over(struct replay_account *account)
{
    if (!account->error && account->core.account.cursor_seq - account->persist.snapshot_seq >= account->snapshot_every)
        account_snapshot(account);
}

void replay_account_end(struct replay_account *account)
{
    if (!account->error)
        account_snapshot(account);
}
