/* The paired experiment: units, what cannot be compared, guardrails, every decision, and how often it ships nothing. */
#include <errno.h>
#include <string.h>

#include "tests/unit/draws.h"
#include "workers/performance/experiment/experiment.h"

static struct experiment_design design_of(enum experiment_method method)
{
    return (struct experiment_design){
        .method = method,
        .unit = EXPERIMENT_DAY,
        .direction = 1,
        .variant_count = 1,
        .alpha = EXPERIMENT_ALPHA,
        .useful_r = 0.1,
        .bound_r = EXPERIMENT_BOUND_R,
        .variance = 1.0,
        .prior_variance = 0.04,
        .optimal_units = 100,
        .unit_min = 50,
        .unit_max = 300,
        .tuned_until_ns = 1000,
        .control_hash = 11,
        .variant_hash = 22,
    };
}

static struct experiment_arm arm_of(uint64_t configuration, double net_r)
{
    return (struct experiment_arm){.configuration_hash = configuration,
                                   .signal_hash = 1,
                                   .quotes_hash = 2,
                                   .costs_hash = 3,
                                   .taken = true,
                                   .net_r = net_r};
}

static struct experiment_pair pair_of(int32_t day, double control_r, double variant_r)
{
    return (struct experiment_pair){
        .time_ns = 2000 + day, .day = day, .control = arm_of(11, control_r), .variant = arm_of(22, variant_r)};
}

static struct experiment_arm skipped(uint64_t configuration)
{
    struct experiment_arm arm = arm_of(configuration, 0);
    arm.taken = false;
    return arm;
}

static struct experiment e, other;

static void begin(const struct experiment_design *design)
{
    memset(&e, 0xa5, sizeof e);
    assert_int_equal(experiment_init(&e, design), 0);
}

static void add(const struct experiment_pair *pair)
{
    assert_int_equal(experiment_add(&e, pair), 0);
}

/* A whole day of one pair. */
static void add_day(int32_t day, double control_r, double variant_r)
{
    struct experiment_pair pair = pair_of(day, control_r, variant_r);
    add(&pair);
    experiment_close_day(&e, day);
}

static struct experiment_result decide(int32_t day)
{
    struct experiment_result r;
    experiment_decide(&e, day, &r);
    return r;
}

/* --- design ------------------------------------------------------------------------------------------------------- */

static void test_designs_refused(void **unused)
{
    (void)unused;
    for (unsigned method = 0; method < EXPERIMENT_METHOD_COUNT; method++) {
        struct experiment_design good = design_of(method), d = good;
        assert_int_equal(experiment_init(&e, &d), 0);
#define REFUSED(field, value)                                                                                          \
    do {                                                                                                               \
        d = good;                                                                                                      \
        d.field = (value);                                                                                             \
        assert_int_equal(experiment_init(&e, &d), -EINVAL);                                                            \
    } while (0)
        REFUSED(method, EXPERIMENT_METHOD_COUNT);
        REFUSED(unit, 2);
        REFUSED(direction, 0);
        REFUSED(variant_count, 0);
        REFUSED(alpha, 0.0);
        REFUSED(alpha, 0.5);
        REFUSED(alpha, (double)NAN);
        REFUSED(useful_r, 0.0);
        REFUSED(unit_max, 0);
        REFUSED(unit_min, 301);
        REFUSED(drawdown_max_r, -1.0);
        REFUSED(cost_max_r, (double)NAN);
        if (method == EXPERIMENT_ASYMPTOTIC) {
            REFUSED(unit_min, SEQUENCE_ASYMPTOTIC_MIN - 1);
            REFUSED(optimal_units, 0.0);
        } else if (method == EXPERIMENT_MSPRT) {
            REFUSED(variance, 0.0);
            REFUSED(prior_variance, (double)INFINITY);
        } else
            REFUSED(bound_r, 0.0);
    }
    assert_string_equal(experiment_method_text(EXPERIMENT_BETTING), "betting");
    assert_string_equal(experiment_method_text(EXPERIMENT_METHOD_COUNT), "?");
    assert_string_equal(experiment_decision_text(EXPERIMENT_NOT_COMPARABLE), "NOT COMPARABLE");
    assert_string_equal(experiment_decision_text(EXPERIMENT_DECISION_COUNT), "?");
    assert_string_equal(experiment_reason_text(EXPERIMENT_REASON_COUNT), "?");
    for (unsigned i = 0; i < EXPERIMENT_REASON_COUNT; i++)
        assert_true(strlen(experiment_reason_text(i)) > 10);
}

