/* trading days: known days round clock changes, weekends and holidays; every zone and roll against minute-by-minute scans. */
#include "tests/unit/performance_support.h"

#include "base/error.h"
#include "workers/performance/trading_day.h"

static struct tz_table zones[5];
static const char *const zone_names[] = {"America/New_York", "Europe/Prague", "UTC", "Asia/Tokyo", "America/Havana"};

static int setup(void **state)
{
    struct error err = {0};
    for (uint32_t i = 0; i < COUNT(zone_names); i++)
        if (tz_load(zone_names[i], &zones[i], &err)) {
            fprintf(stderr, "%s\n", err.text);
            return -1;
        }
    return seed_setup(state);
}

static int64_t date(int year, int month, int day)
{
    return tz_days_from_civil(year, month, day);
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return date(year, month, day) * DAY + hour * HOUR + minute * MINUTE;
}

static struct trading_calendar fx(const struct hours *hours, const struct hours_closures *closures)
{
    return (struct trading_calendar){.zone = &zones[0], .roll_s = TRADING_DAY_NEW_YORK_S, .weekdays = TRADING_DAY_WEEKDAYS,
                                     .hours = hours, .closures = closures};
}

static struct hours fx_hours(void)
{
    return (struct hours){.zone = &zones[0], .open_s = 61200, .close_s = 61200, .closed_weekend = true};
}

/* 17:00 in New York is 22:00 UTC in winter and 21:00 in summer; the clock changed on Sunday 10 March 2024. */
static void test_new_york(void **state)
{
    (void)state;
    struct trading_calendar c = fx(NULL, NULL);
    assert_int_equal(trading_day_of(&c, at(2024, 3, 7, 21, 59)), date(2024, 3, 7));
    assert_int_equal(trading_day_of(&c, at(2024, 3, 7, 22, 0)), date(2024, 3, 8));
    assert_int_equal(trading_day_of(&c, at(2024, 3, 8, 22, 0)), date(2024, 3, 11)); /* Friday's close: Monday */
    assert_int_equal(trading_day_of(&c, at(2024, 3, 11, 20, 59)), date(2024, 3, 11));
    assert_int_equal(trading_day_of(&c, at(2024, 3, 11, 21, 0)), date(2024, 3, 12));
    assert_int_equal(trading_day_end(&c, date(2024, 3, 8)), at(2024, 3, 8, 22, 0));
    assert_int_equal(trading_day_end(&c, date(2024, 3, 10)) - trading_day_begin(&c, date(2024, 3, 10)), 23 * HOUR);
    assert_int_equal(trading_day_end(&c, date(2024, 11, 3)) - trading_day_begin(&c, date(2024, 11, 3)), 25 * HOUR);
    assert_int_equal(trading_day_next(&c, date(2024, 3, 8)), date(2024, 3, 11));
    assert_false(trading_day_exists(&c, date(2024, 3, 9)));
    c.weekdays = TRADING_DAY_ALL;
    assert_int_equal(trading_day_of(&c, at(2024, 3, 8, 22, 0)), date(2024, 3, 9));
}

/* A day that ends at midnight has the name of the date that ends. */
static void test_midnight(void **state)
{
    (void)state;
    struct trading_calendar c = {.zone = &zones[1], .roll_s = 0, .weekdays = TRADING_DAY_WEEKDAYS};
    assert_int_equal(trading_day_of(&c, at(2024, 5, 14, 21, 59)), date(2024, 5, 14));
    assert_int_equal(trading_day_of(&c, at(2024, 5, 14, 22, 0)), date(2024, 5, 15));
    assert_int_equal(trading_day_begin(&c, date(2024, 5, 15)), at(2024, 5, 14, 22, 0));
    assert_int_equal(trading_day_of(&c, at(2024, 5, 17, 22, 0)), date(2024, 5, 20));
}

static void test_holidays(void **state)
{
    (void)state;
    struct hours hours = fx_hours();
    const struct hours_closure list[] = {
        {.from_ns = at(2024, 12, 24, 22, 0), .to_ns = at(2024, 12, 25, 22, 0), .instruments = 1}, /* the whole day */
        {.from_ns = at(2024, 12, 31, 18, 0), .to_ns = at(2025, 1, 1, 23, 0), .instruments = 1},   /* and an hour more */
    };
    struct hours_closures closures = {.list = list, .count = COUNT(list), .instrument = 0};
    struct trading_calendar c = fx(&hours, &closures);
    assert_false(trading_day_exists(&c, date(2024, 12, 25)));
    assert_true(trading_day_exists(&c, date(2024, 12, 31))); /* it was open in the morning */
    assert_false(trading_day_exists(&c, date(2025, 1, 1)));
    assert_true(trading_day_exists(&c, date(2025, 1, 2)));
    assert_int_equal(trading_day_of(&c, at(2024, 12, 25, 12, 0)), date(2024, 12, 26));
    assert_int_equal(trading_day_next(&c, date(2024, 12, 31)), date(2025, 1, 2));
    assert_int_equal(trading_day_count(&c, date(2024, 12, 23), date(2025, 1, 3)), 8);
    closures.instrument = 3; /* they concern another one */
    assert_true(trading_day_exists(&c, date(2024, 12, 25)));
}

