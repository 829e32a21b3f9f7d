# walk-forward and the statistics of overfitting (pure)
MODULES += overfit
overfit_SRC := $(addprefix workers/performance/overfit/,walkforward.c objective.c psr.c trials.c pbo.c spa.c adoption.c)

TESTS += test_walkforward test_objective test_trials test_pbo_spa
test_walkforward_SRC := tests/unit/test_walkforward.c
test_walkforward_MODULES := overfit
test_walkforward_LIBS := -lgsl -lgslcblas -lm
test_objective_SRC := tests/unit/test_objective.c
test_objective_MODULES := overfit base
test_objective_LIBS := -lgsl -lgslcblas -lm
test_trials_SRC := tests/unit/test_trials.c
test_trials_MODULES := overfit base
test_trials_LIBS := -lgsl -lgslcblas -lm
test_pbo_spa_SRC := tests/unit/test_pbo_spa.c
test_pbo_spa_MODULES := overfit base
test_pbo_spa_LIBS := -lgsl -lgslcblas -lm
