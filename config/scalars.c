#include "config/scalars.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/decimal.h"
#include "base/error.h"
#include "config/values.h"

/* How a type is written, and how its numbers are. */
struct scalar_kind {
    const char *name, *expect;
    const char *(*parse)(const char *text, int64_t *out);
    const char *(*show)(int64_t value, char *buf);
};

static const struct scalar_kind kinds[] = {
    [SCHEMA_TEXT] = {"text", "a text", NULL, NULL},
    [SCHEMA_NAME] = {"name", "a name of small letters, digits and -, that begins with a letter", NULL, NULL},
    [SCHEMA_LABEL] = {"name", "a name of small letters, digits and -", NULL, NULL},
    [SCHEMA_SYMBOL] = {"symbol", "a symbol of capital letters, digits, . and _", NULL, NULL},
    [SCHEMA_CURRENCY] = {"currency", "a currency such as USD", NULL, NULL},
    [SCHEMA_DATE] = {"date", "a date such as 2026-11-22", value_date, NULL},
    [SCHEMA_FLAG] = {"true or false", "true or false", value_boolean, NULL},
    [SCHEMA_COUNT] = {"whole number", "a whole number", value_integer, value_show_integer},
    [SCHEMA_POWER] = {"power of two", "a power of two", value_integer, value_show_integer},
    [SCHEMA_SEED] = {"whole number", "a whole number", value_integer, value_show_integer},
    [SCHEMA_DECIMAL] = {"number", "a number such as 0.01", value_decimal, value_show_decimal},
    [SCHEMA_DECIMALS] = {"list of numbers", "a list of numbers such as [10000, 25000]", value_decimal, NULL},
    [SCHEMA_FRACTION] = {"percentage", "a percentage such as 0.25%", value_fraction, value_show_fraction},
    [SCHEMA_SHARE] = {"percentage", "a percentage such as 0.25%", value_fraction, value_show_fraction},
    [SCHEMA_REAL] = {"number", "a number such as 1.5", value_decimal, value_show_decimal},
    [SCHEMA_REALS] = {"list of numbers", "a list of numbers such as [0.5, 0, -0.25]", value_decimal,
                      value_show_decimal},
    [SCHEMA_MONEY] = {"money", "an amount and a currency such as 100000 USD", NULL, value_show_decimal},
    [SCHEMA_DURATION] = {"duration", "a duration such as 50ms, 2s, 10m, 4h or 1d", value_duration, value_show_duration},
    [SCHEMA_SECONDS] = {"duration", "a duration of whole seconds such as 30s, 10m, 4h or 1d", value_seconds,
                        value_show_seconds},
    [SCHEMA_SIZE] = {"size", "a size such as 64KiB, 16MiB or 1GiB", value_size, value_show_size},
    [SCHEMA_SIZE32] = {"size", "a size such as 64KiB, 16MiB or 1GiB", value_size, value_show_size},
    [SCHEMA_TIME] = {"time of day", "a time of day such as 17:00", value_time, value_show_time},
    [SCHEMA_INSTANT] = {"instant", "a date or an instant, UTC, such as 2024-05-13 or 2024-05-13T10:30", value_instant,
                        NULL},
    [SCHEMA_UNTIL] = {"instant", "a date (all of it) or an instant, UTC, such as 2024-05-13 or 2024-05-13T10:30",
                      value_until, NULL},
    [SCHEMA_SPEED] = {"speed", "max, or a number such as 1 or 60", NULL, value_show_decimal},
    [SCHEMA_CHOICE] = {"choice", "one of", NULL, NULL},
    [SCHEMA_ZONE] = {"time zone", "a zone of the IANA database such as Europe/Prague", NULL, NULL},
    [SCHEMA_REFERENCE] = {"name", "a name", NULL, NULL},
    [SCHEMA_REFERENCES] = {"list of names", "a list of names such as [EURUSD, XAUUSD]", NULL, NULL},
    [SCHEMA_PATH] = {"path", "a path", NULL, NULL},
    [SCHEMA_BITS] = {"list", "a list such as [a, b], of", NULL, NULL},
    [SCHEMA_SYMBOLS] = {"list of symbols", "a list of symbols such as [EURUSD, XAUUSD]", NULL, NULL},
    [SCHEMA_LINES] = {"list of texts", "a list of texts", NULL, NULL},
    [SCHEMA_VARIANTS] = {"list", "a list of other readings, each with the keys that differ", NULL, NULL},
    [SCHEMA_SECTION] = {"section", "keys of its own, indented below it", NULL, NULL},
    [SCHEMA_LIST] = {"list", "a list, one \"- {...}\" a line", NULL, NULL},
    [SCHEMA_MAP] = {"section", "names, and below each its keys", NULL, NULL},
};

