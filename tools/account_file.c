#include "tools/account_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "config/paths.h"
#include "tools/find.h"
#include "tools/text.h"

#define REMOVED_MAX 1000u /* of one name */

/* --- text ---------------------------------------------------------------------------------- */

/* [a-z0-9][a-z0-9-]*: a firm's, programme's or personality's name. */
static bool is_label(const char *text)
{
    return text && text[0] && text[0] != '-' && strlen(text) < CONFIG_NAME_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

bool account_file_is_amount(const char *text)
{
    dec_t value;
    return text && text[0] >= '0' && text[0] <= '9' && dec_parse(text, strlen(text), &value) == 0 && value > 0;
}

bool account_file_is_currency(const char *text)
{
    return text && strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

static int check(const struct account_spec *spec, struct error *err)
{
    if (!spec->name || !text_is_name(spec->name))
        return error_set(err, EINVAL, "name '%.40s': lower-case letters, digits and dashes, beginning with a letter, at most 31",
                         spec->name ? spec->name : "");
    if (!is_label(spec->firm) || !is_label(spec->programme))
        return error_set(err, EINVAL, "firm and programme '%.40s/%.40s': names such as ftmo/2-step", spec->firm ? spec->firm : "",
                         spec->programme ? spec->programme : "");
    if (spec->phase && !is_label(spec->phase))
        return error_set(err, EINVAL, "phase '%.40s': a name such as challenge", spec->phase);
    if (!is_label(spec->personality))
        return error_set(err, EINVAL, "personality '%.40s': a name such as avocet", spec->personality ? spec->personality : "");
    if (!account_file_is_amount(spec->size))
        return error_set(err, EINVAL, "size '%.40s': an amount such as 100000", spec->size ? spec->size : "");
    if (!account_file_is_currency(spec->currency))
        return error_set(err, EINVAL, "currency '%.40s': three letters such as USD", spec->currency ? spec->currency : "");
    if (spec->after_crash && strcmp(spec->after_crash, "resume") != 0 && strcmp(spec->after_crash, "flatten") != 0)
        return error_set(err, EINVAL, "after-crash '%.40s': resume or flatten", spec->after_crash);
    return 0;
}

int account_file_text(const struct account_spec *spec, char *out, size_t size, struct error *err)
{
    int rc = check(spec, err);
    if (rc != 0)
        return rc;
    char seed[64] = "", phase[CONFIG_NAME_MAX + 16] = "";
    if (spec->phase)
        snprintf(phase, sizeof phase, "phase: %s\n", spec->phase);
    if (spec->has_seed)
        snprintf(seed, sizeof seed, "paper: {seed: %" PRIu64 "}\n", spec->seed);
    int n = snprintf(out, size,
                     "# Written by propfleet account add. Every key: propfleet check --explain.\n"
                     "config_version: 1\n"
                     "name: %s\n"
                     "programme: %s/%s\n"
                     "%s"
                     "personality: %s\n"
                     "balance: %s %s\n"
                     "after_crash: %s\n"
                     "%s%s",
                     spec->name, spec->firm, spec->programme, phase, spec->personality, spec->size, spec->currency,
                     spec->after_crash ? spec->after_crash : "resume", spec->observe_only ? "observe_only: true\n" : "", seed);
    return n > 0 && (size_t)n < size ? n : error_set(err, EINVAL, "the account's file would be too long");
}

/* --- files ---------------------------------------------------------------------------------- */

static int sync_folder_of(const char *path)
{
    char folder[CONFIG_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    int fd = open(slash ? folder[0] ? folder : "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fsync(fd) == 0 || errno == EINVAL ? 0 : -errno;
    close(fd);
    return rc;
}

static int write_whole(int fd, const char *text)
{
    for (size_t done = 0, length = strlen(text); done < length;) {
        ssize_t n = write(fd, text + done, length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

int account_file_move(const char *from, const char *to, struct error *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0)
        return errno == EEXIST ? error_set(err, EEXIST, "%s: there is one already", to) : error_errno(err, errno, "%s to %s", from, to);
    int rc = sync_folder_of(to);
    rc = rc == 0 ? sync_folder_of(from) : rc;
    return rc == 0 ? 0 : error_errno(err, -rc, "sync the folder of %s", to);
}

/* CONFIG/FOLDER/PREFIX NAME ENDING */
static int compose(const char *config_dir, const char *format, const char *name, unsigned number, char out[CONFIG_PATH_MAX],
                   struct error *err)
{
    char relative[CONFIG_PATH_MAX];
    int n = number ? snprintf(relative, sizeof relative, "%s/%s.%u", format, name, number)
                   : snprintf(relative, sizeof relative, "%s/%s", format, name);
    if (n >= (int)sizeof relative || path_join(config_dir, relative, out, CONFIG_PATH_MAX) != 0)
        return error_set(err, ENAMETOOLONG, "%s: path is too long", config_dir);
    return 0;
}

int account_file_write(const char *config_dir, const char *name, const char *text, char path[CONFIG_PATH_MAX], struct error *err)
{
    char file[CONFIG_NAME_MAX + 8], hidden[CONFIG_NAME_MAX + 32], temporary[CONFIG_PATH_MAX];
    snprintf(file, sizeof file, "%s.yaml", name);
    snprintf(hidden, sizeof hidden, ".%s.%ld.new", name, (long)getpid());
    int rc = compose(config_dir, "accounts", file, 0, path, err);
    rc = rc == 0 ? compose(config_dir, "accounts", hidden, 0, temporary, err) : rc;
    if (rc != 0)
        return rc;
    if (access(path, F_OK) == 0)
        return error_set(err, EEXIST, "%s: there is one already", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return error_errno(err, errno, "%s", temporary);
    rc = write_whole(fd, text);
    close(fd);
    if (rc != 0)
        error_errno(err, -rc, "%s", temporary);
    else
        rc = account_file_move(temporary, path, err);
    if (rc != 0)
        unlink(temporary);
    return rc;
}

int account_file_find(const char *config_dir, const char *name, char path[CONFIG_PATH_MAX], struct error *err)
{
    char folder[CONFIG_PATH_MAX];
    struct path_names names;
    if (path_join(config_dir, "accounts", folder, sizeof folder) != 0)
        return error_set(err, ENAMETOOLONG, "%s: path is too long", config_dir);
    int rc = path_names_read(folder, ".yaml", &names);
    if (rc != 0)
        return error_errno(err, -rc, "%s", folder);
    rc = -ENOENT;
    for (size_t i = 0; i < names.count && rc == -ENOENT; i++) {
        char found[CONFIG_NAME_MAX * 2];
        if (path_join(folder, names.list[i], path, CONFIG_PATH_MAX) == 0 &&
            find_yaml_scalar(path, "name", found, sizeof found) == 0 && strcmp(found, name) == 0)
            rc = 0;
    }
    path_names_free(&names);
    return rc == 0 ? 0 : error_set(err, ENOENT, "no file in %s describes account %s", folder, name);
}

int account_file_remove(const char *config_dir, const char *path, char moved[CONFIG_PATH_MAX], struct error *err)
{
    char folder[CONFIG_PATH_MAX];
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    if (path_join(config_dir, ACCOUNT_REMOVED_FOLDER, folder, sizeof folder) != 0)
        return error_set(err, ENAMETOOLONG, "%s: path is too long", config_dir);
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return error_errno(err, errno, "%s", folder);
    for (unsigned number = 0; number < REMOVED_MAX; number++) {
        int rc = compose(config_dir, ACCOUNT_REMOVED_FOLDER, file, number, moved, err);
        rc = rc == 0 ? account_file_move(path, moved, err) : rc;
        if (rc != -EEXIST)
            return rc;
    }
    return error_set(err, EEXIST, "%s: %u files of this name", folder, REMOVED_MAX);
}

/* --- another phase --------------------------------------------------------------------------------------- */

int account_file_phase(const char *text, const char *phase, char *out, size_t size, struct error *err)
{
    size_t used = 0;
    bool done = false, has = strncmp(text, "phase:", 6) == 0 || strstr(text, "\nphase:") != NULL;
    if (!is_label(phase))
        return error_set(err, EINVAL, "phase '%.40s': a name such as challenge", phase);
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n") + (strchr(line, '\n') != NULL);
        bool old = strncmp(line, "phase:", 6) == 0, programme = strncmp(line, "programme:", 10) == 0;
        int n = old ? snprintf(out + used, size - used, "phase: %s\n", phase)
                    : snprintf(out + used, size - used, "%.*s", (int)length, line);
        used += n > 0 ? (size_t)n : 0;
        if (used < size && programme && !has) {
            n = snprintf(out + used, size - used, "%sphase: %s\n", line[length - 1] == '\n' ? "" : "\n", phase);
            used += n > 0 ? (size_t)n : 0;
        }
        done |= old || programme;
        if (used >= size)
            return error_set(err, EINVAL, "the account's file would be too long");
        line += length;
    }
    return done ? (int)used : error_set(err, EINVAL, "the account's file has no line programme:");
}

int account_file_replace(const char *path, const char *text, struct error *err)
{
    char temporary[CONFIG_PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    size_t size = strlen(text);
    bool good = fd >= 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    int code = errno;
    if (fd >= 0)
        close(fd);
    if (good && rename(temporary, path) != 0) {
        good = false;
        code = errno;
    }
    if (good)
        return 0;
    (void)unlink(temporary);
    return error_set(err, code, "%s: %s", path, strerror(code));
}
