#include "workers/coordinator/core.h"

#include <assert.h>
#include <string.h>

#include "base/vocabulary.h"
#include "workers/broker/broker.h"

static_assert(COORDINATOR_QUEUE_MAX >= COORDINATOR_RESERVATIONS_MAX, "a round of one account fits in its queue");

/* A sum that can not be held is more than any limit: it stays at the top, and refuses. */
static dec_t add_capped(dec_t a, dec_t b)
{
    dec_t sum;
    return dec_add(a, b, &sum) == 0 ? sum : DEC_MAX;
}

static uint64_t message_jseq(const struct coordinator_queued *message)
{
    return message->type == WIRE_PROPOSE ? message->u.proposal.jseq : message->u.report.jseq;
}

static int64_t message_instant(const struct coordinator_queued *message)
{
    return message->type == WIRE_PROPOSE ? message->u.proposal.instant_ns : message->u.report.instant_ns;
}

static const struct config_account *configured(const struct coordinator *coordinator, uint32_t account)
{
    if (account >= coordinator->config->account_count || coordinator->config->accounts[account].name[0] == '\0')
        return NULL;
    return &coordinator->config->accounts[account];
}

/* --- configuration ------------------------------------------------------------------------------------------ */

void coordinator_init(struct coordinator *coordinator, const struct fleet_config *config)
{
    assert(coordinator && config);
    memset(coordinator, 0, sizeof *coordinator);
    coordinator->config = config;
}

void coordinator_reset_account(struct coordinator *coordinator, uint32_t account)
{
    assert(account < CONFIG_ACCOUNTS_MAX);
    memset(&coordinator->accounts[account], 0, sizeof coordinator->accounts[account]);
    coordinator->queues[account].count = 0;
}

void coordinator_set_back(struct coordinator *coordinator, uint32_t account, const struct wire_hello *hello)
{
    assert(account < CONFIG_ACCOUNTS_MAX && hello->last_jseq < coordinator_through(coordinator, account));
    struct coordinator_account *row = &coordinator->accounts[account];
    memset(row->reservations, 0, sizeof row->reservations);
    row->applied_jseq = hello->last_jseq;
    coordinator->queues[account].count = 0;
    (void)coordinator_adopt(coordinator, account, hello, true);
}

void coordinator_configure(struct coordinator *coordinator, const struct fleet_config *config)
{
    assert(coordinator && config);
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        const struct config_account *before = configured(coordinator, a);
        const char *after = a < config->account_count ? config->accounts[a].name : "";
        if (before && strcmp(before->name, after) != 0)
            coordinator_reset_account(coordinator, a);
    }
    coordinator->config = config;
}

uint32_t coordinator_adopt(struct coordinator *coordinator, uint32_t account, const struct wire_hello *hello, bool take)
{
    assert(account < CONFIG_ACCOUNTS_MAX && hello->position_count <= WIRE_POSITIONS_MAX);
    struct wire_position said[CONFIG_INSTRUMENTS_MAX] = {0};
    for (uint32_t i = 0; i < hello->position_count; i++) {
        assert(hello->positions[i].instrument < CONFIG_INSTRUMENTS_MAX);
        said[hello->positions[i].instrument] = hello->positions[i];
    }
    uint32_t differ = 0;
    for (uint32_t i = 0; i < CONFIG_INSTRUMENTS_MAX; i++) {
        struct wire_position *held = &coordinator->accounts[account].positions[i];
        if (held->side == said[i].side && held->qty == said[i].qty && held->risk == said[i].risk)
            continue;
        differ++;
        if (take)
            *held = said[i];
    }
    return differ;
}

