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
    return hours_open_ns(hours, closures, opened_ns, now_ns);
}
