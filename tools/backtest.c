/* propfleet backtest: the configured fleet, or one account of it, over past data in this process. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "config/values.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/load.h"
#include "tools/report/report.h"
#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "workers/replay/replay.h"

#define PROGRESS_NS (200 * CLOCK_NS_PER_MS)
#define HEX_BYTES (2 * REPLAY_HASH_BYTES + 1)

struct options {
    struct find find;
    const char *account, *data, *dataset, *from, *to, *html;
    bool fleet, json;
};

struct backtest {
    const struct fleet_config *config;
    struct report *report;
    struct clock clock;
    int64_t started_ns, shown_ns;
    bool progress;
};

/* --- while it runs ------------------------------------------------------------------------------------------------ */

static void on_step(void *context, uint32_t account, const struct core *core)
{
    struct backtest *backtest = context;
    report_stepped(backtest->report, account, core);
}

static void on_instant(void *context, const struct replay *replay, const struct market_record *end)
{
    struct backtest *backtest = context;
    report_instant(backtest->report, replay, end);
}

static bool on_turn(void *context, const struct replay *replay)
{
    struct backtest *backtest = context;
    int64_t now = backtest->clock.mono_ns(&backtest->clock);
    if (!backtest->progress || now - backtest->shown_ns < PROGRESS_NS)
        return true;
    char time[TEXT_MAX], count[TEXT_MAX];
    backtest->shown_ns = now;
    fprintf(stderr, "\r\033[K%s  %s records  %.1f M/s", text_time(replay_time_ns(replay), false, time),
            text_count(replay_records(replay), count),
            (double)replay_records(replay) * 1e3 / (double)(now - backtest->started_ns + 1));
    return true;
}

/* --- the result --------------------------------------------------------------------------------------------------- */

static const char *hash_text(const struct replay *replay, uint32_t account, char out[HEX_BYTES], uint64_t *records)
{
    unsigned char digest[REPLAY_HASH_BYTES];
    *records = replay_hash(replay, account, digest);
    for (unsigned i = 0; i < REPLAY_HASH_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return out;
}

static const struct table_column columns[] = {
    {"ACCOUNT", false, 0}, {"PROGRAMME", false, 8}, {"PERSONALITY", false, 7}, {"EQUITY", true, 6}, {"RESULT", true, 0},
    {"DRAWDOWN", true, 0}, {"SHARPE [95%]", true, 4}, {"SIGNALS", true, 5}, {"ENTRIES", true, 3}, {"TRADES", true, 0},
    {"WON [95%]", true, 0}, {"MEAN R", true, 0}, {"PF", true, 2}, {"OPEN", true, 9}, {"STATE", false, 1},
};

static const char *state_text(const struct core *core)
{
    return core->account.halted ? "HALTED" : core->account.passed ? "passed" : "ok";
}

static void print_table(const struct backtest *backtest, const struct replay *replay)
{
    struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
    char text[TEXT_MAX], number[32], other[32], third[32];
    struct performance_report r;
    for (uint32_t a = 0; table && a < backtest->config->account_count; a++) {
        const struct core *core = replay_core(replay, a);
        if (!core)
            continue;
        const struct core_account *account = &core->account;
        table_cell(table, "%s", core->settings->name);
        table_cell(table, "%s", account->phase);
        table_cell(table, "%s", core->personality->name);
        table_cell(table, "%s", text_money(account->equity, text));
        table_cell(table, "%s", text_signed(account->equity - account->rules.initial, text));
        performance_read(&backtest->report->accounts[a].performance, &r);
        struct signals_interval won = report_won(&r.trades);
        table_cell(table, "%s", report_percent(r.fall_equity.share, 2, number));
        table_cell(table, "%s [%s, %s]", report_number(r.days.sharpe, 1, number), report_number(r.days.sharpe_low, 1, other),
                   report_number(r.days.sharpe_high, 1, third));
        table_cell(table, "%" PRIu64, account->signals);
        table_cell(table, "%" PRIu64, account->entries_filled);
        table_cell(table, "%" PRIu64, account->trades);
        table_cell(table, "%s [%s, %s]", report_percent(r.trades.win_rate, 0, number), report_number(100 * won.lo, 0, other),
                   report_number(100 * won.hi, 0, third));
        table_cell(table, "%s", report_number(r.trades.expectancy_r, 3, number));
        table_cell(table, "%s", report_number(r.trades.profit_factor, 2, number));
        table_cell(table, "%u", core_open_positions(core));
        table_cell(table, "%s", state_text(core));
    }
    if (table)
        table_print(table, terminal_width(STDOUT_FILENO), stdout);
    table_free(&table);
}

static void print_hashes(const struct backtest *backtest, const struct replay *replay)
{
    puts("\nJournals (as propfleet journal NAME --hash prints them):");
    for (uint32_t a = 0; a < backtest->config->account_count; a++) {
        char hex[HEX_BYTES];
        uint64_t records;
        if (!replay_core(replay, a))
            continue;
        hash_text(replay, a, hex, &records);
        printf("%s  %" PRIu64 "  %s\n", hex, records, backtest->config->accounts[a].name);
    }
}

static json_t *account_json(const struct backtest *backtest, const struct replay *replay, uint32_t a)
{
    const struct core *core = replay_core(replay, a);
    char hex[HEX_BYTES];
    uint64_t records;
    hash_text(replay, a, hex, &records);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:s, s:s, s:I, s:o}", "name", core->settings->name, "phase",
                     core->account.phase, "personality", core->personality->name, "entries",
                     (json_int_t)core->account.entries_filled, "trades", (json_int_t)core->account.trades, "open",
                     (int)core_open_positions(core), "state", state_text(core), "journal_sha256", hex, "journal_records",
                     (json_int_t)records, "performance", report_json(backtest->report, replay, a));
}

