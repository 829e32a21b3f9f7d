/* The audit chain over the journal's records (persist.h). */
#include <sodium.h>

#include "workers/account/persist.h"

static_assert(PERSIST_CHAIN_BYTES == crypto_hash_sha256_BYTES, "SHA-256");

void persist_chain(unsigned char chain[PERSIST_CHAIN_BYTES], uint64_t n, const void *data, size_t size)
{
    unsigned char number[8];
    for (unsigned i = 0; i < sizeof number; i++)
        number[i] = (unsigned char)(n >> 8 * i);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, chain, PERSIST_CHAIN_BYTES);
    crypto_hash_sha256_update(&state, number, sizeof number);
    crypto_hash_sha256_update(&state, data, size);
    crypto_hash_sha256_final(&state, chain);
}
