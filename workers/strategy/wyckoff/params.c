#include "workers/strategy/wyckoff/params.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"

static const struct wyckoff_params sets[WYCKOFF_SETS] = {
    {
#define X(name, one, two, least, most) .name = (one),
        WYCKOFF_COUNTS(X) WYCKOFF_REALS(X)
#undef X
    },
    {
#define X(name, one, two, least, most) .name = (two),
        WYCKOFF_COUNTS(X) WYCKOFF_REALS(X)
#undef X
    },
};

static const struct entry {
    const char *name;
    size_t offset;
    bool count;
    double least, most;
} entries[] = {
#define X(name, one, two, least, most) {#name, offsetof(struct wyckoff_params, name), true, (least), (most)},
    WYCKOFF_COUNTS(X)
#undef X
#define X(name, one, two, least, most) {#name, offsetof(struct wyckoff_params, name), false, (least), (most)},
        WYCKOFF_REALS(X)
#undef X
};
#define ENTRY_COUNT (sizeof entries / sizeof entries[0])
static_assert(sizeof(struct wyckoff_params) % 8 == 0, "no padding: sets are digested as bytes");

const struct wyckoff_params *wyckoff_params_set(uint32_t number)
{
    return number >= 1 && number <= WYCKOFF_SETS ? &sets[number - 1] : NULL;
}

static double entry_get(const struct wyckoff_params *params, const struct entry *entry)
{
    const char *at = (const char *)params + entry->offset;
    if (entry->count) {
        uint32_t count;
        memcpy(&count, at, sizeof count);
        return count;
    }
    double real;
    memcpy(&real, at, sizeof real);
    return real;
}

static const struct entry *entry_find(const char *name)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

double wyckoff_params_get(const struct wyckoff_params *params, const char *name)
{
    assert(params && name);
    const struct entry *entry = entry_find(name);
    return entry ? entry_get(params, entry) : NAN;
}

bool wyckoff_params_put(struct wyckoff_params *params, const char *name, double value)
{
    assert(params && name);
    const struct entry *entry = entry_find(name);
    if (!entry)
        return false;
    char *at = (char *)params + entry->offset;
    if (!entry->count) {
        memcpy(at, &value, sizeof value);
        return true;
    }
    if (!(value >= 0.0 && value <= UINT32_MAX) || value != floor(value))
        return false;
    uint32_t count = (uint32_t)value;
    memcpy(at, &count, sizeof count);
    return true;
}

int wyckoff_params_check(const struct wyckoff_params *params, struct error *err)
{
    assert(params);
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        double value = entry_get(params, &entries[i]);
        if (!(value >= entries[i].least && value <= entries[i].most))
            return error_set(err, EINVAL, "wyckoff parameter %s is %.17g, not in %g..%g", entries[i].name, value,
                             entries[i].least, entries[i].most);
    }
    if (params->n_vol_min > params->n_vol)
        return error_set(err, EINVAL, "wyckoff parameter n_vol_min is %u, above n_vol %u", params->n_vol_min,
                         params->n_vol);
    return 0;
}

uint64_t wyckoff_params_digest(const struct wyckoff_params *params)
{
    assert(params);
    return hash_bytes(params, sizeof *params, 0);
}
