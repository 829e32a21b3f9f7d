/* Money: products through 128 bits, conversion at the adverse side, margin and equity. */
#include "workers/broker/paper_internal.h"

#include <assert.h>
#include <errno.h>

/* What does not fit becomes the largest number: no account has so much, and a comparison with it still
 * goes the right way. Each of these starts from it and lets the arithmetic overwrite it. */
static dec_t largest(bool negative) { return negative ? -DEC_MAX : DEC_MAX; }

dec_t paper_money_product(dec_t a, dec_t b)
{
    dec_t out = largest((a < 0) != (b < 0));
    (void)dec_mul(a, b, DEC_ROUND_NEAREST, &out);
    return out;
}

static dec_t quotient(dec_t a, dec_t b)
{
    dec_t out = largest(a < 0);
    (void)dec_div(a, b, DEC_ROUND_NEAREST, &out);
    return out;
}

dec_t paper_money_sum(dec_t a, dec_t b)
{
    dec_t out = largest(a < 0);
    (void)dec_add(a, b, &out);
    return out;
}

static dec_t rounded(dec_t amount, enum dec_round mode)
{
    dec_t out = largest(amount < 0);
    (void)dec_round_step(amount, PAPER_CENT, mode, &out);
    return out;
}

dec_t paper_money_cents(dec_t amount)
{
    return rounded(amount, DEC_ROUND_NEAREST);
}

/* A gain in the profit currency is sold at the bid of the rate, a loss is bought at the ask; where the
 * instrument quotes the rate the other way round, the sides change with it. */
int paper_money_convert(const struct paper *v, uint32_t instrument, dec_t amount, dec_t *out)
{
    const struct config_instrument *in = paper_instrument(v, instrument);
    *out = amount;
    if (in->conversion_instrument == CONFIG_NONE)
        return 0;
    assert(in->conversion_instrument < CONFIG_INSTRUMENTS_MAX);
    const struct paper_mark *rate = &v->meta.marks[in->conversion_instrument];
    if (rate->bid <= 0)
        return -ENOENT;
    if (in->conversion_inverse)
        *out = quotient(amount, amount > 0 ? rate->ask : rate->bid);
    else
        *out = paper_money_product(amount, amount > 0 ? rate->bid : rate->ask);
    return 0;
}

dec_t paper_money_margin(const struct paper *v, uint32_t instrument, dec_t qty, dec_t price)
{
    const struct config_instrument *in = paper_instrument(v, instrument);
    dec_t units = paper_money_product(qty, in->contract_size);
    dec_t margin = paper_money_product(paper_money_product(units, price), in->margin_rate), converted;
    (void)paper_money_convert(v, instrument, -margin, &converted); /* adverse: as a loss */
    return rounded(-converted, DEC_ROUND_CEIL);
}

dec_t paper_money_unrealized(const struct paper *v, const struct paper_position *position)
{
    const struct paper_mark *mark = &v->meta.marks[position->instrument];
    bool buy = position->side == SIDE_BUY;
    dec_t now = paper_money_product(position->qty, buy ? mark->bid : mark->ask), converted;
    dec_t gain = buy ? paper_money_sum(now, -position->cost) : paper_money_sum(position->cost, -now);
    gain = paper_money_product(gain, paper_instrument(v, position->instrument)->contract_size);
    (void)paper_money_convert(v, position->instrument, gain, &converted);
    return converted;
}

dec_t paper_money_equity(const struct paper *v)
{
    dec_t equity = v->meta.balance;
    for (uint32_t i = 0; i < v->position_count; i++)
        if (v->positions[i].qty > 0)
            equity = paper_money_sum(equity, paper_money_unrealized(v, &v->positions[i]));
    return equity;
}

dec_t paper_money_margin_used(const struct paper *v)
{
    dec_t used = 0;
    for (uint32_t i = 0; i < v->position_count; i++)
        if (v->positions[i].qty > 0 && v->positions[i].stop_out_ns == 0)
            used = paper_money_sum(used, v->positions[i].margin);
    return used;
}
