/* propfleet account add, remove: one file comes or goes, the fleet follows, or all is as it was. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/loader.h"
#include "tools/account_ask.h"
#include "tools/account_file.h"
#include "tools/args.h"
#include "tools/ask.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/ledger.h"
#include "tools/load.h"
#include "tools/text.h"
#include "tools/view.h"

#define READY_SECONDS 60u
#define READY_SECONDS_MAX 86400u

/* --- which configuration ----------------------------------------------------------------------- */

/* The fleet that runs, if one does, and the configuration that is meant. */
struct scene {
    struct find find;
    struct view *view; /* NULL: no fleet runs */
    char runtime[CONFIG_PATH_MAX], config[CONFIG_PATH_MAX];
    bool same; /* the fleet that runs reads this configuration */
};

static bool same_folder(const char *a, const char *b)
{
    char *x = realpath(a, NULL), *y = realpath(b, NULL);
    bool same = x && y && strcmp(x, y) == 0;
    free(x);
    free(y);
    return same;
}

static void scene_close(struct scene *scene)
{
    free(scene->view);
    scene->view = NULL;
}

/* EXIT_DONE, or what was said. A fleet that was named and does not answer is an error, one that was not is none. */
static int scene_open(struct scene *scene)
{
    struct error err = {0};
    scene->view = calloc(1, sizeof *scene->view);
    if (!scene->view)
        return command_fail(EXIT_NO, "no memory");
    bool named = find_named_runtime(&scene->find) != NULL;
    int rc = find_runtime_dir(&scene->find, scene->runtime, &err);
    rc = rc == 0 ? view_ask(scene->runtime, scene->view, &err) : rc;
    if (rc != 0)
        scene_close(scene);
    if (rc != 0 && (named || (rc != -ENOENT && rc != -ECONNREFUSED && rc != -EINVAL)))
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    if (scene->view && !scene->find.config) {
        snprintf(scene->config, sizeof scene->config, "%s", scene->view->config_dir);
    } else if (find_config_dir(&scene->find, scene->config, &err) != 0) {
        scene_close(scene);
        return command_fail(EXIT_CONFIG, "%s", err.text);
    }
    scene->same = scene->view && same_folder(scene->config, scene->view->config_dir);
    return EXIT_DONE;
}

static struct load *scene_load(const struct scene *scene)
{
    struct loader_options options = {.config_dir = scene->config, .state_dir = scene->find.state};
    return load_new(&options);
}

/* Says what is wrong; true when it is good. */
static bool scene_check(const struct scene *scene)
{
    struct load *load = scene_load(scene);
    bool good = load && load->report.error_count == 0;
    if (load && !good)
        load_print_report(load, stderr);
    load_free(&load);
    return good;
}

/* --- add ---------------------------------------------------------------------------------------------- */

static int refuse_file(const char *path, int status)
{
    if (unlink(path) != 0)
        return command_fail(status, "%s could not be removed again: %s", path, strerror(errno));
    fprintf(stderr, "propfleet: nothing was changed: %s was removed again\n", path);
    return status;
}

/* The fleet takes it in, or the file goes away again. */
static int add_to_fleet(const struct scene *scene, const char *name, const char *path, uint64_t seconds)
{
    int status = ask_and_print(scene->runtime, "reload", CLIENT_LONG_NS);
    if (status == EXIT_NO || status == EXIT_USAGE || status == EXIT_CONFIG)
        return refuse_file(path, status);
    if (status != EXIT_DONE) {
        fprintf(stderr, "propfleet: %s stays; `propfleet status` says whether the fleet has taken it in\n", path);
        return status;
    }
    status = ask_until_ready(scene->runtime, name, 0, seconds);
    if (status == EXIT_DONE)
        printf("account %s is READY\n", name);
    else
        fprintf(stderr, "propfleet: %s stays; `propfleet account remove %s` takes the account out\n", path, name);
    return status;
}

