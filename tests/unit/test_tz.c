/* Time zones: against the C library over all of tzdata, known days by hand, hostile files. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/tz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS INT64_C(1000000000)
#define HOUR INT64_C(3600)
#define DAY INT64_C(86400)
#define FILE_MAX 8192

static const char *const zones[] = {
    "Europe/Prague", "America/New_York", "America/Chicago",     "Asia/Kolkata",     "UTC",       "Europe/London",
    "Europe/Dublin", "Etc/GMT+5",        "Australia/Lord_Howe", "America/Nuuk",     "Asia/Gaza", "Africa/Casablanca",
    "Pacific/Apia",  "Pacific/Chatham",  "America/Santiago",    "America/St_Johns",
};

static struct tz_table load(const char *name)
{
    struct tz_table tz;
    struct error err = {0};
    memset(&tz, 0xee, sizeof tz);
    if (tz_load(name, &tz, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(tz.name, name);
    return tz;
}

static int64_t utc_s(int year, int month, int day, int64_t second)
{
    return tz_days_from_civil(year, month, day) * DAY + second;
}

static void libc_zone(const char *value)
{
    setenv("TZ", value, 1);
    tzset();
}

static long libc_offset(int64_t at_s)
{
    time_t t = (time_t)at_s;
    struct tm local;
    assert_non_null(localtime_r(&t, &local));
    return local.tm_gmtoff;
}

static void expect_libc(const struct tz_table *tz, int64_t at_s)
{
    long want = libc_offset(at_s);
    int32_t got = tz_offset_at(tz, at_s * NS);
    if (got != want)
        fail_msg("%s at %lld: %d, the C library says %ld", tz->name, (long long)at_s, (int)got, want);
}

/* The C library in zone `tz_value` on a grid of all the table's years, and on both sides of each transition. */
static void compare_with_libc(const struct tz_table *tz, const char *tz_value, int64_t step_s)
{
    int64_t first = utc_s(TZ_FIRST_YEAR, 1, 1, 0), end = utc_s(TZ_LAST_YEAR + 1, 1, 1, 0);
    libc_zone(tz_value);
    for (int64_t t = first; t < end; t += step_s)
        expect_libc(tz, t);
    expect_libc(tz, end - 1);
    for (uint32_t i = 0; i < tz->transition_count; i++) {
        assert_true(tz->at_s[i] >= first && tz->at_s[i] < end);
        assert_true(i == 0 || tz->at_s[i] > tz->at_s[i - 1]);
        assert_int_not_equal(tz->offset_s[i], i == 0 ? tz->first_offset_s : tz->offset_s[i - 1]);
        expect_libc(tz, tz->at_s[i] - 1);
        expect_libc(tz, tz->at_s[i]);
    }
}

static void test_offsets_are_the_c_librarys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        char value[64];
        struct tz_table tz = load(zones[i]);
        snprintf(value, sizeof value, ":%s", zones[i]);
        compare_with_libc(&tz, value, 11 * HOUR + 17);
    }
}

static int zones_seen;

static int each_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    const char *name = path + strlen("/usr/share/zoneinfo/");
    if (type != FTW_F || strncmp(name, "right/", 6) == 0 || strncmp(name, "posix/", 6) == 0)
        return 0;
    char magic[4] = "", value[96];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(magic, 1, sizeof magic, file);
    fclose(file);
    if (n != 4 || memcmp(magic, "TZif", 4) != 0)
        return 0;
    struct tz_table tz = load(name);
    snprintf(value, sizeof value, ":%s", name);
    compare_with_libc(&tz, value, 13 * DAY + HOUR);
    zones_seen++;
    return 0;
}

static void test_every_zone_of_the_system(void **state)
{
    (void)state;
    zones_seen = 0;
    assert_int_equal(nftw("/usr/share/zoneinfo", each_file, 16, 0), 0);
    assert_true(zones_seen > 300);
}

static void test_known_tables(void **state)
{
    (void)state;
    struct tz_table tz = load("UTC");
    assert_int_equal(tz.transition_count, 0);
    assert_int_equal(tz.first_offset_s, 0);
    tz = load("Asia/Kolkata");
    assert_int_equal(tz.transition_count, 0);
    assert_int_equal(tz.first_offset_s, 19800);
    tz = load("Etc/GMT-3"); /* POSIX signs: east */
    assert_int_equal(tz.first_offset_s, 10800);
    tz = load("Europe/Prague"); /* two a year, from the first year to the last */
    assert_int_equal(tz.transition_count, 2 * (TZ_LAST_YEAR - TZ_FIRST_YEAR + 1));
    assert_int_equal(tz.first_offset_s, 3600);
}