const char *scalar_type_name(enum schema_type type)
{
    return kinds[type].name;
}

static bool is_counted(enum schema_type type)
{
    return type == SCHEMA_DECIMALS || type == SCHEMA_REFERENCES || type == SCHEMA_LIST || type == SCHEMA_MAP ||
           type == SCHEMA_BITS || type == SCHEMA_SYMBOLS || type == SCHEMA_LINES || type == SCHEMA_VARIANTS;
}

const char *scalar_range(const struct schema_field *field, char *buf, size_t size)
{
    const char *(*show)(int64_t, char *) = is_counted(field->type) ? value_show_integer : kinds[field->type].show;
    char low[VALUES_TEXT_MAX], high[VALUES_TEXT_MAX];
    buf[0] = 0;
    if (show == NULL || (field->min == 0 && field->max == 0))
        return buf;
    if (field->max == INT64_MAX)
        snprintf(buf, size, "at least %s", show(field->min, low));
    else
        snprintf(buf, size, "from %s to %s", show(field->min, low), show(field->max, high));
    return buf;
}

const char *schema_expect(const struct schema_field *field, char *buf, size_t size)
{
    char range[VALUES_TEXT_MAX * 3];
    size_t n = (size_t)snprintf(buf, size, "%s", kinds[field->type].expect);
    for (const char *const *choice = field->choices; choice != NULL && *choice != NULL && n < size; choice++)
        n += (size_t)snprintf(buf + n, size - n, "%s %s", choice == field->choices ? "" : ",", *choice);
    if (n >= size)
        return buf; /* cut, and still a text */
    if (scalar_range(field, range, sizeof range)[0] != 0)
        snprintf(buf + n, size - n, ", %s%s%s", range, field->unit != NULL ? " " : "",
                 field->unit != NULL ? field->unit : "");
    else if (field->unit != NULL)
        snprintf(buf + n, size - n, " (%s)", field->unit);
    return buf;
}

/* --- storing -------------------------------------------------------------------- */

#define STORE(type, value)                                                                                             \
    do {                                                                                                               \
        type stored_ = (value);                                                                                        \
        assert(field->size == sizeof stored_);                                                                         \
        memcpy(at, &stored_, sizeof stored_);                                                                          \
    } while (0)

static void store_number(const struct schema_field *field, int64_t value, unsigned char *at)
{
    switch (field->type) {
    case SCHEMA_FLAG:
        STORE(bool, value != 0);
        break;
    case SCHEMA_COUNT:
    case SCHEMA_POWER:
    case SCHEMA_SIZE32:
        STORE(uint32_t, (uint32_t)value);
        break;
    case SCHEMA_TIME:
    case SCHEMA_SECONDS:
        STORE(int32_t, (int32_t)value);
        break;
    case SCHEMA_SHARE:
    case SCHEMA_REAL:
    case SCHEMA_SPEED:
        STORE(double, dec_to_double(value));
        break;
    default:
        STORE(int64_t, value);
        break; /* and SEED, SIZE: not negative by their range */
    }
}

static const char *range_problem(const struct schema_field *field, int64_t value)
{
    if (field->min == 0 && field->max == 0)
        return NULL;
    if (value < field->min || value > field->max)
        return "is out of range";
    if (field->type == SCHEMA_POWER && (value & (value - 1)) != 0)
        return "is not a power of two";
    return NULL;
}

static const char *store_text(const struct schema_field *field, const char *text, unsigned char *at)
{
    size_t length = strlen(text);
    if (length >= field->size)
        return "is too long";
    memcpy(at, text, length + 1);
    return NULL;
}

