/* Sizing: numbers by hand for four instruments, and what must hold for any. */
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
#include "base/vocabulary.h"
#include "workers/broker/broker.h"
#include "workers/risk/sizing.h"

typedef __int128 wide;

static dec_t dec(const char *text)
{
    dec_t value;
    if (dec_parse(text, strlen(text), &value) != 0)
        fail_msg("not a decimal: %s", text);
    return value;
}

static struct config_instrument instrument(const char *tick, const char *contract, const char *step, const char *max,
                                           const char *commission, const char *margin_rate)
{
    return (struct config_instrument){.tick = dec(tick),
                                      .contract_size = dec(contract),
                                      .lot_min = dec(step),
                                      .lot_step = dec(step),
                                      .lot_max = dec(max),
                                      .commission_per_lot = dec(commission),
                                      .margin_rate = dec(margin_rate),
                                      .catastrophic_move = dec("0.05")};
}
static struct config_instrument eurusd(void)
{
    return instrument("0.00001", "100000", "0.01", "100", "3.5", "0.0333");
}
static struct config_instrument usdjpy(void)
{
    return instrument("0.001", "100000", "0.01", "100", "3.5", "0.0333");
}
static struct config_instrument xauusd(void)
{
    return instrument("0.01", "100", "0.01", "50", "5", "0.05");
}
static struct config_instrument us500(void)
{
    return instrument("0.1", "1", "0.1", "500", "0", "0.05");
}

/* A hundred thousand, 0.5 %, room enough. */
static struct sizing_input input(const struct config_instrument *i, const char *stop, const char *spread,
                                 const char *rate, const char *price)
{
    return (struct sizing_input){.instrument = i,
                                 .balance = dec("100000"),
                                 .equity = dec("100000"),
                                 .risk_fraction = dec("0.005"),
                                 .stop_distance = dec(stop),
                                 .spread = dec(spread),
                                 .rate = dec(rate),
                                 .room = dec("4000"),
                                 .price = dec(price),
                                 .gate_max = DEC_MAX,
                                 .correlation = 1,
                                 .margin_free = dec("100000")};
}

static struct sizing_result size(const struct sizing_input *in)
{
    struct sizing_result out;
    memset(&out, 0xee, sizeof out);
    assert_int_equal(sizing_decide(in, &out), 0);
    return out;
}

static void expect(const struct sizing_result *out, const char *loss, const char *by_risk, const char *by_margin,
                   const char *lots, const char *risk)
{
    assert_int_equal(out->loss_per_lot, dec(loss));
    assert_int_equal(out->lots_by_risk, dec(by_risk));
    assert_int_equal(out->lots_by_margin, dec(by_margin));
    assert_int_equal(out->lots, dec(lots));
    assert_int_equal(out->risk, dec(risk));
    assert_int_equal(out->refusal, REFUSAL_NONE);
}

static void test_eurusd(void **unused)
{
    (void)unused;
    struct config_instrument i = eurusd();
    struct sizing_input in = input(&i, "0.00200", "0.00012", "1", "1.08500");
    struct sizing_result out = size(&in);
    /* 0.00212 * 100000 + 7 = 219; 500 / 219; margin 108500 * 0.0333 = 3613.05; 2.28 * 219 = 499.32 */
    assert_int_equal(out.risk_budget, dec("500"));
    assert_int_equal(out.lots_by_limit, dec("100"));
    expect(&out, "219", "2.28310502", "27.67744703", "2.28", "499.32");
    /* quant.md 5.2: 3 % of 100,000, 200 points and 7 of commission -> 207 a lot -> 14.49 lots */
    in.spread = 0;
    in.risk_fraction = dec("0.03");
    out = size(&in);
    expect(&out, "207", "14.49275362", "27.67744703", "14.49", "2999.43");
}

static void test_usdjpy(void **unused)
{
    (void)unused;
    struct config_instrument i = usdjpy();
    struct sizing_input in = input(&i, "0.300", "0.010", "0.00666666", "150.000");
    struct sizing_result out = size(&in);
    /* 0.31 * 100000 * 0.00666666 = 206.66646, + 7 = 213.66646; 500 / 213.66646 = 2.34009586...;
     * margin 150 * 100000 * 0.00666666 * 0.0333 = 3329.99667; 2.34 * 213.66646 = 499.9795164 */
    expect(&out, "213.66646", "2.34009586", "30.03006006", "2.34", "499.9795164");
    /* A rate that needs all eight digits: 0.31 * 100000 * 0.00641026 = 198.71806 */
    in.rate = dec("0.00641026");
    out = size(&in);
    assert_int_equal(out.loss_per_lot, dec("205.71806"));
    assert_int_equal(out.lots, dec("2.43"));
}

