#include "workers/performance/drawdown.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

__extension__ typedef __int128 wide;

static_assert(sizeof(struct drawdown_track) == 64, "no padding: it is kept as bytes");
static_assert(sizeof(struct drawdown) == 152, "no padding: it is kept as bytes");

static wide fall(dec_t peak, dec_t value)
{
    return (wide)peak - value;
}

/* fall / peak against worst fall / worst peak, both peaks > 0, crosswise. Falls of accounts are below 2^64, so that
 * 2^63 * 2^64 fits with its sign. */
static bool deeper_share(dec_t peak, dec_t value, dec_t worst_peak, dec_t worst_trough)
{
    return fall(peak, value) * worst_peak > fall(worst_peak, worst_trough) * peak;
}

static void track_init(struct drawdown_track *track, int64_t time_ns, dec_t start)
{
    *track = (struct drawdown_track){.peak = start,
                                     .peak_ns = time_ns,
                                     .worst_peak = start,
                                     .worst_trough = start,
                                     .worst_peak_ns = time_ns,
                                     .worst_trough_ns = time_ns,
                                     .worst_end_ns = time_ns};
}

/* At or above the peak: what fell has recovered. */
static void track_peak(struct drawdown_track *track, int64_t time_ns, dec_t value, dec_t before)
{
    if (before < track->peak) {
        int64_t lasted = time_ns - track->peak_ns;
        track->longest_ns = lasted > track->longest_ns ? lasted : track->longest_ns;
        if (track->worst_end_ns == DRAWDOWN_OPEN)
            track->worst_end_ns = time_ns;
    }
    track->peak = value;
    track->peak_ns = time_ns;
}

static void track_worst(struct drawdown_track *track, int64_t time_ns, dec_t value)
{
    track->worst_peak = track->peak;
    track->worst_peak_ns = track->peak_ns;
    track->worst_trough = value;
    track->worst_trough_ns = time_ns;
    track->worst_end_ns = DRAWDOWN_OPEN;
}

void drawdown_init(struct drawdown *d, int64_t time_ns, dec_t start)
{
    assert(start > 0);
    memset(d, 0, sizeof *d);
    track_init(&d->money, time_ns, start);
    track_init(&d->share, time_ns, start);
    d->value = start;
    d->time_ns = time_ns;
    d->n = 1;
}

void drawdown_add(struct drawdown *d, int64_t time_ns, dec_t value)
{
    assert(time_ns >= d->time_ns);
    if (value >= d->money.peak)
        track_peak(&d->money, time_ns, value, d->value);
    else if (fall(d->money.peak, value) > fall(d->money.worst_peak, d->money.worst_trough))
        track_worst(&d->money, time_ns, value);
    if (value >= d->share.peak)
        track_peak(&d->share, time_ns, value, d->value);
    else if (deeper_share(d->share.peak, value, d->share.worst_peak, d->share.worst_trough))
        track_worst(&d->share, time_ns, value);
    d->value = value;
    d->time_ns = time_ns;
    d->n++;
}

int drawdown_flow(struct drawdown *d, dec_t amount)
{
    dec_t value, money_peak, share_peak = d->share.peak;
    if (dec_add(d->value, amount, &value) || dec_add(d->money.peak, amount, &money_peak))
        return -ERANGE;
    if (d->value == d->share.peak)
        share_peak = value; /* at the peak before, at the peak after, without a rounding between */
    else if (d->value > 0 && value > 0 && dec_muldiv(d->share.peak, value, d->value, DEC_ROUND_NEAREST, &share_peak))
        return -ERANGE;
    d->money.peak = money_peak;
    d->share.peak = share_peak > 0 ? share_peak : d->share.peak;
    d->value = value;
    return 0;
}

static dec_t money_of(wide amount)
{
    return amount > DEC_MAX ? DEC_MAX : (dec_t)amount;
}

