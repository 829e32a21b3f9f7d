# permits: messages, the pure core, the account's side, and the program
MODULES += wire coordinator_core permit_client
wire_SRC := workers/coordinator/wire.c
coordinator_core_SRC := workers/coordinator/core.c
permit_client_SRC := workers/coordinator/client.c
PROGRAMS += propfleet-coordinator
propfleet-coordinator_DIR := libexec/propfleet
propfleet-coordinator_SRC := workers/coordinator/main.c workers/coordinator/driver.c
propfleet-coordinator_MODULES := coordinator_core wire store child shm config base
propfleet-coordinator_LIBS := -lzmq -lmsgpackc -llmdb
