/* ledger: what an account has in its store, read by somebody who is not the account.
 *
 * Works while the account runs and on a stopped fleet. Read-only, one short transaction for each call
 * (store_open_reader; at most STORE_READ_MAX records each), so nothing is pinned and the account never waits.
 * Rows are another process's bytes: sizes and versions are checked, indices and enums before use.
 */
#ifndef PROPFLEET_TOOLS_LEDGER_H
#define PROPFLEET_TOOLS_LEDGER_H

#include "config/config.h"
#include "workers/account/core.h"
#include "workers/account/persist.h"
#include "workers/store/store.h"

struct error;
struct path_names;

struct ledger {
    struct store *store;
    char name[CONFIG_NAME_MAX];
};

/* What the journal itself says about the account: symbols by index, and its first record. */
struct ledger_facts {
    char symbols[CONFIG_INSTRUMENTS_MAX][CONFIG_NAME_MAX]; /* "#3" where the journal does not say */
    char firm[CONFIG_NAME_MAX], programme[CONFIG_NAME_MAX], personality[CONFIG_NAME_MAX], source[CONFIG_NAME_MAX];
    dec_t initial_balance; /* DEC_NONE: not known */
    bool simulated;        /* paper fills */
};

/* 0; -ENOTDIR: there is no such folder, or it may not be entered; -ENOENT: no such account in it; other negative codes. */
int ledger_open(const char *state_dir, const char *account, struct ledger *out, struct error *err);
void ledger_close(struct ledger *ledger);
/* The exit status of what ledger_open returned. */
int ledger_exit_status(int rc);
/* Sorted names of the accounts that have a store (path_names_free). -ENOENT: no such folder. */
int ledger_names(const char *state_dir, struct path_names *out, struct error *err);

/* -ENOENT: the account has not committed anything yet (*out is zeroed). */
int ledger_account(struct ledger *ledger, struct core_account *out, struct error *err);
/* Slots in use, in order; *count of them. */
int ledger_positions(struct ledger *ledger, struct core_position out[CORE_POSITIONS_MAX], unsigned *count, struct error *err);
int ledger_orders(struct ledger *ledger, struct order out[CORE_ORDERS_MAX], unsigned *count, struct error *err);
/* Every trade, ascending, until visit returns non-zero. */
int ledger_trades(struct ledger *ledger, int (*visit)(void *context, const struct core_trade *trade), void *context,
                  struct error *err);
/* The newest run (a start of the process) and their number. */
int ledger_runs(struct ledger *ledger, struct account_run *last, unsigned *count, struct error *err);
/* Reads the journal until the instruments in `wanted` (bit i: index i) have their symbols. */
void ledger_facts(struct ledger *ledger, uint32_t wanted, struct ledger_facts *out);

/* Market time of the journal's first record; 0: it has none. */
int64_t ledger_begin_ns(struct ledger *ledger);

/* Names of what rows hold; "?" beyond. Held against the core's own by tests/unit/test_tools_ledger.c. */
const char *ledger_order_state(unsigned state);
bool ledger_order_final(unsigned state);
const char *ledger_order_role(unsigned role);
const char *ledger_exit(unsigned exit);
const char *ledger_side(unsigned side);
/* The tables of an account's store, as the account names them. */
extern const char *const ledger_tables[TABLE_COUNT];

#endif
