/* propfleet flatten --all, and account flatten: close everything; done only when the venue says so. */
#include "tools/flatten.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "tools/args.h"
#include "tools/ask.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/view.h"

#define AGAIN_MS 500

/* The account's own words (workers/account/driver_control.c); an OK with any other text is not believed. */
#define CONFIRMED "flat:"
/* Still being done: the account's answer to a second request, and the supervisor's when the account takes long. */
static bool under_way(const char *text) { return strstr(text, "under way") || strstr(text, "no answer in time"); }

static void first_line(const char *text, char *out, size_t size) { text_clean(text, strcspn(text, "\n"), out, size); }

/* What came of one request. */
static void take(struct flatten_result *result, const struct client_call *call)
{
    result->asked = false;
    if (call->rc != 0) {
        snprintf(result->text, sizeof result->text, "%s", call->error);
        return;
    }
    const char *text = call->answer.code == 0 ? call->answer.body : call->answer.text;
    first_line(text, result->text, sizeof result->text);
    result->flat = call->answer.code == 0 && strncmp(result->text, CONFIRMED, strlen(CONFIRMED)) == 0;
    result->asked = call->answer.code != 0 && under_way(text); /* ask again */
}

void flatten_accounts(const char *runtime_dir, struct flatten_result *results, unsigned count, uint64_t seconds)
{
    struct clock clock;
    clock_init_real(&clock);
    int64_t deadline = clock.mono_ns(&clock) + (int64_t)seconds * CLOCK_NS_PER_S;
    struct client_call calls[FLATTEN_MAX];
    char requests[FLATTEN_MAX][256];
    unsigned index[FLATTEN_MAX];
    for (unsigned i = 0; i < count; i++)
        results[i].asked = true;
    for (;;) {
        unsigned n = 0;
        int64_t left = deadline - clock.mono_ns(&clock);
        for (unsigned i = 0; i < count; i++) {
            if (!results[i].asked)
                continue;
            ask_account_request(results[i].account, "flatten", requests[n], sizeof requests[n]);
            calls[n] = (struct client_call){.request = requests[n], .timeout_ns = left < CLIENT_LONG_NS ? left : CLIENT_LONG_NS};
            index[n++] = i;
        }
        if (n == 0 || left <= 0)
            return;
        client_ask_all(runtime_dir, calls, n);
        bool again = false;
        for (unsigned k = 0; k < n; k++) {
            take(&results[index[k]], &calls[k]);
            client_answer_free(&calls[k].answer);
            again |= results[index[k]].asked;
        }
        if (again)
            (void)poll(NULL, 0, AGAIN_MS);
    }
}

static const struct table_column columns[] = {{"ACCOUNT", false, 0}, {"FLAT", false, 0}, {"RESULT", false, 0}};

static int print_results(const struct flatten_result *results, unsigned count)
{
    struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
    unsigned flat = 0;
    if (!table)
        return command_fail(EXIT_NO, "no memory");
    for (unsigned i = 0; i < count; i++) {
        table_cell(table, "%s", results[i].account);
        table_cell(table, "%s", results[i].flat ? "yes" : "NO");
        table_cell(table, "%s", results[i].text);
        flat += results[i].flat;
    }
    table_print(table, 0, stdout);
    table_free(&table);
    if (flat == count)
        return EXIT_DONE;
    return command_fail(EXIT_NO, "%u of %u accounts are not confirmed flat", count - flat, count);
}

int command_flatten(int argc, char **argv)
{
    struct find find = {0};
    bool all = false;
    uint64_t seconds = FLATTEN_SECONDS;
    struct args_option known[] = {FIND_RUNTIME_OPTION(find), {"--all", ARGS_FLAG, &all}, {"--timeout", ARGS_U64, &seconds}};
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX];
    static struct view view;
    static struct flatten_result results[FLATTEN_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("flatten", "%s", err.text);
    if (!all)
        return command_usage("flatten", "--all is missing (one account: propfleet account flatten NAME)");
    if (seconds == 0 || seconds > FLATTEN_SECONDS_MAX)
        return command_usage("flatten", "--timeout is 1 to %u seconds", FLATTEN_SECONDS_MAX);
    if (find_runtime_dir(&find, runtime, &err) != 0 || view_ask(runtime, &view, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    for (unsigned i = 0; i < view.account_count; i++)
        snprintf(results[i].account, sizeof results[i].account, "%s", view.accounts[i].name);
    flatten_accounts(runtime, results, view.account_count, seconds);
    return print_results(results, view.account_count);
}
