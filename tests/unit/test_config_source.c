/* Where the market comes from: simulator, data-set file, folder of CSV files; and what then does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/tz.h"
#include "test_config_support.h"

#define BARS "epoch_s,open,high,low,close,volume\n"
#define DAY INT64_C(86400000000000)

static const struct loader_options data = {.data = "data"};
static const struct loader_options data_set = {.data = "data", .dataset = "set"};

static const struct config_instrument *instrument(const char *symbol)
{
    uint32_t i = 0;
    while (i < support_config.instrument_count && strcmp(support_config.instruments[i].symbol, symbol) != 0)
        i++;
    assert_in_range(i, 0, support_config.instrument_count - 1);
    return &support_config.instruments[i];
}

static void expect_path(const char *path, const char *relative)
{
    char here[CONFIG_PATH_MAX], expected[CONFIG_PATH_MAX * 2];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/%s", here, relative);
    assert_string_equal(path, expected);
}

static void write_set(const char *path, const char *files)
{
    char text[1024];
    snprintf(text, sizeof text, "config_version: 1\nname: set\nfrom: 2024-05-13\nto: 2024-05-14\nfiles:\n%s", files);
    support_write(path, text);
}

static void test_simulator(void **state)
{
    (void)state;
    support_expect_errors(NULL, NULL);
    assert_int_equal(support_config.feed.source, SOURCE_SIMULATOR);
    assert_string_equal(support_config.feed.source_name, "simulator");
    assert_string_equal(support_config.instruments[0].symbol, "EURUSD"); /* sorted, whatever the file's order */
    assert_true(instrument("EURUSD")->active);
    assert_int_equal(instrument("EURUSD")->timeframes, (1 << TIMEFRAME_COUNT) - 1);
    assert_int_equal(instrument("USDJPY")->conversion_instrument, 1);
    assert_true(instrument("EURUSD")->conversion_instrument == CONFIG_NONE);
    assert_int_equal(support_config.personalities[0].instruments, 3);
}

static void test_not_simulated_is_inactive(void **state)
{
    (void)state;
    support_replace("c/instruments.yaml", "    simulate: {start_price: 1.1, volatility: 8%, loadings: [0.8, 0, 0]}\n",
                    "");
    support_expect_errors(NULL, NULL);
    assert_false(instrument("EURUSD")->active);
    assert_int_equal(support_config.personalities[0].instruments, 2); /* USDJPY alone */
    support_replace("c/instruments.yaml", "    simulate: {start_price: 141, volatility: 9%, loadings: [-0.6, 0, 0]}\n",
                    "");
    support_expect_errors(
        NULL, "c/fleet.yaml:1:1: feed.source: no instrument can be simulated; give one a \"simulate\" section",
        "c/personalities/plain.yaml:3:15: instruments: simulator carries none of them; add one that it does", NULL);
}

static void test_simulator_timeframe(void **state)
{
    (void)state;
    support_replace("c/fleet.yaml", "  speed: 60", "  simulator: {timeframe: H1}");
    support_replace("c/personalities/plain.yaml", "H1", "M15");
    support_expect_errors(
        NULL,
        "c/personalities/plain.yaml:1:1: breakout.timeframe: M15 of EURUSD cannot be built from the H1 bars of "
        "simulator; choose H1 or longer, or leave it out",
        "c/personalities/plain.yaml:1:1: breakout.timeframe: M15 of USDJPY cannot be built from the H1 bars of "
        "simulator; choose H1 or longer, or leave it out",
        NULL);
}

