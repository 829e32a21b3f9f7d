/* bench_permit: a permit's round trip, ten accounts at once, against a bare DEALER/ROUTER echo of frames of the
 * same size. Both by turns in one run, ten client processes each; prints one JSON object a line.
 *
 * A permit is the whole of it: client.c, the real propfleet-coordinator with its store (STORE_CRASH), rounds over
 * the watermarks of ten cells. All ten propose at every instant, as when one signal is offered to all; the echo's
 * ten clients wait for nobody. "Sparse" is one proposer in each round: the other nine only move their watermark.
 */
#include "tests/bench/bench_ring.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "base/error.h"
#include "tests/integration/coordinator_rig.h"
#include "workers/broker/broker.h"

#define CLIENTS RIG_ACCOUNTS_MAX
#define ROUNDS 3
#define TRIPS 3000u        /* of each client in a phase */
#define POLL_MS 100
#define SAMPLES_EACH (BENCH_SAMPLES_MAX / CLIENTS)

struct phase {
    struct bench_shared *shared;
    struct rig *rig;
    char echo_endpoint[160];
    bool sparse;
    size_t frame_bytes;
};

static void sample(struct bench_shared *shared, unsigned client, uint32_t trip, int64_t ns)
{
    if (trip < SAMPLES_EACH)
        shared->samples_ns[client * SAMPLES_EACH + trip] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static struct wire_message proposal_at(unsigned client, uint32_t trip)
{
    struct wire_message message = {.type = WIRE_PROPOSE, .generation = 1, .u.proposal = rig_buy(0, 1000)};
    message.u.proposal.jseq = trip + 1;
    message.u.proposal.instant_ns = RIG_INSTANT_0 + (int64_t)(trip + 1) * RIG_STEP_NS;
    message.u.proposal.confidence = (double)client / CLIENTS;
    return message;
}

/* --- permits ------------------------------------------------------------------------------------------------- */

static void wait_for(struct client *client, uint32_t type, struct wire_message *out)
{
    int64_t until = bench_now_ns() + BENCH_PHASE_LIMIT_NS;
    while (bench_now_ns() < until) {
        while (client_receive(client, out) == 1)
            if (out->type == type)
                return;
        struct pollfd poller = {.fd = client_fd(client), .events = POLLIN};
        (void)poll(&poller, 1, POLL_MS);
    }
    bench_die("no answer of the coordinator");
}

static void permit_client(const struct phase *phase, unsigned index)
{
    struct rig_account *account = &phase->rig->accounts[index];
    struct bench_reader *report = &phase->shared->readers[index];
    struct client *client = NULL;
    struct wire_hello hello = {.account = index};
    struct wire_message message;
    if (client_open(phase->rig->runtime_dir, index, account->generation, &client, NULL) != 0 ||
        client_reset(client, &hello, NULL) != 0)
        bench_die("client");
    wait_for(client, WIRE_WELCOME, &message);
    atomic_store(&report->ready, 1);
    for (uint32_t trip = 0; trip < TRIPS; trip++) {
        struct wire_message proposal = proposal_at(index, trip);
        int64_t began = bench_now_ns();
        if (client_send(client, &proposal) != 0)
            bench_die("send");
        cell_set_watermark(account->cell, proposal.u.proposal.instant_ns, proposal.u.proposal.jseq);
        wait_for(client, WIRE_ANSWER, &message);
        sample(phase->shared, index, trip, bench_now_ns() - began);
        report->wrong += message.u.answer.jseq != proposal.u.proposal.jseq || message.u.answer.qty == 0;
        report->read++;
    }
    report->end_ns = bench_now_ns();
    _exit(report->wrong ? 1 : 0);
}

/* Returns round trips a second. */
static double permit_phase(struct bench_shared *shared, bool sparse)
{
    static struct rig rig;
    struct phase phase = {.shared = shared, .rig = &rig, .sparse = sparse};
    pid_t pids[CLIENTS];
    unsigned clients = sparse ? 1 : CLIENTS;
    rig_init(&rig, CLIENTS, false);
    rig.config.coordination.permit_validity_ns = 1; /* the permit of one instant is over at the next */
    bench_shared_reset(shared);
    rig_start(&rig, NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        rig_account_begin_cell(&rig, i);
        if (i >= clients)
            cell_set_watermark(rig.accounts[i].cell, INT64_MAX, 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (i < clients && (pids[i] = bench_fork()) == 0)
            permit_client(&phase, i);
        rig.accounts[i].pid = i < clients ? pids[i] : getpid();
        rig_tell(&rig, i);
    }
    bench_wait_ready(shared, clients);
    int64_t began = bench_now_ns(), ended = began;
    bench_join(pids, clients);
    for (unsigned i = 0; i < clients; i++)
        ended = shared->readers[i].end_ns > ended ? shared->readers[i].end_ns : ended;
    rig_stop(&rig);
    rig_fini(&rig);
    return (double)clients * TRIPS * 1e9 / (double)(ended - began);
}

/* --- echo ------------------------------------------------------------------------------------------------------ */

static void echo_server(const struct phase *phase)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_ROUTER);
    if (zmq_bind(socket, phase->echo_endpoint) != 0)
        bench_die("bind");
    for (;;) {
        zmq_msg_t id, frame;
        zmq_msg_init(&id);
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&id, socket, 0) < 0 || zmq_msg_recv(&frame, socket, 0) < 0 ||
            zmq_msg_send(&id, socket, ZMQ_SNDMORE) < 0 || zmq_msg_send(&frame, socket, 0) < 0)
            bench_die("echo");
    }
}

