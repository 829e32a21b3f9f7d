/* tables: the keys of every YAML file, and the drafts that they are read into.
 *
 * A draft is the compiled struct of config.h plus what only the loader needs: names that are not yet
 * indices, with the places where they stand. Each table is one kind of file.
 */
#ifndef PROPFLEET_CONFIG_TABLES_H
#define PROPFLEET_CONFIG_TABLES_H

#include "config/rule_compile.h"
#include "config/schema.h"

#define DRAFT_FILES_MAX 40   /* programmes */
#define DRAFT_OPTIONS_MAX 4  /* of an account */

struct draft_feed {
    struct config_feed c;
    struct schema_path data;
    struct schema_reference dataset;
};

struct draft_fleet {
    uint32_t config_version;
    char owner[CONFIG_NAME_MAX];
    struct schema_path state_dir, runtime_dir, alert_command;
    uint32_t log_json, log_level, host, mode;
    struct draft_feed feed;
    struct config_coordination coordination;
    struct config_store store;
    struct config_supervisor supervisor;
    uint32_t swap_zone;
    int32_t swap_second;
};

struct draft_instrument {
    struct config_instrument c; /* first: its symbol is the name of a map's element */
    struct schema_reference conversion;
    bool has_simulator;
    struct place place;
};

struct draft_instruments {
    uint32_t config_version;
    uint32_t count;
    struct draft_instrument list[CONFIG_INSTRUMENTS_MAX];
};

struct draft_personality {
    uint32_t config_version;
    struct config_personality c;
    uint32_t instrument_count;
    struct schema_reference instruments[CONFIG_INSTRUMENTS_MAX];
    struct place place;
};

enum draft_durability { DRAFT_CRASH, DRAFT_POWER, DRAFT_BY_MARKET };

struct draft_account {
    uint32_t config_version;
    struct config_account c; /* its durability is an enum draft_durability */
    struct schema_reference programme, phase, options[DRAFT_OPTIONS_MAX], personality;
    uint32_t option_count;
    struct place place;
};

enum draft_rows { DRAFT_TICKS, DRAFT_M1, DRAFT_M5, DRAFT_M15, DRAFT_H1 };

struct draft_file {
    char symbol[CONFIG_NAME_MAX]; /* first: the name of a map's element */
    struct schema_path file, spread;
    uint32_t rows, price_kind, volume_kind;
    int64_t from_ns, to_ns;
    struct place place;
};

struct draft_dataset {
    uint32_t config_version;
    char name[CONFIG_NAME_MAX];
    int64_t from_ns, to_ns;
    uint32_t count;
    struct draft_file files[CONFIG_INSTRUMENTS_MAX];
    struct place place;
};

/* Everything that was read, before names become indices. */
struct draft {
    char config_dir[CONFIG_PATH_MAX]; /* absolute */
    struct draft_fleet fleet;
    struct place fleet_place;
    struct draft_instruments instruments;
    struct draft_programme *programmes[DRAFT_FILES_MAX]; /* ours: the loader frees them */
    bool programme_broken[DRAFT_FILES_MAX];              /* read, with errors: not compiled */
    struct rule_gap gaps[CONFIG_PROGRAMMES_MAX];         /* of each entry of the compiled configuration */
    struct draft_personality personalities[CONFIG_PERSONALITIES_MAX];
    struct draft_account accounts[CONFIG_ACCOUNTS_MAX];
    struct draft_dataset dataset; /* the chosen one, when has_dataset */
    uint32_t programme_count, personality_count, account_count;
    bool has_dataset;
    /* A file of this kind could not be read: an unknown name may well be defined there. */
    bool fleet_broken, instruments_broken, programmes_broken, personalities_broken, accounts_broken, dataset_broken;
    bool datasets_missing; /* the folder datasets/ of the configuration, which need not be there */
};

extern const struct schema_table table_fleet, table_instruments, table_personality, table_account,
    table_dataset;

#endif
