/* limits: loss floors, their anchors and marks, and what follows from them. Pure.
 *
 * A floor is anchor - allowance (rules.md 2.2, primitive P1; the anchors of config.h). Equity at or below
 * floor + buffer: no new risk and flatten, before the firm's own line is reached. Equity that breaches
 * the line itself (lt or le as the rule says): a latch that no restart and no boundary forgives
 * (TERMINATE), or that holds until the next boundary (PAUSE).
 *
 * The state is a row of the store: it is durable before it takes effect.
 */
#ifndef PROPFLEET_WORKERS_RISK_LIMITS_H
#define PROPFLEET_WORKERS_RISK_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vocabulary.h"
#include "config/config.h"

struct limits_floor {
    dec_t anchor;            /* what the allowance is taken from now */
    dec_t mark;              /* running maximum, where the anchor has one */
    uint32_t latched;        /* breached: for ever (TERMINATE) or until day_end_ns (PAUSE) */
    uint32_t reserved;
    int64_t latched_ns;      /* market time of the breach */
};
struct limits_state {
    dec_t initial_balance;
    dec_t high_water_equity, high_water_balance;
    dec_t day_start_balance, day_start_equity, day_peak_equity;
    int64_t day_start_ns, day_end_ns; /* [start, end) of the firm's trading day; 0: not begun */
    uint32_t guard_latched;  /* buffer reached today: flat and no new risk until day_end_ns */
    uint32_t guard_reason;   /* enum refusal: DAILY_LOSS or TOTAL_LOSS */
    struct limits_floor floors[CONFIG_FLOORS_MAX];
};
struct limits_verdict {
    bool new_day;            /* a boundary was crossed by this mark */
    bool flatten;            /* close everything now */
    bool breached;           /* a firm's line itself was crossed by this mark (alarm) */
    bool terminated;         /* HALTED for good */
    uint32_t refusal;        /* why no new risk: enum refusal, NONE */
    uint32_t floor;          /* index of the floor that it is about */
    dec_t floor_level, equity; /* both sides of the inequality */
};

void limits_init(struct limits_state *state, const struct config_programme *programme, dec_t initial_balance);
/* At each market instant and after each change of balance. `equity` is what counts for losses, `equity_high`
 * >= equity the best that was seen since the last mark (anchors that follow a peak take the worst
 * case). Boundaries of the firm's day between the last mark and now are crossed first, with the balance
 * and equity as they were before (`*_before`: the values of the last mark). Returns true when the state
 * changed in a way that must be durable before anything else is done (boundary, latch). */
bool limits_mark(struct limits_state *state, const struct config_programme *programme, const struct tz_table *zone,
                 int64_t now_ns, dec_t balance, dec_t equity, dec_t equity_high, struct limits_verdict *out);
/* Level of a floor now. */
dec_t limits_floor_level(const struct limits_state *state, const struct config_programme *programme, uint32_t floor);
/* Money between equity and the nearest floor + buffer; 0 when there is none. *kind: enum floor_kind of that floor. */
dec_t limits_room(const struct limits_state *state, const struct config_programme *programme, dec_t equity, uint32_t *kind);
/* Why no new risk may be added now (also between marks); NONE when it may. */
uint32_t limits_refusal(const struct limits_state *state);

#endif
