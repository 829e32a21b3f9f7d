#include "config/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/digest.h"
#include "config/paths.h"
#include "config/policy.h"
#include "config/programmes.h"
#include "config/scalars.h"
#include "config/values.h"

/* A unix socket's path ends at 107 bytes; this leaves room for the names of our sockets. */
#define RUNTIME_DIR_MAX 80

/* --- fleet ------------------------------------------------------------------------------ */

static void resolve_folder(struct loading *l, const struct draft *draft, const char *option,
                           const struct schema_path *file, const char *key, char out[CONFIG_PATH_MAX])
{
    char flag[32];
    struct place at = file->place;
    int rc;
    if (option != NULL) {
        snprintf(flag, sizeof flag, "--%.*s", (int)strcspn(key, "_"), key);
        at = (struct place){report_file(l, flag), 1, 1};
        rc = path_from_here(option, out);
    } else {
        rc = path_absolute(draft->config_dir, file->path, out);
    }
    if (rc != 0)
        report_error(l, at, key, "path is too long; at most %d bytes", CONFIG_PATH_MAX - 1);
    else if (strcmp(key, "runtime_dir") == 0 && strlen(out) > RUNTIME_DIR_MAX)
        report_error(l, at, key, "%zu bytes, too long for sockets; at most %d", strlen(out), RUNTIME_DIR_MAX);
}

static void resolve_speed(struct loading *l)
{
    static const struct schema_field field = {
        .key = "speed", .type = SCHEMA_SPEED, .size = sizeof(double), .min = DEC_ONE / 1000, .max = 1000000 * DEC_ONE};
    char expect[160], shown[REPORT_VALUE_MAX];
    const char *text = l->options->speed;
    if (text == NULL)
        return;
    struct place at = {report_file(l, "--speed"), 1, 1};
    const char *problem = scalar_store(l, &field, text, at, &l->out->feed.speed);
    if (problem != NULL)
        report_error(l, at, "speed", "\"%s\" %s; write %s", report_value(text, strlen(text), shown), problem,
                     schema_expect(&field, expect, sizeof expect));
}

static void resolve_alert_command(struct loading *l, const struct draft *draft)
{
    const struct schema_path *command = &draft->fleet.alert_command;
    char *out = l->out->supervisor.alert_command;
    if (command->path[0] == 0)
        return;
    if (path_absolute(draft->config_dir, command->path, out) != 0)
        report_error(l, command->place, "alerts.command", "path is too long; at most %d bytes", CONFIG_PATH_MAX - 1);
    else if (access(out, X_OK) != 0)
        report_error(l, command->place, "alerts.command", "%s: %s; name a program that can be run", out,
                     strerror(errno));
}

static void resolve_order(struct loading *l, const struct draft *draft)
{
    const struct config_supervisor *s = &draft->fleet.supervisor;
    if (s->backoff_max_ns < s->backoff_first_ns)
        report_error(l, draft->fleet_place, "supervisor.backoff_max", "less than backoff_first; write a longer one");
    if (s->sync_timeout_ns < s->heartbeat_timeout_ns)
        report_error(l, draft->fleet_place, "supervisor.sync_timeout",
                     "less than heartbeat_timeout; write a longer one");
    if (draft->fleet.feed.c.to_ns != 0 && draft->fleet.feed.c.to_ns <= draft->fleet.feed.c.from_ns)
        report_error(l, draft->fleet_place, "feed.to", "not after from; write a later date");
}

void resolve_fleet(struct loading *l, struct draft *draft)
{
    struct fleet_config *out = l->out;
    const struct draft_fleet *fleet = &draft->fleet;
    memcpy(out->config_dir, draft->config_dir, sizeof out->config_dir);
    memcpy(out->owner, fleet->owner, sizeof out->owner);
    memcpy(&out->feed, &fleet->feed.c, sizeof out->feed);
    memcpy(&out->coordination, &fleet->coordination, sizeof out->coordination);
    memcpy(&out->store, &fleet->store, sizeof out->store);
    memcpy(&out->supervisor, &fleet->supervisor, sizeof out->supervisor);
    out->log_json = fleet->log_json;
    out->log_level = fleet->log_level;
    out->host = fleet->host;
    out->mode = fleet->mode;
    out->swap_zone = fleet->swap_zone;
    out->swap_second = fleet->swap_second;
    resolve_folder(l, draft, l->options->state_dir, &fleet->state_dir, "state_dir", out->state_dir);
    resolve_folder(l, draft, l->options->runtime_dir, &fleet->runtime_dir, "runtime_dir", out->runtime_dir);
    resolve_speed(l);
    resolve_alert_command(l, draft);
    resolve_order(l, draft);
    if (l->options->exit_at_end)
        out->feed.exit_at_end = true;
    tz_data_version(out->tzdata_version, sizeof out->tzdata_version);
}

/* --- instruments -------------------------------------------------------------------------- */

static int compare_instruments(const void *a, const void *b)
{
    return strcmp(((const struct draft_instrument *)a)->c.symbol, ((const struct draft_instrument *)b)->c.symbol);
}

