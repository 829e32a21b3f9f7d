/* command: one row for each subcommand of propfleet; the table is in main.c.
 *
 * A handler gets its own arguments (argv[0] is the command's name, no global options come before it),
 * writes data to stdout and everything else to stderr, and returns the exit status: EXIT_DONE,
 * EXIT_NO, EXIT_USAGE, EXIT_CONFIG, EXIT_UNREACHABLE (base/vocabulary.h). Whether stdout took all of
 * it is looked at once, at the end, by main.
 */
#ifndef PROPFLEET_TOOLS_COMMAND_H
#define PROPFLEET_TOOLS_COMMAND_H

#include "base/vocabulary.h"

/* The last lines of a help. */
#define FLEET_HELP "\n  --runtime DIR  the fleet's runtime folder (or PROPFLEET_RUNTIME); else as --config DIR, or ./config, says"
#define STORE_HELP "\n  --state DIR    the state folder, also of a fleet that is stopped; else as the running fleet says" FLEET_HELP

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *synopsis; /* what follows the name */
    const char *help;     /* first line: in one sentence; then the details */
};

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_backtest(int argc, char **argv);
int command_calendar(int argc, char **argv);
int command_status(int argc, char **argv);
int command_top(int argc, char **argv);
int command_account(int argc, char **argv);
int command_flatten(int argc, char **argv);
int command_reload(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_alerts(int argc, char **argv);
int command_why(int argc, char **argv);
int command_journal(int argc, char **argv);
int command_trades(int argc, char **argv);
int command_summary(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_statement(int argc, char **argv);
int command_data(int argc, char **argv);

/* Of `propfleet account` (account.c dispatches). */
int account_add(int argc, char **argv);
int account_list(int argc, char **argv);
int account_show(int argc, char **argv);
int account_remove(int argc, char **argv);
int account_unlock(int argc, char **argv);
int account_payout(int argc, char **argv);
int account_deposit(int argc, char **argv);
int account_floor(int argc, char **argv);
int account_marks(int argc, char **argv);
int account_adopt(int argc, char **argv);
int account_close(int argc, char **argv);
int account_phase(int argc, char **argv);

/* Of `propfleet rules` (rules.c dispatches). */
int rules_explain(int argc, char **argv);

/* "propfleet: " and the text on stderr; returns status, so that `return command_fail(EXIT_NO, ...)` reads well. */
int command_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* EXIT_USAGE, with the usage line of a command; "account add" is one. */
int command_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The row of a name, "account" or "account add"; NULL: there is none. */
const struct command *command_find(const char *name);
/* The rows of `propfleet account`; their names have no "account " in front. */
extern const struct command account_commands[];
extern const unsigned account_command_count;

#endif
