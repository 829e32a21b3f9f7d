# durable tables and journal: LMDB, or in memory
MODULES += store
store_SRC := workers/store/store.c workers/store/lmdb.c workers/store/lmdb_commit.c workers/store/lmdb_read.c \
             workers/store/lmdb_tail.c workers/store/memory.c

TESTS += test_store test_store_lmdb test_store_process
test_store_SRC := tests/unit/test_store.c tests/unit/store_support.c
test_store_MODULES := store base
test_store_LIBS := -llmdb
test_store_lmdb_SRC := tests/unit/test_store_lmdb.c tests/unit/store_support.c
test_store_lmdb_MODULES := store base
test_store_lmdb_LIBS := -llmdb
test_store_process_SRC := tests/unit/test_store_process.c tests/unit/store_support.c
test_store_process_MODULES := store base
test_store_process_LIBS := -llmdb

BENCHES += bench_store
bench_store_SRC := tests/bench/bench_store.c tests/bench/bench_ring_support.c
bench_store_MODULES := store base
bench_store_LIBS := -llmdb
