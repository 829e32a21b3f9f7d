/* Each primitive's check as a row of numbers with their ranges; nothing is believed (see check.c). */
#include "config/check_rules.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86399
#define SECONDS_MAX (31 * 86400)

#define MASK(bits) (((int64_t)1 << (bits)) - 1)

struct look {
    char field[64]; /* what was refused */
    const char *problem;
    uint32_t zones, instruments;
};

static bool refuse(struct look *c, const char *array, uint32_t index, const char *field, const char *problem)
{
    if (array[0] != 0)
        snprintf(c->field, sizeof c->field, "%s[%u].%s", array, index, field);
    else
        snprintf(c->field, sizeof c->field, "%s", field);
    c->problem = problem;
    return false;
}

static bool number(struct look *c, const char *array, uint32_t index, const char *field, int64_t value, int64_t low,
                   int64_t high)
{
    return (value >= low && value <= high) || refuse(c, array, index, field, "number out of range");
}

static bool flag(struct look *c, const char *array, uint32_t index, const char *field, const bool *value)
{
    unsigned char byte;
    memcpy(&byte, value, 1);
    return byte <= 1 || refuse(c, array, index, field, "neither true nor false");
}

static bool ends(struct look *c, const char *array, uint32_t index, const char *field, const char *text, size_t size)
{
    return memchr(text, 0, size) != NULL || refuse(c, array, index, field, "text has no end");
}

/* In functions with c, array, index and r. */
#define NUMBER(field, low, high) number(c, array, index, #field, (int64_t)r->field, low, high)
#define FLAG(field) flag(c, array, index, #field, &r->field)
#define ENDS(field) ends(c, array, index, #field, r->field, sizeof r->field)

static bool check_head(struct look *c, const char *array, uint32_t index, const struct rules_head *r, bool named)
{
    return ENDS(id) && (!named || r->id[0] != 0 || refuse(c, array, index, "id", "empty")) &&
           NUMBER(sources, 0, MASK(RULES_SOURCES_MAX)) && NUMBER(confidence, 0, RULES_CONFIDENCE_COUNT - 1) &&
           NUMBER(severity, 0, RULES_TERMINATE) && NUMBER(optional, 0, 1);
}

static bool check_amount(struct look *c, const char *array, uint32_t index, const struct rules_amount *r)
{
    if (!(NUMBER(kind, 0, RULES_FRAC_DAILY) && NUMBER(basis, 0, RULES_LIVE_EQUITY) && NUMBER(value, 0, DEC_MAX) &&
          NUMBER(floor_of, 0, DEC_MAX) && NUMBER(tier_count, 0, RULES_TIERS_MAX)))
        return false;
    if ((r->kind == RULES_TIERED) != (r->tier_count > 0))
        return refuse(c, array, index, "tier_count", "does not go with the kind");
    if (r->kind != RULES_ABS && r->kind != RULES_TIERED && r->value > DEC_ONE)
        return refuse(c, array, index, "value", "more than the whole");
    for (uint32_t i = 0; i < r->tier_count; i++)
        if (!NUMBER(tiers[i].from, -DEC_MAX, DEC_MAX) || !NUMBER(tiers[i].value, 0, DEC_MAX))
            return false;
    for (uint32_t i = 1; i < r->tier_count; i++)
        if (r->tiers[i].from <= r->tiers[i - 1].from)
            return refuse(c, array, index, "tiers", "not in order");
    return true;
}

static bool check_floor(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_floor *r = &set->floors[index];
    return check_head(c, array, index, &r->head, true) && NUMBER(kind, 0, RULES_TOTAL) &&
           NUMBER(anchor, 0, RULES_ANCHOR_COUNT - 1) && NUMBER(breach, 0, RULES_LE) &&
           NUMBER(measure, 0, RULES_MIN_BALANCE_EQUITY) && NUMBER(effect, 0, RULES_EFFECT_PAUSE) &&
           NUMBER(check, 0, RULES_AT_BOUNDARY) && NUMBER(payout, 0, RULES_PAYOUT_ANCHOR_RESET) &&
           NUMBER(days, 1, MASK(set->day_count)) && check_amount(c, "floors.allowance", index, &r->allowance) &&
           FLAG(has_cap) && FLAG(has_lock) && NUMBER(cap, -DEC_MAX, DEC_MAX) && NUMBER(lock_when, -DEC_MAX, DEC_MAX) &&
           NUMBER(lock_at, -DEC_MAX, DEC_MAX);
}

