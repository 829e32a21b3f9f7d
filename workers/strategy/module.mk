# detectors: what says when a trade might be worth taking (pure)
MODULES += strategy
strategy_SRC := workers/strategy/signal.c workers/strategy/breakout.c
