/* metrics of an account: closed trades against backtesting.py and exact sums, an intraday equity through `performance`
 * against pandas (17:00 in New York, a clock change inside).
 *
 * backtesting.py was given R as its return per trade: its profit factor and expectancy are of R, its SQN of money. Where it
 * says NaN for wins without losses ours is +inf. Drawdowns of trades start at 100,000.
 * The intraday file has more digits than money: amounts go in as whole 1e-12, which every double there is to its last
 * digit; the account's functions do not know the unit. That market never closes: every day of the week exists. */
#include "tests/golden/quant/quant_metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "workers/performance/performance.h"

#define TOLERANCE 1e-12
#define NS INT64_C(1000000000)
#define START 100000
#define UNIT 1e12L
#define WEEKS_MAX 64u

/* "2024-03-10 17:00:00", UTC */
static int64_t time_of(const char *text)
{
    int year, month, day, hour, minute, second;
    if (sscanf(text, "%d-%d-%d %d:%d:%d", &year, &month, &day, &hour, &minute, &second) != 6)
        return -1;
    return (tz_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * NS;
}

static int64_t day_of(const char *text)
{
    int year, month, day;
    return sscanf(text, "%d-%d-%d", &year, &month, &day) == 3 ? tz_days_from_civil(year, month, day) : INT64_MIN;
}

/* --- trades ------------------------------------------------------------------------------------------------------------ */

struct trades_case {
    struct trades_report trades;
    struct drawdown_report fall;
};

static void trades_load(struct quant_folder *folder, const char *file, const struct table *input, const char *name,
                        struct trades_case *out)
{
    struct trades trades;
    struct drawdown fall;
    dec_t closed = START * DEC_ONE;
    trades_init(&trades);
    drawdown_init(&fall, 0, closed);
    for (uint32_t row = 0; row < input->row_count; row++) {
        if (strcmp(table_text(input, row, table_column(input, "case")), name) != 0)
            continue;
        struct trades_trade trade = {.entry_ns = time_of(table_text(input, row, table_column(input, "entry"))),
                                     .exit_ns = time_of(table_text(input, row, table_column(input, "exit"))),
                                     .open_ns = -1};
        if (dec_from_double(table_number(input, row, table_column(input, "pnl")), &trade.net) ||
            dec_from_double(table_number(input, row, table_column(input, "risk")), &trade.risk) ||
            trades_add(&trades, &trade))
            quant_fail(folder, file, "a trade of %s is refused", name);
        closed += trade.net;
        drawdown_add(&fall, row, closed);
    }
    trades_read(&trades, &out->trades);
    drawdown_read(&fall, &out->fall);
}

static bool trades_figure(const struct trades_case *c, const char *name, double *out)
{
    const struct trades_report *t = &c->trades;
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"n", (double)t->n},
        {"wins", (double)t->wins},
        {"losses", (double)t->losses},
        {"flats", (double)t->flats},
        {"net", dec_to_double(t->net)},
        {"gross_profit", dec_to_double(t->gross_profit)},
        {"gross_loss", dec_to_double(t->gross_loss)},
        {"win_rate_all", t->win_rate_all},
        {"win_rate_decided", t->win_rate},
        {"profit_factor", t->profit_factor},
        {"avg_win", t->average_win},
        {"avg_loss", t->average_loss},
        {"payoff", t->payoff},
        {"expectancy_R", t->expectancy_r},
        {"sd_R", t->sd_r},
        {"sqn", t->sqn},
        {"avg_duration_s", t->duration_s},
        {"max_consec_losses", t->losses_in_row},
        {"max_consec_wins", t->wins_in_row},
        {"max_dd_abs_closed", dec_to_double(c->fall.money)},
        {"max_dd_pct_closed", c->fall.share},
        {"Win_Rate_[%]", 100.0 * t->win_rate_all},
        {"Profit_Factor", t->profit_factor_r},
        {"SQN", t->sqn_money},
        {"Kelly_Criterion", t->kelly},
        {"Max._Drawdown_[%]", -100.0 * c->fall.share},
        {"Expectancy_[%]", t->expectancy_r},
    };
    for (uint32_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (strcmp(figures[i].name, name) == 0) {
            *out = figures[i].value;
            return true;
        }
    return false;
}

static void trades_row(struct quant_folder *folder, const char *file, const struct table *table, uint32_t row,
                       const struct trades_case *c)
{
    const char *metric = table_text(table, row, table_column(table, "metric"));
    double expected = table_number(table, row, table_column(table, "value")), actual;
    if (!trades_figure(c, metric, &actual)) {
        quant_fail(folder, file, "row %u: no figure %s", row, metric);
        return;
    }
    if (strcmp(metric, "Profit_Factor") == 0 && c->trades.wins > 0 && c->trades.losses == 0)
        expected = INFINITY;
    quant_check(folder, file, row, metric, expected, actual, QUANT_RELATIVE, TOLERANCE);
}

void quant_metrics_trades(struct quant_folder *folder, const struct table *input, const char *expected)
{
    struct table table;
    struct trades_case c;
    const char *name = "";
    if (!quant_open(folder, expected, false, &table))
        return;
    for (uint32_t row = 0; row < table.row_count; row++) {
        const char *next = table_text(&table, row, table_column(&table, "case"));
        if (strcmp(next, name) != 0)
            trades_load(folder, expected, input, next, &c);
        name = next;
        trades_row(folder, expected, &table, row, &c);
    }
    table_fini(&table);
}

