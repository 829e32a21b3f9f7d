/* How long a position has been held, by the market's time or the wall's. */
#include "workers/strategy/exits/exits.h"

#include <stddef.h>

int64_t exits_elapsed_ns(const struct exits_parameters *parameters, const struct hours *hours, const struct hours_closures *closures,
                         int64_t opened_ns, int64_t now_ns)
{
    int64_t all_ns;
    if (now_ns <= opened_ns)
        return 0;
    if (__builtin_sub_overflow(now_ns, opened_ns, &all_ns))
        return INT64_MAX;
    if (parameters->time_clock == EXITS_CLOCK_WALL || hours == NULL)
        return all_ns;
    int64_t open_ns = 0, at_ns = opened_ns;
    for (unsigned steps = 0; at_ns < now_ns && steps < HOURS_STEPS_MAX; steps++) {
        struct hours_close close;
        if (!hours_next_close(hours, closures, at_ns, &close) || close.from_ns >= now_ns)
            return open_ns + (now_ns - at_ns);
        if (close.from_ns > at_ns)
            open_ns += close.from_ns - at_ns;
        at_ns = close.to_ns;
    }
    return at_ns < now_ns ? all_ns : open_ns; /* more closes than any limit is long: better out than never */
}
