/* rules: what a firm's rules allow, over one account's state. Pure: no clock, file, socket or allocation.
 *
 * The model is docs/rules.md: twelve primitives (config/rules.h holds them compiled), the conditions R1 to R5 before
 * an order, the guard after every record. Money is in account currency, exact; floors round up to the cent,
 * room and sizes down, what is charged against the trader up. What does not fit in a dec_t counts as the
 * strictest: a floor above any equity, a loss as large as can be.
 *
 *   state.c    marks, anchors, latches, counters: struct rules_state, a row of the store
 *   floor.c    P1: level of a floor, today's and the next day's; breach
 *   book.c     give-up, excursion, risk of a position or order
 *   gate.c     before anything that may add risk: P12 P11 P10 P9 P4 P6 P8 P3 P2 P1, and the largest size
 *   guard.c    after every record: NORMAL, NO_NEW_RISK, FLATTEN, BLIND
 *   limits.c   P2, P3      time.c  P4, P5, P6      shape.c  P7      conduct.c  P8, P9, P11, P12
 *   cross.c    P10, over the accounts of one owner: the coordinator's
 *
 * The gate says yes or no and why; it changes nothing. What was admitted is a leg of the book from then on
 * (a reservation), until the broker's answer is known.
 */
#ifndef PROPFLEET_WORKERS_RISK_RULES_RULES_H
#define PROPFLEET_WORKERS_RISK_RULES_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tz.h"
#include "config/rules.h"

#define RULES_STATE_VERSION 1u
#define RULES_UNBOUNDED DEC_MAX   /* an excursion without a target, a room without a floor */

/* --- state ------------------------------------------------------------------------------------------ */

enum rules_latch { RULES_LATCH_NONE, RULES_LATCH_PAUSE, RULES_LATCH_TERMINATE };
/* Also the operator's word for what the guard does; LOCKED: flat, waits for the boundary or for a person. */
enum rules_guard_state { RULES_GUARD_NORMAL, RULES_GUARD_NO_NEW_RISK, RULES_GUARD_FLATTEN, RULES_GUARD_BLIND, RULES_GUARD_LOCKED };
const char *rules_guard_name(unsigned state); /* "NO_NEW_RISK" */

struct rules_day_marks {         /* of one candidate of the trading day */
    int64_t start_ns, end_ns;    /* [start, end); 0: not begun */
    dec_t balance, equity;       /* snapshot at its start: B(beta), E(beta) */
    dec_t peak_equity;           /* H_day */
    dec_t run_balance, run_max;  /* H_eod, H_eodm: highest snapshot, never below I */
};
struct rules_latched {           /* of one floor */
    uint32_t latch, reserved;
    int64_t since_ns, until_ns;  /* PAUSE: the latest end of the candidates' days */
};
struct rules_idea {              /* of one instrument and side: index = instrument * 2 + (sell) */
    dec_t loss;                  /* realised losses that a re-entry carries, >= 0 */
    int64_t closed_ns;           /* when the last losing leg was closed; 0: none */
    dec_t lots;                  /* open: while there are any, the idea goes on whatever the clock says */
};
/* Sixty buckets of a 59th of the window: they cover it and one bucket more, so that never fewer are counted than
 * there were. The last that anything was written to is the newest; used: those whose end is > now - window. */
