/* values: the text of one YAML value to a number, and back for messages. Pure.
 *
 * One notation for each kind of quantity, and no second one: durations 50ms, 2s, 10m, 4h, 1d;
 * percentages 0.25%; sizes 64KiB, 16MiB, 1GiB; times of day 17:00 or 17:00:30; dates 2024-05-13;
 * instants 2024-05-13T10:30 (UTC; a bare date is its first moment); money 100000 USD. Numbers have
 * a point, never an exponent. Nothing has blanks but money, between amount and currency.
 *
 * Each parser returns NULL and sets *out, or returns what is wrong with the text.
 */
#ifndef PROPFLEET_CONFIG_VALUES_H
#define PROPFLEET_CONFIG_VALUES_H

#include <stddef.h>
#include <stdint.h>

#define VALUES_TEXT_MAX 48

const char *value_integer(const char *text, int64_t *out);  /* whole, signed */
const char *value_decimal(const char *text, int64_t *out);  /* dec_t */
const char *value_fraction(const char *text, int64_t *out); /* "5%" is dec_t 0.05 */
const char *value_duration(const char *text, int64_t *out); /* ns */
const char *value_seconds(const char *text, int64_t *out);  /* a duration of whole seconds, at most int32 */
const char *value_size(const char *text, int64_t *out);     /* bytes */
const char *value_time(const char *text, int64_t *out);     /* seconds of the day */
const char *value_date(const char *text, int64_t *out);     /* days since 1970-01-01 */
const char *value_instant(const char *text, int64_t *out);  /* ns; a bare date: its first moment */
const char *value_until(const char *text, int64_t *out);    /* ns; a bare date: the moment after its last */
const char *value_boolean(const char *text, int64_t *out);
/* "100000 USD": amount as dec_t, the currency's three letters and a NUL. */
const char *value_money(const char *text, int64_t *out, char currency[4]);

/* The notation of a number of each kind, for ranges; buf holds VALUES_TEXT_MAX bytes. */
const char *value_show_integer(int64_t value, char *buf);
const char *value_show_decimal(int64_t value, char *buf);
const char *value_show_fraction(int64_t value, char *buf);
const char *value_show_duration(int64_t value, char *buf);
const char *value_show_seconds(int64_t value, char *buf);
const char *value_show_size(int64_t value, char *buf);
const char *value_show_time(int64_t value, char *buf);

#endif
