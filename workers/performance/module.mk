# how an account does: moments, quantiles, drawdown, Sharpe and its error, trades, trading days (pure)
MODULES += performance
performance_SRC := $(addprefix workers/performance/,moments.c quantile.c drawdown.c sharpe.c equity.c trades.c trading_day.c \
                   performance.c performance_read.c)
performance_LIBS := -lgsl -lgslcblas -lm

TESTS += test_moments test_drawdown test_sharpe test_trades test_trading_day test_performance
test_moments_SRC := tests/unit/test_moments.c
test_moments_MODULES := performance base
test_moments_LIBS := $(performance_LIBS)
test_drawdown_SRC := tests/unit/test_drawdown.c
test_drawdown_MODULES := performance base
test_drawdown_LIBS := $(performance_LIBS)
test_sharpe_SRC := tests/unit/test_sharpe.c
test_sharpe_MODULES := performance base
test_sharpe_LIBS := $(performance_LIBS)
test_trades_SRC := tests/unit/test_trades.c
test_trades_MODULES := performance base
test_trades_LIBS := $(performance_LIBS)
test_trading_day_SRC := tests/unit/test_trading_day.c
test_trading_day_MODULES := performance base
test_trading_day_LIBS := $(performance_LIBS)
test_performance_SRC := tests/unit/test_performance.c
test_performance_MODULES := performance base
test_performance_LIBS := $(performance_LIBS)

# its subfolders: one folder, one module.mk
include $(sort $(wildcard workers/performance/*/module.mk))
