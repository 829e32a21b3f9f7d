/* Positions of accounts: the admissible set against a fine scan of what it is defined by, capacity against a scan,
 * stress, feasibility; one pair's intervals, verdicts and disagreement. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/risk/covariance/book.h"
#include "workers/risk/covariance/correlation.h"

static double uniform(uint64_t *seed)
{
    *seed = hash_mix64(*seed);
    return (double)(*seed >> 11) * 0x1p-53;
}

static void expect_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fmax(1.0, fabs(want))))
        fail_msg("%.17g is not %.17g", got, want);
}

/* A'A of random rows: positive definite. */
static void draw_covariance(double *s, uint32_t n, uint64_t *seed)
{
    double a[8 * 8];
    for (uint32_t i = 0; i < n * n; i++)
        a[i] = uniform(seed) - 0.4;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            s[i * n + j] = i == j ? 0.02 : 0.0;
            for (uint32_t k = 0; k < n; k++)
                s[i * n + j] += a[k * n + i] * a[k * n + j];
        }
}

static void draw_position(double *p, uint32_t n, uint64_t *seed)
{
    for (uint32_t i = 0; i < n; i++)
        p[i] = uniform(seed) < 0.4 ? 0.0 : floor(uniform(seed) * 21.0) - 10.0;
}

/* By definition. *margin: how far from the edge of saying otherwise. */
static bool naive_admits(const struct book_question *question, bool reducing, double q, double *margin)
{
    uint32_t n = question->count;
    double after[8];
    bool all = true;
    *margin = INFINITY;
    memcpy(after, question->position, n * sizeof after[0]);
    after[question->instrument] += q;
    double before_v = book_variance(question->position, question->covariance, n);
    double after_v = book_variance(after, question->covariance, n);
    for (uint32_t b = 0; b < question->account_count; b++) {
        const double *other = question->others + b * n;
        double was = book_correlation(question->position, other, question->covariance, n);
        double is = book_correlation(after, other, question->covariance, n);
        if (isnan(is))
            continue;
        *margin = fmin(*margin, fabs(is - question->limit));
        bool admitted = is <= question->limit;
        if (reducing) {
            *margin = fmin(*margin, fmin(fabs(is - was), fabs(after_v - before_v) / before_v));
            admitted = admitted || (is <= was && after_v <= before_v);
        }
        all = all && admitted;
    }
    return all;
}

static void admissible_set_is_exact(void **state)
{
    (void)state;
    uint64_t seed = 77;
    uint32_t compared = 0, empty = 0, several = 0, given_back = 0;
    printf("# seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 400; round++) {
        double s[64], position[8], others[4 * 8], margin;
        uint32_t n = 2 + round % 5;
        draw_covariance(s, n, &seed);
        draw_position(position, n, &seed);
        for (uint32_t b = 0; b < 4; b++)
            draw_position(others + b * n, n, &seed);
        struct book_question question = {.covariance = s,
                                         .count = n,
                                         .position = position,
                                         .others = others,
                                         .account_count = 1 + round % 4,
                                         .instrument = (uint32_t)round % n,
                                         .limit = round % 7 == 0 ? 0.0 : 0.3};
        for (int reducing = 0; reducing < 2; reducing++) {
            struct book_intervals set;
            book_admissible(&question, reducing, &set);
            if (set.flat) {
                assert_true(book_admits(&set, 1e6));
                continue;
            }
            empty += set.count == 0;
            several += set.count > 1;
            if (reducing)
                assert_true(book_admits(&set, 0.0));
            for (double q = -60.0; q <= 60.0; q += 0.037) {
                bool naive = naive_admits(&question, reducing, q, &margin);
                if (margin < 1e-9)
                    continue;
                if (naive != book_admits(&set, q))
                    fail_msg("round %d, reducing %d, q %.17g: %d (margin %.3g)", round, reducing, q, naive, margin);
                compared++;
                given_back += reducing && naive && book_correlation_after(&question, q) > question.limit + 1e-9;
            }
            for (uint32_t i = 0; i < set.count; i++) { /* ascending and apart */
                assert_true(set.low[i] <= set.high[i]);
                if (i > 0)
                    assert_true(set.low[i] > set.high[i - 1]);
            }
        }
    }
    printf("# %u compared, %u sets empty, %u of several intervals, %u given back\n", compared, empty, several,
           given_back);
    assert_true(compared > 1000000 && empty > 10 && several > 50 && given_back > 1000);
}

