/* What a person left for the account's next start: files beside its store (request.h). */
#include "workers/account/driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "workers/account/journal.h"

#define REQUEST_LOOK_BACK 256u /* records: what did it was among the last of the life before */
#define REQUEST_ENTRIES_MAX 4096u

static void driver_request_path(const struct driver *driver, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s/%s", driver->child.config->state_dir, driver->core.settings->name, name);
}

/* NULL, or why the file is none that is believed: ours alone, a plain file, one line of the right form, under its own name. */
static const char *request_read(int fd, const char *name, struct driver_request *out)
{
    struct stat status;
    char text[REQUEST_BYTES_MAX + 1], own[REQUEST_WORD_MAX];
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return "not a plain file";
    if (status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return "not its owner's alone (0600)";
    ssize_t size = read(fd, text, sizeof text);
    if (size <= 0 || (size_t)size > REQUEST_BYTES_MAX || !request_parse(text, (size_t)size, &out->request))
        return "not what propfleet account writes";
    request_file_name(&out->request, own);
    if (strcmp(own, name) != 0)
        return "not under its own name";
    out->inode = status.st_ino;
    out->refused = NULL;
    return NULL;
}

static void driver_request_take(struct driver *driver, const char *name, struct driver_request *out)
{
    char path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + NAME_MAX + 3];
    driver_request_path(driver, name, path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const char *why = fd >= 0 ? request_read(fd, name, out) : strerror(errno);
    if (fd >= 0)
        close(fd);
    if (why)
        child_fatal(&driver->child, CHILD_EXIT_NEVER, "%s: %s: remove it, and type the command again", path, why);
}

/* The balance first (the others would take it along), then what makes room, then what takes it; by position. */
static bool request_before(const struct request *a, const struct request *b)
{
    static const unsigned order[] = {[REQUEST_BALANCE] = 0, [REQUEST_CLOSE] = 1, [REQUEST_ADOPT] = 2};
    return order[a->verb] != order[b->verb] ? order[a->verb] < order[b->verb] : a->position < b->position;
}

static void requests_sort(struct driver_request *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i; j > 0 && request_before(&list[j].request, &list[j - 1].request); j--) {
            struct driver_request swap = list[j - 1];
            list[j - 1] = list[j];
            list[j] = swap;
        }
}

uint32_t driver_requests_read(struct driver *driver, struct driver_request out[DRIVER_REQUESTS_MAX])
{
    char folder[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 2];
    uint32_t count = 0;
    snprintf(folder, sizeof folder, "%s/%s", driver->child.config->state_dir, driver->core.settings->name);
    DIR *stream = opendir(folder);
    if (!stream)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "%s: %s", folder, strerror(errno));
    const struct dirent *entry;
    for (uint32_t i = 0; i < REQUEST_ENTRIES_MAX && (entry = readdir(stream)) != NULL; i++) {
        if (strncmp(entry->d_name, REQUEST_FILE_PREFIX, strlen(REQUEST_FILE_PREFIX)) != 0)
            continue;
        if (count == DRIVER_REQUESTS_MAX)
            child_fatal(&driver->child, CHILD_EXIT_NEVER, "%s holds more than %u requests: remove some", folder, DRIVER_REQUESTS_MAX);
        driver_request_take(driver, entry->d_name, &out[count++]);
    }
    closedir(stream);
    requests_sort(out, count);
    return count;
}

struct request_search {
    const char *id;
    bool found;
};

static int request_visit(void *context, uint64_t jseq, const void *data, size_t size)
{
    struct request_search *search = context;
    char id[REQUEST_WORD_MAX];
    (void)jseq;
    search->found |= journal_get_text(data, size, "request", id, sizeof id) == 0 && strcmp(id, search->id) == 0;
    return search->found;
}

bool driver_request_done(struct driver *driver, const char *id)
{
    struct request_search search = {.id = id};
    uint64_t last = store_journal_last(driver->store), from = last > REQUEST_LOOK_BACK ? last - REQUEST_LOOK_BACK : 1;
    if (last > 0 && store_journal_scan(driver->store, from, REQUEST_LOOK_BACK + 1, request_visit, &search) < 0)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "the journal cannot be read from %llu on", (unsigned long long)from);
    return search.found;
}

void driver_request_remove(struct driver *driver, const struct driver_request *request)
{
    char path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + NAME_MAX + 3], name[REQUEST_WORD_MAX];
    struct stat status;
    request_file_name(&request->request, name);
    driver_request_path(driver, name, path, sizeof path);
    if (lstat(path, &status) != 0 || status.st_ino != request->inode)
        return;
    if (unlink(path) != 0)
        log_warning("%s: %s", path, strerror(errno));
}
