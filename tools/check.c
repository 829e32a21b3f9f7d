/* propfleet check: the configuration, every error at once; starts and writes nothing. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/loader.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/load.h"
#include "tools/text.h"

static unsigned count_accounts(const struct fleet_config *config)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < config->account_count; i++)
        n += config->accounts[i].name[0] != 0;
    return n;
}

static unsigned count_active(const struct fleet_config *config)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < config->instrument_count; i++)
        n += config->instruments[i].active;
    return n;
}

/* Firms whose programmes an account uses, and personalities in use. */
static void count_used(const struct fleet_config *config, unsigned *firms, unsigned *personalities)
{
    bool used[CONFIG_PROGRAMMES_MAX] = {false};
    uint32_t personality_used = 0;
    for (uint32_t i = 0; i < config->account_count; i++)
        if (config->accounts[i].name[0]) {
            used[config->accounts[i].programme] = true;
            personality_used |= UINT32_C(1) << config->accounts[i].personality;
        }
    *firms = 0;
    for (uint32_t i = 0; i < config->programme_count; i++) {
        bool first = used[i];
        for (uint32_t j = 0; j < i; j++)
            first = first && !(used[j] && strcmp(config->programmes[i].firm, config->programmes[j].firm) == 0);
        *firms += first;
    }
    *personalities = (unsigned)__builtin_popcount(personality_used);
}

static void print_summary(const struct fleet_config *config)
{
    unsigned firms, personalities;
    char from[TEXT_MAX], to[TEXT_MAX];
    count_used(config, &firms, &personalities);
    printf("configuration %s is good\n", config->config_dir);
    printf("  accounts      %u, of %u firms, with %u personalities\n", count_accounts(config), firms, personalities);
    printf("  instruments   %u of %u are active:", count_active(config), config->instrument_count);
    for (uint32_t i = 0; i < config->instrument_count; i++)
        if (config->instruments[i].active)
            printf(" %s", config->instruments[i].symbol);
    printf("\n  source        %s%s, ", config->feed.source_name, config->feed.source == SOURCE_SIMULATOR ? " (SIMULATED)" : "");
    if (config->feed.live)
        printf("live");
    else if (config->feed.speed > 0)
        printf("replay at %gx", config->feed.speed);
    else
        printf("replay as fast as it goes");
    if (config->feed.from_ns)
        printf(", %s to %s", text_time(config->feed.from_ns, false, from), text_time(config->feed.to_ns, false, to));
    else if (config->feed.source == SOURCE_SIMULATOR && config->feed.sim_days)
        printf(", %u days from %s", config->feed.sim_days, text_time(config->feed.sim_start_ns, false, from));
    printf("\n  fills         paper: SIMULATED\n  state         %s\n  runtime       %s\n  tzdata        %s\n", config->state_dir,
           config->runtime_dir, config->tzdata_version);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_text(const char *text)
{
    char clean[sizeof(struct loader_message)];
    text_clean(text, strlen(text), clean, sizeof clean);
    return json_string(clean);
}

static json_t *json_messages(const struct loader_message *messages, unsigned count, unsigned max)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count && i < max; i++)
        json_array_append_new(list, json_text(messages[i].text));
    return list;
}

static json_t *json_summary(const struct fleet_config *config)
{
    unsigned firms, personalities;
    count_used(config, &firms, &personalities);
    json_t *symbols = json_array(), *accounts = json_array();
    for (uint32_t i = 0; i < config->instrument_count; i++)
        if (config->instruments[i].active)
            json_array_append_new(symbols, json_string(config->instruments[i].symbol));
    for (uint32_t i = 0; i < config->account_count; i++)
        if (config->accounts[i].name[0])
            json_array_append_new(accounts, json_string(config->accounts[i].name));
    const struct config_feed *feed = &config->feed;
    bool simulator = feed->source == SOURCE_SIMULATOR;
    int64_t from = simulator ? feed->sim_start_ns : feed->from_ns;
    int64_t to = simulator ? feed->sim_start_ns + (int64_t)feed->sim_days * 86400 * 1000000000 : feed->to_ns;
    return json_pack("{s:o,s:i,s:i,s:o,s:s,s:b,s:b,s:f,s:I,s:I,s:s,s:s,s:s,s:s}", "accounts", accounts, "firms", (int)firms,
                     "personalities", (int)personalities, "instruments", symbols, "source", feed->source_name, "simulated",
                     (int)simulator, "live", (int)feed->live, "speed", feed->speed, "from_s", (json_int_t)(from / 1000000000),
                     "to_s", (json_int_t)(to / 1000000000), "config_dir", config->config_dir, "state_dir", config->state_dir,
                     "runtime_dir", config->runtime_dir, "tzdata", config->tzdata_version);
}

static void print_json(const struct load *load)
{
    const struct loader_report *report = &load->report;
    bool good = report->error_count == 0;
    json_t *root = json_pack("{s:b,s:i,s:o,s:i,s:o,s:o}", "ok", (int)good, "error_count", (int)report->error_count, "errors",
                             json_messages(report->errors, report->error_count, LOADER_ERRORS_MAX), "warning_count",
                             (int)report->warning_count, "warnings",
                             json_messages(report->warnings, report->warning_count, LOAD_WARNINGS_MAX), "summary",
                             good ? json_summary(&load->config) : json_null());
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

/* --- the command --------------------------------------------------------------------------------- */

int command_check(int argc, char **argv)
{
    struct find find = {0};
    struct loader_options options = {0};
    bool exit_at_end = false, explain = false, json = false;
    struct args_option known[] = {
        FIND_OPTIONS(find),
        {"--data", ARGS_TEXT, &options.data},
        {"--dataset", ARGS_TEXT, &options.dataset},
        {"--speed", ARGS_TEXT, &options.speed},
        {"--exit-at-end", ARGS_FLAG, &exit_at_end},
        {"--explain", ARGS_FLAG, &explain},
        {"--json", ARGS_FLAG, &json},
    };
    struct error err = {0};
    char config_dir[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("check", "%s", err.text);
    if (explain) {
        loader_explain(stdout);
        return EXIT_DONE;
    }
    if (find_config_dir(&find, config_dir, &err) != 0)
        return command_fail(EXIT_CONFIG, "%s", err.text);
    options.config_dir = config_dir;
    options.state_dir = find.state;
    options.runtime_dir = find.runtime;
    options.exit_at_end = exit_at_end;
    struct load *load = load_new(&options);
    if (!load)
        return command_fail(EXIT_NO, "no memory");
    if (json)
        print_json(load);
    else
        load_print_report(load, stderr);
    bool good = load->report.error_count == 0;
    if (good && !json)
        print_summary(&load->config);
    load_free(&load);
    return good ? EXIT_DONE : EXIT_CONFIG;
}
