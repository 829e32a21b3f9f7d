#include "workers/strategy/indicators/profile.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define SHARE_BITS 40
#define SHARE_UNIT 0x1p-40

typedef unsigned __int128 profile_units;

static_assert((PROFILE_ROWS_MAX & (PROFILE_ROWS_MAX - 1)) == 0, "rows are found by a mask");

void profile_init(struct profile *profile, int64_t row_points)
{
    static_assert(sizeof(struct profile) == 32 + 16 * PROFILE_ROWS_MAX, "no padding: states compare by bytes");
    assert(profile && row_points >= 1 && row_points <= PROFILE_ROW_POINTS_MAX);
    memset(profile, 0, sizeof *profile);
    profile->row_points = row_points;
}

static uint32_t row_place(int64_t row)
{
    return (uint32_t)((uint64_t)row & (PROFILE_ROWS_MAX - 1));
}

static profile_units row_units(const struct profile *profile, int64_t row)
{
    bool inside = profile->bar_count > 0 && row >= profile->first && row <= profile->last;
    return inside ? profile->rows[row_place(row)] : 0;
}

static double units_to_volume(profile_units units)
{
    return (double)units * SHARE_UNIT;
}

/* Of the points low..high, those in the row. */
static int64_t points_in_row(int64_t low, int64_t high, int64_t row, int64_t row_points)
{
    int64_t from = row * row_points, to = from + row_points - 1;
    return (high < to ? high : to) - (low > from ? low : from) + 1;
}

static profile_units point_share(const struct indicator_bar *bar)
{
    return ((profile_units)bar->volume << SHARE_BITS) / (uint64_t)(bar->high - bar->low + 1);
}

/* --- bars ----------------------------------------------------------------------------------------------------------
 */

bool profile_add(struct profile *profile, const struct indicator_bar *bar)
{
    if (bar->volume == 0)
        return true;
    int64_t points = profile->row_points, lowest = bar->low / points, highest = bar->high / points;
    bool any = profile->bar_count > 0;
    int64_t first = any && profile->first < lowest ? profile->first : lowest;
    int64_t last = any && profile->last > highest ? profile->last : highest;
    if (last - first >= PROFILE_ROWS_MAX || profile->bar_count == PROFILE_BARS_MAX)
        return false;
    profile_units share = point_share(bar);
    for (int64_t row = lowest; row <= highest; row++)
        profile->rows[row_place(row)] += share * (uint64_t)points_in_row(bar->low, bar->high, row, points);
    profile->first = first;
    profile->last = last;
    profile->bar_count++;
    return true;
}

static bool holds(const struct profile *profile, const struct indicator_bar *bar, profile_units share)
{
    int64_t points = profile->row_points, lowest = bar->low / points, highest = bar->high / points;
    if (profile->bar_count == 0 || lowest < profile->first || highest > profile->last)
        return false;
    for (int64_t row = lowest; row <= highest; row++)
        if (profile->rows[row_place(row)] < share * (uint64_t)points_in_row(bar->low, bar->high, row, points))
            return false;
    return true;
}

/* Rows at the ends that have no volume any more are none. */
static void shrink(struct profile *profile)
{
    while (profile->first < profile->last && profile->rows[row_place(profile->first)] == 0)
        profile->first++;
    while (profile->last > profile->first && profile->rows[row_place(profile->last)] == 0)
        profile->last--;
    if (profile->bar_count > 0)
        return;
    profile->rows[row_place(profile->first)] = 0;
    profile->first = profile->last = 0;
}

bool profile_remove(struct profile *profile, const struct indicator_bar *bar)
{
    profile_units share = point_share(bar);
    if (bar->volume == 0)
        return true;
    if (!holds(profile, bar, share))
        return false;
    int64_t points = profile->row_points;
    for (int64_t row = bar->low / points; row <= bar->high / points; row++)
        profile->rows[row_place(row)] -= share * (uint64_t)points_in_row(bar->low, bar->high, row, points);
    profile->bar_count--;
    shrink(profile);
    return true;
}

double profile_row_volume(const struct profile *profile, int64_t row)
{
    return units_to_volume(row_units(profile, row));
}

static profile_units total_units(const struct profile *profile)
{
    profile_units total = 0;
    for (int64_t row = profile->first; profile->bar_count > 0 && row <= profile->last; row++)
        total += profile->rows[row_place(row)];
    return total;
}

double profile_total_volume(const struct profile *profile)
{
    return units_to_volume(total_units(profile));
}