static int add(const struct scene *scene, const struct account_spec *spec, uint64_t seconds)
{
    char text[ACCOUNT_FILE_BYTES_MAX], path[CONFIG_PATH_MAX];
    struct error err = {0};
    if (account_file_text(spec, text, sizeof text, &err) < 0)
        return command_usage("account add", "%s", err.text);
    if (account_file_find(scene->config, spec->name, path, NULL) == 0)
        return command_fail(EXIT_NO, "account %s is there already, in %s", spec->name, path);
    if (account_file_write(scene->config, spec->name, text, path, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    if (!scene_check(scene))
        return refuse_file(path, EXIT_CONFIG);
    printf("%s is written\n", path);
    fflush(stdout);
    if (scene->same)
        return add_to_fleet(scene, spec->name, path, seconds);
    if (scene->view)
        printf("the fleet that runs reads %s: ", scene->view->config_dir);
    else
        printf("no fleet runs: ");
    printf("account %s starts with the next run of %s\n", spec->name, scene->config);
    return EXIT_DONE;
}

/* Somebody sits at the terminal. */
static bool may_ask(void) { return isatty(STDIN_FILENO) && isatty(STDERR_FILENO); }

static int add_complete(const struct scene *scene, struct account_spec *spec, struct account_answers *answers, uint64_t seconds)
{
    struct error err = {0};
    struct load *load = scene_load(scene);
    if (!load)
        return command_fail(EXIT_NO, "no memory");
    int status;
    if (load->report.error_count > 0) {
        load_print_report(load, stderr);
        status = command_fail(EXIT_CONFIG, "the configuration has errors before anything is added; nothing was changed");
    } else if (account_ask(spec, answers, &load->config, may_ask() ? stdin : NULL, stderr, &err) != 0 ||
               account_ask_confirm(spec, &load->config, spec->confirmed, may_ask() ? stdin : NULL, stderr, &err) != 0) {
        status = command_usage("account add", "%s", err.text);
    } else {
        status = add(scene, spec, seconds);
    }
    load_free(&load);
    return status;
}

int account_add(int argc, char **argv)
{
    struct scene scene = {0};
    struct account_spec spec = {0};
    struct account_answers answers;
    const char *balance = NULL;
    uint64_t seconds = READY_SECONDS, seed = UINT64_MAX;
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .max = 1, .what = "NAME"};
    struct args_option known[] = {
        FIND_OPTIONS(scene.find),
        {"--name", ARGS_TEXT, &spec.name},
        {"--firm", ARGS_TEXT, &spec.firm},
        {"--programme", ARGS_TEXT, &spec.programme},
        {"--phase", ARGS_TEXT, &spec.phase},
        {"--balance", ARGS_TEXT, &balance},
        {"--size", ARGS_TEXT, &spec.size},
        {"--currency", ARGS_TEXT, &spec.currency},
        {"--personality", ARGS_TEXT, &spec.personality},
        {"--after-crash", ARGS_TEXT, &spec.after_crash},
        {"--observe-only", ARGS_FLAG, &spec.observe_only},
        {"--confirm", ARGS_FLAG, &spec.confirmed},
        {"--seed", ARGS_U64, &seed},
        {"--timeout", ARGS_U64, &seconds},
    };
    struct error err = {0};
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("account add", "%s", err.text);
    if (operands.count && spec.name)
        return command_usage("account add", "the name is given twice");
    if (seconds == 0 || seconds > READY_SECONDS_MAX)
        return command_usage("account add", "--timeout is 1 to %u seconds", READY_SECONDS_MAX);
    if (balance && account_ask_balance(&spec, balance, &answers, &err) != 0)
        return command_usage("account add", "%s", err.text);
    spec.name = operands.count ? names[0] : spec.name;
    if (spec.name && !text_is_name(spec.name))
        return command_usage("account add", "'%.40s' is no account's name: lower-case letters, digits and dashes, beginning with a letter",
                             spec.name);
    spec.has_seed = seed != UINT64_MAX;
    spec.seed = seed;
    int status = scene_open(&scene);
    if (status == EXIT_DONE)
        status = add_complete(&scene, &spec, &answers, seconds);
    scene_close(&scene);
    return status;
}

/* --- remove --------------------------------------------------------------------------------------------- */

/* What the account's store says: nothing open, nothing on its way. */
static bool store_is_flat(const char *state_dir, const char *name, char *why, size_t size)
{
    struct ledger ledger;
    struct error err = {0};
    static struct core_position positions[CORE_POSITIONS_MAX];
    static struct order orders[CORE_ORDERS_MAX];
    unsigned position_count = 0, order_count = 0, open = 0, working = 0;
    int rc = ledger_open(state_dir, name, &ledger, &err);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return true; /* it never ran */
    if (rc == 0) {
        rc = ledger_positions(&ledger, positions, &position_count, &err);
        rc = rc == 0 ? ledger_orders(&ledger, orders, &order_count, &err) : rc;
        ledger_close(&ledger);
    }
    for (unsigned i = 0; i < position_count; i++)
        open += positions[i].qty != 0;
    for (unsigned i = 0; i < order_count; i++)
        working += !ledger_order_final(orders[i].state);
    if (rc != 0)
        snprintf(why, size, "%s", err.text);
    else
        snprintf(why, size, "%u positions, %u orders", open, working);
    return rc == 0 && open == 0 && working == 0;
}

/* The fleet's word, as of now. */
static bool fleet_says_flat(const struct scene *scene, const char *name, char *why, size_t size)
{
    struct error err = {0};
    if (view_ask(scene->runtime, scene->view, &err) != 0) {
        snprintf(why, size, "%s", err.text);
        return false;
    }
    const struct view_account *account = view_account_find(scene->view, name);
    const struct view_process *process = view_process_find(scene->view, name);
    if (!account || !process || !account->has_status || process->pid == VIEW_NONE)
        return store_is_flat(scene->view->state_dir, name, why, size);
    snprintf(why, size, "%llu positions, %llu orders", (unsigned long long)account->positions,
             (unsigned long long)account->orders_working);
    return account->positions == 0 && account->orders_working == 0;
}

/* Entries off, then look: an account that may still enter is flat only by chance. It leaves paused, or goes on. */
static bool hold_and_look(const struct scene *scene, const char *name, char *why, size_t size)
{
    if (!fleet_says_flat(scene, name, why, size))
        return false;
    char request[256];
    struct client_answer answer;
    const struct view_account *account = view_account_find(scene->view, name);
    bool was_paused = account && strcmp(account->text, refusal_text(REFUSAL_PAUSED)) == 0;
    ask_account_request(name, "pause", request, sizeof request);
    if (client_ask(scene->runtime, request, CLIENT_LONG_NS, &answer, NULL) == 0)
        client_answer_free(&answer);
    if (fleet_says_flat(scene, name, why, size))
        return true;
    ask_account_request(name, "resume", request, sizeof request);
    if (!was_paused && client_ask(scene->runtime, request, CLIENT_LONG_NS, &answer, NULL) == 0)
        client_answer_free(&answer);
    return false;
}

static int remove_file(const struct scene *scene, const char *name, const char *path)
{
    char moved[CONFIG_PATH_MAX];
    struct error err = {0};
    if (account_file_remove(scene->config, path, moved, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    int status = scene->same ? ask_and_print(scene->runtime, "reload", CLIENT_LONG_NS) : EXIT_DONE;
    if (status != EXIT_DONE) { /* the fleet did not take it: back to where it was */
        if (account_file_move(moved, path, &err) != 0)
            return command_fail(status, "%s", err.text);
        return command_fail(status, "nothing was changed: %s is back", path);
    }
    printf("account %s is removed; its file is %s, its state stays\n", name, moved);
    return EXIT_DONE;
}

int account_remove(int argc, char **argv)
{
    struct scene scene = {0};
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .min = 1, .max = 1, .what = "NAME"};
    struct args_option known[] = {FIND_OPTIONS(scene.find)};
    struct error err = {0};
    char path[CONFIG_PATH_MAX], state[CONFIG_PATH_MAX], why[ERROR_TEXT_MAX] = "";
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("account remove", "%s", err.text);
    if (!text_is_name(names[0]))
        return command_usage("account remove", "'%.40s' is no account's name", names[0]);
    int status = scene_open(&scene);
    if (status != EXIT_DONE)
        return status;
    bool flat = false;
    if (account_file_find(scene.config, names[0], path, &err) != 0)
        status = command_fail(EXIT_NO, "%s", err.text);
    else if (scene.same)
        flat = hold_and_look(&scene, names[0], why, sizeof why);
    else if (find_state_dir(&scene.find, state, &err) != 0)
        status = command_fail(EXIT_UNREACHABLE, "%s", err.text);
    else
        flat = store_is_flat(state, names[0], why, sizeof why);
    if (status == EXIT_DONE && !flat)
        status = command_fail(EXIT_NO, "account %s is not flat (%s); propfleet account flatten %s, then again", names[0], why, names[0]);
    if (status == EXIT_DONE)
        status = remove_file(&scene, names[0], path);
    scene_close(&scene);
    return status;
}

/* --- phase ------------------------------------------------------------------------------------------------- */

static bool read_text(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(out, 1, size - 1, file) : 0;
    bool good = file && !ferror(file) && feof(file);
    if (file)
        fclose(file);
    out[n] = 0;
    return good;
}

static int change_phase(const struct scene *scene, const char *name, const char *phase, const char *path, uint64_t seconds)
{
    char before[ACCOUNT_FILE_BYTES_MAX * 4], after[sizeof before + 64];
    struct error err = {0};
    if (!read_text(path, before, sizeof before))
        return command_fail(EXIT_NO, "%s cannot be read, or is too long", path);
    if (account_file_phase(before, phase, after, sizeof after, &err) < 0 || account_file_replace(path, after, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    int status = EXIT_DONE;
    if (!scene_check(scene))
        status = EXIT_CONFIG;
    else if (scene->same)
        status = ask_and_print(scene->runtime, "reload", CLIENT_LONG_NS);
    if (status == EXIT_NO || status == EXIT_USAGE || status == EXIT_CONFIG) {
        (void)account_file_replace(path, before, &err);
        fprintf(stderr, "propfleet: nothing was changed: %s is as it was\n", path);
        return status;
    }
    if (status == EXIT_DONE && scene->same)
        status = ask_until_ready(scene->runtime, name, 0, seconds);
    if (status == EXIT_DONE)
        printf("account %s is in phase %s: its marks and its balance begin anew\n", name, phase);
    return status;
}

int account_phase(int argc, char **argv)
{
    struct scene scene = {0};
    uint64_t seconds = READY_SECONDS;
    const char *names[2] = {NULL};
    struct args_operands operands = {.list = names, .min = 2, .max = 2, .what = "NAME PHASE"};
    struct args_option known[] = {FIND_OPTIONS(scene.find), {"--timeout", ARGS_U64, &seconds}};
    struct error err = {0};
    char path[CONFIG_PATH_MAX], state[CONFIG_PATH_MAX], why[ERROR_TEXT_MAX] = "";
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("account phase", "%s", err.text);
    if (!text_is_name(names[0]))
        return command_usage("account phase", "'%.40s' is no account's name", names[0]);
    int status = scene_open(&scene);
    if (status != EXIT_DONE)
        return status;
    bool flat = false;
    if (account_file_find(scene.config, names[0], path, &err) != 0)
        status = command_fail(EXIT_NO, "%s", err.text);
    else if (scene.same)
        flat = hold_and_look(&scene, names[0], why, sizeof why);
    else if (find_state_dir(&scene.find, state, &err) != 0)
        status = command_fail(EXIT_UNREACHABLE, "%s", err.text);
    else
        flat = store_is_flat(state, names[0], why, sizeof why);
    if (status == EXIT_DONE && !flat)
        status = command_fail(EXIT_NO, "account %s is not flat (%s); propfleet account flatten %s, then again", names[0], why, names[0]);
    if (status == EXIT_DONE)
        status = change_phase(&scene, names[0], names[1], path, seconds);
    scene_close(&scene);
    return status;
}
