#include "workers/strategy/signals/quality.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* --- memory ------------------------------------------------------------------------------------------------------ */

/* Per record: ranked, p, r, three doubles twice, rows, y; the pieces lie in falling order of alignment. */
#define BYTES_PER_RECORD (sizeof(struct signals_ranked) + 8 * sizeof(double) + sizeof(uint32_t) + sizeof(uint8_t))

size_t signals_scratch_bytes(uint32_t capacity)
{
    return (size_t)capacity * BYTES_PER_RECORD;
}

static void *cut(char **at, size_t bytes)
{
    void *piece = *at;
    *at += bytes;
    return piece;
}

void signals_scratch_init(struct signals_scratch *scratch, void *memory, size_t bytes, uint32_t capacity)
{
    size_t n = capacity;
    char *at = memory;
    assert(bytes >= signals_scratch_bytes(capacity) && (uintptr_t)memory % sizeof(double) == 0);
    scratch->capacity = capacity;
    scratch->ranked = cut(&at, n * sizeof *scratch->ranked);
    scratch->p = cut(&at, n * sizeof(double));
    scratch->r = cut(&at, n * sizeof(double));
    scratch->a = cut(&at, 2 * n * sizeof(double));
    scratch->b = cut(&at, 2 * n * sizeof(double));
    scratch->c = cut(&at, 2 * n * sizeof(double));
    scratch->rows = cut(&at, n * sizeof(uint32_t));
    scratch->y = cut(&at, n);
    assert((size_t)(at - (char *)memory) <= bytes);
}

/* --- the window --------------------------------------------------------------------------------------------------- */

/* time in (now - length, now], without leaving the range of 64 bits. */
static bool window_holds(const struct signals_window *window, int64_t time_ns)
{
    int64_t from;
    bool open = __builtin_sub_overflow(window->now_ns, window->length_ns, &from);
    return time_ns != SIGNALS_TIME_NONE && time_ns <= window->now_ns && (open || time_ns > from);
}

int64_t signals_quality_select(const struct signals_record *records, uint32_t n, const struct signals_window *window,
                               struct signals_scratch *scratch)
{
    assert(window->length_ns > 0 && window->source <= SIGNALS_LIVE_AND_SHADOW);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct signals_record *r = &records[i];
        if (!window_holds(window, r->outcome_ns) || (window->instrument != UINT32_MAX && r->instrument != window->instrument) ||
            (window->source != SIGNALS_LIVE_AND_SHADOW && (window->source == SIGNALS_SHADOW) != (r->shadow != 0)))
            continue;
        if (count == scratch->capacity)
            return -ENOSPC;
        scratch->rows[count++] = i;
    }
    return count;
}

/* --- the whole window ---------------------------------------------------------------------------------------------- */

static void quality_calibration(uint32_t with_p, struct signals_scratch *scratch, struct signals_quality *out)
{
    struct signals_auc_scratch auc = {.ranked = scratch->ranked, .placement = scratch->a, .other = scratch->b};
    out->with_p = with_p;
    out->cox = (struct signals_logit){NAN, NAN, NAN, NAN};
    out->auc = (struct signals_auc){NAN, NAN, NAN, NAN};
    if (signals_reliability_measure(scratch->p, scratch->y, with_p, &out->reliability))
        return;
    (void)signals_cox_fit(scratch->p, scratch->y, with_p, scratch->a, &out->cox); /* NaN where there is no line */
    (void)signals_auc_measure(scratch->p, scratch->y, with_p, SIGNALS_CONFIDENCE, &auc, &out->auc);
}