#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const char *name_problem(enum schema_type type, const char *text)
{
    const char *first = SMALL, *all = SMALL DIGITS "-";
    if (type == SCHEMA_LABEL)
        first = SMALL DIGITS;
    if (type == SCHEMA_SYMBOL) {
        first = CAPITAL DIGITS;
        all = CAPITAL DIGITS "._";
    }
    if (strspn(text, first) > 0 && strspn(text, all) == strlen(text))
        return NULL;
    return type == SCHEMA_SYMBOL ? "is not a symbol" : "is not a name";
}

static const char *store_choice(const struct schema_field *field, const char *text, unsigned char *at)
{
    for (uint32_t i = 0; field->choices[i] != NULL; i++) {
        if (strcmp(field->choices[i], text) == 0) {
            STORE(uint32_t, i);
            return NULL;
        }
    }
    return "is not known here";
}

static const char *store_currency(const struct schema_field *field, const char *text, unsigned char *at)
{
    if (strlen(text) != 3 || strspn(text, CAPITAL) != 3)
        return "is not a currency";
    return store_text(field, text, at);
}

static const char *store_reference(const char *text, struct place place, void *at)
{
    struct schema_reference reference = {.place = place};
    size_t length = strlen(text);
    if (length >= sizeof reference.name)
        return "is too long";
    memcpy(reference.name, text, length + 1);
    memcpy(at, &reference, sizeof reference);
    return NULL;
}

static const char *store_path(const char *text, struct place place, void *at)
{
    struct schema_path path = {.place = place};
    size_t length = strlen(text);
    if (length >= sizeof path.path)
        return "is too long";
    memcpy(path.path, text, length + 1);
    memcpy(at, &path, sizeof path);
    return NULL;
}

static const char *store_money(const struct schema_field *field, const char *text, unsigned char *base)
{
    char currency[4];
    int64_t amount;
    const char *problem = value_money(text, &amount, currency);
    if (problem == NULL)
        problem = range_problem(field, amount);
    if (problem != NULL)
        return problem;
    store_number(field, amount, base + field->offset);
    memcpy(base + field->count_offset, currency, sizeof currency);
    return NULL;
}

/* Whatever is a number in the end. */
static const char *store_parsed(const struct schema_field *field, const char *text, unsigned char *at)
{
    int64_t value = 0;
    const char *problem = kinds[field->type].parse(text, &value);
    if (problem == NULL)
        problem = range_problem(field, value);
    if (problem != NULL)
        return problem; // cppcheck-suppress returnDanglingLifetime; a constant text, never &value
    if (field->type == SCHEMA_DATE)
        return store_text(field, text, at);
    store_number(field, value, at);
    return NULL;
}

static const char *store_speed(const struct schema_field *field, const char *text, unsigned char *at)
{
    int64_t value = 0;
    if (strcmp(text, "max") == 0) {
        store_number(field, 0, at);
        return NULL;
    }
    const char *problem = value_decimal(text, &value);
    if (problem == NULL)
        problem = range_problem(field, value);
    if (problem == NULL)
        store_number(field, value, at);
    return problem;
}

static const char *store_zone(struct loading *l, const struct schema_field *field, const char *text, unsigned char *at)
{
    const char *problem = NULL;
    uint32_t zone = schema_zone(l, text, &problem);
    if (problem == NULL)
        STORE(uint32_t, zone);
    return problem;
}

const char *scalar_store(struct loading *l, const struct schema_field *field, const char *text, struct place place,
                         void *base)
{
    unsigned char *at = (unsigned char *)base + field->offset;
    const char *problem;
    switch (field->type) {
    case SCHEMA_TEXT:
        return store_text(field, text, at);
    case SCHEMA_NAME:
    case SCHEMA_LABEL:
    case SCHEMA_SYMBOL:
        problem = name_problem(field->type, text);
        return problem != NULL ? problem : store_text(field, text, at);
    case SCHEMA_CURRENCY:
        return store_currency(field, text, at);
    case SCHEMA_CHOICE:
        return store_choice(field, text, at);
    case SCHEMA_ZONE:
        return store_zone(l, field, text, at);
    case SCHEMA_REFERENCE:
        return store_reference(text, place, at);
    case SCHEMA_PATH:
        return store_path(text, place, at);
    case SCHEMA_MONEY:
        return store_money(field, text, base);
    case SCHEMA_SPEED:
        return store_speed(field, text, at);
    default:
        assert(kinds[field->type].parse != NULL);
        return store_parsed(field, text, at);
    }
}

