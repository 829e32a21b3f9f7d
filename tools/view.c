#include "tools/view.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tools/client.h"
#include "tools/text.h"

/* One object that is being read. The first fault stays in err. */
struct reader {
    const json_t *object;
    const char *where; /* "accounts[3]" */
    struct error *err;
    bool failed;
};

static void fault(struct reader *r, const char *key, const char *what)
{
    if (!r->failed)
        error_set(r->err, EPROTO, "the supervisor's status is not understood: %s.%s is %s", r->where, key, what);
    r->failed = true;
}

static const json_t *field(struct reader *r, const char *key)
{
    const json_t *value = json_object_get(r->object, key);
    if (!value)
        fault(r, key, "missing");
    return value;
}

/* null is "". */
static void text(struct reader *r, const char *key, char *out, size_t size)
{
    const json_t *value = field(r, key);
    out[0] = 0;
    if (!value || json_is_null(value))
        return;
    if (json_is_string(value))
        text_clean(json_string_value(value), json_string_length(value), out, size);
    else
        fault(r, key, "no text");
}

static uint64_t count(struct reader *r, const char *key)
{
    const json_t *value = field(r, key);
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return (uint64_t)json_integer_value(value);
    if (value)
        fault(r, key, "no whole number");
    return 0;
}

/* null is VIEW_NONE. */
static int64_t whole(struct reader *r, const char *key)
{
    const json_t *value = field(r, key);
    if (!value || json_is_null(value))
        return VIEW_NONE;
    if (!json_is_integer(value))
        fault(r, key, "no whole number");
    return json_integer_value(value);
}

static double real(struct reader *r, const char *key)
{
    const json_t *value = field(r, key);
    if (!value || json_is_null(value))
        return VIEW_NONE;
    if (!json_is_number(value))
        fault(r, key, "no number");
    return json_number_value(value);
}

static bool flag(struct reader *r, const char *key)
{
    const json_t *value = field(r, key);
    if (value && !json_is_boolean(value))
        fault(r, key, "neither true nor false");
    return json_is_true(value);
}

static dec_t money(struct reader *r, const char *key)
{
    const json_t *value = field(r, key);
    dec_t out = DEC_NONE;
    if (!value || json_is_null(value))
        return DEC_NONE;
    if (!json_is_string(value) || dec_parse(json_string_value(value), json_string_length(value), &out) != 0)
        fault(r, key, "no amount");
    return out;
}

static void read_process(struct reader *r, struct view_process *out)
{
    text(r, "name", out->name, sizeof out->name);
    text(r, "kind", out->kind, sizeof out->kind);
    text(r, "account", out->account, sizeof out->account);
    text(r, "state", out->state, sizeof out->state);
    text(r, "why", out->why, sizeof out->why);
    out->pid = whole(r, "pid");
    out->heartbeat_age_ms = whole(r, "heartbeat_age_ms");
    out->memory_kib = whole(r, "memory_kib");
    out->generation = count(r, "generation");
    out->restarts = count(r, "restarts");
    out->deaths = count(r, "deaths");
    out->uptime_s = real(r, "uptime_s");
    out->done = flag(r, "done");
}

static void read_refusals(struct reader *r, uint64_t out[REFUSAL_COUNT])
{
    const json_t *object = field(r, "refusals");
    if (object && !json_is_object(object))
        fault(r, "refusals", "no object");
    for (unsigned code = 0; code < REFUSAL_COUNT; code++) {
        const json_t *value = json_object_get(object, refusal_name(code));
        if (!value)
            continue;
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            fault(r, "refusals", "not made of whole numbers");
        out[code] = (uint64_t)json_integer_value(value);
    }
}

