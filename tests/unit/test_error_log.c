/* Errors, the log, and base's small parts: vocabulary and crash points. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "base/vocabulary.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEST_LIMIT_S 120
#define WRITES_LIMIT 100000 /* lines that no pipe holds */

/* --- error --------------------------------------------------------------------------- */

static void test_error_leaf_and_contexts(void **state)
{
    (void)state;
    struct error err;
    memset(&err, 0xee, sizeof err);
    assert_int_equal(error_set(&err, EINVAL, "risk_pct %d: at most %d", 7, 5), -EINVAL);
    assert_int_equal(err.code, EINVAL);
    assert_string_equal(err.text, "risk_pct 7: at most 5");
    assert_int_equal(error_context(&err, "account %s", "a1"), -EINVAL);
    assert_int_equal(error_context(&err, "read fleet.yaml"), -EINVAL);
    assert_string_equal(err.text, "read fleet.yaml: account a1: risk_pct 7: at most 5");
    assert_int_equal(err.code, EINVAL);
}

static void test_error_errno_appends_the_reason(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_errno(&err, EACCES, "open %s", "state/a1/lock"), -EACCES);
    assert_string_equal(err.text, "open state/a1/lock: Permission denied");
    assert_int_equal(error_errno(&err, 99999, "odd"), -99999);
    assert_string_equal(err.text, "odd: Unknown error 99999");
    assert_int_equal(error_set(&err, EIO, "new"), -EIO); /* replaces */
    assert_string_equal(err.text, "new");
    assert_int_equal(err.code, EIO);
}

static void test_error_without_an_object(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, EINVAL, "%s", "x"), -EINVAL);
    assert_int_equal(error_errno(NULL, ENOENT, "%s", "x"), -ENOENT);
    assert_int_equal(error_context(NULL, "%s", "x"), -1);
}

static void test_error_text_may_be_its_own_argument(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, EIO, "inner");
    error_set(&err, EINVAL, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
    error_context(&err, "[%s]", err.text);
    assert_string_equal(err.text, "[outer (inner)]: outer (inner)");
    error_errno(&err, ENOENT, "%s", "x");
    error_errno(&err, ENOENT, "%s", err.text);
    assert_string_equal(err.text, "x: No such file or directory: No such file or directory");
}

static void test_error_long_texts_are_cut(void **state)
{
    (void)state;
    struct {
        struct error err;
        char guard;
    } box = {.guard = 'g'};
    char text[2 * ERROR_TEXT_MAX];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&box.err, EIO, "%s", text);
    assert_int_equal(strlen(box.err.text), ERROR_TEXT_MAX - 1);
    error_errno(&box.err, EIO, "%s", text); /* the reason survives a long text */
    assert_int_equal(strlen(box.err.text), ERROR_TEXT_MAX - 1);
    assert_non_null(strstr(box.err.text, "aaa: Input/output error"));
    error_set(&box.err, EIO, "the reason");
    error_context(&box.err, "%s", text);
    assert_non_null(strstr(box.err.text, "aaa: the reason"));
    for (int i = 0; i < 300; i++) /* contexts without end keep the outermost and stay within */
        error_context(&box.err, "level %d", i);
    assert_true(strlen(box.err.text) < ERROR_TEXT_MAX);
    assert_int_equal(strncmp(box.err.text, "level 299: level 298: ", 22), 0);
    assert_int_equal(box.guard, 'g');
}

