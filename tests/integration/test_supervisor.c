/* The supervisor with real processes: fake children, a hand-built configuration, real signals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/integration/supervisor_rig.h"

#define TEN "a0\na1\na2\na3\na4\na5\na6\na7\na8\na9\n"

static struct rig rig;

static int setup(void **state)
{
    rig_open(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static json_t *value(json_t *status, const char *name, const char *key)
{
    json_t *process = rig_process(status, name);
    assert_non_null(process);
    return json_object_get(process, key);
}

static json_int_t integer(const char *name, const char *key)
{
    json_t *status = rig_status(&rig);
    json_int_t number = json_integer_value(value(status, name, key));
    json_decref(status);
    return number;
}

static void expect_text(const char *name, const char *key, const char *part)
{
    json_t *status = rig_status(&rig);
    const char *text = json_string_value(value(status, name, key));
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("%s of %s is '%s', not '%s'", key, name, text, part);
    json_decref(status);
}

static void expect_answer(const char *request, const char *part)
{
    char *answer = rig_ask(&rig, request);
    if (!strstr(answer, part))
        fail_msg("'%s' was answered '%s', not '%s'", request, answer, part);
    free(answer);
}

/* Pids of all processes, to see that nobody but one changes. */
struct pids {
    int count;
    char name[40][64];
    pid_t pid[40];
};

static void pids_take(struct pids *pids)
{
    json_t *status = rig_status(&rig), *process;
    size_t i;
    pids->count = 0;
    json_array_foreach(json_object_get(status, "processes"), i, process)
    {
        snprintf(pids->name[pids->count], sizeof pids->name[0], "%s", json_string_value(json_object_get(process, "name")));
        pids->pid[pids->count++] = (pid_t)json_integer_value(json_object_get(process, "pid"));
    }
    json_decref(status);
}

static void pids_expect(const struct pids *pids, const char *but)
{
    for (int i = 0; i < pids->count; i++)
        if (strcmp(pids->name[i], but) != 0)
            assert_int_equal(rig_pid(&rig, pids->name[i]), pids->pid[i]);
}

