/* Reports: numbered, due one after the other as over one session, stored until acknowledged. */
#include "workers/broker/paper_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void paper_report_emit(struct paper *v, struct broker_report *report, uint64_t draw_intent, uint32_t draw_number)
{
    int64_t due_ns = report->time_ns + paper_draw_latency(v, draw_intent, DRAW_LATENCY_OUT, draw_number);
    if (due_ns < v->meta.last_due_ns) /* a session keeps the order */
        due_ns = v->meta.last_due_ns;
    report->id = ++v->meta.last_report;
    report->created_seq = v->seq;
    report->due_ns = v->meta.last_due_ns = due_ns;
    report->model_version = PAPER_MODEL_VERSION;
    v->cache[report->id % PAPER_REPORT_CACHE] = *report;
    v->effects = true;
    store_put(v->store, PAPER_REPORTS, report->id, report, sizeof *report);
}

void paper_report_describe(const struct paper_order *order, struct broker_report *out)
{
    out->intent = order->intent;
    out->venue_order = order->venue_order;
    out->position = order->position;
    out->instrument = order->instrument;
    out->side = order->side;
    out->qty = order->qty;
    out->cum_qty = order->cum_qty;
    out->price = order->price;
    out->final = order->state == PAPER_FINAL;
    if (order->cum_qty > 0)
        (void)dec_div(order->value, order->cum_qty, DEC_ROUND_NEAREST, &out->avg_price);
}

void paper_report_order(struct paper *v, struct paper_order *order, uint32_t exec_type, int64_t time_ns,
                        uint64_t request_intent)
{
    struct broker_report report = {.time_ns = time_ns, .exec_type = exec_type, .request_intent = request_intent,
                                   .latency_ns = order->latency_ns};
    if (exec_type == EXEC_REJECTED || exec_type == EXEC_CANCELED)
        report.reason = order->reason;
    paper_report_describe(order, &report);
    order->exec_type = exec_type;
    order->dirty = 1;
    paper_report_emit(v, &report, order->intent, order->reported++);
}

/* The draw is the request's own: an order is not changed by a request that is refused. */
void paper_report_cancel_reject(struct paper *v, const struct paper_request *request, uint32_t reason, int64_t time_ns)
{
    struct broker_report report = {.time_ns = time_ns, .exec_type = EXEC_CANCEL_REJECT, .reason = reason,
                                   .intent = request->target, .request_intent = request->intent,
                                   .instrument = request->instrument};
    const struct paper_order *order = paper_book_order(v, request->target);
    if (order)
        paper_report_describe(order, &report);
    paper_report_emit(v, &report, request->intent, 0);
}

int paper_report_next(struct broker *broker, uint64_t after_id, uint64_t seq, int64_t time_ns, struct broker_report *out)
{
    struct paper *v = (struct paper *)broker;
    uint64_t id = after_id < v->meta.pruned ? v->meta.pruned + 1 : after_id + 1;
    if (id > v->committed_report)
        return 0;
    const struct broker_report *cached = &v->cache[id % PAPER_REPORT_CACHE];
    struct broker_report stored;
    if (cached->id != id) {
        size_t length = 0;
        int rc = store_get(v->store, PAPER_REPORTS, id, &stored, sizeof stored, &length);
        if (rc != 0 || length != sizeof stored)
            return rc != 0 ? rc : -EPROTO;
        v->cache[id % PAPER_REPORT_CACHE] = stored;
    }
    if (cached->created_seq > seq || cached->due_ns > time_ns)
        return 0;
    *out = *cached;
    return 1;
}

/* --- status ------------------------------------------------------------------------------------- */

static bool find_order(struct paper *v, uint64_t intent, struct paper_order *out)
{
    for (uint32_t i = 0; i < v->order_count; i++)
        if (v->orders[i].intent == intent) {
            *out = v->orders[i];
            return true;
        }
    size_t length = 0;
    return store_get(v->store, PAPER_HISTORY, intent, out, sizeof *out, &length) == 0 && length == sizeof *out;
}

static bool find_request(struct paper *v, uint64_t intent, struct paper_request *out)
{
    for (uint32_t i = 0; i < v->request_count; i++)
        if (v->requests[i].intent == intent) {
            *out = v->requests[i];
            return true;
        }
    size_t length = 0;
    return store_get(v->store, PAPER_ANSWERED, intent, out, sizeof *out, &length) == 0 && length == sizeof *out;
}

int paper_report_status(struct broker *broker, uint64_t intent, struct broker_report *out)
{
    struct paper *v = (struct paper *)broker;
    struct paper_order order;
    struct paper_request request;
    if (intent > v->meta.last_intent)
        return 0;
    memset(out, 0, sizeof *out);
    out->exec_type = EXEC_STATUS;
    out->id = v->committed_report; /* it says what all reports up to here have said */
    out->created_seq = v->meta.last_seq;
    out->model_version = PAPER_MODEL_VERSION;
    if (find_order(v, intent, &order)) {
        paper_report_describe(&order, out);
        out->reason = order.reason;
        return 1;
    }
    if (!find_request(v, intent, &request))
        return 0;
    out->intent = request.target;
    if (find_order(v, request.target, &order)) {
        paper_report_describe(&order, out);
        out->reason = order.reason;
    }
    out->request_intent = intent;
    return 1;
}
