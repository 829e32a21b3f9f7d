#include "tools/statement.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

typedef __int128 wide;

static_assert(3 * STATEMENT_MONEY_MAX <= DEC_MAX / 2 / (dec_t)STATEMENT_TRADES_MAX, "sums of a statement fit");

/* --- one row ----------------------------------------------------------------------------------------------------- */

/* Profit in its own currency, exact, in units of 10^-24. */
static bool profit_of(const struct statement_trade *t, const struct statement_symbol *s, wide *out)
{
    wide move = t->side == 1 ? (wide)t->close_price - t->open_price : (wide)t->open_price - t->close_price;
    return !__builtin_mul_overflow(move, (wide)t->lots, out) && !__builtin_mul_overflow(*out, (wide)s->contract.size, out);
}

/* a / b, half away from zero; b > 0. */
static wide divide(wide a, wide b)
{
    wide quotient = a / b, rest = a % b, twice = 2 * (rest < 0 ? -rest : rest);
    return twice >= b ? quotient + (a < 0 ? -1 : 1) : quotient;
}

/* profit / rate in whole cents, rounded once. False: more than a row may hold. */
static bool money_of(wide profit, dec_t rate, dec_t *out)
{
    wide cents = divide(profit, (wide)rate * 100000000000000);
    if (cents > STATEMENT_MONEY_MAX / (DEC_ONE / 100) || cents < -(STATEMENT_MONEY_MAX / (DEC_ONE / 100)))
        return false;
    *out = (dec_t)cents * (DEC_ONE / 100);
    return true;
}

/* The rates of the pair at which the profit, rounded, is the stated cent. False: none is (the signs differ). */
static bool implied(const struct statement_symbol *s, wide profit, dec_t stated, dec_t *low, dec_t *high)
{
    wide cents2 = 2 * (wide)dec_abs(stated) / (DEC_ONE / 100), size = profit < 0 ? -profit : profit;
    if ((stated != 0 && (stated < 0) != (profit < 0)) || size >= DEC_MAX * (wide)10000000000000000000u / 200)
        return false;
    wide a, b; /* profit / (stated + half a cent) and / (stated - half a cent), times 10^8 */
    if (s->multiply) {
        size /= 100000000; /* prices, lots and sizes have no more than eight digits together */
        if (size == 0)
            return false;
        a = (cents2 - 1) * 50000000000000 * 100000000 / size;
        b = (cents2 + 1) * 50000000000000 * 100000000 / size;
    } else {
        a = size * 200 / (10000000000000000 * (cents2 + 1)) + 1;
        b = cents2 > 1 ? size * 200 / (10000000000000000 * (cents2 - 1)) : DEC_MAX;
    }
    if (a > DEC_MAX || b <= 0)
        return false;
    *low = a < 1 ? 1 : (dec_t)a;
    *high = b > DEC_MAX ? DEC_MAX : (dec_t)b;
    return true;
}

/* --- rates that are known --------------------------------------------------------------------------------------- */

static const struct statement_bar *bar_at(const struct statement_rates *rates, int64_t time_s)
{
    uint32_t low = 0, high = rates->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rates->bars[middle].time_s <= time_s)
            low = middle + 1;
        else
            high = middle;
    }
    const struct statement_bar *bar = low > 0 ? &rates->bars[low - 1] : NULL;
    return bar && time_s < bar->time_s + rates->step_s ? bar : NULL;
}

static const struct statement_bar *bar_of(const struct statement_rates *rates, uint32_t count, const char *pair, int64_t time_ns)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(rates[i].pair, pair) == 0)
            return bar_at(&rates[i], time_ns / SECOND);
    return NULL;
}

/* Moves *away_s and *price to this symbol's fill that is nearest in time, when it is nearer. */
static bool nearer_fill(const struct statement *all, const char *symbol, int64_t time_ns, int64_t *away_s, dec_t *price)
{
    bool nearer = false;
    for (uint32_t i = 0; i < all->trade_count; i++) {
        const struct statement_trade *t = &all->trades[i];
        if (strcmp(all->symbols[t->symbol].name, symbol) != 0)
            continue;
        for (int end = 0; end < 2; end++) {
            int64_t s = llabs((end ? t->closed_ns : t->opened_ns) - time_ns) / SECOND;
            if (s >= *away_s)
                continue;
            *away_s = s;
            *price = end ? t->close_price : t->open_price;
            nearer = true;
        }
    }
    return nearer;
}

