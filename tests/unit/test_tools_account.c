/* The file of a new account: what is asked, what is written, and which fleet is meant. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "tests/unit/store_support.h"
#include "tools/account_ask.h"
#include "tools/account_file.h"
#include "tools/client.h"
#include "tools/find.h"
#include "tools/view.h"

static char folder[64];
static struct error err;

/* No fleet runs in this test, apart from one at "/run/one", whose state is "/state/one". */
int view_ask(const char *runtime_dir, struct view *out, struct error *error)
{
    if (strcmp(runtime_dir, "/run/one") != 0)
        return error_set(error, ENOENT, "no fleet runs at %s", runtime_dir);
    snprintf(out->state_dir, sizeof out->state_dir, "/state/one");
    return 0;
}

static int setup(void **state)
{
    (void)state;
    char path[128];
    support_folder(folder);
    snprintf(path, sizeof path, "%s/accounts", folder);
    memset(&err, 0, sizeof err);
    unsetenv("PROPFLEET_RUNTIME");
    unsetenv("PROPFLEET_CONFIG");
    return mkdir(path, 0755);
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/accounts", folder);
    chmod(path, 0755);
    support_remove(folder);
    return 0;
}

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static const char *get(const char *path)
{
    static char text[2048];
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static const struct account_spec good = {
    .name = "kappa", .firm = "ftmo", .programme = "2-step", .personality = "heron", .size = "100000", .currency = "USD"};

/* --- text ----------------------------------------------------------------------------------- */

static void test_text_of_the_file(void **state)
{
    (void)state;
    char text[ACCOUNT_FILE_BYTES_MAX];
    struct account_spec spec = good;
    int length = account_file_text(&spec, text, sizeof text, &err);
    assert_int_equal(length, (int)strlen(text));
    assert_string_equal(strchr(text, '\n') + 1, "config_version: 1\nname: kappa\nprogramme: ftmo/2-step\npersonality: heron\n"
                                                "balance: 100000 USD\nafter_crash: resume\n");
    spec.after_crash = "flatten";
    spec.observe_only = spec.has_seed = true;
    spec.seed = 111;
    assert_true(account_file_text(&spec, text, sizeof text, &err) > 0);
    assert_non_null(strstr(text, "after_crash: flatten\nobserve_only: true\npaper: {seed: 111}\n"));
}

/* Nothing that somebody types can become other YAML than the value it is. */
static void test_values_are_checked_for_their_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " ", "a b", "a\nb: c", "&a", "*a", "{a}", "a: b", "#a", "\"a\"", "../a", "A"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (unsigned field = 0; field < 7; field++) {
            struct account_spec spec = good;
            const char **fields[] = {&spec.name, &spec.firm, &spec.programme, &spec.personality, &spec.size, &spec.currency, &spec.after_crash};
            char text[ACCOUNT_FILE_BYTES_MAX];
            *fields[field] = bad[i];
            assert_int_equal(account_file_text(&spec, text, sizeof text, &err), -EINVAL);
        }
    static const char *const amounts[] = {"0", "-1", "1e5", "100,000", "1.000000001", "99999999999999", "0x10", ".5"};
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        assert_false(account_file_is_amount(amounts[i]));
    assert_true(account_file_is_amount("100000.50"));
    assert_true(account_file_is_currency("USD") && !account_file_is_currency("usd") && !account_file_is_currency("USDT"));
}

/* --- files ---------------------------------------------------------------------------------- */

static void test_written_whole_and_replaces_nothing(void **state)
{
    (void)state;
    char path[CONFIG_PATH_MAX], other[CONFIG_PATH_MAX];
    assert_int_equal(account_file_write(folder, "kappa", "name: kappa\n", path, &err), 0);
    assert_string_equal(get(path), "name: kappa\n");
    assert_int_equal(account_file_write(folder, "kappa", "name: other\n", other, &err), -EEXIST);
    assert_string_equal(get(path), "name: kappa\n");
    /* nothing is left beside it */
    char accounts[128];
    snprintf(accounts, sizeof accounts, "%s/accounts", folder);
    struct stat st;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(stat(accounts, &st), 0);
    assert_int_equal(rmdir(accounts), 0);
    assert_int_equal(account_file_write(folder, "kappa", "x", path, &err), -ENOENT);
    assert_non_null(strstr(err.text, accounts));
    assert_int_equal(mkdir(accounts, 0755), 0);
}

static void test_found_by_what_it_says_not_by_its_name(void **state)
{
    (void)state;
    char path[CONFIG_PATH_MAX];
    put("accounts/x.yaml", "name: kappa\n");
    put("accounts/kappa.yaml", "name: lambda\n");
    put("accounts/broken.yaml", "[\n");
    assert_int_equal(account_file_find(folder, "kappa", path, &err), 0);
    assert_string_equal(strrchr(path, '/'), "/x.yaml");
    assert_int_equal(account_file_find(folder, "mu", path, &err), -ENOENT);
    assert_non_null(strstr(err.text, "no file in"));
    assert_non_null(strstr(err.text, "mu"));
}

