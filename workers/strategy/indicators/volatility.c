#include "workers/strategy/indicators/volatility.h"

#include <assert.h>
#include <string.h>

#define LN_2 0.69314718055994530942
#define GARMAN_KLASS_SHARE (2.0 * LN_2 - 1.0)
/* Up to here six terms of the series are enough: the seventh is below 2^-56 of the first. */
#define SERIES_MAX 0.03

double volatility_log_ratio(int64_t a, int64_t b)
{
    double z = (double)(a - b) / (double)(a + b); /* ln(a/b) = 2 artanh z; the sum is at most 2^54, rounded once */
    if (fabs(z) > 1.0 / 3.0)
        return log((double)a / (double)b);
    if (fabs(z) > SERIES_MAX)
        return log1p((double)(a - b) / (double)b);
    double s = z * z;
    double tail = s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0)))));
    return 2.0 * (z + z * tail);
}

static bool close_plausible(uint32_t seen, int64_t close)
{
    return seen <= 1 && (seen ? close > 0 && close <= INDICATOR_PRICE_MAX : close == 0);
}

/* --- ATR -----------------------------------------------------------------------------------------------------------
 */

static double atr_keep(uint32_t period)
{
    return (double)(period - 1) / (double)period;
}

void volatility_atr_init(struct volatility_atr *atr, uint32_t period)
{
    static_assert(sizeof(struct volatility_atr) == 40, "no padding: states compare by bytes");
    assert(atr && period >= 1 && period <= VOLATILITY_ATR_PERIOD_MAX);
    memset(atr, 0, sizeof *atr);
    atr->period = period;
    atr->keep = atr_keep(period);
    atr->share = 1.0 / (double)period;
}

double volatility_atr_seed(struct volatility_atr *atr, const struct indicator_bar *bar)
{
    if (atr->count++ > 0)
        atr->sum += (double)volatility_true_range(bar, atr->close);
    atr->close = bar->close;
    return atr->count > atr->period ? atr->sum * atr->share : NAN;
}

void volatility_atr_run(struct volatility_atr *atr, const struct indicator_bar *bars, size_t count, double *out)
{
    size_t i = 0;
    for (; i < count && atr->count <= atr->period; i++)
        out[i] = volatility_atr_seed(atr, &bars[i]);
    struct volatility_atr local = *atr; /* no address of it leaves the loop: registers */
    for (; i < count; i++)
        out[i] = volatility_atr_step(&local, &bars[i]);
    *atr = local;
}

bool volatility_atr_restorable(const struct volatility_atr *atr, uint32_t period)
{
    return atr->period == period && period >= 1 && period <= VOLATILITY_ATR_PERIOD_MAX && atr->count <= period + 1 &&
           close_plausible(atr->count > 0, atr->close) && atr->keep == atr_keep(period) &&
           atr->share == 1.0 / (double)period && isfinite(atr->sum) && atr->sum >= 0.0 &&
           (atr->count > 1 || atr->sum == 0.0);
}

/* --- close to close ------------------------------------------------------------------------------------------------
 */

void volatility_close_init(struct volatility_close *state, uint32_t period)
{
    static_assert(sizeof(struct volatility_close) == 16 + sizeof(struct window_moments), "no padding");
    assert(state && period >= 3 && period <= VOLATILITY_PERIOD_MAX);
    memset(state, 0, sizeof *state);
    state->period = period;
    window_moments_init(&state->returns, period - 1);
}

double volatility_close_next(struct volatility_close *state, int64_t close)
{
    if (state->seen)
        window_moments_push(&state->returns, volatility_log_ratio(close, state->close));
    state->seen = 1;
    state->close = close;
    return sqrt(window_moments_variance(&state->returns));
}

bool volatility_close_restorable(const struct volatility_close *state, uint32_t period)
{
    return state->period == period && period >= 3 && period <= VOLATILITY_PERIOD_MAX &&
           close_plausible(state->seen, state->close) && window_moments_restorable(&state->returns, period - 1);
}

/* --- from the range ------------------------------------------------------------------------------------------------
 */

static double garman_klass(const struct indicator_bar *bar)
{
    double range = volatility_log_ratio(bar->high, bar->low), body = volatility_log_ratio(bar->close, bar->open);
    return 0.5 * range * range - GARMAN_KLASS_SHARE * body * body;
}

