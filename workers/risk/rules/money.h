/* money: exact arithmetic that saturates, for the files of this folder. What does not fit ends at +-DEC_MAX, which
 * every inequality of the gate and the guard reads as the strictest. Products are exact in 128 bits and rounded once.
 *
 * RULES_PLANT(n): 0, unless the build plants fault n (make PLANT=n): tests/golden/planted.sh shows that each is found.
 * A plant is a wrong branch beside the right one, so that the right one is what is read and compiled.
 */
#ifndef PROPFLEET_WORKERS_RISK_RULES_MONEY_H
#define PROPFLEET_WORKERS_RISK_RULES_MONEY_H

#include "workers/risk/rules/rules.h"

#ifndef PROPFLEET_PLANT
#define PROPFLEET_PLANT 0
#endif
#define RULES_PLANT(n) (PROPFLEET_PLANT == (n))

#define RULES_CENT (DEC_ONE / 100)
#define RULES_SECOND INT64_C(1000000000)
#define RULES_CENT_SQUARE ((rules_uwide)DEC_ONE * RULES_CENT) /* a cent in units of a product of two dec_t */

typedef __int128 rules_wide;
typedef unsigned __int128 rules_uwide;

static inline dec_t rules_clamp(rules_wide value)
{
    return value > DEC_MAX ? DEC_MAX : value < -(rules_wide)DEC_MAX ? -DEC_MAX : (dec_t)value;
}

static inline dec_t rules_plus(dec_t a, dec_t b)
{
    dec_t sum;
    if (__builtin_add_overflow(a, b, &sum) || sum == DEC_NONE)
        return a < 0 ? -DEC_MAX : DEC_MAX;
    return sum;
}

static inline dec_t rules_minus(dec_t a, dec_t b)
{
    dec_t difference;
    if (__builtin_sub_overflow(a, b, &difference) || difference == DEC_NONE)
        return a < 0 ? -DEC_MAX : DEC_MAX;
    return difference;
}

static inline dec_t rules_cent_up(dec_t value)
{
    dec_t rest = value % RULES_CENT;
    return rest == 0 ? value : rest < 0 ? value - rest : rules_plus(value - rest, RULES_CENT);
}

static inline dec_t rules_cent_down(dec_t value)
{
    dec_t rest = value % RULES_CENT;
    return rest == 0 ? value : rest > 0 ? value - rest : rules_minus(value - rest, RULES_CENT);
}

/* value / by, up. Most values fit 64 bits, where a division costs a tenth. */
static inline rules_uwide rules_divide_up(rules_uwide value, uint64_t by)
{
    if (value >> 64 == 0)
        return (uint64_t)value / by + ((uint64_t)value % by != 0);
    return value / by + (value % by != 0);
}

static inline dec_t rules_clamp_unsigned(rules_uwide value)
{
    return value > (rules_uwide)DEC_MAX ? DEC_MAX : (dec_t)value;
}

/* a * b for a, b >= 0, in units of 10^-16; below 0 counts as 0. */
static inline rules_uwide rules_product(dec_t a, dec_t b)
{
    return a <= 0 || b <= 0 ? 0 : (rules_uwide)(uint64_t)a * (uint64_t)b;
}

/* a * b of numbers >= 0, up. */
static inline dec_t rules_times_up(dec_t a, dec_t b)
{
    return rules_clamp_unsigned(rules_divide_up(rules_product(a, b), (uint64_t)DEC_ONE));
}

/* a * b of any sign, toward minus infinity. */
static inline dec_t rules_times_floor(dec_t a, dec_t b)
{
    rules_wide product = (rules_wide)a * b;
    int64_t small = (int64_t)product;
    if (small == product)
        return small / DEC_ONE - (small % DEC_ONE < 0);
    return rules_clamp(product / DEC_ONE - (product % DEC_ONE < 0));
}

/* A sum of products (10^-16) in whole cents, up. */
static inline dec_t rules_cents_of(rules_uwide sum)
{
    return rules_clamp_unsigned(rules_divide_up(sum, (uint64_t)RULES_CENT_SQUARE) * (rules_uwide)RULES_CENT);
}

/* a + b of sums of products, at the most what fits. */
static inline rules_uwide rules_add_products(rules_uwide a, rules_uwide b)
{
    rules_uwide sum = a + b;
    return sum < a ? ~(rules_uwide)0 : sum;
}

/* --- shared between the files --------------------------------------------------------------------------- */

/* The level that an anchor and an allowance give: cap, lock, payout effect, the firm's own. floor.c */
dec_t rules_level_at(const struct rules_state *state, const struct rules_set *set, uint32_t floor, dec_t anchor,
                     dec_t allowance);
/* Today's level, and its smallest allowance over the candidates. floor.c */
dec_t rules_level_today(const struct rules_state *state, const struct rules_set *set, uint32_t floor, dec_t *allowance);
/* The smallest allowance at `balance`-like anchors: tiers by what is reachable from `lowest` upwards. floor.c */
dec_t rules_allowance_least(const struct rules_state *state, const struct rules_floor *floor, dec_t anchor,
                            dec_t lowest);
dec_t rules_measured(const struct rules_floor *floor, dec_t balance, dec_t equity);

/* Sums of the legs of an instrument (RULES_ANY: all) and side (0: both). The OCO set `oco` (0: none) is left out
 * of *out; its worst leg is *joined. book.c */
#define RULES_ANY UINT32_MAX
void rules_sum_of(const struct rules_book *book, uint32_t instrument, uint32_t side, uint32_t oco,
                  struct rules_sums *out, struct rules_sums *joined);
/* What one lot adds, in money, up to the eighth digit. book.c */
struct rules_unit {
    dec_t give_up, excursion, risk, locked;
};
void rules_unit_of(const struct rules_terms *terms, struct rules_unit *out);
/* q lots of it, up to the cent; an unbounded excursion stays unbounded. book.c */
dec_t rules_of_lots(dec_t unit, dec_t lots);

#endif
