#include "config/calendar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "config/document.h"
#include "config/paths.h"
#include "config/values.h"

#define DAY_NS (86400 * CLOCK_NS_PER_S)
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *show_day(int64_t ns, char buf[16])
{
    int year, month, day;
    tz_civil_from_days(ns / DAY_NS, &year, &month, &day);
    snprintf(buf, 16, "%04d-%02d-%02d", year % 10000, month, day);
    return buf;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* 0, or -EINVAL (reported). *at becomes the file. */
static int read_from_file(struct loading *l, const struct draft *draft, struct calendar *out, struct place *at)
{
    const struct schema_path *file = &draft->fleet.calendar.file;
    char shown[REPORT_NAME_MAX], *path = l->out->calendar.path;
    unsigned char *bytes;
    size_t size;
    struct stat st;
    bool ics = path_ends(file->path, ".ics");
    if (!ics && !path_ends(file->path, ".csv")) {
        report_error(l, file->place, "calendar.file", "neither .csv nor .ics; name it by what it is");
        return -EINVAL;
    }
    if (path_absolute(draft->config_dir, file->path, path) != 0 ||
        path_join(file->path[0] == '/' ? "" : l->options->config_dir, file->path, shown, sizeof shown) != 0) {
        report_error(l, file->place, "calendar.file", "path is too long; at most %d bytes", CONFIG_PATH_MAX - 1);
        return -EINVAL;
    }
    *at = (struct place){report_file(l, file->path[0] == '/' ? file->path : shown), 1, 1};
    int rc = document_read_bytes(l, at->file, path, &(struct document_limit){CALENDAR_BYTES_MAX, ics ? "an ICS" : "a CSV"}, &bytes, &size);
    if (rc == 0)
        rc = ics ? calendar_read_ics(l, at->file, (const char *)bytes, size, out)
                 : calendar_read_csv(l, at->file, (const char *)bytes, size, out);
    free(bytes);
    if (!out->has_published && stat(path, &st) == 0)
        out->published_ns = (int64_t)st.st_mtim.tv_sec * CLOCK_NS_PER_S;
    return rc;
}

/* --- which instruments --------------------------------------------------------------------------------- */

static bool has_base(const struct config_instrument *in)
{
    return in->asset_class == ASSET_FX || in->asset_class == ASSET_METAL || in->asset_class == ASSET_CRYPTO;
}

static bool concerns(const struct draft_instrument *draft, const struct config_instrument *in, const char *target)
{
    if (strcmp(target, "ALL") == 0 || strcmp(target, in->symbol) == 0)
        return true;
    if (strcmp(target, CALENDAR_WEEKLY) == 0)
        return in->closed_weekend;
    if (strcmp(target, CALENDAR_INDICES) == 0)
        return in->closed_weekend && (in->asset_class == ASSET_INDEX || in->asset_class == ASSET_FUTURE);
    if (strlen(target) != 3)
        return false;
    if (strcmp(target, in->profit_currency) == 0 || (has_base(in) && strncmp(in->symbol, target, 3) == 0))
        return true;
    for (uint32_t i = 0; i < draft->news_count; i++)
        if (strcmp(target, draft->news[i].name) == 0)
            return true;
    return false;
}

static uint32_t instruments_of(const struct loading *l, const struct draft *draft, const char *target)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < l->out->instrument_count; i++)
        mask |= (uint32_t)concerns(&draft->instruments.list[i], &l->out->instruments[i], target) << i;
    return mask;
}

static void check_news(struct loading *l, const struct draft *draft)
{
    for (uint32_t i = 0; i < draft->instruments.count; i++) {
        const struct draft_instrument *in = &draft->instruments.list[i];
        for (uint32_t k = 0; k < in->news_count; k++)
            if (strlen(in->news[k].name) != 3 || strspn(in->news[k].name, CAPITAL) != 3)
                report_error(l, in->news[k].place, "news", "\"%s\" is not a currency; write currencies such as [USD, EUR]",
                             in->news[k].name);
    }
}

/* --- rows in order --------------------------------------------------------------------------------------- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_same(const struct calendar_row *x, const struct calendar_row *y)
{
    int order = compare_numbers(x->kind, y->kind);
    order = order != 0 ? order : compare_numbers(x->from_ns, y->from_ns);
    order = order != 0 ? order : compare_numbers(x->to_ns, y->to_ns);
    order = order != 0 ? order : strcmp(x->text.target, y->text.target);
    return order != 0 ? order : strcmp(x->text.name, y->text.name);
}

/* Of what is the same the most important first. */
static int compare_rows(const void *a, const void *b)
{
    const struct calendar_row *x = a, *y = b;
    int order = compare_same(x, y);
    order = order != 0 ? order : compare_numbers(y->importance, x->importance);
    return order != 0 ? order : compare_numbers(x->place.line, y->place.line);
}

