/* datafile: rows come back as they went in, for every kind and width; every damage is refused or found; files appear whole. */
#include "workers/feed/datafile_write.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/error.h"
#include "base/hash.h"

#define ROWS_MAX 3000u
#define NS INT64_C(1000000000)

static struct csv_row rows[ROWS_MAX];
static unsigned char bytes[DATAFILE_HEADER_BYTES + ROWS_MAX * 8 * CSV_FIELDS_MAX + 64];

static uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

/* Right rows of a kind; `spread` decides how wide the columns become, `unit` how many digits there are. */
static void make_rows(enum csv_kind kind, uint32_t count, int64_t step_ns, uint64_t spread, dec_t unit, uint64_t seed)
{
    int64_t time_ns = INT64_C(1704672000) * NS;
    for (uint32_t i = 0; i < count; i++) {
        struct csv_row *row = &rows[i];
        *row = (struct csv_row){.time_ns = time_ns};
        dec_t low = unit * (dec_t)(1 + draw(&seed, spread));
        switch (kind) {
        case CSV_BARS:
            row->v[2] = low;
            row->v[1] = low + unit * (dec_t)draw(&seed, spread);
            row->v[0] = low + (row->v[1] - low) / unit / 2 * unit;
            row->v[3] = row->v[1];
            row->v[4] = DEC_ONE * (dec_t)draw(&seed, 100000);
            break;
        case CSV_TICKS:
            row->v[0] = low;
            row->v[1] = low + unit * (dec_t)draw(&seed, 5);
            row->v[2] = DEC_ONE / 100 * (dec_t)draw(&seed, 1000);
            break;
        case CSV_TRADES:
            row->v[0] = low;
            row->v[1] = 1 + (dec_t)draw(&seed, 1u << 30);
            break;
        default:
            row->v[0] = low;
            break;
        }
        time_ns += step_ns * (int64_t)(1 + (draw(&seed, 10) == 0 ? draw(&seed, 5) : 0));
    }
}

static struct datafile_meta meta_of(enum csv_kind kind)
{
    bool timed = kind == CSV_BARS || kind == CSV_SPREAD;
    return (struct datafile_meta){.kind = kind, .timeframe = timed ? TIMEFRAME_M15 : DATAFILE_NO_TIMEFRAME,
                                  .volume_kind = kind == CSV_BARS ? VOLUME_TICK : VOLUME_NONE, .instrument = "EURUSD", .source = "x.csv", .left_out = 3};
}

/* The rows as a file in `bytes`; returns its size. */
static size_t encode(enum csv_kind kind, uint32_t count, int64_t step_ns, struct datafile_header *header)
{
    struct datafile_survey survey;
    struct datafile_meta meta = meta_of(kind);
    datafile_survey_init(&survey);
    for (uint32_t i = 0; i < count; i++)
        datafile_survey_add(&survey, kind, &rows[i]);
    datafile_layout(&survey, &meta, step_ns, header);
    assert_true(datafile_bytes(header) <= sizeof bytes);
    memset(bytes, 0, sizeof bytes);
    for (uint32_t i = 0; i < count; i++)
        assert_true(datafile_put(bytes, header, i, &rows[i]));
    datafile_seal(bytes, header);
    return datafile_bytes(header);
}

static void expect_rows(const struct datafile *file, uint32_t count)
{
    assert_int_equal(file->header.count, count);
    for (uint32_t i = 0; i < count; i++) {
        struct csv_row row;
        assert_int_equal(datafile_row(file, i, &row), 0);
        assert_memory_equal(&row, &rows[i], sizeof row);
    }
}

static void rows_come_back(void **unused)
{
    (void)unused;
    static const uint64_t spreads[] = {1, 200, 60000, 1u << 30, UINT64_C(1) << 35};
    unsigned widths = 0;
    for (unsigned run = 0; run < 400; run++) {
        uint64_t seed = hash_mix64(run);
        enum csv_kind kind = (enum csv_kind)(run % CSV_KIND_COUNT);
        uint32_t count = 1 + (uint32_t)draw(&seed, run < 50 ? 5 : 600);
        bool bars = kind == CSV_BARS;
        int64_t step = bars ? 900 * NS : run % 3 ? 1000000 : 1;
        make_rows(kind, count, step, spreads[draw(&seed, 5)], draw(&seed, 2) ? 1000 : 10, run);
        struct datafile_header header;
        struct datafile file;
        struct error err = {0};
        size_t size = encode(kind, count, bars ? step : 0, &header);
        if (datafile_parse("x", bytes, size, &file, &err) != 0 || datafile_verify(&file, "x", &err) != 0)
            fail_msg("run %u: %s", run, err.text);
        expect_rows(&file, count);
        assert_int_equal(file.header.left_out, 3);
        for (unsigned c = 0; c < file.header.column_count; c++)
            widths |= 1u << file.header.columns[c].width;
        datafile_close(&file);
    }
    assert_int_equal(widths, 1u << 0 | 1u << 1 | 1u << 2 | 1u << 4 | 1u << 8);
}

