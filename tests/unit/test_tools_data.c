/* propfleet data, the parts without a process: what a name says, gaps against a second definition minute by minute. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "tools/data.h"
#include "tools/data_gaps.h"

#define NS INT64_C(1000000000)
#define MINUTE (60 * NS)
#define HOUR (3600 * NS)
#define MONDAY (INT64_C(1704672000) * NS) /* 2024-01-08 00:00 UTC */

static struct tz_table utc;

static struct hours week(void)
{
    return (struct hours){.zone = &utc, .open_s = 22 * 3600, .close_s = 22 * 3600, .closed_weekend = true};
}

/* --- names --------------------------------------------------------------------------------------------------------------- */

static void reads_names(void **unused)
{
    (void)unused;
    static const struct { const char *path, *symbol; uint32_t timeframe; } cases[] = {
        {"EURUSD_M15.csv", "EURUSD", TIMEFRAME_M15},        {"/a/b_H4/EURUSD-frd_H1.csv.gz", "EURUSD", TIMEFRAME_H1},
        {"XAUUSD_M5_spread.csv", "XAUUSD", TIMEFRAME_M5},   {"BTCUSDT-spot_ticks.csv", "BTCUSDT", DATAFILE_NO_TIMEFRAME},
        {"BTCUSDT_trades.csv.gz", "BTCUSDT", DATAFILE_NO_TIMEFRAME}, {"EURUSD_M15.txt", "", DATAFILE_NO_TIMEFRAME},
        {"EURUSD.csv", "", DATAFILE_NO_TIMEFRAME},          {"_M15.csv", "", DATAFILE_NO_TIMEFRAME},
        {"EURUSD_M2.csv", "", DATAFILE_NO_TIMEFRAME},       {"E R_H1.csv", "", TIMEFRAME_H1},
        {".csv", "", DATAFILE_NO_TIMEFRAME},                {"", "", DATAFILE_NO_TIMEFRAME},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_D1.csv", "", TIMEFRAME_D1}, {"EURUSD-_D1.csv", "EURUSD", TIMEFRAME_D1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct data_name name;
        data_name_of(cases[i].path, &name);
        assert_string_equal(name.symbol, cases[i].symbol);
        assert_int_equal(name.timeframe, cases[i].timeframe);
    }
}

static void options_win_over_the_name(void **unused)
{
    (void)unused;
    struct data_name name;
    struct error err = {0};
    data_name_of("EURUSD_M15.csv", &name);
    assert_int_equal(data_name_override(&name, NULL, NULL, &err), 0);
    assert_string_equal(name.symbol, "EURUSD");
    assert_int_equal(data_name_override(&name, "GER40.cash", "D1", &err), 0);
    assert_string_equal(name.symbol, "GER40.cash");
    assert_int_equal(name.timeframe, TIMEFRAME_D1);
    assert_int_equal(data_name_override(&name, "a/b", NULL, &err), -EINVAL);
    assert_int_equal(data_name_override(&name, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL, &err), -EINVAL);
    assert_int_equal(data_name_override(&name, NULL, "M2", &err), -EINVAL);
    assert_int_equal(data_grid_s(CSV_BARS, TIMEFRAME_H1), 3600);
    assert_int_equal(data_grid_s(CSV_BARS, TIMEFRAME_H4), 0);
    assert_int_equal(data_grid_s(CSV_SPREAD, TIMEFRAME_H1), 0);
    assert_int_equal(data_grid_s(CSV_TICKS, DATAFILE_NO_TIMEFRAME), 0);
}

/* --- gaps ------------------------------------------------------------------------------------------------------------------- */

