/* propfleet account list, show: what an account is and how it stands; also of a fleet that is stopped. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/ask.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/ledger.h"
#include "tools/load.h"
#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/view.h"
#include "workers/account/differences.h"
#include "workers/account/request.h"

/* --- list --------------------------------------------------------------------------------------- */

static const struct table_column list_columns[] = {
    {"ACCOUNT", false, 0}, {"PROGRAMME", false, 0}, {"PERSONALITY", false, 0}, {"SIZE", true, 0},
    {"PROCESS", false, 0}, {"STATE", false, 0},     {"EQUITY", true, 0},
};

static void list_json(const struct fleet_config *config, const struct view *view)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < config->account_count; i++) {
        const struct config_account *account = &config->accounts[i];
        if (!account->name[0])
            continue;
        const struct config_programme *programme = &config->programmes[account->programme];
        const struct view_process *process = view ? view_process_find(view, account->name) : NULL;
        const struct view_account *status = view ? view_account_find(view, account->name) : NULL;
        bool known = status && status->has_status && status->equity != DEC_NONE;
        char size[DEC_STR_MAX], equity[DEC_STR_MAX] = "";
        dec_format(account->initial_balance, 2, size);
        if (known)
            dec_format(status->equity, 2, equity);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s?,s:s?,s:s?,s:s}", "name", account->name, "firm",
                                              programme->firm, "programme", programme->name, "personality",
                                              config->personalities[account->personality].name, "size", size, "currency",
                                              account->currency, "process", process ? process->state : NULL, "state",
                                              known ? status->state : NULL, "equity", known ? equity : NULL, "fills", "SIMULATED"));
    }
    json_dumpf(list, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(list);
}

static void list_table(const struct fleet_config *config, const struct view *view)
{
    struct table *table = table_new(list_columns, sizeof list_columns / sizeof list_columns[0]);
    if (!table)
        return;
    for (uint32_t i = 0; i < config->account_count; i++) {
        const struct config_account *account = &config->accounts[i];
        if (!account->name[0])
            continue;
        const struct config_programme *programme = &config->programmes[account->programme];
        const struct view_process *process = view ? view_process_find(view, account->name) : NULL;
        const struct view_account *status = view ? view_account_find(view, account->name) : NULL;
        char text[TEXT_MAX];
        table_cell(table, "%s", account->name);
        table_cell(table, "%s/%s", programme->firm, programme->name);
        table_cell(table, "%s", config->personalities[account->personality].name);
        table_cell(table, "%s %s", text_money(account->initial_balance, text), account->currency);
        table_cell(table, "%s", process ? process->done ? "DONE" : process->state : "-");
        table_cell(table, "%s", status && status->has_status ? status->state : "-");
        table_cell(table, "%s", status && status->has_status ? text_money(status->equity, text) : "-");
    }
    table_print(table, terminal_width(STDOUT_FILENO), stdout);
    table_free(&table);
}

/* The fleet that runs, NULL: none answers. */
static struct view *view_try(const struct find *find)
{
    char runtime[CONFIG_PATH_MAX];
    struct view *view = calloc(1, sizeof *view);
    if (view && (find_runtime_dir(find, runtime, NULL) != 0 || view_ask(runtime, view, NULL) != 0)) {
        free(view);
        view = NULL;
    }
    return view;
}

/* The configuration that is meant: the running fleet's unless another is named. NULL: it has errors, or no memory. */
static struct load *load_meant(const struct find *find, const struct view *view, char config_dir[CONFIG_PATH_MAX])
{
    if (view && !find->config)
        snprintf(config_dir, CONFIG_PATH_MAX, "%s", view->config_dir);
    else if (find_config_dir(find, config_dir, NULL) != 0)
        return NULL;
    struct loader_options options = {.config_dir = config_dir};
    return load_new(&options);
}

