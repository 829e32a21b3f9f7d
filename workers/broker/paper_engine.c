/* Records in, events and matching. Lazy: a bar is expanded only where it reaches something. */
#include "workers/broker/paper_internal.h"

#include <assert.h>

/* --- events of one instrument ------------------------------------------------------------------- */

enum event_kind { EVENT_NONE, EVENT_SWAP, EVENT_CANCEL, EVENT_REPLACE, EVENT_EXPIRY, EVENT_ARRIVAL, EVENT_TRIGGERED,
                  EVENT_STOP_OUT };
struct event {
    enum event_kind kind;
    uint32_t index;
    int64_t at_ns;
};

enum quoting {
    BEFORE_QUOTE, /* what happened before the quote came: swap, cancels, waits that were too long for it */
    AT_QUOTE,     /* what it was waited for */
    NO_QUOTE,     /* none can come any more */
};

static void consider(struct event *best, enum event_kind kind, uint32_t index, int64_t at_ns, int64_t until_ns)
{
    if (at_ns <= until_ns && (best->kind == EVENT_NONE || at_ns < best->at_ns))
        *best = (struct event){kind, index, at_ns};
}

static void consider_positions(const struct paper *v, struct event *best, int64_t until_ns, enum quoting quoting)
{
    for (uint32_t i = 0; i < v->position_count; i++) {
        const struct paper_position *p = &v->positions[i];
        if (p->instrument != v->now.instrument || p->qty == 0)
            continue;
        consider(best, EVENT_SWAP, i, p->next_swap_ns, until_ns);
        if (quoting == AT_QUOTE && p->stop_out_ns != 0 && p->quote_number != v->now.quote_number)
            consider(best, EVENT_STOP_OUT, i, p->stop_out_ns, until_ns);
    }
}

static void consider_requests(const struct paper *v, struct event *best, int64_t until_ns, enum quoting quoting)
{
    for (uint32_t i = 0; i < v->request_count; i++) {
        const struct paper_request *r = &v->requests[i];
        if (r->instrument != v->now.instrument || r->answered || r->seq >= v->seq)
            continue;
        if (r->kind == BROKER_CANCEL)
            consider(best, EVENT_CANCEL, i, r->effective_ns, until_ns);
        else if (quoting != BEFORE_QUOTE)
            consider(best, EVENT_REPLACE, i, r->effective_ns, until_ns);
    }
}

static void consider_orders(const struct paper *v, struct event *best, int64_t until_ns, enum quoting quoting)
{
    for (uint32_t i = 0; i < v->order_count; i++) {
        const struct paper_order *o = &v->orders[i];
        if (o->instrument != v->now.instrument || o->seq >= v->seq)
            continue;
        int64_t deadline_ns = o->effective_ns + v->model->stale_ns;
        if (o->state == PAPER_PENDING && quoting == AT_QUOTE)
            consider(best, EVENT_ARRIVAL, i, o->effective_ns, until_ns);
        else if (o->state == PAPER_PENDING)
            consider(best, EVENT_EXPIRY, i, deadline_ns, quoting == BEFORE_QUOTE ? until_ns - 1 : until_ns);
        else if (o->state == PAPER_TRIGGERED && quoting == AT_QUOTE && o->quote_number != v->now.quote_number)
            consider(best, EVENT_TRIGGERED, i, o->effective_ns, until_ns);
    }
}

/* The earliest event at or before `until` of the instrument that is played; of equal ones the first of
 * positions, requests, orders. Nothing that was decided at this record or later. */
static struct event next_event(const struct paper *v, int64_t until_ns, enum quoting quoting)
{
    struct event best = {0};
    consider_positions(v, &best, until_ns, quoting);
    consider_requests(v, &best, until_ns, quoting);
    consider_orders(v, &best, until_ns, quoting);
    return best;
}

static void stop_out(struct paper *v, struct paper_position *position, int64_t time_ns)
{
    const struct paper_order *stop = paper_book_child(v, position->position, PAPER_STOP);
    position->quote_number = v->now.quote_number;
    if (!stop) /* else the stop does it */
        paper_fill_stop_out(v, position, time_ns);
}

