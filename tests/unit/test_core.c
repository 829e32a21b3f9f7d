/* The account core: from a market record to orders and back, without a process around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "workers/account/core.h"
#include "workers/account/core_parts.h"
#include "workers/account/journal.h"

#define H1_NS (INT64_C(3600) * 1000000000)
#define START_NS (INT64_C(1715558400) * 1000000000) /* Monday 2024-05-13 00:00 UTC */
#define NS_S INT64_C(1000000000)
#define D(text) dec(text)
/* As assert_non_null, and the compiler knows it too. */
#define must(p) do { if (!(p)) { fail_msg("%s is missing", #p); abort(); } } while (0)

static dec_t dec(const char *text)
{
    dec_t value;
    assert_int_equal(dec_parse(text, strlen(text), &value), 0);
    return value;
}

static struct fleet_config config;
static struct core core;
static uint64_t seq;
static int64_t now_ns;

static void make_config(void)
{
    memset(&config, 0, sizeof config);
    config.instrument_count = 2;
    config.account_count = config.programme_count = config.personality_count = config.zone_count = 1;
    for (uint32_t i = 0; i < 2; i++)
        config.instruments[i] = (struct config_instrument){
            .tick = D("0.00001"), .contract_size = D("100000"), .lot_min = D("0.01"), .lot_step = D("0.01"), .lot_max = D("50"),
            .commission_per_lot = D("3"), .margin_rate = D("0.01"), .catastrophic_move = D("0.05"), .level_size_lots = D("20"),
            .conversion_instrument = CONFIG_NONE, .active = true,
        };
    strcpy(config.instruments[0].symbol, "EURUSD");
    strcpy(config.instruments[1].symbol, "GBPUSD");
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
        .time_stop_ns = 10 * H1_NS, .risk_fraction = D("0.0025"), .risk_cap = D("0.01"), .margin_per_position = DEC_ONE,
        .margin_total = DEC_ONE, .open_risk_max = D("0.05"), .day_risk_share = DEC_ONE, .positions_max = 1, .instruments = 3,
    };
    strcpy(config.accounts[0].name, "alba");
    config.accounts[0].initial_balance = D("100000");
    strcpy(config.accounts[0].currency, "USD");
}

static void step_market(const struct market_record *record)
{
    struct core_event event = {.kind = CORE_MARKET, .u.market = record};
    core_step(&core, &event);
}

/* One H1 bar of an instrument around `close`, then its END. Output is left for the caller to look at. */
static void bar(uint32_t instrument, const char *low, const char *high, const char *close)
{
    core_clear(&core);
    now_ns += H1_NS;
    struct market_record record = {
        .seq = ++seq, .time_ns = now_ns, .kind = MARKET_BAR, .timeframe = TIMEFRAME_H1, .instrument = (uint8_t)instrument,
        .flags = MARKET_BASE, .spread_ticks = 10, .u.bar = {D(close), D(high), D(low), D(close), D("100")},
    };
    step_market(&record);
    if (core_open_positions(&core) == 0)
        assert_int_equal(core.record_count, 0); /* only the guard acts before the END */
    struct market_record end = {.seq = ++seq, .time_ns = now_ns, .kind = MARKET_END};
    step_market(&end);
}

static void quiet_bars(uint32_t instrument, int count)
{
    for (int i = 0; i < count; i++)
        bar(instrument, "1.0990", "1.1010", "1.1000");
}

static const struct core_action *action_of(enum core_action_kind kind)
{
    for (uint32_t i = 0; i < core.action_count; i++)
        if (core.actions[i].kind == kind)
            return &core.actions[i];
    return NULL;
}