static void drop_repetitions(struct loading *l, struct calendar *c)
{
    uint32_t kept = 0, dropped = 0;
    struct place place = {0, 0, 0};
    for (uint32_t i = 0; i < c->count; i++) {
        if (kept > 0 && compare_same(&c->rows[kept - 1], &c->rows[i]) == 0) {
            place = dropped++ == 0 ? c->rows[i].place : place;
            continue;
        }
        if (kept != i)
            memcpy(&c->rows[kept], &c->rows[i], sizeof c->rows[0]);
        kept++;
    }
    c->count = kept;
    if (dropped > 0)
        report_warning(l, place, "row", "the same as another one (%u such rows in all); each is taken once, with the highest importance",
                       dropped);
}

static void check_row(struct loading *l, const struct draft *draft, const struct calendar *c, struct calendar_row *row)
{
    row->instruments = instruments_of(l, draft, row->text.target);
    if (row->instruments == 0 && strlen(row->text.target) != 3 && row->text.target[0] != '(')
        report_error(l, row->place, "currency", "\"%s\" is neither a currency nor a symbol of instruments.yaml; write one",
                     row->text.target);
    if (row->kind == CALENDAR_NEWS && (row->from_ns < c->valid_from_ns || row->from_ns >= c->valid_to_ns))
        report_error(l, row->place, "time", "outside the validity of the calendar; correct one of the two");
}

/* --- into the configuration -------------------------------------------------------------------------------- */

static uint64_t digest_of(const struct calendar *c, uint32_t kind)
{
    uint64_t h = hash_combine(hash_combine(kind, (uint64_t)c->valid_from_ns), (uint64_t)c->valid_to_ns);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct calendar_row *row = &c->rows[i];
        h = hash_combine(hash_combine(h, (uint64_t)row->from_ns), (uint64_t)row->to_ns);
        h = hash_combine(h, (uint64_t)row->kind << 40 | (uint64_t)row->importance << 32 | row->instruments);
        h = hash_bytes(&row->text, sizeof row->text, h);
    }
    return h;
}

static bool count_rows(struct loading *l, struct place at, const struct calendar *c, struct config_calendar *out)
{
    uint32_t events = 0, closures = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        out->left_out += c->rows[i].instruments == 0;
        events += c->rows[i].instruments != 0 && c->rows[i].kind == CALENDAR_NEWS;
        closures += c->rows[i].instruments != 0 && c->rows[i].kind == CALENDAR_CLOSE;
    }
    if (events > CONFIG_EVENTS_MAX || closures > CONFIG_CLOSURES_MAX) {
        report_error(l, at, "file", "%u events and %u closes; at most %u and %u, leave out the past", events, closures,
                     CONFIG_EVENTS_MAX, CONFIG_CLOSURES_MAX);
        return false;
    }
    if (l->options->tail) {
        out->event_count = events;
        out->closure_count = closures;
    }
    return true;
}

/* Rows are sorted with the news first, so each array is filled in its order. */
static void fill_arrays(struct fleet_config *out, const struct calendar *c)
{
    unsigned char *events = (unsigned char *)(out + 1);
    unsigned char *closures = events + out->calendar.event_count * sizeof(struct rules_event);
    unsigned char *texts = closures + out->calendar.closure_count * sizeof(struct hours_closure);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct calendar_row *row = &c->rows[i];
        if (row->instruments == 0)
            continue;
        if (row->kind == CALENDAR_NEWS) {
            struct rules_event event = {row->from_ns, row->instruments, row->importance};
            memcpy(events, &event, sizeof event);
            events += sizeof event;
        } else {
            struct hours_closure closure = {row->from_ns, row->to_ns, row->instruments, 0};
            memcpy(closures, &closure, sizeof closure);
            closures += sizeof closure;
        }
        memcpy(texts, &row->text, sizeof row->text);
        texts += sizeof row->text;
    }
}

/* --- what a person should know ------------------------------------------------------------------------------- */

int64_t calendar_now_ns(const struct loader_options *options)
{
    const char *given = getenv("PROPFLEET_TODAY");
    int64_t days;
    if (options->today_ns != 0)
        return options->today_ns;
    if (given != NULL && value_date(given, &days) == NULL)
        return days * DAY_NS;
    return (int64_t)time(NULL) * CLOCK_NS_PER_S;
}

/* The market time that is traded; *to INT64_MAX: without an end. False: not known. */
static bool replay_span(const struct config_feed *feed, int64_t *from, int64_t *to)
{
    *from = feed->source == SOURCE_SIMULATOR ? feed->sim_start_ns : feed->from_ns;
    *to = feed->to_ns != 0 ? feed->to_ns : INT64_MAX;
    if (feed->source == SOURCE_SIMULATOR && feed->sim_days != 0)
        *to = feed->sim_start_ns + feed->sim_days * DAY_NS;
    return feed->source == SOURCE_SIMULATOR || feed->from_ns != 0;
}

