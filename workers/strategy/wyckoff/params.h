/* params: the numbers of the Wyckoff rules, in numbered sets. Pure.
 *
 * A set is a promise: what it says about given bars never changes. A change of a rule or of a number is a further set.
 *   1   the defaults of quant.md 2.3, as the reference prototype uses them (golden/wyckoff is its output). Its constant
 *       60 for the bars from SOS to LPS and E is d_max here; its lps_max, sos_sr and w_min decide nothing (w_min is a
 *       mark of quality of the range, wyckoff.h).
 *   2   the same machine with other numbers, and the rules that are switched on in it: docs/wyckoff.md.
 * Distances are in A0, the ATR at the climax, or in W, the width of the range; volumes are relative (RV, quant.md 2.2).
 */
#ifndef PROPFLEET_WORKERS_STRATEGY_WYCKOFF_PARAMS_H
#define PROPFLEET_WORKERS_STRATEGY_WYCKOFF_PARAMS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define WYCKOFF_RING 64u /* bars that the machine can look back on, a power of two; bounds the windows below */
static_assert((WYCKOFF_RING & (WYCKOFF_RING - 1)) == 0, "indices are masked");

/* X(name, set 1, set 2, least, most): bars, or 0 and 1 for a rule that is off or on */
#define WYCKOFF_COUNTS(X)                                                                                              \
    X(n_atr, 14, 14, 2, 60)      /* Wilder's average true range */                                                     \
    X(n_vol, 50, 50, 20, 60)     /* median of volume, of bars before this one */                                       \
    X(n_vol_min, 20, 20, 1, 60)  /* and at least so many of them */                                                    \
    X(n_tr, 40, 40, 5, 60)       /* SC: lowest low and fall from the highest high of so many bars before it */         \
    X(ar_max, 20, 20, 1, 1000)   /* SC to AR */                                                                        \
    X(ps_back, 40, 40, 4, 40)    /* PS lies at most so far before the SC */                                            \
    X(ps_low, 20, 20, 1, 20)     /* and is the lowest low of so many bars before it */                                 \
    X(st_max, 60, 60, 1, 1000)   /* AR to ST */                                                                        \
    X(b_min, 12, 15, 1, 1000)    /* ST to the first spring or SOS */                                                   \
    X(b_max, 250, 250, 1, 1000)  /* ST to SOS */                                                                       \
    X(sp_rec, 6, 6, 1, 60)       /* below the range to the close back inside */                                        \
    X(test_max, 25, 25, 1, 1000) /* spring to TEST */                                                                  \
    X(sos_bars, 15, 15, 2, 30)   /* the leg into an SOS, and the bars before it that it is weighed against */          \
    X(sos_last, 3, 2, 1, 30)     /* its last bars, one of which has volume */                                          \
    X(d_max, 60, 60, 1, 1000)    /* SOS to E */                                                                        \
    X(cool, 10, 10, 0, 1000)     /* after the end of a pattern */                                                      \
    X(respring, 0, 2, 0, 8)      /* a close below a spring's low so often begins a further spring, then it fails */    \
    X(reserved, 0, 0, 0, 0)      /* keeps the struct without padding */

