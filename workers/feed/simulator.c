#include "workers/feed/simulator.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "workers/feed/session.h"

#define MINUTE_NS (60 * CLOCK_NS_PER_S)
#define HOUR_NS (3600 * CLOCK_NS_PER_S)
#define DAY_NS (24 * HOUR_NS)
#define WEEKS_A_YEAR 52.18
#define DAYS_A_YEAR 365.25

#define GAP_SHARE 0.1         /* variance of a closed minute over that of an open one */
#define JUMP_LEAST 0.3        /* of a day's standard deviation */
#define FLOOR_TICKS 200       /* a price never falls below this many ticks, nor rises over CEILING */
#define CEILING 5e7
#define STEP_RETURN_MAX 0.2   /* one step moves a price by a fifth at most */

/* Streams of draws. An instrument's are apart from the factors' and from each other. */
enum { DRAW_OWN, DRAW_HIGH, DRAW_LOW, DRAW_VOLUME, DRAW_JUMP, DRAW_JUMP_SIZE, DRAW_GAP, DRAW_PATH, DRAWS };
#define STREAM_FACTOR UINT64_C(0x10000)
#define STREAM_FACTOR_GAP UINT64_C(0x20000)
#define STREAM_INSTRUMENT UINT64_C(0x100000)

/* --- draws ------------------------------------------------------------------------------------------ */

static uint64_t stream_seed(uint64_t seed, uint64_t stream)
{
    return hash_combine(hash_mix64(seed), stream);
}

static inline uint64_t draw(uint64_t stream, uint64_t step)
{
    return hash_mix64(stream ^ (step * UINT64_C(0xd1342543de82ef95)));
}

/* In (0, 1), 52 bits. */
static inline double uniform(uint64_t bits)
{
    return ((double)(bits >> 12) + 0.5) * 0x1p-52;
}

double sim_log(double x)
{
    assert(x > 0 && x <= 1);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1022;
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3fe0000000000000);
    double m; /* in [0.5, 1) */
    memcpy(&m, &bits, sizeof m);
    if (m < 0.70710678118654752440) {
        m *= 2;
        exponent--;
    }
    double s = (m - 1) / (m + 1), z = s * s; /* |s| < 0.172: nine terms are enough for 1e-15 */
    double series = 1 + z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11 + z * (1.0 / 13 +
                    z * (1.0 / 15 + z / 17)))))));
    return exponent * 0.69314718055994530942 + 2 * s * series;
}

/* Wichura's AS241 (PPND7): the normal quantile to about 1e-7. */
double sim_normal(uint64_t bits)
{
    double u = uniform(bits), q = u - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
               (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
    }
    double r = sqrt(-sim_log(q < 0 ? u : 1 - u)), value;
    if (r <= 5) {
        r -= 1.6;
        value = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
                ((0.12021132975 * r + 0.73700164250) * r + 1);
    } else {
        r -= 5;
        value = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
                ((0.012258202635 * r + 0.24197894225) * r + 1);
    }
    return q < 0 ? -value : value;
}

/* --- volatility that clusters ------------------------------------------------------------------------- */

/* Two variances of unit mean, one of hours and one of days, driven by the same draw. */
struct garch {
    double fast, slow;
};

#define FAST_A 0.05
#define FAST_B 0.93
#define SLOW_A 0.005
#define SLOW_B 0.9945
#define VARIANCE_MAX 40.0

static inline double garch_step(struct garch *g, double z, double *variance)
{
    double v = g->fast * g->slow, z2 = z * z;
    g->fast = (1 - FAST_A - FAST_B) + g->fast * (FAST_B + FAST_A * z2);
    g->slow = (1 - SLOW_A - SLOW_B) + g->slow * (SLOW_B + SLOW_A * z2);
    if (g->fast > VARIANCE_MAX)
        g->fast = VARIANCE_MAX;
    if (g->slow > VARIANCE_MAX)
        g->slow = VARIANCE_MAX;
    *variance = v;
    return sqrt(v) * z;
}

/* --- the common path ------------------------------------------------------------------------------------ */

struct factor_step {
    double value[SIM_FACTORS], variance[SIM_FACTORS];
};

struct sim_market {
    int64_t start_ns, step_ns, end_ns;
    uint64_t seed;
    uint64_t made; /* steps of the path so far; the last SIM_WINDOW are held */
    uint64_t streams[SIM_FACTORS], gap_streams[SIM_FACTORS];
    struct garch garch[SIM_FACTORS];
    struct factor_step path[SIM_WINDOW];
};

