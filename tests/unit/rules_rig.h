/* rules_rig: a set of rules that asks for nothing, an account of it, a book; what the tests of the rules begin with. */
#ifndef PROPFLEET_TESTS_RULES_RIG_H
#define PROPFLEET_TESTS_RULES_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/decimal.h"
#include "base/tz.h"
#include "workers/risk/rules/rules.h"

#define S INT64_C(1000000000)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define RIG_LEGS 24u

struct rig {
    struct rules_set set;
    struct rules_state state;
    struct rules_marked marked;
    struct rules_leg legs[RIG_LEGS];
    struct rules_book book;
    struct rules_context context;
    struct rules_request request;
    struct rules_answer answer;
    struct rules_guarded guarded;
    struct tz_table zones[RULES_DAYS_MAX];
};

static inline dec_t usd(const char *text)
{
    dec_t value = 0;
    assert_int_equal(dec_parse(text, strlen(text), &value), 0);
    return value;
}

/* 2026-06-01T00:00:00Z + days, seconds. */
static inline int64_t at(int days, int64_t second)
{
    return (tz_days_from_civil(2026, 6, 1) + days) * DAY + second * S;
}

static inline struct rules_floor *rig_floor(struct rig *r, uint32_t anchor, const char *allowance)
{
    struct rules_floor *floor = &r->set.floors[r->set.floor_count++];
    *floor =
        (struct rules_floor){.anchor = anchor, .days = 1, .allowance = {.kind = RULES_ABS, .value = usd(allowance)}};
    return floor;
}

/* The floors come after; rig_start begins the account. */
static inline void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->set.day_count = 1;
    r->set.guard.block_s = 2;
    r->set.guard.blind_s = 15;
    assert_int_equal(tz_load("UTC", &r->zones[0], NULL), 0);
}

static inline void rig_start(struct rig *r, const char *initial)
{
    memset(&r->state, 0xa5, sizeof r->state); /* a row that was never zero */
    rules_init(&r->state, &r->set, usd(initial));
    r->book = (struct rules_book){.legs = r->legs, .balance = usd(initial), .equity = usd(initial)};
    r->context = (struct rules_context){.now_ns = at(0, 0), .zones = r->zones};
    r->request = (struct rules_request){.purpose = RULES_ENTRY,
                                        .side = 1,
                                        .lots = DEC_ONE,
                                        .lot_step = DEC_ONE / 100,
                                        .lot_min = DEC_ONE / 100,
                                        .has_stop = true};
    r->request.unit =
        (struct rules_terms){.leaves = DEC_ONE, .value = DEC_ONE, .rate = DEC_ONE, .target_distance = RULES_UNBOUNDED};
}

static inline void rig_mark_high(struct rig *r, int64_t now_ns, const char *balance, const char *equity,
                                 const char *high)
{
    rules_mark(&r->state, &r->set, r->zones, now_ns, usd(balance), usd(equity), usd(high), &r->marked);
}

static inline void rig_mark(struct rig *r, int64_t now_ns, const char *balance, const char *equity)
{
    rig_mark_high(r, now_ns, balance, equity, equity);
}

/* An order of one lot: what it gives up and may win. */
static inline void rig_order(struct rig *r, const char *give_up, const char *excursion)
{
    r->request.unit.stop_distance = usd(give_up);
    r->request.unit.target_distance = excursion ? usd(excursion) : RULES_UNBOUNDED;
}

static inline struct rules_leg *rig_position(struct rig *r, const char *floating, const char *give_up,
                                             const char *excursion)
{
    struct rules_leg *leg = &r->legs[r->book.count++];
    *leg = (struct rules_leg){
        .kind = RULES_LEG_POSITION, .side = 1, .lots = DEC_ONE, .floating = usd(floating), .give_up = usd(give_up)};
    leg->excursion = excursion ? usd(excursion) : RULES_UNBOUNDED;
    leg->risk = dec_max(0, leg->give_up - leg->floating);
    return leg;
}

static inline bool rig_ask(struct rig *r)
{
    memset(&r->answer, 0xee, sizeof r->answer);
    rules_gate(&r->set, &r->state, &r->book, &r->context, &r->request, &r->answer);
    assert_true(r->answer.count <= RULES_VERDICTS_MAX);
    assert_true(r->answer.refused <= r->answer.count);
    assert_int_equal(r->answer.admitted, r->answer.refused == r->answer.count);
    return r->answer.admitted;
}

/* The verdict of a primitive and condition of its rule 0; it must be there. */
static inline const struct rules_verdict *rig_verdict(const struct rig *r, uint32_t primitive, uint32_t condition)
{
    static const struct rules_verdict none = {0};
    for (uint32_t i = 0; i < r->answer.count; i++)
        if (r->answer.verdicts[i].primitive == primitive && r->answer.verdicts[i].condition == condition)
            return &r->answer.verdicts[i];
    fail_msg("no verdict of P%u, %u", primitive, condition);
    return &none;
}

static inline bool rig_has_verdict(const struct rig *r, uint32_t primitive, uint32_t condition)
{
    for (uint32_t i = 0; i < r->answer.count; i++)
        if (r->answer.verdicts[i].primitive == primitive && r->answer.verdicts[i].condition == condition)
            return true;
    return false;
}

#endif
