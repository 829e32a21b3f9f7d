/* propfleet rules: what the firms demand, as the accounts have it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/loader.h"
#include "config/programmes.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/load.h"
#include "tools/rules_text.h"
#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "workers/risk/rules/rules.h"

#define INDENT 22

struct asked {
    struct load *load;
    int64_t today;
    const char *operands[2]; /* of show: FIRM[/PROGRAMME], PHASE; NULL: not given */
};

/* --- list -------------------------------------------------------------------------------------------- */

static const struct table_column columns[] = {{"FIRM", false, 0},       {"PROGRAMME", false, 0}, {"PHASE", false, 0},
                                              {"AUTOMATION", false, 0}, {"VERIFIED", false, 2},  {"AGE", true, 1}};

static int list(const struct asked *asked)
{
    const struct fleet_config *config = &asked->load->config;
    struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
    if (!table)
        return command_fail(EXIT_NO, "no memory");
    for (uint32_t i = 0; i < config->programme_count; i++) {
        const struct config_programme *p = &config->programmes[i];
        long long age = (long long)asked->today - p->rules.verified_day;
        table_cell(table, "%s", p->firm);
        table_cell(table, "%s", p->name);
        table_cell(table, "%s", p->phase);
        table_cell(table, "%s", rules_text_automation(p->rules.conduct.automation));
        table_cell(table, "%s", p->rules.verified);
        table_cell(table, "%lld d%s", age, p->expired ? ", expired" : "");
    }
    table_print(table, terminal_width(STDOUT_FILENO), stdout);
    table_free(&table);
    return EXIT_DONE;
}

/* --- show -------------------------------------------------------------------------------------------- */

static const char *const severities[] = {"profit does not count", "pause", ""};

/* "  daily     the sentence, broken at blanks [A B] official". */
static void print_line(const struct rules_scope *scope, const struct rules_head *head, const char *sentence)
{
    char tail[160], whole[RULES_TEXT_MAX + sizeof tail];
    const struct rules_set *set = &scope->programme->rules;
    size_t n = (size_t)snprintf(tail, sizeof tail, " [");
    for (uint32_t i = 0; i < set->source_count && n < sizeof tail; i++)
        if (head->sources >> i & 1)
            n += (size_t)snprintf(tail + n, sizeof tail - n, "%s%s", n > 2 ? " " : "", set->sources[i].key);
    if (n < sizeof tail)
        snprintf(tail + n, sizeof tail - n, "%s%s%s%s%s%s]", n > 2 ? ": " : "", rules_text_confidence(head->confidence),
                 head->optional ? ", optional" : "", head->severity < RULES_TERMINATE ? ", " : "",
                 head->severity < RULES_TERMINATE ? severities[head->severity] : "", "");
    snprintf(whole, sizeof whole, "%s%s", sentence, tail);
    unsigned width = terminal_width(STDOUT_FILENO);
    size_t room = width > INDENT + 40 ? width - INDENT - 1 : 96;
    const char *at = whole;
    printf("  %-*s", INDENT - 2, head->id[0] ? head->id : "(nothing said)");
    while (strlen(at) > room) {
        size_t cut = room;
        while (cut > 0 && at[cut] != ' ')
            cut--;
        cut = cut > 0 ? cut : room;
        printf("%.*s\n%*s", (int)cut, at, INDENT, "");
        at += cut + (at[cut] == ' ');
    }
    printf("%s\n", at);
}

struct printing {
    const struct rules_scope *scope;
    unsigned primitive;
};

static void print_rule(void *context, unsigned primitive, const struct rules_head *head, const char *sentence)
{
    struct printing *printing = context;
    if (primitive != printing->primitive)
        printf("%s\n", rules_primitive_name(primitive));
    printing->primitive = primitive;
    print_line(printing->scope, head, sentence);
}

static void print_rules(const struct rules_scope *scope)
{
    struct printing printing = {.scope = scope};
    char text[RULES_TEXT_MAX];
    rules_text_each(scope, print_rule, &printing);
    struct rules_head ours = {.id = "ours", .confidence = RULES_OURS, .severity = RULES_TERMINATE};
    printf("GUARD\n");
    print_line(scope, &ours, rules_text_guard(scope, text));
}

