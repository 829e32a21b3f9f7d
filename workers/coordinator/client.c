#include "workers/coordinator/client.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/error.h"

#define ENDPOINT_PREFIX "ipc://"
#define PATH_MAX_BYTES sizeof(((struct sockaddr_un *)0)->sun_path) /* with NUL */

struct client {
    void *context, *socket;
    void *monitor;                    /* tells of the socket's connections */
    int epoll_fd;                     /* readable when one of the two may be */
    uint32_t account, socket_number;
    uint32_t connections;             /* of this socket */
    uint64_t generation;
    char endpoint[sizeof ENDPOINT_PREFIX + PATH_MAX_BYTES];
    struct wire_hello hello;          /* said last */
    int64_t hello_ns, hello_wait_ns;  /* when, and how long until it is said again */
    bool ready;
    uint64_t coordinator_generation;  /* of the last WELCOME of any socket; 0: none yet */
    uint64_t sent_jseq;               /* the coordinator holds this one, or it is on its way */
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

int client_open(const char *runtime_dir, uint32_t account, uint64_t generation, struct client **out, struct error *err)
{
    assert(runtime_dir && out && account < CONFIG_ACCOUNTS_MAX && generation >= 1);
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return error_set(err, ENOMEM, "no memory for the permit channel");
    client->epoll_fd = -1;
    client->account = account;
    client->generation = generation;
    int length = snprintf(client->endpoint, sizeof client->endpoint, ENDPOINT_PREFIX "%s/" WIRE_ENDPOINT_NAME, runtime_dir);
    if (length < 0 || (size_t)length - strlen(ENDPOINT_PREFIX) >= PATH_MAX_BYTES) {
        client_close(&client);
        return error_set(err, ENAMETOOLONG, "%s/" WIRE_ENDPOINT_NAME ": over %zu bytes", runtime_dir, PATH_MAX_BYTES - 1);
    }
    client->context = zmq_ctx_new();
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!client->context || client->epoll_fd < 0) {
        int code = errno;
        client_close(&client);
        return error_set(err, code, "permit channel: %s", zmq_strerror(code));
    }
    *out = client;
    return 0;
}

static int zmq_fd(void *socket)
{
    int fd = -1;
    size_t size = sizeof fd;
    return zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

static void close_one(struct client *client, void **socket)
{
    if (!*socket)
        return;
    (void)epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, zmq_fd(*socket), NULL);
    (void)zmq_close(*socket);
    *socket = NULL;
}

static void close_socket(struct client *client)
{
    /* First of all: libzmq's thread tells the monitor of a handshake with a send that blocks, for ever when the
     * other end is gone (seen with 4.3.4), and with it everything of this context. */
    if (client->socket)
        (void)zmq_socket_monitor(client->socket, NULL, 0);
    close_one(client, &client->socket);
    close_one(client, &client->monitor);
    client->ready = false;
}

void client_close(struct client **client)
{
    if (!*client)
        return;
    close_socket(*client);
    if ((*client)->context)
        (void)zmq_ctx_term((*client)->context); /* LINGER is 0 */
    if ((*client)->epoll_fd >= 0)
        close((*client)->epoll_fd);
    free(*client);
    *client = NULL;
}

static int set_options(const struct client *client)
{
    char id[WIRE_ROUTING_ID_MAX];
    const struct wire_address address = {.account = client->account, .generation = client->generation,
                                         .socket = client->socket_number};
    size_t id_size = wire_routing_id(&address, id);
    const struct {
        int option, value;
    } options[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_SNDHWM, CLIENT_SEND_HWM},
        {ZMQ_RCVHWM, CLIENT_RECEIVE_HWM},
        {ZMQ_RECONNECT_IVL, CLIENT_RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, 0},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (zmq_setsockopt(client->socket, options[i].option, &options[i].value, sizeof options[i].value) != 0)
            return -1;
    int64_t frame_max = WIRE_BYTES_MAX;
    if (zmq_setsockopt(client->socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) != 0)
        return -1;
    return zmq_setsockopt(client->socket, ZMQ_ROUTING_ID, id, id_size);
}

static int transmit(struct client *client, const struct wire_message *message)
{
    unsigned char frame[WIRE_BYTES_MAX];
    size_t size = wire_encode(message, frame);
    return zmq_send(client->socket, frame, size, ZMQ_DONTWAIT) < 0 ? -EAGAIN : 0;
}

/* Under a nonce of its own, so that only the answer to the last HELLO counts. One that does not go
 * out now is said again when its time has come. */
static void say_hello(struct client *client)
{
    client->ready = false;
    client->hello.nonce++;
    client->hello.sent_jseq = client->sent_jseq;
    struct wire_message message = {.type = WIRE_HELLO, .generation = client->generation, .u.hello = client->hello};
    (void)transmit(client, &message);
    client->hello_ns = now_ns();
}

static int watch(struct client *client, void *socket)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, zmq_fd(socket), &event);
}

/* A connection that is lost takes with it what was on the way, and libzmq connects again without a word. The
 * monitor says so: a second handshake on one socket means that HELLO has to be said again. */
