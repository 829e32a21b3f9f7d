/* trades: every figure recomputed from the list, parts against the whole (runs over the seam), what is refused. */
#include "tests/unit/performance_support.h"

#include <errno.h>

#include "workers/performance/trades.h"

#define N 300

static struct trades_trade trade_of(dec_t net, dec_t risk)
{
    return (struct trades_trade){.entry_ns = HOUR, .exit_ns = 3 * HOUR, .open_ns = -1, .net = net, .risk = risk};
}

static void draw_trades(struct trades_trade *list, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t entry = draw_below(1000 * DAY), lasted = draw_below(2 * DAY);
        list[i] = (struct trades_trade){.entry_ns = entry, .exit_ns = entry + lasted,
                                        .open_ns = draw_below(3) ? draw_below(lasted + 1) : -1,
                                        .net = draw_below(5) ? draw_below(20001) - 10000 : 0,
                                        .risk = draw_below(6) ? 1 + draw_below(10000) : 0, .cost = draw_below(900) - 100,
                                        .slippage = draw_below(200) - 50, .flat_below = draw_below(2) ? 500 : 0};
    }
}

static bool flat(const struct trades_trade *t)
{
    return t->net == 0 || dec_abs(t->net) < t->flat_below;
}

static void add_all(struct trades *t, const struct trades_trade *list, int n)
{
    trades_init(t);
    for (int i = 0; i < n; i++)
        assert_int_equal(trades_add(t, &list[i]), 0);
}

/* The longest run of the wanted sign, flats left out. */
static uint32_t longest(const struct trades_trade *list, int n, int sign)
{
    uint32_t run = 0, best = 0;
    for (int i = 0; i < n; i++) {
        if (flat(&list[i]))
            continue;
        run = (list[i].net > 0) == (sign > 0) ? run + 1 : 0;
        best = run > best ? run : best;
    }
    return best;
}

static void test_against_the_list(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct trades_trade list[N];
        struct trades t;
        struct trades_report r;
        int n = (int)draw_below(N) + 1;
        draw_trades(list, n);
        add_all(&t, list, n);
        trades_read(&t, &r);
        int64_t net = 0, profit = 0, loss = 0, cost = 0, before = 0, slippage = 0;
        uint64_t wins = 0, losses = 0, open_n = 0, r_n = 0;
        double r_sum = 0.0, r_squares = 0.0, wall = 0.0, open = 0.0, r_profit = 0.0, r_loss = 0.0;
        for (int i = 0; i < n; i++) {
            const struct trades_trade *x = &list[i];
            bool win = !flat(x) && x->net > 0, lost = !flat(x) && x->net < 0;
            net += x->net;
            wins += win;
            losses += lost;
            profit += win ? x->net : 0;
            loss -= lost ? x->net : 0;
            cost += x->cost;
            slippage += x->slippage;
            before += x->net + x->cost > 0 ? x->net + x->cost : 0;
            wall += (double)((x->exit_ns - x->entry_ns) / 1000) / 1e6;
            open += x->open_ns >= 0 ? (double)(x->open_ns / 1000) / 1e6 : 0.0;
            open_n += x->open_ns >= 0;
            double ratio = x->risk > 0 ? (double)x->net / (double)x->risk : 0.0;
            r_n += x->risk > 0;
            r_sum += ratio;
            r_squares += ratio * ratio;
            r_profit += win ? ratio : 0.0;
            r_loss -= lost ? ratio : 0.0;
        }
        double mean = r_sum / (double)r_n, sd = sqrt((r_squares - mean * r_sum) / (double)(r_n - 1));
        assert_true(r.n == (uint64_t)n && r.wins == wins && r.losses == losses && r.flats == (uint64_t)n - wins - losses);
        assert_true(r.net == net && r.gross_profit == profit && r.gross_loss == loss && r.cost == cost && r.slippage == slippage);
        assert_true(r.r_n == r_n && r.open_n == open_n);
        assert_int_equal(r.losses_in_row, longest(list, n, -1));
        assert_int_equal(r.wins_in_row, longest(list, n, 1));
        assert_near(r.duration_s, wall / n, 1e-12);
        assert_near(r.duration_open_s, open_n ? open / (double)open_n : (double)NAN, 1e-12);
        assert_near(r.cost_share, before > 0 ? (double)cost / (double)before : (double)NAN, 1e-12);
        if (n < 50)
            continue;
        assert_near(r.win_rate, (double)wins / (double)(wins + losses), 1e-15);
        assert_near(r.win_rate_all, (double)wins / n, 1e-15);
        assert_near(r.profit_factor, (double)profit / (double)loss, 1e-12);
        assert_near(r.profit_factor_r, r_profit / r_loss, 1e-11);
        assert_near(r.payoff, (double)profit / (double)wins / ((double)loss / (double)losses), 1e-12);
        assert_near(r.expectancy_r, mean, 1e-11);
        assert_near(r.sd_r / sd, 1.0, 1e-9);
        assert_near(r.sqn, sqrt((double)r_n) * mean / sd, 1e-8);
    }
}

