/* check: is a compiled configuration what it says it is? Every count, index, string, enum and
 * number that a reader divides by, allocates from or loops over. What comes here was written by
 * another process, so nothing is believed: a bool is looked at as a byte, a double for being
 * finite, a string for its end.
 */
#include "config/config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config/check_rules.h"
#include "config/digest.h"
#include "shm/history.h"
#include "shm/ring.h"

struct check {
    const struct fleet_config *config;
    struct error *err;
    char where[48]; /* "accounts[3]" */
};

static bool check_refuse(const struct check *c, const char *field, const char *problem)
{
    error_set(c->err, EINVAL, "compiled configuration: %s%s%s: %s", c->where, c->where[0] ? "." : "", field, problem);
    return false;
}

static bool check_text(const struct check *c, const char *field, const char *text, size_t size)
{
    return memchr(text, 0, size) != NULL || check_refuse(c, field, "text has no end");
}

static bool check_name(const struct check *c, const char *field, const char *text, size_t size)
{
    return check_text(c, field, text, size) && (text[0] != 0 || check_refuse(c, field, "empty"));
}

static bool check_path(const struct check *c, const char *field, const char *text, size_t size)
{
    return check_text(c, field, text, size) && (text[0] == '/' || check_refuse(c, field, "not an absolute path"));
}

static bool check_index(const struct check *c, const char *field, uint32_t value, uint32_t count)
{
    return value < count || check_refuse(c, field, "index out of range");
}

static bool check_count(const struct check *c, const char *field, uint32_t value, uint32_t maximum)
{
    return value <= maximum || check_refuse(c, field, "count out of range");
}

static bool check_enum(const struct check *c, const char *field, uint32_t value, uint32_t last)
{
    return value <= last || check_refuse(c, field, "no such value");
}

static bool check_bool(const struct check *c, const char *field, const bool *value)
{
    unsigned char byte;
    memcpy(&byte, value, 1);
    return byte <= 1 || check_refuse(c, field, "neither true nor false");
}

static bool check_number(const struct check *c, const char *field, int64_t value, int64_t low, int64_t high)
{
    return (value >= low && value <= high) || check_refuse(c, field, "number out of range");
}

static bool check_real(const struct check *c, const char *field, double value, double low, double high)
{
    return (isfinite(value) && value >= low && value <= high) || check_refuse(c, field, "number out of range");
}

#define TEXT(object, field) check_text(c, #field, (object)->field, sizeof(object)->field)
#define NAME(object, field) check_name(c, #field, (object)->field, sizeof(object)->field)
#define PATH(object, field) check_path(c, #field, (object)->field, sizeof(object)->field)
#define INDEX(object, field, count) check_index(c, #field, (object)->field, count)
#define ENUM(object, field, last) check_enum(c, #field, (object)->field, last)
#define BOOL(object, field) check_bool(c, #field, &(object)->field)
#define NUMBER(object, field, low, high) check_number(c, #field, (int64_t)(object)->field, low, high)
#define REAL(object, field, low, high) check_real(c, #field, (object)->field, low, high)
#define DAY_S 86399
#define U32 ((int64_t)UINT32_MAX)

static bool power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool check_header(const struct check *c, size_t size_bytes)
{
    const struct fleet_config *f = c->config;
    if (size_bytes != sizeof *f)
        return check_refuse(c, "size_bytes", "not the size of this program's configuration");
    if (f->magic != CONFIG_MAGIC)
        return check_refuse(c, "magic", "not a compiled configuration");
    if (f->version != CONFIG_VERSION)
        return check_refuse(c, "version", "made by another version of propfleet");
    return f->size_bytes == sizeof *f || check_refuse(c, "size_bytes", "not the size of this program's configuration");
}

