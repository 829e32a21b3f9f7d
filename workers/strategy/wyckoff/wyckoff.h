/* wyckoff: accumulation and distribution schematics in closed bars, one causal state machine (quant.md 2.2, 2.3). Pure.
 *
 * Caveats first. The rules are a convention made exact, not a law of markets: no out-of-sample evidence for whole
 * schematics is known (quant.md 2.1). An event says that a bar met a rule, a probability of completion (score.h) is not a
 * probability of profit. Recall on synthetic series tests the software alone.
 *
 * One struct wyckoff sees the closed bars of one instrument and timeframe, in order. It holds the features and two
 * patterns, one for each direction: distribution is the accumulation of the mirrored prices (-O, -L, -H, -C), so every rule
 * is written once and PS SC SPRING SOS LPS are called PSY BC UTAD SOW LPSY there. S is support, R resistance, W = R - S,
 * A0 the ATR at the climax.
 *
 *   stage  waits for  what happens there
 *   IDLE   SC         a climax (also from SC and AR, where a lower one takes the pattern's place, without an end)
 *   SC     AR         the rally from it: R
 *   AR     ST         the test of its low; higher highs raise R
 *   B      SPRING/SOS the range: early undercuts lower S, highs without SOS raise R
 *   C      TEST, SOS  a close below the spring's low fails, or (respring) begins a further spring of the same pattern
 *   D      LPS, E     the pullback; a close below S fails. quant.md has S + .225 W here; the reference asks for both, and
 *                     the lower one is what counts. d_hold and lps_hold give the other bound
 *   D2     E          complete: back to IDLE for `cool` bars
 *
 * Every event has the bar where it happened and the bar at which it was known; only the second is one to act on, and
 * nothing at bar t depends on bars after t.
 *
 * Numbers. Prices come as dec_t; rules compare doubles, each price once divided by 1e8 (the double nearest to the quoted
 * decimal), in the order of operations of the reference, so that both decide alike also at the edges of a rule. Means are
 * summed oldest to newest (the reference's numpy sums pairwise: the last digits of an ATR differ). What is undefined is
 * NaN, for which every rule is false: a bar without ATR or relative volume (fewer than n_vol_min bars before it, or a
 * median of 0) is passed over by the machine.
 *
 * State. Plain bytes of fixed size without padding, zeroed by init: equal histories give equal bytes. Bar numbers count
 * from the first bar that was given. After a restart: restore the bytes if wyckoff_restorable says yes, else init and feed
 * at least 1,000 bars (tests/unit/test_wyckoff_restart.c measures what suffices). A bar costs O(1): at most a few windows of
 * 60 bars when a climax or an SOS is looked at. Threads: none; the state is the caller's.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_WYCKOFF_WYCKOFF_H
#define PROPFLEET_WORKERS_STRATEGY_WYCKOFF_WYCKOFF_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/error.h"
#include "config/config.h"
#include "workers/strategy/wyckoff/params.h"

#define WYCKOFF_VERSION 1u /* of the state's layout and meaning */
#define WYCKOFF_NONE UINT32_MAX /* no bar */

enum wyckoff_direction { WYCKOFF_ACCUMULATION, WYCKOFF_DISTRIBUTION, WYCKOFF_DIRECTIONS };

/* X(name, accumulation's name, distribution's name), in the order in which a pattern has them */
#define WYCKOFF_EVENT_LIST(X)                                                                                          \
    X(PS, "PS", "PSY") /* preliminary support */                                                                       \
    X(SC, "SC", "BC")  /* selling climax */                                                                            \
    X(AR, "AR", "AR")  /* automatic rally */                                                                           \
    X(ST, "ST", "ST")  /* secondary test */                                                                            \
    X(SPRING, "SPRING", "UTAD") /* again with respring, then a TEST may follow again */                                 \
    X(TEST, "TEST", "TEST")                                                                                            \
    X(SOS, "SOS", "SOW")  /* sign of strength */                                                                       \
    X(LPS, "LPS", "LPSY") /* last point of support */                                                                  \
    X(E, "E", "E")        /* phase E: complete */
