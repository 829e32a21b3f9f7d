#include "config/rule_compile.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "config/rule_merge.h"
#include "config/values.h"

/* One phase on its way. */
struct compiling {
    struct loading *l;
    const struct draft_programme *file;
    const struct draft_phase *phase;
    const struct rule_options *options;
    struct config_programme *out;
    struct rule_gap *gap;
    bool report, failed;
};

static void complain(struct compiling *c, const char *key, const char *problem)
{
    char full[REPORT_KEY_MAX];
    c->failed = true;
    if (!c->report)
        return;
    snprintf(full, sizeof full, "phases.%s.%s", c->phase->name, key);
    report_error(c->l, c->phase->place, full, "%s", problem);
}

/* --- parts of every rule ------------------------------------------------------------------------------ */

/* Of official, official_old, support_ticket, dataset, aggregator: as rule_source_kinds has them. */
static const uint8_t confidence_of_kind[] = {RULES_OFFICIAL, RULES_OFFICIAL_OLD, RULES_OFFICIAL, RULES_DATASET,
                                             RULES_AGGREGATOR};

static uint32_t source_index(const struct draft_programme *file, const char *name)
{
    uint32_t i = 0;
    while (i < file->source_count && strcmp(file->sources[i].name, name) != 0)
        i++;
    return i;
}

static void compile_head(const struct compiling *c, const struct draft_head *head, uint32_t severity,
                         struct rules_head *out)
{
    uint8_t best = RULES_UNVERIFIED;
    if (head->reading == 0)
        snprintf(out->id, sizeof out->id, "%s", head->id);
    else if (head->reading == 1)
        snprintf(out->id, sizeof out->id, "%.20s-disputed", head->id);
    else
        snprintf(out->id, sizeof out->id, "%.18s-disputed-%u", head->id, head->reading % 10);
    for (uint32_t i = 0; i < head->source_count; i++) {
        uint32_t at = source_index(c->file, head->sources[i].name);
        if (at == c->file->source_count)
            continue;
        uint8_t confidence = confidence_of_kind[c->file->sources[at].kind];
        out->sources |= UINT32_C(1) << at;
        best = confidence < best ? confidence : best;
    }
    out->confidence = head->reading > 0 ? RULES_DISPUTED : head->has_confidence ? (uint8_t)head->confidence : best;
    out->severity = (uint8_t)(head->has_severity ? head->severity : severity);
    out->optional = head->optional;
}

static void compile_amount(const struct draft_amount *from, struct rules_amount *out)
{
    memset(out, 0, sizeof *out);
    out->basis = from->basis;
    if (from->tier_count > 0) {
        out->kind = RULES_TIERED;
        out->tier_count = from->tier_count;
        memcpy(out->tiers, from->tiers, sizeof out->tiers[0] * from->tier_count);
        out->value = from->tiers[0].value;
    } else if (from->has_frac_initial) {
        out->kind = RULES_FRAC_INITIAL;
        out->value = from->frac_initial;
    } else if (from->has_frac_anchor) {
        out->kind = RULES_FRAC_ANCHOR;
        out->value = from->frac_anchor;
    } else if (from->has_frac_sod_profit) {
        out->kind = RULES_FRAC_SOD_PROFIT;
        out->value = from->frac_sod_profit;
        out->floor_of = from->floor_of;
    } else if (from->has_frac_daily) {
        out->kind = RULES_FRAC_DAILY;
        out->value = from->frac_daily;
    } else {
        out->kind = RULES_ABS;
        out->value = from->abs;
    }
}

/* Every symbol that is not known is noted, the first with its place. */
static uint32_t symbols_mask(struct compiling *c, const struct schema_symbols *symbols)
{
    if (symbols->unknown_count > 0 && c->gap->symbol[0] == 0) {
        memcpy(c->gap->symbol, symbols->unknown, sizeof c->gap->symbol);
        c->gap->place = symbols->place;
    }
    return symbols->mask;
}

static uint32_t all_instruments(const struct compiling *c)
{
    return (uint32_t)((UINT64_C(1) << c->l->out->instrument_count) - 1);
}

