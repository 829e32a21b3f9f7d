/* broker: what an account asks of a venue and what a venue reports; asynchronous.
 *
 * Names follow FIX (orders.md): a request is NewOrderSingle, cancel or replace; a report is an
 * ExecutionReport (35=8) with ExecType (150). What is asked and what is reported are events in the
 * account's order: broker_send only hands over, everything that comes of it is a report.
 *
 * Identity. An order is named by its intent: a number of the account's journal that is never reused.
 * The client order id on a wire is broker_cl_ord_id(account, intent). Every increase of the filled
 * quantity is told by cum_qty; exec_id names the fill.
 *
 * A venue that is idempotent by client id (paper is) answers a repeated request with its first answer.
 *
 * Entries carry their protective orders in the same request (a bracket): the venue activates stop and
 * target with the quantity filled so far, as soon as it is filled; one of them filled cancels the other
 * (OCO); a position that is flat cancels both. A close (BROKER_CLOSE) can only reduce its position.
 *
 * A close of type STOP or LIMIT is a protective order for a position that is open: it waits at its price and belongs to the
 * bracket from then on. A position has one stop and one target: what comes takes the place of what is there (CANCELED, OCO),
 * in one moment; refused (STOP_LEVEL, NO_POSITION, TOO_LATE), it leaves what is there.
 */
#ifndef PROPFLEET_WORKERS_BROKER_BROKER_H
#define PROPFLEET_WORKERS_BROKER_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "shm/market.h"

struct error;

#define BROKER_ORDERS_MAX 64u    /* at the venue, not final, for one account */
#define BROKER_POSITIONS_MAX 16u
#define BROKER_CL_ORD_ID_MAX 21  /* with NUL: 20 characters of [0-9A-Z] */

enum broker_side { SIDE_BUY = 1, SIDE_SELL = 2 };                 /* FIX 54 */
enum broker_order_type { ORDER_MARKET = 1, ORDER_LIMIT = 2, ORDER_STOP = 3 }; /* FIX 40 */
enum broker_request_kind { BROKER_PLACE, BROKER_CLOSE, BROKER_CANCEL, BROKER_REPLACE };

struct broker_request {
    uint32_t kind;           /* enum broker_request_kind */
    uint32_t instrument;
    uint32_t side;           /* enum broker_side, of this order */
    uint32_t type;           /* enum broker_order_type */
    uint64_t intent;         /* of this order, or of this cancel or replace request */
    uint64_t target_intent;  /* CANCEL, REPLACE: the order meant */
    uint64_t position;       /* CLOSE: the position, named by the intent of the entry that opened it */
    dec_t qty;               /* lots; of a protective CLOSE: what is open when it arrives counts */
    dec_t price;             /* LIMIT: limit; STOP: trigger; REPLACE: the new price */
    /* PLACE: protection in the same request; intents of the two orders. 0: none */
    uint64_t stop_intent, take_intent;
    dec_t stop_price, take_price;
    int64_t time_ns;         /* market time of the decision; of a repeat: the original one */
    uint64_t seq;            /* market sequence number of the decision */
};

enum broker_exec_type { /* FIX 150 */
    EXEC_NEW = '0', EXEC_CANCELED = '4', EXEC_REPLACED = '5', EXEC_REJECTED = '8', EXEC_EXPIRED = 'C',
    EXEC_TRADE = 'F', EXEC_CORRECT = 'G', EXEC_BUST = 'H', EXEC_STATUS = 'I', EXEC_RESTATED = 'D',
    EXEC_CANCEL_REJECT = '9', /* 35=9: the cancel or replace was refused, the order goes on */
    EXEC_POSTING = 'P',       /* ours: money without a trade (swap) */
};

enum broker_reason {
    BROKER_OK, BROKER_MARKET_CLOSED, BROKER_OFF_QUOTES, BROKER_STOP_LEVEL, BROKER_BAD_QTY, BROKER_NO_MARGIN,
    BROKER_TOO_MANY, BROKER_UNKNOWN_ORDER, BROKER_NO_POSITION, BROKER_RANDOM, BROKER_OCO, BROKER_STOP_OUT,
    BROKER_IOC_REMAINDER, BROKER_BAD_PRICE, BROKER_TOO_LATE, BROKER_REASON_COUNT
};
const char *broker_reason_name(unsigned reason); /* "OFF_QUOTES"; "?" beyond the list */

