/* The gate: R1 to R5, the largest size, the order of the primitives, what reduces risk. */
#include "tests/unit/rules_rig.h"

static struct rig rig;

static void begin(uint32_t anchor, const char *allowance, const char *initial)
{
    rig_init(&rig);
    rig_floor(&rig, anchor, allowance);
    rig_start(&rig, initial);
}

static bool ask_lots(const char *lots)
{
    rig.request.lots = usd(lots);
    return rig_ask(&rig);
}

/* q_max holds and one step more does not, by the same inequality. */
static void expect_edge(uint32_t primitive, uint32_t condition, const char *q_max)
{
    rig_ask(&rig);
    assert_int_equal(rig_verdict(&rig, primitive, condition)->q_max, usd(q_max));
    rig.request.lots = usd(q_max);
    if (rig.request.lots > 0) {
        rig_ask(&rig);
        assert_true(rig_verdict(&rig, primitive, condition)->admitted);
    }
    rig.request.lots = usd(q_max) + rig.request.lot_step;
    rig_ask(&rig);
    assert_false(rig_verdict(&rig, primitive, condition)->admitted);
    assert_false(rig.answer.admitted);
}

/* --- R1 ----------------------------------------------------------------------------------------------------- */

static void test_r1_both_sides_and_the_edge(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "5000", "100000");
    rig.set.guard.fixed_abs = usd("300");
    rig.set.guard.fixed_fraction = usd("0.002");
    rig_order(&rig, "437", "900");
    assert_true(ask_lots("5"));
    const struct rules_verdict *r1 = rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1);
    assert_int_equal(r1->left, usd("97815"));
    assert_int_equal(r1->right, usd("95500"));
    assert_int_equal(r1->op, RULES_OP_GE);
    assert_int_equal(rig.answer.q_max, usd("10.29"));
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "10.29");
}

static void test_reaching_costs_a_cent(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "100", "1");
    assert_true(ask_lots("10"));
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "10");
    rig.set.floors[0].breach = RULES_LE;
    assert_false(ask_lots("10"));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->right, usd("49000.01"));
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "9.99");
}

static void test_the_flat_buffer_of_the_book_is_kept(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig.set.guard.fixed_abs = usd("100");
    rig_order(&rig, "100", "1");
    rig.context.b_flat = usd("80"); /* the fixed part is in it */
    ask_lots("1");
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->right, usd("49100"));
    rig.context.b_flat = usd("250");
    ask_lots("1");
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->right, usd("49250"));
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "7.50");
}

static void test_every_candidate_and_every_floor(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "1000", "50000");
    rig_floor(&rig, RULES_INITIAL, "1100");
    rig.set.floors[0].days = 6;
    rig.state.days[1].balance = usd("50200");
    rig.state.days[2].balance = usd("49000");
    rig_order(&rig, "100", "1");
    ask_lots("1");
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->right, usd("49200"));
    assert_int_equal(rig.answer.q_max, usd("8"));
    rig.state.days[1].balance = usd("48000");
    ask_lots("1");
    assert_int_equal(rig.answer.q_max, usd("11")); /* the second floor is the nearer one now */
}

/* A balance that losers alone make: the winner does not help. */
static void test_a_floor_on_the_balance_counts_losers_alone(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig.set.floors[0].measure = RULES_MIN_BALANCE_EQUITY;
    rig.book.equity = usd("51500");
    rig_position(&rig, "2000", "500", "0");
    rig_position(&rig, "-500", "300", "0");
    rig_order(&rig, "100", "1");
    assert_true(ask_lots("2"));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->left, usd("49000")); /* 50000 - 800 - 200, not 50500 */
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "2");
}

/* --- R2 ------------------------------------------------------------------------------------------------------- */

static void test_r2_a_winner_may_be_banked_before_the_boundary(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "5000", "100000");
    rig.book.equity = usd("102000");
    rig.set.guard.fixed_abs = usd("250");
    rig_position(&rig, "3000", "2000", "1500");
    rig_position(&rig, "-1000", "3500", "2000");
    rig_order(&rig, "100", "1");
    rig.request.may_cross_boundary = true;
    assert_true(ask_lots("1"));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 2)->left, usd("4600"));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 2)->right, usd("4750"));
    expect_edge(RULES_P1_LOSS_FLOOR, 2, "2.5");
    rig.request.may_cross_boundary = false;
    assert_true(ask_lots("12.5"));
    assert_false(rig_has_verdict(&rig, RULES_P1_LOSS_FLOOR, 2));
}