static void test_xauusd(void **unused)
{
    (void)unused;
    struct config_instrument i = xauusd();
    struct sizing_input in = input(&i, "6.50", "0.35", "1", "2400.00");
    struct sizing_result out = size(&in);
    /* 6.85 * 100 + 10 = 695; 500 / 695 = 0.7194...; margin 2400 * 100 * 0.05 = 12000; 0.71 * 695 = 493.45 */
    expect(&out, "695", "0.71942446", "8.33333333", "0.71", "493.45");
    in.margin_free = dec("3000"); /* the margin binds: 0.25 lots */
    out = size(&in);
    expect(&out, "695", "0.71942446", "0.25", "0.25", "173.75");
}

static void test_us500(void **unused)
{
    (void)unused;
    struct config_instrument i = us500();
    struct sizing_input in = input(&i, "25.0", "0.5", "1", "5300.0");
    struct sizing_result out = size(&in);
    /* 25.5 a lot; 500 / 25.5 = 19.6078...; margin 265; 19.6 * 25.5 = 499.8 */
    expect(&out, "25.5", "19.60784313", "377.35849056", "19.6", "499.8");
    in.lots_max = dec("10");
    out = size(&in);
    assert_int_equal(out.lots_by_limit, dec("10"));
    assert_int_equal(out.lots, dec("10"));
    assert_int_equal(out.risk, dec("255"));
}

static void test_what_binds(void **unused)
{
    (void)unused;
    struct config_instrument i = eurusd();
    struct sizing_input in = input(&i, "0.00200", "0.00012", "1", "1.08500");
    in.equity = dec("90000"); /* the lesser of balance and equity */
    assert_int_equal(size(&in).risk_budget, dec("450"));
    in.balance = dec("80000");
    assert_int_equal(size(&in).risk_budget, dec("400"));
    in.room = dec("219"); /* exactly one lot */
    assert_int_equal(size(&in).lots, dec("1"));
    in.room = dec("218.99999999");
    assert_int_equal(size(&in).lots, dec("0.99"));
    i.lot_max = dec("0.5");
    assert_int_equal(size(&in).lots, dec("0.5"));
    i.margin_rate = 0; /* no requirement */
    in.margin_free = -1;
    struct sizing_result out = size(&in);
    assert_int_equal(out.lots, dec("0.5"));
    assert_int_equal(out.lots_by_margin, out.lots_by_limit);
}

static void test_nothing_to_trade(void **unused)
{
    (void)unused;
    struct config_instrument i = eurusd();
    struct sizing_input in = input(&i, "0.00200", "0.00012", "1", "1.08500");
    in.room = dec("2.19"); /* the minimum lot exactly */
    assert_int_equal(size(&in).lots, dec("0.01"));
    in.room = dec("2.18999999");
    struct sizing_result out = size(&in);
    assert_int_equal(out.lots, 0);
    assert_int_equal(out.risk, 0);
    assert_int_equal(out.refusal, REFUSAL_BELOW_MINIMUM);
    in.room = 0;
    assert_int_equal(size(&in).refusal, REFUSAL_DAILY_LOSS);
    in.room = dec("4000");
    in.margin_free = -dec("1");
    assert_int_equal(size(&in).refusal, REFUSAL_BELOW_MINIMUM);
    in.margin_free = dec("100000");
    in.equity = -dec("5"); /* under water */
    out = size(&in);
    assert_int_equal(out.refusal, REFUSAL_BELOW_MINIMUM);
    assert_int_equal(out.risk_budget, 0);
    i.lot_min = dec("0.1"); /* a minimum above the step */
    in.equity = dec("100000");
    in.room = dec("20");
    assert_int_equal(size(&in).lots, 0);
}

static void expect_erange(const struct sizing_input *in)
{
    struct sizing_result out, zero;
    memset(&out, 0xee, sizeof out);
    memset(&zero, 0, sizeof zero);
    assert_int_equal(sizing_decide(in, &out), -ERANGE);
    assert_memory_equal(&out, &zero, sizeof out);
}

