#include "workers/performance/trades.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define NS_PER_US 1000
#define US_PER_SECOND 1e6

static_assert(sizeof(struct trades) == 8 * 13 + 2 * sizeof(struct moments) + 16 + 16 + 2 * sizeof(struct trades_run),
              "no padding: it is kept as bytes");

void trades_init(struct trades *t)
{
    memset(t, 0, sizeof *t);
    moments_init(&t->r, 0.0);
    moments_init(&t->money, 0.0);
}

/* --- adding ------------------------------------------------------------------------------------------------------------ */

static bool trade_sane(const struct trades_trade *trade)
{
    int64_t lasted;
    return !__builtin_sub_overflow(trade->exit_ns, trade->entry_ns, &lasted) && lasted >= 0 && trade->open_ns <= lasted &&
           trade->net != DEC_NONE && trade->risk != DEC_NONE && trade->cost != DEC_NONE && trade->slippage != DEC_NONE &&
           trade->flat_below != DEC_NONE;
}

/* Adds to every sum of *t; -ERANGE leaves it half done, so it works on a copy. */
static int trade_sums(struct trades *t, const struct trades_trade *trade, bool flat)
{
    dec_t before_cost;
    if (dec_add(trade->net, trade->cost, &before_cost) || dec_add(t->net, trade->net, &t->net) ||
        dec_add(t->cost, trade->cost, &t->cost) || dec_add(t->slippage, trade->slippage, &t->slippage))
        return -ERANGE;
    if (before_cost > 0 && dec_add(t->gain_before_cost, before_cost, &t->gain_before_cost))
        return -ERANGE;
    if (!flat && trade->net > 0 && dec_add(t->gross_profit, trade->net, &t->gross_profit))
        return -ERANGE;
    if (!flat && trade->net < 0 && dec_sub(t->gross_loss, trade->net, &t->gross_loss))
        return -ERANGE;
    int64_t lasted = trade->exit_ns - trade->entry_ns;
    if (__builtin_add_overflow(t->wall_us, lasted / NS_PER_US, &t->wall_us))
        return -ERANGE;
    if (trade->open_ns >= 0 && __builtin_add_overflow(t->open_us, trade->open_ns / NS_PER_US, &t->open_us))
        return -ERANGE;
    t->open_n += trade->open_ns >= 0;
    return 0;
}

static void run_add(struct trades_run *run, bool hit, bool first)
{
    if (first)
        run->whole = 1;
    if (!hit) {
        run->last = 0;
        run->whole = 0;
        return;
    }
    run->last += run->last < UINT32_MAX;
    run->first = run->whole ? run->last : run->first;
    run->longest = run->last > run->longest ? run->last : run->longest;
}

static void trade_result(struct trades *t, const struct trades_trade *trade, bool flat)
{
    bool first = t->wins + t->losses == 0, win = !flat && trade->net > 0;
    t->n++;
    t->flats += flat;
    t->wins += win;
    t->losses += !flat && !win;
    if (!flat) {
        run_add(&t->winning, win, first);
        run_add(&t->losing, !win, first);
    }
    t->best = t->n == 1 || trade->net > t->best ? trade->net : t->best;
    t->worst = t->n == 1 || trade->net < t->worst ? trade->net : t->worst;
    moments_add(&t->money, dec_to_double(trade->net));
    if (trade->risk <= 0)
        return;
    double r = (double)trade->net / (double)trade->risk;
    moments_add(&t->r, r);
    if (win)
        t->r_gains += r;
    else if (!flat)
        t->r_losses -= r;
}

int trades_add(struct trades *t, const struct trades_trade *trade)
{
    if (!trade_sane(trade))
        return -EINVAL;
    bool flat = trade->net == 0 || dec_abs(trade->net) < trade->flat_below;
    struct trades sum = *t;
    if (trade_sums(&sum, trade, flat))
        return -ERANGE;
    trade_result(&sum, trade, flat);
    *t = sum;
    return 0;
}

/* --- merging ------------------------------------------------------------------------------------------------------------ */

static uint32_t run_sum(uint32_t a, uint32_t b)
{
    return b > UINT32_MAX - a ? UINT32_MAX : a + b;
}

/* Neither part is without a decided trade. */
static void run_merge(struct trades_run *into, const struct trades_run *from)
{
    uint32_t seam = run_sum(into->last, from->first);
    uint32_t longest = into->longest > from->longest ? into->longest : from->longest;
    into->longest = seam > longest ? seam : longest;
    into->first = into->whole ? seam : into->first;
    into->last = from->whole ? seam : from->last;
    into->whole &= from->whole;
}

static int sums_merge(struct trades *into, const struct trades *from)
{
    if (dec_add(into->net, from->net, &into->net) || dec_add(into->gross_profit, from->gross_profit, &into->gross_profit) ||
        dec_add(into->gross_loss, from->gross_loss, &into->gross_loss) || dec_add(into->cost, from->cost, &into->cost) ||
        dec_add(into->gain_before_cost, from->gain_before_cost, &into->gain_before_cost) ||
        dec_add(into->slippage, from->slippage, &into->slippage))
        return -ERANGE;
    return __builtin_add_overflow(into->wall_us, from->wall_us, &into->wall_us) ||
                   __builtin_add_overflow(into->open_us, from->open_us, &into->open_us)
               ? -ERANGE
               : 0;
}