enum wyckoff_kind {
#define X(name, up, down) WYCKOFF_##name,
    WYCKOFF_EVENT_LIST(X)
#undef X
    WYCKOFF_KINDS
};
/* X(name, handler in machine.c) */
#define WYCKOFF_STAGE_LIST(X) X(IDLE, idle) X(SC, climax) X(AR, rally) X(B, range) X(C, range) X(D, markup) X(D2, markup)
enum wyckoff_stage {
#define X(name, handler) WYCKOFF_IN_##name,
    WYCKOFF_STAGE_LIST(X)
#undef X
    WYCKOFF_STAGES
};
enum wyckoff_result { WYCKOFF_FAIL, WYCKOFF_COMPLETE, WYCKOFF_TIMEOUT, WYCKOFF_RESULTS };

/* "?" for what is no member. */
const char *wyckoff_event_name(uint32_t kind, uint32_t direction);
const char *wyckoff_stage_name(uint32_t stage);
const char *wyckoff_result_name(uint32_t result); /* "fail", "complete", "timeout" */

/* --- what comes in --------------------------------------------------------------------------------------------- */

struct wyckoff_bar {
    int64_t time_ns;              /* when it closed */
    dec_t open, high, low, close; /* > 0 */
    dec_t volume;                 /* V*: without its time-of-day season (quant.md 1) where that is known; >= 0 */
};
/* What the evidence at an event also needs, as of this bar's close. NaN: not known. */
struct wyckoff_context {
    double evr;      /* effort vs result of this bar */
    double smf;      /* smart-money flow, 0..1, long side high */
    double higher;   /* score M of the higher timeframes, -1..1 (confluence.h) */
    double session;  /* 1 in the main session, else 0 */
    double strength; /* relative strength against its market: > 0 stronger */
};
#define WYCKOFF_CONTEXT_UNKNOWN ((struct wyckoff_context){NAN, NAN, NAN, NAN, NAN})

struct wyckoff_features { /* quant.md 2.2; NaN until defined */
    double atr;             /* Wilder's ATR at t-1, price units */
    double relative_volume; /* V*_t over the median of the n_vol before it */
    double spread_ratio;    /* (high - low) / atr */
    double clv01;           /* (close - low) / (high - low), 0.5 for a bar without range */
};

/* --- what comes out -------------------------------------------------------------------------------------------- */

/* X(name): the evidence at ST, SPRING, TEST, SOS and LPS (quant.md 2.4), all as of the bar at which the event was known, of
 * the direction's own prices. NaN where there is none (no spring, nothing given by the caller). */
#define WYCKOFF_EVIDENCE(X)                                                                                            \
    X(ln_rv_sc)       /* ln RV of the climax */                                                                        \
    X(sr_sc)          /* its spread ratio */                                                                           \
    X(clv_sc)         /* its clv01 */                                                                                  \
    X(rv_st_share)    /* RV of the ST's low bar / RV of the climax */                                                  \
    X(width_atr)      /* W / A0 */                                                                                     \
    X(b_bars)         /* bars of phase B up to here, or in all */                                                      \
    X(b_volume_slope) /* least squares slope of ln V* over the bar's number in phase B */                              \
    X(tests)          /* tests of either side of the range */                                                          \
    X(penetration)    /* of the spring below S / A0 */                                                                 \
    X(rv_spring)      /* RV of the spring's low bar */                                                                 \
    X(recovery_bars)  /* from the first bar below to the close back inside */                                          \
    X(rv_test)        /* RV of the TEST's low bar */                                                                   \
    X(smf)            /* mirrored (1 - SMF) for distribution */                                                        \
    X(evr_low)        /* mean EvR of the down closes of phase B with a low in the lower third of the range of then */  \
    X(profile)        /* strength of the volume profile, profile.h: NaN, the caller's to fill in */                    \
    X(higher)         /* M, its sign turned for distribution */                                                        \
    X(session)                                                                                                         \
    X(nine)           /* Pruden's tests that are met, 0..9 */
enum wyckoff_evidence {
#define X(name) WYCKOFF_EVIDENCE_##name,
    WYCKOFF_EVIDENCE(X)
#undef X
    WYCKOFF_EVIDENCE_COUNT
};
const char *wyckoff_evidence_name(uint32_t index);