/* Years that only the footer knows. */
static void test_footer_reaches_the_last_year(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int year, month, day;
        int64_t second;
        int32_t before_s, after_s;
    } cases[] = {
        {"Europe/Prague", 2040, 3, 25, 1 * HOUR, 3600, 7200},
        {"Europe/Prague", 2040, 10, 28, 1 * HOUR, 7200, 3600},
        {"America/New_York", 2040, 3, 11, 7 * HOUR, -18000, -14400},
        {"America/New_York", 2040, 11, 4, 6 * HOUR, -14400, -18000},
        {"America/Chicago", 2040, 3, 11, 8 * HOUR, -21600, -18000},
        {"America/Chicago", 2045, 11, 5, 7 * HOUR, -18000, -21600},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tz_table tz = load(cases[i].zone);
        int64_t at_s = utc_s(cases[i].year, cases[i].month, cases[i].day, cases[i].second);
        assert_int_equal(tz_offset_at(&tz, at_s * NS - 1), cases[i].before_s);
        assert_int_equal(tz_offset_at(&tz, at_s * NS), cases[i].after_s);
    }
}

static void test_local_times_that_do_not_exist_or_occur_twice(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int year, month, day;
        int32_t local;
        int utc_day;
        int64_t utc;
    } cases[] = {
        {"Europe/Prague", 2026, 3, 29, 2 * 3600 - 1, 29, 1 * HOUR - 1},
        {"Europe/Prague", 2026, 3, 29, 2 * 3600, 29, 1 * HOUR}, /* skipped: 02:00:00 to 02:59:59 */
        {"Europe/Prague", 2026, 3, 29, 2 * 3600 + 1800, 29, 1 * HOUR},
        {"Europe/Prague", 2026, 3, 29, 3 * 3600 - 1, 29, 1 * HOUR},
        {"Europe/Prague", 2026, 3, 29, 3 * 3600, 29, 1 * HOUR},
        {"Europe/Prague", 2026, 3, 29, 3 * 3600 + 1, 29, 1 * HOUR + 1},
        {"Europe/Prague", 2026, 10, 25, 2 * 3600 - 1, 24, DAY - 1},
        {"Europe/Prague", 2026, 10, 25, 2 * 3600, 25, 0}, /* twice: the first */
        {"Europe/Prague", 2026, 10, 25, 2 * 3600 + 1800, 25, HOUR / 2},
        {"Europe/Prague", 2026, 10, 25, 3 * 3600 - 1, 25, HOUR - 1},
        {"Europe/Prague", 2026, 10, 25, 3 * 3600, 25, 2 * HOUR},
        {"America/New_York", 2026, 3, 8, 2 * 3600 + 1800, 8, 7 * HOUR},
        {"America/New_York", 2026, 11, 1, 1 * 3600 + 1800, 1, 5 * HOUR + HOUR / 2},
        {"America/New_York", 2026, 11, 1, 2 * 3600, 1, 7 * HOUR},
        {"America/Chicago", 2026, 3, 8, 2 * 3600, 8, 8 * HOUR},
        {"America/Chicago", 2026, 11, 1, 1 * 3600, 1, 6 * HOUR},
        {"America/Chicago", 2040, 3, 11, 2 * 3600 + 60, 11, 8 * HOUR},
        {"Asia/Kolkata", 2026, 3, 29, 0, 28, 18 * HOUR + HOUR / 2},
        {"UTC", 2026, 3, 29, 2 * 3600 + 1800, 29, 2 * HOUR + HOUR / 2},
        {"Australia/Lord_Howe", 2026, 10, 4, 2 * 3600 + 900, 3, 15 * HOUR + HOUR / 2}, /* half an hour */
        {"Pacific/Apia", 2011, 12, 30, 12 * 3600, 30, 10 * HOUR},                      /* a day that never was */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tz_table tz = load(cases[i].zone);
        int64_t want = utc_s(cases[i].year, cases[i].month, cases[i].utc_day, cases[i].utc) * NS;
        int64_t got =
            tz_local_to_utc(&tz, tz_days_from_civil(cases[i].year, cases[i].month, cases[i].day), cases[i].local);
        if (got != want)
            fail_msg("case %zu: %lld, not %lld", i, (long long)(got / NS), (long long)(want / NS));
    }
}