static void test_r2_always_where_the_closed_balance_runs(void **unused)
{
    (void)unused;
    begin(RULES_RUN_CLOSED, "2000", "50000");
    rig_order(&rig, "100", "1");
    rig.book.equity = usd("53000");
    rig_position(&rig, "3000", "500", "100");
    assert_true(ask_lots("19.99")); /* without a buffer a cent, for the floor of then is rounded up */
    expect_edge(RULES_P1_LOSS_FLOOR, 2, "19.99");
    /* a cap makes room once all is above it */
    rig.set.floors[0].has_cap = true;
    rig.set.floors[0].cap = 0;
    assert_true(ask_lots("25"));
    const struct rules_verdict *r2 = rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 2);
    assert_int_equal(r2->op, RULES_OP_GE); /* told by the side that holds */
    assert_int_equal(r2->left, usd("50000"));
    assert_int_equal(r2->right, usd("50000"));
    expect_edge(RULES_P1_LOSS_FLOOR, 2, "25");
}

static void test_r2_a_share_of_the_balance_and_tiers(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "0", "50000");
    rig.set.floors[0].allowance = (struct rules_amount){.kind = RULES_FRAC_ANCHOR, .value = usd("0.05")};
    rig.book.balance = rig.book.equity = usd("52000");
    rig_order(&rig, "100", "1");
    rig.request.may_cross_boundary = true;
    ask_lots("1");
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 2)->right, usd("2599.99"));
    /* tomorrow's tier may be any from today's floor upwards: 3000 today, but a loss of 600 leads to 1000 */
    rig.set.floors[0].allowance =
        (struct rules_amount){.kind = RULES_TIERED,
                              .tier_count = 3,
                              .tiers = {{0, usd("800")}, {usd("1500"), usd("1000")}, {usd("6000"), usd("3000")}}};
    rig.state.days[0].balance = rig.book.balance = rig.book.equity = usd("56500");
    ask_lots("1");
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->right, usd("53500"));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 2)->right, usd("999.99"));
}

/* Found by the search: an anchor that stays and an allowance that falls with the day's profit lift the floor. */
static void test_a_tier_that_falls_lifts_a_floor_that_stays(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "0", "50000");
    rig.set.floors[0].allowance = (struct rules_amount){
        .kind = RULES_TIERED, .tier_count = 2, .tiers = {{0, usd("1000")}, {usd("500"), usd("3000")}}};
    rig.state.days[0].balance = rig.book.balance = rig.book.equity = usd("50600");
    rig_order(&rig, "100", "1");
    assert_true(ask_lots("36")); /* 47000 until the boundary */
    rig.request.may_cross_boundary = true;
    assert_true(ask_lots("16")); /* 49000 after a loss */
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "16");
}

/* --- R3, R4, R5 --------------------------------------------------------------------------------------------------- */

static void test_r3_the_peak_and_then_the_stop(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EQUITY, "2000", "50000");
    rig.set.guard.fixed_abs = usd("200");
    rig.request.lot_step = rig.request.lot_min = DEC_ONE;
    rig_order(&rig, "43.60", "60");
    assert_true(ask_lots("17"));
    assert_int_equal(rig.answer.q_max, usd("17"));
    expect_edge(RULES_P1_LOSS_FLOOR, 3, "17");
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->q_max, usd("41")); /* what a static floor would admit */
    rig.state.high_equity = usd("51000"); /* the peak is old: 17 lots win 1020, of which 1000 is under it */
    ask_lots("17");
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 3)->right, usd("49220"));
    expect_edge(RULES_P1_LOSS_FLOOR, 3, "17");
    rig.state.high_equity = usd("51500");
    ask_lots("1");
    expect_edge(RULES_P1_LOSS_FLOOR, 3, "6");
}

