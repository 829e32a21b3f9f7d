/* propfleet trades: the closed trades of an account, from its store. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/ledger.h"
#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/text.h"

static const struct table_column columns[] = {
    {"#", true, 0},      {"INSTRUMENT", false, 0}, {"SIDE", false, 0},  {"LOTS", true, 0}, {"OPENED", false, 3}, {"CLOSED", false, 0},
    {"ENTRY", true, 2},  {"EXIT", true, 2},        {"WHY", false, 0},   {"GROSS", true, 5}, {"COMMISSION", true, 7}, {"SWAP", true, 6},
    {"RESULT", true, 0}, {"R", true, 1},           {"BALANCE", true, 4},
};
static const struct table_column csv_columns[] = {
    {"number", true, 0}, {"instrument", false, 0}, {"side", false, 0}, {"lots", true, 0},   {"opened", false, 0},     {"closed", false, 0},
    {"entry", true, 0},  {"exit", true, 0},        {"why", false, 0},  {"gross", true, 0},  {"commission", true, 0}, {"swap", true, 0},
    {"result", true, 0}, {"r", true, 0},           {"balance", true, 0},
};

struct listing {
    struct table *table;
    const struct ledger_facts *facts;
    bool csv;
    uint64_t wins, count;
    dec_t sum;
};

static int want_instrument(void *context, const struct core_trade *trade)
{
    *(uint32_t *)context |= UINT32_C(1) << trade->instrument;
    return 0;
}

/* Money with groups for people, plain for programs. */
static void cell_money(const struct listing *l, dec_t value, bool sign)
{
    char text[TEXT_MAX];
    if (l->csv)
        dec_format(value, 2, text);
    else if (sign)
        text_signed(value, text);
    else
        text_money(value, text);
    table_cell(l->table, "%s", text);
}

static int add_trade(void *context, const struct core_trade *trade)
{
    struct listing *l = context;
    char text[TEXT_MAX];
    dec_t result = DEC_NONE;
    if (dec_add(trade->realized, trade->commission, &result) != 0 || dec_add(result, trade->swap, &result) != 0)
        result = 0;
    table_cell(l->table, "%" PRIu64, trade->number);
    table_cell(l->table, "%s", l->facts->symbols[trade->instrument]);
    table_cell(l->table, "%s", ledger_side(trade->side));
    table_cell(l->table, "%s", text_decimal(trade->qty, text));
    table_cell(l->table, "%s", text_time(trade->opened_ns, l->csv, text));
    table_cell(l->table, "%s", text_time(trade->closed_ns, l->csv, text));
    table_cell(l->table, "%s", text_decimal(trade->entry_price, text));
    /* 0: the venue closed it and no report told at what price (account close of a position that the venue does not have) */
    table_cell(l->table, "%s", trade->exit_price > 0 ? text_decimal(trade->exit_price, text) : l->csv ? "" : "-");
    table_cell(l->table, "%s", ledger_exit(trade->exit));
    cell_money(l, trade->realized, true);
    cell_money(l, trade->commission, true);
    cell_money(l, trade->swap, true);
    cell_money(l, result, true);
    if (trade->risk > 0)
        table_cell(l->table, "%.2f", dec_to_double(result) / dec_to_double(trade->risk));
    else
        table_cell(l->table, l->csv ? "" : "-");
    cell_money(l, trade->balance_after, false);
    l->count++;
    l->wins += result > 0;
    (void)dec_add(l->sum, result, &l->sum);
    return 0;
}

static int print_trades(struct ledger *ledger, bool csv)
{
    static struct ledger_facts facts;
    struct error err = {0};
    uint32_t wanted = 0;
    struct listing l = {.facts = &facts, .csv = csv,
                        .table = table_new(csv ? csv_columns : columns, sizeof columns / sizeof columns[0])};
    int rc = l.table ? ledger_trades(ledger, want_instrument, &wanted, &err) : error_set(&err, ENOMEM, "no memory");
    if (rc == 0) {
        ledger_facts(ledger, wanted, &facts);
        rc = ledger_trades(ledger, add_trade, &l, &err);
    }
    if (rc == 0 && table_broken(l.table))
        rc = error_set(&err, ENOMEM, "too many trades for a table");
    if (rc == 0 && csv) {
        table_print_csv(l.table, stdout);
        fputs("SIMULATED fills (paper)\n", stderr);
    } else if (rc == 0) {
        char text[TEXT_MAX];
        table_print(l.table, terminal_width(STDOUT_FILENO), stdout);
        printf("%" PRIu64 " trades, %" PRIu64 " won, result %s, SIMULATED fills (paper)\n", l.count, l.wins, text_signed(l.sum, text));
    }
    table_free(&l.table);
    return rc == 0 ? EXIT_DONE : command_fail(EXIT_NO, "%s", err.text);
}

int command_trades(int argc, char **argv)
{
    struct find find = {0};
    bool csv = false;
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .min = 1, .max = 1, .what = "NAME"};
    struct args_option known[] = {FIND_OPTIONS(find), {"--csv", ARGS_FLAG, &csv}};
    struct error err = {0};
    char state[CONFIG_PATH_MAX];
    struct ledger ledger;
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("trades", "%s", err.text);
    if (find_state_dir(&find, state, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    int rc = ledger_open(state, names[0], &ledger, &err);
    if (rc != 0)
        return command_fail(ledger_exit_status(rc), "%s", err.text);
    int status = print_trades(&ledger, csv);
    ledger_close(&ledger);
    return status;
}