/* --- units -------------------------------------------------------------------------------------------------------- */

static void test_days_are_units(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    begin(&d);
    struct experiment_pair pairs[] = {pair_of(5, 1.0, 1.5), pair_of(5, -1.0, 0.0), pair_of(5, 0, 0), pair_of(7, 0, 0)};
    pairs[1].variant = skipped(22);
    pairs[2].control = skipped(11);
    pairs[2].variant = skipped(22);
    pairs[3].control = skipped(11);
    pairs[3].variant = skipped(22);
    for (unsigned i = 0; i < 3; i++)
        add(&pairs[i]);
    struct experiment_result r = decide(5);
    assert_int_equal(r.unit_count, 0); /* the day is not over */
    assert_int_equal(r.pair_count, 3);
    assert_true(isnan(r.mean) && isnan(r.lower) && isnan(r.upper) && isnan(r.detectable));
    add(&pairs[3]); /* a later day ends it */
    r = decide(7);
    assert_int_equal(r.unit_count, 1);
    assert_near(r.mean, 1.5, 1e-15);
    assert_near(r.gain_traded, 0.5, 1e-15);
    assert_near(r.gain_skipped, 1.0, 1e-15);
    experiment_close_day(&e, 6); /* not the open one */
    assert_int_equal(decide(7).unit_count, 1);
    experiment_close_day(&e, 7);
    r = decide(7);
    assert_int_equal(r.unit_count, 2); /* both skipped: a unit of 0 */
    assert_near(r.mean, 0.75, 1e-15);
    experiment_close_day(&e, 7);
    assert_int_equal(decide(7).unit_count, 2);
    struct experiment_pair late = pair_of(7, 0, 1);
    assert_int_equal(experiment_add(&e, &late), -EINVAL); /* the day is over */
}

static void test_clipping_and_direction(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BERNSTEIN);
    begin(&d);
    add_day(1, -2.0, 5.0);
    add_day(2, 5.0, -2.0);
    add_day(3, 0.0, 3.0);
    struct experiment_result r = decide(3);
    assert_int_equal(r.clipped_count, 2);
    assert_near(r.mean, 1.0, 1e-15);
    d = design_of(EXPERIMENT_MSPRT);
    d.direction = -1;
    begin(&d);
    add_day(1, -2.0, 5.0);
    r = decide(1);
    assert_int_equal(r.clipped_count, 0); /* nothing is clipped where no bound is claimed */
    assert_near(r.mean, -7.0, 1e-15);
}

static void test_moments_of_the_arms(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("arms", 40);
    struct experiment_design d = design_of(EXPERIMENT_ASYMPTOTIC);
    d.useful_r = 5.0; /* far: neither ships nor stops ... */
    d.unit_max = 1000;
    d.unit_min = 1000;
    begin(&d);
    enum { N = 400 };
    double a[N], b[N], ma = 0, mb = 0, saa = 0, sbb = 0, sab = 0;
    for (int32_t i = 0; i < N; i++) {
        a[i] = draws_normal(&seed);
        b[i] = 0.8 * a[i] + 0.5 * draws_normal(&seed);
        add_day(i, a[i], b[i]);
        ma += a[i] / N;
        mb += b[i] / N;
    }
    for (unsigned i = 0; i < N; i++) {
        saa += (a[i] - ma) * (a[i] - ma);
        sbb += (b[i] - mb) * (b[i] - mb);
        sab += (a[i] - ma) * (b[i] - mb);
    }
    struct experiment_result r = decide(N);
    double sd_a = sqrt(saa / (N - 1)), sd_b = sqrt(sbb / (N - 1));
    assert_near(r.correlation, sab / sqrt(saa * sbb), 1e-12);
    assert_near(r.sd, experiment_paired_sd(sd_a, sd_b, r.correlation), 1e-12);
    assert_near(r.pairing_gain, (sd_a * sd_a + sd_b * sd_b) / (r.sd * r.sd), 1e-12);
    assert_near(r.fixed_half_width, 1.959963984540054 * r.sd / sqrt(N), 1e-12);
    assert_near(r.detectable, 2.801585218 * r.sd / sqrt(N), 1e-9);
    double half = sequence_asymptotic_half_width(N, r.sd * sqrt((N - 1.0) / N), 100, EXPERIMENT_ALPHA);
    assert_near(r.upper - r.mean, half, 1e-12);
    assert_near(r.mean - r.lower, half, 1e-12);
}

