#include "tests/bench/bench_ring.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CALIBRATE_NS INT64_C(20000000)

static double ns_per_tick = 1.0;
static cpu_set_t allowed; /* of the bench as it was started, before anything was pinned */

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t bench_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

int64_t bench_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return (uint64_t)bench_now_ns();
#endif
}

double bench_ticks_to_ns(uint64_t ticks) { return (double)ticks * ns_per_tick; }

void bench_calibrate(void)
{
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        bench_die("sched_getaffinity");
    int64_t start = bench_now_ns();
    uint64_t ticks = bench_ticks();
    while (bench_now_ns() - start < CALIBRATE_NS)
        ;
    ns_per_tick = (double)(bench_now_ns() - start) / (double)(bench_ticks() - ticks);
}

void bench_sleep_until(int64_t when_ns)
{
    struct timespec t = {.tv_sec = when_ns / 1000000000, .tv_nsec = when_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

void bench_pin(unsigned which)
{
    cpu_set_t one;
    if (CPU_COUNT(&allowed) < 2)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && which-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            sched_setaffinity(0, sizeof one, &one);
            return;
        }
    }
}

void bench_unpin(void) { sched_setaffinity(0, sizeof allowed, &allowed); }

void bench_die(const char *what)
{
    fprintf(stderr, "bench_ring: %s\n", what);
    exit(1); /* the children follow: PR_SET_PDEATHSIG */
}

void *bench_shared_memory(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (p == MAP_FAILED)
        bench_die("no memory");
    return p;
}

void bench_shared_reset(struct bench_shared *shared)
{
    memset(shared->readers, 0, sizeof shared->readers);
    shared->sample_count = 0;
}

pid_t bench_fork(void)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        bench_die("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        prctl(PR_SET_TIMERSLACK, 1);
    }
    return pid;
}

void bench_wait_ready(const struct bench_shared *shared, unsigned count)
{
    int64_t deadline = bench_now_ns() + BENCH_PHASE_LIMIT_NS;
    for (unsigned i = 0; i < count; i++) {
        while (!atomic_load(&shared->readers[i].ready)) {
            sched_yield();
            if (bench_now_ns() > deadline)
                bench_die("a reader did not start");
        }
    }
}

void bench_join(const pid_t *pids, unsigned count)
{
    int64_t deadline = bench_now_ns() + BENCH_PHASE_LIMIT_NS;
    for (unsigned i = 0; i < count; i++) {
        int status = 0;
        pid_t got;
        while ((got = waitpid(pids[i], &status, WNOHANG)) == 0) {
            bench_sleep_until(bench_now_ns() + 1000000);
            if (bench_now_ns() > deadline)
                bench_die("a reader did not end");
        }
        if (got != pids[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            bench_die("a reader failed");
    }
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare_double);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double bench_quantile_ns(struct bench_shared *shared, double q)
{
    if (shared->sample_count == 0)
        bench_die("no samples");
    qsort(shared->samples_ns, shared->sample_count, sizeof shared->samples_ns[0], compare_u32);
    return shared->samples_ns[(uint32_t)(q * (shared->sample_count - 1))];
}

void bench_print(const char *metric, double value, const char *unit)
{
    printf("{\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", metric, value, unit);
    fflush(stdout);
}
