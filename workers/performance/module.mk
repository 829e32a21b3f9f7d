# how an account does: moments, quantiles, drawdown, Sharpe and its error, trades, trading days (pure)
MODULES += performance
performance_SRC := $(addprefix workers/performance/,moments.c quantile.c drawdown.c sharpe.c equity.c trades.c trading_day.c \
                   performance.c performance_read.c)
performance_LIBS := -lgsl -lgslcblas -lm

# its subfolders: one folder, one module.mk
include $(sort $(wildcard workers/performance/*/module.mk))
