/* Reading of journal records: for re-sending and for the tools. Allocates; not part of the pure core. */
#include "workers/account/journal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <msgpack.h>

#include "base/tz.h"

/* --- reading ------------------------------------------------------------------------------------ */

/* Unpack one record; the caller destroys *unpacked when 0 is returned. */
static int journal_unpack(const void *data, size_t size, msgpack_unpacked *unpacked)
{
    msgpack_unpacked_init(unpacked);
    size_t offset = 0;
    if (size > JOURNAL_RECORD_BYTES_MAX || msgpack_unpack_next(unpacked, data, size, &offset) != MSGPACK_UNPACK_SUCCESS ||
        offset != size || unpacked->data.type != MSGPACK_OBJECT_MAP) {
        msgpack_unpacked_destroy(unpacked);
        return -EPROTO;
    }
    return 0;
}

static const msgpack_object *journal_find(const msgpack_object *record, const char *key)
{
    size_t length = strlen(key);
    for (uint32_t i = 0; i < record->via.map.size; i++) {
        const msgpack_object_kv *pair = &record->via.map.ptr[i];
        if (pair->key.type == MSGPACK_OBJECT_STR && pair->key.via.str.size == length &&
            memcmp(pair->key.via.str.ptr, key, length) == 0)
            return &pair->val;
    }
    return NULL;
}

static int64_t journal_ext_value(const msgpack_object *object)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | (unsigned char)object->via.ext.ptr[i];
    return (int64_t)value;
}

static int journal_get_ext(const void *data, size_t size, const char *key, int8_t type, int64_t *out)
{
    msgpack_unpacked unpacked;
    int rc = journal_unpack(data, size, &unpacked);
    if (rc != 0)
        return rc;
    const msgpack_object *field = journal_find(&unpacked.data, key);
    rc = -ENOENT;
    if (field && field->type == MSGPACK_OBJECT_EXT && field->via.ext.type == type && field->via.ext.size == 8) {
        *out = journal_ext_value(field);
        rc = 0;
    }
    msgpack_unpacked_destroy(&unpacked);
    return rc;
}

int journal_get_dec(const void *data, size_t size, const char *key, dec_t *out)
{
    return journal_get_ext(data, size, key, JOURNAL_EXT_DECIMAL, out);
}

int journal_get_time(const void *data, size_t size, const char *key, int64_t *out)
{
    return journal_get_ext(data, size, key, JOURNAL_EXT_TIME, out);
}

int journal_get_u64(const void *data, size_t size, const char *key, uint64_t *out)
{
    msgpack_unpacked unpacked;
    int rc = journal_unpack(data, size, &unpacked);
    if (rc != 0)
        return rc;
    const msgpack_object *field = journal_find(&unpacked.data, key);
    rc = -ENOENT;
    if (field && field->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        *out = field->via.u64;
        rc = 0;
    }
    msgpack_unpacked_destroy(&unpacked);
    return rc;
}

int journal_get_f64(const void *data, size_t size, const char *key, double *out)
{
    msgpack_unpacked unpacked;
    int rc = journal_unpack(data, size, &unpacked);
    if (rc != 0)
        return rc;
    const msgpack_object *field = journal_find(&unpacked.data, key);
    rc = -ENOENT;
    if (field && (field->type == MSGPACK_OBJECT_FLOAT64 || field->type == MSGPACK_OBJECT_FLOAT32)) {
        *out = field->via.f64;
        rc = 0;
    }
    msgpack_unpacked_destroy(&unpacked);
    return rc;
}

int journal_get_text(const void *data, size_t size, const char *key, char *out, size_t out_size)
{
    assert(out_size > 0);
    msgpack_unpacked unpacked;
    int rc = journal_unpack(data, size, &unpacked);
    if (rc != 0)
        return rc;
    const msgpack_object *field = journal_find(&unpacked.data, key);
    rc = -ENOENT;
    if (field && field->type == MSGPACK_OBJECT_STR) {
        size_t length = field->via.str.size < out_size - 1 ? field->via.str.size : out_size - 1;
        memcpy(out, field->via.str.ptr, length);
        out[length] = '\0';
        rc = 0;
    }
    msgpack_unpacked_destroy(&unpacked);
    return rc;
}

/* --- printing ------------------------------------------------------------------------------------ */

static void journal_print_text(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void journal_print_time(FILE *out, int64_t time_ns)
{
    int64_t seconds = time_ns / 1000000000, fraction = time_ns % 1000000000;
    if (fraction < 0) {
        fraction += 1000000000;
        seconds--;
    }
    int64_t day = seconds / 86400, second = seconds % 86400;
    if (second < 0) {
        second += 86400;
        day--;
    }
    int year, month, date;
    tz_civil_from_days(day, &year, &month, &date);
    fprintf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d", year, month, date, (int)(second / 3600), (int)(second / 60 % 60),
            (int)(second % 60));
    if (fraction != 0)
        fprintf(out, ".%09" PRId64, fraction);
    fputs("Z\"", out);
}

static void journal_print_ext(FILE *out, const msgpack_object *object)
{
    bool whole = object->via.ext.size == 8;
    if (whole && object->via.ext.type == JOURNAL_EXT_DECIMAL) {
        char text[DEC_STR_MAX];
        dec_format(journal_ext_value(object), 0, text);
        fprintf(out, "\"%s\"", text);
    } else if (whole && object->via.ext.type == JOURNAL_EXT_TIME) {
        journal_print_time(out, journal_ext_value(object));
    } else {
        fputs("null", out);
    }
}

static void journal_print_value(FILE *out, const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_STR:
        journal_print_text(out, object->via.str.ptr, object->via.str.size);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        fprintf(out, "%" PRIu64, object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        fprintf(out, "%" PRId64, object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        if (isfinite(object->via.f64))
            fprintf(out, "%.17g", object->via.f64);
        else
            fputs("null", out);
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        fputs(object->via.boolean ? "true" : "false", out);
        break;
    case MSGPACK_OBJECT_EXT:
        journal_print_ext(out, object);
        break;
    default:
        fputs("null", out);
    }
}

int journal_print_object(FILE *out, const void *data, size_t size)
{
    msgpack_unpacked unpacked;
    int rc = journal_unpack(data, size, &unpacked);
    if (rc != 0)
        return rc;
    fputc('{', out);
    for (uint32_t i = 0; i < unpacked.data.via.map.size; i++) {
        const msgpack_object_kv *pair = &unpacked.data.via.map.ptr[i];
        if (i > 0)
            fputc(',', out);
        if (pair->key.type == MSGPACK_OBJECT_STR)
            journal_print_text(out, pair->key.via.str.ptr, pair->key.via.str.size);
        else
            fputs("\"?\"", out);
        fputc(':', out);
        journal_print_value(out, &pair->val);
    }
    fputc('}', out);
    msgpack_unpacked_destroy(&unpacked);
    return 0;
}

int journal_print_json(FILE *out, const void *data, size_t size)
{
    int rc = journal_print_object(out, data, size);
    if (rc == 0)
        fputc('\n', out);
    return rc;
}
