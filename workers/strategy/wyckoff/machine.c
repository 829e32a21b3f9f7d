#include "workers/strategy/wyckoff/machine.h"

#include <math.h>
#include <string.h>

#define PS_FIRST_BAR 10u /* a PS has at least so many bars before it */
#define PS_LAST_BACK 3u  /* and lies at least so far before the climax */

/* --- events ---------------------------------------------------------------------------------------------------- */

struct where machine_here(const struct machine *m, double price)
{
    return (struct where){m->t, series_bar(m->series, m->t)->time_ns, price};
}

struct where machine_lowest(const struct machine *m)
{
    return (struct where){m->x->low.bar, m->x->low.time_ns, m->x->low.price};
}

void machine_lower(struct machine *m)
{
    struct wyckoff_low *low = &m->x->low;
    if (low->known && !(m->low < low->price))
        return;
    *low = (struct wyckoff_low){.time_ns = series_bar(m->series, m->t)->time_ns,
                                .price = m->low,
                                .high = m->high,
                                .rv_before = m->t > 0 ? machine_rv(m, m->t - 1) : m->rv,
                                .rv = m->rv,
                                .bar = m->t,
                                .known = 1};
}

static double own_price(const struct machine *m, double price)
{
    return m->direction == WYCKOFF_ACCUMULATION ? price : -price;
}

void machine_mark(struct machine *m, enum wyckoff_kind kind, struct where where)
{
    struct wyckoff_pattern *x = m->x;
    x->marks[kind] = (struct wyckoff_mark){where.bar, m->t};
    if (kind >= WYCKOFF_ST) {
        x->last_kind = kind;
        x->last_bar = m->t;
        x->last_ns = series_bar(m->series, m->t)->time_ns;
    }
    assert(m->out->event_count < WYCKOFF_EVENTS_MAX);
    struct wyckoff_event *event = &m->out->events[m->out->event_count++];
    bool up = m->direction == WYCKOFF_ACCUMULATION;
    *event = (struct wyckoff_event){.kind = kind,
                                    .direction = m->direction,
                                    .bar = where.bar,
                                    .known_bar = m->t,
                                    .time_ns = where.time_ns,
                                    .known_ns = series_bar(m->series, m->t)->time_ns,
                                    .price = own_price(m, where.price),
                                    .support = own_price(m, up ? x->s : x->r),
                                    .resistance = own_price(m, up ? x->r : x->s),
                                    .atr = x->a,
                                    .serial = x->serial,
                                    .grade = x->grade};
    evidence_fill(m, event);
}

void machine_end(struct machine *m, enum wyckoff_result result)
{
    struct wyckoff_pattern *x = m->x;
    assert(m->out->end_count < WYCKOFF_DIRECTIONS);
    struct wyckoff_end *end = &m->out->ends[m->out->end_count++];
    *end = (struct wyckoff_end){
        .direction = m->direction, .result = result, .stage = x->stage, .bar = m->t, .serial = x->serial};
    memcpy(end->marks, x->marks, sizeof end->marks);
    x->stage = WYCKOFF_IN_IDLE;
    x->free_from = m->t + m->p->cool + 1;
    if (result != WYCKOFF_COMPLETE)
        x->last_kind = WYCKOFF_NONE;
}

static void begin_stage(struct machine *m, enum wyckoff_stage stage)
{
    m->x->stage = stage;
    m->x->stage_bar = m->t;
    m->x->low = (struct wyckoff_low){0};
}

/* --- SC and PS ------------------------------------------------------------------------------------------------- */

/* The highest high of the n bars before bar t, and the lowest low; the first of equal ones. */
static double highest_before(const struct machine *m, uint32_t n, uint32_t *bar)
{
    uint32_t i = machine_back(m->t, n);
    double high = machine_high(m, i);
    *bar = i;
    for (i++; i < m->t; i++)
        if (machine_high(m, i) > high) {
            high = machine_high(m, i);
            *bar = i;
        }
    return high;
}

