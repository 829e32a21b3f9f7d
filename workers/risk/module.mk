# the compiled calendar and market hours, as the rules ask for them (pure)
MODULES += sessions
sessions_SRC := workers/risk/rules/sessions.c

# firm limits and sizing (pure)
MODULES += risk
risk_SRC := workers/risk/limits.c workers/risk/sizing.c

TESTS += test_sizing test_limits
test_sizing_SRC := tests/unit/test_sizing.c
test_sizing_MODULES := risk base
test_limits_SRC := tests/unit/test_limits.c
test_limits_MODULES := risk base
