/* bench_csv: csv.c with every field checked against the usual getline + strtod without a check, over the
 * same generated files in one run, by turns. Prints one JSON object a line; takes about 5 s. */
#include "workers/feed/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"

#define ROUNDS 15
#define BENCH_ROWS 300000u

struct figure {
    double seconds[ROUNDS];
    uint64_t rows;
    double sum; /* keeps the compiler honest, and both sides alike */
};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_csv: %s\n", what);
    exit(1);
}

/* A file in memory, so that the disk is not measured. Returns its path under /proc. */
static const char *generate(enum csv_kind kind, char *path, size_t path_size, double *bytes)
{
    int fd = memfd_create("bench-csv", 0);
    FILE *out = fd < 0 ? NULL : fdopen(dup(fd), "w");
    if (!out)
        die("memfd");
    fputs(kind == CSV_BARS ? "epoch_s,open,high,low,close,volume\n" : "epoch_ns,bid,ask,bid_size,ask_size\n", out);
    long price = 110000;
    for (unsigned i = 0; i < BENCH_ROWS; i++) {
        uint64_t h = hash_mix64(i);
        long up = (long)(h % 40), down = (long)(h >> 8 & 31), close = price - down + (long)((h >> 16) % (uint64_t)(up + down + 1));
        if (kind == CSV_BARS)
            fprintf(out, "%u,%ld.%05ld,%ld.%05ld,%ld.%05ld,%ld.%05ld,%u\n", 1400000040u + 60 * i, price / 100000,
                    price % 100000, (price + up) / 100000, (price + up) % 100000, (price - down) / 100000,
                    (price - down) % 100000, close / 100000, close % 100000, (unsigned)(h >> 40) % 3000);
        else
            fprintf(out, "%llu,%ld.%05ld,%ld.%05ld,0,0\n", 1400000000000000000ULL + 137000000ULL * i, price / 100000,
                    price % 100000, (price + 7) / 100000, (price + 7) % 100000);
        price = close > 90000 && close < 140000 ? close : 110000;
    }
    *bytes = (double)ftell(out);
    if (fclose(out) != 0)
        die("write");
    (void)snprintf(path, path_size, "/proc/self/fd/%d", fd);
    return path;
}

static double run_ours(const char *path, enum csv_kind kind, struct figure *figure)
{
    struct csv csv;
    struct csv_row row;
    struct error err = {0};
    double start = now_s(), sum = 0;
    if (csv_open(&csv, path, 1u << kind, kind == CSV_BARS ? 60 : 0, true, &err) != 0)
        die(err.text);
    int result, values = kind == CSV_BARS ? 5 : 4;
    int64_t total = 0;
    while ((result = csv_next(&csv, &row, &err)) == 1)
        for (int i = 0; i < values; i++)
            total += row.v[i] >> 8;
    if (result != 0)
        die(err.text);
    sum = (double)total;
    figure->rows = csv.rows;
    figure->sum = sum;
    csv_close(&csv);
    return now_s() - start;
}

static double run_usual(const char *path, enum csv_kind kind, struct figure *figure)
{
    double start = now_s(), sum = 0;
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    int fields = kind == CSV_BARS ? 6 : 5;
    if (!in || getline(&line, &room, in) < 0)
        die("fopen");
    figure->rows = 0;
    while (getline(&line, &room, in) > 0) {
        char *p = line, *end;
        for (int i = 0; i < fields; i++, p = end + 1)
            sum += strtod(p, &end);
        figure->rows++;
    }
    figure->sum = sum;
    free(line);
    (void)fclose(in);
    return now_s() - start;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *metric, const char *kind, double value, const char *unit)
{
    printf("{\"metric\":\"csv_%s_%s\",\"value\":%.4g,\"unit\":\"%s\"}\n", kind, metric, value, unit);
    fflush(stdout);
}

static void bench(enum csv_kind kind, const char *name)
{
    char path[64];
    double bytes = 0;
    struct figure ours = {0}, usual = {0};
    generate(kind, path, sizeof path, &bytes);
    for (int i = 0; i < ROUNDS; i++) {
        ours.seconds[i] = run_ours(path, kind, &ours);
        usual.seconds[i] = run_usual(path, kind, &usual);
    }
    if (ours.rows != usual.rows)
        die("the two sides read different numbers of rows");
    qsort(ours.seconds, ROUNDS, sizeof(double), by_value);
    qsort(usual.seconds, ROUNDS, sizeof(double), by_value);
    double mine = ours.seconds[ROUNDS / 2], theirs = usual.seconds[ROUNDS / 2];
    print("import", name, bytes / mine / 1e9, "GB/s");
    print("import_rows", name, (double)ours.rows / mine, "1/s");
    print("getline_strtod", name, bytes / theirs / 1e9, "GB/s");
    print("to_strtod", name, theirs / mine, "ratio");
}

int main(void)
{
    bench(CSV_BARS, "bars");
    bench(CSV_TICKS, "ticks");
    return 0;
}