static double lowest_before(const struct machine *m, uint32_t t, uint32_t n)
{
    uint32_t i = machine_back(t, n);
    double low = machine_low(m, i);
    for (i++; i < t; i++)
        low = fold_min(low, machine_low(m, i));
    return low;
}

/* The rules of volume and spread come first: they are cheap and seldom hold. */
static bool is_climax(const struct machine *m, double *fall_high, uint32_t *fall_bar)
{
    const struct wyckoff_params *p = m->p;
    if (m->t < p->n_tr + 1 || !(m->rv >= p->sc_rv) || !(m->sr >= p->sc_sr) || !(m->clv >= p->sc_clv) ||
        !(m->low <= lowest_before(m, m->t, p->n_tr)))
        return false;
    *fall_high = highest_before(m, p->n_tr, fall_bar);
    return (*fall_high - m->low) / m->atr >= p->drop;
}

static bool is_preliminary(const struct machine *m, uint32_t i, double high_after)
{
    const struct wyckoff_kept *bar = series_bar(m->series, i);
    double low = machine_low(m, i);
    return bar->relative_volume >= m->p->ps_rv && bar->spread_ratio >= m->p->ps_sr && i >= PS_FIRST_BAR &&
           low <= lowest_before(m, i, m->p->ps_low) && high_after - low >= m->p->ps_bounce * bar->atr;
}

/* The latest preliminary support before the climax. */
static void mark_preliminary(struct machine *m)
{
    uint32_t first = machine_back(m->t, m->p->ps_back);
    double high_after = -INFINITY; /* of the bars between i and the climax */
    for (uint32_t i = m->t - 1; i > first; i--) {
        high_after = fold_max(high_after, machine_high(m, i));
        uint32_t at = i - 1;
        if (at + PS_LAST_BACK > m->t || !is_preliminary(m, at, high_after))
            continue;
        machine_mark(m, WYCKOFF_PS, (struct where){at, series_bar(m->series, at)->time_ns, machine_low(m, at)});
        return;
    }
}

bool machine_begin(struct machine *m)
{
    struct wyckoff_pattern *x = m->x;
    double fall_high;
    uint32_t fall_bar;
    if (m->t < x->free_from || !is_climax(m, &fall_high, &fall_bar))
        return false;
    if (x->stage != WYCKOFF_IN_IDLE && !(m->low < x->s))
        return false;
    *x = (struct wyckoff_pattern){.serial = x->serial + 1,
                                  .free_from = x->free_from,
                                  .below_bar = WYCKOFF_NONE,
                                  .last_kind = WYCKOFF_NONE,
                                  .high_bar = m->t,
                                  .high_ns = series_bar(m->series, m->t)->time_ns,
                                  .high = m->high,
                                  .s = m->low,
                                  .r = NAN,
                                  .a = m->atr,
                                  .rv_sc = m->rv,
                                  .sr_sc = m->sr,
                                  .clv_sc = m->clv,
                                  .rv_st = NAN,
                                  .rv_spring = NAN,
                                  .rv_test = NAN,
                                  .penetration = NAN,
                                  .low_last = NAN,
                                  .fall_high = fall_high,
                                  .fall_bar = fall_bar};
    for (uint32_t kind = 0; kind < WYCKOFF_KINDS; kind++)
        x->marks[kind] = (struct wyckoff_mark){WYCKOFF_NONE, WYCKOFF_NONE};
    begin_stage(m, WYCKOFF_IN_SC);
    mark_preliminary(m);
    machine_mark(m, WYCKOFF_SC, machine_here(m, m->low));
    return true;
}

void machine_idle(struct machine *m)
{
    (void)machine_begin(m);
}

/* --- phase A --------------------------------------------------------------------------------------------------- */