static void read_account_figures(struct reader *r, struct view_account *out)
{
    out->balance = money(r, "balance");
    out->equity = money(r, "equity");
    out->day_pnl = money(r, "day_pnl");
    out->open_risk = money(r, "open_risk");
    out->positions = count(r, "positions");
    out->orders_working = count(r, "orders_working");
    out->signals = count(r, "signals");
    out->trades = count(r, "trades");
    out->entries_filled = count(r, "entries_filled");
    out->proposals = count(r, "proposals");
    out->granted = count(r, "granted");
    out->refused = count(r, "refused");
    out->journal_seq = count(r, "journal_seq");
    out->lapped = count(r, "lapped");
    out->market_time_ns = whole(r, "market_time");
    text(r, "last_refusal", out->last_refusal, sizeof out->last_refusal);
    text(r, "text", out->text, sizeof out->text);
    read_refusals(r, out->refusals);
}

static void read_account(struct reader *r, struct view_account *out)
{
    text(r, "name", out->name, sizeof out->name);
    text(r, "firm", out->firm, sizeof out->firm);
    text(r, "programme", out->programme, sizeof out->programme);
    text(r, "phase", out->phase, sizeof out->phase);
    text(r, "currency", out->currency, sizeof out->currency);
    text(r, "personality", out->personality, sizeof out->personality);
    text(r, "state", out->state, sizeof out->state);
    if (!r->failed && !text_is_name(out->name))
        fault(r, "name", "no account's name");
    out->balance = out->equity = out->day_pnl = out->open_risk = DEC_NONE;
    out->has_status = out->state[0] != 0;
    if (out->has_status)
        read_account_figures(r, out);
}

static void read_fleet(struct reader *r, struct view *out)
{
    text(r, "state_dir", out->state_dir, sizeof out->state_dir);
    text(r, "runtime_dir", out->runtime_dir, sizeof out->runtime_dir);
    text(r, "config_dir", out->config_dir, sizeof out->config_dir);
    text(r, "source", out->source, sizeof out->source);
    text(r, "stopping", out->stopping, sizeof out->stopping);
    out->simulated = flag(r, "simulated");
    out->live = flag(r, "live");
    out->restarts_held = flag(r, "restarts_held");
    out->ready = flag(r, "ready");
    out->speed = real(r, "speed");
    out->uptime_s = real(r, "uptime_s");
    out->pid = whole(r, "pid");
    out->unacknowledged = count(r, "unacknowledged");
    if (!r->failed && (out->state_dir[0] != '/' || out->config_dir[0] != '/'))
        fault(r, "state_dir", "no absolute path");
}

static void read_ring(struct reader *r, struct view *out)
{
    out->head = count(r, "head");
    out->rate = count(r, "rate");
    out->lapped = count(r, "lapped");
    out->rows_read = count(r, "rows_read");
    out->rows_bad = count(r, "rows_bad");
    out->market_time_ns = whole(r, "market_time");
}

static void read_coordinator(struct reader *r, struct view *out)
{
    out->rounds = count(r, "rounds");
    out->grants = count(r, "grants");
    out->refusals = count(r, "refusals");
    out->reservations = count(r, "reservations");
    out->joint_risk = money(r, "joint_risk");
}

/* Each element of an array through `read`, at most `max`. Returns their number. */
static unsigned read_array(struct reader *root, const char *key, unsigned max, void *out, size_t element_size,
                           void (*read)(struct reader *, void *))
{
    const json_t *array = field(root, key);
    size_t n = json_array_size(array);
    if (array && (!json_is_array(array) || n > max)) {
        fault(root, key, json_is_array(array) ? "too long" : "no list");
        return 0;
    }
    for (size_t i = 0; i < n && !root->failed; i++) {
        char where[48];
        snprintf(where, sizeof where, "%s[%zu]", key, i);
        struct reader r = {.object = json_array_get(array, i), .where = where, .err = root->err};
        if (!json_is_object(r.object))
            fault(&r, "", "no object");
        else
            read(&r, (char *)out + i * element_size);
        root->failed |= r.failed;
    }
    return (unsigned)n;
}
static void read_process_at(struct reader *r, void *out) { read_process(r, out); }
static void read_account_at(struct reader *r, void *out) { read_account(r, out); }