#define RULES_RATE_BUCKETS 60u
struct rules_rate_count {
    int64_t first_ns;            /* start of bucket 0; 0: nothing yet. Day: begun anew at its boundary (candidate 0) */
    uint32_t counts[RULES_RATE_BUCKETS]; /* by buckets; a day uses the first alone */
};
static inline int64_t rules_rate_width_ns(const struct rules_rate *rule)
{
    return ((int64_t)rule->window_s * INT64_C(1000000000) + RULES_RATE_BUCKETS - 2) / (RULES_RATE_BUCKETS - 1);
}
struct rules_profit {            /* P7, P5: over the phase; days of candidate 0 */
    dec_t net, positive, best;   /* finished days: sum, sum of the positive ones, the best */
    dec_t today;                 /* closed profit of the day going on */
    uint32_t days_opened, days_traded, days_profit; /* finished days and today */
    uint32_t today_flags, reserved[2]; /* 1 opened, 2 traded, 4 profit: already counted */
    uint64_t trades, short_trades[RULES_HOLDS_MAX]; /* closed; with duration below tau of hold i */
    dec_t trade_profit, long_profit[RULES_HOLDS_MAX]; /* of winning trades; of those longer than tau of hold i */
    int64_t duration_sum_s;
};
struct rules_state {
    uint32_t version, bytes;
    dec_t initial;               /* I, of the phase */
    dec_t balance, equity;       /* of the last mark */
    int64_t time_ns;
    dec_t high_balance, high_equity; /* H_closed, H_eq: never below I */
    struct rules_day_marks days[RULES_DAYS_MAX];
    dec_t raised[RULES_FLOORS_MAX];      /* a payout's effect: the level is at least this; DEC_NONE: none */
    dec_t firm_floor[RULES_FLOORS_MAX];  /* what the firm's dashboard shows; DEC_NONE: not told */
    struct rules_latched latches[RULES_FLOORS_MAX];
    uint32_t guard, guard_floor; /* enum rules_guard_state; the floor that it is about, floor_count: none */
    int64_t guard_since_ns, guard_until_ns; /* LOCKED: 0 until a person unlocks */
    struct rules_idea ideas[RULES_INSTRUMENTS_MAX * 2];
    dec_t last_loss_size[RULES_INSTRUMENTS_MAX]; /* lots of the last losing trade; 0: the last one won */
    dec_t lots_today, lots_carried;      /* opened in the day going on (candidate 0); open at its start */
    dec_t lots_open;                     /* opened and not closed */
    struct rules_rate_count rates[RULES_RATES_MAX];
    struct rules_profit profit;
    int64_t last_order_ns;
    uint32_t payout_pending, reserved;
};

/* initial >= 0 (an account may start at 0: a floor of -2000). The first mark begins the first day. */
void rules_init(struct rules_state *state, const struct rules_set *set, dec_t initial);
/* 0, or -EPROTO: a row of another version or size. */
int rules_state_check(const struct rules_state *state, const struct rules_set *set);

struct rules_marked {
    bool durable;                /* boundary or latch: must be durable before anything else is done */
    bool new_day;                /* candidate 0 began a new day; not by the first mark */
    uint32_t breached;           /* bit i: floor i was crossed by this mark (an edge) */
};
/* At each market instant and each change of balance. equity: what counts for losses (the lower of ours and the
 * broker's); equity_high >= equity: the best seen since the last mark, for anchors that follow a peak.
 * Boundaries between the last mark and now are crossed first, with the last mark's balance and equity.
 * zones: fleet_config.zones. A time before the last mark's counts as the last mark's. */
void rules_mark(struct rules_state *state, const struct rules_set *set, const struct tz_table *zones, int64_t now_ns,
                dec_t balance, dec_t equity, dec_t equity_high, struct rules_marked *out);
/* Start of candidate `day`'s trading day at or before now, and its end. */
void rules_day_bounds(const struct rules_set *set, const struct tz_table *zones, uint32_t day, int64_t now_ns, int64_t *start_ns,
                      int64_t *end_ns);
/* The day ends now, whatever the clock says: the transition that rules_mark makes at a boundary. */
void rules_cross_boundary(struct rules_state *state, const struct rules_set *set, uint32_t day, int64_t start_ns, int64_t end_ns);
/* Booked, not profit: balance and equity after it. Marks are not lowered unless a floor says so (rules_floor.payout). */
void rules_payout(struct rules_state *state, const struct rules_set *set, int64_t now_ns, dec_t balance, dec_t equity);
void rules_deposit(struct rules_state *state, const struct rules_set *set, int64_t now_ns, dec_t balance, dec_t equity);

