#!/usr/bin/env bash
# Static checks: what each program links, what the pure folders include, clang-tidy, cppcheck, warnings as errors.
set -u
cd "$(dirname "$0")/.."
status=0
say() { # ok? text
    if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; status=1; fi
}

# The supervisor can hang or be corrupted by nothing of trading: neither libzmq nor liblmdb, no threads.
supervisor=build/libexec/propfleet/propfleet-supervisor
! ldd "$supervisor" | grep -E 'zmq|lmdb|yaml|msgpack|pthread'
say $? "the supervisor links no libzmq, liblmdb, libyaml, msgpack"
! nm -u "$supervisor" | grep -E 'pthread_create|mdb_|zmq_|msgpack_'
say $? "the supervisor refers to none of their symbols"

# The pure folders: no clock, file, socket, allocation.
pure=(workers/strategy/*.c workers/strategy/indicators/*.c workers/risk/*.c workers/risk/rules/*.c workers/account/core*.c workers/account/order.c workers/account/journal.c
      workers/coordinator/core.c)
! grep -nE '#include <(unistd|fcntl|sys/|time|pthread|stdlib|zmq|lmdb)' "${pure[@]}"
say $? "pure code includes no header of the operating system"
! grep -nE '\b(malloc|calloc|realloc|free|clock_gettime|time|rand|random|open|read|write|fopen)\(' "${pure[@]}"
say $? "pure code allocates nothing, reads no clock, draws no random number"

# Dependencies run one way.
! grep -nE '#include "(workers|tools)/' base/*.[ch] shm/*.[ch] config/*.[ch]
say $? "base, shm and config include nothing of workers or tools"
! grep -nE '#include "(workers|tools)/' supervisor/*.[ch]
say $? "the supervisor includes nothing of workers or tools"

mkdir -p build/test-logs
make -j"$(nproc)" WERROR=1 BUILD=build/werror/ programs tests >build/test-logs/werror.log 2>&1
say $? "everything compiles with warnings as errors"

sources=$(git ls-files '*.c' 2>/dev/null | grep -v '^tests/' || find . -name '*.c' -not -path './build/*' -not -path './tests/*')
[ -n "$sources" ] || sources=$(find base shm config supervisor workers tools -name '*.c')
cppcheck --quiet --enable=warning,portability,performance --inline-suppr --suppressions-list=tests/cppcheck.txt \
    --error-exitcode=1 --std=c11 -I. -D_GNU_SOURCE -j"$(nproc)" $sources >build/test-logs/cppcheck.log 2>&1
result=$?
[ $result -eq 0 ] || head -30 build/test-logs/cppcheck.log
say $result "cppcheck has no finding that is not explained in tests/cppcheck.txt"

printf '%s\n' $sources | xargs -P "$(nproc)" -I{} clang-tidy --quiet --warnings-as-errors='*' {} -- -std=c17 -I. -D_GNU_SOURCE \
    >build/test-logs/clang-tidy.log 2>/dev/null
result=$?
[ $result -eq 0 ] || grep -E 'error|warning' build/test-logs/clang-tidy.log | head -30
say $result "clang-tidy (.clang-tidy) has no finding"
exit $status