int signals_quality_measure(const struct signals_record *records, uint32_t count, struct signals_scratch *scratch,
                            struct signals_quality *out)
{
    uint32_t with_p = 0;
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < count; i++) {
        const struct signals_record *r = &records[scratch->rows[i]];
        if (!signals_record_settled(r) || !isfinite(r->net_r))
            return -EINVAL;
        scratch->r[i] = r->net_r;
        out->wins += r->net_r > 0.0;
        if (isnan(r->p))
            continue;
        scratch->p[with_p] = r->p;
        scratch->y[with_p++] = r->net_r > 0.0;
    }
    out->n = count;
    out->sufficient = count >= SIGNALS_SAMPLE_MIN;
    out->r = signals_moments_of(scratch->r, count);
    out->t = signals_t_statistic(&out->r);
    out->mean_r = signals_interval_mean(out->r.mean, out->r.sd, count, SIGNALS_CONFIDENCE);
    out->win_rate = signals_interval_wilson(out->wins, count, SIGNALS_CONFIDENCE);
    quality_calibration(with_p, scratch, out);
    return 0;
}

/* --- groups -------------------------------------------------------------------------------------------------------- */

/* UINT32_MAX: in no group. */
static uint32_t group_key(const struct signals_record *r, uint32_t key)
{
    switch (key) {
    case SIGNALS_BY_PATTERN: return r->pattern;
    case SIGNALS_BY_STAGE: return r->stage;
    case SIGNALS_BY_KIND: return r->kind;
    case SIGNALS_BY_BUCKET: return r->p >= 0.0 && r->p <= 1.0 ? signals_bin(r->p) : UINT32_MAX;
    case SIGNALS_BY_INSTRUMENT: return r->instrument;
    default: return r->timeframe;
    }
}

/* The group of a key, made in its place when it is new; NULL when there is no more room. */
static struct signals_group *group_find(struct signals_group *groups, uint32_t *count, uint32_t key)
{
    uint32_t at = 0;
    while (at < *count && groups[at].key < key)
        at++;
    if (at < *count && groups[at].key == key)
        return &groups[at];
    if (*count == SIGNALS_GROUPS_MAX)
        return NULL;
    memmove(&groups[at + 1], &groups[at], (*count - at) * sizeof *groups);
    memset(&groups[at], 0, sizeof *groups);
    groups[at].key = key;
    (*count)++;
    return &groups[at];
}

static int groups_collect(const struct signals_record *records, uint32_t count, uint32_t key,
                          const struct signals_scratch *scratch, struct signals_group *groups, uint32_t *group_count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct signals_record *r = &records[scratch->rows[i]];
        if (!signals_record_settled(r) || !isfinite(r->net_r))
            return -EINVAL;
        uint32_t value = group_key(r, key);
        if (value == UINT32_MAX)
            continue;
        struct signals_group *group = group_find(groups, group_count, value);
        if (!group)
            return -ENOSPC;
        group->n++;
        group->wins += r->net_r > 0.0;
    }
    return 0;
}

static void group_measure(const struct signals_record *records, uint32_t count, uint32_t key, struct signals_scratch *scratch,
                          struct signals_group *g)
{
    uint32_t n = 0, with_p = 0;
    double p = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        const struct signals_record *r = &records[scratch->rows[i]];
        if (group_key(r, key) != g->key)
            continue;
        scratch->r[n++] = r->net_r;
        with_p += !isnan(r->p);
        p += isnan(r->p) ? 0.0 : r->p;
    }
    g->sufficient = g->n >= SIGNALS_SAMPLE_MIN;
    g->mean_p = with_p ? p / with_p : NAN;
    g->r = signals_moments_of(scratch->r, n);
    g->win_rate = signals_interval_wilson(g->wins, n, SIGNALS_CONFIDENCE);
    g->jeffreys = signals_interval_jeffreys(g->wins, n, SIGNALS_CONFIDENCE);
    g->exact = signals_interval_exact(g->wins, n, SIGNALS_CONFIDENCE);
    g->mean_r = signals_interval_mean(g->r.mean, g->r.sd, n, SIGNALS_CONFIDENCE);
    g->lower = signals_interval_mean(g->r.mean, g->r.sd, n, SIGNALS_RANK_CONFIDENCE).lo;
    g->p = g->sufficient ? signals_t_two_sided(&g->r) : NAN;
}

