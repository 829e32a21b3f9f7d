#include "base/control.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* On the wire: the message up to its payload, then payload_size bytes. */
#define CONTROL_HEADER_SIZE offsetof(struct control_message, payload)
#define CONTROL_WIRE_MAX (CONTROL_HEADER_SIZE + CONTROL_PAYLOAD_MAX)
#define CONTROL_TRIES 8 /* of one system call that a signal interrupts */

static_assert(CONTROL_HEADER_SIZE == 32, "the wire's header");
static_assert(offsetof(struct control_message, fd_count) == CONTROL_WIRE_MAX, "nothing between payload and its end");
static_assert(sizeof(struct control_peer) == 32, "a payload has no padding");
static_assert(sizeof(struct control_peer) <= CONTROL_PAYLOAD_MAX, "a peer fits");

/* What each type carries. A type that is not here is neither sent (asserted) nor received. */
#define TEXT 0, CONTROL_PAYLOAD_MAX
#define EMPTY 0, 0
#define PEER sizeof(struct control_peer), sizeof(struct control_peer)
static const struct shape {
    bool known;
    size_t payload_min, payload_max; /* bytes */
    int fds_min, fds_max;
} shapes[] = {
    /* clang-format off */
    [CONTROL_MAPPED] = {true, EMPTY, 0, 0},
    [CONTROL_READY] = {true, EMPTY, 0, 0},
    [CONTROL_PONG] = {true, EMPTY, 0, 0},
    [CONTROL_RESULT] = {true, TEXT, 0, 0},
    [CONTROL_ALERT] = {true, TEXT, 0, 0},
    [CONTROL_DONE] = {true, EMPTY, 0, 0},
    [CONTROL_FATAL] = {true, TEXT, 0, 0},
    [CONTROL_SEGMENT] = {true, EMPTY, 2, 2},
    [CONTROL_PEER] = {true, PEER, 0, 2},
    [CONTROL_GO] = {true, EMPTY, 0, 0},
    [CONTROL_PING] = {true, EMPTY, 0, 0},
    [CONTROL_COMMAND] = {true, TEXT, 0, 0},
    [CONTROL_CONFIG] = {true, EMPTY, 1, 1},
    [CONTROL_STOP] = {true, EMPTY, 0, 0},
    /* clang-format on */
};
#undef TEXT
#undef EMPTY
#undef PEER

/* Room for the descriptors of one message, aligned as the kernel wants it. */
union ancillary {
    struct cmsghdr align;
    unsigned char bytes[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
};

static bool shape_fits(const struct control_message *message)
{
    if (message->type >= sizeof shapes / sizeof shapes[0] || !shapes[message->type].known)
        return false;
    const struct shape *shape = &shapes[message->type];
    return message->payload_size >= shape->payload_min && message->payload_size <= shape->payload_max &&
           message->fd_count >= shape->fds_min && message->fd_count <= shape->fds_max;
}

static void attach_fds(struct msghdr *header, union ancillary *room, const struct control_message *message)
{
    size_t size = (size_t)message->fd_count * sizeof(int);
    header->msg_control = room->bytes;
    header->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(cmsg), message->fds, size);
}

static int send_error(int code)
{
    switch (code) {
    case EINTR: /* a storm of signals */
    case EWOULDBLOCK:
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS: /* our user's descriptors in flight are at RLIMIT_NOFILE */
        return -EAGAIN;
    case ECONNRESET: /* the peer left messages of ours unread */
    case ECONNREFUSED:
    case ENOTCONN:
        return -EPIPE;
    default:
        return -code;
    }
}

int control_send(int fd, const struct control_message *message)
{
    assert(fd >= 0 && message && shape_fits(message));
    for (int i = 0; i < message->fd_count; i++)
        assert(message->fds[i] >= 0);

    size_t size = CONTROL_HEADER_SIZE + message->payload_size;
    /* sendmsg does not write through it; iovec has no const. */
    struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = size};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    union ancillary room;
    memset(&room, 0, sizeof room);
    if (message->fd_count > 0)
        attach_fds(&header, &room, message);

    ssize_t sent = -1;
    for (int i = 0; i < CONTROL_TRIES; i++) {
        sent = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0 || errno != EINTR)
            break;
    }
    if (sent < 0)
        return send_error(errno);
    assert((size_t)sent == size); /* SOCK_SEQPACKET takes a datagram whole */
    return 0;
}

int control_send_plain(int fd, uint32_t type, uint64_t generation, uint64_t argument, int64_t value)
{
    struct control_message message = {.type = type, .generation = generation, .argument = argument, .value = value};
    return control_send(fd, &message);
}

/* Every descriptor that the kernel has installed becomes ours, whatever else is wrong with the message:
 * what is not taken here would leak. False: something came that is not a descriptor of ours. */
static bool take_fds(struct msghdr *header, struct control_message *out)
{
    bool good = true;
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS) {
            good = false;
            continue;
        }
        size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof fd);
            if (out->fd_count < CONTROL_FDS_MAX) {
                out->fds[out->fd_count++] = fd;
            } else {
                close(fd);
                good = false;
            }
        }
    }
    return good;
}

static ssize_t receive_datagram(int fd, struct msghdr *header)
{
    socklen_t room = (socklen_t)header->msg_controllen;
    for (int i = 0; i < CONTROL_TRIES; i++) {
        header->msg_controllen = room;
        ssize_t received = recvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        /* A peer that closes with messages of ours unread leaves one ECONNRESET in front of its own
         * last words (FATAL): read on, the next call gives these and then the end. */
        if (received >= 0 || (errno != EINTR && errno != ECONNRESET))
            return received;
    }
    return -1;
}

int control_receive(int fd, struct control_message *out)
{
    assert(fd >= 0 && out);
    memset(out, 0, sizeof *out);
    for (int i = 0; i < CONTROL_FDS_MAX; i++)
        out->fds[i] = -1;

    struct iovec iov = {.iov_base = out, .iov_len = CONTROL_WIRE_MAX};
    union ancillary room;
    memset(&room, 0, sizeof room);
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    ssize_t received = receive_datagram(fd, &header);
    if (received < 0)
        return errno == EINTR ? -EAGAIN : errno == ECONNRESET ? 0 : -errno;

    bool good = take_fds(&header, out);
    if (received == 0 && good && out->fd_count == 0)
        return 0; /* closed, or an empty datagram: either ends the channel */
    /* MSG_CTRUNC: more descriptors than fit, or than we may open. */
    good = good && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && (size_t)received >= CONTROL_HEADER_SIZE &&
           (size_t)received - CONTROL_HEADER_SIZE == out->payload_size && shape_fits(out);
    if (good)
        return 1;
    control_close_fds(out);
    return -EPROTO;
}

void control_close_fds(struct control_message *message)
{
    assert(message && message->fd_count >= 0 && message->fd_count <= CONTROL_FDS_MAX);
    for (int i = 0; i < message->fd_count; i++) {
        if (message->fds[i] >= 0)
            close(message->fds[i]);
        message->fds[i] = -1;
    }
    message->fd_count = 0;
}
