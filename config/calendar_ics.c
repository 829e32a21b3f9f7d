/* The ICS form of a calendar (RFC 5545): the VEVENTs of a VCALENDAR, one moment each. */
#include "config/calendar.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES 1024 /* of a property that is used, unfolded */
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct property {
    char text[LINE_MAX_BYTES]; /* name, parameters, value; cut in parts by parse_property */
    size_t length;
    bool too_long;
    uint32_t line;             /* of its first line, from 1 */
    const char *name, *value, *zone;
};
struct event {
    struct place place;
    char start[32], end[32], start_zone[TZ_NAME_MAX], end_zone[TZ_NAME_MAX]; /* as calendar_parse_time takes them */
    struct place start_at, end_at;
    bool has_start, has_end, broken, cancelled;
    char name[256], category[12], target[12];
    uint32_t importance, priority, kind;
};
struct reader {
    struct loading *l;
    struct calendar *out;
    uint32_t file;
    const char *bytes;
    size_t size, at;
    uint32_t line;
    bool in_calendar, in_event;
    unsigned depth;            /* of components inside a VEVENT or beside it that are skipped */
    char zone[TZ_NAME_MAX];    /* of floating times: X-WR-TIMEZONE */
    struct event event;
    struct property p;
};

static struct place here(const struct reader *r)
{
    return (struct place){r->file, r->p.line, 1};
}

static void complain(struct reader *r, const char *key, const char *value, const char *problem, const char *remedy)
{
    char shown[REPORT_VALUE_MAX];
    r->event.broken = true;
    report_error(r->l, here(r), key, "\"%s\" %s; %s", report_value(value, strlen(value), shown), problem, remedy);
}

/* --- lines ------------------------------------------------------------------------------------------- */

static size_t line_length(const struct reader *r, size_t from)
{
    const char *end = memchr(r->bytes + from, '\n', r->size - from);
    return end != NULL ? (size_t)(end - (r->bytes + from)) : r->size - from;
}

/* The next property, its folded lines joined (3.1: a line that begins with a blank or a tab goes on with the one
 * before). False at the end. */
static bool next_property(struct reader *r)
{
    struct property *p = &r->p;
    p->length = 0;
    p->too_long = false;
    if (r->at >= r->size)
        return false;
    p->line = r->line + 1;
    bool first = true;
    do {
        size_t length = line_length(r, r->at), skip = first ? 0 : 1;
        const char *from = r->bytes + r->at + skip;
        r->at += length + 1;
        r->line++;
        if (length > skip && from[length - skip - 1] == '\r')
            length--;
        size_t n = length > skip ? length - skip : 0;
        if (n > sizeof p->text - 1 - p->length) {
            n = sizeof p->text - 1 - p->length;
            p->too_long = true;
        }
        memcpy(p->text + p->length, from, n);
        p->length += n;
        first = false;
    } while (r->at < r->size && (r->bytes[r->at] == ' ' || r->bytes[r->at] == '\t'));
    p->text[p->length] = 0;
    return true;
}

/* NAME;PARAM=VALUE;PARAM="VALUE":VALUE. False: no property. */
static bool parse_property(struct property *p)
{
    char *at = p->text + strcspn(p->text, ";:");
    p->zone = NULL;
    p->name = p->text;
    while (*at == ';') {
        *at++ = 0;
        char *name = at;
        at += strcspn(at, "=;:");
        if (*at != '=')
            return false;
        *at++ = 0;
        char *value = at;
        if (*at == '"') {
            value = ++at;
            at += strcspn(at, "\"");
            if (*at != '"')
                return false;
            *at++ = 0;
        } else {
            at += strcspn(at, ";:");
        }
        char end = *at;
        if (end != ';' && end != ':')
            return false;
        *at = 0;
        if (strcasecmp(name, "TZID") == 0)
            p->zone = value[0] == '/' ? value + 1 : value;
        *at = end;
    }
    if (*at != ':')
        return false;
    /* The values' ends that were put back are put in again, now that nothing is looked for behind them. */
    for (char *c = p->text; c < at; c++)
        if (*c == ';')
            *c = 0;
    *at = 0;
    p->value = at + 1;
    return true;
}

/* --- properties of an event -------------------------------------------------------------------------------- */

