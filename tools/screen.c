#include "tools/screen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/table.h"
#include "tools/text.h"

/* Everything is filled on paper so far; a simulated market says so too. */
static const char *simulated(const struct view *view)
{
    return view->simulated ? "SIMULATED market and fills" : "SIMULATED fills";
}

static const char *currency(const struct view *view) { return view->account_count ? view->accounts[0].currency : ""; }

static unsigned count_state(const struct view *view, const char *state)
{
    unsigned n = 0;
    for (unsigned i = 0; i < view->process_count; i++)
        n += strcmp(view->processes[i].state, state) == 0;
    return n;
}

/* "live", "10000x", "max" */
static void pace(const struct view *view, char out[TEXT_MAX])
{
    if (view->live)
        snprintf(out, TEXT_MAX, "live");
    else if (view->speed > 0)
        snprintf(out, TEXT_MAX, "%gx", view->speed);
    else
        snprintf(out, TEXT_MAX, "max");
}

/* What fits, up to the last two blanks between two figures: half a figure is a wrong one. */
static void print_cut(const char *text, unsigned width, FILE *out)
{
    size_t fits = width ? text_cut(text, width) : strlen(text), whole = fits;
    while (text[fits] && whole > 0 && strncmp(text + whole, "  ", 2) != 0)
        whole--;
    fprintf(out, "%.*s\n", (int)(whole > fits / 2 ? whole : fits), text);
}

/* The three lines above the tables. */
static void print_head(const struct view *view, unsigned width, FILE *out)
{
    char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], d[TEXT_MAX], text[512];
    struct view_sum sum;
    view_sum(view, &sum);
    pace(view, a);
    snprintf(text, sizeof text, "propfleet  %s  %s %s  %u/%u READY%s%s  up %s", simulated(view), view->source, a,
             count_state(view, "READY"), view->process_count, view->restarts_held ? "  RESTARTS HELD" : "",
             strcmp(view->stopping, "no") != 0 ? "  STOPPING" : "", text_duration(view->uptime_s, b));
    print_cut(text, width, out);
    snprintf(text, sizeof text, "market %s  records %s (%s/s)  lapped %s  rounds %" PRIu64 "  alerts %" PRIu64,
             text_time(view->market_time_ns, false, a), text_count(view->head, b), text_count(view->rate, c),
             text_count(view->lapped, d), view->rounds, view->unacknowledged);
    print_cut(text, width, out);
    snprintf(text, sizeof text, "equity %s %s  day %s  at risk %s  open %" PRIu64 "  trades %" PRIu64 "  entries %" PRIu64,
             text_money(sum.equity, a), currency(view), text_signed(sum.day_pnl, b), text_money(sum.open_risk, c), sum.positions,
             sum.trades, sum.entries_filled);
    print_cut(text, width, out);
}

/* --- accounts ----------------------------------------------------------------------------------- */

static const struct table_column account_columns[] = {
    {"ACCOUNT", false, 0}, {"PROCESS", false, 0}, {"STATE", false, 1},  {"FIRM", false, 9},       {"PERSONALITY", false, 12},
    {"BALANCE", true, 10}, {"EQUITY", true, 0},   {"DAY", true, 0},     {"RISK", true, 5},        {"POS", true, 0},
    {"ORD", true, 6},      {"SIG", true, 11},     {"TRADES", true, 0},  {"RESTARTS", true, 7},    {"BEAT ms", true, 13},
    {"KiB", true, 14},     {"WHY", false, 2},
};

/* Why it takes no entries now, or else what was refused last. */
static const char *account_why(const struct view_account *account, const struct view_process *process)
{
    if (process && strcmp(process->state, "READY") != 0 && process->why[0])
        return process->why;
    if (account->text[0])
        return account->text;
    return strcmp(account->last_refusal, "NONE") == 0 ? "" : account->last_refusal;
}

static void cell_whole(struct table *table, int64_t value)
{
    if (value == VIEW_NONE)
        table_cell(table, "-");
    else
        table_cell(table, "%" PRId64, value);
}

/* A heartbeat that is newer than the supervisor's own look at the clock is none in its status. */
static int64_t heartbeat_age(const struct view_process *process)
{
    bool fresh = process->heartbeat_age_ms == VIEW_NONE && strcmp(process->state, "READY") == 0;
    return fresh ? 0 : process->heartbeat_age_ms;
}

