/* confluence: whether the timeframes of one instrument agree (quant.md 2.4). Pure.
 *
 * For each timeframe j a view of its machine as of its last closed bar, then
 *   d_j        = side * weight(stage) * 2^(-age / 20), age in bars of j since the event was known; where there is no
 *                pattern .3 * sign of the EMA50's slope; where that is unknown too 0
 *   M          = sum w_j d_j
 *   confluence = sum w_j [d_j * side > 0]
 * and a side is admitted when confluence >= .55 and M * side > 0. Stage weights: ST .2, SPRING .5, TEST .6, SOS .8, LPS .9,
 * E .5; w: M15 .15, H1 .25, H4 .30, D1 .30. A completed pattern counts (as E) for CONFLUENCE_FADE_BARS at most, until its
 * side has a new climax or the other side an ST; a failed one never [decisions of this project]. Where both directions have a
 * pattern the one whose event is younger counts, of two of one bar the further one, of two of one kind neither.
 *
 * Causal: a view that became known after `now` is refused, so that nothing of the future can get in; H4 and D1 bars are the
 * caller's, closed on the broker's day.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_WYCKOFF_CONFLUENCE_H
#define PROPFLEET_WORKERS_STRATEGY_WYCKOFF_CONFLUENCE_H

#include "workers/strategy/wyckoff/wyckoff.h"

/* X(name, weight) */
#define CONFLUENCE_TIMEFRAMES(X) X(M15, 0.15) X(H1, 0.25) X(H4, 0.30) X(D1, 0.30)
enum confluence_timeframe {
#define X(name, weight) CONFLUENCE_##name,
    CONFLUENCE_TIMEFRAMES(X)
#undef X
    CONFLUENCE_COUNT
};
#define CONFLUENCE_HALF_LIFE 20.0
#define CONFLUENCE_FADE_BARS 100u
#define CONFLUENCE_LEAST 0.55

struct confluence_view {
    int64_t close_ns;  /* of the last closed bar; INT64_MIN: no bar yet, the rest says nothing */
    int32_t side;      /* 1 accumulation, -1 distribution, 0 no pattern */
    uint32_t kind;     /* last event of the pattern, ST..E (enum wyckoff_kind); with side 0 none */
    uint32_t age_bars; /* since it was known */
    uint32_t reserved;
    double ema_slope;  /* EMA50 less that of the bar before; NaN: not known */
};
struct confluence {
    double m;                   /* -1..1 */
    double score[CONFLUENCE_COUNT]; /* d_j */
    double up, down;            /* confluence of the long and of the short side, 0..1 */
};

/* What the machine says as of its last bar. ema_slope: of the same bars. */
struct confluence_view confluence_view(const struct wyckoff *w, double ema_slope);
/* 0; -EINVAL when a view closed after now_ns, or has a side or kind that is none: *out is then without any direction. */
int confluence_reckon(const struct confluence_view views[CONFLUENCE_COUNT], int64_t now_ns, struct confluence *out);
/* side 1 or -1. */
bool confluence_admits(const struct confluence *confluence, int side);

#endif
