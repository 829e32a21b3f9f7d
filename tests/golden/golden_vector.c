#include "tests/golden/golden.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONES_MAX 16u
#define NS INT64_C(1000000000)

void golden_fail(struct golden_vector *v, const char *format, ...)
{
    size_t used = strlen(v->text);
    va_list arguments;
    v->failures++;
    if (used > 0 && used + 3 < sizeof v->text) {
        memcpy(v->text + used, "; ", 3);
        used += 2;
    }
    va_start(arguments, format);
    (void)vsnprintf(v->text + used, sizeof v->text - used, format, arguments);
    va_end(arguments);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const struct golden_pair *find(const struct golden_side *side, const char *key)
{
    for (uint32_t i = 0; i < side->count; i++)
        if (strcmp(side->pairs[i].key, key) == 0)
            return &side->pairs[i];
    return NULL;
}

bool golden_has(const struct golden_vector *v, const char *key)
{
    return find(&v->inputs, key) != NULL;
}
bool golden_wants(const struct golden_vector *v, const char *key)
{
    return find(&v->expected, key) != NULL;
}

const char *golden_text(struct golden_vector *v, const char *key)
{
    const struct golden_pair *pair = find(&v->inputs, key);
    if (!pair)
        golden_fail(v, "no input %s", key);
    return pair ? pair->value : "";
}

bool golden_is(struct golden_vector *v, const char *key, const char *text)
{
    const struct golden_pair *pair = find(&v->inputs, key);
    return pair && strcmp(pair->value, text) == 0;
}

bool golden_parse_dec(const char *text, dec_t *out)
{
    return dec_parse(text, strlen(text), out) == 0;
}

bool golden_parse_date(const char *text, int64_t *out_days)
{
    int year, month, day, end = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || text[end] != '\0' || month < 1 || month > 12 ||
        day < 1 || day > 31)
        return false;
    *out_days = tz_days_from_civil(year, month, day);
    return true;
}

bool golden_parse_clock(const char *text, int32_t *out_s)
{
    int hour, minute, second = 0, end = 0;
    if (sscanf(text, "%2d:%2d%n:%2d%n", &hour, &minute, &end, &second, &end) < 2 || text[end] != '\0' || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    *out_s = hour * 3600 + minute * 60 + second;
    return true;
}

bool golden_parse_time(const char *text, int64_t *out_ns)
{
    char date[11], clock[9];
    int64_t days;
    int32_t second;
    if (strlen(text) != 20 || text[10] != 'T' || text[19] != 'Z')
        return false;
    memcpy(date, text, 10);
    date[10] = '\0';
    memcpy(clock, text + 11, 8);
    clock[8] = '\0';
    if (!golden_parse_date(date, &days) || !golden_parse_clock(clock, &second))
        return false;
    *out_ns = (days * 86400 + second) * NS;
    return true;
}

dec_t golden_dec(struct golden_vector *v, const char *key)
{
    dec_t value = 0;
    const char *text = golden_text(v, key);
    if (!golden_parse_dec(text, &value))
        golden_fail(v, "input %s is no number: %s", key, text);
    return value;
}

dec_t golden_dec_or(struct golden_vector *v, const char *key, dec_t without)
{
    return !golden_has(v, key) || golden_is(v, key, "none") ? without : golden_dec(v, key);
}

int64_t golden_int(struct golden_vector *v, const char *key)
{
    dec_t value = golden_dec(v, key);
    if (value % DEC_ONE != 0)
        golden_fail(v, "input %s is no whole number", key);
    return value / DEC_ONE;
}

static bool is_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0;
}

bool golden_bool(struct golden_vector *v, const char *key)
{
    bool value = false;
    const char *text = golden_text(v, key);
    if (!is_bool(text, &value))
        golden_fail(v, "input %s is neither true nor false: %s", key, text);
    return value;
}

int64_t golden_time(struct golden_vector *v, const char *key)
{
    int64_t value = 0;
    const char *text = golden_text(v, key);
    if (!golden_parse_time(text, &value))
        golden_fail(v, "input %s is no time: %s", key, text);
    return value;
}

int64_t golden_date(struct golden_vector *v, const char *key)
{
    int64_t value = 0;
    const char *text = golden_text(v, key);
    if (!golden_parse_date(text, &value))
        golden_fail(v, "input %s is no date: %s", key, text);
    return value;
}

