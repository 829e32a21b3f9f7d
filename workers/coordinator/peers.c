#include "workers/coordinator/peers.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "shm/cell.h"
#include "shm/segment.h"

static void detach(struct peer *peer)
{
    if (peer->cell_memory)
        segment_unmap(peer->cell_memory, peer->cell_bytes);
    peer->cell_memory = NULL;
    peer->cell = NULL;
}

void peers_forget(struct peer *peer)
{
    detach(peer);
    memset(peer, 0, sizeof *peer);
}

static int attach(struct peer *peer, int fd, struct error *err)
{
    int rc = segment_check_sealed(fd, err);
    if (rc == 0)
        rc = segment_map_reader(fd, CELL_SIZE_BYTES, &peer->cell_memory, &peer->cell_bytes, err);
    if (rc != 0)
        return rc;
    const struct cell *cell = NULL;
    enum shm_result result = cell_attach(peer->cell_memory, peer->cell_bytes, &cell);
    if (result != SHM_OK || cell_generation(cell) != peer->generation) {
        detach(peer);
        return error_set(err, EINVAL, "%s, or of another generation", shm_result_name(result));
    }
    peer->cell = cell;
    return 0;
}

bool peers_tell(struct peer *peers, struct control_message *message, struct link_message *held)
{
    struct control_peer told;
    memcpy(&told, message->payload, sizeof told); /* its size is checked by control_receive */
    if (told.kind != PROCESS_ACCOUNT || told.account >= CONFIG_ACCOUNTS_MAX)
        return false;
    struct peer *peer = &peers[told.account];
    if (told.generation < peer->generation)
        return false;
    if (told.generation > peer->generation) {
        detach(peer);
        peer->owed = peer->late = false;
        peer->socket = 0;
        peer->generation = told.generation;
    }
    peer->told = true;
    peer->pid = told.pid;
    peer->wanted = told.wanted != 0;
    peer->alive = told.alive != 0;
    struct error err = {0};
    if (!peer->alive)
        detach(peer);
    else if (!peer->cell && message->fd_count > 0 && attach(peer, message->fds[0], &err) != 0)
        log_error("the cell of account %u can not be read: %s", told.account, err.text);
    if (!peer->early_held || peer->early.from.generation > peer->generation)
        return false;
    peer->early_held = false;
    *held = peer->early;
    return peer->early.from.generation == peer->generation && peer->alive;
}

enum peers_verdict peers_judge(struct peer *peers, const struct link_message *message)
{
    struct peer *peer = &peers[message->from.account];
    if (message->from.generation > peer->generation) {
        if (message->wire.type == WIRE_HELLO) {
            peer->early_held = true;
            peer->early = *message;
        }
        return PEERS_EARLY;
    }
    if (message->from.generation < peer->generation || message->from.socket < peer->socket)
        return PEERS_STALE;
    return message->pid == peer->pid && message->pid > 0 ? PEERS_SPEAKS : PEERS_STRANGER;
}

void peers_watermarks(const struct peer *peers, const struct fleet_config *config, struct coordinator_watermark *out)
{
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        const struct peer *peer = &peers[a];
        bool configured = a < config->account_count && config->accounts[a].name[0] != '\0';
        int64_t done = 0;
        uint64_t sent = 0;
        if (peer->cell)
            cell_watermark(peer->cell, &done, &sent);
        if (done < 0 || sent > WIRE_JSEQ_MAX)
            done = 0; /* no watermark: it is waited for, and its owner is found out */
        out[a] = (struct coordinator_watermark){.wanted = configured && (!peer->told || peer->wanted),
                                                .done_instant_ns = done, .sent_jseq = done == 0 ? 0 : sent};
    }
}
