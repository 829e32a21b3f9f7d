#include "workers/feed/datafile_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/clock.h"
#include "base/error.h"

/* --- what there is ----------------------------------------------------------------------------------------------------- */

void datafile_survey_init(struct datafile_survey *survey)
{
    *survey = (struct datafile_survey){0};
    for (unsigned i = 0; i < CSV_FIELDS_MAX; i++)
        survey->unit[i] = i == 0 ? CLOCK_NS_PER_S : DEC_ONE;
}

static inline int64_t value_of(const struct csv_row *row, unsigned column)
{
    return column == 0 ? row->time_ns : row->v[column - 1];
}

void datafile_survey_add(struct datafile_survey *survey, enum csv_kind kind, const struct csv_row *row)
{
    for (unsigned i = 0; i < datafile_columns(kind); i++) {
        int64_t value = value_of(row, i);
        if (survey->count == 0 || value < survey->min[i])
            survey->min[i] = value;
        if (survey->count == 0 || value > survey->max[i])
            survey->max[i] = value;
        while (value % survey->unit[i] != 0)
            survey->unit[i] /= 10;
    }
    if (survey->count++ == 0)
        survey->first_ns = row->time_ns;
    survey->last_ns = row->time_ns;
}

static uint32_t digits_of(int64_t unit)
{
    uint32_t digits = 0;
    for (; unit < DEC_ONE; unit *= 10)
        digits++;
    return digits;
}

void datafile_layout(const struct datafile_survey *survey, const struct datafile_meta *meta, int64_t step_ns, struct datafile_header *out)
{
    assert(survey->count > 0 && survey->count <= DATAFILE_COUNT_MAX && datafile_name_is_right(meta->instrument));
    memset(out, 0, sizeof *out);
    memcpy(out->magic, DATAFILE_MAGIC, sizeof out->magic);
    out->version = DATAFILE_VERSION;
    out->header_bytes = DATAFILE_HEADER_BYTES;
    out->kind = meta->kind;
    out->timeframe = meta->timeframe;
    out->volume_kind = meta->volume_kind;
    out->price_kind = meta->price_kind;
    out->column_count = datafile_columns(meta->kind);
    out->count = survey->count;
    out->first_ns = survey->first_ns;
    out->last_ns = survey->last_ns;
    out->left_out = meta->left_out;
    memcpy(out->instrument, meta->instrument, sizeof out->instrument);
    (void)snprintf(out->source, sizeof out->source, "%.63s", meta->source);
    int64_t price_unit = DEC_ONE;
    for (unsigned i = 1; i < out->column_count; i++)
        if (datafile_is_price(out->kind, i) && survey->unit[i] < price_unit)
            price_unit = survey->unit[i];
    out->price_digits = digits_of(price_unit);
    for (unsigned i = 0; i < out->column_count; i++) {
        struct datafile_column *c = &out->columns[i];
        c->base = survey->min[i];
        c->unit = i == 0 && step_ns > 0 ? step_ns : datafile_is_price(out->kind, i) ? price_unit : survey->unit[i];
        c->max = (uint64_t)((survey->max[i] - survey->min[i]) / c->unit);
        c->width = datafile_width(out, i);
    }
}

/* --- bytes --------------------------------------------------------------------------------------------------------------- */

bool datafile_put(unsigned char *file, const struct datafile_header *header, uint64_t i, const struct csv_row *row)
{
    assert(i < header->count);
    unsigned char *at = file + DATAFILE_HEADER_BYTES;
    for (unsigned c = 0; c < header->column_count; c++) {
        const struct datafile_column *column = &header->columns[c];
        int64_t over = value_of(row, c) - column->base; /* both are >= 0 */
        if (over < 0 || over % column->unit != 0 || (uint64_t)(over / column->unit) > column->max)
            return false;
        uint64_t code = (uint64_t)(over / column->unit);
        memcpy(at + i * column->width, &code, column->width); /* little-endian: datafile.h */
        at += datafile_filled_up(datafile_column_bytes(header, c));
    }
    return true;
}

