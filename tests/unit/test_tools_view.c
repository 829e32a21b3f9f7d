/* The supervisor's status as the tools read it, and the screens that are made of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "tools/client.h"
#include "tools/screen.h"
#include "tools/text.h"
#include "tools/view.h"

/* view_ask is not what is tested here. */
int client_ask(const char *runtime_dir, const char *request, int64_t timeout_ns, struct client_answer *out, struct error *err)
{
    (void)runtime_dir, (void)request, (void)timeout_ns, (void)out;
    return error_set(err, ENOENT, "no fleet in this test");
}
void client_answer_free(struct client_answer *answer) { (void)answer; }

#define FLEET \
    "\"fleet\":{\"state_dir\":\"/s\",\"runtime_dir\":\"/r\",\"config_dir\":\"/c\",\"source\":\"simulator\",\"simulated\":true," \
    "\"live\":false,\"speed\":20000.0,\"pid\":42,\"uptime_s\":61.5,\"ready\":true,\"stopping\":\"no\",\"restarts_held\":false," \
    "\"unacknowledged\":1}"
#define RING "\"ring\":{\"head\":1234567,\"rate\":800,\"lapped\":0,\"market_time\":1704067200000000000,\"rows_read\":9,\"rows_bad\":0}"
#define COORDINATOR "\"coordinator\":{\"rounds\":7,\"grants\":5,\"refusals\":2,\"reservations\":1,\"joint_risk\":\"250.00\"}"
#define PROCESS(name, kind, account, state) \
    "{\"name\":\"" name "\",\"kind\":\"" kind "\",\"account\":" account ",\"pid\":100,\"generation\":1,\"state\":\"" state "\"," \
    "\"restarts\":2,\"deaths\":1,\"heartbeat_age_ms\":3,\"uptime_s\":60.0,\"memory_kib\":4000,\"done\":false,\"why\":\"\"," \
    "\"a key of tomorrow\":[1,2,{}]}"
#define ACCOUNT(name, equity) \
    "{\"name\":\"" name "\",\"firm\":\"ftmo\",\"programme\":\"2-step\",\"phase\":\"challenge\",\"currency\":\"USD\"," \
    "\"personality\":\"avocet\",\"state\":\"ACTIVE\",\"balance\":\"100000.00\",\"equity\":\"" equity "\",\"day_pnl\":\"-12.50\"," \
    "\"open_risk\":\"250.00\",\"positions\":1,\"orders_working\":2,\"signals\":9,\"trades\":4,\"entries_filled\":5," \
    "\"last_refusal\":\"MAX_POSITIONS\",\"refusals\":{\"MAX_POSITIONS\":3,\"OF_TOMORROW\":1},\"proposals\":6,\"granted\":5," \
    "\"refused\":1,\"journal_seq\":77,\"market_time\":1704067200000000000,\"lapped\":0,\"text\":\"\"}"
/* One that does not run: null, and no figures. */
#define ACCOUNT_DOWN \
    "{\"name\":\"boreas\",\"firm\":\"ftmo\",\"programme\":\"2-step\",\"phase\":\"challenge\",\"currency\":\"USD\"," \
    "\"personality\":\"bittern\",\"state\":null}"
#define PROCESSES "\"processes\":[" PROCESS("feed", "feed", "null", "READY") "," PROCESS("account:alba", "account", "\"alba\"", "READY") "]"
#define STATUS "{" PROCESSES ",\"accounts\":[" ACCOUNT("alba", "100100.25") "," ACCOUNT_DOWN "]," RING "," COORDINATOR "," FLEET "}"

static struct view view;
static struct error err;

