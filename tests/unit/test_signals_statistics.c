/* Intervals, calibration, discrimination, bootstrap and corrections against naive recomputation and their own equations. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/strategy/signals/calibrator.h"
#include "workers/strategy/signals/expectancy.h"
#include "workers/strategy/signals/interval.h"
#include "workers/strategy/signals/reliability.h"

#define N_MAX 1200u

static uint64_t seed;

static double uniform(void)
{
    seed = hash_mix64(seed);
    return (double)(seed >> 11) / 9007199254740992.0;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(uniform() * n);
}

static int begin(void **state)
{
    (void)state;
    seed = 20240601;
    return 0;
}

static void close_to(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance * fmax(1.0, fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

/* --- intervals -------------------------------------------------------------------------------------------------------- */

/* P(|T| <= t) for an even number of degrees: a finite series. */
static double t_series(double t, unsigned df)
{
    double c2 = df / (df + t * t), term = 1.0, sum = 1.0;
    for (unsigned k = 1; k < df / 2; k++) {
        term *= (2.0 * k - 1.0) / (2.0 * k) * c2;
        sum += term;
    }
    return t / sqrt(df + t * t) * sum;
}

static void test_t_quantile_solves_the_series(void **state)
{
    (void)state;
    static const double confidence[] = {0.5, 0.8, 0.9, 0.95, 0.99, 0.999};
    for (unsigned df = 2; df <= 400; df += df < 60 ? 2 : 20)
        for (size_t i = 0; i < sizeof confidence / sizeof confidence[0]; i++) {
            double t = signals_t_quantile(0.5 + 0.5 * confidence[i], df);
            close_to(t_series(t, df), confidence[i], 2e-14);
            assert_true(signals_t_quantile(0.5 - 0.5 * confidence[i], df) <= -t * (1.0 - 1e-12));
        }
    assert_true(signals_t_quantile(0.5, 3.0) == 0.0);
    close_to(signals_t_quantile(0.975, 1.0), 12.706204736174705, 1e-12); /* tan(0.475 pi) */
}

/* P(X <= k) of a binomial, by its terms. */
static double binomial_below(uint32_t k, uint32_t n, double p)
{
    double sum = 0.0;
    for (uint32_t i = 0; i <= k; i++)
        sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) + (n - i) * log1p(-p));
    return sum;
}

static void test_rate_intervals_solve_their_equations(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 60; n += 7)
        for (uint32_t k = 0; k <= n; k++) {
            struct signals_interval w = signals_interval_wilson(k, n, 0.95), e = signals_interval_exact(k, n, 0.95),
                                    j = signals_interval_jeffreys(k, n, 0.95), a = signals_interval_agresti(k, n, 0.95);
            double p = (double)k / n, z2 = 1.959963984540054 * 1.959963984540054;
            if (k > 0)
                close_to((p - w.lo) * (p - w.lo), z2 * w.lo * (1.0 - w.lo) / n, 1e-13);
            if (k < n)
                close_to((p - w.hi) * (p - w.hi), z2 * w.hi * (1.0 - w.hi) / n, 1e-13);
            assert_true(k > 0 || (w.lo == 0.0 && e.lo == 0.0));
            assert_true(k < n || (w.hi == 1.0 && e.hi == 1.0));
            if (k > 0)
                close_to(1.0 - binomial_below(k - 1, n, e.lo), 0.025, 1e-10);
            if (k < n)
                close_to(binomial_below(k, n, e.hi), 0.025, 1e-10);
            assert_true(e.lo <= j.lo && j.hi <= e.hi && j.lo < j.hi && a.lo >= 0.0 && a.hi <= 1.0);
            struct signals_interval mirror = signals_interval_jeffreys(n - k, n, 0.95);
            close_to(mirror.lo, 1.0 - j.hi, 1e-12);
        }
}

static void test_nothing_gives_no_interval(void **state)
{
    (void)state;
    assert_true(isnan(signals_interval_wilson(0, 0, 0.95).lo) && isnan(signals_interval_exact(0, 0, 0.95).hi));
    assert_true(isnan(signals_interval_jeffreys(0, 0, 0.95).lo) && isnan(signals_interval_agresti(0, 0, 0.95).hi));
    assert_true(isnan(signals_interval_newcombe(1, 2, 0, 0, 0.95).lo));
    assert_true(isnan(signals_interval_mean(1.0, NAN, 1, 0.95).lo));
    struct signals_interval one = signals_interval_newcombe(30, 50, 20, 50, 0.95), other = signals_interval_newcombe(20, 50, 30, 50, 0.95);
    close_to(one.lo, -other.hi, 1e-15);
    close_to(one.hi, -other.lo, 1e-15);
}

/* --- reliability -------------------------------------------------------------------------------------------------------- */