static bool aborts(void (*body)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        body();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void set_zero(void)
{
    error_set(NULL, 0, "success?");
}
static void set_negative(void)
{
    error_set(NULL, -EINVAL, "twice negative");
}
static void context_of_nothing(void)
{
    error_context(&(struct error){0}, "context");
}
static void set_one(void)
{
    error_set(NULL, 1, "fine");
}

/* Each would return 0 or a positive number to a caller who has just failed. */
static void test_error_codes_that_are_none_are_our_mistake(void **state)
{
    (void)state;
    assert_true(aborts(set_zero));
    assert_true(aborts(set_negative));
    assert_true(aborts(context_of_nothing));
    assert_false(aborts(set_one));
}

/* --- log: stderr is one end of a pipe or a socket while a test looks ------------------------- */

struct capture {
    int saved_stderr, saved_flags;
    int reader;
    size_t length;
    char text[1 << 20];
};
static struct capture capture;

static void capture_on(int reader, int writer)
{
    fflush(stderr);
    capture.saved_stderr = dup(STDERR_FILENO);
    capture.saved_flags = fcntl(STDERR_FILENO, F_GETFL);
    dup2(writer, STDERR_FILENO);
    close(writer);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    capture.reader = reader;
    capture.length = 0;
    capture.text[0] = '\0';
}

static void capture_pipe(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    capture_on(ends[0], ends[1]);
}

/* Take what is there; returns the bytes that came. */
static size_t drain(void)
{
    size_t before = capture.length;
    for (;;) {
        ssize_t n = read(capture.reader, capture.text + capture.length, sizeof capture.text - 1 - capture.length);
        if (n <= 0)
            break;
        capture.length += (size_t)n;
    }
    capture.text[capture.length] = '\0';
    return capture.length - before;
}

static void capture_off(void)
{
    drain();
    close(capture.reader);
    dup2(capture.saved_stderr, STDERR_FILENO);
    close(capture.saved_stderr);
    fcntl(STDERR_FILENO, F_SETFL, capture.saved_flags);
}

/* The one line that `text` gives. */
static const char *line_of(enum log_format format, const char *program, const char *text)
{
    capture_pipe();
    log_init(program, format, LOG_LEVEL_DEBUG);
    log_info("%s", text);
    capture_off();
    return capture.text;
}

static size_t count_of(const char *needle)
{
    size_t count = 0;
    for (const char *p = capture.text; (p = strstr(p, needle)) != NULL; p += strlen(needle))
        count++;
    return count;
}

static bool time_good(const char *text)
{
    const char *form = "dddd-dd-ddTdd:dd:dd.dddZ";
    for (; *form; form++, text++)
        if (*form == 'd' ? *text < '0' || *text > '9' : *text != *form)
            return false;
    return true;
}

static void test_log_text_line(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    const char *line = line_of(LOG_TEXT, "account:alpha", "ready");
    char want[64];
    snprintf(want, sizeof want, " info account:alpha[%d]: ready\n", (int)getpid());
    assert_true(time_good(line));
    assert_string_equal(line + 24, want);
}

static void test_log_json_line(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "8:123", 1); /* no prefix in JSON */
    const char *line = line_of(LOG_JSON, "feed", "up");
    unsetenv("JOURNAL_STREAM");
    char want[128];
    assert_int_equal(strncmp(line, "{\"time\":\"", 9), 0);
    assert_true(time_good(line + 9));
    snprintf(want, sizeof want, "\",\"level\":\"info\",\"program\":\"feed\",\"pid\":%d,\"text\":\"up\"}\n",
             (int)getpid());
    assert_string_equal(line + 33, want);
}

static void test_log_levels_and_journal_prefixes(void **state)
{
    (void)state;
    for (int journal = 0; journal < 2; journal++) {
        if (journal)
            setenv("JOURNAL_STREAM", "8:123", 1);
        capture_pipe();
        log_init("p", LOG_TEXT, LOG_LEVEL_INFO);
        log_debug("not written");
        log_info("i");
        log_warning("w");
        log_error("e");
        log_init("p", LOG_TEXT, LOG_LEVEL_DEBUG);
        log_debug("d");
        log_init("p", LOG_TEXT, LOG_LEVEL_ERROR);
        log_warning("not written");
        capture_off();
        unsetenv("JOURNAL_STREAM");
        assert_int_equal(count_of("\n"), 4);
        assert_int_equal(count_of("not written"), 0);
        static const char *const prefixes[] = {"<6>2", "<4>2", "<3>2", "<7>2"}, *const names[] = {
                                                                                    " info p[", " warning p[",
                                                                                    " error p[", " debug p["};
        const char *line = capture.text;
        for (size_t i = 0; i < COUNT(prefixes); i++) {
            assert_int_equal(strncmp(line, prefixes[i], 4) == 0, journal);
            assert_true(time_good(line + 3 * journal));
            assert_int_equal(strncmp(line + 3 * journal + 24, names[i], strlen(names[i])), 0);
            line = strchr(line, '\n') + 1;
        }
    }
}

