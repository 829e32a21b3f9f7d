#include "config/calendar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/values.h"

#define NS_PER_S INT64_C(1000000000)
#define DAY_S 86400
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TIME_TEXT_MAX 96

void calendar_free(struct calendar *calendar)
{
    free(calendar->rows);
    calendar->rows = NULL;
    calendar->count = calendar->room = 0;
}

/* False when it could not grow (reported, once). */
static bool grow(struct loading *l, struct calendar *calendar, struct place at)
{
    bool at_limit = calendar->count >= CALENDAR_ROWS_MAX;
    uint32_t room = calendar->room == 0 ? 256 : calendar->room * 2;
    struct calendar_row *rows = at_limit ? NULL : realloc(calendar->rows, room * sizeof *rows);
    if (rows != NULL) {
        calendar->rows = rows;
        calendar->room = room;
        return true;
    }
    if (!calendar->full && at_limit)
        report_error(l, at, "file", "more than %u events; leave out the past, or low importance", CALENDAR_ROWS_MAX);
    else if (!calendar->full)
        report_error(l, at, "file", "out of memory; free some");
    calendar->full = true;
    return false;
}

bool calendar_add(struct loading *l, struct calendar *calendar, const struct calendar_row *row)
{
    bool fits = calendar->count < calendar->room && calendar->count < CALENDAR_ROWS_MAX;
    if (!fits && !grow(l, calendar, row->place))
        return false;
    memcpy(&calendar->rows[calendar->count++], row, sizeof *row);
    return true;
}

/* --- times ------------------------------------------------------------------------------------ */

static const struct tz_table *find_zone(struct calendar *calendar, const char *name, const char **problem)
{
    for (uint32_t i = 0; i < calendar->zone_count; i++)
        if (strcmp(calendar->zones[i].name, name) == 0)
            return &calendar->zones[i];
    if (calendar->zone_count == CALENDAR_ZONES_MAX) {
        *problem = "is one zone too many (8 in a file)";
        return NULL;
    }
    struct tz_table *zone = &calendar->zones[calendar->zone_count];
    int rc = tz_load(name, zone, NULL);
    if (rc != 0) {
        *problem = rc == -ENOENT ? "has a zone that is not among this system's" : "has a zone that cannot be used";
        return NULL;
    }
    calendar->zone_count++;
    return zone;
}

/* A wall time that is one instant and no other. */
static const char *local_instant(const struct tz_table *zone, int64_t day, int32_t second, int64_t *out)
{
    int64_t ns = tz_local_to_utc(zone, day, second), asked_s = day * DAY_S + second;
    if (ns / NS_PER_S + tz_offset_at(zone, ns) != asked_s)
        return "is a local time that a clock change skips";
    int64_t change_ns = tz_transition_after(zone, ns);
    if (change_ns < INT64_MAX && (asked_s - tz_offset_at(zone, change_ns)) * NS_PER_S >= change_ns &&
        tz_offset_at(zone, change_ns) < tz_offset_at(zone, ns))
        return "is a local time that comes twice (clock change)";
    *out = ns;
    return NULL;
}

/* "Z", "+01:00", "-0500" */
static bool parse_offset(const char *text, int32_t *out)
{
    char digits[5] = "";
    if (strcmp(text, "Z") == 0) {
        *out = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || strlen(text) < 5 || strlen(text) > 6)
        return false;
    if (strlen(text) == 6 && text[3] != ':')
        return false;
    memcpy(digits, text + 1, 2);
    memcpy(digits + 2, text + strlen(text) - 2, 2);
    if (strspn(digits, "0123456789") != 4)
        return false;
    int hours = (digits[0] - '0') * 10 + digits[1] - '0', minutes = (digits[2] - '0') * 10 + digits[3] - '0';
    if (hours > 18 || minutes > 59)
        return false;
    *out = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return true;
}