static bool check_counts(const struct check *c)
{
    const struct fleet_config *f = c->config;
    return check_count(c, "zone_count", f->zone_count, CONFIG_ZONES_MAX) &&
           check_count(c, "instrument_count", f->instrument_count, CONFIG_INSTRUMENTS_MAX) &&
           check_count(c, "programme_count", f->programme_count, CONFIG_PROGRAMMES_MAX) &&
           check_count(c, "personality_count", f->personality_count, CONFIG_PERSONALITIES_MAX) &&
           check_count(c, "account_count", f->account_count, CONFIG_ACCOUNTS_MAX);
}

static bool check_fleet(const struct check *c)
{
    const struct fleet_config *f = c->config;
    return TEXT(f, owner) && PATH(f, config_dir) && PATH(f, state_dir) && PATH(f, runtime_dir) &&
           TEXT(f, tzdata_version) && NUMBER(f, log_json, 0, 1) && NUMBER(f, log_level, 0, 3) &&
           ENUM(f, host, RULES_HOST_REMOTE) && ENUM(f, mode, RULES_MANUAL) && INDEX(f, swap_zone, f->zone_count) && NUMBER(f, swap_second, 0, DAY_S);
}

static bool check_feed(const struct check *c)
{
    const struct config_feed *f = &c->config->feed;
    if (!(ENUM(f, source, SOURCE_DATASET) && TEXT(f, source_name) && REAL(f, speed, 0, 1e9) && BOOL(f, live) &&
          BOOL(f, exit_at_end) && BOOL(f, bad_rows_fatal) && NUMBER(f, from_ns, 0, INT64_MAX) &&
          NUMBER(f, to_ns, 0, INT64_MAX)))
        return false;
    if (f->to_ns != 0 && f->to_ns <= f->from_ns)
        return check_refuse(c, "to_ns", "not after from_ns");
    if (!power_of_two(f->ring_slots))
        return check_refuse(c, "ring_slots", "not a power of two");
    if (!power_of_two(f->history_bars))
        return check_refuse(c, "history_bars", "not a power of two");
    return NUMBER(f, ring_slots, RING_SLOTS_MIN, RING_SLOTS_MAX) &&
           NUMBER(f, history_bars, HISTORY_CAPACITY_MIN, HISTORY_CAPACITY_MAX) &&
           ENUM(f, sim_timeframe, TIMEFRAME_H1) && NUMBER(f, sim_start_ns, 0, INT64_MAX) && BOOL(f, sim_quotes) &&
           INDEX(f, day_zone, c->config->zone_count) && NUMBER(f, day_start_s, 0, DAY_S);
}

static bool check_coordination(const struct check *c)
{
    const struct config_coordination *f = &c->config->coordination;
    return NUMBER(f, joint_risk_fraction, 0, DEC_ONE) && NUMBER(f, permit_validity_ns, 1, INT64_MAX) &&
           NUMBER(f, round_timeout_ns, 1, INT64_MAX) && NUMBER(f, request_timeout_ns, 1, INT64_MAX);
}

static bool check_store(const struct check *c)
{
    const struct config_store *f = &c->config->store;
    return NUMBER(f, map_bytes, 65536, INT64_MAX) && NUMBER(f, reserve_bytes, 0, INT64_MAX);
}

static bool check_supervisor(const struct check *c)
{
    const struct config_supervisor *f = &c->config->supervisor;
    return NUMBER(f, start_deadline_ns, 1, INT64_MAX) && NUMBER(f, ready_deadline_ns, 1, INT64_MAX) &&
           NUMBER(f, stop_deadline_ns, 1, INT64_MAX) && NUMBER(f, abort_grace_ns, 1, INT64_MAX) &&
           NUMBER(f, heartbeat_timeout_ns, 1, INT64_MAX) && NUMBER(f, sync_timeout_ns, 1, INT64_MAX) &&
           NUMBER(f, ping_interval_ns, 1, INT64_MAX) && NUMBER(f, ping_timeout_ns, 1, INT64_MAX) &&
           NUMBER(f, backoff_first_ns, 0, INT64_MAX) && NUMBER(f, backoff_max_ns, 1, INT64_MAX) &&
           NUMBER(f, deaths_max, 1, U32) && NUMBER(f, death_window_ns, 1, INT64_MAX) &&
           NUMBER(f, storm_deaths_max, 1, U32) && NUMBER(f, storm_window_ns, 1, INT64_MAX) &&
           NUMBER(f, storm_hold_ns, 0, INT64_MAX) && NUMBER(f, log_bytes_per_turn, 1, U32) &&
           NUMBER(f, log_queue_bytes, 1, U32) && TEXT(f, alert_command) && NUMBER(f, alert_repeat_ns, 1, INT64_MAX);
}