/* What the account did, for P2, P3, P5, P6, P7, P9, P12. Opened or added: lots, in market time. */
void rules_on_opened(struct rules_state *state, const struct rules_set *set, uint32_t instrument, uint32_t side, dec_t lots,
                     int64_t now_ns);
/* Money that the venue has booked and of which no report told: balance and equity after it. When and by what is not known, so it
 * counts to the account's disadvantage: marks take the higher of before and after (a boundary that was crossed meanwhile too), and
 * the difference is profit or loss of today. */
void rules_corrected(struct rules_state *state, const struct rules_set *set, dec_t difference, dec_t balance, dec_t equity);
/* A position is closed: profit net of its costs, lots, times. side: 1 buy, 2 sell (of the position). */
void rules_on_closed(struct rules_state *state, const struct rules_set *set, uint32_t instrument, uint32_t side, dec_t lots,
                     dec_t profit, int64_t opened_ns, int64_t now_ns);
/* One of it. ORDERS and CHANGES count as MESSAGES too; a cancel is a message alone. Each fill is one EXECUTIONS. */
void rules_on_message(struct rules_state *state, const struct rules_set *set, enum rules_message kind, int64_t now_ns);

/* --- P1 (floor.c) -------------------------------------------------------------------------------------- */

dec_t rules_anchor(const struct rules_state *state, const struct rules_floor *floor, uint32_t day);
/* A of the floor; tiers by the profit at the last boundary of `day`. */
dec_t rules_allowance(const struct rules_state *state, const struct rules_floor *floor, uint32_t day);
/* f now: over the candidates of the day the highest, after cap, lock and payout effect, and not below what the firm's
 * dashboard shows. Whole cents. */
dec_t rules_floor_level(const struct rules_state *state, const struct rules_set *set, uint32_t floor);
/* f if the day ended now with this balance and equity (for marks that follow: highest of both, `excursion` above
 * equity first): what the look-ahead and a book over the boundary have to respect. Never below today's for anchors that run. */
dec_t rules_floor_next(const struct rules_state *state, const struct rules_set *set, uint32_t floor, dec_t balance, dec_t equity,
                       dec_t excursion);
bool rules_floor_breached(const struct rules_floor *floor, dec_t level, dec_t balance, dec_t equity);
/* Ours against the firm's: the higher rules; true: they differ by more than tolerance. */
bool rules_reconcile_floor(dec_t ours, dec_t firms, dec_t tolerance, dec_t *effective);

/* --- the book (book.c) ----------------------------------------------------------------------------------- */

/* One position or order as the market stands. Distances in price units >= 0, quantities in lots. */
struct rules_terms {
    dec_t filled, covered, leaves;   /* open; of that covered by a confirmed working stop; still to be filled */
    dec_t value;                     /* money in profit currency for one price unit of one lot */
    dec_t rate, haircut;             /* profit -> account currency; adverse share, 0 when the same */
    dec_t stop_distance;             /* from the mark (filled) or the entry (leaves) to the stop; below 0 never */
    dec_t no_stop_distance;          /* what an uncovered lot is charged: the catastrophic distance */
    dec_t gap_distance;              /* 0, or charged instead of the stop's where larger: held over a close */
    dec_t target_distance;           /* RULES_UNBOUNDED: no target */
    dec_t slip_entry, slip_exit;     /* price units */
    dec_t cost;                      /* commissions still to be paid, money */
    dec_t floating;                  /* F of the filled part, less accrued swap and commission not yet booked */
};
enum rules_leg_kind { RULES_LEG_POSITION, RULES_LEG_ORDER };
struct rules_leg {
    uint32_t kind;
    uint32_t instrument, side;       /* 1 buy, 2 sell */
    uint32_t oco;                    /* legs of one number > 0: only the largest give-up counts */
    dec_t lots;                      /* filled + leaves */
    dec_t floating, give_up, excursion, risk; /* F, Delta, U, R = max(0, Delta - F) */
    dec_t margin;                    /* money */
    int64_t opened_ns;               /* 0: not yet */
};
/* Fills give_up, excursion, risk, floating, lots. Up to the cent. */
void rules_price(const struct rules_terms *terms, struct rules_leg *leg);

