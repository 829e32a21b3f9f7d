#include "tests/integration/supervisor_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <ftw.h>

double rig_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void rig_step(double started_s, const char *what, const char *detail)
{
    if (rig_now_s() - started_s > RIG_WAIT_MS / 1e3)
        fail_msg("not within %d ms: %s %s", RIG_WAIT_MS, what, detail);
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

void rig_path(const struct rig *rig, const char *name, char *buf, size_t size)
{
    assert_true(snprintf(buf, size, "%s/%s", rig->folder, name) < (int)size);
}

/* The folder in which the test's own executable lies, with the fakes beside it. */
static void beside(const char *name, char *buf, size_t size)
{
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    *strrchr(self, '/') = 0;
    assert_true(snprintf(buf, size, "%s/%s", self, name) < (int)size);
}

static void link_program(const struct rig *rig, const char *fake, const char *name)
{
    char from[600], to[256];
    beside(fake, from, sizeof from);
    rig_path(rig, name, to, sizeof to);
    assert_return_code(symlink(from, to), errno);
}

void rig_open(struct rig *rig)
{
    static const char *const folders[] = {"config", "libexec"};
    char path[256];
    *rig = (struct rig){.folder = "/tmp/propfleet-rig-XXXXXX"};
    assert_non_null(mkdtemp(rig->folder));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        rig_path(rig, folders[i], path, sizeof path);
        assert_return_code(mkdir(path, 0700), errno);
    }
    link_program(rig, "fake_config", "libexec/propfleet-config");
    link_program(rig, "fake_child", "libexec/propfleet-coordinator");
    link_program(rig, "fake_child", "libexec/propfleet-feed");
    link_program(rig, "fake_child", "libexec/propfleet-account");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void rig_close(struct rig *rig)
{
    if (rig->pid > 0) {
        kill(rig->pid, SIGCONT);
        kill(rig->pid, SIGTERM);
        rig_wait_exit(rig);
    }
    if (getenv("RIG_KEEP"))
        printf("kept: %s\n", rig->folder);
    else
        nftw(rig->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void rig_write(const struct rig *rig, const char *name, const char *text)
{
    char path[256];
    rig_path(rig, name, path, sizeof path);
    if (!text) {
        assert_return_code(unlink(path), errno);
        return;
    }
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

pid_t rig_spawn_supervisor(const struct rig *rig, const char *log_name)
{
    char program[600], log[256], config[256], state[256], runtime[256], libexec[256];
    beside("../libexec/propfleet/propfleet-supervisor", program, sizeof program);
    rig_path(rig, log_name, log, sizeof log);
    rig_path(rig, "config", config, sizeof config);
    rig_path(rig, "state", state, sizeof state);
    rig_path(rig, "runtime", runtime, sizeof runtime);
    rig_path(rig, "libexec", libexec, sizeof libexec);
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execl(program, "propfleet-supervisor", "--config", config, "--state", state, "--runtime", runtime, "--libexec",
          libexec, (char *)NULL);
    _exit(127);
}

void rig_start(struct rig *rig)
{
    assert_int_equal(rig->pid, 0);
    rig->pid = rig_spawn_supervisor(rig, "log");
}

void rig_start_ready(struct rig *rig)
{
    int before = rig_count(rig, "log", "fleet is ready", "");
    rig_start(rig);
    rig_wait_count(rig, "log", "fleet is ready", "", before + 1);
}

int rig_wait_pid_exit(pid_t pid)
{
    int status = 0;
    double started = rig_now_s();
    while (waitpid(pid, &status, WNOHANG) != pid)
        rig_step(started, "exit of the supervisor", "");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int rig_wait_exit(struct rig *rig)
{
    int status = rig_wait_pid_exit(rig->pid);
    rig->pid = 0;
    return status;
}

/* --- asking ------------------------------------------------------------------------- */

int rig_connect(const struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    rig_path(rig, "runtime/control.sock", address.sun_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(fd, errno);
    const struct timeval limit = {.tv_sec = RIG_WAIT_MS / 1000};
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), errno);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

char *rig_ask(const struct rig *rig, const char *line)
{
    int fd;
    double started = rig_now_s();
    while ((fd = rig_connect(rig)) < 0) /* it has just been started */
        rig_step(started, "control socket for", line);
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    char *answer = calloc(1, 1 << 20);
    assert_non_null(answer);
    size_t length = 0;
    for (;;) {
        ssize_t n = recv(fd, answer + length, (1 << 20) - 1 - length, 0);
        assert_true(n >= 0 || errno == ECONNRESET);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    close(fd);
    return answer;
}

json_t *rig_status(const struct rig *rig)
{
    char *answer = rig_ask(rig, "status\n");
    assert_memory_equal(answer, "OK\n", 3);
    json_t *status = json_loads(answer + 3, 0, NULL);
    assert_non_null(status);
    free(answer);
    return status;
}

json_t *rig_process(json_t *status, const char *name)
{
    size_t i;
    json_t *process;
    json_array_foreach(json_object_get(status, "processes"), i, process)
    {
        if (strcmp(json_string_value(json_object_get(process, "name")), name) == 0)
            return process;
    }
    return NULL;
}

pid_t rig_pid(const struct rig *rig, const char *name)
{
    json_t *status = rig_status(rig);
    json_t *process = rig_process(status, name);
    assert_non_null(process);
    pid_t pid = (pid_t)json_integer_value(json_object_get(process, "pid"));
    json_decref(status);
    return pid;
}

void rig_wait_state(const struct rig *rig, const char *name, const char *state)
{
    double started = rig_now_s();
    for (;;) {
        json_t *status = rig_status(rig);
        json_t *process = rig_process(status, name);
        bool there = process && strcmp(json_string_value(json_object_get(process, "state")), state) == 0;
        json_decref(status);
        if (there)
            return;
        rig_step(started, name, state);
    }
}

pid_t rig_wait_restarted(const struct rig *rig, const char *name, pid_t before)
{
    double started = rig_now_s();
    for (;;) {
        json_t *status = rig_status(rig);
        json_t *process = rig_process(status, name);
        pid_t pid = (pid_t)json_integer_value(json_object_get(process, "pid"));
        bool ready = strcmp(json_string_value(json_object_get(process, "state")), "READY") == 0;
        json_decref(status);
        if (ready && pid > 0 && pid != before)
            return pid;
        rig_step(started, name, "restarted");
    }
}

/* --- reading files -------------------------------------------------------------------------- */

static long scan(const struct rig *rig, const char *file_name, const char *a, const char *b, int *count)
{
    char path[256];
    rig_path(rig, file_name, path, sizeof path);
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    long first = -1, at = 0;
    *count = 0;
    for (ssize_t n; file && (n = getline(&line, &room, file)) > 0; at += n) {
        if (line[n - 1] != '\n' || !strstr(line, a) || !strstr(line, b))
            continue;
        if ((*count)++ == 0)
            first = at;
    }
    free(line);
    if (file)
        fclose(file);
    return first;
}

int rig_count(const struct rig *rig, const char *file, const char *a, const char *b)
{
    int count;
    scan(rig, file, a, b, &count);
    return count;
}

long rig_find(const struct rig *rig, const char *file, const char *a, const char *b)
{
    int count;
    return scan(rig, file, a, b, &count);
}

void rig_wait_count(const struct rig *rig, const char *file, const char *a, const char *b, int count)
{
    double started = rig_now_s();
    while (rig_count(rig, file, a, b) < count)
        rig_step(started, a, b);
}

long rig_size(const struct rig *rig, const char *file)
{
    char path[256];
    struct stat st;
    rig_path(rig, file, path, sizeof path);
    assert_return_code(stat(path, &st), errno);
    return (long)st.st_size;
}