static void print_notes(const struct rules_scope *scope)
{
    const struct rules_set *set = &scope->programme->rules;
    printf("SOURCES\n");
    for (uint32_t i = 0; i < set->source_count; i++)
        printf("  %-3s %s (%s%s%s)\n", set->sources[i].key, set->sources[i].url, set->sources[i].kind,
               set->sources[i].date[0] ? ", " : "", set->sources[i].date);
    if (scope->programme->unknown[0] == 0)
        return;
    printf("UNKNOWN\n");
    for (const char *line = scope->programme->unknown; *line;) {
        size_t length = strcspn(line, "\n");
        printf("  - %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* The size that examples are made for: 100,000 where the firm offers it, else the largest. */
static dec_t example_size(const struct config_programme *p)
{
    dec_t size = 0;
    if (p->has_initial)
        return p->initial;
    for (uint32_t i = 0; i < p->size_count; i++)
        if (p->sizes[i] == 100000 * DEC_ONE || size != 100000 * DEC_ONE)
            size = p->sizes[i];
    return size > 0 ? size : 100000 * DEC_ONE;
}

static void print_days(const struct rules_scope *scope)
{
    const struct rules_set *set = &scope->programme->rules;
    printf("  the day begins");
    for (uint32_t i = 0; i < set->day_count; i++)
        printf("%s %02d:%02d %s", i > 0 ? ", or" : "", set->days[i].at_s / 3600, set->days[i].at_s / 60 % 60,
               scope->config->zones[set->days[i].zone].name);
    printf("%s\n", set->day_count > 1 ? " (all are kept, the highest floor rules)" : "");
}

static void print_programme(const struct asked *asked, const struct config_programme *p)
{
    const struct rules_scope scope = {&asked->load->config, p, example_size(p)};
    char size[TEXT_MAX];
    printf("%s/%s, phase %s (%s)\n", p->firm, p->name, p->phase, p->rules.life.stage == RULES_STAGE_FUNDED ? "funded" : "evaluation");
    printf("  verified %s, %lld days ago, for %u%s; file %016llx\n", p->rules.verified,
           (long long)asked->today - p->rules.verified_day, p->rules.max_age_days, p->expired ? ": EXPIRED" : "",
           (unsigned long long)p->rules.digest);
    print_days(&scope);
    printf("  sizes");
    for (uint32_t i = 0; i < p->size_count; i++)
        printf("%s %s", i > 0 ? "," : "", text_decimal(p->sizes[i], size));
    printf("%s\n", p->size_count == 0 ? " not said" : "");
    if (p->has_initial)
        printf("  the balance begins at %s\n", text_decimal(p->initial, size));
    print_rules(&scope);
    print_notes(&scope);
}

/* FIRM, or FIRM/PROGRAMME; and the phase, when one is asked for. */
static bool is_asked(const struct asked *asked, const struct config_programme *p)
{
    const char *name = asked->operands[0], *slash = strchr(name, '/');
    size_t firm = slash ? (size_t)(slash - name) : strlen(name);
    return strlen(p->firm) == firm && strncmp(p->firm, name, firm) == 0 && (!slash || strcmp(p->name, slash + 1) == 0) &&
           (!asked->operands[1] || strcmp(p->phase, asked->operands[1]) == 0);
}

static int show(const struct asked *asked)
{
    const struct fleet_config *config = &asked->load->config;
    unsigned shown = 0;
    if (!asked->operands[0])
        return command_usage("rules show", "FIRM[/PROGRAMME] is missing");
    for (uint32_t i = 0; i < config->programme_count; i++) {
        if (!is_asked(asked, &config->programmes[i]))
            continue;
        printf("%s", shown++ > 0 ? "\n" : "");
        print_programme(asked, &config->programmes[i]);
    }
    if (shown == 0)
        return command_fail(EXIT_NO, "no rules of %s%s%s; `propfleet rules list` says which there are", asked->operands[0],
                            asked->operands[1] ? ", phase " : "", asked->operands[1] ? asked->operands[1] : "");
    return EXIT_DONE;
}

/* --- the command ----------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned operands;
    int (*run)(const struct asked *asked);
} actions[] = {
    {"list", 0, list},
    {"show", 2, show},
};

static int run_action(size_t action, const char *config_dir, const char *const *operands)
{
    struct asked asked = {.operands = {operands[0], operands[1]}};
    struct loader_options options = {.config_dir = config_dir, .all_optional = 1};
    const char *problem = programmes_today(&options, &asked.today);
    if (problem)
        return command_fail(EXIT_CONFIG, "PROPFLEET_TODAY %s", problem);
    asked.load = load_new(&options);
    if (!asked.load)
        return command_fail(EXIT_NO, "no memory");
    bool good = asked.load->report.error_count == 0;
    if (!good)
        load_print_report(asked.load, stderr);
    int status = good ? actions[action].run(&asked) : EXIT_CONFIG;
    load_free(&asked.load);
    return status;
}

int command_rules(int argc, char **argv)
{
    /* Needs the account's store, and options of its own. */
    if (argc > 1 && strcmp(argv[1], "explain") == 0)
        return rules_explain(argc - 1, argv + 1);
    struct find find = {0};
    const char *names[3] = {NULL};
    struct args_operands operands = {.list = names, .max = 3, .what = "ACTION"};
    struct args_option known[] = {FIND_RUNTIME_OPTION(find)};
    struct error err = {0};
    char config_dir[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("rules", "%s", err.text);
    size_t i = 0, count = sizeof actions / sizeof actions[0];
    while (i < count && (!names[0] || strcmp(names[0], actions[i].name) != 0))
        i++;
    if (i == count)
        return command_usage("rules", names[0] ? "'%.40s' cannot be done" : "what to do is missing", names[0]);
    if (operands.count > actions[i].operands + 1)
        return command_usage("rules", "'%.40s' is one operand too many", names[actions[i].operands + 1]);
    if (find_config_dir(&find, config_dir, &err) != 0)
        return command_fail(EXIT_CONFIG, "%s", err.text);
    return run_action(i, config_dir, names + 1);
}
