#!/usr/bin/env bash
# libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer over every target: tests/fuzz/run.sh [seconds [target ...]]
# Corpora and findings stay in build/fuzz; replay one with build/tests/fuzz_NAME FILE. Without clang: says so.
set -u
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(make -s fuzz-targets)
if ! command -v clang >/dev/null || ! echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d == 0 && n < 0; }' |
    clang -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null; then
    echo "skip - no clang with libFuzzer (Debian: clang, libclang-rt-dev)"
    exit 0
fi
status=0
mkdir -p build/fuzz
for target in "${targets[@]}"; do
    corpus=build/fuzz/$target
    mkdir -p "$corpus"
    # The plain build lists the objects: the same sources, instrumented.
    sources=$(make -s "sources-$target")
    # shellcheck disable=SC2086
    if ! clang -std=c17 -O1 -g -w -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I. -D_GNU_SOURCE \
        $sources -o "build/fuzz/$target.bin"; then
        echo "not ok - $target does not build"
        status=1
        continue
    fi
    if "build/fuzz/$target.bin" -max_total_time="$seconds" -max_len=8192 -artifact_prefix="build/fuzz/$target-" "$corpus" \
        >"build/fuzz/$target.log" 2>&1; then
        echo "ok - $target: $(grep -o '^Done.*' "build/fuzz/$target.log")"
    else
        echo "not ok - $target: $(grep -E 'does not hold|runtime error|ERROR' "build/fuzz/$target.log" | head -1)"
        grep -o 'Test unit written to.*' "build/fuzz/$target.log" | sed 's/^/    /'
        status=1
    fi
done
exit $status
