/* trading_day: the days on which results are counted. Pure.
 *
 * A day ends at a time of day in a zone (17:00 America/New_York as a rule, any other as a firm has it), whatever clock
 * changes do, and begins where the one before ends: [begin, end). It is named by the local date at whose time of day it
 * ends, as days since 1970-01-01: what ends on Friday at 17:00 is Friday; midnight is the end of a date, so what ends
 * with Friday is Friday too.
 * A day exists when its weekday is one of the calendar's and, where market hours are given, the market is open at some
 * time of it: weekends and holidays are no days, what happens in them belongs to the next day that exists.
 * A week runs from Saturday to Friday: with 17:00 in New York from Friday's close to Friday's close.
 *
 * The calendar is borrowed: zone, hours and closures live as long as it is used. Days are within TZ_DAYS_MAX, instants
 * within 146 years of 1970 (asserted).
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_TRADING_DAY_H
#define PROPFLEET_WORKERS_PERFORMANCE_TRADING_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hours.h"
#include "base/tz.h"

#define TRADING_DAY_WEEKDAYS 0x3eu      /* bit 0 Sunday .. 6 Saturday: Monday to Friday */
#define TRADING_DAY_ALL 0x7fu           /* markets that never close */
#define TRADING_DAY_NEW_YORK_S 61200    /* 17:00 */
#define TRADING_DAY_SEARCH_MAX 32       /* days without a market that are looked over */
#define TRADING_DAY_YEARS_MAX 50
#define TRADING_DAY_NONE INT64_MAX

struct trading_calendar {
    const struct tz_table *zone;
    int32_t roll_s;                     /* 0..86399, local: a day ends here */
    uint32_t weekdays;                  /* days that can be */
    const struct hours *hours;          /* NULL: open whenever it is a weekday */
    const struct hours_closures *closures; /* NULL: none; looked at with hours alone */
};

/* The instants at which a date's day begins and ends, whether it exists or not. */
int64_t trading_day_begin(const struct trading_calendar *calendar, int64_t day);
int64_t trading_day_end(const struct trading_calendar *calendar, int64_t day);
bool trading_day_exists(const struct trading_calendar *calendar, int64_t day);
/* The day that an instant belongs to. Where no day exists within TRADING_DAY_SEARCH_MAX: the date itself. */
int64_t trading_day_of(const struct trading_calendar *calendar, int64_t time_ns);
/* The next day that exists after `day`; TRADING_DAY_NONE: none within TRADING_DAY_SEARCH_MAX. */
int64_t trading_day_next(const struct trading_calendar *calendar, int64_t day);
/* Days that exist in [first, last], at most TRADING_DAY_YEARS_MAX years of them (asserted). */
uint32_t trading_day_count(const struct trading_calendar *calendar, int64_t first, int64_t last);

/* D: days that exist a year, counted over whole calendar years, `first` and `last` included. Count years that the closures
 * cover: a year without its holidays has too many. */
double trading_days_per_year(const struct trading_calendar *calendar, int first_year, int last_year);

/* The Friday on or after a day: the name of its week. */
int64_t trading_week_of(int64_t day);

/* Time in [from, to) with the market open; hours NULL: all of it. 0 when to <= from. */
int64_t trading_open_ns(const struct hours *hours, const struct hours_closures *closures, int64_t from_ns, int64_t to_ns);

#endif