static void admissible_edges(void **state)
{
    (void)state;
    const double s[] = {1, 0, 0, 1}, flat[] = {0, 0}, x[] = {1, 0}, none[] = {0, 0, 0, 0};
    double odd[] = {NAN, 0};
    struct book_question question = {
        .covariance = s, .count = 2, .position = flat, .others = x, .account_count = 1, .limit = 0.3};
    struct book_intervals set;
    book_admissible(&question, true, &set);
    assert_true(set.flat && set.count == 1 && book_admits(&set, -1e9));
    question.position = x;
    question.others = none;
    question.account_count = 2; /* flat ones ask for nothing */
    book_admissible(&question, false, &set);
    assert_true(!set.flat && set.count == 1 && book_admits(&set, 5.0));
    assert_true(isnan(book_correlation_after(&question, 1.0)));
    question.position = odd;
    book_admissible(&question, true, &set);
    assert_true(set.count == 0 && !book_admits(&set, 0.0) && book_largest(&set, 1.0) == 0.0);
    question.position = x;
    question.others = odd;
    question.account_count = 1;
    book_admissible(&question, true, &set);
    assert_true(set.count == 0);
    question.others = x; /* the same position: only getting out, by the far side, lowers the correlation */
    book_admissible(&question, false, &set);
    assert_true(!book_admits(&set, 0.0) && !book_admits(&set, 1.0) && book_admits(&set, -1.5));
    question.instrument = 1; /* the other one: 1 / sqrt(1 + q^2) <= .3 */
    book_admissible(&question, false, &set);
    double edge = sqrt(1.0 / 0.09 - 1.0);
    assert_int_equal(set.count, 2);
    expect_near(set.high[0], -edge, 1e-12);
    expect_near(set.low[1], edge, 1e-12);
}

static void largest_on_the_way(void **state)
{
    (void)state;
    struct book_intervals set = {.count = 3, .low = {-INFINITY, -1.0, 4.0}, .high = {-3.0, 2.0, 9.0}};
    assert_true(book_largest(&set, 5.0) == 2.0 && book_largest(&set, 1.0) == 1.0); /* not over the gap */
    assert_true(book_largest(&set, -5.0) == -1.0 && book_largest(&set, -0.5) == -0.5);
    set.count = 1;
    assert_true(book_largest(&set, 5.0) == 0.0); /* 0 is not in it */
}

static double floored_variance(const double *w, const double *u, double q, const double *c, uint32_t n)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            const double x[] = {w[i], q * u[i]}, y[] = {w[j], q * u[j]};
            for (int k = 0; k < 4; k++) {
                double product = x[k / 2] * y[k % 2], r = c[i * n + j];
                sum += product * (i != j && product > 0.0 && r < 0.0 ? 0.0 : r);
            }
        }
    return sum;
}

static void capacity_is_the_largest(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 2000; round++) {
        double s[64], sd[8], c[64], w[8], u[8] = {0};
        uint32_t n = 2 + round % 4;
        draw_covariance(s, n, &seed);
        assert_int_equal(covariance_split(s, n, sd, c), 0);
        draw_position(w, n, &seed);
        u[round % n] = uniform(&seed) < 0.5 ? 0.7 : -0.7;
        double v = 1.0 + 12.0 * uniform(&seed), q = book_capacity(w, u, c, n, v);
        assert_true(q >= 0.0);
        if (floored_variance(w, u, 0.0, c, n) <= v * v) {
            expect_near(floored_variance(w, u, q, c, n), v * v, 1e-9);
            assert_true(floored_variance(w, u, q * 1.001 + 1e-6, c, n) > v * v);
        } else if (q > 0.0) { /* beyond V: down the valley, not over it */
            double here = floored_variance(w, u, q, c, n);
            assert_true(here < floored_variance(w, u, 0.0, c, n) && here <= floored_variance(w, u, q * 1.01, c, n) &&
                        here <= floored_variance(w, u, q * 0.99, c, n));
        }
    }
}

