# compiled configuration (reader; links base) and the loader on libyaml (links config, base)
MODULES += config loader
config_SRC := config/compiled.c config/check.c config/check_rules.c
loader_SRC := config/loader.c config/document.c config/folder.c config/paths.c config/policy.c \
              config/programmes.c config/report.c config/resolve.c config/rule_check.c config/rule_compile.c \
              config/rule_merge.c config/rule_tables.c config/scalars.c config/schema.c config/source.c config/tables.c \
              config/values.c

PROGRAMS += propfleet-config
propfleet-config_DIR := libexec/propfleet
propfleet-config_SRC := config/compile_main.c
propfleet-config_MODULES := loader config base
propfleet-config_LIBS := -lyaml

TESTS += test_config test_config_errors test_config_rules test_config_source test_config_values
test_config_SRC := tests/unit/test_config.c tests/unit/test_config_support.c
test_config_MODULES := loader config base
test_config_LIBS := -lyaml
test_config_errors_SRC := tests/unit/test_config_errors.c tests/unit/test_config_support.c
test_config_errors_MODULES := loader config base
test_config_errors_LIBS := -lyaml
test_config_rules_SRC := tests/unit/test_config_rules.c tests/unit/test_config_support.c
test_config_rules_MODULES := loader config base
test_config_rules_LIBS := -lyaml
test_config_source_SRC := tests/unit/test_config_source.c tests/unit/test_config_support.c
test_config_source_MODULES := loader config base
test_config_source_LIBS := -lyaml
test_config_values_SRC := tests/unit/test_config_values.c
test_config_values_MODULES := loader config base
test_config_values_LIBS := -lyaml
# One test runs the program.
$(BUILD)tests/test_config: | $(BUILD)libexec/propfleet/propfleet-config

# the calendar: news and holidays
config_SRC += config/news.c
loader_SRC += config/calendar.c config/calendar_csv.c config/calendar_derived.c config/calendar_ics.c config/calendar_parts.c

TESTS += test_calendar test_calendar_files
test_calendar_SRC := tests/unit/test_calendar.c tests/unit/test_config_support.c
test_calendar_MODULES := sessions loader config base
test_calendar_LIBS := -lyaml
test_calendar_files_SRC := tests/unit/test_calendar_files.c tests/unit/test_config_support.c
test_calendar_files_MODULES := loader config base
test_calendar_files_LIBS := -lyaml