int account_list(int argc, char **argv)
{
    struct find find = {0};
    bool json = false;
    struct args_option known[] = {FIND_RUNTIME_OPTION(find), {"--json", ARGS_FLAG, &json}};
    struct error err = {0};
    char config_dir[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("account list", "%s", err.text);
    struct view *view = view_try(&find);
    if (!view && find_named_runtime(&find) && !find.config)
        return command_fail(EXIT_UNREACHABLE, "no fleet answers at %s; --config DIR lists what is configured", find_named_runtime(&find));
    struct load *load = load_meant(&find, view, config_dir);
    int status = EXIT_DONE;
    if (!load || load->report.error_count > 0) {
        if (load)
            load_print_report(load, stderr);
        status = EXIT_CONFIG;
    } else if (json) {
        list_json(&load->config, view);
    } else {
        list_table(&load->config, view);
        if (view)
            puts("equity is that of SIMULATED fills (paper)");
        else
            fputs("no fleet runs\n", stderr);
    }
    load_free(&load);
    free(view);
    return status;
}

/* --- show ------------------------------------------------------------------------------------------ */

struct shown {
    struct core_account account;
    struct core_position positions[CORE_POSITIONS_MAX];
    struct order orders[CORE_ORDERS_MAX];
    unsigned position_count, order_count, run_count;
    struct account_run run;
    struct ledger_facts facts;
    /* trades */
    dec_t gross_win, gross_loss, best, worst;
    uint64_t trades, wins;
    uint64_t by_exit[EXIT_COUNT];
};

static int count_trade(void *context, const struct core_trade *trade)
{
    struct shown *shown = context;
    dec_t result;
    if (dec_add(trade->realized, trade->commission, &result) != 0 || dec_add(result, trade->swap, &result) != 0)
        return 0;
    dec_t *sum = result > 0 ? &shown->gross_win : &shown->gross_loss;
    (void)dec_add(*sum, result, sum);
    shown->best = shown->trades == 0 || result > shown->best ? result : shown->best;
    shown->worst = shown->trades == 0 || result < shown->worst ? result : shown->worst;
    shown->trades++;
    shown->wins += result > 0;
    if (trade->exit < EXIT_COUNT)
        shown->by_exit[trade->exit]++;
    return 0;
}

static int read_all(struct ledger *ledger, struct shown *shown, struct error *err)
{
    uint32_t wanted = 0;
    int rc = ledger_account(ledger, &shown->account, err);
    rc = rc == 0 ? ledger_positions(ledger, shown->positions, &shown->position_count, err) : rc;
    rc = rc == 0 ? ledger_orders(ledger, shown->orders, &shown->order_count, err) : rc;
    rc = rc == 0 ? ledger_runs(ledger, &shown->run, &shown->run_count, err) : rc;
    rc = rc == 0 ? ledger_trades(ledger, count_trade, shown, err) : rc;
    for (unsigned i = 0; i < shown->position_count; i++)
        wanted |= UINT32_C(1) << shown->positions[i].instrument;
    for (unsigned i = 0; i < shown->order_count; i++)
        wanted |= UINT32_C(1) << shown->orders[i].instrument;
    if (rc == 0)
        ledger_facts(ledger, wanted, &shown->facts);
    return rc;
}

static void show_money(const char *label, dec_t value)
{
    char text[TEXT_MAX];
    printf("  %-22s %16s\n", label, text_money(value, text));
}

static void show_account(const char *name, const struct shown *shown)
{
    const struct core_account *a = &shown->account;
    char text[TEXT_MAX];
    printf("account %s: %s/%s, personality %s, source %s, SIMULATED fills (paper)\n", name, shown->facts.firm,
           shown->facts.programme, shown->facts.personality, shown->facts.source);
    printf("  %-22s %s UTC, record %" PRIu64 "\n", "market time", text_time(a->cursor_ns, true, text), a->cursor_seq);
    printf("  %-22s %s%s%s\n", "state", a->halted ? "HALTED" : a->paused ? "paused" : "not halted, not paused",
           a->flatten ? ", being flattened: " : "", a->flatten ? ledger_exit(a->flatten) : "");
    show_money("initial balance", a->rules.initial);
    show_money("balance", a->balance);
    show_money("equity", a->equity);
    show_money("highest equity", a->rules.high_equity);
    show_money("equity at day start", a->rules.days[0].equity);
    show_money("at risk at the stops", a->open_risk);
    show_money("realized", a->realized_total);
    show_money("commission", a->commission_total);
    show_money("swap", a->swap_total);
    printf("  %-22s %16" PRIu64 "\n  %-22s %16" PRIu64 "\n  %-22s %16" PRIu64 "\n  %-22s %16" PRIu64 "\n  %-22s %16" PRIu64 "\n", "signals",
           a->signals, "proposals", a->proposals, "granted", a->granted, "refused", a->refused, "entries filled", a->entries_filled);
    printf("  %-22s %16u%s\n", "starts of its process", shown->run_count, shown->run.after_crash ? ", the last one after a crash" : "");
}

static void show_settings(const struct load *load, const char *name)
{
    if (!load || load->report.error_count > 0)
        return;
    uint32_t index = config_account_index(&load->config, name);
    if (index == CONFIG_NONE)
        return;
    const struct config_account *account = &load->config.accounts[index];
    const struct config_personality *p = &load->config.personalities[account->personality];
    char fraction[TEXT_MAX], size[TEXT_MAX];
    dec_t percent = 0;
    (void)dec_mul(p->risk_fraction, 100 * DEC_ONE, DEC_ROUND_NEAREST, &percent);
    printf("\nsettings (%s)\n  %s %s, %s/%s (%s), %s: range of %u bars of %s, stop %g ATR, target %g R, risk %s%%, at most %u positions\n"
           "  durability %s, after a crash %s%s, paper seed %" PRIu64 "\n",
           load->config.config_dir, text_money(account->initial_balance, size), account->currency,
           load->config.programmes[account->programme].firm, load->config.programmes[account->programme].name,
           load->config.programmes[account->programme].phase, p->name, p->lookback, timeframe_name((enum market_timeframe)p->timeframe),
           p->stop_atr, p->target_r, text_decimal(percent, fraction), p->positions_max,
           account->durability == DURABILITY_POWER ? "power" : "crash", account->after_crash == AFTER_CRASH_FLATTEN ? "flatten" : "resume",
           account->observe_only ? ", observes only" : "", account->paper.seed);
}

static const struct table_column position_columns[] = {
    {"POSITION", true, 0}, {"INSTRUMENT", false, 0}, {"SIDE", false, 0}, {"LOTS", true, 0}, {"ENTRY", true, 0},
    {"STOP", true, 0},     {"TARGET", true, 0},      {"RISK", true, 0},  {"OPENED", false, 0},
};

static void show_positions(const struct shown *shown, unsigned width)
{
    struct table *table = table_new(position_columns, sizeof position_columns / sizeof position_columns[0]);
    for (unsigned i = 0; table && i < shown->position_count; i++) {
        const struct core_position *p = &shown->positions[i];
        char text[TEXT_MAX];
        table_cell(table, "%" PRIu64, p->id);
        table_cell(table, "%s", shown->facts.symbols[p->instrument]);
        table_cell(table, "%s", ledger_side(p->side));
        table_cell(table, "%s", text_decimal(p->qty, text));
        table_cell(table, "%s", text_decimal(p->avg_price, text));
        table_cell(table, "%s", text_decimal(p->stop_price, text));
        table_cell(table, "%s", p->take_price ? text_decimal(p->take_price, text) : "-");
        table_cell(table, "%s", text_money(p->risk, text));
        table_cell(table, "%s", p->opened_ns ? text_time(p->opened_ns, false, text) : "not filled yet");
    }
    printf("\npositions: %u\n", shown->position_count);
    if (table && table_rows(table))
        table_print(table, width, stdout);
    table_free(&table);
}

static const struct table_column order_columns[] = {
    {"ORDER", true, 0}, {"POSITION", true, 0}, {"ROLE", false, 0},  {"INSTRUMENT", false, 0}, {"SIDE", false, 0},
    {"LOTS", true, 0},  {"FILLED", true, 0},   {"PRICE", true, 0}, {"STATE", false, 0},
};

static void show_orders(const struct shown *shown, unsigned width)
{
    struct table *table = table_new(order_columns, sizeof order_columns / sizeof order_columns[0]);
    for (unsigned i = 0; table && i < shown->order_count; i++) {
        const struct order *o = &shown->orders[i];
        char text[TEXT_MAX];
        table_cell(table, "%" PRIu64, o->intent);
        table_cell(table, "%" PRIu64, o->position);
        table_cell(table, "%s", ledger_order_role(o->role));
        table_cell(table, "%s", shown->facts.symbols[o->instrument]);
        table_cell(table, "%s", ledger_side(o->side));
        table_cell(table, "%s", text_decimal(o->qty, text));
        table_cell(table, "%s", text_decimal(o->cum_qty, text));
        table_cell(table, "%s", o->price ? text_decimal(o->price, text) : "market");
        table_cell(table, "%s%s", ledger_order_state(o->state), o->pend == PEND_CANCEL ? ", cancel on its way" : o->pend == PEND_REPLACE ? ", change on its way" : "");
    }
    printf("\norders: %u\n", shown->order_count);
    if (table && table_rows(table))
        table_print(table, width, stdout);
    table_free(&table);
}

static void show_line(const char *label, const char *value, const char *note)
{
    printf("  %-26s %16s%s%s\n", label, value, note[0] ? "  " : "", note);
}

/* Each factor of the last size, as sizing had it (workers/risk/sizing.h). */
static void show_size(const struct sizing_result *size)
{
    char text[TEXT_MAX];
    printf("\nlast size\n");
    if (size->risk_budget == 0 && size->lots == 0 && size->refusal == REFUSAL_NONE) {
        printf("  none yet\n");
        return;
    }
    static const struct { const char *label, *why; size_t offset; } factors[] = {
        {"times confidence", "by the personality's mode; 1: a signal without a calibrated probability", offsetof(struct sizing_result, m_conf)},
        {"times volatility", "1: the stop is a multiple of ATR already", offsetof(struct sizing_result, m_vol)},
        {"times losses in a row", "0.8 for each, at least 0.25", offsetof(struct sizing_result, m_perf)},
        {"times drawdown", "what is left above the overall floor", offsetof(struct sizing_result, m_dd)},
        {"times correlation", "", offsetof(struct sizing_result, m_corr)},
    };
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        double value;
        memcpy(&value, (const char *)size + factors[i].offset, sizeof value);
        snprintf(text, sizeof text, "%.4g", value);
        show_line(factors[i].label, text, factors[i].why);
    }
    dec_t percent;
    if (dec_mul(size->risk_fraction, 100 * DEC_ONE, DEC_ROUND_NEAREST, &percent) == 0)
        show_line("risk share", text_decimal(percent, text), "% of the lower of balance and equity, after all factors and the cap");
    show_line("risk budget", text_money(size->risk_budget, text), "risk of the personality, at most the room above the firm's floors");
    show_line("loss of one lot at the stop", text_money(size->loss_per_lot, text), "distance, spread, two commissions");
    show_line("lots by risk", text_decimal(size->lots_by_risk, text), "budget / loss of one lot");
    show_line("lots by margin", text_decimal(size->lots_by_margin, text), "");
    show_line("lots by the firm's limit", size->lots_by_limit ? text_decimal(size->lots_by_limit, text) : "none", "");
    show_line("lots by the gate", text_decimal(size->lots_by_gate, text), "the largest size that every rule of the firm admits");
    show_line("lots", text_decimal(size->lots, text), "the least of them, rounded down to the lot step");
    show_line("risk at the stop", text_money(size->risk, text), "");
    if (size->refusal != REFUSAL_NONE)
        show_line("refused", refusal_name(size->refusal), refusal_text(size->refusal));
}