static bool record_of(const char *kind, uint32_t *index)
{
    for (uint32_t i = 0; i < core.record_count; i++) {
        char found[32];
        const struct core_record *record = &core.records[i];
        assert_int_equal(journal_get_text(core.bytes + record->offset, record->size, "k", found, sizeof found), 0);
        if (strcmp(found, kind) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static int setup(void **state)
{
    (void)state;
    make_config();
    core_init(&core, &config, 0);
    seq = 0;
    now_ns = START_NS;
    return 0;
}

/* A breakout, its proposal. */
static struct wire_proposal propose(void)
{
    quiet_bars(0, 8);
    bar(0, "1.1000", "1.1060", "1.1055");
    const struct core_action *action = action_of(ACTION_PROPOSE);
    must(action);
    return action->u.proposal;
}

static struct broker_request answer(const struct wire_proposal *proposal, dec_t qty)
{
    core_clear(&core);
    struct wire_answer reply = {.jseq = proposal->jseq, .instant_ns = proposal->instant_ns, .qty = qty,
                                .valid_until_ns = now_ns + H1_NS, .decision = 7,
                                .refusal = qty > 0 ? REFUSAL_NONE : REFUSAL_JOINT_RISK};
    struct core_event event = {.kind = CORE_ANSWER, .u.answer = &reply};
    core_step(&core, &event);
    const struct core_action *action = action_of(ACTION_BROKER);
    return action ? action->u.request : (struct broker_request){.intent = 0};
}

static uint64_t report_id;
static void report(struct broker_report base)
{
    core_clear(&core);
    base.id = ++report_id;
    base.time_ns = now_ns;
    struct core_event event = {.kind = CORE_REPORT, .u.report = &base};
    core_step(&core, &event);
}

/* The venue accepts and fills the entry and arms its protection. */
static struct broker_request open_position(void)
{
    report_id = 0;
    struct wire_proposal proposal = propose();
    struct broker_request entry = answer(&proposal, proposal.qty);
    report((struct broker_report){.exec_type = EXEC_NEW, .intent = entry.intent, .position = entry.intent, .side = SIDE_BUY, .qty = entry.qty});
    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = entry.intent, .position = entry.intent, .side = SIDE_BUY,
                                  .qty = entry.qty, .cum_qty = entry.qty, .last_qty = entry.qty, .last_price = D("1.10560"),
                                  .avg_price = D("1.10560"), .exec_id = 1, .commission = -D("1.5"), .final = 1});
    report((struct broker_report){.exec_type = EXEC_NEW, .intent = entry.stop_intent, .position = entry.intent, .side = SIDE_SELL,
                                  .qty = entry.qty, .price = entry.stop_price});
    report((struct broker_report){.exec_type = EXEC_NEW, .intent = entry.take_intent, .position = entry.intent, .side = SIDE_SELL,
                                  .qty = entry.qty, .price = entry.take_price});
    return entry;
}

static void test_signal_becomes_a_proposal_at_the_end(void **state)
{
    (void)state;
    struct wire_proposal proposal = propose();
    uint32_t index;
    assert_true(record_of("signal", &index));
    assert_true(record_of("propose", &index));
    assert_int_equal(core.records[index].jseq, proposal.jseq);
    assert_int_equal(proposal.side, SIDE_BUY);
    assert_true(proposal.entry_price == D("1.10560")); /* the ask: close and ten points */
    assert_true(proposal.stop_price < proposal.entry_price);
    /* risk: at most a quarter per cent of 100,000, at least that less one lot step */
    assert_true(proposal.risk <= D("250"));
    dec_t per_lot = core.account.last_size.loss_per_lot, step;
    assert_int_equal(dec_mul(per_lot, D("0.01"), DEC_ROUND_CEIL, &step), 0);
    assert_true(proposal.risk + step > D("250"));
    assert_int_equal(core.account.sent_jseq, proposal.jseq);
    assert_int_equal(core.account.end_ns, now_ns);
}

static void test_refused_proposal_places_nothing(void **state)
{
    (void)state;
    struct wire_proposal proposal = propose();
    struct broker_request request = answer(&proposal, 0);
    assert_int_equal(request.intent, 0);
    assert_int_equal(core_working_orders(&core), 0);
    assert_int_equal(core.account.refusals[REFUSAL_JOINT_RISK], 1);
    assert_int_equal(core.account.pending_report_count, 0);
}

static void test_expired_permit_is_given_back(void **state)
{
    (void)state;
    struct wire_proposal proposal = propose();
    core_clear(&core);
    struct wire_answer reply = {.jseq = proposal.jseq, .qty = proposal.qty, .valid_until_ns = now_ns - 1};
    struct core_event event = {.kind = CORE_ANSWER, .u.answer = &reply};
    core_step(&core, &event);
    assert_null(action_of(ACTION_BROKER));
    assert_int_equal(core.account.refusals[REFUSAL_PERMIT_EXPIRED], 1);
    quiet_bars(1, 1);
    const struct core_action *action = action_of(ACTION_REPORT);
    must(action);
    assert_int_equal(action->u.report.proposal, proposal.jseq);
    assert_true(action->u.report.reserved_qty == 0);
}

static void test_answer_for_more_than_asked_is_no_permit(void **state)
{
    (void)state;
    struct wire_proposal proposal = propose();
    struct broker_request request = answer(&proposal, proposal.qty + D("0.01"));
    assert_int_equal(request.intent, 0);
    assert_int_equal(core.account.refusals[REFUSAL_NO_PERMIT], 1);
}

static void test_entry_carries_its_protection(void **state)
{
    (void)state;
    struct wire_proposal proposal = propose();
    struct broker_request request = answer(&proposal, proposal.qty);
    assert_int_equal(request.kind, BROKER_PLACE);
    assert_true(request.qty == proposal.qty);
    assert_true(request.stop_price == proposal.stop_price);
    assert_true(request.take_price > proposal.entry_price);
    assert_true(request.intent != request.stop_intent && request.stop_intent != request.take_intent);
    assert_int_equal(core_working_orders(&core), 3);
    /* a repeat of the answer does nothing */
    struct broker_request again = answer(&proposal, proposal.qty);
    assert_int_equal(again.intent, 0);
    assert_int_equal(core_working_orders(&core), 3);
    /* and it is asked again after a crash, word for word */
    struct broker_request resend[8];
    assert_int_equal(core_unconfirmed(&core, resend, 8), 1);
    assert_memory_equal(&resend[0], &request, sizeof request);
}

static void test_fill_then_stop_makes_a_trade(void **state)
{
    (void)state;
    struct broker_request entry = open_position();
    assert_int_equal(core_open_positions(&core), 1);
    assert_int_equal(core.account.entries_filled, 1);
    quiet_bars(1, 1);
    const struct core_action *told = action_of(ACTION_REPORT);
    must(told);
    assert_true(told->u.report.position.qty == entry.qty);
    assert_int_equal(told->u.report.position.side, SIDE_BUY);
    assert_true(told->u.report.position.risk > 0 && told->u.report.position.risk < D("260"));

    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = entry.stop_intent, .position = entry.intent, .side = SIDE_SELL,
                                  .qty = entry.qty, .cum_qty = entry.qty, .last_qty = entry.qty, .last_price = entry.stop_price,
                                  .avg_price = entry.stop_price, .exec_id = 2, .realized = -D("240"), .commission = -D("1.5"), .final = 1});
    assert_int_equal(core.trade_count, 1);
    assert_int_equal(core.trades[0].exit, EXIT_STOP);
    assert_true(core.trades[0].exit_price == entry.stop_price);
    assert_true(core.account.balance == D("100000") - D("243"));
    report((struct broker_report){.exec_type = EXEC_CANCELED, .reason = BROKER_OCO, .intent = entry.take_intent, .position = entry.intent,
                                  .side = SIDE_SELL, .qty = entry.qty, .final = 1});
    assert_int_equal(core_working_orders(&core), 0);
    quiet_bars(1, 1);
    told = action_of(ACTION_REPORT);
    must(told);
    assert_int_equal(told->u.report.position.side, 0);
}

