/* csv and spread: every kind of bad row, the edges of the buffer, both paths alike; real files with PROPFLEET_DATA. */
#include "workers/feed/csv.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "tests/unit/feed_support.h"
#include "workers/feed/spread.h"

#define BARS "epoch_s,open,high,low,close,volume\n"
#define TICKS "epoch_ns,bid,ask,bid_size,ask_size\n"
#define ANY ((1u << CSV_KIND_COUNT) - 1)

static struct csv open_text(const char *text, int64_t step_s, bool fatal)
{
    struct csv csv;
    struct error err = {0};
    if (csv_open(&csv, support_write("x.csv", text), ANY, step_s, fatal, &err) != 0)
        fail_msg("%s", err.text);
    return csv;
}

/* Reads all; the rows that came are counted. */
static unsigned read_all(struct csv *csv)
{
    struct csv_row row;
    struct error err = {0};
    unsigned count = 0;
    int result;
    while ((result = csv_next(csv, &row, &err)) == 1)
        count++;
    assert_int_equal(result, 0);
    return count;
}

static void reads_bars(void **state)
{
    (void)state;
    struct csv csv = open_text(BARS "1704672000,1.07340,1.07348,1.07252,1.07271,1981\n"
                                    "1704672060,151,152.5,150.123,151.00000001,0.5\n"
                                    "1704672180,12345678.12345678,12345678.12345678,1.1,2,74007777.88169999\n",
                               60, true);
    struct csv_row row;
    assert_int_equal(csv.kind, CSV_BARS);
    assert_int_equal(csv_next(&csv, &row, NULL), 1);
    assert_int_equal(row.time_ns, INT64_C(1704672000000000000));
    const dec_t first[5] = {107340000, 107348000, 107252000, 107271000, 198100000000};
    assert_memory_equal(row.v, first, sizeof first);
    assert_int_equal(csv.line, 2);
    assert_int_equal(csv_next(&csv, &row, NULL), 1);
    const dec_t second[5] = {15100000000, 15250000000, 15012300000, 15100000001, 50000000};
    assert_memory_equal(row.v, second, sizeof second);
    assert_int_equal(csv_next(&csv, &row, NULL), 1);
    const dec_t third[5] = {1234567812345678, 1234567812345678, 110000000, 200000000, 7400777788169999};
    assert_memory_equal(row.v, third, sizeof third);
    assert_int_equal(csv_next(&csv, &row, NULL), 0);
    assert_int_equal(csv_next(&csv, &row, NULL), 0);
    assert_int_equal(csv.rows, 3);
    csv_close(&csv);
    csv_close(&csv);
}

static void reads_quotes_trades_and_spreads(void **state)
{
    (void)state;
    struct csv_row row;
    struct csv csv = open_text(TICKS "1399028400319397000,1286.055,1286.313,0,0\n"
                                     "1399028400319397000,1286.055,1286.055,1.25,3\n", 0, true);
    assert_int_equal(csv.kind, CSV_TICKS);
    assert_int_equal(csv_next(&csv, &row, NULL), 1);
    assert_int_equal(row.time_ns, INT64_C(1399028400319397000));
    assert_int_equal(row.v[1], 128631300000);
    assert_int_equal(csv_next(&csv, &row, NULL), 1); /* the same time, and locked: both are valid */
    assert_int_equal(row.v[3], 3 * DEC_ONE);
    csv_close(&csv);
    csv = open_text("epoch_ns,price,size\n1723161254087896568,61837.63,0.02\n", 0, true);
    assert_int_equal(csv.kind, CSV_TRADES);
    assert_int_equal(csv_next(&csv, &row, NULL), 1);
    assert_int_equal(row.v[0], 6183763000000);
    csv_close(&csv);
    csv = open_text("epoch_s,spread\n1398902400,0\n1398902460,0.294\n", 0, true);
    assert_int_equal(csv.kind, CSV_SPREAD);
    assert_int_equal(csv_next(&csv, &row, NULL), 1);
    assert_int_equal(row.v[0], 0);
    assert_int_equal(csv_next(&csv, &row, NULL), 1);
    assert_int_equal(row.v[0], 29400000);
    csv_close(&csv);
}

