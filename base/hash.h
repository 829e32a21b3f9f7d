/* hash: small deterministic mixing functions. Not cryptographic: digests that a
 * person relies on (journal --hash, audit) are SHA-256 from libsodium, in tools/. */
#ifndef PROPFLEET_BASE_HASH_H
#define PROPFLEET_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t hash_mix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t hash_combine(uint64_t seed, uint64_t value) { return hash_mix64(seed ^ hash_mix64(value)); }

/* FNV-1a, 64 bits: content digests of configuration sections and checksums of snapshots. */
static inline uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = seed ? seed : UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

#endif
