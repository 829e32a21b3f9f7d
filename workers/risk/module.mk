# firm limits and sizing, the firms' rules (pure)
MODULES += risk rules
risk_SRC := workers/risk/limits.c workers/risk/sizing.c
rules_SRC := $(addprefix workers/risk/rules/,state.c floor.c book.c gate.c guard.c limits.c time.c shape.c conduct.c cross.c)

TESTS += test_sizing test_limits
test_sizing_SRC := tests/unit/test_sizing.c
test_sizing_MODULES := risk base
test_limits_SRC := tests/unit/test_limits.c
test_limits_MODULES := risk base
