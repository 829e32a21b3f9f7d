#include "tools/ledger.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/paths.h"
#include "tools/text.h"
#include "workers/account/journal.h"

#define ROW_KEY UINT64_C(1) /* of the table with one row */
#define FACTS_RECORDS_MAX 1000000u
#define RUNS_MAX 1000000u

const char *const ledger_tables[TABLE_COUNT] = {
    [TABLE_ACCOUNT] = "account", [TABLE_POSITIONS] = "positions", [TABLE_ORDERS] = "orders",
    [TABLE_PROPOSALS] = "proposals", [TABLE_TRADES] = "trades", [TABLE_SIGNALS] = "signals",
    [TABLE_SNAPSHOT] = "snapshot", [TABLE_RUNS] = "runs",
    [TABLE_CHAIN] = "chain",
};

const char *ledger_order_state(unsigned state)
{
    static const char *const names[] = {
#define X(name, text) [ORDER_##name] = text,
        ORDER_STATE_LIST(X)
#undef X
    };
    return state < ORDER_STATE_COUNT ? names[state] : "?";
}

bool ledger_order_final(unsigned state) { return state >= ORDER_FILLED; }

const char *ledger_order_role(unsigned role)
{
    static const char *const names[] = {[ROLE_ENTRY] = "entry", [ROLE_STOP] = "stop", [ROLE_TAKE] = "target", [ROLE_CLOSE] = "close"};
    return role < sizeof names / sizeof names[0] ? names[role] : "?";
}

const char *ledger_exit(unsigned exit)
{
    static const char *const names[] = {
        [EXIT_NONE] = "none",         [EXIT_STOP] = "stop",         [EXIT_TARGET] = "target",
        [EXIT_TIME] = "time",         [EXIT_LIMITS] = "limits",     [EXIT_OPERATOR] = "operator",
        [EXIT_WINDOW] = "window", [EXIT_OPEN_LOSS] = "open_loss", [EXIT_TARGET_REACHED] = "passed",
        [EXIT_UNPROTECTED] = "unprotected", [EXIT_AFTER_CRASH] = "after_crash", [EXIT_VENUE] = "venue",
    };
    return exit < sizeof names / sizeof names[0] ? names[exit] : "?";
}

const char *ledger_side(unsigned side) { return side == SIDE_BUY ? "buy" : side == SIDE_SELL ? "sell" : "?"; }

/* --- opening ------------------------------------------------------------------------------ */

static int store_folder(const char *state_dir, const char *account, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/%s/" ACCOUNT_STORE_FOLDER, state_dir, account);
    return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

static bool has_store(const char *state_dir, const char *account)
{
    char folder[PATH_MAX], data[PATH_MAX + 16];
    if (!text_is_name(account) || store_folder(state_dir, account, folder, sizeof folder) != 0)
        return false;
    snprintf(data, sizeof data, "%s/data.mdb", folder);
    return access(data, F_OK) == 0;
}

int ledger_open(const char *state_dir, const char *account, struct ledger *out, struct error *err)
{
    char folder[PATH_MAX];
    *out = (struct ledger){0};
    if (!text_is_name(account))
        return error_set(err, ENOENT, "'%.40s' is no account's name", account);
    if (access(state_dir, X_OK) != 0)
        return error_set(err, ENOTDIR, "no state folder %s (%s): has the fleet run? --state DIR names another", state_dir,
                         strerror(errno));
    if (!has_store(state_dir, account))
        return error_set(err, ENOENT, "no account %s in %s; propfleet summary names those that have run", account, state_dir);
    int rc = store_folder(state_dir, account, folder, sizeof folder);
    if (rc != 0)
        return error_set(err, ENAMETOOLONG, "%.80s...: path is too long", state_dir);
    struct store_options options = {
        .folder = folder, .kind = ACCOUNT_STORE_KIND, .tables = ledger_tables, .table_count = TABLE_COUNT, .journal = true,
    };
    rc = store_open_reader(&options, &out->store, err);
    if (rc != 0)
        return rc;
    snprintf(out->name, sizeof out->name, "%s", account);
    return 0;
}

void ledger_close(struct ledger *ledger) { store_close(&ledger->store); }

int ledger_exit_status(int rc) { return rc == 0 ? EXIT_DONE : rc == -ENOTDIR ? EXIT_UNREACHABLE : EXIT_NO; }

int ledger_names(const char *state_dir, struct path_names *out, struct error *err)
{
    int rc = path_names_read(state_dir, "", out);
    if (rc != 0)
        return error_set(err, -rc, "no state folder %s (%s): has the fleet run? --state DIR names another", state_dir, strerror(-rc));
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        struct ledger ledger;
        bool account = has_store(state_dir, out->list[i]) && ledger_open(state_dir, out->list[i], &ledger, NULL) != -EINVAL;
        if (!account) { /* no store, or one of another kind (the coordinator's) */
            free(out->list[i]);
            continue;
        }
        ledger_close(&ledger);
        out->list[kept++] = out->list[i];
    }
    out->count = kept;
    return 0;
}

