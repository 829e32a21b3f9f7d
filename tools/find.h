/* find: which fleet is meant, and where its folders are.
 *
 * runtime  --runtime, else PROPFLEET_RUNTIME, else runtime_dir of the configuration's fleet.yaml
 * config   --config, else PROPFLEET_CONFIG, else ./config where it has a fleet.yaml, else FIND_CONFIG_DIR;
 *          a command that has a running fleet before it takes what that one says
 * state    --state, else what the fleet that runs says, else (no runtime was named) state_dir of fleet.yaml
 *
 * fleet.yaml alone is read for this, so that a mistake in some account's file keeps nobody from `status`.
 */
#ifndef PROPFLEET_TOOLS_FIND_H
#define PROPFLEET_TOOLS_FIND_H

#include "config/config.h"
#include "tools/args.h"

struct error;

#define FIND_CONFIG_DIR "/etc/propfleet"
#define FIND_STATE_DIR "/var/lib/propfleet" /* fleet.yaml's own defaults */
#define FIND_RUNTIME_DIR "/run/propfleet"

/* As given on the command line; NULL: not. */
struct find {
    const char *config, *runtime, *state;
};

/* The rows of an args table for these. */
#define FIND_RUNTIME_OPTION(find) {"--runtime", ARGS_TEXT, &(find).runtime}, {"--config", ARGS_TEXT, &(find).config}
#define FIND_OPTIONS(find) FIND_RUNTIME_OPTION(find), {"--state", ARGS_TEXT, &(find).state}

/* Each: 0, or a negative code with err. Absolute, apart from the configuration, which stays as it was given. */
int find_config_dir(const struct find *find, char out[CONFIG_PATH_MAX], struct error *err);
int find_runtime_dir(const struct find *find, char out[CONFIG_PATH_MAX], struct error *err);
int find_state_dir(const struct find *find, char out[CONFIG_PATH_MAX], struct error *err);
/* Is a runtime named on the command line or in the environment? */
const char *find_named_runtime(const struct find *find);

/* The scalar at the top of a YAML file under `key`. 0; -ENOENT: no such key; -EINVAL: no such file, or no YAML. */
int find_yaml_scalar(const char *path, const char *key, char *out, size_t size);

#endif
