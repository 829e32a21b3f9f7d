# Wyckoff schematics (pure)
MODULES += wyckoff
wyckoff_SRC := $(addprefix workers/strategy/wyckoff/,params.c series.c machine.c range.c evidence.c wyckoff.c confluence.c profile.c)
# its probabilities, apart: they need -lgsl -lgslcblas
MODULES += wyckoff_score
wyckoff_score_SRC := workers/strategy/wyckoff/score.c

TESTS += test_wyckoff
test_wyckoff_SRC := tests/unit/test_wyckoff.c tests/unit/wyckoff_schematic.c
test_wyckoff_MODULES := wyckoff base
test_wyckoff_LIBS := -lm
TESTS += test_wyckoff_restart
test_wyckoff_restart_SRC := tests/unit/test_wyckoff_restart.c tests/unit/wyckoff_schematic.c
test_wyckoff_restart_MODULES := wyckoff base
test_wyckoff_restart_LIBS := -lm
TESTS += test_wyckoff_score
test_wyckoff_score_SRC := tests/unit/test_wyckoff_score.c tests/unit/wyckoff_schematic.c
test_wyckoff_score_MODULES := wyckoff_score wyckoff base
test_wyckoff_score_LIBS := -lgsl -lgslcblas -lm
