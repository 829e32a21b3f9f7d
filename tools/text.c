#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/tz.h"

const char *text_time(int64_t time_ns, bool seconds, char buf[TEXT_MAX])
{
    if (time_ns <= 0)
        return memcpy(buf, "-", sizeof "-");
    int64_t s = time_ns / CLOCK_NS_PER_S;
    int year, month, day;
    tz_civil_from_days(s / 86400, &year, &month, &day);
    int n = snprintf(buf, TEXT_MAX, "%04d-%02d-%02d %02d:%02d", year, month, day, (int)(s % 86400 / 3600), (int)(s / 60 % 60));
    if (seconds)
        snprintf(buf + n, TEXT_MAX - (size_t)n, ":%02d", (int)(s % 60));
    return buf;
}

/* Digits with a comma before each group of three. */
static char *group(uint64_t value, char *out)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, value);
    for (int i = 0; i < n; i++) {
        *out++ = digits[i];
        if ((n - i) % 3 == 1 && i + 1 < n)
            *out++ = ',';
    }
    *out = 0;
    return out;
}

const char *text_count(uint64_t value, char buf[TEXT_MAX])
{
    group(value, buf);
    return buf;
}

static const char *money(dec_t value, bool plus, char buf[TEXT_MAX])
{
    if (value == DEC_NONE)
        return memcpy(buf, "-", sizeof "-");
    uint64_t magnitude = value < 0 ? (uint64_t)-(value + 1) + 1 : (uint64_t)value;
    uint64_t cents = (magnitude + DEC_ONE / 200) / (DEC_ONE / 100);
    char *out = buf;
    if (value < 0 && cents > 0)
        *out++ = '-';
    else if (plus && cents > 0)
        *out++ = '+';
    out = group(cents / 100, out);
    snprintf(out, TEXT_MAX - (size_t)(out - buf), ".%02u", (unsigned)(cents % 100));
    return buf;
}

const char *text_money(dec_t value, char buf[TEXT_MAX]) { return money(value, false, buf); }

const char *text_signed(dec_t value, char buf[TEXT_MAX]) { return money(value, true, buf); }

const char *text_decimal(dec_t value, char buf[TEXT_MAX])
{
    if (value == DEC_NONE)
        return memcpy(buf, "-", sizeof "-");
    dec_format(value, 0, buf);
    return buf;
}

const char *text_duration(double seconds, char buf[TEXT_MAX])
{
    if (!(seconds >= 0) || seconds > 1e12)
        return memcpy(buf, "-", sizeof "-");
    uint64_t s = (uint64_t)seconds;
    if (s < 60)
        snprintf(buf, TEXT_MAX, "%.1fs", (double)(uint64_t)(seconds * 10) / 10);
    else if (s < 3600)
        snprintf(buf, TEXT_MAX, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
    else if (s < 86400)
        snprintf(buf, TEXT_MAX, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
    else
        snprintf(buf, TEXT_MAX, "%" PRIu64 "d%02uh", s / 86400, (unsigned)(s / 3600 % 24));
    return buf;
}

/* Bytes of the UTF-8 character at text, 0: none (also overlong forms, surrogates, beyond U+10FFFF, C1 controls). */
static size_t character(const unsigned char *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : (p[0] & 0xf8) == 0xf0 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    if (n == 1)
        return p[0] >= 0x20 && p[0] != 0x7f;
    uint32_t code = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    return code >= least[n] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n : 0;
}

size_t text_clean(const char *text, size_t length, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < length && text[i];) {
        size_t n = character((const unsigned char *)text + i, length - i);
        size_t step = n ? n : 1;
        if (used + step >= size)
            break;
        if (n)
            memcpy(out + used, text + i, n);
        else
            out[used] = text[i] == '\t' ? ' ' : '?';
        used += step;
        i += step;
    }
    out[used] = 0;
    return used;
}

static bool continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

size_t text_columns(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += !continues(*text);
    return columns;
}

size_t text_cut(const char *text, size_t columns)
{
    size_t i = 0;
    for (; text[i]; i++)
        if (!continues(text[i]) && columns-- == 0)
            break;
    return i;
}

bool text_is_name(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= 31 && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}