static void test_removed_under_a_free_name_and_back(void **state)
{
    (void)state;
    char path[CONFIG_PATH_MAX], moved[CONFIG_PATH_MAX];
    for (int turn = 0; turn < 3; turn++) {
        put("accounts/kappa.yaml", turn == 0 ? "first" : turn == 1 ? "second" : "third");
        snprintf(path, sizeof path, "%s/accounts/kappa.yaml", folder);
        assert_int_equal(account_file_remove(folder, path, moved, &err), 0);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_string_equal(strrchr(moved, '/'), "/kappa.yaml.2");
    assert_string_equal(get(moved), "third");
    assert_int_equal(account_file_move(moved, path, &err), 0);
    assert_string_equal(get(path), "third");
    assert_int_equal(account_file_move(path, path, &err), -EEXIST);
}

/* --- asking ----------------------------------------------------------------------------------- */

static struct fleet_config *config;

static void add_programme(const char *firm, const char *name)
{
    struct config_programme *programme = &config->programmes[config->programme_count++];
    snprintf(programme->firm, sizeof programme->firm, "%s", firm);
    snprintf(programme->name, sizeof programme->name, "%s", name);
}

static int setup_config(void **state)
{
    config = calloc(1, sizeof *config);
    add_programme("ftmo", "1-step");
    add_programme("ftmo", "2-step");
    add_programme("goat", "2-step");
    config->personality_count = 1;
    strcpy(config->personalities[0].name, "heron");
    config->account_count = 2; /* the first slot is free */
    strcpy(config->accounts[1].name, "alba");
    strcpy(config->accounts[1].currency, "EUR");
    config->accounts[1].initial_balance = 50000 * DEC_ONE;
    return setup(state);
}

static int teardown_config(void **state)
{
    free(config);
    return teardown(state);
}

static struct account_answers answers;
static char *said;

/* `typed` NULL: nobody sits there. What is said is in `said`. */
static int ask(struct account_spec *spec, const char *typed)
{
    size_t size = 0;
    free(said);
    said = NULL;
    FILE *out = open_memstream(&said, &size), *in = typed ? fmemopen((void *)(uintptr_t)typed, strlen(typed), "r") : NULL;
    memset(&err, 0, sizeof err);
    int rc = account_ask(spec, &answers, config, in, out, &err);
    fclose(out);
    if (in)
        fclose(in);
    return rc;
}

static void test_a_person_is_asked_again_until_it_is_right(void **state)
{
    (void)state;
    struct account_spec spec = {0};
    assert_int_equal(ask(&spec, "\nKappa\nalba\nkappa\nftmo\nftmo/9-step\n  ftmo/2-step \nherom\nheron\nabc\n\n"), 0);
    assert_string_equal(spec.name, "kappa");
    assert_string_equal(spec.firm, "ftmo");
    assert_string_equal(spec.programme, "2-step");
    assert_string_equal(spec.personality, "heron");
    assert_string_equal(spec.size, "50000"); /* an empty answer: as the account that is there */
    assert_string_equal(spec.currency, "EUR");
    assert_non_null(strstr(said, "there is an account alba already"));
    assert_non_null(strstr(said, "programmes: ftmo/1-step ftmo/2-step goat/2-step"));
    assert_non_null(strstr(said, "balance [50000 EUR]: "));
}

static void test_the_end_of_the_answers_is_an_error(void **state)
{
    (void)state;
    struct account_spec spec = {0};
    assert_int_equal(ask(&spec, "kappa\nftmo/2-step\n"), -EINVAL);
    assert_non_null(strstr(err.text, "--personality is missing; there are heron"));
    /* A line that is too long is one wrong answer, not several. */
    char line[400];
    memset(line, 'x', sizeof line);
    strcpy(line + 300, "\nkappa\n");
    spec = (struct account_spec){0};
    assert_int_equal(ask(&spec, line), -EINVAL);
    assert_string_equal(spec.name, "kappa");
}

static void test_flags_alone(void **state)
{
    (void)state;
    struct account_spec spec = {.name = "kappa", .programme = "ftmo/1-step", .personality = "heron"};
    assert_int_equal(ask(&spec, NULL), 0);
    assert_string_equal(spec.firm, "ftmo");
    assert_string_equal(said, "");
    spec = (struct account_spec){.name = "kappa", .firm = "goat", .personality = "heron"};
    assert_int_equal(ask(&spec, NULL), 0); /* its only programme */
    assert_string_equal(spec.programme, "2-step");
}

static void test_what_is_missing_names_the_choices(void **state)
{
    (void)state;
    struct {
        struct account_spec spec;
        const char *says;
    } cases[] = {
        {{.personality = "heron"}, "NAME is missing"},
        {{.name = "k"}, "--programme is missing; there are ftmo/1-step ftmo/2-step goat/2-step"},
        {{.name = "k", .firm = "ftmo"}, "--programme is missing; there are ftmo/1-step ftmo/2-step"},
        {{.name = "k", .firm = "none"}, "there are ftmo/1-step ftmo/2-step goat/2-step"},
        {{.name = "k", .programme = "2-step"}, "--programme 2-step has no firm"},
        {{.name = "k", .firm = "ftmo", .programme = "goat/2-step"}, "name different firms"},
        {{.name = "k", .firm = "ftmo", .programme = "2-step"}, "--personality is missing; there are heron"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ask(&cases[i].spec, NULL), -EINVAL);
        if (!strstr(err.text, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
    }
}

static void test_balance(void **state)
{
    (void)state;
    struct account_spec spec = {0};
    assert_int_equal(account_ask_balance(&spec, "250000.50 USD", &answers, &err), 0);
    assert_string_equal(spec.size, "250000.50");
    assert_string_equal(spec.currency, "USD");
    assert_int_equal(account_ask_balance(&spec, "1 USD", &answers, &err), -EINVAL); /* twice */
    spec = (struct account_spec){0};
    assert_int_equal(account_ask_balance(&spec, "250000", &answers, &err), 0);
    assert_null(spec.currency);
    static const char *const bad[] = {"", " ", "USD", "1e5 USD", "100,000 USD", "100000 usd", "100000 USD x", "-1 USD", "0 USD"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        spec = (struct account_spec){0};
        assert_int_equal(account_ask_balance(&spec, bad[i], &answers, &err), -EINVAL);
    }
}

/* --- find --------------------------------------------------------------------------------------- */

static void test_which_fleet_is_meant(void **state)
{
    (void)state;
    char out[CONFIG_PATH_MAX], expected[CONFIG_PATH_MAX], *real = realpath(folder, NULL);
    assert_non_null(real);
    struct find find = {.config = folder};
    put("fleet.yaml", "config_version: 1\nruntime_dir: ../run\nstate_dir: /state\n");
    assert_int_equal(find_runtime_dir(&find, out, &err), 0);
    snprintf(expected, sizeof expected, "%.*s/run", (int)(strrchr(real, '/') - real), real);
    free(real);
    assert_string_equal(out, expected);
    assert_int_equal(find_state_dir(&find, out, &err), 0); /* nobody answers: what fleet.yaml says */
    assert_string_equal(out, "/state");
    setenv("PROPFLEET_RUNTIME", "/run/one", 1);
    assert_int_equal(find_runtime_dir(&find, out, &err), 0);
    assert_string_equal(out, "/run/one");
    assert_int_equal(find_state_dir(&find, out, &err), 0); /* the one that runs says where */
    assert_string_equal(out, "/state/one");
    find.runtime = "/run/two";
    assert_int_equal(find_runtime_dir(&find, out, &err), 0); /* the flag before the environment */
    assert_string_equal(out, "/run/two");
    find.config = NULL;
    assert_int_equal(find_state_dir(&find, out, &err), -ENOENT); /* named, and gone: no guess */
    assert_non_null(strstr(err.text, "--state DIR names it"));
    find.state = "relative";
    assert_int_equal(find_state_dir(&find, out, &err), 0);
    assert_true(out[0] == '/' && strstr(out, "/relative"));
}

static void test_no_configuration(void **state)
{
    (void)state;
    char out[CONFIG_PATH_MAX], missing[128];
    snprintf(missing, sizeof missing, "%s/nowhere", folder);
    struct find find = {.config = missing};
    assert_int_equal(find_runtime_dir(&find, out, &err), -ENOENT);
    assert_non_null(strstr(err.text, "--runtime DIR"));
    assert_non_null(strstr(err.text, "--config DIR"));
    assert_non_null(strstr(err.text, missing));
    put("fleet.yaml", "[\n");
    find.config = folder;
    assert_int_equal(find_runtime_dir(&find, out, &err), -EINVAL);
    assert_non_null(strstr(err.text, "propfleet check"));
    put("fleet.yaml", "config_version: 1\n");
    assert_int_equal(find_runtime_dir(&find, out, &err), 0);
    assert_string_equal(out, FIND_RUNTIME_DIR);
}

int main(void)
{
#define FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define ASKS(test) cmocka_unit_test_setup_teardown(test, setup_config, teardown_config)
    const struct CMUnitTest tests[] = {
        FILES(test_text_of_the_file),
        FILES(test_values_are_checked_for_their_form),
        FILES(test_written_whole_and_replaces_nothing),
        FILES(test_found_by_what_it_says_not_by_its_name),
        FILES(test_removed_under_a_free_name_and_back),
        ASKS(test_a_person_is_asked_again_until_it_is_right),
        ASKS(test_the_end_of_the_answers_is_an_error),
        ASKS(test_flags_alone),
        ASKS(test_what_is_missing_names_the_choices),
        FILES(test_balance),
        FILES(test_which_fleet_is_meant),
        FILES(test_no_configuration),
    };
    int failed = cmocka_run_group_tests_name("tools account", tests, NULL, NULL);
    free(said);
    return failed;
}