static uint32_t instruments_of(struct compiling *c, const struct schema_symbols *symbols, uint32_t classes)
{
    uint32_t mask = symbols_mask(c, symbols);
    if (symbols->mask == 0 && symbols->unknown_count == 0 && classes == 0)
        return all_instruments(c);
    for (uint32_t i = 0; i < c->l->out->instrument_count; i++)
        if (classes >> c->l->out->instruments[i].asset_class & 1)
            mask |= UINT32_C(1) << i;
    return mask;
}

/* --- the lists --------------------------------------------------------------------------------------------- */

static bool is_of_the_day(uint32_t anchor)
{
    return anchor == RULES_SNAP_BALANCE || anchor == RULES_SNAP_EQUITY || anchor == RULES_SNAP_MAX ||
           anchor == RULES_DAY_PEAK;
}

/* Whether the floor depends on where the day begins. */
static bool needs_days(uint32_t anchor, uint32_t effect, uint32_t allowance)
{
    return is_of_the_day(anchor) || anchor == RULES_RUN_EOD_BALANCE || anchor == RULES_RUN_EOD_MAX ||
           effect == RULES_EFFECT_PAUSE || allowance == RULES_TIERED;
}

static void compile_floor(struct compiling *c, const struct draft_head *head, uint32_t at)
{
    const struct draft_floor *from = (const struct draft_floor *)head;
    struct rules_floor *out = &c->out->rules.floors[at];
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, head, from->c.effect == RULES_EFFECT_PAUSE ? RULES_PAUSE : RULES_TERMINATE, &out->head);
    compile_amount(&from->allowance, &out->allowance);
    if (!from->has_kind)
        out->kind = is_of_the_day(out->anchor) ? RULES_DAILY : RULES_TOTAL;
    out->days =
        needs_days(out->anchor, out->effect, out->allowance.kind) ? (UINT32_C(1) << c->out->rules.day_count) - 1 : 1;
    if (out->has_lock) {
        out->lock_when = from->lock.when;
        out->lock_at = from->lock.at;
    }
}

static void compile_loss(struct compiling *c, const struct draft_head *head, uint32_t at)
{
    const struct draft_loss *from = (const struct draft_loss *)head;
    struct rules_loss *out = &c->out->rules.losses[at];
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, head, RULES_TERMINATE, &out->head);
    compile_amount(&from->limit, &out->limit);
}

static void compile_exposure(struct compiling *c, const struct draft_head *head, uint32_t at)
{
    const struct draft_exposure *from = (const struct draft_exposure *)head;
    struct rules_exposure *out = &c->out->rules.exposures[at];
    bool whole = from->symbols.mask == 0 && from->symbols.unknown_count == 0 && from->classes == 0;
    uint32_t weighted = 0;
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, head, RULES_TERMINATE, &out->head);
    compile_amount(&from->limit, &out->limit);
    for (uint32_t i = 0; i < from->weight_count; i++)
        weighted |= symbols_mask(c, &from->weights[i].symbols);
    out->instruments = instruments_of(c, &from->symbols, from->classes);
    if (whole && from->weight_count > 0)
        out->instruments = weighted;
    for (uint32_t i = 0; i < RULES_INSTRUMENTS_MAX; i++)
        out->weight[i] = out->instruments >> i & 1 ? DEC_ONE : 0;
    for (uint32_t w = 0; w < from->weight_count; w++)
        for (uint32_t i = 0; i < RULES_INSTRUMENTS_MAX; i++)
            if (from->weights[w].symbols.mask & out->instruments & UINT32_C(1) << i)
                out->weight[i] = from->weights[w].weight;
}

static void compile_window(struct compiling *c, const struct draft_head *head, uint32_t at)
{
    const struct draft_window *from = (const struct draft_window *)head;
    struct rules_window *out = &c->out->rules.windows[at];
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, head, RULES_TERMINATE, &out->head);
    out->instruments = instruments_of(c, &from->symbols, from->classes);
    if (out->importance > 3) /* choice 4 is the numeral 1 */
        out->importance -= 3;
}

