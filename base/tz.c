#include "base/tz.h"

#include <assert.h>

#define DAY_S 86400
#define NS_PER_S INT64_C(1000000000)

/* --- civil dates ---------------------------------------------------------------- */

/* Both after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin in March,
 * eras of 400 years. */
int64_t tz_days_from_civil(int year, int month, int day)
{
    assert(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void tz_civil_from_days(int64_t days, int *year, int *month, int *day)
{
    assert(days >= -TZ_DAYS_MAX && days <= TZ_DAYS_MAX && year && month && day);
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* --- arithmetic over the table -------------------------------------------------- */

/* Periods of one offset: period 0 lies before transition 0, period i begins with transition i - 1. */
static uint32_t period_at(const struct tz_table *tz, int64_t utc_s)
{
    assert(tz->transition_count <= TZ_TRANSITIONS_MAX);
    uint32_t low = 0, high = tz->transition_count; /* at_s[i] <= utc_s for every i < low, none for i >= high */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tz->at_s[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t period_offset_s(const struct tz_table *tz, uint32_t period)
{
    return period == 0 ? tz->first_offset_s : tz->offset_s[period - 1];
}

static int64_t saturated_ns(int64_t seconds)
{
    int64_t ns;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &ns))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

int32_t tz_offset_at(const struct tz_table *tz, int64_t utc_ns)
{
    assert(tz);
    return period_offset_s(tz, period_at(tz, floor_div(utc_ns, NS_PER_S)));
}

/* In ascending periods the first whose local end lies after the wall time is the first that has it; if
 * that period begins only later, the wall time was skipped, and its beginning is the first instant after. */
int64_t tz_local_to_utc(const struct tz_table *tz, int64_t local_day, int32_t second_of_day)
{
    assert(tz && second_of_day >= 0 && second_of_day < DAY_S);
    assert(local_day >= -TZ_DAYS_MAX && local_day <= TZ_DAYS_MAX);
    int64_t local_s = local_day * DAY_S + second_of_day;
    /* Offsets are within 26 hours: no period that ended two days before can have it. */
    uint32_t period = period_at(tz, local_s - 2 * DAY_S);
    while (period < tz->transition_count && local_s - period_offset_s(tz, period) >= tz->at_s[period])
        period++;
    int64_t utc_s = local_s - period_offset_s(tz, period);
    if (period > 0 && utc_s < tz->at_s[period - 1])
        utc_s = tz->at_s[period - 1];
    return saturated_ns(utc_s);
}

static int64_t local_day_at(const struct tz_table *tz, int64_t utc_ns)
{
    return floor_div(floor_div(utc_ns, NS_PER_S) + tz_offset_at(tz, utc_ns), DAY_S);
}

/* A change of offset moves the local date by at most one day, also back over a midnight that has passed
 * (Newfoundland until 2011), so the boundary is that of one of the days around the instant's own. Boundaries
 * ascend with their days. */
int64_t tz_boundary_at_or_before(const struct tz_table *tz, int32_t second_of_day, int64_t utc_ns)
{
    int64_t day = local_day_at(tz, utc_ns);
    for (int64_t d = day + 1; d >= day - 2; d--) {
        int64_t boundary_ns = tz_local_to_utc(tz, d, second_of_day);
        if (boundary_ns <= utc_ns)
            return boundary_ns;
    }
    return INT64_MIN;
}

int64_t tz_boundary_after(const struct tz_table *tz, int32_t second_of_day, int64_t utc_ns)
{
    int64_t day = local_day_at(tz, utc_ns);
    for (int64_t d = day - 1; d <= day + 2; d++) {
        int64_t boundary_ns = tz_local_to_utc(tz, d, second_of_day);
        if (boundary_ns > utc_ns)
            return boundary_ns;
    }
    return INT64_MAX;
}

int64_t tz_transition_after(const struct tz_table *tz, int64_t utc_ns)
{
    uint32_t period = period_at(tz, floor_div(utc_ns, NS_PER_S));
    return period == tz->transition_count ? INT64_MAX : saturated_ns(tz->at_s[period]);
}

int64_t tz_transition_before(const struct tz_table *tz, int64_t utc_ns)
{
    uint32_t period = period_at(tz, floor_div(utc_ns, NS_PER_S));
    return period == 0 ? INT64_MIN : saturated_ns(tz->at_s[period - 1]);
}

int tz_weekday(const struct tz_table *tz, int64_t utc_ns)
{
    int64_t since_thursday = local_day_at(tz, utc_ns) % 7;
    return (int)((since_thursday + 7 + 4) % 7);
}
