#include "base/clock.h"

#include <assert.h>
#include <time.h>

#define CLOCK_READ_TRIES 4
/* Two monotonic readings around a wall reading that are closer than this are one instant. */
#define CLOCK_READ_BRACKET_NS (CLOCK_STEP_LIMIT_NS / 100)

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    (void)rc;
    return (int64_t)ts.tv_sec * CLOCK_NS_PER_S + ts.tv_nsec;
}

static int64_t real_wall_ns(struct clock *self)
{
    (void)self;
    return read_ns(CLOCK_REALTIME);
}

static int64_t real_mono_ns(struct clock *self)
{
    (void)self;
    return read_ns(CLOCK_MONOTONIC);
}

static int64_t virtual_wall_ns(struct clock *self)
{
    return self->virtual_wall_ns;
}
static int64_t virtual_mono_ns(struct clock *self)
{
    return self->virtual_mono_ns;
}

void clock_init_real(struct clock *clock)
{
    assert(clock);
    *clock = (struct clock){.wall_ns = real_wall_ns, .mono_ns = real_mono_ns};
}

void clock_init_virtual(struct clock *clock, int64_t wall_ns)
{
    assert(clock);
    *clock = (struct clock){.wall_ns = virtual_wall_ns,
                            .mono_ns = virtual_mono_ns,
                            .virtual_wall_ns = wall_ns,
                            .virtual_mono_ns = CLOCK_VIRTUAL_MONO_START_NS};
}

static void add(int64_t *clock_ns, int64_t ns)
{
    bool overflow = __builtin_add_overflow(*clock_ns, ns, clock_ns);
    assert(!overflow);
    (void)overflow;
}

void clock_advance(struct clock *clock, int64_t ns)
{
    assert(clock && clock->wall_ns == virtual_wall_ns && ns >= 0);
    add(&clock->virtual_wall_ns, ns);
    add(&clock->virtual_mono_ns, ns);
}

void clock_step_wall(struct clock *clock, int64_t ns)
{
    assert(clock && clock->wall_ns == virtual_wall_ns);
    add(&clock->virtual_wall_ns, ns);
}

/* wall - mono. A process that is stopped or descheduled between two readings would see a step that
 * never was, so the wall reading is bracketed and the narrowest of a few tries counts. */
static int64_t offset_ns(struct clock *clock)
{
    int64_t best_ns = 0, best_bracket_ns = INT64_MAX;
    for (int i = 0; i < CLOCK_READ_TRIES && best_bracket_ns > CLOCK_READ_BRACKET_NS; i++) {
        int64_t before_ns = clock->mono_ns(clock);
        int64_t wall_ns = clock->wall_ns(clock);
        int64_t bracket_ns = clock->mono_ns(clock) - before_ns;
        if (bracket_ns < best_bracket_ns) {
            best_bracket_ns = bracket_ns;
            best_ns = wall_ns - before_ns;
        }
    }
    return best_ns;
}

int64_t clock_watch_check(struct clock_watch *watch, struct clock *clock)
{
    assert(watch && clock);
    if (!watch->started) {
        clock_watch_confirm(watch, clock);
        return 0;
    }
    int64_t step_ns = offset_ns(clock) - watch->offset_ns;
    return step_ns > CLOCK_STEP_LIMIT_NS || step_ns < -CLOCK_STEP_LIMIT_NS ? step_ns : 0;
}

void clock_watch_confirm(struct clock_watch *watch, struct clock *clock)
{
    assert(watch && clock);
    watch->offset_ns = offset_ns(clock);
    watch->started = true;
}
