/* The other half of tz.h: from the bytes of a TZif file to a table. */
#include "base/tz.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define ZONEINFO "/usr/share/zoneinfo"
#define TZ_FILE_MAX (64 * 1024) /* bytes; the largest of tzdata 2025b has under 4 KiB */
#define TZ_FOOTER_MAX 128       /* bytes between the footer's newlines */
#define OFFSET_MAX_S (26 * 3600)
#define DAY_S 86400

/* --- building a table ----------------------------------------------------------- */

static int32_t last_offset_s(const struct tz_table *tz)
{
    return tz->transition_count > 0 ? tz->offset_s[tz->transition_count - 1] : tz->first_offset_s;
}

/* One change of offset, in ascending order. What lies before TZ_FIRST_YEAR only moves the first offset,
 * what lies after TZ_LAST_YEAR is left out, and what changes nothing (a new name) is no transition. */
static int append(struct tz_table *tz, int64_t at_s, int32_t offset_s)
{
    if (at_s < tz_days_from_civil(TZ_FIRST_YEAR, 1, 1) * DAY_S) {
        tz->first_offset_s = offset_s;
        return 0;
    }
    if (at_s >= tz_days_from_civil(TZ_LAST_YEAR + 1, 1, 1) * DAY_S)
        return 0;
    uint32_t n = tz->transition_count;
    if (n > 0 && at_s < tz->at_s[n - 1])
        return -EINVAL;
    if (n > 0 && at_s == tz->at_s[n - 1])
        n = --tz->transition_count; /* a rule that ends where the next begins: the later one counts */
    if (offset_s == last_offset_s(tz))
        return 0;
    if (n == TZ_TRANSITIONS_MAX)
        return -E2BIG;
    tz->at_s[n] = at_s;
    tz->offset_s[n] = offset_s;
    tz->transition_count = n + 1;
    return 0;
}

/* --- the footer: a POSIX TZ string (POSIX.1-2017 8.3, with RFC 8536's hours up to 167) ------- */

struct text {
    const char *at, *end;
};

enum day_rule { DAY_MONTH_WEEK, DAY_JULIAN, DAY_OF_YEAR };

struct rule_date {
    enum day_rule form;
    int month, week, weekday; /* Mm.w.d: 1..12, 1..5 (5: last), 0..6 */
    int day;                  /* Jn: 1..365 without 29 February; n: 0..365 */
    int32_t time_s;           /* local wall time before the change; may be negative or over a day */
};

struct rule {
    int32_t standard_offset_s;
    bool has_dst;
    int32_t dst_offset_s;
    struct rule_date start, end; /* of daylight saving time */
};