static void test_bins_are_cut_on_whole_basis_points(void **state)
{
    (void)state;
    for (uint32_t bp = 0; bp <= 10000; bp++)
        assert_int_equal(signals_bin(bp / 10000.0), bp == 10000 ? 9 : bp / 1000);
    for (uint32_t k = 0; k < 10; k++) /* sums of tenths, with their rounding */
        assert_int_equal(signals_bin(k * 0.1), k);
    assert_int_equal(signals_bin(0.1 + 0.2), 3);
    assert_int_equal(signals_bin(0.29994), 2);
    assert_int_equal(signals_bin(0.29996), 3); /* 3,000 basis points */
}

static uint32_t sample(double *p, uint8_t *y, uint32_t n, double distortion)
{
    uint32_t wins = 0;
    for (uint32_t i = 0; i < n; i++) {
        p[i] = (1 + below(9999)) / 10000.0;
        double z = distortion * log(p[i] / (1.0 - p[i]));
        y[i] = uniform() < 1.0 / (1.0 + exp(-z));
        wins += y[i];
    }
    return wins;
}

static void test_murphy_and_naive_scores(void **state)
{
    (void)state;
    static double p[N_MAX];
    static uint8_t y[N_MAX];
    for (int round = 0; round < 50; round++) {
        uint32_t n = 2 + below(N_MAX - 2), bins[10] = {0};
        double brier = 0.0, loss = 0.0;
        struct signals_reliability q;
        uint32_t wins = sample(p, y, n, 1.0);
        for (uint32_t i = 0; i < n; i++) {
            brier += (p[i] - y[i]) * (p[i] - y[i]) / n;
            loss -= (y[i] ? log(p[i]) : log(1.0 - p[i])) / n;
            bins[(uint32_t)(p[i] * 10000.0 + 0.5) / 1000]++;
        }
        assert_int_equal(signals_reliability_measure(p, y, n, &q), 0);
        close_to(q.brier, brier, 1e-12);
        close_to(q.log_loss, loss, 1e-12);
        close_to(q.reliability - q.resolution + q.uncertainty + q.within_bin, q.brier, 1e-12);
        assert_int_equal(q.wins, wins);
        for (int k = 0; k < 10; k++)
            assert_int_equal(q.bins[k].n, bins[k]);
        assert_true(q.mce >= q.ece && q.ece >= 0.0);
    }
}

static void test_perfect_useless_and_impossible_probabilities(void **state)
{
    (void)state;
    double certain[4] = {0.0, 1.0, 1.0, 0.0}, half[4] = {0.5, 0.5, 0.5, 0.5}, bad[4] = {0.5, NAN, 0.5, 0.5};
    uint8_t y[4] = {0, 1, 1, 0}, wrong[4] = {1, 1, 1, 0}, none[4] = {0, 0, 0, 0}, two[4] = {0, 2, 1, 0};
    struct signals_reliability q;
    assert_int_equal(signals_reliability_measure(certain, y, 4, &q), 0);
    assert_true(q.brier == 0.0 && q.skill == 1.0 && isnan(q.spiegelhalter_z));
    assert_true(q.log_loss > 0.0 && q.log_loss < 1e-14);
    assert_int_equal(signals_reliability_measure(certain, wrong, 4, &q), 0);
    assert_true(isfinite(q.log_loss) && q.log_loss > 8.0); /* clipped, not infinite */
    assert_int_equal(signals_reliability_measure(half, none, 4, &q), 0);
    assert_true(isnan(q.skill) && isnan(q.spiegelhalter_z) && q.bins[5].n == 4 && isnan(q.bins[4].rate));
    assert_int_equal(signals_reliability_measure(bad, y, 4, &q), -EINVAL);
    assert_int_equal(signals_reliability_measure(half, two, 4, &q), -EINVAL);
    assert_int_equal(signals_reliability_measure(half, y, 0, &q), -EINVAL);
}

static void test_spiegelhalter_sees_what_is_overconfident(void **state)
{
    (void)state;
    static double p[N_MAX];
    static uint8_t y[N_MAX];
    struct signals_reliability q;
    struct signals_logit cox;
    static double scratch[2 * N_MAX];
    (void)sample(p, y, N_MAX, 1.0);
    assert_int_equal(signals_reliability_measure(p, y, N_MAX, &q), 0);
    assert_true(fabs(q.spiegelhalter_z) < 3.0);
    assert_int_equal(signals_cox_fit(p, y, N_MAX, scratch, &cox), 0);
    assert_true(fabs(cox.slope - 1.0) < 3.0 * cox.slope_se && fabs(cox.intercept) < 3.0 * cox.intercept_se);
    (void)sample(p, y, N_MAX, 0.4);
    assert_int_equal(signals_reliability_measure(p, y, N_MAX, &q), 0);
    assert_true(q.spiegelhalter_z > 5.0);
    assert_int_equal(signals_cox_fit(p, y, N_MAX, scratch, &cox), 0);
    assert_true(cox.slope < 0.6);
}

