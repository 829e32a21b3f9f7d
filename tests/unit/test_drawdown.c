/* drawdown: known paths, every pair of values of random ones, flows that are no falls, and bytes that are not a state. */
#include "tests/unit/performance_support.h"

#include <errno.h>

#include "workers/performance/drawdown.h"

#define N 120

static void feed(struct drawdown *d, const dec_t *values, uint32_t n)
{
    drawdown_init(d, 0, values[0]);
    for (uint32_t i = 1; i < n; i++)
        drawdown_add(d, i * MINUTE, values[i]);
}

static void test_first_loss_counts(void **state)
{
    (void)state;
    const dec_t values[] = {100000, 98000, 98500};
    struct drawdown d;
    struct drawdown_report r;
    feed(&d, values, COUNT(values));
    drawdown_read(&d, &r);
    assert_int_equal(r.money, 2000);
    assert_near(r.share, 0.02, 1e-15);
    assert_int_equal(r.money_now, 1500);
    assert_near(r.share_now, 0.015, 1e-15);
    assert_true(r.open && r.recovered_ns == DRAWDOWN_OPEN);
    assert_int_equal(r.peak_ns, 0);
    assert_int_equal(r.trough_ns, MINUTE);
    assert_int_equal(r.duration_ns, 2 * MINUTE);
    assert_int_equal(r.n, 3);
}

/* The deepest in money and the deepest as a share are two falls; the first has recovered. */
static void test_money_and_share_are_two(void **state)
{
    (void)state;
    const dec_t values[] = {100, 80, 110, 300, 265, 300, 290};
    struct drawdown d;
    struct drawdown_report r;
    feed(&d, values, COUNT(values));
    drawdown_read(&d, &r);
    assert_int_equal(r.money, 35);
    assert_near(r.share, 0.2, 1e-15);
    assert_false(r.open);
    assert_int_equal(r.peak_ns, 0);
    assert_int_equal(r.trough_ns, MINUTE);
    assert_int_equal(r.recovered_ns, 2 * MINUTE);
    assert_int_equal(r.duration_ns, 2 * MINUTE);
    assert_int_equal(r.longest_ns, 2 * MINUTE);
    assert_int_equal(r.money_now, 10);
}

static void test_no_fall(void **state)
{
    (void)state;
    const dec_t values[] = {100, 100, 101, 105};
    struct drawdown d;
    struct drawdown_report r;
    feed(&d, values, COUNT(values));
    drawdown_read(&d, &r);
    assert_true(r.money == 0 && r.share == 0.0 && r.duration_ns == 0 && r.longest_ns == 0 && !r.open);
}

static void test_below_zero(void **state)
{
    (void)state;
    const dec_t values[] = {100, -50, 20};
    struct drawdown d;
    struct drawdown_report r;
    feed(&d, values, COUNT(values));
    drawdown_read(&d, &r);
    assert_int_equal(r.money, 150);
    assert_near(r.share, 1.5, 1e-15);
}

static void test_extremes_do_not_wrap(void **state)
{
    (void)state;
    const dec_t values[] = {DEC_MAX, -DEC_MAX, DEC_MAX - 1};
    struct drawdown d;
    struct drawdown_report r;
    feed(&d, values, COUNT(values));
    drawdown_read(&d, &r);
    assert_int_equal(r.money, DEC_MAX); /* saturated */
    assert_near(r.share, 2.0, 1e-12);
    assert_int_equal(r.money_now, 1);
}

/* Every pair of values, and every stretch below a peak. */
static void test_against_pairs(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        dec_t values[N];
        values[0] = 1000 + draw_below(1000);
        for (int i = 1; i < N; i++)
            values[i] = values[i - 1] + draw_below(101) - 50 + (values[i - 1] < 200 ? 100 : 0);
        struct drawdown d;
        struct drawdown_report r;
        feed(&d, values, N);
        drawdown_read(&d, &r);
        dec_t money = 0;
        double share = 0.0;
        for (int i = 0; i < N; i++)
            for (int j = i; j < N; j++) {
                money = dec_max(money, values[i] - values[j]);
                share = fmax(share, (double)(values[i] - values[j]) / (double)values[i]);
            }
        int64_t longest = 0, since = 0;
        dec_t peak = values[0];
        for (int i = 1; i < N; i++) {
            bool ended = values[i] >= peak;
            if (values[i - 1] < peak || !ended)
                longest = i - since > longest ? i - since : longest;
            if (ended) {
                peak = values[i];
                since = i;
            }
        }
        assert_int_equal(r.money, money);
        assert_near(r.share, share, 1e-15);
        assert_int_equal(r.longest_ns, longest * MINUTE);
    }
}

static void test_flow_is_no_fall(void **state)
{
    (void)state;
    struct drawdown d;
    struct drawdown_report r;
    drawdown_init(&d, 0, 1000);
    drawdown_add(&d, 1, 900); /* 100, 10 % */
    assert_int_equal(drawdown_flow(&d, -450), 0);
    drawdown_read(&d, &r);
    assert_int_equal(r.money_now, 100);
    assert_near(r.share_now, 0.1, 1e-15);
    drawdown_add(&d, 2, 400);
    drawdown_read(&d, &r);
    assert_int_equal(r.money, 150);
    assert_near(r.share, 0.2, 1e-15);
    drawdown_add(&d, 3, 600); /* above both peaks: 550 and 500 */
    drawdown_read(&d, &r);
    assert_true(!r.open && r.money_now == 0 && r.share_now == 0.0);
    assert_int_equal(drawdown_flow(&d, 1000), 0);
    drawdown_add(&d, 4, 1600);
    drawdown_read(&d, &r);
    assert_true(r.money_now == 0 && r.share_now == 0.0);
    struct drawdown before = d;
    assert_int_equal(drawdown_flow(&d, DEC_MAX), -ERANGE);
    assert_memory_equal(&before, &d, sizeof d);
    assert_int_equal(drawdown_flow(&d, -1600), 0); /* nothing is left: the share's peak stands */
    assert_true(d.value == 0 && d.share.peak == 1600);
}