static void test_start(void **state)
{
    (void)state;
    struct stat st;
    char path[256];
    rig_write(&rig, "config/accounts", "alba\nbora\ncima\n");
    rig_start_ready(&rig);
    json_t *status = rig_status(&rig);
    assert_int_equal(json_array_size(json_object_get(status, "processes")), 5);
    assert_int_equal(json_array_size(json_object_get(status, "accounts")), 3);
    assert_string_equal(json_string_value(value(status, "account:alba", "kind")), "account");
    assert_int_equal(json_integer_value(value(status, "account:alba", "restarts")), 0);
    assert_true(json_integer_value(value(status, "account:alba", "memory_kib")) > 0);
    assert_true(json_integer_value(value(status, "account:alba", "heartbeat_age_ms")) < 5000);
    json_t *account = json_array_get(json_object_get(status, "accounts"), 0);
    assert_string_equal(json_string_value(json_object_get(account, "balance")), "1000.00");
    assert_string_equal(json_string_value(json_object_get(account, "firm")), "firm");
    json_decref(status);
    /* Every reader got sealed segments, once, and knows the coordinator. */
    assert_int_equal(rig_count(&rig, "state/trace", "account:", "segment generation 1 sealed 1 attached 1"), 3);
    assert_int_equal(rig_count(&rig, "state/trace", "feed ", "alive 1 fds 2"), 3);
    assert_int_equal(rig_count(&rig, "state/trace", "coordinator ", "alive 1 fds 1"), 3);
    assert_int_equal(rig_count(&rig, "state/trace", "account:", "peer kind 0 account -1 generation 1"), rig_count(
        &rig, "state/trace", "account:", "peer kind 0"));
    assert_int_equal(rig_count(&rig, "state/trace", "feed ", " go"), 1);
    assert_true(rig_find(&rig, "state/trace", "account:cima", "peer kind 0") >= 0);
    rig_path(&rig, "runtime", path, sizeof path);
    assert_return_code(stat(path, &st), errno);
    assert_int_equal(st.st_mode & 0777, 0700);
    rig_path(&rig, "runtime/control.sock", path, sizeof path);
    assert_return_code(stat(path, &st), errno);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_child_has_the_fixed_descriptors_only(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\n");
    rig_start_ready(&rig);
    rig_wait_count(&rig, "state/trace", "coordinator ", "fds 0 1 2 3 4 5\n", 1);
    rig_wait_count(&rig, "state/trace", "feed ", "fds 0 1 2 3 4 5 6 7\n", 1);
    rig_wait_count(&rig, "state/trace", "account:alba ", "fds 0 1 2 3 4 5 8\n", 1);
    pid_t before = rig_pid(&rig, "account:alba");
    kill(before, SIGKILL);
    rig_wait_restarted(&rig, "account:alba", before);
    rig_wait_count(&rig, "state/trace", "account:alba ", "fds 0 1 2 3 4 5 8\n", 2);
}

static void test_killed_account_comes_back_alone(void **state)
{
    (void)state;
    struct pids pids;
    rig_write(&rig, "config/accounts", TEN);
    rig_start_ready(&rig);
    pids_take(&pids);
    pid_t before = rig_pid(&rig, "account:a3");
    kill(before, SIGKILL);
    rig_wait_restarted(&rig, "account:a3", before);
    pids_expect(&pids, "account:a3");
    assert_int_equal(integer("account:a3", "restarts"), 1);
    assert_int_equal(integer("account:a3", "generation"), 2);
    expect_text("account:a3", "last_exit", "signal 9");
    /* Those who read its cell heard that it was gone, still wanted, and that it is there again. */
    rig_wait_count(&rig, "state/trace", "feed ", "account 3 generation 1 pid 0 wanted 1 alive 0", 1);
    rig_wait_count(&rig, "state/trace", "feed ", "account 3 generation 2", 1);
    rig_wait_count(&rig, "state/trace", "coordinator ", "account 3 generation 2", 1);
    rig_wait_count(&rig, "state/alerts.jsonl", "\"kind\":\"death\"", "account:a3", 1);
}

static void test_killed_feed_and_coordinator(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nbora\n");
    rig_start_ready(&rig);
    pid_t alba = rig_pid(&rig, "account:alba"), feed = rig_pid(&rig, "feed"), coordinator = rig_pid(&rig, "coordinator");
    kill(feed, SIGKILL);
    rig_wait_restarted(&rig, "feed", feed);
    rig_wait_count(&rig, "state/trace", "account:alba ", "segment generation 2 sealed 1", 1);
    rig_wait_count(&rig, "state/trace", "feed 2", "alive 1 fds 2", 2);
    kill(coordinator, SIGKILL);
    rig_wait_restarted(&rig, "coordinator", coordinator);
    rig_wait_count(&rig, "state/trace", "account:bora ", "peer kind 0 account -1 generation 1 pid 0 wanted 1 alive 0", 1);
    rig_wait_count(&rig, "state/trace", "account:bora ", "peer kind 0 account -1 generation 2", 1);
    rig_wait_count(&rig, "state/trace", "coordinator 2", "alive 1 fds 1", 2);
    assert_int_equal(rig_pid(&rig, "account:alba"), alba);
}

static void test_stopped_account_is_found_and_ended(void **state)
{
    (void)state;
    struct pids pids;
    rig_write(&rig, "config/accounts", "alba\nbora\n");
    rig_start_ready(&rig);
    pids_take(&pids);
    pid_t before = rig_pid(&rig, "account:alba");
    kill(before, SIGSTOP);
    rig_wait_restarted(&rig, "account:alba", before);
    pids_expect(&pids, "account:alba");
    rig_wait_count(&rig, "state/alerts.jsonl", "\"kind\":\"hung\"", "account:alba", 1);
}

static void test_hang_and_deaf(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nhang-1\ndeaf-1\n");
    rig_start(&rig);
    rig_wait_count(&rig, "log", "account:hang-1: READY -> KILLING", "heartbeat late", 1);
    rig_wait_count(&rig, "log", "account:deaf-1: STARTING -> KILLING", "ping unanswered", 1);
    rig_wait_state(&rig, "account:alba", "READY");
    assert_int_equal(integer("account:alba", "restarts"), 0);
}

static void test_crash_loop_is_quarantined(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\ncrash-1\nbora\n");
    rig_start(&rig);
    rig_wait_count(&rig, "log", "account:crash-1: STARTING -> FAILED", "exit status 1", 1);
    rig_wait_state(&rig, "account:alba", "READY");
    rig_wait_state(&rig, "feed", "READY");
    assert_int_equal(integer("account:crash-1", "deaths"), 5);
    assert_int_equal(integer("account:alba", "restarts"), 0);
    rig_wait_count(&rig, "state/trace", "feed ", "account 1 generation 5 pid 0 wanted 0 alive 0", 1);
    rig_wait_count(&rig, "state/alerts.jsonl", "\"kind\":\"failed\"", "account:crash-1", 1);
    /* Mended, a person starts it again. */
    rig_write(&rig, "config/behaviour.crash-1", "normal\n");
    expect_answer("account-start crash-1\n", "OK\n");
    rig_wait_state(&rig, "account:crash-1", "READY");
}

static void test_exit_statuses(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nexit78-1\nexit75-1\nexit0-1\n");
    rig_write(&rig, "config/settings", "live 1\nready_deadline 60000\n");
    rig_start(&rig);
    rig_wait_state(&rig, "account:exit78-1", "FAILED");
    expect_text("account:exit78-1", "why", "this can never work");
    assert_int_equal(integer("account:exit78-1", "restarts"), 0);
    rig_wait_state(&rig, "account:exit0-1", "FAILED"); /* leaving unasked is a death */
    rig_wait_count(&rig, "log", "account:exit75-1: STARTING -> BACKOFF", "exit status 75", 7); /* more than deaths_max */
    assert_int_equal(integer("account:exit75-1", "deaths"), 0);
    rig_wait_count(&rig, "state/alerts.jsonl", "\"kind\":\"later\"", "the broker sleeps", 1);
    rig_wait_state(&rig, "account:alba", "READY"); /* live: the market waits for nobody */
}

static void test_replay_gives_up_what_can_never_start(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nexit75-1\n");
    rig_write(&rig, "config/settings", "ready_deadline 500\n");
    rig_start(&rig);
    rig_wait_state(&rig, "account:exit75-1", "FAILED");
    rig_wait_state(&rig, "account:alba", "READY");
}

static void test_missing_executable_has_a_name(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\n");
    rig_write(&rig, "libexec/propfleet-account", NULL);
    rig_start(&rig);
    assert_int_equal(rig_wait_exit(&rig), 1);
    assert_int_equal(rig_count(&rig, "log", "libexec/propfleet-account: No such file or directory", ""), 1);
    assert_int_equal(rig_count(&rig, "state/trace", "", ""), 0);
}

static void test_spawn_failure_is_no_death(void **state)
{
    (void)state;
    char from[256], to[256];
    rig_write(&rig, "config/accounts", "alba\nbora\n");
    rig_write(&rig, "config/settings", "ready_deadline 60000\n");
    rig_start_ready(&rig);
    rig_path(&rig, "libexec/propfleet-account", from, sizeof from);
    rig_path(&rig, "libexec/away", to, sizeof to);
    assert_return_code(rename(from, to), errno);
    pid_t bora = rig_pid(&rig, "account:bora"), alba = rig_pid(&rig, "account:alba");
    kill(alba, SIGKILL);
    rig_wait_count(&rig, "state/alerts.jsonl", "\"kind\":\"spawn\"", "propfleet-account: No such file or directory", 1);
    rig_wait_state(&rig, "account:alba", "BACKOFF");
    expect_text("account:alba", "why", "propfleet-account: No such file or directory");
    assert_int_equal(integer("account:alba", "deaths"), 1); /* the kill */
    assert_return_code(rename(to, from), errno);
    rig_wait_state(&rig, "account:alba", "READY");
    assert_int_equal(integer("account:alba", "deaths"), 1);
    assert_int_equal(rig_pid(&rig, "account:bora"), bora);
}

static void test_never_ready_is_ended(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nneverready-1\n");
    rig_write(&rig, "config/settings", "ready_deadline 1500\n"); /* the healthy ones make it also under ThreadSanitizer */
    rig_start(&rig);
    rig_wait_count(&rig, "log", "account:neverready-1: STARTING -> KILLING", "deadline passed", 2);
    rig_wait_state(&rig, "account:alba", "READY");
    assert_int_equal(integer("account:alba", "restarts"), 0);
    assert_int_equal(integer("feed", "restarts"), 0); /* it waited for the others: its own deadline did too */
}

static void test_log_flood_is_bounded(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nflood-1\n");
    rig_start_ready(&rig);
    pid_t alba = rig_pid(&rig, "account:alba");
    double started = rig_now_s();
    rig_wait_count(&rig, "log", "account:flood-1:", "bytes of its log were dropped", 2);
    double seconds = rig_now_s() - started;
    /* 64 KiB a second are logged, each of the short lines with its time and name in front. */
    assert_true((double)rig_size(&rig, "log") < (seconds + 3) * 65536 * 3);
    assert_true(integer("account:flood-1", "log_bytes_dropped") > 0);
    assert_int_equal(rig_pid(&rig, "account:alba"), alba);
    assert_int_equal(integer("account:alba", "restarts"), 0);
}

static void test_stop_order(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nbora\n");
    rig_start_ready(&rig);
    kill(rig.pid, SIGTERM);
    assert_int_equal(rig_wait_exit(&rig), 0);
    long alba = rig_find(&rig, "state/trace", "account:alba ", "stop 1");
    long bora = rig_find(&rig, "state/trace", "account:bora ", "stop 1");
    long coordinator = rig_find(&rig, "state/trace", "coordinator ", "stop 0");
    long feed = rig_find(&rig, "state/trace", "feed ", "stop 0");
    assert_true(alba >= 0 && bora >= 0 && coordinator > alba && coordinator > bora && feed > coordinator);
}

static void test_stop_of_the_stubborn(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nstubborn-1\n");
    rig_write(&rig, "config/settings", "stop_deadline 200\n");
    rig_start_ready(&rig);
    expect_answer("stop\n", "OK\n");
    assert_int_equal(rig_wait_exit(&rig), 0);
    assert_int_equal(rig_count(&rig, "log", "account:stubborn-1: STOPPING -> KILLING", ""), 1);
    assert_int_equal(rig_count(&rig, "log", "account:stubborn-1: KILLING -> DOWN", "signal 9"), 1);
}

static void test_exit_at_end(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\ncrash-1\nbora\n");
    rig_write(&rig, "config/settings", "exit_at_end 1\n");
    rig_start_ready(&rig);
    rig_write(&rig, "config/end", "");
    assert_int_equal(rig_wait_exit(&rig), 0);
}

static void test_exit_at_end_without_a_feed(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\n");
    rig_write(&rig, "config/settings", "exit_at_end 1\n");
    rig_write(&rig, "config/behaviour.feed", "exit78\n");
    rig_start(&rig);
    assert_int_equal(rig_wait_exit(&rig), 1);
}

/* --- reload ------------------------------------------------------------------------------- */

static void test_reload_adds_the_eleventh(void **state)
{
    (void)state;
    struct pids pids;
    rig_write(&rig, "config/accounts", TEN);
    rig_start_ready(&rig);
    pids_take(&pids);
    rig_write(&rig, "config/accounts", TEN "eleventh\n");
    expect_answer("reload\n", "added account:eleventh\n1 added, 0 restarted, 0 removed, 10 unchanged");
    rig_wait_state(&rig, "account:eleventh", "READY");
    pids_expect(&pids, "");
    rig_wait_count(&rig, "state/trace", "feed ", "config", 1);
    rig_wait_count(&rig, "state/trace", "coordinator ", "config", 1);
    /* Told of the configuration before they are told of the account in it. */
    assert_true(rig_find(&rig, "state/trace", "coordinator ", "config") <
                rig_find(&rig, "state/trace", "coordinator ", "account 10 "));
    kill(rig.pid, SIGHUP);
    rig_wait_count(&rig, "log", "0 added, 0 restarted, 0 removed, 11 unchanged", "", 1);
    pids_expect(&pids, "");
}

static void test_reload_restarts_and_removes(void **state)
{
    (void)state;
    struct pids pids;
    rig_write(&rig, "config/accounts", "a0\na1\na2\n");
    rig_start_ready(&rig);
    pids_take(&pids);
    pid_t before = rig_pid(&rig, "account:a1");
    rig_write(&rig, "config/accounts", "a0\na1 7\na2\n");
    expect_answer("reload\n", "restarted account:a1\n0 added, 1 restarted, 0 removed, 2 unchanged");
    rig_wait_restarted(&rig, "account:a1", before);
    pids_expect(&pids, "account:a1");
    assert_int_equal(integer("account:a1", "deaths"), 0);

    pids_take(&pids);
    rig_write(&rig, "config/accounts", "a0\na1 7\n");
    expect_answer("reload\n", "removed account:a2");
    rig_wait_count(&rig, "log", "account:a2: removed", "", 1);
    rig_wait_count(&rig, "state/trace", "feed ", "account 2 generation 1 pid 0 wanted 0 alive 0", 1);
    json_t *status = rig_status(&rig);
    assert_null(rig_process(status, "account:a2"));
    json_decref(status);
    pids_expect(&(struct pids){.count = 1, .name = {"account:a0"}, .pid = {rig_pid(&rig, "account:a0")}}, "");

    /* Its place is free for the next one, under a generation that is higher than the place ever had: feed and
     * coordinator know accounts by place, and refuse what is not newer. */
    rig_write(&rig, "config/accounts", "a0\na1 7\nb5\n");
    expect_answer("reload\n", "added account:b5");
    rig_wait_state(&rig, "account:b5", "READY");
    assert_int_equal(integer("account:b5", "generation"), 2);
    pids.count = 4; /* coordinator, feed, a0, a1 */
    pids_expect(&pids, "");
}

static void test_reload_does_not_orphan_a_position(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "a0\na1\n");
    rig_write(&rig, "config/positions", "");
    rig_start_ready(&rig);
    rig_write(&rig, "config/accounts", "a0\n");
    expect_answer("reload\n", "NO 1 account:a1: not flat (1 positions, 0 orders)");
    rig_wait_state(&rig, "account:a1", "READY");
}

