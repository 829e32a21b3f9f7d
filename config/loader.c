#include "config/loader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/hash.h"
#include "config/calendar.h"
#include "config/paths.h"
#include "config/programmes.h"
#include "config/resolve.h"
#include "config/source.h"

/* --- one file ---------------------------------------------------------------------------- */

/* Where a file is, and what the user would call it. */
struct location {
    char path[CONFIG_PATH_MAX], shown[REPORT_NAME_MAX];
};

/* False when the names are too long (reported). */
static bool locate(struct loading *l, const struct draft *draft, const char *name, struct location *out)
{
    if (path_join(draft->config_dir, name, out->path, sizeof out->path) == 0 &&
        path_join(l->options->config_dir, name, out->shown, sizeof out->shown) == 0)
        return true;
    report_error(l, (struct place){report_file(l, name), 1, 1}, "file", "path is too long; move the configuration");
    return false;
}

/* Read one file into a draft. 0, or -EINVAL; *broken becomes true when there was nothing to read from. */
static int read_file(struct loading *l, const struct location *location, const struct schema_table *table, void *out,
                     struct place *place, bool *broken)
{
    struct document document;
    if (document_open(l, location->path, location->shown, &document) != 0) {
        *broken = true;
        return -EINVAL;
    }
    *place = document_place(&document, document_root(&document));
    int rc = schema_read(l, &document, document_root(&document), table, "", out);
    document_close(&document);
    return rc;
}

/* --- one folder ---------------------------------------------------------------------------- */

struct kind {
    const char *folder;
    bool required;
    const char *what;
    void (*take)(struct loading *l, struct draft *draft, const char *name, const struct location *location);
    size_t broken_offset; /* bool of struct draft, true when the folder cannot be read */
};

static void warn_other_endings(struct loading *l, const struct draft *draft, const char *folder)
{
    struct location location;
    struct path_names names;
    if (!locate(l, draft, folder, &location) || path_names_read(location.path, ".yml", &names) != 0)
        return;
    for (size_t i = 0; i < names.count; i++) {
        char shown[REPORT_NAME_MAX];
        if (path_join(location.shown, names.list[i], shown, sizeof shown) == 0)
            report_warning(l, (struct place){report_file(l, shown), 1, 1}, "file",
                           "ignored; rename it to end in .yaml");
    }
    path_names_free(&names);
}

static void read_folder(struct loading *l, struct draft *draft, const struct kind *kind)
{
    struct location location;
    struct path_names names;
    if (!locate(l, draft, kind->folder, &location))
        return;
    int rc = path_names_read(location.path, ".yaml", &names);
    if (rc != 0 && (kind->required || rc != -ENOENT))
        report_error(l, (struct place){report_file(l, location.shown), 1, 1}, "file", "%s; create the folder, with %s",
                     strerror(-rc), kind->what);
    if (rc != 0) {
        memcpy((unsigned char *)draft + kind->broken_offset, &(bool){true}, sizeof(bool));
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        char name[CONFIG_PATH_MAX];
        struct location file;
        if (path_join(kind->folder, names.list[i], name, sizeof name) == 0 && locate(l, draft, name, &file))
            kind->take(l, draft, names.list[i], &file);
    }
    path_names_free(&names);
    warn_other_endings(l, draft, kind->folder);
}

/* Room for one more? Reported when there is not. */
static bool room_for(struct loading *l, struct place place, uint32_t count, uint32_t maximum, const char *what)
{
    if (count < maximum)
        return true;
    report_error(l, place, "file", "more than %u %s; remove some", maximum, what);
    return false;
}

/* A draft of its own, so that a file that is not taken leaves nothing behind. */
static void *new_draft(struct loading *l, const struct location *location, size_t size)
{
    void *draft = calloc(1, size);
    if (draft == NULL)
        report_error(l, (struct place){report_file(l, location->shown), 1, 1}, "file", "out of memory; free some");
    return draft;
}

static const char *file_of(const struct loading *l, struct place place)
{
    return l->files[place.file];
}

/* As read_file, with the digest of what was read. */
static int read_programme(struct loading *l, const struct location *location, struct draft_programme *p, bool *broken)
{
    struct document document;
    if (document_open(l, location->path, location->shown, &document) != 0) {
        *broken = true;
        return -EINVAL;
    }
    p->place = document_place(&document, document_root(&document));
    p->digest = hash_bytes(document.bytes, document.size, 0);
    int rc = schema_read(l, &document, document_root(&document), &table_programme, "", p);
    document_close(&document);
    return rc;
}