static void add_account(struct table *table, const struct view_account *account, const struct view_process *process)
{
    char text[TEXT_MAX];
    table_cell(table, "%s", account->name);
    table_cell(table, "%s", process ? process->done ? "DONE" : process->state : "-");
    table_cell(table, "%s", account->has_status ? account->state : "-");
    table_cell(table, "%s/%s", account->firm, account->programme);
    table_cell(table, "%s", account->personality);
    table_cell(table, "%s", text_money(account->balance, text));
    table_cell(table, "%s", text_money(account->equity, text));
    table_cell(table, "%s", text_signed(account->day_pnl, text));
    table_cell(table, "%s", text_money(account->open_risk, text));
    table_cell(table, "%" PRIu64, account->positions);
    table_cell(table, "%" PRIu64, account->orders_working);
    table_cell(table, "%" PRIu64, account->signals);
    table_cell(table, "%" PRIu64, account->trades);
    table_cell(table, "%" PRIu64, process ? process->restarts : 0);
    cell_whole(table, process ? heartbeat_age(process) : VIEW_NONE);
    cell_whole(table, process ? process->memory_kib : VIEW_NONE);
    table_cell(table, "%s", account_why(account, process));
}

static void print_accounts(const struct view *view, unsigned width, unsigned max, FILE *out)
{
    struct table *table = table_new(account_columns, sizeof account_columns / sizeof account_columns[0]);
    if (!table)
        return;
    for (unsigned i = 0; i < view->account_count && i < max; i++)
        add_account(table, &view->accounts[i], view_process_find(view, view->accounts[i].name));
    table_print(table, width, out);
    table_free(&table);
}

/* --- processes ------------------------------------------------------------------------------------ */

static const struct table_column process_columns[] = {
    {"PROCESS", false, 0}, {"PID", true, 1},     {"GEN", true, 4}, {"STATE", false, 0},  {"RESTARTS", true, 0},
    {"DEATHS", true, 5},   {"BEAT ms", true, 3}, {"UP", true, 2},  {"MEMORY KiB", true, 2}, {"WHY", false, 1},
};

static void add_process(struct table *table, const struct view_process *process)
{
    char text[TEXT_MAX];
    table_cell(table, "%s", process->name);
    cell_whole(table, process->pid);
    table_cell(table, "%" PRIu64, process->generation);
    table_cell(table, "%s%s", process->state, process->done ? " (done)" : "");
    table_cell(table, "%" PRIu64, process->restarts);
    table_cell(table, "%" PRIu64, process->deaths);
    cell_whole(table, heartbeat_age(process));
    table_cell(table, "%s", process->uptime_s >= 0 ? text_duration(process->uptime_s, text) : "-");
    cell_whole(table, process->memory_kib);
    table_cell(table, "%s", process->why);
}

static void print_processes(const struct view *view, unsigned width, unsigned max, bool accounts, FILE *out)
{
    struct table *table = table_new(process_columns, sizeof process_columns / sizeof process_columns[0]);
    if (!table)
        return;
    for (unsigned i = 0; i < view->process_count && table_rows(table) < max; i++)
        if (accounts || strcmp(view->processes[i].kind, "account") != 0)
            add_process(table, &view->processes[i]);
    table_print(table, width, out);
    table_free(&table);
}

/* --- whole ------------------------------------------------------------------------------------------ */

void screen_status(const struct view *view, unsigned width, FILE *out)
{
    print_head(view, width, out);
    fputc('\n', out);
    print_processes(view, width, VIEW_PROCESSES_MAX, true, out);
    fputc('\n', out);
    print_accounts(view, width, CONFIG_ACCOUNTS_MAX, out);
}

void screen_frame(const struct view *view, unsigned width, unsigned height, FILE *out)
{
    unsigned lines = height < SCREEN_LINES_MIN ? SCREEN_LINES_MIN : height;
    unsigned others = 0;
    for (unsigned i = 0; i < view->process_count; i++)
        others += strcmp(view->processes[i].kind, "account") != 0;
    unsigned left = lines - 3 - 2; /* the head, a blank line, the titles */
    unsigned accounts = view->account_count < left ? view->account_count : left;
    left -= accounts;
    print_head(view, width, out);
    fputc('\n', out);
    print_accounts(view, width, accounts, out);
    if (left < 3 || others == 0)
        return;
    fputc('\n', out);
    print_processes(view, width, left - 2 < others ? left - 2 : others, false, out);
}

void screen_line(const struct view *view, FILE *out)
{
    char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], d[TEXT_MAX];
    struct view_sum sum;
    view_sum(view, &sum);
    fprintf(out, "%s  %s records (%s/s)  equity %s %s  entries %" PRIu64 "  trades %" PRIu64 "  open %" PRIu64 "  restarts %" PRIu64 "  %s\n",
            text_time(view->market_time_ns, false, a), text_count(view->head, b), text_count(view->rate, c),
            text_money(sum.equity, d), currency(view), sum.entries_filled, sum.trades, sum.positions, sum.restarts,
            view->simulated ? "SIMULATED" : "SIMULATED fills");
}
