/* The client against a control socket that is not a supervisor's: late, split, garbage, closed, endless. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/vocabulary.h"
#include "tools/client.h"

#define MS CLOCK_NS_PER_MS
#define CALLS 20u

static char folder[64];
static int listener = -1;
static pid_t server;
static struct error err;
static struct client_answer answer;

static int64_t now_ns(void)
{
    struct clock clock;
    clock_init_real(&clock);
    return clock.mono_ns(&clock);
}

/* --- the other side ------------------------------------------------------------------------------ */

static void pause_ms(int ms) { (void)poll(NULL, 0, ms); }

/* What stands behind the socket: gets each connection, with its request in `line`. */
typedef void (*behaviour)(int fd, const char *line);

static void say(int fd, const char *text) { (void)!send(fd, text, strlen(text), MSG_NOSIGNAL); }

static void read_line(int fd, char *line, size_t size)
{
    size_t used = 0;
    while (used + 1 < size && recv(fd, line + used, 1, 0) == 1 && line[used] != '\n')
        used++;
    line[used] = 0;
}

static void serve(behaviour behave, bool reads)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        char line[2048] = "";
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        if (fork() == 0) { /* connections do not wait for each other */
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (reads)
                read_line(fd, line, sizeof line);
            behave(fd, line);
            _exit(0);
        }
        close(fd);
    }
}

static void begin(behaviour behave, bool reads)
{
    signal(SIGCHLD, SIG_DFL);
    server = fork();
    if (server == 0) {
        signal(SIGCHLD, SIG_IGN);
        serve(behave, reads);
    }
    assert_true(server > 0);
}

static int setup(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(folder, "/tmp/propfleet-client-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", folder);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server = 0;
    memset(&err, 0, sizeof err);
    return bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 32);
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    client_answer_free(&answer);
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    if (listener >= 0)
        close(listener);
    snprintf(path, sizeof path, "%s/control.sock", folder);
    unlink(path);
    return rmdir(folder);
}

static int ask(const char *request, int64_t timeout_ns)
{
    client_answer_free(&answer);
    memset(&err, 0, sizeof err);
    return client_ask(folder, request, timeout_ns, &answer, &err);
}

/* --- answers ------------------------------------------------------------------------------------- */

static void by_request(int fd, const char *line)
{
    static const struct {
        const char *request, *answer;
    } known[] = {
        {"ok", "OK\n{\"a\":1}\n"},
        {"ok-empty", "OK\n"},
        {"no", "NO 3 two errors\na.yaml:1:1: x\nb.yaml:2:2: y\n"},
        {"no-code", "NO 9 odd\n"},
        {"no-two-digits", "NO 12 odd\n"},
        {"no-text", "NO 1\n"},
        {"no-control", "NO 1 a\033[2Jb\tc\n"},
        {"hello", "HELLO\n"},
        {"ok-more", "OK then\n"},
        {"lower", "ok\n"},
        {"no-newline", "OK"},
        {"nothing", ""},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(line, known[i].request) == 0)
            say(fd, known[i].answer);
    if (strcmp(line, "zero") == 0)
        (void)!send(fd, "OK\na\0b", 6, MSG_NOSIGNAL);
}

static void test_ok_and_no(void **state)
{
    (void)state;
    begin(by_request, true);
    assert_int_equal(ask("ok", CLIENT_SHORT_NS), 0);
    assert_int_equal(answer.code, 0);
    assert_string_equal(answer.body, "{\"a\":1}\n");
    assert_int_equal(answer.body_size, 8);
    assert_int_equal(ask("ok-empty", CLIENT_SHORT_NS), 0);
    assert_string_equal(answer.body, "");
    assert_int_equal(ask("no", CLIENT_SHORT_NS), 0);
    assert_int_equal(answer.code, EXIT_CONFIG);
    assert_string_equal(answer.text, "two errors");
    assert_string_equal(answer.body, "a.yaml:1:1: x\nb.yaml:2:2: y\n");
}

