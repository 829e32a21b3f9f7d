#include "tests/unit/paper_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

dec_t paper_dec(const char *text)
{
    dec_t out;
    if (dec_parse(text, strlen(text), &out) != 0)
        fail_msg("not a number: %s", text);
    return out;
}

void paper_assert_dec(dec_t value, const char *text, const char *file, int line)
{
    char got[DEC_STR_MAX];
    dec_format(value, 0, got);
    if (value != paper_dec(text)) {
        print_error("%s:%d: %s, not %s\n", file, line, got, text);
        _fail(file, line);
    }
}

static void instrument(struct fleet_config *config, uint32_t index, const char *symbol, const char *tick,
                       const char *contract_size)
{
    struct config_instrument *in = &config->instruments[index];
    snprintf(in->symbol, sizeof in->symbol, "%s", symbol);
    in->tick = paper_dec(tick);
    in->contract_size = paper_dec(contract_size);
    in->lot_min = in->lot_step = paper_dec("0.01");
    in->lot_max = paper_dec("100");
    in->commission_per_lot = paper_dec("3");
    in->triple_swap_weekday = 3;
    in->margin_rate = paper_dec("0.01");
    in->level_size_lots = paper_dec("20");
    in->active = true;
    in->closed_weekend = true;
    in->session_open_s = in->session_close_s = 21 * 3600;
    in->conversion_instrument = CONFIG_NONE;
    in->file_kind = FILE_BARS;
    in->file_timeframe = TIMEFRAME_M1;
}

struct fleet_config *paper_test_config(void)
{
    struct fleet_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    config->feed.source = SOURCE_DATASET;
    config->zone_count = 1; /* UTC: no transition */
    snprintf(config->zones[0].name, sizeof config->zones[0].name, "UTC");
    config->swap_zone = 0;
    config->swap_second = 21 * 3600;
    config->instrument_count = TEST_INSTRUMENTS;
    instrument(config, EURUSD, "EURUSD", "0.00001", "100000");
    instrument(config, USDJPY, "USDJPY", "0.001", "100000");
    instrument(config, EURGBP, "EURGBP", "0.00001", "100000");
    instrument(config, GBPUSD, "GBPUSD", "0.00001", "100000");
    instrument(config, BTCUSD, "BTCUSD", "0.01", "1");
    config->instruments[USDJPY].conversion_instrument = USDJPY;
    config->instruments[USDJPY].conversion_inverse = true;
    config->instruments[EURGBP].conversion_instrument = GBPUSD;
    config->instruments[BTCUSD].file_kind = FILE_TICKS;
    config->instruments[BTCUSD].closed_weekend = false;
    config->instruments[BTCUSD].session_open_s = config->instruments[BTCUSD].session_close_s = 0;
    config->account_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        struct config_account *account = &config->accounts[i];
        snprintf(account->name, sizeof account->name, "%s", i == 0 ? "alpha" : "beta");
        account->initial_balance = paper_dec("100000");
        account->paper = (struct config_paper){
            .seed = 1, .latency_in_ns = 60 * MS, .latency_out_ns = 40 * MS, .latency_p99_ns = 60 * MS,
            .touch_fill_probability = 0, .stale_ns = 5 * SECOND,
        };
    }
    return config;
}