static double rogers_satchell(const struct indicator_bar *bar)
{
    return volatility_log_ratio(bar->high, bar->close) * volatility_log_ratio(bar->high, bar->open) +
           volatility_log_ratio(bar->low, bar->close) * volatility_log_ratio(bar->low, bar->open);
}

static double range_term(enum volatility_kind kind, const struct indicator_bar *bar, int64_t close_before)
{
    double x;
    switch (kind) {
    case VOLATILITY_PARKINSON:
        x = volatility_log_ratio(bar->high, bar->low);
        return x * x / (4.0 * LN_2);
    case VOLATILITY_GARMAN_KLASS:
        return garman_klass(bar);
    case VOLATILITY_ROGERS_SATCHELL:
        return rogers_satchell(bar);
    case VOLATILITY_GARMAN_KLASS_YANG_ZHANG:
        x = volatility_log_ratio(bar->open, close_before);
        return x * x + garman_klass(bar);
    case VOLATILITY_KIND_COUNT:
        break;
    }
    assert(!"a kind of volatility");
    return NAN;
}

void volatility_range_init(struct volatility_range *state, enum volatility_kind kind, uint32_t period)
{
    static_assert(sizeof(struct volatility_range) == 16 + sizeof(struct window_sum), "no padding");
    assert(state && kind < VOLATILITY_KIND_COUNT && period >= 1 && period <= VOLATILITY_PERIOD_MAX);
    memset(state, 0, sizeof *state);
    state->kind = (uint32_t)kind;
    window_sum_init(&state->terms, period);
}

double volatility_range_next(struct volatility_range *state, const struct indicator_bar *bar)
{
    enum volatility_kind kind = (enum volatility_kind)state->kind;
    if (state->seen || kind != VOLATILITY_GARMAN_KLASS_YANG_ZHANG)
        window_sum_push(&state->terms, range_term(kind, bar, state->close));
    state->seen = 1;
    state->close = bar->close;
    double mean = window_sum_value(&state->terms) / (double)state->terms.period;
    return mean < 0.0 ? 0.0 : sqrt(mean);
}

bool volatility_range_restorable(const struct volatility_range *state, enum volatility_kind kind, uint32_t period)
{
    return state->kind == (uint32_t)kind && kind < VOLATILITY_KIND_COUNT &&
           close_plausible(state->seen, state->close) && window_sum_restorable(&state->terms, period);
}

/* --- Yang-Zhang ----------------------------------------------------------------------------------------------------
 */

void volatility_yang_zhang_init(struct volatility_yang_zhang *state, uint32_t period)
{
    static_assert(sizeof(struct volatility_yang_zhang) ==
                      16 + 2 * sizeof(struct window_moments) + sizeof(struct window_sum),
                  "no padding");
    assert(state && period >= 2 && period <= VOLATILITY_PERIOD_MAX);
    memset(state, 0, sizeof *state);
    state->period = period;
    window_moments_init(&state->overnight, period);
    window_moments_init(&state->within, period);
    window_sum_init(&state->satchell, period);
}

double volatility_yang_zhang_next(struct volatility_yang_zhang *state, const struct indicator_bar *bar)
{
    if (state->seen) {
        window_moments_push(&state->overnight, volatility_log_ratio(bar->open, state->close));
        window_moments_push(&state->within, volatility_log_ratio(bar->close, bar->open));
        window_sum_push(&state->satchell, rogers_satchell(bar));
    }
    state->seen = 1;
    state->close = bar->close;
    double n = state->period, k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0));
    double variance = window_moments_variance(&state->overnight) + k * window_moments_variance(&state->within) +
                      (1.0 - k) * window_sum_value(&state->satchell) / n;
    return variance < 0.0 ? 0.0 : sqrt(variance);
}

bool volatility_yang_zhang_restorable(const struct volatility_yang_zhang *state, uint32_t period)
{
    return state->period == period && period >= 2 && period <= VOLATILITY_PERIOD_MAX &&
           close_plausible(state->seen, state->close) && window_moments_restorable(&state->overnight, period) &&
           window_moments_restorable(&state->within, period) && window_sum_restorable(&state->satchell, period);
}
