#include "workers/risk/sizing.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
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
        rc = dec_add(distance, in->slippage, &distance);
    if (rc == 0)
        rc = sizing_product(distance, in->instrument->contract_size, in->rate, DEC_ROUND_CEIL, &loss);
    if (rc == 0)
        rc = dec_add(in->instrument->commission_per_lot, in->instrument->commission_per_lot, &commission);
    return rc != 0 ? rc : dec_add(loss, commission, out);
}

static double sizing_clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double sizing_by_confidence(const struct sizing_input *in)
{
    double c = in->confidence, denominator = in->base_rate * in->payoff - (1 - in->base_rate);
    switch (in->confidence_mode) {
    case CONFIDENCE_NONE:
        return 1;
    case CONFIDENCE_PLAN:
        return sizing_clip(1.5 * c, 0, 2);
    case CONFIDENCE_CALIBRATED:
        if (denominator > 0)
            return sizing_clip((c * in->payoff - (1 - c)) / denominator, 0, 1.5);
        break;
    default:
        break;
    }
    return sizing_clip(1.5 * c, 0, 1);
}

static double sizing_by_losses(uint32_t losses)
{
    double m = 1;
    for (uint32_t i = 0; i < losses && m > 0.25; i++)
        m *= 0.8;
    return m < 0.25 ? 0.25 : m;
}

static dec_t sizing_base(const struct sizing_input *in)
{
    return dec_max(0, dec_min(in->balance, in->equity));
}

static int sizing_budget(const struct sizing_input *in, struct sizing_result *out)
{
    out->m_conf = sizing_by_confidence(in);
    out->m_vol = in->structural_stop && in->atr_reference > 0 && in->atr_now > 0
                     ? sizing_clip(in->atr_reference / in->atr_now, 0.5, 1.5)
                     : 1;
    out->m_perf = sizing_by_losses(in->losses);
    out->m_dd = in->drawdown_max > 0
                    ? sizing_clip((double)(in->drawdown_max - dec_max(0, in->drawdown)) / (double)in->drawdown_max, 0, 1)
                    : 1;
    out->m_corr = sizing_clip(in->correlation, 0, 1);
    double share = dec_to_double(in->risk_fraction) * out->m_conf * out->m_vol * out->m_perf * out->m_dd * out->m_corr;
    if (in->risk_cap > 0)
        share = share < dec_to_double(in->risk_cap) ? share : dec_to_double(in->risk_cap);
    dec_t budget, exact;
    int rc = isfinite(share) ? dec_from_double(share, &out->risk_fraction) : -ERANGE;
    if (rc == 0)
        rc = dec_from_double(share * dec_to_double(sizing_base(in)), &budget);
    /* With every factor at 1 the product is exact: the share of the file, not a double's neighbour of it. */
    if (rc == 0 && out->risk_fraction == in->risk_fraction && dec_mul(sizing_base(in), in->risk_fraction, DEC_ROUND_FLOOR, &exact) == 0)
        budget = exact;
    if (rc == 0)
        out->risk_budget = dec_min(budget, in->room);
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
    dec_t notional, margin, available = dec_max(0, in->margin_free), cap;
    if (in->instrument->margin_rate == 0)
        return 0; /* no requirement: as the limit says */
    int rc = sizing_product(in->price, in->instrument->contract_size, in->rate, DEC_ROUND_CEIL, &notional);
    if (rc == 0)
        rc = dec_mul(notional, in->instrument->margin_rate, DEC_ROUND_CEIL, &margin);
    if (rc == 0 && in->margin_cap > 0) {
        rc = dec_mul(sizing_base(in), in->margin_cap, DEC_ROUND_FLOOR, &cap);
        available = rc == 0 ? dec_min(available, cap) : 0;
    }
    if (rc == 0)
        *out = sizing_lots(available, margin);
    return rc;
}

static int sizing_compute(const struct sizing_input *in, struct sizing_result *out)
{
    const struct config_instrument *instrument = in->instrument;
    int rc = sizing_loss_per_lot(in, &out->loss_per_lot);
    if (rc == 0)
        rc = sizing_budget(in, out);
    if (rc != 0)
        return rc;
    assert(out->loss_per_lot > 0 && out->risk_budget >= 0);
    out->lots_by_risk = sizing_lots(out->risk_budget, out->loss_per_lot);
    out->lots_by_limit = in->lots_max > 0 ? dec_min(in->lots_max, instrument->lot_max) : instrument->lot_max;
    out->lots_by_margin = out->lots_by_limit;
    rc = sizing_lots_by_margin(in, &out->lots_by_margin);
    if (rc != 0)
        return rc;
    out->lots_by_gate = dec_min(in->gate_max, out->lots_by_limit);
    dec_t lots = dec_min(dec_min(out->lots_by_risk, out->lots_by_gate), dec_min(out->lots_by_margin, out->lots_by_limit));
    rc = dec_round_step(lots, instrument->lot_step, DEC_ROUND_FLOOR, &lots);
    if (rc == 0 && lots >= instrument->lot_min)
        out->lots = lots;
    if (out->lots == 0)
        out->refusal = in->room == 0 ? REFUSAL_DAILY_LOSS : REFUSAL_BELOW_MINIMUM;
    return rc != 0 ? rc : dec_mul(out->loss_per_lot, out->lots, DEC_ROUND_CEIL, &out->risk);
}

int sizing_decide(const struct sizing_input *in, struct sizing_result *out)
{
    assert(in && out && in->instrument);
    assert(in->room >= 0 && in->risk_fraction >= 0 && in->lots_max >= 0 && in->gate_max >= 0);
    assert(in->risk_cap >= 0 && in->margin_cap >= 0);
    const struct config_instrument *instrument = in->instrument;
    assert(instrument->contract_size > 0 && instrument->lot_step > 0 && instrument->lot_min > 0);
    assert(instrument->commission_per_lot >= 0 && instrument->margin_rate >= 0);
    memset(out, 0, sizeof *out);
    bool sane = in->stop_distance > 0 && in->rate > 0 && in->price > 0 && in->spread >= 0 &&
                in->slippage >= 0 && isfinite(in->confidence) && isfinite(in->correlation); /* the market's numbers */
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
