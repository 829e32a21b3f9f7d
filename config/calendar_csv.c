/* The CSV form of a calendar: RFC 4180 with a header line, and "# key: value" lines. */
#include "config/calendar.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define FIELD_MAX 192
#define FIELDS_MAX 16

enum column { COLUMN_TIME, COLUMN_TARGET, COLUMN_IMPORTANCE, COLUMN_NAME, COLUMN_KIND, COLUMN_UNTIL, COLUMN_COUNT };
static const struct {
    const char *names[3];
    bool required;
} columns[COLUMN_COUNT] = {
    [COLUMN_TIME] = {{"time", "date", NULL}, true},
    [COLUMN_TARGET] = {{"currency", "country", NULL}, true},
    [COLUMN_IMPORTANCE] = {{"importance", "impact", NULL}, true},
    [COLUMN_NAME] = {{"name", "event", "title"}, true},
    [COLUMN_KIND] = {{"kind", NULL, NULL}, false},
    [COLUMN_UNTIL] = {{"until", NULL, NULL}, false},
};

struct field {
    char text[FIELD_MAX];
    uint32_t column; /* of its first byte, from 1 */
};
struct reader {
    struct loading *l;
    struct calendar *out;
    uint32_t file, line;
    unsigned errors;
    bool has_header;
    uint32_t header_count;
    int header[FIELDS_MAX]; /* enum column of each field, -1: not ours */
    char zone[TZ_NAME_MAX]; /* of times that name none; empty: refused */
    struct field fields[FIELDS_MAX];
};

static struct place at(const struct reader *r, uint32_t column)
{
    return (struct place){r->file, r->line, column};
}

static void complain(struct reader *r, const struct field *field, const char *key, const char *problem, const char *remedy)
{
    char shown[REPORT_VALUE_MAX];
    r->errors++;
    report_error(r->l, at(r, field->column), key, "\"%s\" %s; %s", report_value(field->text, strlen(field->text), shown), problem,
                 remedy);
}

/* --- one line into fields --------------------------------------------------------------------------- */

/* NULL, or what is wrong; *column: where. */
static const char *split(struct reader *r, const char *line, size_t length, uint32_t *count, uint32_t *column)
{
    size_t i = 0;
    *count = 0;
    for (;;) {
        if (*count == FIELDS_MAX) {
            *column = (uint32_t)i + 1;
            return "has more than 16 fields";
        }
        struct field *field = &r->fields[(*count)++];
        bool quoted = i < length && line[i] == '"';
        size_t n = 0;
        field->column = *column = (uint32_t)i + 1;
        i += quoted;
        for (;; i++) {
            if (i == length && quoted)
                return "has a quote without an end";
            if (i == length || (!quoted && line[i] == ','))
                break;
            if (quoted && line[i] == '"') {
                if (i + 1 == length || line[i + 1] != '"')
                    break;
                i++;
            }
            if (n == FIELD_MAX - 1)
                return "has a field of more than 191 bytes";
            field->text[n++] = line[i];
        }
        field->text[n] = 0;
        i += quoted;
        if (!quoted) {
            while (n > 0 && field->text[n - 1] == ' ')
                field->text[--n] = 0;
            size_t blanks = strspn(field->text, " ");
            memmove(field->text, field->text + blanks, n - blanks + 1);
        }
        if (i == length)
            return NULL;
        if (line[i] != ',') {
            *column = (uint32_t)i + 1;
            return "goes on after a closing quote";
        }
        i++;
    }
}

/* --- "# key: value" ----------------------------------------------------------------------------------- */

