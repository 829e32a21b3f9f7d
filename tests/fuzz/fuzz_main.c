/* The loop without libFuzzer: seeds as they are, seeds with a few bytes changed, random bytes; the same for the same seed.
 *
 *   fuzz_NAME [-s seed] [-n runs] [file ...]      files: each once, nothing else (to replay a finding)
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "tests/fuzz/fuzz.h"

static uint8_t input[FUZZ_INPUT_MAX];
static uint64_t state;

static uint64_t draw(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix64(state);
}

/* Changes a few bytes, cuts, or repeats a piece. */
static size_t mutate(uint8_t *bytes, size_t size)
{
    for (uint64_t changes = draw() % 8; changes > 0 && size > 0; changes--) {
        size_t at = draw() % size;
        switch (draw() % 6) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << draw() % 8);
            break;
        case 1:
            bytes[at] = (uint8_t)draw();
            break;
        case 2:
            bytes[at] = (uint8_t)"\x00\xff\x80\x7f"[draw() % 4];
            break;
        case 3:
            size = at;
            break;
        case 4: {
            size_t length = draw() % (size - at) + 1;
            if (size + length > FUZZ_INPUT_MAX)
                break;
            memmove(bytes + at + length, bytes + at, size - at);
            size += length;
            break;
        }
        default: {
            size_t length = draw() % (size - at);
            memmove(bytes + at, bytes + at + length, size - at - length);
            size -= length;
            break;
        }
        }
    }
    return size;
}

static size_t make_input(unsigned seeds)
{
    size_t size;
    if (seeds > 0 && draw() % 8 != 0) {
        size = fuzz_seed((unsigned)(draw() % seeds), input);
        return mutate(input, size);
    }
    size = draw() % 8192;
    for (size_t i = 0; i < size; i++)
        input[i] = (uint8_t)draw();
    return size;
}

static int replay(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t size = fread(input, 1, sizeof input, in);
    (void)fclose(in);
    (void)LLVMFuzzerTestOneInput(input, size);
    printf("ok - %s: %s\n", fuzz_name, path);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    unsigned runs = fuzz_runs, seeds = 0;
    int option;
    while ((option = getopt(argc, argv, "s:n:")) != -1) {
        if (option == 's')
            seed = strtoull(optarg, NULL, 0);
        else if (option == 'n')
            runs = (unsigned)strtoul(optarg, NULL, 0);
        else
            return 2;
    }
    if (getenv("PROPFLEET_QUICK"))
        runs = runs / 20 + 1;
    if (optind < argc) {
        int failed = 0;
        for (int i = optind; i < argc; i++)
            failed |= replay(argv[i]);
        return failed;
    }
    printf("# %s: seed %llu\n", fuzz_name, (unsigned long long)seed);
    (void)fflush(stdout);
    for (size_t size; seeds < 1000 && (size = fuzz_seed(seeds, input)) > 0; seeds++)
        (void)LLVMFuzzerTestOneInput(input, size);
    for (unsigned i = 0; i < runs; i++) {
        state = hash_combine(seed, i); /* each input by itself: -n of a finding need not be run up to */
        (void)LLVMFuzzerTestOneInput(input, make_input(seeds));
    }
    printf("ok - %s: %u seeds and %u inputs\n", fuzz_name, seeds, runs);
    return 0;
}
