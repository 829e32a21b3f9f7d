/* sizing: how many lots. Fixed fractional risk by stop distance, rounded down to the lot step (quant.md 5.1). Pure.
 *
 * All in exact decimals; every rounding is against the trader: loss and margin per lot up, budget and lots
 * down. Signals and quotes may carry anything that is positive: what does not fit is -ERANGE, never a wrapped
 * number. Units: prices and distances as quoted, quantities in lots, money in account currency.
 *   loss_per_lot   = (stop_distance + spread) * contract_size * rate + 2 * commission_per_lot
 *   margin per lot = price * contract_size * rate * margin_rate
 *   budget         = min(risk_fraction * min(balance, equity), room)
 *   lots           = floor to lot_step of min(budget / loss_per_lot, margin_free / margin per lot, lot_max, lots_max)
 * Below lot_min nothing is traded: the minimum would risk more than the budget.
 */
#ifndef PROPFLEET_WORKERS_RISK_SIZING_H
#define PROPFLEET_WORKERS_RISK_SIZING_H

#include "config/config.h"

struct sizing_input {
    const struct config_instrument *instrument;
    dec_t balance, equity;   /* account currency */
    dec_t risk_fraction;     /* of min(balance, equity) */
    dec_t stop_distance;     /* price units, > 0 */
    dec_t spread;            /* price units at the signal */
    dec_t rate;              /* profit currency -> account currency, > 0 */
    dec_t room;              /* money that may still be lost before a floor's buffer is reached, >= 0 */
    dec_t lots_max;          /* programme's limit per order; 0: none */
    dec_t price;             /* for margin */
    dec_t margin_free;       /* account currency */
};
/* Every factor, for the journal and `account show --last-size`. */
struct sizing_result {
    dec_t risk_budget;       /* money: fraction * min(balance, equity), at most room */
    dec_t loss_per_lot;      /* money at the stop for one lot: distance, spread, two commissions */
    dec_t lots_by_risk, lots_by_margin, lots_by_limit; /* before rounding down to the step; without a margin
                                                          requirement lots_by_margin is lots_by_limit */
    dec_t lots;              /* 0: no trade */
    dec_t risk;              /* money at the stop for `lots` */
    uint32_t refusal;        /* enum refusal: BELOW_MINIMUM, DAILY_LOSS (no room), or NONE */
};
/* 0, or -ERANGE when an amount does not fit or what comes from the market is not a number to reckon with
 * (stop_distance, rate or price <= 0, spread < 0): *out is then all zero, nothing is traded. room, fraction and
 * lots_max >= 0 are asserted; balance, equity and margin_free may be anything (no budget, no trade). refusal: without
 * room DAILY_LOSS (the caller knows whose room it was), else too small, for whatever reason: BELOW_MINIMUM. */
int sizing_fixed_fractional(const struct sizing_input *in, struct sizing_result *out);

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
