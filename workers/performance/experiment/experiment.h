/* experiment: is a variant better than the control? A paired shadow comparison, decided by a rule that was written down
 * before (quant.md section 9). Pure.
 *
 * Both arms see the same signals, quotes and costs; the variant runs in shadow and sends no orders. A pair is one signal:
 * d = direction * (net R of the variant - net R of the control), an arm that skipped it made 0, both skipped: 0. Everything
 * in the design is fixed beforehand; its digest belongs into the journal. The unit is the day (the sum of its pairs: trades
 * of a day are not independent), or the signal where no day ever has two trades.
 *
 * The interval holds at all times at once (sequence.h), so a decision may be asked for after every unit:
 *   NOT_COMPARABLE  an arm saw other signals, quotes or costs, was not the one that was registered, or the data had been used
 *                   to tune the variant: no evidence at all, whatever the numbers say
 *   STOP            a guardrail is broken; or the whole interval is below the smallest useful difference
 *   SHIP            the whole interval is above 0, and no reason forbids it (EXPERIMENT_NEVER_SHIP)
 *   INCONCLUSIVE    the registered length is reached and none of these
 *   CONTINUE        otherwise
 * The first decision that is not CONTINUE ends the experiment: it stays, and nothing is added any more. With k variants
 * against one control each is an experiment of its own at alpha / k.
 *
 * "Moved only by fewer trades": a variant that trades nothing beats any control that loses. What pairs gained in which the
 * variant traded must be above 0. A pure filter is therefore never shipped from here: its threshold is tuned and
 * admitted by overfit/objective.h and overfit/adoption.h.
 *
 * The state is plain memory without pointers: rebuilt by feeding the pairs again in order.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_EXPERIMENT_EXPERIMENT_H
#define PROPFLEET_WORKERS_PERFORMANCE_EXPERIMENT_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/performance/experiment/sequence.h"

#define EXPERIMENT_ALPHA 0.05      /* registered unless there is a reason for another one */
#define EXPERIMENT_BOUND_R 3.0     /* clip of the bounded methods */
#define EXPERIMENT_POWER 0.8
#define EXPERIMENT_COST_TRADES_MIN 20u /* trades of the variant before its costs are held against it */

#define EXPERIMENT_METHODS(X)                                                               \
    X(BETTING, "betting")       /* bounded; the tightest, valid from the first unit on */ \
    X(BERNSTEIN, "bernstein")   /* bounded */                                             \
    X(ASYMPTOTIC, "asymptotic") /* from 50 units on */                                    \
    X(MSPRT, "msprt")           /* known variance */
enum experiment_method {
#define X(name, text) EXPERIMENT_##name,
    EXPERIMENT_METHODS(X)
#undef X
    EXPERIMENT_METHOD_COUNT
};
enum experiment_unit { EXPERIMENT_DAY, EXPERIMENT_SIGNAL };

struct experiment_design {
    uint32_t method;        /* enum experiment_method */
    uint32_t unit;          /* enum experiment_unit */
    int32_t direction;      /* 1: more R is better; -1 */
    uint32_t variant_count; /* k >= 1: tried at the same time against this control */
    double alpha;           /* of all k together, (0, .5) */
    double useful_r;        /* smallest difference a unit worth having, > 0 */
    double bound_r;         /* BETTING, BERNSTEIN: units are clipped to +- this; > 0 */
    double variance, prior_variance; /* MSPRT: s2, t2; > 0 */
    double optimal_units;   /* ASYMPTOTIC: where it is to be tightest, > 0 */
    uint32_t unit_min;      /* no SHIP and no futility before; ASYMPTOTIC: at least 50 */
    uint32_t unit_max;      /* registered length, units */
    uint32_t day_max;       /* registered length, calendar days from the first pair; 0: units alone */
    double drawdown_max_r;  /* guardrail: variant's drawdown of cumulated R; 0: none */
    double cost_max_r;      /* guardrail: variant's mean cost of a trade, R; 0: none */
    int64_t tuned_until_ns; /* last time of the data from which the variant was made: pairs must be later */
    uint64_t control_hash, variant_hash; /* configurations that are registered */
};

struct experiment_arm {
    uint64_t configuration_hash;
    uint64_t signal_hash, quotes_hash, costs_hash; /* what it saw: must be the other arm's */
    bool taken;
    double net_r;  /* after costs; 0 when not taken */
    double cost_r; /* >= 0; 0 when not taken */
};
struct experiment_pair {
    int64_t time_ns; /* of the signal */
    int32_t day;     /* trading day number, never falling */
    struct experiment_arm control, variant;
};

/* name, text. The first ones are those of NOT_COMPARABLE. */
#define EXPERIMENT_REASONS(X)                                                                              \
    X(SIGNALS, "the arms saw different signals")                                                         \
    X(QUOTES, "the arms saw different quotes")                                                           \
    X(COSTS, "the arms paid by different cost models")                                                   \
    X(CONFIGURATION, "an arm is not the one that was registered")                                        \
    X(REUSED, "the variant was made from these data")                                                    \
    X(DRAWDOWN, "guardrail: the variant's drawdown")                                                     \
    X(COST_GUARD, "guardrail: the variant's costs")                                                      \
    X(FUTILE, "the interval is below the smallest useful difference")                                    \
    X(FEWER_TRADES, "the difference comes from trades that were not made")                               \
    X(CLUSTERED, "two trades in one day, and the unit is the signal")                                    \
    X(UNITS, "fewer units than registered")                                                              \
    X(LENGTH, "the registered length is reached")
