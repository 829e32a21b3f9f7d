#include "shm/segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define SEGMENT_SIZE_MAX (UINT64_C(1) << 30)
#define SEGMENT_SEALS (F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Newer than the libc headers of some supported systems. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int segment_create(const char *name, size_t size, struct error *err)
{
    assert(name && size > 0);
    if (size > SEGMENT_SIZE_MAX)
        return error_set(err, EFBIG, "segment %s: %zu bytes, at most %llu", name, size,
                         (unsigned long long)SEGMENT_SIZE_MAX);
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) /* a kernel before 6.3 does not know MFD_NOEXEC_SEAL */
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_errno(err, errno, "segment %s: memfd_create", name);
    if (ftruncate(fd, (off_t)size) != 0) {
        int code = errno;
        close(fd);
        return error_errno(err, code, "segment %s: %zu bytes", name, size);
    }
    return fd;
}

/* The descriptor came from another process: its size is checked before it becomes a length. */
static int segment_size(int fd, size_t min_size, size_t *size, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_errno(err, errno, "segment descriptor %d: fstat", fd);
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL, "segment descriptor %d: not a memfd", fd);
    if (st.st_size <= 0 || (uint64_t)st.st_size < min_size || (uint64_t)st.st_size > SEGMENT_SIZE_MAX)
        return error_set(err, EINVAL, "segment descriptor %d: %lld bytes, expected %zu to %llu", fd,
                         (long long)st.st_size, min_size, (unsigned long long)SEGMENT_SIZE_MAX);
    *size = (size_t)st.st_size;
    return 0;
}

int segment_map_owner(int fd, size_t min_size, void **memory, size_t *size, struct error *err)
{
    assert(memory && size);
    size_t bytes = 0;
    int rc = segment_size(fd, min_size, &bytes, err);
    if (rc < 0)
        return rc;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return error_errno(err, errno, "segment descriptor %d: map %zu bytes to write", fd, bytes);
    /* All pages now: a host without memory is an error here, not a SIGBUS in the middle of a write,
     * and no publish pays for a page fault. EINVAL: a kernel before 5.14. */
    if (madvise(p, bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
        int code = errno;
        munmap(p, bytes);
        return error_errno(err, code, "segment descriptor %d: memory for %zu bytes", fd, bytes);
    }
    *memory = p;
    *size = bytes;
    return 0;
}

int segment_map_reader(int fd, size_t min_size, const void **memory, size_t *size, struct error *err)
{
    assert(memory && size);
    size_t bytes = 0;
    int rc = segment_size(fd, min_size, &bytes, err);
    if (rc < 0)
        return rc;
    void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return error_errno(err, errno, "segment descriptor %d: map %zu bytes to read", fd, bytes);
    *memory = p;
    *size = bytes;
    return 0;
}

int segment_seal(int fd, struct error *err)
{
    assert(fd >= 0);
    if (fcntl(fd, F_ADD_SEALS, SEGMENT_SEALS) != 0)
        return error_errno(err, errno, "segment descriptor %d: seal", fd);
    return segment_check_sealed(fd, err);
}

int segment_check_sealed(int fd, struct error *err)
{
    assert(fd >= 0);
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0)
        return error_errno(err, EPERM, "segment descriptor %d: has no seals", fd);
    if ((seals & SEGMENT_SEALS) != SEGMENT_SEALS)
        return error_set(err, EPERM, "segment descriptor %d: seals %#x, need %#x", fd, (unsigned)seals,
                         (unsigned)SEGMENT_SEALS);
    return 0;
}

void segment_unmap(const void *memory, size_t size)
{
    assert(memory && size > 0);
    int rc = munmap((void *)(uintptr_t)memory, size);
    assert(rc == 0);
    (void)rc;
}
