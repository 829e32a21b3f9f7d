/* Figures, outside text, tables and the width of what they are printed on. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/text.h"

#define S INT64_C(1000000000)

static char buf[TEXT_MAX];

/* --- figures ---------------------------------------------------------------------------------- */

static void test_money(void **state)
{
    (void)state;
    assert_string_equal(text_money(0, buf), "0.00");
    assert_string_equal(text_money(DEC_NONE, buf), "-");
    assert_string_equal(text_money(123456789 * DEC_ONE / 100, buf), "1,234,567.89");
    assert_string_equal(text_money(-DEC_ONE * 1000, buf), "-1,000.00");
    assert_string_equal(text_money(DEC_ONE / 200, buf), "0.01");       /* half a cent is one */
    assert_string_equal(text_money(DEC_ONE / 200 - 1, buf), "0.00");
    assert_string_equal(text_money(-DEC_ONE / 200 + 1, buf), "0.00");  /* nothing has no sign */
    assert_string_equal(text_money(DEC_MAX, buf), "92,233,720,368.55");
    assert_string_equal(text_money(-DEC_MAX, buf), "-92,233,720,368.55");
    assert_string_equal(text_signed(DEC_ONE, buf), "+1.00");
    assert_string_equal(text_signed(-DEC_ONE, buf), "-1.00");
    assert_string_equal(text_signed(0, buf), "0.00");
    assert_string_equal(text_signed(DEC_NONE, buf), "-");
}

static void test_other_figures(void **state)
{
    (void)state;
    assert_string_equal(text_count(0, buf), "0");
    assert_string_equal(text_count(999, buf), "999");
    assert_string_equal(text_count(1000, buf), "1,000");
    assert_string_equal(text_count(UINT64_MAX, buf), "18,446,744,073,709,551,615");
    assert_string_equal(text_decimal(DEC_ONE * 5 / 4, buf), "1.25");
    assert_string_equal(text_decimal(DEC_NONE, buf), "-");
    assert_string_equal(text_time(0, true, buf), "-");
    assert_string_equal(text_time(1704067200 * S, false, buf), "2024-01-01 00:00");
    assert_string_equal(text_time(1709210096 * S + 999999999, true, buf), "2024-02-29 12:34:56"); /* a leap day */
}

static void test_duration(void **state)
{
    (void)state;
    assert_string_equal(text_duration(0, buf), "0.0s");
    assert_string_equal(text_duration(59.99, buf), "59.9s"); /* never "60.0s" */
    assert_string_equal(text_duration(60, buf), "1m00s");
    assert_string_equal(text_duration(3599, buf), "59m59s");
    assert_string_equal(text_duration(7500, buf), "2h05m");
    assert_string_equal(text_duration(86400 * 3 + 4 * 3600, buf), "3d04h");
    assert_string_equal(text_duration(-1, buf), "-");
    assert_string_equal(text_duration(0.0 / 0.0, buf), "-");
    assert_string_equal(text_duration(1e300, buf), "-");
}

/* --- outside text ------------------------------------------------------------------------------- */

static const char *clean(const char *text, size_t size)
{
    static char out[64];
    size_t n = text_clean(text, strlen(text), out, size);
    assert_int_equal(n, strlen(out));
    return out;
}

static void test_text_from_outside_commands_no_terminal(void **state)
{
    (void)state;
    assert_string_equal(clean("a\033[2Jb", 64), "a?[2Jb");
    assert_string_equal(clean("a\nb\rc\td\177", 64), "a?b?c d?");
    assert_string_equal(clean("\302\233" "31m", 64), "??31m");       /* CSI as a C1 control */
    assert_string_equal(clean("gr\303\274n \342\202\254 \360\237\220\232", 64), "gr\303\274n \342\202\254 \360\237\220\232");
    assert_string_equal(clean("\303", 64), "?");                     /* cut short */
    assert_string_equal(clean("\300\257\355\240\200\364\220\200\200", 64), "?????????"); /* overlong, surrogate, beyond */
    assert_string_equal(clean("ab\303\274", 4), "ab");               /* a cut splits no character */
    assert_string_equal(clean("ab", 1), "");
}

