#include "workers/strategy/indicators/volume.h"

#include <assert.h>
#include <string.h>

static bool volume_price_plausible(uint32_t seen, int64_t price, int64_t most)
{
    return seen <= 1 && (seen ? price > 0 && price <= most : price == 0);
}

/* --- running totals ------------------------------------------------------------------------------------------------
 */

void volume_adl_init(struct volume_adl *adl)
{
    assert(adl);
    adl->total = 0.0;
}

void volume_adl_run(struct volume_adl *adl, const struct indicator_bar *bars, size_t count, double *out)
{
    struct volume_adl local = *adl;
    for (size_t i = 0; i < count; i++)
        out[i] = volume_adl_next(&local, &bars[i]);
    *adl = local;
}

bool volume_adl_restorable(const struct volume_adl *adl)
{
    return isfinite(adl->total);
}

void volume_obv_init(struct volume_obv *obv)
{
    static_assert(sizeof(struct volume_obv) == 24, "no padding: states compare by bytes");
    assert(obv);
    memset(obv, 0, sizeof *obv);
}

void volume_obv_run(struct volume_obv *obv, const struct indicator_bar *bars, size_t count, int64_t *out)
{
    struct volume_obv local = *obv;
    for (size_t i = 0; i < count; i++)
        out[i] = volume_obv_next(&local, &bars[i]);
    *obv = local;
}

bool volume_obv_restorable(const struct volume_obv *obv)
{
    return volume_price_plausible(obv->seen, obv->close, INDICATOR_PRICE_MAX) && obv->reserved == 0 &&
           (obv->seen || obv->total == 0);
}

/* --- CMF -----------------------------------------------------------------------------------------------------------
 */

void volume_cmf_init(struct volume_cmf *cmf, uint32_t period)
{
    static_assert(sizeof(struct volume_cmf) == sizeof(struct window_sum) + sizeof(struct average_sma), "no padding");
    static_assert(VOLUME_PERIOD_MAX <= AVERAGE_PERIOD_MAX, "the volume's ring holds it");
    assert(cmf && period >= 1 && period <= VOLUME_PERIOD_MAX);
    window_sum_init(&cmf->flow, period);
    average_sma_init(&cmf->volume, period);
}

bool volume_cmf_restorable(const struct volume_cmf *cmf, uint32_t period)
{
    if (!window_sum_restorable(&cmf->flow, period) || !average_sma_restorable(&cmf->volume, period) ||
        cmf->flow.position != cmf->volume.position || cmf->flow.full != cmf->volume.full)
        return false;
    for (uint32_t i = 0; i < period; i++)
        if (cmf->volume.ring[i] < 0)
            return false;
    return true;
}

/* --- up-volume -----------------------------------------------------------------------------------------------------
 */

void volume_up_init(struct volume_up *state, uint32_t period)
{
    static_assert(sizeof(struct volume_up) == 40 + 8 * VOLUME_PERIOD_MAX, "no padding");
    assert(state && period >= 1 && period <= VOLUME_PERIOD_MAX);
    memset(state, 0, sizeof *state);
    state->period = period;
}

double volume_up_next(struct volume_up *state, const struct indicator_bar *bar)
{
    int64_t side = (bar->close > state->close) - (bar->close < state->close);
    state->close = bar->close;
    if (!state->seen) {
        state->seen = 1;
        return NAN;
    }
    int64_t old = state->ring[state->position], now = side * bar->volume;
    state->up += (now > 0 ? now : 0) - (old > 0 ? old : 0);
    state->down += (old < 0 ? old : 0) - (now < 0 ? now : 0);
    state->ring[state->position] = now;
    if (++state->position == state->period) {
        state->position = 0;
        state->full = 1;
    }
    int64_t both = state->up + state->down;
    return !state->full ? NAN : both > 0 ? (double)state->up / (double)both : 0.5;
}

bool volume_up_restorable(const struct volume_up *state, uint32_t period)
{
    if (state->period != period || period < 1 || period > VOLUME_PERIOD_MAX || state->position >= period ||
        state->full > 1 || !volume_price_plausible(state->seen, state->close, INDICATOR_PRICE_MAX) ||
        (!state->seen && (state->full || state->position > 0)))
        return false;
    int64_t up = 0, down = 0;
    uint32_t filled = state->full ? period : state->position;
    for (uint32_t i = 0; i < VOLUME_PERIOD_MAX; i++) {
        int64_t volume = state->ring[i];
        if (volume > INDICATOR_VOLUME_MAX || volume < -INDICATOR_VOLUME_MAX || (i >= filled && volume != 0))
            return false;
        up += volume > 0 ? volume : 0;
        down -= volume < 0 ? volume : 0;
    }
    return up == state->up && down == state->down;
}