/* Each bad row between two good ones: counted by its reason, skipped, and the good ones come. */
static void names_each_reason(void **state)
{
    static const struct {
        const char *row;
        enum csv_reason reason;
        bool ticks;
    } cases[] = {
        {"1704672060,1,1,1,1", CSV_BAD_FIELDS, false},
        {"1704672060,1,1,1,1,1,1", CSV_BAD_FIELDS, false},
        {"", CSV_BAD_FIELDS, false},
        {"1704672060,1,1,x,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,1e5,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,.5,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,1.,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,nan,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,inf,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1, 1,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,1,1,+1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,1,1,\"1\"", CSV_BAD_NUMBER, false},
        {"1704672060,1,1,0.123456789,1,1", CSV_BAD_NUMBER, false},
        {"17046720x0,1,1,1,1,1", CSV_BAD_NUMBER, false},
        {",1,1,1,1,1", CSV_BAD_NUMBER, false},
        {"1704672060.5,1,1,1,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,1,1\xff,1,1,1", CSV_BAD_NUMBER, false},
        {"1704672060,99999999999999999999,1,1,1,1", CSV_BAD_RANGE, false},
        {"1704672060,1,100000001,1,1,1", CSV_BAD_RANGE, false},
        {"1704672060,1,1,1,1,99999999999", CSV_BAD_RANGE, false},
        {"99999999999,1,1,1,1,1", CSV_BAD_TIME, false},
        {"18446744073709551617,1,1,1,1,1", CSV_BAD_TIME, false},
        {"-1704672060,1,1,1,1,1", CSV_BAD_NEGATIVE, false},
        {"1704672061,1,1,1,1,1", CSV_BAD_GRID, false},
        {"1704671940,1,1,1,1,1", CSV_BAD_ORDER, false},
        {"1704672000,1,1,1,1,1", CSV_BAD_DUPLICATE, false},
        {"1704672060,-1,1,1,1,1", CSV_BAD_NEGATIVE, false},
        {"1704672060,1,1,1,1,-1", CSV_BAD_NEGATIVE, false},
        {"1704672060,1,1,0,1,1", CSV_BAD_ZERO, false},
        {"1704672060,0.0,1,1,1,1", CSV_BAD_ZERO, false},
        {"1704672060,1,1,2,1,1", CSV_BAD_HIGH_LOW, false},
        {"1704672060,3,2,1,1,1", CSV_BAD_OUTSIDE, false},
        {"1704672060,1,2,1,0.5,1", CSV_BAD_OUTSIDE, false},
        {"1704672060000000000,1.2,1.1,0,0", CSV_BAD_CROSSED, true},
        {"1704672060000000000,0,1.1,0,0", CSV_BAD_ZERO, true},
        {"1704672060000000000,1.1,1.2,-3,0", CSV_BAD_NEGATIVE, true},
        {"1704671999000000000,1.1,1.2,3,0", CSV_BAD_ORDER, true},
        {"99999999999999999999999,1.1,1.2,3,0", CSV_BAD_TIME, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s\n%s\n%s\n", cases[i].ticks ? TICKS : BARS,
                 cases[i].ticks ? "1704672000000000000,1.1,1.2,0,0" : "1704672000,1,1,1,1,1", cases[i].row,
                 cases[i].ticks ? "1704672120000000000,1.1,1.2,0,0" : "1704672120,1,1,1,1,1");
        struct csv csv = open_text(text, cases[i].ticks ? 0 : 60, false);
        unsigned good = read_all(&csv);
        if (good != 2 || csv.bad != 1 || csv.bad_by_reason[cases[i].reason] != 1)
            fail_msg("\"%s\": %u good, %" PRIu64 " bad, not as \"%s\"", cases[i].row, good, csv.bad,
                     csv_reason_text(cases[i].reason));
        assert_int_equal(csv.rows, 3);
        csv_close(&csv);

        csv = open_text(text, cases[i].ticks ? 0 : 60, true);
        struct csv_row row;
        struct error err = {0};
        assert_int_equal(csv_next(&csv, &row, &err), 1);
        assert_int_equal(csv_next(&csv, &row, &err), -EBADMSG);
        char want[80];
        snprintf(want, sizeof want, "x.csv:3: %s", csv_reason_text(cases[i].reason));
        assert_non_null(strstr(err.text, want));
        assert_int_equal(csv_next(&csv, &row, &err), 0);
        csv_close(&csv);
    }
}