struct rules_book {
    const struct rules_leg *legs;
    uint32_t count;
    dec_t balance, equity;
};
struct rules_sums {                  /* of a book: OCO sets with their worst leg */
    dec_t give_up, excursion, risk, locked; /* locked: sum of max(0, F + U), for R5 */
};
void rules_sum(const struct rules_book *book, struct rules_sums *out);

/* --- calendar (of the compiled configuration: sessions.h fills it; struct rules_event is in config/rules.h) ----- */

struct rules_calendar {
    const struct rules_event *events; /* by time */
    uint32_t count;
    int64_t valid_from_ns, valid_to_ns; /* outside: no calendar */
    bool derived;                    /* made by rule, not published by anybody */
};

/* --- the gate (gate.c) ------------------------------------------------------------------------------------- */

/* What is not the account's own: changes with the clock, the venue, the fleet. */
struct rules_context {
    int64_t now_ns;
    const struct tz_table *zones;
    const struct rules_calendar *calendar; /* NULL: none */
    int64_t close_ns, closed_for_s;  /* next market close of the instrument and how long it lasts; 0: it never closes */
    uint32_t mode, host;             /* enum rules_mode, rules_host */
    bool live;                       /* age of the rule file acts; a replay only records it */
    int32_t today;                   /* days since 1970-01-01, wall clock; live only */
    uint32_t positions, working;     /* for the message reserve */
    bool payout_pending;             /* for P4; the gate adds the state's */
    dec_t b_flat;                    /* the guard's, now (rules_flat_buffer); 0: its fixed part alone */
    dec_t expected_move;             /* price units that the market may move until the next window has passed */
};
enum rules_purpose { RULES_ENTRY, RULES_ADD, RULES_WIDEN, RULES_CLOSE_VOLUNTARY, RULES_CLOSE_PROTECTIVE };
struct rules_request {
    uint32_t purpose, instrument, side;
    dec_t lots, lot_step, lot_min;
    /* Of one lot: filled 0, covered 0, leaves 1, cost of one lot; gap_distance counts when may_cross_close, the stop's when
     * has_stop (else no_stop_distance). WIDEN: filled and covered 1, leaves 0, floating of one lot; its leg is not in the book. */
    struct rules_terms unit;
    dec_t margin_per_lot;
    bool has_stop;
    int64_t latest_fill_ns;          /* of a resting order; market orders: now */
    bool may_cross_boundary;         /* the book may be held over the firm's day */
    bool may_cross_close;            /* over a market close */
    int64_t opened_ns;               /* closes: of the position */
    uint32_t oco;                    /* > 0: the set of the book that it joins */
};

/* One inequality, as it stood: left OP right. `condition` tells apart what one primitive asks:
 *   P1   1..5 R1 to R5; 0 latched (left: the latch), or, for what reduces risk: a floor that terminates is within b
 *   P12  1 age of the rule file in days, 2 a payout is pending, 3 the guard's state
 *   P9   1 opposite exposure, 2 positions on a losing side, 3 no larger size after a loss
 *   P8   1 a stop, 2 stop to target      P4  1 the window itself, 2 no way out before a window that forbids holding
 * Times are in seconds, counts whole numbers. RULES_OP_NONE: left and right only tell what was looked at. */