/* A fall before and after a deposit at the peak is what it would have been without. */
static void test_flow_scales(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        double level = 1.0, peak = 1.0, deepest = 0.0;
        dec_t value = 1000000 * DEC_ONE;
        struct drawdown d;
        struct drawdown_report r;
        drawdown_init(&d, 0, value);
        for (int i = 1; i < N; i++) {
            double ret = 0.02 * draw_normal();
            dec_t next;
            assert_int_equal(dec_from_double(dec_to_double(value) * (1.0 + ret), &next), 0);
            level *= (double)next / (double)value;
            peak = fmax(peak, level);
            deepest = fmax(deepest, 1.0 - level / peak);
            value = next;
            drawdown_add(&d, i, value);
            if (draw_below(10) == 0) {
                dec_t flow = (draw_below(2000) - 900) * 100 * DEC_ONE;
                flow = value + flow > 100000 * DEC_ONE ? flow : 0;
                assert_int_equal(drawdown_flow(&d, flow), 0);
                value += flow;
            }
        }
        drawdown_read(&d, &r);
        assert_near(r.share, deepest, 1e-9);
    }
}

static void test_returns_against_pairs(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        double r[N], level[N + 1] = {1.0}, share = 0.0, squares = 0.0, peak = 1.0;
        uint32_t n = 1 + (uint32_t)draw_below(N);
        struct drawdown_series out;
        for (uint32_t i = 0; i < n; i++) {
            r[i] = draw_below(5) == 0 ? 0.0 : 0.02 * draw_normal();
            level[i + 1] = level[i] * (1.0 + r[i]);
        }
        for (uint32_t i = 0; i <= n; i++) {
            peak = fmax(peak, level[i]);
            squares += (1.0 - level[i] / peak) * (1.0 - level[i] / peak);
            for (uint32_t j = i; j <= n; j++)
                share = fmax(share, 1.0 - level[j] / level[i]);
        }
        drawdown_of_returns(r, n, &out);
        assert_near(out.share, share, 1e-14);
        assert_near(out.ulcer, sqrt(squares / n), 1e-14);
        assert_near(1.0 - level[out.trough] / level[out.peak], share, 1e-14);
        if (out.recovery) {
            assert_true(level[out.recovery] >= level[out.peak] && out.recovery > out.trough);
            for (uint32_t i = out.peak + 1; i < out.recovery; i++)
                assert_true(level[i] < level[out.peak]);
        } else if (share > 0.0)
            for (uint32_t i = out.peak + 1; i <= n; i++)
                assert_true(level[i] < level[out.peak]);
    }
}

static void test_returns_falls(void **state)
{
    (void)state;
    const double r[] = {-0.1, 0.2, -0.5, 0.1, 2.0, -0.2};
    struct drawdown_series out;
    drawdown_of_returns(r, COUNT(r), &out);
    assert_int_equal(out.falls, 3);
    assert_near(out.average, (0.1 + 0.5 + 0.2) / 3.0, 1e-15);
    assert_near(out.share, 0.5, 1e-15);
    assert_true(out.peak == 2 && out.trough == 3 && out.recovery == 5);
    drawdown_of_returns(r, 0, &out);
    assert_nan(out.share);
    assert_nan(out.ulcer);
}

static void test_hostile_bytes(void **state)
{
    (void)state;
    const dec_t values[] = {100, 80, 110, 300, 265};
    struct drawdown d;
    struct drawdown_report r;
    feed(&d, values, COUNT(values));
    assert_true(drawdown_restorable(&d));
    uint32_t refused = 0;
    for (int round = 0; round < 20000; round++) {
        struct drawdown bad = d;
        unsigned char *bytes = (unsigned char *)&bad;
        for (int64_t i = 1 + draw_below(4); i > 0; i--)
            bytes[draw_below(sizeof bad)] = (unsigned char)draw();
        if (!drawdown_restorable(&bad)) {
            refused++;
            continue;
        }
        drawdown_read(&bad, &r); /* the sanitizer looks on */
        (void)drawdown_flow(&bad, draw_below(1000) - 500);
        drawdown_add(&bad, bad.time_ns, (dec_t)draw() >> 1);
        drawdown_read(&bad, &r);
    }
    assert_true(refused > 1000);
    d.share.peak = 0;
    assert_false(drawdown_restorable(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_loss_counts),  cmocka_unit_test(test_money_and_share_are_two),
        cmocka_unit_test(test_no_fall),            cmocka_unit_test(test_below_zero),
        cmocka_unit_test(test_extremes_do_not_wrap), cmocka_unit_test(test_against_pairs),
        cmocka_unit_test(test_flow_is_no_fall),    cmocka_unit_test(test_flow_scales),
        cmocka_unit_test(test_returns_against_pairs), cmocka_unit_test(test_returns_falls),
        cmocka_unit_test(test_hostile_bytes),
    };
    return cmocka_run_group_tests(tests, seed_setup, NULL);
}
