#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_TAIL_ROOM 64 /* of a line, kept for "..." and what follows the text */
#define LOG_WRITE_TRIES 8

static_assert(LOG_LINE_MAX <= PIPE_BUF, "a pipe takes one line whole or not at all");

static const struct {
    const char *name;
    int syslog_priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

static struct {
    const char *program;
    enum log_format format;
    enum log_level level;
    bool journal;
    uint64_t dropped;          /* since log_init */
    uint64_t dropped_reported; /* of these, in a line that was written */
    /* A socket or a terminal may take part of a line: the rest goes out before anything else. */
    char rest[LOG_LINE_MAX];
    size_t rest_length;
} state = {.program = "propfleet", .format = LOG_TEXT, .level = LOG_LEVEL_INFO};

void log_init(const char *program, enum log_format format, enum log_level level)
{
    assert(program && strlen(program) < LOG_PROGRAM_MAX);
    assert((format == LOG_TEXT || format == LOG_JSON) && level <= LOG_LEVEL_DEBUG);
    memset(&state, 0, sizeof state);
    state.program = program;
    state.format = format;
    state.level = level;
    state.journal = getenv("JOURNAL_STREAM") != NULL;
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    if (flags >= 0)
        fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
}

uint64_t log_dropped(void)
{
    return state.dropped;
}

/* --- one line ------------------------------------------------------------------- */

struct line {
    size_t length;
    bool cut; /* something did not fit before the tail's room */
    char bytes[LOG_LINE_MAX];
};

/* All or nothing: half an escape is no escape. Once cut, nothing more goes before the tail. */
static void put(struct line *line, const char *bytes, size_t length)
{
    if (line->cut || length > sizeof line->bytes - LOG_TAIL_ROOM - line->length) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static void put_string(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* What follows the text; always fits in the room that put() leaves. */
__attribute__((format(printf, 2, 3))) static void put_tail(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = sizeof line->bytes - line->length;
    int n = vsnprintf(line->bytes + line->length, room, format, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < room);
    line->length += (size_t)n;
}

/* Length of the UTF-8 sequence at `p` (RFC 3629: no overlong forms, no surrogates); 0: not one. */
static size_t utf8_length(const unsigned char *p, size_t available)
{
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (length == 0 || length > available)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

static void put_text(struct line *line, const char *text)
{
    for (const char *p = text; *p; p++) {
        char escape[8];
        if (is_control((unsigned char)*p))
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\x%02x", (unsigned)(unsigned char)*p));
        else
            put(line, p, 1);
    }
}

static void put_json(struct line *line, const char *text)
{
    const char *end = text + strlen(text);
    while (text < end) {
        unsigned char c = (unsigned char)*text;
        size_t length = utf8_length((const unsigned char *)text, (size_t)(end - text));
        char escape[8];
        if (length == 0)
            put_string(line, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            put(line, (const char[]){'\\', *text}, 2);
        else if (is_control(c))
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
        else
            put(line, text, length);
        text += length ? length : 1;
    }
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t)snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1000000);
    put(line, text, n);
}

static void build_text(struct line *line, enum log_level level, const char *text, bool cut)
{
    char pid[16];
    if (state.journal)
        put(line, (const char[]){'<', (char)('0' + levels[level].syslog_priority), '>'}, 3);
    put_time(line);
    put_string(line, " ");
    put_string(line, levels[level].name);
    put_string(line, " ");
    put_text(line, state.program);
    put(line, pid, (size_t)snprintf(pid, sizeof pid, "[%d]: ", (int)getpid()));
    put_text(line, text);
    put_tail(line, "%s", cut || line->cut ? "..." : "");
    uint64_t dropped = state.dropped - state.dropped_reported;
    if (dropped > 0)
        put_tail(line, " (%llu lines dropped)", (unsigned long long)dropped);
    put_tail(line, "\n");
}

static void build_json(struct line *line, enum log_level level, const char *text, bool cut)
{
    char pid[32];
    put_string(line, "{\"time\":\"");
    put_time(line);
    put_string(line, "\",\"level\":\"");
    put_string(line, levels[level].name);
    put_string(line, "\",\"program\":\"");
    put_json(line, state.program);
    put(line, pid, (size_t)snprintf(pid, sizeof pid, "\",\"pid\":%d,\"text\":\"", (int)getpid()));
    put_json(line, text);
    put_tail(line, "%s\"", cut || line->cut ? "..." : "");
    uint64_t dropped = state.dropped - state.dropped_reported;
    if (dropped > 0)
        put_tail(line, ",\"dropped\":%llu", (unsigned long long)dropped);
    put_tail(line, "}\n");
}

/* --- writing -------------------------------------------------------------------- */

/* Bytes that stderr took, fewer than `length` when it would block or fails. */
static size_t write_some(const char *bytes, size_t length)
{
    size_t done = 0;
    for (int i = 0; i < LOG_WRITE_TRIES && done < length; i++) {
        ssize_t n = write(STDERR_FILENO, bytes + done, length - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            break;
    }
    return done;
}

static bool write_rest(void)
{
    if (state.rest_length == 0)
        return true;
    size_t done = write_some(state.rest, state.rest_length);
    state.rest_length -= done;
    memmove(state.rest, state.rest + done, state.rest_length);
    return state.rest_length == 0;
}

static bool write_line(const struct line *line)
{
    if (!write_rest())
        return false;
    size_t done = write_some(line->bytes, line->length);
    if (done == 0)
        return false;
    state.rest_length = line->length - done;
    memcpy(state.rest, line->bytes + done, state.rest_length);
    return true;
}

void log_write(enum log_level level, const char *format, ...)
{
    assert(level <= LOG_LEVEL_DEBUG && format);
    if (level > state.level)
        return;
    int saved_errno = errno; /* a log line between a failure and its report must not change the report */
    char text[LOG_TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        strcpy(text, "(a text that cannot be formatted)");

    struct line line;
    line.length = 0;
    line.cut = false;
    bool cut = n > LOG_TEXT_MAX;
    if (state.format == LOG_JSON)
        build_json(&line, level, text, cut);
    else
        build_text(&line, level, text, cut);
    if (write_line(&line))
        state.dropped_reported = state.dropped;
    else
        state.dropped++;
    errno = saved_errno;
}
