/* The family of monitors, its levels, the log of alarms and what it scores; the execution monitors together. */
#include "tests/unit/warning_support.h"

#include <errno.h>

#include "workers/performance/warning/execution.h"
#include "workers/performance/warning/log.h"

#define DAY (INT64_C(86400) * 1000000000)

static struct warning_workspace work;

static void actions_are_the_plan(void **state)
{
    (void)state;
    assert_true(warning_actions[WARNING_NONE].risk_factor == 1.0 && warning_actions[WARNING_NONE].entries);
    assert_true(warning_actions[WARNING_YELLOW].risk_factor == 0.5 && warning_actions[WARNING_YELLOW].entries);
    assert_true(warning_actions[WARNING_RED].risk_factor == 0.0 && !warning_actions[WARNING_RED].entries);
    for (uint32_t i = 0; i < WARNING_MONITOR_COUNT; i++) {
        assert_true(warning_monitors[i].name && warning_monitors[i].unit &&
                    warning_monitors[i].highest >= WARNING_YELLOW);
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(warning_monitors[i].name, warning_monitors[j].name);
    }
}

static void rates_add_up(void **state)
{
    (void)state;
    double arl0[8], per_month[8];
    for (int i = 0; i < 8; i++) {
        per_month[i] = 10.0 * (i + 1);
        arl0[i] = warning_family_arl0(8, WARNING_MONTHS_YELLOW, per_month[i]);
        support_near(arl0[i], 48.0 * per_month[i], 1e-14);
    }
    support_near(warning_family_rate(arl0, per_month, 8), 1.0 / 6.0, 1e-14); /* one in six months, all together */
    arl0[0] = INFINITY;
    support_near(warning_family_rate(arl0, per_month, 8), 7.0 / 48.0, 1e-14);
    arl0[1] = 0.5;
    assert_true(isnan(warning_family_rate(arl0, per_month, 8)));
    assert_true(isnan(warning_family_arl0(0, 6, 1)) && isnan(warning_family_arl0(3, NAN, 1)) &&
                isnan(warning_family_arl0(3, 6, 0)));
    assert_true(warning_family_rate(arl0, per_month, 0) == 0.0);
}

/* The stated rate, by simulation: eight charts that see one stream and its echoes (as dependent as can be) and eight
 * that do not know each other raise as many false alarms. */
static void rate_is_simulated(void **state)
{
    (void)state;
    uint64_t seed = 7;
    const double per_month = 20.0, arl0 = warning_family_arl0(8, 6.0, per_month);
    const double h = warning_cusum_critical(&work, 0.5, arl0, false);
    for (int dependent = 0; dependent < 2; dependent++) {
        struct warning_cusum charts[8];
        const struct warning_cusum_design design = {.deviation = 1.0, .k = 0.5, .h = h, .side = 1};
        uint32_t alarms = 0;
        const uint32_t observations = 400000;
        for (int i = 0; i < 8; i++)
            assert_int_equal(warning_cusum_init(&charts[i], &design), 0);
        for (uint32_t t = 0; t < observations; t++) {
            double x = support_normal(&seed);
            for (int i = 0; i < 8; i++) {
                if (!warning_cusum_observe(&charts[i], dependent ? x : support_normal(&seed)))
                    continue;
                alarms++;
                warning_cusum_reset(&charts[i]);
            }
        }
        double months = observations / per_month, rate = alarms / months;
        assert_true(fabs(rate - 1.0 / 6.0) < (dependent ? 0.03 : 0.012));
    }
}

static void levels_rise_and_lapse(void **state)
{
    (void)state;
    struct warning_family f;
    memset(&f, 0xa5, sizeof f);
    warning_family_init(&f);
    assert_true(warning_family_restorable(&f) && warning_family_level(&f) == WARNING_NONE);
    assert_true(warning_family_raise(&f, WARNING_MONITOR_SPREAD, WARNING_RED, 5 * DAY)); /* capped */
    assert_int_equal(warning_family_level(&f), WARNING_YELLOW);
    assert_false(warning_family_raise(&f, WARNING_MONITOR_SPREAD, WARNING_YELLOW, 10 * DAY)); /* stands: no news */
    assert_int_equal(warning_family_expire(&f, 39 * DAY), 0);
    assert_int_equal(warning_family_expire(&f, 40 * DAY), 1);
    assert_int_equal(warning_family_level(&f), WARNING_NONE);
    assert_true(warning_family_raise(&f, WARNING_MONITOR_EDGE, WARNING_YELLOW, 41 * DAY));
    assert_true(warning_family_raise(&f, WARNING_MONITOR_EDGE, WARNING_RED, 42 * DAY));
    assert_false(warning_family_raise(&f, WARNING_MONITOR_EDGE, WARNING_YELLOW, 43 * DAY));
    assert_true(warning_family_restorable(&f) && f.monitors[WARNING_MONITOR_EDGE].since_ns == 42 * DAY);
    assert_int_equal(warning_family_expire(&f, 4000 * DAY), 0); /* RED waits for a person */
    assert_int_equal(warning_family_expire(&f, INT64_MIN), 0);
    assert_int_equal(warning_family_level(&f), WARNING_RED);
    warning_family_review(&f, WARNING_MONITOR_EDGE);
    assert_int_equal(warning_family_level(&f), WARNING_NONE);
    struct warning_family copy = f;
    copy.monitors[WARNING_MONITOR_SPREAD].level = WARNING_RED; /* above its highest */
    assert_false(warning_family_restorable(&copy));
    copy = f;
    copy.monitors[0].since_ns = 1;
    assert_false(warning_family_restorable(&copy));
    copy = f;
    copy.version++;
    assert_false(warning_family_restorable(&copy));
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        copy = f;
        support_spoil(&copy, sizeof copy, &seed);
        if (warning_family_restorable(&copy))
            assert_true(warning_family_level(&copy) < WARNING_LEVEL_COUNT);
    }
}

