/* bench_rules: the gate's whole decision with ten open positions and six rules, and the guard after a record
 * (rules_mark and rules_guard). Medians of many rounds; prints one JSON object a line; takes about a second.
 *
 * Six rules: two floors (a daily one with two candidates of the day, which meets R1, R2 and R4, and a trailing one: R1,
 * R3), an idea's loss, lots open, margin, messages of the day. Each of them gives its q_max too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/decimal.h"
#include "base/tz.h"
#include "workers/risk/rules/rules.h"

#define S INT64_C(1000000000)
#define POSITIONS 10u
#define ROUNDS 2001u
#define CALLS 200u

static struct rules_set set;
static struct rules_state state;
static struct rules_leg legs[POSITIONS];
static struct rules_guard_leg guard_legs[POSITIONS];
static struct tz_table zones[2];
static double rounds[ROUNDS];
static uint64_t kept; /* keeps the compiler honest */

static int64_t now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * S + t.tv_nsec;
}

static dec_t usd(double value)
{
    dec_t out = 0;
    if (dec_from_double(value, &out) != 0)
        exit(1);
    return out;
}

static void build_set(void)
{
    set.day_count = 2;
    set.days[0] = (struct rules_day){.zone = 0, .at_s = 17 * 3600};
    set.days[1] = (struct rules_day){.zone = 1, .at_s = 0};
    set.floor_count = 2;
    set.floors[0] = (struct rules_floor){.kind = RULES_DAILY,
                                         .anchor = RULES_SNAP_MAX,
                                         .days = 3,
                                         .allowance = {.kind = RULES_FRAC_INITIAL, .value = usd(0.05)}};
    set.floors[1] = (struct rules_floor){.kind = RULES_TOTAL,
                                         .anchor = RULES_RUN_EQUITY,
                                         .days = 1,
                                         .breach = RULES_LE,
                                         .has_cap = true,
                                         .cap = usd(100),
                                         .allowance = {.kind = RULES_ABS, .value = usd(8000)}};
    set.loss_count = 1;
    set.losses[0] = (struct rules_loss){.group = RULES_GROUP_IDEA,
                                        .over = RULES_GE,
                                        .window_s = 600,
                                        .limit = {.kind = RULES_FRAC_INITIAL, .value = usd(0.015)}};
    set.exposure_count = 2;
    set.exposures[0] = (struct rules_exposure){
        .counted = RULES_LOTS_OPEN, .instruments = 0xff, .limit = {.kind = RULES_ABS, .value = usd(40)}};
    set.exposures[1] = (struct rules_exposure){
        .counted = RULES_MARGIN_SHARE, .instruments = 0xff, .limit = {.kind = RULES_ABS, .value = usd(0.4)}};
    for (unsigned i = 0; i < RULES_INSTRUMENTS_MAX; i++)
        set.exposures[0].weight[i] = set.exposures[1].weight[i] = DEC_ONE;
    set.rate_count = 1;
    set.rates[0] = (struct rules_rate){.counted = RULES_MESSAGES, .max = 2000};
    set.guard = (struct rules_guard){
        .fixed_fraction = usd(0.001), .warn_fraction = usd(0.3), .lookahead_s = 600, .block_s = 2, .blind_s = 15};
}

