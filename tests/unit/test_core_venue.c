/* What the venue holds and the book does not: comparing, the operator's adopt and close, an older copy of the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "workers/account/core.h"
#include "workers/account/journal.h"

#define M1_NS (INT64_C(60) * 1000000000)
#define START_NS (INT64_C(1715594400) * 1000000000) /* Monday 2024-05-13 10:00 UTC */
#define D(text) dec(text)
#define must(p) do { if (!(p)) { fail_msg("%s is missing", #p); abort(); } } while (0)
#define ROUNDS 4000u

static dec_t dec(const char *text)
{
    dec_t value;
    assert_int_equal(dec_parse(text, strlen(text), &value), 0);
    return value;
}

static struct fleet_config config;
static struct core core;
static struct core_venue venue;
static uint64_t seq, report_id;
static int64_t now_ns;

static void make_config(void)
{
    memset(&config, 0, sizeof config);
    config.instrument_count = 3;
    config.account_count = config.programme_count = config.personality_count = config.zone_count = 1;
    static const char *const symbols[] = {"EURUSD", "GBPUSD", "AUDUSD"};
    for (uint32_t i = 0; i < 3; i++) {
        config.instruments[i] = (struct config_instrument){
            .tick = D("0.00001"), .contract_size = D("100000"), .lot_min = D("0.01"), .lot_step = D("0.01"), .lot_max = D("50"),
            .commission_per_lot = D("3"), .margin_rate = D("0.01"), .catastrophic_move = D("0.05"), .level_size_lots = D("20"),
            .conversion_instrument = CONFIG_NONE, .active = true,
        };
        strcpy(config.instruments[i].symbol, symbols[i]);
    }
    strcpy(config.zones[0].name, "UTC");
    strcpy(config.feed.source_name, "test");
    config.programmes[0] = (struct config_programme){
        .firm = "firm", .name = "two",
        .rules = {
            .day_count = 1, .floor_count = 2,
            .floors = {{.head.id = "daily", .kind = RULES_DAILY, .anchor = RULES_SNAP_BALANCE, .days = 1,
                        .allowance = {.kind = RULES_FRAC_INITIAL, .value = D("0.05")}},
                       {.head.id = "total", .kind = RULES_TOTAL, .anchor = RULES_INITIAL, .days = 1,
                        .allowance = {.kind = RULES_FRAC_INITIAL, .value = D("0.10")}}},
            .guard = {.fixed_fraction = D("0.001"), .warn_fraction = D("0.3"), .slip_ticks = 3, .gap_fraction = D("0.015"),
                      .lookahead_s = 600, .block_s = 120, .blind_s = 600, .require_stop = true},
        },
    };
    config.personalities[0] = (struct config_personality){
        .name = "test", .timeframe = TIMEFRAME_H1, .lookback = 5, .atr_period = 3, .stop_atr = 2.0, .target_r = 2.0,
        .risk_fraction = D("0.0025"), .risk_cap = D("0.01"), .margin_per_position = DEC_ONE, .margin_total = DEC_ONE,
        .open_risk_max = D("0.05"), .day_risk_share = DEC_ONE, .positions_max = 1, .instruments = 7,
    };
    strcpy(config.accounts[0].name, "alba");
    config.accounts[0].initial_balance = D("100000");
    strcpy(config.accounts[0].currency, "USD");
}

/* --- the market and the venue -------------------------------------------------------------------------------- */

static void step_market(const struct market_record *record)
{
    struct core_event event = {.kind = CORE_MARKET, .u.market = record};
    core_step(&core, &event);
}

static void end(void)
{
    struct market_record record = {.seq = ++seq, .time_ns = now_ns, .kind = MARKET_END};
    step_market(&record);
}

/* A bar of M1 at `close`, ten points of spread. */
static void bar(uint32_t instrument, const char *close)
{
    struct market_record record = {
        .seq = ++seq, .time_ns = now_ns, .kind = MARKET_BAR, .timeframe = TIMEFRAME_M1, .instrument = (uint8_t)instrument,
        .flags = MARKET_BASE, .spread_ticks = 10, .u.bar = {D(close), D(close), D(close), D(close), D("100")},
    };
    step_market(&record);
}

/* An instant: a bar of each instrument, then its END. */
static void minute(const char *close)
{
    core_clear(&core);
    now_ns += M1_NS;
    for (uint32_t i = 0; i < config.instrument_count; i++)
        bar(i, close);
    end();
}

static int setup(void **state)
{
    (void)state;
    make_config();
    core_init(&core, &config, 0);
    memset(&venue, 0, sizeof venue);
    venue.account = (struct broker_account_view){.balance = D("100000"), .last_report = 0, .first_report = 1};
    seq = report_id = 0;
    now_ns = START_NS;
    minute("1.10000");
    core_clear(&core);
    return 0;
}

