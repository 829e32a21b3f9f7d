#include "tools/account_ask.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tools/load.h"
#include "tools/rules_text.h"
#include "tools/text.h"

#define WRAP 78u
#define CHOICES_MAX 1600u

/* --- asking ------------------------------------------------------------------------------------- */

/* What is asked: good says why an answer is none, "" otherwise. */
struct question {
    const char *what, *usual; /* usual NULL: an empty answer is none */
    void (*good)(const struct fleet_config *config, const char *answer, char *why, size_t size);
};

static void drop_rest(FILE *in)
{
    for (int c = 0; c != '\n' && c != EOF;)
        c = fgetc(in);
}

/* One line without the blanks around it. False: the stream has ended. */
static bool read_line(FILE *in, char answer[ACCOUNT_ANSWER_MAX])
{
    char line[ACCOUNT_ANSWER_MAX];
    if (!fgets(line, sizeof line, in))
        return false;
    if (!strchr(line, '\n') && strlen(line) + 1 == sizeof line)
        drop_rest(in);
    char *start = line + strspn(line, " \t"), *end = start + strcspn(start, "\r\n");
    while (end > start && isblank((unsigned char)end[-1]))
        end--;
    snprintf(answer, ACCOUNT_ANSWER_MAX, "%.*s", (int)(end - start), start);
    return true;
}

static bool ask(const struct question *question, const struct fleet_config *config, FILE *in, FILE *out, char answer[ACCOUNT_ANSWER_MAX])
{
    for (;;) {
        char why[128] = "";
        if (question->usual)
            fprintf(out, "%s [%s]: ", question->what, question->usual);
        else
            fprintf(out, "%s: ", question->what);
        fflush(out);
        if (!read_line(in, answer))
            return false;
        if (!answer[0] && question->usual)
            snprintf(answer, ACCOUNT_ANSWER_MAX, "%s", question->usual);
        if (answer[0])
            question->good(config, answer, why, sizeof why);
        if (answer[0] && !why[0])
            return true;
        if (why[0])
            fprintf(out, "  %s\n", why);
    }
}

/* --- what there is ---------------------------------------------------------------------------------- */

static void add_choice(char *out, size_t size, const char *firm, const char *name)
{
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s%s%s", used ? " " : "", firm, firm[0] ? "/" : "", name);
}

/* firm "": of all firms. */
static void programmes(const struct fleet_config *config, const char *firm, char out[CHOICES_MAX])
{
    out[0] = 0;
    for (uint32_t i = 0; i < config->programme_count; i++)
        if ((!firm[0] || strcmp(config->programmes[i].firm, firm) == 0) &&
            load_programme(config, config->programmes[i].firm, config->programmes[i].name, NULL) == i) /* once, not for each phase */
            add_choice(out, CHOICES_MAX, config->programmes[i].firm, config->programmes[i].name);
}

static void personalities(const struct fleet_config *config, char out[CHOICES_MAX])
{
    out[0] = 0;
    for (uint32_t i = 0; i < config->personality_count; i++)
        add_choice(out, CHOICES_MAX, "", config->personalities[i].name);
}

/* Words behind a title, as many a line as fit a terminal. */
static void print_choices(const char *title, const char *choices, FILE *out)
{
    size_t column = (size_t)fprintf(out, "%s:", title);
    for (const char *at = choices; *at;) {
        size_t length = strcspn(at, " ");
        if (column + 1 + length > WRAP)
            column = (size_t)fprintf(out, "\n   ") - 1;
        column += (size_t)fprintf(out, " %.*s", (int)length, at);
        at += length + (at[length] == ' ');
    }
    fputc('\n', out);
}

/* --- the questions ------------------------------------------------------------------------------------ */

static void good_name(const struct fleet_config *config, const char *answer, char *why, size_t size)
{
    if (!text_is_name(answer))
        snprintf(why, size, "lower-case letters, digits and dashes, beginning with a letter, at most 31");
    else if (config_account_index(config, answer) != CONFIG_NONE)
        snprintf(why, size, "there is an account %s already", answer);
}

static void good_programme(const struct fleet_config *config, const char *answer, char *why, size_t size)
{
    const char *slash = strchr(answer, '/');
    char firm[ACCOUNT_ANSWER_MAX] = "";
    if (slash)
        snprintf(firm, sizeof firm, "%.*s", (int)(slash - answer), answer);
    if (!slash || load_programme(config, firm, slash + 1, NULL) == CONFIG_NONE)
        snprintf(why, size, "none of the list; one such as ftmo/2-step");
}

static void good_personality(const struct fleet_config *config, const char *answer, char *why, size_t size)
{
    if (load_personality(config, answer) == CONFIG_NONE)
        snprintf(why, size, "none of the list");
}

