#include "base/hours.h"

#include <assert.h>
#include <stddef.h>

#define DAY_S 86400
#define NS_PER_S INT64_C(1000000000)
enum { SUNDAY = 0, FRIDAY = 5, SATURDAY = 6 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t saturated_ns(int64_t seconds)
{
    int64_t ns;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &ns))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

/* --- the week ------------------------------------------------------------------------------ */

static bool in_daily_break(const struct hours *hours, int32_t second)
{
    if (hours->close_s < hours->open_s)
        return second >= hours->close_s && second < hours->open_s;
    return hours->close_s > hours->open_s && (second >= hours->close_s || second < hours->open_s);
}

static bool in_weekend(const struct hours *hours, int weekday, int32_t second)
{
    int32_t close_s = hours->close_s == 0 ? DAY_S : hours->close_s;
    return weekday == SATURDAY || (weekday == FRIDAY && second >= close_s) ||
           (weekday == SUNDAY && second < hours->open_s);
}

bool hours_open_local(const struct hours *hours, int weekday, int32_t second)
{
    assert(weekday >= SUNDAY && weekday <= SATURDAY && second >= 0 && second < DAY_S);
    if (hours->closed_weekend && in_weekend(hours, weekday, second))
        return false;
    return !in_daily_break(hours, second);
}

static bool week_closes(const struct hours *hours)
{
    return hours->closed_weekend || hours->open_s != hours->close_s;
}

static bool week_open_at(const struct hours *hours, int64_t t_ns)
{
    if (!week_closes(hours))
        return true;
    int64_t local_s = floor_div(t_ns, NS_PER_S) + tz_offset_at(hours->zone, t_ns), day = floor_div(local_s, DAY_S);
    int weekday = (int)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    return hours_open_local(hours, weekday, (int32_t)(local_s - day * DAY_S));
}

/* Between two of these nothing changes: local midnight, open, close, a clock change. */
static int64_t week_change_after(const struct hours *hours, int64_t t_ns)
{
    if (!week_closes(hours))
        return INT64_MAX;
    int64_t t_s = floor_div(t_ns, NS_PER_S), local_s = t_s + tz_offset_at(hours->zone, t_ns);
    int64_t midnight_s = floor_div(local_s, DAY_S) * DAY_S, next_s = midnight_s + DAY_S;
    if (midnight_s + hours->open_s > local_s && midnight_s + hours->open_s < next_s)
        next_s = midnight_s + hours->open_s;
    if (midnight_s + hours->close_s > local_s && midnight_s + hours->close_s < next_s)
        next_s = midnight_s + hours->close_s;
    int64_t change_ns = saturated_ns(t_s + next_s - local_s), clocks_ns = tz_transition_after(hours->zone, t_ns);
    return change_ns < clocks_ns ? change_ns : clocks_ns;
}

/* The last change at or before t. */
static int64_t week_change_before(const struct hours *hours, int64_t t_ns)
{
    if (!week_closes(hours))
        return INT64_MIN;
    int64_t t_s = floor_div(t_ns, NS_PER_S), local_s = t_s + tz_offset_at(hours->zone, t_ns);
    int64_t midnight_s = floor_div(local_s, DAY_S) * DAY_S, last_s = midnight_s;
    if (midnight_s + hours->open_s <= local_s && midnight_s + hours->open_s > last_s)
        last_s = midnight_s + hours->open_s;
    if (midnight_s + hours->close_s <= local_s && midnight_s + hours->close_s > last_s)
        last_s = midnight_s + hours->close_s;
    int64_t change_ns = saturated_ns(t_s - (local_s - last_s)), clocks_ns = tz_transition_before(hours->zone, t_ns);
    return change_ns > clocks_ns ? change_ns : clocks_ns;
}

/* --- with closures --------------------------------------------------------------------------- */

static bool concerns(const struct hours_closures *closures, uint32_t i)
{
    return closures->list[i].instruments >> closures->instrument & 1;
}

static bool closure_at(const struct hours_closures *closures, int64_t t_ns)
{
    for (uint32_t i = 0; closures != NULL && i < closures->count && closures->list[i].from_ns <= t_ns; i++)
        if (concerns(closures, i) && t_ns < closures->list[i].to_ns)
            return true;
    return false;
}

bool hours_open_at(const struct hours *hours, const struct hours_closures *closures, int64_t t_ns)
{
    assert(hours->zone != NULL && (closures == NULL || closures->instrument < 32));
    return week_open_at(hours, t_ns) && !closure_at(closures, t_ns);
}

static int64_t change_after(const struct hours *hours, const struct hours_closures *closures, int64_t t_ns)
{
    int64_t next_ns = week_change_after(hours, t_ns);
    for (uint32_t i = 0; closures != NULL && i < closures->count; i++) {
        const struct hours_closure *c = &closures->list[i];
        if (c->from_ns >= next_ns)
            break;
        if (!concerns(closures, i))
            continue;
        if (c->from_ns > t_ns)
            next_ns = c->from_ns;
        else if (c->to_ns > t_ns && c->to_ns < next_ns)
            next_ns = c->to_ns;
    }
    return next_ns;
}

static int64_t change_before(const struct hours *hours, const struct hours_closures *closures, int64_t t_ns)
{
    int64_t last_ns = week_change_before(hours, t_ns);
    for (uint32_t i = 0; closures != NULL && i < closures->count && closures->list[i].from_ns <= t_ns; i++) {
        const struct hours_closure *c = &closures->list[i];
        if (!concerns(closures, i))
            continue;
        if (c->from_ns > last_ns)
            last_ns = c->from_ns;
        if (c->to_ns <= t_ns && c->to_ns > last_ns)
            last_ns = c->to_ns;
    }
    return last_ns;
}

bool hours_next_close(const struct hours *hours, const struct hours_closures *closures, int64_t t_ns, struct hours_close *out)
{
    int64_t from_ns = t_ns;
    unsigned steps = 0;
    *out = (struct hours_close){0, 0};
    if (!hours_open_at(hours, closures, t_ns)) {
        from_ns = change_before(hours, closures, t_ns);
        while (from_ns > INT64_MIN && !hours_open_at(hours, closures, from_ns - 1) && ++steps < HOURS_STEPS_MAX)
            from_ns = change_before(hours, closures, from_ns - 1);
    } else {
        do {
            from_ns = change_after(hours, closures, from_ns);
            if (from_ns == INT64_MAX || ++steps == HOURS_STEPS_MAX)
                return false;
        } while (hours_open_at(hours, closures, from_ns));
    }
    int64_t to_ns = from_ns > t_ns ? from_ns : t_ns;
    for (steps = 0; to_ns < INT64_MAX && !hours_open_at(hours, closures, to_ns); steps++)
        to_ns = steps < HOURS_STEPS_MAX ? change_after(hours, closures, to_ns) : INT64_MAX;
    *out = (struct hours_close){from_ns, to_ns};
    return true;
}

int64_t hours_open_ns(const struct hours *hours, const struct hours_closures *closures, int64_t from_ns, int64_t to_ns)
{
    int64_t open_ns = 0, at_ns = from_ns;
    struct hours_close close;
    for (unsigned steps = 0; at_ns < to_ns && steps < HOURS_STEPS_MAX; steps++) {
        if (!hours_next_close(hours, closures, at_ns, &close) || close.from_ns >= to_ns)
            break;
        if (close.from_ns > at_ns)
            open_ns += close.from_ns - at_ns;
        at_ns = close.to_ns;
    }
    return at_ns < to_ns ? open_ns + (to_ns - at_ns) : open_ns;
}