static bool check_zone(const struct check *c, const struct tz_table *zone)
{
    if (!NAME(zone, name) || !check_count(c, "transition_count", zone->transition_count, TZ_TRANSITIONS_MAX) ||
        !NUMBER(zone, first_offset_s, -DAY_S, DAY_S))
        return false;
    for (uint32_t i = 0; i < zone->transition_count; i++) {
        if (i > 0 && zone->at_s[i] <= zone->at_s[i - 1])
            return check_refuse(c, "at_s", "transitions are not in order");
        if (!NUMBER(zone, offset_s[i], -DAY_S, DAY_S))
            return false;
    }
    return true;
}

static bool check_instrument_trading(const struct check *c, const struct config_instrument *f)
{
    return NAME(f, symbol) && ENUM(f, asset_class, ASSET_FUTURE) && NUMBER(f, tick, 1, DEC_MAX) &&
           NUMBER(f, contract_size, 1, DEC_MAX) && NAME(f, profit_currency) && NUMBER(f, lot_min, 1, DEC_MAX) &&
           NUMBER(f, lot_step, 1, DEC_MAX) && NUMBER(f, lot_max, f->lot_min, DEC_MAX) &&
           NUMBER(f, commission_per_lot, 0, DEC_MAX) && NUMBER(f, swap_long_points, -DEC_MAX, DEC_MAX) &&
           NUMBER(f, swap_short_points, -DEC_MAX, DEC_MAX) && NUMBER(f, triple_swap_weekday, 0, 6) &&
           NUMBER(f, margin_rate, 1, DEC_ONE) && NUMBER(f, stop_level_ticks, 0, DEC_MAX) &&
           NUMBER(f, spread_ticks, 0, DEC_MAX) && NUMBER(f, level_size_lots, 1, DEC_MAX) &&
           NUMBER(f, catastrophic_move, 1, DEC_ONE) && INDEX(f, session_zone, c->config->zone_count) &&
           NUMBER(f, session_open_s, 0, DAY_S) && NUMBER(f, session_close_s, 0, DAY_S) && BOOL(f, closed_weekend);
}

static bool check_instrument_source(const struct check *c, const struct config_instrument *f)
{
    if (!(BOOL(f, active) && NUMBER(f, timeframes, 0, (1 << TIMEFRAME_COUNT) - 1) && BOOL(f, conversion_inverse) &&
          NUMBER(f, sim_start_price, 0, DEC_MAX) && REAL(f, sim_volatility_year, 0, 100) &&
          REAL(f, sim_loading[0], -1, 1) && REAL(f, sim_loading[1], -1, 1) && REAL(f, sim_loading[2], -1, 1) &&
          REAL(f, sim_jumps_year, 0, 1e6) && ENUM(f, file_kind, FILE_TICKS) &&
          ENUM(f, file_timeframe, TIMEFRAME_COUNT - 1) && ENUM(f, price_kind, PRICE_LAST) &&
          ENUM(f, volume_kind, VOLUME_NONE) && TEXT(f, file_path) && TEXT(f, spread_path) &&
          NUMBER(f, file_from_ns, 0, INT64_MAX) && NUMBER(f, file_to_ns, 0, INT64_MAX)))
        return false;
    if (f->conversion_instrument != CONFIG_NONE && !INDEX(f, conversion_instrument, c->config->instrument_count))
        return false;
    if (!f->active)
        return true;
    if (f->timeframes == 0)
        return check_refuse(c, "timeframes", "active, but no timeframe is built");
    if (c->config->feed.source == SOURCE_SIMULATOR)
        return NUMBER(f, sim_start_price, 1, DEC_MAX);
    return NUMBER(f, file_kind, FILE_BARS, FILE_TICKS) && PATH(f, file_path);
}

