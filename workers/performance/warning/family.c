#include "workers/performance/warning/family.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static_assert(sizeof(struct warning_family) == 8 + 24 * WARNING_MONITOR_COUNT, "no padding: states compare by bytes");

const struct warning_action warning_actions[WARNING_LEVEL_COUNT] = {
    [WARNING_NONE] = {"NONE", "trade as planned", 1.0, true},
    [WARNING_YELLOW] = {"YELLOW", "halve the base risk", 0.5, true},
    [WARNING_RED] = {"RED", "open nothing new until a person has reviewed it", 0.0, false},
};

const struct warning_monitor_traits warning_monitors[WARNING_MONITOR_COUNT] = {
#define X(name, text, unit, level) [WARNING_MONITOR_##name] = {text, unit, WARNING_##level},
    WARNING_MONITOR_LIST(X)
#undef X
};

double warning_family_arl0(uint32_t monitor_count, double months, double per_month)
{
    bool valid = monitor_count > 0 && months > 0.0 && per_month > 0.0 && isfinite(months) && isfinite(per_month);
    return valid ? monitor_count * months * per_month : NAN;
}

double warning_family_rate(const double *arl0, const double *per_month, uint32_t monitor_count)
{
    double rate = 0.0;
    for (uint32_t i = 0; i < monitor_count; i++) {
        if (!(arl0[i] >= 1.0 && per_month[i] >= 0.0 && isfinite(per_month[i])))
            return NAN;
        rate += per_month[i] / arl0[i];
    }
    return rate;
}

void warning_family_init(struct warning_family *family)
{
    memset(family, 0, sizeof *family);
    family->version = WARNING_FAMILY_VERSION;
}

bool warning_family_raise(struct warning_family *family, enum warning_monitor monitor, enum warning_level level,
                          int64_t now_ns)
{
    assert(monitor < WARNING_MONITOR_COUNT && level > WARNING_NONE && level < WARNING_LEVEL_COUNT);
    struct warning_family_entry *entry = &family->monitors[monitor];
    uint32_t capped = level < warning_monitors[monitor].highest ? level : warning_monitors[monitor].highest;
    entry->last_ns = now_ns > entry->last_ns || entry->level == WARNING_NONE ? now_ns : entry->last_ns;
    if (capped <= entry->level)
        return false;
    entry->level = capped;
    entry->since_ns = now_ns;
    return true;
}

uint32_t warning_family_expire(struct warning_family *family, int64_t now_ns)
{
    uint32_t lapsed = 0;
    for (uint32_t i = 0; i < WARNING_MONITOR_COUNT; i++) {
        struct warning_family_entry *entry = &family->monitors[i];
        int64_t quiet;
        if (entry->level != WARNING_YELLOW || __builtin_sub_overflow(now_ns, entry->last_ns, &quiet) ||
            quiet < WARNING_HOLD_NS)
            continue;
        *entry = (struct warning_family_entry){0};
        lapsed++;
    }
    return lapsed;
}

void warning_family_review(struct warning_family *family, enum warning_monitor monitor)
{
    assert(monitor < WARNING_MONITOR_COUNT);
    family->monitors[monitor] = (struct warning_family_entry){0};
}

enum warning_level warning_family_level(const struct warning_family *family)
{
    uint32_t level = WARNING_NONE;
    for (uint32_t i = 0; i < WARNING_MONITOR_COUNT; i++)
        level = family->monitors[i].level > level ? family->monitors[i].level : level;
    return (enum warning_level)level;
}

bool warning_family_restorable(const struct warning_family *family)
{
    if (family->version != WARNING_FAMILY_VERSION || family->reserved != 0)
        return false;
    for (uint32_t i = 0; i < WARNING_MONITOR_COUNT; i++) {
        const struct warning_family_entry *entry = &family->monitors[i];
        bool none = entry->since_ns == 0 && entry->last_ns == 0;
        if (entry->level > (uint32_t)warning_monitors[i].highest || entry->reserved != 0 ||
            (entry->level == WARNING_NONE ? !none : entry->last_ns < entry->since_ns))
            return false;
    }
    return true;
}
