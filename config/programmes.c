#include "config/programmes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "config/rule_compile.h"
#include "config/values.h"

#define NAMES_TEXT_MAX 400

/* --- files ---------------------------------------------------------------------------------------- */

const char *programmes_today(const struct loader_options *options, int64_t *days)
{
    const char *given = getenv("PROPFLEET_TODAY");
    if (options->today_ns != 0)
        *days = options->today_ns / CLOCK_NS_PER_S / 86400;
    else if (given != NULL && given[0] != 0)
        return value_date(given, days);
    else
        *days = (int64_t)time(NULL) / 86400;
    return NULL;
}

/* Does an account name this programme? */
static bool is_used(const struct draft *draft, const struct draft_programme *file)
{
    char full[CONFIG_NAME_MAX * 2 + 2];
    snprintf(full, sizeof full, "%s/%s", file->firm, file->name);
    for (uint32_t i = 0; i < draft->account_count; i++)
        if (strcmp(draft->accounts[i].programme.name, full) == 0)
            return true;
    return false;
}

/* True: older than it may be. Warned of where an account stands on it; `propfleet rules list` shows all. */
static bool check_age(struct loading *l, const struct draft *draft, const struct draft_programme *file, int64_t now)
{
    int64_t verified;
    if (value_date(file->verified, &verified) != NULL)
        return false; /* reported already */
    int64_t age = now - verified;
    if (age > (int64_t)file->max_age_days && is_used(draft, file))
        report_warning(l, file->place, "verified",
                       "%s, %lld days ago, more than %u; compare the rules with the firm's text again", file->verified,
                       (long long)age, file->max_age_days);
    if (age < 0 && is_used(draft, file))
        report_warning(l, file->place, "verified", "%s is in the future; write the day of the comparison",
                       file->verified);
    return age > (int64_t)file->max_age_days;
}

/* The next free entry, NULL when there is none (reported at `place`). */
static uint32_t new_entry(struct loading *l, struct place place)
{
    if (l->out->programme_count < CONFIG_PROGRAMMES_MAX)
        return l->out->programme_count++;
    report_error(l, place, "phases", "more than %d phases of programmes; remove files that nobody uses",
                 CONFIG_PROGRAMMES_MAX);
    return CONFIG_NONE;
}

static void compile_file(struct loading *l, struct draft *draft, uint32_t number, int64_t now)
{
    struct draft_programme *file = draft->programmes[number];
    const struct rule_options options = {NULL, 0, l->options->all_optional != 0};
    bool expired = check_age(l, draft, file, now);
    if (draft->programme_broken[number] || rule_check_file(l, file) != 0) {
        draft->programme_broken[number] = true;
        return;
    }
    for (uint32_t phase = 0; phase < file->phase_count; phase++) {
        uint32_t at = new_entry(l, file->phases[phase].place);
        if (at == CONFIG_NONE)
            return;
        if (rule_compile(l, file, phase, &options, true, &l->out->programmes[at], &draft->gaps[at]) != 0)
            draft->programme_broken[number] = true;
        l->out->programmes[at].expired = expired;
    }
}

void resolve_programmes(struct loading *l, struct draft *draft)
{
    int64_t now = 0;
    const char *problem = programmes_today(l->options, &now);
    if (problem != NULL)
        report_error(l, (struct place){report_file(l, "PROPFLEET_TODAY"), 1, 1}, "date",
                     "\"%.40s\" %s; write one such as 2026-11-22", getenv("PROPFLEET_TODAY"), problem);
    for (uint32_t i = 0; i < draft->programme_count; i++)
        compile_file(l, draft, i, now);
}

/* --- an account's programme, phase and options ----------------------------------------------------------- */

static uint32_t find_file(const struct draft *draft, const char *name)
{
    for (uint32_t i = 0; i < draft->programme_count; i++) {
        char full[CONFIG_NAME_MAX * 2 + 2];
        snprintf(full, sizeof full, "%s/%s", draft->programmes[i]->firm, draft->programmes[i]->name);
        if (strcmp(full, name) == 0)
            return i;
    }
    return CONFIG_NONE;
}

static void complain_programme(struct loading *l, const struct draft *draft, const struct schema_reference *name)
{
    char names[DRAFT_FILES_MAX][CONFIG_NAME_MAX * 2 + 2], list[NAMES_TEXT_MAX] = "";
    const char *known[DRAFT_FILES_MAX];
    size_t length = 0;
    for (uint32_t i = 0; i < draft->programme_count; i++) {
        snprintf(names[i], sizeof names[i], "%s/%s", draft->programmes[i]->firm, draft->programmes[i]->name);
        known[i] = names[i];
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const char *nearest = report_nearest(name->name, known, draft->programme_count);
    report_error(l, name->place, "programme", "no programme \"%s\" in firms/; %s%s", name->name,
                 nearest != NULL ? "did you mean " : "there are ", nearest != NULL ? nearest : list);
}

static void complain_phase(struct loading *l, const struct draft_account *from, const struct draft_programme *file)
{
    const char *known[DRAFT_PHASES_MAX];
    char list[NAMES_TEXT_MAX] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < file->phase_count; i++) {
        known[i] = file->phases[i].name;
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "", known[i]);
    }
    const char *nearest = report_nearest(from->phase.name, known, file->phase_count);
    if (from->phase.name[0] == 0)
        report_error(l, from->programme.place, "phase", "missing, and %s/%s has several; write one of %s", file->firm,
                     file->name, list);
    else
        report_error(l, from->phase.place, "phase", "%s/%s has no phase \"%s\"; %s%s", file->firm, file->name,
                     from->phase.name, nearest != NULL ? "did you mean " : "there are ",
                     nearest != NULL ? nearest : list);
}

