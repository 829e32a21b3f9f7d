#include "workers/performance/trading_day.h"

#include <assert.h>
#include <stddef.h>

#define NS_PER_DAY (INT64_C(86400) * 1000000000)
#define NS_PER_SECOND INT64_C(1000000000)
#define WEEK 7
#define WEEKDAY_OF_EPOCH 4 /* 1970-01-01 was a Thursday; 0 is Sunday */
#define FRIDAY 5
#define DATES_TRIED 3 /* the local date, the one before and the two after it */
#define CLOSES_MAX 1000000u /* looked over in one span: 50 years of daily breaks and holidays are far fewer */

static int weekday_of(int64_t day)
{
    int64_t weekday = (day + WEEKDAY_OF_EPOCH) % WEEK;
    return (int)(weekday < 0 ? weekday + WEEK : weekday);
}

static void calendar_check(const struct trading_calendar *c)
{
    assert(c->zone && c->roll_s >= 0 && c->roll_s < 86400 && (c->weekdays & TRADING_DAY_ALL) != 0);
}

int64_t trading_day_end(const struct trading_calendar *c, int64_t day)
{
    calendar_check(c);
    /* a day that ends at midnight ends with the first instant of the next date */
    return tz_local_to_utc(c->zone, c->roll_s == 0 ? day + 1 : day, c->roll_s);
}

int64_t trading_day_begin(const struct trading_calendar *c, int64_t day)
{
    return trading_day_end(c, day - 1);
}

bool trading_day_exists(const struct trading_calendar *c, int64_t day)
{
    calendar_check(c);
    if ((c->weekdays >> weekday_of(day) & 1u) == 0)
        return false;
    int64_t begin = trading_day_begin(c, day);
    struct hours_close close;
    if (!c->hours || !hours_next_close(c->hours, c->closures, begin, &close))
        return true;
    return close.from_ns > begin || close.to_ns < trading_day_end(c, day);
}

/* The first day from `day` on that exists; TRADING_DAY_NONE: none near. */
static int64_t day_at_or_after(const struct trading_calendar *c, int64_t day)
{
    for (int i = 0; i < TRADING_DAY_SEARCH_MAX; i++)
        if (trading_day_exists(c, day + i))
            return day + i;
    return TRADING_DAY_NONE;
}

/* The first date whose day ends after time_ns: near the local date. */
static int64_t date_of(const struct trading_calendar *c, int64_t time_ns)
{
    assert(time_ns > INT64_MIN / 2 && time_ns < INT64_MAX / 2);
    int64_t local_ns = time_ns + tz_offset_at(c->zone, time_ns) * NS_PER_SECOND;
    int64_t day = local_ns / NS_PER_DAY - (local_ns % NS_PER_DAY < 0) - 1;
    for (int i = 0; i < DATES_TRIED && trading_day_end(c, day) <= time_ns; i++)
        day++;
    return day;
}

int64_t trading_day_of(const struct trading_calendar *c, int64_t time_ns)
{
    calendar_check(c);
    int64_t date = date_of(c, time_ns), day = day_at_or_after(c, date);
    return day == TRADING_DAY_NONE ? date : day;
}

int64_t trading_day_next(const struct trading_calendar *c, int64_t day)
{
    return day_at_or_after(c, day + 1);
}

uint32_t trading_day_count(const struct trading_calendar *c, int64_t first, int64_t last)
{
    assert(last - first < TRADING_DAY_YEARS_MAX * 366);
    uint32_t count = 0;
    for (int64_t day = first; day <= last; day++)
        count += trading_day_exists(c, day);
    return count;
}

double trading_days_per_year(const struct trading_calendar *c, int first_year, int last_year)
{
    assert(first_year <= last_year);
    int64_t first = tz_days_from_civil(first_year, 1, 1), last = tz_days_from_civil(last_year, 12, 31);
    return (double)trading_day_count(c, first, last) / (double)(last_year - first_year + 1);
}

int64_t trading_week_of(int64_t day)
{
    return day + (FRIDAY - weekday_of(day) + WEEK) % WEEK;
}

int64_t trading_open_ns(const struct hours *hours, const struct hours_closures *closures, int64_t from_ns, int64_t to_ns)
{
    int64_t open = 0, at = from_ns;
    struct hours_close close;
    for (uint32_t i = 0; at < to_ns; i++) {
        if (!hours || i == CLOSES_MAX || !hours_next_close(hours, closures, at, &close) || close.from_ns >= to_ns)
            return open + (to_ns - at);
        if (close.from_ns > at)
            open += close.from_ns - at;
        at = close.to_ns;
    }
    return open;
}
