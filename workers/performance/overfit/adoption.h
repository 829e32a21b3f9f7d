/* adoption: whether a tuned parameter may replace the incumbent (quant.md section 4, "Gate"). Pure.
 *
 * One rule a line in ADOPTION_RULES; a rule is met, or it is a reason. All must be met: otherwise the incumbent stays. What
 * is not known (NaN) meets nothing. Everything is out of sample: the concatenated tests of a walk-forward, never
 * training results.
 */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_ADOPTION_H
#define PROPFLEET_WORKERS_PERFORMANCE_OVERFIT_ADOPTION_H

#include <stdbool.h>
#include <stdint.h>

#define ADOPTION_TRADES_MIN 100u
#define ADOPTION_DSR_MIN 0.95
#define ADOPTION_SPA_MAX 0.05
#define ADOPTION_PBO_MAX 0.5    /* below it */
#define ADOPTION_COST_STRESS 1.5 /* times the costs for cost_stress_j */

struct adoption_evidence {
    uint32_t trade_count;  /* out of sample */
    double dsr;            /* trials_deflated.probability of the out-of-sample returns, over every trial ever run */
    double spa_consistent; /* studentised */
    double pbo;
    bool plateau;          /* objective_choice.plateau of the last window */
    double cost_stress_j;  /* J with costs times 1.5 */
};
/* name, text when it is not met, condition on e */
#define ADOPTION_RULES(X)                                                                                            \
    X(TRADES, "fewer than 100 trades out of sample", e->trade_count >= ADOPTION_TRADES_MIN)                          \
    X(SIGNIFICANCE, "neither is the deflated Sharpe ratio .95 nor the SPA p-value .05",                              \
      e->dsr >= ADOPTION_DSR_MIN || e->spa_consistent <= ADOPTION_SPA_MAX)                                           \
    X(PBO, "the probability of backtest overfitting is not below .5", e->pbo < ADOPTION_PBO_MAX)                     \
    X(PLATEAU, "the parameter does not stand on a plateau", e->plateau)                                              \
    X(COSTS, "with costs times 1.5 J is not above 0", e->cost_stress_j > 0.0)
enum adoption_rule {
#define X(name, text, condition) ADOPTION_##name,
    ADOPTION_RULES(X)
#undef X
    ADOPTION_RULE_COUNT
};
const char *adoption_rule_text(unsigned rule); /* why it was refused; "?" for what is none */

/* Bits 1 << enum adoption_rule of the rules that are not met. 0: adopt. */
uint32_t adoption_refusals(const struct adoption_evidence *evidence);

#endif
