#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/money.h"

/* --- pricing --------------------------------------------------------------------------------------------------- */

/* Money for one price unit of one lot in the account's currency, the haircut against us. */
static dec_t price_unit(const struct rules_terms *t)
{
    dec_t money = rules_times_up(t->value, t->rate);
    return t->haircut > 0 && !RULES_PLANT(14) ? rules_times_up(money, rules_plus(DEC_ONE, t->haircut)) : money;
}

struct distances {
    dec_t covered, uncovered, leaves; /* to the worst exit of a lot of each kind, price units */
};

/* The catastrophic distance of an uncovered lot has its slippage in it; a stop's has not. */
static struct distances distances_of(const struct rules_terms *t)
{
    dec_t gap = RULES_PLANT(19) ? 0 : t->gap_distance;
    dec_t stop = dec_max(dec_max(t->stop_distance, gap), 0);
    dec_t exit = rules_plus(stop, t->slip_exit);
    return (struct distances){
        .covered = exit,
        .uncovered = RULES_PLANT(18) ? exit : dec_max(exit, dec_max(t->no_stop_distance, gap)),
        .leaves = rules_plus(exit, t->slip_entry),
    };
}

void rules_price(const struct rules_terms *terms, struct rules_leg *leg)
{
    assert(terms && leg && terms->filled >= 0 && terms->covered >= 0 && terms->leaves >= 0);
    dec_t unit = price_unit(terms), covered = dec_min(terms->covered, terms->filled);
    struct distances d = distances_of(terms);
    rules_uwide filled = rules_add_products(rules_product(covered, rules_times_up(unit, d.covered)),
                                            rules_product(terms->filled - covered, rules_times_up(unit, d.uncovered)));
    rules_uwide leaves = rules_product(terms->leaves, rules_times_up(unit, d.leaves));
    rules_uwide cost = rules_product(terms->cost, DEC_ONE);
    if (terms->leaves > 0)
        leaves = rules_add_products(leaves, cost);
    else
        filled = rules_add_products(filled, cost);
    leg->lots = rules_plus(terms->filled, terms->leaves);
    leg->floating = terms->filled > 0 ? terms->floating : 0;
    leg->give_up = rules_cents_of(rules_add_products(filled, leaves));
    /* What is filled may be closed with its profit while the rest still fills and loses. */
    leg->risk = rules_plus(dec_max(0, rules_cent_up(rules_minus(rules_cents_of(filled), leg->floating))),
                           rules_cents_of(leaves));
    leg->excursion = rules_of_lots(
        terms->target_distance == RULES_UNBOUNDED ? RULES_UNBOUNDED : rules_times_up(unit, terms->target_distance),
        leg->lots);
}

void rules_unit_of(const struct rules_terms *terms, struct rules_unit *out)
{
    dec_t unit = price_unit(terms);
    struct distances d = distances_of(terms);
    dec_t filled = 0, leaves = 0;
    if (terms->filled > 0)
        filled = rules_times_up(unit, terms->covered >= terms->filled ? d.covered : d.uncovered);
    else
        leaves = rules_times_up(unit, d.leaves);
    dec_t *charged = terms->filled > 0 ? &filled : &leaves;
    *charged = rules_plus(*charged, dec_max(0, terms->cost));
    dec_t floating = terms->filled > 0 ? terms->floating : 0;
    out->give_up = rules_plus(filled, leaves);
    out->risk = rules_plus(dec_max(0, rules_minus(filled, floating)), leaves);
    out->excursion =
        terms->target_distance == RULES_UNBOUNDED ? RULES_UNBOUNDED : rules_times_up(unit, terms->target_distance);
    out->locked = dec_max(0, rules_plus(floating, out->excursion));
}

dec_t rules_of_lots(dec_t unit, dec_t lots)
{
    if (unit == RULES_UNBOUNDED)
        return lots > 0 ? RULES_UNBOUNDED : 0;
    return rules_cents_of(rules_product(unit, lots));
}

/* --- sums ------------------------------------------------------------------------------------------------------ */

static struct rules_sums sums_of_leg(const struct rules_leg *leg)
{
    return (struct rules_sums){.give_up = leg->give_up,
                               .excursion = leg->excursion,
                               .risk = leg->risk,
                               .locked = dec_max(0, rules_plus(leg->floating, leg->excursion))};
}

static void sums_add(struct rules_sums *to, const struct rules_sums *one)
{
    to->give_up = rules_plus(to->give_up, one->give_up);
    to->excursion = rules_plus(to->excursion, one->excursion);
    to->risk = rules_plus(to->risk, one->risk);
    to->locked = rules_plus(to->locked, one->locked);
}

static void sums_worst(struct rules_sums *to, const struct rules_sums *one)
{
    to->give_up = dec_max(to->give_up, one->give_up);
    to->excursion = dec_max(to->excursion, one->excursion);
    to->risk = dec_max(to->risk, one->risk);
    to->locked = dec_max(to->locked, one->locked);
}

static bool leg_is_of(const struct rules_leg *leg, uint32_t instrument, uint32_t side)
{
    return (instrument == RULES_ANY || leg->instrument == instrument) && (side == 0 || leg->side == side);
}

/* A position of a set counts always: it is filled, and its brothers may be before they are cancelled. */
static bool leg_is_alternative(const struct rules_leg *leg)
{
    return leg->oco != 0 && leg->kind == RULES_LEG_ORDER && !RULES_PLANT(6);
}

void rules_sum_of(const struct rules_book *book, uint32_t instrument, uint32_t side, uint32_t oco,
                  struct rules_sums *out, struct rules_sums *joined)
{
    *out = (struct rules_sums){0};
    *joined = (struct rules_sums){0};
    for (uint32_t i = 0; i < book->count; i++) {
        const struct rules_leg *leg = &book->legs[i];
        struct rules_sums one;
        if (!leg_is_of(leg, instrument, side))
            continue;
        one = sums_of_leg(leg);
        if (!leg_is_alternative(leg)) {
            sums_add(out, &one);
            continue;
        }
        if (leg->oco == oco) {
            sums_worst(joined, &one);
            continue;
        }
        bool first = true;
        for (uint32_t j = 0; j < i && first; j++)
            first = !(leg_is_alternative(&book->legs[j]) && book->legs[j].oco == leg->oco &&
                      leg_is_of(&book->legs[j], instrument, side));
        if (!first)
            continue;
        for (uint32_t j = i + 1; j < book->count; j++) {
            const struct rules_leg *brother = &book->legs[j];
            if (!leg_is_alternative(brother) || brother->oco != leg->oco || !leg_is_of(brother, instrument, side))
                continue;
            struct rules_sums other = sums_of_leg(brother);
            sums_worst(&one, &other);
        }
        sums_add(out, &one);
    }
}

void rules_sum(const struct rules_book *book, struct rules_sums *out)
{
    assert(book && out && (book->count == 0 || book->legs));
    struct rules_sums none;
    rules_sum_of(book, RULES_ANY, 0, 0, out, &none);
}
