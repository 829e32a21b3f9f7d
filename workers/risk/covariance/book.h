/* book: what positions of several accounts have to do with each other before a trade is made, and how much of one a book's
 * volatility allows. Pure.
 *
 * A position vector has one signed quantity for each instrument (lots; any unit that `covariance` goes with, covariance of
 * the money per unit of it), `count` of them, the covariance row-major [count][count]. count <= COVARIANCE_SERIES_MAX,
 * accounts <= BOOK_ACCOUNTS_MAX. The account at hand is a, the others are rows of `others` [account_count][count].
 */
#ifndef PROPFLEET_WORKERS_RISK_COVARIANCE_BOOK_H
#define PROPFLEET_WORKERS_RISK_COVARIANCE_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/risk/covariance/covariance.h"

#define BOOK_ACCOUNTS_MAX 32u
#define BOOK_INTERVALS_MAX (3u * BOOK_ACCOUNTS_MAX + 1u)

double book_variance(const double *position, const double *covariance, uint32_t count);
/* a'S b / sqrt(a'S a b'S b): the ex-ante correlation. NaN when one of them has no variance (flat, perfectly hedged). */
double book_correlation(const double *a, const double *b, const double *covariance, uint32_t count);

struct book_question {
    const double *covariance;
    uint32_t count;
    const double *position; /* of the account that wants to trade */
    const double *others;   /* [account_count][count]; flat ones ask for nothing */
    uint32_t account_count;
    uint32_t instrument;    /* in which q is added to position */
    double limit;           /* of the correlation, 0 <= limit < 1: 0.3 */
};
/* Largest ex-ante correlation with any of the others after adding q (which may be 0). NaN: nothing to correlate with. */
double book_correlation_after(const struct book_question *question, double q);

/* Closed intervals of q, ascending, apart; ends may be infinite. */
struct book_intervals {
    uint32_t count;
    bool flat; /* the account held nothing: everything is admissible, and the partition must say who is first */
    double low[BOOK_INTERVALS_MAX], high[BOOK_INTERVALS_MAX];
};
/* The exact set of admissible q: those for which with every other account that holds something
 *   the correlation after is at most the limit,
 *   or (only if `reducing`) neither it nor the account's own variance is larger than before.
 * Where the numerator n0 + q g passes limit * sqrt(var(q) v_b) is a quadratic whose roots count only where the numerator is
 * not negative; numerator less bound is concave in q, so each account forbids one open interval, less what `reducing`
 * gives back; the set is what none forbids. With `reducing` q = 0 is always in it. Adding to one instrument is often never
 * admissible: the set may be empty. */
void book_admissible(const struct book_question *question, bool reducing, struct book_intervals *out);
bool book_admits(const struct book_intervals *set, double q);
/* The q farthest from 0 towards `wanted`, at most `wanted`, such that it and every smaller quantity on the way (a partial
 * fill) is admissible. 0 when none is. */
double book_largest(const struct book_intervals *set, double wanted);

/* --- how much (quant.md 5.3) ----------------------------------------------------------------------------------------- */

/* Largest q >= 0 with (w + q u)'C(w + q u) <= V^2, all in account currency of one standard deviation a day. Where the book
 * is beyond V already: the q that lowers its variance most, if u lowers it at all, else 0. Products of risks of one sign
 * do not bank on a negative correlation: it counts as 0. A C that is no correlation matrix (the stressed one) may give a
 * negative variance: it counts as 0. NaN when u is 0 or something is not finite. */
double book_capacity(const double *w, const double *u, const double *correlation, uint32_t count, double volatility);
/* Stress: every pair that shares a currency at +-level, its sign kept (0 counts as +). out may be `correlation`. */
void book_stress(const double *correlation, const struct covariance_instrument *instruments, uint32_t count, double level,
                 double *out);
#define BOOK_STRESS_LEVEL 0.8
/* m_corr = min(1, q / wanted) with q the smaller capacity of C and of C stressed; 0 < wanted. NaN as book_capacity: an
 * input that is no number must deny. */
double book_scale(const double *w, const double *u, const double *correlation,
                  const struct covariance_instrument *instruments, uint32_t count, double volatility, double wanted);

/* --- how many accounts --------------------------------------------------------------------------------------------- */

/* How many position vectors can have pairwise correlations of at most `limit` (0 <= limit < 1) on `factors` independent
 * factors: points on a sphere at least acos(limit) apart. Exact for 1 and 2 factors, for 3 from Tammes' problem (up to 14
 * points: "at least 14" beyond); above 3 the 2 * factors of a cross-polytope: a lower bound. *exact says which. With
 * long_only: one for each factor. 0 factors: 0. */
uint32_t book_accounts_feasible(uint32_t factors, double limit, bool long_only, bool *exact);
/* N / (1 + (N - 1) rho): accounts that N with mean pairwise correlation rho are worth; at most 1 / rho. */
double book_accounts_effective(uint32_t accounts, double mean_correlation);

#endif
