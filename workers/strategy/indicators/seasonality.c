#include "workers/strategy/indicators/seasonality.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)
#define EPOCH_WEEK_HOUR (3 * SEASONALITY_DAY_HOURS) /* 1 January 1970 was a Thursday */

void seasonality_init(struct seasonality *state)
{
    static_assert(sizeof(struct seasonality_hours) == 16 + 8 * SEASONALITY_SLOTS,
                  "no padding: states compare by bytes");
    static_assert(sizeof(struct seasonality) ==
                      32 + (SEASONALITY_WEEK_HOURS + SEASONALITY_DAY_HOURS) * sizeof(struct seasonality_hours),
                  "no padding");
    assert(state);
    memset(state, 0, sizeof *state);
}

uint32_t seasonality_week_hour(int64_t time_ns)
{
    assert(time_ns >= 0);
    return (uint32_t)((uint64_t)(time_ns / HOUR_NS + EPOCH_WEEK_HOUR) % SEASONALITY_WEEK_HOURS);
}

/* --- hours that are over -------------------------------------------------------------------------------------------
 */

static void hours_push(struct seasonality_hours *hours, int64_t open_ns, int64_t volume)
{
    if (hours->count > 0 && open_ns <= hours->newest_ns)
        return;
    hours->volumes[hours->position] = volume;
    hours->position = (hours->position + 1) % SEASONALITY_SLOTS;
    hours->count += hours->count < SEASONALITY_SLOTS;
    hours->newest_ns = open_ns;
}

void seasonality_push_hour(struct seasonality *state, int64_t open_ns, int64_t volume)
{
    assert(open_ns >= 0 && open_ns % HOUR_NS == 0 && volume >= 0);
    uint32_t week_hour = seasonality_week_hour(open_ns);
    hours_push(&state->week[week_hour], open_ns, volume);
    hours_push(&state->day[week_hour % SEASONALITY_DAY_HOURS], open_ns, volume);
}

bool seasonality_push_bar(struct seasonality *state, int64_t open_ns, int64_t close_ns, int64_t volume)
{
    int64_t hour_ns = open_ns - open_ns % HOUR_NS;
    if (open_ns < 0 || close_ns <= open_ns || close_ns - hour_ns > HOUR_NS || volume < 0 ||
        (state->seen && hour_ns < state->open_ns))
        return false;
    if (state->open && hour_ns > state->open_ns) {
        state->open = 0;
        if (state->whole)
            seasonality_push_hour(state, state->open_ns, state->volume);
    }
    if (!state->open) {
        state->open = 1;
        state->whole = state->seen || open_ns == hour_ns;
        state->seen = 1;
        state->open_ns = hour_ns;
        state->volume = 0;
    }
    state->volume = state->volume > INT64_MAX - volume ? INT64_MAX : state->volume + volume;
    return true;
}

/* --- baselines -----------------------------------------------------------------------------------------------------
 */

/* The newest SEASONALITY_OCCURRENCES before an hour, sorted; how many. */
static uint32_t hours_sorted(const struct seasonality_hours *hours, int64_t before_ns,
                             int64_t sorted[SEASONALITY_OCCURRENCES])
{
    uint32_t count = hours->count, position = hours->position + SEASONALITY_SLOTS;
    if (count > 0 && hours->newest_ns >= before_ns) {
        count--;
        position--;
    }
    count = count < SEASONALITY_OCCURRENCES ? count : SEASONALITY_OCCURRENCES;
    for (uint32_t n = 0; n < count; n++) {
        int64_t volume = hours->volumes[(position - 1 - n) % SEASONALITY_SLOTS];
        uint32_t at = n;
        for (; at > 0 && sorted[at - 1] > volume; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = volume;
    }
    return count;
}

struct seasonality_baseline seasonality_read(const struct seasonality *state, int64_t time_ns)
{
    int64_t sorted[SEASONALITY_OCCURRENCES] = {0}, before_ns = time_ns - time_ns % HOUR_NS;
    uint32_t week_hour = seasonality_week_hour(time_ns);
    struct seasonality_baseline out = {.volume = NAN};
    out.occurrences = hours_sorted(&state->week[week_hour], before_ns, sorted);
    if (out.occurrences < SEASONALITY_LEAST) {
        out.of_day = 1;
        out.occurrences = hours_sorted(&state->day[week_hour % SEASONALITY_DAY_HOURS], before_ns, sorted);
    }
    if (out.occurrences == 0)
        return out;
    uint32_t middle = out.occurrences / 2;
    double upper = (double)sorted[middle];
    out.volume = out.occurrences % 2 ? upper : ((double)sorted[middle - 1] + upper) / 2.0;
    return out;
}

double seasonality_relative(double volume, int64_t length_ns, double baseline_volume)
{
    if (!(baseline_volume > 0.0) || length_ns <= 0 || length_ns > HOUR_NS)
        return NAN;
    return volume * ((double)HOUR_NS / (double)length_ns) / baseline_volume;
}

/* --- the state as bytes --------------------------------------------------------------------------------------------
 */

/* The ring of the hour numbered `hour` of `of`. */
static bool hours_restorable(const struct seasonality_hours *hours, uint32_t hour, uint32_t of)
{
    if (hours->count > SEASONALITY_SLOTS || hours->position >= SEASONALITY_SLOTS ||
        (hours->count < SEASONALITY_SLOTS && hours->position != hours->count) || hours->newest_ns < 0 ||
        hours->newest_ns % HOUR_NS != 0)
        return false;
    if (hours->count == 0 ? hours->newest_ns != 0 : seasonality_week_hour(hours->newest_ns) % of != hour)
        return false;
    for (uint32_t i = 0; i < SEASONALITY_SLOTS; i++)
        if (hours->volumes[i] < 0 || (i >= hours->count && hours->volumes[i] != 0))
            return false;
    return true;
}

bool seasonality_restorable(const struct seasonality *state)
{
    if (state->open > 1 || state->whole > 1 || state->seen > 1 || state->reserved != 0 || state->volume < 0 ||
        state->open_ns < 0 || state->open_ns % HOUR_NS != 0 || state->open != state->seen ||
        (!state->seen && (state->whole || state->open_ns != 0 || state->volume != 0)))
        return false;
    for (uint32_t hour = 0; hour < SEASONALITY_WEEK_HOURS; hour++)
        if (!hours_restorable(&state->week[hour], hour, SEASONALITY_WEEK_HOURS))
            return false;
    for (uint32_t hour = 0; hour < SEASONALITY_DAY_HOURS; hour++)
        if (!hours_restorable(&state->day[hour], hour, SEASONALITY_DAY_HOURS))
            return false;
    return true;
}
