#include "workers/feed/season.h"

#include <assert.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)

static_assert(CONFIG_INSTRUMENTS_MAX <= 32, "a bit each");

void season_init(struct season *season, const struct fleet_config *config)
{
    *season = (struct season){.count = config->instrument_count, .due_ns = INT64_MAX};
    for (uint32_t i = 0; i < config->instrument_count; i++)
        if (config->instruments[i].active && config->instruments[i].volume_kind != VOLUME_NONE)
            season->counted |= 1u << i;
}

/* The instant to which a record belongs: a bar to the last nanosecond before its close. */
static int64_t inside(const struct market_record *r)
{
    return r->kind == MARKET_BAR ? r->time_ns - 1 : r->time_ns;
}

static void find_due(struct season *season)
{
    season->due_ns = INT64_MAX;
    for (uint32_t i = 0; i < season->count; i++) {
        const struct season_hour *hour = &season->hours[i];
        if (hour->active && hour->open_ns + HOUR_NS < season->due_ns)
            season->due_ns = hour->open_ns + HOUR_NS;
    }
}

bool season_over(struct season *season, const struct feed_item *item, uint32_t *instrument, struct history_hour *out)
{
    int64_t now_ns = inside(&item->record);
    while (now_ns >= season->due_ns) { /* each turn ends at least one hour */
        for (uint32_t i = 0; i < season->count; i++) {
            struct season_hour *hour = &season->hours[i];
            if (!hour->active || hour->open_ns + HOUR_NS > now_ns)
                continue;
            hour->active = false;
            if (!hour->whole)
                continue;
            find_due(season);
            *instrument = i;
            *out = (struct history_hour){.open_ns = hour->open_ns, .volume = hour->volume};
            return true;
        }
        find_due(season);
    }
    return false;
}

static bool counts(const struct season *season, const struct market_record *r)
{
    if (r->kind == MARKET_BAR && (!(r->flags & MARKET_BASE) || r->timeframe > TIMEFRAME_H1))
        return false;
    return r->kind != MARKET_END && (season->counted >> r->instrument & 1);
}

void season_add(struct season *season, const struct feed_item *item)
{
    const struct market_record *r = &item->record;
    if (!counts(season, r))
        return;
    struct season_hour *hour = &season->hours[r->instrument];
    int64_t now_ns = inside(r), open_ns = now_ns - now_ns % HOUR_NS;
    if (!hour->active) {
        bool seen = season->seen >> r->instrument & 1;
        *hour = (struct season_hour){.open_ns = open_ns, .active = true, .whole = seen || item->open_ns <= open_ns};
        season->seen |= 1u << r->instrument;
        if (open_ns + HOUR_NS < season->due_ns)
            season->due_ns = open_ns + HOUR_NS;
    }
    assert(hour->open_ns == open_ns); /* season_over came before */
    dec_t volume = r->kind == MARKET_BAR ? r->u.bar.volume : DEC_ONE;
    hour->volume = hour->volume > DEC_MAX - volume ? DEC_MAX : hour->volume + volume;
}