/* What a venue says must not forge a line, a field or a terminal's state. */
static void test_log_hostile_text(void **state)
{
    (void)state;
    const char *line = line_of(LOG_TEXT, "p", "a\nb\r\t\x1b[2J\x7f end");
    assert_non_null(strstr(line, "a\\x0ab\\x0d\\x09\\x1b[2J\\x7f end\n"));
    assert_int_equal(count_of("\n"), 1);

    line = line_of(LOG_JSON, "p", "q\" b\\ n\n e\x1b d\x7f");
    assert_non_null(strstr(line, "\"text\":\"q\\\" b\\\\ n\\u000a e\\u001b d\\u007f\"}\n"));
    assert_int_equal(count_of("\n"), 1);

    static const struct {
        const char *text, *want;
    } cases[] = {
        {"\xc5\x99\xe2\x82\xac\xf0\x9f\x98\x80", "\xc5\x99\xe2\x82\xac\xf0\x9f\x98\x80"}, /* good UTF-8 stays */
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\x80", "\xef\xbf\xbd"},
        {"\xc5", "\xef\xbf\xbd"}, /* cut short */
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                                 /* overlong */
        {"\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* surrogate */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* over U+10FFFF */
        {"\xf0\x8f\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char want[128];
        snprintf(want, sizeof want, "\"text\":\"%s\"}\n", cases[i].want);
        assert_non_null(strstr(line_of(LOG_JSON, "p", cases[i].text), want));
    }
}

static void test_log_long_text_is_cut_and_the_line_stays_whole(void **state)
{
    (void)state;
    static char text[3 * LOG_LINE_MAX];
    static const char *const fills[] = {"x", "\n", "\"", "\xff", "\xe2\x82\xac"};
    for (size_t f = 0; f < COUNT(fills); f++) {
        text[0] = '\0';
        size_t unit = strlen(fills[f]);
        for (size_t n = 0; n + unit < sizeof text; n += unit)
            memcpy(text + n, fills[f], unit + 1);
        for (int json = 0; json < 2; json++) {
            const char *line = line_of(json ? LOG_JSON : LOG_TEXT, "p", text);
            size_t length = strlen(line);
            assert_true(length <= LOG_LINE_MAX && length > LOG_TEXT_MAX);
            assert_int_equal(count_of("\n"), 1);
            assert_string_equal(line + length - (json ? 6 : 4), json ? "...\"}\n" : "...\n");
            if (json) /* no half of an escape */
                assert_true(line[length - 7] != '\\' || line[length - 8] == '\\');
        }
    }
    memset(text, 'x', LOG_TEXT_MAX + 1);
    text[LOG_TEXT_MAX] = '\0';
    line_of(LOG_TEXT, "p", text);
    assert_int_equal(count_of("..."), 0); /* exactly at the limit nothing is cut */
    memset(text, 'x', LOG_TEXT_MAX + 1);
    text[LOG_TEXT_MAX + 1] = '\0';
    line_of(LOG_TEXT, "p", text);
    assert_int_equal(count_of("..."), 1);
}

static void test_log_full_pipe_drops_counts_and_says_so(void **state)
{
    (void)state;
    for (int json = 0; json < 2; json++) {
        capture_pipe();
        log_init("p", json ? LOG_JSON : LOG_TEXT, LOG_LEVEL_INFO);
        uint64_t written = 0;
        while (written < WRITES_LIMIT && log_dropped() == 0) {
            log_info("line %llu", (unsigned long long)written);
            written++;
        }
        written--; /* the last was dropped */
        log_info("dropped too");
        log_info("dropped too");
        uint64_t dropped = log_dropped();
        drain();
        size_t lines_before = count_of("\n");
        log_info("fits again");
        log_info("and again");
        uint64_t dropped_after = log_dropped();
        capture_off();
        assert_true(written > 10 && written < WRITES_LIMIT);
        assert_int_equal(lines_before, written);
        assert_int_equal(dropped, 3);
        assert_int_equal(dropped_after, 3);
        assert_int_equal(count_of("\n"), written + 2);
        assert_int_equal(count_of("dropped too"), 0);
        assert_int_equal(
            count_of(json ? "\"text\":\"fits again\",\"dropped\":3}\n" : ": fits again (3 lines dropped)\n"), 1);
        assert_int_equal(count_of(json ? "\"text\":\"and again\"}\n" : ": and again\n"), 1); /* said once */
    }
}

/* A stream socket (the journal's) takes a part of a line: the rest comes first, and no line is mixed. */
static void test_log_part_of_a_line_is_finished_first(void **state)
{
    (void)state;
    static char text[LOG_TEXT_MAX];
    memset(text, 1, sizeof text - 1); /* four bytes each in the line: the kernel takes such in two parts */
    int parts = 0;
    for (uint64_t few = 0; few < 20; few++) { /* short lines, so that a long one meets every level of the buffer */
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int)), 0);
        capture_on(ends[0], ends[1]);
        log_init("p", LOG_TEXT, LOG_LEVEL_INFO);
        uint64_t tried = 0;
        for (; tried < WRITES_LIMIT && log_dropped() == 0; tried++)
            log_info("%.*s", tried < few ? 5 : 900, text);
        drain();
        parts += capture.length > 0 && capture.text[capture.length - 1] != '\n';
        for (int i = 0; i < 4; i++) { /* at most as many writes as parts of the rest */
            log_info("end");
            drain();
        }
        uint64_t dropped = log_dropped();
        capture_off();
        assert_true(tried < WRITES_LIMIT && dropped > 0);
        assert_int_equal(capture.text[capture.length - 1], '\n');
        assert_int_equal(count_of("\n"), tried + 4 - dropped);
        for (const char *line = capture.text; *line; line = strchr(line, '\n') + 1)
            assert_true(time_good(line));
    }
    assert_true(parts > 0); /* else this test has tested nothing */
}

