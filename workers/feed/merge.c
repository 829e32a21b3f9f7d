#include "workers/feed/merge.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"

#define NEVER BUILDER_NEVER
#define ACTIVE_MAX CONFIG_INSTRUMENTS_MAX

/* What of an instant comes next. */
enum stage { STAGE_NEXT, STAGE_QUOTES, STAGE_BARS };

struct lane { /* one active instrument */
    struct source source;
    struct builder builder;
    struct feed_item next;                   /* the source's next record */
    struct feed_item bars[TIMEFRAME_COUNT];  /* of this instant */
    dec_t tick;
};

struct merge {
    unsigned lane_count;
    int64_t next_ns[ACTIVE_MAX]; /* of each lane's next record, NEVER at its end */
    int64_t due_ns[ACTIVE_MAX];  /* of each lane's builder */
    int64_t now_ns, from_ns;
    enum stage stage;
    unsigned at_lane, at_timeframe;
    uint32_t ready[TIMEFRAME_COUNT]; /* bit i: lane i has a bar of this instant */
    uint8_t end_flags;
    bool all_warm;               /* so far in this instant */
    struct sim_market *market;
    struct lane *lanes;
};

/* --- open and close -------------------------------------------------------------------------------------- */

static int fetch(struct merge *m, unsigned i, struct error *err)
{
    struct lane *lane = &m->lanes[i];
    int result = source_next(&lane->source, &lane->next, err);
    m->next_ns[i] = result == 1 ? lane->next.record.time_ns : NEVER;
    return result < 0 ? result : 0;
}

static int open_lane(struct merge *m, const struct source_setup *from, struct error *err)
{
    const struct fleet_config *config = from->config;
    const struct config_instrument *c = &config->instruments[from->index];
    struct lane *lane = &m->lanes[m->lane_count];
    int result = source_open(&lane->source, from, err);
    if (result != 0)
        return result;
    const struct builder_setup setup = {
        .zone = &config->zones[config->feed.day_zone],
        .day_start_s = config->feed.day_start_s,
        .timeframes = c->timeframes,
        .quotes = lane->source.quotes,
        .base = lane->source.timeframe,
        .instrument = (uint8_t)from->index,
        .flags = m->end_flags,
    };
    builder_init(&lane->builder, &setup);
    lane->tick = c->tick;
    m->due_ns[m->lane_count] = NEVER;
    return fetch(m, m->lane_count++, err);
}

static int open_lanes(struct merge *m, const struct fleet_config *config, const struct source_progress *progress,
                      struct error *err)
{
    if (config->feed.source == SOURCE_SIMULATOR) {
        m->market = sim_market_new(&config->feed);
        if (!m->market)
            return error_errno(err, ENOMEM, "open the simulator");
        m->end_flags = MARKET_SIMULATED;
    }
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        const struct source_setup setup = {config, i, m->market, progress};
        int result = config->instruments[i].active ? open_lane(m, &setup, err) : 0;
        if (result != 0)
            return result;
    }
    return m->lane_count > 0 ? 0 : error_set(err, EINVAL, "no active instrument");
}

struct merge *merge_open(const struct fleet_config *config, const struct source_progress *progress, struct error *err)
{
    assert(config->instrument_count <= ACTIVE_MAX && config->feed.day_zone < config->zone_count);
    struct merge *m = calloc(1, sizeof *m);
    if (m)
        m->lanes = calloc(ACTIVE_MAX, sizeof *m->lanes);
    if (!m || !m->lanes) {
        free(m);
        (void)error_errno(err, ENOMEM, "open the sources");
        return NULL;
    }
    m->from_ns = config->feed.from_ns > 0 ? config->feed.from_ns : INT64_MIN;
    if (open_lanes(m, config, progress, err) != 0)
        merge_close(&m);
    return m;
}

void merge_close(struct merge **merge)
{
    struct merge *m = *merge;
    if (!m)
        return;
    for (unsigned i = 0; i < m->lane_count; i++)
        source_close(&m->lanes[i].source);
    if (m->market)
        sim_market_free(&m->market);
    free(m->lanes);
    free(m);
    *merge = NULL;
}

void merge_rows(const struct merge *m, uint64_t *read, uint64_t *bad)
{
    *read = *bad = 0;
    for (unsigned i = 0; i < m->lane_count; i++) {
        *read += m->lanes[i].source.rows_read;
        *bad += m->lanes[i].source.rows_bad;
    }
}

/* --- one instant --------------------------------------------------------------------------------------------- */

static void keep_bars(struct merge *m, unsigned i, uint32_t timeframes)
{
    for (; timeframes != 0; timeframes &= timeframes - 1)
        m->ready[__builtin_ctz(timeframes)] |= 1u << i;
}

