/* propfleet summary: all accounts with what they traded and what was refused, from their stores. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/paths.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/exercised.h"
#include "tools/find.h"
#include "tools/ledger.h"
#include "tools/load.h"
#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/view.h"

/* One account. */
struct line {
    struct core_account account;
    struct ledger_facts facts;
    unsigned positions, runs;
    int64_t begin_ns;
};

/* The configuration, for what stores do not say; NULL when it cannot be read: news rules are then not known. */
struct beside {
    struct load *load;
    struct exercised exercised;
    char config[CONFIG_PATH_MAX];
    unsigned unknown;       /* accounts that it does not have, or with another programme */
};

/* The one named, else that of the fleet that runs. */
static int beside_find(const struct find *find, char out[CONFIG_PATH_MAX])
{
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX];
    struct view *view = find->config || find->state ? NULL : calloc(1, sizeof *view);
    int rc = view && find_runtime_dir(find, runtime, &err) == 0 ? view_ask(runtime, view, &err) : -ENOENT;
    if (rc == 0)
        snprintf(out, CONFIG_PATH_MAX, "%s", view->config_dir);
    else
        rc = find_config_dir(find, out, &err);
    free(view);
    return rc;
}

static void beside_open(const struct find *find, struct beside *out)
{
    memset(out, 0, sizeof *out);
    if (beside_find(find, out->config) != 0)
        return;
    struct loader_options options = {.config_dir = out->config};
    out->load = load_new(&options);
    if (out->load && out->load->report.error_count > 0)
        load_free(&out->load);
    if (out->load)
        exercised_begin(&out->exercised, &out->load->config);
}

static void beside_add(struct beside *beside, const char *name, const struct line *line)
{
    const struct fleet_config *config = beside->load ? &beside->load->config : NULL;
    uint32_t index = config ? config_account_index(config, name) : CONFIG_NONE;
    const struct config_programme *programme = index != CONFIG_NONE ? &config->programmes[config->accounts[index].programme] : NULL;
    if (programme && strcmp(programme->firm, line->facts.firm) == 0 && strcmp(programme->name, line->facts.programme) == 0)
        exercised_add(&beside->exercised, index, line->begin_ns, line->account.cursor_ns);
    else
        beside->unknown++;
}

static void beside_print(const struct beside *beside)
{
    if (beside->load)
        exercised_print(&beside->exercised, "news rules of ", stdout);
    if (beside->unknown)
        printf("news rules of %u accounts are not known: the configuration at %s %s; --config DIR names theirs\n", beside->unknown,
               beside->config, beside->load ? "has not these accounts" : "cannot be read");
}

static const struct table_column columns[] = {
    {"ACCOUNT", false, 0}, {"PROGRAMME", false, 6}, {"PERSONALITY", false, 8}, {"EQUITY", true, 0}, {"RESULT", true, 0},
    {"SIGNALS", true, 5},  {"GRANTED", true, 7},    {"ENTRIES", true, 0},      {"TRADES", true, 0}, {"WON", true, 4},
    {"OPEN", true, 3},     {"STARTS", true, 9},     {"STATE", false, 2},       {"REFUSALS BY RULE", false, 0},
};

static dec_t result_of(const struct line *line)
{
    dec_t result = DEC_NONE;
    return dec_sub(line->account.equity, line->account.rules.initial, &result) == 0 ? result : DEC_NONE;
}

static void refusals_text(const struct core_account *account, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (unsigned i = 1; i < REFUSAL_COUNT && used < size; i++)
        if (account->refusals[i])
            used += (size_t)snprintf(out + used, size - used, "%s%s %" PRIu64, used ? ", " : "", refusal_name(i), account->refusals[i]);
    if (!out[0])
        snprintf(out, size, "none");
}

static void add_row(struct table *table, const char *name, const struct line *line)
{
    const struct core_account *a = &line->account;
    char text[TEXT_MAX], refusals[TABLE_CELL_MAX];
    refusals_text(a, refusals, sizeof refusals);
    table_cell(table, "%s", name);
    table_cell(table, "%s/%s", line->facts.firm, line->facts.programme);
    table_cell(table, "%s", line->facts.personality);
    table_cell(table, "%s", text_money(a->equity, text));
    table_cell(table, "%s", text_signed(result_of(line), text));
    table_cell(table, "%" PRIu64, a->signals);
    table_cell(table, "%" PRIu64, a->granted);
    table_cell(table, "%" PRIu64, a->entries_filled);
    table_cell(table, "%" PRIu64, a->trades);
    table_cell(table, "%" PRIu64, a->wins);
    table_cell(table, "%u", line->positions);
    table_cell(table, "%u", line->runs);
    table_cell(table, "%s", a->halted ? "HALTED" : a->paused ? "paused" : "ok");
    table_cell(table, "%s", refusals);
}

static json_t *money(dec_t value)
{
    char text[DEC_STR_MAX];
    if (value == DEC_NONE)
        return json_null();
    dec_format(value, 2, text);
    return json_string(text);
}

static json_t *number(uint64_t value) { return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value); }

/* What an account's store says is outside data: what is not UTF-8 is no JSON. */
static json_t *label(const char *text)
{
    char clean[CONFIG_NAME_MAX];
    text_clean(text, strlen(text), clean, sizeof clean);
    return json_string(clean);
}

