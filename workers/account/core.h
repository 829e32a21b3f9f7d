/* core: one account as a pure state machine. core_step(core, event) -> records and actions.
 *
 * No clock, file, socket or allocation; time is the event's; nothing is random. The live worker,
 * the backtest and the simulation drive this same code.
 *
 * Two kinds of state (design.md 4):
 *   core->market   comes from the market alone: last quotes, detectors, signals of the instant that is going
 *                  on. A versioned snapshot; rebuilt by core_observe over the records since.
 *   core->account, orders, positions, proposals: rows of the store, committed as they change. The driver compares
 *                  them with what is stored (core_rows) and writes what differs, so no change can be forgotten.
 * account.cursor_seq says up to which market record all of it is true.
 *
 * How one record goes (driver.c):
 *   1. the paper venue sees it
 *   2. core_step(MARKET): a bar or quote only updates core->market; everything that is decided at a market
 *      instant is decided at its END: mark, limits, exits, position reports, then proposals for signals
 *   3. core_step(REPORT) for each report of the venue that is due
 *   4. core_step(ANSWER) for the answers to the proposals of this END, in the order of their jseq
 * After each step: what changed is committed, then the actions are released: write, then act.
 */
#ifndef PROPFLEET_WORKERS_ACCOUNT_CORE_H
#define PROPFLEET_WORKERS_ACCOUNT_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vocabulary.h"
#include "config/config.h"
#include "shm/cell.h"
#include "shm/market.h"
#include "workers/account/order.h"
#include "workers/broker/broker.h"
#include "workers/coordinator/wire.h"
#include "workers/risk/rules/rules.h"
#include "workers/risk/sizing.h"
#include "workers/strategy/signal.h"

#define CORE_VERSION 4u
#define CORE_ORDERS_MAX 64u
#define CORE_POSITIONS_MAX 16u
#define CORE_PROPOSALS_MAX 16u
#define CORE_SIGNALS_MAX (CONFIG_INSTRUMENTS_MAX * 2u) /* of one instant */
#define CORE_PENDING_REPORTS_MAX 32u
#define CORE_RECORDS_MAX 192u
#define CORE_ACTIONS_MAX 96u
#define CORE_OUTPUT_BYTES (512u << 10)
#define CORE_REFUSALS_MAX 32u
static_assert(REFUSAL_COUNT <= CORE_REFUSALS_MAX, "one counter for each refusal");

/* Of a position that no signal of ours opened. */
#define CORE_PATTERN_NONE UINT32_MAX

/* An entry's protective order must be at the venue within this market time of the fill (design.md 5). */
#define CORE_PROTECT_NS (2 * INT64_C(1000000000))

enum core_exit { EXIT_NONE, EXIT_STOP, EXIT_TARGET, EXIT_TIME, EXIT_LIMITS, EXIT_OPERATOR, EXIT_UNPROTECTED, EXIT_AFTER_CRASH,
                 EXIT_VENUE, EXIT_WINDOW, EXIT_OPEN_LOSS, EXIT_TARGET_REACHED, EXIT_COUNT };
const char *core_exit_name(unsigned exit); /* "stop" */

struct core_position {
    uint64_t id;               /* intent of the entry; 0: free */
    uint64_t proposal, signal; /* jseq of their records */
    uint64_t stop_intent, take_intent, close_intent; /* close_intent 0: none on its way */
    uint32_t instrument, side;
    uint32_t pattern, exit;    /* enum core_exit: why it is to be closed; NONE: it is not */
    uint32_t close_refused, reserved; /* a rule forbids its voluntary close now: journalled once */
    dec_t qty, entry_qty;      /* open now; bought or sold in all */
    dec_t avg_price;           /* of the entry */
    dec_t stop_price, take_price;
    dec_t exit_value;          /* sum of exit price * qty, for the average */
    dec_t exit_qty;
    dec_t risk;                /* money at the stop when it was sized */
    dec_t realized, commission, swap;
    int64_t decided_ns, opened_ns; /* opened_ns 0: not yet filled */
    int64_t close_asked_ns;    /* when the venue was last asked to close it */
    uint64_t decided_seq;
};