static void test_what_does_not_fit(void **unused)
{
    (void)unused;
    struct config_instrument i = eurusd();
    const struct sizing_input good = input(&i, "0.00200", "0.00012", "1", "1.08500");
    struct sizing_input in = good;
    in.stop_distance = DEC_MAX;
    expect_erange(&in);
    in = good;
    in.rate = DEC_MAX;
    expect_erange(&in);
    in = good;
    in.price = dec("1000000"); /* times 100,000 is over 92 thousand million */
    expect_erange(&in);
    in = good;
    in.stop_distance = 0;
    expect_erange(&in);
    in = good;
    in.spread = -1; /* a crossed quote */
    expect_erange(&in);
    in = good;
    in.rate = -1;
    expect_erange(&in);
    in = good;
    in.price = 0;
    expect_erange(&in);
    dec_t untouched = 7;
    assert_int_equal(sizing_money(&i, DEC_MAX, DEC_ONE, DEC_ONE, DEC_ROUND_CEIL, &untouched), -ERANGE);
    assert_int_equal(sizing_money(&i, DEC_ONE, DEC_MAX, DEC_MAX, DEC_ROUND_CEIL, &untouched), -ERANGE);
    assert_int_equal(sizing_money(&i, DEC_ONE, DEC_ONE, -1, DEC_ROUND_CEIL, &untouched), -ERANGE);
    assert_int_equal(sizing_risk_at_stop(&i, SIDE_BUY, DEC_ONE, 0, 0, 0, DEC_ONE, &untouched), -ERANGE);
    assert_int_equal(sizing_risk_at_stop(&i, SIDE_BUY, DEC_MAX, DEC_ONE, 0, 0, DEC_ONE, &untouched), -ERANGE);
    assert_int_equal(untouched, 7);
}

/* --- properties ------------------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

static dec_t draw_dec(uint64_t *seed, int digits_max)
{
    uint64_t limit = 1;
    for (uint64_t digits = draw(seed, (uint64_t)digits_max) + 1; digits > 0; digits--)
        limit *= 10;
    return (dec_t)draw(seed, limit) + 1;
}

static struct sizing_input random_input(struct config_instrument *i, uint64_t *seed)
{
    static const dec_t steps[] = {DEC_ONE / 100, DEC_ONE / 10, DEC_ONE, 1, 3};
    memset(i, 0, sizeof *i);
    i->contract_size = draw_dec(seed, 14);
    i->lot_step = steps[draw(seed, 5)];
    i->lot_min = i->lot_step * ((dec_t)draw(seed, 3) + 1);
    i->lot_max = i->lot_min * (dec_t)(draw(seed, 100000) + 1);
    i->commission_per_lot = (dec_t)draw(seed, 2) * draw_dec(seed, 10);
    i->margin_rate = (dec_t)draw(seed, 3) * draw_dec(seed, 8);
    return (struct sizing_input){.instrument = i,
                                 .balance = draw_dec(seed, 15),
                                 .equity = draw_dec(seed, 15),
                                 .risk_fraction = draw_dec(seed, 8),
                                 .stop_distance = draw_dec(seed, 12),
                                 .spread = (dec_t)draw(seed, 2) * draw_dec(seed, 10),
                                 .rate = draw_dec(seed, 11),
                                 .gate_max = DEC_MAX,
                                 .correlation = 1,
                                 .room = draw_dec(seed, 15),
                                 .price = draw_dec(seed, 13),
                                 .lots_max = (dec_t)draw(seed, 2) * draw_dec(seed, 11),
                                 .margin_free = draw_dec(seed, 15)};
}

/* The loss per lot as the formula says, with 24 digits and no rounding; -1: more than this test can hold. */
static wide exact_loss(const struct sizing_input *in)
{
    wide a = (wide)(in->stop_distance + in->spread) * in->instrument->contract_size, loss;
    if (__builtin_mul_overflow(a, (wide)in->rate, &loss) ||
        __builtin_add_overflow(loss, (wide)in->instrument->commission_per_lot * 2 * DEC_ONE * DEC_ONE, &loss))
        return -1;
    return loss;
}

