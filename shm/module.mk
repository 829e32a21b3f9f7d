# memfd segments, market ring, bar history, status cells
MODULES += shm
shm_SRC := shm/segment.c shm/market.c shm/ring.c shm/history.c shm/baseline.c shm/cell.c shm/result.c

TESTS += test_ring test_cell test_history test_baseline test_segment shm_stress
test_ring_SRC := tests/unit/test_ring.c
test_ring_MODULES := shm base
test_cell_SRC := tests/unit/test_cell.c
test_cell_MODULES := shm base
test_history_SRC := tests/unit/test_history.c
test_history_MODULES := shm base
test_baseline_SRC := tests/unit/test_baseline.c tests/unit/feed_support.c
test_baseline_MODULES := feed shm base
test_baseline_LIBS := -lz -lm
test_segment_SRC := tests/unit/test_segment.c
test_segment_MODULES := shm base
shm_stress_SRC := tests/integration/shm_stress.c
shm_stress_MODULES := shm base
shm_stress_LIBS := -pthread

BENCHES += bench_ring
bench_ring_SRC := tests/bench/bench_ring.c tests/bench/bench_ring_support.c tests/bench/bench_ring_zmq.c
bench_ring_MODULES := shm base
bench_ring_LIBS := -lzmq