static void test_rejected_entry_releases_everything(void **state)
{
    (void)state;
    report_id = 0;
    struct wire_proposal proposal = propose();
    struct broker_request entry = answer(&proposal, proposal.qty);
    uint64_t intents[] = {entry.intent, entry.stop_intent, entry.take_intent};
    for (int i = 0; i < 3; i++)
        report((struct broker_report){.exec_type = i == 0 ? EXEC_REJECTED : EXEC_CANCELED, .reason = BROKER_OFF_QUOTES,
                                      .intent = intents[i], .position = entry.intent, .qty = entry.qty, .final = 1});
    assert_int_equal(core_working_orders(&core), 0);
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        assert_int_equal(core.positions[i].id, 0);
    quiet_bars(1, 1);
    const struct core_action *told = action_of(ACTION_REPORT);
    must(told);
    assert_int_equal(told->u.report.proposal, proposal.jseq);
    assert_true(told->u.report.reserved_qty == 0 && told->u.report.position.side == 0);
}

static void test_time_stop_closes_and_asks_again_when_refused(void **state)
{
    (void)state;
    struct broker_request entry = open_position();
    const struct core_action *close = NULL;
    int bars = 0;
    while (!close && bars++ < 12) {
        quiet_bars(1, 1);
        close = action_of(ACTION_BROKER);
    }
    must(close);
    assert_int_equal(bars, 10); /* time_stop_ns */
    assert_int_equal(close->u.request.kind, BROKER_CLOSE);
    assert_true(close->u.request.qty == entry.qty && close->u.request.position == entry.intent);
    uint64_t first = close->u.request.intent;
    quiet_bars(1, 1);
    assert_null(action_of(ACTION_BROKER)); /* one at a time */
    report((struct broker_report){.exec_type = EXEC_REJECTED, .reason = BROKER_OFF_QUOTES, .intent = first, .position = entry.intent,
                                  .side = SIDE_SELL, .qty = entry.qty, .final = 1});
    quiet_bars(1, 1);
    assert_null(action_of(ACTION_BROKER)); /* no newer quote of the instrument: its market may be closed */
    quiet_bars(0, 1);
    close = action_of(ACTION_BROKER);
    must(close);
    assert_true(close->u.request.intent != first);
    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = close->u.request.intent, .position = entry.intent, .side = SIDE_SELL,
                                  .qty = entry.qty, .cum_qty = entry.qty, .last_qty = entry.qty, .last_price = D("1.10000"),
                                  .avg_price = D("1.10000"), .exec_id = 3, .realized = -D("100"), .final = 1});
    assert_int_equal(core.trades[0].exit, EXIT_TIME);
}

static void test_position_without_a_working_stop_is_closed(void **state)
{
    (void)state;
    report_id = 0;
    struct wire_proposal proposal = propose();
    struct broker_request entry = answer(&proposal, proposal.qty);
    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = entry.intent, .position = entry.intent, .side = SIDE_BUY,
                                  .qty = entry.qty, .cum_qty = entry.qty, .last_qty = entry.qty, .last_price = D("1.10560"),
                                  .avg_price = D("1.10560"), .exec_id = 1, .final = 1});
    quiet_bars(1, 1);
    const struct core_action *close = action_of(ACTION_BROKER);
    must(close);
    assert_int_equal(close->u.request.kind, BROKER_CLOSE);
    must(action_of(ACTION_ALERT));
}

static void test_daily_loss_flattens_and_stops_entries(void **state)
{
    (void)state;
    struct broker_request entry = open_position();
    /* 0.25 % at two ATR: a fall of forty times that is beyond 5 % */
    bar(0, "0.9000", "1.1000", "0.9000");
    uint32_t index;
    assert_true(record_of("breach", &index) || record_of("guard", &index));
    const struct core_action *close = action_of(ACTION_BROKER);
    must(close);
    assert_int_equal(close->u.request.kind, BROKER_CLOSE);
    assert_true(close->u.request.qty == entry.qty);
    assert_int_not_equal(core_refusal(&core), REFUSAL_NONE);
    assert_int_not_equal(core_state(&core), ACCOUNT_ACTIVE);
}