bool coordinator_account_valid(const struct coordinator_account *row)
{
    bool valid = row->applied_jseq <= WIRE_JSEQ_MAX && row->last_grant_ns >= 0;
    for (uint32_t i = 0; i < CONFIG_INSTRUMENTS_MAX; i++) {
        const struct wire_position *position = &row->positions[i];
        valid &= position->side <= SIDE_SELL && position->qty >= 0 && position->risk >= 0;
    }
    for (uint32_t i = 0; i < COORDINATOR_RESERVATIONS_MAX; i++) {
        const struct coordinator_reservation *reservation = &row->reservations[i];
        if (reservation->proposal == 0)
            continue;
        valid &= reservation->proposal <= WIRE_JSEQ_MAX && reservation->instrument < CONFIG_INSTRUMENTS_MAX &&
                 (reservation->side == SIDE_BUY || reservation->side == SIDE_SELL) && reservation->qty > 0 &&
                 reservation->risk >= 0;
    }
    return valid;
}

/* --- queues --------------------------------------------------------------------------------------------------- */

uint64_t coordinator_through(const struct coordinator *coordinator, uint32_t account)
{
    assert(account < CONFIG_ACCOUNTS_MAX);
    const struct coordinator_queue *queue = &coordinator->queues[account];
    return queue->count > 0 ? message_jseq(&queue->items[queue->count - 1]) : coordinator->accounts[account].applied_jseq;
}

static bool queue_holds(const struct coordinator_queue *queue, uint64_t jseq)
{
    for (uint32_t i = 0; i < queue->count; i++)
        if (message_jseq(&queue->items[i]) == jseq)
            return true;
    return false;
}

enum coordinator_accept coordinator_accept(struct coordinator *coordinator, uint32_t account,
                                           const struct coordinator_queued *message)
{
    assert(account < CONFIG_ACCOUNTS_MAX && (message->type == WIRE_PROPOSE || message->type == WIRE_REPORT));
    struct coordinator_queue *queue = &coordinator->queues[account];
    uint64_t jseq = message_jseq(message), through = coordinator_through(coordinator, account);
    if (jseq <= coordinator->accounts[account].applied_jseq)
        return COORDINATOR_REPEAT;
    if (jseq <= through)
        return queue_holds(queue, jseq) ? COORDINATOR_KNOWN : COORDINATOR_GAP;
    if (message->previous != through)
        return COORDINATOR_GAP;
    if (queue->count == COORDINATOR_QUEUE_MAX)
        return COORDINATOR_FULL;
    queue->items[queue->count++] = *message;
    return COORDINATOR_QUEUED;
}

int64_t coordinator_next_instant(const struct coordinator *coordinator)
{
    int64_t next = 0;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        const struct coordinator_queue *queue = &coordinator->queues[a];
        if (queue->count == 0)
            continue;
        int64_t instant = message_instant(&queue->items[0]);
        if (next == 0 || instant < next)
            next = instant;
    }
    return next;
}

/* How many messages at the head of the queue belong to the round: up to the instant, and no more proposals
 * than there can be reservations. */
static uint32_t round_length(const struct coordinator_queue *queue, int64_t instant_ns)
{
    uint32_t length = 0, proposals = 0;
    while (length < queue->count && message_instant(&queue->items[length]) <= instant_ns) {
        proposals += queue->items[length].type == WIRE_PROPOSE;
        if (proposals > COORDINATOR_RESERVATIONS_MAX)
            break;
        length++;
    }
    return length;
}

bool coordinator_proposal_waits(const struct coordinator *coordinator, int64_t instant_ns)
{
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        uint32_t length = round_length(&coordinator->queues[a], instant_ns);
        for (uint32_t i = 0; i < length; i++)
            if (coordinator->queues[a].items[i].type == WIRE_PROPOSE)
                return true;
    }
    return false;
}

/* Everything of the account up to the instant is held: all that it sent, or already something later (its queue
 * may be full, the rest follows when there is room). */
static bool holds_all(const struct coordinator *coordinator, uint32_t account, int64_t instant_ns, uint64_t sent_jseq)
{
    const struct coordinator_queue *queue = &coordinator->queues[account];
    return coordinator_through(coordinator, account) >= sent_jseq ||
           (queue->count > 0 && message_instant(&queue->items[queue->count - 1]) > instant_ns);
}

