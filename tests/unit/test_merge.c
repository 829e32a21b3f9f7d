/* merge and source: the order of the sequence, its flags, its span, its spreads; real files with PROPFLEET_DATA. */
#include "workers/feed/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "shm/market.h"
#include "tests/unit/feed_support.h"

#define ITEMS_MAX 400000u
#define T0 (SUPPORT_MONDAY_S * SUPPORT_S)

static struct feed_item items[ITEMS_MAX];

static uint64_t run(const struct fleet_config *config)
{
    struct error err = {0};
    struct merge *merge = merge_open(config, NULL, &err);
    uint64_t count = 0;
    int result;
    if (!merge)
        fail_msg("%s", err.text);
    while ((result = merge_next(merge, &items[count], &err)) == 1)
        assert_true(++count < ITEMS_MAX);
    if (result < 0)
        fail_msg("%s", err.text);
    assert_int_equal(merge_next(merge, &items[count], &err), 0);
    merge_close(&merge);
    assert_null(merge);
    return count;
}

static void use_file(struct fleet_config *config, uint32_t index, enum config_file_kind kind, uint32_t timeframe,
                     const char *path)
{
    struct config_instrument *c = &config->instruments[index];
    c->file_kind = kind;
    c->file_timeframe = timeframe;
    snprintf(c->file_path, sizeof c->file_path, "%s", path);
}

static int rank(const struct market_record *r)
{
    if (r->kind == MARKET_QUOTE)
        return r->instrument;
    return r->kind == MARKET_BAR ? 1000 + 100 * r->timeframe + r->instrument : 1000000;
}

/* What must hold of every sequence: order within an instant, one END each, instants that ascend, flags. */
static void check_order(const struct fleet_config *config, uint64_t count)
{
    int64_t last_end = INT64_MIN;
    uint64_t since_end = 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct market_record *r = &items[i].record;
        assert_true(r->time_ns > last_end);
        if (since_end > 0) {
            const struct market_record *before = &items[i - 1].record;
            assert_int_equal(r->time_ns, before->time_ns);
            assert_true(rank(r) > rank(before) || (rank(r) == rank(before) && r->kind == MARKET_QUOTE));
        }
        assert_true(r->kind != MARKET_END || since_end > 0); /* no empty instant */
        assert_int_equal(!!(r->flags & MARKET_LAST_OF_SOURCE), i == count - 1);
        assert_int_equal(!!(r->flags & MARKET_SIMULATED), config->feed.source == SOURCE_SIMULATOR);
        since_end++;
        if (r->kind == MARKET_END) {
            last_end = r->time_ns;
            since_end = 0;
        }
        if (r->kind == MARKET_BAR) {
            assert_true(items[i].open_ns < r->time_ns);
            assert_true(r->u.bar.low <= r->u.bar.open && r->u.bar.open <= r->u.bar.high);
            assert_true(r->u.bar.low <= r->u.bar.close && r->u.bar.close <= r->u.bar.high);
        }
    }
    assert_int_equal(since_end, 0);
}

static void bars_of_several_instruments_come_in_order(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(3);
    support_bars(config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 3000, 1);
    support_bars(config, 1, "b.csv", SUPPORT_MONDAY_S, 900, 200, 2);
    support_bars(config, 2, "c.csv", SUPPORT_MONDAY_S - 3600, 3600, 60, 3);
    uint64_t count = run(config);
    check_order(config, count);
    uint64_t base = 0, built = 0;
    for (uint64_t i = 0; i < count; i++)
        if (items[i].record.kind == MARKET_BAR)
            *(items[i].record.flags & MARKET_BASE ? &base : &built) += 1;
    assert_int_equal(base, 3260);
    /* 59 hours cover M1 and M15 of the first 50 hours: M5 600, M15 200, H1 50 (of M1); H1 50 (of M15); H4, D1. */
    assert_true(built > 900);
    /* The first instant: the hour of c closes at T0. */
    assert_int_equal(items[0].record.time_ns, T0);
    assert_int_equal(items[0].record.instrument, 2);
    assert_int_equal(items[1].record.kind, MARKET_END);
    assert_int_equal(items[2].record.time_ns, T0 + SUPPORT_MINUTE_NS);
}

