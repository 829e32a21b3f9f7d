/* propfleet data check: bad rows with their lines, duplicates, gaps by the instrument's sessions; of a CSV or of a data file. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/data.h"
#include "tools/data_gaps.h"
#include "tools/find.h"
#include "tools/load.h"
#include "tools/table.h"
#include "tools/terminal.h"

#define LISTED 20u
#define PAUSE_S 300u

struct check {
    const char *path, *symbol, *timeframe;
    struct find find;
    uint64_t pause_s, list;
    bool json;
    struct data_name name;
    uint32_t kind, timeframe_of;
    struct csv csv;
    struct datafile file;
    bool binary;
    struct load *load;
    struct hours hours;
    struct hours_closures closures;
    struct data_gaps gaps;
    struct data_gap longest[DATA_LIST_MAX];
    struct data_bad bad;
    struct csv_row last;
    int64_t first_ns;
    uint64_t rows, repeated, without_volume;
};

/* --- sessions ---------------------------------------------------------------------------------------------------------- */

/* The instrument's hours, where a configuration knows it. One that was named must be right; one that was only found may not be.
 * EXIT_DONE, or EXIT_CONFIG (said). */
static int find_sessions(struct check *c)
{
    char folder[CONFIG_PATH_MAX];
    struct error err = {0};
    if (find_config_dir(&c->find, folder, &err) != 0)
        return c->find.config ? command_fail(EXIT_CONFIG, "%s", err.text) : EXIT_DONE;
    c->load = load_new(&(struct loader_options){.config_dir = folder});
    if (!c->load)
        return command_fail(EXIT_NO, "no memory");
    if (c->load->report.error_count > 0) {
        if (c->find.config)
            load_print_report(c->load, stderr);
        load_free(&c->load);
        return c->find.config ? EXIT_CONFIG : EXIT_DONE;
    }
    const struct fleet_config *config = &c->load->config;
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        if (strcmp(config->instruments[i].symbol, c->name.symbol) != 0)
            continue;
        c->hours = config_hours(config, i);
        c->closures = (struct hours_closures){config_closures(config), config->calendar.closure_count, i};
    }
    return EXIT_DONE;
}

static void begin_gaps(struct check *c)
{
    bool timed = c->timeframe_of < TIMEFRAME_COUNT;
    data_gaps_init(&c->gaps, c->hours.zone ? &c->hours : NULL, c->hours.zone ? &c->closures : NULL,
                   timed ? timeframe_ns((enum market_timeframe)c->timeframe_of) : 0, (int64_t)c->pause_s * CLOCK_NS_PER_S, c->longest,
                   (uint32_t)c->list);
}

/* --- rows ---------------------------------------------------------------------------------------------------------------- */

static void take(struct check *c, const struct csv_row *row)
{
    unsigned values = c->kind == CSV_BARS ? 5 : c->kind == CSV_TICKS ? 4 : c->kind == CSV_TRADES ? 2 : 1;
    if (c->rows++ == 0)
        c->first_ns = row->time_ns;
    else if (row->time_ns == c->last.time_ns && memcmp(row->v, c->last.v, values * sizeof row->v[0]) == 0)
        c->repeated++;
    if (c->kind == CSV_BARS && row->v[4] == 0)
        c->without_volume++;
    data_gaps_add(&c->gaps, row->time_ns);
    c->last = *row;
}

static int read_csv(struct check *c, struct error *err)
{
    struct data_progress progress;
    struct csv_row row;
    int rc = 0;
    c->csv.on_bad = data_bad_add;
    c->csv.on_bad_context = &c->bad;
    data_progress_begin(&progress, "checking", 0);
    while ((rc = csv_next(&c->csv, &row, err)) == 1) {
        if (!data_progress_row(&progress, c->rows)) {
            rc = error_set(err, EINTR, "%s: interrupted", c->path);
            break;
        }
        take(c, &row);
    }
    data_progress_end(&progress);
    return rc;
}

static int read_binary(struct check *c, struct error *err)
{
    struct data_progress progress;
    int rc = datafile_verify(&c->file, c->path, err);
    data_progress_begin(&progress, "checking", c->file.header.count);
    for (uint64_t i = 0; rc == 0 && i < c->file.header.count; i++) {
        struct csv_row row;
        rc = datafile_row(&c->file, i, &row); /* right: it was verified */
        if (rc == 0 && !data_progress_row(&progress, i))
            rc = error_set(err, EINTR, "%s: interrupted", c->path);
        else if (rc == 0)
            take(c, &row);
    }
    data_progress_end(&progress);
    return rc;
}

