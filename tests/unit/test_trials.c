/* Sharpe moments, PSR, the table of trials, effective numbers, the maximum of normals against naive computations. */
#include <errno.h>
#include <string.h>

#include "tests/unit/draws.h"
#include "workers/performance/overfit/psr.h"
#include "workers/performance/overfit/trials.h"

/* --- moments ------------------------------------------------------------------------------------------------------ */

static void test_moments_by_hand(void **unused)
{
    (void)unused;
    const double r[] = {1.0, 2.0, 4.0, 9.0}; /* mean 4; deviations -3 -2 0 5; m2 38/4, m3 90/4, m4 722/4 */
    struct psr_moments m;
    psr_moments(r, 4, &m);
    assert_int_equal(m.count, 4);
    assert_near(m.mean, 4.0, 1e-15);
    assert_near(m.sd, sqrt(38.0 / 3.0), 1e-15);
    assert_near(m.sharpe, 4.0 / sqrt(38.0 / 3.0), 1e-15);
    assert_near(m.skew, 22.5 / pow(9.5, 1.5), 1e-14);
    assert_near(m.kurtosis, 180.5 / (9.5 * 9.5), 1e-14);
    assert_near(m.autocorrelation, 6.0 / 38.0, 1e-15);
    double v = 1 - m.skew * m.sharpe + (m.kurtosis - 1) / 4 * m.sharpe * m.sharpe;
    assert_near(psr_se(&m), sqrt(v / 3), 1e-14);
}

static void test_moments_undefined(void **unused)
{
    (void)unused;
    struct psr_moments m;
    psr_moments(NULL, 0, &m);
    assert_true(m.count == 0 && isnan(m.mean) && isnan(m.sd) && isnan(m.sharpe));
    const double one[] = {0.5};
    psr_moments(one, 1, &m);
    assert_true(m.mean == 0.5 && isnan(m.sd) && isnan(psr_se(&m)) && isnan(psr_se_null(&m, 0, 0)));
    double flat[300];
    for (unsigned i = 0; i < 300; i++)
        flat[i] = 0.001 * (1.0 + (i % 2 ? 1e-16 : 0.0)); /* a constant but for rounding: no Sharpe of 1e16 */
    psr_moments(flat, 300, &m);
    assert_true(isnan(m.sharpe) && isnan(m.skew) && isnan(m.kurtosis) && isnan(m.autocorrelation));
    const double zeros[5] = {0};
    psr_moments(zeros, 5, &m);
    assert_true(m.sd == 0.0 && isnan(m.sharpe));
    const double hostile[] = {1.0, (double)INFINITY, 2.0};
    psr_moments(hostile, 3, &m);
    assert_true(isnan(m.mean) && isnan(m.sharpe));
}

static void test_variance_undefined(void **unused)
{
    (void)unused;
    assert_true(isnan(psr_variance(1.0, 5.0, 9.0))); /* 1 - 5 + 2 < 0: a large positive skew */
    assert_true(isnan(psr_variance_null(0.1, 0, 3, 1.0)) && isnan(psr_variance_null(0.1, 0, 3, -1.0)));
    assert_true(isnan(psr_variance_null(0.1, 0, 3, (double)NAN)));
    assert_near(psr_variance_null(0.3, -0.5, 4.0, 0.0), psr_variance(0.3, -0.5, 4.0), 1e-15);
    struct psr_moments m = {.count = 100, .sharpe = 1.0, .skew = 5.0, .kurtosis = 9.0};
    assert_true(isnan(psr_probability(&m, 0.0)) && isnan(psr_track_min(&m, 0.0, 0.95)));
    m = (struct psr_moments){.count = 100, .sharpe = 0.1, .skew = 0.0, .kurtosis = 3.0};
    assert_true(isnan(psr_track_min(&m, 0.1, 0.95)) && isnan(psr_track_min(&m, 0.2, 0.95)));
    assert_true(isnan(psr_track_min(&m, 0.0, 1.0)) && isnan(psr_track_min(&m, 0.0, 0.5)));
    assert_near(psr_probability(&m, 0.1), 0.5, 1e-15);
}

