#include "workers/account/journal.h"

#include <assert.h>
#include <string.h>

#include <msgpack.h>

/* --- writing ----------------------------------------------------------------------------------- */

#define JOURNAL_HEADER_BYTES 3u /* map16: the count of fields is known at the end */

static int journal_write(void *data, const char *bytes, size_t size)
{
    struct journal_writer *writer = data;
    assert(writer->used + size <= writer->size);
    memcpy(writer->out + writer->used, bytes, size);
    writer->used += size;
    return 0;
}

static void journal_key(struct journal_writer *writer, msgpack_packer *packer, const char *key)
{
    msgpack_packer_init(packer, writer, journal_write);
    size_t length = strlen(key);
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, key, length);
    writer->fields++;
}

static void journal_ext(struct journal_writer *writer, const char *key, int8_t type, int64_t value)
{
    msgpack_packer packer;
    unsigned char bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> (56 - 8 * i));
    journal_key(writer, &packer, key);
    msgpack_pack_ext(&packer, sizeof bytes, type);
    msgpack_pack_ext_body(&packer, bytes, sizeof bytes);
}

void journal_begin(struct journal_writer *writer, void *out, size_t size, const char *kind, uint64_t jseq, int64_t time_ns)
{
    assert(size > JOURNAL_HEADER_BYTES);
    *writer = (struct journal_writer){.out = out, .size = size, .used = JOURNAL_HEADER_BYTES};
    journal_text(writer, "k", kind);
    journal_u64(writer, "n", jseq);
    journal_time(writer, "t", time_ns);
}

void journal_text(struct journal_writer *writer, const char *key, const char *value)
{
    msgpack_packer packer;
    journal_key(writer, &packer, key);
    size_t length = strlen(value);
    msgpack_pack_str(&packer, length);
    msgpack_pack_str_body(&packer, value, length);
}

void journal_u64(struct journal_writer *writer, const char *key, uint64_t value)
{
    msgpack_packer packer;
    journal_key(writer, &packer, key);
    msgpack_pack_uint64(&packer, value);
}

void journal_dec(struct journal_writer *writer, const char *key, dec_t value)
{
    journal_ext(writer, key, JOURNAL_EXT_DECIMAL, value);
}

void journal_time(struct journal_writer *writer, const char *key, int64_t time_ns)
{
    journal_ext(writer, key, JOURNAL_EXT_TIME, time_ns);
}

void journal_f64(struct journal_writer *writer, const char *key, double value)
{
    msgpack_packer packer;
    journal_key(writer, &packer, key);
    msgpack_pack_double(&packer, value);
}

size_t journal_end(struct journal_writer *writer)
{
    assert(writer->fields <= UINT16_MAX);
    writer->out[0] = 0xde; /* map16 */
    writer->out[1] = (unsigned char)(writer->fields >> 8);
    writer->out[2] = (unsigned char)writer->fields;
    return writer->used;
}