static void tells_digits_and_units(void **unused)
{
    (void)unused;
    struct datafile_header header;
    make_rows(CSV_BARS, 50, 900 * NS, 100, 1000, 1);
    (void)encode(CSV_BARS, 50, 900 * NS, &header);
    assert_int_equal(header.price_digits, 5);
    assert_int_equal(header.columns[0].unit, 900 * NS);
    assert_int_equal(header.columns[0].width, 1);
    assert_int_equal(header.columns[5].unit, DEC_ONE);
    rows[7].v[1] += 1; /* one price of eight digits */
    (void)encode(CSV_BARS, 50, 900 * NS, &header);
    assert_int_equal(header.price_digits, 8);
    for (uint32_t i = 0; i < 2; i++) /* the same twice: a file is never smaller than its rows are many */
        rows[i] = (struct csv_row){.time_ns = NS, .v = {DEC_ONE, DEC_ONE}};
    (void)encode(CSV_TICKS, 2, 0, &header);
    assert_int_equal(header.columns[0].width, 1);
    (void)encode(CSV_TICKS, 1, 0, &header);
    assert_int_equal(header.columns[0].width, 0);
    make_rows(CSV_TICKS, 50, 1000000, 100, DEC_ONE, 1);
    (void)encode(CSV_TICKS, 50, 0, &header);
    assert_int_equal(header.price_digits, 0);
    assert_int_equal(header.columns[0].unit, 1000000);
    assert_int_equal(header.columns[4].width, 0); /* no size is ever given */
}

/* The largest and smallest that a CSV may say. */
static void takes_extremes(void **unused)
{
    (void)unused;
    struct datafile_header header;
    struct datafile file;
    rows[0] = (struct csv_row){.time_ns = 0, .v = {1, 1, 1, 1, 0}};
    rows[1] = (struct csv_row){.time_ns = (CSV_TIME_MAX_S - 60) * NS, .v = {CSV_PRICE_MAX, CSV_PRICE_MAX, 1, 1, DEC_MAX}};
    size_t size = encode(CSV_BARS, 2, 0, &header);
    assert_int_equal(datafile_parse("x", bytes, size, &file, NULL), 0);
    assert_int_equal(datafile_verify(&file, "x", NULL), 0);
    expect_rows(&file, 2);
}

static void finds_by_time(void **unused)
{
    (void)unused;
    struct datafile_header header;
    struct datafile file;
    make_rows(CSV_TICKS, 500, 1000000, 100, 1000, 9);
    for (uint32_t i = 100; i < 120; i++)
        rows[i].time_ns = rows[100].time_ns; /* equal times: the first of them */
    assert_int_equal(datafile_parse("x", bytes, encode(CSV_TICKS, 500, 0, &header), &file, NULL), 0);
    for (uint32_t i = 0; i < 500; i++) {
        for (int64_t off = -1; off <= 1; off++) {
            int64_t t = rows[i].time_ns + off;
            uint32_t first = 0;
            while (first < 500 && rows[first].time_ns < t)
                first++;
            assert_int_equal(datafile_find(&file, t), first);
        }
    }
    assert_int_equal(datafile_find(&file, INT64_MIN), 0);
    assert_int_equal(datafile_find(&file, INT64_MAX), 500);
}

static void finds_what_differs_from_the_survey(void **unused)
{
    (void)unused;
    struct datafile_header header;
    make_rows(CSV_BARS, 50, 900 * NS, 100, 1000, 1);
    (void)encode(CSV_BARS, 50, 900 * NS, &header);
    struct csv_row row = rows[3];
    row.v[1] += DEC_ONE;
    assert_false(datafile_put(bytes, &header, 3, &row));
    row = rows[3];
    row.v[1] += 1;
    assert_false(datafile_put(bytes, &header, 3, &row));
    row = rows[3];
    row.time_ns = 0;
    assert_false(datafile_put(bytes, &header, 3, &row));
}

/* --- damage --------------------------------------------------------------------------------------------------------------- */

