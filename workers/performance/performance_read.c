#include "workers/performance/performance.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define US_PER_SECOND 1e6

/* --- the report ------------------------------------------------------------------------------------------------------------ */

/* The returns that are kept, oldest first, without those that are none. */
static uint32_t kept_returns(const struct performance *p, double *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->ring_count; i++) {
        double ret = performance_day(p, i)->ret;
        if (!isnan(ret))
            out[n++] = ret;
    }
    return n;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

static double time_share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

static void activity_figures(const struct performance *p, struct performance_report *out)
{
    out->signals = p->signals;
    out->eligible = p->signals.emitted - (p->signals.expired < p->signals.emitted ? p->signals.expired : p->signals.emitted);
    out->conversion = share(p->signals.executed, out->eligible);
    out->open_s = (double)p->open_us / US_PER_SECOND;
    out->exposure = time_share(p->exposed_open_us, p->open_us);
    out->exposure_wall = time_share(p->exposed_us, (p->last_ns - p->first_ns) / 1000);
}

void performance_read(const struct performance *p, struct performance_report *out)
{
    double returns[PERFORMANCE_DAYS_MAX], scratch[PERFORMANCE_DAYS_MAX];
    assert(p->version == PERFORMANCE_VERSION && p->bytes == sizeof *p);
    memset(out, 0, sizeof *out);
    out->first_ns = p->first_ns;
    out->last_ns = p->last_ns;
    out->equity = p->equity;
    out->balance = p->balance;
    out->flows = p->flows;
    out->day_pnl = performance_day_pnl(p);
    out->days_filled = p->days_filled;
    out->days_undefined = p->days_undefined;
    drawdown_read(&p->fall_equity, &out->fall_equity);
    drawdown_read(&p->fall_balance, &out->fall_balance);
    equity_metrics_read(&p->days, p->days_per_year, out->fall_equity.share, &out->days);
    equity_order_of(returns, kept_returns(p, returns), &out->days, scratch, &out->order);
    trades_read(&p->trades, &out->trades);
    activity_figures(p, out);
}

/* --- weeks ------------------------------------------------------------------------------------------------------------------ */

/* Its Monday to Friday and the weekend before it. */
static uint32_t week_days(const struct trading_calendar *calendar, int64_t week)
{
    return trading_day_count(calendar, week - 6, week);
}

static void week_add(struct performance_week *week, double ret, bool whole)
{
    week->partial |= !whole;
    if (isnan(ret))
        return;
    week->ret = (1.0 + week->ret) * (1.0 + ret) - 1.0;
    week->days++;
}

struct week_list {
    const struct trading_calendar *calendar;
    struct performance_week *out;
    uint32_t max, count;
};

static struct performance_week *week_at(struct week_list *list, int64_t friday)
{
    if (list->count > 0 && list->out[list->count - 1].week == friday)
        return &list->out[list->count - 1];
    if (list->count == list->max) {
        memmove(list->out, list->out + 1, (list->max - 1) * sizeof *list->out);
        list->count--;
    }
    struct performance_week *week = &list->out[list->count++];
    *week = (struct performance_week){.week = friday, .days_expected = week_days(list->calendar, friday)};
    return week;
}

uint32_t performance_weeks(const struct performance *p, const struct trading_calendar *calendar, struct performance_week *out,
                           uint32_t max)
{
    struct week_list list = {.calendar = calendar, .out = out, .max = max};
    if (max == 0)
        return 0;
    for (uint32_t i = 0; i < p->ring_count; i++) {
        const struct performance_day *day = performance_day(p, i);
        week_add(week_at(&list, trading_week_of(day->day)), day->ret, !(day->flags & PERFORMANCE_DAY_CUT));
    }
    if (p->sample_count > 0 && p->day_end_ns > 0) {
        double ret = p->day_equity > 0 ? (double)performance_day_pnl(p) / (double)p->day_equity : NAN;
        week_add(week_at(&list, trading_week_of(p->day)), ret, false);
    }
    for (uint32_t i = 0; i < list.count; i++)
        list.out[i].partial |= list.out[i].days < list.out[i].days_expected;
    return list.count;
}

/* --- bytes that come back ----------------------------------------------------------------------------------------------------- */

static bool time_sane(int64_t time_ns)
{
    return time_ns >= 0 && time_ns <= PERFORMANCE_TIME_MAX_NS;
}

static bool day_sane(int64_t day)
{
    return day > -TZ_DAYS_MAX / 2 && day < TZ_DAYS_MAX / 2;
}

static bool ring_sane(const struct performance *p)
{
    if (p->ring_first >= PERFORMANCE_DAYS_MAX || p->ring_count > PERFORMANCE_DAYS_MAX)
        return false;
    for (uint32_t i = 0; i < p->ring_count; i++) {
        const struct performance_day *day = performance_day(p, i);
        if (isinf(day->ret) || !day_sane(day->day) || day->flags > (PERFORMANCE_DAY_FILLED | PERFORMANCE_DAY_CUT))
            return false;
    }
    return p->days_undefined <= UINT64_MAX / 4 && p->days.returns.n <= UINT64_MAX / 4 &&
           p->ring_count <= p->days.returns.n + p->days_undefined;
}

static bool amounts_sane(const struct performance *p)
{
    return p->initial_equity > 0 && p->flows != DEC_NONE && p->equity != DEC_NONE && p->balance != DEC_NONE &&
           p->day_equity != DEC_NONE && p->day_flows != DEC_NONE && p->equity == p->fall_equity.value &&
           p->balance == p->fall_balance.value;
}

static bool times_sane(const struct performance *p)
{
    return time_sane(p->first_ns) && time_sane(p->last_ns) && p->first_ns <= p->last_ns && p->fall_equity.time_ns == p->last_ns &&
           p->fall_balance.time_ns == p->last_ns && p->day_end_ns >= 0 && day_sane(p->day) && p->open_us >= 0 &&
           p->exposed_open_us >= 0 && p->exposed_us >= 0 && p->open_us <= PERFORMANCE_TIME_MAX_NS / 1000 &&
           p->exposed_open_us <= p->open_us && p->exposed_us <= PERFORMANCE_TIME_MAX_NS / 1000;
}

bool performance_restorable(const void *bytes, uint64_t size)
{
    struct performance p;
    if (size != sizeof p)
        return false;
    memcpy(&p, bytes, sizeof p); /* of any alignment */
    if (p.version != PERFORMANCE_VERSION || p.bytes != sizeof p || !(p.days_per_year > 0.0) || !isfinite(p.days_per_year))
        return false;
    return amounts_sane(&p) && times_sane(&p) && ring_sane(&p) && equity_sums_restorable(&p.days) && p.days.mar == 0.0 &&
           drawdown_restorable(&p.fall_equity) && drawdown_restorable(&p.fall_balance) && trades_restorable(&p.trades);
}
