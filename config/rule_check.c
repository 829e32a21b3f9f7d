/* What is wrong with a rule file whatever the phase: sources, amounts, keys that belong together. */
#include <errno.h>
#include <string.h>

#include "config/rule_compile.h"
#include "config/rule_merge.h"

/* One level of the file being looked at: base, or a phase. */
struct level {
    struct loading *l;
    const struct draft_programme *file;
    char prefix[REPORT_KEY_MAX]; /* "phases.challenge." */
    bool failed;
};

/* In a list a rule is known by its id, a section by its key. */
static const char *id_of(const struct draft_head *head, const char *list)
{
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        if (list == merge_keys[kind])
            return head->id;
    return "";
}

static void complain(struct level *level, const struct draft_head *head, const char *list, const char *key,
                     const char *problem)
{
    char full[REPORT_KEY_MAX * 2];
    const char *id = id_of(head, list);
    snprintf(full, sizeof full, "%s%s%s%s.%s", level->prefix, list, id[0] ? "." : "", id, key);
    report_error(level->l, head->place, full, "%s", problem);
    level->failed = true;
}

/* --- what every rule has ------------------------------------------------------------------------ */

static bool knows_source(const struct draft_programme *file, const char *name)
{
    for (uint32_t i = 0; i < file->source_count; i++)
        if (strcmp(file->sources[i].name, name) == 0)
            return true;
    return false;
}

static void check_sources(struct level *level, const struct draft_head *head, const char *list)
{
    char full[REPORT_KEY_MAX * 2], known[128] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < level->file->source_count && length < sizeof known; i++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i > 0 ? ", " : "",
                                   level->file->sources[i].name);
    for (uint32_t i = 0; i < head->source_count; i++) {
        if (head->sources[i].name[0] == 0 || knows_source(level->file, head->sources[i].name))
            continue;
        const char *id = id_of(head, list);
        snprintf(full, sizeof full, "%s%s%s%s.src", level->prefix, list, id[0] ? "." : "", id);
        report_error(level->l, head->sources[i].place, full, "no source \"%s\" in this file; there are %s",
                     head->sources[i].name, known);
        level->failed = true;
    }
    bool excused = head->has_confidence && (head->confidence == RULES_UNVERIFIED || head->confidence == RULES_OURS);
    if (head->source_count == 0 && !excused)
        complain(level, head, list, "src", "missing; name keys of sources, or write confidence: unverified");
}

/* --- amounts --------------------------------------------------------------------------------------- */

enum amount_kinds { MAY_ABS = 1, MAY_INITIAL = 2, MAY_ANCHOR = 4, MAY_TIERS = 8, MAY_SOD = 16, MAY_DAILY = 32 };

static void check_tiers(struct level *level, const struct draft_head *head, const char *list, const char *key,
                        const struct draft_amount *amount)
{
    for (uint32_t i = 1; i < amount->tier_count; i++)
        if (amount->tiers[i].from <= amount->tiers[i - 1].from) {
            complain(level, head, list, key, "tiers are not in order; write them by ascending from");
            return;
        }
}

static void check_amount(struct level *level, const struct draft_head *head, const char *list, const char *key,
                         const struct draft_amount *amount, unsigned may)
{
    unsigned is = (amount->has_abs ? MAY_ABS : 0) | (amount->has_frac_initial ? MAY_INITIAL : 0) |
                  (amount->has_frac_anchor ? MAY_ANCHOR : 0) | (amount->tier_count > 0 ? MAY_TIERS : 0) |
                  (amount->has_frac_sod_profit ? MAY_SOD : 0) | (amount->has_frac_daily ? MAY_DAILY : 0);
    if (__builtin_popcount(is) != 1)
        complain(level, head, list, key,
                 is == 0 ? "no amount; write one of abs, frac_initial, frac_anchor, tiers, frac_sod_profit, frac_daily"
                         : "written in several ways; keep one");
    else if ((is & may) == 0)
        complain(level, head, list, key, "not of this kind here; propfleet check --explain says which are");
    else
        check_tiers(level, head, list, key, amount);
}

/* --- each kind -------------------------------------------------------------------------------------- */

static bool amount_is_zero(const struct draft_amount *amount)
{
    return amount->has_abs && amount->abs == 0;
}

