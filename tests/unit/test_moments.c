/* moments, quantiles, exponential weights: against sums in long double, parts against the whole, and where nothing is. */
#include "tests/unit/performance_support.h"

#include "workers/performance/moments.h"
#include "workers/performance/quantile.h"

#define N 400u

struct central {
    long double mean, m2, m3, m4;
};

static struct central naive(const double *x, uint32_t n)
{
    struct central c = {0};
    for (uint32_t i = 0; i < n; i++)
        c.mean += x[i];
    c.mean /= n;
    for (uint32_t i = 0; i < n; i++) {
        long double d = x[i] - c.mean;
        c.m2 += d * d;
        c.m3 += d * d * d;
        c.m4 += d * d * d * d;
    }
    return c;
}

static void draw_series(double *x, uint32_t n)
{
    double level = pow(10.0, (double)draw_below(8)) - 1.0, spread = pow(10.0, (double)draw_below(5) - 2.0);
    for (uint32_t i = 0; i < n; i++)
        x[i] = level + spread * (draw_below(4) == 0 ? exp(draw_normal()) : draw_normal());
}

static void assert_central(const struct moments *m, const double *x, uint32_t n, double tolerance)
{
    struct central c = naive(x, n);
    assert_int_equal(m->n, n);
    assert_near(moments_mean(m), (double)c.mean, 1e-13);
    assert_near(m->m2 / (double)c.m2, 1.0, tolerance);
    assert_near(m->m4 / (double)c.m4, 1.0, tolerance);
    long double scale = c.m2 * sqrtl(c.m2); /* m3 may vanish */
    assert_near((double)(m->m3 / scale), (double)(c.m3 / scale), tolerance);
}

static void test_moments_against_sums(void **state)
{
    (void)state;
    if (getenv("PROPFLEET_VALGRIND"))
        skip(); /* there a long double, which this is held against, has 64 bits */
    for (int round = 0; round < 200; round++) {
        double x[N];
        uint32_t n = 2 + (uint32_t)draw_below(N - 2);
        struct moments m;
        draw_series(x, n);
        moments_of(&m, x[0], x, n);
        assert_central(&m, x, n, 1e-10);
        struct central c = naive(x, n);
        assert_near(moments_variance(&m) / (double)(c.m2 / (n - 1)), 1.0, 1e-11);
        double lowest = x[0], highest = x[0];
        for (uint32_t i = 1; i < n; i++) {
            lowest = fmin(lowest, x[i]);
            highest = fmax(highest, x[i]);
        }
        assert_true(m.min == lowest && m.max == highest);
    }
}

/* Any cut into parts, empty ones too, each with an origin of its own, gives the whole. */
static void test_moments_merge_is_the_whole(void **state)
{
    (void)state;
    if (getenv("PROPFLEET_VALGRIND"))
        skip(); /* there a long double, which this is held against, has 64 bits */
    for (int round = 0; round < 200; round++) {
        double x[N];
        struct moments sum, part;
        draw_series(x, N);
        moments_init(&sum, x[0]);
        for (uint32_t at = 0; at < N;) {
            uint32_t n = (uint32_t)draw_below(60);
            n = n > N - at ? N - at : n;
            moments_of(&part, draw_below(2) ? x[at] : x[0], x + at, n);
            moments_merge(&sum, &part);
            at += n;
        }
        assert_central(&sum, x, N, 1e-9);
    }
}

static void test_moments_known(void **state)
{
    (void)state;
    const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct moments m;
    moments_of(&m, 0.0, x, COUNT(x));
    assert_near(moments_mean(&m), 5.0, 1e-15);
    assert_near(moments_variance(&m), 32.0 / 7.0, 1e-15);
    assert_near(moments_skew(&m), 0.65625, 1e-14);      /* 42 / 8 / 2^3 */
    assert_near(moments_kurtosis(&m), 2.78125, 1e-14);  /* 356 / 8 / 2^4 */
    assert_near(moments_skew_corrected(&m), 0.65625 * sqrt(56.0) / 6.0, 1e-14);
    assert_near(moments_excess_corrected(&m), 7.0 / 30.0 * (9.0 * -0.21875 + 6.0), 1e-14);
}

static void test_moments_of_little(void **state)
{
    (void)state;
    struct moments m, empty;
    moments_init(&m, 0.0);
    moments_init(&empty, 5.0);
    assert_nan(moments_mean(&m));
    assert_nan(moments_sd(&m));
    moments_add(&m, -3.0);
    assert_true(moments_mean(&m) == -3.0 && m.min == -3.0 && m.max == -3.0);
    assert_nan(moments_variance(&m));
    assert_nan(moments_skew(&m));
    moments_merge(&m, &empty);
    assert_int_equal(m.n, 1);
    moments_merge(&empty, &m);
    assert_memory_equal(&empty, &m, sizeof m);
    for (int i = 0; i < 9; i++)
        moments_add(&m, -3.0);
    assert_true(moments_variance(&m) == 0.0 && moments_flat(&m));
    assert_nan(moments_skew(&m));
    assert_nan(moments_kurtosis(&m));
    assert_nan(moments_skew_corrected(&m));
}

