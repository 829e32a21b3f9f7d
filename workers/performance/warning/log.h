/* log: alarms as predictions, scored when their time is over: otherwise "early warning" is a claim that nothing can test. Pure.
 *
 * An alarm predicts that an adverse event (what counts as one is the caller's, fixed beforehand: a drawdown beyond its
 * yellow line, a floor's buffer reached, the mean R of 90 days below 0) comes within `horizon` after it. It is scored when
 * now >= its time + horizon. An alarm that says as often "event" as any day would is worth nothing: compare the precision
 * with the base rate.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_LOG_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_LOG_H

#include <stdint.h>

#include "workers/performance/warning/family.h"

#define WARNING_HORIZON_NS (INT64_C(90) * 86400 * 1000000000)

/* A row of the log: fixed size, no padding. One for each rise of a level (warning_family_raise). */
struct warning_alarm {
    int64_t time_ns;
    uint32_t monitor; /* enum warning_monitor */
    uint32_t level;   /* enum warning_level */
    double statistic, threshold;
};

struct warning_score_question {
    const struct warning_alarm *alarms; /* times ascending */
    uint32_t alarm_count;
    const int64_t *events; /* times ascending */
    uint32_t event_count;
    int64_t from_ns, now_ns; /* watched since, and now */
    int64_t horizon_ns;      /* WARNING_HORIZON_NS; > 0 */
    uint32_t monitor;        /* enum warning_monitor, or WARNING_MONITOR_COUNT: all of them */
    uint32_t level;          /* alarms of at least this level */
};
struct warning_score {
    uint32_t open;         /* alarms whose time is not over */
    uint32_t scored, hits; /* of the others: followed by an event (time, time + horizon] */
    double precision, precision_low, precision_high; /* hits / scored, Wilson 95 % (overlapping horizons make it too narrow) */
    double base_rate;      /* share of [from, now - horizon] after which an event came within the horizon */
    uint32_t events, caught; /* events since from; those with an alarm in the horizon before */
    double recall;
    double lead_mean_days, lead_least_days; /* of the caught: from the first alarm in the horizon to the event */
};
/* NaN where there is nothing to divide by. Rows out of range (monitor, level) are passed over; unsorted times are asserted. */
void warning_log_score(const struct warning_score_question *question, struct warning_score *out);

#endif
