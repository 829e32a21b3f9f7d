/* config: the compiled configuration. One flat struct, no pointers, in a sealed memfd; the calendar's events behind it.
 *
 * The YAML is parsed by a process of its own (propfleet-config, or `propfleet check`), which
 * resolves names to indices, zones to tables and percentages to decimals, and writes this struct.
 * The supervisor and every child map the same bytes read-only: no child parses YAML, and the
 * supervisor compares digests to see what a reload changes.
 *
 * Indices: an account's index is its place in the sorted list of account names at the first
 * start; config_merge keeps the index of an account that stays over a reload, a removed account
 * leaves a hole (name[0] == 0). Fractions are dec_t (0.05 is 5 %), money is dec_t in the account's
 * currency, durations are ns unless the name says otherwise.
 */
#ifndef PROPFLEET_CONFIG_CONFIG_H
#define PROPFLEET_CONFIG_CONFIG_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/hours.h"
#include "base/tz.h"
#include "config/rules.h"
#include "shm/market.h"

struct error;

#define CONFIG_MAGIC UINT64_C(0x31676663746c6670) /* "pfltcfg1" */
#define CONFIG_VERSION 2u
#define CONFIG_ACCOUNTS_MAX 32
#define CONFIG_INSTRUMENTS_MAX 16
#define CONFIG_PROGRAMMES_MAX 64 /* phases of programmes */
#define CONFIG_PERSONALITIES_MAX 32
#define CONFIG_ZONES_MAX 16
#define CONFIG_FLOORS_MAX 6
#define CONFIG_NAME_MAX 32
#define CONFIG_UNKNOWN_MAX 640
#define CONFIG_SIZES_MAX 16
#define CONFIG_PATH_MAX 256
#define CONFIG_NONE UINT32_MAX

enum config_source { SOURCE_SIMULATOR, SOURCE_DATASET };
enum config_volume_kind { VOLUME_EXCHANGE, VOLUME_TICK, VOLUME_NONE };
enum config_price_kind { PRICE_BID, PRICE_MID, PRICE_LAST };
enum config_file_kind { FILE_NONE, FILE_BARS, FILE_TICKS };
enum config_asset_class { ASSET_FX, ASSET_METAL, ASSET_INDEX, ASSET_CRYPTO, ASSET_FUTURE };

struct config_instrument {
    char symbol[CONFIG_NAME_MAX];
    uint32_t asset_class; /* enum config_asset_class */
    dec_t tick;           /* smallest price step */
    dec_t contract_size;  /* units of the base for one lot */
    char profit_currency[4];
    dec_t lot_min, lot_step, lot_max;
    dec_t commission_per_lot;                  /* a side, in account currency */
    dec_t swap_long_points, swap_short_points; /* ticks a night for one position; may be negative */
    uint32_t triple_swap_weekday;              /* 0 Sunday .. 6: the night that counts three times */
    dec_t margin_rate;                         /* margin = notional * rate */
    dec_t stop_level_ticks;                    /* smallest distance of a stop from the price */
    dec_t spread_ticks;                        /* modelled base spread */
    dec_t level_size_lots;                     /* lots quoted at the first level of the ladder */
    dec_t catastrophic_move;                   /* share of the price charged where no stop is known */
    uint32_t session_zone;                     /* index of the zone of the times below */
    int32_t session_open_s, session_close_s;   /* daily break: closed from close to open; equal: none */
    bool active;                               /* the fleet's source carries it; inactive ones keep their index */
    uint32_t timeframes;                       /* bit i: bars of enum market_timeframe i are built (active ones) */
    bool closed_weekend;                       /* Friday session_close to Sunday session_open (local) */
    uint32_t conversion_instrument;            /* rate from profit to account currency; CONFIG_NONE: same currency */
    bool conversion_inverse;                   /* divide by the rate instead of multiplying */
    /* simulator */
    dec_t sim_start_price;
    double sim_volatility_year; /* of log returns */
    double sim_loading[3];      /* loadings on the common factors; the rest is its own */
    double sim_jumps_year;
    /* data set */
    uint32_t file_kind;      /* enum config_file_kind */
    uint32_t file_timeframe; /* of bars */
    uint32_t price_kind, volume_kind;
    char file_path[CONFIG_PATH_MAX];   /* absolute */
    char spread_path[CONFIG_PATH_MAX]; /* empty: no companion */
    int64_t file_from_ns, file_to_ns;  /* rows known outside [from, to) are not read at all; 0: no limit */
};

