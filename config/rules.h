/* rules: what a firm demands in one phase of a programme, compiled. The twelve primitives of docs/rules.md (P1 to P12),
 * each an array of plain bounded structs: no pointer, no text that is read again. Part of the compiled configuration
 * (config.h); filled by the loader from the files of config/firms, evaluated by workers/risk/rules.
 *
 * Money is in the account's currency. What a file gives as a share of the initial balance stays a share here:
 * the same phase serves every size. Amounts that a file gives for one size only are RULES_ABS.
 */
#ifndef PROPFLEET_CONFIG_RULES_H
#define PROPFLEET_CONFIG_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"

#define RULES_NAME_MAX 32
#define RULES_DAYS_MAX 3u         /* candidates of the trading day: the firm's text may leave the zone open */
#define RULES_SOURCES_MAX 12u
#define RULES_TIERS_MAX 6u
#define RULES_FLOORS_MAX 6u
#define RULES_LOSSES_MAX 4u
#define RULES_EXPOSURES_MAX 6u
#define RULES_WINDOWS_MAX 6u
#define RULES_HOLDS_MAX 4u
#define RULES_RATES_MAX 6u
#define RULES_GROUPS_MAX 4u
#define RULES_INSTRUMENTS_MAX 16u /* CONFIG_INSTRUMENTS_MAX */

enum rules_primitive {
    RULES_P1_LOSS_FLOOR = 1, RULES_P2_OPEN_LOSS, RULES_P3_EXPOSURE, RULES_P4_WINDOW, RULES_P5_HOLD, RULES_P6_RATE,
    RULES_P7_SHAPE, RULES_P8_STOP, RULES_P9_DIRECTION, RULES_P10_CROSS, RULES_P11_CONDUCT, RULES_P12_LIFECYCLE,
};

/* How sure a line is: where it was read. From RULES_DATASET on a person confirms it when an account is added. */
#define RULES_CONFIDENCE_LIST(X) \
    X(OFFICIAL, "official") X(OFFICIAL_PARTIAL, "official_partial") X(OFFICIAL_OLD, "official_old") X(OURS, "ours") \
    X(DATASET, "dataset") X(AGGREGATOR, "aggregator") X(DISPUTED, "disputed") X(UNVERIFIED, "unverified")
enum rules_confidence {
#define X(name, text) RULES_##name,
    RULES_CONFIDENCE_LIST(X)
#undef X
    RULES_CONFIDENCE_COUNT
};

enum rules_severity { RULES_VOID, RULES_PAUSE, RULES_TERMINATE }; /* what breaking it costs; the order is theirs */

struct rules_source {
    char key[8];             /* as the rules name it: "A" */
    char kind[24];           /* official, official_old, dataset, aggregator, support_ticket */
    char url[200];
    char date[12];           /* the page's own date where it shows one, else empty */
};
struct rules_head {
    char id[RULES_NAME_MAX]; /* unique in its phase */
    uint32_t sources;        /* bit i: rules_set.sources[i] */
    uint8_t confidence;      /* enum rules_confidence */
    uint8_t severity;        /* enum rules_severity */
    uint8_t optional, reserved; /* optional: the firm offers it as a switch; loaded only when switched on */
};

/* --- amounts -------------------------------------------------------------------------------------- */

enum rules_amount_kind {
    RULES_ABS,               /* value */
    RULES_FRAC_INITIAL,      /* value * I */
    RULES_FRAC_ANCHOR,       /* value * the floor's anchor, the day's balance snapshot for other primitives */
    RULES_TIERED,            /* the value of the highest tier whose `from` is <= the basis */
    RULES_FRAC_SOD_PROFIT,   /* value * profit at the start of the day, at least value * floor_of (P2, Apex legacy) */
    RULES_FRAC_DAILY,        /* value * the allowance of the daily floor (P2, FundedElite) */
};
enum rules_basis { RULES_EOD_PROFIT, RULES_LIVE_EQUITY }; /* of tiers */
struct rules_tier {
    dec_t from, value;
};
struct rules_amount {
    uint32_t kind, basis;
    dec_t value;
    dec_t floor_of;          /* FRAC_SOD_PROFIT: an amount that the profit is taken to be at least */
    uint32_t tier_count, reserved;
    struct rules_tier tiers[RULES_TIERS_MAX]; /* ascending; the first rules below its `from` too */
};

