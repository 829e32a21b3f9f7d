/* One notation for each kind of quantity: what is taken, what is refused, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "config/folder.h"
#include "config/paths.h"
#include "config/tables.h"
#include "config/values.h"

#define S INT64_C(1000000000)
#define DAY (86400 * S)

typedef const char *(*parser)(const char *, int64_t *);

static const struct {
    parser parse;
    const char *text;
    int64_t value;
} good[] = {
    {value_integer, "0", 0},
    {value_integer, "-7", -7},
    {value_integer, "9223372036854775807", INT64_MAX},
    {value_decimal, "1.5", 150000000},
    {value_decimal, "-0.00000001", -1},
    {value_fraction, "5%", 5000000},
    {value_fraction, "0.25%", 250000},
    {value_fraction, "0.000001%", 1},
    {value_duration, "50ms", S / 20},
    {value_duration, "2s", 2 * S},
    {value_duration, "10m", 600 * S},
    {value_duration, "4h", 14400 * S},
    {value_duration, "1d", DAY},
    {value_duration, "1.5h", 5400 * S},
    {value_duration, "7us", 7000},
    {value_duration, "7ns", 7},
    {value_size, "64KiB", 65536},
    {value_size, "1GiB", 1 << 30},
    {value_size, "7B", 7},
    {value_size, "0.5KiB", 512},
    {value_time, "17:00", 61200},
    {value_time, "23:59:59", 86399},
    {value_time, "00:00", 0},
    {value_date, "1970-01-02", 1},
    {value_date, "2024-02-29", 19782},
    {value_instant, "1970-01-02", DAY},
    {value_until, "1970-01-02", 2 * DAY},
    {value_instant, "1970-01-02T00:01", DAY + 60 * S},
    {value_until, "1970-01-02T00:01:01", DAY + 61 * S},
    {value_boolean, "true", 1},
    {value_boolean, "false", 0},
};

static const struct {
    parser parse;
    const char *text, *problem;
} bad[] = {
    {value_integer, "", "is not a whole number"},
    {value_integer, "1.0", "is not a whole number"},
    {value_integer, "0x10", "is not a whole number"},
    {value_integer, "9223372036854775808", "is too large"},
    {value_decimal, "", "is not a number"},
    {value_decimal, "1e5", "is not a number"},
    {value_decimal, "1,5", "is not a number"},
    {value_decimal, "5%", "has a wrong unit"},
    {value_decimal, "92233720369", "is too large"},
    {value_decimal, "nan", "is not a number"},
    {value_fraction, "0.05", "has no unit"},
    {value_fraction, "5 %", "has a blank before its unit"},
    {value_fraction, "%", "is not a number with a unit"},
    {value_fraction, "5pct", "has a wrong unit"},
    {value_fraction, "0.0000001%", "is finer than the smallest unit"},
    {value_duration, "4 h", "has a blank before its unit"},
    {value_duration, "4H", "has a wrong unit"},
    {value_duration, "4hours", "has a wrong unit"},
    {value_duration, "0.5ns", "is finer than the smallest unit"},
    {value_duration, "4h30m", "has a wrong unit"},
    {value_duration, "-", "is not a number"},
    {value_size, "64KB", "has a wrong unit"},
    {value_size, "64", "has no unit"},
    {value_time, "7:00", "is not a time of day"},
    {value_time, "24:00", "is not a time of day"},
    {value_time, "12:60", "is not a time of day"},
    {value_time, "12:00:60", "is not a time of day"},
    {value_time, "12-00", "is not a time of day"},
    {value_time, "17:00 ", "is not a time of day"},
    {value_time, "", "is not a time of day"},
    {value_date, "2023-02-29", "is no day of the calendar"},
    {value_date, "2024-13-01", "is no day of the calendar"},
    {value_date, "1969-12-31", "is no day of the calendar"},
    {value_date, "2024-1-1", "is not a date"},
    {value_date, "2024/01/01", "is not a date"},
    {value_date, "", "is not a date"},
    {value_instant, "2024-05-13T", "is not a time of day"},
    {value_instant, "T10:00", "is not a date"},
    {value_instant, "2024-05-13T10:00Z", "is not a time of day"},
    {value_boolean, "yes", "is neither true nor false"},
    {value_boolean, "True", "is neither true nor false"},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = -1;
        const char *problem = good[i].parse(good[i].text, &value);
        if (problem != NULL || value != good[i].value)
            fail_msg("%s: %s, %lld", good[i].text, problem != NULL ? problem : "read", (long long)value);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = -1;
        const char *problem = bad[i].parse(bad[i].text, &value);
        if (problem == NULL || strcmp(problem, bad[i].problem) != 0)
            fail_msg("%s: %s, not %s", bad[i].text, problem != NULL ? problem : "read", bad[i].problem);
        assert_int_equal(value, -1);
    }
}

static void test_money(void **state)
{
    static const char *const wrong[] = {"100000", "100000USD", "100000  USD", "100000 usd", "100000 USDT",
                                        "USD",    "",          "1 U$D"};
    char currency[4] = "";
    int64_t amount = 0;
    (void)state;
    assert_null(value_money("100000.5 USD", &amount, currency));
    assert_true(amount == 100000 * DEC_ONE + DEC_ONE / 2);
    assert_string_equal(currency, "USD");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_non_null(value_money(wrong[i], &amount, currency));
}

static void test_show(void **state)
{
    char buf[VALUES_TEXT_MAX];
    (void)state;
    assert_string_equal(value_show_fraction(250000, buf), "0.25%");
    assert_string_equal(value_show_fraction(DEC_ONE, buf), "100%");
    assert_string_equal(value_show_duration(0, buf), "0s");
    assert_string_equal(value_show_duration(90 * S, buf), "90s");
    assert_string_equal(value_show_duration(2 * DAY, buf), "2d");
    assert_string_equal(value_show_size(65536, buf), "64KiB");
    assert_string_equal(value_show_size(1000, buf), "1000B");
    assert_string_equal(value_show_time(61200, buf), "17:00");
    assert_string_equal(value_show_time(86399, buf), "23:59:59");
    assert_string_equal(value_show_decimal(DEC_ONE / 1000, buf), "0.001");
    assert_string_equal(value_show_integer(-3, buf), "-3");
}

static void test_file_names(void **state)
{
    static const struct {
        const char *name, *symbol, *stem;
        uint32_t rows;
        bool spread;
    } sources[] = {
        {"EURUSD_M15.csv", "EURUSD", "EURUSD_M15", DRAFT_M15, false},
        {"EURUSD_ticks.csv.gz", "EURUSD", "EURUSD_ticks", DRAFT_TICKS, false},
        {"USDJPY-pot_H1_spread.csv", "USDJPY", "USDJPY-pot_H1", DRAFT_H1, true},
        {"BTCUSDT-spot_M1_spread.csv.gz", "BTCUSDT", "BTCUSDT-spot_M1", DRAFT_M1, true},
        {"6EH4_M5.csv", "6EH4", "6EH4_M5", DRAFT_M5, false},
    };
    static const char *const none[] = {"EURUSD_H4.csv", "EURUSD_D1.csv",     "BTCUSDT_trades.csv", "EURUSD.csv",
                                       "_M1.csv",       "manifest.csv",      "EURUSD_M15.txt",     "README.md",
                                       ".csv",          "EURUSD_M15_spread", "EURUSD_m15.csv",     ""};
    struct folder_file file;
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        assert_true(folder_parse(sources[i].name, &file));
        assert_string_equal(file.symbol, sources[i].symbol);
        assert_string_equal(file.stem, sources[i].stem);
        assert_int_equal(file.rows, sources[i].rows);
        assert_int_equal(file.is_spread, sources[i].spread);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(folder_parse(none[i], &file));
}

static void test_paths(void **state)
{
    char out[CONFIG_PATH_MAX], small[8], deep[CONFIG_PATH_MAX * 2];
    (void)state;
    assert_int_equal(path_absolute("/a/b", "../c/./d//e", out), 0);
    assert_string_equal(out, "/a/c/d/e");
    assert_int_equal(path_absolute("/a/b", "/x/", out), 0);
    assert_string_equal(out, "/x");
    assert_int_equal(path_absolute("/a", "../../..", out), 0);
    assert_string_equal(out, "/");
    memset(deep, 'd', sizeof deep);
    deep[sizeof deep - 1] = 0;
    assert_int_not_equal(path_absolute("/a", deep, out), 0);
    assert_string_equal(out, "");
    deep[CONFIG_PATH_MAX - 3 - 1] = 0; /* "/a/" and this: exactly the room there is, with the NUL */
    assert_int_equal(path_absolute("/a", deep, out), 0);
    assert_int_equal(strlen(out), CONFIG_PATH_MAX - 1);
    deep[CONFIG_PATH_MAX - 3 - 1] = 'd';
    deep[CONFIG_PATH_MAX - 3] = 0;
    assert_int_not_equal(path_absolute("/a", deep, out), 0);
    assert_int_equal(path_join("a//", "b", small, sizeof small), 0);
    assert_string_equal(small, "a/b");
    assert_int_equal(path_join("/", "b", small, sizeof small), 0);
    assert_string_equal(small, "/b");
    assert_int_not_equal(path_join("abcd", "efgh", small, sizeof small), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_bad),        cmocka_unit_test(test_money),
        cmocka_unit_test(test_show), cmocka_unit_test(test_file_names), cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
