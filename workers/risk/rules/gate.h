/* gate: one decision of rules_gate, shared by gate.c (everything but P1) and gate_floor.c (P1: R1 to R5). Private to
 * workers/risk/rules.
 *
 * An inequality is a predicate of the size, holds(q), monotone: true up to a largest q. Its q_max is found from a
 * quotient in closed form that is then tried (rules_gate_largest).
 */
#ifndef PROPFLEET_WORKERS_RISK_RULES_GATE_H
#define PROPFLEET_WORKERS_RISK_RULES_GATE_H

#include <assert.h>

#include "workers/risk/rules/money.h"

/* One decision: what is the same for all its inequalities. */
struct rules_gate {
    const struct rules_set *set;
    const struct rules_state *state;
    const struct rules_book *book;
    const struct rules_context *context;
    const struct rules_request *request;
    struct rules_answer *out;
    struct rules_unit unit;   /* what a lot of the request adds */
    struct rules_sums others; /* the book, less the OCO set that the request joins */
    struct rules_sums joined; /* the worst leg of that set */
    dec_t buffer;
    int64_t steps_max; /* lots are counted in steps here */
};

static inline dec_t rules_whole(int64_t number)
{
    return rules_clamp((rules_wide)number * DEC_ONE);
}

static inline dec_t rules_seconds(int64_t ns)
{
    return ns / (RULES_SECOND / DEC_ONE);
} /* 10^-8 s */
static_assert(RULES_SECOND % DEC_ONE == 0, "seconds");

/* --- the book with q lots more
 * ------------------------------------------------------------------------------------------ */

static inline dec_t rules_gate_sum(dec_t others, dec_t joined, dec_t unit, dec_t lots)
{
    return rules_plus(others, dec_max(joined, rules_of_lots(unit, lots)));
}
static inline dec_t rules_gate_give_up(const struct rules_gate *g, dec_t lots)
{
    return rules_gate_sum(g->others.give_up, g->joined.give_up, g->unit.give_up, lots);
}
static inline dec_t rules_gate_excursion(const struct rules_gate *g, dec_t lots)
{
    return rules_gate_sum(g->others.excursion, g->joined.excursion, g->unit.excursion, lots);
}
static inline dec_t rules_gate_risk(const struct rules_gate *g, dec_t lots)
{
    return rules_gate_sum(g->others.risk, g->joined.risk, g->unit.risk, lots);
}
static inline dec_t rules_gate_locked(const struct rules_gate *g, dec_t lots)
{
    return rules_gate_sum(g->others.locked, g->joined.locked, g->unit.locked, lots);
}
/* W: equity when every stop was hit. */
static inline dec_t rules_gate_worst(const struct rules_gate *g, dec_t lots)
{
    return rules_minus(g->book->equity, rules_gate_give_up(g, lots));
}

/* --- verdicts and sizes ---------------------------------------------------------------------------------------- */

typedef bool (*rules_gate_holds)(const struct rules_gate *g, const void *of, dec_t lots);

void rules_gate_say(struct rules_gate *g, struct rules_verdict verdict);
/* Yes or no whatever the size. */
void rules_gate_say_flat(struct rules_gate *g, enum rules_primitive primitive, unsigned condition, uint32_t rule,
                         enum rules_op op, dec_t left, dec_t right, bool admitted);
/* Lots for which a sum of cents of `unit` a lot stays within room: floor(room / unit). */
dec_t rules_gate_quotient(dec_t room, dec_t unit);
/* The largest multiple of the step that holds, from a guess that is right or nearly: tried there and one step further,
 * and moved by doubled strides, then halved ones, where rounding to the cent made a difference. DEC_MAX: any size. */
dec_t rules_gate_largest(const struct rules_gate *g, rules_gate_holds holds, const void *of, dec_t guess);
/* Every condition of a floor. gate_floor.c */
void rules_gate_ask_floor(struct rules_gate *g, uint32_t index);

#endif