/* Spring by its grade: RV >= 2 or penetration > 1 A0; in between; RV < 1.2 and penetration <= 0.5 A0. */
enum wyckoff_grade {
    WYCKOFF_GRADE_NONE,     /* no spring */
    WYCKOFF_GRADE_SHAKEOUT, /* #1: no entry before its TEST */
    WYCKOFF_GRADE_MODERATE, /* #2: its TEST is preferred */
    WYCKOFF_GRADE_QUIET,    /* #3: an entry when it is known */
};
/* Quality of the trading range: bits of `quality`. */
enum wyckoff_quality {
    WYCKOFF_QUALITY_WIDTH = 1 << 0,  /* w_min <= W / A0 <= w_max */
    WYCKOFF_QUALITY_TESTS = 1 << 1,  /* two tests or more of each side */
    WYCKOFF_QUALITY_VOLUME = 1 << 2, /* b_volume_slope <= 0 */
    WYCKOFF_QUALITY_BARS = 1 << 3,   /* b_min bars of phase B or more */
};
/* Pruden's nine buying tests made exact [decisions of this project]; bits of `nine`, in direction's own prices:
 *   0 objective    the fall from the highest high of n_tr bars before the climax is at least W (a measured move; there is
 *                  no point and figure count here)
 *   1 support      PS, SC and ST were there
 *   2 volume       mean RV of phase B's up closes above that of its down closes
 *   3 stride       the close is above the line from that highest high to the AR's high, drawn on
 *   4 higher lows  the low of TEST or LPS is above the lowest low of the pattern
 *   5 higher highs a high after the ST above the AR's
 *   6 strength     relative strength of the context > 0
 *   7 base         QUALITY_WIDTH and QUALITY_BARS
 *   8 reward       R + W lies at least three times as far from the close as the stop, half an A0 below the lowest low
 *                  since the ST */
#define WYCKOFF_NINE 9u

struct wyckoff_event {
    uint32_t kind, direction; /* enum wyckoff_kind, wyckoff_direction */
    uint32_t bar, known_bar;  /* where it happened, at which bar it was known */
    int64_t time_ns, known_ns; /* when those bars closed */
    double price;             /* low of PS, SC, ST, SPRING, TEST and LPS (high, mirrored), high of AR, close of SOS and E */
    double support, resistance; /* lower and upper edge of the range as of now; resistance NaN before the AR */
    double atr;               /* A0 */
    double invalid;           /* the pattern is over beyond it, as of now: a close, after ST a low (or high) */
    uint32_t serial;          /* of the pattern, counted in its direction from 1 */
    uint32_t grade;           /* enum wyckoff_grade of the pattern's spring, from SPRING on */
    uint32_t quality, nine;   /* bits, from ST on */
    uint32_t has_evidence;    /* 1: ST, SPRING, TEST, SOS and LPS */
    uint32_t reserved;
    double evidence[WYCKOFF_EVIDENCE_COUNT];
};
struct wyckoff_mark {
    uint32_t bar, known_bar; /* WYCKOFF_NONE: no such event */
};
struct wyckoff_end {
    uint32_t direction, result, stage; /* enum wyckoff_direction, wyckoff_result; stage in which it ended */
    uint32_t bar, serial, reserved;
    struct wyckoff_mark marks[WYCKOFF_KINDS];
};
#define WYCKOFF_EVENTS_MAX 4u /* of one bar: two of a direction */
struct wyckoff_output {
    uint32_t event_count, end_count;
    struct wyckoff_event events[WYCKOFF_EVENTS_MAX]; /* accumulation first, each in order */
    struct wyckoff_end ends[WYCKOFF_DIRECTIONS];
};

/* --- the state: fields are the module's, here for their size --------------------------------------------------- */

