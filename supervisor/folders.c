#include "supervisor/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

int folders_make(const char *path, struct error *err)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return error_set(err, ENAMETOOLONG, "%s: path is too long", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return error_errno(err, errno, "make folder %s", part);
        *slash = '/';
    }
    if (mkdir(part, 0700) != 0 && errno != EEXIST)
        return error_errno(err, errno, "make folder %s", part);
    return 0;
}

int folders_make_private(const char *path, struct error *err)
{
    struct stat st;
    int rc = folders_make(path, err);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "open folder %s", path);
    if (fstat(fd, &st) != 0)
        rc = error_errno(err, errno, "folder %s", path);
    else if (st.st_uid != geteuid())
        rc = error_set(err, EPERM, "folder %s: belongs to uid %u, not to us", path, (unsigned)st.st_uid);
    else if ((st.st_mode & 0777) != 0700 && fchmod(fd, 0700) != 0)
        rc = error_errno(err, errno, "close folder %s to others", path);
    close(fd);
    return rc;
}

int folders_lock(const char *folder, const char *name, struct error *err)
{
    char path[PATH_MAX], text[32] = "";
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return error_set(err, ENAMETOOLONG, "%s/%s: path is too long", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, errno, "open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = 0;
        text[strcspn(text, "\n")] = 0;
        close(fd);
        if (code == EWOULDBLOCK)
            return error_set(err, code, "%s: a supervisor already runs here (pid %s); stop it first: propfleet stop", path,
                             text[0] ? text : "unknown");
        return error_errno(err, code, "lock %s", path);
    }
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        int code = errno;
        close(fd);
        return error_errno(err, code, "write %s", path);
    }
    return fd;
}