static void last_line_must_end(void **state)
{
    (void)state;
    struct csv csv = open_text(BARS "1704672000,1,1,1,1,1\n1704672060,1,1,1,1,19", 60, false);
    assert_int_equal(read_all(&csv), 1);
    assert_int_equal(csv.bad_by_reason[CSV_BAD_TRUNCATED], 1);
    csv_close(&csv);
    csv = open_text(BARS, 60, true); /* nothing but a header is an empty file, and that is right */
    assert_int_equal(read_all(&csv), 0);
    csv_close(&csv);
}

static void long_lines_are_passed_over(void **state)
{
    (void)state;
    static char text[600000];
    size_t at = (size_t)snprintf(text, sizeof text, BARS "1704672000,1,1,1,1,1\n");
    for (size_t i = 0; i < 300000; i++) /* longer than the buffer */
        text[at++] = i % 7 ? '1' : ',';
    at += (size_t)snprintf(text + at, sizeof text - at, "\n1704672060,1,1,1,1,1\n");
    memset(text + at, '7', CSV_LINE_MAX + 1); /* and one without an end */
    struct csv csv = open_text(text, 60, false);
    assert_int_equal(read_all(&csv), 2);
    assert_int_equal(csv.bad_by_reason[CSV_BAD_LONG], 2);
    assert_int_equal(csv.line, 5);
    csv_close(&csv);
}

static void accepts_other_line_ends_and_marks(void **state)
{
    (void)state;
    struct csv csv = open_text("\xef\xbb\xbf" "epoch_s,open,high,low,close,volume\r\n"
                               "1704672000,1,1,1,1,1\r\n1704672060,1,1,1,1,1\r\n", 60, true);
    assert_int_equal(read_all(&csv), 2);
    csv_close(&csv);
}

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "epoch_s,open", "time,open,high,low,close,volume\n1,1,1,1,1,1\n",
                                        "1704672000,1,1,1,1,1\n", TICKS};
    for (size_t i = 0; i < 5; i++) {
        struct csv csv;
        struct error err = {0};
        assert_true(csv_open(&csv, support_write("h.csv", texts[i]), 1u << CSV_BARS, 60, false, &err) < 0);
        assert_non_null(strstr(err.text, "h.csv:1: "));
    }
    struct csv csv;
    struct error err = {0};
    assert_int_equal(csv_open(&csv, support_path("none.csv"), ANY, 0, false, &err), -ENOENT);
}

