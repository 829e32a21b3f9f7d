#include "tools/report/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/tz.h"

#define NS_DAY (INT64_C(86400) * 1000000000)
#define CONFIDENCE 0.95

struct report *report_new(const struct fleet_config *config)
{
    struct report *report = calloc(1, sizeof *report);
    if (!report)
        return NULL;
    report->config = config;
    report->calendar = (struct trading_calendar){.zone = &config->zones[config->feed.day_zone],
                                                 .roll_s = config->feed.day_start_s, .weekdays = TRADING_DAY_WEEKDAYS};
    return report;
}

void report_free(struct report **report)
{
    if (!*report)
        return;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        free((*report)->accounts[a].trades);
    free(*report);
    *report = NULL;
}

/* --- while it runs --------------------------------------------------------------------------------------------------- */

/* Half a tick's worth of the trade, out of its own fills: what is smaller is flat. 0 when they are alike. */
static dec_t half_tick(const struct config_instrument *instrument, const struct core_trade *trade)
{
    dec_t move = trade->exit_price - trade->entry_price;
    if (move == 0)
        return 0;
    return (dec_t)(fabs((double)trade->realized) * (double)instrument->tick / fabs((double)move) / 2.0);
}

static void keep_trade(struct report *report, struct report_account *account, const struct core_trade *trade)
{
    dec_t net = trade->realized + trade->commission + trade->swap;
    struct trades_trade row = {.entry_ns = trade->opened_ns, .exit_ns = trade->closed_ns, .open_ns = -1, .net = net,
                               .risk = trade->risk, .cost = -(trade->commission + trade->swap),
                               .flat_below = half_tick(&report->config->instruments[trade->instrument], trade)};
    account->broken |= performance_trade(&account->performance, &report->calendar, &row) != 0;
    if (account->trade_count == account->trade_capacity) {
        uint32_t capacity = account->trade_capacity ? 2 * account->trade_capacity : 256;
        struct report_trade *more = realloc(account->trades, capacity * sizeof *more);
        account->broken |= more == NULL;
        if (!more)
            return;
        account->trades = more;
        account->trade_capacity = capacity;
    }
    account->trades[account->trade_count++] = (struct report_trade){
        .opened_ns = trade->opened_ns, .closed_ns = trade->closed_ns, .instrument = trade->instrument, .side = trade->side,
        .pattern = trade->pattern, .exit = trade->exit, .net = net, .risk = trade->risk,
        .r = trade->risk > 0 ? (double)net / (double)trade->risk : NAN};
}

/* Before anything is traded: the money that the account begins with. */
static struct report_account *begin(struct report *report, uint32_t index, const struct core *core)
{
    struct report_account *account = &report->accounts[index];
    if (account->used)
        return account;
    int year, month, day;
    tz_civil_from_days(core->market.time_ns / NS_DAY, &year, &month, &day);
    report->days_per_year = trading_days_per_year(&report->calendar, year, year);
    performance_init(&account->performance, core->settings->initial_balance, core->settings->initial_balance, report->days_per_year);
    account->peak = dec_to_double(core->settings->initial_balance);
    account->used = true;
    return account;
}

void report_stepped(struct report *report, uint32_t index, const struct core *core)
{
    if (core->trade_count == 0)
        return;
    struct report_account *account = begin(report, index, core);
    for (uint32_t i = 0; i < core->trade_count; i++)
        keep_trade(report, account, &core->trades[i]);
}

static void tell_month(struct report_account *account, int64_t time_ns, double equity)
{
    int year, month, day;
    tz_civil_from_days(time_ns / NS_DAY, &year, &month, &day);
    int32_t now = year * 12 + month - 1;
    struct report_month *last = account->month_count ? &account->months[account->month_count - 1] : NULL;
    if ((!last || last->month != now) && account->month_count < REPORT_MONTHS_MAX) {
        double first = last ? last->last : dec_to_double(account->performance.initial_equity);
        account->months[account->month_count++] = (struct report_month){now, first, equity};
    } else if (last && last->month == now) {
        last->last = equity;
    }
}

static void tell_signals(struct report_account *account, const struct core_account *now)
{
    for (; account->signals < now->signals; account->signals++)
        performance_signal(&account->performance, PERFORMANCE_SIGNAL_EMITTED);
    for (; account->entries < now->entries_filled; account->entries++)
        performance_signal(&account->performance, PERFORMANCE_SIGNAL_EXECUTED);
}