static void counts_missing_bars(void **unused)
{
    (void)unused;
    struct data_gap longest[2];
    struct data_gaps gaps;
    struct hours hours = week();
    data_gaps_init(&gaps, &hours, NULL, 15 * MINUTE, 0, longest, 2);
    data_gaps_add(&gaps, MONDAY);
    data_gaps_add(&gaps, MONDAY + 15 * MINUTE);
    assert_int_equal(gaps.count, 0);
    data_gaps_add(&gaps, MONDAY + 45 * MINUTE);  /* one missing */
    data_gaps_add(&gaps, MONDAY + 120 * MINUTE); /* four */
    data_gaps_add(&gaps, MONDAY + 165 * MINUTE); /* two */
    assert_int_equal(gaps.count, 3);
    assert_int_equal(gaps.missing, 7);
    assert_int_equal(gaps.longest_count, 2);
    assert_int_equal(longest[0].missing, 4);
    assert_int_equal(longest[0].from_ns, MONDAY + 60 * MINUTE);
    assert_int_equal(longest[0].to_ns, MONDAY + 120 * MINUTE);
    assert_int_equal(longest[1].missing, 2);
    assert_int_equal(gaps.outside, 0);
    /* Friday's last bar to Sunday's first: nothing is missing. */
    data_gaps_init(&gaps, &hours, NULL, 15 * MINUTE, 0, longest, 2);
    data_gaps_add(&gaps, MONDAY + 4 * 24 * HOUR + 22 * HOUR - 15 * MINUTE);
    data_gaps_add(&gaps, MONDAY + 6 * 24 * HOUR + 22 * HOUR);
    assert_int_equal(gaps.count, 0);
    data_gaps_add(&gaps, MONDAY + 11 * 24 * HOUR + 23 * HOUR); /* Friday, after the close */
    assert_int_equal(gaps.outside, 1);
    assert_int_equal(gaps.first_outside_ns, MONDAY + 11 * 24 * HOUR + 23 * HOUR);
    data_gaps_init(&gaps, NULL, NULL, 15 * MINUTE, 0, longest, 2); /* without sessions it is a gap */
    data_gaps_add(&gaps, MONDAY + 4 * 24 * HOUR + 22 * HOUR - 15 * MINUTE);
    data_gaps_add(&gaps, MONDAY + 6 * 24 * HOUR + 22 * HOUR);
    assert_int_equal(gaps.missing, 48 * 4);
}

static void a_clock_change_is_no_gap(void **unused)
{
    (void)unused;
    struct data_gap longest[4];
    struct data_gaps gaps;
    data_gaps_init(&gaps, NULL, NULL, 24 * HOUR, 0, longest, 4);
    data_gaps_add(&gaps, MONDAY);
    data_gaps_add(&gaps, MONDAY + 25 * HOUR);
    data_gaps_add(&gaps, MONDAY + 48 * HOUR);
    assert_int_equal(gaps.count, 0);
    data_gaps_add(&gaps, MONDAY + 95 * HOUR); /* 47 hours: one day */
    assert_int_equal(gaps.missing, 1);
}

static void counts_pauses_of_quotes(void **unused)
{
    (void)unused;
    struct data_gap longest[4];
    struct data_gaps gaps;
    struct hours hours = week();
    data_gaps_init(&gaps, &hours, NULL, 0, 300 * NS, longest, 4);
    data_gaps_add(&gaps, MONDAY);
    data_gaps_add(&gaps, MONDAY);
    data_gaps_add(&gaps, MONDAY + 300 * NS - 1);
    assert_int_equal(gaps.count, 0);
    data_gaps_add(&gaps, MONDAY + 600 * NS - 1);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.missing, 0);
    assert_int_equal(gaps.open_ns, 300 * NS);
    /* Over a weekend only what was open counts. */
    data_gaps_init(&gaps, &hours, NULL, 0, 300 * NS, longest, 4);
    data_gaps_add(&gaps, MONDAY + (4 * 24 + 22) * HOUR - 100 * NS);
    data_gaps_add(&gaps, MONDAY + (6 * 24 + 22) * HOUR + 199 * NS);
    assert_int_equal(gaps.count, 0);
    data_gaps_add(&gaps, MONDAY + (11 * 24 + 22) * HOUR - 100 * NS);
    data_gaps_add(&gaps, MONDAY + (13 * 24 + 22) * HOUR + 200 * NS);
    assert_int_equal(gaps.count, 2);
}