/* --- the log
 * ---------------------------------------------------------------------------------------------------------------- */

static void score_by_hand(void **state)
{
    (void)state;
    const struct warning_alarm alarms[] = {
        {10 * DAY, WARNING_MONITOR_EDGE, WARNING_YELLOW, 0, 0},    /* event at 50 */
        {20 * DAY, WARNING_MONITOR_SPREAD, WARNING_YELLOW, 0, 0},  /* the same */
        {120 * DAY, WARNING_MONITOR_EDGE, WARNING_RED, 0, 0},      /* nothing until 210 */
        {300 * DAY, WARNING_MONITOR_EDGE, WARNING_RED, 0, 0},      /* at its last moment: 390 */
        {380 * DAY, WARNING_MONITOR_SPREAD, WARNING_YELLOW, 0, 0}, /* open until 470; its event counts as caught */
        {390 * DAY, 999, WARNING_RED, 0, 0},                       /* nobody's */
    };
    const int64_t events[] = {50 * DAY, 250 * DAY, 390 * DAY};
    struct warning_score_question q = {.alarms = alarms,
                                       .alarm_count = 6,
                                       .events = events,
                                       .event_count = 3,
                                       .now_ns = 460 * DAY,
                                       .horizon_ns = WARNING_HORIZON_NS,
                                       .monitor = WARNING_MONITOR_COUNT,
                                       .level = WARNING_YELLOW};
    struct warning_score s;
    warning_log_score(&q, &s);
    assert_true(s.open == 1 && s.scored == 4 && s.hits == 3 && s.events == 3 && s.caught == 2);
    support_near(s.precision, 0.75, 1e-15);
    assert_true(s.precision_low > 0.25 && s.precision_low < 0.35 && s.precision_high > 0.9 && s.precision_high < 1.0);
    support_near(s.recall, 2.0 / 3.0, 1e-15);
    support_near(s.lead_mean_days, (40.0 + 90.0) / 2.0, 1e-12);
    support_near(s.lead_least_days, 40.0, 1e-12);
    support_near(s.base_rate, (50.0 + 90.0 + 70.0) / 370.0, 1e-12); /* [0,50) [160,250) [300,370) of [0,370] */
    q.monitor = WARNING_MONITOR_EDGE;
    q.level = WARNING_RED;
    warning_log_score(&q, &s);
    assert_true(s.scored == 2 && s.hits == 1 && s.caught == 1 && s.lead_mean_days == 90.0);
    q.from_ns = 130 * DAY;
    warning_log_score(&q, &s);
    assert_true(s.scored == 1 && s.hits == 1 && s.events == 2 && s.precision_high == 1.0);
    q.monitor = WARNING_MONITOR_DRAWDOWN;
    warning_log_score(&q, &s);
    assert_true(s.scored == 0 && isnan(s.precision) && isnan(s.precision_low) && isnan(s.precision_high) &&
                s.recall == 0.0 && isnan(s.lead_mean_days));
    const int64_t close[] = {200 * DAY, 210 * DAY};
    q.events = close, q.event_count = 2, q.from_ns = 0;
    warning_log_score(&q, &s);
    support_near(s.base_rate, 100.0 / 370.0, 1e-12); /* [110, 210) once */
    q.event_count = 0;
    q.from_ns = 400 * DAY; /* not yet as long as the horizon */
    warning_log_score(&q, &s);
    assert_true(isnan(s.recall) && isnan(s.base_rate) && s.events == 0);
}

