/* Covariances against naive sums, complete days, the prior, the matrix of the permits; equal risk and bets by their
 * properties. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/risk/covariance/allocation.h"
#include "workers/risk/covariance/matrix.h"

#define SEED UINT64_C(20240311)
#define DAYS 300u

static double normal(uint64_t *seed)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) {
        *seed = hash_mix64(*seed);
        sum += (double)(*seed >> 11) * 0x1p-53;
    }
    return sum;
}

/* One common factor, so that correlations differ from zero; scales differ too. */
static void draw_returns(double *out, uint32_t days, uint32_t count, uint64_t seed)
{
    for (uint32_t t = 0; t < days; t++) {
        double common = normal(&seed);
        for (uint32_t i = 0; i < count; i++)
            out[t * count + i] = 0.001 * (i + 1) * (0.6 * common + normal(&seed));
    }
}

static void expect_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fmax(1e-300, fabs(want))))
        fail_msg("%.17g is not %.17g", got, want);
}

static bool all_nan(const double *a, uint32_t count)
{
    for (uint32_t i = 0; i < count * count; i++)
        if (!isnan(a[i]))
            return false;
    return true;
}

static bool symmetric(const double *a, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            if (memcmp(&a[i * count + j], &a[j * count + i], sizeof a[0]) != 0)
                return false;
    return true;
}

static void complete_days(void **state)
{
    (void)state;
    double r[] = {1, 2, NAN, 3, 4, 5, 6, INFINITY, 7, 8};
    assert_int_equal(covariance_complete_days(r, 5, 2, r), 3);
    const double want[] = {1, 2, 4, 5, 7, 8};
    assert_memory_equal(r, want, sizeof want);
    assert_int_equal(covariance_complete_days(r, 0, 2, r), 0);
}

static void sample_is_the_naive_one(void **state)
{
    (void)state;
    static double r[DAYS * 5];
    double s[25], e[25];
    draw_returns(r, DAYS, 5, SEED);
    assert_int_equal(covariance_sample(r, DAYS, 5, s), 0);
    assert_int_equal(covariance_ewma_centred(r, DAYS, 5, 0.97, e), 0);
    for (uint32_t i = 0; i < 5; i++)
        for (uint32_t j = 0; j < 5; j++) {
            double mi = 0, mj = 0, sum = 0, wi = 0, wj = 0, weighted = 0, total = 0;
            for (uint32_t t = 0; t < DAYS; t++) {
                double w = pow(0.97, DAYS - 1 - t);
                mi += r[t * 5 + i] / DAYS, mj += r[t * 5 + j] / DAYS;
                wi += w * r[t * 5 + i], wj += w * r[t * 5 + j], total += w;
            }
            for (uint32_t t = 0; t < DAYS; t++) {
                sum += (r[t * 5 + i] - mi) * (r[t * 5 + j] - mj);
                weighted += pow(0.97, DAYS - 1 - t) * (r[t * 5 + i] - wi / total) * (r[t * 5 + j] - wj / total);
            }
            expect_near(s[i * 5 + j], sum / (DAYS - 1), 1e-10);
            expect_near(e[i * 5 + j], weighted / total, 1e-10);
        }
    assert_true(symmetric(s, 5) && symmetric(e, 5));
}

static void undefined_is_nan(void **state)
{
    (void)state;
    double r[] = {0.1, 0.2, 0.3, 0.1, -0.2, 0.4}, s[4], intensity = 0.0;
    assert_int_equal(covariance_sample(r, 1, 2, s), -EDOM);
    assert_true(all_nan(s, 2));
    r[3] = NAN;
    assert_int_equal(covariance_sample(r, 3, 2, s), -EDOM);
    assert_int_equal(covariance_ewma(r, 3, 2, 0.94, 1, s), -EDOM);
    assert_int_equal(covariance_ewma_centred(r, 3, 2, 0.94, s), -EDOM);
    assert_int_equal(covariance_shrink_identity(r, 3, 2, s, &intensity), -EDOM);
    assert_true(all_nan(s, 2) && isnan(intensity));
    const double flat[] = {0.1, 0.5, 0.2, 0.5, 0.3, 0.5};
    assert_int_equal(covariance_shrink_constant(flat, 3, 2, s, &intensity), -EDOM);
    assert_true(all_nan(s, 2) && isnan(intensity) && isnan(covariance_mean_correlation(flat, 3, 2)));
    assert_int_equal(covariance_ewma(flat, 3, 2, 0.94, 4, s), -EDOM); /* fewer days than the seed */
    assert_int_equal(covariance_ewma(flat, 3, 2, 0.94, 0, s), -EDOM);
}

