/* propfleet: the one command for people. Each subcommand is a row of the table below. */
#include "tools/command.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config/report.h"
#include "tools/text.h"

#define VERSION "0.1.0"
#define COMMANDS_MAX 32
#define ACCOUNT "account " /* in front of a verb of `propfleet account` */

static int command_help(int argc, char **argv);

static const struct command commands[] = {
    {"run", command_run, "[--config DIR] [--state DIR] [--runtime DIR] [--data DIR] [--dataset X] [--speed S] [--exit-at-end]",
     "the fleet in the foreground, until it is stopped (Ctrl-C, SIGTERM, propfleet stop)\n"
     "  --config DIR   the configuration; else PROPFLEET_CONFIG, ./config, /etc/propfleet\n"
     "  --state DIR, --runtime DIR   instead of what fleet.yaml says\n"
     "  --data DIR     real market data: a folder of CSV files; --dataset X  which data set of them\n"
     "  --speed S      1 (real time), N times as fast, or max\n"
     "  --exit-at-end  stop by itself when the source has ended"},
    {"check", command_check, "[--config DIR] [--state DIR] [--runtime DIR] [--data DIR] [--dataset X] [--speed S] [--exit-at-end] [--explain] [--json]",
     "the configuration: every error at once, or what it describes; starts nothing\n"
     "  --explain      the reference of every key, with unit, range and default\n"
     "  the other options as for run"},
    {"calendar", command_calendar, "show [--from DATE] [--to DATE] [--instrument X] [--json] [--config DIR] [--data DIR] [--dataset X]",
     "news and holidays as the accounts get them: validity, age, what is DERIVED\n"
     "  --from, --to   UTC; a date or 2026-12-04T13:30; else the next 14 days\n"
     "  --instrument X only what concerns it, in its local time"},
    {"backtest", command_backtest, "--account NAME | --fleet [--data DIR] [--dataset X] [--from DATE] [--to DATE] [--state DIR] [--json] [--html FILE] [--config DIR]",
     "the fleet, or one account of it, over past data in this process: the same core, gate, permits and paper fills\n"
     "  --account NAME one account (also the path of its file); --fleet  all of them, under permits\n"
     "  --data DIR     a folder of CSV files, --dataset X  which data set of them; else as fleet.yaml says\n"
     "  --from, --to   the span that is traded, UTC: 2024-05-13 or 2024-05-13T18:45\n"
     "  --state DIR    keep journals and books in an empty folder: journal, trades, summary, audit read them; else in memory\n"
     "  --html FILE    a page that stands alone: equity, drawdown, months, distribution of R, exits\n"
     "  ends with the hash of each journal: that of propfleet run at speed max over the same"},
    {"status", command_status, "[--json | --line] [--runtime DIR] [--config DIR]",
     "the fleet at a glance: processes, accounts, market ring\n"
     "  --json         as the supervisor gives it, for programs\n"
     "  --line         one line of progress" FLEET_HELP},
    {"top", command_top, "[--once] [--runtime DIR] [--config DIR]",
     "the same on a screen that refreshes; q quits\n"
     "  --once         print one frame and end, for scripts" FLEET_HELP},
    {"account", command_account, "add|list|show|pause|resume|flatten|restart|start|remove|unlock|payout|deposit|floor|marks|close|phase [NAME] [OPTIONS]",
     "one account: add, list, show, pause, resume, flatten, restart, start, remove, unlock, payout, deposit, floor, marks, close, phase"},
    {"flatten", command_flatten, "--all [--timeout S] [--runtime DIR] [--config DIR]",
     "the panic button: close everything in every account, all at once\n"
     "  exit status 1 when any account is not confirmed flat within the timeout (60 s);\n"
     "  no entries until an account is resumed (propfleet account resume NAME)" FLEET_HELP},
    {"reload", command_reload, "[--runtime DIR] [--config DIR]",
     "read the configuration again; one with an error changes nothing" FLEET_HELP},
    {"stop", command_stop, "[--timeout S] [--runtime DIR] [--config DIR]",
     "stop the fleet in order, and wait until it is gone (60 s)" FLEET_HELP},
    {"alerts", command_alerts, "[--follow] [--ack ID] [--json] [--runtime DIR] [--config DIR]",
     "what a person must know and has not acknowledged\n"
     "  --follow       go on with new ones; --ack ID  acknowledge one" FLEET_HELP},
    {"why", command_why, "NAME [--runtime DIR] [--config DIR]",
     "what an account would do now, what stops it, and when that ends" FLEET_HELP},
    {"journal", command_journal, "NAME [--from N] [--kind K] [--follow] | NAME --hash | --all --hash  [--state DIR]",
     "what an account decided and why: each record a JSON line\n"
     "  --from N       from record N; --kind K  only such records; --follow  go on with new ones\n"
     "  --hash         SHA-256 over the decision records: hash, records, name" STORE_HELP},
    {"audit", command_audit, "NAME [--verify] [--from N]  [--state DIR]",
     "what an account asked, what every rule said, what the venue answered: JSON lines with their chain hashes\n"
     "  --verify       follow the hash chain over every journal record: a changed, missing or reordered one is\n"
     "                 named, and the exit status is 1" STORE_HELP},
    {"trades", command_trades, "NAME [--csv] [--state DIR]",
     "the closed trades of an account" STORE_HELP},
    {"summary", command_summary, "[--json] [--state DIR]",
     "all accounts with what they traded, and the refusals by rule, from their stores" STORE_HELP},
    {"rules", command_rules, "list | show FIRM[/PROGRAMME] [PHASE] | explain ACCOUNT  [--config DIR] [--state DIR]",
     "what the firms demand, as it is compiled from the files of firms/\n"
     "  list           firm, programme, phase, automation, when it was verified and how old that is\n"
     "  show FIRM[/PROGRAMME] [PHASE]  every rule in words and numbers, with its sources and how sure it is, and\n"
     "                 what the firm's text leaves open; optional rules too\n"
     "  explain ACCOUNT every guard of an account: ARMED or OFF, its formula with today's numbers, the room that is left,\n"
     "                 how long until the firm's next day" STORE_HELP},
    {"data", command_data,
     "import FILE.csv [OUT] [--instrument X] [--timeframe TF] [--volume exchange|tick|none] [--price bid|mid|last] [--skip-bad] [--force] [--json]"
     " | check FILE [--instrument X] [--timeframe TF] [--pause S] [--list N] [--config DIR] [--json] | info FILE [--json]",
     "market data files: a CSV into a mapped one, what is wrong with one, what one is (docs/data.md)\n"
     "  import FILE.csv [OUT]  bars, quotes, trades or spreads (docs/feed.md) into OUT, else FILE.pfd; whole or not at all\n"
     "                 --instrument, --timeframe  where the name (SYMBOL_TF.csv) does not say; --volume  what the volume of bars is;\n"
     "                 --price  bid unless it says so; --skip-bad  leaves bad rows out; --force  replaces a file\n"
     "  check FILE     bad rows with their lines, duplicates, gaps while the market was open (sessions of --config, else\n"
     "                 PROPFLEET_CONFIG, ./config, /etc/propfleet), of a CSV or an imported file;\n"
     "                 --pause S  between quotes, from which it counts (300); --list N  how many are shown (20)\n"
     "                 exit status 1 when a row is bad or the file damaged; gaps alone are 0\n"
     "  info FILE      the header of an imported file"},
    {"statement", command_statement, "FILE --programme FIRM/NAME [--phase P] --size AMOUNT [--rates PAIR=FILE,...] [--contracts SYMBOL=UNITS,...] [--days] [--config DIR]",
     "a real account's statement (TopstepX export, MT4): P/L reckoned anew, days, and what a programme's rules say\n"
     "  --programme, --phase  a file of firms/ and a phase of it (else its first); --size  the balance it began with\n"
     "  --rates PAIR=FILE     bars that hold the rate of a cross: USDJPY=USDJPY_M15.csv for GBPJPY\n"
     "  --contracts S=UNITS   what a lot of a symbol is, S=UNITS:CUR where the profit is not in USD\n"
     "  --days                every day's result\n"
     "  exit status 1 when a row differs or a closed balance breaks a floor; equity between the rows is not known"},
    {"help", command_help, "[COMMAND]", "this list, or one command"},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static const struct command *find_in(const struct command *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct command *command_find(const char *name)
{
    if (strncmp(name, ACCOUNT, sizeof ACCOUNT - 1) == 0)
        return find_in(account_commands, account_command_count, name + sizeof ACCOUNT - 1);
    return find_in(commands, COMMAND_COUNT, name);
}

int command_fail(int status, const char *format, ...)
{
    char text[1024], clean[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_clean(text, strlen(text), clean, sizeof clean);
    fflush(stdout);
    fprintf(stderr, "propfleet: %s\n", clean);
    return status;
}

int command_usage(const char *name, const char *format, ...)
{
    char text[512], clean[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_clean(text, strlen(text), clean, sizeof clean);
    const struct command *command = command_find(name);
    fflush(stdout);
    fprintf(stderr, "propfleet %s: %s\n", name, clean);
    if (command)
        fprintf(stderr, "usage: propfleet %s %s\n`propfleet help %s` says more\n", name, command->synopsis, name);
    return EXIT_USAGE;
}

static int unknown(const char *name)
{
    const char *names[COMMANDS_MAX];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = report_nearest(name, names, COMMAND_COUNT);
    if (nearest)
        return command_fail(EXIT_USAGE, "unknown command '%.60s'; did you mean %s?", name, nearest);
    return command_fail(EXIT_USAGE, "unknown command '%.60s'; `propfleet help` lists them", name);
}

static void print_one(const struct command *command, const char *before)
{
    printf("usage: propfleet %s%s %s\n\n%s\n", before, command->name, command->synopsis, command->help);
}

/* `propfleet account`: each verb in one line. */
static void print_account(const struct command *command)
{
    printf("usage: propfleet %s %s\n\n", command->name, command->synopsis);
    for (unsigned i = 0; i < account_command_count; i++)
        printf("  %-9s %.*s\n", account_commands[i].name, (int)strcspn(account_commands[i].help, "\n"), account_commands[i].help);
    puts("\n`propfleet help account add` says more, and so on.");
}

/* A command, or a verb of `account`. */
static int print_help(const char *name, const char *verb)
{
    const struct command *command = find_in(commands, COMMAND_COUNT, name), *one = NULL;
    if (!command)
        return unknown(name);
    if (strcmp(name, "account") != 0)
        print_one(command, "");
    else if (verb && (one = find_in(account_commands, account_command_count, verb)) != NULL)
        print_one(one, ACCOUNT);
    else
        print_account(command);
    return EXIT_DONE;
}

static void print_all(FILE *out)
{
    fprintf(out, "propfleet %s: a fleet of prop-firm trading accounts on one host\n\n", VERSION);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-9s %.*s\n", commands[i].name, (int)strcspn(commands[i].help, "\n"), commands[i].help);
    fputs("\n`propfleet help COMMAND` says more. Exit status: 0 done, 1 the answer is no, 2 usage,\n"
          "3 configuration, 4 the fleet cannot be reached. Errors on stderr, data on stdout.\n", out);
}

static int command_help(int argc, char **argv)
{
    if (argc < 2) {
        print_all(stdout);
        return EXIT_DONE;
    }
    return print_help(argv[1], argc > 2 ? argv[2] : NULL);
}

/* "--help" anywhere before a "--". */
static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int dispatch(int argc, char **argv)
{
    static_assert(COMMAND_COUNT <= COMMANDS_MAX, "room for all names");
    if (argc < 2) {
        print_all(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("propfleet %s\n", VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return command_help(1, argv);
    const struct command *command = find_in(commands, COMMAND_COUNT, argv[1]);
    if (!command)
        return unknown(argv[1]);
    if (wants_help(argc - 1, argv + 1))
        return print_help(argv[1], argv[2]);
    return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int status = dispatch(argc, argv);
    /* A full disk or a closed pipe behind stdout is not "done". */
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE) {
        fputs("propfleet: stdout could not be written\n", stderr);
        return EXIT_NO;
    }
    return status;
}
