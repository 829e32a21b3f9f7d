/* PBO against a naive computation over whole halves, SPA's bounds and what they must do, hostile input. */
#include <errno.h>
#include <string.h>

#include "tests/unit/draws.h"
#include "workers/performance/overfit/pbo.h"
#include "workers/performance/overfit/psr.h"
#include "workers/performance/overfit/spa.h"

/* --- PBO ---------------------------------------------------------------------------------------------------------- */

enum { STRATEGIES = 7, PERIODS = 67 };

/* The Sharpe ratio of one series in the blocks of `set`, from the returns themselves. */
static double naive_sharpe(const double *r, uint32_t blocks, uint32_t set, uint32_t n)
{
    double half[PERIODS];
    uint32_t length = PERIODS / blocks, skipped = PERIODS % blocks, count = 0;
    for (uint32_t b = 0; b < blocks; b++)
        for (uint32_t t = 0; t < length; t++)
            if (set >> b & 1u)
                half[count++] = r[(skipped + b * length + t) * STRATEGIES + n];
    struct psr_moments m;
    psr_moments(half, count, &m);
    return m.sharpe;
}

static bool naive_combination(const double *r, uint32_t blocks, uint32_t set, struct pbo_combination *out)
{
    double inside[STRATEGIES], outside[STRATEGIES];
    uint32_t best = STRATEGIES, defined = 0, below = 0, equal = 0;
    for (uint32_t n = 0; n < STRATEGIES; n++) {
        inside[n] = naive_sharpe(r, blocks, set, n);
        outside[n] = naive_sharpe(r, blocks, ~set, n);
        if (!isnan(inside[n]) && (best == STRATEGIES || inside[n] > inside[best]))
            best = n;
    }
    if (best == STRATEGIES || isnan(outside[best]))
        return false;
    for (uint32_t n = 0; n < STRATEGIES; n++) {
        defined += !isnan(outside[n]);
        below += outside[n] < outside[best];
        equal += outside[n] == outside[best];
    }
    double w = (below + (equal + 1) / 2.0) / (defined + 1);
    *out = (struct pbo_combination){best, inside[best], outside[best], log(w / (1 - w))};
    return true;
}

/* Every choice of half of the blocks by nested counting: lexicographic order is that of the sorted block numbers. */
static uint32_t naive_sets(uint32_t blocks, uint32_t from, uint32_t left, uint32_t set, uint32_t *out, uint32_t count)
{
    if (left == 0) {
        out[count] = set;
        return count + 1;
    }
    for (uint32_t b = from; b + left <= blocks; b++)
        count = naive_sets(blocks, b + 1, left - 1, set | 1u << b, out, count);
    return count;
}

static void compare_with_naive(const double *r, uint32_t blocks)
{
    static struct pbo_combination combinations[12870];
    static uint32_t sets[12870];
    static double scratch[STRATEGIES * (3 * PBO_BLOCKS_MAX + 2)];
    struct pbo_input in = {r, PERIODS, STRATEGIES, blocks};
    struct pbo_result result;
    assert_true(pbo_scratch_count(&in) <= sizeof scratch / sizeof scratch[0]);
    assert_int_equal(pbo_run(&in, scratch, combinations, &result), 0);
    uint32_t count = naive_sets(blocks, 0, blocks / 2, 0, sets, 0), defined = 0, overfit = 0, losses = 0;
    assert_int_equal(count, result.combination_count);
    for (uint32_t i = 0; i < count; i++) {
        struct pbo_combination expected;
        if (!naive_combination(r, blocks, sets[i], &expected))
            continue;
        assert_int_equal(combinations[defined].chosen, expected.chosen);
        assert_near(combinations[defined].in_sample, expected.in_sample, 1e-12);
        assert_near(combinations[defined].out_of_sample, expected.out_of_sample, 1e-12);
        assert_near(combinations[defined].logit, expected.logit, 1e-12);
        overfit += expected.logit <= 0;
        losses += expected.out_of_sample < 0;
        defined++;
    }
    assert_int_equal(result.undefined_count, count - defined);
    assert_near(result.pbo, (double)overfit / defined, 1e-15);
    assert_near(result.loss, (double)losses / defined, 1e-15);
    for (uint32_t i = defined; i < count; i++)
        assert_true(isnan(combinations[i].logit));
}

static void test_pbo_against_naive(void **unused)
{
    (void)unused;
    double r[PERIODS * STRATEGIES];
    uint64_t seed = draws_seed("pbo", 12);
    for (unsigned run = 0; run < 30; run++) {
        for (unsigned i = 0; i < PERIODS * STRATEGIES; i++)
            r[i] = draws_normal(&seed) + 0.1 * (i % STRATEGIES);
        if (run % 3 == 1) /* one that trades in the first half alone, and one that never does */
            for (unsigned t = 0; t < PERIODS; t++) {
                r[t * STRATEGIES + 2] *= t < PERIODS / 2 ? 5.0 : 0.0;
                r[t * STRATEGIES + 4] = 0.0;
            }
        if (run % 3 == 2) /* twins: ties in both halves */
            for (unsigned t = 0; t < PERIODS; t++)
                r[t * STRATEGIES + 6] = r[t * STRATEGIES + 1];
        compare_with_naive(r, 4 + 2 * (run % 5));
    }
    compare_with_naive(r, 16);
}