static void test_hostile_pairs(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    begin(&d);
    add_day(3, 0.5, 1.0);
    struct experiment_pair next = pair_of(4, 0, 0);
    add(&next);
    other = e;
    struct experiment_pair bad[8];
    for (unsigned i = 0; i < 8; i++)
        bad[i] = pair_of(4, 0.5, 0.5);
    bad[0].control.net_r = (double)NAN;
    bad[1].variant.net_r = (double)INFINITY;
    bad[2].variant.cost_r = -0.1;
    bad[3].variant.cost_r = (double)NAN;
    bad[4].control.taken = false; /* a result of what was not traded */
    bad[5].variant = skipped(22);
    bad[5].variant.cost_r = 0.1;
    bad[6].day = 3;
    bad[7].day = INT32_MIN;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(experiment_add(&e, &bad[i]), -EINVAL);
        assert_memory_equal(&e, &other, sizeof e);
    }
}

static void test_equal_pairs_give_equal_bytes(void **unused)
{
    (void)unused;
    for (unsigned method = 0; method < EXPERIMENT_METHOD_COUNT; method++) {
        struct experiment_design d = design_of(method);
        memset(&other, 0x5a, sizeof other);
        assert_int_equal(experiment_init(&other, &d), 0);
        begin(&d);
        uint64_t seed = 9;
        for (int32_t i = 0; i < 60; i++) {
            struct experiment_pair pair = pair_of(i / 2, draws_normal(&seed), draws_normal(&seed));
            add(&pair);
            assert_int_equal(experiment_add(&other, &pair), 0);
        }
        assert_memory_equal(&e, &other, sizeof e);
    }
}

/* --- not comparable ----------------------------------------------------------------------------------------------- */

static void test_not_comparable(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    d.drawdown_max_r = 1.0;
    struct experiment_pair bad[6];
    for (unsigned i = 0; i < 6; i++)
        bad[i] = pair_of(2, 0.0, 3.0);
    bad[0].variant.signal_hash++;
    bad[1].variant.quotes_hash++;
    bad[2].control.costs_hash++;
    bad[3].variant.configuration_hash++;
    bad[4].control.configuration_hash++;
    bad[5].time_ns = d.tuned_until_ns;
    static const uint32_t reasons[] = {EXPERIMENT_BIT(SIGNALS),       EXPERIMENT_BIT(QUOTES),
                                       EXPERIMENT_BIT(COSTS),         EXPERIMENT_BIT(CONFIGURATION),
                                       EXPERIMENT_BIT(CONFIGURATION), EXPERIMENT_BIT(REUSED)};
    for (unsigned i = 0; i < 6; i++) {
        begin(&d);
        add_day(1, 0, -2.0); /* a broken guardrail says nothing either */
        add(&bad[i]);
        struct experiment_result r = decide(2);
        assert_int_equal(r.decision, EXPERIMENT_NOT_COMPARABLE);
        assert_true(r.reasons & reasons[i]);
        assert_int_equal(r.reasons & EXPERIMENT_INCOMPARABLE, reasons[i]);
        assert_int_equal(r.pair_count, 1); /* it is no evidence */
        struct experiment_pair good = pair_of(3, 0, 0);
        assert_int_equal(experiment_add(&e, &good), -EALREADY);
    }
    bad[5].time_ns++; /* the first moment after */
    begin(&d);
    add(&bad[5]);
    assert_int_equal(decide(2).decision, EXPERIMENT_CONTINUE);
}