void report_instant(struct report *report, const struct replay *replay, const struct market_record *end)
{
    if (end->flags & MARKET_WARMUP)
        return;
    if (report->first_ns == 0)
        report->first_ns = end->time_ns;
    report->last_ns = end->time_ns;
    for (uint32_t a = 0; a < report->config->account_count; a++) {
        const struct core *core = replay_core(replay, a);
        if (!core)
            continue;
        struct report_account *account = begin(report, a, core);
        const struct core_account *now = &core->account;
        struct performance_sample sample = {.time_ns = end->time_ns, .balance = now->balance, .equity = now->equity,
                                            .equity_high = now->equity, .equity_low = now->equity,
                                            .positions = core_open_positions(core)};
        if (now->transfers_total != account->transfers)
            account->broken |= performance_flow(&account->performance, now->transfers_total - account->transfers) != 0;
        account->transfers = now->transfers_total;
        tell_signals(account, now);
        account->broken |= performance_sample(&account->performance, &report->calendar, &sample) != 0;
        double equity = dec_to_double(now->equity);
        tell_month(account, end->time_ns, equity - dec_to_double(now->transfers_total));
        account->peak = fmax(account->peak, equity);
        svg_curve_add(&account->equity, end->time_ns, equity);
        svg_curve_add(&account->drawdown, end->time_ns, 100.0 * (equity - account->peak) / account->peak);
    }
}

void report_finish(struct report *report)
{
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        if (report->accounts[a].used)
            performance_finish(&report->accounts[a].performance);
}

/* --- figures ---------------------------------------------------------------------------------------------------------- */

const char *report_percent(double share, int digits, char out[32])
{
    if (isfinite(share))
        snprintf(out, 32, "%.*f %%", digits, 100.0 * share);
    else
        snprintf(out, 32, "%s", isinf(share) ? "inf" : "-");
    return out;
}

const char *report_number(double value, int digits, char out[32])
{
    if (isfinite(value))
        snprintf(out, 32, "%.*f", digits, value);
    else
        snprintf(out, 32, "%s", isinf(value) ? (value > 0 ? "inf" : "-inf") : "-");
    return out;
}

struct signals_interval report_won(const struct trades_report *trades)
{
    return signals_interval_wilson((uint32_t)trades->wins, (uint32_t)(trades->wins + trades->losses), CONFIDENCE);
}

struct signals_interval report_mean_r(const struct trades_report *trades)
{
    return signals_interval_mean(trades->expectancy_r, trades->sd_r, (uint32_t)trades->r_n, CONFIDENCE);
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *money(dec_t value)
{
    char text[DEC_STR_MAX];
    dec_format(value, 2, text);
    return json_string(text);
}

static json_t *trades_json(const struct trades_report *t)
{
    struct signals_interval won = report_won(t), mean = report_mean_r(t);
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:I}", "n",
                     (json_int_t)t->n, "wins", (json_int_t)t->wins, "losses", (json_int_t)t->losses, "flats",
                     (json_int_t)t->flats, "net", money(t->net), "win_rate", real(t->win_rate), "win_rate_low95", real(won.lo),
                     "win_rate_high95", real(won.hi), "profit_factor", real(t->profit_factor), "payoff", real(t->payoff),
                     "expectancy_r", real(t->expectancy_r), "expectancy_r_low95", real(mean.lo), "expectancy_r_high95", real(mean.hi), "sd_r", real(t->sd_r), "r_n", (json_int_t)t->r_n, "cost",
                     money(t->cost), "cost_share", real(t->cost_share), "duration_s", real(t->duration_s), "losses_in_row",
                     (json_int_t)t->losses_in_row);
}

json_t *report_json(const struct report *report, const struct replay *replay, uint32_t index)
{
    const struct report_account *account = &report->accounts[index];
    const struct core *core = replay_core(replay, index);
    struct performance_report r;
    if (!account->used)
        return json_null();
    performance_read(&account->performance, &r);
    return json_pack("{s:b, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:b}", "simulated", 1,
                     "account", core->settings->name, "equity", money(r.equity), "total_return", real(r.days.total_return),
                     "days", (json_int_t)r.days.n, "days_per_year", real(r.days.periods_per_year), "sharpe",
                     real(r.days.sharpe), "sharpe_low95", real(r.days.sharpe_low), "sharpe_high95", real(r.days.sharpe_high),
                     "sortino", real(r.days.sortino), "max_drawdown", real(r.fall_equity.share), "max_drawdown_money",
                     money(r.fall_equity.money), "exposure", real(r.exposure), "signals", (json_int_t)r.signals.emitted,
                     "conversion", real(r.conversion), "trades", trades_json(&r.trades), "complete", !account->broken);
}

void report_exercised(const struct report *report, struct exercised *out)
{
    exercised_begin(out, report->config);
    for (uint32_t a = 0; a < report->config->account_count; a++)
        if (report->accounts[a].used)
            exercised_add(out, a, report->first_ns, report->last_ns + 1);
}
