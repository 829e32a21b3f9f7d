/* report: what a run of the replay showed, account by account: collected while it runs, printed as a table, JSON or a page.
 *
 * Figures come from workers/performance (quant.md section 7), fed at every END with equity including what floats: falls
 * inside an instant are not seen. Days end as the feed's day does (fleet.yaml, feed.day). Everything is SIMULATED and says so.
 * Memory: bounded by the number of trades; curves are thinned to SVG_POINTS_MAX points that keep every extreme.
 */
#ifndef PROPFLEET_TOOLS_REPORT_REPORT_H
#define PROPFLEET_TOOLS_REPORT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/exercised.h"
#include "tools/report/svg.h"
#include "workers/performance/performance.h"
#include "workers/replay/replay.h"
#include "workers/strategy/signals/interval.h"

#define REPORT_MONTHS_MAX 360u /* later ones are left out of the table */

struct report_trade {
    int64_t opened_ns, closed_ns;
    uint32_t instrument, side, pattern, exit;
    dec_t net, risk;
    double r;               /* NaN: the risk is not known */
};
/* A calendar month (UTC) in which it was looked at: equity less deposits at its beginning and its end. */
struct report_month {
    int32_t month;          /* year * 12 + month - 1 */
    double first, last;
};
struct report_account {
    bool used;
    struct report_month months[REPORT_MONTHS_MAX];
    uint32_t month_count;
    struct performance performance;
    struct svg_curve equity, drawdown; /* money; share of the peak, per cent, <= 0 */
    double peak;
    dec_t transfers;
    uint64_t signals, entries;  /* already told to performance */
    struct report_trade *trades;
    uint32_t trade_count, trade_capacity;
    bool broken;            /* no memory, or an amount that does not fit: figures are incomplete */
};
struct report {
    const struct fleet_config *config;
    struct trading_calendar calendar;
    double days_per_year;
    int64_t first_ns, last_ns;  /* of ENDs that were traded */
    struct report_account accounts[CONFIG_ACCOUNTS_MAX];
};

/* `config` is borrowed. NULL: no memory. */
struct report *report_new(const struct fleet_config *config);
void report_free(struct report **report);
/* A replay's watcher calls these (replay.h). */
void report_stepped(struct report *report, uint32_t account, const struct core *core);
void report_instant(struct report *report, const struct replay *replay, const struct market_record *end);
/* The end: the day going on is closed. */
void report_finish(struct report *report);

/* Which news rules the run could exercise (exercised.h): of every account's programme over the span that was traded. */
void report_exercised(const struct report *report, struct exercised *out);
/* Figures of one account as JSON, with every n; a new reference. */
json_t *report_json(const struct report *report, const struct replay *replay, uint32_t account);
/* A page that stands alone. `command` is what was typed. 0, or -EIO. */
int report_html(const struct report *report, const struct replay *replay, const char *command, FILE *out);

/* "12.3 %", "-" when undefined; digits after the point. */
const char *report_percent(double share, int digits, char out[32]);
const char *report_number(double value, int digits, char out[32]);
/* 95 % intervals of won trades (Wilson, flats apart) and of mean R (t). */
struct signals_interval report_won(const struct trades_report *trades);
struct signals_interval report_mean_r(const struct trades_report *trades);

#endif