/* --- P1 loss floor: f = a - A --------------------------------------------------------------------- */

enum rules_anchor {
    RULES_INITIAL, RULES_SNAP_BALANCE, RULES_SNAP_EQUITY, RULES_SNAP_MAX, RULES_RUN_CLOSED, RULES_RUN_EOD_BALANCE,
    RULES_RUN_EOD_MAX, RULES_RUN_EQUITY, RULES_DAY_PEAK, RULES_ANCHOR_COUNT
};
enum rules_breach { RULES_LT, RULES_LE };
enum rules_measure { RULES_EQUITY, RULES_BALANCE, RULES_MIN_BALANCE_EQUITY };
enum rules_effect { RULES_EFFECT_TERMINATE, RULES_EFFECT_PAUSE }; /* PAUSE: until the boundary */
enum rules_check { RULES_CONTINUOUS, RULES_AT_BOUNDARY };
enum rules_payout { RULES_PAYOUT_NONE, RULES_PAYOUT_FLOOR_TO_INITIAL, RULES_PAYOUT_FLOOR_TO_ZERO, RULES_PAYOUT_ANCHOR_RESET };
enum rules_floor_kind { RULES_DAILY, RULES_TOTAL }; /* what a refusal calls it */
struct rules_floor {
    struct rules_head head;
    uint32_t kind, anchor, breach, measure, effect, check, payout;
    uint32_t days;           /* bit i: kept for candidate i of the day; each is a floor of its own, the highest rules */
    struct rules_amount allowance;
    bool has_cap, has_lock;
    dec_t cap;               /* I + cap is the highest it gets */
    dec_t lock_when, lock_at;/* anchor >= I + lock_when: at least I + lock_at */
};

/* --- P2 open loss, P3 exposure --------------------------------------------------------------------- */

enum rules_group { RULES_GROUP_POSITION, RULES_GROUP_IDEA, RULES_GROUP_SYMBOL, RULES_GROUP_ACCOUNT };
enum rules_over { RULES_GT, RULES_GE }; /* breach when loss or share > limit, or >= limit */
struct rules_loss {
    struct rules_head head;
    uint32_t group, over;
    struct rules_amount limit;
    int32_t window_s;        /* IDEA: a re-entry of the same side this long (inclusive) after a losing leg is the same idea */
    bool floating_only;      /* realised losses of the group do not count */
    bool highest_stop;       /* the widest stop ever set counts */
};

enum rules_counted {
    RULES_LOTS_PER_ORDER, RULES_LOTS_OPEN, RULES_LOTS_PER_SIDE /* open + working */, RULES_LOTS_PER_DAY /* opened + carried */,
    RULES_POSITIONS_SYMBOL, RULES_POSITIONS_TOTAL, RULES_MARGIN_SHARE /* of equity */,
};
struct rules_exposure {
    struct rules_head head;
    uint32_t counted;
    uint32_t instruments;    /* bit i: it counts instrument i */
    struct rules_amount limit;   /* ABS or TIERED; MARGIN_SHARE: ABS, a fraction */
    dec_t weight[RULES_INSTRUMENTS_MAX]; /* of one lot: mini 1, micro 0.1 */
};

/* --- P4 windows, P5 hold time, P6 rates -------------------------------------------------------------- */