/* The error that AR(1) returns really have, by simulation: w(0) = 1 + 2 rho / (1 - rho). */
static void test_autocorrelated_error(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("autocorrelated", 2024);
    const double rho = 0.4;
    enum { RUNS = 4000, T = 400 };
    double sum = 0.0, squares = 0.0, r[T];
    for (unsigned run = 0; run < RUNS; run++) {
        double x = draws_normal(&seed) / sqrt(1 - rho * rho);
        for (unsigned t = 0; t < T; t++) {
            x = rho * x + draws_normal(&seed);
            r[t] = x;
        }
        struct psr_moments m;
        psr_moments(r, T, &m);
        sum += m.sharpe;
        squares += m.sharpe * m.sharpe;
    }
    double sd = sqrt(squares / RUNS - (sum / RUNS) * (sum / RUNS));
    struct psr_moments normal = {.count = T, .sharpe = 0.0, .skew = 0.0, .kurtosis = 3.0};
    double predicted = psr_se_null(&normal, 0.0, rho);
    print_message("deviation of SR %.5f, predicted %.5f, without correction %.5f\n", sd, predicted, psr_se(&normal));
    assert_true(fabs(sd / predicted - 1.0) < 4.0 / sqrt(2.0 * RUNS) + 0.01);
    assert_true(predicted > 1.4 * psr_se(&normal));
}

/* PSR and the minimum track record are each other's inverse. */
static void test_track_record_is_the_inverse(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("track record", 5);
    for (unsigned run = 0; run < 1000; run++) {
        struct psr_moments m = {.sharpe = 0.05 + 0.1 * draws_uniform(&seed),
                                .skew = draws_uniform(&seed) - 0.5,
                                .kurtosis = 3 + draws_uniform(&seed)};
        double t = psr_track_min(&m, 0.01, 0.95);
        m.count = (uint32_t)floor(t);
        assert_true(psr_probability(&m, 0.01) <= 0.95);
        m.count++;
        assert_true(psr_probability(&m, 0.01) >= 0.95);
        t = psr_track_min_null(&m, 0.01, 0.2, 0.95);
        m.count = (uint32_t)floor(t);
        assert_true(psr_probability_null(&m, 0.01, 0.2) <= 0.95);
        m.count++;
        assert_true(psr_probability_null(&m, 0.01, 0.2) >= 0.95);
    }
}

/* --- the table ------------------------------------------------------------------------------------------------------
 */

static struct trial trial_of(uint64_t id, double sharpe)
{
    return (struct trial){.id = id, .period_s = 86400, .moments = {.count = 500, .sharpe = sharpe}, .label = "tau"};
}

static void test_table(void **unused)
{
    (void)unused;
    struct trial rows[4], t = trial_of(1, 0.1);
    struct trials table;
    trials_init(&table, rows, 4);
    assert_near(trials_effective(&table, 0, 0), 0.0, 0);
    assert_true(isnan(trials_sharpe_sd(&table)));
    assert_int_equal(trials_add(&table, &t), 0);
    assert_int_equal(trials_add(&table, &t), -EEXIST);
    assert_true(isnan(trials_sharpe_sd(&table)));
    t = trial_of(2, 0.3);
    t.period_s = 3600; /* hourly ratios among daily ones */
    assert_int_equal(trials_add(&table, &t), -EINVAL);
    t.period_s = 0;
    assert_int_equal(trials_add(&table, &t), -EINVAL);
    t = trial_of(2, 0.3);
    memset(t.label, 'x', sizeof t.label);
    assert_int_equal(trials_add(&table, &t), -EINVAL);
    t = trial_of(2, 0.3);
    assert_int_equal(trials_add(&table, &t), 0);
    t = trial_of(3, (double)NAN); /* never traded: counts, without a ratio */
    assert_int_equal(trials_add(&table, &t), 0);
    t = trial_of(4, 0.5);
    assert_int_equal(trials_add(&table, &t), 0);
    assert_near(trials_sharpe_sd(&table), 0.2, 1e-15);
    t = trial_of(5, 0.5);
    assert_int_equal(trials_add(&table, &t), -ENOSPC); /* nothing is forgotten */
    assert_int_equal(table.count, 4);
    assert_ptr_equal(trials_find(&table, 4), &rows[3]);
    assert_null(trials_find(&table, 5));
    assert_near(trials_effective(&table, 3, 1.2), 2.2, 1e-15); /* one of them without a series */
    assert_near(trials_effective(&table, 4, 1.2), 1.2, 1e-15);
    rows[2].selected = true;
    assert_near(trials_effective(&table, 4, 1.2), 2.0, 1e-15); /* something was selected */
    assert_true(isnan(trials_effective(&table, 4, (double)NAN)));
}