enum rules_op { RULES_OP_GE, RULES_OP_GT, RULES_OP_LE, RULES_OP_LT, RULES_OP_EQ, RULES_OP_NONE };
struct rules_verdict {
    uint16_t primitive;              /* enum rules_primitive */
    uint16_t condition;
    uint16_t rule;                   /* index in the set's array of the primitive */
    uint8_t op, admitted;
    dec_t left, right;
    dec_t q_max;                     /* lots that this inequality admits, a multiple of lot_step; DEC_MAX: any */
};
#define RULES_VERDICTS_MAX 72u /* every rule there may be, each in all that it asks */
struct rules_answer {
    bool admitted;
    dec_t q_max;                     /* the smallest of all: the largest size that would be admitted; 0: none */
    uint32_t refused;                /* index of the first refusal; count: none */
    uint32_t count;
    struct rules_verdict verdicts[RULES_VERDICTS_MAX];
};
/* Every inequality in the order P12 P11 P10 P9 P4 P6 P8 P3 P2 P1. All are evaluated (q_max needs them); `refused` is the first
 * that says no. P10 is the coordinator's: here only whether its claim is there (no verdict of it). Purposes that reduce
 * risk meet P4, P5 and P6 alone, and pass when a termination-class floor is nearer than b_flat.
 *
 * The buffer b of R1 to R5: the larger of the guard's fixed part and context->b_flat, a cent more where the floor breaches
 * at equality; R2, R4 and R5 keep a cent at least, for the floor that they look ahead to is rounded up to one. A give-up
 * with q lots is linear in q (ceil to the cent of q times the lot's), so that q_max is a quotient of the sums of the
 * others; it is then tried at q and q + step and moved until the one holds and the other does not. Where a floor's
 * allowance depends on profit, R1 to R4 take the smallest that is reachable from today's floor upwards (R1 over a boundary
 * only). A floor on the balance: the lowest balance is that of the losers closed alone. Message reserve: half the limit at
 * most, so that a small limit admits something; executions: one for each position; working orders: none. */
void rules_gate(const struct rules_set *set, const struct rules_state *state, const struct rules_book *book,
                const struct rules_context *context, const struct rules_request *request, struct rules_answer *out);
const struct rules_head *rules_head_of(const struct rules_set *set, const struct rules_verdict *verdict);
const char *rules_primitive_name(unsigned primitive); /* "P1 LOSS_FLOOR" */
const char *rules_op_text(unsigned op);               /* ">=" */

/* --- the guard (guard.c) -------------------------------------------------------------------------------------- */

struct rules_guard_leg {             /* of an open position, for the cost of leaving now */
    dec_t lots, tick_value;          /* money for one tick of one lot */
    dec_t slip_ticks, velocity_ticks_s, latency_s, commission;
};
/* The fixed part of b_flat: guard.fixed_abs + guard.fixed_fraction * I, up to the cent. */
dec_t rules_fixed_buffer(const struct rules_set *set, const struct rules_state *state);
/* b_flat: sum of lots * tick_value * (slip + velocity * latency) + commission, and `fixed`. Up to the cent. */
dec_t rules_flat_buffer(const struct rules_guard_leg *legs, uint32_t count, dec_t fixed);
/* M = equity - floor: FLATTEN when M <= b_flat, NO_NEW_RISK when M <= b_warn. */
enum rules_guard_state rules_guard_margin(dec_t equity, dec_t floor, dec_t b_flat, dec_t b_warn);
/* By the age of the last confirmed equity, in ns. */
enum rules_guard_state rules_guard_age(int64_t age_ns, int64_t block_ns, int64_t blind_ns);

struct rules_guarded {
    enum rules_guard_state state;
    uint32_t floor;                  /* the nearest; floor_count: there is none */
    dec_t level, margin;             /* of that floor, with look-ahead: today's or the next day's */
    dec_t b_flat, b_warn;
    bool lookahead;                  /* the next day's floor was the higher one */
    bool changed;                    /* state->guard changed: must be durable before anything else is done */
};
/* After every market record (and each 250 ms live), after rules_mark. open_loss groups (P2) and hold windows (P4) that come due
 * flatten too: `due` says so by the caller. Sets state->guard, its floor and its times: FLATTEN stays until the caller says
 * rules_locked (flat is confirmed), LOCKED until the boundary of every candidate (daily floors) or until rules_unlock. */