static void run_event(struct paper *v, struct event event, int64_t time_ns, enum quoting quoting)
{
    switch (event.kind) {
    case EVENT_SWAP:
        paper_session_post_swap(v, &v->positions[event.index]);
        break;
    case EVENT_CANCEL:
    case EVENT_REPLACE:
        paper_request_execute(v, &v->requests[event.index], time_ns, quoting == AT_QUOTE);
        break;
    case EVENT_EXPIRY:
        paper_request_expire(v, &v->orders[event.index], time_ns);
        break;
    case EVENT_ARRIVAL:
        paper_request_arrive(v, &v->orders[event.index], time_ns);
        break;
    case EVENT_TRIGGERED:
        paper_fill_triggered(v, &v->orders[event.index], time_ns);
        break;
    case EVENT_STOP_OUT:
        stop_out(v, &v->positions[event.index], time_ns);
        break;
    case EVENT_NONE:
        assert(!"no event");
    }
}

/* --- matching at one quote ------------------------------------------------------------------------- */

static void trigger_stops(struct paper *v, int64_t time_ns)
{
    for (uint32_t i = 0; i < v->order_count; i++) {
        struct paper_order *o = &v->orders[i];
        if (o->instrument != v->now.instrument || o->type != ORDER_STOP || o->state != PAPER_WORKING || o->seq >= v->seq)
            continue;
        if (o->side == SIDE_SELL ? v->now.bid > o->price : v->now.ask < o->price)
            continue;
        o->latency_ns = paper_draw_latency(v, o->intent, DRAW_LATENCY_TRIGGER, o->replaced);
        o->effective_ns = time_ns + o->latency_ns;
        o->state = PAPER_TRIGGERED;
        o->dirty = 1;
        v->changed = true;
    }
}

/* One draw for each order and price: its place in the queue is lucky or not. */
static bool touch_fills(const struct paper *v, const struct paper_order *o)
{
    return paper_draw_uniform(paper_draw(v, o->intent, DRAW_TOUCH, o->replaced)) < v->model->touch_fill_probability;
}

/* Both in one bar: the stop first (pessimistic). A stop on its way keeps the target out too. */
static bool stop_comes_first(struct paper *v, const struct paper_order *take)
{
    const struct paper_order *stop = paper_book_child(v, take->position, PAPER_STOP);
    if (take->role != PAPER_TAKE || !stop)
        return false;
    if (stop->state == PAPER_TRIGGERED)
        return true;
    return stop->side == SIDE_SELL ? v->now.low_ahead <= stop->price : v->now.high_ahead + v->now.spread >= stop->price;
}

static void match_limit(struct paper *v, struct paper_order *o, int64_t time_ns)
{
    const struct config_instrument *in = paper_instrument(v, o->instrument);
    dec_t through = o->side == SIDE_BUY ? o->price - v->now.ask : v->now.bid - o->price;
    bool arriving = !o->rested;
    if (arriving) {
        o->rested = 1;
        o->dirty = 1;
    }
    if (through < 0 || o->quote_number == v->now.quote_number || stop_comes_first(v, o))
        return;
    if (arriving)
        paper_fill_limit(v, o, o->side == SIDE_BUY ? v->now.ask : v->now.bid, time_ns);
    else if (through >= in->tick || touch_fills(v, o))
        paper_fill_limit(v, o, o->price, time_ns);
}

static void match(struct paper *v, int64_t time_ns)
{
    uint64_t exec = v->meta.last_exec;
    trigger_stops(v, time_ns);
    for (uint32_t i = 0; i < v->order_count; i++) {
        struct paper_order *o = &v->orders[i];
        if (o->instrument == v->now.instrument && o->type == ORDER_LIMIT && o->state == PAPER_WORKING && o->seq < v->seq)
            match_limit(v, o, time_ns);
    }
    if (v->meta.last_exec != exec)
        trigger_stops(v, time_ns); /* those that an entry has just brought to life */
    /* Only here, where the lazy check has looked, too: not when a rate of conversion moves. */
    bool held = false;
    for (uint32_t i = 0; i < v->position_count; i++)
        held |= v->positions[i].instrument == v->now.instrument && v->positions[i].qty > 0;
    if (held)
        paper_fill_check_margin(v, time_ns);
}

