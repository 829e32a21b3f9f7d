# records of signals and their quality (pure)
MODULES += signals
signals_SRC := $(addprefix workers/strategy/signals/,record.c interval.c order.c reliability.c logit.c auc.c calibrator.c \
               expectancy.c quality.c advice.c)
signals_LIBS := -lgsl -lgslcblas -lm

TESTS += test_signals_record test_signals_statistics test_signals_quality
test_signals_record_SRC := tests/unit/test_signals_record.c
test_signals_record_MODULES := signals strategy base
test_signals_record_LIBS := $(signals_LIBS)
test_signals_statistics_SRC := tests/unit/test_signals_statistics.c
test_signals_statistics_MODULES := signals strategy base
test_signals_statistics_LIBS := $(signals_LIBS)
test_signals_quality_SRC := tests/unit/test_signals_quality.c
test_signals_quality_MODULES := signals strategy base
test_signals_quality_LIBS := $(signals_LIBS)