/* --- rows --------------------------------------------------------------------------------- */

int ledger_account(struct ledger *ledger, struct core_account *out, struct error *err)
{
    size_t length = 0;
    memset(out, 0, sizeof *out);
    int rc = store_get(ledger->store, TABLE_ACCOUNT, ROW_KEY, out, sizeof *out, &length);
    if (rc != 0)
        return error_errno(err, -rc, "%s: its row", ledger->name);
    if (length != sizeof *out || out->version != CORE_VERSION || out->bytes != sizeof *out)
        return error_set(err, EPROTO, "%s: its store is of another version of propfleet", ledger->name);
    if (out->last_refusal >= REFUSAL_COUNT || out->last_size.refusal >= REFUSAL_COUNT)
        return error_set(err, EPROTO, "%s: its row is damaged", ledger->name);
    return 0;
}

struct rows {
    unsigned char *out;
    size_t row_bytes;
    unsigned count, max;
    bool (*good)(const void *row);
};

static int take_row(void *context, uint64_t key, const void *data, size_t size)
{
    (void)key;
    struct rows *rows = context;
    if (size != rows->row_bytes || rows->count == rows->max)
        return -EPROTO;
    unsigned char *row = rows->out + rows->count * rows->row_bytes;
    memcpy(row, data, size);
    if (!rows->good(row))
        return -EPROTO;
    rows->count++;
    return 0;
}

static int read_rows(struct ledger *ledger, uint32_t table, struct rows *rows, struct error *err)
{
    int rc = store_scan(ledger->store, table, 0, rows->max + 1, take_row, rows);
    return rc == 0 ? 0 : error_errno(err, rc < 0 ? -rc : EPROTO, "%s: table %s", ledger->name, ledger_tables[table]);
}

static bool good_position(const void *row)
{
    const struct core_position *position = row;
    return position->instrument < CONFIG_INSTRUMENTS_MAX;
}

static bool good_order(const void *row)
{
    const struct order *order = row;
    return order->instrument < CONFIG_INSTRUMENTS_MAX && order->state < ORDER_STATE_COUNT;
}

int ledger_positions(struct ledger *ledger, struct core_position out[CORE_POSITIONS_MAX], unsigned *count, struct error *err)
{
    struct rows rows = {.out = (unsigned char *)out, .row_bytes = sizeof *out, .max = CORE_POSITIONS_MAX, .good = good_position};
    int rc = read_rows(ledger, TABLE_POSITIONS, &rows, err);
    *count = 0;
    for (unsigned i = 0; i < rows.count; i++)
        if (out[i].id != 0)
            out[(*count)++] = out[i];
    return rc;
}

int ledger_orders(struct ledger *ledger, struct order out[CORE_ORDERS_MAX], unsigned *count, struct error *err)
{
    struct rows rows = {.out = (unsigned char *)out, .row_bytes = sizeof *out, .max = CORE_ORDERS_MAX, .good = good_order};
    int rc = read_rows(ledger, TABLE_ORDERS, &rows, err);
    *count = 0;
    for (unsigned i = 0; i < rows.count; i++)
        if (out[i].intent != 0)
            out[(*count)++] = out[i];
    return rc;
}

struct trades {
    int (*visit)(void *context, const struct core_trade *trade);
    void *context;
};

static int take_trade(void *context, uint64_t key, const void *data, size_t size)
{
    (void)key;
    const struct trades *trades = context;
    struct core_trade trade;
    if (size != sizeof trade)
        return -EPROTO;
    memcpy(&trade, data, sizeof trade);
    return trade.instrument < CONFIG_INSTRUMENTS_MAX ? trades->visit(trades->context, &trade) : -EPROTO;
}