/* X(name, set 1, set 2, least, most) */
#define WYCKOFF_REALS(X)                                                                                               \
    X(drop, 4.0, 4.0, 0.0, 100.0)      /* SC: fall in ATR from the highest high of n_tr bars */                        \
    X(sc_rv, 2.0, 2.3, 0.0, 100.0)     /* RV */                                                                        \
    X(sc_sr, 1.6, 1.45, 0.0, 100.0)     /* high - low in ATR */                                                        \
    X(sc_clv, 0.25, 0.25, 0.0, 1.0)    /* close's place in the bar */                                                  \
    X(ps_rv, 1.3, 1.3, 0.0, 100.0)     /* PS */                                                                        \
    X(ps_sr, 1.1, 1.1, 0.0, 100.0)                                                                                     \
    X(ps_bounce, 0.8, 0.8, 0.0, 100.0) /* ATR from its low to a later high before the SC */                            \
    X(inv, 0.5, 0.6, 0.0, 100.0)       /* A0 of a close below S that ends phase A */                                   \
    X(ar_min_atr, 2.5, 2.5, 0.0, 100.0)                                                                                \
    X(ar_retr, 1.0, 1.0, 0.0, 100.0)   /* A0 of pullback that make a high the AR */                                    \
    X(w_min, 2.5, 2.5, 0.0, 100.0)     /* W / A0 of a range of quality */                                              \
    X(w_max, 14.0, 14.0, 0.0, 1000.0)                                                                                  \
    X(st_zone, 0.35, 0.35, -1.0, 2.0)  /* ST: its low at most so many W above S, */                                    \
    X(st_under, 0.15, 0.20, -1.0, 2.0) /* at most so many below, */                                                    \
    X(st_conf, 0.7, 0.7, 0.0, 100.0)   /* a close so many A0 above it, */                                              \
    X(st_rv, 0.75, 0.75, 0.0, 100.0)   /* RV at most this share of the climax's */                                     \
    X(ua_step, 0.35, 0.35, 0.0, 10.0)  /* W that a high without SOS may raise R by */                                  \
    X(sp_min, 0.05, 0.05, 0.0, 100.0)  /* spring: A0 below S, */                                                       \
    X(sp_max_atr, 1.5, 1.5, 0.0, 100.0) /* and at most the greater of so many A0 */                                    \
    X(sp_max_w, 0.40, 0.40, 0.0, 10.0) /* and so many W */                                                             \
    X(bounce, 1.0, 1.0, 0.0, 100.0)    /* TEST: A0 of rally from the spring, */                                        \
    X(pull, 0.5, 0.5, 0.0, 100.0)      /* A0 of pullback from it, */                                                   \
    X(test_zone, 0.45, 0.45, -1.0, 2.0) /* W above S at most, */                                                       \
    X(test_rv, 0.9, 0.9, 0.0, 100.0)   /* RV at most */                                                                \
    X(sos_over, 0.10, 0.10, 0.0, 100.0) /* SOS: A0 of a close above R, */                                              \
    X(sos_leg, 0.60, 0.60, 0.0, 10.0)  /* W of the leg, */                                                             \
    X(sos_rv, 1.2, 1.2, 0.0, 100.0)    /* RV of one of its last bars, */                                               \
    X(sos_updn, 1.15, 1.20, 0.0, 100.0) /* mean RV of its up closes over that of the down closes before it */          \
    X(leg_inv, 0.25, 0.25, 0.0, 10.0)  /* an SOS without spring: W above S where it is void at the latest */           \
    X(d_pull, 0.8, 0.8, 0.0, 100.0)    /* LPS: A0 of pullback from the high, */                                        \
    X(lps_hold, 0.45, 0.35, 0.0, 10.0) /* W above S at least, */                                                       \
    X(lps_rv, 0.9, 0.9, 0.0, 100.0)    /* RV at most this share of the SOS leg's (at least of 1) */                    \
    X(d_hold, 0.5, 0.5, 0.0, 10.0)     /* share of lps_hold; see wyckoff.h, "D" */                                     \
    X(e_over, 1.0, 1.0, 0.0, 100.0)    /* E: A0 above R */

struct wyckoff_params {
#define X(name, ...) double name;
    WYCKOFF_REALS(X)
#undef X
#define X(name, ...) uint32_t name;
    WYCKOFF_COUNTS(X)
#undef X
};

#define WYCKOFF_SETS 2u
/* Set 1 or 2; NULL for another number. */
const struct wyckoff_params *wyckoff_params_set(uint32_t number);
/* 0, or -EINVAL with the name and the bounds of what is not within them (NaN is not). */
int wyckoff_params_check(const struct wyckoff_params *params, struct error *err);
/* The number called `name` in a set, as in reference_params.json; NaN for a name that nothing here has. */
double wyckoff_params_get(const struct wyckoff_params *params, const char *name);
/* Put it there; false for a name that nothing here has, or a count that is no whole number in 0..2^32-1. */
bool wyckoff_params_put(struct wyckoff_params *params, const char *name, double value);
/* What a state remembers of the parameters it was built with. */
uint64_t wyckoff_params_digest(const struct wyckoff_params *params);

#endif