static void holds(uint64_t id, uint32_t instrument, uint32_t side, const char *lots, const char *price)
{
    venue.positions[venue.position_count++] = (struct broker_position_view){
        .position = id, .instrument = instrument, .side = side, .qty = D(lots), .avg_price = D(price), .opened_ns = START_NS - M1_NS};
}

static void works(uint64_t intent, uint64_t position, uint32_t type, uint32_t side, const char *price)
{
    venue.orders[venue.order_count++] = (struct broker_order_view){
        .intent = intent, .venue_order = intent + 1000, .position = position, .instrument = 0, .side = side, .type = type,
        .qty = D("0.5"), .price = D(price)};
}

/* The bracket of a position that a life which is gone opened: buy 0.5 EURUSD, stop and target. */
static void holds_bracket(void)
{
    holds(43, 0, SIDE_BUY, "0.5", "1.09900");
    works(44, 43, ORDER_STOP, SIDE_SELL, "1.09500");
    works(45, 43, ORDER_LIMIT, SIDE_SELL, "1.10900");
}

static struct core_event word(enum core_command command, uint64_t position, const char *stop, const char *target)
{
    return (struct core_event){.kind = CORE_COMMAND,
                               .u.command = {.command = command, .user = "anna", .text = "a test", .request = "7-1",
                                             .number = position, .venue = &venue, .stop = stop ? D(stop) : 0,
                                             .target = target ? D(target) : 0}};
}

static void say(enum core_command command, uint64_t position, const char *stop, const char *target)
{
    struct core_event event = word(command, position, stop, target);
    const char *refused = core_command_refused(&core, &event);
    if (refused)
        fail_msg("refused: %s", refused);
    core_step(&core, &event);
}

static void assert_refused(enum core_command command, uint64_t position, const char *stop, const char *target, const char *why)
{
    struct core_event event = word(command, position, stop, target);
    const char *refused = core_command_refused(&core, &event);
    if (!refused || !strstr(refused, why))
        fail_msg("'%s', expected '%s'", refused ? refused : "(not refused)", why);
    static struct core before;
    memcpy(&before, &core, sizeof before);
    core_step(&core, &event); /* it is journalled, and nothing else */
    assert_memory_equal(before.positions, core.positions, sizeof core.positions);
    assert_memory_equal(before.orders, core.orders, sizeof core.orders);
    assert_true(before.account.balance == core.account.balance);
    assert_int_equal(core.account.jseq, before.account.jseq + 1);
    assert_int_equal(core.action_count, before.action_count);
}

static uint32_t differences(void)
{
    static struct core_difference list[CORE_DIFFERENCES_MAX];
    return core_compare(&core, &venue, list);
}

static enum core_difference_kind only_difference(void)
{
    struct core_difference list[CORE_DIFFERENCES_MAX];
    assert_int_equal(core_compare(&core, &venue, list), 1);
    return list[0].kind;
}

static void report(struct broker_report base)
{
    core_clear(&core);
    base.id = report_id = core.account.venue_report + 1;
    base.time_ns = now_ns;
    struct core_event event = {.kind = CORE_REPORT, .u.report = &base};
    core_step(&core, &event);
}

static const struct broker_request *request_of(enum broker_request_kind kind)
{
    for (uint32_t i = 0; i < core.action_count; i++)
        if (core.actions[i].kind == ACTION_BROKER && core.actions[i].u.request.kind == kind)
            return &core.actions[i].u.request;
    return NULL;
}

static const struct wire_report *told(uint32_t instrument)
{
    for (uint32_t i = 0; i < core.action_count; i++)
        if (core.actions[i].kind == ACTION_REPORT && core.actions[i].u.report.position.instrument == instrument)
            return &core.actions[i].u.report;
    return NULL;
}

static bool record_of(const char *kind, const void **data, size_t *size)
{
    for (uint32_t i = 0; i < core.record_count; i++) {
        char found[32];
        *data = core.bytes + core.records[i].offset;
        *size = core.records[i].size;
        assert_int_equal(journal_get_text(*data, *size, "k", found, sizeof found), 0);
        if (strcmp(found, kind) == 0)
            return true;
    }
    return false;
}

static bool alerted(const char *text)
{
    for (uint32_t i = 0; i < core.action_count; i++)
        if (core.actions[i].kind == ACTION_ALERT && strstr(core.actions[i].u.alert, text))
            return true;
    return false;
}

static struct core_position *find_position(uint64_t id)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core.positions[i].id == id)
            return &core.positions[i];
    return NULL;
}

static struct core_position *position_of(uint64_t id)
{
    struct core_position *position = find_position(id);
    must(position);
    return position;
}

static struct order *order_of(uint64_t intent)
{
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core.orders[i].intent == intent)
            return &core.orders[i];
    fail_msg("order %llu is missing", (unsigned long long)intent);
    abort();
}

/* --- comparing -------------------------------------------------------------------------------------------------- */