int trades_merge(struct trades *into, const struct trades *from)
{
    if (from->n == 0)
        return 0;
    if (into->n == 0) {
        *into = *from;
        return 0;
    }
    struct trades sum = *into;
    if (sums_merge(&sum, from))
        return -ERANGE;
    if (from->wins + from->losses > 0 && sum.wins + sum.losses == 0) {
        sum.winning = from->winning;
        sum.losing = from->losing;
    } else if (from->wins + from->losses > 0) {
        run_merge(&sum.winning, &from->winning);
        run_merge(&sum.losing, &from->losing);
    }
    sum.n += from->n;
    sum.wins += from->wins;
    sum.losses += from->losses;
    sum.flats += from->flats;
    sum.open_n += from->open_n;
    sum.best = dec_max(sum.best, from->best);
    sum.worst = dec_min(sum.worst, from->worst);
    moments_merge(&sum.r, &from->r);
    moments_merge(&sum.money, &from->money);
    sum.r_gains += from->r_gains;
    sum.r_losses += from->r_losses;
    *into = sum;
    return 0;
}

static bool moments_sane(const struct moments *m, uint64_t n)
{
    return m->n <= n && isfinite(m->origin) && isfinite(m->mean) && isfinite(m->m2) && m->m2 >= 0.0 && isfinite(m->m3) &&
           isfinite(m->m4) && isfinite(m->min) && isfinite(m->max);
}

bool trades_restorable(const struct trades *t)
{
    const dec_t amounts[] = {t->net, t->cost, t->slippage, t->best, t->worst};
    for (uint32_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        if (amounts[i] == DEC_NONE)
            return false;
    return t->n <= UINT64_MAX / 4 && t->wins <= t->n && t->losses <= t->n - t->wins &&
           t->flats == t->n - t->wins - t->losses && t->open_n <= t->n && t->gross_profit >= 0 && t->gross_loss >= 0 &&
           t->gain_before_cost >= 0 && t->wall_us >= 0 && t->open_us >= 0 && t->winning.whole <= 1 && t->losing.whole <= 1 &&
           t->winning.longest <= t->wins && t->losing.longest <= t->losses && moments_sane(&t->r, t->n) &&
           moments_sane(&t->money, t->n) && isfinite(t->r_gains) && isfinite(t->r_losses);
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

/* NaN for nothing over nothing, +inf for something over nothing. */
static double ratio(double gain, double loss)
{
    if (loss > 0.0)
        return gain / loss;
    return gain > 0.0 ? (double)INFINITY : NAN;
}

static double mean_of(double sum, uint64_t n)
{
    return n > 0 ? sum / (double)n : NAN;
}

static double sqn_of(const struct moments *m)
{
    return moments_flat(m) ? NAN : sqrt((double)m->n) * moments_mean(m) / moments_sd(m);
}

static void money_figures(const struct trades *t, struct trades_report *out)
{
    double profit = dec_to_double(t->gross_profit), loss = dec_to_double(t->gross_loss);
    out->net = t->net;
    out->gross_profit = t->gross_profit;
    out->gross_loss = t->gross_loss;
    out->best = t->best;
    out->worst = t->worst;
    out->win_rate = mean_of((double)t->wins, t->wins + t->losses);
    out->win_rate_all = mean_of((double)t->wins, t->n);
    out->profit_factor = ratio(profit, loss);
    out->profit_factor_r = ratio(t->r_gains, t->r_losses);
    out->average_win = mean_of(profit, t->wins);
    out->average_loss = mean_of(-loss, t->losses);
    out->payoff = out->average_win / -out->average_loss;
    out->expectancy = mean_of(dec_to_double(t->net), t->n);
    out->kelly = out->win_rate_all - (1.0 - out->win_rate_all) / out->payoff;
    out->cost = t->cost;
    out->slippage = t->slippage;
    out->cost_share = t->gain_before_cost > 0 ? dec_to_double(t->cost) / dec_to_double(t->gain_before_cost) : NAN;
    out->cost_mean = mean_of(dec_to_double(t->cost), t->n);
    out->slippage_mean = mean_of(dec_to_double(t->slippage), t->n);
}

void trades_read(const struct trades *t, struct trades_report *out)
{
    memset(out, 0, sizeof *out);
    out->n = t->n;
    out->wins = t->wins;
    out->losses = t->losses;
    out->flats = t->flats;
    money_figures(t, out);
    out->r_n = t->r.n;
    out->expectancy_r = moments_mean(&t->r);
    out->sd_r = moments_sd(&t->r);
    out->sqn = sqn_of(&t->r);
    out->sqn_money = sqn_of(&t->money);
    out->duration_s = mean_of((double)t->wall_us / US_PER_SECOND, t->n);
    out->duration_open_s = mean_of((double)t->open_us / US_PER_SECOND, t->open_n);
    out->open_n = t->open_n;
    out->losses_in_row = t->losing.longest;
    out->wins_in_row = t->winning.longest;
    out->losses_now = t->losing.last;
}
