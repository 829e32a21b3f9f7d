/* Drawdowns: naive, bootstrapped, of Brownian motion against random walks; drift of features. */
#include "tests/unit/warning_support.h"

#include <errno.h>

#include "workers/performance/warning/drawdown.h"
#include "workers/performance/warning/drift.h"

static void drawdown_by_hand(void **state)
{
    (void)state;
    const double r[] = {-0.02, 0.5, -0.1, -0.1, 0.3, -0.05}, ruin[] = {0.1, -1.5, 0.5}, odd[] = {0.1, NAN};
    support_near(warning_drawdown(r, 1, 1.0), 0.02, 1e-12); /* the first loss falls from the start */
    support_near(warning_drawdown(r, 6, 1.0), 0.19, 1e-12);
    support_near(warning_drawdown(r, 6, 0.5), 1.0 - 0.95 * 0.95, 1e-12);
    assert_true(warning_drawdown(r, 0, 1.0) == 0.0 && warning_drawdown(ruin, 3, 1.0) == 1.0);
    assert_true(isnan(warning_drawdown(odd, 2, 1.0)));
}

static void bootstrap_counts_paths(void **state)
{
    (void)state;
    enum { DAYS = 40, PATHS = 300, RETURNS = 250 };
    static double r[RETURNS];
    static uint32_t indices[PATHS * DAYS];
    uint64_t seed = 3;
    for (int i = 0; i < RETURNS; i++)
        r[i] = 0.1 + support_normal(&seed);
    for (int i = 0; i < PATHS * DAYS; i++)
        indices[i] = (uint32_t)(support_uniform(&seed) * RETURNS);
    struct warning_drawdown_question q = {
        .returns = r, .return_count = RETURNS, .scale = 0.01, .indices = indices, .paths = PATHS, .days = DAYS};
    double before = 1.0;
    for (q.live = 0.0; q.live < 0.2; q.live += 0.01) {
        uint32_t reached = 0;
        for (int p = 0; p < PATHS; p++) {
            double path[DAYS];
            for (int i = 0; i < DAYS; i++)
                path[i] = r[indices[p * DAYS + i]];
            reached += warning_drawdown(path, DAYS, 0.01) >= q.live;
        }
        double got = warning_drawdown_p(&q);
        support_near(got, reached / (double)PATHS, 1e-15);
        assert_true(got <= before);
        before = got;
    }
    q.live = 0.03;
    double small = warning_drawdown_p(&q);
    q.scale = 0.03;
    assert_true(warning_drawdown_p(&q) > small); /* more risk, deeper paths */
    indices[PATHS * DAYS - 1] = RETURNS;
    assert_true(isnan(warning_drawdown_p(&q)));
    indices[PATHS * DAYS - 1] = 0;
    q.live = NAN;
    assert_true(isnan(warning_drawdown_p(&q)));
    q.live = 0.03, q.days = 0;
    assert_true(isnan(warning_drawdown_p(&q)));
    q.days = DAYS;
    for (int i = 0; i < RETURNS; i++)
        r[i] = i == (int)indices[0] ? -1000.0 : r[i]; /* ruin */
    q.live = 1.0, q.paths = 1;
    assert_true(warning_drawdown_p(&q) == 1.0);
}

/* The drawdown of a walk of n steps of 1 / sqrt(n) with drift m, exactly: survival below each height by its Markov
 * chain. */
static double walk_expected(double m, int n)
{
    static double a[2000], b[2000];
    double step = 1.0 / sqrt(n), up = 0.5 * (1.0 + m * step), expected = 0.0, beyond = 1.0;
    for (int h = 1; h < 2000 && beyond > 1e-6; h++) {
        double alive = 0.0;
        memset(a, 0, sizeof a);
        a[0] = 1.0;
        for (int t = 0; t < n; t++) {
            memset(b, 0, (size_t)h * sizeof b[0]);
            for (int i = 0; i < h; i++) {
                b[i > 0 ? i - 1 : 0] += up * a[i];
                if (i + 1 < h)
                    b[i + 1] += (1.0 - up) * a[i];
            }
            memcpy(a, b, (size_t)h * sizeof a[0]);
        }
        for (int i = 0; i < h; i++)
            alive += a[i];
        beyond = 1.0 - alive;
        expected += beyond * step;
    }
    return expected;
}

