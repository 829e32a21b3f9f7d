/* The Wyckoff machine's state as bytes: a thousand restarts from snapshots, hostile bytes, and how many bars of history
 * rebuild it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/wyckoff_schematic.h"

#define BARS_MAX 60000u
#define AHEAD 400u /* bars over which a rebuilt machine must say the same */

static struct wyckoff_bar bars[BARS_MAX];

static bool quick(void)
{
    return getenv("PROPFLEET_QUICK") != NULL;
}

static uint32_t long_series(uint64_t seed, double noise, uint32_t bar_max)
{
    struct schematic s;
    schematic_begin(&s, bars, bar_max, seed, noise);
    s.long_ranges = true;
    schematic_fill(&s);
    return s.bar_count;
}

static void begin(struct wyckoff *w, const struct wyckoff_params *params)
{
    memset(w, 0x5a, sizeof *w);
    assert_int_equal(wyckoff_init(w, params, VOLUME_EXCHANGE, NULL), 0);
}

static struct wyckoff_context context_of(uint64_t *seed)
{
    return (struct wyckoff_context){.evr = schematic_uniform(seed, -2.0, 2.0),
                                    .smf = schematic_uniform(seed, 0.0, 1.0),
                                    .higher = schematic_uniform(seed, -1.0, 1.0),
                                    .session = (double)schematic_draw(seed, 2),
                                    .strength = schematic_uniform(seed, -1.0, 1.0)};
}

/* --- restarts -------------------------------------------------------------------------------------------------- */

/* What a restart does: bytes at some address, memory that held something else, the check, the copy. */
static void restart(struct wyckoff *w, const struct wyckoff_params *params)
{
    static unsigned char store[sizeof *w + 1];
    memcpy(store + 1, w, sizeof *w);
    memset(w, 0xc3, sizeof *w);
    assert_true(wyckoff_restorable(store + 1, params));
    memcpy(w, store + 1, sizeof *w);
}

static void expect_same(const struct wyckoff_output *a, const struct wyckoff_output *b)
{
    assert_int_equal(a->event_count, b->event_count);
    assert_int_equal(a->end_count, b->end_count);
    assert_memory_equal(a->events, b->events, a->event_count * sizeof a->events[0]);
    assert_memory_equal(a->ends, b->ends, a->end_count * sizeof a->ends[0]);
}

/* Against the machine that never stopped: the same events, ends and bytes, in every stage of both directions. */
static void test_a_thousand_restarts(void **unused)
{
    (void)unused;
    static struct wyckoff whole, stopped;
    static struct wyckoff_output a, b;
    const uint32_t restarts_wanted = quick() ? 100 : 1000;
    uint32_t restarts = 0, events[WYCKOFF_DIRECTIONS] = {0}, stages[WYCKOFF_DIRECTIONS][WYCKOFF_STAGES] = {{0}};
    for (uint64_t seed = 1; restarts < restarts_wanted; seed++) {
        const struct wyckoff_params *params = wyckoff_params_set(1 + (uint32_t)(seed % WYCKOFF_SETS));
        uint32_t count = long_series(seed, 0.6 + 0.2 * (double)(seed % 4), 8000);
        uint64_t at = seed, seen = seed;
        begin(&whole, params);
        begin(&stopped, params);
        for (uint32_t i = 0; i < count; i++) {
            struct wyckoff_context context = context_of(&seen);
            (void)wyckoff_on_bar(&whole, params, &bars[i], &context, &a);
            (void)wyckoff_on_bar(&stopped, params, &bars[i], &context, &b);
            expect_same(&a, &b);
            for (uint32_t k = 0; k < a.event_count; k++)
                events[a.events[k].direction]++;
            bool idle = stopped.patterns[0].stage == WYCKOFF_IN_IDLE && stopped.patterns[1].stage == WYCKOFF_IN_IDLE;
            if (schematic_draw(&at, idle ? 60 : 15) != 0)
                continue;
            restart(&stopped, params);
            restarts++;
            for (uint32_t d = 0; d < WYCKOFF_DIRECTIONS; d++)
                stages[d][stopped.patterns[d].stage]++;
        }
        assert_memory_equal(&whole, &stopped, sizeof whole);
    }
    print_message("%u restarts, %u and %u events; in stage", restarts, events[0], events[1]);
    for (uint32_t stage = 0; stage < WYCKOFF_STAGES; stage++) {
        print_message(" %s %u+%u", wyckoff_stage_name(stage), stages[0][stage], stages[1][stage]);
        assert_true(quick() || (stages[0][stage] > 0 && stages[1][stage] > 0));
    }
    print_message("\n");
    assert_true(events[0] > 50 && events[1] > 50);
}