static void shrunk_lies_between(void **state)
{
    (void)state;
    static double r[DAYS * 8];
    double s[64], c[64], k, values[8];
    printf("# seed %llu\n", (unsigned long long)SEED);
    for (uint32_t days = 5; days <= DAYS; days += 59) {
        draw_returns(r, days, 8, SEED + days);
        assert_int_equal(covariance_sample(r, days, 8, s), 0);
        assert_int_equal(covariance_shrink_constant(r, days, 8, c, &k), 0);
        assert_true(k >= 0.0 && k <= 1.0 && symmetric(c, 8));
        for (uint32_t i = 0; i < 8; i++)
            expect_near(c[i * 9], s[i * 9], 1e-12); /* the variances stay */
        assert_int_equal(covariance_shrink_identity(r, days, 8, c, &k), 0);
        assert_true(k > 0.0 && k <= 1.0 && symmetric(c, 8) && matrix_eigen(c, 8, values, NULL) && values[7] > 0.0);
        assert_int_equal(covariance_shrink_oas(r, days, 8, c, &k), 0);
        assert_true(k > 0.0 && k <= 1.0 && matrix_eigen(c, 8, values, NULL) && values[7] > 0.0);
    }
    assert_int_equal(covariance_shrink_constant(r, DAYS, 1, c, &k), 0); /* one series: itself */
    assert_true(k == 0.0 && c[0] > 0.0);
}

static const struct covariance_instrument instruments[] = {{"EUR", "USD", 0}, {"USD", "JPY", 0}, {"EUR", "JPY", 0},
                                                           {"GBP", "USD", 0}, {"", "", 7},       {"", "", 7},
                                                           {"AUD", "NZD", 0}};

static void prior_is_a_correlation(void **state)
{
    (void)state;
    double c[49], values[7];
    covariance_prior(instruments, 7, COVARIANCE_PRIOR_SHARED, COVARIANCE_PRIOR_GROUP, c);
    assert_true(symmetric(c, 7) && matrix_eigen(c, 7, values, NULL) && values[6] > -1e-12);
    assert_true(c[1] < 0.0 && c[2] > 0.0 && c[3] > 0.0 && c[4] == 0.0 && c[4 * 7 + 5] > 0.5 && c[6] == 0.0);
    double three[9];
    covariance_prior(instruments, 3, 0.6, 0.8, three);
    expect_near(three[1], -0.5, 1e-12); /* .6 is impossible for a triangle: .5 is what base minus quote gives */
    covariance_prior(instruments, 3, 0.4, 0.8, three);
    assert_true(three[1] == -0.4 && three[2] == 0.4);
    const struct covariance_instrument twice[] = {{"EUR", "USD", 0}, {"EUR", "USD", 0}, {"USD", "EUR", 0}};
    covariance_prior(twice, 3, 0.6, 0.8, three);
    assert_true(three[1] == 1.0 && three[2] == -1.0);
}

static void permit_matrix(void **state)
{
    (void)state;
    static double r[DAYS * 7];
    double prior[49], out[49], sd[7], c[49], s[49], k;
    draw_returns(r, DAYS, 7, SEED);
    covariance_prior(instruments, 7, 0.6, 0.8, prior);
    assert_int_equal(covariance_permit(r, 0, 7, prior, out), -EDOM);
    assert_true(all_nan(out, 7));
    assert_int_equal(covariance_permit(r, COVARIANCE_DAYS_MIN - 1, 7, prior, out), 1);
    assert_int_equal(covariance_split(out, 7, sd, c), 0);
    for (uint32_t i = 0; i < 49; i++)
        assert_true(fabs(c[i] - prior[i]) < 1e-12);
    assert_int_equal(covariance_permit(r, COVARIANCE_DAYS_MIN, 7, prior, out), 0);
    assert_int_equal(covariance_permit(r, DAYS, 7, prior, out), 0);
    const double *last = r + (size_t)(DAYS - COVARIANCE_PERMIT_DAYS) * 7; /* older days say nothing */
    assert_int_equal(covariance_shrink_constant(last, COVARIANCE_PERMIT_DAYS, 7, s, &k), 0);
    assert_int_equal(covariance_split(s, 7, NULL, c), 0);
    assert_int_equal(covariance_ewma(last, COVARIANCE_PERMIT_DAYS, 7, 0.97, 20, s), 0);
    for (uint32_t i = 0; i < 7; i++)
        for (uint32_t j = 0; j < 7; j++)
            expect_near(out[i * 7 + j], sqrt(s[i * 8] * s[j * 8]) * c[i * 7 + j], 1e-12);
    for (uint32_t t = 0; t < DAYS; t++)
        r[t * 7 + 3] = 0.0;
    assert_int_equal(covariance_permit(r, DAYS, 7, prior, out), -EDOM);
    assert_true(all_nan(out, 7));
}

