#include "workers/feed/source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define MINUTE_NS (60 * CLOCK_NS_PER_S)
#define STRESS_MAX 4.0

/* What the gap before a record says: an hour's closure is a flag, a weekend's the wide first minute. */
static uint8_t look_at_gap(struct source *s, int64_t open_ns, int64_t known_ns)
{
    int64_t gap = s->last_known_ns == INT64_MIN ? 0 : open_ns - s->last_known_ns;
    s->last_known_ns = known_ns;
    if (gap > SPREAD_WEEKEND_NS)
        s->weekend_until_ns = open_ns + MINUTE_NS;
    return gap > BUILDER_GAP_NS ? MARKET_AFTER_GAP : 0;
}

static uint32_t modelled(const struct source *s, int64_t utc_ns)
{
    return spread_model_at(&s->spread, utc_ns, utc_ns < s->weekend_until_ns);
}

static void make_bar(struct source *s, int64_t open_ns, int64_t close_ns, const dec_t *v, struct feed_item *item)
{
    uint8_t gap = look_at_gap(s, open_ns, close_ns);
    *item = (struct feed_item){
        .record = {.time_ns = close_ns,
                   .kind = MARKET_BAR,
                   .timeframe = (uint8_t)s->timeframe,
                   .instrument = s->instrument,
                   .flags = (uint8_t)(s->flags | gap | MARKET_BASE),
                   .spread_ticks = modelled(s, close_ns - 1)},
        .open_ns = open_ns,
    };
    memcpy(&item->record.u.bar, v, 5 * sizeof *v);
}

static void make_quote(struct source *s, int64_t time_ns, dec_t bid, dec_t ask, struct feed_item *item)
{
    uint8_t gap = look_at_gap(s, time_ns, time_ns);
    dec_t least = bid + (dec_t)modelled(s, time_ns) * s->config->tick; /* both are bounded: csv.h, open_spread */
    *item = (struct feed_item){
        .record = {.time_ns = time_ns,
                   .kind = MARKET_QUOTE,
                   .instrument = s->instrument,
                   .flags = (uint8_t)(s->flags | gap)},
        .open_ns = time_ns,
    };
    item->record.u.quote.bid = bid;
    item->record.u.quote.ask = dec_max(ask, least);
}

/* --- files ------------------------------------------------------------------------------------------------ */

/* The recorded spread of the bar that opens at open_ns, 0 when the companion has none. */
static int recorded_spread(struct source *s, int64_t open_ns, dec_t *spread, struct error *err)
{
    *spread = 0;
    while (s->companion_row.time_ns < open_ns) { /* ends with the file */
        int result = csv_next(&s->companion, &s->companion_row, err);
        if (result < 0)
            return result;
        if (result == 0)
            s->companion_row.time_ns = INT64_MAX;
    }
    if (s->companion_row.time_ns == open_ns)
        *spread = s->companion_row.v[0];
    return 0;
}

/* A bar belongs to [from, to) when it opens there, a quote when it is stamped there; `known_ns` tells both. */
static bool within(const struct source *s, int64_t known_ns, int64_t from_ns, int64_t to_ns)
{
    return s->quotes ? known_ns >= from_ns && known_ns < to_ns : known_ns > from_ns && known_ns <= to_ns;
}

/* The next row inside the file's own span; rows outside count as read, and are not there. */
static int next_row(struct source *s, struct csv_row *row, struct error *err)
{
    int64_t length = s->quotes ? 0 : timeframe_ns(s->timeframe);
    int64_t from_ns = s->config->file_from_ns > 0 ? s->config->file_from_ns : INT64_MIN;
    int64_t to_ns = s->config->file_to_ns > 0 ? s->config->file_to_ns : INT64_MAX;
    int result;
    do { /* ends with the file */
        result = csv_next(&s->csv, row, err);
    } while (result == 1 && !within(s, row->time_ns + length, from_ns, to_ns));
    s->rows_read = s->csv.rows + s->companion.rows;
    s->rows_bad = s->csv.bad + s->companion.bad;
    return result;
}

static int raw_bar(struct source *s, struct feed_item *item, struct error *err)
{
    struct csv_row row;
    int result = next_row(s, &row, err);
    if (result != 1)
        return result;
    make_bar(s, row.time_ns, row.time_ns + timeframe_ns(s->timeframe), row.v, item);
    if (!s->has_companion)
        return 1;
    dec_t spread;
    result = recorded_spread(s, row.time_ns, &spread, err);
    if (result != 0)
        return result;
    uint32_t ticks = spread_in_ticks(spread, s->config->tick);
    if (ticks > item->record.spread_ticks)
        item->record.spread_ticks = ticks;
    return 1;
}