static void test_r3_without_a_target_only_under_a_cap(void **unused)
{
    (void)unused;
    begin(RULES_DAY_PEAK, "2000", "50000");
    rig_order(&rig, "100", NULL);
    assert_false(ask_lots("0.01"));
    assert_int_equal(rig.answer.q_max, 0);
    rig.set.floors[0].has_cap = true;
    rig.set.floors[0].cap = usd("100");
    rig.book.equity = rig.state.days[0].peak_equity = usd("52500");
    assert_true(ask_lots("24"));
    expect_edge(RULES_P1_LOSS_FLOOR, 3, "24");
}

static void test_r3_a_share_of_the_peak(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EQUITY, "0", "10000");
    rig.set.floors[0].allowance = (struct rules_amount){.kind = RULES_FRAC_ANCHOR, .value = usd("0.1")};
    rig_order(&rig, "50", "70");
    /* 10000 - 50 q >= 0.9 (10000 + 70 q): 113 q <= 1000 */
    assert_true(ask_lots("8.84"));
    expect_edge(RULES_P1_LOSS_FLOOR, 3, "8.84");
}

static void test_r4_swing_over_the_boundary(void **unused)
{
    (void)unused;
    static const uint32_t anchors[] = {RULES_SNAP_EQUITY, RULES_SNAP_MAX, RULES_RUN_EOD_MAX};
    for (size_t i = 0; i < 3; i++) {
        begin(anchors[i], "5000", "100000");
        rig.set.guard.fixed_abs = usd("250");
        rig_position(&rig, "0", "1000", "600");
        rig_order(&rig, "200", "100");
        rig.request.may_cross_boundary = true;
        assert_true(ask_lots("10.5"));
        expect_edge(RULES_P1_LOSS_FLOOR, 4, "10.5");
        assert_int_equal(rig_has_verdict(&rig, RULES_P1_LOSS_FLOOR, 2), anchors[i] != RULES_SNAP_EQUITY);
        rig.request.may_cross_boundary = false;
        assert_true(ask_lots("18.75"));
        assert_int_equal(rig.answer.count, 3); /* guard, conduct, R1 */
    }
}

static void test_r5_a_lock_within_reach(void **unused)
{
    (void)unused;
    begin(RULES_RUN_CLOSED, "3000", "50000");
    rig.set.floors[0].has_lock = true;
    rig.set.floors[0].lock_when = usd("1500");
    rig.set.floors[0].lock_at = usd("700");
    rig_order(&rig, "100", "150");
    assert_true(ask_lots("9.99")); /* 50000 + 1498.50: out of reach */
    assert_true(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 5)->admitted);
    expect_edge(RULES_P1_LOSS_FLOOR, 5, "9.99");
    rig_position(&rig, "1000", "900", "600"); /* brings it into reach */
    rig.book.equity = usd("51000");
    assert_true(ask_lots("7.99"));
    expect_edge(RULES_P1_LOSS_FLOOR, 5, "7.99");
    rig.state.high_balance = usd("51500"); /* locked: it is in the level */
    ask_lots("1");
    assert_false(rig_has_verdict(&rig, RULES_P1_LOSS_FLOOR, 5));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->right, usd("50700"));
}

/* --- the order itself ------------------------------------------------------------------------------------------------
 */

static void test_an_order_that_joins_a_set(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    *rig_position(&rig, "0", "600", "0") = (struct rules_leg){
        .kind = RULES_LEG_ORDER, .side = 1, .lots = DEC_ONE, .oco = 4, .give_up = usd("600"), .risk = usd("600")};
    rig_order(&rig, "100", "1");
    assert_true(ask_lots("4"));
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "4");
    rig.request.oco = 4;
    assert_true(ask_lots("6")); /* no more than its brother */
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->left, usd("49400"));
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "10");
}

static void test_no_stop_no_order(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "100", "1");
    rig.request.unit.no_stop_distance = usd("400");
    rig.request.has_stop = false;
    assert_true(ask_lots("2.5")); /* charged the catastrophe */
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "2.5");
    rig.set.guard.require_stop = true;
    assert_false(ask_lots("1"));
    assert_int_equal(rig.answer.verdicts[rig.answer.refused].primitive, RULES_P8_STOP);
    assert_int_equal(rig.answer.q_max, 0);
}

