#include "tools/statement_text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

#define SECOND INT64_C(1000000000)
#define DAY_S 86400
#define SERVER_AHEAD_S (7 * 3600) /* of New York */

/* --- times ------------------------------------------------------------------------------------------------------ */

struct civil {
    int year, month, day, hour, minute, second, sign, zone_hour, zone_minute;
};

/* Y M D h m s H I take a digit each for their number, + a sign; anything else stands for itself. All of text, or up to a
 * blank where `prefix`. */
static bool match(const char *text, const char *pattern, bool prefix, struct civil *out)
{
    *out = (struct civil){.sign = 1};
    for (; *pattern != '\0'; pattern++, text++) {
        const char *letters = "YMDhmsHI", *letter = strchr(letters, *pattern);
        int *numbers[] = {&out->year, &out->month, &out->day, &out->hour, &out->minute, &out->second, &out->zone_hour, &out->zone_minute};
        if (letter && isdigit((unsigned char)*text)) {
            int *number = numbers[letter - letters];
            *number = *number * 10 + (*text - '0');
        } else if (*pattern == '+' && (*text == '+' || *text == '-')) {
            out->sign = *text == '-' ? -1 : 1;
        } else if (letter || *pattern == '+' || *text != *pattern) {
            return false;
        }
    }
    return *text == '\0' || (prefix && *text == ' ');
}

static bool is_civil(const struct civil *c)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    if (c->year < TZ_FIRST_YEAR || c->year >= TZ_LAST_YEAR || c->month < 1 || c->month > 12 || c->day < 1)
        return false;
    return c->day <= days[c->month - 1] - (c->month == 2 && !leap) && c->hour < 24 && c->minute < 60 && c->second < 60 &&
           c->zone_hour < 15 && c->zone_minute < 60;
}

static bool epoch_of(const char *text, int64_t *out_s)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10 || text[digits] != '\0')
        return false;
    *out_s = 0;
    for (const char *digit = text; *digit != '\0'; digit++)
        *out_s = *out_s * 10 + (*digit - '0');
    return *out_s >= tz_days_from_civil(TZ_FIRST_YEAR, 1, 1) * DAY_S && *out_s < tz_days_from_civil(TZ_LAST_YEAR, 1, 1) * DAY_S;
}

bool statement_time(const char *text, const struct tz_table *new_york, int64_t *out_ns)
{
    struct civil c;
    int64_t s;
    if (epoch_of(text, &s)) {
        *out_ns = s * SECOND;
        return true;
    }
    if (match(text, "MM/DD/YYYY hh:mm:ss +HH:II", false, &c) && is_civil(&c)) {
        s = tz_days_from_civil(c.year, c.month, c.day) * DAY_S + c.hour * 3600 + c.minute * 60 + c.second;
        *out_ns = (s - c.sign * (c.zone_hour * 3600 + c.zone_minute * 60)) * SECOND;
        return true;
    }
    bool server = match(text, "YYYY.MM.DD hh:mm:ss", false, &c) || match(text, "YYYY.MM.DD hh:mm", false, &c);
    if (!server || !new_york || !is_civil(&c))
        return false;
    s = tz_days_from_civil(c.year, c.month, c.day) * DAY_S + c.hour * 3600 + c.minute * 60 + c.second - SERVER_AHEAD_S;
    *out_ns = tz_local_to_utc(new_york, s / DAY_S, (int32_t)(s % DAY_S));
    return true;
}

bool statement_date(const char *text, int32_t *out_day)
{
    struct civil c;
    if ((!match(text, "YYYY-MM-DD", true, &c) && !match(text, "MM/DD/YYYY", true, &c)) || !is_civil(&c))
        return false;
    *out_day = (int32_t)tz_days_from_civil(c.year, c.month, c.day);
    return true;
}

/* --- symbols ---------------------------------------------------------------------------------------------------- */

#define CENTS(n) ((n) * DEC_ONE / 100)
/* Points of the exchanges; the last three are as brokers quote them (Darwinex: XTIUSD, NDX). */
static const struct statement_contract known[] = {
    {"MNQ", CENTS(200), CENTS(25), "USD"},   {"NQ", CENTS(2000), CENTS(25), "USD"},   {"MES", CENTS(500), CENTS(25), "USD"},
    {"ES", CENTS(5000), CENTS(25), "USD"},   {"M2K", CENTS(500), CENTS(10), "USD"},   {"RTY", CENTS(5000), CENTS(10), "USD"},
    {"MYM", CENTS(50), CENTS(100), "USD"},   {"YM", CENTS(500), CENTS(100), "USD"},   {"MGC", CENTS(1000), CENTS(10), "USD"},
    {"GC", CENTS(10000), CENTS(10), "USD"},  {"MCL", CENTS(10000), CENTS(1), "USD"},  {"CL", CENTS(100000), CENTS(1), "USD"},
    {"MBT", CENTS(10), CENTS(500), "USD"},   {"XAUUSD", CENTS(10000), CENTS(1), "USD"}, {"XTIUSD", CENTS(100000), CENTS(1), "USD"},
    {"NDX", CENTS(1000), CENTS(10), "USD"},
};

