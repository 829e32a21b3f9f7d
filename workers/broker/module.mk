# the broker interface and the paper venue
MODULES += broker
broker_SRC := workers/broker/broker.c workers/broker/paper.c workers/broker/paper_book.c \
              workers/broker/paper_draw.c workers/broker/paper_engine.c workers/broker/paper_fill.c \
              workers/broker/paper_money.c workers/broker/paper_path.c workers/broker/paper_report.c \
              workers/broker/paper_request.c workers/broker/paper_session.c

TESTS += test_paper
test_paper_SRC := tests/unit/test_paper.c tests/unit/paper_support.c tests/unit/store_support.c
test_paper_MODULES := broker store shm base
test_paper_LIBS := -llmdb
TESTS += test_paper_random
test_paper_random_SRC := tests/unit/test_paper_random.c tests/unit/paper_random.c tests/unit/paper_support.c
test_paper_random_MODULES := broker store shm base
test_paper_random_LIBS := -llmdb
TESTS += test_paper_fill
test_paper_fill_SRC := tests/unit/test_paper_fill.c tests/unit/paper_support.c
test_paper_fill_MODULES := broker store shm base
test_paper_fill_LIBS := -llmdb -lm
TESTS += test_paper_request test_paper_money
test_paper_request_SRC := tests/unit/test_paper_request.c tests/unit/paper_support.c
test_paper_request_MODULES := broker store shm base
test_paper_request_LIBS := -llmdb
test_paper_money_SRC := tests/unit/test_paper_money.c tests/unit/paper_support.c
test_paper_money_MODULES := broker store shm base
test_paper_money_LIBS := -llmdb

BENCHES += bench_paper
bench_paper_SRC := tests/bench/bench_paper.c tests/bench/bench_ring_support.c tests/unit/paper_support.c
bench_paper_MODULES := broker store shm base
bench_paper_LIBS := -llmdb -lcmocka