/* The rate as the account's own fills show it: in the pair itself, or the trade's price over one of its base currency in USD
 * (AUDCAD over AUDUSD is USDCAD). 0: none is near. */
static dec_t rate_by_fills(const struct statement *all, const struct statement_trade *t, int64_t *away_s)
{
    const struct statement_symbol *s = &all->symbols[t->symbol];
    char base[8];
    dec_t price = 0, rate = 0;
    *away_s = STATEMENT_FILL_AGE_S + 1;
    (void)nearer_fill(all, s->pair, t->closed_ns, away_s, &rate);
    (void)snprintf(base, sizeof base, "%.3s%s", s->name, STATEMENT_CURRENCY);
    if (s->fx && nearer_fill(all, base, t->closed_ns, away_s, &price)) {
        rate = 0;
        (void)(s->multiply ? dec_div(price, t->close_price, DEC_ROUND_NEAREST, &rate)
                           : dec_div(t->close_price, price, DEC_ROUND_NEAREST, &rate));
    }
    return rate;
}

static dec_t share(dec_t value, dec_t of_one)
{
    dec_t out = 0;
    (void)dec_mul(value, of_one, DEC_ROUND_CEIL, &out);
    return out;
}

/* A cross: the amount is the statement's, if a rate that may have been gives it. */
static enum statement_check check_cross(const struct statement *all, const struct statement_rates *rates, uint32_t rate_count, wide profit,
                                        struct statement_trade *t)
{
    const struct statement_symbol *s = &all->symbols[t->symbol];
    t->gross = t->stated;
    if (!implied(s, profit, t->stated, &t->rate_low, &t->rate_high))
        return STATEMENT_DIFFERS;
    const struct statement_bar *bar = bar_of(rates, rate_count, s->pair, t->closed_ns);
    if (bar) {
        t->seen_low = bar->low;
        t->seen_high = bar->high;
        bool inside = t->rate_high >= bar->low && t->rate_low <= bar->high + share(bar->high, STATEMENT_RATE_SPREAD);
        return inside ? STATEMENT_AT_RATE : STATEMENT_DIFFERS;
    }
    dec_t fill = rate_by_fills(all, t, &t->seen_s);
    if (fill == 0)
        return STATEMENT_IMPLIED;
    t->seen_low = t->seen_high = fill;
    dec_t band = share(fill, STATEMENT_FILL_SHARE);
    return t->rate_high >= fill - band && t->rate_low <= fill + band ? STATEMENT_IMPLIED : STATEMENT_DIFFERS;
}

static enum statement_check check_trade(const struct statement *all, const struct statement_rates *rates, uint32_t rate_count,
                                        struct statement_trade *t)
{
    const struct statement_symbol *s = &all->symbols[t->symbol];
    wide profit;
    t->gross = t->rate_low = t->rate_high = t->seen_low = t->seen_high = t->seen_s = 0;
    if (!profit_of(t, s, &profit))
        return STATEMENT_DIFFERS;
    if (profit != 0 && s->pair[0] != '\0')
        return check_cross(all, rates, rate_count, profit, t);
    if (!money_of(profit, s->own_rate ? t->close_price : DEC_ONE, &t->gross))
        return STATEMENT_DIFFERS;
    return t->gross == t->stated ? STATEMENT_EXACT : STATEMENT_DIFFERS;
}

void statement_check(struct statement *statement, const struct statement_rates *rates, uint32_t rate_count)
{
    assert(statement && (rates || rate_count == 0));
    memset(statement->checked, 0, sizeof statement->checked);
    statement->gross = statement->charges = statement->swap = statement->net = 0;
    for (uint32_t i = 0; i < statement->trade_count; i++) {
        struct statement_trade *t = &statement->trades[i];
        t->check = check_trade(statement, rates, rate_count, t);
        t->net = t->gross + t->charges + t->swap;
        statement->checked[t->check]++;
        statement->gross += t->gross;
        statement->charges += t->charges;
        statement->swap += t->swap;
        statement->net += t->net;
    }
}