static void test_folder(void **state)
{
    (void)state;
    support_write("data/EURUSD_M15.csv", BARS);
    support_write("data/EURUSD_M15_spread.csv.gz", "");
    support_write("data/USDJPY-pot_H1.csv.gz", "");
    support_write("data/EURUSD_H4.csv", BARS);
    support_write("data/EURUSD_trades.csv", "");
    support_write("data/EURUSD-other_M5_spread.csv", "");
    support_write("data/manifest.csv", "");
    support_expect_warnings(&data, NULL);
    assert_int_equal(support_config.feed.source, SOURCE_DATASET);
    assert_string_equal(support_config.feed.source_name, "data");
    assert_true(support_config.feed.from_ns == 0 && support_config.feed.to_ns == 0);
    const struct config_instrument *e = instrument("EURUSD"), *j = instrument("USDJPY");
    expect_path(e->file_path, "data/EURUSD_M15.csv");
    expect_path(e->spread_path, "data/EURUSD_M15_spread.csv.gz");
    assert_int_equal(e->file_kind, FILE_BARS);
    assert_int_equal(e->file_timeframe, TIMEFRAME_M15);
    assert_int_equal(e->timeframes, 1 << TIMEFRAME_M15 | 1 << TIMEFRAME_H1 | 1 << TIMEFRAME_H4 | 1 << TIMEFRAME_D1);
    assert_int_equal(e->price_kind, PRICE_BID);
    assert_int_equal(e->volume_kind, VOLUME_TICK);
    expect_path(j->file_path, "data/USDJPY-pot_H1.csv.gz");
    assert_string_equal(j->spread_path, "");
    assert_int_equal(j->file_timeframe, TIMEFRAME_H1);
}

static void test_folder_of_ticks_and_strangers(void **state)
{
    (void)state;
    support_write("data/EURUSD_ticks.csv", "");
    support_write("data/US30_H1.csv", BARS);
    support_write("data/NAS100_M15.csv", BARS);
    support_write("data/NAS100_M1.csv", BARS);
    support_expect_warnings(&data, "--data:1:1: data: instruments.yaml does not know, so ignored: NAS100, US30", NULL);
    assert_int_equal(instrument("EURUSD")->file_kind, FILE_TICKS);
    assert_int_equal(instrument("EURUSD")->timeframes, (1 << TIMEFRAME_COUNT) - 1);
    assert_false(instrument("USDJPY")->active);
    assert_int_equal(support_config.personalities[0].instruments, 1);
}

static void test_two_files_for_one(void **state)
{
    (void)state;
    support_write("data/EURUSD_M15.csv", BARS);
    support_write("data/EURUSD-frd_H1.csv", BARS);
    support_write("data/USDJPY_H1.csv", BARS);
    support_write("data/USDJPY_H1.csv.gz", BARS);
    support_expect_errors(
        &data,
        "--data:1:1: EURUSD: two files, EURUSD-frd_H1.csv and EURUSD_M15.csv; choose with a data-set file (--dataset "
        "NAME, config/README.md)",
        "--data:1:1: USDJPY: two files, USDJPY_H1.csv and USDJPY_H1.csv.gz; choose with a data-set file (--dataset "
        "NAME, config/README.md)",
        NULL);
    /* The remedy works. */
    write_set("data/set.yaml",
              "  EURUSD: {file: EURUSD_M15.csv, rows: M15}\n  USDJPY: {file: USDJPY_H1.csv, rows: H1}\n");
    support_expect_errors(&data, NULL);
    support_expect_errors(&data_set, NULL);
}

static void test_folder_without_anything(void **state)
{
    (void)state;
    support_expect_errors(
        &data,
        "--data:1:1: data: data has no file for any instrument; expected SYMBOL_TF.csv, TF one of M1, M5, M15, H1, or "
        "SYMBOL_ticks.csv",
        NULL);
    support_expect_errors(
        &(struct loader_options){.data = "nowhere"},
        "--data:1:1: data: nowhere: No such file or directory; name a folder of CSV files, or a data-set file", NULL);
}