static void each_difference_is_named(void **state)
{
    (void)state;
    assert_int_equal(differences(), 0);
    holds_bracket();
    assert_int_equal(only_difference(), CORE_FOREIGN_POSITION);
    venue.position_count = venue.order_count = 0;
    works(50, 50, ORDER_MARKET, SIDE_BUY, "0");
    assert_int_equal(only_difference(), CORE_FOREIGN_ORDER);
    venue.order_count = 0;
    venue.account.balance = D("99999.99");
    assert_int_equal(only_difference(), CORE_OTHER_BALANCE);
    core.account.transfers_total = D("0.01"); /* the firm's transfers are not the venue's */
    assert_int_equal(differences(), 0);
    holds_bracket();
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    assert_int_equal(differences(), 0);
    venue.positions[0].qty = D("0.3");
    assert_int_equal(only_difference(), CORE_OTHER_POSITION);
    venue.position_count = 0;
    assert_int_equal(only_difference(), CORE_MISSING_POSITION);
}

/* --- adopt --------------------------------------------------------------------------------------------------------- */

static void adopting_takes_the_position_its_orders_and_the_balance(void **state)
{
    (void)state;
    holds_bracket();
    venue.account.balance = D("100250.5");
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    struct core_position *position = position_of(43);
    assert_true(position->qty == D("0.5") && position->avg_price == D("1.09900") && position->entry_qty == D("0.5"));
    assert_true(position->stop_price == D("1.09500") && position->take_price == D("1.10900"));
    assert_int_equal(position->stop_intent, 44);
    assert_int_equal(position->take_intent, 45);
    assert_int_equal(position->opened_ns, START_NS - M1_NS);
    assert_int_equal(position->proposal, 0);
    assert_int_equal(position->pattern, CORE_PATTERN_NONE);
    assert_int_equal(order_of(44)->state, ORDER_WORKING);
    assert_null(request_of(BROKER_REPLACE)); /* the venue's stop is at that price */
    assert_null(request_of(BROKER_CLOSE));
    /* risk at the operator's stop from the entry: 0.004 and the spread of 0.0001, 50000 units, one commission */
    assert_true(position->risk == D("0.0041") * 50000 + D("1.5"));
    assert_true(core.account.balance == D("100250.5") && core.account.realized_total == D("250.5"));
    assert_int_equal(differences(), 0);

    const void *data;
    size_t size;
    char text[64];
    dec_t value;
    uint64_t number;
    assert_true(record_of("command", &data, &size));
    assert_int_equal(journal_get_text(data, size, "command", text, sizeof text), 0);
    assert_string_equal(text, "adopt");
    assert_int_equal(journal_get_text(data, size, "user", text, sizeof text), 0);
    assert_string_equal(text, "anna");
    assert_int_equal(journal_get_text(data, size, "request", text, sizeof text), 0);
    assert_string_equal(text, "7-1");
    assert_int_equal(journal_get_text(data, size, "instrument", text, sizeof text), 0);
    assert_string_equal(text, "EURUSD");
    assert_int_equal(journal_get_u64(data, size, "position", &number), 0);
    assert_int_equal(number, 43);
    assert_int_equal(journal_get_dec(data, size, "qty", &value), 0);
    assert_true(value == D("0.5"));
    assert_int_equal(journal_get_dec(data, size, "balance_ours", &value), 0);
    assert_true(value == D("100000"));
    assert_int_equal(journal_get_dec(data, size, "balance_venue", &value), 0);
    assert_true(value == D("100250.5"));

    minute("1.10000");
    const struct wire_report *sent = told(0);
    must(sent);
    assert_int_equal(sent->position.side, SIDE_BUY);
    assert_true(sent->position.qty == D("0.5") && sent->position.risk > 0);
    assert_null(request_of(BROKER_CLOSE)); /* it is protected */
    assert_true(core.account.rules.lots_open == D("0.5"));
    assert_true(core.account.equity == D("100250.5") + D("0.001") * 50000);
}

static void another_stop_and_target_change_those_that_are_there(void **state)
{
    (void)state;
    holds_bracket();
    say(COMMAND_ADOPT, 43, "1.09300", "1.11100");
    const struct broker_request *request = request_of(BROKER_REPLACE);
    must(request);
    assert_int_equal(request->target_intent, 44);
    assert_true(request->price == D("1.09300"));
    assert_true(position_of(43)->stop_price == D("1.09500")); /* what the venue has, until it says otherwise */
    struct broker_request first = *request, again[8];
    assert_int_equal(core_unconfirmed(&core, again, 8), 2); /* asked again after a crash, word for word */
    assert_memory_equal(&again[0], &first, sizeof first);
    uint64_t target = again[1].intent;
    report((struct broker_report){.exec_type = EXEC_REPLACED, .intent = 44, .request_intent = first.intent, .position = 43,
                                  .side = SIDE_SELL, .qty = D("0.5"), .price = D("1.09300")});
    assert_true(position_of(43)->stop_price == D("1.09300"));
    report((struct broker_report){.exec_type = EXEC_CANCEL_REJECT, .intent = 45, .request_intent = target, .position = 43,
                                  .side = SIDE_SELL, .qty = D("0.5"), .price = D("1.10900"), .reason = BROKER_STOP_LEVEL});
    assert_true(position_of(43)->take_price == D("1.10900"));
    assert_true(alerted("the venue keeps its target at 1.109"));
    assert_int_equal(core_unconfirmed(&core, again, 8), 0);
    minute("1.10000");
    assert_null(request_of(BROKER_CLOSE));
}