static void test_properties(void **unused)
{
    (void)unused;
    unsigned traded = 0, by_risk = 0, ranges = 0;
    for (uint64_t run = 0; run < 300000; run++) {
        uint64_t seed = hash_mix64(run + 1);
        struct config_instrument i;
        struct sizing_input in = random_input(&i, &seed);
        struct sizing_result out;
        int rc = sizing_decide(&in, &out);
        if (rc != 0) {
            assert_int_equal(rc, -ERANGE);
            ranges++;
            continue;
        }
        wide loss = exact_loss(&in), unit = (wide)DEC_ONE * DEC_ONE;
        if (loss >= 0) /* up, and by less than one unit */
            assert_true((wide)out.loss_per_lot * unit >= loss && ((wide)out.loss_per_lot - 1) * unit < loss);
        assert_true((wide)out.risk_budget * DEC_ONE <= (wide)dec_min(in.balance, in.equity) * in.risk_fraction);
        assert_true(out.risk_budget <= in.room);
        assert_int_equal(out.lots == 0, out.refusal != REFUSAL_NONE);
        /* The risk is never above the budget, and is not less than the lots lose. */
        assert_true(out.risk <= out.risk_budget);
        assert_true((wide)out.loss_per_lot * out.lots <= (wide)out.risk * DEC_ONE);
        assert_true(out.lots % i.lot_step == 0 && (out.lots == 0 || out.lots >= i.lot_min));
        assert_true(out.lots <= out.lots_by_limit && out.lots <= out.lots_by_margin && out.lots <= out.lots_by_risk);
        if (out.lots == 0)
            continue;
        traded++;
        /* One step more would be above what binds. */
        wide more = (wide)out.lots + i.lot_step;
        bool risk_binds = (wide)out.loss_per_lot * more > (wide)out.risk_budget * DEC_ONE;
        assert_true(risk_binds || more > out.lots_by_margin || more > out.lots_by_limit);
        by_risk += risk_binds;
    }
    print_message("%u traded, %u bound by risk, %u did not fit\n", traded, by_risk, ranges);
    assert_true(traded > 10000 && by_risk > 5000 && ranges > 100);
}

static void test_money(void **unused)
{
    (void)unused;
    struct config_instrument i = usdjpy();
    dec_t up, down, nearest, truncated;
    /* 0.123 * 100000 * 0.37 lots * 0.00641026 = 29.17309326: exact */
    assert_int_equal(sizing_money(&i, dec("0.123"), dec("0.37"), dec("0.00641026"), DEC_ROUND_CEIL, &up), 0);
    assert_int_equal(up, dec("29.17309326"));
    for (uint64_t run = 0; run < 20000; run++) {
        uint64_t seed = hash_mix64(run);
        dec_t move = (draw(&seed, 2) ? 1 : -1) * (dec_t)draw(&seed, 1000000000) * 1000, lots = draw_dec(&seed, 10);
        dec_t rate = draw_dec(&seed, 10);
        if (sizing_money(&i, move, lots, rate, DEC_ROUND_CEIL, &up) != 0)
            continue;
        assert_int_equal(sizing_money(&i, move, lots, rate, DEC_ROUND_FLOOR, &down), 0);
        assert_int_equal(sizing_money(&i, move, lots, rate, DEC_ROUND_NEAREST, &nearest), 0);
        assert_int_equal(sizing_money(&i, move, lots, rate, DEC_ROUND_DOWN, &truncated), 0);
        wide unit = (wide)DEC_ONE * DEC_ONE, exact, per_lot = (wide)move * 100000;
        if (__builtin_mul_overflow(per_lot * lots, (wide)rate, &exact))
            continue;
        assert_true((wide)down * unit <= exact && exact <= (wide)up * unit && up - down <= 1);
        assert_true(nearest == up || nearest == down);
        wide error = exact - (wide)nearest * unit;
        assert_true(2 * (error < 0 ? -error : error) <= unit);
        assert_int_equal(truncated, move >= 0 ? down : up);
        if (up != down && 2 * (exact - (wide)down * unit) == unit) /* half goes away from zero */
            assert_int_equal(nearest, move >= 0 ? up : down);
    }
    i.contract_size = 1; /* three factors of eight digits: 0.00000001^2 */
    assert_int_equal(sizing_money(&i, 1, DEC_ONE, DEC_ONE, DEC_ROUND_CEIL, &up), 0);
    assert_int_equal(up, 1);
    assert_int_equal(sizing_money(&i, 1, DEC_ONE, DEC_ONE, DEC_ROUND_FLOOR, &down), 0);
    assert_int_equal(down, 0);
}

static dec_t at_stop(const struct config_instrument *i, uint32_t side, const char *lots, const char *price,
                     const char *stop, const char *spread, const char *rate)
{
    dec_t out;
    assert_int_equal(sizing_risk_at_stop(i, side, dec(lots), dec(price), dec(stop), dec(spread), dec(rate), &out), 0);
    return out;
}

