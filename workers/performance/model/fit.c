#include "workers/performance/model/fit.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <linear.h>

#define NEWTON_STEPS_MAX 100u
#define HALVINGS_MAX 50u
#define STEP_SMALL 1e-12
#define LIBLINEAR_EPS 1e-6 /* of the first gradient; Newton finishes */

/* A fit's memory: x'y sums in `gradient`, `step`, `trial`; then what liblinear reads. */
struct fit_memory {
    double *hessian, *gradient, *step, *trial;
    double *label;
    struct feature_node *nodes;
    struct feature_node **rows;
};

size_t model_fit_bytes(uint32_t row_count, uint32_t column_count)
{
    size_t d = (size_t)column_count + 1, n = row_count;
    return (d * d + 3 * d + n) * sizeof(double) + n * (d + 1) * sizeof(struct feature_node) + n * sizeof(struct feature_node *);
}

static void fit_memory_cut(struct fit_memory *m, void *memory, uint32_t n, uint32_t column_count)
{
    size_t d = (size_t)column_count + 1;
    m->hessian = memory;
    m->gradient = m->hessian + d * d;
    m->step = m->gradient + d;
    m->trial = m->step + d;
    m->label = m->trial + d;
    m->nodes = (struct feature_node *)(m->label + n);
    m->rows = (struct feature_node **)(m->nodes + (size_t)n * (d + 1));
}

static uint32_t fit_dimension(const struct model_fit_problem *p)
{
    return p->column_count + (p->bias != MODEL_BIAS_NONE);
}

/* 0, -EINVAL or -EDOM (one class with weight). */
static int fit_check(const struct model_fit_problem *p)
{
    bool seen[2] = {false, false};
    if (p->row_count == 0 || p->column_count == 0 || !(p->c > 0.0) || !isfinite(p->c) || p->bias > MODEL_BIAS_FREE)
        return -EINVAL;
    for (uint32_t i = 0; i < p->row_count; i++) {
        double weight = p->weight ? p->weight[i] : 1.0;
        if (p->y[i] > 1 || !(weight >= 0.0) || !isfinite(weight))
            return -EINVAL;
        seen[p->y[i]] |= weight > 0.0;
        for (uint32_t j = 0; j < p->column_count; j++)
            if (!isfinite(p->x[(size_t)i * p->column_count + j]))
                return -EINVAL;
    }
    return seen[0] && seen[1] ? 0 : -EDOM;
}

/* --- the function ------------------------------------------------------------------------------------------------- */

static double fit_margin(const struct model_fit_problem *p, const double *w, uint32_t row)
{
    const double *x = p->x + (size_t)row * p->column_count;
    double z = 0.0;
    for (uint32_t j = 0; j < p->column_count; j++)
        z += w[j] * x[j];
    return p->bias == MODEL_BIAS_NONE ? z : z + w[p->column_count];
}

/* Whether component j is penalised. */
static double fit_penalty(const struct model_fit_problem *p, uint32_t j)
{
    return j == p->column_count && p->bias == MODEL_BIAS_FREE ? 0.0 : 1.0;
}

static double fit_objective(const struct model_fit_problem *p, const double *w)
{
    double loss = 0.0, norm = 0.0;
    for (uint32_t i = 0; i < p->row_count; i++) {
        double z = fit_margin(p, w, i), against = p->y[i] ? -z : z;
        loss += (p->weight ? p->weight[i] : 1.0) * (fmax(against, 0.0) + log1p(exp(-fabs(z))));
    }
    for (uint32_t j = 0; j < fit_dimension(p); j++)
        norm += fit_penalty(p, j) * w[j] * w[j];
    return 0.5 * norm + p->c * loss;
}

/* Gradient and the lower half of the Hessian at w. */
static void fit_derivatives(const struct model_fit_problem *p, const double *w, const struct fit_memory *m)
{
    uint32_t d = fit_dimension(p);
    memset(m->hessian, 0, sizeof(double) * d * d);
    for (uint32_t j = 0; j < d; j++) {
        m->gradient[j] = fit_penalty(p, j) * w[j];
        m->hessian[(size_t)j * d + j] = fit_penalty(p, j);
    }
    for (uint32_t i = 0; i < p->row_count; i++) {
        const double *x = p->x + (size_t)i * p->column_count;
        double z = fit_margin(p, w, i), e = exp(-fabs(z)), c = p->c * (p->weight ? p->weight[i] : 1.0);
        double q = z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e), miss = c * (q - p->y[i]), h = c * e / ((1.0 + e) * (1.0 + e));
        for (uint32_t j = 0; j < d; j++) {
            double xj = j < p->column_count ? x[j] : 1.0;
            m->gradient[j] += miss * xj;
            for (uint32_t k = 0; k <= j; k++)
                m->hessian[(size_t)j * d + k] += h * xj * (k < p->column_count ? x[k] : 1.0);
        }
    }
}

static double fit_gradient_max(const struct fit_memory *m, uint32_t d)
{
    double largest = 0.0;
    for (uint32_t j = 0; j < d; j++)
        largest = fmax(largest, fabs(m->gradient[j]));
    return largest;
}