static void test_a_no_is_no_more_than_that(void **state)
{
    (void)state;
    begin(by_request, true);
    assert_int_equal(ask("no-code", CLIENT_SHORT_NS), 0);
    assert_int_equal(answer.code, EXIT_NO);
    assert_string_equal(answer.text, "odd");
    assert_int_equal(ask("no-two-digits", CLIENT_SHORT_NS), 0);
    assert_int_equal(answer.code, EXIT_NO);
    assert_int_equal(ask("no-text", CLIENT_SHORT_NS), 0);
    assert_int_equal(answer.code, EXIT_NO);
    assert_int_equal(ask("no-control", CLIENT_SHORT_NS), 0);
    assert_string_equal(answer.text, "a?[2Jb c");
}

static void test_garbage_is_no_answer(void **state)
{
    (void)state;
    static const char *const requests[] = {"hello", "ok-more", "lower", "no-newline", "nothing", "zero"};
    begin(by_request, true);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        if (ask(requests[i], CLIENT_SHORT_NS) != -EPROTO)
            fail_msg("%s: taken for an answer", requests[i]);
        assert_null(answer.body);
        assert_true(err.text[0] != 0);
    }
}

static void split(int fd, const char *line)
{
    (void)line;
    for (const char *at = "NO 1 in pieces\nof one byte\n"; *at; at++) {
        (void)!send(fd, at, 1, MSG_NOSIGNAL);
        pause_ms(1);
    }
}

static void test_split(void **state)
{
    (void)state;
    begin(split, true);
    assert_int_equal(ask("x", CLIENT_SHORT_NS), 0);
    assert_string_equal(answer.text, "in pieces");
    assert_string_equal(answer.body, "of one byte\n");
}

static void long_answer(int fd, const char *line)
{
    char block[4096];
    unsigned blocks = (unsigned)strtoul(line, NULL, 10);
    memset(block, 'x', sizeof block);
    say(fd, "OK\n");
    for (unsigned i = 0; i < blocks; i++)
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0)
            return;
}

static void test_too_long(void **state)
{
    (void)state;
    begin(long_answer, true);
    assert_int_equal(ask("1024", CLIENT_LONG_NS), 0); /* 4 MiB: what a supervisor may say */
    assert_int_equal(answer.body_size, 4u << 20);
    assert_int_equal(ask("1025", CLIENT_LONG_NS), -EFBIG);
    assert_int_equal(ask("4000000000", CLIENT_LONG_NS), -EFBIG); /* endless: not waited for */
}

/* --- silence --------------------------------------------------------------------------------------- */

static void late(int fd, const char *line)
{
    pause_ms((int)strtol(line, NULL, 10));
    say(fd, "OK\nlate\n");
}

static void drip(int fd, const char *line)
{
    (void)line;
    say(fd, "OK\n");
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
        pause_ms(20);
}

static void expect_timeout(int64_t timeout_ns)
{
    int64_t start = now_ns();
    assert_int_equal(ask("60000", timeout_ns), -ETIMEDOUT);
    int64_t took = now_ns() - start;
    assert_true(took >= timeout_ns && took < timeout_ns + 5 * CLOCK_NS_PER_S);
    assert_non_null(strstr(err.text, "in time"));
}

static void test_late(void **state)
{
    (void)state;
    begin(late, true);
    assert_int_equal(ask("150", CLIENT_SHORT_NS), 0);
    assert_string_equal(answer.body, "late\n");
    expect_timeout(200 * MS);
}

/* The time is the whole answer's: a byte now and then buys no more of it. */
static void test_dripping(void **state)
{
    (void)state;
    begin(drip, true);
    expect_timeout(300 * MS);
}

static void test_nobody_takes_the_connection(void **state)
{
    (void)state;
    int fillers[8];
    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < 8; i++) { /* the backlog is full, nobody accepts */
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", folder);
        fillers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    expect_timeout(200 * MS);
    for (size_t i = 0; i < 8; i++)
        close(fillers[i]);
}

