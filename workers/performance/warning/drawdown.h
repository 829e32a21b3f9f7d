/* drawdown: whether a live drawdown is more than the tested edge would give at this risk. Pure.
 *
 * The test is a bootstrap of the out-of-sample daily results at the current risk over as many days as have been live, in
 * blocks (stationary, 5 to 10 days; the indices are the caller's): p = share of paths whose maximum drawdown is at least the
 * live one. The Brownian formulas are a check of its size only: what is sampled once a day is about a tenth smaller.
 *
 * p is looked at again and again: "p < .10" once a month is one false alarm in ten months, not one in 6 months for
 * all monitors together; family.h counts it as it is.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_DRAWDOWN_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_DRAWDOWN_H

#include <stdint.h>

#define WARNING_DRAWDOWN_YELLOW 0.10
#define WARNING_DRAWDOWN_RED 0.02

/* Largest fall from a peak, as a share of it, of equity that starts at 1 and is multiplied by 1 + scale * r each day; the start
 * is a peak. 1 when equity is used up. NaN where a return is not finite. */
double warning_drawdown(const double *returns, uint32_t days, double scale);
struct warning_drawdown_question {
    const double *returns; /* out-of-sample daily results: R, with scale the risk of one R; or fractions, with scale 1 */
    uint32_t return_count;
    double scale;
    const uint32_t *indices; /* [paths][days], each < return_count */
    uint32_t paths, days;    /* days: live so far */
    double live;             /* the live maximum drawdown, a fraction */
};
/* p as above. NaN: no path, no day, an index out of range, a number that is none. */
double warning_drawdown_p(const struct warning_drawdown_question *question);

/* Brownian motion of `deviation` and `mean` a day over `days` (absolute drawdown, not of the peak).
 * Expected maximum drawdown (Magdon-Ismail, Atiya, Pratap, Abu-Mostafa 2004), by integrating its distribution; driftless
 * sqrt(pi / 2) s sqrt(T). Relative error below 1e-4; costs some ten milliseconds. NaN for deviation or days <= 0. */
double warning_brownian_expected(double mean, double deviation, double days);
/* P(maximum drawdown >= depth) for drift 0: the reflected motion's first passage. 1 for depth <= 0. */
double warning_brownian_tail(double depth, double deviation, double days);

#endif