/* One more choice of a list. */
static const char *add_bit(const struct schema_field *field, const char *text, unsigned char *at)
{
    uint32_t bits;
    memcpy(&bits, at, sizeof bits);
    for (uint32_t i = 0; field->choices[i] != NULL; i++) {
        if (strcmp(field->choices[i], text) != 0)
            continue;
        if (bits >> i & 1)
            return "is there twice";
        STORE(uint32_t, bits | UINT32_C(1) << i);
        return NULL;
    }
    return "is not known here";
}

static const char *add_symbol(const struct loading *l, const char *text, struct place place, void *at)
{
    struct schema_symbols symbols;
    const char *problem = name_problem(SCHEMA_SYMBOL, text);
    memcpy(&symbols, at, sizeof symbols);
    if (problem == NULL && strlen(text) >= sizeof symbols.unknown)
        problem = "is too long";
    if (problem != NULL)
        return problem;
    uint32_t i = 0;
    while (i < l->out->instrument_count && strcmp(l->out->instruments[i].symbol, text) != 0)
        i++;
    if (i < l->out->instrument_count && symbols.mask >> i & 1)
        return "is there twice";
    if (i < l->out->instrument_count) {
        symbols.mask |= UINT32_C(1) << i;
    } else if (symbols.unknown_count++ == 0) {
        memcpy(symbols.unknown, text, strlen(text) + 1);
        symbols.place = place;
    }
    memcpy(at, &symbols, sizeof symbols);
    return NULL;
}

static const char *add_line(const struct schema_field *field, const char *text, unsigned char *at)
{
    size_t used = strlen((char *)at), length = strlen(text);
    if (used + length + 2 > field->size)
        return "makes all of it too long";
    if (strpbrk(text, "\r\n") != NULL)
        return "is more than one line";
    if (used > 0)
        at[used++] = '\n';
    memcpy(at + used, text, length + 1);
    return NULL;
}

const char *scalar_store_element(struct loading *l, const struct schema_field *field, const char *text,
                                 struct place place, uint32_t index, void *base)
{
    unsigned char *at = (unsigned char *)base + field->offset;
    int64_t value = 0;
    switch (field->type) {
    case SCHEMA_REFERENCES:
        return store_reference(text, place, at + index * sizeof(struct schema_reference));
    case SCHEMA_BITS:
        return add_bit(field, text, at);
    case SCHEMA_SYMBOLS:
        return add_symbol(l, text, place, at);
    case SCHEMA_LINES:
        return add_line(field, text, at);
    default:
        break;
    }
    const char *problem = value_decimal(text, &value);
    if (problem != NULL)
        return problem;
    if (field->type == SCHEMA_DECIMALS) {
        memcpy(at + index * sizeof value, &value, sizeof value);
        return NULL;
    }
    assert(field->type == SCHEMA_REALS);
    problem = range_problem(field, value);
    double real = dec_to_double(value);
    if (problem == NULL)
        memcpy(at + index * sizeof real, &real, sizeof real);
    return problem;
}

uint32_t schema_zone(struct loading *l, const char *name, const char **problem)
{
    struct fleet_config *out = l->out;
    for (uint32_t i = 0; i < out->zone_count; i++)
        if (strcmp(out->zones[i].name, name) == 0)
            return i;
    if (out->zone_count == CONFIG_ZONES_MAX) {
        *problem = "is one zone too many (16)";
        return CONFIG_NONE;
    }
    struct tz_table *zone = &out->zones[out->zone_count];
    memset(zone, 0, sizeof *zone);
    int rc = tz_load(name, zone, NULL);
    if (rc != 0) {
        memset(zone, 0, sizeof *zone);
        *problem = rc == -ENOENT ? "is not among this system's time zones" : "cannot be used as a time zone";
        return CONFIG_NONE;
    }
    return out->zone_count++;
}