static void compile_hold(struct compiling *c, const struct draft_head *head, uint32_t at)
{
    const struct draft_hold *from = (const struct draft_hold *)head;
    struct rules_hold *out = &c->out->rules.holds[at];
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, head, RULES_TERMINATE, &out->head);
}

static void compile_rate(struct compiling *c, const struct draft_head *head, uint32_t at)
{
    const struct draft_rate *from = (const struct draft_rate *)head;
    struct rules_rate *out = &c->out->rules.rates[at];
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, head, RULES_TERMINATE, &out->head);
}

static const struct {
    uint32_t max;
    size_t count_offset; /* in rules_set */
    void (*compile)(struct compiling *, const struct draft_head *, uint32_t);
} kinds[MERGE_KINDS] = {
    [MERGE_FLOORS] = {RULES_FLOORS_MAX, offsetof(struct rules_set, floor_count), compile_floor},
    [MERGE_LOSSES] = {RULES_LOSSES_MAX, offsetof(struct rules_set, loss_count), compile_loss},
    [MERGE_EXPOSURES] = {RULES_EXPOSURES_MAX, offsetof(struct rules_set, exposure_count), compile_exposure},
    [MERGE_WINDOWS] = {RULES_WINDOWS_MAX, offsetof(struct rules_set, window_count), compile_window},
    [MERGE_HOLDS] = {RULES_HOLDS_MAX, offsetof(struct rules_set, hold_count), compile_hold},
    [MERGE_RATES] = {RULES_RATES_MAX, offsetof(struct rules_set, rate_count), compile_rate},
};

static bool is_switched_on(const struct compiling *c, const char *id)
{
    for (uint32_t i = 0; i < c->options->count; i++)
        if (strcmp(c->options->names[i].name, id) == 0)
            return true;
    return c->options->all;
}

static void compile_lists(struct compiling *c, const struct merged *merged)
{
    for (int kind = 0; kind < MERGE_KINDS; kind++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < merged->lists[kind].count; i++) {
            const struct draft_head *head = merged->lists[kind].heads[i];
            if (head->optional && !is_switched_on(c, head->id))
                continue;
            if (head->reading > 0 && head->resolve == DRAFT_OFFICIAL)
                continue;
            if (count < kinds[kind].max)
                kinds[kind].compile(c, head, count);
            count++;
        }
        if (count > kinds[kind].max || merged->overflow) {
            char problem[96];
            snprintf(problem, sizeof problem, "%u rules hold in this phase, other readings counted; at most %u", count,
                     kinds[kind].max);
            complain(c, merge_keys[kind], problem);
            count = kinds[kind].max;
        }
        memcpy((unsigned char *)&c->out->rules + kinds[kind].count_offset, &count, sizeof count);
    }
}

/* --- the sections -------------------------------------------------------------------------------------------- */

static void compile_shape(struct compiling *c, const struct draft_shape *from)
{
    struct rules_shape *out = &c->out->rules.shape;
    if (from == NULL)
        return;
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, &from->head, RULES_VOID, &out->head);
    if (from->has_target)
        compile_amount(&from->target, &out->target);
    if (from->has_day_profit)
        compile_amount(&from->day_profit, &out->day_profit);
    out->has_best_day = from->has_best_day;
    if (from->has_best_day) {
        out->best_day_max = from->best_day.max;
        out->best_day_strict = from->best_day.strict;
        out->best_day_denominator = from->best_day.denominator;
    }
}

static void compile_direction(struct compiling *c, const struct draft_direction *from)
{
    struct rules_direction *out = &c->out->rules.direction;
    if (from == NULL) {
        out->opposite_refused = true; /* nothing is known */
        return;
    }
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, &from->head, RULES_TERMINATE, &out->head);
    out->opposite_refused = from->hedge != DRAFT_HEDGE_ALLOWED;
    out->group_count = from->group_count;
    for (uint32_t i = 0; i < from->group_count; i++)
        out->groups[i] = symbols_mask(c, &from->groups[i].symbols);
}