const char *calendar_parse_time(struct calendar *calendar, const char *text, const char *zone, struct calendar_time *out)
{
    char part[TIME_TEXT_MAX];
    int64_t day, second = 0;
    int32_t offset_s;
    const char *problem = NULL;
    size_t length = strlen(text);
    memset(out, 0, sizeof *out);
    if (length >= sizeof part)
        return "is too long for a time";
    snprintf(part, sizeof part, "%.10s", text);
    if (value_date(part, &day) != NULL)
        return "does not begin with a date such as 2026-12-04";
    if (day < tz_days_from_civil(TZ_FIRST_YEAR, 1, 1))
        return "is before 1990, where time zones are not known";
    const char *rest = text + 10;
    out->whole_day = *rest == 0;
    if (!out->whole_day) {
        if (*rest != 'T' && *rest != ' ')
            return "has no T or blank between date and time";
        size_t digits = strspn(++rest, "0123456789:");
        snprintf(part, sizeof part, "%.*s", (int)digits, rest);
        if (value_time(part, &second) != NULL)
            return "has a time that is not written as 13:30 or 13:30:00";
        rest += digits;
        if (strncmp(rest, ".000", 4) == 0)
            rest += 4;
        if (parse_offset(rest, &offset_s)) {
            out->ns = (day * DAY_S + second - offset_s) * NS_PER_S;
            return NULL;
        }
        if (*rest == ' ')
            zone = rest + 1;
        else if (*rest != 0)
            return "has something after the time that is neither Z, +01:00 nor a blank and a zone";
    }
    if (zone == NULL)
        return out->whole_day ? "is a date without a zone" : "is a local time without a zone";
    const struct tz_table *table = find_zone(calendar, zone, &problem);
    if (table == NULL)
        return problem;
    if (!out->whole_day)
        return local_instant(table, day, (int32_t)second, &out->ns);
    out->ns = tz_local_to_utc(table, day, 0);
    out->next_ns = tz_local_to_utc(table, day + 1, 0);
    return NULL;
}

/* --- words ------------------------------------------------------------------------------------- */

const char *calendar_parse_importance(const char *text, uint32_t *out)
{
    static const char *const words[] = {"low", "medium", "high"};
    for (uint32_t i = 0; i < 3; i++)
        if (strcasecmp(text, words[i]) == 0 || (text[0] == (char)('1' + i) && text[1] == 0)) {
            *out = i + 1;
            return NULL;
        }
    return "is no importance";
}

const char *calendar_parse_target(const char *text, char out[12])
{
    static const struct {
        char country[3], currency[4];
    } countries[] = {
        {"US", "USD"}, {"EU", "EUR"}, {"DE", "EUR"}, {"FR", "EUR"}, {"IT", "EUR"}, {"ES", "EUR"}, {"NL", "EUR"},
        {"AT", "EUR"}, {"BE", "EUR"}, {"FI", "EUR"}, {"GR", "EUR"}, {"IE", "EUR"}, {"PT", "EUR"}, {"GB", "GBP"},
        {"UK", "GBP"}, {"JP", "JPY"}, {"CH", "CHF"}, {"CA", "CAD"}, {"AU", "AUD"}, {"NZ", "NZD"}, {"CN", "CNY"},
        {"SE", "SEK"}, {"NO", "NOK"}, {"DK", "DKK"}, {"PL", "PLN"}, {"CZ", "CZK"}, {"HU", "HUF"}, {"TR", "TRY"},
        {"ZA", "ZAR"}, {"MX", "MXN"}, {"SG", "SGD"}, {"HK", "HKD"}, {"IN", "INR"}, {"BR", "BRL"}, {"KR", "KRW"},
    };
    size_t length = strlen(text);
    if (length == 0)
        return "is empty";
    if (length > 11 || strspn(text, CAPITAL "0123456789._") != length)
        return "is neither a currency, a country of two letters, ALL nor a symbol";
    memset(out, 0, 12);
    memcpy(out, text, length + 1);
    if (length != 2)
        return NULL;
    for (size_t i = 0; i < sizeof countries / sizeof countries[0]; i++)
        if (strcmp(countries[i].country, text) == 0) {
            memcpy(out, countries[i].currency, 4);
            return NULL;
        }
    return "is a country that is not known here";
}

void calendar_copy_name(const char *text, char *out, size_t size)
{
    size_t n = 0;
    memset(out, 0, size);
    for (; n < size - 1 && text[n] != 0; n++)
        out[n] = (unsigned char)text[n] < ' ' || text[n] == 127 ? '?' : text[n];
    if (text[n] == 0)
        return;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        out[--n] = 0;
}
