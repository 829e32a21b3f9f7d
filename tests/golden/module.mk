# vectors of the firms' rules
TESTS += golden
golden_SRC := tests/golden/golden.c tests/golden/golden_vector.c tests/golden/golden_floor.c tests/golden/golden_primitives.c
golden_MODULES := rules base
