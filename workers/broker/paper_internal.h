/* paper_internal: the paper venue's book, and what its files offer each other. Only paper*.c and its
 * tests of single parts include this.
 *
 * Invariant on which restarts rest: the whole state is a function of the committed book and the records
 * and requests after it. Nothing else decides: no clock, no stream of random numbers, no order of slots
 * (arrays are kept in order of venue_order, arrival, first execution). So a change that nobody has been
 * told of needs no commit: it comes again when the records are fed again.
 *
 * Time runs for each instrument apart, because a bar covers its interval but is known at its close.
 * What happens at a venue without a quote (a cancel, swap) and what needs one (arrivals, triggered
 * stops) are events of an instrument, found by scanning (there are at most a few dozen).
 *
 *   order states:  PENDING (on its way in) -> WORKING (limit, stop) -> TRIGGERED (stop) -> FINAL
 *                  HELD (protective, its entry has not filled) -> WORKING
 */
#ifndef PROPFLEET_WORKERS_BROKER_PAPER_INTERNAL_H
#define PROPFLEET_WORKERS_BROKER_PAPER_INTERNAL_H

#include <assert.h>

#include "workers/broker/paper.h"

/* --- named limits and constants of the model ------------------------------------------- */
#define PAPER_LEVELS_MAX 8u                      /* of the ladder: 49 times the first level */
#define PAPER_PATH_STEPS 32                      /* a step is at least this part of the bar's range */
#define PAPER_PATH_MAX 96u                       /* quotes of one bar: at most 1 + 17 + 33 + 33 */
#define PAPER_REQUESTS_MAX 64u                   /* cancels and replaces under way */
#define PAPER_ORDER_SLOTS (BROKER_ORDERS_MAX + 4u) /* room for a bracket that is refused */
#define PAPER_POSITION_SLOTS (BROKER_POSITIONS_MAX + BROKER_ORDERS_MAX) /* flat ones stay until the commit */
#define PAPER_REPORT_CACHE 128u                  /* newest reports in memory; older ones come from the store */
#define PAPER_PRUNE_MAX 4096u                    /* reports deleted with one commit */
#define PAPER_POSITION_DRAWS 0x40000000u            /* draw numbers of a position's own reports */
#define PAPER_PRICE_MAX (INT64_C(1000000000) * DEC_ONE) /* a record beyond is not used */
#define PAPER_EVENTS_MAX 100000u                 /* of one instrument in one record: beyond is a mistake */
#define PAPER_CENT (DEC_ONE / 100)               /* money is booked in hundredths */
#define PAPER_STOP_OUT_LEVEL (DEC_ONE / 2)       /* equity below half the margin used: stop-out */

/* --- rows of the book (all words, no padding) --------------------------------------------- */
enum paper_table { PAPER_META, PAPER_ORDERS, PAPER_REQUESTS, PAPER_POSITIONS, PAPER_REPORTS, PAPER_HISTORY,
                   PAPER_ANSWERED, PAPER_TABLE_COUNT };
enum paper_role { PAPER_ENTRY, PAPER_CLOSE, PAPER_STOP, PAPER_TAKE, PAPER_STOP_OUT };
enum paper_state { PAPER_PENDING, PAPER_HELD, PAPER_WORKING, PAPER_TRIGGERED, PAPER_FINAL };

struct paper_order {
    uint64_t intent, venue_order, position; /* position: intent of the entry */
    uint64_t seq;                           /* of the decision: sees only later records */
    uint64_t exec_type;                     /* of the last report */
    int64_t effective_ns, latency_ns;       /* PENDING: arrival; TRIGGERED: from when it fills */
    dec_t qty, cum_qty, value;              /* value: sum of quantity * price */
    dec_t price;
    uint32_t role, instrument, side, type, state, reason;
    uint32_t replaced, reported, walked;    /* numbers of draws */
    uint32_t rested;                        /* a limit has met its first quote */
    uint64_t quote_number;                  /* not in the book: the quote that it has met */
    uint64_t dirty;                         /* not in the book */
};
static_assert(sizeof(struct paper_order) == 13 * 8 + 10 * 4, "stored");

struct paper_request { /* a cancel or replace */
    uint64_t intent, target, seq, arrival;
    int64_t effective_ns;
    dec_t price;
    uint32_t kind, instrument, answered, dirty;
};
static_assert(sizeof(struct paper_request) == 6 * 8 + 4 * 4, "stored");

struct paper_position {
    uint64_t position, first_exec;
    dec_t qty, cost, margin;                /* cost: sum of quantity * price */
    int64_t opened_ns, next_swap_ns;
    int64_t stop_out_ns;                    /* 0, or from when the venue closes it for want of margin */
    uint32_t instrument, side, reported, walked;
    uint64_t quote_number, dirty;           /* not in the book */
};
static_assert(sizeof(struct paper_position) == 10 * 8 + 4 * 4, "stored");

