/* The account's side of the permit channel. */
#include "workers/account/driver.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "workers/account/journal.h"

#define RESEND_PART 256u

void driver_client_reset(struct driver *driver)
{
    if (driver->client_fd_watched >= 0)
        (void)epoll_ctl(driver->epoll_fd, EPOLL_CTL_DEL, driver->client_fd_watched, NULL);
    driver->client_fd_watched = -1;
    struct wire_hello hello = {.account = driver->child.account, .last_jseq = driver->core.account.jseq};
    hello.position_count = core_wire_positions(&driver->core, hello.positions, WIRE_POSITIONS_MAX);
    struct error err = {0};
    if (client_reset(driver->client, &hello, &err) != 0) {
        log_error("permit channel: %s", err.text);
        return;
    }
    driver->resync = false;
    driver->client_fd_watched = client_fd(driver->client);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = driver->client_fd_watched};
    if (epoll_ctl(driver->epoll_fd, EPOLL_CTL_ADD, driver->client_fd_watched, &event) != 0)
        log_error("permit channel: epoll: %s", strerror(errno));
}

void driver_send(struct driver *driver, const struct wire_message *message)
{
    if (!client_ready(driver->client))
        return; /* WELCOME will say what is missing */
    CRASHPOINT("account.before_propose");
    if (client_send(driver->client, message) != 0)
        driver->resync = true;
    CRASHPOINT("account.after_propose");
}

/* --- after WELCOME: what the coordinator does not have ------------------------------------------------- */

struct resend {
    struct driver *driver;
    uint64_t next, count;
};

static bool resend_proposal(const void *data, size_t size, struct wire_proposal *out)
{
    uint64_t instrument, side;
    if (journal_get_u64(data, size, "i", &instrument) != 0 || journal_get_u64(data, size, "side", &side) != 0 ||
        journal_get_time(data, size, "t", &out->instant_ns) != 0 || journal_get_dec(data, size, "qty", &out->qty) != 0 ||
        journal_get_dec(data, size, "risk", &out->risk) != 0 || journal_get_dec(data, size, "entry", &out->entry_price) != 0 ||
        journal_get_dec(data, size, "stop", &out->stop_price) != 0 ||
        journal_get_f64(data, size, "confidence", &out->confidence) != 0)
        return false;
    out->instrument = (uint32_t)instrument;
    out->side = (uint32_t)side;
    return true;
}

static bool resend_report(const void *data, size_t size, struct wire_report *out)
{
    uint64_t instrument, side;
    if (journal_get_u64(data, size, "i", &instrument) != 0 || journal_get_u64(data, size, "side", &side) != 0 ||
        journal_get_time(data, size, "t", &out->instant_ns) != 0 || journal_get_dec(data, size, "qty", &out->position.qty) != 0 ||
        journal_get_dec(data, size, "risk", &out->position.risk) != 0 ||
        journal_get_u64(data, size, "proposal", &out->proposal) != 0 ||
        journal_get_dec(data, size, "reserved", &out->reserved_qty) != 0)
        return false;
    out->position.instrument = (uint32_t)instrument;
    out->position.side = (uint32_t)side;
    return true;
}

static int resend_visit(void *context, uint64_t jseq, const void *data, size_t size)
{
    struct resend *resend = context;
    resend->next = jseq + 1;
    resend->count++;
    char kind[16];
    if (journal_get_text(data, size, "k", kind, sizeof kind) != 0)
        return 0;
    struct wire_message message = {.generation = resend->driver->child.generation};
    if (strcmp(kind, "propose") == 0 && resend_proposal(data, size, &message.u.proposal)) {
        message.type = WIRE_PROPOSE;
        message.u.proposal.jseq = jseq;
    } else if (strcmp(kind, "report") == 0 && resend_report(data, size, &message.u.report)) {
        message.type = WIRE_REPORT;
        message.u.report.jseq = jseq;
    } else {
        return 0;
    }
    resend->driver->run.resent++;
    driver_send(resend->driver, &message);
    return 0;
}