static void read_directive(struct reader *r, const char *line, size_t length)
{
    char text[FIELD_MAX];
    struct calendar *out = r->out;
    struct calendar_time time;
    size_t skip = 1;
    while (skip < length && line[skip] == ' ')
        skip++;
    struct field field = {.column = (uint32_t)skip + 1};
    snprintf(text, sizeof text, "%.*s", (int)(length - skip), line + skip);
    size_t key = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
    if (key == 0 || (text[key] != ':' && text[key] != '=' && text[key] != ' '))
        return; /* a comment */
    const char *value = text + key + strspn(text + key, ":= ");
    field.column += (uint32_t)(value - text);
    snprintf(field.text, sizeof field.text, "%s", value);
    text[key] = 0;
    bool from = strcmp(text, "valid_from") == 0, to = strcmp(text, "valid_to") == 0, published = strcmp(text, "published") == 0;
    if (from || to || published) {
        const char *problem = calendar_parse_time(out, value, "UTC", &time);
        if (problem != NULL) {
            complain(r, &field, text, problem, "write a date or an instant such as 2026-12-31 or 2026-12-31T22:00Z");
        } else if (from) {
            out->valid_from_ns = time.ns;
            out->has_from = true;
        } else if (to) {
            out->valid_to_ns = time.whole_day ? time.next_ns : time.ns; /* a bare date is meant to its end */
            out->has_to = true;
        } else {
            out->published_ns = time.ns;
            out->has_published = true;
        }
    } else if (strcmp(text, "version") == 0) {
        calendar_copy_name(value, out->version, sizeof out->version);
    } else if (strcmp(text, "zone") == 0) {
        const char *problem = calendar_parse_time(out, "2026-01-01", value, &time);
        if (problem != NULL)
            complain(r, &field, text, problem, "write a zone of the IANA database such as America/New_York");
        else
            snprintf(r->zone, sizeof r->zone, "%s", value);
    }
}

/* --- header and rows ------------------------------------------------------------------------------------ */

static int find_column(const char *name)
{
    for (int c = 0; c < COLUMN_COUNT; c++)
        for (int k = 0; k < 3 && columns[c].names[k] != NULL; k++)
            if (strcasecmp(name, columns[c].names[k]) == 0)
                return c;
    return -1;
}

static void read_header(struct reader *r, uint32_t count)
{
    bool seen[COLUMN_COUNT] = {false};
    for (uint32_t i = 0; i < count; i++) {
        r->header[i] = find_column(r->fields[i].text);
        if (r->header[i] < 0)
            continue;
        if (seen[r->header[i]])
            complain(r, &r->fields[i], "header", "stands there twice", "keep one column of each");
        seen[r->header[i]] = true;
    }
    for (int c = 0; c < COLUMN_COUNT; c++)
        if (columns[c].required && !seen[c]) {
            r->errors++;
            report_error(r->l, at(r, 1), "header", "no column \"%s\"; the first line names them: time,currency,importance,name",
                         columns[c].names[0]);
        }
    r->header_count = count;
    r->has_header = true;
}