/* --- the firm's rules -------------------------------------------------------------------------------- */

static struct market_record falling(const char *close)
{
    now_ns += H1_NS;
    return (struct market_record){
        .seq = ++seq, .time_ns = now_ns, .kind = MARKET_BAR, .timeframe = TIMEFRAME_H1, .instrument = 0, .flags = MARKET_BASE,
        .spread_ticks = 10, .u.bar = {D("1.1000"), D("1.1000"), D(close), D(close), D("100")},
    };
}

static void closed(const struct broker_request *close, const char *price, const char *realized)
{
    report((struct broker_report){.exec_type = EXEC_TRADE, .intent = close->intent, .position = close->position, .side = SIDE_SELL,
                                  .qty = close->qty, .cum_qty = close->qty, .last_qty = close->qty, .last_price = D(price),
                                  .avg_price = D(price), .exec_id = 2, .realized = D(realized), .final = 1});
}

static void cancelled(uint64_t intent)
{
    report((struct broker_report){.exec_type = EXEC_CANCELED, .intent = intent, .reason = BROKER_OCO, .final = 1});
}

static void test_guard_acts_on_the_record_and_locks_until_the_boundary(void **state)
{
    (void)state;
    struct broker_request entry = open_position();
    core_clear(&core);
    dec_t lots = entry.qty;
    config.programmes[0].rules.floors[0].allowance = (struct rules_amount){.kind = RULES_ABS, .value = D("300")};
    core_clear(&core);
    /* The floor is 300 away, the buffer 100 and slippage: a loss of 250 is beyond the guard's line, not beyond the firm's. */
    dec_t move;
    char price[DEC_STR_MAX];
    assert_int_equal(dec_div(D("0.0025"), lots, DEC_ROUND_DOWN, &move), 0);
    dec_format(D("1.1056") - move, 5, price);
    struct market_record record = falling(price);
    step_market(&record);
    assert_int_equal(core.account.rules.guard, RULES_GUARD_FLATTEN);
    assert_int_equal(core.account.rules.latches[0].latch, RULES_LATCH_NONE);
    const struct core_action *action = action_of(ACTION_BROKER);
    must(action);
    struct broker_request close = action->u.request;
    assert_int_equal(close.kind, BROKER_CLOSE);
    assert_int_equal(close.qty, lots);
    assert_int_equal(core_refusal(&core), REFUSAL_DAILY_LOSS);
    closed(&close, price, "-250");
    cancelled(entry.stop_intent);
    cancelled(entry.take_intent);
    assert_int_equal(core_open_positions(&core), 0);
    bar(0, "1.0410", "1.0430", "1.0420");
    assert_int_equal(core.account.rules.guard, RULES_GUARD_LOCKED);
    assert_int_equal(core_refusal(&core), REFUSAL_DAILY_LOSS);
    int64_t until = core.account.rules.guard_until_ns;
    assert_int_equal(until, core.account.rules.days[0].end_ns);
    while (now_ns + H1_NS < until)
        bar(0, "1.0410", "1.0430", "1.0420");
    assert_int_equal(core.account.rules.guard, RULES_GUARD_LOCKED);
    bar(0, "1.0410", "1.0430", "1.0420");
    assert_int_equal(core.account.rules.guard, RULES_GUARD_NORMAL);
    assert_int_equal(core_refusal(&core), REFUSAL_NONE);
}

static void test_gate_makes_a_size_smaller(void **state)
{
    (void)state;
    struct rules_set *rules = &config.programmes[0].rules;
    rules->exposure_count = 1;
    rules->exposures[0] = (struct rules_exposure){.head.id = "lots", .counted = RULES_LOTS_OPEN, .instruments = 3,
                                                  .limit = {.kind = RULES_ABS, .value = D("0.17")}, .weight = {DEC_ONE, DEC_ONE}};
    struct wire_proposal proposal = propose();
    assert_int_equal(proposal.qty, D("0.17"));
    uint32_t index;
    assert_true(record_of("gate", &index));
    const struct core_record *record = &core.records[index];
    dec_t q_max;
    assert_int_equal(journal_get_dec(core.bytes + record->offset, record->size, "q_max", &q_max), 0);
    assert_int_equal(q_max, D("0.17"));
    char text[96];
    assert_int_equal(journal_get_text(core.bytes + record->offset, record->size, "P3.0 lots", text, sizeof text), 0);
    assert_string_equal(text, "0.17 <= 0.17, at most 0.17");
}

static void test_gate_refuses_in_a_window(void **state)
{
    (void)state;
    struct rules_set *rules = &config.programmes[0].rules;
    rules->window_count = 1;
    rules->windows[0] = (struct rules_window){.head.id = "morning", .kind = RULES_DAILY_SPAN, .forbids = RULES_OPEN, .instruments = 3,
                                              .from_s = 6 * 3600, .to_s = 12 * 3600};
    quiet_bars(0, 8);
    bar(0, "1.1000", "1.1060", "1.1055"); /* 09:00 */
    assert_null(action_of(ACTION_PROPOSE));
    assert_int_equal(core.account.refusals[REFUSAL_TIME_WINDOW], 1);
    uint32_t index;
    assert_true(record_of("gate", &index));
    assert_true(record_of("refused", &index));
}

