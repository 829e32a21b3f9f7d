/* pace: when a market instant is due on the wall, so that a replay runs at 1x, Nx or as fast as it can.
 *
 * The wall distance of two instants is their market distance / speed, counted from an anchor, so that nothing drifts.
 * Over 1x a single wait is at most PACE_WAIT_MAX_NS: a weekend does not make a person wait; the anchor moves then. It
 * moves too when a replay fell behind by more than PACE_SLIP_NS because readers held it, so that it does not
 * race afterwards. Pure: the caller brings the monotonic time.
 */
#ifndef PROPFLEET_WORKERS_FEED_PACE_H
#define PROPFLEET_WORKERS_FEED_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_WAIT_MAX_NS (INT64_C(250) * 1000000)
#define PACE_SLIP_NS (INT64_C(1000) * 1000000)

struct pace {
    double speed;    /* 0: as fast as possible */
    bool may_slip;   /* a replay; live the market keeps its clock */
    bool started;
    int64_t anchor_mono_ns, anchor_market_ns;
};

/* The monotonic time at which `market_ns` is due; asked once for each instant, in order. */
int64_t pace_due(struct pace *pace, int64_t market_ns, int64_t mono_ns);

#endif
