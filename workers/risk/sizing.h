/* sizing: how many lots. Fixed fractional risk by stop distance, rounded down to the lot step. Pure. */
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
    dec_t lots_by_risk, lots_by_margin, lots_by_limit; /* before rounding down to the step */
    dec_t lots;              /* 0: no trade */
    dec_t risk;              /* money at the stop for `lots` */
    uint32_t refusal;        /* enum refusal: BELOW_MINIMUM, DAILY_LOSS (no room), or NONE */
};
/* -ERANGE when an amount does not fit (nothing is traded then). */
int sizing_fixed_fractional(const struct sizing_input *in, struct sizing_result *out);

/* Money in account currency for a price move of one lot: move * contract_size * rate. */
int sizing_money(const struct config_instrument *instrument, dec_t move, dec_t lots, dec_t rate, enum dec_round mode,
                 dec_t *out);
/* Loss at the stop of an open position, costs included, >= 0. entry, stop: prices; stop 0: the catastrophic move. */
int sizing_risk_at_stop(const struct config_instrument *instrument, uint32_t side, dec_t lots, dec_t price, dec_t stop,
                        dec_t spread, dec_t rate, dec_t *out);

#endif
