/* propfleet data: market data files. import makes a mapped one of a CSV, check looks for what is wrong, info tells what one is. */
#include "tools/data.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"

/* --- info ------------------------------------------------------------------------------------------------------------------ */

static void print_info(const struct datafile *file, const char *path)
{
    const struct datafile_header *h = &file->header;
    char clean[CONFIG_PATH_MAX], what[TEXT_MAX], count[TEXT_MAX], first[TEXT_MAX], last[TEXT_MAX], bytes[TEXT_MAX], source[sizeof h->source];
    (void)text_clean(path, strlen(path), clean, sizeof clean);
    (void)text_clean(h->source, strlen(h->source), source, sizeof source);
    printf("file        %s, version %" PRIu32 "\n", clean, h->version);
    printf("instrument  %s, %s\n", h->instrument, data_what(h->kind, h->timeframe, what));
    if (h->kind == CSV_BARS)
        printf("of          %s prices, %s volume\n", data_price_text(h->price_kind), data_volume_text(h->volume_kind));
    printf("digits      %" PRIu32 "\n", h->price_digits);
    printf("rows        %s\n", text_count(h->count, count));
    printf("first       %s UTC\n", text_time(h->first_ns, true, first));
    printf("last        %s UTC\n", text_time(h->last_ns, true, last));
    printf("source      %s, %s bad rows left out\n", source, text_count(h->left_out, count));
    printf("bytes       %s, %.1f a row\n", text_count(file->bytes, bytes), (double)file->bytes / (double)h->count);
    printf("checksum    %08" PRIx32 " of the header, which has those of the columns:", h->crc);
    for (unsigned i = 0; i < h->column_count; i++)
        printf(" %08" PRIx32, h->columns[i].crc);
    putchar('\n');
}

static void print_info_json(const struct datafile *file)
{
    const struct datafile_header *h = &file->header;
    char source[sizeof h->source], crc[16];
    (void)text_clean(h->source, strlen(h->source), source, sizeof source);
    json_t *columns = json_array();
    for (unsigned i = 0; i < h->column_count; i++) {
        (void)snprintf(crc, sizeof crc, "%08" PRIx32, h->columns[i].crc);
        json_array_append_new(columns, json_pack("{s:I,s:I,s:I,s:s}", "width", (json_int_t)h->columns[i].width, "base",
                                                 (json_int_t)h->columns[i].base, "unit", (json_int_t)h->columns[i].unit, "crc32", crc));
    }
    (void)snprintf(crc, sizeof crc, "%08" PRIx32, h->crc);
    json_t *root = json_pack("{s:I,s:s,s:s,s:s?,s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:I,s:I,s:s,s:o}", "version", (json_int_t)h->version, "instrument",
                             h->instrument, "kind", data_kind_text(h->kind), "timeframe",
                             h->timeframe < TIMEFRAME_COUNT ? timeframe_name((enum market_timeframe)h->timeframe) : NULL, "volume_kind",
                             data_volume_text(h->volume_kind), "price_kind", data_price_text(h->price_kind), "price_digits",
                             (json_int_t)h->price_digits, "rows", (json_int_t)h->count, "first_ns", (json_int_t)h->first_ns, "last_ns",
                             (json_int_t)h->last_ns, "source", source, "left_out", (json_int_t)h->left_out, "bytes", (json_int_t)file->bytes,
                             "crc32", crc, "columns", columns);
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(root);
}

static int data_info(int argc, char **argv)
{
    const char *path = NULL;
    bool json = false;
    struct args_option known[] = {{"--json", ARGS_FLAG, &json}};
    struct args_operands operands = {.list = &path, .min = 1, .max = 1, .what = "FILE"};
    struct error err = {0};
    struct datafile file;
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("data", "%s", err.text);
    if (datafile_open(path, &file, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    if (json)
        print_info_json(&file);
    else
        print_info(&file, path);
    datafile_close(&file);
    return EXIT_DONE;
}

/* --- the command ----------------------------------------------------------------------------------------------------------- */

int command_data(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"import", data_import}, {"check", data_check}, {"info", data_info}};
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    if (argc < 2)
        return command_usage("data", "what? import, check or info");
    return command_usage("data", "'%.40s' is none of import, check, info", argv[1]);
}