/* --- decisions ---------------------------------------------------------------------------------------------------- */

/* Feeds pairs with a difference of `edge` and asks after every unit. */
static struct experiment_result run_until_decided(const struct experiment_design *d, double edge, uint64_t seed)
{
    begin(d);
    struct experiment_result r = {0};
    for (int32_t day = 0; day <= (int32_t)d->unit_max && r.decision == EXPERIMENT_CONTINUE; day++) {
        double control = draws_normal(&seed);
        add_day(day, control, control + edge + 0.4 * draws_normal(&seed));
        r = decide(day);
    }
    return r;
}

static void test_ship_stop_inconclusive(void **unused)
{
    (void)unused;
    for (unsigned method = 0; method < EXPERIMENT_METHOD_COUNT; method++) {
        struct experiment_design d = design_of(method);
        d.variance = 0.16;
        struct experiment_result r = run_until_decided(&d, 0.8, 5);
        assert_int_equal(r.decision, EXPERIMENT_SHIP);
        assert_true(r.lower > 0 && r.unit_count >= d.unit_min && r.unit_count < d.unit_max);
        assert_true(method == EXPERIMENT_MSPRT ? r.p < 0.05 : isnan(r.p));
        assert_int_equal(r.unit_count, decide(10000).unit_count); /* it stays */
        assert_int_equal(decide(10000).decision, EXPERIMENT_SHIP);
        struct experiment_pair more = pair_of(9999, 0, -3);
        assert_int_equal(experiment_add(&e, &more), -EALREADY);
        r = run_until_decided(&d, -0.8, 6);
        assert_int_equal(r.decision, EXPERIMENT_STOP);
        assert_true(r.upper < d.useful_r && (r.reasons & EXPERIMENT_BIT(FUTILE)));
        d.useful_r = 0.01; /* too small to be told from nothing */
        d.unit_max = 60;
        r = run_until_decided(&d, 0.0, 7);
        assert_int_equal(r.decision, EXPERIMENT_INCONCLUSIVE);
        assert_int_equal(r.unit_count, 60);
        assert_true(r.reasons & EXPERIMENT_BIT(LENGTH));
    }
}

static void test_not_before_the_registered_minimum(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_MSPRT);
    d.variance = 0.01;
    begin(&d);
    for (int32_t day = 0; day < 49; day++) {
        add_day(day, 0.0, 1.0);
        struct experiment_result r = decide(day);
        assert_int_equal(r.decision, EXPERIMENT_CONTINUE);
        assert_true((r.reasons & EXPERIMENT_BIT(UNITS)) && (day < 5 || r.lower > 0));
    }
    add_day(49, 0.0, 1.0);
    assert_int_equal(decide(49).decision, EXPERIMENT_SHIP);
    d = design_of(EXPERIMENT_ASYMPTOTIC);
    begin(&d);
    for (int32_t day = 0; day < 49; day++)
        add_day(day, 0.0, 1.0 + 0.01 * (day % 2));
    assert_true(isnan(decide(49).lower)); /* not to be believed yet */
}

static void test_days_end_it(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    d.day_max = 30;
    begin(&d);
    assert_int_equal(decide(1000).decision, EXPERIMENT_CONTINUE); /* not begun */
    add_day(100, 0, 0);
    assert_int_equal(decide(99).decision, EXPERIMENT_CONTINUE); /* a clock that is behind ends nothing */
    assert_int_equal(decide(129).decision, EXPERIMENT_CONTINUE);
    struct experiment_result r = decide(130);
    assert_int_equal(r.decision, EXPERIMENT_INCONCLUSIVE);
    assert_true(r.reasons & EXPERIMENT_BIT(LENGTH));
    d.day_max = UINT32_MAX;
    begin(&d);
    struct experiment_pair first = pair_of(INT32_MIN, 0, 0);
    first.time_ns = 2000;
    add(&first);
    assert_int_equal(decide(INT32_MAX).decision, EXPERIMENT_INCONCLUSIVE); /* 2^32 - 1 days, without overflow */
}

