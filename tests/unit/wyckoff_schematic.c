#include "tests/unit/wyckoff_schematic.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"

#define STEPS 12u  /* inside a bar */
#define UNIT 100.0 /* ticks: about one ATR */
#define ROOM 800u  /* bars that one pattern never exceeds */
#define LEG_BARS_MAX 100u
#define PRICE_LOW 30000.0
#define PRICE_HIGH 900000.0

uint64_t schematic_draw(uint64_t *seed, uint64_t n)
{
    *seed = hash_mix64(*seed);
    return *seed % n;
}

double schematic_uniform(uint64_t *seed, double from, double to)
{
    return from + (to - from) * ((double)(schematic_draw(seed, UINT64_C(1) << 53) + 1) / 9007199254740993.0);
}

static double normal(uint64_t *seed)
{
    double radius = sqrt(-2.0 * log(schematic_uniform(seed, 0.0, 1.0)));
    return radius * cos(2.0 * M_PI * schematic_uniform(seed, 0.0, 1.0));
}

void schematic_begin(struct schematic *s, struct wyckoff_bar *bars, uint32_t bar_max, uint64_t seed, double noise)
{
    *s = (struct schematic){
        .bars = bars, .bar_max = bar_max, .seed = hash_mix64(seed + 77), .price = 200000.0, .noise = noise};
}

static uint32_t bars_of(struct schematic *s, uint32_t least, uint32_t most)
{
    return least + (uint32_t)schematic_draw(&s->seed, most - least + 1);
}

static double between(struct schematic *s, double from, double to)
{
    return schematic_uniform(&s->seed, from, to);
}

static void put_bar(struct schematic *s, double open, double high, double low, double close, double volume)
{
    struct wyckoff_bar *bar = &s->bars[s->bar_count];
    bar->time_ns = (int64_t)(s->bar_count + 1) * SCHEMATIC_BAR_NS;
    bar->open = llround(open) * SCHEMATIC_TICK;
    bar->high = llround(high) * SCHEMATIC_TICK;
    bar->low = llround(low) * SCHEMATIC_TICK;
    bar->close = llround(close) * SCHEMATIC_TICK;
    bar->volume = (dec_t)fmax(1.0, round(1000.0 * volume * exp(0.2 * normal(&s->seed)))) * DEC_ONE;
    s->bar_count++;
    s->price = close;
}

/* From here to `end` (ticks) in n bars, straight but for noise; volume from v0 to v1, more of it in wide bars. The last bar
 * closes at the end. */
static void leg(struct schematic *s, uint32_t n, double end, double v0, double v1)
{
    double start = s->price, drift = 0.0, path = 0.0, walk[LEG_BARS_MAX];
    assert(n <= LEG_BARS_MAX);
    for (uint32_t i = 0; i < n; i++)
        walk[i] = drift += normal(&s->seed) * 0.6 * s->noise * UNIT;
    for (uint32_t i = 0; i < n; i++) {
        double share = (double)(i + 1) / n, open = s->price;
        double close = start + (end - start) * share + walk[i] - drift * share;
        double high = fmax(open, close), low = fmin(open, close);
        path = open;
        for (uint32_t k = 1; k < STEPS; k++) {
            path += (close - path) / (STEPS + 1 - k) + normal(&s->seed) * 0.12 * s->noise * UNIT;
            high = fmax(high, path);
            low = fmin(low, path);
        }
        put_bar(s, open, high, low, close, (v0 + (v1 - v0) * share) * (0.7 + 0.3 * (high - low) / UNIT));
    }
}

static void label(struct schematic *s, enum wyckoff_kind kind)
{
    s->labels[kind] = s->bar_count - 1;
}

/* One bar down through the range of the fall, off its low at the close. sign -1: up. */
static void climax(struct schematic *s, double extreme, double sign)
{
    double close = extreme + sign * between(s, 0.8, 1.2) * UNIT, open = s->price;
    double low = fmin(fmin(open, close), extreme), high = fmax(fmax(open, close), extreme);
    put_bar(s, open, high, low, close, between(s, 3.2, 4.5));
    label(s, WYCKOFF_SC);
}

