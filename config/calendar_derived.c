/* Releases and holidays that a rule gives: for replays. DERIVED: nobody has published these dates.
 *
 * Only what has a fixed rule is here. Not here, because a committee or a bureau chooses its days: FOMC, US CPI, PPI, PCE,
 * retail sales, GDP, and everything of other countries. Not covered: moves by a government shutdown (2013, 2018-19,
 * 2025), a day of mourning, a storm.
 *
 * Sources (read 2026-11, as stored copies):
 *   payrolls   BLS: "the third Friday after the conclusion of the survey reference week", which has the 12th
 *              (marketplace.org 2023-03-03; businessinsider.com 2017-03-10, both citing BLS). That is the first Friday of the
 *              next month, but the second one when that month begins with a Friday after a month of at most 30 days (2023-03-10,
 *              2024-03-08, 2022-07-08). On a holiday the Thursday before (2015-07-02, 2020-07-02, 2025-07-03).
 *              In January not before the 4th: as observed in 2003, 2004, 2009, 2010, 2014 to 2016, 2020, 2021, 2025, 2026.
 *   ISM        ismworld.org, rob-report-calendar: first and third business day of the month, 10:00; since 2018 one business
 *              day later in January ("due to ISM holiday", 2024).
 *   claims     US Department of Labor, ETA: each Thursday 08:30; on a holiday the Wednesday before.
 *   holidays   5 U.S.C. 6103: on a Saturday observed on Friday, on a Sunday on Monday. Juneteenth since 2021.
 *   closures   25 December and 1 January: FX, metals, indices do not trade; Good Friday: US indices (NYSE rule 7.2).
 */
#include "config/calendar.h"

#include <errno.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
enum { SUNDAY, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY };

static int weekday_of(int64_t day) /* after 1970, a Thursday */
{
    return (int)((day + THURSDAY) % 7);
}

/* The n-th such weekday of a month. */
static int64_t nth(int year, int month, int weekday, int n)
{
    int64_t first = tz_days_from_civil(year, month, 1);
    return first + (weekday - weekday_of(first) + 7) % 7 + 7 * (n - 1);
}

/* --- holidays ------------------------------------------------------------------------------------ */

static int64_t observed(int year, int month, int day)
{
    int64_t d = tz_days_from_civil(year, month, day);
    return d + (weekday_of(d) == SATURDAY ? -1 : weekday_of(d) == SUNDAY ? 1 : 0);
}

static bool is_holiday_of(int year, int64_t day)
{
    return day == observed(year, 1, 1) || day == nth(year, 1, MONDAY, 3) || day == nth(year, 2, MONDAY, 3) ||
           day == nth(year, 6, MONDAY, 1) - 7 /* the last Monday of May */ || (year >= 2021 && day == observed(year, 6, 19)) ||
           day == observed(year, 7, 4) || day == nth(year, 9, MONDAY, 1) || day == nth(year, 10, MONDAY, 2) ||
           day == observed(year, 11, 11) || day == nth(year, 11, THURSDAY, 4) || day == observed(year, 12, 25);
}

bool calendar_federal_holiday(int64_t day)
{
    int year, month, day_of_month;
    tz_civil_from_days(day, &year, &month, &day_of_month);
    return is_holiday_of(year, day) || is_holiday_of(year + 1, day); /* New Year's Day may be observed in December */
}

/* Meeus, Astronomical Algorithms, chapter 8 (the anonymous Gregorian computus of 1876). */
int64_t calendar_easter_sunday(int year)
{
    int a = year % 19, b = year / 100, c = year % 100, d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
    int h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
    int m = (a + 11 * h + 22 * l) / 451, n = h + l - 7 * m + 114;
    return tz_days_from_civil(year, n / 31, n % 31 + 1);
}

/* --- releases -------------------------------------------------------------------------------------- */

int64_t calendar_payrolls_day(int year, int month)
{
    int64_t twelfth = tz_days_from_civil(month == 1 ? year - 1 : year, month == 1 ? 12 : month - 1, 12);
    int64_t release = twelfth + (SATURDAY - weekday_of(twelfth)) + 20; /* the week ends on Saturday */
    if (month == 1 && release < tz_days_from_civil(year, 1, 4))
        return release + 7;
    return calendar_federal_holiday(release) ? release - 1 : release;
}

