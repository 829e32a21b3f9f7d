# models of signals: what is trained, how it is validated. XGBoost, the second model, is linked where its library is;
# XGBOOST=0 leaves it out.
MODULES += model
model_SRC := $(addprefix workers/performance/model/,model.c fit.c cv.c pipeline.c label.c leak.c xgboost.c)
ifndef XGBOOST
XGBOOST := $(shell pkg-config --exists xgboost 2>/dev/null && echo 1 || echo 0)
endif
ifeq ($(XGBOOST),0)
CPPFLAGS += -DPROPFLEET_WITHOUT_XGBOOST
endif
model_LIBS := -llinear $(if $(filter-out 0,$(XGBOOST)),-lxgboost) -lgsl -lgslcblas -lm

TESTS += test_model test_model_leak
test_model_SRC := tests/unit/test_model.c
test_model_MODULES := model signals strategy base
test_model_LIBS := $(model_LIBS)
test_model_leak_SRC := tests/unit/test_model_leak.c
test_model_leak_MODULES := model signals strategy base
test_model_leak_LIBS := $(model_LIBS)
