/* Parts of the supervisor by themselves: generations, log pipes, alerts' file, folders. */
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
#include "base/log.h"
#include "supervisor/alerts.h"
#include "supervisor/folders.h"
#include "supervisor/generations.h"
#include "supervisor/logpipe.h"

#define MS INT64_C(1000000)

static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/propfleet-parts-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static void path_in(const char *name, char *buf, size_t size) { snprintf(buf, size, "%s/%s", folder, name); }

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"generations", "generations.new", "alerts.jsonl", "lock", "err", "deep/er", "deep"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_in(names[i], path, sizeof path);
        remove(path);
    }
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    path_in(name, path, sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static size_t read_file(const char *name, char *buf, size_t size)
{
    char path[128];
    path_in(name, path, sizeof path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(buf, 1, size - 1, file);
    buf[n] = 0;
    fclose(file);
    return n;
}

/* --- generations ----------------------------------------------------------------------- */

static struct generations generations;

static uint64_t next(const char *name, uint64_t above)
{
    uint64_t number = 0;
    struct error err = {0};
    assert_int_equal(generations_next(&generations, name, above, &number, &err), 0);
    return number;
}

static void test_generations_never_come_twice(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(generations_open(&generations, folder, &err), 0);
    uint64_t last = 0;
    for (unsigned i = 0; i < 3 * GENERATION_BLOCK; i++) {
        uint64_t number = next("account:alba", 0);
        assert_int_equal(number, last + 1);
        last = number;
    }
    /* A supervisor that died here: whatever the next one hands out is higher. */
    assert_int_equal(generations_open(&generations, folder, &err), 0);
    assert_true(next("account:alba", 0) > last);
    assert_int_equal(next("account:bora", 0), 1);
    assert_int_equal(next("account:bora", 500), 501);
    assert_int_equal(next("account:bora", 7), 502);
    assert_int_equal(generations_open(&generations, folder, &err), 0);
    assert_true(next("account:bora", 0) > 502);
}

static void test_generations_of_a_broken_file(void **state)
{
    (void)state;
    static const char *const broken[] = {"", "nonsense\n", "propfleet generations 1\nfeed\n",
                                         "propfleet generations 1\nfeed 1\nfeed 2\n",
                                         "propfleet generations 1\nfeed 12", "propfleet generations 2\nfeed 1\n"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct error err = {0};
        write_file("generations", broken[i]);
        assert_int_equal(generations_open(&generations, folder, &err), -EINVAL);
        assert_non_null(strstr(err.text, "generations"));
    }
}

static void test_generations_need_the_disk(void **state)
{
    (void)state;
    struct error err = {0};
    uint64_t number = 0;
    assert_int_equal(generations_open(&generations, "/proc/self", &err), 0);
    assert_true(generations_next(&generations, "feed", 0, &number, &err) < 0);
    assert_int_equal(number, 0);
}

/* --- log pipe ------------------------------------------------------------------------------- */

/* Feed text through a pipe; what is logged lands in the file err. */
static void logged(const char *text, const struct logpipe_limits *limits, char *out, size_t size)
{
    int ends[2], saved = dup(STDERR_FILENO);
    char path[128];
    struct logpipe pipe;
    path_in("err", path, sizeof path);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    close(ends[1]);
    dup2(file, STDERR_FILENO);
    close(file);
    log_init("supervisor", LOG_TEXT, LOG_LEVEL_DEBUG);
    logpipe_init(&pipe);
    logpipe_open(&pipe, ends[0], limits, 1);
    int turns = 0;
    while (logpipe_read(&pipe, "account:alba", limits, 1 + turns * MS) == LOGPIPE_MORE && turns < 1000)
        turns++;
    logpipe_close(&pipe, "account:alba");
    dup2(saved, STDERR_FILENO);
    close(saved);
    read_file("err", out, size);
}

static void test_log_lines_keep_level_and_name(void **state)
{
    (void)state;
    char out[8192];
    const struct logpipe_limits limits = {4096, 65536};
    logged("plain\n\n2024-05-13T00:00:00.000Z warning account:alba[71]: half full\n"
           "{\"time\":\"x\",\"level\":\"error\",\"program\":\"account:alba\",\"pid\":7,\"text\":\"a \\\"quote\\\"\"}\n"
           "2024-05-13T00:00:00.000Z error account:bora[71]: not its name\nno newline",
           &limits, out, sizeof out);
    assert_non_null(strstr(out, "info supervisor["));
    assert_non_null(strstr(out, "]: account:alba: plain\n"));
    assert_non_null(strstr(out, " warning supervisor["));
    assert_non_null(strstr(out, "]: account:alba: half full\n"));
    assert_non_null(strstr(out, "]: account:alba: a \"quote\"\n"));
    assert_non_null(strstr(out, "account:alba: 2024-05-13T00:00:00.000Z error account:bora[71]: not its name\n"));
    assert_non_null(strstr(out, "]: account:alba: no newline\n"));
}

static void test_log_over_the_limit_is_dropped_and_counted(void **state)
{
    (void)state;
    char text[20001], out[65536];
    const struct logpipe_limits limits = {1000, 2000};
    for (int i = 0; i < 20000; i++)
        text[i] = i % 100 == 99 ? '\n' : 'x';
    text[20000] = 0;
    logged(text, &limits, out, sizeof out);
    unsigned lines = 0;
    for (const char *p = out; (p = strstr(p, "xxxx\n")) != NULL; p++)
        lines++;
    assert_int_equal(lines, 20);
    assert_non_null(strstr(out, "account:alba: 18000 bytes of its log were dropped"));
    /* A line without an end is cut. */
    memset(text, 'y', 20000);
    const struct logpipe_limits wide = {65536, 65536};
    logged(text, &wide, out, sizeof out);
    assert_non_null(strstr(out, "bytes of its log were dropped"));
}

/* --- alerts ------------------------------------------------------------------------------------ */

static struct alerts alerts;
static const struct alert_limits no_command = {.command = "", .per_minute = 10, .repeat_ns = 1000 * MS};

static void flush(void)
{
    int runs[ALERTS_RUNS_MAX];
    assert_int_equal(alerts_flush(&alerts, &no_command, 1, runs), 0);
}

static void test_alerts_survive_and_fold(void **state)
{
    (void)state;
    struct error err = {0};
    char text[8192];
    assert_int_equal(alerts_open(&alerts, folder, &err), 0);
    struct alert_facts facts = {ALERT_DEATH, ALERT_WARNING, "alba", "account:alba", "not flat", "signal 9 \"\xff\n"};
    for (int i = 0; i < 5; i++)
        alerts_raise(&alerts, &facts, 1 + i);
    facts.process = "feed";
    alerts_raise(&alerts, &facts, 6);
    flush();
    assert_int_equal(alerts.count, 2);
    assert_int_equal(alerts.open[0].count, 5);
    alerts_raise(&alerts, &facts, 6 + ALERTS_FOLD_NS); /* later it is news */
    flush();
    assert_int_equal(alerts_acknowledge(&alerts, 2, &err), 0);
    close(alerts.fd);

    /* A power cut in the middle of a line. */
    read_file("alerts.jsonl", text, sizeof text);
    strcat(text, "{\"id\":9,\"ti");
    write_file("alerts.jsonl", text);
    assert_int_equal(alerts_open(&alerts, folder, &err), 0);
    assert_int_equal(alerts.count, 2);
    assert_int_equal(alerts.open[0].id, 1);
    assert_string_equal(alerts.open[0].flat, "not flat");
    assert_string_equal(alerts.open[0].why, "signal 9 \"??");
    assert_int_equal(alerts.open[1].id, 3);
    facts.process = "coordinator";
    alerts_raise(&alerts, &facts, 1);
    flush();
    close(alerts.fd);
    assert_int_equal(alerts_open(&alerts, folder, &err), 0);
    assert_int_equal(alerts.count, 3);
    assert_int_equal(alerts.open[2].id, 4);
    assert_int_equal(alerts_acknowledge(&alerts, 2, &err), -ENOENT);
    close(alerts.fd);
}

static void test_alerts_are_bounded(void **state)
{
    (void)state;
    struct error err = {0};
    char why[32];
    log_init("test", LOG_TEXT, LOG_LEVEL_ERROR);
    assert_int_equal(alerts_open(&alerts, folder, &err), 0);
    for (int i = 0; i < 2 * ALERTS_OPEN_MAX; i++) {
        snprintf(why, sizeof why, "reason %d", i);
        const struct alert_facts facts = {ALERT_CHILD, ALERT_WARNING, "alba", "account:alba", "flat", why};
        alerts_raise(&alerts, &facts, 1);
        flush();
    }
    assert_int_equal(alerts.count, ALERTS_OPEN_MAX);
    assert_int_equal(alerts.lost, ALERTS_OPEN_MAX);
    close(alerts.fd);
}

/* --- folders -------------------------------------------------------------------------------------- */

static void test_folders(void **state)
{
    (void)state;
    struct error err = {0};
    struct stat st;
    char path[128];
    path_in("deep/er", path, sizeof path);
    assert_int_equal(folders_make_private(path, &err), 0);
    assert_return_code(chmod(path, 0755), errno);
    assert_int_equal(folders_make_private(path, &err), 0);
    assert_return_code(stat(path, &st), errno);
    assert_int_equal(st.st_mode & 0777, 0700);
    int fd = folders_lock(folder, "lock", &err);
    assert_true(fd >= 0);
    assert_int_equal(folders_lock(folder, "lock", &err), -EWOULDBLOCK);
    assert_non_null(strstr(err.text, "already runs here"));
    close(fd);
    fd = folders_lock(folder, "lock", &err);
    assert_true(fd >= 0);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_generations_never_come_twice),
        TEST(test_generations_of_a_broken_file),
        TEST(test_generations_need_the_disk),
        TEST(test_log_lines_keep_level_and_name),
        TEST(test_log_over_the_limit_is_dropped_and_counted),
        TEST(test_alerts_survive_and_fold),
        TEST(test_alerts_are_bounded),
        TEST(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