static int raw_quote(struct source *s, struct feed_item *item, struct error *err)
{
    struct csv_row row;
    int result = next_row(s, &row, err);
    if (result != 1)
        return result;
    bool trade = s->csv.kind == CSV_TRADES;
    make_quote(s, row.time_ns, row.v[0], trade ? row.v[0] : row.v[1], item);
    item->record.u.quote.bid_size = trade ? row.v[1] : row.v[2];
    item->record.u.quote.ask_size = trade ? row.v[1] : row.v[3];
    return 1;
}

static int open_files(struct source *s, const struct fleet_config *config, struct error *err)
{
    const struct config_instrument *c = s->config;
    bool fatal = config->feed.bad_rows_fatal;
    if (c->file_kind == FILE_TICKS) {
        s->raw = raw_quote;
        return csv_open(&s->csv, c->file_path, 1u << CSV_TICKS | 1u << CSV_TRADES, 0, fatal, err);
    }
    if (c->file_kind != FILE_BARS || c->file_timeframe >= TIMEFRAME_COUNT)
        return error_set(err, EINVAL, "%s: no file of bars or ticks", c->symbol);
    s->raw = raw_bar;
    s->timeframe = (enum market_timeframe)c->file_timeframe;
    /* H4 and D1 lie on their broker's grid. */
    int64_t step_s = s->timeframe < TIMEFRAME_H4 ? timeframe_ns(s->timeframe) / CLOCK_NS_PER_S : 0;
    int result = csv_open(&s->csv, c->file_path, 1u << CSV_BARS, step_s, fatal, err);
    if (result != 0 || !c->spread_path[0])
        return result;
    s->has_companion = true;
    s->companion_row.time_ns = -1;
    return csv_open(&s->companion, c->spread_path, 1u << CSV_SPREAD, 0, fatal, err);
}

/* --- simulator ---------------------------------------------------------------------------------------------- */

static uint32_t stressed(const struct source *s, uint32_t ticks)
{
    double stress = s->sim_bar.stress < 1 ? 1 : s->sim_bar.stress > STRESS_MAX ? STRESS_MAX : s->sim_bar.stress;
    double widened = ticks * stress;
    if (widened >= UINT32_MAX)
        return UINT32_MAX;
    uint32_t whole = (uint32_t)widened;
    return widened > whole ? whole + 1 : whole;
}

static int raw_sim_bar(struct source *s, struct feed_item *item, struct error *err)
{
    (void)err;
    if (!sim_next(s->sim, &s->sim_bar))
        return 0;
    s->rows_read++;
    const struct sim_bar *b = &s->sim_bar;
    const dec_t v[5] = {b->open, b->high, b->low, b->close, b->volume};
    make_bar(s, b->open_ns, b->close_ns, v, item);
    item->record.spread_ticks = stressed(s, item->record.spread_ticks);
    return 1;
}

static int raw_sim_quote(struct source *s, struct feed_item *item, struct error *err)
{
    (void)err;
    if (s->path_at == SIM_QUOTES_PER_BAR) {
        if (!sim_next(s->sim, &s->sim_bar))
            return 0;
        s->rows_read++;
        sim_path(s->sim, &s->sim_bar, s->path_ns, s->path);
        s->path_at = 0;
    }
    int64_t time_ns = s->path_ns[s->path_at];
    dec_t bid = s->path[s->path_at++];
    make_quote(s, time_ns, bid, 0, item);
    dec_t spread = item->record.u.quote.ask - bid;
    item->record.u.quote.ask = bid + (dec_t)stressed(s, spread_in_ticks(spread, s->config->tick)) * s->config->tick;
    return 1;
}

static int open_simulator(struct source *s, const struct source_setup *setup, struct error *err)
{
    const struct config_instrument *c = s->config;
    const struct config_feed *feed = &setup->config->feed;
    if (c->sim_start_price <= 0 || !(c->sim_volatility_year >= 0))
        return error_set(err, EINVAL, "%s: no start price or volatility for the simulator", c->symbol);
    s->sim = sim_instrument_new(setup->market, setup->config, setup->index);
    if (!s->sim)
        return error_errno(err, ENOMEM, "simulate %s", c->symbol);
    s->timeframe = (enum market_timeframe)feed->sim_timeframe;
    s->flags = MARKET_SIMULATED;
    s->raw = feed->sim_quotes ? raw_sim_quote : raw_sim_bar;
    s->path_at = SIM_QUOTES_PER_BAR;
    return 0;
}

/* --- the span ------------------------------------------------------------------------------------------------- */