bool profile_restorable(const struct profile *profile, int64_t row_points)
{
    if (profile->row_points != row_points || row_points < 1 || row_points > PROFILE_ROW_POINTS_MAX ||
        profile->bar_count > PROFILE_BARS_MAX || profile->reserved != 0 || profile->first < 0 ||
        profile->last < profile->first || profile->last > INDICATOR_PRICE_MAX / row_points ||
        profile->last - profile->first >= PROFILE_ROWS_MAX)
        return false;
    const profile_units most = (profile_units)PROFILE_BARS_MAX * INDICATOR_VOLUME_MAX << SHARE_BITS;
    for (uint32_t i = 0; i < PROFILE_ROWS_MAX; i++) {
        uint32_t past = (i - row_place(profile->first)) & (PROFILE_ROWS_MAX - 1); /* rows above the first */
        bool inside = profile->bar_count > 0 && past <= (uint64_t)(profile->last - profile->first);
        if (profile->rows[i] > most || (!inside && profile->rows[i] != 0))
            return false;
    }
    if (profile->bar_count == 0)
        return profile->first == 0 && profile->last == 0;
    return row_units(profile, profile->first) > 0 && row_units(profile, profile->last) > 0 &&
           total_units(profile) <= most;
}

/* --- value area ----------------------------------------------------------------------------------------------------
 */

/* What rounding can have taken from a row. */
static profile_units row_slack(const struct profile *profile)
{
    return (profile_units)profile->bar_count * (uint64_t)profile->row_points;
}

static int64_t find_poc(const struct profile *profile)
{
    profile_units most = 0, slack = row_slack(profile);
    for (int64_t row = profile->first; row <= profile->last; row++)
        if (row_units(profile, row) > most)
            most = row_units(profile, row);
    int64_t middle = profile->first + profile->last, best = profile->first, nearest = INT64_MAX; /* twice the middle */
    for (int64_t row = profile->first; row <= profile->last; row++) {
        int64_t apart = 2 * row > middle ? 2 * row - middle : middle - 2 * row;
        if (row_units(profile, row) + slack >= most && apart < nearest) {
            nearest = apart;
            best = row;
        }
    }
    return best;
}

/* The next `step` rows up (direction 1) or down (-1) of a row, as far as there are any; how many. */
static int64_t rows_beyond(const struct profile *profile, int64_t row, int64_t step, int64_t direction,
                           profile_units *units)
{
    *units = 0;
    int64_t count = 0;
    for (; count < step; count++) {
        int64_t next = row + direction * (count + 1);
        if (next < profile->first || next > profile->last)
            break;
        *units += row_units(profile, next);
    }
    return count;
}

bool profile_value_area(const struct profile *profile, enum profile_walk walk, uint32_t share_pct,
                        struct profile_area *out)
{
    assert(profile && out && share_pct >= 1 && share_pct <= 100);
    memset(out, 0, sizeof *out);
    if (profile->bar_count == 0)
        return false;
    const profile_units total = total_units(profile), slack = row_slack(profile);
    int64_t step = walk == PROFILE_PAIR ? 2 : 1, low, high;
    out->poc_row = low = high = find_poc(profile);
    profile_units inside = row_units(profile, low), above, below;
    while ((inside + slack * (uint64_t)(high - low + 1)) * 100 < total * share_pct) {
        int64_t up = rows_beyond(profile, high, step, 1, &above), down = rows_beyond(profile, low, step, -1, &below);
        assert(up + down > 0); /* all rows together are the whole */
        bool take_above = down == 0 || (up > 0 && above + slack * (uint64_t)step >= below);
        inside += take_above ? above : below;
        high += take_above ? up : 0;
        low -= take_above ? 0 : down;
    }
    out->low_row = low;
    out->high_row = high;
    out->low = low * profile->row_points;
    out->high = (high + 1) * profile->row_points;
    out->poc = ((double)out->poc_row + 0.5) * (double)profile->row_points;
    out->volume = units_to_volume(inside);
    out->total = units_to_volume(total);
    return true;
}

/* --- strength ------------------------------------------------------------------------------------------------------
 */

static double clip01(double x)
{
    return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

/* Share of the volume at points below `twice_middle` / 2; a row that it cuts is shared out by its points. */
static double share_below(const struct profile *profile, int64_t twice_middle)
{
    double below = 0.0;
    for (int64_t row = profile->first; row <= profile->last; row++) {
        int64_t from = row * profile->row_points, points = (twice_middle + 1) / 2 - from; /* below the middle */
        points = points < 0 ? 0 : points > profile->row_points ? profile->row_points : points;
        below += profile_row_volume(profile, row) * ((double)points / (double)profile->row_points);
    }
    return below / profile_total_volume(profile);
}

struct profile_strength profile_range_strength(const struct profile *profile, const struct profile_area *area,
                                               int64_t support, int64_t resistance, bool accumulation)
{
    if (resistance <= support || profile->bar_count == 0)
        return (struct profile_strength){NAN, NAN, NAN, NAN};
    double width = (double)(resistance - support), q = clip01((area->poc - (double)support) / width);
    double below = share_below(profile, support + resistance);
    struct profile_strength out = {.location = accumulation ? 1.0 - q : q,
                                   .half = clip01(accumulation ? below : 1.0 - below),
                                   .compactness = clip01(1.0 - (double)(area->high - area->low) / width)};
    out.strength = (out.location + out.half + out.compactness) / 3.0;
    return out;
}