static void without_a_stop_one_is_placed_at_once(void **state)
{
    (void)state;
    holds(43, 0, SIDE_SELL, "0.5", "1.09900");
    say(COMMAND_ADOPT, 43, "1.10500", NULL);
    const struct broker_request *request = request_of(BROKER_CLOSE);
    must(request);
    assert_int_equal(request->type, ORDER_STOP);
    assert_int_equal(request->side, SIDE_BUY);
    assert_int_equal(request->position, 43);
    assert_true(request->qty == D("0.5") && request->price == D("1.10500"));
    assert_false(core.actions[0].adds_risk); /* it leaves also when the store is full */
    struct broker_request first = *request, again[4];
    assert_int_equal(core_unconfirmed(&core, again, 4), 1);
    assert_memory_equal(&again[0], &first, sizeof first);
    /* instants without a quote of its instrument: the venue has had no chance */
    for (int i = 0; i < 3; i++) {
        core_clear(&core);
        now_ns += M1_NS;
        bar(1, "1.10000");
        end();
        assert_null(request_of(BROKER_CLOSE));
    }
    now_ns += M1_NS;
    bar(0, "1.10000");
    report((struct broker_report){.exec_type = EXEC_NEW, .intent = first.intent, .position = 43, .side = SIDE_BUY, .qty = D("0.5"),
                                  .price = D("1.10500")});
    end();
    assert_null(request_of(BROKER_CLOSE));
    minute("1.10000");
    assert_null(request_of(BROKER_CLOSE));
}

static void where_no_stop_can_be_placed_it_is_closed(void **state)
{
    (void)state;
    holds(43, 0, SIDE_BUY, "0.5", "1.09900");
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    uint64_t stop = position_of(43)->stop_intent;
    report((struct broker_report){.exec_type = EXEC_REJECTED, .intent = stop, .position = 43, .side = SIDE_SELL, .qty = D("0.5"),
                                  .reason = BROKER_STOP_LEVEL, .final = 1});
    assert_true(alerted("is gone: STOP_LEVEL"));
    minute("1.10000");
    const struct broker_request *request = request_of(BROKER_CLOSE);
    must(request);
    assert_int_equal(request->type, ORDER_MARKET);
    assert_int_equal(position_of(43)->exit, EXIT_UNPROTECTED);
    /* and one to which the venue says nothing, though it has seen quotes */
    setup(NULL);
    holds(43, 0, SIDE_BUY, "0.5", "1.09900");
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    minute("1.10000");
    assert_int_equal(position_of(43)->exit, EXIT_UNPROTECTED);
}

static void what_cannot_be_adopted_is_refused(void **state)
{
    (void)state;
    holds_bracket();
    assert_refused(COMMAND_ADOPT, 99, "1.09500", NULL, "holds no such position");
    assert_refused(COMMAND_ADOPT, 0, "1.09500", NULL, "holds no such position");
    assert_refused(COMMAND_ADOPT, 43, "1.10000", NULL, "stop is on the wrong side"); /* the bid itself */
    assert_refused(COMMAND_ADOPT, 43, "1.20000", NULL, "stop is on the wrong side");
    assert_refused(COMMAND_ADOPT, 43, NULL, NULL, "no price of the instrument");
    assert_refused(COMMAND_ADOPT, 43, "1.090001", NULL, "no price of the instrument");
    assert_refused(COMMAND_ADOPT, 43, "1.09500", "1.09999", "target is on the wrong side");
    assert_refused(COMMAND_ADOPT, 43, "1.09500", "1.100001", "target is no price");
    venue.positions[0].side = SIDE_SELL;
    assert_refused(COMMAND_ADOPT, 43, "1.10010", NULL, "stop is on the wrong side"); /* the ask itself */
    venue.positions[0].side = SIDE_BUY;
    struct core_event event = word(COMMAND_ADOPT, 43, "1.09500", NULL);
    event.u.command.text = "";
    assert_string_equal(core_command_refused(&core, &event), "a reason is needed");
    event.u.command.text = "x";
    event.u.command.venue = NULL;
    assert_string_equal(core_command_refused(&core, &event), "the venue has not been asked");
    works(50, 50, ORDER_MARKET, SIDE_BUY, "0");
    assert_refused(COMMAND_ADOPT, 50, "1.09500", NULL, "an order that is not filled");
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    assert_refused(COMMAND_ADOPT, 43, "1.09400", NULL, "in the book already");
    holds(60, 0, SIDE_BUY, "0.1", "1.09900");
    assert_refused(COMMAND_ADOPT, 60, "1.09500", NULL, "another position in that instrument");
    venue.positions[0].side = SIDE_SELL;
    assert_refused(COMMAND_ADOPT, 43, "1.10500", NULL, "on the other side");
}