bool coordinator_ready(const struct coordinator *coordinator, int64_t instant_ns,
                       const struct coordinator_watermark *watermarks, uint32_t *waits_for)
{
    *waits_for = CONFIG_NONE;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX && *waits_for == CONFIG_NONE; a++) {
        const struct coordinator_watermark *mark = &watermarks[a];
        if (mark->wanted &&
            (mark->done_instant_ns < instant_ns || !holds_all(coordinator, a, instant_ns, mark->sent_jseq)))
            *waits_for = a;
    }
    return *waits_for == CONFIG_NONE;
}

/* --- risk -------------------------------------------------------------------------------------------------------- */

static dec_t account_risk(const struct coordinator_account *account)
{
    dec_t risk = 0;
    for (uint32_t i = 0; i < CONFIG_INSTRUMENTS_MAX; i++)
        risk = add_capped(risk, account->positions[i].risk);
    for (uint32_t i = 0; i < COORDINATOR_RESERVATIONS_MAX; i++)
        if (account->reservations[i].proposal != 0)
            risk = add_capped(risk, account->reservations[i].risk);
    return risk;
}

dec_t coordinator_joint_risk(const struct coordinator *coordinator)
{
    dec_t risk = 0;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        risk = add_capped(risk, account_risk(&coordinator->accounts[a]));
    return risk;
}

