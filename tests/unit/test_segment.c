/* Segments: what a reader may do with a descriptor before and after the seals. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "shm/segment.h"

#define SIZE ((size_t)16384)

struct fixture {
    int fd;
    unsigned char *owner;
};
static struct fixture fixture;

static int setup(void **state)
{
    struct error err = {0};
    void *memory = NULL;
    size_t size = 0;
    fixture.fd = segment_create("test", SIZE, &err);
    if (fixture.fd < 0 || segment_map_owner(fixture.fd, SIZE, &memory, &size, &err) != 0 || size != SIZE)
        return -1;
    fixture.owner = memory;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    segment_unmap(f->owner, SIZE);
    return close(f->fd);
}

/* What a process that was given only a descriptor can try: reopen it for writing, then map. */
static int reopen(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

static void *map_writable(int fd) { return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); }

static void test_create(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(fstat(f->fd, &st), 0);
    assert_int_equal(st.st_size, SIZE);
    assert_true(fcntl(f->fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(f->fd, F_GET_SEALS) & F_SEAL_SEAL, 0);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(f->owner[i], 0);
}

static void test_create_too_large(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(segment_create("huge", (size_t)1 << 40, &err), -EFBIG);
    assert_int_equal(err.code, EFBIG);
    assert_non_null(strstr(err.text, "huge"));
}

static void test_owner_and_reader_share(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    const void *view = NULL;
    size_t size = 0;
    assert_int_equal(segment_seal(f->fd, &err), 0);
    assert_int_equal(segment_map_reader(f->fd, SIZE, &view, &size, &err), 0);
    assert_int_equal(size, SIZE);
    f->owner[SIZE - 1] = 0x5a; /* the owner's mapping from before the seal still writes */
    assert_int_equal(((const volatile unsigned char *)view)[SIZE - 1], 0x5a);
    segment_unmap(view, size);
}

static void test_map_refuses_what_is_no_segment(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    const void *view = NULL;
    void *memory = NULL;
    size_t size = 0;
    int pipes[2], empty;
    assert_int_equal(segment_map_reader(f->fd, SIZE + 1, &view, &size, &err), -EINVAL);
    assert_int_equal(segment_map_owner(f->fd, SIZE + 1, &memory, &size, &err), -EINVAL);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(segment_map_reader(pipes[0], 1, &view, &size, &err), -EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(segment_map_reader(pipes[0], 1, &view, &size, &err), -EBADF);
    empty = memfd_create("empty", MFD_CLOEXEC);
    assert_true(empty >= 0);
    assert_int_equal(segment_map_reader(empty, 0, &view, &size, &err), -EINVAL);
    assert_int_equal(ftruncate(empty, (off_t)1 << 40), 0); /* a size that nobody should map */
    assert_int_equal(segment_map_reader(empty, 0, &view, &size, &err), -EINVAL);
    close(empty);
    assert_null(view);
    assert_null(memory);
    assert_int_equal(segment_map_owner(f->fd, SIZE + 1, &memory, &size, NULL), -EINVAL); /* no error object */
}

/* The reason for the seals: without them a read-only descriptor is no boundary. */
static void test_unsealed_is_no_boundary(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    assert_int_equal(segment_check_sealed(f->fd, &err), -EPERM);
    int read_only = reopen(f->fd, O_RDONLY);
    assert_true(read_only >= 0);
    assert_ptr_equal(map_writable(read_only), MAP_FAILED);
    int writable = reopen(read_only, O_RDWR);
    assert_true(writable >= 0);
    unsigned char *map = map_writable(writable);
    assert_ptr_not_equal(map, MAP_FAILED);
    map[0] = 1;
    assert_int_equal(f->owner[0], 1);
    munmap(map, SIZE);
    close(writable);
    close(read_only);
}

static void expect_no_writing(int fd)
{
    char byte = 1;
    assert_ptr_equal(map_writable(fd), MAP_FAILED);
    assert_int_equal(errno, EPERM);
    assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, SIZE / 2), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, SIZE * 2), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    assert_int_equal(errno, EPERM);
}

static void test_sealed_ends_all_writing(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    f->owner[0] = 77;
    assert_int_equal(segment_seal(f->fd, &err), 0);
    assert_int_equal(segment_check_sealed(f->fd, &err), 0);
    expect_no_writing(f->fd);
    int writable = reopen(f->fd, O_RDWR);
    assert_true(writable >= 0); /* opening is allowed, writing is not */
    expect_no_writing(writable);
    close(writable);
    assert_int_equal(fcntl(f->fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(f->owner[0], 77);
    f->owner[0] = 78; /* and the owner goes on */
}

static void test_reader_mapping_cannot_be_made_writable(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    const void *view = NULL;
    size_t size = 0;
    assert_int_equal(segment_seal(f->fd, &err), 0);
    assert_int_equal(segment_map_reader(f->fd, SIZE, &view, &size, &err), 0);
    assert_int_equal(mprotect((void *)(uintptr_t)view, size, PROT_READ | PROT_WRITE), -1);
    assert_int_equal(errno, EACCES);
    segment_unmap(view, size);
}

/* The same from another process of the same user, which inherits the descriptor. */
static void test_another_process_cannot_write(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    assert_int_equal(segment_seal(f->fd, &err), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        munmap(f->owner, SIZE);
        int writable = reopen(f->fd, O_RDWR);
        int wrong = writable < 0 || map_writable(writable) != MAP_FAILED || map_writable(f->fd) != MAP_FAILED ||
                    write(writable, "x", 1) != -1;
        _exit(wrong);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(f->owner[0], 0);
}

static void test_every_seal_is_asked_for(void **state)
{
    (void)state;
    static const int all[] = {F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL};
    for (size_t missing = 0; missing < 4; missing++) {
        struct error err = {0};
        int seals = 0, fd = segment_create("partly", SIZE, &err);
        assert_true(fd >= 0);
        for (size_t i = 0; i < 4; i++)
            seals |= i == missing ? 0 : all[i];
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
        assert_int_equal(segment_check_sealed(fd, &err), -EPERM);
        assert_int_equal(err.code, EPERM);
        close(fd);
    }
}

static void test_what_has_no_seals_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(segment_check_sealed(pipes[0], &err), -EPERM);
    assert_true(segment_seal(pipes[0], &err) < 0);
    close(pipes[0]);
    close(pipes[1]);
    int fd = memfd_create("unsealable", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(segment_seal(fd, &err), -EPERM);
    assert_int_equal(segment_check_sealed(fd, &err), -EPERM);
    close(fd);
}

#define SEGMENT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEGMENT_TEST(test_create),
        cmocka_unit_test(test_create_too_large),
        SEGMENT_TEST(test_owner_and_reader_share),
        SEGMENT_TEST(test_map_refuses_what_is_no_segment),
        SEGMENT_TEST(test_unsealed_is_no_boundary),
        SEGMENT_TEST(test_sealed_ends_all_writing),
        SEGMENT_TEST(test_reader_mapping_cannot_be_made_writable),
        SEGMENT_TEST(test_another_process_cannot_write),
        cmocka_unit_test(test_every_seal_is_asked_for),
        cmocka_unit_test(test_what_has_no_seals_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
