/* view: the supervisor's status, validated and copied out of its JSON (made by supervisor/status.c).
 *
 * Every field is checked for its type and range; one that is missing or wrong is an error that names it,
 * unknown ones are skipped. Strings are cleaned. What a process that does not run cannot tell is VIEW_NONE,
 * DEC_NONE or "".
 */
#ifndef PROPFLEET_TOOLS_VIEW_H
#define PROPFLEET_TOOLS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vocabulary.h"
#include "config/config.h"

struct error;

#define VIEW_PROCESSES_MAX 64u
#define VIEW_NONE (-1)

struct view_process {
    char name[64], kind[16], account[CONFIG_NAME_MAX], state[16];
    int64_t pid, heartbeat_age_ms, memory_kib; /* VIEW_NONE */
    uint64_t generation, restarts, deaths;
    double uptime_s; /* VIEW_NONE */
    bool done;
    char why[256];
};

struct view_account {
    char name[CONFIG_NAME_MAX], firm[CONFIG_NAME_MAX], programme[CONFIG_NAME_MAX], phase[CONFIG_NAME_MAX];
    char currency[8], personality[CONFIG_NAME_MAX];
    bool has_status; /* what follows is known */
    char state[16];
    dec_t balance, equity, day_pnl, open_risk;
    uint64_t positions, orders_working, signals, trades, entries_filled, proposals, granted, refused;
    uint64_t journal_seq, lapped;
    int64_t market_time_ns;
    char last_refusal[40], text[128];
    uint64_t refusals[REFUSAL_COUNT]; /* by enum refusal; names that are not ours are added to none */
};

struct view {
    char state_dir[CONFIG_PATH_MAX], runtime_dir[CONFIG_PATH_MAX], config_dir[CONFIG_PATH_MAX];
    char source[CONFIG_NAME_MAX], stopping[16];
    bool simulated, live, restarts_held, ready;
    double speed, uptime_s;
    int64_t pid;
    uint64_t unacknowledged;
    uint64_t head, rate, lapped, rows_read, rows_bad;
    int64_t market_time_ns;
    uint64_t rounds, grants, refusals, reservations;
    dec_t joint_risk;
    unsigned process_count, account_count;
    struct view_process processes[VIEW_PROCESSES_MAX];
    struct view_account accounts[CONFIG_ACCOUNTS_MAX];
};

/* 0, or -EPROTO with err. Pure. */
int view_parse(const char *json, size_t size, struct view *out, struct error *err);
/* Ask the fleet and parse. 0, or a negative code with err. */
int view_ask(const char *runtime_dir, struct view *out, struct error *err);

const struct view_account *view_account_find(const struct view *view, const char *name);
/* The process of an account; NULL: there is none. */
const struct view_process *view_process_find(const struct view *view, const char *account);
/* Sum of the accounts' equity (DEC_NONE when none is known) and of what people add up. */
struct view_sum {
    dec_t equity, balance, day_pnl, open_risk;
    uint64_t entries_filled, trades, positions, orders_working, restarts;
    unsigned known; /* accounts with figures */
};
void view_sum(const struct view *view, struct view_sum *out);

#endif
