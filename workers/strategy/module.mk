# detectors: what says when a trade might be worth taking (pure)
MODULES += strategy
strategy_SRC := workers/strategy/signal.c workers/strategy/breakout.c

TESTS += test_breakout
test_breakout_SRC := tests/unit/test_breakout.c
test_breakout_MODULES := strategy base
test_breakout_LIBS := -lm

# how one open position is left (pure)
MODULES += exits
exits_SRC := workers/strategy/exits/exits.c workers/strategy/exits/plan.c workers/strategy/exits/clock.c workers/strategy/exits/ohlc.c

TESTS += test_exits
test_exits_SRC := tests/unit/test_exits.c
test_exits_MODULES := exits base
test_exits_LIBS := -lm