static void test_gap_only_where_it_may_be_held(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "100", "1");
    rig.request.unit.gap_distance = usd("500");
    assert_true(ask_lots("10"));
    rig.request.may_cross_close = true;
    assert_false(ask_lots("10"));
    expect_edge(RULES_P1_LOSS_FLOOR, 1, "2");
}

/* A stop moved away: the leg as it will be, in place of the one in the book. */
static void test_widening_is_new_risk(void **unused)
{
    (void)unused;
    begin(RULES_SNAP_BALANCE, "1000.01", "50000");
    rig.book.equity = usd("50500");
    rig.request.purpose = RULES_WIDEN;
    rig.request.may_cross_boundary = true;
    rig.request.unit = (struct rules_terms){.filled = DEC_ONE,
                                            .covered = DEC_ONE,
                                            .value = DEC_ONE,
                                            .rate = DEC_ONE,
                                            .floating = usd("500"),
                                            .stop_distance = usd("1500"),
                                            .target_distance = usd("10")};
    assert_true(ask_lots("1"));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->left, usd("49000"));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 2)->left, usd("1000"));
    rig.request.unit.stop_distance = usd("1500.01");
    assert_false(ask_lots("1"));
}

/* --- P2, P3 in the gate ----------------------------------------------------------------------------------------------
 */

static void test_p2_reaching_or_exceeding(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "50000", "100000");
    rig.set.loss_count = 1;
    rig.set.losses[0] = (struct rules_loss){.group = RULES_GROUP_IDEA,
                                            .over = RULES_GT,
                                            .window_s = 600,
                                            .limit = {.kind = RULES_FRAC_INITIAL, .value = usd("0.015")}};
    rig.state.ideas[0] = (struct rules_idea){.loss = usd("400"), .closed_ns = rig.context.now_ns - 600 * S};
    rig_position(&rig, "-100", "200", "1");           /* 300 from its entry */
    rig_position(&rig, "-100", "900", "1")->side = 2; /* another idea */
    rig_order(&rig, "100", "1");
    assert_true(ask_lots("8"));
    assert_int_equal(rig_verdict(&rig, RULES_P2_OPEN_LOSS, 0)->left, usd("1500"));
    assert_int_equal(rig_verdict(&rig, RULES_P2_OPEN_LOSS, 0)->op, RULES_OP_LE);
    expect_edge(RULES_P2_OPEN_LOSS, 0, "8");
    rig.set.losses[0].over = RULES_GE;
    expect_edge(RULES_P2_OPEN_LOSS, 0, "7.99");
    rig.context.now_ns += S; /* the window is over, but not while a leg is open: that is the caller's to tell */
    rig_ask(&rig);
    expect_edge(RULES_P2_OPEN_LOSS, 0, "11.99");
    rig.set.losses[0].group = RULES_GROUP_ACCOUNT;
    rig_ask(&rig);
    expect_edge(RULES_P2_OPEN_LOSS, 0, "1.99"); /* 300 + 1000 + 200 < 1500 */
    rig.set.losses[0].group = RULES_GROUP_POSITION;
    rig_ask(&rig);
    expect_edge(RULES_P2_OPEN_LOSS, 0, "14.99");
}

static void test_p3_lots_positions_margin(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "50000", "100000");
    rig.set.exposure_count = 1;
    rig.set.exposures[0] = (struct rules_exposure){.counted = RULES_LOTS_OPEN,
                                                   .instruments = 1,
                                                   .weight = {usd("0.1")},
                                                   .limit = {.kind = RULES_ABS, .value = usd("5")}};
    rig_position(&rig, "0", "0", "0")->lots = usd("33");
    rig_order(&rig, "1", "1");
    assert_true(ask_lots("17"));
    expect_edge(RULES_P3_EXPOSURE, 0, "17");
    rig.set.exposures[0].counted = RULES_POSITIONS_SYMBOL;
    rig.set.exposures[0].limit.value = usd("2");
    assert_true(ask_lots("500"));
    assert_int_equal(rig_verdict(&rig, RULES_P3_EXPOSURE, 0)->q_max, DEC_MAX);
    rig.set.exposures[0].limit.value = usd("1");
    assert_false(ask_lots("0.01"));
    assert_int_equal(rig.answer.q_max, 0);
    rig.set.exposures[0].counted = RULES_MARGIN_SHARE;
    rig.set.exposures[0].limit.value = usd("0.4");
    rig.request.margin_per_lot = usd("3333.33");
    rig.legs[0].margin = usd("17000");
    assert_true(ask_lots("1"));
    expect_edge(RULES_P3_EXPOSURE, 0, "6.9");
}