/* What depends on all groups: shrinkage, and the false discovery rate over those that are sufficient. */
static void groups_joint(struct signals_group *groups, uint32_t count)
{
    uint32_t wins[SIGNALS_GROUPS_MAX] = {0}, n[SIGNALS_GROUPS_MAX] = {0};
    double rate[SIGNALS_GROUPS_MAX] = {0}, p[SIGNALS_GROUPS_MAX] = {0}, q[SIGNALS_GROUPS_MAX];
    bool rejected[SIGNALS_GROUPS_MAX];
    struct signals_ranked ranked[SIGNALS_GROUPS_MAX];
    for (uint32_t g = 0; g < count; g++) {
        wins[g] = groups[g].wins;
        n[g] = groups[g].n;
        p[g] = groups[g].p;
    }
    (void)signals_shrink(wins, n, count, rate);
    (void)signals_fdr(p, count, SIGNALS_FDR_Q, ranked, rejected, q);
    for (uint32_t g = 0; g < count; g++) {
        groups[g].shrunk_rate = rate[g];
        groups[g].q = q[g];
        groups[g].discovered = rejected[g];
    }
}

int signals_quality_groups(const struct signals_record *records, uint32_t count, uint32_t key, struct signals_scratch *scratch,
                           struct signals_group groups[SIGNALS_GROUPS_MAX])
{
    assert(key <= SIGNALS_BY_TIMEFRAME);
    uint32_t group_count = 0;
    int error = groups_collect(records, count, key, scratch, groups, &group_count);
    if (error)
        return error;
    for (uint32_t g = 0; g < group_count; g++)
        group_measure(records, count, key, scratch, &groups[g]);
    groups_joint(groups, group_count);
    return (int)group_count;
}

/* Whether a stands before b. */
static bool group_before(const struct signals_group *a, const struct signals_group *b)
{
    if (a->sufficient != b->sufficient)
        return a->sufficient;
    if (isnan(a->lower) || isnan(b->lower))
        return !isnan(a->lower) || (isnan(b->lower) && a->key < b->key);
    return a->lower != b->lower ? a->lower > b->lower : a->key < b->key;
}

void signals_quality_rank(const struct signals_group *groups, uint32_t count, uint32_t order[SIGNALS_GROUPS_MAX])
{
    assert(count <= SIGNALS_GROUPS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && group_before(&groups[i], &groups[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

void signals_quality_versus(const struct signals_group *a, const struct signals_group *b, struct signals_versus *out)
{
    out->sufficient = a->sufficient && b->sufficient;
    out->win_rate = a->n && b->n ? (double)a->wins / a->n - (double)b->wins / b->n : NAN;
    out->win_rate_ci = signals_interval_newcombe(a->wins, a->n, b->wins, b->n, SIGNALS_CONFIDENCE);
    out->mean_r_ci = signals_welch(&a->r, &b->r, SIGNALS_CONFIDENCE, &out->mean_r);
}

void signals_quality_conversion(const struct signals_record *records, uint32_t n, const struct signals_window *window,
                                struct signals_conversion *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < n; i++) {
        const struct signals_record *r = &records[i];
        if (!window_holds(window, r->time_ns) || (window->instrument != UINT32_MAX && r->instrument != window->instrument))
            continue;
        assert(r->skip < SIGNALS_SKIP_COUNT && r->refusal < REFUSAL_COUNT); /* the records are sane */
        out->emitted++;
        out->executed += r->status == SIGNALS_EXECUTED;
        out->pending += r->status == SIGNALS_OFFERED;
        out->skipped += r->status == SIGNALS_SKIPPED;
        out->expired += r->status == SIGNALS_EXPIRED;
        out->expired_early += r->status == SIGNALS_EXPIRED && !r->eligible;
        out->reasons[r->skip] += r->status == SIGNALS_SKIPPED;
        out->refusals[r->refusal] += r->status == SIGNALS_SKIPPED && r->skip == SIGNALS_SKIP_REFUSED;
    }
    uint32_t asked = out->emitted - out->expired_early;
    out->rate = asked ? (double)out->executed / asked : NAN;
    out->ci = signals_interval_wilson(out->executed, asked, SIGNALS_CONFIDENCE);
}
