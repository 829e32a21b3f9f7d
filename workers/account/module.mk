# the account: order state machine, core (pure), live driver
MODULES += account_core journal_read chain account_request
account_request_SRC := workers/account/request.c
chain_SRC := workers/account/chain.c
journal_read_SRC := workers/account/journal_read.c
account_core_SRC := workers/account/order.c workers/account/core.c workers/account/core_exits.c \
                    workers/account/core_reports.c workers/account/core_entries.c \
                    workers/account/core_rules.c workers/account/core_windows.c workers/account/core_venue.c workers/account/journal.c
PROGRAMS += propfleet-account
propfleet-account_DIR := libexec/propfleet
propfleet-account_SRC := workers/account/main.c workers/account/driver.c workers/account/driver_commit.c \
                         workers/account/driver_permits.c workers/account/driver_start.c \
                         workers/account/driver_control.c workers/account/driver_venue.c workers/account/driver_request.c \
                         workers/account/persist.c
propfleet-account_MODULES := account_core account_request journal_read chain strategy risk rules sessions broker permit_client wire store child shm config base
propfleet-account_LIBS := -lzmq -lmsgpackc -llmdb -lsodium -lm

TESTS += test_core
test_core_SRC := tests/unit/test_core.c workers/broker/broker.c shm/market.c
test_core_MODULES := account_core journal_read strategy risk rules sessions config base
test_core_LIBS := -lmsgpackc -lm

TESTS += test_order
test_order_SRC := tests/unit/test_order.c workers/account/order.c
test_order_MODULES := base

TESTS += tamper
tamper_SRC := tests/integration/tamper.c
tamper_LIBS := -llmdb

TESTS += test_core_venue
test_core_venue_SRC := tests/unit/test_core_venue.c workers/broker/broker.c shm/market.c
test_core_venue_MODULES := account_core journal_read strategy risk rules sessions config base
test_core_venue_LIBS := -lmsgpackc -lm

TESTS += test_request
test_request_SRC := tests/unit/test_request.c
test_request_MODULES := account_request base
