#include "tests/unit/paper_random.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

uint64_t random_next(uint64_t *state)
{
    return hash_mix64(*state += 1);
}

uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return random_next(state) % limit;
}

static bool chance(uint64_t *state, uint64_t percent)
{
    return random_below(state, 100) < percent;
}

void random_configure(struct paper_test *f, uint64_t seed)
{
    uint64_t r = seed * 7919;
    struct config_account *account = &f->config->accounts[f->account];
    account->paper.seed = random_next(&r);
    account->paper.latency_p99_ns = 300 * MS;
    account->paper.slippage_spread_k = chance(&r, 50) ? 0.5 : 0;
    account->paper.touch_fill_probability = 0.35;
    account->paper.reject_probability = chance(&r, 30) ? 0.05 : 0;
    account->paper.profile = chance(&r, 10) ? FILL_IDEAL : FILL_DEFAULT;
    bool poor = seed % 3 == 0; /* near a stop-out */
    account->initial_balance = paper_dec(poor ? "250" : "100000");
    for (uint32_t i = 0; i < TEST_INSTRUMENTS; i++) {
        struct config_instrument *in = &f->config->instruments[i];
        in->level_size_lots = paper_dec(chance(&r, 25) ? "0.01" : "3");
        in->stop_level_ticks = (dec_t)random_below(&r, 20) * DEC_ONE;
        in->swap_long_points = -(dec_t)random_below(&r, 10) * DEC_ONE;
        in->swap_short_points = (dec_t)random_below(&r, 3) * DEC_ONE;
        in->margin_rate = paper_dec(poor ? "0.002" : "0.05");
    }
}

/* --- the market ----------------------------------------------------------------------------------- */

struct walk {
    dec_t price[TEST_INSTRUMENTS]; /* in ticks */
    int64_t scale[TEST_INSTRUMENTS];
};
static const char *const ticks[TEST_INSTRUMENTS] = {"0.00001", "0.001", "0.00001", "0.00001", "0.01"};

static struct market_record *next_record(struct random_script *s)
{
    assert_true(s->record_count < RANDOM_RECORDS_MAX);
    struct market_record *r = &s->records[s->record_count++];
    r->seq = s->record_count;
    return r;
}

static int64_t step(uint64_t *r, int64_t scale)
{
    return (int64_t)random_below(r, (uint64_t)(2 * scale + 1)) - scale;
}

static void add_bar(struct random_script *s, struct walk *w, uint64_t *r, uint32_t instrument, int64_t at_ns)
{
    dec_t tick = paper_dec(ticks[instrument]), *price = &w->price[instrument];
    int64_t scale = w->scale[instrument];
    if (chance(r, 2))
        *price += step(r, scale * 10); /* a gap */
    dec_t open = *price + step(r, scale / 10 + 1), close = open + step(r, scale);
    dec_t high = dec_max(open, close) + (dec_t)random_below(r, (uint64_t)scale);
    dec_t low = dec_min(open, close) - (dec_t)random_below(r, (uint64_t)scale);
    *price = close;
    struct market_record *b = next_record(s);
    b->time_ns = at_ns;
    b->kind = MARKET_BAR;
    b->timeframe = TIMEFRAME_M1;
    b->instrument = (uint8_t)instrument;
    b->flags = MARKET_BASE;
    b->spread_ticks = 2 + (uint32_t)random_below(r, 10);
    b->u.bar.open = open * tick;
    b->u.bar.high = high * tick;
    b->u.bar.low = low * tick;
    b->u.bar.close = close * tick;
}

static void add_quotes(struct random_script *s, struct walk *w, uint64_t *r, uint32_t instrument, int64_t open_ns)
{
    dec_t tick = paper_dec(ticks[instrument]);
    int64_t at_ns = open_ns;
    for (uint32_t n = (uint32_t)random_below(r, 6); n > 0; n--) {
        at_ns += (int64_t)random_below(r, 9 * (uint64_t)SECOND) + 1;
        w->price[instrument] += step(r, w->scale[instrument]);
        struct market_record *q = next_record(s);
        q->time_ns = at_ns;
        q->kind = MARKET_QUOTE;
        q->instrument = (uint8_t)instrument;
        q->u.quote.bid = w->price[instrument] * tick;
        q->u.quote.ask = q->u.quote.bid + (1 + (dec_t)random_below(r, 5)) * tick;
    }
}

