#include "tools/find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/document.h"
#include "config/paths.h"
#include "tools/client.h"
#include "tools/view.h"

static int root_scalar(struct document *document, const char *key, char *out, size_t size)
{
    const yaml_node_t *root = document_root(document);
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = document_node(document, pair->key), *value = document_node(document, pair->value);
        if (name->type != YAML_SCALAR_NODE || value->type != YAML_SCALAR_NODE ||
            strcmp((const char *)name->data.scalar.value, key) != 0)
            continue;
        int n = snprintf(out, size, "%s", (const char *)value->data.scalar.value);
        return n >= 0 && (size_t)n < size ? 0 : -EINVAL;
    }
    return -ENOENT;
}

int find_yaml_scalar(const char *path, const char *key, char *out, size_t size)
{
    struct loader_options options = {0};
    struct loader_report *report = calloc(1, sizeof *report);
    struct loading *loading = calloc(1, sizeof *loading);
    struct document document;
    int rc = -EINVAL;
    if (report && loading) {
        *loading = (struct loading){.options = &options, .report = report};
        if (document_open(loading, path, path, &document) == 0) {
            rc = root_scalar(&document, key, out, size);
            document_close(&document);
        }
    }
    free(loading);
    free(report);
    return rc;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

int find_config_dir(const struct find *find, char out[CONFIG_PATH_MAX], struct error *err)
{
    const char *dir = find->config ? find->config : environment("PROPFLEET_CONFIG");
    if (!dir)
        dir = access("config/fleet.yaml", F_OK) == 0 ? "config" : FIND_CONFIG_DIR;
    if (snprintf(out, CONFIG_PATH_MAX, "%s", dir) >= CONFIG_PATH_MAX)
        return error_set(err, ENAMETOOLONG, "%.80s...: the path of the configuration is too long", dir);
    return 0;
}

/* A folder that fleet.yaml names, relative to the folder that it lies in. */
static int yaml_dir(const struct find *find, const char *key, const char *fallback, char out[CONFIG_PATH_MAX], struct error *err)
{
    char config[CONFIG_PATH_MAX], path[CONFIG_PATH_MAX], named[CONFIG_PATH_MAX];
    int rc = find_config_dir(find, config, err);
    if (rc != 0)
        return rc;
    char *base = realpath(config, NULL);
    if (!base)
        return error_set(err, errno, "no configuration at %s (%s); --config DIR names it", config, strerror(errno));
    rc = path_join(base, "fleet.yaml", path, sizeof path);
    int found = rc == 0 ? find_yaml_scalar(path, key, named, sizeof named) : -EINVAL;
    if (found == -EINVAL)
        rc = error_set(err, EINVAL, "%s/fleet.yaml cannot be read; propfleet check --config %s says why", config, config);
    else if ((rc = path_absolute(base, found == 0 ? named : fallback, out)) != 0)
        error_set(err, ENAMETOOLONG, "%s/fleet.yaml: %s is too long", config, key);
    free(base);
    return rc;
}

static int given_dir(const char *given, char out[CONFIG_PATH_MAX], struct error *err)
{
    if (path_from_here(given, out) != 0)
        return error_set(err, ENAMETOOLONG, "%.80s...: the path is too long", given);
    return 0;
}

const char *find_named_runtime(const struct find *find)
{
    return find->runtime ? find->runtime : environment("PROPFLEET_RUNTIME");
}

int find_runtime_dir(const struct find *find, char out[CONFIG_PATH_MAX], struct error *err)
{
    const char *named = find_named_runtime(find);
    if (named)
        return given_dir(named, out, err);
    int rc = yaml_dir(find, "runtime_dir", FIND_RUNTIME_DIR, out, err);
    return rc == 0 ? 0 : error_context(err, "which fleet is meant? --runtime DIR names it");
}

int find_state_dir(const struct find *find, char out[CONFIG_PATH_MAX], struct error *err)
{
    char runtime[CONFIG_PATH_MAX];
    if (find->state)
        return given_dir(find->state, out, err);
    int rc = find_runtime_dir(find, runtime, err);
    struct view *view = rc == 0 ? calloc(1, sizeof *view) : NULL;
    if (rc == 0)
        rc = view ? view_ask(runtime, view, err) : error_set(err, ENOMEM, "no memory");
    if (rc == 0)
        snprintf(out, CONFIG_PATH_MAX, "%s", view->state_dir);
    free(view);
    if (rc == 0)
        return 0;
    /* A runtime that was named and does not answer says nothing about where its state is. */
    if (find_named_runtime(find) && !find->config)
        return error_context(err, "where is its state? --state DIR names it");
    rc = yaml_dir(find, "state_dir", FIND_STATE_DIR, out, err);
    return rc == 0 ? 0 : error_context(err, "where is the state? --state DIR names it");
}