/* Tiers of live equity must hold when every stop was hit. */
static void test_p3_live_tiers_at_the_worst(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "20000", "25000");
    rig.set.exposure_count = 1;
    rig.set.exposures[0] = (struct rules_exposure){
        .counted = RULES_LOTS_OPEN,
        .instruments = 1,
        .weight = {DEC_ONE},
        .limit = {.kind = RULES_TIERED,
                  .basis = RULES_LIVE_EQUITY,
                  .tier_count = 3,
                  .tiers = {{0, usd("1")}, {usd("25501"), usd("2")}, {usd("26501"), usd("3")}}}};
    rig.request.lot_step = rig.request.lot_min = DEC_ONE;
    rig.book.equity = usd("26900");
    rig_order(&rig, "125", "1");
    assert_true(ask_lots("3"));
    expect_edge(RULES_P3_EXPOSURE, 0, "3");
    rig_order(&rig, "137.5", "1"); /* 26487.50 with three */
    assert_false(ask_lots("3"));
    expect_edge(RULES_P3_EXPOSURE, 0, "2");
}

/* --- the others and their order
 * ------------------------------------------------------------------------------------------ */

static void everything(void)
{
    begin(RULES_SNAP_MAX, "1000", "50000");
    struct rules_set *s = &rig.set;
    s->conduct.automation = RULES_MANUAL_ONLY;
    s->direction =
        (struct rules_direction){.opposite_refused = true, .adds_to_loser_max = 1, .no_larger_after_loss = true};
    s->life.payout_freeze = true;
    s->window_count = 1;
    s->windows[0] = (struct rules_window){.kind = RULES_PAYOUT_PENDING, .forbids = RULES_OPEN, .instruments = 1};
    s->rate_count = 1;
    s->rates[0] = (struct rules_rate){.counted = RULES_MESSAGES, .max = 2};
    s->stop.required = true;
    s->stop.max_stop_to_target = usd("2");
    s->exposure_count = 1;
    s->exposures[0] = (struct rules_exposure){.counted = RULES_LOTS_OPEN, .instruments = 1, .weight = {DEC_ONE}};
    s->loss_count = 1;
    s->losses[0] = (struct rules_loss){.group = RULES_GROUP_ACCOUNT};
    rig.state.payout_pending = 1;
    rig.state.guard = RULES_GUARD_NO_NEW_RISK;
    rig.state.last_loss_size[0] = usd("0.5");
    rig.state.latches[0].latch = RULES_LATCH_PAUSE;
    rig.context.live = true;
    rig.context.today = 100;
    rig.request.has_stop = false;
    rig.request.may_cross_boundary = true;
    rig_position(&rig, "-900", "900", "1");
    rig_position(&rig, "0", "0", "1")->side = 2;
    rig.legs[1].instrument = 1;
    s->direction.group_count = 1;
    s->direction.groups[0] = 3;
    rig_order(&rig, "5000", "100");
}

static void test_every_refusal_in_its_order(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t primitive, condition;
    } order[] = {{12, 1}, {12, 2}, {12, 3}, {11, 0}, {9, 1}, {9, 2}, {9, 3}, {4, 1}, {6, 0},
                 {8, 1},  {8, 2},  {3, 0},  {2, 0},  {1, 0}, {1, 1}, {1, 2}, {1, 4}};
    everything();
    assert_false(rig_ask(&rig));
    assert_int_equal(rig.answer.refused, 0);
    assert_int_equal(rig.answer.count, sizeof order / sizeof *order);
    assert_int_equal(rig.answer.q_max, 0);
    for (uint32_t i = 0; i < rig.answer.count; i++) {
        const struct rules_verdict *v = &rig.answer.verdicts[i];
        assert_int_equal(v->primitive, order[i].primitive);
        assert_int_equal(v->condition, order[i].condition);
        assert_false(v->admitted);
        assert_non_null(rules_head_of(&rig.set, v));
        assert_string_not_equal(rules_primitive_name(v->primitive), "P?");
        assert_string_not_equal(rules_op_text(v->op), "?");
    }
}

