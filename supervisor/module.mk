# the process tree: start, watch, restart, reload, stop
MODULES += machine supervisor
machine_SRC := supervisor/machine.c
supervisor_SRC := supervisor/alerts.c supervisor/channels.c supervisor/fleet.c supervisor/folders.c \
                  supervisor/generations.c supervisor/launch.c supervisor/logpipe.c supervisor/notify.c \
                  supervisor/options.c supervisor/process.c supervisor/reload.c supervisor/socket.c \
                  supervisor/spawn.c supervisor/status.c supervisor/verbs.c

PROGRAMS += propfleet-supervisor
propfleet-supervisor_DIR := libexec/propfleet
propfleet-supervisor_SRC := supervisor/supervisor.c
propfleet-supervisor_MODULES := supervisor machine config shm base
propfleet-supervisor_LIBS := -ljansson

TESTS += test_machine test_supervisor_parts test_spawn test_supervisor
test_machine_SRC := tests/unit/test_machine.c
test_machine_MODULES := machine base
test_supervisor_parts_SRC := tests/unit/test_supervisor_parts.c supervisor/alerts.c supervisor/folders.c \
                             supervisor/generations.c supervisor/logpipe.c supervisor/spawn.c
test_supervisor_parts_MODULES := base
test_supervisor_parts_LIBS := -ljansson
test_spawn_SRC := tests/integration/test_spawn.c supervisor/spawn.c
test_spawn_MODULES := base
test_supervisor_SRC := tests/integration/test_supervisor.c tests/integration/supervisor_rig.c
test_supervisor_MODULES := base
test_supervisor_LIBS := -ljansson

# Stand for the children and the loader in test_supervisor, beside which they lie.
PROGRAMS += fake_child fake_config
fake_child_DIR := tests
fake_child_SRC := tests/integration/fake_child.c
fake_child_MODULES := child config shm base
fake_config_DIR := tests
fake_config_SRC := tests/integration/fake_config.c
fake_config_MODULES := config base
$(BUILD)tests/test_supervisor: | $(BUILD)tests/fake_child $(BUILD)tests/fake_config \
                                 $(BUILD)libexec/propfleet/propfleet-supervisor
