#include "workers/strategy/indicators/momentum.h"

#include <assert.h>
#include <string.h>

static double wilder_keep(uint32_t period)
{
    return (double)(period - 1) / (double)period;
}

static bool price_plausible(bool seen, int64_t price)
{
    return seen ? price > 0 && price <= INDICATOR_PRICE_MAX : price == 0;
}

static bool sum_plausible(bool seen, double sum)
{
    return isfinite(sum) && sum >= 0.0 && (seen || sum == 0.0);
}

/* --- RSI -----------------------------------------------------------------------------------------------------------
 */

void momentum_rsi_init(struct momentum_rsi *rsi, uint32_t period)
{
    static_assert(sizeof(struct momentum_rsi) == 40, "no padding: states compare by bytes");
    assert(rsi && period >= 1 && period <= MOMENTUM_PERIOD_MAX);
    memset(rsi, 0, sizeof *rsi);
    rsi->period = period;
    rsi->keep = wilder_keep(period);
}

double momentum_rsi_seed(struct momentum_rsi *rsi, int64_t close)
{
    int64_t move = rsi->count > 0 ? close - rsi->close : 0;
    rsi->close = close;
    rsi->gain += (double)(move > 0 ? move : 0);
    rsi->loss += (double)(move < 0 ? -move : 0);
    return ++rsi->count > rsi->period ? momentum_rsi_value(rsi->gain, rsi->loss) : NAN;
}

void momentum_rsi_run(struct momentum_rsi *rsi, const int64_t *closes, size_t count, double *out)
{
    size_t i = 0;
    for (; i < count && rsi->count <= rsi->period; i++)
        out[i] = momentum_rsi_seed(rsi, closes[i]);
    struct momentum_rsi local = *rsi; /* no address of it leaves the loop: registers */
    for (; i < count; i++)
        out[i] = momentum_rsi_step(&local, closes[i]);
    *rsi = local;
}

bool momentum_rsi_restorable(const struct momentum_rsi *rsi, uint32_t period)
{
    return rsi->period == period && period >= 1 && period <= MOMENTUM_PERIOD_MAX && rsi->count <= period + 1 &&
           price_plausible(rsi->count > 0, rsi->close) && rsi->keep == wilder_keep(period) &&
           sum_plausible(rsi->count > 1, rsi->gain) && sum_plausible(rsi->count > 1, rsi->loss);
}

/* --- directional movement ------------------------------------------------------------------------------------------
 */

void momentum_adx_init(struct momentum_adx *adx, uint32_t period)
{
    static_assert(sizeof(struct momentum_adx) == 64 + sizeof(struct average_ema), "no padding");
    assert(adx && period >= 2 && period <= MOMENTUM_PERIOD_MAX);
    memset(adx, 0, sizeof *adx);
    adx->period = period;
    adx->keep = wilder_keep(period);
    average_wilder_init(&adx->adx, period);
}

/* Bars 0 .. n - 1: sums alone. */
static void adx_seed(struct momentum_adx *adx, const struct indicator_bar *bar)
{
    if (adx->count++ > 0) {
        int64_t up = bar->high - adx->high, down = adx->low - bar->low;
        adx->range += (double)volatility_true_range(bar, adx->close);
        adx->plus += (double)(up > down && up > 0 ? up : 0);
        adx->minus += (double)(down > up && down > 0 ? down : 0);
    }
    adx->high = bar->high;
    adx->low = bar->low;
    adx->close = bar->close;
}

/* From bar n on; gives DX. */
static inline double adx_step(struct momentum_adx *adx, const struct indicator_bar *bar)
{
    int64_t up = bar->high - adx->high, down = adx->low - bar->low;
    int64_t plus = up > 0 ? up : 0, minus = down > 0 ? down : 0;
    plus = up > down ? plus : 0;
    minus = down > up ? minus : 0;
    adx->range = adx->range * adx->keep + (double)volatility_true_range(bar, adx->close);
    adx->plus = adx->plus * adx->keep + (double)plus;
    adx->minus = adx->minus * adx->keep + (double)minus;
    adx->high = bar->high;
    adx->low = bar->low;
    adx->close = bar->close;
    return 100.0 * (fabs(adx->plus - adx->minus) / (adx->plus + adx->minus)); /* 0 / 0: NaN */
}

struct momentum_direction momentum_adx_next(struct momentum_adx *adx, const struct indicator_bar *bar)
{
    if (adx->count < adx->period) {
        adx_seed(adx, bar);
        return (struct momentum_direction){NAN, NAN, NAN, NAN};
    }
    double dx = adx_step(adx, bar);
    return (struct momentum_direction){.plus = 100.0 * (adx->plus / adx->range),
                                       .minus = 100.0 * (adx->minus / adx->range),
                                       .dx = dx,
                                       .adx = average_ema_next(&adx->adx, dx)};
}

void momentum_adx_run(struct momentum_adx *adx, const struct indicator_bar *bars, size_t count, double *out)
{
    size_t i = 0;
    for (; i < count && (adx->count < adx->period || adx->adx.count < adx->period); i++)
        out[i] = momentum_adx_next(adx, &bars[i]).adx;
    struct momentum_adx local = *adx; /* no address of it leaves the loop: registers */
    for (; i < count; i++) {
        double dx = adx_step(&local, &bars[i]);
        double next = local.adx.value + local.adx.alpha * (dx - local.adx.value);
        out[i] = isnan(dx) ? NAN : next;
        local.adx.value = isnan(dx) ? local.adx.value : next;
    }
    *adx = local;
}

bool momentum_adx_restorable(const struct momentum_adx *adx, uint32_t period)
{
    bool seen = adx->count > 0, summed = adx->count > 1;
    return adx->period == period && period >= 2 && period <= MOMENTUM_PERIOD_MAX && adx->count <= period &&
           price_plausible(seen, adx->high) && price_plausible(seen, adx->low) && price_plausible(seen, adx->close) &&
           adx->low <= adx->close && adx->close <= adx->high && adx->keep == wilder_keep(period) &&
           sum_plausible(summed, adx->range) && sum_plausible(summed, adx->plus) && sum_plausible(summed, adx->minus) &&
           average_ema_restorable(&adx->adx, period, true) && adx->adx.value >= 0.0 &&
           (adx->count == period || adx->adx.count == 0);
}