static void refuses_a_wrong_header(void **unused)
{
    (void)unused;
    struct datafile_header good, bad;
    struct datafile file;
    struct error err = {0};
    make_rows(CSV_BARS, 300, 900 * NS, 1000, 1000, 1);
    size_t size = encode(CSV_BARS, 300, 900 * NS, &good);
    assert_int_equal(datafile_parse("x", bytes, DATAFILE_HEADER_BYTES - 1, &file, &err), -EINVAL);
    assert_int_equal(datafile_parse("x", bytes, size - 8, &file, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "cut off"));
    assert_int_equal(datafile_parse("x", bytes, size + 8, &file, &err), -EBADMSG);
    bytes[200] ^= 1;
    assert_int_equal(datafile_parse("x", bytes, size, &file, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "checksum"));
    /* Each with a right checksum: what is said must fit by itself. */
#define REFUSED(code, change) \
    do { \
        bad = good; \
        change; \
        bad.crc = (uint32_t)crc32_z(0, (const unsigned char *)&bad, offsetof(struct datafile_header, crc)); \
        memcpy(bytes, &bad, sizeof bad); \
        assert_int_equal(datafile_parse("x", bytes, size, &file, &err), code); \
        assert_null(file.columns[0]); \
    } while (0)
    REFUSED(-EINVAL, bad.magic[0] = 'P');
    REFUSED(-EPROTO, bad.version = 2);
    REFUSED(-EBADMSG, bad.header_bytes = 256);
    REFUSED(-EBADMSG, bad.kind = CSV_TICKS);
    REFUSED(-EBADMSG, bad.kind = 99);
    REFUSED(-EBADMSG, bad.timeframe = TIMEFRAME_COUNT);
    REFUSED(-EBADMSG, bad.volume_kind = 3);
    REFUSED(-EBADMSG, bad.price_kind = 3);
    REFUSED(-EBADMSG, bad.price_digits = 9);
    REFUSED(-EBADMSG, bad.column_count = 5);
    REFUSED(-EBADMSG, bad.count = 0);
    REFUSED(-EBADMSG, bad.count = 301);
    REFUSED(-EBADMSG, bad.count = UINT64_MAX);
    REFUSED(-EBADMSG, bad.first_ns++);
    REFUSED(-EBADMSG, bad.last_ns = INT64_MAX);
    REFUSED(-EBADMSG, bad.instrument[0] = 0);
    REFUSED(-EBADMSG, bad.instrument[1] = '/');
    REFUSED(-EBADMSG, bad.instrument[20] = 'X');
    REFUSED(-EBADMSG, memset(bad.source, 'x', sizeof bad.source));
    REFUSED(-EBADMSG, bad.reserved[100] = 1);
    REFUSED(-EBADMSG, bad.columns[1].unit = 0);
    REFUSED(-EBADMSG, bad.columns[1].unit = -1);
    REFUSED(-EBADMSG, bad.columns[1].unit = INT64_MAX);
    REFUSED(-EBADMSG, bad.columns[1].base = INT64_MAX);
    REFUSED(-EBADMSG, bad.columns[1].base = -1);
    REFUSED(-EBADMSG, bad.columns[2].base = CSV_PRICE_MAX);
    REFUSED(-EBADMSG, bad.columns[1].width = 3);
    REFUSED(-EBADMSG, bad.columns[1].width = 8);
    REFUSED(-EBADMSG, bad.columns[5].max = UINT64_MAX);
    REFUSED(-EBADMSG, bad.columns[0].max++);
}

/* Any flipped bit of a file is refused, or found by verify; rows of what was taken never lead astray. */
static void finds_every_flipped_bit(void **unused)
{
    (void)unused;
    struct datafile_header header;
    make_rows(CSV_BARS, 41, 900 * NS, 1000, 1000, 5);
    size_t size = encode(CSV_BARS, 41, 900 * NS, &header);
    unsigned taken = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        struct datafile file;
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (datafile_parse("x", bytes, size, &file, NULL) == 0) {
            taken++;
            assert_int_equal(datafile_verify(&file, "x", NULL), -EBADMSG);
            for (uint32_t i = 0; i < 41; i++) {
                struct csv_row row;
                int rc = datafile_row(&file, i, &row);
                assert_true(rc == -EBADMSG || (rc == 0 && row.v[2] > 0 && row.v[1] >= row.v[2]));
                for (unsigned c = 0; rc == 0 && c < file.header.column_count; c++) { /* what the header says of it */
                    const struct datafile_column *column = &file.header.columns[c];
                    int64_t value = c == 0 ? row.time_ns : row.v[c - 1];
                    assert_true(value >= column->base && value <= column->base + column->unit * (int64_t)column->max);
                }
            }
            (void)datafile_find(&file, rows[20].time_ns);
        }
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_int_equal(taken, (size - DATAFILE_HEADER_BYTES) * 8);
}