/* --- how many independent trials -------------------------------------------------------------------------------- */

static double naive_correlation(const double *r, uint32_t periods, uint32_t count, uint32_t i, uint32_t j)
{
    long double si = 0, sj = 0, sii = 0, sjj = 0, sij = 0;
    for (uint32_t t = 0; t < periods; t++) {
        long double a = r[t * count + i], b = r[t * count + j];
        si += a, sj += b, sii += a * a, sjj += b * b, sij += a * b;
    }
    return (double)((sij - si * sj / periods) / sqrtl((sii - si * si / periods) * (sjj - sj * sj / periods)));
}

static void test_correlation(void **unused)
{
    (void)unused;
    enum { T = 200, N = 6 };
    double r[T * N], c[N * N];
    uint64_t seed = draws_seed("correlation", 8);
    for (unsigned t = 0; t < T; t++) {
        double common = draws_normal(&seed);
        for (unsigned i = 0; i < N; i++)
            r[t * N + i] = i == 5 ? 0.7 : common * i + draws_normal(&seed);
    }
    assert_int_equal(trials_correlation(r, T, N, c), 0);
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++) {
            double expected = i == j ? 1.0 : i == 5 || j == 5 ? 0.0 : naive_correlation(r, T, N, i, j);
            assert_near(c[i * N + j], expected, 1e-12);
        }
    assert_int_equal(trials_correlation(r, 1, N, c), -EINVAL);
    r[17] = (double)NAN;
    assert_int_equal(trials_correlation(r, T, N, c), -EINVAL);
}

static void test_effective_numbers(void **unused)
{
    (void)unused;
    enum { N = 12 };
    double c[N * N], scratch[3 * N];
    static const double correlations[] = {0.0, 0.2, 0.5, 0.9, 1.0};
    double before = N + 1;
    for (unsigned k = 0; k < 5; k++) {
        double r = correlations[k];
        for (unsigned i = 0; i < N * N; i++)
            c[i] = i % (N + 1) == 0 ? 1.0 : r;
        assert_near(trials_effective_rho(c, N), r + (1 - r) * N, 1e-14);
        /* eigenvalues of equal correlation: 1 + (N-1) r once, 1 - r N - 1 times */
        double large = (1 + (N - 1) * r) / N, small = (1 - r) / N, entropy = -large * log(large);
        if (small > 0)
            entropy -= (N - 1) * small * log(small);
        double effective = trials_effective_entropy(c, N, scratch);
        assert_near(effective, exp(entropy), 1e-12);
        assert_true(effective < before);
        before = effective;
    }
    assert_near(before, 1.0, 1e-12); /* copies are one trial */
    double alone = 1.0;
    assert_near(trials_effective_entropy(&alone, 1, scratch), 1.0, 1e-15);
    assert_near(trials_effective_rho(&alone, 1), 1.0, 1e-15);
    double opposed[] = {1.0, -0.8, -0.8, 1.0};
    assert_near(trials_effective_rho(opposed, 2), 2.0, 1e-15); /* a negative mean is held to 0 */
    double hostile[] = {1.0, (double)NAN, (double)NAN, 1.0};
    assert_true(isnan(trials_effective_rho(hostile, 2)));
    assert_true(isnan(trials_effective_entropy(hostile, 2, scratch)));
}

/* --- the maximum ----------------------------------------------------------------------------------------------------
 */