static void a_description_that_is_none_is_not_used(void **state)
{
    (void)state;
    static const struct broker_position_view good = {.position = 43, .instrument = 0, .side = SIDE_BUY, .qty = DEC_ONE, .avg_price = DEC_ONE};
    struct broker_position_view bad[] = {good, good, good, good, good};
    bad[0].instrument = 3;
    bad[1].side = 0;
    bad[2].side = 77;
    bad[3].qty = -DEC_ONE;
    bad[4].avg_price = 0;
    venue.position_count = 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        venue.positions[0] = bad[i];
        assert_int_equal(only_difference(), CORE_FOREIGN_POSITION);
        assert_refused(COMMAND_ADOPT, 43, "1.09500", NULL, "close it at the venue");
        assert_refused(COMMAND_CLOSE_FOREIGN, 43, NULL, NULL, "close it at the venue");
    }
    venue.position_count = 0;
    holds_bracket();
    works(46, 43, ORDER_STOP, SIDE_SELL, "1.09000"); /* a second stop */
    assert_refused(COMMAND_ADOPT, 43, "1.09500", NULL, "close it at the venue");
    venue.orders[2] = venue.orders[0];
    venue.order_count = 3;
    venue.orders[2].type = ORDER_MARKET;
    venue.orders[2].intent = 46;
    venue.orders[2].instrument = 2; /* an order of it in another instrument */
    assert_refused(COMMAND_ADOPT, 43, "1.09500", NULL, "close it at the venue");
    venue.order_count = 2;
    venue.account.balance = DEC_MAX;
    core.account.transfers_total = DEC_ONE;
    assert_refused(COMMAND_ADOPT, 43, "1.09500", NULL, "no account has");
}

static void other_lots_are_taken_as_the_venue_has_them(void **state)
{
    (void)state;
    holds_bracket();
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    venue.positions[0].qty = D("0.2"); /* partly closed by hand */
    venue.orders[0].qty = venue.orders[1].qty = D("0.2");
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    assert_true(position_of(43)->qty == D("0.2") && position_of(43)->exit_qty == D("0.3"));
    assert_true(order_of(44)->qty == D("0.2"));
    assert_int_equal(differences(), 0);
    venue.positions[0].qty = D("0.9"); /* added to by hand */
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    assert_true(position_of(43)->qty == D("0.9"));
    assert_int_equal(differences(), 0);
    /* closed by its stop: what the rules count as open is nothing again */
    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = 44, .position = 43, .side = SIDE_SELL, .qty = D("0.9"),
                                  .cum_qty = D("0.9"), .last_qty = D("0.9"), .last_price = D("1.095"), .avg_price = D("1.095"),
                                  .exec_id = 9, .realized = -D("360"), .final = 1});
    assert_int_equal(core.trade_count, 1);
    assert_true(core.trades[0].qty == D("1.2") && core.trades[0].exit == EXIT_STOP);
    assert_true(core.account.rules.lots_open == 0);
}

/* --- close ----------------------------------------------------------------------------------------------------------- */

static void closing_a_foreign_position_makes_it_flat(void **state)
{
    (void)state;
    holds_bracket();
    say(COMMAND_CLOSE_FOREIGN, 43, NULL, NULL);
    const struct broker_request *request = request_of(BROKER_CLOSE);
    must(request);
    assert_int_equal(request->type, ORDER_MARKET);
    assert_int_equal(request->side, SIDE_SELL);
    assert_true(request->qty == D("0.5"));
    assert_int_equal(differences(), 0); /* in the book while it is being closed */
    uint64_t intent = request->intent;
    report((struct broker_report){.exec_type = EXEC_REJECTED, .intent = intent, .position = 43, .side = SIDE_SELL, .qty = D("0.5"),
                                  .reason = BROKER_MARKET_CLOSED, .final = 1});
    minute("1.10000"); /* asked again */
    request = request_of(BROKER_CLOSE);
    must(request);
    intent = request->intent;
    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = intent, .position = 43, .side = SIDE_SELL, .qty = D("0.5"),
                                  .cum_qty = D("0.5"), .last_qty = D("0.5"), .last_price = D("1.1"), .avg_price = D("1.1"),
                                  .exec_id = 9, .realized = D("50"), .final = 1});
    assert_int_equal(core.trade_count, 1);
    assert_int_equal(core.trades[0].exit, EXIT_OPERATOR);
    report((struct broker_report){.exec_type = EXEC_CANCELED, .intent = 44, .position = 43, .reason = BROKER_OCO, .qty = D("0.5"), .final = 1});
    report((struct broker_report){.exec_type = EXEC_CANCELED, .intent = 45, .position = 43, .reason = BROKER_OCO, .qty = D("0.5"), .final = 1});
    assert_null(find_position(43));
    assert_int_equal(core_working_orders(&core), 0);
    assert_false(alerted("not ours"));
}