struct sim_market *sim_market_new(const struct config_feed *config)
{
    assert(config->sim_timeframe < TIMEFRAME_COUNT && config->sim_start_ns >= 0);
    struct sim_market *market = calloc(1, sizeof *market);
    if (!market)
        return NULL;
    market->step_ns = timeframe_ns((enum market_timeframe)config->sim_timeframe);
    int64_t grid = market->step_ns > HOUR_NS ? market->step_ns : HOUR_NS;
    market->start_ns = config->sim_start_ns - config->sim_start_ns % grid;
    int64_t last_ns = CLOCK_NS_PER_S * (int64_t)2398377600; /* the zones' tables end in 2045 */
    market->end_ns = config->sim_days ? market->start_ns + (int64_t)config->sim_days * DAY_NS : last_ns;
    if (market->end_ns > last_ns)
        market->end_ns = last_ns;
    market->seed = config->sim_seed;
    for (unsigned k = 0; k < SIM_FACTORS; k++) {
        market->streams[k] = stream_seed(config->sim_seed, STREAM_FACTOR + k);
        market->gap_streams[k] = stream_seed(config->sim_seed, STREAM_FACTOR_GAP + k);
        market->garch[k] = (struct garch){1, 1};
    }
    return market;
}

void sim_market_free(struct sim_market **market)
{
    free(*market);
    *market = NULL;
}

static const struct factor_step *factors_at(struct sim_market *market, uint64_t step)
{
    while (market->made <= step) {
        struct factor_step *to = &market->path[market->made % SIM_WINDOW];
        for (unsigned k = 0; k < SIM_FACTORS; k++)
            to->value[k] = garch_step(&market->garch[k], sim_normal(draw(market->streams[k], market->made)),
                                      &to->variance[k]);
        market->made++;
    }
    assert(market->made - step <= SIM_WINDOW); /* an instrument fell behind another by more than a weekend */
    return &market->path[step % SIM_WINDOW];
}

/* --- the day's pattern ------------------------------------------------------------------------------------ */

/* Standard deviation by UTC hour, before it is scaled to a mean square of 1. */
static const uint8_t season_fx[24] = {6, 7, 7, 6, 5, 6, 9, 13, 14, 12, 11, 10, 13, 16, 16, 14, 12, 9, 8, 7, 6, 5, 4, 5};
static const uint8_t season_index[24] = {5, 5, 5, 5, 5, 6, 8, 11, 11, 9, 8, 8, 11, 19, 20, 16, 13, 12, 13, 17, 11, 5, 4, 5};
static const uint8_t season_crypto[24] = {11, 10, 9, 9, 8, 8, 8, 9, 10, 10, 10, 10, 12, 14, 15, 14, 13, 12, 11, 11, 11, 10, 10, 10};

static const uint8_t *season_table(uint32_t asset_class)
{
    switch (asset_class) {
    case ASSET_INDEX:
    case ASSET_FUTURE:
        return season_index;
    case ASSET_CRYPTO:
        return season_crypto;
    default:
        return season_fx;
    }
}

/* By minute, straight lines between the middles of the hours. */
static void make_season(uint32_t asset_class, double season[1440])
{
    const uint8_t *table = season_table(asset_class);
    double square = 0;
    for (int i = 0; i < 1440; i++) {
        int from = (i + 1410) / 60 % 24;
        double part = ((i + 30) % 60) / 60.0;
        season[i] = table[from] * (1 - part) + table[(from + 1) % 24] * part;
        square += season[i] * season[i];
    }
    double scale = 1 / sqrt(square / 1440);
    for (int i = 0; i < 1440; i++)
        season[i] *= scale;
}

/* --- one instrument ------------------------------------------------------------------------------------------ */

struct sim_instrument {
    struct sim_market *market;
    const struct config_instrument *config;
    const struct tz_table *zone;
    uint64_t step;           /* the next one */
    uint64_t closed_steps;   /* since the last open one */
    int64_t hour_ns;         /* of open_mask */
    uint64_t open_mask;
    double loading[SIM_FACTORS], own;
    double sigma, sigma_day; /* of a step, of a day */
    double jump_probability, volume_base;
    double tick, tick_inverse, price; /* the price behind the ticks */
    dec_t tick_dec;
    struct garch garch;
    uint64_t streams[DRAWS];
    double season[1440];
};

