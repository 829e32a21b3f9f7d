/* Always-valid intervals: against naive recomputation from the whole series, against each other, and by simulation. */
#include <string.h>

#include "tests/unit/draws.h"
#include "workers/performance/experiment/boundary.h"
#include "workers/performance/experiment/sequence.h"

#define ALPHA 0.05
enum { N = 300 };

/* --- naive: from the definitions, the whole series at hand ------------------------------------------------------- */

/* Bet t (from 0) of the series u in [0, 1]: every mean and variance from scratch. */
static double naive_bet(const double *u, unsigned t, double alpha)
{
    double variance = 0.25;
    for (unsigned i = 0; i < t; i++) {
        double mean = 0.5;
        for (unsigned j = 0; j <= i; j++)
            mean += u[j];
        mean /= i + 2;
        variance += (u[i] - mean) * (u[i] - mean);
    }
    variance /= t + 1;
    return sqrt(2 * log(1 / alpha) / ((t + 1) * log(t + 2.0) * variance));
}

static double naive_bernstein_lower(const double *u, unsigned n, double alpha)
{
    double weights = 0, weighted = 0, penalty = 0, sum = 0;
    for (unsigned t = 0; t < n; t++) {
        double bet = fmin(0.5, naive_bet(u, t, alpha)), mean = t > 0 ? sum / t : 0;
        weights += bet;
        weighted += bet * u[t];
        penalty += (u[t] - mean) * (u[t] - mean) * (-log(1 - bet) - bet);
        sum += u[t];
    }
    return (weighted - log(1 / alpha) - penalty) / weights;
}

/* Products, not logarithms. */
static bool naive_refutes(const double *u, const double *bets, unsigned n, double mean, double alpha)
{
    double up = 0.5, down = 0.5;
    for (unsigned t = 0; t < n; t++) {
        up *= 1 + fmin(bets[t], mean > 0 ? 0.5 / mean : 1e300) * (u[t] - mean);
        down *= 1 - fmin(bets[t], mean < 1 ? 0.5 / (1 - mean) : 1e300) * (u[t] - mean);
    }
    return fmax(up, down) > 1 / alpha;
}

static void test_against_naive(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("naive", 17);
    static const double bound = 2.0;
    double x[N], u[N], mirrored[N], bets[N];
    struct sequence_bernstein bernstein;
    static struct sequence_betting betting;
    struct sequence_mean mean = {0, 0, 0};
    sequence_bernstein_init(&bernstein, bound, ALPHA);
    sequence_betting_init(&betting, bound, ALPHA);
    for (unsigned n = 1; n <= N; n++) {
        x[n - 1] = fmax(-bound, fmin(bound, 0.3 + 0.8 * draws_normal(&seed)));
        u[n - 1] = (x[n - 1] + bound) / (2 * bound);
        mirrored[n - 1] = 1 - u[n - 1];
        bets[n - 1] = naive_bet(u, n - 1, ALPHA / 2);
        sequence_bernstein_add(&bernstein, x[n - 1]);
        sequence_betting_add(&betting, x[n - 1]);
        sequence_mean_add(&mean, x[n - 1]);
        if (n % 20 != 0)
            continue;
        struct sequence_interval i = sequence_bernstein_interval(&bernstein);
        double lower = fmax(0, naive_bernstein_lower(u, n, ALPHA / 2));
        double upper = fmin(1, 1 - naive_bernstein_lower(mirrored, n, ALPHA / 2));
        assert_near(i.lower, -bound + 2 * bound * lower, 1e-11);
        assert_near(i.upper, -bound + 2 * bound * upper, 1e-11);
        unsigned first = 0, last = SEQUENCE_GRID;
        while (first <= SEQUENCE_GRID && naive_refutes(u, bets, n, first / 1000.0, ALPHA))
            first++;
        while (last > 0 && naive_refutes(u, bets, n, last / 1000.0, ALPHA))
            last--;
        i = sequence_betting_interval(&betting);
        assert_near(i.lower, -bound + 2 * bound * fmax(0, (first - 1.0) / 1000), 1e-12);
        assert_near(i.upper, -bound + 2 * bound * fmin(1, (last + 1.0) / 1000), 1e-12);
        double sum = 0, squares = 0;
        for (unsigned k = 0; k < n; k++)
            sum += x[k];
        for (unsigned k = 0; k < n; k++)
            squares += (x[k] - sum / n) * (x[k] - sum / n);
        assert_near(mean.mean, sum / n, 1e-14);
        assert_near(sequence_mean_sd(&mean, 1), sqrt(squares / (n - 1)), 1e-13);
        assert_near(sequence_mean_sd(&mean, 0), sqrt(squares / n), 1e-13);
    }
}