static bool check_loss(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_loss *r = &set->losses[index];
    return check_head(c, array, index, &r->head, true) && NUMBER(group, 0, RULES_GROUP_ACCOUNT) &&
           NUMBER(over, 0, RULES_GE) && check_amount(c, "losses.limit", index, &r->limit) &&
           NUMBER(window_s, 0, SECONDS_MAX) && FLAG(floating_only) && FLAG(highest_stop);
}

static bool check_exposure(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_exposure *r = &set->exposures[index];
    if (!(check_head(c, array, index, &r->head, true) && NUMBER(counted, 0, RULES_MARGIN_SHARE) &&
          NUMBER(instruments, 0, MASK(c->instruments)) && check_amount(c, "exposures.limit", index, &r->limit)))
        return false;
    for (uint32_t i = 0; i < RULES_INSTRUMENTS_MAX; i++)
        if (!NUMBER(weight[i], 0, DEC_MAX))
            return false;
    return true;
}

static bool check_window(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_window *r = &set->windows[index];
    return check_head(c, array, index, &r->head, true) && NUMBER(kind, 0, RULES_PAYOUT_PENDING) &&
           NUMBER(forbids, 1, MASK(6)) && NUMBER(instruments, 0, MASK(c->instruments)) &&
           NUMBER(zone, 0, (int64_t)c->zones - 1) && NUMBER(from_s, 0, DAY_S) && NUMBER(to_s, 0, DAY_S) &&
           NUMBER(before_s, 0, SECONDS_MAX) && NUMBER(after_s, 0, SECONDS_MAX) && NUMBER(closed_s, 0, SECONDS_MAX) &&
           NUMBER(hold_if_opened_before_s, 0, SECONDS_MAX) && NUMBER(lead_s, 0, SECONDS_MAX) && FLAG(cancel_pendings) &&
           NUMBER(importance, 0, 3);
}

static bool check_hold(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_hold *r = &set->holds[index];
    return check_head(c, array, index, &r->head, true) && NUMBER(kind, 0, RULES_MEAN_DURATION) &&
           NUMBER(over, 0, RULES_GE) && NUMBER(tau_s, 1, SECONDS_MAX) && FLAG(at_least) &&
           NUMBER(max_share, 0, DEC_ONE);
}

static bool check_rate(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_rate *r = &set->rates[index];
    return check_head(c, array, index, &r->head, true) && NUMBER(counted, 0, RULES_MESSAGE_KINDS - 1) &&
           NUMBER(window_s, 0, SECONDS_MAX) && NUMBER(max, 1, INT32_MAX);
}

static bool check_shape(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_shape *r = &set->shape;
    return check_head(c, array, index, &r->head, false) && check_amount(c, "shape.target", index, &r->target) &&
           FLAG(target_flat) && NUMBER(min_days, 0, 3650) && NUMBER(days_counted, 0, RULES_DAYS_PROFIT) &&
           check_amount(c, "shape.day_profit", index, &r->day_profit) && FLAG(has_best_day) && FLAG(best_day_strict) &&
           NUMBER(best_day_denominator, 0, RULES_POSITIVE_DAYS) && NUMBER(best_day_max, 0, DEC_ONE) &&
           NUMBER(daily_profit_cap, 0, DEC_MAX);
}

static bool check_stop(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_stop *r = &set->stop;
    return check_head(c, array, index, &r->head, false) && FLAG(required) && NUMBER(within_s, 0, SECONDS_MAX) &&
           NUMBER(max_stop_to_target, 0, DEC_MAX);
}

static bool check_direction(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_direction *r = &set->direction;
    if (!(check_head(c, array, index, &r->head, false) && FLAG(opposite_refused) &&
          NUMBER(group_count, 0, RULES_GROUPS_MAX) && NUMBER(adds_to_loser_max, 0, INT32_MAX) &&
          FLAG(no_larger_after_loss)))
        return false;
    for (uint32_t i = 0; i < RULES_GROUPS_MAX; i++)
        if (!NUMBER(groups[i], 0, MASK(c->instruments)))
            return false;
    return true;
}

static bool check_cross(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_cross *r = &set->cross;
    return check_head(c, array, index, &r->head, false) && FLAG(opposite_firm) && FLAG(opposite_all) &&
           NUMBER(copy, 0, RULES_COPY_INDEPENDENT) && NUMBER(spacing_s, 0, SECONDS_MAX) &&
           NUMBER(capital_cap, 0, DEC_MAX) && NUMBER(identical_cap, 0, DEC_MAX) && FLAG(strategy_exclusive) &&
           NUMBER(accounts_max, 0, INT32_MAX);
}

