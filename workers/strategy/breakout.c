#include "workers/strategy/signal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "workers/broker/broker.h"

#define BREAKOUT_VERSION 1u
#define LOOKBACK_MIN 5u /* config.h */
#define LOOKBACK_MAX 200u
#define ATR_PERIOD_MIN 2u
#define ATR_PERIOD_MAX 100u
#define SECONDS_PER_DAY 86400
#define NS_PER_SECOND INT64_C(1000000000)

/* A monotonic deque: the bars that can still be the extreme of the window, the extreme in front, each one behind it
 * less extreme and younger. */
struct extremes {
    uint32_t head, count; /* ring positions */
    dec_t price[LOOKBACK_MAX];
    uint32_t bar[LOOKBACK_MAX];
};
struct breakout_state {
    uint32_t version;
    uint32_t bar_count; /* seen; bar numbers are 0, 1, 2, ... and stop short of wrapping for ever (BAR_COUNT_MAX) */
    uint32_t lookback, atr_period; /* that this state was built with */
    uint32_t signaled;             /* a signal was given, with ... */
    uint32_t signal_bar;           /* ... this number */
    dec_t close;                   /* of the last bar */
    dec_t tr_sum;                  /* of the first atr_period true ranges: exact, whatever the order */
    double atr;                    /* price units; 0 until atr_period + 1 bars */
    struct extremes high, low;
};
#define BAR_COUNT_MAX (UINT32_MAX - 1u)
static_assert(sizeof(struct breakout_state) <= DETECTOR_STATE_BYTES_MAX, "fits a detector's slot");
static_assert(sizeof(struct breakout_state) == 48 + 2 * (8 + 12 * LOOKBACK_MAX), "no padding: states compare by bytes");
static_assert(sizeof(struct breakout_state) % 8 == 0, "multiple of 8");

/* --- the range ---------------------------------------------------------------------------------------- */

static uint32_t extremes_slot(const struct extremes *e, uint32_t i)
{
    return (e->head + i) % LOOKBACK_MAX;
}

/* sign 1: the highest in front, -1: the lowest. What leaves the window of `lookback` bars up to this one goes first,
 * so that the deque never holds more than that. */
static void extremes_push(struct extremes *e, uint32_t bar, uint32_t lookback, dec_t price, int sign)
{
    while (e->count > 0 && bar - e->bar[e->head] >= lookback) {
        e->head = (e->head + 1) % LOOKBACK_MAX;
        e->count--;
    }
    while (e->count > 0) {
        dec_t last = e->price[extremes_slot(e, e->count - 1)];
        if (sign > 0 ? last > price : last < price)
            break;
        e->count--;
    }
    assert(e->count < LOOKBACK_MAX);
    uint32_t slot = extremes_slot(e, e->count++);
    e->price[slot] = price;
    e->bar[slot] = bar;
}

static dec_t extremes_front(const struct extremes *e)
{
    assert(e->count > 0);
    return e->price[e->head];
}

/* --- average true range -------------------------------------------------------------------------------- */

/* Wilder: the mean of the first atr_period true ranges, then ATR + (TR - ATR) / n written as quant.md does. */
static void breakout_atr(struct breakout_state *s, const struct market_record *bar)
{
    if (s->bar_count == 0)
        return; /* no close before: no true range */
    dec_t range = dec_max(bar->u.bar.high, s->close) - dec_min(bar->u.bar.low, s->close);
    double n = s->atr_period;
    if (s->bar_count > s->atr_period) {
        s->atr = (s->atr * (n - 1.0) + dec_to_double(range)) / n;
        return;
    }
    s->tr_sum = range > DEC_MAX - s->tr_sum ? DEC_MAX : s->tr_sum + range;
    if (s->bar_count == s->atr_period)
        s->atr = dec_to_double(s->tr_sum) / n;
}

/* --- the signal --------------------------------------------------------------------------------------- */