/* Does the calendar hold for all that this fleet will trade, as far as that is known? */
static bool covers_market(const struct loading *l, int64_t valid_from_ns, int64_t valid_to_ns)
{
    const struct config_feed *feed = &l->out->feed;
    int64_t from, to, now = calendar_now_ns(l->options);
    if (feed->live || !replay_span(feed, &from, &to))
        return valid_from_ns <= now && now < valid_to_ns;
    return valid_from_ns <= from && to <= valid_to_ns;
}

static void warn(struct loading *l, struct place at, uint32_t kind, const struct calendar *c)
{
    char from[16], to[16];
    int64_t left_ns = c->valid_to_ns - calendar_now_ns(l->options), from_ns, to_ns;
    bool live = l->out->feed.live;
    show_day(c->valid_from_ns, from);
    show_day(c->valid_to_ns, to);
    if (kind == CALENDAR_DERIVED && live)
        report_warning(l, at, "calendar.derived", "DERIVED dates in a live market: no CPI, no FOMC; use a calendar from a file");
    if (kind == CALENDAR_FILE && left_ns >= 0 && left_ns < CALENDAR_ENDS_SOON_DAYS * DAY_NS)
        report_warning(l, at, "valid_to", "%s, in %lld days; fetch a new calendar before, then every news window is closed for entries",
                       to, (long long)(left_ns / DAY_NS));
    if (covers_market(l, c->valid_from_ns, c->valid_to_ns))
        return;
    if (live || !replay_span(&l->out->feed, &from_ns, &to_ns))
        report_warning(l, at, "valid_to", "valid from %s to %s, not today: every news window is closed for entries; fetch a new calendar",
                       from, to);
    else
        report_warning(l, at, "valid_to",
                       "valid from %s to %s, which is not all of the replay: outside every news window is closed for entries", from, to);
}

void calendar_check_rules(struct loading *l, struct place at, const struct rules_set *set)
{
    const struct config_calendar *c = &l->out->calendar;
    char from[16], to[16];
    for (uint32_t i = 0; i < set->window_count; i++) {
        const struct rules_window *window = &set->windows[i];
        if (window->kind != RULES_NEWS)
            continue;
        if (c->kind == CALENDAR_NONE)
            report_warning(l, at, "calendar", "news window %s and no calendar: it is closed for entries all the time; write calendar: in fleet.yaml",
                           window->head.id);
        else if (!covers_market(l, c->valid_from_ns, c->valid_to_ns))
            report_warning(l, at, "calendar", "news window %s is closed for entries outside %s to %s; fetch a calendar that is valid",
                           window->head.id, show_day(c->valid_from_ns, from), show_day(c->valid_to_ns, to));
    }
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static void take(struct loading *l, const struct draft *draft, struct place at, struct calendar *c)
{
    struct config_calendar *out = &l->out->calendar;
    unsigned before = l->report->error_count;
    if (c->valid_to_ns <= c->valid_from_ns)
        report_error(l, at, "valid_to", "not after valid_from; write a later date");
    if (draft->instruments_broken || l->report->error_count != before)
        return;
    for (uint32_t i = 0; i < c->count; i++)
        check_row(l, draft, c, &c->rows[i]);
    if (l->report->error_count != before)
        return;
    if (c->count > 0)
        qsort(c->rows, c->count, sizeof c->rows[0], compare_rows);
    drop_repetitions(l, c);
    out->valid_from_ns = c->valid_from_ns;
    out->valid_to_ns = c->valid_to_ns;
    out->published_ns = c->published_ns;
    memcpy(out->version, c->version, sizeof out->version);
    out->digest = digest_of(c, out->kind);
    if (!count_rows(l, at, c, out))
        return;
    if (l->options->tail)
        fill_arrays(l->out, c);
    warn(l, at, out->kind, c);
}

void calendar_resolve(struct loading *l, const struct draft *draft)
{
    const struct draft_calendar *wanted = &draft->fleet.calendar;
    struct config_calendar *out = &l->out->calendar;
    struct place at = draft->fleet_place;
    check_news(l, draft);
    if (wanted->file.path[0] != 0 && wanted->derived) {
        report_error(l, wanted->file.place, "calendar", "both a file and derived; keep one");
        return;
    }
    if (draft->fleet_broken || (wanted->file.path[0] == 0 && !wanted->derived))
        return;
    struct calendar *c = calloc(1, sizeof *c); /* its zones are large */
    if (c == NULL) {
        report_error(l, at, "calendar", "out of memory; free some");
        return;
    }
    out->kind = wanted->derived ? CALENDAR_DERIVED : CALENDAR_FILE;
    if ((wanted->derived ? calendar_derive(l, at, c) : read_from_file(l, draft, c, &at)) == 0)
        take(l, draft, at, c);
    calendar_free(c);
    free(c);
}
