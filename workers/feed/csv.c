#include "workers/feed/csv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "workers/feed/csv_fast.h"

#define READ_TRIES 8

const char *csv_reason_text(enum csv_reason reason)
{
    static const char *const texts[CSV_REASON_COUNT] = {
#define X(name, text) text,
        CSV_REASON_LIST(X)
#undef X
    };
    return (unsigned)reason < CSV_REASON_COUNT ? texts[reason] : "?";
}

/* --- the slow path knows why -------------------------------------------------------------------- */

#define ROW_RIGHT CSV_REASON_COUNT

static enum csv_reason check_prices(const dec_t *v, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (v[i] == 0)
            return CSV_BAD_ZERO;
        if (v[i] > CSV_PRICE_MAX)
            return CSV_BAD_RANGE;
    }
    return ROW_RIGHT;
}

static enum csv_reason check_values(enum csv_kind kind, const dec_t *v)
{
    static const unsigned prices[CSV_KIND_COUNT] = {[CSV_BARS] = 4, [CSV_TICKS] = 2, [CSV_TRADES] = 1};
    for (unsigned i = 0; i < csv_formats[kind].fields - 1; i++)
        if (v[i] < 0)
            return CSV_BAD_NEGATIVE;
    enum csv_reason reason = check_prices(v, prices[kind]);
    if (reason != ROW_RIGHT)
        return reason;
    if (kind == CSV_BARS && v[1] < v[2])
        return CSV_BAD_HIGH_LOW;
    if (kind == CSV_BARS && !csv_bars_right(v))
        return CSV_BAD_OUTSIDE;
    if (kind == CSV_TICKS && v[1] < v[0])
        return CSV_BAD_CROSSED;
    if (kind == CSV_SPREAD && v[0] > CSV_PRICE_MAX)
        return CSV_BAD_RANGE;
    return ROW_RIGHT;
}

static enum csv_reason check_time(const struct csv *csv, const char *text, size_t length, int64_t *out)
{
    const struct csv_format *format = &csv_formats[csv->kind];
    uint64_t value = 0;
    size_t at = length > 0 && text[0] == '-' ? 1 : 0;
    if (at == length)
        return CSV_BAD_NUMBER;
    for (size_t i = at; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return CSV_BAD_NUMBER;
        bool room = value < UINT64_MAX / 10; /* beyond the limit below it may stay beyond */
        value = room ? value * 10 + (uint64_t)(text[i] - '0') : UINT64_MAX;
    }
    if (at == 1)
        return CSV_BAD_NEGATIVE;
    const uint64_t unit = format->seconds ? (uint64_t)CLOCK_NS_PER_S : 1;
    if (value >= (uint64_t)CSV_TIME_MAX_S * (uint64_t)CLOCK_NS_PER_S / unit)
        return CSV_BAD_TIME;
    *out = (int64_t)(value * unit);
    return ROW_RIGHT;
}

static enum csv_reason check_order(const struct csv *csv, int64_t time_ns)
{
    if (time_ns < csv->last_time_ns)
        return CSV_BAD_ORDER;
    if (time_ns == csv->last_time_ns && !csv_formats[csv->kind].equal_times)
        return CSV_BAD_DUPLICATE;
    return csv_time_right(csv, csv_formats[csv->kind].equal_times, time_ns) ? ROW_RIGHT : CSV_BAD_GRID;
}

/* text: one line without its end. */
static enum csv_reason slow_row(const struct csv *csv, const char *text, size_t length, struct csv_row *row)
{
    const char *starts[CSV_FIELDS_MAX];
    size_t lengths[CSV_FIELDS_MAX];
    unsigned fields = 0;
    const char *end = text + length;
    for (const char *p = text;;) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        if (fields == csv_formats[csv->kind].fields)
            return CSV_BAD_FIELDS;
        starts[fields] = p;
        lengths[fields++] = (size_t)((comma ? comma : end) - p);
        if (!comma)
            break;
        p = comma + 1;
    }
    if (fields != csv_formats[csv->kind].fields)
        return CSV_BAD_FIELDS;

    enum csv_reason reason = check_time(csv, starts[0], lengths[0], &row->time_ns);
    if (reason != ROW_RIGHT)
        return reason;
    for (unsigned i = 1; i < fields; i++) {
        int result = dec_parse(starts[i], lengths[i], &row->v[i - 1]);
        if (result != 0 || starts[i][0] == '+')
            return result == -ERANGE ? CSV_BAD_RANGE : CSV_BAD_NUMBER;
    }
    reason = check_order(csv, row->time_ns);
    return reason != ROW_RIGHT ? reason : check_values(csv->kind, row->v);
}