static void test_guardrails(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    d.drawdown_max_r = 5.0;
    d.cost_max_r = 0.1;
    begin(&d);
    add_day(1, 0, 4.0);
    add_day(2, 0, -5.0);
    struct experiment_result r = decide(2);
    assert_int_equal(r.decision, EXPERIMENT_CONTINUE); /* 5 exactly */
    assert_near(r.variant_drawdown_r, 5.0, 1e-15);
    add_day(3, 0, 0.5);
    add_day(4, 0, -0.6);
    r = decide(4);
    assert_int_equal(r.decision, EXPERIMENT_STOP);
    assert_true(r.reasons & EXPERIMENT_BIT(DRAWDOWN));
    begin(&d);
    for (int32_t day = 0; day < 20; day++) {
        struct experiment_pair pair = pair_of(day, 0, 0);
        pair.variant.cost_r = 0.11;
        add(&pair);
        r = decide(day);
        assert_int_equal(r.decision, day < 19 ? EXPERIMENT_CONTINUE : EXPERIMENT_STOP);
    }
    assert_near(r.variant_cost_r, 0.11, 1e-12);
    assert_true(r.reasons & EXPERIMENT_BIT(COST_GUARD));
    d.drawdown_max_r = d.cost_max_r = 0.0; /* none registered */
    begin(&d);
    add_day(1, 0, -100.0);
    assert_int_equal(decide(1).decision, EXPERIMENT_CONTINUE);
}

/* A variant that never trades beats a control that loses: that is no improvement of anything. */
static void test_never_ship_fewer_trades(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    d.unit_max = 120;
    begin(&d);
    uint64_t seed = 8;
    struct experiment_result r = {0};
    for (int32_t day = 0; day < 120; day++) {
        struct experiment_pair pair = pair_of(day, -1.0 + 0.5 * draws_normal(&seed), 0);
        pair.variant = skipped(22);
        add(&pair);
        experiment_close_day(&e, day);
        r = decide(day);
        assert_int_equal(r.decision, day < 119 ? EXPERIMENT_CONTINUE : EXPERIMENT_INCONCLUSIVE);
    }
    assert_true(r.lower > 0.5 && (r.reasons & EXPERIMENT_BIT(FEWER_TRADES)));
    /* the same with a real gain where it trades */
    begin(&d);
    for (int32_t day = 0; day < 120 && r.decision != EXPERIMENT_SHIP; day++) {
        struct experiment_pair pair = pair_of(day, -1.0 + 0.5 * draws_normal(&seed), day % 2 ? 0.3 : 0);
        if (day % 2 == 0)
            pair.variant = skipped(22);
        add(&pair);
        experiment_close_day(&e, day);
        r = decide(day);
    }
    assert_int_equal(r.decision, EXPERIMENT_SHIP);
}

static void test_never_ship_clustered(void **unused)
{
    (void)unused;
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    d.unit = EXPERIMENT_SIGNAL;
    d.unit_max = 100;
    for (unsigned clustered = 0; clustered < 2; clustered++) {
        begin(&d);
        struct experiment_result r = {0};
        for (int32_t i = 0; i < 100 && r.decision == EXPERIMENT_CONTINUE; i++) {
            struct experiment_pair pair = pair_of(clustered && i == 1 ? 0 : i, 0.0, 1.0);
            add(&pair); /* a signal is a unit at once */
            r = decide(i);
            assert_int_equal(r.unit_count, i + 1);
        }
        assert_int_equal(r.decision, clustered ? EXPERIMENT_INCONCLUSIVE : EXPERIMENT_SHIP);
        assert_int_equal((r.reasons & EXPERIMENT_BIT(CLUSTERED)) != 0, clustered);
    }
    begin(&d); /* a second signal that both skipped is no second trade */
    struct experiment_pair first = pair_of(0, 0, 1), second = pair_of(0, 0, 0);
    second.control = skipped(11);
    second.variant = skipped(22);
    add(&first);
    add(&second);
    assert_false(decide(0).reasons & EXPERIMENT_BIT(CLUSTERED));
}

