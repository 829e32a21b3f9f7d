# detectors: what says when a trade might be worth taking (pure)
MODULES += strategy
strategy_SRC := workers/strategy/signal.c workers/strategy/breakout.c

TESTS += test_breakout
test_breakout_SRC := tests/unit/test_breakout.c
test_breakout_MODULES := strategy base
test_breakout_LIBS := -lm

# Wyckoff schematics (pure)
MODULES += wyckoff
wyckoff_SRC := $(addprefix workers/strategy/wyckoff/,params.c series.c machine.c range.c evidence.c wyckoff.c)