/* --- the buffer ----------------------------------------------------------------------------------- */

static ssize_t read_plain(int fd, char *to, size_t size)
{
    ssize_t got = -1;
    for (int i = 0; i < READ_TRIES && got < 0; i++) {
        got = read(fd, to, size);
        if (got < 0 && errno != EINTR)
            break;
    }
    return got;
}

static int read_error(struct csv *csv, struct error *err, const char *what)
{
    csv->end = true;
    csv->at = csv->filled = 0;
    return error_set(err, EIO, "read %s: %s", csv->path, what);
}

/* Move what is left to the front and read more behind it, until the buffer is full or the file ends. */
static int refill(struct csv *csv, struct error *err)
{
    size_t left = csv->filled - csv->at;
    memmove(csv->buffer, csv->buffer + csv->at, left);
    csv->at = 0;
    csv->filled = left;
    while (csv->filled < CSV_BUFFER_BYTES && !csv->end) {
        char *to = csv->buffer + csv->filled;
        size_t room = CSV_BUFFER_BYTES - csv->filled;
        ssize_t got = csv->gz ? gzread(csv->gz, to, (unsigned)room) : read_plain(csv->fd, to, room);
        if (got < 0)
            return read_error(csv, err, csv->gz ? "broken gzip data" : strerror(errno));
        int code = Z_OK;
        if (got == 0 && csv->gz)
            (void)gzerror(csv->gz, &code);
        if (code != Z_OK) /* zlib counts a stream that ends early as a short read, and says so only here */
            return read_error(csv, err, "gzip data ends early");
        csv->end = got == 0;
        csv->filled += (size_t)got;
    }
    memset(csv->buffer + csv->filled, 0, CSV_PAD_BYTES);
    return 0;
}

/* At least one whole line in the buffer, or all that there is. */
static inline int want_line(struct csv *csv, struct error *err)
{
    if (csv->filled - csv->at >= CSV_LINE_MAX || csv->end)
        return 0;
    return refill(csv, err);
}

/* Pass over the rest of a line that is longer than CSV_LINE_MAX. */
static int skip_long_line(struct csv *csv, struct error *err)
{
    while (csv->at < csv->filled) {
        const char *start = csv->buffer + csv->at;
        const char *newline = memchr(start, '\n', csv->filled - csv->at);
        if (newline) {
            csv->at = (size_t)(newline - csv->buffer) + 1;
            return 0;
        }
        csv->at = csv->filled;
        int result = csv->end ? 0 : refill(csv, err);
        if (result != 0)
            return result;
    }
    return 0;
}

static int bad_row(struct csv *csv, enum csv_reason reason, struct error *err)
{
    csv->bad++;
    csv->bad_by_reason[reason]++;
    if (csv->on_bad)
        csv->on_bad(csv->on_bad_context, csv->line, reason);
    if (csv->fatal) {
        csv->end = true;
        csv->at = csv->filled = 0;
        return error_set(err, EBADMSG, "%s:%" PRIu64 ": %s", csv->path, csv->line, csv_reason_text(reason));
    }
    if (csv->bad <= CSV_LOGGED_MAX && !csv->on_bad)
        log_warning("%s:%" PRIu64 ": %s; row skipped%s", csv->path, csv->line, csv_reason_text(reason),
                    csv->bad == CSV_LOGGED_MAX ? "; further bad rows of this file are only counted" : "");
    return 0;
}

/* The line at csv->at, which the fast path refused. 1: *row is right after all; 0: bad, passed over. */
static int slow_line(struct csv *csv, struct csv_row *row, struct error *err)
{
    const char *text = csv->buffer + csv->at;
    size_t left = csv->filled - csv->at;
    const char *newline = memchr(text, '\n', left < CSV_LINE_MAX ? left : CSV_LINE_MAX);
    if (!newline) {
        enum csv_reason reason = left < CSV_LINE_MAX ? CSV_BAD_TRUNCATED : CSV_BAD_LONG;
        int result = skip_long_line(csv, err);
        return result != 0 ? result : bad_row(csv, reason, err);
    }
    size_t length = (size_t)(newline - text);
    csv->at += length + 1;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    enum csv_reason reason = slow_row(csv, text, length, row);
    return reason == ROW_RIGHT ? 1 : bad_row(csv, reason, err);
}

static int took_row(struct csv *csv, const struct csv_row *row)
{
    csv->last_time_ns = row->time_ns;
    return 1;
}

