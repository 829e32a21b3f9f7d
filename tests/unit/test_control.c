/* Control messages: what arrives, what is refused, and that no descriptor leaks whichever way. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/control.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEADER_SIZE offsetof(struct control_message, payload)
#define TEST_LIMIT_S 120
#define FULL_LIMIT 100000 /* messages that no socket's buffer holds */

struct channel {
    int supervisor, child;
    int fds_before; /* open in the process before the pair */
};

static int fds_open(void)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    int count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static int setup(void **state)
{
    static struct channel channel;
    channel.fds_before = fds_open();
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    channel.supervisor = ends[0];
    channel.child = ends[1];
    *state = &channel;
    return 0;
}

static void close_end(int *fd)
{
    assert_int_equal(close(*fd), 0);
    *fd = -1;
}

/* Every test ends here: what it did not close has leaked. */
static int teardown(void **state)
{
    struct channel *c = *state;
    if (c->supervisor >= 0)
        close(c->supervisor);
    if (c->child >= 0)
        close(c->child);
    int leaked = fds_open() - c->fds_before;
    if (leaked != 0)
        print_error("%d descriptors leaked\n", leaked);
    return leaked == 0 ? 0 : -1;
}

/* --- messages by hand --------------------------------------------------------------- */

static void send_raw(int fd, const void *data, size_t size, const int *fds, size_t fd_count)
{
    union {
        struct cmsghdr align;
        unsigned char bytes[CMSG_SPACE(16 * sizeof(int))];
    } room;
    memset(&room, 0, sizeof room);
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd_count > 0) {
        header.msg_control = room.bytes;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *cmsg = &room.align; /* what CMSG_FIRSTHDR gives */
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
    }
    assert_int_equal(sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL), (ssize_t)size);
}

/* `size` bytes of a datagram whose header says what the arguments say; `fd_count` copies of stdin. */
static void send_shaped(int fd, uint32_t type, uint32_t payload_size, size_t size, size_t fd_count)
{
    unsigned char data[sizeof(struct control_message) + 64] = {0};
    struct control_message message = {.type = type, .payload_size = payload_size, .generation = 3};
    int fds[16];
    assert_true(size <= sizeof data && fd_count <= COUNT(fds));
    memcpy(data, &message, HEADER_SIZE);
    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = STDIN_FILENO;
    send_raw(fd, data, size, fds, fd_count);
}

static int receive(int fd)
{
    struct control_message out;
    memset(&out, 0xee, sizeof out);
    int rc = control_receive(fd, &out);
    if (rc == 1)
        control_close_fds(&out);
    else
        assert_int_equal(out.fd_count, 0);
    return rc;
}

static struct control_message message_of(uint32_t type, uint32_t payload_size)
{
    struct control_message m = {.type = type,
                                .payload_size = payload_size,
                                .generation = UINT64_C(0x1122334455667788),
                                .argument = UINT64_MAX,
                                .value = INT64_MIN};
    for (size_t i = 0; i < sizeof m.payload; i++)
        m.payload[i] = (unsigned char)(i * 7 + type);
    return m;
}

/* --- what arrives --------------------------------------------------------------------- */

