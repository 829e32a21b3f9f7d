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

static void print_lists(const struct rules_scope *scope)
{
    const struct rules_set *set = &scope->programme->rules;
    char text[RULES_TEXT_MAX];
#define LIST(title, member, count, words)                                                                              \
    if (set->count > 0)                                                                                                \
        printf("%s\n", title);                                                                                         \
    for (uint32_t i = 0; i < set->count; i++)                                                                          \
    print_line(scope, &set->member[i].head, words(scope, &set->member[i], text))
    LIST("P1 LOSS_FLOOR", floors, floor_count, rules_text_floor);
    LIST("P2 OPEN_LOSS_CAP", losses, loss_count, rules_text_loss);
    LIST("P3 EXPOSURE_CAP", exposures, exposure_count, rules_text_exposure);
    LIST("P4 TIME_WINDOW", windows, window_count, rules_text_window);
    LIST("P5 HOLD_TIME", holds, hold_count, rules_text_hold);
    LIST("P6 RATE_CAP", rates, rate_count, rules_text_rate);
#undef LIST
}

/* A section that the file does not have is shown where not to say anything is strict. */
static void print_sections(const struct rules_scope *scope)
{
    const struct rules_set *set = &scope->programme->rules;
    char text[RULES_TEXT_MAX];
    const struct {
        const char *title;
        const struct rules_head *head;
        const char *(*words)(const struct rules_scope *, char *);
        bool always;
    } sections[] = {
        {"P7 PROFIT_SHAPE", &set->shape.head, rules_text_shape, false},
        {"P8 STOP_POLICY", &set->stop.head, rules_text_stop, false},
        {"P9 DIRECTION", &set->direction.head, rules_text_direction, true},
        {"P10 CROSS_ACCOUNT", &set->cross.head, rules_text_cross, true},
        {"P11 CONDUCT", &set->conduct.head, rules_text_conduct, true},
        {"P12 LIFECYCLE", &set->life.head, rules_text_life, false},
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (!sections[i].always && sections[i].head->id[0] == 0)
            continue;
        printf("%s\n", sections[i].title);
        struct rules_head head = *sections[i].head;
        if (head.id[0] == 0)
            head.confidence = RULES_OURS;
        print_line(scope, &head, sections[i].words(scope, text));
    }
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
    print_lists(&scope);
    print_sections(&scope);
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
    /* `explain ACCOUNT` is a row here: the inequality of each rule as it stands for one account. It needs the
     * account's store, and a file of its own (rules_explain.c). */
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