struct core_proposal {
    uint64_t jseq;             /* 0: free */
    uint64_t signal_jseq;
    struct signal signal;
    struct wire_proposal wire;
};

/* What the coordinator still has to be told; goes out at the next END. */
struct core_pending_report {
    uint32_t instrument, reserved;
    uint64_t proposal;         /* 0: none */
    dec_t reserved_qty;
};

struct core_account {
    uint32_t version, bytes;
    uint64_t cursor_seq;       /* market records up to here are in this state */
    int64_t cursor_ns;
    int64_t end_ns;            /* the last END that was decided: the permit watermark */
    uint64_t jseq;             /* last journal record */
    uint64_t sent_jseq;        /* last record that is a message for the coordinator */
    uint64_t next_intent;
    uint64_t venue_report;     /* last report of the venue that is in this state */
    uint32_t started;          /* the first tradable instant has been seen */
    uint32_t paused, halted;
    uint32_t losing_streak;    /* losing trades in a row; a flat one leaves it */
    uint32_t last_refusal;
    uint32_t flatten;          /* enum core_exit: everything is to be closed; NONE otherwise */
    uint32_t pending_report_count, reserved;
    dec_t balance, equity, open_risk;
    dec_t realized_total, commission_total, swap_total;
    dec_t transfers_total;     /* deposits less payouts: balance = initial + realized + commission + swap + transfers */
    uint64_t signals, proposals, granted, refused, entries, entries_filled, trades, wins;
    uint64_t refusals[CORE_REFUSALS_MAX], refusals_today[CORE_REFUSALS_MAX];
    char phase[3 * CONFIG_NAME_MAX]; /* "ftmo/2-step/challenge": whose rules `rules` is about */
    uint32_t passed, reserved_passed; /* target, days and best day of the phase are reached: nothing is opened any more */
    struct rules_state rules;
    dec_t flat_buffer;         /* b_flat of the last guard */
    dec_t expected_move[CONFIG_INSTRUMENTS_MAX]; /* price units: ATR of the last signal of each */
    struct sizing_result last_size;
    struct core_pending_report pending_reports[CORE_PENDING_REPORTS_MAX];
};

/* From the market alone. Plain bytes: snapshotted as they are. */
struct core_quote {
    dec_t bid, ask;
    dec_t instant_high, instant_low; /* bid extremes since the last END; 0: none */
    int64_t time_ns;
};
struct core_market {
    uint32_t version, bytes;
    uint64_t seq;              /* last record seen */
    int64_t time_ns;
    uint64_t config_digest;    /* of the account: another configuration rebuilds */
    uint32_t warmup, signal_count;
    struct core_quote quotes[CONFIG_INSTRUMENTS_MAX];
    struct signal signals[CORE_SIGNALS_MAX]; /* of the instant going on */
    uint64_t detectors[CONFIG_INSTRUMENTS_MAX][DETECTOR_STATE_BYTES_MAX / 8];
};

enum core_event_kind { CORE_MARKET, CORE_REPORT, CORE_ANSWER, CORE_COMMAND, CORE_CLOCK /* live: each 250 ms, the guard looks */ };
enum core_command { COMMAND_PAUSE, COMMAND_RESUME, COMMAND_FLATTEN, COMMAND_AFTER_CRASH,
                    COMMAND_UNLOCK,   /* text: why. Ends LOCKED, and the halt of an account whose floors are not breached */
                    COMMAND_PAYOUT, COMMAND_DEPOSIT, /* amount > 0 */
                    COMMAND_FLOOR,    /* number: the floor; amount: what the firm's dashboard shows; DEC_NONE: forget it */
                    COMMAND_MARKS,    /* marks: typed by a person, for an account whose own are lost */
                    COMMAND_CLOSE,    /* number: the position */
                    /* About what the venue holds and the book does not (`venue`); text: why; request: its number */
                    COMMAND_ADOPT,    /* number: the venue's position; stop, target (0: none): it is ours from now on */
                    COMMAND_CLOSE_FOREIGN, /* number: the venue's position or entry: closed at the market; one that the venue
                                         does not have: ended */
                    COMMAND_BALANCE,  /* the venue's balance counts; the two before take it along */
                    COMMAND_PHASE,    /* the configuration names another phase: its balance, its marks; only when flat */
                    COMMAND_COUNT };
