/* fake_child: stands for coordinator, feed and account in tests of the supervisor.
 *
 * What it does is chosen by its name (account "crash" or "crash-2": behaviour "crash") or by the first word of
 * the file CONFIG/behaviour.NAME ("behaviour.feed", "behaviour.alba"), read at each start:
 *   normal      keeps to the contract of base/control.h
 *   crash       exits 1 at start            exit75, exit78, exit0   says why, exits so
 *   neverready  never says READY            deaf      turns its loop and answers no ping
 *   hang        after READY stops its loop  flood     writes to stderr as fast as it can
 *   stubborn    ignores STOP and ABRT       rude      sends a message that is not its to send
 *   peek        asks the control socket for the status and traces the answer
 *   alert       raises an alert at READY
 * The file CONFIG/end ends the source: feed and accounts say DONE. Everything that is said to it goes as a line
 * into STATE/trace: "NAME GENERATION PID WHAT".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/history.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "workers/child/child.h"

#define PEERS 40

static struct child child;
static struct process_peer {
    bool wanted;
    const struct cell *cell;
} peers[PEERS];
static char behaviour[32] = "normal";
static int trace_fd = -1;
static bool ready_said, done_said, go, laid_out;
static const struct ring *segment_ring;

static bool is(const char *what) { return strcmp(behaviour, what) == 0; }

static __attribute__((format(printf, 1, 2))) void trace(const char *format, ...)
{
    char line[600];
    int n = snprintf(line, sizeof line, "%s %" PRIu64 " %d ", child.name, child.generation, (int)getpid());
    va_list args;
    va_start(args, format);
    n += vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
    va_end(args);
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    if (write(trace_fd, line, (size_t)n) != n)
        _exit(1);
}

/* A path that a test put into the configuration, made of it and a name. */
static void config_path(char *buf, size_t size, const char *name)
{
    snprintf(buf, size, "%s/%s", child.config->config_dir, name);
}

static bool exists(const char *name)
{
    char path[512];
    config_path(path, sizeof path, name);
    return access(path, F_OK) == 0;
}

static void choose(void)
{
    char path[512], file_name[96];
    const char *name = child.kind == PROCESS_ACCOUNT ? child.config->accounts[child.account].name : child.name;
    snprintf(file_name, sizeof file_name, "behaviour.%s", name);
    config_path(path, sizeof path, file_name);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%31s", behaviour) != 1)
            strcpy(behaviour, "normal");
        fclose(file);
    } else if (child.kind == PROCESS_ACCOUNT) {
        snprintf(behaviour, sizeof behaviour, "%.*s", (int)strcspn(name, "-"), name);
    }
}

static void trace_fds(const char *list)
{
    trace("fds%s", list);
}

static void list_fds(char *list, size_t size)
{
    size_t n = 0;
    list[0] = 0;
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && n + 8 < size)
            n += (size_t)snprintf(list + n, size - n, " %d", fd);
}

static void peek(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char line[64] = "";
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/control.sock", child.config->runtime_dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 && recv(fd, line, sizeof line - 1, 0) > 0)
        line[strcspn(line, "\n")] = 0;
    trace("peek %s", line);
    close(fd);
}

static void on_peer(struct control_message *message)
{
    struct control_peer peer;
    memcpy(&peer, message->payload, sizeof peer);
    trace("peer kind %u account %d generation %" PRIu64 " pid %d wanted %u alive %u fds %d", peer.kind, (int)peer.account,
          peer.generation, peer.pid, peer.wanted, peer.alive, message->fd_count);
    if (peer.kind != PROCESS_ACCOUNT || peer.account >= PEERS)
        return;
    struct process_peer *known = &peers[peer.account];
    *known = (struct process_peer){.wanted = peer.wanted};
    const void *memory = NULL;
    size_t size = 0;
    if (peer.alive && segment_check_sealed(message->fds[0], NULL) == 0 &&
        segment_map_reader(message->fds[0], CELL_SIZE_BYTES, &memory, &size, NULL) == 0 &&
        cell_attach(memory, size, &known->cell) != SHM_OK)
        trace("peer cell bad");
}

static void on_segment(struct control_message *message)
{
    const void *ring = NULL, *history = NULL;
    size_t ring_size = 0, history_size = 0;
    struct ring_reader reader;
    const struct history *attached = NULL;
    bool sealed = segment_check_sealed(message->fds[0], NULL) == 0 && segment_check_sealed(message->fds[1], NULL) == 0;
    if (segment_map_reader(message->fds[0], 1, &ring, &ring_size, NULL) < 0 ||
        segment_map_reader(message->fds[1], 1, &history, &history_size, NULL) < 0)
        child_fatal(&child, 1, "segment cannot be mapped");
    bool good = ring_attach(&reader, ring, ring_size, 0) == SHM_OK && history_attach(history, history_size, &attached) == SHM_OK;
    trace("segment generation %" PRIu64 " sealed %d attached %d", message->generation, sealed, good);
    segment_ring = reader.ring;
    cell_set_durable(child.cell, ring_head(segment_ring));
    if (!ready_said && !is("neverready"))
        child_say(&child, CONTROL_READY, 0, 0);
    ready_said = true;
}

static void on_stop(uint64_t argument)
{
    trace("stop %" PRIu64, argument);
    if (!is("stubborn"))
        _exit(CHILD_EXIT_OK);
}