static uint32_t find_instrument(const struct fleet_config *out, const char *symbol)
{
    for (uint32_t i = 0; i < out->instrument_count; i++)
        if (strcmp(out->instruments[i].symbol, symbol) == 0)
            return i;
    return CONFIG_NONE;
}

static void complain_instrument(struct loading *l, const struct schema_reference *name, const char *key)
{
    const char *known[CONFIG_INSTRUMENTS_MAX];
    for (uint32_t i = 0; i < l->out->instrument_count; i++)
        known[i] = l->out->instruments[i].symbol;
    const char *nearest = report_nearest(name->name, known, l->out->instrument_count);
    report_error(l, name->place, key, "instruments.yaml does not know \"%s\"; %s%s", name->name,
                 nearest != NULL ? "did you mean " : "add it there", nearest != NULL ? nearest : "");
}

static void check_instrument(struct loading *l, const struct draft_instrument *draft)
{
    const struct config_instrument *c = &draft->c;
    char key[REPORT_KEY_MAX];
    double sum = 0;
    for (int i = 0; i < 3; i++)
        sum += c->sim_loading[i] * c->sim_loading[i];
    snprintf(key, sizeof key, "instruments.%s", c->symbol);
    if (c->lot_max < c->lot_min)
        report_error(l, draft->place, key, "lot.max is less than lot.min; write a greater one");
    if (c->lot_step > 0 && c->lot_min % c->lot_step != 0)
        report_error(l, draft->place, key, "lot.min is no multiple of lot.step; make it one");
    if (sum > 1.0 + 1e-9)
        report_error(l, draft->place, key,
                     "squares of simulate.loadings sum to %.3f; at most 1 is left for the common factors", sum);
}

static void resolve_conversion(struct loading *l, const struct draft_instrument *draft, uint32_t index)
{
    char key[REPORT_KEY_MAX];
    struct config_instrument *instrument = &l->out->instruments[index];
    instrument->conversion_instrument = CONFIG_NONE;
    if (draft->conversion.name[0] == 0)
        return;
    snprintf(key, sizeof key, "instruments.%s.conversion.instrument", instrument->symbol);
    instrument->conversion_instrument = find_instrument(l->out, draft->conversion.name);
    if (instrument->conversion_instrument == CONFIG_NONE)
        complain_instrument(l, &draft->conversion, key);
}

void resolve_instruments(struct loading *l, struct draft *draft)
{
    struct draft_instruments *all = &draft->instruments;
    qsort(all->list, all->count, sizeof all->list[0], compare_instruments);
    l->out->instrument_count = all->count;
    for (uint32_t i = 0; i < all->count; i++)
        memcpy(&l->out->instruments[i], &all->list[i].c, sizeof all->list[i].c);
    for (uint32_t i = 0; i < all->count; i++) {
        check_instrument(l, &all->list[i]);
        resolve_conversion(l, &all->list[i], i);
    }
}

/* --- personalities ------------------------------------------------------------------------ */

static uint32_t find_personality(const struct fleet_config *out, const char *name)
{
    for (uint32_t i = 0; i < out->personality_count; i++)
        if (strcmp(out->personalities[i].name, name) == 0)
            return i;
    return CONFIG_NONE;
}

static bool is_used(const struct draft *draft, const char *name)
{
    for (uint32_t i = 0; i < draft->account_count; i++)
        if (strcmp(draft->accounts[i].personality.name, name) == 0)
            return true;
    return false;
}

static const char *const timeframe_names[] = {"M1", "M5", "M15", "H1", "H4", "D1"};
static_assert(sizeof timeframe_names / sizeof timeframe_names[0] == TIMEFRAME_COUNT, "every timeframe has its name");

/* The instruments that the source carries, as bits; complains about what does not fit together. */
static uint32_t usable_instruments(struct loading *l, const struct draft *draft, const struct draft_personality *from)
{
    const struct fleet_config *out = l->out;
    uint32_t mask = 0;
    for (uint32_t i = 0; i < from->instrument_count; i++) {
        const struct schema_reference *name = &from->instruments[i];
        uint32_t at = find_instrument(out, name->name);
        if (name->name[0] == 0)
            continue; /* reported already */
        if (at == CONFIG_NONE && !draft->instruments_broken)
            complain_instrument(l, name, "instruments");
        if (at == CONFIG_NONE || !out->instruments[at].active)
            continue;
        if (mask >> at & 1)
            report_error(l, name->place, "instruments", "%s twice; keep one", name->name);
        mask |= 1u << at;
    }
    return mask;
}

static void check_timeframe(struct loading *l, const struct draft_personality *from, uint32_t mask)
{
    for (uint32_t i = 0; i < l->out->instrument_count; i++) {
        const struct config_instrument *instrument = &l->out->instruments[i];
        if (mask >> i & 1 && !(instrument->timeframes >> from->c.timeframe & 1))
            report_error(l, from->place, "breakout.timeframe",
                         "%s of %s cannot be built from the %s bars of %s; choose %s or longer, or leave it out",
                         timeframe_names[from->c.timeframe], instrument->symbol,
                         timeframe_names[instrument->file_timeframe], l->out->feed.source_name,
                         timeframe_names[instrument->file_timeframe]);
    }
}

