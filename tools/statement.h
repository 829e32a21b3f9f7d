/* statement: the closed trades of a real account as its platform exports them, reckoned anew and held against a firm's rules.
 *
 * Two forms, told apart by their header (names in any case, any order, further columns are passed over):
 *   TopstepX   entry, exit, side, contracts, contract, prices, fees, P/L, trade day
 *   MT4        open, close, side, lots, symbol, open price, SL, TP, close price, commission, swap, profit
 * Times: epoch seconds; "04/03/2025 11:00:47 -05:00" (TopstepX); "2023.09.08 09:03:09" (MT4, server clock: New York + 7 h).
 * The account's currency is USD. docs/statements.md says what is checked and what cannot be.
 *
 * Caveats: the P/L column is only compared, never taken over, but for pairs whose profit currency is neither USD nor
 * converted by their own price (GBPJPY, AUDCAD): their rate stands in no row, so the amount comes from the column and the
 * row is counted apart. Equity between the rows is unknown: floors meet the closed balance alone. The SL column is the last stop.
 *
 * A struct statement owns its trades; single-threaded; amounts of money are signed, what is charged is negative.
 */
#ifndef PROPFLEET_TOOLS_STATEMENT_H
#define PROPFLEET_TOOLS_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/decimal.h"
#include "base/tz.h"
#include "config/rules.h"
#include "workers/risk/rules/rules.h"

struct error;

#define STATEMENT_CURRENCY "USD"
#define STATEMENT_TRADES_MAX 10000u
#define STATEMENT_MONEY_MAX (1000000 * DEC_ONE)  /* of one amount of a row */
#define STATEMENT_SYMBOLS_MAX RULES_INSTRUMENTS_MAX
#define STATEMENT_SYMBOL_MAX 24u
#define STATEMENT_PROBLEMS_MAX 50u
#define STATEMENT_PROBLEM_MAX 256u
#define STATEMENT_CONTRACTS_MAX 16u
#define STATEMENT_BARS_MAX 2000000u
#define STATEMENT_REFUSALS_MAX 50u
/* A conversion may be at the ask while bars are bids of another broker: one basis point above the high is still inside. */
#define STATEMENT_RATE_SPREAD (DEC_ONE / 10000)
/* Beside a fill of the account's own not longer ago than this, an implied rate may differ by this share. */
#define STATEMENT_FILL_AGE_S (3 * 86400)
#define STATEMENT_FILL_SHARE (DEC_ONE / 50)

enum statement_format { STATEMENT_UNKNOWN, STATEMENT_TOPSTEPX, STATEMENT_MT4 };

enum statement_check {
    STATEMENT_EXACT,     /* to the cent, from the row alone */
    STATEMENT_AT_RATE,   /* to the cent at a rate that lies inside the bar of that moment */
    STATEMENT_IMPLIED,   /* needs a rate that nobody gave: the amount is the column's */
    STATEMENT_DIFFERS,
    STATEMENT_CHECK_COUNT
};

/* What one lot of a symbol is. */
struct statement_contract {
    char symbol[STATEMENT_SYMBOL_MAX]; /* futures: the root, "MNQ" */
    dec_t size;                        /* profit currency for one price unit of one lot */
    dec_t tick;
    char currency[4];                  /* of the profit */
};
struct statement_symbol {
    char name[STATEMENT_SYMBOL_MAX];   /* as the instruments of a configuration call it: futures without their month */
    struct statement_contract contract;
    bool future, fx;
    bool own_rate;                     /* USDxxx: the profit is divided by the trade's own price */
    char pair[8];                      /* the rate that a cross needs, "USDJPY"; empty: none */
    bool multiply;                     /* by that rate, else divide */
};

struct statement_trade {
    uint32_t line, symbol, side;       /* of the file; of statement.symbols; 1 buy, 2 sell */
    int64_t opened_ns, closed_ns;
    dec_t lots, open_price, close_price;
    dec_t stop, target;                /* 0: none */
    dec_t charges, swap;               /* fees and commissions, as booked */
    dec_t stated;                      /* the statement's P/L before charges and swap */
    int32_t trade_day;                 /* the statement's own, days since 1970-01-01; INT32_MIN: it has none */
    /* statement_check: */
    uint32_t check;                    /* enum statement_check */
    dec_t gross, net;                  /* reckoned; IMPLIED and AT_RATE: gross is stated */
    dec_t rate_low, rate_high;         /* rates of the pair that give the stated cent; 0: no rate is needed */
    dec_t seen_low, seen_high;         /* of the bar, or twice the rate by the nearest fill of the account's own; 0: neither */
    int64_t seen_s;                    /* how far away that fill was */
};

struct statement {
    enum statement_format format;
    uint32_t symbol_count, trade_count, problem_count;
    struct statement_symbol symbols[STATEMENT_SYMBOLS_MAX];
    struct statement_trade *trades;    /* in the order of their closes */
    char problems[STATEMENT_PROBLEMS_MAX][STATEMENT_PROBLEM_MAX]; /* "file:line: what is wrong; the remedy" */
    /* statement_check: */
    uint32_t checked[STATEMENT_CHECK_COUNT];
    dec_t gross, charges, swap, net;
};