static void test_dataset_file(void **state)
{
    (void)state;
    support_write("data/e.csv", BARS);
    support_write("data/e_spread.csv", "");
    write_set("data/set.yaml",
              "  EURUSD: {file: e.csv, rows: M1, price: mid, volume: none, spread: e_spread.csv, from: 2024-05-01, to: "
              "2024-05-20T12:00}\n");
    struct loader_options by_file = {.data = "data/set.yaml"};
    const struct loader_options *const ways[] = {&by_file, &data, &data_set};
    for (size_t i = 0; i < 3; i++) {
        support_expect_errors(ways[i], NULL);
        const struct config_instrument *e = instrument("EURUSD");
        assert_string_equal(support_config.feed.source_name, "set");
        assert_true(support_config.feed.from_ns == tz_days_from_civil(2024, 5, 13) * DAY);
        assert_true(support_config.feed.to_ns == tz_days_from_civil(2024, 5, 15) * DAY); /* all of the 14th */
        expect_path(e->file_path, "data/e.csv");
        expect_path(e->spread_path, "data/e_spread.csv");
        assert_int_equal(e->price_kind, PRICE_MID);
        assert_int_equal(e->volume_kind, VOLUME_NONE);
        assert_true(e->file_from_ns == tz_days_from_civil(2024, 5, 1) * DAY);
        assert_true(e->file_to_ns == tz_days_from_civil(2024, 5, 20) * DAY + DAY / 2);
        assert_false(instrument("USDJPY")->active);
    }
    support_expect_errors(
        &(struct loader_options){.data = "data/set.yaml", .dataset = "set"},
        "--dataset:1:1: dataset: data/set.yaml is a data-set file already; name its folder, or drop this", NULL);
    support_write("data/second.yaml", "");
    support_expect_errors(
        &data, "--data:1:1: data: several data-set files, second.yaml and set.yaml; choose with --dataset NAME", NULL);
    support_expect_errors(&data_set, NULL);
}

static void test_dataset_of_the_configuration(void **state)
{
    (void)state;
    assert_int_equal(mkdir("c/datasets", 0700), 0);
    support_write("data/e.csv", BARS);
    write_set("c/datasets/set.yaml", "  EURUSD: {file: e.csv, rows: H1}\n");
    support_expect_errors(&data_set, NULL);
    expect_path(instrument("EURUSD")->file_path, "data/e.csv");
    support_expect_errors(&(struct loader_options){.data = "data", .dataset = "c/datasets/set.yaml"}, NULL);
    support_expect_errors(
        &(struct loader_options){.data = "data", .dataset = "sat"},
        "--dataset:1:1: dataset: no data set \"sat\"; name one of datasets/*.yaml, or the path of a file", NULL);
    support_expect_errors(
        &(struct loader_options){.dataset = "set"},
        "c/fleet.yaml:1:1: feed.data: source is dataset, but no data is named; write it, or give --data DIR", NULL);
    /* Named in the YAML: the path is seen from the configuration. */
    support_replace("c/fleet.yaml", "  speed: 60",
                    "  source: dataset\n  data: ../data\n  dataset: set\n  from: 2024-05-14");
    support_expect_errors(NULL, NULL);
    expect_path(instrument("EURUSD")->file_path, "data/e.csv");
    assert_true(support_config.feed.from_ns == tz_days_from_civil(2024, 5, 14) * DAY);
    /* Every data-set file is checked, asked for or not; once. */
    support_write("c/datasets/other.yaml", "config_version: 1\nname: other\nfiles:\n  EURUSD: {rows: M15}\n");
    support_expect_errors(NULL, "c/datasets/other.yaml:4:11: files.EURUSD.file: missing; add it with a path", NULL);
}