static void test_bad_reload_changes_nothing(void **state)
{
    (void)state;
    struct pids pids;
    rig_write(&rig, "config/accounts", "a0\na1\n");
    rig_start_ready(&rig);
    pids_take(&pids);
    rig_write(&rig, "config/accounts", "a0 3\nb9\n");
    rig_write(&rig, "config/errors", "accounts/b9.yaml:3:1: risc: unknown key; risk\n");
    expect_answer("reload\n", "NO 3 the configuration has errors, nothing was changed\naccounts/b9.yaml:3:1: risc");
    pids_expect(&pids, "");
    rig_write(&rig, "config/errors", NULL);
    rig_write(&rig, "config/accounts", "a0\na1\n");
    rig_write(&rig, "config/settings", "ring_slots 2048\n");
    expect_answer("reload\n", "NO 1 feed: cannot change while the fleet runs");
    pids_expect(&pids, "");
    assert_int_equal(rig_count(&rig, "state/trace", "config", ""), 0);
}

static void test_bad_configuration_starts_nothing(void **state)
{
    (void)state;
    rig_write(&rig, "config/errors", "fleet.yaml:1:1: nonsense: unknown key\n");
    rig_start(&rig);
    assert_int_equal(rig_wait_exit(&rig), 3);
    assert_int_equal(rig_count(&rig, "log", "fleet.yaml:1:1: nonsense", ""), 1);
}

