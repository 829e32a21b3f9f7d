/* The objective's grid, refusals, plateau, ties, hysteresis; the gate of adoption one rule at a time. */
#include <string.h>

#include "tests/unit/draws.h"
#include "workers/performance/overfit/adoption.h"
#include "workers/performance/overfit/objective.h"

static void test_grid_and_edge(void **unused)
{
    (void)unused;
    static const double grid[OBJECTIVE_GRID_COUNT] = {0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4};
    for (uint32_t i = 0; i < OBJECTIVE_GRID_COUNT; i++)
        assert_true(objective_tau(i) == grid[i]); /* to the bit: thresholds are compared with decimals of a file */
    assert_near(objective_edge(0.5, 2.5, 1.0), 0.75, 1e-15);
    assert_near(objective_edge(1.0 / 3.5, 2.5, 1.0), 0.0, 1e-15); /* no edge: p = .286 for 2.5 : 1 */
    assert_true(isnan(objective_edge(1.1, 1, 1)) && isnan(objective_edge(-0.1, 1, 1)));
    assert_true(isnan(objective_edge(0.5, -1, 1)) && isnan(objective_edge(0.5, 1, -1)));
    assert_true(isnan(objective_edge((double)NAN, 1, 1)));
}

static void test_daily(void **unused)
{
    (void)unused;
    const struct objective_event events[] = {
        {0.10, 1.5, 3}, {0.05, -1.0, 3}, {0.0499, 9.0, 4}, {(double)NAN, 9.0, 4}, {0.4, -1.0, 0}, {0.3, 1.0, 0},
    };
    double daily[6];
    struct objective_sample s = objective_daily(events, 6, 0.05, daily, 6);
    assert_int_equal(s.trade_count, 4);
    assert_int_equal(s.active_day_count, 2); /* day 0 sums to nothing and was active all the same */
    static const double expected[6] = {0, 0, 0, 0.5, 0, 0};
    assert_memory_equal(daily, expected, sizeof daily);
    s = objective_daily(events, 6, 0.5, daily, 6);
    assert_int_equal(s.trade_count + s.active_day_count, 0);
    s = objective_daily(NULL, 0, 0.0, daily, 0);
    assert_int_equal(s.trade_count, 0);
}