static void build_book(struct rules_book *book)
{
    for (unsigned i = 0; i < POSITIONS; i++) {
        struct rules_terms t = {.filled = usd(0.3 + 0.1 * i),
                                .value = usd(100000),
                                .rate = DEC_ONE,
                                .stop_distance = usd(0.0021 + 0.0001 * i),
                                .no_stop_distance = usd(0.01),
                                .target_distance = usd(0.0013),
                                .slip_exit = usd(0.0003),
                                .cost = usd(2.5),
                                .floating = usd(20.0 - 7.0 * i)};
        t.covered = t.filled;
        legs[i] =
            (struct rules_leg){.kind = RULES_LEG_POSITION, .instrument = i % 4, .side = 1 + i % 2, .margin = usd(900)};
        rules_price(&t, &legs[i]);
        guard_legs[i] = (struct rules_guard_leg){.lots = t.filled,
                                                 .tick_value = usd(1),
                                                 .slip_ticks = usd(30),
                                                 .velocity_ticks_s = usd(20),
                                                 .latency_s = usd(0.2),
                                                 .commission = usd(1.2)};
    }
    *book = (struct rules_book){.legs = legs, .count = POSITIONS, .balance = usd(101000), .equity = usd(100885)};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print(const char *metric)
{
    qsort(rounds, ROUNDS, sizeof *rounds, compare);
    printf("{\"metric\": \"%s\", \"value\": %.1f, \"unit\": \"ns\"}\n", metric, rounds[ROUNDS / 2]);
}

static void bench_gate(const struct rules_book *book, int64_t at)
{
    static struct rules_answer answer;
    struct rules_context context = {
        .now_ns = at, .zones = zones, .positions = POSITIONS, .working = 2, .b_flat = usd(180)};
    struct rules_request request = {.purpose = RULES_ENTRY,
                                    .instrument = 1,
                                    .side = 2,
                                    .lots = usd(0.5),
                                    .lot_step = usd(0.01),
                                    .lot_min = usd(0.01),
                                    .margin_per_lot = usd(1100),
                                    .has_stop = true,
                                    .may_cross_boundary = true};
    request.unit = (struct rules_terms){.leaves = DEC_ONE,
                                        .value = usd(100000),
                                        .rate = DEC_ONE,
                                        .stop_distance = usd(0.0023),
                                        .no_stop_distance = usd(0.01),
                                        .target_distance = usd(0.0017),
                                        .slip_entry = usd(0.00002),
                                        .slip_exit = usd(0.0003),
                                        .cost = usd(5)};
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t began = now();
        for (unsigned call = 0; call < CALLS; call++) {
            request.lots = usd(0.01) * (1 + (call & 63));
            rules_gate(&set, &state, book, &context, &request, &answer);
            kept += answer.admitted + (uint64_t)answer.q_max;
        }
        rounds[round] = (double)(now() - began) / CALLS;
    }
    fprintf(stderr, "bench_rules: %u verdicts, q_max %.2f, %s\n", answer.count, dec_to_double(answer.q_max),
            answer.admitted ? "admitted" : "refused");
    print("gate_ns");
}

static void bench_guard(int64_t at)
{
    struct rules_marked marked;
    struct rules_guarded guarded;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t began = now();
        for (unsigned call = 0; call < CALLS; call++) {
            dec_t equity = usd(100885) - (dec_t)(call % 50) * DEC_ONE;
            at += S / 1000;
            rules_mark(&state, &set, zones, at, usd(101000), equity, equity, &marked);
            rules_guard(&state, &set, at, usd(101000), equity, usd(180), 0, &guarded);
            kept += guarded.state + (uint64_t)guarded.margin;
        }
        rounds[round] = (double)(now() - began) / CALLS;
    }
    print("guard_ns");
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t began = now();
        for (unsigned call = 0; call < CALLS; call++) {
            guard_legs[0].lots = usd(0.3) + call;
            kept += (uint64_t)rules_flat_buffer(guard_legs, POSITIONS, usd(100));
        }
        rounds[round] = (double)(now() - began) / CALLS;
    }
    print("guard_buffer_ns");
}

int main(void)
{
    struct rules_book book;
    struct rules_marked marked;
    int64_t at = (tz_days_from_civil(2026, 6, 1) * 86400 + 36000) * S;
    if (tz_load("America/New_York", &zones[0], NULL) != 0 || tz_load("Europe/Helsinki", &zones[1], NULL) != 0)
        return 1;
    build_set();
    build_book(&book);
    rules_init(&state, &set, usd(100000));
    rules_mark(&state, &set, zones, at, book.balance, book.equity, book.equity, &marked);
    bench_gate(&book, at);
    bench_guard(at);
    return kept == 0;
}