/* Each of them alone is enough. */
static void test_each_refuses_alone(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "1", "1");
    assert_true(ask_lots("1"));
    for (unsigned i = 0; i < 6; i++) {
        begin(RULES_INITIAL, "1000", "50000");
        rig_order(&rig, "1", "1");
        uint32_t primitive = 0;
        if (i == 0) {
            rig.context.live = true;
            rig.context.today = 91;
            rig.set.max_age_days = 90;
            primitive = 12;
        } else if (i == 1) {
            rig.set.life.payout_freeze = true;
            rig.context.payout_pending = true;
            primitive = 12;
        } else if (i == 2) {
            rig.state.guard = RULES_GUARD_LOCKED;
            primitive = 12;
        } else if (i == 3) {
            rig.set.conduct.hosts_refused = 1u << RULES_HOST_VPS;
            rig.context.host = RULES_HOST_VPS;
            primitive = 11;
        } else if (i == 4) {
            rig.state.latches[0].latch = RULES_LATCH_TERMINATE;
            primitive = 1;
        } else {
            rig.set.rate_count = 1;
            rig.set.rates[0] = (struct rules_rate){.counted = RULES_WORKING_ORDERS, .max = 100};
            rig.context.working = 100;
            primitive = 6;
        }
        assert_false(rig_ask(&rig));
        assert_int_equal(rig.answer.verdicts[rig.answer.refused].primitive, primitive);
        assert_int_equal(rig.answer.q_max, 0);
    }
    begin(RULES_INITIAL, "1000", "50000");
    rig.context.today = 91; /* a replay does not ask for the age of the file */
    rig_order(&rig, "1", "1");
    assert_true(ask_lots("1"));
}

static void test_messages_keep_a_reserve(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "1", "1");
    rig.set.rate_count = 1;
    rig.set.rates[0] = (struct rules_rate){.counted = RULES_MESSAGES, .max = 2000};
    rig.context.positions = 12;
    rig.context.working = 8;
    rig.state.rates[0].counts[0] = 1937;
    assert_true(ask_lots("1")); /* 1937 + 3 <= 2000 - 60 */
    rig.state.rates[0].counts[0]++;
    assert_false(ask_lots("1"));
    rig.request.purpose = RULES_CLOSE_VOLUNTARY; /* for this it was kept */
    assert_true(ask_lots("1"));
    rig.state.rates[0].counts[0] = 2000;
    assert_false(ask_lots("1"));
    rig.request.purpose = RULES_ENTRY; /* a small limit admits something */
    rig.set.rates[0].max = 10;
    rig.state.rates[0].counts[0] = 2;
    assert_true(ask_lots("1"));
    rig.state.rates[0].counts[0] = 3;
    assert_false(ask_lots("1"));
}

static void test_windows(void **unused)
{
    (void)unused;
    const struct rules_event events[] = {{.time_ns = at(0, 36000), .instruments = 1, .importance = 3}};
    const struct rules_calendar calendar = {
        .events = events, .count = 1, .valid_from_ns = at(-1, 0), .valid_to_ns = at(9, 0)};
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "1", "1");
    rig.set.window_count = 1;
    rig.set.windows[0] = (struct rules_window){
        .kind = RULES_NEWS, .forbids = RULES_OPEN | RULES_CLOSE, .instruments = 1, .before_s = 120, .after_s = 120};
    rig.context.calendar = &calendar;
    rig.context.now_ns = at(0, 36000 - 121);
    assert_true(ask_lots("1"));
    assert_int_equal(rig_verdict(&rig, RULES_P4_WINDOW, 1)->left, usd("1"));
    rig.request.latest_fill_ns = at(0, 36000 - 120); /* a resting order may fill in it */
    assert_false(ask_lots("1"));
    rig.request.latest_fill_ns = 0;
    rig.context.now_ns = at(0, 36000 - 120);
    assert_false(ask_lots("1"));
    assert_int_equal(rig_verdict(&rig, RULES_P4_WINDOW, 1)->left, 0);
    rig.context.now_ns = at(0, 36000 + 120);
    assert_false(ask_lots("1"));
    rig.request.purpose = RULES_CLOSE_VOLUNTARY;
    assert_false(ask_lots("1"));
    rig.context.now_ns = at(0, 36000 + 121);
    assert_true(ask_lots("1"));
    rig.request.purpose = RULES_ENTRY;
    assert_true(ask_lots("1"));
    rig.context.calendar = NULL; /* no list: closed for opening, not for closing */
    assert_false(ask_lots("1"));
    rig.request.purpose = RULES_CLOSE_VOLUNTARY;
    assert_true(ask_lots("1"));
}

