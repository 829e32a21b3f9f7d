#include "workers/replay/replay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "workers/feed/merge.h"
#include "workers/replay/account.h"

struct replay {
    const struct fleet_config *config;
    const struct replay_watcher *watcher;
    struct merge *merge;
    struct replay_account *accounts[CONFIG_ACCOUNTS_MAX]; /* NULL: takes no part */
    struct coordinator coordinator;
    struct coordinator_watermark watermarks[CONFIG_ACCOUNTS_MAX];
    uint64_t seq;
    int64_t time_ns;
    bool memory;
};

static bool takes_part(const struct replay_options *options, uint32_t account)
{
    const struct fleet_config *config = options->config;
    return account < config->account_count && config->accounts[account].name[0] != '\0' &&
           (options->accounts == 0 || options->accounts >> account & 1);
}

int replay_open(const struct replay_options *options, struct replay **out, struct error *err)
{
    struct replay *replay = calloc(1, sizeof *replay);
    *out = replay;
    if (!replay || sodium_init() < 0)
        return error_set(err, ENOMEM, "no memory for a replay");
    assert(!options->config->feed.live);
    replay->config = options->config;
    replay->watcher = options->watcher;
    replay->memory = options->state_dir == NULL;
    coordinator_init(&replay->coordinator, options->config);
    if (options->state_dir) {
        int rc = store_make_folder(options->state_dir, err);
        if (rc != 0)
            return rc;
    }
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        if (!takes_part(options, a))
            continue;
        replay->accounts[a] = calloc(1, sizeof *replay->accounts[a]);
        if (!replay->accounts[a])
            return error_set(err, ENOMEM, "no memory for account %s", options->config->accounts[a].name);
        int rc = replay_account_open(replay->accounts[a], options, a, err);
        if (rc != 0)
            return rc;
        replay->watermarks[a].wanted = true;
    }
    replay->merge = merge_open(options->config, NULL, err);
    return replay->merge ? 0 : -(err->code ? err->code : EIO);
}

void replay_close(struct replay **replay)
{
    struct replay *r = *replay;
    *replay = NULL;
    if (!r)
        return;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        if (r->accounts[a]) {
            replay_account_close(r->accounts[a]);
            free(r->accounts[a]);
        }
    if (r->merge)
        merge_close(&r->merge);
    if (r->memory)
        store_memory_forget_all();
    free(r);
}

/* --- rounds ------------------------------------------------------------------------------------------------------- */

/* Hand over what the accounts have sent, as they would over the wire: in the order of each one's jseq. */
static bool hand_over(struct replay *replay)
{
    bool any = false;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        struct replay_account *account = replay->accounts[a];
        if (!account)
            continue;
        for (uint32_t i = 0; i < account->message_count; i++) {
            account->messages[i].previous = coordinator_through(&replay->coordinator, a);
            enum coordinator_accept accept = coordinator_accept(&replay->coordinator, a, &account->messages[i]);
            assert(accept == COORDINATOR_QUEUED);
            (void)accept;
            any = true;
        }
        account->message_count = 0;
        replay->watermarks[a].done_instant_ns = account->core.account.end_ns;
        replay->watermarks[a].sent_jseq = account->core.account.sent_jseq;
    }
    return any;
}

static int by_jseq(const void *a, const void *b)
{
    const struct wire_answer *x = a, *y = b;
    return (x->jseq > y->jseq) - (x->jseq < y->jseq);
}

struct answers {
    uint32_t count;
    struct wire_answer list[CORE_PROPOSALS_MAX];
};

static void collect_answers(const struct replay *replay, struct answers answers[CONFIG_ACCOUNTS_MAX])
{
    for (uint32_t i = 0; i < replay->coordinator.decision_count; i++) {
        const struct coordinator_decision *decision = &replay->coordinator.decisions[i];
        struct answers *of = &answers[decision->account];
        assert(of->count < CORE_PROPOSALS_MAX);
        of->list[of->count++] = decision->answer;
    }
}

/* The END has been decided by all accounts: the rounds of the instants up to it, and the answers. An account stands at
 * its END until all its proposals are answered, as in a replay of processes. */
static void rounds(struct replay *replay)
{
    static struct answers answers[CONFIG_ACCOUNTS_MAX];
    uint32_t waits_for;
    if (!hand_over(replay))
        return;
    memset(answers, 0, sizeof answers);
    for (int64_t instant; (instant = coordinator_next_instant(&replay->coordinator)) != 0;) {
        if (!coordinator_ready(&replay->coordinator, instant, replay->watermarks, &waits_for))
            break;
        coordinator_apply(&replay->coordinator, instant, replay->watermarks);
        collect_answers(replay, answers);
    }
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        if (answers[a].count == 0)
            continue;
        qsort(answers[a].list, answers[a].count, sizeof answers[a].list[0], by_jseq);
        replay_account_answers(replay->accounts[a], answers[a].list, answers[a].count);
        assert(replay->accounts[a]->error || !replay_account_waits(replay->accounts[a]));
    }
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static int first_error(const struct replay *replay, struct error *err)
{
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        if (replay->accounts[a] && replay->accounts[a]->error)
            return error_set(err, -replay->accounts[a]->error, "%s", replay->accounts[a]->text);
    return 0;
}

static void take(struct replay *replay, const struct market_record *record)
{
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        if (replay->accounts[a])
            replay_account_record(replay->accounts[a], record);
    if (record->kind != MARKET_END)
        return;
    rounds(replay);
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        if (replay->accounts[a])
            replay_account_instant_over(replay->accounts[a]);
    if (replay->watcher && replay->watcher->instant)
        replay->watcher->instant(replay->watcher->context, replay, record);
}

int replay_run(struct replay *replay, struct error *err)
{
    const struct replay_watcher *watcher = replay->watcher;
    struct feed_item item;
    int rc;
    while ((rc = merge_next(replay->merge, &item, err)) == 1) {
        item.record.seq = ++replay->seq;
        replay->time_ns = item.record.time_ns;
        take(replay, &item.record);
        if (item.record.kind == MARKET_END && (rc = first_error(replay, err)) != 0)
            return rc;
        if (replay->seq % REPLAY_TURN_RECORDS == 0 && watcher && watcher->turn && !watcher->turn(watcher->context, replay))
            return -ECANCELED;
    }
    for (uint32_t a = 0; rc == 0 && a < CONFIG_ACCOUNTS_MAX; a++)
        if (replay->accounts[a])
            replay_account_end(replay->accounts[a]);
    return rc == 0 ? first_error(replay, err) : rc;
}

/* --- looking -------------------------------------------------------------------------------------------------------- */

uint64_t replay_records(const struct replay *replay) { return replay->seq; }
int64_t replay_time_ns(const struct replay *replay) { return replay->time_ns; }

void replay_rows(const struct replay *replay, uint64_t *read, uint64_t *bad)
{
    merge_rows(replay->merge, read, bad);
}

const struct core *replay_core(const struct replay *replay, uint32_t account)
{
    return account < CONFIG_ACCOUNTS_MAX && replay->accounts[account] ? &replay->accounts[account]->core : NULL;
}

uint64_t replay_hash(const struct replay *replay, uint32_t account, unsigned char out[REPLAY_HASH_BYTES])
{
    static_assert(REPLAY_HASH_BYTES == crypto_hash_sha256_BYTES, "SHA-256");
    crypto_hash_sha256_state state = replay->accounts[account]->hash; /* a copy: it may go on */
    crypto_hash_sha256_final(&state, out);
    return replay->accounts[account]->records;
}
