/* fit: L2-regularised logistic regression of a matrix. Runs when a model is trained, never on the path of a
 * market record; touches nothing but its arguments, except that liblinear allocates while it trains, that its print
 * function is set to silence, and that GSL's error handler is off during a fit: one fit at a time in a process.
 *
 * Minimises  1/2 w'w + C sum_i s_i ln(1 + exp(-y_i (w'x_i + b)))  with y = +1 for 1 and -1 for 0, s the weights:
 *   MODEL_BIAS_NONE        no b
 *   MODEL_BIAS_PENALISED   b is a weight of a column of ones: 1/2 b^2 is added (liblinear -B 1)
 *   MODEL_BIAS_FREE        b is not penalised (scikit-learn's lbfgs, glmnet)
 * liblinear (-s 0) does the first two when there are no weights; what it cannot do, and the last digits of what it
 * did, is Newton's method here with GSL's Cholesky factors. liblinear orders classes by first appearance: the label
 * that it returns is read, so w always speaks for y = 1.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_MODEL_FIT_H
#define PROPFLEET_WORKERS_PERFORMANCE_MODEL_FIT_H

#include <stddef.h>
#include <stdint.h>

enum model_bias { MODEL_BIAS_NONE, MODEL_BIAS_PENALISED, MODEL_BIAS_FREE };
enum model_solver { MODEL_SOLVER_AUTO, MODEL_SOLVER_NEWTON }; /* AUTO: liblinear where it can */

struct model_fit_problem {
    uint32_t row_count, column_count; /* columns without the bias, >= 1 */
    const double *x;                  /* row_count * column_count, row by row, finite */
    const uint8_t *y;                 /* 0 or 1 */
    const double *weight;             /* NULL: all 1; else >= 0, finite */
    double c;                         /* > 0 */
    uint32_t bias, solver;            /* enum model_bias, model_solver */
};
struct model_fit_info {
    double objective;
    double gradient;     /* largest component at the end */
    uint32_t solver;     /* the solver that found it: 0 liblinear, 1 Newton alone */
    uint32_t steps;      /* of Newton */
};
/* Bytes that a fit needs, aligned to 8. */
size_t model_fit_bytes(uint32_t row_count, uint32_t column_count);
/* w: column_count values, then b unless MODEL_BIAS_NONE. info may be NULL. 0; -EINVAL: empty, a number that is not
 * finite, c <= 0, too little memory; -EDOM: one class only, or no finite minimum was reached. On an error w is NaN. */
int model_fit_logistic(const struct model_fit_problem *problem, void *memory, size_t bytes, double *w,
                       struct model_fit_info *info);

#endif
