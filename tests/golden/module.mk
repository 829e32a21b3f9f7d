# vectors of the firms' rules
TESTS += golden
golden_SRC := tests/golden/golden.c tests/golden/golden_vector.c tests/golden/golden_floor.c tests/golden/golden_primitives.c
golden_MODULES := rules base

# golden numbers of the quantitative parts
TESTS += golden_quant
golden_quant_SRC := tests/golden/quant/quant.c tests/golden/quant/table.c
golden_quant_MODULES := base
golden_quant_LIBS = -lm

# calibration, ml
golden_quant_SRC += tests/golden/quant/quant_calibration.c tests/golden/quant/quant_ml.c
golden_quant_MODULES += model signals strategy
golden_quant_LIBS += $(model_LIBS) $(signals_LIBS) -ljansson
