/* paths: absolute, without . and .., and never cut short. */
#ifndef PROPFLEET_CONFIG_PATHS_H
#define PROPFLEET_CONFIG_PATHS_H

#include <stddef.h>

#include "config/config.h"

/* `path` as seen from the absolute folder `base`. ".." is taken literally: the name before it goes.
 * 0 or -ENAMETOOLONG (with out empty). */
int path_absolute(const char *base, const char *path, char out[CONFIG_PATH_MAX]);
/* The same, as seen from the current working directory. */
int path_from_here(const char *path, char out[CONFIG_PATH_MAX]);
/* "a" + "/" + "b", with no slash doubled. 0 or -ENAMETOOLONG. */
int path_join(const char *folder, const char *name, char *out, size_t size);
/* Does the name end so? */
int path_ends(const char *name, const char *ending);

#define PATH_NAMES_MAX 1024
/* The sorted names in a folder that end in `ending` and do not begin with a dot; "" is every ending.
 * 0, -errno, or -E2BIG (more than PATH_NAMES_MAX). The list and each name are the caller's (path_names_free). */
struct path_names {
    char **list;
    size_t count;
};
int path_names_read(const char *folder, const char *ending, struct path_names *out);
void path_names_free(struct path_names *names);

#endif