/* For every instant: its wall time leads to an instant with the same wall time, and to none that is later. */
static void test_local_to_utc_gives_the_first_instant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct tz_table tz = load(zones[i]);
        int doubled = 0;
        for (int64_t t = utc_s(2005, 1, 1, 0); t < utc_s(2030, 1, 1, 0); t += HOUR / 2) {
            int64_t local_s = t + tz_offset_at(&tz, t * NS);
            int64_t got = tz_local_to_utc(&tz, local_s / DAY, (int32_t)(local_s % DAY)) / NS;
            assert_true(got <= t && got >= t - 25 * HOUR);
            assert_int_equal(got + tz_offset_at(&tz, got * NS), local_s);
            doubled += got != t;
            /* An instant that is given for a later wall time is never the earlier. */
            int64_t next = tz_local_to_utc(&tz, (local_s + 1) / DAY, (int32_t)((local_s + 1) % DAY)) / NS;
            assert_true(next > got);
        }
        bool changes = tz.transition_count > 0 && strcmp(zones[i], "UTC") != 0;
        assert_true((doubled > 0) == changes);
    }
}

/* From ../shared/golden/rules_vectors.csv, P1D. */
static void test_day_boundaries_of_firms(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int32_t at;
        int month, day; /* local date, 2026 */
        int utc_month, utc_day;
        int64_t utc;
        int hours; /* of the day that begins there */
    } cases[] = {
        {"Europe/Prague", 0, 3, 29, 3, 28, 23 * HOUR, 23},
        {"Europe/Prague", 0, 10, 25, 10, 24, 22 * HOUR, 25},
        {"Europe/Prague", 0, 10, 26, 10, 25, 23 * HOUR, 24},
        {"America/New_York", 17 * 3600, 1, 15, 1, 15, 22 * HOUR, 24},
        {"Etc/GMT-3", 0, 1, 15, 1, 14, 21 * HOUR, 24},
        {"America/Chicago", 17 * 3600, 3, 9, 3, 9, 22 * HOUR, 24},
        {"America/New_York", 18 * 3600, 11, 2, 11, 2, 23 * HOUR, 24},
        {"America/New_York", 17 * 3600, 3, 15, 3, 15, 21 * HOUR, 24},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tz_table tz = load(cases[i].zone);
        int64_t begin = utc_s(2026, cases[i].utc_month, cases[i].utc_day, cases[i].utc) * NS;
        int64_t end = begin + cases[i].hours * HOUR * NS;
        assert_true(tz_local_to_utc(&tz, tz_days_from_civil(2026, cases[i].month, cases[i].day), cases[i].at) == begin);
        assert_true(tz_boundary_at_or_before(&tz, cases[i].at, begin) == begin);
        assert_true(tz_boundary_at_or_before(&tz, cases[i].at, end - 1) == begin);
        assert_true(tz_boundary_at_or_before(&tz, cases[i].at, end) == end);
        assert_true(tz_boundary_after(&tz, cases[i].at, begin - 1) == begin);
        assert_true(tz_boundary_after(&tz, cases[i].at, begin) == end);
        assert_true(tz_boundary_after(&tz, cases[i].at, end - 1) == end);
    }
}

static void test_boundary_in_the_hour_that_is_skipped_or_doubled(void **state)
{
    (void)state;
    struct tz_table tz = load("Europe/Prague");
    int32_t half_past_two = 2 * 3600 + 1800;
    int64_t spring = utc_s(2026, 3, 29, HOUR) * NS; /* 02:30 is skipped: 03:00 */
    assert_true(tz_boundary_at_or_before(&tz, half_past_two, spring - 1) == utc_s(2026, 3, 28, HOUR + HOUR / 2) * NS);
    assert_true(tz_boundary_at_or_before(&tz, half_past_two, spring) == spring);
    assert_true(tz_boundary_after(&tz, half_past_two, spring - 1) == spring);
    int64_t autumn = utc_s(2026, 10, 25, HOUR / 2) * NS; /* 02:30 comes twice: one boundary */
    assert_true(tz_boundary_at_or_before(&tz, half_past_two, autumn + HOUR * NS) == autumn);
    assert_true(tz_boundary_after(&tz, half_past_two, autumn) == utc_s(2026, 10, 26, HOUR + HOUR / 2) * NS);
}