static struct store *fresh_store(void)
{
    static uint32_t number;
    char folder[32];
    snprintf(folder, sizeof folder, "paper-test-%u", ++number);
    struct store_options options = {.folder = folder, .kind = "paper", .tables = paper_tables,
                                    .table_count = paper_table_count, .map_bytes = 1 << 20};
    struct error err = {0};
    struct store *store = NULL;
    if (store_open_memory(&options, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

void paper_test_init(struct paper_test *f)
{
    memset(f, 0, sizeof *f);
    f->config = paper_test_config();
    f->store = fresh_store();
    f->reports = calloc(TEST_REPORTS_MAX, sizeof *f->reports);
    f->delivered_seq = calloc(TEST_REPORTS_MAX, sizeof *f->delivered_seq);
    assert_non_null(f->reports);
    assert_non_null(f->delivered_seq);
    f->time_ns = PAPER_T0;
}

void paper_test_open(struct paper_test *f)
{
    struct error err = {0};
    if (paper_open(f->config, f->account, f->store, STORE_POWER, &f->broker, &err) != 0)
        fail_msg("%s", err.text);
}

void paper_test_fini(struct paper_test *f)
{
    if (f->broker)
        f->broker->ops->close(f->broker);
    store_close(&f->store);
    free(f->config);
    free(f->reports);
    free(f->delivered_seq);
}

void paper_test_crash(struct paper_test *f)
{
    f->broker->ops->close(f->broker);
    store_memory_lose(f->store, false);
    paper_test_open(f);
}

static void deliver(struct paper_test *f)
{
    struct broker_report report;
    int rc;
    while ((rc = f->broker->ops->next_report(f->broker, f->passed, f->seq, f->time_ns, &report)) == 1) {
        assert_true(f->count < TEST_REPORTS_MAX);
        assert_true(report.id == f->passed + 1);
        f->passed = report.id;
        f->reports[f->count] = report;
        f->delivered_seq[f->count++] = f->seq;
    }
    assert_int_equal(rc, 0);
}

void paper_test_record(struct paper_test *f, const struct market_record *record)
{
    struct market_record r = *record;
    r.seq = ++f->seq;
    f->time_ns = r.time_ns;
    struct error err = {0};
    if (f->broker->ops->on_record(f->broker, &r, &err) != 0)
        fail_msg("%s", err.text);
    deliver(f);
}

struct market_record paper_test_bar_record(uint32_t instrument_index, int64_t at_s, const char *ohlc, uint32_t spread_ticks)
{
    char o[24], h[24], l[24], c[24];
    assert_int_equal(sscanf(ohlc, "%23s %23s %23s %23s", o, h, l, c), 4);
    struct market_record r = {.time_ns = PAPER_T0 + at_s * SECOND, .kind = MARKET_BAR, .timeframe = TIMEFRAME_M1,
                              .instrument = (uint8_t)instrument_index, .flags = MARKET_BASE, .spread_ticks = spread_ticks};
    r.u.bar.open = paper_dec(o);
    r.u.bar.high = paper_dec(h);
    r.u.bar.low = paper_dec(l);
    r.u.bar.close = paper_dec(c);
    return r;
}

void paper_test_bar(struct paper_test *f, uint32_t instrument_index, int64_t at_s, const char *ohlc, uint32_t spread_ticks)
{
    struct market_record r = paper_test_bar_record(instrument_index, at_s, ohlc, spread_ticks);
    paper_test_record(f, &r);
}

void paper_test_quote(struct paper_test *f, uint32_t instrument_index, int64_t at_ns, const char *bid, const char *ask)
{
    struct market_record r = {.time_ns = PAPER_T0 + at_ns, .kind = MARKET_QUOTE, .instrument = (uint8_t)instrument_index};
    r.u.quote.bid = paper_dec(bid);
    r.u.quote.ask = paper_dec(ask);
    paper_test_record(f, &r);
}

void paper_test_end(struct paper_test *f, int64_t at_s)
{
    struct market_record r = {.time_ns = PAPER_T0 + at_s * SECOND, .kind = MARKET_END};
    paper_test_record(f, &r);
}

void paper_test_send(struct paper_test *f, const struct broker_request *request)
{
    struct error err = {0};
    if (f->broker->ops->send(f->broker, request, &err) != 0)
        fail_msg("%s", err.text);
}

struct broker_request paper_test_entry(const struct paper_test *f, uint64_t intent, uint32_t instrument_index, uint32_t side,
                                       const char *qty, const char *stop, const char *take)
{
    return (struct broker_request){
        .kind = BROKER_PLACE, .instrument = instrument_index, .side = side, .type = ORDER_MARKET, .intent = intent,
        .position = intent, .qty = paper_dec(qty), .stop_intent = stop ? intent + 1 : 0, .take_intent = take ? intent + 2 : 0,
        .stop_price = stop ? paper_dec(stop) : 0, .take_price = take ? paper_dec(take) : 0, .time_ns = f->time_ns,
        .seq = f->seq,
    };
}

void paper_test_enter(struct paper_test *f, uint64_t intent, uint32_t instrument_index, uint32_t side, const char *qty,
                      const char *stop, const char *take)
{
    struct broker_request request = paper_test_entry(f, intent, instrument_index, side, qty, stop, take);
    paper_test_send(f, &request);
}

void paper_test_close(struct paper_test *f, uint64_t intent, uint32_t instrument_index, uint64_t position, uint32_t side,
                      const char *qty)
{
    struct broker_request request = {
        .kind = BROKER_CLOSE, .instrument = instrument_index, .side = side, .type = ORDER_MARKET, .intent = intent,
        .position = position, .qty = paper_dec(qty), .time_ns = f->time_ns, .seq = f->seq,
    };
    paper_test_send(f, &request);
}

void paper_test_cancel(struct paper_test *f, uint64_t intent, uint64_t target)
{
    struct broker_request request = {.kind = BROKER_CANCEL, .intent = intent, .target_intent = target,
                                     .time_ns = f->time_ns, .seq = f->seq};
    paper_test_send(f, &request);
}

void paper_test_replace(struct paper_test *f, uint64_t intent, uint64_t target, const char *price)
{
    struct broker_request request = {.kind = BROKER_REPLACE, .intent = intent, .target_intent = target,
                                     .price = paper_dec(price), .time_ns = f->time_ns, .seq = f->seq};
    paper_test_send(f, &request);
}

const struct broker_report *paper_test_expect(struct paper_test *f, uint32_t *at, uint32_t exec_type, uint64_t intent)
{
    if (*at >= f->count)
        fail_msg("no report; expected %c of intent %llu", (char)exec_type, (unsigned long long)intent);
    const struct broker_report *report = &f->reports[(*at)++];
    if (report->exec_type != exec_type || report->intent != intent)
        fail_msg("report %llu is %c of intent %llu (%s), expected %c of %llu", (unsigned long long)report->id,
                 (char)report->exec_type, (unsigned long long)report->intent, broker_reason_name(report->reason),
                 (char)exec_type, (unsigned long long)intent);
    return report;
}

void paper_test_expect_none(const struct paper_test *f, uint32_t at)
{
    if (at != f->count)
        fail_msg("unexpected report %c of intent %llu", (char)f->reports[at].exec_type,
                 (unsigned long long)f->reports[at].intent);
}

uint32_t paper_test_count(const struct paper_test *f, uint32_t exec_type, uint64_t intent)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->count; i++)
        count += f->reports[i].exec_type == exec_type && f->reports[i].intent == intent;
    return count;
}

const struct broker_report *paper_test_find(const struct paper_test *f, uint32_t exec_type, uint64_t intent)
{
    uint32_t i = 0;
    while (i < f->count && (f->reports[i].exec_type != exec_type || f->reports[i].intent != intent))
        i++;
    if (i == f->count)
        fail_msg("no report %c of intent %llu", (char)exec_type, (unsigned long long)intent);
    return &f->reports[i];
}

dec_t paper_test_balance(const struct paper_test *f)
{
    struct broker_account_view view;
    f->broker->ops->account(f->broker, &view);
    return view.balance;
}

uint32_t paper_test_positions(const struct paper_test *f)
{
    struct broker_position_view views[BROKER_POSITIONS_MAX];
    return (uint32_t)f->broker->ops->positions(f->broker, views, BROKER_POSITIONS_MAX);
}

uint32_t paper_test_orders(const struct paper_test *f)
{
    struct broker_order_view views[BROKER_ORDERS_MAX];
    return (uint32_t)f->broker->ops->orders(f->broker, views, BROKER_ORDERS_MAX);
}
