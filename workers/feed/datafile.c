#include "workers/feed/datafile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/clock.h"
#include "base/error.h"

/* Columns of each kind, time included, and which of them are prices. */
static const struct {
    unsigned columns, prices; /* bits */
    bool timed;               /* has a timeframe */
    bool equal_times;
} kinds[CSV_KIND_COUNT] = {
    [CSV_BARS] = {6, 0x1e, true, false},
    [CSV_TICKS] = {5, 0x06, false, true},
    [CSV_TRADES] = {3, 0x02, false, true},
    [CSV_SPREAD] = {2, 0x02, true, false},
};
static_assert(CSV_BARS == 0 && CSV_TICKS == 1 && CSV_TRADES == 2 && CSV_SPREAD == 3, "stored as kind");
static_assert(TIMEFRAME_M1 == 0 && TIMEFRAME_D1 == 5 && TIMEFRAME_COUNT == 6, "stored as timeframe");
static_assert(VOLUME_EXCHANGE == 0 && VOLUME_NONE == 2 && PRICE_BID == 0 && PRICE_LAST == 2, "stored");

bool datafile_is_price(uint32_t kind, unsigned column)
{
    return kind < CSV_KIND_COUNT && kinds[kind].prices >> column & 1;
}

unsigned datafile_columns(uint32_t kind)
{
    return kind < CSV_KIND_COUNT ? kinds[kind].columns : 0;
}

uint64_t datafile_bytes(const struct datafile_header *header)
{
    uint64_t bytes = DATAFILE_HEADER_BYTES;
    for (unsigned i = 0; i < header->column_count; i++)
        bytes += datafile_filled_up(datafile_column_bytes(header, i));
    return bytes;
}

bool datafile_name_is_right(const char name[CONFIG_NAME_MAX])
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strnlen(name, CONFIG_NAME_MAX);
    if (length == 0 || length == CONFIG_NAME_MAX || strspn(name, set) != length)
        return false;
    for (size_t i = length; i < CONFIG_NAME_MAX; i++)
        if (name[i] != 0)
            return false;
    return true;
}

/* --- the header --------------------------------------------------------------------------------------------------------- */

uint32_t datafile_width(const struct datafile_header *header, unsigned column)
{
    uint64_t max = header->columns[column].max;
    if (max == 0)
        return column == 0 && header->count > 1 ? 1 : 0;
    return max <= UINT8_MAX ? 1 : max <= UINT16_MAX ? 2 : max <= UINT32_MAX ? 4 : 8;
}

static bool column_right(const struct datafile_header *h, unsigned i)
{
    const struct datafile_column *c = &h->columns[i];
    int64_t top;
    if (i >= h->column_count)
        return c->base == 0 && c->unit == 0 && c->max == 0 && c->width == 0 && c->crc == 0;
    if (c->unit <= 0 || c->base < 0 || c->max > INT64_MAX || c->width != datafile_width(h, i))
        return false;
    if (__builtin_mul_overflow(c->unit, (int64_t)c->max, &top) || __builtin_add_overflow(c->base, top, &top))
        return false;
    if (i == 0)
        return c->base == h->first_ns && top == h->last_ns && top < CSV_TIME_MAX_S * CLOCK_NS_PER_S;
    return !datafile_is_price(h->kind, i) || top <= CSV_PRICE_MAX;
}

static bool kind_right(const struct datafile_header *h)
{
    if (h->kind >= CSV_KIND_COUNT || h->column_count != kinds[h->kind].columns)
        return false;
    if (kinds[h->kind].timed ? h->timeframe >= TIMEFRAME_COUNT : h->timeframe != DATAFILE_NO_TIMEFRAME)
        return false;
    if (h->kind != CSV_BARS)
        return h->volume_kind == VOLUME_NONE && h->price_kind == PRICE_BID;
    return h->volume_kind <= VOLUME_NONE && h->price_kind <= PRICE_LAST;
}