/* --- coverage ----------------------------------------------------------------------------------------------------- */

/* Skewed, bounded, mean known: -1 with probability .55, otherwise uniform in 0 .. 2.5 (an exit ladder's R). */
static double ladder_r(uint64_t *seed)
{
    return draws_uniform(seed) < 0.55 ? -1.0 : 2.5 * draws_uniform(seed);
}
static const double ladder_mean = -0.55 + 0.45 * 1.25;
static const double ladder_variance = 0.55 + 0.45 * 6.25 / 3 - (-0.55 + 0.45 * 1.25) * (-0.55 + 0.45 * 1.25);

enum { RUNS = 150, LOOKS = 250 };

static void test_coverage_at_all_times(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("coverage", 99);
    unsigned missed[4] = {0}, fixed = 0;
    double widths[4] = {0};
    for (unsigned run = 0; run < RUNS; run++) {
        struct sequence_bernstein bernstein, hoeffding;
        static struct sequence_betting betting;
        struct sequence_msprt msprt;
        struct sequence_mean mean = {0, 0, 0};
        sequence_bernstein_init(&bernstein, 3.0, ALPHA);
        sequence_bernstein_init(&hoeffding, 3.0, ALPHA);
        sequence_betting_init(&betting, 3.0, ALPHA);
        sequence_msprt_init(&msprt, ladder_variance, 0.04);
        bool out[4] = {false}, out_fixed = false;
        struct sequence_interval i[4];
        for (unsigned n = 1; n <= LOOKS; n++) {
            double x = ladder_r(&seed);
            sequence_bernstein_add(&bernstein, x);
            sequence_hoeffding_add(&hoeffding, x);
            sequence_betting_add(&betting, x);
            sequence_msprt_add(&msprt, x);
            sequence_mean_add(&mean, x);
            i[0] = sequence_bernstein_interval(&bernstein);
            i[1] = sequence_bernstein_interval(&hoeffding);
            double half = sequence_msprt_half_width(&msprt, ALPHA);
            i[2] = (struct sequence_interval){mean.mean - half, mean.mean + half};
            i[3] = n % 10 == 0 ? sequence_betting_interval(&betting) : (struct sequence_interval){-3, 3};
            for (unsigned k = 0; k < 4; k++)
                out[k] |= ladder_mean < i[k].lower || ladder_mean > i[k].upper;
            double fixed_half = 1.96 * sequence_mean_sd(&mean, 1) / sqrt(n);
            out_fixed |= n >= 30 && fabs(mean.mean - ladder_mean) > fixed_half;
        }
        for (unsigned k = 0; k < 4; k++) {
            missed[k] += out[k];
            widths[k] += (i[k].upper - i[k].lower) / RUNS;
        }
        fixed += out_fixed;
    }
    print_message(
        "missed at any time in %u runs: Bernstein %u, Hoeffding %u, mSPRT %u, betting %u; looking every time at a "
        "fixed-n interval %u\n",
        RUNS, missed[0], missed[1], missed[2], missed[3], fixed);
    for (unsigned k = 0; k < 4; k++)
        assert_true(missed[k] <= 17); /* 5 % of 150 and 3.5 deviations */
    assert_true(fixed > 25);          /* what they are for */
    assert_true(widths[3] < widths[0] && widths[0] < widths[1]);
}

/* With much data the bets find the mean, and logarithms do not run out. */
static void test_long_runs(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("long", 23);
    static struct sequence_betting betting;
    struct sequence_bernstein bernstein;
    sequence_betting_init(&betting, 3.0, ALPHA);
    sequence_bernstein_init(&bernstein, 3.0, ALPHA);
    for (unsigned n = 0; n < 20000; n++) {
        double x = ladder_r(&seed);
        sequence_betting_add(&betting, x);
        sequence_bernstein_add(&bernstein, x);
    }
    struct sequence_interval a = sequence_betting_interval(&betting), b = sequence_bernstein_interval(&bernstein);
    assert_true(a.lower <= ladder_mean && ladder_mean <= a.upper && a.upper - a.lower < 0.15);
    assert_true(b.lower <= ladder_mean && ladder_mean <= b.upper && b.upper - b.lower < 0.2);
    for (unsigned i = 0; i <= SEQUENCE_GRID; i++)
        assert_true(isfinite(betting.log_up[i]) && isfinite(betting.log_down[i]));
}