static void test_a_way_out_before_the_market_closes(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "1", "1");
    rig.set.window_count = 1;
    rig.set.windows[0] = (struct rules_window){
        .kind = RULES_MARKET_CLOSE, .forbids = RULES_HOLD, .instruments = 1, .closed_s = 7200, .lead_s = 180};
    rig.context.close_ns = at(0, 75600);
    rig.context.closed_for_s = 48 * 3600;
    rig.context.now_ns = at(0, 75600 - 181);
    assert_true(ask_lots("1"));
    rig.context.now_ns = at(0, 75600 - 180);
    assert_false(ask_lots("1"));
    assert_int_equal(rig_verdict(&rig, RULES_P4_WINDOW, 2)->left, usd("180"));
    assert_int_equal(rig_verdict(&rig, RULES_P4_WINDOW, 2)->right, usd("180"));
}

/* --- what reduces risk
 * ----------------------------------------------------------------------------------------------------- */

static void test_closes_meet_time_alone(void **unused)
{
    (void)unused;
    everything();
    rig.request.purpose = RULES_CLOSE_PROTECTIVE;
    rig.set.rate_count = 0;
    rig.book.equity = usd("60000"); /* far from the floor */
    rig.set.hold_count = 1;
    rig.set.holds[0] = (struct rules_hold){.kind = RULES_MIN_HOLD, .tau_s = 120};
    rig.request.opened_ns = rig.context.now_ns - 119 * S;
    assert_true(rig_ask(&rig));
    assert_int_equal(rig.answer.count, 0);
    rig.request.purpose = RULES_CLOSE_VOLUNTARY;
    assert_false(rig_ask(&rig));
    assert_int_equal(rig.answer.verdicts[0].primitive, RULES_P5_HOLD);
    assert_int_equal(rig.answer.verdicts[0].left, usd("119"));
    assert_int_equal(rig.answer.verdicts[0].right, usd("120"));
    rig.request.opened_ns -= S;
    assert_true(rig_ask(&rig));
}

static void test_flattening_outranks_a_void_profit(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig.set.hold_count = 1;
    rig.set.holds[0] = (struct rules_hold){.kind = RULES_MIN_HOLD, .tau_s = 120};
    rig.request.purpose = RULES_CLOSE_VOLUNTARY;
    rig.request.opened_ns = rig.context.now_ns;
    rig.context.b_flat = usd("200");
    rig.book.equity = usd("49200.01");
    assert_false(rig_ask(&rig));
    rig.book.equity = usd("49200");
    assert_true(rig_ask(&rig));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 0)->left, usd("200"));
    rig.set.floors[0].effect = RULES_EFFECT_PAUSE; /* a pause is no reason */
    assert_false(rig_ask(&rig));
}

/* --- edges of arithmetic
 * ----------------------------------------------------------------------------------------------------- */

static void test_nothing_to_lose_is_any_size(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "0", "0");
    assert_true(ask_lots("1000"));
    assert_int_equal(rig.answer.q_max, DEC_MAX);
    rig.book.equity = usd("48999.99"); /* below the floor not even that */
    assert_false(ask_lots("0.01"));
    assert_int_equal(rig.answer.q_max, 0);
}