static void echo_client(const struct phase *phase, unsigned index)
{
    struct bench_reader *report = &phase->shared->readers[index];
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
    int reconnect_ms = CLIENT_RECONNECT_MS;
    unsigned char frame[WIRE_BYTES_MAX] = {0}, answer[WIRE_BYTES_MAX];
    if (zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof reconnect_ms) != 0 ||
        zmq_connect(socket, phase->echo_endpoint) != 0)
        bench_die("connect");
    for (uint32_t trip = 0; trip <= TRIPS; trip++) { /* the first is not measured: it waits for the connection */
        int64_t began = bench_now_ns();
        if (zmq_send(socket, frame, phase->frame_bytes, 0) < 0 || zmq_recv(socket, answer, sizeof answer, 0) < 0)
            bench_die("echo");
        if (trip == 0)
            atomic_store(&report->ready, 1);
        else
            sample(phase->shared, index, trip - 1, bench_now_ns() - began);
    }
    report->end_ns = bench_now_ns();
    _exit(0);
}

static double echo_phase(struct bench_shared *shared, unsigned clients)
{
    struct phase phase = {.shared = shared};
    unsigned char frame[WIRE_BYTES_MAX];
    struct wire_message proposal = proposal_at(1, TRIPS / 2);
    pid_t pids[CLIENTS];
    char folder[] = "/tmp/pfecho.XXXXXX";
    phase.frame_bytes = wire_encode(&proposal, frame);
    if (!mkdtemp(folder))
        bench_die("mkdtemp");
    snprintf(phase.echo_endpoint, sizeof phase.echo_endpoint, "ipc://%s/echo", folder);
    bench_shared_reset(shared);
    pid_t server = bench_fork();
    if (server == 0)
        echo_server(&phase);
    for (unsigned i = 0; i < clients; i++)
        if ((pids[i] = bench_fork()) == 0)
            echo_client(&phase, i);
    bench_wait_ready(shared, clients);
    int64_t began = bench_now_ns(), ended = began;
    bench_join(pids, clients);
    for (unsigned i = 0; i < clients; i++)
        ended = shared->readers[i].end_ns > ended ? shared->readers[i].end_ns : ended;
    kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    unlink(phase.echo_endpoint + strlen("ipc://"));
    rmdir(folder);
    return (double)clients * TRIPS * 1e9 / (double)(ended - began);
}

static double p50_us(struct bench_shared *shared, unsigned clients)
{
    for (unsigned i = 1; i < clients; i++) /* close the ranks */
        memmove(&shared->samples_ns[i * TRIPS], &shared->samples_ns[i * SAMPLES_EACH], TRIPS * sizeof shared->samples_ns[0]);
    shared->sample_count = clients * TRIPS;
    return bench_quantile_ns(shared, 0.5) / 1e3;
}

static_assert(TRIPS <= SAMPLES_EACH, "every trip is a sample");

int main(void)
{
    struct bench_shared *shared = bench_shared_memory(sizeof *shared);
    double permits[ROUNDS], echoes[ROUNDS], ratios[ROUNDS], permit_p50[ROUNDS], echo_p50[ROUNDS];
    double sparse[ROUNDS], echo_one[ROUNDS], sparse_p50[ROUNDS], echo_one_p50[ROUNDS];
    bench_calibrate();
    for (unsigned i = 0; i < ROUNDS; i++) {
        echoes[i] = echo_phase(shared, CLIENTS);
        echo_p50[i] = p50_us(shared, CLIENTS);
        permits[i] = permit_phase(shared, false);
        permit_p50[i] = p50_us(shared, CLIENTS);
        ratios[i] = permits[i] / echoes[i];
        echo_one[i] = echo_phase(shared, 1);
        echo_one_p50[i] = p50_us(shared, 1);
        sparse[i] = permit_phase(shared, true);
        sparse_p50[i] = p50_us(shared, 1);
    }
    bench_print("permit_round_trips", bench_median(permits, ROUNDS), "per_s");
    bench_print("permit_round_trip_p50", bench_median(permit_p50, ROUNDS), "us");
    bench_print("permit_echo_round_trips", bench_median(echoes, ROUNDS), "per_s");
    bench_print("permit_echo_round_trip_p50", bench_median(echo_p50, ROUNDS), "us");
    bench_print("permit_to_echo", bench_median(ratios, ROUNDS), "ratio");
    bench_print("permit_sparse_round_trips", bench_median(sparse, ROUNDS), "per_s");
    bench_print("permit_sparse_round_trip_p50", bench_median(sparse_p50, ROUNDS), "us");
    bench_print("permit_echo_one_round_trips", bench_median(echo_one, ROUNDS), "per_s");
    bench_print("permit_echo_one_round_trip_p50", bench_median(echo_one_p50, ROUNDS), "us");
    return 0;
}
