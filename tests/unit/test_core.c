/* The account core: from a market record to orders and back, without a process around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/account/core.h"
#include "workers/account/journal.h"

#define H1_NS (INT64_C(3600) * 1000000000)
#define START_NS (INT64_C(1715558400) * 1000000000) /* Monday 2024-05-13 00:00 UTC */
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
        .firm = "firm", .name = "two", .floor_count = 2, .buffer_fraction = D("0.001"),
        .floors = {{.id = "daily", .kind = FLOOR_DAILY, .anchor = ANCHOR_SNAP_BALANCE, .allowance_fraction = D("0.05"), .effect = EFFECT_TERMINATE},
                   {.id = "total", .kind = FLOOR_TOTAL, .anchor = ANCHOR_INITIAL, .allowance_fraction = D("0.10"), .effect = EFFECT_TERMINATE}},
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
    assert_int_equal(core.record_count, 0); /* nothing is decided before the END */
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
        cmocka_unit_test_setup(test_pause_resume_flatten, setup),
        cmocka_unit_test_setup(test_flatten_cancels_an_entry_that_is_not_filled, setup),
        cmocka_unit_test_setup(test_copy_of_the_state_is_the_state, setup),
        cmocka_unit_test_setup(test_a_row_of_another_version_is_refused, setup),
        cmocka_unit_test_setup(test_warmup_decides_nothing, setup),
        cmocka_unit_test_setup(test_journal_prints_as_json, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
