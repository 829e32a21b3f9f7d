/* performance: how an account does, added up as it goes and read at any time (quant.md section 7). Pure.
 *
 * Feed it with `performance_sample` on every market record and at least every 60 s of market time, with
 * `performance_trade` on every closed trade, `performance_signal` on every decision, `performance_flow` on every
 * deposit or withdrawal before the first sample that includes it. Samples that are far apart miss falls in between.
 *
 * `struct performance` is plain bytes without padding: snapshots are copies, equal histories give equal bytes. Its
 * size is fixed: daily returns are kept in a ring of PERFORMANCE_DAYS_MAX days; what is older stays in the sums (mean,
 * Sharpe, Sortino, total) but no longer in what needs the data (autocorrelation, tails, weeks). Changing the
 * layout or a meaning raises PERFORMANCE_VERSION. The calendar is not kept: give the same one at every call; with another
 * one begin anew.
 *
 * A day is closed by the first sample after its end, with the last equity before it. Days that exist and had no sample
 * (the account was not looked at) count as 0 and are counted in `days_filled`; what changed meanwhile falls on the day
 * of the next sample. On a day that began at or below 0 there is no return: it is kept as NaN and left out of the sums.
 *
 * Amounts are int64 and their sums exact; no function allocates or reads a clock. One thread at a time.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_PERFORMANCE_H
#define PROPFLEET_WORKERS_PERFORMANCE_PERFORMANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "workers/performance/drawdown.h"
#include "workers/performance/equity.h"
#include "workers/performance/trades.h"
#include "workers/performance/trading_day.h"

#define PERFORMANCE_VERSION 1u
#define PERFORMANCE_DAYS_MAX 780u   /* three years of days */
#define PERFORMANCE_FILL_MAX PERFORMANCE_DAYS_MAX /* days without a sample that are made up for at once */
#define PERFORMANCE_TIME_MAX_NS (INT64_C(2398377600) * 1000000000) /* 2046-01-01: zones are known up to here */

struct performance_day {
    double ret;             /* P&L over equity at the previous close */
    dec_t pnl;              /* net of deposits */
    int32_t day;            /* trading_day.h */
    uint32_t flags;         /* PERFORMANCE_DAY_... */
};
#define PERFORMANCE_DAY_FILLED 1u /* no sample: 0 */
#define PERFORMANCE_DAY_CUT 2u    /* closed by performance_finish before its end */

struct performance_counts {
    uint64_t emitted;       /* signals offered to this account */
    uint64_t expired;       /* of them, gone before they could be taken */
    uint64_t executed;      /* of them, became an order that filled */
};

struct performance {
    uint32_t version, bytes;
    uint64_t sample_count;
    double days_per_year;   /* D */
    dec_t initial_equity;
    dec_t flows;            /* deposits less withdrawals since the start */
    /* now */
    int64_t first_ns, last_ns; /* of samples; 0 until the first */
    dec_t equity, balance;
    uint64_t positions;     /* open after the last sample */
    /* the day going on */
    int64_t day, day_end_ns;
    dec_t day_equity;       /* at the previous close */
    dec_t day_flows;
    /* days that are over */
    uint64_t days_filled, days_undefined;
    struct equity_sums days;
    uint32_t ring_first, ring_count;
    struct performance_day ring[PERFORMANCE_DAYS_MAX];
    /* falls, with what floats and of the balance alone */
    struct drawdown fall_equity, fall_balance;
    struct trades trades;
    struct performance_counts signals;
    /* exposure: time with a position, of time with the market open */
    int64_t open_us, exposed_open_us, exposed_us; /* the last: by the wall clock */
    struct hours_close close; /* the close to come, so that hours are asked seldom; from > to: not known */
};

/* days_per_year: trading_days_per_year of the calendar. equity and balance at the start, equity > 0 and balance > 0
 * asserted, are in the peaks. */
void performance_init(struct performance *p, dec_t equity, dec_t balance, double days_per_year);

struct performance_sample {
    int64_t time_ns;
    dec_t balance;
    dec_t equity;           /* with what floats */
    dec_t equity_high, equity_low; /* best and worst since the sample before (a bar's), high first: the pessimistic order;
                               without that knowledge both are `equity` */
    uint32_t positions;     /* open after it */
};
/* 0; -EINVAL when the time goes back or is beyond PERFORMANCE_TIME_MAX_NS, or equity is not within low..high; -ERANGE when
 * an amount does not fit. Then nothing is changed. */
int performance_sample(struct performance *p, const struct trading_calendar *calendar, const struct performance_sample *sample);
/* Money paid in (> 0) or out (< 0), at the time of the last sample. 0; -ERANGE when it does not fit; -EINVAL when it leaves
 * nothing to begin with before the first sample. Then nothing is changed. */
int performance_flow(struct performance *p, dec_t amount);
/* A closed trade. open_ns < 0 is worked out from the calendar's hours (when it has some). As trades_add. */
int performance_trade(struct performance *p, const struct trading_calendar *calendar, const struct trades_trade *trade);
enum performance_signal { PERFORMANCE_SIGNAL_EMITTED, PERFORMANCE_SIGNAL_EXPIRED, PERFORMANCE_SIGNAL_EXECUTED };
void performance_signal(struct performance *p, enum performance_signal what);
/* The end of a run: the day going on is closed where it stands, marked PERFORMANCE_DAY_CUT. Should more samples come, they
 * begin a day (the same one again, if they belong to it). */
void performance_finish(struct performance *p);

/* Equity less that at the previous close and less deposits since then. */
dec_t performance_day_pnl(const struct performance *p);
/* The day at a place of the ring, 0 the oldest; i < p->ring_count asserted. */
const struct performance_day *performance_day(const struct performance *p, uint32_t i);
/* Whether bytes (of a snapshot) are a state that can be gone on with: version, size, every index, count and time in
 * range, every sum a number. False: begin anew. */
bool performance_restorable(const void *bytes, uint64_t size);

struct performance_report {
    int64_t first_ns, last_ns;
    dec_t equity, balance, flows;
    dec_t day_pnl;          /* of the day going on, net of deposits; not in any figure of days */
    uint64_t days_filled, days_undefined;
    struct equity_metrics days;  /* max_drawdown is that of equity with what floats, at every sample */
    struct equity_order order;   /* of the days that are kept */
    struct drawdown_report fall_equity, fall_balance;
    struct trades_report trades;
    struct performance_counts signals;
    uint64_t eligible;      /* emitted - expired: the n of conversion */
    double conversion;      /* executed / eligible */
    double exposure;        /* of market-open time */
    double exposure_wall;   /* of all time */
    double open_s;          /* market-open time looked at: the n of exposure */
};
void performance_read(const struct performance *p, struct performance_report *out);

struct performance_week {
    int64_t week;           /* its Friday */
    double ret;             /* prod(1 + r) - 1 over its days */
    uint32_t days;          /* with a return, the one going on included as it stands */
    uint32_t days_expected; /* that exist in the calendar */
    bool partial;           /* fewer than expected, or a day not over or cut: no full week */
};
/* The weeks of the days that are kept, oldest first, the one going on last. Returns how many there are, at most max. When
 * there are more, the oldest are left out. */
uint32_t performance_weeks(const struct performance *p, const struct trading_calendar *calendar, struct performance_week *out,
                           uint32_t max);

#endif
