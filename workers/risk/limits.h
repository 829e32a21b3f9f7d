/* limits: loss floors, their anchors and marks, and what follows from them. Pure.
 *
 * A floor is anchor - allowance (rules.md 2.2, primitive P1; the anchors of config.h). Equity at or below
 * floor + buffer: no new risk and flatten, before the firm's own line is reached. Equity that breaches
 * the line itself (lt or le as the rule says): a latch that no restart and no boundary forgives
 * (TERMINATE), or that holds until the next boundary (PAUSE).
 *
 * The state is a row of the store: it is durable before it takes effect. Restored from its bytes it goes on
 * exactly as if it had never been away.
 *
 * The numbers, all in account currency (I the initial balance):
 *   level  = anchor - allowance, at most I + cap_offset where there is a cap, up to the cent
 *   allowance = allowance_abs when > 0, else allowance_fraction of I (of the anchor where the floor says so)
 *   buffer = buffer_fraction * I, up to the cent
 *   INITIAL I · SNAP_BALANCE, SNAP_EQUITY, SNAP_MAX at the last boundary (before the first: I) · RUN_CLOSED highest
 *   balance · RUN_EOD_BALANCE, RUN_EOD_MAX highest at a boundary · RUN_EQUITY highest equity; none of them
 *   below I, none ever falls · DAY_PEAK highest equity since the boundary
 * What would not fit in a dec_t counts as the strictest: a level above any equity.
 *
 * Caveats. A boundary's snapshot is the last mark before it: what is booked with the very time of the boundary (swap)
 * belongs to the new day. equity_high is taken for both days when a boundary lies between: the stricter reading.
 * Deposits and payouts are no events here yet; they move the balance only.
 */
#ifndef PROPFLEET_WORKERS_RISK_LIMITS_H
#define PROPFLEET_WORKERS_RISK_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vocabulary.h"
#include "config/config.h"

/* Stored; for ever also when the programme's file changes. */
enum limits_latch { LATCH_NONE, LATCH_PAUSE, LATCH_TERMINATE };

struct limits_floor {
    dec_t anchor;            /* what the allowance is taken from now */
    dec_t mark;              /* highest snapshot at a boundary: RUN_EOD_BALANCE, RUN_EOD_MAX */
    uint32_t latched;        /* enum limits_latch: breached, for ever (TERMINATE) or until day_end_ns (PAUSE) */
    uint32_t refusal;        /* enum refusal: DAILY_LOSS or TOTAL_LOSS, while latched */
    int64_t latched_ns;      /* market time of the breach */
};
struct limits_state {
    dec_t initial_balance;
    dec_t high_water_equity, high_water_balance;
    dec_t day_start_balance, day_start_equity, day_peak_equity;
    dec_t last_balance, last_equity; /* of the last mark: what a boundary after it takes as its snapshot */
    int64_t last_ns;
    int64_t day_start_ns, day_end_ns; /* [start, end) of the firm's trading day; 0: not begun */
    uint32_t guard_latched;  /* buffer reached today: flat and no new risk until day_end_ns */
    uint32_t guard_reason;   /* enum refusal: DAILY_LOSS or TOTAL_LOSS */
    uint32_t guard_floor;    /* index of the floor that it is about */
    uint32_t reserved;
    struct limits_floor floors[CONFIG_FLOORS_MAX];
};
struct limits_verdict {
    bool new_day;            /* a boundary was crossed by this mark; not by the first one, which begins the first day */
    bool flatten;            /* close everything now: true for as long as any latch holds */
    bool breached;           /* a firm's line itself was crossed by this mark (alarm): an edge */
    bool terminated;         /* HALTED for good */
    uint32_t refusal;        /* why no new risk: enum refusal, NONE */
    uint32_t floor;          /* index of the floor that it is about; nothing refused: the nearest; floor_count: there is
                                none */
    dec_t floor_level, equity; /* both sides of the inequality */
};

/* initial_balance > 0. The day is begun by the first mark. */
void limits_init(struct limits_state *state, const struct config_programme *programme, dec_t initial_balance);
/* At each market instant and after each change of balance. `equity` is what counts for losses, `equity_high`
 * >= equity the best that was seen since the last mark (anchors that follow a peak take the worst
 * case). Boundaries of the firm's day between the last mark and now are crossed first, with the balance
 * and equity as they were before (the values of the last mark). Returns true when the state
 * changed in a way that must be durable before anything else is done (boundary, latch). A time before the last
 * mark's counts as the last mark's. equity_high below equity counts as equity. */
bool limits_mark(struct limits_state *state, const struct config_programme *programme, const struct tz_table *zone,
                 int64_t now_ns, dec_t balance, dec_t equity, dec_t equity_high, struct limits_verdict *out);
/* Level of a floor now, a whole number of cents; DEC_MAX when it does not fit. */
dec_t limits_floor_level(const struct limits_state *state, const struct config_programme *programme, uint32_t floor);
/* Money between equity and the nearest floor + buffer, >= 0, whether or not anything is latched. *kind: enum
 * floor_kind of that floor. A programme without floors: DEC_MAX, FLOOR_TOTAL. */
dec_t limits_room(const struct limits_state *state, const struct config_programme *programme, dec_t equity,
                  uint32_t *kind);
/* Why no new risk may be added now (also between marks); NONE when it may. */
uint32_t limits_refusal(const struct limits_state *state);

#endif
