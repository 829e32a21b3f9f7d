#include "workers/risk/sizing.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/vocabulary.h"
#include "workers/broker/broker.h"

/* a * b * c, exact, rounded up once: a * b is split at the decimal point, so that no product leaves 128 bits.
 * The other modes differ in the last step only. b, c >= 0. */
static int sizing_product(dec_t a, dec_t b, dec_t c, enum dec_round mode, dec_t *out)
{
    assert(b >= 0 && c >= 0);
    __int128 ab = (__int128)a * b, whole = ab / DEC_ONE, rest = ab % DEC_ONE; /* rest has the sign of a */
    __int128 sum;
    if (__builtin_mul_overflow(whole, (__int128)c, &sum) || __builtin_add_overflow(sum, rest * c / DEC_ONE, &sum))
        return -ERANGE;
    /* a * b * c = (sum * DEC_ONE + rest * c % DEC_ONE) / DEC_ONE^2, all parts of one sign */
    __int128 below = sum % DEC_ONE * DEC_ONE + rest * c % DEC_ONE, result = sum / DEC_ONE;
    __int128 unit = (__int128)DEC_ONE * DEC_ONE, magnitude = below < 0 ? -below : below;
    if (mode == DEC_ROUND_CEIL)
        result += below > 0;
    else if (mode == DEC_ROUND_FLOOR)
        result -= below < 0;
    else if (mode == DEC_ROUND_NEAREST && magnitude >= unit - magnitude)
        result += a < 0 ? -1 : 1;
    if (result > DEC_MAX || result < -(__int128)DEC_MAX)
        return -ERANGE;
    *out = (dec_t)result;
    return 0;
}

int sizing_money(const struct config_instrument *instrument, dec_t move, dec_t lots, dec_t rate, enum dec_round mode,
                 dec_t *out)
{
    assert(instrument && out && instrument->contract_size > 0 && lots >= 0);
    if (rate < 0)
        return -ERANGE;
    dec_t per_lot;
    int rc = dec_mul(move, instrument->contract_size, mode, &per_lot);
    return rc != 0 ? rc : sizing_product(per_lot, lots, rate, mode, out);
}

static int sizing_loss_per_lot(const struct sizing_input *in, dec_t *out)
{
    dec_t distance, loss = 0, commission = 0;
    int rc = dec_add(in->stop_distance, in->spread, &distance);
    if (rc == 0)
        rc = sizing_product(distance, in->instrument->contract_size, in->rate, DEC_ROUND_CEIL, &loss);
    if (rc == 0)
        rc = dec_add(in->instrument->commission_per_lot, in->instrument->commission_per_lot, &commission);
    return rc != 0 ? rc : dec_add(loss, commission, out);
}

static int sizing_budget(const struct sizing_input *in, dec_t *out)
{
    dec_t base = dec_max(0, dec_min(in->balance, in->equity)), budget;
    int rc = dec_mul(base, in->risk_fraction, DEC_ROUND_FLOOR, &budget);
    if (rc == 0)
        *out = dec_min(budget, in->room);
    return rc;
}

/* money / per_lot, down; what does not fit is more lots than anything else allows. */
static dec_t sizing_lots(dec_t money, dec_t per_lot)
{
    dec_t lots;
    return dec_div(money, per_lot, DEC_ROUND_FLOOR, &lots) == 0 ? lots : DEC_MAX;
}

static int sizing_lots_by_margin(const struct sizing_input *in, dec_t *out)
{
    dec_t notional, margin;
    if (in->instrument->margin_rate == 0)
        return 0; /* no requirement: as the limit says */
    int rc = sizing_product(in->price, in->instrument->contract_size, in->rate, DEC_ROUND_CEIL, &notional);
    if (rc == 0)
        rc = dec_mul(notional, in->instrument->margin_rate, DEC_ROUND_CEIL, &margin);
    if (rc == 0)
        *out = sizing_lots(dec_max(0, in->margin_free), margin);
    return rc;
}

static int sizing_compute(const struct sizing_input *in, struct sizing_result *out)
{
    const struct config_instrument *instrument = in->instrument;
    int rc = sizing_loss_per_lot(in, &out->loss_per_lot);
    if (rc == 0)
        rc = sizing_budget(in, &out->risk_budget);
    if (rc != 0)
        return rc;
    assert(out->loss_per_lot > 0 && out->risk_budget >= 0);
    out->lots_by_risk = sizing_lots(out->risk_budget, out->loss_per_lot);
    out->lots_by_limit = in->lots_max > 0 ? dec_min(in->lots_max, instrument->lot_max) : instrument->lot_max;
    out->lots_by_margin = out->lots_by_limit;
    rc = sizing_lots_by_margin(in, &out->lots_by_margin);
    if (rc != 0)
        return rc;
    dec_t lots = dec_min(out->lots_by_risk, dec_min(out->lots_by_margin, out->lots_by_limit));
    rc = dec_round_step(lots, instrument->lot_step, DEC_ROUND_FLOOR, &lots);
    if (rc == 0 && lots >= instrument->lot_min)
        out->lots = lots;
    if (out->lots == 0)
        out->refusal = in->room == 0 ? REFUSAL_DAILY_LOSS : REFUSAL_BELOW_MINIMUM;
    return rc != 0 ? rc : dec_mul(out->loss_per_lot, out->lots, DEC_ROUND_CEIL, &out->risk);
}

int sizing_fixed_fractional(const struct sizing_input *in, struct sizing_result *out)
{
    assert(in && out && in->instrument);
    assert(in->room >= 0 && in->risk_fraction >= 0 && in->lots_max >= 0);
    const struct config_instrument *instrument = in->instrument;
    assert(instrument->contract_size > 0 && instrument->lot_step > 0 && instrument->lot_min > 0);
    assert(instrument->commission_per_lot >= 0 && instrument->margin_rate >= 0);
    memset(out, 0, sizeof *out);
    bool sane = in->stop_distance > 0 && in->rate > 0 && in->price > 0 && in->spread >= 0; /* the market's numbers */
    int rc = sane ? sizing_compute(in, out) : -ERANGE;
    if (rc != 0)
        memset(out, 0, sizeof *out);
    assert(rc != 0 || out->risk <= out->risk_budget);
    return rc;
}

int sizing_risk_at_stop(const struct config_instrument *instrument, uint32_t side, dec_t lots, dec_t price, dec_t stop,
                        dec_t spread, dec_t rate, dec_t *out)
{
    assert(instrument && out && (side == SIDE_BUY || side == SIDE_SELL));
    assert(lots >= 0 && stop >= 0);
    if (price <= 0 || spread < 0 || rate <= 0)
        return -ERANGE;
    dec_t move, money = 0, commission = 0;
    int rc = stop == 0          ? dec_mul(price, instrument->catastrophic_move, DEC_ROUND_CEIL, &move)
             : side == SIDE_BUY ? dec_sub(price, stop, &move)
                                : dec_sub(stop, price, &move);
    if (rc == 0)
        rc = dec_add(move, spread, &move);
    if (rc == 0)
        rc = sizing_money(instrument, dec_max(0, move), lots, rate, DEC_ROUND_CEIL, &money);
    if (rc == 0)
        rc = dec_mul(instrument->commission_per_lot, lots, DEC_ROUND_CEIL, &commission);
    return rc != 0 ? rc : dec_add(money, commission, out);
}