/* Where a loss floor is anchored (rules.md 2.2, primitive P1). */
enum floor_anchor {
    ANCHOR_INITIAL,
    ANCHOR_SNAP_BALANCE,
    ANCHOR_SNAP_EQUITY,
    ANCHOR_SNAP_MAX,
    ANCHOR_RUN_CLOSED,
    ANCHOR_RUN_EOD_BALANCE,
    ANCHOR_RUN_EOD_MAX,
    ANCHOR_RUN_EQUITY,
    ANCHOR_DAY_PEAK,
};
enum floor_breach { BREACH_LT, BREACH_LE };
enum floor_effect { EFFECT_TERMINATE, EFFECT_PAUSE };
enum floor_kind { FLOOR_DAILY, FLOOR_TOTAL };

struct config_floor {
    char id[CONFIG_NAME_MAX];
    uint32_t kind; /* enum floor_kind: what a refusal calls it */
    uint32_t anchor, breach, effect;
    dec_t allowance_abs;      /* used when > 0 */
    dec_t allowance_fraction; /* of the initial balance otherwise */
    bool allowance_of_anchor; /* the fraction is of the anchor's value, not of the initial balance */
    bool has_cap;
    dec_t cap_offset; /* cap = initial + offset */
};

/* One phase of a programme: an entry for each phase of each file of firms/, and one more for each set of optional rules
 * that accounts have switched on. */
struct config_programme {
    char firm[CONFIG_NAME_MAX], name[CONFIG_NAME_MAX]; /* referred to as firm/name */
    char phase[CONFIG_NAME_MAX];
    char options[64];                 /* optional rules that are in: "dll,mae"; empty: none */
    char unknown[CONFIG_UNKNOWN_MAX]; /* what the firm's text leaves open, one a line; for people */
    uint32_t size_count;
    dec_t sizes[CONFIG_SIZES_MAX]; /* initial balances that the firm offers; none: any */
    bool has_initial;              /* the balance begins at `initial`, not at the account's size */
    dec_t initial;
    bool expired; /* older than max_age_days on the day of this load. Not part of an account's digest:
                     a live account compares rules.verified_day with its clock */
    struct rules_set rules;
    /* The short form of `rules`, for who needs no more: floors without their locks, tiers as their lowest value, one trading
     * day. What binds is `rules`. */
    uint32_t zone;       /* of the trading day */
    int32_t day_start_s; /* second of the local day at which it begins */
    uint32_t floor_count;
    struct config_floor floors[CONFIG_FLOORS_MAX];
    bool opposite_refused;    /* no account against another of this firm on one instrument */
    dec_t buffer_fraction;    /* ours: kept above every floor, of the initial balance */
    dec_t lots_per_order_max; /* 0: no limit */
};
static_assert(CONFIG_FLOORS_MAX == RULES_FLOORS_MAX && CONFIG_NAME_MAX == RULES_NAME_MAX &&
                  CONFIG_INSTRUMENTS_MAX == RULES_INSTRUMENTS_MAX,
              "rules.h stands alone, and agrees");

/* What a personality's confidence in a signal does to its size (quant.md 5.1). NONE: nothing; PROVISIONAL: less below 2/3. */
enum confidence_mode { CONFIDENCE_NONE, CONFIDENCE_PROVISIONAL, CONFIDENCE_PLAN, CONFIDENCE_CALIBRATED };

enum breakout_direction { DIRECTION_BOTH, DIRECTION_LONG, DIRECTION_SHORT };

struct config_personality {
    char name[CONFIG_NAME_MAX];
    uint32_t timeframe;                /* the bars that its detector sees */
    uint32_t lookback;                 /* bars of the range, 5..200 */
    uint32_t atr_period;               /* 2..100 */
    double buffer_atr;                 /* the close must be beyond the range by this many ATR */
    double range_max_atr;              /* a range wider than this many ATR is no range; 0: any */
    double stop_atr;                   /* stop distance */
    double target_r;                   /* target as a multiple of the stop distance */
    int64_t time_stop_ns;              /* market time in the position */
    dec_t risk_fraction;               /* of min(balance, equity) at the stop */
    dec_t risk_cap;                    /* of the same, after all factors */
    dec_t margin_per_position, margin_total; /* of the same, at most */
    dec_t open_risk_max;               /* of the same: all positions at their stops */
    dec_t day_risk_share;              /* of what is left of the day's loss limit, for one entry */
    uint32_t confidence_mode;          /* enum confidence_mode */
    bool scale_by_losses, scale_by_drawdown;
    char risk_override[80];            /* why more than 1% is risked; empty: it is not */
    uint32_t positions_max;            /* open at once */
    uint32_t cooldown_bars;            /* after a signal on the same instrument */
    uint32_t direction;                /* enum breakout_direction */
    int32_t session_from_s, session_to_s; /* UTC seconds of the day in which entries are made; equal: always */
    uint32_t instruments;                 /* bit i: instrument i; active ones only */
};

