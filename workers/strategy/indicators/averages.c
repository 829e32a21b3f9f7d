#include "workers/strategy/indicators/averages.h"

#include <assert.h>
#include <string.h>

/* --- SMA -----------------------------------------------------------------------------------------------------------
 */

void average_sma_init(struct average_sma *sma, uint32_t period)
{
    static_assert(sizeof(struct average_sma) == 24 + 8 * AVERAGE_PERIOD_MAX, "no padding: states compare by bytes");
    assert(sma && period >= 1 && period <= AVERAGE_PERIOD_MAX);
    memset(sma, 0, sizeof *sma);
    sma->period = period;
}

void average_sma_run(struct average_sma *sma, const int64_t *values, size_t count, double *out)
{
    size_t i = 0;
    for (; i < count && !sma->full; i++)
        out[i] = average_sma_next(sma, values[i]);
    const double n = sma->period;
    int64_t sum = sma->sum;
    uint32_t at = sma->position;
    for (; i < count; i++) { /* the sum in a register; the steps are those of average_sma_next */
        sum += values[i] - sma->ring[at];
        sma->ring[at] = values[i];
        at = at + 1 == sma->period ? 0 : at + 1;
        out[i] = (double)sum / n;
    }
    sma->sum = sum;
    sma->position = at;
}

/* A ring of prices: what lies outside of what was filled is zero, the rest in range; its sums. */
static bool ring_sums(const int64_t ring[AVERAGE_PERIOD_MAX], uint32_t filled, int64_t *sum, unsigned __int128 *squares)
{
    *sum = 0;
    *squares = 0;
    for (uint32_t i = 0; i < AVERAGE_PERIOD_MAX; i++) {
        if (ring[i] > INDICATOR_PRICE_MAX || ring[i] < -INDICATOR_PRICE_MAX || (i >= filled && ring[i] != 0))
            return false;
        *sum += ring[i];
        *squares += (unsigned __int128)((__int128)ring[i] * ring[i]);
    }
    return true;
}

bool average_sma_restorable(const struct average_sma *sma, uint32_t period)
{
    int64_t sum;
    unsigned __int128 squares;
    return sma->period == period && period >= 1 && period <= AVERAGE_PERIOD_MAX && sma->position < period &&
           sma->full <= 1 && sma->reserved == 0 &&
           ring_sums(sma->ring, sma->full ? period : sma->position, &sum, &squares) && sum == sma->sum;
}

/* --- EMA -----------------------------------------------------------------------------------------------------------
 */

static void ema_init(struct average_ema *ema, uint32_t period, double alpha)
{
    static_assert(sizeof(struct average_ema) == 24, "no padding");
    assert(ema && period >= 1 && period <= AVERAGE_DECAY_PERIOD_MAX);
    memset(ema, 0, sizeof *ema);
    ema->period = period;
    ema->alpha = alpha;
}

static double ema_alpha(uint32_t period, bool wilder)
{
    return wilder ? 1.0 / (double)period : 2.0 / ((double)period + 1.0);
}

void average_ema_init(struct average_ema *ema, uint32_t period)
{
    ema_init(ema, period, ema_alpha(period, false));
}

void average_wilder_init(struct average_ema *ema, uint32_t period)
{
    ema_init(ema, period, ema_alpha(period, true));
}

double average_ema_seed(struct average_ema *ema, double x)
{
    if (isnan(x))
        return NAN;
    ema->value += x;
    if (++ema->count < ema->period)
        return NAN;
    ema->value /= (double)ema->period;
    return ema->value;
}

void average_ema_run(struct average_ema *ema, const double *values, size_t count, double *out)
{
    size_t i = 0;
    for (; i < count && ema->count < ema->period; i++)
        out[i] = average_ema_seed(ema, values[i]);
    double value = ema->value; /* in a register from here on; the steps are those of average_ema_next */
    const double alpha = ema->alpha;
    for (; i < count; i++) {
        double x = values[i], next = value + alpha * (x - value);
        bool known = !isnan(x);
        value = known ? next : value;
        out[i] = known ? next : NAN;
    }
    ema->value = value;
}

bool average_ema_restorable(const struct average_ema *ema, uint32_t period, bool wilder)
{
    return ema->period == period && period >= 1 && period <= AVERAGE_DECAY_PERIOD_MAX && ema->count <= period &&
           ema->alpha == ema_alpha(period, wilder) && isfinite(ema->value) && (ema->count > 0 || ema->value == 0.0);
}

/* --- standard deviation --------------------------------------------------------------------------------------------
 */

void average_deviation_init(struct average_deviation *deviation, uint32_t period)
{
    static_assert(sizeof(struct average_deviation) == 40 + 8 * AVERAGE_PERIOD_MAX, "no padding");
    assert(deviation && period >= 1 && period <= AVERAGE_PERIOD_MAX);
    memset(deviation, 0, sizeof *deviation);
    deviation->period = period;
}

void average_deviation_run(struct average_deviation *deviation, const int64_t *values, size_t count, double *out)
{
    size_t i = 0;
    for (; i < count && !(deviation->full && deviation->period >= 2); i++)
        out[i] = average_deviation_next(deviation, values[i]);
    const double n = deviation->period, divisor = n * (n - 1.0);
    unsigned __int128 squares = (unsigned __int128)deviation->squares_high << 64 | deviation->squares_low;
    int64_t sum = deviation->sum;
    uint32_t at = deviation->position;
    for (; i < count; i++) { /* the sums in registers; the steps are those of average_deviation_next */
        int64_t value = values[i], old = deviation->ring[at];
        squares += (unsigned __int128)((__int128)value * value) - (unsigned __int128)((__int128)old * old);
        sum += value - old;
        deviation->ring[at] = value;
        at = at + 1 == deviation->period ? 0 : at + 1;
        out[i] = sqrt(average_spread(deviation->period, sum, squares) / divisor);
    }
    deviation->squares_low = (uint64_t)squares;
    deviation->squares_high = (uint64_t)(squares >> 64);
    deviation->sum = sum;
    deviation->position = at;
}

bool average_deviation_restorable(const struct average_deviation *deviation, uint32_t period)
{
    int64_t sum;
    unsigned __int128 squares;
    return deviation->period == period && period >= 1 && period <= AVERAGE_PERIOD_MAX && deviation->position < period &&
           deviation->full <= 1 && deviation->reserved == 0 &&
           ring_sums(deviation->ring, deviation->full ? period : deviation->position, &sum, &squares) &&
           sum == deviation->sum && (uint64_t)squares == deviation->squares_low &&
           (uint64_t)(squares >> 64) == deviation->squares_high;
}