static void test_merge_is_the_whole(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct trades_trade list[N];
        struct trades whole, sum, part;
        draw_trades(list, N);
        if (round % 3 == 0) /* long runs over many seams */
            for (int i = 0; i < N; i++)
                list[i].net = i / 40 % 2 ? -1000 : i % 7 ? 1000 : 0;
        add_all(&whole, list, N);
        trades_init(&sum);
        for (int at = 0; at < N;) {
            int n = (int)draw_below(round % 2 ? 8 : 60);
            n = n > N - at ? N - at : n;
            add_all(&part, list + at, n);
            assert_int_equal(trades_merge(&sum, &part), 0);
            at += n;
        }
        assert_true(trades_restorable(&sum));
        assert_memory_equal(&sum.winning, &whole.winning, sizeof sum.winning);
        assert_memory_equal(&sum.losing, &whole.losing, sizeof sum.losing);
        assert_memory_equal(&sum, &whole, offsetof(struct trades, r)); /* counts, money, times: exact */
        assert_true(sum.best == whole.best && sum.worst == whole.worst);
        assert_near(moments_mean(&sum.r), moments_mean(&whole.r), 1e-11);
        assert_near(sum.r.m2 / whole.r.m2, 1.0, 1e-10);
        assert_near(sum.money.m4 / whole.money.m4, 1.0, 1e-10);
        assert_near(sum.r_gains, whole.r_gains, 1e-11);
    }
}

static void test_flats_and_runs(void **state)
{
    (void)state;
    struct trades t;
    struct trades_report r;
    trades_init(&t);
    const dec_t nets[] = {-10, 0, 4, -10, -10, 100, -10, -4};
    for (uint32_t i = 0; i < COUNT(nets); i++) {
        struct trades_trade trade = trade_of(nets[i], 10);
        trade.flat_below = 5; /* 4 and -4 are flat; a flat leaves the run as it stands */
        assert_int_equal(trades_add(&t, &trade), 0);
    }
    trades_read(&t, &r);
    assert_true(r.wins == 1 && r.losses == 4 && r.flats == 3);
    assert_int_equal(r.losses_in_row, 3);
    assert_int_equal(r.losses_now, 1);
    assert_int_equal(r.net, 60);
    assert_int_equal(r.gross_profit, 100);
    assert_int_equal(r.gross_loss, 40);
    assert_near(r.win_rate, 0.2, 1e-15);
    assert_near(r.win_rate_all, 0.125, 1e-15);
    struct trades_trade edge = trade_of(-5, 10);
    edge.flat_below = 5; /* not smaller: a loss */
    assert_int_equal(trades_add(&t, &edge), 0);
    trades_read(&t, &r);
    assert_int_equal(r.losses_now, 2);
}