static void test_risk_at_stop(void **unused)
{
    (void)unused;
    struct config_instrument e = eurusd(), j = usdjpy(), x = xauusd();
    /* 2 lots: (0.0040 + 0.0001) * 100000 * 2 + 3.5 * 2 = 827 */
    assert_int_equal(at_stop(&e, SIDE_BUY, "2", "1.0850", "1.0810", "0.0001", "1"), dec("827"));
    assert_int_equal(at_stop(&e, SIDE_SELL, "2", "1.0850", "1.0890", "0.0001", "1"), dec("827"));
    /* A stop in profit: no credit, the commission stays. */
    assert_int_equal(at_stop(&e, SIDE_BUY, "2", "1.0850", "1.0900", "0.0001", "1"), dec("7"));
    /* No stop known: 5 % of 2400 on 0.5 lots of 100, and 0.35 of spread: (120 + 0.35) * 50 + 2.5 */
    assert_int_equal(at_stop(&x, SIDE_SELL, "0.5", "2400", "0", "0.35", "1"), dec("6020"));
    /* JPY: (0.5 + 0.01) * 100000 * 0.00666667 * 0.3 = 102.000051, + 1.05 */
    assert_int_equal(at_stop(&j, SIDE_BUY, "0.3", "150", "149.5", "0.01", "0.00666667"), dec("103.050051"));
    assert_int_equal(at_stop(&e, SIDE_BUY, "0", "1.0850", "1.0810", "0.0001", "1"), 0);
}

/* --- factors ---------------------------------------------------------------------------------------- */

static void test_factors(void **state)
{
    (void)state;
    struct config_instrument i = eurusd();
    struct sizing_input in = input(&i, "0.0020", "0", "1", "1.1");
    in.room = dec("100000");
    in.margin_free = dec("100000000");
    static const struct { uint32_t mode; double c, b, p0, m; } confidence[] = {
        {CONFIDENCE_NONE, 0.1, 0, 0, 1},        {CONFIDENCE_PROVISIONAL, 0.6, 0, 0, 0.9}, {CONFIDENCE_PROVISIONAL, 0.9, 0, 0, 1},
        {CONFIDENCE_PLAN, 0.9, 0, 0, 1.35},     {CONFIDENCE_PLAN, 0, 0, 0, 0},            {CONFIDENCE_CALIBRATED, 0.5, 2, 0.5, 1},
        {CONFIDENCE_CALIBRATED, 0.9, 2, 0.5, 1.5}, {CONFIDENCE_CALIBRATED, 0.2, 2, 0.5, 0}, {CONFIDENCE_CALIBRATED, 0.4, 1, 0.5, 0.6},
    };
    for (size_t n = 0; n < sizeof confidence / sizeof confidence[0]; n++) {
        in.confidence_mode = confidence[n].mode;
        in.confidence = confidence[n].c;
        in.payoff = confidence[n].b;
        in.base_rate = confidence[n].p0;
        assert_float_equal(size(&in).m_conf, confidence[n].m, 1e-12);
    }
    in.confidence_mode = CONFIDENCE_NONE;
    static const double by_losses[] = {1, 0.8, 0.64, 0.512, 0.4096, 0.32768, 0.262144, 0.25, 0.25};
    for (uint32_t n = 0; n < sizeof by_losses / sizeof by_losses[0]; n++) {
        in.losses = n;
        assert_float_equal(size(&in).m_perf, by_losses[n], 1e-12);
    }
    in.losses = UINT32_MAX;
    assert_float_equal(size(&in).m_perf, 0.25, 0);
    in.losses = 0;
    in.drawdown_max = dec("5000");
    in.drawdown = dec("1250");
    assert_float_equal(size(&in).m_dd, 0.75, 1e-12);
    in.drawdown = dec("5000");
    assert_int_equal(size(&in).lots, 0);
    in.drawdown = dec("-100"); /* above where it began */
    assert_float_equal(size(&in).m_dd, 1, 0);
    in.atr_reference = 30;
    in.atr_now = 10;
    assert_float_equal(size(&in).m_vol, 1, 0); /* a stop of k ATR */
    in.structural_stop = true;
    assert_float_equal(size(&in).m_vol, 1.5, 0);
    in.confidence = (double)NAN;
    struct sizing_result out;
    assert_int_equal(sizing_decide(&in, &out), -ERANGE);
}

