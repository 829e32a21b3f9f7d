/* The calendar in the compiled configuration: dates by rule, validity, warnings, closes, and what a reader refuses. */
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
#include "config/calendar.h"
#include "config/news.h"
#include "tests/unit/test_config_support.h"
#include "workers/risk/rules/sessions.h"

#define NS INT64_C(1000000000)
#define HOUR (3600 * NS)
#define DAY (24 * HOUR)

static struct fleet_config *loaded; /* with its calendar behind it */

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return tz_days_from_civil(year, month, day) * DAY + hour * HOUR + minute * 60 * NS;
}

static int load_on(int64_t today_ns)
{
    free(loaded);
    loaded = calloc(1, CONFIG_BYTES_MAX);
    assert_non_null(loaded);
    return loader_load(&(struct loader_options){.config_dir = "c", .tail = 1, .today_ns = today_ns}, loaded, &support_report);
}

static void load(void)
{
    if (load_on(at(2026, 12, 1, 0, 0)) != 0)
        fail_msg("%s", support_report.errors[0].text);
}

/* The good configuration with a replay of June 2026 and this calendar. */
static void good_fleet(const char *calendar)
{
    char text[1024];
    snprintf(text, sizeof text,
             "config_version: 1\nowner: tester\nstate_dir: state\nruntime_dir: /run/propfleet-test\n"
             "feed: {speed: 60, ring_slots: 4096, simulator: {start: 2026-06-01, days: 28}}\n%s\n",
             calendar);
    support_write("c/fleet.yaml", text);
}

static void write_csv(const char *rows)
{
    char text[4096];
    snprintf(text, sizeof text, "# valid_from: 2026-06-01\n# valid_to: 2026-12-31\ntime,currency,importance,name%s\n%s",
             strstr(rows, ",close,") ? ",kind,until" : "", rows);
    support_write("c/news.csv", text);
    good_fleet("calendar: {file: news.csv}");
}

static uint32_t instrument(const char *symbol)
{
    for (uint32_t i = 0; i < loaded->instrument_count; i++)
        if (strcmp(loaded->instruments[i].symbol, symbol) == 0)
            return i;
    fail_msg("no %s", symbol);
    return 0;
}

/* --- by rule ----------------------------------------------------------------------------------- */