/* Nothing said: the strictest that can be kept. */
static void compile_cross(struct compiling *c, const struct draft_cross *from)
{
    struct rules_cross *out = &c->out->rules.cross;
    if (from == NULL) {
        out->opposite_firm = true;
        out->copy = RULES_COPY_INDEPENDENT;
        return;
    }
    memcpy(out, &from->c, sizeof *out);
    compile_head(c, &from->head, RULES_TERMINATE, &out->head);
}

static void compile_life(struct compiling *c, const struct draft_life *from)
{
    struct rules_life *out = &c->out->rules.life;
    if (from != NULL) {
        memcpy(out, &from->c, sizeof *out);
        compile_head(c, &from->head, RULES_TERMINATE, &out->head);
        if (out->inactivity_warn_days == 0)
            out->inactivity_warn_days = out->inactivity_days * 4 / 5;
    }
    out->stage = c->phase->stage;
}

static void compile_guard(struct compiling *c, const struct draft_guard *from)
{
    struct rules_guard *out = &c->out->rules.guard;
    memcpy(out, &from->c, sizeof *out);
    out->latency_ms = (int32_t)((from->latency_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

static void compile_sections(struct compiling *c, const struct merged *merged)
{
    struct rules_set *out = &c->out->rules;
    compile_shape(c, merged->shape);
    if (merged->stop != NULL) {
        memcpy(&out->stop, &merged->stop->c, sizeof out->stop);
        compile_head(c, &merged->stop->head, RULES_TERMINATE, &out->stop.head);
    }
    compile_direction(c, merged->direction);
    compile_cross(c, merged->cross);
    if (merged->conduct != NULL) {
        memcpy(&out->conduct, &merged->conduct->c, sizeof out->conduct);
        compile_head(c, &merged->conduct->head, RULES_TERMINATE, &out->conduct.head);
    } else {
        complain(c, "conduct", "the file does not say who may trade; add it to base, with automation");
    }
    compile_life(c, merged->life);
    compile_guard(c, merged->guard);
}

/* --- the set ---------------------------------------------------------------------------------------------------- */

static void compile_days(struct compiling *c)
{
    struct rules_set *out = &c->out->rules;
    out->days[0] = (struct rules_day){c->file->day.zone, c->file->day.at_s};
    for (uint32_t i = 0; i < c->file->alt_day_count; i++)
        out->days[i + 1] = (struct rules_day){c->file->alt_days[i].zone, c->file->alt_days[i].at_s};
    out->day_count = 1 + c->file->alt_day_count;
}

static void compile_sources(struct compiling *c)
{
    struct rules_set *out = &c->out->rules;
    int64_t day = 0;
    for (uint32_t i = 0; i < c->file->source_count; i++) {
        const struct draft_source *from = &c->file->sources[i];
        struct rules_source *to = &out->sources[i];
        snprintf(to->key, sizeof to->key, "%.7s", from->name);
        snprintf(to->kind, sizeof to->kind, "%s", rule_source_kinds[from->kind]);
        memcpy(to->url, from->url, sizeof to->url);
        memcpy(to->date, from->date, sizeof to->date);
    }
    out->source_count = c->file->source_count;
    memcpy(out->verified, c->file->verified, sizeof out->verified);
    if (value_date(c->file->verified, &day) == NULL)
        out->verified_day = (int32_t)day;
    out->max_age_days = c->file->max_age_days;
    out->digest = c->file->digest;
}

/* --- for limits.c --------------------------------------------------------------------------------------------------
 */

static void old_floor(const struct rules_floor *from, struct config_floor *to)
{
    memcpy(to->id, from->head.id, sizeof to->id);
    to->kind = from->kind;
    to->anchor = from->anchor;
    to->breach = from->breach;
    to->effect = from->effect;
    to->has_cap = from->has_cap;
    to->cap_offset = from->cap;
    if (from->allowance.kind == RULES_FRAC_INITIAL || from->allowance.kind == RULES_FRAC_ANCHOR) {
        to->allowance_fraction = from->allowance.value;
        to->allowance_of_anchor = from->allowance.kind == RULES_FRAC_ANCHOR;
        return;
    }
    to->allowance_abs = from->allowance.value;
    for (uint32_t i = 0; i < from->allowance.tier_count; i++)
        to->allowance_abs = dec_min(to->allowance_abs, from->allowance.tiers[i].value);
}

static_assert((int)ANCHOR_INITIAL == (int)RULES_INITIAL && (int)ANCHOR_DAY_PEAK == (int)RULES_DAY_PEAK &&
                  (int)BREACH_LE == (int)RULES_LE && (int)EFFECT_PAUSE == (int)RULES_EFFECT_PAUSE &&
                  (int)FLOOR_TOTAL == (int)RULES_TOTAL,
              "the same numbers");

static void fill_old(struct config_programme *out)
{
    const struct rules_set *rules = &out->rules;
    out->zone = rules->days[0].zone;
    out->day_start_s = rules->days[0].at_s;
    out->floor_count = rules->floor_count;
    for (uint32_t i = 0; i < rules->floor_count; i++)
        old_floor(&rules->floors[i], &out->floors[i]);
    out->opposite_refused = rules->cross.opposite_firm;
    out->buffer_fraction = rules->guard.fixed_fraction;
    for (uint32_t i = 0; i < rules->exposure_count; i++) {
        const struct rules_exposure *exposure = &rules->exposures[i];
        if (exposure->counted != RULES_LOTS_PER_ORDER || exposure->limit.kind != RULES_ABS)
            continue;
        if (out->lots_per_order_max == 0 || exposure->limit.value < out->lots_per_order_max)
            out->lots_per_order_max = exposure->limit.value;
    }
}

/* --- all of it ------------------------------------------------------------------------------------------------------
 */

static void write_options(const struct compiling *c, const struct merged *merged)
{
    size_t length = 0;
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        for (uint32_t i = 0; i < merged->lists[kind].count; i++) {
            const struct draft_head *head = merged->lists[kind].heads[i];
            if (head->optional && head->reading == 0 && is_switched_on(c, head->id) && length < sizeof c->out->options)
                length += (size_t)snprintf(c->out->options + length, sizeof c->out->options - length, "%s%s",
                                           length > 0 ? "," : "", head->id);
        }
}

int rule_compile(struct loading *l, const struct draft_programme *file, uint32_t phase,
                 const struct rule_options *options, bool report, struct config_programme *out, struct rule_gap *gap)
{
    struct compiling c = {l, file, &file->phases[phase], options, out, gap, report, false};
    struct merged merged;
    memset(out, 0, sizeof *out);
    memset(gap, 0, sizeof *gap);
    memcpy(out->firm, file->firm, sizeof out->firm);
    memcpy(out->name, file->name, sizeof out->name);
    memcpy(out->phase, c.phase->name, sizeof out->phase);
    memcpy(out->unknown, file->unknown, sizeof out->unknown);
    out->size_count = file->size_count;
    memcpy(out->sizes, file->sizes, sizeof out->sizes);
    out->has_initial = c.phase->has_initial;
    out->initial = c.phase->initial;
    merge_phase(file, phase, &merged);
    write_options(&c, &merged);
    compile_days(&c);
    compile_sources(&c);
    compile_lists(&c, &merged);
    compile_sections(&c, &merged);
    fill_old(out);
    return c.failed ? -EINVAL : 0;
}

/* --- options
 * ---------------------------------------------------------------------------------------------------------- */

bool rule_has_option(const struct draft_programme *file, uint32_t phase, const char *name)
{
    struct merged merged;
    merge_phase(file, phase, &merged);
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        for (uint32_t i = 0; i < merged.lists[kind].count; i++)
            if (merged.lists[kind].heads[i]->optional && strcmp(merged.lists[kind].heads[i]->id, name) == 0)
                return true;
    return false;
}

const char *rule_option_list(const struct draft_programme *file, uint32_t phase, char *buf, size_t size)
{
    struct merged merged;
    size_t length = 0;
    merge_phase(file, phase, &merged);
    buf[0] = 0;
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        for (uint32_t i = 0; i < merged.lists[kind].count && length < size; i++) {
            const struct draft_head *head = merged.lists[kind].heads[i];
            if (head->optional && head->reading == 0)
                length += (size_t)snprintf(buf + length, size - length, "%s%s", length > 0 ? ", " : "", head->id);
        }
    return buf;
}