static void good_balance(const struct fleet_config *config, const char *answer, char *why, size_t size)
{
    struct account_spec spec = {0};
    struct account_answers answers;
    struct error err = {0};
    (void)config;
    if (account_ask_balance(&spec, answer, &answers, &err) != 0)
        snprintf(why, size, "%.100s", err.text);
}

/* --- balance --------------------------------------------------------------------------------------------- */

int account_ask_balance(struct account_spec *spec, const char *balance, struct account_answers *answers, struct error *err)
{
    if (spec->size || spec->currency)
        return error_set(err, EINVAL, "--balance stands for --size and --currency: one or the other");
    size_t amount = strcspn(balance, " "), blanks = strspn(balance + amount, " ");
    const char *currency = balance + amount + blanks;
    if (amount == 0 || amount >= ACCOUNT_ANSWER_MAX || strlen(currency) >= ACCOUNT_ANSWER_MAX)
        return error_set(err, EINVAL, "balance '%.40s': an amount and a currency such as 100000 USD", balance);
    snprintf(answers->size, sizeof answers->size, "%.*s", (int)amount, balance);
    snprintf(answers->currency, sizeof answers->currency, "%s", currency);
    if (!account_file_is_amount(answers->size) || (currency[0] && !account_file_is_currency(answers->currency)))
        return error_set(err, EINVAL, "balance '%.40s': an amount and a currency such as 100000 USD", balance);
    spec->size = answers->size;
    spec->currency = currency[0] ? answers->currency : NULL;
    return 0;
}

/* Accounts of a fleet share their currency; the first that is there says which, and a usual size. */
static void usual_balance(const struct fleet_config *config, char size[DEC_STR_MAX], char currency[4])
{
    snprintf(size, DEC_STR_MAX, "100000");
    snprintf(currency, 4, "USD");
    for (uint32_t i = 0; i < config->account_count; i++)
        if (config->accounts[i].name[0]) {
            dec_format(config->accounts[i].initial_balance, 0, size);
            snprintf(currency, 4, "%s", config->accounts[i].currency);
            return;
        }
}

static int complete_balance(struct account_spec *spec, struct account_answers *answers, const struct fleet_config *config, FILE *in,
                            FILE *out, struct error *err)
{
    char size[DEC_STR_MAX], currency[4], answer[ACCOUNT_ANSWER_MAX];
    usual_balance(config, size, currency);
    snprintf(answers->usual, sizeof answers->usual, "%s %s", size, currency);
    struct question question = {"balance", answers->usual, good_balance};
    if (!spec->size && !spec->currency && in && ask(&question, config, in, out, answer) &&
        account_ask_balance(spec, answer, answers, err) != 0)
        return -EINVAL;
    if (!spec->size) {
        snprintf(answers->size, sizeof answers->size, "%s", size);
        spec->size = answers->size;
    }
    if (!spec->currency) {
        snprintf(answers->currency, sizeof answers->currency, "%s", currency);
        spec->currency = answers->currency;
    }
    return 0;
}

/* --- programme ------------------------------------------------------------------------------------------- */

/* The only programme of a firm; NULL: none, or several. */
static const char *only_programme(const struct fleet_config *config, const char *firm)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < config->programme_count; i++)
        if (strcmp(config->programmes[i].firm, firm) == 0) {
            if (found && strcmp(found, config->programmes[i].name) != 0)
                return NULL;
            found = config->programmes[i].name;
        }
    return found;
}

/* "firm/programme" stands for both. */
static int split(struct account_spec *spec, struct account_answers *answers, struct error *err)
{
    const char *slash = strchr(spec->programme, '/');
    if (!slash)
        return 0;
    int n = snprintf(answers->firm, sizeof answers->firm, "%.*s", (int)(slash - spec->programme), spec->programme);
    if (n >= (int)sizeof answers->firm || (spec->firm && strcmp(spec->firm, answers->firm) != 0))
        return error_set(err, EINVAL, "--firm %.40s and --programme %.40s name different firms", spec->firm ? spec->firm : "", spec->programme);
    spec->programme = slash + 1;
    spec->firm = answers->firm;
    return 0;
}

static uint32_t phases(const struct fleet_config *config, const struct account_spec *spec, char out[CHOICES_MAX])
{
    uint32_t count = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < config->programme_count; i++)
        if (strcmp(config->programmes[i].firm, spec->firm) == 0 && strcmp(config->programmes[i].name, spec->programme) == 0 &&
            load_programme(config, spec->firm, spec->programme, config->programmes[i].phase) == i) {
            add_choice(out, CHOICES_MAX, "", config->programmes[i].phase);
            count++;
        }
    return count;
}

static void good_phase(const struct fleet_config *config, const char *answer, char *why, size_t size)
{
    for (uint32_t i = 0; i < config->programme_count; i++)
        if (strcmp(config->programmes[i].phase, answer) == 0)
            return;
    snprintf(why, size, "none of the list");
}

