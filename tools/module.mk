# propfleet, the command for people
MODULES += tools
<<<<<<< HEAD
tools_SRC := tools/account.c tools/account_acts.c tools/account_add.c tools/account_file.c tools/account_show.c tools/alerts.c tools/args.c \
             tools/ask.c tools/audit.c tools/check.c tools/client.c tools/control.c tools/find.c tools/flatten.c tools/journal.c \
             tools/ledger.c tools/load.c tools/rules.c tools/rules_explain.c tools/rules_text.c tools/run.c tools/screen.c tools/status.c tools/summary.c tools/table.c \
             tools/terminal.c tools/text.c tools/top.c tools/trades.c tools/view.c
=======
tools_SRC := tools/account.c tools/account_add.c tools/account_file.c tools/account_show.c tools/alerts.c tools/args.c \
             tools/ask.c tools/audit.c tools/check.c tools/client.c tools/control.c tools/find.c tools/flatten.c tools/journal.c \
             tools/ledger.c tools/load.c tools/rules.c tools/rules_text.c tools/run.c tools/screen.c tools/statement.c tools/status.c tools/summary.c \
             tools/table.c tools/terminal.c tools/text.c tools/top.c tools/trades.c tools/view.c
>>>>>>> statements

PROGRAMS += propfleet
propfleet_DIR := bin
propfleet_SRC := tools/main.c
<<<<<<< HEAD
propfleet_MODULES := tools loader config journal_read chain rules sessions store shm base
propfleet_LIBS := -lyaml -llmdb -lmsgpackc -ljansson -lsodium

# propfleet calendar
tools_SRC += tools/calendar.c
=======
propfleet_MODULES := tools statement rules loader config journal_read chain store shm base
propfleet_LIBS := -lyaml -llmdb -lmsgpackc -ljansson -lsodium

# statements of real accounts
MODULES += statement
statement_SRC := tools/statement_read.c tools/statement_text.c tools/statement_money.c tools/statement_rules.c

TESTS += test_statement
test_statement_SRC := tests/unit/test_statement.c tools/load.c tools/text.c
test_statement_MODULES := statement loader config rules base
test_statement_LIBS := -lyaml
>>>>>>> statements
