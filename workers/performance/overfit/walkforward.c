#include "workers/performance/overfit/walkforward.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

int walkforward_fold(const struct walkforward_plan *plan, uint32_t fold, struct walkforward_fold *out)
{
    assert(plan && out);
    if (plan->fold_count < 2 || fold >= plan->fold_count)
        return -EINVAL;
    uint64_t size = plan->test_size > 0 ? plan->test_size : plan->observation_count / (plan->fold_count + 1ull);
    uint64_t tested = size * plan->fold_count;
    if (size == 0 || tested + plan->gap >= plan->observation_count)
        return -EINVAL;
    uint64_t test_first = plan->observation_count - tested + size * fold;
    uint64_t train_end = test_first - plan->gap;
    uint64_t train_count = plan->train_max > 0 && plan->train_max < train_end ? plan->train_max : train_end;
    *out = (struct walkforward_fold){
        .train_first = (uint32_t)(train_end - train_count),
        .train_count = (uint32_t)train_count,
        .test_first = (uint32_t)test_first,
        .test_count = (uint32_t)size,
    };
    return 0;
}

/* --- purge and embargo ------------------------------------------------------------------------------------------ */

static void span_extend(struct walkforward_event *span, const struct walkforward_event *event)
{
    assert(event->from <= event->to);
    if (event->from < span->from)
        span->from = event->from;
    if (event->to > span->to)
        span->to = event->to;
}

struct walkforward_event walkforward_span(const struct walkforward_event *events, const uint32_t *members,
                                          uint32_t member_count)
{
    assert(events && members && member_count > 0);
    struct walkforward_event span = events[members[0]];
    for (uint32_t i = 0; i < member_count; i++)
        span_extend(&span, &events[members[i]]);
    return span;
}

bool walkforward_purged(const struct walkforward_event *event, const struct walkforward_event *test_span,
                        int64_t embargo)
{
    assert(event && test_span && event->from <= event->to && test_span->from <= test_span->to && embargo >= 0);
    int64_t end = test_span->to > INT64_MAX - embargo ? INT64_MAX : test_span->to + embargo;
    return event->from <= end && event->to >= test_span->from;
}

int64_t walkforward_embargo(int64_t horizon_longest, int64_t sample_length)
{
    assert(horizon_longest >= 0 && sample_length >= 0);
    int64_t share = sample_length / 100 + (sample_length % 100 != 0);
    return horizon_longest > share ? horizon_longest : share;
}

static bool within(int64_t time, int64_t from, int64_t to)
{
    return time >= from && time < to;
}

struct walkforward_counts walkforward_assign(const struct walkforward_window *window,
                                             const struct walkforward_event *events, uint32_t event_count,
                                             enum walkforward_role *roles)
{
    assert(window && window->train_from <= window->train_to && window->test_from <= window->test_to);
    assert(window->train_to <= window->test_from || window->test_to <= window->train_from);
    assert(event_count == 0 || (events && roles));
    struct walkforward_counts counts = {0, 0, 0};
    struct walkforward_event span = {INT64_MAX, INT64_MIN};
    for (uint32_t i = 0; i < event_count; i++) {
        assert(events[i].from <= events[i].to);
        roles[i] = WALKFORWARD_OUTSIDE;
        if (within(events[i].from, window->test_from, window->test_to)) {
            roles[i] = WALKFORWARD_TEST;
            span_extend(&span, &events[i]);
            counts.test++;
        }
    }
    for (uint32_t i = 0; i < event_count; i++) {
        if (!within(events[i].from, window->train_from, window->train_to))
            continue;
        bool purged = counts.test > 0 && walkforward_purged(&events[i], &span, window->embargo);
        roles[i] = purged ? WALKFORWARD_PURGED : WALKFORWARD_TRAIN;
        counts.purged += purged;
        counts.train += !purged;
    }
    return counts;
}

double walkforward_efficiency(double mean_in_sample, double mean_out_of_sample)
{
    return mean_in_sample > 0.0 ? mean_out_of_sample / mean_in_sample : (double)NAN;
}