static void test_log_gone_reader(void **state)
{
    (void)state;
    void (*saved)(int) = signal(SIGPIPE, SIG_IGN);
    capture_pipe();
    log_init("p", LOG_TEXT, LOG_LEVEL_INFO);
    close(capture.reader);
    capture.reader = open("/dev/null", O_RDONLY);
    log_info("to nobody");
    uint64_t dropped = log_dropped();
    capture_off();
    signal(SIGPIPE, saved);
    assert_int_equal(dropped, 1);
}

static void test_log_leaves_errno_alone_and_never_blocks(void **state)
{
    (void)state;
    capture_pipe();
    log_init("p", LOG_TEXT, LOG_LEVEL_INFO);
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    errno = ENOSPC;
    bool kept = true;
    for (int i = 0; i < WRITES_LIMIT && log_dropped() == 0; i++) {
        log_info("line: %m");
        kept = kept && errno == ENOSPC;
    }
    capture_off();
    assert_true(kept && (flags & O_NONBLOCK));
    assert_true(count_of("line: No space left on device\n") > 10);
}

/* --- vocabulary ----------------------------------------------------------------------------- */

static void test_vocabulary(void **state)
{
    (void)state;
    assert_string_equal(refusal_name(REFUSAL_NONE), "NONE");
    assert_string_equal(refusal_text(REFUSAL_NONE), "none");
    assert_string_equal(refusal_name(REFUSAL_JOINT_RISK), "JOINT_RISK");
    assert_string_equal(refusal_text(REFUSAL_JOINT_RISK), "joint risk at stops over all accounts");
    for (unsigned a = 0; a < REFUSAL_COUNT; a++)
        for (unsigned b = 0; b < a; b++) {
            assert_string_not_equal(refusal_name(a), refusal_name(b));
            assert_string_not_equal(refusal_text(a), refusal_text(b));
        }
    assert_string_equal(refusal_text(REFUSAL_COUNT), "?");
    assert_string_equal(refusal_name(REFUSAL_COUNT), "?");
    assert_string_equal(refusal_name(UINT32_MAX), "?");
    assert_string_equal(refusal_text(UINT32_MAX), "?");
}

/* In journals: append only. A number here that has to be changed is a broken journal. */
static void test_vocabulary_is_never_renumbered(void **state)
{
    (void)state;
    static const char *const names[] = {
        "NONE",          "PAUSED",         "ACCOUNT_STATE",      "DAILY_LOSS",      "TOTAL_LOSS",
        "BELOW_MINIMUM", "MAX_POSITIONS",  "NO_PERMIT",          "UNKNOWN_ACCOUNT", "OPPOSITE_POSITION",
        "JOINT_RISK",    "PERMIT_EXPIRED", "NO_CONVERSION_RATE", "SESSION_CLOSED",  "RECONCILING",
        "STORE_FAILED",
    };
    assert_true(REFUSAL_COUNT >= COUNT(names));
    for (unsigned i = 0; i < COUNT(names); i++)
        assert_string_equal(refusal_name(i), names[i]);
}

