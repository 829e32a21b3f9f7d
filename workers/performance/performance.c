#include "workers/performance/performance.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define NS_PER_US 1000

static_assert(sizeof(struct performance_day) == 24, "no padding: it is kept as bytes");
static_assert(sizeof(struct performance) == 8 + 15 * 8 + sizeof(struct equity_sums) + 8 +
                                                PERFORMANCE_DAYS_MAX * sizeof(struct performance_day) +
                                                2 * sizeof(struct drawdown) + sizeof(struct trades) +
                                                sizeof(struct performance_counts) + 24 + 16,
              "no padding: equal histories give equal bytes");

static void forget_close(struct performance *p)
{
    p->close = (struct hours_close){.from_ns = 1, .to_ns = 0};
}

void performance_init(struct performance *p, dec_t equity, dec_t balance, double days_per_year)
{
    assert(equity > 0 && balance > 0 && days_per_year > 0.0);
    memset(p, 0, sizeof *p);
    p->version = PERFORMANCE_VERSION;
    p->bytes = sizeof *p;
    p->days_per_year = days_per_year;
    p->initial_equity = p->equity = p->day_equity = equity;
    p->balance = balance;
    equity_sums_init(&p->days, 0.0);
    drawdown_init(&p->fall_equity, 0, equity);
    drawdown_init(&p->fall_balance, 0, balance);
    trades_init(&p->trades);
    forget_close(p);
}

/* --- days -------------------------------------------------------------------------------------------------------------- */

static void ring_push(struct performance *p, const struct performance_day *day)
{
    p->ring[(p->ring_first + p->ring_count) % PERFORMANCE_DAYS_MAX] = *day;
    if (p->ring_count < PERFORMANCE_DAYS_MAX)
        p->ring_count++;
    else
        p->ring_first = (p->ring_first + 1) % PERFORMANCE_DAYS_MAX;
    if (isnan(day->ret))
        p->days_undefined++;
    else
        equity_sums_add(&p->days, day->ret);
}

const struct performance_day *performance_day(const struct performance *p, uint32_t i)
{
    assert(i < p->ring_count);
    return &p->ring[(p->ring_first + i) % PERFORMANCE_DAYS_MAX];
}

/* What does not fit saturates: amounts were checked when they came, their difference was not. */
dec_t performance_day_pnl(const struct performance *p)
{
    dec_t pnl;
    if (__builtin_sub_overflow(p->equity, p->day_equity, &pnl) || __builtin_sub_overflow(pnl, p->day_flows, &pnl))
        return p->equity > p->day_equity ? DEC_MAX : -DEC_MAX;
    return pnl;
}

static double day_return(const struct performance *p)
{
    return p->day_equity > 0 ? (double)performance_day_pnl(p) / (double)p->day_equity : NAN;
}

static void day_close(struct performance *p, uint32_t flags)
{
    struct performance_day day = {.ret = day_return(p), .pnl = performance_day_pnl(p), .day = (int32_t)p->day, .flags = flags};
    ring_push(p, &day);
    p->day_equity = p->equity;
    p->day_flows = 0;
}

static void day_open(struct performance *p, const struct trading_calendar *calendar, int64_t day)
{
    p->day = day;
    p->day_end_ns = trading_day_end(calendar, day);
}

/* Close the day going on, make up for days that nobody looked at, open the one of time_ns. */
static void day_roll(struct performance *p, const struct trading_calendar *calendar, int64_t time_ns)
{
    int64_t today = trading_day_of(calendar, time_ns), over = p->day;
    if (p->day_end_ns > 0) /* not after performance_finish */
        day_close(p, 0);
    for (uint32_t i = 0; i < PERFORMANCE_FILL_MAX; i++) {
        over = trading_day_next(calendar, over);
        if (over >= today)
            break;
        struct performance_day filled = {
            .ret = p->equity > 0 ? 0.0 : (double)NAN, .day = (int32_t)over, .flags = PERFORMANCE_DAY_FILLED};
        ring_push(p, &filled);
        p->days_filled++;
    }
    day_open(p, calendar, today);
}

void performance_finish(struct performance *p)
{
    if (p->sample_count == 0 || p->day_end_ns == 0)
        return;
    day_close(p, PERFORMANCE_DAY_CUT);
    p->day_end_ns = 0; /* none is going on */
}

/* --- what comes in -------------------------------------------------------------------------------------------------------- */

