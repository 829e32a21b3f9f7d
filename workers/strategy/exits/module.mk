# how one open position is left (pure)
MODULES += exits
exits_SRC := workers/strategy/exits/exits.c workers/strategy/exits/plan.c workers/strategy/exits/clock.c workers/strategy/exits/ohlc.c

TESTS += test_exits
test_exits_SRC := tests/unit/test_exits.c
test_exits_MODULES := exits base
test_exits_LIBS := -lm