static uint64_t quote_number(const struct paper *v, uint32_t number)
{
    static_assert(PAPER_PATH_MAX <= 128, "a record's quotes have different numbers");
    return v->seq * 128 + number;
}

/* --- one quote, in force from its time to `until` ----------------------------------------------------- */

static void play_quote(struct paper *v, int64_t until_ns)
{
    uint32_t count = 0;
    int64_t at_ns = v->now.time_ns;
    struct paper_mark *mark = &v->meta.marks[v->now.instrument];
    struct event event;
    while ((event = next_event(v, at_ns, BEFORE_QUOTE)).kind != EVENT_NONE) {
        count++;
        assert(count < PAPER_EVENTS_MAX);
        run_event(v, event, event.at_ns, BEFORE_QUOTE);
    }
    mark->bid = v->now.bid;
    mark->ask = v->now.ask;
    while ((event = next_event(v, at_ns, AT_QUOTE)).kind != EVENT_NONE) {
        count++;
        assert(count < PAPER_EVENTS_MAX);
        run_event(v, event, at_ns, AT_QUOTE);
    }
    match(v, at_ns);
    while ((event = next_event(v, until_ns, AT_QUOTE)).kind != EVENT_NONE) {
        count++;
        assert(count < PAPER_EVENTS_MAX);
        int64_t event_ns = event.at_ns > at_ns ? event.at_ns : at_ns;
        run_event(v, event, event_ns, AT_QUOTE);
        match(v, event_ns);
    }
}

static void play_bar(struct paper *v, const struct market_record *bar, int64_t open_ns, dec_t spread)
{
    struct paper_path path;
    paper_path_build(&path, bar, paper_instrument(v, bar->instrument)->tick, open_ns);
    for (uint32_t k = 0; k < path.count; k++) {
        int64_t until_ns = (k + 1 < path.count ? paper_path_time(&path, k + 1) : bar->time_ns) - 1;
        v->now = (struct paper_now){
            .instrument = bar->instrument, .quote_number = quote_number(v, k), .time_ns = paper_path_time(&path, k), .bid = path.bid[k],
            .ask = path.bid[k] + spread, .low_ahead = path.low_ahead[k], .high_ahead = path.high_ahead[k], .spread = spread,
        };
        play_quote(v, until_ns);
    }
}

/* --- the lazy check ------------------------------------------------------------------------------------ */

/* The worst that this bar could do to the margin level: longs at its low, shorts at its high, both in the
 * conversion too. */
static bool margin_at_risk(struct paper *v, uint32_t instrument, dec_t low, dec_t high)
{
    struct paper_mark *mark = &v->meta.marks[instrument], before = *mark;
    mark->bid = low;
    mark->ask = high;
    dec_t equity = paper_money_equity(v);
    *mark = before;
    return equity < paper_money_product(paper_money_margin_used(v), PAPER_STOP_OUT_LEVEL);
}

static bool bar_matters(struct paper *v, const struct market_record *bar, dec_t spread)
{
    const struct paper_guard *g = &v->guards[bar->instrument];
    dec_t low = dec_min(bar->u.bar.low, dec_min(bar->u.bar.open, bar->u.bar.close));
    dec_t high = dec_max(bar->u.bar.high, dec_max(bar->u.bar.open, bar->u.bar.close));
    if (g->next_event_ns < bar->time_ns)
        return true;
    if (low <= g->sell_stop || high + spread >= g->buy_stop || high >= g->sell_limit || low + spread <= g->buy_limit)
        return true;
    return g->positions > 0 && margin_at_risk(v, bar->instrument, low, high + spread);
}