static json_t *object_of(const char *name, const struct line *line)
{
    const struct core_account *a = &line->account;
    json_t *refusals = json_object();
    for (unsigned i = 1; i < REFUSAL_COUNT; i++)
        if (a->refusals[i])
            json_object_set_new(refusals, refusal_name(i), number(a->refusals[i]));
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:i,s:b,s:b,s:o,s:o,s:o}", "account", name,
                     "firm", label(line->facts.firm), "programme", label(line->facts.programme), "personality",
                     label(line->facts.personality), "initial_balance", money(a->rules.initial), "balance", money(a->balance),
                     "equity", money(a->equity), "result", money(result_of(line)), "signals", number(a->signals), "proposals",
                     number(a->proposals), "granted", number(a->granted), "refused", number(a->refused), "entries_filled",
                     number(a->entries_filled), "trades", number(a->trades), "wins", number(a->wins), "positions",
                     (int)line->positions, "starts", (int)line->runs, "halted", a->halted != 0, "paused", a->paused != 0, "refusals",
                     refusals, "journal", number(a->jseq), "cursor", number(a->cursor_seq));
}

static int read_line(const char *state_dir, const char *name, struct line *out, struct error *err)
{
    struct ledger ledger;
    struct account_run run;
    static struct core_position positions[CORE_POSITIONS_MAX];
    unsigned count = 0;
    memset(out, 0, sizeof *out);
    int rc = ledger_open(state_dir, name, &ledger, err);
    if (rc != 0)
        return rc;
    rc = ledger_account(&ledger, &out->account, err);
    rc = rc == 0 ? ledger_positions(&ledger, positions, &count, err) : rc;
    rc = rc == 0 ? ledger_runs(&ledger, &run, &out->runs, err) : rc;
    if (rc == 0)
        ledger_facts(&ledger, 0, &out->facts);
    out->begin_ns = rc == 0 ? ledger_begin_ns(&ledger) : 0;
    ledger_close(&ledger);
    for (unsigned i = 0; i < count; i++)
        out->positions += positions[i].qty != 0;
    return rc;
}

/* Sums over all accounts. */
struct totals {
    dec_t equity, result;
    uint64_t entries, trades;
    int64_t market_ns;
    char source_text[CONFIG_NAME_MAX];
};

static void sum_up(struct totals *totals, const struct line *line)
{
    dec_t result = result_of(line);
    (void)dec_add(totals->equity, line->account.equity, &totals->equity);
    if (result != DEC_NONE)
        (void)dec_add(totals->result, result, &totals->result);
    totals->entries += line->account.entries_filled;
    totals->trades += line->account.trades;
    totals->market_ns = line->account.cursor_ns > totals->market_ns ? line->account.cursor_ns : totals->market_ns;
    if (line->facts.source[0])
        snprintf(totals->source_text, sizeof totals->source_text, "%s", line->facts.source);
}

static int print_summary(const char *state_dir, const struct path_names *names, struct beside *beside, bool json)
{
    static struct line line;
    struct totals totals = {0};
    struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
    json_t *list = json_array();
    int status = table && list ? EXIT_DONE : command_fail(EXIT_NO, "no memory");
    for (size_t i = 0; table && list && i < names->count; i++) {
        struct error err = {0};
        if (read_line(state_dir, names->list[i], &line, &err) != 0) {
            status = command_fail(EXIT_NO, "%s", err.text);
            continue;
        }
        sum_up(&totals, &line);
        beside_add(beside, names->list[i], &line);
        add_row(table, names->list[i], &line);
        json_array_append_new(list, object_of(names->list[i], &line));
    }
    if (table && list && json) {
        json_t *root = json_pack("{s:b,s:s,s:o,s:o,s:o,s:i,s:o}", "simulated", 1, "source", totals.source_text, "equity", money(totals.equity),
                                 "result", money(totals.result), "news_rules",
                                 beside->load ? exercised_json(&beside->exercised) : json_null(), "news_rules_unknown",
                                 (int)beside->unknown, "accounts", list);
        list = NULL;
        json_dumpf(root, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(root);
    } else if (table && list) {
        char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX];
        table_print(table, terminal_width(STDOUT_FILENO), stdout);
        printf("%u accounts, equity %s, result %s, %" PRIu64 " entries, %" PRIu64 " trades, up to %s UTC; source %s; SIMULATED fills (paper)\n",
               table_rows(table), text_money(totals.equity, a), text_signed(totals.result, b), totals.entries, totals.trades,
               text_time(totals.market_ns, false, c), totals.source_text);
        beside_print(beside);
    }
    json_decref(list);
    table_free(&table);
    return status;
}

int command_summary(int argc, char **argv)
{
    struct find find = {0};
    bool json = false;
    struct args_option known[] = {FIND_OPTIONS(find), {"--json", ARGS_FLAG, &json}};
    struct error err = {0};
    char state[CONFIG_PATH_MAX];
    struct path_names names;
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("summary", "%s", err.text);
    if (find_state_dir(&find, state, &err) != 0 || ledger_names(state, &names, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    static struct beside beside;
    beside_open(&find, &beside);
    int status = names.count ? print_summary(state, &names, &beside, json) : command_fail(EXIT_NO, "no account in %s", state);
    load_free(&beside.load);
    path_names_free(&names);
    return status;
}