static bool take(struct text *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static bool take_number(struct text *text, int min, int max, int *out)
{
    const char *first = text->at;
    int value = 0;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9' && text->at - first < 3)
        value = value * 10 + (*text->at++ - '0');
    *out = value;
    return text->at > first && value >= min && value <= max;
}

static bool take_name(struct text *text)
{
    bool quoted = take(text, '<');
    const char *first = text->at;
    while (text->at < text->end) {
        char c = *text->at;
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-')))
            break;
        text->at++;
    }
    return text->at - first >= 3 && (!quoted || take(text, '>'));
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(struct text *text, int hours_max, int32_t *out)
{
    int sign = take(text, '-') ? -1 : 1;
    if (sign > 0)
        take(text, '+');
    int hours = 0, minutes = 0, seconds = 0;
    if (!take_number(text, 0, hours_max, &hours))
        return false;
    if (take(text, ':')) {
        if (!take_number(text, 0, 59, &minutes))
            return false;
        if (take(text, ':') && !take_number(text, 0, 59, &seconds))
            return false;
    }
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_date(struct text *text, struct rule_date *out)
{
    *out = (struct rule_date){.time_s = 2 * 3600};
    if (take(text, 'M')) {
        out->form = DAY_MONTH_WEEK;
        if (!take_number(text, 1, 12, &out->month) || !take(text, '.') || !take_number(text, 1, 5, &out->week) ||
            !take(text, '.') || !take_number(text, 0, 6, &out->weekday))
            return false;
    } else if (take(text, 'J')) {
        out->form = DAY_JULIAN;
        if (!take_number(text, 1, 365, &out->day))
            return false;
    } else {
        out->form = DAY_OF_YEAR;
        if (!take_number(text, 0, 365, &out->day))
            return false;
    }
    return !take(text, '/') || take_time(text, 167, &out->time_s);
}

static bool parse_rule(struct text text, struct rule *out)
{
    memset(out, 0, sizeof *out);
    int32_t west_s = 0; /* POSIX counts west of Greenwich */
    if (!take_name(&text) || !take_time(&text, 24, &west_s))
        return false;
    out->standard_offset_s = -west_s;
    if (text.at == text.end)
        return true;
    out->has_dst = true;
    if (!take_name(&text))
        return false;
    out->dst_offset_s = out->standard_offset_s + 3600;
    if (text.at < text.end && *text.at != ',') {
        if (!take_time(&text, 24, &west_s))
            return false;
        out->dst_offset_s = -west_s;
    }
    return take(&text, ',') && take_date(&text, &out->start) && take(&text, ',') && take_date(&text, &out->end) &&
           text.at == text.end;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t rule_day(const struct rule_date *date, int year)
{
    int64_t january_first = tz_days_from_civil(year, 1, 1);
    if (date->form == DAY_OF_YEAR)
        return january_first + date->day;
    if (date->form == DAY_JULIAN)
        return january_first + date->day - 1 + (is_leap(year) && date->day >= 60);
    int64_t first = tz_days_from_civil(year, date->month, 1);
    int64_t after =
        date->month == 12 ? tz_days_from_civil(year + 1, 1, 1) : tz_days_from_civil(year, date->month + 1, 1);
    int64_t first_weekday = (first + 4) % 7; /* 1970-01-01 was a Thursday; no year before it comes here */
    int64_t day = first + (date->weekday - first_weekday + 7) % 7 + 7 * (date->week - 1);
    return day < after ? day : day - 7;
}

struct change {
    int64_t at_s;
    int32_t offset_s;
};

static void rule_changes(const struct rule *rule, int year, struct change out[2])
{
    struct change start = {.at_s = rule_day(&rule->start, year) * DAY_S + rule->start.time_s - rule->standard_offset_s,
                           .offset_s = rule->dst_offset_s};
    struct change end = {.at_s = rule_day(&rule->end, year) * DAY_S + rule->end.time_s - rule->dst_offset_s,
                         .offset_s = rule->standard_offset_s};
    bool north = start.at_s < end.at_s;
    out[0] = north ? start : end;
    out[1] = north ? end : start;
}

/* Append what the rule says after `after_s`, the file's last transition (INT64_MIN: it has none). */
static int expand_rule(const struct rule *rule, int64_t after_s, struct tz_table *tz)
{
    if (!rule->has_dst)
        return after_s == INT64_MIN ? append(tz, INT64_MIN, rule->standard_offset_s) : 0;
    /* The year before too: its last change decides how TZ_FIRST_YEAR begins, and a change of one year
     * may lie in the next (hours up to 167). */
    for (int year = TZ_FIRST_YEAR - 1; year <= TZ_LAST_YEAR; year++) {
        struct change changes[2];
        rule_changes(rule, year, changes);
        for (int i = 0; i < 2; i++) {
            int rc = changes[i].at_s > after_s ? append(tz, changes[i].at_s, changes[i].offset_s) : 0;
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* --- the file (RFC 8536; layout of one block) --------------------------------------
 *
 *   header, 44 bytes    "TZif", version, 15 unused, then six counts of 4 bytes, big-endian:
 *                       isut, isstd, leap, time, type, char
 *   data                time * T transition times; time * 1 type indices; type * 6 {offset 4, dst 1, name 1};
 *                       char names; leap * (T + 4); isstd; isut        T: 4 in version 1, else 8
 *
 * Version 2 and later: a version 1 block to skip, a block with T = 8, newline, footer, newline.
 */
#define HEADER_SIZE 44
#define TYPE_SIZE 6

struct block {
    uint32_t isut, isstd, leap, time, type, chars;
    const unsigned char *data;
};

struct file {
    const unsigned char *at, *end;
};

static uint32_t big_endian_32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big_endian_64(const unsigned char *p)
{
    return (int64_t)((uint64_t)big_endian_32(p) << 32 | big_endian_32(p + 4));
}

/* Take one block off the front. NULL, or what is wrong with it. */
static const char *take_block(struct file *file, size_t time_size, struct block *out)
{
    if (file->end - file->at < HEADER_SIZE || memcmp(file->at, "TZif", 4) != 0)
        return "no TZif header";
    if (file->at[4] < '2' || file->at[4] > '4')
        return "not TZif version 2 to 4";
    const unsigned char *p = file->at + 20;
    *out = (struct block){.isut = big_endian_32(p),
                          .isstd = big_endian_32(p + 4),
                          .leap = big_endian_32(p + 8),
                          .time = big_endian_32(p + 12),
                          .type = big_endian_32(p + 16),
                          .chars = big_endian_32(p + 20)};
    file->at += HEADER_SIZE;
    uint64_t size = (uint64_t)out->time * (time_size + 1) + (uint64_t)out->type * TYPE_SIZE + out->chars +
                    (uint64_t)out->leap * (time_size + 4) + out->isstd + out->isut;
    if (size > (uint64_t)(file->end - file->at))
        return "cut short";
    out->data = file->at;
    file->at += size;
    return NULL;
}

static const char *take_footer(struct file *file, struct text *out)
{
    if (file->at == file->end || *file->at != '\n')
        return "no footer";
    const unsigned char *first = file->at + 1;
    size_t room = (size_t)(file->end - first);
    const unsigned char *newline = memchr(first, '\n', room < TZ_FOOTER_MAX ? room : TZ_FOOTER_MAX);
    if (!newline)
        return "footer without an end";
    *out = (struct text){(const char *)first, (const char *)newline};
    return NULL;
}

/* The block's types, checked. NULL, or what is wrong. */
static const char *check_types(const struct block *block, const unsigned char *types)
{
    if (block->type == 0 || block->type > 256)
        return "number of local time types";
    if (block->leap != 0)
        return "counts leap seconds"; /* its instants are not UTC as the system's clock counts it */
    for (uint32_t i = 0; i < block->type; i++) {
        int32_t offset_s = (int32_t)big_endian_32(types + i * TYPE_SIZE);
        if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S)
            return "offset over 26 hours";
    }
    return NULL;
}

static const char *const too_many = "more transitions than the table holds";

static const char *append_result(int rc)
{
    return rc == 0 ? NULL : rc == -E2BIG ? too_many : "transitions not in order";
}

static const char *take_transitions(const struct block *block, struct tz_table *tz, int64_t *last_s)
{
    const unsigned char *times = block->data, *indices = times + (size_t)block->time * 8;
    const unsigned char *types = indices + block->time;
    const char *wrong = check_types(block, types);
    if (wrong)
        return wrong;
    tz->first_offset_s = (int32_t)big_endian_32(types);
    for (uint32_t i = 0; i < block->time; i++) {
        int64_t at_s = big_endian_64(times + (size_t)i * 8);
        if (i > 0 && at_s <= *last_s)
            return "transitions not in order";
        if (indices[i] >= block->type)
            return "index of a local time type";
        *last_s = at_s;
        wrong = append_result(append(tz, at_s, (int32_t)big_endian_32(types + indices[i] * TYPE_SIZE)));
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *parse_file(struct file file, struct tz_table *tz)
{
    struct block block;
    struct text footer;
    const char *wrong = take_block(&file, 4, &block);
    if (!wrong)
        wrong = take_block(&file, 8, &block);
    if (!wrong)
        wrong = take_footer(&file, &footer);
    if (wrong)
        return wrong;
    int64_t last_s = INT64_MIN;
    wrong = take_transitions(&block, tz, &last_s);
    if (wrong || footer.at == footer.end)
        return wrong;
    struct rule rule;
    if (!parse_rule(footer, &rule))
        return "footer is not a POSIX time zone";
    return append_result(expand_rule(&rule, last_s, tz));
}

static bool name_good(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= TZ_NAME_MAX || name[0] == '/')
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '/' && c != '_' && c != '-' && c != '+') /* no dot: none of IANA's has one */
            return false;
    }
    return true;
}

int tz_parse(const char *name, const void *data, size_t size, struct tz_table *out, struct error *err)
{
    assert(name && data && out);
    if (!name_good(name))
        return error_set(err, EINVAL, "time zone \"%.*s\": not a name of a zone", TZ_NAME_MAX, name);
    memset(out, 0, sizeof *out);
    memcpy(out->name, name, strlen(name));
    struct file file = {.at = data, .end = (const unsigned char *)data + size};
    const char *wrong = parse_file(file, out);
    if (wrong)
        return error_set(err, wrong == too_many ? E2BIG : EINVAL, "time zone \"%s\": %s", name, wrong);
    return 0;
}

/* The bytes of a zone's file, at most `room`; or a negative errno. */
static ssize_t read_file(const char *path, unsigned char *buffer, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    ssize_t rc = 0;
    size_t size = 0;
    struct stat st;
    if (fstat(fd, &st) != 0)
        rc = -errno;
    else if (!S_ISREG(st.st_mode))
        rc = -ENOENT; /* "Europe" is no zone */
    else if (st.st_size < 0 || (uint64_t)st.st_size > room)
        rc = -EINVAL;
    while (rc == 0 && size < room) {
        ssize_t n = read(fd, buffer + size, room - size);
        if (n < 0 && errno != EINTR)
            rc = -errno;
        if (n == 0)
            break;
        if (n > 0)
            size += (size_t)n;
    }
    close(fd);
    return rc < 0 ? rc : (ssize_t)size;
}

int tz_load(const char *name, struct tz_table *out, struct error *err)
{
    assert(name && out);
    if (!name_good(name))
        return error_set(err, EINVAL, "time zone \"%.*s\": not a name of a zone", TZ_NAME_MAX, name);
    char path[sizeof ZONEINFO + 1 + TZ_NAME_MAX];
    snprintf(path, sizeof path, ZONEINFO "/%s", name);
    static unsigned char data[TZ_FILE_MAX]; /* too much for a stack; zones are read at start, by one thread */
    ssize_t size = read_file(path, data, sizeof data);
    if (size == -ENOTDIR) /* "Europe/Prague/x" */
        size = -ENOENT;
    if (size < 0)
        return error_errno(err, (int)-size, "time zone \"%s\": %s", name, path);
    return tz_parse(name, data, (size_t)size, out, err);
}

/* --- the version ---------------------------------------------------------------- */

/* The first line of a file after `prefix`, if it is a version: letters, digits, '-', '+' or '.'. */
static bool read_version(const char *path, const char *prefix, char *buf, size_t size)
{
    char line[64] = "";
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    if (!read || strncmp(line, prefix, strlen(prefix)) != 0)
        return false;
    const char *version = line + strlen(prefix);
    size_t length = strspn(version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-+.");
    if (length == 0 || length >= size || (version[length] != '\n' && version[length] != '\0'))
        return false;
    memcpy(buf, version, length);
    buf[length] = '\0';
    return true;
}

void tz_data_version(char *buf, size_t size)
{
    assert(buf && size > 0);
    if (!read_version(ZONEINFO "/tzdata.zi", "# version ", buf, size) &&
        !read_version(ZONEINFO "/+VERSION", "", buf, size))
        snprintf(buf, size, "unknown");
}
