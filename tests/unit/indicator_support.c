#include "tests/unit/indicator_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/strategy/indicators/averages.h"
#include "workers/strategy/indicators/flow.h"
#include "workers/strategy/indicators/momentum.h"
#include "workers/strategy/indicators/pivots.h"
#include "workers/strategy/indicators/profile.h"
#include "workers/strategy/indicators/seasonality.h"
#include "workers/strategy/indicators/volatility.h"
#include "workers/strategy/indicators/volume.h"
#include "workers/strategy/indicators/window.h"

uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

void walk(struct indicator_bar *bars, uint32_t count, uint64_t seed, unsigned kind)
{
    const int64_t base = kind == 1 ? INDICATOR_PRICE_MAX - 1000000 : kind == 2 ? 40 : 110000;
    const int64_t least = kind == 2 ? 2 : base - 60000, most = kind == 2 ? 90 : base + 60000;
    int64_t price = base;
    uint32_t flat = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (flat == 0 && draw(&seed, 150) == 0)
            flat = 1 + (uint32_t)draw(&seed, 70); /* a stretch in which nothing moves */
        uint64_t width = kind == 2 ? 3 : draw(&seed, 5) == 0 ? 2 : 40;
        bool gap = flat == 0 && draw(&seed, 20) == 0;
        int64_t open = price + (gap ? (int64_t)draw(&seed, 4 * width + 1) - (int64_t)(2 * width) : 0);
        int64_t close = flat > 0 ? open : open + (int64_t)draw(&seed, 2 * width + 1) - (int64_t)width;
        open = open < least ? least : open > most ? most : open;
        close = close < least ? least : close > most ? most : close;
        int64_t up = flat > 0 ? 0 : (int64_t)draw(&seed, width), down = flat > 0 ? 0 : (int64_t)draw(&seed, width);
        bars[i] = (struct indicator_bar){.open = open,
                                         .high = (open > close ? open : close) + up,
                                         .low = (open < close ? open : close) - down,
                                         .close = close,
                                         .volume = draw(&seed, 12) == 0 ? 0 : (int64_t)draw(&seed, 2000)};
        if (bars[i].low < 1)
            bars[i].low = 1;
        if (kind == 1)
            bars[i].volume *= INDICATOR_VOLUME_MAX / 2000;
        flat -= flat > 0;
        price = close;
        assert_true(indicator_bar_valid(&bars[i]));
    }
}

void check_near(const char *what, uint32_t bar, double expected, double actual, double tolerance)
{
    if (isnan(expected) && isnan(actual))
        return;
    if (!(fabs(expected - actual) <= tolerance * fmax(1.0, fabs(expected))))
        fail_msg("%s at bar %u: %.17g, not %.17g", what, bar, actual, expected);
}

/* --- every indicator behind one interface ---------------------------------------------------------------------------
 */

#define SUBJECT(name, type, init_call, restorable_call, ...)                                                           \
    static void subject_##name##_init(void *state)                                                                     \
    {                                                                                                                  \
        struct type *s = state;                                                                                        \
        init_call;                                                                                                     \
    }                                                                                                                  \
    static bool subject_##name##_restorable(const void *state)                                                         \
    {                                                                                                                  \
        const struct type *s = state;                                                                                  \
        return restorable_call;                                                                                        \
    }                                                                                                                  \
    static void subject_##name##_next(void *state, const struct indicator_bar *bar, double out[SUBJECT_VALUES_MAX])    \
    {                                                                                                                  \
        struct type *s = state;                                                                                        \
        __VA_ARGS__                                                                                                    \
    }

SUBJECT(sum, window_sum, window_sum_init(s, 20), window_sum_restorable(s, 20), {
    window_sum_push(s, (double)bar->volume * 0.1);
    out[0] = window_sum_value(s);
})
SUBJECT(moments, window_moments, window_moments_init(s, 50), window_moments_restorable(s, 50), {
    window_moments_push(s, (double)bar->close * 1e-5);
    out[0] = window_moments_value(s).mean;
    out[1] = window_moments_variance(s);
})
SUBJECT(order, window_order, window_order_init(s, 60), window_order_restorable(s, 60), {
    out[0] = window_order_next(s, (double)bar->close, 10);
    out[1] = window_order_median(s, 10);
})
SUBJECT(extreme, window_extreme, window_extreme_init(s, 30, WINDOW_LOWEST),
        window_extreme_restorable(s, 30, WINDOW_LOWEST), {
            int64_t value = 0;
            uint32_t age = 0;
            window_extreme_push(s, bar->low);
            if (window_extreme_value(s, &value, &age)) {
                out[0] = (double)value;
                out[1] = age;
            }
        })
SUBJECT(sma, average_sma, average_sma_init(s, 20), average_sma_restorable(s, 20),
        { out[0] = average_sma_next(s, bar->close); })
SUBJECT(ema, average_ema, average_ema_init(s, 12), average_ema_restorable(s, 12, false),
        { out[0] = average_ema_next(s, (double)bar->close); })
SUBJECT(wilder, average_ema, average_wilder_init(s, 12), average_ema_restorable(s, 12, true),
        { out[0] = average_ema_next(s, (double)bar->close); })
SUBJECT(deviation, average_deviation, average_deviation_init(s, 20), average_deviation_restorable(s, 20), {
    struct average_bands bands = average_bands_next(s, bar->close, 2.0);
    out[0] = average_deviation_sample(s);
    out[1] = bands.upper;
    out[2] = bands.middle;
    out[3] = bands.lower;
})
SUBJECT(atr, volatility_atr, volatility_atr_init(s, 14), volatility_atr_restorable(s, 14),
        { out[0] = volatility_atr_next(s, bar); })
