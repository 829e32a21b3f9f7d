#include "workers/coordinator/client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/error.h"

#define ENDPOINT_PREFIX "ipc://"
#define PATH_MAX_BYTES sizeof(((struct sockaddr_un *)0)->sun_path) /* with NUL */

struct client {
    void *context, *socket;
    int fd;
    uint32_t account;
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
    client->fd = -1;
    client->account = account;
    client->generation = generation;
    int length = snprintf(client->endpoint, sizeof client->endpoint, ENDPOINT_PREFIX "%s/" WIRE_ENDPOINT_NAME, runtime_dir);
    if (length < 0 || (size_t)length - strlen(ENDPOINT_PREFIX) >= PATH_MAX_BYTES) {
        free(client);
        return error_set(err, ENAMETOOLONG, "%s/" WIRE_ENDPOINT_NAME ": over %zu bytes", runtime_dir, PATH_MAX_BYTES - 1);
    }
    client->context = zmq_ctx_new();
    if (!client->context) {
        int code = errno;
        free(client);
        return error_set(err, code, "permit channel: %s", zmq_strerror(code));
    }
    *out = client;
    return 0;
}

static void close_socket(struct client *client)
{
    if (client->socket)
        (void)zmq_close(client->socket);
    client->socket = NULL;
    client->fd = -1;
    client->ready = false;
}

void client_close(struct client **client)
{
    if (!*client)
        return;
    close_socket(*client);
    (void)zmq_ctx_term((*client)->context); /* LINGER is 0 */
    free(*client);
    *client = NULL;
}

static int set_options(const struct client *client)
{
    char id[WIRE_ROUTING_ID_MAX];
    size_t id_size = wire_routing_id(client->account, client->generation, id);
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
    struct wire_message message = {.type = WIRE_HELLO, .generation = client->generation, .u.hello = client->hello};
    (void)transmit(client, &message);
    client->hello_ns = now_ns();
}

int client_reset(struct client *client, const struct wire_hello *hello, struct error *err)
{
    assert(client && hello && hello->account == client->account);
    close_socket(client);
    client->socket = zmq_socket(client->context, ZMQ_DEALER);
    size_t fd_size = sizeof client->fd;
    if (!client->socket || set_options(client) != 0 || zmq_connect(client->socket, client->endpoint) != 0 ||
        zmq_getsockopt(client->socket, ZMQ_FD, &client->fd, &fd_size) != 0) {
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
    return client->fd;
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

/* Drains, and is bounded by the receive mark; 1, or 0 when nothing is left. */
int client_receive(struct client *client, struct wire_message *out)
{
    assert(client && out);
    if (!client->socket)
        return 0;
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