/* --- the supervisor itself ----------------------------------------------------------------- */

static void test_no_child_survives_the_supervisor(void **state)
{
    (void)state;
    struct pids pids;
    struct pollfd fds[40];
    rig_write(&rig, "config/accounts", TEN);
    rig_start_ready(&rig);
    pids_take(&pids);
    for (int i = 0; i < pids.count; i++) {
        fds[i] = (struct pollfd){.fd = (int)syscall(SYS_pidfd_open, pids.pid[i], 0), .events = POLLIN};
        assert_return_code(fds[i].fd, errno);
    }
    kill(rig.pid, SIGKILL);
    assert_int_equal(rig_wait_exit(&rig), -SIGKILL);
    for (int i = 0; i < pids.count; i++) {
        assert_int_equal(poll(&fds[i], 1, RIG_WAIT_MS), 1);
        close(fds[i].fd);
    }
    rig_start_ready(&rig);
    /* No number is used twice, whatever was reserved when it died. */
    assert_true(integer("account:a0", "generation") > 1);
}

static void test_second_supervisor_is_refused(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\n");
    rig_start_ready(&rig);
    pid_t second = rig_spawn_supervisor(&rig, "log2");
    assert_int_equal(rig_wait_pid_exit(second), 1);
    assert_int_equal(rig_count(&rig, "log2", "a supervisor already runs here", ""), 1);
    rig_wait_state(&rig, "account:alba", "READY");
}

