# a whole fleet in one process: the backtest's driver
MODULES += replay
replay_SRC := workers/replay/replay.c workers/replay/account.c workers/account/persist.c
# What a program that links it needs besides.
replay_NEEDS := replay feed account_core journal_read chain strategy risk rules sessions broker coordinator_core store shm config base