/* Rows of a whole file, checksums right, that no import would have written. */
static void verify_judges_rows(void **unused)
{
    (void)unused;
    for (unsigned fault = 0; fault < 7; fault++) {
        struct datafile_header header;
        struct datafile file;
        struct error err = {0};
        make_rows(CSV_BARS, 60, 900 * NS, 1000, 1000, 5);
        switch (fault) {
        case 1: rows[9].v[0] = rows[9].v[1] + 1000; break;
        case 2: rows[9].v[2] = rows[9].v[1] + 1000; break;
        case 3: rows[9].v[2] = 0; break;
        case 4: rows[9].time_ns = rows[8].time_ns; break;
        case 5: rows[9].time_ns = rows[7].time_ns; break;
        case 6: rows[9].v[3] = rows[9].v[2] - 1000; break;
        default: break;
        }
        size_t size = encode(CSV_BARS, 60, 900 * NS, &header);
        assert_int_equal(datafile_parse("x", bytes, size, &file, &err), 0);
        assert_int_equal(datafile_verify(&file, "x", &err), fault == 0 ? 0 : -EBADMSG);
        assert_true(fault == 0 || strstr(err.text, "row 9") != NULL);
    }
}

/* --- files ------------------------------------------------------------------------------------------------------------------ */

static char folder[64] = "/tmp/propfleet-datafile-XXXXXX";

static int make_folder(void **unused)
{
    (void)unused;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **unused)
{
    (void)unused;
    char command[80];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : -1; /* NOLINT */
}

static unsigned files_in_folder(void)
{
    char command[80];
    unsigned count = 0;
    (void)snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *in = popen(command, "r"); /* NOLINT */
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%u", &count), 1);
    (void)pclose(in);
    return count;
}

static void files_appear_whole(void **unused)
{
    (void)unused;
    char path[128];
    struct datafile_header header;
    struct datafile_writer writer;
    struct datafile file;
    struct error err = {0};
    (void)snprintf(path, sizeof path, "%s/a.pfd", folder);
    assert_int_equal(datafile_open(path, &file, &err), -ENOENT);
    make_rows(CSV_TICKS, 1000, 1000000, 5000, 1000, 3);
    (void)encode(CSV_TICKS, 1000, 0, &header);
    assert_int_equal(datafile_writer_begin(&writer, path, &header, &err), 0);
    assert_int_equal(access(path, F_OK), -1);
    for (uint32_t i = 0; i < 999; i++)
        assert_int_equal(datafile_writer_add(&writer, &rows[i], &err), 0);
    assert_int_equal(datafile_writer_commit(&writer, &err), -ESTALE); /* a row is missing */
    assert_int_equal(files_in_folder(), 0);
    assert_int_equal(datafile_writer_begin(&writer, path, &header, &err), 0);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(datafile_writer_add(&writer, &rows[i], &err), 0);
    assert_int_equal(datafile_writer_add(&writer, &rows[0], &err), -ESTALE); /* one too many */
    assert_int_equal(datafile_writer_commit(&writer, &err), 0);
    datafile_writer_abort(&writer);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(datafile_open(path, &file, &err), 0);
    assert_int_equal(datafile_verify(&file, path, &err), 0);
    expect_rows(&file, 1000);
    /* A broken replacement leaves the old one. */
    assert_int_equal(datafile_writer_begin(&writer, path, &header, &err), 0);
    datafile_writer_abort(&writer);
    datafile_writer_abort(&writer);
    assert_int_equal(files_in_folder(), 1);
    expect_rows(&file, 1000);
    datafile_close(&file);
    datafile_close(&file);
    assert_int_equal(truncate(path, 700), 0);
    assert_int_equal(datafile_open(path, &file, &err), -EBADMSG);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(datafile_open(path, &file, &err), -EINVAL);
    assert_int_equal(datafile_open(folder, &file, &err), -EINVAL);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/none/a.pfd", folder);
    assert_int_equal(datafile_writer_begin(&writer, path, &header, &err), -ENOENT);
    assert_int_equal(mkfifo(strcat(folder, "/f"), 0600), 0);
    assert_int_equal(datafile_open(folder, &file, &err), -EINVAL); /* does not wait for a writer */
    assert_int_equal(unlink(folder), 0);
    folder[strlen(folder) - 2] = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(tells_digits_and_units),
        cmocka_unit_test(takes_extremes),
        cmocka_unit_test(finds_by_time),
        cmocka_unit_test(finds_what_differs_from_the_survey),
        cmocka_unit_test(refuses_a_wrong_header),
        cmocka_unit_test(finds_every_flipped_bit),
        cmocka_unit_test(verify_judges_rows),
        cmocka_unit_test_setup_teardown(files_appear_whole, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