/* What the coordinator is told of the one instrument: the larger side, the risk of both. */
static void closing_beside_a_position_of_ours_tells_the_coordinator_both(void **state)
{
    (void)state;
    struct wire_position list[WIRE_POSITIONS_MAX];
    holds(60, 0, SIDE_SELL, "2", "1.09900");
    say(COMMAND_CLOSE_FOREIGN, 60, NULL, NULL);
    assert_int_equal(core_wire_positions(&core, list, WIRE_POSITIONS_MAX), 1);
    dec_t risk = list[0].risk;
    setup(NULL);
    holds_bracket();
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    assert_int_equal(core_wire_positions(&core, list, WIRE_POSITIONS_MAX), 1);
    risk += list[0].risk;
    holds(60, 0, SIDE_SELL, "2", "1.09900");
    say(COMMAND_CLOSE_FOREIGN, 60, NULL, NULL);
    assert_int_equal(core_wire_positions(&core, list, WIRE_POSITIONS_MAX), 1); /* each instrument once */
    assert_int_equal(list[0].side, SIDE_SELL);
    assert_true(list[0].qty == D("2") && list[0].risk == risk);
    minute("1.10000");
    const struct wire_report *sent = told(0);
    must(sent);
    assert_true(sent->position.qty == D("2") && sent->position.risk > list[0].risk / 2);
}

static void of_two_in_an_instrument_one_is_closed_and_one_adopted(void **state)
{
    (void)state;
    holds_bracket();
    holds(60, 0, SIDE_BUY, "0.2", "1.09900");
    say(COMMAND_CLOSE_FOREIGN, 60, NULL, NULL);
    say(COMMAND_ADOPT, 43, "1.09500", NULL); /* one that is being closed takes no place */
    assert_int_equal(differences(), 0);
    assert_int_equal(core_open_positions(&core), 2);
}

static void an_entry_that_may_still_fill_is_cancelled(void **state)
{
    (void)state;
    works(50, 50, ORDER_MARKET, SIDE_BUY, "0");
    venue.orders[0].pending = 1;
    works(51, 50, ORDER_STOP, SIDE_SELL, "1.09500");
    venue.orders[1].pending = 1;
    say(COMMAND_CLOSE_FOREIGN, 50, NULL, NULL);
    const struct broker_request *request = request_of(BROKER_CANCEL);
    must(request);
    assert_int_equal(request->target_intent, 50);
    assert_null(request_of(BROKER_CLOSE));
    assert_int_equal(order_of(51)->state, ORDER_PENDING_NEW);
    assert_int_equal(differences(), 0);
    uint64_t cancel = request->intent;
    /* its fill wins the race: then it is closed */
    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = 50, .position = 50, .side = SIDE_BUY, .qty = D("0.5"),
                                  .cum_qty = D("0.5"), .last_qty = D("0.5"), .last_price = D("1.1"), .avg_price = D("1.1"),
                                  .exec_id = 9, .final = 1});
    report((struct broker_report){.exec_type = EXEC_NEW, .intent = 51, .position = 50, .side = SIDE_SELL, .qty = D("0.5"), .price = D("1.095")});
    report((struct broker_report){.exec_type = EXEC_CANCEL_REJECT, .intent = 50, .request_intent = cancel, .reason = BROKER_TOO_LATE});
    minute("1.10000");
    request = request_of(BROKER_CLOSE);
    must(request);
    assert_int_equal(request->position, 50);
    /* the cancel wins: nothing is left */
    setup(NULL);
    works(50, 50, ORDER_MARKET, SIDE_BUY, "0");
    venue.orders[0].pending = 1;
    say(COMMAND_CLOSE_FOREIGN, 50, NULL, NULL);
    report((struct broker_report){.exec_type = EXEC_CANCELED, .intent = 50, .position = 50, .qty = D("0.5"), .final = 1});
    assert_null(find_position(50));
    assert_int_equal(core_working_orders(&core), 0);
    assert_int_equal(core.trade_count, 0);
}

static void a_position_that_the_venue_does_not_have_is_ended(void **state)
{
    (void)state;
    holds_bracket();
    say(COMMAND_ADOPT, 43, "1.09500", NULL);
    minute("1.10000");
    core_clear(&core);
    venue.position_count = venue.order_count = 0;
    venue.account.balance = D("99700");
    assert_refused(COMMAND_CLOSE_FOREIGN, 99, NULL, NULL, "neither the venue nor the book");
    assert_refused(COMMAND_ADOPT, 43, "1.09500", NULL, "holds no such position");
    core_clear(&core);
    say(COMMAND_CLOSE_FOREIGN, 43, NULL, NULL);
    assert_null(request_of(BROKER_CLOSE));
    assert_null(find_position(43));
    assert_int_equal(core_working_orders(&core), 0);
    assert_int_equal(core.trade_count, 1);
    assert_int_equal(core.trades[0].exit, EXIT_VENUE);
    assert_true(core.trades[0].exit_price == 0 && core.trades[0].qty == D("0.5")); /* nobody told at what */
    assert_true(core.account.balance == D("99700"));
    assert_int_equal(differences(), 0);
    minute("1.10000");
    must(told(0));
    assert_int_equal(told(0)->position.side, 0);
}