static void roots_of_matrices(void **state)
{
    (void)state;
    static double r[DAYS * 6];
    double s[36], half[36], back[36], inverse[36], one[36];
    draw_returns(r, DAYS, 6, SEED);
    assert_int_equal(covariance_sample(r, DAYS, 6, s), 0);
    assert_true(matrix_power(s, 6, 0.5, half) && matrix_power(s, 6, -1.0, inverse));
    matrix_multiply(half, half, 6, back);
    matrix_multiply(s, inverse, 6, one);
    for (uint32_t i = 0; i < 36; i++) {
        assert_true(fabs(back[i] - s[i]) < 1e-16);
        assert_true(fabs(one[i] - (i % 7 == 0 ? 1.0 : 0.0)) < 1e-9);
    }
    const double singular[] = {1.0, 1.0, 1.0, 1.0};
    assert_false(matrix_power(singular, 2, -0.5, back));
    const double odd[] = {1.0, NAN, NAN, 1.0};
    assert_false(matrix_eigen(odd, 2, back, NULL));
}

static void equal_risk(void **state)
{
    (void)state;
    static double r[DAYS * 32];
    static double s[1024];
    double w[32], shares[32], budgets[32];
    for (uint32_t count = 1; count <= 32; count += 31) {
        draw_returns(r, DAYS, count, SEED + count);
        assert_int_equal(covariance_sample(r, DAYS, count, s), 0);
        for (uint32_t i = 0; i < count; i++)
            budgets[i] = 1.0 + i % 5;
        assert_int_equal(allocation_equal_risk(s, count, budgets, w), 0);
        allocation_risk_shares(s, count, w, shares);
        double sum = 0.0, total = 0.0;
        for (uint32_t i = 0; i < count; i++)
            sum += w[i], total += budgets[i];
        expect_near(sum, 1.0, 1e-13);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(w[i] > 0.0);
            expect_near(shares[i], budgets[i] / total, 1e-10);
        }
    }
    const double uncorrelated[] = {0.04, 0.0, 0.0, 0.01}, odd[] = {0.04, 0.0, 0.0, 0.0},
                 opposite[] = {1.0, -1.0, -1.0, 1.0};
    assert_int_equal(allocation_equal_risk(uncorrelated, 2, NULL, w), 0);
    expect_near(w[0], 1.0 / 3.0, 1e-12); /* inverse volatility */
    assert_int_equal(allocation_equal_risk(odd, 2, NULL, w), -EDOM);
    assert_true(isnan(w[0]) && isnan(w[1]));
    assert_int_equal(allocation_equal_risk(opposite, 2, NULL, w), -EDOM); /* risk nothing: no shares */
    const double negative[] = {1.0, -1.0};
    assert_int_equal(allocation_equal_risk(uncorrelated, 2, negative, w), -EDOM);
}

static void bets(void **state)
{
    (void)state;
    const double uncorrelated[] = {4, 0, 0, 0, 1, 0, 0, 0, 9}, w[] = {0.5, 1.0, -1.0 / 3.0}, one[] = {0, 2, 0},
                 none[3] = {0};
    double low, high;
    for (int torsion = 0; torsion < 2; torsion++) {
        expect_near(allocation_bets(uncorrelated, 3, w, (enum allocation_torsion)torsion), 3.0, 1e-12);
        expect_near(allocation_bets(uncorrelated, 3, one, (enum allocation_torsion)torsion), 1.0, 1e-12);
        assert_true(isnan(allocation_bets(uncorrelated, 3, none, (enum allocation_torsion)torsion)));
    }
    allocation_bets_principal(uncorrelated, 3, w, &low, &high);
    expect_near(low, 3.0, 1e-12);
    assert_true(low == high);
    const double same[] = {1, 0, 0, 1}, pair[] = {3, 4};
    allocation_bets_principal(same, 2, pair, &low, &high); /* any rotation is an eigenbasis: one bet to two */
    expect_near(low, 1.0, 1e-12);
    expect_near(high, 2.0, 1e-12);
    expect_near(allocation_diversification_ratio(same, 2, pair), 7.0 / 5.0, 1e-15);
    expect_near(allocation_effective_weights(pair, 2), 1.0 / 25.0, 1e-15);
    assert_true(isnan(allocation_effective_weights(none, 3)) && isnan(allocation_diversification_ratio(same, 2, none)));
    const double singular[] = {1, 1, 1, 1};
    assert_true(isnan(allocation_bets(singular, 2, pair, ALLOCATION_TORSION_EXACT)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complete_days),
        cmocka_unit_test(sample_is_the_naive_one),
        cmocka_unit_test(undefined_is_nan),
        cmocka_unit_test(shrunk_lies_between),
        cmocka_unit_test(prior_is_a_correlation),
        cmocka_unit_test(permit_matrix),
        cmocka_unit_test(roots_of_matrices),
        cmocka_unit_test(equal_risk),
        cmocka_unit_test(bets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