/* What comes from the ring is checked before it is used: nothing below overflows with these. */
static bool price_sane(dec_t price) { return price > 0 && price <= PAPER_PRICE_MAX; }

static void take_bar(struct paper *v, const struct market_record *bar)
{
    struct paper_mark *mark = &v->meta.marks[bar->instrument];
    int64_t open_ns = bar->time_ns - timeframe_ns((enum market_timeframe)bar->timeframe);
    if (!price_sane(bar->u.bar.low) || !price_sane(bar->u.bar.open) || !price_sane(bar->u.bar.close) ||
        !price_sane(bar->u.bar.high) || mark->quoted_ns >= open_ns)
        return;
    if (open_ns < mark->covered_ns) /* a day in which the clock changes */
        open_ns = mark->covered_ns;
    if (open_ns >= bar->time_ns)
        return;
    dec_t spread = v->ideal ? 0 : (dec_t)bar->spread_ticks * paper_instrument(v, bar->instrument)->tick;
    const struct paper_guard *guard = &v->guards[bar->instrument];
    if (v->eager || (guard->active > 0 && bar_matters(v, bar, spread)))
        play_bar(v, bar, open_ns, spread);
    mark->bid = bar->u.bar.close;
    mark->ask = bar->u.bar.close + spread;
    mark->covered_ns = bar->time_ns;
}

static void take_quote(struct paper *v, const struct market_record *record)
{
    struct paper_mark *mark = &v->meta.marks[record->instrument];
    dec_t bid = record->u.quote.bid, ask = v->ideal ? bid : record->u.quote.ask;
    if (!price_sane(bid) || !price_sane(ask) || ask < bid || record->time_ns < mark->covered_ns)
        return;
    if (v->eager || v->guards[record->instrument].active > 0) {
        v->now = (struct paper_now){
            .instrument = record->instrument, .quote_number = quote_number(v, 0), .time_ns = record->time_ns, .bid = bid, .ask = ask,
            .low_ahead = bid, .high_ahead = bid, .spread = ask - bid,
        };
        play_quote(v, record->time_ns);
    }
    mark->bid = bid;
    mark->ask = ask;
    mark->quoted_ns = mark->covered_ns = record->time_ns;
}

/* --- waits that end without a quote ----------------------------------------------------------------------- */

/* A bar that covers an instant is known at most this much later. From the configuration alone: what has been
 * seen so far may differ between a venue and its restarted twin that is asked before it is fed. */
static int64_t coverage_ns(const struct paper *v, uint32_t instrument)
{
    const struct config_instrument *in = paper_instrument(v, instrument);
    bool simulator = v->config->feed.source == SOURCE_SIMULATOR;
    uint32_t timeframe = simulator ? v->config->feed.sim_timeframe : in->file_timeframe;
    if ((!simulator && in->file_kind != FILE_BARS) || timeframe >= TIMEFRAME_COUNT)
        return 0;
    return timeframe_ns((enum market_timeframe)timeframe);
}

/* How long after its time an event waits for a quote; negative: for ever. */
static int64_t patience_ns(const struct paper *v, enum event_kind kind, uint32_t instrument)
{
    if (kind == EVENT_TRIGGERED || kind == EVENT_STOP_OUT)
        return -1;
    return coverage_ns(v, instrument) + (kind == EVENT_ARRIVAL ? v->model->stale_ns : 0);
}

static void end_waits(struct paper *v, uint32_t instrument, int64_t time_ns)
{
    int64_t until_ns = time_ns - coverage_ns(v, instrument) - 1;
    uint32_t count = 0;
    struct event event;
    v->now = (struct paper_now){.instrument = instrument, .quote_number = quote_number(v, 0)};
    while ((event = next_event(v, until_ns, NO_QUOTE)).kind != EVENT_NONE) {
        count++;
        assert(count < PAPER_EVENTS_MAX);
        run_event(v, event, event.at_ns, NO_QUOTE);
    }
}

/* --- schedule ---------------------------------------------------------------------------------------------- */

