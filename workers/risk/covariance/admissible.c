/* The exact set of admissible quantities of book.h: for each other account one forbidden interval in closed form, and
 * the set is what none of them forbids. */
#include "workers/risk/covariance/book.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "workers/risk/covariance/matrix.h"

struct interval {
    double low, high; /* open; low >= high: empty */
};
#define EMPTY ((struct interval){0.0, 0.0})
#define EVERYTHING ((struct interval){-INFINITY, INFINITY})

/* With q added: numerator n0 + q g, own variance v + 2 q s + q^2 d, the other's variance vb. */
struct line {
    double n0, g, v, s, d, vb;
};

/* numerator - c sqrt(variance * vb), which is concave in q for c >= 0; > 0 is forbidden. */
static double line_excess(const struct line *l, double c, double q)
{
    double variance = fmax(0.0, l->v + 2.0 * q * l->s + q * q * l->d);
    return l->n0 + q * l->g - c * sqrt(variance * l->vb);
}

/* Real roots of A q^2 + 2 B q + C, ascending; a root at infinity is left out. */
static uint32_t quadratic_roots(double a, double b, double c, double scale, double roots[2])
{
    if (fabs(a) <= 1e-14 * scale) {
        roots[0] = -c / (2.0 * b);
        return b != 0.0;
    }
    double discriminant = b * b - a * c;
    if (discriminant < -1e-12 * (b * b + fabs(a * c)))
        return 0;
    /* A double root (a position in this instrument alone: the correlation is a step) may come out a little below 0. */
    double t = -(b + copysign(sqrt(fmax(0.0, discriminant)), b)); /* no cancellation */
    double one = t / a, two = t != 0.0 ? c / t : one;
    roots[0] = fmin(one, two);
    roots[1] = fmax(one, two);
    return 2;
}

/* Where the excess is 0: at most two q, ascending. The squared equation has the roots of both signs of the numerator.
 */
static uint32_t line_roots(const struct line *l, double c, double roots[2])
{
    double k = c * c * l->vb, all[2] = {0};
    if (k == 0.0) {
        roots[0] = -l->n0 / l->g;
        return l->g != 0.0;
    }
    uint32_t found = quadratic_roots(l->g * l->g - k * l->d, l->n0 * l->g - k * l->s, l->n0 * l->n0 - k * l->v,
                                     l->g * l->g + k * l->d, all);
    uint32_t count = 0;
    for (uint32_t i = 0; i < found; i++)
        if (l->n0 + all[i] * l->g >= -1e-12 * (fabs(l->n0) + fabs(all[i] * l->g)))
            roots[count++] = all[i];
    return count;
}

/* Where the correlation is above c: {excess > 0} is convex, so one open interval. */
static struct interval line_forbidden(const struct line *l, double c)
{
    double roots[2] = {0};
    uint32_t count = line_roots(l, c, roots);
    double bound = c * sqrt(l->d * l->vb), noise = 1e-12 * (fabs(l->n0) + c * sqrt(l->v * l->vb));
    if (count == 0) /* one sign everywhere; a root that rounding lost must not admit */
        return line_excess(l, c, 0.0) > noise || fabs(l->g) > bound ? EVERYTHING : EMPTY;
    double low = roots[0], high = roots[count - 1];
    bool between = count == 2 && line_excess(l, c, low + (high - low) / 2.0) > 0.0;
    if (l->g > bound) /* rises to infinity: one root, or one more by rounding */
        return (struct interval){between ? low : high, INFINITY};
    if (-l->g > bound)
        return (struct interval){-INFINITY, between ? high : low};
    if (count == 2)
        return between ? (struct interval){low, high} : EMPTY;
    double step = 1.0 + fabs(low); /* level at one end */
    if (line_excess(l, c, low + step) > noise)
        return (struct interval){low, INFINITY};
    return line_excess(l, c, low - step) > noise ? (struct interval){-INFINITY, low} : EMPTY;
}

/* The forbidden interval less what `reducing` gives back: at most three parts. Given back is what lies between 0 and
 * turn = -2 s / d (the variance is not larger there) without `above` (where the correlation is larger than before), an
 * interval that ends at 0; where that reaches beyond turn, the parts overlap). */