static void test_a_logit_without_maximum_is_said(void **state)
{
    (void)state;
    double x[6] = {1, 2, 3, 4, 5, 6}, same[6] = {2, 2, 2, 2, 2, 2}, separated[6] = {0, 0, 0, 1, 1, 1}, one[6] = {1, 1, 1, 1, 1, 1},
           mixed[6] = {0, 1, 0, 1, 0, 1}, bad[6] = {0, 1, 0, 1, 0, 1.5};
    struct signals_logit fit;
    assert_int_equal(signals_logit_fit(x, separated, 6, &fit), -EDOM);
    assert_true(isnan(fit.slope) && isnan(fit.intercept_se));
    assert_int_equal(signals_logit_fit(x, one, 6, &fit), -EDOM);
    assert_int_equal(signals_logit_fit(same, mixed, 6, &fit), -EDOM);
    assert_int_equal(signals_logit_fit(x, bad, 6, &fit), -EINVAL);
    assert_int_equal(signals_logit_fit(x, mixed, 0, &fit), -EINVAL);
    x[3] = NAN;
    assert_int_equal(signals_logit_fit(x, mixed, 6, &fit), -EINVAL);
    x[3] = 4.0;
    assert_int_equal(signals_logit_fit(x, mixed, 6, &fit), 0);
    double g0 = 0.0, g1 = 0.0; /* the score equations hold */
    for (int i = 0; i < 6; i++) {
        double p = 1.0 / (1.0 + exp(-fit.intercept - fit.slope * x[i]));
        g0 += p - mixed[i];
        g1 += (p - mixed[i]) * x[i];
    }
    close_to(g0, 0.0, 1e-12);
    close_to(g1, 0.0, 1e-12);
    /* far from the origin and badly scaled: the same fit */
    struct signals_logit moved;
    for (int i = 0; i < 6; i++)
        x[i] = 1000.0 + 0.01 * x[i];
    assert_int_equal(signals_logit_fit(x, mixed, 6, &moved), 0);
    close_to(moved.slope * 0.01, fit.slope, 1e-9);
    close_to(moved.slope_se * 0.01, fit.slope_se, 1e-9);
    close_to(moved.intercept + 1000.0 * moved.slope, fit.intercept, 1e-6);
}

static void test_curve_over_edges_of_the_caller(void **state)
{
    (void)state;
    double p[6] = {0.1, 0.2, 0.2, 0.35, 0.9, 1.0}, edges[4] = {0.15, 0.2, 0.5, 0.6}, down[3] = {0.0, 0.6, 0.5};
    uint8_t y[6] = {0, 1, 0, 1, 1, 1};
    struct signals_reliability_bin bins[3];
    assert_int_equal(signals_reliability_curve(p, y, 6, edges, 3, bins), 0);
    assert_int_equal(bins[0].n, 3); /* an edge belongs below, what lies outside to the ends */
    assert_int_equal(bins[1].n, 1);
    assert_int_equal(bins[2].n, 2);
    close_to(bins[0].mean_p, 0.5 / 3.0, 1e-15);
    assert_int_equal(signals_reliability_curve(p, y, 6, down, 2, bins), -EINVAL);
    assert_int_equal(signals_reliability_curve(p, y, 6, edges, 0, bins), -EINVAL);
}

/* --- AUC ------------------------------------------------------------------------------------------------------------------ */

/* Every pair, and DeLong's variance from the definition. */
static void naive_auc(const double *s, const uint8_t *y, uint32_t n, double *auc, double *se)
{
    static double v10[N_MAX], v01[N_MAX];
    uint32_t n1 = 0, n0 = 0;
    for (uint32_t i = 0; i < n; i++)
        *(y[i] ? &n1 : &n0) += 1;
    double sum = 0.0, s1 = 0.0, s0 = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        v10[i] = v01[i] = 0.0;
        for (uint32_t j = 0; j < n; j++) {
            double win = y[i] ? (s[i] > s[j]) + 0.5 * (s[i] == s[j]) : (s[j] > s[i]) + 0.5 * (s[i] == s[j]);
            if (y[i] && !y[j])
                v10[i] += win / n0;
            if (!y[i] && y[j])
                v01[i] += win / n1;
        }
        sum += y[i] ? v10[i] / n1 : 0.0;
    }
    for (uint32_t i = 0; i < n; i++) {
        s1 += y[i] ? (v10[i] - sum) * (v10[i] - sum) / (n1 - 1.0) : 0.0;
        s0 += y[i] ? 0.0 : (v01[i] - sum) * (v01[i] - sum) / (n0 - 1.0);
    }
    *auc = sum;
    *se = sqrt(s1 / n1 + s0 / n0);
}

