#include "base/crashpoint.h"

#ifdef PROPFLEET_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CRASHPOINT_MAX 16
#define CRASHPOINT_NAME_MAX 64

struct point {
    char name[CRASHPOINT_NAME_MAX];
    unsigned long left; /* passages until the kill */
};

static struct point points[CRASHPOINT_MAX];
static size_t point_count;
static bool parsed;

/* A test whose crash point cannot fire must not pass as if nothing had been found. */
static void misuse(const char *what)
{
    fprintf(stderr, "crashpoint: %s\n", what);
    abort();
}

static void parse_one(const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    if (!colon || colon == text || colon - text >= CRASHPOINT_NAME_MAX || point_count == CRASHPOINT_MAX)
        misuse("PROPFLEET_CRASH is not name:count[,name:count...]");
    char *end = NULL;
    unsigned long count = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || count == 0 || end != text + length)
        misuse("PROPFLEET_CRASH: a count is not a whole number over 0");
    struct point *point = &points[point_count++];
    memcpy(point->name, text, (size_t)(colon - text));
    point->left = count;
}

static void parse(void)
{
    parsed = true;
    const char *text = getenv("PROPFLEET_CRASH");
    while (text && *text) {
        size_t length = strcspn(text, ",");
        parse_one(text, length);
        text += length;
        if (*text == ',')
            text++;
    }
}

/* True when this process is the one to die: it has made the file, or there is none to make. */
static bool arm(void)
{
    const char *path = getenv("PROPFLEET_CRASH_FILE");
    if (!path || !*path)
        return true;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return false;
    if (fd < 0)
        misuse("PROPFLEET_CRASH_FILE cannot be created");
    close(fd);
    return true;
}

void crashpoint_pass(const char *name)
{
    if (!parsed)
        parse();
    for (size_t i = 0; i < point_count; i++) {
        struct point *point = &points[i];
        if (strcmp(point->name, name) != 0 || point->left == 0 || --point->left > 0)
            continue;
        if (arm())
            kill(getpid(), SIGKILL);
    }
}

#else

typedef int crashpoint_is_empty; /* a translation unit has at least one declaration */

#endif