static void test_messages_arrive_as_sent(void **state)
{
    struct channel *c = *state;
    static const struct {
        uint32_t type, payload_size;
    } cases[] = {
        {CONTROL_MAPPED, 0},   {CONTROL_READY, 0},
        {CONTROL_PONG, 0},     {CONTROL_RESULT, 0},
        {CONTROL_RESULT, 1},   {CONTROL_RESULT, CONTROL_PAYLOAD_MAX},
        {CONTROL_ALERT, 1023}, {CONTROL_DONE, 0},
        {CONTROL_FATAL, 77},   {CONTROL_PEER, sizeof(struct control_peer)},
        {CONTROL_GO, 0},       {CONTROL_PING, 0},
        {CONTROL_COMMAND, 12}, {CONTROL_STOP, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct control_message sent = message_of(cases[i].type, cases[i].payload_size), got;
        memset(&got, 0xee, sizeof got);
        assert_int_equal(control_send(c->child, &sent), 0);
        assert_int_equal(control_receive(c->supervisor, &got), 1);
        assert_memory_equal(&got, &sent, HEADER_SIZE + cases[i].payload_size);
        for (size_t b = cases[i].payload_size; b < CONTROL_PAYLOAD_MAX; b++)
            assert_int_equal(got.payload[b], 0); /* nothing of an earlier message */
        assert_int_equal(got.fd_count, 0);
        for (int f = 0; f < CONTROL_FDS_MAX; f++)
            assert_int_equal(got.fds[f], -1);
    }
    assert_int_equal(receive(c->supervisor), -EAGAIN);
}

/* A contract between programs that are built together, but restarted apart. */
static void test_wire_layout(void **state)
{
    struct channel *c = *state;
    struct control_message sent = message_of(CONTROL_COMMAND, 2);
    unsigned char wire[2048];
    assert_int_equal(control_send(c->supervisor, &sent), 0);
    assert_int_equal(recv(c->child, wire, sizeof wire, MSG_DONTWAIT), 32 + 2);
    uint32_t type, payload_size;
    memcpy(&type, wire, 4);
    memcpy(&payload_size, wire + 4, 4);
    assert_int_equal(type, CONTROL_COMMAND);
    assert_int_equal(payload_size, 2);
    assert_memory_equal(wire + 32, sent.payload, 2);
}

static void test_plain_message(void **state)
{
    struct channel *c = *state;
    struct control_message got;
    assert_int_equal(control_send_plain(c->supervisor, CONTROL_PING, 9, 77, -5), 0);
    assert_int_equal(control_receive(c->child, &got), 1);
    assert_int_equal(got.type, CONTROL_PING);
    assert_int_equal(got.payload_size, 0);
    assert_int_equal(got.generation, 9);
    assert_int_equal(got.argument, 77);
    assert_int_equal(got.value, -5);
}

static bool same_file(int a, int b)
{
    struct stat sa, sb;
    return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static void test_descriptors_arrive_in_order_and_close_on_exec(void **state)
{
    struct channel *c = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0); /* these two are not close-on-exec */
    struct control_message sent = {.type = CONTROL_SEGMENT, .fd_count = 2, .fds = {ends[1], STDIN_FILENO}}, got;
    assert_int_equal(control_send(c->supervisor, &sent), 0);
    assert_int_equal(control_receive(c->child, &got), 1);
    assert_int_equal(got.fd_count, 2);
    assert_true(got.fds[0] != ends[1] && same_file(got.fds[0], ends[1]));
    assert_true(same_file(got.fds[1], STDIN_FILENO));
    assert_int_equal(got.fds[2], -1);
    for (int i = 0; i < 2; i++)
        assert_true(fcntl(got.fds[i], F_GETFD) & FD_CLOEXEC);
    /* What somebody took stays open, the rest is closed. */
    int taken = got.fds[0], rest = got.fds[1];
    got.fds[0] = -1;
    control_close_fds(&got);
    assert_int_equal(got.fd_count, 0);
    control_close_fds(&got); /* twice does no harm */
    assert_int_equal(fcntl(rest, F_GETFD), -1);
    assert_int_equal(write(taken, "x", 1), 1);
    close(taken);
    close(ends[0]);
    close(ends[1]);
}

/* --- what is refused --------------------------------------------------------------------- */

static void test_wrong_sizes(void **state)
{
    struct channel *c = *state;
    static const struct {
        uint32_t type, payload_size;
        size_t size;
        int rc;
    } cases[] = {
        {CONTROL_PING, 0, HEADER_SIZE, 1},
        {CONTROL_PING, 0, HEADER_SIZE - 1, -EPROTO},
        {CONTROL_PING, 0, 1, -EPROTO},
        {CONTROL_PING, 0, HEADER_SIZE + 1, -EPROTO},
        {CONTROL_PING, 1, HEADER_SIZE + 1, -EPROTO}, /* carries nothing */
        {CONTROL_COMMAND, 5, HEADER_SIZE + 5, 1},
        {CONTROL_COMMAND, 5, HEADER_SIZE + 4, -EPROTO},
        {CONTROL_COMMAND, 5, HEADER_SIZE + 6, -EPROTO},
        {CONTROL_COMMAND, 5, HEADER_SIZE, -EPROTO},
        {CONTROL_COMMAND, UINT32_MAX, HEADER_SIZE + 4, -EPROTO},
        {CONTROL_COMMAND, UINT32_MAX - 31, HEADER_SIZE, -EPROTO}, /* header + this wraps in 32 bits */
        {CONTROL_COMMAND, CONTROL_PAYLOAD_MAX, HEADER_SIZE + CONTROL_PAYLOAD_MAX, 1},
        {CONTROL_COMMAND, CONTROL_PAYLOAD_MAX, HEADER_SIZE + CONTROL_PAYLOAD_MAX + 1, -EPROTO}, /* cut on arrival */
        {CONTROL_COMMAND, CONTROL_PAYLOAD_MAX + 1, HEADER_SIZE + CONTROL_PAYLOAD_MAX + 1, -EPROTO},
        {CONTROL_PEER, sizeof(struct control_peer), HEADER_SIZE + sizeof(struct control_peer), 1},
        {CONTROL_PEER, sizeof(struct control_peer) - 1, HEADER_SIZE + sizeof(struct control_peer) - 1, -EPROTO},
        {CONTROL_PEER, sizeof(struct control_peer) + 1, HEADER_SIZE + sizeof(struct control_peer) + 1, -EPROTO},
        {CONTROL_PEER, 0, HEADER_SIZE, -EPROTO},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        send_shaped(c->child, cases[i].type, cases[i].payload_size, cases[i].size, 0);
        int rc = receive(c->supervisor);
        if (rc != cases[i].rc)
            fail_msg("case %zu: %d, not %d", i, rc, cases[i].rc);
        assert_int_equal(receive(c->supervisor), -EAGAIN); /* nothing of it is left over */
    }
}

static void test_unknown_types(void **state)
{
    struct channel *c = *state;
    static const uint32_t types[] = {0, CONTROL_FATAL + 1, CONTROL_SEGMENT - 1, CONTROL_STOP + 1, 255, UINT32_MAX};
    for (size_t i = 0; i < COUNT(types); i++) {
        send_shaped(c->child, types[i], 0, HEADER_SIZE, 0);
        assert_int_equal(receive(c->supervisor), -EPROTO);
    }
}

static void test_wrong_numbers_of_descriptors(void **state)
{
    struct channel *c = *state;
    static const struct {
        uint32_t type, payload_size;
        size_t fd_count;
        int rc;
    } cases[] = {
        {CONTROL_SEGMENT, 0, 2, 1},
        {CONTROL_SEGMENT, 0, 0, -EPROTO},
        {CONTROL_SEGMENT, 0, 1, -EPROTO},
        {CONTROL_SEGMENT, 0, 3, -EPROTO},
        {CONTROL_SEGMENT, 0, CONTROL_FDS_MAX, -EPROTO},
        {CONTROL_SEGMENT, 0, CONTROL_FDS_MAX + 1, -EPROTO},
        {CONTROL_SEGMENT, 0, 16, -EPROTO},
        {CONTROL_CONFIG, 0, 1, 1},
        {CONTROL_CONFIG, 0, 0, -EPROTO},
        {CONTROL_CONFIG, 0, 2, -EPROTO},
        {CONTROL_PEER, sizeof(struct control_peer), 0, 1},
        {CONTROL_PEER, sizeof(struct control_peer), 1, 1},
        {CONTROL_PEER, sizeof(struct control_peer), 2, 1},
        {CONTROL_PEER, sizeof(struct control_peer), 3, -EPROTO},
        {CONTROL_READY, 0, 1, -EPROTO},
        {CONTROL_ALERT, 0, 1, -EPROTO},
        {CONTROL_FATAL, 0, 5, -EPROTO},
        {0, 0, 2, -EPROTO},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int before = fds_open();
        send_shaped(c->child, cases[i].type, cases[i].payload_size, HEADER_SIZE + cases[i].payload_size,
                    cases[i].fd_count);
        int rc = receive(c->supervisor);
        if (rc != cases[i].rc)
            fail_msg("case %zu: %d, not %d", i, rc, cases[i].rc);
        assert_int_equal(fds_open(), before);
    }
}

/* Descriptors on a message that is refused for its size, and on an empty one. */
static void test_descriptors_of_a_malformed_message_are_closed(void **state)
{
    struct channel *c = *state;
    static const size_t sizes[] = {0, 1, HEADER_SIZE - 1, HEADER_SIZE + 1, HEADER_SIZE + CONTROL_PAYLOAD_MAX + 1};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        int before = fds_open();
        send_shaped(c->child, CONTROL_SEGMENT, 0, sizes[i], 2);
        assert_int_equal(receive(c->supervisor), -EPROTO);
        assert_int_equal(fds_open(), before);
    }
}

