#include "config/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Append one component to an absolute path ("" is the root). */
static int append(char out[CONFIG_PATH_MAX], const char *part, size_t length)
{
    size_t used = strlen(out);
    if (length == 0 || (length == 1 && part[0] == '.'))
        return 0;
    if (length == 2 && part[0] == '.' && part[1] == '.') {
        char *slash = strrchr(out, '/');
        if (slash != NULL)
            *slash = 0;
        return 0;
    }
    if (used + 1 + length >= CONFIG_PATH_MAX)
        return -ENAMETOOLONG;
    out[used] = '/';
    memcpy(out + used + 1, part, length);
    out[used + 1 + length] = 0;
    return 0;
}

static int append_all(char out[CONFIG_PATH_MAX], const char *path)
{
    int rc = 0;
    while (*path != 0 && rc == 0) {
        size_t length = strcspn(path, "/");
        rc = append(out, path, length);
        path += length + (path[length] == '/');
    }
    return rc;
}

int path_absolute(const char *base, const char *path, char out[CONFIG_PATH_MAX])
{
    out[0] = 0;
    int rc = path[0] == '/' ? 0 : append_all(out, base);
    if (rc == 0)
        rc = append_all(out, path);
    if (rc != 0)
        out[0] = 0;
    else if (out[0] == 0)
        memcpy(out, "/", sizeof "/");
    return rc;
}

int path_from_here(const char *path, char out[CONFIG_PATH_MAX])
{
    char here[CONFIG_PATH_MAX] = "/";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL) {
        out[0] = 0;
        return -ENAMETOOLONG;
    }
    return path_absolute(here, path, out);
}

int path_join(const char *folder, const char *name, char *out, size_t size)
{
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    bool root = length == 1 && folder[0] == '/';
    int n = snprintf(out, size, "%.*s%s%s", (int)length, folder, root ? "" : "/", name);
    return n >= 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

int path_ends(const char *name, const char *ending)
{
    size_t a = strlen(name), b = strlen(ending);
    return a >= b && strcmp(name + a - b, ending) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int path_names_read(const char *folder, const char *ending, struct path_names *out)
{
    *out = (struct path_names){0};
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return -errno;
    int rc = 0;
    out->list = calloc(PATH_NAMES_MAX, sizeof out->list[0]);
    if (out->list == NULL)
        rc = -ENOMEM;
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' || !path_ends(entry->d_name, ending))
            continue;
        if (out->count == PATH_NAMES_MAX)
            rc = -E2BIG;
        else if ((out->list[out->count] = strdup(entry->d_name)) == NULL)
            rc = -ENOMEM;
        else
            out->count++;
    }
    closedir(dir);
    if (rc != 0)
        path_names_free(out);
    else
        qsort(out->list, out->count, sizeof out->list[0], compare_names);
    return rc;
}

void path_names_free(struct path_names *names)
{
    for (size_t i = 0; names->list != NULL && i < names->count; i++)
        free(names->list[i]);
    free(names->list);
    *names = (struct path_names){0};
}