struct wyckoff_kept { /* a bar that can be looked back on */
    int64_t time_ns;
    double high, low, close, volume;
    double atr, relative_volume, spread_ratio; /* its features */
};
struct wyckoff_series {
    struct wyckoff_kept bars[WYCKOFF_RING]; /* bar i in [i % WYCKOFF_RING] */
    double sorted[WYCKOFF_RING];            /* the last sorted_count volumes, ascending */
    double atr, tr_sum;                     /* up to and including the last bar; 0 until n_atr + 1 bars */
    uint32_t bar_count, sorted_count;
};
struct wyckoff_low { /* the lowest low of a stage so far: what ST, SPRING, TEST and LPS are made of */
    int64_t time_ns;
    double price, high; /* of that bar */
    double rv_before, rv;
    uint32_t bar, known; /* known 0: none yet */
};
struct wyckoff_sums { /* over phase B: least squares of y = ln V* over x, bars since the ST; RV by close; EvR */
    double n, x, xx, y, xy;
    double up, up_count, down, down_count;
    double evr, evr_count;
};
struct wyckoff_pattern { /* in the direction's own (mirrored) prices */
    uint32_t stage;      /* enum wyckoff_stage */
    uint32_t serial;     /* patterns so far */
    uint32_t free_from;  /* the first bar on which a new pattern may begin after an end */
    uint32_t high_bar;   /* SC: of `high` */
    uint32_t stage_bar;  /* SC: of the climax. AR, B, C, D: the bar at which that stage began */
    uint32_t b_bar;      /* at which the ST was known: phase B */
    uint32_t below_bar;  /* B, C: the first bar below the range; WYCKOFF_NONE: not below */
    uint32_t tested;     /* C: a TEST was found */
    uint32_t b_bars, recovery_bars, tests_low, tests_high;
    uint32_t side;       /* of the last test: 0 none, 1 low, 2 high */
    uint32_t grade;
    uint32_t last_kind, last_bar; /* the last of ST..E of the present or last completed pattern; WYCKOFF_NONE: none */
    int64_t high_ns, last_ns;
    double s, r, a;      /* S, R, A0 */
    double rv_sc, sr_sc, clv_sc, rv_st, rv_spring, rv_test, penetration;
    double high;         /* SC: since the climax. C: of the rally from the spring. D: of the SOS */
    double invalid;      /* C, D: a close below it ends C */
    double rv_sos;       /* mean RV of the SOS's up closes */
    double fall_high, ar_high; /* highest high before the climax; highest of the AR up to the ST */
    double low_min, high_max;  /* since the ST was known */
    double low_last;           /* of TEST or LPS */
    uint32_t fall_bar, ar_bar;
    uint32_t springs, reserved; /* so many so far */
    struct wyckoff_low low;
    struct wyckoff_sums sums;
    struct wyckoff_mark marks[WYCKOFF_KINDS];
};
struct wyckoff {
    uint32_t version, reserved;
    uint64_t params_digest;
    struct wyckoff_series series;
    struct wyckoff_pattern patterns[WYCKOFF_DIRECTIONS];
};
static_assert(sizeof(struct wyckoff_low) == 48, "no padding");
static_assert(sizeof(struct wyckoff_pattern) == 16 * 4 + 2 * 8 + 18 * 8 + 4 * 4 + 48 + 11 * 8 + 8 * WYCKOFF_KINDS,
              "no padding");
static_assert(sizeof(struct wyckoff) == 16 + WYCKOFF_RING * (64 + 8) + 24 + 2 * sizeof(struct wyckoff_pattern),
              "no padding: states compare by bytes");
static_assert(sizeof(struct wyckoff) % 8 == 0 && sizeof(struct wyckoff) <= 8192, "fits a detector's slot");

/* --- calls ----------------------------------------------------------------------------------------------------- */

/* 0; -ENOTSUP for a series without volume (VOLUME_NONE): every schematic needs volume evidence; -EINVAL for parameters out of
 * bounds. Each with its reason in err; *w is all zero then, and no call takes it. */
int wyckoff_init(struct wyckoff *w, const struct wyckoff_params *params, enum config_volume_kind volume_kind,
                 struct error *err);
/* A closed bar, in order. Returns the number of events in *out (also the ends are there). A bar that cannot be one
 * (price <= 0, open or close outside low..high, volume < 0) is passed over: 0, and it has no number. context NULL:
 * nothing is known. */
uint32_t wyckoff_on_bar(struct wyckoff *w, const struct wyckoff_params *params, const struct wyckoff_bar *bar,
                        const struct wyckoff_context *context, struct wyckoff_output *out);
/* Whether sizeof(struct wyckoff) bytes of anything are a state that wyckoff_on_bar can go on from with these parameters:
 * version, digest, every index, count and number in its range, the sorted volumes those of the ring. */
bool wyckoff_restorable(const void *bytes, const struct wyckoff_params *params);
/* Features of the last bar (accumulation's clv01); all NaN before the first. */
struct wyckoff_features wyckoff_features_last(const struct wyckoff *w);
/* Bars that were taken. */
uint32_t wyckoff_bar_count(const struct wyckoff *w);

#endif