/* The kernel gives fewer descriptors than were sent when the receiver is at its limit. */
static void test_receiver_without_room_for_descriptors(void **state)
{
    if (getenv("PROPFLEET_VALGRIND"))
        skip(); /* valgrind keeps a limit of descriptors of its own: the kernel never sees this one */
    struct channel *c = *state;
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int before = fds_open();
    /* A peer may come with one: only the kernel's mark tells that there were two. */
    send_shaped(c->supervisor, CONTROL_PEER, sizeof(struct control_peer), HEADER_SIZE + sizeof(struct control_peer), 2);
    int lowest_free = dup(STDIN_FILENO);
    assert_true(lowest_free >= 0);
    close(lowest_free);
    low = limit;
    low.rlim_cur = (rlim_t)lowest_free + 1; /* room for one */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int rc = receive(c->child);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(rc, -EPROTO);
    assert_int_equal(fds_open(), before);
}

static void test_credentials_are_not_descriptors(void **state)
{
    struct channel *c = *state;
    assert_int_equal(setsockopt(c->supervisor, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)), 0);
    send_shaped(c->child, CONTROL_READY, 0, HEADER_SIZE, 0);
    assert_int_equal(receive(c->supervisor), -EPROTO);
    send_shaped(c->child, CONTROL_SEGMENT, 0, HEADER_SIZE, 2);
    assert_int_equal(receive(c->supervisor), -EPROTO);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void test_closed_peer(void **state)
{
    struct channel *c = *state;
    signal(SIGPIPE, SIG_DFL); /* and no signal comes (Linux sends none for this kind of socket anyway) */
    close_end(&c->child);
    assert_int_equal(receive(c->supervisor), 0);
    assert_int_equal(receive(c->supervisor), 0);
    assert_int_equal(control_send_plain(c->supervisor, CONTROL_PING, 1, 1, 0), -EPIPE);
    struct control_message with_fd = {.type = CONTROL_CONFIG, .fd_count = 1, .fds = {STDIN_FILENO}};
    assert_int_equal(control_send(c->supervisor, &with_fd), -EPIPE);
}