void resolve_personalities(struct loading *l, struct draft *draft)
{
    l->out->personality_count = draft->personality_count;
    for (uint32_t i = 0; i < draft->personality_count; i++) {
        const struct draft_personality *from = &draft->personalities[i];
        struct config_personality *to = &l->out->personalities[i];
        memcpy(to, &from->c, sizeof *to);
        to->instruments = usable_instruments(l, draft, from);
        if (to->risk_fraction > DEC_ONE / 100 && to->risk_override[0] == 0)
            report_error(l, from->place, "risk", "more than 1%% at one stop; write 1%% or less, or say why in risk_override");
        if (draft->instruments_broken || draft->dataset_broken || !is_used(draft, from->c.name))
            continue;
        if (to->instruments == 0 && from->instrument_count > 0)
            report_error(l, from->instruments[0].place, "instruments", "%s carries none of them; add one that it does",
                         l->out->feed.source_name);
        check_timeframe(l, from, to->instruments);
    }
}

/* --- accounts ----------------------------------------------------------------------------- */

static void complain_personality(struct loading *l, const struct schema_reference *name)
{
    const char *known[CONFIG_PERSONALITIES_MAX];
    for (uint32_t i = 0; i < l->out->personality_count; i++)
        known[i] = l->out->personalities[i].name;
    const char *nearest = report_nearest(name->name, known, l->out->personality_count);
    report_error(l, name->place, "personality", "no personality \"%s\" in personalities/; %s%s", name->name,
                 nearest != NULL ? "did you mean " : "add it there", nearest != NULL ? nearest : "");
}

/* Profit in one currency, the account in another: the conversion must lead from one to the other. */
static const char *conversion_problem(const struct fleet_config *out, const struct config_instrument *instrument,
                                      const char *currency)
{
    bool same = strcmp(instrument->profit_currency, currency) == 0;
    if (same)
        return instrument->conversion_instrument == CONFIG_NONE ? NULL : "is converted all the same";
    if (instrument->conversion_instrument == CONFIG_NONE)
        return "has no conversion";
    const struct config_instrument *rate = &out->instruments[instrument->conversion_instrument];
    if (!rate->active)
        return "is converted by an instrument that the source does not carry";
    bool arrives = instrument->conversion_inverse ? strncmp(rate->symbol, currency, 3) == 0
                                                  : strcmp(rate->profit_currency, currency) == 0;
    return arrives ? NULL : "is converted into another currency";
}

static void check_currency(struct loading *l, const struct draft_account *from, uint32_t mask)
{
    for (uint32_t i = 0; i < l->out->instrument_count; i++) {
        const struct config_instrument *instrument = &l->out->instruments[i];
        const char *problem = mask >> i & 1 ? conversion_problem(l->out, instrument, from->c.currency) : NULL;
        if (problem != NULL)
            report_error(l, from->place, "balance",
                         "profit of %s is in %s, the account in %s, and %s %s; see its conversion in instruments.yaml",
                         instrument->symbol, instrument->profit_currency, from->c.currency, instrument->symbol,
                         problem);
    }
}

static int compare_accounts(const void *a, const void *b)
{
    return strcmp(((const struct draft_account *)a)->c.name, ((const struct draft_account *)b)->c.name);
}

static void resolve_account(struct loading *l, struct draft *draft, const struct draft_account *from,
                            struct config_account *to)
{
    memcpy(to, &from->c, sizeof *to);
    to->programme = programme_of_account(l, draft, from);
    to->personality = find_personality(l->out, from->personality.name);
    if (from->c.durability == DRAFT_BY_MARKET)
        to->durability = l->out->feed.live ? DURABILITY_POWER : DURABILITY_CRASH;
    else
        to->durability = from->c.durability == DRAFT_POWER ? DURABILITY_POWER : DURABILITY_CRASH;
    if (to->personality == CONFIG_NONE && from->personality.name[0] != 0 && !draft->personalities_broken)
        complain_personality(l, &from->personality);
    if (to->personality != CONFIG_NONE && from->c.currency[0] != 0 && !draft->instruments_broken)
        check_currency(l, from, l->out->personalities[to->personality].instruments);
    if (to->paper.latency_p99_ns < to->paper.latency_in_ns)
        report_error(l, from->place, "paper.latency_p99", "less than the median latency_in; write a longer one");
}

void resolve_accounts(struct loading *l, struct draft *draft)
{
    qsort(draft->accounts, draft->account_count, sizeof draft->accounts[0], compare_accounts);
    l->out->account_count = draft->account_count;
    for (uint32_t i = 0; i < draft->account_count; i++)
        resolve_account(l, draft, &draft->accounts[i], &l->out->accounts[i]);
    resolve_policies(l, draft);
    if (l->report->error_count > 0)
        return; /* a digest follows indices, which may be wrong */
    for (uint32_t i = 0; i < draft->account_count; i++)
        l->out->accounts[i].digest = config_account_digest(l->out, i);
}