/* --- closed ------------------------------------------------------------------------------------------ */

static void refuse_unread(int fd, const char *line)
{
    (void)line;
    say(fd, "NO 4 not you\n");
    close(fd); /* the request lies unread: a reset */
}

static void slam(int fd, const char *line)
{
    (void)line;
    close(fd);
}

static void half(int fd, const char *line)
{
    (void)line;
    say(fd, "OK\n{\"processes\":[{\"name\":");
    close(fd);
}

static void test_why_it_closed_is_still_read(void **state)
{
    (void)state;
    begin(refuse_unread, false);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask("status", CLIENT_SHORT_NS), 0);
        assert_int_equal(answer.code, EXIT_UNREACHABLE);
        assert_string_equal(answer.text, "not you");
    }
}

static void test_closed_at_once(void **state)
{
    (void)state;
    begin(slam, false);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask("status", CLIENT_SHORT_NS), -EPROTO);
}

static void test_no_fleet(void **state)
{
    (void)state;
    char path[128], deep[200];
    close(listener);
    listener = -1;
    assert_int_equal(ask("status", CLIENT_SHORT_NS), -ECONNREFUSED);
    assert_non_null(strstr(err.text, "nobody listens"));
    snprintf(path, sizeof path, "%s/control.sock", folder);
    unlink(path);
    assert_int_equal(ask("status", CLIENT_SHORT_NS), -ENOENT);
    assert_non_null(strstr(err.text, folder));
    memset(deep, 'x', sizeof deep);
    deep[0] = '/';
    deep[sizeof deep - 1] = 0;
    assert_int_equal(client_ask(deep, "status", CLIENT_SHORT_NS, &answer, &err), -ENAMETOOLONG);
    assert_int_equal(client_ask("/dev/null", "status", CLIENT_SHORT_NS, &answer, &err), -ENOTDIR);
}

static void test_requests_of_one_line_and_bounded(void **state)
{
    (void)state;
    char text[CLIENT_REQUEST_MAX + 2];
    begin(by_request, true);
    memset(text, 'x', sizeof text);
    text[CLIENT_REQUEST_MAX + 1] = 0;
    assert_int_equal(ask(text, CLIENT_SHORT_NS), -EINVAL);
    assert_int_equal(ask("ok\nok", CLIENT_SHORT_NS), -EINVAL);
}

/* --- several ------------------------------------------------------------------------------------------ */

static void echo(int fd, const char *line)
{
    if (strcmp(line, "call 3") == 0)
        pause_ms(60000);
    say(fd, strcmp(line, "call 5") == 0 ? "garbage\n" : "OK\n");
    say(fd, line);
}

static void test_one_that_hangs_holds_up_no_other(void **state)
{
    (void)state;
    struct client_call calls[CALLS];
    char requests[CALLS][32];
    begin(echo, true);
    for (unsigned i = 0; i < CALLS; i++) {
        snprintf(requests[i], sizeof requests[i], "call %u", i);
        calls[i] = (struct client_call){.request = requests[i], .timeout_ns = i == 3 ? 700 * MS : CLIENT_SHORT_NS};
    }
    int64_t start = now_ns();
    client_ask_all(folder, calls, CALLS);
    assert_true(now_ns() - start < CLIENT_SHORT_NS);
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(calls[i].rc, i == 3 ? -ETIMEDOUT : i == 5 ? -EPROTO : 0);
        if (calls[i].rc == 0)
            assert_string_equal(calls[i].answer.body, requests[i]);
        else
            assert_true(calls[i].error[0] != 0);
        client_answer_free(&calls[i].answer);
    }
}

static void test_who_listens_can_be_watched(void **state)
{
    (void)state;
    begin(late, true);
    assert_int_equal(listen(listener, 32), 0); /* the kernel names who called listen last: this process */
    int pidfd = client_supervisor_pidfd(folder, &err);
    assert_true(pidfd >= 0);
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0);
    close(pidfd);
    close(listener);
    listener = -1;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    server = 0;
    assert_true(client_supervisor_pidfd(folder, &err) < 0);
}

