/* sharpe and equity: the noncentral t by adaptive quadrature and against Student's, limits that are its roots, coverage by
 * simulation, Lo's factor by its sum, metrics recomputed from the definition. */
#include "tests/unit/performance_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_gamma.h>

#include "workers/performance/drawdown.h"
#include "workers/performance/equity.h"
#include "workers/performance/quantile.h"
#include "workers/performance/sharpe.h"

/* --- noncentral t --------------------------------------------------------------------------------------------------------- */

struct integrand {
    double t, df, delta, log_constant;
};

static double integrand_at(double s, void *parameters)
{
    const struct integrand *i = parameters;
    if (s <= 0.0)
        return 0.0;
    return gsl_cdf_ugaussian_P(i->t * s - i->delta) * exp(i->log_constant + (i->df - 1.0) * log(s) - i->df * s * s / 2.0);
}

static double quadrature(double t, double df, double delta)
{
    struct integrand i = {t, df, delta, log(2.0) + df / 2.0 * log(df / 2.0) - gsl_sf_lngamma(df / 2.0)};
    gsl_function f = {integrand_at, &i};
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(4000);
    double sd = 1.0 / sqrt(2.0 * df), low = fmax(0.0, 1.0 - 14.0 * sd), left, right, error;
    (void)gsl_integration_qag(&f, low, 1.0, 1e-14, 1e-12, 4000, GSL_INTEG_GAUSS61, work, &left, &error);
    (void)gsl_integration_qag(&f, 1.0, 1.0 + 16.0 * sd, 1e-14, 1e-12, 4000, GSL_INTEG_GAUSS61, work, &right, &error);
    gsl_integration_workspace_free(work);
    return left + right;
}

static void test_noncentral_t_is_students(void **state)
{
    (void)state;
    const double t[] = {-30.0, -3.0, -0.5, 0.0, 0.1, 2.0, 12.0}, df[] = {1.0, 2.0, 4.0, 30.0, 499.0, 5000.0};
    for (uint32_t i = 0; i < COUNT(t); i++)
        for (uint32_t j = 0; j < COUNT(df); j++)
            assert_near(sharpe_noncentral_t(t[i], df[j], 0.0, NULL), gsl_cdf_tdist_P(t[i], df[j]), 1e-12);
}

static void test_noncentral_t_by_quadrature(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        double df = 1.0 + (double)draw_below(draw_below(2) ? 10 : 2000), delta = 6.0 * draw_normal();
        double t = delta + 2.0 * draw_normal(), slope;
        double value = sharpe_noncentral_t(t, df, delta, &slope);
        assert_near(value, quadrature(t, df, delta), 1e-11);
        double h = 1e-4, by_difference = (sharpe_noncentral_t(t, df, delta + h, NULL) -
                                          sharpe_noncentral_t(t, df, delta - h, NULL)) / (2.0 * h);
        assert_near(slope, by_difference, 1e-8);
    }
}

static void test_limits_are_roots(void **state)
{
    (void)state;
    const uint64_t n[] = {2, 3, 5, 20, 60, 500, 2600};
    for (uint32_t i = 0; i < COUNT(n); i++)
        for (int round = 0; round < 10; round++) {
            double ratio = draw_normal() / sqrt((double)n[i]) * (round % 3 ? 1.0 : 6.0), root = sqrt((double)n[i]);
            double low = sharpe_limit_exact(ratio, n[i], 0.025), high = sharpe_limit_exact(ratio, n[i], 0.975);
            assert_true(low < ratio && ratio < high);
            double df = (double)(n[i] - 1);
            assert_near(quadrature(ratio * root, df, low * root), 0.975, 1e-10);
            assert_near(quadrature(ratio * root, df, high * root), 0.025, 1e-10);
        }
}

static void test_limits_of_nothing(void **state)
{
    (void)state;
    assert_nan(sharpe_limit_exact(0.1, 0, 0.025));
    assert_nan(sharpe_limit_exact(0.1, 1, 0.025));
    assert_nan(sharpe_limit_exact(NAN, 50, 0.025));
    assert_nan(sharpe_limit_exact(1e16, 50, 0.025));
    assert_false(isnan(sharpe_limit_exact(SHARPE_T_MAX / 2.0, 4, 0.975)));
    assert_false(isnan(sharpe_limit_exact(-SHARPE_T_MAX / 1.5, 2, 0.025)));
    assert_near(sharpe_limit_exact(0.3, 40, 0.025), -sharpe_limit_exact(-0.3, 40, 0.975), 1e-11);
}

/* 95 % means 95 %: 8 standard errors of the count. */
static void test_limits_cover(void **state)
{
    (void)state;
    const double truth = 0.25;
    int covered = 0, rounds = 1500;
    for (int round = 0; round < rounds; round++) {
        struct moments m;
        moments_init(&m, 0.0);
        for (int i = 0; i < 12; i++)
            moments_add(&m, truth + draw_normal());
        double ratio = moments_mean(&m) / moments_sd(&m);
        covered += sharpe_limit_exact(ratio, 12, 0.025) < truth && truth < sharpe_limit_exact(ratio, 12, 0.975);
    }
    assert_true(fabs(covered - 0.95 * rounds) < 8.0 * sqrt(rounds * 0.95 * 0.05));
}

