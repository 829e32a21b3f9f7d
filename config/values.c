#include "config/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/tz.h"

#define DAY_NS (INT64_C(86400) * CLOCK_NS_PER_S)

struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit durations[] = {
    {"d", DAY_NS},
    {"h", 3600 * CLOCK_NS_PER_S},
    {"m", 60 * CLOCK_NS_PER_S},
    {"s", CLOCK_NS_PER_S},
    {"ms", CLOCK_NS_PER_MS},
    {"us", 1000},
    {"ns", 1},
};
static const struct unit sizes[] = {
    {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},
    {"KiB", INT64_C(1) << 10},
    {"B", 1},
};
#define UNITS(table) table, sizeof(table) / sizeof(table)[0]

static size_t number_length(const char *text)
{
    return strspn(text, "+-0123456789.");
}

static const char *parse_decimal(const char *text, size_t length, int64_t *out)
{
    switch (dec_parse(text, length, out)) {
    case 0:
        return NULL;
    case -ERANGE:
        return "is too large";
    default:
        return "is not a number";
    }
}

/* A number and its unit, with nothing in between. */
static const char *parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t *out)
{
    size_t digits = number_length(text);
    dec_t number;
    if (digits == 0)
        return "is not a number with a unit";
    const char *problem = parse_decimal(text, digits, &number);
    if (problem != NULL)
        return problem;
    const char *unit = text + digits;
    if (*unit == 0)
        return "has no unit";
    if (*unit == ' ')
        return "has a blank before its unit";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(unit, units[i].name) != 0)
            continue;
        __int128 value = (__int128)number * units[i].factor;
        if (value % DEC_ONE != 0)
            return "is finer than the smallest unit";
        value /= DEC_ONE;
        if (value > INT64_MAX || value < -INT64_MAX)
            return "is too large";
        *out = (int64_t)value;
        return NULL;
    }
    return "has a wrong unit";
}

const char *value_integer(const char *text, int64_t *out)
{
    const char *digits = text + (*text == '-' || *text == '+');
    int64_t value = 0;
    if (*digits == 0 || strspn(digits, "0123456789") != strlen(digits))
        return "is not a whole number";
    for (; *digits != 0; digits++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *digits - '0', &value))
            return "is too large";
    *out = *text == '-' ? -value : value;
    return NULL;
}

const char *value_decimal(const char *text, int64_t *out)
{
    if (number_length(text) > 0 && strcmp(text + number_length(text), "%") == 0)
        return "has a wrong unit";
    return parse_decimal(text, strlen(text), out);
}

const char *value_fraction(const char *text, int64_t *out)
{
    static const struct unit percent[] = {{"%", DEC_ONE / 100}};
    return parse_with_unit(text, UNITS(percent), out);
}

const char *value_duration(const char *text, int64_t *out)
{
    return parse_with_unit(text, UNITS(durations), out);
}
const char *value_seconds(const char *text, int64_t *out)
{
    int64_t ns;
    const char *problem = value_duration(text, &ns);
    if (problem != NULL)
        return problem;
    if (ns % CLOCK_NS_PER_S != 0)
        return "is finer than a second";
    if (ns / CLOCK_NS_PER_S > INT32_MAX || ns / CLOCK_NS_PER_S < INT32_MIN)
        return "is too large";
    *out = ns / CLOCK_NS_PER_S;
    return NULL;
}
const char *value_size(const char *text, int64_t *out)
{
    return parse_with_unit(text, UNITS(sizes), out);
}

const char *value_boolean(const char *text, int64_t *out)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return "is neither true nor false";
    *out = text[0] == 't';
    return NULL;
}

const char *value_money(const char *text, int64_t *out, char currency[4])
{
    size_t digits = number_length(text);
    dec_t amount;
    const char *problem = parse_decimal(text, digits, &amount);
    if (problem != NULL)
        return problem;
    const char *code = text + digits;
    if (*code == 0)
        return "has no currency";
    if (*code != ' ' || strlen(code) != 4)
        return "is not an amount, one blank and a currency";
    for (int i = 1; i < 4; i++)
        if (code[i] < 'A' || code[i] > 'Z')
            return "has a wrong currency";
    *out = amount;
    memcpy(currency, code + 1, 4);
    return NULL;
}

