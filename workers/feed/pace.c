#include "workers/feed/pace.h"

#include <assert.h>

static void anchor(struct pace *pace, int64_t market_ns, int64_t mono_ns)
{
    pace->anchor_market_ns = market_ns;
    pace->anchor_mono_ns = mono_ns;
    pace->started = true;
}

int64_t pace_due(struct pace *pace, int64_t market_ns, int64_t mono_ns)
{
    assert(pace->speed >= 0);
    if (pace->speed == 0)
        return mono_ns;
    if (!pace->started)
        anchor(pace, market_ns, mono_ns);
    double distance = (double)(market_ns - pace->anchor_market_ns) / pace->speed;
    int64_t due_ns = distance < 9e18 ? pace->anchor_mono_ns + (int64_t)distance : INT64_MAX;
    if (pace->speed > 1 && due_ns > mono_ns + PACE_WAIT_MAX_NS) {
        due_ns = mono_ns + PACE_WAIT_MAX_NS;
        anchor(pace, market_ns, due_ns);
    } else if (pace->may_slip && due_ns < mono_ns - PACE_SLIP_NS) {
        due_ns = mono_ns;
        anchor(pace, market_ns, due_ns);
    }
    return due_ns;
}