static void driver_welcome(struct driver *driver, const struct wire_welcome *welcome)
{
    /* Proposals that the coordinator holds but whose answer we do not have: it answers a repeat. */
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++) {
        const struct core_proposal *proposal = &driver->core.proposals[i];
        if (proposal->jseq == 0 || proposal->jseq > welcome->through_jseq)
            continue;
        struct wire_message message = {.type = WIRE_PROPOSE, .generation = driver->child.generation,
                                       .u.proposal = proposal->wire};
        driver_send(driver, &message);
    }
    struct resend resend = {.driver = driver, .next = welcome->through_jseq + 1};
    do {
        resend.count = 0;
        if (store_journal_scan(driver->store, resend.next, RESEND_PART, resend_visit, &resend) < 0)
            child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "the journal cannot be read from %llu on",
                        (unsigned long long)resend.next);
    } while (resend.count == RESEND_PART);
    driver->fenced = false;
}

/* --- answers --------------------------------------------------------------------------------------------- */

static void driver_keep_answer(struct driver *driver, const struct wire_answer *answer)
{
    bool asked = false;
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++)
        asked |= driver->core.proposals[i].jseq != 0 && driver->core.proposals[i].jseq == answer->jseq;
    if (!asked)
        return; /* answered before */
    for (uint32_t i = 0; i < driver->answer_count; i++)
        if (driver->answers[i].jseq == answer->jseq)
            return;
    driver->answers[driver->answer_count++] = *answer;
    driver->answered_ns = driver->clock.mono_ns(&driver->clock);
    if (driver->live && driver->asked_ns != 0) /* of the oldest that is open: never less than the wait of this one */
        peak_add(&driver->permit_wait, driver->answered_ns, driver->answered_ns - driver->asked_ns);
}

static void driver_refuse_open(struct driver *driver)
{
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++) {
        if (driver->core.proposals[i].jseq == 0)
            continue;
        struct wire_answer answer = {.jseq = driver->core.proposals[i].jseq, .refusal = REFUSAL_NO_PERMIT,
                                     .instant_ns = driver->core.proposals[i].wire.instant_ns};
        driver_keep_answer(driver, &answer);
    }
    driver->asked_ns = 0;
}

static uint32_t driver_proposal_count(const struct driver *driver)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++)
        count += driver->core.proposals[i].jseq != 0;
    return count;
}

static void driver_sort_answers(struct driver *driver)
{
    for (uint32_t i = 1; i < driver->answer_count; i++)
        for (uint32_t j = i; j > 0 && driver->answers[j - 1].jseq > driver->answers[j].jseq; j--) {
            struct wire_answer swap = driver->answers[j];
            driver->answers[j] = driver->answers[j - 1];
            driver->answers[j - 1] = swap;
        }
}

void driver_answers(struct driver *driver)
{
    if (driver->coordinator_gone)
        driver_refuse_open(driver);
    if (!driver->live && driver->answer_count < driver_proposal_count(driver))
        return;
    driver_sort_answers(driver);
    for (uint32_t i = 0; i < driver->answer_count; i++) {
        CRASHPOINT("account.before_answer");
        struct core_event event = {.kind = CORE_ANSWER, .u.answer = &driver->answers[i]};
        core_step(&driver->core, &event);
        driver_flush(driver);
    }
    driver->answer_count = 0;
    if (driver_proposal_count(driver) == 0)
        driver->asked_ns = 0;
}

void driver_client_poll(struct driver *driver)
{
    struct wire_message message;
    while (client_receive(driver->client, &message) == 1) {
        if (message.type == WIRE_WELCOME)
            driver_welcome(driver, &message.u.welcome);
        else if (message.type == WIRE_ANSWER)
            driver_keep_answer(driver, &message.u.answer);
    }
    if (driver->client_fd_watched != client_fd(driver->client) || driver->resync)
        driver_client_reset(driver);
    int64_t now = driver->live && driver->asked_ns != 0 ? driver->clock.mono_ns(&driver->clock) : 0;
    if (now != 0 && now - driver->asked_ns > driver->child.config->coordination.request_timeout_ns) {
        log_warning("no answer to a proposal: refused, the permit channel is made anew");
        driver_refuse_open(driver);
        driver_client_reset(driver);
    }
    if (driver->answer_count > 0 || driver->coordinator_gone) {
        if (driver->live && driver->phase == PHASE_RUN)
            driver_answers(driver);
    }
}