/* "20261204T083000Z" to "2026-12-04T08:30:00Z". False: neither that nor a date. */
static bool iso_time(const char *value, char out[32])
{
    size_t digits = strspn(value, "0123456789");
    if (digits != 8)
        return false;
    int n = snprintf(out, 32, "%.4s-%.2s-%.2s", value, value + 4, value + 6);
    if (value[8] == 0)
        return true;
    const char *time = value + 9;
    if (value[8] != 'T' || strspn(time, "0123456789") != 6 || (time[6] != 0 && strcmp(time + 6, "Z") != 0))
        return false;
    snprintf(out + n, 32 - (size_t)n, "T%.2s:%.2s:%.2s%s", time, time + 2, time + 4, time + 6);
    return true;
}

static void take_time(struct reader *r, bool start)
{
    struct event *e = &r->event;
    const struct property *p = &r->p;
    const char *key = start ? "DTSTART" : "DTEND";
    char *zone = start ? e->start_zone : e->end_zone;
    if (start ? e->has_start : e->has_end)
        complain(r, key, p->value, "stands there twice", "keep one");
    else if (!iso_time(p->value, start ? e->start : e->end))
        complain(r, key, p->value, "is no time of the form 20261204T133000Z", "write it so");
    else if (p->zone != NULL && strlen(p->zone) >= TZ_NAME_MAX)
        complain(r, key, p->zone, "is too long for a zone", "write a zone such as America/New_York");
    else
        snprintf(zone, TZ_NAME_MAX, "%s", p->zone != NULL ? p->zone : r->zone);
    *(start ? &e->has_start : &e->has_end) = true;
    *(start ? &e->start_at : &e->end_at) = here(r);
}

/* 3.3.11: \n \, \; \\ . */
static void unescape(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text != 0 && n < size - 1; text++) {
        if (*text == '\\' && text[1] != 0)
            text++, out[n++] = *text == 'n' || *text == 'N' ? ' ' : *text;
        else
            out[n++] = *text;
    }
    out[n] = 0;
}

static bool is_currency(const char *text, size_t length)
{
    return length == 3 && strspn(text, CAPITAL) >= 3;
}

static void take_categories(struct event *e, const char *value)
{
    for (const char *at = value; *at != 0;) {
        size_t length = strcspn(at, ",");
        if (is_currency(at, length) && e->category[0] == 0)
            snprintf(e->category, sizeof e->category, "%.3s", at);
        at += length + (at[length] == ',');
    }
}

static void take_property(struct reader *r)
{
    struct event *e = &r->event;
    const struct property *p = &r->p;
    const char *problem = NULL;
    if (strcasecmp(p->name, "DTSTART") == 0 || strcasecmp(p->name, "DTEND") == 0) {
        take_time(r, strcasecmp(p->name, "DTSTART") == 0);
    } else if (strcasecmp(p->name, "SUMMARY") == 0) {
        unescape(p->value, e->name, sizeof e->name);
    } else if (strcasecmp(p->name, "CATEGORIES") == 0) {
        take_categories(e, p->value);
    } else if (strcasecmp(p->name, "STATUS") == 0) {
        e->cancelled = strcasecmp(p->value, "CANCELLED") == 0;
    } else if (strcasecmp(p->name, "PRIORITY") == 0) {
        e->priority = p->value[0] >= '0' && p->value[0] <= '9' && p->value[1] == 0 ? (uint32_t)(p->value[0] - '0') : 10;
        if (e->priority == 10)
            complain(r, "PRIORITY", p->value, "is no priority", "write 1 (high) to 9 (low)");
    } else if (strcasecmp(p->name, "X-PROPFLEET-CURRENCY") == 0) {
        if ((problem = calendar_parse_target(p->value, e->target)) != NULL)
            complain(r, p->name, p->value, problem, "write a currency such as USD");
    } else if (strcasecmp(p->name, "X-PROPFLEET-IMPORTANCE") == 0) {
        if ((problem = calendar_parse_importance(p->value, &e->importance)) != NULL)
            complain(r, p->name, p->value, problem, "write 1, 2, 3 or low, medium, high");
    } else if (strcasecmp(p->name, "X-PROPFLEET-KIND") == 0) {
        e->kind = strcasecmp(p->value, "close") == 0 ? CALENDAR_CLOSE : CALENDAR_NEWS;
        if (e->kind == CALENDAR_NEWS && strcasecmp(p->value, "news") != 0)
            complain(r, p->name, p->value, "is not known here", "write news or close");
    } else if (strcasecmp(p->name, "RRULE") == 0 || strcasecmp(p->name, "RDATE") == 0 || strcasecmp(p->name, "EXDATE") == 0 ||
               strcasecmp(p->name, "RECURRENCE-ID") == 0) {
        complain(r, p->name, p->value, "makes the event recur, which is not read here", "write each occurrence as a VEVENT of its own");
    }
}