static void test_alpha_is_shared(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("alpha", 4);
    struct experiment_design d = design_of(EXPERIMENT_BETTING);
    d.variant_count = 4;
    d.unit_min = d.unit_max = 300;
    begin(&d);
    static struct sequence_betting alone;
    sequence_betting_init(&alone, d.bound_r, 0.05 / 4);
    for (int32_t day = 0; day < 100; day++) {
        double x = draws_uniform(&seed) - 0.4;
        add_day(day, 0, x);
        sequence_betting_add(&alone, x);
    }
    struct sequence_interval i = sequence_betting_interval(&alone);
    struct experiment_result r = decide(100);
    assert_near(r.lower, i.lower, 1e-15);
    assert_near(r.upper, i.upper, 1e-15);
    assert_near(r.fixed_half_width / r.sd * 10, 2.4977054744, 1e-9); /* z(1 - .0125 / 2) */
}

/* Asked after every unit, on two arms of no difference: how often does it ship? */
static void test_false_shipping(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("false shipping", 1);
    static const enum experiment_method methods[] = {EXPERIMENT_BETTING, EXPERIMENT_ASYMPTOTIC, EXPERIMENT_MSPRT};
    for (unsigned m = 0; m < 3; m++) {
        struct experiment_design d = design_of(methods[m]);
        d.useful_r = 1e-6; /* never futile: nothing ends it but a mistake or its length */
        d.unit_min = methods[m] == EXPERIMENT_ASYMPTOTIC ? SEQUENCE_ASYMPTOTIC_MIN : 1;
        d.unit_max = 200;
        d.variance = 0.16;
        unsigned shipped = 0;
        for (unsigned run = 0; run < 120; run++)
            shipped += run_until_decided(&d, 0.0, hash_mix64(seed + run)).decision == EXPERIMENT_SHIP;
        print_message("%s ships nothing %u times in 120\n", experiment_method_text(methods[m]), shipped);
        assert_true(shipped <= 9); /* one side of 5 %: 3 are expected at most */
    }
}

static void test_planning(void **unused)
{
    (void)unused;
    /* quant.md: sd 1 R, .40 R at n = 50, .20 R at 200 */
    assert_near(experiment_detectable(1.0, 50, 0.05, 0.8), 0.396, 1e-3);
    assert_near(experiment_detectable(1.0, 200, 0.05, 0.8), 0.198, 1e-3);
    assert_true(isnan(experiment_detectable(1.0, 0, 0.05, 0.8)));
    assert_true(experiment_units_needed(1.0, 0.2, 0.05, 0.8) == 197.0);
    assert_true(isnan(experiment_units_needed(1.0, 0.0, 0.05, 0.8)));
    double needed = experiment_units_needed(1.3, 0.17, 0.0125, 0.9);
    assert_true(experiment_detectable(1.3, (uint64_t)needed, 0.0125, 0.9) <= 0.17);
    assert_true(experiment_detectable(1.3, (uint64_t)needed - 1, 0.0125, 0.9) > 0.17);
    assert_near(experiment_paired_sd(1.0, 1.0, 0.92), 0.4, 1e-15);
    assert_near(experiment_paired_sd(1.0, 1.0, 1.0), 0.0, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_designs_refused),
        cmocka_unit_test(test_days_are_units),
        cmocka_unit_test(test_clipping_and_direction),
        cmocka_unit_test(test_moments_of_the_arms),
        cmocka_unit_test(test_hostile_pairs),
        cmocka_unit_test(test_equal_pairs_give_equal_bytes),
        cmocka_unit_test(test_not_comparable),
        cmocka_unit_test(test_ship_stop_inconclusive),
        cmocka_unit_test(test_not_before_the_registered_minimum),
        cmocka_unit_test(test_days_end_it),
        cmocka_unit_test(test_guardrails),
        cmocka_unit_test(test_never_ship_fewer_trades),
        cmocka_unit_test(test_never_ship_clustered),
        cmocka_unit_test(test_alpha_is_shared),
        cmocka_unit_test(test_false_shipping),
        cmocka_unit_test(test_planning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