int32_t golden_clock(struct golden_vector *v, const char *key)
{
    int32_t value = 0;
    const char *text = golden_text(v, key);
    if (!golden_parse_clock(text, &value))
        golden_fail(v, "input %s is no time of day: %s", key, text);
    return value;
}

const struct tz_table *golden_zone(struct golden_vector *v, const char *name)
{
    static struct tz_table zones[ZONES_MAX];
    static uint32_t count;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(zones[i].name, name) == 0)
            return &zones[i];
    if (count == ZONES_MAX || tz_load(name, &zones[count], NULL) != 0) {
        golden_fail(v, "no zone %s", name);
        return NULL;
    }
    return &zones[count++];
}

uint32_t golden_split(struct golden_vector *v, const char *text, char separator, char parts[GOLDEN_LIST_MAX][96])
{
    uint32_t count = 0;
    while (*text != '\0') {
        const char *end = strchr(text, separator);
        size_t length = end ? (size_t)(end - text) : strlen(text);
        if (count == GOLDEN_LIST_MAX || length >= 96) {
            golden_fail(v, "a list that is too long");
            return count;
        }
        memcpy(parts[count], text, length);
        parts[count++][length] = '\0';
        text += length + (end != NULL);
    }
    return count;
}

/* --- telling
 * ---------------------------------------------------------------------------------------------------------- */

static struct golden_pair *wanted(struct golden_vector *v, const char *key)
{
    for (uint32_t i = 0; i < v->expected.count; i++)
        if (strcmp(v->expected.pairs[i].key, key) == 0) {
            v->expected.pairs[i].told = true;
            return &v->expected.pairs[i];
        }
    return NULL;
}

static void differ(struct golden_vector *v, const struct golden_pair *pair, const char *ours)
{
    golden_fail(v, "%s: expected %s, got %s", pair->key, pair->value, ours);
}

void golden_expect_dec(struct golden_vector *v, const char *key, dec_t value)
{
    const struct golden_pair *pair = wanted(v, key);
    char ours[DEC_STR_MAX];
    dec_t expected;
    if (!pair)
        return;
    (void)dec_format(value, 2, ours);
    if (!golden_parse_dec(pair->value, &expected) || expected != value)
        differ(v, pair, ours);
}

void golden_expect_int(struct golden_vector *v, const char *key, int64_t value)
{
    const struct golden_pair *pair = wanted(v, key);
    char ours[24];
    dec_t expected;
    if (!pair)
        return;
    (void)snprintf(ours, sizeof ours, "%lld", (long long)value);
    if (!golden_parse_dec(pair->value, &expected) || expected % DEC_ONE != 0 || expected / DEC_ONE != value)
        differ(v, pair, ours);
}

void golden_expect_bool(struct golden_vector *v, const char *key, bool value)
{
    golden_expect_text(v, key, value ? "true" : "false");
}

void golden_expect_text(struct golden_vector *v, const char *key, const char *value)
{
    const struct golden_pair *pair = wanted(v, key);
    if (pair && strcmp(pair->value, value) != 0)
        differ(v, pair, value);
}

void golden_expect_time(struct golden_vector *v, const char *key, int64_t value_ns)
{
    int year, month, day;
    char ours[64];
    int64_t second = value_ns / NS, days = second / 86400, of_day = second % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    tz_civil_from_days(days, &year, &month, &day);
    (void)snprintf(ours, sizeof ours, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, (int)(of_day / 3600),
                   (int)(of_day / 60 % 60), (int)(of_day % 60));
    golden_expect_text(v, key, ours);
}

void golden_expect_rounded(struct golden_vector *v, const char *key, dec_t value)
{
    const struct golden_pair *pair = find(&v->expected, key);
    dec_t step = DEC_ONE, rounded;
    if (!pair)
        return;
    const char *point = strchr(pair->value, '.');
    for (size_t i = point ? strlen(point + 1) : 0; i > 0 && step > 1; i--)
        step /= 10;
    if (dec_round_step(value, step, DEC_ROUND_NEAREST, &rounded) != 0)
        rounded = value;
    golden_expect_dec(v, key, rounded);
}