/* Which of the two it is, by its first bytes. */
static int open_either(struct check *c, struct error *err)
{
    char magic[8] = {0};
    FILE *in = fopen(c->path, "re");
    if (!in)
        return error_errno(err, errno, "open %s", c->path);
    size_t got = fread(magic, 1, sizeof magic, in);
    (void)fclose(in);
    c->binary = got == sizeof magic && memcmp(magic, DATAFILE_MAGIC, sizeof magic) == 0;
    data_name_of(c->path, &c->name);
    int rc = data_name_override(&c->name, c->symbol, c->timeframe, err);
    if (rc == 0)
        rc = c->binary ? datafile_open(c->path, &c->file, err) : data_csv_open(&c->csv, c->path, &c->name, err);
    if (rc != 0)
        return rc;
    c->kind = c->binary ? c->file.header.kind : c->csv.kind;
    bool timed = c->kind == CSV_BARS || c->kind == CSV_SPREAD;
    c->timeframe_of = !timed ? DATAFILE_NO_TIMEFRAME : c->binary ? c->file.header.timeframe : c->name.timeframe;
    if (c->binary && !c->symbol)
        memcpy(c->name.symbol, c->file.header.instrument, sizeof c->name.symbol);
    return 0;
}

/* --- what is said ---------------------------------------------------------------------------------------------------------- */

static uint64_t bad_rows(const struct check *c)
{
    return c->binary ? 0 : c->csv.bad;
}

/* Bars of a time that was there, and rows like the one before. */
static uint64_t duplicates(const struct check *c)
{
    return c->binary ? c->repeated : c->repeated + c->csv.bad_by_reason[CSV_BAD_DUPLICATE];
}

static void print_gaps(const struct check *c)
{
    static const struct table_column columns[] = {{"FROM", false, 0}, {"TO", false, 0}, {"OPEN TIME", true, 0}, {"BARS", true, 1}};
    const struct data_gaps *g = &c->gaps;
    char count[TEXT_MAX], missing[TEXT_MAX], open[TEXT_MAX];
    const char *open_text = text_duration((double)g->open_ns / 1e9, open), *of = g->hours ? "of open market" : "in all";
    if (g->step_ns > 0)
        printf("gaps        %s, %s bars missing, %s %s\n", text_count(g->count, count), text_count(g->missing, missing), open_text, of);
    else
        printf("pauses      %s of %" PRIu64 " s or more, %s %s\n", text_count(g->count, count), c->pause_s, open_text, of);
    struct table *table = g->longest_count > 0 ? table_new(columns, g->step_ns > 0 ? 4 : 3) : NULL;
    for (uint32_t i = 0; table && i < g->longest_count; i++) {
        const struct data_gap *gap = &g->longest[i];
        char text[TEXT_MAX];
        table_cell(table, "%s", text_time(gap->from_ns, true, text));
        table_cell(table, "%s", text_time(gap->to_ns, true, text));
        table_cell(table, "%s", text_duration((double)gap->open_ns / 1e9, text));
        if (g->step_ns > 0)
            table_cell(table, "%s", text_count(gap->missing, text));
    }
    if (table)
        table_print(table, terminal_width(STDOUT_FILENO), stdout);
    if (g->count > g->longest_count && g->longest_count > 0)
        printf("the %" PRIu32 " longest of them\n", g->longest_count);
    table_free(&table);
}

static void print_text(const struct check *c)
{
    char clean[CONFIG_PATH_MAX], what[TEXT_MAX], count[TEXT_MAX], bad[TEXT_MAX], first[TEXT_MAX], last[TEXT_MAX];
    (void)text_clean(c->path, strlen(c->path), clean, sizeof clean);
    printf("file        %s%s\n", clean, c->binary ? ", checksums right" : "");
    printf("instrument  %s, %s; ", c->name.symbol[0] ? c->name.symbol : "not known", data_what(c->kind, c->timeframe_of, what));
    if (c->hours.zone)
        printf("sessions of %s%s\n", c->hours.zone->name, c->closures.count > 0 ? ", and the calendar's closes" : "");
    else
        puts("sessions not known: every pause counts (--config DIR, --instrument SYMBOL)");
    printf("rows        %s right, %s bad\n", text_count(c->rows, count), text_count(bad_rows(c), bad));
    for (unsigned i = 0; !c->binary && i < CSV_REASON_COUNT; i++)
        if (c->csv.bad_by_reason[i] > 0)
            printf("            %s %s\n", text_count(c->csv.bad_by_reason[i], count), csv_reason_text((enum csv_reason)i));
    if (!c->binary)
        data_bad_print(&c->bad, &c->csv, stdout);
    if (c->rows == 0)
        return;
    printf("span        %s to %s UTC\n", text_time(c->first_ns, true, first), text_time(c->last.time_ns, true, last));
    printf("duplicates  %s\n", text_count(duplicates(c), count));
    if (c->kind == CSV_BARS)
        printf("no volume   %s rows\n", text_count(c->without_volume, count));
    if (c->hours.zone) {
        printf("closed      %s rows in closed hours%s", text_count(c->gaps.outside, count), c->gaps.outside > 0 ? ", the first " : "\n");
        if (c->gaps.outside > 0)
            printf("%s UTC\n", text_time(c->gaps.first_outside_ns, true, first));
    }
    print_gaps(c);
}