/* --- an event is complete ----------------------------------------------------------------------------------- */

/* Priorities of RFC 5545 3.8.1.9; an event that says nothing counts as important: the strictest reading. */
static uint32_t importance_of(const struct event *e)
{
    if (e->importance != 0)
        return e->importance;
    return e->priority <= 4 ? 3 : e->priority == 5 ? 2 : 1;
}

static void choose_target(struct reader *r, struct event *e)
{
    size_t word = strcspn(e->name, " :-");
    if (e->target[0] != 0)
        return;
    if (is_currency(e->name, word))
        snprintf(e->target, sizeof e->target, "%.3s", e->name);
    else if (e->category[0] != 0)
        snprintf(e->target, sizeof e->target, "%s", e->category);
    else
        complain(r, "VEVENT", e->name, "names no currency",
                 "add X-PROPFLEET-CURRENCY, a category such as USD, or begin SUMMARY with it");
}

static bool event_time(struct reader *r, const char *key, bool start, struct calendar_time *out)
{
    const struct event *e = &r->event;
    const char *text = start ? e->start : e->end, *zone = start ? e->start_zone : e->end_zone;
    const char *problem = calendar_parse_time(r->out, text, zone[0] ? zone : NULL, out);
    if (problem == NULL)
        return true;
    r->p.line = (start ? e->start_at : e->end_at).line;
    complain(r, key, text, problem, "write it in UTC with a Z, or with TZID of the IANA database; X-WR-TIMEZONE holds for the file");
    return false;
}

static void finish_event(struct reader *r)
{
    struct event *e = &r->event;
    struct calendar_row row = {.place = e->place, .kind = e->kind, .importance = importance_of(e)};
    struct calendar_time start, end = {0};
    r->p.line = e->place.line;
    if (e->cancelled)
        return;
    if (!e->has_start)
        complain(r, "VEVENT", e->name, "has no DTSTART", "add it");
    choose_target(r, e);
    if (e->broken || !event_time(r, "DTSTART", true, &start) || (e->has_end && !event_time(r, "DTEND", false, &end)))
        return;
    if (e->kind == CALENDAR_NEWS && start.whole_day) {
        r->p.line = e->start_at.line;
        complain(r, "DTSTART", e->start, "is a whole day", "write the moment of the release; only a close may last a day");
    }
    row.from_ns = row.to_ns = start.ns;
    if (e->kind == CALENDAR_CLOSE) {
        row.importance = 3;
        row.to_ns = !e->has_end ? start.next_ns : end.ns; /* DTEND is not part of the event, also as a date */
        if (row.to_ns <= row.from_ns)
            complain(r, "VEVENT", e->name, "is a close without an end after its beginning", "add DTEND");
    }
    calendar_copy_name(e->name[0] != 0 ? e->name : "(no SUMMARY)", row.text.name, sizeof row.text.name);
    memcpy(row.text.target, e->target, sizeof row.text.target);
    if (!e->broken)
        calendar_add(r->l, r->out, &row);
}

/* --- the calendar -------------------------------------------------------------------------------------------- */

static void take_calendar_property(struct reader *r)
{
    struct calendar *out = r->out;
    const struct property *p = &r->p;
    struct calendar_time time;
    char iso[32];
    bool from = strcasecmp(p->name, "X-PROPFLEET-VALID-FROM") == 0, to = strcasecmp(p->name, "X-PROPFLEET-VALID-TO") == 0;
    bool published = strcasecmp(p->name, "X-PROPFLEET-PUBLISHED") == 0;
    if (strcasecmp(p->name, "X-WR-TIMEZONE") == 0) {
        snprintf(r->zone, sizeof r->zone, "%.*s", TZ_NAME_MAX - 1, p->value);
    } else if (strcasecmp(p->name, "X-PROPFLEET-VERSION") == 0) {
        calendar_copy_name(p->value, out->version, sizeof out->version);
    } else if (from || to || published) {
        const char *problem = calendar_parse_time(out, iso_time(p->value, iso) ? iso : p->value, "UTC", &time);
        if (problem != NULL) {
            complain(r, p->name, p->value, problem, "write a date or an instant such as 2026-12-31 or 20261231T220000Z");
        } else if (from) {
            out->valid_from_ns = time.ns;
            out->has_from = true;
        } else if (to) {
            out->valid_to_ns = time.whole_day ? time.next_ns : time.ns;
            out->has_to = true;
        } else {
            out->published_ns = time.ns;
            out->has_published = true;
        }
    }
}

