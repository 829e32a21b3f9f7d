/* simulator and session: the statistics that its header promises, hours that are kept, the same bytes each time. */
#include "workers/feed/simulator.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/feed_support.h"
#include "workers/feed/session.h"

#define BARS_MAX 600000u
#define SIX 6u

static struct sim_bar bars[BARS_MAX];

static uint32_t run(struct sim_market *market, const struct fleet_config *config, uint32_t index)
{
    struct sim_instrument *s = sim_instrument_new(market, config, index);
    uint32_t count = 0;
    assert_non_null(s);
    while (count < BARS_MAX && sim_next(s, &bars[count]))
        count++;
    sim_instrument_free(&s);
    return count;
}

static uint64_t digest(const struct fleet_config *config)
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        struct sim_market *market = sim_market_new(&config->feed);
        uint32_t count = run(market, config, i);
        for (uint32_t k = 0; k < count; k++)
            h = hash_bytes(&bars[k].open, 5 * sizeof(dec_t), hash_bytes(&bars[k].open_ns, 8, h ? h : 1));
        sim_market_free(&market);
    }
    return h;
}

static void normal_draws_are_normal(void **state)
{
    (void)state;
    double sum = 0, square = 0, fourth = 0;
    const int n = 2000000;
    int beyond = 0;
    for (int i = 0; i < n; i++) {
        double z = sim_normal(hash_mix64((uint64_t)i));
        sum += z;
        square += z * z;
        fourth += z * z * z * z;
        beyond += fabs(z) > 3;
    }
    assert_true(fabs(sum / n) < 0.003);
    assert_true(fabs(square / n - 1) < 0.005);
    assert_true(fabs(fourth / n - 3) < 0.03);
    assert_true(fabs((double)beyond / n - 0.0026998) < 0.0002);
    assert_true(fabs(sim_normal(UINT64_C(0xf999999999999999)) - 1.9599639845) < 1e-6); /* 97.5 % */
    for (double x = 1; x > 1e-15; x *= 0.83)
        assert_true(fabs(sim_log(x) - log(x)) <= 1e-14 * (1 + fabs(log(x))));
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    uint64_t first = digest(support_simulator(42, 20));
    assert_int_equal(digest(support_simulator(42, 20)), first);
    assert_int_not_equal(digest(support_simulator(43, 20)), first);
    /* On every machine: a change of this number is a change of every simulated result. */
    print_message("digest of seed 42, 20 days: 0x%016" PRIx64 "\n", first);
    assert_int_equal(first, UINT64_C(0x4ca836e7b123cdbc));
}

/* Another instrument in the file, or a longer run, changes nothing of what an instrument does. */
static void instruments_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct fleet_config *config = support_simulator(5, 10);
    struct sim_market *market = sim_market_new(&config->feed);
    uint32_t count = run(market, config, 2);
    uint64_t alone = hash_bytes(bars, count * sizeof bars[0], 0);
    sim_market_free(&market);
    config->instruments[0] = config->instruments[2]; /* at another index */
    market = sim_market_new(&config->feed);
    assert_int_equal(run(market, config, 0), count);
    assert_int_equal(hash_bytes(bars, count * sizeof bars[0], 0), alone);
    sim_market_free(&market);
    config->feed.sim_days = 11;
    market = sim_market_new(&config->feed);
    assert_true(run(market, config, 0) > count);
    assert_int_equal(hash_bytes(bars, count * sizeof bars[0], 0), alone);
    sim_market_free(&market);
}

static void bars_are_bars_and_in_session(void **state)
{
    (void)state;
    struct fleet_config *config = support_simulator(3, 120); /* over the clock change of March */
    for (uint32_t i = 0; i < SIX; i++) {
        const struct config_instrument *c = &config->instruments[i];
        struct sim_market *market = sim_market_new(&config->feed);
        uint32_t count = run(market, config, i), wide = 0;
        sim_market_free(&market);
        assert_true(count > 100000);
        for (uint32_t k = 0; k < count; k++) {
            const struct sim_bar *b = &bars[k];
            assert_true(k == 0 || b->open_ns >= bars[k - 1].close_ns);
            assert_int_equal(b->close_ns - b->open_ns, SUPPORT_MINUTE_NS);
            assert_true(b->low > 0 && b->low <= b->open && b->open <= b->high && b->low <= b->close && b->close <= b->high);
            assert_true(b->open % c->tick == 0 && b->high % c->tick == 0 && b->low % c->tick == 0 && b->close % c->tick == 0);
            assert_true(b->volume >= DEC_ONE && b->volume % DEC_ONE == 0 && isfinite(b->stress));
            wide += b->high > b->low;
            /* The independent word on the hours. */
            int64_t local = b->open_ns / SUPPORT_S + tz_offset_at(&config->zones[c->session_zone], b->open_ns);
            int second = (int)(local % 86400), weekday = tz_weekday(&config->zones[c->session_zone], b->open_ns);
            if (!c->closed_weekend)
                continue;
            assert_true(weekday != 6 && !(weekday == 5 && second >= 61200) && !(weekday == 0 && second < c->session_open_s));
            assert_true(c->session_open_s == 61200 || second < 61200 || second >= c->session_open_s);
        }
        assert_true(wide > count / 2);
        if (!c->closed_weekend)
            assert_int_equal(count, 120 * 1440);
    }
}