static bool check_conduct(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_conduct *r = &set->conduct;
    return check_head(c, array, index, &r->head, false) && NUMBER(automation, 0, RULES_MANUAL_ONLY) &&
           NUMBER(hosts_refused, 0, MASK(RULES_HOST_REMOTE + 1)) && FLAG(automated_flag);
}

static bool check_life(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_life *r = &set->life;
    return check_head(c, array, index, &r->head, false) && NUMBER(stage, 0, RULES_STAGE_FUNDED) &&
           NUMBER(inactivity_days, 0, 36500) && NUMBER(inactivity_warn_days, 0, 36500) && FLAG(payout_freeze);
}

static bool check_guard(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_guard *r = &set->guard;
    return NUMBER(fixed_abs, 0, DEC_MAX) && NUMBER(fixed_fraction, 0, DEC_ONE) && NUMBER(warn_fraction, 0, DEC_ONE) &&
           NUMBER(slip_ticks, 0, INT32_MAX) && NUMBER(slip_ticks_news, 0, INT32_MAX) &&
           NUMBER(slip_ticks_rollover, 0, INT32_MAX) && NUMBER(gap_fraction, 0, DEC_ONE) &&
           NUMBER(velocity_ticks_s, 0, DEC_MAX) && NUMBER(latency_ms, 0, INT32_MAX) &&
           NUMBER(lookahead_s, 0, SECONDS_MAX) && NUMBER(block_s, 0, SECONDS_MAX) && NUMBER(blind_s, 0, SECONDS_MAX) &&
           FLAG(require_stop) && NUMBER(haircut, 0, DEC_ONE);
}

static bool check_source(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_source *r = &set->sources[index];
    return ENDS(key) && ENDS(kind) && ENDS(url) && ENDS(date);
}

static bool check_day(struct look *c, const char *array, uint32_t index, const struct rules_set *set)
{
    const struct rules_day *r = &set->days[index];
    return NUMBER(zone, 0, (int64_t)c->zones - 1) && NUMBER(at_s, 0, DAY_S);
}

typedef bool check_one(struct look *, const char *, uint32_t, const struct rules_set *);

static bool check_array(struct look *c, const char *name, check_one *one, uint32_t count, uint32_t max,
                        const struct rules_set *set)
{
    if (count > max)
        return refuse(c, name, count, "count", "count out of range");
    for (uint32_t i = 0; i < count; i++)
        if (!one(c, name, i, set))
            return false;
    return true;
}

static bool check_set(struct look *c, const char *array, uint32_t index, const struct rules_set *r)
{
    return NUMBER(day_count, 1, RULES_DAYS_MAX) && ENDS(verified) && NUMBER(verified_day, 0, INT32_MAX) &&
           NUMBER(max_age_days, 0, 36500);
}

const char *config_check_rules(const struct rules_set *set, uint32_t zone_count, uint32_t instrument_count,
                               const char **problem)
{
    static struct look c;
    c = (struct look){.zones = zone_count, .instruments = instrument_count};
    const struct {
        const char *name;
        check_one *one;
        uint32_t count, max;
    } arrays[] = {
        {"days", check_day, set->day_count, RULES_DAYS_MAX},
        {"sources", check_source, set->source_count, RULES_SOURCES_MAX},
        {"floors", check_floor, set->floor_count, RULES_FLOORS_MAX},
        {"losses", check_loss, set->loss_count, RULES_LOSSES_MAX},
        {"exposures", check_exposure, set->exposure_count, RULES_EXPOSURES_MAX},
        {"windows", check_window, set->window_count, RULES_WINDOWS_MAX},
        {"holds", check_hold, set->hold_count, RULES_HOLDS_MAX},
        {"rates", check_rate, set->rate_count, RULES_RATES_MAX},
        {"shape", check_shape, 1, 1},
        {"stop", check_stop, 1, 1},
        {"direction", check_direction, 1, 1},
        {"cross", check_cross, 1, 1},
        {"conduct", check_conduct, 1, 1},
        {"life", check_life, 1, 1},
        {"guard", check_guard, 1, 1},
    };
    bool good = check_set(&c, "", 0, set);
    for (size_t i = 0; good && i < sizeof arrays / sizeof arrays[0]; i++)
        good = check_array(&c, arrays[i].name, arrays[i].one, arrays[i].count, arrays[i].max, set);
    *problem = c.problem;
    return good ? NULL : c.field;
}