static void same_configuration_same_sequence(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(2);
    support_bars(config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 3000, 1);
    support_bars(config, 1, "b.csv", SUPPORT_MONDAY_S, 60, 2000, 2);
    uint64_t count = run(config), first = hash_bytes(items, count * sizeof items[0], 0);
    assert_int_equal(run(config), count);
    assert_int_equal(hash_bytes(items, count * sizeof items[0], 0), first);
}

static void quotes_come_first_and_are_no_base(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(2);
    support_bars(config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 5, 1);
    use_file(config, 1, FILE_TICKS, 0,
             support_write("t.csv", "epoch_ns,bid,ask,bid_size,ask_size\n"
                                    "1704672000000000000,1.1,1.1,0,0\n"
                                    "1704672060000000000,1.2,1.3,2,3\n"
                                    "1704672060000000000,1.21,1.31,2,3\n"
                                    "1704672200000000000,1.4,1.5,0,0\n"));
    uint64_t count = run(config);
    check_order(config, count);
    static const struct { int64_t at_s; int kind, timeframe, instrument; } want[] = {
        {0, MARKET_QUOTE, 0, 1}, {0, MARKET_END, 0, 0},
        {60, MARKET_QUOTE, 0, 1}, {60, MARKET_QUOTE, 0, 1}, {60, MARKET_BAR, 0, 0}, {60, MARKET_BAR, 0, 1},
        {60, MARKET_END, 0, 0},
        {120, MARKET_BAR, 0, 0}, {120, MARKET_BAR, 0, 1}, {120, MARKET_END, 0, 0},
        {180, MARKET_BAR, 0, 0}, {180, MARKET_END, 0, 0},
        {200, MARKET_QUOTE, 0, 1}, {200, MARKET_END, 0, 0},
        {240, MARKET_BAR, 0, 0}, {240, MARKET_BAR, 0, 1}, {240, MARKET_END, 0, 0},
        {300, MARKET_BAR, 0, 0}, {300, MARKET_BAR, 1, 0}, {300, MARKET_BAR, 1, 1}, {300, MARKET_END, 0, 0},
    };
    assert_int_equal(count, sizeof want / sizeof want[0]);
    for (uint64_t i = 0; i < count; i++) {
        const struct market_record *r = &items[i].record;
        assert_int_equal(r->time_ns, T0 + want[i].at_s * SUPPORT_S);
        assert_int_equal(r->kind, want[i].kind);
        assert_int_equal(r->timeframe, want[i].timeframe);
        assert_int_equal(r->instrument, want[i].instrument);
        bool base = r->kind == MARKET_BAR && r->instrument == 0 && r->timeframe == 0;
        assert_int_equal(!!(r->flags & MARKET_BASE), base);
    }
    /* Locked becomes what the model says: 10 ticks at night x 1.3. */
    assert_int_equal(items[0].record.u.quote.ask - items[0].record.u.quote.bid, 13 * 1000);
    assert_int_equal(items[2].record.u.quote.ask - items[2].record.u.quote.bid, DEC_ONE / 10);
    assert_int_equal(items[2].record.u.quote.bid_size, 2 * DEC_ONE);
}

static void trades_are_bids_with_the_spread_on_top(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(1);
    config->instruments[0].price_kind = PRICE_LAST;
    use_file(config, 0, FILE_TICKS, 0, support_write("t.csv", "epoch_ns,price,size\n1704672000000000000,1.1,5\n"));
    assert_int_equal(run(config), 2);
    assert_int_equal(items[0].record.u.quote.bid, 110000000);
    assert_int_equal(items[0].record.u.quote.ask, 110013000);
}

static void the_greater_spread_counts(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(1);
    use_file(config, 0, FILE_BARS, TIMEFRAME_M1,
             support_write("a.csv", "epoch_s,open,high,low,close,volume\n"
                                    "1704711600,1,1,1,1,1\n1704711660,1,1,1,1,1\n1704711720,1,1,1,1,1\n1704711780,1,1,1,1,1\n"));
    snprintf(config->instruments[0].spread_path, CONFIG_PATH_MAX, "%s",
             support_write("a_spread.csv", "epoch_s,spread\n1704711600,0.00011\n1704711660,0\n1704711780,0.000123\n"));
    uint64_t count = run(config);
    static const unsigned want[4] = {11, 10, 10, 13}; /* at 11:00 UTC the model says 10; 12.3 is rounded up */
    unsigned at = 0;
    for (uint64_t i = 0; i < count; i++)
        if (items[i].record.flags & MARKET_BASE)
            assert_int_equal(items[i].record.spread_ticks, want[at++]);
    assert_int_equal(at, 4);
}