/* --- errors and factors ------------------------------------------------------------------------------------------------------- */

static void test_errors(void **state)
{
    (void)state;
    assert_nan(sharpe_se(0.1, 1));
    assert_near(sharpe_se(0.0, 100), 0.1, 1e-15);
    /* normal moments: the two differ by n against n - 1 alone */
    assert_near(sharpe_se_moments(0.2, 401, 0.0, 3.0), sqrt((1.0 + 0.02) / 400.0), 1e-15);
    assert_nan(sharpe_se_moments(1.0, 100, 10.0, 3.0)); /* a negative variance */
    assert_near(sharpe_se_ar1(0.2, 400, 0.5, 4.0, 0.0), sharpe_se_moments(0.2, 401, 0.5, 4.0), 1e-15);
    /* rho = .5: a = 3, b = 2 + 1/3, c = 1 + 2/3 */
    assert_near(sharpe_se_ar1(0.2, 400, 0.5, 4.0, 0.5),
                sqrt((3.0 - 7.0 / 3.0 * 0.1 + 5.0 / 3.0 * 0.75 * 0.04) / 400.0), 1e-15);
    assert_nan(sharpe_se_ar1(0.2, 400, 0.5, 4.0, 1.0));
    assert_nan(sharpe_se_ar1(0.2, 400, 0.5, 4.0, NAN));
}

static void test_factors(void **state)
{
    (void)state;
    double rho[400] = {0};
    assert_near(sharpe_lo_factor(252.0, rho, 0), sqrt(252.0), 1e-14);
    assert_near(sharpe_ar1_factor(252.0, 0.0), sqrt(252.0), 1e-14);
    for (int round = 0; round < 100; round++) {
        double one = 1.9 * draw_uniform() - 0.95, q = 1.0 + 300.0 * draw_uniform();
        for (uint32_t k = 0; k < COUNT(rho); k++)
            rho[k] = pow(one, k + 1.0);
        assert_near(sharpe_ar1_factor(q, one), sharpe_lo_factor(q, rho, COUNT(rho)), 1e-9);
    }
    assert_true(sharpe_ar1_factor(260.9, 0.2) < sqrt(260.9) && sharpe_ar1_factor(260.9, -0.2) > sqrt(260.9));
    assert_nan(sharpe_ar1_factor(252.0, -1.0));
    rho[0] = -0.9;
    assert_nan(sharpe_lo_factor(12.0, rho, 1)); /* no such process: the root is negative */
}

/* --- equity ------------------------------------------------------------------------------------------------------------------- */

#define N 700u

static void draw_returns(double *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        r[i] = draw_below(4) == 0 ? 0.0 : 0.0004 + 0.01 * draw_normal();
}

static void test_equity_against_definition(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        double r[N], mar = 0.0002, per_year = 260.9;
        uint32_t n = 30 + (uint32_t)draw_below(N - 30); /* enough for a spread, a loss and a fall */
        long double sum = 0.0L, squares = 0.0L, below = 0.0L, growth = 1.0L, gains = 0.0L, losses = 0.0L;
        draw_returns(r, n);
        for (uint32_t i = 0; i < n; i++) {
            sum += r[i];
            growth *= 1.0L + r[i];
            below += r[i] < mar ? (r[i] - mar) * (r[i] - mar) : 0.0;
            *(r[i] > 0.0 ? &gains : &losses) += fabs(r[i]);
        }
        for (uint32_t i = 0; i < n; i++)
            squares += (r[i] - sum / n) * (r[i] - sum / n);
        double mean = (double)(sum / n), sd = (double)sqrtl(squares / (n - 1)), year = sqrt(per_year);
        struct equity_metrics m;
        equity_metrics_of(r, n, per_year, mar, &m);
        assert_int_equal(m.n, n);
        assert_near(m.sharpe, mean / sd * year, 1e-11);
        assert_near(m.sortino, (double)((mean - mar) / sqrtl(below / n)) * year, 1e-11);
        assert_near(m.total_return, (double)(growth - 1.0L), 1e-12);
        assert_near(m.omega, (double)(gains / losses), 1e-11);
        assert_near(m.sharpe_se, sharpe_se(mean / sd, n) * year, 1e-12);
        assert_true(m.sharpe_low < m.sharpe && m.sharpe < m.sharpe_high);
        if (n < per_year) {
            assert_nan(m.cagr);
            assert_nan(m.calmar);
        } else {
            assert_near(m.cagr, (double)powl(growth, per_year / n) - 1.0, 1e-12);
            assert_near(m.calmar, m.cagr / m.max_drawdown, 1e-12);
        }
        assert_near(m.return_over_drawdown, m.total_return / m.max_drawdown, 1e-12);
    }
}

