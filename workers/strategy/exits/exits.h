/* exits: how one open position is left: stop, ladder of targets, trail, time, the market's condition. Pure.
 *
 * Caveats first. A plan is about one position and never changes; its state is plain, versioned, of fixed size, without
 * padding. Decisions are repeated until exits_on_fill says that they happened: the caller holds back what is on its way.
 * A stop that a bar moves acts from the next bar on, and is never moved away from the price. Nothing here opens anything,
 * and an opposite position is never the answer.
 *
 * Source: quant.md section 6. With E the entry, S0 the first stop, R = |E - S0|, s the side (+1 buy, -1 sell):
 *   target      T = E + s * target_r * R unless the entry brings its own; a strong pattern's default target is
 *               strength_multiplier times as far
 *   ladder      rung i closes its share at E + s * r_i * R, the rest at T. Lots are floored to the step, the remainder
 *               goes to the last; a tranche below the smallest lot is merged into the next one; rungs at T or beyond belong
 *               to the rest. "2.5:1" is the last tranche alone: planned_r is what all tranches earn together
 *   trail       armed by a best price at trail_arm of the way from E to T; then, at each close,
 *               stop = max(stop, best - trail_atr * ATR, E if break_even), at most the close (shorts mirrored)
 *   time        time_limit_ns of market-open time (a weekend does not count) or wall time since the fill; asked for at each
 *               bar's open and by a timer: exits_due
 *   condition   each rule acts when it has held at `closes` closes in a row (undefined: it does not hold): close, or tighten
 *               the stop to tighten_atr * ATR from the close, again at each close while it holds
 *
 * Units: prices and ATR in one unit of the caller's (dec_t or whole points), lots in one unit of the caller's (dec_t or
 * whole steps); all > 0 and at most EXITS_PRICE_MAX. Times in ns. Prices are those at which the position is CLOSED: bid
 * for a buy, ask for a sell; the caller puts the spread on a bar of bids.
 *
 *   exits_plan_make -> exits_init -> at each record: exits_due; at each closed bar: exits_on_bar; at each fill: exits_on_fill
 * A simulation on bars alone is ohlc.h, on the same functions.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_EXITS_EXITS_H
#define PROPFLEET_WORKERS_STRATEGY_EXITS_EXITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hours.h"

#define EXITS_VERSION 1u
#define EXITS_RUNGS_MAX 6u
#define EXITS_LEGS_MAX (EXITS_RUNGS_MAX + 1u)
#define EXITS_PRICE_MAX INT64_C(10000000000000000) /* csv.h's largest price as dec_t */
#define EXITS_LOTS_MAX INT64_C(100000000000000)

/* Why something was closed. _GAP: at the open, beyond the order's own price. Journals: append only. */
#define EXITS_REASON_LIST(X) \
    X(NONE, "none") X(STOP, "stop") X(STOP_GAP, "stop_gap") X(TRAIL, "trail") X(TRAIL_GAP, "trail_gap") X(SCALE, "scale") \
    X(TARGET, "target") X(TARGET_GAP, "target_gap") X(TIME, "time") X(VOLATILITY, "volatility") X(SPREAD, "spread") \
    X(STRUCTURE, "structure") X(SESSION, "session") X(NEWS, "news") X(CORRELATION, "correlation") X(END, "end")
enum exits_reason {
#define X(name, text) EXITS_##name,
    EXITS_REASON_LIST(X)
#undef X
    EXITS_REASON_COUNT
};
const char *exits_reason_name(unsigned reason); /* "stop_gap"; "?" beyond the list */
/* Our own wish (time, ladder, condition): a firm's holding time may forbid it for now. Stops and targets rest at the venue. */
bool exits_reason_is_voluntary(unsigned reason);

/* --- parameters ------------------------------------------------------------------------------------------------------ */

