/* segment: memfds, as design.md section 3 has them.
 *
 * The supervisor creates a segment and hands its descriptor to the owner, who maps it
 * writable and says MAPPED; then the supervisor seals it (FUTURE_WRITE, SHRINK, GROW, SEAL) and
 * only then passes it to readers. A read-only descriptor alone is no boundary.
 */
#ifndef PROPFLEET_SHM_SEGMENT_H
#define PROPFLEET_SHM_SEGMENT_H

#include <stddef.h>

struct error;

/* A close-on-exec memfd of `size` bytes, allowing seals. Returns the descriptor or -errno. */
int segment_create(const char *name, size_t size, struct error *err);
/* Map all of it. The size is that of the descriptor (fstat), at least min_size. */
int segment_map_owner(int fd, size_t min_size, void **memory, size_t *size, struct error *err);
int segment_map_reader(int fd, size_t min_size, const void **memory, size_t *size, struct error *err);
/* Add the seals that end all future writing but the owner's existing mapping. */
int segment_seal(int fd, struct error *err);
/* 0 when all four seals are there; -EPERM otherwise: a reader refuses an unsealed segment. */
int segment_check_sealed(int fd, struct error *err);
void segment_unmap(const void *memory, size_t size);

#endif