static dec_t joint_risk_limit(const struct fleet_config *config)
{
    dec_t sum = 0, limit;
    for (uint32_t a = 0; a < config->account_count; a++)
        if (config->accounts[a].name[0] != '\0')
            sum = add_capped(sum, config->accounts[a].initial_balance);
    return dec_mul(sum, config->coordination.joint_risk_fraction, DEC_ROUND_FLOOR, &limit) == 0 ? limit : 0;
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

/* One round in the making. */
struct candidate {
    uint32_t account, item;
    bool decided;
};
struct round {
    struct coordinator *coordinator;
    const struct coordinator_watermark *watermarks;
    int64_t instant_ns;
    uint32_t lengths[CONFIG_ACCOUNTS_MAX];
    bool withdrawn[CONFIG_ACCOUNTS_MAX][COORDINATOR_QUEUE_MAX];
    uint32_t candidate_count;
    struct candidate candidates[COORDINATOR_DECISIONS_MAX];
};

static bool on_opposite_side(const struct coordinator_account *account, uint32_t instrument, uint32_t side)
{
    const struct wire_position *position = &account->positions[instrument];
    if (position->qty > 0 && position->side != 0 && position->side != side)
        return true;
    for (uint32_t i = 0; i < COORDINATOR_RESERVATIONS_MAX; i++) {
        const struct coordinator_reservation *reservation = &account->reservations[i];
        if (reservation->proposal != 0 && reservation->instrument == instrument && reservation->side != side)
            return true;
    }
    return false;
}

static bool opposite_of_firm(const struct coordinator *coordinator, uint32_t account, const struct wire_proposal *proposal)
{
    const struct fleet_config *config = coordinator->config;
    const struct config_programme *mine = &config->programmes[config->accounts[account].programme];
    for (uint32_t other = 0; other < config->account_count; other++) {
        if (other == account || !configured(coordinator, other))
            continue;
        const struct config_programme *theirs = &config->programmes[config->accounts[other].programme];
        if (strcmp(mine->firm, theirs->firm) == 0 && (mine->opposite_refused || theirs->opposite_refused) &&
            on_opposite_side(&coordinator->accounts[other], proposal->instrument, proposal->side))
            return true;
    }
    return false;
}

static int64_t valid_until(const struct coordinator *coordinator, const struct wire_proposal *proposal)
{
    int64_t until;
    bool over = __builtin_add_overflow(proposal->instant_ns, coordinator->config->coordination.permit_validity_ns, &until);
    return over ? INT64_MAX : until;
}

static struct coordinator_reservation *free_reservation(struct coordinator_account *account)
{
    for (uint32_t i = 0; i < COORDINATOR_RESERVATIONS_MAX; i++)
        if (account->reservations[i].proposal == 0)
            return &account->reservations[i];
    return NULL;
}

static enum refusal judge(const struct round *round, const struct candidate *candidate, const struct wire_proposal *proposal)
{
    struct coordinator *coordinator = round->coordinator;
    const struct fleet_config *config = coordinator->config;
    uint32_t account = candidate->account;
    if (!configured(coordinator, account) || !round->watermarks[account].wanted)
        return REFUSAL_UNKNOWN_ACCOUNT;
    if (proposal->instrument >= config->instrument_count || !config->instruments[proposal->instrument].active)
        return REFUSAL_SESSION_CLOSED;
    if (coordinator->hold_grants)
        return REFUSAL_NO_PERMIT;
    if (round->withdrawn[account][candidate->item] || valid_until(coordinator, proposal) < round->instant_ns)
        return REFUSAL_PERMIT_EXPIRED;
    if (opposite_of_firm(coordinator, account, proposal))
        return REFUSAL_OPPOSITE_POSITION;
    if (add_capped(coordinator_joint_risk(coordinator), proposal->risk) > joint_risk_limit(config))
        return REFUSAL_JOINT_RISK;
    return free_reservation(&coordinator->accounts[account]) ? REFUSAL_NONE : REFUSAL_MAX_POSITIONS;
}

static void decide(struct round *round, const struct candidate *candidate)
{
    struct coordinator *coordinator = round->coordinator;
    struct coordinator_account *account = &coordinator->accounts[candidate->account];
    const struct wire_proposal *proposal =
        &coordinator->queues[candidate->account].items[candidate->item].u.proposal;
    struct wire_answer answer = {.jseq = proposal->jseq, .instant_ns = proposal->instant_ns,
                                 .decision = ++coordinator->decision_seq,
                                 .refusal = judge(round, candidate, proposal)};
    if (answer.refusal == REFUSAL_NONE) {
        answer.qty = proposal->qty;
        answer.valid_until_ns = valid_until(coordinator, proposal);
        struct coordinator_reservation *reservation = free_reservation(account);
        assert(reservation);
        *reservation = (struct coordinator_reservation){
            .proposal = proposal->jseq, .instrument = proposal->instrument, .side = proposal->side,
            .qty = proposal->qty, .risk = proposal->risk, .valid_until_ns = answer.valid_until_ns};
        account->last_grant_ns = proposal->instant_ns;
        account->grants++;
    } else {
        account->refusals++;
    }
    assert(coordinator->decision_count < COORDINATOR_DECISIONS_MAX);
    coordinator->decisions[coordinator->decision_count++] =
        (struct coordinator_decision){.account = candidate->account, .proposal = *proposal, .answer = answer};
}

/* --- a round ------------------------------------------------------------------------------------------------------- */

static void release_expired(struct coordinator *coordinator, int64_t instant_ns)
{
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++)
        for (uint32_t i = 0; i < COORDINATOR_RESERVATIONS_MAX; i++) {
            struct coordinator_reservation *reservation = &coordinator->accounts[a].reservations[i];
            if (reservation->proposal == 0 || reservation->valid_until_ns >= instant_ns)
                continue;
            memset(reservation, 0, sizeof *reservation);
            coordinator->changed[a] = true;
        }
}

/* What is left of a reservation carries its share of the risk, rounded up. */
static void shrink_reservation(struct coordinator_reservation *reservation, dec_t reserved_qty)
{
    dec_t risk;
    if (reserved_qty == 0) {
        memset(reservation, 0, sizeof *reservation);
    } else if (reserved_qty < reservation->qty) {
        if (dec_muldiv(reservation->risk, reserved_qty, reservation->qty, DEC_ROUND_CEIL, &risk) == 0)
            reservation->risk = risk;
        reservation->qty = reserved_qty;
    }
}

