#include "tools/data_gaps.h"

#include <string.h>

void data_gaps_init(struct data_gaps *gaps, const struct hours *hours, const struct hours_closures *closures, int64_t step_ns,
                    int64_t least_ns, struct data_gap *longest, uint32_t longest_max)
{
    *gaps = (struct data_gaps){.hours = hours, .closures = closures, .step_ns = step_ns, .least_ns = least_ns, .longest = longest,
                               .longest_max = longest_max};
}

static void keep(struct data_gaps *gaps, const struct data_gap *gap)
{
    uint32_t at = gaps->longest_count;
    while (at > 0 && gaps->longest[at - 1].open_ns < gap->open_ns)
        at--;
    if (at == gaps->longest_max)
        return;
    if (gaps->longest_count < gaps->longest_max)
        gaps->longest_count++;
    memmove(gaps->longest + at + 1, gaps->longest + at, (gaps->longest_count - at - 1) * sizeof *gap);
    gaps->longest[at] = *gap;
}

static void look(struct data_gaps *gaps, int64_t time_ns)
{
    struct data_gap gap = {.from_ns = gaps->last_ns + gaps->step_ns, .to_ns = time_ns};
    if (gap.to_ns <= gap.from_ns)
        return;
    gap.open_ns = gaps->hours ? hours_open_ns(gaps->hours, gaps->closures, gap.from_ns, gap.to_ns) : gap.to_ns - gap.from_ns;
    if (gaps->step_ns > 0)
        gap.missing = (uint64_t)((gap.open_ns + gaps->step_ns / 2) / gaps->step_ns);
    if (gaps->step_ns > 0 ? gap.missing == 0 : gap.open_ns < gaps->least_ns)
        return;
    gaps->count++;
    gaps->missing += gap.missing;
    gaps->open_ns += gap.open_ns;
    keep(gaps, &gap);
}

void data_gaps_add(struct data_gaps *gaps, int64_t time_ns)
{
    if (gaps->rows++ > 0)
        look(gaps, time_ns);
    gaps->last_ns = time_ns;
    if (gaps->hours && !hours_open_at(gaps->hours, gaps->closures, time_ns) && gaps->outside++ == 0)
        gaps->first_outside_ns = time_ns;
}
