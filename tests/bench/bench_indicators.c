/* bench_indicators: nanoseconds a bar of each indicator, 4,000 bars at a time (a millisecond at most, so that few rounds
 * are interrupted), the median of many rounds. Prints one JSON object a line; takes about a second.
 *
 * The goal is a ratio to TA-Lib, which Debian does not have: the only figure of it is the recorded RSI, 7.2 ns a bar
 * (performance specification, another day on a machine of this kind), so indicator_rsi_ns has the goal of a third of
 * that, and the others stand for themselves. Where there is an array version that is what is measured, as TA-Lib's are;
 * else the step, bar by bar.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "workers/strategy/indicators/averages.h"
#include "workers/strategy/indicators/flow.h"
#include "workers/strategy/indicators/momentum.h"
#include "workers/strategy/indicators/pivots.h"
#include "workers/strategy/indicators/profile.h"
#include "workers/strategy/indicators/seasonality.h"
#include "workers/strategy/indicators/volatility.h"

#define S INT64_C(1000000000)
#define BARS 4000u
#define ROUNDS 501u
#define ROUNDS_SLOW 151u

static struct indicator_bar bars[BARS];
static int64_t closes[BARS], whole[BARS];
static double values[BARS], out[BARS];
static double rounds[ROUNDS];
static double kept; /* keeps the compiler honest */

static int64_t now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * S + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void build(void)
{
    uint64_t seed = 20;
    int64_t price = 110000;
    for (uint32_t i = 0; i < BARS; i++) {
        int64_t move[4];
        for (unsigned k = 0; k < 4; k++) {
            seed = hash_mix64(seed);
            move[k] = (int64_t)(seed % 80);
        }
        int64_t open = price, close = price + move[0] - move[1];
        bars[i] = (struct indicator_bar){.open = open,
                                         .high = (open > close ? open : close) + move[2] / 2,
                                         .low = (open < close ? open : close) - move[3] / 2,
                                         .close = close,
                                         .volume = 200 + move[2] * 9};
        price = close < 50000 ? close + 1000 : close;
        closes[i] = close;
        values[i] = (double)close;
    }
}

/* One round is init and BARS steps. */
static void measure(const char *name, void (*round)(void), unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int64_t began = now();
        round();
        rounds[i] = (double)(now() - began) / BARS;
        kept += out[BARS - 1] == out[BARS - 1] ? out[BARS - 1] : 0.0;
    }
    qsort(rounds, count, sizeof *rounds, compare);
    printf("{\"metric\": \"indicator_%s_ns\", \"value\": %.2f, \"unit\": \"ns\"}\n", name, rounds[count / 2]);
}

/* --- rounds: over an array -----------------------------------------------------------------------------------------
 */

static void round_sma(void)
{
    static struct average_sma s;
    average_sma_init(&s, 20);
    average_sma_run(&s, closes, BARS, out);
}
static void round_ema(void)
{
    struct average_ema s;
    average_ema_init(&s, 20);
    average_ema_run(&s, values, BARS, out);
}
static void round_deviation(void)
{
    static struct average_deviation s;
    average_deviation_init(&s, 20);
    average_deviation_run(&s, closes, BARS, out);
}
static void round_atr(void)
{
    struct volatility_atr s;
    volatility_atr_init(&s, 14);
    volatility_atr_run(&s, bars, BARS, out);
}
static void round_rsi(void)
{
    struct momentum_rsi s;
    momentum_rsi_init(&s, 14);
    momentum_rsi_run(&s, closes, BARS, out);
}
static void round_adx(void)
{
    struct momentum_adx s;
    momentum_adx_init(&s, 14);
    momentum_adx_run(&s, bars, BARS, out);
}
static void round_mfi(void)
{
    static struct volume_mfi s;
    volume_mfi_init(&s, 14);
    volume_mfi_run(&s, bars, BARS, out);
}
static void round_adl(void)
{
    struct volume_adl s;
    volume_adl_init(&s);
    volume_adl_run(&s, bars, BARS, out);
}
static void round_obv(void)
{
    struct volume_obv s;
    volume_obv_init(&s);
    volume_obv_run(&s, bars, BARS, whole);
    kept += (double)whole[BARS - 1];
}

/* --- rounds: bar by bar --------------------------------------------------------------------------------------------
 */