static void capacity_edges(void **state)
{
    (void)state;
    const double c[] = {1, -0.9, -0.9, 1}, w[] = {3, 0}, u[] = {0, 1}, down[] = {-1, 0}, none[] = {0, 0},
                 odd[] = {NAN, 0};
    expect_near(book_capacity(w, u, c, 2, 5.0), 4.0, 1e-12); /* -.9 is not banked on: 3^2 + 4^2 */
    expect_near(book_capacity(none, u, c, 2, 5.0), 5.0, 1e-12);
    assert_true(book_capacity(w, u, c, 2, 2.0) == 0.0);         /* beyond V, and this adds */
    expect_near(book_capacity(w, down, c, 2, 2.0), 3.0, 1e-12); /* beyond V: out of it */
    assert_true(book_capacity(w, u, c, 2, 3.0) == 0.0);         /* at V */
    assert_true(isnan(book_capacity(w, none, c, 2, 5.0)) && isnan(book_capacity(odd, u, c, 2, 5.0)) &&
                isnan(book_capacity(w, u, c, 2, NAN)));
    const struct covariance_instrument same[] = {{"EUR", "USD", 0}, {"GBP", "USD", 0}},
                                       apart[] = {{"EUR", "USD", 0}, {"AUD", "NZD", 0}};
    const double low[] = {1, 0.2, 0.2, 1}, unknown[] = {1, NAN, NAN, 1};
    double out[4];
    book_stress(low, same, 2, 0.8, out);
    assert_true(out[1] == 0.8 && out[2] == 0.8 && out[0] == 1.0);
    book_stress(c, same, 2, 0.8, out);
    assert_true(out[1] == -0.8);
    book_stress(low, apart, 2, 0.8, out);
    assert_true(out[1] == 0.2);
    book_stress(unknown, same, 2, 0.8, out);
    assert_true(isnan(out[1]));
    double plain = book_scale(w, u, low, apart, 2, 5.0, 10.0), stressed = book_scale(w, u, low, same, 2, 5.0, 10.0);
    expect_near(plain, book_capacity(w, u, low, 2, 5.0) / 10.0, 1e-15);
    assert_true(stressed < plain && stressed > 0.0);
    assert_true(book_scale(w, u, low, same, 2, 5.0, 0.01) == 1.0);
    assert_true(isnan(book_scale(w, u, unknown, same, 2, 5.0, 1.0)));
}

static void feasibility(void **state)
{
    (void)state;
    bool exact;
    assert_int_equal(book_accounts_feasible(0, 0.3, false, &exact), 0);
    assert_int_equal(book_accounts_feasible(1, 0.3, false, &exact), 2);
    assert_int_equal(book_accounts_feasible(2, 0.3, false, &exact), 4);
    assert_int_equal(book_accounts_feasible(3, 0.3, false, &exact), 8);
    assert_true(exact);
    assert_int_equal(book_accounts_feasible(2, 0.0, false, &exact), 4); /* right angles */
    assert_int_equal(book_accounts_feasible(3, 0.0, false, &exact), 6);
    assert_int_equal(book_accounts_feasible(3, 0.45, false, &exact), 12);
    assert_true(exact);
    assert_int_equal(book_accounts_feasible(3, 0.95, false, &exact), 14);
    assert_false(exact);
    assert_int_equal(book_accounts_feasible(5, 0.3, false, &exact), 10);
    assert_false(exact);
    assert_int_equal(book_accounts_feasible(3, 0.3, true, &exact), 3);
    expect_near(book_accounts_effective(10, 0.3), 10.0 / 3.7, 1e-15);
    assert_true(book_accounts_effective(1000000, 0.3) < 1.0 / 0.3 && isnan(book_accounts_effective(0, 0.3)));
}

/* --- one pair
 * ---------------------------------------------------------------------------------------------------------- */

static void pair_days(void **state)
{
    (void)state;
    double a[] = {1, 2, NAN, 4, 5}, b[] = {6, 7, 8, 9, 10};
    const bool ta[] = {true, false, true, false, false}, tb[] = {false, false, true, true, false};
    assert_int_equal(correlation_pair_days(a, b, ta, tb, 5, a, b), 2);
    assert_true(a[0] == 1 && a[1] == 4 && b[0] == 6 && b[1] == 9);
}

