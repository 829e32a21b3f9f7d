# indicators: one bar in, one value out (pure)
MODULES += indicators
indicators_SRC := $(addprefix workers/strategy/indicators/,window.c averages.c volatility.c momentum.c volume.c \
                  seasonality.c profile.c pivots.c flow.c)

BENCHES += bench_indicators
bench_indicators_SRC := tests/bench/bench_indicators.c
bench_indicators_MODULES := indicators base
bench_indicators_LIBS := -lm

TESTS += test_indicators_states
test_indicators_states_SRC := tests/unit/test_indicators_states.c tests/unit/indicator_support.c
test_indicators_states_MODULES := indicators base
test_indicators_states_LIBS := -lm
TESTS += test_indicators_series test_indicators_window
test_indicators_series_SRC := tests/unit/test_indicators_series.c tests/unit/indicator_support.c
test_indicators_series_MODULES := indicators base
test_indicators_series_LIBS := -lm
test_indicators_window_SRC := tests/unit/test_indicators_window.c tests/unit/indicator_support.c
test_indicators_window_MODULES := indicators base
test_indicators_window_LIBS := -lm
TESTS += test_indicators_profile test_indicators_flow
test_indicators_profile_SRC := tests/unit/test_indicators_profile.c tests/unit/indicator_support.c
test_indicators_profile_MODULES := indicators base
test_indicators_profile_LIBS := -lm
test_indicators_flow_SRC := tests/unit/test_indicators_flow.c tests/unit/indicator_support.c
test_indicators_flow_MODULES := indicators shm base
test_indicators_flow_LIBS := -lm