enum experiment_reason {
#define X(name, text) EXPERIMENT_REASON_##name,
    EXPERIMENT_REASONS(X)
#undef X
    EXPERIMENT_REASON_COUNT
};
const char *experiment_reason_text(unsigned reason); /* "?" for what is none */
#define EXPERIMENT_BIT(name) (UINT32_C(1) << EXPERIMENT_REASON_##name)
#define EXPERIMENT_INCOMPARABLE                                                                                     \
    (EXPERIMENT_BIT(SIGNALS) | EXPERIMENT_BIT(QUOTES) | EXPERIMENT_BIT(COSTS) | EXPERIMENT_BIT(CONFIGURATION) |     \
     EXPERIMENT_BIT(REUSED))
#define EXPERIMENT_NEVER_SHIP (EXPERIMENT_BIT(FEWER_TRADES) | EXPERIMENT_BIT(CLUSTERED))

#define EXPERIMENT_DECISIONS(X)                                                                                        \
    X(CONTINUE, "CONTINUE") X(SHIP, "SHIP") X(STOP, "STOP") X(INCONCLUSIVE, "INCONCLUSIVE")                            \
    X(NOT_COMPARABLE, "NOT COMPARABLE")
enum experiment_decision {
#define X(name, text) EXPERIMENT_##name,
    EXPERIMENT_DECISIONS(X)
#undef X
    EXPERIMENT_DECISION_COUNT
};
const char *experiment_decision_text(unsigned decision); /* "?" for what is none */
const char *experiment_method_text(unsigned method);

struct experiment_result {
    uint32_t decision; /* enum experiment_decision */
    uint32_t reasons;  /* bits EXPERIMENT_BIT */
    uint64_t unit_count, pair_count, clipped_count; /* units complete; of them clipped */
    double mean, sd;   /* of d by unit, clipped where the method clips; sd with n - 1 */
    double lower, upper; /* of the mean, at all times at once; NaN for ASYMPTOTIC below 50 units and for no unit */
    double fixed_half_width; /* z sd / sqrt(n): what it would be had one looked once, at the registered end */
    double p;          /* MSPRT: always valid p-value; otherwise NaN */
    double detectable; /* difference that n units would show, experiment_detectable at alpha / k and power .8 */
    double correlation; /* of the arms, by unit: r in sd_d^2 = sd_a^2 + sd_b^2 - 2 r sd_a sd_b */
    double pairing_gain; /* (sd_a^2 + sd_b^2) / sd_d^2: how many times more units two separate groups would need */
    double gain_traded, gain_skipped; /* sum of d where the variant traded, where the control alone did; R */
    double variant_drawdown_r, variant_cost_r;
};

struct experiment {
    struct experiment_design design;
    double alpha; /* alpha / k */
    uint32_t reasons, decision;
    uint64_t pair_count, clipped_count, variant_trades;
    int32_t first_day, day; /* of pairs; day: the open one */
    uint32_t day_pairs, day_trades; /* in the open day */
    bool day_open;
    double day_control, day_variant; /* R summed in the open day */
    struct sequence_mean difference; /* of units */
    struct sequence_mean control, variant;
    double comoment; /* sum of products of the arms' deviations, by unit */
    double gain_traded, gain_skipped;
    double cumulated_r, peak_r, drawdown_r, cost_r; /* of the variant */
    union {
        struct sequence_msprt msprt;
        struct sequence_bernstein bernstein;
        struct sequence_betting betting;
    } sequence;
};

/* 0; -EINVAL: a field of the design that its method needs is out of its range. */
int experiment_init(struct experiment *experiment, const struct experiment_design *design);

/* One pair. 0; -EINVAL: a number that is not finite, a result or cost of an arm that skipped, a negative cost, a day or
 * time before the last one's day; -EALREADY: decided already; both without a change. A pair that cannot be compared is
 * not counted: it leaves its reason, for good, and 0 is returned. */
int experiment_add(struct experiment *experiment, const struct experiment_pair *pair);
/* The day is over: its unit counts. Days before it close by themselves when a later pair comes. Days without a signal are no
 * units. No effect when it is not the open day. */
void experiment_close_day(struct experiment *experiment, int32_t day);

/* Where it stands after the units that are complete; now_day ends the registered number of days. A decision other than
 * CONTINUE stays. */
void experiment_decide(struct experiment *experiment, int32_t now_day, struct experiment_result *out);

/* The difference of means that n units of deviation sd show with that power, two-sided at alpha:
 * (z(1 - alpha/2) + z(power)) sd / sqrt(n). NaN for n = 0. And the units needed for a difference, rounded up; NaN unless
 * difference > 0. */
double experiment_detectable(double sd, uint64_t n, double alpha, double power);
double experiment_units_needed(double sd, double difference, double alpha, double power);
/* Deviation of d from those of the arms and their correlation. */
double experiment_paired_sd(double sd_a, double sd_b, double correlation);

#endif
