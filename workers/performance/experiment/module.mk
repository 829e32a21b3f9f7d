# paired shadow experiments and always-valid intervals (pure)
MODULES += experiment
experiment_SRC := $(addprefix workers/performance/experiment/,boundary.c sequence.c experiment.c)

TESTS += test_sequence test_experiment
test_sequence_SRC := tests/unit/test_sequence.c
test_sequence_MODULES := experiment
test_sequence_LIBS := -lgsl -lgslcblas -lm
test_experiment_SRC := tests/unit/test_experiment.c
test_experiment_MODULES := experiment
test_experiment_LIBS := -lgsl -lgslcblas -lm