/* Newfoundland went back at 00:01: midnight passes, and the evening before comes again. */
static void test_boundary_where_the_local_date_goes_back(void **state)
{
    (void)state;
    struct tz_table tz = load("America/St_Johns");
    int64_t midnight = utc_s(2010, 11, 7, 2 * HOUR + HOUR / 2) * NS,
            next = utc_s(2010, 11, 8, 3 * HOUR + HOUR / 2) * NS;
    for (int64_t minute = 0; minute < 25 * 60; minute++) {
        int64_t t = midnight + minute * 60 * NS;
        assert_true(tz_boundary_at_or_before(&tz, 0, t) == midnight);
        assert_true(tz_boundary_after(&tz, 0, t) == next);
    }
    assert_int_equal(tz_weekday(&tz, midnight), 0);
    assert_int_equal(tz_weekday(&tz, midnight + 30 * 60 * NS), 6);
}

static void test_boundaries_enclose_every_instant(void **state)
{
    (void)state;
    static const int32_t seconds[] = {0, 1, 2 * 3600 + 1800, 17 * 3600, 86399};
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct tz_table tz = load(zones[i]);
        for (size_t s = 0; s < COUNT(seconds); s++) {
            int64_t last_ns = INT64_MIN;
            for (int64_t t = utc_s(2009, 12, 1, 7) * NS; t < utc_s(2013, 1, 1, 0) * NS; t += 5 * HOUR * NS + 1) {
                int64_t begin = tz_boundary_at_or_before(&tz, seconds[s], t);
                int64_t end = tz_boundary_after(&tz, seconds[s], t);
                assert_true(begin <= t && t < end);
                assert_true(end - begin <= 26 * HOUR * NS);
                assert_true(tz_boundary_after(&tz, seconds[s], begin) == end);
                assert_true(tz_boundary_at_or_before(&tz, seconds[s], end - 1) == begin);
                assert_true(begin >= last_ns);
                last_ns = begin;
            }
        }
    }
}

static void test_weekday(void **state)
{
    (void)state;
    struct tz_table utc = load("UTC"), kolkata = load("Asia/Kolkata"), york = load("America/New_York");
    assert_int_equal(tz_weekday(&utc, 0), 4);
    assert_int_equal(tz_weekday(&utc, -1), 3);
    assert_int_equal(tz_weekday(&utc, -5 * DAY * NS), 6);
    int64_t sunday = utc_s(2026, 3, 29, 0) * NS;
    assert_int_equal(tz_weekday(&utc, sunday), 0);
    assert_int_equal(tz_weekday(&utc, sunday - 1), 6);
    assert_int_equal(tz_weekday(&kolkata, sunday - 1), 0);
    assert_int_equal(tz_weekday(&york, sunday), 6);
    libc_zone(":America/New_York");
    for (int64_t t = utc_s(2025, 12, 1, 0); t < utc_s(2027, 1, 1, 0); t += HOUR) {
        time_t instant = (time_t)t;
        struct tm local;
        localtime_r(&instant, &local);
        assert_int_equal(tz_weekday(&york, t * NS), local.tm_wday);
    }
}

static void test_extreme_instants_saturate(void **state)
{
    (void)state;
    static const int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct tz_table tz = load(zones[i]);
        for (size_t e = 0; e < COUNT(extremes); e++) {
            int64_t t = extremes[e];
            assert_true(tz_boundary_at_or_before(&tz, 0, t) <= t);
            int64_t after = tz_boundary_after(&tz, 0, t);
            assert_true(after > t || after == INT64_MAX);
            int weekday = tz_weekday(&tz, t);
            assert_true(weekday >= 0 && weekday <= 6);
        }
        assert_int_equal(tz_offset_at(&tz, INT64_MIN), tz.first_offset_s);
        assert_true(tz_local_to_utc(&tz, TZ_DAYS_MAX, 0) == INT64_MAX);
        assert_true(tz_local_to_utc(&tz, -TZ_DAYS_MAX, 0) == INT64_MIN);
    }
}

