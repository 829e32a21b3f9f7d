# what is measured about trading: one folder, one module.mk (pure)
include $(sort $(wildcard workers/performance/*/module.mk))