static void a_weekend_is_marked_and_dear(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(1);
    /* Friday 2024-01-12 21:00, then Monday 08:00: in London's hours, so that 5 x is the weekend's. */
    use_file(config, 0, FILE_BARS, TIMEFRAME_M1,
             support_write("a.csv", "epoch_s,open,high,low,close,volume\n1705093140,1,1,1,1,1\n1705093200,1,1,1,1,1\n"
                                    "1705305600,1,1,1,1,1\n1705305660,1,1,1,1,1\n1705309320,1,1,1,1,1\n1705312980,1,1,1,1,1\n"));
    uint64_t count = run(config);
    static const struct { bool gap; unsigned spread; } want[6] = {
        {false, 10}, {false, 13}, {true, 50}, {false, 10}, {false, 10}, {false, 10}};
    unsigned at = 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct market_record *r = &items[i].record;
        if (!(r->flags & MARKET_BASE))
            continue;
        assert_int_equal(!!(r->flags & MARKET_AFTER_GAP), want[at].gap); /* the last two: an hour is not more than one */
        assert_int_equal(r->spread_ticks, want[at++].spread);
    }
    assert_int_equal(at, 6);
}

static void warm_up_is_what_comes_before_the_span(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(2);
    support_bars(config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 600, 1);
    support_bars(config, 1, "b.csv", SUPPORT_MONDAY_S, 60, 600, 2);
    config->feed.from_ns = T0 + 300 * SUPPORT_MINUTE_NS;
    config->feed.to_ns = T0 + 400 * SUPPORT_MINUTE_NS;
    config->feed.warmup_bars = 50;
    uint64_t count = run(config);
    check_order(config, count);
    unsigned warm[2] = {0}, traded[2] = {0};
    for (uint64_t i = 0; i < count; i++) {
        const struct market_record *r = &items[i].record;
        bool is_warm = r->flags & MARKET_WARMUP;
        assert_int_equal(is_warm, r->time_ns <= config->feed.from_ns); /* END too */
        if (r->flags & MARKET_BASE)
            (is_warm ? warm : traded)[r->instrument]++;
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(warm[i], 50);
        assert_int_equal(traded[i], 100);
    }
    assert_int_equal(items[0].open_ns, T0 + 250 * SUPPORT_MINUTE_NS);
    assert_int_equal(items[count - 1].record.time_ns, config->feed.to_ns);

    config->feed.warmup_bars = 0;
    count = run(config);
    assert_int_equal(items[0].open_ns, config->feed.from_ns);
    config->feed.warmup_bars = 10000; /* more than there are */
    count = run(config);
    assert_int_equal(items[0].open_ns, T0);
    config->feed.from_ns = T0 + 5000 * SUPPORT_MINUTE_NS; /* the span is behind the file: warm-up alone */
    config->feed.to_ns = 0;
    config->feed.warmup_bars = 7;
    count = run(config);
    check_order(config, count);
    assert_int_equal(items[0].open_ns, T0 + 593 * SUPPORT_MINUTE_NS);
}

static void span_of_quotes_is_half_open(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(1);
    use_file(config, 0, FILE_TICKS, 0,
             support_write("t.csv", "epoch_ns,bid,ask,bid_size,ask_size\n"
                                    "1704671880000000000,1.1,1.2,0,0\n1704671940000000000,1.1,1.2,0,0\n"
                                    "1704672000000000000,1.1,1.2,0,0\n1704672060000000000,1.1,1.2,0,0\n"));
    config->feed.from_ns = T0;
    config->feed.to_ns = T0 + SUPPORT_MINUTE_NS;
    config->feed.warmup_bars = 1;
    uint64_t count = run(config);
    unsigned quotes = 0;
    for (uint64_t i = 0; i < count; i++)
        if (items[i].record.kind == MARKET_QUOTE) {
            assert_int_equal(!!(items[i].record.flags & MARKET_WARMUP), items[i].record.time_ns < T0);
            quotes++;
        }
    assert_int_equal(quotes, 2);
    /* The minute that closes at T0 is of before; the instant has a quote of the span, so END is not warm. */
    assert_int_equal(items[count - 1].record.flags & MARKET_WARMUP, 0);
}

