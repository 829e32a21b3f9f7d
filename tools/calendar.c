/* propfleet calendar show: the news and holidays of the configuration, as the accounts get them. Starts nothing. */
#include "tools/calendar.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/calendar.h"
#include "config/values.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/load.h"
#include "tools/table.h"
#include "tools/terminal.h"

#define NS_PER_S INT64_C(1000000000)
#define DAY_NS (86400 * NS_PER_S)
#define SHOWN_DAYS 14

struct wanted {
    int64_t from_ns, to_ns; /* [from, to) */
    uint32_t instruments;   /* bits */
    uint32_t zone_of;       /* CONFIG_NONE: each event in the zone of the first instrument that it concerns */
};

static const char *day_of(int64_t ns, char buf[TEXT_MAX])
{
    int year, month, day;
    tz_civil_from_days(ns / DAY_NS, &year, &month, &day);
    snprintf(buf, TEXT_MAX, "%04d-%02d-%02d", year % 10000, month, day);
    return buf;
}

const char *calendar_line(const struct fleet_config *config, char buf[CALENDAR_LINE_MAX])
{
    const struct config_calendar *c = &config->calendar;
    char from[TEXT_MAX], to[TEXT_MAX];
    if (c->kind == CALENDAR_NONE)
        snprintf(buf, CALENDAR_LINE_MAX, "none: every news window is closed for entries");
    else
        snprintf(buf, CALENDAR_LINE_MAX, "%s, valid %s to %s, %u events, %u closes",
                 c->kind == CALENDAR_DERIVED ? "DERIVED (by rule, published by nobody)" : "from a file", day_of(c->valid_from_ns, from),
                 day_of(c->valid_to_ns, to), c->event_count, c->closure_count);
    return buf;
}

/* --- the head ------------------------------------------------------------------------------------ */

static void print_head(const struct fleet_config *config, int64_t now_ns)
{
    const struct config_calendar *c = &config->calendar;
    char line[CALENDAR_LINE_MAX], clean[CONFIG_PATH_MAX], day[TEXT_MAX];
    printf("calendar   %s\n", calendar_line(config, line));
    if (c->kind == CALENDAR_FILE) {
        text_clean(c->path, strlen(c->path), clean, sizeof clean);
        printf("file       %s\n", clean);
        printf("published  %s, %" PRId64 " days ago\n", day_of(c->published_ns, day), (now_ns - c->published_ns) / DAY_NS);
    }
    if (c->version[0] != 0) {
        text_clean(c->version, strlen(c->version), clean, sizeof clean);
        printf("version    %s\n", clean);
    }
    if (now_ns < c->valid_from_ns)
        printf("today      not yet valid\n");
    else if (now_ns >= c->valid_to_ns)
        printf("today      NO LONGER VALID: ended %" PRId64 " days ago\n", (now_ns - c->valid_to_ns) / DAY_NS);
    else
        printf("today      valid, ends in %" PRId64 " days\n", (c->valid_to_ns - now_ns) / DAY_NS);
    if (c->kind == CALENDAR_DERIVED)
        printf("not here   what has no fixed rule: FOMC, CPI, everything outside the US; moves by shutdowns and mourning\n");
    printf("digest     %016" PRIx64 ", %u more rows name no instrument of this fleet\n\n", c->digest, c->left_out);
}

/* --- rows ------------------------------------------------------------------------------------------ */

static const char *local_time(const struct tz_table *zone, int64_t ns, char buf[TEXT_MAX + TZ_NAME_MAX])
{
    static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    char text[TEXT_MAX];
    text_time(ns + tz_offset_at(zone, ns) * NS_PER_S, false, text);
    snprintf(buf, TEXT_MAX + TZ_NAME_MAX, "%s %s %s", names[tz_weekday(zone, ns)], text, zone->name);
    return buf;
}

static void symbols_of(const struct fleet_config *config, uint32_t instruments, char *buf, size_t size)
{
    size_t n = 0;
    buf[0] = 0;
    for (uint32_t i = 0; i < config->instrument_count && n < size; i++)
        if (instruments >> i & 1)
            n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? " " : "", config->instruments[i].symbol);
}

struct row {
    int64_t from_ns, to_ns; /* equal: news */
    uint32_t instruments, importance;
    const struct config_event_text *text;
};

