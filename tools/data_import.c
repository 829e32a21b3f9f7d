/* propfleet data import: a CSV becomes a mapped file. It is read twice: once to see what there is, once to write. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/data.h"
#include "workers/feed/datafile_write.h"

#define BAD_SHOWN 20u

struct import {
    const char *operands[2]; /* FILE, OUT */
    const char *symbol, *timeframe, *volume, *price;
    bool skip_bad, force, json;
    struct data_name name;
    struct datafile_meta meta;
    struct datafile_survey survey;
    struct datafile_header header;
    struct data_bad bad;
    uint64_t lines, bad_lines;
    char out[CONFIG_PATH_MAX];
};

/* --- what was asked ----------------------------------------------------------------------------------------------------- */

static int word_of(const char *option, const char *text, const char *(*word)(uint32_t), uint32_t count, uint32_t *out, struct error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(text, word(i)) == 0) {
            *out = i;
            return 0;
        }
    }
    return error_set(err, EINVAL, "%s %.20s: %s, %s or %s", option, text, word(0), word(1), word(2));
}

/* FILE without .csv or .csv.gz, with .pfd. */
static int out_name(struct import *im, struct error *err)
{
    const char *path = im->operands[1] ? im->operands[1] : im->operands[0], *ending = "";
    size_t length = strlen(path);
    if (!im->operands[1]) {
        ending = ".pfd";
        if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
            length -= 3;
        if (length > 4 && memcmp(path + length - 4, ".csv", 4) == 0)
            length -= 4;
    }
    int n = snprintf(im->out, sizeof im->out, "%.*s%s", (int)length, path, ending);
    if (n < 0 || (size_t)n >= sizeof im->out)
        return error_set(err, ENAMETOOLONG, "%.40s...: path too long", path);
    struct stat status, source;
    if (stat(im->operands[0], &source) != 0)
        return error_errno(err, errno, "open %s", im->operands[0]);
    if (!S_ISREG(source.st_mode))
        return error_set(err, EINVAL, "%s: not a regular file, and it is read twice", im->operands[0]);
    if (stat(im->out, &status) != 0)
        return 0;
    if (status.st_dev == source.st_dev && status.st_ino == source.st_ino)
        return error_set(err, EINVAL, "%s is the source itself", im->out);
    if (!S_ISREG(status.st_mode))
        return error_set(err, EINVAL, "%s is there, and no file", im->out);
    return im->force ? 0 : error_set(err, EEXIST, "%s is there; --force replaces it", im->out);
}

static int meta_of(struct import *im, const struct csv *csv, struct error *err)
{
    struct datafile_meta *meta = &im->meta;
    bool timed = csv->kind == CSV_BARS || csv->kind == CSV_SPREAD;
    *meta = (struct datafile_meta){.kind = csv->kind, .timeframe = timed ? im->name.timeframe : DATAFILE_NO_TIMEFRAME,
                                   .volume_kind = VOLUME_NONE, .price_kind = PRICE_BID};
    if (!im->name.symbol[0])
        return error_set(err, EINVAL, "%s: of which instrument? the name does not say (SYMBOL_TF.csv): --instrument SYMBOL", csv->path);
    memcpy(meta->instrument, im->name.symbol, sizeof meta->instrument);
    (void)snprintf(meta->source, sizeof meta->source, "%.63s", data_base_name(csv->path));
    if (csv->kind != CSV_BARS && (im->volume || im->price))
        return error_set(err, EINVAL, "--volume and --price are of bars, these are %s", data_kind_text(csv->kind));
    if (csv->kind != CSV_BARS)
        return 0;
    if (!im->volume)
        return error_set(err, EINVAL, "%s: what is its volume? --volume exchange (traded), tick (count of quotes) or none", csv->path);
    int rc = word_of("--volume", im->volume, data_volume_text, VOLUME_NONE + 1, &meta->volume_kind, err);
    if (rc == 0 && im->price)
        rc = word_of("--price", im->price, data_price_text, PRICE_LAST + 1, &meta->price_kind, err);
    return rc;
}

/* --- the two readings ------------------------------------------------------------------------------------------------------- */

/* `one` gets every right row. */
static int each_row(struct import *im, const char *what, int (*one)(struct import *, void *, const struct csv_row *, struct error *),
                    void *context, struct error *err)
{
    struct csv csv;
    struct csv_row row;
    struct data_progress progress;
    int rc = data_csv_open(&csv, im->operands[0], &im->name, err);
    if (rc != 0)
        return rc;
    if (im->survey.count == 0 && (rc = meta_of(im, &csv, err)) != 0)
        goto out;
    im->bad = (struct data_bad){.max = BAD_SHOWN};
    csv.on_bad = data_bad_add;
    csv.on_bad_context = &im->bad;
    data_progress_begin(&progress, what, im->survey.count);
    for (uint64_t rows = 0; rc == 0 && (rc = csv_next(&csv, &row, err)) == 1; rows++)
        rc = data_progress_row(&progress, rows) ? one(im, context, &row, err) : error_set(err, EINTR, "%s: interrupted", csv.path);
    data_progress_end(&progress);
    im->lines = csv.rows;
    im->bad_lines = csv.bad;
    if (rc == 0 && csv.bad > 0 && !context)
        data_bad_print(&im->bad, &csv, stderr);
out:
    csv_close(&csv);
    return rc;
}

