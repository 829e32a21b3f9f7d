/* walkforward: which observations train and which test, and which training events must go because they touch the test
 * (quant.md section 4). Pure.
 *
 * Index sets equal scikit-learn's TimeSeriesSplit(n_splits, test_size, gap, max_train_size). Observations are numbered
 * 0 .. observation_count - 1, oldest first (bars, trading days, or events sorted by time: the caller's choice); the last
 * test set ends with the last observation, and the test sets do not overlap:
 *   test of fold k    [n - (folds - k) * test_size, that + test_size)
 *   training          ends `gap` observations before the test; begins at 0 (anchored), or train_max before its end (rolling)
 * Anchored windows are for slow parameters and for the threshold, whose samples are small; rolling ones for what drifts.
 *
 * Purge and embargo are by time, over all instruments and feeds pooled. An event lives in the closed interval [from, to]
 * (signal known .. outcome known). It is dropped from training iff it meets [min from, max to + embargo] of the
 * test set: the three cases of Lopez de Prado (2018), snippet 7.1, are this one interval test.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_WALKFORWARD_H
#define PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_WALKFORWARD_H

#include <stdbool.h>
#include <stdint.h>

struct walkforward_plan {
    uint32_t observation_count;
    uint32_t fold_count; /* >= 2 */
    uint32_t test_size;  /* observations; 0: observation_count / (fold_count + 1) */
    uint32_t gap;        /* observations left out between training and test */
    uint32_t train_max;  /* longest training set; 0: anchored, all of the past */
};
struct walkforward_fold {
    uint32_t train_first, train_count;
    uint32_t test_first, test_count;
};
/* 0; -EINVAL: fewer than two folds, no such fold, or the first training set would be empty. *out is then untouched. */
int walkforward_fold(const struct walkforward_plan *plan, uint32_t fold, struct walkforward_fold *out);

struct walkforward_event {
    int64_t from, to; /* the life of a label, one clock for all (ns, or bars); from <= to is asserted */
};
/* The shortest interval that holds the events at `members` (numbers into `events`, in range). member_count > 0. */
struct walkforward_event walkforward_span(const struct walkforward_event *events, const uint32_t *members,
                                          uint32_t member_count);
/* Whether the event must be left out of training against a test set with that span. embargo >= 0, in units of the clock;
 * an end that would pass INT64_MAX stops there. */
bool walkforward_purged(const struct walkforward_event *event, const struct walkforward_event *test_span,
                        int64_t embargo);
/* max(longest label horizon, 1 % of the sample's length rounded up), in units of the clock; both >= 0. */
int64_t walkforward_embargo(int64_t horizon_longest, int64_t sample_length);

enum walkforward_role { WALKFORWARD_OUTSIDE, WALKFORWARD_TRAIN, WALKFORWARD_TEST, WALKFORWARD_PURGED };
struct walkforward_window {
    int64_t train_from, train_to; /* an event trains when train_from <= from < train_to, and it is not purged */
    int64_t test_from, test_to;   /* an event tests when test_from <= from < test_to */
    int64_t embargo;              /* >= 0 */
};
struct walkforward_counts {
    uint32_t train, test, purged;
};
/* The role of each event (any order, any instrument) in a window of time. The windows must not overlap (asserted). Without a
 * test event nothing is purged. */
struct walkforward_counts walkforward_assign(const struct walkforward_window *window,
                                             const struct walkforward_event *events, uint32_t event_count,
                                             enum walkforward_role *roles);

/* Mean out of sample over mean in sample; NaN unless the latter is positive. For the report: never optimise it. */
double walkforward_efficiency(double mean_in_sample, double mean_out_of_sample);

#endif