static int print_json(const struct backtest *backtest, const struct replay *replay, double seconds)
{
    json_t *accounts = json_array();
    uint64_t rows = 0, bad = 0;
    replay_rows(replay, &rows, &bad);
    for (uint32_t a = 0; a < backtest->config->account_count; a++)
        if (replay_core(replay, a))
            json_array_append_new(accounts, account_json(backtest, replay, a));
    static struct exercised exercised;
    report_exercised(backtest->report, &exercised);
    json_t *root = json_pack("{s:b, s:s, s:s, s:I, s:I, s:I, s:f, s:o, s:o}", "simulated", 1, "kind", "backtest", "source",
                             backtest->config->feed.source_name, "records", (json_int_t)replay_records(replay), "rows",
                             (json_int_t)rows, "rows_bad", (json_int_t)bad, "seconds", seconds, "news_rules", exercised_json(&exercised), "accounts", accounts);
    int rc = json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
    return rc == 0 ? EXIT_DONE : EXIT_NO;
}

static int print_result(struct backtest *backtest, const struct replay *replay, bool json)
{
    double seconds = (double)(backtest->clock.mono_ns(&backtest->clock) - backtest->started_ns) / 1e9;
    if (json)
        return print_json(backtest, replay, seconds);
    uint64_t rows = 0, bad = 0;
    char records[TEXT_MAX], read[TEXT_MAX];
    replay_rows(replay, &rows, &bad);
    printf("SIMULATED: paper fills on past data (%s). A backtest is no forecast.\n\n", backtest->config->feed.source_name);
    print_table(backtest, replay);
    static struct exercised exercised;
    report_exercised(backtest->report, &exercised);
    puts("\nNews rules that this run could exercise:");
    exercised_print(&exercised, "  ", stdout);
    print_hashes(backtest, replay);
    printf("\n%s records from %s rows (%" PRIu64 " bad) in %.1f s\n", text_count(replay_records(replay), records),
           text_count(rows, read), bad, seconds);
    return EXIT_DONE;
}

/* --- what is asked ------------------------------------------------------------------------------------------------- */

/* NAME, or the path of a file of the configuration's accounts. The bit of the account, 0 with err. */
static uint64_t account_bit(const struct fleet_config *config, const char *account, struct error *err)
{
    const char *slash = strrchr(account, '/'), *name = slash ? slash + 1 : account;
    size_t length = strlen(name);
    char stem[CONFIG_NAME_MAX] = "";
    if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        length -= 5;
    if (length < sizeof stem)
        snprintf(stem, sizeof stem, "%.*s", (int)length, name);
    uint32_t index = stem[0] ? config_account_index(config, stem) : CONFIG_NONE;
    if (index == CONFIG_NONE)
        error_set(err, ENOENT, "%s: the configuration has no such account; propfleet account list names them", account);
    return index == CONFIG_NONE ? 0 : UINT64_C(1) << index;
}

static int parse_span(const struct options *options, struct fleet_config *config, struct error *err)
{
    const char *problem;
    if (options->from && (problem = value_instant(options->from, &config->feed.from_ns)) != NULL)
        return error_set(err, EINVAL, "--from %.40s %s; write 2024-05-13 or 2024-05-13T18:45", options->from, problem);
    if (options->to && (problem = value_instant(options->to, &config->feed.to_ns)) != NULL)
        return error_set(err, EINVAL, "--to %.40s %s; write 2024-05-13 or 2024-05-13T18:45", options->to, problem);
    if (config->feed.to_ns != 0 && config->feed.from_ns >= config->feed.to_ns)
        return error_set(err, EINVAL, "--to is not after --from");
    return 0;
}

