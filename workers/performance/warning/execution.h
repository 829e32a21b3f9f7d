/* execution: the monitors that lead, because they see every fill, quote and signal: slippage and spread against the model's,
 * orders that are not filled, signals that stop coming. Pure; states and charts as in monitor.h.
 *
 * Observations are reduced to what the charts take: slippage in ticks, positive against the trader; spread as
 * ln(spread / usual spread of that hour of the week); an order 1 when it was not filled; the signals of a trading day.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_EXECUTION_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_EXECUTION_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/performance/warning/monitor.h"

#define WARNING_EXECUTION_CLIP 4.0 /* deviations: one wild fill is no drift */

struct warning_execution_model {
    double slippage_mean, slippage_deviation; /* ticks; of the cost model's paper fills */
    double spread_mean, spread_deviation;     /* of the logarithm */
    double unfilled;                          /* share of orders; doubling it is what is looked for */
    double signals_a_day;                     /* halving and doubling it are what is looked for */
    double shift;                             /* deviations of slippage and spread that matter: 1 */
    /* ARL0 of each chart in its own observations (warning_family_arl0). */
    double arl0_fills, arl0_hours, arl0_orders, arl0_days;
};
struct warning_execution {
    struct warning_cusum slippage, spread;
    struct warning_count unfilled, signals_few, signals_many;
};
/* The charts with limits for these run lengths; the two of the signals get twice theirs, so that both together have it. 0,
 * -EINVAL, -ERANGE (a limit beyond what arl.h can find): *out is then all zero. Costs some ten milliseconds. */
int warning_execution_init(struct warning_execution *out, const struct warning_execution_model *model,
                           struct warning_workspace *work);
/* Each says whether its chart stands in alarm. slippage_ticks: (fill - asked) * side / tick. */
bool warning_execution_fill(struct warning_execution *state, double slippage_ticks);
bool warning_execution_quote(struct warning_execution *state, double spread, double usual_spread); /* once an hour */
bool warning_execution_order(struct warning_execution *state, bool filled);
bool warning_execution_day(struct warning_execution *state, uint32_t signal_count);
/* Whether bytes are a state of these designs: `fresh` is what init gives for the same model. */
bool warning_execution_restorable(const struct warning_execution *state, const struct warning_execution *fresh);

#endif