enum rules_action { /* bits */
    RULES_OPEN = 1, RULES_INCREASE = 2, RULES_CLOSE = 4, RULES_FILL = 8 /* of stop or target */, RULES_HOLD = 16, RULES_CANCEL = 32,
};
enum rules_window_kind {
    RULES_NEWS,              /* around events of the calendar that name the instrument */
    RULES_DAILY_SPAN,        /* from_s..to_s of each local day in `zone`: session, flat-by */
    RULES_MARKET_CLOSE,      /* the last before_s before a close that lasts at least closed_s; HOLD: over it */
    RULES_PAYOUT_PENDING,
};
struct rules_window {
    struct rules_head head;
    uint32_t kind, forbids;
    uint32_t instruments;
    uint32_t zone;           /* DAILY_SPAN: index of fleet_config.zones */
    int32_t from_s, to_s;    /* DAILY_SPAN: [from, to), over midnight when from > to */
    int32_t before_s, after_s; /* NEWS: both ends inclusive; MARKET_CLOSE: before_s */
    int32_t closed_s;        /* MARKET_CLOSE */
    int32_t hold_if_opened_before_s; /* NEWS that VOIDs a profit: positions opened more than this before the event may be closed
                                inside; 0: none may. Of another severity: they may be held through, no more */
    int32_t lead_s;          /* ours: flattening begins this long before a window that forbids HOLD */
    bool cancel_pendings;
    uint32_t importance;     /* NEWS: of the calendar's events those of at least this; 0: all */
};

enum rules_hold_kind { RULES_MIN_HOLD, RULES_SHARE_OF_TRADES, RULES_SHARE_OF_PROFIT, RULES_MEAN_DURATION };
struct rules_hold {
    struct rules_head head;
    uint32_t kind, over;
    int32_t tau_s;
    bool at_least;           /* SHARE: the share with duration > tau must exceed (GT) or reach (GE) max_share; else that of
                                the short ones breaches when it exceeds (GT) or reaches (GE) it. MEAN_DURATION: must exceed
                                (GT) or reach (GE) tau */
    dec_t max_share;
};

enum rules_message { RULES_MESSAGES, RULES_ORDERS, RULES_CHANGES, RULES_EXECUTIONS, RULES_WORKING_ORDERS, RULES_MESSAGE_KINDS };
struct rules_rate {
    struct rules_head head;
    uint32_t counted;
    int32_t window_s;        /* rolling; 0: the firm's day (WORKING_ORDERS: at once) */
    uint32_t max;
};

/* --- P7 to P12 ---------------------------------------------------------------------------------------- */

enum rules_days_counted { RULES_DAYS_OPENED, RULES_DAYS_TRADED, RULES_DAYS_PROFIT };
enum rules_denominator { RULES_NET, RULES_POSITIVE_DAYS };
struct rules_shape {
    struct rules_head head;  /* id empty: the firm has none */
    struct rules_amount target;      /* profit on balance; value 0: none */
    bool target_flat;
    uint32_t min_days, days_counted;
    struct rules_amount day_profit;  /* DAYS_PROFIT: closed profit that makes a day count */
    bool has_best_day, best_day_strict;
    uint32_t best_day_denominator;
    dec_t best_day_max;
    dec_t daily_profit_cap;  /* 0: none */
};
struct rules_stop {
    struct rules_head head;
    bool required;
    int32_t within_s;        /* 0: at once */
    dec_t max_stop_to_target; /* 0: any */
};
struct rules_direction {
    struct rules_head head;
    bool opposite_refused;   /* in one account: same instrument or one of its group */
    uint32_t group_count;
    uint32_t groups[RULES_GROUPS_MAX]; /* bit masks of instruments that move together */
    uint32_t adds_to_loser_max;        /* positions on the losing side and instrument; 0: any */
    bool no_larger_after_loss;
};
enum rules_copy { RULES_COPY_OWN, RULES_COPY_OWN_CHALLENGE_ONLY, RULES_COPY_NOT_EVAL_TO_EVAL, RULES_COPY_EXCLUSIVE_SYMBOL,
                  RULES_COPY_SPACED, RULES_COPY_INDEPENDENT };