/* --- why an entry would be refused before there is one --- */

static struct rules_window *add_window(struct rules_window window)
{
    struct rules_set *rules = &config.programmes[0].rules;
    rules->windows[rules->window_count] = window;
    return &rules->windows[rules->window_count++];
}

static void expect_windows(uint32_t count, const char *expected)
{
    char text[512];
    memset(text, 'x', sizeof text);
    assert_int_equal(core_windows_text(&core, text, sizeof text), count);
    assert_string_equal(text, expected);
}

static void test_why_names_the_window_that_is_shut(void **state)
{
    (void)state;
    quiet_bars(0, 8); /* 08:00 */
    expect_windows(0, "");
    struct rules_window *morning = add_window((struct rules_window){.head.id = "morning", .kind = RULES_DAILY_SPAN, .forbids = RULES_OPEN,
                                              .instruments = 3, .from_s = 6 * 3600, .to_s = 12 * 3600});
    expect_windows(2, "time window morning is shut for EURUSD, GBPUSD; it opens after 2024-05-13 12:00:00 UTC\n");
    morning->instruments = 2;
    expect_windows(1, "time window morning is shut for GBPUSD; it opens after 2024-05-13 12:00:00 UTC\n");
    config.personalities[0].instruments = 1; /* what it does not trade is not asked */
    expect_windows(0, "");
    config.personalities[0].instruments = 3;
    morning->instruments = 3;
    morning->forbids = RULES_CLOSE;
    expect_windows(0, "");
    morning->forbids = RULES_HOLD; /* nor may anything be held in it */
    expect_windows(2, "time window morning is shut for EURUSD, GBPUSD; it opens after 2024-05-13 12:00:00 UTC\n");
    morning->forbids = RULES_OPEN;
    add_window((struct rules_window){.head.id = "noon", .kind = RULES_DAILY_SPAN, .forbids = RULES_OPEN, .instruments = 1,
                                     .from_s = 7 * 3600, .to_s = 13 * 3600});
    expect_windows(2, "time window noon is shut for EURUSD; it opens after 2024-05-13 13:00:00 UTC\n"
                      "time window morning is shut for GBPUSD; it opens after 2024-05-13 12:00:00 UTC\n");
    for (uint32_t i = 0; i < 2; i++) { /* and the gate says the same */
        struct signal signal = {.instrument = i, .side = SIDE_BUY, .stop_distance = D("0.0020")};
        struct rules_answer answer;
        core.market.quotes[i] = core.market.quotes[0];
        assert_true(core_gate_entry(&core, &signal, 0, NULL, D("0.1"), &answer));
        assert_int_equal(core_rule_refusal(&core, &answer), REFUSAL_TIME_WINDOW);
    }
    char little[24];
    assert_int_equal(core_windows_text(&core, little, sizeof little), 2);
    assert_int_equal(strlen(little), sizeof little - 1);
}

static void test_why_knows_the_way_out_of_a_window(void **state)
{
    (void)state;
    quiet_bars(0, 8);
    add_window((struct rules_window){.head.id = "flat-by", .kind = RULES_DAILY_SPAN, .forbids = RULES_HOLD, .instruments = 1, .lead_s = 1800,
                                     .from_s = 8 * 3600 + 1800, .to_s = 9 * 3600});
    expect_windows(1, "time window flat-by is shut for EURUSD; it opens after 2024-05-13 09:00:00 UTC\n");
    config.programmes[0].rules.windows[0].lead_s--;
    expect_windows(0, "");
}

static void test_why_without_a_calendar(void **state)
{
    (void)state;
    quiet_bars(0, 8);
    struct rules_window *news = add_window((struct rules_window){.head.id = "news", .kind = RULES_NEWS, .forbids = RULES_OPEN | RULES_CLOSE,
                                           .instruments = 3, .before_s = 120, .after_s = 300});
    const char *unknown = "time window news is shut for EURUSD, GBPUSD; when it opens is not known: the calendar does not say what news "
                          "there are\n";
    core.has_news = false;
    expect_windows(2, unknown);
    struct rules_event event = {.time_ns = now_ns + 60 * NS_S, .instruments = 1, .importance = 2};
    core.has_news = true;
    core.news = (struct rules_calendar){.events = &event, .count = 1, .valid_from_ns = now_ns + 3600 * NS_S,
                                        .valid_to_ns = now_ns + 86400 * NS_S};
    news->importance = 3;
    expect_windows(2, "time window news is shut for EURUSD, GBPUSD; it opens after 2024-05-13 09:05:00 UTC\n");
    core.news.valid_from_ns = START_NS - 86400 * NS_S;
    expect_windows(0, "");
    news->importance = 2;
    expect_windows(1, "time window news is shut for EURUSD; it opens after 2024-05-13 08:06:00 UTC\n");
    core.news.valid_to_ns = now_ns; /* it is over */
    news->importance = 3;
    expect_windows(2, unknown);
    news->kind = RULES_PAYOUT_PENDING;
    expect_windows(0, "");
    core.account.rules.payout_pending = 1;
    expect_windows(2, "time window news is shut for EURUSD, GBPUSD; when it opens is not known: a payout is pending\n");
}

