/* ZeroMQ PUB/SUB over ipc doing the ring's work: the usual choice that the goals are ratios of.
 * XPUB_NODROP makes the publisher wait instead of dropping, so that nothing is lost here either. */
#include "tests/bench/bench_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#define HIGH_WATER 100000 /* more than any run needs: no peer is slowed by a small queue */

enum { WORD_SEQ, WORD_CHECK, WORD_TICKS, WORD_LAST, WORDS = 8 }; /* a 64-byte message; seq 0: warm-up */

struct peer {
    char folder[64], address[96];
    void *context, *socket;
    pid_t pids[BENCH_READERS];
    unsigned readers;
};

static void reader_take(struct bench_reader *r, const uint64_t *m)
{
    r->read++;
    r->lost += m[WORD_SEQ] != r->read;
    r->wrong += m[WORD_CHECK] != bench_check(m[WORD_SEQ]);
}

static void reader_run(const struct peer *p, struct bench_shared *shared, unsigned index, int timed)
{
    struct bench_reader *r = &shared->readers[index];
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_SUB);
    int high = HIGH_WATER, limit_ms = (int)(BENCH_PHASE_LIMIT_NS / 1000000);
    uint64_t m[WORDS];
    zmq_setsockopt(socket, ZMQ_RCVHWM, &high, sizeof high);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &limit_ms, sizeof limit_ms);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    if (zmq_connect(socket, p->address) != 0)
        _exit(1);
    int64_t cpu = 0;
    do {
        if (zmq_recv(socket, m, sizeof m, 0) != sizeof m)
            _exit(1);
        uint64_t ticks = timed ? bench_ticks() : 0;
        if (m[WORD_SEQ] == 0) { /* the subscription is live */
            cpu = bench_cpu_ns();
            atomic_store(&r->ready, 1);
            continue;
        }
        reader_take(r, m);
        if (timed && shared->sample_count < BENCH_SAMPLES_MAX)
            shared->samples_ns[shared->sample_count++] = (uint32_t)bench_ticks_to_ns(ticks - m[WORD_TICKS]);
    } while (!m[WORD_LAST]);
    r->cpu_ns = (uint64_t)(bench_cpu_ns() - cpu);
    r->end_ns = bench_now_ns();
    _exit(0); /* no context to end: the process goes */
}

/* The address without the publisher: readers are forked first, before there are threads here. */
static void peer_open(struct peer *p, struct bench_shared *shared, unsigned readers, int timed)
{
    *p = (struct peer){.readers = readers};
    bench_shared_reset(shared);
    snprintf(p->folder, sizeof p->folder, "/tmp/propfleet-bench-XXXXXX");
    if (!mkdtemp(p->folder))
        bench_die("mkdtemp");
    snprintf(p->address, sizeof p->address, "ipc://%s/s", p->folder);
    for (unsigned i = 0; i < readers; i++)
        if ((p->pids[i] = bench_fork()) == 0)
            reader_run(p, shared, i, timed);
    int one = 1, high = HIGH_WATER, linger = -1;
    p->context = zmq_ctx_new();
    p->socket = zmq_socket(p->context, ZMQ_XPUB);
    zmq_setsockopt(p->socket, ZMQ_XPUB_NODROP, &one, sizeof one);
    zmq_setsockopt(p->socket, ZMQ_SNDHWM, &high, sizeof high);
    zmq_setsockopt(p->socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(p->socket, p->address) != 0)
        bench_die("zmq_bind");
    const uint64_t warm_up[WORDS] = {0};
    int64_t deadline = bench_now_ns() + BENCH_PHASE_LIMIT_NS;
    for (unsigned i = 0; i < readers;) {
        if (atomic_load(&shared->readers[i].ready)) {
            i++;
            continue;
        }
        zmq_send(p->socket, warm_up, sizeof warm_up, 0);
        bench_sleep_until(bench_now_ns() + 2000000);
        if (bench_now_ns() > deadline)
            bench_die("a ZeroMQ reader did not start");
    }
}

static void peer_send(struct peer *p, uint64_t seq, int last)
{
    uint64_t m[WORDS] = {[WORD_SEQ] = seq, [WORD_CHECK] = bench_check(seq), [WORD_LAST] = (uint64_t)last};
    m[WORD_TICKS] = bench_ticks();
    if (zmq_send(p->socket, m, sizeof m, 0) != sizeof m)
        bench_die("zmq_send");
}

static void peer_close(struct peer *p)
{
    bench_join(p->pids, p->readers);
    zmq_close(p->socket);
    zmq_ctx_term(p->context);
    if (rmdir(p->folder) != 0) { /* ZeroMQ has removed its socket; otherwise do it */
        char path[80];
        snprintf(path, sizeof path, "%s/s", p->folder);
        unlink(path);
        rmdir(p->folder);
    }
}

static struct bench_fan peer_result(const struct bench_shared *shared, uint64_t sent, int64_t start_ns, int64_t cpu_ns)
{
    struct bench_fan fan = {0};
    int64_t end = start_ns;
    uint64_t cpu = (uint64_t)cpu_ns;
    for (unsigned i = 0; i < BENCH_READERS; i++) {
        const struct bench_reader *r = &shared->readers[i];
        if (r->wrong || r->read != sent)
            bench_die("ZeroMQ lost or garbled a message");
        cpu += r->cpu_ns;
        end = r->end_ns > end ? r->end_ns : end;
    }
    fan.per_reader_per_s = (double)sent / ((double)(end - start_ns) / 1e9);
    fan.cpu_ns_per_delivery = (double)cpu / ((double)sent * BENCH_READERS);
    return fan;
}

double bench_zmq_hop_p50_ns(struct bench_shared *shared, int64_t duration_ns, uint64_t per_s)
{
    struct peer p;
    peer_open(&p, shared, 1, 1);
    uint64_t count = (uint64_t)duration_ns * per_s / UINT64_C(1000000000);
    int64_t start = bench_now_ns();
    for (uint64_t seq = 1; seq <= count; seq++) {
        int64_t due = start + (int64_t)(seq * UINT64_C(1000000000) / per_s);
        while (bench_now_ns() < due)
            ;
        peer_send(&p, seq, seq == count);
    }
    peer_close(&p);
    return bench_quantile_ns(shared, 0.5);
}

struct bench_fan bench_zmq_fanout(struct bench_shared *shared, int64_t duration_ns)
{
    struct peer p;
    peer_open(&p, shared, BENCH_READERS, 0);
    int64_t cpu = bench_cpu_ns(), start = bench_now_ns();
    uint64_t seq = 0;
    while (bench_now_ns() - start < duration_ns)
        peer_send(&p, ++seq, 0);
    peer_send(&p, ++seq, 1);
    cpu = bench_cpu_ns() - cpu;
    peer_close(&p);
    return peer_result(shared, seq, start, cpu);
}

struct bench_fan bench_zmq_sleepers(struct bench_shared *shared, int64_t duration_ns, uint64_t per_s)
{
    struct peer p;
    peer_open(&p, shared, BENCH_READERS, 0);
    uint64_t count = (uint64_t)duration_ns * per_s / UINT64_C(1000000000);
    int64_t cpu = bench_cpu_ns(), start = bench_now_ns();
    for (uint64_t seq = 1; seq <= count; seq++) {
        bench_sleep_until(start + (int64_t)(seq * UINT64_C(1000000000) / per_s));
        peer_send(&p, seq, seq == count);
    }
    cpu = bench_cpu_ns() - cpu;
    peer_close(&p);
    return peer_result(shared, count, start, cpu);
}
