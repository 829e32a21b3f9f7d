/* seasonality: what volume is usual at an hour of the week, from bars alone. Pure. quant.md section 1.
 *
 * V*_t = V_t / median(V at the same hour of the week, its last 20 occurrences, without t itself); until 10 of them exist the
 * same hour of the day stands in for it (its last 20 occurrences on any day), and before the first there is none.
 *
 * The live path has this from the feed (shm/baseline.h over the history's hours), with memory that all accounts share. This
 * is the same rule for who has bars only, in 33 KB: studies, and tests of the other one. The two agree, hour for hour
 * (tests/unit/test_seasonality.c): hours are whole and UTC; an hour counts when its beginning was seen and it had a
 * bar; one without any is no occurrence; it is known once it is over.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_SEASONALITY_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_SEASONALITY_H

#include <stdbool.h>
#include <stdint.h>

#define SEASONALITY_WEEK_HOURS 168u /* 0: Monday 00:00 to 01:00 UTC */
#define SEASONALITY_DAY_HOURS 24u
#define SEASONALITY_OCCURRENCES 20u
#define SEASONALITY_LEAST 10u       /* fewer of the hour of the week: the hour of the day */
#define SEASONALITY_SLOTS (SEASONALITY_OCCURRENCES + 1) /* the hour that is asked about may be among them */

struct seasonality_hours {
    uint32_t count, position;  /* held; the next place, the oldest when full */
    int64_t newest_ns;         /* open of the newest */
    int64_t volumes[SEASONALITY_SLOTS];
};
struct seasonality {
    uint32_t open, whole;      /* an hour is being summed; its beginning was seen */
    uint32_t seen, reserved;   /* a bar came at all */
    int64_t open_ns, volume;   /* of that hour; saturates at INT64_MAX */
    struct seasonality_hours week[SEASONALITY_WEEK_HOURS], day[SEASONALITY_DAY_HOURS];
};
struct seasonality_baseline {
    double volume;             /* of an hour, in the unit of the bars; may be 0. NaN where there is none */
    uint32_t occurrences;      /* it is the median of */
    uint32_t of_day;           /* 1: of the hour of the day */
};

void seasonality_init(struct seasonality *state);
bool seasonality_restorable(const struct seasonality *state);
/* The hour of the week that holds an instant >= 0 (UTC). */
uint32_t seasonality_week_hour(int64_t time_ns);

/* An hour that is over: open_ns >= 0 a whole hour, later than every one before (an earlier one is passed over). */
void seasonality_push_hour(struct seasonality *state, int64_t open_ns, int64_t volume);
/* A bar of at most an hour, within one hour of the clock: bars in order. What came before that hour is now over. A bar
 * that cannot be one (not within an hour, before the last one's hour, volume < 0) is passed over: false. */
bool seasonality_push_bar(struct seasonality *state, int64_t open_ns, int64_t close_ns, int64_t volume);
/* Known now, for the hour that holds time_ns: its own volume is not in it. It sorts twenty numbers: ask once an hour. */
struct seasonality_baseline seasonality_read(const struct seasonality *state, int64_t time_ns);
/* V*: the volume of a bar of length_ns against its share of an hour's baseline. NaN without a baseline, where it is 0, and for
 * bars longer than an hour, which have no season of an hour. For baselines of shm/baseline.h too. */
double seasonality_relative(double volume, int64_t length_ns, double baseline_volume);

#endif
