/* The arguments of a subcommand, by table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "tools/args.h"

#define WORDS_MAX 16

static struct {
    bool flag;
    const char *text;
    uint64_t number;
    const char *names[2];
    unsigned name_count;
} got;
static struct error err;

/* Parses "command" and the words behind it; at least `min` operands, at most two. */
static int parse(unsigned min, const char *words)
{
    static char copy[512];
    static char *argv[WORDS_MAX];
    int argc = 0;
    memset(&got, 0, sizeof got);
    memset(&err, 0, sizeof err);
    struct args_operands operands = {.list = got.names, .min = min, .max = 2, .what = "NAME"};
    struct args_option known[] = {
        {"--flag", ARGS_FLAG, &got.flag}, {"--text", ARGS_TEXT, &got.text}, {"--number", ARGS_U64, &got.number}};
    strcpy(copy, words);
    argv[argc++] = copy; /* any: it is skipped */
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "EMPTY") == 0 ? word + strlen(word) : word;
    int rc = args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err);
    got.name_count = operands.count;
    return rc;
}

static void expect_error(unsigned min, const char *words, const char *text)
{
    assert_int_equal(parse(min, words), -22);
    if (!strstr(err.text, text))
        fail_msg("'%s': '%s' does not say '%s'", words, err.text, text);
}

static void test_both_forms(void **state)
{
    (void)state;
    assert_int_equal(parse(0, "--flag --text a=b --number 7"), 0);
    assert_true(got.flag && got.number == 7 && got.name_count == 0);
    assert_string_equal(got.text, "a=b");
    assert_int_equal(parse(0, "--text=a=b --number=18446744073709551615"), 0);
    assert_string_equal(got.text, "a=b");
    assert_true(!got.flag && got.number == UINT64_MAX);
}

static void test_operands_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(parse(1, "alba --flag boreas"), 0);
    assert_int_equal(got.name_count, 2);
    assert_string_equal(got.names[1], "boreas");
    assert_int_equal(parse(1, "-- --flag"), 0);
    assert_true(!got.flag);
    assert_string_equal(got.names[0], "--flag");
    assert_int_equal(parse(1, "-"), 0); /* a lone dash is an operand */
    expect_error(1, "--flag", "NAME is missing");
    expect_error(0, "a b c", "c: one argument too many");
}

static void test_no_operands_at_all(void **state)
{
    (void)state;
    char name[] = "top", extra[] = "x", *argv[] = {name, extra, NULL};
    assert_int_equal(args_parse(NULL, 0, NULL, 2, argv, &err), -22);
    assert_int_equal(args_parse(NULL, 0, NULL, 1, argv, &err), 0);
}

static void test_errors_name_the_option(void **state)
{
    (void)state;
    expect_error(0, "--flagg", "unknown option --flagg; did you mean --flag?");
    expect_error(0, "--flag=1", "--flag takes no value");
    expect_error(0, "--flag --flag", "--flag is given twice");
    expect_error(0, "--text=a --text=b", "--text is given twice");
    expect_error(0, "--text", "--text: its value is missing");
    expect_error(0, "--text=", "--text: its value is empty");
    expect_error(0, "--text EMPTY", "--text: its value is empty");
    expect_error(0, "-x", "unknown option -x");
    expect_error(0, "--fla", "unknown option --fla"); /* no abbreviations */
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"--number=-1", "--number=+1", "--number=1x", "--number=0x10", "--number=1.5", "--number x",
                                      "--number=18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_error(0, bad[i], "not a whole number");
    assert_int_equal(parse(0, "--number 0"), 0);
    assert_int_equal(got.number, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_forms),         cmocka_unit_test(test_operands_stand_anywhere),
        cmocka_unit_test(test_no_operands_at_all), cmocka_unit_test(test_errors_name_the_option),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests_name("tools args", tests, NULL, NULL);
}
