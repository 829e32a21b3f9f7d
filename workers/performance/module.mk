# early warning: control charts, change points, what an alarm was worth (pure); links -lgsl -lgslcblas -lm
MODULES += warning
warning_SRC := $(addprefix workers/performance/warning/,arl.c monitor.c bocpd.c drawdown.c drift.c execution.c family.c log.c quadrature.c)
