# firm limits and sizing, the firms' rules (pure)
MODULES += risk rules
risk_SRC := workers/risk/limits.c workers/risk/sizing.c
rules_SRC := $(addprefix workers/risk/rules/,state.c floor.c book.c gate.c gate_floor.c guard.c limits.c time.c shape.c conduct.c cross.c)

TESTS += test_sizing test_limits
test_sizing_SRC := tests/unit/test_sizing.c
test_sizing_MODULES := risk base
test_limits_SRC := tests/unit/test_limits.c
test_limits_MODULES := risk base

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