/* Half of the target's 3000, less a cent, in one day: enough for that day. */
static void shape_best_day(void)
{
    config.programmes[0].rules.shape = (struct rules_shape){
        .head.id = "shape", .target = {.kind = RULES_ABS, .value = D("3000")}, .has_best_day = true, .best_day_strict = true,
        .best_day_max = D("0.5")};
}

static void test_best_day_closes_entries_for_the_day(void **state)
{
    (void)state;
    shape_best_day();
    quiet_bars(0, 8);
    core.account.rules.profit.today = D("1499.98");
    assert_int_equal(core_refusal(&core), REFUSAL_NONE);
    core.account.rules.profit.today = D("1499.99");
    assert_int_equal(core_refusal(&core), REFUSAL_PROFIT_SHAPE);
    bar(0, "1.1000", "1.1060", "1.1055");
    assert_null(action_of(ACTION_PROPOSE));
    assert_int_equal(core.account.refusals[REFUSAL_PROFIT_SHAPE], 1);
    uint32_t index;
    char text[64];
    dec_t value;
    assert_true(record_of("refused", &index));
    const struct core_record *record = &core.records[index];
    assert_int_equal(journal_get_text(core.bytes + record->offset, record->size, "refusal", text, sizeof text), 0);
    assert_string_equal(text, "PROFIT_SHAPE");
    assert_int_equal(journal_get_dec(core.bytes + record->offset, record->size, "today_at_targets", &value), 0);
    assert_true(value == D("1499.99"));
    assert_int_equal(journal_get_dec(core.bytes + record->offset, record->size, "day_closes_at", &value), 0);
    assert_true(value == D("1499.99"));
    while (now_ns < START_NS + 24 * H1_NS) /* the firm's day ends */
        quiet_bars(1, 1);
    assert_true(core.account.rules.profit.today == 0 && core.account.rules.profit.best == D("1499.99"));
    assert_int_equal(core_refusal(&core), REFUSAL_NONE);
}

static void test_best_day_counts_the_open_book_at_its_targets(void **state)
{
    (void)state;
    shape_best_day();
    struct broker_request entry = open_position();
    const struct core_position *position = &core.positions[0];
    assert_true(position->id == entry.intent && position->take_price > 0);
    dec_t today, cap, at_target = core_floating(&core, position, position->take_price);
    assert_false(core_day_capped(&core, &today, &cap));
    assert_true(today >= at_target && today < at_target + D("1") && cap == D("1499.99"));
    core.account.rules.profit.today = cap - today;
    assert_int_equal(core_refusal(&core), REFUSAL_PROFIT_SHAPE);
    core.account.rules.profit.today -= D("0.01");
    assert_int_equal(core_refusal(&core), REFUSAL_NONE);
    core.positions[0].take_price = 0; /* without a target: what it has now, and nothing while it loses */
    assert_false(core_day_capped(&core, &today, &cap));
    assert_true(today == core.account.rules.profit.today);
}

static void test_gate_asks_again_before_the_order(void **state)
{
    (void)state;
    struct wire_proposal proposal = propose();
    core.account.rules.payout_pending = 1;
    config.programmes[0].rules.life.payout_freeze = true;
    struct broker_request request = answer(&proposal, proposal.qty);
    assert_int_equal(request.intent, 0);
    assert_int_equal(core.account.refusals[REFUSAL_LIFECYCLE], 1);
}

static void test_voluntary_close_waits_for_the_hold_time(void **state)
{
    (void)state;
    struct rules_set *rules = &config.programmes[0].rules;
    (void)open_position();
    rules->hold_count = 1;
    rules->holds[0] = (struct rules_hold){.head.id = "hold", .kind = RULES_MIN_HOLD, .tau_s = 12 * 3600};
    for (int i = 0; i < 11; i++) {
        bar(0, "1.1050", "1.1060", "1.1055");
        assert_null(action_of(ACTION_BROKER));
    }
    bar(0, "1.1050", "1.1060", "1.1055");
    const struct core_action *action = action_of(ACTION_BROKER);
    must(action);
    assert_int_equal(action->u.request.kind, BROKER_CLOSE);
}

static void test_flattening_in_slices(void **state)
{
    (void)state;
    struct broker_request entry = open_position();
    config.instruments[0].lot_max = D("0.2"); /* the venue's band has become narrower */
    struct core_event event = {.kind = CORE_COMMAND, .u.command = {.command = COMMAND_FLATTEN, .user = "test"}};
    core_clear(&core);
    core_step(&core, &event);
    dec_t left = entry.qty;
    for (int i = 0; left > 0; i++) {
        assert_true(i < 50);
        const struct core_action *action = action_of(ACTION_BROKER);
        must(action);
        struct broker_request close = action->u.request;
        assert_int_equal(close.qty, left < D("0.2") ? left : D("0.2"));
        left -= close.qty;
        report((struct broker_report){.exec_type = EXEC_TRADE, .intent = close.intent, .position = close.position, .side = SIDE_SELL,
                                      .qty = close.qty, .cum_qty = close.qty, .last_qty = close.qty, .last_price = D("1.1"),
                                      .avg_price = D("1.1"), .exec_id = (uint64_t)i + 2, .final = 1});
        bar(0, "1.1050", "1.1060", "1.1055");
    }
    assert_int_equal(core.account.trades, 1);
}

