/* simulator: a made-up market, the same on every machine, from a seed. It is nobody's market.
 *
 * Each instrument moves by three common factors (sim_loading) and a part of its own:
 *
 *   return(t) = sigma x season(t) x (sum of loading[k] x F[k](t) + rest x E(t)),  rest^2 = 1 - sum of loading^2
 *   F[k], E    unit variance; each a product of a fast and a slow GARCH(1,1) variance and a normal draw
 *   season     by hour of the UTC day and asset class, mean square 1
 *   jumps      sim_jumps_year a year, 0.3 sigma of a day and more
 *   gaps       after a closure: a draw that shares the factors, its variance a tenth of the time closed
 *   high, low  of a Brownian bridge between open and close; volume and spread rise with season and variance
 *
 * Every draw is a hash of (seed, stream, step number), and there is no libm but the square root, which IEEE 754
 * defines exactly: the same seed gives the same bytes everywhere. Prices are whole ticks. The factors' path is made
 * once and kept for SIM_WINDOW steps; an instrument may be ahead of another by that much (a weekend).
 * Not modelled: holidays, news times, order flow, leverage effect, cointegration, anything that a strategy
 * could rightly earn from. A profit here says nothing.
 */
#ifndef PROPFLEET_WORKERS_FEED_SIMULATOR_H
#define PROPFLEET_WORKERS_FEED_SIMULATOR_H

#include <stdint.h>

#include "config/config.h"

#define SIM_FACTORS 3
#define SIM_WINDOW 16384u      /* steps of the common path that are held: over 11 days of M1 */
#define SIM_QUOTES_PER_BAR 8u

struct sim_market; /* the common factors; shared by the instruments of one simulation */
struct sim_instrument;

struct sim_bar {
    int64_t open_ns, close_ns;
    dec_t open, high, low, close; /* bid */
    dec_t volume;                 /* a count of price changes */
    double stress;                /* standard deviation now over the usual for the time of day, for the spread */
};

/* NULL without memory. `config` is borrowed. */
struct sim_market *sim_market_new(const struct config_feed *config);
void sim_market_free(struct sim_market **market);
struct sim_instrument *sim_instrument_new(struct sim_market *market, const struct fleet_config *config, uint32_t index);
void sim_instrument_free(struct sim_instrument **instrument);

/* 1: the next bar in *out. 0: the simulated days are over. */
int sim_next(struct sim_instrument *instrument, struct sim_bar *out);

/* The path inside a bar as SIM_QUOTES_PER_BAR bids with their times, strictly ascending inside [open, close). The
 * first is the bar's open, at its open time; its high, low and close are among them. */
void sim_path(const struct sim_instrument *instrument, const struct sim_bar *bar, int64_t times_ns[SIM_QUOTES_PER_BAR],
              dec_t bids[SIM_QUOTES_PER_BAR]);

/* For tests: a standard normal draw from 64 random bits. */
double sim_normal(uint64_t bits);
/* Natural logarithm of x in (0, 1], without libm. */
double sim_log(double x);

#endif