static void pair_estimates(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5}, y[] = {2, 1, 4, 3, 5}, exp_x[] = {1, 10, 100, 1000, 1e4},
                 flat[] = {.1, .1, .1, .1, .1};
    const double tied[] = {1, 1, 2, 2, 3};
    double scratch[10];
    expect_near(correlation_pearson(x, y, 5), 0.8, 1e-15);
    expect_near(correlation_spearman(exp_x, y, 5, scratch), 0.8, 1e-15);
    expect_near(correlation_kendall(x, y, 5), 0.6, 1e-15);
    expect_near(correlation_kendall(tied, x, 5), 8.0 / sqrt(80.0),
                1e-15); /* ties leave the denominator of their side */
    expect_near(correlation_spearman(tied, x, 5, scratch), 9.0 / sqrt(90.0), 1e-15);
    assert_true(isnan(correlation_pearson(x, flat, 5)) && isnan(correlation_kendall(x, flat, 5)) &&
                isnan(correlation_spearman(x, flat, 5, scratch)) && isnan(correlation_pearson(x, y, 1)));
    const double odd[] = {1, NAN, 3, 4, 5};
    assert_true(isnan(correlation_pearson(x, odd, 5)) && isnan(correlation_kendall(x, odd, 5)) &&
                isnan(correlation_spearman(x, odd, 5, scratch)) && isnan(correlation_cosine(x, odd, 5)));
}

static void pair_verdicts(void **state)
{
    (void)state;
    assert_int_equal(correlation_decide(0.0, 30, 0.3, 0.05), CORRELATION_INSUFFICIENT);  /* half-width .3: just not */
    assert_int_equal(correlation_decide(0.29, 30, 0.3, 0.05), CORRELATION_INSUFFICIENT); /* the good side is no PASS */
    assert_int_equal(correlation_decide(0.1, 66, 0.3, 0.05), CORRELATION_PASS);
    assert_int_equal(correlation_decide(0.9, 10, 0.3, 0.05), CORRELATION_FAIL);
    assert_int_equal(correlation_decide(NAN, 300, 0.3, 0.05), CORRELATION_INSUFFICIENT);
    assert_int_equal(correlation_decide(0.0, 3, 0.3, 0.05), CORRELATION_INSUFFICIENT);
    for (double r = -0.9; r < 0.95; r += 0.1) {
        uint32_t n = correlation_pairs_needed(r, 0.3, 0.05);
        if (fabs(r - 0.3) < 1e-6)
            continue;
        assert_int_not_equal(correlation_decide(r, n, 0.3, 0.05), CORRELATION_INSUFFICIENT);
        if (n > 4)
            assert_int_equal(correlation_decide(r, n - 1, 0.3, 0.05), CORRELATION_INSUFFICIENT);
    }
    assert_in_range(correlation_pairs_needed(0.1, 0.3, 0.05), 60, 70); /* quant.md: 65 days */
    assert_in_range(correlation_pairs_needed(0.2, 0.3, 0.05), 230, 250);
    assert_true(correlation_pairs_needed(NAN, 0.3, 0.05) == UINT32_MAX &&
                correlation_pairs_needed(0.3, 0.3, 0.05) == UINT32_MAX);
    struct correlation_interval i = correlation_fisher(1.0, 10, 0.05);
    assert_true(i.low == 1.0 && i.high == 1.0 && correlation_p_zero(1.0, 10) == 0.0);
    i = correlation_bonett_wright(0.5, 3, 0.05);
    assert_true(isnan(i.low) && isnan(i.high) && isnan(correlation_p_zero(0.5, 2)) &&
                isnan(correlation_above(0.5, 3, 0.3)));
}

static void decisions(void **state)
{
    (void)state;
    const int8_t a[] = {1, 1, -1, 0, 0, 1}, b[] = {1, -1, -1, 0, 1, 0};
    struct correlation_disagreement d = correlation_disagree(a, b, 6, 0.05);
    assert_true(d.offered == 6 && d.different == 3 && d.opposite == 1 && d.only_one == 2 && d.rate == 0.5);
    assert_true(d.wilson.low > 0.1 && d.wilson.high < 0.9);
    d = correlation_disagree(a, b, 0, 0.05);
    assert_true(isnan(d.rate) && isnan(d.wilson.low));
    struct correlation_interval w = correlation_wilson(0, 10, 0.05);
    assert_true(w.low == 0.0 && w.high > 0.2 && w.high < 0.3);
    w = correlation_wilson(10, 10, 0.05);
    assert_true(w.high == 1.0 && w.low > 0.7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admissible_set_is_exact),
        cmocka_unit_test(admissible_edges),
        cmocka_unit_test(largest_on_the_way),
        cmocka_unit_test(capacity_is_the_largest),
        cmocka_unit_test(capacity_edges),
        cmocka_unit_test(feasibility),
        cmocka_unit_test(pair_days),
        cmocka_unit_test(pair_estimates),
        cmocka_unit_test(pair_verdicts),
        cmocka_unit_test(decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