/* Events and closures as one list by time. The list is the caller's; NULL: no memory. */
static struct row *collect(const struct fleet_config *config, const struct wanted *wanted, uint32_t *count)
{
    const struct config_calendar *c = &config->calendar;
    const struct rules_event *events = config_events(config);
    const struct hours_closure *closures = config_closures(config);
    const struct config_event_text *texts = config_event_texts(config);
    struct row *rows = calloc(c->event_count + c->closure_count + 1, sizeof *rows);
    uint32_t e = 0, k = 0;
    *count = 0;
    while (rows && (e < c->event_count || k < c->closure_count)) {
        struct row row;
        if (k == c->closure_count || (e < c->event_count && events[e].time_ns < closures[k].from_ns)) {
            row = (struct row){events[e].time_ns, events[e].time_ns, events[e].instruments, events[e].importance, &texts[e]};
            e++;
        } else {
            row = (struct row){closures[k].from_ns, closures[k].to_ns, closures[k].instruments, 0, &texts[c->event_count + k]};
            k++;
        }
        int64_t last_ns = row.to_ns > row.from_ns ? row.to_ns - 1 : row.from_ns;
        if (row.from_ns < wanted->to_ns && last_ns >= wanted->from_ns && (row.instruments & wanted->instruments))
            rows[(*count)++] = row;
    }
    return rows;
}

static const struct tz_table *zone_of(const struct fleet_config *config, const struct wanted *wanted, const struct row *row)
{
    uint32_t instrument = wanted->zone_of != CONFIG_NONE ? wanted->zone_of : (uint32_t)__builtin_ctz(row->instruments);
    return &config->zones[config->instruments[instrument].session_zone];
}

static const struct table_column columns[] = {
    {"UTC", false, 0}, {"LOCAL", false, 2}, {"FOR", false, 0}, {"IMPORTANCE", false, 0}, {"EVENT", false, 0}, {"INSTRUMENTS", false, 1},
};

static void print_rows(const struct fleet_config *config, const struct wanted *wanted, const struct row *rows, uint32_t count)
{
    static const char *const words[] = {"", "low", "medium", "high"};
    const char *mark = config->calendar.kind == CALENDAR_DERIVED ? " (DERIVED)" : "";
    struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; table && i < count; i++) {
        char text[TEXT_MAX], until[TEXT_MAX], local[TEXT_MAX + TZ_NAME_MAX], symbols[CONFIG_INSTRUMENTS_MAX * CONFIG_NAME_MAX];
        symbols_of(config, rows[i].instruments, symbols, sizeof symbols);
        table_cell(table, "%s", text_time(rows[i].from_ns, false, text));
        table_cell(table, "%s", local_time(zone_of(config, wanted, &rows[i]), rows[i].from_ns, local));
        table_cell(table, "%s", rows[i].text->target);
        table_cell(table, "%s", rows[i].importance ? words[rows[i].importance] : "closed");
        if (rows[i].to_ns > rows[i].from_ns)
            table_cell(table, "%s%s, until %s UTC", rows[i].text->name, mark, text_time(rows[i].to_ns, false, until));
        else
            table_cell(table, "%s%s", rows[i].text->name, mark);
        table_cell(table, "%s", symbols);
    }
    if (table && count > 0)
        table_print(table, terminal_width(STDOUT_FILENO), stdout);
    char from[TEXT_MAX], to[TEXT_MAX];
    printf("%u rows from %s to %s UTC\n", count, text_time(wanted->from_ns, false, from), text_time(wanted->to_ns, false, to));
    table_free(&table);
}

static void print_json(const struct fleet_config *config, const struct row *rows, uint32_t count, int64_t now_ns)
{
    const struct config_calendar *c = &config->calendar;
    char version[sizeof c->version], digest[24];
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        char name[sizeof rows[i].text->name], symbols[CONFIG_INSTRUMENTS_MAX * CONFIG_NAME_MAX];
        text_clean(rows[i].text->name, strlen(rows[i].text->name), name, sizeof name);
        symbols_of(config, rows[i].instruments, symbols, sizeof symbols);
        json_t *row = json_pack("{s:I,s:s,s:s,s:s,s:s}", "time_ns", (json_int_t)rows[i].from_ns, "kind",
                                rows[i].to_ns > rows[i].from_ns ? "close" : "news", "for", rows[i].text->target, "name", name,
                                "instruments", symbols);
        if (row && rows[i].to_ns > rows[i].from_ns)
            json_object_set_new(row, "until_ns", json_integer(rows[i].to_ns));
        else if (row)
            json_object_set_new(row, "importance", json_integer(rows[i].importance));
        json_array_append_new(list, row);
    }
    snprintf(digest, sizeof digest, "%016" PRIx64, c->digest);
    text_clean(c->version, strlen(c->version), version, sizeof version);
    json_t *root = json_pack("{s:b,s:b,s:I,s:I,s:I,s:s,s:s,s:o}", "derived", (int)(c->kind == CALENDAR_DERIVED), "valid_today",
                             (int)(now_ns >= c->valid_from_ns && now_ns < c->valid_to_ns), "valid_from_ns", (json_int_t)c->valid_from_ns,
                             "valid_to_ns", (json_int_t)c->valid_to_ns, "published_ns", (json_int_t)c->published_ns, "version", version,
                             "digest", digest, "rows", list);
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(root);
}