void datafile_seal(unsigned char *file, struct datafile_header *header)
{
    const unsigned char *at = file + DATAFILE_HEADER_BYTES;
    for (unsigned c = 0; c < header->column_count; c++) {
        uint64_t bytes = datafile_column_bytes(header, c);
        header->columns[c].crc = (uint32_t)crc32_z(0, at, bytes);
        at += datafile_filled_up(bytes);
    }
    header->crc = (uint32_t)crc32_z(0, (const unsigned char *)header, offsetof(struct datafile_header, crc));
    memcpy(file, header, sizeof *header);
}

/* --- the file -------------------------------------------------------------------------------------------------------------- */

int datafile_writer_begin(struct datafile_writer *writer, const char *path, const struct datafile_header *header, struct error *err)
{
    *writer = (struct datafile_writer){.header = *header, .fd = -1, .bytes = datafile_bytes(header)};
    if (strlen(path) >= sizeof writer->path)
        return error_set(err, ENAMETOOLONG, "write %.40s...: path too long", path);
    (void)snprintf(writer->path, sizeof writer->path, "%s", path);
    (void)snprintf(writer->temporary, sizeof writer->temporary, "%s.XXXXXX", path);
    writer->fd = mkostemp(writer->temporary, O_CLOEXEC);
    if (writer->fd < 0) {
        writer->temporary[0] = 0;
        return error_errno(err, errno, "create %s.XXXXXX", path);
    }
    /* The disk may be full now, but not under the mapping. */
    int code = posix_fallocate(writer->fd, 0, (off_t)writer->bytes);
    if (code == 0) {
        void *map = mmap(NULL, writer->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd, 0);
        code = map == MAP_FAILED ? errno : 0;
        writer->map = map == MAP_FAILED ? NULL : map;
    }
    if (code == 0)
        return 0;
    datafile_writer_abort(writer);
    return error_errno(err, code, "write %s (%zu bytes)", path, (size_t)datafile_bytes(header));
}

int datafile_writer_add(struct datafile_writer *writer, const struct csv_row *row, struct error *err)
{
    assert(writer->map);
    if (writer->rows == writer->header.count || !datafile_put(writer->map, &writer->header, writer->rows, row))
        return error_set(err, ESTALE, "%s: the source changed while it was read; import it again", writer->path);
    writer->rows++;
    return 0;
}

/* The name is as durable as the file. */
static int sync_folder(const char *path)
{
    char folder[CONFIG_PATH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int code = fsync(fd) != 0 ? errno : 0;
    (void)close(fd);
    return code;
}

int datafile_writer_commit(struct datafile_writer *writer, struct error *err)
{
    assert(writer->map);
    int rc = 0;
    if (writer->rows != writer->header.count) {
        rc = error_set(err, ESTALE, "%s: the source changed while it was read; import it again", writer->path);
        goto out;
    }
    datafile_seal(writer->map, &writer->header);
    mode_t mask = umask(0);
    (void)umask(mask);
    if (msync(writer->map, writer->bytes, MS_SYNC) != 0 || fchmod(writer->fd, 0666 & ~mask) != 0 || fsync(writer->fd) != 0 ||
        rename(writer->temporary, writer->path) != 0) {
        rc = error_errno(err, errno, "write %s", writer->path);
        goto out;
    }
    writer->temporary[0] = 0;
    int code = sync_folder(writer->path);
    if (code != 0)
        rc = error_errno(err, code, "sync the folder of %s", writer->path);
out:
    datafile_writer_abort(writer);
    return rc;
}

void datafile_writer_abort(struct datafile_writer *writer)
{
    if (writer->map)
        (void)munmap(writer->map, writer->bytes);
    if (writer->fd >= 0)
        (void)close(writer->fd);
    if (writer->temporary[0])
        (void)unlink(writer->temporary);
    writer->map = NULL;
    writer->fd = -1;
    writer->temporary[0] = 0;
}