static void begin(struct reader *r, const char *component)
{
    if (r->depth > 0 || r->in_event) {
        r->depth++; /* VALARM and the like */
    } else if (!r->in_calendar && strcasecmp(component, "VCALENDAR") == 0) {
        r->in_calendar = true;
    } else if (r->in_calendar && strcasecmp(component, "VEVENT") == 0) {
        r->in_event = true;
        memset(&r->event, 0, sizeof r->event);
        r->event.place = here(r);
    } else {
        r->depth = 1; /* VTIMEZONE, VTODO: zones are this system's own */
    }
}

static void end(struct reader *r, const char *component)
{
    if (r->depth > 0) {
        r->depth--;
    } else if (r->in_event && strcasecmp(component, "VEVENT") == 0) {
        finish_event(r);
        r->in_event = false;
    } else if (!r->in_event && r->in_calendar && strcasecmp(component, "VCALENDAR") == 0) {
        r->in_calendar = false;
    } else {
        complain(r, "END", component, "ends what has not begun", "repair the file");
    }
}

static bool is_used(const struct reader *r)
{
    static const char *const unused[] = {"DESCRIPTION", "X-ALT-DESC", "ATTACH", "COMMENT", "URL", "LOCATION", "ATTENDEE"};
    for (size_t i = 0; i < sizeof unused / sizeof unused[0]; i++)
        if (strncasecmp(r->p.text, unused[i], strlen(unused[i])) == 0)
            return false;
    return r->depth == 0;
}

static void read_property(struct reader *r)
{
    struct property *p = &r->p;
    if (p->length == 0)
        return;
    if (memchr(p->text, 0, p->length) != NULL) {
        complain(r, "line", "", "has a zero byte", "save the file as text (UTF-8)");
    } else if (p->too_long && is_used(r)) {
        complain(r, "line", p->text, "is longer than 1023 bytes", "shorten it");
    } else if (p->too_long) {
        return;
    } else if (!parse_property(p)) {
        if (is_used(r))
            complain(r, "line", p->text, "is not of the form NAME:value", "repair the file");
    } else if (strcasecmp(p->name, "BEGIN") == 0) {
        begin(r, p->value);
    } else if (strcasecmp(p->name, "END") == 0) {
        end(r, p->value);
    } else if (r->depth == 0 && r->in_event) {
        take_property(r);
    } else if (r->depth == 0 && r->in_calendar) {
        take_calendar_property(r);
    }
}

/* From the first moment of the UTC day of the earliest event to the last moment of the latest one's. */
static void validity_from_events(struct reader *r)
{
    const int64_t day_ns = 86400 * INT64_C(1000000000);
    struct calendar *out = r->out;
    int64_t low = INT64_MAX, high = 0;
    for (uint32_t i = 0; i < out->count; i++) {
        low = out->rows[i].from_ns < low ? out->rows[i].from_ns : low;
        high = out->rows[i].from_ns > high ? out->rows[i].from_ns : high;
    }
    if (!out->has_from)
        out->valid_from_ns = low / day_ns * day_ns;
    if (!out->has_to)
        out->valid_to_ns = high / day_ns * day_ns + day_ns;
    report_warning(r->l, (struct place){r->file, 1, 1}, "X-PROPFLEET-VALID-TO",
                   "%s; taken from the first and the last event: write from when to when nothing is left out",
                   out->has_from ? "missing" : "validity missing");
}

int calendar_read_ics(struct loading *l, uint32_t file, const char *bytes, size_t size, struct calendar *out)
{
    struct reader r = {.l = l, .out = out, .file = file, .bytes = bytes, .size = size};
    unsigned before = l->report->error_count;
    bool any = false;
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        r.at = 3;
    while (!out->full && next_property(&r)) {
        read_property(&r);
        any |= r.in_calendar;
    }
    r.p.line = r.line > 0 ? r.line : 1;
    if (!any)
        report_error(l, (struct place){file, 1, 1}, "file", "no BEGIN:VCALENDAR; name an ICS file");
    else if ((r.in_calendar || r.in_event || r.depth > 0) && !out->full)
        complain(&r, "file", "", "ends before END:VCALENDAR", "fetch it again: it is not complete");
    if (l->report->error_count == before && !(out->has_from && out->has_to)) {
        if (out->count == 0)
            report_error(l, (struct place){file, 1, 1}, "file", "no event and no X-PROPFLEET-VALID-TO; add it");
        else
            validity_from_events(&r);
    }
    return l->report->error_count == before ? 0 : -EINVAL;
}