/* --- rebuilding from history ----------------------------------------------------------------------------------- */

struct said {
    uint32_t kind, direction, bar, known_bar;
};
static struct said said[BARS_MAX];
static uint32_t said_count;

static void listen(const struct wyckoff_output *out, uint32_t first_bar)
{
    for (uint32_t k = 0; k < out->event_count && said_count < BARS_MAX; k++) {
        const struct wyckoff_event *e = &out->events[k];
        said[said_count++] = (struct said){e->kind, e->direction, e->bar + first_bar, e->known_bar + first_bar};
    }
}

/* Whether a machine that saw only the `window` bars before `at` says the same over the AHEAD bars from there on. */
static bool rebuilt(const struct wyckoff_params *params, uint32_t at, uint32_t window, uint32_t next)
{
    static struct wyckoff w;
    static struct wyckoff_output out;
    begin(&w, params);
    for (uint32_t i = at - window; i < at + AHEAD; i++) {
        (void)wyckoff_on_bar(&w, params, &bars[i], NULL, &out);
        if (i < at)
            continue;
        for (uint32_t k = 0; k < out.event_count; k++, next++) {
            const struct wyckoff_event *e = &out.events[k];
            if (next >= said_count || said[next].kind != e->kind || said[next].direction != e->direction ||
                said[next].bar != e->bar + at - window || said[next].known_bar != i)
                return false;
        }
    }
    return next >= said_count || said[next].known_bar >= at + AHEAD;
}

static void test_rebuild_from_history(void **unused)
{
    (void)unused;
    static const uint32_t windows[] = {100, 200, 300, 400, 500, 750, 1000, 1500, 2000};
    enum { WINDOWS = sizeof windows / sizeof windows[0] };
    static struct wyckoff w;
    static struct wyckoff_output out;
    unsigned wrong[WINDOWS] = {0}, points = 0;
    const struct wyckoff_params *params = wyckoff_params_set(1);
    for (uint64_t seed = 100; seed < (quick() ? 101 : 104); seed++) {
        uint32_t count = long_series(seed, 0.7 + 0.2 * (double)(seed % 4), BARS_MAX), next = 0;
        begin(&w, params);
        said_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            (void)wyckoff_on_bar(&w, params, &bars[i], NULL, &out);
            listen(&out, 0);
        }
        for (uint32_t at = 2000; at + AHEAD < count; at += quick() ? 1511 : 151) {
            while (next < said_count && said[next].known_bar < at)
                next++;
            for (uint32_t k = 0; k < WINDOWS; k++)
                wrong[k] += !rebuilt(params, at, windows[k], next);
            points++;
        }
    }
    print_message("of %u points the events of the next %u bars differ after a rebuild from", points, AHEAD);
    for (uint32_t k = 0; k < WINDOWS; k++)
        print_message(" %u bars: %u%s", windows[k], wrong[k], k + 1 < WINDOWS ? "," : "\n");
    assert_true(wrong[0] > 0); /* the measure can tell */
    for (uint32_t k = 0; k < WINDOWS; k++)
        if (windows[k] >= 1000)
            assert_int_equal(wrong[k], 0);
}

/* --- hostile bytes --------------------------------------------------------------------------------------------- */

static uint32_t mid_series(struct wyckoff *w, const struct wyckoff_params *params, uint32_t direction, uint32_t stage)
{
    static struct wyckoff_output out;
    for (uint64_t seed = 300; seed < 330; seed++) {
        uint32_t count = long_series(seed, 0.8, 4000);
        begin(w, params);
        for (uint32_t i = 0; i < count; i++) {
            (void)wyckoff_on_bar(w, params, &bars[i], NULL, &out);
            if (i > 200 && w->patterns[direction].stage == stage && i + 700 < count)
                return i + 1;
        }
    }
    fail_msg("no series has stage %s", wyckoff_stage_name(stage));
    return 0;
}