/* While it does not run nobody is late: the deadlines wait for it. */
static void test_paused_supervisor_ends_nobody(void **state)
{
    (void)state;
    struct pids pids;
    rig_write(&rig, "config/accounts", "alba\nbora\n");
    rig_start_ready(&rig);
    pids_take(&pids);
    kill(rig.pid, SIGSTOP);
    nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 500000000}, NULL); /* longer than any timeout of the settings */
    kill(rig.pid, SIGCONT);
    rig_wait_count(&rig, "log", "was not served", "", 1);
    double started = rig_now_s();
    while (rig_now_s() - started < 1.2) /* a ping and a heartbeat limit later */
        pids_expect(&pids, "");
}

static void test_storm_holds_restarts(void **state)
{
    (void)state;
    struct pids pids;
    rig_write(&rig, "config/accounts", "a0\na1\na2\na3\n");
    rig_write(&rig, "config/settings", "storm_deaths_max 3\nstorm_hold 700\n");
    rig_start_ready(&rig);
    pids_take(&pids);
    kill(rig.pid, SIGSTOP); /* so that all die in one turn */
    for (int i = 0; i < pids.count; i++)
        if (strncmp(pids.name[i], "account:", 8) == 0)
            kill(pids.pid[i], SIGKILL);
    kill(rig.pid, SIGCONT);
    rig_wait_count(&rig, "state/alerts.jsonl", "\"kind\":\"storm\"", "restarts are held", 1);
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "account:a%d", i);
        rig_wait_state(&rig, name, "READY");
    }
}