static void test_less_than_the_smallest_is_nothing(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "100000", "0");
    rig.request.lot_min = usd("0.1");
    rig.request.lots = usd("0.1");
    assert_false(rig_ask(&rig));
    assert_int_equal(rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 1)->q_max, usd("0.01"));
    assert_int_equal(rig.answer.q_max, 0);
}

static void test_overflow_refuses(void **unused)
{
    (void)unused;
    begin(RULES_INITIAL, "1000", "50000");
    rig_order(&rig, "90000000", "90000000");
    rig.request.unit.value = usd("90000000");
    assert_false(ask_lots("90000000"));
    assert_int_equal(rig.answer.q_max, 0);
    rig_order(&rig, "1", "1");
    rig.request.unit.value = DEC_ONE;
    rig_position(&rig, "0", "1", "0")->give_up = DEC_MAX;
    assert_false(ask_lots("0.01"));
    rig.book.count = 0;
    rig.state.initial = DEC_MAX; /* a level that does not fit */
    rig.set.floors[0].allowance.value = -usd("1");
    assert_false(ask_lots("0.01"));
    assert_int_equal(rig.answer.q_max, 0);
}

/* Amounts so small that a cent is many steps: the quotient is off, the search is not. */
static void test_steps_below_a_cent(void **unused)
{
    (void)unused;
    begin(RULES_RUN_EQUITY, "1", "50000");
    rig.request.lot_step = rig.request.lot_min = usd("0.001");
    for (int i = 1; i < 60; i++) {
        rig.request.unit.stop_distance = usd("0.037") * i;
        rig.request.unit.target_distance = usd("0.0113") * i;
        rig_position(&rig, "0", "0.05", "0.03");
        rig.book.count = 1;
        ask_lots("0.001");
        dec_t q_max = rig_verdict(&rig, RULES_P1_LOSS_FLOOR, 3)->q_max;
        assert_true(q_max > 0);
        rig.request.lots = q_max;
        assert_true(rig_ask(&rig));
        rig.request.lots = q_max + rig.request.lot_step;
        assert_false(rig_ask(&rig));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_r1_both_sides_and_the_edge),
        cmocka_unit_test(test_reaching_costs_a_cent),
        cmocka_unit_test(test_the_flat_buffer_of_the_book_is_kept),
        cmocka_unit_test(test_every_candidate_and_every_floor),
        cmocka_unit_test(test_a_floor_on_the_balance_counts_losers_alone),
        cmocka_unit_test(test_r2_a_winner_may_be_banked_before_the_boundary),
        cmocka_unit_test(test_r2_always_where_the_closed_balance_runs),
        cmocka_unit_test(test_r2_a_share_of_the_balance_and_tiers),
        cmocka_unit_test(test_a_tier_that_falls_lifts_a_floor_that_stays),
        cmocka_unit_test(test_r3_the_peak_and_then_the_stop),
        cmocka_unit_test(test_r3_without_a_target_only_under_a_cap),
        cmocka_unit_test(test_r3_a_share_of_the_peak),
        cmocka_unit_test(test_r4_swing_over_the_boundary),
        cmocka_unit_test(test_r5_a_lock_within_reach),
        cmocka_unit_test(test_an_order_that_joins_a_set),
        cmocka_unit_test(test_no_stop_no_order),
        cmocka_unit_test(test_gap_only_where_it_may_be_held),
        cmocka_unit_test(test_widening_is_new_risk),
        cmocka_unit_test(test_p2_reaching_or_exceeding),
        cmocka_unit_test(test_p3_lots_positions_margin),
        cmocka_unit_test(test_p3_live_tiers_at_the_worst),
        cmocka_unit_test(test_every_refusal_in_its_order),
        cmocka_unit_test(test_each_refuses_alone),
        cmocka_unit_test(test_messages_keep_a_reserve),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_a_way_out_before_the_market_closes),
        cmocka_unit_test(test_closes_meet_time_alone),
        cmocka_unit_test(test_flattening_outranks_a_void_profit),
        cmocka_unit_test(test_nothing_to_lose_is_any_size),
        cmocka_unit_test(test_less_than_the_smallest_is_nothing),
        cmocka_unit_test(test_overflow_refuses),
        cmocka_unit_test(test_steps_below_a_cent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