/* What was missed counts against the account: the day's start is the higher balance, the loss is today's. */
static void a_corrected_balance_forgives_no_drawdown(void **state)
{
    (void)state;
    venue.account.balance = D("97000");
    say(COMMAND_BALANCE, 0, NULL, NULL);
    assert_true(core.account.balance == D("97000") && core.account.equity == D("97000"));
    assert_true(core.account.realized_total == -D("3000"));
    assert_true(core.account.rules.profit.today == -D("3000"));
    now_ns += 24 * 60 * M1_NS; /* over the boundary at once, as after days that were missed */
    minute("1.10000");
    assert_true(core.account.rules.days[0].balance == D("100000"));
    assert_true(core.account.rules.high_balance == D("100000"));
    assert_true(rules_floor_level(&core.account.rules, &config.programmes[0].rules, 0) == D("95000"));
    /* a gain makes the floors higher, also tomorrow's */
    venue.account.balance = D("104000");
    core_clear(&core);
    say(COMMAND_BALANCE, 0, NULL, NULL);
    assert_true(core.account.rules.high_balance == D("104000"));
    now_ns += 24 * 60 * M1_NS;
    minute("1.10000");
    assert_true(core.account.rules.days[0].balance == D("104000"));
    assert_refused(COMMAND_BALANCE, 0, NULL, NULL, "the venue's already");
}

/* --- an older copy of the store ------------------------------------------------------------------------------------------ */

static void an_older_copy_goes_on_where_its_venue_stands(void **state)
{
    (void)state;
    holds_bracket();
    say(COMMAND_ADOPT, 43, "1.09500", NULL); /* the copy: 43 is ours, a close of it is on its way */
    core_clear(&core);
    say(COMMAND_CLOSE_FOREIGN, 43, NULL, NULL);
    assert_int_not_equal(position_of(43)->close_intent, 0);
    /* an entry of the copy's on its way, of which the venue knows nothing any more */
    struct core_position *slot = position_of(0);
    *slot = (struct core_position){.id = 20, .instrument = 1, .side = SIDE_BUY, .entry_qty = DEC_ONE, .proposal = 5, .stop_intent = 21};
    struct order *order = order_of(0);
    *order = (struct order){.intent = 20, .position = 20, .role = ROLE_ENTRY, .state = ORDER_PENDING_NEW, .instrument = 1,
                            .side = SIDE_BUY, .type = ORDER_MARKET, .qty = DEC_ONE};
    order = order_of(0);
    *order = (struct order){.intent = 21, .position = 20, .role = ROLE_STOP, .state = ORDER_PENDING_NEW, .instrument = 1,
                            .side = SIDE_SELL, .type = ORDER_STOP, .qty = DEC_ONE, .price = DEC_ONE};
    core.account.venue_report = 28;
    venue.account.last_report = 500;
    works(9000, 9000, ORDER_MARKET, SIDE_BUY, "0"); /* of the life that is gone */
    core_clear(&core);
    now_ns += 100 * M1_NS;
    core.market.seq = seq += 10000; /* rebuilt from the bar history */
    core.market.quotes[0].time_ns = now_ns;
    core_behind(&core, &venue);
    assert_int_equal(core.account.cursor_seq, seq);
    assert_int_equal(core.account.cursor_ns, now_ns);
    assert_int_equal(core.account.venue_report, 500);
    assert_true(core.account.next_intent > 9000 && core.account.next_intent > 4 * 500);
    assert_null(find_position(20)); /* over: its permit is given back */
    assert_int_equal(position_of(43)->close_intent, 0); /* asked for again at the next END */
    assert_int_equal(position_of(43)->stop_intent, 44);
    assert_int_equal(core_working_orders(&core), 2);
    const void *data;
    size_t size;
    uint64_t number;
    assert_true(record_of("behind", &data, &size));
    assert_int_equal(journal_get_u64(data, size, "orders_over", &number), 0);
    assert_int_equal(number, 3);
    assert_int_equal(journal_get_u64(data, size, "report", &number), 0);
    assert_int_equal(number, 28);
    assert_true(alerted("472 reports behind"));
    assert_int_equal(only_difference(), CORE_FOREIGN_ORDER);
    venue.order_count--;
    assert_int_equal(differences(), 0);
    minute("1.10000");
    must(request_of(BROKER_CLOSE));
    must(told(1));
    assert_int_equal(told(1)->proposal, 5);
    /* a second copy of the same age: numbers never go back */
    uint64_t before = core.account.next_intent;
    venue.account.last_report = 501;
    core_behind(&core, &venue);
    assert_true(core.account.next_intent >= before);
    venue.account.last_report = UINT64_MAX; /* what no venue says */
    core_behind(&core, &venue);
    assert_true(core.account.next_intent < UINT64_C(4738381338321616896)); /* 36 ^ 12: fits an order's id */
}