static bool fx_open(int64_t minute) /* minutes since Monday 00:00 UTC */
{
    int64_t in_week = minute % (7 * 1440);
    return in_week < 4 * 1440 + 21 * 60 || in_week >= 6 * 1440 + 21 * 60;
}

/* Minutes of trading; the weekend goes by in hours. Some start on a Friday evening. */
static void make_market(struct random_script *s)
{
    uint64_t r = s->seed;
    struct walk w = {.price = {110000, 150000, 86000, 127000, 6000000}, .scale = {15, 20, 12, 18, 3000}};
    int64_t monday = PAPER_T0 - 10 * 3600 * SECOND;
    int64_t minute = chance(&r, 50) ? 4 * 1440 + 20 * 60 : 600 + (int64_t)random_below(&r, 3000);
    for (int n = 0; n < 400; n++) {
        minute += fx_open(minute) ? 1 : 60;
        int64_t close_ns = monday + minute * 60 * SECOND;
        add_quotes(s, &w, &r, BTCUSD, close_ns - 60 * SECOND);
        for (uint32_t i = 0; i < BTCUSD && fx_open(minute - 1); i++)
            if (!chance(&r, 5))
                add_bar(s, &w, &r, i, close_ns);
        struct market_record *end = next_record(s);
        end->time_ns = close_ns;
        end->kind = MARKET_END;
    }
}

void random_script_init(struct random_script *s, uint64_t seed)
{
    s->seed = seed;
    s->record_count = s->request_count = 0;
    s->records = calloc(RANDOM_RECORDS_MAX, sizeof *s->records);
    s->requests = calloc(RANDOM_REQUESTS_MAX, sizeof *s->requests);
    assert_non_null(s->records);
    assert_non_null(s->requests);
    make_market(s);
}

void random_script_fini(struct random_script *s)
{
    free(s->records);
    free(s->requests);
}

/* --- requests -------------------------------------------------------------------------------------------- */

struct asker {
    struct random_script *script;
    struct paper_test *test;
    uint64_t random, intent;
    dec_t last[TEST_INSTRUMENTS]; /* bids */
};

static void ask(struct asker *a, struct broker_request *request)
{
    assert_true(a->script->request_count < RANDOM_REQUESTS_MAX);
    request->intent = ++a->intent;
    request->time_ns = a->test->time_ns;
    request->seq = a->test->seq;
    if (request->stop_intent)
        request->stop_intent = ++a->intent;
    if (request->take_intent)
        request->take_intent = ++a->intent;
    a->script->requests[a->script->request_count++] = *request;
    paper_test_send(a->test, request);
}

static void ask_entry(struct asker *a)
{
    uint32_t i = (uint32_t)random_below(&a->random, TEST_INSTRUMENTS);
    if (a->last[i] == 0)
        return;
    dec_t tick = paper_dec(ticks[i]), scale = i == BTCUSD ? 2000 : 10;
    bool buy = chance(&a->random, 50);
    struct broker_request q = {
        .kind = BROKER_PLACE, .instrument = i, .side = buy ? SIDE_BUY : SIDE_SELL, .type = ORDER_MARKET,
        .qty = (1 + (dec_t)random_below(&a->random, chance(&a->random, 10) ? 12000 : 60)) * paper_dec("0.01"),
    };
    dec_t price = a->last[i], sign = buy ? tick : -tick;
    if (chance(&a->random, 30)) {
        q.type = chance(&a->random, 50) ? ORDER_LIMIT : ORDER_STOP;
        price += (q.type == ORDER_LIMIT ? -sign : sign) * ((dec_t)random_below(&a->random, (uint64_t)scale * 3) - scale / 5);
        q.price = price;
    }
    if (chance(&a->random, 80)) {
        q.stop_intent = 1;
        q.stop_price = price - sign * (scale / 5 + (dec_t)random_below(&a->random, (uint64_t)scale * (chance(&a->random, 20) ? 40 : 8)));
    }
    if (chance(&a->random, 80)) {
        q.take_intent = 1;
        q.take_price = price + sign * (scale + (dec_t)random_below(&a->random, (uint64_t)scale * 8));
    }
    ask(a, &q);
}

