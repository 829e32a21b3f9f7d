/* result: the named results of every read of shared memory. Never a bool. */
#ifndef PROPFLEET_SHM_RESULT_H
#define PROPFLEET_SHM_RESULT_H

enum shm_result {
    SHM_OK,
    SHM_EMPTY,   /* nothing new */
    SHM_LAPPED,  /* the writer overtook the reader; the number lost is known */
    SHM_CLOSED,  /* the writer said that nothing follows */
    SHM_STALE,   /* no whole copy in 16 tries, or the owner has not yet said ready */
    SHM_CORRUPT, /* magic, version, size or order is wrong */
};
const char *shm_result_name(enum shm_result result);

#endif
