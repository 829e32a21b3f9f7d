#include "workers/coordinator/link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "base/error.h"

#define PATH_BYTES_MAX sizeof(((struct sockaddr_un *)0)->sun_path) /* with NUL */
#define PARTS_MAX 64 /* of one multipart message that are thrown away in one turn */

/* --- opening ---------------------------------------------------------------------------------------------- */

static int prepare_folder(const char *folder, struct error *err)
{
    struct stat status;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_errno(err, errno, "make %s", folder);
    if (lstat(folder, &status) != 0)
        return error_errno(err, errno, "look at %s", folder);
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return error_set(err, EPERM, "%s is not a folder of ours alone (0700)", folder);
    return 0;
}

static int set_options(void *socket)
{
    const struct {
        int option, value;
    } options[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_SNDHWM, LINK_HWM},
        {ZMQ_RCVHWM, LINK_HWM},
        {ZMQ_ROUTER_HANDOVER, 1},  /* a socket that connects again is the same one */
        {ZMQ_ROUTER_MANDATORY, 1}, /* say when an answer can not be delivered */
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof options[i].value) != 0)
            return -1;
    int64_t frame_max = WIRE_BYTES_MAX; /* libzmq ends a connection that sends more, before it takes memory for it */
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max);
}

int link_open(struct link *link, const char *runtime_dir, struct error *err)
{
    char endpoint[sizeof "ipc://" + PATH_BYTES_MAX];
    int length = snprintf(endpoint, sizeof endpoint, "ipc://%s/" WIRE_ENDPOINT_NAME, runtime_dir);
    const char *path = endpoint + strlen("ipc://");
    *link = (struct link){.fd = -1};
    if (length < 0 || (size_t)length - strlen("ipc://") >= PATH_BYTES_MAX)
        return error_set(err, ENAMETOOLONG, "%s/" WIRE_ENDPOINT_NAME ": over %zu bytes", runtime_dir, PATH_BYTES_MAX - 1);
    int rc = prepare_folder(runtime_dir, err);
    if (rc != 0)
        return rc;
    if (unlink(path) != 0 && errno != ENOENT)
        return error_errno(err, errno, "remove %s", path);
    link->context = zmq_ctx_new();
    link->socket = link->context ? zmq_socket(link->context, ZMQ_ROUTER) : NULL;
    size_t fd_size = sizeof link->fd;
    if (!link->socket || set_options(link->socket) != 0 || zmq_bind(link->socket, endpoint) != 0 ||
        zmq_getsockopt(link->socket, ZMQ_FD, &link->fd, &fd_size) != 0)
        return error_set(err, errno ? errno : EIO, "bind %s: %s", endpoint, zmq_strerror(errno));
    return 0;
}

/* --- receiving ------------------------------------------------------------------------------------------------ */

/* Peer-Address of ipc ends in ":uid:gid:pid". */
static int32_t peer_pid(zmq_msg_t *frame)
{
    const char *address = zmq_msg_gets(frame, "Peer-Address");
    const char *colon = address ? strrchr(address, ':') : NULL;
    if (!colon || colon[1] < '1' || colon[1] > '9')
        return 0;
    char *end;
    long pid = strtol(colon + 1, &end, 10);
    return *end == '\0' && pid <= INT32_MAX ? (int32_t)pid : 0;
}

static void discard_parts(struct link *link)
{
    int more = 0;
    size_t size = sizeof more;
    for (int i = 0; i < PARTS_MAX && zmq_getsockopt(link->socket, ZMQ_RCVMORE, &more, &size) == 0 && more; i++)
        (void)zmq_recv(link->socket, NULL, 0, ZMQ_DONTWAIT);
}

static int receive_frames(struct link *link, zmq_msg_t *id, zmq_msg_t *frame, struct link_message *out, struct error *err)
{
    if (zmq_msg_recv(id, link->socket, ZMQ_DONTWAIT) < 0)
        return 0;
    if (!zmq_msg_more(id) || zmq_msg_recv(frame, link->socket, ZMQ_DONTWAIT) < 0)
        return error_set(err, EPROTO, "a message without a body");
    if (!wire_routing_id_parse(zmq_msg_data(id), zmq_msg_size(id), &out->from))
        return error_set(err, EPROTO, "a routing id of %zu bytes that is none of ours", zmq_msg_size(id));
    out->pid = peer_pid(frame);
    if (zmq_msg_more(frame))
        return error_set(err, EPROTO, "account %u: a message in several parts", out->from.account);
    int rc = wire_decode(zmq_msg_data(frame), zmq_msg_size(frame), &out->wire, err);
    if (rc != 0)
        return error_context(err, "account %u", out->from.account);
    if (out->wire.generation != out->from.generation)
        return error_set(err, EPROTO, "account %u: generation is not that of its socket", out->from.account);
    return 1;
}

int link_receive(struct link *link, struct link_message *out, struct error *err)
{
    zmq_msg_t id, frame;
    zmq_msg_init(&id);
    zmq_msg_init(&frame);
    int rc = receive_frames(link, &id, &frame, out, err);
    if (rc < 0) {
        discard_parts(link);
        link->garbage++;
        rc = -EPROTO;
    }
    zmq_msg_close(&id);
    zmq_msg_close(&frame);
    return rc;
}

bool link_pending(struct link *link)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

int link_send(struct link *link, const struct wire_address *to, const struct wire_message *message)
{
    unsigned char bytes[WIRE_BYTES_MAX];
    char id[WIRE_ROUTING_ID_MAX];
    size_t size = wire_encode(message, bytes), id_size = wire_routing_id(to, id);
    if (zmq_send(link->socket, id, id_size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return errno == EHOSTUNREACH ? -EHOSTUNREACH : -EAGAIN;
    return zmq_send(link->socket, bytes, size, ZMQ_DONTWAIT) < 0 ? -EAGAIN : 0;
}
