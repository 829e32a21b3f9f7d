# the account: order state machine, core (pure), live driver
MODULES += account_core
account_core_SRC := workers/account/order.c workers/account/core.c workers/account/core_exits.c \
                    workers/account/core_reports.c workers/account/core_entries.c workers/account/journal.c
