# compiled configuration (reader) and the loader on libyaml
MODULES += config loader
config_SRC := config/compiled.c
loader_SRC := config/loader.c