static void test_auc_counts_every_pair(void **state)
{
    (void)state;
    static double s[300], t[300];
    static uint8_t y[300];
    static struct signals_ranked ranked[300];
    static double placement[300], other[300];
    struct signals_auc_scratch scratch = {ranked, placement, other};
    struct signals_auc got, difference;
    for (int round = 0; round < 60; round++) {
        uint32_t n = 8 + below(290);
        for (uint32_t i = 0; i < n; i++) {
            y[i] = i < 2 ? 1 : i < 4 ? 0 : (uint8_t)below(2);
            s[i] = below(round % 2 ? 5 : 1000) + 0.5 * y[i]; /* many ties, or few */
            t[i] = below(10);
        }
        double auc, se, auc_t, se_t;
        naive_auc(s, y, n, &auc, &se);
        naive_auc(t, y, n, &auc_t, &se_t);
        assert_int_equal(signals_auc_measure(s, y, n, 0.95, &scratch, &got), 0);
        close_to(got.auc, auc, 1e-12);
        close_to(got.se, se, 1e-12);
        assert_true(got.lo >= 0.0 && got.hi <= 1.0 && got.lo <= got.auc && got.hi >= got.auc);
        assert_int_equal(signals_auc_difference(s, t, y, n, 0.95, &scratch, &difference), 0);
        close_to(difference.auc, auc - auc_t, 1e-12);
        assert_int_equal(signals_auc_difference(s, s, y, n, 0.95, &scratch, &difference), 0);
        assert_true(difference.auc == 0.0 && difference.se == 0.0);
    }
}

static void test_auc_of_one_class_is_none(void **state)
{
    (void)state;
    double s[3] = {1, 2, 3}, bad[3] = {1, NAN, 3};
    uint8_t y[3] = {1, 1, 1}, single[3] = {1, 0, 0};
    struct signals_ranked ranked[3];
    double placement[3], other[3];
    struct signals_auc_scratch scratch = {ranked, placement, other};
    struct signals_auc auc;
    assert_int_equal(signals_auc_measure(s, y, 3, 0.95, &scratch, &auc), 0);
    assert_true(isnan(auc.auc) && isnan(auc.lo));
    assert_int_equal(signals_auc_measure(s, single, 3, 0.95, &scratch, &auc), 0);
    assert_true(auc.auc == 0.0 && isnan(auc.se) && isnan(auc.hi));
    assert_int_equal(signals_auc_measure(bad, y, 3, 0.95, &scratch, &auc), -EINVAL);
    assert_int_equal(signals_auc_measure(s, y, 0, 0.95, &scratch, &auc), -EINVAL);
}

/* --- calibrators ------------------------------------------------------------------------------------------------------------ */

static struct signals_ranked iso_ranked[N_MAX];
static double iso_sum[N_MAX], iso_weight[N_MAX], iso_last[N_MAX], iso_values[N_MAX], iso_x[2 * N_MAX], iso_y[2 * N_MAX];
static const struct signals_isotonic_scratch iso = {iso_ranked, iso_sum, iso_weight, iso_last};
static const struct signals_calibrator_scratch calibrator_scratch = {{iso_ranked, iso_sum, iso_weight, iso_last}, iso_values, iso_x, iso_y};

/* Weighted mean of y over x in [a, b]. */
static double mean_between(const double *x, const double *y, const double *w, uint32_t n, double a, double b)
{
    double sum = 0.0, weight = 0.0;
    for (uint32_t i = 0; i < n; i++)
        if (x[i] >= a && x[i] <= b) {
            sum += w[i] * y[i];
            weight += w[i];
        }
    return sum / weight;
}

static void test_isotonic_is_max_of_min(void **state)
{
    (void)state;
    static double x[60], y[60], w[60], knots_x[120], knots_y[120];
    for (int round = 0; round < 60; round++) {
        uint32_t n = 1 + below(60), knots;
        for (uint32_t i = 0; i < n; i++) {
            x[i] = below(25);
            y[i] = round % 3 ? below(2) : uniform() - 0.3;
            w[i] = round % 2 ? 1.0 : 0.5 + below(4);
        }
        assert_int_equal(signals_isotonic_fit(x, y, round % 2 ? NULL : w, n, &iso, knots_x, knots_y, &knots), 0);
        for (uint32_t i = 0; i < n; i++) {
            double best = -INFINITY; /* max over a <= x of min over b >= x of the mean between */
            for (uint32_t a = 0; a < n; a++) {
                double least = INFINITY;
                for (uint32_t b = 0; x[a] <= x[i] && b < n; b++)
                    if (x[b] >= x[i])
                        least = fmin(least, mean_between(x, y, w, n, x[a], x[b]));
                best = x[a] <= x[i] ? fmax(best, least) : best;
            }
            close_to(signals_isotonic_apply(knots_x, knots_y, knots, x[i]), best, 1e-12);
        }
        for (uint32_t k = 1; k < knots; k++)
            assert_true(knots_x[k] > knots_x[k - 1] && knots_y[k] >= knots_y[k - 1]);
    }
}

