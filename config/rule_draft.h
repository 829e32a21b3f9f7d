/* rule_draft: a file of config/firms as it was read: what is common (`base`), and for each phase what is added or
 * replaced. rule_compile.h makes the compiled form (rules.h) of it.
 *
 * Each list holds more elements than the compiled array: the other readings of a disputed rule stand behind it, as
 * elements of their own.
 */
#ifndef PROPFLEET_CONFIG_RULE_DRAFT_H
#define PROPFLEET_CONFIG_RULE_DRAFT_H

#include "config/schema.h"

#define DRAFT_PHASES_MAX 8
#define DRAFT_SRC_MAX 6      /* sources of one rule */
#define DRAFT_READINGS_MAX 2 /* others of one rule */
#define DRAFT_RULES_MAX 10   /* in one list of one phase, other readings counted */
#define DRAFT_WEIGHTS_MAX 4
#define DRAFT_DROP_MAX 8

enum draft_hedge { DRAFT_HEDGE_ALLOWED, DRAFT_HEDGE_REFUSED, DRAFT_HEDGE_UNKNOWN };
enum draft_resolve { DRAFT_STRICTEST, DRAFT_OFFICIAL };

struct draft_head { /* first in every rule */
    char id[RULES_NAME_MAX];
    uint32_t source_count, confidence, severity, resolve;
    struct schema_reference sources[DRAFT_SRC_MAX];
    bool has_confidence, has_severity, optional;
    uint32_t reading; /* 0: the firm's own; n: the n-th other one */
    struct place place;
};

struct draft_amount { /* exactly one of them */
    dec_t abs, frac_initial, frac_anchor, frac_sod_profit, frac_daily, floor_of;
    bool has_abs, has_frac_initial, has_frac_anchor, has_frac_sod_profit, has_frac_daily;
    uint32_t basis, tier_count;
    struct rules_tier tiers[RULES_TIERS_MAX];
};

struct draft_lock {
    dec_t when, at;
};

struct draft_floor {
    struct draft_head head;
    struct rules_floor c;
    bool has_kind;
    struct draft_amount allowance;
    struct draft_lock lock;
};
struct draft_loss {
    struct draft_head head;
    struct rules_loss c;
    struct draft_amount limit;
};
struct draft_weight {
    struct schema_symbols symbols;
    dec_t weight;
    struct place place;
};
struct draft_exposure {
    struct draft_head head;
    struct rules_exposure c;
    struct draft_amount limit;
    struct schema_symbols symbols;
    uint32_t classes, weight_count;
    struct draft_weight weights[DRAFT_WEIGHTS_MAX];
};
struct draft_window {
    struct draft_head head;
    struct rules_window c;
    struct schema_symbols symbols;
    uint32_t classes;
    bool has_zone, has_from, has_to;
};
struct draft_hold {
    struct draft_head head;
    struct rules_hold c;
};
struct draft_rate {
    struct draft_head head;
    struct rules_rate c;
};
struct draft_best_day {
    dec_t max;
    bool strict;
    uint32_t denominator;
};
struct draft_shape {
    struct draft_head head;
    struct rules_shape c;
    struct draft_amount target, day_profit;
    bool has_target, has_day_profit, has_best_day;
    struct draft_best_day best_day;
};
struct draft_stop {
    struct draft_head head;
    struct rules_stop c;
};
struct draft_group {
    struct schema_symbols symbols;
    struct place place;
};
struct draft_direction {
    struct draft_head head;
    struct rules_direction c;
    uint32_t hedge, group_count;
    struct draft_group groups[RULES_GROUPS_MAX];
};
struct draft_cross {
    struct draft_head head;
    struct rules_cross c;
};
struct draft_conduct {
    struct draft_head head;
    struct rules_conduct c;
};
struct draft_life {
    struct draft_head head;
    struct rules_life c;
};
struct draft_guard {
    struct rules_guard c;
    int64_t latency_ns;
};

struct draft_rules { /* of `base`, or of one phase */
    uint32_t floor_count, loss_count, exposure_count, window_count, hold_count, rate_count;
    struct draft_floor floors[DRAFT_RULES_MAX];
    struct draft_loss losses[DRAFT_RULES_MAX];
    struct draft_exposure exposures[DRAFT_RULES_MAX];
    struct draft_window windows[DRAFT_RULES_MAX];
    struct draft_hold holds[DRAFT_RULES_MAX];
    struct draft_rate rates[DRAFT_RULES_MAX];
    bool has_shape, has_stop, has_direction, has_cross, has_conduct, has_life, has_guard;
    struct draft_shape shape;
    struct draft_stop stop;
    struct draft_direction direction;
    struct draft_cross cross;
    struct draft_conduct conduct;
    struct draft_life life;
    struct draft_guard guard;
};

struct draft_phase {
    char name[CONFIG_NAME_MAX]; /* first: the name of a map's element */
    struct draft_rules rules;
    uint32_t stage, drop_count;
    struct schema_reference inherits, drop[DRAFT_DROP_MAX];
    bool has_initial;
    dec_t initial;
    struct place place;
};

struct draft_source {
    char name[CONFIG_NAME_MAX]; /* first */
    uint32_t kind;
    char url[sizeof((struct rules_source *)0)->url], date[sizeof((struct rules_source *)0)->date];
    char note[128];
    struct place place;
};

struct draft_day {
    uint32_t zone;
    int32_t at_s;
    struct place place;
};

struct draft_programme {
    uint32_t config_version;
    char firm[CONFIG_NAME_MAX], name[CONFIG_NAME_MAX], verified[12], how[128];
    uint32_t max_age_days, size_count, source_count, alt_day_count, phase_count;
    dec_t sizes[CONFIG_SIZES_MAX];
    struct draft_source sources[RULES_SOURCES_MAX];
    struct draft_day day, alt_days[RULES_DAYS_MAX - 1];
    struct draft_rules base;
    struct draft_phase phases[DRAFT_PHASES_MAX];
    char unknown[CONFIG_UNKNOWN_MAX];
    uint64_t digest; /* of the file's bytes */
    struct place place;
};

extern const struct schema_table table_programme;

/* The words of the tables, for those who print rules: NULL at the end. */
extern const char *const rule_anchor_names[], *const rule_source_kinds[];

#endif
