/* trades: what the closed trades of an account say. Pure, plain bytes, O(1) a trade; parts merge in the order of time.
 *
 * Money is exact (int64). A trade is flat when its net result is 0 or smaller than `flat_below` (half a tick's value times
 * its lots): flats are counted apart, are no win and no loss, and leave a run of losses as it stands. quant.md section 7:
 *   win_rate        wins / (wins + losses); win_rate_all over all trades, flats too
 *   profit_factor   gross profit / gross loss: +inf without losses ("inf (no losses, n=..)"), undefined without both
 *   payoff          mean win / mean loss
 *   R               net / risk at entry; only trades whose risk is known (> 0) have one: r_n of them
 *   sqn             sqrt(r_n) * mean R / sd R, a t statistic: never multiply it up to a year
 *   cost_share      costs of all trades / profit before costs of those that had one: what of the winnings went away
 *   duration        mean, wall clock, and market open (trading_open_ns)
 * Every figure goes with the n that it rests on. Undefined is NaN.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_TRADES_H
#define PROPFLEET_WORKERS_PERFORMANCE_TRADES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "workers/performance/moments.h"

struct trades_trade {
    int64_t entry_ns, exit_ns;
    int64_t open_ns;        /* of it, with the market open; < 0: not known */
    dec_t net;              /* after costs */
    dec_t risk;             /* at the initial stop; <= 0: not known */
    dec_t cost;             /* commission, swap and spread paid, >= 0 as a rule (a credit is < 0) */
    dec_t slippage;         /* worse than asked for at entry and exit, money; < 0: better */
    dec_t flat_below;       /* half a tick's value times the lots; 0: only 0 is flat */
};

/* Runs of wins or of losses, flats left out, so that runs over the seam of two parts are found. */
struct trades_run {
    uint32_t longest, first, last; /* the longest; that at the beginning; that at the end (0: it ended) */
    uint32_t whole;         /* 1: nothing else came, first == last == longest */
};
struct trades {
    uint64_t n, wins, losses, flats;
    dec_t net, gross_profit, gross_loss; /* gross_loss >= 0; those of flats are in net alone */
    dec_t cost, gain_before_cost, slippage;
    int64_t wall_us, open_us;   /* sums; microseconds, so that 290,000 years fit */
    uint64_t open_n;            /* trades whose market-open time is known */
    struct moments r;           /* in R */
    double r_gains, r_losses;   /* sums of R > 0 and -R > 0 of wins and losses */
    struct moments money;       /* net, in units of money: for sqn_money */
    dec_t best, worst;          /* 0 until there is one */
    struct trades_run winning, losing;
};

void trades_init(struct trades *t);
/* 0; -EINVAL when exit is before entry or an amount is DEC_NONE; -ERANGE when a sum does not fit. Then nothing is changed. */
int trades_add(struct trades *t, const struct trades_trade *trade);
/* *from is what came after *into. 0 or -ERANGE (nothing is changed). */
int trades_merge(struct trades *into, const struct trades *from);
bool trades_restorable(const struct trades *t);

struct trades_report {
    uint64_t n, wins, losses, flats;
    dec_t net, gross_profit, gross_loss, best, worst;
    double win_rate, win_rate_all;
    double profit_factor, profit_factor_r;
    double average_win, average_loss; /* money, average_loss < 0 */
    double payoff;
    double expectancy, kelly;   /* money a trade; full Kelly share p - q / payoff of all trades: shown, never sized by */
    uint64_t r_n;
    double expectancy_r, sd_r, sqn, sqn_money;
    double duration_s, duration_open_s; /* means over n and over open_n */
    uint64_t open_n;
    uint32_t losses_in_row, wins_in_row; /* the longest */
    uint32_t losses_now;        /* the run going on */
    dec_t cost, slippage;
    double cost_share, cost_mean, slippage_mean; /* money a trade */
};
void trades_read(const struct trades *t, struct trades_report *out);

#endif