static int open_socket(struct client *client)
{
    char monitor[48];
    int none = 0;
    snprintf(monitor, sizeof monitor, "inproc://permits-%" PRIu32, ++client->socket_number);
    client->connections = 0;
    client->socket = zmq_socket(client->context, ZMQ_DEALER);
    client->monitor = zmq_socket(client->context, ZMQ_PAIR);
    if (!client->socket || !client->monitor || set_options(client) != 0 ||
        zmq_setsockopt(client->monitor, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_setsockopt(client->monitor, ZMQ_RCVHWM, &none, sizeof none) != 0 || /* no limit: it must never be full */
        zmq_socket_monitor(client->socket, monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0 ||
        zmq_connect(client->monitor, monitor) != 0 || zmq_connect(client->socket, client->endpoint) != 0)
        return -1;
    return watch(client, client->socket) == 0 ? watch(client, client->monitor) : -1;
}

int client_reset(struct client *client, const struct wire_hello *hello, struct error *err)
{
    assert(client && hello && hello->account == client->account);
    close_socket(client);
    if (open_socket(client) != 0) {
        int code = errno;
        close_socket(client);
        return error_set(err, code, "permit channel %s: %s", client->endpoint, zmq_strerror(code));
    }
    uint64_t nonce = client->hello.nonce; /* goes on over sockets */
    client->hello = *hello;
    client->hello.nonce = nonce;
    client->hello_wait_ns = CLIENT_HELLO_FIRST_NS;
    say_hello(client);
    return 0;
}

int client_fd(const struct client *client)
{
    return client->epoll_fd;
}

bool client_ready(const struct client *client)
{
    return client->ready;
}

int client_send(struct client *client, const struct wire_message *message)
{
    assert(client && (message->type == WIRE_PROPOSE || message->type == WIRE_REPORT));
    if (!client->ready)
        return -EAGAIN;
    struct wire_message out = *message;
    uint64_t jseq = out.type == WIRE_PROPOSE ? out.u.proposal.jseq : out.u.report.jseq;
    out.generation = client->generation;
    out.previous = client->sent_jseq;
    int rc = transmit(client, &out);
    if (rc == 0 && jseq > client->sent_jseq)
        client->sent_jseq = jseq;
    return rc;
}

/* 1: for the caller. */
static int take_welcome(struct client *client, const struct wire_welcome *welcome)
{
    if (welcome->coordinator_generation < client->coordinator_generation)
        return 0; /* of a life that is over */
    bool answer = welcome->nonce != 0 && welcome->nonce == client->hello.nonce;
    bool replaced = welcome->coordinator_generation > client->coordinator_generation && !answer;
    if (replaced) {
        client->coordinator_generation = welcome->coordinator_generation;
        client->hello_wait_ns = CLIENT_HELLO_FIRST_NS;
        say_hello(client);
        return 0;
    }
    if (!answer && (!client->ready || welcome->nonce != 0))
        return 0; /* to a HELLO that has been said again since */
    client->coordinator_generation = welcome->coordinator_generation;
    client->sent_jseq = welcome->through_jseq;
    client->ready = true;
    return 1;
}

static void watch_connections(struct client *client)
{
    unsigned char event[6]; /* 16 bits of event, 32 of value; the endpoint follows in a second frame */
    for (int i = 0; i < CLIENT_RECEIVE_HWM && zmq_recv(client->monitor, event, sizeof event, ZMQ_DONTWAIT) >= 0; i++) {
        (void)zmq_recv(client->monitor, NULL, 0, ZMQ_DONTWAIT);
        if (++client->connections > 1)
            say_hello(client);
    }
}

/* Drains, and is bounded by the receive mark; 1, or 0 when nothing is left. */
int client_receive(struct client *client, struct wire_message *out)
{
    assert(client && out);
    if (!client->socket)
        return 0;
    watch_connections(client);
    unsigned char frame[WIRE_BYTES_MAX];
    for (int i = 0; i < CLIENT_RECEIVE_HWM; i++) {
        int size = zmq_recv(client->socket, frame, sizeof frame, ZMQ_DONTWAIT);
        if (size < 0)
            break;
        int more = 0;
        size_t more_size = sizeof more;
        (void)zmq_getsockopt(client->socket, ZMQ_RCVMORE, &more, &more_size);
        if (more || (size_t)size > sizeof frame || wire_decode(frame, (size_t)size, out, NULL) != 0)
            continue;
        if (out->type == WIRE_WELCOME && take_welcome(client, &out->u.welcome) == 1)
            return 1;
        if (out->type == WIRE_ANSWER && out->generation == client->coordinator_generation)
            return 1;
    }
    if (!client->ready && now_ns() - client->hello_ns >= client->hello_wait_ns) {
        client->hello_wait_ns = client->hello_wait_ns < CLIENT_HELLO_LAST_NS / 2 ? 2 * client->hello_wait_ns : CLIENT_HELLO_LAST_NS;
        say_hello(client);
    }
    return 0;
}