static bool padding_right(const struct datafile_header *h)
{
    if (!datafile_name_is_right(h->instrument) || h->source[sizeof h->source - 1] != 0)
        return false;
    for (size_t i = 0; i < sizeof h->reserved; i++)
        if (h->reserved[i] != 0)
            return false;
    return true;
}

static int header_check(const char *name, const struct datafile_header *h, size_t bytes, struct error *err)
{
    if (memcmp(h->magic, DATAFILE_MAGIC, sizeof h->magic) != 0)
        return error_set(err, EINVAL, "%s: not a data file; make one with `propfleet data import`", name);
    if (h->version != DATAFILE_VERSION)
        return error_set(err, EPROTO, "%s: version %" PRIu32 ", this program knows %u; import it again", name, h->version, DATAFILE_VERSION);
    if (crc32_z(0, (const unsigned char *)h, offsetof(struct datafile_header, crc)) != h->crc)
        return error_set(err, EBADMSG, "%s: damaged header (checksum)", name);
    if (h->header_bytes != DATAFILE_HEADER_BYTES || h->count == 0 || h->count > DATAFILE_COUNT_MAX || h->price_digits > DEC_DIGITS ||
        !kind_right(h) || !padding_right(h))
        return error_set(err, EBADMSG, "%s: damaged header", name);
    for (unsigned i = 0; i < CSV_FIELDS_MAX; i++)
        if (!column_right(h, i))
            return error_set(err, EBADMSG, "%s: damaged header (column %u)", name, i);
    if (datafile_bytes(h) != bytes)
        return error_set(err, EBADMSG, "%s: %zu bytes, the header says %" PRIu64 ": cut off, or damaged", name, bytes, datafile_bytes(h));
    return 0;
}

int datafile_parse(const char *name, const void *data, size_t bytes, struct datafile *out, struct error *err)
{
    *out = (struct datafile){0};
    if (bytes < DATAFILE_HEADER_BYTES)
        return error_set(err, EINVAL, "%s: %zu bytes, too short for a data file", name, bytes);
    memcpy(&out->header, data, sizeof out->header);
    int rc = header_check(name, &out->header, bytes, err);
    if (rc != 0) {
        *out = (struct datafile){0};
        return rc;
    }
    const unsigned char *at = (const unsigned char *)data + DATAFILE_HEADER_BYTES;
    for (unsigned i = 0; i < out->header.column_count; i++) {
        out->columns[i] = at;
        at += datafile_filled_up(datafile_column_bytes(&out->header, i));
    }
    out->bytes = bytes;
    return 0;
}

/* The mapping of a regular file; NULL with err set. */
static void *map_file(int fd, const char *path, size_t *bytes, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        (void)error_errno(err, errno, "stat %s", path);
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || status.st_size < (off_t)DATAFILE_HEADER_BYTES) {
        (void)error_set(err, EINVAL, "%s: not a data file; make one with `propfleet data import`", path);
        return NULL;
    }
    *bytes = (size_t)status.st_size;
    void *map = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        return map;
    (void)error_errno(err, errno, "map %s", path);
    return NULL;
}

int datafile_open(const char *path, struct datafile *out, struct error *err)
{
    struct error own = {0};
    size_t bytes = 0;
    *out = (struct datafile){0};
    err = err ? err : &own;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe in its place is not waited for */
    if (fd < 0)
        return error_errno(err, errno, "open %s", path);
    void *map = map_file(fd, path, &bytes, err);
    (void)close(fd);
    if (!map)
        return -err->code;
    int rc = datafile_parse(path, map, bytes, out, err);
    if (rc != 0)
        (void)munmap(map, bytes);
    else
        out->map = map;
    return rc;
}

void datafile_close(struct datafile *file)
{
    if (file->map)
        (void)munmap(file->map, file->bytes);
    *file = (struct datafile){0};
}

/* --- rows ----------------------------------------------------------------------------------------------------------------- */