void rules_guard(struct rules_state *state, const struct rules_set *set, int64_t now_ns, dec_t balance, dec_t equity,
                 dec_t b_flat, int64_t age_ns, struct rules_guarded *out);
void rules_locked(struct rules_state *state, const struct rules_set *set, int64_t now_ns);
void rules_unlock(struct rules_state *state, int64_t now_ns);
/* Order in which open positions are closed: the fastest loser first (loss per second since opened). Indices into legs. */
uint32_t rules_flatten_order(const struct rules_book *book, int64_t now_ns, uint32_t *order, uint32_t max);

/* --- single primitives: what the gate and the guard are made of ------------------------------------------------ */

/* P2 (limits.c). Limits are whole cents, down; 0 when they cannot be reckoned. A loss is >= 0, a gain below. */
dec_t rules_loss_limit(const struct rules_set *set, const struct rules_state *state, const struct rules_loss *rule);
bool rules_loss_breached(const struct rules_loss *rule, dec_t limit, dec_t loss);
/* The most that may be lost beside `loss` without a breach: a cent less for GE. Not below 0. */
dec_t rules_loss_room(const struct rules_loss *rule, dec_t limit, dec_t loss);
/* Loss that a new leg of this instrument and side would inherit at `now` by re-entering (inclusive); 0 for groups that are no IDEA. */
dec_t rules_idea_carried(const struct rules_state *state, const struct rules_loss *rule, uint32_t instrument, uint32_t side,
                         int64_t now_ns);
/* What the group of this instrument and side has lost now: -sum of F, and what its idea has realised. */
dec_t rules_loss_now(const struct rules_state *state, const struct rules_loss *rule, const struct rules_book *book,
                     uint32_t instrument, uint32_t side, int64_t now_ns);
/* P3. Counts of positions are whole DEC_ONE. A weight of 0 is taken as 1. */
dec_t rules_tier_value(const struct rules_amount *amount, dec_t basis);
/* live_equity: for tiers on it, the equity at which the size must still be allowed: with every stop hit (W of R1). */
dec_t rules_exposure_limit(const struct rules_state *state, const struct rules_exposure *rule, dec_t live_equity);
/* What is counted with `lots` more of `instrument` on `side`. Working orders count as filled, of an OCO set the largest. */
dec_t rules_exposure_total(const struct rules_state *state, const struct rules_exposure *rule, const struct rules_book *book,
                           uint32_t instrument, uint32_t side, dec_t lots, dec_t margin_per_lot);
/* P4 (time.c) */
struct rules_span {
    int64_t from_ns, to_ns;          /* [from, to]: NEWS and MARKET_CLOSE inclusive; DAILY_SPAN [from, to) */
};
/* Whether t lies in a window that forbids one of `actions` for the instrument; *span: that window, NEWS windows that touch
 * as one. A NEWS window whose events are not all known (no calendar, or one that is not valid from t - after to t + before)
 * is closed for OPEN and INCREASE, [t, INT64_MAX]. MARKET_CLOSE: OPEN from before_s before it, HOLD alone from the close, both
 * until it is over. DAILY_SPAN: from the first to the last instant with those wall times; from = to: always. */
bool rules_window_forbids(const struct rules_window *rule, const struct rules_context *context, uint32_t instrument,
                          uint32_t actions, int64_t t_ns, struct rules_span *span);
/* The next window that begins after now and forbids one of `actions`; false: none known. The end of the calendar is one for
 * OPEN and INCREASE. */
bool rules_window_next(const struct rules_window *rule, const struct rules_context *context, uint32_t instrument,
                       uint32_t actions, int64_t now_ns, struct rules_span *span);
