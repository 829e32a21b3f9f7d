/* sizing: how many lots. A share of equity at the stop, scaled, capped, rounded down to the lot step (quant.md 5.1). Pure.
 *
 * Money, prices and lots are exact decimals; every rounding is against the trader: loss and margin per lot up, budget
 * and lots down. The factors are statistics: doubles. Signals and quotes may carry anything that is positive: what
 * does not fit is -ERANGE, never a wrapped number. Units: prices and distances as quoted, quantities in lots, money
 * in account currency. E = min(balance, equity).
 *   risk share     = min(risk_cap, risk_base * m_conf * m_vol * m_perf * m_dd * m_corr)
 *   m_conf         by the mode: 1 (none) | min(1, 1.5 c) (provisional) | clip(1.5 c, 0, 2) (plan)
 *                  | clip((c b - (1 - c)) / (p0 b - (1 - p0)), 0, 1.5) (calibrated; provisional where p0 b <= 1 - p0)
 *   m_vol          = clip(ATR_ref / ATR_now, 0.5, 1.5) where the stop is structural; a stop of k ATR normalises
 *                  volatility already: 1
 *   m_perf         = max(0.25, 0.8^L), L losing trades in a row. It lowers variance, not expectancy
 *   m_dd           = clip((DDmax - DD) / DDmax, 0, 1), DD measured as the firm does
 *   loss_per_lot   = (stop_distance + spread + slippage) * contract_size * rate + 2 * commission_per_lot
 *   margin per lot = price * contract_size * rate * margin_rate
 *   budget         = min(risk share * E, room)
 *   lots           = floor to lot_step of min(budget / loss_per_lot, min(margin_free, margin_cap * E) / margin per lot,
 *                    lot_max, lots_max, gate_max)
 * Below lot_min nothing is traded: the minimum would risk more than the budget.
 */
#ifndef PROPFLEET_WORKERS_RISK_SIZING_H
#define PROPFLEET_WORKERS_RISK_SIZING_H

#include "config/config.h"

struct sizing_input {
    const struct config_instrument *instrument;
    dec_t balance, equity;   /* account currency */
    dec_t risk_fraction;     /* of E: risk_base */
    dec_t risk_cap;          /* of E; 0: none */
    uint32_t confidence_mode;/* enum confidence_mode */
    double confidence;       /* c: calibrated P(net R > 0), 0..1 */
    double payoff, base_rate;/* b and p0 of CONFIDENCE_CALIBRATED */
    bool structural_stop;
    double atr_reference, atr_now; /* price units; used when both > 0 */
    uint32_t losses;         /* L */
    dec_t drawdown, drawdown_max; /* money; drawdown_max <= 0: not scaled */
    double correlation;      /* m_corr, 0..1 */
    dec_t stop_distance;     /* price units, > 0 */
    dec_t spread, slippage;  /* price units at the signal */
    dec_t rate;              /* profit currency -> account currency, > 0 */
    dec_t room;              /* money that may still be lost before a floor's buffer is reached, >= 0 */
    dec_t lots_max;          /* programme's limit per order; 0: none */
    dec_t gate_max;          /* largest size that the gate admits; DEC_MAX: not asked */
    dec_t price;             /* for margin */
    dec_t margin_free;       /* account currency */
    dec_t margin_cap;        /* of E, for one position; 0: none */
};
/* Every factor, for the journal and `account show --last-size`. */
struct sizing_result {
    double m_conf, m_vol, m_perf, m_dd, m_corr;
    dec_t risk_fraction;     /* share of E after factors and cap, to the nearest eighth digit: shown, not reckoned with */
    dec_t risk_budget;       /* money: risk share * E, at most room */
    dec_t loss_per_lot;      /* money at the stop for one lot */
    dec_t lots_by_risk, lots_by_margin, lots_by_limit, lots_by_gate; /* before rounding down to the step; without a
                                                          requirement lots_by_margin is lots_by_limit */
    dec_t lots;              /* 0: no trade */
    dec_t risk;              /* money at the stop for `lots` */
    uint32_t refusal;        /* enum refusal: BELOW_MINIMUM, DAILY_LOSS (no room), or NONE */
    uint32_t reserved;
};
/* 0, or -ERANGE when an amount does not fit or what comes from the market is not a number to reckon with
 * (stop_distance, rate or price <= 0, spread or slippage < 0, a factor that is not finite): *out is then all zero, nothing
 * is traded. room, fractions and limits >= 0 are asserted; balance, equity and margin_free may be anything (no budget,
 * no trade). refusal: without room DAILY_LOSS (the caller knows whose room it was), else too small, for whatever
 * reason: BELOW_MINIMUM. */
int sizing_decide(const struct sizing_input *in, struct sizing_result *out);

/* Money in account currency for a price move: move * contract_size * lots * rate. lots >= 0 is asserted, a rate < 0 is
 * -ERANGE. Rounded once where move * contract_size has eight digits or fewer (whole ticks: always), else twice in
 * the same direction. 0 or -ERANGE, *out untouched. */
int sizing_money(const struct config_instrument *instrument, dec_t move, dec_t lots, dec_t rate, enum dec_round mode,
                 dec_t *out);
/* Loss of an open position from `price` to its stop, >= 0, rounded up: the move against it with the spread (at least
 * zero: a stop in profit gives no credit), and the commission of the closing side (the opening one is
 * booked). stop 0: none is known, the move is price * catastrophic_move. 0 or -ERANGE (also for price or rate <= 0,
 * spread < 0), *out untouched. */
int sizing_risk_at_stop(const struct config_instrument *instrument, uint32_t side, dec_t lots, dec_t price, dec_t stop,
                        dec_t spread, dec_t rate, dec_t *out);

#endif