static void apply_report(struct round *round, uint32_t account, const struct wire_report *report)
{
    struct coordinator *coordinator = round->coordinator;
    struct coordinator_account *row = &coordinator->accounts[account];
    assert(report->position.instrument < CONFIG_INSTRUMENTS_MAX);
    row->positions[report->position.instrument] = report->position;
    if (report->proposal == 0)
        return;
    for (uint32_t i = 0; i < COORDINATOR_RESERVATIONS_MAX; i++)
        if (row->reservations[i].proposal == report->proposal)
            shrink_reservation(&row->reservations[i], report->reserved_qty);
    const struct coordinator_queue *queue = &coordinator->queues[account];
    for (uint32_t i = 0; i < round->lengths[account] && report->reserved_qty == 0; i++)
        if (queue->items[i].type == WIRE_PROPOSE && queue->items[i].u.proposal.jseq == report->proposal)
            round->withdrawn[account][i] = true;
}

static void gather(struct round *round, int64_t instant_ns)
{
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        const struct coordinator_queue *queue = &round->coordinator->queues[a];
        round->lengths[a] = round_length(queue, instant_ns);
        for (uint32_t i = 0; i < round->lengths[a]; i++) {
            if (queue->items[i].type == WIRE_REPORT)
                apply_report(round, a, &queue->items[i].u.report);
            else
                round->candidates[round->candidate_count++] = (struct candidate){.account = a, .item = i};
        }
    }
}

/* Whether a goes before b. The same account's proposals at one confidence keep their order. */
static bool goes_before(const struct round *round, const struct candidate *a, const struct candidate *b)
{
    const struct coordinator *coordinator = round->coordinator;
    const struct coordinator_account *row_a = &coordinator->accounts[a->account], *row_b = &coordinator->accounts[b->account];
    double confidence_a = coordinator->queues[a->account].items[a->item].u.proposal.confidence;
    double confidence_b = coordinator->queues[b->account].items[b->item].u.proposal.confidence;
    if (confidence_a > confidence_b || confidence_a < confidence_b)
        return confidence_a > confidence_b;
    dec_t risk_a = account_risk(row_a), risk_b = account_risk(row_b);
    if (risk_a != risk_b)
        return risk_a < risk_b;
    if (row_a->last_grant_ns != row_b->last_grant_ns)
        return row_a->last_grant_ns < row_b->last_grant_ns;
    return a->account != b->account ? a->account < b->account : a->item < b->item;
}

static void decide_all(struct round *round)
{
    for (uint32_t n = 0; n < round->candidate_count; n++) {
        uint32_t best = COORDINATOR_DECISIONS_MAX;
        for (uint32_t i = 0; i < round->candidate_count; i++)
            if (!round->candidates[i].decided &&
                (best == COORDINATOR_DECISIONS_MAX || goes_before(round, &round->candidates[i], &round->candidates[best])))
                best = i;
        assert(best < round->candidate_count);
        round->candidates[best].decided = true;
        decide(round, &round->candidates[best]);
    }
}

static void remove_applied(struct round *round)
{
    struct coordinator *coordinator = round->coordinator;
    for (uint32_t a = 0; a < CONFIG_ACCOUNTS_MAX; a++) {
        struct coordinator_queue *queue = &coordinator->queues[a];
        uint32_t length = round->lengths[a];
        if (length == 0)
            continue;
        coordinator->accounts[a].applied_jseq = message_jseq(&queue->items[length - 1]);
        coordinator->changed[a] = true;
        queue->count -= length;
        memmove(queue->items, queue->items + length, queue->count * sizeof queue->items[0]);
    }
}

void coordinator_apply(struct coordinator *coordinator, int64_t instant_ns, const struct coordinator_watermark *watermarks)
{
    assert(coordinator && watermarks && instant_ns > 0);
    struct round round = {.coordinator = coordinator, .watermarks = watermarks};
    coordinator->decision_count = 0;
    memset(coordinator->changed, 0, sizeof coordinator->changed);
    if (instant_ns > coordinator->applied_instant_ns)
        coordinator->applied_instant_ns = instant_ns;
    round.instant_ns = coordinator->applied_instant_ns; /* what came late is decided as of now */
    release_expired(coordinator, round.instant_ns);
    gather(&round, instant_ns);
    decide_all(&round);
    remove_applied(&round);
}
