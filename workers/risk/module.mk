# firm limits and sizing, the firms' rules (pure)
MODULES += risk rules
risk_SRC := workers/risk/sizing.c
rules_SRC := $(addprefix workers/risk/rules/,state.c floor.c book.c gate.c guard.c limits.c time.c shape.c conduct.c cross.c)

TESTS += test_sizing
test_sizing_SRC := tests/unit/test_sizing.c
test_sizing_MODULES := risk base

# the compiled calendar and market hours, as the rules ask for them (pure)
MODULES += sessions
sessions_SRC := workers/risk/rules/sessions.c
