# propfleet, the command for people
MODULES += tools
tools_SRC := tools/account.c tools/account_add.c tools/account_file.c tools/account_show.c tools/alerts.c tools/args.c \
             tools/ask.c tools/check.c tools/client.c tools/control.c tools/find.c tools/flatten.c tools/journal.c \
             tools/ledger.c tools/load.c tools/rules.c tools/rules_text.c tools/run.c tools/screen.c tools/status.c tools/summary.c tools/table.c \
             tools/terminal.c tools/text.c tools/top.c tools/trades.c tools/view.c

PROGRAMS += propfleet
propfleet_DIR := bin
propfleet_SRC := tools/main.c
propfleet_MODULES := tools loader config journal_read store shm base
propfleet_LIBS := -lyaml -llmdb -lmsgpackc -ljansson -lsodium

TESTS += test_rules_text
test_rules_text_SRC := tests/unit/test_rules_text.c tools/rules_text.c tools/text.c
test_rules_text_MODULES := loader config base
test_rules_text_LIBS := -lyaml
