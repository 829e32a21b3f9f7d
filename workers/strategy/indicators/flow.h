/* flow: effort against result (EvR) and the smart-money flow (SMF). Pure. quant.md section 1.
 *
 * Effort is volume with the season taken out, V* (seasonality.h, shm/baseline.h), of whatever unit: only its logarithm's
 * distance from the mean counts. Raw volume does for a series that has no season. Ranks make the SMF a percentile: 0.7 is not
 * rare (about one bar in six), so it is a filter, not a signal. Evidence for a long side SMF >= .7, short <= .3.
 * See bar.h for init, next and restorable.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_INDICATORS_FLOW_H
#define PROPFLEET_WORKERS_STRATEGY_INDICATORS_FLOW_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "workers/strategy/indicators/bar.h"
#include "workers/strategy/indicators/volume.h"
#include "workers/strategy/indicators/window.h"

#define FLOW_EFFORT_BARS 50u  /* of the baseline of EvR */
#define FLOW_BARS 20u         /* of CMF, UDV and ABS */
#define FLOW_RANK_BARS 250u   /* that a rank is taken among */
#define FLOW_RANK_LEAST 100u  /* of them that must be defined */

/* EvR_t = z50(ln effort_t) - z50(ln max(range_t, 1 point)), z against the 50 bars before t (t itself not in them),
 * sample deviation. > +1: effort without result (absorption); < -1: result without effort (no opposition). From bar 50 on; NaN
 * where effort or range did not vary in those 50. A bar without effort (not > 0, not finite) has no EvR and is none of the
 * 50. */
struct flow_effort {
    struct window_moments effort, result;
};
void flow_effort_init(struct flow_effort *state);
bool flow_effort_restorable(const struct flow_effort *state);
/* range: the true range in points, taken as 1 point below that. */
double flow_effort_next(struct flow_effort *state, double effort, double range);

/* SMF_t = the mean of the percentile ranks (among the previous 250 values, at least 100 of them, ties half) of
 *   CMF20   volume.h
 *   UDV20   up-volume, volume.h
 *   ABS20   the mean over 20 bars of s max(0, EvR): s = +1 for a close below the one before with CLV01 >= .5 (selling was
 *           absorbed), -1 for a close above it with CLV01 <= .5, else 0; an undefined EvR counts as 0 once there are 50 bars
 * The true range of bar 0 is its H - L here. */
struct flow_values {
    double cmf, udv, evr, absorption; /* from bar 19, 20, 50, 69 on */
    double rank_cmf, rank_udv, rank_absorption;
    double smf;
};
struct flow {
    int64_t point;        /* one point in the unit of the prices */
    int64_t close;
    uint32_t seen;        /* bars, up to FLOW_EFFORT_BARS + FLOW_BARS */
    uint32_t position;    /* the oldest of the absorption ring */
    double absorbed;      /* their sum, oldest to newest */
    double ring[FLOW_BARS];
    struct volume_cmf cmf;
    struct volume_up up;
    struct flow_effort effort;
    struct window_order ranks[3]; /* of CMF, UDV, ABS */
};
/* point > 0, at most INDICATOR_PRICE_MAX: 1 where prices are points, the tick as dec_t where they are dec_t. */
void flow_init(struct flow *flow, int64_t point);
bool flow_restorable(const struct flow *flow, int64_t point);
/* effort: V* of the bar (NaN or 0: it has none). */
struct flow_values flow_next(struct flow *flow, const struct indicator_bar *bar, double effort);

#endif
