# propfleet: make · make run · make test · make bench · make help
#
# One Makefile, not recursive. Each folder lists its sources in its module.mk:
#   MODULES  += name          name_SRC = files; objects that programs and tests link
#   PROGRAMS += name          name_DIR (bin or libexec/propfleet), name_SRC, name_MODULES, name_LIBS
#   TESTS    += test_name     test_name_SRC, test_name_MODULES, test_name_LIBS: a cmocka binary
#   BENCHES  += bench_name    likewise, run by make bench
# Variants (same tree, other folder): SANITIZE=address|thread, FAULTS=1, PLANT=n (a fault in the rules), WERROR=1. V=1 shows
# the commands.

SHELL := /bin/bash
.DEFAULT_GOAL := all

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
VARIANT := $(if $(SANITIZE),$(SANITIZE)/)$(if $(FAULTS),faults/)$(if $(PLANT),plant$(PLANT)/)
BUILD := build/$(VARIANT)
OBJ := $(BUILD)obj/

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wcast-qual -Wundef -Wnull-dereference -Wvla
HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CPPFLAGS += -I. -D_GNU_SOURCE -MMD -MP
CFLAGS ?= -O2 -g
CFLAGS_ALL = -std=c17 $(CFLAGS) $(WARNINGS) -fno-math-errno -ffp-contract=off
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
ifeq ($(SANITIZE),address)
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=address,undefined
HARDENING := -fPIE
else ifeq ($(SANITIZE),thread)
CFLAGS_ALL += -fsanitize=thread
LDFLAGS_ALL += -fsanitize=thread
HARDENING := -fPIE
endif
ifdef FAULTS
CPPFLAGS += -DPROPFLEET_FAULTS
endif
ifdef PLANT
CPPFLAGS += -DPROPFLEET_PLANT=$(PLANT)
endif
ifdef WERROR
CFLAGS_ALL += -Werror
endif

# One short line a file; V=1 shows the commands.
quiet := $(if $(V),,@)
say := @$(if $(V),:,echo)

MODULES :=
PROGRAMS :=
TESTS :=
BENCHES :=
include $(sort $(wildcard */module.mk workers/*/module.mk tests/*/module.mk))

# --- objects ------------------------------------------------------------------
FLAGS_NOW := $(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(HARDENING) $(LDFLAGS_ALL)
$(shell mkdir -p $(OBJ); [ "$$(cat $(OBJ)flags 2>/dev/null)" = '$(FLAGS_NOW)' ] || echo '$(FLAGS_NOW)' > $(OBJ)flags)

$(OBJ)%.o: %.c $(OBJ)flags
	@mkdir -p $(@D)
	$(say) '  CC      $<'
	$(quiet)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(HARDENING) -c $< -o $@

objects = $(addprefix $(OBJ),$(patsubst %.c,%.o,$(1)))
module_objects = $(foreach m,$(1),$(call objects,$($(m)_SRC)))

# --- programs, tests, benches ---------------------------------------------------
define program_rule
$(BUILD)$($(1)_DIR)/$(1): $(call objects,$($(1)_SRC)) $(call module_objects,$($(1)_MODULES))
	@mkdir -p $$(@D)
	$$(say) '  LINK    $$@'
	$$(quiet)$$(CC) $$(CFLAGS_ALL) $$(LDFLAGS_ALL) $$^ -o $$@ $($(1)_LIBS)
ALL_PROGRAMS += $(BUILD)$($(1)_DIR)/$(1)
endef
define test_rule
$(BUILD)tests/$(1): $(call objects,$($(1)_SRC)) $(call module_objects,$($(1)_MODULES))
	@mkdir -p $$(@D)
	$$(say) '  LINK    $$@'
	$$(quiet)$$(CC) $$(CFLAGS_ALL) $$(LDFLAGS_ALL) $$^ -o $$@ $($(1)_LIBS) -lcmocka
endef
define bench_rule
$(BUILD)bench/$(1): $(call objects,$($(1)_SRC)) $(call module_objects,$($(1)_MODULES))
	@mkdir -p $$(@D)
	$$(say) '  LINK    $$@'
	$$(quiet)$$(CC) $$(CFLAGS_ALL) $$(LDFLAGS_ALL) $$^ -o $$@ $($(1)_LIBS)
endef
ALL_PROGRAMS :=
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))
$(foreach t,$(TESTS),$(eval $(call test_rule,$(t))))
$(foreach b,$(BENCHES),$(eval $(call bench_rule,$(b))))
ALL_TESTS := $(addprefix $(BUILD)tests/,$(TESTS))
ALL_BENCHES := $(addprefix $(BUILD)bench/,$(BENCHES))

.PHONY: all programs tests
all: deps programs
programs: $(ALL_PROGRAMS)
tests: $(ALL_TESTS)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# --- what people type -------------------------------------------------------------
.PHONY: deps run test bench check help clean unit test-golden search
deps:
	@tools/deps.sh

help:
	@sed -n '1,3p' Makefile | sed 's/^# \{0,1\}//'
	@echo "  make deps     install what the build needs (Debian packages); names them first"
	@echo "  make run      build, then a ten-account fleet on the simulated market; DATA=folder for real data"
	@echo "  make test     build and run every test; ends with N passed, M failed"
	@echo "  make bench    measure; writes build/bench.json and a table with the goals"
	@echo "  make check    static checks: links, clang-tidy, cppcheck"
	@echo "  make unit     the unit tests alone"
	@echo "  make test-golden   every golden file: rules, indicators, statistics; GOLDEN=folder for other ones"
	@echo "  make search   200,000 random books that the gate admits against paths that try to breach"
	@echo "  make fuzz     libFuzzer over tests/fuzz where clang is installed (make test runs them from a seed)"

run: all
	@tools/demo.sh $(if $(DATA),--data '$(DATA)')

test: all tests
	@tests/run.sh

unit: deps tests
	@tests/run.sh unit

GOLDEN ?= tests/golden
test-golden: $(BUILD)tests/golden $(BUILD)tests/golden_quant
	@BUILD=$(BUILD) tests/golden/run.sh $(GOLDEN)

search: $(BUILD)tests/search_rules
	@$(BUILD)tests/search_rules

bench: all $(ALL_BENCHES)
	@tests/bench/run.sh

check: all
	@tests/check.sh

clean:
	rm -rf build
