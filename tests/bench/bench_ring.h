/* bench_ring: what the ring's bench and its ZeroMQ peers share: clock, children, results.
 *
 * Children are forked processes that report into memory shared with the parent; they die with it.
 * Only ratios within one run mean anything, so that both sides are measured by turns.
 */
#ifndef PROPFLEET_TESTS_BENCH_RING_H
#define PROPFLEET_TESTS_BENCH_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_READERS 10
#define BENCH_SAMPLES_MAX (1u << 17)
#define BENCH_PHASE_LIMIT_NS INT64_C(10000000000) /* a phase that takes longer has failed */

/* One reader's report. */
struct bench_reader {
    alignas(128) _Atomic uint32_t ready;
    uint64_t read, lost, wrong;
    uint64_t cpu_ns;  /* of the whole process, while it read */
    int64_t end_ns;   /* when it had read everything */
};

struct bench_shared {
    struct bench_reader readers[BENCH_READERS];
    uint32_t sample_count;
    uint32_t samples_ns[BENCH_SAMPLES_MAX];
};

/* What one measurement of ten readers gave. */
struct bench_fan {
    double per_reader_per_s;
    double cpu_ns_per_delivery;
    uint64_t lost;
};

int64_t bench_now_ns(void);
uint64_t bench_ticks(void);            /* the cheapest steady counter there is */
double bench_ticks_to_ns(uint64_t ticks);
void bench_calibrate(void);            /* first of all */
int64_t bench_cpu_ns(void);            /* of the calling process, all threads */
void bench_sleep_until(int64_t when_ns);
void bench_pin(unsigned which);        /* to the which-th processor allowed; none when there is one only */
void bench_unpin(void);
void bench_die(const char *what) __attribute__((noreturn));

void *bench_shared_memory(size_t size); /* zeroed, inherited by children */
void bench_shared_reset(struct bench_shared *shared);
/* 0 in the child, which dies with its parent. */
pid_t bench_fork(void);
void bench_wait_ready(const struct bench_shared *shared, unsigned count);
/* Wait for all to exit with 0; ends the bench when one does not in time. */
void bench_join(const pid_t *pids, unsigned count);

double bench_median(double *values, unsigned count);                /* sorts */
double bench_quantile_ns(struct bench_shared *shared, double q);    /* of samples_ns; sorts */
/* One JSON object on a line of its own. */
void bench_print(const char *metric, double value, const char *unit);

static inline uint64_t bench_check(uint64_t seq) { return seq * UINT64_C(0x9e3779b97f4a7c15); }

/* The same work over ZeroMQ PUB/SUB, ipc. */
double bench_zmq_hop_p50_ns(struct bench_shared *shared, int64_t duration_ns, uint64_t per_s);
struct bench_fan bench_zmq_fanout(struct bench_shared *shared, int64_t duration_ns);
struct bench_fan bench_zmq_sleepers(struct bench_shared *shared, int64_t duration_ns, uint64_t per_s);

#endif