static uint32_t find_phase(const struct draft_account *from, const struct draft_programme *file)
{
    if (from->phase.name[0] == 0)
        return file->phase_count == 1 ? 0 : CONFIG_NONE;
    for (uint32_t i = 0; i < file->phase_count; i++)
        if (strcmp(file->phases[i].name, from->phase.name) == 0)
            return i;
    return CONFIG_NONE;
}

static bool check_options(struct loading *l, const struct draft_account *from, const struct draft_programme *file,
                          uint32_t phase)
{
    char list[NAMES_TEXT_MAX];
    bool good = true;
    rule_option_list(file, phase, list, sizeof list);
    for (uint32_t i = 0; i < from->option_count; i++) {
        if (rule_has_option(file, phase, from->options[i].name))
            continue;
        good = false;
        if (list[0] != 0)
            report_error(l, from->options[i].place, "options",
                         "no optional rule \"%s\" in %s/%s, phase %s; there are %s", from->options[i].name, file->firm,
                         file->name, file->phases[phase].name, list);
        else
            report_error(l, from->options[i].place, "options",
                         "%s/%s has no optional rule in phase %s; leave options out", file->firm, file->name,
                         file->phases[phase].name);
    }
    return good;
}

/* options NULL: the first of the phase, which compile_file made. */
static uint32_t find_entry(const struct fleet_config *out, const struct draft_programme *file, const char *phase,
                           const char *options)
{
    for (uint32_t i = 0; i < out->programme_count; i++) {
        const struct config_programme *p = &out->programmes[i];
        if (strcmp(p->firm, file->firm) == 0 && strcmp(p->name, file->name) == 0 && strcmp(p->phase, phase) == 0 &&
            (options == NULL || strcmp(p->options, options) == 0))
            return i;
    }
    return CONFIG_NONE;
}

/* With options: an entry of its own, which accounts with the same share. */
static uint32_t entry_with_options(struct loading *l, struct draft *draft, const struct draft_account *from,
                                   const struct draft_programme *file, uint32_t phase)
{
    const struct rule_options options = {from->options, from->option_count, false};
    uint32_t plain = find_entry(l->out, file, file->phases[phase].name, NULL);
    if (from->option_count == 0 || l->options->all_optional)
        return plain;
    struct config_programme *entry = malloc(sizeof *entry);
    struct rule_gap gap = {0};
    uint32_t at = CONFIG_NONE;
    if (entry == NULL)
        return CONFIG_NONE;
    if (rule_compile(l, file, phase, &options, true, entry, &gap) == 0) {
        at = find_entry(l->out, file, file->phases[phase].name, entry->options);
        if (at == CONFIG_NONE)
            at = new_entry(l, from->place);
        if (at != CONFIG_NONE) {
            entry->expired = plain != CONFIG_NONE && l->out->programmes[plain].expired;
            memcpy(&l->out->programmes[at], entry, sizeof *entry);
            memcpy(&draft->gaps[at], &gap, sizeof gap);
        }
    }
    free(entry);
    return at;
}

static void check_size(struct loading *l, const struct draft_account *from, const struct draft_programme *file)
{
    char balance[VALUES_TEXT_MAX], list[200] = "", one[VALUES_TEXT_MAX];
    size_t length = 0;
    for (uint32_t i = 0; i < file->size_count; i++) {
        if (file->sizes[i] == from->c.initial_balance)
            return;
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "",
                                       value_show_decimal(file->sizes[i], one));
    }
    report_error(l, from->place, "balance", "%s is not offered by %s/%s; one of %s",
                 value_show_decimal(from->c.initial_balance, balance), file->firm, file->name, list);
}

uint32_t programme_of_account(struct loading *l, struct draft *draft, const struct draft_account *from)
{
    if (from->programme.name[0] == 0)
        return CONFIG_NONE; /* reported already */
    uint32_t number = find_file(draft, from->programme.name);
    if (number == CONFIG_NONE) {
        if (!draft->programmes_broken)
            complain_programme(l, draft, &from->programme);
        return CONFIG_NONE;
    }
    const struct draft_programme *file = draft->programmes[number];
    if (file->size_count > 0 && from->c.initial_balance > 0)
        check_size(l, from, file);
    if (draft->programme_broken[number])
        return CONFIG_NONE;
    uint32_t phase = find_phase(from, file);
    if (phase == CONFIG_NONE) {
        complain_phase(l, from, file);
        return CONFIG_NONE;
    }
    if (!check_options(l, from, file, phase))
        return CONFIG_NONE;
    return entry_with_options(l, draft, from, file, phase);
}