/* The first phase of a programme is usual: it is the one that is bought. */
static void complete_phase(struct account_spec *spec, struct account_answers *answers, const struct fleet_config *config, FILE *in, FILE *out)
{
    char choices[CHOICES_MAX];
    uint32_t first = load_programme(config, spec->firm, spec->programme, NULL);
    if (spec->phase || first == CONFIG_NONE)
        return;
    spec->phase = config->programmes[first].phase;
    struct question question = {"phase", spec->phase, good_phase};
    if (phases(config, spec, choices) < 2 || !in)
        return;
    print_choices("phases", choices, out);
    if (ask(&question, config, in, out, answers->phase))
        spec->phase = answers->phase;
}

static int complete_programme(struct account_spec *spec, struct account_answers *answers, const struct fleet_config *config, FILE *in,
                              FILE *out, struct error *err)
{
    char choices[CHOICES_MAX];
    struct question question = {"programme", NULL, good_programme};
    if (spec->firm && !spec->programme)
        spec->programme = only_programme(config, spec->firm);
    if (!spec->programme && !spec->firm && in) {
        programmes(config, "", choices);
        print_choices("programmes", choices, out);
        if (ask(&question, config, in, out, answers->programme))
            spec->programme = answers->programme;
    }
    const char *firm = spec->firm ? spec->firm : "";
    programmes(config, firm, choices);
    if (!choices[0])
        programmes(config, "", choices);
    if (!spec->programme)
        return error_set(err, EINVAL, "--programme is missing; there are %s", choices);
    if (split(spec, answers, err) != 0)
        return -EINVAL;
    if (!spec->firm)
        return error_set(err, EINVAL, "--programme %.40s has no firm; there are %s", spec->programme, choices);
    return 0;
}

/* --- all of it --------------------------------------------------------------------------------------------- */

int account_ask(struct account_spec *spec, struct account_answers *answers, const struct fleet_config *config, FILE *in, FILE *out,
                struct error *err)
{
    assert(spec && answers && config && out);
    char choices[CHOICES_MAX];
    struct question name = {"name", NULL, good_name}, personality = {"personality", NULL, good_personality};
    if (!spec->name && in && ask(&name, config, in, out, answers->name))
        spec->name = answers->name;
    if (!spec->name)
        return error_set(err, EINVAL, "NAME is missing");
    if (complete_programme(spec, answers, config, in, out, err) != 0)
        return -EINVAL;
    complete_phase(spec, answers, config, in, out);
    personalities(config, choices);
    if (!spec->personality && in) {
        print_choices("personalities", choices, out);
        if (ask(&personality, config, in, out, answers->personality))
            spec->personality = answers->personality;
    }
    if (!spec->personality)
        return error_set(err, EINVAL, "--personality is missing; there are %s", choices);
    return complete_balance(spec, answers, config, in, out, err);
}

/* --- lines that a person confirms ------------------------------------------------------------------------------ */

struct unsure {
    FILE *out;
    unsigned count;
};

static void show_unsure(void *context, unsigned primitive, const struct rules_head *head, const char *sentence)
{
    struct unsure *unsure = context;
    if (head->confidence < RULES_DATASET)
        return;
    unsure->count++;
    fprintf(unsure->out, "  P%u %s (%s): %s\n", primitive, head->id[0] ? head->id : "-", rules_text_confidence(head->confidence), sentence);
}

int account_ask_confirm(const struct account_spec *spec, const struct fleet_config *config, bool confirmed, FILE *in, FILE *out,
                        struct error *err)
{
    uint32_t index = load_programme(config, spec->firm, spec->programme, spec->phase);
    if (index == CONFIG_NONE)
        return 0; /* the loader says it, with file and line */
    struct rules_scope scope = {.config = config, .programme = &config->programmes[index]};
    if (dec_parse(spec->size, strlen(spec->size), &scope.initial) != 0)
        scope.initial = 0;
    char *shown = NULL, line[ACCOUNT_ANSWER_MAX] = "";
    size_t size = 0;
    struct unsure unsure = {.out = open_memstream(&shown, &size)};
    if (!unsure.out)
        return error_set(err, ENOMEM, "no memory");
    rules_text_each(&scope, show_unsure, &unsure);
    fclose(unsure.out);
    if (unsure.count > 0)
        fprintf(out, "%u lines of %s/%s, phase %s, are not the firm's own word:\n%s", unsure.count, spec->firm, spec->programme,
                config->programmes[index].phase, shown);
    free(shown);
    if (unsure.count == 0 || confirmed)
        return 0;
    if (!in)
        return error_set(err, EINVAL, "look at them on the firm's dashboard or ask its support; then --confirm");
    fputs("have you confirmed each with the firm? yes to go on: ", out);
    fflush(out);
    if (read_line(in, line) && strcmp(line, "yes") == 0)
        return 0;
    return error_set(err, EINVAL, "not confirmed: nothing was changed");
}