/* --- crash points ---------------------------------------------------------------------------- */

/* The passage (from 1) after which a child is gone; 0: it came through. Two points, in turn. */
static int passages_before_death(const char *spec, const char *file)
{
    int ends[2], count = 0;
    char byte;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(STDERR_FILENO);
        close(ends[0]);
        signal(SIGABRT, SIG_DFL);
        setenv("PROPFLEET_CRASH", spec, 1);
        if (file)
            setenv("PROPFLEET_CRASH_FILE", file, 1);
        for (int i = 0; i < 6; i++) {
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
            if (i % 2 == 0)
                CRASHPOINT("first");
            else
                CRASHPOINT("second");
        }
        _exit(0);
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1)
        count++;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        return -1;
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? count : 0;
}

#ifdef PROPFLEET_FAULTS

static void test_crashpoint_kills_at_the_named_passage(void **state)
{
    (void)state;
    assert_int_equal(passages_before_death("first:1", NULL), 1);
    assert_int_equal(passages_before_death("second:1", NULL), 2);
    assert_int_equal(passages_before_death("first:3", NULL), 5);
    assert_int_equal(passages_before_death("first:4", NULL), 0);
    assert_int_equal(passages_before_death("third:1", NULL), 0);
    assert_int_equal(passages_before_death("firs:1,first1:1", NULL), 0);
    assert_int_equal(passages_before_death("first:3,second:2", NULL), 4);
    assert_int_equal(passages_before_death("", NULL), 0);
}

static void test_crashpoint_file_disarms(void **state)
{
    (void)state;
    char folder[] = "/tmp/propfleet-crashpoint-XXXXXX", file[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/crashed", folder);
    assert_int_equal(passages_before_death("first:2", file), 3);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(passages_before_death("first:2", file), 0);
    unlink(file);
    assert_int_equal(passages_before_death("first:9", file), 0);
    assert_int_equal(access(file, F_OK), -1); /* made at the kill, not before */
    rmdir(folder);
    assert_int_equal(passages_before_death("first:1", file), -1); /* cannot be made: no silent loop of kills */
}

static void test_crashpoint_misuse_is_loud(void **state)
{
    (void)state;
    static const char *const specs[] = {"first",    "first:", "first:0",          "first:x",
                                        "first:1x", ":1",     "first:1;second:1", "first:-1"};
    for (size_t i = 0; i < COUNT(specs); i++)
        assert_int_equal(passages_before_death(specs[i], NULL), -1);
}

#else

static void test_crashpoint_is_nothing_without_faults(void **state)
{
    (void)state;
    assert_int_equal(passages_before_death("first:1", NULL), 0);
}

#endif

int main(void)
{
    alarm(TEST_LIMIT_S); /* a log that blocks is a failure, not a test that hangs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_leaf_and_contexts),
        cmocka_unit_test(test_error_errno_appends_the_reason),
        cmocka_unit_test(test_error_without_an_object),
        cmocka_unit_test(test_error_text_may_be_its_own_argument),
        cmocka_unit_test(test_error_long_texts_are_cut),
        cmocka_unit_test(test_error_codes_that_are_none_are_our_mistake),
        cmocka_unit_test(test_log_text_line),
        cmocka_unit_test(test_log_json_line),
        cmocka_unit_test(test_log_levels_and_journal_prefixes),
        cmocka_unit_test(test_log_hostile_text),
        cmocka_unit_test(test_log_long_text_is_cut_and_the_line_stays_whole),
        cmocka_unit_test(test_log_full_pipe_drops_counts_and_says_so),
        cmocka_unit_test(test_log_part_of_a_line_is_finished_first),
        cmocka_unit_test(test_log_gone_reader),
        cmocka_unit_test(test_log_leaves_errno_alone_and_never_blocks),
        cmocka_unit_test(test_vocabulary),
        cmocka_unit_test(test_vocabulary_is_never_renumbered),
#ifdef PROPFLEET_FAULTS
        cmocka_unit_test(test_crashpoint_kills_at_the_named_passage),
        cmocka_unit_test(test_crashpoint_file_disarms),
        cmocka_unit_test(test_crashpoint_misuse_is_loud),
#else
        cmocka_unit_test(test_crashpoint_is_nothing_without_faults),
#endif
    };
    return cmocka_run_group_tests_name("error_log", tests, NULL, NULL);
}