static void show_trades(const struct shown *shown)
{
    char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], d[TEXT_MAX];
    printf("\ntrades: %" PRIu64, shown->trades);
    if (shown->trades) {
        printf(", %" PRIu64 " won (%.0f%%); won %s, lost %s; best %s, worst %s; closed by", shown->wins,
               100.0 * (double)shown->wins / (double)shown->trades, text_money(shown->gross_win, a), text_money(shown->gross_loss, b),
               text_signed(shown->best, c), text_signed(shown->worst, d));
        for (unsigned i = 0; i < EXIT_COUNT; i++)
            if (shown->by_exit[i])
                printf(" %s %" PRIu64, ledger_exit(i), shown->by_exit[i]);
    }
    printf("\n\nrefusals:");
    bool any = false;
    for (unsigned i = 1; i < REFUSAL_COUNT; i++)
        if (shown->account.refusals[i]) {
            printf("%s %" PRIu64 " x %s", any ? "," : "", shown->account.refusals[i], refusal_name(i));
            any = true;
        }
    printf(any ? "\n" : " none\n");
}

static void show_process(const struct view *view, const char *name)
{
    const struct view_process *process = view ? view_process_find(view, name) : NULL;
    char text[TEXT_MAX];
    if (!process) {
        printf("process: none; the fleet does not run\n");
        return;
    }
    printf("process %s: %s%s, pid %" PRId64 ", generation %" PRIu64 ", restarts %" PRIu64 ", up %s%s%s\n", process->name, process->state,
           process->done ? " (done)" : "", process->pid, process->generation, process->restarts, text_duration(process->uptime_s, text),
           process->why[0] ? "; last end: " : "", process->why);
}

