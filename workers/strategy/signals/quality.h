/* quality: what a window of signal records says: calibration, expectancy, conversion, and what follows. Pure.
 *
 * A window holds the records whose outcome became known in (now - length, now] (quant.md section 3); conversion alone
 * counts records by the time at which they were born. y = 1 when net R > 0. Fewer than SIGNALS_SAMPLE_MIN outcomes:
 * the numbers are still there, `sufficient` is false, and nothing may be tuned on them. Records are the caller's, oldest
 * first, and have passed signals_record_sane.
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_SIGNALS_QUALITY_H
#define PROPFLEET_WORKERS_STRATEGY_SIGNALS_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/strategy/signals/calibrator.h"
#include "workers/strategy/signals/expectancy.h"
#include "workers/strategy/signals/record.h"
#include "workers/strategy/signals/reliability.h"

#define SIGNALS_WINDOW_NS (INT64_C(30) * 86400 * 1000000000)
#define SIGNALS_GROUPS_MAX 64u
#define SIGNALS_CONFIDENCE 0.95
#define SIGNALS_RANK_CONFIDENCE 0.80 /* two-sided: its lower end is the one-sided 90 % bound that ranks groups */
#define SIGNALS_FDR_Q 0.10
#define SIGNALS_CONVERSION_LO 0.10 /* the band in which conversion should lie */
#define SIGNALS_CONVERSION_HI 0.25

enum signals_source { SIGNALS_LIVE, SIGNALS_SHADOW, SIGNALS_LIVE_AND_SHADOW }; /* executed; on paper; both */
struct signals_window {
    int64_t now_ns, length_ns;
    uint32_t source;     /* enum signals_source */
    uint32_t instrument; /* UINT32_MAX: all */
};

/* Memory for the functions below: everything they need for `capacity` records, cut out of one piece of the caller's. */
struct signals_scratch {
    uint32_t capacity;
    uint32_t *rows;
    double *p, *r, *a, *b, *c; /* a, b, c: 2 * capacity */
    uint8_t *y;
    struct signals_ranked *ranked;
};
size_t signals_scratch_bytes(uint32_t capacity);
/* memory aligned to 8, at least signals_scratch_bytes(capacity) (asserted). */
void signals_scratch_init(struct signals_scratch *scratch, void *memory, size_t bytes, uint32_t capacity);

/* Rows of the window into scratch->rows, oldest first; their number, or -ENOSPC above the capacity. */
int64_t signals_quality_select(const struct signals_record *records, uint32_t n, const struct signals_window *window,
                               struct signals_scratch *scratch);

struct signals_quality {
    uint32_t n, wins;       /* outcomes */
    bool sufficient;        /* n >= SIGNALS_SAMPLE_MIN */
    struct signals_moments r; /* net R */
    double t;               /* of the mean */
    struct signals_interval mean_r, win_rate; /* t; Wilson */
    uint32_t with_p;        /* outcomes that had a calibrated p: what follows is over them */
    struct signals_reliability reliability; /* all zero when with_p = 0 */
    struct signals_logit cox; /* NaN where there is none */
    struct signals_auc auc;
};
/* Of the selected rows (count as signals_quality_select gave it). 0; -EINVAL: a selected record has no outcome. */
int signals_quality_measure(const struct signals_record *records, uint32_t count, struct signals_scratch *scratch,
                            struct signals_quality *out);

/* Groups of the selected rows. By bucket: bin of p (rows without one are left out). */
enum signals_group_key { SIGNALS_BY_PATTERN, SIGNALS_BY_STAGE, SIGNALS_BY_KIND, SIGNALS_BY_BUCKET, SIGNALS_BY_INSTRUMENT,
                         SIGNALS_BY_TIMEFRAME };
struct signals_group {
    uint32_t key, n, wins;
    bool sufficient;
    double mean_p;            /* over rows that have one; NaN: none has */
    struct signals_moments r;
    struct signals_interval win_rate, jeffreys, exact; /* SIGNALS_CONFIDENCE */
    struct signals_interval mean_r;                    /* t, SIGNALS_CONFIDENCE */
    double shrunk_rate;       /* Beta-Binomial towards the pooled rate of all groups */
    double lower;             /* one-sided 90 % bound of mean R; NaN below two outcomes */
    double p, q;              /* two-sided t test of mean R = 0; adjusted over the sufficient groups; NaN: takes no part */
    bool discovered;          /* q <= SIGNALS_FDR_Q */
};
/* Groups ascending by key, at most SIGNALS_GROUPS_MAX; their number, or -ENOSPC, -EINVAL (a row without outcome). */
int signals_quality_groups(const struct signals_record *records, uint32_t count, uint32_t key, struct signals_scratch *scratch,
                           struct signals_group groups[SIGNALS_GROUPS_MAX]);
/* order[0] is the best by `lower`; insufficient groups come behind all sufficient ones, undefined bounds last, ties by key. */
void signals_quality_rank(const struct signals_group *groups, uint32_t count, uint32_t order[SIGNALS_GROUPS_MAX]);

/* Two groups against each other: breakout against reversal. */
struct signals_versus {
    bool sufficient;           /* both are */
    double win_rate, mean_r;   /* a - b */
    struct signals_interval win_rate_ci, mean_r_ci; /* Newcombe, Welch */
};
void signals_quality_versus(const struct signals_group *a, const struct signals_group *b, struct signals_versus *out);

struct signals_conversion {
    uint32_t emitted, executed, skipped, pending, expired, expired_early; /* early: before it could have been traded */
    double rate;               /* executed / (emitted - expired_early); NaN when that is 0 */
    struct signals_interval ci; /* Wilson */
    uint32_t reasons[SIGNALS_SKIP_COUNT], refusals[REFUSAL_COUNT];
};
/* Over records born in (now - length, now], whatever their source. */
void signals_quality_conversion(const struct signals_record *records, uint32_t n, const struct signals_window *window,
                                struct signals_conversion *out);

/* What follows from it, as data: a person or a policy decides. */
enum signals_advice_kind {
    SIGNALS_ADVICE_INSUFFICIENT,    /* n of SIGNALS_SAMPLE_MIN; value: n */
    SIGNALS_ADVICE_ENABLE,          /* a group with a mean R above 0, discovered; value: mean R */
    SIGNALS_ADVICE_DISABLE,         /* ... below 0 */
    SIGNALS_ADVICE_RECALIBRATE,     /* |Spiegelhalter z| > 1.96 or Cox's slope off 1 by two standard errors; value: slope */
    SIGNALS_ADVICE_NO_DISCRIMINATION, /* AUC interval holds 1/2: p does not rank; value: AUC */
    SIGNALS_ADVICE_CONVERSION_LOW,  /* whole interval below the band; value: rate */
    SIGNALS_ADVICE_CONVERSION_HIGH, /* ... above it */
    SIGNALS_ADVICE_KIND_COUNT
};
struct signals_advice {
    uint32_t kind, key; /* key: of the group; UINT32_MAX: of the whole window */
    uint32_t n, reserved;
    double value;
    struct signals_interval ci;
};
const char *signals_advice_name(unsigned kind);
/* At most `max`; returns how many there are (may exceed max: the rest is left out). groups NULL with count 0, and
 * conversion NULL, are left out. */
uint32_t signals_quality_advise(const struct signals_quality *quality, const struct signals_group *groups, uint32_t group_count,
                                const struct signals_conversion *conversion, struct signals_advice *out, uint32_t max);

#endif