enum exits_clock { EXITS_CLOCK_OPEN /* while the market is open */, EXITS_CLOCK_WALL };
enum exits_action { EXITS_OFF, EXITS_CLOSE, EXITS_TIGHTEN };
enum exits_condition {
    EXITS_ON_VOLATILITY, /* ATR / its median over the last 100 bars > limit */
    EXITS_ON_SPREAD,     /* spread / its median over 20 days at that hour > limit */
    EXITS_ON_STRUCTURE,  /* the opposite structure stands (SOS, SPRING against a sell; SOW, UTAD against a buy) */
    EXITS_ON_SESSION,    /* the session is about to end */
    EXITS_ON_NEWS,       /* news blackout */
    EXITS_CONDITION_COUNT
};
struct exits_rule {
    uint32_t action;     /* enum exits_action */
    uint32_t closes;     /* in a row, >= 1 */
    double limit;        /* VOLATILITY, SPREAD: > 0; else unused */
};
struct exits_rung {
    double r;            /* > 0, ascending */
    uint32_t numerator, denominator; /* share of the lots that were bought; exact: 1/3 is no double */
};
struct exits_parameters {
    double target_r;            /* > 0 */
    double min_reward_risk;     /* smallest |T - E| / R of an entry; 0: any */
    double strength_multiplier; /* >= 1, on the default target of a pattern of strength >= strength_from; 1: off */
    double strength_from;       /* 0..1 */
    double trail_arm;           /* 0..1 of the way to T; > 1 as good as never */
    double trail_atr;           /* > 0 */
    double tighten_atr;         /* > 0 */
    int64_t time_limit_ns;      /* 0: none */
    uint32_t time_clock;        /* enum exits_clock */
    uint32_t time_spares_trail; /* an armed trail is let run */
    uint32_t trail;             /* there is a trail */
    uint32_t break_even;        /* the armed trail is never below the entry */
    uint32_t volume_confirmation; /* only what volume confirms counts: a strong pattern, an opposite structure */
    uint32_t rung_count;
    struct exits_rung rungs[EXITS_RUNGS_MAX];
    struct exits_rule rules[EXITS_CONDITION_COUNT]; /* by enum exits_condition */
};
/* quant.md's: 2.5R; at least 2; x1.2 from strength 0.7 where volume confirms; trail from half the way, 2 ATR, break-even; 1/3
 * at 1R, 1/3 at 1.75R; 24 h of open market; every condition closes after two closes, limits 2.5 and 3. */
void exits_parameters_default(struct exits_parameters *out);
/* NULL, or what is wrong, in words. Whatever the parameters are. */
const char *exits_parameters_wrong(const struct exits_parameters *parameters);

/* --- the plan ---------------------------------------------------------------------------------------------------------- */

struct exits_entry {
    uint32_t side;              /* enum broker_side: 1 buy, 2 sell */
    int64_t price, stop;        /* stop beyond the price, on its losing side */
    int64_t target;             /* the signal's own; 0: target_r */
    int64_t tick;
    int64_t lots, lot_step, lot_min;
    double strength;            /* of the signal */
    bool volume_confirmed;
};
struct exits_leg { int64_t price, lots; };
struct exits_plan {
    uint32_t version, side;
    int64_t entry, stop, target, tick, risk /* R */;
    int64_t arm;                /* distance from the entry, in favour */
    int64_t lots;
    uint32_t leg_count, strong; /* strong: the multiplier was applied */
    struct exits_leg legs[EXITS_LEGS_MAX]; /* nearest first; the last one's price is the target */
    double reward_risk;         /* |T - E| / R */
    double planned_r;           /* all legs filled at their prices, in R of the whole position */
    struct exits_parameters parameters;
};
enum exits_refusal {
    EXITS_GRANTED,
    EXITS_REFUSED_INVALID,      /* no plan can be made of it (R <= 0, a target on the wrong side, out of range): *out is zero */
    EXITS_REFUSED_REWARD,       /* reward_risk < min_reward_risk: no entry. *out is whole: what slipped at its fill keeps it */
};
/* The parameters are right (asserted). Distances to the nearest tick, ties away from the entry. */
enum exits_refusal exits_plan_make(const struct exits_parameters *parameters, const struct exits_entry *entry,
                                   struct exits_plan *out);