static void test_equity_merge_is_the_whole(void **state)
{
    (void)state;
    double r[N];
    struct equity_sums whole, sum, part;
    draw_returns(r, N);
    equity_sums_init(&whole, 0.0);
    equity_sums_init(&sum, 0.0);
    for (uint32_t at = 0; at < N; at += 50) {
        equity_sums_init(&part, 0.0);
        for (uint32_t i = at; i < at + 50; i++) {
            equity_sums_add(&whole, r[i]);
            equity_sums_add(&part, r[i]);
        }
        equity_sums_merge(&sum, &part);
    }
    struct equity_metrics a, b;
    equity_metrics_read(&whole, 252.0, 0.1, &a);
    equity_metrics_read(&sum, 252.0, 0.1, &b);
    assert_int_equal(a.n, b.n);
    assert_int_equal(a.up_count, b.up_count);
    assert_int_equal(a.down_count, b.down_count);
    assert_near(a.sharpe, b.sharpe, 1e-11);
    assert_near(a.sortino, b.sortino, 1e-11);
    assert_near(a.total_return, b.total_return, 1e-12);
    assert_near(a.omega, b.omega, 1e-12);
    assert_near(a.kurtosis, b.kurtosis, 1e-11);
    assert_true(equity_sums_restorable(&sum));
    sum.growth = INFINITY;
    assert_false(equity_sums_restorable(&sum));
}

static void test_equity_of_little(void **state)
{
    (void)state;
    const double up[] = {0.01, 0.01, 0.01}, none[] = {0.0, 0.0}, down[] = {-0.01, -0.01};
    struct equity_metrics m;
    equity_metrics_of(up, 0, 252.0, 0.0, &m);
    assert_true(m.n == 0 && isnan(m.total_return) && isnan(m.sharpe) && isnan(m.max_drawdown) && isnan(m.omega) &&
                isnan(m.sortino) && isnan(m.up_share));
    equity_metrics_of(up, 3, 252.0, 0.0, &m);
    assert_nan(m.sharpe); /* no spread: undefined, not 7e16 */
    assert_nan(m.sharpe_low);
    assert_true(isinf(m.sortino) && m.sortino > 0.0 && isinf(m.omega) && m.max_drawdown == 0.0);
    assert_nan(m.calmar);
    equity_metrics_of(none, 2, 252.0, 0.0, &m);
    assert_true(isnan(m.sortino) && isnan(m.omega) && isnan(m.up_share) && m.total_return == 0.0);
    equity_metrics_of(down, 2, 252.0, 0.0, &m);
    assert_near(m.sortino_period, -1.0, 1e-15);
    assert_true(m.omega == 0.0);
}

static void test_order(void **state)
{
    (void)state;
    double x[20000], scratch[20000];
    x[0] = draw_normal();
    for (uint32_t i = 1; i < COUNT(x); i++)
        x[i] = 0.4 * x[i - 1] + draw_normal();
    assert_near(equity_autocorrelation(x, COUNT(x), 1), 0.4, 0.05);
    assert_near(equity_autocorrelation(x, COUNT(x), 2), 0.16, 0.06);
    assert_near(equity_autocorrelation(x, COUNT(x), 0), 1.0, 1e-14);
    const double four[] = {1, 2, 4, 1}; /* mean 2: products -1*0 + 0*2 + 2*-1 over 1 + 0 + 4 + 1 */
    assert_near(equity_autocorrelation(four, 4, 1), -2.0 / 6.0, 1e-15);
    assert_nan(equity_autocorrelation(four, 4, 4));
    assert_nan(equity_autocorrelation(four, 1, 0));
    struct equity_metrics m;
    struct equity_order order;
    for (uint32_t i = 0; i < N; i++)
        x[i] *= 0.01;
    equity_metrics_of(x, N, 260.9, 0.0, &m);
    equity_order_of(x, N, &m, scratch, &order);
    assert_near(order.sharpe_ar1, m.sharpe_period * sharpe_ar1_factor(260.9, order.rho[0]), 1e-13);
    assert_true(fabs(order.sharpe_ar1) < fabs(m.sharpe) && order.sharpe_se_ar1 > m.sharpe_se);
    quantile_sort(x, N);
    assert_near(order.var_5, quantile_sorted(x, N, 0.05), 1e-15);
    assert_near(order.es_5, quantile_tail_mean(x, N, 0.05), 1e-15);
    equity_order_of(x, 0, &m, scratch, &order);
    assert_true(isnan(order.rho[0]) && isnan(order.sharpe_lo) && isnan(order.var_5) && isnan(order.tail_ratio));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noncentral_t_is_students), cmocka_unit_test(test_noncentral_t_by_quadrature),
        cmocka_unit_test(test_limits_are_roots),   cmocka_unit_test(test_limits_of_nothing),
        cmocka_unit_test(test_limits_cover),       cmocka_unit_test(test_errors),
        cmocka_unit_test(test_factors),            cmocka_unit_test(test_equity_against_definition),
        cmocka_unit_test(test_equity_merge_is_the_whole), cmocka_unit_test(test_equity_of_little),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, seed_setup, NULL);
}
