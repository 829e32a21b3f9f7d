/* spawn: exec errors by name, descriptors exactly as asked. Real processes: not under valgrind, where a child of
 * posix_spawn shares no memory and its errors do not come back. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "supervisor/spawn.h"

static void test_spawn_reports_exec_errors_by_name(void **state)
{
    (void)state;
    struct error err = {0};
    pid_t pid = -1;
    int pidfd = -1;
    char name[] = "x", *argv[] = {name, NULL}, *envp[] = {NULL};
    struct spawn spawn;
    spawn_init(&spawn, "/nowhere/libexec/propfleet-account", argv, envp);
    assert_int_equal(spawn_start(&spawn, &pid, &pidfd, &err), -ENOENT);
    assert_string_equal(err.text, "/nowhere/libexec/propfleet-account: No such file or directory");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing was started */
    spawn_init(&spawn, "/dev/null", argv, envp);
    assert_int_equal(spawn_start(&spawn, &pid, &pidfd, &err), -EACCES);
}

/* Sources that are fixed numbers themselves, crosswise: 3 to 4 and 4 to 3. */
static void test_spawn_moves_low_sources_out_of_the_way(void **state)
{
    (void)state;
    struct error err = {0};
    pid_t pid;
    int pidfd, status = 0, ends[2], saved3 = fcntl(3, F_DUPFD_CLOEXEC, 20), saved4 = fcntl(4, F_DUPFD_CLOEXEC, 20);
    char sh[] = "sh", c[] = "-c", *envp[] = {NULL}, out[64] = "";
    char script[] = "echo three >&3; echo four >&4; ls /proc/self/fd | wc -l >&3";
    char *argv[] = {sh, c, script, NULL};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i < 2; i++) {
        int low = ends[i];
        ends[i] = fcntl(low, F_DUPFD_CLOEXEC, 20);
        close(low);
    }
    int low = open("/dev/null", O_WRONLY | O_CLOEXEC), null = fcntl(low, F_DUPFD_CLOEXEC, 20);
    close(low);
    int a = dup3(ends[1], 4, O_CLOEXEC), b = dup3(null, 3, O_CLOEXEC);
    struct spawn spawn;
    spawn_init(&spawn, "/bin/sh", argv, envp);
    spawn.fds[0] = spawn.fds[1] = spawn.fds[2] = null;
    spawn.fds[3] = a; /* descriptor 4, the pipe */
    spawn.fds[4] = b; /* descriptor 3, /dev/null */
    int rc = spawn_start(&spawn, &pid, &pidfd, &err);
    close(3);
    close(4);
    if (saved3 >= 0)
        assert_int_equal(dup2(saved3, 3), 3);
    if (saved4 >= 0)
        assert_int_equal(dup2(saved4, 4), 4);
    close(saved3);
    close(saved4);
    if (rc != 0)
        fail_msg("%s", err.text);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    close(ends[1]);
    assert_true(read(ends[0], out, sizeof out - 1) > 0);
    assert_memory_equal(out, "three\n", 6);
    /* 0 1 2 3 4 and the one that ls opens, nothing of ours. */
    assert_int_equal(atoi(out + 6), 6);
    close(ends[0]);
    close(null);
    close(pidfd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spawn_reports_exec_errors_by_name),
        cmocka_unit_test(test_spawn_moves_low_sources_out_of_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