/* --- the books agree when each difference has been answered ---------------------------------------------------------------- */

static uint64_t random_state;
static uint32_t draw(uint32_t below)
{
    random_state = hash_combine(random_state, 0x9e3779b97f4a7c15u);
    return (uint32_t)(random_state >> 33) % below;
}

static void random_venue(bool hostile)
{
    memset(&venue, 0, sizeof venue);
    venue.account.balance = (dec_t)draw(200000) * DEC_ONE;
    venue.account.last_report = draw(1000);
    uint32_t count = draw(6);
    for (uint32_t i = 0; i < count; i++) {
        holds(100 + 10 * i, draw(hostile ? 5 : 3), 1 + draw(hostile ? 4 : 2), "0.5", "1.1");
        venue.positions[i].qty = (dec_t)(1 + draw(9)) * D("0.1");
        uint32_t side = venue.positions[i].side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
        for (uint32_t k = 0; k < (hostile ? draw(5) : draw(3)); k++) {
            works(101 + 10 * i + k, 100 + 10 * i, hostile ? draw(5) : k == 0 ? ORDER_STOP : ORDER_LIMIT, side, k == 0 ? "1.0" : "1.2");
            venue.orders[venue.order_count - 1].instrument = venue.positions[i].instrument;
        }
    }
    if (draw(3) == 0) {
        works(900, 900, ORDER_MARKET, SIDE_BUY, "0");
        venue.orders[venue.order_count - 1].pending = draw(2);
    }
}

static void answer_everything(void)
{
    for (uint32_t tries = 0; tries < 8; tries++) {
        struct core_difference list[CORE_DIFFERENCES_MAX];
        uint32_t count = core_compare(&core, &venue, list);
        for (uint32_t i = 0; i < count; i++) {
            struct core_event close = word(COMMAND_CLOSE_FOREIGN, list[i].position, NULL, NULL);
            struct core_event adopt = word(COMMAND_ADOPT, list[i].position, "1.0", NULL);
            struct core_event balance = word(COMMAND_BALANCE, 0, NULL, NULL);
            const struct core_event *event = list[i].kind == CORE_OTHER_BALANCE ? &balance : tries < 4 && draw(2) ? &adopt : &close;
            core_step(&core, event); /* what is refused changes nothing */
            core_step(&core, event); /* twice is once */
            core_clear(&core);
        }
    }
}

static void the_books_agree_when_all_is_answered(void **state)
{
    (void)state;
    const char *given = getenv("CORE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu (CORE_SEED)\n", (unsigned long long)seed);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        setup(NULL);
        random_state = hash_combine(seed, round);
        for (uint32_t life = 0; life < 4; life++) { /* what the one before left is the book of the next */
            bool hostile = draw(4) == 0;
            random_venue(hostile);
            if (draw(2))
                core_behind(&core, &venue);
            core_clear(&core);
            answer_everything();
            for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
                if (core.orders[i].intent != 0)
                    assert_non_null(find_position(core.orders[i].position));
            if (!hostile && differences() != 0)
                fail_msg("round %u, life %u: %u differences are left", round, life, differences());
            assert_int_equal(core_check(&core), 0);
            minute("1.10000");
            if (hostile)
                setup(NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_difference_is_named, setup),
        cmocka_unit_test_setup(adopting_takes_the_position_its_orders_and_the_balance, setup),
        cmocka_unit_test_setup(another_stop_and_target_change_those_that_are_there, setup),
        cmocka_unit_test_setup(without_a_stop_one_is_placed_at_once, setup),
        cmocka_unit_test_setup(where_no_stop_can_be_placed_it_is_closed, setup),
        cmocka_unit_test_setup(what_cannot_be_adopted_is_refused, setup),
        cmocka_unit_test_setup(a_description_that_is_none_is_not_used, setup),
        cmocka_unit_test_setup(other_lots_are_taken_as_the_venue_has_them, setup),
        cmocka_unit_test_setup(closing_a_foreign_position_makes_it_flat, setup),
        cmocka_unit_test_setup(closing_beside_a_position_of_ours_tells_the_coordinator_both, setup),
        cmocka_unit_test_setup(of_two_in_an_instrument_one_is_closed_and_one_adopted, setup),
        cmocka_unit_test_setup(an_entry_that_may_still_fill_is_cancelled, setup),
        cmocka_unit_test_setup(a_position_that_the_venue_does_not_have_is_ended, setup),
        cmocka_unit_test_setup(a_corrected_balance_forgives_no_drawdown, setup),
        cmocka_unit_test_setup(an_older_copy_goes_on_where_its_venue_stands, setup),
        cmocka_unit_test_setup(the_books_agree_when_all_is_answered, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