/* A code; above its column's max only in a file that is damaged. */
static inline uint64_t code_at(const struct datafile *file, unsigned column, uint64_t i)
{
    const unsigned char *p = file->columns[column] + i * file->header.columns[column].width;
    uint64_t code = 0;
    switch (file->header.columns[column].width) {
    case 1:
        return *p;
    case 2: {
        uint16_t two;
        memcpy(&two, p, sizeof two);
        return two;
    }
    case 4: {
        uint32_t four;
        memcpy(&four, p, sizeof four);
        return four;
    }
    case 8:
        memcpy(&code, p, sizeof code);
        return code;
    default:
        return 0;
    }
}

static bool values_right(uint32_t kind, const dec_t *v)
{
    switch (kind) {
    case CSV_BARS:
        return v[2] > 0 && v[0] >= v[2] && v[0] <= v[1] && v[3] >= v[2] && v[3] <= v[1];
    case CSV_TICKS:
        return v[0] > 0 && v[1] >= v[0];
    case CSV_TRADES:
        return v[0] > 0;
    default:
        return true; /* spreads and sizes are >= 0: base is */
    }
}

int datafile_row(const struct datafile *file, uint64_t i, struct csv_row *out)
{
    const struct datafile_header *h = &file->header;
    int64_t values[CSV_FIELDS_MAX] = {0};
    assert(i < h->count);
    for (unsigned c = 0; c < h->column_count; c++) {
        uint64_t code = code_at(file, c, i);
        if (code > h->columns[c].max)
            return -EBADMSG;
        values[c] = h->columns[c].base + h->columns[c].unit * (int64_t)code; /* fits: column_right */
    }
    out->time_ns = values[0];
    memcpy(out->v, values + 1, sizeof out->v);
    return values_right(h->kind, out->v) ? 0 : -EBADMSG;
}

uint64_t datafile_find(const struct datafile *file, int64_t time_ns)
{
    const struct datafile_column *c = &file->header.columns[0];
    if (time_ns <= c->base)
        return 0;
    uint64_t wanted = ((uint64_t)time_ns - (uint64_t)c->base + (uint64_t)c->unit - 1) / (uint64_t)c->unit; /* code, rounded up */
    uint64_t low = 0, high = file->header.count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (code_at(file, 0, middle) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- all of it -------------------------------------------------------------------------------------------------------------- */

static int verify_columns(const struct datafile *file, const char *name, struct error *err)
{
    const struct datafile_header *h = &file->header;
    for (unsigned c = 0; c < h->column_count; c++) {
        uint64_t bytes = datafile_column_bytes(h, c);
        if (crc32_z(0, file->columns[c], bytes) != h->columns[c].crc)
            return error_set(err, EBADMSG, "%s: damaged: the checksum of column %u is wrong", name, c);
        for (uint64_t i = bytes; i < datafile_filled_up(bytes); i++)
            if (file->columns[c][i] != 0)
                return error_set(err, EBADMSG, "%s: damaged: bytes behind column %u", name, c);
    }
    return 0;
}

int datafile_verify(const struct datafile *file, const char *name, struct error *err)
{
    const struct datafile_header *h = &file->header;
    int64_t last_ns = 0;
    int rc = verify_columns(file, name, err);
    if (rc != 0)
        return rc;
    for (uint64_t i = 0; i < h->count; i++) {
        struct csv_row row;
        if (datafile_row(file, i, &row) != 0)
            return error_set(err, EBADMSG, "%s: row %" PRIu64 " is no right one", name, i);
        if (i == 0 ? row.time_ns != h->first_ns : row.time_ns < last_ns || (row.time_ns == last_ns && !kinds[h->kind].equal_times))
            return error_set(err, EBADMSG, "%s: row %" PRIu64 " is out of order", name, i);
        last_ns = row.time_ns;
    }
    return last_ns == h->last_ns ? 0 : error_set(err, EBADMSG, "%s: the last row is not the header's", name);
}