static void test_days_per_year(void **state)
{
    (void)state;
    struct hours hours = fx_hours();
    struct trading_calendar c = fx(NULL, NULL);
    assert_near(trading_days_per_year(&c, 2023, 2023), 260.0, 0.0);
    assert_near(trading_days_per_year(&c, 2024, 2024), 262.0, 0.0);
    assert_near(trading_days_per_year(&c, 2000, 2027), 28.0 * 365.25 * 5.0 / 7.0 / 28.0, 1e-12); /* the weekdays' cycle */
    double plain = trading_days_per_year(&c, 2024, 2024);
    c.hours = &hours; /* the week alone has no holiday */
    assert_near(trading_days_per_year(&c, 2024, 2024), plain, 0.0);
    c.hours = NULL;
    c.weekdays = TRADING_DAY_ALL;
    assert_near(trading_days_per_year(&c, 2023, 2024), 365.5, 0.0);
}

static void test_weeks(void **state)
{
    (void)state;
    for (int64_t day = date(2024, 2, 24); day <= date(2024, 3, 1); day++)
        assert_int_equal(trading_week_of(day), date(2024, 3, 1));
    assert_int_equal(trading_week_of(date(2024, 3, 2)), date(2024, 3, 8));
    assert_int_equal(trading_week_of(date(1969, 12, 31)), date(1970, 1, 2));
    assert_int_equal(trading_week_of(-10000) % 7, date(1970, 1, 2) % 7 - 7);
}

/* Any zone, any time of day: an instant lies in its day, days follow each other without a gap, and the local time at a day's
 * end is the roll on the date of its name (midnight: of the next), but where a clock change skips it. */
static void test_any_zone_and_roll(void **state)
{
    (void)state;
    for (int round = 0; round < 4000; round++) {
        struct trading_calendar c = {.zone = &zones[draw_below(COUNT(zones))],
                                     .roll_s = draw_below(4) ? (int32_t)draw_below(96) * 900 : 0,
                                     .weekdays = TRADING_DAY_ALL};
        int64_t t = at(2000, 1, 1, 0, 0) + draw_below(40 * 365) * DAY + draw_below(DAY);
        if (draw_below(2)) /* near a clock change */
            t = tz_transition_after(c.zone, t);
        t = t == INT64_MAX ? at(2020, 6, 1, 0, 0) : t + draw_below(3 * HOUR) - HOUR;
        int64_t day = trading_day_of(&c, t);
        if (!(trading_day_begin(&c, day) <= t && t < trading_day_end(&c, day)))
            fail_msg("%s, roll at %d: %lld is not in day %lld", c.zone->name, c.roll_s, (long long)t, (long long)day);
        assert_int_equal(trading_day_end(&c, day), trading_day_begin(&c, day + 1));
        assert_int_equal(trading_day_of(&c, trading_day_end(&c, day)), day + 1);
        assert_int_equal(trading_day_of(&c, trading_day_begin(&c, day)), day);
        int64_t end = trading_day_end(&c, day), local = end + tz_offset_at(c.zone, end) * NS;
        int64_t wanted = (c.roll_s == 0 ? day + 1 : day) * DAY + c.roll_s * NS;
        assert_true(local == wanted || end - 1 == tz_transition_before(c.zone, end) - 1);
    }
}

static void test_open_time_by_minutes(void **state)
{
    (void)state;
    const struct hours_closure list[] = {
        {.from_ns = at(2024, 3, 5, 10, 0), .to_ns = at(2024, 3, 5, 15, 30), .instruments = 1},
        {.from_ns = at(2024, 3, 7, 20, 0), .to_ns = at(2024, 3, 8, 3, 0), .instruments = 1},
    };
    struct hours_closures closures = {.list = list, .count = COUNT(list), .instrument = 0};
    struct hours kinds[] = {fx_hours(), {.zone = &zones[0], .open_s = 64800, .close_s = 61200, .closed_weekend = true}};
    for (int round = 0; round < 100; round++) {
        const struct hours *hours = &kinds[draw_below(2)];
        int64_t from = at(2024, 3, 1, 0, 0) + draw_below(14 * 24 * 60) * MINUTE, to = from + draw_below(6 * 24 * 60) * MINUTE;
        int64_t open = 0;
        for (int64_t t = from; t < to; t += MINUTE)
            open += hours_open_at(hours, &closures, t) ? MINUTE : 0;
        assert_int_equal(trading_open_ns(hours, &closures, from, to), open);
    }
    assert_int_equal(trading_open_ns(NULL, NULL, 5, 12), 7);
    assert_int_equal(trading_open_ns(&kinds[0], NULL, 12, 5), 0);
}

/* With a market that never opens nothing is found, and it is said so. */
static void test_no_day(void **state)
{
    (void)state;
    struct hours hours = fx_hours();
    const struct hours_closure list[] = {{.from_ns = 0, .to_ns = at(2040, 1, 1, 0, 0), .instruments = 1}};
    struct hours_closures closures = {.list = list, .count = 1, .instrument = 0};
    struct trading_calendar c = fx(&hours, &closures);
    assert_true(trading_day_next(&c, date(2024, 3, 7)) == TRADING_DAY_NONE);
    assert_int_equal(trading_day_of(&c, at(2024, 3, 7, 12, 0)), date(2024, 3, 7));
    assert_int_equal(trading_day_count(&c, date(2024, 1, 1), date(2024, 3, 1)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_york),      cmocka_unit_test(test_midnight),
        cmocka_unit_test(test_holidays),      cmocka_unit_test(test_days_per_year),
        cmocka_unit_test(test_weeks),         cmocka_unit_test(test_any_zone_and_roll),
        cmocka_unit_test(test_open_time_by_minutes), cmocka_unit_test(test_no_day),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