static void brownian_is_the_limit_of_walks(void **state)
{
    (void)state;
    const double drifts[] = {-2.1, -0.5, 0.2, 2.0};
    for (size_t i = 0; i < 4; i++) {
        double coarse = walk_expected(drifts[i], 196), fine = walk_expected(drifts[i], 784);
        support_near(warning_brownian_expected(drifts[i], 1.0, 1.0), 2.0 * fine - coarse,
                     3e-3); /* error of 1 / sqrt(n) gone */
    }
    support_near(warning_brownian_expected(0.0, 0.01, 63.0), sqrt(M_PI / 2.0) * 0.01 * sqrt(63.0), 1e-7);
    support_near(warning_brownian_expected(0.001, 0.01, 252.0),
                 0.01 * sqrt(252.0) * warning_brownian_expected(0.1 * sqrt(252.0), 1.0, 1.0), 1e-12);
    double before = INFINITY;
    for (double m = -4.5; m < 5.0; m += 0.13) { /* falls with the drift, over every seam */
        double now = warning_brownian_expected(m, 1.0, 1.0);
        assert_true(now < before);
        before = now;
    }
    support_near(warning_brownian_expected(-3.5999, 1.0, 1.0), warning_brownian_expected(-3.6001, 1.0, 1.0), 2e-4);
    double m = 300.0, x = m * m / 2.0; /* far up: 2 / m (ln(x) / 4 + .49088) */
    support_near(warning_brownian_expected(m, 1.0, 1.0), 2.0 / m * (0.25 * log(x) + 0.49088), 2e-5);
    assert_true(isnan(warning_brownian_expected(0, 0, 1)) && isnan(warning_brownian_expected(0, 1, -1)) &&
                isnan(warning_brownian_expected(NAN, 1, 1)));
}

static void tail_and_mean_agree(void **state)
{
    (void)state;
    double sum = 0.0, step = 1e-3;
    for (double depth = step / 2.0; depth < 9.0; depth += step)
        sum += step * warning_brownian_tail(depth, 1.0, 1.0);
    support_near(sum, sqrt(M_PI / 2.0), 1e-6);
    support_near(warning_brownian_tail(1.0 - 1e-9, 1.0, 1.0), warning_brownian_tail(1.0 + 1e-9, 1.0, 1.0),
                 1e-8); /* series meet */
    assert_true(warning_brownian_tail(0.0, 1.0, 1.0) == 1.0 && warning_brownian_tail(-1.0, 1.0, 1.0) == 1.0);
    assert_true(warning_brownian_tail(60.0, 1.0, 1.0) >= 0.0 && warning_brownian_tail(60.0, 1.0, 1.0) < 1e-300);
    assert_true(warning_brownian_tail(0.001, 1.0, 1.0) == 1.0 && isnan(warning_brownian_tail(1.0, 0.0, 1.0)));
}

/* --- drift
 * ------------------------------------------------------------------------------------------------------------------ */

static void psi_by_hand(void **state)
{
    (void)state;
    const uint64_t p[] = {50, 50}, q[] = {75, 25}, none[] = {0, 0}, empty[] = {100, 0};
    support_near(warning_psi(p, q, 2), 0.25 * log(1.5) - 0.25 * log(0.5), 1e-14);
    assert_true(warning_psi(p, p, 2) == 0.0 && isnan(warning_psi(p, none, 2)) && isnan(warning_psi(p, q, 1)));
    support_near(warning_psi(p, empty, 2), 0.5 * log(2.0) + (0.005 - 0.5) * log(0.005 / 0.5), 1e-12); /* half a value */
    assert_true(isnan(warning_psi_chance(10, 0, 5, 0.05)) && isnan(warning_psi_chance(10, 5, 5, 0.0)));
}