static void read_row(struct reader *r, uint32_t count)
{
    static const struct field none = {.column = 1};
    const struct field *f[COLUMN_COUNT];
    struct calendar_row row = {.place = at(r, 1)};
    struct calendar_time from, until = {0};
    const char *zone = r->zone[0] ? r->zone : NULL, *problem;
    unsigned before = r->errors;
    if (count != r->header_count) {
        r->errors++;
        report_error(r->l, at(r, 1), "row", "%u fields, the header has %u; quote a name that has commas", count, r->header_count);
        return;
    }
    for (int c = 0; c < COLUMN_COUNT; c++)
        f[c] = &none;
    for (uint32_t i = 0; i < count; i++)
        if (r->header[i] >= 0)
            f[r->header[i]] = &r->fields[i];

    const char *kind = f[COLUMN_KIND]->text;
    row.kind = strcasecmp(kind, "close") == 0 ? CALENDAR_CLOSE : CALENDAR_NEWS;
    if (row.kind == CALENDAR_NEWS && kind[0] != 0 && strcasecmp(kind, "news") != 0)
        complain(r, f[COLUMN_KIND], "kind", "is not known here", "write news or close");
    if ((problem = calendar_parse_time(r->out, f[COLUMN_TIME]->text, zone, &from)) != NULL)
        complain(r, f[COLUMN_TIME], "time", problem, "write 2026-12-04T13:30:00Z, or 2026-12-04T08:30 America/New_York");
    else if (row.kind == CALENDAR_NEWS && from.whole_day)
        complain(r, f[COLUMN_TIME], "time", "has no time of day", "write the moment of the release; only a close may last a day");
    if (f[COLUMN_UNTIL]->text[0] != 0 && (problem = calendar_parse_time(r->out, f[COLUMN_UNTIL]->text, zone, &until)) != NULL)
        complain(r, f[COLUMN_UNTIL], "until", problem, "write it as the time, or leave it empty");
    if ((problem = calendar_parse_importance(f[COLUMN_IMPORTANCE]->text, &row.importance)) != NULL &&
        (row.kind == CALENDAR_NEWS || f[COLUMN_IMPORTANCE]->text[0] != 0))
        complain(r, f[COLUMN_IMPORTANCE], "importance", problem, "write 1, 2, 3 or low, medium, high");
    if ((problem = calendar_parse_target(f[COLUMN_TARGET]->text, row.text.target)) != NULL)
        complain(r, f[COLUMN_TARGET], "currency", problem, "write a currency such as USD");
    calendar_copy_name(f[COLUMN_NAME]->text, row.text.name, sizeof row.text.name);
    if (row.text.name[0] == 0)
        complain(r, f[COLUMN_NAME], "name", "is empty", "say what it is");
    if (r->errors != before)
        return;

    row.from_ns = row.to_ns = from.ns;
    if (row.kind == CALENDAR_CLOSE) {
        row.importance = 3;
        row.to_ns = f[COLUMN_UNTIL]->text[0] == 0 ? from.next_ns : until.whole_day ? until.next_ns : until.ns;
        if (row.to_ns <= row.from_ns)
            complain(r, f[COLUMN_UNTIL], "until", f[COLUMN_UNTIL]->text[0] ? "is not after the time" : "is empty",
                     "say when the market opens again");
    } else if (f[COLUMN_UNTIL]->text[0] != 0) {
        complain(r, f[COLUMN_UNTIL], "until", "makes no sense for news", "leave it empty; only a close has it");
    }
    if (r->errors == before && !calendar_add(r->l, r->out, &row))
        r->errors++;
}

static void read_line(struct reader *r, const char *line, size_t length)
{
    uint32_t count, column = 1;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return;
    const char *zero = memchr(line, 0, length);
    if (zero != NULL) {
        r->errors++;
        report_error(r->l, at(r, (uint32_t)(zero - line) + 1), "row", "a zero byte; save the file as text (UTF-8)");
        return;
    }
    if (line[0] == '#') {
        read_directive(r, line, length);
        return;
    }
    const char *problem = split(r, line, length, &count, &column);
    if (problem != NULL) {
        r->errors++;
        report_error(r->l, at(r, column), "row", "%s; mend the line", problem);
    } else if (!r->has_header) {
        read_header(r, count);
    } else {
        read_row(r, count);
    }
}

int calendar_read_csv(struct loading *l, uint32_t file, const char *bytes, size_t size, struct calendar *out)
{
    struct reader r = {.l = l, .out = out, .file = file};
    unsigned before = l->report->error_count;
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        size -= 3;
    }
    for (size_t from = 0; from < size && !out->full;) {
        const char *end = memchr(bytes + from, '\n', size - from);
        size_t length = end != NULL ? (size_t)(end - (bytes + from)) : size - from;
        r.line++;
        read_line(&r, bytes + from, length);
        from += length + 1;
    }
    r.line = 1;
    if (!r.has_header)
        report_error(l, at(&r, 1), "header", "none; the first line names the columns: time,currency,importance,name");
    if (!out->has_from || !out->has_to)
        report_error(l, at(&r, 1), out->has_from ? "valid_to" : "valid_from",
                     "missing; add a line \"# %s: 2026-12-31\": from when to when nothing is left out",
                     out->has_from ? "valid_to" : "valid_from");
    return l->report->error_count == before ? 0 : -EINVAL;
}
