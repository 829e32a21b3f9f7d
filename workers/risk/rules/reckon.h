/* reckon: shares compared without a quotient, times that saturate, limits. Beside money.h; private to
 * workers/risk/rules. */
#ifndef PROPFLEET_WORKERS_RISK_RULES_RECKON_H
#define PROPFLEET_WORKERS_RISK_RULES_RECKON_H

#include "workers/risk/rules/money.h"

/* A limit: whole cents, down, never below 0. */
static inline dec_t rules_limit_cents(dec_t value)
{
    return dec_max(0, rules_cent_down(value));
}

/* part against whole * share, exact: below 0, 0, above 0. Both of at most 2^96 or so. */
static inline int rules_against(rules_wide part, rules_wide whole, dec_t share)
{
    rules_wide left = part * DEC_ONE, right = whole * share;
    return left < right ? -1 : left > right;
}

/* part / whole of numbers of either sign, whole > 0; up or toward minus infinity. */
static inline dec_t rules_share(rules_wide part, rules_wide whole, bool up)
{
    rules_wide quotient = part * DEC_ONE / whole, rest = part * DEC_ONE % whole;
    quotient -= rest < 0;
    return rules_clamp(quotient + (up && rest != 0));
}

/* t + s seconds. */
static inline int64_t rules_later(int64_t t_ns, int64_t s)
{
    rules_wide at = (rules_wide)t_ns + (rules_wide)s * RULES_SECOND;
    return at > INT64_MAX ? INT64_MAX : at < INT64_MIN ? INT64_MIN : (int64_t)at;
}

#endif
