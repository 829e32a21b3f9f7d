# vectors of the firms' rules
TESTS += golden
golden_SRC := tests/golden/golden.c tests/golden/golden_vector.c tests/golden/golden_floor.c tests/golden/golden_primitives.c
golden_MODULES := rules base

# golden numbers of the quantitative parts
TESTS += golden_quant
golden_quant_SRC := tests/golden/quant/quant.c tests/golden/quant/table.c \
                    tests/golden/quant/quant_indicators.c tests/golden/quant/quant_indicators_bars.c
golden_quant_MODULES := indicators base
golden_quant_LIBS := -lm