static void test_protocol_breach_is_ended(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nrude-1\n");
    rig_start(&rig);
    rig_wait_count(&rig, "log", "account:rude-1: a message of type 34, which is not its to send", "", 1);
    rig_wait_state(&rig, "account:rude-1", "FAILED");
    rig_wait_state(&rig, "account:alba", "READY");
}

/* --- alerts ------------------------------------------------------------------------------------ */

static void test_alerts(void **state)
{
    (void)state;
    char script[512], out[256], path[256];
    rig_path(&rig, "alerted", out, sizeof out);
    snprintf(script, sizeof script, "#!/bin/sh\ncat >> %s\n", out);
    rig_write(&rig, "config/alert_command", script);
    rig_path(&rig, "config/alert_command", path, sizeof path);
    assert_return_code(chmod(path, 0700), errno);
    rig_write(&rig, "config/accounts", "alert-1\nbora\n");
    rig_write(&rig, "config/settings", "alert_repeat 300\n");
    rig_start_ready(&rig);
    rig_wait_count(&rig, "state/alerts.jsonl", "the broker rejects", "\"id\":1,", 1);
    rig_wait_count(&rig, "alerted", "the broker rejects", "\"account\":\"alert-1\"", 3); /* repeated */
    expect_answer("alerts\n", "\"id\":1,");
    expect_answer("ack 7\n", "NO 1 alert 7");
    expect_answer("ack x\n", "NO 2 ");
    expect_answer("ack 1\n", "OK\n");
    expect_answer("ack 1\n", "NO 1 alert 1");
    char *answer = rig_ask(&rig, "alerts\n");
    assert_string_equal(answer, "OK\n");
    free(answer);
    /* What was acknowledged stays so, and ids go on, over a restart of the supervisor. */
    kill(rig.pid, SIGKILL);
    rig_wait_exit(&rig);
    rig_start_ready(&rig);
    rig_wait_count(&rig, "state/alerts.jsonl", "the broker rejects", "\"id\":2,", 1);
}

/* --- the control socket ------------------------------------------------------------------------- */

