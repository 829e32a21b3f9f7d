# permits: messages, the pure core, the account's side, and the program
MODULES += wire coordinator_core permit_client
wire_SRC := workers/coordinator/wire.c
coordinator_core_SRC := workers/coordinator/core.c
permit_client_SRC := workers/coordinator/client.c
PROGRAMS += propfleet-coordinator
propfleet-coordinator_DIR := libexec/propfleet
propfleet-coordinator_SRC := workers/coordinator/main.c workers/coordinator/driver.c workers/coordinator/ledger.c \
                             workers/coordinator/link.c workers/coordinator/peers.c workers/account/journal.c
propfleet-coordinator_MODULES := coordinator_core wire store child shm config base
propfleet-coordinator_LIBS := -lzmq -lmsgpackc -llmdb

TESTS += test_wire test_coordinator_core test_coordinator
test_wire_SRC := tests/unit/test_wire.c
test_wire_MODULES := wire base
test_wire_LIBS := -lmsgpackc
test_coordinator_core_SRC := tests/unit/test_coordinator_core.c
test_coordinator_core_MODULES := coordinator_core base
test_coordinator_SRC := tests/integration/test_coordinator.c tests/integration/coordinator_rig.c
test_coordinator_MODULES := permit_client wire shm config base
test_coordinator_LIBS := -lzmq -lmsgpackc
# The test runs the program.
$(BUILD)tests/test_coordinator: | $(BUILD)libexec/propfleet/propfleet-coordinator

BENCHES += bench_permit
bench_permit_SRC := tests/bench/bench_permit.c tests/bench/bench_ring_support.c tests/integration/coordinator_rig.c
bench_permit_MODULES := permit_client wire shm config base
bench_permit_LIBS := -lzmq -lmsgpackc

# The bare side of the order path: tests/bench/fleet.sh runs it beside a fleet.
BENCHES += order_bare
order_bare_SRC := tests/bench/order_bare.c tests/bench/bench_ring_support.c
order_bare_MODULES := wire base
order_bare_LIBS := -lzmq -lmsgpackc -llmdb