static void take_programme(struct loading *l, struct draft *draft, const char *name, const struct location *location)
{
    (void)name;
    struct draft_programme *p = new_draft(l, location, sizeof *p);
    if (p == NULL)
        return;
    bool broken = false;
    int rc = read_programme(l, location, p, &broken);
    draft->programmes_broken |= broken || p->firm[0] == 0 || p->name[0] == 0;
    bool taken = !broken && room_for(l, p->place, draft->programme_count, DRAFT_FILES_MAX, "programmes");
    for (uint32_t i = 0; taken && i < draft->programme_count; i++) {
        const struct draft_programme *other = draft->programmes[i];
        if (p->name[0] == 0 || strcmp(other->firm, p->firm) != 0 || strcmp(other->name, p->name) != 0)
            continue;
        report_error(l, p->place, "programme", "%s/%s is also in %s:%u; give it another name", p->firm, p->name,
                     file_of(l, other->place), other->place.line);
        taken = false;
    }
    if (!taken) {
        free(p);
        return;
    }
    draft->programme_broken[draft->programme_count] = rc != 0;
    draft->programmes[draft->programme_count++] = p;
}

static void take_personality(struct loading *l, struct draft *draft, const char *name, const struct location *location)
{
    (void)name;
    struct draft_personality *p = new_draft(l, location, sizeof *p);
    if (p == NULL)
        return;
    bool broken = false;
    read_file(l, location, &table_personality, p, &p->place, &broken);
    draft->personalities_broken |= broken || p->c.name[0] == 0;
    bool taken = !broken && room_for(l, p->place, draft->personality_count, CONFIG_PERSONALITIES_MAX, "personalities");
    for (uint32_t i = 0; taken && i < draft->personality_count; i++) {
        const struct draft_personality *other = &draft->personalities[i];
        if (p->c.name[0] == 0 || strcmp(other->c.name, p->c.name) != 0)
            continue;
        report_error(l, p->place, "name", "personality %s is also in %s:%u; give it another name", p->c.name,
                     file_of(l, other->place), other->place.line);
        taken = false;
    }
    if (taken)
        memcpy(&draft->personalities[draft->personality_count++], p, sizeof *p);
    free(p);
}

/* What lies in the state folder beside the accounts' own folders: the archive, the coordinator's ledger, the supervisor's numbers of
 * its children. Files with a dot in their name cannot be an account's. */
static bool is_of_state_folder(const char *name)
{
    static const char *const names[] = {"feed", "coordinator", "generations"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void take_account(struct loading *l, struct draft *draft, const char *name, const struct location *location)
{
    (void)name;
    struct draft_account *a = new_draft(l, location, sizeof *a);
    if (a == NULL)
        return;
    bool broken = false;
    read_file(l, location, &table_account, a, &a->place, &broken);
    bool taken = !broken && room_for(l, a->place, draft->account_count, CONFIG_ACCOUNTS_MAX, "accounts");
    for (uint32_t i = 0; taken && i < draft->account_count; i++) {
        const struct draft_account *other = &draft->accounts[i];
        if (a->c.name[0] == 0 || strcmp(other->c.name, a->c.name) != 0)
            continue;
        report_error(l, a->place, "name", "account %s is also in %s:%u; give it another name", a->c.name,
                     file_of(l, other->place), other->place.line);
        taken = false;
    }
    if (taken && is_of_state_folder(a->c.name)) {
        report_error(l, a->place, "name", "%s is taken in the state folder, where each account has a folder of its name; "
                     "give it another name", a->c.name);
        taken = false;
    }
    if (taken)
        memcpy(&draft->accounts[draft->account_count++], a, sizeof *a);
    free(a);
}

/* Every data-set file is checked; the one that was asked for is kept. */
static void take_dataset(struct loading *l, struct draft *draft, const char *name, const struct location *location)
{
    char stem[CONFIG_PATH_MAX];
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(name) - strlen(".yaml")), name);
    struct draft_dataset *set = new_draft(l, location, sizeof *set);
    if (set == NULL)
        return;
    int rc = source_read_dataset(l, location->path, location->shown, set);
    if (source_wants(l, draft, stem)) {
        memcpy(&draft->dataset, set, sizeof *set);
        draft->has_dataset = true;
        draft->dataset_broken = rc != 0;
    }
    free(set);
}

static const struct kind kinds[] = {
    {"firms", true, "one file for each programme", take_programme, offsetof(struct draft, programmes_broken)},
    {"personalities", true, "one file for each personality", take_personality,
     offsetof(struct draft, personalities_broken)},
    {"accounts", true, "one file for each account", take_account, offsetof(struct draft, accounts_broken)},
    {"datasets", false, "one file for each data set", take_dataset, offsetof(struct draft, datasets_missing)},
};

