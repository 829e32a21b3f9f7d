# error, log, decimal, clock, time zones, control messages: what every part needs and no part owns
MODULES += base
base_SRC := base/decimal.c base/error.c base/log.c base/clock.c base/hours.c base/tz.c base/tz_load.c base/vocabulary.c \
            base/control.c base/crashpoint.c

TESTS += test_decimal test_error_log test_clock test_tz test_hours test_control
test_decimal_SRC := tests/unit/test_decimal.c
test_decimal_MODULES := base
test_error_log_SRC := tests/unit/test_error_log.c
test_error_log_MODULES := base
test_clock_SRC := tests/unit/test_clock.c
test_clock_MODULES := base
test_tz_SRC := tests/unit/test_tz.c
test_tz_MODULES := base
test_hours_SRC := tests/unit/test_hours.c
test_hours_MODULES := base
test_control_SRC := tests/unit/test_control.c
test_control_MODULES := base