static void test_caps(void **state)
{
    (void)state;
    struct config_instrument i = eurusd();
    struct sizing_input in = input(&i, "0.0020", "0", "1", "1");
    in.risk_fraction = dec("0.02");
    in.risk_cap = dec("0.01");
    in.slippage = dec("0.0001");
    struct sizing_result out = size(&in);
    assert_int_equal(out.risk_budget, dec("1000"));
    assert_int_equal(out.loss_per_lot, dec("217"));
    assert_int_equal(out.lots, dec("4.6"));
    in.margin_cap = dec("0.1"); /* 10,000 of margin, 3,330 a lot */
    assert_int_equal(size(&in).lots, dec("3"));
    in.gate_max = dec("1.239");
    assert_int_equal(size(&in).lots, dec("1.23"));
    in.gate_max = 0;
    out = size(&in);
    assert_int_equal(out.lots, 0);
    assert_int_equal(out.refusal, REFUSAL_BELOW_MINIMUM);
}

/* sizing_exits/sizing_expected.csv: sizes by exact rationals. A tick of 1 and a contract of 1 make the tick value the rate. */
static void test_golden(void **state)
{
    (void)state;
    const char *shared = getenv("PROPFLEET_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/golden/sizing_exits/sizing_expected.csv", shared ? shared : "");
    FILE *file = shared ? fopen(path, "r") : NULL;
    if (!file)
        skip();
    char line[1024];
    int rows = 0;
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        double v[32] = {0};
        char *rest = line;
        for (int n = 0; n < 32; n++) {
            const char *field = strsep(&rest, ",");
            assert_non_null(field);
            v[n] = n == 1 ? 0 : strtod(field, NULL);
        }
        struct config_instrument i = {.tick = DEC_ONE, .contract_size = DEC_ONE, .margin_rate = DEC_ONE, .catastrophic_move = DEC_ONE};
        struct sizing_input in = {.instrument = &i, .correlation = v[12], .confidence_mode = CONFIDENCE_PLAN, .confidence = v[5],
                                  .structural_stop = v[8] != 0, .atr_reference = v[6], .atr_now = v[7], .losses = (uint32_t)v[9],
                                  .room = DEC_MAX, .gate_max = DEC_MAX};
        double equity = v[2];
        dec_t half_commission, dd, dd_max;
        assert_int_equal(dec_from_double(equity, &in.balance), 0);
        in.equity = in.margin_free = in.balance;
        assert_int_equal(dec_from_double(v[3], &in.risk_fraction), 0);
        assert_int_equal(dec_from_double(v[4], &in.risk_cap), 0);
        assert_int_equal(dec_from_double(v[10] * equity, &dd), 0);
        assert_int_equal(dec_from_double(v[11] * equity, &dd_max), 0);
        in.drawdown = dd;
        in.drawdown_max = dd_max;
        assert_int_equal(dec_from_double(v[13], &in.stop_distance), 0);
        assert_int_equal(dec_from_double(v[14], &in.slippage), 0);
        assert_int_equal(dec_from_double(v[15], &in.rate), 0);
        assert_int_equal(dec_from_double(v[16] / 2, &half_commission), 0);
        i.commission_per_lot = half_commission;
        assert_int_equal(dec_from_double(v[17], &in.margin_cap), 0);
        assert_int_equal(dec_from_double(v[18] / v[15], &in.price), 0);
        assert_int_equal(dec_from_double(v[19], &i.lot_step), 0);
        assert_int_equal(dec_from_double(v[20], &i.lot_min), 0);
        assert_int_equal(dec_from_double(v[21], &i.lot_max), 0);
        struct sizing_result out = size(&in);
        dec_t lots;
        assert_int_equal(dec_from_double(v[30], &lots), 0);
        if (out.lots != lots)
            fail_msg("case %d: %.8f lots, expected %.8f", (int)v[0], dec_to_double(out.lots), v[30]);
        assert_float_equal(out.m_conf, v[22], 1e-9);
        assert_float_equal(out.m_vol, v[23], 1e-9);
        assert_float_equal(out.m_perf, v[24], 1e-9);
        assert_float_equal(out.m_dd, v[25], 1e-9);
        assert_float_equal(dec_to_double(out.loss_per_lot), v[27], 1e-5);
        rows++;
    }
    fclose(file);
    assert_true(rows > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eurusd),
        cmocka_unit_test(test_usdjpy),
        cmocka_unit_test(test_xauusd),
        cmocka_unit_test(test_us500),
        cmocka_unit_test(test_what_binds),
        cmocka_unit_test(test_nothing_to_trade),
        cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_money),
        cmocka_unit_test(test_risk_at_stop),
        cmocka_unit_test(test_factors),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