/* Bytes changed at random: a state that is taken must be one that goes on, whatever it says. */
static void test_hostile_bytes(void **unused)
{
    (void)unused;
    static struct wyckoff good, bad;
    static struct wyckoff_output out;
    unsigned refused = 0, taken = 0;
    for (uint32_t stage = 0; stage < WYCKOFF_STAGES; stage++) {
        const struct wyckoff_params *params = wyckoff_params_set(1);
        uint32_t next = mid_series(&good, params, stage % 2, stage);
        assert_true(wyckoff_restorable(&good, params));
        for (uint64_t round = 0; round < (quick() ? 300 : 6000); round++) {
            uint64_t seed = hash_combine(stage, round);
            memcpy(&bad, &good, sizeof bad);
            for (uint64_t changes = 1 + schematic_draw(&seed, 3); changes > 0; changes--) {
                size_t from =
                    schematic_draw(&seed, 3) ? offsetof(struct wyckoff, patterns) : 0; /* more where rules read */
                ((unsigned char *)&bad)[from + schematic_draw(&seed, sizeof bad - from)] =
                    (unsigned char)schematic_draw(&seed, 256);
            }
            if (!wyckoff_restorable(&bad, params)) {
                refused++;
                continue;
            }
            taken++;
            for (uint32_t i = next; i < next + (quick() ? 50 : 300); i++) {
                (void)wyckoff_on_bar(&bad, params, &bars[i], NULL, &out);
                assert_true(out.event_count <= WYCKOFF_EVENTS_MAX && out.end_count <= WYCKOFF_DIRECTIONS);
            }
        }
    }
    print_message("%u refused, %u taken and run on\n", refused, taken);
    assert_true(refused > 100 && taken > 100);
}

#define REFUSED(change)                                                                                                \
    do {                                                                                                               \
        memcpy(&w, &good, sizeof w);                                                                                   \
        change;                                                                                                        \
        if (wyckoff_restorable(&w, params))                                                                            \
            fail_msg("taken: %s", #change);                                                                            \
    } while (0)

static void test_what_is_refused(void **unused)
{
    (void)unused;
    static struct wyckoff good, w;
    const struct wyckoff_params *params = wyckoff_params_set(1);
    (void)mid_series(&good, params, WYCKOFF_ACCUMULATION, WYCKOFF_IN_C);
    struct wyckoff_pattern *x = &w.patterns[WYCKOFF_ACCUMULATION];
    struct wyckoff_series *s = &w.series;
    memcpy(&w, &good, sizeof w);
    assert_true(wyckoff_restorable(&w, params));
    REFUSED(w.version++);
    REFUSED(w.reserved = 1);
    REFUSED(w.params_digest++);
    REFUSED(s->bar_count = UINT32_MAX);
    REFUSED(s->bar_count = 0);
    REFUSED(s->sorted_count--);
    REFUSED(s->sorted_count = UINT32_MAX);
    REFUSED(s->sorted[3] += 1.0);
    REFUSED(s->atr = -1.0);
    REFUSED(s->atr = s->tr_sum * 0.0 / 0.0);
    REFUSED(s->bars[7].low = s->bars[7].high * 2.0);
    REFUSED(s->bars[7].volume = -1.0);
    REFUSED(s->bars[7].relative_volume = -1.0);
    REFUSED(x->stage = WYCKOFF_STAGES);
    REFUSED(x->stage_bar = s->bar_count);
    REFUSED(x->b_bar = s->bar_count);
    REFUSED(x->b_bar = x->stage_bar + 1);
    REFUSED(x->high_bar = UINT32_MAX);
    REFUSED(x->below_bar = x->b_bar); /* C is not below */
    REFUSED(x->tested = 2);
    REFUSED(x->side = 3);
    REFUSED(x->grade = 4);
    REFUSED(x->free_from = s->bar_count + params->cool + 1);
    REFUSED(x->last_kind = WYCKOFF_SC);
    REFUSED(x->last_kind = WYCKOFF_KINDS);
    REFUSED(x->last_bar = s->bar_count);
    REFUSED(x->r = x->s - 1.0);
    REFUSED(x->a = -1.0);
    REFUSED(x->low = ((struct wyckoff_low){.known = 2}));
    REFUSED(x->low = ((struct wyckoff_low){.known = 1, .bar = s->bar_count}));
    REFUSED(x->sums.y = 1.0 / (x->s * 0.0));
    REFUSED(x->marks[WYCKOFF_ST].known_bar = s->bar_count);
    REFUSED(x->marks[WYCKOFF_ST].bar = x->marks[WYCKOFF_ST].known_bar + 1);
    assert_false(wyckoff_restorable(&good, wyckoff_params_set(2)) &&
                 wyckoff_params_digest(params) != wyckoff_params_digest(wyckoff_params_set(2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_restarts),
        cmocka_unit_test(test_rebuild_from_history),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
