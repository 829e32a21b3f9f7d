/* Bytes as a data file: what parse takes, rows, find and verify go through without a fault. Most inputs get a right checksum
 * of their header first, so that damage reaches what lies behind it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <zlib.h>

#include "base/error.h"
#include "workers/feed/datafile_write.h"

#define NS INT64_C(1000000000)

const char fuzz_name[] = "fuzz_datafile";
const unsigned fuzz_runs = 60000;

static struct csv_row row_of(enum csv_kind kind, unsigned n, unsigned i)
{
    dec_t low = DEC_ONE + (dec_t)((i * 7 + n) % 97) * 1000 * (n % 3 == 0 ? 1 : 100000);
    struct csv_row row = {.time_ns = (INT64_C(1704672000) + 900 * i) * NS};
    if (kind == CSV_BARS)
        memcpy(row.v, (dec_t[]){low, low + 5000, low, low + 1000, DEC_ONE * (i % 11)}, sizeof row.v);
    else
        memcpy(row.v, (dec_t[]){low, low + 1000, kind == CSV_TICKS ? i : 0, 0, 0}, sizeof row.v);
    return row;
}

size_t fuzz_seed(unsigned n, uint8_t *buf)
{
    static const unsigned counts[] = {1, 3, 60, 400};
    if (n >= 4 * CSV_KIND_COUNT)
        return 0;
    enum csv_kind kind = (enum csv_kind)(n % CSV_KIND_COUNT);
    unsigned count = counts[n / CSV_KIND_COUNT];
    bool timed = kind == CSV_BARS || kind == CSV_SPREAD;
    struct datafile_meta meta = {.kind = kind, .timeframe = timed ? TIMEFRAME_M15 : DATAFILE_NO_TIMEFRAME,
                                 .volume_kind = timed && kind == CSV_BARS ? VOLUME_TICK : VOLUME_NONE, .instrument = "EURUSD", .source = "x"};
    struct datafile_survey survey;
    struct datafile_header header;
    datafile_survey_init(&survey);
    for (unsigned i = 0; i < count; i++) {
        struct csv_row row = row_of(kind, n, i);
        datafile_survey_add(&survey, kind, &row);
    }
    datafile_layout(&survey, &meta, kind == CSV_BARS ? 900 * NS : 0, &header);
    FUZZ_HOLDS(datafile_bytes(&header) <= FUZZ_INPUT_MAX);
    memset(buf, 0, datafile_bytes(&header));
    for (unsigned i = 0; i < count; i++) {
        struct csv_row row = row_of(kind, n, i);
        FUZZ_HOLDS(datafile_put(buf, &header, i, &row));
    }
    datafile_seal(buf, &header);
    return datafile_bytes(&header);
}

static void check_row(const struct datafile *file, uint64_t i)
{
    struct csv_row row;
    if (datafile_row(file, i, &row) != 0)
        return;
    FUZZ_HOLDS(row.time_ns >= file->header.first_ns && row.time_ns <= file->header.last_ns);
    for (unsigned c = 1; c < file->header.column_count; c++) {
        FUZZ_HOLDS(row.v[c - 1] >= 0);
        FUZZ_HOLDS(!datafile_is_price(file->header.kind, c) || row.v[c - 1] <= CSV_PRICE_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct datafile file;
    struct error err = {0};
    uint8_t *copy = malloc(size + 1); /* its own block: a read behind it is seen */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    if (size >= DATAFILE_HEADER_BYTES && data[size / 2] % 8 != 0) {
        memcpy(copy, DATAFILE_MAGIC, 8);
        uint32_t crc = (uint32_t)crc32_z(0, copy, DATAFILE_HEADER_BYTES - 4);
        memcpy(copy + DATAFILE_HEADER_BYTES - 4, &crc, 4);
    }
    if (datafile_parse("x", copy, size, &file, &err) == 0) {
        FUZZ_HOLDS(file.header.count > 0 && datafile_bytes(&file.header) == size);
        FUZZ_HOLDS(file.header.count <= size);
        for (uint64_t i = 0; i < file.header.count; i++)
            check_row(&file, i);
        FUZZ_HOLDS(datafile_find(&file, file.header.last_ns) <= file.header.count);
        FUZZ_HOLDS(datafile_find(&file, INT64_MAX) <= file.header.count && datafile_find(&file, INT64_MIN) == 0);
        if (datafile_verify(&file, "x", &err) != 0)
            FUZZ_HOLDS(err.text[0] != 0);
    } else {
        FUZZ_HOLDS(err.text[0] != 0 && file.header.count == 0);
    }
    free(copy);
    return 0;
}