/* --- all of it ------------------------------------------------------------------------------ */

static bool find_config_dir(struct loading *l, struct draft *draft)
{
    char *resolved = realpath(l->options->config_dir, NULL);
    struct place at = {report_file(l, l->options->config_dir), 1, 1};
    struct stat st;
    bool found = false;
    if (resolved == NULL || stat(resolved, &st) != 0)
        report_error(l, at, "file", "%s; name the folder of the configuration (--config DIR)", strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        report_error(l, at, "file", "not a folder; name the folder of the configuration (--config DIR)");
    else if (strlen(resolved) >= sizeof draft->config_dir)
        report_error(l, at, "file", "path is too long; move the configuration");
    else
        found = true;
    if (found)
        snprintf(draft->config_dir, sizeof draft->config_dir, "%s", resolved);
    free(resolved);
    return found;
}

static void read_everything(struct loading *l, struct draft *draft)
{
    struct location location;
    struct place ignored;
    if (locate(l, draft, "fleet.yaml", &location))
        read_file(l, &location, &table_fleet, &draft->fleet, &draft->fleet_place, &draft->fleet_broken);
    draft->dataset_broken = draft->fleet_broken; /* the source is not known then */
    if (locate(l, draft, "instruments.yaml", &location))
        read_file(l, &location, &table_instruments, &draft->instruments, &ignored, &draft->instruments_broken);
    draft->instruments_broken |= draft->instruments.count == 0;
    resolve_instruments(l, draft); /* rules name symbols */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        read_folder(l, draft, &kinds[i]);
    if (draft->account_count == 0 && l->report->error_count == 0)
        report_warning(l, draft->fleet_place, "accounts", "the fleet has no account; add a file in accounts/");
}

static void resolve_everything(struct loading *l, struct draft *draft)
{
    if (!draft->fleet_broken)
        resolve_fleet(l, draft);
    if (!draft->fleet_broken)
        source_resolve(l, draft);
    calendar_resolve(l, draft);
    resolve_programmes(l, draft);
    resolve_personalities(l, draft);
    resolve_accounts(l, draft);
    for (uint32_t p = 0; p < l->out->programme_count && l->report->error_count == 0; p++)
        for (uint32_t i = 0; i < l->out->account_count; i++)
            if (l->out->accounts[i].name[0] && l->out->accounts[i].programme == p) {
                calendar_check_rules(l, draft->fleet_place, &l->out->programmes[p].rules);
                break;
            }
}

int loader_load(const struct loader_options *options, struct fleet_config *out, struct loader_report *report)
{
    memset(out, 0, sizeof *out);
    memset(report, 0, sizeof *report);
    struct loading *l = calloc(1, sizeof *l);
    struct draft *draft = calloc(1, sizeof *draft);
    struct error err = {0};
    if (l == NULL || draft == NULL) {
        report->error_count = 1;
        snprintf(report->errors[0].text, sizeof report->errors[0].text, "%s:1:1: file: out of memory; free some",
                 options->config_dir);
        goto out;
    }
    *l = (struct loading){.options = options, .out = out, .report = report};
    if (!find_config_dir(l, draft))
        goto out;
    read_everything(l, draft);
    resolve_everything(l, draft);
    if (!options->tail)
        out->calendar.valid_from_ns = out->calendar.valid_to_ns = 0; /* its events are not there */
    config_stamp(out);
    /* What the loader lets through, every reader must take: a refusal here is a mistake of ours. */
    if (report->error_count == 0 && config_check(out, config_size(out), &err) != 0)
        report_error(l, draft->fleet_place, "config", "%s; please report this", err.text);
out:
    for (uint32_t i = 0; draft != NULL && i < draft->programme_count; i++)
        free(draft->programmes[i]);
    free(draft);
    free(l);
    return report->error_count == 0 ? 0 : -EINVAL;
}

void loader_explain(FILE *out)
{
    static const struct {
        const char *file;
        const struct schema_table *table;
    } files[] = {
        {"fleet.yaml", &table_fleet},        {"instruments.yaml", &table_instruments},
        {"firms/*.yaml", &table_programme},  {"personalities/*.yaml", &table_personality},
        {"accounts/*.yaml", &table_account}, {"datasets/*.yaml", &table_dataset},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        fprintf(out, "%s%s\n", i > 0 ? "\n" : "", files[i].file);
        schema_explain(files[i].table, "", out);
    }
}