static void test_isotonic_between_and_beyond(void **state)
{
    (void)state;
    double x[4] = {1, 2, 4, 6}, y[4] = {0, 0, 1, 1}, kx[8], ky[8];
    uint32_t knots;
    assert_int_equal(signals_isotonic_fit(x, y, NULL, 4, &iso, kx, ky, &knots), 0);
    assert_int_equal(knots, 4);
    assert_true(signals_isotonic_apply(kx, ky, knots, -5.0) == 0.0 && signals_isotonic_apply(kx, ky, knots, 9.0) == 1.0);
    close_to(signals_isotonic_apply(kx, ky, knots, 2.5), 0.25, 1e-15);
    assert_true(isnan(signals_isotonic_apply(kx, ky, knots, NAN)));
    double nan_x[4] = {1, NAN, 2, 3}, zero[4] = {1, 0, 1, 1};
    assert_int_equal(signals_isotonic_fit(nan_x, y, NULL, 4, &iso, kx, ky, &knots), -EINVAL);
    assert_int_equal(signals_isotonic_fit(x, y, zero, 4, &iso, kx, ky, &knots), -EINVAL);
    assert_int_equal(signals_isotonic_fit(x, y, NULL, 0, &iso, kx, ky, &knots), -EINVAL);
}

static void test_the_calibrator_goes_by_the_sample(void **state)
{
    (void)state;
    static double f[N_MAX];
    static uint8_t y[N_MAX];
    struct signals_calibrator c;
    (void)sample(f, y, N_MAX, 0.5);
    assert_int_equal(signals_calibrator_fit(f, y, 49, &calibrator_scratch, &c), -EAGAIN);
    assert_int_equal(c.kind, SIGNALS_CALIBRATOR_NONE);
    assert_true(isnan(signals_calibrator_apply(&c, 0.5)) && signals_calibrator_sane(&c));
    assert_int_equal(signals_calibrator_fit(f, y, 50, &calibrator_scratch, &c), 0);
    assert_int_equal(c.kind, SIGNALS_CALIBRATOR_PLATT);
    assert_int_equal(signals_calibrator_fit(f, y, 299, &calibrator_scratch, &c), 0);
    assert_int_equal(c.kind, SIGNALS_CALIBRATOR_PLATT);
    close_to(signals_calibrator_apply(&c, 0.3), 1.0 / (1.0 + exp(c.a * 0.3 + c.b)), 1e-15);
    assert_true(signals_platt_apply(1.0, 0.0, 800.0) < 1e-300 && signals_platt_apply(-1.0, 0.0, 800.0) == 1.0);
    assert_int_equal(signals_calibrator_fit(f, y, 300, &calibrator_scratch, &c), 0);
    assert_int_equal(c.kind, SIGNALS_CALIBRATOR_ISOTONIC);
    double mean = 0.0, rate = 0.0, before = 0.0; /* isotonic keeps the mean, and the order */
    for (int i = 0; i < 300; i++) {
        mean += signals_calibrator_apply(&c, f[i]) / 300.0;
        rate += y[i] / 300.0;
    }
    close_to(mean, rate, 1e-12);
    for (double x = 0.0; x <= 1.0; x += 0.001) {
        double p = signals_calibrator_apply(&c, x);
        assert_true(p >= before && p <= 1.0);
        before = p;
    }
    memset(f, 0, sizeof f);
    assert_int_equal(signals_calibrator_fit(f, y, 100, &calibrator_scratch, &c), -EDOM); /* Platt of a constant */
    y[3] = 2;
    assert_int_equal(signals_calibrator_fit(f, y, 400, &calibrator_scratch, &c), -EINVAL);
    assert_int_equal(c.kind, SIGNALS_CALIBRATOR_NONE);
}