static int survey_one(struct import *im, void *context, const struct csv_row *row, struct error *err)
{
    (void)context;
    (void)err;
    datafile_survey_add(&im->survey, im->meta.kind, row);
    return 0;
}

static int write_one(struct import *im, void *context, const struct csv_row *row, struct error *err)
{
    (void)im;
    return datafile_writer_add(context, row, err);
}

static int look(struct import *im, struct error *err)
{
    datafile_survey_init(&im->survey);
    int rc = each_row(im, "reading", survey_one, NULL, err);
    if (rc != 0)
        return rc;
    if (im->bad_lines > 0 && !im->skip_bad)
        return error_set(err, EBADMSG, "%s: %" PRIu64 " of %" PRIu64 " rows are bad; nothing was written (--skip-bad leaves them out)",
                         im->operands[0], im->bad_lines, im->lines);
    if (im->survey.count == 0)
        return error_set(err, ENODATA, "%s: no rows", im->operands[0]);
    im->meta.left_out = im->bad_lines;
    return 0;
}

static int write_out(struct import *im, struct error *err)
{
    struct datafile_writer writer;
    uint64_t left_out = im->bad_lines;
    datafile_layout(&im->survey, &im->meta, data_grid_s(im->meta.kind, im->meta.timeframe) * INT64_C(1000000000), &im->header);
    int rc = datafile_writer_begin(&writer, im->out, &im->header, err);
    if (rc != 0)
        return rc;
    rc = each_row(im, "writing", write_one, &writer, err);
    if (rc == 0 && im->bad_lines != left_out)
        rc = error_set(err, ESTALE, "%s changed while it was read; import it again", im->operands[0]);
    if (rc == 0)
        rc = datafile_writer_commit(&writer, err);
    datafile_writer_abort(&writer);
    return rc;
}

/* --- the command -------------------------------------------------------------------------------------------------------------- */

static void say(const struct import *im)
{
    char what[TEXT_MAX], rows[TEXT_MAX], left_out[TEXT_MAX], bytes[TEXT_MAX], clean[CONFIG_PATH_MAX];
    (void)text_clean(im->out, strlen(im->out), clean, sizeof clean);
    uint64_t size = datafile_bytes(&im->header);
    if (im->json) {
        json_t *root = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "file", clean, "instrument", im->header.instrument, "kind",
                                 data_kind_text(im->header.kind), "rows", (json_int_t)im->header.count, "left_out",
                                 (json_int_t)im->header.left_out, "first_ns", (json_int_t)im->header.first_ns, "last_ns",
                                 (json_int_t)im->header.last_ns, "bytes", (json_int_t)size);
        if (root)
            json_dumpf(root, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(root);
        return;
    }
    printf("%s: %s %s, %s rows, %s bad ones left out, %s bytes\n", clean, im->header.instrument,
           data_what(im->header.kind, im->header.timeframe, what), text_count(im->header.count, rows),
           text_count(im->header.left_out, left_out), text_count(size, bytes));
}

int data_import(int argc, char **argv)
{
    struct import *im = calloc(1, sizeof *im);
    struct error err = {0};
    if (!im)
        return command_fail(EXIT_NO, "no memory");
    struct args_option known[] = {
        {"--instrument", ARGS_TEXT, &im->symbol}, {"--timeframe", ARGS_TEXT, &im->timeframe}, {"--volume", ARGS_TEXT, &im->volume},
        {"--price", ARGS_TEXT, &im->price},       {"--skip-bad", ARGS_FLAG, &im->skip_bad},   {"--force", ARGS_FLAG, &im->force},
        {"--json", ARGS_FLAG, &im->json},
    };
    struct args_operands operands = {.list = im->operands, .min = 1, .max = 2, .what = "FILE"};
    int status = EXIT_DONE;
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0) {
        status = command_usage("data", "%s", err.text);
    } else {
        data_name_of(im->operands[0], &im->name);
        if (data_name_override(&im->name, im->symbol, im->timeframe, &err) != 0)
            status = command_usage("data", "%s", err.text);
        else if (out_name(im, &err) != 0 || look(im, &err) != 0 || write_out(im, &err) != 0)
            status = command_fail(EXIT_NO, "%s", err.text);
        else
            say(im);
    }
    free(im);
    return status;
}