/* --- what an account that does not start has said ------------------------------------------------------ */

/* At most size - 1 bytes of a plain file. 0, or a negative code. */
static int read_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    ssize_t got = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read(fd, out, size - 1) : -1;
    int code = errno;
    if (fd >= 0)
        close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got >= 0 ? 0 : -code;
}

static void show_request(const char *folder, const char *name)
{
    char path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + NAME_MAX + 3], text[REQUEST_BYTES_MAX + 1];
    struct request request;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (read_file(path, text, sizeof text) != 0)
        return;
    if (!request_parse(text, strlen(text), &request)) {
        printf("  %.60s: not what propfleet account writes\n", name);
        return;
    }
    printf("  %s %s: %s, %s\n", request.verb == REQUEST_CLOSE ? "close" : "adopt", name + strlen(REQUEST_FILE_PREFIX), request.user,
           request.reason);
}

static void show_requests(const char *folder)
{
    DIR *stream = opendir(folder);
    bool any = false;
    for (const struct dirent *entry; stream && (entry = readdir(stream)) != NULL;) {
        if (strncmp(entry->d_name, REQUEST_FILE_PREFIX, strlen(REQUEST_FILE_PREFIX)) != 0)
            continue;
        if (!any)
            printf("\nto be done at its next start\n");
        any = true;
        show_request(folder, entry->d_name);
    }
    if (stream)
        closedir(stream);
}