/* As BLS released them (bls.gov/schedule): all of 2024, and 2025 until the shutdown of October. */
static void test_payrolls_as_they_were(void **state)
{
    static const int days[][3] = {
        {2024, 1, 5}, {2024, 2, 2}, {2024, 3, 8}, {2024, 4, 5}, {2024, 5, 3}, {2024, 6, 7}, {2024, 7, 5}, {2024, 8, 2}, {2024, 9, 6},
        {2024, 10, 4}, {2024, 11, 1}, {2024, 12, 6}, {2025, 1, 10}, {2025, 2, 7}, {2025, 3, 7}, {2025, 4, 4}, {2025, 5, 2}, {2025, 6, 6},
        {2025, 7, 3}, {2025, 8, 1}, {2025, 9, 5},
        {2021, 11, 5}, {2021, 12, 3}, {2022, 1, 7}, {2022, 2, 4}, {2022, 3, 4}, {2022, 4, 1}, {2022, 5, 6}, {2022, 6, 3}, {2022, 7, 8},
        {2022, 8, 5}, {2022, 9, 2}, {2022, 10, 7}, {2022, 11, 4}, {2022, 12, 2}, {2017, 3, 10}, {2023, 3, 10}, {2020, 7, 2}, {2021, 1, 8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
        assert_int_equal(calendar_payrolls_day(days[i][0], days[i][1]), tz_days_from_civil(days[i][0], days[i][1], days[i][2]));
}

/* ISM's own list of 2024 (ismworld.org, rob-report-calendar). */
static void test_ism_as_published(void **state)
{
    static const int days[12][2] = {{3, 5}, {1, 5}, {1, 5}, {1, 3}, {1, 3}, {3, 5}, {1, 3}, {1, 5}, {3, 5}, {1, 3}, {1, 5}, {2, 4}};
    (void)state;
    for (int month = 1; month <= 12; month++) {
        assert_int_equal(calendar_ism_day(2024, month, false), tz_days_from_civil(2024, month, days[month - 1][0]));
        assert_int_equal(calendar_ism_day(2024, month, true), tz_days_from_civil(2024, month, days[month - 1][1]));
    }
    assert_int_equal(calendar_ism_day(2016, 1, false), tz_days_from_civil(2016, 1, 4)); /* before 2018 the first */
}

static void test_holidays(void **state)
{
    (void)state;
    assert_true(calendar_federal_holiday(tz_days_from_civil(2021, 12, 31))); /* New Year's Day 2022, a Saturday */
    assert_true(calendar_federal_holiday(tz_days_from_civil(2026, 7, 3)));
    assert_false(calendar_federal_holiday(tz_days_from_civil(2026, 7, 4)));
    assert_true(calendar_federal_holiday(tz_days_from_civil(2024, 5, 27)));
    assert_true(calendar_federal_holiday(tz_days_from_civil(2024, 11, 28)));
    assert_true(calendar_federal_holiday(tz_days_from_civil(2022, 6, 20)));
    assert_false(calendar_federal_holiday(tz_days_from_civil(2020, 6, 19)));
    assert_int_equal(calendar_easter_sunday(2024), tz_days_from_civil(2024, 3, 31));
    assert_int_equal(calendar_easter_sunday(2025), tz_days_from_civil(2025, 4, 20));
    assert_int_equal(calendar_easter_sunday(2038), tz_days_from_civil(2038, 4, 25)); /* the latest there is */
    assert_int_equal(calendar_easter_sunday(2008), tz_days_from_civil(2008, 3, 23));
}

/* All of 2000 to 2045 against the same rules in another language:
 *   python3, zoneinfo: for each month the third Friday after the Saturday on or after the 12th of the month before; a
 *   set of observed holidays; lists of weekdays not in it; sorted (seconds, name); FNV-1a over "%d %s\n".
 * It printed 4056 events and this hash. */
static void test_all_dates_against_python(void **state)
{
    (void)state;
    good_fleet("calendar: {derived: true}");
    load();
    const struct config_calendar *c = &loaded->calendar;
    assert_int_equal(c->kind, CALENDAR_DERIVED);
    assert_int_equal(c->event_count, 4056);
    assert_int_equal(c->closure_count, 2 * 46); /* no index here: without Good Friday */
    assert_int_equal(c->left_out, 46);
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < c->event_count; i++) {
        char line[96];
        int n = snprintf(line, sizeof line, "%lld %s\n", (long long)(config_events(loaded)[i].time_ns / NS), config_event_texts(loaded)[i].name);
        h = hash_bytes(line, (size_t)n, h);
    }
    assert_true(h == UINT64_C(0xaf5e8b9bafceb683));
    assert_int_equal(support_report.warning_count, 0);
    assert_non_null(strstr(c->version, "DERIVED"));
}

static bool has_event(int64_t time_ns, const char *name)
{
    for (uint32_t i = 0; i < loaded->calendar.event_count; i++)
        if (config_events(loaded)[i].time_ns == time_ns && strcmp(config_event_texts(loaded)[i].name, name) == 0)
            return true;
    return false;
}

static void test_claims_move_before_a_holiday(void **state)
{
    (void)state;
    good_fleet("calendar: {derived: true}");
    load();
    assert_true(has_event(at(2024, 11, 27, 13, 30), "Initial jobless claims")); /* Thanksgiving */
    assert_false(has_event(at(2024, 11, 28, 13, 30), "Initial jobless claims"));
    assert_true(has_event(at(2024, 7, 3, 12, 30), "Initial jobless claims"));
    assert_true(has_event(at(2025, 12, 31, 13, 30), "Initial jobless claims")); /* 2026-01-01 */
    assert_true(has_event(at(2026, 6, 5, 12, 30), "Non-farm payrolls"));        /* vector P4-01 */
}

static void test_derived_in_a_live_market(void **state)
{
    (void)state;
    good_fleet("calendar: {derived: true}");
    support_replace("c/fleet.yaml", "feed: {", "feed: {live: true, ");
    load();
    assert_int_equal(support_report.warning_count, 1);
    assert_non_null(strstr(support_report.warnings[0].text, "calendar.derived: DERIVED dates in a live market"));
}

/* --- which instruments ---------------------------------------------------------------------------- */

static void test_targets(void **state)
{
    (void)state;
    write_csv("2026-06-02T12:00Z,USD,3,us\n2026-06-02T13:00Z,EU,3,euro\n2026-06-02T14:00Z,JP,2,yen\n2026-06-02T15:00Z,GBP,1,pound\n"
              "2026-06-02T16:00Z,ALL,1,all\n2026-06-02T17:00Z,EURUSD,1,one\n");
    load();
    uint32_t eurusd = 1u << instrument("EURUSD"), usdjpy = 1u << instrument("USDJPY");
    const uint32_t masks[] = {eurusd | usdjpy, eurusd, usdjpy, eurusd | usdjpy, eurusd};
    assert_int_equal(loaded->calendar.event_count, 5);
    assert_int_equal(loaded->calendar.left_out, 1);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(config_events(loaded)[i].instruments, masks[i]);
    assert_string_equal(config_event_texts(loaded)[1].target, "EUR");
    uint64_t before = loaded->accounts[0].digest;
    support_replace("c/instruments.yaml", "    margin: 1%\n", "    news: [GBP, AUD]\n    margin: 1%\n");
    load();
    assert_int_equal(loaded->calendar.event_count, 6);
    assert_true(loaded->accounts[0].digest != before); /* another calendar restarts the account */
    support_replace("c/instruments.yaml", "[GBP, AUD]", "[GBP, pound]");
    assert_int_equal(load_on(0), -EINVAL);
    assert_non_null(strstr(support_report.errors[0].text, "c/instruments.yaml:9:17: news: \"pound\" is not a currency"));
}

static void test_order_and_repetitions(void **state)
{
    (void)state;
    write_csv("2026-06-05T12:30Z,USD,1,payrolls\n2026-06-01T14:00Z,USD,3,ism\n2026-06-05T08:30 America/New_York,US,3,payrolls\n"
              "2026-06-05T14:30+02:00,USD,2,payrolls\n2026-06-05T12:30Z,EUR,2,other\n");
    load();
    assert_int_equal(loaded->calendar.event_count, 3);
    assert_string_equal(config_event_texts(loaded)[0].name, "ism");
    assert_int_equal(config_events(loaded)[2].importance, 3);
    assert_int_equal(support_report.warning_count, 1);
    assert_string_equal(support_report.warnings[0].text, "c/news.csv:7:1: row: the same as another one (2 such rows in all); each is taken "
                                                         "once, with the highest importance");
}

/* --- validity ----------------------------------------------------------------------------------------- */

static void expect_warning(int64_t today_ns, const char *part)
{
    assert_int_equal(load_on(today_ns), 0);
    const char *said = support_report.warning_count > 0 ? support_report.warnings[0].text : "";
    if (part == NULL ? support_report.warning_count != 0 : strstr(said, part) == NULL)
        fail_msg("%u warnings, the first: %s", support_report.warning_count, said);
}

static void test_a_calendar_that_ends(void **state)
{
    (void)state;
    write_csv("2026-06-05T12:30Z,USD,1,payrolls\n"); /* to the end of 2026-12-31 */
    int64_t end = at(2027, 1, 1, 0, 0);
    expect_warning(end - 14 * DAY, NULL);
    expect_warning(end - 14 * DAY + 1, "c/news.csv:1:1: valid_to: 2027-01-01, in 13 days");
    expect_warning(end, "in 0 days");
    expect_warning(end + 1, NULL); /* a replay that it covers: the wall clock says nothing */
    support_replace("c/fleet.yaml", "feed: {", "feed: {live: true, ");
    expect_warning(end + 30 * DAY, "valid from 2026-06-01 to 2027-01-01, not today");
    expect_warning(at(2026, 5, 31, 0, 0), "not today");
}

static void test_a_replay_that_it_does_not_cover(void **state)
{
    (void)state;
    write_csv("2026-06-05T12:30Z,USD,1,payrolls\n");
    support_replace("c/fleet.yaml", "start: 2026-06-01", "start: 2026-05-31");
    expect_warning(at(2026, 8, 1, 0, 0), "not all of the replay");
}

static void test_rules_without_a_calendar(void **state)
{
    (void)state;
    static struct loading l;
    struct rules_set set = {.window_count = 2};
    set.windows[0] = (struct rules_window){.kind = RULES_DAILY_SPAN};
    set.windows[1] = (struct rules_window){.head.id = "news", .kind = RULES_NEWS};
    good_fleet("");
    load();
    struct loader_options options = {.today_ns = at(2026, 12, 1, 0, 0)};
    memset(&support_report, 0, sizeof support_report);
    l = (struct loading){.options = &options, .out = loaded, .report = &support_report};
    calendar_check_rules(&l, (struct place){report_file(&l, "firms/x.yaml"), 3, 1}, &set);
    assert_int_equal(support_report.warning_count, 1);
    assert_string_equal(support_report.warnings[0].text, "firms/x.yaml:3:1: calendar: news window news and no calendar: it is closed for "
                                                         "entries all the time; write calendar: in fleet.yaml");
    good_fleet("calendar: {derived: true}");
    load();
    l.out = loaded;
    calendar_check_rules(&l, (struct place){0, 3, 1}, &set);
    assert_int_equal(support_report.warning_count, 0);
    loaded->calendar.valid_to_ns = at(2026, 6, 10, 0, 0);
    calendar_check_rules(&l, (struct place){0, 3, 1}, &set);
    assert_non_null(strstr(support_report.warnings[0].text, "closed for entries outside 2000-01-01 to 2026-06-10"));
}

static void test_what_was_exercised(void **state)
{
    (void)state;
    uint32_t events;
    struct rules_window window = {.kind = RULES_NEWS, .instruments = 3};
    good_fleet("");
    load();
    int64_t from = at(2026, 6, 1, 0, 0), to = at(2026, 7, 1, 0, 0);
    assert_int_equal(news_exercised(loaded, &window, 3, from, to, &events), NEWS_NO_CALENDAR);
    good_fleet("calendar: {derived: true}");
    load();
    assert_int_equal(news_exercised(loaded, &window, 3, from, to, &events), NEWS_DERIVED);
    assert_int_equal(events, 1 + 2 + 4); /* claims on the 4th, 11th, 18th, 25th */
    assert_int_equal(news_exercised(loaded, &window, 3, at(2045, 12, 1, 0, 0), at(2046, 2, 1, 0, 0), &events), NEWS_PARTLY);
    write_csv("2026-06-05T12:30Z,JPY,1,boj\n");
    load();
    assert_int_equal(news_exercised(loaded, &window, 1u << instrument("EURUSD"), from, to, &events), NEWS_NO_EVENT);
    assert_int_equal(news_exercised(loaded, &window, 3, from, to, &events), NEWS_EXERCISED);
    window.importance = 1;
    assert_int_equal(news_exercised(loaded, &window, 3, from, to, &events), NEWS_EXERCISED);
    window.importance = 2; /* what the window does not concern exercises it not */
    assert_int_equal(news_exercised(loaded, &window, 3, from, to, &events), NEWS_NO_EVENT);
    assert_int_equal(events, 0);
    window.importance = 0;
    assert_int_equal(news_exercised(loaded, &window, 3, to + 200 * DAY, to + 300 * DAY, &events), NEWS_NO_CALENDAR);
    for (int i = NEWS_EXERCISED; i <= NEWS_NO_CALENDAR; i++)
        assert_true(strlen(news_verdict_text((enum news_verdict)i)) > 5);
}

/* --- sessions -------------------------------------------------------------------------------------------- */

static void test_sessions(void **state)
{
    (void)state;
    struct rules_calendar calendar;
    int64_t close_ns, closed_for_s;
    good_fleet("calendar: {derived: true}");
    load();
    uint32_t eurusd = instrument("EURUSD");
    assert_true(sessions_calendar(loaded, &calendar));
    assert_true(calendar.derived && calendar.count == 4056 && calendar.events == config_events(loaded));
    sessions_next_close(loaded, eurusd, at(2026, 6, 3, 0, 0), &close_ns, &closed_for_s);
    assert_int_equal(close_ns, at(2026, 6, 5, 21, 0));
    assert_int_equal(closed_for_s, 48 * 3600);
    /* Christmas 2025 is a Thursday: closed from Wednesday 17:00 New York for a day. */
    sessions_next_close(loaded, eurusd, at(2025, 12, 23, 0, 0), &close_ns, &closed_for_s);
    assert_int_equal(close_ns, at(2025, 12, 24, 22, 0));
    assert_int_equal(closed_for_s, 24 * 3600);
    assert_false(sessions_open(loaded, eurusd, at(2025, 12, 25, 12, 0)));
    assert_true(sessions_open(loaded, eurusd, at(2025, 12, 25, 22, 0)));
    good_fleet("");
    load();
    assert_false(sessions_calendar(loaded, &calendar));
    assert_true(sessions_open(loaded, eurusd, at(2025, 12, 25, 12, 0)));
}

static void test_closes_of_a_file(void **state)
{
    (void)state;
    write_csv("2026-06-10,USD,,holiday,close,\n2026-06-12T10:00Z,EURUSD,3,outage,close,2026-06-12T11:00Z\n"
              "2026-06-15,JPY,3,two days,close,2026-06-16\n");
    support_replace("c/news.csv", "# valid_to", "# zone: Europe/Prague\n# valid_to");
    load();
    const struct hours_closure *c = config_closures(loaded);
    assert_int_equal(loaded->calendar.closure_count, 3);
    assert_int_equal(c[0].from_ns, at(2026, 6, 9, 22, 0)); /* the local day */
    assert_int_equal(c[0].to_ns, at(2026, 6, 10, 22, 0));
    assert_int_equal(c[2].to_ns - c[2].from_ns, 2 * DAY); /* a bare date is meant to its end */
    assert_string_equal(config_event_texts(loaded)[1].name, "outage");
    assert_false(sessions_open(loaded, instrument("EURUSD"), at(2026, 6, 12, 10, 30)));
    assert_true(sessions_open(loaded, instrument("USDJPY"), at(2026, 6, 12, 10, 30)));
}

/* --- sealed ----------------------------------------------------------------------------------------------- */

static void test_seal_map_and_merge(void **state)
{
    (void)state;
    struct error err = {0};
    good_fleet("calendar: {derived: true}");
    load();
    assert_int_equal(loaded->size_bytes, config_size(loaded));
    assert_true(config_size(loaded) > sizeof *loaded + 4056 * 80);
    int fd = config_seal(loaded, &err);
    assert_true(fd >= 0);
    const struct fleet_config *mapped = config_map(fd, &err);
    assert_non_null(mapped);
    assert_memory_equal(mapped, loaded, config_size(loaded));
    assert_int_equal(config_merge(mapped, loaded, &err), 0); /* its calendar goes with it */
    assert_int_equal(config_check(loaded, config_size(loaded), &err), 0);
    config_unmap(mapped);
    close(fd);
}

/* Whoever has no room for the events has a calendar that is valid at no time, never one that is valid and empty. */
static void test_without_a_tail(void **state)
{
    (void)state;
    good_fleet("calendar: {derived: true}");
    load();
    assert_int_equal(support_load(NULL), 0);
    assert_int_equal(support_config.calendar.event_count, 0);
    assert_int_equal(support_config.calendar.valid_to_ns, 0);
    assert_true(support_config.accounts[0].digest == loaded->accounts[0].digest);
}

static struct rules_event *event(uint32_t i) { return (struct rules_event *)(loaded + 1) + i; }
static struct hours_closure *closure(uint32_t i) { return (struct hours_closure *)event(loaded->calendar.event_count) + i; }
static struct config_event_text *text(uint32_t i)
{
    return (struct config_event_text *)closure(loaded->calendar.closure_count) + i;
}

static void test_corruptions(void **state)
{
    (void)state;
    good_fleet("calendar: {derived: true}");
#define REFUSED(change, field)                                                                                          \
    do {                                                                                                                \
        struct error err = {0};                                                                                         \
        load();                                                                                                         \
        size_t size = config_size(loaded);                                                                              \
        change;                                                                                                         \
        if (loaded->size_bytes == size && config_size(loaded) == size)                                                  \
            config_stamp(loaded);                                                                                       \
        assert_int_equal(config_check(loaded, size, &err), -EINVAL);                                                    \
        if (strstr(err.text, field) == NULL)                                                                            \
            fail_msg("%s: %s", field, err.text);                                                                        \
    } while (0)
    REFUSED(event(5)->time_ns = event(4)->time_ns - 1, "events[5].time_ns: before");
    REFUSED(event(0)->time_ns = 0, "events[0].time_ns");
    REFUSED(event(4055)->time_ns = loaded->calendar.valid_to_ns, "events[4055].time_ns");
    REFUSED(event(7)->importance = 0, "events[7].importance");
    REFUSED(event(7)->importance = 4, "events[7].importance");
    REFUSED(event(7)->instruments = 0, "events[7].instruments");
    REFUSED(event(7)->instruments = 4, "events[7].instruments");
    REFUSED(closure(1)->from_ns = closure(0)->from_ns - 1, "closures[1].from_ns");
    REFUSED(closure(1)->to_ns = closure(1)->from_ns, "closures[1].to_ns");
    REFUSED(closure(1)->instruments = UINT32_MAX, "closures[1].instruments");
    REFUSED(memset(text(3), 'x', sizeof *text(3)), "event_texts[3].name");
    REFUSED(memset(text(4056 + 91)->target, 0, 12), "event_texts[4147].target");
    REFUSED(loaded->calendar.kind = 3, "calendar.kind");
    REFUSED(loaded->calendar.kind = CALENDAR_NONE, "calendar.kind");
    REFUSED(loaded->calendar.valid_to_ns = loaded->calendar.valid_from_ns - 1, "calendar.valid_to_ns");
    REFUSED(loaded->calendar.published_ns = -1, "calendar.published_ns");
    REFUSED(memset(loaded->calendar.version, 'x', 64), "calendar.version");
    REFUSED(memset(loaded->calendar.path, 'x', CONFIG_PATH_MAX), "calendar.path");
    REFUSED(loaded->calendar.event_count++, "size_bytes");
    REFUSED(loaded->calendar.closure_count--, "size_bytes");
    REFUSED(loaded->calendar.event_count = UINT32_MAX, "calendar.event_count");
    REFUSED(loaded->calendar.closure_count = CONFIG_CLOSURES_MAX + 1, "calendar.closure_count");
    REFUSED(loaded->size_bytes--, "size_bytes");
}

/* Every byte of the part behind the struct is under the digest. */
static void test_digest_covers_the_tail(void **state)
{
    (void)state;
    good_fleet("calendar: {derived: true}");
    load();
    for (size_t i = sizeof *loaded; i < config_size(loaded); i += 997) {
        ((unsigned char *)loaded)[i] ^= 1;
        assert_int_equal(config_check(loaded, config_size(loaded), NULL), -EINVAL);
        ((unsigned char *)loaded)[i] ^= 1;
    }
    assert_int_equal(config_check(loaded, config_size(loaded), NULL), 0);
}

static int teardown(void **state)
{
    free(loaded);
    loaded = NULL;
    return support_teardown(state);
}

static int group_setup(void **state)
{
    (void)state;
    support_begin();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, support_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_payrolls_as_they_were),
        TEST(test_ism_as_published),
        TEST(test_holidays),
        TEST(test_all_dates_against_python),
        TEST(test_claims_move_before_a_holiday),
        TEST(test_derived_in_a_live_market),
        TEST(test_targets),
        TEST(test_order_and_repetitions),
        TEST(test_a_calendar_that_ends),
        TEST(test_a_replay_that_it_does_not_cover),
        TEST(test_rules_without_a_calendar),
        TEST(test_what_was_exercised),
        TEST(test_sessions),
        TEST(test_closes_of_a_file),
        TEST(test_seal_map_and_merge),
        TEST(test_without_a_tail),
        TEST(test_corruptions),
        TEST(test_digest_covers_the_tail),
    };
    return cmocka_run_group_tests_name("calendar", tests, group_setup, NULL);
}