static void test_what_the_supervisor_says(void **state)
{
    (void)state;
    if (view_parse(STATUS, strlen(STATUS), &view, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(view.process_count, 2);
    assert_int_equal(view.account_count, 2);
    assert_string_equal(view.state_dir, "/s");
    assert_true(view.head == 1234567 && view.rounds == 7 && view.unacknowledged == 1 && view.joint_risk == 250 * DEC_ONE);
    const struct view_account *alba = view_account_find(&view, "alba"), *boreas = view_account_find(&view, "boreas");
    assert_true(alba->equity == 10010025 * (DEC_ONE / 100) && alba->day_pnl == -1250 * (DEC_ONE / 100));
    assert_int_equal(alba->refusals[REFUSAL_MAX_POSITIONS], 3);
    assert_true(!boreas->has_status && boreas->equity == DEC_NONE);
    assert_null(view_account_find(&view, "nobody"));
    assert_non_null(view_process_find(&view, "alba"));
    assert_null(view_process_find(&view, "boreas"));
}

/* STATUS with the first `from` replaced by `to`; the error has to name the field. */
static void expect_refused(const char *from, const char *to, const char *says)
{
    const char *at = strstr(STATUS, from);
    assert_non_null(at);
    size_t size = strlen(STATUS) + strlen(to) + 1;
    char *text = malloc(size);
    snprintf(text, size, "%.*s%s%s", (int)(at - STATUS), STATUS, to, at + strlen(from));
    memset(&err, 0, sizeof err);
    assert_int_equal(view_parse(text, strlen(text), &view, &err), -71);
    if (!strstr(err.text, says))
        fail_msg("'%s' does not say '%s'", err.text, says);
    free(text);
}

static void test_what_is_missing_or_wrong_is_named(void **state)
{
    (void)state;
    expect_refused("\"pid\":100", "\"pid\":\"100\"", "processes[0].pid is no whole number");
    expect_refused("\"generation\":1,", "", "processes[0].generation is missing");
    expect_refused("\"restarts\":2", "\"restarts\":-2", "processes[0].restarts is no whole number");
    expect_refused("\"equity\":\"100100.25\"", "\"equity\":100100.25", "accounts[0].equity is no amount");
    expect_refused("\"equity\":\"100100.25\"", "\"equity\":\"1e5\"", "accounts[0].equity is no amount");
    expect_refused("\"refusals\":{", "\"refusals\":[],\"x\":{", "accounts[0].refusals is no object");
    expect_refused("\"MAX_POSITIONS\":3", "\"MAX_POSITIONS\":-3", "accounts[0].refusals is not made of whole numbers");
    expect_refused("\"name\":\"boreas\"", "\"name\":\"../boreas\"", "accounts[1].name is no account's name");
    expect_refused("\"state_dir\":\"/s\"", "\"state_dir\":\"s\"", "no absolute path");
    expect_refused("\"simulated\":true", "\"simulated\":1", "fleet.simulated is neither true nor false");
    expect_refused("\"speed\":20000.0", "\"speed\":\"max\"", "fleet.speed is no number");
    expect_refused("\"head\":1234567", "\"head\":18446744073709551615", "no JSON");
    expect_refused("\"ring\":{", "\"ring\":[],\"x\":{", "ring. is no object");
    expect_refused("\"head\"", "\"head\":1,\"head\"", "no JSON"); /* twice */
    expect_refused("\"processes\":[", "\"processes\":[1,", "processes[0]. is no object");
    expect_refused("}}", "}", "no JSON");
}

static void test_no_status_at_all(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[]", "null", "{}", "{\"fleet\":null}", "\377", "{\"processes\":{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(view_parse(bad[i], strlen(bad[i]), &view, NULL), -71);
}

static void test_too_many_are_refused(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("{\"processes\":[", out);
    for (unsigned i = 0; i <= VIEW_PROCESSES_MAX; i++)
        fprintf(out, "%s%s", i ? "," : "", PROCESS("feed", "feed", "null", "READY"));
    fputs("],\"accounts\":[]," RING "," COORDINATOR "," FLEET "}", out);
    fclose(out);
    assert_int_equal(view_parse(text, size, &view, &err), -71);
    assert_non_null(strstr(err.text, "processes is too long"));
    free(text);
}

static void test_text_is_cleaned(void **state)
{
    (void)state;
    char text[] = STATUS;
    memcpy(strstr(text, "simulator"), "\\u001b[2J", 9);
    assert_int_equal(view_parse(text, strlen(text), &view, &err), 0);
    assert_string_equal(view.source, "?[2J");
}

static void test_sums(void **state)
{
    (void)state;
    struct view_sum sum;
    assert_int_equal(view_parse(STATUS, strlen(STATUS), &view, &err), 0);
    view_sum(&view, &sum);
    assert_true(sum.known == 1 && sum.equity == 10010025 * (DEC_ONE / 100) && sum.restarts == 4 && sum.trades == 4);
    view.account_count = 0;
    view_sum(&view, &sum);
    assert_true(sum.equity == DEC_NONE && sum.known == 0);
}

/* The sum began anew with the account behind the one that did not fit. */
static void test_a_sum_that_does_not_fit_is_not_known(void **state)
{
    (void)state;
    struct view_sum sum;
    memset(&view, 0, sizeof view);
    view.account_count = 3;
    for (unsigned i = 0; i < 3; i++)
        view.accounts[i] = (struct view_account){.has_status = true, .equity = i < 2 ? DEC_MAX : DEC_ONE, .balance = DEC_NONE};
    view_sum(&view, &sum);
    assert_true(sum.equity == DEC_NONE && sum.balance == DEC_NONE && sum.day_pnl == 0);
}

/* --- screens --------------------------------------------------------------------------------- */

static char *frame_of(unsigned width, unsigned height)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (height)
        screen_frame(&view, width, height, out);
    else
        screen_status(&view, width, out);
    fclose(out);
    return text;
}

static unsigned lines_of(const char *text, unsigned width)
{
    unsigned lines = 0;
    for (; *text; lines++) {
        size_t length = strcspn(text, "\n");
        char line[1024];
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        if (width)
            assert_true(text_columns(line) <= width);
        text += length + 1;
    }
    return lines;
}

static void test_status_says_it_all(void **state)
{
    (void)state;
    assert_int_equal(view_parse(STATUS, strlen(STATUS), &view, &err), 0);
    char *text = frame_of(0, 0);
    static const char *const parts[] = {"SIMULATED market and fills", "simulator 20000x", "2/2 READY", "up 1m01s", "alerts 1",
                                        "equity 100,100.25 USD", "day -12.50", "MAX_POSITIONS", "boreas", "account:alba"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(text, parts[i]))
            fail_msg("no '%s' in\n%s", parts[i], text);
    free(text);
    view.simulated = false; /* a real market: the fills are on paper all the same */
    text = frame_of(0, 0);
    assert_non_null(strstr(text, "SIMULATED fills"));
    assert_null(strstr(text, "SIMULATED market"));
    free(text);
}

static void test_frame_fits_its_terminal(void **state)
{
    (void)state;
    assert_int_equal(view_parse(STATUS, strlen(STATUS), &view, &err), 0);
    view.account_count = 20;
    for (unsigned i = 1; i < 20; i++) {
        view.accounts[i] = view.accounts[0];
        snprintf(view.accounts[i].name, sizeof view.accounts[i].name, "account-%u", i);
    }
    for (unsigned width = 20; width <= 200; width += 15)
        for (unsigned height = SCREEN_LINES_MIN; height <= 50; height += 3) {
            char *text = frame_of(width, height);
            unsigned lines = lines_of(text, width);
            if (lines > height)
                fail_msg("%u lines of %u at width %u:\n%s", lines, height, width, text);
            assert_int_equal(strncmp(text, "propfleet  SIMULATED", 20), 0);
            free(text);
        }
}

/* "open 14" was shown as "ope" at 80 columns; "trades 133" cut to "trades 13" would be believed. */
static void test_no_figure_is_cut_in_two(void **state)
{
    (void)state;
    assert_int_equal(view_parse(STATUS, strlen(STATUS), &view, &err), 0);
    char *whole = frame_of(200, 20);
    for (unsigned width = 60; width < 110; width++) {
        char *text = frame_of(width, 20);
        const char *at = text, *full = whole;
        for (int line = 0; line < 3; line++) {
            size_t length = strcspn(at, "\n");
            assert_memory_equal(at, full, length);
            assert_true(full[length] == '\n' || strncmp(full + length, "  ", 2) == 0);
            at += length + 1;
            full += strcspn(full, "\n") + 1;
        }
        free(text);
    }
    free(whole);
}

static void test_line_of_progress(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(view_parse(STATUS, strlen(STATUS), &view, &err), 0);
    FILE *out = open_memstream(&text, &size);
    screen_line(&view, out);
    fclose(out);
    assert_string_equal(text, "2024-01-01 00:00  1,234,567 records (800/s)  equity 100,100.25 USD  entries 5  trades 4  open 1  "
                              "restarts 4  SIMULATED\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_supervisor_says),
        cmocka_unit_test(test_what_is_missing_or_wrong_is_named),
        cmocka_unit_test(test_no_status_at_all),
        cmocka_unit_test(test_too_many_are_refused),
        cmocka_unit_test(test_text_is_cleaned),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_a_sum_that_does_not_fit_is_not_known),
        cmocka_unit_test(test_status_says_it_all),
        cmocka_unit_test(test_frame_fits_its_terminal),
        cmocka_unit_test(test_no_figure_is_cut_in_two),
        cmocka_unit_test(test_line_of_progress),
    };
    return cmocka_run_group_tests_name("tools view", tests, NULL, NULL);
}