static void test_empty_and_extreme(void **unused)
{
    (void)unused;
    static struct sequence_betting betting;
    struct sequence_bernstein bernstein;
    struct sequence_msprt msprt;
    struct sequence_mean mean = {0, 0, 0};
    sequence_betting_init(&betting, 3.0, ALPHA);
    sequence_bernstein_init(&bernstein, 3.0, ALPHA);
    sequence_msprt_init(&msprt, 1.0, 0.1);
    struct sequence_interval i = sequence_betting_interval(&betting);
    assert_true(i.lower == -3.0 && i.upper == 3.0);
    i = sequence_bernstein_interval(&bernstein);
    assert_true(i.lower == -3.0 && i.upper == 3.0);
    assert_true(isinf(sequence_msprt_half_width(&msprt, ALPHA)) && msprt.p == 1.0);
    assert_near(sequence_msprt_log_ratio(&msprt), 0.0, 0);
    assert_true(isnan(sequence_mean_sd(&mean, 0)) && isnan(sequence_asymptotic_half_width(0, 1.0, 100, ALPHA)));
    for (unsigned n = 0; n < 2000; n++) { /* always at the edge: x - mean is 0 or 1 on the grid's ends */
        sequence_betting_add(&betting, 3.0);
        sequence_bernstein_add(&bernstein, 3.0);
    }
    i = sequence_betting_interval(&betting);
    assert_true(i.lower > 2.9 && i.upper == 3.0);
    i = sequence_bernstein_interval(&bernstein);
    assert_true(i.lower > 2.5 && i.upper == 3.0);
    double before = msprt.p;
    for (unsigned n = 0; n < 50; n++) { /* a p-value that never rises again */
        sequence_msprt_add(&msprt, n < 20 ? 1.0 : -1.0);
        assert_true(msprt.p <= before);
        before = msprt.p;
    }
    assert_true(msprt.p < 0.05);
}

static void test_equal_histories_give_equal_bytes(void **unused)
{
    (void)unused;
    static struct sequence_betting a, b;
    memset(&a, 0xa5, sizeof a);
    memset(&b, 0x5a, sizeof b);
    sequence_betting_init(&a, 3.0, ALPHA);
    sequence_betting_init(&b, 3.0, ALPHA);
    uint64_t seed = 5;
    for (unsigned n = 0; n < 50; n++) {
        double x = ladder_r(&seed);
        sequence_betting_add(&a, x);
        sequence_betting_add(&b, x);
    }
    assert_memory_equal(&a, &b, sizeof a);
}

/* --- boundaries --------------------------------------------------------------------------------------------------- */

static void test_msprt_is_the_normal_mixture(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("mixture", 3);
    struct sequence_msprt msprt;
    const double s2 = 1.7, t2 = 0.06, rho = s2 * s2 / t2;
    sequence_msprt_init(&msprt, s2, t2);
    for (unsigned n = 1; n < 500; n++) {
        sequence_msprt_add(&msprt, 0.1 + draws_normal(&seed));
        /* in units of S = sum / s2 * s2: the sum's variance is n s2 */
        assert_near(n * sequence_msprt_half_width(&msprt, ALPHA), boundary_normal_two_sided(n * s2, rho, ALPHA), 1e-12);
        assert_near(sequence_msprt_log_ratio(&msprt), boundary_normal_two_sided_log(msprt.sum, n * s2, rho), 1e-11);
    }
}

static void test_boundaries_are_roots(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("roots", 12);
    for (unsigned run = 0; run < 3000; run++) {
        double v = exp(14 * draws_uniform(&seed) - 1), v_opt = exp(12 * draws_uniform(&seed));
        double alpha = 0.001 + 0.3 * draws_uniform(&seed), c = 0.2 + 3 * draws_uniform(&seed);
        double two = boundary_rho_two_sided(v_opt, alpha), one = boundary_rho_one_sided(v_opt, alpha);
        double threshold = log(1 / alpha);
        double normal = boundary_normal_one_sided(v, one, alpha), gamma = boundary_gamma_exponential(v, one, c, alpha);
        assert_near(boundary_normal_two_sided_log(boundary_normal_two_sided(v, two, alpha), v, two), threshold, 1e-9);
        assert_near(boundary_normal_one_sided_log(normal, v, one), threshold, 1e-9);
        assert_near(boundary_gamma_exponential_log(gamma, v, one, c), threshold, 1e-4);
        assert_true(gamma > normal * (1 - 1e-6)); /* heavier tails, wider boundary */
        assert_true(boundary_gamma_exponential(v, one, 2 * c, alpha) > gamma * (1 - 1e-6));
        assert_true(normal < boundary_normal_two_sided(v, one, alpha)); /* one side has the whole error */
        /* no other rho is better at v_opt */
        double best = boundary_normal_two_sided(v_opt, two, alpha);
        assert_true(boundary_normal_two_sided(v_opt, two * 1.5, alpha) > best * 0.999);
        assert_true(boundary_normal_two_sided(v_opt, two / 1.5, alpha) > best * 0.999);
    }
}

