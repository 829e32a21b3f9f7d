# propfleet, the command for people
MODULES += tools
tools_SRC := tools/account.c tools/account_acts.c tools/account_adopt.c tools/account_add.c tools/account_ask.c tools/account_file.c \
             tools/account_show.c tools/alerts.c tools/args.c tools/ask.c tools/audit.c tools/backtest.c tools/calendar.c tools/check.c \
             tools/client.c tools/control.c tools/data.c tools/data_check.c tools/data_gaps.c \
             tools/data_import.c tools/data_shared.c tools/exercised.c tools/find.c tools/flatten.c tools/journal.c tools/ledger.c tools/load.c \
             tools/rules.c tools/rules_explain.c tools/rules_text.c tools/run.c tools/screen.c tools/statement.c \
             tools/status.c tools/summary.c tools/table.c tools/terminal.c tools/text.c tools/top.c tools/trades.c tools/view.c \
             tools/report/report.c tools/report/html.c tools/report/svg.c

PROGRAMS += propfleet
propfleet_DIR := bin
propfleet_SRC := tools/main.c
propfleet_MODULES = tools account_request statement csv datafile loader performance signals $(replay_NEEDS)
propfleet_LIBS = -lyaml -llmdb -lmsgpackc -ljansson -lsodium -lz $(performance_LIBS)

# statements of real accounts
MODULES += statement
statement_SRC := tools/statement_read.c tools/statement_text.c tools/statement_money.c tools/statement_rules.c

TESTS += test_statement
test_statement_SRC := tests/unit/test_statement.c tools/load.c tools/text.c
test_statement_MODULES := statement loader config rules base
test_statement_LIBS := -lyaml
TESTS += test_tools_args test_tools_text
test_tools_args_SRC := tests/unit/test_tools_args.c tools/args.c
test_tools_args_MODULES := loader config base
test_tools_args_LIBS := -lyaml
test_tools_text_SRC := tests/unit/test_tools_text.c tools/table.c tools/terminal.c tools/text.c
test_tools_text_MODULES := base
test_tools_text_LIBS := -lutil
TESTS += test_exercised
test_exercised_SRC := tests/unit/test_exercised.c tools/exercised.c tools/text.c
test_exercised_MODULES := config base
test_exercised_LIBS := -ljansson
TESTS += test_tools_view
test_tools_view_SRC := tests/unit/test_tools_view.c tools/screen.c tools/table.c tools/text.c tools/view.c
test_tools_view_MODULES := base
test_tools_view_LIBS := -ljansson
TESTS += test_tools_account
test_tools_account_SRC := tests/unit/test_tools_account.c tests/unit/store_support.c tools/account_ask.c tools/account_file.c tools/rules_text.c \
                          tools/find.c tools/load.c tools/text.c
test_tools_account_MODULES := loader config store base
test_tools_account_LIBS := -lyaml -llmdb
# The account's own names and tables beside the tools' idea of them.
TESTS += test_tools_ledger
test_tools_ledger_SRC := tests/unit/test_tools_ledger.c tests/unit/store_support.c tools/ledger.c tools/text.c \
                         workers/account/persist.c workers/broker/broker.c shm/market.c
test_tools_ledger_MODULES := account_core journal_read chain strategy risk rules sessions store loader config base
test_tools_ledger_LIBS := -lyaml -llmdb -lmsgpackc -lsodium -lm
TESTS += test_tools_client
test_tools_client_SRC := tests/integration/test_tools_client.c tools/client.c tools/text.c
test_tools_client_MODULES := base
$(BUILD)tests/test_tools_client: | $(BUILD)bin/propfleet
TESTS += test_rules_text
test_rules_text_SRC := tests/unit/test_rules_text.c tools/rules_text.c tools/text.c
test_rules_text_MODULES := loader config base
test_rules_text_LIBS := -lyaml
TESTS += test_report_svg
test_report_svg_SRC := tests/unit/test_report_svg.c tools/report/svg.c tools/text.c
test_report_svg_MODULES := base
test_report_svg_LIBS := -lm
TESTS += test_tools_data
test_tools_data_SRC := tests/unit/test_tools_data.c tools/data_gaps.c tools/data_shared.c tools/text.c shm/market.c
test_tools_data_MODULES := csv datafile base
test_tools_data_LIBS := -lz
