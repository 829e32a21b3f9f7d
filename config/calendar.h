/* calendar: news and holidays for the compiled configuration, from a CSV or ICS file or made by rule.
 *
 * The forms of the files are docs/calendar.md. A reader takes bytes that nobody has looked at, and reports every bad
 * row through report.h; rows may stand in any order. What is read becomes arrays of the compiled configuration
 * (config.h) in calendar_resolve: sorted, without repetitions, each with the instruments that it concerns.
 */
#ifndef PROPFLEET_CONFIG_CALENDAR_H
#define PROPFLEET_CONFIG_CALENDAR_H

#include "config/tables.h"

#define CALENDAR_BYTES_MAX (16u << 20)  /* of a file */
#define CALENDAR_ROWS_MAX (CONFIG_EVENTS_MAX + CONFIG_CLOSURES_MAX)
#define CALENDAR_ZONES_MAX 8u           /* different ones in one file */
#define CALENDAR_ENDS_SOON_DAYS 14

enum calendar_row_kind { CALENDAR_NEWS, CALENDAR_CLOSE };
struct calendar_row {
    int64_t from_ns, to_ns;             /* NEWS: from == to */
    uint32_t kind, importance;          /* 1..3 */
    uint32_t instruments;               /* filled by calendar_resolve */
    struct place place;
    struct config_event_text text;
};

struct calendar {
    struct calendar_row *rows;
    uint32_t count, room;
    bool has_from, has_to, has_published, full;
    int64_t valid_from_ns, valid_to_ns, published_ns;
    char version[64];
    uint32_t zone_count;
    struct tz_table zones[CALENDAR_ZONES_MAX];
};

void calendar_free(struct calendar *calendar); /* its rows */

/* --- readers: 0, or -EINVAL when anything was reported. `file` is report_file's. ------------------------------- */

int calendar_read_csv(struct loading *l, uint32_t file, const char *bytes, size_t size, struct calendar *out);
int calendar_read_ics(struct loading *l, uint32_t file, const char *bytes, size_t size, struct calendar *out);

/* --- what both need (calendar_parts.c) -------------------------------------------------------------------------- */

/* NULL, or what is wrong with the text. */
struct calendar_time {
    int64_t ns;
    bool whole_day;                     /* a bare date: ns is its first moment, next_ns the one after its last */
    int64_t next_ns;
};
/* "2026-12-04T13:30:00Z", with +01:00, with " America/New_York", or without anything: then in `zone` (NULL: refused).
 * A blank instead of the T is taken, seconds may be left out. Refused: a local time that a clock change skips or repeats. */
const char *calendar_parse_time(struct calendar *calendar, const char *text, const char *zone, struct calendar_time *out);
/* 1, 2, 3 or low, medium, high. */
const char *calendar_parse_importance(const char *text, uint32_t *out);
/* A currency, a country (DE becomes EUR), ALL, or a symbol of instruments.yaml. */
const char *calendar_parse_target(const char *text, char out[12]);
/* A copy of a name: control bytes become '?', what is too long is cut between characters. */
void calendar_copy_name(const char *text, char *out, size_t size);
/* False when there is no room (reported once). */
bool calendar_add(struct loading *l, struct calendar *calendar, const struct calendar_row *row);

/* --- by rule (calendar_derived.c) ------------------------------------------------------------------------------- */

#define CALENDAR_DERIVED_FROM 2000
#define CALENDAR_DERIVED_TO 2045        /* this year included */
/* All of it, valid from 2000-01-01 to 2046-01-01 UTC; places are `at`. Fails only without tzdata or memory (reported). */
int calendar_derive(struct loading *l, struct place at, struct calendar *out);
/* What its closures name: whatever has a weekend; of that, indices and futures. No file can write these. */
#define CALENDAR_WEEKLY "(weekly)"
#define CALENDAR_INDICES "(index)"
/* Days since 1970-01-01. */
int64_t calendar_payrolls_day(int year, int month); /* US employment situation, released in this month */
int64_t calendar_ism_day(int year, int month, bool services);
bool calendar_federal_holiday(int64_t day);         /* US, as observed */
int64_t calendar_easter_sunday(int year);

/* --- into the configuration (calendar.c) ------------------------------------------------------------------------- */

/* After resolve_instruments and source_resolve: reads what fleet.yaml names, fills out->calendar and, with
 * options->tail, what follows the struct. Warns of what ends soon or does not cover the replay. */
void calendar_resolve(struct loading *l, const struct draft *draft);
/* The wall clock of a load: options->today_ns, else PROPFLEET_TODAY (a date, for tests), else the real one. */
int64_t calendar_now_ns(const struct loader_options *options);
/* For the loader of programmes: warn when one has a news window and there is no calendar that is valid when it is needed. */
void calendar_check_rules(struct loading *l, struct place at, const struct rules_set *set);

#endif