static void test_dataset_errors(void **state)
{
    (void)state;
    support_write("data/e.csv", BARS);
    mkdir("data/folder.csv", 0700);
    write_set("data/set.yaml",
              "  EURUSD: {file: no.csv, rows: M1, spread: neither.csv}\n"
              "  EURUSE: {file: e.csv, rows: M1}\n"
              "  USDJPY: {file: folder.csv, rows: ticks, spread: e.csv, from: 2024-05-13, to: 2024-05-12}\n");
    char no[512], neither[512], here[256];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(no, sizeof no,
             "data/set.yaml:6:18: files.EURUSD.file: no.csv: No such file or directory; name a file in %s/data", here);
    snprintf(neither, sizeof neither,
             "data/set.yaml:6:44: files.EURUSD.spread: neither.csv: No such file or directory; name a file in %s/data",
             here);
    support_expect_errors(&data, no, neither,
                          "data/set.yaml:7:3: files.EURUSE: instruments.yaml does not know it; did you mean EURUSD",
                          "data/set.yaml:8:3: files.USDJPY.to: not after from; write a later date",
                          "data/set.yaml:8:18: files.USDJPY.file: folder.csv: not a regular file; name a CSV file",
                          "data/set.yaml:8:51: files.USDJPY.spread: ticks carry their own spread; remove it", NULL);
    write_set("data/set.yaml", "  EURUSD: {file: e.csv, rows: H4}\n");
    support_expect_errors(
        &data, "data/set.yaml:6:31: files.EURUSD.rows: \"H4\" is not known here; write one of ticks, M1, M5, M15, H1",
        NULL);
    write_set("data/set.yaml", "  EURUSD: {file: e.csv, rows: H1}\n");
    support_replace("data/set.yaml", "to: 2024-05-14", "to: 2024-05-12");
    support_expect_errors(&data, "data/set.yaml:1:1: to: not after from; write a later date",
                          "c/fleet.yaml:1:1: feed.to: not after the data set's from; write a later date", NULL);
}

static void test_nothing_to_trade(void **state)
{
    (void)state;
    support_write("data/e.csv", BARS);
    write_set("data/set.yaml", "  EURUSD: {file: e.csv, rows: H1}\n");
    support_replace("c/personalities/plain.yaml", "[EURUSD, USDJPY]", "[USDJPY]");
    support_expect_errors(
        &data, "c/personalities/plain.yaml:3:15: instruments: set carries none of them; add one that it does", NULL);
    support_replace("c/personalities/plain.yaml", "[USDJPY]", "[EURUSD]");
    support_replace("c/personalities/plain.yaml", "timeframe: H1", "timeframe: M15");
    support_expect_errors(
        &data,
        "c/personalities/plain.yaml:1:1: breakout.timeframe: M15 of EURUSD cannot be built from the H1 bars of set; "
        "choose H1 or longer, or leave it out",
        NULL);
    /* Nobody uses it: a personality on the shelf may wait for another source. */
    support_replace("c/personalities/plain.yaml", "name: plain", "name: shelved");
    unlink("c/accounts/alpha.yaml");
    unlink("c/accounts/beta.yaml");
    assert_int_equal(support_load(&data), 0);
}

static void test_conversion_not_carried(void **state)
{
    (void)state;
    support_write("data/e.csv", BARS);
    support_replace("c/instruments.yaml", "profit_currency: USD",
                    "profit_currency: JPY\n    conversion: {instrument: USDJPY, inverse: true}");
    write_set("data/set.yaml", "  EURUSD: {file: e.csv, rows: H1}\n");
    support_expect_errors(
        &data,
        "c/accounts/alpha.yaml:1:1: balance: profit of EURUSD is in JPY, the account in USD, and EURUSD is converted "
        "by "
        "an instrument that the source does not carry; see its conversion in instruments.yaml",
        "c/accounts/beta.yaml:1:1: balance: profit of EURUSD is in JPY, the account in USD, and EURUSD is converted by "
        "an instrument that the source does not carry; see its conversion in instruments.yaml",
        NULL);
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, support_setup, support_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(test_simulator),
        CONFIG_TEST(test_not_simulated_is_inactive),
        CONFIG_TEST(test_simulator_timeframe),
        CONFIG_TEST(test_folder),
        CONFIG_TEST(test_folder_of_ticks_and_strangers),
        CONFIG_TEST(test_two_files_for_one),
        CONFIG_TEST(test_folder_without_anything),
        CONFIG_TEST(test_dataset_file),
        CONFIG_TEST(test_dataset_of_the_configuration),
        CONFIG_TEST(test_dataset_errors),
        CONFIG_TEST(test_nothing_to_trade),
        CONFIG_TEST(test_conversion_not_carried),
    };
    support_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