/* What the venue says that it holds, at one time. */
struct core_venue {
    struct broker_account_view account;
    uint32_t position_count, order_count;
    struct broker_position_view positions[BROKER_POSITIONS_MAX];
    struct broker_order_view orders[BROKER_ORDERS_MAX];
};
/* Marks as the firm's dashboard shows them. DEC_NONE: leave it. */
struct core_marks {
    dec_t high_balance, high_equity, day_balance, day_equity, eod_balance;
};
struct core_event {
    enum core_event_kind kind;
    union {
        const struct market_record *market;
        const struct broker_report *report;
        const struct wire_answer *answer;
        struct {
            enum core_command command;
            const char *user, *text;
            uint64_t number;
            dec_t amount;
            const struct core_marks *marks;
            const struct core_venue *venue;
            dec_t stop, target;
            const char *request;
        } command;
    } u;
};

enum core_action_kind { ACTION_PROPOSE, ACTION_REPORT, ACTION_BROKER, ACTION_ALERT };
struct core_action {
    enum core_action_kind kind;
    bool adds_risk;            /* never released when its record could not be stored */
    union {
        struct wire_proposal proposal;
        struct wire_report report;
        struct broker_request request;
        char alert[160];
    } u;
};
struct core_record {
    uint64_t jseq;
    int64_t time_ns;
    uint32_t offset, size;     /* in output bytes */
};
struct core_trade { /* a row of the trades table, keyed by its number */
    uint64_t position, number;
    uint32_t instrument, side, pattern, exit;
    dec_t qty, entry_price, exit_price;
    dec_t realized, commission, swap, risk, balance_after;
    int64_t opened_ns, closed_ns;
};
struct core_signal { /* a row of the signals table, keyed by the jseq of its record */
    struct signal signal;
    uint64_t proposal;         /* jseq, 0: not proposed */
    uint32_t refusal;          /* why it was not taken; NONE: taken, or still open */
    uint32_t taken;            /* an entry was placed */
};

struct core {
    const struct fleet_config *config;
    const struct config_account *settings;
    const struct config_programme *programme;
    const struct config_personality *personality;
    const struct detector *detector;
    uint32_t index;            /* of the account */
    bool store_failed;         /* set by the driver: no new risk */
    bool reconciling;          /* set by the driver: positions unavailable, no new risk */
    int64_t live_now_ns;       /* set by the driver, live only: the market time that it is now, for ages; 0 in a replay */
    int32_t today;             /* live only: days since 1970-01-01 by the wall clock, for the age of the rule file */
    int64_t cadence_ns;        /* of the source's base records: a quote is due that long after the one before */
    struct rules_calendar news;/* of the configuration; has_news: there is one */
    bool has_news;
    /* The next close of each instrument over which a price may gap; right for every instant before until_ns. */
    struct core_close { int64_t close_ns, closed_for_s, until_ns; } closes[CONFIG_INSTRUMENTS_MAX];
    struct core_account account;
    struct core_position positions[CORE_POSITIONS_MAX];
    struct order orders[CORE_ORDERS_MAX];
    struct core_proposal proposals[CORE_PROPOSALS_MAX];
    struct core_market market;
    /* output of the last step; the driver empties it with core_clear */
    uint32_t record_count, action_count, trade_count, signal_row_count;
    uint32_t bytes_used;
    struct core_record records[CORE_RECORDS_MAX];
    struct core_action actions[CORE_ACTIONS_MAX];
    struct core_trade trades[CORE_POSITIONS_MAX];
    struct { uint64_t key; struct core_signal row; } signal_rows[CORE_SIGNALS_MAX + CORE_PROPOSALS_MAX];
    unsigned char bytes[CORE_OUTPUT_BYTES];
};

