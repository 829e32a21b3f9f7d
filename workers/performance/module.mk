# models of signals: what is trained, how it is validated (model_*). XGBoost, the second model, is linked where its
# library is; XGBOOST=0 leaves it out.
MODULES += model
model_SRC := $(addprefix workers/performance/,model.c model_fit.c model_cv.c model_pipeline.c model_label.c model_leak.c \
             model_xgboost.c)
XGBOOST ?= $(if $(wildcard /usr/include/xgboost/c_api.h),1,0)
ifeq ($(XGBOOST),0)
CPPFLAGS += -DPROPFLEET_WITHOUT_XGBOOST
endif
model_LIBS := -llinear $(if $(filter-out 0,$(XGBOOST)),-lxgboost) -lgsl -lgslcblas -lm
