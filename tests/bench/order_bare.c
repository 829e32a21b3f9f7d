/* order_bare: what the order path is compared with: a bare DEALER/ROUTER round trip of a proposal's size and a bare
 * synced LMDB commit, one after the other. fleet.sh runs it beside the fleet whose orders it times, so that both see
 * the same machine and the same disk.
 *
 *   order_bare FOLDER SECONDS PAUSE_MS    a pause before each pair; 0: none
 *
 * Prints the medians: round trip, commit, both together, us. With a pause the processes have slept before, as those of a
 * fleet have when a record comes; without one everything is warm.
 */
#include "tests/bench/bench_ring.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>
#include <zmq.h>

#include "workers/coordinator/wire.h"

#define ROW_BYTES 256
#define TABLES 4 /* as an entry has: journal, orders, account, signals */
#define KEYS 200
#define MAP_BYTES (UINT64_C(1) << 28)
#define SAMPLES_MAX 16384

struct bare {
    void *socket;
    MDB_env *env;
    MDB_dbi dbi[TABLES];
    uint64_t commits;
    unsigned char frame[WIRE_BYTES_MAX], row[ROW_BYTES];
    size_t frame_bytes;
};

static double trips_us[SAMPLES_MAX], commits_us[SAMPLES_MAX], both_us[SAMPLES_MAX];

static void check(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "order_bare: %s: %s\n", what, rc > 0 || rc < -30000 ? mdb_strerror(rc) : zmq_strerror(zmq_errno()));
    exit(1);
}

static void echo_server(const char *endpoint)
{
    void *socket = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
    check(zmq_bind(socket, endpoint), "bind");
    for (;;) {
        zmq_msg_t id, frame;
        zmq_msg_init(&id);
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&id, socket, 0) < 0 || zmq_msg_recv(&frame, socket, 0) < 0 ||
            zmq_msg_send(&id, socket, ZMQ_SNDMORE) < 0 || zmq_msg_send(&frame, socket, 0) < 0)
            _exit(1);
    }
}

static void trip(struct bare *b)
{
    unsigned char answer[WIRE_BYTES_MAX];
    if (zmq_send(b->socket, b->frame, b->frame_bytes, 0) < 0 || zmq_recv(b->socket, answer, sizeof answer, 0) < 0)
        check(-1, "echo");
}

static void open_environment(struct bare *b, const char *folder)
{
    static const char *const names[TABLES] = {"journal", "orders", "account", "signals"};
    MDB_txn *txn = NULL;
    if (mkdir(folder, 0700) != 0)
        bench_die("the folder of the bare environment is there");
    check(mdb_env_create(&b->env), "mdb_env_create");
    check(mdb_env_set_maxdbs(b->env, TABLES), "mdb_env_set_maxdbs");
    check(mdb_env_set_mapsize(b->env, MAP_BYTES), "mdb_env_set_mapsize");
    check(mdb_env_open(b->env, folder, MDB_NOTLS, 0600), folder);
    check(mdb_txn_begin(b->env, NULL, 0, &txn), "mdb_txn_begin");
    for (int i = 0; i < TABLES; i++)
        check(mdb_dbi_open(txn, names[i], MDB_CREATE | MDB_INTEGERKEY, &b->dbi[i]), "mdb_dbi_open");
    check(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void commit(struct bare *b)
{
    MDB_txn *txn = NULL;
    uint64_t number = ++b->commits;
    check(mdb_txn_begin(b->env, NULL, 0, &txn), "mdb_txn_begin");
    for (int i = 0; i < TABLES; i++) {
        uint64_t at = i == 0 ? number : number % KEYS;
        MDB_val key = {.mv_size = sizeof at, .mv_data = &at}, value = {.mv_size = ROW_BYTES, .mv_data = b->row};
        check(mdb_put(txn, b->dbi[i], &key, &value, i == 0 ? MDB_APPEND : 0), "mdb_put");
    }
    check(mdb_txn_commit(txn), "mdb_txn_commit");
}

static unsigned measure(struct bare *b, int64_t duration_ns, int64_t pause_ns)
{
    unsigned n = 0;
    for (int64_t end = bench_now_ns() + duration_ns; bench_now_ns() < end && n < SAMPLES_MAX; n++) {
        if (pause_ns > 0)
            bench_sleep_until(bench_now_ns() + pause_ns);
        int64_t began = bench_now_ns();
        trip(b);
        int64_t answered = bench_now_ns();
        commit(b);
        int64_t ended = bench_now_ns();
        trips_us[n] = (double)(answered - began) / 1e3;
        commits_us[n] = (double)(ended - answered) / 1e3;
        both_us[n] = (double)(ended - began) / 1e3;
    }
    return n;
}

int main(int argc, char **argv)
{
    struct bare bare = {0};
    char endpoint[320];
    if (argc != 4)
        bench_die("FOLDER SECONDS PAUSE_MS");
    struct wire_message proposal = {.type = WIRE_PROPOSE, .generation = 1,
                                    .u.proposal = {.jseq = 1000, .instant_ns = INT64_C(1715600000000000000), .instrument = 1,
                                                   .side = 1, .qty = 100000000, .risk = 25000000000, .entry_price = 108000000,
                                                   .stop_price = 107000000, .confidence = 0.5}};
    bare.frame_bytes = wire_encode(&proposal, bare.frame);
    memset(bare.row, 0x5a, sizeof bare.row);
    open_environment(&bare, argv[1]);
    snprintf(endpoint, sizeof endpoint, "ipc://%.256s/echo", argv[1]);
    pid_t server = bench_fork();
    if (server == 0)
        echo_server(endpoint);
    bare.socket = zmq_socket(zmq_ctx_new(), ZMQ_DEALER);
    int reconnect_ms = 1;
    check(zmq_setsockopt(bare.socket, ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof reconnect_ms), "reconnect interval");
    check(zmq_connect(bare.socket, endpoint), "connect");
    trip(&bare); /* waits for the connection */
    unsigned n = measure(&bare, atoll(argv[2]) * 1000000000, atoll(argv[3]) * 1000000);
    printf("%.1f %.1f %.1f\n", bench_median(trips_us, n), bench_median(commits_us, n), bench_median(both_us, n));
    kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    return 0; /* the folder is the caller's */
}
