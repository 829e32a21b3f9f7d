# fuzz targets; without clang a loop from a seed (fuzz_main.c), with it `make fuzz`
TESTS += fuzz_zone fuzz_rules
fuzz_zone_SRC := tests/fuzz/fuzz_zone.c tests/fuzz/fuzz_main.c
fuzz_zone_MODULES := rules base
fuzz_rules_SRC := tests/fuzz/fuzz_rules.c tests/fuzz/fuzz_main.c
fuzz_rules_MODULES := rules base
TESTS += fuzz_datafile
fuzz_datafile_SRC := tests/fuzz/fuzz_datafile.c tests/fuzz/fuzz_main.c
fuzz_datafile_MODULES := datafile base
fuzz_datafile_LIBS := -lz
ifneq ($(wildcard config/calendar.c),)
TESTS += fuzz_calendar
fuzz_calendar_SRC := tests/fuzz/fuzz_calendar.c tests/fuzz/fuzz_main.c
fuzz_calendar_MODULES := loader config base
fuzz_calendar_LIBS := -lyaml
endif

.PHONY: fuzz fuzz-targets
fuzz-targets:
	@printf '%s\n' $(filter fuzz_%,$(TESTS))
fuzz:
	@tests/fuzz/run.sh
sources-%:
	@echo $(filter-out %/fuzz_main.c,$($*_SRC)) $(foreach m,$($*_MODULES),$($(m)_SRC)) $($*_LIBS)