/* The page beside its name, then moved to it: what stands there is whole. */
static int write_page(const struct options *options, const struct backtest *backtest, const struct replay *replay)
{
    char temporary[CONFIG_PATH_MAX + 8], command[512];
    snprintf(command, sizeof command, "propfleet backtest %s%s --data %s%s%s", options->fleet ? "--fleet" : "--account ",
             options->fleet ? "" : options->account, options->data ? options->data : "(fleet.yaml)",
             options->dataset ? " --dataset " : "", options->dataset ? options->dataset : "");
    if (snprintf(temporary, sizeof temporary, "%s.part", options->html) >= (int)sizeof temporary)
        return command_fail(EXIT_NO, "%.60s...: the path is too long", options->html);
    FILE *out = fopen(temporary, "we");
    if (!out)
        return command_fail(EXIT_NO, "%s: %s", temporary, strerror(errno));
    int rc = report_html(backtest->report, replay, command, out);
    if (fclose(out) != 0 || rc != 0 || rename(temporary, options->html) != 0) {
        int error = errno;
        (void)unlink(temporary);
        return command_fail(EXIT_NO, "%s: %s", options->html, strerror(error));
    }
    fprintf(stderr, "%s is written\n", options->html);
    return EXIT_DONE;
}

/* The page takes the place of a file, never of a device, a pipe or a folder: they would be gone. */
static bool page_allowed(const char *path, struct error *err)
{
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return true;
    error_set(err, EINVAL, "--html %.200s: is there and no file; name one that is, or that is not there yet", path);
    return false;
}

static int run(const struct options *options, struct load *load)
{
    static struct backtest backtest;
    struct error err = {0};
    struct replay *replay = NULL;
    struct replay_watcher watcher = {.context = &backtest, .stepped = on_step, .instant = on_instant, .turn = on_turn};
    struct replay_options setup = {.config = &load->config, .watcher = &watcher, .state_dir = options->find.state};
    if (options->account && (setup.accounts = account_bit(&load->config, options->account, &err)) == 0)
        return command_fail(EXIT_NO, "%s", err.text);
    if (options->html && !page_allowed(options->html, &err))
        return command_fail(EXIT_NO, "%s", err.text);
    if (parse_span(options, &load->config, &err) != 0)
        return command_usage("backtest", "%s", err.text);
    load->config.feed.live = 0;
    backtest.report = report_new(&load->config);
    if (!backtest.report)
        return command_fail(EXIT_NO, "no memory");
    backtest.config = &load->config;
    backtest.progress = isatty(STDERR_FILENO);
    clock_init_real(&backtest.clock);
    backtest.started_ns = backtest.clock.mono_ns(&backtest.clock);
    int rc = replay_open(&setup, &replay, &err);
    if (rc == 0)
        rc = replay_run(replay, &err);
    if (backtest.progress)
        fputs("\r\033[K", stderr);
    int status = EXIT_NO;
    report_finish(backtest.report);
    if (rc == 0) {
        status = print_result(&backtest, replay, options->json);
        if (status == EXIT_DONE && options->html)
            status = write_page(options, &backtest, replay);
    } else
        command_fail(EXIT_NO, "%s", rc == -ECANCELED ? "stopped before the end of the data" : err.text);
    replay_close(&replay);
    report_free(&backtest.report);
    return status;
}

int command_backtest(int argc, char **argv)
{
    struct options options = {0};
    struct args_option known[] = {
        {"--config", ARGS_TEXT, &options.find.config}, {"--state", ARGS_TEXT, &options.find.state},
        {"--account", ARGS_TEXT, &options.account},    {"--fleet", ARGS_FLAG, &options.fleet},
        {"--data", ARGS_TEXT, &options.data},          {"--dataset", ARGS_TEXT, &options.dataset},
        {"--from", ARGS_TEXT, &options.from},          {"--to", ARGS_TEXT, &options.to},
        {"--json", ARGS_FLAG, &options.json},          {"--html", ARGS_TEXT, &options.html},
    };
    struct error err = {0};
    char config[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("backtest", "%s", err.text);
    if (options.fleet == (options.account != NULL))
        return command_usage("backtest", options.fleet ? "either --account or --fleet" : "--account NAME or --fleet is missing");
    if (find_config_dir(&options.find, config, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    struct load *load = load_new(&(struct loader_options){.config_dir = config, .data = options.data, .dataset = options.dataset,
                                                          .speed = "max", .exit_at_end = 1});
    if (!load)
        return command_fail(EXIT_NO, "no memory");
    int status = EXIT_CONFIG;
    load_print_report(load, stderr);
    if (load->report.error_count == 0)
        status = run(&options, load);
    load_free(&load);
    return status;
}