static const struct statement_contract *find(const struct statement_contract *list, size_t count, const char *symbol)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].symbol, symbol) == 0)
            return &list[i];
    return NULL;
}

static bool is_upper(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
    return true;
}

/* MNQM5, MNQM25: without the month and year. */
static void cut_month(char *name)
{
    size_t length = strlen(name), digits = 0;
    while (digits < length && isdigit((unsigned char)name[length - 1 - digits]))
        digits++;
    if (digits >= 1 && digits <= 2 && length > digits + 1 && strchr("FGHJKMNQUVXZ", name[length - digits - 1]))
        name[length - digits - 1] = '\0';
}

/* Six capital letters whose last three are no metal: a pair. */
static bool fx_pair(const char *name, struct statement_contract *out)
{
    if (strlen(name) != 6 || !is_upper(name, 6) || name[0] == 'X')
        return false;
    *out = (struct statement_contract){.size = 100000 * DEC_ONE, .tick = DEC_ONE / 100000};
    memcpy(out->symbol, name, 7);
    memcpy(out->currency, name + 3, 4);
    if (strcmp(out->currency, "JPY") == 0)
        out->tick = DEC_ONE / 1000;
    return true;
}

/* How the profit currency becomes USD: by the trade's own price (USDJPY), by a pair that no row shows (GBPJPY: USDJPY). */
static void set_conversion(struct statement_symbol *s)
{
    const char *currency = s->contract.currency;
    if (strcmp(currency, STATEMENT_CURRENCY) == 0)
        return;
    if (s->fx && memcmp(s->name, STATEMENT_CURRENCY, 3) == 0) {
        s->own_rate = true;
        return;
    }
    s->multiply = strcmp(currency, "EUR") == 0 || strcmp(currency, "GBP") == 0 || strcmp(currency, "AUD") == 0 ||
                  strcmp(currency, "NZD") == 0;
    (void)snprintf(s->pair, sizeof s->pair, "%s%s", s->multiply ? currency : STATEMENT_CURRENCY,
                   s->multiply ? STATEMENT_CURRENCY : currency);
}

bool statement_symbol_of(const char *text, bool future, const struct statement_options *options, struct statement_symbol *out)
{
    const struct statement_contract *found;
    *out = (struct statement_symbol){.future = future};
    if (*text == '\0' || strlen(text) >= sizeof out->name)
        return false;
    memcpy(out->name, text, strlen(text) + 1);
    if (future)
        cut_month(out->name);
    if ((found = find(options->contracts, options->contract_count, out->name)) ||
        (found = find(known, sizeof known / sizeof known[0], out->name)))
        out->contract = *found;
    struct statement_contract pair;
    out->fx = !future && fx_pair(out->name, &pair);
    if (!found && !out->fx)
        return false;
    if (!found)
        out->contract = pair;
    else if (out->contract.currency[0] == '\0')
        memcpy(out->contract.currency, out->fx ? pair.currency : STATEMENT_CURRENCY, 4);
    if (out->contract.tick == 0)
        out->contract.tick = out->fx ? pair.tick : DEC_ONE / 100;
    set_conversion(out);
    return true;
}

int statement_contract_parse(const char *text, size_t length, struct statement_contract *out, struct error *err)
{
    const char *equals = memchr(text, '=', length), *end = text + length;
    const char *colon = equals ? memchr(equals, ':', (size_t)(end - equals)) : NULL;
    size_t name = equals ? (size_t)(equals - text) : 0;
    *out = (struct statement_contract){.tick = 0};
    bool good = name > 0 && name < sizeof out->symbol &&
                dec_parse(equals + 1, (size_t)((colon ? colon : end) - equals - 1), &out->size) == 0 && out->size > 0;
    if (good && colon)
        good = end - colon == 4 && is_upper(colon + 1, 3);
    if (!good)
        return error_set(err, EINVAL, "%.*s is no contract; write SYMBOL=UNITS or SYMBOL=UNITS:CUR, as NDX=10 or DAX=25:EUR", (int)length, text);
    memcpy(out->symbol, text, name);
    if (colon)
        memcpy(out->currency, colon + 1, 3);
    return 0;
}