static void test_civil_dates(void **state)
{
    (void)state;
    assert_int_equal(tz_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(tz_days_from_civil(1969, 12, 31), -1);
    assert_int_equal(tz_days_from_civil(2000, 2, 29), 11016);
    assert_int_equal(tz_days_from_civil(0, 3, 1), -719468);
    /* Day after day from year -400: the date moves on by one, with the lengths of Gregorian months. */
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = -400, month = 1, day = 1;
    for (int64_t d = tz_days_from_civil(-400, 1, 1); year < 2801; d++) {
        int y, m, n;
        tz_civil_from_days(d, &y, &m, &n);
        if (y != year || m != month || n != day || tz_days_from_civil(y, m, n) != d)
            fail_msg("day %lld: %d-%d-%d, expected %d-%d-%d", (long long)d, y, m, n, year, month, day);
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (++day > lengths[month - 1] + (month == 2 && leap)) {
            day = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
    int y, m, n;
    tz_civil_from_days(TZ_DAYS_MAX, &y, &m, &n);
    assert_true(tz_days_from_civil(y, m, n) == TZ_DAYS_MAX);
    tz_civil_from_days(-TZ_DAYS_MAX, &y, &m, &n);
    assert_true(tz_days_from_civil(y, m, n) == -TZ_DAYS_MAX);
}

static void test_names_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int rc;
    } cases[] = {
        {"", -EINVAL},
        {"/etc/passwd", -EINVAL},
        {"../../../etc/passwd", -EINVAL},
        {"Europe/../UTC", -EINVAL},
        {"Europe/Prague\n", -EINVAL},
        {"Europe/Prague ", -EINVAL},
        {"tzdata.zi", -EINVAL},
        {"A123456789012345678901234567890123456789", -EINVAL}, /* 40 characters */
        {"A12345678901234567890123456789012345678", -ENOENT},  /* 39 */
        {"Europe/Atlantis", -ENOENT},
        {"Europe", -ENOENT},
        {"Europe/Prague/x", -ENOENT},
        {"europe/prague", -ENOENT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tz_table tz;
        struct error err = {0};
        int rc = tz_load(cases[i].name, &tz, &err);
        if (rc != cases[i].rc)
            fail_msg("\"%s\": %d, not %d", cases[i].name, rc, cases[i].rc);
        assert_int_equal(err.code, -rc);
        assert_int_equal(tz_load(cases[i].name, &tz, NULL), rc);
        if (cases[i].name[0] && strlen(cases[i].name) < TZ_NAME_MAX)
            assert_non_null(strstr(err.text, cases[i].name));
    }
}

/* --- files built by hand --------------------------------------------------------- */

struct bytes {
    size_t size;
    unsigned char data[FILE_MAX];
};

static void put(struct bytes *b, const void *data, size_t size)
{
    assert_true(b->size + size <= sizeof b->data);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_be(struct bytes *b, uint64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--)
        put(b, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

struct zone_file {
    char version;
    uint32_t leap_count, time_count, type_count;
    int64_t times[TZ_TRANSITIONS_MAX + 1];
    unsigned char indices[TZ_TRANSITIONS_MAX + 1];
    int32_t offsets[2];
    const char *footer; /* with its newlines */
};

static void put_header(struct bytes *b, char version, uint32_t leap, uint32_t time, uint32_t type)
{
    put(b, "TZif", 4);
    put(b, &version, 1);
    put(b, "0123456789abcde", 15); /* reserved: whatever */
    put_be(b, 0, 4);
    put_be(b, 0, 4);
    put_be(b, leap, 4);
    put_be(b, time, 4);
    put_be(b, type, 4);
    put_be(b, 4, 4);
}

static struct bytes build(const struct zone_file *zone)
{
    struct bytes b = {0};
    put_header(&b, zone->version, 0, 1, 1); /* version 1's block: lies, to be skipped */
    put_be(&b, 0x7fffffff, 4);
    put_be(&b, 0, 1);
    put_be(&b, 86399, 4);
    put_be(&b, 0, 2);
    put(&b, "LIE", 4);
    put_header(&b, zone->version, zone->leap_count, zone->time_count, zone->type_count);
    for (uint32_t i = 0; i < zone->time_count; i++)
        put_be(&b, (uint64_t)zone->times[i], 8);
    put(&b, zone->indices, zone->time_count);
    for (uint32_t i = 0; i < zone->type_count; i++) {
        put_be(&b, (uint32_t)zone->offsets[i], 4);
        put_be(&b, 0, 2);
    }
    put(&b, "AAA", 4);
    for (uint32_t i = 0; i < zone->leap_count; i++)
        put_be(&b, i, 8), put_be(&b, i, 4);
    put(&b, zone->footer, strlen(zone->footer));
    return b;
}

static struct zone_file two_offsets(uint32_t transitions)
{
    struct zone_file zone = {
        .version = '2', .time_count = transitions, .type_count = 2, .offsets = {3600, 7200}, .footer = "\nAAA-1\n"};
    for (uint32_t i = 0; i < transitions; i++) {
        zone.times[i] = utc_s(2000, 1, 1, 0) + i * DAY;
        zone.indices[i] = (i + 1) % 2;
    }
    return zone;
}

/* A copy of its exact size on the heap: AddressSanitizer sees a byte too far. */
static int parse(const unsigned char *data, size_t size, struct tz_table *tz)
{
    unsigned char *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    struct error err = {0};
    int rc = tz_parse("Test/Zone", exact, size, tz, &err);
    free(exact);
    assert_int_equal(err.code, -rc);
    assert_true((rc != 0) == (err.text[0] != '\0'));
    return rc;
}

static int parse_zone(const struct zone_file *zone, struct tz_table *tz)
{
    struct bytes b = build(zone);
    return parse(b.data, b.size, tz);
}

static void test_second_block_counts(void **state)
{
    (void)state;
    struct tz_table tz;
    struct zone_file zone = two_offsets(3);
    assert_int_equal(parse_zone(&zone, &tz), 0);
    assert_int_equal(tz.transition_count, 3);
    assert_int_equal(tz.first_offset_s, 3600);
    assert_int_equal(tz.offset_s[0], 7200);
    assert_true(tz.at_s[2] == utc_s(2000, 1, 3, 0));
    zone.version = '3';
    assert_int_equal(parse_zone(&zone, &tz), 0);
}

static void test_table_limit_on_both_sides(void **state)
{
    (void)state;
    struct tz_table tz;
    struct zone_file zone = two_offsets(TZ_TRANSITIONS_MAX);
    assert_int_equal(parse_zone(&zone, &tz), 0);
    assert_int_equal(tz.transition_count, TZ_TRANSITIONS_MAX);
    zone = two_offsets(TZ_TRANSITIONS_MAX + 1);
    assert_int_equal(parse_zone(&zone, &tz), -E2BIG);
    zone = two_offsets(TZ_TRANSITIONS_MAX);
    zone.footer = "\nAAA-1BBB,M3.5.0,M10.5.0\n"; /* the footer is what is too much */
    assert_int_equal(parse_zone(&zone, &tz), -E2BIG);
    zone = two_offsets(TZ_TRANSITIONS_MAX + 1); /* before the first year nothing takes room */
    for (uint32_t i = 0; i < zone.time_count; i++)
        zone.times[i] -= utc_s(2000, 1, 1, 0) - utc_s(1980, 1, 1, 0);
    assert_int_equal(parse_zone(&zone, &tz), 0);
    assert_int_equal(tz.transition_count, 0);
    assert_int_equal(tz.first_offset_s, 7200);
}

static void test_first_and_last_year(void **state)
{
    (void)state;
    struct tz_table tz;
    struct zone_file zone = two_offsets(4);
    zone.times[0] = utc_s(TZ_FIRST_YEAR, 1, 1, 0) - 1;
    zone.times[1] = utc_s(TZ_FIRST_YEAR, 1, 1, 0);
    zone.times[2] = utc_s(TZ_LAST_YEAR, 12, 31, DAY - 1);
    zone.times[3] = utc_s(TZ_LAST_YEAR + 1, 1, 1, 0);
    zone.footer = "\n\n"; /* no rule */
    assert_int_equal(parse_zone(&zone, &tz), 0);
    assert_int_equal(tz.first_offset_s, 7200);
    assert_int_equal(tz.transition_count, 2);
    assert_true(tz.at_s[0] == zone.times[1] && tz.at_s[1] == zone.times[2]);
}

static void test_broken_files(void **state)
{
    (void)state;
    struct tz_table tz;
    struct zone_file zone;
#define BROKEN(change)                                                                                                 \
    zone = two_offsets(3);                                                                                             \
    assert_int_equal(parse_zone(&zone, &tz), 0);                                                                       \
    change;                                                                                                            \
    assert_int_equal(parse_zone(&zone, &tz), -EINVAL)

    BROKEN(zone.version = '\0');
    BROKEN(zone.version = '1');
    BROKEN(zone.version = '5');
    BROKEN(zone.leap_count = 1);
    BROKEN(zone.type_count = 0);
    BROKEN(zone.type_count = 1); /* index 1 is none */
    BROKEN(zone.indices[2] = 255);
    BROKEN(zone.times[1] = zone.times[0]);
    BROKEN(zone.times[2] = zone.times[0] - 1);
    BROKEN(zone.times[0] = utc_s(1950, 1, 1, 0); zone.times[1] = utc_s(1949, 1, 1, 0));
    BROKEN(zone.offsets[1] = 26 * 3600 + 1);
    BROKEN(zone.offsets[0] = INT32_MIN);
    BROKEN(zone.footer = "");
    BROKEN(zone.footer = "\n");
    BROKEN(zone.footer = "\nAAA-1");
    BROKEN(zone.footer = "AAA-1\n");
#undef BROKEN
}

static struct bytes prague(void)
{
    struct bytes b = {0};
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Prague", "rb");
    assert_non_null(file);
    b.size = fread(b.data, 1, sizeof b.data, file);
    fclose(file);
    assert_true(b.size > 500 && b.size < sizeof b.data);
    return b;
}

static void test_every_cut_is_seen(void **state)
{
    (void)state;
    struct tz_table tz;
    struct bytes b = prague();
    assert_int_equal(parse(b.data, b.size, &tz), 0);
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(parse(b.data, size, &tz), -EINVAL);
}

/* Whatever the bytes: an error, or a table that keeps its promises. */
static void test_damaged_bytes_never_break_the_table(void **state)
{
    (void)state;
    struct bytes b = prague();
    uint64_t seed = 4711;
    int refused = 0;
    for (int round = 0; round < 20000; round++) {
        struct tz_table tz;
        struct bytes damaged = b;
        for (int i = 0; i <= round % 3; i++) {
            seed = hash_mix64(seed);
            size_t at = seed % (round % 2 ? damaged.size : 44 * 2); /* half of the rounds: headers */
            damaged.data[round % 2 ? at : at < 44 ? at : damaged.size - 1 - at % 44] = (unsigned char)(seed >> 32);
        }
        int rc = parse(damaged.data, damaged.size, &tz);
        refused += rc != 0;
        if (rc != 0)
            continue;
        assert_true(tz.transition_count <= TZ_TRANSITIONS_MAX);
        for (uint32_t i = 0; i < tz.transition_count; i++) {
            assert_true(i == 0 || tz.at_s[i] > tz.at_s[i - 1]);
            assert_true(tz.offset_s[i] >= -26 * 3600 && tz.offset_s[i] <= 26 * 3600);
        }
    }
    assert_true(refused > 1000);
}

/* --- footers -------------------------------------------------------------------- */

static int parse_footer(const char *rule, struct tz_table *tz)
{
    char footer[256];
    snprintf(footer, sizeof footer, "\n%s\n", rule);
    struct zone_file zone = {.version = '3', .type_count = 1, .footer = footer};
    return parse_zone(&zone, tz);
}

/* The C library reads the same rules from TZ: a second implementation. */
static void test_footers_as_the_c_library_reads_them(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "AAA3",
        "AAA-5:30",
        "<+0545>-5:45",
        "AAA+11:59:59",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "IST-1GMT0,M10.5.0,M3.5.0/1",   /* Dublin: winter is the exception */
        "AEST-10AEDT,M10.1.0,M4.1.0/3", /* the south: a year begins in summer time */
        "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "EET-2EEST,M3.4.4/50,M10.4.4/50",
        "EET-2EEST,M4.5.5/0,M10.5.4/24",
        "AAA3BBB,J59,J60",
        "AAA3BBB,J60/0,J300/0",
        "AAA3BBB,58/0,299/23:59:59",
        "AAA3BBB,59,300",
        "AAA3BBB,60/12,J365/1",
        "AAA-3BBB-3:20,M2.5.6/4,M2.1.1",
        "AAA3BBB,M12.5.0,M1.1.0",
        "AAA0BBB,M3.1.0/167,M9.1.0/-167",
    };
    for (size_t i = 0; i < COUNT(rules); i++) {
        struct tz_table tz;
        if (parse_footer(rules[i], &tz) != 0)
            fail_msg("%s is refused", rules[i]);
        snprintf(tz.name, sizeof tz.name, "%.39s", rules[i]);
        compare_with_libc(&tz, rules[i], 7 * HOUR + 13);
    }
}

/* RFC 8536, section 3.3.1: summer time all the year is two changes at one instant, of which none remains. */
static void test_summer_time_all_the_year(void **state)
{
    (void)state;
    struct tz_table tz;
    assert_int_equal(parse_footer("XXX3EDT4,0/0,J365/23", &tz), 0);
    assert_int_equal(tz.transition_count, 0);
    assert_int_equal(tz.first_offset_s, -4 * 3600);
}

static void test_footers_that_are_refused(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "A",
        "AA3",
        "AAA",
        "3",
        "<AAA3",
        "<>3",
        "AAA25",
        "AAA1234",
        "AAA3:60",
        "AAA3:",
        "AAA3:30:",
        "AAA3:30:99",
        "AAA3BBB", /* POSIX leaves the rule to the system; a file must say it */
        "AAA3BB,M3.5.0,M10.5.0",
        "AAA3BBB,M3.5.0",
        "AAA3BBB,M3.5.0,",
        "AAA3BBB,M0.5.0,M10.5.0",
        "AAA3BBB,M13.5.0,M10.5.0",
        "AAA3BBB,M3.0.0,M10.5.0",
        "AAA3BBB,M3.6.0,M10.5.0",
        "AAA3BBB,M3.5.7,M10.5.0",
        "AAA3BBB,M3.5,M10.5.0",
        "AAA3BBB,J0,J300",
        "AAA3BBB,J366,J300",
        "AAA3BBB,366,300",
        "AAA3BBB,-1,300",
        "AAA3BBB,M3.5.0/168,M10.5.0",
        "AAA3BBB,M3.5.0/,M10.5.0",
        "AAA3BBB,M3.5.0,M10.5.0x",
        "AAA3BBB,M3.5.0,M10.5.0,M11.5.0",
        "AAA99999999999999999999",
        "AAA3 ",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3",
    };
    for (size_t i = 0; i < COUNT(rules); i++) {
        struct tz_table tz;
        if (parse_footer(rules[i], &tz) != -EINVAL)
            fail_msg("\"%s\" is taken", rules[i]);
    }
}

static void test_version_is_tzdatas(void **state)
{
    (void)state;
    char version[32], line[128] = "", want[128];
    tz_data_version(version, sizeof version);
    FILE *file = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    if (!file)
        skip();
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    snprintf(want, sizeof want, "# version %s\n", version);
    assert_string_equal(line, want);
    char small[8] = "zzzzzzz";
    tz_data_version(small, 4);
    assert_string_equal(small, "unk"); /* what does not fit is not half a version */
    assert_int_equal(small[4], 'z');
}

/* Every transition is found from both sides, and nothing between two. */
static void test_transitions_before_and_after(void **state)
{
    (void)state;
    for (size_t z = 0; z < COUNT(zones); z++) {
        struct tz_table tz = load(zones[z]);
        int64_t last_ns = INT64_MIN;
        for (uint32_t i = 0; i < tz.transition_count; i++) {
            int64_t at_ns = tz.at_s[i] * NS;
            assert_int_equal(tz_transition_after(&tz, at_ns - 1), at_ns);
            assert_int_equal(tz_transition_before(&tz, at_ns), at_ns);
            assert_int_equal(tz_transition_before(&tz, at_ns - 1), last_ns);
            last_ns = at_ns;
        }
        assert_int_equal(tz_transition_after(&tz, last_ns), INT64_MAX);
        assert_int_equal(tz_transition_before(&tz, INT64_MAX), last_ns);
        assert_int_equal(tz_transition_before(&tz, INT64_MIN), INT64_MIN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_are_the_c_librarys),
        cmocka_unit_test(test_every_zone_of_the_system),
        cmocka_unit_test(test_known_tables),
        cmocka_unit_test(test_footer_reaches_the_last_year),
        cmocka_unit_test(test_local_times_that_do_not_exist_or_occur_twice),
        cmocka_unit_test(test_local_to_utc_gives_the_first_instant),
        cmocka_unit_test(test_day_boundaries_of_firms),
        cmocka_unit_test(test_boundary_in_the_hour_that_is_skipped_or_doubled),
        cmocka_unit_test(test_boundary_where_the_local_date_goes_back),
        cmocka_unit_test(test_boundaries_enclose_every_instant),
        cmocka_unit_test(test_weekday),
        cmocka_unit_test(test_extreme_instants_saturate),
        cmocka_unit_test(test_transitions_before_and_after),
        cmocka_unit_test(test_civil_dates),
        cmocka_unit_test(test_names_that_are_refused),
        cmocka_unit_test(test_second_block_counts),
        cmocka_unit_test(test_table_limit_on_both_sides),
        cmocka_unit_test(test_first_and_last_year),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_every_cut_is_seen),
        cmocka_unit_test(test_damaged_bytes_never_break_the_table),
        cmocka_unit_test(test_footers_as_the_c_library_reads_them),
        cmocka_unit_test(test_summer_time_all_the_year),
        cmocka_unit_test(test_footers_that_are_refused),
        cmocka_unit_test(test_version_is_tzdatas),
    };
    return cmocka_run_group_tests_name("tz", tests, NULL, NULL);
}