/* --- the solvers --------------------------------------------------------------------------------------------------- */

/* step = H^-1 gradient; false where H is not positive definite. The error handler is off. */
static bool newton_step(const struct fit_memory *m, uint32_t d)
{
    gsl_matrix_view h = gsl_matrix_view_array(m->hessian, d, d);
    gsl_vector_view step = gsl_vector_view_array(m->step, d);
    memcpy(m->step, m->gradient, d * sizeof *m->step);
    return gsl_linalg_cholesky_decomp1(&h.matrix) == GSL_SUCCESS &&
           gsl_linalg_cholesky_svx(&h.matrix, &step.vector) == GSL_SUCCESS;
}

/* From w to the minimum. The function is convex: a halved step always goes down until rounding stops it. */
static int fit_newton(const struct model_fit_problem *p, const struct fit_memory *m, double *w, struct model_fit_info *info)
{
    uint32_t d = fit_dimension(p);
    double now = fit_objective(p, w);
    for (info->steps = 0; info->steps < NEWTON_STEPS_MAX; info->steps++) {
        fit_derivatives(p, w, m);
        info->gradient = fit_gradient_max(m, d);
        info->objective = now;
        if (!newton_step(m, d))
            return -EDOM;
        double share = 1.0, next = INFINITY, largest = 0.0;
        for (unsigned i = 0; i < HALVINGS_MAX && !(next <= now * (1.0 + 1e-14)); i++, share *= 0.5) {
            for (uint32_t j = 0; j < d; j++)
                m->trial[j] = w[j] - share * m->step[j];
            next = fit_objective(p, m->trial);
        }
        for (uint32_t j = 0; j < d; j++)
            largest = fmax(largest, fabs(m->trial[j] - w[j]) / (1.0 + fabs(m->trial[j])));
        memcpy(w, m->trial, d * sizeof *w);
        now = next;
        if (largest <= STEP_SMALL) {
            info->objective = now;
            return isfinite(now) ? 0 : -EDOM;
        }
    }
    return -EDOM;
}

static void liblinear_silence(const char *text)
{
    (void)text;
}

static void liblinear_rows(const struct model_fit_problem *p, const struct fit_memory *m)
{
    struct feature_node *node = m->nodes;
    for (uint32_t i = 0; i < p->row_count; i++) {
        m->label[i] = p->y[i] ? 1.0 : -1.0;
        m->rows[i] = node;
        for (uint32_t j = 0; j < p->column_count; j++) {
            double value = p->x[(size_t)i * p->column_count + j];
            if (value != 0.0)
                *node++ = (struct feature_node){.index = (int)j + 1, .value = value};
        }
        if (p->bias == MODEL_BIAS_PENALISED)
            *node++ = (struct feature_node){.index = (int)p->column_count + 1, .value = 1.0};
        *node++ = (struct feature_node){.index = -1};
    }
}

/* A start for Newton that is already at the minimum to LIBLINEAR_EPS. False: nothing came of it. */
static bool fit_liblinear(const struct model_fit_problem *p, const struct fit_memory *m, double *w)
{
    uint32_t d = fit_dimension(p);
    struct problem problem = {.l = (int)p->row_count, .n = (int)d, .y = m->label, .x = m->rows,
                              .bias = p->bias == MODEL_BIAS_PENALISED ? 1.0 : -1.0};
    struct parameter parameter = {.solver_type = L2R_LR, .eps = LIBLINEAR_EPS, .C = p->c, .p = 0.1};
    liblinear_rows(p, m);
    if (check_parameter(&problem, &parameter))
        return false;
    set_print_string_function(liblinear_silence);
    struct model *model = train(&problem, &parameter);
    bool usable = model && model->nr_class == 2;
    for (uint32_t j = 0; usable && j < d; j++) {
        w[j] = model->label[0] == 1 ? model->w[j] : -model->w[j];
        usable = isfinite(w[j]);
    }
    free_and_destroy_model(&model);
    return usable;
}

int model_fit_logistic(const struct model_fit_problem *problem, void *memory, size_t bytes, double *w,
                       struct model_fit_info *info)
{
    struct model_fit_info own = {0};
    struct fit_memory m;
    info = info ? info : &own;
    memset(info, 0, sizeof *info);
    uint32_t d = fit_dimension(problem);
    int error = bytes < model_fit_bytes(problem->row_count, problem->column_count) ? -EINVAL : fit_check(problem);
    if (!error) {
        fit_memory_cut(&m, memory, problem->row_count, problem->column_count);
        memset(w, 0, d * sizeof *w);
        info->solver = MODEL_SOLVER_NEWTON;
        if (problem->solver == MODEL_SOLVER_AUTO && problem->bias != MODEL_BIAS_FREE && !problem->weight) {
            if (fit_liblinear(problem, &m, w))
                info->solver = MODEL_SOLVER_AUTO;
            else
                memset(w, 0, d * sizeof *w);
        }
        gsl_error_handler_t *handler = gsl_set_error_handler_off();
        error = fit_newton(problem, &m, w, info);
        (void)gsl_set_error_handler(handler);
    }
    for (uint32_t j = 0; error && j < d; j++)
        w[j] = NAN;
    return error;
}