static bool check_floor(struct check *c, const struct config_floor *f)
{
    return NAME(f, id) && ENUM(f, kind, FLOOR_TOTAL) && ENUM(f, anchor, ANCHOR_DAY_PEAK) &&
           ENUM(f, breach, BREACH_LE) && ENUM(f, effect, EFFECT_PAUSE) && NUMBER(f, allowance_abs, 0, DEC_MAX) &&
           NUMBER(f, allowance_fraction, f->allowance_abs > 0 ? 0 : 1, DEC_ONE) && BOOL(f, allowance_of_anchor) &&
           BOOL(f, has_cap) && NUMBER(f, cap_offset, -DEC_MAX, DEC_MAX);
}

static bool check_programme(struct check *c, const struct config_programme *f, uint32_t index)
{
    if (!(NAME(f, firm) && NAME(f, name) && NAME(f, phase) && TEXT(f, options) && TEXT(f, unknown) &&
          check_count(c, "size_count", f->size_count, CONFIG_SIZES_MAX) && BOOL(f, has_initial) &&
          NUMBER(f, initial, 0, DEC_MAX) && BOOL(f, expired) && INDEX(f, zone, c->config->zone_count) &&
          NUMBER(f, day_start_s, 0, DAY_S) && check_count(c, "floor_count", f->floor_count, CONFIG_FLOORS_MAX) &&
          BOOL(f, opposite_refused) && NUMBER(f, buffer_fraction, 0, DEC_ONE) && NUMBER(f, lots_per_order_max, 0, DEC_MAX)))
        return false;
    for (uint32_t i = 0; i < f->floor_count; i++) {
        snprintf(c->where, sizeof c->where, "programmes[%u].floors[%u]", index, i);
        if (!check_floor(c, &f->floors[i]))
            return false;
    }
    snprintf(c->where, sizeof c->where, "programmes[%u].rules", index);
    const char *problem = NULL;
    const char *field = config_check_rules(&f->rules, c->config->zone_count, c->config->instrument_count, &problem);
    return field == NULL || check_refuse(c, field, problem);
}

static bool check_personality(const struct check *c, const struct config_personality *f)
{
    if (!(NAME(f, name) && ENUM(f, timeframe, TIMEFRAME_COUNT - 1) && NUMBER(f, lookback, 5, 200) &&
          NUMBER(f, atr_period, 2, 100) && REAL(f, buffer_atr, 0, 100) && REAL(f, range_max_atr, 0, 1000) &&
          REAL(f, stop_atr, 0.01, 100) && REAL(f, target_r, 0.01, 100) && NUMBER(f, time_stop_ns, 1, INT64_MAX) &&
          NUMBER(f, risk_fraction, 1, DEC_ONE) && NUMBER(f, risk_cap, 1, DEC_ONE) && NUMBER(f, margin_per_position, 1, DEC_ONE) &&
          NUMBER(f, margin_total, 1, DEC_ONE) && NUMBER(f, open_risk_max, 1, DEC_ONE) && NUMBER(f, day_risk_share, 1, DEC_ONE) &&
          ENUM(f, confidence_mode, CONFIDENCE_CALIBRATED) && TEXT(f, risk_override) && NUMBER(f, positions_max, 1, U32) &&
          NUMBER(f, cooldown_bars, 0, U32) && ENUM(f, direction, DIRECTION_SHORT) &&
          NUMBER(f, session_from_s, 0, DAY_S) && NUMBER(f, session_to_s, 0, DAY_S) &&
          NUMBER(f, instruments, 0, (INT64_C(1) << c->config->instrument_count) - 1)))
        return false;
    for (uint32_t i = 0; i < c->config->instrument_count; i++)
        if (f->instruments >> i & 1 && !c->config->instruments[i].active)
            return check_refuse(c, "instruments", "names an inactive instrument");
    return true;
}

