/* account_file: the one YAML file that an account is. */
#ifndef PROPFLEET_TOOLS_ACCOUNT_FILE_H
#define PROPFLEET_TOOLS_ACCOUNT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct error;

#define ACCOUNT_FILE_BYTES_MAX 1024u
#define ACCOUNT_REMOVED_FOLDER "removed-accounts" /* of the configuration; the loader does not look there */

struct account_spec {
    const char *name, *firm, *programme, *personality;
    const char *phase;       /* NULL: the file says none, which a programme of one phase allows */
    const char *size;        /* "100000" or "100000.50" */
    const char *currency;    /* "USD" */
    const char *after_crash; /* "resume", "flatten"; NULL: resume */
    bool confirmed;          /* lines of the programme that are not official were confirmed by a person */
    bool observe_only, has_seed;
    uint64_t seed;
};

/* The file's text; every value is checked for its form first, so that none can be read as other YAML.
 * Length, or -EINVAL with err naming the value. Pure. */
int account_file_text(const struct account_spec *spec, char *out, size_t size, struct error *err);

/* "100000", "100000.50": more than nothing; three capitals. */
bool account_file_is_amount(const char *text);
bool account_file_is_currency(const char *text);

/* CONFIG/accounts/NAME.yaml appears whole or not at all: temporary file, sync, a rename that replaces nothing.
 * `path` is what it is called. -EEXIST: there is one. */
int account_file_write(const char *config_dir, const char *name, const char *text, char path[CONFIG_PATH_MAX], struct error *err);
/* `text` with the line "phase: PHASE" instead of the one that it has, or below its programme. Length, or -EINVAL. Pure. */
int account_file_phase(const char *text, const char *phase, char *out, size_t size, struct error *err);
/* The file gets another text, whole or not at all. */
int account_file_replace(const char *path, const char *text, struct error *err);
/* Which file of CONFIG/accounts describes the account. -ENOENT: none. */
int account_file_find(const char *config_dir, const char *name, char path[CONFIG_PATH_MAX], struct error *err);
/* Move it to CONFIG/removed-accounts/, under a name that is free; `moved` is where it is now. */
int account_file_remove(const char *config_dir, const char *path, char moved[CONFIG_PATH_MAX], struct error *err);
/* A rename that replaces nothing; both folders are synced. */
int account_file_move(const char *from, const char *to, struct error *err);

#endif