static void test_score(void **unused)
{
    (void)unused;
    double daily[200];
    uint64_t seed = draws_seed("score", 3);
    for (unsigned i = 0; i < 200; i++)
        daily[i] = 0.1 + draws_normal(&seed);
    struct objective_sample sample = {OBJECTIVE_TRADES_MIN, OBJECTIVE_ACTIVE_DAYS_MIN};
    struct objective_score s;
    objective_score(daily, OBJECTIVE_DAYS_MIN, &sample, &s);
    assert_int_equal(s.refusals, 0);
    assert_true(s.se > 0.05 && s.se < 0.3);
    assert_near(s.j, s.sharpe - s.se, 1e-15);
    objective_score(daily, OBJECTIVE_DAYS_MIN - 1, &sample, &s);
    assert_int_equal(s.refusals, 1u << OBJECTIVE_REFUSAL_DAYS);
    sample.trade_count--;
    objective_score(daily, OBJECTIVE_DAYS_MIN, &sample, &s);
    assert_int_equal(s.refusals, 1u << OBJECTIVE_REFUSAL_TRADES);
    sample = (struct objective_sample){OBJECTIVE_TRADES_MIN, OBJECTIVE_ACTIVE_DAYS_MIN - 1};
    objective_score(daily, OBJECTIVE_DAYS_MIN, &sample, &s);
    assert_int_equal(s.refusals, 1u << OBJECTIVE_REFUSAL_ACTIVE_DAYS);
    sample.active_day_count++;
    for (unsigned i = 0; i < 200; i++)
        daily[i] = 0.5; /* no variance: no Sharpe ratio, however good */
    objective_score(daily, 200, &sample, &s);
    assert_int_equal(s.refusals, 1u << OBJECTIVE_REFUSAL_UNDEFINED);
    assert_string_equal(objective_refusal_text(OBJECTIVE_REFUSAL_DAYS), "fewer than 60 days");
    assert_string_equal(objective_refusal_text(OBJECTIVE_REFUSAL_COUNT), "?");
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

#define NONE OBJECTIVE_NO_INCUMBENT
#define REFUSED -99.0 /* stands for a refused threshold below */

static struct objective_choice choose(const double *j, uint32_t count, double se, uint32_t incumbent, uint32_t events)
{
    struct objective_score scores[OBJECTIVE_GRID_MAX];
    for (uint32_t i = 0; i < count; i++) {
        bool refused = j[i] <= REFUSED;
        scores[i] = (struct objective_score){refused ? (double)NAN : j[i] + se, se, refused ? (double)NAN : j[i],
                                             refused ? 1u << OBJECTIVE_REFUSAL_TRADES : 0};
    }
    struct objective_choice c;
    objective_choose(scores, count, incumbent, events, &c);
    return c;
}

static void test_smoothing(void **unused)
{
    (void)unused;
    const double j[] = {0.4, 0.8, REFUSED, 0.1, 0.3};
    struct objective_choice c = choose(j, 5, 0.1, NONE, 500);
    assert_near(c.smoothed[0], (0.5 * 0.4 + 0.25 * 0.8) / 0.75, 1e-15);
    assert_near(c.smoothed[1], (0.25 * 0.4 + 0.5 * 0.8) / 0.75, 1e-15); /* a refused neighbour weighs nothing */
    assert_true(isnan(c.smoothed[2]) && isnan(c.smoothed[5]));
    assert_near(c.smoothed[3], (0.5 * 0.1 + 0.25 * 0.3) / 0.75, 1e-15);
    const double whole[] = {0.4, 0.8, 0.2};
    assert_near(choose(whole, 3, 0.1, NONE, 500).smoothed[1], 0.25 * 0.4 + 0.5 * 0.8 + 0.25 * 0.2, 1e-15);
}

static void test_plateau(void **unused)
{
    (void)unused;
    const double spike[] = {-1, -1, -1, 5.0, -1, -1, 0.1, 0.1, 0.1};
    struct objective_choice c = choose(spike, 9, 0.01, 0, 500);
    assert_int_equal(c.outcome, OBJECTIVE_CHANGE);
    assert_true(c.chosen >= 6); /* the spike's neighbours lose: it is not for sale */
    assert_true(c.plateau);
    const double three_of_five[] = {-1, -1, 0.5, 0.6, 0.5, -1, -1};
    c = choose(three_of_five, 7, 0.01, 0, 500);
    assert_int_equal(c.outcome, OBJECTIVE_CHANGE);
    assert_int_equal(c.chosen, 3); /* 60 % exactly */
    const double two_of_five[] = {-1, -1, 0.5, 0.6, -1, -1, -1};
    c = choose(two_of_five, 7, 0.01, 2, 500);
    assert_int_equal(c.outcome, OBJECTIVE_NO_PLATEAU);
    assert_int_equal(c.chosen, 2);
    assert_false(c.plateau);
    const double refused_do_not_count[] = {REFUSED, REFUSED, 0.5, 0.6, REFUSED, REFUSED, REFUSED};
    assert_int_equal(choose(refused_do_not_count, 7, 0.01, 2, 500).outcome, OBJECTIVE_NO_PLATEAU);
    const double edge[] = {0.9, 0.8, -1, -1, -1};
    c = choose(edge, 5, 0.01, 4, 500);
    assert_int_equal(c.chosen, 0); /* two of three at the edge of the grid */
    const double none[] = {REFUSED, REFUSED};
    assert_int_equal(choose(none, 2, 0.1, 1, 500).outcome, OBJECTIVE_NONE_ADMITTED);
}

static void test_ties_go_up(void **unused)
{
    (void)unused;
    const double flat[] = {0.3, 0.3, 0.3, 0.3, 0.3};
    struct objective_choice c = choose(flat, 5, 0.01, NONE, 500);
    assert_int_equal(c.best, 4);
    const double rounding[] = {0.3 + 3e-16, 0.3, 0.3, 0.3, 0.3};
    assert_int_equal(choose(rounding, 5, 0.01, NONE, 500).best, 4);
    const double drift[] = {0.30001, 0.3, 0.3, 0.3, 0.3}; /* a real difference is one */
    assert_int_equal(choose(drift, 5, 0.01, NONE, 500).best, 0);
}

static void test_hysteresis(void **unused)
{
    (void)unused;
    const double better[] = {0.10, 0.10, 0.10, 0.20, 0.20, 0.20};
    /* J~ of the best: .2; of the incumbent at 0: .1 */
    struct objective_choice c = choose(better, 6, 0.41, 0, 500);
    assert_int_equal(c.outcome, OBJECTIVE_HYSTERESIS);
    assert_int_equal(c.chosen, 0);
    assert_int_equal(c.best, 5);
    c = choose(better, 6, 0.39, 0, 500);
    assert_int_equal(c.outcome, OBJECTIVE_CHANGE);
    assert_int_equal(c.chosen, 5);
    assert_int_equal(choose(better, 6, 0.39, 5, 500).outcome, OBJECTIVE_SAME);
    /* the larger error of the two counts, whoever has it */
    struct objective_score scores[3] = {{0.5, 0.1, 0.1, 0}, {0.6, 0.1, 0.15, 0}, {0.7, 0.1, 0.2, 0}};
    objective_choose(scores, 3, 0, 500, &c);
    assert_int_equal(c.outcome, OBJECTIVE_CHANGE);
    scores[0].se = 2.0;
    objective_choose(scores, 3, 0, 500, &c);
    assert_int_equal(c.outcome, OBJECTIVE_HYSTERESIS);
}

static void test_without_an_incumbent(void **unused)
{
    (void)unused;
    const double refused_incumbent[] = {0.3, 0.3, 0.3, REFUSED};
    struct objective_choice c = choose(refused_incumbent, 4, 0.1, 3, 500);
    assert_int_equal(c.outcome, OBJECTIVE_CHANGE);
    assert_int_equal(c.chosen, 2);
    const double drowned[] = {0.01, -9.0, 0.01, 0.01, -9.0}; /* on a plateau by count, its J~ below 0 */
    c = choose(drowned, 5, 0.1, NONE, 500);
    assert_int_equal(c.best, 2); /* J~ of it: -2.24; of the first: -2.99 */
    assert_int_equal(c.outcome, OBJECTIVE_NOT_POSITIVE);
    assert_int_equal(c.chosen, NONE);
    assert_false(c.plateau);
    assert_int_equal(choose(refused_incumbent, 4, 0.1, 0, OBJECTIVE_EVENTS_MIN - 1).outcome, OBJECTIVE_INSUFFICIENT);
    c = choose(refused_incumbent, 4, 0.1, 3, OBJECTIVE_EVENTS_MIN - 1);
    assert_int_equal(c.chosen, 3); /* the incumbent stays, even a refused one */
    assert_string_equal(objective_outcome_text(OBJECTIVE_INSUFFICIENT), "fewer than 50 events after the purge");
    assert_string_equal(objective_outcome_text(OBJECTIVE_OUTCOME_COUNT), "?");
}

/* --- the gate ----------------------------------------------------------------------------------------------------- */

static void test_adoption(void **unused)
{
    (void)unused;
    const struct adoption_evidence good = {
        .trade_count = 100, .dsr = 0.95, .spa_consistent = 0.9, .pbo = 0.4999, .plateau = true, .cost_stress_j = 1e-9};
    assert_int_equal(adoption_refusals(&good), 0);
    struct adoption_evidence e = good;
    e.trade_count = 99;
    assert_int_equal(adoption_refusals(&e), 1u << ADOPTION_TRADES);
    e = good;
    e.dsr = 0.9499;
    assert_int_equal(adoption_refusals(&e), 1u << ADOPTION_SIGNIFICANCE);
    e.spa_consistent = 0.05; /* the other one is enough */
    assert_int_equal(adoption_refusals(&e), 0);
    e = good;
    e.pbo = 0.5;
    assert_int_equal(adoption_refusals(&e), 1u << ADOPTION_PBO);
    e = good;
    e.plateau = false;
    assert_int_equal(adoption_refusals(&e), 1u << ADOPTION_PLATEAU);
    e = good;
    e.cost_stress_j = 0.0;
    assert_int_equal(adoption_refusals(&e), 1u << ADOPTION_COSTS);
    /* what is not known meets nothing */
    e = (struct adoption_evidence){0, (double)NAN, (double)NAN, (double)NAN, false, (double)NAN};
    assert_int_equal(adoption_refusals(&e), (1u << ADOPTION_RULE_COUNT) - 1);
    for (unsigned i = 0; i < ADOPTION_RULE_COUNT; i++)
        assert_true(strlen(adoption_rule_text(i)) > 10);
    assert_string_equal(adoption_rule_text(ADOPTION_RULE_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid_and_edge), cmocka_unit_test(test_daily),
        cmocka_unit_test(test_score),         cmocka_unit_test(test_smoothing),
        cmocka_unit_test(test_plateau),       cmocka_unit_test(test_ties_go_up),
        cmocka_unit_test(test_hysteresis),    cmocka_unit_test(test_without_an_incumbent),
        cmocka_unit_test(test_adoption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