struct rules_cross {
    struct rules_head head;
    bool opposite_firm, opposite_all;  /* refused between accounts of this firm; of the owner at any firm */
    uint32_t copy;
    int32_t spacing_s;       /* SPACED: the second account this long (inclusive) after the first at most */
    dec_t capital_cap;       /* 0: none; initial balances of the owner's accounts at the firm */
    dec_t identical_cap;     /* 0: none; above it no identical trades */
    bool strategy_exclusive; /* the strategy at no other firm */
    uint32_t accounts_max;   /* 0: any */
};
enum rules_automation { RULES_AUTOMATION_ALLOWED, RULES_OWN, RULES_OWN_WITH_PROOF, RULES_OWN_SOURCE_SHARED, RULES_APPROVAL,
                        RULES_OWN_ATTENDED, RULES_MANUAL_ONLY };
enum rules_mode { RULES_AUTO_UNATTENDED, RULES_AUTO_OWN_PROOF, RULES_AUTO_ATTENDED, RULES_MANUAL }; /* how we trade */
enum rules_host { RULES_HOST_OWN_DEVICE, RULES_HOST_SERVER, RULES_HOST_VPS, RULES_HOST_VPN, RULES_HOST_REMOTE };
struct rules_conduct {
    struct rules_head head;
    uint32_t automation;
    uint32_t hosts_refused;  /* bit: enum rules_host */
    bool automated_flag;     /* orders must carry it */
};
enum rules_stage { RULES_STAGE_EVAL, RULES_STAGE_FUNDED };
struct rules_life {
    struct rules_head head;
    uint32_t stage;
    uint32_t inactivity_days, inactivity_warn_days; /* 0: none */
    bool payout_freeze;
};

/* --- the guard: ours, never the firm's; it may only be stricter -------------------------------------------- */

struct rules_guard {
    dec_t fixed_abs, fixed_fraction;   /* added to b_flat: money, share of I */
    dec_t warn_fraction;               /* b_warn: share of the nearest floor's allowance */
    uint32_t slip_ticks, slip_ticks_news, slip_ticks_rollover;
    dec_t gap_fraction;                /* of the price: the distance charged when held over a market close */
    dec_t velocity_ticks_s;            /* how fast the market runs away while we close */
    int32_t latency_ms;
    int32_t lookahead_s;               /* before a boundary the next day's floor counts too */
    int32_t block_s, blind_s;          /* age of the last confirmed equity */
    bool require_stop;
    dec_t haircut;                     /* on conversion into the account currency */
};

struct rules_day {
    uint32_t zone;           /* index of fleet_config.zones */
    int32_t at_s;            /* second of the local day */
};

struct rules_set {
    uint32_t day_count, source_count;
    struct rules_day days[RULES_DAYS_MAX];
    struct rules_source sources[RULES_SOURCES_MAX];
    char verified[12];       /* 2026-11-22 */
    int32_t verified_day;    /* days since 1970-01-01 */
    uint32_t max_age_days;
    uint32_t floor_count, loss_count, exposure_count, window_count, hold_count, rate_count;
    struct rules_floor floors[RULES_FLOORS_MAX];
    struct rules_loss losses[RULES_LOSSES_MAX];
    struct rules_exposure exposures[RULES_EXPOSURES_MAX];
    struct rules_window windows[RULES_WINDOWS_MAX];
    struct rules_hold holds[RULES_HOLDS_MAX];
    struct rules_rate rates[RULES_RATES_MAX];
    struct rules_shape shape;
    struct rules_stop stop;
    struct rules_direction direction;
    struct rules_cross cross;
    struct rules_conduct conduct;
    struct rules_life life;
    struct rules_guard guard;
    uint64_t digest;         /* of the rule file: in every audit record */
};

/* --- the calendar: one release that moves a market -------------------------------------------------------- */

struct rules_event {
    int64_t time_ns;
    uint32_t instruments;    /* bit i; never 0 */
    uint32_t importance;     /* 1 low .. 3 high */
};

#endif