static void ask_close(struct asker *a)
{
    struct broker_position_view views[BROKER_POSITIONS_MAX];
    int count = a->test->broker->ops->positions(a->test->broker, views, BROKER_POSITIONS_MAX);
    if (count <= 0)
        return;
    const struct broker_position_view *p = &views[random_below(&a->random, (uint64_t)count)];
    struct broker_request q = {
        .kind = BROKER_CLOSE, .instrument = p->instrument, .side = p->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY,
        .type = ORDER_MARKET, .position = p->position, .qty = chance(&a->random, 50) ? p->qty : paper_dec("0.05"),
    };
    ask(a, &q);
}

static void ask_change(struct asker *a)
{
    struct broker_order_view views[BROKER_ORDERS_MAX];
    int count = a->test->broker->ops->orders(a->test->broker, views, BROKER_ORDERS_MAX);
    if (count <= 0)
        return;
    const struct broker_order_view *o = &views[random_below(&a->random, (uint64_t)count)];
    dec_t tick = paper_dec(ticks[o->instrument]);
    struct broker_request q = {.kind = BROKER_CANCEL, .instrument = o->instrument, .target_intent = o->intent};
    if (chance(&a->random, 5))
        q.target_intent = a->intent + 100; /* never heard of */
    if (chance(&a->random, 70)) {
        q.kind = BROKER_REPLACE;
        q.price = o->price + (dec_t)step(&a->random, o->instrument == BTCUSD ? 2000 : 15) * tick;
    } else if (o->type == ORDER_STOP && chance(&a->random, 80)) {
        return; /* most positions keep their protection */
    }
    ask(a, &q);
}

static void play_records(struct random_script *s, struct paper_test *f, struct asker *asker)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < s->record_count; i++) {
        const struct market_record *record = &s->records[i];
        paper_test_record(f, record);
        if (asker) {
            if (record->kind != MARKET_END)
                asker->last[record->instrument] = record->kind == MARKET_BAR ? record->u.bar.close : record->u.quote.bid;
            while (chance(&asker->random, 12)) {
                uint64_t what = random_below(&asker->random, 10);
                (what < 5 ? ask_entry : what < 7 ? ask_close : ask_change)(asker);
            }
        }
        for (; !asker && next < s->request_count && s->requests[next].seq == f->seq; next++)
            paper_test_send(f, &s->requests[next]);
        if (i % 64 == 0)
            f->broker->ops->acknowledge(f->broker, f->passed);
    }
}

void random_play_new(struct random_script *s, struct paper_test *f)
{
    struct asker asker = {.script = s, .test = f, .random = s->seed ^ 0x5eed};
    play_records(s, f, &asker);
}

void random_play_again(const struct random_script *s, struct paper_test *f)
{
    struct random_script copy = *s;
    play_records(&copy, f, NULL);
}

/* --- comparison -------------------------------------------------------------------------------------------- */

static int hash_row(void *context, uint64_t key, const void *data, size_t size)
{
    uint64_t *hash = context;
    *hash = hash_combine(*hash, key);
    *hash = hash_bytes(data, size, *hash);
    return 0;
}

uint64_t random_book_hash(struct paper_test *f)
{
    struct broker_account_view view;
    struct error err = {0};
    uint64_t hash = 1;
    f->broker->ops->account(f->broker, &view);
    f->broker->ops->acknowledge(f->broker, view.last_report);
    for (int i = 0; i < 2; i++)
        assert_int_equal(f->broker->ops->checkpoint(f->broker, &err), 0);
    for (uint32_t table = 0; table < paper_table_count; table++) {
        hash = hash_combine(hash, table);
        assert_int_equal(store_scan(f->store, table, 0, 100000, hash_row, &hash), 0);
    }
    return hash;
}

void random_assert_same(const struct paper_test *a, const struct paper_test *b, uint64_t seed)
{
    uint32_t count = a->count < b->count ? a->count : b->count;
    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(&a->reports[i], &b->reports[i], sizeof a->reports[i]) != 0 || a->delivered_seq[i] != b->delivered_seq[i])
            fail_msg("seed %llu: report %u differs: %c of %llu at record %llu, %c of %llu at record %llu",
                     (unsigned long long)seed, i + 1, (char)a->reports[i].exec_type, (unsigned long long)a->reports[i].intent,
                     (unsigned long long)a->delivered_seq[i], (char)b->reports[i].exec_type,
                     (unsigned long long)b->reports[i].intent, (unsigned long long)b->delivered_seq[i]);
    }
    if (a->count != b->count)
        fail_msg("seed %llu: %u and %u reports", (unsigned long long)seed, a->count, b->count);
}