static void set_loadings(struct sim_instrument *s)
{
    double square = 0;
    for (unsigned k = 0; k < SIM_FACTORS; k++)
        square += s->config->sim_loading[k] * s->config->sim_loading[k];
    double scale = square > 1 ? 1 / sqrt(square) : 1; /* nothing of its own then */
    for (unsigned k = 0; k < SIM_FACTORS; k++)
        s->loading[k] = s->config->sim_loading[k] * scale;
    s->own = square >= 1 ? 0 : sqrt(1 - square);
}

struct sim_instrument *sim_instrument_new(struct sim_market *market, const struct fleet_config *config, uint32_t index)
{
    const struct config_instrument *c = &config->instruments[index];
    assert(index < config->instrument_count && c->tick > 0 && c->sim_start_price > 0);
    struct sim_instrument *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->market = market;
    s->config = c;
    s->zone = &config->zones[c->session_zone];
    s->hour_ns = -1;
    set_loadings(s);
    double week = session_week_minutes(c, s->zone, market->start_ns);
    int64_t whole_minutes = market->step_ns / MINUTE_NS; /* a bar is a whole number of minutes */
    double step_minutes = (double)whole_minutes;
    double minute = week > 0 ? c->sim_volatility_year / sqrt(week * WEEKS_A_YEAR) : 0;
    s->sigma = minute * sqrt(step_minutes);
    s->sigma_day = minute * sqrt(1440);
    s->jump_probability = week > 0 ? c->sim_jumps_year / (week * WEEKS_A_YEAR) * step_minutes : 0;
    s->volume_base = 60 * step_minutes;
    s->tick_dec = c->tick;
    s->tick = dec_to_double(c->tick);
    s->tick_inverse = 1 / s->tick;
    s->price = dec_to_double(c->sim_start_price);
    s->garch = (struct garch){1, 1};
    /* By symbol, not by index: another instrument in the file does not change this one's path. */
    uint64_t name = hash_bytes(c->symbol, strlen(c->symbol), 0);
    for (unsigned i = 0; i < DRAWS; i++)
        s->streams[i] = stream_seed(market->seed, hash_combine(STREAM_INSTRUMENT + i, name));
    make_season(c->asset_class, s->season);
    return s;
}

void sim_instrument_free(struct sim_instrument **instrument)
{
    free(*instrument);
    *instrument = NULL;
}

static bool is_open(struct sim_instrument *s, int64_t open_ns)
{
    int64_t hour = open_ns - open_ns % HOUR_NS;
    if (hour != s->hour_ns) {
        s->open_mask = session_hour_mask(s->config, s->zone, hour);
        s->hour_ns = hour;
    }
    return s->open_mask >> ((open_ns - hour) / MINUTE_NS) & 1;
}

/* exp(x) - 1 for the small x of a step, as a polynomial. */
static inline double grow(double x)
{
    return x * (1 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24))));
}

static inline double limit(double x, double most)
{
    return x > most ? most : x < -most ? -most : x;
}

/* The sum of the factors and the own part, in units of sigma; *variance is what it was drawn with. */
static double move(struct sim_instrument *s, uint64_t step, double *variance)
{
    const struct factor_step *f = factors_at(s->market, step);
    double own_variance, own = garch_step(&s->garch, sim_normal(draw(s->streams[DRAW_OWN], step)), &own_variance);
    double sum = s->own * own, v = s->own * s->own * own_variance;
    for (unsigned k = 0; k < SIM_FACTORS; k++) {
        sum += s->loading[k] * f->value[k];
        v += s->loading[k] * s->loading[k] * f->variance[k];
    }
    *variance = v;
    return sum;
}

static double gap_return(struct sim_instrument *s, uint64_t step)
{
    double sum = s->own * sim_normal(draw(s->streams[DRAW_GAP], step));
    for (unsigned k = 0; k < SIM_FACTORS; k++)
        sum += s->loading[k] * sim_normal(draw(s->market->gap_streams[k], step));
    return s->sigma * sqrt(GAP_SHARE * (double)s->closed_steps) * sum;
}

static double jump_return(struct sim_instrument *s, uint64_t step)
{
    if (uniform(draw(s->streams[DRAW_JUMP], step)) >= s->jump_probability)
        return 0;
    double z = sim_normal(draw(s->streams[DRAW_JUMP_SIZE], step));
    return s->sigma_day * (z < 0 ? z - 1 : z + 1) * JUMP_LEAST;
}

static void move_price(struct sim_instrument *s, double r)
{
    double next = s->price * (1 + grow(limit(r, STEP_RETURN_MAX)));
    if (next < FLOOR_TICKS * s->tick || next > CEILING) /* back where it came from */
        next = s->price * (1 - grow(limit(r, STEP_RETURN_MAX)));
    s->price = next;
}

