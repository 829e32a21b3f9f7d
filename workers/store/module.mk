# durable tables and journal: LMDB, or in memory
MODULES += store
store_SRC := workers/store/store.c workers/store/lmdb.c workers/store/memory.c
