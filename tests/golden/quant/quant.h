/* quant: runs the golden files of the quantitative parts (indicators/, stats/, metrics/, ...) against the project's own
 * functions. One family for each folder; a family opens its files by quant_open and tells what it computed by
 * quant_check. A file of the folder that no family opened is a failure: nothing is passed over in silence.
 *
 * Files are found by their endings (NAME_input.csv with NAME_ttr.csv), so that what is dropped in is picked up.
 */
#ifndef PROPFLEET_TESTS_GOLDEN_QUANT_QUANT_H
#define PROPFLEET_TESTS_GOLDEN_QUANT_QUANT_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/golden/quant/table.h"

#define QUANT_FILES_MAX 512u
#define QUANT_PATH_MAX 1024u

struct quant_file {
    char name[128];     /* inside the folder */
    bool opened;
    uint64_t checked, failed;
    double worst;       /* largest deviation over its tolerance: above 1 is a failure */
    char worst_at[128]; /* row and column of it */
};
struct quant_folder {
    char path[QUANT_PATH_MAX];
    const char *family;
    struct quant_file files[QUANT_FILES_MAX];
    uint32_t file_count;
};

/* Open a file of the folder by name; false (said as a failure unless `optional`) when it cannot be read. It counts as
 * opened. The table is the caller's to table_fini. */
bool quant_open(struct quant_folder *folder, const char *name, bool optional, struct table *out);
bool quant_open_bare(struct quant_folder *folder, const char *name, bool optional, struct table *out);
/* The full path of a file that something else reads (JSON); it counts as opened. NULL when it is not there. */
const char *quant_path(struct quant_folder *folder, const char *name, char path[QUANT_PATH_MAX]);
/* The i-th file whose name ends so, its name without the ending in stem; false when there is none any more. */
bool quant_each(const struct quant_folder *folder, const char *ending, uint32_t *i, char stem[128]);
bool quant_has(const struct quant_folder *folder, const char *name);

enum quant_tolerance {
    QUANT_RELATIVE, /* |a - e| <= t * max(|a|, |e|), and both below 1e-300 alike */
    QUANT_ABSOLUTE, /* |a - e| <= t */
    QUANT_MIXED,    /* |a - e| <= t * max(1, |e|) */
};
/* NaN agrees with NaN alone, an infinity with the same one. `row` and `column` say where in the file. */
void quant_check(struct quant_folder *folder, const char *file, uint32_t row, const char *column, double expected,
                 double actual, enum quant_tolerance kind, double tolerance);
void quant_check_integer(struct quant_folder *folder, const char *file, uint32_t row, const char *column, int64_t expected,
                         int64_t actual);
void quant_check_text(struct quant_folder *folder, const char *file, uint32_t row, const char *column, const char *expected,
                      const char *actual);
void quant_fail(struct quant_folder *folder, const char *file, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The families: one file each, quant_NAME.c, for the folder NAME. */
#define QUANT_FAMILIES(X)                                                                                              \
    X(indicators)                                                                                                      \
    X(stats)                                                                                                           \
    X(metrics)                                                                                                         \
    X(overfit)                                                                                                         \
    X(calibration)                                                                                                     \
    X(covariance)                                                                                                      \
    X(sequential)                                                                                                      \
    X(changepoint)                                                                                                     \
    X(ml)                                                                                                              \
    X(sizing_exits)                                                                                                    \
    X(wyckoff)

#define X(name) void quant_##name(struct quant_folder *folder);
QUANT_FAMILIES(X)
#undef X

#endif