/* When flattening begins before a window that forbids HOLD. */
int64_t rules_window_flatten_ns(const struct rules_window *rule, const struct rules_span *span);
/* A position so old that it may be closed inside a NEWS window all the same: only where that would void a profit. */
bool rules_window_exempts(const struct rules_window *rule, const struct rules_span *span, int64_t opened_ns);
/* Before a window that forbids fills: close when the stop or target is nearer than the expected move. */
bool rules_close_before_window(dec_t nearest_distance, dec_t expected_move);
/* FundingPips: does the profit of a trade count that was opened and closed so long before (-) or after an event? Not when it
 * was opened hold_if_opened_before_s before it or later and closed inside the window (all ends inclusive). */
bool rules_news_profit_counts(const struct rules_window *rule, int64_t opened_from_event_s, int64_t closed_from_event_s);
/* P5: may a position be closed voluntarily now (held_s so far)? Held long enough: always. *share: what the share, or the mean
 * in seconds, will be with it (of profit: what it is). Protective closes are not asked. */
bool rules_hold_allows(const struct rules_hold *rule, const struct rules_profit *profit, uint32_t index, int64_t held_s, dec_t *share);
/* Is the rule kept by what is closed so far? Nothing closed: it is. */
bool rules_hold_kept(const struct rules_hold *rule, const struct rules_profit *profit, uint32_t index, dec_t *share);
/* P6: 0 for WORKING_ORDERS, which the context counts. */
uint32_t rules_rate_used(const struct rules_state *state, const struct rules_rate *rule, uint32_t index, int64_t now_ns);
uint32_t rules_rate_reserve(uint32_t positions, uint32_t working); /* 2 * (positions + working) + 20 */
int64_t rules_rate_left(const struct rules_rate *rule, uint32_t used, uint32_t reserve); /* may be below 0 */
bool rules_rate_allows(const struct rules_rate *rule, uint32_t used, uint32_t cost, uint32_t reserve);
/* P7 (shape.c). Of finished days: for one with today, rules_profit_day on a copy first. */
struct rules_best_day {
    dec_t share;                     /* best / denominator, down; 0 without a best day, DEC_MAX without a denominator */
    dec_t extra;                     /* profit on other days that makes the share equal the limit (a strict one needs more) */
    bool kept;
};
void rules_best_day(const struct rules_shape *shape, const struct rules_profit *profit, struct rules_best_day *out);
/* The most profit today that keeps the share: x / (1 - x) * other days, down to the cent, less than that where the limit
 * is strict; and the daily cap. DEC_MAX: any. */
dec_t rules_profit_cap_today(const struct rules_shape *shape, dec_t other_days);
/* Today's profit from which on nothing more is opened today; DEC_MAX: none. The daily cap, and where there is a best day the
 * highest of: the cap above, over the finished days; their best (up to it today only mends the share); the limit's share of the
 * target, which cannot break the share of the profit that passes. Without a finished day with a profit and without a target
 * there is nothing to compare with: the daily cap alone. */
dec_t rules_day_closes_at(const struct rules_shape *shape, const struct rules_profit *profit, dec_t initial);
/* The balance that passes, DEC_MAX: the phase has no target. */
dec_t rules_target_balance(const struct rules_shape *shape, dec_t initial);
bool rules_target_reached(const struct rules_shape *shape, dec_t initial, dec_t balance, uint32_t open_positions);
/* Closed profit that makes a day count. */
dec_t rules_day_profit(const struct rules_shape *shape, dec_t initial);
/* *days: what counts, today included. */
bool rules_days_reached(const struct rules_shape *shape, const struct rules_profit *profit, uint32_t *days);
/* The day going on is over: its profit joins the sums. */
void rules_profit_day(const struct rules_set *set, const struct rules_state *state, struct rules_profit *profit);
/* P8, P9, P11, P12 (conduct.c) */
dec_t rules_stop_ratio(dec_t stop_distance, dec_t target_distance); /* up; 0: no target (RULES_UNBOUNDED) */
bool rules_stop_ratio_allows(const struct rules_stop *rule, dec_t stop_distance, dec_t target_distance);
bool rules_is_wider(dec_t old_distance, dec_t new_distance); /* a moved stop that is new risk; DEC_NONE: no stop */
uint32_t rules_direction_group(const struct rules_direction *rule, uint32_t instrument); /* mask: it and what moves with it */
enum rules_direction_verdict { RULES_ADMIT, RULES_REFUSE, RULES_REFUSE_EXCESS }; /* EXCESS: closing is fine, turning is not */
/* Working orders count as filled: those of the same side use up what could be closed, those of the other are opposite. */
enum rules_direction_verdict rules_direction_of(const struct rules_direction *rule, const struct rules_book *book,
                                                uint32_t instrument, uint32_t side, dec_t lots);
