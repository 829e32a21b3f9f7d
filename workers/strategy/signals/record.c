#include "workers/strategy/signals/record.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "workers/broker/broker.h"

static_assert(sizeof(struct signals_record) == 128, "no padding: records are stored and compared as bytes");

const char *signals_skip_text(unsigned reason)
{
    static const char *const texts[] = {
#define X(name, text) text,
        SIGNALS_SKIP_LIST(X)
#undef X
    };
    return reason < SIGNALS_SKIP_COUNT ? texts[reason] : "?";
}

const char *signals_status_name(unsigned status)
{
    static const char *const names[] = {"offered", "executed", "skipped", "expired"};
    static_assert(sizeof names / sizeof names[0] == SIGNALS_STATUS_COUNT, "a name for each");
    return status < SIGNALS_STATUS_COUNT ? names[status] : "?";
}

uint64_t signals_record_id(const struct signal *signal)
{
    uint64_t id = hash_combine(signal->instrument, signal->timeframe);
    id = hash_combine(id, signal->pattern);
    id = hash_combine(id, signal->side);
    id = hash_combine(id, signal->bar_seq);
    return hash_combine(id, (uint64_t)signal->time_ns);
}

/* price + sign * distance; false when it is no price. */
static bool record_level(dec_t price, dec_t distance, int sign, dec_t *out)
{
    int error = sign > 0 ? dec_add(price, distance, out) : dec_sub(price, distance, out);
    return error == 0 && *out > 0;
}

bool signals_record_open(const struct signal *signal, uint32_t stage, uint32_t kind, struct signals_record *out)
{
    assert(signal && out && kind < SIGNALS_KIND_COUNT);
    memset(out, 0, sizeof *out);
    if ((signal->side != SIDE_BUY && signal->side != SIDE_SELL) || signal->pattern >= PATTERN_COUNT ||
        signal->price <= 0 || signal->stop_distance <= 0 || signal->target_distance < 0 || signal->time_ns == SIGNALS_TIME_NONE)
        return false;
    int forward = signal->side == SIDE_BUY ? 1 : -1;
    dec_t stop, target = 0;
    if (!record_level(signal->price, signal->stop_distance, -forward, &stop) ||
        (signal->target_distance > 0 && !record_level(signal->price, signal->target_distance, forward, &target)))
        return false;
    *out = (struct signals_record){
        .version = SIGNALS_RECORD_VERSION,
        .pattern = signal->pattern,
        .id = signals_record_id(signal),
        .time_ns = signal->time_ns,
        .instrument = signal->instrument,
        .timeframe = signal->timeframe,
        .side = signal->side,
        .stage = stage,
        .kind = kind,
        .status = SIGNALS_OFFERED,
        .score = signal->strength,
        .p = NAN,
        .price = signal->price,
        .stop = stop,
        .target = target,
        .decided_ns = SIGNALS_TIME_NONE,
        .outcome_ns = SIGNALS_TIME_NONE,
        .net_r = NAN,
    };
    return true;
}

int signals_record_calibrate(struct signals_record *record, double p)
{
    if (record->status != SIGNALS_OFFERED || !isnan(record->p) || !(p >= 0.0 && p <= 1.0))
        return -EINVAL;
    record->p = p;
    return 0;
}

int signals_record_eligible(struct signals_record *record)
{
    if (record->status != SIGNALS_OFFERED)
        return -EINVAL;
    record->eligible = 1;
    return 0;
}

static int record_decide(struct signals_record *record, uint32_t status, int64_t now_ns)
{
    if (record->status != SIGNALS_OFFERED || now_ns < record->time_ns)
        return -EINVAL;
    record->status = status;
    record->decided_ns = now_ns;
    return 0;
}

int signals_record_execute(struct signals_record *record, int64_t now_ns)
{
    int error = record_decide(record, SIGNALS_EXECUTED, now_ns);
    if (!error)
        record->eligible = 1;
    return error;
}

int signals_record_skip(struct signals_record *record, uint32_t reason, uint32_t refusal, int64_t now_ns)
{
    if (reason == SIGNALS_SKIP_NONE || reason >= SIGNALS_SKIP_COUNT || refusal >= REFUSAL_COUNT ||
        (reason == SIGNALS_SKIP_REFUSED) != (refusal != REFUSAL_NONE))
        return -EINVAL;
    int error = record_decide(record, SIGNALS_SKIPPED, now_ns);
    if (!error) {
        record->eligible = 1;
        record->skip = reason;
        record->refusal = refusal;
    }
    return error;
}

int signals_record_expire(struct signals_record *record, int64_t now_ns)
{
    return record_decide(record, SIGNALS_EXPIRED, now_ns);
}

int signals_record_settle(struct signals_record *record, double net_r, int64_t now_ns)
{
    if (record->status == SIGNALS_OFFERED || signals_record_settled(record) || now_ns < record->decided_ns || !isfinite(net_r))
        return -EINVAL;
    record->net_r = net_r;
    record->outcome_ns = now_ns;
    record->shadow = record->status != SIGNALS_EXECUTED;
    return 0;
}

static bool record_enums_sane(const struct signals_record *r)
{
    return r->version == SIGNALS_RECORD_VERSION && r->pattern < PATTERN_COUNT && r->timeframe < TIMEFRAME_COUNT &&
           (r->side == SIDE_BUY || r->side == SIDE_SELL) && r->kind < SIGNALS_KIND_COUNT &&
           r->status < SIGNALS_STATUS_COUNT && r->skip < SIGNALS_SKIP_COUNT && r->refusal < REFUSAL_COUNT &&
           r->eligible <= 1 && r->shadow <= 1 && (r->status == SIGNALS_SKIPPED) == (r->skip != SIGNALS_SKIP_NONE) &&
           (r->skip == SIGNALS_SKIP_REFUSED) == (r->refusal != REFUSAL_NONE) &&
           (r->eligible || r->status == SIGNALS_OFFERED || r->status == SIGNALS_EXPIRED);
}

static bool record_prices_sane(const struct signals_record *r)
{
    if (r->price <= 0 || r->stop <= 0 || r->target < 0)
        return false;
    bool buy = r->side == SIDE_BUY;
    return (buy ? r->stop < r->price : r->stop > r->price) &&
           (r->target == 0 || (buy ? r->target > r->price : r->target < r->price));
}

static bool record_times_sane(const struct signals_record *r)
{
    if (r->time_ns == SIGNALS_TIME_NONE)
        return false;
    if (r->status == SIGNALS_OFFERED)
        return r->decided_ns == SIGNALS_TIME_NONE && !signals_record_settled(r) && isnan(r->net_r) && !r->shadow;
    if (r->decided_ns < r->time_ns)
        return false;
    if (!signals_record_settled(r))
        return isnan(r->net_r) && !r->shadow;
    return r->outcome_ns >= r->decided_ns && isfinite(r->net_r) && r->shadow == (r->status != SIGNALS_EXECUTED);
}

bool signals_record_sane(const struct signals_record *record)
{
    assert(record);
    return record_enums_sane(record) && record_prices_sane(record) && record_times_sane(record) &&
           isfinite(record->score) && (isnan(record->p) || (record->p >= 0.0 && record->p <= 1.0));
}