/* Rates that rise in more steps than there are knots: every fraction with a denominator up to 30, once. */
static void test_more_steps_than_knots(void **state)
{
    (void)state;
    enum { MANY = 9000 };
    static double f[MANY], sum[MANY], weight[MANY], last[MANY], values[MANY], kx[2 * MANY], ky[2 * MANY];
    static struct signals_ranked ranked[MANY];
    static uint8_t y[MANY];
    struct signals_calibrator_scratch scratch = {{ranked, sum, weight, last}, values, kx, ky};
    struct signals_calibrator c;
    uint32_t n = 0, a = 0, b = 1, d = 1, e = 30; /* a Farey sequence */
    while (a < b) {
        for (uint32_t i = 0; i < b; i++) { /* winners first: the block is pooled to a / b */
            f[n] = n;
            y[n++] = i < a;
        }
        uint32_t k = (30 + b) / e, next_a = k * d - a, next_b = k * e - b;
        a = d, b = e, d = next_a, e = next_b;
    }
    assert_true(n > 3000 && n < MANY);
    assert_int_equal(signals_calibrator_fit(f, y, n, &scratch, &c), -ENOSPC);
    assert_int_equal(c.kind, SIGNALS_CALIBRATOR_NONE);
    assert_int_equal(signals_calibrator_fit(f, y, n / 3, &scratch, &c), 0);
    assert_true(signals_calibrator_sane(&c) && c.knot_count > 100);
}

static void test_a_calibrator_of_hostile_bytes(void **state)
{
    (void)state;
    static double f[N_MAX];
    static uint8_t y[N_MAX];
    static struct signals_calibrator good, c;
    (void)sample(f, y, N_MAX, 1.0);
    assert_int_equal(signals_calibrator_fit(f, y, N_MAX, &calibrator_scratch, &good), 0);
    assert_true(signals_calibrator_sane(&good) && good.knot_count > 4);
#define BAD(change)                                                                                                    \
    do {                                                                                                               \
        c = good;                                                                                                      \
        change;                                                                                                        \
        assert_false(signals_calibrator_sane(&c));                                                                     \
    } while (0)
    BAD(c.version = 7);
    BAD(c.kind = 3);
    BAD(c.knot_count = 0);
    BAD(c.knot_count = SIGNALS_KNOTS_MAX + 1);
    BAD(c.x[1] = c.x[0]);
    BAD(c.x[1] = NAN);
    BAD(c.y[0] = -0.1);
    BAD(c.y[c.knot_count - 1] = 1.1);
    BAD(c.y[1] = c.y[0] - 1e-9);
    BAD(c.kind = SIGNALS_CALIBRATOR_PLATT); /* with knots */
    BAD(c.a = INFINITY);
#undef BAD
}

/* --- means and bootstrap ---------------------------------------------------------------------------------------------------------- */

static void test_moments_of_little(void **state)
{
    (void)state;
    double same[5] = {0.1, 0.1, 0.1, 0.1, 0.1}, far[4] = {1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4};
    struct signals_moments m = signals_moments_of(same, 5);
    assert_true(m.mean == 0.1 && m.sd == 0.0);
    assert_true(signals_t_two_sided(&m) == 0.0 && isinf(signals_t_statistic(&m)));
    m = signals_moments_of(far, 4);
    close_to(m.sd, 1.2909944487358056, 1e-13);
    m = signals_moments_of(same, 1);
    assert_true(m.mean == 0.1 && isnan(m.sd) && isnan(signals_t_two_sided(&m)));
    m = signals_moments_of(same, 0);
    assert_true(isnan(m.mean));
    double x[4] = {1, 2, 3, 4}, y[5] = {2, 4, 6, 8, 10}, difference; /* Welch by hand: df 5.5309 */
    struct signals_moments a = signals_moments_of(x, 4), b = signals_moments_of(y, 5);
    struct signals_interval ci = signals_welch(&a, &b, 0.95, &difference);
    double v = 5.0 / 3.0 / 4.0 + 10.0 / 5.0;
    double df = v * v / (pow(5.0 / 12.0, 2) / 3.0 + 4.0 / 4.0), half = signals_t_quantile(0.975, df) * sqrt(v);
    close_to(difference, -3.5, 1e-15);
    close_to(ci.lo, -3.5 - half, 1e-13);
    close_to(ci.hi, -3.5 + half, 1e-13);
}

struct dice {
    uint32_t units_seen, spoil;
};

static void roll(void *context, uint32_t replicate, uint32_t units, uint32_t *index)
{
    struct dice *dice = context;
    dice->units_seen = units;
    for (uint32_t i = 0; i < units; i++)
        index[i] = (uint32_t)(hash_combine(replicate, i) % units);
    if (dice->spoil == replicate)
        index[units - 1] = units;
}

static void roll_short(void *context, uint32_t replicate, uint32_t units, uint32_t *index)
{
    (void)context;
    (void)replicate;
    for (uint32_t i = 0; i + 1 < units; i++)
        index[i] = 0;
}

#define REPLICATES 400u
static double replicate[REPLICATES], unit_sum[100];
static uint32_t unit_count[100], unit_index[100];
static const struct signals_bootstrap_scratch bootstrap_scratch = {replicate, unit_sum, unit_count, unit_index};

