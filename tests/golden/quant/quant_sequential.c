/* The family sequential: always-valid intervals of a paired comparison, uniform boundaries of confseq. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/quant/quant.h"
#include "workers/performance/experiment/boundary.h"
#include "workers/performance/experiment/sequence.h"

#define ALPHA 0.05
#define BOUND 3.0 /* R: the observations are clipped to [-3, 3] */
#define CLOSED 1e-10
#define CONFSEQ 1e-8 /* it stops its bisections at 40 bits */

/* confseq's arguments for the golden boundaries */
#define V_OPT 100.0
#define STITCH_V_MIN 1.0
#define LOG_MIXTURE_S 10.0

static double cell(const struct table *t, uint32_t row, const char *name)
{
    uint32_t column = table_column(t, name);
    return column == TABLE_NONE ? (double)NAN : table_number(t, row, column);
}

static void check(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row, const char *name,
                  double actual, double tolerance)
{
    quant_check(folder, file, row, name, cell(t, row, name), actual, QUANT_MIXED, tolerance);
}

/* --- intervals of one run
 * ------------------------------------------------------------------------------------------------ */

struct run {
    struct sequence_mean mean;
    struct sequence_msprt msprt;
    struct sequence_bernstein bernstein, hoeffding;
    struct sequence_betting betting;
};

static void run_add(struct run *run, double d)
{
    sequence_mean_add(&run->mean, d);
    sequence_msprt_add(&run->msprt, d);
    sequence_bernstein_add(&run->bernstein, d);
    sequence_hoeffding_add(&run->hoeffding, d);
    sequence_betting_add(&run->betting, d);
}

static void check_run_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row,
                          const struct run *run)
{
    struct sequence_interval bernstein = sequence_bernstein_interval(&run->bernstein);
    struct sequence_interval hoeffding = sequence_bernstein_interval(&run->hoeffding);
    struct sequence_interval betting = sequence_betting_interval(&run->betting);
    check(folder, file, t, row, "mean", run->mean.mean, CLOSED);
    check(folder, file, t, row, "predmix_eb_lo", bernstein.lower, CLOSED);
    check(folder, file, t, row, "predmix_eb_hi", bernstein.upper, CLOSED);
    check(folder, file, t, row, "hoeff_lo", hoeffding.lower, CLOSED);
    check(folder, file, t, row, "hoeff_hi", hoeffding.upper, CLOSED);
    /* the grid is the same: points agree, not only steps of it */
    check(folder, file, t, row, "betting_lo_grid1000", betting.lower, CLOSED);
    check(folder, file, t, row, "betting_hi_grid1000", betting.upper, CLOSED);
    check(folder, file, t, row, "msprt_logLR_tau2_0.04_sig2_1.2", sequence_msprt_log_ratio(&run->msprt), CLOSED);
    check(folder, file, t, row, "msprt_p", run->msprt.p, CLOSED);
    check(folder, file, t, row, "msprt_halfwidth95", sequence_msprt_half_width(&run->msprt, ALPHA), CLOSED);
    check(folder, file, t, row, "asympcs_halfwidth95_topt100",
          sequence_asymptotic_half_width(run->mean.count, sequence_mean_sd(&run->mean, 0), 100.0, ALPHA), CLOSED);
}

static void check_run(struct quant_folder *folder, const char *file)
{
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    struct run *run = calloc(1, sizeof *run);
    if (run) {
        sequence_msprt_init(&run->msprt, 1.2, 0.04);
        sequence_bernstein_init(&run->bernstein, BOUND, ALPHA);
        sequence_bernstein_init(&run->hoeffding, BOUND, ALPHA);
        sequence_betting_init(&run->betting, BOUND, ALPHA);
    }
    for (uint32_t row = 0; run && row < t.row_count; row++) {
        double d = cell(&t, row, "d");
        if (!(fabs(d) <= BOUND)) {
            quant_fail(folder, file, "row %u: d is not in [-3, 3]", row);
            break;
        }
        run_add(run, d);
        quant_check_integer(folder, file, row, "t", table_integer(&t, row, table_column(&t, "t")),
                            (int64_t)run->mean.count);
        check_run_row(folder, file, &t, row, run);
    }
    free(run);
    table_fini(&t);
}

/* --- boundaries
 * ----------------------------------------------------------------------------------------------------------- */

static void check_boundaries(struct quant_folder *folder, const char *file)
{
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    double two = boundary_rho_two_sided(V_OPT, ALPHA), one = boundary_rho_one_sided(V_OPT, ALPHA);
    for (uint32_t row = 0; row < t.row_count; row++) {
        double v = cell(&t, row, "v");
        check(folder, file, &t, row, "normal_two", boundary_normal_two_sided(v, two, ALPHA), CONFSEQ);
        check(folder, file, &t, row, "normal_one", boundary_normal_one_sided(v, one, ALPHA), CONFSEQ);
        check(folder, file, &t, row, "stitch",
              boundary_stitched(v, STITCH_V_MIN, 0.0, BOUNDARY_STITCH_S, BOUNDARY_STITCH_ETA, ALPHA), CONFSEQ);
        check(folder, file, &t, row, "gammaexp_c1", boundary_gamma_exponential(v, one, 1.0, ALPHA), CONFSEQ);
        check(folder, file, &t, row, "log_mix_two_s10", boundary_normal_two_sided_log(LOG_MIXTURE_S, v, two), CONFSEQ);
    }
    table_fini(&t);
}

static void check_bernoulli(struct quant_folder *folder, const char *file)
{
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    for (uint32_t row = 0; row < t.row_count; row++) {
        struct boundary_interval interval =
            boundary_bernoulli(cell(&t, row, "k"), (uint64_t)cell(&t, row, "n"), V_OPT, ALPHA);
        check(folder, file, &t, row, "lo", interval.lower, CONFSEQ);
        check(folder, file, &t, row, "hi", interval.upper, CONFSEQ);
    }
    table_fini(&t);
}

/* NAME.csv and every STEM_NAME.csv. */
static void check_all(struct quant_folder *folder, const char *name, void (*one)(struct quant_folder *, const char *))
{
    char ending[80], stem[128], file[256];
    (void)snprintf(ending, sizeof ending, "_%s", name);
    one(folder, name);
    for (uint32_t i = 0; quant_each(folder, ending, &i, stem);) {
        (void)snprintf(file, sizeof file, "%s%s", stem, ending);
        one(folder, file);
    }
}

void quant_sequential(struct quant_folder *folder)
{
    check_all(folder, "ab_expected.csv", check_run);
    check_all(folder, "confseq_boundaries.csv", check_boundaries);
    check_all(folder, "confseq_bernoulli.csv", check_bernoulli);
}