/* 0.1 added up is no spread: what is left is rounding, and a ratio to it would be 1e16. */
static void test_moments_flat_is_not_rounding(void **state)
{
    (void)state;
    struct moments m;
    moments_init(&m, 0.0);
    for (int i = 1; i <= 1000; i++)
        moments_add(&m, i % 2 ? 0.1 : 0.1 + 1e-16);
    assert_true(moments_sd(&m) > 0.0 && moments_flat(&m));
    moments_add(&m, 0.1 + 1e-9);
    assert_false(moments_flat(&m));
}

static void test_ewma_against_weights(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        double x[N], lambda = 0.5 + 0.499 * draw_uniform();
        struct ewma e;
        draw_series(x, N);
        ewma_init(&e, lambda);
        assert_nan(ewma_mean(&e));
        for (uint32_t n = 1; n <= N; n++) {
            ewma_add(&e, x[n - 1]);
            if (n % 57 != 1)
                continue;
            long double weight = 1.0L, sum = 0.0L, mean = 0.0L, square = 0.0L, usual = 0.0L;
            for (uint32_t i = n; i-- > 0; weight *= lambda) {
                sum += weight;
                mean += weight * x[i];
            }
            mean /= sum;
            weight = 1.0L;
            for (uint32_t i = n; i-- > 0; weight *= lambda)
                square += weight * (x[i] - mean) * (x[i] - mean);
            for (uint32_t i = 0; i < n; i++)
                usual = lambda * usual + (1.0L - lambda) * x[i];
            assert_near(ewma_mean(&e), (double)mean, 1e-12);
            assert_near(ewma_mean(&e), (double)(usual / (1.0L - powl(lambda, n))), 1e-12);
            if (n == 1)
                assert_nan(ewma_variance(&e));
            else /* the mean's last digits are the variance's first where the level is 1e7 and the spread 1e-2 */
                assert_near(ewma_variance(&e) / (double)(square / sum), 1.0, 1e-5);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_quantile_type7(void **state)
{
    (void)state;
    const double four[] = {1, 2, 3, 4};
    assert_near(quantile_sorted(four, 4, 0.25), 1.75, 1e-15);
    assert_near(quantile_sorted(four, 4, 0.5), 2.5, 1e-15);
    assert_true(quantile_sorted(four, 4, 0.0) == 1.0 && quantile_sorted(four, 4, 1.0) == 4.0);
    assert_nan(quantile_sorted(four, 0, 0.5));
    assert_true(quantile_sorted(four, 1, 0.99) == 1.0);
    for (int round = 0; round < 100; round++) {
        double x[N], y[N], p = draw_uniform();
        uint32_t n = 1 + (uint32_t)draw_below(N);
        draw_series(x, n);
        memcpy(y, x, sizeof x);
        quantile_sort(x, n);
        qsort(y, n, sizeof *y, by_value);
        assert_memory_equal(x, y, n * sizeof *x);
        double h = (n - 1) * p, low = floor(h);
        uint32_t i = (uint32_t)low, next = i + 1 < n ? i + 1 : i;
        assert_near(quantile_sorted(x, n, p), y[i] + (h - low) * (y[next] - y[i]), 1e-13);
    }
}

static void test_quantile_tail(void **state)
{
    (void)state;
    const double x[] = {-5, -3, -2, 0, 1, 1, 2, 3, 4, 5, 6};
    assert_true(quantile_tail_mean(x, 11, 0.0) == -5.0);
    assert_true(quantile_tail_mean(x, 11, 0.09) == -5.0);
    assert_true(quantile_tail_mean(x, 11, 0.15) == -4.0);
    assert_nan(quantile_tail_mean(x, 0, 0.05));
}

static void test_p2(void **state)
{
    (void)state;
    struct quantile_p2 a, b;
    memset(&a, 0xff, sizeof a);
    memset(&b, 0, sizeof b);
    quantile_p2_init(&a, 0.5);
    quantile_p2_init(&b, 0.5);
    assert_nan(quantile_p2_read(&a));
    for (int i = 0; i < 3; i++) {
        const double x[] = {9.0, 1.0, 4.0};
        quantile_p2_add(&a, x[i]);
        quantile_p2_add(&b, x[i]);
        (void)quantile_p2_read(&a); /* reading changes nothing */
    }
    assert_true(quantile_p2_read(&a) == 4.0);
    assert_memory_equal(&a, &b, sizeof a);
    for (int i = 0; i < 20000; i++)
        quantile_p2_add(&a, draw_normal());
    assert_near(quantile_p2_read(&a), 0.0, 0.06);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_against_sums), cmocka_unit_test(test_moments_merge_is_the_whole),
        cmocka_unit_test(test_moments_known),        cmocka_unit_test(test_moments_of_little),
        cmocka_unit_test(test_moments_flat_is_not_rounding), cmocka_unit_test(test_ewma_against_weights),
        cmocka_unit_test(test_quantile_type7),       cmocka_unit_test(test_quantile_tail),
        cmocka_unit_test(test_p2),
    };
    return cmocka_run_group_tests(tests, seed_setup, NULL);
}