SUBJECT(close_volatility, volatility_close, volatility_close_init(s, 20), volatility_close_restorable(s, 20),
        { out[0] = volatility_close_next(s, bar->close); })
SUBJECT(range_volatility, volatility_range, volatility_range_init(s, VOLATILITY_GARMAN_KLASS_YANG_ZHANG, 20),
        volatility_range_restorable(s, VOLATILITY_GARMAN_KLASS_YANG_ZHANG, 20),
        { out[0] = volatility_range_next(s, bar); })
SUBJECT(yang_zhang, volatility_yang_zhang, volatility_yang_zhang_init(s, 20), volatility_yang_zhang_restorable(s, 20),
        { out[0] = volatility_yang_zhang_next(s, bar); })
SUBJECT(rsi, momentum_rsi, momentum_rsi_init(s, 14), momentum_rsi_restorable(s, 14),
        { out[0] = momentum_rsi_next(s, bar->close); })
SUBJECT(adx, momentum_adx, momentum_adx_init(s, 14), momentum_adx_restorable(s, 14), {
    struct momentum_direction d = momentum_adx_next(s, bar);
    out[0] = d.plus;
    out[1] = d.minus;
    out[2] = d.dx;
    out[3] = d.adx;
})
SUBJECT(adl, volume_adl, volume_adl_init(s), volume_adl_restorable(s), { out[0] = volume_adl_next(s, bar); })
SUBJECT(obv, volume_obv, volume_obv_init(s), volume_obv_restorable(s), { out[0] = (double)volume_obv_next(s, bar); })
SUBJECT(cmf, volume_cmf, volume_cmf_init(s, 20), volume_cmf_restorable(s, 20), { out[0] = volume_cmf_next(s, bar); })
SUBJECT(up_volume, volume_up, volume_up_init(s, 20), volume_up_restorable(s, 20), { out[0] = volume_up_next(s, bar); })
SUBJECT(mfi, volume_mfi, volume_mfi_init(s, 14), volume_mfi_restorable(s, 14), { out[0] = volume_mfi_next(s, bar); })
SUBJECT(profile, profile, profile_init(s, 20), profile_restorable(s, 20), {
    struct profile_area area;
    bool added = profile_add(s, bar);
    if (added && profile_value_area(s, PROFILE_SINGLE, 70, &area)) {
        out[0] = area.poc;
        out[1] = area.volume;
        out[2] = profile_range_strength(s, &area, area.low, area.high + 1, true).strength;
    }
    if (added && bar->volume % 3 == 0)
        (void)profile_remove(s, bar);
})
SUBJECT(pivots, pivots, pivots_init(s, 3, 5), pivots_restorable(s, 3, 5), {
    struct pivot found[2];
    uint32_t count = pivots_next(s, bar->high, bar->low, found);
    for (uint32_t i = 0; i < count; i++) {
        out[2 * i] = (double)found[i].bar;
        out[2 * i + 1] = (double)found[i].price;
    }
})
SUBJECT(effort, flow_effort, flow_effort_init(s), flow_effort_restorable(s),
        { out[0] = flow_effort_next(s, (double)bar->volume, (double)(bar->high - bar->low)); })
SUBJECT(flow, flow, flow_init(s, 1), flow_restorable(s, 1), {
    struct flow_values v = flow_next(s, bar, (double)bar->volume);
    memcpy(out, &v, sizeof v);
})
SUBJECT(season, seasonality, seasonality_init(s), seasonality_restorable(s), {
    const int64_t hour_ns = INT64_C(3600) * 1000000000;
    int64_t open_ns = s->open_ns + (s->seen ? hour_ns * (1 + bar->volume % 3) : 0);
    open_ns = open_ns < INT64_MAX / 2 ? open_ns : 0;
    out[0] = seasonality_read(s, open_ns).volume;
    (void)seasonality_push_bar(s, open_ns, open_ns + hour_ns, bar->volume);
})

#define ROW(name, type)                                                                                                \
    {                                                                                                                  \
#name, sizeof(struct type), false, subject_##name##_init, subject_##name##_next, subject_##name##_restorable   \
    }
const struct subject subjects[] = {
    ROW(sum, window_sum),
    ROW(moments, window_moments),
    ROW(order, window_order),
    ROW(extreme, window_extreme),
    ROW(sma, average_sma),
    ROW(ema, average_ema),
    ROW(wilder, average_ema),
    ROW(deviation, average_deviation),
    ROW(atr, volatility_atr),
    ROW(close_volatility, volatility_close),
    ROW(range_volatility, volatility_range),
    ROW(yang_zhang, volatility_yang_zhang),
    ROW(rsi, momentum_rsi),
    ROW(adx, momentum_adx),
    {"adl", sizeof(struct volume_adl), true, subject_adl_init, subject_adl_next, subject_adl_restorable},
    {"obv", sizeof(struct volume_obv), true, subject_obv_init, subject_obv_next, subject_obv_restorable},
    ROW(cmf, volume_cmf),
    ROW(up_volume, volume_up),
    ROW(mfi, volume_mfi),
    ROW(profile, profile),
    ROW(pivots, pivots),
    ROW(effort, flow_effort),
    ROW(flow, flow),
    {"season", sizeof(struct seasonality), true, subject_season_init, subject_season_next, subject_season_restorable},
};
const size_t subject_count = sizeof subjects / sizeof *subjects;