static void check_floor(struct level *level, const struct draft_head *head, const char *list)
{
    const struct draft_floor *floor = (const struct draft_floor *)head;
    check_amount(level, head, list, "allowance", &floor->allowance, MAY_ABS | MAY_INITIAL | MAY_ANCHOR | MAY_TIERS);
    if (amount_is_zero(&floor->allowance))
        complain(level, head, list, "allowance", "nothing may be lost at all; write what the firm allows");
    if (floor->c.has_lock && floor->lock.at > floor->lock.when)
        complain(level, head, list, "lock", "the floor would be above its anchor; write at no greater than when");
    if (floor->allowance.tier_count > 0 && floor->allowance.basis == RULES_LIVE_EQUITY)
        complain(level, head, list, "allowance.basis", "live_equity is for exposure_caps; write eod_profit");
}

static void check_loss(struct level *level, const struct draft_head *head, const char *list)
{
    const struct draft_loss *loss = (const struct draft_loss *)head;
    check_amount(level, head, list, "limit", &loss->limit, MAY_ABS | MAY_INITIAL | MAY_ANCHOR | MAY_SOD | MAY_DAILY);
    if (loss->c.window_s != 0 && loss->c.group != RULES_GROUP_IDEA)
        complain(level, head, list, "window", "only an idea has one; leave it out, or write group: idea");
}

static void check_exposure(struct level *level, const struct draft_head *head, const char *list)
{
    const struct draft_exposure *exposure = (const struct draft_exposure *)head;
    check_amount(level, head, list, "limit", &exposure->limit, MAY_ABS | MAY_TIERS);
    if (exposure->c.counted == RULES_MARGIN_SHARE && exposure->limit.has_abs && exposure->limit.abs > DEC_ONE)
        complain(level, head, list, "limit", "more than the whole equity; 0.4 is 40 %");
}

static void check_window(struct level *level, const struct draft_head *head, const char *list)
{
    const struct draft_window *window = (const struct draft_window *)head;
    const struct rules_window *c = &window->c;
    bool span = c->kind == RULES_DAILY_SPAN, all = window->has_zone && window->has_from && window->has_to;
    bool any = window->has_zone || window->has_from || window->has_to;
    if (span && !all)
        complain(level, head, list, "kind", "daily_span needs zone, from and to; write all three");
    if (span && all && c->from_s == c->to_s)
        complain(level, head, list, "to", "from and to are the same; write a span");
    if (!span && any)
        complain(level, head, list, "kind", "zone, from and to are for daily_span; leave them out");
    if (c->kind == RULES_NEWS && c->before_s == 0 && c->after_s == 0)
        complain(level, head, list, "before", "news without before and after; write at least one");
    if (c->kind != RULES_NEWS && c->importance != 0)
        complain(level, head, list, "importance", "only news have one; leave it out, or write kind: news");
    if (c->kind == RULES_MARKET_CLOSE && c->before_s == 0 && !(c->forbids & RULES_HOLD))
        complain(level, head, list, "before", "a market close forbids nothing before it; write before, or forbid hold");
}

static void check_hold(struct level *level, const struct draft_head *head, const char *list)
{
    const struct draft_hold *hold = (const struct draft_hold *)head;
    bool share = hold->c.kind == RULES_SHARE_OF_TRADES || hold->c.kind == RULES_SHARE_OF_PROFIT;
    if (share != (hold->c.max_share > 0))
        complain(level, head, list, "share",
                 share ? "missing; add it with a percentage" : "only shares have one; leave it out");
}

static void check_rate(struct level *level, const struct draft_head *head, const char *list)
{
    (void)level;
    (void)head;
    (void)list;
}

static void (*const checks[MERGE_KINDS])(struct level *, const struct draft_head *, const char *) = {
    check_floor, check_loss, check_exposure, check_window, check_hold, check_rate};

static void check_shape(struct level *level, const struct draft_shape *shape)
{
    bool profit_days = shape->c.days_counted == RULES_DAYS_PROFIT;
    if (shape->has_target)
        check_amount(level, &shape->head, "profit_shape", "target", &shape->target, MAY_ABS | MAY_INITIAL);
    if (shape->has_day_profit)
        check_amount(level, &shape->head, "profit_shape", "day_profit", &shape->day_profit, MAY_ABS | MAY_INITIAL);
    if (profit_days != shape->has_day_profit)
        complain(level, &shape->head, "profit_shape", "day_profit",
                 profit_days ? "missing; days_counted: profit needs it" : "days_counted is not profit; leave it out");
}

static void check_cross(struct level *level, const struct draft_cross *cross)
{
    if ((cross->c.copy == RULES_COPY_SPACED) != (cross->c.spacing_s > 0))
        complain(level, &cross->head, "cross_account", "spacing",
                 "goes with copy: spaced, and only with it; write both");
}

static void check_life(struct level *level, const struct draft_life *life)
{
    if (life->c.inactivity_warn_days > life->c.inactivity_days)
        complain(level, &life->head, "lifecycle", "inactivity_warn_days", "later than inactivity_days; write fewer");
}