static void handle(struct control_message *message)
{
    switch (message->type) {
    case CONTROL_PEER:
        on_peer(message);
        break;
    case CONTROL_SEGMENT:
        on_segment(message);
        break;
    case CONTROL_GO:
        trace("go");
        go = true;
        break;
    case CONTROL_CONFIG:
        trace("config");
        break;
    case CONTROL_COMMAND:
        trace("command %.*s", (int)message->payload_size, (const char *)message->payload);
        if (message->payload_size >= 6 && memcmp(message->payload, "silent", 6) == 0)
            break;
        child_say_text(&child, CONTROL_RESULT, message->argument, message->payload[0] == '!' ? EPERM : 0,
                       message->payload[0] == '!' ? "not allowed" : "as you wish");
        break;
    case CONTROL_STOP:
        on_stop(message->argument);
        break;
    default:
        break;
    }
}

static bool all_claimed(bool numbers)
{
    for (int i = 0; i < PEERS; i++) {
        if (!peers[i].wanted || (child.config->feed.live && !peers[i].cell)) /* live, who is down is not waited for */
            continue;
        uint64_t claim = peers[i].cell ? cell_durable(peers[i].cell) : CELL_DURABLE_NONE;
        if (claim == CELL_DURABLE_NONE || (numbers && claim == CELL_DURABLE_JOIN))
            return false;
    }
    return true;
}

static void feed_turn(void)
{
    if (!go || ready_said)
        return;
    if (!laid_out && all_claimed(false)) {
        struct ring_writer writer;
        void *ring = NULL, *history = NULL;
        size_t size = 0;
        if (segment_map_owner(RING_FD, ring_size_bytes(child.config->feed.ring_slots), &ring, &size, NULL) < 0 ||
            segment_map_owner(HISTORY_FD, history_size_bytes(1, child.config->feed.history_bars), &history, &size, NULL) < 0)
            child_fatal(&child, 1, "ring or history cannot be mapped");
        ring_writer_init(&writer, ring, child.config->feed.ring_slots, child.generation, 1);
        history_init(history, 1, child.config->feed.history_bars, child.generation);
        laid_out = true;
        child_say(&child, CONTROL_MAPPED, 1, 0);
    }
    if (laid_out && all_claimed(true) && !is("neverready")) {
        child_say(&child, CONTROL_READY, 0, 0);
        ready_said = true;
    }
}

static void flood(void)
{
    static const char line[] = "this is a line of a flood that nobody can want to read in full length .......\n";
    for (int i = 0; i < 2000; i++)
        if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
            return;
}

static void at_start(const char *fds)
{
    char status_text[] = "ok";
    trace("start");
    trace_fds(fds);
    if (is("crash"))
        _exit(1);
    if (is("exit75"))
        child_fatal(&child, CHILD_EXIT_TRY_LATER, "the broker sleeps");
    if (is("exit78"))
        child_fatal(&child, CHILD_EXIT_NEVER, "this can never work");
    if (is("exit0"))
        _exit(0);
    if (is("rude"))
        child_say(&child, CONTROL_GO, 0, 0);
    if (is("peek"))
        peek();
    if (is("stubborn"))
        signal(SIGABRT, SIG_IGN);
    child.status.positions = exists("positions") ? 1 : 0;
    child.status.balance = child.status.equity = 1000 * DEC_ONE;
    snprintf(child.status.text, sizeof child.status.text, "%s", status_text);
    child_publish(&child);
    if (child.kind == PROCESS_ACCOUNT)
        cell_set_durable(child.cell, CELL_DURABLE_JOIN);
    if (child.kind == PROCESS_COORDINATOR && !is("neverready")) {
        child_say(&child, CONTROL_READY, 0, 0);
        ready_said = true;
    }
    if (is("alert"))
        child_say_text(&child, CONTROL_ALERT, 0, 2, "the broker rejects \"everything\"");
}

int main(int argc, char **argv)
{
    char path[512], fds[256];
    list_fds(fds, sizeof fds);
    enum process_kind kind = strcmp(argv[0], "feed") == 0          ? PROCESS_FEED
                             : strcmp(argv[0], "coordinator") == 0 ? PROCESS_COORDINATOR
                                                                   : PROCESS_ACCOUNT;
    child_init(&child, kind, argc, argv);
    snprintf(path, sizeof path, "%s/trace", child.config->state_dir);
    trace_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    choose();
    at_start(fds);
    for (;;) {
        struct pollfd wait = {.fd = CONTROL_FD, .events = POLLIN};
        poll(&wait, 1, is("flood") ? 0 : 10);
        child_turn(&child);
        struct control_message message;
        if (is("deaf"))
            continue;
        for (int i = 0; i < 32; i++) {
            if (child_handle(&child, &message) == 0)
                break;
            handle(&message);
            control_close_fds(&message);
        }
        if (child.kind == PROCESS_FEED)
            feed_turn();
        if (is("flood") && ready_said)
            flood();
        if (is("hang") && ready_said)
            for (;;)
                pause();
        if (ready_said && !done_said && child.kind != PROCESS_COORDINATOR && exists("end")) {
            done_said = true;
            child_say(&child, CONTROL_DONE, 0, 0);
        }
    }
}