/* Alarms that know nothing have the precision of the base rate. */
static void blind_alarms_score_the_base_rate(void **state)
{
    (void)state;
    static struct warning_alarm alarms[4000];
    static int64_t events[60];
    uint64_t seed = 11;
    for (int i = 0; i < 4000; i++)
        alarms[i] = (struct warning_alarm){i * 5 * DAY + (int64_t)(support_uniform(&seed) * (double)DAY),
                                           WARNING_MONITOR_EDGE, WARNING_YELLOW, 0, 0};
    for (int i = 0; i < 60; i++)
        events[i] = i * 333 * DAY + (int64_t)(support_uniform(&seed) * 300.0 * (double)DAY);
    const struct warning_score_question q = {.alarms = alarms,
                                             .alarm_count = 4000,
                                             .events = events,
                                             .event_count = 60,
                                             .now_ns = 20000 * DAY,
                                             .horizon_ns = WARNING_HORIZON_NS,
                                             .monitor = WARNING_MONITOR_COUNT,
                                             .level = WARNING_YELLOW};
    struct warning_score s;
    warning_log_score(&q, &s);
    assert_true(fabs(s.precision - s.base_rate) < 0.01 && s.base_rate > 0.2 && s.base_rate < 0.3);
    assert_true(s.recall == 1.0); /* ever-present alarms catch everything: recall alone is worth nothing */
}

/* --- execution
 * --------------------------------------------------------------------------------------------------------------- */

static const struct warning_execution_model model = {.slippage_mean = 0.4,
                                                     .slippage_deviation = 1.0,
                                                     .spread_mean = 0.0,
                                                     .spread_deviation = 0.3,
                                                     .unfilled = 0.05,
                                                     .signals_a_day = 2.0,
                                                     .shift = 1.0,
                                                     .arl0_fills = 1000,
                                                     .arl0_hours = 5000,
                                                     .arl0_orders = 1000,
                                                     .arl0_days = 1000};

static uint32_t feed(struct warning_execution *e, uint64_t *seed, const double change[4], uint32_t steps)
{
    uint32_t alarms = 0;
    for (uint32_t t = 0; t < steps; t++) {
        alarms |= (uint32_t)warning_execution_fill(e, 0.4 + change[0] + support_normal(seed));
        alarms |= (uint32_t)warning_execution_quote(e, 12.0 * exp(0.3 * (change[1] + support_normal(seed))), 12.0) << 1;
        alarms |= (uint32_t)warning_execution_order(e, support_uniform(seed) > 0.05 * change[2]) << 2;
        alarms |= (uint32_t)warning_execution_day(e, support_poisson(seed, 2.0 * change[3])) << 3;
    }
    return alarms;
}

static void execution_leads(void **state)
{
    (void)state;
    static struct warning_execution fresh, e;
    uint64_t seed = 5;
    assert_int_equal(warning_execution_init(&fresh, &model, &work), 0);
    const double same[] = {0, 0, 1, 1}, worse[] = {1, 1, 3, 0.3}, more[] = {0, 0, 1, 2.5};
    e = fresh;
    assert_int_equal(feed(&e, &seed, same, 60), 0);
    assert_true(warning_execution_restorable(&e, &fresh));
    assert_int_equal(feed(&e, &seed, worse, 60), 15); /* all four within 60 */
    e = fresh;
    assert_int_equal(feed(&e, &seed, more, 30), 8);
    assert_false(warning_execution_quote(&e, 0.0, 12.0) || warning_execution_quote(&e, 12.0, NAN)); /* passed over */
    struct warning_execution copy = e;
    copy.unfilled.sum = -1;
    assert_false(warning_execution_restorable(&copy, &fresh));
    for (int i = 0; i < 5000; i++) {
        copy = e;
        support_spoil(&copy, sizeof copy, &seed);
        if (warning_execution_restorable(&copy, &fresh))
            (void)feed(&copy, &seed, same, 1);
    }
}

static void execution_refuses(void **state)
{
    (void)state;
    static struct warning_execution e;
    static const struct warning_execution none;
    struct warning_execution_model bad[5];
    for (int i = 0; i < 5; i++)
        bad[i] = model;
    bad[0].slippage_deviation = 0.0, bad[1].unfilled = 0.0, bad[2].signals_a_day = 0.0, bad[3].arl0_fills = NAN;
    bad[4].shift = 0.001; /* such a small shift needs a limit beyond the largest */
    bad[4].arl0_fills = 1e12;
    const int errors[] = {-EINVAL, -EINVAL, -EINVAL, -EINVAL, -ERANGE};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(warning_execution_init(&e, &bad[i], &work), errors[i]);
        assert_memory_equal(&e, &none, sizeof e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_are_the_plan), cmocka_unit_test(rates_add_up),
        cmocka_unit_test(rate_is_simulated),    cmocka_unit_test(levels_rise_and_lapse),
        cmocka_unit_test(score_by_hand),        cmocka_unit_test(blind_alarms_score_the_base_rate),
        cmocka_unit_test(execution_leads),      cmocka_unit_test(execution_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