/* A hundred days of seeded bars: proposals granted and filled, stops and targets hit. Every action goes into one hash. */
static uint64_t walk(const char *name, uint32_t *orders)
{
    make_config();
    memset(config.accounts[0].name, 0, sizeof config.accounts[0].name);
    strcpy(config.accounts[0].name, name);
    config.accounts[0].digest = name[0]; /* whatever names an account */
    core_init(&core, &config, 0);
    seq = 0;
    now_ns = START_NS;
    report_id = 0;
    uint64_t seed = 7, hash = 0, exec_id = 0;
    dec_t price = D("1.1");
    *orders = 0;
    for (int i = 0; i < 2400; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        dec_t move = (dec_t)(seed >> 40) % 60000 - 30000 + (i / 40 % 2 ? 9000 : -9000), low = price - 40000, high = price + 40000;
        price += move;
        char texts[3][DEC_STR_MAX];
        dec_format(dec_min(low, price), 5, texts[0]);
        dec_format(dec_max(high, price), 5, texts[1]);
        dec_format(price, 5, texts[2]);
        bar(0, texts[0], texts[1], texts[2]);
        struct core_action actions[CORE_ACTIONS_MAX];
        uint32_t count = core.action_count;
        memcpy(actions, core.actions, count * sizeof actions[0]);
        for (uint32_t a = 0; a < count; a++) {
            hash = hash_bytes(&actions[a], sizeof actions[a], hash);
            struct broker_request request = {.intent = 0};
            if (actions[a].kind == ACTION_PROPOSE)
                request = answer(&actions[a].u.proposal, actions[a].u.proposal.qty);
            else if (actions[a].kind == ACTION_BROKER)
                request = actions[a].u.request;
            if (request.intent == 0)
                continue;
            hash = hash_bytes(&request, sizeof request, hash);
            ++*orders;
            bool entry = request.kind == BROKER_PLACE;
            report((struct broker_report){.exec_type = EXEC_TRADE, .intent = request.intent, .position = request.position, .side = request.side,
                                          .qty = request.qty, .cum_qty = request.qty, .last_qty = request.qty, .last_price = price,
                                          .avg_price = price, .exec_id = ++exec_id, .realized = entry ? 0 : D("10"), .final = 1});
            if (entry) {
                report((struct broker_report){.exec_type = EXEC_NEW, .intent = request.stop_intent, .position = request.position, .qty = request.qty});
                report((struct broker_report){.exec_type = EXEC_NEW, .intent = request.take_intent, .position = request.position, .qty = request.qty});
            } else {
                for (uint32_t o = 0; o < CORE_ORDERS_MAX; o++)
                    if (core.orders[o].intent != 0 && core.orders[o].position == request.position)
                        report((struct broker_report){.exec_type = EXEC_CANCELED, .intent = core.orders[o].intent, .reason = BROKER_OCO, .final = 1});
            }
        }
    }
    return hash;
}

static void test_same_inputs_give_the_same_orders_whatever_the_account_is_called(void **state)
{
    (void)state;
    uint32_t orders, again;
    uint64_t hash = walk("alba", &orders);
    assert_true(orders > 100);
    assert_int_equal(walk("zz-another-name", &again), hash);
    assert_int_equal(again, orders);
    print_message("%u orders\n", orders);
}

static void test_pause_resume_flatten(void **state)
{
    (void)state;
    struct core_event event = {.kind = CORE_COMMAND, .u.command = {.command = COMMAND_PAUSE, .user = "test"}};
    core_step(&core, &event);
    assert_int_equal(core_refusal(&core), REFUSAL_PAUSED);
    assert_int_equal(core_state(&core), ACCOUNT_REDUCING);
    quiet_bars(0, 8);
    bar(0, "1.1000", "1.1060", "1.1055");
    assert_null(action_of(ACTION_PROPOSE));
    assert_int_equal(core.account.refusals[REFUSAL_PAUSED], 1);
    event.u.command.command = COMMAND_RESUME;
    core_step(&core, &event);
    assert_int_equal(core_refusal(&core), REFUSAL_NONE);
}

static void test_flatten_cancels_an_entry_that_is_not_filled(void **state)
{
    (void)state;
    struct wire_proposal proposal = propose();
    struct broker_request entry = answer(&proposal, proposal.qty);
    core_clear(&core);
    struct core_event event = {.kind = CORE_COMMAND, .u.command = {.command = COMMAND_FLATTEN, .user = "test"}};
    core_step(&core, &event);
    const struct core_action *cancel = action_of(ACTION_BROKER);
    must(cancel);
    assert_int_equal(cancel->u.request.kind, BROKER_CANCEL);
    assert_int_equal(cancel->u.request.target_intent, entry.intent);
    assert_int_equal(core.account.flatten, EXIT_OPERATOR);
}