static json_t *json_bad(const struct check *c)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->bad.count; i++)
        json_array_append_new(list, json_pack("{s:I,s:s}", "line", (json_int_t)c->bad.list[i].line, "reason",
                                              csv_reason_text(c->bad.list[i].reason)));
    return list;
}

static json_t *json_gaps(const struct check *c)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->gaps.longest_count; i++) {
        const struct data_gap *gap = &c->longest[i];
        json_array_append_new(list, json_pack("{s:I,s:I,s:I,s:I}", "from_ns", (json_int_t)gap->from_ns, "to_ns", (json_int_t)gap->to_ns,
                                              "open_ns", (json_int_t)gap->open_ns, "missing", (json_int_t)gap->missing));
    }
    return list;
}

static void print_json(const struct check *c)
{
    json_t *root = json_pack("{s:b,s:s,s:s,s:s?,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "ok", (int)(bad_rows(c) == 0), "instrument",
                             c->name.symbol, "kind", data_kind_text(c->kind), "timeframe",
                             c->timeframe_of < TIMEFRAME_COUNT ? timeframe_name((enum market_timeframe)c->timeframe_of) : NULL, "sessions",
                             (int)(c->hours.zone != NULL), "rows", (json_int_t)c->rows, "bad", (json_int_t)bad_rows(c), "duplicates",
                             (json_int_t)duplicates(c), "first_ns",
                             (json_int_t)c->first_ns, "last_ns", (json_int_t)c->last.time_ns, "gaps", (json_int_t)c->gaps.count, "missing",
                             (json_int_t)c->gaps.missing, "gaps_open_ns", (json_int_t)c->gaps.open_ns, "closed_rows",
                             (json_int_t)c->gaps.outside, "bad_rows", json_bad(c), "longest_gaps", json_gaps(c));
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(root);
}

/* --- the command -------------------------------------------------------------------------------------------------------------- */

static int check(struct check *c)
{
    struct error err = {0};
    if (open_either(c, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    int status = find_sessions(c);
    if (status != EXIT_DONE)
        return status;
    begin_gaps(c);
    if ((c->binary ? read_binary(c, &err) : read_csv(c, &err)) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    if (c->json)
        print_json(c);
    else
        print_text(c);
    return bad_rows(c) == 0 ? EXIT_DONE : EXIT_NO;
}

int data_check(int argc, char **argv)
{
    struct check *c = calloc(1, sizeof *c);
    struct error err = {0};
    if (!c)
        return command_fail(EXIT_NO, "no memory");
    c->pause_s = PAUSE_S;
    c->list = LISTED;
    struct args_option known[] = {
        {"--instrument", ARGS_TEXT, &c->symbol}, {"--timeframe", ARGS_TEXT, &c->timeframe}, {"--pause", ARGS_U64, &c->pause_s},
        {"--list", ARGS_U64, &c->list},          {"--config", ARGS_TEXT, &c->find.config},  {"--json", ARGS_FLAG, &c->json},
    };
    struct args_operands operands = {.list = &c->path, .min = 1, .max = 1, .what = "FILE"};
    int status;
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        status = command_usage("data", "%s", err.text);
    else if (c->list > DATA_LIST_MAX || c->pause_s == 0 || c->pause_s > 86400u * 365u)
        status = command_usage("data", "--list is at most %u, --pause 1 s to a year", DATA_LIST_MAX);
    else {
        c->bad.max = (uint32_t)c->list;
        status = check(c);
    }
    csv_close(&c->csv);
    datafile_close(&c->file);
    load_free(&c->load);
    free(c);
    return status;
}