/* --- an intraday equity -------------------------------------------------------------------------------------------------- */

struct intraday {
    struct trading_calendar calendar;
    struct performance performance;
    struct performance_report report;
    struct performance_week weeks[WEEKS_MAX];
    uint32_t week_count;
};

static dec_t amount_of(const struct table *table, uint32_t row, const char *column)
{
    return (dec_t)llroundl((long double)table_number(table, row, table_column(table, column)) * UNIT);
}

static double money_of(dec_t amount)
{
    return (double)((long double)amount / UNIT);
}

static void intraday_load(struct quant_folder *folder, const char *file, const struct table *input, struct intraday *run)
{
    performance_init(&run->performance, (dec_t)(START * UNIT), (dec_t)(START * UNIT), 252.0);
    for (uint32_t row = 0; row < input->row_count; row++) {
        dec_t equity = amount_of(input, row, "equity");
        struct performance_sample sample = {.time_ns = time_of(table_text(input, row, table_column(input, "ts_utc"))),
                                            .balance = amount_of(input, row, "balance"),
                                            .equity = equity,
                                            .equity_high = equity,
                                            .equity_low = equity};
        if (performance_sample(&run->performance, &run->calendar, &sample))
            quant_fail(folder, file, "sample %u is refused", row);
    }
    performance_finish(&run->performance);
    performance_read(&run->performance, &run->report);
    run->week_count = performance_weeks(&run->performance, &run->calendar, run->weeks, WEEKS_MAX);
}

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t length = strlen(with);
    *rest = text + length;
    return strncmp(text, with, length) == 0;
}

static void day_text(int64_t day, char out[32])
{
    int year, month, date;
    tz_civil_from_days(day, &year, &month, &date);
    (void)snprintf(out, 32, "%04d-%02d-%02d", year, month, date);
}

static double intraday_day(const struct intraday *run, int64_t day)
{
    for (uint32_t i = 0; i < run->performance.ring_count; i++)
        if (performance_day(&run->performance, i)->day == day)
            return money_of(performance_day(&run->performance, i)->pnl);
    return NAN;
}

static double intraday_week(const struct intraday *run, const char *saturday, const char *friday)
{
    for (uint32_t i = 0; i < run->week_count; i++)
        if (run->weeks[i].week == day_of(friday) && run->weeks[i].week - 6 == day_of(saturday))
            return run->weeks[i].ret;
    return NAN;
}

static bool intraday_figure(const struct intraday *run, const char *metric, double *out)
{
    const struct performance_report *report = &run->report;
    const char *rest;
    if (strcmp(metric, "max_dd_pct_balance") == 0)
        *out = report->fall_balance.share;
    else if (strcmp(metric, "max_dd_abs_balance") == 0)
        *out = money_of(report->fall_balance.money);
    else if (strcmp(metric, "max_dd_pct_equity") == 0)
        *out = report->fall_equity.share;
    else if (strcmp(metric, "max_dd_abs_equity") == 0)
        *out = money_of(report->fall_equity.money);
    else if (starts(metric, "n_trading_days", &rest))
        *out = (double)report->days.n;
    else if (strcmp(metric, "sharpe_daily_252") == 0)
        *out = report->days.sharpe;
    else if (starts(metric, "daily_pnl_", &rest))
        *out = intraday_day(run, day_of(rest));
    else if (starts(metric, "weekly_return_", &rest) && strlen(rest) == 21)
        *out = intraday_week(run, rest, rest + 11);
    else
        return false;
    return true;
}

static void intraday_row(struct quant_folder *folder, const char *file, const struct table *table, uint32_t row,
                         const struct intraday *run)
{
    const char *metric = table_text(table, row, table_column(table, "metric"));
    uint32_t value = table_column(table, "value"), last = run->performance.ring_count - 1;
    char text[32];
    double actual;
    if (strcmp(metric, "first_day") == 0 || strcmp(metric, "last_day") == 0) {
        day_text(performance_day(&run->performance, strcmp(metric, "first_day") == 0 ? 0 : last)->day, text);
        quant_check_text(folder, file, row, metric, table_text(table, row, value), text);
    } else if (intraday_figure(run, metric, &actual))
        quant_check(folder, file, row, metric, table_number(table, row, value), actual, QUANT_RELATIVE, TOLERANCE);
    else
        quant_fail(folder, file, "row %u: no figure %s", row, metric);
}

void quant_metrics_intraday(struct quant_folder *folder, const struct table *input, const char *expected)
{
    static struct tz_table zone;
    static struct intraday run;
    struct error err = {0};
    struct table table;
    if (!quant_open(folder, expected, false, &table))
        return;
    if (tz_load("America/New_York", &zone, &err)) {
        quant_fail(folder, expected, "%s", err.text);
    } else {
        run.calendar = (struct trading_calendar){
            .zone = &zone, .roll_s = TRADING_DAY_NEW_YORK_S, .weekdays = TRADING_DAY_ALL};
        intraday_load(folder, expected, input, &run);
        for (uint32_t row = 0; row < table.row_count && run.performance.ring_count > 0; row++)
            intraday_row(folder, expected, &table, row, &run);
    }
    table_fini(&table);
}