/* --- one level -------------------------------------------------------------------------------------- */

/* Sections have no place of their own before they are read: where their level begins. */
static void check_sections(struct level *level, const struct draft_rules *rules)
{
    if (rules->has_shape)
        check_sources(level, &rules->shape.head, "profit_shape"), check_shape(level, &rules->shape);
    if (rules->has_stop)
        check_sources(level, &rules->stop.head, "stop_policy");
    if (rules->has_direction)
        check_sources(level, &rules->direction.head, "direction");
    if (rules->has_cross)
        check_sources(level, &rules->cross.head, "cross_account"), check_cross(level, &rules->cross);
    if (rules->has_conduct)
        check_sources(level, &rules->conduct.head, "conduct");
    if (rules->has_life)
        check_sources(level, &rules->life.head, "lifecycle"), check_life(level, &rules->life);
}

/* An id is one rule, all lists and sections of its level together. */
static void check_ids(struct level *level, const struct merged *merged)
{
    const struct draft_head *seen[MERGE_KINDS * MERGE_LIST_MAX];
    uint32_t count = 0;
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        for (uint32_t i = 0; i < merged->lists[kind].count; i++) {
            const struct draft_head *head = merged->lists[kind].heads[i];
            for (uint32_t j = 0; head->reading == 0 && j < count; j++)
                if (strcmp(seen[j]->id, head->id) == 0) {
                    char problem[96];
                    snprintf(problem, sizeof problem, "another rule has this id, in line %u; give it one of its own",
                             seen[j]->place.line);
                    complain(level, head, merge_keys[kind], "id", problem);
                    break;
                }
            if (head->reading == 0 && head->id[0] != 0)
                seen[count++] = head;
        }
}

static bool check_level(struct loading *l, const struct draft_programme *file, const struct draft_rules *rules,
                        const char *phase)
{
    struct level level = {.l = l, .file = file};
    struct merged merged = {0};
    snprintf(level.prefix, sizeof level.prefix, phase != NULL ? "phases.%s." : "base.", phase);
    merge_level(rules, &merged);
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        for (uint32_t i = 0; i < merged.lists[kind].count; i++) {
            check_sources(&level, merged.lists[kind].heads[i], merge_keys[kind]);
            checks[kind](&level, merged.lists[kind].heads[i], merge_keys[kind]);
        }
    check_ids(&level, &merged);
    check_sections(&level, rules);
    return !level.failed;
}

/* A key of sources is short: it is printed behind each rule. */
static bool check_source_names(struct loading *l, const struct draft_programme *file)
{
    bool good = true;
    for (uint32_t i = 0; i < file->source_count; i++)
        if (strlen(file->sources[i].name) >= sizeof((struct rules_source *)0)->key) {
            report_error(l, file->sources[i].place, "sources", "\"%s\" is too long; write at most %zu characters",
                         file->sources[i].name, sizeof((struct rules_source *)0)->key - 1);
            good = false;
        }
    return good;
}

static bool check_drops(struct loading *l, const struct draft_programme *file, uint32_t phase)
{
    struct merged merged = {0};
    bool good = true;
    merge_level(&file->base, &merged);
    for (uint32_t i = 0; i < file->phase_count; i++) /* whatever it inherits */
        if (i != phase && file->phases[phase].inherits.name[0] != 0)
            merge_level(&file->phases[i].rules, &merged);
    for (uint32_t i = 0; i < file->phases[phase].drop_count; i++) {
        const struct schema_reference *name = &file->phases[phase].drop[i];
        char key[REPORT_KEY_MAX];
        if (merge_find(&merged, name->name) != NULL)
            continue;
        snprintf(key, sizeof key, "phases.%s.drop", file->phases[phase].name);
        report_error(l, name->place, key, "no rule \"%s\" in base; leave it out", name->name);
        good = false;
    }
    return good;
}

int rule_check_file(struct loading *l, const struct draft_programme *file)
{
    bool good = check_source_names(l, file);
    good &= check_level(l, file, &file->base, NULL);
    for (uint32_t i = 0; i < file->phase_count; i++) {
        const struct draft_phase *phase = &file->phases[i];
        const char *problem = merge_inherits_problem(file, i);
        good &= check_level(l, file, &phase->rules, phase->name);
        good &= check_drops(l, file, i);
        if (problem != NULL) {
            char key[REPORT_KEY_MAX];
            snprintf(key, sizeof key, "phases.%s.inherits", phase->name);
            report_error(l, phase->inherits.place, key, "\"%s\" %s; name another phase", phase->inherits.name, problem);
            good = false;
        }
    }
    return good ? 0 : -EINVAL;
}