static void test_columns(void **state)
{
    (void)state;
    assert_int_equal(text_columns(""), 0);
    assert_int_equal(text_columns("gr\303\274n"), 4);
    assert_int_equal(text_cut("gr\303\274n", 3), 4);
    assert_int_equal(text_cut("abc", 0), 0);
    assert_int_equal(text_cut("abc", 9), 3);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(text_is_name("a") && text_is_name("alba-2") && text_is_name("abcdefghijklmnopqrstuvwxyz01234"));
    static const char *const bad[] = {"", "-a", "2a", "A", "a b", "../a", "a/b", "a.", "abcdefghijklmnopqrstuvwxyz012345", "\303\274"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(text_is_name(bad[i]));
}

/* --- tables ------------------------------------------------------------------------------------ */

static const struct table_column columns[] = {{"NAME", false, 0}, {"SIZE", true, 2}, {"STATE", false, 1}, {"WHY", false, 0}};

static struct table *sample(void)
{
    struct table *table = table_new(columns, 4);
    const char *const cells[] = {"alba", "100", "READY", "", "b\303\274reas", "9", "BACKOFF", "signal 9, \"killed\""};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        table_cell(table, "%s", cells[i]);
    assert_int_equal(table_rows(table), 2);
    assert_false(table_broken(table));
    return table;
}

static void expect_table(unsigned width, bool csv, const char *expected)
{
    struct table *table = sample();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (csv)
        table_print_csv(table, out);
    else
        table_print(table, width, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    table_free(&table);
    assert_null(table);
}

static void test_table_is_as_wide_as_its_cells(void **state)
{
    (void)state;
    expect_table(0, false,
                 "NAME    SIZE  STATE    WHY\n"
                 "alba     100  READY\n" /* no blanks at the end */
                 "b\303\274reas     9  BACKOFF  signal 9, \"killed\"\n");
}

static void test_table_drops_columns_then_cuts_the_last(void **state)
{
    (void)state;
    expect_table(40, false, "NAME    STATE    WHY\nalba    READY\nb\303\274reas  BACKOFF  signal 9, \"killed\"\n");
    expect_table(30, false, "NAME    WHY\nalba\nb\303\274reas  signal 9, \"killed\"\n");
    expect_table(14, false, "NAME    WHY\nalba\nb\303\274reas  signal\n");
    expect_table(3, false, "NAM\nalb\nb\303\274r\n");
}

static void test_csv(void **state)
{
    (void)state;
    expect_table(0, true, "NAME,SIZE,STATE,WHY\nalba,100,READY,\nb\303\274reas,9,BACKOFF,\"signal 9, \"\"killed\"\"\"\n");
}

static void test_cells_are_cleaned_and_cut(void **state)
{
    (void)state;
    struct table *table = table_new(columns, 1);
    char *text = NULL, wide[2 * TABLE_CELL_MAX];
    size_t size = 0;
    memset(wide, 'x', sizeof wide - 1);
    wide[sizeof wide - 1] = 0;
    table_cell(table, "%s", "a\033b\n");
    table_cell(table, "%s", wide);
    FILE *out = open_memstream(&text, &size);
    table_print(table, 0, out);
    fclose(out);
    assert_non_null(strstr(text, "a?b?\n"));
    assert_int_equal(size, strlen("NAME\na?b?\n") + TABLE_CELL_MAX - 1 + 1);
    free(text);
    table_free(&table);
}

/* --- terminal ------------------------------------------------------------------------------------- */

static void test_width_of_a_terminal_a_pipe_and_the_environment(void **state)
{
    (void)state;
    int pipes[2], master, slave;
    unsigned width, height;
    struct winsize size = {.ws_col = 132, .ws_row = 43};
    assert_int_equal(pipe(pipes), 0);
    unsetenv("COLUMNS");
    unsetenv("LINES");
    assert_int_equal(terminal_width(pipes[1]), 0);
    terminal_size(pipes[1], &width, &height);
    assert_true(width == 80 && height == 24);
    setenv("COLUMNS", "100", 1);
    setenv("LINES", "4", 1);
    assert_int_equal(terminal_width(pipes[1]), 100);
    terminal_size(pipes[1], &width, &height);
    assert_true(width == 100 && height == 8); /* never below */
    static const char *const bad[] = {"", "x", "12x", "99999", "-5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("COLUMNS", bad[i], 1);
        assert_int_equal(terminal_width(pipes[1]), 0);
    }
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    assert_int_equal(terminal_width(slave), 132);
    terminal_size(slave, &width, &height);
    assert_true(width == 132 && height == 43);
    size = (struct winsize){.ws_col = 5, .ws_row = 2};
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    terminal_size(slave, &width, &height);
    assert_true(width == 20 && height == 8);
    close(master);
    close(slave);
    close(pipes[0]);
    close(pipes[1]);
}

/* A follower must end when its reader has gone, also while nothing new comes. */
static void test_reader_gone(void **state)
{
    (void)state;
    int pipes[2], saved = dup(STDOUT_FILENO);
    fflush(stdout);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(dup2(pipes[1], STDOUT_FILENO), STDOUT_FILENO);
    close(pipes[1]);
    bool before = terminal_reader_gone(0);
    close(pipes[0]);
    bool after = terminal_reader_gone(5000);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_false(before);
    assert_true(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_money),
        cmocka_unit_test(test_other_figures),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_text_from_outside_commands_no_terminal),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_table_is_as_wide_as_its_cells),
        cmocka_unit_test(test_table_drops_columns_then_cuts_the_last),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_cells_are_cleaned_and_cut),
        cmocka_unit_test(test_width_of_a_terminal_a_pipe_and_the_environment),
        cmocka_unit_test(test_reader_gone),
    };
    return cmocka_run_group_tests_name("tools text", tests, NULL, NULL);
}
