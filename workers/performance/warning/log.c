#include "workers/performance/warning/log.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define Z95 1.9599639845400545
#define NS_PER_DAY 86400e9

static_assert(sizeof(struct warning_alarm) == 32, "a stored row");

static bool log_counts(const struct warning_score_question *q, const struct warning_alarm *alarm)
{
    return alarm->monitor < WARNING_MONITOR_COUNT && alarm->level < WARNING_LEVEL_COUNT && alarm->level >= q->level &&
           (q->monitor == WARNING_MONITOR_COUNT || alarm->monitor == q->monitor);
}

/* Whether b comes after a by at most the horizon. */
static bool log_within(const struct warning_score_question *q, int64_t a, int64_t b)
{
    return b > a && b - a <= q->horizon_ns;
}

static void log_check(const struct warning_score_question *q)
{
    assert(q->horizon_ns > 0 && q->from_ns <= q->now_ns && q->from_ns >= 0);
    for (uint32_t i = 1; i < q->alarm_count; i++)
        assert(q->alarms[i].time_ns >= q->alarms[i - 1].time_ns);
    for (uint32_t i = 1; i < q->event_count; i++)
        assert(q->events[i] >= q->events[i - 1]);
}

static void log_alarms(const struct warning_score_question *q, struct warning_score *out)
{
    for (uint32_t i = 0; i < q->alarm_count; i++) {
        const struct warning_alarm *alarm = &q->alarms[i];
        if (!log_counts(q, alarm) || alarm->time_ns < q->from_ns || alarm->time_ns > q->now_ns)
            continue;
        if (q->now_ns - alarm->time_ns < q->horizon_ns) {
            out->open++;
            continue;
        }
        bool hit = false;
        for (uint32_t e = 0; e < q->event_count && !hit; e++)
            hit = log_within(q, alarm->time_ns, q->events[e]);
        out->scored++;
        out->hits += hit;
    }
    double n = out->scored, k = out->hits, centre = (k + Z95 * Z95 / 2.0) / (n + Z95 * Z95);
    double half = n > 0.0 ? Z95 / (n + Z95 * Z95) * sqrt(k * (n - k) / n + Z95 * Z95 / 4.0) : NAN;
    out->precision = n > 0.0 ? k / n : NAN;
    out->precision_low = out->hits == 0 && n > 0.0 ? 0.0 : centre - half;
    out->precision_high = out->hits == out->scored && n > 0.0 ? 1.0 : centre + half;
}

static void log_events(const struct warning_score_question *q, struct warning_score *out)
{
    double sum = 0.0, least = INFINITY;
    for (uint32_t e = 0; e < q->event_count; e++) {
        if (q->events[e] < q->from_ns || q->events[e] > q->now_ns)
            continue;
        out->events++;
        for (uint32_t i = 0; i < q->alarm_count; i++) {
            const struct warning_alarm *alarm = &q->alarms[i];
            if (!log_counts(q, alarm) || alarm->time_ns < q->from_ns || !log_within(q, alarm->time_ns, q->events[e]))
                continue;
            double lead = (double)(q->events[e] - alarm->time_ns) / NS_PER_DAY;
            out->caught++;
            sum += lead;
            least = fmin(least, lead);
            break; /* the first one is the one that led */
        }
    }
    out->recall = out->events > 0 ? (double)out->caught / out->events : NAN;
    out->lead_mean_days = out->caught > 0 ? sum / out->caught : NAN;
    out->lead_least_days = out->caught > 0 ? least : NAN;
}

/* The union of [event - horizon, event) within [from, now - horizon]. */
static double log_base_rate(const struct warning_score_question *q)
{
    int64_t end = q->now_ns - q->horizon_ns, reached = q->from_ns, covered = 0;
    if (end <= q->from_ns)
        return NAN;
    for (uint32_t e = 0; e < q->event_count; e++) {
        int64_t low = q->events[e] < q->horizon_ns ? 0 : q->events[e] - q->horizon_ns;
        int64_t high = q->events[e] < end ? q->events[e] : end;
        low = low > reached ? low : reached;
        if (high <= low)
            continue;
        covered += high - low;
        reached = high;
    }
    return (double)covered / (double)(end - q->from_ns);
}

void warning_log_score(const struct warning_score_question *question, struct warning_score *out)
{
    log_check(question);
    *out = (struct warning_score){0};
    log_alarms(question, out);
    log_events(question, out);
    out->base_rate = log_base_rate(question);
}