enum config_durability { DURABILITY_CRASH, DURABILITY_POWER };
enum config_after_crash { AFTER_CRASH_RESUME, AFTER_CRASH_FLATTEN };
enum fill_profile { FILL_DEFAULT, FILL_IDEAL };

struct config_paper {
    uint64_t seed;
    uint32_t profile; /* enum fill_profile; ideal: no spread, latency, slippage, ladder */
    int64_t latency_in_ns, latency_out_ns, latency_p99_ns; /* medians and the 99th percentile of the way in */
    double slippage_spread_k;                              /* residual slippage: max(0, N(0, k * spread)) */
    double touch_fill_probability;                         /* of a limit that is only touched */
    double reject_probability;                             /* fault tests; 0 otherwise */
    int64_t stale_ns;                                      /* quotes older than this fill nothing */
};

struct config_account {
    char name[CONFIG_NAME_MAX]; /* [a-z][a-z0-9-]{0,30}; empty: a hole */
    uint32_t programme, personality;
    dec_t initial_balance;
    char currency[4];
    uint32_t durability, after_crash;
    bool observe_only;
    struct config_paper paper;
    uint64_t digest; /* of all that this account depends on: a change restarts it */
};

struct config_supervisor {
    int64_t start_deadline_ns, ready_deadline_ns, stop_deadline_ns, abort_grace_ns;
    int64_t heartbeat_timeout_ns, sync_timeout_ns, ping_interval_ns, ping_timeout_ns;
    int64_t backoff_first_ns, backoff_max_ns; /* 0 first: immediate restart, then doubling */
    uint32_t deaths_max;                      /* in death_window_ns: FAILED */
    int64_t death_window_ns;
    uint32_t storm_deaths_max; /* over all children in storm_window_ns: hold restarts */
    int64_t storm_window_ns, storm_hold_ns;
    uint32_t log_bytes_per_turn, log_queue_bytes; /* for each child */
    char alert_command[CONFIG_PATH_MAX];          /* empty: none; the alert is JSON on its stdin */
    uint32_t alerts_per_minute;
    int64_t alert_repeat_ns; /* until acknowledged */
};

struct config_feed {
    uint32_t source;                   /* enum config_source */
    char source_name[CONFIG_NAME_MAX]; /* "simulator", or the data set's name: shown to people */
    double speed;                      /* 1 real time, N times, 0: max */
    bool live;                         /* the market waits for nobody; else a replay: lossless */
    bool exit_at_end;
    bool bad_rows_fatal;
    int64_t from_ns, to_ns;            /* span traded: [from, to); earlier rows warm up. 0: all */
    uint32_t warmup_bars;              /* base bars before from_ns that are played as warm-up */
    uint32_t ring_slots, history_bars; /* powers of two */
    uint64_t sim_seed;
    uint32_t sim_timeframe; /* base timeframe of the simulator: M1 */
    int64_t sim_start_ns;
    uint32_t sim_days; /* calendar days; 0: endless */
    bool sim_quotes;   /* also quotes, not only bars */
    uint32_t day_zone; /* zone and second in which H4 and D1 bars begin */
    int32_t day_start_s;
};

struct config_store {
    uint32_t journal_months; /* market months kept; 0: all */
    uint64_t map_bytes;      /* initial size of an environment's map; it grows */
    uint64_t reserve_bytes;  /* room below which entries stop, so that exits can be recorded */
};

struct config_coordination {
    dec_t joint_risk_fraction;  /* of the sum of initial balances: lost if every stop were hit */
    int64_t permit_validity_ns; /* market time */
    int64_t round_timeout_ns;   /* live: a round closes this long after its first proposal */
    int64_t request_timeout_ns; /* live: after it the account rebuilds its socket */
};

#define CONFIG_EVENTS_MAX 65536u   /* of the calendar: about ten years of a full one */
#define CONFIG_CLOSURES_MAX 4096u

/* The calendar. Its arrays lie behind struct fleet_config, in this order, each as long as is needed:
 *   struct rules_event[event_count]        by time; releases that name an instrument
 *   struct hours_closure[closure_count]    by beginning; holidays
 *   struct config_event_text[event_count + closure_count]   the same in words, for people
 * A struct fleet_config whose counts are not 0 is therefore never copied by assignment or sizeof: config_size. */