struct paper_mark {   /* of one instrument */
    dec_t bid, ask;   /* the newest quote; bid 0: none yet */
    int64_t covered_ns;   /* records up to here have been seen */
    int64_t quoted_ns;    /* the newest QUOTE: a bar that began before it is not used */
};

struct paper_meta {
    uint64_t model, account; /* account: hash of its name */
    uint64_t last_seq, last_report, last_venue_order, last_exec, last_arrival, last_intent;
    uint64_t pruned;         /* reports up to here are gone */
    int64_t last_due_ns, last_effective_ns;
    dec_t balance;
    struct paper_mark marks[CONFIG_INSTRUMENTS_MAX];
};
static_assert(sizeof(struct paper_meta) == (12 + 4 * CONFIG_INSTRUMENTS_MAX) * 8, "stored");
static_assert(sizeof(struct broker_report) == 4 * 8 + 2 * 4 + 5 * 8 + 2 * 4 + 11 * 8 + 8 + 2 * 4, "stored");

/* --- the venue ------------------------------------------------------------------------------ */
/* What the lazy check compares with. A bar is expanded when it reaches one of them. */
struct paper_guard {
    uint32_t active;         /* orders, requests and positions on the instrument */
    uint32_t positions;
    dec_t sell_stop, buy_stop, sell_limit, buy_limit; /* nearest prices */
    int64_t next_event_ns;
};

/* Where the instrument that is being played stands. */
struct paper_now {
    uint64_t quote_number;   /* names the quote; never 0 */
    uint32_t instrument;
    int64_t time_ns;
    dec_t bid, ask;
    dec_t low_ahead, high_ahead; /* bids from this quote to the end of the bar */
    dec_t spread;
};

struct paper {
    struct broker base;
    const struct fleet_config *config;
    const struct config_paper *model;
    struct store *store;
    enum store_sync sync;
    double latency_sigma;
    bool ideal, eager;
    bool effects;            /* reports have been made since the last commit */
    bool changed;            /* the guards no longer fit */
    bool commit_pending;     /* staged, but the store failed */
    uint64_t seq;            /* of the record being played */
    uint64_t acknowledged, committed_report;
    int64_t wake_ns;         /* a record later than this ends a wait for quotes */
    struct paper_now now;
    struct paper_meta meta;
    struct paper_guard guards[CONFIG_INSTRUMENTS_MAX];
    uint32_t order_count, request_count, position_count;
    struct paper_order orders[PAPER_ORDER_SLOTS];
    struct paper_request requests[PAPER_REQUESTS_MAX];
    struct paper_position positions[PAPER_POSITION_SLOTS];
    struct broker_report cache[PAPER_REPORT_CACHE];
};

static inline const struct config_instrument *paper_instrument(const struct paper *v, uint32_t instrument)
{
    return &v->config->instruments[instrument];
}
static inline uint32_t paper_opposite(uint32_t side) { return side == SIDE_BUY ? SIDE_SELL : SIDE_BUY; }

/* --- paper_book.c: rows, commits ---------------------------------------------------------- */
int paper_book_load(struct paper *v, uint32_t account, struct error *err);
/* Stage what changed and commit. On failure the batch waits: commit_pending. */
int paper_book_commit(struct paper *v, struct error *err);
struct paper_order *paper_book_order(struct paper *v, uint64_t intent);     /* not final, or NULL */
struct paper_position *paper_book_position(struct paper *v, uint64_t position); /* not flat, or NULL */
struct paper_order *paper_book_child(struct paper *v, uint64_t position, enum paper_role role);
uint32_t paper_book_live_orders(const struct paper *v);
/* Positions, and accepted entries that may still open one. */
uint32_t paper_book_places_taken(const struct paper *v);
bool paper_book_knows(struct paper *v, uint64_t intent);

/* --- paper_report.c: reports made and delivered --------------------------------------------- */
/* Number it, set created_seq, due_ns and latency; stage and keep it. */
void paper_report_emit(struct paper *v, struct broker_report *report, uint64_t draw_intent, uint32_t draw_number);
/* A report about an order as it stands. request_intent: the cancel or replace that it answers, or 0. */
void paper_report_order(struct paper *v, struct paper_order *order, uint32_t exec_type, int64_t time_ns,
                        uint64_t request_intent);