struct statement_options {
    const struct tz_table *new_york;   /* of the MT4 server clock and of the weekend */
    const struct statement_contract *contracts; /* before the built-in ones */
    uint32_t contract_count;
};

/* `name` is what messages call the file. 0; -EINVAL: it has problems (all of them are in out->problems, the first ones of
 * problem_count), or is none of the forms; -E2BIG; -ENOMEM. Free it whatever is returned. */
int statement_read(FILE *in, const char *name, const struct statement_options *options, struct statement *out, struct error *err);
void statement_free(struct statement *statement);
/* "SYMBOL=SIZE" or "SYMBOL=SIZE:CUR". -EINVAL with err. */
int statement_contract_parse(const char *text, size_t length, struct statement_contract *out, struct error *err);

/* Bars of a conversion pair: epoch_s,open,high,low,close,... as data sets have them. */
struct statement_rates {
    char pair[8];
    uint32_t count;
    int64_t step_s;                    /* the shortest distance of two rows */
    struct statement_bar { int64_t time_s; dec_t low, high; } *bars;
};
int statement_rates_read(FILE *in, const char *name, const char *pair, struct statement_rates *out, struct error *err);
void statement_rates_free(struct statement_rates *rates);

/* Reckons every trade and the sums. */
void statement_check(struct statement *statement, const struct statement_rates *rates, uint32_t rate_count);

/* --- days ------------------------------------------------------------------------------------------------- */

struct statement_day {
    int32_t day;                       /* local date of its last instant, days since 1970-01-01 */
    uint32_t trades;                   /* closed on it */
    dec_t net, balance;                /* result; balance at its end */
};
struct statement_days {
    struct statement_day *days;        /* those with a close */
    uint32_t count, best, worst;       /* indices */
    uint32_t moved;                    /* trades that the statement books on another day */
};
/* Days of candidate 0 of the set. 0 or -ENOMEM. */
int statement_days(const struct statement *statement, const struct rules_set *set, const struct tz_table *zones, dec_t initial,
                   struct statement_days *out);

/* --- rules ------------------------------------------------------------------------------------------------- */

/* Why an entry is NOT JUDGED. */
enum statement_unjudged {
    STATEMENT_NO_STOP,                 /* none in the row */
    STATEMENT_STOP_MOVED,              /* at the entry or beyond: cannot be the one it began with */
    STATEMENT_BOOK_UNKNOWN,            /* a position open then has no known stop */
    STATEMENT_NO_RATE,                 /* no rate for the profit currency */
    STATEMENT_UNJUDGED_COUNT
};
struct statement_refusal {
    uint32_t trade;
    struct rules_verdict verdict;      /* the first that says no */
    dec_t q_max;
};
struct statement_gate {
    uint32_t judged, admitted, unjudged[STATEMENT_UNJUDGED_COUNT];
    uint32_t refused[RULES_P12_LIFECYCLE + 1]; /* by primitive */
    uint32_t refusal_count;
    struct statement_refusal refusals[STATEMENT_REFUSALS_MAX]; /* the first ones */
};
struct statement_floor {
    dec_t margin, level;               /* the least of balance - level that was met, and the level then */
    int64_t margin_ns;
    bool breached;
    int64_t breached_ns;               /* the first time */
    dec_t breached_balance, breached_level;
};
struct statement_judged {
    struct rules_set set;              /* as used: what cannot be known is taken out */
    uint32_t windows_left_out, exposures_left_out; /* news without a calendar; margin */
    struct rules_state state;          /* at the end */
    struct statement_floor floors[RULES_FLOORS_MAX];
    dec_t lowest;                      /* closed balance */
    int64_t target_ns, passed_ns;      /* first instants: target reached; every gate of passing; 0: never */
    uint32_t days;                     /* that count towards the minimum */
    struct rules_best_day best_day;    /* the last day taken as finished */
    struct statement_gate gate;
};
/* instruments[i]: index of symbol i in the set. 0, -ENOMEM. Needs statement_check. */
int statement_judge(const struct statement *statement, const struct rules_set *set, const uint32_t *instruments,
                    const struct tz_table *zones, const struct tz_table *new_york, dec_t initial, struct statement_judged *out);
/* Gives each symbol an index of the set by its name among `names`. One that is not there takes a free index and is reached by the
 * rules that reach every instrument, an FX pair by those of `fx` (an index of the set, UINT32_MAX: none): the bits
 * are set in *set. -ENOSPC: no index is left. *strangers: how many were not there. */
int statement_map(const struct statement *statement, const char (*names)[RULES_NAME_MAX], uint32_t name_count, uint32_t fx,
                  struct rules_set *set, uint32_t instruments[STATEMENT_SYMBOLS_MAX], uint32_t *strangers);

#endif
