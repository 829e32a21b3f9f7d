# sizing, the firms' rules (pure)
MODULES += risk rules
risk_SRC := workers/risk/sizing.c
rules_SRC := $(addprefix workers/risk/rules/,state.c floor.c book.c gate.c gate_floor.c guard.c limits.c time.c shape.c conduct.c cross.c)

TESTS += test_sizing
test_sizing_SRC := tests/unit/test_sizing.c
test_sizing_MODULES := risk base

# the compiled calendar and market hours, as the rules ask for them (pure)
MODULES += sessions
sessions_SRC := workers/risk/rules/sessions.c

TESTS += test_rules_state test_rules_floor test_rules_book test_rules_gate test_rules_guard
test_rules_state_SRC := tests/unit/test_rules_state.c
test_rules_state_MODULES := rules base
test_rules_floor_SRC := tests/unit/test_rules_floor.c
test_rules_floor_MODULES := rules base
test_rules_book_SRC := tests/unit/test_rules_book.c
test_rules_book_MODULES := rules base
test_rules_gate_SRC := tests/unit/test_rules_gate.c
test_rules_gate_MODULES := rules base
test_rules_guard_SRC := tests/unit/test_rules_guard.c
test_rules_guard_MODULES := rules base

TESTS += test_rules_limits test_rules_time test_rules_shape test_rules_conduct test_rules_cross
test_rules_limits_SRC := tests/unit/test_rules_limits.c
test_rules_limits_MODULES := rules base
test_rules_time_SRC := tests/unit/test_rules_time.c
test_rules_time_MODULES := rules base
test_rules_shape_SRC := tests/unit/test_rules_shape.c
test_rules_shape_MODULES := rules base
test_rules_conduct_SRC := tests/unit/test_rules_conduct.c
test_rules_conduct_MODULES := rules base
test_rules_cross_SRC := tests/unit/test_rules_cross.c
test_rules_cross_MODULES := rules base

BENCHES += bench_rules
bench_rules_SRC := tests/bench/bench_rules.c
bench_rules_MODULES := rules base

# the risk-constrained Kelly bound (pure); links -lm
MODULES += kelly
kelly_SRC := workers/risk/kelly.c
TESTS += test_kelly
test_kelly_SRC := tests/unit/test_kelly.c
test_kelly_MODULES := kelly base
test_kelly_LIBS := -lm

# how instruments and accounts move together (pure); links -lgsl -lgslcblas -lm
MODULES += covariance
covariance_SRC := $(addprefix workers/risk/covariance/,covariance.c shrink.c matrix.c correlation.c book.c admissible.c allocation.c)
TESTS += test_covariance test_covariance_book
test_covariance_SRC := tests/unit/test_covariance.c
test_covariance_MODULES := covariance base
test_covariance_LIBS := -lgsl -lgslcblas -lm
test_covariance_book_SRC := tests/unit/test_covariance_book.c
test_covariance_book_MODULES := covariance base
test_covariance_book_LIBS := -lgsl -lgslcblas -lm