struct moments {
    double volatility, kurtosis, clustering, day_swing, gap_ratio;
};

static double *returns(uint32_t count)
{
    double *r = malloc(count * sizeof *r);
    assert_non_null(r);
    for (uint32_t i = 0; i < count; i++)
        r[i] = log((double)bars[i].close / (double)bars[i].open);
    return r;
}

static struct moments measure(uint32_t count)
{
    double *r = returns(count), square = 0, fourth = 0, lagged = 0, square4 = 0, quiet = 0, busy = 0, gaps = 0;
    uint32_t quiets = 0, busies = 0, gap_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        double s = r[i] * r[i];
        square += s;
        fourth += s * s;
        int hour = (int)(bars[i].open_ns / SUPPORT_HOUR_NS % 24);
        if (hour == 4)
            quiet += s, quiets++;
        if (hour == 14)
            busy += s, busies++;
        if (i > 0 && bars[i].open_ns - bars[i - 1].close_ns > 24 * SUPPORT_HOUR_NS) {
            double g = log((double)bars[i].open / (double)bars[i - 1].close);
            gaps += g * g;
            gap_count++;
        }
    }
    double mean = square / count;
    for (uint32_t i = 0; i + 10 < count; i++) {
        lagged += (r[i] * r[i] - mean) * (r[i + 10] * r[i + 10] - mean);
        square4 += (r[i] * r[i] - mean) * (r[i] * r[i] - mean);
    }
    free(r);
    return (struct moments){.kurtosis = fourth / count / (mean * mean),
                            .clustering = lagged / square4,
                            .volatility = sqrt(mean),
                            .day_swing = sqrt(busy / busies / (quiet / quiets)),
                            .gap_ratio = gap_count ? sqrt(gaps / gap_count / mean) : 0};
}

static void returns_look_like_a_market(void **state)
{
    (void)state;
    struct fleet_config *config = support_simulator(11, 365);
    for (uint32_t i = 0; i < SIX; i++) {
        const struct config_instrument *c = &config->instruments[i];
        struct sim_market *market = sim_market_new(&config->feed);
        uint32_t count = run(market, config, i);
        sim_market_free(&market);
        struct moments m = measure(count);
        double year = m.volatility * sqrt(count);
        print_message("%s: volatility %.3f of %.3f, kurtosis %.1f, clustering %.3f, day %.1f, weekend gap %.0f minutes\n",
                      c->symbol, year, c->sim_volatility_year, m.kurtosis, m.clustering, m.day_swing, m.gap_ratio);
        assert_true(year > 0.8 * c->sim_volatility_year && year < 1.5 * c->sim_volatility_year);
        assert_true(m.kurtosis > 4);
        assert_true(m.clustering > 0.01);
        assert_true(m.day_swing > 1.5);
        assert_true(c->closed_weekend ? m.gap_ratio > 5 : m.gap_ratio == 0);
    }
}

/* Hourly returns of two instruments in step; loadings say what their correlation is. */
static void correlations_follow_the_loadings(void **state)
{
    (void)state;
    enum { HOURS = 24 * 365 };
    static double hourly[SIX][HOURS];
    struct fleet_config *config = support_simulator(17, 365);
    memset(hourly, 0, sizeof hourly);
    for (uint32_t i = 0; i < SIX; i++) {
        config->instruments[i].sim_jumps_year = 0;
        config->instruments[i].asset_class = ASSET_FX; /* one day pattern, so that only loadings differ */
        struct sim_market *market = sim_market_new(&config->feed);
        uint32_t count = run(market, config, i);
        sim_market_free(&market);
        for (uint32_t k = 0; k < count; k++) {
            int64_t hour = (bars[k].open_ns - config->feed.sim_start_ns) / SUPPORT_HOUR_NS;
            hourly[i][hour] += log((double)bars[k].close / (double)bars[k].open);
        }
    }
    double most = 0;
    for (uint32_t i = 0; i < SIX; i++)
        for (uint32_t j = 0; j < i; j++) {
            double ij = 0, ii = 0, jj = 0, want = 0;
            for (int h = 0; h < HOURS; h++) {
                if (hourly[i][h] == 0 || hourly[j][h] == 0)
                    continue; /* one of them closed */
                ij += hourly[i][h] * hourly[j][h];
                ii += hourly[i][h] * hourly[i][h];
                jj += hourly[j][h] * hourly[j][h];
            }
            for (int k = 0; k < 3; k++)
                want += config->instruments[i].sim_loading[k] * config->instruments[j].sim_loading[k];
            double got = ij / sqrt(ii * jj), off = fabs(got - want);
            print_message("I%u I%u: correlation %.3f, loadings %.3f\n", j, i, got, want);
            most = off > most ? off : most;
        }
    assert_true(most < 0.1);
}

