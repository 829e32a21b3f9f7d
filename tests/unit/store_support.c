#include "tests/unit/store_support.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include "base/hash.h"

const char *const support_tables[3] = {"orders", "positions", "risk"};

void support_folder(char path[64])
{
    const char *base = getenv("TMPDIR");
    if (!base || strlen(base) > 32)
        base = "/tmp";
    snprintf(path, 64, "%s/propfleet-XXXXXX", base);
    if (!mkdtemp(path)) {
        perror(path);
        exit(1);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void support_remove(const char *folder) { nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

struct store_options support_options(const char *folder)
{
    return (struct store_options){
        .folder = folder,
        .kind = "account",
        .tables = support_tables,
        .table_count = 3,
        .journal = true,
        .map_bytes = 1 << 20,
    };
}

void support_child_check(bool condition, const char *what, const struct error *err)
{
    if (condition)
        return;
    fprintf(stderr, "child: %s: %s\n", what, err ? err->text : "");
    _exit(1);
}

pid_t support_fork(void)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
    }
    return pid;
}

int support_wait(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

uint32_t support_turns(uint32_t turns)
{
    uint32_t fewer = turns / 20;
    return RUNNING_ON_VALGRIND ? (fewer ? fewer : 1) : turns;
}

uint64_t support_seed(void)
{
    const char *given = getenv("PROPFLEET_TEST_SEED");
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 20;
    printf("seed: PROPFLEET_TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

uint64_t support_random(uint64_t *state) { return hash_mix64((*state)++); }
