/* Opening and closing the venue, and what reconciliation asks of it. */
#include "workers/broker/paper.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "workers/broker/paper_internal.h"

static void paper_acknowledge(struct broker *broker, uint64_t id)
{
    struct paper *v = (struct paper *)broker;
    if (id > v->acknowledged)
        v->acknowledged = id;
}

static int paper_checkpoint(struct broker *broker, struct error *err)
{
    return paper_book_commit((struct paper *)broker, err);
}

static int paper_orders(struct broker *broker, struct broker_order_view *out, uint32_t max)
{
    struct paper *v = (struct paper *)broker;
    uint32_t count = 0;
    for (uint32_t i = 0; i < v->order_count && count < max; i++) {
        const struct paper_order *o = &v->orders[i];
        if (o->state == PAPER_FINAL)
            continue;
        struct broker_order_view *view = &out[count++];
        *view = (struct broker_order_view){
            .intent = o->intent, .venue_order = o->venue_order, .position = o->position, .instrument = o->instrument,
            .side = o->side, .type = o->type, .pending = o->state == PAPER_PENDING || o->state == PAPER_HELD,
            .qty = o->qty, .cum_qty = o->cum_qty, .price = o->price,
        };
        if (o->cum_qty > 0)
            (void)dec_div(o->value, o->cum_qty, DEC_ROUND_NEAREST, &view->avg_price);
    }
    return (int)count;
}

static int paper_positions(struct broker *broker, struct broker_position_view *out, uint32_t max)
{
    struct paper *v = (struct paper *)broker;
    uint32_t count = 0;
    for (uint32_t i = 0; i < v->position_count && count < max; i++) {
        const struct paper_position *p = &v->positions[i];
        if (p->qty == 0)
            continue;
        struct broker_position_view *view = &out[count++];
        *view = (struct broker_position_view){.position = p->position, .instrument = p->instrument, .side = p->side,
                                              .qty = p->qty, .opened_ns = p->opened_ns};
        (void)dec_div(p->cost, p->qty, DEC_ROUND_NEAREST, &view->avg_price);
    }
    return (int)count;
}

static int paper_account(struct broker *broker, struct broker_account_view *out)
{
    struct paper *v = (struct paper *)broker;
    *out = (struct broker_account_view){
        .balance = v->meta.balance, .last_report = v->meta.last_report, .first_report = v->meta.pruned + 1,
        .last_seq = v->meta.last_seq};
    return 0;
}

static void paper_close(struct broker *broker)
{
    free(broker);
}

static const struct broker_ops paper_ops = {
    .send = paper_request_send,
    .on_record = paper_engine_record,
    .next_report = paper_report_next,
    .acknowledge = paper_acknowledge,
    .checkpoint = paper_checkpoint,
    .orders = paper_orders,
    .positions = paper_positions,
    .status = paper_report_status,
    .account = paper_account,
    .close = paper_close,
};

int paper_open(const struct fleet_config *config, uint32_t account, struct store *store, enum store_sync sync,
               struct broker **out, struct error *err)
{
    assert(config && account < CONFIG_ACCOUNTS_MAX && store && out);
    struct paper *v = calloc(1, sizeof *v);
    if (!v)
        return error_set(err, ENOMEM, "paper venue");
    v->base = (struct broker){.ops = &paper_ops, .idempotent = true};
    v->config = config;
    v->model = &config->accounts[account].paper;
    v->store = store;
    v->sync = sync;
    v->ideal = v->model->profile == FILL_IDEAL;
    v->latency_sigma = paper_draw_latency_sigma(v->model);
    int rc = paper_book_load(v, account, err);
    if (rc != 0) {
        free(v);
        return rc;
    }
    paper_engine_schedule(v);
    *out = &v->base;
    return 0;
}

void paper_set_eager(struct broker *broker, bool eager)
{
    ((struct paper *)broker)->eager = eager;
}