static int sample_check(const struct performance *p, const struct performance_sample *s)
{
    if (s->time_ns < p->last_ns || s->time_ns <= 0 || s->time_ns > PERFORMANCE_TIME_MAX_NS)
        return -EINVAL;
    if (s->equity_low > s->equity || s->equity > s->equity_high)
        return -EINVAL;
    return s->equity_low == DEC_NONE || s->balance == DEC_NONE ? -ERANGE : 0;
}

/* The time since the sample before it, with what was open then. */
static void add_time(struct performance *p, const struct trading_calendar *calendar, int64_t time_ns)
{
    int64_t wall = time_ns - p->last_ns, open = wall;
    bool known = p->close.from_ns <= p->close.to_ns && p->last_ns < p->close.to_ns;
    if (calendar->hours && !known && !hours_next_close(calendar->hours, calendar->closures, p->last_ns, &p->close))
        p->close = (struct hours_close){.from_ns = INT64_MAX, .to_ns = INT64_MAX};
    if (calendar->hours && time_ns > p->close.from_ns)
        open = trading_open_ns(calendar->hours, calendar->closures, p->last_ns, time_ns);
    p->open_us += open / NS_PER_US;
    if (p->positions == 0)
        return;
    p->exposed_open_us += open / NS_PER_US;
    p->exposed_us += wall / NS_PER_US;
}

static void add_values(struct performance *p, const struct performance_sample *s)
{
    if (s->equity_high > s->equity)
        drawdown_add(&p->fall_equity, s->time_ns, s->equity_high);
    if (s->equity_low < s->equity)
        drawdown_add(&p->fall_equity, s->time_ns, s->equity_low);
    drawdown_add(&p->fall_equity, s->time_ns, s->equity);
    drawdown_add(&p->fall_balance, s->time_ns, s->balance);
    p->equity = s->equity;
    p->balance = s->balance;
    p->positions = s->positions;
    p->last_ns = s->time_ns;
    p->sample_count++;
}

/* The start counts from the first sample's time. */
static void first_sample(struct performance *p, const struct trading_calendar *calendar, int64_t time_ns)
{
    p->first_ns = p->last_ns = time_ns;
    drawdown_init(&p->fall_equity, time_ns, p->equity);
    drawdown_init(&p->fall_balance, time_ns, p->balance);
    day_open(p, calendar, trading_day_of(calendar, time_ns));
}

int performance_sample(struct performance *p, const struct trading_calendar *calendar, const struct performance_sample *sample)
{
    assert(p->version == PERFORMANCE_VERSION && p->bytes == sizeof *p);
    int error = sample_check(p, sample);
    if (error)
        return error;
    if (p->sample_count == 0)
        first_sample(p, calendar, sample->time_ns);
    else if (sample->time_ns >= p->day_end_ns)
        day_roll(p, calendar, sample->time_ns);
    add_time(p, calendar, sample->time_ns);
    add_values(p, sample);
    return 0;
}

int performance_flow(struct performance *p, dec_t amount)
{
    struct drawdown equity = p->fall_equity, balance = p->fall_balance;
    dec_t flows, day_flows;
    if (dec_add(p->flows, amount, &flows) || dec_add(p->day_flows, amount, &day_flows) ||
        drawdown_flow(&equity, amount) || drawdown_flow(&balance, amount))
        return -ERANGE;
    if (p->sample_count == 0 && (equity.value <= 0 || balance.value <= 0))
        return -EINVAL;
    p->fall_equity = equity;
    p->fall_balance = balance;
    p->equity = equity.value;
    p->balance = balance.value;
    p->flows = flows;
    p->day_flows = day_flows;
    return 0;
}

int performance_trade(struct performance *p, const struct trading_calendar *calendar, const struct trades_trade *trade)
{
    struct trades_trade known = *trade;
    if (known.open_ns < 0 && calendar->hours && known.entry_ns <= known.exit_ns)
        known.open_ns = trading_open_ns(calendar->hours, calendar->closures, known.entry_ns, known.exit_ns);
    return trades_add(&p->trades, &known);
}

void performance_signal(struct performance *p, enum performance_signal what)
{
    uint64_t *counts[] = {&p->signals.emitted, &p->signals.expired, &p->signals.executed};
    assert((unsigned)what < sizeof counts / sizeof counts[0]);
    ++*counts[what];
}
