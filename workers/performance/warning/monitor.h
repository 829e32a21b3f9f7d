/* monitor: the control charts themselves, one observation at a time. Pure, O(1) an observation.
 *
 * Each state is a plain struct of fixed size, zeroed and filled by its init, which may be copied as bytes and put back: equal
 * histories give equal bytes. A snapshot's bytes are hostile until x_restorable has said yes; another version, or another
 * design, is rebuilt from the observations. An observation that is not finite is passed over. After an alarm a
 * chart goes on (its state stays beyond its limit) until warning_x_reset, except Page-Hinkley, which starts again by
 * itself as its source does.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_MONITOR_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/performance/warning/arl.h"

#define WARNING_MONITOR_VERSION 1u

/* CUSUM of z = (x - mean) / deviation against one side: up S = max(0, S + z - k), down S = max(0, S - z - k); alarm at
 * S > h. mean and deviation from at least 200 walk-forward trades. */
struct warning_cusum_design {
    double mean, deviation; /* deviation > 0 */
    double k, h;            /* in deviations; warning_cusum_critical */
    double start;           /* 0 <= start <= h; h / 2: fast initial response, also after a reset */
    double clip;            /* |z| at most this (heavy tails); 0: not */
    double autocorrelation; /* of z, |.| < 1: z is replaced by (z - a z_before) / sqrt(1 - a^2) from the second one on */
    int32_t side;           /* 1 up, -1 down */
    uint32_t reserved;      /* 0 */
};
struct warning_cusum {
    uint32_t version;
    uint32_t alarmed; /* S > h at the last observation */
    struct warning_cusum_design design;
    double sum;           /* S */
    double z_before;
    uint64_t count;
};
/* 0, or -EINVAL for a design that cannot be: *out is then all zero and restorable says no. */
int warning_cusum_init(struct warning_cusum *out, const struct warning_cusum_design *design);
bool warning_cusum_observe(struct warning_cusum *cusum, double x); /* whether it stands in alarm */
void warning_cusum_reset(struct warning_cusum *cusum);
bool warning_cusum_restorable(const struct warning_cusum *cusum, const struct warning_cusum_design *design);

/* Mean run length of a design over resampled paths: path p takes values[indices[p * length + i]], i = 0, 1, ...; a path without
 * alarm counts as `length`, so the mean is a lower bound. Indices are the caller's (a block bootstrap of out-of-sample
 * results). NaN when an index is out of range, or without a path. */
double warning_cusum_arl_paths(const struct warning_cusum_design *design, const double *values, uint32_t count,
                               const uint32_t *indices, uint32_t paths, uint32_t length);
/* The smallest h (to 1e-3) whose mean run length over the paths is at least arl0; design->h and start are not read. NaN where
 * none up to WARNING_LIMIT_MAX is, as when length is not well above arl0 (five times it at least). */
double warning_cusum_critical_paths(const struct warning_cusum_design *design, const double *values, uint32_t count,
                                    const uint32_t *indices, uint32_t paths, uint32_t length, double arl0);

/* EWMA chart of z, two-sided, fixed limits (arl.h). */
struct warning_ewma {
    uint32_t version;
    uint32_t alarmed;
    double mean, deviation, lambda, c;
    double level; /* Z */
    uint64_t count;
};
int warning_ewma_init(struct warning_ewma *out, double mean, double deviation, double lambda, double c); /* -EINVAL */
bool warning_ewma_observe(struct warning_ewma *ewma, double x);
void warning_ewma_reset(struct warning_ewma *ewma);
bool warning_ewma_restorable(const struct warning_ewma *ewma);

/* Page-Hinkley for a rise of x (give -R to watch R fall), river's form: running mean m, P = max(0, alpha P + x - m - delta),
 * alarm at P > threshold from min_count observations on; the next observation then starts again from nothing. The mean
 * estimates itself and follows the change: a second opinion. */
struct warning_page_hinkley {
    uint32_t version;
    uint32_t alarmed;
    double delta, threshold, alpha;
    uint64_t min_count;
    double mean, sum; /* P */
    uint64_t count;
};
int warning_page_hinkley_init(struct warning_page_hinkley *out, double delta, double threshold, double alpha,
                              uint64_t min_count); /* -EINVAL */
bool warning_page_hinkley_observe(struct warning_page_hinkley *state, double x);
bool warning_page_hinkley_restorable(const struct warning_page_hinkley *state);

/* CUSUM of counts (arl.h): signals of a day, orders that were not filled. */
struct warning_count {
    uint32_t version;
    uint32_t alarmed;
    struct warning_count_design design;
    uint32_t reserved;
    int64_t sum;
    uint64_t count;
};
int warning_count_init(struct warning_count *out, const struct warning_count_design *design); /* -EINVAL */
bool warning_count_observe(struct warning_count *state, uint32_t x);
void warning_count_reset(struct warning_count *state);
bool warning_count_restorable(const struct warning_count *state, const struct warning_count_design *design);

/* A sequential test that lives elsewhere (a confidence sequence of a mean in [-1, 1]), as this folder sees it. */
struct warning_sequential {
    void *self;
    void (*observe)(void *self, double difference);
    /* Bounds that hold at all times together with the test's confidence; NaN while there are too few. */
    void (*bounds)(const void *self, double *low, double *high);
};
/* Calibration: the Brier score of the live probability less that of a reference (the base rate, the version before) for an
 * outcome 0 or 1. In alarm once the lower bound of the mean difference is above 0: the live one is worse. Probabilities
 * outside 0..1 and NaN are passed over. */
bool warning_brier_observe(const struct warning_sequential *test, double live, double reference, bool outcome);

#endif