void machine_climax(struct machine *m)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    if (machine_begin(m))
        return;
    if (m->close < x->s - p->inv * x->a) {
        machine_end(m, WYCKOFF_FAIL);
        return;
    }
    if (m->high > x->high || m->t == x->stage_bar + 1) { /* the climax's own high is no rally */
        x->high = m->high;
        x->high_bar = m->t;
        x->high_ns = series_bar(m->series, m->t)->time_ns;
    }
    bool rallied = x->high - x->s >= p->ar_min_atr * x->a && x->high - m->low >= p->ar_retr * x->a;
    if (!rallied || m->t == x->high_bar) {
        if (m->t - x->stage_bar > p->ar_max)
            machine_end(m, WYCKOFF_FAIL);
        return;
    }
    x->r = x->high;
    if ((x->r - x->s) / x->a > p->w_max) {
        machine_end(m, WYCKOFF_FAIL);
        return;
    }
    x->ar_bar = x->high_bar;
    x->ar_high = x->high;
    machine_mark(m, WYCKOFF_AR, (struct where){x->high_bar, x->high_ns, x->high});
    begin_stage(m, WYCKOFF_IN_AR);
}

/* Whether the lowest low since the AR has become a secondary test. */
static bool is_secondary(const struct machine *m, double width)
{
    const struct wyckoff_params *p = m->p;
    const struct wyckoff_pattern *x = m->x;
    const struct wyckoff_low *low = &x->low;
    return low->price <= x->s + p->st_zone * width && low->price >= x->s - p->st_under * width && m->t > low->bar &&
           m->close - low->price >= p->st_conf * x->a && fold_max(low->rv_before, low->rv) <= p->st_rv * x->rv_sc;
}

void machine_rally(struct machine *m)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    if (machine_begin(m))
        return;
    double width = x->r - x->s;
    if (m->close < x->s - p->st_under * width && m->close < x->s - p->inv * x->a) { /* both: the reference's */
        machine_end(m, WYCKOFF_FAIL);
        return;
    }
    if (m->high > x->r) {
        x->r = m->high;
        x->ar_high = m->high;
        x->ar_bar = m->t;
        width = x->r - x->s;
    }
    if (width / x->a > p->w_max) {
        machine_end(m, WYCKOFF_FAIL);
        return;
    }
    machine_lower(m);
    if (is_secondary(m, width)) {
        struct where low = machine_lowest(m);
        x->rv_st = x->low.rv;
        x->s = fold_min(x->s, low.price);
        x->b_bar = m->t;
        evidence_begin_b(m);
        machine_mark(m, WYCKOFF_ST, low);
        begin_stage(m, WYCKOFF_IN_B);
    } else if (m->t - x->stage_bar > p->st_max) {
        machine_end(m, WYCKOFF_FAIL);
    }
}

/* --- phase D --------------------------------------------------------------------------------------------------- */

/* The pullback after the SOS, up to the close above the high of its lowest bar. */
static void markup_pullback(struct machine *m, double width)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    struct wyckoff_low *low = &x->low;
    if (m->high > x->high && !low->known)
        x->high = m->high;
    if (x->high - m->low >= p->d_pull * x->a)
        machine_lower(m);
    if (!low->known || m->t == low->bar || !(m->close > low->high))
        return;
    if (low->price >= x->s + p->lps_hold * width &&
        fold_min(low->rv_before, low->rv) <= p->lps_rv * fold_max(1.0, x->rv_sos)) {
        x->low_last = low->price;
        machine_mark(m, WYCKOFF_LPS, machine_lowest(m));
        x->stage = WYCKOFF_IN_D2;
    }
}

void machine_markup(struct machine *m)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    double width = x->r - x->s;
    if (m->close < x->s && m->close < x->s + p->lps_hold * width * p->d_hold) {
        machine_end(m, WYCKOFF_FAIL);
        return;
    }
    if (x->stage == WYCKOFF_IN_D)
        markup_pullback(m, width);
    if (m->close > fold_max(x->high, x->r + p->e_over * x->a) && m->t > x->stage_bar + 1) {
        machine_mark(m, WYCKOFF_E, machine_here(m, m->close));
        machine_end(m, WYCKOFF_COMPLETE);
    } else if (m->t - x->stage_bar > p->d_max) {
        machine_end(m, WYCKOFF_TIMEOUT);
    }
}
