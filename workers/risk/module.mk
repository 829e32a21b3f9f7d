# firm limits and sizing, the firms' rules (pure)
MODULES += risk rules
risk_SRC := workers/risk/limits.c workers/risk/sizing.c
rules_SRC := $(addprefix workers/risk/rules/,state.c floor.c book.c gate.c guard.c limits.c time.c shape.c conduct.c cross.c)

TESTS += test_sizing test_limits
test_sizing_SRC := tests/unit/test_sizing.c
test_sizing_MODULES := risk base
test_limits_SRC := tests/unit/test_limits.c
test_limits_MODULES := risk base

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