static void chance_is_kept(void **state)
{
    (void)state;
    uint64_t seed = 13;
    uint32_t beyond = 0, alarms = 0;
    for (int round = 0; round < 2000; round++) {
        uint64_t p[10] = {0}, q[10] = {0};
        for (int i = 0; i < 400; i++)
            p[(int)(support_uniform(&seed) * 10)]++;
        for (int i = 0; i < 60; i++)
            q[(int)(support_uniform(&seed) * 10)]++;
        beyond += warning_psi(p, q, 10) > warning_psi_chance(10, 400, 60, 0.05);
        alarms += warning_psi(p, q, 10) > 0.25;
    }
    assert_in_range(beyond, 60, 200); /* 5 % of 2,000, nearly */
    assert_true(alarms > 200);        /* .25 alone is passed by nothing at all, with 60 values */
}

static void drift_of_a_feature(void **state)
{
    (void)state;
    uint64_t seed = 19;
    static double sorted[1000];
    struct warning_drift d, copy;
    double psi;
    for (int i = 0; i < 1000; i++)
        sorted[i] = i / 100; /* ties: ten values of a hundred */
    assert_int_equal(warning_drift_init(&d, sorted, 1000, 10), 0);
    assert_int_equal(d.bin_count, 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(d.reference[i], 100);
    assert_false(warning_drift_alarmed(&d, 0.01, &psi));
    assert_true(isnan(psi)); /* nothing seen */
    for (int i = 0; i < 500; i++)
        warning_drift_observe(&d, floor(support_uniform(&seed) * 10.0));
    assert_false(warning_drift_alarmed(&d, 0.01, &psi));
    assert_true(psi < 0.1);
    copy = d;
    for (int i = 0; i < 100000; i++) /* a little more of one value, beyond any chance: no alarm all the same */
        warning_drift_observe(&copy, floor(support_uniform(&seed) * 10.0) + (i % 2 == 0 ? 1.0 : 0.0));
    assert_false(warning_drift_alarmed(&copy, 0.01, &psi));
    assert_true(psi > warning_psi_chance(10, 1000, 100500, 0.01) && psi < 0.25);
    warning_drift_observe(&d, NAN);
    assert_int_equal(d.missing, 1);
    for (int i = 0; i < 1000; i++)
        warning_drift_observe(&d, 7.0 + support_uniform(&seed));
    assert_true(warning_drift_alarmed(&d, 0.01, &psi) && psi > 0.25 && warning_drift_restorable(&d));
    uint32_t refused = 0;
    for (int round = 0; round < 5000; round++) {
        copy = d;
        support_spoil(&copy, sizeof copy, &seed);
        if (warning_drift_restorable(&copy))
            warning_drift_observe(&copy, 5.0), (void)warning_drift_alarmed(&copy, 0.01, NULL);
        else
            refused++;
    }
    assert_true(refused > 2000);
    warning_drift_restart(&d);
    assert_true(d.missing == 0 && d.live[7] == 0 && d.reference[7] == 100);
    d.edges[1] = d.edges[0];
    assert_false(warning_drift_restorable(&d));
    const double two[] = {1.0, 1.0, 1.0, 2.0}, flat[] = {1.0, 1.0, 1.0, 1.0}, down[] = {2.0, 1.0};
    assert_int_equal(warning_drift_init(&d, two, 4, 4), 0);
    assert_int_equal(d.bin_count, 2); /* edges that coincide count once */
    assert_int_equal(warning_drift_init(&d, flat, 4, 4), -EINVAL);
    assert_int_equal(warning_drift_init(&d, down, 2, 2), -EINVAL);
    assert_int_equal(warning_drift_init(&d, two, 4, 21), -EINVAL);
    assert_int_equal(warning_drift_init(&d, two, 1, 2), -EINVAL);
    assert_false(warning_drift_restorable(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawdown_by_hand),
        cmocka_unit_test(bootstrap_counts_paths),
        cmocka_unit_test(brownian_is_the_limit_of_walks),
        cmocka_unit_test(tail_and_mean_agree),
        cmocka_unit_test(psi_by_hand),
        cmocka_unit_test(chance_is_kept),
        cmocka_unit_test(drift_of_a_feature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