/* The lane's base bar, when one closes now, then everything built that closes now. */
static int close_lane(struct merge *m, unsigned i, struct error *err)
{
    struct lane *lane = &m->lanes[i];
    if (m->next_ns[i] == m->now_ns && !lane->source.quotes) {
        unsigned timeframe = lane->next.record.timeframe;
        lane->bars[timeframe] = lane->next;
        m->ready[timeframe] |= 1u << i;
        builder_add_bar(&lane->builder, &lane->next);
        int result = fetch(m, i, err);
        if (result != 0)
            return result;
    }
    if (lane->builder.due_ns <= m->now_ns)
        keep_bars(m, i, builder_close(&lane->builder, m->now_ns, lane->bars));
    m->due_ns[i] = lane->builder.due_ns;
    return 0;
}

/* 1: m->now_ns is the next instant. 0: there is none. */
static int start_instant(struct merge *m, struct error *err)
{
    int64_t next_ns = NEVER, due_ns = NEVER;
    for (unsigned i = 0; i < m->lane_count; i++) {
        next_ns = m->next_ns[i] < next_ns ? m->next_ns[i] : next_ns;
        due_ns = m->due_ns[i] < due_ns ? m->due_ns[i] : due_ns;
    }
    if (next_ns == NEVER)
        return 0; /* what is still in the making closes after the last record */
    int64_t now_ns = next_ns < due_ns ? next_ns : due_ns;
    assert(now_ns > m->now_ns || m->now_ns == 0);
    m->now_ns = now_ns;
    m->all_warm = true;
    for (unsigned i = 0; i < m->lane_count; i++) {
        if (m->next_ns[i] != now_ns && m->due_ns[i] != now_ns)
            continue;
        int result = close_lane(m, i, err);
        if (result != 0)
            return result;
    }
    m->stage = STAGE_QUOTES;
    m->at_lane = m->at_timeframe = 0;
    return 1;
}

static void mark_warm(struct merge *m, struct market_record *record, bool warm)
{
    if (warm)
        record->flags |= MARKET_WARMUP;
    m->all_warm &= warm;
}

/* 1: a quote of this instant. 0: no more. */
static int next_quote(struct merge *m, struct feed_item *out, struct error *err)
{
    for (; m->at_lane < m->lane_count; m->at_lane++) {
        unsigned i = m->at_lane;
        struct lane *lane = &m->lanes[i];
        if (m->next_ns[i] != m->now_ns || !lane->source.quotes)
            continue;
        *out = lane->next;
        const struct market_record *r = &out->record;
        builder_add_quote(&lane->builder, r->time_ns, r->u.quote.bid,
                          spread_in_ticks(r->u.quote.ask - r->u.quote.bid, lane->tick));
        m->due_ns[i] = lane->builder.due_ns;
        mark_warm(m, &out->record, r->time_ns < m->from_ns);
        int result = fetch(m, i, err); /* may be of this instant too: look at the lane once more */
        return result != 0 ? result : 1;
    }
    return 0;
}

static bool next_bar(struct merge *m, struct feed_item *out)
{
    for (; m->at_timeframe < TIMEFRAME_COUNT; m->at_timeframe++) {
        uint32_t *ready = &m->ready[m->at_timeframe];
        if (*ready == 0)
            continue;
        *out = m->lanes[__builtin_ctz(*ready)].bars[m->at_timeframe];
        *ready &= *ready - 1;
        mark_warm(m, &out->record, out->record.time_ns <= m->from_ns);
        return true;
    }
    return false;
}

static void make_end(const struct merge *m, struct feed_item *out)
{
    bool last = true;
    for (unsigned i = 0; i < m->lane_count; i++)
        last &= m->next_ns[i] == NEVER;
    bool warm = m->all_warm;
    *out = (struct feed_item){
        .record = {.time_ns = m->now_ns,
                   .kind = MARKET_END,
                   .flags = (uint8_t)(m->end_flags | (warm ? MARKET_WARMUP : 0) | (last ? MARKET_LAST_OF_SOURCE : 0))},
        .open_ns = m->now_ns,
    };
}

/* Quotes, bars, END: the next record of this instant. 0: END was the last one. */
static int next_of_instant(struct merge *m, struct feed_item *out, struct error *err)
{
    int result;
    switch (m->stage) {
    case STAGE_QUOTES:
        if ((result = next_quote(m, out, err)) != 0)
            return result;
        m->stage = STAGE_BARS; /* fall through */
    case STAGE_BARS:
        if (next_bar(m, out))
            return 1;
        m->stage = STAGE_NEXT;
        make_end(m, out);
        return 1;
    default:
        return 0;
    }
}

/* Where only bars that nobody wants closed, nothing happened: no END. */
static bool instant_is_empty(const struct merge *m)
{
    uint32_t ready = 0;
    for (unsigned i = 0; i < TIMEFRAME_COUNT; i++)
        ready |= m->ready[i];
    for (unsigned i = 0; i < m->lane_count && ready == 0; i++)
        ready |= m->next_ns[i] == m->now_ns; /* a quote: bars were taken already */
    return ready == 0;
}

int merge_next(struct merge *m, struct feed_item *out, struct error *err)
{
    int result = next_of_instant(m, out, err);
    if (result != 0)
        return result;
    do { /* ends with the sources */
        result = start_instant(m, err);
    } while (result == 1 && instant_is_empty(m));
    return result == 1 ? next_of_instant(m, out, err) : result;
}