enum config_calendar_kind { CALENDAR_NONE, CALENDAR_FILE, CALENDAR_DERIVED };
struct config_calendar {
    uint32_t kind;                     /* enum config_calendar_kind */
    uint32_t event_count, closure_count;
    uint32_t left_out;                 /* read, but they name no instrument of this fleet */
    int64_t valid_from_ns, valid_to_ns; /* [from, to): outside there is no calendar; equal: none at all */
    int64_t published_ns;              /* of a file: what it says, else when it was last written; 0: DERIVED */
    uint64_t digest;                   /* of what it says: in every audit record */
    char version[64];                  /* of a file: what it says, may be empty */
    char path[CONFIG_PATH_MAX];        /* of a file */
};
struct config_event_text {
    char name[52];
    char target[12];                   /* currency, symbol or ALL */
};

struct fleet_config {
    uint64_t magic;
    uint32_t version, size_bytes;
    uint64_t digest; /* of everything below */
    char owner[CONFIG_NAME_MAX];
    uint32_t host, mode; /* enum rules_host, rules_mode: from where, and how we trade */
    char config_dir[CONFIG_PATH_MAX], state_dir[CONFIG_PATH_MAX], runtime_dir[CONFIG_PATH_MAX]; /* absolute */
    char tzdata_version[16];
    uint32_t log_json, log_level;
    uint32_t zone_count, instrument_count, programme_count, personality_count, account_count;
    struct config_feed feed;
    struct config_coordination coordination;
    struct config_store store;
    struct config_supervisor supervisor;
    uint32_t swap_zone; /* 17:00 New York */
    int32_t swap_second;
    struct config_instrument instruments[CONFIG_INSTRUMENTS_MAX];
    struct config_programme programmes[CONFIG_PROGRAMMES_MAX];
    struct config_personality personalities[CONFIG_PERSONALITIES_MAX];
    struct config_account accounts[CONFIG_ACCOUNTS_MAX]; /* account_count counts holes too */
    struct tz_table zones[CONFIG_ZONES_MAX];
    struct config_calendar calendar;   /* what it counts follows this struct */
};

#define CONFIG_TAIL_MAX                                                                                                \
    ((sizeof(struct rules_event) + sizeof(struct config_event_text)) * CONFIG_EVENTS_MAX +                             \
     (sizeof(struct hours_closure) + sizeof(struct config_event_text)) * CONFIG_CLOSURES_MAX)
#define CONFIG_BYTES_MAX (sizeof(struct fleet_config) + CONFIG_TAIL_MAX)

/* --- reading a compiled configuration (config/compiled.c, check.c; link nothing but base) ----------- */

/* Map a sealed memfd read-only and check magic, version, size, counts and that every index is in
 * range and every string ends. Returns NULL with err set. */
const struct fleet_config *config_map(int fd, struct error *err);
void config_unmap(const struct fleet_config *config);
/* Bytes of the struct and what follows it. */
size_t config_size(const struct fleet_config *config);
/* The calendar's arrays; config must be one of config_map, or have them behind it. */
const struct rules_event *config_events(const struct fleet_config *config);
const struct hours_closure *config_closures(const struct fleet_config *config);
const struct config_event_text *config_event_texts(const struct fleet_config *config);
/* The checks of config_map on size_bytes bytes that are already in memory: 0, or -EINVAL with the field named. */
int config_check(const struct fleet_config *config, size_t size_bytes, struct error *err);
/* The week of an instrument (index in range). */
static inline struct hours config_hours(const struct fleet_config *config, uint32_t instrument)
{
    const struct config_instrument *in = &config->instruments[instrument];
    return (struct hours){.zone = &config->zones[in->session_zone], .open_s = in->session_open_s,
                          .close_s = in->session_close_s, .closed_weekend = in->closed_weekend};
}
/* Set magic, version, size and digest: the last step of whoever made or changed a struct. */
void config_stamp(struct fleet_config *config);
/* Index of an account by name, CONFIG_NONE when there is none. */
uint32_t config_account_index(const struct fleet_config *config, const char *name);
/* A memfd that holds *config and can never be written again. Returns the descriptor or -errno. */
int config_seal(const struct fleet_config *config, struct error *err);
/* Seal a memfd that another process filled (propfleet-config does), so that config_map takes it. */
int config_seal_fd(int fd, struct error *err);
/* Place next's accounts at the indices that they have in current; new ones take current's holes,
 * then the end (never a place that this very reload frees: its process still stops), and stamp.
 * -E2BIG when there is no room; next is then unchanged. */
int config_merge(const struct fleet_config *current, struct fleet_config *next, struct error *err);

#endif
