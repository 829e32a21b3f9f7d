/* tz: a time zone as a table of transitions, so that pure code needs no tzdata.
 *
 * tz_load reads the system's tzdata (TZif version 2 or 3, its footer expanded up to
 * TZ_LAST_YEAR) once, when the configuration is read; everything else is pure arithmetic
 * over the table. Times are ns since the epoch, UTC; offsets are seconds east of UTC.
 * Caveat: before TZ_FIRST_YEAR and after TZ_LAST_YEAR (UTC) the nearest known offset is
 * taken; instants that int64 ns cannot hold saturate.
 */
#ifndef PROPFLEET_BASE_TZ_H
#define PROPFLEET_BASE_TZ_H

#include <stddef.h>
#include <stdint.h>

struct error;

#define TZ_NAME_MAX 40
#define TZ_TRANSITIONS_MAX 256
#define TZ_FIRST_YEAR 1990
#define TZ_LAST_YEAR 2045
#define TZ_DAYS_MAX INT64_C(100000000) /* days that the functions below take, either way of 1970 (asserted) */

struct tz_table {
    char name[TZ_NAME_MAX];  /* IANA, "Europe/Prague" */
    uint32_t transition_count;
    int32_t first_offset_s;  /* before transition 0 */
    int64_t at_s[TZ_TRANSITIONS_MAX];     /* UTC seconds, strictly ascending */
    int32_t offset_s[TZ_TRANSITIONS_MAX]; /* in force from at_s on */
};

/* 0, -ENOENT (no such zone), -EINVAL (name with .. or a broken file), -E2BIG, or what reading the
 * file gave. Not thread-safe; *out is unspecified after an error. */
int tz_load(const char *name, struct tz_table *out, struct error *err);
/* The same from the bytes of a TZif file (hostile until checked). Pure. */
int tz_parse(const char *name, const void *data, size_t size, struct tz_table *out, struct error *err);
/* The tzdata version ("2024b"), "unknown" when the system does not say. */
void tz_data_version(char *buf, size_t size);

int32_t tz_offset_at(const struct tz_table *tz, int64_t utc_ns);
/* The UTC instant of a local wall time (days since 1970-01-01, seconds of the day). A wall
 * time that does not exist: the first valid instant after. One that occurs twice: the first.
 * second_of_day: 0..86399, asserted here and below. */
int64_t tz_local_to_utc(const struct tz_table *tz, int64_t local_day, int32_t second_of_day);
/* The last daily boundary at `second_of_day` local time that is <= utc_ns, and the next after it. */
int64_t tz_boundary_at_or_before(const struct tz_table *tz, int32_t second_of_day, int64_t utc_ns);
int64_t tz_boundary_after(const struct tz_table *tz, int32_t second_of_day, int64_t utc_ns);
/* The first change of offset after utc_ns, INT64_MAX: none; the last at or before it, INT64_MIN: none. */
int64_t tz_transition_after(const struct tz_table *tz, int64_t utc_ns);
int64_t tz_transition_before(const struct tz_table *tz, int64_t utc_ns);
/* Local weekday of an instant, 0 = Sunday. */
int tz_weekday(const struct tz_table *tz, int64_t utc_ns);

/* Proleptic Gregorian civil dates; month 1..12, day 1..31 are asserted. */
int64_t tz_days_from_civil(int year, int month, int day);
void tz_civil_from_days(int64_t days, int *year, int *month, int *day);

#endif