static void round_rsi_step(void)
{
    static struct momentum_rsi s;
    momentum_rsi_init(&s, 14);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = momentum_rsi_next(&s, closes[i]);
}
static void round_bands(void)
{
    static struct average_deviation s;
    average_deviation_init(&s, 20);
    for (uint32_t i = 0; i < BARS; i++) {
        struct average_bands b = average_bands_next(&s, closes[i], 2.0);
        out[i] = b.upper - b.lower;
    }
}
static void round_direction(void)
{
    static struct momentum_adx s;
    momentum_adx_init(&s, 14);
    for (uint32_t i = 0; i < BARS; i++) {
        struct momentum_direction d = momentum_adx_next(&s, &bars[i]);
        out[i] = d.plus + d.minus + d.adx;
    }
}
static void round_cmf(void)
{
    static struct volume_cmf s;
    volume_cmf_init(&s, 20);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = volume_cmf_next(&s, &bars[i]);
}
static void round_close_volatility(void)
{
    static struct volatility_close s;
    volatility_close_init(&s, 20);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = volatility_close_next(&s, closes[i]);
}
static void range_round(enum volatility_kind kind)
{
    static struct volatility_range s;
    volatility_range_init(&s, kind, 20);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = volatility_range_next(&s, &bars[i]);
}
static void round_parkinson(void)
{
    range_round(VOLATILITY_PARKINSON);
}
static void round_garman_klass(void)
{
    range_round(VOLATILITY_GARMAN_KLASS);
}
static void round_rogers_satchell(void)
{
    range_round(VOLATILITY_ROGERS_SATCHELL);
}
static void round_yang_zhang(void)
{
    static struct volatility_yang_zhang s;
    volatility_yang_zhang_init(&s, 20);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = volatility_yang_zhang_next(&s, &bars[i]);
}
static void round_extremes(void)
{
    static struct window_extreme s;
    window_extreme_init(&s, 20, WINDOW_HIGHEST);
    for (uint32_t i = 0; i < BARS; i++) {
        int64_t highest = 0;
        window_extreme_push(&s, bars[i].high);
        (void)window_extreme_value(&s, &highest, NULL);
        out[i] = (double)highest;
    }
}
static void round_median(void)
{
    static struct window_order s;
    window_order_init(&s, 50);
    for (uint32_t i = 0; i < BARS; i++) {
        window_order_push(&s, (double)bars[i].volume);
        out[i] = window_order_median(&s, 20);
    }
}
static void round_pivots(void)
{
    static struct pivots s;
    struct pivot found[2];
    pivots_init(&s, 5, 5);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = pivots_next(&s, bars[i].high, bars[i].low, found);
}
static void round_effort(void)
{
    static struct flow_effort s;
    flow_effort_init(&s);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = flow_effort_next(&s, (double)bars[i].volume, (double)(bars[i].high - bars[i].low));
}
static void round_flow(void)
{
    static struct flow s;
    flow_init(&s, 1);
    for (uint32_t i = 0; i < BARS; i++)
        out[i] = flow_next(&s, &bars[i], (double)bars[i].volume).smf;
}
/* M15: every fourth bar ends an hour; each is compared with its baseline. */
static void round_seasonality(void)
{
    static struct seasonality s;
    seasonality_init(&s);
    for (uint32_t i = 0; i < BARS; i++) {
        int64_t open_ns = (int64_t)i * 900 * S;
        out[i] = seasonality_relative((double)bars[i].volume, 900 * S, seasonality_read(&s, open_ns).volume);
        (void)seasonality_push_bar(&s, open_ns, open_ns + 900 * S, bars[i].volume);
    }
}
/* A window of 200 bars that slides; the value area every 50 bars. */
static void round_profile(void)
{
    static struct profile s;
    struct profile_area area = {.poc = 0.0};
    profile_init(&s, 20);
    for (uint32_t i = 0; i < BARS; i++) {
        kept += profile_add(&s, &bars[i]);
        if (i >= 200)
            (void)profile_remove(&s, &bars[i - 200]);
        if (i % 50 == 49)
            (void)profile_value_area(&s, PROFILE_SINGLE, 70, &area);
        out[i] = area.poc;
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*round)(void);
        unsigned count;
    } all[] = {
        {"sma", round_sma, ROUNDS},
        {"ema", round_ema, ROUNDS},
        {"deviation", round_deviation, ROUNDS},
        {"bollinger", round_bands, ROUNDS},
        {"atr", round_atr, ROUNDS},
        {"rsi", round_rsi, ROUNDS},
        {"rsi_step", round_rsi_step, ROUNDS},
        {"adx", round_adx, ROUNDS},
        {"directional_step", round_direction, ROUNDS},
        {"mfi", round_mfi, ROUNDS},
        {"adl", round_adl, ROUNDS},
        {"obv", round_obv, ROUNDS},
        {"cmf", round_cmf, ROUNDS},
        {"close_volatility", round_close_volatility, ROUNDS},
        {"parkinson", round_parkinson, ROUNDS},
        {"garman_klass", round_garman_klass, ROUNDS},
        {"rogers_satchell", round_rogers_satchell, ROUNDS},
        {"yang_zhang", round_yang_zhang, ROUNDS},
        {"highest", round_extremes, ROUNDS},
        {"median50", round_median, ROUNDS},
        {"pivots", round_pivots, ROUNDS},
        {"effort_result", round_effort, ROUNDS_SLOW},
        {"smart_money_flow", round_flow, ROUNDS_SLOW},
        {"seasonality", round_seasonality, ROUNDS_SLOW},
        {"profile", round_profile, ROUNDS_SLOW},
    };
    build();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        measure(all[i].name, all[i].round, all[i].count);
    fprintf(stderr, "bench_indicators: TA-Lib is not measured here; its recorded RSI is 7.2 ns a bar\n");
    return kept == 0.0;
}