static bool check_account(const struct check *c, const struct config_account *f)
{
    const struct config_paper *p = &f->paper;
    if (!TEXT(f, name))
        return false;
    if (f->name[0] == 0)
        return true; /* a hole */
    if (!(INDEX(f, programme, c->config->programme_count) && INDEX(f, personality, c->config->personality_count) &&
          NUMBER(f, initial_balance, 1, DEC_MAX) && NAME(f, currency) && ENUM(f, durability, DURABILITY_POWER) &&
          ENUM(f, after_crash, AFTER_CRASH_FLATTEN) && BOOL(f, observe_only)))
        return false;
    if (c->config->personalities[f->personality].instruments == 0)
        return check_refuse(c, "personality", "has no instrument");
    return ENUM(p, profile, FILL_IDEAL) && NUMBER(p, latency_in_ns, 0, INT64_MAX) &&
           NUMBER(p, latency_out_ns, 0, INT64_MAX) && NUMBER(p, latency_p99_ns, 0, INT64_MAX) &&
           REAL(p, slippage_spread_k, 0, 100) && REAL(p, touch_fill_probability, 0, 1) &&
           REAL(p, reject_probability, 0, 1) && NUMBER(p, stale_ns, 1, INT64_MAX);
}

static bool check_account_unique(const struct check *c, uint32_t index)
{
    const struct fleet_config *f = c->config;
    for (uint32_t i = 0; i < index; i++)
        if (f->accounts[index].name[0] != 0 && strcmp(f->accounts[i].name, f->accounts[index].name) == 0)
            return check_refuse(c, "name", "twice");
    return true;
}

static const struct {
    const char *name;
    bool (*check)(const struct check *c);
} sections[] = {
    {"feed", check_feed},
    {"coordination", check_coordination},
    {"store", check_store},
    {"supervisor", check_supervisor},
};

#define EACH(array, count, call)                                                                                       \
    for (uint32_t i = 0; i < f->count; i++) {                                                                          \
        snprintf(c.where, sizeof c.where, #array "[%u]", i);                                                           \
        if (!(call))                                                                                                   \
            return -EINVAL;                                                                                            \
    }                                                                                                                  \
    c.where[0] = 0

int config_check(const struct fleet_config *config, size_t size_bytes, struct error *err)
{
    const struct fleet_config *f = config;
    struct check c = {.config = config, .err = err};
    if (!(check_header(&c, size_bytes) && check_counts(&c) && check_fleet(&c)))
        return -EINVAL;
    EACH(zones, zone_count, check_zone(&c, &f->zones[i]));
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        snprintf(c.where, sizeof c.where, "%s", sections[i].name);
        if (!sections[i].check(&c))
            return -EINVAL;
    }
    EACH(instruments, instrument_count,
         check_instrument_trading(&c, &f->instruments[i]) && check_instrument_source(&c, &f->instruments[i]));
    EACH(programmes, programme_count, check_programme(&c, &f->programmes[i], i));
    EACH(personalities, personality_count, check_personality(&c, &f->personalities[i]));
    EACH(accounts, account_count, check_account(&c, &f->accounts[i]) && check_account_unique(&c, i));
    if (f->digest != config_digest(f))
        return check_refuse(&c, "digest", "the content does not match it"), -EINVAL;
    return 0;
}