/* The same as below for whatever is not a right line with more behind it. */
static __attribute__((noinline)) int next_carefully(struct csv *csv, struct csv_row *row, struct error *err)
{
    for (;;) { /* ends with the file: each turn passes over a line */
        int result = want_line(csv, err);
        if (result != 0)
            return result;
        if (csv->at == csv->filled)
            return 0;
        csv->line++;
        csv->rows++;
        const char *next = csv_fast_row(csv, csv->buffer + csv->at, row);
        if (next) {
            csv->at = (size_t)(next - csv->buffer);
            return took_row(csv, row);
        }
        result = slow_line(csv, row, err);
        if (result != 0)
            return result < 0 ? result : took_row(csv, row);
    }
}

int csv_next(struct csv *csv, struct csv_row *row, struct error *err)
{
    assert(csv->buffer && row);
    const char *next = NULL;
    if (csv->filled - csv->at >= CSV_LINE_MAX)
        next = csv_fast_row(csv, csv->buffer + csv->at, row);
    if (!next)
        return next_carefully(csv, row, err);
    csv->line++;
    csv->rows++;
    csv->at = (size_t)(next - csv->buffer);
    return took_row(csv, row);
}

/* --- open and close ------------------------------------------------------------------------------- */

static int read_header(struct csv *csv, unsigned allowed, struct error *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some programs write a byte order mark */
    int result = want_line(csv, err);
    if (result != 0)
        return result;
    const char *text = csv->buffer;
    size_t left = csv->filled < CSV_LINE_MAX ? csv->filled : CSV_LINE_MAX;
    const char *newline = memchr(text, '\n', left);
    if (!newline)
        return error_set(err, EINVAL, "%s:1: no header line", csv->path);
    csv->at = (size_t)(newline - text) + 1;
    if (newline > text && newline[-1] == '\r')
        newline--;
    if ((size_t)(newline - text) >= 3 && memcmp(text, mark, 3) == 0)
        text += 3;
    size_t length = (size_t)(newline - text);
    for (unsigned kind = 0; kind < CSV_KIND_COUNT; kind++) {
        if (!(allowed >> kind & 1) || strlen(csv_formats[kind].header) != length ||
            memcmp(csv_formats[kind].header, text, length) != 0)
            continue;
        csv->kind = (enum csv_kind)kind;
        csv->line = 1;
        return 0;
    }
    const char *want = csv_formats[__builtin_ctz(allowed)].header;
    return error_set(err, EINVAL, "%s:1: the header is \"%.*s\"; expected \"%s\"", csv->path,
                     (int)(length < 60 ? length : 60), text, want);
}

static int open_file(struct csv *csv, struct error *err)
{
    csv->fd = open(csv->path, O_RDONLY | O_CLOEXEC);
    if (csv->fd < 0)
        return error_errno(err, errno, "open %s", csv->path);
    unsigned char magic[2] = {0};
    if (pread(csv->fd, magic, 2, 0) != 2 || magic[0] != 0x1f || magic[1] != 0x8b)
        return 0;
    csv->gz = gzdopen(csv->fd, "rb");
    if (!csv->gz)
        return error_set(err, ENOMEM, "open %s: no memory for gzip", csv->path);
    csv->fd = -1; /* gzclose closes it */
    (void)gzbuffer(csv->gz, CSV_BUFFER_BYTES);
    return 0;
}

int csv_open(struct csv *csv, const char *path, unsigned allowed, int64_t step_s, bool fatal, struct error *err)
{
    assert(allowed != 0 && allowed >> CSV_KIND_COUNT == 0 && step_s >= 0);
    *csv = (struct csv){.fd = -1, .step_ns = step_s * CLOCK_NS_PER_S, .fatal = fatal, .last_time_ns = -1};
    size_t length = strlen(path);
    if (length >= sizeof csv->path)
        return error_set(err, ENAMETOOLONG, "open %.40s...: path too long", path);
    memcpy(csv->path, path, length + 1);
    int result = -ENOMEM;
    csv->buffer = malloc(CSV_BUFFER_BYTES + CSV_PAD_BYTES);
    csv->shapes = csv_shapes_new();
    if (!csv->buffer || !csv->shapes) {
        (void)error_errno(err, ENOMEM, "open %s", path);
        goto out;
    }
    result = open_file(csv, err);
    if (result == 0)
        result = read_header(csv, allowed, err);
out:
    if (result != 0)
        csv_close(csv);
    return result;
}

void csv_close(struct csv *csv)
{
    if (csv->gz)
        (void)gzclose(csv->gz);
    else if (csv->path[0] && csv->fd >= 0)
        (void)close(csv->fd);
    free(csv->buffer);
    free(csv->shapes);
    *csv = (struct csv){.fd = -1};
}