/* A line as long as the buffer's edges need it: rows of all lengths over many buffers, and a slow twin. */
static void fast_and_slow_path_agree(void **state)
{
    (void)state;
    const unsigned rows = 20000;
    char *text = malloc(rows * 200u), *at = text;
    int64_t *want = malloc(rows * 5 * sizeof *want);
    assert_true(text && want);
    at += sprintf(at, BARS);
    for (unsigned i = 0; i < rows; i++) {
        at += sprintf(at, "%" PRIu64, UINT64_C(1000000020) + 60 * i);
        int64_t *v = want + 5 * i;
        uint64_t h = hash_mix64(i);
        int places = (int)(h % 9), digits = (int)(h / 9 % 8);
        int64_t whole = 1, unit = DEC_ONE;
        for (int k = 0; k < digits; k++)
            whole = whole * 10 + (int64_t)(h >> (8 + k) & 7);
        for (int k = 0; k < places; k++)
            unit /= 10;
        int64_t low = whole * DEC_ONE + (int64_t)((h >> 20) % (uint64_t)(DEC_ONE / unit)) * unit;
        v[0] = v[2] = v[3] = low;
        v[1] = low + unit;
        v[4] = (int64_t)(h >> 40) * unit / 64 / unit * unit;
        for (int k = 0; k < 5; k++) {
            char number[DEC_STR_MAX];
            dec_format(v[k], (int)(h >> (50 + k)) & places, number);
            at += sprintf(at, ",%s", number);
        }
        *at++ = '\n';
    }
    *at = 0;
    struct csv csv = open_text(text, 60, true);
    struct csv_row row;
    struct error err = {0};
    for (unsigned i = 0; i < rows; i++) {
        if (csv_next(&csv, &row, &err) != 1)
            fail_msg("row %u: %s", i, err.text);
        assert_int_equal(row.time_ns, (INT64_C(1000000020) + 60 * i) * SUPPORT_S);
        assert_memory_equal(row.v, want + 5 * i, 5 * sizeof *want);
    }
    csv_close(&csv);
    free(text);
    free(want);
}

/* The slow path's times reach as far as the fast path's: a comma too many sends a late year there. */
static void late_years_take_both_paths(void **state)
{
    (void)state;
    struct csv csv = open_text(TICKS "2300000000000000000,1.1,1.2,0,0\n02300000000000000001,1.1,1.2,0,0\n", 0, true);
    assert_int_equal(read_all(&csv), 2);
    csv_close(&csv);
}

/* Random damage: never a row that is not right, never a lost count. */
static void damaged_rows_never_come_through(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789,.-\n\r x\xff";
    char text[400];
    for (uint64_t i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, BARS "1704672000,1.07340,1.07348,1.07252,1.07271,1981\n"
                                         "1704672060,1.07271,1.07305,1.07210,1.07257,1942\n");
        uint64_t h = hash_mix64(i);
        for (unsigned k = 0; k <= h % 3; k++)
            text[sizeof BARS - 1 + (h >> (8 + 16 * k)) % 95] = alphabet[(h >> (3 + 9 * k)) % (sizeof alphabet - 1)];
        struct csv csv = open_text(text, 60, false);
        struct csv_row row;
        int64_t last = -1;
        unsigned good = 0;
        while (csv_next(&csv, &row, NULL) == 1) {
            const dec_t *v = row.v;
            assert_true(row.time_ns > last && row.time_ns % SUPPORT_MINUTE_NS == 0);
            assert_true(v[2] > 0 && v[2] <= v[0] && v[0] <= v[1] && v[2] <= v[3] && v[3] <= v[1] && v[4] >= 0);
            last = row.time_ns;
            good++;
        }
        assert_int_equal(csv.rows, good + csv.bad);
        csv_close(&csv);
    }
}

static void gzip_is_the_same(void **state)
{
    (void)state;
    static char text[400000];
    size_t at = (size_t)snprintf(text, sizeof text, BARS);
    for (unsigned i = 0; i < 9000; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%u,1.1,1.2,1.0,1.1,%u\n", 1704672000 + 60 * i, i);
    struct csv csv;
    const char *path = support_write_gz("x.csv.gz", text);
    assert_int_equal(csv_open(&csv, path, ANY, 60, true, NULL), 0);
    assert_int_equal(read_all(&csv), 9000);
    csv_close(&csv);

    /* Cut in the middle: an error, not a short file. */
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t size = fread(text, 1, sizeof text, in);
    fclose(in);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, size / 2, out), size / 2);
    fclose(out);
    struct csv_row row;
    struct error err = {0};
    int result = csv_open(&csv, path, ANY, 60, true, &err);
    while (result >= 0 && (result = csv_next(&csv, &row, &err)) == 1)
        ;
    assert_int_equal(result, -EIO);
    csv_close(&csv);
}