static void a_files_own_span_is_kept(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(1);
    support_bars(config, 0, "a.csv", SUPPORT_MONDAY_S, 60, 100, 1);
    config->instruments[0].file_from_ns = T0 + 10 * SUPPORT_MINUTE_NS;
    config->instruments[0].file_to_ns = T0 + 20 * SUPPORT_MINUTE_NS;
    uint64_t count = run(config), base = 0;
    for (uint64_t i = 0; i < count; i++)
        base += !!(items[i].record.flags & MARKET_BASE);
    assert_int_equal(base, 10);
    assert_int_equal(items[0].open_ns, T0 + 10 * SUPPORT_MINUTE_NS);
    assert_int_equal(items[0].record.flags & MARKET_WARMUP, 0);
}

static void only_wanted_timeframes_come(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(1);
    support_bars(config, 0, "a.csv", SUPPORT_MONDAY_S, 900, 100, 1);
    config->instruments[0].timeframes = 1u << TIMEFRAME_M15 | 1u << TIMEFRAME_H4;
    uint64_t count = run(config);
    check_order(config, count);
    for (uint64_t i = 0; i < count; i++)
        if (items[i].record.kind == MARKET_BAR)
            assert_true(items[i].record.timeframe == TIMEFRAME_M15 || items[i].record.timeframe == TIMEFRAME_H4);
}

static void inactive_instruments_keep_their_index(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(3);
    support_bars(config, 2, "c.csv", SUPPORT_MONDAY_S, 900, 4, 1);
    config->instruments[0].active = config->instruments[1].active = false;
    run(config);
    assert_int_equal(items[0].record.instrument, 2);
    config->instruments[2].active = false;
    struct error err = {0};
    assert_null(merge_open(config, NULL, &err));
    assert_string_equal(err.text, "no active instrument");
}

static void bad_rows_are_counted_or_fatal(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(1);
    use_file(config, 0, FILE_BARS, TIMEFRAME_M1,
             support_write("a.csv", "epoch_s,open,high,low,close,volume\n1704672000,1,1,1,1,1\n1704672060,1,1,2,1,1\n"
                                    "1704672120,1,1,1,1,1\n"));
    struct error err = {0};
    struct merge *merge = merge_open(config, NULL, &err);
    struct feed_item item;
    uint64_t read, bad;
    while (merge_next(merge, &item, &err) == 1)
        ;
    merge_rows(merge, &read, &bad);
    assert_int_equal(read, 3);
    assert_int_equal(bad, 1);
    merge_close(&merge);
    config->feed.bad_rows_fatal = true;
    merge = merge_open(config, NULL, &err);
    int result;
    while ((result = merge_next(merge, &item, &err)) == 1)
        ;
    assert_int_equal(result, -EBADMSG);
    assert_non_null(strstr(err.text, "a.csv:3: high below low"));
    merge_close(&merge);
}

static void simulated_sequences_hold_too(void **state)
{
    (void)state;
    struct fleet_config *config = support_simulator(7, 9);
    uint64_t count = run(config);
    check_order(config, count);
    config->feed.sim_days = 2;
    config->feed.sim_quotes = true;
    count = run(config);
    check_order(config, count);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(items[i].record.flags & MARKET_BASE, 0);
}

/* The minutes built from the simulator's quotes are its bars. */
static void simulated_quotes_make_the_same_bars(void **state)
{
    (void)state;
    static struct feed_item bars[20000];
    struct fleet_config *config = support_simulator(7, 1);
    uint64_t count = run(config), kept = 0, at = 0;
    for (uint64_t i = 0; i < count; i++)
        if (items[i].record.kind == MARKET_BAR && items[i].record.timeframe == TIMEFRAME_M1)
            bars[kept++] = items[i];
    config->feed.sim_quotes = true;
    count = run(config);
    for (uint64_t i = 0; i < count; i++) {
        const struct market_record *r = &items[i].record;
        if (r->kind == MARKET_QUOTE)
            assert_true(r->u.quote.ask > r->u.quote.bid);
        if (r->kind != MARKET_BAR || r->timeframe != TIMEFRAME_M1)
            continue;
        assert_int_equal(r->time_ns, bars[at].record.time_ns);
        assert_int_equal(r->instrument, bars[at].record.instrument);
        assert_memory_equal(&r->u, &bars[at].record.u, 4 * sizeof(dec_t));
        at++;
    }
    /* All but the last minutes: nothing comes after the last quote. */
    assert_true(kept - at > 0 && kept - at <= 6);
}