/* --- the command -------------------------------------------------------------------------------------- */

static int find_wanted(const struct fleet_config *config, const char *symbol, struct wanted *wanted)
{
    wanted->instruments = UINT32_MAX;
    wanted->zone_of = CONFIG_NONE;
    if (!symbol)
        return EXIT_DONE;
    for (uint32_t i = 0; i < config->instrument_count; i++)
        if (strcmp(config->instruments[i].symbol, symbol) == 0)
            wanted->zone_of = i;
    if (wanted->zone_of == CONFIG_NONE)
        return command_fail(EXIT_NO, "instruments.yaml does not know %.40s", symbol);
    wanted->instruments = UINT32_C(1) << wanted->zone_of;
    return EXIT_DONE;
}

static int show(struct load *load, const char *symbol, const struct wanted *asked, bool json)
{
    const struct fleet_config *config = &load->config;
    int64_t now_ns = calendar_now_ns(&(struct loader_options){0});
    struct wanted copy = *asked, *wanted = &copy;
    uint32_t count;
    load_print_report(load, stderr);
    if (load->report.error_count > 0)
        return EXIT_CONFIG;
    if (config->calendar.kind == CALENDAR_NONE)
        return command_fail(EXIT_NO, "no calendar: every news window is closed for entries; write calendar: in fleet.yaml");
    int status = find_wanted(config, symbol, wanted);
    struct row *rows = status == EXIT_DONE ? collect(config, wanted, &count) : NULL;
    if (status == EXIT_DONE && !rows)
        status = command_fail(EXIT_NO, "no memory");
    if (rows && json) {
        print_json(config, rows, count, now_ns);
    } else if (rows) {
        print_head(config, now_ns);
        print_rows(config, wanted, rows, count);
    }
    free(rows);
    return status;
}

int command_calendar(int argc, char **argv)
{
    struct find find = {0};
    struct loader_options options = {0};
    const char *from = NULL, *to = NULL, *symbol = NULL, *problem = NULL;
    bool json = false;
    struct args_option known[] = {
        FIND_OPTIONS(find),
        {"--from", ARGS_TEXT, &from},
        {"--to", ARGS_TEXT, &to},
        {"--instrument", ARGS_TEXT, &symbol},
        {"--data", ARGS_TEXT, &options.data},
        {"--dataset", ARGS_TEXT, &options.dataset},
        {"--json", ARGS_FLAG, &json},
    };
    struct error err = {0};
    struct wanted wanted = {.from_ns = calendar_now_ns(&options) / DAY_NS * DAY_NS};
    char config_dir[CONFIG_PATH_MAX];
    if (argc < 2 || strcmp(argv[1], "show") != 0)
        return command_usage("calendar", argc < 2 ? "what? `propfleet calendar show`" : "unknown, there is only: show");
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc - 1, argv + 1, &err) != 0)
        return command_usage("calendar", "%s", err.text);
    if (from && (problem = value_instant(from, &wanted.from_ns)) != NULL)
        return command_usage("calendar", "--from %.40s %s; write 2026-12-04 or 2026-12-04T13:30", from, problem);
    wanted.to_ns = wanted.from_ns + SHOWN_DAYS * DAY_NS;
    if (to && (problem = value_until(to, &wanted.to_ns)) != NULL)
        return command_usage("calendar", "--to %.40s %s; write 2026-12-04 or 2026-12-04T13:30", to, problem);
    if (wanted.to_ns <= wanted.from_ns)
        return command_usage("calendar", "--to is not after --from");
    if (find_config_dir(&find, config_dir, &err) != 0)
        return command_fail(EXIT_CONFIG, "%s", err.text);
    options.config_dir = config_dir;
    options.state_dir = find.state;
    options.runtime_dir = find.runtime;
    struct load *load = load_new(&options);
    if (!load)
        return command_fail(EXIT_NO, "no memory");
    int status = show(load, symbol, &wanted, json);
    load_free(&load);
    return status;
}