/* --- MFI -----------------------------------------------------------------------------------------------------------
 */

static inline __int128 flow_join(struct volume_flow flow)
{
    return (__int128)((unsigned __int128)(uint64_t)flow.high << 64 | flow.low);
}

static inline struct volume_flow flow_split(__int128 value)
{
    return (struct volume_flow){(uint64_t)value, (int64_t)(value >> 64)};
}

static inline __int128 flow_size(__int128 value)
{
    __int128 sign = value >> 127;
    return (value ^ sign) - sign;
}

void volume_mfi_init(struct volume_mfi *mfi, uint32_t period)
{
    static_assert(sizeof(struct volume_mfi) == 64 + 16 * VOLUME_PERIOD_MAX, "no padding");
    assert(mfi && period >= 1 && period <= VOLUME_PERIOD_MAX);
    memset(mfi, 0, sizeof *mfi);
    mfi->period = period;
}

/* What changes from bar to bar beside the ring, apart from the state so that a loop holds it in registers. */
struct mfi_sums {
    __int128 net, gross;
    int64_t typical;
    uint32_t position;
};

static inline struct mfi_sums mfi_load(const struct volume_mfi *mfi)
{
    return (struct mfi_sums){flow_join(mfi->net), flow_join(mfi->gross), mfi->typical, mfi->position};
}

static inline void mfi_store(struct volume_mfi *mfi, const struct mfi_sums *sums)
{
    mfi->net = flow_split(sums->net);
    mfi->gross = flow_split(sums->gross);
    mfi->typical = sums->typical;
    mfi->position = sums->position;
}

static inline double mfi_step(struct mfi_sums *sums, struct volume_flow *ring, uint32_t period,
                              const struct indicator_bar *bar)
{
    int64_t typical = bar->high + bar->low + bar->close;
    int64_t side = (typical > sums->typical) - (typical < sums->typical);
    __int128 now = (__int128)typical * (side * bar->volume), old = flow_join(ring[sums->position]);
    sums->typical = typical;
    sums->net += now - old;
    sums->gross += flow_size(now) - flow_size(old);
    ring[sums->position] = flow_split(now);
    sums->position = sums->position + 1 == period ? 0 : sums->position + 1;
    double positive = average_wide_to_double((unsigned __int128)(sums->gross + sums->net) >> 1);
    return sums->gross > 0 ? 100.0 * (positive / average_wide_to_double((unsigned __int128)sums->gross)) : 50.0;
}

double volume_mfi_next(struct volume_mfi *mfi, const struct indicator_bar *bar)
{
    if (!mfi->seen) {
        mfi->seen = 1;
        mfi->typical = bar->high + bar->low + bar->close;
        return NAN;
    }
    struct mfi_sums sums = mfi_load(mfi);
    double value = mfi_step(&sums, mfi->ring, mfi->period, bar);
    mfi_store(mfi, &sums);
    mfi->full |= sums.position == 0;
    return mfi->full ? value : NAN;
}

void volume_mfi_run(struct volume_mfi *mfi, const struct indicator_bar *bars, size_t count, double *out)
{
    size_t i = 0;
    for (; i < count && !mfi->full; i++)
        out[i] = volume_mfi_next(mfi, &bars[i]);
    struct mfi_sums sums = mfi_load(mfi);
    const uint32_t period = mfi->period;
    for (; i < count; i++)
        out[i] = mfi_step(&sums, mfi->ring, period, &bars[i]);
    mfi_store(mfi, &sums);
}

bool volume_mfi_restorable(const struct volume_mfi *mfi, uint32_t period)
{
    const __int128 most = (__int128)(3 * INDICATOR_PRICE_MAX) * INDICATOR_VOLUME_MAX;
    if (mfi->period != period || period < 1 || period > VOLUME_PERIOD_MAX || mfi->position >= period || mfi->full > 1 ||
        mfi->reserved != 0 || !volume_price_plausible(mfi->seen, mfi->typical, 3 * INDICATOR_PRICE_MAX) ||
        (!mfi->seen && (mfi->full || mfi->position > 0)))
        return false;
    __int128 net = 0, gross = 0;
    uint32_t filled = mfi->full ? period : mfi->position;
    for (uint32_t i = 0; i < VOLUME_PERIOD_MAX; i++) {
        __int128 flow = flow_join(mfi->ring[i]);
        if (flow > most || flow < -most || (i >= filled && flow != 0))
            return false;
        net += flow;
        gross += flow_size(flow);
    }
    return net == flow_join(mfi->net) && gross == flow_join(mfi->gross);
}
