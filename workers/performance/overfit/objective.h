/* objective: which threshold to trade by, from training data alone (quant.md section 4). Pure; memory is the caller's.
 *
 * A signal's expected net result is E = p W - (1 - p) L, in R: p its calibrated P(net R > 0), W and L (>= 0) the training
 * means of its exit plan's wins and losses. It is traded when E >= tau, tau on the grid 0, .05, ..., .40. (A grid on p
 * alone is wrong: without an edge p is .286 for one target of 2.5 R, and about .44 for the default ladder.)
 *   J(tau)   = SR - 1.0 SE(SR) of the daily sums of R, days without a trade as 0; SE as psr_se
 *   refused  when there are fewer than 50 trades, 60 days or 20 active days, or J is not a number
 *   J~(tau)  = .25 J(tau-1) + .5 J(tau) + .25 J(tau+1); a neighbour that is refused or beyond the grid is left out and the
 *              other weights are scaled to 1
 *   choose   the largest J~ among those with J > 0 in at least 60 % of the thresholds up to two places away, itself among
 *            them (beyond the grid there is none; a refused one counts as not > 0); ties go to the higher threshold
 *   change   only when the chosen J~ is more than .25 SE above the incumbent's, SE the larger one of the two; an incumbent
 *            that is refused or off the grid has no J~ to defend itself with, the chosen one must then be > 0
 * With fewer than 50 events in all after the purge nothing is compared: INSUFFICIENT, the incumbent stays. So it does
 * whenever the result is not OBJECTIVE_CHANGE.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_OBJECTIVE_H
#define PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_OBJECTIVE_H

#include <stdbool.h>
#include <stdint.h>

#define OBJECTIVE_GRID_COUNT 9u /* 0, .05, ..., .40 R */
#define OBJECTIVE_GRID_MAX 64u  /* a caller's own grid */
#define OBJECTIVE_EVENTS_MIN 50u
#define OBJECTIVE_TRADES_MIN 50u
#define OBJECTIVE_DAYS_MIN 60u
#define OBJECTIVE_ACTIVE_DAYS_MIN 20u
#define OBJECTIVE_ERROR_WEIGHT 1.0     /* SEs taken off the Sharpe ratio */
#define OBJECTIVE_PLATEAU_REACH 2u     /* places on either side */
#define OBJECTIVE_PLATEAU_SHARE 0.6
#define OBJECTIVE_HYSTERESIS_SE 0.25

double objective_tau(uint32_t i);                          /* .05 i; i < OBJECTIVE_GRID_COUNT */
double objective_edge(double p, double win, double loss);  /* E; NaN unless 0 <= p <= 1, win >= 0, loss >= 0 */

struct objective_event {
    double edge;   /* E of the signal; NaN: never traded */
    double net_r;  /* its outcome in R after costs, shadow or live */
    uint32_t day;  /* trading day within the training window, < day_count */
};
struct objective_sample {
    uint32_t trade_count, active_day_count;
};
/* Adds up net R by day for the events with edge >= tau into daily[0 .. day_count). An event of another day is a mistake of
 * the caller's (asserted). Order of summation: that of the events. */
struct objective_sample objective_daily(const struct objective_event *events, uint32_t event_count, double tau,
                                        double *daily, uint32_t day_count);

#define OBJECTIVE_REFUSALS(X)                      \
    X(TRADES, "fewer than 50 trades")              \
    X(DAYS, "fewer than 60 days")                  \
    X(ACTIVE_DAYS, "fewer than 20 active days")    \
    X(UNDEFINED, "the Sharpe ratio or its error is not defined")
enum objective_refusal {
#define X(name, text) OBJECTIVE_REFUSAL_##name,
    OBJECTIVE_REFUSALS(X)
#undef X
    OBJECTIVE_REFUSAL_COUNT
};
const char *objective_refusal_text(unsigned refusal); /* "?" for what is none */

struct objective_score {
    double sharpe, se, j; /* per day */
    uint32_t refusals;    /* bits 1 << enum objective_refusal; 0: admitted */
};
void objective_score(const double *daily, uint32_t day_count, const struct objective_sample *sample,
                     struct objective_score *out);

#define OBJECTIVE_OUTCOMES(X)                                                     \
    X(CHANGE, "change the threshold")                                             \
    X(SAME, "the incumbent is the best")                                          \
    X(HYSTERESIS, "the improvement is within .25 SE")                             \
    X(NO_PLATEAU, "no threshold stands on a plateau of J > 0")                    \
    X(NONE_ADMITTED, "every threshold is refused")                                \
    X(NOT_POSITIVE, "no incumbent to compare with, and the best J~ is not > 0")   \
    X(INSUFFICIENT, "fewer than 50 events after the purge")
enum objective_outcome {
#define X(name, text) OBJECTIVE_##name,
    OBJECTIVE_OUTCOMES(X)
#undef X
    OBJECTIVE_OUTCOME_COUNT
};
const char *objective_outcome_text(unsigned outcome); /* "?" for what is none */

#define OBJECTIVE_NO_INCUMBENT UINT32_MAX
struct objective_choice {
    uint32_t outcome;        /* enum objective_outcome */
    uint32_t chosen;         /* on the grid: what to trade by; the incumbent unless the outcome is CHANGE */
    uint32_t best;           /* the winner before hysteresis; OBJECTIVE_NO_INCUMBENT: none */
    bool plateau;            /* `chosen` stands on a plateau */
    double smoothed[OBJECTIVE_GRID_MAX]; /* J~; NaN where refused */
};
/* scores: by ascending threshold, count of them, 1 .. OBJECTIVE_GRID_MAX. incumbent: its place, or OBJECTIVE_NO_INCUMBENT.
 * event_count: events left after the purge, of any edge. */
void objective_choose(const struct objective_score *scores, uint32_t count, uint32_t incumbent, uint32_t event_count,
                      struct objective_choice *out);

#endif