static void schedule_event(struct paper *v, enum event_kind kind, uint32_t instrument, int64_t at_ns)
{
    struct paper_guard *g = &v->guards[instrument];
    if (at_ns < g->next_event_ns)
        g->next_event_ns = at_ns;
    int64_t patience = patience_ns(v, kind, instrument);
    if (patience >= 0 && at_ns + patience < v->wake_ns)
        v->wake_ns = at_ns + patience;
}

static void schedule_order(struct paper *v, const struct paper_order *o)
{
    struct paper_guard *g = &v->guards[o->instrument];
    g->active++;
    if (o->state == PAPER_PENDING || o->state == PAPER_TRIGGERED)
        schedule_event(v, o->state == PAPER_PENDING ? EVENT_ARRIVAL : EVENT_TRIGGERED, o->instrument, o->effective_ns);
    if (o->state != PAPER_WORKING)
        return;
    bool sell = o->side == SIDE_SELL;
    if (o->type == ORDER_STOP && sell)
        g->sell_stop = dec_max(g->sell_stop, o->price);
    else if (o->type == ORDER_STOP)
        g->buy_stop = dec_min(g->buy_stop, o->price);
    else if (sell)
        g->sell_limit = dec_min(g->sell_limit, o->price);
    else
        g->buy_limit = dec_max(g->buy_limit, o->price);
}

void paper_engine_schedule(struct paper *v)
{
    v->changed = false;
    v->wake_ns = INT64_MAX;
    for (uint32_t i = 0; i < CONFIG_INSTRUMENTS_MAX; i++)
        v->guards[i] = (struct paper_guard){.buy_stop = DEC_MAX, .sell_limit = DEC_MAX, .next_event_ns = INT64_MAX};
    for (uint32_t i = 0; i < v->order_count; i++)
        if (v->orders[i].state != PAPER_FINAL)
            schedule_order(v, &v->orders[i]);
    for (uint32_t i = 0; i < v->request_count; i++) {
        const struct paper_request *r = &v->requests[i];
        if (r->answered)
            continue;
        v->guards[r->instrument].active++;
        schedule_event(v, r->kind == BROKER_CANCEL ? EVENT_CANCEL : EVENT_REPLACE, r->instrument, r->effective_ns);
    }
    for (uint32_t i = 0; i < v->position_count; i++) {
        const struct paper_position *p = &v->positions[i];
        if (p->qty == 0)
            continue;
        v->guards[p->instrument].active++;
        v->guards[p->instrument].positions++;
        schedule_event(v, EVENT_SWAP, p->instrument, p->next_swap_ns);
        if (p->stop_out_ns != 0)
            schedule_event(v, EVENT_STOP_OUT, p->instrument, p->stop_out_ns);
    }
}

/* --- records --------------------------------------------------------------------------------------------------- */

int paper_engine_record(struct broker *broker, const struct market_record *record, struct error *err)
{
    struct paper *v = (struct paper *)broker;
    if (v->commit_pending) {
        int rc = paper_book_commit(v, err);
        if (rc != 0)
            return rc;
    }
    if (record->seq <= v->meta.last_seq)
        return 0;
    v->meta.last_seq = v->seq = record->seq;
    if (record->kind != MARKET_END && record->instrument < v->config->instrument_count) {
        if (record->kind == MARKET_QUOTE && !(record->flags & MARKET_WARMUP))
            take_quote(v, record);
        else if (record->kind == MARKET_BAR && record->timeframe < TIMEFRAME_COUNT &&
                 (record->flags & (MARKET_BASE | MARKET_WARMUP)) == MARKET_BASE)
            take_bar(v, record);
    }
    if (record->time_ns > v->wake_ns) {
        for (uint32_t i = 0; i < v->config->instrument_count; i++)
            end_waits(v, i, record->time_ns);
        v->changed = true;
    }
    if (v->changed)
        paper_engine_schedule(v);
    return v->effects ? paper_book_commit(v, err) : 0;
}
