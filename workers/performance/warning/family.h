/* family: the monitors of an account as one alarm: how often it may be false, what its levels mean, and what each has said.
 * Pure.
 *
 * False alarms add up: monitors with mean run lengths ARL0_i give sum 1 / ARL0_i false alarms, however they depend on each
 * other. One false YELLOW in six months over m monitors therefore asks ARL0 >= 6 m months of each
 * (warning_family_arl0, in the monitor's own observations), and RED uses a limit of its own, one in 24 months [design].
 * warning_family_rate says what a set of monitors really has: print it.
 *
 * What each level does is data (warning_actions), done by the caller. RED stays until a person has reviewed it; YELLOW lapses
 * WARNING_HOLD_NS after the monitor last stood in alarm.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_FAMILY_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

#define WARNING_FAMILY_VERSION 1u
#define WARNING_MONTHS_YELLOW 6.0 /* between false alarms of the whole family */
#define WARNING_MONTHS_RED 24.0
#define WARNING_HOLD_NS (INT64_C(30) * 86400 * 1000000000)

enum warning_level { WARNING_NONE, WARNING_YELLOW, WARNING_RED, WARNING_LEVEL_COUNT };
struct warning_action {
    const char *name, *text;
    double risk_factor; /* r_base times this */
    bool entries;       /* whether new positions may be opened */
};
extern const struct warning_action warning_actions[WARNING_LEVEL_COUNT];

/* name, text, what is observed, the highest level that it may give. Operational monitors see far more data than profit and
 * loss does, and lead it: losing an edge of .2 deviations takes some 345 trades to see. Page-Hinkley's mean follows the
 * change and volatility is no fault of the edge: never RED. */
#define WARNING_MONITOR_LIST(X)                                                                                                \
    X(EDGE, "edge_cusum", "trade", RED)               /* R of trades against the tested ones: cusum down */                     \
    X(EDGE_CHANGE, "edge_change_point", "trade", RED) /* bocpd of R */                                                          \
    X(EDGE_SECOND, "edge_page_hinkley", "trade", YELLOW)                                                                        \
    X(DRAWDOWN, "drawdown", "check", RED)             /* against its bootstrap */                                               \
    X(SLIPPAGE, "slippage", "fill", RED)              /* paid less the model's: cusum up */                                     \
    X(SPREAD, "spread", "hour", YELLOW)               /* ln of the spread over its usual one: cusum up */                       \
    X(FILLS, "fill_ratio", "order", RED)              /* orders not filled: counts, Bernoulli, up */                            \
    X(SIGNALS, "signal_rate", "day", YELLOW)          /* signals of a day: counts, Poisson, down and up */                      \
    X(FEATURES, "feature_drift", "check", YELLOW)     /* PSI */                                                                 \
    X(CALIBRATION, "calibration", "outcome", RED)     /* sequential difference of Brier scores */                               \
    X(VOLATILITY, "volatility", "day", YELLOW)        /* EWMA chart of ln realised volatility */
enum warning_monitor {
#define X(name, text, unit, level) WARNING_MONITOR_##name,
    WARNING_MONITOR_LIST(X)
#undef X
        WARNING_MONITOR_COUNT
};
struct warning_monitor_traits {
    const char *name, *unit;
    enum warning_level highest;
};
extern const struct warning_monitor_traits warning_monitors[WARNING_MONITOR_COUNT];

/* ARL0, in observations, that each of `monitor_count` monitors needs for one false alarm of all in `months`, with `per_month`
 * observations of this one a month. A test done at single checks has ARL0 = 1 / alpha. NaN out of range. */
double warning_family_arl0(uint32_t monitor_count, double months, double per_month);
/* False alarms a month of monitors with these ARL0 and observations a month; an ARL0 of infinity or 0 observations: none.
 * NaN out of range. */
double warning_family_rate(const double *arl0, const double *per_month, uint32_t monitor_count);

/* Plain bytes without padding. */
struct warning_family_entry {
    uint32_t level; /* enum warning_level that stands */
    uint32_t reserved;
    int64_t since_ns; /* it was raised to this level */
    int64_t last_ns;  /* it last stood in alarm */
};
struct warning_family {
    uint32_t version, reserved;
    struct warning_family_entry monitors[WARNING_MONITOR_COUNT];
};
void warning_family_init(struct warning_family *family);
/* The monitor stands in alarm at this level (capped at its highest). True when that is news: the level rose, to be
 * logged (log.h). A lower level than the one that stands only keeps that from lapsing if it is YELLOW. */
bool warning_family_raise(struct warning_family *family, enum warning_monitor monitor, enum warning_level level, int64_t now_ns);
/* Take back what has lapsed; how many did. */
uint32_t warning_family_expire(struct warning_family *family, int64_t now_ns);
/* A person has looked: back to NONE. The caller resets the monitor itself. */
void warning_family_review(struct warning_family *family, enum warning_monitor monitor);
/* The highest that stands: index into warning_actions. */
enum warning_level warning_family_level(const struct warning_family *family);
bool warning_family_restorable(const struct warning_family *family);

#endif