static void test_pbo_extremes(void **unused)
{
    (void)unused;
    enum { T = 80, N = 3 };
    double r[T * N], scratch[N * (3 * 8 + 2)];
    struct pbo_combination c[70];
    struct pbo_result result;
    struct pbo_input in = {r, T, N, 8};
    uint64_t seed = draws_seed("pbo extremes", 4);
    for (unsigned i = 0; i < T * N; i++)
        r[i] = draws_normal(&seed) + (i % N == 1 ? 5.0 : 0.0); /* one really is better */
    assert_int_equal(pbo_run(&in, scratch, c, &result), 0);
    assert_near(result.pbo, 0.0, 0);
    assert_near(result.loss, 0.0, 0);
    assert_near(result.logit_mean, log(3.0), 1e-12); /* rank 3 of 3: w = 3/4 always */
    assert_near(result.logit_sd, 0.0, 1e-12);
    memset(r, 0, sizeof r); /* nobody ever trades */
    assert_int_equal(pbo_run(&in, scratch, c, &result), 0);
    assert_int_equal(result.undefined_count, 70);
    assert_true(isnan(result.pbo) && isnan(result.loss) && isnan(result.logit_mean) && isnan(result.logit_sd));
    assert_true(isnan(result.degradation.slope));
}

static void test_pbo_refuses(void **unused)
{
    (void)unused;
    double r[200] = {0}, scratch[100];
    struct pbo_combination c[70];
    struct pbo_result result, untouched;
    memset(&result, 0x5a, sizeof result);
    untouched = result;
    static const uint32_t bad[] = {0, 2, 3, 5, 17, 18, UINT32_MAX};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pbo_input in = {r, 100, 2, bad[i]};
        assert_int_equal(pbo_combination_count(bad[i]), 0);
        assert_int_equal(pbo_run(&in, scratch, c, &result), -EINVAL);
    }
    struct pbo_input in = {r, 7, 2, 4}; /* one period a block */
    assert_int_equal(pbo_run(&in, scratch, c, &result), -EINVAL);
    in = (struct pbo_input){r, 100, 1, 4};
    assert_int_equal(pbo_run(&in, scratch, c, &result), -EINVAL);
    in = (struct pbo_input){r, 100, 2, 4};
    r[199] = (double)INFINITY;
    assert_int_equal(pbo_run(&in, scratch, c, &result), -EINVAL);
    assert_memory_equal(&result, &untouched, sizeof result);
    assert_int_equal(pbo_combination_count(4), 6);
    assert_int_equal(pbo_combination_count(8), 70);
    assert_int_equal(pbo_combination_count(16), 12870);
}

static void test_line(void **unused)
{
    (void)unused;
    const double x[] = {1, 2, 3, 4}, y[] = {5, 3, 1, -1}, flat[] = {2, 2, 2, 2};
    struct pbo_line line = pbo_fit(x, y, 1, 4);
    assert_near(line.slope, -2.0, 1e-14);
    assert_near(line.intercept, 7.0, 1e-14);
    assert_near(line.r2, 1.0, 1e-14);
    line = pbo_fit(flat, y, 1, 4);
    assert_true(isnan(line.slope) && isnan(line.intercept) && isnan(line.r2));
    line = pbo_fit(x, flat, 1, 4);
    assert_near(line.slope, 0.0, 1e-14);
    assert_true(isnan(line.r2));
    line = pbo_fit(x, y, 1, 1);
    assert_true(isnan(line.slope));
}

/* --- SPA ---------------------------------------------------------------------------------------------------------- */

enum { DAYS = 120, RULES = 5, RESAMPLES = 300 };

static void stationary_bootstrap(uint32_t *indices, double block, uint64_t *seed)
{
    for (unsigned b = 0; b < RESAMPLES; b++)
        for (unsigned t = 0; t < DAYS; t++) {
            bool jump = t == 0 || draws_uniform(seed) < 1 / block;
            indices[b * DAYS + t] = jump ? (uint32_t)draws_integer(seed, DAYS) : (indices[b * DAYS + t - 1] + 1) % DAYS;
        }
}