static void test_commands(void **state)
{
    (void)state;
    rig_write(&rig, "config/accounts", "alba\nbora\nexit78-1\n");
    rig_start_ready(&rig);
    expect_answer("account-command alba pause because I say so\n", "OK\nas you wish\n");
    rig_wait_count(&rig, "state/trace", "account:alba ", "command pause because I say so", 1);
    expect_answer("account-command alba !flatten\n", "NO 1 not allowed\n");
    expect_answer("account-command nobody pause\n", "NO 1 no account nobody; propfleet account list names them\n");
    expect_answer("account-command alba\n", "NO 2 ");
    expect_answer("account-command exit78-1 pause\n", "NO 1 account:exit78-1 does not run now: FAILED\n");
    int fd = rig_connect(&rig);
    const char *request = "account-command bora silent\n";
    assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
    rig_wait_count(&rig, "state/trace", "account:bora ", "command silent", 1);
    kill(rig_pid(&rig, "account:bora"), SIGKILL);
    char answer[128] = "";
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
    assert_non_null(strstr(answer, "NO 1 the process ended before it answered"));
    close(fd);
    pid_t before = rig_pid(&rig, "account:alba");
    expect_answer("account-restart alba\n", "OK\n");
    rig_wait_restarted(&rig, "account:alba", before);
    assert_int_equal(integer("account:alba", "deaths"), 0);
}

static void test_control_socket_refuses(void **state)
{
    (void)state;
    char big[3000];
    rig_write(&rig, "config/accounts", "peek\nbora\n");
    rig_start_ready(&rig);
    rig_wait_count(&rig, "state/trace", "account:peek ", "peek NO 1 you may not speak to the supervisor", 1);
    expect_answer("\n", "NO 2 unknown request");
    expect_answer("make me rich\n", "NO 2 unknown request 'make'");
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = 0;
    int fd = rig_connect(&rig);
    assert_true(send(fd, big, sizeof big - 1, MSG_NOSIGNAL) > 0);
    char answer[128] = "";
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
    assert_non_null(strstr(answer, "NO 2 the request is too long"));
    close(fd);
    fd = rig_connect(&rig);
    assert_int_equal(send(fd, "sta\0tus\n", 8, MSG_NOSIGNAL), 8);
    memset(answer, 0, sizeof answer);
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
    assert_non_null(strstr(answer, "NO 2 the request is not text"));
    close(fd);
}

static void test_slow_clients_are_dropped(void **state)
{
    (void)state;
    int fds[20];
    char byte;
    rig_write(&rig, "config/accounts", "alba\n");
    rig_start_ready(&rig);
    for (int i = 0; i < 20; i++) {
        fds[i] = rig_connect(&rig);
        assert_true(fds[i] >= 0);
    }
    assert_int_equal(send(fds[0], "stat", 4, MSG_NOSIGNAL), 4);
    /* Those over the limit are refused at once; the others are dropped when their time is over. */
    char line[64] = "";
    assert_true(recv(fds[19], line, sizeof line - 1, 0) > 0);
    assert_non_null(strstr(line, "NO 1 too many clients"));
    for (int i = 0; i < 16; i++)
        assert_int_equal(recv(fds[i], &byte, 1, 0), 0);
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    rig_wait_state(&rig, "account:alba", "READY");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_start),
        TEST(test_child_has_the_fixed_descriptors_only),
        TEST(test_killed_account_comes_back_alone),
        TEST(test_killed_feed_and_coordinator),
        TEST(test_stopped_account_is_found_and_ended),
        TEST(test_hang_and_deaf),
        TEST(test_crash_loop_is_quarantined),
        TEST(test_exit_statuses),
        TEST(test_replay_gives_up_what_can_never_start),
        TEST(test_missing_executable_has_a_name),
        TEST(test_spawn_failure_is_no_death),
        TEST(test_never_ready_is_ended),
        TEST(test_log_flood_is_bounded),
        TEST(test_stop_order),
        TEST(test_stop_of_the_stubborn),
        TEST(test_exit_at_end),
        TEST(test_exit_at_end_without_a_feed),
        TEST(test_reload_adds_the_eleventh),
        TEST(test_reload_restarts_and_removes),
        TEST(test_reload_does_not_orphan_a_position),
        TEST(test_bad_reload_changes_nothing),
        TEST(test_bad_configuration_starts_nothing),
        TEST(test_no_child_survives_the_supervisor),
        TEST(test_second_supervisor_is_refused),
        TEST(test_paused_supervisor_ends_nobody),
        TEST(test_storm_holds_restarts),
        TEST(test_protocol_breach_is_ended),
        TEST(test_alerts),
        TEST(test_commands),
        TEST(test_control_socket_refuses),
        TEST(test_slow_clients_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