/* The trapezoidal rule on a smooth density that vanishes at both ends: as good as any quadrature. */
static void naive_maximum(double n, double *mean, double *variance)
{
    const double step = 1.0 / 256;
    double sum = 0.0, squares = 0.0;
    for (int i = -12 * 256; i < 14 * 256; i++) {
        double x = i * step, below = 0.5 * erfc(-x / sqrt(2.0));
        double log_below = x > 0 ? log1p(-0.5 * erfc(x / sqrt(2.0))) : log(below);
        double weight = step * n * exp(-x * x / 2 + (n - 1) * log_below) / sqrt(6.283185307179586);
        sum += weight * x;
        squares += weight * x * x;
    }
    *mean = sum;
    *variance = squares - sum * sum;
}

static void test_maximum(void **unused)
{
    (void)unused;
    static const double numbers[] = {1, 1.5, 2, 3, 7.3, 50, 100, 200, 1000, 5000, 1e6, 1e9};
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double mean, variance;
        naive_maximum(numbers[i], &mean, &variance);
        assert_near(trials_emax_exact(numbers[i]), mean, 1e-12);
        assert_near(trials_max_variance(numbers[i]), variance, 1e-12);
    }
    assert_near(trials_max_variance(1.0), 1.0, 1e-13);
    assert_near(trials_emax_exact(2.0), 1.0 / sqrt(3.141592653589793), 1e-13);
    assert_true(isnan(trials_emax_exact(0.5)) && isnan(trials_emax_exact(1e13)) &&
                isnan(trials_emax_exact((double)NAN)));
    assert_true(isnan(trials_max_variance(0.5)));
    assert_true(trials_emax(1.0) == 0.0 && trials_emax(0.0) == 0.0 && trials_emax(-3.0) == 0.0);
    assert_true(isnan(trials_emax((double)NAN)));
    double before = 0.0;
    for (double n = 1.0; n < 1e6; n *= 1.1) { /* never negative, never falls */
        double now = trials_emax(n);
        assert_true(now >= before);
        before = now;
    }
    assert_near(trials_emax(1e6), trials_emax_exact(1e6), 3e-3);
}

/* The best of N worthless trials: DSR says so where PSR does not. */
static void test_deflation(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("deflation", 77);
    enum { N = 100, T = 250, RUNS = 60 };
    unsigned psr_fooled = 0, dsr_fooled = 0;
    double r[T];
    for (unsigned run = 0; run < RUNS; run++) {
        struct trial rows[N];
        struct trials table;
        trials_init(&table, rows, N);
        uint32_t best = 0;
        for (uint32_t i = 0; i < N; i++) {
            struct trial t = {.id = i, .period_s = 86400};
            for (unsigned k = 0; k < T; k++)
                r[k] = draws_normal(&seed);
            psr_moments(r, T, &t.moments);
            assert_int_equal(trials_add(&table, &t), 0);
            if (t.moments.sharpe > rows[best].moments.sharpe)
                best = i;
        }
        rows[best].selected = true;
        struct trials_deflated d;
        trials_deflate(&rows[best].moments, trials_sharpe_sd(&table), trials_effective(&table, 0, 0), &d);
        assert_near(d.benchmark, trials_sharpe_sd(&table) * trials_emax(N), 1e-15);
        psr_fooled += psr_probability(&rows[best].moments, 0.0) >= 0.95;
        dsr_fooled += d.probability >= 0.95;
    }
    print_message("of %u searches through noise PSR admits %u, DSR %u\n", RUNS, psr_fooled, dsr_fooled);
    assert_true(psr_fooled > RUNS * 9 / 10);
    assert_true(dsr_fooled <= RUNS / 10);
    struct psr_moments m = {.count = 100, .sharpe = 0.1, .skew = 0, .kurtosis = 3};
    struct trials_deflated d;
    trials_deflate(&m, (double)NAN, 1.0, &d);
    assert_near(d.probability, psr_probability(&m, 0.0), 1e-15); /* one trial alone: nothing to deflate */
    trials_deflate(&m, (double)NAN, 10.0, &d);
    assert_true(isnan(d.benchmark) && isnan(d.probability) && isnan(d.probability_null));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_by_hand),
        cmocka_unit_test(test_moments_undefined),
        cmocka_unit_test(test_variance_undefined),
        cmocka_unit_test(test_autocorrelated_error),
        cmocka_unit_test(test_track_record_is_the_inverse),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_correlation),
        cmocka_unit_test(test_effective_numbers),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_deflation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