static void test_days_are_resampled_whole(void **state)
{
    (void)state;
    double x[100], naive[REPLICATES];
    uint32_t day[100], first[100], size[100], days = 0, n = 0;
    while (days < 30) {
        size[days] = 1 + below(4);
        first[days] = n;
        for (uint32_t i = 0; n < 100 && i < size[days]; i++) {
            x[n] = uniform() - 0.4;
            day[n++] = 100 + days;
        }
        size[days] = n - first[days];
        days++;
    }
    struct dice dice = {.spoil = UINT32_MAX};
    struct signals_resample resample = {REPLICATES, roll, &dice};
    struct signals_bootstrap b;
    assert_int_equal(signals_bootstrap_mean(x, n, day, 0.9, &resample, &bootstrap_scratch, &b), 0);
    assert_int_equal(b.units, 30);
    assert_int_equal(dice.units_seen, 30);
    for (uint32_t r = 0; r < REPLICATES; r++) {
        double sum = 0.0, count = 0.0;
        for (uint32_t i = 0; i < 30; i++) {
            uint32_t d = (uint32_t)(hash_combine(r, i) % 30);
            for (uint32_t j = 0; j < size[d]; j++)
                sum += x[first[d] + j];
            count += size[d];
        }
        naive[r] = sum / count;
    }
    signals_order_values(naive, REPLICATES);
    for (uint32_t r = 0; r < REPLICATES; r++)
        close_to(replicate[r], naive[r], 1e-12);
    close_to(b.percentile.lo, signals_quantile(naive, REPLICATES, 0.05), 1e-12);
    assert_true(b.bca.lo < b.mean && b.mean < b.bca.hi && isfinite(b.acceleration));
    uint32_t single[100];
    for (uint32_t i = 0; i < n; i++)
        single[i] = i;
    struct signals_bootstrap without, with;
    assert_int_equal(signals_bootstrap_mean(x, n, NULL, 0.9, &resample, &bootstrap_scratch, &without), 0);
    assert_int_equal(signals_bootstrap_mean(x, n, single, 0.9, &resample, &bootstrap_scratch, &with), 0);
    assert_memory_equal(&without, &with, sizeof with); /* units of one are no units */
}

static void test_indices_are_not_trusted(void **state)
{
    (void)state;
    double x[5] = {1, 2, 3, 4, 5}, same[5] = {2, 2, 2, 2, 2}, bad[5] = {1, 2, NAN, 4, 5};
    struct dice dice = {.spoil = 7};
    struct signals_resample resample = {REPLICATES, roll, &dice}, short_one = {REPLICATES, roll_short, NULL};
    struct signals_bootstrap b;
    assert_int_equal(signals_bootstrap_mean(x, 5, NULL, 0.95, &resample, &bootstrap_scratch, &b), -EINVAL);
    assert_int_equal(signals_bootstrap_mean(x, 5, NULL, 0.95, &short_one, &bootstrap_scratch, &b), -EINVAL);
    dice.spoil = UINT32_MAX;
    assert_int_equal(signals_bootstrap_mean(bad, 5, NULL, 0.95, &resample, &bootstrap_scratch, &b), -EINVAL);
    assert_int_equal(signals_bootstrap_mean(x, 1, NULL, 0.95, &resample, &bootstrap_scratch, &b), -EINVAL);
    assert_int_equal(signals_bootstrap_mean(same, 5, NULL, 0.95, &resample, &bootstrap_scratch, &b), 0);
    assert_true(b.percentile.lo == 2.0 && b.percentile.hi == 2.0 && isnan(b.bca.lo) && isnan(b.acceleration));
    resample.replicates = 0;
    assert_int_equal(signals_bootstrap_mean(x, 5, NULL, 0.95, &resample, &bootstrap_scratch, &b), -EINVAL);
}

static void test_quantiles_at_their_ends(void **state)
{
    (void)state;
    double x[5] = {10, 20, 30, 40, 50};
    assert_true(signals_quantile(x, 5, 0.0) == 10.0 && signals_quantile(x, 5, 1.0) == 50.0);
    close_to(signals_quantile(x, 5, 0.3), 22.0, 1e-14);
    assert_true(isnan(signals_quantile(x, 0, 0.5)) && signals_quantile(x, 1, 0.7) == 10.0);
    assert_true(signals_quantile_normal(x, 5, 0.5) == 30.0); /* rank 3 */
    assert_true(signals_quantile_normal(x, 5, 0.01) == 10.0 && signals_quantile_normal(x, 5, 0.99) == 50.0);
    double middle = signals_quantile_normal(x, 5, 0.6); /* rank 3.6: nearer to 30 + 6 but on the normal scale */
    assert_true(middle > 30.0 && middle < 40.0 && fabs(middle - 36.0) > 1e-6);
}