/* --- dates and times ----------------------------------------------------------- */

/* Exactly `count` digits at text; -1 when there are not. */
static int fixed_digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static const char *parse_date(const char *text, size_t length, int64_t *days)
{
    if (length != 10 || text[4] != '-' || text[7] != '-')
        return "is not a date";
    int year = fixed_digits(text, 4), month = fixed_digits(text + 5, 2), day = fixed_digits(text + 8, 2);
    if (year < 0 || month < 0 || day < 0)
        return "is not a date";
    if (year < 1970 || year > TZ_LAST_YEAR || month < 1 || month > 12 || day < 1 || day > 31)
        return "is no day of the calendar";
    int y, m, d;
    int64_t number = tz_days_from_civil(year, month, day);
    tz_civil_from_days(number, &y, &m, &d);
    if (y != year || m != month || d != day)
        return "is no day of the calendar"; /* the 30th of February */
    *days = number;
    return NULL;
}

static const char *parse_time(const char *text, size_t length, int64_t *seconds)
{
    if ((length != 5 && length != 8) || text[2] != ':' || (length == 8 && text[5] != ':'))
        return "is not a time of day";
    int hour = fixed_digits(text, 2), minute = fixed_digits(text + 3, 2);
    int second = length == 8 ? fixed_digits(text + 6, 2) : 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return "is not a time of day";
    *seconds = hour * 3600 + minute * 60 + second;
    return NULL;
}

const char *value_time(const char *text, int64_t *out)
{
    return parse_time(text, strlen(text), out);
}
const char *value_date(const char *text, int64_t *out)
{
    return parse_date(text, strlen(text), out);
}

static const char *parse_instant(const char *text, int64_t bare_date_days, int64_t *out)
{
    const char *clock = strchr(text, 'T');
    int64_t days, seconds = bare_date_days * 86400;
    const char *problem = parse_date(text, clock != NULL ? (size_t)(clock - text) : strlen(text), &days);
    if (problem == NULL && clock != NULL)
        problem = parse_time(clock + 1, strlen(clock + 1), &seconds);
    if (problem == NULL)
        *out = (days * 86400 + seconds) * CLOCK_NS_PER_S;
    return problem;
}

const char *value_instant(const char *text, int64_t *out)
{
    return parse_instant(text, 0, out);
}
const char *value_until(const char *text, int64_t *out)
{
    return parse_instant(text, 1, out);
}

/* --- and back ------------------------------------------------------------------ */

static const char *show_with_unit(int64_t value, const struct unit *units, size_t count, char *buf)
{
    size_t i = 0;
    while (i + 1 < count && (value == 0 || value % units[i].factor != 0))
        i++;
    snprintf(buf, VALUES_TEXT_MAX, "%" PRId64 "%s", value / units[i].factor, units[i].name);
    return buf;
}

const char *value_show_integer(int64_t value, char *buf)
{
    snprintf(buf, VALUES_TEXT_MAX, "%" PRId64, value);
    return buf;
}

const char *value_show_decimal(int64_t value, char *buf)
{
    dec_format(value, 0, buf);
    return buf;
}

const char *value_show_fraction(int64_t value, char *buf)
{
    dec_t percent;
    if (dec_mul(value, 100 * DEC_ONE, DEC_ROUND_NEAREST, &percent) != 0)
        percent = DEC_MAX;
    memcpy(buf + dec_format(percent, 0, buf), "%", sizeof "%");
    return buf;
}

const char *value_show_duration(int64_t value, char *buf)
{
    return value == 0 ? memcpy(buf, "0s", sizeof "0s") : show_with_unit(value, UNITS(durations), buf);
}

const char *value_show_seconds(int64_t value, char *buf)
{
    return value_show_duration(value * CLOCK_NS_PER_S, buf);
}

const char *value_show_size(int64_t value, char *buf)
{
    return show_with_unit(value, UNITS(sizes), buf);
}

const char *value_show_time(int64_t value, char *buf)
{
    int seconds = (int)value;
    if (seconds % 60 != 0)
        snprintf(buf, VALUES_TEXT_MAX, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    else
        snprintf(buf, VALUES_TEXT_MAX, "%02d:%02d", seconds / 3600, seconds / 60 % 60);
    return buf;
}