static void read_section(struct reader *root, const char *key, struct view *out, void (*read)(struct reader *, struct view *))
{
    struct reader r = {.object = field(root, key), .where = key, .err = root->err, .failed = root->failed};
    if (!r.failed && !json_is_object(r.object))
        fault(&r, "", "no object");
    if (!r.failed)
        read(&r, out);
    root->failed |= r.failed;
}

int view_parse(const char *json, size_t size, struct view *out, struct error *err)
{
    struct error own = {0};
    json_error_t problem;
    memset(out, 0, sizeof *out);
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        return error_set(err, EPROTO, "the supervisor's status is no JSON (line %d)", problem.line);
    struct reader r = {.object = root, .where = "status", .err = err ? err : &own, .failed = false};
    if (!json_is_object(root))
        fault(&r, "", "no object");
    read_section(&r, "fleet", out, read_fleet);
    read_section(&r, "ring", out, read_ring);
    read_section(&r, "coordinator", out, read_coordinator);
    if (!r.failed)
        out->process_count = read_array(&r, "processes", VIEW_PROCESSES_MAX, out->processes, sizeof out->processes[0], read_process_at);
    if (!r.failed)
        out->account_count = read_array(&r, "accounts", CONFIG_ACCOUNTS_MAX, out->accounts, sizeof out->accounts[0], read_account_at);
    json_decref(root);
    return r.failed ? -EPROTO : 0;
}

int view_ask(const char *runtime_dir, struct view *out, struct error *err)
{
    struct client_answer answer;
    int rc = client_ask(runtime_dir, "status", CLIENT_SHORT_NS, &answer, err);
    if (rc != 0)
        return rc;
    rc = answer.code == 0 ? view_parse(answer.body, answer.body_size, out, err)
                          : error_set(err, EACCES, "the supervisor says: %s", answer.text);
    client_answer_free(&answer);
    return rc;
}

const struct view_account *view_account_find(const struct view *view, const char *name)
{
    for (unsigned i = 0; i < view->account_count; i++)
        if (strcmp(view->accounts[i].name, name) == 0)
            return &view->accounts[i];
    return NULL;
}

const struct view_process *view_process_find(const struct view *view, const char *account)
{
    for (unsigned i = 0; i < view->process_count; i++)
        if (strcmp(view->processes[i].kind, "account") == 0 && strcmp(view->processes[i].account, account) == 0)
            return &view->processes[i];
    return NULL;
}

/* A sum that does not fit any more is not known, whatever comes after. */
static void add(dec_t *sum, dec_t value, bool *broken)
{
    if (value == DEC_NONE || *broken)
        return;
    *broken = dec_add(*sum == DEC_NONE ? 0 : *sum, value, sum) != 0;
    if (*broken)
        *sum = DEC_NONE;
}

void view_sum(const struct view *view, struct view_sum *out)
{
    bool broken[4] = {false};
    *out = (struct view_sum){.equity = DEC_NONE, .balance = DEC_NONE, .day_pnl = DEC_NONE, .open_risk = DEC_NONE};
    for (unsigned i = 0; i < view->account_count; i++) {
        const struct view_account *account = &view->accounts[i];
        if (!account->has_status)
            continue;
        out->known++;
        add(&out->equity, account->equity, &broken[0]);
        add(&out->balance, account->balance, &broken[1]);
        add(&out->day_pnl, account->day_pnl, &broken[2]);
        add(&out->open_risk, account->open_risk, &broken[3]);
        out->entries_filled += account->entries_filled;
        out->trades += account->trades;
        out->positions += account->positions;
        out->orders_working += account->orders_working;
    }
    for (unsigned i = 0; i < view->process_count; i++)
        out->restarts += view->processes[i].restarts;
}