static void test_nothing_is_not_zero(void **state)
{
    (void)state;
    struct trades t;
    struct trades_report r;
    trades_init(&t);
    trades_read(&t, &r);
    assert_true(isnan(r.win_rate) && isnan(r.win_rate_all) && isnan(r.profit_factor) && isnan(r.payoff) && isnan(r.expectancy_r) &&
                isnan(r.sqn) && isnan(r.duration_s) && isnan(r.duration_open_s) && isnan(r.cost_share) && isnan(r.kelly));
    struct trades_trade win = trade_of(100, 0); /* its risk is not known */
    assert_int_equal(trades_add(&t, &win), 0);
    trades_read(&t, &r);
    assert_true(isinf(r.profit_factor) && r.profit_factor > 0.0 && r.win_rate == 1.0);
    assert_true(r.r_n == 0 && isnan(r.expectancy_r) && isnan(r.profit_factor_r) && isnan(r.payoff));
    assert_near(r.duration_s, 7200.0, 1e-15);
    assert_nan(r.duration_open_s);
}

static void expect_refused(const struct trades_trade *trade, int error)
{
    struct trades t, before;
    struct trades_trade good = trade_of(5, 10);
    trades_init(&t);
    assert_int_equal(trades_add(&t, &good), 0);
    before = t;
    assert_int_equal(trades_add(&t, trade), error);
    assert_memory_equal(&t, &before, sizeof t);
}

static void test_refused(void **state)
{
    (void)state;
    struct trades_trade bad = trade_of(1, 1);
    bad.exit_ns = bad.entry_ns - 1;
    expect_refused(&bad, -EINVAL);
    bad = trade_of(1, 1);
    bad.entry_ns = INT64_MIN;
    expect_refused(&bad, -EINVAL);
    bad = trade_of(1, 1);
    bad.open_ns = 2 * HOUR + 1;
    expect_refused(&bad, -EINVAL);
    bad = trade_of(DEC_NONE, 1);
    expect_refused(&bad, -EINVAL);
    bad = trade_of(1, 1);
    bad.cost = DEC_NONE;
    expect_refused(&bad, -EINVAL);
    bad = trade_of(DEC_MAX, 1);
    expect_refused(&bad, -ERANGE);
    bad = trade_of(1, 1);
    bad.cost = DEC_MAX;
    expect_refused(&bad, -ERANGE);
    struct trades a, b, before;
    struct trades_trade huge = trade_of(DEC_MAX, 1);
    trades_init(&a);
    assert_int_equal(trades_add(&a, &huge), 0);
    before = b = a;
    assert_int_equal(trades_merge(&a, &b), -ERANGE);
    assert_memory_equal(&a, &before, sizeof a);
}

static void test_hostile_bytes(void **state)
{
    (void)state;
    struct trades_trade list[N];
    struct trades t;
    struct trades_report r;
    draw_trades(list, N);
    add_all(&t, list, N);
    assert_true(trades_restorable(&t));
    uint32_t refused = 0;
    for (int round = 0; round < 20000; round++) {
        struct trades bad = t;
        unsigned char *bytes = (unsigned char *)&bad;
        for (int64_t i = 1 + draw_below(4); i > 0; i--)
            bytes[draw_below(sizeof bad)] = (unsigned char)draw();
        if (!trades_restorable(&bad)) {
            refused++;
            continue;
        }
        (void)trades_add(&bad, &list[round % N]); /* the sanitizer looks on */
        (void)trades_merge(&bad, &t);
        trades_read(&bad, &r);
    }
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_list), cmocka_unit_test(test_merge_is_the_whole),
        cmocka_unit_test(test_flats_and_runs),   cmocka_unit_test(test_nothing_is_not_zero),
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_hostile_bytes),
    };
    return cmocka_run_group_tests(tests, seed_setup, NULL);
}
