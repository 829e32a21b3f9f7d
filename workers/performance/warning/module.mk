# early warning: control charts, change points, what an alarm was worth (pure); links -lgsl -lgslcblas -lm
MODULES += warning
warning_SRC := $(addprefix workers/performance/warning/,arl.c monitor.c bocpd.c drawdown.c drift.c execution.c family.c log.c quadrature.c)
TESTS += test_warning_chart test_warning_bocpd test_warning_drawdown test_warning_family
test_warning_chart_SRC := tests/unit/test_warning_chart.c
test_warning_chart_MODULES := warning base
test_warning_chart_LIBS := -lgsl -lgslcblas -lm
test_warning_bocpd_SRC := tests/unit/test_warning_bocpd.c
test_warning_bocpd_MODULES := warning base
test_warning_bocpd_LIBS := -lgsl -lgslcblas -lm
test_warning_drawdown_SRC := tests/unit/test_warning_drawdown.c
test_warning_drawdown_MODULES := warning base
test_warning_drawdown_LIBS := -lgsl -lgslcblas -lm
test_warning_family_SRC := tests/unit/test_warning_family.c
test_warning_family_MODULES := warning base
test_warning_family_LIBS := -lgsl -lgslcblas -lm