static void test_stitching(void **unused)
{
    (void)unused;
    double before = 0.0;
    for (double v = 0.1; v < 1e6; v *= 1.3) {
        double plain = boundary_stitched(v, 10, 0, BOUNDARY_STITCH_S, BOUNDARY_STITCH_ETA, ALPHA);
        double scaled = boundary_stitched(v, 10, 1, BOUNDARY_STITCH_S, BOUNDARY_STITCH_ETA, ALPHA);
        assert_true(plain >= before && scaled > plain);
        if (v > 10)
            assert_true(plain > before);
        before = plain;
    }
}

static void test_nonsense_is_nan(void **unused)
{
    (void)unused;
    const double nan = (double)NAN;
    assert_true(isnan(boundary_rho_two_sided(0, ALPHA)) && isnan(boundary_rho_two_sided(1, 0)) &&
                isnan(boundary_rho_two_sided(1, 1)) && isnan(boundary_rho_two_sided(nan, ALPHA)));
    assert_true(isnan(boundary_rho_one_sided(1, 0.5)));
    assert_true(isnan(boundary_normal_two_sided(-1, 1, ALPHA)) && isnan(boundary_normal_two_sided(1, 0, ALPHA)) &&
                isnan(boundary_normal_two_sided(1, nan, ALPHA)));
    assert_true(isnan(boundary_normal_one_sided(1, 1, 1.5)) && isnan(boundary_normal_one_sided(nan, 1, ALPHA)));
    assert_true(isnan(boundary_normal_two_sided_log(1, -1, 1)) && isnan(boundary_normal_one_sided_log(1, 1, -1)));
    assert_true(isnan(boundary_gamma_exponential(1, 1, 0, ALPHA)) &&
                isnan(boundary_gamma_exponential_log(-1, 1, 1, 1)));
    assert_true(isnan(boundary_stitched(1, 0, 0, 1.4, 2, ALPHA)) && isnan(boundary_stitched(1, 1, -1, 1.4, 2, ALPHA)) &&
                isnan(boundary_stitched(1, 1, 0, 1, 2, ALPHA)) && isnan(boundary_stitched(1, 1, 0, 1.4, 1, ALPHA)));
    assert_true(isnan(boundary_bernoulli(3, 2, 100, ALPHA).lower) &&
                isnan(boundary_bernoulli(-1, 2, 100, ALPHA).upper) && isnan(boundary_bernoulli(1, 2, 0, ALPHA).lower) &&
                isnan(boundary_bernoulli(1, 2, 100, 0).lower));
}

static void test_bernoulli(void **unused)
{
    (void)unused;
    struct boundary_interval i = boundary_bernoulli(0, 0, 100, ALPHA);
    assert_true(i.lower == 0.0 && i.upper == 1.0);
    for (uint64_t n = 1; n <= 400; n = n * 2 + 1)
        for (uint64_t k = 0; k <= n; k += 1 + n / 20) {
            struct boundary_interval a = boundary_bernoulli((double)k, n, 100, ALPHA);
            struct boundary_interval b = boundary_bernoulli((double)(n - k), n, 100, ALPHA);
            assert_near(a.lower, 1 - b.upper, 1e-9); /* wins and losses exchanged */
            assert_true(a.lower >= 0 && a.lower <= (double)k / n && a.upper >= (double)k / n && a.upper <= 1);
            if (k > 0)
                assert_true(boundary_bernoulli((double)(k - 1), n, 100, ALPHA).lower <= a.lower);
        }
    /* at all times at once */
    uint64_t seed = draws_seed("bernoulli", 71);
    unsigned missed = 0;
    for (unsigned run = 0; run < 200; run++) {
        double wins = 0;
        bool out = false;
        for (uint64_t n = 1; n <= 300; n++) {
            wins += draws_uniform(&seed) < 0.55;
            i = boundary_bernoulli(wins, n, 100, ALPHA);
            out |= i.lower > 0.55 || i.upper < 0.55;
        }
        missed += out;
    }
    print_message("missed at any time: %u of 200\n", missed);
    assert_true(missed <= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_naive),
        cmocka_unit_test(test_coverage_at_all_times),
        cmocka_unit_test(test_long_runs),
        cmocka_unit_test(test_empty_and_extreme),
        cmocka_unit_test(test_equal_histories_give_equal_bytes),
        cmocka_unit_test(test_msprt_is_the_normal_mixture),
        cmocka_unit_test(test_boundaries_are_roots),
        cmocka_unit_test(test_stitching),
        cmocka_unit_test(test_nonsense_is_nan),
        cmocka_unit_test(test_bernoulli),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