/* --- the program itself ----------------------------------------------------------------------------------- */

/* Its exit status; what it says on stderr is in `said`. */
static char said[1024];

static int run(const char *arguments)
{
    char self[256], command[600];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    *strrchr(self, '/') = 0;
    *strrchr(self, '/') = 0;
    snprintf(command, sizeof command, "'%s/bin/propfleet' %s --runtime '%s' 2>&1 >/dev/null </dev/null", self, arguments, folder);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    said[fread(said, 1, sizeof said - 1, out)] = 0;
    return WEXITSTATUS(pclose(out));
}

static void test_the_program_on_half_an_answer(void **state)
{
    (void)state;
    begin(half, true);
    static const char *const commands[] = {"status", "status --json", "status --line", "top --once", "flatten --all",
                                           "account flatten alba", "account restart alba"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (run(commands[i]) != EXIT_UNREACHABLE)
            fail_msg("propfleet %s: %s", commands[i], said);
        assert_non_null(strstr(said, "no JSON"));
    }
}

static void test_the_program_on_a_refusal(void **state)
{
    (void)state;
    begin(refuse_unread, false);
    static const char *const commands[] = {"status", "reload", "alerts", "alerts --ack 1", "why alba", "account pause alba"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (run(commands[i]) != EXIT_UNREACHABLE)
            fail_msg("propfleet %s: %s", commands[i], said);
        assert_non_null(strstr(said, "not you"));
    }
}

/* "OK" is not "flat": only the account's own words are. */
static void accounts_say_ok(int fd, const char *line)
{
    if (strcmp(line, "status") == 0)
        say(fd, "OK\n{\"processes\":[],\"accounts\":[{\"name\":\"alba\",\"firm\":\"f\",\"programme\":\"p\",\"phase\":\"x\","
                "\"currency\":\"USD\",\"personality\":\"q\",\"state\":null}],\"ring\":{\"head\":0,\"rate\":0,\"lapped\":0,"
                "\"rows_read\":0,\"rows_bad\":0,\"market_time\":null},\"coordinator\":{\"rounds\":0,\"grants\":0,\"refusals\":0,"
                "\"reservations\":0,\"joint_risk\":null},\"fleet\":{\"state_dir\":\"/s\",\"runtime_dir\":\"/r\",\"config_dir\":\"/c\","
                "\"source\":\"s\",\"stopping\":\"no\",\"simulated\":true,\"live\":false,\"restarts_held\":false,\"ready\":true,"
                "\"speed\":1.0,\"uptime_s\":1.0,\"pid\":1,\"unacknowledged\":0}}\n");
    else
        say(fd, "OK\nwhatever\n");
}

static void test_flat_is_only_what_the_account_confirms(void **state)
{
    (void)state;
    begin(accounts_say_ok, true);
    assert_int_equal(run("account flatten alba"), EXIT_NO);
    assert_non_null(strstr(said, "not confirmed flat"));
    assert_int_equal(run("flatten --all"), EXIT_NO);
    assert_non_null(strstr(said, "1 of 1 accounts are not confirmed flat"));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_ok_and_no),
        T(test_a_no_is_no_more_than_that),
        T(test_garbage_is_no_answer),
        T(test_split),
        T(test_too_long),
        T(test_late),
        T(test_dripping),
        T(test_nobody_takes_the_connection),
        T(test_why_it_closed_is_still_read),
        T(test_closed_at_once),
        T(test_no_fleet),
        T(test_requests_of_one_line_and_bounded),
        T(test_one_that_hangs_holds_up_no_other),
        T(test_who_listens_can_be_watched),
        T(test_the_program_on_half_an_answer),
        T(test_the_program_on_a_refusal),
        T(test_flat_is_only_what_the_account_confirms),
    };
    return cmocka_run_group_tests_name("tools client", tests, NULL, NULL);
}
