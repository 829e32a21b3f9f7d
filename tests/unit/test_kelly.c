/* The Kelly bounds: their edges, the property that defines the bound, the sample against the two outcomes, and the
 * promise itself by simulation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/risk/kelly.h"

static double uniform(uint64_t *seed)
{
    *seed = hash_mix64(*seed);
    return ((double)(*seed >> 11) + 0.5) * 0x1p-53;
}

static void expect_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("%.17g is not %.17g", got, want);
}

static double excess(double p, double b, double lambda, double f)
{
    return p * pow(1.0 + f * b, -lambda) + (1.0 - p) * pow(1.0 - f, -lambda) - 1.0;
}

static void edges(void **state)
{
    (void)state;
    expect_near(kelly_aversion(0.95, 0.05), 58.403974814319771, 1e-15);
    assert_true(isnan(kelly_aversion(1.0, 0.05)) && isnan(kelly_aversion(0.0, 0.05)) &&
                isnan(kelly_aversion(0.9, 0.0)) && isnan(kelly_aversion(0.9, 1.0)) && isnan(kelly_aversion(NAN, 0.5)));
    expect_near(kelly_full(0.55, 1.0), 0.1, 1e-12);
    assert_true(kelly_full(0.5, 1.0) == 0.0 && kelly_full(0.2, 1.0) == 0.0 && kelly_full(1.0, 2.0) == 1.0);
    assert_true(isnan(kelly_full(0.5, 0.0)) && isnan(kelly_full(1.1, 1.0)) && isnan(kelly_full(-0.1, 1.0)) &&
                isnan(kelly_full(NAN, 1.0)) && isnan(kelly_full(0.5, INFINITY)));
    assert_true(kelly_constrained(0.5, 1.0, 0.95, 0.05) == 0.0); /* no edge, no bet */
    assert_true(kelly_constrained(0.0, 5.0, 0.95, 0.05) == 0.0);
    assert_true(kelly_constrained(1.0, 1.0, 0.95, 0.05) == 1.0);
    assert_true(isnan(kelly_constrained(0.55, 1.0, 0.95, 0.0)) && isnan(kelly_constrained(NAN, 1.0, 0.95, 0.05)));
    assert_true(isnan(kelly_constrained_sample(NULL, 0, 0.95, 0.05)));
    const double odd[] = {1.0, NAN}, wins[] = {0.0, 1.0}, losses[] = {-1.0, 0.5, 0.5};
    assert_true(isnan(kelly_constrained_sample(odd, 2, 0.95, 0.05)));
    assert_true(isinf(kelly_constrained_sample(wins, 2, 0.95, 0.05)));
    assert_true(kelly_constrained_sample(losses, 3, 0.95, 0.05) == 0.0);
}

static void bound_is_the_root(void **state)
{
    (void)state;
    uint64_t seed = 20240310;
    printf("# seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 2000; i++) {
        double b = 0.2 + 4.0 * uniform(&seed), even = 1.0 / (1.0 + b);
        double p = even + (1.0 - even) * (0.01 + 0.9 * uniform(&seed));
        double floor = 0.5 + 0.49 * uniform(&seed), probability = 0.005 + 0.4 * uniform(&seed);
        double lambda = kelly_aversion(floor, probability), f = kelly_constrained(p, b, floor, probability);
        assert_true(f > 0.0 && f < 1.0 && f < kelly_full(p, b));
        assert_true(excess(p, b, lambda, f * (1.0 - 1e-4)) < 1e-12);
        assert_true(excess(p, b, lambda, f * (1.0 + 1e-4)) > -1e-12);
        assert_true(kelly_constrained(p, b, floor, probability * 1.1) > f); /* a laxer promise allows more */
        assert_true(kelly_constrained(p, b, floor * 0.99, probability) > f);
    }
}

static void sample_agrees(void **state)
{
    (void)state;
    double x[20];
    for (int i = 0; i < 20; i++)
        x[i] = i < 11 ? 1.5 : -1.0; /* p .55 */
    expect_near(kelly_constrained_sample(x, 20, 0.95, 0.05), kelly_constrained(0.55, 1.5, 0.95, 0.05), 1e-12);
    for (int i = 0; i < 20; i++)
        x[i] *= 2.0; /* twice the outcome, half the share */
    expect_near(kelly_constrained_sample(x, 20, 0.95, 0.05), kelly_constrained(0.55, 1.5, 0.95, 0.05) / 2.0, 1e-12);
}

/* P(the lowest wealth < alpha) stays below beta: 4,000 paths of 3,000 trades at the bound, and does not at six times
 * it. */
static double ruined(double f, uint64_t seed)
{
    int ruins = 0;
    for (int path = 0; path < 4000; path++) {
        double wealth = 1.0;
        for (int trade = 0; trade < 3000 && wealth >= 0.9; trade++)
            wealth *= uniform(&seed) < 0.55 ? 1.0 + f : 1.0 - f;
        ruins += wealth < 0.9;
    }
    return ruins / 4000.0;
}

static void promise_holds(void **state)
{
    (void)state;
    double f = kelly_constrained(0.55, 1.0, 0.9, 0.05);
    double share = ruined(f, 7);
    assert_true(share > 0.03 && share <= 0.05 + 3.0 * sqrt(0.05 * 0.95 / 4000.0));
    assert_true(ruined(6.0 * f, 7) > 0.3);
}

static void base_rises_slowly(void **state)
{
    (void)state;
    expect_near(kelly_base_next(0.002, 0.01), 0.0022, 1e-15);
    assert_true(kelly_base_next(0.002, 0.0021) == 0.0021);
    assert_true(kelly_base_next(0.005, 0.001) == 0.001);
    assert_true(kelly_base_next(0.0, 0.01) == 0.0 && kelly_base_next(0.01, 0.0) == 0.0);
    assert_true(isnan(kelly_base_next(NAN, 0.01)) && isnan(kelly_base_next(0.01, NAN)) &&
                isnan(kelly_base_next(-1.0, 1.0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),         cmocka_unit_test(bound_is_the_root), cmocka_unit_test(sample_agrees),
        cmocka_unit_test(promise_holds), cmocka_unit_test(base_rises_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