struct broker_report {
    uint64_t id;             /* the venue's own running number of reports of this account: 1, 2, 3, ... */
    uint64_t created_seq;    /* market sequence at which the venue made it (later than the decision's) */
    int64_t due_ns;          /* delivered with the first record at or after created_seq whose time is >= due_ns;
                                never less than that of an earlier report: a session keeps the order */
    int64_t time_ns;         /* market time of what is reported */
    uint32_t exec_type;      /* enum broker_exec_type */
    uint32_t reason;         /* enum broker_reason: of REJECTED, CANCELED, CANCEL_REJECT; STOP_OUT also of a TRADE */
    uint64_t intent;         /* the order's */
    uint64_t request_intent; /* of the cancel or replace that this answers, else 0 */
    uint64_t venue_order;    /* FIX 37 */
    uint64_t exec_id;        /* FIX 17: of a TRADE, else 0 */
    uint64_t position;       /* intent of the entry that opened the position; 0: none */
    uint32_t instrument, side;
    dec_t qty;               /* order quantity now (38) */
    dec_t cum_qty;           /* 14 */
    dec_t last_qty, last_price, avg_price; /* 32, 31, 6 */
    dec_t price;             /* limit or trigger now (44, 99) */
    /* money that this report books in account currency: balance += realized + commission + swap */
    dec_t realized, commission, swap;
    /* audit of a fill: quote used, latency, model */
    dec_t quote_bid, quote_ask;
    int64_t latency_ns;
    uint32_t model_version, final; /* final: the order is in a terminal state after this report */
};

/* A stop-out closes a position through its protective stop (a TRADE of that order, reason STOP_OUT); where there
 * is none, by an order of the venue's own: intent 0, position set.
 *
 * What reconciliation asks for (orders.md 3: AF, AN, H). */
struct broker_order_view {
    uint64_t intent, venue_order, position;
    uint32_t instrument, side, type, pending; /* pending: the venue has it but it is not effective yet */
    dec_t qty, cum_qty, avg_price, price;
};
struct broker_position_view {
    uint64_t position;
    uint32_t instrument, side;
    dec_t qty, avg_price;
    int64_t opened_ns;
};
struct broker_account_view {
    dec_t balance;
    uint64_t last_report; /* id of the newest report that exists */
    uint64_t first_report;/* id of the oldest that is still kept; last_report + 1: none is */
    uint64_t last_seq;    /* the book's market sequence */
};

struct broker;
struct broker_ops {
    /* Hand over a request. 0, or a negative code when it certainly was not handed over. */
    int (*send)(struct broker *broker, const struct broker_request *request, struct error *err);
    /* The venue sees the market (paper; a no-op elsewhere). Records at or before its book's are ignored. */
    int (*on_record)(struct broker *broker, const struct market_record *record, struct error *err);
    /* The next report after `after_id` that is due at the record (seq, time). 1: *out is filled; 0: none; or a
     * negative code. */
    int (*next_report)(struct broker *broker, uint64_t after_id, uint64_t seq, int64_t time_ns, struct broker_report *out);
    /* The account has durably passed all reports up to id: they need not be kept (paper forgets them with its
     * next commit). */
    void (*acknowledge)(struct broker *broker, uint64_t id);
    /* Make durable what the venue needs to go on from here (called before the account's snapshot). */
    int (*checkpoint)(struct broker *broker, struct error *err);
    /* Return the count (at most max), or a negative code. */
    int (*orders)(struct broker *broker, struct broker_order_view *out, uint32_t max);
    int (*positions)(struct broker *broker, struct broker_position_view *out, uint32_t max);
    /* 1: the venue knows the intent and *out says how it stands (also when final); 0: it does not. */
    int (*status)(struct broker *broker, uint64_t intent, struct broker_report *out);
    int (*account)(struct broker *broker, struct broker_account_view *out);
    void (*close)(struct broker *broker);
};
struct broker {
    const struct broker_ops *ops;
    bool idempotent; /* by client id */
};

/* Base36 of account index (two digits) and intent (twelve digits), upper case: "0100000000000K". */
void broker_cl_ord_id(uint32_t account, uint64_t intent, char out[BROKER_CL_ORD_ID_MAX]);

#endif