/* The most lots that it admits; DEC_MAX: any. */
dec_t rules_direction_max(const struct rules_direction *rule, const struct rules_book *book, uint32_t instrument, uint32_t side);
bool rules_add_allowed(const struct rules_direction *rule, uint32_t open_same_side, bool in_loss);
/* Not larger than the last losing trade of this instrument or one of its group. */
bool rules_size_after_loss(const struct rules_direction *rule, const struct rules_state *state, uint32_t instrument, dec_t lots);
/* The most lots that it admits; DEC_MAX: any. */
dec_t rules_size_after_loss_max(const struct rules_direction *rule, const struct rules_state *state, uint32_t instrument);
/* APPROVAL admits manual orders only: once the firm has approved, the file says which of the others it is. */
bool rules_conduct_allows(const struct rules_conduct *rule, uint32_t mode, uint32_t host);
bool rules_payout_allows(const struct rules_life *rule, bool payout_pending); /* openings */
enum rules_inactivity { RULES_ACTIVE, RULES_INACTIVE_WARN, RULES_INACTIVE };
/* Days without an order; without warn days from four fifths of the limit on. */
enum rules_inactivity rules_inactivity(const struct rules_life *rule, int32_t last_day, int32_t today);
/* Days since the file was verified; true: older than it may be (or from the future), reduce only. */
bool rules_file_expired(const struct rules_set *set, int32_t today, int32_t *age_days);

/* --- P10 (cross.c): the coordinator's view ------------------------------------------------------------------ */

struct rules_party {                 /* an account of the owner with an exposure, or the one that asks */
    uint32_t firm, account;          /* indices: equal firm, equal account */
    uint32_t stage;                  /* enum rules_stage */
    uint32_t instrument, side;
    uint32_t strategy;               /* equal: the same strategy and parameters */
    int64_t opened_ns;
    bool open;                       /* false: no exposure now, only the strategy counts */
    dec_t capital;                   /* initial balance */
};
/* May `asks` take its exposure beside `holds`? Both sides' rules speak, whatever the order of the two. Same account: yes (P9
 * has spoken). groups: instruments that move together, NULL: none do. */
bool rules_cross_allows(const struct rules_cross *asks_rule, const struct rules_direction *asks_groups, const struct rules_party *asks,
                        const struct rules_cross *holds_rule, const struct rules_party *holds);
/* Initial balances at the firm, with the one that is added; *total: their sum. */
bool rules_capital_allows(const struct rules_cross *rule, const dec_t *active, uint32_t count, dec_t added, dec_t *total);
/* identical: the accounts would trade alike; under_management: their capital. */
bool rules_identical_allows(const struct rules_cross *rule, dec_t under_management, bool identical);
bool rules_accounts_allow(const struct rules_cross *rule, uint32_t accounts); /* with the one that asks */
/* The rule of firm `firm`, of a strategy that runs (or is to run) there and at `firms`. Ask each of them. */
bool rules_strategy_allows(const struct rules_cross *rule, uint32_t firm, const uint32_t *firms, uint32_t count);

#endif