/* A fresh account with the programme's initial balance. `config` is borrowed. */
void core_init(struct core *core, const struct fleet_config *config, uint32_t account);
/* Point to another compiled configuration (same account). */
void core_configure(struct core *core, const struct fleet_config *config);
/* After the driver loaded account, positions, orders, proposals (and market, when its snapshot is good): -EPROTO when
 * versions or sizes are not ours, or an index is out of range. */
int core_check(const struct core *core);

void core_step(struct core *core, const struct core_event *event);
void core_clear(struct core *core);
/* Only core->market moves: records that account already contains, and bars of the history. */
void core_observe(struct core *core, const struct market_record *record);
/* Records were missed: the account goes on at cursor_seq with a new market part (core_observe over bars follows). */
void core_gap(struct core *core, uint64_t lost, uint64_t cursor_seq);
/* The market part as new (a snapshot of another version, a gap); core_observe over bars follows. */
void core_market_reset(struct core *core);

/* The requests for orders that may not have reached the venue, as they were first sent (an idempotent venue
 * answers a repeat with its first answer). Returns the count. */
uint32_t core_unconfirmed(const struct core *core, struct broker_request *out, uint32_t max);
/* A request that adds risk and whose record could not be stored: its orders are DENIED, its position is
 * forgotten. The driver never released it. */
void core_deny(struct core *core, const struct broker_request *request);

/* Why no new risk may be added now; NONE when it may. */
uint32_t core_refusal(const struct core *core);
/* Time windows (P4) are asked of each signal, so they are no refusal of the account's. The window that refuses an entry in an
 * instrument now, of several the one that is shut longest; false: none does. */
struct core_shut {
    uint32_t window;         /* index in the programme's rules */
    int64_t until_ns;        /* it is shut to this instant, included; INT64_MAX: not known */
};
bool core_window_shut(const struct core *core, uint32_t instrument, struct core_shut *out);
/* The same for the personality's instruments in words, a line for each window, cut where out ends; "" when none is shut. Returns for
 * how many instruments one is. */
uint32_t core_windows_text(const struct core *core, char *out, size_t size);
enum account_state core_state(const struct core *core);
/* Positions by instrument, as the coordinator is told. Returns the count. */
uint32_t core_wire_positions(const struct core *core, struct wire_position *out, uint32_t max);
/* The programme and phase of the configuration; false: account.phase is another one. */
bool core_phase_is(const struct core *core);
/* What of the venue's word is not in the book, or otherwise; none: the books agree. Only while no report is on its way. */
enum core_difference_kind {
    CORE_FOREIGN_POSITION, /* the venue's alone */
    CORE_FOREIGN_ORDER,    /* an order of the venue's that may open one */
    CORE_OTHER_POSITION,   /* in both, but with other lots, side or instrument */
    CORE_MISSING_POSITION, /* the book's alone */
    CORE_OTHER_BALANCE,
};
struct core_difference {
    enum core_difference_kind kind;
    uint64_t position;
    uint32_t ours, theirs;  /* indices of core->positions; of venue->positions, or ->orders */
};
#define CORE_DIFFERENCES_MAX (CORE_POSITIONS_MAX + BROKER_POSITIONS_MAX + BROKER_ORDERS_MAX + 1u)
uint32_t core_compare(const struct core *core, const struct core_venue *venue, struct core_difference out[CORE_DIFFERENCES_MAX]);
/* The venue has made reports that it no longer keeps and that the account never had: its store is an older copy. It goes on
 * where the market part stands (market.seq) and with numbers that were never used; what the venue says of its orders
 * holds. The positions and the balance are core_compare's. */
void core_behind(struct core *core, const struct core_venue *venue);
/* A number above every one that an account of this venue has used for an order. */
uint64_t core_intent_beyond(const struct core_venue *venue);
/* Why a command cannot be done now, NULL when it can: for whoever gives it. */
const char *core_command_refused(const struct core *core, const struct core_event *event);
/* The level of a floor after a payout (amount < 0) or deposit of so much, if it were booked now. */
dec_t core_floor_after(const struct core *core, uint32_t floor, dec_t amount);
uint32_t core_open_positions(const struct core *core);
uint32_t core_working_orders(const struct core *core);

#endif
