#include "workers/feed/readers.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/vocabulary.h"
#include "shm/segment.h"

void readers_init(struct readers *readers, bool live)
{
    *readers = (struct readers){.pause_ns = live ? READERS_PAUSE_LIVE_NS : READERS_PAUSE_REPLAY_NS};
    for (unsigned i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        readers->all[i].wake_fd = -1;
        readers->all[i].pin = READERS_NO_PIN;
    }
}

static bool is_number(uint64_t claim)
{
    return claim < CELL_DURABLE_JOIN;
}

static uint64_t claim_of(const struct reader *reader)
{
    return reader->cell ? cell_durable(reader->cell) : CELL_DURABLE_NONE;
}

static void look_at_claim(struct reader *reader)
{
    uint64_t claim = claim_of(reader);
    if (is_number(claim))
        reader->pin = claim;
}

/* The process is gone, its pin stays. */
static void detach(struct reader *reader)
{
    look_at_claim(reader);
    if (reader->cell)
        segment_unmap(reader->cell, reader->cell_size);
    if (reader->wake_fd >= 0)
        (void)close(reader->wake_fd);
    reader->cell = NULL;
    reader->wake_fd = -1;
    reader->woken_seq = 0;
}

void readers_fini(struct readers *readers)
{
    for (unsigned i = 0; i < CONFIG_ACCOUNTS_MAX; i++)
        detach(&readers->all[i]);
}

static int attach(struct reader *reader, int cell_fd, int wake_fd, struct error *err)
{
    const void *memory = NULL;
    size_t size = 0;
    int result = segment_check_sealed(cell_fd, err);
    if (result == 0)
        result = segment_map_reader(cell_fd, CELL_SIZE_BYTES, &memory, &size, err);
    if (result != 0)
        return result;
    enum shm_result attached = cell_attach(memory, size, &reader->cell);
    if (attached != SHM_OK) {
        segment_unmap(memory, size);
        reader->cell = NULL;
        return error_set(err, EPROTO, "its cell is %s", shm_result_name(attached));
    }
    reader->cell_size = size;
    reader->wake_fd = wake_fd;
    return 0;
}

void readers_peer(struct readers *readers, struct control_message *message)
{
    struct control_peer peer;
    assert(message->type == CONTROL_PEER);
    if (message->payload_size != sizeof peer)
        return;
    memcpy(&peer, message->payload, sizeof peer);
    if (peer.kind != PROCESS_ACCOUNT || peer.account >= CONFIG_ACCOUNTS_MAX) {
        log_warning("peer of kind %u, account %u: not a reader", peer.kind, peer.account);
        return;
    }
    struct reader *reader = &readers->all[peer.account];
    if (peer.generation < reader->generation)
        return; /* of a process that was replaced */
    detach(reader);
    reader->generation = peer.generation;
    reader->wanted = peer.wanted != 0;
    reader->alive = peer.alive != 0;
    if (!reader->wanted)
        reader->pin = READERS_NO_PIN;
    if (!reader->alive)
        return;
    struct error err = {0};
    if (message->fd_count != 2) {
        log_error("account %u, generation %" PRIu64 ": announced without cell and eventfd", peer.account,
                  peer.generation);
        return;
    }
    if (attach(reader, message->fds[0], message->fds[1], &err) == 0)
        message->fds[1] = -1; /* kept; the mapping needs no descriptor */
    else
        log_error("account %u, generation %" PRIu64 ": %s", peer.account, peer.generation, err.text);
}

bool readers_claimed(const struct readers *readers, bool numeric)
{
    for (unsigned i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        const struct reader *reader = &readers->all[i];
        uint64_t claim = claim_of(reader);
        if (reader->wanted && (numeric ? !is_number(claim) : claim == CELL_DURABLE_NONE))
            return false;
    }
    return true;
}

bool readers_hold(struct readers *readers, uint64_t oldest, uint64_t *seq)
{
    bool any = false;
    for (unsigned i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        struct reader *reader = &readers->all[i];
        if (!reader->wanted)
            continue;
        look_at_claim(reader);
        if (reader->pin == READERS_NO_PIN || reader->pin < oldest || (any && reader->pin >= *seq))
            continue;
        *seq = reader->pin;
        any = true;
    }
    return any;
}

bool readers_least_claim(struct readers *readers, uint64_t *seq)
{
    return readers_hold(readers, 0, seq);
}

bool readers_greatest_claim(struct readers *readers, uint64_t *seq)
{
    bool any = false;
    for (unsigned i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        struct reader *reader = &readers->all[i];
        look_at_claim(reader);
        if (!reader->wanted || reader->pin == READERS_NO_PIN || (any && reader->pin <= *seq))
            continue;
        *seq = reader->pin;
        any = true;
    }
    return any;
}

uint64_t readers_greatest_consumed(const struct readers *readers)
{
    uint64_t greatest = 0;
    for (unsigned i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        uint64_t consumed = readers->all[i].cell ? cell_consumed(readers->all[i].cell) : 0;
        greatest = consumed > greatest ? consumed : greatest;
    }
    return greatest;
}

static void wake(struct readers *readers, struct reader *reader)
{
    static const uint64_t one = 1;
    readers->wakes++;
    /* Full (EAGAIN) means that it will wake anyway. */
    if (write(reader->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        log_warning("wake a reader: %s", strerror(errno));
}

void readers_wake(struct readers *readers, uint64_t seq, int64_t now_ns, bool all)
{
    for (unsigned i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        struct reader *reader = &readers->all[i];
        if (!reader->cell || reader->wake_fd < 0 || seq <= reader->woken_seq ||
            (!all && now_ns - reader->woken_ns < readers->pause_ns) || !cell_sleeping(reader->cell))
            continue;
        reader->woken_ns = now_ns;
        reader->woken_seq = seq;
        wake(readers, reader);
    }
}