static void spread_follows_the_day(void **state)
{
    (void)state;
    struct spread_model model;
    spread_model_init(&model, 15 * DEC_ONE / 10); /* a tick and a half */
    const int64_t day = SUPPORT_MONDAY_S * SUPPORT_S;
    assert_int_equal(spread_model_at(&model, day + 12 * SUPPORT_HOUR_NS, false), 2);  /* 1.5 up */
    assert_int_equal(spread_model_at(&model, day + 3 * SUPPORT_HOUR_NS, false), 2);   /* 1.95 up */
    assert_int_equal(spread_model_at(&model, day + 22 * SUPPORT_HOUR_NS, false), 12); /* 8 x */
    assert_int_equal(spread_model_at(&model, day + 12 * SUPPORT_HOUR_NS, true), 8);   /* 5 x 1.5 = 7.5 up */
    assert_int_equal(spread_model_at(&model, day + 22 * SUPPORT_HOUR_NS, true), 12);
    static const struct { unsigned minute, tenths; } shape[] = {
        {0, 13}, {419, 13}, {420, 10}, {1259, 10}, {1260, 13}, {1314, 13}, {1315, 30}, {1320, 80}, {1324, 80},
        {1334, 30}, {1335, 13}, {1439, 13}};
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        assert_int_equal(spread_factor_tenths(shape[i].minute), shape[i].tenths);
    assert_int_equal(spread_in_ticks(29400000, 1000000), 30);
    assert_int_equal(spread_in_ticks(29000000, 1000000), 29);
    assert_int_equal(spread_in_ticks(0, 1), 0);
    spread_model_init(&model, DEC_MAX);
    assert_int_equal(model.weekend_ticks, UINT32_MAX);
}

/* --- real files ------------------------------------------------------------------------------------------- */

static int64_t step_of(const char *name)
{
    static const struct { const char *part; int64_t step_s; } steps[] = {
        {"_M1.", 60}, {"_M5.", 300}, {"_M15.", 900}, {"_H1.", 3600}};
    for (size_t i = 0; i < 4; i++)
        if (strstr(name, steps[i].part))
            return steps[i].step_s;
    return 0;
}

static void real_files_are_right(void **state)
{
    (void)state;
    const char *data = getenv("PROPFLEET_DATA");
    if (!data || !*data)
        skip();
    DIR *dir = opendir(data);
    assert_non_null(dir);
    unsigned files = 0;
    uint64_t rows = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char path[CONFIG_PATH_MAX + 256];
        const char *name = entry->d_name;
        if (!strstr(name, ".csv") || strcmp(name, "manifest.csv") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", data, name);
        struct csv csv;
        struct error err = {0};
        if (csv_open(&csv, path, ANY, strstr(name, "_spread") ? 0 : step_of(name), false, &err) != 0)
            fail_msg("%s", err.text);
        (void)read_all(&csv);
        if (strcmp(name, "EURUSD-fxcm_ticks.csv") == 0) {
            print_message("%s: %" PRIu64 " crossed\n", name, csv.bad_by_reason[CSV_BAD_CROSSED]);
            assert_int_equal(csv.bad, csv.bad_by_reason[CSV_BAD_CROSSED]);
            assert_int_equal(csv.bad, 3692);
        } else if (csv.bad != 0) {
            fail_msg("%s: %" PRIu64 " bad rows", name, csv.bad);
        }
        files++;
        rows += csv.rows;
        csv_close(&csv);
    }
    closedir(dir);
    print_message("%u files, %" PRIu64 " rows\n", files, rows);
    assert_true(files > 0);
}

int main(void)
{
    log_init("test", LOG_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_bars),
        cmocka_unit_test(reads_quotes_trades_and_spreads),
        cmocka_unit_test(names_each_reason),
        cmocka_unit_test(last_line_must_end),
        cmocka_unit_test(long_lines_are_passed_over),
        cmocka_unit_test(accepts_other_line_ends_and_marks),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(fast_and_slow_path_agree),
        cmocka_unit_test(late_years_take_both_paths),
        cmocka_unit_test(damaged_rows_never_come_through),
        cmocka_unit_test(gzip_is_the_same),
        cmocka_unit_test(spread_follows_the_day),
        cmocka_unit_test(real_files_are_right),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