/* Fall, PS, climax, rally, secondary test, swings. Returns S; *width in ticks. `sign` 1: accumulation. */
static double phase_ab(struct schematic *s, double sign, double *width)
{
    double level = s->price - sign * between(s, 6.0, 9.0) * UNIT;
    leg(s, bars_of(s, 40, 55), level, 1.0, 1.2);
    level -= sign * between(s, 1.0, 1.6) * UNIT;
    leg(s, bars_of(s, 3, 5), level, 1.5, 1.9);
    label(s, WYCKOFF_PS);
    level += sign * between(s, 1.5, 2.2) * UNIT;
    leg(s, bars_of(s, 3, 5), level, 1.1, 0.9);
    double support = level - sign * between(s, 3.8, 5.0) * UNIT;
    leg(s, bars_of(s, 5, 8), support + sign * between(s, 2.3, 2.8) * UNIT, 1.2, 1.7);
    climax(s, support, sign);
    *width = between(s, 4.5, 6.5) * UNIT;
    leg(s, bars_of(s, 5, 8), support + sign * *width, 1.4, 1.0);
    label(s, WYCKOFF_AR);
    leg(s, bars_of(s, 7, 12), support + sign * between(s, 0.05, 0.2) * *width, 0.9, 1.0);
    label(s, WYCKOFF_ST);
    double volume = 1.0;
    uint32_t swings = s->long_ranges && schematic_draw(&s->seed, 3) == 0 ? bars_of(s, 8, 11) : bars_of(s, 1, 3);
    for (; swings > 0; swings--, volume *= 0.9) {
        leg(s, bars_of(s, 7, 12), support + sign * between(s, 0.75, 0.95) * *width, volume, volume);
        leg(s, bars_of(s, 7, 12), support + sign * between(s, 0.06, 0.25) * *width, volume, 0.9 * volume);
    }
    leg(s, bars_of(s, 6, 10), support + sign * between(s, 0.4, 0.6) * *width, 0.8, 0.75);
    return support;
}

static void phase_cde(struct schematic *s, double sign, double support, double width)
{
    double resistance = support + sign * width;
    if (schematic_draw(&s->seed, 3) > 0) {
        leg(s, bars_of(s, 4, 7), support - sign * between(s, 0.35, 0.9) * UNIT, 0.8, between(s, 0.8, 2.2));
        label(s, WYCKOFF_SPRING);
        leg(s, bars_of(s, 1, 3), support + sign * between(s, 0.12, 0.25) * width, 1.1, 1.1);
        leg(s, bars_of(s, 3, 5), support + sign * between(s, 0.35, 0.5) * width, 1.0, 0.9);
    }
    leg(s, bars_of(s, 4, 6), support + sign * between(s, 0.08, 0.22) * width, 0.65, 0.5);
    label(s, WYCKOFF_TEST);
    leg(s, bars_of(s, 5, 9), resistance + sign * between(s, 0.8, 1.6) * UNIT, 1.5, 2.2);
    label(s, WYCKOFF_SOS);
    leg(s, bars_of(s, 4, 7), resistance - sign * between(s, 0.0, 0.2) * width, 0.75, 0.6);
    label(s, WYCKOFF_LPS);
    leg(s, bars_of(s, 20, 30), resistance + sign * between(s, 4.5, 7.0) * UNIT, 1.2, 1.1);
}

/* Volatility that clusters, volume that follows it. */
static void walk(struct schematic *s)
{
    double variance = 1.0;
    for (uint32_t i = 0; i < 320; i++) {
        double shock = normal(&s->seed), open = s->price, close = open + shock * sqrt(variance) * 0.6 * UNIT;
        double high = fmax(open, close) + fabs(normal(&s->seed)) * 0.25 * UNIT,
               low = fmin(open, close) - fabs(normal(&s->seed)) * 0.25 * UNIT;
        put_bar(s, open, high, low, close, 0.4 + 0.6 * (high - low) / UNIT);
        variance = 0.08 + 0.12 * variance * shock * shock + 0.8 * variance;
    }
}

bool schematic_append(struct schematic *s, enum schematic_kind kind)
{
    if (s->bar_max - s->bar_count < ROOM)
        return false;
    for (uint32_t i = 0; i < WYCKOFF_KINDS; i++)
        s->labels[i] = WYCKOFF_NONE;
    if (s->price < PRICE_LOW || s->price > PRICE_HIGH)
        s->price = 200000.0; /* a gap, as a new contract has one */
    double sign = kind == SCHEMATIC_DISTRIBUTION || kind == SCHEMATIC_BREAKUP ? -1.0 : 1.0, width;
    if (kind == SCHEMATIC_WALK) {
        walk(s);
        return true;
    }
    leg(s, bars_of(s, 70, 100), s->price, 1.0, 1.0);
    double support = phase_ab(s, sign, &width);
    if (kind == SCHEMATIC_ACCUMULATION || kind == SCHEMATIC_DISTRIBUTION) {
        phase_cde(s, sign, support, width);
        return true;
    }
    leg(s, bars_of(s, 6, 11), support - sign * between(s, 1.7, 2.6) * UNIT, 1.2, 1.9);
    leg(s, bars_of(s, 25, 40), support - sign * between(s, 5.0, 9.0) * UNIT, 1.2, 1.0);
    return true;
}

void schematic_fill(struct schematic *s)
{
    while (schematic_append(s, (enum schematic_kind)schematic_draw(&s->seed, SCHEMATIC_KINDS))) {
    }
}