static inline int64_t in_ticks(const struct sim_instrument *s, double price)
{
    int64_t ticks = (int64_t)(price * s->tick_inverse + 0.5);
    return ticks < 1 ? 1 : ticks;
}

/* How far a path from 0 to r with variance v reached up; down is the mirror image. */
static inline double bridge_reach(double r, double v, uint64_t bits)
{
    return 0.5 * (r + sqrt(r * r - 2 * v * sim_log(uniform(bits))));
}

static double bar_volume(const struct sim_instrument *s, uint64_t step, double season, double stress, double z)
{
    double noise = 0.5 + uniform(draw(s->streams[DRAW_VOLUME], step));
    double volume = s->volume_base * season * (0.4 + 0.6 * stress) * (0.6 + 0.5 * fabs(z)) * noise;
    return volume < 1 ? 1 : volume;
}

static void make_bar(struct sim_instrument *s, uint64_t step, int64_t open_ns, struct sim_bar *out)
{
    double season = s->season[open_ns / MINUTE_NS % 1440], variance;
    if (s->closed_steps > 0)
        move_price(s, gap_return(s, step));
    s->closed_steps = 0;
    double z = move(s, step, &variance), before = s->price;
    double r = limit(s->sigma * season * z + jump_return(s, step), STEP_RETURN_MAX);
    move_price(s, r);
    double v = s->sigma * season * s->sigma * season * variance;
    double up = bridge_reach(r, v, draw(s->streams[DRAW_HIGH], step));
    double down = bridge_reach(-r, v, draw(s->streams[DRAW_LOW], step));

    int64_t open = in_ticks(s, before), close = in_ticks(s, s->price);
    int64_t high = in_ticks(s, before * (1 + limit(up, STEP_RETURN_MAX)));
    int64_t low = in_ticks(s, before * (1 - limit(down, STEP_RETURN_MAX)));
    int64_t top = open > close ? open : close, bottom = open < close ? open : close;
    high = high > top ? high : top;
    low = low < bottom ? low : bottom;
    double stress = sqrt(variance);
    *out = (struct sim_bar){
        .open_ns = open_ns,
        .close_ns = open_ns + s->market->step_ns,
        .open = open * s->tick_dec,
        .high = high * s->tick_dec,
        .low = low * s->tick_dec,
        .close = close * s->tick_dec,
        .volume = (dec_t)bar_volume(s, step, season, stress, z) * DEC_ONE,
        .stress = stress,
    };
}

int sim_next(struct sim_instrument *s, struct sim_bar *out)
{
    for (;;) { /* ends with the simulated days */
        uint64_t step = s->step++;
        int64_t open_ns = s->market->start_ns + (int64_t)step * s->market->step_ns;
        if (open_ns + s->market->step_ns > s->market->end_ns) {
            s->step--;
            return 0;
        }
        if (is_open(s, open_ns)) {
            make_bar(s, step, open_ns, out);
            return 1;
        }
        s->closed_steps++;
    }
}

static dec_t between(const struct sim_instrument *s, dec_t a, dec_t b)
{
    int64_t x = a / s->tick_dec, y = b / s->tick_dec;
    return (x + y) / 2 * s->tick_dec;
}

void sim_path(const struct sim_instrument *s, const struct sim_bar *bar, int64_t times_ns[SIM_QUOTES_PER_BAR],
              dec_t bids[SIM_QUOTES_PER_BAR])
{
    bool high_first = bar->high - bar->open < bar->open - bar->low; /* the nearer extreme first */
    dec_t first = high_first ? bar->high : bar->low, second = high_first ? bar->low : bar->high;
    const dec_t path[SIM_QUOTES_PER_BAR] = {
        bar->open, between(s, bar->open, first), first, between(s, first, second),
        second, between(s, second, bar->close), bar->close, bar->close,
    };
    int64_t slot = (bar->close_ns - bar->open_ns) / SIM_QUOTES_PER_BAR;
    for (unsigned i = 0; i < SIM_QUOTES_PER_BAR; i++) {
        uint64_t bits = draw(s->streams[DRAW_PATH], (uint64_t)bar->open_ns + i);
        int64_t within = i == 0 ? 0 : (int64_t)(bits % (uint64_t)(slot / CLOCK_NS_PER_MS)) * CLOCK_NS_PER_MS;
        times_ns[i] = bar->open_ns + i * slot + within;
        bids[i] = path[i];
    }
}
