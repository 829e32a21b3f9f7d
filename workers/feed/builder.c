#include "workers/feed/builder.h"

#include <assert.h>
#include <string.h>

void builder_init(struct builder *builder, const struct builder_setup *setup)
{
    assert(setup->zone);
    *builder = (struct builder){
        .due_ns = BUILDER_NEVER,
        .zone = setup->zone,
        .day_start_s = setup->day_start_s,
        .wanted = setup->timeframes,
        .lowest = setup->quotes ? TIMEFRAME_M1 : setup->base + 1u,
        .flags = setup->flags,
        .instrument = setup->instrument,
        .day_open_ns = INT64_MAX,
        .day_close_ns = INT64_MIN,
    };
    for (unsigned i = 0; i < TIMEFRAME_COUNT; i++) {
        builder->last_close_ns[i] = INT64_MIN;
        builder->bars[i].partial = true; /* until an interval was seen from its beginning */
    }
}

static void find_day(struct builder *builder, int64_t time_ns)
{
    if (time_ns >= builder->day_open_ns && time_ns < builder->day_close_ns)
        return;
    builder->day_open_ns = tz_boundary_at_or_before(builder->zone, builder->day_start_s, time_ns);
    builder->day_close_ns = tz_boundary_after(builder->zone, builder->day_start_s, time_ns);
    assert(builder->day_open_ns <= time_ns && time_ns < builder->day_close_ns);
}

void builder_interval(struct builder *builder, enum market_timeframe timeframe, int64_t time_ns, int64_t *open_ns,
                      int64_t *close_ns)
{
    int64_t length = timeframe_ns(timeframe);
    if (timeframe < TIMEFRAME_H4) {
        *open_ns = time_ns - time_ns % length;
        *close_ns = *open_ns + length;
        return;
    }
    find_day(builder, time_ns);
    *open_ns = builder->day_open_ns;
    *close_ns = builder->day_close_ns;
    if (timeframe == TIMEFRAME_D1)
        return;
    *open_ns += (time_ns - *open_ns) / length * length;
    if (*open_ns + length < *close_ns)
        *close_ns = *open_ns + length;
}

static void start_bar(struct builder *builder, unsigned timeframe, int64_t first_ns, int64_t inside_ns)
{
    struct builder_bar *bar = &builder->bars[timeframe];
    int64_t open_ns, close_ns;
    builder_interval(builder, (enum market_timeframe)timeframe, inside_ns, &open_ns, &close_ns);
    *bar = (struct builder_bar){
        .open_ns = open_ns,
        .close_ns = close_ns,
        .active = true,
        .partial = bar->partial && first_ns > open_ns,
    };
    if (close_ns < builder->due_ns)
        builder->due_ns = close_ns;
}

/* Volumes may be notional: a day's sum that does not fit stays at the largest number. */
static dec_t add_volume(dec_t a, dec_t b)
{
    return a > DEC_MAX - b ? DEC_MAX : a + b;
}

static void extend(struct builder_bar *bar, const struct market_record *r)
{
    if (bar->high == 0) { /* just started: no price is zero */
        bar->open = r->u.bar.open;
        bar->high = r->u.bar.high;
        bar->low = r->u.bar.low;
    } else {
        bar->high = dec_max(bar->high, r->u.bar.high);
        bar->low = dec_min(bar->low, r->u.bar.low);
    }
    bar->close = r->u.bar.close;
    bar->volume = add_volume(bar->volume, r->u.bar.volume);
    bar->spread_ticks = r->spread_ticks;
}

/* A bar that is whole (first_ns: where what it holds begins) into every timeframe from `lowest` on. */
static void add_to_higher(struct builder *builder, unsigned lowest, int64_t first_ns, const struct market_record *r)
{
    int64_t inside_ns = r->time_ns - 1;
    for (unsigned i = lowest; i < TIMEFRAME_COUNT; i++) {
        struct builder_bar *bar = &builder->bars[i];
        if (!bar->active)
            start_bar(builder, i, first_ns, inside_ns);
        assert(inside_ns >= bar->open_ns && inside_ns < bar->close_ns);
        extend(bar, r);
    }
}

void builder_add_bar(struct builder *builder, const struct feed_item *bar)
{
    assert(bar->record.kind == MARKET_BAR && bar->record.time_ns <= builder->due_ns);
    add_to_higher(builder, builder->lowest, bar->open_ns, &bar->record);
}

void builder_add_quote(struct builder *builder, int64_t time_ns, dec_t bid, uint32_t spread_ticks)
{
    struct builder_bar *bar = &builder->bars[TIMEFRAME_M1];
    assert(builder->lowest == TIMEFRAME_M1 && time_ns < builder->due_ns && bid > 0);
    if (!bar->active) {
        start_bar(builder, TIMEFRAME_M1, time_ns, time_ns);
        bar->open = bar->high = bar->low = bid;
    }
    bar->high = dec_max(bar->high, bid);
    bar->low = dec_min(bar->low, bid);
    bar->close = bid;
    bar->volume += DEC_ONE; /* a count of quotes, as brokers' tick volume is */
    bar->spread_ticks = spread_ticks;
}

static void give_out(struct builder *builder, unsigned timeframe, struct feed_item *item)
{
    const struct builder_bar *bar = &builder->bars[timeframe];
    bool gap = builder->last_close_ns[timeframe] != INT64_MIN &&
               bar->open_ns - builder->last_close_ns[timeframe] > BUILDER_GAP_NS;
    *item = (struct feed_item){
        .record = {.time_ns = bar->close_ns,
                   .kind = MARKET_BAR,
                   .timeframe = (uint8_t)timeframe,
                   .instrument = builder->instrument,
                   .flags = (uint8_t)(builder->flags | (gap ? MARKET_AFTER_GAP : 0)),
                   .spread_ticks = bar->spread_ticks},
        .open_ns = bar->open_ns,
    };
    item->record.u.bar.open = bar->open;
    item->record.u.bar.high = bar->high;
    item->record.u.bar.low = bar->low;
    item->record.u.bar.close = bar->close;
    item->record.u.bar.volume = bar->volume;
}

/* M1 from quotes is what the higher ones are made of. */
static void pass_on_minute(struct builder *builder, const struct feed_item *minute, bool partial)
{
    int64_t first_ns = minute->open_ns + (partial ? 1 : 0); /* its beginning was not seen */
    add_to_higher(builder, TIMEFRAME_M5, first_ns, &minute->record);
}

uint32_t builder_close(struct builder *builder, int64_t time_ns, struct feed_item items[TIMEFRAME_COUNT])
{
    assert(time_ns <= builder->due_ns);
    uint32_t closed = 0;
    if (time_ns < builder->due_ns)
        return 0;
    for (unsigned i = builder->lowest; i < TIMEFRAME_COUNT; i++) {
        struct builder_bar *bar = &builder->bars[i];
        if (!bar->active || bar->close_ns != time_ns)
            continue;
        give_out(builder, i, &items[i]);
        bar->active = false;
        builder->last_close_ns[i] = time_ns;
        if (i == TIMEFRAME_M1)
            pass_on_minute(builder, &items[i], bar->partial);
        if (!bar->partial && (builder->wanted >> i & 1))
            closed |= 1u << i;
        bar->partial = false;
    }
    builder->due_ns = BUILDER_NEVER;
    for (unsigned i = builder->lowest; i < TIMEFRAME_COUNT; i++)
        if (builder->bars[i].active && builder->bars[i].close_ns < builder->due_ns)
            builder->due_ns = builder->bars[i].close_ns;
    return closed;
}
