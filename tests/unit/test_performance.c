/* performance: an account over weeks by hand, online against everything recomputed from the samples, snapshots in the
 * middle, deposits, gaps, the ring's end, bytes that are not a state. */
#include "tests/unit/performance_support.h"

#include <errno.h>

#include "base/error.h"
#include "workers/performance/performance.h"
#include "workers/performance/sharpe.h"

#define WEEKS_MAX 400u
#define START (100000 * DEC_ONE)

static struct tz_table new_york;
static struct hours hours;
static struct trading_calendar calendar;

static int setup(void **state)
{
    struct error err = {0};
    if (tz_load("America/New_York", &new_york, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    hours = (struct hours){.zone = &new_york, .open_s = 61200, .close_s = 61200, .closed_weekend = true};
    calendar = (struct trading_calendar){
        .zone = &new_york, .roll_s = TRADING_DAY_NEW_YORK_S, .weekdays = TRADING_DAY_WEEKDAYS, .hours = &hours};
    return seed_setup(state);
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return tz_days_from_civil(year, month, day) * DAY + hour * HOUR + minute * MINUTE;
}

static struct performance_sample sample_of(int64_t time_ns, dec_t equity, uint32_t positions)
{
    return (struct performance_sample){.time_ns = time_ns, .balance = START, .equity = equity, .equity_high = equity,
                                       .equity_low = equity, .positions = positions};
}

static void feed(struct performance *p, int64_t time_ns, dec_t equity, uint32_t positions)
{
    struct performance_sample sample = sample_of(time_ns, equity, positions);
    assert_int_equal(performance_sample(p, &calendar, &sample), 0);
}

/* Thursday to Tuesday: three days that are over, a weekend that is none, a day that goes on. */
static void test_days_by_hand(void **state)
{
    (void)state;
    struct performance p;
    struct performance_report r;
    performance_init(&p, START, START, 260.0);
    feed(&p, at(2024, 1, 4, 15, 0), START + 500 * DEC_ONE, 1);
    feed(&p, at(2024, 1, 4, 21, 59), START + 1000 * DEC_ONE, 1);  /* Thursday's close */
    feed(&p, at(2024, 1, 4, 22, 0), START + 3000 * DEC_ONE, 0);   /* Friday's already */
    feed(&p, at(2024, 1, 5, 21, 0), START + 2010 * DEC_ONE, 0);
    performance_read(&p, &r);
    assert_int_equal(r.days.n, 1);
    assert_int_equal(r.day_pnl, 1010 * DEC_ONE);
    feed(&p, at(2024, 1, 7, 22, 0), START + 2010 * DEC_ONE, 0);   /* Sunday evening: Monday */
    feed(&p, at(2024, 1, 8, 22, 0), START + 2010 * DEC_ONE, 0);   /* Tuesday */
    performance_read(&p, &r);
    assert_int_equal(r.days.n, 3);
    assert_int_equal(r.days_filled, 0);
    assert_int_equal(p.ring_count, 3);
    const struct performance_day *day = performance_day(&p, 0);
    assert_true(day->day == tz_days_from_civil(2024, 1, 4) && day->pnl == 1000 * DEC_ONE);
    assert_near(day->ret, 0.01, 1e-15);
    assert_near(performance_day(&p, 1)->ret, 0.01, 1e-15); /* 1010 of 101000 */
    assert_true(performance_day(&p, 2)->day == tz_days_from_civil(2024, 1, 8) && performance_day(&p, 2)->ret == 0.0);
    assert_near(r.days.total_return, 0.0201, 1e-14);
    assert_near(r.days.mean, 0.02 / 3.0, 1e-15);
    assert_int_equal(r.fall_equity.money, 990 * DEC_ONE);
    struct performance_week weeks[4];
    assert_int_equal(performance_weeks(&p, &calendar, weeks, 4), 2);
    assert_true(weeks[0].week == tz_days_from_civil(2024, 1, 5) && weeks[0].partial && weeks[0].days == 2 &&
                weeks[0].days_expected == 5);
    assert_near(weeks[0].ret, 0.0201, 1e-14);
    assert_true(weeks[1].week == tz_days_from_civil(2024, 1, 12) && weeks[1].partial && weeks[1].days == 2);
    assert_int_equal(performance_weeks(&p, &calendar, weeks, 1), 1);
    assert_int_equal(weeks[0].week, tz_days_from_civil(2024, 1, 12)); /* the oldest are left out */
    assert_int_equal(performance_weeks(&p, &calendar, weeks, 0), 0);
}

static void test_exposure(void **state)
{
    (void)state;
    struct performance p;
    struct performance_report r;
    performance_init(&p, START, START, 260.0);
    feed(&p, at(2024, 1, 5, 20, 0), START, 1); /* Friday, two hours before the close */
    feed(&p, at(2024, 1, 5, 21, 0), START, 0);
    feed(&p, at(2024, 1, 5, 21, 30), START, 1);
    feed(&p, at(2024, 1, 7, 23, 0), START, 0); /* over the weekend: half an hour and one hour open */
    feed(&p, at(2024, 1, 8, 2, 0), START, 0);
    performance_read(&p, &r);
    assert_near(r.open_s, 6.0 * 3600.0, 1e-15);
    assert_near(r.exposure, 2.5 / 6.0, 1e-15);
    assert_near(r.exposure_wall, (1.0 + 49.5) / 54.0, 1e-15);
    struct trades_trade trade = {.entry_ns = at(2024, 1, 5, 21, 30), .exit_ns = at(2024, 1, 7, 23, 0), .open_ns = -1,
                                 .net = DEC_ONE, .risk = DEC_ONE};
    assert_int_equal(performance_trade(&p, &calendar, &trade), 0);
    performance_read(&p, &r);
    assert_near(r.trades.duration_open_s, 1.5 * 3600.0, 1e-15);
    assert_near(r.trades.duration_s, 49.5 * 3600.0, 1e-15);
}

static void test_deposit_is_no_gain(void **state)
{
    (void)state;
    struct performance p;
    struct performance_report r;
    performance_init(&p, START, START, 260.0);
    feed(&p, at(2024, 1, 4, 15, 0), START, 0);
    assert_int_equal(performance_flow(&p, 50000 * DEC_ONE), 0);
    struct performance_sample sample = sample_of(at(2024, 1, 4, 16, 0), START + 51000 * DEC_ONE, 0);
    sample.balance += 50000 * DEC_ONE;
    assert_int_equal(performance_sample(&p, &calendar, &sample), 0);
    assert_int_equal(performance_flow(&p, -51000 * DEC_ONE), 0);
    sample = sample_of(at(2024, 1, 4, 23, 0), START, 0);
    sample.balance -= 1000 * DEC_ONE;
    assert_int_equal(performance_sample(&p, &calendar, &sample), 0);
    performance_read(&p, &r);
    assert_true(r.days.n == 1 && performance_day(&p, 0)->pnl == 1000 * DEC_ONE && r.flows == -1000 * DEC_ONE);
    assert_near(r.days.total_return, 0.01, 1e-15); /* over the equity at the previous close */
    assert_true(r.fall_equity.money == 0 && r.fall_balance.money == 0);
    struct performance before = p;
    assert_int_equal(performance_flow(&p, DEC_MAX), -ERANGE);
    assert_memory_equal(&p, &before, sizeof p);
    performance_init(&p, START, START, 260.0);
    assert_int_equal(performance_flow(&p, -START), -EINVAL); /* nothing to begin with */
}

static void test_low_of_a_bar(void **state)
{
    (void)state;
    struct performance p;
    struct performance_report r;
    struct performance_sample sample = sample_of(at(2024, 1, 4, 15, 0), START, 1);
    sample.equity_high = START + 1000 * DEC_ONE; /* high before low: from the higher peak */
    sample.equity_low = START - 1000 * DEC_ONE;
    performance_init(&p, START, START, 260.0);
    assert_int_equal(performance_sample(&p, &calendar, &sample), 0);
    performance_read(&p, &r);
    assert_int_equal(r.fall_equity.money, 2000 * DEC_ONE);
    assert_int_equal(r.fall_equity.money_now, 1000 * DEC_ONE);
    assert_int_equal(r.fall_balance.money, 0);
    assert_near(r.fall_equity.share, 2000.0 / 101000.0, 1e-15);
}

static void test_gap_is_filled(void **state)
{
    (void)state;
    struct performance p;
    performance_init(&p, START, START, 260.0);
    feed(&p, at(2024, 1, 4, 15, 0), START, 0);                   /* Thursday */
    feed(&p, at(2024, 1, 10, 15, 0), START + 700 * DEC_ONE, 0);  /* Wednesday: Friday, Monday, Tuesday had none */
    assert_int_equal(p.ring_count, 4);
    assert_int_equal(p.days_filled, 3);
    assert_int_equal(performance_day(&p, 0)->flags, 0);
    for (uint32_t i = 1; i < 4; i++)
        assert_true(performance_day(&p, i)->flags == PERFORMANCE_DAY_FILLED && performance_day(&p, i)->ret == 0.0);
    assert_int_equal(performance_day(&p, 1)->day, tz_days_from_civil(2024, 1, 5));
    assert_int_equal(performance_day_pnl(&p), 700 * DEC_ONE);
    feed(&p, at(2040, 1, 10, 15, 0), START, 0); /* sixteen years: no more than PERFORMANCE_FILL_MAX at once */
    assert_int_equal(p.days_filled, 3 + PERFORMANCE_FILL_MAX);
    assert_int_equal(p.ring_count, PERFORMANCE_DAYS_MAX);
}

static void test_finish(void **state)
{
    (void)state;
    struct performance p, before;
    performance_init(&p, START, START, 260.0);
    before = p;
    performance_finish(&p);
    assert_memory_equal(&p, &before, sizeof p); /* nothing was going on */
    feed(&p, at(2024, 1, 4, 15, 0), START + 100 * DEC_ONE, 0);
    performance_finish(&p);
    performance_finish(&p);
    assert_int_equal(p.ring_count, 1);
    assert_int_equal(performance_day(&p, 0)->flags, PERFORMANCE_DAY_CUT);
    feed(&p, at(2024, 1, 5, 23, 0), START + 300 * DEC_ONE, 0); /* Monday; Friday was not looked at */
    assert_int_equal(p.ring_count, 2);
    assert_int_equal(performance_day_pnl(&p), 200 * DEC_ONE);
}

/* Five days of five, but Friday was cut or is not over. */
static void test_week_with_a_cut_day_is_partial(void **state)
{
    (void)state;
    struct performance p;
    struct performance_week week;
    performance_init(&p, START, START, 260.0);
    for (int day = 8; day <= 12; day++)
        feed(&p, at(2024, 1, day, 15, 0), START + day * DEC_ONE, 0);
    assert_int_equal(performance_weeks(&p, &calendar, &week, 1), 1);
    assert_true(week.days == 5 && week.days_expected == 5 && week.partial);
    struct performance cut = p;
    performance_finish(&cut);
    assert_int_equal(performance_weeks(&cut, &calendar, &week, 1), 1);
    assert_true(week.days == 5 && week.partial);
    feed(&p, at(2024, 1, 12, 22, 0), START, 0);
    struct performance_week weeks[2];
    assert_int_equal(performance_weeks(&p, &calendar, weeks, 2), 2);
    assert_true(weeks[0].days == 5 && !weeks[0].partial && weeks[1].partial);
}

static void test_ruin_has_no_return(void **state)
{
    (void)state;
    struct performance p;
    struct performance_report r;
    performance_init(&p, START, START, 260.0);
    feed(&p, at(2024, 1, 4, 15, 0), 0, 0);
    feed(&p, at(2024, 1, 5, 15, 0), 0, 0);
    feed(&p, at(2024, 1, 8, 15, 0), DEC_ONE, 0);
    performance_read(&p, &r);
    assert_int_equal(r.days_undefined, 1);
    assert_int_equal(r.days.n, 1);
    assert_true(r.days.total_return == -1.0 && isnan(performance_day(&p, 1)->ret) && r.fall_equity.share == 1.0);
}

static void expect_refused(struct performance *p, const struct performance_sample *sample, int error)
{
    struct performance before = *p;
    assert_int_equal(performance_sample(p, &calendar, sample), error);
    assert_memory_equal(p, &before, sizeof *p);
}

static void test_refused(void **state)
{
    (void)state;
    struct performance p;
    performance_init(&p, START, START, 260.0);
    struct performance_sample bad = sample_of(-1, START, 0);
    expect_refused(&p, &bad, -EINVAL);
    feed(&p, at(2024, 1, 4, 15, 0), START, 0);
    bad = sample_of(at(2024, 1, 4, 14, 59), START, 0);
    expect_refused(&p, &bad, -EINVAL);
    bad = sample_of(PERFORMANCE_TIME_MAX_NS + 1, START, 0);
    expect_refused(&p, &bad, -EINVAL);
    bad = sample_of(at(2024, 1, 4, 15, 1), START, 0);
    bad.equity_low = START + 1;
    expect_refused(&p, &bad, -EINVAL);
    bad = sample_of(at(2024, 1, 4, 15, 1), START, 0);
    bad.equity_low = DEC_NONE;
    expect_refused(&p, &bad, -ERANGE);
    bad = sample_of(at(2024, 1, 4, 15, 1), START, 0);
    bad.balance = DEC_NONE;
    expect_refused(&p, &bad, -ERANGE);
}

static void test_conversion(void **state)
{
    (void)state;
    struct performance p;
    struct performance_report r;
    performance_init(&p, START, START, 260.0);
    performance_read(&p, &r);
    assert_true(isnan(r.conversion) && isnan(r.exposure) && isnan(r.exposure_wall) && isnan(r.days.sharpe));
    for (int i = 0; i < 10; i++)
        performance_signal(&p, PERFORMANCE_SIGNAL_EMITTED);
    performance_signal(&p, PERFORMANCE_SIGNAL_EXPIRED);
    performance_signal(&p, PERFORMANCE_SIGNAL_EXPIRED);
    performance_signal(&p, PERFORMANCE_SIGNAL_EXECUTED);
    performance_read(&p, &r);
    assert_int_equal(r.eligible, 8);
    assert_near(r.conversion, 0.125, 1e-15);
}

/* --- a random account ----------------------------------------------------------------------------------------------------- */

#define SAMPLES 6000u

struct event {
    struct performance_sample sample;
    struct trades_trade trade;
    dec_t flow;        /* before the sample */
    bool has_trade;
};

static void draw_events(struct event *events, uint32_t n, int64_t step)
{
    int64_t time = at(2019, 3, 1, 0, 0) + draw_below(7 * DAY);
    dec_t equity = START, balance = START;
    for (uint32_t i = 0; i < n; i++) {
        struct event *e = &events[i];
        memset(e, 0, sizeof *e);
        time += draw_below(step) + (draw_below(300) ? 0 : 12 * DAY);
        if (draw_below(150) == 0)
            e->flow = (draw_below(200) - 80) * 100 * DEC_ONE;
        if (equity + e->flow < 50000 * DEC_ONE)
            e->flow = 0;
        dec_t move = (draw_below(40001) - 19900) * DEC_ONE / 100;
        equity += e->flow + move;
        equity = equity < 20000 * DEC_ONE ? 20000 * DEC_ONE : equity;
        balance += e->flow;
        if (draw_below(8) == 0) {
            e->has_trade = true;
            e->trade = (struct trades_trade){.entry_ns = time - draw_below(DAY), .exit_ns = time, .open_ns = -1,
                                             .net = equity - balance, .risk = 1 + draw_below(1000) * DEC_ONE,
                                             .cost = 3 * DEC_ONE, .slippage = draw_below(3) * DEC_ONE};
            balance = equity;
        }
        e->sample = (struct performance_sample){.time_ns = time, .balance = balance, .equity = equity,
                                                .equity_high = equity + draw_below(100) * DEC_ONE,
                                                .equity_low = equity - draw_below(100) * DEC_ONE,
                                                .positions = (uint32_t)draw_below(3)};
    }
}

static void play(struct performance *p, const struct event *events, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (events[i].flow)
            assert_int_equal(performance_flow(p, events[i].flow), 0);
        assert_int_equal(performance_sample(p, &calendar, &events[i].sample), 0);
        if (events[i].has_trade)
            assert_int_equal(performance_trade(p, &calendar, &events[i].trade), 0);
        performance_signal(p, events[i].has_trade ? PERFORMANCE_SIGNAL_EXECUTED : PERFORMANCE_SIGNAL_EMITTED);
    }
}

/* The days' returns from the samples: the last equity of each day that exists, flows taken out. */
static uint32_t batch_returns(const struct event *events, uint32_t n, double *out)
{
    uint32_t count = 0;
    dec_t previous = START, close = START, flows = 0;
    int64_t day = trading_day_of(&calendar, events[0].sample.time_ns);
    for (uint32_t i = 0; i < n; i++) {
        int64_t now = trading_day_of(&calendar, events[i].sample.time_ns);
        /* a flow is told before the sample, so it is of the day of the sample before */
        flows += i > 0 || now == day ? events[i].flow : 0;
        close += events[i].flow;
        if (now != day) {
            out[count++] = (double)(close - previous - flows) / (double)previous;
            previous = close;
            flows = 0;
            for (day = trading_day_next(&calendar, day); day < now; day = trading_day_next(&calendar, day))
                out[count++] = 0.0;
        }
        close = events[i].sample.equity;
    }
    return count;
}

static void test_online_equals_batch(void **state)
{
    (void)state;
    static struct event events[SAMPLES];
    static double returns[SAMPLES * 12], scratch[SAMPLES * 12];
    for (int round = 0; round < 5; round++) {
        static struct performance p;
        static struct performance_report r;
        struct equity_metrics batch;
        struct equity_order order;
        struct trades trades;
        struct trades_report trades_batch;
        draw_events(events, SAMPLES, round % 2 ? 3 * HOUR : 10 * HOUR);
        performance_init(&p, START, START, 260.9);
        play(&p, events, 0, SAMPLES);
        performance_read(&p, &r);
        uint32_t n = batch_returns(events, SAMPLES, returns);
        equity_metrics_of(returns, n, 260.9, 0.0, &batch);
        assert_true(r.days.n == n && n > (round % 2 ? 200 : PERFORMANCE_DAYS_MAX)); /* some more than are kept */
        assert_near(r.days.mean, batch.mean, 1e-13);
        assert_near(r.days.sd, batch.sd, 1e-13);
        assert_near(r.days.sharpe, batch.sharpe, 1e-11);
        assert_near(r.days.sortino, batch.sortino, 1e-11);
        assert_near(r.days.sharpe_low, batch.sharpe_low, 1e-9);
        assert_near(r.days.total_return, batch.total_return, 1e-12);
        assert_near(r.days.cagr, batch.cagr, 1e-12);
        uint32_t kept = n < PERFORMANCE_DAYS_MAX ? n : PERFORMANCE_DAYS_MAX;
        assert_int_equal(p.ring_count, kept);
        for (uint32_t i = 0; i < kept; i++)
            assert_true(performance_day(&p, i)->ret == returns[n - kept + i]);
        equity_order_of(returns + n - kept, kept, &r.days, scratch, &order);
        assert_memory_equal(&order, &r.order, sizeof order);
        trades_init(&trades);
        for (uint32_t i = 0; i < SAMPLES; i++)
            if (events[i].has_trade) {
                struct trades_trade trade = events[i].trade;
                trade.open_ns = trading_open_ns(&hours, NULL, trade.entry_ns, trade.exit_ns);
                assert_int_equal(trades_add(&trades, &trade), 0);
            }
        trades_read(&trades, &trades_batch);
        assert_memory_equal(&trades_batch, &r.trades, sizeof trades_batch);
    }
}

/* Time with the market open, added up from sample to sample, is that of the whole. */
static void test_time_equals_the_whole(void **state)
{
    (void)state;
    static struct event events[SAMPLES];
    static struct performance p;
    draw_events(events, SAMPLES, 3 * HOUR);
    for (uint32_t i = 0; i < SAMPLES; i++) { /* whole microseconds, so that no rest is lost */
        events[i].sample.time_ns -= events[i].sample.time_ns % 1000;
        events[i].has_trade = false;
    }
    performance_init(&p, START, START, 260.9);
    play(&p, events, 0, SAMPLES);
    int64_t open = 0, wall = 0;
    for (uint32_t i = 1; i < SAMPLES; i++)
        if (events[i - 1].sample.positions) {
            open += trading_open_ns(&hours, NULL, events[i - 1].sample.time_ns, events[i].sample.time_ns);
            wall += events[i].sample.time_ns - events[i - 1].sample.time_ns;
        }
    assert_int_equal(p.open_us * 1000, trading_open_ns(&hours, NULL, p.first_ns, p.last_ns));
    assert_int_equal(p.exposed_open_us * 1000, open);
    assert_int_equal(p.exposed_us * 1000, wall);
}

/* A copy of the bytes, anywhere, goes on to the same bytes. */
static void test_snapshot_goes_on(void **state)
{
    (void)state;
    static struct event events[SAMPLES];
    static struct performance whole, part;
    static unsigned char snapshot[sizeof part + 1];
    draw_events(events, SAMPLES, 4 * HOUR);
    performance_init(&whole, START, START, 260.9);
    memset(&part, 0xff, sizeof part);
    performance_init(&part, START, START, 260.9);
    play(&whole, events, 0, SAMPLES);
    for (uint32_t at_event = 0; at_event < SAMPLES;) {
        uint32_t to = at_event + 1 + (uint32_t)draw_below(900);
        to = to > SAMPLES ? SAMPLES : to;
        play(&part, events, at_event, to);
        memcpy(snapshot + 1, &part, sizeof part); /* not aligned */
        memset(&part, 0xaa, sizeof part);
        assert_true(performance_restorable(snapshot + 1, sizeof part));
        memcpy(&part, snapshot + 1, sizeof part);
        at_event = to;
    }
    assert_memory_equal(&whole, &part, sizeof whole);
    struct performance_report a, b;
    performance_read(&whole, &a);
    performance_read(&part, &b);
    assert_memory_equal(&a, &b, sizeof a);
}

static void test_weeks_multiply_up(void **state)
{
    (void)state;
    static struct event events[SAMPLES];
    static struct performance p;
    static struct performance_week weeks[WEEKS_MAX];
    draw_events(events, SAMPLES, 2 * HOUR);
    performance_init(&p, START, START, 260.9);
    play(&p, events, 0, SAMPLES);
    performance_finish(&p);
    uint32_t count = performance_weeks(&p, &calendar, weeks, WEEKS_MAX);
    double product = 1.0, wanted = 1.0;
    for (uint32_t i = 0; i < count; i++) {
        product *= 1.0 + weeks[i].ret;
        assert_true(i == 0 || weeks[i].week == weeks[i - 1].week + 7);
        assert_true(weeks[i].days_expected == 5 && weeks[i].days <= 5);
        assert_true(weeks[i].partial || weeks[i].days == 5);
        assert_true(i == 0 || i == count - 1 || !weeks[i].partial);
    }
    for (uint32_t i = 0; i < p.ring_count; i++)
        wanted *= 1.0 + performance_day(&p, i)->ret;
    assert_near(product, wanted, 1e-12);
    assert_true(weeks[count - 1].partial); /* its last day was cut */
}

#define REFUSE(member, value)                                                                                          \
    do {                                                                                                               \
        bad = p;                                                                                                       \
        bad.member = (value);                                                                                          \
        assert_false(performance_restorable(&bad, sizeof bad));                                                        \
    } while (0)

static void test_hostile_fields(void **state)
{
    (void)state;
    static struct event events[SAMPLES];
    static struct performance p, bad;
    draw_events(events, SAMPLES, HOUR);
    performance_init(&p, START, START, 260.9);
    assert_true(performance_restorable(&p, sizeof p));
    play(&p, events, 0, SAMPLES);
    assert_true(performance_restorable(&p, sizeof p));
    assert_false(performance_restorable(&p, sizeof p - 1));
    REFUSE(version, PERFORMANCE_VERSION + 1);
    REFUSE(bytes, 0);
    REFUSE(days_per_year, 0.0);
    REFUSE(days_per_year, NAN);
    REFUSE(ring_first, PERFORMANCE_DAYS_MAX);
    REFUSE(ring_count, PERFORMANCE_DAYS_MAX + 1);
    REFUSE(day, INT64_MAX);
    REFUSE(day, INT64_MIN);
    REFUSE(last_ns, -1);
    REFUSE(last_ns, INT64_MAX);
    REFUSE(equity, DEC_NONE);
    REFUSE(flows, DEC_NONE);
    REFUSE(day_flows, DEC_NONE);
    REFUSE(initial_equity, 0);
    REFUSE(open_us, -1);
    REFUSE(open_us, INT64_MAX);
    REFUSE(days.growth, INFINITY);
    REFUSE(days.returns.n, 0);
    REFUSE(days.mar, 0.1);
    REFUSE(fall_equity.share.peak, 0);
    REFUSE(fall_balance.n, 0);
    REFUSE(trades.wins, UINT64_MAX);
}

static void test_hostile_bytes(void **state)
{
    (void)state;
    static struct event events[SAMPLES];
    static struct performance p;
    static struct performance_report r;
    static struct performance_week weeks[WEEKS_MAX];
    uint32_t taken = 0, half = SAMPLES / 2;
    draw_events(events, SAMPLES, 2 * HOUR);
    performance_init(&p, START, START, 260.9);
    play(&p, events, 0, half);
    for (int round = 0; round < 6000; round++) {
        struct performance bad = p;
        unsigned char *bytes = (unsigned char *)&bad;
        size_t ring = offsetof(struct performance, ring), after = offsetof(struct performance, fall_equity);
        for (int64_t i = 1 + draw_below(3); i > 0; i--) {
            size_t place = (size_t)draw_below(sizeof bad);
            if (place >= ring && place < after && draw_below(20)) /* most of it is days: elsewhere, as a rule */
                place = (size_t)draw_below((int64_t)ring);
            bytes[place] = (unsigned char)draw();
        }
        if (!performance_restorable(&bad, sizeof bad))
            continue;
        taken++; /* the sanitizer looks on: nothing must be an index, wrap, or end the process */
        for (uint32_t i = half; i < half + 40; i++) {
            (void)performance_flow(&bad, events[i].flow);
            (void)performance_sample(&bad, &calendar, &events[i].sample);
            (void)performance_trade(&bad, &calendar, &events[i].trade);
        }
        performance_read(&bad, &r);
        (void)performance_weeks(&bad, &calendar, weeks, WEEKS_MAX);
        performance_finish(&bad);
    }
    assert_true(taken > 100 && taken < 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_by_hand),   cmocka_unit_test(test_exposure),
        cmocka_unit_test(test_deposit_is_no_gain), cmocka_unit_test(test_low_of_a_bar),
        cmocka_unit_test(test_gap_is_filled),  cmocka_unit_test(test_finish),
        cmocka_unit_test(test_week_with_a_cut_day_is_partial), cmocka_unit_test(test_ruin_has_no_return), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_conversion),     cmocka_unit_test(test_online_equals_batch),
        cmocka_unit_test(test_time_equals_the_whole), cmocka_unit_test(test_snapshot_goes_on),
        cmocka_unit_test(test_weeks_multiply_up), cmocka_unit_test(test_hostile_fields),
        cmocka_unit_test(test_hostile_bytes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