static void prices_stay_possible(void **state)
{
    (void)state;
    struct fleet_config *config = support_simulator(1, 0);
    config->feed.sim_timeframe = TIMEFRAME_H1;
    config->instruments[0].sim_volatility_year = 20; /* absurd */
    config->instruments[1].sim_volatility_year = 0;
    config->instruments[1].sim_jumps_year = 0;
    struct sim_market *market = sim_market_new(&config->feed);
    uint32_t count = run(market, config, 0); /* to the end of the zones' tables: it ends */
    assert_true(count > 100000 && count < BARS_MAX);
    for (uint32_t i = 0; i < count; i++)
        assert_true(bars[i].low > 0 && bars[i].high < 100000000 * DEC_ONE && bars[i].high >= bars[i].low);
    sim_market_free(&market);
    market = sim_market_new(&config->feed);
    count = run(market, config, 1);
    assert_int_equal(bars[count - 1].close, config->instruments[1].sim_start_price); /* no volatility, no move */
    sim_market_free(&market);
}

static void paths_hold_their_bar(void **state)
{
    (void)state;
    struct fleet_config *config = support_simulator(9, 5);
    struct sim_market *market = sim_market_new(&config->feed);
    struct sim_instrument *s = sim_instrument_new(market, config, 0);
    struct sim_bar bar;
    while (sim_next(s, &bar)) {
        int64_t times[SIM_QUOTES_PER_BAR];
        dec_t bids[SIM_QUOTES_PER_BAR], high = 0, low = DEC_MAX;
        sim_path(s, &bar, times, bids);
        for (unsigned i = 0; i < SIM_QUOTES_PER_BAR; i++) {
            assert_true(times[i] >= bar.open_ns && times[i] < bar.close_ns && (i == 0 || times[i] > times[i - 1]));
            assert_int_equal(bids[i] % config->instruments[0].tick, 0);
            high = dec_max(high, bids[i]);
            low = dec_min(low, bids[i]);
        }
        assert_true(times[0] == bar.open_ns && bids[0] == bar.open && bids[SIM_QUOTES_PER_BAR - 1] == bar.close);
        assert_true(high == bar.high && low == bar.low);
    }
    sim_instrument_free(&s);
    sim_market_free(&market);
}

static void sessions_know_their_hours(void **state)
{
    (void)state;
    struct config_instrument c = {.session_open_s = 64800, .session_close_s = 61200, .closed_weekend = true};
    assert_true(session_open_local(&c, 1, 0));
    assert_true(session_open_local(&c, 1, 61199));
    assert_false(session_open_local(&c, 1, 61200));
    assert_false(session_open_local(&c, 1, 64799));
    assert_true(session_open_local(&c, 1, 64800));
    assert_false(session_open_local(&c, 5, 64800));
    assert_false(session_open_local(&c, 6, 40000));
    assert_false(session_open_local(&c, 0, 64799));
    assert_true(session_open_local(&c, 0, 64800));
    c.session_open_s = 9 * 3600; /* a day session: closed at night */
    c.session_close_s = 17 * 3600;
    assert_false(session_open_local(&c, 2, 0));
    assert_true(session_open_local(&c, 2, 9 * 3600));
    assert_false(session_open_local(&c, 2, 17 * 3600));
    c.session_open_s = c.session_close_s = 0; /* all of the weekdays */
    assert_true(session_open_local(&c, 5, 86399));
    assert_false(session_open_local(&c, 6, 0));
    assert_true(session_open_local(&c, 0, 0));
    c.closed_weekend = false;
    assert_true(session_open_local(&c, 6, 0));
    struct fleet_config *config = support_config(1);
    assert_int_equal(session_week_minutes(&config->instruments[0], &config->zones[SUPPORT_NEW_YORK],
                                          SUPPORT_MONDAY_S * SUPPORT_S), 5 * 1440);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_draws_are_normal),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(instruments_do_not_disturb_each_other),
        cmocka_unit_test(bars_are_bars_and_in_session),
        cmocka_unit_test(returns_look_like_a_market),
        cmocka_unit_test(correlations_follow_the_loadings),
        cmocka_unit_test(prices_stay_possible),
        cmocka_unit_test(paths_hold_their_bar),
        cmocka_unit_test(sessions_know_their_hours),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