int ledger_trades(struct ledger *ledger, int (*visit)(void *context, const struct core_trade *trade), void *context,
                  struct error *err)
{
    struct trades trades = {visit, context};
    int rc = store_scan(ledger->store, TABLE_TRADES, 0, UINT32_MAX, take_trade, &trades);
    return rc >= 0 ? 0 : error_errno(err, -rc, "%s: its trades", ledger->name);
}

struct runs {
    struct account_run *last;
    unsigned count;
};

static int take_run(void *context, uint64_t key, const void *data, size_t size)
{
    (void)key;
    struct runs *runs = context;
    if (size != sizeof *runs->last)
        return -EPROTO;
    memcpy(runs->last, data, size);
    runs->last->tzdata[sizeof runs->last->tzdata - 1] = 0;
    runs->count++;
    return 0;
}

int ledger_runs(struct ledger *ledger, struct account_run *last, unsigned *count, struct error *err)
{
    struct runs runs = {.last = last};
    memset(last, 0, sizeof *last);
    int rc = store_scan(ledger->store, TABLE_RUNS, 0, RUNS_MAX, take_run, &runs);
    *count = runs.count;
    return rc == 0 ? 0 : error_errno(err, -rc, "%s: its runs", ledger->name);
}

/* --- what the journal says ------------------------------------------------------------------ */

struct facts_scan {
    struct ledger_facts *out;
    uint32_t missing;
    bool wants_account;
};

static void take_account(struct ledger_facts *out, const void *data, size_t size)
{
    uint64_t simulated = 0;
    (void)journal_get_text(data, size, "firm", out->firm, sizeof out->firm);
    (void)journal_get_text(data, size, "programme", out->programme, sizeof out->programme);
    (void)journal_get_text(data, size, "personality", out->personality, sizeof out->personality);
    (void)journal_get_text(data, size, "source", out->source, sizeof out->source);
    (void)journal_get_dec(data, size, "balance", &out->initial_balance);
    out->simulated = journal_get_u64(data, size, "simulated", &simulated) != 0 || simulated != 0;
}

static int take_record(void *context, uint64_t seq, const void *data, size_t size)
{
    (void)seq;
    struct facts_scan *scan = context;
    char kind[32], symbol[CONFIG_NAME_MAX];
    uint64_t index = 0;
    if (scan->wants_account && journal_get_text(data, size, "k", kind, sizeof kind) == 0 && strcmp(kind, "account") == 0) {
        take_account(scan->out, data, size);
        scan->wants_account = false;
    } else if (scan->missing && journal_get_u64(data, size, "i", &index) == 0 && index < CONFIG_INSTRUMENTS_MAX &&
               (scan->missing >> index & 1) && journal_get_text(data, size, "instrument", symbol, sizeof symbol) == 0) {
        text_clean(symbol, strlen(symbol), scan->out->symbols[index], sizeof scan->out->symbols[index]);
        scan->missing &= ~(UINT32_C(1) << index);
    }
    return scan->missing == 0 && !scan->wants_account;
}

void ledger_facts(struct ledger *ledger, uint32_t wanted, struct ledger_facts *out)
{
    *out = (struct ledger_facts){.initial_balance = DEC_NONE, .simulated = true};
    for (unsigned i = 0; i < CONFIG_INSTRUMENTS_MAX; i++)
        snprintf(out->symbols[i], sizeof out->symbols[i], "#%u", i);
    /* The account's own record is the first one that it makes; one that retention dropped is not searched for long. */
    struct facts_scan scan = {.out = out, .missing = wanted, .wants_account = true};
    uint64_t first = store_journal_first(ledger->store);
    if (store_journal_scan(ledger->store, first, 100, take_record, &scan) != 0 || scan.missing == 0)
        return;
    scan.wants_account = false;
    (void)store_journal_scan(ledger->store, first + 100, FACTS_RECORDS_MAX, take_record, &scan);
}

static int take_first_time(void *context, uint64_t n, const void *data, size_t size)
{
    (void)n;
    return journal_get_time(data, size, "t", context) == 0 ? 1 : 0;
}

int64_t ledger_begin_ns(struct ledger *ledger)
{
    int64_t from_ns = 0;
    (void)store_journal_scan(ledger->store, 0, 1, take_first_time, &from_ns);
    return from_ns;
}