static double track_share(dec_t peak, dec_t value)
{
    return (double)fall(peak, value) / (double)peak;
}

void drawdown_read(const struct drawdown *d, struct drawdown_report *out)
{
    const struct drawdown_track *share = &d->share;
    memset(out, 0, sizeof *out);
    out->n = d->n;
    out->money = money_of(fall(d->money.worst_peak, d->money.worst_trough));
    out->money_now = d->value < d->money.peak ? money_of(fall(d->money.peak, d->value)) : 0;
    out->share = track_share(share->worst_peak, share->worst_trough);
    out->share_now = d->value < share->peak ? track_share(share->peak, d->value) : 0.0;
    out->peak_ns = share->worst_peak_ns;
    out->trough_ns = share->worst_trough_ns;
    out->recovered_ns = share->worst_end_ns;
    out->open = share->worst_end_ns == DRAWDOWN_OPEN;
    out->duration_ns = (out->open ? d->time_ns : share->worst_end_ns) - share->worst_peak_ns;
    int64_t now = d->value < share->peak ? d->time_ns - share->peak_ns : 0;
    out->longest_ns = now > share->longest_ns ? now : share->longest_ns;
}

static bool time_sane(int64_t time_ns, int64_t last_ns)
{
    return time_ns >= 0 && time_ns <= last_ns;
}

static bool track_restorable(const struct drawdown_track *track, int64_t last_ns)
{
    return track->worst_trough <= track->worst_peak && time_sane(track->peak_ns, last_ns) &&
           time_sane(track->worst_peak_ns, last_ns) && time_sane(track->worst_trough_ns, last_ns) &&
           time_sane(track->longest_ns, last_ns) &&
           (track->worst_end_ns == DRAWDOWN_OPEN || time_sane(track->worst_end_ns, last_ns));
}

bool drawdown_restorable(const struct drawdown *d)
{
    return d->n > 0 && d->time_ns >= 0 && d->value != DEC_NONE && d->share.peak > 0 && d->share.worst_peak > 0 &&
           d->money.peak != DEC_NONE && track_restorable(&d->money, d->time_ns) &&
           track_restorable(&d->share, d->time_ns);
}

/* --- of returns ---------------------------------------------------------------------------------------------------- */

struct series_state {
    double level, peak, depth, depth_sum, squares;
    uint32_t peak_at;
    bool deepest; /* the fall going on is the deepest so far */
};

static void series_rise(struct series_state *s, uint32_t i, struct drawdown_series *out)
{
    if (s->depth > 0.0) {
        s->depth_sum += s->depth;
        out->falls++;
        if (s->deepest)
            out->recovery = i;
    }
    s->deepest = false;
    s->depth = 0.0;
    s->peak = s->level;
    s->peak_at = i;
}

static void series_fall(struct series_state *s, uint32_t i, struct drawdown_series *out)
{
    double share = 1.0 - s->level / s->peak;
    s->depth = fmax(s->depth, share);
    s->squares += share * share;
    if (!(share > out->share))
        return;
    s->deepest = true;
    out->share = share;
    out->peak = s->peak_at;
    out->trough = i;
    out->recovery = 0;
}

void drawdown_of_returns(const double *returns, uint32_t n, struct drawdown_series *out)
{
    struct series_state s = {.level = 1.0, .peak = 1.0};
    memset(out, 0, sizeof *out);
    out->n = n;
    for (uint32_t i = 1; i <= n; i++) {
        s.level *= 1.0 + returns[i - 1];
        if (s.level >= s.peak)
            series_rise(&s, i, out);
        else
            series_fall(&s, i, out);
    }
    if (s.depth > 0.0) {
        s.depth_sum += s.depth;
        out->falls++;
    }
    out->average = out->falls > 0 ? s.depth_sum / out->falls : 0.0;
    out->ulcer = sqrt(s.squares / n);
    if (n == 0)
        out->share = out->average = out->ulcer = NAN;
}
