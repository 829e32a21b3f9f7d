#include "workers/strategy/wyckoff/profile.h"

#include <assert.h>
#include <math.h>

#include "workers/strategy/wyckoff/wyckoff.h"

static double clip(double x)
{
    return fmax(0.0, fmin(1.0, x));
}

/* Share of the volume below a price; NaN when there is none or it is no number. */
static double share_below(const struct wyckoff_profile *profile, double price)
{
    double below = 0.0, all = 0.0;
    for (uint32_t k = 0; k < profile->row_count; k++) {
        double volume = profile->volumes[k];
        if (!(volume >= 0.0))
            return NAN;
        all += volume;
        below += volume * clip((price - (profile->first + k * profile->height)) / profile->height);
    }
    return all > 0.0 && isfinite(all) ? below / all : NAN;
}

double wyckoff_profile_strength(const struct wyckoff_profile *profile, uint32_t direction, double support,
                                double resistance)
{
    assert(profile && direction < WYCKOFF_DIRECTIONS);
    double width = resistance - support;
    double numbers = profile->first + profile->poc + profile->value_low + profile->value_high + width;
    if (!(width > 0.0) || !(profile->height > 0.0) || !isfinite(numbers) || !isfinite(profile->height) ||
        !profile->volumes)
        return NAN;
    double share = share_below(profile, support + width / 2.0);
    if (isnan(share))
        return NAN;
    double place = (profile->poc - support) / width;
    if (direction == WYCKOFF_ACCUMULATION)
        place = 1.0 - place;
    else
        share = 1.0 - share;
    double compactness = 1.0 - (profile->value_high - profile->value_low) / width;
    return (clip(place) + clip(share) + clip(compactness)) / 3.0;
}