static bool breakout_in_session(const struct config_personality *p, int64_t time_ns)
{
    if (p->session_from_s == p->session_to_s)
        return true;
    int64_t second = time_ns / NS_PER_SECOND - (time_ns % NS_PER_SECOND < 0);
    second = (second % SECONDS_PER_DAY + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    if (p->session_from_s < p->session_to_s)
        return second >= p->session_from_s && second < p->session_to_s;
    return second >= p->session_from_s || second < p->session_to_s;
}

static bool breakout_wanted(const struct breakout_state *s, const struct config_personality *p,
                            const struct market_record *bar, uint32_t side)
{
    if (bar->flags & MARKET_WARMUP)
        return false;
    if (s->signaled && s->bar_count - s->signal_bar <= p->cooldown_bars)
        return false;
    if (p->direction != DIRECTION_BOTH && p->direction != (side == SIDE_BUY ? DIRECTION_LONG : DIRECTION_SHORT))
        return false;
    return breakout_in_session(p, bar->time_ns);
}

/* A whole number of ticks, at least one; false when the price does not fit. */
static bool breakout_ticks(double ticks, dec_t tick, dec_t *out)
{
    ticks = fmax(1.0, ticks);
    return ticks < 1e15 && !__builtin_mul_overflow((dec_t)ticks, tick, out);
}

/* False: a distance does not fit, so there is nothing to trade. */
static bool breakout_distances(const struct config_personality *p, double atr, dec_t tick, struct signal *out)
{
    if (!breakout_ticks(ceil(p->stop_atr * atr / dec_to_double(tick)), tick, &out->stop_distance))
        return false;
    out->target_distance = 0;
    int64_t stop_ticks = out->stop_distance / tick; /* whole: it was rounded to ticks */
    return p->target_r <= 0.0 || breakout_ticks(round(p->target_r * (double)stop_ticks), tick, &out->target_distance);
}

/* The range stands in out->range_high and range_low. */
static bool breakout_decide(const struct breakout_state *s, const struct config_personality *p,
                            const struct market_record *bar, dec_t tick, struct signal *out)
{
    dec_t close = bar->u.bar.close;
    if (close <= out->range_high && close >= out->range_low)
        return false;
    bool buy = close > out->range_high;
    double beyond = dec_to_double(buy ? close - out->range_high : out->range_low - close);
    assert(s->atr > 0.0); /* a close outside the range of bars that had closes inside it is a true range */
    if (!(beyond > p->buffer_atr * s->atr))
        return false;
    if (p->range_max_atr > 0.0 && dec_to_double(out->range_high - out->range_low) > p->range_max_atr * s->atr)
        return false;
    out->side = buy ? SIDE_BUY : SIDE_SELL;
    if (!breakout_wanted(s, p, bar, out->side) || !breakout_distances(p, s->atr, tick, out))
        return false;
    out->strength = beyond / (s->atr + beyond);
    return true;
}

static bool breakout_bar_is_sane(const struct market_record *bar)
{
    dec_t low = bar->u.bar.low, high = bar->u.bar.high;
    return low > 0 && bar->u.bar.open >= low && bar->u.bar.open <= high && bar->u.bar.close >= low &&
           bar->u.bar.close <= high;
}

/* --- the interface ------------------------------------------------------------------------------------- */

static void breakout_check_parameters(const struct config_personality *p)
{
    assert(p->lookback >= LOOKBACK_MIN && p->lookback <= LOOKBACK_MAX);
    assert(p->atr_period >= ATR_PERIOD_MIN && p->atr_period <= ATR_PERIOD_MAX);
}

static uint32_t breakout_warmup_bars(const struct config_personality *p)
{
    breakout_check_parameters(p);
    return p->lookback > p->atr_period ? p->lookback : p->atr_period;
}

static void breakout_init(void *state, const struct config_personality *p)
{
    assert(state);
    breakout_check_parameters(p);
    struct breakout_state *s = state;
    memset(s, 0, sizeof *s);
    s->version = BREAKOUT_VERSION;
    s->lookback = p->lookback;
    s->atr_period = p->atr_period;
}

static int breakout_on_bar(void *state, const struct config_personality *p, const struct market_record *bar, dec_t tick,
                           struct signal *out)
{
    struct breakout_state *s = state;
    assert(s && p && bar && out && tick > 0 && bar->kind == MARKET_BAR);
    assert(s->version == BREAKOUT_VERSION && s->lookback == p->lookback && s->atr_period == p->atr_period);
    if (!breakout_bar_is_sane(bar) || s->bar_count == BAR_COUNT_MAX)
        return 0;
    breakout_atr(s, bar);
    int found = 0;
    memset(out, 0, sizeof *out);
    if (s->bar_count >= breakout_warmup_bars(p)) {
        out->range_high = extremes_front(&s->high);
        out->range_low = extremes_front(&s->low);
        found = breakout_decide(s, p, bar, tick, out);
    }
    if (found) {
        out->pattern = PATTERN_RANGE_BREAKOUT;
        out->instrument = bar->instrument;
        out->timeframe = bar->timeframe;
        out->bar_seq = bar->seq;
        out->time_ns = bar->time_ns;
        out->price = bar->u.bar.close;
        out->atr = s->atr;
        s->signaled = 1;
        s->signal_bar = s->bar_count;
    }
    extremes_push(&s->high, s->bar_count, p->lookback, bar->u.bar.high, 1);
    extremes_push(&s->low, s->bar_count, p->lookback, bar->u.bar.low, -1);
    s->close = bar->u.bar.close;
    s->bar_count++;
    return found;
}

static bool extremes_restorable(const struct extremes *e, uint32_t bar_count, uint32_t lookback, int sign)
{
    if (e->head >= LOOKBACK_MAX || e->count > lookback || (e->count == 0) != (bar_count == 0))
        return false;
    for (uint32_t i = 0; i < e->count; i++) {
        uint32_t slot = extremes_slot(e, i), before = extremes_slot(e, i - 1);
        if (e->bar[slot] >= bar_count || bar_count - e->bar[slot] > lookback || e->price[slot] <= 0)
            return false;
        if (i > 0 && (e->bar[slot] <= e->bar[before] ||
                      (sign > 0 ? e->price[slot] >= e->price[before] : e->price[slot] <= e->price[before])))
            return false;
    }
    return e->count == 0 || e->bar[extremes_slot(e, e->count - 1)] == bar_count - 1; /* the last bar is always in it */
}

/* The last bar closed between its own extremes, which are the youngest of the deques. */
static bool breakout_close_restorable(const struct breakout_state *s)
{
    return s->bar_count == 0 || (s->close <= s->high.price[extremes_slot(&s->high, s->high.count - 1)] &&
                                 s->close >= s->low.price[extremes_slot(&s->low, s->low.count - 1)]);
}

static bool breakout_restorable(const void *state, const struct config_personality *p)
{
    const struct breakout_state *s = state;
    assert(s);
    breakout_check_parameters(p);
    bool atr_known = s->bar_count > s->atr_period;
    return s->version == BREAKOUT_VERSION && s->lookback == p->lookback && s->atr_period == p->atr_period &&
           s->bar_count <= BAR_COUNT_MAX && s->signaled <= 1 && (!s->signaled || s->signal_bar < s->bar_count) &&
           isfinite(s->atr) && s->atr >= 0.0 && (atr_known || s->atr == 0.0) && s->tr_sum >= 0 &&
           extremes_restorable(&s->high, s->bar_count, s->lookback, 1) &&
           extremes_restorable(&s->low, s->bar_count, s->lookback, -1) && breakout_close_restorable(s);
}

const struct detector breakout_detector = {
    .version = BREAKOUT_VERSION,
    .state_bytes = sizeof(struct breakout_state),
    .init = breakout_init,
    .on_bar = breakout_on_bar,
    .warmup_bars = breakout_warmup_bars,
    .restorable = breakout_restorable,
};
