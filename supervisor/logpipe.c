#include "supervisor/logpipe.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define READ_MAX 16384u
#define SECOND_NS INT64_C(1000000000)

void logpipe_init(struct logpipe *pipe)
{
    memset(pipe, 0, sizeof *pipe);
    pipe->fd = -1;
}

void logpipe_open(struct logpipe *pipe, int fd, const struct logpipe_limits *limits, int64_t now_ns)
{
    assert(pipe->fd < 0 && fd >= 0);
    uint64_t dropped = pipe->dropped_bytes, lines = pipe->logged_lines;
    logpipe_init(pipe);
    pipe->dropped_bytes = pipe->dropped_said = dropped;
    pipe->logged_lines = lines;
    pipe->fd = fd;
    pipe->bucket_bytes = limits->queue_bytes;
    pipe->refill_ns = now_ns;
}

static bool level_parse(const char *word, size_t length, enum log_level *level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

/* "2024-05-13T00:00:00.000Z info account:alba[71]: text" -> level and text. */
static const char *text_parse(const char *line, const char *name, enum log_level *level)
{
    const char *space = strchr(line, ' ');
    if (!space || space - line != 24 || space[-1] != 'Z')
        return NULL;
    const char *word = space + 1;
    const char *end = strchr(word, ' ');
    if (!end || !level_parse(word, (size_t)(end - word), level))
        return NULL;
    size_t n = strlen(name);
    if (strncmp(end + 1, name, n) != 0 || end[1 + n] != '[')
        return NULL;
    const char *text = strstr(end + 1 + n, "]: ");
    return text ? text + 3 : NULL;
}

static bool json_parse(const char *line, const char *name, enum log_level *level, char *text, size_t size)
{
    json_t *object = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;
    const char *word = NULL, *program = NULL, *said = NULL;
    bool ours = object && json_unpack(object, "{s:s,s:s,s:s}", "level", &word, "program", &program, "text", &said) == 0 &&
                strcmp(program, name) == 0 && level_parse(word, strlen(word), level);
    if (ours)
        snprintf(text, size, "%s", said);
    json_decref(object);
    return ours;
}

static void line_end(struct logpipe *pipe, const char *name)
{
    pipe->line[pipe->length] = 0;
    bool empty = pipe->length == 0;
    uint32_t cost = (uint32_t)pipe->length + 1;
    pipe->length = 0;
    if (empty)
        return;
    if (cost > pipe->bucket_bytes) {
        pipe->dropped_bytes += cost;
        return;
    }
    pipe->bucket_bytes -= cost;
    pipe->logged_lines++;
    enum log_level level = LOG_LEVEL_INFO;
    char text[LOGPIPE_LINE_MAX];
    const char *plain = text_parse(pipe->line, name, &level);
    if (plain)
        log_write(level, "%s: %s", name, plain);
    else if (json_parse(pipe->line, name, &level, text, sizeof text))
        log_write(level, "%s: %s", name, text);
    else
        log_write(LOG_LEVEL_INFO, "%s: %s", name, pipe->line);
}

static void take(struct logpipe *pipe, const char *name, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') {
            line_end(pipe, name);
            pipe->cutting = false;
        } else if (pipe->cutting) {
            pipe->dropped_bytes++;
        } else {
            pipe->line[pipe->length++] = bytes[i] ? bytes[i] : ' ';
            if (pipe->length == sizeof pipe->line - 1) {
                line_end(pipe, name);
                pipe->cutting = true;
            }
        }
    }
}

static void refill(struct logpipe *pipe, const char *name, const struct logpipe_limits *limits, int64_t now_ns)
{
    if (now_ns - pipe->refill_ns < SECOND_NS)
        return;
    pipe->refill_ns = now_ns;
    pipe->bucket_bytes = limits->queue_bytes;
    if (pipe->dropped_bytes > pipe->dropped_said) {
        log_warning("%s: %llu bytes of its log were dropped", name,
                    (unsigned long long)(pipe->dropped_bytes - pipe->dropped_said));
        pipe->dropped_said = pipe->dropped_bytes;
    }
}

enum logpipe_result logpipe_read(struct logpipe *pipe, const char *name, const struct logpipe_limits *limits,
                                 int64_t now_ns)
{
    char bytes[READ_MAX];
    refill(pipe, name, limits, now_ns);
    for (size_t total = 0; total < limits->bytes_per_turn;) {
        size_t room = limits->bytes_per_turn - total;
        ssize_t n = read(pipe->fd, bytes, room < sizeof bytes ? room : sizeof bytes);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? LOGPIPE_EMPTY : LOGPIPE_CLOSED;
        if (n == 0)
            return LOGPIPE_CLOSED;
        take(pipe, name, bytes, (size_t)n);
        total += (size_t)n;
    }
    return LOGPIPE_MORE;
}

void logpipe_close(struct logpipe *pipe, const char *name)
{
    if (pipe->fd < 0)
        return;
    line_end(pipe, name);
    if (pipe->dropped_bytes > pipe->dropped_said)
        log_warning("%s: %llu bytes of its log were dropped", name,
                    (unsigned long long)(pipe->dropped_bytes - pipe->dropped_said));
    pipe->dropped_said = pipe->dropped_bytes;
    close(pipe->fd);
    pipe->fd = -1;
}