/* Both are there of an account that is stopped too, and gone when the books agree. */
static void show_differences(const char *state, const char *name)
{
    char folder[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 2], path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 32];
    static char text[DIFFERENCES_BYTES_MAX];
    snprintf(folder, sizeof folder, "%s/%s", state, name);
    snprintf(path, sizeof path, "%s/" DIFFERENCES_FILE, folder);
    if (read_file(path, text, sizeof text) == 0 && text[0]) {
        printf("\ndifferences with its venue, at its last start\n");
        ask_print_text(text, false);
    }
    show_requests(folder);
}

int account_show(int argc, char **argv)
{
    struct find find = {0};
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .min = 1, .max = 1, .what = "NAME"};
    struct args_option known[] = {FIND_OPTIONS(find)};
    struct error err = {0};
    char state[CONFIG_PATH_MAX], config[CONFIG_PATH_MAX];
    struct ledger ledger;
    static struct shown shown;
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("account show", "%s", err.text);
    if (find_state_dir(&find, state, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    int rc = ledger_open(state, names[0], &ledger, &err);
    if (rc == 0) {
        rc = read_all(&ledger, &shown, &err);
        ledger_close(&ledger);
    }
    if (rc != 0)
        return command_fail(ledger_exit_status(rc), "%s", err.text);
    struct view *view = find.state ? NULL : view_try(&find);
    struct load *load = load_meant(&find, view, config);
    unsigned width = terminal_width(STDOUT_FILENO);
    show_account(names[0], &shown);
    show_process(view, names[0]);
    show_differences(state, names[0]);
    show_settings(load, names[0]);
    show_positions(&shown, width);
    show_orders(&shown, width);
    show_size(&shown.account.last_size);
    show_trades(&shown);
    load_free(&load);
    free(view);
    return EXIT_DONE;
}
