/* record: one signal from its birth to its outcome. Pure; plain bytes without padding, versioned.
 *
 * A detector's signal becomes a record when it is offered. What an account did with it (executed, skipped and why,
 * expired) and what came of it (net R, known at some time) are added once each; nothing is ever changed back. The id
 * depends on the event alone (instrument, timeframe, pattern, side, bar), never on an account, so that what several
 * accounts did with one event can be joined. A record that nobody traded, followed to its outcome on paper, is a shadow.
 *
 * Confidence: `score` is the detector's own scale; `p` is the calibrated P(net R > 0), NaN until a calibrator made it.
 * Only `p` has a reliability curve. Undefined numbers are NaN, undefined times SIGNALS_TIME_NONE.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNALS_RECORD_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNALS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/vocabulary.h"
#include "workers/strategy/signal.h"

#define SIGNALS_RECORD_VERSION 1u
#define SIGNALS_TIME_NONE INT64_MIN

enum signals_status { SIGNALS_OFFERED, SIGNALS_EXECUTED, SIGNALS_SKIPPED, SIGNALS_EXPIRED, SIGNALS_STATUS_COUNT };
enum signals_kind { SIGNALS_KIND_OTHER, SIGNALS_KIND_BREAKOUT, SIGNALS_KIND_REVERSAL, SIGNALS_KIND_COUNT };

/* Why a signal was not taken. Written to journals: append only, never renumber. */
#define SIGNALS_SKIP_LIST(X) \
    X(NONE, "none") \
    X(REFUSED, "refused by a limit or a rule") /* which one: `refusal` */ \
    X(THRESHOLD, "expected net R below the threshold") \
    X(CONFLUENCE, "higher timeframes disagree") \
    X(PARTITION, "allotted to another account") \
    X(CORRELATION, "correlation with another account") \
    X(POSITION_OPEN, "a position is open already") \
    X(COOLDOWN, "too soon after the last one") \
    X(SESSION, "outside the hours of entry") \
    X(NEWS, "news window") \
    X(SPREAD, "spread too wide") \
    X(WARNING, "early warning stopped new entries") \
    X(EVIDENCE, "pattern needs a later stage") \
    X(STOP_DISTANCE, "no sound stop or target")
enum signals_skip {
#define X(name, text) SIGNALS_SKIP_##name,
    SIGNALS_SKIP_LIST(X)
#undef X
    SIGNALS_SKIP_COUNT
};
const char *signals_skip_text(unsigned reason); /* "?" beyond the list */
const char *signals_status_name(unsigned status);

struct signals_record {
    uint32_t version, pattern; /* enum signal_pattern */
    uint64_t id;
    int64_t time_ns;           /* market time at which it was known */
    uint32_t instrument, timeframe;
    uint32_t side, stage;      /* enum broker_side; the pattern's own count, 0 where it has none */
    uint32_t kind, status;     /* enum signals_kind, signals_status */
    uint32_t skip, refusal;    /* enum signals_skip; enum refusal when REFUSED */
    uint32_t eligible, shadow; /* 0 or 1: it could have been traded at some moment; its outcome is on paper */
    double score, p;
    dec_t price, stop, target; /* planned, price units; target 0: none */
    int64_t decided_ns;        /* when status left OFFERED */
    int64_t outcome_ns;        /* when net_r became known */
    double net_r;              /* after all costs, in units of the planned loss at the stop */
};

/* A record as offered. The stop and the target lie on their sides of the price; false (and *out all zero) when the
 * signal has no side, no stop distance, or a price that does not fit. */
bool signals_record_open(const struct signal *signal, uint32_t stage, uint32_t kind, struct signals_record *out);
uint64_t signals_record_id(const struct signal *signal);

/* Each happens at most once and in this order: 0, or -EINVAL when it is out of order or a value is none (the record is
 * then untouched). A time before the record's own is out of order. */
int signals_record_calibrate(struct signals_record *record, double p);
int signals_record_eligible(struct signals_record *record);
int signals_record_execute(struct signals_record *record, int64_t now_ns);
/* refusal: with SIGNALS_SKIP_REFUSED not REFUSAL_NONE, else REFUSAL_NONE. */
int signals_record_skip(struct signals_record *record, uint32_t reason, uint32_t refusal, int64_t now_ns);
int signals_record_expire(struct signals_record *record, int64_t now_ns);
/* net_r finite. What was not executed becomes a shadow by it. An offered record has no outcome yet: -EINVAL. */
int signals_record_settle(struct signals_record *record, double net_r, int64_t now_ns);

/* Whether bytes from a store are a record: every enum in range, numbers in theirs, times in order. */
bool signals_record_sane(const struct signals_record *record);
static inline bool signals_record_settled(const struct signals_record *record)
{
    return record->outcome_ns != SIGNALS_TIME_NONE;
}

#endif