void paper_report_cancel_reject(struct paper *v, const struct paper_request *request, uint32_t reason, int64_t time_ns);
/* Fill in what every report about the order says. */
void paper_report_describe(const struct paper_order *order, struct broker_report *out);
int paper_report_next(struct broker *broker, uint64_t after_id, uint64_t seq, int64_t time_ns,
                      struct broker_report *out);
int paper_report_status(struct broker *broker, uint64_t intent, struct broker_report *out);

/* --- paper_draw.c: random numbers ------------------------------------------------------------- */
enum paper_draw_kind { DRAW_LATENCY_IN, DRAW_LATENCY_OUT, DRAW_LATENCY_TRIGGER, DRAW_SLIPPAGE, DRAW_TOUCH, DRAW_REJECT };
uint64_t paper_draw(const struct paper *v, uint64_t intent, enum paper_draw_kind kind, uint32_t number);
double paper_draw_uniform(uint64_t draw);  /* in (0, 1) */
double paper_draw_normal(uint64_t draw);
double paper_draw_latency_sigma(const struct config_paper *model);
int64_t paper_draw_latency(const struct paper *v, uint64_t intent, enum paper_draw_kind kind, uint32_t number);
int64_t paper_draw_slippage(const struct paper *v, uint64_t intent, uint32_t number, double spread_ticks); /* ticks */

/* --- paper_money.c ------------------------------------------------------------------------------ */
dec_t paper_money_product(dec_t a, dec_t b); /* nearest; what does not fit becomes the largest number */
dec_t paper_money_sum(dec_t a, dec_t b);     /* likewise */
dec_t paper_money_cents(dec_t amount);
/* From profit to account currency at the adverse side. -ENOENT: no rate yet (*out is the amount). */
int paper_money_convert(const struct paper *v, uint32_t instrument, dec_t amount, dec_t *out);
dec_t paper_money_margin(const struct paper *v, uint32_t instrument, dec_t qty, dec_t price);
dec_t paper_money_unrealized(const struct paper *v, const struct paper_position *position);
dec_t paper_money_equity(const struct paper *v);
dec_t paper_money_margin_used(const struct paper *v); /* without positions that a stop-out is closing */

/* --- paper_path.c: the quotes inside a bar ----------------------------------------------------- */
struct paper_path {
    uint32_t count;
    int64_t open_ns, span_ns;
    dec_t bid[PAPER_PATH_MAX], low_ahead[PAPER_PATH_MAX], high_ahead[PAPER_PATH_MAX];
};
void paper_path_build(struct paper_path *path, const struct market_record *bar, dec_t tick, int64_t open_ns);
static inline int64_t paper_path_time(const struct paper_path *path, uint32_t i)
{
    return path->open_ns + path->span_ns * i / path->count;
}

/* --- paper_engine.c: records, events, matching ------------------------------------------------ */
int paper_engine_record(struct broker *broker, const struct market_record *record, struct error *err);
void paper_engine_schedule(struct paper *v); /* guards and wake time anew */

/* --- paper_fill.c ---------------------------------------------------------------------------- */
/* Walk the ladder at the quote of `now`; what is left stays in the order. */
void paper_fill_market(struct paper *v, struct paper_order *order, int64_t time_ns);
void paper_fill_limit(struct paper *v, struct paper_order *order, dec_t price, int64_t time_ns);
void paper_fill_triggered(struct paper *v, struct paper_order *order, int64_t time_ns);
void paper_fill_stop_out(struct paper *v, struct paper_position *position, int64_t time_ns);
/* End an order. An entry without a fill takes its protective orders along. */
void paper_fill_finish(struct paper *v, struct paper_order *order, uint32_t exec_type, uint32_t reason, int64_t time_ns,
                       uint64_t request_intent);
void paper_fill_check_margin(struct paper *v, int64_t time_ns); /* stop-out, worst position first */

/* --- paper_request.c ---------------------------------------------------------------------------- */
int paper_request_send(struct broker *broker, const struct broker_request *request, struct error *err);
void paper_request_arrive(struct paper *v, struct paper_order *order, int64_t time_ns);
void paper_request_expire(struct paper *v, struct paper_order *order, int64_t time_ns); /* no quote came in time */
/* quoted: `now` holds the quote of the moment. */
void paper_request_execute(struct paper *v, struct paper_request *request, int64_t time_ns, bool quoted);

/* --- paper_session.c ---------------------------------------------------------------------------- */
bool paper_session_closed(const struct fleet_config *config, uint32_t instrument, int64_t time_ns);
int64_t paper_session_next_swap(const struct fleet_config *config, int64_t time_ns); /* after time_ns */
uint32_t paper_session_swap_nights(const struct fleet_config *config, uint32_t instrument, int64_t rollover_ns);
void paper_session_post_swap(struct paper *v, struct paper_position *position);

#endif