int64_t calendar_ism_day(int year, int month, bool services)
{
    int wanted = (services ? 3 : 1) + (month == 1 && year >= 2018);
    int64_t day = tz_days_from_civil(year, month, 1) - 1;
    while (wanted > 0) {
        int weekday = weekday_of(++day);
        wanted -= weekday != SATURDAY && weekday != SUNDAY && !calendar_federal_holiday(day);
    }
    return day;
}

/* --- the calendar ------------------------------------------------------------------------------------ */

struct maker {
    struct loading *l;
    struct calendar *out;
    const struct tz_table *new_york;
    struct place at;
    bool failed;
};

static void add(struct maker *m, enum calendar_row_kind kind, int64_t from_ns, int64_t to_ns, uint32_t importance,
                const char *target, const char *name)
{
    struct calendar_row row = {.kind = kind, .from_ns = from_ns, .to_ns = to_ns, .importance = importance, .place = m->at};
    snprintf(row.text.target, sizeof row.text.target, "%s", target);
    snprintf(row.text.name, sizeof row.text.name, "%s", name);
    m->failed |= !calendar_add(m->l, m->out, &row);
}

static void add_release(struct maker *m, int64_t day, int hour, int minute, uint32_t importance, const char *name)
{
    int64_t ns = tz_local_to_utc(m->new_york, day, (hour * 60 + minute) * 60);
    add(m, CALENDAR_NEWS, ns, ns, importance, "USD", name);
}

/* The trading day of the FX market that has this date: 17:00 to 17:00 in New York. */
static void add_closure(struct maker *m, int64_t day, const char *target, const char *name)
{
    add(m, CALENDAR_CLOSE, tz_local_to_utc(m->new_york, day - 1, 17 * 3600), tz_local_to_utc(m->new_york, day, 17 * 3600), 3, target,
        name);
}

static void add_year(struct maker *m, int year)
{
    for (int month = 1; month <= 12; month++) {
        add_release(m, calendar_payrolls_day(year, month), 8, 30, 3, "Non-farm payrolls");
        add_release(m, calendar_ism_day(year, month, false), 10, 0, 3, "ISM manufacturing");
        add_release(m, calendar_ism_day(year, month, true), 10, 0, 3, "ISM services");
    }
    for (int64_t day = nth(year, 1, THURSDAY, 1); day < tz_days_from_civil(year + 1, 1, 1); day += 7)
        add_release(m, calendar_federal_holiday(day) ? day - 1 : day, 8, 30, 2, "Initial jobless claims");
    add_closure(m, tz_days_from_civil(year, 1, 1), CALENDAR_WEEKLY, "New Year's Day");
    add_closure(m, calendar_easter_sunday(year) - 2, CALENDAR_INDICES, "Good Friday");
    add_closure(m, tz_days_from_civil(year, 12, 25), CALENDAR_WEEKLY, "Christmas Day");
}

int calendar_derive(struct loading *l, struct place at, struct calendar *out)
{
    struct calendar_time start;
    const char *problem = calendar_parse_time(out, "2000-01-01", "America/New_York", &start);
    if (problem != NULL) {
        report_error(l, at, "calendar.derived", "America/New_York %s; install tzdata", problem);
        return -EINVAL;
    }
    struct maker m = {.l = l, .out = out, .new_york = &out->zones[0], .at = at};
    for (int year = CALENDAR_DERIVED_FROM; year <= CALENDAR_DERIVED_TO && !m.failed; year++)
        add_year(&m, year);
    out->valid_from_ns = tz_days_from_civil(CALENDAR_DERIVED_FROM, 1, 1) * 86400 * NS_PER_S;
    out->valid_to_ns = tz_days_from_civil(CALENDAR_DERIVED_TO + 1, 1, 1) * 86400 * NS_PER_S;
    out->has_from = out->has_to = true;
    snprintf(out->version, sizeof out->version, "DERIVED 1: US payrolls, ISM, jobless claims by rule");
    return m.failed ? -EINVAL : 0;
}
