/* clock: where wall time and intervals come from; real, or turned by a test.
 *
 * Wall time is nanoseconds since the epoch, UTC. Intervals are measured on the
 * monotonic clock only. clock_watch_check notices a wall clock that moved against the
 * monotonic one by more than CLOCK_STEP_LIMIT_NS: its caller stops entries until a
 * person, or the clock itself, confirms.
 */
#ifndef PROPFLEET_BASE_CLOCK_H
#define PROPFLEET_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NS_PER_S INT64_C(1000000000)
#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_STEP_LIMIT_NS CLOCK_NS_PER_S
/* Where a virtual monotonic clock starts: not 0, which means "never" in status cells. */
#define CLOCK_VIRTUAL_MONO_START_NS CLOCK_NS_PER_S

struct clock {
    int64_t (*wall_ns)(struct clock *self);
    int64_t (*mono_ns)(struct clock *self);
    int64_t virtual_wall_ns; /* the virtual clock's state; unused by the real one */
    int64_t virtual_mono_ns;
};

void clock_init_real(struct clock *clock);
void clock_init_virtual(struct clock *clock, int64_t wall_ns);
/* Both clocks of a virtual clock (asserted, also below) go forward by `ns` (>= 0). */
void clock_advance(struct clock *clock, int64_t ns);
/* Only the wall clock of a virtual clock jumps, either way. */
void clock_step_wall(struct clock *clock, int64_t ns);

struct clock_watch {
    int64_t offset_ns; /* wall - mono when last confirmed */
    bool started;
};
/* Returns the signed size of an unconfirmed step in ns (0: none over the limit), always measured
 * against the last confirmed offset: the watch keeps reporting until clock_watch_confirm, or until
 * the wall clock is back within the limit. The first call on a zeroed watch confirms. */
int64_t clock_watch_check(struct clock_watch *watch, struct clock *clock);
void clock_watch_confirm(struct clock_watch *watch, struct clock *clock);

#endif
