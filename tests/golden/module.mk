# vectors of the firms' rules
TESTS += golden
golden_SRC := tests/golden/golden.c tests/golden/golden_vector.c tests/golden/golden_floor.c tests/golden/golden_primitives.c
golden_MODULES := rules base

# golden numbers of the quantitative parts
TESTS += golden_quant
golden_quant_SRC := tests/golden/quant/quant.c tests/golden/quant/table.c
golden_quant_SRC += tests/golden/quant/quant_wyckoff.c
golden_quant_MODULES := base wyckoff
golden_quant_LIBS := -lm

# fresh series through the Wyckoff machine, for tests/golden/wyckoff_pairs.py
TESTS += wyckoff_pairs
wyckoff_pairs_SRC := tests/golden/wyckoff_pairs.c
wyckoff_pairs_MODULES := wyckoff base
wyckoff_pairs_LIBS := -lm
