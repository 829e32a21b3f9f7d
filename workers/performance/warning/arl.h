/* arl: how long a control chart runs until it alarms, on average, and the limit that gives a wanted run length. Pure.
 *
 * ARL0 is the mean number of observations until a false alarm, ARL1 until a true one after the shift. Observations are
 * independent N(shift, 1) after standardising, or counts. What is not so shortens ARL0: with an autocorrelation of .2 a
 * nominal 1000 is 345, and with mean and deviation taken from 50 trades the worst tenth runs 58. So prewhiten, or sum by
 * day, and check the limit by warning_cusum_arl_paths over resampled trades (monitor.h).
 *
 * The integral equation of the run length is solved on Gauss-Legendre nodes (Nystroem), counts by their finite Markov chain
 * exactly. Each call solves a dense system: milliseconds; at configuration, never on the path of a market record. The
 * workspace is the caller's memory (300 KiB, contents of no meaning); nothing is allocated. Out of range: NaN.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_ARL_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_ARL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WARNING_STATES_MAX 192u
#define WARNING_LIMIT_MAX 40.0 /* h of a CUSUM in deviations */
struct warning_workspace {
    double matrix[(size_t)WARNING_STATES_MAX * WARNING_STATES_MAX];
    double value[WARNING_STATES_MAX], tau[WARNING_STATES_MAX], node[WARNING_STATES_MAX], weight[WARNING_STATES_MAX];
};

/* One-sided CUSUM S = max(0, S + z - k), alarm at S > h, z ~ N(shift, 1), S starts at `start` (0 <= start <= h; h / 2 is the
 * fast initial response). k >= 0, 0 <= h <= WARNING_LIMIT_MAX. For the lower side give -shift. Run lengths above 1e12 lose
 * their digits to rounding. */
double warning_cusum_arl(struct warning_workspace *work, double k, double h, double shift, double start);
/* Both sides at once, from 0: 1 / ARL = 1 / ARL(up) + 1 / ARL(down). */
double warning_cusum_arl_two_sided(struct warning_workspace *work, double k, double h, double shift);
/* The h at which ARL0 (shift 0, from 0) is `arl0` > 1, to 1e-9. NaN where it lies beyond WARNING_LIMIT_MAX. */
double warning_cusum_critical(struct warning_workspace *work, double k, double arl0, bool two_sided);
/* k that is best for a shift of delta deviations, and about how long until it is found: ln(ARL0) / (delta^2 / 2). */
double warning_cusum_reference(double delta);
double warning_cusum_delay(double delta, double arl0);

/* Two-sided EWMA chart Z = (1 - lambda) Z + lambda z from 0, alarm at |Z| > c sqrt(lambda / (2 - lambda)) (the fixed limit).
 * 0 < lambda <= 1, c > 0. */
double warning_ewma_arl(struct warning_workspace *work, double lambda, double c, double shift);
/* The c at which ARL0 is `arl0`. */
double warning_ewma_critical(struct warning_workspace *work, double lambda, double arl0);

/* CUSUM of counts on a lattice of 1 / per_unit: S = max(0, S + side (per_unit x - k)), alarm at S >= h, all whole numbers, so
 * that the chain is exact. Poisson: x the events of a period, mean their expectation; Bernoulli: x 0 or 1, mean its
 * probability. */
enum warning_count_kind { WARNING_POISSON, WARNING_BERNOULLI };
struct warning_count_design {
    uint32_t kind;     /* enum warning_count_kind */
    int32_t side;      /* 1: alarms when there are too many, -1: too few */
    uint32_t per_unit; /* >= 1 */
    uint32_t k, h;     /* in 1 / per_unit; 1 <= h < WARNING_STATES_MAX */
};
double warning_count_arl(struct warning_workspace *work, const struct warning_count_design *design, double mean,
                         uint32_t start);
/* The chart that finds a change of the mean from `usual` to `changed` with an ARL0 of at least `arl0`: k the point at which
 * both are equally likely, on the coarsest lattice that holds it to a twentieth of the change, and the smallest h.
 * 0, -EINVAL (equal means, out of range), -ERANGE (no lattice of WARNING_STATES_MAX states does it). */
int warning_count_find(struct warning_workspace *work, enum warning_count_kind kind, double usual, double changed, double arl0,
                       struct warning_count_design *out);

#endif
