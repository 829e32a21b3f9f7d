# vectors of the firms' rules
TESTS += golden
golden_SRC := tests/golden/golden.c tests/golden/golden_vector.c tests/golden/golden_floor.c tests/golden/golden_primitives.c
golden_MODULES := rules base

# golden numbers of the quantitative parts
TESTS += golden_quant
golden_quant_SRC := $(sort $(wildcard tests/golden/quant/*.c))
golden_quant_MODULES := indicators wyckoff performance overfit experiment covariance warning exits kelly risk model signals strategy base
golden_quant_LIBS = $(model_LIBS) $(signals_LIBS) -ljansson -lm

# fresh series through the Wyckoff machine, for tests/golden/wyckoff_pairs.py
TESTS += wyckoff_pairs
wyckoff_pairs_SRC := tests/golden/wyckoff_pairs.c
wyckoff_pairs_MODULES := wyckoff base
wyckoff_pairs_LIBS := -lm