static uint32_t line_parts(const struct line *l, double limit, bool reducing, struct interval parts[3])
{
    struct interval all = line_forbidden(l, limit);
    if (!(all.low < all.high))
        return 0;
    parts[0] = all;
    double before = l->n0 / sqrt(l->v * l->vb), turn = -2.0 * l->s / l->d;
    if (!reducing || !(before > limit))
        return 1;
    struct interval above = line_forbidden(l, before);
    bool falling = turn < 0.0; /* which way the variance falls; and whether `above` lies there */
    bool there = above.low < above.high && (fabs(above.low) > fabs(above.high)) == falling;
    double edge = there ? (falling ? above.low : above.high) : 0.0, from = fmin(turn, 0.0), to = fmax(turn, 0.0);
    parts[0] = (struct interval){all.low, from};
    parts[1] = (struct interval){to, all.high};
    parts[2] = falling ? (struct interval){edge, 0.0} : (struct interval){0.0, edge};
    return 3;
}

/* Ascending by low. */
static void intervals_insert(struct interval *list, uint32_t *count, struct interval one)
{
    if (!(one.low < one.high))
        return;
    assert(*count < 3 * BOOK_ACCOUNTS_MAX);
    uint32_t at = (*count)++;
    for (; at > 0 && list[at - 1].low > one.low; at--)
        list[at] = list[at - 1];
    list[at] = one;
}

/* What none of the open intervals covers. Two that only meet leave the point between them. */
static void intervals_complement(const struct interval *list, uint32_t count, struct book_intervals *out)
{
    double reached = -INFINITY;
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].low >= reached && list[i].low > -INFINITY) {
            out->low[out->count] = reached;
            out->high[out->count++] = list[i].low;
        }
        reached = fmax(reached, list[i].high);
    }
    if (reached < INFINITY) {
        out->low[out->count] = reached;
        out->high[out->count++] = INFINITY;
    }
}

void book_admissible(const struct book_question *question, bool reducing, struct book_intervals *out)
{
    uint32_t n = question->count, j = question->instrument, forbidden_count = 0;
    assert(n > 0 && n <= COVARIANCE_SERIES_MAX && j < n && question->account_count <= BOOK_ACCOUNTS_MAX);
    assert(question->limit >= 0.0 && question->limit < 1.0);
    struct interval forbidden[3 * BOOK_ACCOUNTS_MAX];
    double own[COVARIANCE_SERIES_MAX], other[COVARIANCE_SERIES_MAX];
    matrix_apply(question->covariance, question->position, n, own);
    struct line l = {.v = book_variance(question->position, question->covariance, n),
                     .s = own[j],
                     .d = question->covariance[j * n + j]};
    out->count = 0;
    out->flat = l.v == 0.0;
    if (!isfinite(l.v))
        return; /* what is no number admits nothing */
    for (uint32_t b = 0; b < question->account_count && !out->flat; b++) {
        const double *position = question->others + (size_t)b * n;
        l.vb = book_variance(position, question->covariance, n);
        if (l.vb <= 0.0)
            continue;
        matrix_apply(question->covariance, position, n, other);
        l.n0 = matrix_form(question->position, question->covariance, position, n);
        l.g = other[j];
        bool known = isfinite(l.vb) && isfinite(l.n0) && isfinite(l.g) && isfinite(l.v) && isfinite(l.s) && l.d > 0.0;
        struct interval parts[3] = {EVERYTHING};
        uint32_t count = known ? line_parts(&l, question->limit, reducing, parts) : 1;
        for (uint32_t i = 0; i < count; i++)
            intervals_insert(forbidden, &forbidden_count, parts[i]);
    }
    intervals_complement(forbidden, forbidden_count, out);
}

bool book_admits(const struct book_intervals *set, double q)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (q >= set->low[i] && q <= set->high[i])
            return true;
    return false;
}

double book_largest(const struct book_intervals *set, double wanted)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (!(set->low[i] <= 0.0 && set->high[i] >= 0.0))
            continue;
        return wanted >= 0.0 ? fmin(wanted, set->high[i]) : fmax(wanted, set->low[i]);
    }
    return 0.0;
}