static void test_spa_bounds(void **unused)
{
    (void)unused;
    static uint32_t indices[RESAMPLES * DAYS];
    static double d[DAYS * RULES];
    uint64_t seed = draws_seed("spa", 31);
    double block = spa_block(DAYS);
    assert_near(block, 5.0, 1e-15);
    unsigned noise = 0, apart = 0;
    for (unsigned run = 0; run < 40; run++) {
        bool skilled = run % 4 == 0;
        for (unsigned i = 0; i < DAYS * RULES; i++)
            d[i] = draws_normal(&seed) - (i % RULES == 3 ? 1.0 : 0.0) + (skilled && i % RULES == 1 ? 0.5 : 0.0);
        stationary_bootstrap(indices, block, &seed);
        for (unsigned studentised = 0; studentised < 2; studentised++) {
            struct spa_input in = {d, DAYS, RULES, indices, RESAMPLES, block, studentised};
            struct spa_strategy s[RULES];
            struct spa_result result;
            assert_int_equal(spa_test(&in, s, &result), 0);
            assert_true(result.lower <= result.consistent && result.consistent <= result.upper);
            assert_true(result.statistic >= 0 && result.left_out == 0 && result.best != 3);
            assert_near(s[3].centre[SPA_CONSISTENT], 0.0, 0); /* hopeless: does not set the bar */
            assert_true(s[3].centre[SPA_UPPER] < -0.5);
            apart += result.consistent < result.upper;
            if (skilled) {
                assert_int_equal(result.best, 1);
                assert_true(result.upper < 0.05);
            } else if (studentised)
                noise += result.consistent <= 0.05;
        }
    }
    print_message("SPA admits %u of 30 searches through noise\n", noise);
    assert_true(noise <= 6); /* 5 % of 30, and what chance adds */
    assert_true(apart > 0);
}

static void test_longrun_variance(void **unused)
{
    (void)unused;
    double x[DAYS * 2];
    uint64_t seed = draws_seed("long run", 6);
    for (unsigned i = 0; i < DAYS * 2; i++)
        x[i] = draws_normal(&seed);
    /* block 1: independent draws, the variance itself */
    double mean = 0, variance = 0;
    for (unsigned t = 0; t < DAYS; t++)
        mean += x[t * 2] / DAYS;
    for (unsigned t = 0; t < DAYS; t++)
        variance += (x[t * 2] - mean) * (x[t * 2] - mean) / DAYS;
    assert_near(spa_longrun_variance(x, 2, DAYS, 1.0), variance, 1e-12);
    /* T times the variance of bootstrap means is what it estimates */
    static uint32_t indices[RESAMPLES * DAYS];
    double sum = 0, squares = 0;
    stationary_bootstrap(indices, 4.0, &seed);
    for (unsigned b = 0; b < RESAMPLES; b++) {
        double m = 0;
        for (unsigned t = 0; t < DAYS; t++)
            m += x[indices[b * DAYS + t] * 2] / DAYS;
        sum += m;
        squares += m * m;
    }
    double simulated = DAYS * (squares / RESAMPLES - sum * sum / RESAMPLES / RESAMPLES);
    double computed = spa_longrun_variance(x, 2, DAYS, 4.0);
    print_message("long-run variance %.4f, by simulation %.4f\n", computed, simulated);
    assert_true(fabs(simulated / computed - 1) < 4 * sqrt(2.0 / RESAMPLES));
}

static void test_spa_refuses(void **unused)
{
    (void)unused;
    double d[40];
    uint32_t indices[80];
    for (unsigned i = 0; i < 40; i++)
        d[i] = i % 7;
    for (unsigned i = 0; i < 80; i++)
        indices[i] = i % 20;
    const struct spa_input good = {d, 20, 2, indices, 4, 5.0, true};
    struct spa_strategy s[2];
    struct spa_result result, kept;
    assert_int_equal(spa_test(&good, s, &result), 0);
    kept = result;
    struct spa_input in = good;
    in.period_count = SPA_PERIODS_MIN - 1;
    assert_int_equal(spa_test(&in, s, &result), -EINVAL);
    in = good;
    in.resample_count = 0;
    assert_int_equal(spa_test(&in, s, &result), -EINVAL);
    in = good;
    in.strategy_count = 0;
    assert_int_equal(spa_test(&in, s, &result), -EINVAL);
    in = good;
    in.block = 0.5;
    assert_int_equal(spa_test(&in, s, &result), -EINVAL);
    in.block = (double)NAN;
    assert_int_equal(spa_test(&in, s, &result), -EINVAL);
    indices[79] = 20; /* beyond the series */
    assert_int_equal(spa_test(&good, s, &result), -EINVAL);
    indices[79] = 0;
    d[39] = (double)NAN;
    assert_int_equal(spa_test(&good, s, &result), -EINVAL);
    assert_memory_equal(&result, &kept, sizeof kept);
    for (unsigned i = 0; i < 40; i++)
        d[i] = 0.25; /* nothing varies: nothing is shown */
    assert_int_equal(spa_test(&good, s, &result), 0);
    assert_int_equal(result.left_out, 2);
    assert_int_equal(result.best, 2);
    assert_true(result.lower == 1.0 && result.consistent == 1.0 && result.upper == 1.0 && result.statistic == 0.0);
    assert_near(spa_block(1000), 10.0, 1e-12);
    assert_near(spa_block(3), 3.0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pbo_against_naive), cmocka_unit_test(test_pbo_extremes),
        cmocka_unit_test(test_pbo_refuses),       cmocka_unit_test(test_line),
        cmocka_unit_test(test_spa_bounds),        cmocka_unit_test(test_longrun_variance),
        cmocka_unit_test(test_spa_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