static bool before_span(const struct source *s, const struct feed_item *item)
{
    return !within(s, item->record.time_ns, s->from_ns, INT64_MAX);
}

/* Read up to the span once, keeping the last bars before it. */
static int find_start(struct source *s, const struct source_progress *progress, struct error *err)
{
    uint64_t count = 0;
    int result;
    while ((result = s->raw(s, &s->held, err)) == 1) { /* ends with the source */
        if (!before_span(s, &s->held) || (s->quotes && s->held.record.time_ns >= s->warm_ns)) {
            s->has_held = true;
            return 0;
        }
        if (progress && ++count % SOURCE_PROGRESS_RECORDS == 0)
            progress->turn(progress->context);
        if (s->lead_size == 0)
            continue;
        s->lead[(s->lead_at + s->lead_count) % s->lead_size] = s->held;
        if (s->lead_count < s->lead_size)
            s->lead_count++;
        else
            s->lead_at = (s->lead_at + 1) % s->lead_size;
    }
    return result;
}

/* 1: *item comes from what find_start kept. */
static int take_lead(struct source *s, struct feed_item *item)
{
    if (s->lead_count > 0) {
        *item = s->lead[s->lead_at];
        s->lead_at = (s->lead_at + 1) % s->lead_size;
        s->lead_count--;
        return 1;
    }
    if (!s->has_held)
        return 0;
    *item = s->held;
    s->has_held = false;
    return 1;
}

int source_next(struct source *s, struct feed_item *item, struct error *err)
{
    if (s->ended)
        return 0;
    int result = s->lead_count > 0 || s->has_held ? take_lead(s, item) : s->raw(s, item, err);
    if (result == 1 && within(s, item->record.time_ns, INT64_MIN, s->to_ns))
        return 1;
    s->ended = true;
    return result < 0 ? result : 0;
}

static int prepare_span(struct source *s, const struct source_setup *setup, struct error *err)
{
    const struct config_feed *feed = &setup->config->feed;
    s->from_ns = feed->from_ns;
    s->to_ns = feed->to_ns > 0 ? feed->to_ns : INT64_MAX;
    if (feed->from_ns <= 0)
        return 0;
    if (feed->warmup_bars > SOURCE_WARMUP_MAX)
        return error_set(err, EINVAL, "warmup_bars %u is over %u", feed->warmup_bars, SOURCE_WARMUP_MAX);
    s->warm_ns = s->from_ns - (int64_t)feed->warmup_bars * MINUTE_NS;
    s->lead_size = s->quotes ? 0 : feed->warmup_bars;
    if (s->lead_size > 0 && !(s->lead = calloc(s->lead_size, sizeof *s->lead)))
        return error_errno(err, ENOMEM, "keep %u warm-up bars", s->lead_size);
    return find_start(s, setup->progress, err);
}

static int open_spread(struct source *s, struct error *err)
{
    const struct config_instrument *c = s->config;
    if (c->tick <= 0 || c->spread_ticks < 0)
        return error_set(err, EINVAL, "%s: tick must be positive and spread not negative", c->symbol);
    spread_model_init(&s->spread, c->spread_ticks);
    for (unsigned i = 0; i < SPREAD_MINUTES; i++)
        if (s->spread.ticks[i] > CSV_PRICE_MAX / 16 / c->tick) /* 16: sums of it must fit too */
            return error_set(err, EINVAL, "%s: the modelled spread is larger than any price", c->symbol);
    return 0;
}

int source_open(struct source *s, const struct source_setup *setup, struct error *err)
{
    const struct fleet_config *config = setup->config;
    assert(setup->index < config->instrument_count);
    bool simulator = config->feed.source == SOURCE_SIMULATOR;
    *s = (struct source){
        .config = &config->instruments[setup->index],
        .instrument = (uint8_t)setup->index,
        .last_known_ns = INT64_MIN,
        .weekend_until_ns = INT64_MIN,
        .companion_row = {.time_ns = INT64_MAX},
    };
    s->quotes = simulator ? config->feed.sim_quotes : s->config->file_kind == FILE_TICKS;
    int result = open_spread(s, err);
    if (result == 0)
        result = simulator ? open_simulator(s, setup, err) : open_files(s, config, err);
    if (result == 0)
        result = prepare_span(s, setup, err);
    if (result != 0)
        source_close(s);
    return result;
}

void source_close(struct source *s)
{
    csv_close(&s->csv);
    csv_close(&s->companion);
    sim_instrument_free(&s->sim);
    free(s->lead);
    s->lead = NULL;
    s->lead_count = 0;
    s->has_held = false;
    s->ended = true;
}