/* A child that dies with PINGs unread: ECONNRESET lies before its last words. */
static void test_last_words_of_a_peer_that_did_not_read(void **state)
{
    struct channel *c = *state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(control_send_plain(c->supervisor, CONTROL_PING, 1, (uint64_t)i, 0), 0);
    struct control_message last = message_of(CONTROL_FATAL, 4), got;
    assert_int_equal(control_send_plain(c->child, CONTROL_MAPPED, 1, 0, 0), 0);
    assert_int_equal(control_send(c->child, &last), 0);
    close_end(&c->child);
    assert_int_equal(control_receive(c->supervisor, &got), 1);
    assert_int_equal(got.type, CONTROL_MAPPED);
    assert_int_equal(control_receive(c->supervisor, &got), 1);
    assert_int_equal(got.type, CONTROL_FATAL);
    assert_memory_equal(got.payload, last.payload, 4);
    assert_int_equal(control_receive(c->supervisor, &got), 0);
}

static void test_send_to_a_peer_that_did_not_read(void **state)
{
    struct channel *c = *state;
    assert_int_equal(control_send_plain(c->supervisor, CONTROL_PING, 1, 0, 0), 0);
    close_end(&c->child);
    for (int i = 0; i < 3; i++) /* ECONNRESET first, EPIPE then: both are the same to the caller */
        assert_int_equal(control_send_plain(c->supervisor, CONTROL_PING, 1, 0, 0), -EPIPE);
    assert_int_equal(receive(c->supervisor), 0);
}