/* --- the state ------------------------------------------------------------------------------------------------------- */

struct exits_state {
    uint32_t version;
    uint32_t armed;             /* the trail */
    uint32_t tightened;         /* a condition moved the stop */
    uint32_t closing;           /* enum exits_reason: decided, until it is flat; NONE */
    uint32_t leg;               /* next one */
    uint32_t bars;              /* seen */
    uint32_t held[EXITS_CONDITION_COUNT]; /* closes in a row */
    uint32_t reserved;
    int64_t stop;               /* in force from now on */
    int64_t best;               /* highest price since the entry (sell: lowest) */
    int64_t lots;               /* open */
    int64_t leg_lots;           /* of the next leg, open */
};

enum exits_opposite { EXITS_OPPOSITE_NONE, EXITS_OPPOSITE_SEEN, EXITS_OPPOSITE_CONFIRMED /* by volume */ };
struct exits_bar {
    int64_t open, high, low, close;
    int64_t elapsed_ns;         /* at its open, exits_elapsed_ns; used by ohlc.h alone */
    double atr, atr_median;     /* NaN: undefined (so below) */
    double spread, spread_median;
    uint32_t opposite;          /* enum exits_opposite, on this or the next higher timeframe */
    bool session_ends, news;
};
/* At most one close (of all), or legs to be closed at the market; a stop may come with either, for what is left or if a
 * firm's rule holds the close back. */
struct exits_decision {
    uint32_t close;             /* enum exits_reason; NONE */
    uint32_t legs;              /* reached and not filled; 0 with a close */
    int64_t lots;               /* of those legs: to be closed at the market unless their limits rest at the venue */
    int64_t stop;               /* moved, for the orders at the venue; 0: as it was */
    bool stop_at_close;         /* it stands at the close, where a venue may take none: close instead */
};

void exits_init(struct exits_state *state, const struct exits_plan *plan);
/* The close of a bar that lies wholly after the fill. A bar that cannot be one (price <= 0 or out of range, open or close
 * outside low..high) decides nothing. What the bar went through and has not been filled is a decision: STOP or TRAIL, TARGET,
 * legs. */
void exits_on_bar(struct exits_state *state, const struct exits_plan *plan, const struct exits_bar *bar,
                  struct exits_decision *out);
/* Why all of it is to be closed now: decided before, or TIME; NONE. */
enum exits_reason exits_due(const struct exits_state *state, const struct exits_plan *plan, int64_t elapsed_ns);
/* From outside: correlation, a person. The first reason stays. Not NONE (asserted). */
void exits_ask(struct exits_state *state, enum exits_reason reason);
/* So many lots were closed, whatever for: legs are used up in their order. False: more than was open (it is flat now). */
bool exits_on_fill(struct exits_state *state, const struct exits_plan *plan, int64_t lots);
/* What a stop is called that fills now. */
enum exits_reason exits_stop_reason(const struct exits_state *state, bool gap);
/* Whether bytes (of a store) are a plan and a state of it that the functions can go on from. */
bool exits_restorable(const struct exits_plan *plan, const struct exits_state *state);
bool exits_bar_is_sane(const struct exits_bar *bar);

/* (price - entry) * side: > 0 in favour. */
static inline int64_t exits_gain(const struct exits_plan *plan, int64_t price)
{
    return plan->side == 1 ? price - plan->entry : plan->entry - price;
}

/* --- the clock -------------------------------------------------------------------------------------------------------- */

/* Time since the fill as the parameters count it. `hours` NULL: never closed. now before opened: 0. */
int64_t exits_elapsed_ns(const struct exits_parameters *parameters, const struct hours *hours,
                         const struct hours_closures *closures, int64_t opened_ns, int64_t now_ns);

#endif
