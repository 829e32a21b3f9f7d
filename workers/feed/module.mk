# replay, simulator, bar builder: the only writer of market data
MODULES += feed
feed_SRC := workers/feed/csv.c workers/feed/csv_fast.c workers/feed/spread.c workers/feed/session.c workers/feed/source.c \
            workers/feed/simulator.c workers/feed/builder.c workers/feed/merge.c workers/feed/season.c

# the reader of CSV alone (the feed has it too), and the mapped data file: for tools and backtests
MODULES += csv datafile
csv_SRC := workers/feed/csv.c workers/feed/csv_fast.c
datafile_SRC := workers/feed/datafile.c workers/feed/datafile_write.c

TESTS += test_datafile
test_datafile_SRC := tests/unit/test_datafile.c
test_datafile_MODULES := csv datafile base
test_datafile_LIBS := -lz

PROGRAMS += propfleet-feed
propfleet-feed_DIR := libexec/propfleet
propfleet-feed_SRC := workers/feed/main.c workers/feed/feed.c workers/feed/readers.c workers/feed/pace.c \
                      workers/feed/archive.c
propfleet-feed_MODULES := feed store child config shm base
propfleet-feed_LIBS := -llmdb -lz -lm

TESTS += test_archive test_csv test_builder test_merge test_simulator test_feed
test_archive_SRC := tests/unit/test_archive.c workers/feed/archive.c tests/unit/feed_support.c
test_archive_MODULES := feed store shm base
test_archive_LIBS := -llmdb -lz -lm
test_csv_SRC := tests/unit/test_csv.c tests/unit/feed_support.c
test_csv_MODULES := feed shm base
test_csv_LIBS := -lz -lm
test_builder_SRC := tests/unit/test_builder.c tests/unit/feed_support.c
test_builder_MODULES := feed shm base
test_builder_LIBS := -lz -lm
test_merge_SRC := tests/unit/test_merge.c tests/unit/feed_support.c
test_merge_MODULES := feed shm base
test_merge_LIBS := -lz -lm
test_simulator_SRC := tests/unit/test_simulator.c tests/unit/feed_support.c
test_simulator_MODULES := feed shm base
test_simulator_LIBS := -lz -lm
test_feed_SRC := tests/integration/test_feed.c tests/unit/feed_support.c
test_feed_MODULES := feed config shm base
test_feed_LIBS := -lz -lm

BENCHES += bench_csv
bench_csv_SRC := tests/bench/bench_csv.c
bench_csv_MODULES := feed shm base
bench_csv_LIBS := -lz -lm

BENCHES += bench_feed
bench_feed_SRC := tests/bench/bench_feed.c tests/unit/feed_support.c
bench_feed_MODULES := feed config shm base
bench_feed_LIBS := -lz -lm