/* A series with rows left out: what is missing is every open minute without a row, told by a map of the minutes. */
static void agrees_minute_by_minute(void **unused)
{
    (void)unused;
    enum { MINUTES = 14 * 1440, KEPT = 5 };
    static bool there[MINUTES];
    for (uint64_t run = 0; run < 40; run++) {
        uint64_t seed = hash_mix64(run + 99), missing = 0, run_length = 0, longest_seen = 0;
        struct hours hours = week();
        struct hours_closure holiday = {MONDAY + 30 * HOUR, MONDAY + 37 * HOUR, 1, 0};
        struct hours_closures closures = {&holiday, run % 2, 0};
        struct data_gap longest[KEPT];
        struct data_gaps gaps;
        data_gaps_init(&gaps, &hours, &closures, MINUTE, 0, longest, KEPT);
        bool on = true;
        for (int i = 0; i < MINUTES; i++) {
            seed = hash_mix64(seed);
            if (seed % (on ? 200 : 40) == 0)
                on = !on;
            there[i] = on || i == 0;
            if (there[i])
                data_gaps_add(&gaps, MONDAY + i * MINUTE);
        }
        int last = MINUTES - 1;
        while (!there[last])
            last--;
        for (int i = 0; i <= last; i++) {
            bool open = hours_open_at(&hours, &closures, MONDAY + i * MINUTE);
            missing += open && !there[i];
            run_length = there[i] ? 0 : run_length + open;
            longest_seen = run_length > longest_seen ? run_length : longest_seen;
        }
        assert_int_equal(gaps.missing, missing);
        assert_int_equal(longest[0].missing, longest_seen);
        assert_int_equal(gaps.longest_count, KEPT);
        for (unsigned i = 1; i < KEPT; i++)
            assert_true(longest[i - 1].open_ns >= longest[i].open_ns);
    }
}

/* --- bad rows ---------------------------------------------------------------------------------------------------------------- */

static void keeps_the_first_bad_rows(void **unused)
{
    (void)unused;
    char path[] = "/tmp/propfleet-data-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] = "epoch_s,open,high,low,close,volume\n1704672000,1,1,1,1,0\n1704672000,1,1,1,1,0\nx\n1704672060,2,1,1,1,0\n"
                               "1704672060,1,1,1,1,0\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    (void)close(fd);
    struct csv csv;
    struct csv_row row;
    struct error err = {0};
    static struct data_bad bad = {.max = 2};
    assert_int_equal(csv_open(&csv, path, 1u << CSV_BARS, 60, false, &err), 0);
    csv.on_bad = data_bad_add;
    csv.on_bad_context = &bad;
    unsigned rows = 0;
    while (csv_next(&csv, &row, &err) == 1)
        rows++;
    assert_int_equal(rows, 2);
    assert_int_equal(csv.bad, 3);
    assert_int_equal(bad.count, 2);
    assert_int_equal(bad.list[0].line, 3);
    assert_int_equal(bad.list[0].reason, CSV_BAD_DUPLICATE);
    assert_int_equal(bad.list[1].line, 4);
    assert_int_equal(bad.list[1].reason, CSV_BAD_FIELDS);
    csv_close(&csv);
    (void)unlink(path);
}

int main(void)
{
    struct error err = {0};
    if (tz_load("UTC", &utc, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names),
        cmocka_unit_test(options_win_over_the_name),
        cmocka_unit_test(counts_missing_bars),
        cmocka_unit_test(a_clock_change_is_no_gap),
        cmocka_unit_test(counts_pauses_of_quotes),
        cmocka_unit_test(agrees_minute_by_minute),
        cmocka_unit_test(keeps_the_first_bad_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