/* --- many groups ------------------------------------------------------------------------------------------------------------------ */

static void test_shrinkage_pools_what_does_not_differ(void **state)
{
    (void)state;
    uint32_t wins[4] = {5, 10, 20, 0}, n[4] = {10, 20, 40, 0};
    double rate[4];
    assert_true(isinf(signals_shrink(wins, n, 4, rate)));
    for (int g = 0; g < 4; g++)
        close_to(rate[g], 0.5, 1e-15);
    uint32_t apart[3] = {90, 50, 12}, hundred[3] = {100, 100, 100};
    double a = signals_shrink(apart, hundred, 3, rate), m = 152.0 / 300.0, s2 = 0.0;
    for (int g = 0; g < 3; g++)
        s2 += (apart[g] / 100.0 - m) * (apart[g] / 100.0 - m) / 2.0;
    close_to(a, (m * (1 - m) - s2) / (s2 - m * (1 - m) / 100.0), 1e-12);
    for (int g = 0; g < 3; g++)
        close_to(rate[g], (apart[g] + m * a) / (100.0 + a), 1e-12);
    assert_true(rate[0] < 0.9 && rate[2] > 0.12 && rate[0] > rate[1] && rate[1] > rate[2]);
    uint32_t nothing[2] = {0, 0};
    assert_true(isnan(signals_shrink(nothing, nothing, 2, rate)) && isnan(rate[0]));
    uint32_t all[2] = {50, 0}, fifty[2] = {50, 50}; /* as far apart as can be: no shrinkage */
    assert_true(signals_shrink(all, fifty, 2, rate) == 0.0 && rate[0] == 1.0 && rate[1] == 0.0);
}

static void test_false_discoveries_by_the_definition(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        double p[30], adjusted[30];
        bool rejected[30];
        struct signals_ranked ranked[30];
        uint32_t n = below(30), tests = 0, largest = 0;
        for (uint32_t i = 0; i < n; i++) {
            p[i] = below(6) == 0 ? NAN : below(3) ? uniform() : 0.02 * uniform();
            tests += !isnan(p[i]);
        }
        uint32_t found = signals_fdr(p, n, 0.1, ranked, rejected, adjusted);
        for (uint32_t i = 0; i < n; i++) { /* the largest k with k-th p <= k q / m */
            uint32_t rank = 0;
            for (uint32_t j = 0; j < n; j++)
                rank += p[j] <= p[i];
            if (p[i] <= 0.1 * rank / tests && rank > largest)
                largest = rank;
        }
        assert_int_equal(found, largest);
        uint32_t count = 0;
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(isnan(p[i]), isnan(adjusted[i]));
            assert_int_equal(rejected[i], adjusted[i] <= 0.1);
            assert_true(isnan(p[i]) || (adjusted[i] >= p[i] && adjusted[i] <= 1.0));
            count += rejected[i];
        }
        assert_int_equal(count, found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_t_quantile_solves_the_series, begin),
        cmocka_unit_test_setup(test_rate_intervals_solve_their_equations, begin),
        cmocka_unit_test_setup(test_nothing_gives_no_interval, begin),
        cmocka_unit_test_setup(test_bins_are_cut_on_whole_basis_points, begin),
        cmocka_unit_test_setup(test_murphy_and_naive_scores, begin),
        cmocka_unit_test_setup(test_perfect_useless_and_impossible_probabilities, begin),
        cmocka_unit_test_setup(test_spiegelhalter_sees_what_is_overconfident, begin),
        cmocka_unit_test_setup(test_a_logit_without_maximum_is_said, begin),
        cmocka_unit_test_setup(test_curve_over_edges_of_the_caller, begin),
        cmocka_unit_test_setup(test_auc_counts_every_pair, begin),
        cmocka_unit_test_setup(test_auc_of_one_class_is_none, begin),
        cmocka_unit_test_setup(test_isotonic_is_max_of_min, begin),
        cmocka_unit_test_setup(test_isotonic_between_and_beyond, begin),
        cmocka_unit_test_setup(test_the_calibrator_goes_by_the_sample, begin),
        cmocka_unit_test_setup(test_more_steps_than_knots, begin),
        cmocka_unit_test_setup(test_a_calibrator_of_hostile_bytes, begin),
        cmocka_unit_test_setup(test_moments_of_little, begin),
        cmocka_unit_test_setup(test_days_are_resampled_whole, begin),
        cmocka_unit_test_setup(test_indices_are_not_trusted, begin),
        cmocka_unit_test_setup(test_quantiles_at_their_ends, begin),
        cmocka_unit_test_setup(test_shrinkage_pools_what_does_not_differ, begin),
        cmocka_unit_test_setup(test_false_discoveries_by_the_definition, begin),
    };
    print_message("seed 20240601\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
