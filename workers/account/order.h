/* order: the state machine of one order at a venue (orders.md section 2). Pure.
 *
 * One table, state by event, with pend = {-, C, R} beside it. Rule 0 stands before the table: any increase of
 * the cumulative filled quantity is applied in every state; one that is lower than known is ignored
 * (except bust and correction). "No answer" is never "not there", "not found" is never "cancelled".
 *
 * Caveats.
 * - The caller applies each report once, in the venue's order where it can (by report id); repeated and
 *   reordered reports do no harm here: a fill counts once by cum_qty and by exec_id, a busted one never again.
 * - qty is what the venue says it is (38) from the acknowledgement on: a protective order is acknowledged with
 *   what its entry has filled so far, and restated.
 * - How reports are read where FIX leaves more than one way: EXEC_REJECTED with request_intent 0 is 150=8; with
 *   request_intent set it is a business or session reject (35=j, 35=3) that names this order's request or the
 *   pending one. exec_id of EXEC_BUST and EXEC_CORRECT is the fill meant (19), last_qty and last_price of a
 *   correction are the fill's new ones. EXEC_STATUS that is final and not filled is CANCELED, or REJECTED when
 *   nothing was filled and its reason is one that a venue rejects with.
 * - DISPUTED by silence is settled by the venue's own word (a status report, or an end), with an anomaly; DISPUTED by
 *   an overfill only by a bust, a correction or a new quantity of the venue, or by a person.
 */
#ifndef PROPFLEET_WORKERS_ACCOUNT_ORDER_H
#define PROPFLEET_WORKERS_ACCOUNT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/broker/broker.h"

/* As people see them (style.md); written to journals and rows: append only. */
#define ORDER_STATE_LIST(X) \
    X(CREATED, "SUBMITTED")      /* durable, not sent */ \
    X(PENDING_NEW, "SUBMITTED")  /* sent, not acknowledged */ \
    X(WORKING, "ACCEPTED") \
    X(PARTIAL, "PARTIALLY_FILLED") \
    X(UNKNOWN, "UNKNOWN")        /* may or may not be at the venue: asked after */ \
    X(DISPUTED, "DISPUTED")      /* a person must look: no entries on that instrument */ \
    X(FILLED, "FILLED") \
    X(CANCELED, "CANCELED") \
    X(EXPIRED, "EXPIRED") \
    X(REJECTED, "REJECTED") \
    X(LOST, "LOST")              /* twice not known at the venue, position unchanged: never resent */ \
    X(DENIED, "DENIED")          /* ours, before the venue */

enum order_state {
#define X(name, text) ORDER_##name,
    ORDER_STATE_LIST(X)
#undef X
    ORDER_STATE_COUNT
};
const char *order_state_text(unsigned state);
bool order_state_final(unsigned state); /* FILLED, CANCELED, EXPIRED, REJECTED, LOST, DENIED */

enum order_pend { PEND_NONE, PEND_CANCEL, PEND_REPLACE };
enum order_role { ROLE_ENTRY, ROLE_STOP, ROLE_TAKE, ROLE_CLOSE };

#define ORDER_FILLS_MAX 12u /* kept for bust and correction; more are merged into the totals only */

struct order_fill {
    uint64_t exec_id;        /* 0: the venue gave none, or it is not sure to be this fill's */
    dec_t qty, price;        /* qty 0: busted; kept, so that a repeat of the trade is known */
};
/* A row of the store as it is: plain, versioned with the core. intent 0: a free slot. */
struct order {
    uint64_t intent;
    uint64_t position;       /* intent of the entry that opens or opened the position */
    uint64_t venue_order;
    uint64_t pending_intent; /* of the cancel or replace on its way; 0: none */
    uint32_t role, state, pend, instrument;
    uint32_t side, type;
    uint16_t tries;          /* questions in a row that brought no report; order_retry_ns waits by it */
    uint8_t not_found_count, silent_count; /* such answers in a row */
    uint32_t reason;         /* enum broker_reason of the last refusal */
    dec_t qty, cum_qty, avg_price;
    dec_t price, pending_price;
    int64_t created_ns, sent_ns, last_report_ns; /* sent_ns: of the last request, for its acknowledgement's deadline */
    uint32_t fill_count, anomalies;
    struct order_fill fills[ORDER_FILLS_MAX];
};

/* What a step means for the account. */
struct order_outcome {
    dec_t filled_qty;        /* increase of cum_qty by this event; negative: a bust or a correction down */
    bool state_changed;
    bool became_final;
    bool query;              /* the venue must be asked how the order stands */
    bool send;               /* it has not been sent yet: now is the time (CREATED, acknowledgement overdue) */
    bool anomaly;            /* journalled and alarmed */
    bool overfilled;         /* cum_qty > qty */
    bool replaced;           /* new terms are in force: qty, price */
    bool cancel_refused;     /* the cancel or replace on its way was refused: the old terms stay */
};

/* What comes from the venue. The report names this order by intent (asserted). *out is cleared first. */
void order_on_report(struct order *order, const struct broker_report *report, struct order_outcome *out);

enum order_event {
    ORDER_EVENT_SENT,          /* handed over; also again, to an idempotent venue (CREATED, PENDING_NEW, UNKNOWN) */
    ORDER_EVENT_CANCEL_SENT,   /* pending_intent is set by the caller before; the order is sent and not final */
    ORDER_EVENT_REPLACE_SENT,  /* pending_intent and pending_price likewise; the order is WORKING or PARTIAL */
    ORDER_EVENT_ACK_TIMEOUT,   /* no answer to what was sent last, be it a question */
    ORDER_EVENT_DISCONNECT,    /* also a crash of ours, and a gap fill */
    ORDER_EVENT_NOT_FOUND,     /* the venue, asked, does not know it, and the position is unchanged (the caller looked);
                                  the second time in a row it is LOST */
    ORDER_EVENT_SILENT,        /* the venue, asked, did not answer; the third time in a row it is DISPUTED */
};
#define ORDER_TRIES_MAX 5u      /* questions in a row without a report; then DISPUTED */
#define ORDER_NOT_FOUND_MAX 2u
#define ORDER_SILENT_MAX 3u
/* How long to wait for the answer to the question that out->query asked for: 1, 2, 4, 8, 15 s by tries. */
int64_t order_retry_ns(const struct order *order);
/* The caller keeps what is asserted above; anything else is taken in every state. *out is cleared first. */
void order_on_event(struct order *order, enum order_event event, int64_t now_ns, struct order_outcome *out);

/* Worst cases (orders.md 2), lots >= 0. Worst: what may still fill, for exposure (UNKNOWN and DISPUTED count whole).
 * Sure: what is known to work at the venue and is not being cancelled, for closing capacity. */
dec_t order_open_qty_worst(const struct order *order);
dec_t order_open_qty_sure(const struct order *order);

#endif