static void test_empty_datagram_ends_the_channel(void **state)
{
    struct channel *c = *state;
    send_raw(c->child, "", 0, NULL, 0);
    assert_int_equal(receive(c->supervisor), 0);
}

static void test_full_channel(void **state)
{
    struct channel *c = *state;
    uint64_t sent = 0;
    int rc = 0;
    while (sent < FULL_LIMIT && (rc = control_send_plain(c->supervisor, CONTROL_PING, 1, sent, 0)) == 0)
        sent++;
    assert_int_equal(rc, -EAGAIN);
    assert_true(sent > 10 && sent < FULL_LIMIT);
    assert_int_equal(control_send_plain(c->supervisor, CONTROL_PING, 1, sent, 0), -EAGAIN);
    /* Also with descriptors: none of them stays in flight. */
    struct control_message with_fd = {.type = CONTROL_CONFIG, .fd_count = 1, .fds = {STDIN_FILENO}};
    assert_int_equal(control_send(c->supervisor, &with_fd), -EAGAIN);

    struct control_message got;
    for (uint64_t i = 0; i < sent; i++) { /* whole and in order; what was refused never comes */
        assert_int_equal(control_receive(c->child, &got), 1);
        assert_int_equal(got.argument, i);
    }
    assert_int_equal(control_receive(c->child, &got), -EAGAIN);
    assert_int_equal(control_send_plain(c->supervisor, CONTROL_PING, 1, 0, 0), 0);
}

static void test_not_a_socket(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(receive(ends[0]), -ENOTSOCK);
    assert_int_equal(control_send_plain(ends[1], CONTROL_PING, 1, 0, 0), -ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
}

/* --- our own mistakes -------------------------------------------------------------------------- */

static bool send_aborts(int fd, const struct control_message *message)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        control_send(fd, message);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_a_message_of_a_wrong_shape_is_never_sent(void **state)
{
    struct channel *c = *state;
    const struct control_message good = {.type = CONTROL_CONFIG, .fd_count = 1, .fds = {STDIN_FILENO}};
    struct control_message bad[] = {good, good, good, good, good, good};
    bad[0].type = 0;
    bad[1].payload_size = CONTROL_PAYLOAD_MAX + 1;
    bad[2].fd_count = CONTROL_FDS_MAX + 1;
    bad[3].fd_count = -1;
    bad[4].fds[0] = -1;
    bad[5].type = CONTROL_STOP + 1;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_true(send_aborts(c->child, &bad[i]));
    assert_int_equal(receive(c->supervisor), -EAGAIN);
    assert_false(send_aborts(c->child, &good));
    assert_int_equal(receive(c->supervisor), 1);
}

int main(void)
{
    alarm(TEST_LIMIT_S); /* what should not block and does is a failure, not a test that hangs */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_messages_arrive_as_sent),
        TEST(test_wire_layout),
        TEST(test_plain_message),
        TEST(test_descriptors_arrive_in_order_and_close_on_exec),
        TEST(test_wrong_sizes),
        TEST(test_unknown_types),
        TEST(test_wrong_numbers_of_descriptors),
        TEST(test_descriptors_of_a_malformed_message_are_closed),
        TEST(test_receiver_without_room_for_descriptors),
        TEST(test_credentials_are_not_descriptors),
        TEST(test_closed_peer),
        TEST(test_last_words_of_a_peer_that_did_not_read),
        TEST(test_send_to_a_peer_that_did_not_read),
        TEST(test_empty_datagram_ends_the_channel),
        TEST(test_full_channel),
        TEST(test_not_a_socket),
        TEST(test_a_message_of_a_wrong_shape_is_never_sent),
    };
#undef TEST
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