/* --- real files --------------------------------------------------------------------------------------- */

/* H1 out of a file's M15 rows, by reading it in the plainest way. */
static unsigned plain_hours(const char *path, double (*out)[7])
{
    FILE *in = fopen(path, "r");
    char line[256];
    unsigned count = 0;
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof line, in));
    while (fgets(line, sizeof line, in)) {
        double t, o, h, l, c, v;
        assert_int_equal(sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf", &t, &o, &h, &l, &c, &v), 6);
        double hour = t - (double)((int64_t)t % 3600);
        if (count == 0 || out[count - 1][0] != hour) {
            const double fresh[7] = {hour, o, h, l, c, v, 1};
            memcpy(out[count++], fresh, sizeof fresh);
            continue;
        }
        double *bar = out[count - 1];
        bar[2] = h > bar[2] ? h : bar[2];
        bar[3] = l < bar[3] ? l : bar[3];
        bar[4] = c;
        bar[5] += v;
        bar[6]++;
    }
    fclose(in);
    return count;
}

static void hours_of_a_real_file_agree(void **state)
{
    (void)state;
    const char *data = getenv("PROPFLEET_DATA");
    if (!data || !*data)
        skip();
    static double want[20000][7];
    struct fleet_config *config = support_config(1);
    struct config_instrument *c = &config->instruments[0];
    c->file_kind = FILE_BARS;
    c->file_timeframe = TIMEFRAME_M15;
    assert_true(snprintf(c->file_path, sizeof c->file_path, "%s/EURUSD_M15.csv", data) < (int)sizeof c->file_path);
    unsigned hours = plain_hours(c->file_path, want), at = 0, base = 0;
    uint64_t count = run(config);
    check_order(config, count);
    for (uint64_t i = 0; i < count; i++) {
        const struct market_record *r = &items[i].record;
        base += !!(r->flags & MARKET_BASE);
        if (r->kind != MARKET_BAR || r->timeframe != TIMEFRAME_H1)
            continue;
        assert_true(at < hours);
        assert_int_equal(items[i].open_ns / SUPPORT_S, (int64_t)want[at][0]);
        assert_int_equal(r->time_ns - items[i].open_ns, SUPPORT_HOUR_NS);
        const dec_t got[5] = {r->u.bar.open, r->u.bar.high, r->u.bar.low, r->u.bar.close, r->u.bar.volume};
        for (int k = 0; k < 5; k++)
            if (llabs(got[k] - (int64_t)(want[at][k + 1] * 1e8 + 0.5)) > (k == 4 ? 100 : 0))
                fail_msg("hour %u (%.0f), field %d", at, want[at][0], k);
        at++;
    }
    print_message("EURUSD_M15: %u rows, %u hours agree\n", base, at);
    assert_int_equal(base, 44865);
    assert_int_equal(at, hours);
}

int main(void)
{
    log_init("test", LOG_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_of_several_instruments_come_in_order),
        cmocka_unit_test(same_configuration_same_sequence),
        cmocka_unit_test(quotes_come_first_and_are_no_base),
        cmocka_unit_test(trades_are_bids_with_the_spread_on_top),
        cmocka_unit_test(the_greater_spread_counts),
        cmocka_unit_test(a_weekend_is_marked_and_dear),
        cmocka_unit_test(warm_up_is_what_comes_before_the_span),
        cmocka_unit_test(span_of_quotes_is_half_open),
        cmocka_unit_test(a_files_own_span_is_kept),
        cmocka_unit_test(only_wanted_timeframes_come),
        cmocka_unit_test(inactive_instruments_keep_their_index),
        cmocka_unit_test(bad_rows_are_counted_or_fatal),
        cmocka_unit_test(simulated_sequences_hold_too),
        cmocka_unit_test(simulated_quotes_make_the_same_bars),
        cmocka_unit_test(hours_of_a_real_file_agree),
    };
    return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