/* The rows and the market part, copied as the store does it, go on exactly as the core that never stopped. */
static void test_copy_of_the_state_is_the_state(void **state)
{
    (void)state;
    open_position();
    static struct core twin, kept;
    core_clear(&core);
    core_init(&twin, &config, 0);
    twin.account = core.account;
    memcpy(twin.positions, core.positions, sizeof twin.positions);
    memcpy(twin.orders, core.orders, sizeof twin.orders);
    memcpy(twin.proposals, core.proposals, sizeof twin.proposals);
    twin.market = core.market;
    assert_int_equal(core_check(&twin), 0);
    uint64_t kept_seq = seq;
    int64_t kept_ns = now_ns;
    for (int round = 0; round < 2; round++) {
        if (round == 1) {
            kept = core;
            core = twin;
            seq = kept_seq;
            now_ns = kept_ns;
        }
        quiet_bars(0, 7);
        bar(0, "1.0900", "1.1000", "1.0910");
        quiet_bars(1, 4);
    }
    assert_memory_equal(&kept.account, &core.account, sizeof core.account);
    assert_int_equal(kept.bytes_used, core.bytes_used);
    assert_memory_equal(kept.bytes, core.bytes, core.bytes_used);
}

static void test_a_row_of_another_version_is_refused(void **state)
{
    (void)state;
    core.account.version++;
    assert_int_not_equal(core_check(&core), 0);
    core.account.version--;
    core.positions[0] = (struct core_position){.id = 1, .instrument = 2};
    assert_int_not_equal(core_check(&core), 0);
}

static void test_warmup_decides_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        now_ns += H1_NS;
        struct market_record record = {.seq = ++seq, .time_ns = now_ns, .kind = MARKET_BAR, .timeframe = TIMEFRAME_H1,
                                       .flags = MARKET_BASE | MARKET_WARMUP,
                                       .u.bar = {D("1.1"), D("1.101"), D("1.099"), i == 19 ? D("1.2") : D("1.1"), D("1")}};
        step_market(&record);
        struct market_record end = {.seq = ++seq, .time_ns = now_ns, .kind = MARKET_END, .flags = MARKET_WARMUP};
        step_market(&end);
    }
    assert_int_equal(core.record_count, 0);
    assert_int_equal(core.account.started, 0);
}

static void test_journal_prints_as_json(void **state)
{
    (void)state;
    propose();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (uint32_t i = 0; i < core.record_count; i++)
        assert_int_equal(journal_print_json(out, core.bytes + core.records[i].offset, core.records[i].size), 0);
    fclose(out);
    must(strstr(text, "\"k\":\"propose\""));
    must(strstr(text, "\"entry\":\"1.1056\""));
    must(strstr(text, "\"t\":\"2024-05-13T09:00:00Z\""));
    free(text);
    unsigned char bad[] = {0x81, 0xa1, 'k'};
    assert_int_not_equal(journal_print_json(stderr, bad, sizeof bad), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_signal_becomes_a_proposal_at_the_end, setup),
        cmocka_unit_test_setup(test_refused_proposal_places_nothing, setup),
        cmocka_unit_test_setup(test_expired_permit_is_given_back, setup),
        cmocka_unit_test_setup(test_answer_for_more_than_asked_is_no_permit, setup),
        cmocka_unit_test_setup(test_entry_carries_its_protection, setup),
        cmocka_unit_test_setup(test_fill_then_stop_makes_a_trade, setup),
        cmocka_unit_test_setup(test_rejected_entry_releases_everything, setup),
        cmocka_unit_test_setup(test_time_stop_closes_and_asks_again_when_refused, setup),
        cmocka_unit_test_setup(test_position_without_a_working_stop_is_closed, setup),
        cmocka_unit_test_setup(test_daily_loss_flattens_and_stops_entries, setup),
        cmocka_unit_test_setup(test_guard_acts_on_the_record_and_locks_until_the_boundary, setup),
        cmocka_unit_test_setup(test_gate_makes_a_size_smaller, setup),
        cmocka_unit_test_setup(test_gate_refuses_in_a_window, setup),
        cmocka_unit_test_setup(test_why_names_the_window_that_is_shut, setup),
        cmocka_unit_test_setup(test_why_knows_the_way_out_of_a_window, setup),
        cmocka_unit_test_setup(test_why_without_a_calendar, setup),
        cmocka_unit_test_setup(test_best_day_closes_entries_for_the_day, setup),
        cmocka_unit_test_setup(test_best_day_counts_the_open_book_at_its_targets, setup),
        cmocka_unit_test_setup(test_gate_asks_again_before_the_order, setup),
        cmocka_unit_test_setup(test_voluntary_close_waits_for_the_hold_time, setup),
        cmocka_unit_test_setup(test_flattening_in_slices, setup),
        cmocka_unit_test_setup(test_same_inputs_give_the_same_orders_whatever_the_account_is_called, setup),
        cmocka_unit_test_setup(test_pause_resume_flatten, setup),
        cmocka_unit_test_setup(test_flatten_cancels_an_entry_that_is_not_filled, setup),
        cmocka_unit_test_setup(test_copy_of_the_state_is_the_state, setup),
        cmocka_unit_test_setup(test_a_row_of_another_version_is_refused, setup),
        cmocka_unit_test_setup(test_warmup_decides_nothing, setup),
        cmocka_unit_test_setup(test_journal_prints_as_json, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
